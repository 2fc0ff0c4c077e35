/* test_split_gibbs.c - split Gibbs sampling of a Gaussian field: every draw is linear in the last
 * one, so that the mean and covariance after any number of iterations are known, and in the limit
 * they are those of the posterior. */
#include "dense_law.h"

#include "inverse/conditional.h"
#include "inverse/normal.h"

#include <gsl/gsl_math.h>

/* False alarms of one comparison: 129 numbers beyond 4.5, 1e-3. */
#define MOST_Z 4.5

enum { SAMPLES = 4000, CASES = 4 };
static const bool cases[CASES][2] = {{false, false}, {true, false}, {false, true}, {true, true}};

/* The smallest sigma, for the largest |H_k| is 1 (of a PSF that is nowhere negative, k = 0). */
static double last_coupling(const dense_law *l)
{
    double heaviest = 0.0;

    for (size_t i = 0; i < l->cells; i++) heaviest = fmax(heaviest, l->observation->weight[i]);
    return l->observation->noise / sqrt(heaviest);
}

/* x given z: covariance and, z <- its mean; from_last: what x keeps of z. */
static void condition(dense_law *l, double rho, double *z, dense covariance, dense from_last)
{
    double right[MOST_CELLS];

    for (size_t i = 0; i < l->cells; i++) {
        memcpy(covariance[i], l->precision[i], sizeof covariance[i]);
        covariance[i][i] += 1.0 / (rho * rho);
        right[i] = l->pulled[i] + z[i] / (rho * rho);
    }
    dense_invert(l->cells, covariance);
    dense_apply(l->cells, covariance, right, z);
    for (size_t i = 0; i < l->cells; i++)
        for (size_t j = 0; j < l->cells; j++) from_last[i][j] = covariance[i][j] / (rho * rho);
}

/* The same where x's noise is a part of the data's: y given x has the noise Sigma - rho^2 H H^T. */
static void step_along(dense_law *l, double rho, double *z, dense covariance, dense from_last)
{
    double pull[MOST_CELLS];

    dense_apply(l->cells, l->precision, z, pull);
    for (size_t i = 0; i < l->cells; i++) {
        z[i] += rho * rho * (l->pulled[i] - pull[i]);
        for (size_t j = 0; j < l->cells; j++) {
            from_last[i][j] = (i == j ? 1.0 : 0.0) - rho * rho * l->precision[i][j];
            covariance[i][j] = rho * rho * from_last[i][j];
        }
    }
}

static void test_conditional_is_exact(void **state)
{
    static const double couplings[] = {0.1, 0.69, 0.8, 30.0}; /* sigma is 0.7, or more */
    static dense covariance, kept;

    (void)state;
    for (size_t k = 0; k < CASES; k++) {
        dense_law *l = dense_law_make(cases[k][0], cases[k][1]);
        double *x = new_array(SAMPLES * l->cells), z[MOST_CELLS];
        sf_conditional *conditional;

        assert_ok(sf_conditional_create(l->observation, SAMPLES, &conditional));
        for (size_t c = 0; c < sizeof couplings / sizeof *couplings; c++) {
            for (size_t i = 0; i < SAMPLES * l->cells; i++) x[i] = cos((double)(i % l->cells));
            memcpy(z, x, l->cells * sizeof *z);
            if (couplings[c] <= last_coupling(l))
                step_along(l, couplings[c], z, covariance, kept);
            else
                condition(l, couplings[c], z, covariance, kept);
            assert_ok(
                sf_conditional_draw(conditional, couplings[c], 0.0, sf_random_make(3, 0), c, 0, x));
            assert_true(dense_worst(l->cells, z, covariance, SAMPLES, x) < MOST_Z);
        }
        sf_conditional_release(&conditional);
        sf_free(x);
        dense_law_free(l);
    }
}

/* Of a mode with prior variance lambda: the multistep stochastic rule from level `from` to `to`,
 * z <- keep z + noise of this variance. D is extrapolated from the last two, so that the state is
 * z and the last D, each a linear form in what z was and in the steps' noises. */
