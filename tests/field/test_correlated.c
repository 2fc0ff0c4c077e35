/* test_correlated.c - correlated fields: the factor of every mode against the matrix of spectra,
 * cross-correlations of draws, fields that are multiples of one another, bad input. */
#include <scorefield/field.h>

#include "check.h"

#include <complex.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 3 };

/* Three spectra and two cross-spectra, the third pair without one: positive because the factor is
 * (1, .), (r, sqrt(1 - r^2), .), ... with |r| < 1 for the correlations 0.8/(1 + k) and 0.5. */
static double power_at(size_t a, size_t b, double k)
{
    const double own[FIELDS] = {1.0 / (1.0 + k * k), 3.0 / (0.5 + k), 2.0};
    const double r = a == b ? 1.0 : a + b == 1 ? 0.8 / (1.0 + k) : a + b == 3 ? 0.5 : 0.0;

    return r * sqrt(own[a] * own[b]);
}

typedef struct pair {
    size_t a, b;
} pair;

static double evaluate(double k, void *user)
{
    const pair *p = user;

    return power_at(p->a, p->b, k);
}

static pair pairs[FIELDS * FIELDS];

static void make(sf_spectrum *spectrum[FIELDS * FIELDS])
{
    for (size_t a = 0; a < FIELDS; a++)
        for (size_t b = 0; b < FIELDS; b++) {
            pairs[a * FIELDS + b] = (pair){a, b};
            spectrum[a * FIELDS + b] = NULL; /* nothing below the diagonal, nor for 0 and 2 */
            if (a <= b && b - a < 2)
                assert_ok(sf_spectrum_callback(evaluate, &pairs[a * FIELDS + b],
                                               &spectrum[a * FIELDS + b]));
        }
}

static void drop(sf_spectrum *spectrum[FIELDS * FIELDS])
{
    for (size_t i = 0; i < FIELDS * FIELDS; i++) sf_spectrum_release(&spectrum[i]);
}

static void make_buffers(const sf_grid *grid, double *buffers[FIELDS])
{
    for (size_t a = 0; a < FIELDS; a++) {
        buffers[a] = calloc(sf_fft_buffer_size(grid), sizeof(double));
        assert_non_null(buffers[a]);
    }
}

static const struct {
    int axes;
    size_t shape[3];
    double spacing[3];
} grids[] = {{1, {9}, {0.5}},
             {2, {6, 6}, {1.0, 1.0}},
             {2, {5, 8}, {1.0, 0.3}},
             {3, {4, 4, 4}, {0.7, 0.7, 0.7}},
             {3, {3, 6, 4}, {1.0, 0.9, 2.0}}};

/* White noise that is an impulse in one field has the mode 1 everywhere: the fields' modes are then
 * the factor's column, and L L^T is P/v at every mode. The last field's impulse is elsewhere zero,
 * so L is triangular. */
static void factors_give_the_spectra(void **state)
{
    sf_spectrum *spectrum[FIELDS * FIELDS];

    (void)state;
    make(spectrum);
    for (size_t g = 0; g < sizeof grids / sizeof *grids; g++) {
        double white[FIELDS * 128], *buffers[FIELDS], factor[128][FIELDS][FIELDS];
        sf_field_draw_options options = {.white = white};
        sf_grid grid;
        sf_fft *fft;
        size_t size, half;

        assert_ok(sf_grid_make(grids[g].axes, grids[g].shape, grids[g].spacing, &grid));
        assert_ok(sf_fft_create(&grid, &fft));
        size = sf_grid_size(&grid);
        half = sf_grid_half_size(&grid);
        make_buffers(&grid, buffers);
        for (size_t b = 0; b < FIELDS; b++) {
            memset(white, 0, sizeof white);
            white[b * size] = 1.0;
            assert_ok(sf_field_draw_correlated(&grid, (const sf_spectrum *const *)spectrum, FIELDS,
                                               &options, buffers));
            for (size_t a = 0; a < FIELDS; a++) {
                sf_complex modes[128];

                assert_ok(sf_fft_forward(fft, buffers[a], modes));
                for (size_t i = 0; i < half; i++) {
                    assert_close(cimag(modes[i]), 0.0, 1e-13);
                    factor[i][a][b] = creal(modes[i]);
                }
            }
        }
        for (size_t i = 0; i < half; i++)
            for (size_t a = 0; a < FIELDS; a++)
                for (size_t b = 0; b < FIELDS; b++) {
                    const double k = sf_grid_wavenumber(&grid, i);
                    double sum = 0.0;

                    for (size_t c = 0; c < FIELDS; c++) sum += factor[i][a][c] * factor[i][b][c];
                    assert_close(sum * sf_grid_cell_volume(&grid), power_at(a, b, k), 1e-13);
                    if (b > a) assert_close(factor[i][a][b], 0.0, 1e-13);
                }
        for (size_t a = 0; a < FIELDS; a++) free(buffers[a]);
        sf_fft_release(&fft);
    }
    drop(spectrum);
}

