/* noise.h - numbers addressed by (generator, sample, slot, cell): sample s of a run has sequence s,
 * where slot k, of `size` numbers, begins at k size. */
#ifndef SF_DIFFUSION_NOISE_H
#define SF_DIFFUSION_NOISE_H

#include <scorefield/base.h>

/* x <- a x + b n for `batch` samples of `size` values, the first of which is sample `first`; in
 * parallel. */
void sf_noise_mix(sf_random random, uint64_t slot, uint64_t first, size_t batch, size_t size,
                  double a, double b, double *x);

#endif
