/* gaussians.h - what tests of annealing share: Gaussians between which all is known. */
#ifndef SF_TESTS_FREE_ENERGY_GAUSSIANS_H
#define SF_TESTS_FREE_ENERGY_GAUSSIANS_H

#include <scorefield/free_energy.h>

#include "check.h"

/* A geometric path from N(0, 1) to f = exp(-x^2/(2 v)), in n dimensions. */
static inline sf_path *gaussian_path(size_t n, double v, double scale, sf_density **ends)
{
    sf_path *path;
    double weight = scale, *mean;
    const double sigma = sqrt(v);

    assert_ok(sf_allocate(&mean, n, sizeof *mean));
    assert_ok(sf_density_gaussian(n, NULL, NULL, &ends[0]));
    assert_ok(sf_density_mixture(n, 1, &weight, mean, &sigma, &ends[1]));
    assert_ok(sf_path_geometric(ends[0], ends[1], &path));
    sf_free(mean);
    return path;
}

#endif
