/* test_noise.c - noise and background estimates against simulated frames. z-scores are over
 * repetitions with fixed seeds; the bounds of 4 have a false-alarm rate of 6e-5 each. */
#include "inverse/observation.h"
#include "simulate.h"

#include <stdlib.h>

#define ROWS    100
#define COLUMNS 90
#define PIXELS  (ROWS * COLUMNS)
#define TIMES   40

static sf_grid grid_of(size_t rows, size_t columns)
{
    sf_grid grid;

    assert_ok(sf_grid_image(rows, columns, &grid));
    return grid;
}

/* Mean over frames of the estimate / truth, and its scatter. */
static void repeat_estimate(double sigma, double scene, bool whole, bool holes, double *mean,
                            double *scatter)
{
    const sf_grid grid = grid_of(ROWS, COLUMNS);
    double *pixels = new_array(PIXELS), *mask = new_array(PIXELS), sum = 0.0, squares = 0.0;

    for (uint64_t t = 0; t < TIMES; t++) {
        double noise;
        blobs(ROWS, COLUMNS, scene * sigma, pixels);
        add_noise(100 + t, PIXELS, sigma, pixels);
        for (size_t i = 0; i < PIXELS && whole; i++) pixels[i] = round(pixels[i]);
        for (size_t i = 0; i < PIXELS && holes; i++) {
            if (i % 17 == 0) pixels[i] = NAN;
            if (i % 23 == 0) pixels[i] = 1e6 * sigma;
            mask[i] = i % 23 == 0 ? 1.0 : 0.0;
        }
        assert_ok(sf_estimate_noise(&grid, pixels, holes ? mask : NULL, &noise));
        sum += noise / sigma;
        squares += noise / sigma * noise / sigma;
    }
    *mean = sum / TIMES;
    *scatter = sqrt((squares - sum * sum / TIMES) / (TIMES - 1));
    sf_free(pixels);
    sf_free(mask);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Selection against sorting, on values with and without ties and in every kind of order. */
static void test_quantiles(void **state)
{
    static const double probabilities[] = {0.0, 0.158655, 0.5, 0.68, 0.9973, 1.0};
    double *drawn = new_array(PIXELS), *sorted = new_array(PIXELS), *values = new_array(PIXELS);

    (void)state;
    for (size_t count = 1; count <= PIXELS; count = count < 12 ? count + 1 : 5 * count + 2)
        for (int kind = 0; kind < 4; kind++) {
            memset(drawn, 0, count * sizeof *drawn); /* kind 0: all values are the same */
            if (kind > 0) add_noise(count, count, 2.0, drawn);
            for (size_t i = 0; i < count && kind == 2; i++) drawn[i] = round(drawn[i]) + 0.0;
            memcpy(sorted, drawn, count * sizeof *sorted);
            qsort(sorted, count, sizeof *sorted, ascending);
            if (kind == 3) memcpy(drawn, sorted, count * sizeof *drawn);
            for (size_t p = 0; p < sizeof probabilities / sizeof *probabilities; p++) {
                const double at = probabilities[p] * (double)(count - 1);
                const size_t below = (size_t)floor(at), above = (size_t)ceil(at);
                const double part = at - floor(at);
                memcpy(values, drawn, count * sizeof *values);
                assert_close(sf_quantile(values, count, probabilities[p]),
                             (1.0 - part) * sorted[below] + part * sorted[above], 0.0);
                qsort(values, count, sizeof *values, ascending);
                assert_memory_equal(values, sorted, count * sizeof *values);
            }
        }
    sf_free(drawn);
    sf_free(sorted);
    sf_free(values);
}

static void test_white_noise(void **state)
{
    static const double sigmas[] = {1.0, 3e-12, 5e8};
    double mean, scatter;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        repeat_estimate(sigmas[i], 0.0, false, false, &mean, &scatter);
        /* the larger of two estimates wins: by 1/sqrt(pi) of their scatter, were they independent
         */
        assert_close(mean, 1.0 + 1.6 / sqrt(3.14159265 * PIXELS), 4.0 * 1.6 / sqrt(PIXELS * TIMES));
        assert_close(scatter, 1.6 / sqrt(PIXELS), 0.006);
    }
}

