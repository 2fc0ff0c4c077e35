/* test_fits_sky.c - where pixels of one image lie in another, against the tangent plane by its
 * formulas. */
#include "check.h"
#include "scratch.h"

#include <scorefield/io.h>

#include <math.h>
#include <stdio.h>

#define DEGREE 0.017453292519943295

typedef struct header {
    const char *type[2], *system;
    double reference[2], value[2], cd[2][2]; /* CRPIX, CRVAL, CD */
    bool flexible;                           /* with a polynomial of SIP */
} header;

static const header plain = {{"RA---TAN", "DEC--TAN"},      "ICRS", {20.5, 30.25}, {150.0, 60.0},
                             {{-1e-3, 2e-4}, {2e-4, 1e-3}}, false};

static sf_fits *make(const header *h)
{
    const char *path = scratch("sky.fits");
    sf_fits_writer *w;
    sf_fits *fits;
    double pixels[4] = {0.0};
    sf_grid grid;

    assert_ok(sf_grid_image(2, 2, &grid));
    assert_ok(sf_fits_writer_create(path, true, &w));
    assert_ok(sf_fits_writer_add(w, NULL, &grid, pixels, NULL, NULL));
    for (int i = 0; h->type[0] != NULL && i < 2; i++) {
        char key[9];

        (void)snprintf(key, sizeof key, "CTYPE%d", i + 1);
        assert_ok(sf_fits_writer_string(w, key, h->type[i], NULL));
        (void)snprintf(key, sizeof key, "CRPIX%d", i + 1);
        assert_ok(sf_fits_writer_double(w, key, h->reference[i], NULL));
        (void)snprintf(key, sizeof key, "CRVAL%d", i + 1);
        assert_ok(sf_fits_writer_double(w, key, h->value[i], NULL));
        for (int j = 0; j < 2; j++) {
            (void)snprintf(key, sizeof key, "CD%d_%d", i + 1, j + 1);
            assert_ok(sf_fits_writer_double(w, key, h->cd[i][j], NULL));
        }
    }
    if (h->system != NULL) assert_ok(sf_fits_writer_string(w, "RADESYS", h->system, NULL));
    if (h->flexible) {
        assert_ok(sf_fits_writer_integer(w, "A_ORDER", 2, NULL));
        assert_ok(sf_fits_writer_integer(w, "B_ORDER", 2, NULL));
        assert_ok(sf_fits_writer_double(w, "A_2_0", 1e-3, NULL));
        assert_ok(sf_fits_writer_double(w, "B_1_1", -2e-3, NULL));
    }
    assert_ok(sf_fits_writer_close(&w));
    assert_ok(sf_fits_read(path, &fits));
    return fits;
}

/* Right ascension and declination of a pixel (row, column from 0 on), by the gnomonic projection.
 */
static void to_sky(const header *h, const double pixel[2], double sky[2])
{
    double u = pixel[1] + 1.0 - h->reference[0], v = pixel[0] + 1.0 - h->reference[1];

    if (h->flexible) {
        const double straight = u;

        u += 1e-3 * straight * straight;
        v += -2e-3 * straight * v;
    }
    const double xi = DEGREE * (h->cd[0][0] * u + h->cd[0][1] * v);
    const double eta = DEGREE * (h->cd[1][0] * u + h->cd[1][1] * v);
    const double d0 = DEGREE * h->value[1], down = cos(d0) - eta * sin(d0);

    sky[0] = DEGREE * h->value[0] + atan2(xi, down);
    sky[1] = atan2(sin(d0) + eta * cos(d0), hypot(xi, down));
}

/* A pixel and where it is found are at one place on the sky. */
static void check_pair(const header *from, const header *to)
{
    static const double pixels[4][2] = {{0.0, 0.0}, {40.0, 3.5}, {-20.0, 77.0}, {12.25, 31.0}};
    sf_fits *a = make(from), *b = make(to);
    double found[4][2];

    assert_ok(sf_fits_locate(a, b, 4, pixels[0], found[0]));
    for (int i = 0; i < 4; i++) {
        double one[2], other[2];

        to_sky(from, pixels[i], one);
        to_sky(to, found[i], other);
        for (int k = 0; k < 2; k++) assert_close(one[k], other[k], 1e-13);
    }
    sf_fits_release(&a);
    sf_fits_release(&b);
}

static void finds_the_place(void **state)
{
    header moved = plain, turned = plain, flexible = plain;

    (void)state;
    moved.reference[0] += 3.25;
    moved.reference[1] -= 7.5;
    turned.value[0] += 0.02;
    turned.value[1] -= 0.01;
    turned.cd[0][0] = 4e-4;
    turned.cd[0][1] = turned.cd[1][0] = 5e-4;
    turned.cd[1][1] = -4e-4;
    flexible.flexible = true;
    flexible.type[0] = "RA---TAN-SIP";
    flexible.type[1] = "DEC--TAN-SIP";
    check_pair(&plain, &plain);
    check_pair(&plain, &moved);
    check_pair(&moved, &turned);
    check_pair(&turned, &plain);
    check_pair(&flexible, &turned);
}

static void what_has_no_place_is_refused(void **state)
{
    header none = plain, galactic = plain, old = plain, behind = plain;
    const header *const others[] = {&none, &galactic, &old, &behind};
    const double pixel[2] = {3.0, 4.0};
    double found[2];
    sf_fits *a = make(&plain);

    (void)state;
    none.type[0] = NULL;
    galactic.type[0] = "GLON-TAN";
    galactic.type[1] = "GLAT-TAN";
    galactic.system = NULL;
    old.system = "FK5";
    behind.value[0] = 330.0;
    behind.value[1] = -60.0;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        sf_fits *b = make(others[i]);

        assert_status(SF_ERR_FORMAT, sf_fits_locate(a, b, 1, pixel, found));
        assert_true(sf_last_error()[0] != '\0');
        sf_fits_release(&b);
    }
    sf_fits_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_place),
        cmocka_unit_test(what_has_no_place_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
