/* scorefield/operator.h - linear operators A and point spread functions. */
#ifndef SCOREFIELD_OPERATOR_H
#define SCOREFIELD_OPERATOR_H

#include <scorefield/grid.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An immutable linear map from fields on the grid `domain` to fields on the grid `range`,
 * shared by reference count; a composite retains its parts. Two threads may use one. What an
 * operator is made of is checked to be finite; the fields that pass through are not (a NaN comes
 * out as NaN), since the check would cost as much as the pointwise operators do. */
typedef struct sf_operator sf_operator;

/* The interface, for the library's own operators and users' alike. `self` is what
 * sf_operator_create was given. NULL slots: normal falls back to adjoint(apply(x)) with
 * temporary memory; destroy to nothing; apply and adjoint are required. Input and output never
 * alias. */
typedef struct sf_operator_methods {
    const char *name;
    sf_status (*apply)(const void *self, const double *x, double *y);   /* y = A x */
    sf_status (*adjoint)(const void *self, const double *y, double *x); /* x = A^T y */
    sf_status (*normal)(const void *self, const double *x, double *z);  /* z = A^T A x */
    void (*destroy)(void *self);
} sf_operator_methods;

/* Takes ownership of self, also on failure (destroy is called then). `methods` must outlive
 * the operator. */
SF_API sf_status sf_operator_create(const sf_operator_methods *methods, void *self,
                                    const sf_grid *domain, const sf_grid *range, sf_operator **op);
SF_API sf_operator *sf_operator_retain(sf_operator *op);
SF_API void sf_operator_release(sf_operator **op);

SF_API const char *sf_operator_name(const sf_operator *op);
SF_API const sf_grid *sf_operator_domain(const sf_operator *op);
SF_API const sf_grid *sf_operator_range(const sf_operator *op);
SF_API sf_status sf_operator_apply(const sf_operator *op, const double *x, double *y);
SF_API sf_status sf_operator_adjoint(const sf_operator *op, const double *y, double *x);
SF_API sf_status sf_operator_normal(const sf_operator *op, const double *x, double *z);
/* |A|_2, by power iteration on A^T A from a fixed random start until the relative change of an
 * iteration is at most `tolerance` in (0, 1), or 1000 iterations: from below, cost one normal
 * each. */
SF_API sf_status sf_operator_norm(const sf_operator *op, double tolerance, double *norm);

/* ---- the operators ------------------------------------------------------------------- */

SF_API sf_status sf_operator_identity(const sf_grid *grid, sf_operator **op);
/* y = factor x, factor finite. */
SF_API sf_status sf_operator_scaling(const sf_grid *grid, double factor, sf_operator **op);
/* y = d .* x for any finite d (N values, copied): masks (0 and 1) and weights. */
SF_API sf_status sf_operator_mask(const sf_grid *grid, const double *d, sf_operator **op);
/* y = the box of shape `range` whose first cell is domain cell `origin`. */
SF_API sf_status sf_operator_crop(const sf_grid *domain, const size_t *origin, const sf_grid *range,
                                  sf_operator **op);
/* Periodic convolution with a kernel of any shape up to the grid's, whose centre is cell
 * shape/2 (integer division) along each axis. Two transforms and a half spectrum of memory an
 * application. SF_ERR_SHAPE for a kernel larger than the grid. */
SF_API sf_status sf_operator_convolution(const sf_grid *grid, const sf_grid *kernel_grid,
                                         const double *kernel, sf_operator **op);
/* y = M x, M (range size x domain size, row-major) copied; CBLAS (whose last bits may depend on
 * the number of threads that OpenBLAS itself was given). */
SF_API sf_status sf_operator_dense(const sf_grid *domain, const sf_grid *range,
                                   const double *matrix, sf_operator **op);
/* y = outer(inner(x)). */
SF_API sf_status sf_operator_chain(sf_operator *outer, sf_operator *inner, sf_operator **op);
/* y = sum_i A_i x; all of the same domain and range. */
SF_API sf_status sf_operator_sum(sf_operator *const *parts, size_t count, sf_operator **op);
/* y = (A_1 x, A_2 x, ...), one after the other in a one-axis range. */
SF_API sf_status sf_operator_stack(sf_operator *const *parts, size_t count, sf_operator **op);

