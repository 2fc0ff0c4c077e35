/* pointwise.c - operators that multiply every value by its own factor: identity, scaling, mask.
 * All are diagonal, y = d .* x, hence their own adjoint. */
#include "base/internal.h"

#include <scorefield/operator.h>

#include <math.h>
#include <string.h>

typedef struct pointwise {
    size_t size;
    double factor;  /* identity, scaling */
    double *values; /* mask */
} pointwise;

static void pointwise_destroy(void *self)
{
    pointwise *p = self;

    sf_free(p->values);
    sf_free(p);
}

static sf_status identity_apply(const void *self, const double *x, double *y)
{
    memcpy(y, x, ((const pointwise *)self)->size * sizeof *y);
    return SF_OK;
}

static sf_status scaling_apply(const void *self, const double *x, double *y)
{
    const pointwise *p = self;

    for (size_t i = 0; i < p->size; i++) y[i] = p->factor * x[i];
    return SF_OK;
}

static sf_status scaling_normal(const void *self, const double *x, double *z)
{
    const pointwise *p = self;

    for (size_t i = 0; i < p->size; i++) z[i] = p->factor * (p->factor * x[i]);
    return SF_OK;
}

static sf_status mask_apply(const void *self, const double *x, double *y)
{
    const pointwise *p = self;

    for (size_t i = 0; i < p->size; i++) y[i] = p->values[i] * x[i];
    return SF_OK;
}

static sf_status mask_normal(const void *self, const double *x, double *z)
{
    const pointwise *p = self;

    for (size_t i = 0; i < p->size; i++) z[i] = p->values[i] * (p->values[i] * x[i]);
    return SF_OK;
}

static const sf_operator_methods identity_methods = {
    .name = "identity",
    .apply = identity_apply,
    .adjoint = identity_apply,
    .normal = identity_apply,
    .destroy = pointwise_destroy,
};

static const sf_operator_methods scaling_methods = {
    .name = "scaling",
    .apply = scaling_apply,
    .adjoint = scaling_apply,
    .normal = scaling_normal,
    .destroy = pointwise_destroy,
};

static const sf_operator_methods mask_methods = {
    .name = "mask",
    .apply = mask_apply,
    .adjoint = mask_apply,
    .normal = mask_normal,
    .destroy = pointwise_destroy,
};

/* Takes `values`, also on failure. */
static sf_status pointwise_create(const sf_operator_methods *methods, const sf_grid *grid,
                                  double factor, double *values, sf_operator **op)
{
    pointwise *self;
    sf_status status = sf_allocate(&self, 1, sizeof *self);

    if (status != SF_OK) {
        sf_free(values);
        return status;
    }
    *self = (pointwise){.size = sf_grid_size(grid), .factor = factor, .values = values};
    return sf_operator_create(methods, self, grid, grid, op);
}

sf_status sf_operator_identity(const sf_grid *grid, sf_operator **op)
{
    *op = NULL;
    return pointwise_create(&identity_methods, grid, 1.0, NULL, op);
}

sf_status sf_operator_scaling(const sf_grid *grid, double factor, sf_operator **op)
{
    *op = NULL;
    if (!isfinite(factor))
        return sf_fail(SF_ERR_NUMERIC, "scaling by %g: the factor must be finite", factor);
    return pointwise_create(&scaling_methods, grid, factor, NULL, op);
}

sf_status sf_operator_mask(const sf_grid *grid, const double *d, sf_operator **op)
{
    double *values;

    *op = NULL;
    SF_TRY(sf_check_finite(d, sf_grid_size(grid), "mask"));
    SF_TRY(sf_copy_memory(d, sf_grid_size(grid), sizeof *d, &values));
    return pointwise_create(&mask_methods, grid, 1.0, values, op);
}
