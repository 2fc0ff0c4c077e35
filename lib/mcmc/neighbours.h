/* neighbours.h - sums over the sites next to each site of a periodic lattice. */
#ifndef SF_MCMC_NEIGHBOURS_H
#define SF_MCMC_NEIGHBOURS_H

#include <scorefield/grid.h>

/* sum = the two neighbours of every site along each axis, together; on an axis of two sites they
 * are one and count twice, on an axis of one site they are the site itself. */
void sf_neighbours_sum(const sf_grid *grid, const double *phi, double *sum);

#endif
