/* test_fits_read.c - FITS files that the test writes through CFITSIO, or byte by byte, are read
 * as what was put into them, and bad ones are one sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scratch.h"

#include <scorefield/io.h>

#include <fitsio.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <zlib.h>

#define ROWS    24
#define COLUMNS 30
#define PIXELS  (ROWS * COLUMNS)

static fitsfile *create(const char *path)
{
    fitsfile *file = NULL;
    int code = 0;

    (void)unlink(path);
    fits_create_diskfile(&file, path, &code);
    assert_int_equal(code, 0);
    return file;
}

static void finish(fitsfile *file)
{
    int code = 0;

    fits_close_file(file, &code);
    assert_int_equal(code, 0);
}

/* Adds an image; values by column + 100 row unless given. */
static void add_image(fitsfile *file, int bitpix, int axes, const long *shape, const double *values)
{
    long *naxes = malloc(sizeof(long) * 9), n = 1;
    double *pixels;
    int code = 0;

    for (int i = 0; i < axes; i++) n *= naxes[i] = shape[i];
    pixels = malloc(sizeof(double) * (size_t)n);
    for (long i = 0; i < n; i++)
        pixels[i] = values != NULL ? values[i] : (double)(i % shape[0] + i / shape[0] * 100 % 120);
    fits_create_img(file, bitpix, axes, naxes, &code);
    fits_write_img(file, TDOUBLE, 1, n, pixels, &code);
    assert_int_equal(code, 0);
    free(pixels);
    free(naxes);
}

static const long image_shape[2] = {COLUMNS, ROWS};

/* The same in the image's own type: CFITSIO compresses no other. */
static void add_typed(fitsfile *file, int bitpix, const double *values)
{
    unsigned char bytes[PIXELS];
    short shorts[PIXELS];
    int ints[PIXELS], code = 0;
    float floats[PIXELS], float_nan = -99999.0F; /* CFITSIO wants a stand-in for NaN */
    double doubles[PIXELS], double_nan = -99999.0;

    for (int i = 0; i < PIXELS; i++) {
        const double v = values != NULL ? values[i] : i % COLUMNS + i / COLUMNS * 100 % 120;
        bytes[i] = isnan(v) || v < 0 ? 0 : (unsigned char)v;
        shorts[i] = isnan(v) ? 0 : (short)v;
        ints[i] = shorts[i];
        floats[i] = isnan(v) ? float_nan : (float)v;
        doubles[i] = isnan(v) ? double_nan : v;
    }
    fits_create_img(file, bitpix, 2, (long *)(uintptr_t)image_shape, &code);
    switch (bitpix) {
    case BYTE_IMG: fits_write_img(file, TBYTE, 1, PIXELS, bytes, &code); break;
    case SHORT_IMG: fits_write_img(file, TSHORT, 1, PIXELS, shorts, &code); break;
    case LONG_IMG: fits_write_img(file, TINT, 1, PIXELS, ints, &code); break;
    case FLOAT_IMG: fits_write_imgnull(file, TFLOAT, 1, PIXELS, floats, &float_nan, &code); break;
    default: fits_write_imgnull(file, TDOUBLE, 1, PIXELS, doubles, &double_nan, &code);
    }
    assert_int_equal(code, 0);
}

static sf_fits *read_ok(const char *path)
{
    sf_fits *fits;

    if (sf_fits_read(path, &fits) != SF_OK) fail_msg("%s: %s", path, sf_last_error());
    return fits;
}

/* The status, and a sentence that holds `words`. */
static void read_fails(const char *path, sf_status expected, const char *words)
{
    sf_fits *fits = (sf_fits *)1;

    assert_int_equal(sf_fits_read(path, &fits), expected);
    assert_null(fits);
    if (strstr(sf_last_error(), words) == NULL)
        fail_msg("'%s' does not say '%s'", sf_last_error(), words);
    assert_null(strchr(sf_last_error(), '\n'));
}

