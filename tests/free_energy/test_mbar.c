/* test_mbar.c - MBAR on harmonic oscillators, u_k = K_k (x - O_k)^2/2 + shift_k, whose free
 * energies are ln(K_k)/2 + shift_k up to a constant. */
#include "repetitions.h"

#include <scorefield/free_energy.h>

#include <stdlib.h>
#include <string.h>

#define STATES 5

static const double origin[STATES] = {0.0, 1.0, 2.0, 3.0, 4.0};
static const double stiffness[STATES] = {1.0, 2.0, 4.0, 8.0, 16.0};

typedef struct oscillators {
    size_t counts[STATES], samples;
    double spread; /* of the origins */
    double shift;  /* shift_k = k shift */
    double *x, *u;
} oscillators;

static double potential(const oscillators *o, size_t k, double x)
{
    const double d = x - o->spread * origin[k];

    return 0.5 * stiffness[k] * d * d + o->shift * (double)k;
}

static double truth(const oscillators *o, size_t k)
{
    return -0.5 * log(stiffness[k] / stiffness[0]) - o->shift * (double)k;
}

/* Samples are their laws' quantiles, or drawn (repetition >= 0). */
static void create(oscillators *o, int repetition)
{
    size_t n = 0;

    o->samples = 0;
    for (size_t k = 0; k < STATES; k++) o->samples += o->counts[k];
    assert_ok(sf_allocate(&o->x, o->samples, sizeof(double)));
    assert_ok(sf_allocate(&o->u, o->samples * STATES, sizeof(double)));
    for (size_t k = 0; k < STATES; n += o->counts[k++]) {
        if (repetition < 0)
            normal_quantiles(0.0, 1.0, o->counts[k], o->x + n);
        else
            sf_random_normal(sf_random_make(5, k), (uint64_t)repetition, 0, o->counts[k], o->x + n);
        for (size_t i = n; i < n + o->counts[k]; i++)
            o->x[i] = o->spread * origin[k] + o->x[i] / sqrt(stiffness[k]);
    }
    for (size_t i = 0; i < o->samples; i++)
        for (size_t k = 0; k < STATES; k++) o->u[i * STATES + k] = potential(o, k, o->x[i]);
}

static void destroy(oscillators *o)
{
    sf_free(o->x);
    sf_free(o->u);
}

static sf_status solve(const oscillators *o, sf_mbar **mbar)
{
    const sf_reduced_potentials p = {
        .states = STATES, .samples = o->samples, .counts = o->counts, .u = o->u};

    return sf_mbar_create(&p, NULL, mbar);
}

/* pymbar 4.0.3, MBAR(relative_tolerance=1e-14, solver_protocol='robust') */
static void like_pymbar(void **state)
{
    static const double f[STATES] = {0.0, 0.3464085591948374, 0.6917616410946517, 1.038209281487334,
                                     1.3905670097620697};
    static const double error[STATES] = {0.0, 0.07852367293515489, 0.1565427734110454,
                                         0.3373795823023153, 0.4989790376797426};
    static const double ess[STATES] = {190.13618874, 273.5242438, 107.46342432, 167.05492137,
                                       57.69918502};
    static const double from_2[STATES] = {9.07050211e-02, 6.26931471e-01, 0.0, 2.81579831e-01,
                                          7.83676546e-04};
    oscillators o = {.counts = {100, 200, 0, 150, 50}, .spread = 1.0};
    double overlap[STATES * STATES], covariance[STATES * STATES];
    sf_log_z z;
    sf_mbar *mbar;

    (void)state;
    create(&o, -1);
    assert_ok(solve(&o, &mbar));
    assert_true(sf_mbar_converged(mbar));
    assert_int_equal(sf_mbar_states(mbar), STATES);
    sf_mbar_overlap(mbar, overlap);
    sf_mbar_covariance(mbar, covariance);
    for (size_t k = 0; k < STATES; k++) {
        assert_ok(sf_mbar_difference(mbar, 0, k, &z));
        assert_close(z.value, -f[k], 1e-9);
        assert_close(z.error, error[k], 1e-7);
        assert_close(sqrt(covariance[k * (STATES + 1)]), error[k], 1e-7);
        assert_close(sf_mbar_ess(mbar, k), ess[k], 1e-6);
        assert_close(overlap[2 * STATES + k], from_2[k], 1e-8);
        assert_true(z.reliable);
    }
    assert_ok(sf_mbar_difference(mbar, 3, 4, &z));
    assert_close(z.error, 0.35102878686917427, 1e-7);
    assert_ok(sf_mbar_difference(mbar, 1, 3, &z));
    assert_close(z.error, 0.3215600505323254, 1e-7);
    sf_mbar_release(&mbar);
    assert_null(mbar);
    destroy(&o);
}

