/* test_laws.c - what every prior keeps, over all of them: the derivative of the denoiser is that of
 * its central differences, the score is Tweedie's and the gradient of the energy, a batch is its
 * fields. */
#include "base/internal.h"
#include "check.h"

#include <scorefield/prior.h>

#include <string.h>

#define SEED 29
#define MOST 4096 /* cells */

static double spectrum_power(double k, void *user)
{
    (void)user;
    return 2.0 / (0.3 + k * k);
}

static sf_prior *gaussian(int axes, const size_t *shape, double mean)
{
    const double spacing[3] = {0.5, 2.0, 1.0};
    sf_spectrum *spectrum;
    sf_prior *prior;
    sf_grid grid;

    assert_ok(sf_grid_make(axes, shape, spacing, &grid));
    assert_ok(sf_spectrum_callback(spectrum_power, NULL, &spectrum));
    assert_ok(sf_prior_gaussian(&grid, spectrum, mean, &prior));
    sf_spectrum_release(&spectrum);
    return prior;
}

static sf_prior *gaussian_line(void) { return gaussian(1, (const size_t[]){7}, 0.0); }
static sf_prior *gaussian_image(void) { return gaussian(2, (const size_t[]){6, 5}, 1e3); }
static sf_prior *gaussian_cube(void) { return gaussian(3, (const size_t[]){3, 4, 2}, -0.3); }

/* By reflection to 24 x 20; the central differences cross corners of its Relus. */
static sf_prior *network(void)
{
    sf_model *model;
    sf_prior *prior;
    sf_grid grid;

    assert_ok(sf_grid_image(21, 18, &grid));
    assert_ok(sf_model_builtin(&model));
    assert_ok(sf_prior_network(&grid, model, &prior));
    sf_model_release(&model);
    return prior;
}

/* Two components near one another, so that all of the shares count. */
static sf_prior *mixture(sf_covariance kind)
{
    double weight[2] = {1.0, 2.0}, mean[8] = {0.5, -0.2, 0.1, 0.4, -0.6, 0.3, 0.0, -0.1};
    double covariance[32] = {0.0};
    const sf_mixture m = {4, 2, kind, weight, mean, covariance};
    sf_prior *prior;
    sf_grid grid;

    for (size_t i = 0; i < 32; i++) {
        const size_t row = i % 16 / 4, column = i % 4;

        covariance[i] = kind != SF_COVARIANCE_FULL ? 0.1 + 0.05 * (double)(i % 8)
                        : row == column            ? 1.0 + 0.2 * (double)row
                                                   : (i < 16 ? 0.3 : -0.2) / (double)(row + column);
    }
    assert_ok(sf_grid_image(2, 2, &grid));
    assert_ok(sf_prior_mixture(&grid, &m, &prior));
    return prior;
}

static sf_prior *mixture_round(void) { return mixture(SF_COVARIANCE_ROUND); }
static sf_prior *mixture_diagonal(void) { return mixture(SF_COVARIANCE_DIAGONAL); }
static sf_prior *mixture_full(void) { return mixture(SF_COVARIANCE_FULL); }

/* A guide that is curved: log p = sum cos(x + i). */
static sf_status wave_gradient(void *user, size_t batch, const double *x, double sigma,
                               double *gradient)
{
    (void)user;
    (void)sigma;
    for (size_t i = 0; i < 4 * batch; i++) gradient[i] = -sin(x[i] + (double)(i % 4));
    return SF_OK;
}

static sf_status wave_log_density(void *user, size_t batch, const double *x, double sigma,
                                  double *log_density)
{
    (void)user;
    (void)sigma;
    for (size_t b = 0; b < batch; b++) log_density[b] = 0.0;
    for (size_t i = 0; i < 4 * batch; i++) log_density[i / 4] += cos(x[i] + (double)(i % 4));
    return SF_OK;
}

static sf_status wave_hessian(void *user, size_t batch, const double *x, double sigma,
                              const double *v, double *out)
{
    (void)user;
    (void)sigma;
    for (size_t i = 0; i < 4 * batch; i++) out[i] = -cos(x[i] + (double)(i % 4)) * v[i];
    return SF_OK;
}

static sf_prior *guided(void)
{
    const sf_guide guide = {wave_gradient, wave_log_density, wave_hessian, NULL, NULL};
    sf_prior *inner = mixture_full(), *prior;

    assert_ok(sf_prior_guided(inner, &guide, 1.7, &prior));
    sf_prior_release(&inner);
    return prior;
}

static sf_prior *classifier_free(void)
{
    sf_prior *first = mixture_full(), *second = mixture_round(), *prior;

    assert_ok(sf_prior_classifier_free(first, second, 2.5, &prior));
    sf_prior_release(&first);
    sf_prior_release(&second);
    return prior;
}

