/* density.h - densities as this room's files see them. */
#ifndef SF_MCMC_DENSITY_H
#define SF_MCMC_DENSITY_H

#include <scorefield/mcmc.h>

/* How many points are best evaluated at once; 1: any number. */
size_t sf_density_together(const sf_density *density);
/* *x (batch rows, sf_free) = draws of what another density is made of, by that one's generator. */
sf_status sf_density_draw_inner(const sf_density *inner, sf_random random, uint64_t first,
                                size_t batch, double **x);
/* What sf_density_create was given with these methods; NULL: the density has others. */
const void *sf_density_self(const sf_density *density, const sf_density_methods *methods);

/* Minus the Hessian of log f at x, for densities that know it. */
bool sf_density_has_precision(const sf_density *density);
sf_status sf_density_precision(const sf_density *density, const double *x, double *precision);
/* The density's own way to be one of z, x = mean + L z; *affine NULL: it has none. */
sf_status sf_density_own_affine(const sf_density *density, const double *mean, const double *factor,
                                sf_density **affine);

#endif
