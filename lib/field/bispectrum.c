/* bispectrum.c - the bispectrum of triangles of shells by transforms (Scoccimarro 2000,
 * doi:10.1086/317248). With D_i = F^-1 of the modes of shell i alone,
 *     sum_x D_1 D_2 D_3 = N^-2 sum over k_1 + k_2 + k_3 = 0 of X_1 X_2 X_3,
 * and the same with ones for modes counts the triangles. */
#include <scorefield/field.h>

#include "field/power_sums.h"

#include <math.h>
#include <string.h>

typedef struct task {
    const sf_grid *grid;
    sf_lattice lattice;
    sf_binning shells;
    const size_t *triangle;
    size_t count;
    sf_fft *fft;
    sf_complex *modes;  /* of the field */
    double **field;     /* of each shell that a triangle uses: sf_fft_buffer_size values */
    double *power, *k;  /* means over each shell */
    double *sum, *ones; /* of each triangle: sum_x D_1 D_2 D_3, of the field and of ones */
} task;

static sf_status check(const task *t, const double *edge)
{
    for (size_t i = 0; i < 3 * t->count; i++)
        if (t->triangle[i] >= t->shells.count)
            return sf_fail(SF_ERR_ARGUMENT, "triangle %zu has shell %zu of %zu (from 0)", i / 3,
                           t->triangle[i], t->shells.count);
    for (size_t i = 0; i < t->count; i++) {
        const size_t *s = t->triangle + 3 * i;
        const double *high = edge + 1;
        const double sum = high[s[0]] + high[s[1]] + high[s[2]];

        if (sum > 2.0 * t->lattice.reach * (1.0 + 1e-12))
            return sf_fail(SF_ERR_ARGUMENT,
                           "the shells of triangle %zu reach k = %g together; beyond twice the "
                           "Nyquist frequency, %g, triangles close by aliasing: take a finer grid",
                           i, sum, 2.0 * t->lattice.reach);
    }
    return SF_OK;
}

/* The means of |k| and P over each shell. */
static sf_status measure_shells(task *t)
{
    const double cells = (double)sf_grid_size(t->grid);
    const size_t count = t->shells.count;
    const sf_power_task power = {.lattice = t->lattice,
                                 .first = {.wide = (const double *)(const void *)t->modes},
                                 .scale = sf_grid_volume(t->grid) / cells / cells,
                                 .line_of_sight = -1,
                                 .line = t->shells};
    double *sums = NULL, *modes = NULL;
    sf_status status;

    SF_GO(sf_allocate(&sums, count, SF_SUM_SLOTS * sizeof *sums));
    SF_GO(sf_allocate(&modes, count, sizeof *modes));
    SF_GO(sf_power_sums(&power, sums, NULL));
    SF_GO(sf_binning_census(&t->lattice, &t->shells, NULL, NULL, modes, t->k));
    for (size_t s = 0; s < count; s++) {
        const double m = modes[s] > 0.0 ? modes[s] : NAN;

        t->power[s] = sums[s * SF_SUM_SLOTS + SF_SUM_POWER] / m;
        t->k[s] /= m;
    }
done:
    sf_free(sums);
    sf_free(modes);
    return status;
}

/* The inverse transform of every shell, of the field's modes or (NULL) of ones. */
static sf_status fill_shells(const task *t, const sf_complex *modes)
{
    for (size_t s = 0; s < t->shells.count; s++) {
        if (t->field[s] == NULL) continue;
        sf_binning_select(&t->lattice, &t->shells, s, modes, (sf_complex *)(void *)t->field[s]);
        SF_TRY(sf_fft_inverse_in_place(t->fft, t->field[s]));
    }
    return SF_OK;
}

/* sum_x a b c in blocks of a fixed order */
static double sum_products(const double *a, const double *b, const double *c, size_t size,
                           int threads)
{
    const size_t blocks = sf_block_count(size);
    double parts[SF_BINS_BLOCKS], sum;

#pragma omp parallel for schedule(static) num_threads(threads)
    for (size_t block = 0; block < blocks; block++) {
        const size_t end = sf_block_begin(size, blocks, block + 1);
        double part = 0.0;

        for (size_t i = sf_block_begin(size, blocks, block); i < end; i++)
            part += a[i] * b[i] * c[i];
        parts[block] = part;
    }
    sf_block_sums(parts, blocks, 1, &sum);
    return sum;
}