/* The part of differences of noise 1 and this scene, by 6, that are below t in size. */
static double part_below(const double *scene, size_t apart, double t)
{
    static const double weight[3] = {1.0, -2.0, 1.0};
    const size_t rows = ROWS - 2 * apart, columns = COLUMNS - 2 * apart;
    double sum = 0.0;

    for (size_t i = 0; i < rows * columns; i++) {
        const size_t y = i / columns, x = i % columns;
        double c = 0.0;
        for (size_t a = 0; a < 3; a++)
            for (size_t b = 0; b < 3; b++)
                c += weight[a] * weight[b] * scene[(y + a * apart) * COLUMNS + x + b * apart] / 6.0;
        sum += 0.5 * (erf((t - c) * sqrt(0.5)) + erf((t + c) * sqrt(0.5)));
    }
    return sum / (double)(rows * columns);
}

/* What the median makes of noise 1 and this scene in a frame without end, by bisection. */
static double expected_estimate(const double *scene, size_t apart)
{
    double low = 0.0, high = 100.0;

    while (high - low > 1e-9) {
        const double t = 0.5 * (low + high);
        if (part_below(scene, apart, t) < 0.5)
            low = t;
        else
            high = t;
    }
    return low / 0.674489750196082;
}

/* Five compact sources of 300 noise levels on this small frame move the median by what they must.
 * Of neighbours that is 1 %; of pixels three apart, which pass for a plateau here and are taken, 16
 * %: the price of seeing noise that neighbours share. */
static void test_scene_hardly_counts(void **state)
{
    double *scene = new_array(PIXELS), mean, scatter;

    (void)state;
    blobs(ROWS, COLUMNS, 300.0, scene);
    repeat_estimate(1.0, 300.0, false, false, &mean, &scatter);
    assert_close(mean, expected_estimate(scene, 3), 4.0 * scatter / sqrt(TIMES));
    assert_close(expected_estimate(scene, 1), 1.0, 0.01);
    assert_close(expected_estimate(scene, 3), 1.16, 0.005);
    assert_true(scatter < 2.0 * 1.6 / sqrt(PIXELS));
    sf_free(scene);
}

static void test_unusable_pixels(void **state)
{
    double mean, scatter;

    (void)state;
    repeat_estimate(2.0, 0.0, false, true, &mean, &scatter);
    assert_close(mean, 1.0, 0.04);
}

/* Rounding adds 1/12 to the variance, and makes the differences whole numbers: their median is
 * within 1/2 of the one without rounding. */
static void test_whole_numbers(void **state)
{
    static const double sigmas[] = {0.5, 0.8, 1.5, 4.0};
    double mean, scatter;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        repeat_estimate(sigmas[i], 0.0, true, false, &mean, &scatter);
        assert_close(mean, sqrt(1.0 + 1.0 / (12.0 * sigmas[i] * sigmas[i])),
                     0.5 / (0.6745 * 6.0 * sigmas[i]));
    }
}

/* Rare counts: most differences are zero, and the estimate is still positive. */
static void test_mostly_zero(void **state)
{
    const sf_grid grid = grid_of(ROWS, COLUMNS);
    double *pixels = new_array(PIXELS), noise;

    (void)state;
    for (size_t i = 0; i < PIXELS; i += 101) pixels[i] = 1.0;
    assert_ok(sf_estimate_noise(&grid, pixels, NULL, &noise));
    assert_true(noise > 0.01 && noise < 1.0);
    sf_free(pixels);
}