/* Expectation values of x and x^2 in every state: ten observables in one call. */
static sf_status average(const oscillators *o, const sf_mbar *mbar, double shift, double *mean,
                         double *covariance)
{
    const sf_reduced_potentials p = {
        .states = STATES, .samples = o->samples, .counts = o->counts, .u = o->u};
    size_t where[2 * STATES];
    double *values;
    sf_status status;

    assert_ok(sf_allocate(&values, 2 * STATES * o->samples, sizeof *values));
    for (size_t i = 0; i < 2 * STATES; i++) {
        where[i] = i / 2;
        for (size_t n = 0; n < o->samples; n++)
            values[n * 2 * STATES + i] = i % 2 == 0 ? o->x[n] + shift : o->x[n] * o->x[n];
    }
    status = sf_mbar_expectation(mbar, &p, 2 * STATES, where, values, mean, covariance);
    sf_free(values);
    return status;
}

/* pymbar 4.0.3, compute_expectations of x and of x^2, and of x as differences. An offset changes
 * no error. */
static void expectations_like_pymbar(void **state)
{
    static const double mean[STATES][2] = {{0.0019063478829575153, 0.9920267305504847},
                                           {1.000122612678637, 1.5007122786642442},
                                           {2.0006808020055162, 4.252632727021303},
                                           {2.99902222515232, 9.119004507326318},
                                           {3.9986301780625713, 16.05063706097135}};
    static const double error[STATES][2] = {{0.08482637093250435, 0.099419045400983},
                                            {0.04258895820433849, 0.0999684241589213},
                                            {0.059670708730713236, 0.2507918832579363},
                                            {0.02795943398337602, 0.16882275381427145},
                                            {0.033702998402048816, 0.27100222062910384}};
    const oscillators kind = {.counts = {100, 200, 0, 150, 50}, .spread = 1.0};
    const double shifts[2] = {0.0, 1e6};

    (void)state;
    for (int c = 0; c < 2; c++) {
        oscillators o = kind;
        double found[2 * STATES], covariance[4 * STATES * STATES];
        sf_mbar *mbar;

        create(&o, -1);
        assert_ok(solve(&o, &mbar));
        assert_ok(average(&o, mbar, shifts[c], found, covariance));
        for (size_t i = 0; i < 2 * STATES; i++) {
            assert_close(found[i] - (i % 2 == 0 ? shifts[c] : 0.0), mean[i / 2][i % 2], 1e-8);
            assert_close(sqrt(covariance[i * (2 * STATES + 1)]), error[i / 2][i % 2], 1e-7);
        }
        /* <x> in state 3 less that in state 1 */
        assert_close(sqrt(covariance[2 * 11] + covariance[6 * 11] - 2.0 * covariance[2 * 10 + 6]),
                     0.050549992507870435, 1e-7);
        sf_mbar_release(&mbar);
        destroy(&o);
    }
}

