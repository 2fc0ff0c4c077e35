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
    if (run->interrupted && run->chains > 0) {
        memcpy(run->sums, before, sums * sizeof *before);
        status = SF_OK;
    }
    sf_free(before);
    return status;
}

sf_status sf_anneal(sf_path *path, const sf_schedule *schedule, const sf_anneal_options *options,
                    sf_anneal_run **run)
{
    const double start = sf_seconds();
    sf_status status;

    SF_GO(sf_anneal_run_create(path, schedule, options, run));
    SF_GO(run_batches(*run));
    (*run)->seconds = sf_seconds() - start;
    return SF_OK;
done:
    sf_anneal_run_release(run);
    return status;
}
