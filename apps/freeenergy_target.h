/* freeenergy_target.h - the two densities between which sf-freeenergy anneals. */
#ifndef SF_APPS_FREEENERGY_TARGET_H
#define SF_APPS_FREEENERGY_TARGET_H

#include "freeenergy_options.h"

/* Both in coordinates z, x = mean + L z, which a Gaussian around the target makes round. */
typedef struct freeenergy_target {
    sf_density *density, *base;
    double base_log_z;
    uint64_t evaluations; /* to find the base */
    double *mean, *scale; /* n; L is diag(scale), */
    double *factor;       /* or this triangle; all NULL: z is x */
    char base_name[200];
} freeenergy_target;

/* The base is made where --base names one, or the target suggests one; else it stays NULL: the
 * Gaussian that fits the target's samples best, which are not there yet. Release in any case. */
sf_status freeenergy_target_create(const freeenergy_options *options, freeenergy_target *target);
/* Changes to coordinates in which this base, which is taken over, is the normal density. */
sf_status freeenergy_target_take_base(sf_base *base, freeenergy_target *target);
/* Rows z of x become samples of the target as it was given. */
sf_status freeenergy_target_restore(const freeenergy_target *target, size_t count, double *x);
void freeenergy_target_release(freeenergy_target *target);

#endif
