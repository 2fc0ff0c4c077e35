/* test_power.c - power spectra against plane waves, Parseval's theorem and sums over all modes by
 * hand: counts (the Nyquist plane once), mean k, edges of bins, multipoles, the plane. */
#include <scorefield/field.h>

#include "check.h"
#include "field/window.h"

#include <complex.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int axes;
    size_t shape[SF_GRID_MAX_AXES];
    double spacing[SF_GRID_MAX_AXES];
} shapes[] = {
    {1, {1100}, {0.3}},
    {1, {15}, {2.0}},
    {2, {12, 16}, {1.0, 1.0}},
    {2, {9, 15}, {0.7, 1.3}},
    {2, {80, 10}, {0.1, 0.7}},
    {3, {8, 8, 8}, {0.37, 0.37, 0.37}},
    {3, {6, 9, 5}, {1, 2, 3}},
    {3, {6, 12, 24}, {4, 2, 1}},
    {4, {4, 3, 6, 5}, {1, 1, 2, 1}},
};

#define SHAPES (sizeof shapes / sizeof *shapes)

static const double pi = 3.14159265358979323846;

static sf_grid grid_of(size_t s)
{
    sf_grid grid;

    assert_ok(sf_grid_make(shapes[s].axes, shapes[s].shape, shapes[s].spacing, &grid));
    return grid;
}

static double *noise(const sf_grid *grid, uint64_t stream)
{
    double *field;

    assert_ok(sf_allocate(&field, sf_fft_buffer_size(grid), sizeof *field));
    sf_random_normal(sf_random_make(17, stream), 0, 0, sf_grid_size(grid), field);
    return field;
}

static sf_complex *modes_of(const sf_grid *grid, const double *field)
{
    sf_complex *modes;
    sf_fft *fft;

    assert_ok(sf_allocate(&modes, sf_grid_half_size(grid), sizeof *modes));
    assert_ok(sf_fft_create(grid, &fft));
    assert_ok(sf_fft_forward(fft, field, modes));
    sf_fft_release(&fft);
    return modes;
}

/* A field all of whose modes have |X|^2 = power(k, mu^2) N^2/V, about an axis. */
static double *field_of(const sf_grid *grid, int axis, double (*power)(double k, double mu2))
{
    const double cells = (double)sf_grid_size(grid), volume = sf_grid_volume(grid);
    double *field = noise(grid, 5);
    sf_complex *modes = modes_of(grid, field);
    sf_fft *fft;

    for (size_t i = 0; i < sf_grid_half_size(grid); i++) {
        const double k = sf_grid_wavenumber(grid, i);
        long m[SF_GRID_MAX_AXES];
        double along;

        sf_grid_mode(grid, i, m);
        along = 2.0 * pi * (double)m[axis] / ((double)grid->shape[axis] * grid->spacing[axis]);
        modes[i] *= k > 0.0
                        ? cells * sqrt(power(k, along * along / (k * k)) / volume) / cabs(modes[i])
                        : 0.0;
    }
    assert_ok(sf_fft_create(grid, &fft));
    assert_ok(sf_fft_inverse(fft, modes, field));
    sf_fft_release(&fft);
    sf_free(modes);
    return field;
}

/* Wide enough for every mode: up to the corner, and beyond what round-off does to it. */
static sf_bins all_modes(const sf_grid *grid, size_t count)
{
    double corner = 0.0;

    for (int a = 0; a < grid->axes; a++) corner += pi / grid->spacing[a] * (pi / grid->spacing[a]);
    return (sf_bins){.count = count, .high = 1.01 * sqrt(corner)};
}

/* ---- plane waves and Parseval ---------------------------------------------------------------- */

/* x = A cos(2 pi m.n/N + phi): modes m and -m have |X|^2 = N^2 A^2/4 each; where they are one
 * (phi = 0), N^2 A^2. */