/* Noise that neighbours share, as resampling makes it: averaged over 2 x 2 pixels. */
static void test_correlated_noise(void **state)
{
    const sf_grid grid = grid_of(ROWS, COLUMNS);
    double *white = new_array(PIXELS + COLUMNS + 1), *pixels = new_array(PIXELS), noise;

    (void)state;
    add_noise(9, PIXELS + COLUMNS + 1, 2.0, white);
    for (size_t i = 0; i < PIXELS; i++)
        pixels[i] = 0.25 * (white[i] + white[i + 1] + white[i + COLUMNS] + white[i + COLUMNS + 1]);
    assert_ok(sf_estimate_noise(&grid, pixels, NULL, &noise));
    assert_close(noise, 1.0, 0.06);
    sf_free(white);
    sf_free(pixels);
}

static void test_noise_errors(void **state)
{
    const sf_grid grid = grid_of(ROWS, COLUMNS), small = grid_of(2, 2), narrow = grid_of(1, 100);
    double *pixels = new_array(PIXELS), noise = 5.0;

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_estimate_noise(&grid, pixels, NULL, &noise));
    assert_non_null(strstr(sf_last_error(), "the frame is constant"));
    assert_true(isnan(noise));
    assert_status(SF_ERR_ARGUMENT, sf_estimate_noise(&small, pixels, NULL, &noise));
    assert_non_null(strstr(sf_last_error(), "fewer than 16 places"));
    add_noise(2, 100, 3.0, pixels);
    assert_ok(sf_estimate_noise(&narrow, pixels, NULL, &noise));
    assert_close(noise, 3.0, 1.0);
    for (size_t i = 0; i < PIXELS; i++) pixels[i] = NAN;
    assert_status(SF_ERR_ARGUMENT, sf_estimate_noise(&grid, pixels, NULL, &noise));
    assert_status(SF_ERR_ARGUMENT, sf_estimate_background(&grid, pixels, NULL, &noise));
    assert_non_null(strstr(sf_last_error(), "no pixel is usable"));
    sf_free(pixels);
}

static void test_background(void **state)
{
    const sf_grid grid = grid_of(ROWS, COLUMNS);
    double *pixels = new_array(PIXELS), *mask = new_array(PIXELS), background, sum = 0.0;

    (void)state;
    for (uint64_t t = 0; t < TIMES; t++) {
        blobs(ROWS, COLUMNS, 50.0, pixels);
        add_noise(500 + t, PIXELS, 1.0, pixels);
        for (size_t i = 0; i < PIXELS; i++) pixels[i] += 1000.0;
        for (size_t i = 0; i < 300; i++) mask[i] = 1.0;
        for (size_t i = 0; i < 300; i++) pixels[i] = -1e9;
        pixels[4000] = NAN;
        assert_ok(sf_estimate_background(&grid, pixels, mask, &background));
        sum += background - 1000.0;
    }
    assert_close(sum / TIMES, 0.0, 0.05); /* in units of the noise */
    for (size_t i = 0; i < PIXELS; i++) pixels[i] = 7.0;
    assert_ok(sf_estimate_background(&grid, pixels, NULL, &background));
    assert_close(background, 7.0, 0.0);
    sf_free(pixels);
    sf_free(mask);
}

/* A draw of the Poisson law by its distribution function at a uniform number. */
static double poisson(double mean, double uniform)
{
    double count = 0.0, term = exp(-mean), sum = term;

    while (sum < uniform && term > 0.0) sum += term *= mean / ++count;
    return count;
}

/* 30 counts a pixel at 2 counts a unit, read with a noise of 0.5. The weighted mean of pixels whose
 * weights come from the model is right, that with weights of smoothed pixels by a part of 1/(9 30)
 * too low. */
