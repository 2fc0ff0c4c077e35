/* fft_columns.c - transforms along the first axis of grids that are cut into slabs.
 *
 * The values of such a column lie a slab apart, each on a page and often in a cache set of its own,
 * and every pass of a transform would fetch them anew. So blocks of neighbouring columns are copied
 * into a second-level cache, transformed there, and copied back: 51 ms for the 33024 columns of
 * 256^3 cells, and 102 ms where they lie (FFTW 3.3.10, one thread of an Intel Xeon). */
#include <complex.h>

#include "grid/fft.h"

#include <omp.h>
#include <string.h>

enum {
    BLOCK_VALUES = 32768, /* of a block: half a megabyte; but at least */
    FEWEST_COLUMNS = 16,  /* whole cache lines, even those of a page, and at most */
    MOST_COLUMNS = 64,
    PADDING = 64 /* bytes between the rows of a block, against strides of a power of two */
};

/* How many columns share a block. */
static size_t block_width(size_t slabs)
{
    const size_t fit = BLOCK_VALUES / slabs / FEWEST_COLUMNS * FEWEST_COLUMNS;

    if (fit < FEWEST_COLUMNS) return FEWEST_COLUMNS;
    return fit < MOST_COLUMNS ? fit : MOST_COLUMNS;
}

static size_t pitch_of(size_t width, const sf_fft_precision *p)
{
    return width * 2 * p->bytes + PADDING;
}

sf_status sf_fft_plan_columns(sf_fft *fft, void *spectrum)
{
    fft->width = block_width(fft->slabs);
    for (int i = 0; i < 2; i++) {
        const sf_fft_precision *p = sf_fft_precisions[i];
        const ptrdiff_t stride = (ptrdiff_t)(pitch_of(fft->width, p) / (2 * p->bytes));
        const fftw_iodim64 along = {(ptrdiff_t)fft->slabs, stride, stride};
        const fftw_iodim64 across = {(ptrdiff_t)fft->width, 1, 1};
        sf_fft_plans *plans = &fft->columns[i];

        plans->forward = p->plan_columns(&along, &across, FFTW_FORWARD, spectrum);
        plans->inverse = p->plan_columns(&along, &across, FFTW_BACKWARD, spectrum);
        if (plans->forward == NULL || plans->inverse == NULL)
            return sf_fail(SF_ERR_LIBRARY, "FFTW has no plan for columns of %zu values",
                           fft->slabs);
    }
    return SF_OK;
}

/* Rows of `bytes` bytes from one array into another. */
static void copy_rows(const unsigned char *from, size_t from_pitch, unsigned char *to,
                      size_t to_pitch, size_t rows, size_t bytes)
{
    for (size_t row = 0; row < rows; row++)
        memcpy(to + row * to_pitch, from + row * from_pitch, bytes);
}

sf_status sf_fft_columns(const sf_fft *fft, bool single, bool inverse, void *spectrum)
{
    const sf_fft_precision *p = sf_fft_precisions[single ? 1 : 0];
    const sf_fft_plans *plans = &fft->columns[single ? 1 : 0];
    void *plan = inverse ? plans->inverse : plans->forward;
    const size_t value = 2 * p->bytes, pitch = pitch_of(fft->width, p);
    const int threads = omp_in_parallel() ? 1 : sf_thread_count();
    unsigned char *blocks;

    if (fft->slabs == 1) return SF_OK;
    SF_TRY(sf_allocate(&blocks, (size_t)threads, fft->slabs * pitch));
#pragma omp parallel for schedule(static) num_threads(threads)
    for (size_t first = 0; first < fft->slab_half; first += fft->width) {
        const size_t left = fft->slab_half - first;
        const size_t bytes = (left < fft->width ? left : fft->width) * value;
        unsigned char *block = blocks + (size_t)omp_get_thread_num() * fft->slabs * pitch;
        unsigned char *columns = (unsigned char *)spectrum + first * value;

        copy_rows(columns, fft->slab_half * value, block, pitch, fft->slabs, bytes);
        p->columns(plan, block); /* what an incomplete block holds beside is of no matter */
        copy_rows(block, pitch, columns, fft->slab_half * value, fft->slabs, bytes);
    }
    sf_free(blocks);
    return SF_OK;
}