static void check_wave(size_t s, const long m[SF_GRID_MAX_AXES], double amplitude, double phase,
                       double expected)
{
    const sf_grid grid = grid_of(s);
    const size_t size = sf_grid_size(&grid);
    sf_power_options options = sf_power_options_default();
    sf_power_bin bins[40];
    double *field = noise(&grid, 0), k = 0.0;
    int found = 0;

    for (size_t i = 0; i < size; i++) {
        size_t rest = i;
        double angle = phase;

        for (int a = grid.axes - 1; a >= 0; a--) {
            angle +=
                2.0 * pi * (double)m[a] * (double)(rest % grid.shape[a]) / (double)grid.shape[a];
            rest /= grid.shape[a];
        }
        field[i] = 3.0 + amplitude * cos(angle);
    }
    for (int a = 0; a < grid.axes; a++) {
        const double step = 2.0 * pi / ((double)grid.shape[a] * grid.spacing[a]);

        k += step * (double)m[a] * step * (double)m[a];
    }
    options.bins = all_modes(&grid, 40);
    assert_ok(sf_power(&grid, field, &options, bins, NULL));
    for (size_t b = 0; b < 40; b++) {
        const bool here = bins[b].low <= sqrt(k) && sqrt(k) < bins[b].high;
        const double sum = bins[b].modes > 0 ? bins[b].power * (double)bins[b].modes : 0.0;

        assert_close(sum, here ? sf_grid_volume(&grid) * expected : 0.0,
                     1e-12 * sf_grid_volume(&grid));
        found += here;
    }
    assert_int_equal(found, 1);
    sf_free(field);
}

static void plane_waves(void **state)
{
    (void)state;
    check_wave(2, (const long[]){3, 2, 0, 0}, 1.5, 0.4, 1.5 * 1.5 / 2.0);
    check_wave(2, (const long[]){-3, 0, 0, 0}, 1.5, 0.4, 1.5 * 1.5 / 2.0);
    check_wave(2, (const long[]){-3, 8, 0, 0}, 1.5, 0.0, 1.5 * 1.5 / 2.0);
    check_wave(2, (const long[]){6, 8, 0, 0}, 1.5, 0.0, 1.5 * 1.5); /* its own partner */
    check_wave(2, (const long[]){0, 8, 0, 0}, 1.5, 0.0, 1.5 * 1.5);
    check_wave(3, (const long[]){4, 7, 0, 0}, 0.5, 1.0, 0.5 * 0.5 / 2.0);
    check_wave(5, (const long[]){1, -2, 3, 0}, 2.0, 0.1, 2.0);
    check_wave(0, (const long[]){540, 0, 0, 0}, 1.0, 0.1, 0.5); /* in a row's second chunk */
}

static void all_bins_hold_the_variance(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++) {
        const sf_grid grid = grid_of(s);
        const size_t size = sf_grid_size(&grid);
        sf_power_options options = sf_power_options_default();
        sf_power_bin bins[23];
        double *field = noise(&grid, 1), mean = 0.0, variance = 0.0, sum = 0.0;
        size_t modes = 0;

        for (size_t i = 0; i < size; i++) mean += field[i] / (double)size;
        for (size_t i = 0; i < size; i++)
            variance += (field[i] - mean) * (field[i] - mean) / (double)size;
        options.bins = all_modes(&grid, 23);
        assert_ok(sf_power(&grid, field, &options, bins, NULL));
        for (size_t b = 0; b < 23; b++) {
            modes += bins[b].modes;
            if (bins[b].modes > 0)
                sum += bins[b].power * (double)bins[b].modes / sf_grid_volume(&grid);
        }
        assert_close(sum / variance, 1.0, 1e-12);
        assert_int_equal(modes, size - 1);
        sf_free(field);
    }
}

/* ---- bins ------------------------------------------------------------------------------------ */

