/* points.h - the Poisson distribution's quantile, for its test. */
#ifndef SF_FIELD_POINTS_H
#define SF_FIELD_POINTS_H

#include <stddef.h>

/* The smallest count n with P(N <= n) >= u, N of that mean, for 0 < u < 1 and 0 < mean <= 1e6. */
size_t sf_poisson_quantile(double u, double mean);

#endif
