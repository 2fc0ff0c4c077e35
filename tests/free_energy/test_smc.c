/* test_smc.c - sequential Monte Carlo: resampling keeps means, Z is unbiased for every kernel and
 * step, its variance is known from one run's genealogy, and so are the errors of expectation
 * values. False alarms: 4.5 standard errors, 7e-6 a comparison, where nothing else is said; the
 * seeds are fixed. */
#include "free_energy/gaussians.h"
#include "free_energy/repetitions.h"
#include "free_energy/resampling.h"
#include "mcmc/sample.h"

#include <string.h>

static const sf_resampling all_kinds[] = {SF_RESAMPLING_SYSTEMATIC, SF_RESAMPLING_STRATIFIED,
                                          SF_RESAMPLING_RESIDUAL, SF_RESAMPLING_MULTINOMIAL};
enum { KINDS = 4 };

/* ---- resampling ----------------------------------------------------------------------------- */

/* Means N W_k, families' variances as they are said to be, nothing of weight zero, and systematic
 * and residual resampling within one of the mean, or not below it. */
static void resampling_keeps_means(void **state)
{
    enum { N = 8, DRAWS = 40000 };
    const double weight[N] = {0.05, 0.3, 0.0, 0.11, 0.14, 0.2, 0.2, 0.0};
    const size_t ancestor[N] = {0, 0, 1, 3, 3, 4, 7, 7};
    const sf_random random = sf_random_make(5, 1);

    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        double sum[N] = {0.0}, squares[N] = {0.0}, family[N] = {0.0}, family_squares[N] = {0.0};
        double room[2 * N + 1], variance = 0.0;

        for (uint64_t draw = 0; draw < DRAWS; draw++) {
            size_t from[N];
            double taken[N] = {0.0}, of[N] = {0.0};

            sf_resampling_choose(all_kinds[kind], random, 3, draw * (N + 1), N, weight, room, from);
            for (size_t i = 0; i < N; i++) taken[from[i]] += 1.0, of[ancestor[from[i]]] += 1.0;
            for (size_t k = 0; k < N; k++) {
                sum[k] += taken[k];
                squares[k] += taken[k] * taken[k];
                family[k] += of[k];
                family_squares[k] += of[k] * of[k];
                if (weight[k] == 0.0) assert_true(taken[k] == 0.0);
                if (kind == 0) assert_true(fabs(taken[k] - N * weight[k]) < 1.0 + 1e-12);
                if (kind == 2) assert_true(taken[k] > N * weight[k] - 1.0 - 1e-12);
            }
        }
        for (size_t k = 0; k < N; k++) {
            const double mean = sum[k] / DRAWS, of = family[k] / DRAWS;
            const double error = sqrt(fmax(squares[k] / DRAWS - mean * mean, 1e-9) / DRAWS);

            assert_close(mean, N * weight[k], 4.5 * error);
            variance += family_squares[k] / DRAWS - of * of;
        }
        assert_close(sf_resampling_variance(all_kinds[kind], N, weight, ancestor, room), variance,
                     0.03 * variance);
    }
}

/* Rounding must not lead to a chain without weight at the end. */
static void rounding_takes_nothing_without_weight(void **state)
{
    enum { N = 10 };
    double weight[N] = {0.0}, room[2 * N + 1];
    size_t from[N];

    (void)state;
    for (size_t k = 0; k + 1 < N; k++) weight[k] = 0.1; /* less than 1 in all */
    for (size_t kind = 0; kind < KINDS; kind++)
        for (uint64_t draw = 0; draw < 1000; draw++) {
            sf_resampling_choose(all_kinds[kind], sf_random_make(5, 1), 3, draw * (N + 1), N,
                                 weight, room, from);
            for (size_t i = 0; i < N; i++) assert_true(from[i] + 1 < N);
        }
}

/* ---- runs ----------------------------------------------------------------------------------- */

typedef struct case_of {
    sf_density *ends[2];
    sf_path *path;
    sf_schedule schedule;
    sf_anneal_options options;
    double log_z;
} case_of;

