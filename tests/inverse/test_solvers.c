/* test_solvers.c - the behaviour of the solvers on frames with borders, holes and stars: what is
 * conserved, when they stop, what they answer to wrong arguments. */
#include "simulate.h"

#define ROWS    60
#define COLUMNS 52
#define PIXELS  (ROWS * COLUMNS)
#define SIGMA   0.5

/* A frame cut from a larger scene, whose sources lie on and beyond the frame's border. */
typedef struct cut {
    sf_grid frame;
    sf_psf *psf;
    sf_spectrum *spectrum;
    sf_observation *observation;
    sf_prior *prior;
    size_t cells;
    double *truth, *scene; /* on the scene's grid */
    double pixels[PIXELS], sigma[PIXELS], mask[PIXELS], true_frame[PIXELS], frame_of[PIXELS];
} cut;

static double steep(double k, void *user)
{
    (void)user;
    return 60.0 / pow(0.05 + k * k, 1.5);
}

static void observe(cut *c)
{
    sf_observation_release(&c->observation);
    assert_ok(sf_observation_create(&c->frame, c->pixels, c->sigma, 0.0, c->mask, c->psf, NULL,
                                    &c->observation));
}

static void cut_create(double scale, cut *c)
{
    memset(c, 0, sizeof *c);
    assert_ok(sf_grid_image(ROWS, COLUMNS, &c->frame));
    assert_ok(sf_psf_gaussian(3.0, &c->psf));
    for (size_t i = 0; i < PIXELS; i++) c->sigma[i] = SIGMA * scale;
    assert_ok(sf_observation_create(&c->frame, c->pixels, c->sigma, 0.0, NULL, c->psf, NULL,
                                    &c->observation));
    c->cells = sf_grid_size(sf_observation_scene(c->observation));
    c->truth = new_array(c->cells);
    c->scene = new_array(c->cells);
    blobs(sf_observation_scene(c->observation)->shape[0],
          sf_observation_scene(c->observation)->shape[1], 40.0 * scale, c->truth);
    for (size_t i = 0; i < c->cells; i++) c->truth[i] += 3.0 * scale;
    assert_ok(sf_observation_crop(c->observation, c->truth, c->true_frame));
    assert_ok(sf_observation_predict(c->observation, c->truth, c->pixels));
    add_noise(8, PIXELS, SIGMA * scale, c->pixels);
    observe(c);
    assert_ok(sf_spectrum_callback(steep, NULL, &c->spectrum));
    assert_ok(sf_prior_gaussian(sf_observation_scene(c->observation), c->spectrum, 0.0, &c->prior));
}

static void cut_destroy(cut *c)
{
    sf_prior_release(&c->prior);
    sf_observation_release(&c->observation);
    sf_spectrum_release(&c->spectrum);
    sf_psf_release(&c->psf);
    sf_free(c->truth);
    sf_free(c->scene);
}

static size_t from_border(size_t i)
{
    const size_t y = i / COLUMNS, x = i % COLUMNS;
    const size_t a = y < ROWS - 1 - y ? y : ROWS - 1 - y,
                 b = x < COLUMNS - 1 - x ? x : COLUMNS - 1 - x;

    return a < b ? a : b;
}

/* Root mean square error of frame_of within 3 pixels of the border, and inside. */
static void errors(const cut *c, double *border, double *interior)
{
    double sums[2] = {0.0, 0.0};
    size_t counts[2] = {0, 0};

    for (size_t i = 0; i < PIXELS; i++) {
        const int inside = from_border(i) >= 3;
        const double d = c->frame_of[i] - c->true_frame[i];
        sums[inside] += d * d;
        counts[inside]++;
    }
    *border = sqrt(sums[0] / (double)counts[0]);
    *interior = sqrt(sums[1] / (double)counts[1]);
}

/* Nothing is known of what lies outside, and sources sit on the border; the error there is hardly
 * larger than in the interior (1.02 times, over noises +- 0.036), while the same frame taken for
 * periodic is worse there (1.60 times, +- 0.038). Bounds: 4 deviations; that the solution is the
 * posterior mean at borders too, test_exact says. */