static void test_types(void **state)
{
    static const int types[] = {BYTE_IMG,  SBYTE_IMG,    SHORT_IMG,     USHORT_IMG, LONG_IMG,
                                ULONG_IMG, LONGLONG_IMG, ULONGLONG_IMG, FLOAT_IMG,  DOUBLE_IMG};
    double values[PIXELS];

    (void)state;
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        const char *path = scratch("type.fits");
        fitsfile *file = create(path);
        for (int i = 0; i < PIXELS; i++) values[i] = (double)(i % 128);
        if (types[t] == USHORT_IMG) values[5] = 65535.0;
        if (types[t] == SBYTE_IMG) values[5] = -128.0;
        if (types[t] == ULONG_IMG) values[5] = 4294967295.0;
        if (types[t] == ULONGLONG_IMG) values[5] = 9223372036854775808.0;
        if (types[t] == DOUBLE_IMG) values[5] = 0.1;
        add_image(file, types[t], 2, image_shape, values);
        finish(file);
        sf_fits *fits = read_ok(path);
        assert_int_equal(sf_fits_grid(fits)->axes, 2);
        assert_int_equal(sf_fits_grid(fits)->shape[0], ROWS);
        assert_int_equal(sf_fits_grid(fits)->shape[1], COLUMNS);
        assert_memory_equal(sf_fits_pixels(fits), values, sizeof values);
        assert_int_equal(sf_fits_undefined(fits), 0);
        sf_fits_release(&fits);
        assert_null(fits);
    }
}

/* As they are stored: floats stay floats unless they are scaled or compressed. */
static void test_stored(void **state)
{
    static const int types[] = {SHORT_IMG, FLOAT_IMG, DOUBLE_IMG, FLOAT_IMG, FLOAT_IMG};
    double values[PIXELS], scale = 2.0;
    int code = 0;

    (void)state;
    for (int i = 0; i < PIXELS; i++) values[i] = (double)(i % 128);
    for (int t = 0; t < 5; t++) {
        const char *path = scratch("stored.fits");
        fitsfile *file = create(path);
        sf_fits *fits;
        float *single;
        values[7] = types[t] == SHORT_IMG ? 7.0 : NAN;
        if (t == 4) fits_set_compression_type(file, GZIP_1, &code);
        add_typed(file, types[t], values);
        if (t == 3) fits_update_key(file, TDOUBLE, "BSCALE", &scale, NULL, &code);
        assert_int_equal(code, 0);
        finish(file);
        assert_int_equal(sf_fits_read_stored(path, &fits), SF_OK);
        assert_int_equal(sf_fits_undefined(fits), types[t] == SHORT_IMG ? 0 : 1);
        single = sf_fits_take_pixels_single(fits);
        assert_int_equal(single != NULL, t == 1);
        assert_int_equal(sf_fits_pixels(fits) == NULL, t == 1);
        for (int i = 0; i < PIXELS; i++) {
            const double value = single != NULL ? (double)single[i] : sf_fits_pixels(fits)[i];
            const double expected = values[i] * (t == 3 ? scale : 1.0);
            assert_true(value == expected || (isnan(value) && isnan(expected)));
        }
        sf_free(single);
        assert_null(sf_fits_take_pixels_single(fits));
        sf_fits_release(&fits);
    }
}

static void test_scaling_and_blank(void **state)
{
    const char *path = scratch("scaled.fits");
    fitsfile *file = create(path);
    short raw[PIXELS];
    int code = 0;
    sf_fits *fits;

    (void)state;
    for (int i = 0; i < PIXELS; i++) raw[i] = (short)(i - 300);
    raw[7] = -32768;
    fits_create_img(file, SHORT_IMG, 2, (long *)(uintptr_t)image_shape, &code);
    fits_write_img(file, TSHORT, 1, PIXELS, raw, &code);
    fits_write_key_dbl(file, "BSCALE", 0.25, -15, NULL, &code);
    fits_write_key_dbl(file, "BZERO", 1000.0, -15, NULL, &code);
    fits_write_key_lng(file, "BLANK", -32768, NULL, &code);
    assert_int_equal(code, 0);
    finish(file);
    fits = read_ok(path);
    assert_int_equal(sf_fits_undefined(fits), 1);
    for (int i = 0; i < PIXELS; i++) {
        if (i == 7)
            assert_true(isnan(sf_fits_pixels(fits)[i]));
        else
            assert_true(sf_fits_pixels(fits)[i] == 1000.0 + 0.25 * (i - 300));
    }
    sf_fits_release(&fits);
}

