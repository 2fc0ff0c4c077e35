/* posterior_gradient.c - likelihoods without a linear system, by their gradient alone:
 *     DPS       D_y = D + u^2 g (dD/dx)^T H^T S^-1 (y - H D)
 *     PLUG_IN   D_y = D + u^2 g H^T S^-1 (y - H x)
 *     ANNEALED  D_y = D + u^2 g H^T (S + u^2)^-1 (y - H x)
 * with g = strength. Chung et al. 2023 (arXiv:2209.14687), whose step is scaled by the residual
 * instead; Jalal et al. 2021 (arXiv:2108.01368). */
#include "inverse/posterior.h"

#include "base/internal.h"
#include "mcmc/chains.h"

#include <math.h>

typedef struct job {
    const sf_conditioned *c;
    const double *centre;
    double extra; /* what is added to S */
    double *gradient;
    size_t cells;
} job;

/* gradient = H^T (S + extra)^-1 (y - H centre) */
static sf_status gradient_of(void *user, size_t b)
{
    const job *j = user;
    const sf_observation *o = j->c->observation;
    double *gradient = j->gradient + b * j->cells, *misfit = NULL;
    sf_status status;

    SF_GO(sf_allocate(&misfit, o->values, sizeof *misfit));
    SF_GO(sf_observation_misfit(o, j->centre + b * j->cells, misfit));
    for (size_t i = 0; i < o->values; i++) {
        const double precision = o->weight[i] / (o->noise * o->noise);

        misfit[i] *= sqrt(precision) / (1.0 + j->extra * precision);
    }
    SF_GO(sf_observation_blur_adjoint(o, misfit, gradient));
done:
    sf_free(misfit);
    return status;
}

sf_status sf_posterior_by_gradient(const sf_conditioned *c, size_t batch, const double *x,
                                   double level, double *out)
{
    const size_t cells = sf_grid_size(&c->observation->scene);
    const double factor = c->strength * level * level;
    double *gradient = NULL;
    sf_status status;
    job j = {.c = c,
             .centre = c->likelihood == SF_LIKELIHOOD_DPS ? out : x,
             .extra = c->likelihood == SF_LIKELIHOOD_ANNEALED ? level * level : 0.0,
             .cells = cells};

    SF_GO(sf_allocate(&gradient, batch * cells, sizeof *gradient));
    j.gradient = gradient;
    SF_GO(sf_prior_denoise(c->prior, batch, x, level, out));
    SF_GO(sf_items_each(batch, gradient_of, &j));
    if (c->likelihood == SF_LIKELIHOOD_DPS)
        SF_GO(sf_posterior_add_pulled(c, batch, x, level, gradient, factor, out));
    else
        for (size_t i = 0; i < batch * cells; i++) out[i] += factor * gradient[i];
done:
    sf_free(gradient);
    return status;
}
