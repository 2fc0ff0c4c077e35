/* fft.c - real transforms by FFTW3, with plans that are cached by shape and shared.
 *
 * M. Frigo & S. G. Johnson 2005, "The design and implementation of FFTW3",
 * doi:10.1109/JPROC.2004.840301. FFTW's own threads choose another algorithm, hence other
 * bits, for each number of threads. So a large grid is cut here, in a way that depends on its
 * shape alone: every slab (one index of the first axis) is transformed by itself, then the
 * columns along the first axis (fft_columns.c). Small grids, one-dimensional ones and those of few
 * columns are a single slab.
 *
 * FFTW_ESTIMATE, because measured plans may differ from run to run. Plans want arrays aligned
 * to 16 bytes (up to 30 % faster than plans for any alignment); others go through a copy. */
#include <scorefield/grid.h>

#include <complex.h>

#include "grid/fft.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

pthread_mutex_t sf_fft_lock = PTHREAD_MUTEX_INITIALIZER;
static sf_fft *cache;

/* ---- plans ----------------------------------------------------------------------------- */

static void destroy(sf_fft *fft)
{
    if (fft->forward != NULL) fftw_destroy_plan(fft->forward);
    if (fft->inverse != NULL) fftw_destroy_plan(fft->inverse);
    for (int i = 0; i < 2; i++) {
        sf_fft_plans_destroy(sf_fft_precisions[i], &fft->columns[i]);
        sf_fft_plans_destroy(sf_fft_precisions[i], &fft->in_place[i]);
    }
    sf_free(fft);
}

/* Both directions of one slab. */
static bool plan_slab(sf_fft *fft, int rank, const int *lengths, double *field,
                      sf_complex *spectrum)
{
    /* The rows of odd slabs start at any multiple of 8 bytes. */
    const unsigned flags =
        FFTW_ESTIMATE | (fft->slabs > 1 && fft->slab_size % 2 != 0 ? FFTW_UNALIGNED : 0);

    fft->forward = fftw_plan_dft_r2c(rank, lengths, field, spectrum, flags);
    fft->inverse = fftw_plan_dft_c2r(rank, lengths, spectrum, field, flags);
    return fft->forward != NULL && fft->inverse != NULL;
}

/* Cuts the grid and makes its plans. FFTW_ESTIMATE looks at the arrays' alignment only, so
 * they are reserved but never touched. */
static sf_status make_plans(sf_fft *fft)
{
    const sf_grid *grid = &fft->grid;
    const size_t size = sf_grid_size(grid), half = sf_grid_half_size(grid);
    int lengths[SF_GRID_MAX_AXES], rank = 0;
    double *field = fftw_alloc_real(size);
    sf_complex *spectrum = fftw_alloc_complex(half);
    sf_status status = SF_OK;

    for (int a = 0; a < grid->axes; a++) /* leading axes of one cell change nothing */
        if (grid->shape[a] > 1 || rank > 0 || a == grid->axes - 1)
            lengths[rank++] = (int)grid->shape[a];
    fft->slabs = rank > 1 && size >= SF_FFT_SLAB_THRESHOLD ? (size_t)lengths[0] : 1;
    if (half / fft->slabs < SF_FFT_FEWEST_COLUMNS) fft->slabs = 1;
    fft->slab_size = size / fft->slabs;
    fft->slab_half = half / fft->slabs;
    if (field == NULL || spectrum == NULL)
        status = sf_fail(SF_ERR_MEMORY, "no memory to plan transforms of %zu cells", size);
    else if (!plan_slab(fft, fft->slabs > 1 ? rank - 1 : rank, lengths + (fft->slabs > 1 ? 1 : 0),
                        field, spectrum))
        status = sf_fail(SF_ERR_LIBRARY, "FFTW has no plan for a grid of %zu cells", size);
    else if (fft->slabs > 1)
        status = sf_fft_plan_columns(fft, spectrum);
    fftw_free(field);
    fftw_free(spectrum);
    return status;
}

static sf_status create_locked(const sf_grid *grid, sf_fft **result)
{
    sf_fft *fft;
    sf_status status;

    for (fft = cache; fft != NULL; fft = fft->next)
        if (sf_grid_same_shape(&fft->grid, grid)) {
            fft->references++;
            *result = fft;
            return SF_OK;
        }
    SF_TRY(sf_allocate(&fft, 1, sizeof *fft));
    fft->grid = *grid;
    fft->references = 1;
    SF_GO(make_plans(fft));
    fft->next = cache;
    cache = fft;
    *result = fft;
done:
    if (status != SF_OK) destroy(fft);
    return status;
}

sf_status sf_fft_create(const sf_grid *grid, sf_fft **fft)
{
    sf_status status;

    *fft = NULL;
    for (int a = 0; a < grid->axes; a++)
        if (grid->shape[a] > INT_MAX)
            return sf_fail(SF_ERR_ARGUMENT, "an axis of %zu cells; transforms go up to %d",
                           grid->shape[a], INT_MAX);
    pthread_mutex_lock(&sf_fft_lock);
    status = create_locked(grid, fft);
    pthread_mutex_unlock(&sf_fft_lock);
    return status;
}

