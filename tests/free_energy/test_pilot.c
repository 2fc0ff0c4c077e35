/* test_pilot.c - temperatures and steps that a pilot finds, against those that are known. */
#include "free_energy/anneal.h"
#include "free_energy/gaussians.h"
#include "mcmc/counted.h"

#include <string.h>

#define PI 3.14159265358979323846

static const sf_kernel kernels[] = {
    {.kind = SF_KERNEL_MALA, .step = 3.0},
    {.kind = SF_KERNEL_HMC, .step = 0.01, .leapfrogs = 5, .jitter = 0.2},
    {.kind = SF_KERNEL_RANDOM_WALK, .step = 1e-3},
    {.kind = SF_KERNEL_OU, .step = 1.0},
    {.kind = SF_KERNEL_ULA, .step = 1.0},
    {.kind = SF_KERNEL_UNDERDAMPED, .step = 0.01, .leapfrogs = 3, .friction = 1.0, .jitter = 0.2},
};

enum { KERNELS = sizeof kernels / sizeof *kernels };

typedef struct case_of {
    sf_density *ends[2];
    sf_path *path;
    sf_pilot_options options;
    sf_schedule schedule;
} case_of;

static void set_up(case_of *c, size_t n, double v)
{
    c->path = gaussian_path(n, v, 3.0, c->ends);
    c->options = sf_pilot_options_default();
    c->options.seed = 5;
}

static void tear_down(case_of *c)
{
    sf_schedule_release(&c->schedule);
    sf_path_release(&c->path);
    for (size_t i = 0; i < 2; i++) sf_density_release(&c->ends[i]);
}

/* From the variance 1 to v of n numbers: with g = 1/v - 1 the slope's standard deviation is
 * sqrt(n/2) |g|/(1 + g b), so the length up to b is sqrt(n/2) |log(1 + g b)|. A narrowing and a
 * widening target: a solver with a sign wrong finds one of them. */
static void temperatures_stand_evenly_on_the_length(void **state)
{
    enum { N = 20 };
    const double v[2] = {0.25, 9.0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const double g = 1.0 / v[i] - 1.0, length = sqrt(0.5 * N) * fabs(log(v[i]));
        case_of c;

        set_up(&c, N, v[i]);
        assert_ok(sf_schedule_pilot(c.path, &c.options, &c.schedule));
        assert_close((double)c.schedule.count - 1.0, 2.0 * length * length, 0.3 * length * length);
        sf_schedule_release(&c.schedule);
        c.options.cess = 0.98;
        assert_ok(sf_schedule_pilot(c.path, &c.options, &c.schedule));
        assert_close((double)c.schedule.count - 1.0, length / sqrt(-log(0.98)),
                     0.1 * length / sqrt(-log(0.98)));
        sf_schedule_release(&c.schedule);
        c.options.temperatures = 31;
        assert_ok(sf_schedule_pilot(c.path, &c.options, &c.schedule));
        assert_int_equal(c.schedule.count, 31);
        for (size_t j = 0; j < 31; j++) {
            const double exact = log(1.0 + g * c.schedule.b[j]) / log(1.0 + g);

            assert_close(exact, (double)j / 30.0, 0.03);
        }
        tear_down(&c);
    }
}

/* Two modes of the shares p and 1 - p, which no chain leaves, p from 1/10 to 9/10: all that the
 * chains know of b is in their weights, and what these were before a resampling counts no more
 * after it. log p/(1 - p) is linear in b and the length 2 arcsin sqrt(p) - 2 arcsin sqrt(1/10). */
