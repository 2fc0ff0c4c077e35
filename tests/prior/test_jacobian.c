/* test_jacobian.c - Jacobians of linear denoisers, whose singular values are known; and of the
 * built-in network, forwards against backwards. */
#include "base/internal.h"
#include "check.h"

#include <scorefield/prior.h>
#include <scorefield/scene.h>

enum { SIDE = 32, SIZE = SIDE * SIDE };

/* ---- pairs of cells times a matrix ---------------------------------------------------------- */

static const double matrix[2][2] = {{0.5, 0.8}, {0.0, 0.3}};

static sf_status pairs_denoise(const void *self, size_t batch, const double *x, double sigma,
                               double *out)
{
    (void)self;
    (void)sigma;
    for (size_t i = 0; i < batch * SIZE; i += 2)
        for (size_t r = 0; r < 2; r++) out[i + r] = matrix[r][0] * x[i] + matrix[r][1] * x[i + 1];
    return SF_OK;
}

static sf_status pairs_pull(const void *self, size_t batch, const double *x, double sigma,
                            const double *v, double *denoised, double *out)
{
    if (denoised != NULL) (void)pairs_denoise(self, batch, x, sigma, denoised);
    for (size_t i = 0; i < batch * SIZE; i += 2)
        for (size_t r = 0; r < 2; r++) out[i + r] = matrix[0][r] * v[i] + matrix[1][r] * v[i + 1];
    return SF_OK;
}

/* The larger singular value of a matrix + b. */
static double stretch(double a, double b)
{
    const double p = a * matrix[0][0] + b, q = a * matrix[0][1], r = a * matrix[1][0],
                 s = a * matrix[1][1] + b;
    const double sum = p * p + q * q + r * r + s * s, determinant = p * s - q * r;

    return sqrt(0.5 * (sum + sqrt(sum * sum - 4.0 * determinant * determinant)));
}

static void test_singular_values(void **state)
{
    static const sf_prior_methods methods = {
        .name = "pairs", .denoise = pairs_denoise, .pull = pairs_pull};
    double x[SIZE] = {1.0, 2.0};
    sf_lipschitz l;
    sf_prior *prior;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(SIDE, SIDE, &grid));
    assert_ok(sf_prior_create(&methods, NULL, &grid, &prior));
    assert_ok(sf_prior_lipschitz(prior, x, 0.7, 1e-9, &l));
    assert_close(l.denoiser, stretch(1.0, 0.0), 1e-6);
    assert_close(l.residual, stretch(1.0, -1.0), 1e-6);
    assert_close(l.reflected, stretch(2.0, -1.0), 1e-6);
    /* E |(M - M^T) v|^2 = 2 0.8^2, E |(M + M^T) v|^2 = 1 + 0.6^2 + 2 0.8^2; 512 pairs */
    assert_close(l.asymmetry, sqrt(1.28 / 2.64), 0.08);
    sf_prior_release(&prior);
}

/* J_k = lambda/(lambda + sigma^2), between its values at the field's strongest and weakest mode. */
static void test_gaussian_field(void **state)
{
    const double sigma = 0.5;
    double x[SIZE] = {0.0}, *lambda, low = INFINITY, high = 0.0;
    sf_spectrum *spectrum;
    sf_lipschitz l;
    sf_prior *prior;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(SIDE, SIDE, &grid));
    assert_ok(sf_spectrum_parse("power:3,-1.5", &spectrum));
    assert_ok(sf_prior_gaussian(&grid, spectrum, 0.0, &prior));
    assert_ok(sf_allocate(&lambda, sf_grid_half_size(&grid), sizeof *lambda));
    assert_ok(sf_spectrum_eigenvalues(spectrum, &grid, lambda));
    for (size_t k = 0; k < sf_grid_half_size(&grid); k++) {
        const double j = lambda[k] / (lambda[k] + sigma * sigma);

        low = fmin(low, j);
        high = fmax(high, j);
    }
    assert_ok(sf_prior_lipschitz(prior, x, sigma, 1e-7, &l));
    assert_close(l.denoiser, high, 1e-4);
    assert_close(l.residual, 1.0 - low, 1e-4);
    assert_close(l.reflected, fmax(fabs(2.0 * high - 1.0), fabs(2.0 * low - 1.0)), 1e-4);
    assert_true(l.asymmetry < 1e-9);
    sf_free(lambda);
    sf_prior_release(&prior);
    sf_spectrum_release(&spectrum);
}

/* ---- a network ------------------------------------------------------------------------------ */

static double product(const double *a, const double *b)
{
    double sum = 0.0;

    for (size_t i = 0; i < SIZE; i++) sum += a[i] * b[i];
    return sum;
}

static void test_network(void **state)
{
    const sf_scene_options scene = sf_scene_options_default();
    double x[SIZE], u[SIZE], v[SIZE], there[SIZE], back[SIZE];
    sf_operator *jacobian;
    sf_model *model;
    sf_prior *prior;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(SIDE, SIDE, &grid));
    assert_ok(sf_model_builtin(&model));
    assert_ok(sf_prior_network(&grid, model, &prior));
    assert_ok(sf_scene_draw(&grid, &scene, 1, 0, x));
    sf_random_normal(sf_random_make(1, 0), 0, 0, SIZE, u);
    sf_random_normal(sf_random_make(1, 0), 1, 0, SIZE, v);
    for (size_t i = 0; i < SIZE; i++) {
        x[i] += 0.1 * u[i];
        u[i] += v[i]; /* so that <u, J v> is no small difference */
    }
    assert_ok(sf_prior_jacobian(prior, x, 0.1, &jacobian));
    assert_ok(sf_operator_apply(jacobian, v, there));
    assert_ok(sf_operator_adjoint(jacobian, u, back));
    assert_close(product(u, there), product(back, v), 0.02 * fabs(product(back, v)));
    sf_operator_release(&jacobian);
    sf_prior_release(&prior);
    sf_model_release(&model);
}

static void test_errors(void **state)
{
    double x[SIZE] = {0.0}, y[SIZE];
    sf_operator *jacobian;
    sf_prior *prior;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(SIDE, SIDE, &grid));
    assert_ok(sf_prior_total_variation(&grid, 1.0, 0.01, &prior));
    assert_status(SF_ERR_ARGUMENT, sf_prior_jacobian(prior, x, 0.0, &jacobian));
    assert_ok(sf_prior_jacobian(prior, x, 1.0, &jacobian));
    assert_status(SF_ERR_UNSUPPORTED, sf_operator_adjoint(jacobian, x, y));
    sf_operator_release(&jacobian);
    x[3] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_prior_jacobian(prior, x, 1.0, &jacobian));
    assert_null(jacobian);
    sf_prior_release(&prior);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_singular_values),
        cmocka_unit_test(test_gaussian_field),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
