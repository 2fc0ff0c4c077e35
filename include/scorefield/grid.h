/* scorefield/grid.h - the geometry of a regular grid, its Fourier modes, and transforms.
 *
 * Conventions: C order, last axis fastest (FITS NAXIS1). Forward transform unnormalised,
 * X_k = sum_n x_n exp(-2 pi i k.n/N); the inverse carries 1/N. A real field's spectrum is
 * held as the half spectrum: last axis 0 .. n/2. Wavenumber k_i = 2 pi m_i / L_i with
 * m_i in (-n_i/2, n_i/2]. */
#ifndef SCOREFIELD_GRID_H
#define SCOREFIELD_GRID_H

#include <scorefield/base.h>

#ifdef __cplusplus
extern "C" {
typedef struct sf_complex {
    double re, im;
} sf_complex;
#else
typedef double _Complex sf_complex;
#endif

#define SF_GRID_MAX_AXES 4

/* A small value type; make it with sf_grid_make so that it has been checked. */
typedef struct sf_grid {
    int axes;                         /* 1 .. SF_GRID_MAX_AXES */
    size_t shape[SF_GRID_MAX_AXES];   /* cells along each axis, slowest first */
    double spacing[SF_GRID_MAX_AXES]; /* cell size d_i, in the user's unit of length */
} sf_grid;

/* spacing NULL means 1 along every axis. SF_ERR_ARGUMENT for no or too many axes, an empty
 * axis, a product that overflows, a spacing that is not positive and finite. */
SF_API sf_status sf_grid_make(int axes, const size_t *shape, const double *spacing, sf_grid *grid);
/* rows x columns with unit spacing: an image (NAXIS2 x NAXIS1). */
SF_API sf_status sf_grid_image(size_t rows, size_t columns, sf_grid *grid);

SF_API size_t sf_grid_size(const sf_grid *grid);        /* N, number of cells */
SF_API size_t sf_grid_half_size(const sf_grid *grid);   /* values in the half spectrum */
SF_API double sf_grid_cell_volume(const sf_grid *grid); /* v */
SF_API double sf_grid_volume(const sf_grid *grid);      /* V = N v */
SF_API bool sf_grid_same_shape(const sf_grid *a, const sf_grid *b);
/* "200x300" into `text`, which is returned. */
SF_API const char *sf_grid_text(const sf_grid *grid, char *text, size_t size);

/* Smallest n' >= n whose prime factors are 2, 3, 5, 7: a length FFTs like. */
SF_API size_t sf_grid_good_length(size_t n);

/* The integer wavevector of the half spectrum's entry `index`. */
SF_API void sf_grid_mode(const sf_grid *grid, size_t index, long m[SF_GRID_MAX_AXES]);
/* |k| of that entry. */
SF_API double sf_grid_wavenumber(const sf_grid *grid, size_t index);
/* How many modes of the full spectrum the entry stands for: 2 inside, 1 on the planes
 * m_last = 0 and (even n) m_last = n_last/2. The weights sum to N exactly. */
SF_API int sf_grid_mode_weight(const sf_grid *grid, size_t index);
/* Whether the entry is its own conjugate partner (every m_i is 0 or n_i/2): real. */
SF_API bool sf_grid_mode_is_real(const sf_grid *grid, size_t index);

/* ---- transforms ---------------------------------------------------------------------- */

/* Real transforms of one shape. Plans are cached by shape and shared; creating is guarded by
 * a lock, executing is safe from many threads on different arrays. The same bits on any
 * number of threads. Arrays: size N real, half_size complex; any alignment (what is not
 * aligned to 16 bytes is copied first). Grids of two and more axes use sf_thread_count()
 * threads from a million cells on, if an index of the first axis has 256 modes or more; each thread
 * takes half a megabyte beside the arrays, or 16 columns along the first axis. A program that plans
 * with FFTW itself, in another thread at the same time, must guard its planner and sf_fft_create by
 * one lock of its own; and one that has called fftw_plan_with_nthreads sets that back to 1 before,
 * or these plans start threads, too. */
typedef struct sf_fft sf_fft;

SF_API sf_status sf_fft_create(const sf_grid *grid, sf_fft **fft);
SF_API sf_fft *sf_fft_retain(sf_fft *fft);
SF_API void sf_fft_release(sf_fft **fft); /* NULL and *fft == NULL are fine */
/* spectrum = F field; the field is kept. */
SF_API sf_status sf_fft_forward(const sf_fft *fft, const double *field, sf_complex *spectrum);
/* field = F^-1 spectrum (with 1/N); the spectrum is DESTROYED. */
SF_API sf_status sf_fft_inverse(const sf_fft *fft, sf_complex *spectrum, double *field);
/* In place, for grids that fill the memory: the buffer has room for rows of the last axis padded to
 * 2 (n/2 + 1) values (sf_fft_buffer_size). A field lies in its first N values, without padding; its
 * half spectrum fills it; what the padding holds is of no matter. The buffer is aligned to 16 bytes
 * (SF_ERR_ARGUMENT). Plans are made on first use. */
SF_API size_t sf_fft_buffer_size(const sf_grid *grid);
SF_API sf_status sf_fft_forward_in_place(const sf_fft *fft, double *buffer);
SF_API sf_status sf_fft_inverse_in_place(const sf_fft *fft, double *buffer);
SF_API sf_status sf_fft_forward_in_place_single(const sf_fft *fft, float *buffer);
SF_API sf_status sf_fft_inverse_in_place_single(const sf_fft *fft, float *buffer);
/* field <- F^-1 [filter .* F field] for a real filter on the half spectrum; work: half_size
 * complex values. The usual step of Wiener filters and proximal steps. */
SF_API sf_status sf_fft_filter(const sf_fft *fft, const double *filter, sf_complex *work,
                               double *field);

#ifdef __cplusplus
}
#endif
#endif
