/* test_pseudo_power.c - the mode-coupling matrix against the pseudo-spectra of all plane waves, and
 * the decoupled spectrum's freedom from bias on masked Gaussian fields. */
#include <scorefield/field.h>

#include "check.h"

#include <complex.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

enum { COUNT = 5, LARGEST = 600 };

static const struct {
    int axes;
    size_t shape[SF_GRID_MAX_AXES];
    double spacing[SF_GRID_MAX_AXES];
    double high;
} shapes[] = {{1, {24}, {0.5}, 6.5},
              {1, {15}, {1.0}, 3.3},
              {2, {6, 8}, {1, 1}, 4.6},
              {2, {7, 10}, {1.0, 0.5}, 7.1}};

static sf_grid grid_of(size_t s)
{
    sf_grid grid;

    assert_ok(sf_grid_make(shapes[s].axes, shapes[s].shape, shapes[s].spacing, &grid));
    return grid;
}

/* Smooth over a third of the cells, zero over some, one elsewhere. */
static void make_window(size_t size, double *window)
{
    for (size_t i = 0; i < size; i++) {
        const double t = (double)i / (double)size;

        window[i] = t < 0.33 ? pow(sin(pi * t / 0.66), 2.0) : t > 0.8 ? 0.0 : 1.0;
    }
}

static void without_a_mask_it_is_the_spectrum(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const sf_grid grid = grid_of(s);
        const size_t size = sf_grid_size(&grid);
        double x[LARGEST], window[LARGEST], pseudo[COUNT], coupling[COUNT][COUNT], power[COUNT];
        sf_power_options options = sf_power_options_default();
        sf_power_bin bins[COUNT];

        sf_random_normal(sf_random_make(1, s), 0, 0, size, x);
        for (size_t i = 0; i < size; i++) window[i] = 1.0;
        options.bins = (sf_bins){COUNT, 0.0, shapes[s].high, false};
        assert_ok(sf_power(&grid, x, &options, bins, NULL));
        assert_ok(
            sf_pseudo_power(&grid, x, window, &options.bins, NULL, pseudo, &coupling[0][0], power));
        for (int b = 0; b < COUNT; b++) {
            assert_close(pseudo[b], bins[b].power, 1e-12);
            assert_close(power[b], bins[b].power, 1e-12);
            for (int c = 0; c < COUNT; c++) assert_close(coupling[b][c], b == c ? 1.0 : 0.0, 1e-13);
        }
    }
}

/* x = A cos(2 pi m.n/N + phase) */
static void wave(const sf_grid *grid, const long *m, double amplitude, double phase, double *x)
{
    for (size_t i = 0; i < sf_grid_size(grid); i++) {
        double angle = phase;
        size_t rest = i;

        for (int a = grid->axes - 1; a >= 0; a--) {
            angle +=
                2.0 * pi * (double)m[a] * (double)(rest % grid->shape[a]) / (double)grid->shape[a];
            rest /= grid->shape[a];
        }
        x[i] = amplitude * cos(angle);
    }
}

/* A pair of modes k, -k of power 1 and random phase is a wave of amplitude 2/sqrt(V), and two
 * phases a quarter period apart are all of them in the mean; a mode that is its own partner is a
 * wave of 1/sqrt(V). The sum of their pseudo-spectra over a bin is a column of the matrix. */
static void the_matrix_is_what_plane_waves_leave(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const sf_grid grid = grid_of(s);
        const size_t size = sf_grid_size(&grid);
        const sf_bins bins = {COUNT, 0.0, shapes[s].high, false};
        const double low = pi / (grid.axes == 1 ? (double)size * grid.spacing[0]
                                                : fmax((double)grid.shape[0] * grid.spacing[0],
                                                       (double)grid.shape[1] * grid.spacing[1]));
        double x[LARGEST], window[LARGEST], pseudo[COUNT], coupling[COUNT][COUNT], power[COUNT];
        double sum[COUNT][COUNT] = {{0}};

        make_window(size, window);
        for (size_t i = 0; i < sf_grid_half_size(&grid); i++) {
            const bool real = sf_grid_mode_is_real(&grid, i);
            const double place = (sf_grid_wavenumber(&grid, i) - low) / (bins.high - low);
            /* on the planes of weight 1 both partners are stored: each is half of the pair */
            const double pair = real ? 1.0 : 0.5 * sf_grid_mode_weight(&grid, i);
            long m[SF_GRID_MAX_AXES];

            if (place < 0.0) continue; /* k = 0 */
            sf_grid_mode(&grid, i, m);
            for (int quarter = 0; quarter < (real ? 1 : 2); quarter++) {
                wave(&grid, m, (real ? 1.0 : 2.0) / sqrt(sf_grid_volume(&grid)), 0.5 * pi * quarter,
                     x);
                assert_ok(
                    sf_pseudo_power(&grid, x, window, &bins, NULL, pseudo, &coupling[0][0], power));
                for (int b = 0; b < COUNT; b++)
                    sum[b][(int)(place * COUNT)] += pair * (real ? 1.0 : 0.5) * pseudo[b];
            }
        }
        for (int b = 0; b < COUNT; b++)
            for (int c = 0; c < COUNT; c++) assert_close(coupling[b][c], sum[b][c], 1e-12);
    }
}

