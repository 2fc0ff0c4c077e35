/* Gridded samples of a Fourier transform against the same least squares with every matrix written
 * out, row by row of cosines and sines. */
#include "dense.h"

#include "inverse/conditional.h"

#define ROWS    6
#define COLUMNS 5
#define CELLS   30

/* Samples of the whole plane: of a smooth scene, with noise, some of them at k and -k. */
typedef struct plane {
    sf_grid grid;
    double truth[CELLS], mask[CELLS], sigma[CELLS];
    sf_complex value[CELLS];
} plane;

static double phase(size_t k, size_t n)
{
    const double y = (double)((k / COLUMNS) * (n / COLUMNS)) / ROWS;
    const double x = (double)((k % COLUMNS) * (n % COLUMNS)) / COLUMNS;

    return -2.0 * DENSE_PI * (y + x);
}

static size_t negative(size_t k)
{
    return (ROWS - k / COLUMNS) % ROWS * COLUMNS + (COLUMNS - k % COLUMNS) % COLUMNS;
}

static sf_complex mode(const plane *p, size_t k)
{
    sf_complex sum = 0.0;

    for (size_t n = 0; n < CELLS; n++) sum += p->truth[n] * cexp(I * phase(k, n));
    return sum;
}

static void make_plane(double noise, plane *p)
{
    double e[2 * CELLS], uniform[CELLS];

    assert_ok(sf_grid_image(ROWS, COLUMNS, &p->grid));
    blobs(ROWS, COLUMNS, 5.0, p->truth);
    sf_random_normal(sf_random_make(3, 0), 0, 0, 2 * (size_t)CELLS, e);
    sf_random_uniform(sf_random_make(3, 1), 0, 0, CELLS, uniform);
    for (size_t k = 0; k < CELLS; k++) {
        p->mask[k] = uniform[k] < 0.6 || k == 0 ? 1.0 : 0.0;
        p->sigma[k] = noise * (1.0 + uniform[CELLS - 1 - k]);
        p->value[k] = mode(p, k) + p->sigma[k] * (e[2 * k] + I * e[2 * k + 1]);
    }
}

/* p = A^T S^-1 A, b = A^T S^-1 y */
static void information(const plane *p, double *matrix, double *b)
{
    memset(matrix, 0, sizeof(double) * CELLS * CELLS);
    memset(b, 0, sizeof(double) * CELLS);
    for (size_t k = 0; k < CELLS; k++) {
        const double w = p->mask[k] / (p->sigma[k] * p->sigma[k]);
        for (size_t i = 0; i < CELLS; i++) {
            const sf_complex row = cexp(I * phase(k, i));
            b[i] += w * (creal(row) * creal(p->value[k]) + cimag(row) * cimag(p->value[k]));
            for (size_t j = 0; j < CELLS; j++) {
                const sf_complex other = cexp(I * phase(k, j));
                matrix[i * CELLS + j] +=
                    w * (creal(row) * creal(other) + cimag(row) * cimag(other));
            }
        }
    }
}

static void observe(const plane *p, sf_observation **observation)
{
    assert_ok(sf_observation_fourier(&p->grid, p->value, p->mask, p->sigma, 0.0, observation));
}

/* matrix += C^-1 of the field */
static void add_prior(const sf_spectrum *spectrum, const sf_grid *grid, double *matrix)
{
    dense d = {.cells = CELLS, .spectrum = (sf_spectrum *)spectrum};
    double *inverse = new_array((size_t)CELLS * CELLS);

    d.prior = new_array((size_t)CELLS * CELLS);
    dense_prior(&d, grid);
    for (size_t i = 0; i < CELLS; i++) inverse[i * CELLS + i] = 1.0;
    dense_solve(CELLS, d.prior, CELLS, inverse);
    for (size_t i = 0; i < (size_t)CELLS * CELLS; i++) matrix[i] += inverse[i];
    sf_free(inverse);
    sf_free(d.prior);
}