/* The half-spectrum transfer function H of a kernel centred at shape/2, on `grid` (half_size
 * values): F of the kernel moved to the origin with wrap-around. */
SF_API sf_status sf_transfer_function(const sf_grid *grid, const sf_grid *kernel_grid,
                                      const double *kernel, sf_complex *transfer);

/* ---- point spread functions ----------------------------------------------------------- */

/* A kernel image, odd along both axes, centred at shape/2, sum 1; immutable, shared by reference
 * count. */
typedef struct sf_psf sf_psf;

typedef enum sf_psf_centre {
    SF_PSF_CENTROID, /* the pixel nearest to the centre of light is the centre (see below) */
    SF_PSF_PEAK,     /* the brightest pixel is the centre */
    SF_PSF_DECLARED  /* the array's cell shape/2 is the centre already */
} sf_psf_centre;

typedef struct sf_psf_options {
    sf_psf_centre centre; /* SF_PSF_CENTROID */
    double pedestal;      /* subtracted from every pixel first; NaN (the default) = found by the
                             rule below, 0 = none */
} sf_psf_options;

SF_API sf_psf_options sf_psf_options_default(void);
/* From pixels of any size, odd or even (options NULL: the defaults). Steps:
 *  1. Pedestal (files of stars and PSFs may carry a soft bias, SDSS has 1000): the median of the
 *     outermost ring of pixels, where the ring is flat (10 % to 90 % quantiles within a tenth of
 *     the median) and the peak stands more than ten times that range above it; else nothing.
 *     Wings fall by more than that between a side and a corner, so truncated wings are no
 *     pedestal. Only for arrays of 9 x 9 and more.
 *  2. Centre. Centroid: of what exceeds a tenth of the peak, within three times its own rms
 *     radius, iterated, so that neither noise nor wings nor a neighbour's wing pulls it; moved by
 *     whole pixels. sf_psf_offset says what is left.
 *  3. The smallest box with the centre in its middle that holds every non-zero pixel; sum 1.
 * Slightly negative pixels (of measured PSFs) are kept. Errors: SF_ERR_SHAPE for anything but two
 * axes; SF_ERR_NUMERIC for a non-finite pixel; SF_ERR_ARGUMENT for pixels all zero, or with a sum
 * that is not positive. */
SF_API sf_status sf_psf_from_pixels(const sf_grid *grid, const double *pixels,
                                    const sf_psf_options *options, sf_psf **psf);
/* Analytic profiles, fwhm in pixels (0.25 .. 1000), averaged over each pixel: the Gaussian
 * exactly (error functions), the others to 1e-10 of the central pixel (Gauss-Legendre). fwhm is
 * that of the profile itself; sf_psf_fwhm sees it a little broadened by the pixels. The box holds
 * the circle of all but 1e-4 of the flux, but is at most max(129, 4 fwhm) pixels across: wide
 * wings (Moffat with a small beta, every Airy pattern) are cut there, and the sum is 1 again.
 *   gaussian  exp(-r^2 / 2 s^2),  s = fwhm / (2 sqrt(2 log 2))
 *   moffat    (1 + r^2/a^2)^-beta,  a = fwhm / (2 sqrt(2^(1/beta) - 1)), beta > 1 (Moffat 1969,
 *             1969A&A.....3..455M)
 *   airy      (J(v) - e^2 J(e v))^2, J(v) = 2 J_1(v)/v, v proportional to r; e = obscuration =
 *             diameter ratio of a central obstruction, 0 <= e < 1 */
SF_API sf_status sf_psf_gaussian(double fwhm, sf_psf **psf);
SF_API sf_status sf_psf_moffat(double fwhm, double beta, sf_psf **psf);
SF_API sf_status sf_psf_airy(double fwhm, double obscuration, sf_psf **psf);
/* "gaussian:2.5", "moffat:3.1,2.8", "airy:2.2" or "airy:2.2,0.33". For files see io. */
SF_API sf_status sf_psf_parse(const char *text, sf_psf **psf);
/* The central part that fits on a frame, the sum 1 again: for wide profiles on small frames. The
 * PSF itself, retained, where it fits. SF_ERR_SHAPE for frames that do not have two axes. */
