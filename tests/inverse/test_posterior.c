/* test_posterior.c - the denoiser of a posterior, for every likelihood, against dense linear
 * algebra; its derivative and energy; what it does not depend on; what it refuses. */
#include "dense.h"

#include "inverse/observation.h"

#include <pthread.h>

#define LIKELIHOODS (SF_LIKELIHOOD_PROXIMAL + 1)
#define ROWS        8
#define COLUMNS     9
#define VARIANCE    1.3
#define STRENGTH    0.6

static sf_posterior_options tight(sf_likelihood likelihood)
{
    sf_posterior_options options = sf_posterior_options_default();

    options.likelihood = likelihood;
    options.tolerance = 1e-12;
    options.iterations = 1000;
    options.variance = VARIANCE;
    options.strength = STRENGTH;
    return options;
}

static sf_prior *posterior_of(const dense *d, const sf_posterior_options *options)
{
    sf_prior *posterior;

    assert_ok(sf_posterior(d->field, d->observation, options, &posterior));
    return posterior;
}

/* A point that the prior at level u would give, in units that vary. */
static void noisy_point(const dense *d, double u, double *x)
{
    memcpy(x, d->truth, d->cells * sizeof *x);
    add_noise(3, d->cells, u, x);
}

/* ---- every likelihood ------------------------------------------------------------------------ */

/* D_y of a likelihood by its formula. */
static void expected(const dense *d, sf_likelihood likelihood, bool spectrum, const double *x,
                     double u, double *out)
{
    const size_t n = d->cells;
    const double c0 = u * u * VARIANCE / (u * u + VARIANCE);
    double *exact = new_array(n * n), *c = new_array(n * n), *mean = new_array(n);

    dense_given_noisy(d, x, u, mean, exact);
    memcpy(out, mean, n * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < n; j++) sum += exact[i * n + j];
        c[i * n + i] = likelihood == SF_LIKELIHOOD_DIAGONAL    ? sum
                       : likelihood == SF_LIKELIHOOD_CONVOLVED ? u * u
                                                               : c0;
    }
    switch (likelihood) {
    case SF_LIKELIHOOD_EXACT:
    case SF_LIKELIHOOD_MOMENT_MATCHING: dense_update(d, mean, exact, 0.0, exact, 1.0, out); break;
    case SF_LIKELIHOOD_PROXIMAL:
        if (spectrum)
            dense_update(d, mean, exact, 0.0, exact, 1.0, out);
        else
            dense_update(d, mean, c, 0.0, NULL, c0, out);
        break;
    case SF_LIKELIHOOD_PIGDM:
    case SF_LIKELIHOOD_DIAGONAL: dense_update(d, mean, c, 0.0, exact, 1.0, out); break;
    case SF_LIKELIHOOD_DPS: dense_update(d, mean, NULL, 0.0, exact, STRENGTH, out); break;
    case SF_LIKELIHOOD_CONVOLVED: dense_update(d, x, c, 0.0, NULL, u * u, out); break;
    case SF_LIKELIHOOD_ANNEALED:
        dense_update(d, x, NULL, u * u, NULL, STRENGTH * u * u, out);
        break;
    case SF_LIKELIHOOD_PLUG_IN: dense_update(d, x, NULL, 0.0, NULL, STRENGTH * u * u, out); break;
    }
    sf_free(exact);
    sf_free(c);
    sf_free(mean);
}

static void compare(const dense *d, sf_likelihood likelihood, bool spectrum)
{
    static const double levels[] = {0.03, 0.4, 3.0, 60.0};
    sf_posterior_options options = tight(likelihood);
    double *x = new_array(d->cells), *wanted = new_array(d->cells), *out = new_array(d->cells);
    double error;
    sf_prior *posterior;

    if (spectrum) options.spectrum = d->spectrum;
    posterior = posterior_of(d, &options);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        noisy_point(d, levels[i], x);
        expected(d, likelihood, spectrum, x, levels[i], wanted);
        assert_ok(sf_prior_denoise(posterior, 1, x, levels[i], out));
        error = relative_distance(out, wanted, d->cells) / fmax(1.0, levels[i]);
        if (!(error < 1e-9))
            print_message("%s, %s, level %g\n", d->name, sf_likelihood_text(likelihood), levels[i]);
        assert_close(error, 0.0, 1e-9);
    }
    sf_prior_release(&posterior);
    sf_free(x);
    sf_free(wanted);
    sf_free(out);
}

