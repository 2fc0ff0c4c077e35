/* test_posterior_sampling.c - samples of posteriors have the law that dense linear algebra, or a
 * mixture's closed form, gives the posterior. */
#include "dense.h"

/* ---- Gaussian fields ------------------------------------------------------------------------- */

enum { ROWS = 10, COLUMNS = 10, SAMPLES = 200 };

static void sample(const sf_prior *posterior, size_t steps, double start, size_t samples, double *x)
{
    sf_sample_options o = sf_sample_options_default();
    sf_diffusion edm;

    assert_ok(sf_diffusion_edm(4e-3, start, &edm));
    o.predictor = SF_PREDICTOR_MULTISTEP_SDE;
    o.steps = steps;
    o.variance = 1.0;
    o.seed = 31;
    o.floor = 0.01;
    assert_ok(sf_sample(posterior, &edm, &o, samples, x, NULL));
}

/* x <- L^-1 (x - mean) for every sample, L L^T the covariance: then N(0, 1) cell by cell. */
static void whiten(size_t n, const double *mean, double *covariance, double *x)
{
    assert_int_equal(
        LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', (lapack_int)n, covariance, (lapack_int)n), 0);
    for (size_t s = 0; s < SAMPLES; s++, x += n)
        for (size_t i = 0; i < n; i++) {
            x[i] -= mean[i];
            for (size_t j = 0; j < i; j++) x[i] -= covariance[i * n + j] * x[j];
            x[i] /= covariance[i * n + i];
        }
}

/* Of n cells' means and variances none may be beyond 4.9 standard errors, of all cells together
 * none beyond 4 and what 120 steps leave: half a per cent of the deviation. A variance of S samples
 * has the error sqrt(2/S), skew enough to ask for 5.5 (false alarms: 1e-3 in all). */
static void assert_white(size_t n, const double *x)
{
    double worst = 0.0, all_mean = 0.0, all_variance = 0.0;

    for (size_t i = 0; i < n; i++) {
        double mean = 0.0, square = 0.0;
        for (size_t s = 0; s < SAMPLES; s++) mean += x[s * n + i] / SAMPLES;
        for (size_t s = 0; s < SAMPLES; s++) square += x[s * n + i] * x[s * n + i] / SAMPLES;
        assert_close(mean * sqrt(SAMPLES), 0.0, 4.9);
        worst = fmax(worst, fabs(square - 1.0) / sqrt(2.0 / SAMPLES));
        all_mean += mean / (double)n;
        all_variance += (square - 1.0) / (double)n;
    }
    assert_close(worst, 0.0, 5.5);
    assert_close(all_mean * sqrt((double)n * SAMPLES), 0.0, 4.0);
    assert_close(all_variance, 0.0, 0.01 + 4.0 * sqrt(2.0 / ((double)n * SAMPLES)));
}

static void samples_are_the_posterior(const dense *d, sf_likelihood likelihood)
{
    const size_t n = d->cells;
    sf_posterior_options options = sf_posterior_options_default();
    double *covariance = new_array(n * n), *mean = new_array(n), *x = new_array(SAMPLES * n);
    sf_prior *posterior;

    memcpy(covariance, d->prior, n * n * sizeof *covariance);
    for (size_t i = 0; i < n; i++) mean[i] = d->mean;
    dense_update(d, mean, covariance, 0.0, covariance, 1.0, mean);
    dense_learn(d, covariance);
    options.likelihood = likelihood;
    options.spectrum = d->spectrum;
    assert_ok(sf_posterior(d->field, d->observation, &options, &posterior));
    sample(posterior, 120, 100.0, SAMPLES, x);
    whiten(n, mean, covariance, x);
    assert_white(n, x);
    sf_prior_release(&posterior);
    sf_free(covariance);
    sf_free(mean);
    sf_free(x);
}

static void every_observation_by_the_exact_likelihood(void **state)
{
    (void)state;
    for (int p = 0; p < DENSE_PROBLEMS; p++) {
        dense d = dense_problem(p, ROWS, COLUMNS);
        samples_are_the_posterior(&d, SF_LIKELIHOOD_EXACT);
        dense_free(&d);
    }
}

static void a_frame_by_moment_matching(void **state)
{
    dense d = dense_problem(DENSE_BLUR_AND_MASK, ROWS, COLUMNS);

    (void)state;
    samples_are_the_posterior(&d, SF_LIKELIHOOD_MOMENT_MATCHING);
    dense_free(&d);
}

/* ---- a mixture ------------------------------------------------------------------------------- */

enum { DRAWS = 4000 };

/* Two modes of weights 0.7 and 0.3 in four cells, of which three are seen through noise that leaves
 * both possible. */
static double two_weights[] = {0.7, 0.3};
static double two_means[] = {1.0, 0.6, -0.4, 1.0, -1.0, -0.2, 0.5, -1.2};
static double two_variances[] = {0.15, 0.1};
static const sf_mixture two = {4, 2, SF_COVARIANCE_ROUND, two_weights, two_means, two_variances};
static const double seen[4] = {0.1, 0.3, NAN, 0.2};
static const double seen_noise = 0.7;

/* The posterior as a mixture. */
static sf_mixture *exact_posterior(void)
{
    const double a[12] = {1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0};
    const double y[3] = {seen[0], seen[1], seen[3]}, v = seen_noise * seen_noise;
    const double variance[3] = {v, v, v};
    sf_mixture *posterior;

    assert_ok(sf_mixture_posterior(&two, 3, a, y, variance, &posterior, NULL));
    return posterior;
}

/* The share of samples that lie nearer to the first mode. */
static double share_of_first(size_t count, const double *x)
{
    double share = 0.0;

    for (size_t s = 0; s < count; s++) {
        double first = 0.0, second = 0.0;
        for (size_t i = 0; i < 4; i++) {
            first += pow(x[4 * s + i] - two_means[i], 2.0) / two_variances[0];
            second += pow(x[4 * s + i] - two_means[4 + i], 2.0) / two_variances[1];
        }
        share += first < second ? 1.0 / (double)count : 0.0;
    }
    return share;
}

static double sampled_share(const sf_prior *posterior)
{
    double *x = new_array(4 * DRAWS), share;

    sample(posterior, 100, 40.0, DRAWS, x);
    share = share_of_first(DRAWS, x);
    sf_free(x);
    return share;
}

/* By exact draws, since some of either mode lie nearer to the other. */
static double exact_share(const sf_mixture *posterior)
{
    enum { MANY = 400000 };
    double *x = new_array(4 * MANY), share;

    assert_ok(sf_mixture_draw(posterior, sf_random_make(3, 3), 0, MANY, x));
    share = share_of_first(MANY, x);
    sf_free(x);
    return share;
}

/* No Gaussian stands for two modes: moment matching and the proximal step give the modes other
 * weights (0.78 and 0.72 for 0.918), while a mixture's own posterior is a prior like any other. */
static void weights_of_two_modes(void **state)
{
    static const sf_likelihood wrong[] = {SF_LIKELIHOOD_MOMENT_MATCHING, SF_LIKELIHOOD_PROXIMAL};
    sf_observation_options periodic = sf_observation_options_default();
    sf_posterior_options options = sf_posterior_options_default();
    sf_mixture *exact = exact_posterior();
    const double share = exact_share(exact), error = sqrt(share * (1.0 - share) / DRAWS);
    sf_observation *observation;
    sf_prior *prior, *posterior;
    sf_grid grid;

    (void)state;
    periodic.periodic = true;
    assert_ok(sf_grid_image(2, 2, &grid));
    assert_ok(
        sf_observation_create(&grid, seen, NULL, seen_noise, NULL, NULL, &periodic, &observation));
    assert_ok(sf_prior_mixture(&grid, exact, &posterior));
    assert_close(sampled_share(posterior), share, 3.0 * error);
    sf_prior_release(&posterior);
    assert_ok(sf_prior_mixture(&grid, &two, &prior));
    for (size_t i = 0; i < 2; i++) {
        options.likelihood = wrong[i];
        assert_ok(sf_posterior(prior, observation, &options, &posterior));
        assert_true(sampled_share(posterior) < share - 20.0 * error);
        sf_prior_release(&posterior);
    }
    sf_prior_release(&prior);
    sf_observation_release(&observation);
    sf_mixture_release(&exact);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_observation_by_the_exact_likelihood),
        cmocka_unit_test(a_frame_by_moment_matching),
        cmocka_unit_test(weights_of_two_modes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
