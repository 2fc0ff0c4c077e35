/* test_fits_write.c - what the writer writes, CFITSIO reads back; a failed write leaves nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scratch.h"

#include <scorefield/io.h>

#include <errno.h>
#include <fitsio.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>

#define ROWS    12
#define COLUMNS 17
#define PIXELS  (ROWS * COLUMNS)

static double pixels[PIXELS];
static sf_grid grid;

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < PIXELS; i++) pixels[i] = 0.25 * i - 10.0;
    pixels[20] = NAN;
    return sf_grid_image(ROWS, COLUMNS, &grid) == SF_OK ? 0 : -1;
}

static void ok(sf_status status)
{
    if (status != SF_OK) fail_msg("%s", sf_last_error());
}

static sf_fits_writer *begin(const char *path)
{
    sf_fits_writer *writer;

    ok(sf_fits_writer_create(path, true, &writer));
    return writer;
}

static sf_fits *read_ok(const char *path)
{
    sf_fits *fits;

    ok(sf_fits_read(path, &fits));
    return fits;
}

/* ---- content --------------------------------------------------------------------------------- */

static void test_images(void **state)
{
    const char *path = scratch("out.fits");
    sf_fits_writer *writer = begin(path);
    sf_grid cube;
    const size_t shape[] = {3, 4, 2};
    sf_fits *fits;
    char text[80];

    (void)state;
    ok(sf_grid_make(3, shape, NULL, &cube));
    ok(sf_fits_writer_add(writer, NULL, &grid, pixels, NULL, NULL));
    ok(sf_fits_writer_add(writer, "NOISE", &cube, pixels, NULL, NULL));
    assert_int_not_equal(access(path, F_OK), 0); /* nothing before close */
    ok(sf_fits_writer_close(&writer));
    assert_null(writer);

    fits = read_ok(path);
    assert_int_equal(sf_fits_undefined(fits), 1);
    for (int i = 0; i < PIXELS; i++)
        assert_true(i == 20 ? isnan(sf_fits_pixels(fits)[i])
                            : sf_fits_pixels(fits)[i] == pixels[i]);
    sf_fits_release(&fits);
    fits = read_ok(scratch("out.fits[NOISE]"));
    assert_true(sf_grid_same_shape(sf_fits_grid(fits), &cube));
    assert_true(sf_fits_get_string(fits, "EXTNAME", text, sizeof text));
    assert_string_equal(text, "NOISE");
    sf_fits_release(&fits);
}

static void test_checksums_and_reproducibility(void **state)
{
    unsigned char *first = NULL, *bytes = NULL;
    size_t first_size = 0, size = 0;
    fitsfile *file = NULL;
    int code = 0;

    (void)state;
    for (int run = 0; run < 2; run++) {
        sf_fits_writer *writer = begin(scratch("sum.fits"));
        ok(sf_fits_writer_add(writer, NULL, &grid, pixels, NULL, NULL));
        ok(sf_fits_writer_string(writer, "ORIGIN", "test", NULL));
        ok(sf_fits_writer_add(writer, "TWO", &grid, pixels, NULL, NULL));
        ok(sf_fits_writer_close(&writer));
        bytes = read_bytes(scratch("sum.fits"), &size);
        if (run == 0) {
            first = bytes;
            first_size = size;
            (void)sleep(1); /* the time of day may not matter */
        }
    }
    assert_int_equal(size, first_size);
    assert_memory_equal(bytes, first, size);
    assert_int_equal(size % 2880, 0);
    free(first);
    free(bytes);
    fits_open_diskfile(&file, scratch("sum.fits"), READONLY, &code);
    for (int hdu = 1; hdu <= 2; hdu++) {
        int data = 0, whole = 0;
        fits_movabs_hdu(file, hdu, NULL, &code);
        fits_verify_chksum(file, &data, &whole, &code);
        assert_int_equal(code, 0);
        assert_int_equal(data, 1);
        assert_int_equal(whole, 1);
    }
    fits_close_file(file, &code);
}

/* ---- headers --------------------------------------------------------------------------------- */

