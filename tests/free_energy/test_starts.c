/* test_starts.c - where chains begin without exact draws: samples chosen by their weights, moved
 * on, and held against exact draws. False alarms: 4.5 standard errors, 7e-6 a comparison; the seeds
 * are fixed. */
#include "free_energy/gaussians.h"
#include "mcmc/counted.h"

#include <string.h>

enum { N = 2 };

static const sf_kernel hmc = {.kind = SF_KERNEL_HMC, .leapfrogs = 4, .jitter = 0.2};
/* Moves that lead nowhere: starts stay where they were chosen, and look unsettled. */
static const sf_kernel still = {.kind = SF_KERNEL_RANDOM_WALK};

/* From N(0, 1) to N(0, 1/4), known by exact draws, too (exact), or by its values alone (path). */
typedef struct case_of {
    sf_density *ends[2], *target;
    sf_path *exact, *path;
    atomic_size_t points;
    sf_schedule schedule;
    sf_anneal_options options;
} case_of;

static void set_up(case_of *c, size_t temperatures, double step, sf_kernel kernel)
{
    c->exact = gaussian_path(N, 0.25, 1.0, c->ends);
    c->target = count_points(c->ends[1], &c->points);
    assert_ok(sf_path_geometric(c->ends[0], c->target, &c->path));
    assert_ok(sf_schedule_create(SF_SCHEDULE_LINEAR, 0.0, temperatures, step, &c->schedule));
    c->options = sf_anneal_options_default();
    c->options.kernel = kernel;
    c->options.keep_samples = true;
    c->options.seed = 11;
}

static void tear_down(case_of *c)
{
    sf_schedule_release(&c->schedule);
    sf_path_release(&c->path);
    sf_path_release(&c->exact);
    sf_density_release(&c->target);
    for (size_t i = 0; i < 2; i++) sf_density_release(&c->ends[i]);
}

static double find_ess(const sf_anneal_run *run)
{
    const double *w = sf_anneal_run_log_weights(run);
    double sum = 0.0, squares = 0.0;

    for (size_t i = 0; i < sf_anneal_run_chains(run); i++) {
        sum += exp(w[i]);
        squares += exp(2.0 * w[i]);
    }
    return sum * sum / squares;
}

/* ---- the choice ----------------------------------------------------------------------------- */

/* The chain whose sample is nearest to a start. */
static size_t find_chain(const sf_anneal_run *run, const double *start)
{
    const double *x = sf_anneal_run_samples(run);
    double least = INFINITY;
    size_t nearest = 0;

    for (size_t i = 0; i < sf_anneal_run_chains(run); i++) {
        const double distance = hypot(x[N * i] - start[0], x[N * i + 1] - start[1]);

        if (distance >= least) continue;
        least = distance;
        nearest = i;
    }
    assert_true(least < 1e-9);
    return nearest;
}

/* Chain i is chosen count W_i times, rounded up or down, whatever the count. */
static void samples_are_chosen_by_their_weights(void **state)
{
    enum { CHAINS = 200 };
    const size_t counts[3] = {50, 200, 1000};
    sf_anneal_run *run;
    sf_starts starts;
    case_of c;

    (void)state;
    set_up(&c, 2, 1e-12, still);
    c.options.chains = CHAINS;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    for (size_t k = 0; k < 3; k++) {
        size_t times[CHAINS] = {0};
        double sum = 0.0;

        assert_ok(sf_starts_settle(run, counts[k], 16, &starts));
        assert_int_equal(starts.count, counts[k]);
        for (size_t i = 0; i < CHAINS; i++) sum += exp(sf_anneal_run_log_weights(run)[i]);
        for (size_t i = 0; i < counts[k]; i++) times[find_chain(run, starts.x + N * i)]++;
        for (size_t i = 0; i < CHAINS; i++) {
            const double fair = (double)counts[k] * exp(sf_anneal_run_log_weights(run)[i]) / sum;

            assert_true(fabs((double)times[i] - fair) < 1.0 + 1e-9);
        }
        sf_starts_release(&starts);
    }
    sf_anneal_run_release(&run);
    tear_down(&c);
}

/* Starts that do not move are good up to twice what the samples are worth, and that from 100 on. */
static void copies_that_do_not_settle_are_no_good(void **state)
{
    const size_t chains[2] = {120, 400};
    sf_starts starts;
    sf_anneal_run *run;
    case_of c;

    (void)state;
    set_up(&c, 2, 1e-12, still);
    for (size_t i = 0; i < 2; i++) {
        double ess;

        c.options.chains = chains[i];
        assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
        ess = find_ess(run);
        assert_true((ess > 100.0) == (i == 1));
        for (size_t k = 0; k < 3; k++) {
            const size_t count[3] = {0, (size_t)(1.99 * ess), (size_t)(2.01 * ess)};
            sf_log_z log_z = {.reliable = true};

            assert_ok(sf_starts_settle(run, count[k], 16, &starts));
            assert_false(starts.report.settled);
            if (k == 0) assert_int_equal(starts.count, i == 1 ? (size_t)ess : chains[i]);
            assert_true(starts.good == (i == 1 && k < 2));
            sf_starts_judge(&starts, &log_z);
            assert_true(log_z.reliable == starts.good);
            assert_true(starts.good || strstr(log_z.verdict, "settled") != NULL);
            sf_starts_release(&starts);
        }
        sf_anneal_run_release(&run);
    }
    tear_down(&c);
}

