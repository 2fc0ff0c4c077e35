/* discrepancy.h - a regularisation's strength from the noise: chi^2 per observed pixel = 1. */
#ifndef SF_INVERSE_DISCREPANCY_H
#define SF_INVERSE_DISCREPANCY_H

#include "inverse/observation.h"

/* chi^2 = (1/observed) sum of ((pixel - background - H scene) / sigma)^2 over observed pixels. */
sf_status sf_chi_squared(const sf_observation *observation, const double *scene,
                         double *chi_squared);

/* Solves at a strength and measures chi^2, which grows with the strength. */
typedef sf_status (*sf_discrepancy_solve)(void *user, double strength, double *chi_squared);

/* The strength at which chi^2 is 1 within 1 %, searched from `guess` outwards and then by
 * bisection in its logarithm. *reached is false where no strength within a factor 1e6 of the
 * guess has it. The last solve is at the strength returned. */
sf_status sf_discrepancy(sf_discrepancy_solve solve, void *user, double guess, double *strength,
                         bool *reached);

#endif