static int count_cards(const unsigned char *bytes, size_t size, const char *start)
{
    int n = 0;

    for (size_t i = 0; i + 80 <= size; i += 80)
        if (memcmp(bytes + i, start, strlen(start)) == 0) n++;
    return n;
}

/* A header with everything that a copy must keep, shift, or leave out. */
static void make_input(const char *path, bool compressed)
{
    static const char *const cards[] = {
        "BSCALE  =                  2.0",
        "BZERO   =                100.0",
        "BLANK   =               -32768",
        "DATAMIN =                  1.0",
        "EXTNAME = 'OLDNAME '",
        "OBJECT  = 'M 51    '           / the target",
        "CTYPE1  = 'RA---TAN-SIP'",
        "CTYPE2  = 'DEC--TAN-SIP'",
        "CRPIX1  =                  8.5 / reference pixel",
        "CRPIX2  =   6.2500000000000001",
        "CRVAL1  =    202.4842000000001",
        "CRVAL2  =              47.2306",
        "CD1_1   =            -2.77E-05",
        "CD2_2   =             2.77E-05",
        "A_2_0   =              1.2E-06",
        "CRPIX1A =                100.0",
        "CRVAL2B =                  3.0",
        "LTV1    =                -20.0",
        "HIERARCH ESO DET GAIN = 2.5 / with a long name",
        "COMMENT one",
        "HISTORY before",
        "HISTORY after",
        "lower   = 5 / a damaged keyword",
        "ACCENT  = 'caf\xe9 \x01'",
    };
    long shape[2] = {COLUMNS, ROWS};
    short raw[PIXELS] = {0};
    fitsfile *file = NULL;
    unsigned char *bytes;
    size_t size;
    int code = 0;

    (void)unlink(path);
    fits_create_diskfile(&file, path, &code);
    if (compressed) fits_set_compression_type(file, RICE_1, &code);
    fits_create_img(file, SHORT_IMG, 2, shape, &code);
    fits_write_img(file, TSHORT, 1, PIXELS, raw, &code);
    for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++) {
        if (cards[i][0] == 'l' || cards[i][0] == 'A' || strncmp(cards[i], "EXTNAME", 7) == 0)
            fits_write_record(file, "MARKED  = 1", &code);
        else
            fits_write_record(file, cards[i], &code);
    }
    fits_write_key_longstr(file, "LONG",
                           "a text that is longer than one card and so has a second one to itself",
                           NULL, &code);
    fits_write_chksum(file, &code);
    fits_close_file(file, &code);
    assert_int_equal(code, 0);
    bytes = read_bytes(path, &size); /* what CFITSIO would not write */
    for (size_t i = 0, k = 0; i + 80 <= size && k < sizeof cards / sizeof cards[0]; i += 80) {
        if (memcmp(bytes + i, "MARKED  ", 8) != 0) continue;
        while (cards[k][0] != 'l' && cards[k][0] != 'A' && strncmp(cards[k], "EXTNAME", 7) != 0)
            k++;
        memset(bytes + i, ' ', 80);
        memcpy(bytes + i, cards[k], strlen(cards[k]));
        k++;
    }
    write_bytes(path, bytes, size);
    free(bytes);
}

static void expect_number(const sf_fits *fits, const char *keyword, double expected)
{
    double value = NAN;

    if (!sf_fits_get_double(fits, keyword, &value) || value != expected)
        fail_msg("%s is %.17g and not %.17g", keyword, value, expected);
}

