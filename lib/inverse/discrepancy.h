/* discrepancy.h - a regularisation's strength from the noise: chi^2 per observed pixel = 1. */
#ifndef SF_INVERSE_DISCREPANCY_H
#define SF_INVERSE_DISCREPANCY_H

#include "inverse/observation.h"

/* chi^2 = (1/observed) sum of ((pixel - background - H scene) / sigma)^2 over observed pixels. */
sf_status sf_chi_squared(const sf_observation *observation, const double *scene,
                         double *chi_squared);

/* Solves at a strength and measures chi^2. */
typedef sf_status (*sf_discrepancy_solve)(void *user, double strength, double *chi_squared);

/* The strength, between 1e-6 and 1e6, at which chi^2 is 1 within 1 %, by bisection in its
 * logarithm (chi^2 grows with it); the end of the interval where there is none. The last solve is
 * at the strength returned. */
sf_status sf_discrepancy(sf_discrepancy_solve solve, void *user, double *strength);

#endif
