/* neighbours.c - sums over the sites next to each site of a periodic lattice. */
#include "mcmc/neighbours.h"

#include "base/internal.h"

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

/* sum = the neighbours along the last axis: all sites in one run, and then the ends of its lines.
 */
SF_VECTOR_CLONES static void first_neighbours(size_t size, size_t length,
                                              const double *restrict phi, double *restrict sum)
{
    for (size_t i = 1; i + 1 < size; i++) sum[i] = phi[i - 1] + phi[i + 1];
    for (size_t first = 0; first < size; first += length) {
        const size_t last = first + length - 1;

        sum[first] = phi[last] + phi[length > 1 ? first + 1 : first];
        if (length > 1) sum[last] = phi[last - 1] + phi[first];
    }
}

void sf_neighbours_sum(const sf_grid *grid, const double *phi, double *sum)
{
    const size_t size = sf_grid_size(grid), line = grid->shape[grid->axes - 1];
    size_t stride = line;

    first_neighbours(size, line, phi, sum);
    for (int a = grid->axes - 1; a-- > 0; stride *= grid->shape[a])
        add_neighbours(size, grid->shape[a], stride, phi, sum);
}
