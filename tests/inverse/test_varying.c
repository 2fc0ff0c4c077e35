/* test_varying.c - observations whose PSF varies over the frame, against the matrix whose columns
 * are the PSFs at the cells. */
#include "dense.h"

#include "inverse/conditional.h"

enum { ROWS = 9, COLUMNS = 10, PIXELS = ROWS * COLUMNS, KNOTS = 6 };

static double scene_origin[2];

/* PSFs of 3 x 3 and 5 x 3 cells at two rows and three columns of pixels. */
static sf_psf_field *make_field(void)
{
    static const double row[KNOTS] = {1, 1, 1, 7, 7, 7}, column[KNOTS] = {0, 3, 9, 0, 3, 9};
    const sf_psf_options options = {.centre = SF_PSF_DECLARED, .pedestal = 0.0};
    sf_psf *psf[KNOTS];
    sf_psf_field *field;

    for (int i = 0; i < KNOTS; i++) {
        double pixels[15];
        sf_grid grid;

        assert_ok(sf_grid_image(i % 2 == 0 ? 3 : 5, 3, &grid));
        for (size_t p = 0; p < sf_grid_size(&grid); p++)
            pixels[p] = 1.0 + (double)((p * (size_t)(i + 3)) % 7);
        assert_ok(sf_psf_from_pixels(&grid, pixels, &options, &psf[i]));
    }
    assert_ok(sf_psf_field_create(KNOTS, psf, row, column, &field));
    for (int i = 0; i < KNOTS; i++) sf_psf_release(&psf[i]);
    return field;
}

static sf_observation *observe(const double *pixels, size_t upsample)
{
    sf_observation_options options = sf_observation_options_default();
    sf_psf_field *field = make_field();
    sf_observation *observation;
    double sigma[PIXELS], mask[PIXELS];
    sf_grid frame;

    for (size_t p = 0; p < PIXELS; p++) {
        sigma[p] = 0.1 + 0.02 * (double)(p % 5);
        mask[p] = p % 8 == 3 ? 1.0 : 0.0;
    }
    options.psf_field = field;
    options.upsample = upsample;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &frame));
    assert_ok(
        sf_observation_create(&frame, pixels, sigma, 0.0, mask, NULL, &options, &observation));
    sf_psf_field_release(&field);
    return observation;
}

static void find_origin(const sf_observation *o)
{
    const sf_grid *scene = sf_observation_scene(o);
    double *index = new_array(sf_grid_size(scene));
    double *where = new_array(sf_grid_size(sf_observation_fine(o)));

    for (size_t i = 0; i < sf_grid_size(scene); i++) index[i] = (double)i;
    assert_ok(sf_observation_crop(o, index, where));
    scene_origin[0] = floor(where[0] / (double)scene->shape[1]);
    scene_origin[1] = fmod(where[0], (double)scene->shape[1]);
    sf_free(index);
    sf_free(where);
}

/* Light of a cell, by the PSF at its place, into pixels of upsample x upsample cells. */
static void write_matrix(const sf_observation *o, size_t upsample, double *h)
{
    const sf_grid *scene = sf_observation_scene(o);
    const size_t cells = sf_grid_size(scene);
    sf_psf_field *field = make_field();
    const double k = (double)upsample;

    find_origin(o);
    for (size_t s = 0; s < cells; s++) {
        const double y = (double)(s / scene->shape[1]) - scene_origin[0];
        const double x = (double)(s % scene->shape[1]) - scene_origin[1];
        sf_psf *psf;

        assert_ok(sf_psf_field_at(field, (y + 0.5) / k - 0.5, (x + 0.5) / k - 0.5, &psf));
        const size_t *shape = sf_psf_grid(psf)->shape;
        for (size_t p = 0; p < shape[0] * shape[1]; p++) {
            const double row = y + (double)(p / shape[1]) - (double)(shape[0] / 2);
            const double column = x + (double)(p % shape[1]) - (double)(shape[1] / 2);

            if (row < 0.0 || column < 0.0 || row >= k * ROWS || column >= k * COLUMNS) continue;
            h[((size_t)(row / k) * COLUMNS + (size_t)(column / k)) * cells + s] +=
                sf_psf_pixels(psf)[p];
        }
        sf_psf_release(&psf);
    }
    sf_psf_field_release(&field);
}