static void check_copy(const char *path)
{
    sf_fits *fits = read_ok(path);
    char text[200];
    size_t size;
    unsigned char *bytes = read_bytes(path, &size);

    expect_number(fits, "CRPIX1", 8.5 - 3.0);
    expect_number(fits, "CRPIX2", 6.2500000000000001 + 2.0);
    expect_number(fits, "CRPIX1A", 97.0);
    expect_number(fits, "LTV1", -23.0);
    expect_number(fits, "CRVAL1", 202.4842000000001);
    expect_number(fits, "CD1_1", -2.77e-5);
    expect_number(fits, "A_2_0", 1.2e-6);
    expect_number(fits, "ESO DET GAIN", 2.5);
    assert_true(sf_fits_get_string(fits, "LONG", text, sizeof text));
    assert_string_equal(text,
                        "a text that is longer than one card and so has a second one to itself");
    assert_true(sf_fits_get_string(fits, "OBJECT", text, sizeof text));
    assert_string_equal(text, "M 52");
    static const struct {
        const char *start;
        int count;
    } cards[] = {{"BSCALE", 0},
                 {"BZERO", 0},
                 {"BLANK", 0},
                 {"DATAMIN", 0},
                 {"ZIMAGE", 0},
                 {"ZCMPTYPE", 0},
                 {"TTYPE", 0},
                 {"OLDNAME", 0},
                 {"EXTNAME", 1},
                 {"CHECKSUM", 1},
                 {"DATASUM", 1},
                 {"COMMENT one", 1},
                 {"HISTORY before", 1},
                 {"HISTORY after", 1},
                 {"OBJECT", 1},
                 {"CRPIX1  ", 1},
                 {"CRPIX1  =                  5.5 / reference pixel", 1},
                 {"COMMENT lower   = 5 / a damaged keyword", 1},
                 {"ACCENT  = 'caf   '", 1},
                 {"ITERS   =                   30 / iterations", 1},
                 {"CHI2    =", 1},
                 {"CONTINUE", 1}};
    for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++)
        if (count_cards(bytes, size, cards[i].start) != cards[i].count)
            fail_msg("%d cards '%s'", count_cards(bytes, size, cards[i].start), cards[i].start);
    assert_false(sf_fits_get_double(fits, "CHI2", &(double){0}));
    free(bytes);
    sf_fits_release(&fits);
}

static void test_header_copy(void **state)
{
    const long offset[] = {-2, 3}; /* rows, columns */

    (void)state;
    for (int compressed = 0; compressed < 2; compressed++) {
        sf_fits *input;
        sf_fits_writer *writer;
        char long_history[300];
        make_input(scratch("input.fits"), compressed == 1);
        input = read_ok(scratch("input.fits"));
        writer = begin(scratch("copy.fits"));
        ok(sf_fits_writer_add(writer, "RESULT", &grid, pixels, input, offset));
        sf_fits_release(&input);
        ok(sf_fits_writer_string(writer, "OBJECT", "M 52", "another"));
        ok(sf_fits_writer_integer(writer, "ITERS", 20, "iterations"));
        ok(sf_fits_writer_integer(writer, "ITERS", 30, "iterations"));
        ok(sf_fits_writer_double(writer, "CHI2", NAN, "undefined"));
        ok(sf_fits_writer_double(writer, "PENALTY", 0.1, NULL));
        memset(long_history, 'x', sizeof long_history - 1);
        long_history[sizeof long_history - 1] = '\0';
        ok(sf_fits_writer_history(writer, long_history));
        ok(sf_fits_writer_close(&writer));
        check_copy(scratch("copy.fits"));
    }
}

/* A header that leaves CRPIX out means 0, and a moved cut-out must say so. */
static void test_missing_reference(void **state)
{
    const char *path = scratch("nocrpix.fits");
    const long offset[] = {5, 7};
    long shape[2] = {COLUMNS, ROWS};
    short raw[PIXELS] = {0};
    fitsfile *file = NULL;
    sf_fits_writer *writer;
    sf_fits *input;
    int code = 0;

    (void)state;
    (void)unlink(path);
    fits_create_diskfile(&file, path, &code);
    fits_create_img(file, SHORT_IMG, 2, shape, &code);
    fits_write_img(file, TSHORT, 1, PIXELS, raw, &code);
    fits_write_key_dbl(file, "CRVAL1", 10.0, -15, NULL, &code);
    fits_close_file(file, &code);
    assert_int_equal(code, 0);
    input = read_ok(path);
    writer = begin(scratch("moved.fits"));
    ok(sf_fits_writer_add(writer, NULL, &grid, pixels, input, offset));
    sf_fits_release(&input);
    ok(sf_fits_writer_close(&writer));
    input = read_ok(scratch("moved.fits"));
    expect_number(input, "CRPIX1", -7.0);
    assert_false(sf_fits_get_double(input, "CRPIX2", &(double){0}));
    sf_fits_release(&input);
}

