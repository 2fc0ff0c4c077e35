/* stage_sums.h - what is kept of an island's chains at one temperature: sums in the chains' order,
 * so that they are the same bits however the chains come in batches. */
#ifndef SF_FREE_ENERGY_STAGE_SUMS_H
#define SF_FREE_ENERGY_STAGE_SUMS_H

#include "free_energy/estimate.h"

typedef struct sf_stage_sums {
    size_t count, zeros;         /* chains, and how many have the weight zero */
    double largest;              /* log-weight: weights W are e^(w - largest) */
    sf_sum weight, square;       /* sums of W and W^2 */
    double mean, deviation;      /* of w where it is not zero: its mean, and squares about it */
    double first, second, third; /* sums of W s, W^2 s, W^2 s^2 with s = slope - reference */
    uint64_t accepted, proposed;
} sf_stage_sums;

static inline void sf_stage_sums_clear(sf_stage_sums *s)
{
    *s = (sf_stage_sums){.largest = -INFINITY};
}
/* One more chain, or one of weight zero. */
void sf_stage_sums_add(sf_stage_sums *s, double log_weight, double slope);
void sf_stage_sums_merge(sf_stage_sums *into, const sf_stage_sums *from);

double sf_stage_sums_log_z(const sf_stage_sums *s);
double sf_stage_sums_ess(const sf_stage_sums *s);
double sf_stage_sums_error(const sf_stage_sums *s); /* of log Z, by the delta method */
double sf_stage_sums_variance(const sf_stage_sums *s);
/* The weighted mean of the slopes, less the reference, and its error. */
double sf_stage_sums_slope(const sf_stage_sums *s);
double sf_stage_sums_slope_error(const sf_stage_sums *s);

#endif
