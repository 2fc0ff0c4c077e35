/* test_psf_field.c - point spread functions between those of a grid of positions. */
#include "check.h"

#include <scorefield/operator.h>

enum { ROWS = 2, COLUMNS = 3, COUNT = ROWS * COLUMNS };

/* In no order: rows 10 and 40, columns 0, 20 and 100. */
static const double row[COUNT] = {40, 10, 10, 40, 10, 40};
static const double column[COUNT] = {100, 0, 20, 0, 100, 20};

static void make_psfs(sf_psf *psf[COUNT])
{
    for (int i = 0; i < COUNT; i++)
        assert_ok(sf_psf_gaussian(1.5 + 0.02 * row[i] + 0.01 * column[i], &psf[i]));
}

static double pixel(const sf_psf *psf, long dy, long dx)
{
    const size_t *shape = sf_psf_grid(psf)->shape;
    const long y = (long)(shape[0] / 2) + dy, x = (long)(shape[1] / 2) + dx;

    if (y < 0 || x < 0 || y >= (long)shape[0] || x >= (long)shape[1]) return 0.0;
    return sf_psf_pixels(psf)[y * (long)shape[1] + x];
}

/* weight[i] psf[i], summed, is the PSF at (y, x). */
static void check_at(const sf_psf_field *field, sf_psf *const psf[COUNT], double y, double x,
                     const double weight[COUNT])
{
    sf_psf *at;

    assert_ok(sf_psf_field_at(field, y, x, &at));
    for (long dy = -9; dy <= 9; dy++)
        for (long dx = -9; dx <= 9; dx++) {
            double expected = 0.0;
            for (int i = 0; i < COUNT; i++) expected += weight[i] * pixel(psf[i], dy, dx);
            assert_close(pixel(at, dy, dx), expected, 1e-14);
        }
    sf_psf_release(&at);
}

static void bilinear_in_between(void **state)
{
    sf_psf *psf[COUNT];
    sf_psf_field *field;

    (void)state;
    make_psfs(psf);
    assert_ok(sf_psf_field_create(COUNT, psf, row, column, &field));
    check_at(field, psf, 10.0, 20.0, (double[]){0, 0, 1, 0, 0, 0});
    check_at(field, psf, 40.0, 100.0, (double[]){1, 0, 0, 0, 0, 0});
    check_at(field, psf, 20.0, 5.0,
             (double[]){0, 2.0 / 3 * 0.75, 2.0 / 3 * 0.25, 1.0 / 3 * 0.75, 0, 1.0 / 3 * 0.25});
    check_at(field, psf, 25.0, 80.0, (double[]){0.375, 0, 0.125, 0, 0.375, 0.125});
    check_at(field, psf, -50.0, 1e9, (double[]){0, 0, 0, 0, 1, 0}); /* beyond: the nearest */
    sf_psf_field_release(&field);
    for (int i = 0; i < COUNT; i++) sf_psf_release(&psf[i]);
}

static void one_psf_is_everywhere(void **state)
{
    const double zero[1] = {0.0};
    const sf_psf_field *same;
    sf_psf_field *field;
    sf_psf *psf, *at;

    (void)state;
    assert_ok(sf_psf_moffat(3.0, 3.0, &psf));
    assert_ok(sf_psf_field_create(1, &psf, zero, zero, &field));
    same = field;
    assert_ok(sf_psf_field_at(same, 77.0, -3.0, &at));
    assert_memory_equal(sf_psf_grid(at), sf_psf_grid(psf), sizeof(sf_grid));
    for (size_t i = 0; i < sf_grid_size(sf_psf_grid(psf)); i++)
        assert_close(sf_psf_pixels(at)[i], sf_psf_pixels(psf)[i], 1e-16);
    sf_psf_release(&at);
    sf_psf_field_release(&field);
    sf_psf_release(&psf);
}

static void what_is_no_grid_is_refused(void **state)
{
    double rows[COUNT], columns[COUNT];
    sf_psf *psf[COUNT];
    sf_psf_field *field;

    (void)state;
    make_psfs(psf);
    assert_status(SF_ERR_ARGUMENT, sf_psf_field_create(0, psf, row, column, &field));
    assert_status(SF_ERR_ARGUMENT, sf_psf_field_create(COUNT - 1, psf, row, column, &field));
    for (int i = 0; i < COUNT; i++) {
        rows[i] = row[i];
        columns[i] = column[i];
    }
    rows[0] = 10.0; /* one twice, one nowhere */
    assert_status(SF_ERR_ARGUMENT, sf_psf_field_create(COUNT, psf, rows, columns, &field));
    assert_null(field);
    columns[3] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_psf_field_create(COUNT, psf, row, columns, &field));
    for (int i = 0; i < COUNT; i++) sf_psf_release(&psf[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bilinear_in_between),
        cmocka_unit_test(one_psf_is_everywhere),
        cmocka_unit_test(what_is_no_grid_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
