/* test_sampling.c - what pixels do to a frame: stars between them, noise that they share. */
#include "simulate.h"

#include <scorefield/network.h>

#define SIDE   64
#define PIXELS (SIDE * SIDE)

static const sf_observation_options periodic = {.periodic = true};

static sf_prior *builtin_on(const sf_grid *grid)
{
    sf_model *model;
    sf_prior *prior;

    assert_ok(sf_model_builtin(&model));
    assert_ok(sf_prior_network(grid, model, &prior));
    sf_model_release(&model);
    return prior;
}

/* For a Gaussian PSF of FWHM 5 and a resolution of 2 what is left is a Gaussian of FWHM sqrt(21)
 * (its peak is 0.042; the bound is what the cut of both PSFs leaves). */
static void test_what_is_left_of_a_gaussian(void **state)
{
    sf_observation_options how = periodic;
    double *scene = new_array(PIXELS), *left = new_array(PIXELS), *wanted = new_array(PIXELS),
           energy = 0.0;
    sf_observation *kept, *narrow;
    sf_psf *psf, *rest;
    sf_grid frame;

    (void)state;
    assert_ok(sf_grid_image(SIDE, SIDE, &frame));
    assert_ok(sf_psf_gaussian(5.0, &psf));
    assert_ok(sf_psf_gaussian(sqrt(21.0), &rest));
    scene[PIXELS / 2 + SIDE / 2] = 1.0;
    how.resolution = 2.0;
    assert_ok(sf_observation_create(&frame, scene, NULL, 1.0, NULL, psf, &how, &kept));
    assert_ok(sf_observation_create(&frame, scene, NULL, 1.0, NULL, rest, &periodic, &narrow));
    assert_ok(sf_observation_predict(kept, scene, left));
    assert_ok(sf_observation_predict(narrow, scene, wanted));
    for (size_t i = 0; i < PIXELS; i++) assert_close(left[i], wanted[i], 2e-6);
    sf_observation_release(&kept);
    how.resolution = 60.0; /* wider than the PSF: of every wave the phase is left */
    assert_ok(sf_observation_create(&frame, scene, NULL, 1.0, NULL, psf, &how, &kept));
    assert_ok(sf_observation_predict(kept, scene, left));
    for (size_t i = 0; i < PIXELS; i++) energy += left[i] * left[i];
    assert_close(energy, 1.0, 1e-9);
    sf_observation_release(&kept);
    how.resolution = -1.0;
    assert_status(SF_ERR_ARGUMENT,
                  sf_observation_create(&frame, scene, NULL, 1.0, NULL, psf, &how, &kept));
    sf_observation_release(&narrow);
    sf_psf_release(&rest);
    sf_psf_release(&psf);
    sf_free(scene);
    sf_free(left);
    sf_free(wanted);
}

/* The deepest hollow around a star half way between two pixels, in parts of its peak. */
static double hollow(const sf_grid *frame, const double *pixels, double resolution)
{
    sf_observation_options how = periodic;
    double *scene = new_array(PIXELS), lowest = 0.0, peak = 0.0;
    sf_observation *observation;
    sf_prior *prior;
    sf_psf *psf;

    assert_ok(sf_psf_gaussian(3.0, &psf));
    how.resolution = resolution;
    assert_ok(sf_observation_create(frame, pixels, NULL, 1.0, NULL, psf, &how, &observation));
    prior = builtin_on(frame);
    assert_ok(sf_pnp(observation, prior, NULL, scene, NULL));
    for (size_t i = 0; i < PIXELS; i++) {
        lowest = fmin(lowest, scene[i]);
        peak = fmax(peak, scene[i]);
    }
    sf_prior_release(&prior);
    sf_observation_release(&observation);
    sf_psf_release(&psf);
    sf_free(scene);
    return -lowest / peak;
}

/* Restored to the pixel it is a sinc function, and one dip of that is a tenth of the peak. */
static void test_star_between_pixels(void **state)
{
    double *pixels = new_array(PIXELS);
    const double sigma = 3.0 / sqrt(8.0 * log(2.0)), centre = SIDE / 2 + 0.5;
    sf_grid frame;

    (void)state;
    assert_ok(sf_grid_image(SIDE, SIDE, &frame));
    for (size_t i = 0; i < PIXELS; i++) {
        const double y = ((double)(i / SIDE) - centre) / sigma;
        const double x = ((double)(i % SIDE) - centre) / sigma;

        pixels[i] = 1000.0 * exp(-0.5 * (x * x + y * y));
    }
    add_noise(3, PIXELS, 1.0, pixels);
    assert_true(hollow(&frame, pixels, 0.0) > 0.1);
    assert_true(hollow(&frame, pixels, 1.6) < 0.005);
    sf_free(pixels);
}

