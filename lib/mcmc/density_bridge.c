/* density_bridge.c - f0^s0 f1^s1: what lies on a bridge between two densities, as a density. */
#include "mcmc/density.h"
#include "mcmc/path.h"

#include "base/internal.h"

typedef struct density_bridge {
    sf_density *f0, *f1; /* f0 NULL: 1 */
    double share[2];
} density_bridge;

static void bridge_destroy(void *self)
{
    density_bridge *d = self;

    sf_density_release(&d->f0);
    sf_density_release(&d->f1);
    sf_free(d);
}

static sf_status bridge_evaluate(const void *self, size_t batch, const double *x,
                                 double *log_density, double *score)
{
    const density_bridge *d = self;
    const size_t n = sf_density_dimension(d->f1);
    const size_t values = score != NULL ? batch * n : 0;
    double *log_f0 = NULL, *score0 = NULL;
    sf_status status;

    SF_GO(sf_allocate(&log_f0, batch, sizeof *log_f0));
    SF_GO(sf_allocate(&score0, values, sizeof *score0));
    if (d->f0 != NULL)
        SF_GO(sf_density_evaluate(d->f0, batch, x, log_f0, score != NULL ? score0 : NULL));
    SF_GO(sf_density_evaluate(d->f1, batch, x, log_density, score));
    for (size_t b = 0; b < batch; b++)
        log_density[b] = sf_bridge(d->share, log_f0[b], log_density[b]);
    for (size_t i = 0; i < values; i++) score[i] = d->share[0] * score0[i] + d->share[1] * score[i];
done:
    sf_free(log_f0);
    sf_free(score0);
    return status;
}

static double bridge_period(const void *self)
{
    return sf_density_period(((const density_bridge *)self)->f1);
}

static size_t bridge_together(const void *self)
{
    const density_bridge *d = self;
    const size_t of_f0 = d->f0 != NULL ? sf_density_together(d->f0) : 1;
    const size_t of_f1 = sf_density_together(d->f1);

    return of_f0 > of_f1 ? of_f0 : of_f1;
}

static const sf_density_methods bridge_methods = {
    .name = "bridge",
    .evaluate = bridge_evaluate,
    .destroy = bridge_destroy,
    .period = bridge_period,
    .together = bridge_together,
};

static const sf_density_methods walked_methods = {
    .name = "bridge",
    .evaluate = bridge_evaluate,
    .destroy = bridge_destroy,
    .period = bridge_period,
    .together = bridge_together,
    .no_score = true,
};

sf_status sf_density_bridge(sf_density *f0, sf_density *f1, const double share[2],
                            sf_density **density)
{
    const bool scored = sf_density_has_score(f1) && (f0 == NULL || sf_density_has_score(f0));
    density_bridge *d;

    *density = NULL;
    SF_TRY(sf_allocate(&d, 1, sizeof *d));
    d->f0 = sf_density_retain(f0);
    d->f1 = sf_density_retain(f1);
    d->share[0] = share[0];
    d->share[1] = share[1];
    return sf_density_create(scored ? &bridge_methods : &walked_methods, d,
                             sf_density_dimension(f1), density);
}
