/* test_anneal.c - annealing against closed forms: log Z, the law of the log-weights, the curve, and
 * the same bits however it is cut. False alarms: 4.5 standard errors, 7e-6 a comparison; the seeds
 * are fixed. */
#include "free_energy/anneal.h"
#include "free_energy/gaussians.h"

#include <string.h>

#define assert_within(value, exact, error)                                            \
    do {                                                                              \
        if (!(fabs((value) - (exact)) < 4.5 * (error)))                               \
            print_error("%.6g +- %.3g, not %.6g\n", (double)(value), (double)(error), \
                        (double)(exact));                                             \
        assert_true(fabs((value) - (exact)) < 4.5 * (error));                         \
    } while (0)

#define PI 3.14159265358979323846

static const sf_kernel hmc = {.kind = SF_KERNEL_HMC, .leapfrogs = 4, .jitter = 0.2};

typedef struct case_of {
    sf_density *ends[2];
    sf_path *path;
    sf_schedule schedule;
    sf_anneal_options options;
    double log_z;
} case_of;

/* From N(0, 1) to 3 exp(-2 x^2): variances 1 and 1/4. */
static void set_up(case_of *c, size_t n, size_t temperatures, double step)
{
    c->path = gaussian_path(n, 0.25, 3.0, c->ends);
    c->log_z = log(3.0) + 0.5 * (double)n * log(2.0 * PI * 0.25);
    assert_ok(sf_schedule_create(SF_SCHEDULE_LINEAR, 0.0, temperatures, step, &c->schedule));
    c->options = sf_anneal_options_default();
    c->options.kernel = hmc;
    c->options.seed = 7;
}

static void tear_down(case_of *c)
{
    sf_schedule_release(&c->schedule);
    sf_path_release(&c->path);
    for (size_t i = 0; i < 2; i++) sf_density_release(&c->ends[i]);
}

/* ---- schedules ------------------------------------------------------------------------------ */

