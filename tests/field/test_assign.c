/* test_assign.c - points in cells: shares by the splines' own definition, periodic borders, the
 * window on plane waves, flat power of Poisson points, aliases that interlacing removes. */
#include <scorefield/field.h>

#include "check.h"
#include "field/window.h"

#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

/* The B-spline of order p at x by its recursion (de Boor), about 0. */
static double b_spline(int p, double x)
{
    const double half = 0.5 * p;

    if (p == 1) return x >= -0.5 && x < 0.5 ? 1.0 : 0.0;
    return ((half + x) * b_spline(p - 1, x + 0.5) + (half - x) * b_spline(p - 1, x - 0.5)) /
           (p - 1.0);
}

/* The density by the definition: every cell and every image of every point. */
static void by_definition(const sf_grid *grid, const double *positions, const double *weights,
                          size_t count, int p, double shift, double *delta)
{
    const size_t size = sf_grid_size(grid);
    double total = 0.0;

    for (size_t q = 0; q < count; q++) total += weights != NULL ? weights[q] : 1.0;
    for (size_t i = 0; i < size; i++) {
        double sum = 0.0;

        for (size_t q = 0; q < count; q++) {
            double share = weights != NULL ? weights[q] : 1.0;
            size_t rest = i;

            for (int a = grid->axes - 1; a >= 0; a--) {
                const double n = (double)grid->shape[a];
                const double x = positions[q * (size_t)grid->axes + (size_t)a] / grid->spacing[a] +
                                 shift - ((double)(rest % grid->shape[a]) + 0.5);
                double images = 0.0;

                for (int j = -8; j <= 8; j++) images += b_spline(p, x + j * n);
                share *= images;
                rest /= grid->shape[a];
            }
            sum += share;
        }
        delta[i] = sum * (double)size / total - 1.0;
    }
}

static void shares_follow_the_splines(void **state)
{
    static const struct {
        int axes;
        size_t shape[SF_GRID_MAX_AXES];
        double spacing[SF_GRID_MAX_AXES];
    } cases[] = {
        {1, {9}, {0.7}}, {2, {1, 8}, {3, 1}}, {2, {5, 2}, {0.5, 2}}, {3, {3, 4, 6}, {1, 2, 3}}};

    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (int p = 1; p <= 4; p++) {
            enum { COUNT = 30 };
            double positions[3 * COUNT], weights[COUNT], delta[72], expected[72];
            sf_grid grid;

            assert_ok(sf_grid_make(cases[c].axes, cases[c].shape, cases[c].spacing, &grid));
            sf_random_uniform(sf_random_make(1, 1), 0, 0, 3 * COUNT, positions);
            sf_random_uniform(sf_random_make(1, 2), 0, 0, COUNT, weights);
            for (int i = 0; i < 3 * COUNT; i++) positions[i] = 24.0 * positions[i] - 12.0;
            for (int shifted = 0; shifted < 2; shifted++) {
                const double *w = shifted ? weights : NULL;

                assert_ok(
                    sf_assign(&grid, positions, w, COUNT, (sf_assignment)p, 0.5 * shifted, delta));
                by_definition(&grid, positions, w, COUNT, p, 0.5 * shifted, expected);
                for (size_t i = 0; i < sf_grid_size(&grid); i++)
                    assert_close(delta[i], expected[i], 1e-11);
            }
        }
}

/* On a lattice of points at the cells' centres every order gives delta = 0, and so does a single
 * point in a box of one cell. A point on the box's far border is one on its near border. */
static void borders(void **state)
{
    sf_grid grid, one;
    double delta[16], far[16], positions[32];

    (void)state;
    assert_ok(sf_grid_make(2, (const size_t[]){4, 4}, (const double[]){0.1, 0.1}, &grid));
    assert_ok(sf_grid_make(2, (const size_t[]){1, 1}, NULL, &one));
    for (size_t i = 0; i < 16; i++) {
        positions[2 * i] = 0.1 * ((double)(i / 4) + 0.5);
        positions[2 * i + 1] = 0.1 * ((double)(i % 4) + 0.5);
    }
    for (int p = 1; p <= 4; p++) {
        assert_ok(sf_assign(&grid, positions, NULL, 16, (sf_assignment)p, 0.0, delta));
        for (int i = 0; i < 16; i++) assert_close(delta[i], 0.0, 1e-14);
        assert_ok(sf_assign(&one, positions, NULL, 3, (sf_assignment)p, 0.3, delta));
        assert_close(delta[0], 0.0, 1e-14);
        assert_ok(
            sf_assign(&grid, (const double[]){0.0, 0.2}, NULL, 1, (sf_assignment)p, 0, delta));
        for (int end = 0; end < 3; end++) {
            const double ends[] = {0.4, -1e-18, nextafter(0.4, 0.0)};

            assert_ok(sf_assign(&grid, (const double[]){ends[end], 0.2}, NULL, 1, (sf_assignment)p,
                                0.0, far));
            if (p > 1 || end == 0)
                for (int i = 0; i < 16; i++) assert_close(delta[i], far[i], 1e-12);
        }
    }
}

