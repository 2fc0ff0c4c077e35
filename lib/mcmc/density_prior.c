/* density_prior.c - a prior at a noise level as a density: log f = -energy. */
#include "base/internal.h"

#include <scorefield/mcmc.h>

typedef struct density_prior {
    sf_prior *prior;
    double sigma;
} density_prior;

static void prior_destroy(void *self)
{
    density_prior *d = self;

    sf_prior_release(&d->prior);
    sf_free(d);
}

static sf_status prior_evaluate(const void *self, size_t batch, const double *x,
                                double *log_density, double *score)
{
    const density_prior *d = self;

    SF_TRY(sf_prior_energy(d->prior, batch, x, d->sigma, log_density));
    for (size_t b = 0; b < batch; b++) log_density[b] = -log_density[b];
    return score != NULL ? sf_prior_score(d->prior, batch, x, d->sigma, score) : SF_OK;
}

/* Networks share their weights' way from memory. */
static size_t prior_together(const void *self)
{
    (void)self;
    return 8;
}

static const sf_density_methods prior_methods = {
    .name = "prior",
    .evaluate = prior_evaluate,
    .destroy = prior_destroy,
    .together = prior_together,
};

/* Asks for both at 0, so that a prior that lacks one is refused now. */
static sf_status check(const density_prior *d)
{
    const size_t n = sf_grid_size(sf_prior_grid(d->prior));
    double *x, energy;
    sf_status status;

    SF_TRY(sf_allocate(&x, 2, n * sizeof *x));
    SF_GO(sf_prior_energy(d->prior, 1, x, d->sigma, &energy));
    SF_GO(sf_prior_score(d->prior, 1, x, d->sigma, x + n));
done:
    sf_free(x);
    return status;
}

sf_status sf_density_prior(sf_prior *prior, double sigma, sf_density **density)
{
    density_prior *d;
    sf_status status;

    *density = NULL;
    SF_TRY(sf_allocate(&d, 1, sizeof *d));
    d->prior = sf_prior_retain(prior);
    d->sigma = sigma;
    status = check(d);
    if (status == SF_OK)
        return sf_density_create(&prior_methods, d, sf_grid_size(sf_prior_grid(prior)), density);
    prior_destroy(d);
    return status;
}