static void test_unknown_boundary(void **state)
{
    sf_observation_options periodic = sf_observation_options_default();
    sf_wiener_options options = sf_wiener_options_default();
    double border, interior, wrapped;
    cut c;

    (void)state;
    cut_create(1.0, &c);
    options.spectrum = c.spectrum;
    assert_ok(sf_wiener(c.observation, &options, c.scene, NULL));
    assert_ok(sf_observation_crop(c.observation, c.scene, c.frame_of));
    errors(&c, &border, &interior);
    assert_true(border < 1.17 * interior);
    periodic.periodic = true;
    sf_observation_release(&c.observation);
    assert_ok(sf_observation_create(&c.frame, c.pixels, c.sigma, 0.0, NULL, c.psf, &periodic,
                                    &c.observation));
    assert_ok(sf_wiener(c.observation, &options, c.frame_of, NULL));
    errors(&c, &wrapped, &interior);
    assert_true(wrapped > 1.45 * border);
    cut_destroy(&c);
}

/* With the field's own denoiser the balanced steps after a schedule reach the posterior mean, also
 * at borders and in holes. */
static void test_holes(void **state)
{
    sf_wiener_options exact = sf_wiener_options_default();
    sf_pnp_options options = sf_pnp_options_default();
    sf_solver_report report;
    double *mean, worst = 0.0;
    cut c;

    (void)state;
    cut_create(1.0, &c);
    for (size_t i = 0; i < PIXELS; i++) c.mask[i] = i % 37 == 0 ? 1.0 : 0.0;
    for (size_t y = 20; y < 26; y++) /* a saturated star */
        for (size_t x = 30; x < 36; x++) c.mask[y * COLUMNS + x] = 1.0;
    for (size_t i = 0; i < PIXELS; i++)
        if (c.mask[i] != 0.0) c.pixels[i] = 1e6;
    observe(&c);
    exact.spectrum = c.spectrum;
    mean = new_array(c.cells);
    assert_ok(sf_wiener(c.observation, &exact, mean, NULL));
    options.multiplier = true;
    options.conserve_flux = false;
    options.find_excess = false;
    options.iterations = 2000;
    options.tolerance = 1e-5;
    assert_ok(sf_pnp(c.observation, c.prior, &options, c.scene, &report));
    assert_true(report.stop == SF_STOP_CONVERGED);
    assert_ok(sf_observation_crop(c.observation, c.scene, c.frame_of));
    assert_ok(sf_observation_crop(c.observation, mean, c.true_frame));
    for (size_t i = 0; i < PIXELS; i++) worst = fmax(worst, fabs(c.frame_of[i] - c.true_frame[i]));
    assert_close(relative_distance(c.frame_of, c.true_frame, PIXELS), 0.0, 1e-4);
    assert_true(worst < 0.02 * SIGMA);
    sf_free(mean);
    cut_destroy(&c);
}

/* Times of a report add up, and the result is finite and the same bits on 1, 2 and 7 threads. */
static void test_threads(void **state)
{
    static const int threads[] = {1, 2, 7};
    sf_pnp_options options = sf_pnp_options_default();
    double *first;
    cut c;

    (void)state;
    cut_create(1.0, &c);
    options.iterations = 5;
    first = new_array(c.cells);
    for (int method = 0; method < 4; method++)
        for (size_t t = 0; t < 3; t++) {
            sf_solver_report report;
            sf_tv_options tv = sf_tv_options_default();
            assert_ok(sf_thread_count_set(threads[t]));
            tv.strength = 0.5;
            tv.iterations = 5;
            if (method == 0)
                assert_ok(sf_pnp(c.observation, c.prior, &options, c.scene, &report));
            else if (method == 1)
                assert_ok(sf_wiener(c.observation, NULL, c.scene, &report));
            else if (method == 2)
                assert_ok(sf_richardson_lucy(c.observation, NULL, c.scene, &report));
            else
                assert_ok(sf_tv(c.observation, &tv, c.scene, &report));
            assert_true(report.seconds >= report.prior_seconds + report.transform_seconds);
            if (t == 0) memcpy(first, c.scene, c.cells * sizeof *first);
            assert_memory_equal(first, c.scene, c.cells * sizeof *first);
        }
    assert_ok(sf_thread_count_set(0));
    sf_free(first);
    cut_destroy(&c);
}