SF_API sf_status sf_psf_cut(sf_psf *psf, const sf_grid *frame, sf_psf **cut);
SF_API sf_psf *sf_psf_retain(sf_psf *psf);
SF_API void sf_psf_release(sf_psf **psf);
SF_API const sf_grid *sf_psf_grid(const sf_psf *psf);
SF_API const double *sf_psf_pixels(const sf_psf *psf);
/* Full width at half maximum of the circularised profile, in pixels, the pixels' own width
 * included: from the rings of pixels on both sides of half the maximum, log I linear in r^2
 * (exact for a Gaussian). */
SF_API double sf_psf_fwhm(const sf_psf *psf);
/* What was subtracted from the pixels before anything else (in their unit). */
SF_API double sf_psf_pedestal(const sf_psf *psf);
/* Where the centre of light lies from the central pixel (row, column; after whole pixels have
 * been moved, so within half a pixel unless the centre was declared or the peak): a reconstruction
 * with this PSF is displaced by minus this much. */
SF_API void sf_psf_offset(const sf_psf *psf, double offset[2]);

/* A PSF that varies over a frame: `count` of them at positions (row[i], column[i]), in any order
 * and unit, that fill a rectangular grid, whose lines may be unevenly spaced. */
typedef struct sf_psf_field sf_psf_field;
/* The PSFs are not needed afterwards. SF_ERR_ARGUMENT for positions that do not fill a grid, each
 * of its places once; SF_ERR_NUMERIC for one that is not finite. */
SF_API sf_status sf_psf_field_create(size_t count, sf_psf *const *psf, const double *row,
                                     const double *column, sf_psf_field **field);
SF_API sf_psf_field *sf_psf_field_retain(sf_psf_field *field);
SF_API void sf_psf_field_release(sf_psf_field **field);
SF_API size_t sf_psf_field_count(const sf_psf_field *field);
/* The box that holds every one of them, their centres in its middle. */
SF_API const sf_grid *sf_psf_field_grid(const sf_psf_field *field);
/* PSF `index` < count, by rows of positions, and its place (row and column may be NULL). */
SF_API sf_status sf_psf_field_member(const sf_psf_field *field, size_t index, double *row,
                                     double *column, sf_psf **psf);
/* The PSF at a place: bilinear between the four around it, centre on centre, and the nearest ones
 * beyond the grid. Where PSFs vary smoothly its error is at most an eighth of the sum of the
 * squared spacings times their second derivatives. */
SF_API sf_status sf_psf_field_at(const sf_psf_field *field, double row, double column,
                                 sf_psf **psf);
/* Convolution with a PSF that varies: the light of every cell is spread by the PSF of its place,
 *     y = sum_i h_i * (w_i x),     w_i >= 0,  sum_i w_i = 1,
 * with w_i the parts that sf_psf_field_at takes of PSF i (Nagy & O'Leary 1998,
 * doi:10.1137/S106482759528507X; Hirsch et al. 2010, doi:10.1109/CVPR.2010.5540158). Cell 0 is at
 * the place first = (row, column) of the field, and cells are `step` > 0 apart there. Periodic.
 * Exact for the bilinear field itself: column j of the matrix is the PSF at cell j; what it misses
 * of a PSF that varies otherwise is sf_psf_field_at's error. Each PSF works on a patch,
 * the cells between its neighbours' places and what they reach: with n x n PSFs b cells across, on
 * N x N cells, n^2 (2/(n - 1) + b/N)^2 times a convolution's transforms, at most n^2 (measured for
 * N = 256, b = 25: 7 times its time at n = 2, 11 times from 3 to 9), and n^2 half spectra of a
 * patch for memory. SF_ERR_SHAPE for a grid that has not two axes or is smaller than the PSFs. */
SF_API sf_status sf_operator_psf_field(const sf_grid *grid, const sf_psf_field *field,
                                       const double first[2], double step, sf_operator **op);

#ifdef __cplusplus
}
#endif
#endif
