/* test_psf.c - analytic point spread functions against independent quadrature, measured ones by
 * what was put into them, descriptions, errors. */
#include <scorefield/operator.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_bessel.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) assert_int_equal((call), SF_OK)

static double pixel(const sf_psf *psf, long y, long x)
{
    const sf_grid *grid = sf_psf_grid(psf);
    const long rows = (long)grid->shape[0], columns = (long)grid->shape[1];

    if (labs(y) > rows / 2 || labs(x) > columns / 2) return 0.0;
    return sf_psf_pixels(psf)[(y + rows / 2) * columns + x + columns / 2];
}

static double sum_of(const sf_psf *psf)
{
    double sum = 0.0;

    for (size_t i = 0; i < sf_grid_size(sf_psf_grid(psf)); i++) sum += sf_psf_pixels(psf)[i];
    return sum;
}

/* Odd box, sum 1, mirror symmetric about its middle, brightest there. */
static void assert_regular(const sf_psf *psf)
{
    const sf_grid *grid = sf_psf_grid(psf);
    const long half = (long)grid->shape[0] / 2;
    double offset[2];

    assert_int_equal(grid->axes, 2);
    assert_int_equal(grid->shape[0] % 2, 1);
    assert_int_equal(grid->shape[0], grid->shape[1]);
    assert_true(fabs(sum_of(psf) - 1.0) < 1e-13);
    for (long y = 0; y <= half; y++)
        for (long x = 0; x <= half; x++) {
            assert_true(pixel(psf, y, x) == pixel(psf, -y, x));
            assert_true(pixel(psf, y, x) == pixel(psf, x, -y));
            assert_true(pixel(psf, y, x) <= pixel(psf, 0, 0));
        }
    sf_psf_offset(psf, offset);
    assert_true(fabs(offset[0]) < 1e-13 && fabs(offset[1]) < 1e-13);
}

/* ---- analytic -------------------------------------------------------------------------- */

/* Integral of a round profile over a pixel by adaptive quadrature, one axis inside the other. */
typedef struct integrand {
    double (*value)(double r, const void *parameters);
    const void *parameters;
    double y, x;
    gsl_integration_workspace *inner;
} integrand;

static double along_x(double x, void *data)
{
    const integrand *i = data;

    return i->value(hypot(i->y, x), i->parameters);
}

static double along_y(double y, void *data)
{
    integrand i = *(integrand *)data;
    gsl_function f = {along_x, &i};
    double result, error;

    i.y = y;
    gsl_integration_qag(&f, i.x - 0.5, i.x + 0.5, 1e-14, 1e-12, 200, GSL_INTEG_GAUSS21, i.inner,
                        &result, &error);
    return result;
}

static double integrate_pixel(double (*value)(double, const void *), const void *parameters,
                              double y, double x)
{
    integrand i = {value, parameters, 0.0, x, gsl_integration_workspace_alloc(200)};
    gsl_integration_workspace *outer = gsl_integration_workspace_alloc(200);
    gsl_function f = {along_y, &i};
    double result, error;

    gsl_integration_qag(&f, y - 0.5, y + 0.5, 1e-13, 1e-11, 200, GSL_INTEG_GAUSS21, outer, &result,
                        &error);
    gsl_integration_workspace_free(outer);
    gsl_integration_workspace_free(i.inner);
    return result;
}

/* Ratios to the central pixel, since a cut PSF is renormalised. */
static void assert_integrates(const sf_psf *psf, double (*value)(double, const void *),
                              const void *parameters)
{
    static const int at[][2] = {{0, 1}, {1, 1}, {0, 2}, {1, 2}, {3, 0}, {2, 3}, {5, 4}, {9, 1}};
    const double centre = integrate_pixel(value, parameters, 0, 0);

    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        const double expected = integrate_pixel(value, parameters, at[i][0], at[i][1]) / centre;
        if ((size_t)at[i][0] > sf_psf_grid(psf)->shape[0] / 2) continue;
        assert_true(fabs(pixel(psf, at[i][0], at[i][1]) / pixel(psf, 0, 0) - expected) < 1e-10);
    }
}

