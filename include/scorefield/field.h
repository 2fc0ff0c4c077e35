/* scorefield/field.h - power spectra of random fields. */
#ifndef SCOREFIELD_FIELD_H
#define SCOREFIELD_FIELD_H

#include <scorefield/grid.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An isotropic power spectrum P(k) >= 0: <|X_k|^2> = N^2 P(k)/V, so that the eigenvalue of
 * the circulant covariance is lambda_k = P(k)/v with v the cell volume. Units: (field)^2
 * (length)^d for P, 1/length for k. */
typedef struct sf_spectrum sf_spectrum;

/* P = amplitude k^index, P(0) = zero_mode. */
SF_API sf_status sf_spectrum_power_law(double amplitude, double index, double zero_mode,
                                       sf_spectrum **spectrum);
/* Cubic spline in log k, log P through `count` >= 3 points of increasing k > 0 and P > 0,
 * continued as power laws beyond both ends; P(0) = zero_mode. */
SF_API sf_status sf_spectrum_table(const double *k, const double *power, size_t count,
                                   double zero_mode, sf_spectrum **spectrum);
/* The user's own: power(k, user), k >= 0. */
SF_API sf_status sf_spectrum_callback(double (*power)(double k, void *user), void *user,
                                      sf_spectrum **spectrum);
/* "power:A,N" (P = A k^N, P(0) = 0) or "table:FILE" (text, two columns k and P, # comments). */
SF_API sf_status sf_spectrum_parse(const char *text, sf_spectrum **spectrum);
SF_API sf_spectrum *sf_spectrum_retain(sf_spectrum *spectrum);
SF_API void sf_spectrum_release(sf_spectrum **spectrum);
SF_API sf_status sf_spectrum_power(const sf_spectrum *spectrum, double k, double *power);
/* lambda_k = P(k)/v for every entry of the grid's half spectrum. */
SF_API sf_status sf_spectrum_eigenvalues(const sf_spectrum *spectrum, const sf_grid *grid,
                                         double *lambda);

#ifdef __cplusplus
}
#endif
#endif