/* From N(0, 1) to exp(-12.5 x^2), of variance 1/25. */
static void set_up(case_of *c, size_t n, size_t temperatures)
{
    c->path = gaussian_path(n, 0.04, 1.0, c->ends);
    c->log_z = 0.5 * (double)n * log(2.0 * 3.14159265358979323846 * 0.04);
    assert_ok(sf_schedule_create(SF_SCHEDULE_POWER, 2.0, temperatures, 0.1, &c->schedule));
    for (size_t j = 0; j < temperatures; j++)
        c->schedule.step[j] = 0.35 / sqrt(1.0 + 24.0 * c->schedule.b[j]);
    c->options = sf_anneal_options_default();
    c->options.method = SF_ANNEAL_SMC;
    c->options.kernel = (sf_kernel){.kind = SF_KERNEL_HMC, .leapfrogs = 4, .jitter = 0.2};
    c->options.seed = 7;
}

static void tear_down(case_of *c)
{
    sf_schedule_release(&c->schedule);
    sf_path_release(&c->path);
    for (size_t i = 0; i < 2; i++) sf_density_release(&c->ends[i]);
}

/* The mean of Z^2 V over islands is the variance of their Z, by either's own standard errors;
 * resampled three times with all schemes, and at every temperature (but for residual resampling,
 * whose pairs are no longer alike then). */
static void variances_of_one_run_are_those_of_many(void **state)
{
    enum { SIZE = 64, ISLANDS = 1000 };
    static double z[ISLANDS], v[ISLANDS], square[ISLANDS];
    case_of c;

    (void)state;
    set_up(&c, 6, 16);
    c.options.batch = SIZE;
    c.options.chains = (size_t)SIZE * ISLANDS;
    for (size_t k = 0; k < (size_t)2 * KINDS; k++) {
        const sf_anneal_island *island;
        double mean = 0.0, variance = 0.0, estimate = 0.0, error = 0.0;
        sf_anneal_report report;
        sf_anneal_run *run;

        if (k == 2 * SF_RESAMPLING_RESIDUAL + 1) continue;
        c.options.resampling = all_kinds[k / 2];
        c.options.resample_below = k % 2 == 0 ? 0.5 : 0.97;
        assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
        assert_int_equal(sf_anneal_run_islands(run), ISLANDS);
        island = sf_anneal_run_island(run);
        for (size_t i = 0; i < ISLANDS; i++) {
            z[i] = exp(island[i].log_z - c.log_z);
            v[i] = z[i] * z[i] * island[i].variance;
            assert_true(island[i].most >= island[i].variance && island[i].most > 0.0);
            mean += z[i] / ISLANDS;
            estimate += v[i] / ISLANDS;
        }
        assert_mean(ISLANDS, z, 1.0);
        for (size_t i = 0; i < ISLANDS; i++) square[i] = (z[i] - mean) * (z[i] - mean);
        for (size_t i = 0; i < ISLANDS; i++) variance += square[i] / (ISLANDS - 1);
        for (size_t i = 0; i < ISLANDS; i++)
            error += pow(square[i] - variance, 2.0) + pow(v[i] - estimate, 2.0);
        error = sqrt(error) / ISLANDS;
        if (!(fabs(estimate - variance) < 4.5 * error && error < 0.15 * variance))
            print_error("scheme %zu: %.3g is estimated to be %.3g +- %.2g\n", k, variance, estimate,
                        error);
        assert_true(fabs(estimate - variance) < 4.5 * error && error < 0.15 * variance);
        assert_ok(sf_anneal_estimate(run, NULL, &report));
        assert_close(report.estimate.value, c.log_z, 4.5 * report.estimate.error);
        assert_close(report.estimate.error, sqrt(variance / ISLANDS), 0.25 * report.estimate.error);
        assert_true(report.estimate.reliable);
        sf_anneal_run_release(&run);
    }
    tear_down(&c);
}

