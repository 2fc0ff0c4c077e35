/* test_moments.c - mean, deviation, skewness and extremes against values whose moments are known.
 */
#include <scorefield/field.h>

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define COUNT 70001 /* more than a thread is started for, and no whole number of blocks */

/* Two values: 1 with probability p, else 0, about a large mean: p, sqrt(p q), (1 - 2p)/sqrt(p q).
 */
static void two_values(void **state)
{
    static double wide[COUNT];
    static float narrow[COUNT];
    const double p = 7001.0 / COUNT, q = 1.0 - p;
    sf_moments m, single;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        wide[i] = 1e6 + (i * 3 % COUNT < 7001 ? 1.0 : 0.0);
        narrow[i] = (float)(wide[i] - 1e6);
    }
    assert_ok(sf_field_moments(wide, COUNT, &m));
    assert_close(m.mean, 1e6 + p, 1e-9);
    assert_close(m.deviation, sqrt(p * q), 1e-9);
    assert_close(m.skewness, (1.0 - 2.0 * p) / sqrt(p * q), 1e-8);
    assert_true(m.lowest == 1e6 && m.highest == 1e6 + 1.0);
    assert_ok(sf_field_moments_single(narrow, COUNT, &single));
    assert_close(single.mean, p, 1e-12);
    assert_close(single.deviation, sqrt(p * q), 1e-12);
    assert_close(single.skewness, (1.0 - 2.0 * p) / sqrt(p * q), 1e-10);
    assert_true(single.lowest == 0.0 && single.highest == 1.0);
}

static void same_bits(void **state)
{
    static double x[COUNT];
    sf_moments m[3];
    const int threads[] = {1, 2, 7};

    (void)state;
    for (size_t i = 0; i < COUNT; i++) x[i] = sin(1.7 * (double)i);
    for (int t = 0; t < 3; t++) {
        assert_ok(sf_thread_count_set(threads[t]));
        assert_ok(sf_field_moments(x, COUNT, &m[t]));
        assert_memory_equal(&m[t], &m[0], sizeof m[0]);
    }
    assert_ok(sf_thread_count_set(0));
}

static void odd_input(void **state)
{
    double x[] = {2.0, 2.0, 2.0};
    sf_moments m;

    (void)state;
    assert_ok(sf_field_moments(x, 3, &m));
    assert_true(m.mean == 2.0 && m.deviation == 0.0 && isnan(m.skewness));
    assert_status(SF_ERR_ARGUMENT, sf_field_moments(x, 0, &m));
    x[1] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_field_moments(x, 3, &m));
    assert_true(isnan(m.mean));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_values), cmocka_unit_test(same_bits),
                                       cmocka_unit_test(odd_input)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
