/* padded.c - half spectra carried between a grid and one of 3/2 its cells (padded.h). */
#include "field/padded.h"

#include "field/wavevector.h"

#include <string.h>

/* Largest |m| off the Nyquist plane of n cells. */
static size_t reach(size_t n) { return (n - 1) / 2; }

sf_status sf_padded_grid(const sf_grid *grid, sf_grid *padded)
{
    size_t shape[SF_GRID_MAX_AXES];
    double spacing[SF_GRID_MAX_AXES];

    for (int a = 0; a < grid->axes; a++) {
        const size_t n = grid->shape[a], least = 3 * reach(n) + 1;

        shape[a] = sf_grid_good_length(least > n ? least : n);
        spacing[a] = (double)n * grid->spacing[a] / (double)shape[a];
    }
    return sf_grid_make(grid->axes, shape, spacing, padded);
}

/* The row of `to` with the same wavevector as row `row` of `from`; false where either grid has it
 * on or beyond the Nyquist plane of the smaller one, `small`. */
static bool same_row(const sf_grid *from, size_t row, const sf_grid *small, const sf_grid *to,
                     size_t *found)
{
    const sf_wavevector w = sf_row_start(from, row);

    *found = 0;
    for (int a = 0; a < from->axes - 1; a++) {
        const size_t size = (size_t)(w.m[a] < 0 ? -w.m[a] : w.m[a]);

        if (size > reach(small->shape[a])) return false;
        *found = *found * to->shape[a] + (w.m[a] < 0 ? to->shape[a] - size : size);
    }
    return true;
}

void sf_padded_spread(const sf_grid *grid, const sf_complex *modes, const sf_grid *padded,
                      sf_complex *out)
{
    const size_t rows = sf_row_count(padded), length = sf_row_length(padded);
    const size_t used = reach(grid->shape[grid->axes - 1]) + 1;
    const double factor = (double)sf_grid_size(padded) / (double)sf_grid_size(grid);

#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (rows * length > SF_WORTH_THREADS)
    for (size_t row = 0; row < rows; row++) {
        size_t source, filled = 0;

        if (same_row(padded, row, grid, grid, &source))
            for (; filled < used; filled++)
                out[row * length + filled] = factor * modes[source * sf_row_length(grid) + filled];
        memset(out + row * length + filled, 0, (length - filled) * sizeof *out);
    }
}

void sf_padded_gather(const sf_grid *padded, const sf_complex *modes, double factor,
                      const sf_grid *grid, sf_complex *out)
{
    const size_t rows = sf_row_count(grid), length = sf_row_length(grid);
    const size_t used = reach(grid->shape[grid->axes - 1]) + 1;
    const double scale = factor * (double)sf_grid_size(grid) / (double)sf_grid_size(padded);

#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (rows * length > SF_WORTH_THREADS)
    for (size_t row = 0; row < rows; row++) {
        size_t source;

        if (!same_row(grid, row, grid, padded, &source)) continue;
        for (size_t i = row == 0 ? 1 : 0; i < used; i++)
            out[row * length + i] += scale * modes[source * sf_row_length(padded) + i];
    }
}
