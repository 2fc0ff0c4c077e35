/* test_exchange.c - replica exchange on the bridge from N(0, 1) to exp(-a x^2) in n dimensions,
 * whose states are N(0, v_b), 1/v_b = 1 - b + 2 a b, and on one between wells. */
#include "repetitions.h"

#include <scorefield/free_energy.h>

#include <string.h>

enum { STATES = 5 };

static const double even[STATES] = {0.0, 0.25, 0.5, 0.75, 1.0};
/* (2^(k/4) - 1): variances in the same proportion, so that weights have their moments */
static const double apart[STATES] = {0.0, 0.18920711500272103, 0.41421356237309515,
                                     0.6817928305074292, 1.0};

static sf_path *gaussian_path(size_t n, double a)
{
    sf_density *f0, *f1;
    sf_path *path;

    assert_ok(sf_density_gaussian(n, NULL, NULL, &f0));
    assert_ok(sf_density_quartic(n, a, 0.0, &f1));
    assert_ok(sf_path_geometric(f0, f1, &path));
    sf_density_release(&f0);
    sf_density_release(&f1);
    return path;
}

static double variance_at(double b, double a) { return 1.0 / (1.0 - b + 2.0 * a * b); }

/* log Z_b/Z_0 */
static double truth(double b, double a, size_t n)
{
    return 0.5 * (double)n * (log(variance_at(b, a)) + b * log(2.0 * M_PI));
}

/* ---- estimates ------------------------------------------------------------------------------ */

enum { COPIES = 4, ROUNDS = 200 };

/* A run in which the states' samples are x_k = sqrt(v_k) (sqrt(common) z + sqrt(1 - common) z_k),
 * z and z_k autoregressive with coefficient c. */
typedef struct made {
    sf_exchange_run run;
    double b[STATES], log_f0[ROUNDS * COPIES * STATES], log_f1[ROUNDS * COPIES * STATES];
} made;

#define FACTOR 1.0 /* a */

static double series[STATES + 1][ROUNDS];

static void make_series(double c, uint64_t number)
{
    for (size_t k = 0; k <= STATES; k++) {
        sf_random_normal(sf_random_make(11, k), number, 0, ROUNDS, series[k]);
        for (size_t r = 1; r < ROUNDS; r++)
            series[k][r] = c * series[k][r - 1] + sqrt(1.0 - c * c) * series[k][r];
    }
}

static void make(sf_path *path, double c, double common, uint64_t repetition, made *m)
{
    m->run = (sf_exchange_run){.path = path,
                               .states = STATES,
                               .copies = COPIES,
                               .rounds = ROUNDS,
                               .b = m->b,
                               .log_f0 = m->log_f0,
                               .log_f1 = m->log_f1,
                               .round_trips = 1};
    memcpy(m->b, apart, sizeof apart);
    for (size_t copy = 0; copy < COPIES; copy++) {
        make_series(c, repetition * COPIES + copy);
        for (size_t r = 0; r < ROUNDS; r++)
            for (size_t k = 0; k < STATES; k++) {
                const size_t at = (r * COPIES + copy) * STATES + k;
                const double z =
                    sqrt(common) * series[STATES][r] + sqrt(1.0 - common) * series[k][r];
                const double square = z * z * variance_at(apart[k], FACTOR);

                m->log_f0[at] = -0.5 * square - 0.5 * log(2.0 * M_PI);
                m->log_f1[at] = -FACTOR * square;
            }
    }
}

static made one;

