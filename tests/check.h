/* check.h - cmocka with the headers it needs before it, and the checks it lacks. */
#ifndef SF_TESTS_CHECK_H
#define SF_TESTS_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_status(expected, call) assert_string_equal(#expected, sf_status_name(call))
#define assert_ok(call)               assert_status(SF_OK, call)

/* |a - b| <= tolerance; false for NaN, and the numbers are shown. */
#define assert_close(a, b, tolerance) assert_close_at(a, b, tolerance, __FILE__, __LINE__)
static inline void assert_close_at(double a, double b, double tolerance, const char *file, int line)
{
    if (fabs(a - b) <= tolerance) return;
    print_error("%.17g and %.17g differ by more than %g\n", a, b, tolerance);
    _fail(file, line);
}

#endif
