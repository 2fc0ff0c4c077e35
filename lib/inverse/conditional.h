/* conditional.h - exact draws of a scene given data and a centre,
 *     x ~ N(y; H x, Sigma) N(x; z, rho^2),
 * for batches of independent samples. */
#ifndef SF_INVERSE_CONDITIONAL_H
#define SF_INVERSE_CONDITIONAL_H

#include "inverse/observation.h"

typedef struct sf_conditional sf_conditional;

/* Room to work on `batch` samples at a time. The observation outlives it. Memory: fourteen fields
 * of the scene for each thread. */
sf_status sf_conditional_create(const sf_observation *observation, size_t batch,
                                sf_conditional **conditional);
void sf_conditional_release(sf_conditional **conditional);
/* x: the centres, and then the draws, of samples first, first + 1, ... Sample i takes numbers
 * 2 slot N ... 2 (slot + 1) N - 1 of sequence i. */
sf_status sf_conditional_draw(sf_conditional *conditional, double rho, sf_random random,
                              uint64_t slot, uint64_t first, double *x);
/* Iterations of conjugate gradients since creation, of all samples. */
size_t sf_conditional_iterations(const sf_conditional *conditional);

#endif
