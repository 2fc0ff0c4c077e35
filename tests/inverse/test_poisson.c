/* test_poisson.c - counts: the data step against dense linear algebra and against the conditions of
 * its optimum, and what reconstructions from counts are. */
#include "simulate.h"

#include "inverse/poisson_step.h"

#include <gsl/gsl_randist.h>
#include <lapacke.h>

#define SIDE   8
#define PIXELS (SIDE * SIDE)

/* A frame of counts behind a PSF that is asymmetric, bad pixels among them. */
typedef struct counted {
    const char *name;
    double peak, background, gain, read; /* peak in pixel values */
    bool masked;
    sf_observation *observation;
    size_t cells;
    double pixels[PIXELS], mask[PIXELS], noise;
    double *h; /* PIXELS x cells */
} counted;

static gsl_rng *new_generator(unsigned long seed)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);

    assert_non_null(rng);
    gsl_rng_set(rng, seed);
    return rng;
}

static sf_psf *lopsided_psf(void)
{
    static const double pixels[15] = {1, 2, 1, 0, 0, 3, 9, 5, 2, 1, 1, 4, 3, 1, 0};
    sf_grid grid;
    sf_psf *psf;

    assert_ok(sf_grid_image(3, 5, &grid));
    assert_ok(sf_psf_from_pixels(&grid, pixels, NULL, &psf));
    return psf;
}

/* H written out, column by column. */
static void write_out(counted *c)
{
    double *scene = new_array(c->cells), column[PIXELS];

    c->h = new_array(PIXELS * c->cells);
    for (size_t j = 0; j < c->cells; j++) {
        scene[j] = 1.0;
        assert_ok(sf_observation_predict(c->observation, scene, column));
        scene[j] = 0.0;
        for (size_t i = 0; i < PIXELS; i++) c->h[i * c->cells + j] = column[i];
    }
    sf_free(scene);
}

static void count(counted *c)
{
    sf_observation_options options = sf_observation_options_default();
    sf_psf *psf = lopsided_psf();
    gsl_rng *rng = new_generator(5);
    sf_grid frame;

    assert_ok(sf_grid_image(SIDE, SIDE, &frame));
    blobs(SIDE, SIDE, c->peak, c->pixels);
    for (size_t i = 0; i < PIXELS; i++) {
        const double mean = c->gain * (c->pixels[i] + c->background);

        c->pixels[i] = gsl_ran_poisson(rng, mean) / c->gain + gsl_ran_gaussian(rng, c->read);
        c->mask[i] = c->masked && i % 11 == 3 ? 1.0 : 0.0;
    }
    options.background = c->background;
    options.gain = c->gain;
    options.read = c->read;
    assert_ok(sf_observation_create(&frame, c->pixels, NULL, 0.0, c->mask, psf, &options,
                                    &c->observation));
    c->cells = sf_grid_size(sf_observation_scene(c->observation));
    c->noise = sf_observation_noise(c->observation);
    write_out(c);
    sf_psf_release(&psf);
    gsl_rng_free(rng);
}

static void forget(counted *c)
{
    sf_observation_release(&c->observation);
    sf_free(c->h);
}

/* gain (m - y log m), and its first two derivatives; with a barrier where y = 0. INFINITY at m <=
 * 0.
 */
static double misfit(const counted *c, size_t i, double m, double barrier, double *slope,
                     double *curvature)
{
    const double y = fmax(c->pixels[i] + c->gain * c->read * c->read, 0.0);
    const double log_weight = c->gain * y > 0.0 ? c->gain * y : barrier;

    *slope = c->gain - log_weight / m;
    *curvature = log_weight / (m * m);
    return m > 0.0 ? c->gain * m - log_weight * log(m) : INFINITY;
}