/* Edges lie between modes here (irrational widths), so that plain arithmetic finds the bin. */
static void check_bins(size_t s, bool logarithmic)
{
    const sf_grid grid = grid_of(s);
    const double low = 0.1234567, high = 6.2345678;
    sf_power_options options = sf_power_options_default();
    sf_power_bin bins[11];
    double *field = noise(&grid, 2), modes[11] = {0}, k_sum[11] = {0}, power[11] = {0};
    sf_complex *x = modes_of(&grid, field);

    options.bins = (sf_bins){11, low, high, logarithmic};
    assert_ok(sf_power(&grid, field, &options, bins, NULL));
    for (size_t i = 0; i < sf_grid_half_size(&grid); i++) {
        const double k = sf_grid_wavenumber(&grid, i), weight = sf_grid_mode_weight(&grid, i);
        const double place =
            logarithmic ? log(k / low) / log(high / low) : (k - low) / (high - low);
        const int b = k > 0.0 ? (int)floor(place * 11.0) : -1;

        if (b < 0 || b >= 11) continue;
        modes[b] += weight;
        k_sum[b] += weight * k;
        power[b] += weight * creal(x[i] * conj(x[i]));
    }
    for (int b = 0; b < 11; b++) {
        const double unit = sf_grid_volume(&grid) / pow((double)sf_grid_size(&grid), 2.0);

        assert_int_equal(bins[b].modes, (size_t)modes[b]);
        if (modes[b] > 0.0) {
            assert_close(bins[b].k, k_sum[b] / modes[b], 1e-12);
            assert_close(bins[b].power / (unit * power[b] / modes[b]), 1.0, 1e-12);
            assert_close(bins[b].error, bins[b].power * sqrt(2.0 / modes[b]), 1e-12);
        } else
            assert_true(isnan(bins[b].k) && isnan(bins[b].power) && isnan(bins[b].error));
        assert_true(isnan(bins[b].quadrupole));
    }
    sf_free(field);
    sf_free(x);
}

static void bins_count_every_mode_once(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++) {
        check_bins(s, false);
        check_bins(s, true);
    }
}

/* Edges at j fundamental modes: by integers, m.m = j^2 is in bin j, in boxes whose sizes no binary
 * number is, and at spacings that differ by round-off. */
static void a_mode_on_an_edge_is_in_the_upper_bin(void **state)
{
    const double sides[] = {1.0, 0.7, 1000.0, 3.3, 1e-9, 333.3};

    (void)state;
    for (size_t s = 0; s < sizeof sides / sizeof *sides; s++) {
        const size_t shape[] = {20, 30, 24};
        const double spacing[] = {sides[s] / 20, sides[s] / 30, sides[s] / 24};
        sf_power_options options = sf_power_options_default();
        sf_power_bin bins[12];
        size_t modes[13] = {0};
        sf_grid grid;
        double *field;

        assert_ok(sf_grid_make(3, shape, spacing, &grid));
        field = noise(&grid, 3);
        for (size_t i = 0; i < sf_grid_half_size(&grid); i++) {
            long m[SF_GRID_MAX_AXES], j = 0;

            sf_grid_mode(&grid, i, m);
            while ((j + 1) * (j + 1) <= m[0] * m[0] + m[1] * m[1] + m[2] * m[2] && j < 12) j++;
            modes[j] += (size_t)sf_grid_mode_weight(&grid, i);
        }
        options.bins = (sf_bins){11, 2.0 * pi / sides[s], 24.0 * pi / sides[s], false};
        assert_ok(sf_power(&grid, field, &options, bins, NULL));
        for (size_t b = 0; b < 11; b++) assert_int_equal(bins[b].modes, modes[b + 1]);
        sf_free(field);
    }
}

static void defaults_reach_from_the_fundamental_to_the_coarsest_nyquist(void **state)
{
    sf_grid grid;
    sf_power_options options = sf_power_options_default();
    sf_power_bin bins[8];
    double *field;

    (void)state;
    assert_ok(sf_grid_make(3, (const size_t[]){8, 16, 1}, (const double[]){2, 0.5, 9}, &grid));
    field = noise(&grid, 4);
    options.bins.count = 8;
    assert_ok(sf_power(&grid, field, &options, bins, NULL));
    assert_close(bins[0].low, pi / 16.0, 1e-14);
    assert_close(bins[7].high, pi / 2.0, 1e-14);
    options.bins.logarithmic = true;
    assert_ok(sf_power(&grid, field, &options, bins, NULL));
    assert_close(bins[0].low, pi / 8.0, 1e-14);
    assert_close(bins[1].low / bins[0].low, bins[7].high / bins[7].low, 1e-14);
    sf_free(field);
}

