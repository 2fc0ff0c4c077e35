/* test_diagnose.c - diagnostics of autoregressive chains x' = a x + sqrt(1 - a^2) n, of which all
 * is known: variance 1, autocorrelation time (1 + a)/(1 - a). */
#include <scorefield/mcmc.h>

#include "check.h"

enum { CHAINS = 8, DRAWS = 20000 };

static double x[CHAINS * DRAWS];

/* Chain c has mean `apart` c. */
static void fill(double a, double apart)
{
    sf_random_normal(sf_random_make(1, 0), 0, 0, CHAINS * DRAWS, x);
    for (size_t c = 0; c < CHAINS; c++) {
        double *own = x + c * DRAWS;

        for (size_t i = 1; i < DRAWS; i++) own[i] = a * own[i - 1] + sqrt(1.0 - a * a) * own[i];
        for (size_t i = 0; i < DRAWS; i++) own[i] += apart * (double)c;
    }
}

/* The time's relative error is about sqrt(2 (2 M + 1)/count), M some times the time (Sokal 1997):
 * below 0.03 here, asked for to 0.12. */
static void time_is_known(void **state)
{
    const double a[4] = {0.0, 0.5, 0.9, -0.3};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const double time = (1.0 + a[i]) / (1.0 - a[i]);
        sf_chains_diagnosis d;

        fill(a[i], 0.0);
        assert_ok(sf_chains_diagnose(CHAINS, DRAWS, x, &d));
        assert_close(d.time / time, 1.0, 0.12);
        assert_close(d.effective, CHAINS * DRAWS / d.time, 1e-6);
        assert_close(d.variance, 1.0, 0.05);
        assert_close(d.r_hat, 1.0, 2e-3);
        assert_true(fabs(d.mean) < 4.5 * d.error);
        assert_true(d.long_enough);
    }
}

/* Errors are true: over 100 pieces of chains, mean/error has variance 1 (to 4.5 sigma). */
static void errors_are_true(void **state)
{
    const size_t length = 1600;
    double square = 0.0;

    (void)state;
    fill(0.8, 0.0);
    for (size_t i = 0; i < 96; i++) {
        sf_chains_diagnosis d;

        assert_ok(sf_chains_diagnose(1, length, x + i / 12 * DRAWS + i % 12 * length, &d));
        square += d.mean * d.mean / (d.error * d.error) / 96.0;
    }
    assert_close(square, 1.0, 4.5 * sqrt(2.0 / 96.0));
}

static void chains_apart_are_seen(void **state)
{
    sf_chains_diagnosis d;

    (void)state;
    fill(0.5, 0.2);
    assert_ok(sf_chains_diagnose(CHAINS, DRAWS, x, &d));
    assert_true(d.r_hat > 1.01);
    assert_true(d.effective < 0.01 * CHAINS * DRAWS);
    fill(0.0, 0.0);
    for (size_t i = 0; i < DRAWS; i++) x[i] += 4.0 * (double)i / DRAWS; /* one that drifts */
    assert_ok(sf_chains_diagnose(1, DRAWS, x, &d));
    assert_true(d.r_hat > 1.1);
}

/* By hand: halves 1 3 2 2 and 4 6 5 5 have means 2, 5 and variances 2/3. */
static void r_hat_by_hand(void **state)
{
    const double draws[8] = {1.0, 3.0, 2.0, 2.0, 4.0, 6.0, 5.0, 5.0};
    sf_chains_diagnosis d;

    (void)state;
    assert_ok(sf_chains_diagnose(1, 8, draws, &d));
    assert_close(d.variance, 0.75 * 2.0 / 3.0 + 4.5, 1e-14);
    assert_close(d.r_hat, sqrt(5.0 / (2.0 / 3.0)), 1e-14);
    assert_close(d.mean, 3.5, 1e-15);
}

static void still_chains_and_nonsense(void **state)
{
    double still[16] = {0.0};
    sf_chains_diagnosis d;

    (void)state;
    assert_ok(sf_chains_diagnose(2, 8, still, &d));
    assert_true(isnan(d.r_hat) && d.effective == 0.0 && isnan(d.error));
    for (size_t i = 8; i < 16; i++) still[i] = 1.0;
    assert_ok(sf_chains_diagnose(2, 8, still, &d));
    assert_true(d.r_hat == INFINITY && d.error == INFINITY);
    assert_status(SF_ERR_ARGUMENT, sf_chains_diagnose(0, 8, still, &d));
    assert_status(SF_ERR_ARGUMENT, sf_chains_diagnose(2, 7, still, &d));
    still[3] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_chains_diagnose(2, 8, still, &d));
    assert_true(isnan(d.r_hat));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_is_known),
        cmocka_unit_test(errors_are_true),
        cmocka_unit_test(chains_apart_are_seen),
        cmocka_unit_test(r_hat_by_hand),
        cmocka_unit_test(still_chains_and_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
