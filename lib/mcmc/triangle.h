/* triangle.h - products with a lower triangle, for many points at once. Plain loops, for they run
 * inside of the threads of chains, where BLAS would start its own. */
#ifndef SF_MCMC_TRIANGLE_H
#define SF_MCMC_TRIANGLE_H

#include <scorefield/base.h>

/* Points that a matrix is best multiplied with at once. */
enum { SF_TRIANGLE_POINTS = 8 };

/* out = A x for `batch` rows x of n; A is the lower triangle of n x n, C order. x may be out. */
sf_status sf_triangle_apply(size_t n, const double *a, size_t batch, const double *x, double *out);
/* out = A^T x */
sf_status sf_triangle_transposed(size_t n, const double *a, size_t batch, const double *x,
                                 double *out);

#endif
