/* quantile.c - quantiles by selection: linear in the number of values, where sorting a frame of
 * 4096 x 4096 pixels takes seconds (Hoare 1961, doi:10.1145/366622.366647). */
#include "inverse/observation.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>

double sf_quantile(double *values, size_t count, double probability)
{
    const double position = probability * (double)(count - 1);
    const size_t below = (size_t)position;
    const double part = position - (double)below;
    const double lower = gsl_stats_select(values, 1, count, below);
    double upper = INFINITY;

    if (!(part > 0.0)) return lower;
    for (size_t i = below + 1; i < count; i++) upper = fmin(upper, values[i]); /* none is smaller */
    return (1.0 - part) * lower + part * upper;
}
