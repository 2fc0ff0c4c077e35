/* lanes.h - sums in a fixed order that compilers can vectorise: eight interleaved partial sums. */
#ifndef SF_MCMC_LANES_H
#define SF_MCMC_LANES_H

#include <stddef.h>

enum { SF_LANES = 8 };

static inline double sf_lanes_total(const double *lane)
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* sum of x_i^2 */
static inline double sf_lanes_square(size_t n, const double *x)
{
    double lane[SF_LANES] = {0.0};
    size_t i = 0;

    for (; i + SF_LANES <= n; i += SF_LANES)
        for (size_t l = 0; l < SF_LANES; l++) lane[l] += x[i + l] * x[i + l];
    for (size_t l = 0; i < n; i++, l++) lane[l] += x[i] * x[i];
    return sf_lanes_total(lane);
}

/* sum of (x_i - mean) y_i */
static inline double sf_lanes_product(size_t n, const double *x, double mean, const double *y)
{
    double lane[SF_LANES] = {0.0};
    size_t i = 0;

    for (; i + SF_LANES <= n; i += SF_LANES)
        for (size_t l = 0; l < SF_LANES; l++) lane[l] += (x[i + l] - mean) * y[i + l];
    for (size_t l = 0; i < n; i++, l++) lane[l] += (x[i] - mean) * y[i];
    return sf_lanes_total(lane);
}

#endif
