/* Simulated scenes: reproducible, non-negative, and with the flux, the slopes and the numbers that
 * their parameters say. */
#include "base/internal.h"
#include "check.h"
#include "scene/recipe.h"

#include <complex.h>
#include <string.h>

#define SIDE 64
#define SIZE (SIDE * SIDE)

static sf_canvas canvas_of(double *pixel, double seeing)
{
    memset(pixel, 0, SIZE * sizeof *pixel);
    return (sf_canvas){.rows = SIDE,
                       .columns = SIDE,
                       .pixel = pixel,
                       .floor = 1e-9,
                       .seeing = seeing,
                       .moffat = 5.0};
}

static double sum_of(const double *pixel)
{
    double sum = 0.0;

    for (size_t i = 0; i < SIZE; i++) sum += pixel[i];
    return sum;
}

static void scenes_are_reproducible(void **state)
{
    const sf_scene_options options = sf_scene_options_default();
    static double a[100 * 60], b[100 * 60];
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(100, 60, &grid));
    for (uint64_t index = 0; index < 20; index++) {
        double largest = 0.0;

        assert_ok(sf_scene_draw(&grid, &options, 5, index, a));
        assert_ok(sf_scene_draw(&grid, &options, 5, index, b));
        assert_memory_equal(a, b, sizeof a);
        for (size_t i = 0; i < 6000; i++) {
            assert_true(a[i] >= 0.0 && isfinite(a[i]));
            largest = fmax(largest, a[i]);
        }
        assert_close(largest, 1.0, 1e-15);
        assert_ok(sf_scene_draw(&grid, &options, 6, index, b));
        assert_true(memcmp(a, b, sizeof a) != 0);
    }
}

/* A Gaussian has the flux that was asked for, wherever its centre lies in a pixel. */
static void gaussians_have_their_flux(void **state)
{
    static double pixel[SIZE];

    (void)state;
    for (int i = 0; i < 10; i++) {
        sf_canvas canvas = canvas_of(pixel, 2.0);

        sf_canvas_gaussian(&canvas, 31.0 + 0.1 * i, 30.0 + 0.07 * i, 0.5 + 0.4 * i, 3.0);
        assert_close(sum_of(pixel), 3.0, 1e-6);
    }
}

/* A Moffat star of peak p holds p pi core^2/(beta - 1), for every centre. */
static void stars_have_their_flux(void **state)
{
    static double pixel[SIZE];
    const double pi = 3.14159265358979323846;

    (void)state;
    for (int i = 0; i < 10; i++) {
        const double seeing = 1.2 + 0.3 * i;
        const double core = 0.5 * seeing / sqrt(pow(2.0, 0.2) - 1.0);
        sf_canvas canvas = canvas_of(pixel, seeing);

        sf_canvas_star(&canvas, 31.0 + 0.1 * i, 31.0 - 0.09 * i, 2.0);
        assert_close(sum_of(pixel) / (2.0 * pi * core * core / 4.0), 1.0, 3e-3);
    }
}

static void a_point_is_one_pixel(void **state)
{
    static double pixel[SIZE];
    sf_canvas canvas = canvas_of(pixel, 0.0);

    (void)state;
    sf_canvas_star(&canvas, 10.2, 20.4, 7.0);
    assert_close(pixel[10 * SIDE + 20], 7.0, 0.0);
    assert_close(sum_of(pixel), 7.0, 0.0);
}

/* The same galaxy keeps its flux when it moves by a part of a pixel, the smallest one too. */
static void galaxies_keep_their_flux(void **state)
{
    static double pixel[SIZE];

    (void)state;
    for (uint64_t index = 0; index < 40; index++) {
        const double radius = 0.7 + 0.05 * (double)index;
        double low = INFINITY, high = 0.0;

        for (int shift = 0; shift < 8; shift++) {
            sf_canvas canvas = canvas_of(pixel, 1.5);
            sf_dice dice;

            canvas.floor = 1e-4;
            sf_dice_make(sf_random_make(2, 3), index, &dice);
            sf_canvas_galaxy(&canvas, &dice, 32.0 + 0.125 * shift, 32.0 - 0.11 * shift, radius,
                             0.1);
            low = fmin(low, sum_of(pixel));
            high = fmax(high, sum_of(pixel));
        }
        assert_true(low > 0.0);
        assert_true(high / low < 1.03);
    }
}

