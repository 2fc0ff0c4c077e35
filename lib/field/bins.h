/* bins.h - the points of a regular lattice (the modes of a grid, or the lags between its cells) in
 * bins of their distance from the origin.
 *
 * A lattice is stored as half spectra are: last axis 0 .. n/2, each point standing for itself and
 * for its mirror image. Squared distances are kept in units of the smallest step: u = sum ratio_a
 * m_a^2, the integer m.m in a cubic box (to a few ulp, where equal sides are products of different
 * numbers). They are compared with squared edges that lie 1e-12 lower, so that round-off cannot
 * move a point into another bin. */
#ifndef SF_FIELD_BINS_H
#define SF_FIELD_BINS_H

#include <scorefield/field.h>

#include "base/internal.h"

enum {
    SF_BINS_CHUNK = 512, /* points of a row that are handled together */
    SF_BINS_BLOCKS = 64  /* at most as many partial sums, added in their order */
};

typedef struct sf_lattice {
    int axes;
    size_t shape[SF_GRID_MAX_AXES];
    double unit;                    /* the smallest step */
    double ratio[SF_GRID_MAX_AXES]; /* (step_a/unit)^2 */
    double reach;                   /* the largest distance that every direction has */
    size_t rows, stored;            /* rows of the last axis, and points in one: n/2 + 1 */
} sf_lattice;

/* Steps 2 pi/L_a, reach the Nyquist frequency of the coarsest axis. */
sf_lattice sf_lattice_modes(const sf_grid *grid);
/* Steps d_a, reach half the shortest side. */
sf_lattice sf_lattice_lags(const sf_grid *grid);
/* weights[i] = factor times the number of points of the full lattice that the stored one at
 * first + i of the last axis stands for: 1 on the planes 0 and n/2, else 2. */
void sf_lattice_weights(const sf_lattice *lattice, double factor, size_t first, size_t count,
                        double *weights);
/* Threads for loops over it: one where starting them takes longer. */
static inline int sf_lattice_threads(const sf_lattice *lattice)
{
    return lattice->rows * lattice->stored > 32768 ? sf_thread_count() : 1;
}
/* The integer coordinates of row `row`, m[axes - 1] = 0. */
void sf_lattice_row(const sf_lattice *lattice, size_t row, long m[SF_GRID_MAX_AXES]);
/* u of such a row, without the axis `skip` (-1: none). */
double sf_lattice_base(const sf_lattice *lattice, const long m[SF_GRID_MAX_AXES], int skip);
/* u[i] = base + ratio (first + i)^2 */
void sf_lattice_squares(const sf_lattice *lattice, double base, size_t first, size_t count,
                        double *u);
/* The rows of block `block` of `blocks`. */
static inline size_t sf_block_begin(size_t rows, size_t blocks, size_t block)
{
    return rows / blocks * block + (block < rows % blocks ? block : rows % blocks);
}
static inline size_t sf_block_count(size_t rows)
{
    return rows < SF_BINS_BLOCKS ? rows : SF_BINS_BLOCKS;
}

typedef struct sf_binning {
    size_t count;
    double *edge;   /* count + 1 distances */
    double *square; /* their u, a little lowered: a point on an edge is in the upper bin */
} sf_binning;

/* The user's bins with their defaults filled in; SF_ERR_ARGUMENT for what is no set of bins. */
sf_status sf_binning_make(const sf_lattice *lattice, const sf_bins *bins, sf_binning *binning);
/* count + 1 increasing edges (copied) */
sf_status sf_binning_from_edges(const sf_lattice *lattice, const double *edge, size_t count,
                                sf_binning *binning);
void sf_binning_free(sf_binning *binning);
/* 1 + the bin of u, 0 below the first, count + 1 beyond the last. */
size_t sf_binning_find(const sf_binning *binning, double u);
/* sums[bin * stride + q] += values[q][i] over the points of increasing u[i]; values[q] = NULL:
 * none.
 */
void sf_binning_add(const sf_binning *binning, const double *u, size_t count,
                    const double *const *values, int quantities, size_t stride, double *sums);
/* Number of points of the full lattice in each bin, and the sum of value(distance) over them
 * (NULL: of the distances themselves; else in one thread, until it fails). */
typedef sf_status (*sf_binning_value)(const void *user, double distance, double *value);
sf_status sf_binning_census(const sf_lattice *lattice, const sf_binning *binning,
                            sf_binning_value value, const void *user, double *points, double *sums);

/* sums[b] = sum over the bin's points of the full lattice of values[row * stride + m]. */
sf_status sf_binning_sums(const sf_lattice *lattice, const sf_binning *binning,
                          const double *values, size_t stride, double *sums);
/* out = in (NULL: 1) on the points of one bin, 0 on all others; half spectra. */
void sf_binning_select(const sf_lattice *lattice, const sf_binning *binning, size_t bin,
                       const sf_complex *in, sf_complex *out);

/* sums[i] = sum over blocks of parts[block * count + i], in their order. */
void sf_block_sums(const double *parts, size_t blocks, size_t count, double *sums);

#endif
