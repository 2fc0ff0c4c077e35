/* test_diagnose.c - diagnostics of autoregressive chains x' = a x + sqrt(1 - a^2) n, of which all
 * is known: variance 1, autocorrelation time (1 + a)/(1 - a). */
#include <scorefield/mcmc.h>

#include "check.h"

#include <gsl/gsl_cdf.h>

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
        assert_close(d.bulk / d.effective, 1.0, 0.05); /* normal draws: all but their ranks */
        assert_true(d.tail > 0.9 * fmin(d.effective, CHAINS * DRAWS)); /* quantiles forget sooner */
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

/* arviz 0.23.4, rhat(method="rank"), ess(method="bulk", "tail", "mean"): four chains of 50, two of
 * which lie apart. Its sum of autocorrelations ends one term later, which is noise. */
static void like_arviz(void **state)
{
    double draws[4][50];
    sf_chains_diagnosis d;

    (void)state;
    for (int c = 0; c < 4; c++)
        for (int i = 0; i < 50; i++)
            draws[c][i] = sin(1.7 * i * i + 3.1 * c) + (c == 3 ? 0.9 : 0.0) + 0.8 * sin(0.3 * i) +
                          (i % 7 == 0 ? exp(1.5 * sin(5.0 * i * c + 1.0)) : 0.0);
    assert_ok(sf_chains_diagnose(4, 50, draws[0], &d));
    assert_close(d.r_hat, 1.0374227661691393, 1e-12);
    assert_close(d.bulk / 74.76829467885146, 1.0, 0.02);
    assert_close(d.tail / 133.74702052012728, 1.0, 0.02);
    assert_close(d.effective / 105.22461939438504, 1.0, 0.02);
}

/* By hand: halves 1 3 2 2 and 4 6 5 5 have the ranks 1 4 2.5 2.5 and 5 8 6.5 6.5. Their variances
 * are those of the draws themselves, W and B = 4.5. */
static void r_hat_by_hand(void **state)
{
    const double draws[8] = {1.0, 3.0, 2.0, 2.0, 4.0, 6.0, 5.0, 5.0};
    const double rank[8] = {1.0, 4.0, 2.5, 2.5, 5.0, 8.0, 6.5, 6.5};
    double z[8], mean[2] = {0.0, 0.0}, within = 0.0;
    sf_chains_diagnosis d;

    (void)state;
    for (int i = 0; i < 8; i++) {
        z[i] = gsl_cdf_ugaussian_Pinv((rank[i] - 0.375) / 8.25);
        mean[i / 4] += 0.25 * z[i];
    }
    for (int i = 0; i < 8; i++) within += (z[i] - mean[i / 4]) * (z[i] - mean[i / 4]) / 6.0;
    assert_ok(sf_chains_diagnose(1, 8, draws, &d));
    assert_close(d.variance, 0.75 * 2.0 / 3.0 + 4.5, 1e-14);
    assert_close(d.r_hat, sqrt(0.75 + 0.5 * (mean[1] - mean[0]) * (mean[1] - mean[0]) / within),
                 1e-13);
    assert_close(d.mean, 3.5, 1e-15);
}

/* Chains of one mean and different widths, and draws without a variance (Cauchy's): what the R-hat
 * of the draws does not see. */
static void ranks_see_more(void **state)
{
    sf_chains_diagnosis d;

    (void)state;
    fill(0.0, 0.0);
    for (size_t i = 0; i < DRAWS; i++) x[i] *= 2.0;
    assert_ok(sf_chains_diagnose(CHAINS, DRAWS, x, &d));
    assert_true(d.r_hat > 1.01);
    assert_true(d.bulk > 0.5 * CHAINS * DRAWS && d.tail < 0.01 * CHAINS * DRAWS);
    fill(0.5, 0.0);
    for (size_t i = 0; i < (size_t)CHAINS * DRAWS; i++)
        x[i] = tan(M_PI * (gsl_cdf_ugaussian_P(x[i]) - 0.5));
    assert_ok(sf_chains_diagnose(CHAINS, DRAWS, x, &d));
    assert_close(d.r_hat, 1.0, 2e-3);
    assert_close(d.bulk * 3.0 / (CHAINS * DRAWS), 1.0, 0.1);
    fill(0.0, 0.0);
    for (size_t i = 0; i < DRAWS; i++) x[i] += 1.0; /* apart, and nearly constant below */
    for (size_t i = 0; i < (size_t)CHAINS * DRAWS; i++) x[i] = x[i] > 3.0;
    assert_ok(sf_chains_diagnose(CHAINS, DRAWS, x, &d));
    assert_true(isfinite(d.tail));
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
        cmocka_unit_test(like_arviz),
        cmocka_unit_test(r_hat_by_hand),
        cmocka_unit_test(ranks_see_more),
        cmocka_unit_test(still_chains_and_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
