/* test_work_file.c - work values from text files, in their units. */
#include "check.h"

#include <scorefield/free_energy.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/scorefield_work_XXXXXX";

static int create(void **state)
{
    const int file = mkstemp(path);

    (void)state;
    return file >= 0 ? close(file) : -1;
}

static int removed(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void values(void **state)
{
    double *w;
    size_t count;

    (void)state;
    write_text("# work, kT\n\n 1.5\n-2e0 # a comment\r\n\tinf\nnan\n 3");
    assert_ok(sf_work_read(path, SF_WORK_KT, NAN, &w, &count));
    assert_int_equal(count, 5);
    assert_true(w[0] == -1.5 && w[1] == 2.0 && w[2] == -INFINITY && isnan(w[3]) && w[4] == -3.0);
    sf_free(w);
}

/* More lines than the first allocation holds. */
static void many_values(void **state)
{
    FILE *file = fopen(path, "w");
    double *w;
    size_t count;

    (void)state;
    assert_non_null(file);
    for (int i = 0; i < 5000; i++) assert_true(fprintf(file, "%d\n", i) > 0);
    assert_int_equal(fclose(file), 0);
    assert_ok(sf_work_read(path, SF_WORK_KT, 0.0, &w, &count));
    assert_int_equal(count, 5000);
    for (int i = 0; i < 5000; i++) assert_true(w[i] == -(double)i);
    sf_free(w);
}

/* kT at 300 K is 2.494339 kJ/mol and 0.596161 kcal/mol (R = 8.31446261815324 J/(mol K)). */
static void units(void **state)
{
    sf_work_unit unit;
    double *w, kt;
    size_t count;

    (void)state;
    assert_ok(sf_work_unit_parse("kcal/mol", &unit));
    assert_int_equal(unit, SF_WORK_KCAL_PER_MOL);
    assert_ok(sf_thermal_energy(unit, 300.0, &kt));
    assert_close(kt, 0.596161, 5e-7);
    assert_ok(sf_work_unit_parse("kJ/mol", &unit));
    assert_ok(sf_thermal_energy(unit, 300.0, &kt));
    assert_close(kt, 2.494339, 5e-7);
    write_text("4.98867757\n");
    assert_ok(sf_work_read(path, unit, 300.0, &w, &count));
    assert_close(w[0], -2.0, 1e-8);
    sf_free(w);
    assert_status(SF_ERR_ARGUMENT, sf_work_unit_parse("eV", &unit));
    assert_non_null(strstr(sf_last_error(), "\"eV\" is no unit of work"));
}

static void refused(const char *text, sf_status expected, const char *sentence)
{
    double *w = &(double){0.0};
    size_t count;

    write_text(text);
    assert_int_equal(expected, sf_work_read(path, SF_WORK_KT, 0.0, &w, &count));
    assert_null(w);
    assert_non_null(strstr(sf_last_error(), sentence));
}

static void bad_files(void **state)
{
    double *w;
    size_t count;

    (void)state;
    refused("1.0\nabc\n", SF_ERR_FORMAT, "line 2: \"abc\" is not a number");
    refused("1.0 2.0\n", SF_ERR_FORMAT, "2 numbers a line");
    refused("# nothing\n", SF_ERR_FORMAT, "holds no numbers");
    refused("1.0\n-inf\n", SF_ERR_FORMAT, "value 2: a work of -inf is an infinite weight");
    assert_status(SF_ERR_ARGUMENT, sf_work_read(path, SF_WORK_KJ_PER_MOL, 0.0, &w, &count));
    assert_null(w);
    assert_status(SF_ERR_IO, sf_work_read("/nonexistent", SF_WORK_KT, 0.0, &w, &count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(many_values),
        cmocka_unit_test(units),
        cmocka_unit_test(bad_files),
    };

    return cmocka_run_group_tests(tests, create, removed);
}