/* The data step, and E[x_0 | x, y], of all solvers: with another precision on the diagonal. */
static void test_wiener_is_least_squares(void **state)
{
    sf_wiener_options options = sf_wiener_options_default();
    double matrix[CELLS * CELLS], b[CELLS], scene[CELLS];
    sf_observation *observation;
    sf_spectrum *spectrum;
    plane p;

    (void)state;
    make_plane(1.0, &p);
    observe(&p, &observation);
    assert_ok(sf_spectrum_callback(dense_power, NULL, &spectrum));
    options.spectrum = spectrum;
    assert_ok(sf_wiener(observation, &options, scene, NULL));
    information(&p, matrix, b);
    add_prior(spectrum, &p.grid, matrix);
    dense_solve(CELLS, matrix, 1, b);
    assert_true(relative_distance(scene, b, CELLS) < 1e-12);
    sf_spectrum_release(&spectrum);
    sf_observation_release(&observation);
}

static void test_posterior_denoiser_is_exact(void **state)
{
    sf_posterior_options options = sf_posterior_options_default();
    double matrix[CELLS * CELLS], b[CELLS], x[CELLS], denoised[CELLS];
    const double level = 0.7;
    sf_prior *field, *posterior;
    sf_observation *observation;
    sf_spectrum *spectrum;
    plane p;

    (void)state;
    make_plane(1.0, &p);
    observe(&p, &observation);
    assert_ok(sf_spectrum_callback(dense_power, NULL, &spectrum));
    assert_ok(sf_prior_gaussian(&p.grid, spectrum, 0.0, &field));
    options.likelihood = SF_LIKELIHOOD_EXACT;
    assert_ok(sf_posterior(field, observation, &options, &posterior));
    sf_random_normal(sf_random_make(4, 0), 0, 0, CELLS, x);
    assert_ok(sf_prior_denoise(posterior, 1, x, level, denoised));
    information(&p, matrix, b);
    add_prior(spectrum, &p.grid, matrix);
    for (size_t i = 0; i < CELLS; i++) {
        matrix[i * CELLS + i] += 1.0 / (level * level);
        b[i] += x[i] / (level * level);
    }
    dense_solve(CELLS, matrix, 1, b);
    assert_true(relative_distance(denoised, b, CELLS) < 1e-10);
    sf_prior_release(&posterior);
    sf_prior_release(&field);
    sf_spectrum_release(&spectrum);
    sf_observation_release(&observation);
}

/* precision and mean of x = z + rho e given z and y, where e is a part of the data's noise:
 *     mean z + rho^2 (A^T S^-1 y - A^T S^-1 A z), covariance rho^2 (1 - rho^2 A^T S^-1 A);
 * beyond the limit y = A x + n: precision A^T S^-1 A + 1/rho^2. */
static void expect_draws(const plane *p, double rho, bool part, const double *z, double *precision,
                         double *mean)
{
    double *matrix = new_array((size_t)CELLS * CELLS), b[CELLS];

    information(p, matrix, b);
    memset(precision, 0, sizeof(double) * CELLS * CELLS);
    for (size_t i = 0; i < CELLS; i++) {
        precision[i * CELLS + i] = 1.0;
        mean[i] = part ? z[i] + rho * rho * b[i] : b[i] + z[i] / (rho * rho);
        for (size_t j = 0; j < CELLS && part; j++)
            mean[i] -= rho * rho * matrix[i * CELLS + j] * z[j];
    }
    for (size_t i = 0; i < (size_t)CELLS * CELLS; i++) {
        const double unit = i % (CELLS + 1) == 0 ? 1.0 : 0.0;
        if (!part)
            precision[i] = matrix[i] + unit / (rho * rho);
        else
            matrix[i] = rho * rho * (unit - rho * rho * matrix[i]);
    }
    if (part)
        dense_solve(CELLS, matrix, CELLS, precision);
    else
        dense_solve(CELLS, precision, 1, mean);
    sf_free(matrix);
}

/* With precision P about its mean m, (x - m)^T P (x - m) of a draw is chi^2 with as many degrees of
 * freedom as there are cells. One in 15,000 such numbers is more than 4 deviations away. */
