/* test_non_gaussian.c - the local square against direct convolution, by hand, and the skewness
 * that it makes. */
#include <scorefield/field.h>

#include "check.h"

#include <complex.h>
#include <stdlib.h>

#define PI  3.14159265358979323846
#define MAX 128 /* cells */

static const struct {
    int axes;
    size_t shape[3];
} grids[] = {{1, {7}},    {1, {8}},    {1, {1}},       {1, {2}},      {2, {5, 6}},
             {2, {6, 5}}, {2, {1, 8}}, {3, {4, 5, 3}}, {3, {5, 3, 6}}};

/* The integer wavevector of entry `index` of the full spectrum. */
static void full_mode(const sf_grid *grid, size_t index, long m[3])
{
    for (int a = grid->axes - 1; a >= 0; a--) {
        const long n = (long)grid->shape[a], i = (long)(index % grid->shape[a]);

        m[a] = 2 * i <= n ? i : i - n;
        index /= grid->shape[a];
    }
}

static bool on_nyquist(const sf_grid *grid, const long m[3])
{
    for (int a = 0; a < grid->axes; a++)
        if (2 * m[a] == (long)grid->shape[a]) return true;
    return false;
}

/* Full spectrum (sign -1) or field (sign 1, with 1/N), term by term. */
static void transform(const sf_grid *grid, int sign, const double _Complex *in,
                      double _Complex *out)
{
    const size_t n = sf_grid_size(grid);

    for (size_t i = 0; i < n; i++) {
        out[i] = 0.0;
        for (size_t j = 0; j < n; j++) {
            size_t a = i, b = j;
            double phase = 0.0;

            for (int axis = grid->axes - 1; axis >= 0; axis--) {
                const size_t s = grid->shape[axis];

                phase += (double)(a % s * (b % s)) / (double)s;
                a /= s;
                b /= s;
            }
            out[i] += in[j] * cexp(2.0 * PI * I * sign * phase);
        }
        if (sign > 0) out[i] /= (double)n;
    }
}

/* The modes p + q = m of the square, all three off the Nyquist planes, m not 0. */
static double _Complex convolve(const sf_grid *grid, const double _Complex *modes, const long m[3])
{
    const size_t n = sf_grid_size(grid);
    double _Complex sum = 0.0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            long p[3], q[3];
            bool closed = true;

            full_mode(grid, i, p);
            full_mode(grid, j, q);
            for (int a = 0; a < grid->axes; a++) closed &= p[a] + q[a] == m[a];
            if (closed && !on_nyquist(grid, p) && !on_nyquist(grid, q)) sum += modes[i] * modes[j];
        }
    return sum / (double)n;
}

static void square_is_a_direct_convolution(void **state)
{
    const double f = 0.7;

    (void)state;
    for (size_t g = 0; g < sizeof grids / sizeof *grids; g++) {
        double _Complex values[MAX], modes[MAX], squared[MAX];
        double phi[MAX];
        sf_grid grid;

        assert_ok(sf_grid_make(grids[g].axes, grids[g].shape, NULL, &grid));
        sf_random_normal(sf_random_make(5, 0), g, 0, sf_grid_size(&grid), phi);
        for (size_t i = 0; i < sf_grid_size(&grid); i++) values[i] = phi[i];
        transform(&grid, -1, values, modes);
        for (size_t i = 0; i < sf_grid_size(&grid); i++) {
            long m[3];

            full_mode(&grid, i, m);
            squared[i] = modes[i];
            if (i > 0 && !on_nyquist(&grid, m)) squared[i] += f * convolve(&grid, modes, m);
        }
        transform(&grid, 1, squared, values);
        assert_ok(sf_local_non_gaussianity(&grid, f, phi));
        for (size_t i = 0; i < sf_grid_size(&grid); i++)
            assert_close(phi[i], creal(values[i]), 1e-13);
    }
}

/* On 16 cells a cos(2x) + b gives a^2/2 cos(4x) + 2ab cos(2x); cos(6x)^2 has no mode on the grid,
 * where without the larger grid cos(12x) would turn up as cos(4x). */
