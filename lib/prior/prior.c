/* prior.c - the handle of a prior, and the views of one another that its methods are: Tweedie's
 * formula D(x; sigma) = x + sigma^2 grad log p_sigma(x) turns a denoiser into a score and back,
 * and plug and play takes a denoiser for a proximal step. */
#include "prior/prior.h"

#include "base/internal.h"

#include <math.h>
#include <stdatomic.h>

struct sf_prior {
    atomic_int references;
    const sf_prior_methods *methods;
    void *self;
    sf_grid grid;
};

static sf_status check_methods(const sf_prior_methods *methods)
{
    if (methods == NULL ||
        (methods->denoise == NULL && methods->score == NULL && methods->prox == NULL))
        return sf_fail(SF_ERR_ARGUMENT, "a prior needs one of the methods denoise, score, prox");
    return SF_OK;
}

sf_status sf_prior_create(const sf_prior_methods *methods, void *self, const sf_grid *grid,
                          sf_prior **prior)
{
    sf_status status;
    sf_grid checked;

    *prior = NULL;
    SF_GO(check_methods(methods));
    SF_GO(sf_grid_make(grid->axes, grid->shape, grid->spacing, &checked));
    SF_GO(sf_allocate(prior, 1, sizeof **prior));
    atomic_init(&(*prior)->references, 1);
    (*prior)->methods = methods;
    (*prior)->self = self;
    (*prior)->grid = checked;
    return SF_OK;
done:
    if (methods != NULL && methods->destroy != NULL) methods->destroy(self);
    return status;
}

sf_prior *sf_prior_retain(sf_prior *prior)
{
    if (prior != NULL) atomic_fetch_add(&prior->references, 1);
    return prior;
}

void sf_prior_release(sf_prior **prior)
{
    if (prior == NULL || *prior == NULL) return;
    if (atomic_fetch_sub(&(*prior)->references, 1) == 1) {
        if ((*prior)->methods->destroy != NULL) (*prior)->methods->destroy((*prior)->self);
        sf_free(*prior);
    }
    *prior = NULL;
}

const char *sf_prior_name(const sf_prior *prior)
{
    return prior->methods->name != NULL ? prior->methods->name : "prior";
}

const sf_grid *sf_prior_grid(const sf_prior *prior) { return &prior->grid; }

const void *sf_prior_self(const sf_prior *prior, const sf_prior_methods *methods)
{
    return prior->methods == methods ? prior->self : NULL;
}

bool sf_prior_pulls(const sf_prior *prior) { return prior->methods->pull != NULL; }

bool sf_prior_is_convex(const sf_prior *prior) { return prior->methods->convex; }

/* The number of values in a batch that may be worked on: finite, at a level that makes sense. */
static sf_status check_input(const sf_prior *prior, size_t batch, const double *x,
                             const double *out, double level, size_t *count)
{
    if (!(level >= 0.0) || !isfinite(level))
        return sf_fail(SF_ERR_ARGUMENT,
                       "prior %s: a noise level or variance of %g, where only 0 and more can be",
                       sf_prior_name(prior), level);
    if (x == NULL || out == NULL || x == out)
        return sf_fail(SF_ERR_ARGUMENT, "prior %s: input and output must be two arrays",
                       sf_prior_name(prior));
    if (!sf_multiply_sizes(batch, sf_grid_size(&prior->grid), count))
        return sf_fail(SF_ERR_ARGUMENT, "prior %s: a batch of %zu fields is more than memory holds",
                       sf_prior_name(prior), batch);
    return sf_check_finite(x, *count, "input of a prior");
}

static sf_status unsupported(const sf_prior *prior, const char *what)
{
    return sf_fail(SF_ERR_UNSUPPORTED, "prior %s offers no %s", sf_prior_name(prior), what);
}

/* A noise level that something is divided by or that a denoiser needs. */
static sf_status check_positive(const sf_prior *prior, double level, const char *what)
{
    if (level > 0.0) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "prior %s: its %s needs a noise level or variance above 0",
                   sf_prior_name(prior), what);
}

sf_status sf_prior_denoise(const sf_prior *prior, size_t batch, const double *x, double sigma,
                           double *out)
{
    const sf_prior_methods *methods = prior->methods;
    size_t count = 0;

    SF_TRY(check_input(prior, batch, x, out, sigma, &count));
    SF_TRY(check_positive(prior, sigma, "denoiser"));
    if (methods->denoise != NULL) return methods->denoise(prior->self, batch, x, sigma, out);
    if (methods->score == NULL) return unsupported(prior, "denoiser, and no score to make one of");
    SF_TRY(methods->score(prior->self, batch, x, sigma, out));
    for (size_t i = 0; i < count; i++) out[i] = x[i] + sigma * sigma * out[i];
    return SF_OK;
}

sf_status sf_prior_score(const sf_prior *prior, size_t batch, const double *x, double sigma,
                         double *out)
{
    const sf_prior_methods *methods = prior->methods;
    size_t count = 0;

    SF_TRY(check_input(prior, batch, x, out, sigma, &count));
    if (methods->score != NULL) return methods->score(prior->self, batch, x, sigma, out);
    if (methods->denoise == NULL)
        return unsupported(prior, "score, and no denoiser to make one of");
    SF_TRY(check_positive(prior, sigma, "score, which is made of a denoiser,"));
    SF_TRY(methods->denoise(prior->self, batch, x, sigma, out));
    for (size_t i = 0; i < count; i++) out[i] = (out[i] - x[i]) / (sigma * sigma);
    return SF_OK;
}

sf_status sf_prior_energy(const sf_prior *prior, size_t batch, const double *x, double sigma,
                          double *energy)
{
    size_t count = 0;

    SF_TRY(check_input(prior, batch, x, energy, sigma, &count));
    if (prior->methods->energy == NULL) return unsupported(prior, "energy");
    return prior->methods->energy(prior->self, batch, x, sigma, energy);
}

sf_status sf_prior_prox(const sf_prior *prior, size_t batch, const double *x, double variance,
                        double *out)
{
    size_t count = 0;

    SF_TRY(check_input(prior, batch, x, out, variance, &count));
    SF_TRY(check_positive(prior, variance, "proximal step"));
    if (prior->methods->prox != NULL)
        return prior->methods->prox(prior->self, batch, x, variance, out);
    return sf_prior_denoise(prior, batch, x, sqrt(variance), out);
}

sf_status sf_prior_pull(const sf_prior *prior, size_t batch, const double *x, double sigma,
                        const double *v, double *denoised, double *out)
{
    size_t count = 0;

    SF_TRY(check_input(prior, batch, x, out, sigma, &count));
    SF_TRY(check_input(prior, batch, v, out, sigma, &count));
    if (denoised != NULL && (denoised == x || denoised == v || denoised == out))
        return sf_fail(SF_ERR_ARGUMENT, "prior %s: what is denoised needs an array of its own",
                       sf_prior_name(prior));
    SF_TRY(check_positive(prior, sigma, "denoiser's Jacobian"));
    if (prior->methods->pull == NULL) return unsupported(prior, "derivative of its denoiser");
    return prior->methods->pull(prior->self, batch, x, sigma, v, denoised, out);
}
