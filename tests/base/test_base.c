/* test_base.c - status, error text, memory, threads, monitor. */
#include "base/internal.h"

#include "check.h"

#include <pthread.h>
#include <string.h>

static void every_status_has_name_and_text(void **state)
{
    (void)state;
#define CHECK(name, code, text)                       \
    assert_int_equal(name, code);                     \
    assert_string_equal(sf_status_name(name), #name); \
    assert_string_equal(sf_status_text(name), text);
    SF_STATUS_LIST(CHECK)
#undef CHECK
    assert_string_equal(sf_status_name((sf_status)99), "unknown status");
    assert_string_equal(sf_status_text((sf_status)99), "unknown status");
}

static void *fail_in_another_thread(void *other)
{
    const bool empty = strcmp(sf_last_error(), "") == 0;

    (void)sf_fail(SF_ERR_IO, "the other thread's");
    return empty ? other : NULL;
}

static void last_error_belongs_to_its_thread(void **state)
{
    pthread_t thread;
    int mark;
    void *result;

    (void)state;
    assert_status(SF_ERR_SHAPE, sf_fail(SF_ERR_SHAPE, "%dx%d does not fit", 3, 4));
    assert_int_equal(pthread_create(&thread, NULL, fail_in_another_thread, &mark), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &mark);
    assert_string_equal(sf_last_error(), "3x4 does not fit");
}

static void last_error_may_quote_itself(void **state)
{
    (void)state;
    (void)sf_fail(SF_ERR_IO, "disk full");
    (void)sf_fail(SF_ERR_IO, "cannot write out.fits: %s", sf_last_error());
    assert_string_equal(sf_last_error(), "cannot write out.fits: disk full");
}

static void last_error_is_cut_not_overrun(void **state)
{
    char text[5000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)sf_fail(SF_ERR_IO, "%s", text);
    assert_true(strlen(sf_last_error()) > 500 && strlen(sf_last_error()) < sizeof text - 1);
    assert_memory_equal(sf_last_error(), text, strlen(sf_last_error()));
}

static void memory_is_zeroed_and_aligned(void **state)
{
    const size_t counts[] = {0, 1, 7, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        double *memory = NULL;

        assert_ok(sf_allocate(&memory, counts[i], sizeof *memory));
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 64, 0);
        for (size_t j = 0; j < counts[i]; j++) assert_close(memory[j], 0.0, 0.0);
        sf_free(memory);
    }
    sf_free(NULL);
}

static void impossible_sizes_are_refused(void **state)
{
    const size_t sizes[][2] = {{SIZE_MAX, 2},         {SIZE_MAX / 2, 3},  {SIZE_MAX, 1},
                               {SIZE_MAX / 2 - 1, 1}, {SIZE_MAX / 16, 8}, {SIZE_MAX / 4, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char unused, *memory = &unused;

        assert_status(SF_ERR_MEMORY, sf_allocate(&memory, sizes[i][0], sizes[i][1]));
        assert_null(memory);
    }
}

static void copies_are_equal_and_own(void **state)
{
    const double values[] = {1.0, -2.0, 3.5};
    double *copy;
    char *text;

    (void)state;
    assert_ok(sf_copy_memory(values, 3, sizeof *values, &copy));
    assert_memory_equal(copy, values, sizeof values);
    sf_free(copy);
    assert_ok(sf_copy_memory(NULL, 0, 8, &copy));
    sf_free(copy);
    assert_ok(sf_copy_text("score", &text));
    assert_string_equal(text, "score");
    sf_free(text);
}

static void non_finite_values_are_found(void **state)
{
    double values[] = {1.0, 2.0, 3.0};
    const double bad[] = {NAN, INFINITY, -INFINITY};

    (void)state;
    assert_ok(sf_check_finite(values, 3, "image"));
    assert_ok(sf_check_finite(NULL, 0, "image"));
    for (int i = 0; i < 3; i++) {
        values[2] = bad[i];
        assert_status(SF_ERR_NUMERIC, sf_check_finite(values, 3, "image"));
        assert_non_null(strstr(sf_last_error(), "image: value 2"));
        assert_ok(sf_check_finite(values, 2, "image"));
    }
}

static void thread_count_is_what_was_set(void **state)
{
    const int before = sf_thread_count();

    (void)state;
    assert_true(before >= 1);
    assert_ok(sf_thread_count_set(7));
    assert_int_equal(sf_thread_count(), 7);
    assert_status(SF_ERR_ARGUMENT, sf_thread_count_set(-1));
    assert_status(SF_ERR_ARGUMENT, sf_thread_count_set(1000000));
    assert_int_equal(sf_thread_count(), 7);
    assert_ok(sf_thread_count_set(0));
    assert_int_equal(sf_thread_count(), before);
}

static bool stop_at_three(const sf_monitor_event *event, void *user)
{
    *(size_t *)user = event->iteration;
    return event->iteration < 3;
}

static void monitor_is_called_and_may_stop(void **state)
{
    size_t seen = 0;
    const sf_monitor silent = {0}, monitor = {.function = stop_at_three, .user = &seen};
    sf_monitor_event event = {.stage = "admm", .iteration = 2};

    (void)state;
    assert_true(sf_monitor_call(NULL, &event));
    assert_true(sf_monitor_call(&silent, &event));
    assert_true(sf_monitor_call(&monitor, &event));
    assert_int_equal(seen, 2);
    event.iteration = 3;
    assert_false(sf_monitor_call(&monitor, &event));
    assert_int_equal(seen, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_name_and_text),
        cmocka_unit_test(last_error_belongs_to_its_thread),
        cmocka_unit_test(last_error_may_quote_itself),
        cmocka_unit_test(last_error_is_cut_not_overrun),
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(copies_are_equal_and_own),
        cmocka_unit_test(non_finite_values_are_found),
        cmocka_unit_test(thread_count_is_what_was_set),
        cmocka_unit_test(monitor_is_called_and_may_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