/* Field 0 is what it would be alone; so is any other without cross-spectra, of the stream after. */
static void streams_follow_one_another(void **state)
{
    const size_t shape[] = {12, 10};
    sf_spectrum *spectrum[FIELDS * FIELDS];
    double *buffers[FIELDS], *alone;
    sf_field_draw_options options = {.seed = 3, .stream = 11};
    sf_grid grid;

    (void)state;
    make(spectrum);
    sf_spectrum_release(&spectrum[1 * FIELDS + 2]); /* field 2 is correlated with none */
    assert_ok(sf_grid_make(2, shape, NULL, &grid));
    make_buffers(&grid, buffers);
    alone = calloc(sf_fft_buffer_size(&grid), sizeof *alone);
    assert_non_null(alone);
    assert_ok(sf_field_draw_correlated(&grid, (const sf_spectrum *const *)spectrum, FIELDS,
                                       &options, buffers));
    for (size_t a = 0; a < FIELDS; a += 2) {
        sf_field *field;

        options.stream = 11 + a;
        assert_ok(sf_field_create(&grid, spectrum[a * FIELDS + a], 0.0, &field));
        assert_ok(sf_field_draw(field, &options, alone));
        for (size_t i = 0; i < 120; i++) assert_close(buffers[a][i], alone[i], 1e-13);
        sf_field_release(&field);
    }
    for (size_t a = 0; a < FIELDS; a++) free(buffers[a]);
    free(alone);
    drop(spectrum);
}

/* One draw of 32^3 cells: in eight bins of |k| the sums of Re(X_a conj X_b)/N over the full
 * spectrum are those of lambda_ab, with variance sum (lambda_aa lambda_bb + lambda_ab^2). |z| < 5
 * for 48 sums: false alarm 3e-5. */
static void draws_are_correlated(void **state)
{
    const size_t shape[] = {32, 32, 32}, size = 32768;
    const double v = 0.125;
    double sums[8][FIELDS][FIELDS] = {{{0.0}}}, variance[8][FIELDS][FIELDS] = {{{0.0}}};
    sf_field_draw_options options = {.seed = 17};
    sf_spectrum *spectrum[FIELDS * FIELDS];
    sf_complex *modes[FIELDS];
    double *buffers[FIELDS];
    sf_grid grid;
    sf_fft *fft;

    (void)state;
    make(spectrum);
    assert_ok(sf_grid_make(3, shape, (const double[]){0.5, 0.5, 0.5}, &grid));
    assert_ok(sf_fft_create(&grid, &fft));
    make_buffers(&grid, buffers);
    assert_ok(sf_field_draw_correlated(&grid, (const sf_spectrum *const *)spectrum, FIELDS,
                                       &options, buffers));
    for (size_t a = 0; a < FIELDS; a++) {
        modes[a] = calloc(sf_grid_half_size(&grid), sizeof(sf_complex));
        assert_non_null(modes[a]);
        assert_ok(sf_fft_forward(fft, buffers[a], modes[a]));
    }
    for (size_t i = 0; i < sf_grid_half_size(&grid); i++) {
        const double k = sf_grid_wavenumber(&grid, i), weight = sf_grid_mode_weight(&grid, i);
        const int bin = (int)fmin(7.0, k / 1.3);

        for (size_t a = 0; a < FIELDS; a++)
            for (size_t b = a; b < FIELDS; b++) {
                const double exact = power_at(a, b, k) / v;
                const double own = power_at(a, a, k) * power_at(b, b, k) / (v * v);

                sums[bin][a][b] +=
                    weight * (creal(modes[a][i] * conj(modes[b][i])) / (double)size - exact);
                variance[bin][a][b] += weight * (own + exact * exact);
            }
    }
    for (int bin = 0; bin < 8; bin++)
        for (size_t a = 0; a < FIELDS; a++)
            for (size_t b = a; b < FIELDS; b++)
                assert_close(sums[bin][a][b] / sqrt(variance[bin][a][b]), 0.0, 5.0);
    for (size_t a = 0; a < FIELDS; a++) {
        free(buffers[a]);
        free(modes[a]);
    }
    sf_fft_release(&fft);
    drop(spectrum);
}

