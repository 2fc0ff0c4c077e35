/* test_lognormal.c - lognormal fields: the map inverted exactly, moments of draws, negative modes
 * by hand and against a reference, bad input. */
#include <scorefield/field.h>

#include "check.h"

#include <complex.h>
#include <stdlib.h>
#include <string.h>

#define PI  3.14159265358979323846
#define MAX 64 /* cells */

/* A spectrum that has a value for each |k| of a grid. */
typedef struct table {
    const sf_grid *grid;
    const double *lambda;
} table;

static double look_up(double k, void *user)
{
    const table *t = user;

    for (size_t i = 0; i < sf_grid_half_size(t->grid); i++)
        if (fabs(sf_grid_wavenumber(t->grid, i) - k) <= 1e-12 * k)
            return t->lambda[i] * sf_grid_cell_volume(t->grid);
    return NAN;
}

/* lambda_g of a positive spectrum, and the lambda of exp(g - sigma^2/2) - 1, whose covariance is
 * exp(xi_g) - 1: a product of positive definite ones, so never negative. */
static void exact_pair(const sf_grid *grid, double *lambda_g, double *lambda, double *variance)
{
    const size_t half = sf_grid_half_size(grid);
    sf_complex modes[MAX];
    double xi[MAX];
    sf_fft *fft;

    for (size_t i = 0; i < half; i++) {
        const double k = sf_grid_wavenumber(grid, i);

        lambda_g[i] = 1.5 / (1.0 + 2.0 * k * k);
        modes[i] = lambda_g[i];
    }
    assert_ok(sf_fft_create(grid, &fft));
    assert_ok(sf_fft_inverse(fft, modes, xi));
    *variance = xi[0];
    for (size_t i = 0; i < sf_grid_size(grid); i++) xi[i] = expm1(xi[i]);
    assert_ok(sf_fft_forward(fft, xi, modes));
    for (size_t i = 0; i < half; i++) lambda[i] = creal(modes[i]);
    sf_fft_release(&fft);
}

static const struct {
    int axes;
    size_t shape[3];
    double spacing[3];
} grids[] = {
    {1, {16}, {0.7}}, {1, {9}, {1.3}}, {2, {6, 5}, {0.7, 1.1}}, {3, {3, 4, 2}, {1, 1.2, 0.8}}};

/* From the lognormal field's spectrum back to the eigenvalues of g, read off a draw of fixed
 * lengths |X_k|^2 = N lambda_k. */
static void eigenvalues_come_back(void **state)
{
    (void)state;
    for (size_t g = 0; g < sizeof grids / sizeof *grids; g++) {
        sf_field_draw_options options = sf_field_draw_options_default();
        double lambda_g[MAX], lambda[MAX], variance;
        sf_lognormal_report report;
        sf_complex modes[MAX];
        sf_spectrum *spectrum;
        sf_field *field;
        sf_grid grid;
        table t = {&grid, lambda};

        assert_ok(sf_grid_make(grids[g].axes, grids[g].shape, grids[g].spacing, &grid));
        exact_pair(&grid, lambda_g, lambda, &variance);
        assert_ok(sf_spectrum_callback(look_up, &t, &spectrum));
        assert_ok(sf_field_lognormal(&grid, spectrum, &field, &report));
        assert_int_equal(report.negative_modes, 0);
        assert_close(report.negative_power, 0.0, 0.0);
        assert_close(report.variance, variance, 1e-13);
        options.fixed = true;
        assert_ok(sf_field_draw_modes(field, &options, modes));
        for (size_t i = 0; i < sf_grid_half_size(&grid); i++)
            assert_close(pow(cabs(modes[i]), 2.0) / (double)sf_grid_size(&grid), lambda_g[i],
                         1e-12);
        sf_field_release(&field);
        sf_spectrum_release(&spectrum);
    }
}

/* 40,000 draws on 16 cells: the mean of delta is 0, its variance exp(sigma_g^2) - 1, and each mode
 * has <|X_k|^2> = N lambda_k, within 5 standard errors of the draws' own scatter (11 tests, false
 * alarm 6e-6). */
static void draws_have_the_spectrum(void **state)
{
    enum { DRAWS = 40000 };
    sf_field_draw_options options = sf_field_draw_options_default();
    double lambda_g[MAX], lambda[MAX], variance, x[MAX];
    double sum[11] = {0.0}, squares[11] = {0.0};
    sf_lognormal_report report;
    sf_spectrum *spectrum;
    sf_complex modes[MAX];
    sf_field *field;
    sf_grid grid;
    sf_fft *fft;
    table t = {&grid, lambda};

    (void)state;
    assert_ok(sf_grid_make(1, grids[0].shape, grids[0].spacing, &grid));
    assert_ok(sf_fft_create(&grid, &fft));
    exact_pair(&grid, lambda_g, lambda, &variance);
    assert_ok(sf_spectrum_callback(look_up, &t, &spectrum));
    assert_ok(sf_field_lognormal(&grid, spectrum, &field, &report));
    for (size_t d = 0; d < DRAWS; d++) {
        double value[11] = {0.0};

        options.seed = d;
        assert_ok(sf_field_draw(field, &options, x));
        sf_lognormal_transform(&grid, report.variance, x);
        for (size_t i = 0; i < 16; i++) {
            assert_true(x[i] > -1.0);
            value[9] += x[i] / 16.0;
            value[10] += x[i] * x[i] / 16.0;
        }
        assert_ok(sf_fft_forward(fft, x, modes));
        for (size_t i = 0; i < 9; i++) value[i] = pow(cabs(modes[i]), 2.0) / 16.0;
        for (size_t i = 0; i < 11; i++) {
            sum[i] += value[i] / DRAWS;
            squares[i] += value[i] * value[i] / DRAWS;
        }
    }
    for (size_t i = 0; i < 11; i++) {
        const double exact = i < 9 ? lambda[i] : i == 9 ? 0.0 : expm1(variance);
        const double error = sqrt((squares[i] - sum[i] * sum[i]) / DRAWS);

        if (i < 9) assert_true(error < 0.05 * exact);
        assert_close((sum[i] - exact) / error, 0.0, 5.0);
    }
    sf_fft_release(&fft);
    sf_field_release(&field);
    sf_spectrum_release(&spectrum);
}