static double gaussian_value(double r, const void *fwhm)
{
    const double t = r / *(const double *)fwhm;

    return exp(-4.0 * log(2.0) * t * t); /* 1/2 at r = fwhm/2 */
}

static double moffat_value(double r, const void *parameters)
{
    const double *p = parameters, t = 2.0 * r / p[0];

    return pow(1.0 + (pow(2.0, 1.0 / p[1]) - 1.0) * t * t, -p[1]); /* 1/2 at r = fwhm/2 */
}

/* Independent of the library's: the amplitude by the integral over the pupil,
 * 2/(1 - e^2) int_e^1 J_0(v q) q dq. */
static double pupil(double q, void *v) { return gsl_sf_bessel_J0(*(double *)v * q) * q; }

static double airy_intensity(double v, double e)
{
    gsl_function f = {pupil, &v};
    double amplitude, error;
    size_t evaluations;

    gsl_integration_qng(&f, e, 1.0, 1e-13, 1e-13, &amplitude, &error, &evaluations);
    amplitude *= 2.0 / (1.0 - e * e);
    return amplitude * amplitude;
}

static double airy_value(double r, const void *parameters)
{
    const double *p = parameters; /* radius in pixels of v = 1, obscuration */

    return airy_intensity(r / p[0], p[1]);
}

static void gaussian_is_exact(void **state)
{
    (void)state;
    const double widths[] = {0.25, 0.7, 1.0, 2.0, 3.3, 12.0, 80.0};

    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        sf_psf *psf;
        OK(sf_psf_gaussian(widths[i], &psf));
        assert_regular(psf);
        if (widths[i] > 0.5) assert_integrates(psf, gaussian_value, &widths[i]);
        /* a Gaussian and a pixel: the variances add */
        if (widths[i] >= 2.0)
            assert_true(fabs(sf_psf_fwhm(psf) / hypot(widths[i], sqrt(8.0 * log(2.0) / 12.0)) -
                             1.0) < 0.003);
        sf_psf_release(&psf);
    }
}

static void moffat_is_integrated(void **state)
{
    (void)state;
    const double parameters[][2] = {{0.5, 4.765}, {1.2, 2.5}, {3.1, 2.8}, {3.0, 1.5}, {4.0, 100.0}};

    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        sf_psf *psf;
        OK(sf_psf_moffat(parameters[i][0], parameters[i][1], &psf));
        assert_regular(psf);
        assert_integrates(psf, moffat_value, parameters[i]);
        assert_true(sf_psf_grid(psf)->shape[0] <= 129);
        sf_psf_release(&psf);
    }
}

static void airy_is_integrated(void **state)
{
    (void)state;
    const double parameters[][2] = {{1.0, 0.0}, {2.2, 0.0}, {2.2, 0.33}, {5.0, 0.6}};

    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        double p[2] = {1.0, parameters[i][1]}, low = 0.0, high = 2.4;
        sf_psf *psf;
        for (int j = 0; j < 60; j++) {
            const double middle = 0.5 * (low + high);
            *(airy_intensity(middle, p[1]) > 0.5 ? &low : &high) = middle;
        }
        if (p[1] == 0.0) assert_true(fabs(low - 1.616339948) < 1e-8); /* Born & Wolf 8.5.2 */
        p[0] = 0.5 * parameters[i][0] / low;
        OK(sf_psf_airy(parameters[i][0], parameters[i][1], &psf));
        assert_regular(psf);
        assert_integrates(psf, airy_value, p);
        sf_psf_release(&psf);
    }
}