static void calibrated(double c, double common)
{
    sf_path *path = gaussian_path(1, FACTOR);
    double mean[STATES];
    z_scores z[6] = {{0.0, 0.0, 0}};
    sf_thermodynamic_report integral;

    for (size_t k = 0; k < STATES; k++)
        mean[k] = (0.5 - FACTOR) * variance_at(apart[k], FACTOR) + 0.5 * log(2.0 * M_PI);
    assert_ok(
        sf_thermodynamic_integration(SF_QUADRATURE_CUBIC, STATES, apart, mean, NULL, &integral));
    for (uint64_t rep = 0; rep < REPETITIONS; rep++) {
        const double t = truth(1.0, FACTOR, 1);
        double curve[STATES], error[STATES];
        sf_exchange_report r;

        make(path, c, common, rep, &one);
        assert_ok(sf_exchange_estimate(&one.run, curve, error, &r));
        z_add(&z[0], r.estimate.value, r.estimate.error, t);
        z_add(&z[1], r.forward.value, r.forward.error, t);
        z_add(&z[2], r.backward.value, r.backward.error, t);
        z_add(&z[3], r.hysteresis, r.hysteresis_error, 0.0);
        z_add(&z[4], curve[2], error[2], truth(apart[2], FACTOR, 1));
        z_add(&z[5], r.thermodynamic.estimate.value, r.thermodynamic.estimate.error,
              integral.estimate.value);
        assert_true(curve[0] == 0.0 && error[0] == 0.0);
        assert_true(curve[STATES - 1] == r.estimate.value);
        assert_true(error[STATES - 1] == r.estimate.error);
    }
    for (int i = 0; i < 6; i++) assert_calibrated(&z[i]);
    sf_path_release(&path);
}

/* Errors count what samples of a chain, and samples of a round, have in common. */
static void errors_are_true(void **state)
{
    (void)state;
    assert_ok(sf_thread_count_set(1)); /* so small a thing is not worth two */
    calibrated(0.7, 0.5);
    assert_ok(sf_thread_count_set(0));
}

/* Of independent samples they are MBAR's and the delta method's own, on the whole. */
static void errors_of_independent_samples(void **state)
{
    sf_path *path = gaussian_path(1, FACTOR);
    double ratio[2] = {0.0, 0.0};

    (void)state;
    for (uint64_t rep = 0; rep < 20; rep++) {
        const size_t samples = (size_t)ROUNDS * COPIES * STATES;
        const sf_reduced_potentials p = {0};
        size_t counts[STATES];
        double *u;
        sf_reduced_potentials held = p;
        sf_exchange_report r;
        sf_log_z z;
        sf_mbar *mbar;

        make(path, 0.0, 0.0, rep, &one);
        assert_ok(sf_exchange_estimate(&one.run, NULL, NULL, &r));
        assert_ok(sf_allocate(&u, samples * STATES, sizeof *u));
        for (size_t n = 0; n < samples; n++)
            for (size_t k = 0; k < STATES; k++)
                u[n * STATES + k] = -(1.0 - apart[k]) * one.log_f0[n] - apart[k] * one.log_f1[n];
        for (size_t k = 0; k < STATES; k++) counts[k] = (size_t)ROUNDS * COPIES;
        held.states = STATES;
        held.samples = samples;
        held.counts = counts;
        held.u = u;
        assert_ok(sf_mbar_create(&held, NULL, &mbar));
        assert_ok(sf_mbar_difference(mbar, 0, STATES - 1, &z));
        assert_close(r.estimate.value, z.value, 1e-9);
        ratio[0] += r.estimate.error / z.error / 20.0;
        ratio[1] += r.time / 20.0;
        assert_true(r.estimate.reliable);
        sf_mbar_release(&mbar);
        sf_free(u);
    }
    assert_close(ratio[0], 1.0, 0.05);
    assert_close(ratio[1], 1.0, 0.1);
    sf_path_release(&path);
}

static void doubts(void **state)
{
    sf_path *path = gaussian_path(1, FACTOR);
    sf_exchange_report r;

    (void)state;
    make(path, 0.0, 0.0, 0, &one);
    one.run.round_trips = 0;
    assert_ok(sf_exchange_estimate(&one.run, NULL, NULL, &r));
    assert_string_equal(r.estimate.verdict, "no replica has been from b = 0 to 1 and back");
    make(path, 0.995, 0.5, 0, &one);
    assert_ok(sf_exchange_estimate(&one.run, NULL, NULL, &r));
    assert_false(r.estimate.reliable);
    make(path, 0.0, 0.0, 0, &one);
    one.log_f1[0] = -INFINITY; /* a sample of b = 0 */
    assert_ok(sf_exchange_estimate(&one.run, NULL, NULL, &r));
    assert_true(isnan(r.thermodynamic.estimate.value) && !r.thermodynamic.estimate.reliable);
    assert_true(r.estimate.reliable);
    one.run.rounds = 7;
    assert_status(SF_ERR_ARGUMENT, sf_exchange_estimate(&one.run, NULL, NULL, &r));
    sf_path_release(&path);
}

/* ---- runs ----------------------------------------------------------------------------------- */

