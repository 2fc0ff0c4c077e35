/* triangle.h - products with a lower triangle A, for many points at once. Loops of its own, for
 * they run inside of the threads of chains, where BLAS would start others. */
#ifndef SF_MCMC_TRIANGLE_H
#define SF_MCMC_TRIANGLE_H

#include <scorefield/base.h>

/* Points that a matrix is best multiplied with at once. */
enum { SF_TRIANGLE_POINTS = 48 };

/* A, immutable, in the order in which products read it: n^2 numbers in all. */
typedef struct sf_triangle sf_triangle;

/* Of the lower triangle of a, n x n, C order; what is above its diagonal counts as 0. */
sf_status sf_triangle_create(size_t n, const double *a, sf_triangle **triangle);
void sf_triangle_release(sf_triangle **triangle);

/* out = A x for `batch` rows x of n; x may be out. n^2 operations a row; the sums of a row are in
 * one order, whatever the batch. */
sf_status sf_triangle_apply(const sf_triangle *triangle, size_t batch, const double *x,
                            double *out);
/* out = A^T x */
sf_status sf_triangle_transposed(const sf_triangle *triangle, size_t batch, const double *x,
                                 double *out);
/* out = A^-1 x, for a diagonal without zeros. */
sf_status sf_triangle_solve(const sf_triangle *triangle, size_t batch, const double *x,
                            double *out);

#endif
