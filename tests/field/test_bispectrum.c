/* test_bispectrum.c - the bispectrum against the sum over every triangle of modes, and in the mean
 * over Gaussian fields (0, with the stated error) and over a field that is not Gaussian. */
#include <scorefield/field.h>

#include "check.h"

#include <complex.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

/* X at any wavevector from the half spectrum. */
static sf_complex mode(const sf_grid *grid, const sf_complex *half, const long m[2])
{
    const long rows = (long)grid->shape[0], n = (long)grid->shape[1], stored = n / 2 + 1;
    const long last = (m[1] % n + n) % n, first = (m[0] % rows + rows) % rows;

    if (last < stored) return half[first * stored + last];
    return conj(half[(rows - first) % rows * stored + n - last]);
}

static int shell_of(const sf_grid *grid, const long m[2], const double *edge, int shells)
{
    const double k = 2.0 * pi *
                     hypot((double)m[0] / ((double)grid->shape[0] * grid->spacing[0]),
                           (double)m[1] / ((double)grid->shape[1] * grid->spacing[1]));

    for (int s = 0; s < shells; s++)
        if (k >= edge[s] && k < edge[s + 1]) return s;
    return -1;
}

static void every_triangle_of_modes(void **state)
{
    const double edge[] = {0.21, 0.45, 0.73, 1.02};
    const size_t triangle[] = {0, 0, 0, 1, 1, 0, 2, 1, 0, 0, 2, 2, 0, 0, 2};
    double x[13 * 16], count[3][3][3] = {{{0}}}, sum[3][3][3] = {{{0}}};
    sf_triangle result[5];
    sf_complex *modes;
    sf_power_bin bins[3];
    sf_power_options options = sf_power_options_default();
    sf_grid grid;
    sf_fft *fft;

    (void)state;
    assert_ok(sf_grid_make(2, (const size_t[]){13, 16}, (const double[]){1.2, 1.1}, &grid));
    sf_random_normal(sf_random_make(8, 1), 0, 0, 13 * 16, x);
    for (int i = 0; i < 13 * 16; i++) x[i] += 0.3 * x[i] * x[i];
    assert_ok(sf_bispectrum(&grid, x, edge, 3, triangle, 5, result));
    assert_ok(sf_fft_create(&grid, &fft));
    assert_ok(sf_allocate(&modes, sf_grid_half_size(&grid), sizeof *modes));
    assert_ok(sf_fft_forward(fft, x, modes));
    for (long a = -6; a <= 6; a++)
        for (long b = -7; b <= 8; b++)
            for (long c = -6; c <= 6; c++)
                for (long d = -7; d <= 8; d++) {
                    const long m[3][2] = {{a, b}, {c, d}, {-a - c, -b - d}};
                    int s[3];

                    for (int i = 0; i < 3; i++) s[i] = shell_of(&grid, m[i], edge, 3);
                    if (s[0] < 0 || s[1] < 0 || s[2] < 0) continue;
                    count[s[0]][s[1]][s[2]] += 1.0;
                    sum[s[0]][s[1]][s[2]] +=
                        creal(mode(&grid, modes, m[0]) * mode(&grid, modes, m[1]) *
                              mode(&grid, modes, m[2]));
                }
    for (int t = 0; t < 5; t++) {
        const size_t *s = triangle + 3 * t;
        const double triangles = count[s[0]][s[1]][s[2]], volume = sf_grid_volume(&grid);
        const double symmetry[] = {6, 2, 1, 2, 2}, cells = 13 * 16;
        double p[3], b;

        for (int i = 0; i < 3; i++) {
            options.bins = (sf_bins){1, edge[s[i]], edge[s[i] + 1], false};
            assert_ok(sf_power(&grid, x, &options, &bins[i], NULL));
            assert_close(result[t].k[i], bins[i].k, 1e-13);
            p[i] = bins[i].power;
        }
        assert_true(result[t].triangles == triangles);
        if (triangles == 0.0) {
            assert_true(isnan(result[t].bispectrum) && isnan(result[t].error));
            continue;
        }
        b = volume * volume / pow(cells, 3.0) * sum[s[0]][s[1]][s[2]] / triangles;
        assert_close(result[t].bispectrum, b, 1e-10);
        assert_close(result[t].reduced * (p[0] * p[1] + p[1] * p[2] + p[2] * p[0]), b, 1e-10);
        assert_close(result[t].error, sqrt(symmetry[t] * volume * p[0] * p[1] * p[2] / triangles),
                     1e-10);
    }
    assert_true(result[2].triangles > 0.0 && result[3].triangles > 0.0);
    sf_free(modes);
    sf_fft_release(&fft);
}