/* Errors of expectation values are true, also in a state without samples and of a difference. */
static void expectations_are_calibrated(void **state)
{
    z_scores sampled = {0.0, 0.0, 0}, unsampled = {0.0, 0.0, 0}, between = {0.0, 0.0, 0};

    (void)state;
    for (int rep = 0; rep < REPETITIONS; rep++) {
        oscillators o = {.counts = {150, 150, 0, 100, 90}, .spread = 0.5};
        double mean[2 * STATES], c[4 * STATES * STATES];
        sf_mbar *mbar;

        create(&o, rep);
        assert_ok(solve(&o, &mbar));
        assert_ok(average(&o, mbar, 0.0, mean, c));
        z_add(&sampled, mean[1], sqrt(c[1 * 11]), 1.0);
        z_add(&unsampled, mean[4], sqrt(c[4 * 11]), 1.0);
        z_add(&between, mean[6] - mean[2], sqrt(c[6 * 11] + c[2 * 11] - 2.0 * c[2 * 10 + 6]), 1.0);
        sf_mbar_release(&mbar);
        destroy(&o);
    }
    assert_calibrated(&sampled);
    assert_calibrated(&unsampled);
    assert_calibrated(&between);
}

/* Of one state: the mean, and variance/N. */
static void expectation_in_one_state(void **state)
{
    const size_t counts[1] = {4}, where[1] = {0}, nowhere[1] = {1};
    const double u[4] = {0.3, -1.0, 2.0, 0.0};
    double values[4] = {1.0, 2.0, 3.0, 6.0}, mean, variance;
    sf_reduced_potentials p = {.states = 1, .samples = 4, .counts = counts, .u = u};
    sf_mbar *mbar;

    (void)state;
    assert_ok(sf_mbar_create(&p, NULL, &mbar));
    assert_ok(sf_mbar_expectation(mbar, &p, 1, where, values, &mean, &variance));
    assert_close(mean, 3.0, 1e-14);
    assert_close(variance, 14.0 / 16.0, 1e-14);
    assert_ok(sf_mbar_expectation(mbar, &p, 1, where, values, &mean, NULL));
    assert_status(SF_ERR_ARGUMENT, sf_mbar_expectation(mbar, &p, 0, where, values, &mean, NULL));
    assert_status(SF_ERR_ARGUMENT, sf_mbar_expectation(mbar, &p, 1, nowhere, values, &mean, NULL));
    values[2] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_mbar_expectation(mbar, &p, 1, where, values, &mean, NULL));
    p.samples = 3;
    assert_status(SF_ERR_SHAPE, sf_mbar_expectation(mbar, &p, 1, where, values, &mean, NULL));
    sf_mbar_release(&mbar);
}

static void two_states_are_bar(void **state)
{
    const size_t counts[2] = {300, 200};
    double u[500][2], forward[300], reverse[200];
    const sf_reduced_potentials p = {.states = 2, .samples = 500, .counts = counts, .u = u[0]};
    sf_bar_report bar;
    sf_log_z z;
    sf_mbar *mbar;

    (void)state;
    normal_quantiles(-2.0, 1.5, 300, forward);
    normal_quantiles(2.0 - 2.25, 1.5, 200, reverse);
    for (size_t i = 0; i < 500; i++) {
        u[i][0] = 0.3 * (double)i; /* only differences count */
        u[i][1] = u[i][0] - (i < 300 ? forward[i] : -reverse[i - 300]);
    }
    assert_ok(sf_bar(forward, 300, reverse, 200, &bar));
    assert_ok(sf_mbar_create(&p, NULL, &mbar));
    assert_ok(sf_mbar_difference(mbar, 0, 1, &z));
    assert_close(z.value, bar.estimate.value, 1e-9);
    assert_close(z.error, bar.estimate.error, 1e-9);
    sf_mbar_release(&mbar);
}

static void calibrated(void **state)
{
    z_scores last = {0.0, 0.0, 0}, unsampled = {0.0, 0.0, 0}, between = {0.0, 0.0, 0};

    (void)state;
    for (int rep = 0; rep < REPETITIONS; rep++) {
        oscillators o = {.counts = {60, 150, 0, 100, 90}, .spread = 0.5, .shift = 3.0};
        sf_log_z z;
        sf_mbar *mbar;

        create(&o, rep);
        assert_ok(solve(&o, &mbar));
        assert_ok(sf_mbar_difference(mbar, 0, 4, &z));
        z_add(&last, z.value, z.error, truth(&o, 4));
        assert_ok(sf_mbar_difference(mbar, 0, 2, &z));
        z_add(&unsampled, z.value, z.error, truth(&o, 2));
        assert_ok(sf_mbar_difference(mbar, 2, 3, &z));
        z_add(&between, z.value, z.error, truth(&o, 3) - truth(&o, 2));
        sf_mbar_release(&mbar);
        destroy(&o);
    }
    assert_calibrated(&last);
    assert_calibrated(&unsampled);
    assert_calibrated(&between);
}