static void reverse_mode(double lambda, double from, double to, size_t steps, double *keep,
                         double *variance)
{
    enum { MOST_STEPS = 50 };
    double z[MOST_STEPS + 1] = {1.0}, last[MOST_STEPS + 1] = {0.0}, u = from;

    assert_true(steps <= MOST_STEPS);
    for (size_t j = 0; j < steps; j++) {
        const double next = from * pow(to / from, (double)(j + 1) / (double)steps);
        const double share = gsl_pow_2(next / u), ahead = j > 0 ? 0.5 : 0.0;
        for (size_t i = 0; i <= j; i++) {
            const double now = lambda / (lambda + u * u) * z[i];
            z[i] = share * z[i] + (1.0 - share) * (now + ahead * (now - last[i]));
            last[i] = now;
        }
        z[j + 1] = next * sqrt(1.0 - share);
        u = next;
    }
    *keep = z[0];
    *variance = 0.0;
    for (size_t j = 1; j <= steps; j++) *variance += z[j] * z[j];
}

/* What is known of z: mean and covariance for a given e_0, and how it depends on that. */
typedef struct law {
    double mean[MOST_CELLS];
    dense covariance, of_spare;
} law;

/* z given x by the diffusion. */
static void reverse(dense_law *l, double from, double to, size_t steps, law *z)
{
    static dense keep, noise;
    double b[MOST_CELLS], v[MOST_CELLS], apart[MOST_CELLS];

    for (size_t k = 0; k < sf_grid_half_size(&l->scene); k++)
        reverse_mode(l->lambda[k], from, to, steps, &b[k], &v[k]);
    dense_filter(l, b, keep);
    dense_filter(l, v, noise);
    for (size_t i = 0; i < l->cells; i++) apart[i] = z->mean[i] - l->mean;
    dense_apply(l->cells, keep, apart, z->mean);
    dense_sandwich(l->cells, keep, z->covariance, z->covariance);
    dense_product(l->cells, keep, z->of_spare, z->of_spare);
    for (size_t i = 0; i < l->cells; i++) {
        z->mean[i] += l->mean;
        for (size_t j = 0; j < l->cells; j++) z->covariance[i][j] += noise[i][j];
    }
}

/* x given z, with data that have more noise, rho H e_0, or at the end as they are. */
static void forward(dense_law *l, bool spare, double hidden, double rho, law *z)
{
    static dense given, from_last, more;

    if (spare)
        condition(l, hidden, z->mean, given, from_last);
    else
        step_along(l, hidden, z->mean, given, from_last);
    dense_sandwich(l->cells, from_last, z->covariance, z->covariance);
    dense_product(l->cells, from_last, z->of_spare, z->of_spare);
    dense_product(l->cells, given, l->precision, more);
    for (size_t i = 0; i < l->cells; i++)
        for (size_t j = 0; j < l->cells; j++) {
            z->covariance[i][j] += given[i][j];
            z->of_spare[i][j] += spare ? rho * more[i][j] : 0.0;
        }
}

/* Where chains start. */
static void start_of(const dense_law *l, double *z)
{
    const sf_normal_goal goal = {.reduction = 1e-3, .iterations = 200};
    sf_normal *normal;

    assert_ok(sf_normal_create(l->observation, &normal));
    sf_normal_set_roughness(normal, 1.0, 1);
    assert_ok(sf_normal_solve(normal, NULL, &goal, z));
    sf_normal_release(&normal);
}

/* Mean and covariance of the last z, step by step as documented. */
static void law_of_chain(dense_law *l, const sf_split_gibbs_options *o, double *mean,
                         dense covariance)
{
    static law z;
    const double last = last_coupling(l), first = o->from * l->observation->noise;
    const size_t total = o->iterations + o->hold;
    double level = 0.0, rho = o->iterations > 0 ? first : last;

    memset(&z, 0, sizeof z);
    start_of(l, z.mean);
    for (size_t k = 0; k < total; k++) {
        const bool falling = k < o->iterations;
        const double next = k + 1 < o->iterations
                                ? first * pow(last / first, (double)(k + 1) / (double)o->iterations)
                                : last;

        forward(l, falling, sqrt(rho * rho - level * level), rho, &z);
        level = fmin((k + 1 < total ? o->depth : o->end) * rho, 0.9 * next);
        reverse(l, rho, level, falling ? o->steps : o->steps_held, &z);
        rho = next;
    }
    memcpy(mean, z.mean, sizeof z.mean);
    for (size_t i = 0; i < l->cells; i++)
        for (size_t j = 0; j < l->cells; j++) {
            covariance[i][j] = z.covariance[i][j];
            for (size_t k = 0; k < l->cells; k++)
                covariance[i][j] += z.of_spare[i][k] * z.of_spare[j][k];
        }
}