/* F(x) = sum misfit + R/(2 noise^2) |x - c|^2; gradient and Hessian where they are not NULL. */
static double objective(const counted *c, double ridge, const double *centre, double barrier,
                        const double *x, double *gradient, double *hessian)
{
    const double r = ridge / (c->noise * c->noise);
    const double offset = c->background + c->gain * c->read * c->read;
    double sum = 0.0;

    for (size_t j = 0; j < c->cells; j++) sum += 0.5 * r * (x[j] - centre[j]) * (x[j] - centre[j]);
    for (size_t j = 0; j < c->cells && gradient != NULL; j++) {
        gradient[j] = r * (x[j] - centre[j]);
        for (size_t k = 0; k < c->cells; k++) hessian[j * c->cells + k] = j == k ? r : 0.0;
    }
    for (size_t i = 0; i < PIXELS; i++) {
        const double *h = c->h + i * c->cells;
        double m = offset, slope, curvature;

        if (c->mask[i] != 0.0) continue;
        for (size_t j = 0; j < c->cells; j++) m += h[j] * x[j];
        sum += misfit(c, i, m, barrier, &slope, &curvature);
        for (size_t j = 0; j < c->cells && gradient != NULL; j++) {
            gradient[j] += slope * h[j];
            for (size_t k = 0; k < c->cells; k++)
                hessian[j * c->cells + k] += curvature * h[j] * h[k];
        }
    }
    return sum;
}