static sf_prior *constrained(void)
{
    const bool known[4] = {false, true, false, false};
    const double value[4] = {0.0, 0.3, 0.0, 0.0}, sum[1] = {1.2};
    const size_t group[4] = {1, 1, 1, 0};
    const sf_constraints constraints = {known, value, 1, group, sum};
    sf_prior *inner = mixture_full(), *prior;

    assert_ok(sf_prior_constrained(inner, &constraints, &prior));
    sf_prior_release(&inner);
    return prior;
}

/* `step` is that of the central differences, in units of sigma, and `error` what they may be off
 * by, relative to |u| |v|; `energy` whether there is one. */
static const struct row {
    const char *name;
    sf_prior *(*make)(void);
    double step, error;
    bool energy;
} priors[] = {
    {"gaussian, 7", gaussian_line, 0.1, 1e-11, true},
    {"gaussian, 6x5", gaussian_image, 0.1, 1e-10, true},
    {"gaussian, 3x4x2", gaussian_cube, 0.1, 1e-11, true},
    {"network", network, 3e-3, 1e-3, false},
    {"mixture, round", mixture_round, 1e-4, 1e-7, true},
    {"mixture, diagonal", mixture_diagonal, 1e-4, 1e-7, true},
    {"mixture, full", mixture_full, 1e-4, 1e-7, true},
    {"guided", guided, 1e-4, 1e-7, true},
    {"classifier-free", classifier_free, 1e-4, 1e-7, true},
    {"constrained", constrained, 1e-4, 1e-7, false},
};
#define PRIORS (sizeof priors / sizeof *priors)

static sf_prior *made[PRIORS];

static int make_all(void **state)
{
    (void)state;
    for (size_t p = 0; p < PRIORS; p++) made[p] = priors[p].make();
    return 0;
}

static int release_all(void **state)
{
    (void)state;
    for (size_t p = 0; p < PRIORS; p++) sf_prior_release(&made[p]);
    return 0;
}

static const double levels[] = {0.2, 1.3};
#define LEVELS (sizeof levels / sizeof *levels)

/* Fields on the prior's grid, one after the other. */
static void draw(size_t count, uint64_t sequence, double *x)
{
    assert_true(count <= 3 * MOST);
    sf_random_normal(sf_random_make(SEED, 0), sequence, 0, count, x);
}

