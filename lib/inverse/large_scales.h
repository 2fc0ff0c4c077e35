/* large_scales.h - what a denoiser need not keep. */
#ifndef SF_INVERSE_LARGE_SCALES_H
#define SF_INVERSE_LARGE_SCALES_H

#include "inverse/normal.h"

/* A denoiser need not keep the mean of what it denoises, and small biases of each step add up;
 * the data know the large scales better: with M = 1 where observed,
 *     out = argmin |M (y - H z')|^2 + 10^4 |Laplacian (z' - z)|^2.
 * *seconds grows by those in transforms. */
sf_status sf_restore_large_scales(const sf_observation *observation, const double *z, double *out,
                                  double *seconds);

#endif