/* Newton's method with step halving, on a barrier that falls: an interior point method. */
static void solve_densely(const counted *c, double ridge, const double *centre, double *x)
{
    double *step = new_array(c->cells), *hessian = new_array(c->cells * c->cells);
    double *next = new_array(c->cells);
    const lapack_int n = (lapack_int)c->cells;

    for (size_t j = 0; j < c->cells; j++) x[j] = fmax(c->peak, 1.0 / c->gain);
    for (double barrier = 1.0; barrier > 1e-13; barrier *= 0.1)
        for (int i = 0; i < 60; i++) {
            const double value = objective(c, ridge, centre, barrier, x, step, hessian);
            double decrease = 0.0, t = 2.0, *g = next;

            memcpy(g, step, c->cells * sizeof *g);
            assert_int_equal(LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', n, 1, hessian, n, step, 1), 0);
            for (size_t j = 0; j < c->cells; j++) decrease += g[j] * step[j];
            if (decrease < 1e-24 * c->noise) break;
            do {
                t *= 0.5;
                for (size_t j = 0; j < c->cells; j++) next[j] = x[j] - t * step[j];
            } while (t > 1e-12 && !(objective(c, ridge, centre, barrier, next, NULL, NULL) <=
                                    value + 1e-12 * fabs(value) - 1e-4 * t * decrease));
            memcpy(x, next, c->cells * sizeof *x);
        }
    sf_free(step);
    sf_free(hessian);
    sf_free(next);
}

/* The library's step from scratch, as exactly as it can. */
static void solve(const counted *c, double ridge, const double *centre, double fraction, double *x)
{
    const sf_normal_goal goal = {.noise_fraction = fraction, .iterations = 2000};
    sf_poisson_step *step;
    sf_normal *normal;

    assert_ok(sf_normal_create(c->observation, &normal));
    assert_ok(sf_poisson_step_create(c->observation, normal, &step));
    assert_ok(sf_poisson_step_solve(step, ridge, centre, &goal, x));
    sf_poisson_step_release(&step);
    sf_normal_release(&normal);
}

static const counted cases[] = {
    {.name = "a few counts, no sky", .peak = 3.0, .gain = 1.0},
    {.name = "a few counts, no sky, bad pixels", .peak = 3.0, .gain = 1.0, .masked = true},
    {.name = "a few counts on a sky", .peak = 6.0, .background = 2.0, .gain = 1.0, .masked = true},
    {.name = "other units", .peak = 3e-5, .gain = 1e5, .masked = true},
    {.name = "read noise", .peak = 20.0, .background = 1.0, .gain = 2.0, .read = 1.5},
    {.name = "a million counts", .peak = 1e6, .background = 10.0, .gain = 1.0, .masked = true},
    {.name = "nothing", .peak = 0.0, .gain = 1.0},
};

static void test_step_is_the_dense_optimum(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (double ridge = 0.01; ridge < 20.0; ridge *= 30.0) {
            counted c = cases[k];
            double *centre, *x, *exact, worst = 0.0;

            count(&c);
            centre = new_array(c.cells);
            x = new_array(c.cells);
            exact = new_array(c.cells);
            for (size_t j = 0; j < c.cells; j++) centre[j] = 0.3 * c.peak;
            add_noise(8, c.cells, 2.0 * c.noise, centre);
            solve(&c, ridge, centre, 1e-9, x);
            solve_densely(&c, ridge, centre, exact);
            for (size_t j = 0; j < c.cells; j++) worst = fmax(worst, fabs(x[j] - exact[j]));
            assert_close(worst / c.noise, 0.0, 1e-5);
            sf_free(centre);
            sf_free(x);
            sf_free(exact);
            forget(&c);
        }
}

/* What a frame of blobs is behind a PSF. */
static void expose(const sf_grid *frame, const sf_psf *psf, double peak, double *pixels)
{
    const size_t count = sf_grid_size(frame);
    double *scene, *blank = new_array(count);
    sf_observation *o;

    assert_ok(sf_observation_create(frame, blank, NULL, 1.0, NULL, psf, NULL, &o));
    scene = new_array(sf_grid_size(sf_observation_scene(o)));
    blobs(frame->shape[0], frame->shape[1], peak, blank);
    assert_ok(sf_observation_place(o, blank, scene));
    assert_ok(sf_observation_predict(o, scene, pixels));
    for (size_t i = 0; i < count; i++) pixels[i] = fmax(pixels[i], 0.0); /* rounding */
    sf_observation_release(&o);
    sf_free(scene);
    sf_free(blank);
}

/* Where no pixel ends at m = 0 the optimum is where H^T gain (1 - y/m) = R (c - x)/noise^2; counts
 * from 0 to a million in one frame. */
static void test_step_has_no_slope(void **state)
{
    enum { ROWS = 60, COLUMNS = 70, SIZE = ROWS * COLUMNS };
    static double pixels[SIZE], mask[SIZE], slope[SIZE];
    const double ridge = 0.1, background = 4.0;
    sf_observation_options options = sf_observation_options_default();
    const sf_normal_goal goal = {.noise_fraction = 1e-8, .iterations = 2000};
    gsl_rng *rng = new_generator(6);
    double *centre, *x, *pulled, *back, noise, worst = 0.0, most = 0.0;
    sf_poisson_step *step;
    sf_observation *o;
    sf_normal *normal;
    sf_grid frame;
    sf_psf *psf;
    size_t cells;

    (void)state;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &frame));
    assert_ok(sf_psf_moffat(2.5, 3.0, &psf));
    expose(&frame, psf, 1e6, pixels);
    for (size_t i = 0; i < SIZE; i++) {
        pixels[i] = gsl_ran_poisson(rng, pixels[i] + background);
        mask[i] = gsl_rng_uniform(rng) < 0.03 ? 1.0 : 0.0;
    }
    options.background = background;
    options.gain = 1.0;
    assert_ok(sf_observation_create(&frame, pixels, NULL, 0.0, mask, psf, &options, &o));
    noise = sf_observation_noise(o);
    cells = sf_grid_size(sf_observation_scene(o));
    centre = new_array(cells);
    x = new_array(cells);
    pulled = new_array(cells);
    back = new_array(cells);
    blobs(ROWS, COLUMNS, 0.99e6, slope);
    assert_ok(sf_observation_place(o, slope, centre));
    add_noise(9, cells, noise, centre);
    assert_ok(sf_normal_create(o, &normal));
    assert_ok(sf_poisson_step_create(o, normal, &step));
    assert_ok(sf_poisson_step_solve(step, ridge, centre, &goal, x));
    assert_ok(sf_observation_predict(o, x, slope));
    for (size_t i = 0; i < SIZE; i++) {
        const double m = slope[i] + background;

        assert_true(m > 0.0);
        slope[i] = mask[i] != 0.0 ? 0.0 : 1.0 - pixels[i] / m;
    }
    assert_ok(sf_observation_place(o, slope, pulled));
    assert_ok(sf_observation_blur_adjoint(o, pulled, back));
    for (size_t j = 0; j < cells; j++) {
        const double pull = ridge * (centre[j] - x[j]) / (noise * noise);

        worst = fmax(worst, fabs(back[j] - pull));
        most = fmax(most, fabs(back[j]));
    }
    assert_close(worst / most, 0.0, 1e-6);
    sf_poisson_step_release(&step);
    sf_normal_release(&normal);
    sf_observation_release(&o);
    sf_psf_release(&psf);
    gsl_rng_free(rng);
    sf_free(centre);
    sf_free(x);
    sf_free(pulled);
    sf_free(back);
}

/* ADMM with a Gaussian field's proximal step ends at the mode of the posterior of counts:
 * H^T gain (1 - y/m) + x/lambda = 0, wave by wave. */