static sf_split_gibbs_options small_chain(void)
{
    sf_split_gibbs_options o = sf_split_gibbs_options_default();

    o.iterations = 4;
    o.hold = 2;
    o.from = 8.0;
    o.steps = 3;
    o.steps_held = 4;
    o.depth = 0.4;
    o.end = 0.1;
    o.seed = 12;
    return o;
}

static void test_law_of_the_chain(void **state)
{
    static dense covariance;

    (void)state;
    for (size_t k = 0; k < CASES; k++) {
        const sf_split_gibbs_options options = small_chain();
        dense_law *l = dense_law_make(cases[k][0], cases[k][1]);
        double *x = new_array(SAMPLES * l->cells), mean[MOST_CELLS];
        sf_split_gibbs_report report;

        assert_ok(sf_split_gibbs(l->observation, l->prior, &options, SAMPLES, x, &report));
        law_of_chain(l, &options, mean, covariance);
        assert_true(dense_worst(l->cells, mean, covariance, SAMPLES, x) < MOST_Z);
        assert_int_equal(report.iterations, 6);
        assert_int_equal(report.evaluations, 20);
        assert_true(report.stop == SF_STOP_SCHEDULE);
        assert_close(report.level, 0.1 * last_coupling(l), 1e-12);
        sf_free(x);
        dense_law_free(l);
    }
}

/* Root mean square over cells of (mean - exact)/deviation, and of deviation/exact - 1. */
static void distance_to_posterior(dense_law *l, const sf_split_gibbs_options *o, double *of_mean,
                                  double *of_deviation)
{
    static dense prior, posterior, covariance;
    double inverse[MOST_CELLS], right[MOST_CELLS], exact[MOST_CELLS], mean[MOST_CELLS];

    for (size_t k = 0; k < sf_grid_half_size(&l->scene); k++) inverse[k] = 1.0 / l->lambda[k];
    dense_filter(l, inverse, prior);
    for (size_t i = 0; i < l->cells; i++) {
        right[i] = l->pulled[i];
        for (size_t j = 0; j < l->cells; j++) {
            posterior[i][j] = l->precision[i][j] + 0.5 * (prior[i][j] + prior[j][i]);
            right[i] += prior[i][j] * l->mean;
        }
    }
    dense_invert(l->cells, posterior);
    dense_apply(l->cells, posterior, right, exact);
    law_of_chain(l, o, mean, covariance);
    *of_mean = *of_deviation = 0.0;
    for (size_t i = 0; i < l->cells; i++) {
        *of_mean += gsl_pow_2(mean[i] - exact[i]) / posterior[i][i] / (double)l->cells;
        *of_deviation +=
            gsl_pow_2(sqrt(covariance[i][i] / posterior[i][i]) - 1.0) / (double)l->cells;
    }
    *of_mean = sqrt(*of_mean);
    *of_deviation = sqrt(*of_deviation);
}

/* The posterior is the limit. There is no Monte Carlo here: the law itself is compared, of the
 * defaults and of many, fine steps. */
static void test_posterior_is_the_limit(void **state)
{
    (void)state;
    for (size_t k = 0; k < CASES; k++) {
        dense_law *l = dense_law_make(cases[k][0], cases[k][1]);
        sf_split_gibbs_options options = sf_split_gibbs_options_default();
        double mean, deviation;

        options.from = 30.0;
        distance_to_posterior(l, &options, &mean, &deviation);
        assert_true(mean < 0.1 && deviation < 0.05);
        options.hold = 100;
        options.steps_held = 50;
        options.end = 0.01;
        options.depth = 0.05;
        distance_to_posterior(l, &options, &mean, &deviation);
        assert_true(mean < 0.002 && deviation < 0.0005);
        dense_law_free(l);
    }
}