/* Errors of log Z, there and back, of their mean, and of an expectation value, over repetitions of
 * a run of three islands; E x^2 of the first coordinate is 1/25. */
static void errors_are_calibrated(void **state)
{
    enum { SIZE = 256, ISLANDS = 3, N = 4, TIMES = 200 };
    z_scores z[4] = {{0.0, 0.0, 0}};
    case_of c;

    (void)state;
    set_up(&c, N, 12);
    c.options.batch = SIZE;
    c.options.chains = (size_t)SIZE * ISLANDS;
    c.options.keep_samples = true;
    for (uint64_t seed = 0; seed < TIMES; seed++) {
        double value[SIZE * ISLANDS], mean, error;
        sf_anneal_report report[3];
        sf_anneal_run *run[2];

        c.options.seed = seed;
        for (size_t way = 0; way < 2; way++) {
            c.options.reverse = way == 1;
            assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run[way]));
        }
        assert_ok(sf_anneal_estimate(run[0], NULL, &report[0]));
        assert_ok(sf_anneal_estimate(NULL, run[1], &report[1]));
        assert_ok(sf_anneal_estimate(run[0], run[1], &report[2]));
        for (size_t i = 0; i < 3; i++)
            z_add(&z[i], report[i].estimate.value, report[i].estimate.error, c.log_z);
        for (size_t i = 0; i < (size_t)SIZE * ISLANDS; i++)
            value[i] = pow(sf_anneal_run_samples(run[0])[i * N], 2.0);
        assert_ok(sf_anneal_expectation(run[0], value, &mean, &error));
        z_add(&z[3], mean, error, 0.04);
        for (size_t way = 0; way < 2; way++) sf_anneal_run_release(&run[way]);
    }
    for (size_t i = 0; i < 4; i++) assert_calibrated(&z[i]);
    tear_down(&c);
}

/* Small islands' log Z is low on average, by half its variance. */
static void bounds_lie_on_either_side(void **state)
{
    sf_anneal_report report;
    sf_anneal_run *run[2];
    case_of c;

    (void)state;
    set_up(&c, 4, 8);
    c.options.batch = 8;
    c.options.chains = 8000;
    for (size_t way = 0; way < 2; way++) {
        c.options.reverse = way == 1;
        assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run[way]));
    }
    assert_ok(sf_anneal_estimate(run[0], run[1], &report));
    assert_true(report.lower_bound + 4.5 * report.lower_error < c.log_z);
    assert_true(report.upper_bound - 4.5 * report.upper_error > c.log_z);
    assert_true(report.upper_bound - report.lower_bound < 1.0);
    assert_close(report.estimate.value, c.log_z, 4.5 * report.estimate.error);
    for (size_t way = 0; way < 2; way++) sf_anneal_run_release(&run[way]);
    tear_down(&c);
}

/* ---- any step ------------------------------------------------------------------------------- */

/* Five steps over a factor of 100 for every kernel, both ways, from 100 islands of 40: 60 times 3
 * standard errors, so a false alarm for one seed in seven. */