static void every_likelihood_is_its_formula(void **state)
{
    (void)state;
    for (int p = 0; p < DENSE_PROBLEMS; p++) {
        dense d = dense_problem(p, ROWS, COLUMNS);
        for (int l = 0; l < LIKELIHOODS; l++) compare(&d, (sf_likelihood)l, false);
        compare(&d, SF_LIKELIHOOD_PROXIMAL, true);
        compare(&d, SF_LIKELIHOOD_MOMENT_MATCHING, true);
        dense_free(&d);
    }
}

/* A field whose modes partly do not exist stays without them, and keeps its mean. */
static double band(double k, void *user)
{
    (void)user;
    return k > 0.5 && k < 2.0 ? 2.0 : 0.0;
}

static void modes_without_power_stay_empty(void **state)
{
    (void)state;
    for (int p = 0; p < DENSE_PROBLEMS; p++) {
        dense d = dense_problem(p, ROWS, COLUMNS);
        sf_spectrum_release(&d.spectrum);
        sf_prior_release(&d.field);
        assert_ok(sf_spectrum_callback(band, NULL, &d.spectrum));
        dense_prior(&d, sf_observation_scene(d.observation));
        assert_ok(
            sf_prior_gaussian(sf_observation_scene(d.observation), d.spectrum, d.mean, &d.field));
        compare(&d, SF_LIKELIHOOD_EXACT, false);
        compare(&d, SF_LIKELIHOOD_MOMENT_MATCHING, true);
        dense_free(&d);
    }
}

/* ---- EXACT's other views --------------------------------------------------------------------- */

/* u^2 dD_y/dx is the covariance of x_0 given x and y. */
static void exact_pull_is_the_covariance(void **state)
{
    const double u = 0.8;

    (void)state;
    for (int p = 0; p < DENSE_PROBLEMS; p++) {
        dense d = dense_problem(p, ROWS, COLUMNS);
        const size_t n = d.cells;
        const sf_posterior_options options = tight(SF_LIKELIHOOD_EXACT);
        double *x = new_array(n), *v = new_array(n), *out = new_array(n), *wanted = new_array(n);
        double *c = new_array(n * n), *mean = new_array(n), *denoised = new_array(n);
        sf_prior *posterior = posterior_of(&d, &options);

        noisy_point(&d, u, x);
        add_noise(4, n, 1.0, v);
        dense_given_noisy(&d, x, u, mean, c);
        dense_learn(&d, c);
        dense_product(n, n, 1, c, v, false, wanted);
        assert_ok(sf_prior_pull(posterior, 1, x, u, v, denoised, out));
        for (size_t i = 0; i < n; i++) out[i] *= u * u;
        assert_close(relative_distance(out, wanted, n), 0.0, 1e-9);
        assert_ok(sf_prior_denoise(posterior, 1, x, u, out));
        assert_memory_equal(out, denoised, n * sizeof *out);
        sf_prior_release(&posterior);
        sf_free(x);
        sf_free(v);
        sf_free(out);
        sf_free(wanted);
        sf_free(c);
        sf_free(mean);
        sf_free(denoised);
        dense_free(&d);
    }
}

/* Differences of the energy, which is quadratic, are those of the score. */
static void exact_energy_has_the_score(void **state)
{
    const double u = 0.6;

    (void)state;
    for (int p = 0; p < DENSE_PROBLEMS; p++) {
        dense d = dense_problem(p, ROWS, COLUMNS);
        const size_t n = d.cells;
        const sf_posterior_options options = tight(SF_LIKELIHOOD_EXACT);
        double *x = new_array(3 * n), *score = new_array(n), energy[2], slope = 0.0;
        sf_prior *posterior = posterior_of(&d, &options);

        noisy_point(&d, u, x);
        memcpy(x + n, x, n * sizeof *x);
        add_noise(5, n, 0.5, x);
        add_noise(6, n, 0.5, x + n);
        for (size_t i = 0; i < n; i++) x[2 * n + i] = 0.5 * (x[i] + x[n + i]);
        assert_ok(sf_prior_energy(posterior, 2, x, u, energy));
        assert_ok(sf_prior_score(posterior, 1, x + 2 * n, u, score));
        for (size_t i = 0; i < n; i++) slope += score[i] * (x[i] - x[n + i]);
        assert_close(energy[1] - energy[0], slope, 1e-9 * (fabs(energy[0]) + fabs(slope)));
        assert_status(SF_ERR_ARGUMENT, sf_prior_energy(posterior, 1, x, 0.0, energy));
        sf_prior_release(&posterior);
        sf_free(x);
        sf_free(score);
        dense_free(&d);
    }
}

