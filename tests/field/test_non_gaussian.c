/* test_non_gaussian.c - the local square against direct convolution, by hand, and the skewness
 * that it makes; the density that grows from it against the primordial spectrum and perturbation
 * theory. */
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
    enum { CELLS = 32, DRAWS = 700 };
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
    assert_true(error < 0.1 * expected);
    assert_close((mean - expected) / error, 0.0, 5.0);
    sf_fft_release(&plans);
    sf_field_release(&field);
    free(g);
    free(minus);
}

/* The potential's Gaussian part has the spectrum of the curvature, P_phi = 9/25 P_R with
 * k^3 P_R/(2 pi^2) = A_s (k/k_pivot)^(ns - 1), whatever the transfer function, the redshift and the
 * units: with fixed amplitudes its rms is that of the grid's modes to the growth's precision. */
static void potential_has_the_primordial_spectrum(void **state)
{
    const size_t shape[] = {6, 5, 8};
    double buffer[6 * 5 * 10];

    (void)state;
    for (int c = 0; c < 3; c++) {
        const sf_field_draw_options options = {.seed = 1, .fixed = true};
        sf_cosmology cosmology = sf_cosmology_default();
        double variance = 0.0, strength;
        sf_grid grid;

        cosmology.sigma8 = NAN;
        cosmology.a_s = 2.1e-9;
        cosmology.per_mpc = c == 1;
        assert_ok(sf_grid_make(3, shape, (const double[]){20.0, 30.0, 10.0}, &grid));
        assert_ok(sf_draw_non_gaussian(&grid, &cosmology,
                                       c == 2 ? SF_TRANSFER_BBKS : SF_TRANSFER_EH98, 3.0 * c, -50.0,
                                       &options, buffer, &strength));
        for (size_t i = 1; i < sf_grid_half_size(&grid); i++) {
            const double unit = cosmology.per_mpc ? 1.0 : cosmology.h; /* of k in 1/Mpc */
            const double k = sf_grid_wavenumber(&grid, i);
            const double power = 9.0 / 25.0 * 2.0 * PI * PI / (k * k * k) * cosmology.a_s *
                                 pow(k * unit / cosmology.k_pivot, cosmology.n_s - 1.0);

            variance += sf_grid_mode_weight(&grid, i) * power / sf_grid_volume(&grid);
        }
        assert_close(strength / (50.0 * sqrt(variance)), 1.0, 1e-9);
    }
}

/* M(k) without its constants, by ratios of modes: T k^2. */
static double response(const sf_cosmology *cosmology, double k)
{
    double t;

    assert_ok(sf_transfer_at(cosmology, SF_TRANSFER_EH98, k, &t));
    return k * k * t;
}

/* Without f_nl the draw is sf_field_draw's. To first order in it <delta^3> is
 *   3 f_nl <(M phi)^2 M[phi^2]> = 6 f_nl sum_pq M_p M_q M_{p+q} P_phi(p) P_phi(q)/V^2
 * over modes off the Nyquist planes: half of (draw with f_nl) - (with -f_nl), the mean of 250, has
 * to be that within 5 standard errors. A modest amplitude keeps the third order out. */