static double falling(double k, void *user)
{
    (void)user;
    return k > 2.0 ? NAN : 1.0 / (1.0 + k * k * k);
}

static void expected_power_is_the_mean_over_the_bin(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++) {
        const sf_grid grid = grid_of(s);
        const sf_bins bins = {5, 0.111111, 2.0, false};
        double power[5], sums[5] = {0}, modes[5] = {0};
        sf_spectrum *spectrum;

        for (size_t i = 0; i < sf_grid_half_size(&grid); i++) {
            const double k = sf_grid_wavenumber(&grid, i);
            const int b = (int)floor((k - bins.low) / (bins.high - bins.low) * 5.0);

            if (b < 0 || b >= 5) continue;
            modes[b] += sf_grid_mode_weight(&grid, i);
            sums[b] += sf_grid_mode_weight(&grid, i) * falling(k, NULL);
        }
        assert_ok(sf_spectrum_callback(falling, NULL, &spectrum));
        assert_ok(sf_power_expected(&grid, spectrum, &bins, power));
        for (int b = 0; b < 5; b++)
            if (modes[b] > 0.0)
                assert_close(power[b], sums[b] / modes[b], 1e-13);
            else
                assert_true(isnan(power[b]));
        sf_spectrum_release(&spectrum);
    }
}

/* ---- anisotropy ------------------------------------------------------------------------------ */

static double kaiser(double k, double mu2)
{
    return (1.0 + 0.7 * mu2) * (1.0 + 0.7 * mu2) / (1.0 + k * k);
}

static void check_multipoles(size_t s, int axis)
{
    const sf_grid grid = grid_of(s);
    double *field = field_of(&grid, axis, kaiser), sums[3][9] = {{0}}, modes[9] = {0};
    sf_power_options options = sf_power_options_default();
    sf_power_bin bins[9];

    options.bins = (sf_bins){9, 0.0234567, 5.0, false};
    options.line_of_sight = axis;
    assert_ok(sf_power(&grid, field, &options, bins, NULL));
    for (size_t i = 0; i < sf_grid_half_size(&grid); i++) {
        const double k = sf_grid_wavenumber(&grid, i), weight = sf_grid_mode_weight(&grid, i);
        const int b = (int)floor((k - options.bins.low) / (5.0 - options.bins.low) * 9.0);
        long m[SF_GRID_MAX_AXES];
        double mu2;

        if (b < 0 || b >= 9 || k == 0.0) continue;
        sf_grid_mode(&grid, i, m);
        mu2 = pow(2.0 * pi * (double)m[axis] / ((double)grid.shape[axis] * grid.spacing[axis] * k),
                  2.0);
        modes[b] += weight;
        sums[0][b] += weight * kaiser(k, mu2);
        sums[1][b] += 5.0 * weight * kaiser(k, mu2) * (1.5 * mu2 - 0.5);
        sums[2][b] += 9.0 * weight * kaiser(k, mu2) * (35.0 * mu2 * mu2 - 30.0 * mu2 + 3.0) / 8.0;
    }
    for (int b = 0; b < 9; b++) {
        if (modes[b] == 0.0) continue;
        assert_close(bins[b].power, sums[0][b] / modes[b], 1e-12);
        assert_close(bins[b].quadrupole, sums[1][b] / modes[b], 1e-12);
        assert_close(bins[b].hexadecapole, sums[2][b] / modes[b], 1e-12);
    }
    sf_free(field);
}

static void multipoles_are_means_over_the_bins_own_modes(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++)
        for (int axis = 0; axis < shapes[s].axes; axis++) check_multipoles(s, axis);
}