static void test_poisson(void **state)
{
    enum { N = ROWS * COLUMNS };
    const double counts = 30.0, gain = 2.0, read = 0.5, level = counts / gain;
    const double variance = read * read + level / gain;
    const sf_grid grid = grid_of(ROWS, COLUMNS);
    double *pixels = new_array(N), *uniform = new_array(N), *sigma = new_array(N);
    double *flat = new_array(N), mean[2] = {0.0, 0.0}, square = 0.0;

    (void)state;
    for (size_t i = 0; i < N; i++) flat[i] = level;
    for (uint64_t t = 0; t < TIMES; t++) {
        sf_random_uniform(sf_random_make(t, 5), 0, 0, N, uniform);
        for (size_t i = 0; i < N; i++) pixels[i] = poisson(counts, uniform[i]) / gain;
        add_noise(900 + t, N, read, pixels);
        for (int smoothed = 0; smoothed < 2; smoothed++) {
            double sum = 0.0, weight = 0.0;
            assert_ok(sf_poisson_sigma(&grid, pixels, NULL, read, gain, smoothed != 0 ? NULL : flat,
                                       sigma));
            for (size_t i = 0; i < N; i++) {
                sum += pixels[i] / (sigma[i] * sigma[i]);
                weight += 1.0 / (sigma[i] * sigma[i]);
                if (smoothed == 0) square += pow((pixels[i] - level) / sigma[i], 2.0);
            }
            mean[smoothed] += sum / weight / TIMES;
        }
    }
    assert_close((mean[0] - level) * sqrt((double)N * TIMES / variance), 0.0, 4.0);
    assert_close((mean[1] - level * (1.0 - 1.0 / (9.0 * counts))) *
                     sqrt((double)N * TIMES / variance),
                 0.0, 4.0);
    assert_close((square / ((double)N * TIMES) - 1.0) * sqrt(0.5 * (double)N * TIMES), 0.0, 4.0);
    sf_free(pixels);
    sf_free(uniform);
    sf_free(sigma);
    sf_free(flat);
}

/* The mean of what is usable, no less than one count, and nothing for what is not. */
static void test_poisson_of_few_pixels(void **state)
{
    const sf_grid grid = grid_of(2, 3);
    const double pixels[6] = {9.0, 5.0, 100.0, 4.0, NAN, -70.0};
    const double mask[6] = {0.0, 0.0, 1.0, 0.0, 0.0, 0.0}, infinite[6] = {INFINITY};
    double sigma[6];

    (void)state;
    assert_ok(sf_poisson_sigma(&grid, pixels, mask, 0.0, 2.0, NULL, sigma));
    assert_close(sigma[0], sqrt(6.0 / 2.0), 1e-14);
    assert_close(sigma[1], 0.5, 1e-14); /* 9, 5, 4, -70: below one count */
    assert_close(sigma[3], sqrt(6.0 / 2.0), 1e-14);
    assert_close(sigma[5], 0.5, 1e-14);
    assert_true(isnan(sigma[2]) && isnan(sigma[4]));
    assert_status(SF_ERR_ARGUMENT, sf_poisson_sigma(&grid, pixels, mask, 0.0, 0.0, NULL, sigma));
    assert_status(SF_ERR_ARGUMENT, sf_poisson_sigma(&grid, pixels, mask, -1.0, 1.0, NULL, sigma));
    assert_status(SF_ERR_ARGUMENT, sf_poisson_sigma(&grid, pixels, mask, NAN, 1.0, NULL, sigma));
    assert_status(SF_ERR_NUMERIC, sf_poisson_sigma(&grid, pixels, mask, 0.0, 1.0, infinite, sigma));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_white_noise),
        cmocka_unit_test(test_scene_hardly_counts),
        cmocka_unit_test(test_unusable_pixels),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_mostly_zero),
        cmocka_unit_test(test_correlated_noise),
        cmocka_unit_test(test_noise_errors),
        cmocka_unit_test(test_background),
        cmocka_unit_test(test_poisson),
        cmocka_unit_test(test_poisson_of_few_pixels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
