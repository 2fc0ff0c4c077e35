/* dense.c - a matrix held in memory, by CBLAS. */
#include "base/internal.h"

#include <scorefield/operator.h>

#include <cblas.h>
#include <limits.h>

typedef struct dense {
    int rows, columns;
    double *matrix;
} dense;

static sf_status multiply(const dense *d, CBLAS_TRANSPOSE transpose, const double *in, double *out)
{
    cblas_dgemv(CblasRowMajor, transpose, d->rows, d->columns, 1.0, d->matrix, d->columns, in, 1,
                0.0, out, 1);
    return SF_OK;
}

static sf_status dense_apply(const void *self, const double *x, double *y)
{
    return multiply(self, CblasNoTrans, x, y);
}

static sf_status dense_adjoint(const void *self, const double *y, double *x)
{
    return multiply(self, CblasTrans, y, x);
}

static void dense_destroy(void *self)
{
    sf_free(((dense *)self)->matrix);
    sf_free(self);
}

static const sf_operator_methods dense_methods = {
    .name = "dense",
    .apply = dense_apply,
    .adjoint = dense_adjoint,
    .destroy = dense_destroy,
};

sf_status sf_operator_dense(const sf_grid *domain, const sf_grid *range, const double *matrix,
                            sf_operator **op)
{
    const size_t rows = sf_grid_size(range), columns = sf_grid_size(domain);
    size_t size;
    dense *self;
    sf_status status;

    *op = NULL;
    if (rows > INT_MAX || columns > INT_MAX || !sf_multiply_sizes(rows, columns, &size))
        return sf_fail(SF_ERR_ARGUMENT,
                       "dense: a matrix of %zu x %zu is larger than CBLAS can count", rows,
                       columns);
    SF_TRY(sf_check_finite(matrix, size, "matrix"));
    SF_TRY(sf_allocate(&self, 1, sizeof *self));
    self->rows = (int)rows;
    self->columns = (int)columns;
    SF_GO(sf_copy_memory(matrix, size, sizeof *matrix, &self->matrix));
    return sf_operator_create(&dense_methods, self, domain, range, op);
done:
    dense_destroy(self);
    return status;
}
