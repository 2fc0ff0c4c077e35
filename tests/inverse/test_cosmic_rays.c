/* test_cosmic_rays.c - rays put into a field of stars: how many are found, and what else. */
#include "simulate.h"

#include <gsl/gsl_randist.h>

#define SIDE   200
#define PIXELS ((size_t)SIDE * SIDE)

typedef struct field {
    sf_grid grid;
    sf_psf *psf;
    double pixels[PIXELS], hit[PIXELS], found[PIXELS];
    size_t count;
} field;

/* A star anywhere between pixels: the profile at their centres. */
static void add_star(double fwhm, double y, double x, double flux, double *pixels)
{
    const double width = fwhm / 2.3548;

    for (long v = (long)y - 20; v <= (long)y + 20; v++)
        for (long u = (long)x - 20; u <= (long)x + 20; u++) {
            const double r2 = ((double)v - y) * ((double)v - y) + ((double)u - x) * ((double)u - x);

            if (v < 0 || v >= SIDE || u < 0 || u >= SIDE) continue;
            pixels[v * SIDE + u] +=
                flux * exp(-0.5 * r2 / (width * width)) / (6.283185307 * width * width);
        }
}

/* 150 stars of peaks up to 30,000 counts on a sky of 200, gain 1, read noise 5; then rays: straight
 * tracks of 1 to 8 pixels with 100 to 5000 counts each. */
static void expose(field *f, double fwhm, size_t tracks, unsigned long seed)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);

    assert_non_null(rng);
    gsl_rng_set(rng, seed);
    assert_ok(sf_grid_image(SIDE, SIDE, &f->grid));
    assert_ok(sf_psf_gaussian(fwhm, &f->psf));
    for (size_t i = 0; i < PIXELS; i++) f->pixels[i] = 200.0;
    memset(f->hit, 0, sizeof f->hit);
    for (int s = 0; s < 150; s++) {
        const double y = SIDE * gsl_rng_uniform(rng), x = SIDE * gsl_rng_uniform(rng);

        add_star(fwhm, y, x, 100.0 * fwhm * fwhm * pow(300.0, gsl_rng_uniform(rng)), f->pixels);
    }
    for (size_t i = 0; i < PIXELS; i++)
        f->pixels[i] = gsl_ran_poisson(rng, f->pixels[i]) + gsl_ran_gaussian(rng, 5.0);
    for (size_t t = 0; t < tracks; t++) {
        const double angle = 6.283185307 * gsl_rng_uniform(rng);
        const double y = SIDE * gsl_rng_uniform(rng), x = SIDE * gsl_rng_uniform(rng);
        const double counts = 100.0 * pow(50.0, gsl_rng_uniform(rng));
        const size_t length = 1 + gsl_rng_uniform_int(rng, 8);

        for (size_t l = 0; l < length; l++) {
            const long v = (long)(y + (double)l * sin(angle)),
                       u = (long)(x + (double)l * cos(angle));

            if (v < 0 || v >= SIDE || u < 0 || u >= SIDE || f->hit[v * SIDE + u] > 0.0) continue;
            f->pixels[v * SIDE + u] += counts;
            f->hit[v * SIDE + u] = counts;
        }
    }
    gsl_rng_free(rng);
}

static void find(field *f)
{
    sf_cosmic_ray_options options = sf_cosmic_ray_options_default();

    options.gain = 1.0;
    options.read = 5.0;
    assert_ok(sf_find_cosmic_rays(&f->grid, f->pixels, NULL, 0.0, NULL, f->psf, &options, f->found,
                                  &f->count));
}

/* Or hit itself. */
static bool beside_ray(const field *f, size_t i)
{
    const size_t y = i / SIDE, x = i % SIDE;

    for (size_t v = y > 0 ? y - 1 : 0; v <= y + 1 && v < SIDE; v++)
        for (size_t u = x > 0 ? x - 1 : 0; u <= x + 1 && u < SIDE; u++)
            if (f->hit[v * SIDE + u] > 0.0) return true;
    return false;
}