/* Mean square 1 and |X_k|^2 ~ k^-slope: the power of each of many draws in two rings of |k|. The
 * ratio's logarithm has a known mean; 300 draws leave 0.02 of scatter, allowed are 5 of them. */
static void fields_have_their_spectrum(void **state)
{
    const double slope = 3.0;
    static double field[SIZE];
    static sf_complex spectrum[SIDE * (SIDE / 2 + 1)];
    double power[2] = {0.0, 0.0}, weight[2] = {0.0, 0.0}, mean_square = 0.0;
    sf_grid grid;
    sf_fft *fft;

    (void)state;
    assert_ok(sf_grid_image(SIDE, SIDE, &grid));
    assert_ok(sf_fft_create(&grid, &fft));
    for (uint64_t draw = 0; draw < 300; draw++) {
        sf_dice dice;

        sf_dice_make(sf_random_make(4, 5), draw, &dice);
        assert_ok(sf_scene_field(&grid, &dice, slope, field));
        for (size_t i = 0; i < SIZE; i++) mean_square += field[i] * field[i] / (300.0 * SIZE);
        assert_ok(sf_fft_forward(fft, field, spectrum));
        assert_close(cabs(spectrum[0]), 0.0, 1e-9 * SIZE);
        for (size_t i = 0; i < sf_grid_half_size(&grid); i++) {
            const double k = sf_grid_wavenumber(&grid, i);
            const int ring = k > 0.35 && k < 0.45 ? 0 : k > 2.2 && k < 2.4 ? 1 : -1;

            if (ring < 0) continue;
            power[ring] += sf_grid_mode_weight(&grid, i) * pow(cabs(spectrum[i]), 2.0);
            weight[ring] += sf_grid_mode_weight(&grid, i) * pow(k, -slope);
        }
    }
    /* every draw's mean square is a sum over few large modes: relative scatter 0.5/sqrt(300) */
    assert_close(mean_square, 1.0, 0.15);
    assert_close(log(power[0] / weight[0]) - log(power[1] / weight[1]), 0.0, 0.1);
    sf_fft_release(&fft);
}

/* z-scores of 20000 counts' mean and variance, and of the power law's share above a value: each
 * beyond 5 with probability 6e-7. */
static void dice_have_their_laws(void **state)
{
    const double n = 20000.0;
    const double means[] = {0.3, 4.0, 200.0};
    sf_dice dice;
    double above = 0.0;

    (void)state;
    sf_dice_make(sf_random_make(6, 7), 0, &dice);
    for (size_t k = 0; k < 3; k++) {
        const double m = means[k];
        double sum = 0.0, squares = 0.0;

        for (size_t i = 0; i < 20000; i++) {
            const double count = (double)sf_dice_count(&dice, m);

            sum += count;
            squares += (count - m) * (count - m);
        }
        assert_close((sum / n - m) / sqrt(m / n), 0.0, 5.0);
        assert_close((squares / n - m) / sqrt((m + 2.0 * m * m) / n), 0.0, 5.0);
    }
    for (size_t i = 0; i < 20000; i++)
        above += sf_dice_power_law(&dice, 1.0, 100.0, 2.0) > 10.0 ? 1.0 : 0.0;
    /* integral of x^-2 from 10 to 100 over that from 1 to 100 */
    assert_close((above / n - 1.0 / 11.0) / sqrt(1.0 / 11.0 * 10.0 / 11.0 / n), 0.0, 5.0);
}

static void wrong_scenes_are_refused(void **state)
{
    sf_scene_options options = sf_scene_options_default();
    double pixel[8];
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(1, (size_t[]){8}, NULL, &grid));
    assert_status(SF_ERR_SHAPE, sf_scene_draw(&grid, &options, 1, 0, pixel));
    assert_ok(sf_grid_image(2, 4, &grid));
    options.stars = -1.0;
    assert_status(SF_ERR_ARGUMENT, sf_scene_draw(&grid, &options, 1, 0, pixel));
    options = sf_scene_options_default();
    options.seeing = NAN;
    assert_status(SF_ERR_ARGUMENT, sf_scene_draw(&grid, &options, 1, 0, pixel));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenes_are_reproducible),  cmocka_unit_test(gaussians_have_their_flux),
        cmocka_unit_test(stars_have_their_flux),    cmocka_unit_test(a_point_is_one_pixel),
        cmocka_unit_test(galaxies_keep_their_flux), cmocka_unit_test(fields_have_their_spectrum),
        cmocka_unit_test(dice_have_their_laws),     cmocka_unit_test(wrong_scenes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
