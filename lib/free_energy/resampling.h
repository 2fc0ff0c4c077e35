/* resampling.h - which chains are copied, by their weights. */
#ifndef SF_FREE_ENERGY_RESAMPLING_H
#define SF_FREE_ENERGY_RESAMPLING_H

#include "free_energy/estimate.h"

/* from[i] = the chain that takes place i of `count`, so that on average chain k takes count W_k
 * places, by numbers first ... first + count of a sequence; weights W add up to 1. Neighbours stay
 * neighbours, but for residual resampling. room: 2 count + 1 numbers. */
void sf_resampling_choose(sf_resampling kind, sf_random random, uint64_t sequence, uint64_t first,
                          size_t count, const double *weight, double *room, size_t *from);
/* The sum over families of the variance of the number of places that each takes; chains are of one
 * family if they have one ancestor (numbers below count). room: count. */
double sf_resampling_variance(sf_resampling kind, size_t count, const double *weight,
                              const size_t *ancestor, double *room);

#endif
