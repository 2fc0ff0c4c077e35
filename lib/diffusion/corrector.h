/* corrector.h - Langevin moves of a batch of samples at one noise level. */
#ifndef SF_DIFFUSION_CORRECTOR_H
#define SF_DIFFUSION_CORRECTOR_H

#include <scorefield/diffusion.h>

typedef struct sf_correction sf_correction;

/* options outlives it. */
sf_status sf_correction_create(const sf_prior *prior, const sf_sample_options *options,
                               size_t batch, sf_correction **correction);
void sf_correction_release(sf_correction **correction);
/* All moves of a step at this level, with the numbers of the slots first_slot, ...; evaluations and
 * accepted (of single samples) grow. */
sf_status sf_correction_move(sf_correction *correction, double level, uint64_t first_slot,
                             double *x, size_t *evaluations, size_t *accepted);

#endif