static void z_is_unbiased_at_any_step(void **state)
{
    enum { SIZE = 40, ISLANDS = 100 };
    static const sf_kernel kernels[] = {
        {.kind = SF_KERNEL_ULA, .step = 0.2},
        {.kind = SF_KERNEL_UNDERDAMPED, .step = 0.5, .leapfrogs = 1, .friction = 1.0},
        {.kind = SF_KERNEL_OU, .step = 1.0},
        {.kind = SF_KERNEL_MALA, .step = 1.0},
        {.kind = SF_KERNEL_HMC, .step = 1.0, .leapfrogs = 3, .jitter = 0.2},
        {.kind = SF_KERNEL_RANDOM_WALK, .step = 2.0},
    };
    const double mean[2] = {0.6, -0.3}, variance[2] = {0.3, 0.2};
    double z[ISLANDS];
    sf_anneal_options options = sf_anneal_options_default();
    sf_density *ends[2];
    sf_schedule schedule;
    sf_path *path;

    (void)state;
    assert_ok(sf_density_gaussian(2, NULL, NULL, &ends[0]));
    assert_ok(sf_density_gaussian(2, mean, variance, &ends[1]));
    assert_ok(sf_path_geometric(ends[0], ends[1], &path));
    options.method = SF_ANNEAL_SMC;
    options.batch = SIZE;
    options.chains = (size_t)SIZE * ISLANDS;
    options.resample_below = 0.9;
    options.moves = 2;
    options.seed = 3;
    for (size_t k = 0; k < 10 * (sizeof kernels / sizeof *kernels); k++) {
        sf_anneal_run *run;
        double score;

        options.kernel = kernels[k / 10];
        options.reverse = k % 2 == 1;
        assert_ok(sf_schedule_create(SF_SCHEDULE_LINEAR, 0.0, 7,
                                     options.kernel.step * pow(100.0, -0.25 * (double)(k / 2 % 5)),
                                     &schedule));
        assert_ok(sf_anneal(path, &schedule, &options, &run));
        for (size_t i = 0; i < ISLANDS; i++) z[i] = exp(sf_anneal_run_island(run)[i].log_z);
        score = z_score(ISLANDS, z, 1.0);
        if (!(fabs(score) < 3.0))
            print_error("kernel %d, step %g: %g standard errors\n", (int)options.kernel.kind,
                        schedule.step[0], score);
        assert_true(fabs(score) < 3.0);
        sf_anneal_run_release(&run);
        sf_schedule_release(&schedule);
    }
    sf_path_release(&path);
    for (size_t i = 0; i < 2; i++) sf_density_release(&ends[i]);
}

/* ---- bits ----------------------------------------------------------------------------------- */

static bool stop_at(const sf_monitor_event *event, void *user)
{
    return event->iteration < *(size_t *)user;
}

/* One, two and seven threads; continued; stopped in the third island. */
static void bits_do_not_depend_on_threads_or_pauses(void **state)
{
    enum { N = 3, SIZE = 150, STAGES = 7, RUNS = 5 };
    const int threads[RUNS] = {1, 2, 7, 1, 2};
    size_t at = 2 * STAGES + 3;
    double first = 0.0;
    sf_anneal_state states[RUNS];
    case_of c;

    (void)state;
    set_up(&c, N, STAGES + 1);
    c.options.batch = SIZE;
    c.options.keep_samples = true;
    for (size_t i = 0; i < RUNS; i++) {
        sf_anneal_run *run;
        sf_anneal_report report;

        assert_ok(sf_thread_count_set(threads[i]));
        c.options.chains = i == 3 ? 1 : i == 4 ? 10 * SIZE : SIZE + 1;
        c.options.monitor = i == 4 ? (sf_monitor){stop_at, &at} : (sf_monitor){NULL, NULL};
        assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
        if (i == 3) assert_ok(sf_anneal_more(run, SIZE));
        assert_int_equal(sf_anneal_run_chains(run), 2 * SIZE);
        assert_true(sf_anneal_run_interrupted(run) == (i == 4));
        assert_ok(sf_anneal_estimate(run, NULL, &report));
        memset(&states[i], 0, sizeof *states);
        assert_ok(sf_anneal_run_state(run, 4, &states[i]));
        if (i == 0) first = report.estimate.value;
        assert_true(report.estimate.value == first);
        /* a run that began with one island has its sums in one group */
        if (i != 3) assert_memory_equal(&states[i], &states[0], sizeof *states);
        sf_anneal_run_release(&run);
    }
    assert_true(states[0].ancestors < (size_t)2 * SIZE);
    assert_ok(sf_thread_count_set(0));
    tear_down(&c);
}

/* ---- genealogy and verdict ------------------------------------------------------------------ */