/* The unit of flux changes nothing but the unit of the result. */
static void test_units(void **state)
{
    sf_tv_options tv = sf_tv_options_default();
    double *first;
    cut a, b;

    (void)state;
    cut_create(1.0, &a);
    cut_create(0x1p-37, &b); /* 7e-12, exact in binary */
    tv.strength = 0.5;
    tv.iterations = 20;
    first = new_array(a.cells);
    for (int method = 0; method < 3; method++) {
        cut *cuts[] = {&a, &b};
        for (int i = 0; i < 2; i++) {
            if (method == 0)
                assert_ok(sf_wiener(cuts[i]->observation, NULL, cuts[i]->scene, NULL));
            else if (method == 1)
                assert_ok(sf_richardson_lucy(cuts[i]->observation, NULL, cuts[i]->scene, NULL));
            else
                assert_ok(sf_tv(cuts[i]->observation, &tv, cuts[i]->scene, NULL));
        }
        for (size_t i = 0; i < a.cells; i++) b.scene[i] *= 0x1p37;
        assert_close(relative_distance(b.scene, a.scene, a.cells), 0.0, 1e-6);
    }
    sf_free(first);
    cut_destroy(&a);
    cut_destroy(&b);
}

typedef struct stopper {
    size_t calls, at;
    size_t cells; /* of the image; 0 = the method shows none */
} stopper;

static bool stop_at(const sf_monitor_event *event, void *user)
{
    stopper *s = user;

    s->calls++;
    assert_int_equal(event->iteration, s->calls);
    assert_int_equal(event->image_size, s->cells);
    assert_true(isfinite(event->residual));
    if (s->cells > 0) assert_true(isfinite(event->image[0]));
    return event->iteration < s->at;
}

static void test_stops(void **state)
{
    sf_pnp_options options = sf_pnp_options_default();
    sf_richardson_lucy_options lucy = sf_richardson_lucy_options_default();
    sf_wiener_options wiener = sf_wiener_options_default();
    sf_tv_options tv = sf_tv_options_default();
    sf_solver_report report;
    stopper s = {.at = 3};
    double chi;
    sf_diagnostics d;
    cut c;

    (void)state;
    cut_create(1.0, &c);
    s.cells = c.cells;
    options.monitor = (sf_monitor){stop_at, &s};
    assert_ok(sf_pnp(c.observation, c.prior, &options, c.scene, &report));
    assert_true(report.stop == SF_STOP_MONITOR && report.iterations == 3 && s.calls == 3);
    s.calls = 0;
    lucy.monitor = options.monitor;
    assert_ok(sf_richardson_lucy(c.observation, &lucy, c.scene, &report));
    assert_true(report.stop == SF_STOP_MONITOR && report.iterations == 3 && s.calls == 3);
    s.calls = 0;
    tv.monitor = options.monitor;
    assert_ok(sf_tv(c.observation, &tv, c.scene, &report));
    assert_true(report.stop == SF_STOP_MONITOR && report.iterations == 3 && s.calls == 3);
    options = sf_pnp_options_default();
    assert_ok(sf_pnp(c.observation, c.prior, &options, c.scene, &report));
    assert_true(report.stop == SF_STOP_SCHEDULE && report.iterations == 12);
    options.multiplier = true;
    options.tolerance = 0.01;
    options.iterations = 1000; /* as many as it takes */
    assert_ok(sf_pnp(c.observation, c.prior, &options, c.scene, &report));
    assert_true(report.stop == SF_STOP_CONVERGED && report.iterations > 12);
    options.iterations = 2;
    assert_ok(sf_pnp(c.observation, c.prior, &options, c.scene, &report));
    assert_true(report.stop == SF_STOP_ITERATIONS && report.iterations == 8 + 2);
    assert_ok(sf_richardson_lucy(c.observation, NULL, c.scene, &report));
    assert_true(report.stop == SF_STOP_DISCREPANCY);
    assert_ok(sf_diagnose(c.observation, c.scene, &d));
    assert_true(d.chi_squared <= 1.0 && d.chi_squared > 0.9);
    assert_ok(sf_wiener(c.observation, NULL, c.scene, &report));
    assert_true(report.stop == SF_STOP_DISCREPANCY && report.strength > 0.0);
    assert_ok(sf_diagnose(c.observation, c.scene, &d));
    chi = d.chi_squared;
    wiener.strength = report.strength;
    wiener.iterations = 1; /* too few to solve the system: it does not say that it converged */
    assert_ok(sf_wiener(c.observation, &wiener, c.scene, &report));
    assert_true(report.stop == SF_STOP_ITERATIONS && report.iterations == 1);
    wiener.iterations = 3000;
    assert_ok(sf_wiener(c.observation, &wiener, c.scene, &report));
    assert_true(report.stop == SF_STOP_CONVERGED);
    assert_close(chi, 1.0, 0.011);
    tv.monitor.function = NULL;
    assert_ok(sf_tv(c.observation, &tv, c.scene, &report));
    assert_true(report.stop == SF_STOP_DISCREPANCY && report.strength > 0.0);
    assert_ok(sf_diagnose(c.observation, c.scene, &d));
    assert_close(d.chi_squared, 1.0, 0.011);
    assert_true(strlen(sf_stop_text(report.stop)) > 0 && strlen(report.guarantee) > 0);
    cut_destroy(&c);
}

