/* test_fits_hostile.c - damaged and unusual files: never a crash, a hang or a flood of memory.
 *
 * Usage: test_fits_hostile [CASES]: so many mutations of each of the files it makes (300). With
 * SCOREFIELD_DATA in the environment the third-party files in its folders fits and hostile_fits
 * are read, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scratch.h"

#include <scorefield/io.h>

#include <fitsio.h>
#include <math.h>
#include <stdint.h>
#include <sys/resource.h>

#define ROWS    20
#define COLUMNS 33
#define PIXELS  (ROWS * COLUMNS)

static int cases = 300;

/* ---- the files ------------------------------------------------------------------------------- */

typedef struct seed {
    const char *name;
    int codec; /* 0: none */
    int bitpix;
    float quantize;
} seed;

static const seed seeds[] = {{"plain", 0, SHORT_IMG, 0.0F},
                             {"floats", 0, FLOAT_IMG, 0.0F},
                             {"rice", RICE_1, SHORT_IMG, 0.0F},
                             {"rice bytes", RICE_1, BYTE_IMG, 0.0F},
                             {"rice floats", RICE_1, FLOAT_IMG, 4.0F},
                             {"gzip", GZIP_1, LONG_IMG, 0.0F},
                             {"gzip floats", GZIP_2, FLOAT_IMG, 0.0F},
                             {"hcompress", HCOMPRESS_1, SHORT_IMG, 0.0F},
                             {"plio", PLIO_1, SHORT_IMG, 0.0F}};

static unsigned char *make_seed(const seed *s, size_t *size)
{
    const char *path = scratch("seed.fits");
    long shape[2] = {COLUMNS, ROWS}, tile[2] = {COLUMNS, 10};
    fitsfile *file = NULL;
    short shorts[PIXELS];
    unsigned char bytes[PIXELS];
    int ints[PIXELS], code = 0;
    float floats[PIXELS];

    for (int i = 0; i < PIXELS; i++) {
        ints[i] = i * i % 97 + 3;
        shorts[i] = (short)ints[i];
        bytes[i] = (unsigned char)ints[i];
        floats[i] = (float)sin(0.1 * i) + 0.01F * (float)ints[i];
    }
    (void)unlink(path);
    fits_create_diskfile(&file, path, &code);
    fits_set_compression_type(file, s->codec, &code);
    fits_set_tile_dim(file, 2, tile, &code);
    fits_set_quantize_level(file, s->quantize, &code);
    fits_create_img(file, s->bitpix, 2, shape, &code);
    switch (s->bitpix) {
    case BYTE_IMG: fits_write_img(file, TBYTE, 1, PIXELS, bytes, &code); break;
    case SHORT_IMG: fits_write_img(file, TSHORT, 1, PIXELS, shorts, &code); break;
    case LONG_IMG: fits_write_img(file, TINT, 1, PIXELS, ints, &code); break;
    default: fits_write_img(file, TFLOAT, 1, PIXELS, floats, &code);
    }
    fits_write_key_str(file, "EXTNAME", "SCI", NULL, &code);
    fits_close_file(file, &code);
    if (code != 0) fail_msg("%s: CFITSIO status %d", s->name, code);
    return read_bytes(path, size);
}

/* ---- mutations ------------------------------------------------------------------------------- */

static uint64_t state_of_chance;

static uint64_t chance(uint64_t below) /* xorshift: cheap, and the same everywhere */
{
    state_of_chance ^= state_of_chance << 13;
    state_of_chance ^= state_of_chance >> 7;
    state_of_chance ^= state_of_chance << 17;
    return state_of_chance % below;
}

/* Some bytes become others: anywhere, or digits of header values, which reach deeper. */
static void mutate(unsigned char *bytes, size_t size)
{
    const uint64_t changes = 1 + chance(4);

    for (uint64_t i = 0; i < changes; i++) {
        size_t at = chance(size);
        if (chance(2) == 0) {
            for (size_t tries = 0; tries < 200; tries++) {
                at = chance(size);
                if (at % 80 >= 10 && at % 80 < 30 && bytes[at] >= '0' && bytes[at] <= '9') break;
            }
            bytes[at] = (unsigned char)("0123456789- "[chance(12)]);
        } else {
            bytes[at] = (unsigned char)chance(256);
        }
    }
}

