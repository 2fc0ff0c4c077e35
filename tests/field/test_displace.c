/* test_displace.c - Lagrangian perturbation theory: plane waves, crossed waves and a spherical
 * potential by hand, velocities, the particles' own modes against linear theory, bad input. */
#include <scorefield/field.h>

#include "check.h"

#include <complex.h>
#include <stdlib.h>

#define PI 3.14159265358979323846

/* Matter alone: omega_m(z) = 1, E = (1 + z)^1.5, f = 1, f2 = 2. */
static sf_cosmology einstein_de_sitter(void)
{
    sf_cosmology c = sf_cosmology_default();

    c.omega_m = 1.0;
    c.omega_lambda = 0.0;
    return c;
}

/* The displacement of a component across the periodic box. */
static double shift(const sf_grid *grid, const double *positions, size_t cell, int axis)
{
    const double length = (double)grid->shape[axis] * grid->spacing[axis];
    size_t rest = cell;
    double d;

    for (int a = grid->axes - 1; a > axis; a--) rest /= grid->shape[a];
    d = positions[cell * (size_t)grid->axes + (size_t)axis] -
        ((double)(rest % grid->shape[axis]) + 0.5) * grid->spacing[axis];
    return d - length * round(d / length);
}

/* m . i / n of an integer wavevector at a cell, in radians */
static double phase_at(const sf_grid *grid, const long *m, size_t cell)
{
    double phase = 0.0;

    for (int a = grid->axes - 1; a >= 0; a--) {
        const size_t n = grid->shape[a];

        phase += 2.0 * PI * (double)m[a] * (double)(cell % n) / (double)n;
        cell /= n;
    }
    return phase;
}

static void wavevector(const sf_grid *grid, const long *m, double k[3], double *k2)
{
    *k2 = 0.0;
    for (int a = 0; a < grid->axes; a++) {
        k[a] = 2.0 * PI * (double)m[a] / ((double)grid->shape[a] * grid->spacing[a]);
        *k2 += k[a] * k[a];
    }
}

static const struct {
    int axes;
    size_t shape[3];
    double spacing[3];
} grids[] = {{1, {16}, {0.5}}, {2, {9, 10}, {1.0, 0.7}}, {3, {8, 7, 10}, {1.0, 1.2, 0.6}}};
enum { LARGEST = 560 };

/* delta = A cos(k.q + p): psi = -A k/k^2 sin(k.q + p) to first and to second order, whose source
 * vanishes; v = 100 E/(1 + z) f psi. */
static void plane_waves(void **state)
{
    static const long modes[][3] = {{1, 0, 0}, {2, -1, 3}, {3, 2, 1}};
    const double amplitude = 0.05, p = 0.4, z = 1.5;
    sf_cosmology cosmology = sf_cosmology_default();
    double e, f;

    (void)state;
    cosmology.per_mpc = true;
    assert_ok(sf_growth(&cosmology, z, NULL, &f));
    assert_ok(sf_expansion(&cosmology, z, &e));
    for (size_t g = 0; g < 3; g++)
        for (size_t w = 0; w < 3; w++)
            for (int order = 1; order <= 2; order++) {
                double delta[LARGEST], x[3 * LARGEST], v[3 * LARGEST], k[3], k2;
                const double speed = 100.0 * cosmology.h * e / (1.0 + z) * f;
                sf_grid grid;

                assert_ok(sf_grid_make(grids[g].axes, grids[g].shape, grids[g].spacing, &grid));
                wavevector(&grid, modes[w], k, &k2);
                for (size_t i = 0; i < sf_grid_size(&grid); i++)
                    delta[i] = amplitude * cos(phase_at(&grid, modes[w], i) + p) + 0.2;
                assert_ok(sf_displace(&grid, &cosmology, z, order, delta, x, v));
                for (size_t i = 0; i < sf_grid_size(&grid); i++)
                    for (int a = 0; a < grid.axes; a++) {
                        const double psi =
                            -amplitude * k[a] / k2 * sin(phase_at(&grid, modes[w], i) + p);

                        assert_close(shift(&grid, x, i, a), psi, 1e-14);
                        assert_close(v[i * (size_t)grid.axes + (size_t)a], speed * psi, 1e-12);
                    }
            }
}

/* A cos(k1.q) + B cos(k2.q): S = AB/2 (1 - mu^2) [cos (k1 + k2).q + cos (k1 - k2).q], mu the cosine
 * between them. In the second case k1 + k2 is beyond the grid's Nyquist frequency and leaves
 * nothing. */
