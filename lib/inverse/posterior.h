/* posterior.h - a prior given an observation, as the files of its likelihoods see it.
 *
 * At x = x_0 + u n the prior says x_0 ~ N(D, C) or something like it, D = D(x; u). With pixels
 * y = H x_0 + e, e ~ N(0, S) on the observed ones, E[x_0 | x, y] follows by least squares, and each
 * likelihood is a choice of C and of what D depends on. */
#ifndef SF_INVERSE_POSTERIOR_H
#define SF_INVERSE_POSTERIOR_H

#include "inverse/innovation.h"

#include <pthread.h>

/* What has become of the linear systems, by all threads. */
typedef struct sf_conditioned_tally {
    pthread_mutex_t lock;
    sf_linear_systems systems;
} sf_conditioned_tally;

typedef struct sf_conditioned {
    sf_prior *prior;
    sf_observation *observation;
    sf_likelihood likelihood;
    double *lambda;  /* half spectrum: the variance of each mode of x_0; NULL: all of them */
    double variance; /* are this one */
    double strength, tolerance;
    size_t iterations;
    sf_conditioned_tally *tally;
} sf_conditioned;

/* One more system has been left at this residual, relative to its first. */
void sf_conditioned_count(const sf_conditioned *c, double residual);

/* Of a mode of variance lambda, given x = x_0 + u n: 1/(1/lambda + 1/u^2). */
static inline double sf_conditioned_variance(double lambda, double level)
{
    const double u2 = level * level;

    return u2 / (1.0 + u2 / lambda);
}
/* These variances of all modes; *memory (sf_free) holds them where they differ, else NULL. */
sf_status sf_conditioned_variances(const sf_conditioned *c, double level, double **memory,
                                   sf_mode_variances *variances);

/* out = E[x_0 | x, y] of the likelihoods with ... */
typedef sf_status sf_conditioned_denoise(const sf_conditioned *c, size_t batch, const double *x,
                                         double level, double *out);
/* ... C diagonal in Fourier space: EXACT, PROXIMAL, PIGDM, CONVOLVED; */
sf_conditioned_denoise sf_posterior_by_modes;
/* ... C of the denoiser's Jacobian: MOMENT_MATCHING, DIAGONAL; */
sf_conditioned_denoise sf_posterior_by_moments;
/* ... C = 0, or noise for it: DPS, PLUG_IN, ANNEALED. */
sf_conditioned_denoise sf_posterior_by_gradient;

/* Of EXACT: out = (dD_y/dx)^T v; and -log p(x | y) but for a constant. */
sf_status sf_posterior_exact_pull(const sf_conditioned *c, size_t batch, const double *x,
                                  double level, const double *v, double *denoised, double *out);
sf_status sf_posterior_exact_energy(const sf_conditioned *c, size_t batch, const double *x,
                                    double level, double *energy);

/* out += factor (dD/dx)^T g at x. */
sf_status sf_posterior_add_pulled(const sf_conditioned *c, size_t batch, const double *x,
                                  double level, const double *g, double factor, double *out);

#endif