static sf_schedule schedule_of(const double *b, size_t count, double step)
{
    sf_schedule s;

    assert_ok(sf_schedule_given(b, count, step, &s));
    return s;
}

static sf_exchange_options options_of(sf_kernel_kind kind, size_t copies, size_t rounds)
{
    sf_exchange_options o = sf_exchange_options_default();

    o.kernel.kind = kind;
    o.copies = copies;
    o.rounds = rounds;
    o.burn = rounds / 5;
    o.seed = 5;
    return o;
}

/* Where all swaps are accepted every replica goes straight up and down: half a round trip for each
 * round and copy. */
static void all_swaps_accepted(void **state)
{
    const sf_exchange_options o = options_of(SF_KERNEL_OU, 3, 500);
    sf_path *path = gaussian_path(2, 0.5);
    sf_schedule s = schedule_of(even, STATES, 0.5);
    sf_exchange_report r;
    sf_exchange_run *run;

    (void)state;
    assert_ok(sf_exchange(path, &s, &o, &run));
    for (size_t k = 0; k < STATES; k++) assert_close(run->acceptance[k], 1.0, 1e-15);
    for (size_t k = 0; k + 1 < STATES; k++) assert_close(run->rejection[k], 0.0, 1e-12);
    assert_close((double)run->round_trips, 750.0, 3.0 * STATES);
    assert_close(run->ideal_round_trips, 750.0, 1e-6);
    assert_ok(sf_exchange_estimate(run, NULL, NULL, &r));
    assert_close(r.estimate.value, log(2.0 * M_PI), 1e-9); /* one is not normalised */
    assert_close(r.estimate.error, 0.0, 1e-9);
    assert_string_equal(r.estimate.verdict, "reliable");
    assert_string_equal(r.forward.verdict, "reliable");
    sf_exchange_release(&run);
    assert_null(run);
    sf_schedule_release(&s);
    sf_path_release(&path);
}

/* Every state keeps its law: E x^2 = n v. And swaps are refused as often as between independent
 * draws of two neighbours. */
static void laws_of_the_states(void **state)
{
    enum { DIMENSION = 6, DRAWS = 40000 };
    const double a = 2.0;
    const sf_exchange_options o = options_of(SF_KERNEL_HMC, 4, 4000);
    sf_path *path = gaussian_path(DIMENSION, a);
    sf_schedule s = schedule_of(even, STATES, 0.15);
    static double normal[2][DIMENSION * DRAWS], square[4 * 4000];
    sf_exchange_run *run;

    (void)state;
    assert_ok(sf_exchange(path, &s, &o, &run));
    for (size_t k = 0; k < STATES; k++) {
        sf_chains_diagnosis d;

        for (size_t c = 0; c < 4; c++)
            for (size_t r = 0; r < 4000; r++)
                square[c * 4000 + r] = -run->log_f1[(r * 4 + c) * STATES + k] / a;
        assert_ok(sf_chains_diagnose(4, 4000, square, &d));
        assert_close((d.mean - DIMENSION * variance_at(even[k], a)) / d.error, 0.0, 4.5);
    }
    sf_random_normal(sf_random_make(1, 1), 0, 0, DIMENSION * DRAWS, normal[0]);
    sf_random_normal(sf_random_make(1, 1), 1, 0, DIMENSION * DRAWS, normal[1]);
    for (size_t k = 0; k + 1 < STATES; k++) {
        double refused = 0.0;

        for (size_t i = 0; i < DRAWS; i++) {
            double difference = 0.0;

            for (size_t j = i * DIMENSION; j < (i + 1) * DIMENSION; j++)
                difference += variance_at(even[k + 1], a) * normal[1][j] * normal[1][j] -
                              variance_at(even[k], a) * normal[0][j] * normal[0][j];
            refused += 1.0 - exp(fmin(0.25 * (a - 0.5) * difference, 0.0));
        }
        assert_close(run->rejection[k], refused / DRAWS, 0.02);
    }
    assert_true(run->round_trips > 0 && (double)run->round_trips < 1.1 * run->ideal_round_trips);
    sf_exchange_release(&run);
    sf_schedule_release(&s);
    sf_path_release(&path);
}

/* Wells that no chain leaves by itself: all estimates within 4 of their errors, and of each
 * other. */