static void resampled_chains_have_equal_weights(void **state)
{
    enum { K = 21 };
    const double shares[2][2] = {{0.1, 0.9}, {0.9, 0.1}};
    const double mean[2] = {-20.0, 20.0}, sigma[2] = {1.0, 1.0};
    const double first = asin(sqrt(0.1)), last = asin(sqrt(0.9)), odds = log(9.0);
    sf_pilot_options options = sf_pilot_options_default();
    sf_density *ends[2];
    sf_schedule schedule;
    sf_path *path;

    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_ok(sf_density_mixture(1, 2, shares[i], mean, sigma, &ends[i]));
    assert_ok(sf_path_geometric(ends[0], ends[1], &path));
    options.chains = 4000;
    options.temperatures = K;
    assert_ok(sf_schedule_pilot(path, &options, &schedule));
    for (size_t j = 0; j < K; j++) {
        const double p = 1.0 / (1.0 + exp(odds * (1.0 - 2.0 * schedule.b[j])));

        assert_close((asin(sqrt(p)) - first) / (last - first), (double)j / (K - 1.0), 0.07);
    }
    sf_schedule_release(&schedule);
    sf_path_release(&path);
    for (size_t i = 0; i < 2; i++) sf_density_release(&ends[i]);
}

/* Every kernel from a step far off: adjusted ones are accepted as often as they should be, and all
 * of them find log Z with log-weights of about the variance that was aimed at. */
static void steps_are_tuned(void **state)
{
    static const double wanted[4] = {0.57, 0.7, 0.25, 0.5};
    enum { N = 8 };

    (void)state;
    for (size_t k = 0; k < KERNELS; k++) {
        sf_anneal_options options = sf_anneal_options_default();
        sf_anneal_report report;
        sf_anneal_run *run;
        case_of c;

        set_up(&c, N, 0.25);
        c.options.kernel = options.kernel = kernels[k];
        assert_ok(sf_schedule_pilot(c.path, &c.options, &c.schedule));
        options.moves = kernels[k].kind == SF_KERNEL_RANDOM_WALK ? 20 : 4;
        options.chains = 2000;
        assert_ok(sf_anneal(c.path, &c.schedule, &options, &run));
        for (size_t j = 1; k < 4 && j + 1 < c.schedule.count; j++) {
            sf_anneal_state at;

            assert_ok(sf_anneal_run_state(run, j, &at));
            if (kernels[k].kind == SF_KERNEL_OU) /* never refused near N(0, 1), which it leads to */
                assert_true(at.acceptance > wanted[k] - 0.15);
            else
                assert_close(at.acceptance, wanted[k], 0.12);
        }
        assert_ok(sf_anneal_estimate(run, NULL, &report));
        assert_close(report.estimate.value, log(3.0) + 0.5 * N * log(2.0 * PI * 0.25),
                     4.5 * report.estimate.error);
        assert_true(report.estimate.reliable);
        assert_true(report.forward.variance < 2.0);
        sf_anneal_run_release(&run);
        tear_down(&c);
    }
}

static void fixed_temperatures_get_steps(void **state)
{
    case_of c;

    (void)state;
    set_up(&c, 8, 0.25);
    c.options.kind = SF_SCHEDULE_POWER;
    c.options.shape = 2.0;
    c.options.temperatures = 11;
    assert_ok(sf_schedule_pilot(c.path, &c.options, &c.schedule));
    for (size_t j = 0; j < 11; j++)
        assert_close(c.schedule.b[j], 0.01 * (double)j * (double)j, 1e-15);
    /* a harmonic target's steps go with its width, 1 to 1/2 */
    assert_close(c.schedule.step[0] / c.schedule.step[10], 2.0, 0.3);
    tear_down(&c);
}

/* Temperatures of one's own are as good as those of a rule: no bit is different. */
static void given_temperatures_get_steps(void **state)
{
    enum { K = 12 };
    const sf_kernel_kind kinds[2] = {SF_KERNEL_HMC, SF_KERNEL_ULA};
    double b[K];
    sf_schedule given;
    case_of c;

    (void)state;
    set_up(&c, 8, 0.25);
    c.options.temperatures = K;
    for (size_t i = 0; i < 2; i++) {
        c.options.kernel.kind = kinds[i];
        c.options.kind = SF_SCHEDULE_LINEAR;
        c.options.b = NULL;
        assert_ok(sf_schedule_pilot(c.path, &c.options, &c.schedule));
        memcpy(b, c.schedule.b, sizeof b);
        c.options.b = b;
        c.options.kind = SF_SCHEDULE_ADAPTIVE;
        assert_ok(sf_schedule_pilot(c.path, &c.options, &given));
        assert_int_equal(given.count, K);
        assert_memory_equal(given.b, b, sizeof b);
        assert_memory_equal(given.step, c.schedule.step, sizeof b);
        sf_schedule_release(&given);
        sf_schedule_release(&c.schedule);
    }
    c.options.step = 0.125;
    assert_ok(sf_schedule_pilot(c.path, &c.options, &c.schedule));
    for (size_t j = 0; j < K; j++) assert_true(c.schedule.step[j] == 0.125);
    sf_schedule_release(&c.schedule);
    b[3] = b[4];
    assert_status(SF_ERR_ARGUMENT, sf_schedule_pilot(c.path, &c.options, &c.schedule));
    tear_down(&c);
}