static void crossed_waves(void **state)
{
    static const long first[][3] = {{1, 2, -1}, {1, 2, 3}}, second[][3] = {{2, -1, 1}, {2, 1, 2}};
    const double a1 = 0.3, a2 = 0.2, z = 2.0;
    const sf_cosmology cosmology = einstein_de_sitter();

    (void)state;
    for (size_t g = 1; g < 3; g++)
        for (int c = 0; c < 2; c++) {
            double delta[LARGEST], x1[3 * LARGEST], x2[3 * LARGEST], v1[3 * LARGEST];
            double v2[3 * LARGEST], k1[3], k2[3], square1, square2, dot = 0.0, source;
            const double hubble = 100.0 * sqrt(1.0 + z);
            sf_grid grid;

            assert_ok(sf_grid_make(grids[g].axes, grids[g].shape, grids[g].spacing, &grid));
            wavevector(&grid, first[c], k1, &square1);
            wavevector(&grid, second[c], k2, &square2);
            for (int a = 0; a < grid.axes; a++) dot += k1[a] * k2[a];
            source = a1 * a2 / 2.0 * (1.0 - dot * dot / square1 / square2);
            for (size_t i = 0; i < sf_grid_size(&grid); i++)
                delta[i] = a1 * cos(phase_at(&grid, first[c], i)) +
                           a2 * cos(phase_at(&grid, second[c], i));
            assert_ok(sf_displace(&grid, &cosmology, z, 1, delta, x1, v1));
            assert_ok(sf_displace(&grid, &cosmology, z, 2, delta, x2, v2));
            for (size_t i = 0; i < sf_grid_size(&grid); i++)
                for (int a = 0; a < grid.axes; a++) {
                    const size_t at = i * (size_t)grid.axes + (size_t)a;
                    double psi = 0.0;

                    for (int sign = -1; sign <= 1; sign += 2) {
                        long m[3] = {0};
                        double k[3], square;
                        bool inside = true;

                        for (int b = 0; b < grid.axes; b++) {
                            m[b] = first[c][b] + sign * second[c][b];
                            inside &= 2 * labs(m[b]) < (long)grid.shape[b];
                        }
                        wavevector(&grid, m, k, &square);
                        if (inside)
                            psi -= 3.0 / 7.0 * source * k[a] / square * sin(phase_at(&grid, m, i));
                    }
                    assert_close(shift(&grid, x2, i, a) - shift(&grid, x1, i, a), psi, 1e-14);
                    assert_close(v2[at] - v1[at], 2.0 * hubble * psi, 1e-12);
                }
        }
}

/* A spherical potential phi = -A exp(-r^2/2s^2) has psi1 = -phi', and r^2 phi2' = r phi'^2 (in two
 * dimensions r phi2' = phi'^2/2), so psi2 = -3/7 omega_m(z)^(-1/143) phi'^2/r (half of it): the
 * growth of a spherical collapse, with the velocity a H f2 psi2, f2 = 2 omega_m(z)^(6/11). Its
 * density is the laplacian; images and cut-offs are below 1e-9. */
static void spherical_potential(void **state)
{
    enum { CELLS = 40 };
    const sf_cosmology cosmology = sf_cosmology_default();
    const double s = 3.0, amplitude = 2.0, z = 0.3;
    double e, omega, speed;

    (void)state;
    assert_ok(sf_expansion(&cosmology, z, &e));
    omega = cosmology.omega_m * pow(1.0 + z, 3.0) / (e * e);
    speed = 100.0 * e / (1.0 + z) * 2.0 * pow(omega, 6.0 / 11.0);
    for (int axes = 2; axes <= 3; axes++) {
        const size_t shape[] = {CELLS, CELLS, CELLS};
        double *delta, *x1, *x2, *v1, *v2, centre = CELLS / 2 + 0.5, worst = 0.0;
        sf_grid grid;
        size_t size;

        assert_ok(sf_grid_make(axes, shape, NULL, &grid));
        size = sf_grid_size(&grid);
        delta = calloc(size, sizeof *delta);
        x1 = calloc(size * (size_t)axes, sizeof *x1);
        x2 = calloc(size * (size_t)axes, sizeof *x2);
        v1 = calloc(size * (size_t)axes, sizeof *v1);
        v2 = calloc(size * (size_t)axes, sizeof *v2);
        assert_non_null(delta);
        assert_non_null(x1);
        assert_non_null(x2);
        assert_non_null(v1);
        assert_non_null(v2);
        for (int pass = 0; pass < 2; pass++) {
            if (pass == 1) {
                assert_ok(sf_displace(&grid, &cosmology, z, 1, delta, x1, v1));
                assert_ok(sf_displace(&grid, &cosmology, z, 2, delta, x2, v2));
            }
            for (size_t i = 0; i < size; i++) {
                double q[3], r2 = 0.0, profile, slope_over_r, second;
                size_t rest = i, at;

                for (int a = axes - 1; a >= 0; a--, rest /= CELLS) {
                    q[a] = (double)(rest % CELLS) + 0.5 - centre;
                    r2 += q[a] * q[a];
                }
                profile = amplitude * exp(-r2 / (2.0 * s * s));
                slope_over_r = profile / (s * s); /* phi'/r */
                second = -3.0 / 7.0 * pow(omega, -1.0 / 143.0) * slope_over_r * slope_over_r *
                         (axes == 2 ? 0.5 : 1.0);
                if (pass == 0) delta[i] = slope_over_r * (axes - r2 / (s * s));
                for (int a = 0; a < axes && pass == 1; a++) {
                    const double psi1 = shift(&grid, x1, i, a),
                                 psi2 = shift(&grid, x2, i, a) - psi1;

                    worst = fmax(worst, fabs(psi1 + slope_over_r * q[a]));
                    worst = fmax(worst, fabs(psi2 - second * q[a]));
                    at = i * (size_t)axes + (size_t)a;
                    worst = fmax(worst, fabs((v2[at] - v1[at]) / speed - second * q[a]));
                }
            }
        }
        assert_close(worst, 0.0, 1e-8);
        free(delta);
        free(x1);
        free(x2);
        free(v1);
        free(v2);
    }
}

