/* test_store.c - results in pieces on disk, images read and written in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scratch.h"

#include <scorefield/io.h>

#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>

static void ok(sf_status status)
{
    if (status != SF_OK) fail_msg("%s", sf_last_error());
}

static sf_store_options options_for(const char *path)
{
    return (sf_store_options){.path = path,
                              .beside = scratch("beside"),
                              .label = "a frame",
                              .records = 5,
                              .width = 3,
                              .values = 1000};
}

static sf_store *open_store(const sf_store_options *options)
{
    sf_store *store;

    ok(sf_store_open(options, &store));
    return store;
}

static bool has(const sf_store *store, size_t index, size_t parent, double record[3])
{
    bool found;

    ok(sf_store_recall(store, index, parent, record, &found));
    return found;
}

/* ---- records and values ---------------------------------------------------------------------- */

static void test_it_goes_on(void **state)
{
    const sf_store_options options = options_for(scratch("store"));
    const double decided[3] = {1.0, 2.0, 3.0}, other[3] = {1.0, 2.0, 4.0};
    const double done[3] = {-5.0, NAN, 7.0};
    float values[10] = {0}, again[10];
    double record[3];
    sf_store *store = open_store(&options);

    (void)state;
    for (size_t i = 0; i < 5; i++) assert_false(has(store, i, SF_STORE_ALONE, record));
    for (int i = 0; i < 10; i++) values[i] = (float)i + 0.5F;
    ok(sf_store_note(store, 0, SF_STORE_ALONE, decided));
    ok(sf_store_write(store, 990, 10, values));
    ok(sf_store_note(store, 3, 0, done));
    sf_store_release(&store);
    assert_null(store);

    store = open_store(&options);
    assert_true(has(store, 0, SF_STORE_ALONE, record));
    assert_memory_equal(record, decided, sizeof record);
    assert_true(has(store, 3, 0, record));
    assert_memory_equal(record, done, sizeof record);
    assert_false(has(store, 2, 0, record));
    assert_false(has(store, 3, SF_STORE_ALONE, record));
    ok(sf_store_read(store, 990, 10, again));
    assert_memory_equal(again, values, sizeof values);

    /* What depends on a decision goes with it. */
    ok(sf_store_note(store, 0, SF_STORE_ALONE, other));
    assert_false(has(store, 3, 0, record));
    ok(sf_store_note(store, 0, SF_STORE_ALONE, decided));
    assert_true(has(store, 3, 0, record));
    sf_store_remove(&store);
    assert_int_not_equal(access(options.path, F_OK), 0);
}

static void test_bounds(void **state)
{
    const sf_store_options options = options_for(NULL);
    const double record[3] = {0};
    sf_store *store = open_store(&options);
    float values[2] = {0};

    (void)state;
    assert_int_equal(sf_store_write(store, 999, 2, values), SF_ERR_ARGUMENT);
    assert_int_equal(sf_store_read(store, SIZE_MAX, 2, values), SF_ERR_ARGUMENT);
    assert_int_equal(sf_store_note(store, 5, SF_STORE_ALONE, record), SF_ERR_ARGUMENT);
    assert_int_equal(sf_store_note(store, 1, 5, record), SF_ERR_ARGUMENT);
    sf_store_release(&store);
}

static void test_without_a_path_nothing_stays(void **state)
{
    const sf_store_options options = options_for(NULL);
    const int before = count_files(scratch_folder);
    sf_store *store = open_store(&options);
    const float value = 3.0F;
    float read;

    (void)state;
    ok(sf_store_write(store, 7, 1, &value));
    ok(sf_store_read(store, 7, 1, &read));
    assert_true(read == value);
    sf_store_release(&store);
    assert_int_equal(count_files(scratch_folder), before);
}

static void test_other_files_are_refused(void **state)
{
    sf_store_options options = options_for(scratch("other"));
    sf_store *store = open_store(&options), *second;
    FILE *file;

    (void)state;
    assert_int_equal(sf_store_open(&options, &second), SF_ERR_IO); /* in use */
    assert_null(second);
    sf_store_release(&store);
    options.label = "another frame";
    assert_int_equal(sf_store_open(&options, &store), SF_ERR_ARGUMENT);
    options = options_for(scratch("other"));
    options.values++;
    assert_int_equal(sf_store_open(&options, &store), SF_ERR_ARGUMENT);
    options.values--;
    assert_int_equal(truncate(options.path, 100), 0);
    assert_int_equal(sf_store_open(&options, &store), SF_ERR_FORMAT);
    file = fopen(options.path, "wb");
    assert_non_null(file);
    fputs("something else, of some length: more than a head, which has 48 bytes or so", file);
    fclose(file);
    assert_int_equal(sf_store_open(&options, &store), SF_ERR_FORMAT);
    options.path = scratch_folder;
    assert_int_equal(sf_store_open(&options, &store), SF_ERR_IO);
    assert_null(store);
}

