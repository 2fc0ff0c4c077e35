/* poisson_step.h - the data step of plug and play for counts, exactly:
 *     x = argmin noise^2 sum over observed pixels of gain (m - y log m) + R/2 |x - c|^2,
 *     m = H x + offset >= 0,     y = counts/gain >= 0. */
#ifndef SF_INVERSE_POISSON_STEP_H
#define SF_INVERSE_POISSON_STEP_H

#include "inverse/normal.h"

typedef struct sf_poisson_step sf_poisson_step;

/* For an observation of counts; `normal` of the same one solves the linear systems, and must
 * outlive it. */
sf_status sf_poisson_step_create(const sf_observation *observation, sf_normal *normal,
                                 sf_poisson_step **step);
void sf_poisson_step_release(sf_poisson_step **step);
/* R = ridge > 0, whatever was set of `normal`. Begins with what the last call ended with. goal: the
 * prediction is known to noise_fraction of the noise, or to `reduction` of what was wrong with it
 * at first; its iterations are those of each linear system. 500 splittings at most. */
sf_status sf_poisson_step_solve(sf_poisson_step *step, double ridge, const double *centre,
                                const sf_normal_goal *goal, double *x);
/* Since creation: seconds in transforms beside those of `normal`; splittings. */
double sf_poisson_step_transform_seconds(const sf_poisson_step *step);
size_t sf_poisson_step_iterations(const sf_poisson_step *step);

#endif
