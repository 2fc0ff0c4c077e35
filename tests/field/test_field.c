/* test_field.c - the Gaussian field: its eigenvalues against the spectrum's own; density,
 * determinant, score and denoiser at every noise level against a dense covariance (LAPACKE) and
 * finite differences; modes without power as constraints. */
#include "field/field.h"

#include <scorefield/field.h>

#include "check.h"

#include <complex.h>
#include <lapacke.h>
#include <stdlib.h>
#include <string.h>

static double smooth(double k, void *user)
{
    (void)user;
    return 2.0 * pow(1.0 + k * k, -1.5);
}

/* ---- eigenvalues -------------------------------------------------------------------------- */

/* A step, a kink, zeros, and an exponential fall: what polynomials cannot follow everywhere. */
static double broken(double k, void *user)
{
    (void)user;
    if (k < 0.05) return 3.0;
    if (k > 0.9 && k < 1.1) return 0.0;
    return (k > 0.5 ? 1.0 : 2.0 - 2.0 * k) * exp(-40.0 * k * k) + 1e-30;
}

static double wiggles(double k, void *user)
{
    (void)user;
    return (1.0 + 0.1 * sin(150.0 * k)) / (0.01 + k * k);
}

static sf_spectrum *spectrum_of(int which)
{
    double k[300], power[300];
    sf_spectrum *spectrum = NULL;

    switch (which) {
    case 0: assert_ok(sf_spectrum_power_law(3.0, -2.5, 7.0, &spectrum)); break;
    case 1: assert_ok(sf_spectrum_callback(broken, NULL, &spectrum)); break;
    case 2: assert_ok(sf_spectrum_callback(wiggles, NULL, &spectrum)); break;
    case 3: /* knots: the third derivative jumps */
        for (size_t i = 0; i < 300; i++) {
            k[i] = 1e-4 * pow(1.06, (double)i);
            power[i] = wiggles(k[i], NULL);
        }
        assert_ok(sf_spectrum_table(k, power, 300, 1.0, &spectrum));
        break;
    default: assert_ok(sf_spectrum_power_law(0.0, 1.0, 0.0, &spectrum)); break;
    }
    return spectrum;
}

/* Large grids, whose eigenvalues come from a table: 1e-10 of the spectrum's own, zeros exactly. */
static void eigenvalues_are_those_of_the_spectrum(void **state)
{
    static const struct {
        int axes;
        size_t shape[SF_GRID_MAX_AXES];
        double spacing[SF_GRID_MAX_AXES];
    } grids[] = {{1, {1200000}, {0.9}},
                 {2, {801, 1100}, {1.3, 0.8}},
                 {3, {96, 108, 121}, {5.0, 7.0, 4.0}},
                 {4, {30, 28, 26, 31}, {2.0, 2.0, 3.0, 1.0}}};

    (void)state;
    for (size_t g = 0; g < sizeof grids / sizeof *grids; g++)
        for (int which = 0; which < 5; which++) {
            sf_spectrum *spectrum = spectrum_of(which);
            sf_field *field;
            sf_grid grid;
            double *truth, lambda[SF_FIELD_PIECE];

            assert_ok(sf_grid_make(grids[g].axes, grids[g].shape, grids[g].spacing, &grid));
            assert_ok(sf_field_create(&grid, spectrum, 0.0, &field));
            assert_ok(sf_allocate(&truth, sf_grid_half_size(&grid), sizeof *truth));
            assert_ok(sf_spectrum_eigenvalues(spectrum, &grid, truth));
            if (which == 0) assert_non_null(field->eigenvalues);
            for (size_t p = 0; p < sf_piece_count(&grid); p++) {
                const sf_piece piece = sf_piece_at(&grid, p);

                assert_ok(sf_field_lambda(field, piece, lambda));
                for (size_t i = 0; i < piece.count; i++)
                    assert_close(lambda[i], truth[piece.at + i], 1e-10 * truth[piece.at + i]);
            }
            sf_free(truth);
            sf_field_release(&field);
            sf_spectrum_release(&spectrum);
        }
}

static double negative_at_large_k(double k, void *user)
{
    return k < *(const double *)user ? 1.0 : -1.0;
}