static void schedules_follow_their_rules(void **state)
{
    const double given[3] = {0.0, 0.1, 1.0}, falling[4] = {0.0, 0.5, 0.4, 1.0};
    sf_schedule s;

    (void)state;
    assert_ok(sf_schedule_create(SF_SCHEDULE_LINEAR, 0.0, 5, 0.3, &s));
    for (size_t j = 0; j < 5; j++) assert_close(s.b[j], 0.25 * (double)j, 1e-15);
    for (size_t j = 0; j < 5; j++) assert_true(s.step[j] == 0.3);
    sf_schedule_release(&s);
    assert_ok(sf_schedule_create(SF_SCHEDULE_POWER, 4.0, 5, 0.3, &s));
    for (size_t j = 0; j < 5; j++) assert_close(s.b[j], pow(0.25 * (double)j, 4.0), 1e-15);
    sf_schedule_release(&s);
    assert_ok(sf_schedule_create(SF_SCHEDULE_SIGMOID, 4.0, 5, 0.3, &s));
    for (size_t j = 0; j < 5; j++) /* the logistic function of 4 (2 t - 1)/2, from 0 to 1 */
        assert_close(s.b[j],
                     (1.0 / (1.0 + exp(-4.0 * (0.5 * (double)j - 1.0))) - 1.0 / (1.0 + exp(4.0))) /
                         (1.0 / (1.0 + exp(-4.0)) - 1.0 / (1.0 + exp(4.0))),
                     1e-14);
    sf_schedule_release(&s);
    assert_ok(sf_schedule_given(given, 3, 0.2, &s));
    assert_memory_equal(s.b, given, sizeof given);
    sf_schedule_release(&s);
    assert_status(SF_ERR_ARGUMENT, sf_schedule_given(falling, 4, 0.2, &s));
    assert_null(s.b);
    assert_status(SF_ERR_ARGUMENT, sf_schedule_given(given, 2, 0.2, &s));
    assert_status(SF_ERR_ARGUMENT, sf_schedule_given(given + 1, 2, 0.2, &s));
    assert_status(SF_ERR_ARGUMENT, sf_schedule_given(given, 3, 0.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_schedule_create(SF_SCHEDULE_LINEAR, 0.0, 1, 0.2, &s));
    assert_status(SF_ERR_ARGUMENT, sf_schedule_create(SF_SCHEDULE_POWER, 0.0, 5, 0.2, &s));
    assert_status(SF_ERR_ARGUMENT, sf_schedule_create(SF_SCHEDULE_POWER, 900.0, 5, 0.2, &s));
    assert_non_null(strstr(sf_last_error(), "increase"));
}

/* ---- laws ----------------------------------------------------------------------------------- */

/* Without temperatures between the ends the weights are f1/f0 at draws of f0. */
static void two_temperatures_are_importance_sampling(void **state)
{
    enum { N = 2, CHAINS = 300 };
    double l0[CHAINS], l1[CHAINS];
    sf_anneal_run *run;
    case_of c;

    (void)state;
    set_up(&c, N, 2, 0.3);
    c.options.chains = CHAINS;
    c.options.keep_samples = true;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    assert_int_equal(sf_anneal_run_chains(run), CHAINS);
    assert_ok(sf_density_evaluate(c.ends[0], CHAINS, sf_anneal_run_samples(run), l0, NULL));
    assert_ok(sf_density_evaluate(c.ends[1], CHAINS, sf_anneal_run_samples(run), l1, NULL));
    for (size_t i = 0; i < CHAINS; i++)
        assert_close(sf_anneal_run_log_weights(run)[i], l1[i] - l0[i], 1e-13);
    sf_anneal_run_release(&run);
    tear_down(&c);
}

/* With moves that forget (twelve of HMC) the log-weight is a sum of independent terms
 * (b_j+1 - b_j) (log f1 - log f0)(x_j), x_j of variance v_j = 1/(1 + 3 b_j). */
static void log_weights_have_their_law(void **state)
{
    enum { N = 10, K = 11, CHAINS = 6000 };
    double mean = 0.0, variance = 0.0, log_z_curve;
    sf_anneal_run *run[2];
    sf_anneal_report report;
    sf_anneal_state at;
    case_of c;

    (void)state;
    set_up(&c, N, K, 0.35);
    c.options.chains = CHAINS;
    c.options.moves = 12;
    for (size_t way = 0; way < 2; way++) {
        c.options.reverse = way == 1;
        assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run[way]));
    }
    assert_ok(sf_anneal_estimate(run[0], run[1], &report));
    for (size_t way = 0; way < 2; way++) {
        const sf_weights *w = way == 0 ? &report.forward : &report.reverse;
        const double sign = way == 0 ? 1.0 : -1.0, count = CHAINS;

        mean = sign * c.log_z;
        variance = 0.0;
        for (size_t j = 0; j + 1 < K; j++) {
            const double v = 1.0 / (1.0 + 3.0 * c.schedule.b[j + way]), db = 1.0 / (K - 1.0);

            mean -= sign * 0.5 * N *
                    (3.0 * v * db -
                     log((1.0 + 3.0 * c.schedule.b[j + 1]) / (1.0 + 3.0 * c.schedule.b[j])));
            variance += 0.5 * N * 9.0 * v * v * db * db;
        }
        assert_within(w->mean, mean, sqrt(variance / count));
        assert_within(w->variance, variance, variance * sqrt(2.0 / count) * 1.2);
    }
    assert_within(report.estimate.value, c.log_z, report.estimate.error);
    assert_true(report.estimate.reliable);
    assert_true(report.lower_bound < c.log_z && c.log_z < report.upper_bound);
    assert_within(report.bar.crossing, c.log_z, 3.0 * report.estimate.error);
    assert_within(report.thermodynamic.estimate.value, c.log_z,
                  hypot(report.thermodynamic.estimate.error, report.thermodynamic.discretisation));
    assert_true(report.thermodynamic.estimate.error < 0.1);
    for (size_t j = 0; j < K; j++) {
        const double precision = 1.0 + 3.0 * c.schedule.b[j];

        assert_ok(sf_anneal_run_state(run[0], j, &at));
        log_z_curve = c.schedule.b[j] * (c.log_z + 0.5 * N * log(4.0)) - 0.5 * N * log(precision);
        if (j > 0) assert_within(at.log_z, log_z_curve, at.error);
        if (j + 1 == K) assert_close(at.ess, report.forward.ess, 1e-9 * CHAINS);
        if (j + 1 == K) assert_close(at.log_z, report.forward.log_mean, 1e-12);
        if (j + 1 == K) assert_close(at.variance, report.forward.variance, 1e-10);
        assert_within(at.slope, c.log_z + 0.5 * N * log(4.0) - 1.5 * N / precision, at.slope_error);
    }
    for (size_t way = 0; way < 2; way++) sf_anneal_run_release(&run[way]);
    tear_down(&c);
}

