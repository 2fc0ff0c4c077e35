/* field_prior.h - a Gaussian field as a prior to sample from by a diffusion, and the levels of
 * noise that this needs. */
#ifndef SF_APPS_FIELD_PRIOR_H
#define SF_APPS_FIELD_PRIOR_H

#include <scorefield.h>

typedef struct field_prior {
    sf_prior *prior;
    double *lambda;   /* variance of each mode of the half spectrum */
    double variance;  /* of a cell */
    double floor;     /* ten times `low`: more noise than that in a result is a mistake */
    double low, high; /* noise that is 0.1 % of the weakest mode's variance, but at least a
                         millionth of the strongest mode's amplitude; and 30 of those amplitudes */
} field_prior;

/* Release in any case. */
sf_status field_prior_create(const sf_grid *grid, const sf_spectrum *spectrum, field_prior *f);
void field_prior_release(field_prior *f);
/* For sf_sample_options.precondition: the modes' own variances at a level; user: the field_prior.
 */
sf_status field_prior_precondition(void *user, const sf_grid *grid, double level, double *m);

#endif