static void test_model(void **state)
{
    double pixels[PIXELS] = {0.0}, seen[PIXELS];

    (void)state;
    for (size_t upsample = 1; upsample <= 2; upsample++) {
        sf_observation *o = observe(pixels, upsample);
        const size_t cells = sf_grid_size(sf_observation_scene(o));
        double *h = new_array(PIXELS * cells), *scene = new_array(cells), *expected;
        double *field = new_array(cells), *pulled = new_array(cells), ahead = 0.0, back = 0.0;

        expected = new_array(PIXELS);
        write_matrix(o, upsample, h);
        add_noise(4, cells, 1.0, scene);
        dense_product(PIXELS, cells, 1, h, scene, false, expected);
        assert_ok(sf_observation_predict(o, scene, seen));
        for (size_t p = 0; p < PIXELS; p++) assert_close(seen[p], expected[p], 1e-13);

        /* <H x, y> = <x, H^T y> */
        double *blurred = new_array(cells);
        add_noise(5, cells, 1.0, field);
        assert_ok(sf_observation_blur(o, scene, blurred));
        assert_ok(sf_observation_blur_adjoint(o, field, pulled));
        for (size_t i = 0; i < cells; i++) ahead += blurred[i] * field[i];
        for (size_t i = 0; i < cells; i++) back += scene[i] * pulled[i];
        assert_close(ahead, back, 1e-11);
        sf_free(blurred);
        sf_free(h);
        sf_free(scene);
        sf_free(expected);
        sf_free(field);
        sf_free(pulled);
        sf_observation_release(&o);
    }
}

/* The posterior of a Gaussian field: linear solution, and what is expected behind a noisy scene. */
static void test_solutions(void **state)
{
    double pixels[PIXELS] = {0.0};
    dense d = {.name = "varying", .mean = 0.0};
    sf_wiener_options wiener = sf_wiener_options_default();
    sf_posterior_options options = sf_posterior_options_default();
    sf_prior *posterior;

    (void)state;
    for (size_t p = 0; p < PIXELS; p++) pixels[p] = sin(0.3 * (double)p) + 0.1 * (double)(p % 3);
    d.observation = observe(pixels, 1);
    d.cells = sf_grid_size(sf_observation_scene(d.observation));
    assert_ok(sf_spectrum_callback(dense_power, NULL, &d.spectrum));
    d.prior = new_array(d.cells * d.cells);
    dense_prior(&d, sf_observation_scene(d.observation));
    d.h = new_array(PIXELS * d.cells);
    write_matrix(d.observation, 1, d.h);
    d.noise2 = new_array(PIXELS);
    d.y = new_array(PIXELS);
    d.truth = new_array(d.cells);
    for (size_t p = 0; p < PIXELS; p++) {
        const double sigma = 0.1 + 0.02 * (double)(p % 5);
        if (p % 8 == 3) continue;
        memmove(d.h + d.pixels * d.cells, d.h + p * d.cells, d.cells * sizeof *d.h);
        d.noise2[d.pixels] = sigma * sigma;
        d.y[d.pixels++] = pixels[p];
    }
    assert_ok(sf_prior_gaussian(sf_observation_scene(d.observation), d.spectrum, 0.0, &d.field));

    double *expected = new_array(d.cells), *scene = new_array(d.cells), *x = new_array(d.cells);
    double *mean = new_array(d.cells), *c = new_array(d.cells * d.cells);
    dense_update(&d, expected, d.prior, 0.0, d.prior, 1.0, scene);
    memcpy(expected, scene, d.cells * sizeof *scene);
    wiener.spectrum = d.spectrum;
    wiener.tolerance = 1e-12;
    assert_ok(sf_wiener(d.observation, &wiener, scene, NULL));
    assert_true(relative_distance(scene, expected, d.cells) < 1e-9);

    add_noise(7, d.cells, 1.0, x);
    dense_given_noisy(&d, x, 0.5, mean, c);
    memcpy(expected, mean, d.cells * sizeof *mean);
    dense_update(&d, mean, c, 0.0, c, 1.0, expected);
    for (int i = 0; i < 2; i++) {
        options.likelihood = i == 0 ? SF_LIKELIHOOD_EXACT : SF_LIKELIHOOD_MOMENT_MATCHING;
        options.tolerance = 1e-11;
        options.iterations = 1000;
        assert_ok(sf_posterior(d.field, d.observation, &options, &posterior));
        assert_ok(sf_prior_denoise(posterior, 1, x, 0.5, scene));
        assert_true(relative_distance(scene, expected, d.cells) < 1e-8);
        sf_prior_release(&posterior);
    }
    assert_status(SF_ERR_UNSUPPORTED, sf_split_gibbs(d.observation, d.field, NULL, 1, scene, NULL));
    assert_non_null(strstr(sf_last_error(), "the same over the frame"));
    sf_free(expected);
    sf_free(scene);
    sf_free(x);
    sf_free(mean);
    sf_free(c);
    dense_free(&d);
}

