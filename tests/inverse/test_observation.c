/* test_observation.c - geometry, weights and errors of observations. */
#include "simulate.h"

#define ROWS    20
#define COLUMNS 26
#define PIXELS  (ROWS * COLUMNS)

static void frame_of_ones(sf_grid *frame, double *pixels)
{
    assert_ok(sf_grid_image(ROWS, COLUMNS, frame));
    for (size_t i = 0; i < PIXELS; i++) pixels[i] = 1.0;
}

/* The scene has room for the PSF on either side, so that light leaving one edge of the frame does
 * not come in at the other. */
static void test_scene_keeps_edges_apart(void **state)
{
    double pixels[PIXELS], *scene, predicted[PIXELS];
    const size_t corners[] = {0, COLUMNS - 1, PIXELS - COLUMNS, PIXELS - 1};
    sf_observation *observation;
    sf_grid frame;
    sf_psf *psf;

    (void)state;
    frame_of_ones(&frame, pixels);
    assert_ok(sf_psf_gaussian(2.0, &psf));
    assert_ok(sf_observation_create(&frame, pixels, NULL, 1.0, NULL, psf, NULL, &observation));
    scene = new_array(sf_grid_size(sf_observation_scene(observation)));
    for (int axis = 0; axis < 2; axis++)
        assert_true(sf_observation_scene(observation)->shape[axis] >=
                    frame.shape[axis] + 2 * (sf_psf_grid(psf)->shape[axis] / 2));
    for (size_t c = 0; c < 4; c++) { /* a source anywhere outside must not be seen twice */
        const sf_grid *grid = sf_observation_scene(observation);
        const size_t x = c % 2 == 0 ? 0 : grid->shape[1] - 1;
        const size_t y = c < 2 ? 0 : grid->shape[0] - 1;
        memset(scene, 0, sf_grid_size(grid) * sizeof *scene);
        scene[y * grid->shape[1] + x] = 1.0;
        assert_ok(sf_observation_predict(observation, scene, predicted));
        for (size_t k = 0; k < 4; k++)
            if (k != c) assert_close(predicted[corners[k]], 0.0, 1e-15);
    }
    sf_free(scene);
    sf_observation_release(&observation);
    sf_psf_release(&psf);
}

/* Crop finds the frame in the scene; predict blurs by the PSF's own pixels. */
static void test_predict_a_point(void **state)
{
    double pixels[PIXELS], *scene, *index, where[PIXELS], predicted[PIXELS];
    const size_t y = 9, x = 12;
    sf_observation *observation;
    sf_grid frame;
    sf_psf *psf;
    size_t cells;

    (void)state;
    frame_of_ones(&frame, pixels);
    assert_ok(sf_psf_moffat(2.0, 4.0, &psf));
    if (sf_psf_grid(psf)->shape[0] > ROWS) {
        sf_psf_release(&psf);
        assert_ok(sf_psf_gaussian(2.0, &psf));
    }
    assert_ok(sf_observation_create(&frame, pixels, NULL, 1.0, NULL, psf, NULL, &observation));
    cells = sf_grid_size(sf_observation_scene(observation));
    scene = new_array(cells);
    index = new_array(cells);
    for (size_t i = 0; i < cells; i++) index[i] = (double)i;
    assert_ok(sf_observation_crop(observation, index, where));
    scene[(size_t)where[y * COLUMNS + x]] = 3.0;
    assert_ok(sf_observation_predict(observation, scene, predicted));
    for (size_t i = 0; i < PIXELS; i++) {
        const sf_grid *k = sf_psf_grid(psf);
        const long row = (long)(i / COLUMNS) - (long)y + (long)k->shape[0] / 2;
        const long column = (long)(i % COLUMNS) - (long)x + (long)k->shape[1] / 2;
        const bool inside =
            row >= 0 && column >= 0 && row < (long)k->shape[0] && column < (long)k->shape[1];
        const double expected =
            inside ? 3.0 * sf_psf_pixels(psf)[row * (long)k->shape[1] + column] : 0.0;
        assert_close(predicted[i], expected, 1e-14);
    }
    sf_free(scene);
    sf_free(index);
    sf_observation_release(&observation);
    sf_psf_release(&psf);
}

static void test_noise_is_the_median_sigma(void **state)
{
    double pixels[PIXELS], sigma[PIXELS], mask[PIXELS] = {0};
    sf_observation *observation, *second;
    sf_grid frame;

    (void)state;
    frame_of_ones(&frame, pixels);
    for (size_t i = 0; i < PIXELS; i++) sigma[i] = 1e-11 * (i % 3 == 0 ? 1.0 : 5.0);
    for (size_t i = 0; i < PIXELS; i++) mask[i] = i % 3 == 1 ? 1.0 : 0.0;
    sigma[0] = -1.0;
    sigma[3] = NAN;
    sigma[6] = 0.0;
    pixels[9] = NAN;
    assert_ok(sf_observation_create(&frame, pixels, sigma, 0.0, NULL, NULL, NULL, &observation));
    assert_close(sf_observation_noise(observation), 5e-11, 1e-25);
    assert_int_equal(sf_observation_observed(observation), PIXELS - 4);
    second = sf_observation_retain(observation);
    sf_observation_release(&observation);
    assert_null(observation);
    sf_observation_release(&second);
    assert_ok(sf_observation_create(&frame, pixels, sigma, 0.0, mask, NULL, NULL, &observation));
    assert_int_equal(sf_observation_observed(observation), PIXELS - PIXELS / 3 - 4);
    sf_observation_release(&observation);
}

#define assert_fails_saying(status, text, call)         \
    do {                                                \
        assert_status(status, call);                    \
        assert_null(observation);                       \
        assert_non_null(strstr(sf_last_error(), text)); \
    } while (0)