static void check_plane(size_t s, int axis)
{
    const sf_grid grid = grid_of(s);
    double *field = field_of(&grid, axis, kaiser), sums[5][7][4] = {{{0}}};
    sf_power_options options = sf_power_options_default();
    sf_power_bin_2d plane[5][7];
    const double high = 3.3333333;

    options.bins.high = high;
    options.line_of_sight = axis;
    options.perpendicular = 5;
    options.parallel = 7;
    assert_ok(sf_power(&grid, field, &options, NULL, &plane[0][0]));
    for (size_t i = 0; i < sf_grid_half_size(&grid); i++) {
        const double k = sf_grid_wavenumber(&grid, i), weight = sf_grid_mode_weight(&grid, i);
        double parallel, perpendicular;
        long m[SF_GRID_MAX_AXES];
        int p, q;

        sf_grid_mode(&grid, i, m);
        parallel =
            fabs(2.0 * pi * (double)m[axis] / ((double)grid.shape[axis] * grid.spacing[axis]));
        perpendicular = sqrt(fmax(k * k - parallel * parallel, 0.0));
        p = (int)floor((perpendicular + 1e-9) / high * 5.0);
        q = (int)floor(parallel / high * 7.0);
        if (k == 0.0 || p >= 5 || q >= 7) continue;
        sums[p][q][0] += weight;
        sums[p][q][1] += weight * kaiser(k, parallel * parallel / (k * k));
        sums[p][q][2] += weight * perpendicular;
        sums[p][q][3] += weight * parallel;
    }
    for (int p = 0; p < 5; p++)
        for (int q = 0; q < 7; q++) {
            const double modes = sums[p][q][0];

            assert_int_equal(plane[p][q].modes, (size_t)modes);
            if (modes == 0.0) continue;
            assert_close(plane[p][q].power, sums[p][q][1] / modes, 1e-12);
            assert_close(plane[p][q].error, sums[p][q][1] / modes * sqrt(2.0 / modes), 1e-12);
            assert_close(plane[p][q].k_perpendicular, sums[p][q][2] / modes, 1e-7);
            assert_close(plane[p][q].k_parallel, sums[p][q][3] / modes, 1e-12);
        }
    sf_free(field);
}

static void the_plane_of_perpendicular_and_parallel(void **state)
{
    (void)state;
    for (size_t s = 2; s < SHAPES; s++)
        for (int axis = 0; axis < shapes[s].axes; axis++) check_plane(s, axis);
}

/* ---- cross spectra, windows, shot noise ------------------------------------------------------ */

static void a_cross_spectrum_is_linear_in_both(void **state)
{
    const sf_grid grid = grid_of(6);
    const size_t size = sf_grid_size(&grid);
    double *x = noise(&grid, 0), *y = noise(&grid, 1), *sum = noise(&grid, 2);
    sf_power_options options = sf_power_options_default();
    sf_power_bin xx[4], yy[4], xy[4], yx[4], both[4], self[4];

    (void)state;
    for (size_t i = 0; i < size; i++) sum[i] = x[i] + y[i];
    options.bins.count = 4;
    options.line_of_sight = 1;
    assert_ok(sf_power(&grid, x, &options, xx, NULL));
    assert_ok(sf_power(&grid, y, &options, yy, NULL));
    assert_ok(sf_power(&grid, sum, &options, both, NULL));
    options.other = y;
    assert_ok(sf_power(&grid, x, &options, xy, NULL));
    options.other = x;
    assert_ok(sf_power(&grid, y, &options, yx, NULL));
    assert_ok(sf_power(&grid, x, &options, self, NULL));
    for (int b = 0; b < 4; b++) {
        const double modes = (double)xx[b].modes;

        if (modes == 0.0) continue;
        assert_true(self[b].power == xx[b].power && self[b].quadrupole == xx[b].quadrupole);
        assert_close(self[b].error / xx[b].error, 1.0, 1e-14);
        assert_true(xy[b].power == yx[b].power);
        assert_close(both[b].power, xx[b].power + yy[b].power + 2.0 * xy[b].power, 1e-12);
        assert_close(both[b].hexadecapole,
                     xx[b].hexadecapole + yy[b].hexadecapole + 2.0 * xy[b].hexadecapole, 1e-11);
        assert_close(xy[b].error,
                     sqrt((xx[b].power * yy[b].power + xy[b].power * xy[b].power) / modes), 1e-12);
    }
    sf_free(x);
    sf_free(y);
    sf_free(sum);
}