/* Gaussian fields whose spectrum is a constant in each bin, falling by `ratio` from one to the
 * next (1: white): the mean over 500 draws is that spectrum to 5 of its own standard errors, for
 * 4 x 5 numbers (1 in 80,000). NaN under the mask is never read. */
static void check_bias(size_t s, double ratio)
{
    enum { DRAWS = 500 };
    const sf_grid grid = grid_of(s);
    const size_t size = sf_grid_size(&grid), half = sf_grid_half_size(&grid);
    const sf_bins bins = {COUNT, 0.4, shapes[s].high, false};
    double x[LARGEST], window[LARGEST], pseudo[COUNT], coupling[COUNT][COUNT], power[COUNT];
    double filter[LARGEST], mean[COUNT] = {0}, square[COUNT] = {0};
    sf_complex work[LARGEST];
    sf_fft *fft;

    make_window(size, window);
    assert_ok(sf_fft_create(&grid, &fft));
    for (size_t i = 0; i < half; i++) {
        const double k = sf_grid_wavenumber(&grid, i);
        const double place = floor((k - bins.low) / (bins.high - bins.low) * COUNT);

        filter[i] = k > 0.0 ? sqrt(pow(ratio, place) / sf_grid_cell_volume(&grid)) : 5.0;
    }
    for (uint64_t d = 0; d < DRAWS; d++) {
        sf_random_normal(sf_random_make(4, d), s, 0, size, x);
        assert_ok(sf_fft_filter(fft, filter, work, x));
        for (size_t i = 0; i < size; i++)
            if (window[i] == 0.0) x[i] = NAN;
        assert_ok(sf_pseudo_power(&grid, x, window, &bins, NULL, pseudo, &coupling[0][0], power));
        for (int b = 0; b < COUNT; b++) {
            mean[b] += power[b] / DRAWS;
            square[b] += power[b] * power[b] / DRAWS;
        }
    }
    for (int b = 0; b < COUNT; b++)
        assert_close((mean[b] - pow(ratio, b)) / sqrt((square[b] - mean[b] * mean[b]) / DRAWS), 0.0,
                     5.0);
    sf_fft_release(&fft);
}

static void no_bias_on_masked_fields(void **state)
{
    (void)state;
    check_bias(0, 1.0);
    check_bias(0, 0.1);
    check_bias(3, 1.0);
    check_bias(3, 0.1);
}

static void a_bin_without_modes_has_no_power(void **state)
{
    const sf_bins bins = {COUNT, 0.1, 2.1, false};
    double x[24], window[24], pseudo[COUNT], coupling[COUNT][COUNT], power[COUNT];
    const sf_grid grid = grid_of(0);

    (void)state;
    make_window(24, window);
    sf_random_normal(sf_random_make(1, 9), 0, 0, 24, x);
    assert_ok(sf_pseudo_power(&grid, x, window, &bins, NULL, pseudo, &coupling[0][0], power));
    assert_true(isnan(power[0]) && isnan(pseudo[0])); /* 0.1 .. 0.5; modes are at j 0.5236 */
    assert_true(isfinite(power[1]));
}

/* Counts its calls, and stops at the second. */
static bool stop_at_two(const sf_monitor_event *event, void *user)
{
    assert_string_equal(event->stage, "coupling");
    assert_int_equal(event->iteration, ++*(size_t *)user);
    return event->iteration < 2;
}

static void a_monitor_stops_it(void **state)
{
    const sf_grid grid = grid_of(0);
    const sf_bins bins = {COUNT, 0.0, shapes[0].high, false};
    double x[24] = {1.0}, window[24], pseudo[12], coupling[144], power[12];
    size_t calls = 0;
    const sf_monitor monitor = {stop_at_two, &calls};

    (void)state;
    make_window(24, window);
    assert_status(SF_ERR_INTERRUPTED,
                  sf_pseudo_power(&grid, x, window, &bins, &monitor, pseudo, coupling, power));
    assert_int_equal(calls, 2);
}

static void bad_input_is_refused(void **state)
{
    const sf_grid grid = grid_of(0);
    sf_bins bins = {COUNT, 0.0, shapes[0].high, false};
    double x[24] = {1.0}, window[24], pseudo[12], coupling[144], power[12];

    (void)state;
#define CALL() sf_pseudo_power(&grid, x, window, &bins, NULL, pseudo, coupling, power)
    make_window(24, window);
    assert_ok(CALL());
    window[3] = -0.5;
    assert_status(SF_ERR_ARGUMENT, CALL());
    memset(window, 0, sizeof window);
    assert_status(SF_ERR_ARGUMENT, CALL());
    window[3] = window[4] = 1.0; /* two cells cannot tell 12 bins apart */
    bins = (sf_bins){12, 0.3, 6.4, false};
    assert_status(SF_ERR_NUMERIC, CALL());
    x[3] = NAN;
    assert_status(SF_ERR_NUMERIC, CALL());
    bins.count = 0;
    assert_status(SF_ERR_ARGUMENT, CALL());
#undef CALL
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_mask_it_is_the_spectrum),
        cmocka_unit_test(the_matrix_is_what_plane_waves_leave),
        cmocka_unit_test(no_bias_on_masked_fields),
        cmocka_unit_test(a_bin_without_modes_has_no_power),
        cmocka_unit_test(a_monitor_stops_it),
        cmocka_unit_test(bad_input_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