/* ---- trials --------------------------------------------------------------------------------- */

/* log(N/ESS) of chains that go along a schedule, with the trial's own random numbers. */
static double loss_of(const case_of *c, const sf_schedule *schedule, uint64_t *evaluations)
{
    sf_anneal_options options = sf_anneal_options_default();
    double sum = 0.0, squares = 0.0;
    sf_anneal_run *run;

    options.chains = c->options.trial_chains;
    options.moves = c->options.trial_moves;
    options.kernel = c->options.kernel;
    options.seed = SF_SEED_TRIAL(c->options.seed);
    assert_ok(sf_anneal(c->path, schedule, &options, &run));
    for (size_t i = 0; i < options.chains; i++) {
        sum += exp(sf_anneal_run_log_weights(run)[i]);
        squares += exp(2.0 * sf_anneal_run_log_weights(run)[i]);
    }
    *evaluations += sf_anneal_run_evaluations(run);
    sf_anneal_run_release(&run);
    return log((double)options.chains * squares / sum / sum);
}

/* The rule that the header states, by pilots without trials, each from scratch; returns how many
 * trials there were. */
static size_t follow_rule(const case_of *c, size_t trials, sf_schedule *schedule,
                          uint64_t *evaluations)
{
    sf_pilot_options options = c->options;
    double before = INFINITY;
    size_t tried = 0;

    options.trials = 0;
    *evaluations = 0;
    assert_ok(sf_schedule_pilot(c->path, &options, schedule));
    while (tried < trials) {
        const double loss = loss_of(c, schedule, evaluations);

        tried++;
        if (loss <= 1.0 || loss > 0.7 * before) break;
        before = loss;
        options.temperatures = (size_t)ceil((double)schedule->count * fmin(loss, 4.0));
        sf_schedule_release(schedule);
        assert_ok(sf_schedule_pilot(c->path, &options, schedule));
    }
    return tried;
}

/* Random walks (kernel 2) and Langevin moves without a test (4) do not forget in one move, ten
 * moves of HMC do: the schedule that trials lead to is that of as many temperatures, and the pilot
 * goes its way once. */
static void trials_add_temperatures_by_their_rule(void **state)
{
    const size_t kernel[3] = {2, 4, 1}, moves[3] = {1, 1, 10};
    uint64_t evaluations, walked;
    sf_schedule expected;
    case_of c;

    (void)state;
    set_up(&c, 12, 0.1);
    for (size_t i = 0; i < 3; i++) {
        size_t trials;

        c.options.kernel = kernels[kernel[i]];
        c.options.trials = 0;
        assert_ok(sf_schedule_pilot(c.path, &c.options, &c.schedule));
        walked = c.schedule.evaluations;
        sf_schedule_release(&c.schedule);
        c.options.trials = 3;
        c.options.trial_moves = moves[i];
        trials = follow_rule(&c, 3, &expected, &evaluations);
        assert_true(moves[i] == 1 ? trials > 1 : trials == 1);
        assert_ok(sf_schedule_pilot(c.path, &c.options, &c.schedule));
        assert_int_equal(c.schedule.count, expected.count);
        assert_memory_equal(c.schedule.b, expected.b, expected.count * sizeof(double));
        assert_memory_equal(c.schedule.step, expected.step, expected.count * sizeof(double));
        if (kernel[i] != 4) assert_int_equal(c.schedule.evaluations, walked + evaluations);
        sf_schedule_release(&c.schedule);
        sf_schedule_release(&expected);
    }
    /* where their number is given, nothing is tried */
    c.options.temperatures = 9;
    assert_ok(sf_schedule_pilot(c.path, &c.options, &c.schedule));
    assert_int_equal(c.schedule.count, 9);
    assert_int_equal(c.schedule.evaluations, walked);
    tear_down(&c);
}

