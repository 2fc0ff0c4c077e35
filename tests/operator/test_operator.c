/* test_operator.c - the laws, for every operator on grids of one to three axes, odd and even;
 * what each operator does; ownership; errors. */
#include "operators.h"

static const struct {
    int axes;
    size_t shape[3];
} shapes[] = {
    {1, {1}},    {1, {8}},    {1, {15}},      {2, {6, 8}},
    {2, {7, 5}}, {2, {1, 9}}, {3, {3, 4, 5}}, {3, {4, 3, 6}},
};

static void every_operator_obeys_the_laws(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t i = 0; i < OPERATOR_COUNT; i++) {
            sf_grid grid;
            sf_operator *op;
            LAW_OK(sf_grid_make(shapes[s].axes, shapes[s].shape, NULL, &grid));
            LAW_OK(operators[i].make(&grid, &op));
            assert_string_equal(sf_operator_name(op), operators[i].name);
            assert_true(sf_grid_same_shape(sf_operator_domain(op), &grid));
            law_all(op);
            sf_operator_release(&op);
            assert_null(op);
        }
}

/* (k * x)_n = sum_j k_j x_{n - (j - centre)}, summed directly. */
static void convolution_is_the_sum_it_says(void **state)
{
    (void)state;
    const size_t shape[2] = {7, 6};
    for (size_t rows = 1; rows <= 7; rows++)
        for (size_t columns = 1; columns <= 6; columns++) {
            sf_grid grid, kernel_grid;
            sf_operator *op;
            LAW_OK(sf_grid_make(2, shape, NULL, &grid));
            LAW_OK(sf_grid_image(rows, columns, &kernel_grid));
            double *kernel = law_vector(rows * columns, 0), *x = law_vector(42, 1);
            double y[42], expected[42] = {0};
            for (size_t n = 0; n < 42; n++)
                for (size_t i = 0; i < rows; i++)
                    for (size_t j = 0; j < columns; j++) {
                        const size_t row = (n / 6 + 14 - i + rows / 2) % 7;
                        const size_t column = (n % 6 + 12 - j + columns / 2) % 6;
                        expected[n] += kernel[i * columns + j] * x[row * 6 + column];
                    }
            LAW_OK(sf_operator_convolution(&grid, &kernel_grid, kernel, &op));
            LAW_OK(sf_operator_apply(op, x, y));
            assert_true(law_distance(42, y, expected) < 1e-13 * 42);
            sf_operator_release(&op);
            free(kernel), free(x);
        }
}

static void crop_takes_the_box(void **state)
{
    (void)state;
    const size_t outer[3] = {4, 5, 6}, inner[3] = {2, 3, 4}, origin[3] = {1, 2, 2};
    double x[120], y[24];
    sf_grid domain, range;
    sf_operator *op;

    LAW_OK(sf_grid_make(3, outer, NULL, &domain));
    LAW_OK(sf_grid_make(3, inner, NULL, &range));
    for (int i = 0; i < 120; i++) x[i] = i;
    LAW_OK(sf_operator_crop(&domain, origin, &range, &op));
    LAW_OK(sf_operator_apply(op, x, y));
    for (size_t i = 0; i < 24; i++) {
        const size_t a = i / 12 + 1, b = i / 4 % 3 + 2, c = i % 4 + 2;
        assert_true(y[i] == (double)((a * 5 + b) * 6 + c));
    }
    sf_operator_release(&op);
}

static void dense_is_row_major(void **state)
{
    (void)state;
    const double matrix[6] = {1, 2, 3, 4, 5, 6}, x[3] = {1, 10, 100};
    const size_t three = 3, two = 2;
    double y[2];
    sf_grid domain, range;
    sf_operator *op;

    LAW_OK(sf_grid_make(1, &three, NULL, &domain));
    LAW_OK(sf_grid_make(1, &two, NULL, &range));
    LAW_OK(sf_operator_dense(&domain, &range, matrix, &op));
    LAW_OK(sf_operator_apply(op, x, y));
    assert_true(y[0] == 321.0 && y[1] == 654.0);
    sf_operator_release(&op);
}

static void composites_are_what_their_parts_make(void **state)
{
    (void)state;
    double x[6] = {1, -2, 3, 0.5, 7, -1}, y[12];
    sf_operator *two, *three, *sum, *chain, *stack;
    sf_grid grid;

    LAW_OK(sf_grid_image(2, 3, &grid));
    LAW_OK(sf_operator_scaling(&grid, 2.0, &two));
    LAW_OK(sf_operator_scaling(&grid, 3.0, &three));
    LAW_OK(sf_operator_sum((sf_operator *[]){two, three}, 2, &sum));
    LAW_OK(sf_operator_chain(two, three, &chain));
    LAW_OK(sf_operator_stack((sf_operator *[]){two, three}, 2, &stack));
    sf_operator_release(&two);
    sf_operator_release(&three); /* the composites hold them */
    LAW_OK(sf_operator_apply(sum, x, y));
    for (int i = 0; i < 6; i++) assert_true(y[i] == 5.0 * x[i]);
    LAW_OK(sf_operator_apply(chain, x, y));
    for (int i = 0; i < 6; i++) assert_true(y[i] == 6.0 * x[i]);
    LAW_OK(sf_operator_apply(stack, x, y));
    for (int i = 0; i < 6; i++) assert_true(y[i] == 2.0 * x[i] && y[6 + i] == 3.0 * x[i]);
    assert_int_equal(sf_operator_range(stack)->axes, 1);
    assert_int_equal(sf_operator_range(stack)->shape[0], 12);
    sf_operator_release(&sum);
    sf_operator_release(&chain);
    sf_operator_release(&stack);
}

