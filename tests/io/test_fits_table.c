/* test_fits_table.c - tables and fields: what is written, CFITSIO and the reader read back; what
 * CFITSIO writes, the reader reads; damaged tables are refused without a crash or a flood of
 * memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scratch.h"

#include <scorefield/io.h>

#include <fitsio.h>
#include <math.h>
#include <stdint.h>

#define ROWS 20011 /* more than a buffer */

static double vectors[3 * ROWS];
static int64_t numbers[ROWS];

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        numbers[i] = (int64_t)i * i * 3000000007 - 5;
        for (int a = 0; a < 3; a++) vectors[3 * i + a] = sin(i + 0.1 * a) * pow(10.0, i % 30);
    }
    vectors[3 * 7 + 1] = NAN;
    return 0;
}

static void ok(sf_status status)
{
    if (status != SF_OK) fail_msg("%s", sf_last_error());
}

/* A table after an image, or a table alone, with keywords of its own. */
static void write_table(const char *path, bool image)
{
    const sf_column columns[] = {{"x", "Mpc/h", vectors, NULL, 3, false},
                                 {"y", "Mpc/h", vectors + 1, NULL, 3, false},
                                 {"number", NULL, NULL, numbers, 0, false},
                                 {"z", "Mpc/h", vectors + 2, NULL, 3, true}};
    sf_fits_writer *writer;
    sf_grid grid;

    ok(sf_fits_writer_create(path, true, &writer));
    ok(sf_grid_image(2, 3, &grid));
    if (image) {
        ok(sf_fits_writer_field(writer, NULL, &grid, vectors));
        ok(sf_fits_writer_string(writer, "BUNIT", "", NULL));
    }
    ok(sf_fits_writer_table(writer, "POINTS", columns, 4, ROWS));
    ok(sf_fits_writer_double(writer, "BOX1", 100.0, "box"));
    ok(sf_fits_writer_close(&writer));
}

static void check_sums(const char *path, int hdus)
{
    fitsfile *file = NULL;
    int code = 0, count = 0;

    fits_open_diskfile(&file, path, READONLY, &code);
    fits_get_num_hdus(file, &count, &code);
    assert_int_equal(count, hdus);
    for (int hdu = 1; hdu <= count; hdu++) {
        int data = 0, whole = 0;
        fits_movabs_hdu(file, hdu, NULL, &code);
        fits_verify_chksum(file, &data, &whole, &code);
        assert_int_equal(code, 0);
        assert_int_equal(data, 1);
        assert_int_equal(whole, 1);
    }
    fits_close_file(file, &code);
}

static void check_column(const sf_table *table, const char *name, int axis, bool single)
{
    double *values;
    size_t column;

    assert_true(sf_table_find(table, name, &column));
    assert_string_equal(sf_table_name(table, column), name);
    ok(sf_table_column(table, column, &values, NULL));
    for (int i = 0; i < ROWS; i++) {
        const double expected = axis < 0 ? (double)numbers[i]
                                : single ? (double)(float)vectors[3 * i + axis]
                                         : vectors[3 * i + axis];
        if (!(values[i] == expected || (isnan(values[i]) && isnan(expected))))
            fail_msg("%s[%d] = %.17g and not %.17g", name, i, values[i], expected);
    }
    sf_free(values);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int image = 0; image < 2; image++) {
        const char *path = scratch("table.fits");
        sf_table *table;
        double box = 0.0;
        size_t column;
        write_table(path, image == 1);
        check_sums(path, 2);
        ok(sf_table_open(image ? scratch("table.fits[POINTS]") : path, &table));
        assert_int_equal(sf_table_rows(table), ROWS);
        assert_int_equal(sf_table_columns(table), 4);
        assert_true(sf_fits_get_double(sf_table_header(table), "BOX1", &box) && box == 100.0);
        assert_string_equal(sf_table_unit(table, 0), "Mpc/h");
        assert_string_equal(sf_table_unit(table, 2), "");
        assert_null(sf_table_name(table, 4));
        assert_false(sf_table_find(table, "w", &column));
        assert_true(sf_table_find(table, "NUMBER", &column));
        check_column(table, "x", 0, false);
        check_column(table, "y", 1, false);
        check_column(table, "z", 2, true);
        check_column(table, "number", -1, false);
        sf_table_release(&table);
    }
}