static void test_not_finite(void **state)
{
    const char *path = scratch("nan.fits");
    const int types[] = {FLOAT_IMG, DOUBLE_IMG};

    (void)state;
    for (int t = 0; t < 2; t++) {
        fitsfile *file = create(path);
        double values[PIXELS] = {0};
        sf_fits *fits;
        values[3] = NAN;
        values[4] = HUGE_VAL;
        values[5] = -HUGE_VAL;
        values[6] = -2.5;
        if (t == 0) { /* CFITSIO refuses to squeeze an infinity into a float */
            float floats[PIXELS] = {0};
            int code = 0;
            for (int i = 0; i < PIXELS; i++) floats[i] = (float)values[i];
            fits_create_img(file, FLOAT_IMG, 2, (long *)(uintptr_t)image_shape, &code);
            fits_write_img(file, TFLOAT, 1, PIXELS, floats, &code);
            assert_int_equal(code, 0);
        } else {
            add_image(file, types[t], 2, image_shape, values);
        }
        finish(file);
        fits = read_ok(path);
        assert_int_equal(sf_fits_undefined(fits), 3);
        for (int i = 3; i < 6; i++) assert_true(isnan(sf_fits_pixels(fits)[i]));
        assert_true(sf_fits_pixels(fits)[6] == -2.5);
        sf_fits_release(&fits);
    }
}

static void test_compressed_integers(void **state)
{
    static const int codecs[] = {RICE_1, GZIP_1, GZIP_2, HCOMPRESS_1, PLIO_1};
    static const int types[] = {BYTE_IMG, SHORT_IMG, LONG_IMG};
    long tile[2] = {COLUMNS, 10}; /* the last tile is cut */

    (void)state;
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++)
        for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
            const char *path = scratch("codec.fits");
            fitsfile *file = create(path);
            int code = 0;
            sf_fits *fits;
            fits_set_compression_type(file, codecs[c], &code);
            fits_set_tile_dim(file, 2, tile, &code);
            add_typed(file, types[t], NULL);
            finish(file);
            fits = read_ok(path);
            assert_int_equal(sf_fits_grid(fits)->shape[0], ROWS);
            for (int i = 0; i < PIXELS; i++)
                assert_true(sf_fits_pixels(fits)[i] ==
                            (double)(i % COLUMNS + i / COLUMNS * 100 % 120));
            sf_fits_release(&fits);
        }
}

/* Lossless floats come back exactly; quantized ones within the quantum; NaN where it was. */
static void test_compressed_floats(void **state)
{
    (void)state;
    for (int lossless = 0; lossless < 2; lossless++)
        for (int type = 0; type < 2; type++) {
            const char *path = scratch("floats.fits");
            fitsfile *file = create(path);
            double values[PIXELS];
            int code = 0;
            sf_fits *fits;
            for (int i = 0; i < PIXELS; i++) values[i] = sin(0.37 * i) * 10.0 + 0.001 * (i % 17);
            values[11] = NAN;
            fits_set_compression_type(file, lossless ? GZIP_1 : RICE_1, &code);
            fits_set_quantize_level(file, lossless ? 0.0F : -0.01F, &code);
            add_typed(file, type == 0 ? FLOAT_IMG : DOUBLE_IMG, values);
            finish(file);
            fits = read_ok(path);
            assert_int_equal(sf_fits_undefined(fits), 1);
            for (int i = 0; i < PIXELS; i++) {
                const double got = sf_fits_pixels(fits)[i];
                const double exact = type == 0 ? (double)(float)values[i] : values[i];
                if (i == 11)
                    assert_true(isnan(got));
                else
                    assert_true(fabs(got - exact) <= (lossless ? 0.0 : 0.0051));
            }
            sf_fits_release(&fits);
        }
}

