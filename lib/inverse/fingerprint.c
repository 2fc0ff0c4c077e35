/* fingerprint.c - tells the posteriors of different data, noise, blur or priors apart. */
#include "inverse/observation.h"

#include "base/internal.h"

sf_status sf_posterior_fingerprint(const sf_observation *o, const sf_prior *prior,
                                   uint64_t *fingerprint)
{
    uint64_t hash;

    *fingerprint = 0;
    SF_TRY(sf_prior_fingerprint(prior, o->data, o->noise, &hash));
    hash = sf_fnv(hash, &o->noise, sizeof o->noise);
    hash = sf_fnv(hash, o->data, o->values * sizeof *o->data);
    hash = sf_fnv(hash, o->weight, o->values * sizeof *o->weight);
    hash = sf_fnv(hash, o->back, sf_grid_half_size(&o->scene) * sizeof *o->back);
    *fingerprint = hash;
    return SF_OK;
}