/* Wide enough for pixels not to matter, what is measured is what was asked for. */
static void fwhm_is_what_was_asked_for(void **state)
{
    (void)state;
    static const char *const descriptions[] = {"gaussian:20", "moffat:20,2.5", "moffat:20,4.765",
                                               "airy:20", "airy:20,0.33"};

    for (size_t i = 0; i < sizeof descriptions / sizeof *descriptions; i++) {
        sf_psf *psf;
        OK(sf_psf_parse(descriptions[i], &psf));
        assert_true(fabs(sf_psf_fwhm(psf) - 20.0) < 0.05);
        sf_psf_release(&psf);
    }
}

/* All but 1e-4 of the flux is inside of the box, or the box is as large as it may be. */
static void boxes_hold_the_flux(void **state)
{
    (void)state;
    sf_psf *psf;

    OK(sf_psf_gaussian(3.0, &psf));
    const double middle = erf(0.5 / (3.0 / (2.0 * sqrt(2.0 * log(2.0))) * sqrt(2.0)));
    assert_true(pixel(psf, 0, 0) >= middle * middle); /* was renormalised by what it lost */
    assert_true(pixel(psf, 0, 0) <= middle * middle * (1.0 + 1e-4));
    sf_psf_release(&psf);
    OK(sf_psf_moffat(3.0, 1.5, &psf));
    assert_int_equal(sf_psf_grid(psf)->shape[0], 129);
    sf_psf_release(&psf);
    OK(sf_psf_gaussian(80.0, &psf));
    assert_int_equal(sf_psf_grid(psf)->shape[0], 2 * 146 + 1); /* 4.29 sigma = 145.8 */
    sf_psf_release(&psf);
}

static void descriptions_are_parsed(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "gaussian",
        "gaussian:",
        "gaussian:x",
        "gaussian:2,3",
        "gaussian:2x",
        "gaussian:0",
        "gaussian:-1",
        "gaussian:nan",
        "gaussian:inf",
        "moffat:3",
        "moffat:3,1",
        "moffat:3,",
        "moffat:3,2,1",
        "airy:2,1",
        "airy:2,-0.1",
        "box:3",
        "gaussian:1e9",
    };
    sf_psf *psf, *same;

    OK(sf_psf_parse("airy:2.2,0.33", &psf));
    OK(sf_psf_airy(2.2, 0.33, &same));
    assert_memory_equal(sf_psf_pixels(psf), sf_psf_pixels(same),
                        sf_grid_size(sf_psf_grid(psf)) * sizeof(double));
    sf_psf_release(&psf);
    sf_psf_release(&same);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(sf_psf_parse(wrong[i], &psf), SF_ERR_ARGUMENT);
        assert_null(psf);
    }
    assert_int_equal(sf_psf_parse("gaussian:x", &psf), SF_ERR_ARGUMENT);
    assert_string_equal(sf_last_error(),
                        "PSF \"gaussian:x\": give gaussian:FWHM, with FWHM in pixels");
}

/* ---- measured -------------------------------------------------------------------------- */

/* rows x columns pixels of a star of FWHM 3 at (y, x), plus a level, plus noise. */
static double *star(size_t rows, size_t columns, double y, double x, double level, double noise)
{
    double *pixels = malloc(rows * columns * sizeof *pixels);

    assert_non_null(pixels);
    sf_random_normal(sf_random_make(3, 0), 0, 0, rows * columns, pixels);
    for (size_t i = 0; i < rows * columns; i++) {
        const double r = hypot((double)(i / columns) - y, (double)(i % columns) - x);
        const double fwhm = 3.0;
        pixels[i] = level + noise * pixels[i] + 5000.0 * gaussian_value(r, &fwhm);
    }
    return pixels;
}

