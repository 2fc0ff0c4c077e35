/* bins.c - lattice points in bins of their distance; see bins.h. */
#include "field/bins.h"

#include <math.h>

/* ---- lattices ------------------------------------------------------------------------------ */

static sf_lattice make(const sf_grid *grid, const double step[SF_GRID_MAX_AXES])
{
    sf_lattice lattice = {.axes = grid->axes, .unit = INFINITY, .reach = INFINITY};
    const size_t last = grid->shape[grid->axes - 1];

    for (int a = 0; a < grid->axes; a++) {
        lattice.shape[a] = grid->shape[a];
        if (grid->shape[a] == 1) continue; /* has the origin only */
        lattice.unit = fmin(lattice.unit, step[a]);
        lattice.reach = fmin(lattice.reach, 0.5 * (double)grid->shape[a] * step[a]);
    }
    for (int a = 0; a < grid->axes; a++)
        lattice.ratio[a] = step[a] / lattice.unit * (step[a] / lattice.unit);
    lattice.stored = last / 2 + 1;
    lattice.rows = sf_grid_size(grid) / last;
    return lattice;
}

sf_lattice sf_lattice_modes(const sf_grid *grid)
{
    const double two_pi = 6.28318530717958647693;
    double step[SF_GRID_MAX_AXES];

    for (int a = 0; a < grid->axes; a++)
        step[a] = two_pi / ((double)grid->shape[a] * grid->spacing[a]);
    return make(grid, step);
}

sf_lattice sf_lattice_lags(const sf_grid *grid) { return make(grid, grid->spacing); }

void sf_lattice_row(const sf_lattice *lattice, size_t row, long m[SF_GRID_MAX_AXES])
{
    for (int a = 0; a < SF_GRID_MAX_AXES; a++) m[a] = 0;
    for (int a = lattice->axes - 2; a >= 0; a--) {
        const size_t n = lattice->shape[a], i = row % n;

        row /= n;
        m[a] = i <= n / 2 ? (long)i : (long)i - (long)n;
    }
}

double sf_lattice_base(const sf_lattice *lattice, const long m[SF_GRID_MAX_AXES], int skip)
{
    double base = 0.0;

    for (int a = 0; a < lattice->axes - 1; a++)
        if (a != skip) base += lattice->ratio[a] * (double)(m[a] * m[a]);
    return base;
}

/* static, as GCC would export clones of a hidden function */
SF_VECTOR_CLONES static void squares(double ratio, double base, double start, int count, double *u)
{
    for (int i = 0; i < count; i++) {
        const double m = start + (double)i;

        u[i] = base + ratio * (m * m);
    }
}

void sf_lattice_squares(const sf_lattice *lattice, double base, size_t first, size_t count,
                        double *u)
{
    squares(lattice->ratio[lattice->axes - 1], base, (double)first, (int)count, u);
}

void sf_lattice_weights(const sf_lattice *lattice, double factor, size_t first, size_t count,
                        double *weights)
{
    for (int i = 0; i < (int)count; i++) weights[i] = 2.0 * factor;
    if (first == 0) weights[0] = factor;
    if (2 * (first + count - 1) == lattice->shape[lattice->axes - 1]) weights[count - 1] = factor;
}

/* ---- bins ---------------------------------------------------------------------------------- */

sf_status sf_binning_from_edges(const sf_lattice *lattice, const double *edge, size_t count,
                                sf_binning *binning)
{
    sf_status status = SF_OK;

    *binning = (sf_binning){.count = count};
    if (count == 0 || count == SIZE_MAX)
        return sf_fail(SF_ERR_ARGUMENT, "%zu bins; give at least one", count);
    for (size_t i = 0; i <= count; i++)
        if (!isfinite(edge[i]) || !(edge[i] >= 0.0) || (i > 0 && !(edge[i] > edge[i - 1])))
            return sf_fail(SF_ERR_ARGUMENT,
                           "edge %zu of the bins is %g; edges are finite, not negative, and "
                           "increase",
                           i, edge[i]);
    SF_GO(sf_copy_memory(edge, count + 1, sizeof *edge, &binning->edge));
    SF_GO(sf_allocate(&binning->square, count + 1, sizeof *edge));
    for (size_t i = 0; i <= count; i++) {
        const double ratio = edge[i] / lattice->unit;

        binning->square[i] = ratio * ratio * (1.0 - 1e-12);
    }
done:
    if (status != SF_OK) sf_binning_free(binning);
    return status;
}

