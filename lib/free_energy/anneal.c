/* anneal.c - annealed importance sampling and sequential Monte Carlo, batch after batch. */
#include "free_energy/anneal_checkpoint.h"

#include <string.h>

sf_anneal_options sf_anneal_options_default(void)
{
    return (sf_anneal_options){.chains = 1000,
                               .islands = 16,
                               .kernel = sf_kernel_default(),
                               .moves = 1,
                               .resample_below = 0.5,
                               .checkpoint_seconds = 60.0};
}

/* The sums as they are before the next batch, or back to that. */
static void remember(sf_anneal_run *run)
{
    const size_t count = run->schedule.count;

    memcpy(run->sums_before, run->sums, count * run->islands * sizeof *run->sums);
    memcpy(run->seen_before, run->seen, count * sizeof *run->seen);
}

static void forget_walk(sf_anneal_run *run)
{
    const size_t count = run->schedule.count;

    if (run->walk == NULL) return;
    memcpy(run->sums, run->sums_before, count * run->islands * sizeof *run->sums);
    memcpy(run->seen, run->seen_before, count * sizeof *run->seen);
    sf_anneal_walk_release(&run->walk);
}

/* A batch that is stopped leaves no trace. */
static sf_status run_batches(sf_anneal_run *run)
{
    sf_status status = SF_OK;

    while (run->chains < run->options.chains) {
        if (run->walk == NULL) remember(run);
        SF_GO(sf_anneal_batch(run));
    }
done:
    run->interrupted = status == SF_ERR_INTERRUPTED;
    if (status == SF_OK || run->interrupted) sf_anneal_checkpoint(run, true);
    forget_walk(run);
    return run->interrupted && run->chains > 0 ? SF_OK : status;
}

/* What there is of the options' chains in the run, until it is done or stopped. */
static sf_status finish(sf_anneal_run *run)
{
    sf_status status;

    run->started = sf_seconds();
    status = run_batches(run);
    run->options.chains = run->chains;
    run->seconds += sf_seconds() - run->started;
    return status;
}

/* What the checkpoint has, and a first one, so that it is known now whether it can be written. */
static sf_status resume(sf_anneal_run *run)
{
    if (run->options.checkpoint == NULL) return SF_OK;
    SF_TRY(sf_anneal_fingerprint(run, &run->fingerprint));
    SF_TRY(sf_anneal_checkpoint_read(run));
    run->written = sf_seconds();
    return sf_anneal_checkpoint_write(run, run->seconds);
}

sf_status sf_anneal(sf_path *path, const sf_schedule *schedule, const sf_anneal_options *options,
                    sf_anneal_run **run)
{
    sf_status status;

    SF_GO(sf_anneal_run_create(path, schedule, options, run));
    SF_GO(resume(*run));
    SF_GO(finish(*run));
done:
    if (status != SF_OK) sf_anneal_run_release(run);
    return status;
}

sf_status sf_anneal_whole(sf_path *path, const sf_schedule *schedule,
                          const sf_anneal_options *options, sf_anneal_run **run)
{
    SF_TRY(sf_anneal(path, schedule, options, run));
    if (!(*run)->interrupted) return SF_OK;
    sf_anneal_run_release(run);
    return sf_fail(SF_ERR_INTERRUPTED, "stopped before the run proper");
}

sf_status sf_anneal_more(sf_anneal_run *run, size_t chains)
{
    SF_TRY(sf_anneal_run_grow(run, chains));
    return finish(run);
}
