/* anneal_begin.c - chains at draws of where they begin. */
#include "free_energy/anneal.h"
#include "mcmc/chains.h"

typedef struct drawing {
    const sf_anneal_start *start;
    const sf_chains *chains;
    const sf_density *density;
    double *x;
} drawing;

static sf_status draw_block(void *user, size_t at, size_t count)
{
    const drawing *d = user;

    return sf_density_draw(d->density, d->start->seed, d->start->stream, d->chains->first + at,
                           count, d->x + at * d->chains->dimension);
}

static sf_status begin_at_draws(sf_chains *chains, double b, const sf_anneal_start *start)
{
    drawing d = {.start = start, .chains = chains};
    sf_density *density = NULL;
    sf_status status;

    SF_TRY(sf_allocate(&d.x, chains->batch, chains->dimension * sizeof *d.x));
    SF_GO(sf_path_at(chains->path, b, &density));
    if (!sf_density_can_draw(density))
        SF_GO(sf_fail(SF_ERR_UNSUPPORTED,
                      "density %s at b = %g has no exact draws to begin with: give equilibrated "
                      "ones as start",
                      sf_density_name(density), b));
    d.density = density;
    SF_GO(sf_blocks_each(chains, draw_block, &d));
    SF_GO(sf_chains_start(chains, d.x, b));
done:
    sf_density_release(&density);
    sf_free(d.x);
    return status;
}

sf_status sf_anneal_begin(sf_chains *chains, double b, const sf_anneal_start *start)
{
    const uint64_t end = chains->first + chains->batch;

    if (start->given == NULL) return begin_at_draws(chains, b, start);
    if (end > start->count)
        return sf_fail(SF_ERR_ARGUMENT, "%llu chains cannot begin at %zu starts",
                       (unsigned long long)end, start->count);
    return sf_chains_start(chains, start->given + chains->first * chains->dimension, b);
}
