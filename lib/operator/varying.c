/* varying.c - convolution with a PSF that varies over the grid: y = sum_i h_i * (w_i x).
 *
 * Windows before kernels (Nagy & O'Leary 1998, doi:10.1137/S106482759528507X): every cell's light
 * is spread by the mixture of PSFs at its own place, so that flux is kept and the matrix' columns
 * are PSFs. w_i is zero beyond the neighbouring positions of PSF i: each product is made on a patch
 * of the grid that holds these cells and what their light reaches, and added to the rest. */
#include "base/internal.h"
#include "operator/psf.h"

#include <complex.h>

/* The cells of one PSF. */
typedef struct patch {
    size_t first[2], cells[2]; /* those with a part of it */
    double *part[2];           /* how much, along the two axes */
    sf_complex *transfer;      /* on the patches' grid */
} patch;

typedef struct varying {
    sf_grid grid, patch_grid;
    size_t margin[2]; /* of a patch, before the first of its cells; 0 along an axis that it fills */
    sf_fft *fft;
    size_t count;
    patch *patches;
} varying;

static void varying_destroy(void *self)
{
    varying *v = self;

    for (size_t i = 0; v->patches != NULL && i < v->count; i++) {
        sf_free(v->patches[i].part[0]);
        sf_free(v->patches[i].part[1]);
        sf_free(v->patches[i].transfer);
    }
    sf_free(v->patches);
    sf_fft_release(&v->fft);
    sf_free(v);
}

/* The cells along an axis that have a part of PSF `index`. Parts are positive on one interval. */
static sf_status find_parts(const varying *v, const sf_psf_field *field, size_t index, int axis,
                            double first, double step, patch *p)
{
    const size_t n = v->grid.shape[axis];
    size_t begin = n, end = 0;

    SF_TRY(sf_allocate(&p->part[axis], n, sizeof *p->part[axis]));
    for (size_t c = 0; c < n; c++) {
        const double part = sf_psf_field_part(field, index, axis, first + (double)c * step);

        p->part[axis][c] = part;
        if (!(part > 0.0)) continue;
        begin = begin < c ? begin : c;
        end = c + 1;
    }
    p->first[axis] = end > 0 ? begin : 0;
    p->cells[axis] = end > 0 ? end - begin : 0;
    return SF_OK;
}

/* One size of patch for all PSFs: the most cells, and what their light reaches; no larger than the
 * grid. */
static sf_status plan_patches(varying *v, const sf_grid *box)
{
    size_t shape[2];

    for (int a = 0; a < 2; a++) {
        size_t most = 1;

        for (size_t i = 0; i < v->count; i++)
            if (v->patches[i].cells[a] > most) most = v->patches[i].cells[a];
        shape[a] = sf_grid_good_length(most + box->shape[a] - 1);
        v->margin[a] = box->shape[a] / 2;
        if (shape[a] < v->grid.shape[a]) continue;
        shape[a] = v->grid.shape[a];
        v->margin[a] = 0;
        for (size_t i = 0; i < v->count; i++) {
            v->patches[i].first[a] = 0;
            if (v->patches[i].cells[a] > 0) v->patches[i].cells[a] = shape[a];
        }
    }
    SF_TRY(sf_grid_make(2, shape, v->grid.spacing, &v->patch_grid));
    return sf_fft_create(&v->patch_grid, &v->fft);
}

/* Where a patch's row or column lies on the grid; and the next one. */
static size_t on_grid(const varying *v, const patch *p, int axis, size_t at)
{
    const size_t n = v->grid.shape[axis];

    return (p->first[axis] + at + n - v->margin[axis]) % n;
}

static size_t next(size_t cell, size_t count) { return cell + 1 < count ? cell + 1 : 0; }

/* field of the patch = the grid's there: of the windowed scene, or of all that it reaches. */
static void take(const varying *v, const patch *p, bool windowed, const double *x, double *field)
{
    const size_t rows = v->patch_grid.shape[0], columns = v->patch_grid.shape[1];

    for (size_t i = 0; i < rows; i++) {
        const size_t row = on_grid(v, p, 0, i);
        size_t column = on_grid(v, p, 1, 0);

        for (size_t j = 0; j < columns; j++, column = next(column, v->grid.shape[1])) {
            const bool own = i >= v->margin[0] && i - v->margin[0] < p->cells[0] &&
                             j >= v->margin[1] && j - v->margin[1] < p->cells[1];
            const double part = !windowed ? 1.0 : own ? p->part[0][row] * p->part[1][column] : 0.0;

            field[i * columns + j] = part * x[row * v->grid.shape[1] + column];
        }
    }
}