/* Two cells and lambda = (0, s): xi = (s/2, -s/2), so lambda_g = ln(1 + s/2) +- ln(1 - s/2), of
 * which the one at k = 0 is negative. */
static void negative_modes_by_hand(void **state)
{
    const size_t n = 2;
    const double s = 1.2, low = log(1.0 - s * s / 4.0), high = log((1.0 + s / 2) / (1.0 - s / 2));
    sf_lognormal_report report;
    sf_spectrum *spectrum;
    sf_field *field;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(1, &n, NULL, &grid));
    assert_ok(sf_spectrum_power_law(s, 0.0, 0.0, &spectrum));
    assert_ok(sf_field_lognormal(&grid, spectrum, &field, &report));
    assert_int_equal(report.negative_modes, 1);
    assert_close(report.negative_power, -low / (high - low), 1e-15);
    assert_close(report.variance, high / 2.0, 1e-15);
    sf_field_release(&field);
    sf_spectrum_release(&spectrum);
}

/* Eisenstein & Hu's spectrum in a box of 512 Mpc/h and 128^3 cells, as it is and with bias 2. The
 * same map in numpy has 2519 (0.12 %) and 200526 (9.6 %) negative modes. */
static void negative_modes_of_matter(void **state)
{
    const size_t shape[] = {128, 128, 128};
    const double modes[] = {2519, 200526}, power[] = {1.547834590e-5, 3.943083144e-3};
    const double variance[] = {1.4411156648, 2.6424395351};
    sf_cosmology cosmology = sf_cosmology_default();
    sf_grid grid;

    (void)state;
    assert_ok(sf_cosmology_parse("h=0.7,Om=0.3,Ob=0.05,ns=0.96,s8=0.8,T=2.725", &cosmology));
    assert_ok(sf_grid_make(3, shape, (const double[]){4.0, 4.0, 4.0}, &grid));
    for (int bias = 1; bias <= 2; bias++) {
        sf_lognormal_report report;
        sf_spectrum *spectrum;
        sf_field *field;

        cosmology.sigma8 = 0.8 * bias;
        assert_ok(sf_spectrum_cosmology(&cosmology, SF_TRANSFER_EH98, 0.0, &spectrum));
        assert_ok(sf_field_lognormal(&grid, spectrum, &field, &report));
        assert_close((double)report.negative_modes, modes[bias - 1], 4.0);
        assert_close(report.negative_power / power[bias - 1], 1.0, 1e-8);
        assert_close(report.variance, variance[bias - 1], 1e-9);
        sf_field_release(&field);
        sf_spectrum_release(&spectrum);
    }
}

static void transform_by_hand(void **state)
{
    double x[3] = {0.0, 0.7, -2.0};
    const size_t n = 3;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(1, &n, NULL, &grid));
    sf_lognormal_transform(&grid, 0.8, x);
    assert_close(x[0], exp(-0.4) - 1.0, 1e-15);
    assert_close(x[1], exp(0.3) - 1.0, 1e-15);
    assert_close(x[2], exp(-2.4) - 1.0, 1e-15);
}

/* At s = 2 the correlation of two cells reaches -1. */
static void bad_input(void **state)
{
    const size_t n = 2;
    sf_lognormal_report report;
    sf_spectrum *spectrum;
    sf_field *field;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(1, &n, NULL, &grid));
    assert_ok(sf_spectrum_power_law(2.0, 0.0, 0.0, &spectrum));
    assert_status(SF_ERR_ARGUMENT, sf_field_lognormal(&grid, spectrum, &field, &report));
    assert_null(field);
    assert_non_null(strstr(sf_last_error(), "-1"));
    sf_spectrum_release(&spectrum);
    assert_ok(sf_spectrum_power_law(1.99, 0.0, 0.0, &spectrum));
    assert_ok(sf_field_lognormal(&grid, spectrum, &field, NULL));
    sf_field_release(&field);
    sf_spectrum_release(&spectrum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eigenvalues_come_back),  cmocka_unit_test(draws_have_the_spectrum),
        cmocka_unit_test(negative_modes_by_hand), cmocka_unit_test(negative_modes_of_matter),
        cmocka_unit_test(transform_by_hand),      cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
