/* test_fits_refine.c - an image of finer cells says where it is on the sky as exactly as its header
 * did: intermediate world coordinates by the formulas of the standard, before and after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scratch.h"

#include <scorefield/io.h>

#include <math.h>

#define SIDE 6

typedef struct number {
    const char *keyword;
    double value;
} number;

static void ok(sf_status status)
{
    if (status != SF_OK) fail_msg("%s", sf_last_error());
}

/* An image of side `side` with these numbers in its header, or with those of `from`, refined. */
static sf_fits *image(size_t side, const number *numbers, size_t count, const sf_fits *from,
                      size_t factor)
{
    const char *path = scratch("image.fits");
    double *pixels = calloc(side * side, sizeof *pixels);
    sf_fits_writer *writer;
    sf_fits *fits;
    sf_grid grid;

    assert_non_null(pixels);
    ok(sf_grid_image(side, side, &grid));
    ok(sf_fits_writer_create(path, true, &writer));
    ok(sf_fits_writer_add(writer, NULL, &grid, pixels, from, NULL));
    for (size_t i = 0; i < count; i++)
        ok(sf_fits_writer_double(writer, numbers[i].keyword, numbers[i].value, NULL));
    if (from != NULL) ok(sf_fits_writer_refine(writer, factor));
    ok(sf_fits_writer_close(&writer));
    ok(sf_fits_read(path, &fits));
    free(pixels);
    return fits;
}

static double number_of(const sf_fits *fits, const char *root, int i, int j, double otherwise)
{
    char keyword[16];
    double value;

    if (j > 0)
        (void)snprintf(keyword, sizeof keyword, "%s%d_%d", root, i, j);
    else
        (void)snprintf(keyword, sizeof keyword, "%s%d", root, i);
    return sf_fits_get_double(fits, keyword, &value) ? value : otherwise;
}

/* Greisen & Calabretta 2002, eq. 1 and 3; Shupe et al. 2005, eq. 1 and 2. */
static void world(const sf_fits *fits, const double p[2], double x[2])
{
    double u[2], f[2] = {0.0, 0.0}, value;
    const bool matrix = sf_fits_get_double(fits, "CD1_1", &value);

    for (int i = 0; i < 2; i++) u[i] = p[i] - number_of(fits, "CRPIX", i + 1, 0, 0.0);
    for (int a = 0; a <= 3; a++)
        for (int b = 0; a + b <= 3; b++) {
            char keyword[16];
            (void)snprintf(keyword, sizeof keyword, "A_%d_%d", a, b);
            if (sf_fits_get_double(fits, keyword, &value))
                f[0] += value * pow(u[0], a) * pow(u[1], b);
            (void)snprintf(keyword, sizeof keyword, "B_%d_%d", a, b);
            if (sf_fits_get_double(fits, keyword, &value))
                f[1] += value * pow(u[0], a) * pow(u[1], b);
        }
    for (int i = 0; i < 2; i++) {
        x[i] = 0.0;
        for (int j = 0; j < 2; j++) {
            const double m = matrix ? number_of(fits, "CD", i + 1, j + 1, 0.0)
                                    : number_of(fits, "CDELT", i + 1, 0, 1.0) *
                                          number_of(fits, "PC", i + 1, j + 1, i == j ? 1.0 : 0.0);
            x[i] += m * (u[j] + f[j]);
        }
    }
}