static void sum_triangles(const task *t, double *sums)
{
    const size_t size = sf_grid_size(t->grid);

    for (size_t i = 0; i < t->count; i++) {
        const size_t *s = t->triangle + 3 * i;

        sums[i] = sum_products(t->field[s[0]], t->field[s[1]], t->field[s[2]], size,
                               sf_lattice_threads(&t->lattice));
    }
}

static void finish(const task *t, sf_triangle *result)
{
    const double volume = sf_grid_volume(t->grid), cells = (double)sf_grid_size(t->grid);

    for (size_t i = 0; i < t->count; i++) {
        const size_t *s = t->triangle + 3 * i;
        const double p[3] = {t->power[s[0]], t->power[s[1]], t->power[s[2]]};
        const double pairs = p[0] * p[1] + p[1] * p[2] + p[2] * p[0];
        const int equal = (s[0] == s[1]) + (s[1] == s[2]) + (s[2] == s[0]);
        const double symmetry = equal == 3 ? 6.0 : equal == 1 ? 2.0 : 1.0;
        const double triangles = round(cells * cells * t->ones[i]);
        const double number = triangles > 0.0 ? triangles : NAN;
        const double b = volume * volume / cells * t->sum[i] / number;

        result[i] = (sf_triangle){
            .k = {t->k[s[0]], t->k[s[1]], t->k[s[2]]},
            .bispectrum = b,
            .reduced = b / pairs,
            .error = sqrt(symmetry * volume * p[0] * p[1] * p[2] / number),
            .triangles = triangles,
        };
    }
}

static sf_status allocate(task *t)
{
    const size_t shells = t->shells.count, buffer = sf_fft_buffer_size(t->grid);

    SF_TRY(sf_allocate(&t->modes, sf_grid_half_size(t->grid), sizeof *t->modes));
    SF_TRY(sf_allocate(&t->field, shells, sizeof *t->field));
    SF_TRY(sf_allocate(&t->power, shells, sizeof *t->power));
    SF_TRY(sf_allocate(&t->k, shells, sizeof *t->k));
    SF_TRY(sf_allocate(&t->sum, t->count, sizeof *t->sum));
    SF_TRY(sf_allocate(&t->ones, t->count, sizeof *t->ones));
    for (size_t i = 0; i < 3 * t->count; i++)
        if (t->field[t->triangle[i]] == NULL)
            SF_TRY(sf_allocate(&t->field[t->triangle[i]], buffer, sizeof(double)));
    return sf_fft_create(t->grid, &t->fft);
}

static void release(task *t)
{
    for (size_t s = 0; t->field != NULL && s < t->shells.count; s++) sf_free(t->field[s]);
    sf_free(t->field);
    sf_free(t->modes);
    sf_free(t->power);
    sf_free(t->k);
    sf_free(t->sum);
    sf_free(t->ones);
    sf_fft_release(&t->fft);
    sf_binning_free(&t->shells);
}

sf_status sf_bispectrum(const sf_grid *grid, const double *field, const double *edge, size_t shells,
                        const size_t *triangle, size_t count, sf_triangle *result)
{
    task t = {
        .grid = grid, .lattice = sf_lattice_modes(grid), .triangle = triangle, .count = count};
    sf_status status;

    if (shells == 0 || !(edge[0] > 0.0) || count > SIZE_MAX / 3)
        return sf_fail(SF_ERR_ARGUMENT,
                       "%zu shells and %zu triangles; there is at least one shell, and it begins "
                       "above k = 0",
                       shells, count);
    SF_GO(sf_check_finite(field, sf_grid_size(grid), "the field"));
    SF_GO(sf_binning_from_edges(&t.lattice, edge, shells, &t.shells));
    SF_GO(check(&t, edge));
    SF_GO(allocate(&t));
    SF_GO(sf_fft_forward(t.fft, field, t.modes));
    SF_GO(measure_shells(&t));
    SF_GO(fill_shells(&t, NULL));
    sum_triangles(&t, t.ones);
    SF_GO(fill_shells(&t, t.modes));
    sum_triangles(&t, t.sum);
    finish(&t, result);
done:
    release(&t);
    return status;
}