/* The curve of log Z along the path, in its errors; ancestors only die out. */
static void the_path_is_seen(void **state)
{
    enum { N = 4, SIZE = 500, K = 20 };
    sf_anneal_run *run;
    sf_anneal_state at;
    size_t alive = (size_t)4 * SIZE, resampled = 0;
    case_of c;

    (void)state;
    set_up(&c, N, K);
    c.options.chains = (size_t)4 * SIZE;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    assert_int_equal(sf_anneal_run_islands(run), 4);
    for (size_t j = 0; j < K; j++) {
        assert_ok(sf_anneal_run_state(run, j, &at));
        assert_true(at.ancestors <= alive && at.ess <= 4.0 * SIZE);
        assert_true((at.resampled == 0) == (at.ancestors == alive));
        assert_close(at.log_z,
                     -0.5 * N * log(1.0 + 24.0 * at.b) +
                         at.b * 0.5 * N * log(2.0 * 3.14159265358979323846),
                     4.5 * at.error + 1e-12);
        alive = at.ancestors;
        resampled += at.resampled;
    }
    assert_true(resampled >= 4 && alive < (size_t)4 * SIZE);
    for (size_t i = 0; i < (size_t)4 * SIZE; i++)
        assert_int_equal(sf_anneal_run_ancestors(run)[i] / SIZE, i / SIZE);
    sf_anneal_run_release(&run);
    tear_down(&c);
}

static void few_ancestors_are_not_relied_on(void **state)
{
    sf_anneal_report report;
    sf_anneal_run *run;
    case_of c;

    (void)state;
    set_up(&c, 30, 40);
    c.options.chains = 200;
    c.options.resampling = SF_RESAMPLING_MULTINOMIAL;
    c.options.resample_below = 1.0;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    assert_ok(sf_anneal_estimate(run, NULL, &report));
    assert_false(report.estimate.reliable);
    assert_non_null(strstr(report.estimate.verdict, "ancestors"));
    sf_anneal_run_release(&run);
    tear_down(&c);
}

/* A base without support on the target, and options that are none. */
static void bad_input_is_refused(void **state)
{
    sf_density *ends[2];
    sf_path *path;
    sf_schedule schedule;
    sf_anneal_options options = sf_anneal_options_default();
    sf_anneal_report report;
    sf_anneal_run *run;

    (void)state;
    assert_ok(sf_density_uniform(2, 0.0, 1.0, &ends[0]));
    assert_ok(sf_density_uniform(2, 2.0, 3.0, &ends[1]));
    assert_ok(sf_path_geometric(ends[0], ends[1], &path));
    assert_ok(sf_schedule_create(SF_SCHEDULE_LINEAR, 0.0, 5, 0.1, &schedule));
    options.method = SF_ANNEAL_SMC;
    options.kernel = (sf_kernel){.kind = SF_KERNEL_RANDOM_WALK};
    assert_ok(sf_anneal(path, &schedule, &options, &run));
    assert_status(SF_ERR_NUMERIC, sf_anneal_estimate(run, NULL, &report));
    sf_anneal_run_release(&run);
    options.batch = 1;
    assert_status(SF_ERR_ARGUMENT, sf_anneal(path, &schedule, &options, &run));
    assert_null(run);
    options.batch = 2;
    options.resample_below = 1.5;
    assert_status(SF_ERR_ARGUMENT, sf_anneal(path, &schedule, &options, &run));
    options.resample_below = 0.5;
    options.chains = 0;
    assert_status(SF_ERR_ARGUMENT, sf_anneal(path, &schedule, &options, &run));
    sf_schedule_release(&schedule);
    sf_path_release(&path);
    for (size_t i = 0; i < 2; i++) sf_density_release(&ends[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resampling_keeps_means),
        cmocka_unit_test(rounding_takes_nothing_without_weight),
        cmocka_unit_test(variances_of_one_run_are_those_of_many),
        cmocka_unit_test(errors_are_calibrated),
        cmocka_unit_test(bounds_lie_on_either_side),
        cmocka_unit_test(z_is_unbiased_at_any_step),
        cmocka_unit_test(bits_do_not_depend_on_threads_or_pauses),
        cmocka_unit_test(the_path_is_seen),
        cmocka_unit_test(few_ancestors_are_not_relied_on),
        cmocka_unit_test(bad_input_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