/* Reads the bytes as a file; the outcome must be an image or a sentence. */
static void try_bytes(const unsigned char *bytes, size_t size)
{
    const char *path = scratch("mutant.fits");
    sf_fits *fits;

    write_bytes(path, bytes, size);
    if (sf_fits_read(path, &fits) == SF_OK) {
        const size_t n = sf_grid_size(sf_fits_grid(fits));
        double sum = 0.0;
        for (size_t i = 0; i < n; i++) sum += sf_fits_pixels(fits)[i];
        assert_true(isnan(sum) || sum == sum);
        sf_fits_release(&fits);
    } else {
        assert_null(fits);
        assert_true(sf_last_error()[0] != '\0');
        assert_null(strchr(sf_last_error(), '\n'));
    }
}

static void test_mutations(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof seeds / sizeof seeds[0]; s++) {
        size_t size;
        unsigned char *original = make_seed(&seeds[s], &size), *copy = malloc(size);
        state_of_chance = 0x9e3779b97f4a7c15U + s;
        for (int i = 0; i < cases; i++) {
            memcpy(copy, original, size);
            mutate(copy, size);
            try_bytes(copy, size);
        }
        free(copy);
        free(original);
    }
}

static void test_truncations(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof seeds / sizeof seeds[0]; s++) {
        size_t size;
        unsigned char *original = make_seed(&seeds[s], &size);
        state_of_chance = 0x2545f4914f6cdd1dU + s;
        for (size_t cut = 0; cut < size; cut += 2880) try_bytes(original, cut);
        for (int i = 0; i < cases / 10; i++) try_bytes(original, chance(size));
        free(original);
    }
}

/* A header may claim what it likes: no memory is taken before the claim has been checked. */
static void test_memory(void **state)
{
    struct rusage usage;

    (void)state;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    assert_true(usage.ru_maxrss < 1L << 20); /* KiB: 1 GiB, sanitizers included */
}

/* Header values that would divide by zero, loop, or overflow inside CFITSIO. */
static void test_poisoned_keywords(void **state)
{
    static const struct {
        int seed;
        const char *keyword, *value;
    } poison[] = {{2, "ZTILE1  =", "0"},
                  {2, "ZTILE2  =", "-7"},
                  {2, "ZTILE1  =", "2147483647"},
                  {2, "ZVAL1   =", "0"},
                  {2, "ZVAL2   =", "3"},
                  {2, "ZNAXIS1 =", "999999999999"},
                  {2, "ZNAXIS  =", "99"},
                  {2, "NAXIS2  =", "9"},
                  {2, "PCOUNT  =", "-1"},
                  {2, "ZCMPTYPE=", "'NONSENSE'"},
                  {4, "ZDITHER0=", "0"},
                  {4, "ZDITHER0=", "-5"},
                  {5, "ZNAXIS2 =", "2"},
                  {2, "ZVAL1   =", "'32 and many more words than a message has'"},
                  {2, "ZVAL2   =", "(              2"}};

    (void)state;
    for (size_t p = 0; p < sizeof poison / sizeof poison[0]; p++) {
        size_t size;
        unsigned char *bytes = make_seed(&seeds[poison[p].seed], &size);
        sf_fits *fits;
        bool found = false;
        char card[64];
        for (size_t i = 2880; i + 80 <= size; i += 80) {
            if (memcmp(bytes + i, poison[p].keyword, 9) != 0) continue;
            (void)snprintf(card, sizeof card, " %20s", poison[p].value);
            memcpy(bytes + i + 9, card, strlen(card));
            found = true;
        }
        assert_true(found);
        write_bytes(scratch("poison.fits"), bytes, size);
        if (sf_fits_read(scratch("poison.fits"), &fits) == SF_OK)
            fail_msg("%s %s was read", poison[p].keyword, poison[p].value);
        sf_fits_release(&fits);
        free(bytes);
    }
}

