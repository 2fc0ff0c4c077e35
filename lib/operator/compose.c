/* compose.c - operators made of operators: chain, sum, stack. The parts are retained. */
#include "base/internal.h"

#include <scorefield/operator.h>

typedef struct composite {
    sf_operator **parts;
    size_t count;
} composite;

static const sf_grid *domain_of(const composite *c) { return sf_operator_domain(c->parts[0]); }

static const sf_grid *range_of(const composite *c) { return sf_operator_range(c->parts[0]); }

static void composite_destroy(void *self)
{
    composite *c = self;

    for (size_t i = 0; c->parts != NULL && i < c->count; i++) sf_operator_release(&c->parts[i]);
    sf_free(c->parts);
    sf_free(c);
}

static sf_status composite_create(const sf_operator_methods *methods, sf_operator *const *parts,
                                  size_t count, const sf_grid *domain, const sf_grid *range,
                                  sf_operator **op)
{
    composite *self;
    sf_status status;

    SF_TRY(sf_allocate(&self, 1, sizeof *self));
    SF_GO(sf_allocate(&self->parts, count, sizeof *self->parts));
    self->count = count;
    for (size_t i = 0; i < count; i++) self->parts[i] = sf_operator_retain(parts[i]);
    return sf_operator_create(methods, self, domain, range, op);
done:
    composite_destroy(self);
    return status;
}

static sf_status check_same_shape(const char *what, const sf_grid *a, const sf_grid *b)
{
    char left[64], right[64];

    if (sf_grid_same_shape(a, b)) return SF_OK;
    return sf_fail(SF_ERR_SHAPE, "%s do not fit together: %s and %s", what,
                   sf_grid_text(a, left, sizeof left), sf_grid_text(b, right, sizeof right));
}

static sf_status check_parts(const char *what, sf_operator *const *parts, size_t count)
{
    if (parts == NULL || count == 0)
        return sf_fail(SF_ERR_ARGUMENT, "%s of no operators: give at least one", what);
    for (size_t i = 0; i < count; i++)
        if (parts[i] == NULL)
            return sf_fail(SF_ERR_ARGUMENT, "%s: operator %zu is missing", what, i);
    return SF_OK;
}

/* ---- chain: parts = outer, inner ------------------------------------------------------- */

static sf_status chain_apply(const void *self, const double *x, double *y)
{
    const composite *c = self;
    double *between;
    sf_status status;

    SF_TRY(sf_allocate(&between, sf_grid_size(domain_of(c)), sizeof *between));
    SF_GO(sf_operator_apply(c->parts[1], x, between));
    SF_GO(sf_operator_apply(c->parts[0], between, y));
done:
    sf_free(between);
    return status;
}

static sf_status chain_adjoint(const void *self, const double *y, double *x)
{
    const composite *c = self;
    double *between;
    sf_status status;

    SF_TRY(sf_allocate(&between, sf_grid_size(domain_of(c)), sizeof *between));
    SF_GO(sf_operator_adjoint(c->parts[0], y, between));
    SF_GO(sf_operator_adjoint(c->parts[1], between, x));
done:
    sf_free(between);
    return status;
}

/* B^T (A^T A) B: the outer operator's own normal, which may be cheaper than its two halves. */
static sf_status chain_normal(const void *self, const double *x, double *z)
{
    const composite *c = self;
    const size_t size = sf_grid_size(domain_of(c));
    double *between;
    sf_status status;

    SF_TRY(sf_allocate(&between, 2 * size, sizeof *between));
    SF_GO(sf_operator_apply(c->parts[1], x, between));
    SF_GO(sf_operator_normal(c->parts[0], between, between + size));
    SF_GO(sf_operator_adjoint(c->parts[1], between + size, z));
done:
    sf_free(between);
    return status;
}

static const sf_operator_methods chain_methods = {
    .name = "chain",
    .apply = chain_apply,
    .adjoint = chain_adjoint,
    .normal = chain_normal,
    .destroy = composite_destroy,
};

sf_status sf_operator_chain(sf_operator *outer, sf_operator *inner, sf_operator **op)
{
    sf_operator *const parts[] = {outer, inner};

    *op = NULL;
    SF_TRY(check_parts("chain", parts, 2));
    SF_TRY(check_same_shape("chain: what the inner operator gives and the outer one takes",
                            sf_operator_range(inner), sf_operator_domain(outer)));
    return composite_create(&chain_methods, parts, 2, sf_operator_domain(inner),
                            sf_operator_range(outer), op);
}

