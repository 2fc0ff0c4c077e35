/* constrained.c - a prior whose denoiser keeps linear constraints: known cells take their values,
 * and what a sum lacks is spread over its other cells, which is the orthogonal projection
 *     D'(x) = P D(x) + c
 * onto what the constraints allow. The score follows by Tweedie and draws x there (replacement:
 * Song et al. 2021, arXiv:2011.13456, appendix I.2). */
#include "base/internal.h"

#include <scorefield/prior.h>

#include <math.h>

typedef struct constrained {
    sf_prior *prior;
    size_t size;
    bool *known;     /* size */
    double *value;   /* size */
    size_t sums;     /* how many */
    size_t *group;   /* size: the number of the cell's sum, from 1; 0: in none */
    double *rest;    /* sums: what the cells that are not known add up to */
    double *members; /* sums: how many these are */
} constrained;

/* Spreads rest - sum over the group's cells that are not known. */
static sf_status keep_sums(const constrained *c, const double *rest, double *x)
{
    double *lack;

    if (c->sums == 0) return SF_OK;
    SF_TRY(sf_allocate(&lack, c->sums, sizeof *lack));
    for (size_t s = 0; s < c->sums; s++) lack[s] = rest != NULL ? rest[s] : 0.0;
    for (size_t i = 0; i < c->size; i++)
        if (c->group[i] > 0 && !c->known[i]) lack[c->group[i] - 1] -= x[i];
    for (size_t i = 0; i < c->size; i++)
        if (c->group[i] > 0 && !c->known[i])
            x[i] += lack[c->group[i] - 1] / c->members[c->group[i] - 1];
    sf_free(lack);
    return SF_OK;
}

/* x = P x + c; `linear`: P x alone. */
static sf_status project(const constrained *c, size_t batch, bool linear, double *x)
{
    for (size_t b = 0; b < batch; b++, x += c->size) {
        for (size_t i = 0; i < c->size; i++)
            if (c->known[i]) x[i] = linear ? 0.0 : c->value[i];
        SF_TRY(keep_sums(c, linear ? NULL : c->rest, x));
    }
    return SF_OK;
}

static sf_status constrained_denoise(const void *self, size_t batch, const double *x, double sigma,
                                     double *out)
{
    const constrained *c = self;

    SF_TRY(sf_prior_denoise(c->prior, batch, x, sigma, out));
    return project(c, batch, false, out);
}

/* (P dD/dx)^T v = (dD/dx)^T P v */
static sf_status constrained_pull(const void *self, size_t batch, const double *x, double sigma,
                                  const double *v, double *denoised, double *out)
{
    const constrained *c = self;
    double *projected = NULL;
    sf_status status;

    SF_GO(sf_copy_memory(v, batch * c->size, sizeof *v, &projected));
    SF_GO(project(c, batch, true, projected));
    SF_GO(sf_prior_pull(c->prior, batch, x, sigma, projected, denoised, out));
    if (denoised != NULL) SF_GO(project(c, batch, false, denoised));
done:
    sf_free(projected);
    return status;
}

static void constrained_destroy(void *self)
{
    constrained *c = self;

    sf_prior_release(&c->prior);
    sf_free(c->known);
    sf_free(c->value);
    sf_free(c->group);
    sf_free(c->rest);
    sf_free(c->members);
    sf_free(c);
}

static const sf_prior_methods constrained_methods = {
    .name = "constrained",
    .denoise = constrained_denoise,
    .pull = constrained_pull,
    .destroy = constrained_destroy,
};

/* ---- creation -------------------------------------------------------------------------------- */

static sf_status take_known(const sf_constraints *from, constrained *c)
{
    for (size_t i = 0; from->known != NULL && i < c->size; i++) {
        if (!from->known[i]) continue;
        if (!isfinite(from->value[i]))
            return sf_fail(SF_ERR_NUMERIC, "the value of known cell %zu is %g", i, from->value[i]);
        c->known[i] = true;
        c->value[i] = from->value[i];
    }
    return SF_OK;
}

static sf_status take_cells(const sf_constraints *from, constrained *c)
{
    for (size_t i = 0; i < c->size; i++) {
        const size_t s = from->group[i];

        if (s > c->sums)
            return sf_fail(SF_ERR_ARGUMENT, "cell %zu is in sum %zu of %zu; 0 is no sum", i, s,
                           c->sums);
        c->group[i] = s;
        if (s > 0 && c->known[i]) c->rest[s - 1] -= c->value[i];
        if (s > 0 && !c->known[i]) c->members[s - 1] += 1.0;
    }
    return SF_OK;
}

static sf_status take_sums(const sf_constraints *from, constrained *c)
{
    c->sums = from->sums;
    if (c->sums == 0) return SF_OK;
    SF_TRY(sf_check_finite(from->sum, c->sums, "the fixed sums"));
    SF_TRY(sf_allocate(&c->group, c->size, sizeof *c->group));
    SF_TRY(sf_allocate(&c->members, c->sums, sizeof *c->members));
    SF_TRY(sf_copy_memory(from->sum, c->sums, sizeof *from->sum, &c->rest));
    SF_TRY(take_cells(from, c));
    for (size_t s = 0; s < c->sums; s++)
        if (c->members[s] == 0.0)
            return sf_fail(SF_ERR_ARGUMENT,
                           "sum %zu of %zu has no cell that could change: each needs one that is "
                           "not known",
                           s + 1, c->sums);
    return SF_OK;
}

sf_status sf_prior_constrained(sf_prior *prior, const sf_constraints *constraints,
                               sf_prior **result)
{
    constrained *self;
    sf_status status;

    *result = NULL;
    SF_TRY(sf_allocate(&self, 1, sizeof *self));
    self->prior = sf_prior_retain(prior);
    self->size = sf_grid_size(sf_prior_grid(prior));
    SF_GO(sf_allocate(&self->known, self->size, sizeof *self->known));
    SF_GO(sf_allocate(&self->value, self->size, sizeof *self->value));
    SF_GO(take_known(constraints, self));
    SF_GO(take_sums(constraints, self));
    return sf_prior_create(&constrained_methods, self, sf_prior_grid(prior), result);
done:
    constrained_destroy(self);
    return status;
}
