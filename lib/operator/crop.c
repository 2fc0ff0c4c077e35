/* crop.c - the box of a field that begins at a given cell; the adjoint puts it back among
 * zeros. */
#include "base/internal.h"

#include <scorefield/operator.h>

#include <string.h>

typedef struct crop {
    sf_grid domain, range;
    size_t origin[SF_GRID_MAX_AXES];
} crop;

/* Where row `row` of the box (a run along the last axis) begins in the domain. */
static size_t row_start(const crop *c, size_t row)
{
    const int last = c->domain.axes - 1;
    size_t offset = c->origin[last], stride = c->domain.shape[last];

    for (int axis = last - 1; axis >= 0; axis--) {
        offset += stride * (c->origin[axis] + row % c->range.shape[axis]);
        row /= c->range.shape[axis];
        stride *= c->domain.shape[axis];
    }
    return offset;
}

static sf_status crop_apply(const void *self, const double *x, double *y)
{
    const crop *c = self;
    const size_t length = c->range.shape[c->range.axes - 1];
    const size_t rows = sf_grid_size(&c->range) / length;

    for (size_t row = 0; row < rows; row++)
        memcpy(y + row * length, x + row_start(c, row), length * sizeof *y);
    return SF_OK;
}

static sf_status crop_adjoint(const void *self, const double *y, double *x)
{
    const crop *c = self;
    const size_t length = c->range.shape[c->range.axes - 1];
    const size_t rows = sf_grid_size(&c->range) / length;

    memset(x, 0, sf_grid_size(&c->domain) * sizeof *x);
    for (size_t row = 0; row < rows; row++)
        memcpy(x + row_start(c, row), y + row * length, length * sizeof *x);
    return SF_OK;
}

static sf_status crop_normal(const void *self, const double *x, double *z)
{
    const crop *c = self;
    const size_t length = c->range.shape[c->range.axes - 1];
    const size_t rows = sf_grid_size(&c->range) / length;

    memset(z, 0, sf_grid_size(&c->domain) * sizeof *z);
    for (size_t row = 0; row < rows; row++)
        memcpy(z + row_start(c, row), x + row_start(c, row), length * sizeof *z);
    return SF_OK;
}

static const sf_operator_methods crop_methods = {
    .name = "crop",
    .apply = crop_apply,
    .adjoint = crop_adjoint,
    .normal = crop_normal,
    .destroy = sf_free,
};

static sf_status check_box(const sf_grid *domain, const size_t *origin, const sf_grid *range)
{
    char outer[64], inner[64];

    (void)sf_grid_text(domain, outer, sizeof outer);
    (void)sf_grid_text(range, inner, sizeof inner);
    if (domain->axes != range->axes)
        return sf_fail(SF_ERR_SHAPE,
                       "crop: a box of %s has not the number of axes of a field of %s", inner,
                       outer);
    for (int axis = 0; axis < domain->axes; axis++)
        if (range->shape[axis] > domain->shape[axis] ||
            origin[axis] > domain->shape[axis] - range->shape[axis])
            return sf_fail(SF_ERR_SHAPE,
                           "crop: a box of %s that begins at cell %zu of axis %d leaves the field "
                           "of %s",
                           inner, origin[axis], axis, outer);
    return SF_OK;
}

sf_status sf_operator_crop(const sf_grid *domain, const size_t *origin, const sf_grid *range,
                           sf_operator **op)
{
    crop *self;

    *op = NULL;
    SF_TRY(check_box(domain, origin, range));
    SF_TRY(sf_allocate(&self, 1, sizeof *self));
    self->domain = *domain;
    self->range = *range;
    memcpy(self->origin, origin, (size_t)domain->axes * sizeof *origin);
    return sf_operator_create(&crop_methods, self, domain, range, op);
}