/* noise of variance 1 per pixel, blurred by a Gaussian of this FWHM (0: white) */
static void shared_noise(const sf_grid *frame, double fwhm, uint64_t seed, double *noise)
{
    double variance = 0.0;
    sf_observation *o;
    sf_psf *psf;

    for (size_t i = 0; i < PIXELS; i++) noise[i] = 0.0;
    add_noise(seed, PIXELS, 1.0, noise);
    if (fwhm == 0.0) return;
    assert_ok(sf_psf_gaussian(fwhm, &psf));
    assert_ok(sf_observation_create(frame, noise, NULL, 1.0, NULL, psf, &periodic, &o));
    assert_ok(sf_observation_predict(o, noise, noise));
    for (size_t i = 0; i < sf_grid_size(sf_psf_grid(psf)); i++)
        variance += sf_psf_pixels(psf)[i] * sf_psf_pixels(psf)[i];
    for (size_t i = 0; i < PIXELS; i++) noise[i] /= sqrt(variance);
    sf_observation_release(&o);
    sf_psf_release(&psf);
}

static double energy_of_gaussian(double fwhm)
{
    const double sigma = fwhm / sqrt(8.0 * log(2.0));

    return 1.0 / (4.0 * 3.14159265358979323846 * sigma * sigma);
}

/* The excess of noise smoothed by g, seen through h, is |g * h| / (|g| |h|); with Gaussians the
 * norms are known (up to the pixels' own width: 3 %). A PSF of FWHM 3 leaves about 600 independent
 * places of 9216: a standard deviation of 1.17/sqrt(2 600) = 3.4 %; the bound is 4 of them and the
 * 3 %. */
static void test_excess(void **state)
{
    static const double widths[] = {0.0, 2.0, 4.0};
    double *noise = new_array(PIXELS), *scene = new_array(PIXELS), excess, error;
    sf_observation *o;
    sf_psf *psf;
    sf_grid frame;

    (void)state;
    assert_ok(sf_grid_image(SIDE, SIDE, &frame));
    assert_ok(sf_psf_gaussian(3.0, &psf));
    for (size_t w = 0; w < 3; w++) {
        const double f = widths[w];
        const double wanted = f == 0.0 ? 1.0
                                       : sqrt(energy_of_gaussian(hypot(f, 3.0)) /
                                              (energy_of_gaussian(3.0) * energy_of_gaussian(f)));

        shared_noise(&frame, f, 20 + w, noise);
        assert_ok(sf_observation_create(&frame, noise, NULL, 1.0, NULL, psf, &periodic, &o));
        assert_ok(sf_noise_excess(o, scene, &excess, &error));
        assert_close(excess / wanted, 1.0, 0.03 + 4.0 * error / excess);
        if (f == 0.0) assert_close(error, 0.039, 0.004);
        sf_observation_release(&o);
    }
    sf_psf_release(&psf);
    sf_free(noise);
    sf_free(scene);
}

/* Mean squared error of blobs from a frame with such noise. */
static double restored(const sf_grid *frame, double fwhm, bool find, sf_solver_report *report)
{
    double *truth = new_array(PIXELS), *pixels = new_array(PIXELS), *noise = new_array(PIXELS);
    double *scene = new_array(PIXELS), error;
    sf_pnp_options options = sf_pnp_options_default();
    sf_observation *o;
    sf_prior *prior;
    sf_psf *psf;

    assert_ok(sf_psf_gaussian(3.0, &psf));
    blobs(SIDE, SIDE, 30.0, truth);
    assert_ok(sf_observation_create(frame, truth, NULL, 1.0, NULL, psf, &periodic, &o));
    assert_ok(sf_observation_predict(o, truth, pixels));
    sf_observation_release(&o);
    shared_noise(frame, fwhm, 31, noise);
    for (size_t i = 0; i < PIXELS; i++) pixels[i] += noise[i];
    assert_ok(sf_observation_create(frame, pixels, NULL, 1.0, NULL, psf, &periodic, &o));
    prior = builtin_on(frame);
    options.find_excess = find;
    assert_ok(sf_pnp(o, prior, &options, scene, report));
    error = relative_distance(scene, truth, PIXELS);
    sf_prior_release(&prior);
    sf_observation_release(&o);
    sf_psf_release(&psf);
    sf_free(truth);
    sf_free(pixels);
    sf_free(noise);
    sf_free(scene);
    return error;
}

static void test_shared_noise_is_no_structure(void **state)
{
    sf_solver_report report;
    double told, found;
    sf_grid frame;

    (void)state;
    assert_ok(sf_grid_image(SIDE, SIDE, &frame));
    (void)restored(&frame, 0.0, true, &report);
    assert_int_equal(report.iterations, 12);
    assert_close(report.noise_excess, 1.0, 0.0);
    told = restored(&frame, 2.0, false, &report);
    found = restored(&frame, 2.0, true, &report);
    assert_true(report.iterations > 12 && report.noise_excess > 1.4);
    assert_true(found < 0.8 * told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_left_of_a_gaussian),
        cmocka_unit_test(test_star_between_pixels),
        cmocka_unit_test(test_excess),
        cmocka_unit_test(test_shared_noise_is_no_structure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