static void write_gzip(const char *path, const void *bytes, size_t size)
{
    gzFile f = gzopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(gzwrite(f, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(f), Z_OK);
}

static void test_gzip(void **state)
{
    const char *path = scratch("plain.fits"), *zipped = scratch("zipped.fits.gz");
    fitsfile *file = create(path);
    unsigned char *bytes;
    size_t size;
    sf_fits *fits;

    (void)state;
    add_image(file, FLOAT_IMG, 2, image_shape, NULL);
    finish(file);
    bytes = read_bytes(path, &size);
    write_gzip(zipped, bytes, size);
    fits = read_ok(zipped);
    assert_true(sf_fits_pixels(fits)[COLUMNS + 1] == 101.0);
    sf_fits_release(&fits);
    /* The name does not matter, and neither does a missing padding. */
    write_gzip(scratch("other.name"), bytes, 2880 + PIXELS * 4);
    fits = read_ok(scratch("other.name[0]"));
    sf_fits_release(&fits);
    write_gzip(zipped, bytes, 2880 + PIXELS * 4 - 1);
    read_fails(zipped, SF_ERR_FORMAT, "truncated");
    free(bytes);

    write_gzip(zipped, "not a FITS file", 15);
    read_fails(zipped, SF_ERR_FORMAT, "not a FITS file");
}

static void test_damaged_gzip(void **state)
{
    const char *path = scratch("plain.fits"), *zipped = scratch("zipped.fits.gz");
    unsigned char *bytes;
    size_t size;

    (void)state;
    bytes = read_bytes(path, &size);
    write_gzip(zipped, bytes, size);
    free(bytes);
    bytes = read_bytes(zipped, &size);
    write_bytes(zipped, bytes, size / 2);
    read_fails(zipped, SF_ERR_FORMAT, "gzip");
    bytes[size - 6] ^= 0xff; /* its checksum */
    write_bytes(zipped, bytes, size);
    read_fails(zipped, SF_ERR_FORMAT, "gzip");
    free(bytes);
}

static void test_selectors(void **state)
{
    const char *path = scratch("multi.fits");
    fitsfile *file = create(path);
    char *type = "X", *form = "1J";
    char name[600];
    sf_fits *fits;
    double value;
    int code = 0;

    (void)state;
    fits_create_img(file, BYTE_IMG, 0, NULL, &code);
    for (long k = 1; k <= 3; k++) {
        const long shape[2] = {4 + k, 3};
        add_image(file, SHORT_IMG, 2, shape, NULL);
        fits_write_key_str(file, "EXTNAME", k == 3 ? "ERR" : "SCI", NULL, &code);
        fits_write_key_lng(file, "EXTVER", k == 3 ? 1 : k, NULL, &code);
        fits_write_key_lng(file, "MARK", k, NULL, &code);
    }
    fits_create_tbl(file, BINARY_TBL, 0, 1, &type, &form, NULL, "TAB", &code);
    assert_int_equal(code, 0);
    finish(file);
    static const struct {
        const char *selector;
        double mark;
    } good[] = {{"", 1}, {"[1]", 1}, {"[3]", 3}, {"[SCI]", 1}, {"[sci,2]", 2}, {"[ERR,1]", 3}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, good[i].selector);
        fits = read_ok(name);
        assert_true(sf_fits_get_double(fits, "MARK", &value));
        assert_true(value == good[i].mark);
        sf_fits_release(&fits);
    }
    static const struct {
        const char *selector;
        sf_status status;
        const char *words;
    } bad[] = {{"[0]", SF_ERR_FORMAT, "no pixels"},
               {"[9]", SF_ERR_ARGUMENT, "no HDU [9]"},
               {"[SCI,3]", SF_ERR_ARGUMENT, "no HDU"},
               {"[TAB]", SF_ERR_FORMAT, "table"},
               {"[DQ]", SF_ERR_ARGUMENT, "no HDU"},
               {"[]", SF_ERR_ARGUMENT, "by its number"},
               {"[1:2,3:4]", SF_ERR_ARGUMENT, "by its number"},
               {"[SCI,x]", SF_ERR_ARGUMENT, "by its number"},
               {"[X > 3]", SF_ERR_ARGUMENT, "no HDU"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, bad[i].selector);
        read_fails(name, bad[i].status, bad[i].words);
    }
}

/* A file's own brackets win over an HDU's name. */
static void test_brackets_in_the_name(void **state)
{
    const char *path = scratch("odd[1].fits[SCI]");
    fitsfile *file = create(path);
    sf_fits *fits;

    (void)state;
    add_image(file, SHORT_IMG, 2, image_shape, NULL);
    finish(file);
    fits = read_ok(path);
    sf_fits_release(&fits);
    fits = read_ok(scratch("odd[1].fits[SCI][0]"));
    sf_fits_release(&fits);
}

