/* classifier_free.c - two priors combined by a weight, as guidance without a classifier does (Ho &
 * Salimans 2022, arXiv:2207.12598): s_u + w (s_c - s_u), the score of p_u^(1-w) p_c^w at every
 * noise level. Scores, denoisers, energies and derivatives all combine alike. */
#include "base/internal.h"

#include <scorefield/prior.h>

#include <math.h>
#include <string.h>

typedef struct pair {
    sf_prior *unconditional, *conditional;
    double weight;
} pair;

/* The views that have one output. */
typedef sf_status view(const sf_prior *prior, size_t batch, const double *x, double sigma,
                       double *out);

/* out = (1 - w) out + w other */
static sf_status mix(const pair *p, size_t count, const double *other, double sigma, double *out)
{
    for (size_t i = 0; i < count; i++) {
        const double first = out[i];

        out[i] += p->weight * (other[i] - first);
        if (!isfinite(out[i]))
            return sf_fail(SF_ERR_NUMERIC,
                           "guidance of weight %g between %g and %g overflows at noise level %g: "
                           "give a smaller weight",
                           p->weight, first, other[i], sigma);
    }
    return SF_OK;
}

static sf_status combine(const pair *p, view *of_prior, size_t batch, size_t each, const double *x,
                         double sigma, double *out)
{
    double *other = NULL;
    sf_status status;

    SF_TRY(sf_allocate(&other, batch, each * sizeof *other));
    SF_GO(of_prior(p->unconditional, batch, x, sigma, out));
    SF_GO(of_prior(p->conditional, batch, x, sigma, other));
    SF_GO(mix(p, batch * each, other, sigma, out));
done:
    sf_free(other);
    return status;
}

static size_t size_of(const pair *p) { return sf_grid_size(sf_prior_grid(p->unconditional)); }

static sf_status pair_denoise(const void *self, size_t batch, const double *x, double sigma,
                              double *out)
{
    return combine(self, sf_prior_denoise, batch, size_of(self), x, sigma, out);
}

static sf_status pair_score(const void *self, size_t batch, const double *x, double sigma,
                            double *out)
{
    return combine(self, sf_prior_score, batch, size_of(self), x, sigma, out);
}

static sf_status pair_energy(const void *self, size_t batch, const double *x, double sigma,
                             double *energy)
{
    return combine(self, sf_prior_energy, batch, 1, x, sigma, energy);
}

static sf_status pair_pull(const void *self, size_t batch, const double *x, double sigma,
                           const double *v, double *denoised, double *out)
{
    const pair *p = self;
    const size_t count = batch * size_of(p);
    double *other = NULL;
    sf_status status;

    SF_TRY(sf_allocate(&other, 2, count * sizeof *other));
    SF_GO(sf_prior_pull(p->unconditional, batch, x, sigma, v, denoised, out));
    SF_GO(sf_prior_pull(p->conditional, batch, x, sigma, v, denoised != NULL ? other + count : NULL,
                        other));
    SF_GO(mix(p, count, other, sigma, out));
    if (denoised != NULL) SF_GO(mix(p, count, other + count, sigma, denoised));
done:
    sf_free(other);
    return status;
}

static void pair_destroy(void *self)
{
    pair *p = self;

    sf_prior_release(&p->unconditional);
    sf_prior_release(&p->conditional);
    sf_free(p);
}

static const sf_prior_methods pair_methods = {
    .name = "classifier-free",
    .denoise = pair_denoise,
    .score = pair_score,
    .energy = pair_energy,
    .pull = pair_pull,
    .destroy = pair_destroy,
};

sf_status sf_prior_classifier_free(sf_prior *unconditional, sf_prior *conditional, double weight,
                                   sf_prior **prior)
{
    const sf_grid *grid = sf_prior_grid(unconditional), *other = sf_prior_grid(conditional);
    pair *self;

    *prior = NULL;
    if (!isfinite(weight))
        return sf_fail(SF_ERR_ARGUMENT, "guidance of weight %g: give a finite one", weight);
    if (grid->axes != other->axes ||
        memcmp(grid->shape, other->shape, (size_t)grid->axes * sizeof *grid->shape) != 0)
        return sf_fail(SF_ERR_SHAPE,
                       "two priors on grids of %zu and %zu cells, or of other "
                       "shapes, cannot be combined",
                       sf_grid_size(grid), sf_grid_size(other));
    SF_TRY(sf_allocate(&self, 1, sizeof *self));
    *self = (pair){sf_prior_retain(unconditional), sf_prior_retain(conditional), weight};
    return sf_prior_create(&pair_methods, self, grid, prior);
}
