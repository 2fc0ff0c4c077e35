/* test_langevin.c - plug-and-play Langevin sampling of a Gaussian field: every move is linear, so
 * that mean and covariance after any number of moves are known, with masks as without. */
#include "dense_law.h"

/* False alarms of one comparison: 129 numbers beyond 4.5, 1e-3. */
#define MOST_Z 4.5

enum { SAMPLES = 2000, CASES = 2 };

static sf_pnp_langevin_options moves(const dense_law *l)
{
    sf_pnp_langevin_options o = sf_pnp_langevin_options_default();

    o.iterations = 25;
    o.level = 0.4;
    o.step = 0.3;
    o.spectrum = l->spectrum;
    o.seed = 3;
    return o;
}

static double power_of(const dense_law *l, size_t k)
{
    const sf_complex h = l->observation->transfer[k];

    return creal(h) * creal(h) + cimag(h) * cimag(h);
}

/* M, and the inverse of the smoothed prior's covariance. */
static void operators(dense_law *l, const sf_pnp_langevin_options *o, dense m, dense prior)
{
    const double noise = l->observation->noise, u = o->level * noise;
    double heaviest = 0.0, inverse[MOST_CELLS], curve[MOST_CELLS];

    for (size_t i = 0; i < l->cells; i++) heaviest = fmax(heaviest, l->observation->weight[i]);
    for (size_t k = 0; k < sf_grid_half_size(&l->scene); k++) {
        inverse[k] = 1.0 / (l->lambda[k] + u * u);
        curve[k] = 1.0 / (power_of(l, k) * heaviest / (noise * noise) + inverse[k]);
    }
    dense_filter(l, curve, m);
    dense_filter(l, inverse, prior);
}

/* x <- x - d M (P x - b) + sqrt(2 d M) e, from x = 0. */
static void law_of_moves(dense_law *l, const sf_pnp_langevin_options *o, double *mean,
                         dense covariance)
{
    static dense m, prior, keep;
    const size_t n = l->cells;
    double b[MOST_CELLS], shift[MOST_CELLS], next[MOST_CELLS];

    operators(l, o, m, prior);
    for (size_t i = 0; i < n; i++) {
        b[i] = l->pulled[i];
        for (size_t j = 0; j < n; j++) {
            b[i] += prior[i][j] * l->mean;
            keep[i][j] = prior[i][j] + l->precision[i][j];
        }
    }
    dense_apply(n, m, b, shift);
    dense_product(n, m, keep, keep);
    memset(mean, 0, n * sizeof *mean);
    memset(covariance, 0, sizeof(dense));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) keep[i][j] = (i == j ? 1.0 : 0.0) - o->step * keep[i][j];
    for (size_t k = 0; k < o->iterations; k++) {
        dense_apply(n, keep, mean, next);
        for (size_t i = 0; i < n; i++) mean[i] = next[i] + o->step * shift[i];
        dense_sandwich(n, keep, covariance, covariance);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) covariance[i][j] += 2.0 * o->step * m[i][j];
    }
}

static void test_law_of_the_moves(void **state)
{
    static dense covariance;

    (void)state;
    for (size_t masked = 0; masked < CASES; masked++) {
        dense_law *l = dense_law_make(true, masked == 1);
        const sf_pnp_langevin_options options = moves(l);
        double *x = new_array(SAMPLES * l->cells), mean[MOST_CELLS];
        size_t done;

        assert_ok(sf_pnp_langevin(l->observation, l->prior, &options, SAMPLES, x, &done));
        law_of_moves(l, &options, mean, covariance);
        assert_true(dense_worst(l->cells, mean, covariance, SAMPLES, x) < MOST_Z);
        assert_int_equal(done, options.iterations);
        sf_free(x);
        dense_law_free(l);
    }
}

/* The law that is documented is the recursion's fixed point: variance 1/(P (1 - d M P/2)). */
static void test_stationary_law(void **state)
{
    static dense covariance, expected;
    dense_law *l = dense_law_make(true, false);
    sf_pnp_langevin_options options = moves(l);
    const double noise = l->observation->noise, u = options.level * noise;
    double mean[MOST_CELLS], variance[MOST_CELLS];

    (void)state;
    options.iterations = 400;
    law_of_moves(l, &options, mean, covariance);
    for (size_t k = 0; k < sf_grid_half_size(&l->scene); k++) {
        const double p = power_of(l, k) / (noise * noise) + 1.0 / (l->lambda[k] + u * u);
        variance[k] = 1.0 / (p * (1.0 - 0.5 * options.step)); /* M = 1/P here */
    }
    dense_filter(l, variance, expected);
    for (size_t i = 0; i < l->cells; i++)
        for (size_t j = 0; j < l->cells; j++) assert_close(covariance[i][j], expected[i][j], 1e-10);
    dense_law_free(l);
}

static void test_same_bits_in_any_batch_on_any_threads(void **state)
{
    enum { BATCH = 5 };
    dense_law *l = dense_law_make(true, true);
    sf_pnp_langevin_options options = moves(l);
    double *all = new_array(BATCH * l->cells), *parts = new_array(BATCH * l->cells);

    (void)state;
    assert_ok(sf_thread_count_set(1));
    assert_ok(sf_pnp_langevin(l->observation, l->prior, &options, BATCH, all, NULL));
    assert_ok(sf_thread_count_set(7));
    assert_ok(sf_pnp_langevin(l->observation, l->prior, &options, 2, parts, NULL));
    options.first = 2;
    assert_ok(sf_pnp_langevin(l->observation, l->prior, &options, 3, parts + 2 * l->cells, NULL));
    assert_memory_equal(all, parts, BATCH * l->cells * sizeof *all);
    assert_ok(sf_thread_count_set(0));
    sf_free(all);
    sf_free(parts);
    dense_law_free(l);
}

static void test_bad_input(void **state)
{
    dense_law *l = dense_law_make(true, false), *other = dense_law_make(true, true);
    sf_pnp_langevin_options options = moves(l);
    double x[MOST_CELLS] = {0.0};

    (void)state;
    assert_status(SF_ERR_SHAPE,
                  sf_pnp_langevin(l->observation, other->prior, &options, 1, x, NULL));
    options.step = 1.0;
    assert_status(SF_ERR_ARGUMENT, sf_pnp_langevin(l->observation, l->prior, &options, 1, x, NULL));
    options = moves(l);
    options.level = 0.0;
    assert_status(SF_ERR_ARGUMENT, sf_pnp_langevin(l->observation, l->prior, &options, 1, x, NULL));
    assert_non_null(strstr(sf_last_error(), "level is 0"));
    x[4] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_pnp_langevin(l->observation, l->prior, NULL, 1, x, NULL));
    dense_law_free(l);
    dense_law_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_law_of_the_moves),
        cmocka_unit_test(test_stationary_law),
        cmocka_unit_test(test_same_bits_in_any_batch_on_any_threads),
        cmocka_unit_test(test_bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