/* Numbers in files have a point also where people write a comma. */
static void test_locale(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "fr_FR"};
    const long offset[] = {-2, 3};
    sf_fits_writer *writer;
    sf_report *report;
    sf_fits *input;
    unsigned char *bytes;
    size_t size;

    (void)state;
    make_input(scratch("input.fits"), false);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (setlocale(LC_ALL, names[i]) != NULL) break;
    if (localeconv()->decimal_point[0] != ',') skip();
    input = read_ok(scratch("input.fits"));
    expect_number(input, "CRPIX1", 8.5);
    writer = begin(scratch("comma.fits"));
    ok(sf_fits_writer_add(writer, NULL, &grid, pixels, input, offset));
    sf_fits_release(&input);
    ok(sf_fits_writer_double(writer, "PENALTY", 0.1, NULL));
    ok(sf_fits_writer_close(&writer));
    ok(sf_report_create("test", &report));
    ok(sf_report_double(report, "half", 0.5));
    ok(sf_report_write(report, scratch("comma.json"), true));
    sf_report_release(&report);
    assert_int_equal(localeconv()->decimal_point[0], ','); /* the program's locale is untouched */
    assert_non_null(setlocale(LC_ALL, "C"));
    input = read_ok(scratch("comma.fits"));
    expect_number(input, "CRPIX1", 8.5 - 3.0);
    expect_number(input, "CRVAL1", 202.4842000000001);
    expect_number(input, "PENALTY", 0.1);
    sf_fits_release(&input);
    bytes = read_bytes(scratch("comma.json"), &size);
    bytes[size] = '\0';
    assert_non_null(strstr((char *)bytes, "0.5"));
    free(bytes);
}

/* ---- misuse ---------------------------------------------------------------------------------- */

static void test_misuse(void **state)
{
    sf_fits_writer *writer = begin(scratch("misuse.fits"));
    double huge[PIXELS] = {0};

    (void)state;
    assert_int_equal(sf_fits_writer_double(writer, "X", 1.0, NULL), SF_ERR_ARGUMENT);
    assert_int_equal(sf_fits_writer_close(&writer), SF_ERR_ARGUMENT);
    assert_null(writer);
    writer = begin(scratch("misuse.fits"));
    ok(sf_fits_writer_add(writer, NULL, &grid, pixels, NULL, NULL));
    assert_int_equal(sf_fits_writer_integer(writer, "TOO_LONG_", 1, NULL), SF_ERR_ARGUMENT);
    assert_int_equal(sf_fits_writer_integer(writer, "lower", 1, NULL), SF_ERR_ARGUMENT);
    assert_int_equal(sf_fits_writer_integer(writer, "NAXIS1", 1, NULL), SF_ERR_ARGUMENT);
    assert_int_equal(sf_fits_writer_string(writer, "", "x", NULL), SF_ERR_ARGUMENT);
    huge[3] = 1e39;
    assert_int_equal(sf_fits_writer_add(writer, NULL, &grid, huge, NULL, NULL), SF_ERR_NUMERIC);
    assert_int_equal(sf_fits_writer_close(&writer), SF_ERR_NUMERIC);
    assert_int_not_equal(access(scratch("misuse.fits"), F_OK), 0);
    writer = begin(scratch("misuse.fits"));
    sf_fits_writer_release(&writer);
    sf_fits_writer_release(&writer);
    assert_int_not_equal(access(scratch("misuse.fits"), F_OK), 0);
}

/* ---- where it goes --------------------------------------------------------------------------- */

