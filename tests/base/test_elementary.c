/* test_elementary.c - functions that vectorise against the C library's; test_random.c has the
 * logarithm. */
#include "base/elementary.h"

#include "check.h"

static void sines_and_cosines(void **state)
{
    (void)state;
    for (int i = -20000; i <= 20000; i++) {
        const double x = 4.9 * i + 1e-4 * (i % 7);
        double cosine, sine;

        sf_vector_circle(x, &cosine, &sine);
        assert_close(cosine, cos(x), 1e-15);
        assert_close(sine, sin(x), 1e-15);
    }
}

static void exponentials(void **state)
{
    (void)state;
    for (int i = -70800; i <= 70900; i += 7)
        assert_close(sf_vector_exp(0.01 * i) / exp(0.01 * i), 1.0, 1e-15);
    assert_true(sf_vector_exp(0.0) == 1.0);
    assert_true(sf_vector_exp(-1e4) == 0.0 && sf_vector_exp(-INFINITY) == 0.0);
    assert_true(sf_vector_exp(1e4) == INFINITY && sf_vector_exp(INFINITY) == INFINITY);
    assert_true(isnan(sf_vector_exp(NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sines_and_cosines),
        cmocka_unit_test(exponentials),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
