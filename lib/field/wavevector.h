/* wavevector.h - walking through a half spectrum row by row: all entries of one row share the
 * integer wavevector's components along every axis but the last, which counts 0, 1, 2, ... */
#ifndef SF_FIELD_WAVEVECTOR_H
#define SF_FIELD_WAVEVECTOR_H

#include <scorefield/grid.h>

/* From so many values on a loop is worth a team of threads. */
#define SF_WORTH_THREADS ((size_t)32768)

typedef struct sf_wavevector {
    long m[SF_GRID_MAX_AXES];
    double k[SF_GRID_MAX_AXES];
    double square; /* |k|^2 */
} sf_wavevector;

static inline size_t sf_row_length(const sf_grid *grid)
{
    return grid->shape[grid->axes - 1] / 2 + 1;
}

static inline size_t sf_row_count(const sf_grid *grid)
{
    return sf_grid_half_size(grid) / sf_row_length(grid);
}

/* 2 pi / L */
static inline double sf_fundamental(const sf_grid *grid, int axis)
{
    return 6.28318530717958647693 / ((double)grid->shape[axis] * grid->spacing[axis]);
}

/* The first entry of a row: the last component is 0. */
static inline sf_wavevector sf_row_start(const sf_grid *grid, size_t row)
{
    sf_wavevector w = {.square = 0.0};

    sf_grid_mode(grid, row * sf_row_length(grid), w.m);
    for (int a = 0; a < grid->axes; a++) {
        w.k[a] = (double)w.m[a] * sf_fundamental(grid, a);
        w.square += w.k[a] * w.k[a];
    }
    return w;
}

/* Entry `index` of the row that starts at `start`. */
static inline sf_wavevector sf_row_entry(const sf_grid *grid, const sf_wavevector *start,
                                         size_t index)
{
    const int last = grid->axes - 1;
    sf_wavevector w = *start;

    w.m[last] = (long)index;
    w.k[last] = (double)index * sf_fundamental(grid, last);
    w.square += w.k[last] * w.k[last];
    return w;
}

/* Whether the mode is on the Nyquist plane of that axis: +n/2 and -n/2 are one. */
static inline bool sf_is_nyquist(const sf_grid *grid, const sf_wavevector *w, int axis)
{
    return 2 * w->m[axis] == (long)grid->shape[axis];
}

#endif