static void test_mode_of_the_posterior(void **state)
{
    enum { ROWS = 20, COLUMNS = 24, SIZE = ROWS * COLUMNS };
    const double background = 6.0, gain = 2.0;
    sf_observation_options options = sf_observation_options_default();
    sf_pnp_options how = sf_pnp_options_default();
    static double pixels[SIZE], x[SIZE], slope[SIZE], pulled[SIZE], expected[SIZE];
    gsl_rng *rng = new_generator(31);
    sf_spectrum *spectrum;
    sf_solver_report report;
    sf_complex *modes;
    sf_observation *o;
    sf_prior *prior;
    double *lambda;
    sf_fft *fft;
    sf_grid grid;
    sf_psf *psf;

    (void)state;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &grid));
    assert_ok(sf_psf_gaussian(2.0, &psf));
    assert_ok(sf_spectrum_matern(2, 3.0, 1.0, 3.0, &spectrum));
    assert_ok(sf_prior_gaussian(&grid, spectrum, 0.0, &prior));
    blobs(ROWS, COLUMNS, 10.0, pixels);
    for (size_t i = 0; i < SIZE; i++)
        pixels[i] = gsl_ran_poisson(rng, gain * (pixels[i] + background)) / gain;
    options.background = background;
    options.gain = gain;
    options.periodic = true;
    assert_ok(sf_observation_create(&grid, pixels, NULL, 0.0, NULL, psf, &options, &o));
    how.penalty = 0.3;
    how.multiplier = true;
    how.conserve_flux = false;
    how.tolerance = 1e-10;
    how.iterations = 5000;
    assert_ok(sf_pnp(o, prior, &how, x, &report));
    assert_true(report.stop == SF_STOP_CONVERGED);
    assert_ok(sf_observation_predict(o, x, slope));
    for (size_t i = 0; i < SIZE; i++) slope[i] = gain * (1.0 - pixels[i] / (slope[i] + background));
    assert_ok(sf_observation_blur_adjoint(o, slope, pulled));
    assert_ok(sf_fft_create(&grid, &fft));
    assert_ok(sf_allocate(&modes, sf_grid_half_size(&grid), sizeof *modes));
    assert_ok(sf_allocate(&lambda, sf_grid_half_size(&grid), sizeof *lambda));
    assert_ok(sf_spectrum_eigenvalues(spectrum, &grid, lambda));
    assert_ok(sf_fft_forward(fft, pulled, modes)); /* x = -lambda pulled */
    for (size_t k = 0; k < sf_grid_half_size(&grid); k++) modes[k] *= -lambda[k];
    assert_ok(sf_fft_inverse(fft, modes, expected));
    assert_close(relative_distance(x, expected, SIZE), 0.0, 1e-6);
    sf_free(modes);
    sf_free(lambda);
    sf_fft_release(&fft);
    sf_observation_release(&o);
    sf_prior_release(&prior);
    sf_spectrum_release(&spectrum);
    sf_psf_release(&psf);
    gsl_rng_free(rng);
}

/* Over many frames of what a scene makes expect, the z of chi^2 and of the deviance have mean 0 and
 * variance 1; 4 deviations of either. */
static void test_goodness_of_the_truth(void **state)
{
    enum { FRAMES = 60, ROWS = 30, COLUMNS = 40, SIZE = ROWS * COLUMNS };
    static const double levels[] = {0.01, 0.3, 3.0, 30.0, 300.0};
    static double pixels[SIZE], scene[SIZE], expected[SIZE], sigma[SIZE];
    sf_observation_options options = sf_observation_options_default();
    gsl_rng *rng = new_generator(12);
    sf_grid frame;

    (void)state;
    options.gain = 0.5;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &frame));
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
        double sum[2] = {0.0, 0.0}, squares[2] = {0.0, 0.0};

        blobs(ROWS, COLUMNS, 2.0 * levels[l], scene);
        options.background = levels[l] / options.gain;
        for (size_t f = 0; f < FRAMES; f++) {
            sf_diagnostics d;
            sf_observation *o;
            double z[2], deviance, mean;

            for (size_t i = 0; i < SIZE; i++) {
                expected[i] = scene[i] + options.background;
                pixels[i] = gsl_ran_poisson(rng, options.gain * expected[i]) / options.gain;
            }
            assert_ok(sf_poisson_sigma(&frame, pixels, NULL, 0.0, options.gain, expected, sigma));
            assert_ok(sf_observation_create(&frame, pixels, sigma, 0.0, NULL, NULL, &options, &o));
            assert_ok(sf_diagnose(o, scene, &d));
            z[0] = d.chi_squared_z;
            assert_ok(sf_deviance(o, scene, &deviance, &mean, &z[1]));
            for (int k = 0; k < 2; k++) {
                sum[k] += z[k] / FRAMES;
                squares[k] += z[k] * z[k] / FRAMES;
            }
            sf_observation_release(&o);
        }
        for (int k = 0; k < 2; k++) assert_close(sum[k], 0.0, 4.0 / sqrt(FRAMES));
        for (int k = 0; k < 2; k++) assert_close(squares[k], 1.0, 4.0 * sqrt(2.0 / FRAMES));
    }
    gsl_rng_free(rng);
}

