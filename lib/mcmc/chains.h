/* chains.h - chains as this room's files see them: in blocks that stay in a thread's cache. */
#ifndef SF_MCMC_CHAINS_H
#define SF_MCMC_CHAINS_H

#include "mcmc/path.h"

/* Most chains in a block: what a density's arrays of a block take is some tens of kilobytes. It
 * does not depend on the number of threads. */
size_t sf_block_size(const sf_chains *chains);
/* As many chains as the densities best evaluate at once; 1: any number. */
size_t sf_chains_together(const sf_chains *chains);
/* body(user, item) for all of `count` items, on sf_thread_count() threads; the status and the
 * sentence of the first one that failed. */
sf_status sf_items_each(size_t count, sf_status (*body)(void *user, size_t item), void *user);
/* body(user, at, count) for chains at ... at + count - 1 of every block, on sf_thread_count()
 * threads; the status and the sentence of the first block that failed. */
sf_status sf_blocks_each(const sf_chains *chains,
                         sf_status (*body)(void *user, size_t at, size_t count), void *user);
/* log f0 and log f1, and unless `scored` is false their scores, at x. */
sf_status sf_chains_evaluate(sf_chains *chains, bool scored);
/* To b, and nothing else: what is known there is known again after an evaluation, unless the path
 * is a bridge. */
sf_status sf_chains_set_b(sf_chains *chains, double b);
/* log f_b of chain i */
static inline double sf_chains_log_f(const sf_chains *chains, size_t i)
{
    return sf_bridge(chains->share, chains->log_f0[i], chains->log_f1[i]);
}
/* Chain i of the one changes places with chain i of the other, on the same bridge; their weights
 * and counts stay. */
void sf_chains_swap(sf_chains *one, sf_chains *other, size_t i);
/* The numbers of a stage. UINT64_MAX: of the first momenta. */
sf_random sf_chains_random(const sf_chains *chains, uint64_t stage);

#endif
