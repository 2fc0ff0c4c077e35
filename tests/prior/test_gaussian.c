/* test_gaussian.c - the Gaussian field against dense linear algebra: the covariance matrix is
 * summed mode by mode from the power spectrum and given to LAPACK. */
#include <scorefield/prior.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) assert_int_equal((call), SF_OK)
#define PI       3.14159265358979323846
#define MAX      64 /* cells */

static const struct {
    int axes;
    size_t shape[3];
    double spacing[3];
} grids[] = {
    {1, {1}, {3.0}},
    {1, {6}, {0.25}},
    {1, {7}, {2.0}},
    {2, {4, 5}, {0.5, 2.0}},
    {2, {5, 6}, {0.1, 0.3}},
    {2, {6, 4}, {1.0, 1.0}},
    {3, {3, 4, 2}, {0.5, 1.0, 3.0}},
    {3, {2, 3, 5}, {2.0, 0.7, 1.1}},
};
#define GRIDS (sizeof grids / sizeof *grids)

/* P(k); the user's data is P(0). */
static double power(double k, void *zero_mode)
{
    return k == 0.0 ? *(double *)zero_mode : 3.0 / (0.2 + k * k);
}

static sf_prior *make_on(const sf_grid *grid, double zero_mode, double mean)
{
    sf_spectrum *spectrum;
    sf_prior *prior;

    OK(sf_spectrum_callback(power, &zero_mode, &spectrum));
    OK(sf_prior_gaussian(grid, spectrum, mean, &prior));
    sf_spectrum_release(&spectrum);
    return prior;
}

static sf_prior *make(size_t which, double zero_mode, double mean)
{
    sf_grid grid;

    OK(sf_grid_make(grids[which].axes, grids[which].shape, grids[which].spacing, &grid));
    return make_on(&grid, zero_mode, mean);
}

static size_t size_of(const sf_prior *prior) { return sf_grid_size(sf_prior_grid(prior)); }

static void draw(uint64_t sequence, size_t count, double *x)
{
    sf_random_normal(sf_random_make(11, 0), sequence, 0, count, x);
}

/* C_ij = (1/N) sum over the full spectrum of (P(k)/v) cos(k . (r_i - r_j)), + sigma^2. */
static void covariance(const sf_grid *grid, double zero_mode, double sigma, double *matrix)
{
    const size_t n = sf_grid_size(grid);

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0.0;
            for (size_t k = 0; k < n; k++) {
                size_t a = i, b = j, c = k;
                double k2 = 0.0, phase = 0.0;
                for (int axis = grid->axes - 1; axis >= 0; axis--) {
                    const size_t s = grid->shape[axis];
                    const double lag = (double)(a % s) - (double)(b % s), m = (double)(c % s);
                    const double folded = 2 * (c % s) > s ? m - (double)s : m;
                    const double wave = 2.0 * PI * folded / ((double)s * grid->spacing[axis]);
                    k2 += wave * wave;
                    phase += 2.0 * PI * m * lag / (double)s;
                    a /= s, b /= s, c /= s;
                }
                sum += power(sqrt(k2), &zero_mode) * cos(phase);
            }
            matrix[i * n + j] = sum / sf_grid_volume(grid) + (i == j ? sigma * sigma : 0.0);
        }
}