static void the_same_bits_on_any_number_of_threads(void **state)
{
    enum { COUNT = 20000 };
    const int threads[] = {2, 7};
    double *positions, *delta, *again;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(3, (const size_t[]){20, 12, 15}, NULL, &grid));
    assert_ok(sf_allocate(&positions, 3 * COUNT, sizeof *positions));
    assert_ok(sf_allocate(&delta, 3600, sizeof *delta));
    assert_ok(sf_allocate(&again, 3600, sizeof *again));
    sf_random_uniform(sf_random_make(3, 1), 0, 0, 3 * COUNT, positions);
    for (int i = 0; i < 3 * COUNT; i++) positions[i] *= 20.0;
    for (int p = 1; p <= 4; p++) {
        assert_ok(sf_thread_count_set(1));
        assert_ok(sf_assign(&grid, positions, NULL, COUNT, (sf_assignment)p, 0.0, delta));
        for (int t = 0; t < 2; t++) {
            assert_ok(sf_thread_count_set(threads[t]));
            assert_ok(sf_assign(&grid, positions, NULL, COUNT, (sf_assignment)p, 0.0, again));
            assert_memory_equal(delta, again, 3600 * sizeof *delta);
        }
    }
    assert_ok(sf_thread_count_set(0));
    sf_free(positions);
    sf_free(delta);
    sf_free(again);
}

/* ---- spectra of points ----------------------------------------------------------------------- */

/* Points on a lattice `fine` times finer than the grid, weighted by 1 + cos(2 pi m x/L): their
 * spectrum is exactly that of the wave, its aliases and the assignment's window. Returns
 * P M/(V A^2/2), the part of the wave's power in the bin of |k| = n fundamental modes. */
static double wave_power(int p, long m, bool interlaced, bool compensated, size_t bin)
{
    enum { CELLS = 16, FINE = 40, POINTS = CELLS * FINE };
    double positions[POINTS], weights[POINTS], delta[CELLS], second[CELLS];
    sf_power_options options = sf_power_options_default();
    sf_power_bin bins[9];
    sf_grid grid;

    assert_ok(sf_grid_make(1, (const size_t[]){CELLS}, (const double[]){0.25}, &grid));
    for (int q = 0; q < POINTS; q++) {
        positions[q] = 4.0 * q / POINTS;
        weights[q] = 1.0 + 0.5 * cos(2.0 * pi * (double)m * q / POINTS + 0.3);
    }
    assert_ok(sf_assign(&grid, positions, weights, POINTS, (sf_assignment)p, 0.0, delta));
    assert_ok(sf_assign(&grid, positions, weights, POINTS, (sf_assignment)p, 0.5, second));
    options.bins = (sf_bins){9, 0.5 * pi / 2.0, 9.5 * pi / 2.0, false};
    options.assignment = compensated ? (sf_assignment)p : SF_ASSIGN_NONE;
    options.interlaced = interlaced ? second : NULL;
    assert_ok(sf_power(&grid, delta, &options, bins, NULL));
    return bins[bin - 1].modes == 0
               ? 0.0
               : bins[bin - 1].power * (double)bins[bin - 1].modes / (4.0 * 0.25 / 2.0);
}

/* sinc with the lattice's own discreteness: sin(pi f)/(fine sin(pi f/fine)), to the power p, is
 * within 2e-3 of the continuum for 40 points a cell. */
static void the_window_is_divided_out(void **state)
{
    (void)state;
    for (int p = 1; p <= 4; p++)
        for (size_t m = 1; m < 8; m++) {
            const double window = sf_window((sf_assignment)p, m, 16);

            assert_close(wave_power(p, (long)m, false, false, m) / (window * window), 1.0, 4e-3);
            assert_close(wave_power(p, (long)m, false, true, m), 1.0, 4e-3);
            assert_close(wave_power(p, (long)m, true, true, m), 1.0, 4e-3);
        }
}

