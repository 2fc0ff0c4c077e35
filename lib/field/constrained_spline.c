/* constrained_spline.c - from the cells of a periodic axis to the knots of cubic B-splines on it,
 * and back. Numbers of cells and knots are free: the splines are evaluated at the cells' places
 * (de Boor 1978, A Practical Guide to Splines). */
#include "field/constrained.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 256 }; /* values of the axes behind that are treated at once */

/* The four splines over x, 0 <= x < 1, in the order of their knots. */
static void splines(double x, double *value)
{
    const double y = 1.0 - x;

    value[0] = y * y * y / 6.0;
    value[1] = 2.0 / 3.0 - x * x * (2.0 - x) / 2.0;
    value[2] = 2.0 / 3.0 - y * y * (2.0 - y) / 2.0;
    value[3] = x * x * x / 6.0;
}

static size_t knot(const sf_spline_axis *axis, size_t cell, size_t q)
{
    const size_t k = axis->first[cell] + q;

    return k < axis->coarse ? k : k - axis->coarse;
}

/* The cells of every knot, from those of every cell. */
static sf_status fill_knots(sf_spline_axis *axis)
{
    double *sum = NULL;
    size_t *next = NULL; /* and begin are in step while sorting */
    sf_status status;

    SF_GO(sf_allocate(&sum, axis->coarse, sizeof *sum));
    SF_GO(sf_allocate(&next, axis->coarse, sizeof *next));
    for (size_t i = 0; i < 4 * axis->fine; i++) {
        sum[knot(axis, i / 4, i % 4)] += axis->value[i] * axis->value[i];
        axis->begin[knot(axis, i / 4, i % 4) + 1]++;
    }
    for (size_t j = 0; j < axis->coarse; j++) {
        axis->begin[j + 1] += axis->begin[j];
        next[j] = axis->begin[j];
    }
    for (size_t i = 0; i < 4 * axis->fine; i++) {
        const size_t j = knot(axis, i / 4, i % 4), at = next[j]++;

        axis->cell[at] = i / 4;
        axis->pull[at] = axis->value[i];
        axis->share[at] = axis->value[i] * axis->value[i] / sum[j];
    }
done:
    sf_free(sum);
    sf_free(next);
    return status;
}

sf_status sf_spline_axis_create(size_t fine, size_t coarse, sf_spline_axis *axis)
{
    sf_status status;

    *axis = (sf_spline_axis){.fine = fine, .coarse = coarse};
    SF_GO(sf_allocate(&axis->first, fine, sizeof *axis->first));
    SF_GO(sf_allocate(&axis->value, fine, 4 * sizeof *axis->value));
    SF_GO(sf_allocate(&axis->begin, coarse + 1, sizeof *axis->begin));
    SF_GO(sf_allocate(&axis->cell, fine, 4 * sizeof *axis->cell));
    SF_GO(sf_allocate(&axis->pull, fine, 4 * sizeof *axis->pull));
    SF_GO(sf_allocate(&axis->share, fine, 4 * sizeof *axis->share));
    for (size_t i = 0; i < fine; i++) {
        const double at = (double)i * (double)coarse / (double)fine;

        axis->first[i] = ((size_t)at + coarse - 1) % coarse;
        splines(at - floor(at), axis->value + 4 * i);
    }
    SF_GO(fill_knots(axis));
done:
    if (status != SF_OK) sf_spline_axis_release(axis);
    return status;
}

void sf_spline_axis_release(sf_spline_axis *axis)
{
    sf_free(axis->first);
    sf_free(axis->value);
    sf_free(axis->begin);
    sf_free(axis->cell);
    sf_free(axis->pull);
    sf_free(axis->share);
    *axis = (sf_spline_axis){0};
}

/* Rows of `count` values each: a knot's, and those of its cells. */
static inline void to_knot(const sf_spline_axis *axis, size_t k, const double *factor,
                           size_t stride, size_t count, const double *cells, double *to)
{
    memset(to, 0, count * sizeof *to);
    for (size_t e = axis->begin[k]; e < axis->begin[k + 1]; e++) {
        const double *from = cells + axis->cell[e] * stride;

        for (size_t i = 0; i < count; i++) to[i] += factor[e] * from[i];
    }
}

/* The same for a cell and its knots. */
static inline void from_knots(const sf_spline_axis *axis, size_t cell, const double *factor,
                              size_t stride, size_t count, const double *knots, double *to)
{
    const double *a = knots + knot(axis, cell, 0) * stride;
    const double *b = knots + knot(axis, cell, 1) * stride;
    const double *c = knots + knot(axis, cell, 2) * stride;
    const double *d = knots + knot(axis, cell, 3) * stride;

    for (size_t i = 0; i < count; i++)
        to[i] += factor[0] * a[i] + factor[1] * b[i] + factor[2] * c[i] + factor[3] * d[i];
}

/* Threads share what is before and behind the axis, in chunks; each value's sum has one order. */
void sf_spline_restrict(const sf_spline_axis *axis, const double *factor, size_t outer,
                        size_t inner, const double *fine, double *coarse)
{
    const size_t chunks = (inner + CHUNK - 1) / CHUNK, n = axis->fine, m = axis->coarse;

#pragma omp parallel for num_threads(sf_thread_count()) if (outer * n * inner > 262144)
    for (size_t task = 0; task < outer * chunks; task++) {
        const size_t begin = task % chunks * CHUNK;
        const size_t count = inner - begin < CHUNK ? inner - begin : CHUNK;
        const double *from = fine + task / chunks * n * inner + begin;
        double *to = coarse + task / chunks * m * inner + begin;

        if (inner == 1) /* the same, for the compiler */
            for (size_t j = 0; j < m; j++) to_knot(axis, j, factor, 1, 1, from, to + j);
        else
            for (size_t j = 0; j < m; j++)
                to_knot(axis, j, factor, inner, count, from, to + j * inner);
    }
}

void sf_spline_prolong(const sf_spline_axis *axis, size_t outer, size_t inner, const double *coarse,
                       double *fine)
{
    const size_t chunks = (inner + CHUNK - 1) / CHUNK, n = axis->fine, m = axis->coarse;
    const double *factor = axis->value;

#pragma omp parallel for num_threads(sf_thread_count()) if (outer * n * inner > 262144)
    for (size_t task = 0; task < outer * chunks; task++) {
        const size_t begin = task % chunks * CHUNK;
        const size_t count = inner - begin < CHUNK ? inner - begin : CHUNK;
        const double *from = coarse + task / chunks * m * inner + begin;
        double *to = fine + task / chunks * n * inner + begin;

        if (inner == 1) /* the same, for the compiler */
            for (size_t i = 0; i < n; i++) from_knots(axis, i, factor + 4 * i, 1, 1, from, to + i);
        else
            for (size_t i = 0; i < n; i++)
                from_knots(axis, i, factor + 4 * i, inner, count, from, to + i * inner);
    }
}