/* Energy, score and denoiser of N(mean, C + sigma^2) by Cholesky factors. */
static void every_view_is_the_dense_one(void **state)
{
    (void)state;
    const double zero_mode = 1.7, mean = -0.6, sigmas[] = {0.0, 0.3, 2.0};

    for (size_t g = 0; g < GRIDS; g++)
        for (size_t s = 0; s < 3; s++) {
            sf_prior *prior = make(g, zero_mode, mean);
            const size_t n = size_of(prior);
            static double matrix[MAX * MAX];
            double x[MAX], solved[MAX], out[MAX], energy, expected = 0.0;
            const double sigma = sigmas[s];
            draw(g, n, x);
            covariance(sf_prior_grid(prior), zero_mode, sigma, matrix);
            for (size_t i = 0; i < n; i++) solved[i] = x[i] - mean;
            assert_int_equal(
                LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', (int)n, 1, matrix, (int)n, solved, 1), 0);
            for (size_t i = 0; i < n; i++)
                expected +=
                    0.5 * (x[i] - mean) * solved[i] + log(matrix[i * n + i]) + 0.5 * log(2.0 * PI);
            OK(sf_prior_energy(prior, 1, x, sigma, &energy));
            assert_true(fabs(energy - expected) < 1e-11 * (fabs(expected) + (double)n));
            OK(sf_prior_score(prior, 1, x, sigma, out));
            for (size_t i = 0; i < n; i++)
                assert_true(fabs(out[i] + solved[i]) < 1e-11 * (fabs(solved[i]) + 1.0));
            if (sigma > 0.0) {
                OK(sf_prior_denoise(prior, 1, x, sigma, out));
                for (size_t i = 0; i < n; i++)
                    assert_true(fabs(out[i] - (x[i] - sigma * sigma * solved[i])) < 1e-11);
            }
            sf_prior_release(&prior);
        }
}

/* The energy is quadratic: its central difference is exact for any step. */
static void score_is_the_gradient_of_the_energy(void **state)
{
    (void)state;
    sf_prior *prior = make(4, 0.5, 1.0);
    const size_t n = size_of(prior);
    double x[2 * MAX], u[MAX], score[MAX], energy[2], slope = 0.0;

    draw(0, n, u);
    for (double sigma = 0.0; sigma < 3.0; sigma += 0.7) {
        draw(1, n, x);
        OK(sf_prior_score(prior, 1, x, sigma, score));
        slope = 0.0;
        for (size_t i = 0; i < n; i++) {
            slope += score[i] * u[i];
            x[n + i] = x[i] - u[i];
            x[i] += u[i];
        }
        OK(sf_prior_energy(prior, 2, x, sigma, energy));
        assert_true(fabs(0.5 * (energy[1] - energy[0]) - slope) < 1e-11 * (fabs(energy[0]) + 1.0));
    }
    sf_prior_release(&prior);
}

/* One cosine wave of wavevector (1, 2) is passed with P/(P + sigma^2 v): in units of P the noise
 * is sigma^2 times the cell volume. */
static void a_wave_is_passed_by_the_wiener_gain(void **state)
{
    (void)state;
    const size_t shape[2] = {8, 6};
    const double spacing[2] = {0.5, 3.0}, sigma = 0.8, zero_mode = 1.0;
    double x[48], out[48];
    sf_grid grid;

    OK(sf_grid_make(2, shape, spacing, &grid));
    sf_prior *prior = make_on(&grid, zero_mode, 0.0);
    for (size_t i = 0; i < 48; i++)
        x[i] = cos(2.0 * PI * ((double)(i / 6) / 8.0 + 2.0 * (double)(i % 6) / 6.0) + 0.4);
    const double k = hypot(2.0 * PI / (8 * 0.5), 2.0 * PI * 2.0 / (6 * 3.0));
    const double p = 3.0 / (0.2 + k * k);
    OK(sf_prior_denoise(prior, 1, x, sigma, out));
    for (size_t i = 0; i < 48; i++)
        assert_true(fabs(out[i] - p / (p + sigma * sigma * 0.5 * 3.0) * x[i]) < 1e-14);
    sf_prior_release(&prior);
}

/* prox of -log p: z - x = variance * score(z) at sigma = 0, and it is the denoiser. */
static void prox_is_the_denoiser(void **state)
{
    (void)state;
    sf_prior *prior = make(3, 0.4, 0.2);
    const size_t n = size_of(prior);
    double x[MAX], z[MAX], d[MAX], score[MAX];

    draw(2, n, x);
    for (double variance = 1e-3; variance < 1e3; variance *= 10.0) {
        OK(sf_prior_prox(prior, 1, x, variance, z));
        OK(sf_prior_score(prior, 1, z, 0.0, score));
        OK(sf_prior_denoise(prior, 1, x, sqrt(variance), d));
        for (size_t i = 0; i < n; i++) {
            assert_true(fabs(z[i] - x[i] - variance * score[i]) < 1e-12);
            assert_true(fabs(z[i] - d[i]) < 1e-14);
        }
    }
    sf_prior_release(&prior);
}

/* P(0) = 0: at sigma = 0 the mean is a constraint, not a division by zero. */
static void modes_without_power_are_constraints(void **state)
{
    (void)state;
    sf_prior *prior = make(4, 0.0, 5.0);
    const size_t n = size_of(prior);
    double x[MAX], score[MAX], energy, noised, sum = 0.0;

    draw(3, n, x);
    OK(sf_prior_energy(prior, 1, x, 0.0, &energy));
    assert_true(isinf(energy) && energy > 0.0);
    for (size_t i = 0; i < n; i++) sum += x[i] / (double)n;
    for (size_t i = 0; i < n; i++) x[i] += 5.0 - sum;
    OK(sf_prior_energy(prior, 1, x, 0.0, &energy));
    assert_true(isfinite(energy));
    /* the noised density has one dimension more, of variance sigma^2 */
    OK(sf_prior_energy(prior, 1, x, 1e-6, &noised));
    assert_true(fabs(noised - energy - 0.5 * log(2.0 * PI * 1e-12)) < 1e-8);
    OK(sf_prior_score(prior, 1, x, 0.0, score));
    sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        assert_true(isfinite(score[i]));
        sum += score[i];
    }
    assert_true(fabs(sum) < 1e-11);
    /* noised, the mean is all noise */
    for (size_t i = 0; i < n; i++) x[i] = 7.0;
    OK(sf_prior_denoise(prior, 1, x, 0.5, score));
    for (size_t i = 0; i < n; i++) assert_true(fabs(score[i] - 5.0) < 1e-13);
    sf_prior_release(&prior);
}

