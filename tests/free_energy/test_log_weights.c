/* test_log_weights.c - what log-weights are worth, against numbers worked out by hand and arviz. */
#include "repetitions.h"

#include <scorefield/free_energy.h>

#include <string.h>

static void by_hand(void **state)
{
    /* weights 1, 2, 3, 0, 0 times e^700: mean 6/5, sum of squares 14 */
    const double w[5] = {700.0, 700.0 + log(2.0), NAN, 700.0 + log(3.0), -INFINITY};
    sf_weights r;

    (void)state;
    assert_ok(sf_weights_measure(w, 5, &r));
    assert_int_equal(r.zeros, 2);
    assert_close(r.log_mean, 700.0 + log(1.2), 1e-12);
    assert_close(r.ess, 36.0 / 14.0, 1e-12);
    assert_close(r.largest_share, 0.5, 1e-12);
    /* variance of the weights, divisor 4: (14 - 5 1.44)/4; over N and the mean squared */
    assert_close(r.error, sqrt((14.0 - 7.2) / 4.0 / 5.0) / 1.2, 1e-12);
    assert_close(r.mean, 700.0 + log(6.0) / 3.0, 1e-12);
    assert_true(r.bound == -INFINITY);
    assert_true(isnan(r.pareto_k));
}

/* H = 0: all weights equal, log Z exact, nothing to doubt. */
static void equal_weights(void **state)
{
    double w[1000];
    sf_weights r;
    sf_jarzynski_report j;

    (void)state;
    for (size_t i = 0; i < 1000; i++) w[i] = -3.0;
    assert_ok(sf_weights_measure(w, 1000, &r));
    assert_true(r.log_mean == -3.0 && r.error == 0.0 && r.ess == 1000.0 && r.variance == 0.0);
    assert_true(r.bound == -3.0 && r.cumulant == -3.0);
    assert_ok(sf_jarzynski(w, 1000, NULL, &j));
    assert_true(j.estimate.reliable);
    assert_string_equal(j.estimate.verdict, "reliable");
}

/* 10^6 weights of 1e-16 beside one of 1: a plain sum loses all of them. */
static void small_weights_are_not_lost(void **state)
{
    const size_t count = 1000001;
    double *w;
    sf_weights r;

    (void)state;
    assert_ok(sf_allocate(&w, count, sizeof *w));
    for (size_t i = 1; i < count; i++) w[i] = log(1e-16);
    assert_ok(sf_weights_measure(w, count, &r));
    sf_free(w);
    assert_close(exp(r.log_mean) * (double)count - 1.0, 1e-10, 1e-14);
}

/* Normal w: mean + variance/2 = log E e^w, and its stated error is true. */
static void cumulants(void **state)
{
    z_scores z = {0.0, 0.0, 0};
    double w[500];

    (void)state;
    for (uint64_t rep = 0; rep < REPETITIONS; rep++) {
        sf_weights r;

        sf_random_normal(sf_random_make(11, 0), rep, 0, 500, w);
        for (size_t i = 0; i < 500; i++) w[i] = -2.0 + 1.5 * w[i];
        assert_ok(sf_weights_measure(w, 500, &r));
        z_add(&z, r.cumulant, r.cumulant_error, -2.0 + 1.125);
        assert_true(r.bound < -2.0 + 1.125);
    }
    assert_calibrated(&z);
}

/* arviz 0.23.4, psislw: quantiles of generalised Pareto laws, and of normal log-weights */
static void pareto_shape(void **state)
{
    static const struct {
        size_t count;
        double shape, fitted;
    } cases[] = {{1000, 0.5, 0.49708596126252214},
                 {1000, 1.0, 0.9310730242264554},
                 {200, 0.2, 0.2757741926452835}};
    double w[2000];
    sf_weights r;

    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (size_t i = 0; i < cases[c].count; i++) {
            const double p = ((double)i + 0.5) / (double)cases[c].count;

            w[i] = log((pow(1.0 - p, -cases[c].shape) - 1.0) / cases[c].shape);
        }
        assert_ok(sf_weights_measure(w, cases[c].count, &r));
        assert_close(r.pareto_k, cases[c].fitted, 1e-8);
    }
    normal_quantiles(-2.0, 2.5, 2000, w);
    assert_ok(sf_weights_measure(w, 2000, &r));
    assert_close(r.pareto_k, 0.8336293059532118, 1e-8);
}

static void bad_input(void **state)
{
    const double infinite[3] = {0.0, INFINITY, 0.0}, zeros[2] = {-INFINITY, NAN};
    sf_weights r;

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_weights_measure(zeros, 0, &r));
    assert_string_equal(sf_last_error(), "there are no log-weights");
    assert_status(SF_ERR_NUMERIC, sf_weights_measure(infinite, 3, &r));
    assert_non_null(strstr(sf_last_error(), "number 1"));
    assert_status(SF_ERR_NUMERIC, sf_weights_measure(zeros, 2, &r));
    assert_non_null(strstr(sf_last_error(), "all 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),      cmocka_unit_test(equal_weights),
        cmocka_unit_test(cumulants),    cmocka_unit_test(small_weights_are_not_lost),
        cmocka_unit_test(pareto_shape), cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