static void check_draws(double part_of_limit)
{
    enum { BATCH = 200 };
    double precision[CELLS * CELLS], mean[CELLS], z[CELLS], sum = 0.0, *x;
    sf_conditional *conditional;
    sf_observation *observation;
    double rho;
    plane p;

    make_plane(1.0, &p);
    observe(&p, &observation);
    assert_ok(sf_conditional_create(observation, BATCH, &conditional));
    rho = part_of_limit * sf_conditional_limit(conditional);
    sf_random_normal(sf_random_make(5, 0), 0, 0, CELLS, z);
    x = new_array((size_t)BATCH * CELLS);
    for (size_t i = 0; i < (size_t)BATCH * CELLS; i++) x[i] = z[i % CELLS];
    assert_ok(sf_conditional_draw(conditional, rho, 0.0, sf_random_make(6, 0), 0, 0, x));
    expect_draws(&p, rho, part_of_limit < 1.0, z, precision, mean);
    for (size_t s = 0; s < BATCH; s++)
        for (size_t i = 0; i < CELLS; i++)
            for (size_t j = 0; j < CELLS; j++)
                sum += (x[s * CELLS + i] - mean[i]) * precision[i * CELLS + j] *
                       (x[s * CELLS + j] - mean[j]);
    assert_close((sum - BATCH * CELLS) / sqrt(2.0 * BATCH * CELLS), 0.0, 4.0);
    sf_free(x);
    sf_conditional_release(&conditional);
    sf_observation_release(&observation);
}

static void test_draws_given_the_data(void **state)
{
    (void)state;
    check_draws(0.8);
    check_draws(5.0);
}

static void test_everything_sampled_without_noise(void **state)
{
    double scene[CELLS], dirty[CELLS];
    sf_observation *observation;
    sf_prior *prior;
    plane p;

    (void)state;
    make_plane(0.0, &p);
    assert_ok(sf_fourier_dirty_image(&p.grid, p.value, NULL, NULL, 1e-6, dirty));
    assert_true(relative_distance(dirty, p.truth, CELLS) < 1e-13);
    assert_ok(sf_observation_fourier(&p.grid, p.value, NULL, NULL, 1e-6, &observation));
    assert_int_equal(sf_observation_observed(observation), CELLS);
    assert_ok(sf_prior_total_variation(&p.grid, 1.0, 1e-3, &prior));
    assert_ok(sf_pnp(observation, prior, NULL, scene, NULL));
    assert_true(relative_distance(scene, p.truth, CELLS) < 1e-6);
    sf_prior_release(&prior);
    sf_observation_release(&observation);
}

/* Where V_-k is written beside V_k it counts once. */
static void test_half_a_plane_is_all_of_it(void **state)
{
    sf_wiener_options options = sf_wiener_options_default();
    double half_scene[CELLS], scene[CELLS], half_mask[CELLS], half_dirty[CELLS], dirty[CELLS];
    sf_observation *half, *whole;
    plane p;

    (void)state;
    make_plane(1.0, &p);
    for (size_t k = 0; k < CELLS; k++) p.sigma[k] = 1.0;
    for (size_t k = 0; k < CELLS; k++) {
        half_mask[k] = k <= negative(k) ? 1.0 : 0.0;
        p.mask[k] = 1.0;
        if (k > negative(k)) p.value[k] = conj(p.value[negative(k)]);
    }
    assert_ok(sf_observation_fourier(&p.grid, p.value, half_mask, p.sigma, 0.0, &half));
    observe(&p, &whole);
    assert_ok(sf_fourier_dirty_image(&p.grid, p.value, half_mask, p.sigma, 0.0, half_dirty));
    assert_ok(sf_fourier_dirty_image(&p.grid, p.value, p.mask, p.sigma, 0.0, dirty));
    assert_true(relative_distance(half_dirty, dirty, CELLS) < 1e-13);
    assert_int_equal(sf_observation_observed(half), CELLS);
    assert_int_equal(sf_observation_observed(whole), CELLS);
    assert_close(sf_observation_noise(half), sqrt(2.0 / CELLS), 1e-14);
    assert_close(sf_observation_noise(whole), sqrt(2.0 / CELLS), 1e-14);
    options.strength = 0.1;
    assert_ok(sf_wiener(half, &options, half_scene, NULL));
    assert_ok(sf_wiener(whole, &options, scene, NULL));
    assert_true(relative_distance(scene, half_scene, CELLS) < 1e-13);
    p.value[1] += 0.1; /* now they are two measurements */
    sf_observation_release(&whole);
    observe(&p, &whole);
    assert_close(sf_observation_noise(whole), sqrt(1.0 / CELLS), 1e-14);
    sf_observation_release(&whole);
    sf_observation_release(&half);
}

