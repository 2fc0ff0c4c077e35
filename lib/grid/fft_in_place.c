/* fft_in_place.c - transforms of grids that fill the memory: rows of the last axis are padded to
 * 2 (n/2 + 1) values, transformed where they lie, and packed again. Grids are cut into slabs and
 * columns as in fft.c, for the same bits on any number of threads. */
#include <complex.h>

#include "grid/fft.h"
#include "grid/in_place.h"

#include <string.h>

/* ---- plans ----------------------------------------------------------------------------- */

/* Both directions of one slab: strides of its axes in real and in complex values. */
static bool plan_slab(const sf_fft *fft, const sf_fft_precision *p, void *buffer,
                      sf_fft_plans *plans)
{
    const int last = fft->grid.axes - 1;
    fftw_iodim64 real[SF_GRID_MAX_AXES], half[SF_GRID_MAX_AXES];
    ptrdiff_t stride = (ptrdiff_t)(fft->grid.shape[last] / 2 + 1);
    /* The slabs of an odd number of single-precision modes start at any multiple of 8 bytes. */
    const bool unaligned = fft->slabs > 1 && fft->slab_half * 2 * p->bytes % 16 != 0;
    const unsigned flags = FFTW_ESTIMATE | (unaligned ? FFTW_UNALIGNED : 0);
    int first = 0;

    if (fft->slabs > 1) /* the slabs are the first axis of several cells */
        while (fft->grid.shape[first++] == 1) continue;
    real[last] = half[last] = (fftw_iodim64){(ptrdiff_t)fft->grid.shape[last], 1, 1};
    for (int a = last - 1; a >= first; a--) {
        real[a] = (fftw_iodim64){(ptrdiff_t)fft->grid.shape[a], 2 * stride, stride};
        half[a] = (fftw_iodim64){(ptrdiff_t)fft->grid.shape[a], stride, 2 * stride};
        stride *= (ptrdiff_t)fft->grid.shape[a];
    }
    plans->forward = p->plan_slab(last - first + 1, real + first, FFTW_FORWARD, buffer, flags);
    plans->inverse = p->plan_slab(last - first + 1, half + first, FFTW_BACKWARD, buffer, flags);
    return plans->forward != NULL && plans->inverse != NULL;
}

/* The plans of one precision, made on first use: FFTW_ESTIMATE does not touch the buffer. */
static sf_status get_plans(const sf_fft *fft, bool single, void *buffer, sf_fft_plans *plans)
{
    sf_fft_plans *own = &((sf_fft *)(uintptr_t)fft)->in_place[single ? 1 : 0];
    const sf_fft_precision *p = sf_fft_precisions[single ? 1 : 0];
    char text[64];
    sf_status status = SF_OK;

    if ((uintptr_t)buffer % 16 != 0)
        return sf_fail(SF_ERR_ARGUMENT, "transforms in place want a buffer aligned to 16 bytes, as "
                                        "sf_allocate gives it");
    pthread_mutex_lock(&sf_fft_lock);
    if (own->forward == NULL && !plan_slab(fft, p, buffer, own)) {
        sf_fft_plans_destroy(p, own);
        status = sf_fail(SF_ERR_LIBRARY, "FFTW has no plan in place for a grid of %s cells",
                         sf_grid_text(&fft->grid, text, sizeof text));
    }
    *plans = *own;
    pthread_mutex_unlock(&sf_fft_lock);
    return status;
}

/* ---- rows -------------------------------------------------------------------------------- */

size_t sf_fft_buffer_size(const sf_grid *grid) { return 2 * sf_grid_half_size(grid); }

/* Slabs in one range for each thread, which transforms them and moves their rows apart or together
 * while they are in its cache, as if the range began the buffer. */
typedef struct ranges {
    size_t count, slabs, rows; /* ranges, slabs of all, rows of a slab */
    size_t packed, padded;     /* bytes of a row */
} ranges;

static ranges ranges_of(const sf_fft *fft, size_t bytes)
{
    const size_t n = fft->grid.shape[fft->grid.axes - 1], threads = (size_t)sf_thread_count();

    return (ranges){threads < fft->slabs ? threads : fft->slabs, fft->slabs, fft->slab_size / n,
                    n * bytes, 2 * (n / 2 + 1) * bytes};
}

static size_t range_begin(const ranges *r, size_t range) { return r->slabs * range / r->count; }