/* ---- bits ----------------------------------------------------------------------------------- */

static void bits_do_not_depend_on_threads_or_batches(void **state)
{
    static const struct {
        int threads;
        size_t batch;
    } cuts[] = {{1, 0}, {2, 0}, {7, 64}, {2, 1}, {1, 999}};
    sf_anneal_report reports[5];
    sf_anneal_state states[5];
    case_of c;

    (void)state;
    set_up(&c, 3, 6, 0.3);
    for (size_t i = 0; i < 5; i++) {
        sf_anneal_run *run;

        assert_ok(sf_thread_count_set(cuts[i].threads));
        c.options.batch = cuts[i].batch;
        memset(&states[i], 0, sizeof states[i]);
        assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
        assert_ok(sf_anneal_estimate(run, NULL, &reports[i]));
        assert_ok(sf_anneal_run_state(run, 3, &states[i]));
        reports[i].seconds = 0.0;
        sf_anneal_run_release(&run);
        assert_true(reports[i].estimate.value == reports[0].estimate.value);
        assert_true(reports[i].thermodynamic.estimate.value ==
                    reports[0].thermodynamic.estimate.value);
        assert_true(reports[i].thermodynamic.estimate.error ==
                    reports[0].thermodynamic.estimate.error);
        assert_memory_equal(&states[i], &states[0], sizeof *states);
        assert_int_equal(reports[i].evaluations, reports[0].evaluations);
    }
    assert_ok(sf_thread_count_set(0));
    tear_down(&c);
}

/* A run that is continued, and one that the monitor stops, are what a run of as many chains is. */
static bool stop_at(const sf_monitor_event *event, void *user)
{
    return event->iteration < *(size_t *)user;
}

static void runs_can_be_continued_and_stopped(void **state)
{
    enum { N = 3, STAGES = 5 };
    size_t at = 3 * STAGES + 2;
    sf_anneal_run *run[3];
    sf_anneal_report report[3];
    case_of c;

    (void)state;
    set_up(&c, N, STAGES + 1, 0.3);
    c.options.chains = 300;
    c.options.batch = 100;
    c.options.keep_samples = true;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run[0]));
    c.options.chains = 120;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run[1]));
    assert_ok(sf_anneal_more(run[1], 180));
    c.options.chains = 1000;
    c.options.monitor = (sf_monitor){stop_at, &at};
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run[2]));
    assert_true(sf_anneal_run_interrupted(run[2]));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(sf_anneal_run_chains(run[i]), 300);
        assert_ok(sf_anneal_estimate(run[i], NULL, &report[i]));
        assert_true(report[i].estimate.value == report[0].estimate.value);
        assert_true(report[i].thermodynamic.estimate.error ==
                    report[0].thermodynamic.estimate.error);
        assert_memory_equal(sf_anneal_run_samples(run[i]), sf_anneal_run_samples(run[0]),
                            300 * N * sizeof(double));
        assert_memory_equal(sf_anneal_run_log_weights(run[i]), sf_anneal_run_log_weights(run[0]),
                            300 * sizeof(double));
    }
    assert_true(report[1].evaluations == report[0].evaluations);
    for (size_t i = 0; i < 3; i++) sf_anneal_run_release(&run[i]);
    at = 2;
    assert_status(SF_ERR_INTERRUPTED, sf_anneal(c.path, &c.schedule, &c.options, &run[0]));
    assert_null(run[0]);
    tear_down(&c);
}