/* Damage where CFITSIO goes on with a number of columns that it has not read: a value that only
 * looks like a number, a card out of order; and a scaled column of streams. */
static void test_damaged_tables(void **state)
{
    static const struct {
        const char *card, *damaged;
    } damage[] = {{"NAXIS1  = ", "NAXIS1  = \n                  8"},
                  {"NAXIS2  = ", "NAXIS2  =                   2."},
                  {"NAXIS2  = ", "NAXIS3  =                    2"},
                  {"PCOUNT  = ", "PCOUNT  = 'open"},
                  {"TFIELDS = ", "COMMENT in its place"},
                  {"TFIELDS = ", "TFIELDS =\t                   1"},
                  {"ZTILE1  = ", "ZTILE1  =0"},
                  {"ZTILE1  = ", "ZTILE1=0"},
                  {"ZTILE1  = ", "zTile1  = 0"},
                  {"ZSIMPLE = ", "TZERO1  =                   1."},
                  {"ZSIMPLE = ", "TSCAL1  =                   2."}};

    (void)state;
    for (size_t k = 0; k < sizeof damage / sizeof damage[0]; k++) {
        size_t size;
        unsigned char *bytes = make_seed(&seeds[2], &size);
        sf_fits *fits;
        bool found = false;
        for (size_t i = 2880; i + 80 <= size; i += 80) {
            if (memcmp(bytes + i, damage[k].card, 10) != 0) continue;
            memset(bytes + i, ' ', 80);
            memcpy(bytes + i, damage[k].damaged, strlen(damage[k].damaged));
            found = true;
        }
        assert_true(found);
        write_bytes(scratch("table.fits"), bytes, size);
        if (sf_fits_read(scratch("table.fits"), &fits) != SF_ERR_FORMAT)
            fail_msg("%zu: '%s' was read, or '%s'", k, damage[k].damaged, sf_last_error());
        free(bytes);
    }
}

/* ---- third-party files ----------------------------------------------------------------------- */

/* What the files' own project, or plain arithmetic on their headers, says of them. */
static const struct {
    const char *name;
    int axes;
    size_t shape[3];
    double low, high; /* to 3 digits */
    size_t undefined;
} known[] = {
    {"compressed_with_nan.fits", 2, {12, 12}, 0.248, 143, 1},
    {"m13_gzip.fits", 2, {300, 300}, 109, 3618, 0},
    {"m13_rice.fits", 2, {300, 300}, 109, 3618, 0},
    {"astropy_blank.fits", 2, {1, 1}, 0, 0, 1},
    {"astropy_scale.fits", 2, {21, 20}, 491.882, 2726.62, 0},
    {"astropy_arange.fits", 3, {7, 10, 11}, 0, 769, 0},
    {"astropy_test0.fits", 2, {40, 40}, 309, 474, 0},
    {"astropy_test0.fits[SCI,2]", 2, {40, 40}, 346, 598, 0},
    {"astropy_o4sp040b0_raw.fits", 2, {44, 62}, 1487, 1515, 0},
    {"astropy_checksum.fits", 2, {40, 30}, 4, 342, 0},
    {"astropy_compressed_image.fits", 2, {10, 10}, 0, 99, 0},
    {"astropy_fixed-1890.fits", 2, {100, 100}, 1890, 1890, 0},
    {"astropy_1904-66_AZP.fits", 2, {192, 192}, -0.682, 13.58, 8121},
    {"astropy_sip-wcs.fits", 2, {50, 100}, 3132, 5045, 0},
    {"nomtam_m13real.fits", 2, {300, 300}, 109.8, 3618.8, 0},
    {"nomtam_m13real_rice.fits", 2, {300, 300}, 109.8, 3618.8, 0},
    {"astrogo_bitpix+08.fits", 2, {50, 50}, 0, 227, 0},
    {"astrogo_bitpix+16.fits", 2, {50, 50}, -32686, 32736, 0},
    {"astrogo_bitpix-32.fits", 2, {50, 50}, 0, 0.7667, 0},
    {"oiio_rgb.fits", 3, {3, 32, 32}, 0, 1, 0},
    {"pillow_hopper.fits", 2, {128, 128}, 1, 255, 0},
    {"galsim_test_cubeF.fits.fz", 3, {12, 5, 7}, 11, 86, 0},
    {"galsim_testI.fits.gz", 2, {5, 7}, 11, 75, 0},
    {"sunpy_gzip_test.fits.gz", 2, {32, 32}, 0, 31, 0},
    {"profit_zim1_compressed_float.fits.fz", 2, {1000, 1000}, -96.52, 152956, 0},
};