static sf_psf *measure(size_t rows, size_t columns, double *pixels, const sf_psf_options *options)
{
    sf_grid grid;
    sf_psf *psf;

    OK(sf_grid_image(rows, columns, &grid));
    OK(sf_psf_from_pixels(&grid, pixels, options, &psf));
    free(pixels);
    assert_true(fabs(sum_of(psf) - 1.0) < 1e-12);
    assert_int_equal(sf_psf_grid(psf)->shape[0] % 2, 1);
    assert_int_equal(sf_psf_grid(psf)->shape[1] % 2, 1);
    return psf;
}

/* Odd and even sizes, any place: the middle is the pixel nearest to the star, the offset is what
 * remains, and no pixel is lost. */
static void stars_are_centred(void **state)
{
    (void)state;
    const double places[][2] = {{20, 20}, {15.3, 22.4}, {19.7, 12.55}, {10.0, 11.45}};

    for (size_t rows = 40; rows <= 41; rows++)
        for (size_t columns = 34; columns <= 35; columns++)
            for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
                const double y = places[i][0], x = places[i][1];
                sf_psf *psf = measure(rows, columns, star(rows, columns, y, x, 0, 0), NULL);
                const double t = 3.0, peak = pixel(psf, 0, 0);
                const double dy = y - floor(y + 0.5), dx = x - floor(x + 0.5);
                double offset[2];
                sf_psf_offset(psf, offset);
                assert_true(fabs(offset[0] - dy) < 0.01 && fabs(offset[1] - dx) < 0.01);
                assert_true(
                    fabs(pixel(psf, 2, -1) / peak - gaussian_value(hypot(2 - dy, -1 - dx), &t) /
                                                        gaussian_value(hypot(dy, dx), &t)) < 1e-12);
                assert_true(fabs(sf_psf_fwhm(psf) - 3.0) < 0.02);
                sf_psf_release(&psf);
            }
}

/* A plain centroid would be drawn to the middle of the array by any of these. */
static void level_noise_and_neighbour_do_not_pull(void **state)
{
    (void)state;
    double *pixels = star(51, 51, 14, 33, 20, 30.0);
    sf_psf *psf;
    double offset[2];

    for (size_t i = 0; i < 51 * 51; i++) {
        const double r = hypot((double)(i / 51) - 42.0, (double)(i % 51) - 8.0), fwhm = 3.0;
        pixels[i] += 1000.0 * gaussian_value(r, &fwhm);
    }
    psf = measure(51, 51, pixels, NULL);
    sf_psf_offset(psf, offset);
    assert_true(fabs(offset[0]) < 0.05 && fabs(offset[1]) < 0.05);
    assert_int_equal(sf_psf_grid(psf)->shape[0], 2 * 36 + 1); /* 50 - 14 */
    assert_int_equal(sf_psf_grid(psf)->shape[1], 2 * 33 + 1);
    sf_psf_release(&psf);
}

static void pedestals_are_found_and_wings_are_not(void **state)
{
    (void)state;
    sf_psf_options options = sf_psf_options_default();
    sf_psf *psf = measure(31, 31, star(31, 31, 15, 15, 1000.0, 5.0), NULL), *cut;
    double *box;

    assert_true(fabs(sf_psf_pedestal(psf) - 1000.0) < 2.0);
    assert_true(fabs(sf_psf_fwhm(psf) - 3.0) < 0.05);
    sf_psf_release(&psf);
    options.pedestal = 0.0;
    psf = measure(31, 31, star(31, 31, 15, 15, 1000.0, 5.0), &options);
    assert_true(sf_psf_pedestal(psf) == 0.0);
    assert_true(pixel(psf, 15, 15) > 1e-4);
    sf_psf_release(&psf);
    options.pedestal = 990.0;
    psf = measure(31, 31, star(31, 31, 15, 15, 1000.0, 5.0), &options);
    assert_true(sf_psf_pedestal(psf) == 990.0);
    sf_psf_release(&psf);

    /* noise without a level, and the wings of a Moffat profile in a box of two FWHM */
    psf = measure(31, 31, star(31, 31, 15, 15, 0.0, 5.0), NULL);
    assert_true(sf_psf_pedestal(psf) == 0.0);
    sf_psf_release(&psf);
    OK(sf_psf_moffat(6.0, 2.5, &psf));
    box = malloc(13 * 13 * sizeof *box);
    assert_non_null(box);
    for (long i = 0; i < 169; i++) box[i] = pixel(psf, i / 13 - 6, i % 13 - 6);
    cut = measure(13, 13, box, NULL);
    assert_true(sf_psf_pedestal(cut) == 0.0);
    sf_psf_release(&psf);
    sf_psf_release(&cut);

    /* a uniform kernel is all border */
    box = malloc(15 * 15 * sizeof *box);
    assert_non_null(box);
    for (int i = 0; i < 225; i++) box[i] = 0.25;
    psf = measure(15, 15, box, NULL);
    assert_true(sf_psf_pedestal(psf) == 0.0 && fabs(pixel(psf, 7, 7) - 1.0 / 225.0) < 1e-15);
    sf_psf_release(&psf);
}

