/* operators.h - the list of all operators that the law tests loop over: one row each. */
#ifndef SF_TESTS_OPERATOR_OPERATORS_H
#define SF_TESTS_OPERATOR_OPERATORS_H

#include "laws.h"

static inline sf_status make_identity(const sf_grid *grid, sf_operator **op)
{
    return sf_operator_identity(grid, op);
}

static inline sf_status make_scaling(const sf_grid *grid, sf_operator **op)
{
    return sf_operator_scaling(grid, -2.5, op);
}

static inline sf_status make_mask(const sf_grid *grid, sf_operator **op)
{
    double *d = law_vector(sf_grid_size(grid), 11);

    for (size_t i = 0; i < sf_grid_size(grid); i += 3) d[i] = 0.0;
    const sf_status status = sf_operator_mask(grid, d, op);
    free(d);
    return status;
}

static inline sf_status make_crop(const sf_grid *grid, sf_operator **op)
{
    size_t origin[SF_GRID_MAX_AXES];
    sf_grid box = *grid;

    for (int axis = 0; axis < grid->axes; axis++) {
        origin[axis] = grid->shape[axis] / 3;
        box.shape[axis] = grid->shape[axis] - origin[axis] - grid->shape[axis] / 4;
    }
    return sf_operator_crop(grid, origin, &box, op);
}

static inline sf_status make_convolution(const sf_grid *grid, sf_operator **op)
{
    sf_grid kernel_grid = *grid;

    for (int axis = 0; axis < grid->axes; axis++)
        kernel_grid.shape[axis] = 1 + grid->shape[axis] / 2;
    double *kernel = law_vector(sf_grid_size(&kernel_grid), 12);
    const sf_status status = sf_operator_convolution(grid, &kernel_grid, kernel, op);
    free(kernel);
    return status;
}

static inline sf_status make_dense(const sf_grid *grid, sf_operator **op)
{
    const size_t rows = sf_grid_size(grid) / 2 + 1;
    double *matrix = law_vector(rows * sf_grid_size(grid), 13);
    sf_grid range;

    assert_int_equal(sf_grid_make(1, &rows, NULL, &range), SF_OK);
    const sf_status status = sf_operator_dense(grid, &range, matrix, op);
    free(matrix);
    return status;
}

static inline sf_status make_chain(const sf_grid *grid, sf_operator **op)
{
    sf_operator *outer, *inner;

    LAW_OK(make_crop(grid, &outer));
    LAW_OK(make_convolution(grid, &inner));
    const sf_status status = sf_operator_chain(outer, inner, op);
    sf_operator_release(&outer);
    sf_operator_release(&inner);
    return status;
}

static inline sf_status make_sum(const sf_grid *grid, sf_operator **op)
{
    sf_operator *parts[3];

    LAW_OK(make_convolution(grid, &parts[0]));
    LAW_OK(make_scaling(grid, &parts[1]));
    LAW_OK(make_mask(grid, &parts[2]));
    const sf_status status = sf_operator_sum(parts, 3, op);
    for (int i = 0; i < 3; i++) sf_operator_release(&parts[i]);
    return status;
}

static inline sf_status make_stack(const sf_grid *grid, sf_operator **op)
{
    sf_operator *parts[3];

    LAW_OK(make_dense(grid, &parts[0]));
    LAW_OK(make_chain(grid, &parts[1]));
    LAW_OK(make_mask(grid, &parts[2]));
    const sf_status status = sf_operator_stack(parts, 3, op);
    for (int i = 0; i < 3; i++) sf_operator_release(&parts[i]);
    return status;
}

/* A user's own, through the public table: periodic first difference of the flat array. */
typedef struct difference {
    size_t size;
    int *destroyed;
} difference;

static inline sf_status difference_apply(const void *self, const double *x, double *y)
{
    const size_t n = ((const difference *)self)->size;

    for (size_t i = 0; i < n; i++) y[i] = x[(i + 1) % n] - x[i];
    return SF_OK;
}

static inline sf_status difference_adjoint(const void *self, const double *y, double *x)
{
    const size_t n = ((const difference *)self)->size;

    for (size_t i = 0; i < n; i++) x[i] = y[(i + n - 1) % n] - y[i];
    return SF_OK;
}

static inline void difference_destroy(void *self)
{
    difference *d = self;

    if (d->destroyed != NULL) *d->destroyed += 1;
    free(d);
}

static const sf_operator_methods difference_methods = {
    .name = "difference",
    .apply = difference_apply,
    .adjoint = difference_adjoint,
    .destroy = difference_destroy,
};

static inline difference *new_difference(const sf_grid *grid, int *destroyed)
{
    difference *self = malloc(sizeof *self);

    assert_non_null(self);
    *self = (difference){sf_grid_size(grid), destroyed};
    return self;
}

static inline sf_status make_difference(const sf_grid *grid, sf_operator **op)
{
    return sf_operator_create(&difference_methods, new_difference(grid, NULL), grid, grid, op);
}

static const struct {
    const char *name;
    sf_status (*make)(const sf_grid *grid, sf_operator **op);
} operators[] = {
    {"identity", make_identity}, {"scaling", make_scaling},
    {"mask", make_mask},         {"crop", make_crop},
    {"dense", make_dense},       {"convolution", make_convolution},
    {"chain", make_chain},       {"sum", make_sum},
    {"stack", make_stack},       {"difference", make_difference},
};

#define OPERATOR_COUNT (sizeof operators / sizeof *operators)

#endif
