/* anneal.c - annealed importance sampling, batch after batch. */
#include "free_energy/anneal.h"

#include <string.h>

sf_anneal_options sf_anneal_options_default(void)
{
    return (sf_anneal_options){
        .chains = 1000, .islands = 16, .kernel = sf_kernel_default(), .moves = 1};
}

/* A batch that is stopped leaves no trace. */
static sf_status run_batches(sf_anneal_run *run)
{
    const size_t sums = run->schedule.count * run->islands;
    sf_stage_sums *before;
    sf_status status = SF_OK;

    SF_TRY(sf_allocate(&before, sums, sizeof *before));
    while (run->chains < run->options.chains) {
        const size_t batch = sf_anneal_batch_size(run, run->chains);

        memcpy(before, run->sums, sums * sizeof *before);
        SF_GO(sf_anneal_batch(run, run->chains, batch));
        run->chains += batch;
    }
done:
    run->interrupted = status == SF_ERR_INTERRUPTED;
    if (status != SF_OK) memcpy(run->sums, before, sums * sizeof *before);
    if (run->interrupted && run->chains > 0) status = SF_OK;
    sf_free(before);
    return status;
}

/* What there is of the options' chains in the run, until it is done or stopped. */
static sf_status finish(sf_anneal_run *run)
{
    const double start = sf_seconds();
    const sf_status status = run_batches(run);

    run->options.chains = run->chains;
    run->seconds += sf_seconds() - start;
    return status;
}

sf_status sf_anneal(sf_path *path, const sf_schedule *schedule, const sf_anneal_options *options,
                    sf_anneal_run **run)
{
    sf_status status;

    SF_GO(sf_anneal_run_create(path, schedule, options, run));
    SF_GO(finish(*run));
done:
    if (status != SF_OK) sf_anneal_run_release(run);
    return status;
}

sf_status sf_anneal_more(sf_anneal_run *run, size_t chains)
{
    SF_TRY(sf_anneal_run_grow(run, chains));
    return finish(run);
}