/* ---- what results do not depend on ----------------------------------------------------------- */

enum { BATCH = 5 };

static void batches_and_threads_are_the_same_bits(void **state)
{
    dense d = dense_problem(DENSE_BLUR_AND_MASK, ROWS, COLUMNS);
    const size_t n = d.cells;
    double *x = new_array(BATCH * n), *one = new_array(BATCH * n), *out = new_array(BATCH * n);

    (void)state;
    for (size_t b = 0; b < BATCH; b++) { /* some points are hard, some easy */
        memcpy(x + b * n, d.truth, n * sizeof *x);
        add_noise(20 + b, n, pow(10.0, (double)b - 2.0), x + b * n);
    }
    for (int l = 0; l < LIKELIHOODS; l++) {
        sf_posterior_options options = sf_posterior_options_default();
        sf_prior *posterior;
        options.likelihood = (sf_likelihood)l;
        posterior = posterior_of(&d, &options);
        assert_ok(sf_thread_count_set(1));
        for (size_t b = 0; b < BATCH; b++)
            assert_ok(sf_prior_denoise(posterior, 1, x + b * n, 0.5, one + b * n));
        for (int threads = 1; threads < 8; threads += 3) {
            assert_ok(sf_thread_count_set(threads));
            assert_ok(sf_prior_denoise(posterior, BATCH, x, 0.5, out));
            assert_memory_equal(one, out, BATCH * n * sizeof *out);
        }
        sf_prior_release(&posterior);
    }
    assert_ok(sf_thread_count_set(0));
    sf_free(x);
    sf_free(one);
    sf_free(out);
    dense_free(&d);
}

typedef struct caller {
    const sf_prior *posterior;
    const double *x;
    double *out;
    sf_status status;
} caller;

static void *call(void *user)
{
    caller *c = user;

    for (int i = 0; i < 20 && c->status == SF_OK; i++)
        c->status = sf_prior_denoise(c->posterior, 1, c->x, 0.5, c->out);
    return NULL;
}

static void two_threads_use_one_handle(void **state)
{
    dense d = dense_problem(DENSE_BLUR_AND_MASK, ROWS, COLUMNS);
    const size_t n = d.cells;
    const sf_posterior_options options = tight(SF_LIKELIHOOD_MOMENT_MATCHING);
    sf_prior *posterior = posterior_of(&d, &options);
    double *x = new_array(2 * n), *out = new_array(2 * n), *wanted = new_array(2 * n);
    caller callers[2];
    pthread_t threads[2];

    (void)state;
    noisy_point(&d, 0.5, x);
    noisy_point(&d, 1.5, x + n);
    assert_ok(sf_prior_denoise(posterior, 2, x, 0.5, wanted));
    for (size_t t = 0; t < 2; t++) {
        callers[t] = (caller){posterior, x + t * n, out + t * n, SF_OK};
        assert_int_equal(pthread_create(&threads[t], NULL, call, &callers[t]), 0);
    }
    for (size_t t = 0; t < 2; t++) {
        assert_int_equal(pthread_join(threads[t], NULL), 0);
        assert_ok(callers[t].status);
    }
    assert_memory_equal(out, wanted, 2 * n * sizeof *out);
    sf_prior_release(&posterior);
    sf_free(x);
    sf_free(out);
    sf_free(wanted);
    dense_free(&d);
}

/* ---- the variance that is chosen, and that of modes ------------------------------------------ */

