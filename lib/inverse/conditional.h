/* conditional.h - exact draws of a scene's copy x = z + rho e given the scene z and the data, for
 * batches of independent samples. Up to a certain rho the copy's noise e is a part of the data's
 * own, y = H x + n', n' ~ N(0, Sigma - rho^2 H H^T):   y given z has the noise Sigma, as it should;
 * beyond, Sigma has no such part, and y = H x + n with all of it: y given z has Sigma + rho^2 H
 * H^T.
 */
#ifndef SF_INVERSE_CONDITIONAL_H
#define SF_INVERSE_CONDITIONAL_H

#include "inverse/observation.h"

typedef struct sf_conditional sf_conditional;

/* Room to work on `batch` samples at a time. The observation outlives it. Memory: fifteen fields
 * of the scene for each thread. */
sf_status sf_conditional_create(const sf_observation *observation, size_t batch,
                                sf_conditional **conditional);
void sf_conditional_release(sf_conditional **conditional);
/* The largest rho that is a part of the data's noise: the smallest sigma of a pixel over the
 * largest |H_k|. */
double sf_conditional_limit(const sf_conditional *conditional);
/* x: the scenes z, and then the draws, of samples first, first + 1, ... Beyond the limit the data
 * are y + added H e_0, with an e_0 ~ N(0, 1) that belongs to the sample. Sample i takes numbers (2
 * slot + 1) N ... (2 slot + 3) N - 1 of sequence i, and e_0 the first N. */
sf_status sf_conditional_draw(sf_conditional *conditional, double rho, double added,
                              sf_random random, uint64_t slot, uint64_t first, double *x);
/* Iterations of conjugate gradients since creation, of all samples. */
size_t sf_conditional_iterations(const sf_conditional *conditional);

#endif