static void a_spectrum_that_fails_at_a_mode_is_refused(void **state)
{
    const double pi = acos(-1.0);
    double limit;
    sf_spectrum *spectrum;
    sf_field *field;
    sf_grid grid;

    (void)state;
    for (size_t n = 16; n <= 1000; n += 984) {
        assert_ok(sf_grid_image(n, n, &grid));
        assert_ok(sf_spectrum_callback(negative_at_large_k, &limit, &spectrum));
        limit = 0.9999 * sqrt(2.0) * pi; /* the corner mode alone is beyond */
        assert_status(SF_ERR_NUMERIC, sf_field_create(&grid, spectrum, 0.0, &field));
        assert_null(field);
        limit = 1.0001 * sqrt(2.0) * pi;
        assert_ok(sf_field_create(&grid, spectrum, 0.0, &field));
        sf_field_release(&field);
        assert_status(SF_ERR_ARGUMENT, sf_field_create(&grid, spectrum, NAN, &field));
        assert_null(field);
        sf_spectrum_release(&spectrum);
    }
}

static void eigenvalues_that_are_given(void **state)
{
    double lambda[12] = {1.0, 2.0, 0.0, 3.0};
    sf_field *field;
    sf_grid grid;
    double value;

    (void)state;
    assert_ok(sf_grid_image(4, 4, &grid));
    assert_ok(sf_field_from_eigenvalues(&grid, lambda, 0.0, &field));
    assert_ok(sf_field_log_determinant(field, 0.0, &value)); /* weights 1, 2 and 1 */
    assert_close(value, 2.0 * log(2.0) + log(3.0), 1e-14);
    sf_field_release(&field);
    lambda[5] = -1e-9;
    assert_status(SF_ERR_NUMERIC, sf_field_from_eigenvalues(&grid, lambda, 0.0, &field));
    assert_null(field);
}

/* ---- density ------------------------------------------------------------------------------- */

static const struct {
    int axes;
    size_t shape[SF_GRID_MAX_AXES];
} shapes[] = {{1, {12}},   {1, {11}},      {2, {8, 6}},       {2, {5, 7}},
              {2, {7, 4}}, {3, {4, 3, 4}}, {4, {2, 3, 2, 4}}, {1, {1}}};

#define EACH_SHAPE(s) (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)

typedef struct work {
    sf_grid grid;
    sf_field *field;
    size_t size;
    double *x, *y, *covariance; /* C of cell values, from lambda by the definition */
} work;

#define MEAN 0.75

/* C_{ab} = (1/N) sum_k lambda_k cos(2 pi k.(a - b)/N), the full spectrum. */
static double covariance(const sf_grid *grid, const double *lambda, size_t a, size_t b)
{
    double sum = 0.0;

    for (size_t i = 0; i < sf_grid_half_size(grid); i++) {
        size_t at = a, from = b;
        double turns = 0.0;
        long m[SF_GRID_MAX_AXES];

        sf_grid_mode(grid, i, m);
        for (int d = grid->axes - 1; d >= 0; d--) {
            const long n = (long)grid->shape[d];
            const long distance = (long)(at % grid->shape[d]) - (long)(from % grid->shape[d]);

            turns += (double)(m[d] * distance % n) / (double)n;
            at /= grid->shape[d];
            from /= grid->shape[d];
        }
        sum += sf_grid_mode_weight(grid, i) * lambda[i] * cos(2.0 * acos(-1.0) * turns);
    }
    return sum / (double)sf_grid_size(grid);
}

static work begin(size_t s, sf_spectrum *spectrum)
{
    const double spacing[SF_GRID_MAX_AXES] = {0.5, 0.7, 0.6, 0.9};
    work t = {.field = NULL};
    double *lambda;

    assert_ok(sf_grid_make(shapes[s].axes, shapes[s].shape, spacing, &t.grid));
    assert_ok(sf_field_create(&t.grid, spectrum, MEAN, &t.field));
    t.size = sf_grid_size(&t.grid);
    assert_ok(sf_allocate(&t.x, t.size, sizeof *t.x));
    assert_ok(sf_allocate(&t.y, t.size, sizeof *t.y));
    assert_ok(sf_allocate(&t.covariance, t.size * t.size, sizeof *t.covariance));
    assert_ok(sf_allocate(&lambda, sf_grid_half_size(&t.grid), sizeof *lambda));
    assert_ok(sf_spectrum_eigenvalues(spectrum, &t.grid, lambda));
    for (size_t a = 0; a < t.size; a++)
        for (size_t b = 0; b < t.size; b++)
            t.covariance[a * t.size + b] = covariance(&t.grid, lambda, a, b);
    sf_free(lambda);
    sf_random_normal(sf_random_make(3, s), 0, 0, t.size, t.x);
    for (size_t i = 0; i < t.size; i++) t.x[i] += MEAN;
    return t;
}