/* scene = values in the frame's cells, and nothing beyond them. */
static double *scene_of(const sf_observation *observation, const double *values)
{
    const size_t cells = sf_grid_size(sf_observation_scene(observation));
    double *scene = new_array(cells), *index = new_array(cells), *where = new_array(9 * PIXELS);

    for (size_t i = 0; i < cells; i++) index[i] = (double)i;
    assert_ok(sf_observation_crop(observation, index, where));
    for (size_t i = 0; i < 9 * PIXELS; i++) scene[(size_t)where[i]] = values[i];
    sf_free(index);
    sf_free(where);
    return scene;
}

/* A pixel is the sum over its cells of what a frame of these cells shows; with a margin, too. */
static void test_pixels_of_finer_cells(void **state)
{
    double pixels[PIXELS], coarse[PIXELS], *values = new_array(9 * PIXELS), *scene[2];
    double *seen = new_array(9 * PIXELS);
    sf_observation_options options = sf_observation_options_default();
    sf_observation *observation, *cells;
    sf_grid frame, refined;
    sf_psf *psf;

    (void)state;
    frame_of_ones(&frame, pixels);
    add_noise(1, 9 * PIXELS, 1.0, values);
    assert_ok(sf_grid_image(3 * ROWS, 3 * COLUMNS, &refined));
    assert_ok(sf_psf_gaussian(2.0, &psf));
    options.upsample = 3;
    assert_ok(sf_observation_create(&frame, pixels, NULL, 1.0, NULL, psf, &options, &observation));
    assert_ok(sf_observation_create(&refined, values, NULL, 1.0, NULL, psf, NULL, &cells));
    assert_true(sf_grid_same_shape(sf_observation_fine(observation), &refined));
    assert_close(sf_observation_scene(observation)->spacing[0], 1.0 / 3.0, 1e-15);
    assert_int_equal(sf_observation_observed(observation), PIXELS);
    scene[0] = scene_of(cells, values);
    scene[1] = scene_of(observation, values);
    assert_ok(sf_observation_predict(cells, scene[0], seen));
    assert_ok(sf_observation_predict(observation, scene[1], coarse));
    for (size_t p = 0; p < PIXELS; p++) {
        double sum = 0.0;
        for (size_t c = 0; c < 9; c++)
            sum += seen[(p / COLUMNS * 3 + c / 3) * 3 * COLUMNS + p % COLUMNS * 3 + c % 3];
        assert_close(coarse[p], sum, 1e-13);
    }
    sf_observation_release(&observation);
    sf_observation_release(&cells);
    sf_psf_release(&psf);
    for (size_t i = 0; i < 2; i++) sf_free(scene[i]);
    sf_free(values);
    sf_free(seen);
}

static void test_errors(void **state)
{
    double pixels[PIXELS], nothing[PIXELS], mask[PIXELS];
    sf_observation_options options = sf_observation_options_default();
    sf_observation *observation;
    sf_grid frame, line;
    sf_psf *psf;
    const size_t length = PIXELS;

    (void)state;
    frame_of_ones(&frame, pixels);
    for (size_t i = 0; i < PIXELS; i++) nothing[i] = NAN;
    for (size_t i = 0; i < PIXELS; i++) mask[i] = 1.0;
    assert_ok(sf_psf_gaussian(12.0, &psf));
    assert_ok(sf_grid_make(1, &length, NULL, &line));
    assert_fails_saying(
        SF_ERR_ARGUMENT, "no pixel of the frame is observed: of 520 pixels 0",
        sf_observation_create(&frame, nothing, NULL, 1.0, NULL, NULL, NULL, &observation));
    assert_fails_saying(
        SF_ERR_ARGUMENT, "520 are finite, 520 have a positive and finite sigma, 0",
        sf_observation_create(&frame, pixels, NULL, 1.0, mask, NULL, NULL, &observation));
    assert_fails_saying(
        SF_ERR_ARGUMENT, "520 are finite, 0 have",
        sf_observation_create(&frame, pixels, nothing, 1.0, NULL, NULL, NULL, &observation));
    assert_fails_saying(
        SF_ERR_ARGUMENT, "noise is 0",
        sf_observation_create(&frame, pixels, NULL, 0.0, NULL, NULL, NULL, &observation));
    assert_fails_saying(
        SF_ERR_ARGUMENT, "noise is -3",
        sf_observation_create(&frame, pixels, NULL, -3.0, NULL, NULL, NULL, &observation));
    assert_fails_saying(
        SF_ERR_ARGUMENT, "noise is nan",
        sf_observation_create(&frame, pixels, NULL, NAN, NULL, NULL, NULL, &observation));
    assert_fails_saying(
        SF_ERR_SHAPE, "but the frame is only 20x26",
        sf_observation_create(&frame, pixels, NULL, 1.0, NULL, psf, NULL, &observation));
    assert_fails_saying(
        SF_ERR_SHAPE, "the PSF has 2 axes but the frame has 1",
        sf_observation_create(&line, pixels, NULL, 1.0, NULL, psf, NULL, &observation));
    options.background = INFINITY;
    assert_fails_saying(
        SF_ERR_ARGUMENT, "background is inf",
        sf_observation_create(&frame, pixels, NULL, 1.0, NULL, NULL, &options, &observation));
    assert_fails_saying(
        SF_ERR_ARGUMENT, "needs a frame",
        sf_observation_create(&frame, NULL, NULL, 1.0, NULL, NULL, NULL, &observation));
    sf_psf_release(&psf);
    sf_observation_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scene_keeps_edges_apart),
        cmocka_unit_test(test_predict_a_point),
        cmocka_unit_test(test_noise_is_the_median_sigma),
        cmocka_unit_test(test_pixels_of_finer_cells),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