static double product(size_t count, const double *a, const double *b)
{
    double sum = 0.0;

    for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

/* v . (dD/dx u) by central differences is u . pull(v). */
static void assert_pulled(const struct row *row, const sf_prior *prior, double sigma)
{
    static double x[MOST], u[MOST], v[MOST], out[MOST], denoised[MOST], near[2 * MOST], d[2 * MOST];
    const size_t n = sf_grid_size(sf_prior_grid(prior));
    const double h = row->step * sigma;
    double slope, expected;

    draw(n, 0, x);
    draw(n, 1, u);
    draw(n, 2, v);
    for (size_t i = 0; i < n; i++) {
        near[i] = x[i] + h * u[i];
        near[n + i] = x[i] - h * u[i];
    }
    assert_ok(sf_prior_pull(prior, 1, x, sigma, v, denoised, out));
    assert_ok(sf_prior_denoise(prior, 2, near, sigma, d));
    expected = product(n, u, out);
    slope = (product(n, v, d) - product(n, v, d + n)) / (2.0 * h);
    if (fabs(slope - expected) > row->error * sqrt(product(n, u, u) * product(n, v, v)))
        fail_msg("%s at %g: %.12g by differences, %.12g pulled", row->name, sigma, slope, expected);
    assert_ok(sf_prior_denoise(prior, 1, x, sigma, d));
    for (size_t i = 0; i < n; i++)
        assert_close(denoised[i], d[i], 1e-5 * sigma + 1e-14 * fabs(d[i]));
    assert_ok(sf_prior_pull(prior, 1, x, sigma, v, NULL, near));
    assert_memory_equal(near, out, n * sizeof *out);
}

static void pull_is_the_derivative_of_the_denoiser(void **state)
{
    (void)state;
    for (size_t p = 0; p < PRIORS; p++) {
        const sf_prior *prior = made[p];

        for (size_t s = 0; s < LEVELS; s++) assert_pulled(&priors[p], prior, levels[s]);
    }
}

/* D = x + sigma^2 score */
static void the_denoiser_is_tweedies(void **state)
{
    (void)state;
    static double x[MOST], d[MOST], score[MOST];

    for (size_t p = 0; p < PRIORS; p++)
        for (size_t s = 0; s < LEVELS; s++) {
            const sf_prior *prior = made[p];
            const size_t n = sf_grid_size(sf_prior_grid(prior));
            const double sigma = levels[s];

            draw(n, 3, x);
            assert_ok(sf_prior_denoise(prior, 1, x, sigma, d));
            assert_ok(sf_prior_score(prior, 1, x, sigma, score));
            for (size_t i = 0; i < n; i++)
                assert_close(d[i], x[i] + sigma * sigma * score[i], 1e-12 * (1.0 + fabs(d[i])));
        }
}

static void the_score_is_the_gradient_of_the_energy(void **state)
{
    (void)state;
    static double x[MOST], u[MOST], score[MOST], near[2 * MOST];
    const double h = 1e-4;

    for (size_t p = 0; p < PRIORS; p++)
        for (size_t s = 0; s < LEVELS; s++) {
            const sf_prior *prior = made[p];
            const size_t n = sf_grid_size(sf_prior_grid(prior));
            double energy[2], size;

            draw(n, 4, x);
            draw(n, 5, u);
            for (size_t i = 0; i < n; i++) {
                near[i] = x[i] + h * u[i];
                near[n + i] = x[i] - h * u[i];
            }
            if (priors[p].energy) {
                assert_ok(sf_prior_energy(prior, 2, near, levels[s], energy));
                assert_ok(sf_prior_score(prior, 1, x, levels[s], score));
                size = sqrt(product(n, u, u) * product(n, score, score));
                assert_close((energy[1] - energy[0]) / (2.0 * h), product(n, u, score),
                             1e-6 * size + 1e-11 * fabs(energy[0]));
            } else {
                assert_status(SF_ERR_UNSUPPORTED, sf_prior_energy(prior, 1, x, 1.0, energy));
            }
        }
}

static void a_batch_is_its_fields(void **state)
{
    (void)state;
    static double x[3 * MOST], v[3 * MOST], together[3 * MOST], denoised[3 * MOST], out[MOST];

    for (size_t p = 0; p < PRIORS; p++) {
        const sf_prior *prior = made[p];
        const size_t n = sf_grid_size(sf_prior_grid(prior)), bytes = n * sizeof *out;

        draw(3 * n, 6, x);
        draw(3 * n, 7, v);
        assert_ok(sf_prior_pull(prior, 3, x, 0.7, v, denoised, together));
        for (size_t b = 0; b < 3; b++) {
            assert_ok(sf_prior_pull(prior, 1, x + b * n, 0.7, v + b * n, NULL, out));
            assert_memory_equal(out, together + b * n, bytes);
        }
        assert_ok(sf_prior_denoise(prior, 3, x, 0.7, together));
        for (size_t b = 0; b < 3; b++) {
            assert_ok(sf_prior_denoise(prior, 1, x + b * n, 0.7, out));
            assert_memory_equal(out, together + b * n, bytes);
        }
    }
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    static double x[MOST], v[MOST], out[MOST], denoised[MOST];

    for (size_t p = 0; p < PRIORS; p++) {
        const sf_prior *prior = made[p];

        memset(x, 0, sizeof x);
        memset(v, 0, sizeof v);
        assert_status(SF_ERR_ARGUMENT, sf_prior_pull(prior, 1, x, 0.0, v, denoised, out));
        assert_status(SF_ERR_ARGUMENT, sf_prior_pull(prior, 1, x, NAN, v, denoised, out));
        assert_status(SF_ERR_ARGUMENT, sf_prior_pull(prior, 1, x, 1.0, v, denoised, x));
        assert_status(SF_ERR_ARGUMENT, sf_prior_pull(prior, 1, x, 1.0, v, denoised, v));
        assert_status(SF_ERR_ARGUMENT, sf_prior_pull(prior, 1, x, 1.0, v, out, out));
        assert_status(SF_ERR_ARGUMENT, sf_prior_pull(prior, 1, x, 1.0, v, x, out));
        assert_status(SF_ERR_ARGUMENT, sf_prior_pull(prior, 1, x, 1.0, NULL, denoised, out));
        assert_ok(sf_prior_pull(prior, 1, x, 1.0, x, denoised, out)); /* x may be v */
        v[1] = (double)INFINITY;
        assert_status(SF_ERR_NUMERIC, sf_prior_pull(prior, 1, x, 1.0, v, denoised, out));
        assert_status(SF_ERR_NUMERIC, sf_prior_pull(prior, 1, v, 1.0, x, denoised, out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pull_is_the_derivative_of_the_denoiser),
        cmocka_unit_test(the_denoiser_is_tweedies),
        cmocka_unit_test(the_score_is_the_gradient_of_the_energy),
        cmocka_unit_test(a_batch_is_its_fields),
        cmocka_unit_test(bad_input_is_refused),
    };

    return cmocka_run_group_tests(tests, make_all, release_all);
}