/* P_ab = 2 P, P_bb = 4 P: the matrix is singular and the second field twice the first, to the root
 * of 1e-12. */
static void multiples_of_one_field(void **state)
{
    const size_t shape[] = {8, 9};
    sf_spectrum *one, *two, *four;
    double *buffers[FIELDS];
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(2, shape, NULL, &grid));
    make_buffers(&grid, buffers);
    assert_ok(sf_spectrum_power_law(1.0, -1.3, 0.0, &one));
    assert_ok(sf_spectrum_power_law(2.0, -1.3, 0.0, &two));
    assert_ok(sf_spectrum_power_law(4.0, -1.3, 0.0, &four));
    assert_ok(sf_field_draw_correlated(&grid, (const sf_spectrum *const[]){one, two, NULL, four}, 2,
                                       NULL, buffers));
    for (size_t i = 0; i < 72; i++) assert_close(buffers[1][i], 2.0 * buffers[0][i], 2e-5);
    sf_spectrum_release(&one);
    sf_spectrum_release(&two);
    sf_spectrum_release(&four);
    for (size_t a = 0; a < FIELDS; a++) free(buffers[a]);
}

/* A cross-spectrum that is too large from the wavenumber 2 pi 3/10 on, and one of a field without
 * power. */
static double too_large(double k, void *user)
{
    (void)user;
    return k > 1.7 ? 1.0001 : 0.9;
}

static void bad_input(void **state)
{
    const size_t n = 10;
    sf_spectrum *one, *cross, *none;
    double *buffers[FIELDS];
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(1, &n, NULL, &grid));
    make_buffers(&grid, buffers);
    assert_ok(sf_spectrum_power_law(1.0, 0.0, 1.0, &one));
    assert_ok(sf_spectrum_power_law(0.0, 0.0, 0.0, &none));
    assert_ok(sf_spectrum_callback(too_large, NULL, &cross));
    assert_status(SF_ERR_ARGUMENT, sf_field_draw_correlated(
                                       &grid, (const sf_spectrum *const[]){one, cross, NULL, one},
                                       2, NULL, buffers));
    assert_non_null(strstr(sf_last_error(), "k = 1.88496"));
    assert_status(SF_ERR_ARGUMENT, sf_field_draw_correlated(
                                       &grid, (const sf_spectrum *const[]){one, cross, NULL, none},
                                       2, NULL, buffers));
    assert_non_null(strstr(sf_last_error(), "no power"));
    assert_status(SF_ERR_ARGUMENT, sf_field_draw_correlated(
                                       &grid, (const sf_spectrum *const[]){one, NULL, NULL, NULL},
                                       2, NULL, buffers));
    assert_status(SF_ERR_ARGUMENT, sf_field_draw_correlated(&grid, NULL, 0, NULL, buffers));
    sf_spectrum_release(&one);
    sf_spectrum_release(&none);
    sf_spectrum_release(&cross);
    for (size_t a = 0; a < FIELDS; a++) free(buffers[a]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors_give_the_spectra),
        cmocka_unit_test(streams_follow_one_another),
        cmocka_unit_test(draws_are_correlated),
        cmocka_unit_test(multiples_of_one_field),
        cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
