/* sums.c - sums in a fixed order: partial sums over a fixed number of blocks, then in sequence,
 * so that the bits do not depend on the number of threads. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <math.h>

#define BLOCKS 64

/* sum of (a - b) c; b = NULL is zero, c = NULL is a - b itself */
static double block_sum(const double *a, const double *b, const double *c, size_t count)
{
    const size_t length = (count + BLOCKS - 1) / BLOCKS;
    double partial[BLOCKS], sum = 0.0;

#pragma omp parallel for num_threads(sf_thread_count()) schedule(static) if (count > 32768)
    for (size_t block = 0; block < BLOCKS; block++) {
        const size_t end = (block + 1) * length < count ? (block + 1) * length : count;
        double s = 0.0;
        for (size_t i = block * length; i < end; i++) {
            const double left = b != NULL ? a[i] - b[i] : a[i];
            s += left * (c != NULL ? c[i] : left);
        }
        partial[block] = s;
    }
    for (size_t block = 0; block < BLOCKS; block++) sum += partial[block];
    return sum;
}

double sf_sum_product(const double *a, const double *b, size_t count)
{
    return block_sum(a, NULL, b, count);
}

double sf_sum_squares(const double *a, size_t count) { return block_sum(a, NULL, NULL, count); }

double sf_distance(const double *a, const double *b, size_t count)
{
    return sqrt(block_sum(a, b, NULL, count));
}
