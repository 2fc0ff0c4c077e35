/* test_kaiser.c - linear redshift-space distortion: plane waves, multipoles, bad input. */
#include <scorefield/field.h>

#include "check.h"

#include <stdlib.h>

#define PI 3.14159265358979323846

static const size_t shape[] = {6, 5, 8};
static const double spacing[] = {0.5, 2.0, 1.25};

/* cos(k.x + phase) of an integer wavevector at a cell */
static double wave(const long m[3], double phase, size_t cell)
{
    const size_t i[] = {cell / 40, cell / 8 % 5, cell % 8};

    for (int a = 0; a < 3; a++) phase += 2.0 * PI * (double)m[a] * (double)i[a] / (double)shape[a];
    return cos(phase);
}

/* Every plane wave is an eigenvector, with the eigenvalue b + f mu^2. */
static void plane_waves(void **state)
{
    static const long modes[][3] = {{0, 0, 0},  {1, 0, 0},  {0, 1, 0}, {0, 0, 1},  {1, 2, 3},
                                    {2, -1, 3}, {-2, 2, 1}, {3, 1, 0}, {3, 2, -2}, {0, 0, 4}};
    const double bias = 1.7, f = 0.6;
    double field[240];
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(3, shape, spacing, &grid));
    for (size_t w = 0; w < sizeof modes / sizeof *modes; w++)
        for (int axis = 0; axis < 3; axis++) {
            double k2 = 0.0, along = 0.0;

            for (int a = 0; a < 3; a++) {
                const double k = (double)modes[w][a] / ((double)shape[a] * spacing[a]);

                k2 += k * k;
                if (a == axis) along = k * k;
            }
            for (size_t i = 0; i < 240; i++) field[i] = wave(modes[w], 0.3, i);
            assert_ok(sf_kaiser(&grid, axis, bias, f, field));
            for (size_t i = 0; i < 240; i++)
                assert_close(field[i],
                             (bias + (k2 > 0.0 ? f * along / k2 : 0.0)) * wave(modes[w], 0.3, i),
                             1e-14);
        }
}

/* An impulse has power 1 in every mode. Over all modes of a ball the ratio of quadrupole to
 * monopole is (4f/3 + 4f^2/7)/(1 + 2f/3 + f^2/5), but for the lattice: mu^2 averages to 1/3
 * exactly, mu^4 to 1/5 within 1e-3 (which moves the ratio by 1.4e-3). */
static void quadrupole_to_monopole(void **state)
{
    const size_t cube[] = {32, 32, 32};
    const double f = 0.8, b = 1.5, beta = f / b;
    const double expected =
        (4.0 * beta / 3.0 + 4.0 * beta * beta / 7.0) / (1.0 + 2.0 * beta / 3.0 + beta * beta / 5.0);
    double *field = calloc(32768, sizeof *field), sums[2] = {0.0, 0.0};
    sf_complex *modes = calloc(32 * 32 * 17, sizeof *modes);
    sf_grid grid;
    sf_fft *fft;

    (void)state;
    assert_non_null(field);
    assert_non_null(modes);
    assert_ok(sf_grid_make(3, cube, NULL, &grid));
    field[0] = 1.0;
    assert_ok(sf_kaiser(&grid, 1, b, f, field));
    assert_ok(sf_fft_create(&grid, &fft));
    assert_ok(sf_fft_forward(fft, field, modes));
    for (size_t i = 1; i < sf_grid_half_size(&grid); i++) {
        const double *x = (const double *)&modes[i];
        const double power = sf_grid_mode_weight(&grid, i) * (x[0] * x[0] + x[1] * x[1]);
        long m[SF_GRID_MAX_AXES];
        double k2, mu2;

        sf_grid_mode(&grid, i, m);
        k2 = (double)(m[0] * m[0] + m[1] * m[1] + m[2] * m[2]);
        mu2 = (double)(m[1] * m[1]) / k2;
        if (k2 > 15.0 * 15.0) continue;
        sums[0] += power;
        sums[1] += power * 5.0 * (1.5 * mu2 - 0.5);
    }
    assert_close(sums[1] / sums[0], expected, 2e-3);
    sf_fft_release(&fft);
    free(field);
    free(modes);
}

static void bad_input(void **state)
{
    double field[240] = {0.0};
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(3, shape, spacing, &grid));
    assert_status(SF_ERR_ARGUMENT, sf_kaiser(&grid, 3, 1.0, 0.5, field));
    assert_status(SF_ERR_ARGUMENT, sf_kaiser(&grid, -1, 1.0, 0.5, field));
    assert_status(SF_ERR_ARGUMENT, sf_kaiser(&grid, 0, NAN, 0.5, field));
    assert_status(SF_ERR_ARGUMENT, sf_kaiser(&grid, 0, 1.0, INFINITY, field));
    field[7] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_kaiser(&grid, 0, 1.0, 0.5, field));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plane_waves),
        cmocka_unit_test(quadrupole_to_monopole),
        cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