static void runs_go_on_until_the_error_is_small(void **state)
{
    sf_anneal_run *run[2];
    sf_anneal_report report;
    case_of c;

    (void)state;
    set_up(&c, 4, 6, 0.3);
    c.options.chains = 100;
    for (size_t way = 0; way < 2; way++) {
        c.options.reverse = way == 1;
        assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run[way]));
    }
    assert_ok(sf_anneal_until(run[0], run[1], 0.01, 100000, &report));
    assert_true(report.estimate.error <= 0.01 && report.estimate.error > 0.008);
    assert_within(report.estimate.value, c.log_z, report.estimate.error);
    assert_ok(sf_anneal_until(run[0], NULL, 1e-9, sf_anneal_run_chains(run[0]) + 7, &report));
    assert_true(report.estimate.error > 1e-9);
    assert_int_equal(report.forward.count, sf_anneal_run_chains(run[0]));
    assert_status(SF_ERR_ARGUMENT, sf_anneal_until(run[0], run[1], 0.0, 1000, &report));
    for (size_t way = 0; way < 2; way++) sf_anneal_run_release(&run[way]);
    tear_down(&c);
}

/* ---- samples and starts --------------------------------------------------------------------- */

/* Weighted samples are the target's: E x = 0, E x^2 = 1/4. */
static void expectations_are_the_targets(void **state)
{
    enum { N = 3, CHAINS = 4000 };
    static double value[CHAINS];
    double mean, error;
    sf_anneal_run *run;
    case_of c;

    (void)state;
    set_up(&c, N, 8, 0.3);
    c.options.chains = CHAINS;
    c.options.keep_samples = true;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    for (int power = 1; power <= 2; power++) {
        for (size_t i = 0; i < CHAINS; i++)
            value[i] = pow(sf_anneal_run_samples(run)[N * i], power);
        assert_ok(sf_anneal_expectation(run, value, &mean, &error));
        assert_within(mean, power == 1 ? 0.0 : 0.25, error);
        assert_true(error < 0.015);
    }
    value[5] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_anneal_expectation(run, value, &mean, &error));
    sf_anneal_run_release(&run);
    tear_down(&c);
}

static void equilibrated_starts_lead_back(void **state)
{
    enum { N = 2, CHAINS = 2000 };
    static double x[CHAINS * N];
    sf_equilibrate_options options = {.kernel = hmc, .chains = CHAINS, .moves = 100, .seed = 3};
    sf_equilibrate_report settled;
    sf_anneal_run *run[2];
    sf_anneal_report report;
    case_of c;

    (void)state;
    set_up(&c, N, 8, 0.3);
    options.kernel.step = 0.2;
    for (size_t i = 0; i < CHAINS * N; i++) x[i] = 3.0;
    assert_ok(sf_equilibrate(c.path, 1.0, &options, x, &settled));
    assert_true(settled.settled && settled.acceptance > 0.5);
    assert_within(settled.energy.mean, log(3.0) - 0.5 * N, settled.energy.error);
    c.options.chains = CHAINS;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run[0]));
    c.options.reverse = true;
    c.options.start = x;
    c.options.starts = CHAINS - 1;
    assert_status(SF_ERR_ARGUMENT, sf_anneal(c.path, &c.schedule, &c.options, &run[1]));
    c.options.starts = CHAINS;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run[1]));
    assert_status(SF_ERR_ARGUMENT, sf_anneal_more(run[1], 1));
    assert_int_equal(sf_anneal_run_chains(run[1]), CHAINS);
    assert_ok(sf_anneal_estimate(run[0], run[1], &report));
    assert_true(report.estimate.reliable);
    assert_within(report.estimate.value, c.log_z, report.estimate.error);
    sf_anneal_run_release(&run[1]);
    /* Chains of another law, of the variance 1/16: against Crooks' theorem. */
    for (size_t i = 0; i < CHAINS * N; i++) x[i] *= 0.5;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run[1]));
    assert_ok(sf_anneal_estimate(run[0], run[1], &report));
    assert_false(report.estimate.reliable);
    for (size_t way = 0; way < 2; way++) sf_anneal_run_release(&run[way]);
    tear_down(&c);
}

