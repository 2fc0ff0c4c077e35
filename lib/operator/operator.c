/* operator.c - the handle of a linear operator: its table of methods, its two grids, its
 * reference count. */
#include "base/internal.h"

#include <scorefield/operator.h>

#include <stdatomic.h>

struct sf_operator {
    atomic_int references;
    const sf_operator_methods *methods;
    void *self;
    sf_grid domain, range;
};

static sf_status check_methods(const sf_operator_methods *methods)
{
    if (methods == NULL || methods->apply == NULL || methods->adjoint == NULL)
        return sf_fail(SF_ERR_ARGUMENT, "an operator needs the methods apply and adjoint");
    return SF_OK;
}

sf_status sf_operator_create(const sf_operator_methods *methods, void *self, const sf_grid *domain,
                             const sf_grid *range, sf_operator **op)
{
    sf_status status;
    sf_grid checked[2];

    *op = NULL;
    SF_GO(check_methods(methods));
    SF_GO(sf_grid_make(domain->axes, domain->shape, domain->spacing, &checked[0]));
    SF_GO(sf_grid_make(range->axes, range->shape, range->spacing, &checked[1]));
    SF_GO(sf_allocate(op, 1, sizeof **op));
    atomic_init(&(*op)->references, 1);
    (*op)->methods = methods;
    (*op)->self = self;
    (*op)->domain = checked[0];
    (*op)->range = checked[1];
    return SF_OK;
done:
    if (methods != NULL && methods->destroy != NULL) methods->destroy(self);
    return status;
}

sf_operator *sf_operator_retain(sf_operator *op)
{
    if (op != NULL) atomic_fetch_add(&op->references, 1);
    return op;
}

void sf_operator_release(sf_operator **op)
{
    if (op == NULL || *op == NULL) return;
    if (atomic_fetch_sub(&(*op)->references, 1) == 1) {
        if ((*op)->methods->destroy != NULL) (*op)->methods->destroy((*op)->self);
        sf_free(*op);
    }
    *op = NULL;
}

const char *sf_operator_name(const sf_operator *op)
{
    return op->methods->name != NULL ? op->methods->name : "operator";
}

const sf_grid *sf_operator_domain(const sf_operator *op) { return &op->domain; }

const sf_grid *sf_operator_range(const sf_operator *op) { return &op->range; }

static sf_status check_arrays(const sf_operator *op, const double *in, const double *out)
{
    if (in == NULL || out == NULL || in == out)
        return sf_fail(SF_ERR_ARGUMENT, "operator %s: input and output must be two arrays",
                       sf_operator_name(op));
    return SF_OK;
}

sf_status sf_operator_apply(const sf_operator *op, const double *x, double *y)
{
    SF_TRY(check_arrays(op, x, y));
    return op->methods->apply(op->self, x, y);
}

sf_status sf_operator_adjoint(const sf_operator *op, const double *y, double *x)
{
    SF_TRY(check_arrays(op, y, x));
    return op->methods->adjoint(op->self, y, x);
}

sf_status sf_operator_normal(const sf_operator *op, const double *x, double *z)
{
    sf_status status;
    double *y;

    SF_TRY(check_arrays(op, x, z));
    if (op->methods->normal != NULL) return op->methods->normal(op->self, x, z);
    SF_TRY(sf_allocate(&y, sf_grid_size(&op->range), sizeof *y));
    SF_GO(op->methods->apply(op->self, x, y));
    SF_GO(op->methods->adjoint(op->self, y, z));
done:
    sf_free(y);
    return status;
}