/* The file's own library reads the same. */
static void test_cfitsio_reads(void **state)
{
    static LONGLONG read_numbers[ROWS];
    static double read_y[ROWS];
    fitsfile *file = NULL;
    int code = 0, any = 0;
    double null = NAN;

    (void)state;
    write_table(scratch("table.fits"), true);
    fits_open_diskfile(&file, scratch("table.fits"), READONLY, &code);
    fits_movabs_hdu(file, 2, NULL, &code);
    fits_read_col(file, TDOUBLE, 2, 1, 1, ROWS, &null, read_y, &any, &code);
    fits_read_col(file, TLONGLONG, 3, 1, 1, ROWS, NULL, read_numbers, &any, &code);
    fits_close_file(file, &code);
    assert_int_equal(code, 0);
    for (int i = 0; i < ROWS; i++) {
        assert_true(read_numbers[i] == numbers[i]);
        assert_true(read_y[i] == vectors[3 * i + 1] || i == 7);
    }
}

/* Fields in their own precision, and nothing of them lost. */
static void test_fields(void **state)
{
    const size_t shape[] = {3, 5, 7};
    float singles[105];
    double *taken;
    sf_fits_writer *writer;
    sf_fits *fits;
    sf_grid grid;

    (void)state;
    for (int i = 0; i < 105; i++) singles[i] = (float)sin(i);
    ok(sf_grid_make(3, shape, NULL, &grid));
    ok(sf_fits_writer_create(scratch("field.fits"), true, &writer));
    ok(sf_fits_writer_field(writer, NULL, &grid, vectors));
    ok(sf_fits_writer_field_single(writer, "SINGLE", &grid, singles));
    ok(sf_fits_writer_close(&writer));
    check_sums(scratch("field.fits"), 2);
    ok(sf_fits_read(scratch("field.fits"), &fits));
    assert_true(sf_grid_same_shape(sf_fits_grid(fits), &grid));
    for (int i = 0; i < 105; i++)
        assert_true(sf_fits_pixels(fits)[i] == vectors[i] || isnan(vectors[i]));
    taken = sf_fits_take_pixels(fits);
    sf_fits_release(&fits);
    memset(taken, 0, sf_fft_buffer_size(&grid) * sizeof *taken); /* a sanitizer sees less room */
    sf_free(taken);
    ok(sf_fits_read(scratch("field.fits[SINGLE]"), &fits));
    for (int i = 0; i < 105; i++) assert_true(sf_fits_pixels(fits)[i] == (double)singles[i]);
    sf_fits_release(&fits);
}