/* chi^2 against its own sum, where no pair is sampled twice. */
static void test_diagnostics(void **state)
{
    double chi_squared = 0.0, flux = 0.0, residual[CELLS];
    size_t numbers = 0;
    sf_observation *observation;
    sf_diagnostics d;
    plane p;

    (void)state;
    make_plane(1.0, &p);
    for (size_t k = 0; k < CELLS; k++)
        if (k > negative(k)) p.mask[k] = 0.0;
    for (size_t k = 0; k < CELLS; k++) {
        const sf_complex e = (p.value[k] - mode(&p, k)) / p.sigma[k];
        if (p.mask[k] == 0.0) continue;
        numbers += k == negative(k) ? 1 : 2;
        chi_squared += creal(e) * creal(e) + (k == negative(k) ? 0.0 : cimag(e) * cimag(e));
    }
    for (size_t n = 0; n < CELLS; n++) flux += p.truth[n];
    observe(&p, &observation);
    assert_int_equal(sf_observation_observed(observation), numbers);
    assert_ok(sf_diagnose(observation, p.truth, &d));
    assert_int_equal(d.observed, numbers);
    assert_close(d.chi_squared, chi_squared / (double)numbers, 1e-12);
    assert_close(d.chi_squared_z, (chi_squared - (double)numbers) / sqrt(2.0 * (double)numbers),
                 1e-11);
    assert_close(d.flux_frame, creal(p.value[0]), 1e-12);
    assert_close(d.flux_model, flux, 1e-12);
    assert_close(d.flux_error, p.sigma[0], 1e-13);
    assert_true(isnan(d.whiteness_z) && isnan(d.correlation_z));
    assert_close(d.hollow, 0.0, 0.0);
    assert_ok(sf_observation_residual(observation, p.truth, residual));
    for (size_t n = 0; n < CELLS; n++) chi_squared -= residual[n] * residual[n];
    assert_close(chi_squared, 0.0, 1e-11);
    sf_observation_release(&observation);
}

static void test_bad_samples(void **state)
{
    sf_observation *o;
    double scene[CELLS];
    plane p;

    (void)state;
    make_plane(1.0, &p);
    assert_status(SF_ERR_ARGUMENT,
                  sf_observation_fourier(&p.grid, p.value, p.mask, NULL, -1.0, &o));
    assert_null(o);
    memset(p.sigma, 0, sizeof p.sigma);
    assert_status(SF_ERR_ARGUMENT,
                  sf_observation_fourier(&p.grid, p.value, p.mask, p.sigma, 0.0, &o));
    memset(p.mask, 0, sizeof p.mask);
    p.value[7] = NAN;
    assert_status(SF_ERR_ARGUMENT, sf_observation_fourier(&p.grid, p.value, p.mask, NULL, 1.0, &o));
    p.mask[3] = 1.0; /* what was not sampled may be anything */
    assert_ok(sf_observation_fourier(&p.grid, p.value, p.mask, NULL, 1.0, &o));
    assert_status(SF_ERR_UNSUPPORTED, sf_richardson_lucy(o, NULL, scene, NULL));
    sf_observation_release(&o);
    p.mask[7] = 1.0;
    assert_status(SF_ERR_NUMERIC, sf_observation_fourier(&p.grid, p.value, p.mask, NULL, 1.0, &o));
    assert_non_null(strstr(sf_last_error(), "row 1, column 2"));
    p.mask[8] = NAN;
    p.value[7] = 0.0;
    assert_status(SF_ERR_NUMERIC, sf_observation_fourier(&p.grid, p.value, p.mask, NULL, 1.0, &o));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wiener_is_least_squares),
        cmocka_unit_test(test_posterior_denoiser_is_exact),
        cmocka_unit_test(test_draws_given_the_data),
        cmocka_unit_test(test_everything_sampled_without_noise),
        cmocka_unit_test(test_half_a_plane_is_all_of_it),
        cmocka_unit_test(test_diagnostics),
        cmocka_unit_test(test_bad_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
