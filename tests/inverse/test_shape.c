/* test_shape.c - adaptive moments: of Gaussians, whose shape is known, of what GalSim measured, and
 * of what has no shape. */
#include "check.h"

#include <scorefield/inverse.h>

#include <string.h>

#define ROWS    64
#define COLUMNS 72
#define PIXELS  (ROWS * COLUMNS)

/* amplitude exp(-r^T M^-1 r / 2), added. */
static void add_gaussian(const sf_shape *s, double *image)
{
    const double det = s->yy * s->xx - s->yx * s->yx;

    for (size_t i = 0; i < PIXELS; i++) {
        const double y = (double)(i / COLUMNS) - s->row, x = (double)(i % COLUMNS) - s->column;
        image[i] += s->flux / (2.0 * acos(-1.0) * sqrt(det)) *
                    exp(-0.5 * (s->xx * y * y - 2.0 * s->yx * y * x + s->yy * x * x) / det);
    }
}

/* At any place between the cells, from a start that is off in all. */
static void test_gaussians_have_their_own_shape(void **state)
{
    static const sf_shape truths[] = {
        {.row = 30.0, .column = 36.0, .yy = 9.0, .yx = 0.0, .xx = 9.0, .flux = 5.0},
        {.row = 31.37, .column = 35.18, .yy = 4.0, .yx = 0.0, .xx = 12.0, .flux = 1e-11},
        {.row = 29.81, .column = 36.55, .yy = 9.0, .yx = 5.0, .xx = 6.0, .flux = 3e8},
        {.row = 12.4, .column = 50.9, .yy = 2.5, .yx = -1.0, .xx = 2.9, .flux = 1.0},
    };
    double image[PIXELS];
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &grid));
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++) {
        const sf_shape *t = &truths[i];
        sf_shape s;

        memset(image, 0, sizeof image);
        add_gaussian(t, image);
        assert_ok(sf_measure_shape(&grid, image, t->row + 1.2, t->column - 0.7, 3.5, &s));
        assert_close(s.row, t->row, 1e-8);
        assert_close(s.column, t->column, 1e-8);
        assert_close(s.yy, t->yy, 1e-7);
        assert_close(s.yx, t->yx, 1e-7);
        assert_close(s.xx, t->xx, 1e-7);
        assert_close(s.flux / t->flux, 1.0, 1e-8);
        assert_close(s.e1, (t->xx - t->yy) / (t->xx + t->yy), 1e-8);
        assert_close(s.e2, 2.0 * t->yx / (t->xx + t->yy), 1e-8);
        assert_close(s.size, pow(t->yy * t->xx - t->yx * t->yx, 0.25), 1e-8);
    }
}

/* An inclined exponential disc with a bulge beside it, and what galsim.hsm.FindAdaptiveMom (GalSim
 * 2.8.5, convergence_threshold 1e-10, in single precision) says of it. */
static void test_galsim_agrees(void **state)
{
    const sf_shape bulge = {
        .row = 36.2, .column = 31.1, .yy = 3.24, .xx = 4.0, .flux = 0.4 * 2.0 * acos(-1.0) * 3.6};
    double image[PIXELS];
    sf_shape s;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &grid));
    for (size_t i = 0; i < PIXELS; i++) {
        const double y = (double)(i / COLUMNS) - 30.3, x = (double)(i % COLUMNS) - 37.8;
        image[i] =
            exp(-hypot((cos(0.6) * x + sin(0.6) * y) / 4.0, (cos(0.6) * y - sin(0.6) * x) / 2.0));
    }
    add_gaussian(&bulge, image);
    assert_ok(sf_measure_shape(&grid, image, 30.0, 38.0, 3.0, &s));
    assert_close(s.column, 37.733064005504424, 1e-6);
    assert_close(s.row, 30.354030170355987, 1e-6);
    assert_close(s.e1, 0.21602094173431396, 1e-6);
    assert_close(s.e2, 0.492018461227417, 1e-6);
    assert_close(s.size, 3.4682457447052, 1e-6);
    assert_close(s.flux, 42.96302795410156, 1e-4);
}

static void expect_lost(const sf_grid *grid, const double *image, const char *why)
{
    sf_shape s;

    assert_status(SF_ERR_NUMERIC, sf_measure_shape(grid, image, 30.0, 30.0, 2.0, &s));
    assert_non_null(strstr(sf_last_error(), why));
    assert_true(s.flux == 0.0);
}

static void test_what_has_no_shape(void **state)
{
    static double image[PIXELS];
    const sf_shape star = {.row = 30.0, .column = 30.0, .yy = 1.0, .xx = 1.0, .flux = 1.0},
                   hollow = {.row = 30.0, .column = 30.0, .yy = 9.0, .xx = 9.0, .flux = -0.9};
    const size_t cells[] = {ROWS, 8, 9};
    sf_grid grid, cube;
    sf_shape s;

    (void)state;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &grid));
    expect_lost(&grid, image, "no light");
    image[30 * COLUMNS + 30] = 1.0;
    expect_lost(&grid, image, "shrank to a cell");
    image[30 * COLUMNS + 31] = NAN;
    expect_lost(&grid, image, "not finite");
    /* a star in a hollow: the ellipse that is left of it is none */
    memset(image, 0, sizeof image);
    add_gaussian(&star, image);
    add_gaussian(&hollow, image);
    expect_lost(&grid, image, "shrank to a cell");
    assert_status(SF_ERR_ARGUMENT, sf_measure_shape(&grid, image, -1.0, 30.0, 2.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_measure_shape(&grid, image, 30.0, NAN, 2.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_measure_shape(&grid, image, 30.0, 30.0, 0.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_measure_shape(&grid, image, 30.0, 30.0, 0.2, &s));
    assert_status(SF_ERR_ARGUMENT, sf_measure_shape(&grid, image, 30.0, 30.0, 1e9, &s));
    assert_ok(sf_grid_make(3, cells, NULL, &cube));
    assert_status(SF_ERR_SHAPE, sf_measure_shape(&cube, image, 30.0, 30.0, 2.0, &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaussians_have_their_own_shape),
        cmocka_unit_test(test_galsim_agrees),
        cmocka_unit_test(test_what_has_no_shape),
    };

    return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
