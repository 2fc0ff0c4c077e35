/* innovation.h - what pixels y = H x + n say beyond a first guess m of x, where x ~ N(m, C):
 *     z = m + C H^T (S + H C H^T)^-1 (y - H m)
 * by way of (1 + q H C H^T q) w = q (y - H m), q = S^-1/2, 0 where nothing is observed. */
#ifndef SF_INVERSE_INNOVATION_H
#define SF_INVERSE_INNOVATION_H

#include "inverse/observation.h"

/* Variances C_k on the half spectrum; or `variance` for all of them where that is NULL. */
typedef struct sf_mode_variances {
    const double *mode;
    double variance;
} sf_mode_variances;

static inline double sf_mode_variance(sf_mode_variances v, size_t k)
{
    return v.mode != NULL ? v.mode[k] : v.variance;
}

/* *scale = q of every cell (sf_free). */
sf_status sf_innovation_scale(const sf_observation *o, double **scale);
/* M_k = 1 + (|H_k|^2 C_k + its aliases)/noise^2 on a half spectrum for each exposure, what its part
 * of the matrix is where all pixels are observed at one noise level: the aliases are those of
 * pixels that have several cells. */
sf_status sf_innovation_diagonal(const sf_observation *o, sf_mode_variances variances, double *m);
/* out = M^-1 r on the observed cells. */
sf_status sf_innovation_precondition(const sf_observation *o, const double *m, const double *r,
                                     double *out);
/* z of C diagonal in Fourier space: by divisions where the whole system is diagonal there or in
 * space, else by conjugate gradients until the preconditioned residual has fallen by `tolerance`,
 * four transforms an iteration; *residual: by how much it has. Without `data`, y = 0. */
sf_status sf_innovation_solve(const sf_observation *o, sf_mode_variances variances, bool data,
                              const double *centre, double tolerance, size_t iterations, double *z,
                              double *residual);

#endif