static void create_fails(const char *path, bool overwrite, const char *words)
{
    sf_fits_writer *writer = (sf_fits_writer *)1;

    assert_int_equal(sf_fits_writer_create(path, overwrite, &writer), SF_ERR_IO);
    assert_null(writer);
    if (strstr(sf_last_error(), words) == NULL)
        fail_msg("'%s' does not say '%s'", sf_last_error(), words);
}

static void test_places(void **state)
{
    (void)state;
    write_bytes(scratch("there"), "old", 3);
    create_fails(scratch("there"), false, "exists");
    create_fails("/tmp", true, "folder");
    create_fails("/dev/null", true, "device");
    create_fails("/nowhere/at/all.fits", true, "folder");
    create_fails(scratch("there/below.fits"), true, "there/below.fits");
    assert_int_equal(symlink("nothing", scratch("dangling")), 0);
    create_fails(scratch("dangling"), true, "symbolic link");
}

/* A file that comes into being while we work is not overwritten without leave. */
static void test_late_arrival(void **state)
{
    sf_fits_writer *writer;
    unsigned char *bytes;
    size_t size;

    (void)state;
    ok(sf_fits_writer_create(scratch("late.fits"), false, &writer));
    ok(sf_fits_writer_add(writer, NULL, &grid, pixels, NULL, NULL));
    write_bytes(scratch("late.fits"), "theirs", 6);
    assert_int_equal(sf_fits_writer_close(&writer), SF_ERR_IO);
    bytes = read_bytes(scratch("late.fits"), &size);
    assert_int_equal(size, 6);
    free(bytes);
}

static void test_symbolic_link(void **state)
{
    struct stat info;
    sf_fits_writer *writer;
    sf_fits *fits;

    (void)state;
    write_bytes(scratch("target.fits"), "old", 3);
    assert_int_equal(symlink("target.fits", scratch("link.fits")), 0);
    writer = begin(scratch("link.fits"));
    ok(sf_fits_writer_add(writer, NULL, &grid, pixels, NULL, NULL));
    ok(sf_fits_writer_close(&writer));
    assert_int_equal(lstat(scratch("link.fits"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    fits = read_ok(scratch("target.fits"));
    sf_fits_release(&fits);
}

/* A disk that is full after 4000 bytes: the old file stays, and nothing lies beside it. */
static void test_full_disk(void **state)
{
    struct rlimit before, small;
    sf_fits_writer *writer;
    unsigned char *bytes;
    size_t size;
    char folder[512];

    (void)state;
    (void)snprintf(folder, sizeof folder, "%s", scratch("full"));
    assert_int_equal(mkdir(folder, 0700), 0);
    write_bytes(scratch("full/out.fits"), "old", 3);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4000;
    writer = begin(scratch("full/out.fits"));
    ok(sf_fits_writer_add(writer, NULL, &grid, pixels, NULL, NULL));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const sf_status status = sf_fits_writer_close(&writer);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, SF_ERR_IO);
    assert_non_null(strstr(sf_last_error(), strerror(EFBIG)));
    assert_null(writer);
    assert_int_equal(count_files(folder), 1);
    bytes = read_bytes(scratch("full/out.fits"), &size);
    assert_int_equal(size, 3);
    free(bytes);
}

static void test_unwritable_folder(void **state)
{
    sf_fits_writer *writer;

    (void)state;
    if (geteuid() == 0) { /* root writes everywhere but here */
        ok(sf_fits_writer_create("/proc/out.fits", true, &writer));
    } else {
        assert_int_equal(mkdir(scratch("locked"), 0500), 0);
        ok(sf_fits_writer_create(scratch("locked/out.fits"), true, &writer));
    }
    ok(sf_fits_writer_add(writer, NULL, &grid, pixels, NULL, NULL));
    assert_int_equal(sf_fits_writer_close(&writer), SF_ERR_IO);
    assert_non_null(strstr(sf_last_error(), "out.fits: cannot be written"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_checksums_and_reproducibility),
        cmocka_unit_test(test_header_copy),
        cmocka_unit_test(test_missing_reference),
        cmocka_unit_test(test_locale),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_late_arrival),
        cmocka_unit_test(test_symbolic_link),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_unwritable_folder),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
