/* test_report.c - run reports: nested names, null for what is not finite, exact numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scratch.h"

#include <scorefield/io.h>

#include <jansson.h>
#include <math.h>

static void test_round_trip(void **state)
{
    const double values[] = {0.1, NAN, 1e-300};
    sf_report *report;
    json_t *root, *part;

    (void)state;
    assert_int_equal(sf_report_create("sf-test", &report), SF_OK);
    assert_int_equal(sf_report_double(report, "noise/sigma", 0.1), SF_OK);
    assert_int_equal(sf_report_double(report, "noise/chi2", HUGE_VAL), SF_OK);
    assert_int_equal(sf_report_string(report, "input", "caf\xe9.fits"), SF_OK);
    assert_int_equal(sf_report_doubles(report, "trace", values, 3), SF_OK);
    assert_int_equal(sf_report_double(report, "input/x", 1.0), SF_ERR_ARGUMENT);
    assert_int_equal(sf_report_double(report, "a//b", 1.0), SF_ERR_ARGUMENT);
    assert_int_equal(sf_report_write(report, scratch("r.json"), false), SF_OK);
    assert_int_equal(sf_report_write(report, scratch("r.json"), false), SF_ERR_IO);
    sf_report_release(&report);
    root = json_load_file(scratch("r.json"), 0, NULL);
    part = json_object_get(root, "noise");
    assert_true(json_real_value(json_object_get(part, "sigma")) == 0.1);
    assert_true(json_is_null(json_object_get(part, "chi2")));
    assert_string_equal(json_string_value(json_object_get(root, "input")), "caf?.fits");
    assert_true(json_real_value(json_array_get(json_object_get(root, "trace"), 2)) == 1e-300);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip)};

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
