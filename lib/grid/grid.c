/* grid.c - the geometry of a regular grid and the modes of its half spectrum. */
#include <scorefield/grid.h>

#include "base/internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

sf_status sf_grid_make(int axes, const size_t *shape, const double *spacing, sf_grid *grid)
{
    /* Twice the bytes of a half spectrum of N complex values (last axis of one cell) fit. */
    const size_t largest = SIZE_MAX / (2 * sizeof(sf_complex));
    sf_grid made = {.axes = axes};
    size_t size = 1;

    memset(grid, 0, sizeof *grid);
    if (axes < 1 || axes > SF_GRID_MAX_AXES)
        return sf_fail(SF_ERR_ARGUMENT, "a grid has 1 to %d axes, not %d", SF_GRID_MAX_AXES, axes);
    for (int a = 0; a < axes; a++) {
        const double d = spacing != NULL ? spacing[a] : 1.0;

        if (shape[a] == 0) return sf_fail(SF_ERR_ARGUMENT, "axis %d of the grid has no cells", a);
        if (!sf_multiply_sizes(size, shape[a], &size) || size > largest)
            return sf_fail(SF_ERR_ARGUMENT, "the grid has more than %zu cells, too many to address",
                           largest);
        if (!(d > 0.0) || !isfinite(d))
            return sf_fail(SF_ERR_ARGUMENT,
                           "the spacing along axis %d is %g; it must be positive and finite", a, d);
        made.shape[a] = shape[a];
        made.spacing[a] = d;
    }
    if (!isnormal(sf_grid_cell_volume(&made)) || !isnormal(sf_grid_volume(&made)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "the cell volume %g or the volume %g is not a normal number: change the "
                       "unit of length",
                       sf_grid_cell_volume(&made), sf_grid_volume(&made));
    *grid = made;
    return SF_OK;
}

sf_status sf_grid_image(size_t rows, size_t columns, sf_grid *grid)
{
    return sf_grid_make(2, (const size_t[]){rows, columns}, NULL, grid);
}

size_t sf_grid_size(const sf_grid *grid)
{
    size_t size = 1;

    for (int a = 0; a < grid->axes; a++) size *= grid->shape[a];
    return size;
}

size_t sf_grid_half_size(const sf_grid *grid)
{
    const size_t last = grid->shape[grid->axes - 1];

    return sf_grid_size(grid) / last * (last / 2 + 1);
}

double sf_grid_cell_volume(const sf_grid *grid)
{
    double volume = 1.0;

    for (int a = 0; a < grid->axes; a++) volume *= grid->spacing[a];
    return volume;
}

double sf_grid_volume(const sf_grid *grid)
{
    return (double)sf_grid_size(grid) * sf_grid_cell_volume(grid);
}

bool sf_grid_same_shape(const sf_grid *a, const sf_grid *b)
{
    if (a->axes != b->axes) return false;
    for (int i = 0; i < a->axes; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

const char *sf_grid_text(const sf_grid *grid, char *text, size_t size)
{
    size_t used = 0;

    if (size > 0) text[0] = '\0';
    for (int a = 0; a < grid->axes && used < size; a++) {
        const int written =
            snprintf(text + used, size - used, "%s%zu", a > 0 ? "x" : "", grid->shape[a]);

        used += written > 0 ? (size_t)written : 0;
    }
    return text;
}

size_t sf_grid_good_length(size_t n)
{
    static const size_t primes[] = {2, 3, 5, 7};

    for (size_t length = n > 0 ? n : 1;; length++) {
        size_t rest = length;

        for (size_t p = 0; p < sizeof primes / sizeof *primes; p++)
            while (rest % primes[p] == 0) rest /= primes[p];
        if (rest == 1) return length;
    }
}

void sf_grid_mode(const sf_grid *grid, size_t index, long m[SF_GRID_MAX_AXES])
{
    for (int a = grid->axes - 1; a >= 0; a--) {
        const size_t n = grid->shape[a];
        const size_t stored = a == grid->axes - 1 ? n / 2 + 1 : n;
        const size_t i = index % stored;

        index /= stored;
        m[a] = i <= n / 2 ? (long)i : (long)i - (long)n;
    }
    for (int a = grid->axes; a < SF_GRID_MAX_AXES; a++) m[a] = 0;
}

double sf_grid_wavenumber(const sf_grid *grid, size_t index)
{
    const double two_pi = 6.28318530717958647693;
    long m[SF_GRID_MAX_AXES];
    double sum = 0.0;

    sf_grid_mode(grid, index, m);
    for (int a = 0; a < grid->axes; a++) {
        const double k = two_pi * (double)m[a] / ((double)grid->shape[a] * grid->spacing[a]);

        sum += k * k;
    }
    return sqrt(sum);
}

int sf_grid_mode_weight(const sf_grid *grid, size_t index)
{
    const size_t n = grid->shape[grid->axes - 1], i = index % (n / 2 + 1);

    return i == 0 || 2 * i == n ? 1 : 2;
}

bool sf_grid_mode_is_real(const sf_grid *grid, size_t index)
{
    long m[SF_GRID_MAX_AXES];

    sf_grid_mode(grid, index, m);
    for (int a = 0; a < grid->axes; a++)
        if (m[a] != 0 && 2 * m[a] != (long)grid->shape[a]) return false;
    return true;
}