/* A field of one PSF is that PSF: at a resolution, too, and in finer cells, with shifts, joined. */
static void test_equal_psfs(void **state)
{
    enum { SIDE = 48 };
    static const double row[4] = {0, 0, 40, 40}, column[4] = {2, 43, 2, 43};
    const double shifts[4] = {0.0, 0.0, 0.3, -1.6};
    double pixels[SIDE * SIDE], seen[2][SIDE * SIDE], *scene;
    sf_observation *one[2], *joint[2];
    sf_psf *psf, *same[4];
    sf_psf_field *field;
    sf_grid frame;

    (void)state;
    blobs(SIDE, SIDE, 3.0, pixels);
    assert_ok(sf_grid_image(SIDE, SIDE, &frame));
    assert_ok(sf_psf_gaussian(2.5, &psf));
    for (int i = 0; i < 4; i++) same[i] = psf;
    assert_ok(sf_psf_field_create(4, same, row, column, &field));
    for (size_t k = 1; k <= 2; k++)
        for (int varies = 0; varies < 2; varies++) {
            sf_observation_options options = sf_observation_options_default();

            options.resolution = 0.45;
            options.upsample = k;
            options.psf_field = varies ? field : NULL;
            for (int e = 0; e < 2; e++)
                assert_ok(sf_observation_create(&frame, pixels, NULL, 1.0, NULL,
                                                varies ? NULL : psf, &options, &one[e]));
            assert_ok(sf_observation_join(2, one, shifts, &joint[varies]));
            sf_observation_release(&one[0]);
            sf_observation_release(&one[1]);
            if (varies == 0) continue;
            scene = new_array(sf_grid_size(sf_observation_scene(joint[0])));
            add_noise(3, sf_grid_size(sf_observation_scene(joint[0])), 1.0, scene);
            for (size_t e = 0; e < 2; e++) {
                for (int i = 0; i < 2; i++)
                    assert_ok(sf_observation_predict(sf_observation_exposure(joint[i], e), scene,
                                                     seen[i]));
                assert_true(relative_distance(seen[0], seen[1], SIDE * SIDE) < 1e-13);
            }
            sf_free(scene);
            sf_observation_release(&joint[0]);
            sf_observation_release(&joint[1]);
        }
    sf_psf_field_release(&field);
    sf_psf_release(&psf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_solutions),
        cmocka_unit_test(test_equal_psfs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