/* The linear solution is left in the middle of a system, of the search for a strength, and where
 * each strength is one division; the scene is the last iterate. */
static void test_wiener_stops(void **state)
{
    const sf_observation_options periodic = {.background = 0.0, .periodic = true};
    sf_wiener_options options = sf_wiener_options_default();
    sf_solver_report report, all;
    stopper s = {.at = 4};
    cut c;

    (void)state;
    cut_create(1.0, &c);
    options.spectrum = c.spectrum;
    options.iterations = 4;
    assert_ok(sf_wiener(c.observation, &options, c.truth, NULL));
    options.iterations = 1000;
    options.monitor = (sf_monitor){stop_at, &s};
    assert_ok(sf_wiener(c.observation, &options, c.scene, &report));
    assert_true(report.stop == SF_STOP_MONITOR && report.iterations == 4 && s.calls == 4);
    assert_memory_equal(c.scene, c.truth, c.cells * sizeof *c.scene);
    options.spectrum = NULL;
    for (int division = 0; division < 2; division++) {
        s = (stopper){.at = 1000000};
        assert_ok(sf_wiener(c.observation, &options, c.scene, &all));
        assert_true(all.stop == SF_STOP_DISCREPANCY && s.calls == all.iterations && s.calls > 2);
        s = (stopper){.at = all.iterations - 1};
        assert_ok(sf_wiener(c.observation, &options, c.scene, &report));
        assert_true(report.stop == SF_STOP_MONITOR && s.calls == all.iterations - 1);
        sf_observation_release(&c.observation);
        assert_ok(sf_observation_create(&c.frame, c.pixels, NULL, SIGMA, NULL, c.psf, &periodic,
                                        &c.observation));
    }
    cut_destroy(&c);
}

/* Periodic, no offset: one step and the scene has the frame's flux; never negative. */
static void test_richardson_lucy_conserves_flux(void **state)
{
    sf_richardson_lucy_options options = sf_richardson_lucy_options_default();
    sf_observation_options periodic = sf_observation_options_default();
    double flux = 0.0, found = 0.0;
    cut c;

    (void)state;
    cut_create(1.0, &c);
    sf_observation_release(&c.observation);
    for (size_t i = 0; i < PIXELS; i++) c.pixels[i] = fmax(c.pixels[i], 0.0);
    for (size_t i = 0; i < PIXELS; i++) flux += c.pixels[i];
    periodic.periodic = true;
    assert_ok(sf_observation_create(&c.frame, c.pixels, NULL, SIGMA, NULL, c.psf, &periodic,
                                    &c.observation));
    options.offset = 0.0;
    options.discrepancy = false;
    for (options.iterations = 1; options.iterations < 40; options.iterations += 19) {
        found = 0.0;
        assert_ok(sf_richardson_lucy(c.observation, &options, c.frame_of, NULL));
        for (size_t i = 0; i < PIXELS; i++) {
            assert_true(c.frame_of[i] >= 0.0);
            found += c.frame_of[i];
        }
        assert_close(found / flux, 1.0, 1e-12);
    }
    cut_destroy(&c);
}