/* sinc^2p(x + pi j) over aliases, by the sum itself; what is cut off falls as J^(1 - 2p). */
static void sums_over_aliases(void **state)
{
    (void)state;
    for (int p = 1; p <= 4; p++)
        for (size_t m = 0; m <= 8; m++) {
            const long far = p == 1 ? 2000000 : 2000;
            double plain = 0.0, alternating = 0.0;

            for (long j = -far; j <= far; j++) {
                const double x = pi * ((double)m / 16.0 + (double)j);
                const double sinc = x == 0.0 ? 1.0 : sin(pi * (double)m / 16.0) / x;

                plain += pow(sinc, 2.0 * p);
                alternating += (j % 2 == 0 ? 1.0 : -1.0) * pow(sinc, 2.0 * p);
            }
            assert_close(sf_window_noise((sf_assignment)p, m, 16), plain, p == 1 ? 2e-7 : 1e-11);
            assert_close(sf_window_noise_alternating((sf_assignment)p, m, 16), alternating, 1e-11);
        }
}

static void window_and_shot_noise_by_hand(void **state)
{
    (void)state;
    for (int p = 0; p <= 4; p++)
        for (int interlaced = 0; interlaced < 2; interlaced++) {
            const sf_grid grid = grid_of(6);
            double *x = noise(&grid, 0), sum = 0.0, quadrupole = 0.0, raw = 0.0, modes = 0.0;
            sf_complex *modes_x = modes_of(&grid, x);
            sf_power_options options = sf_power_options_default();
            sf_power_bin bin;

            options.bins = all_modes(&grid, 1);
            options.assignment = (sf_assignment)p;
            options.shot_noise = 0.25;
            options.line_of_sight = 0;
            options.interlaced = interlaced ? x : NULL;
            assert_ok(sf_power(&grid, x, &options, &bin, NULL));
            for (size_t i = 0; i < sf_grid_half_size(&grid); i++) {
                const double weight = sf_grid_mode_weight(&grid, i),
                             k = sf_grid_wavenumber(&grid, i);
                double w2 = 1.0, plain = 1.0, alternating = 1.0, angle = 0.0, mu2, power;
                long m[SF_GRID_MAX_AXES];

                if (k == 0.0) continue;
                sf_grid_mode(&grid, i, m);
                for (int a = 0; a < 3 && p > 0; a++) {
                    const size_t n = (size_t)labs(m[a]);

                    w2 *= pow(sf_window((sf_assignment)p, n, grid.shape[a]), 2.0);
                    plain *= sf_window_noise((sf_assignment)p, n, grid.shape[a]);
                    alternating *= sf_window_noise_alternating((sf_assignment)p, n, grid.shape[a]);
                }
                for (int a = 0; a < 3; a++) angle += pi * (double)m[a] / (double)grid.shape[a];
                mu2 = pow(2.0 * pi * (double)m[0] / 6.0 / k, 2.0);
                power =
                    creal(modes_x[i] * conj(modes_x[i])) * sf_grid_volume(&grid) / 270.0 / 270.0;
                if (interlaced) power *= pow(cos(0.5 * angle), 2.0); /* |1 + e^(i angle)|^2/4 */
                if (interlaced && p > 0) plain = 0.5 * (plain + alternating);
                modes += weight;
                raw += weight * power / w2;
                sum += weight * (power - 0.25 * plain) / w2;
                quadrupole += weight * (power - 0.25 * plain) / w2 * (7.5 * mu2 - 2.5);
            }
            assert_close(bin.power / (sum / modes), 1.0, 1e-11);
            assert_close(bin.quadrupole / (quadrupole / modes), 1.0, 1e-10);
            assert_close(bin.error / (raw / modes * sqrt(2.0 / modes)), 1.0, 1e-11);
            sf_free(x);
            sf_free(modes_x);
        }
}

/* ---- statistics ------------------------------------------------------------------------------ */

/* White noise of variance 1 on 16 x 16 has P = v exactly, and Var P = 2 P^2/M with every mode
 * counted. 4000 draws: the mean of M (P - v)^2/(2 v^2) has the standard deviation
 * sqrt((2 + 12/(M/2))/4000) (chi-squared with M/2 pairs); 5 sigma over 8 numbers: 1 in 200,000. */