static void expect_same_sky(const number *numbers, size_t count, size_t factor)
{
    sf_fits *coarse = image(SIDE, numbers, count, NULL, 1);
    sf_fits *fine = image(SIDE * factor, NULL, 0, coarse, factor);

    for (double p = 0.5; p <= SIDE + 0.5; p += 0.75) {
        const double k = (double)factor, q = 7.0 - 0.5 * p;
        const double at[2] = {p, q}, there[2] = {(p - 0.5) * k + 0.5, (q - 0.5) * k + 0.5};
        double before[2], after[2];
        world(coarse, at, before);
        world(fine, there, after);
        for (int i = 0; i < 2; i++)
            if (!(fabs(after[i] - before[i]) <= 1e-13 * (1.0 + fabs(before[i]))))
                fail_msg("%g, %g is at %.17g and not at %.17g", p, q, after[i], before[i]);
    }
    sf_fits_release(&coarse);
    sf_fits_release(&fine);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_world(void **state)
{
    static const number matrix[] = {{"CRPIX1", 8.5},   {"CRPIX2", -3.25}, {"CRVAL1", 202.0},
                                    {"CRVAL2", 47.0},  {"CD1_1", -0.02},  {"CD1_2", 0.003},
                                    {"CD2_1", 0.0031}, {"CD2_2", 0.0199}, {"A_2_0", 1.2e-3},
                                    {"A_1_1", -3e-4},  {"A_0_3", 2e-5},   {"B_0_2", 5e-4},
                                    {"B_1_0", 1e-3},   {"A_ORDER", 3.0},  {"B_ORDER", 3.0}};
    static const number rotation[] = {{"CRPIX1", 2.0}, {"CRVAL1", 1.0}, {"CRVAL2", 2.0},
                                      {"CDELT1", 0.5}, {"PC1_1", 0.8},  {"PC1_2", -0.6},
                                      {"PC2_1", 0.6},  {"PC2_2", 0.8}};

    (void)state;
    for (size_t factor = 1; factor <= 8; factor++) {
        expect_same_sky(matrix, COUNT(matrix), factor);
        expect_same_sky(rotation, COUNT(rotation), factor); /* CRPIX2 and CDELT2 left out */
    }
}

static void expect(const sf_fits *fits, const char *keyword, double expected)
{
    double value = NAN;

    if (!sf_fits_get_double(fits, keyword, &value) || value != expected)
        fail_msg("%s is %.17g and not %.17g", keyword, value, expected);
}

/* Other descriptions, a third axis, IRAF's coordinates, and what goes. */
static void test_others(void **state)
{
    static const number numbers[] = {
        {"CRPIX1A", 3.0},  {"CRPIX3", 1.0}, {"CDELT3", 9.0}, {"PC1_3", 0.1},   {"PC3_1", 0.2},
        {"CD3_2B", 0.4},   {"LTV1", -20.0}, {"A_DMAX", 2.5}, {"CRVAL2C", 1.0}, {"CPDIS1", 1.0},
        {"D2IMDIS1", 1.0}, {"PV1_1", 7.0},  {"SECPIX", 0.6}};
    sf_fits *coarse = image(SIDE, numbers, COUNT(numbers), NULL, 1), *fine;
    double value;

    (void)state;
    fine = image(SIDE * 4, NULL, 0, coarse, 4);
    expect(fine, "CRPIX1A", 10.5);
    expect(fine, "CRPIX3", 1.0);
    expect(fine, "CDELT3", 9.0);
    expect(fine, "PC1_3", 0.4);
    expect(fine, "PC3_1", 0.05);
    expect(fine, "CD3_2B", 0.1);
    expect(fine, "LTV1", -81.5);
    expect(fine, "LTV2", -1.5);
    expect(fine, "LTM1_1", 4.0);
    expect(fine, "LTM2_2", 4.0);
    expect(fine, "A_DMAX", 10.0);
    expect(fine, "CRPIX2C", -1.5);
    expect(fine, "CDELT2C", 0.25);
    expect(fine, "PV1_1", 7.0);
    expect(fine, "SECPIX", 0.15);
    assert_false(sf_fits_get_double(fine, "CPDIS1", &value));
    assert_false(sf_fits_get_double(fine, "D2IMDIS1", &value));
    assert_false(sf_fits_get_double(fine, "CRPIX1", &value));
    sf_fits_release(&coarse);
    sf_fits_release(&fine);
}

static void test_misuse(void **state)
{
    sf_fits_writer *writer;

    (void)state;
    ok(sf_fits_writer_create(scratch("none.fits"), true, &writer));
    assert_int_equal(sf_fits_writer_refine(writer, 2), SF_ERR_ARGUMENT);
    sf_fits_writer_release(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_world), cmocka_unit_test(test_others),
                                       cmocka_unit_test(test_misuse)};

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