/* At redshift 99 the particles' modes sum_p exp(-i k.x_p)/N are those of the field they come from:
 * the difference is of second order, sigma = 0.01 of the field at 8 Mpc/h. All modes up to a
 * quarter of the Nyquist frequency, summed directly; the field has fixed amplitudes, so that its
 * power is linear theory's exactly. */
static void particles_have_the_linear_spectrum(void **state)
{
    enum { CELLS = 24, REACH = 3 };
    const size_t shape[] = {CELLS, CELLS, CELLS}, size = CELLS * CELLS * CELLS;
    const sf_field_draw_options options = {.seed = 2, .fixed = true};
    const sf_cosmology cosmology = sf_cosmology_default();
    double *delta, *x, power = 0.0, linear = 0.0, difference = 0.0;
    sf_spectrum *spectrum;
    sf_field *field;
    sf_complex *modes;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(3, shape, (const double[]){8.0, 8.0, 8.0}, &grid));
    delta = calloc(sf_fft_buffer_size(&grid), sizeof *delta);
    modes = calloc(sf_grid_half_size(&grid), sizeof *modes);
    x = calloc(3 * size, sizeof *x);
    assert_non_null(delta);
    assert_non_null(modes);
    assert_non_null(x);
    assert_ok(sf_spectrum_cosmology(&cosmology, SF_TRANSFER_EH98, 99.0, &spectrum));
    assert_ok(sf_field_create(&grid, spectrum, 0.0, &field));
    assert_ok(sf_field_draw_modes(field, &options, modes));
    assert_ok(sf_field_draw(field, &options, delta));
    assert_ok(sf_displace(&grid, &cosmology, 99.0, 2, delta, x, NULL));
    for (size_t i = 1; i < sf_grid_half_size(&grid); i++) {
        double _Complex sum = 0.0, own;
        double k[3], k2, expected;
        long m[SF_GRID_MAX_AXES];

        sf_grid_mode(&grid, i, m);
        if (labs(m[0]) > REACH || labs(m[1]) > REACH || labs(m[2]) > REACH) continue;
        wavevector(&grid, m, k, &k2);
        for (size_t p = 0; p < size; p++) /* from the first cell's centre, as the field's modes */
            sum += cexp(-I * (k[0] * (x[3 * p] - 4.0) + k[1] * (x[3 * p + 1] - 4.0) +
                              k[2] * (x[3 * p + 2] - 4.0)));
        own = modes[i];
        assert_ok(sf_spectrum_power(spectrum, sqrt(k2), &expected));
        linear += expected * sf_grid_volume(&grid) / pow(sf_grid_volume(&grid), 2.0);
        power += pow(cabs(sum) / (double)size, 2.0);
        difference += pow(cabs(sum - own) / (double)size, 2.0);
    }
    assert_close(power / linear, 1.0, 2e-3);
    assert_close(difference / linear, 0.0, 1e-4);
    sf_field_release(&field);
    sf_spectrum_release(&spectrum);
    free(delta);
    free(modes);
    free(x);
}

/* (-1)^i cos(k q) along two axes has no derivative along the first, where the wave is the Nyquist
 * one, and -k/|k|^2 (-1)^i sin(k q) for displacement along the second. */