static void end(work *t)
{
    sf_field_release(&t->field);
    sf_free(t->x);
    sf_free(t->y);
    sf_free(t->covariance);
}

/* solution = (C + sigma^2)^-1 (x - mean), *determinant = log det, by Cholesky. */
static void dense_solve(const work *t, double sigma, double *solution, double *determinant)
{
    const int n = (int)t->size;
    double *factor;

    assert_ok(sf_copy_memory(t->covariance, t->size * t->size, sizeof *factor, &factor));
    for (size_t i = 0; i < t->size; i++) {
        factor[i * t->size + i] += sigma * sigma;
        solution[i] = t->x[i] - MEAN;
    }
    assert_int_equal(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, factor, n), 0);
    assert_int_equal(LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', n, 1, factor, n, solution, 1), 0);
    *determinant = 0.0;
    for (size_t i = 0; i < t->size; i++) *determinant += 2.0 * log(factor[i * t->size + i]);
    sf_free(factor);
}

static void a_dense_covariance_says_the_same(void **state)
{
    const double levels[] = {0.0, 0.3, 2.0};
    sf_spectrum *spectrum;

    (void)state;
    assert_ok(sf_spectrum_callback(smooth, NULL, &spectrum));
    for
        EACH_SHAPE(s)
        {
            work t = begin(s, spectrum);
            double *solution;

            assert_ok(sf_allocate(&solution, t.size, sizeof *solution));
            for (size_t l = 0; l < 3; l++) {
                const double sigma = levels[l];
                double determinant, value, quadratic = 0.0;

                dense_solve(&t, sigma, solution, &determinant);
                for (size_t i = 0; i < t.size; i++) quadratic += (t.x[i] - MEAN) * solution[i];
                assert_ok(sf_field_log_determinant(t.field, sigma, &value));
                assert_close(value, determinant, 1e-10 * (1.0 + fabs(determinant)));
                assert_ok(sf_field_log_density(t.field, t.x, sigma, &value));
                assert_close(value,
                             -0.5 *
                                 (quadratic + determinant + (double)t.size * log(2.0 * acos(-1.0))),
                             1e-10 * fabs(value));
                assert_ok(sf_field_score(t.field, t.x, sigma, t.y));
                for (size_t i = 0; i < t.size; i++)
                    assert_close(t.y[i], -solution[i], 1e-10 * (1.0 + fabs(solution[i])));
                /* Tweedie: D = x + sigma^2 s */
                assert_ok(sf_field_denoise(t.field, t.x, sigma, t.y));
                for (size_t i = 0; i < t.size; i++)
                    assert_close(t.y[i], t.x[i] - sigma * sigma * solution[i], 1e-10);
            }
            sf_free(solution);
            end(&t);
        }
    sf_spectrum_release(&spectrum);
}

static void score_is_the_gradient_of_the_density(void **state)
{
    sf_spectrum *spectrum;

    (void)state;
    assert_ok(sf_spectrum_callback(smooth, NULL, &spectrum));
    for
        EACH_SHAPE(s)
        {
            work t = begin(s, spectrum);

            for (double sigma = 0.0; sigma < 1.0; sigma += 0.7) {
                const double h = 1e-4;

                assert_ok(sf_field_score(t.field, t.x, sigma, t.y));
                for (size_t i = 0; i < t.size; i++) {
                    const double x = t.x[i];
                    double up, down;

                    t.x[i] = x + h;
                    assert_ok(sf_field_log_density(t.field, t.x, sigma, &up));
                    t.x[i] = x - h;
                    assert_ok(sf_field_log_density(t.field, t.x, sigma, &down));
                    t.x[i] = x;
                    assert_close((up - down) / (2.0 * h), t.y[i], 1e-7 * (1.0 + fabs(t.y[i])));
                }
            }
            end(&t);
        }
    sf_spectrum_release(&spectrum);
}

/* P(0) = 0: the mean is fixed. A field that has it lives on the other modes, where a further axis
 * of the density is missing; one that has not has no density. At sigma > 0 nothing is special. */