static void estimates_agree(void **state)
{
    const double variance[4] = {4.0, 1.0, 4.0, 1.0};
    const sf_exchange_options o = options_of(SF_KERNEL_HMC, 8, 1500);
    sf_exchange_options pilot = options_of(SF_KERNEL_HMC, 8, 500);
    sf_density *f0, *f1;
    sf_exchange_report r;
    sf_exchange_run *run;
    sf_path *path;
    sf_schedule s;
    double exact;

    (void)state;
    assert_ok(sf_density_gaussian(4, NULL, variance, &f0));
    assert_ok(sf_density_many_well(4, &f1));
    assert_ok(sf_path_geometric(f0, f1, &path));
    assert_ok(sf_schedule_create(SF_SCHEDULE_LINEAR, 1.0, 12, 0.1, &s));
    exact = sf_density_log_z(f1);
    assert_ok(sf_exchange_pilot(path, &pilot, 0.0, true, &s));
    /* the starts, again with their scores, and every leapfrog of every round */
    assert_int_equal(s.evaluations,
                     8 * 12 * (2 + pilot.rounds * pilot.moves * pilot.kernel.leapfrogs));
    assert_ok(sf_exchange(path, &s, &o, &run));
    assert_ok(sf_exchange_estimate(run, NULL, NULL, &r));
    assert_true(fabs(r.estimate.value - exact) < 4.0 * r.estimate.error);
    assert_true(fabs(r.forward.value - exact) < 4.0 * r.forward.error);
    assert_true(fabs(r.backward.value - exact) < 4.0 * r.backward.error);
    assert_true(fabs(r.hysteresis) < 4.0 * r.hysteresis_error);
    assert_true(fabs(r.thermodynamic.estimate.value - exact) <
                4.0 * r.thermodynamic.estimate.error + r.thermodynamic.discretisation);
    assert_true(r.estimate.reliable);
    assert_true(r.estimate.error < 0.05);
    sf_exchange_release(&run);
    sf_schedule_release(&s);
    sf_path_release(&path);
    sf_density_release(&f0);
    sf_density_release(&f1);
}

/* Temperatures that refuse alike, and steps that accept as asked for. */
static void pilot_tunes(void **state)
{
    const sf_kernel_kind kinds[3] = {SF_KERNEL_MALA, SF_KERNEL_HMC, SF_KERNEL_RANDOM_WALK};

    (void)state;
    for (int i = 0; i < 3; i++) {
        const sf_exchange_options o = options_of(kinds[i], 6, 1000);
        sf_path *path = gaussian_path(6, 5.0);
        sf_schedule s = schedule_of(even, STATES, 0.01);
        sf_exchange_run *run;

        assert_ok(sf_exchange_pilot(path, &o, 0.6, true, &s));
        assert_ok(sf_exchange(path, &s, &o, &run));
        for (size_t k = 0; k < STATES; k++) assert_close(run->acceptance[k], 0.6, 0.06);
        for (size_t k = 0; k + 1 < STATES; k++)
            assert_close(run->rejection[k], 0.25 * run->barrier, 0.05);
        assert_true(s.b[1] < 0.15);
        sf_exchange_release(&run);
        sf_schedule_release(&s);
        sf_path_release(&path);
    }
}