static void waves_by_hand(void **state)
{
    const size_t n = 16;
    const double a = 0.8, b = 0.3, f = -2.0;
    double two[16], six[16];
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(1, &n, NULL, &grid));
    for (size_t i = 0; i < n; i++) {
        two[i] = b + a * cos(2.0 * PI * 2.0 * (double)i / 16.0);
        six[i] = a * cos(2.0 * PI * 6.0 * (double)i / 16.0);
    }
    assert_ok(sf_local_non_gaussianity(&grid, f, two));
    assert_ok(sf_local_non_gaussianity(&grid, f, six));
    for (size_t i = 0; i < n; i++) {
        const double x = 2.0 * PI * (double)i / 16.0;

        assert_close(two[i],
                     b + a * (1.0 + 2.0 * f * b) * cos(2.0 * x) + f * a * a / 2.0 * cos(4.0 * x),
                     1e-14);
        assert_close(six[i], a * cos(6.0 * x), 1e-14);
    }
}

/* Modes |m| < n/4 only, so that no square leaves the grid. Then for Gaussian g of variance s2
 *   <(g + f (g^2 - g2))^3> = 3 f <g^2 (g^2 - g2)> + O(f^3) = 6 f (s2^2 - sum_k (lambda_k/N)^2),
 * g2 the box's mean of g^2. The mean over draws of +f and -f of the same g, which has no odd noise,
 * has to be that within 5 standard errors (false alarm 6e-7), and positive for f > 0. */
static void skewness(void **state)
{
    enum { CELLS = 32, DRAWS = 1500 };
    const size_t shape[] = {CELLS, CELLS}, size = CELLS * CELLS;
    const double f = 0.01;
    double s2 = 0.0, s4 = 0.0, mean = 0.0, square = 0.0, expected, error;
    double *g, *minus;
    sf_field_draw_options options = sf_field_draw_options_default();
    sf_field *field;
    sf_fft *plans;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(2, (const size_t[]){CELLS * 3 / 2, CELLS * 3 / 2}, NULL, &grid));
    assert_ok(sf_fft_create(&grid, &plans)); /* kept, so that they are made once */
    assert_ok(sf_grid_make(2, shape, NULL, &grid));
    g = calloc(sf_fft_buffer_size(&grid), sizeof *g);
    minus = calloc(sf_fft_buffer_size(&grid), sizeof *minus);
    assert_non_null(g);
    assert_non_null(minus);
    {
        double *lambda = calloc(sf_grid_half_size(&grid), sizeof *lambda);

        assert_non_null(lambda);
        for (size_t i = 1; i < sf_grid_half_size(&grid); i++) {
            long m[SF_GRID_MAX_AXES];
            double share;

            sf_grid_mode(&grid, i, m);
            if (labs(m[0]) >= CELLS / 4 || labs(m[1]) >= CELLS / 4) continue;
            lambda[i] = 40.0 / (double)(m[0] * m[0] + m[1] * m[1]);
            share = lambda[i] / (double)size;
            s2 += sf_grid_mode_weight(&grid, i) * share;
            s4 += sf_grid_mode_weight(&grid, i) * share * share;
        }
        assert_ok(sf_field_from_eigenvalues(&grid, lambda, 0.0, &field));
        free(lambda);
    }
    for (size_t d = 0; d < DRAWS; d++) {
        double cubes = 0.0;

        options.seed = 100 + d;
        assert_ok(sf_field_draw(field, &options, g));
        for (size_t i = 0; i < size; i++) minus[i] = g[i];
        assert_ok(sf_local_non_gaussianity(&grid, f, g));
        assert_ok(sf_local_non_gaussianity(&grid, -f, minus));
        for (size_t i = 0; i < size; i++) cubes += pow(g[i], 3.0) - pow(minus[i], 3.0);
        cubes /= 2.0 * (double)size;
        mean += cubes / DRAWS;
        square += cubes * cubes / DRAWS;
    }
    expected = 6.0 * f * (s2 * s2 - s4);
    error = sqrt((square - mean * mean) / DRAWS);
    assert_true(error < 0.08 * expected);
    assert_close((mean - expected) / error, 0.0, 5.0);
    sf_fft_release(&plans);
    sf_field_release(&field);
    free(g);
    free(minus);
}

static void bad_input(void **state)
{
    const size_t n = 4;
    double phi[4] = {0.0, 1.0, INFINITY, 2.0};
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(1, &n, NULL, &grid));
    assert_status(SF_ERR_ARGUMENT, sf_local_non_gaussianity(&grid, NAN, phi));
    assert_status(SF_ERR_NUMERIC, sf_local_non_gaussianity(&grid, 1.0, phi));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(square_is_a_direct_convolution),
        cmocka_unit_test(waves_by_hand),
        cmocka_unit_test(skewness),
        cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