static void peak_and_declared_centres(void **state)
{
    (void)state;
    double pixels[20] = {0}; /* 4 x 5 */
    sf_psf_options options = sf_psf_options_default();
    sf_grid grid;
    sf_psf *psf;
    double offset[2];

    OK(sf_grid_image(4, 5, &grid));
    pixels[1 * 5 + 1] = 3.0;
    pixels[1 * 5 + 2] = 1.0;
    pixels[2 * 5 + 2] = -0.5;
    options.centre = SF_PSF_PEAK;
    OK(sf_psf_from_pixels(&grid, pixels, &options, &psf));
    assert_int_equal(sf_psf_grid(psf)->shape[0], 3);
    assert_int_equal(sf_psf_grid(psf)->shape[1], 3);
    assert_true(pixel(psf, 0, 0) == 3.0 / 3.5 && pixel(psf, 0, 1) == 1.0 / 3.5);
    assert_true(pixel(psf, 1, 1) == -0.5 / 3.5); /* negative pixels are kept */
    sf_psf_release(&psf);
    options.centre = SF_PSF_DECLARED; /* cell (2, 2) */
    OK(sf_psf_from_pixels(&grid, pixels, &options, &psf));
    assert_true(pixel(psf, -1, -1) == 3.0 / 3.5 && pixel(psf, -1, 0) == 1.0 / 3.5);
    sf_psf_offset(psf, offset);
    assert_true(fabs(offset[0] + 1.0) < 1e-12 && offset[1] < -0.5);
    sf_psf_release(&psf);
}

static void one_pixel_is_a_psf(void **state)
{
    (void)state;
    const double pixels[9] = {0, 0, 0, 0, 0, 4.0, 0, 0, 0};
    sf_psf *psf, *same;
    sf_grid grid;

    OK(sf_grid_image(3, 3, &grid));
    OK(sf_psf_from_pixels(&grid, pixels, NULL, &psf));
    assert_int_equal(sf_grid_size(sf_psf_grid(psf)), 1);
    assert_true(sf_psf_pixels(psf)[0] == 1.0 && sf_psf_fwhm(psf) == 1.0);
    same = sf_psf_retain(psf);
    sf_psf_release(&psf);
    assert_null(psf);
    assert_true(sf_psf_pixels(same)[0] == 1.0);
    sf_psf_release(&same);
    sf_psf_release(&same);
    sf_psf_release(NULL);
}

