/* points.c - Poisson samples of a field: in each cell a Poisson number of points of mean
 * n (1 + delta) v, uniform inside the cell. Each cell has one uniform number, whose quantile is its
 * count, and a sequence of numbers of its own for its points: the same on any number of threads,
 * and more points of a higher density are added to those of a lower one. */
#include <scorefield/field.h>

#include "base/internal.h"
#include "field/points.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

enum {
    CELLS = 4096, /* cells handled together */
    /* streams, apart from those that fields count from 0 */
    COUNTS = 0x636e7473,
    PLACES = 0x706c6163
};

#define LARGEST_MEAN 1e6 /* of a cell; GSL's series for the incomplete gamma function end there */

/* ---- one cell --------------------------------------------------------------------------- */

/* The smallest count whose distribution function is at least u: the sum of the terms from 0. */
static size_t short_quantile(double u, double mean)
{
    double term = exp(-mean), sum = term;
    size_t count = 0;

    while (sum < u && term > 0x1p-60 * sum) { /* beyond, the sum does not grow any more */
        count++;
        term *= mean / (double)count;
        sum += term;
    }
    return count;
}

/* The same from a first guess: mean + sqrt(mean) z and the skewness' correction (Cornish & Fisher
 * 1938), then step by step on the incomplete gamma function. */
static size_t long_quantile(double u, double mean)
{
    const double z = gsl_cdf_ugaussian_Pinv(u);
    const double guess = mean + sqrt(mean) * z + (z * z - 1.0) / 6.0;
    unsigned count = guess > 0.0 ? (unsigned)guess : 0;

    /* P and Q are each exact where they are small. */
    if (u < 0.5) {
        while (count > 0 && gsl_cdf_poisson_P(count - 1, mean) >= u) count--;
        while (gsl_cdf_poisson_P(count, mean) < u) count++;
    } else {
        while (count > 0 && gsl_cdf_poisson_Q(count - 1, mean) <= 1.0 - u) count--;
        while (gsl_cdf_poisson_Q(count, mean) > 1.0 - u) count++;
    }
    return count;
}

size_t sf_poisson_quantile(double u, double mean)
{
    return mean < 16.0 ? short_quantile(u, mean) : long_quantile(u, mean);
}

/* ---- all cells -------------------------------------------------------------------------- */

typedef struct sample {
    const sf_grid *grid;
    const double *delta;
    double mean; /* of a cell where delta = 0 */
    uint64_t seed;
    size_t blocks;    /* of CELLS cells */
    uint32_t *counts; /* of each cell */
    size_t *before;   /* points before each block; blocks + 1 */
} sample;

static size_t block_end(const sample *s, size_t block)
{
    const size_t size = sf_grid_size(s->grid), end = (block + 1) * CELLS;

    return end < size ? end : size;
}

/* The counts of a block's cells; how many cells are negative. */
static size_t count_block(const sample *s, size_t block)
{
    const size_t first = block * CELLS, end = block_end(s, block);
    double u[CELLS];
    size_t negative = 0, total = 0;

    sf_random_uniform(sf_random_make(s->seed, COUNTS), 0, first, end - first, u);
    for (size_t cell = first; cell < end; cell++) {
        const double mean = s->mean * (1.0 + s->delta[cell]);

        negative += mean < 0.0;
        if (mean > 0.0) s->counts[cell] = (uint32_t)sf_poisson_quantile(u[cell - first], mean);
        total += s->counts[cell];
    }
    s->before[block + 1] = total;
    return negative;
}

/* Counts of all cells; before[blocks] becomes the number of points. */
static size_t count_points(const sample *s)
{
    size_t negative = 0;

#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) reduction(+ : negative) \
    if (s->blocks > 8)
    for (size_t block = 0; block < s->blocks; block++) negative += count_block(s, block);
    for (size_t block = 0; block < s->blocks; block++) s->before[block + 1] += s->before[block];
    return negative;
}

/* u in (0, 1) along each axis to a place inside the cell. */
static void place_in_cell(const sf_grid *grid, size_t cell, size_t points, double *positions)
{
    const size_t axes = (size_t)grid->axes;

    for (size_t a = axes; a-- > 0; cell /= grid->shape[a])
        for (size_t i = 0; i < points; i++) {
            double *x = &positions[i * axes + a];

            *x = ((double)(cell % grid->shape[a]) + *x) * grid->spacing[a];
        }
}

static void place_block(const sample *s, size_t block, double *positions)
{
    const sf_random random = sf_random_make(s->seed, PLACES);
    const size_t axes = (size_t)s->grid->axes, end = block_end(s, block);
    double *next = positions + s->before[block] * axes;

    for (size_t cell = block * CELLS; cell < end; cell++) {
        sf_random_uniform(random, cell, 0, s->counts[cell] * axes, next);
        place_in_cell(s->grid, cell, s->counts[cell], next);
        next += s->counts[cell] * axes;
    }
}

static sf_status check(const sample *s)
{
    const size_t size = sf_grid_size(s->grid);
    double largest = 0.0;

    SF_TRY(sf_check_finite(s->delta, size, "the density"));
    for (size_t i = 0; i < size; i++) largest = fmax(largest, s->mean * (1.0 + s->delta[i]));
    if (!(largest <= LARGEST_MEAN))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a cell would hold %g points, more than %g: use a finer grid or a lower "
                       "density",
                       largest, LARGEST_MEAN);
    return SF_OK;
}

sf_status sf_poisson_points(const sf_grid *grid, const double *delta, double number_density,
                            uint64_t seed, double **positions, size_t *count,
                            size_t *negative_cells)
{
    const size_t size = sf_grid_size(grid);
    sample s = {.grid = grid, .delta = delta, .seed = seed, .blocks = (size + CELLS - 1) / CELLS};
    size_t negative;
    sf_status status;

    *positions = NULL;
    *count = 0;
    if (!(number_density >= 0.0) || !isfinite(number_density))
        return sf_fail(SF_ERR_ARGUMENT, "a number density of %g; it is finite and not negative",
                       number_density);
    s.mean = number_density * sf_grid_cell_volume(grid);
    SF_TRY(check(&s));
    SF_GO(sf_allocate(&s.counts, size, sizeof *s.counts));
    SF_GO(sf_allocate(&s.before, s.blocks + 1, sizeof *s.before));
    negative = count_points(&s);
    SF_GO(sf_allocate(positions, s.before[s.blocks], (size_t)grid->axes * sizeof **positions));
#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) if (s.blocks > 8)
    for (size_t block = 0; block < s.blocks; block++) place_block(&s, block, *positions);
    *count = s.before[s.blocks];
    if (negative_cells != NULL) *negative_cells = negative;
done:
    sf_free(s.counts);
    sf_free(s.before);
    return status;
}
