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

/* Column j of the operator is the PSF at cell j, wrapped round the grid; rows are the adjoint's. */
static void varying_convolution_is_its_matrix(void **state)
{
    enum { SIDE = 30, CELLS = SIDE * SIDE };
    const double first[2] = {2.0, -30.0}, step = 2.5; /* rows 2 ... 74.5 */
    sf_psf *psf[COUNT], *at;
    double unit[CELLS] = {0.0}, out[CELLS], expected[CELLS], image[CELLS], back[CELLS];
    sf_psf_field *field;
    sf_operator *op;
    sf_grid grid;

    (void)state;
    make_psfs(psf);
    assert_ok(sf_psf_field_create(COUNT, psf, row, column, &field));
    assert_ok(sf_grid_image(SIDE, SIDE, &grid));
    assert_ok(sf_operator_psf_field(&grid, field, first, step, &op));
    sf_psf_field_release(&field);
    assert_ok(sf_psf_field_create(COUNT, psf, row, column, &field));
    for (size_t i = 0; i < CELLS; i++) image[i] = sin(1.3 * (double)(i * i % 97));
    assert_ok(sf_operator_adjoint(op, image, back));
    for (size_t j = 0; j < CELLS; j += 7) {
        double product = 0.0;

        unit[j] = 1.0;
        assert_ok(sf_operator_apply(op, unit, out));
        unit[j] = 0.0;
        assert_ok(sf_psf_field_at(field, first[0] + step * (double)(j / SIDE),
                                  first[1] + step * (double)(j % SIDE), &at));
        for (size_t i = 0; i < CELLS; i++) expected[i] = 0.0;
        for (long dy = -SIDE; dy <= SIDE; dy++)
            for (long dx = -SIDE; dx <= SIDE; dx++)
                expected[((long)(j / SIDE) + dy + 2 * SIDE) % SIDE * SIDE +
                         ((long)(j % SIDE) + dx + 2 * SIDE) % SIDE] += pixel(at, dy, dx);
        for (size_t i = 0; i < CELLS; i++) {
            assert_close(out[i], expected[i], 1e-14);
            product += expected[i] * image[i];
        }
        assert_close(back[j], product, 1e-13);
        sf_psf_release(&at);
    }
    sf_operator_release(&op);
    assert_status(SF_ERR_ARGUMENT, sf_operator_psf_field(&grid, field, first, 0.0, &op));
    assert_ok(sf_grid_image(SIDE, 5, &grid));
    assert_status(SF_ERR_SHAPE, sf_operator_psf_field(&grid, field, first, 1.0, &op));
    assert_null(op);
    sf_psf_field_release(&field);
    for (int i = 0; i < COUNT; i++) sf_psf_release(&psf[i]);
}

/* Equal PSFs: a convolution, on patches (many positions) as on the whole grid (few). */
static void varying_convolution_of_equal_psfs(void **state)
{
    enum { SIDE = 64, CELLS = SIDE * SIDE, MOST = 64 };
    static double x[CELLS], plain[CELLS], varying[CELLS];
    sf_operator *convolution, *op;
    sf_psf *psf, *same[MOST];
    sf_psf_field *field;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(SIDE, SIDE, &grid));
    assert_ok(sf_psf_moffat(2.0, 6.0, &psf));
    for (size_t i = 0; i < MOST; i++) same[i] = psf;
    for (size_t i = 0; i < CELLS; i++) x[i] = cos(0.7 * (double)(i * i % 101));
    assert_ok(sf_operator_convolution(&grid, sf_psf_grid(psf), sf_psf_pixels(psf), &convolution));
    assert_ok(sf_operator_apply(convolution, x, plain));
    for (size_t n = 1; n <= 8; n *= 2) {
        double y[MOST], z[MOST];

        for (size_t i = 0; i < n * n; i++) {
            y[i] = 64.0 / (double)n * (double)(i / n) + 3.0;
            z[i] = 64.0 / (double)n * (double)(i % n) + 1.0;
        }
        assert_ok(sf_psf_field_create(n * n, same, y, z, &field));
        assert_ok(sf_operator_psf_field(&grid, field, (const double[]){0.0, 0.0}, 1.0, &op));
        assert_ok(sf_operator_apply(op, x, varying));
        for (size_t i = 0; i < CELLS; i++) assert_close(varying[i], plain[i], 1e-14);
        sf_operator_release(&op);
        sf_psf_field_release(&field);
    }
    sf_operator_release(&convolution);
    sf_psf_release(&psf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bilinear_in_between),
        cmocka_unit_test(one_psf_is_everywhere),
        cmocka_unit_test(what_is_no_grid_is_refused),
        cmocka_unit_test(varying_convolution_is_its_matrix),
        cmocka_unit_test(varying_convolution_of_equal_psfs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