static void test_same_bits_in_any_batch_on_any_threads(void **state)
{
    enum { BATCH = 5 };
    sf_split_gibbs_options options = small_chain();
    dense_law *l = dense_law_make(true, true);
    double *all = new_array(BATCH * l->cells), *parts = new_array(BATCH * l->cells);

    (void)state;
    assert_ok(sf_thread_count_set(1));
    assert_ok(sf_split_gibbs(l->observation, l->prior, &options, BATCH, all, NULL));
    for (int threads = 2; threads <= 7; threads += 5) {
        assert_ok(sf_thread_count_set(threads));
        options.first = 0;
        assert_ok(sf_split_gibbs(l->observation, l->prior, &options, 2, parts, NULL));
        options.first = 2;
        assert_ok(
            sf_split_gibbs(l->observation, l->prior, &options, 3, parts + 2 * l->cells, NULL));
        assert_memory_equal(all, parts, BATCH * l->cells * sizeof *all);
    }
    assert_ok(sf_thread_count_set(0));
    options.first = 0;
    options.stream = 1;
    assert_ok(sf_split_gibbs(l->observation, l->prior, &options, 1, parts, NULL));
    assert_true(fabs(parts[0] - all[0]) > 0.0);
    sf_free(all);
    sf_free(parts);
    dense_law_free(l);
}

static bool stop_after_two(const sf_monitor_event *event, void *user)
{
    double *const coupling = user;

    assert_string_equal(event->stage, "split Gibbs");
    assert_int_equal(event->total, 6);
    *coupling = event->residual;
    return event->iteration < 2;
}

/* Without iterations of falling rho the heat of these is that of nothing, and that of the last ones
 * counts. */
static void test_heat_is_of_its_iterations(void **state)
{
    sf_split_gibbs_options options = small_chain();
    dense_law *l = dense_law_make(true, true);
    double *x = new_array(l->cells), *hot = new_array(l->cells);

    (void)state;
    options.iterations = 0;
    assert_ok(sf_split_gibbs(l->observation, l->prior, &options, 1, x, NULL));
    options.heat = 1.5;
    assert_ok(sf_split_gibbs(l->observation, l->prior, &options, 1, hot, NULL));
    assert_memory_equal(x, hot, l->cells * sizeof *x);
    options.heat_held = 1.5;
    assert_ok(sf_split_gibbs(l->observation, l->prior, &options, 1, hot, NULL));
    assert_true(fabs(x[0] - hot[0]) > 0.0);
    sf_free(x);
    sf_free(hot);
    dense_law_free(l);
}

static void test_monitor_stops(void **state)
{
    sf_split_gibbs_options options = small_chain();
    dense_law *l = dense_law_make(true, false);
    double *x = new_array(l->cells), coupling;
    sf_split_gibbs_report report;

    (void)state;
    options.monitor = (sf_monitor){stop_after_two, &coupling};
    assert_ok(sf_split_gibbs(l->observation, l->prior, &options, 1, x, &report));
    assert_int_equal(report.iterations, 2);
    assert_true(report.stop == SF_STOP_MONITOR);
    assert_close(coupling, 8.0 * pow(1.0 / 8.0, 0.25), 1e-12);
    assert_close(report.level, 0.4 * coupling * l->observation->noise, 1e-12);
    assert_ok(sf_split_gibbs(l->observation, l->prior, &options, 0, NULL, &report));
    sf_free(x);
    dense_law_free(l);
}

static void test_bad_input(void **state)
{
    const sf_split_gibbs_options good = small_chain();
    sf_split_gibbs_options bad[9];
    dense_law *l = dense_law_make(true, false), *other = dense_law_make(true, true);
    double *x = new_array(other->cells);

    (void)state;
    for (size_t i = 0; i < 9; i++) bad[i] = good;
    bad[0].hold = 0;
    bad[1].steps = 0;
    bad[2].steps_held = 0;
    bad[3].from = -1.0;
    bad[4].depth = 1.0;
    bad[5].end = 0.5;
    bad[6].end = NAN;
    bad[7].end = 0.0;
    bad[8].from = INFINITY;
    for (size_t i = 0; i < 9; i++)
        assert_status(SF_ERR_ARGUMENT,
                      sf_split_gibbs(l->observation, l->prior, &bad[i], 1, x, NULL));
    assert_non_null(strstr(sf_last_error(), "falls from inf"));
    assert_status(SF_ERR_SHAPE, sf_split_gibbs(l->observation, other->prior, &good, 1, x, NULL));
    assert_non_null(strstr(sf_last_error(), "8x8 but the scene is 6x6"));
    sf_free(x);
    dense_law_free(l);
    dense_law_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditional_is_exact),
        cmocka_unit_test(test_law_of_the_chain),
        cmocka_unit_test(test_posterior_is_the_limit),
        cmocka_unit_test(test_same_bits_in_any_batch_on_any_threads),
        cmocka_unit_test(test_heat_is_of_its_iterations),
        cmocka_unit_test(test_monitor_stops),
        cmocka_unit_test(test_bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
