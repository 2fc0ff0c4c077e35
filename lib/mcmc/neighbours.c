/* neighbours.c - sums over the sites next to each site of a periodic lattice. */
#include "mcmc/neighbours.h"

#include "base/internal.h"

#include <string.h>

/* sum += the neighbours of every site along an axis of `length` sites that lie `stride` apart */
SF_VECTOR_CLONES static void add_neighbours(size_t size, size_t length, size_t stride,
                                            const double *restrict phi, double *restrict sum)
{
    const size_t line = length * stride, next = length > 1 ? stride : 0, last = line - next;

    for (size_t at = 0; at < size; at += line) {
        const double *from = phi + at;
        double *to = sum + at;

        for (size_t i = 0; i < stride; i++) to[i] += from[line - stride + i] + from[i + next];
        for (size_t i = stride; i < last; i++) to[i] += from[i - stride] + from[i + stride];
        for (size_t i = last; i < line; i++) to[i] += from[i - stride] + from[i - last];
    }
}

void sf_neighbours_sum(const sf_grid *grid, const double *phi, double *sum)
{
    const size_t size = sf_grid_size(grid);
    size_t stride = 1;

    memset(sum, 0, size * sizeof *sum);
    for (int a = grid->axes; a-- > 0; stride *= grid->shape[a])
        add_neighbours(size, grid->shape[a], stride, phi, sum);
}