static void variance_is_found_in_the_pixels(void **state)
{
    dense d = dense_problem(DENSE_MASK, ROWS, COLUMNS);
    sf_posterior_options options = tight(SF_LIKELIHOOD_PROXIMAL);
    double *x = new_array(d.cells), *a = new_array(d.cells), *b = new_array(d.cells);
    double mean = 0.0, square = 0.0;
    sf_prior *chosen, *told;

    (void)state;
    for (size_t i = 0; i < d.pixels; i++) mean += d.y[i] / (double)d.pixels;
    for (size_t i = 0; i < d.pixels; i++)
        square += (d.y[i] - mean) * (d.y[i] - mean) / (double)d.pixels;
    options.variance = 0.0;
    chosen = posterior_of(&d, &options);
    options.variance = square - d.noise2[0];
    told = posterior_of(&d, &options);
    noisy_point(&d, 0.5, x);
    assert_ok(sf_prior_denoise(chosen, 1, x, 0.5, a));
    assert_ok(sf_prior_denoise(told, 1, x, 0.5, b));
    assert_close(relative_distance(a, b, d.cells), 0.0, 1e-12);
    sf_prior_release(&chosen);
    sf_prior_release(&told);
    sf_free(x);
    sf_free(a);
    sf_free(b);
    dense_free(&d);
}

/* Where the posterior is diagonal in Fourier space M_k is its variance: score = -M^-1 (x - mean),
 * so that M times the score's change along any direction is minus the direction. */
static void modes_have_the_posteriors_variance(void **state)
{
    dense d = dense_problem(DENSE_BLUR, ROWS, COLUMNS);
    const size_t n = d.cells;
    const sf_grid *scene = sf_observation_scene(d.observation);
    const sf_posterior_options options = tight(SF_LIKELIHOOD_EXACT);
    sf_prior *posterior = posterior_of(&d, &options);
    sf_sample_options sampling = sf_sample_options_default();
    double *m = new_array(sf_grid_half_size(scene)), *x = new_array(2 * n), *s = new_array(2 * n);
    sf_complex *work;
    sf_fft *fft;

    (void)state;
    assert_ok(sf_allocate(&work, sf_grid_half_size(scene), sizeof *work));
    assert_ok(sf_fft_create(scene, &fft));
    assert_ok(sf_posterior_precondition(posterior, &sampling));
    for (double u = 0.01; u < 200.0; u *= 20.0) {
        assert_ok(sampling.precondition(sampling.user, scene, u, m));
        memset(x, 0, 2 * n * sizeof *x);
        add_noise(7, n, 1.0, x);
        assert_ok(sf_prior_score(posterior, 2, x, u, s));
        for (size_t i = 0; i < n; i++) s[i] = s[n + i] - s[i];
        assert_ok(sf_fft_filter(fft, m, work, s));
        assert_close(relative_distance(s, x, n), 0.0, 1e-8);
    }
    assert_status(SF_ERR_ARGUMENT, sf_posterior_precondition(d.field, &sampling));
    sf_prior_release(&posterior);
    sf_fft_release(&fft);
    sf_free(work);
    sf_free(m);
    sf_free(x);
    sf_free(s);
    dense_free(&d);
}

/* ---- a denoiser that is no Gaussian's -------------------------------------------------------- */

/* A network's Jacobian is neither symmetric nor positive: conjugate gradients once made 1e4 of a
 * source of 100. With what the pixels say the point is nearer to the truth than without. */