/* A process that is killed while it writes: every record that is there is whole. */
static void test_a_killed_process_leaves_whole_records(void **state)
{
    const struct timespec pause = {.tv_nsec = 300000000};
    sf_store_options options = options_for(scratch("killed"));
    double record[3];
    sf_store *store;
    size_t found = 0;
    pid_t child;

    (void)state;
    options.records = 100000;
    child = fork();
    if (child == 0) {
        if (sf_store_open(&options, &store) != SF_OK) _exit(1);
        for (size_t i = 0; i < options.records; i++) {
            const float value = (float)i;
            const double note[3] = {(double)i, 2.0 * (double)i, 0.0};
            if (sf_store_write(store, i % 1000, 1, &value) != SF_OK ||
                sf_store_note(store, i, SF_STORE_ALONE, note) != SF_OK)
                _exit(1);
        }
        _exit(0);
    }
    (void)nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    store = open_store(&options);
    while (found < options.records && has(store, found, SF_STORE_ALONE, record)) {
        assert_true(record[0] == (double)found && record[1] == 2.0 * (double)found);
        found++;
    }
    assert_true(found > 0);
    for (size_t i = found; i < options.records; i++)
        assert_false(has(store, i, SF_STORE_ALONE, record));
    sf_store_remove(&store);
}

/* ---- images in pieces ------------------------------------------------------------------------ */

static sf_status make_numbers(void *user, size_t first, size_t count, float *values)
{
    const size_t fail_at = *(const size_t *)user;

    for (size_t i = 0; i < count; i++) {
        if (first + i == fail_at) return sf_fail(SF_ERR_IO, "value %zu cannot be made", first + i);
        values[i] = (float)(first + i) * 0.25F;
    }
    return SF_OK;
}

static sf_status write_cube(const char *path, size_t fail_at)
{
    const size_t shape[] = {3, 700, 501}; /* more than a buffer */
    sf_fits_writer *writer;
    sf_grid cube;

    ok(sf_grid_make(3, shape, NULL, &cube));
    ok(sf_fits_writer_create(path, true, &writer));
    ok(sf_fits_writer_made(writer, NULL, &cube, make_numbers, &fail_at, NULL));
    ok(sf_fits_writer_double(writer, "CRPIX1", 12.0, NULL));
    return sf_fits_writer_close(&writer);
}

static void check_box(sf_fits_file *file, const size_t first[3], const size_t shape[3])
{
    sf_fits *fits;
    const double *p;
    double value;

    ok(sf_fits_file_read(file, first, shape, &fits));
    p = sf_fits_pixels(fits);
    assert_int_equal(sf_fits_grid(fits)->axes, shape[0] == 1 ? 2 : 3);
    assert_true(sf_fits_get_double(fits, "CRPIX1", &value) && value == 12.0);
    for (size_t z = 0; z < shape[0]; z++)
        for (size_t y = 0; y < shape[1]; y++)
            for (size_t x = 0; x < shape[2]; x++)
                assert_true(*p++ == 0.25 * (double)(((first[0] + z) * 700 + first[1] + y) * 501 +
                                                    first[2] + x));
    sf_fits_release(&fits);
}

static void test_boxes_of_a_made_image(void **state)
{
    static const size_t firsts[][3] = {{0, 0, 0}, {2, 699, 500}, {1, 10, 20}, {0, 650, 400}};
    static const size_t shapes[][3] = {{3, 700, 501}, {1, 1, 1}, {1, 30, 7}, {2, 50, 101}};
    const size_t outside[3] = {2, 0, 0}, most[3] = {2, 1, 1};
    sf_fits_file *file;
    sf_fits *fits;

    (void)state;
    ok(write_cube(scratch("cube.fits"), SIZE_MAX));
    ok(sf_fits_open(scratch("cube.fits"), &file));
    assert_int_equal(sf_fits_grid(sf_fits_file_header(file))->axes, 3);
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
        check_box(file, firsts[i], shapes[i]);
    assert_int_equal(sf_fits_file_read(file, outside, most, &fits), SF_ERR_SHAPE);
    assert_null(fits);
    sf_fits_close(&file);
    assert_int_equal(sf_fits_open(scratch("none.fits"), &file), SF_ERR_IO);
    assert_null(file);
}

static void test_what_cannot_be_made_is_not_written(void **state)
{
    (void)state;
    assert_int_equal(write_cube(scratch("half.fits"), 1000000), SF_ERR_IO);
    assert_int_not_equal(access(scratch("half.fits"), F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_goes_on),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_without_a_path_nothing_stays),
        cmocka_unit_test(test_other_files_are_refused),
        cmocka_unit_test(test_a_killed_process_leaves_whole_records),
        cmocka_unit_test(test_boxes_of_a_made_image),
        cmocka_unit_test(test_what_cannot_be_made_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
