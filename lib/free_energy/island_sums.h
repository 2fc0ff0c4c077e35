/* island_sums.h - what is kept of SMC's islands at one temperature. */
#ifndef SF_FREE_ENERGY_ISLAND_SUMS_H
#define SF_FREE_ENERGY_ISLAND_SUMS_H

#include "free_energy/estimate.h"

typedef struct sf_island_sums {
    size_t islands, resampled; /* and how many were, here */
    size_t ancestors;          /* chains of the start that have descendants with weight here */
    double ess;                /* of the weights before resampling, summed over islands */
    double largest;            /* log of the largest Z; the sums below are in its units */
    double z;                  /* sum of Z */
    double variance, most;     /* sum of Z^2 times its relative variance, and times its bound */
} sf_island_sums;

/* What one island adds; variance: the estimate (sf_anneal_island), most: its bound from above. */
typedef struct sf_island_part {
    bool resampled;
    size_t ancestors;
    double ess, log_z, variance, most;
} sf_island_part;

static inline void sf_island_sums_clear(sf_island_sums *s)
{
    *s = (sf_island_sums){.largest = -INFINITY};
}
void sf_island_sums_add(sf_island_sums *s, const sf_island_part *part);
/* log of the mean Z, and its error by the islands' variances; by their bounds if the estimate is
 * not positive, as it may be by chance. */
double sf_island_sums_log_z(const sf_island_sums *s);
double sf_island_sums_error(const sf_island_sums *s);

#endif