/* Chains that stand still have the weights of importance sampling at any temperatures: the second
 * trial is the last. */
static void trials_end_where_temperatures_do_not_help(void **state)
{
    uint64_t evaluations;
    sf_schedule expected;
    size_t count;
    case_of c;

    (void)state;
    set_up(&c, 8, 0.25);
    assert_ok(sf_schedule_pilot(c.path, &c.options, &c.schedule));
    count = c.schedule.count;
    sf_schedule_release(&c.schedule);
    c.options.step = 1e-12;
    c.options.trials = 5;
    assert_int_equal(follow_rule(&c, 5, &expected, &evaluations), 2);
    assert_ok(sf_schedule_pilot(c.path, &c.options, &c.schedule));
    assert_true(c.schedule.count > count && c.schedule.count <= 4 * count);
    assert_int_equal(c.schedule.count, expected.count);
    assert_memory_equal(c.schedule.b, expected.b, expected.count * sizeof(double));
    sf_schedule_release(&expected);
    tear_down(&c);
}

/* A path that does not say that it is a bridge gives the same temperatures. */
static sf_status own_at(const void *self, double b, sf_density **density)
{
    return sf_path_at(self, b, density);
}

static const sf_path_methods own_methods = {.at = own_at};

static void any_path_is_walked(void **state)
{
    sf_schedule own;
    sf_path *path;
    case_of c;

    (void)state;
    set_up(&c, 8, 0.25);
    assert_ok(sf_path_create(&own_methods, c.path, 8, &path));
    assert_ok(sf_schedule_pilot(c.path, &c.options, &c.schedule));
    assert_ok(sf_schedule_pilot(path, &c.options, &own));
    assert_int_equal(own.count, c.schedule.count);
    for (size_t j = 0; j < own.count; j++) assert_close(own.b[j], c.schedule.b[j], 1e-6);
    sf_schedule_release(&own);
    sf_path_release(&path);
    tear_down(&c);
}

/* With moves that are tested and that are not, which walk twice. */
static void evaluations_are_all_counted(void **state)
{
    const sf_kernel_kind kinds[2] = {SF_KERNEL_HMC, SF_KERNEL_ULA};
    atomic_size_t points;
    sf_density *target;
    sf_path *path;
    case_of c;

    (void)state;
    set_up(&c, 8, 0.25);
    target = count_points(c.ends[1], &points);
    assert_ok(sf_path_geometric(c.ends[0], target, &path));
    for (size_t i = 0; i < 2; i++) {
        atomic_store(&points, 0);
        c.options.kernel.kind = kinds[i];
        assert_ok(sf_schedule_pilot(path, &c.options, &c.schedule));
        assert_true(c.schedule.evaluations > 1000);
        assert_int_equal(c.schedule.evaluations, atomic_load(&points));
        sf_schedule_release(&c.schedule);
    }
    sf_path_release(&path);
    sf_density_release(&target);
    tear_down(&c);
}

static void bits_do_not_depend_on_threads(void **state)
{
    const int threads[3] = {1, 2, 7};
    sf_schedule schedule[3];
    case_of c;

    (void)state;
    set_up(&c, 40, 0.25);
    for (size_t i = 0; i < 3; i++) {
        assert_ok(sf_thread_count_set(threads[i]));
        assert_ok(sf_schedule_pilot(c.path, &c.options, &schedule[i]));
        assert_int_equal(schedule[i].count, schedule[0].count);
        assert_memory_equal(schedule[i].b, schedule[0].b, schedule[0].count * sizeof(double));
        assert_memory_equal(schedule[i].step, schedule[0].step, schedule[0].count * sizeof(double));
    }
    for (size_t i = 1; i < 3; i++) sf_schedule_release(&schedule[i]);
    c.schedule = schedule[0];
    assert_ok(sf_thread_count_set(0));
    tear_down(&c);
}

/* ---- what cannot be annealed ---------------------------------------------------------------- */