/* The mean of 2 (m - y + y log(y/m)) over all y that there are. */
static double mean_deviance(double m)
{
    const unsigned int last = (unsigned int)(m + 40.0 * sqrt(m) + 100.0);
    double sum = 0.0;

    for (unsigned int k = 0; k <= last; k++)
        sum += gsl_ran_poisson_pdf(k, m) * 2.0 * (m - k + (k > 0 ? k * log(k / m) : 0.0));
    return sum;
}

/* The expected deviance of an even sky: exact for few counts, to 2e-4 by its expansion for many. */
static void test_expected_deviance(void **state)
{
    static const double levels[] = {0.01, 1.0, 20.0, 39.0, 41.0, 60.0, 1000.0};
    static double pixels[PIXELS], scene[PIXELS];
    sf_observation_options options = sf_observation_options_default();
    sf_grid frame;

    (void)state;
    options.gain = 0.5;
    assert_ok(sf_grid_image(SIDE, SIDE, &frame));
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
        double deviance, expected, z;
        sf_observation *o;

        options.background = levels[l] / options.gain;
        for (size_t i = 0; i < PIXELS; i++) pixels[i] = options.background;
        assert_ok(sf_observation_create(&frame, pixels, NULL, 0.0, NULL, NULL, &options, &o));
        assert_ok(sf_deviance(o, scene, &deviance, &expected, &z));
        assert_close(deviance, 0.0, 1e-12);
        assert_close(expected, mean_deviance(levels[l]), levels[l] < 40.0 ? 1e-9 : 2e-4);
        sf_observation_release(&o);
    }
}

static void test_errors(void **state)
{
    static const double pixels[PIXELS] = {5.0, -3.0, -1.0};
    sf_observation_options options = sf_observation_options_default();
    sf_observation *o;
    sf_grid frame;

    (void)state;
    assert_ok(sf_grid_image(SIDE, SIDE, &frame));
    options.read = 1.0;
    assert_status(SF_ERR_ARGUMENT,
                  sf_observation_create(&frame, pixels, NULL, 1.0, NULL, NULL, &options, &o));
    options.gain = -1.0;
    assert_status(SF_ERR_ARGUMENT,
                  sf_observation_create(&frame, pixels, NULL, 1.0, NULL, NULL, &options, &o));
    options.gain = NAN;
    assert_status(SF_ERR_ARGUMENT,
                  sf_observation_create(&frame, pixels, NULL, 1.0, NULL, NULL, &options, &o));
    options.gain = 1.0;
    options.read = 0.0;
    assert_status(SF_ERR_ARGUMENT,
                  sf_observation_create(&frame, pixels, NULL, 1.0, NULL, NULL, &options, &o));
    assert_non_null(strstr(sf_last_error(), "2 pixels are below 0, down to -3"));
    assert_null(o);
    options.read = 2.0;
    assert_ok(sf_observation_create(&frame, pixels, NULL, 1.0, NULL, NULL, &options, &o));
    assert_close(sf_observation_noise(o), sqrt(5.0), 1e-12);
    sf_observation_release(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_is_the_dense_optimum),
        cmocka_unit_test(test_step_has_no_slope),
        cmocka_unit_test(test_mode_of_the_posterior),
        cmocka_unit_test(test_goodness_of_the_truth),
        cmocka_unit_test(test_expected_deviance),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