/* Counts with hardly a sky: no offset holds the empty pixels up. */
static void test_richardson_lucy_on_counts(void **state)
{
    sf_richardson_lucy_options options = sf_richardson_lucy_options_default();
    sf_diagnostics d;
    cut c;

    (void)state;
    cut_create(1.0, &c);
    for (size_t i = 0; i < PIXELS; i++) c.pixels[i] = i % 97 == 0 ? 2.0 : 0.0;
    observe(&c);
    options.discrepancy = false;
    options.iterations = 50;
    assert_ok(sf_richardson_lucy(c.observation, &options, c.scene, NULL));
    assert_ok(sf_diagnose(c.observation, c.scene, &d));
    assert_close(d.flux_ratio, 1.0, 1e-6);
    cut_destroy(&c);
}

/* With borders, holes, an offset b and pixels below -b, each step has the flux
 *     sum m H x' = sum m max(y + b, 0) H x / (H x + b):
 * sum over x of x H^T[m r] is the sum over pixels of m r H x. */
static void test_richardson_lucy_flux_of_a_step(void **state)
{
    sf_richardson_lucy_options options = sf_richardson_lucy_options_default();
    cut c;

    (void)state;
    cut_create(1.0, &c);
    for (size_t i = 0; i < PIXELS; i++) c.pixels[i] -= 3.0;
    for (size_t i = 0; i < PIXELS; i += 41) c.mask[i] = 1.0;
    observe(&c);
    options.discrepancy = false;
    options.offset = 1.5 * SIGMA;
    for (options.iterations = 1; options.iterations < 40; options.iterations *= 3) {
        double expected = 0.0, flux = 0.0;
        assert_ok(sf_richardson_lucy(c.observation, &options, c.scene, NULL));
        assert_ok(sf_observation_predict(c.observation, c.scene, c.frame_of));
        for (size_t i = 0; i < PIXELS; i++)
            if (c.mask[i] == 0.0)
                expected += fmax(c.pixels[i] + options.offset, 0.0) * c.frame_of[i] /
                            (c.frame_of[i] + options.offset);
        options.iterations++;
        assert_ok(sf_richardson_lucy(c.observation, &options, c.scene, NULL));
        assert_ok(sf_observation_predict(c.observation, c.scene, c.frame_of));
        for (size_t i = 0; i < PIXELS; i++)
            if (c.mask[i] == 0.0) flux += c.frame_of[i];
        assert_close(flux / expected, 1.0, 1e-12);
        options.iterations--;
    }
    cut_destroy(&c);
}

/* With borders, holes and a sky that noise makes negative in places: nothing piles up at borders
 * or in holes (the border's error is 0.91 times the interior's, over noises +- 0.07), bad pixels'
 * values do not matter. The model is positive on an empty sky and is left when the residual reaches
 * the noise, with 0.24 +- 0.03 SIGMA a pixel too much. Bounds: 4 deviations. */
static void test_richardson_lucy_on_frames(void **state)
{
    double first[PIXELS], border, interior;
    sf_diagnostics d;
    cut c;

    (void)state;
    cut_create(1.0, &c);
    for (size_t i = 0; i < PIXELS; i++) c.pixels[i] -= 3.0;
    for (size_t i = 0; i < PIXELS; i++) c.true_frame[i] -= 3.0;
    for (size_t i = 0; i < PIXELS; i += 41) c.mask[i] = 1.0;
    observe(&c);
    assert_ok(sf_richardson_lucy(c.observation, NULL, c.scene, NULL));
    assert_ok(sf_diagnose(c.observation, c.scene, &d));
    assert_close((d.flux_model - d.flux_frame) / (double)d.observed, 0.24 * SIGMA, 0.12 * SIGMA);
    assert_ok(sf_observation_crop(c.observation, c.scene, c.frame_of));
    errors(&c, &border, &interior);
    assert_true(border < 1.2 * interior);
    memcpy(first, c.frame_of, sizeof first);
    for (size_t i = 0; i < PIXELS; i += 41) c.pixels[i] = -1e7;
    observe(&c);
    assert_ok(sf_richardson_lucy(c.observation, NULL, c.scene, NULL));
    assert_ok(sf_observation_crop(c.observation, c.scene, c.frame_of));
    assert_memory_equal(first, c.frame_of, sizeof first);
    cut_destroy(&c);
}

