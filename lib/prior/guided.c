/* guided.c - a prior tilted by a gradient, as classifiers guide diffusions (Dhariwal & Nichol 2021,
 * arXiv:2105.05233): p_sigma(x) p(y | x; sigma)^g. The denoiser is Tweedie's of the new score. */
#include "base/internal.h"

#include <scorefield/prior.h>

#include <math.h>

typedef struct guided {
    sf_prior *prior;
    sf_guide guide;
    double strength;
} guided;

static size_t values_of(const guided *g, size_t batch)
{
    return batch * sf_grid_size(sf_prior_grid(g->prior));
}

/* out += factor * more, which has to be finite where the strength did not make it overflow. */
static sf_status add(const guided *g, size_t count, double factor, const double *more, double sigma,
                     double *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] += factor * more[i];
        if (!isfinite(out[i]))
            return sf_fail(SF_ERR_NUMERIC,
                           "guidance of strength %g by a gradient of %g overflows at noise level "
                           "%g: give a smaller strength",
                           g->strength, more[i], sigma);
    }
    return SF_OK;
}

/* out += factor * gradient at x, or (v not NULL) the gradient's derivative times v. */
static sf_status add_guidance(const guided *g, size_t batch, const double *x, double sigma,
                              const double *v, double factor, double *out)
{
    const sf_guide *guide = &g->guide;
    double *more = NULL;
    sf_status status;

    SF_TRY(sf_allocate(&more, values_of(g, batch), sizeof *more));
    SF_GO(v != NULL ? guide->hessian(guide->user, batch, x, sigma, v, more)
                    : guide->gradient(guide->user, batch, x, sigma, more));
    SF_GO(add(g, values_of(g, batch), factor, more, sigma, out));
done:
    sf_free(more);
    return status;
}

static sf_status guided_denoise(const void *self, size_t batch, const double *x, double sigma,
                                double *out)
{
    const guided *g = self;

    SF_TRY(sf_prior_denoise(g->prior, batch, x, sigma, out));
    return add_guidance(g, batch, x, sigma, NULL, g->strength * sigma * sigma, out);
}

static sf_status guided_score(const void *self, size_t batch, const double *x, double sigma,
                              double *out)
{
    const guided *g = self;

    SF_TRY(sf_prior_score(g->prior, batch, x, sigma, out));
    return add_guidance(g, batch, x, sigma, NULL, g->strength, out);
}

static sf_status guided_energy(const void *self, size_t batch, const double *x, double sigma,
                               double *energy)
{
    const guided *g = self;
    double *log_density = NULL;
    sf_status status;

    if (g->guide.log_density == NULL)
        return sf_fail(SF_ERR_UNSUPPORTED, "prior guided offers no energy, for its guide has no "
                                           "log_density");
    SF_TRY(sf_allocate(&log_density, batch, sizeof *log_density));
    SF_GO(sf_prior_energy(g->prior, batch, x, sigma, energy));
    SF_GO(g->guide.log_density(g->guide.user, batch, x, sigma, log_density));
    for (size_t b = 0; b < batch; b++) energy[b] -= g->strength * log_density[b];
done:
    sf_free(log_density);
    return status;
}

static sf_status guided_pull(const void *self, size_t batch, const double *x, double sigma,
                             const double *v, double *denoised, double *out)
{
    const guided *g = self;
    const double factor = g->strength * sigma * sigma;

    if (g->guide.hessian == NULL)
        return sf_fail(SF_ERR_UNSUPPORTED, "prior guided offers no derivative of its denoiser, for "
                                           "its guide has no hessian");
    SF_TRY(sf_prior_pull(g->prior, batch, x, sigma, v, denoised, out));
    if (denoised != NULL) SF_TRY(add_guidance(g, batch, x, sigma, NULL, factor, denoised));
    return add_guidance(g, batch, x, sigma, v, factor, out);
}

static void guided_destroy(void *self)
{
    guided *g = self;

    sf_prior_release(&g->prior);
    if (g->guide.destroy != NULL) g->guide.destroy(g->guide.user);
    sf_free(g);
}

static const sf_prior_methods guided_methods = {
    .name = "guided",
    .denoise = guided_denoise,
    .score = guided_score,
    .energy = guided_energy,
    .pull = guided_pull,
    .destroy = guided_destroy,
};

static sf_status check(const sf_guide *guide, double strength)
{
    if (guide->gradient == NULL)
        return sf_fail(SF_ERR_ARGUMENT, "a guide needs a function gradient");
    if (isfinite(strength)) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "guidance of strength %g: give a finite one", strength);
}

sf_status sf_prior_guided(sf_prior *prior, const sf_guide *guide, double strength,
                          sf_prior **result)
{
    guided *self = NULL;
    sf_status status;

    *result = NULL;
    SF_GO(check(guide, strength));
    SF_GO(sf_allocate(&self, 1, sizeof *self));
    *self = (guided){sf_prior_retain(prior), *guide, strength};
    return sf_prior_create(&guided_methods, self, sf_prior_grid(prior), result);
done:
    if (guide->destroy != NULL) guide->destroy(guide->user);
    return status;
}