/* The box of a field is in its header, and comes back from it. */
static void test_box(void **state)
{
    const size_t shape[] = {3, 5, 7};
    const double spacing[] = {0.5, 0.1, 1e3 / 7};
    const char *path = scratch("box.fits");
    sf_fits_writer *writer;
    sf_fits *fits;
    sf_grid grid, back;
    char text[80];
    double value;

    (void)state;
    ok(sf_grid_make(3, shape, spacing, &grid));
    ok(sf_fits_writer_create(path, true, &writer));
    ok(sf_fits_writer_field(writer, NULL, &grid, vectors));
    ok(sf_fits_writer_box(writer, &grid, "Mpc/h"));
    ok(sf_fits_writer_field(writer, "BARE", &grid, vectors));
    ok(sf_fits_writer_field(writer, "MATRIX", &grid, vectors));
    for (int n = 1; n <= 3; n++) {
        (void)snprintf(text, sizeof text, "CD%d_%d", n, n);
        ok(sf_fits_writer_double(writer, text, -2.0 * n, NULL));
    }
    ok(sf_fits_writer_close(&writer));
    ok(sf_fits_read(path, &fits));
    assert_true(sf_fits_get_double(fits, "CDELT1", &value) && value == 1e3 / 7);
    assert_true(sf_fits_get_double(fits, "CRVAL3", &value) && value == 0.25);
    assert_true(sf_fits_get_double(fits, "CRPIX2", &value) && value == 1.0);
    assert_true(sf_fits_get_string(fits, "CUNIT2", text, sizeof text));
    assert_string_equal(text, "Mpc/h");
    ok(sf_fits_box(fits, &back));
    for (int i = 0; i < 3; i++) assert_true(back.spacing[i] == spacing[i]);
    assert_true(sf_grid_same_shape(&grid, &back));
    sf_fits_release(&fits);
    ok(sf_fits_read(scratch("box.fits[BARE]"), &fits));
    assert_int_equal(sf_fits_box(fits, &back), SF_ERR_FORMAT);
    assert_non_null(strstr(sf_last_error(), "CDELT1"));
    sf_fits_release(&fits);
    ok(sf_fits_read(scratch("box.fits[MATRIX]"), &fits));
    ok(sf_fits_box(fits, &back));
    for (int i = 0; i < 3; i++) assert_true(back.spacing[i] == 2.0 * (3 - i));
    sf_fits_release(&fits);
}

/* Text has every digit, and comes whole or not at all. */
static void test_text(void **state)
{
    const int64_t integers[] = {-5, INT64_MAX};
    const double values[] = {0.1, 7.0, 1.0 / 3.0, NAN};
    const sf_column columns[] = {{"n", NULL, NULL, integers, 0, false},
                                 {"k", "h/Mpc", values, NULL, 2, false}};
    const char *expected = "# first\n# second\n# n k [h/Mpc]\n"
                           "-5 0.10000000000000001\n9223372036854775807 0.33333333333333331\n";
    unsigned char *bytes;
    size_t size;

    (void)state;
    ok(sf_text_table_write(scratch("t.txt"), false, "first\nsecond", columns, 2, 2));
    bytes = read_bytes(scratch("t.txt"), &size);
    bytes[size] = '\0';
    assert_string_equal((char *)bytes, expected);
    free(bytes);
    assert_int_equal(sf_text_table_write(scratch("t.txt"), false, NULL, columns, 2, 2), SF_ERR_IO);
    ok(sf_text_table_write(scratch("t.txt"), true, NULL, columns, 1, 0));
    free(read_bytes(scratch("t.txt"), &size));
    assert_int_equal(size, 4);
}

/* Every kind of column that CFITSIO writes. */
static unsigned char *make_foreign(size_t *size)
{
    char *names[] = {"byte", "short", "unsigned", "long", "wide", "single", "text", "pos", "list"};
    char *forms[] = {"1B", "I", "1U", "1J", "1K", "1E", "5A", "3D", "1PE(4)"};
    const char *path = scratch("foreign.fits");
    short shorts[4] = {1, -2, 99, 4};
    unsigned short unsigned_shorts[4] = {0, 65535, 7, 8};
    float floats[4] = {1.5F, -2.5F, INFINITY, 0.0F};
    double positions[12];
    fitsfile *file = NULL;
    int code = 0;

    for (int i = 0; i < 12; i++) positions[i] = 0.1 * i;
    (void)unlink(path);
    fits_create_diskfile(&file, path, &code);
    fits_create_tbl(file, BINARY_TBL, 0, 9, names, forms, NULL, "FOREIGN", &code);
    fits_write_col(file, TSHORT, 1, 1, 1, 4, (short[]){3, 255, 0, 8}, &code);
    fits_write_col(file, TSHORT, 2, 1, 1, 4, shorts, &code);
    fits_write_col(file, TUSHORT, 3, 1, 1, 4, unsigned_shorts, &code);
    fits_write_col(file, TSHORT, 4, 1, 1, 4, shorts, &code);
    fits_write_col(file, TSHORT, 5, 1, 1, 4, shorts, &code);
    fits_write_col(file, TFLOAT, 6, 1, 1, 4, floats, &code);
    fits_write_col(file, TDOUBLE, 8, 1, 1, 12, positions, &code);
    fits_write_col(file, TFLOAT, 9, 1, 1, 4, floats, &code);
    fits_write_key_lng(file, "TNULL2", 99, NULL, &code);
    fits_write_key_dbl(file, "TSCAL4", 0.5, -15, NULL, &code);
    fits_close_file(file, &code);
    assert_int_equal(code, 0);
    return read_bytes(path, size);
}

