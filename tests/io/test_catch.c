/* test_catch.c - what is written to a file is caught: all of it, in order, and no file is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scratch.h"

#include "io/catch.h"

#include <stdio.h>
#include <unistd.h>

static void ok(sf_status status)
{
    if (status != SF_OK) fail_msg("%s", sf_last_error());
}

/* Numbers first ... last - 1, by a writer that opens the file and closes it. */
static void write_numbers(const char *path, unsigned first, unsigned last)
{
    FILE *stream = fopen(path, "wb");

    assert_non_null(stream);
    for (unsigned i = first; i < last; i++) assert_int_equal(fwrite(&i, sizeof i, 1, stream), 1);
    assert_int_equal(fclose(stream), 0);
}

/* Far more than a pipe holds, by two writers in turn. */
static void test_all_of_it(void **state)
{
    const unsigned count = 1 << 19;
    const char *path = scratch("file");
    unsigned char *bytes;
    sf_catch *caught;
    size_t size;

    (void)state;
    ok(sf_catch_begin(path, &caught));
    write_numbers(path, 0, count / 4);
    write_numbers(path, count / 4, count);
    ok(sf_catch_end(&caught, &bytes, &size));
    assert_null(caught);
    assert_int_equal(size, count * sizeof count);
    for (unsigned i = 0; i < count; i++) assert_memory_equal(bytes + i * sizeof i, &i, sizeof i);
    sf_free(bytes);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_nothing(void **state)
{
    unsigned char *bytes;
    sf_catch *caught;
    size_t size = 1;

    (void)state;
    ok(sf_catch_begin(scratch("file"), &caught));
    ok(sf_catch_end(&caught, &bytes, &size));
    assert_int_equal(size, 0);
    sf_free(bytes);
    assert_int_not_equal(access(scratch("file"), F_OK), 0);
}

/* A file that is there already is nobody's to remove. */
static void test_no_pipe(void **state)
{
    const char *path = scratch("there");
    sf_catch *caught;

    (void)state;
    write_numbers(path, 0, 1);
    assert_int_equal(sf_catch_begin(path, &caught), SF_ERR_IO);
    assert_null(caught);
    assert_non_null(strstr(sf_last_error(), "there: no named pipe"));
    assert_int_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_no_pipe),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