sf_status sf_binning_make(const sf_lattice *lattice, const sf_bins *bins, sf_binning *binning)
{
    const double first = bins->logarithmic ? lattice->unit : 0.5 * lattice->unit;
    const double low = bins->low != 0.0 ? bins->low : first;
    const double high = bins->high != 0.0 ? bins->high : lattice->reach;
    double *edge = NULL;
    sf_status status;

    *binning = (sf_binning){.count = 0};
    if (!isfinite(lattice->unit))
        return sf_fail(SF_ERR_ARGUMENT, "a grid of one cell has no distances to put into bins");
    if (!(low > 0.0) || !(high > low) || !isfinite(high) || bins->count >= SIZE_MAX - 1)
        return sf_fail(SF_ERR_ARGUMENT,
                       "%zu bins from %g to %g; edges are positive, finite, and increase",
                       bins->count, low, high);
    SF_TRY(sf_allocate(&edge, bins->count + 1, sizeof *edge));
    for (size_t i = 0; i <= bins->count; i++) {
        const double part = bins->count > 0 ? (double)i / (double)bins->count : 0.0;

        edge[i] = bins->logarithmic ? low * pow(high / low, part) : low + (high - low) * part;
    }
    edge[bins->count] = high;
    status = sf_binning_from_edges(lattice, edge, bins->count, binning);
    sf_free(edge);
    return status;
}

void sf_binning_free(sf_binning *binning)
{
    sf_free(binning->edge);
    sf_free(binning->square);
    *binning = (sf_binning){.count = 0};
}