/* The minimiser of total variation does not depend on ADMM's penalty, and with positivity
 * nothing is negative. */
static void test_tv(void **state)
{
    sf_tv_options options = sf_tv_options_default();
    double *first;
    cut c;

    (void)state;
    cut_create(1.0, &c);
    first = new_array(c.cells);
    options.strength = 0.7;
    options.tolerance = 2e-5;
    options.iterations = 2000;
    options.penalty = 1.0;
    assert_ok(sf_tv(c.observation, &options, first, NULL));
    options.penalty = 0.5;
    assert_ok(sf_tv(c.observation, &options, c.scene, NULL));
    assert_ok(sf_observation_crop(c.observation, first, c.true_frame));
    assert_ok(sf_observation_crop(c.observation, c.scene, c.frame_of));
    assert_close(relative_distance(c.frame_of, c.true_frame, PIXELS), 0.0, 1e-2);
    options.positive = true;
    options.iterations = 20;
    for (size_t i = 0; i < PIXELS; i++) c.pixels[i] -= 5.0;
    observe(&c);
    assert_ok(sf_tv(c.observation, &options, c.scene, NULL));
    for (size_t i = 0; i < c.cells; i++) assert_true(c.scene[i] >= 0.0);
    sf_free(first);
    cut_destroy(&c);
}

static sf_status returns_nan(const void *self, size_t batch, const double *x, double sigma,
                             double *out)
{
    (void)self;
    (void)batch;
    (void)sigma;
    out[0] = x[0] * NAN;
    return SF_OK;
}

static sf_status refuses(const void *self, size_t batch, const double *x, double sigma, double *out)
{
    (void)self;
    (void)batch;
    (void)x;
    (void)sigma;
    (void)out;
    return sf_fail(SF_ERR_LIBRARY, "no network today");
}

static sf_status loses_flux(const void *self, size_t batch, const double *x, double sigma,
                            double *out)
{
    (void)sigma;
    for (size_t i = 0; i < batch * *(const size_t *)self; i++) out[i] = 0.9 * x[i];
    return SF_OK;
}

/* A denoiser that loses a tenth of the flux each time does not take it from the result. */
static void test_flux_is_conserved(void **state)
{
    static const sf_prior_methods methods = {.name = "loses flux", .denoise = loses_flux};
    sf_pnp_options options = sf_pnp_options_default();
    sf_diagnostics d;
    sf_prior *prior;
    cut c;

    (void)state;
    cut_create(1.0, &c);
    assert_ok(sf_prior_create(&methods, &c.cells, sf_observation_scene(c.observation), &prior));
    assert_ok(sf_pnp(c.observation, prior, &options, c.scene, NULL));
    assert_ok(sf_diagnose(c.observation, c.scene, &d));
    assert_close(d.flux_ratio, 1.0, 0.003);
    options.conserve_flux = false;
    assert_ok(sf_pnp(c.observation, prior, &options, c.scene, NULL));
    assert_ok(sf_diagnose(c.observation, c.scene, &d));
    assert_true(d.flux_ratio < 0.98);
    sf_prior_release(&prior);
    cut_destroy(&c);
}

/* A sigma map that was made of the noisy pixels (variance = noise^2 + gain pixel) favours pixels
 * that noise made faint; the flux does not follow it. */