/* Of the rays' pixels that stand out by 8 deviations of the sky, the part that is found; and pixels
 * that are taken for rays without one beside them, of 40,000, with and without rays in the frame.
 */
static void test_rays_among_stars(void **state)
{
    static const struct {
        double fwhm, found;
        size_t wrong, without;
    } bounds[] = {
        {1.5, 0.97, 60, 50}, {2.0, 0.97, 30, 15}, {2.5, 0.92, 30, 10}, {4.0, 0.83, 10, 5}};
    static field f;

    (void)state;
    for (size_t w = 0; w < sizeof bounds / sizeof *bounds; w++) {
        size_t rays = 0, found = 0, wrong = 0;

        expose(&f, bounds[w].fwhm, 0, 3);
        find(&f);
        assert_in_range(f.count, 0, bounds[w].without);
        sf_psf_release(&f.psf);
        expose(&f, bounds[w].fwhm, 60, 3);
        find(&f);
        for (size_t i = 0; i < PIXELS; i++) {
            rays += f.hit[i] > 120.0 ? 1 : 0;
            found += f.hit[i] > 120.0 && f.found[i] > 0.0 ? 1 : 0;
            wrong += f.found[i] > 0.0 && !beside_ray(&f, i) ? 1 : 0;
        }
        print_message("FWHM %g: %zu of %zu, %zu wrong\n", bounds[w].fwhm, found, rays, wrong);
        assert_true((double)found >= bounds[w].found * (double)rays);
        assert_in_range(wrong, 0, bounds[w].wrong);
        sf_psf_release(&f.psf);
    }
}

/* Bad pixels are neither rays nor do they hide those beside them; a sigma map may stand in for
 * counts; the number of threads changes nothing. */
static void test_masks_maps_and_threads(void **state)
{
    static field f;
    static double mask[PIXELS], sigma[PIXELS], again[PIXELS];
    const int threads = sf_thread_count();
    size_t count;

    (void)state;
    expose(&f, 2.5, 0, 4);
    for (size_t i = 0; i < PIXELS; i++) sigma[i] = sqrt(225.0);
    memset(f.pixels, 0, sizeof f.pixels);
    add_noise(3, PIXELS, 15.0, f.pixels);
    for (size_t i = 50 * SIDE + 50; i < 50 * SIDE + 60; i++) {
        f.pixels[i] = i % 2 == 0 ? 1e6 : NAN;
        mask[i] = i % 2 == 0 ? 1.0 : 0.0;
    }
    f.pixels[51 * SIDE + 55] = 500.0;
    assert_ok(
        sf_find_cosmic_rays(&f.grid, f.pixels, sigma, 0.0, mask, f.psf, NULL, f.found, &count));
    assert_true(f.found[51 * SIDE + 55] == 1.0);
    for (size_t i = 50 * SIDE + 50; i < 50 * SIDE + 60; i++) assert_true(f.found[i] == 0.0);
    assert_in_range(count, 1, 8);
    assert_ok(sf_thread_count_set(3));
    assert_ok(sf_find_cosmic_rays(&f.grid, f.pixels, NULL, 15.0, mask, f.psf, NULL, again, &count));
    assert_ok(sf_thread_count_set(threads));
    assert_memory_equal(again, f.found, sizeof again);
    sf_psf_release(&f.psf);
}

static void test_errors(void **state)
{
    static field f;
    sf_cosmic_ray_options options = sf_cosmic_ray_options_default();

    (void)state;
    expose(&f, 2.0, 0, 1);
    assert_status(SF_ERR_ARGUMENT, sf_find_cosmic_rays(&f.grid, f.pixels, NULL, 0.0, NULL, f.psf,
                                                       NULL, f.found, &f.count));
    options.growth = 2.0;
    assert_status(SF_ERR_ARGUMENT, sf_find_cosmic_rays(&f.grid, f.pixels, NULL, 1.0, NULL, f.psf,
                                                       &options, f.found, &f.count));
    sf_psf_release(&f.psf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rays_among_stars),
        cmocka_unit_test(test_masks_maps_and_threads),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