/* log f = a x^2, or 0 below 1000 for a = 0. */
static sf_status parabola(const void *self, size_t batch, const double *x, double *log_density,
                          double *score)
{
    const double a = *(const double *)self;

    for (size_t b = 0; b < batch; b++) {
        log_density[b] = a != 0.0 || x[b] > 1000.0 ? a * x[b] * x[b] : -INFINITY;
        if (score != NULL) score[b] = 2.0 * a * x[b];
    }
    return SF_OK;
}

static sf_status flat(const void *self, size_t batch, const double *x, double *log_density,
                      double *score)
{
    (void)self;
    (void)x;
    for (size_t b = 0; b < batch; b++) log_density[b] = 0.0;
    for (size_t b = 0; score != NULL && b < batch; b++) score[b] = 0.0;
    return SF_OK;
}

static void what_cannot_be_annealed_is_named(void **state)
{
    static double growing = 1.0, nowhere = 0.0;
    static const sf_density_methods parabolas = {.name = "parabola", .evaluate = parabola};
    static const sf_density_methods flats = {.name = "flat", .evaluate = flat};
    const char *sentence[3] = {"normalised", "no support", "normalised"};
    sf_pilot_options options = sf_pilot_options_default();
    sf_density *base, *target[3];
    sf_schedule schedule;
    sf_path *path;

    (void)state;
    assert_ok(sf_density_gaussian(1, NULL, NULL, &base));
    assert_ok(sf_density_create(&parabolas, &growing, 1, &target[0]));
    assert_ok(sf_density_create(&parabolas, &nowhere, 1, &target[1]));
    assert_ok(sf_density_create(&flats, NULL, 1, &target[2]));
    for (size_t i = 0; i < 3; i++) {
        assert_ok(sf_path_geometric(base, target[i], &path));
        assert_status(SF_ERR_NUMERIC, sf_schedule_pilot(path, &options, &schedule));
        assert_non_null(strstr(sf_last_error(), sentence[i]));
        assert_null(schedule.b);
        sf_path_release(&path);
        sf_density_release(&target[i]);
    }
    sf_density_release(&base);
}

static bool stop(const sf_monitor_event *event, void *user)
{
    (void)user;
    return event->iteration < 3;
}

static void nonsense_is_refused(void **state)
{
    case_of c;

    (void)state;
    set_up(&c, 8, 0.25);
    c.options.monitor.function = stop;
    assert_status(SF_ERR_INTERRUPTED, sf_schedule_pilot(c.path, &c.options, &c.schedule));
    c.options.chains = 1;
    assert_status(SF_ERR_ARGUMENT, sf_schedule_pilot(c.path, &c.options, &c.schedule));
    c.options = sf_pilot_options_default();
    c.options.cess = 1.0;
    assert_status(SF_ERR_ARGUMENT, sf_schedule_pilot(c.path, &c.options, &c.schedule));
    c.options.cess = 0.0;
    c.options.temperatures = 1;
    assert_status(SF_ERR_ARGUMENT, sf_schedule_pilot(c.path, &c.options, &c.schedule));
    c.options.temperatures = 0;
    c.options.step = -1.0;
    assert_status(SF_ERR_ARGUMENT, sf_schedule_pilot(c.path, &c.options, &c.schedule));
    assert_status(SF_ERR_ARGUMENT, sf_schedule_pilot(NULL, NULL, &c.schedule));
    assert_null(c.schedule.b);
    tear_down(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temperatures_stand_evenly_on_the_length),
        cmocka_unit_test(resampled_chains_have_equal_weights),
        cmocka_unit_test(steps_are_tuned),
        cmocka_unit_test(fixed_temperatures_get_steps),
        cmocka_unit_test(given_temperatures_get_steps),
        cmocka_unit_test(trials_add_temperatures_by_their_rule),
        cmocka_unit_test(trials_end_where_temperatures_do_not_help),
        cmocka_unit_test(any_path_is_walked),
        cmocka_unit_test(evaluations_are_all_counted),
        cmocka_unit_test(bits_do_not_depend_on_threads),
        cmocka_unit_test(what_cannot_be_annealed_is_named),
        cmocka_unit_test(nonsense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