static void a_batch_is_its_fields(void **state)
{
    (void)state;
    sf_prior *prior = make(5, 1.0, 0.3);
    const size_t n = size_of(prior);
    double x[3 * MAX], together[3 * MAX], alone[MAX], energy[3], single;

    draw(4, 3 * n, x);
    OK(sf_prior_denoise(prior, 3, x, 0.9, together));
    OK(sf_prior_energy(prior, 3, x, 0.9, energy));
    for (size_t b = 0; b < 3; b++) {
        OK(sf_prior_denoise(prior, 1, x + b * n, 0.9, alone));
        assert_memory_equal(alone, together + b * n, n * sizeof *alone);
        OK(sf_prior_energy(prior, 1, x + b * n, 0.9, &single));
        assert_true(single == energy[b]);
    }
    sf_prior_release(&prior);
}

/* The prior's eigenvalues, evaluated once, are the field's own, and a batch on several threads is
 * its fields one by one, to the bit: also where a field has no array of them (2^18 modes). */
static void every_view_is_the_fields_own(void **state)
{
    enum { BATCH = 3 };
    const size_t shape[2] = {640, 1024};
    double zero_mode = 2.0, *x, *together, *alone, energy[BATCH], log_density;
    sf_spectrum *spectrum;
    sf_prior *prior;
    sf_field *field;
    sf_grid grid;

    (void)state;
    OK(sf_grid_make(2, shape, NULL, &grid));
    OK(sf_spectrum_callback(power, &zero_mode, &spectrum));
    OK(sf_prior_gaussian(&grid, spectrum, 0.3, &prior));
    OK(sf_field_create(&grid, spectrum, 0.3, &field));
    const size_t n = size_of(prior);
    x = malloc(BATCH * n * sizeof *x);
    together = malloc(BATCH * n * sizeof *together);
    alone = malloc(n * sizeof *alone);
    assert_true(x != NULL && together != NULL && alone != NULL);
    draw(6, BATCH * n, x);
    for (int threads = 1; threads <= 2; threads++) {
        OK(sf_thread_count_set(threads));
        OK(sf_prior_denoise(prior, BATCH, x, 0.9, together));
        OK(sf_prior_energy(prior, BATCH, x, 0.9, energy));
        for (size_t b = 0; b < BATCH; b++) {
            OK(sf_field_denoise(field, x + b * n, 0.9, alone));
            assert_memory_equal(alone, together + b * n, n * sizeof *alone);
            OK(sf_field_log_density(field, x + b * n, 0.9, &log_density));
            assert_true(energy[b] == -log_density);
        }
    }
    OK(sf_thread_count_set(0));
    free(x);
    free(together);
    free(alone);
    sf_field_release(&field);
    sf_prior_release(&prior);
    sf_spectrum_release(&spectrum);
}

static void a_mean_shifts_everything(void **state)
{
    (void)state;
    sf_prior *centred = make(6, 0.7, 0.0), *shifted = make(6, 0.7, 100.0);
    const size_t n = size_of(centred);
    double x[MAX], y[MAX], a[MAX], b[MAX];

    draw(5, n, x);
    for (size_t i = 0; i < n; i++) y[i] = x[i] + 100.0;
    OK(sf_prior_denoise(centred, 1, x, 0.5, a));
    OK(sf_prior_denoise(shifted, 1, y, 0.5, b));
    for (size_t i = 0; i < n; i++) assert_true(fabs(b[i] - a[i] - 100.0) < 1e-11);
    sf_prior_release(&centred);
    sf_prior_release(&shifted);
}

static void a_mean_must_be_finite(void **state)
{
    (void)state;
    double zero_mode = 1.0;
    sf_spectrum *spectrum;
    sf_prior *prior;
    sf_grid grid;

    OK(sf_grid_image(4, 4, &grid));
    OK(sf_spectrum_callback(power, &zero_mode, &spectrum));
    assert_int_equal(sf_prior_gaussian(&grid, spectrum, NAN, &prior), SF_ERR_ARGUMENT);
    assert_null(prior);
    sf_spectrum_release(&spectrum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_view_is_the_dense_one),
        cmocka_unit_test(score_is_the_gradient_of_the_energy),
        cmocka_unit_test(a_wave_is_passed_by_the_wiener_gain),
        cmocka_unit_test(prox_is_the_denoiser),
        cmocka_unit_test(modes_without_power_are_constraints),
        cmocka_unit_test(a_batch_is_its_fields),
        cmocka_unit_test(every_view_is_the_fields_own),
        cmocka_unit_test(a_mean_shifts_everything),
        cmocka_unit_test(a_mean_must_be_finite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
