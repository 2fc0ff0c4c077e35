/* test_diagnostics.c - chi^2, whiteness and flux on residuals of known law, and the comparison
 * with a truth against independent values. Bounds of 4 standard deviations: false alarm 6e-5. */
#include "simulate.h"

#define ROWS    48
#define COLUMNS 40
#define PIXELS  (ROWS * COLUMNS)
#define TIMES   200

typedef struct statistic {
    double sum, squares;
} statistic;

static void add(statistic *s, double value)
{
    s->sum += value;
    s->squares += value * value;
}
static double mean(const statistic *s) { return s->sum / TIMES; }
static double deviation(const statistic *s)
{
    return sqrt((s->squares - s->sum * s->sum / TIMES) / (TIMES - 1));
}

/* Scene known, noise from a sigma map, with holes: the z-scores have mean 0 and variance 1. */
static void test_white_residuals_are_calibrated(void **state)
{
    statistic chi = {0}, white = {0}, flux = {0};
    double *truth, *pixels = new_array(PIXELS), *sigma = new_array(PIXELS);
    sf_observation *observation;
    sf_diagnostics d;
    sf_grid frame;
    sf_psf *psf;

    (void)state;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &frame));
    assert_ok(sf_psf_gaussian(2.2, &psf));
    for (size_t i = 0; i < PIXELS; i++) sigma[i] = 1e-10 * (1.0 + 0.5 * (double)(i % 5));
    assert_ok(sf_observation_create(&frame, pixels, sigma, 0.0, NULL, psf, NULL, &observation));
    truth = new_array(sf_grid_size(sf_observation_scene(observation)));
    blobs(sf_observation_scene(observation)->shape[0], sf_observation_scene(observation)->shape[1],
          2e-8, truth);
    for (uint64_t t = 0; t < TIMES; t++) {
        double *n = new_array(PIXELS);
        sf_random_normal(sf_random_make(21, t), 0, 0, PIXELS, n);
        assert_ok(sf_observation_predict(observation, truth, pixels));
        for (size_t i = 0; i < PIXELS; i++) pixels[i] += sigma[i] * n[i];
        for (size_t i = 0; i < PIXELS; i += 29) pixels[i] = NAN;
        sf_free(n);
        sf_observation_release(&observation);
        assert_ok(sf_observation_create(&frame, pixels, sigma, 0.0, NULL, psf, NULL, &observation));
        assert_ok(sf_diagnose(observation, truth, &d));
        add(&chi, d.chi_squared_z);
        add(&white, d.whiteness_z);
        add(&flux, (d.flux_model - d.flux_frame) / d.flux_error);
        assert_true(fabs(d.correlation_z) < 5.5);
        assert_close(d.flux_ratio, d.flux_model / d.flux_frame, 0.0);
        assert_int_equal(d.observed, PIXELS - (PIXELS + 28) / 29);
    }
    assert_close(mean(&chi), 0.0, 4.0 / sqrt(TIMES));
    assert_close(deviation(&chi), 1.0, 4.0 / sqrt(2.0 * TIMES));
    assert_close(mean(&white), 0.0, 4.0 / sqrt(TIMES));
    assert_close(deviation(&white), 1.0, 6.0 / sqrt(2.0 * TIMES)); /* chi^2 of 60: a longer tail */
    assert_close(mean(&flux), 0.0, 4.0 / sqrt(TIMES));
    assert_close(deviation(&flux), 1.0, 4.0 / sqrt(2.0 * TIMES));
    sf_free(truth);
    sf_free(pixels);
    sf_free(sigma);
    sf_observation_release(&observation);
    sf_psf_release(&psf);
}

/* A residual with structure is found, and where. */
static void test_structure_is_found(void **state)
{
    double *pixels = new_array(PIXELS), *n = new_array(PIXELS), *scene = new_array(PIXELS);
    sf_observation *observation;
    sf_diagnostics d;
    sf_grid frame;

    (void)state;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &frame));
    sf_random_normal(sf_random_make(4, 0), 0, 0, PIXELS, n);
    for (size_t y = 0; y < ROWS; y++) /* each pixel shares with the one 2 down and 1 left */
        for (size_t x = 0; x < COLUMNS; x++)
            pixels[y * COLUMNS + x] =
                n[y * COLUMNS + x] +
                0.4 * n[(y + 2) % ROWS * COLUMNS + (x + COLUMNS - 1) % COLUMNS];
    assert_ok(sf_observation_create(&frame, pixels, NULL, 1.0, NULL, NULL, NULL, &observation));
    assert_ok(sf_diagnose(observation, scene, &d));
    assert_true(d.whiteness_z > 5.0);
    assert_int_equal(d.lag[0], 2);
    assert_int_equal(d.lag[1], -1);
    assert_close(d.correlation, 0.4 / 1.16, 4.0 / sqrt(PIXELS));
    assert_close(d.chi_squared, 1.16, 4.0 * 1.16 * sqrt(2.0 / PIXELS) * 1.2);
    sf_observation_release(&observation);
    sf_free(pixels);
    sf_free(n);
    sf_free(scene);
}

/* A formula in two dimensions that anyone can write down, and what scikit-image 0.26 says of it
 * (structural_similarity, gaussian_weights, use_sample_covariance=False; peak_signal_noise_ratio).
 */
static void test_comparison(void **state)
{
    enum { ny = 20, nx = 31, n = ny * nx };
    double truth[n], image[n];
    sf_comparison c;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(ny, nx, &grid));
    for (size_t i = 0; i < n; i++) {
        const double y = (double)(i / nx), x = (double)(i % nx);
        truth[i] = 5.0 + 3.0 * sin(0.3 * y) * cos(0.5 * x) + 0.1 * x;
        image[i] = 1.02 * truth[i] + 0.4 * sin(2.1 * x + 1.3 * y);
    }
    assert_ok(sf_compare(&grid, image, truth, 10.0, &c));
    assert_close(c.ssim, 0.9649853293967521, 1e-9);
    assert_close(c.psnr, 30.08628763659839, 1e-9);
    assert_close(c.relative_error, 0.046474762568170194, 1e-12);
    assert_ok(sf_compare(&grid, truth, truth, 0.0, &c));
    assert_close(c.ssim, 1.0, 1e-12);
    assert_true(isinf(c.psnr));
    assert_close(c.relative_error, 0.0, 0.0);
    assert_close(c.peak, 8.474390169875882, 1e-12);
    image[0] = truth[5] = NAN;
    assert_ok(sf_compare(&grid, image, truth, 10.0, &c));
    assert_true(c.ssim > 0.8 && c.psnr > 25.0);
    assert_status(SF_ERR_ARGUMENT, sf_compare(&grid, image, truth, -1.0, &c));
    for (size_t i = 0; i < n; i++) image[i] = NAN;
    assert_status(SF_ERR_ARGUMENT, sf_compare(&grid, image, truth, 1.0, &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_white_residuals_are_calibrated),
        cmocka_unit_test(test_structure_is_found),
        cmocka_unit_test(test_comparison),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