/* White x = g + a (g^2 - 1): cells are independent with the third cumulant 6 a + 8 a^3, so that
 * B = (6 a + 8 a^3) v^2 = 2 a (P_1 P_2 + P_2 P_3 + P_3 P_1) to first order; and P = (1 + 2 a^2) v.
 * For a = 0 the variance over 600 draws is the square of the stated error with the true P, within 5
 * of the sample's own standard errors; means likewise: 9 numbers, 1 in 200,000. */
static void means_and_errors(double a)
{
    enum { DRAWS = 600, SHAPES = 3 };
    const double edge[] = {1.2, 2.6, 4.0}, expected = (6.0 * a + 8.0 * a * a * a) / 64.0;
    const size_t triangle[] = {0, 0, 0, 1, 0, 1, 1, 1, 1};
    const double symmetry[] = {6, 2, 6};
    double m1[SHAPES] = {0}, m2[SHAPES] = {0}, m4[SHAPES] = {0}, x[1000];
    sf_triangle result[SHAPES];
    sf_grid grid;

    assert_ok(
        sf_grid_make(3, (const size_t[]){10, 10, 10}, (const double[]){0.5, 0.5, 0.5}, &grid));
    for (uint64_t d = 0; d < DRAWS; d++) {
        sf_random_normal(sf_random_make(12, d), 0, 0, 1000, x);
        for (int i = 0; i < 1000; i++) x[i] += a * (x[i] * x[i] - 1.0);
        assert_ok(sf_bispectrum(&grid, x, edge, 2, triangle, SHAPES, result));
        for (int t = 0; t < SHAPES; t++) {
            const double b = result[t].bispectrum - expected;

            m1[t] += b / DRAWS;
            m2[t] += b * b / DRAWS;
            m4[t] += b * b * b * b / DRAWS;
        }
    }
    for (int t = 0; t < SHAPES; t++) {
        const double error2 = symmetry[t] * 125.0 / 512.0 / result[t].triangles;

        assert_close(m1[t] / sqrt(m2[t] / DRAWS), 0.0, 5.0);
        if (a == 0.0)
            assert_close((m2[t] - error2) / sqrt((m4[t] - m2[t] * m2[t]) / DRAWS), 0.0, 5.0);
        else /* it is seen at all */
            assert_true(expected / sqrt(m2[t] / DRAWS) > 5.0);
    }
}

static void gaussian_fields_have_none(void **state)
{
    (void)state;
    means_and_errors(0.0);
}

static void a_squared_field_has_that_of_theory(void **state)
{
    (void)state;
    means_and_errors(0.4);
}

static void bad_input_is_refused(void **state)
{
    const size_t inside[] = {0, 0, 0}, outside[] = {0, 0, 2}, high[] = {1, 1, 1};
    double x[64] = {0};
    sf_triangle result;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(8, 8, &grid));
#define CALL(edge, shells, triangle) \
    sf_bispectrum(&grid, x, (const double[])edge, shells, triangle, 1, &result)
#define EDGES(...) {__VA_ARGS__}
    assert_ok(CALL(EDGES(0.5, 1.5, 2.5), 2, inside));
    assert_status(SF_ERR_ARGUMENT, CALL(EDGES(0.5, 1.5, 2.5), 2, outside));
    assert_status(SF_ERR_ARGUMENT, CALL(EDGES(0.5, 1.5, 2.5), 2, high));
    assert_status(SF_ERR_ARGUMENT, CALL(EDGES(0.0, 1.5, 2.5), 2, inside));
    assert_status(SF_ERR_ARGUMENT, CALL(EDGES(0.5, 0.5, 2.5), 2, inside));
    assert_status(SF_ERR_ARGUMENT, CALL(EDGES(0.5), 0, inside));
    x[3] = NAN;
    assert_status(SF_ERR_NUMERIC, CALL(EDGES(0.5, 1.5, 2.5), 2, inside));
#undef CALL
#undef EDGES
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_triangle_of_modes),
        cmocka_unit_test(gaussian_fields_have_none),
        cmocka_unit_test(a_squared_field_has_that_of_theory),
        cmocka_unit_test(bad_input_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