/* A wave of 13 periods in 16 cells is seen as one of 3 with the window at 13; the first alias is
 * odd. One of 29 periods, the second alias, is even and stays. */
static void interlacing_removes_odd_aliases(void **state)
{
    (void)state;
    for (int p = 1; p <= 4; p++) {
        const double first = pow(sf_window((sf_assignment)p, 13, 16), 2.0);
        const double second = pow(sf_window((sf_assignment)p, 29, 16), 2.0);

        assert_close(wave_power(p, 13, false, false, 3) / first, 1.0, 2e-2);
        assert_true(wave_power(p, 13, true, false, 3) < 1e-28);
        assert_close(wave_power(p, 29, true, false, 3) / second, 1.0, 6e-2);
    }
}

/* Uniform points have P = V/N, whatever the order, to the Nyquist frequency of the corners: after
 * the window's and the aliases' sums. 100,000 points on 16^3, 4 bins of all modes; the shot noise
 * that is subtracted is V/N, so that P is 0 within the errors: 5 sigma over 32 numbers, 1 in
 * 50,000. The error itself is that of the raw power, which the compensation spreads over modes
 * unevenly: below PCS's factor of 10 at the corner. */
static void uniform_points_have_flat_power(void **state)
{
    enum { COUNT = 100000 };
    double *positions, *delta, *second;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(3, (const size_t[]){16, 16, 16}, (const double[]){2, 2, 2}, &grid));
    assert_ok(sf_allocate(&positions, 3 * COUNT, sizeof *positions));
    assert_ok(sf_allocate(&delta, 4096, sizeof *delta));
    assert_ok(sf_allocate(&second, 4096, sizeof *second));
    sf_random_uniform(sf_random_make(9, 4), 0, 0, 3 * COUNT, positions);
    for (int i = 0; i < 3 * COUNT; i++) positions[i] *= 32.0;
    for (int p = 1; p <= 4; p++)
        for (int interlaced = 0; interlaced < 2; interlaced++) {
            const double shot = 32.0 * 32.0 * 32.0 / COUNT;
            sf_power_options options = sf_power_options_default();
            sf_power_bin bins[4];

            options.bins = (sf_bins){4, 0.1, 1.6, false};
            options.assignment = (sf_assignment)p;
            options.interlaced = interlaced ? second : NULL;
            options.shot_noise = shot;
            assert_ok(sf_assign(&grid, positions, NULL, COUNT, (sf_assignment)p, 0.0, delta));
            assert_ok(sf_assign(&grid, positions, NULL, COUNT, (sf_assignment)p, 0.5, second));
            assert_ok(sf_power(&grid, delta, &options, bins, NULL));
            for (int b = 0; b < 4; b++) {
                assert_close(bins[b].power / bins[b].error, 0.0, 5.0);
                assert_close(bins[b].error / (shot * sqrt(2.0 / (double)bins[b].modes)), 1.0,
                             b < 2 ? 0.3 : 1.5);
            }
        }
    sf_free(positions);
    sf_free(delta);
    sf_free(second);
}

static void bad_input_is_refused(void **state)
{
    const double nowhere[] = {0.5, NAN}, somewhere[] = {0.5, 0.5};
    double delta[4];
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(2, (const size_t[]){2, 2}, NULL, &grid));
    assert_status(SF_ERR_NUMERIC, sf_assign(&grid, nowhere, NULL, 1, SF_ASSIGN_CIC, 0.0, delta));
    assert_status(SF_ERR_ARGUMENT, sf_assign(&grid, somewhere, NULL, 0, SF_ASSIGN_CIC, 0.0, delta));
    assert_status(SF_ERR_ARGUMENT,
                  sf_assign(&grid, somewhere, NULL, 1, SF_ASSIGN_NONE, 0.0, delta));
    assert_status(SF_ERR_ARGUMENT, sf_assign(&grid, somewhere, NULL, 1, SF_ASSIGN_CIC, NAN, delta));
    assert_status(SF_ERR_ARGUMENT, sf_assign(&grid, somewhere, (const double[]){-1.0}, 1,
                                             SF_ASSIGN_CIC, 0.0, delta));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_follow_the_splines),
        cmocka_unit_test(borders),
        cmocka_unit_test(the_same_bits_on_any_number_of_threads),
        cmocka_unit_test(the_window_is_divided_out),
        cmocka_unit_test(interlacing_removes_odd_aliases),
        cmocka_unit_test(uniform_points_have_flat_power),
        cmocka_unit_test(bad_input_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