static void nyquist_waves(void **state)
{
    const size_t shape[] = {4, 6};
    const sf_cosmology cosmology = sf_cosmology_default();
    const double k = 2.0 * PI / 6.0, square = k * k + PI * PI;
    double delta[24], x[48];
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(2, shape, NULL, &grid));
    for (size_t i = 0; i < 24; i++)
        delta[i] = (i / 6 % 2 == 0 ? 1.0 : -1.0) * cos(k * (double)(i % 6));
    assert_ok(sf_displace(&grid, &cosmology, 0.0, 2, delta, x, NULL));
    for (size_t i = 0; i < 24; i++) {
        const double psi = (i / 6 % 2 == 0 ? -1.0 : 1.0) * k / square * sin(k * (double)(i % 6));

        assert_close(shift(&grid, x, i, 0), 0.0, 1e-15);
        assert_close(shift(&grid, x, i, 1), psi, 1e-15);
    }
}

/* Positions stay in [0, L): when displaced by many boxes, and when they end at 0 but for round-off,
 * where a negative one would be carried to L. The amplitudes go by single bits through the one that
 * takes the first particle there. */
static void positions_stay_in_the_box(void **state)
{
    const size_t n = 4;
    const sf_cosmology cosmology = sf_cosmology_default();
    double delta[4], x[4], amplitude = PI / 4.0;
    int near = 0;
    sf_grid grid;
    sf_fft *plans;

    (void)state;
    assert_ok(sf_grid_make(1, &n, NULL, &grid));
    assert_ok(sf_fft_create(&grid, &plans));
    for (int i = 0; i < 20; i++) amplitude = nextafter(amplitude, 0.0);
    for (int j = 0; j < 60; j++) {
        const double a = j < 40 ? amplitude : 1e4 * amplitude;

        for (size_t i = 0; i < 4; i++) delta[i] = -a * sin(PI / 2.0 * (double)i);
        amplitude = nextafter(amplitude, 1.0);
        assert_ok(sf_displace(&grid, &cosmology, 0.0, 1, delta, x, NULL));
        for (size_t i = 0; i < 4; i++) {
            assert_true(x[i] >= 0.0 && x[i] < 4.0);
            near += x[i] < 1e-14;
        }
    }
    assert_true(near > 15);
    sf_fft_release(&plans);
}

static void same_bits_on_any_number_of_threads(void **state)
{
    const size_t shape[] = {34, 33, 36}, size = 34 * 33 * 36;
    const sf_cosmology cosmology = sf_cosmology_default();
    const int threads[] = {1, 2, 7};
    double *delta = calloc(size, sizeof *delta), *x[2];
    sf_grid grid;

    (void)state;
    assert_non_null(delta);
    for (int i = 0; i < 2; i++) {
        x[i] = calloc(3 * size, sizeof *x[i]);
        assert_non_null(x[i]);
    }
    assert_ok(sf_grid_make(3, shape, NULL, &grid));
    sf_random_normal(sf_random_make(1, 0), 0, 0, size, delta);
    for (int t = 0; t < 3; t++) {
        assert_ok(sf_thread_count_set(threads[t]));
        assert_ok(sf_displace(&grid, &cosmology, 0.0, 2, delta, x[t > 0], NULL));
        if (t > 0) assert_memory_equal(x[0], x[1], 3 * size * sizeof *x[0]);
    }
    assert_ok(sf_thread_count_set(0));
    free(x[0]);
    free(x[1]);
    free(delta);
}

static void bad_input(void **state)
{
    const size_t shape[] = {2, 2, 2, 2};
    const sf_cosmology cosmology = sf_cosmology_default();
    double delta[16] = {0.0}, x[64];
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(4, shape, NULL, &grid));
    assert_status(SF_ERR_ARGUMENT, sf_displace(&grid, &cosmology, 0.0, 1, delta, x, NULL));
    assert_ok(sf_grid_make(3, shape, NULL, &grid));
    assert_status(SF_ERR_ARGUMENT, sf_displace(&grid, &cosmology, 0.0, 3, delta, x, NULL));
    assert_status(SF_ERR_ARGUMENT, sf_displace(&grid, &cosmology, -2.0, 1, delta, x, NULL));
    delta[3] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_displace(&grid, &cosmology, 0.0, 1, delta, x, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plane_waves),
        cmocka_unit_test(crossed_waves),
        cmocka_unit_test(spherical_potential),
        cmocka_unit_test(particles_have_the_linear_spectrum),
        cmocka_unit_test(nyquist_waves),
        cmocka_unit_test(positions_stay_in_the_box),
        cmocka_unit_test(same_bits_on_any_number_of_threads),
        cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