static void errors_are_those_of_a_gaussian_field(void **state)
{
    const int draws = 4000;
    double first[4] = {0}, second[4] = {0};
    sf_power_options options = sf_power_options_default();
    sf_power_bin bins[4];
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(2, (const size_t[]){16, 16}, (const double[]){0.5, 2.0}, &grid));
    options.bins = all_modes(&grid, 4);
    for (int d = 0; d < draws; d++) {
        double *x = noise(&grid, 100 + (uint64_t)d);

        assert_ok(sf_power_in_place(&grid, x, &options, bins, NULL));
        for (int b = 0; b < 4; b++) {
            const double deviation = (bins[b].power - 1.0) * sqrt((double)bins[b].modes / 2.0);

            first[b] += deviation / draws;
            second[b] += deviation * deviation / draws;
        }
        sf_free(x);
    }
    for (int b = 0; b < 4; b++) {
        const double spread = sqrt((2.0 + 24.0 / (double)bins[b].modes) / draws);

        assert_close(first[b] * sqrt((double)draws), 0.0, 5.0);
        assert_close(second[b], 1.0, 5.0 * spread);
    }
}

/* ---- the same bits, single precision, bad input ---------------------------------------------- */

static void same_bits_on_any_number_of_threads(void **state)
{
    const int threads[] = {2, 7};
    sf_grid grid;
    sf_power_options options = sf_power_options_default();
    sf_power_bin bins[3][20];
    sf_power_bin_2d plane[3][5][6];
    double *x, *y;

    (void)state;
    assert_ok(sf_grid_make(3, (const size_t[]){40, 30, 50}, NULL, &grid));
    x = noise(&grid, 0);
    y = noise(&grid, 1);
    options.bins.count = 20;
    options.assignment = SF_ASSIGN_TSC;
    options.interlaced = y;
    options.other = y;
    options.other_interlaced = x;
    options.shot_noise = 0.1;
    options.line_of_sight = 2;
    options.perpendicular = 5;
    options.parallel = 6;
    assert_ok(sf_thread_count_set(1));
    assert_ok(sf_power(&grid, x, &options, bins[0], &plane[0][0][0]));
    for (int t = 0; t < 2; t++) {
        assert_ok(sf_thread_count_set(threads[t]));
        assert_ok(sf_power(&grid, x, &options, bins[t + 1], &plane[t + 1][0][0]));
        assert_memory_equal(bins[0], bins[t + 1], sizeof bins[0]);
        assert_memory_equal(plane[0], plane[t + 1], sizeof plane[0]);
    }
    assert_ok(sf_thread_count_set(0));
    sf_free(x);
    sf_free(y);
}

static void in_place_and_in_single_precision(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++) {
        const sf_grid grid = grid_of(s);
        double *x = noise(&grid, 0);
        float *narrow;
        sf_power_options options = sf_power_options_default();
        sf_power_bin bins[5], in_place[5], single[5];

        assert_ok(sf_allocate(&narrow, sf_fft_buffer_size(&grid), sizeof *narrow));
        for (size_t i = 0; i < sf_grid_size(&grid); i++) narrow[i] = (float)x[i];
        options.bins.count = 5;
        options.line_of_sight = 0;
        assert_ok(sf_power(&grid, x, &options, bins, NULL));
        assert_ok(sf_power_in_place(&grid, x, &options, in_place, NULL));
        assert_ok(sf_power_in_place_single(&grid, narrow, &options, single, NULL));
        assert_memory_equal(bins, in_place, sizeof bins);
        for (int b = 0; b < 5; b++)
            if (bins[b].modes > 0) assert_close(single[b].power / bins[b].power, 1.0, 1e-5);
        sf_free(x);
        sf_free(narrow);
    }
}

