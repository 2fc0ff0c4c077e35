/* test_base_fit.c - Gaussians that are fitted to a target's samples, where the right ones are
 * known. False alarms: 4.5 standard errors, 7e-6 a comparison; the seeds are fixed. */
#include "free_energy/repetitions.h"
#include "mcmc/counted.h"

#include <scorefield/free_energy.h>

#include <string.h>

enum { N = 4 };

static const double means[N] = {1.0, -2.0, 0.5, 2.0};
static const double sigmas[N] = {0.4, 2.0, 1.0, 0.3};

/* N(means, sigmas^2), of which fits may know nothing but value and score. */
static sf_density *make_target(atomic_size_t *points)
{
    double variance[N];
    sf_density *gaussian, *target;

    for (size_t i = 0; i < N; i++) variance[i] = sigmas[i] * sigmas[i];
    assert_ok(sf_density_gaussian(N, means, variance, &gaussian));
    target = count_points(gaussian, points);
    sf_density_release(&gaussian);
    return target;
}

/* The second fit begins at a Gaussian that is close to the target: samples weigh about the same,
 * and of S effective ones a mean is sigma/sqrt S off, a scale sigma/sqrt(2 S). */
static void a_gaussian_is_found(void **state)
{
    enum { FITS = 12, CHAINS = 400 };
    sf_base_options options = sf_base_options_default();
    z_scores of_mean = {0.0, 0.0, 0}, of_scale = {0.0, 0.0, 0};
    atomic_size_t points;
    sf_density *target = make_target(&points);
    sf_base base;

    (void)state;
    options.chains = CHAINS;
    options.effective = 0.75 * CHAINS;
    options.fits = 5;
    options.kernel.leapfrogs = 3;
    for (uint64_t seed = 0; seed < FITS; seed++) {
        options.seed = seed;
        atomic_store(&points, 0);
        assert_ok(sf_base_fit(target, &options, &base));
        assert_int_equal(base.dimension, N);
        assert_true(base.fits > 1 && base.fits < 5);
        assert_int_equal(base.evaluations, atomic_load(&points));
        assert_true(base.effective >= options.effective);
        for (size_t i = 0; i < N; i++) {
            z_add(&of_mean, base.mean[i], sigmas[i] / sqrt(base.effective), means[i]);
            z_add(&of_scale, base.scale[i], sigmas[i] / sqrt(2.0 * base.effective), sigmas[i]);
        }
        sf_base_release(&base);
        assert_null(base.mean);
    }
    /* of 48: 0.144 and 0.102 are the errors of a z's mean and standard deviation */
    for (int i = 0; i < 2; i++) {
        const z_scores *z = i == 0 ? &of_mean : &of_scale;

        assert_close(z->sum / z->count, 0.0, 0.65);
        assert_close(sqrt(z->squares / z->count), 1.0, 0.46);
    }
    sf_density_release(&target);
}

/* One fit is enough where its samples are, and then they are weighted ones. */
static void fits_end_where_samples_are_enough(void **state)
{
    sf_base_options options = sf_base_options_default();
    atomic_size_t points;
    sf_density *target = make_target(&points);
    sf_base base;

    (void)state;
    assert_ok(sf_base_fit(target, NULL, &base));
    assert_int_equal(base.fits, 1);
    assert_true(base.effective >= options.effective);
    assert_int_equal(base.evaluations, atomic_load(&points));
    for (size_t i = 0; i < N; i++) {
        assert_close(base.mean[i], means[i], 4.5 * sigmas[i] / sqrt(base.effective));
        assert_close(base.scale[i], sigmas[i], 4.5 * sigmas[i] / sqrt(2.0 * base.effective));
    }
    sf_base_release(&base);
    sf_density_release(&target);
}

/* Draws of N(0, 1) with the weights W of N(0, v), g = 1/v - 1: W^p makes them N(0, 1/(1 + p g)),
 * and worth the share sqrt(1 + 2 p g)^n/(1 + p g)^n of their number. A schedule of two temperatures
 * is importance sampling. */