/* Constants of 10^4 between states are no trouble, and no matter. */
static void far_offsets(void **state)
{
    oscillators o = {.counts = {1000, 1000, 1000, 1000, 1000}, .spread = 1.0, .shift = 1e4};
    sf_log_z z;
    sf_mbar *mbar;

    (void)state;
    create(&o, -1);
    assert_ok(solve(&o, &mbar));
    assert_true(sf_mbar_converged(mbar));
    assert_true(sf_mbar_iterations(mbar) < 20);
    for (size_t k = 1; k < STATES; k++) {
        assert_ok(sf_mbar_difference(mbar, k - 1, k, &z));
        assert_close(z.value, truth(&o, k) - truth(&o, k - 1), 0.02);
        assert_true(z.reliable);
    }
    sf_mbar_release(&mbar);
    destroy(&o);
}

/* A state without samples that is like one with samples has its free energy and its weights, also
 * over many chunks whose largest weights differ. */
static void twins(void **state)
{
    oscillators o = {.counts = {30000, 20000, 0, 30000, 1000}, .spread = 1.0};
    sf_log_z z;
    sf_mbar *mbar;

    (void)state;
    create(&o, -1);
    for (size_t i = 0; i < o.samples; i++) o.u[i * STATES + 2] = o.u[i * STATES + 3];
    assert_ok(solve(&o, &mbar));
    assert_ok(sf_mbar_difference(mbar, 2, 3, &z));
    assert_close(z.value, 0.0, 1e-10);
    assert_close(z.error, 0.0, 1e-6);
    assert_close(sf_mbar_ess(mbar, 2) / sf_mbar_ess(mbar, 3), 1.0, 1e-9);
    sf_mbar_release(&mbar);
    destroy(&o);
}

/* The error grows without bound as the states move apart; and says so. */
static void no_overlap(void **state)
{
    double last = 0.0;

    (void)state;
    for (double spread = 2.0; spread < 70.0; spread *= 1.5) {
        oscillators o = {.counts = {200, 200, 200, 200, 200}, .spread = spread};
        sf_log_z z;
        sf_mbar *mbar;

        create(&o, -1);
        assert_ok(solve(&o, &mbar));
        assert_ok(sf_mbar_difference(mbar, 0, 4, &z));
        assert_true(z.error > last || z.error == INFINITY);
        if (spread > 4.0) assert_false(z.reliable);
        assert_true(sf_mbar_converged(mbar));
        last = z.error;
        sf_mbar_release(&mbar);
        destroy(&o);
    }
    assert_true(last == INFINITY);
}

static void verdict_names_the_gap(void **state)
{
    oscillators o = {.counts = {200, 200, 200, 200, 200}, .spread = 1.0};
    sf_log_z z;
    sf_mbar *mbar;

    (void)state;
    create(&o, -1);
    for (size_t i = 0; i < o.samples; i++)
        for (size_t k = 0; k < STATES; k++) /* states 3 and 4 live on other samples */
            if ((k < 3) != (i < 600)) o.u[i * STATES + k] = i % 2 == 0 ? INFINITY : NAN;
    assert_ok(solve(&o, &mbar));
    assert_ok(sf_mbar_difference(mbar, 0, 2, &z));
    assert_null(strstr(z.verdict, "no chain"));
    assert_ok(sf_mbar_difference(mbar, 1, 4, &z));
    assert_string_equal(z.verdict, "no chain of overlapping states leads from state 1 to state 4");
    assert_true(z.error == INFINITY);
    sf_mbar_release(&mbar);
    destroy(&o);
}

static sf_status read_some(void *user, size_t first, size_t count, double *u)
{
    const oscillators *o = user;

    memcpy(u, o->u + first * STATES, count * STATES * sizeof *u);
    return SF_OK;
}