static void test_flux_with_weights_of_the_pixels(void **state)
{
    sf_diagnostics d;
    double *sigma;
    cut c;

    (void)state;
    cut_create(1.0, &c);
    sigma = new_array(PIXELS);
    for (size_t i = 0; i < PIXELS; i++)
        sigma[i] = SIGMA * sqrt(fmax(1.0 + 0.2 * c.pixels[i] / SIGMA, 0.1));
    sf_observation_release(&c.observation);
    assert_ok(
        sf_observation_create(&c.frame, c.pixels, sigma, 0.0, NULL, c.psf, NULL, &c.observation));
    assert_ok(sf_pnp(c.observation, c.prior, NULL, c.scene, NULL));
    assert_ok(sf_diagnose(c.observation, c.scene, &d));
    assert_close(d.flux_ratio, 1.0, 0.003);
    sf_free(sigma);
    cut_destroy(&c);
}

static void test_errors(void **state)
{
    static const sf_prior_methods bad = {.name = "bad", .denoise = returns_nan};
    static const sf_prior_methods broken = {.name = "broken", .denoise = refuses};
    sf_pnp_options options = sf_pnp_options_default();
    sf_wiener_options wiener = sf_wiener_options_default();
    sf_tv_options tv = sf_tv_options_default();
    sf_prior *prior;
    cut c;

    (void)state;
    cut_create(1.0, &c);
    assert_ok(sf_prior_gaussian(&c.frame, c.spectrum, 0.0, &prior));
    assert_status(SF_ERR_SHAPE, sf_pnp(c.observation, prior, NULL, c.scene, NULL));
    assert_non_null(strstr(sf_last_error(), "the prior is made on 60x52 but the scene is"));
    sf_prior_release(&prior);
    assert_ok(sf_prior_create(&bad, NULL, sf_observation_scene(c.observation), &prior));
    assert_status(SF_ERR_NUMERIC, sf_pnp(c.observation, prior, NULL, c.scene, NULL));
    sf_prior_release(&prior);
    assert_ok(sf_prior_create(&broken, NULL, sf_observation_scene(c.observation), &prior));
    assert_status(SF_ERR_LIBRARY, sf_pnp(c.observation, prior, NULL, c.scene, NULL));
    assert_string_equal(sf_last_error(), "no network today");
    sf_prior_release(&prior);
    options.penalty = NAN;
    assert_status(SF_ERR_ARGUMENT, sf_pnp(c.observation, c.prior, &options, c.scene, NULL));
    options.penalty = 1.0; /* without a multiplier */
    assert_status(SF_ERR_ARGUMENT, sf_pnp(c.observation, c.prior, &options, c.scene, NULL));
    assert_non_null(strstr(sf_last_error(), "a schedule and no penalty"));
    options = sf_pnp_options_default();
    options.schedule_from = 0.5;
    assert_status(SF_ERR_ARGUMENT, sf_pnp(c.observation, c.prior, &options, c.scene, NULL));
    assert_non_null(strstr(sf_last_error(), "it must fall"));
    options = sf_pnp_options_default();
    options.schedule_to = 0.0;
    assert_status(SF_ERR_ARGUMENT, sf_pnp(c.observation, c.prior, &options, c.scene, NULL));
    wiener.tolerance = 0.0;
    assert_status(SF_ERR_ARGUMENT, sf_wiener(c.observation, &wiener, c.scene, NULL));
    wiener = sf_wiener_options_default();
    wiener.strength = INFINITY;
    assert_status(SF_ERR_ARGUMENT, sf_wiener(c.observation, &wiener, c.scene, NULL));
    tv.penalty = 0.0;
    assert_status(SF_ERR_ARGUMENT, sf_tv(c.observation, &tv, c.scene, NULL));
    tv = sf_tv_options_default();
    tv.strength = NAN;
    assert_status(SF_ERR_ARGUMENT, sf_tv(c.observation, &tv, c.scene, NULL));
    cut_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_boundary),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_stops),
        cmocka_unit_test(test_wiener_stops),
        cmocka_unit_test(test_richardson_lucy_conserves_flux),
        cmocka_unit_test(test_richardson_lucy_on_counts),
        cmocka_unit_test(test_richardson_lucy_flux_of_a_step),
        cmocka_unit_test(test_richardson_lucy_on_frames),
        cmocka_unit_test(test_tv),
        cmocka_unit_test(test_flux_is_conserved),
        cmocka_unit_test(test_flux_with_weights_of_the_pixels),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