/* Chains that know one of two modes, whose energies differ: they move well, and never meet. */
static bool in_one_mode_each(void)
{
    enum { CHAINS = 20 };
    const double weight[2] = {1.0, 3.0}, mean[2] = {-10.0, 10.0}, sigma[2] = {1.0, 1.0};
    sf_equilibrate_options options = {.chains = CHAINS, .moves = 400, .seed = 3};
    sf_equilibrate_report report;
    sf_density *f;
    sf_path *path;
    double x[CHAINS];

    options.kernel = (sf_kernel){.kind = SF_KERNEL_MALA, .step = 1.0};
    for (size_t i = 0; i < CHAINS; i++) x[i] = mean[i % 2];
    assert_ok(sf_density_mixture(1, 2, weight, mean, sigma, &f));
    assert_ok(sf_path_tempering(f, 1.0, &path));
    assert_ok(sf_equilibrate(path, 1.0, &options, x, &report));
    sf_path_release(&path);
    sf_density_release(&f);
    return report.settled;
}

/* Few moves of a small step from far away: energies still rise. */
static void unsettled_chains_say_so(void **state)
{
    enum { N = 2, CHAINS = 100 };
    static double x[CHAINS * N];
    sf_equilibrate_options options = {.chains = CHAINS, .moves = 40, .seed = 3};
    sf_equilibrate_report report;
    case_of c;

    (void)state;
    set_up(&c, N, 8, 0.3);
    options.kernel = (sf_kernel){.kind = SF_KERNEL_RANDOM_WALK, .step = 0.02};
    for (size_t i = 0; i < CHAINS * N; i++) x[i] = 3.0;
    assert_ok(sf_equilibrate(c.path, 1.0, &options, x, &report));
    assert_false(report.settled);
    assert_false(in_one_mode_each());
    options.moves = 15;
    assert_status(SF_ERR_ARGUMENT, sf_equilibrate(c.path, 1.0, &options, x, &report));
    options.moves = 40;
    options.kernel.kind = SF_KERNEL_ULA;
    assert_status(SF_ERR_UNSUPPORTED, sf_equilibrate(c.path, 1.0, &options, x, &report));
    tear_down(&c);
}

/* ---- transitions ---------------------------------------------------------------------------- */

/* Quantiles of a normal distribution have 2 sqrt(2/pi)/sqrt(1 - 2/pi), of a uniform one sqrt(12),
 * and two peaks 8 of their widths apart have 8; of peaks that hold too little nothing is said. */
static void separations_are_known(void **state)
{
    enum { COUNT = 4000 };
    static double value[COUNT], normal[COUNT];
    double separation;

    (void)state;
    sf_random_normal(sf_random_make(3, 4), 0, 0, COUNT, normal);
    assert_ok(sf_separation(normal, COUNT, &separation));
    assert_close(separation, 2.0 * sqrt(2.0 / PI) / sqrt(1.0 - 2.0 / PI), 0.1);
    for (size_t i = 0; i < COUNT; i++) value[i] = (double)i;
    assert_ok(sf_separation(value, COUNT, &separation));
    assert_close(separation, sqrt(12.0), 0.01);
    for (size_t i = 0; i < COUNT; i++) value[i] = normal[i] + (i % 5 == 0 ? 8.0 : 0.0);
    assert_ok(sf_separation(value, COUNT, &separation));
    assert_close(separation, 8.0, 0.3);
    for (size_t i = 0; i < COUNT; i++) value[i] = normal[i] + (i % 50 == 0 ? 8.0 : 0.0);
    assert_ok(sf_separation(value, COUNT, &separation));
    assert_true(separation < 4.0);
    value[7] = NAN;
    assert_ok(sf_separation(value, 40, &separation));
    assert_true(isnan(separation));
}

