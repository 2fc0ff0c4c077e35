/* separation.c - whether numbers stand in two groups: Otsu's cut (1979,
 * doi:10.1109/TSMC.1979.4310076) and Ashman's distance of its sides (1994, doi:10.1086/117248). */
#include "free_energy/anneal.h"

#include <gsl/gsl_sort.h>

enum { LEAST = 40 }; /* numbers that say anything */

/* Means and variances of the sorted numbers before and after every cut grow with it. */
typedef struct side {
    double count, mean, squares;
} side;

static side grow(side s, double x, double count)
{
    const double difference = x - s.mean;

    if (s.count + count == 0.0) return (side){0.0, 0.0, 0.0};
    s.count += count;
    s.mean += count * difference / s.count;
    s.squares += count * difference * (x - s.mean);
    return s;
}

static double distance(side low, side high)
{
    const double spread = fmax(low.squares, 0.0) / low.count + fmax(high.squares, 0.0) / high.count;

    return spread > 0.0 ? sqrt(2.0) * (high.mean - low.mean) / sqrt(spread) : NAN;
}

sf_status sf_separation(const double *value, size_t count, double *separation)
{
    side low = {0.0, 0.0, 0.0}, high = {0.0, 0.0, 0.0};
    double best = INFINITY, *sorted;
    size_t used = 0;

    *separation = NAN;
    SF_TRY(sf_allocate(&sorted, count, sizeof *sorted));
    for (size_t i = 0; i < count; i++)
        if (isfinite(value[i])) sorted[used++] = value[i];
    gsl_sort(sorted, 1, used);
    for (size_t i = 0; i < used; i++) high = grow(high, sorted[i], 1.0);
    for (size_t i = 0; used >= LEAST && i + 1 < used; i++) {
        low = grow(low, sorted[i], 1.0);
        high = grow(high, sorted[i], -1.0);
        if (20 * (i + 1) < used || 20 * (used - i - 1) < used) continue;
        if (low.squares + high.squares >= best) continue;
        best = low.squares + high.squares;
        *separation = distance(low, high);
    }
    sf_free(sorted);
    return SF_OK;
}