static void few_samples_are_flattened(void **state)
{
    enum { DIMENSION = 2, CHAINS = 4000 };
    const double v = 1.0 / 16.0, g = 1.0 / v - 1.0;
    const double variances[DIMENSION] = {v, v};
    sf_base_options options = sf_base_options_default();
    sf_density *target;
    sf_base base;

    (void)state;
    assert_ok(sf_density_gaussian(DIMENSION, NULL, variances, &target));
    options.chains = CHAINS;
    options.cess = 1e-300;
    options.fits = 1;
    for (int i = 1; i <= 4; i++) { /* the last one is none: they are worth enough */
        const double p = 0.25 * i, width = 1.0 / (1.0 + p * g);
        const double worth = CHAINS * (1.0 + 2.0 * p * g) * width * width;

        options.effective = i < 4 ? worth : 0.8 * worth;
        options.seed = (uint64_t)i;
        assert_ok(sf_base_fit(target, &options, &base));
        assert_int_equal(base.fits, 1);
        assert_close(base.effective, CHAINS * (1.0 + 2.0 * g) * v * v, 0.1 * CHAINS * v);
        for (size_t k = 0; k < DIMENSION; k++) {
            assert_close(base.mean[k], 0.0, 4.5 * sqrt(width / worth));
            assert_close(base.scale[k] * base.scale[k], width, 4.5 * width * sqrt(2.0 / worth));
        }
        sf_base_release(&base);
    }
    sf_density_release(&target);
}

static void bits_do_not_depend_on_threads(void **state)
{
    const int threads[3] = {1, 2, 7};
    atomic_size_t points;
    sf_density *target = make_target(&points);
    sf_base base[3];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_ok(sf_thread_count_set(threads[i]));
        assert_ok(sf_base_fit(target, NULL, &base[i]));
        assert_memory_equal(base[i].mean, base[0].mean, N * sizeof(double));
        assert_memory_equal(base[i].scale, base[0].scale, N * sizeof(double));
    }
    for (size_t i = 0; i < 3; i++) sf_base_release(&base[i]);
    assert_ok(sf_thread_count_set(0));
    sf_density_release(&target);
}

static bool stop_annealing(const sf_monitor_event *event, void *user)
{
    (void)user;
    return strcmp(event->stage, "anneal") != 0 || event->iteration < 3;
}

static void what_cannot_be_fitted_is_named(void **state)
{
    const double near[1] = {1e-8}, away[1] = {100.0};
    sf_base_options options = sf_base_options_default();
    atomic_size_t points;
    sf_density *angles, *far, *target = make_target(&points);
    sf_base base;

    (void)state;
    assert_ok(sf_density_angles(2, &angles));
    assert_status(SF_ERR_ARGUMENT, sf_base_fit(angles, NULL, &base));
    assert_non_null(strstr(sf_last_error(), "angles"));
    assert_ok(sf_density_gaussian(1, away, near, &far));
    options.chains = 2; /* of which one has all the weight */
    options.cess = 1e-300;
    options.effective = 1.0;
    assert_status(SF_ERR_NUMERIC, sf_base_fit(far, &options, &base));
    assert_null(base.mean);
    options = sf_base_options_default();
    options.monitor.function = stop_annealing;
    assert_status(SF_ERR_INTERRUPTED, sf_base_fit(target, &options, &base));
    assert_null(base.mean);
    options.fits = 0;
    assert_status(SF_ERR_ARGUMENT, sf_base_fit(target, &options, &base));
    options.fits = 1;
    options.effective = NAN;
    assert_status(SF_ERR_ARGUMENT, sf_base_fit(target, &options, &base));
    assert_status(SF_ERR_ARGUMENT, sf_base_fit(NULL, NULL, &base));
    assert_null(base.scale);
    sf_density_release(&angles);
    sf_density_release(&far);
    sf_density_release(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gaussian_is_found),
        cmocka_unit_test(fits_end_where_samples_are_enough),
        cmocka_unit_test(few_samples_are_flattened),
        cmocka_unit_test(bits_do_not_depend_on_threads),
        cmocka_unit_test(what_cannot_be_fitted_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