static const char *const broken[] = {"astropy_zerowidth.fits",
                                     "astropy_btable.fits",
                                     "astropy_sip.fits",
                                     "astrogo_issue-38_zero_size.fits",
                                     "oiio_broken_no_END.fits",
                                     "galsim_dangling_symlink_text.fits",
                                     "DERIVED_m13_truncated_mid_data.fits"};

static void range_of(const sf_fits *fits, double *low, double *high)
{
    *low = HUGE_VAL;
    *high = -HUGE_VAL;
    for (size_t i = 0; i < sf_grid_size(sf_fits_grid(fits)); i++) {
        *low = fmin(*low, sf_fits_pixels(fits)[i]);
        *high = fmax(*high, sf_fits_pixels(fits)[i]);
    }
}

static void test_third_party(void **state)
{
    const char *data = getenv("SCOREFIELD_DATA");
    char path[1024];

    (void)state;
    if (data == NULL) skip();
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        sf_fits *fits;
        double low, high;
        (void)snprintf(path, sizeof path, "%s/hostile_fits/%s", data, known[k].name);
        if (sf_fits_read(path, &fits) != SF_OK) fail_msg("%s", sf_last_error());
        assert_int_equal(sf_fits_grid(fits)->axes, known[k].axes);
        for (int a = 0; a < known[k].axes; a++)
            assert_int_equal(sf_fits_grid(fits)->shape[a], known[k].shape[a]);
        assert_int_equal(sf_fits_undefined(fits), known[k].undefined);
        range_of(fits, &low, &high);
        if (low <= high && (fabs(low - known[k].low) > 0.002 * fabs(known[k].low) ||
                            fabs(high - known[k].high) > 0.002 * fabs(known[k].high)))
            fail_msg("%s: range %g .. %g", known[k].name, low, high);
        sf_fits_release(&fits);
    }
    for (size_t k = 0; k < sizeof broken / sizeof broken[0]; k++) {
        sf_fits *fits;
        (void)snprintf(path, sizeof path, "%s/hostile_fits/%s", data, broken[k]);
        assert_int_equal(sf_fits_read(path, &fits), SF_ERR_FORMAT);
    }
}

/* Every real frame opens, and holds more defined than undefined pixels. */
static void test_real_frames(void **state)
{
    const char *data = getenv("SCOREFIELD_DATA");
    char folder[512], path[1024];
    DIR *d;
    int read = 0;

    (void)state;
    if (data == NULL) skip();
    (void)snprintf(folder, sizeof folder, "%s/fits", data);
    d = opendir(folder);
    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        sf_fits *fits;
        if (strstr(e->d_name, ".fits") == NULL) continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (sf_fits_read(path, &fits) != SF_OK) fail_msg("%s", sf_last_error());
        assert_true(2 * sf_fits_undefined(fits) < sf_grid_size(sf_fits_grid(fits)));
        sf_fits_release(&fits);
        read++;
    }
    closedir(d);
    assert_true(read > 0);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_poisoned_keywords),
        cmocka_unit_test(test_damaged_tables),
        cmocka_unit_test(test_third_party),
        cmocka_unit_test(test_real_frames),
        cmocka_unit_test(test_memory),
    };

    if (count > 1) cases = atoi(arguments[1]);
    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
