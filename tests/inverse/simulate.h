/* simulate.h - small problems whose answers are known. */
#ifndef SF_TEST_SIMULATE_H
#define SF_TEST_SIMULATE_H

#include "check.h"

#include <scorefield/inverse.h>

#include <complex.h>
#include <math.h>
#include <string.h>

/* A smooth scene of blobs, `amplitude` at most, on rows x columns. */
static inline void blobs(size_t rows, size_t columns, double amplitude, double *scene)
{
    static const double places[][3] = {/* y, x in parts of the size; width in pixels */
                                       {0.5, 0.45, 3.0},
                                       {0.25, 0.7, 1.5},
                                       {0.8, 0.2, 2.0},
                                       {0.02, 0.5, 2.5},
                                       {0.6, 0.99, 2.0}};

    memset(scene, 0, rows * columns * sizeof *scene);
    for (size_t b = 0; b < sizeof places / sizeof *places; b++)
        for (size_t y = 0; y < rows; y++)
            for (size_t x = 0; x < columns; x++) {
                const double dy = ((double)y - places[b][0] * (double)rows) / places[b][2];
                const double dx = ((double)x - places[b][1] * (double)columns) / places[b][2];
                scene[y * columns + x] += amplitude * exp(-0.5 * (dy * dy + dx * dx));
            }
}

static inline void add_noise(uint64_t seed, size_t count, double sigma, double *values)
{
    double *n;

    assert_ok(sf_allocate(&n, count, sizeof *n));
    sf_random_normal(sf_random_make(seed, 77), 0, 0, count, n);
    for (size_t i = 0; i < count; i++) values[i] += sigma * n[i];
    sf_free(n);
}

static inline double *new_array(size_t count)
{
    double *values;

    assert_ok(sf_allocate(&values, count, sizeof *values));
    return values;
}

static inline double relative_distance(const double *a, const double *b, size_t count)
{
    double distance = 0.0, norm = 0.0;

    for (size_t i = 0; i < count; i++) {
        distance += (a[i] - b[i]) * (a[i] - b[i]);
        norm += b[i] * b[i];
    }
    return sqrt(distance / norm);
}

#endif