/* A narrow deep well in a wide shallow one, of ten times its width in four dimensions: both have
 * the same weight near b = 0.77. */
static void transitions_of_first_order_are_named(void **state)
{
    enum { N = 4 };
    const double weight[2] = {1.0, exp(12.0)}, sigma[2] = {1.0, 0.1}, mean[2 * N] = {0.0};
    sf_pilot_options pilot = sf_pilot_options_default();
    sf_anneal_options options = sf_anneal_options_default();
    sf_anneal_report report;
    sf_density *ends[2];
    sf_schedule schedule;
    sf_anneal_run *run;
    sf_path *path;

    (void)state;
    assert_ok(sf_density_gaussian(N, NULL, NULL, &ends[0]));
    assert_ok(sf_density_mixture(N, 2, weight, mean, sigma, &ends[1]));
    assert_ok(sf_path_geometric(ends[0], ends[1], &path));
    pilot.temperatures = 60;
    assert_ok(sf_schedule_pilot(path, &pilot, &schedule));
    options.moves = 4;
    assert_ok(sf_anneal(path, &schedule, &options, &run));
    assert_ok(sf_anneal_estimate(run, NULL, &report));
    assert_true(report.separation > 4.0);
    assert_close(report.transition, 0.77, 0.2);
    assert_non_null(strstr(report.warning, "first order"));
    sf_anneal_run_release(&run);
    sf_schedule_release(&schedule);
    sf_path_release(&path);
    for (size_t i = 0; i < 2; i++) sf_density_release(&ends[i]);
}

/* ---- a field -------------------------------------------------------------------------------- */

/* The free scalar field of two masses: the ratio of normalisations is known by Fourier transform.
 */
static void field_ratio_is_exact(void **state)
{
    const size_t shape[2] = {8, 8};
    sf_pilot_options pilot = sf_pilot_options_default();
    sf_anneal_options options = sf_anneal_options_default();
    sf_anneal_run *run[2];
    sf_anneal_report report;
    sf_density *ends[2];
    sf_schedule schedule;
    sf_path *path;
    double exact;

    (void)state;
    assert_ok(sf_density_free_scalar(2, shape, 1.0, &ends[0]));
    assert_ok(sf_density_free_scalar(2, shape, 0.1, &ends[1]));
    exact = sf_density_log_z(ends[1]) - sf_density_log_z(ends[0]);
    assert_ok(sf_path_geometric(ends[0], ends[1], &path));
    assert_ok(sf_schedule_pilot(path, &pilot, &schedule));
    options.moves = 2;
    for (size_t way = 0; way < 2; way++) {
        options.reverse = way == 1;
        assert_ok(sf_anneal(path, &schedule, &options, &run[way]));
    }
    assert_ok(sf_anneal_estimate(run[0], run[1], &report));
    assert_true(report.estimate.reliable);
    assert_within(report.estimate.value, exact, report.estimate.error);
    assert_true(report.estimate.error < 0.05);
    assert_true(report.lower_bound < exact && exact < report.upper_bound);
    assert_true(isnan(report.transition));
    assert_string_equal(report.warning, "");
    for (size_t way = 0; way < 2; way++) sf_anneal_run_release(&run[way]);
    sf_schedule_release(&schedule);
    sf_path_release(&path);
    for (size_t i = 0; i < 2; i++) sf_density_release(&ends[i]);
}

/* ---- what is wrong -------------------------------------------------------------------------- */