static void bad_pixels_are_refused(void **state)
{
    (void)state;
    const double zero[4] = {0}, negative[4] = {-1, -2, 0, -1}, outweighed[4] = {1, -2, 0, 0};
    const double not_finite[4] = {1, 2, NAN, 1};
    const size_t cube_shape[3] = {1, 2, 2}, line_shape = 4;
    sf_psf_options options = sf_psf_options_default();
    sf_grid grid, cube, line;
    sf_psf *psf;

    OK(sf_grid_image(2, 2, &grid));
    OK(sf_grid_make(3, cube_shape, NULL, &cube));
    OK(sf_grid_make(1, &line_shape, NULL, &line));
    assert_int_equal(sf_psf_from_pixels(&grid, zero, NULL, &psf), SF_ERR_ARGUMENT);
    assert_null(psf);
    assert_string_equal(sf_last_error(), "the PSF is zero in all of its 4 pixels");
    assert_int_equal(sf_psf_from_pixels(&grid, negative, NULL, &psf), SF_ERR_ARGUMENT);
    assert_int_equal(sf_psf_from_pixels(&grid, outweighed, NULL, &psf), SF_ERR_ARGUMENT);
    assert_non_null(strstr(sf_last_error(), "sum to -1"));
    assert_int_equal(sf_psf_from_pixels(&grid, not_finite, NULL, &psf), SF_ERR_NUMERIC);
    assert_int_equal(sf_psf_from_pixels(&cube, outweighed, NULL, &psf), SF_ERR_SHAPE);
    assert_int_equal(sf_psf_from_pixels(&line, outweighed, NULL, &psf), SF_ERR_SHAPE);
    options.pedestal = 5.0; /* leaves nothing */
    assert_int_equal(sf_psf_from_pixels(&grid, (double[]){1, 2, 3, 4}, &options, &psf),
                     SF_ERR_ARGUMENT);
    assert_null(psf);
}

/* An Airy pattern is 129 pixels across; on a frame of 40 x 63 its middle 39 x 63 are left, with the
 * same ratios of pixels and the sum 1. */
static void wide_profiles_are_cut_to_the_frame(void **state)
{
    sf_psf *whole, *cut, *same;
    sf_grid frame;
    double sum = 0.0, ratio;

    (void)state;
    assert_int_equal(sf_psf_airy(2.0, 0.0, &whole), SF_OK);
    assert_int_equal(sf_grid_image(40, 63, &frame), SF_OK);
    assert_int_equal(sf_psf_cut(whole, &frame, &cut), SF_OK);
    assert_int_equal(sf_psf_grid(cut)->shape[0], 39);
    assert_int_equal(sf_psf_grid(cut)->shape[1], 63);
    for (size_t i = 0; i < 39 * 63; i++) sum += sf_psf_pixels(cut)[i];
    assert_true(fabs(sum - 1.0) < 1e-12);
    ratio = sf_psf_pixels(cut)[19 * 63 + 31] / sf_psf_pixels(whole)[64 * 129 + 64];
    assert_true(ratio > 1.0);
    for (size_t y = 0; y < 39; y++)
        for (size_t x = 0; x < 63; x++)
            assert_true(fabs(sf_psf_pixels(cut)[y * 63 + x] -
                             ratio * sf_psf_pixels(whole)[(y + 45) * 129 + x + 33]) < 1e-15);
    assert_int_equal(sf_psf_cut(cut, &frame, &same), SF_OK);
    assert_ptr_equal(same, cut);
    sf_psf_release(&same);
    sf_psf_release(&cut);
    sf_psf_release(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaussian_is_exact),
        cmocka_unit_test(moffat_is_integrated),
        cmocka_unit_test(airy_is_integrated),
        cmocka_unit_test(fwhm_is_what_was_asked_for),
        cmocka_unit_test(boxes_hold_the_flux),
        cmocka_unit_test(descriptions_are_parsed),
        cmocka_unit_test(stars_are_centred),
        cmocka_unit_test(level_noise_and_neighbour_do_not_pull),
        cmocka_unit_test(pedestals_are_found_and_wings_are_not),
        cmocka_unit_test(peak_and_declared_centres),
        cmocka_unit_test(one_pixel_is_a_psf),
        cmocka_unit_test(wide_profiles_are_cut_to_the_frame),
        cmocka_unit_test(bad_pixels_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