static void density_has_the_skewness(void **state)
{
    enum { CELLS = 8, DRAWS = 250 };
    const size_t shape[] = {CELLS, CELLS, CELLS}, size = CELLS * CELLS * CELLS;
    const double z = 1.0, f_nl = 30.0, side = 200.0, light = 2997.92458;
    sf_cosmology cosmology = sf_cosmology_default();
    double mean = 0.0, square = 0.0, expected = 0.0, constant, early, strength, power;
    double x[8 * 8 * 10], minus[8 * 8 * 10], m[CELLS * CELLS * CELLS];
    double phi[CELLS * CELLS * CELLS];
    sf_field_draw_options options = sf_field_draw_options_default();
    sf_spectrum *spectrum;
    sf_field *field;
    sf_fft *plans[2];
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(3, (const size_t[]){10, 10, 10}, NULL, &grid));
    assert_ok(sf_fft_create(&grid, &plans[0])); /* kept, so that they are made once */
    assert_ok(
        sf_grid_make(3, shape, (const double[]){side / CELLS, side / CELLS, side / CELLS}, &grid));
    assert_ok(sf_fft_create(&grid, &plans[1]));
    cosmology.sigma8 = NAN; /* a_s takes no integral for every draw */
    assert_ok(sf_spectrum_cosmology(&cosmology, SF_TRANSFER_EH98, z, &spectrum));
    assert_ok(sf_field_create(&grid, spectrum, 0.0, &field));
    assert_ok(
        sf_draw_non_gaussian(&grid, &cosmology, SF_TRANSFER_EH98, z, 0.0, &options, x, &strength));
    assert_ok(sf_field_draw(field, &options, minus));
    for (size_t i = 0; i < size; i++) assert_close(x[i], minus[i], 1e-13);
    assert_close(strength, 0.0, 0.0);

    /* D = a early on: by the growth at redshift 1e5, where the rest of a cosmology is forgotten */
    assert_ok(sf_growth(&cosmology, 1e5, &early, NULL));
    assert_ok(sf_growth(&cosmology, z, &constant, NULL));
    constant *= 2.0 / 3.0 * light * light / cosmology.omega_m / early / (1.0 + 1e5);
    for (size_t i = 0; i < size; i++) {
        long n[3];
        double k;

        full_mode(&grid, i, n);
        k = 2.0 * PI / side * sqrt((double)(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]));
        m[i] = i == 0 || on_nyquist(&grid, n) ? 0.0 : constant * response(&cosmology, k);
        assert_ok(sf_spectrum_power(spectrum, k, &power));
        phi[i] = m[i] > 0.0 ? power / (m[i] * m[i]) / sf_grid_volume(&grid) : 0.0;
    }
    for (size_t p = 0; p < size; p++)
        for (size_t q = 0; q < size; q++) {
            long a[3], b[3];
            size_t sum = 0;
            bool inside = true;

            full_mode(&grid, p, a);
            full_mode(&grid, q, b);
            for (int axis = 0; axis < 3; axis++) {
                inside &= labs(a[axis] + b[axis]) < CELLS / 2;
                sum = sum * CELLS + (size_t)((a[axis] + b[axis] + CELLS) % CELLS);
            }
            if (inside) expected += 6.0 * f_nl * m[p] * m[q] * m[sum] * phi[p] * phi[q];
        }
    for (size_t d = 0; d < DRAWS; d++) {
        double cubes = 0.0;

        options.seed = d;
        assert_ok(
            sf_draw_non_gaussian(&grid, &cosmology, SF_TRANSFER_EH98, z, f_nl, &options, x, NULL));
        assert_ok(sf_draw_non_gaussian(&grid, &cosmology, SF_TRANSFER_EH98, z, -f_nl, &options,
                                       minus, NULL));
        for (size_t i = 0; i < size; i++) cubes += pow(x[i], 3.0) - pow(minus[i], 3.0);
        cubes /= 2.0 * (double)size;
        mean += cubes / DRAWS;
        square += cubes * cubes / DRAWS;
    }
    square = sqrt((square - mean * mean) / DRAWS);
    assert_true(expected > 0.0 && square < 0.15 * expected);
    assert_close((mean - expected) / square, 0.0, 5.0);
    sf_fft_release(&plans[0]);
    sf_fft_release(&plans[1]);
    sf_field_release(&field);
    sf_spectrum_release(&spectrum);
}

static void bad_input(void **state)
{
    const size_t n = 4;
    const sf_cosmology cosmology = sf_cosmology_default();
    double phi[6] = {0.0, 1.0, INFINITY, 2.0}, strength;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(1, &n, NULL, &grid));
    assert_status(SF_ERR_ARGUMENT, sf_local_non_gaussianity(&grid, NAN, phi));
    assert_status(SF_ERR_NUMERIC, sf_local_non_gaussianity(&grid, 1.0, phi));
    assert_status(SF_ERR_ARGUMENT, sf_draw_non_gaussian(&grid, &cosmology, SF_TRANSFER_EH98, 0.0,
                                                        NAN, NULL, phi, &strength));
    assert_true(isnan(strength));
    assert_status(SF_ERR_ARGUMENT, sf_draw_non_gaussian(&grid, &cosmology, SF_TRANSFER_EH98, -1.0,
                                                        1.0, NULL, phi, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(square_is_a_direct_convolution),
        cmocka_unit_test(waves_by_hand),
        cmocka_unit_test(skewness),
        cmocka_unit_test(potential_has_the_primordial_spectrum),
        cmocka_unit_test(density_has_the_skewness),
        cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
