/* spectrum_integral.h - integrals of a spectrum times an oscillating kernel. */
#ifndef SF_FIELD_SPECTRUM_INTEGRAL_H
#define SF_FIELD_SPECTRUM_INTEGRAL_H

#include <scorefield/field.h>

#include "base/internal.h"

/* A kernel of x = k r, given as it is and, for large x, as smooth + Re(envelope exp(i cycles x))
 * with factors that do not oscillate. */
typedef struct sf_kernel {
    double cycles;
    double (*value)(double x);
    double (*smooth)(double x); /* NULL: 0 */
    sf_complex (*envelope)(double x);
} sf_kernel;

/* k^power P(k) between two wavenumbers, as polynomials in pieces. */
typedef struct sf_pieces sf_pieces;

/* 0 for kmin, kmax: 1e-5 and 100; P = 0 beyond. SF_ERR_NUMERIC if P is not smooth enough. */
sf_status sf_pieces_create(const sf_spectrum *spectrum, int power, double kmin, double kmax,
                           sf_pieces **pieces);
void sf_pieces_release(sf_pieces **pieces);
/* int k^power P(k) kernel(k r) dk */
double sf_pieces_integrate(const sf_pieces *pieces, const sf_kernel *kernel, double r);

#endif