static void networks_do_not_run_away(void **state)
{
    enum { SIDE = 32, N = SIDE * SIDE };
    double *truth = new_array(N), *pixels = new_array(N), *x = new_array(N), *d = new_array(N);
    sf_observation_options periodic = sf_observation_options_default();
    sf_observation *observation;
    sf_prior *network, *posterior;
    sf_model *model;
    sf_grid frame;
    sf_psf *psf;

    (void)state;
    periodic.periodic = true;
    assert_ok(sf_grid_image(SIDE, SIDE, &frame));
    assert_ok(sf_psf_gaussian(2.5, &psf));
    assert_ok(sf_model_builtin(&model));
    assert_ok(sf_prior_network(&frame, model, &network));
    blobs(SIDE, SIDE, 100.0, truth);
    assert_ok(sf_observation_create(&frame, truth, NULL, 1.0, NULL, psf, &periodic, &observation));
    assert_ok(sf_observation_predict(observation, truth, pixels));
    add_noise(1, N, 1.0, pixels);
    sf_observation_release(&observation);
    assert_ok(sf_observation_create(&frame, pixels, NULL, 1.0, NULL, psf, &periodic, &observation));
    assert_ok(sf_posterior(network, observation, NULL, &posterior));
    for (double u = 1.0; u < 200.0; u *= 5.0) {
        double without;
        memcpy(x, truth, N * sizeof *x);
        add_noise(2, N, u, x);
        assert_ok(sf_prior_denoise(network, 1, x, u, d));
        without = relative_distance(d, truth, N);
        assert_ok(sf_prior_denoise(posterior, 1, x, u, d));
        assert_true(relative_distance(d, truth, N) < without);
    }
    sf_prior_release(&posterior);
    sf_prior_release(&network);
    sf_observation_release(&observation);
    sf_model_release(&model);
    sf_psf_release(&psf);
    sf_free(truth);
    sf_free(pixels);
    sf_free(x);
    sf_free(d);
}

/* ---- what became of the systems -------------------------------------------------------------- */

/* Of two fields at once: all count, those in too few iterations as unfinished; and with more of
 * them what is left is less. */
static void too_few_iterations_are_counted(void **state)
{
    static const sf_likelihood likelihoods[] = {
        SF_LIKELIHOOD_EXACT, SF_LIKELIHOOD_MOMENT_MATCHING, SF_LIKELIHOOD_DIAGONAL,
        SF_LIKELIHOOD_PIGDM, SF_LIKELIHOOD_CONVOLVED,       SF_LIKELIHOOD_PROXIMAL};
    static const size_t iterations[] = {1, 3, 1000};
    dense d = dense_problem(DENSE_BLUR_AND_MASK, ROWS, COLUMNS);
    double *x = new_array(2 * d.cells), *out = new_array(2 * d.cells);

    (void)state;
    noisy_point(&d, 0.4, x);
    noisy_point(&d, 0.4, x + d.cells);
    for (size_t l = 0; l < sizeof likelihoods / sizeof *likelihoods; l++) {
        double last = 1.0;

        for (size_t i = 0; i < 3; i++) {
            sf_posterior_options options = sf_posterior_options_default();
            sf_linear_systems systems;
            sf_prior *posterior;

            options.likelihood = likelihoods[l];
            options.tolerance = 1e-6;
            options.iterations = iterations[i];
            posterior = posterior_of(&d, &options);
            assert_ok(sf_posterior_systems(posterior, &systems));
            assert_int_equal(systems.solved, 0);
            assert_ok(sf_prior_denoise(posterior, 2, x, 0.4, out));
            assert_ok(sf_posterior_systems(posterior, &systems));
            assert_int_equal(systems.solved, 2);
            assert_int_equal(systems.unfinished, i < 2 ? 2 : 0);
            assert_int_equal(systems.residual > options.tolerance, i < 2);
            assert_true(systems.residual > 0.0 && systems.residual < last);
            last = systems.residual;
            assert_ok(sf_prior_denoise(posterior, 1, x, 3.0, out));
            assert_ok(sf_posterior_systems(posterior, &systems));
            assert_int_equal(systems.solved, 3);
            sf_prior_release(&posterior);
        }
    }
    sf_free(x);
    sf_free(out);
    dense_free(&d);
}

/* With one step r1 = r0 - alpha A z0, what is left is what dense algebra says, where the
 * preconditioner is a number: white noise, no blur, a mask. */