sf_fft *sf_fft_retain(sf_fft *fft)
{
    pthread_mutex_lock(&sf_fft_lock);
    if (fft != NULL) fft->references++;
    pthread_mutex_unlock(&sf_fft_lock);
    return fft;
}

void sf_fft_release(sf_fft **fft)
{
    if (fft == NULL || *fft == NULL) return;
    pthread_mutex_lock(&sf_fft_lock);
    if (--(*fft)->references == 0) {
        sf_fft **link = &cache;

        while (*link != *fft) link = &(*link)->next;
        *link = (*fft)->next;
        destroy(*fft);
    }
    pthread_mutex_unlock(&sf_fft_lock);
    *fft = NULL;
}

/* ---- transforms of aligned arrays ------------------------------------------------------ */

static sf_status forward(const sf_fft *fft, double *field, sf_complex *spectrum)
{
#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) if (fft->slabs > 1)
    for (size_t s = 0; s < fft->slabs; s++)
        fftw_execute_dft_r2c(fft->forward, field + s * fft->slab_size,
                             spectrum + s * fft->slab_half);
    return sf_fft_columns(fft, false, false, spectrum);
}

static sf_status inverse(const sf_fft *fft, sf_complex *spectrum, double *field)
{
    SF_TRY(sf_fft_columns(fft, false, true, spectrum));
#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) if (fft->slabs > 1)
    for (size_t s = 0; s < fft->slabs; s++)
        fftw_execute_dft_c2r(fft->inverse, spectrum + s * fft->slab_half,
                             field + s * fft->slab_size);
    return SF_OK;
}

/* spectrum <- factor (filter .* spectrum), with filter NULL for 1. */
static void scale(const sf_fft *fft, const double *filter, double factor, sf_complex *spectrum)
{
    const size_t count = fft->slabs * fft->slab_half;

#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) if (fft->slabs > 1)
    for (size_t k = 0; k < count; k++) spectrum[k] *= filter != NULL ? factor * filter[k] : factor;
}

/* ---- transforms of any arrays ---------------------------------------------------------- */

static bool is_aligned(const void *array) { return (uintptr_t)array % 16 == 0; }

sf_status sf_fft_forward(const sf_fft *fft, const double *field, sf_complex *spectrum)
{
    const size_t size = fft->slabs * fft->slab_size, half = fft->slabs * fft->slab_half;
    double *field_copy = NULL;
    sf_complex *spectrum_copy = NULL;
    sf_status status = SF_OK;

    if (!is_aligned(field)) SF_GO(sf_copy_memory(field, size, sizeof *field, &field_copy));
    if (!is_aligned(spectrum)) SF_GO(sf_allocate(&spectrum_copy, half, sizeof *spectrum));
    /* FFTW's type has no const; an out-of-place forward plan keeps its input. */
    SF_GO(forward(fft, field_copy != NULL ? field_copy : (double *)(uintptr_t)field,
                  spectrum_copy != NULL ? spectrum_copy : spectrum));
    if (spectrum_copy != NULL) memcpy(spectrum, spectrum_copy, half * sizeof *spectrum);
done:
    sf_free(field_copy);
    sf_free(spectrum_copy);
    return status;
}

/* field = N F^-1 spectrum */
static sf_status inverse_unscaled(const sf_fft *fft, sf_complex *spectrum, double *field)
{
    const size_t size = fft->slabs * fft->slab_size, half = fft->slabs * fft->slab_half;
    double *field_copy = NULL;
    sf_complex *spectrum_copy = NULL;
    sf_status status = SF_OK;

    if (!is_aligned(field)) SF_GO(sf_allocate(&field_copy, size, sizeof *field));
    if (!is_aligned(spectrum))
        SF_GO(sf_copy_memory(spectrum, half, sizeof *spectrum, &spectrum_copy));
    SF_GO(inverse(fft, spectrum_copy != NULL ? spectrum_copy : spectrum,
                  field_copy != NULL ? field_copy : field));
    if (field_copy != NULL) memcpy(field, field_copy, size * sizeof *field);
done:
    sf_free(field_copy);
    sf_free(spectrum_copy);
    return status;
}

sf_status sf_fft_inverse(const sf_fft *fft, sf_complex *spectrum, double *field)
{
    scale(fft, NULL, 1.0 / (double)sf_grid_size(&fft->grid), spectrum);
    return inverse_unscaled(fft, spectrum, field);
}

sf_status sf_fft_filter(const sf_fft *fft, const double *filter, sf_complex *work, double *field)
{
    SF_TRY(sf_fft_forward(fft, field, work));
    scale(fft, filter, 1.0 / (double)sf_grid_size(&fft->grid), work);
    return inverse_unscaled(fft, work, field);
}