static void test_foreign(void **state)
{
    static const double expected[6][4] = {{3, 255, 0, 8},     {1, -2, NAN, 4}, {0, 65535, 7, 8},
                                          {0.5, -1, 49.5, 2}, {1, -2, 99, 4},  {1.5, -2.5, NAN, 0}};
    sf_table *table;
    double *values;
    size_t size, width;

    (void)state;
    free(make_foreign(&size));
    ok(sf_table_open(scratch("foreign.fits[1]"), &table));
    for (size_t c = 0; c < 6; c++) {
        ok(sf_table_column(table, c, &values, NULL));
        for (int i = 0; i < 4; i++)
            if (!(values[i] == expected[c][i] || (isnan(values[i]) && isnan(expected[c][i]))))
                fail_msg("column %zu, row %d: %g and not %g", c, i, values[i], expected[c][i]);
        sf_free(values);
    }
    ok(sf_table_column(table, 7, &values, &width));
    assert_int_equal(width, 3);
    for (int i = 0; i < 12; i++) assert_true(values[i] == 0.1 * i);
    sf_free(values);
    assert_int_equal(sf_table_column(table, 7, &values, NULL), SF_ERR_SHAPE);
    assert_null(values);
    assert_int_equal(sf_table_column(table, 6, &values, &width), SF_ERR_UNSUPPORTED);
    assert_int_equal(sf_table_column(table, 8, &values, &width), SF_ERR_UNSUPPORTED);
    assert_int_equal(sf_table_column(table, 9, &values, &width), SF_ERR_ARGUMENT);
    sf_table_release(&table);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static uint64_t chance_state;

static size_t chance(size_t below) /* xorshift: cheap, and the same everywhere */
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (size_t)(chance_state % below);
}

/* The outcome must be a table whose columns can be read or are refused, or a sentence. */
static void try_bytes(const unsigned char *bytes, size_t size)
{
    sf_table *table;
    double *values;
    size_t width;

    write_bytes(scratch("mutant.fits"), bytes, size);
    if (sf_table_open(scratch("mutant.fits"), &table) == SF_OK) {
        for (size_t c = 0; c < sf_table_columns(table); c++)
            if (sf_table_column(table, c, &values, &width) == SF_OK) sf_free(values);
        sf_table_release(&table);
        return;
    }
    assert_null(table);
    assert_true(sf_last_error()[0] != '\0');
    assert_null(strchr(sf_last_error(), '\n'));
}

static void test_mutations(void **state)
{
    size_t size;
    unsigned char *original = make_foreign(&size), *copy = malloc(size);

    (void)state;
    assert_non_null(copy);
    chance_state = 0x9e3779b97f4a7c15U;
    for (int i = 0; i < 3000; i++) {
        memcpy(copy, original, size);
        for (size_t k = 1 + chance(4); k > 0; k--) {
            size_t at = 2880 + chance(2880); /* the table's header */
            for (int tries = 0; tries < 100 && (copy[at] < '0' || copy[at] > '9'); tries++)
                at = 2880 + chance(2880);
            if (chance(4) == 0)
                copy[at] = (unsigned char)chance(256);
            else
                copy[at] = (unsigned char)"0123456789- "[chance(12)];
        }
        try_bytes(copy, size);
    }
    for (size_t cut = 0; cut < size; cut += 720) try_bytes(original, cut);
    free(copy);
    free(original);
}