static void nonsense_is_refused(void **state)
{
    sf_anneal_run *run, *back;
    sf_anneal_report report;
    sf_anneal_options options;
    sf_anneal_state at;
    case_of c;

    (void)state;
    set_up(&c, 2, 5, 0.3);
    assert_status(SF_ERR_ARGUMENT, sf_anneal(NULL, &c.schedule, &c.options, &run));
    assert_status(SF_ERR_ARGUMENT, sf_anneal(c.path, NULL, &c.options, &run));
    options = c.options;
    options.chains = 0;
    assert_status(SF_ERR_ARGUMENT, sf_anneal(c.path, &c.schedule, &options, &run));
    assert_non_null(strstr(sf_last_error(), "zero chains"));
    assert_null(run);
    options = c.options;
    options.islands = 0;
    assert_status(SF_ERR_ARGUMENT, sf_anneal(c.path, &c.schedule, &options, &run));
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    c.options.reverse = true;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &back));
    assert_status(SF_ERR_ARGUMENT, sf_anneal_estimate(NULL, NULL, &report));
    assert_status(SF_ERR_ARGUMENT, sf_anneal_estimate(back, NULL, &report));
    assert_status(SF_ERR_ARGUMENT, sf_anneal_estimate(run, run, &report));
    assert_status(SF_ERR_ARGUMENT, sf_anneal_run_state(run, 5, &at));
    assert_ok(sf_anneal_estimate(NULL, back, &report));
    assert_within(report.estimate.value, c.log_z, report.estimate.error);
    assert_true(report.lower_bound == -INFINITY && report.upper_bound > c.log_z);
    assert_null(sf_anneal_run_samples(run));
    sf_anneal_run_release(&run);
    sf_anneal_run_release(&back);
    tear_down(&c);
}

/* A base that has no draws, a target that is 0 where the base is: sentences say so. */
static sf_status far_away(const void *self, size_t batch, const double *x, double *log_density,
                          double *score)
{
    (void)self;
    for (size_t b = 0; b < batch; b++) log_density[b] = x[b] > 100.0 ? 0.0 : -INFINITY;
    for (size_t b = 0; score != NULL && b < batch; b++) score[b] = 0.0;
    return SF_OK;
}

static void bases_that_do_not_fit_are_named(void **state)
{
    static const sf_density_methods methods = {.name = "far away", .evaluate = far_away};
    sf_density *base, *target;
    sf_schedule schedule;
    sf_anneal_run *run;
    sf_anneal_report report;
    sf_anneal_options options = sf_anneal_options_default();
    sf_path *path;

    (void)state;
    assert_ok(sf_density_gaussian(1, NULL, NULL, &base));
    assert_ok(sf_density_create(&methods, NULL, 1, &target));
    assert_ok(sf_path_geometric(base, target, &path));
    assert_ok(sf_schedule_create(SF_SCHEDULE_LINEAR, 0.0, 5, 0.1, &schedule));
    assert_ok(sf_anneal(path, &schedule, &options, &run));
    assert_status(SF_ERR_NUMERIC, sf_anneal_estimate(run, NULL, &report));
    assert_non_null(strstr(sf_last_error(), "support"));
    sf_anneal_run_release(&run);
    options.reverse = true;
    assert_status(SF_ERR_UNSUPPORTED, sf_anneal(path, &schedule, &options, &run));
    assert_non_null(strstr(sf_last_error(), "far away"));
    sf_schedule_release(&schedule);
    sf_path_release(&path);
    sf_density_release(&base);
    sf_density_release(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules_follow_their_rules),
        cmocka_unit_test(two_temperatures_are_importance_sampling),
        cmocka_unit_test(log_weights_have_their_law),
        cmocka_unit_test(bits_do_not_depend_on_threads_or_batches),
        cmocka_unit_test(runs_can_be_continued_and_stopped),
        cmocka_unit_test(runs_go_on_until_the_error_is_small),
        cmocka_unit_test(expectations_are_the_targets),
        cmocka_unit_test(equilibrated_starts_lead_back),
        cmocka_unit_test(unsettled_chains_say_so),
        cmocka_unit_test(separations_are_known),
        cmocka_unit_test(transitions_of_first_order_are_named),
        cmocka_unit_test(field_ratio_is_exact),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(bases_that_do_not_fit_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