/* ---- sum ------------------------------------------------------------------------------- */

typedef sf_status part_function(const sf_operator *op, const double *in, double *out);

/* out = sum_i function(part_i, in + i * step_i): with a step of zero every part gets the same
 * input (sum), else each gets its own piece (the adjoint of a stack). */
static sf_status accumulate(const composite *c, part_function *function, bool stacked,
                            const double *in, size_t size, double *out)
{
    double *term;
    sf_status status;

    SF_TRY(sf_allocate(&term, size, sizeof *term));
    SF_GO(function(c->parts[0], in, out));
    for (size_t i = 1; i < c->count; i++) {
        if (stacked) in += sf_grid_size(sf_operator_range(c->parts[i - 1]));
        SF_GO(function(c->parts[i], in, term));
        for (size_t j = 0; j < size; j++) out[j] += term[j];
    }
done:
    sf_free(term);
    return status;
}

static sf_status sum_apply(const void *self, const double *x, double *y)
{
    return accumulate(self, sf_operator_apply, false, x, sf_grid_size(range_of(self)), y);
}

static sf_status sum_adjoint(const void *self, const double *y, double *x)
{
    return accumulate(self, sf_operator_adjoint, false, y, sf_grid_size(domain_of(self)), x);
}

static const sf_operator_methods sum_methods = {
    .name = "sum",
    .apply = sum_apply,
    .adjoint = sum_adjoint,
    .destroy = composite_destroy,
};

sf_status sf_operator_sum(sf_operator *const *parts, size_t count, sf_operator **op)
{
    *op = NULL;
    SF_TRY(check_parts("sum", parts, count));
    for (size_t i = 1; i < count; i++) {
        SF_TRY(check_same_shape("sum: the parts' domains", sf_operator_domain(parts[0]),
                                sf_operator_domain(parts[i])));
        SF_TRY(check_same_shape("sum: the parts' ranges", sf_operator_range(parts[0]),
                                sf_operator_range(parts[i])));
    }
    return composite_create(&sum_methods, parts, count, sf_operator_domain(parts[0]),
                            sf_operator_range(parts[0]), op);
}

/* ---- stack ----------------------------------------------------------------------------- */

static sf_status stack_apply(const void *self, const double *x, double *y)
{
    const composite *c = self;

    for (size_t i = 0; i < c->count; i++) {
        SF_TRY(sf_operator_apply(c->parts[i], x, y));
        y += sf_grid_size(sf_operator_range(c->parts[i]));
    }
    return SF_OK;
}

static sf_status stack_adjoint(const void *self, const double *y, double *x)
{
    return accumulate(self, sf_operator_adjoint, true, y, sf_grid_size(domain_of(self)), x);
}

/* sum_i A_i^T A_i x, which needs nothing of the range's size. */
static sf_status stack_normal(const void *self, const double *x, double *z)
{
    return accumulate(self, sf_operator_normal, false, x, sf_grid_size(domain_of(self)), z);
}

static const sf_operator_methods stack_methods = {
    .name = "stack",
    .apply = stack_apply,
    .adjoint = stack_adjoint,
    .normal = stack_normal,
    .destroy = composite_destroy,
};

sf_status sf_operator_stack(sf_operator *const *parts, size_t count, sf_operator **op)
{
    size_t total = 0;
    sf_grid range;

    *op = NULL;
    SF_TRY(check_parts("stack", parts, count));
    for (size_t i = 0; i < count; i++) {
        SF_TRY(check_same_shape("stack: the parts' domains", sf_operator_domain(parts[0]),
                                sf_operator_domain(parts[i])));
        if (__builtin_add_overflow(total, sf_grid_size(sf_operator_range(parts[i])), &total))
            return sf_fail(SF_ERR_MEMORY, "stack: the parts' ranges are more than memory can hold");
    }
    SF_TRY(sf_grid_make(1, &total, NULL, &range));
    return composite_create(&stack_methods, parts, count, sf_operator_domain(parts[0]), &range, op);
}