static sf_status read_nothing(void *user, size_t first, size_t count, double *u)
{
    (void)user;
    (void)u;
    return sf_fail(SF_ERR_IO, "samples %zu to %zu are gone", first, first + count - 1);
}

/* Read or held, on one thread or four: the same bits. */
static void same_bits(void **state)
{
    oscillators o = {.counts = {18000, 24000, 0, 12000, 15000}, .spread = 1.0};
    sf_reduced_potentials p = {.states = STATES, .counts = o.counts, .read = read_some, .user = &o};
    double expected[STATES * STATES], found[STATES * STATES];
    sf_log_z z[2];
    sf_mbar *mbar;

    (void)state;
    create(&o, 1);
    assert_ok(sf_thread_count_set(1));
    assert_ok(solve(&o, &mbar));
    assert_ok(sf_mbar_difference(mbar, 0, 4, &z[0]));
    sf_mbar_covariance(mbar, expected);
    sf_mbar_release(&mbar);
    assert_ok(sf_thread_count_set(4));
    p.samples = o.samples;
    assert_ok(sf_mbar_create(&p, NULL, &mbar));
    assert_ok(sf_thread_count_set(0));
    assert_ok(sf_mbar_difference(mbar, 0, 4, &z[1]));
    sf_mbar_covariance(mbar, found);
    sf_mbar_release(&mbar);
    assert_true(z[0].value == z[1].value);
    assert_memory_equal(expected, found, sizeof found);
    p.read = read_nothing;
    assert_status(SF_ERR_IO, sf_mbar_create(&p, NULL, &mbar));
    assert_null(mbar);
    destroy(&o);
}

static void bad_input(void **state)
{
    const size_t counts[2] = {1, 1}, wrong[2] = {1, 2}, first[2] = {2, 0};
    double u[4] = {0.0, 1.0, 1.0, 0.0};
    sf_reduced_potentials p = {.states = 2, .samples = 2, .counts = wrong, .u = u};
    const sf_mbar_options none = {.tolerance = 1e-10};
    sf_log_z z;
    sf_mbar *mbar;

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_mbar_create(&p, NULL, &mbar));
    assert_string_equal(sf_last_error(),
                        "the counts of 2 states add up to 3, but there are 2 samples");
    p.counts = counts;
    assert_status(SF_ERR_ARGUMENT, sf_mbar_create(&p, &none, &mbar));
    u[2] = -INFINITY;
    assert_status(SF_ERR_NUMERIC, sf_mbar_create(&p, NULL, &mbar));
    assert_non_null(strstr(sf_last_error(), "sample 1 in state 0"));
    u[2] = u[3] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_mbar_create(&p, NULL, &mbar));
    assert_non_null(strstr(sf_last_error(), "sample 1 has support in none"));
    p.counts = first;
    u[2] = 0.0;
    u[1] = INFINITY;
    assert_status(SF_ERR_NUMERIC, sf_mbar_create(&p, NULL, &mbar));
    assert_non_null(strstr(sf_last_error(), "state 1 has no support"));
    u[1] = u[3] = 2.0;
    assert_ok(sf_mbar_create(&p, NULL, &mbar));
    assert_status(SF_ERR_ARGUMENT, sf_mbar_difference(mbar, 0, 2, &z));
    assert_ok(sf_mbar_difference(mbar, 0, 1, &z)); /* both are samples of state 0 */
    assert_close(z.value, -2.0, 1e-12);
    sf_mbar_release(&mbar);
    p.samples = 0;
    assert_status(SF_ERR_ARGUMENT, sf_mbar_create(&p, NULL, &mbar));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_pymbar),
        cmocka_unit_test(two_states_are_bar),
        cmocka_unit_test(twins),
        cmocka_unit_test(calibrated),
        cmocka_unit_test(far_offsets),
        cmocka_unit_test(no_overlap),
        cmocka_unit_test(same_bits),
        cmocka_unit_test(verdict_names_the_gap),
        cmocka_unit_test(expectations_like_pymbar),
        cmocka_unit_test(expectations_are_calibrated),
        cmocka_unit_test(expectation_in_one_state),
        cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