/* On one thread or four, and whatever the number of copies. */
static void same_bits(void **state)
{
    const size_t threads[3] = {1, 4, 2}, copies[3] = {2, 2, 3};
    sf_path *path = gaussian_path(3, 5.0);
    sf_exchange_run *run[3];
    double b[3][STATES];

    (void)state;
    for (int i = 0; i < 3; i++) {
        sf_exchange_options o = options_of(SF_KERNEL_MALA, copies[i], 64);
        sf_schedule s = schedule_of(even, STATES, 0.1);

        o.keep_samples = i > 0;
        assert_ok(sf_thread_count_set((int)threads[i]));
        assert_ok(sf_exchange_pilot(path, &o, 0.0, true, &s));
        memcpy(b[i], s.b, sizeof b[i]);
        sf_schedule_release(&s);
        s = schedule_of(even, STATES, 0.1);
        assert_ok(sf_exchange(path, &s, &o, &run[i]));
        sf_schedule_release(&s);
    }
    assert_ok(sf_thread_count_set(0));
    assert_memory_equal(b[0], b[1], sizeof b[0]);
    for (size_t r = 0; r < 64; r++)
        for (size_t i = 0; i < 2 * (size_t)STATES; i++) {
            assert_true(run[0]->log_f1[2 * r * STATES + i] == run[1]->log_f1[2 * r * STATES + i]);
            assert_true(run[0]->log_f1[2 * r * STATES + i] == run[2]->log_f1[3 * r * STATES + i]);
        }
    assert_null(run[0]->samples);
    for (size_t i = 0; i < 2 * 64; i++) { /* of copies 0 and 1, at the last state */
        const double *x = run[1]->samples + 3 * i;

        assert_close(run[1]->log_f1[i * STATES + STATES - 1],
                     -5.0 * (x[0] * x[0] + x[1] * x[1] + x[2] * x[2]), 1e-12);
        assert_memory_equal(x, run[2]->samples + 3 * (3 * (i / 2) + i % 2), 3 * sizeof *x);
    }
    for (int i = 0; i < 3; i++) sf_exchange_release(&run[i]);
    sf_path_release(&path);
}

static bool stop_at_twenty(const sf_monitor_event *event, void *user)
{
    *(size_t *)user = event->iteration;
    return strcmp(event->stage, "exchange") != 0 || event->iteration < 20;
}

static bool stop_at_once(const sf_monitor_event *event, void *user)
{
    (void)user;
    return event == NULL;
}

static void stopped(void **state)
{
    sf_exchange_options o = options_of(SF_KERNEL_MALA, 2, 64);
    sf_path *path = gaussian_path(3, 5.0);
    sf_schedule s = schedule_of(even, STATES, 0.1);
    sf_exchange_run *run, *whole;
    size_t seen;

    (void)state;
    assert_ok(sf_exchange(path, &s, &o, &whole));
    o.monitor = (sf_monitor){stop_at_twenty, &seen};
    assert_ok(sf_exchange(path, &s, &o, &run));
    assert_int_equal(run->rounds, 32);
    assert_memory_equal(run->log_f0, whole->log_f0, 32 * 2 * STATES * sizeof(double));
    sf_exchange_release(&run);
    sf_exchange_release(&whole);
    o.monitor = (sf_monitor){stop_at_once, NULL};
    assert_status(SF_ERR_INTERRUPTED, sf_exchange(path, &s, &o, &run));
    assert_null(run);
    assert_status(SF_ERR_INTERRUPTED, sf_exchange_pilot(path, &o, 0.0, true, &s));
    sf_schedule_release(&s);
    sf_path_release(&path);
}

static void bad_input(void **state)
{
    const double far[3] = {1e200, 0.0, 0.0};
    sf_exchange_options o = options_of(SF_KERNEL_ULA, 2, 64);
    sf_path *path = gaussian_path(3, 5.0);
    sf_schedule s = schedule_of(even, STATES, 0.1);
    sf_exchange_run *run;

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_exchange(path, &s, &o, &run));
    assert_null(run);
    o.kernel.kind = SF_KERNEL_MALA;
    o.copies = 0;
    assert_status(SF_ERR_ARGUMENT, sf_exchange(path, &s, &o, &run));
    o.copies = 2;
    o.rounds = 1;
    assert_status(SF_ERR_ARGUMENT, sf_exchange(path, &s, &o, &run));
    o.rounds = 64;
    o.start = far;
    assert_status(SF_ERR_ARGUMENT, sf_exchange(path, &s, &o, &run));
    o.starts = 1;
    assert_status(SF_ERR_NUMERIC, sf_exchange(path, &s, &o, &run));
    assert_non_null(strstr(sf_last_error(), "begins where f is zero"));
    o.start = NULL;
    o.starts = 0;
    assert_status(SF_ERR_ARGUMENT, sf_exchange_pilot(path, &o, 1.0, true, &s));
    sf_schedule_release(&s);
    sf_path_release(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_true),
        cmocka_unit_test(errors_of_independent_samples),
        cmocka_unit_test(doubts),
        cmocka_unit_test(all_swaps_accepted),
        cmocka_unit_test(laws_of_the_states),
        cmocka_unit_test(estimates_agree),
        cmocka_unit_test(pilot_tunes),
        cmocka_unit_test(same_bits),
        cmocka_unit_test(stopped),
        cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