/* Of a cross spectrum the other field may be in single precision, too. */
static void another_field_in_single_precision(void **state)
{
    const sf_grid grid = grid_of(3);
    double *x = noise(&grid, 0), *y = noise(&grid, 1);
    float *narrow, *other;
    sf_power_options options = sf_power_options_default();
    sf_power_bin wide[4], mixed[4], single[4];

    (void)state;
    assert_ok(sf_allocate(&narrow, sf_fft_buffer_size(&grid), sizeof *narrow));
    assert_ok(sf_allocate(&other, sf_grid_size(&grid), sizeof *other));
    for (size_t i = 0; i < sf_grid_size(&grid); i++) {
        narrow[i] = (float)x[i];
        other[i] = (float)y[i];
    }
    options.bins.count = 4;
    options.other = y;
    assert_ok(sf_power(&grid, x, &options, wide, NULL));
    options.other = NULL;
    options.other_single = other;
    assert_ok(sf_power(&grid, x, &options, mixed, NULL));
    assert_ok(sf_power_in_place_single(&grid, narrow, &options, single, NULL));
    for (int b = 0; b < 4; b++) {
        if (wide[b].modes == 0) continue;
        assert_close(mixed[b].power, wide[b].power, 1e-6 * wide[b].error);
        assert_close(single[b].power, wide[b].power, 1e-6 * wide[b].error);
        assert_close(single[b].error / wide[b].error, 1.0, 1e-5);
    }
    options.other = y;
    assert_status(SF_ERR_ARGUMENT, sf_power(&grid, x, &options, wide, NULL));
    sf_free(x);
    sf_free(y);
    sf_free(narrow);
    sf_free(other);
}

static void bad_input_is_refused(void **state)
{
    const sf_grid grid = grid_of(3);
    double *x = noise(&grid, 0);
    sf_power_options good = sf_power_options_default(), bad;
    sf_power_bin bins[32];
    sf_power_bin_2d plane[4];
    sf_grid point;

    (void)state;
#define REFUSE(change)                                                        \
    do {                                                                      \
        bad = good;                                                           \
        change;                                                               \
        assert_status(SF_ERR_ARGUMENT, sf_power(&grid, x, &bad, bins, NULL)); \
    } while (0)
    REFUSE(bad.bins.count = 0);
    REFUSE(bad.bins.low = -1.0);
    REFUSE(bad.bins.low = 1e3);
    REFUSE(bad.bins.high = NAN);
    REFUSE(bad.bins.high = INFINITY);
    REFUSE(bad.assignment = (sf_assignment)5);
    REFUSE(bad.line_of_sight = 2);
    REFUSE(bad.line_of_sight = -2);
    REFUSE(bad.other_interlaced = x);
    REFUSE(bad.shot_noise = -1.0);
    REFUSE(bad.shot_noise = NAN);
#undef REFUSE
    assert_status(SF_ERR_ARGUMENT, sf_power(&grid, x, &good, bins, plane));
    good.line_of_sight = 1;
    assert_status(SF_ERR_ARGUMENT, sf_power(&grid, x, &good, bins, plane));
    assert_ok(sf_grid_make(2, (const size_t[]){1, 1}, NULL, &point));
    assert_status(SF_ERR_ARGUMENT, sf_power(&point, x, &good, bins, NULL));
    x[7] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_power(&grid, x, &good, bins, NULL));
    sf_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plane_waves),
        cmocka_unit_test(all_bins_hold_the_variance),
        cmocka_unit_test(bins_count_every_mode_once),
        cmocka_unit_test(a_mode_on_an_edge_is_in_the_upper_bin),
        cmocka_unit_test(defaults_reach_from_the_fundamental_to_the_coarsest_nyquist),
        cmocka_unit_test(expected_power_is_the_mean_over_the_bin),
        cmocka_unit_test(multipoles_are_means_over_the_bins_own_modes),
        cmocka_unit_test(the_plane_of_perpendicular_and_parallel),
        cmocka_unit_test(a_cross_spectrum_is_linear_in_both),
        cmocka_unit_test(sums_over_aliases),
        cmocka_unit_test(window_and_shot_noise_by_hand),
        cmocka_unit_test(errors_are_those_of_a_gaussian_field),
        cmocka_unit_test(same_bits_on_any_number_of_threads),
        cmocka_unit_test(in_place_and_in_single_precision),
        cmocka_unit_test(another_field_in_single_precision),
        cmocka_unit_test(bad_input_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