/* What the patch's own cells receive is added to the grid's, by their parts; or all that the patch
 * holds. What lies beyond the kernel's reach there is zero but for rounding. */
static void give(const varying *v, const patch *p, bool windowed, const double *field, double *y)
{
    const size_t rows = windowed ? p->cells[0] : v->patch_grid.shape[0];
    const size_t columns = windowed ? p->cells[1] : v->patch_grid.shape[1];
    const size_t top = windowed ? v->margin[0] : 0, left = windowed ? v->margin[1] : 0;

    for (size_t i = top; i < top + rows; i++) {
        const size_t row = on_grid(v, p, 0, i);
        size_t column = on_grid(v, p, 1, left);

        for (size_t j = left; j < left + columns; j++, column = next(column, v->grid.shape[1])) {
            const double part = windowed ? p->part[0][row] * p->part[1][column] : 1.0;

            y[row * v->grid.shape[1] + column] += part * field[i * v->patch_grid.shape[1] + j];
        }
    }
}

static sf_status filter(const varying *v, bool adjoint, const double *in, double *out)
{
    const size_t half = sf_grid_half_size(&v->patch_grid);
    sf_complex *spectrum = NULL;
    double *field = NULL;
    sf_status status;

    SF_GO(sf_allocate(&spectrum, half, sizeof *spectrum));
    SF_GO(sf_allocate(&field, sf_grid_size(&v->patch_grid), sizeof *field));
    for (size_t i = 0; i < sf_grid_size(&v->grid); i++) out[i] = 0.0;
    for (size_t i = 0; i < v->count; i++) {
        const patch *p = &v->patches[i];

        if (p->transfer == NULL) continue;
        take(v, p, !adjoint, in, field);
        SF_GO(sf_fft_forward(v->fft, field, spectrum));
        for (size_t k = 0; k < half; k++)
            spectrum[k] *= adjoint ? conj(p->transfer[k]) : p->transfer[k];
        SF_GO(sf_fft_inverse(v->fft, spectrum, field));
        give(v, p, adjoint, field, out);
    }
done:
    sf_free(spectrum);
    sf_free(field);
    return status;
}

static sf_status varying_apply(const void *self, const double *x, double *y)
{
    return filter(self, false, x, y);
}

static sf_status varying_adjoint(const void *self, const double *y, double *x)
{
    return filter(self, true, y, x);
}

static const sf_operator_methods varying_methods = {
    .name = "varying convolution",
    .apply = varying_apply,
    .adjoint = varying_adjoint,
    .destroy = varying_destroy,
};

static sf_status check(const sf_grid *grid, const sf_psf_field *field, double step)
{
    const sf_grid *box = sf_psf_field_grid(field);
    char own[64], psf[64];

    if (grid->axes != 2 || box->shape[0] > grid->shape[0] || box->shape[1] > grid->shape[1])
        return sf_fail(SF_ERR_SHAPE, "PSFs of %s on a grid of %s: give an image that they fit on",
                       sf_grid_text(box, psf, sizeof psf), sf_grid_text(grid, own, sizeof own));
    if (step > 0.0) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "cells %g apart in a field of PSFs: give a positive step",
                   step);
}

sf_status sf_operator_psf_field(const sf_grid *grid, const sf_psf_field *field,
                                const double first[2], double step, sf_operator **op)
{
    const sf_grid *box = sf_psf_field_grid(field);
    varying *v = NULL;
    sf_status status;

    *op = NULL;
    SF_TRY(check(grid, field, step));
    SF_TRY(sf_allocate(&v, 1, sizeof *v));
    v->grid = *grid;
    v->count = sf_psf_field_count(field);
    SF_GO(sf_allocate(&v->patches, v->count, sizeof *v->patches));
    for (size_t i = 0; i < v->count; i++)
        for (int a = 0; a < 2; a++)
            SF_GO(find_parts(v, field, i, a, first[a], step, &v->patches[i]));
    SF_GO(plan_patches(v, box));
    for (size_t i = 0; i < v->count; i++) {
        patch *p = &v->patches[i];

        if (p->cells[0] == 0 || p->cells[1] == 0) continue; /* no part of the grid is near it */
        SF_GO(sf_allocate(&p->transfer, sf_grid_half_size(&v->patch_grid), sizeof *p->transfer));
        SF_GO(
            sf_transfer_function(&v->patch_grid, box, sf_psf_field_pixels(field, i), p->transfer));
    }
    return sf_operator_create(&varying_methods, v, grid, grid, op);
done:
    varying_destroy(v);
    return status;
}