/* Few samples that move on become draws, and so do those of unadjusted kernels; z-scores of the
 * moments of N(0, 1/4). */
static void starts_settle(void **state)
{
    enum { COUNT = 800, CHAINS = 60 };
    const sf_kernel kernels[3] = {
        hmc,
        {.kind = SF_KERNEL_ULA},
        {.kind = SF_KERNEL_UNDERDAMPED, .leapfrogs = 4, .friction = 1.0, .jitter = 0.2}};

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        sf_anneal_run *run;
        sf_starts starts;
        size_t before;
        case_of c;

        set_up(&c, 3, 0.2, kernels[k]);
        c.options.chains = CHAINS;
        assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
        before = atomic_load(&c.points);
        assert_ok(sf_starts_settle(run, COUNT, 400, &starts));
        assert_int_equal(starts.evaluations, atomic_load(&c.points) - before);
        assert_true(starts.good && starts.report.settled);
        for (size_t i = 0; i < N; i++) {
            double sum = 0.0, squares = 0.0;

            for (size_t s = 0; s < COUNT; s++) {
                sum += starts.x[N * s + i];
                squares += starts.x[N * s + i] * starts.x[N * s + i];
            }
            assert_close(sum / COUNT, 0.0, 4.5 * 0.5 / sqrt(COUNT));
            assert_close(squares / COUNT, 0.25, 4.5 * 0.25 * sqrt(2.0 / COUNT));
        }
        sf_starts_release(&starts);
        sf_anneal_run_release(&run);
        tear_down(&c);
    }
}

/* Of resampled chains, those of one ancestor are worth one. */
static void ancestors_bound_what_samples_are_worth(void **state)
{
    enum { CHAINS = 2000 };
    sf_anneal_state end;
    sf_anneal_run *run;
    sf_starts starts;
    case_of c;

    (void)state;
    set_up(&c, 12, 0.2, hmc);
    c.options.method = SF_ANNEAL_SMC;
    c.options.chains = CHAINS;
    c.options.resample_below = 1.0;
    c.options.batch = 500;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    assert_ok(sf_anneal_run_state(run, 11, &end));
    assert_ok(sf_starts_settle(run, 0, 16, &starts));
    assert_true(end.ancestors >= 100 && (double)end.ancestors < find_ess(run));
    assert_int_equal(starts.count, end.ancestors);
    sf_starts_release(&starts);
    sf_anneal_run_release(&run);
    tear_down(&c);
}

/* ---- annealed to ---------------------------------------------------------------------------- */

static void starts_are_annealed_to(void **state)
{
    enum { COUNT = 600 };
    const double mean[N] = {4.0, -3.0}, variance[N] = {0.04, 2.0};
    sf_starts_options options = sf_starts_options_default();
    atomic_size_t points;
    sf_density *base, *far, *target;
    sf_starts starts;

    (void)state;
    assert_ok(sf_density_gaussian(N, NULL, NULL, &base));
    assert_ok(sf_density_gaussian(N, mean, variance, &far));
    target = count_points(far, &points);
    options.count = COUNT;
    options.moves = 100;
    assert_ok(sf_starts_anneal(base, target, &options, &starts));
    assert_int_equal(starts.count, COUNT);
    assert_int_equal(starts.evaluations, atomic_load(&points));
    assert_true(starts.good);
    for (size_t i = 0; i < N; i++) {
        double sum = 0.0, squares = 0.0;

        for (size_t s = 0; s < COUNT; s++) {
            const double away = starts.x[N * s + i] - mean[i];

            sum += away;
            squares += away * away;
        }
        assert_close(sum / COUNT, 0.0, 4.5 * sqrt(variance[i] / COUNT));
        assert_close(squares / COUNT, variance[i], 4.5 * variance[i] * sqrt(2.0 / COUNT));
    }
    sf_starts_release(&starts);
    assert_null(starts.x);
    options.count = 0;
    assert_status(SF_ERR_ARGUMENT, sf_starts_anneal(base, target, &options, &starts));
    options.count = SIZE_MAX / 2 + 2;
    assert_status(SF_ERR_ARGUMENT, sf_starts_anneal(base, target, &options, &starts));
    sf_density_release(&base);
    sf_density_release(&far);
    sf_density_release(&target);
}

/* ---- the way back --------------------------------------------------------------------------- */