static void test_poisoned(void **state)
{
    static const struct {
        const char *keyword, *value;
    } poison[] = {{"NAXIS1  =", "999999999999"},
                  {"NAXIS2  =", "99999999999999"},
                  {"NAXIS2  =", "-1"},
                  {"TFIELDS =", "8"},
                  {"TFIELDS =", "1000"},
                  {"TFORM8  =", "'99999999999999999999D'"},
                  {"TFORM8  =", "'2305843009213693954D'"},
                  {"TFORM8  =", "'3Z'"},
                  {"TFORM1  =", "'2B'"},
                  {"BITPIX  =", "16"},
                  {"PCOUNT  =", "-4"},
                  {"NAXIS   =", "1"}};

    (void)state;
    for (size_t p = 0; p < sizeof poison / sizeof poison[0]; p++) {
        size_t size;
        unsigned char *bytes = make_foreign(&size);
        sf_table *table;
        char card[64];
        bool found = false;
        for (size_t i = 2880; i + 80 <= size && !found; i += 80) {
            if (memcmp(bytes + i, poison[p].keyword, 9) != 0) continue;
            (void)snprintf(card, sizeof card, " %-30s", poison[p].value);
            memcpy(bytes + i + 9, card, strlen(card));
            found = true;
        }
        assert_true(found);
        write_bytes(scratch("poison.fits"), bytes, size);
        if (sf_table_open(scratch("poison.fits"), &table) != SF_ERR_FORMAT)
            fail_msg("%s %s was read", poison[p].keyword, poison[p].value);
        assert_null(table);
        free(bytes);
    }
}

static void test_misuse(void **state)
{
    sf_column column = {"x", NULL, vectors, numbers, 0, false};
    sf_fits_writer *writer;
    sf_table *table;
    sf_grid grid;

    (void)state;
    ok(sf_fits_writer_create(scratch("misuse.fits"), true, &writer));
    assert_int_equal(sf_fits_writer_table(writer, NULL, &column, 1, 3), SF_ERR_ARGUMENT);
    column.values = NULL;
    column.name = "";
    assert_int_equal(sf_fits_writer_table(writer, NULL, &column, 1, 3), SF_ERR_ARGUMENT);
    assert_int_equal(sf_fits_writer_table(writer, NULL, &column, 0, 3), SF_ERR_ARGUMENT);
    assert_int_equal(sf_fits_writer_close(&writer), SF_ERR_ARGUMENT);
    assert_int_not_equal(access(scratch("misuse.fits"), F_OK), 0);

    ok(sf_grid_image(2, 3, &grid));
    ok(sf_fits_writer_create(scratch("image.fits"), true, &writer));
    ok(sf_fits_writer_field(writer, NULL, &grid, vectors));
    ok(sf_fits_writer_close(&writer));
    assert_int_equal(sf_table_open(scratch("image.fits"), &table), SF_ERR_FORMAT);
    assert_int_equal(sf_table_open(scratch("image.fits[0]"), &table), SF_ERR_FORMAT);
    assert_int_equal(sf_table_open(scratch("image.fits[3]"), &table), SF_ERR_ARGUMENT);
    assert_int_equal(sf_table_open(scratch("missing.fits"), &table), SF_ERR_IO);

    column.name = "x"; /* an empty table is one, too */
    ok(sf_fits_writer_create(scratch("empty.fits"), true, &writer));
    ok(sf_fits_writer_table(writer, NULL, &column, 1, 0));
    ok(sf_fits_writer_close(&writer));
    ok(sf_table_open(scratch("empty.fits"), &table));
    assert_int_equal(sf_table_rows(table), 0);
    sf_table_release(&table);
    sf_table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_cfitsio_reads),
        cmocka_unit_test(test_fields),     cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_mutations),  cmocka_unit_test(test_poisoned),
        cmocka_unit_test(test_misuse),     cmocka_unit_test(test_box),
        cmocka_unit_test(test_text),
    };

    return cmocka_run_group_tests_name("io/fits_table", tests, set_up, scratch_remove);
}
