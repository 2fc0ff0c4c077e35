/* chains.h - chains as this room's files see them: in blocks that stay in a thread's cache. */
#ifndef SF_MCMC_CHAINS_H
#define SF_MCMC_CHAINS_H

#include <scorefield/mcmc.h>

/* (1 - b) l0 + b l1, where a share of 0 counts nothing whatever it is a share of. */
static inline double sf_bridge(double b, double l0, double l1)
{
    return (b < 1.0 ? (1.0 - b) * l0 : 0.0) + (b > 0.0 ? b * l1 : 0.0);
}

sf_status sf_bridge_check(double b);

/* Most chains in a block: what a density's arrays of a block take is some tens of kilobytes. It
 * does not depend on the number of threads. */
size_t sf_block_size(const sf_chains *chains);
/* body(user, at, count) for chains at ... at + count - 1 of every block, on sf_thread_count()
 * threads; the status and the sentence of the first block that failed. */
sf_status sf_blocks_each(const sf_chains *chains,
                         sf_status (*body)(void *user, size_t at, size_t count), void *user);
/* log f0 and log f1, and unless `scored` is false their scores, at x. */
sf_status sf_chains_evaluate(sf_chains *chains, bool scored);
/* The numbers of a stage. UINT64_MAX: of the first momenta. */
sf_random sf_chains_random(const sf_chains *chains, uint64_t stage);

#endif