/* Nothing of CFITSIO's extended syntax is reached, and nothing hangs. */
static void test_what_is_not_a_file(void **state)
{
    static const char *const names[] = {"http://localhost/x.fits",
                                        "ftp://localhost/x.fits",
                                        "root://localhost/x.fits",
                                        "mem://",
                                        "shmem://h0",
                                        "-",
                                        "stdin://",
                                        "!x.fits",
                                        "~/x.fits",
                                        "",
                                        "[1]"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        read_fails(names[i], SF_ERR_IO, "opened");
    read_fails("/tmp", SF_ERR_IO, "folder");
    read_fails("/dev/zero", SF_ERR_IO, "device");
    read_fails("/dev/null", SF_ERR_IO, "device");
    assert_int_equal(mkfifo(scratch("fifo"), 0600), 0);
    read_fails(scratch("fifo"), SF_ERR_IO, "pipe");
    write_bytes(scratch("empty"), "", 0);
    read_fails(scratch("empty"), SF_ERR_FORMAT, "not a FITS file");
}

/* A header of one block from cards that are given, with `data` zero bytes after it. */
static const char *make_header(const char *const *cards, size_t data)
{
    const char *path = scratch("made.fits");
    char *bytes = calloc(1, 2880 + data);
    size_t n = 0;

    memset(bytes, ' ', 2880);
    for (; cards[n] != NULL; n++) memcpy(bytes + 80 * n, cards[n], strlen(cards[n]));
    memcpy(bytes + 80 * n, "END", 3);
    write_bytes(path, bytes, 2880 + data);
    free(bytes);
    return path;
}

#define SIMPLE "SIMPLE  =                    T"
#define NAXIS2 "NAXIS   =                    2"

static void test_sizes_in_the_header(void **state)
{
    static const struct {
        const char *cards[8];
        sf_status status;
        const char *words;
    } cases[] = {
        {{SIMPLE, "BITPIX  =                  -32", NAXIS2, "NAXIS1  =              1000000",
          "NAXIS2  =              1000000"},
         SF_ERR_FORMAT,
         "4000000000000 bytes"},
        {{SIMPLE, "BITPIX  =                    8", NAXIS2, "NAXIS1  =  4611686018427387904",
          "NAXIS2  =  4611686018427387904"},
         SF_ERR_FORMAT,
         "too large"},
        {{SIMPLE, "BITPIX  =                  -64", NAXIS2, "NAXIS1  =  2305843009213693952",
          "NAXIS2  =                    8"},
         SF_ERR_FORMAT,
         "too large"},
        {{SIMPLE, "BITPIX  =                    8", NAXIS2, "NAXIS1  =                   -5",
          "NAXIS2  =                    3"},
         SF_ERR_FORMAT,
         "negative"},
        {{SIMPLE, "BITPIX  =                    8", NAXIS2, "NAXIS1  =                    5"},
         SF_ERR_FORMAT,
         "missing"},
        {{SIMPLE, "BITPIX  =                    9", NAXIS2, "NAXIS1  =                    5",
          "NAXIS2  =                    3"},
         SF_ERR_FORMAT,
         "BITPIX"},
        {{SIMPLE, "BITPIX  =                    8", "NAXIS   =                  999"},
         SF_ERR_UNSUPPORTED,
         "NAXIS"},
        {{SIMPLE, "BITPIX  =                    8", NAXIS2, "NAXIS1  =              'hello'",
          "NAXIS2  =                    3"},
         SF_ERR_FORMAT,
         "integer"},
        {{SIMPLE, "BITPIX  =                    8", NAXIS2, "NAXIS1  =                    5",
          "NAXIS2  =                    3", "NAXIS1  =                    6"},
         SF_ERR_FORMAT,
         "two different"},
        {{SIMPLE, "BITPIX  =                    8", NAXIS2, "NAXIS1  =                    0",
          "NAXIS2  =            777777701"},
         SF_ERR_FORMAT,
         "no image with pixels"},
        {{SIMPLE, "BITPIX  =                    8", "NAXIS   =                    0"},
         SF_ERR_FORMAT,
         "no image with pixels"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        read_fails(make_header(cases[i].cards, 2880), cases[i].status, cases[i].words);
}

static void test_axes(void **state)
{
    static const struct {
        int axes;
        long shape[6];
        int expected;
    } cases[] = {
        {1, {9}, 1},       {2, {9, 1}, 2},       {2, {1, 1}, 2},         {4, {5, 4, 1, 1}, 2},
        {3, {5, 4, 3}, 3}, {4, {5, 4, 1, 2}, 4}, {5, {3, 3, 2, 2, 1}, 4}};
    const long many[5] = {2, 2, 2, 2, 2};
    fitsfile *file;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = scratch("axes.fits");
        sf_fits *fits;
        file = create(path);
        add_image(file, SHORT_IMG, cases[i].axes, cases[i].shape, NULL);
        finish(file);
        fits = read_ok(path);
        assert_int_equal(sf_fits_grid(fits)->axes, cases[i].expected);
        for (int a = 0; a < cases[i].expected; a++)
            assert_int_equal(sf_fits_grid(fits)->shape[cases[i].expected - 1 - a],
                             cases[i].shape[a]);
        sf_fits_release(&fits);
    }
    file = create(scratch("axes.fits"));
    add_image(file, SHORT_IMG, 5, many, NULL);
    finish(file);
    read_fails(scratch("axes.fits"), SF_ERR_UNSUPPORTED, "5 axes");
}

static void test_look_ups(void **state)
{
    const char *path = scratch("keys.fits");
    const char *lengthy = "a long text that does not fit one card of eighty characters and is "
                          "therefore continued, with a 'quoted' word, on the next";
    fitsfile *file = create(path);
    char text[256];
    double value = 7.0;
    sf_fits *fits;
    int code = 0;

    (void)state;
    add_image(file, SHORT_IMG, 2, image_shape, NULL);
    fits_write_key_dbl(file, "EXPTIME", 1.5e-7, -15, "seconds", &code);
    fits_write_record(file, "FORTRAN =               1.25D+02", &code);
    fits_write_record(file, "EMPTY   =", &code);
    fits_write_key_str(file, "OBJECT", "Barnard's star", NULL, &code);
    fits_write_key_longstr(file, "LONG", lengthy, NULL, &code);
    fits_write_key_dbl(file, "HIERARCH ESO DET GAIN", 2.5, -15, NULL, &code);
    assert_int_equal(code, 0);
    finish(file);
    fits = read_ok(path);
    assert_true(sf_fits_get_double(fits, "EXPTIME", &value) && value == 1.5e-7);
    assert_true(sf_fits_get_double(fits, "FORTRAN", &value) && value == 125.0);
    assert_true(sf_fits_get_double(fits, "NAXIS1", &value) && value == COLUMNS);
    assert_true(sf_fits_get_double(fits, "ESO DET GAIN", &value) && value == 2.5);
    value = 7.0;
    assert_false(sf_fits_get_double(fits, "MISSING", &value));
    assert_false(sf_fits_get_double(fits, "EMPTY", &value));
    assert_false(sf_fits_get_double(fits, "OBJECT", &value));
    assert_true(value == 7.0);
    assert_true(sf_fits_get_string(fits, "OBJECT", text, sizeof text));
    assert_string_equal(text, "Barnard's star");
    assert_true(sf_fits_get_string(fits, "LONG", text, sizeof text));
    assert_string_equal(text, lengthy);
    assert_true(sf_fits_get_string(fits, "LONG", text, 10));
    assert_string_equal(text, "a long te");
    assert_false(sf_fits_get_string(fits, "EXPTIME", text, sizeof text));
    sf_fits_release(&fits);
}

static void *read_often(void *path)
{
    for (int i = 0; i < 50; i++) {
        sf_fits *fits;
        if (sf_fits_read(path, &fits) != SF_OK || sf_fits_pixels(fits)[COLUMNS + 1] != 101.0)
            return NULL;
        sf_fits_release(&fits);
        if (sf_fits_read("/nowhere.fits", &fits) != SF_ERR_IO) return NULL;
    }
    return path;
}

static void test_threads(void **state)
{
    char path[512];
    pthread_t threads[4];
    fitsfile *file;

    (void)state;
    snprintf(path, sizeof path, "%s", scratch("threads.fits"));
    file = create(path);
    add_image(file, FLOAT_IMG, 2, image_shape, NULL);
    finish(file);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_often, path), 0);
    for (int i = 0; i < 4; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_stored),
        cmocka_unit_test(test_scaling_and_blank),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_compressed_integers),
        cmocka_unit_test(test_compressed_floats),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_damaged_gzip),
        cmocka_unit_test(test_selectors),
        cmocka_unit_test(test_brackets_in_the_name),
        cmocka_unit_test(test_what_is_not_a_file),
        cmocka_unit_test(test_sizes_in_the_header),
        cmocka_unit_test(test_axes),
        cmocka_unit_test(test_look_ups),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