size_t sf_binning_find(const sf_binning *binning, double u)
{
    size_t low = 0, high = binning->count + 1; /* edges before `low` are <= u, from `high` on > u */

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (binning->square[middle] <= u)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void sf_binning_add(const sf_binning *binning, const double *u, size_t count,
                    const double *const *values, int quantities, size_t stride, double *sums)
{
    const double *square = binning->square, *first = values[0];
    size_t bin = sf_binning_find(binning, u[0]);

    for (size_t begin = 0, end; begin < count && bin <= binning->count; begin = end, bin++) {
        double sum = 0.0;

        for (end = begin; end < count && u[end] < square[bin]; end++) sum += first[end];
        if (bin == 0 || begin == end) continue;
        sums[(bin - 1) * stride] += sum;
        for (int q = 1; q < quantities; q++) {
            if (values[q] == NULL) continue;
            sum = 0.0;
            for (size_t i = begin; i < end; i++) sum += values[q][i];
            sums[(bin - 1) * stride + (size_t)q] += sum;
        }
    }
}

/* ---- sums over arrays -------------------------------------------------------------------- */

static void sum_row(const sf_lattice *lattice, const sf_binning *binning, size_t row,
                    const double *values, double *sums)
{
    double u[SF_BINS_CHUNK], weighted[SF_BINS_CHUNK];
    const double *const quantities[] = {weighted};
    long m[SF_GRID_MAX_AXES];
    double base;

    sf_lattice_row(lattice, row, m);
    base = sf_lattice_base(lattice, m, -1);
    for (size_t first = 0; first < lattice->stored; first += SF_BINS_CHUNK) {
        const size_t left = lattice->stored - first;
        const size_t count = left < SF_BINS_CHUNK ? left : SF_BINS_CHUNK;

        sf_lattice_squares(lattice, base, first, count, u);
        sf_lattice_weights(lattice, 1.0, first, count, weighted);
        for (int i = 0; i < (int)count; i++) weighted[i] *= values[first + (size_t)i];
        sf_binning_add(binning, u, count, quantities, 1, 1, sums);
    }
}

sf_status sf_binning_sums(const sf_lattice *lattice, const sf_binning *binning,
                          const double *values, size_t stride, double *sums)
{
    const size_t rows = lattice->rows, blocks = sf_block_count(rows), count = binning->count;
    double *parts;

    SF_TRY(sf_allocate(&parts, blocks, count * sizeof *parts));
#pragma omp parallel for schedule(dynamic) num_threads(sf_lattice_threads(lattice))
    for (size_t block = 0; block < blocks; block++) {
        const size_t end = sf_block_begin(rows, blocks, block + 1);

        for (size_t row = sf_block_begin(rows, blocks, block); row < end; row++)
            sum_row(lattice, binning, row, values + row * stride, parts + block * count);
    }
    sf_block_sums(parts, blocks, count, sums);
    sf_free(parts);
    return SF_OK;
}

void sf_binning_select(const sf_lattice *lattice, const sf_binning *binning, size_t bin,
                       const sf_complex *in, sf_complex *out)
{
    const double low = binning->square[bin], high = binning->square[bin + 1];
    const double ratio = lattice->ratio[lattice->axes - 1];

#pragma omp parallel for schedule(static) num_threads(sf_lattice_threads(lattice))
    for (size_t row = 0; row < lattice->rows; row++) {
        const size_t start = row * lattice->stored;
        long m[SF_GRID_MAX_AXES];
        double base;

        sf_lattice_row(lattice, row, m);
        base = sf_lattice_base(lattice, m, -1);
        for (size_t i = 0; i < lattice->stored; i++) {
            const double u = base + ratio * ((double)i * (double)i);
            const bool inside = u >= low && u < high;

            out[start + i] = !inside ? 0.0 : in != NULL ? in[start + i] : 1.0;
        }
    }
}

/* ---- counting ------------------------------------------------------------------------------ */

void sf_block_sums(const double *parts, size_t blocks, size_t count, double *sums)
{
    for (size_t i = 0; i < count; i++) sums[i] = 0.0;
    for (size_t block = 0; block < blocks; block++)
        for (size_t i = 0; i < count; i++) sums[i] += parts[block * count + i];
}

typedef struct census {
    const sf_lattice *lattice;
    const sf_binning *binning;
    sf_binning_value value;
    const void *user;
} census;

/* The points m >= 0 stand for their images under m_a -> -m_a. */
static double octant_row(const sf_lattice *lattice, size_t row, long m[SF_GRID_MAX_AXES])
{
    double images = 1.0;

    for (int a = lattice->axes - 2; a >= 0; a--) {
        const size_t n = lattice->shape[a], i = row % (n / 2 + 1);

        row /= n / 2 + 1;
        m[a] = (long)i;
        images *= i == 0 || 2 * i == n ? 1.0 : 2.0;
    }
    return images;
}

static size_t octant_rows(const sf_lattice *lattice)
{
    size_t rows = 1;

    for (int a = 0; a < lattice->axes - 1; a++) rows *= lattice->shape[a] / 2 + 1;
    return rows;
}

SF_VECTOR_CLONES
static void distances(double unit, const double *u, size_t count, double *distance)
{
    for (int i = 0; i < (int)count; i++) distance[i] = unit * sqrt(u[i]);
}

static sf_status fill(const census *c, const double *u, size_t count, double *distance)
{
    const double *square = c->binning->square;

    distances(c->lattice->unit, u, count, distance);
    if (c->value == NULL) return SF_OK;
    for (size_t i = 0; i < count; i++) /* not outside the bins, where it may fail */
        if (u[i] >= square[0] && u[i] < square[c->binning->count])
            SF_TRY(c->value(c->user, distance[i], &distance[i]));
    return SF_OK;
}

/* Adds one row to each bin's sum of values and number of points. */
static sf_status census_row(const census *c, size_t row, double *sums)
{
    const sf_lattice *lattice = c->lattice;
    double u[SF_BINS_CHUNK], weight[SF_BINS_CHUNK], value[SF_BINS_CHUNK];
    const double *const values[] = {value, weight};
    long m[SF_GRID_MAX_AXES];
    const double images = octant_row(lattice, row, m);
    const double base = sf_lattice_base(lattice, m, -1);

    for (size_t first = 0; first < lattice->stored; first += SF_BINS_CHUNK) {
        const size_t left = lattice->stored - first;
        const size_t count = left < SF_BINS_CHUNK ? left : SF_BINS_CHUNK;

        sf_lattice_squares(lattice, base, first, count, u);
        SF_TRY(fill(c, u, count, value));
        sf_lattice_weights(lattice, images, first, count, weight);
        for (int i = 0; i < (int)count; i++) value[i] *= weight[i];
        sf_binning_add(c->binning, u, count, values, 2, 2, sums);
    }
    return SF_OK;
}

sf_status sf_binning_census(const sf_lattice *lattice, const sf_binning *binning,
                            sf_binning_value value, const void *user, double *points, double *sums)
{
    const census c = {lattice, binning, value, user};
    const size_t rows = octant_rows(lattice), blocks = sf_block_count(rows);
    const size_t size = 2 * binning->count;
    double *parts = NULL, *total = NULL;
    sf_status status, failed = SF_OK;

    SF_GO(sf_allocate(&parts, blocks, size * sizeof *parts));
    SF_GO(sf_allocate(&total, size, sizeof *total));
#pragma omp parallel for schedule(dynamic) \
    num_threads(value == NULL ? sf_lattice_threads(lattice) : 1)
    for (size_t block = 0; block < blocks; block++) {
        const size_t end = sf_block_begin(rows, blocks, block + 1);

        for (size_t row = sf_block_begin(rows, blocks, block); row < end && failed == SF_OK;
             row++) {
            const sf_status now = census_row(&c, row, parts + block * size);

            if (now != SF_OK) failed = now; /* of a value, hence in the only thread */
        }
    }
    SF_GO(failed);
    sf_block_sums(parts, blocks, size, total);
    for (size_t b = 0; b < binning->count; b++) {
        sums[b] = total[2 * b];
        points[b] = total[2 * b + 1];
    }
done:
    sf_free(parts);
    sf_free(total);
    return status;
}
