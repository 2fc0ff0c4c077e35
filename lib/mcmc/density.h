/* density.h - densities as this room's files see them. */
#ifndef SF_MCMC_DENSITY_H
#define SF_MCMC_DENSITY_H

#include <scorefield/mcmc.h>

/* How many points are best evaluated at once; 1: any number. */
size_t sf_density_together(const sf_density *density);
/* What sf_density_create was given with these methods; NULL: the density has others. */
const void *sf_density_self(const sf_density *density, const sf_density_methods *methods);

#endif