/* With exact draws it is the reverse run, bit by bit, also of a run that was given its starts. */
static void exact_draws_are_preferred(void **state)
{
    enum { CHAINS = 300 };
    static double x[CHAINS * N];
    sf_anneal_run *there, *back, *reverse;
    sf_starts starts;
    case_of c;

    (void)state;
    set_up(&c, 8, 0.3, hmc);
    assert_ok(sf_density_draw(c.ends[0], 1, 2, 0, CHAINS, x));
    c.options.chains = c.options.starts = CHAINS;
    c.options.start = x;
    assert_ok(sf_anneal(c.exact, &c.schedule, &c.options, &there));
    c.options.start = NULL;
    c.options.starts = 0;
    c.options.reverse = true;
    assert_ok(sf_anneal(c.exact, &c.schedule, &c.options, &reverse));
    assert_ok(sf_anneal_back(there, 100, NULL, &starts, &back));
    assert_null(starts.x);
    assert_true(starts.good && starts.evaluations == 0);
    assert_true(sf_anneal_run_reverse(back));
    assert_null(sf_anneal_run_samples(back));
    assert_int_equal(sf_anneal_run_chains(back), CHAINS);
    assert_memory_equal(sf_anneal_run_log_weights(back), sf_anneal_run_log_weights(reverse),
                        CHAINS * sizeof(double));
    sf_anneal_run_release(&reverse);
    assert_status(SF_ERR_ARGUMENT, sf_anneal_back(back, 100, NULL, &starts, &reverse));
    assert_null(reverse);
    sf_starts_release(&starts);
    sf_anneal_run_release(&there);
    sf_anneal_run_release(&back);
    tear_down(&c);
}

/* Without them, log-weights from settled samples have the law of those from exact draws: their
 * means and variances are those of another seed's within their errors, and log Z is (n/2)
 * log(pi/2). */
static void settled_samples_are_like_exact_draws(void **state)
{
    const double log_z = 0.5 * N * log(2.0 * acos(-1.0) * 0.25);
    const sf_anneal_method methods[2] = {SF_ANNEAL_AIS, SF_ANNEAL_SMC};
    sf_anneal_report known, found;
    sf_anneal_run *there, *back, *reverse;
    sf_starts starts;
    case_of c;

    (void)state;
    for (size_t m = 0; m < 2; m++) {
        set_up(&c, 8, 0.3, hmc);
        c.options.chains = 4000;
        c.options.method = methods[m];
        c.options.resample_below = 0.9; /* or it never would */
        assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &there));
        assert_ok(sf_anneal_back(there, 100, NULL, &starts, &back));
        c.options.reverse = true;
        c.options.seed = 12;
        assert_ok(sf_anneal(c.exact, &c.schedule, &c.options, &reverse));
        assert_ok(sf_anneal_estimate(NULL, reverse, &known));
        assert_ok(sf_anneal_estimate(there, back, &found));
        assert_true(starts.good);
        assert_true(starts.count > 1000 && starts.count < 4000);
        assert_int_equal(sf_anneal_run_chains(back), starts.count);
        assert_int_equal(sf_anneal_run_islands(back), sf_anneal_run_islands(there));
        assert_close(found.upper_bound, known.upper_bound,
                     4.5 * hypot(found.upper_error, known.upper_error));
        if (m == 0)
            assert_close(found.reverse.variance, known.reverse.variance,
                         4.5 * known.reverse.variance * sqrt(2.0 / (double)starts.count) * 1.5);
        assert_true(found.estimate.reliable);
        assert_close(found.estimate.value, log_z, 4.5 * found.estimate.error);
        sf_starts_release(&starts);
        sf_anneal_run_release(&there);
        sf_anneal_run_release(&back);
        sf_anneal_run_release(&reverse);
        tear_down(&c);
    }
}

static bool stop_settling(const sf_monitor_event *event, void *user)
{
    (void)user;
    return strcmp(event->stage, "equilibrate") != 0;
}

static void what_has_no_starts_is_refused(void **state)
{
    sf_anneal_run *run, *back;
    sf_starts starts;
    case_of c;

    (void)state;
    set_up(&c, 4, 0.3, hmc);
    c.options.chains = 100;
    c.options.keep_samples = false;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    assert_status(SF_ERR_ARGUMENT, sf_starts_settle(run, 0, 100, &starts));
    assert_status(SF_ERR_ARGUMENT, sf_anneal_back(run, 100, NULL, &starts, &back));
    assert_null(back);
    sf_anneal_run_release(&run);
    c.options.keep_samples = true;
    c.options.monitor.function = stop_settling;
    assert_ok(sf_anneal(c.path, &c.schedule, &c.options, &run));
    assert_status(SF_ERR_INTERRUPTED, sf_anneal_back(run, 100, NULL, &starts, &back));
    assert_null(back);
    assert_null(starts.x);
    assert_status(SF_ERR_ARGUMENT, sf_starts_settle(run, 0, 15, &starts));
    assert_null(starts.x);
    sf_anneal_run_release(&run);
    tear_down(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_chosen_by_their_weights),
        cmocka_unit_test(copies_that_do_not_settle_are_no_good),
        cmocka_unit_test(starts_settle),
        cmocka_unit_test(ancestors_bound_what_samples_are_worth),
        cmocka_unit_test(starts_are_annealed_to),
        cmocka_unit_test(exact_draws_are_preferred),
        cmocka_unit_test(settled_samples_are_like_exact_draws),
        cmocka_unit_test(what_has_no_starts_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
