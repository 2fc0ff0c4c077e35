/* moments.c - mean, standard deviation, skewness and extremes of a field's values, in two passes:
 * the mean first, then powers of what is left. */
#include <scorefield/field.h>

#include "field/bins.h"

#include <math.h>

#define BLOCKS 64

/* Values of either precision. */
typedef struct values {
    const double *wide;
    const float *narrow;
    size_t count;
} values;

typedef struct part {
    double sum, squares, cubes, lowest, highest;
} part;

static inline double value_at(const values *v, size_t i)
{
    return v->wide != NULL ? v->wide[i] : (double)v->narrow[i];
}

/* Sums of (x - mean), its square and its cube. */
static part sum_block(const values *v, double mean, size_t begin, size_t end)
{
    part p = {.lowest = INFINITY, .highest = -INFINITY};

    for (size_t i = begin; i < end; i++) {
        const double value = value_at(v, i), x = value - mean;

        p.sum += x;
        p.squares += x * x;
        p.cubes += x * x * x;
        p.lowest = fmin(p.lowest, value);
        p.highest = fmax(p.highest, value);
    }
    return p;
}

/* The same of all values, in blocks that are added in their order. */
static part sum_all(const values *v, double mean)
{
    const size_t blocks = v->count < BLOCKS ? v->count : BLOCKS;
    part parts[BLOCKS], all = {.lowest = INFINITY, .highest = -INFINITY};

#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) if (v->count > 32768)
    for (size_t b = 0; b < blocks; b++)
        parts[b] = sum_block(v, mean, sf_block_begin(v->count, blocks, b),
                             sf_block_begin(v->count, blocks, b + 1));
    for (size_t b = 0; b < blocks; b++) {
        all.sum += parts[b].sum;
        all.squares += parts[b].squares;
        all.cubes += parts[b].cubes;
        all.lowest = fmin(all.lowest, parts[b].lowest);
        all.highest = fmax(all.highest, parts[b].highest);
    }
    return all;
}

static sf_status measure(const values *v, sf_moments *m)
{
    const double n = (double)v->count;
    double mean, variance;
    part p;

    *m = (sf_moments){.mean = NAN};
    if (v->count == 0) return sf_fail(SF_ERR_ARGUMENT, "no values have no moments");
    mean = sum_all(v, 0.0).sum / n;
    p = sum_all(v, mean);
    if (!isfinite(p.squares))
        return sf_fail(SF_ERR_NUMERIC, "the field has values that are not finite");
    variance = p.squares / n;
    *m = (sf_moments){.mean = mean + p.sum / n,
                      .deviation = sqrt(variance),
                      .skewness = variance > 0.0 ? p.cubes / n / (variance * sqrt(variance)) : NAN,
                      .lowest = p.lowest,
                      .highest = p.highest};
    return SF_OK;
}

sf_status sf_field_moments(const double *field, size_t count, sf_moments *moments)
{
    return measure(&(values){.wide = field, .count = count}, moments);
}

sf_status sf_field_moments_single(const float *field, size_t count, sf_moments *moments)
{
    return measure(&(values){.narrow = field, .count = count}, moments);
}