/* Moves the rows of a slab of the range that begins with slab `begin`. */
static void move_slab(const ranges *r, size_t begin, size_t slab, bool apart, unsigned char *buffer)
{
    unsigned char *start = buffer + begin * r->rows * r->padded;
    const size_t first = (slab - begin) * r->rows;

    for (size_t i = 0; i < r->rows; i++) {
        const size_t row = first + (apart ? r->rows - 1 - i : i);

        memmove(start + row * (apart ? r->padded : r->packed),
                start + row * (apart ? r->packed : r->padded), r->packed);
    }
}

/* Moves whole packed ranges to where their padded rows begin, the last ones first, or back. */
static void move_ranges(const ranges *r, bool apart, unsigned char *buffer)
{
    for (size_t i = 1; i < r->count; i++) {
        const size_t range = apart ? r->count - i : i;
        const size_t first = range_begin(r, range) * r->rows;
        const size_t rows = range_begin(r, range + 1) * r->rows - first;

        memmove(buffer + first * (apart ? r->padded : r->packed),
                buffer + first * (apart ? r->packed : r->padded), rows * r->packed);
    }
}

/* ---- transforms ---------------------------------------------------------------------- */

static sf_status forward(const sf_fft *fft, bool single, unsigned char *buffer)
{
    const sf_fft_precision *p = sf_fft_precisions[single ? 1 : 0];
    const ranges r = ranges_of(fft, p->bytes);
    const size_t slab = fft->slab_half * 2 * p->bytes;
    sf_fft_plans plans;

    SF_TRY(get_plans(fft, single, buffer, &plans));
    move_ranges(&r, true, buffer);
#pragma omp parallel for schedule(static, 1) num_threads(sf_thread_count()) if (r.count > 1)
    for (size_t range = 0; range < r.count; range++) {
        const size_t begin = range_begin(&r, range);

        for (size_t s = range_begin(&r, range + 1); s-- > begin;) {
            move_slab(&r, begin, s, true, buffer);
            p->forward(plans.forward, buffer + s * slab);
        }
    }
    return sf_fft_columns(fft, single, false, buffer);
}

/* field = factor N F^-1 spectrum */
static sf_status inverse(const sf_fft *fft, bool single, double factor, unsigned char *buffer)
{
    const sf_fft_precision *p = sf_fft_precisions[single ? 1 : 0];
    const ranges r = ranges_of(fft, p->bytes);
    const size_t slab = fft->slab_half * 2 * p->bytes;
    sf_fft_plans plans;

    SF_TRY(get_plans(fft, single, buffer, &plans));
    SF_TRY(sf_fft_columns(fft, single, true, buffer));
#pragma omp parallel for schedule(static, 1) num_threads(sf_thread_count()) if (r.count > 1)
    for (size_t range = 0; range < r.count; range++) {
        const size_t begin = range_begin(&r, range);

        for (size_t s = begin; s < range_begin(&r, range + 1); s++) {
            p->inverse(plans.inverse, buffer + s * slab);
            if (factor != 1.0) p->scale(buffer + s * slab, 2 * fft->slab_half, factor);
            move_slab(&r, begin, s, false, buffer);
        }
    }
    move_ranges(&r, false, buffer);
    return SF_OK;
}

sf_status sf_fft_forward_in_place(const sf_fft *fft, double *buffer)
{
    return forward(fft, false, (unsigned char *)buffer);
}

sf_status sf_fft_forward_in_place_single(const sf_fft *fft, float *buffer)
{
    return forward(fft, true, (unsigned char *)buffer);
}

sf_status sf_fft_inverse_in_place(const sf_fft *fft, double *buffer)
{
    return inverse(fft, false, 1.0 / (double)sf_grid_size(&fft->grid), (unsigned char *)buffer);
}

sf_status sf_fft_inverse_in_place_single(const sf_fft *fft, float *buffer)
{
    return inverse(fft, true, 1.0 / (double)sf_grid_size(&fft->grid), (unsigned char *)buffer);
}

sf_status sf_fft_inverse_in_place_unscaled(const sf_fft *fft, double *buffer)
{
    return inverse(fft, false, 1.0, (unsigned char *)buffer);
}

sf_status sf_fft_inverse_in_place_unscaled_single(const sf_fft *fft, float *buffer)
{
    return inverse(fft, true, 1.0, (unsigned char *)buffer);
}
