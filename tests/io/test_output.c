/* test_output.c - files appear whole or not at all, and replace only what they may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scratch.h"

#include "io/output.h"

static void ok(sf_status status)
{
    if (status != SF_OK) fail_msg("%s", sf_last_error());
}

static void assert_content(const char *path, const char *expected)
{
    size_t size;
    unsigned char *bytes = read_bytes(path, &size);

    assert_non_null(bytes);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(bytes, expected, size);
    free(bytes);
}

static void begin(const char *text, bool overwrite, sf_output *output)
{
    ok(sf_output_create(scratch("x"), overwrite, output));
    ok(sf_output_write(output, text, strlen(text)));
}

static void test_whole_or_not(void **state)
{
    sf_output output;

    (void)state;
    begin("one", false, &output);
    assert_int_not_equal(access(scratch("x"), F_OK), 0);
    sf_output_discard(&output);
    assert_int_equal(count_files(scratch("")), 0);
    begin("one", false, &output);
    ok(sf_output_commit(&output));
    assert_content(scratch("x"), "one");
    begin("other", true, &output);
    assert_content(scratch("x"), "one");
    ok(sf_output_commit(&output));
    assert_content(scratch("x"), "other");
    assert_int_equal(count_files(scratch("")), 1);
}

/* What has come into being meanwhile is not replaced without permission. */
static void test_meanwhile(void **state)
{
    sf_output output;

    (void)state;
    (void)unlink(scratch("x"));
    begin("ours", false, &output);
    write_bytes(scratch("x"), "theirs", 6);
    assert_int_equal(sf_output_commit(&output), SF_ERR_IO);
    assert_non_null(strstr(sf_last_error(), "exists already"));
    assert_content(scratch("x"), "theirs");
    assert_int_equal(count_files(scratch("")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole_or_not),
                                       cmocka_unit_test(test_meanwhile)};

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