static void what_is_left_is_measured_as_the_tolerance(void **state)
{
    const double u = 0.7;
    dense d = dense_problem(DENSE_MASK, ROWS, COLUMNS);
    sf_posterior_options options = sf_posterior_options_default();
    const size_t n = d.cells;
    double *x = new_array(n), *out = new_array(n), *mean = new_array(n), *c = new_array(n * n);
    double *r = new_array(n), *image = new_array(n), square = 0.0, product = 0.0, first = 0.0;
    sf_linear_systems systems;
    sf_prior *posterior;

    (void)state;
    options.iterations = 1;
    posterior = posterior_of(&d, &options);
    noisy_point(&d, u, x);
    assert_ok(sf_prior_denoise(posterior, 1, x, u, out));
    assert_ok(sf_posterior_systems(posterior, &systems));
    dense_given_noisy(&d, x, u, mean, c);
    assert_ok(sf_observation_misfit(d.observation, mean, r)); /* 0 where nothing is observed */
    for (size_t i = 0; i < n; i++) {
        if (!(d.observation->weight[i] > 0.0)) continue;
        image[i] = r[i];
        for (size_t j = 0; j < n; j++)
            image[i] += sqrt(d.observation->weight[i] * d.observation->weight[j]) * c[i * n + j] *
                        r[j] / (d.observation->noise * d.observation->noise);
        product += image[i] * r[i];
        square += image[i] * image[i];
        first += r[i] * r[i];
    }
    assert_close(systems.residual, sqrt(1.0 - product * product / (square * first)), 1e-12);
    sf_prior_release(&posterior);
    sf_free(x);
    sf_free(out);
    sf_free(mean);
    sf_free(c);
    sf_free(r);
    sf_free(image);
    dense_free(&d);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void refused(sf_status wanted, sf_prior *prior, const dense *d,
                    const sf_posterior_options *options, const char *words)
{
    sf_prior *posterior = prior;

    assert_string_equal(sf_status_name(wanted),
                        sf_status_name(sf_posterior(prior, d->observation, options, &posterior)));
    assert_null(posterior);
    assert_non_null(strstr(sf_last_error(), words));
}

static void what_has_no_posterior_is_named(void **state)
{
    dense d = dense_problem(DENSE_BLUR_AND_MASK, ROWS, COLUMNS);
    sf_posterior_options options = sf_posterior_options_default();
    sf_linear_systems systems;
    sf_prior *other, *variation;
    sf_grid frame;

    (void)state;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &frame));
    assert_ok(sf_prior_gaussian(&frame, d.spectrum, 0.0, &other));
    refused(SF_ERR_SHAPE, other, &d, NULL, "8x9");
    assert_ok(sf_prior_total_variation(sf_observation_scene(d.observation), 1.0, 1e-3, &variation));
    refused(SF_ERR_UNSUPPORTED, variation, &d, NULL, "does not offer");
    options.likelihood = SF_LIKELIHOOD_EXACT;
    refused(SF_ERR_UNSUPPORTED, variation, &d, &options, "Gaussian field");
    options.likelihood = (sf_likelihood)LIKELIHOODS;
    refused(SF_ERR_ARGUMENT, d.field, &d, &options, "does not exist");
    options = sf_posterior_options_default();
    options.variance = NAN;
    refused(SF_ERR_ARGUMENT, d.field, &d, &options, "variance of nan");
    options = sf_posterior_options_default();
    options.strength = INFINITY;
    refused(SF_ERR_ARGUMENT, d.field, &d, &options, "strength is inf");
    options = sf_posterior_options_default();
    options.tolerance = 0.0;
    refused(SF_ERR_ARGUMENT, d.field, &d, &options, "tolerance of 0");
    options = sf_posterior_options_default();
    options.iterations = 0;
    refused(SF_ERR_ARGUMENT, d.field, &d, &options, "0 iterations");
    assert_int_equal(sf_posterior_systems(d.field, &systems), SF_ERR_ARGUMENT);
    assert_non_null(strstr(sf_last_error(), "no posterior"));
    sf_prior_release(&other);
    sf_prior_release(&variation);
    dense_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_likelihood_is_its_formula),
        cmocka_unit_test(modes_without_power_stay_empty),
        cmocka_unit_test(exact_pull_is_the_covariance),
        cmocka_unit_test(exact_energy_has_the_score),
        cmocka_unit_test(batches_and_threads_are_the_same_bits),
        cmocka_unit_test(two_threads_use_one_handle),
        cmocka_unit_test(variance_is_found_in_the_pixels),
        cmocka_unit_test(modes_have_the_posteriors_variance),
        cmocka_unit_test(networks_do_not_run_away),
        cmocka_unit_test(too_few_iterations_are_counted),
        cmocka_unit_test(what_is_left_is_measured_as_the_tolerance),
        cmocka_unit_test(what_has_no_posterior_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