static void modes_without_power_are_constraints(void **state)
{
    sf_spectrum *spectrum;
    double with, without, sum = 0.0, on_modes, all;
    work t;

    (void)state;
    assert_ok(sf_spectrum_power_law(2.0, -1.0, 0.0, &spectrum));
    t = begin(2, spectrum);
    assert_ok(sf_field_log_density(t.field, t.x, 0.0, &without));
    assert_true(isinf(without) && without < 0.0);
    assert_ok(sf_field_log_density(t.field, t.x, 0.1, &without));
    assert_true(isfinite(without));
    for (size_t i = 0; i < t.size; i++) sum += t.x[i] - MEAN;
    for (size_t i = 0; i < t.size; i++) t.y[i] = t.x[i] - sum / (double)t.size;
    assert_ok(sf_field_log_density(t.field, t.y, 0.0, &with));
    assert_true(isfinite(with));
    assert_ok(sf_field_score(t.field, t.x, 0.0, t.y)); /* has no part in the constraint */
    sum = 0.0;
    for (size_t i = 0; i < t.size; i++) sum += t.y[i];
    assert_close(sum, 0.0, 1e-12);
    assert_ok(sf_field_denoise(t.field, t.x, 0.0, t.y)); /* the projection, in place too */
    memcpy(t.covariance, t.x, t.size * sizeof *t.x);
    assert_ok(sf_field_denoise(t.field, t.covariance, 0.0, t.covariance));
    assert_memory_equal(t.covariance, t.y, t.size * sizeof *t.y);
    sum = 0.0;
    for (size_t i = 0; i < t.size; i++) sum += t.y[i] - MEAN;
    assert_close(sum, 0.0, 1e-12);
    assert_ok(sf_field_log_determinant(t.field, 0.0, &on_modes));
    assert_ok(sf_field_log_determinant(t.field, 1e-9, &all));
    assert_close(all - on_modes, 2.0 * log(1e-9), 1e-12 * fabs(all));
    end(&t);
    sf_spectrum_release(&spectrum);
}

static void bad_input_is_refused(void **state)
{
    sf_spectrum *spectrum;
    double value;
    work t;

    (void)state;
    assert_ok(sf_spectrum_callback(smooth, NULL, &spectrum));
    t = begin(2, spectrum);
    assert_status(SF_ERR_ARGUMENT, sf_field_log_density(t.field, t.x, -1.0, &value));
    assert_true(isnan(value));
    assert_status(SF_ERR_ARGUMENT, sf_field_log_determinant(t.field, INFINITY, &value));
    assert_status(SF_ERR_ARGUMENT, sf_field_score(t.field, t.x, NAN, t.y));
    t.x[3] = INFINITY;
    assert_status(SF_ERR_NUMERIC, sf_field_denoise(t.field, t.x, 1.0, t.y));
    assert_status(SF_ERR_NUMERIC, sf_field_log_density(t.field, t.x, 1.0, &value));
    end(&t);
    sf_spectrum_release(&spectrum);
}

/* Sums over many pieces are added up in their order. */
static void same_bits_for_any_threads(void **state)
{
    const int threads[] = {1, 2, 7};
    double density[3], determinant[3], *x, *scores[3];
    sf_spectrum *spectrum;
    sf_field *field;
    sf_grid grid;

    (void)state;
    assert_ok(sf_spectrum_callback(smooth, NULL, &spectrum));
    assert_ok(sf_grid_image(1100, 1000, &grid));
    assert_ok(sf_field_create(&grid, spectrum, MEAN, &field));
    assert_ok(sf_allocate(&x, sf_grid_size(&grid), sizeof *x));
    sf_random_normal(sf_random_make(3, 3), 0, 0, sf_grid_size(&grid), x);
    for (int i = 0; i < 3; i++) {
        assert_ok(sf_thread_count_set(threads[i]));
        assert_ok(sf_allocate(&scores[i], sf_grid_size(&grid), sizeof *x));
        assert_ok(sf_field_log_density(field, x, 0.5, &density[i]));
        assert_ok(sf_field_log_determinant(field, 0.5, &determinant[i]));
        assert_ok(sf_field_score(field, x, 0.5, scores[i]));
        assert_memory_equal(&density[i], &density[0], sizeof *density);
        assert_memory_equal(&determinant[i], &determinant[0], sizeof *density);
        assert_memory_equal(scores[i], scores[0], sf_grid_size(&grid) * sizeof *x);
    }
    assert_ok(sf_thread_count_set(0));
    for (int i = 0; i < 3; i++) sf_free(scores[i]);
    sf_free(x);
    sf_field_release(&field);
    sf_spectrum_release(&spectrum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eigenvalues_are_those_of_the_spectrum),
        cmocka_unit_test(a_spectrum_that_fails_at_a_mode_is_refused),
        cmocka_unit_test(eigenvalues_that_are_given),
        cmocka_unit_test(a_dense_covariance_says_the_same),
        cmocka_unit_test(score_is_the_gradient_of_the_density),
        cmocka_unit_test(modes_without_power_are_constraints),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(same_bits_for_any_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