static void known_norms(void **state)
{
    (void)state;
    const size_t shape = 1000;
    sf_operator *op;
    sf_grid grid;
    double norm;

    LAW_OK(sf_grid_make(1, &shape, NULL, &grid));
    LAW_OK(make_difference(&grid, &op)); /* 2 sin(pi m/n) at m = n/2 */
    LAW_OK(sf_operator_norm(op, 1e-8, &norm));
    assert_true(norm <= 2.0 && norm > 1.999);
    sf_operator_release(&op);
    LAW_OK(sf_operator_scaling(&grid, -4.0, &op));
    LAW_OK(sf_operator_norm(op, 1e-8, &norm));
    assert_true(fabs(norm - 4.0) < 1e-14 * 4.0);
    sf_operator_release(&op);
    LAW_OK(sf_operator_scaling(&grid, 0.0, &op));
    LAW_OK(sf_operator_norm(op, 1e-8, &norm));
    assert_true(norm == 0.0);
    assert_int_equal(sf_operator_norm(op, 0.0, &norm), SF_ERR_ARGUMENT);
    sf_operator_release(&op);
}

static void ownership_is_counted(void **state)
{
    (void)state;
    int destroyed = 0;
    sf_operator *op, *second, *chain, *none = NULL;
    sf_grid grid;

    LAW_OK(sf_grid_image(2, 3, &grid));
    LAW_OK(sf_operator_create(&difference_methods, new_difference(&grid, &destroyed), &grid, &grid,
                              &op));
    second = sf_operator_retain(op);
    LAW_OK(sf_operator_chain(op, op, &chain));
    sf_operator_release(&op);
    sf_operator_release(&second);
    assert_int_equal(destroyed, 0);
    sf_operator_release(&chain);
    assert_int_equal(destroyed, 1);
    sf_operator_release(&none);
    sf_operator_release(NULL);
    assert_null(sf_operator_retain(NULL));
}

/* A failed creation destroys what it was given. */
static void creation_takes_ownership_also_when_it_fails(void **state)
{
    (void)state;
    sf_operator_methods broken = difference_methods;
    int destroyed = 0;
    sf_operator *op;
    sf_grid grid, empty = {0};

    LAW_OK(sf_grid_image(2, 3, &grid));
    broken.adjoint = NULL;
    assert_int_equal(
        sf_operator_create(&broken, new_difference(&grid, &destroyed), &grid, &grid, &op),
        SF_ERR_ARGUMENT);
    assert_null(op);
    assert_int_equal(sf_operator_create(&difference_methods, new_difference(&grid, &destroyed),
                                        &grid, &empty, &op),
                     SF_ERR_ARGUMENT);
    assert_null(op);
    assert_int_equal(destroyed, 2);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    const double nan_values[6] = {0, 0, NAN, 0, 0, 0};
    double kernel[12] = {0}, x[6] = {0}, y[6];
    const size_t origin[2] = {1, 0}, line_shape = 6;
    sf_grid grid, other, line;
    sf_operator *op, *a, *b;

    LAW_OK(sf_grid_image(2, 3, &grid));
    LAW_OK(sf_grid_image(3, 2, &other));
    LAW_OK(sf_grid_make(1, &line_shape, NULL, &line));
    assert_int_equal(sf_operator_convolution(&grid, &other, kernel, &op), SF_ERR_SHAPE);
    assert_null(op);
    assert_non_null(strstr(sf_last_error(), "3x2"));
    assert_int_equal(sf_operator_convolution(&grid, &line, kernel, &op), SF_ERR_SHAPE);
    assert_int_equal(sf_operator_convolution(&grid, &grid, nan_values, &op), SF_ERR_NUMERIC);
    assert_int_equal(sf_operator_crop(&grid, origin, &grid, &op), SF_ERR_SHAPE);
    assert_int_equal(sf_operator_crop(&grid, origin, &line, &op), SF_ERR_SHAPE);
    assert_int_equal(sf_operator_scaling(&grid, INFINITY, &op), SF_ERR_NUMERIC);
    assert_int_equal(sf_operator_mask(&grid, nan_values, &op), SF_ERR_NUMERIC);
    LAW_OK(sf_operator_identity(&grid, &a));
    LAW_OK(sf_operator_identity(&other, &b));
    assert_int_equal(sf_operator_chain(a, b, &op), SF_ERR_SHAPE);
    assert_int_equal(sf_operator_chain(a, NULL, &op), SF_ERR_ARGUMENT);
    assert_int_equal(sf_operator_sum((sf_operator *[]){a, b}, 2, &op), SF_ERR_SHAPE);
    assert_int_equal(sf_operator_stack((sf_operator *[]){a, b}, 2, &op), SF_ERR_SHAPE);
    assert_int_equal(sf_operator_sum(NULL, 0, &op), SF_ERR_ARGUMENT);
    assert_null(op);
    assert_int_equal(sf_operator_apply(a, x, x), SF_ERR_ARGUMENT);
    assert_int_equal(sf_operator_adjoint(a, NULL, y), SF_ERR_ARGUMENT);
    sf_operator_release(&a);
    sf_operator_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_obeys_the_laws),
        cmocka_unit_test(convolution_is_the_sum_it_says),
        cmocka_unit_test(crop_takes_the_box),
        cmocka_unit_test(dense_is_row_major),
        cmocka_unit_test(composites_are_what_their_parts_make),
        cmocka_unit_test(known_norms),
        cmocka_unit_test(ownership_is_counted),
        cmocka_unit_test(creation_takes_ownership_also_when_it_fails),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
