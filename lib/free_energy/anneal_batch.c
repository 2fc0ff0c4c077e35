/* anneal_batch.c - a batch of chains from one end of the path to the other. Moves are made at the
 * temperatures between the ends: then the way back is the way there with time reversed, for
 * unadjusted kernels, too (Crooks 1999, doi:10.1103/PhysRevE.60.2721). */
#include "free_energy/anneal.h"

#include <string.h>

enum { VALUES = 1 << 18, VALUES_A_THREAD = 1 << 14 }; /* positions: what caches hold */

size_t sf_anneal_batch_size(const sf_anneal_run *run, size_t first)
{
    const size_t threads = (size_t)sf_thread_count(), rest = run->options.chains - first;
    const size_t values = threads * VALUES_A_THREAD > VALUES ? threads * VALUES_A_THREAD : VALUES;
    const size_t fit = values / run->dimension < 64 ? 64 : values / run->dimension;
    const size_t batch = run->options.batch > 0 ? run->options.batch : fit;

    return batch < rest ? batch : rest;
}

/* ---- the way -------------------------------------------------------------------------------- */

static bool go_on(const sf_anneal_run *run, size_t first, size_t batch, size_t stage)
{
    const size_t stages = run->schedule.count - 1, last = run->schedule.count - 1;
    const size_t rest = run->options.chains - first;
    const sf_stage_sums sums = sf_anneal_stage(run, run->options.reverse ? 0 : last);
    const double count = (double)sums.count, ess = sf_stage_sums_ess(&sums);
    const sf_monitor_event event = {
        .stage = run->options.reverse ? "anneal back" : "anneal",
        .iteration = first / batch * stages + stage,
        .total = (first / batch + (rest + batch - 1) / batch) * stages,
        .residual = count > 1.0 ? sqrt((count / ess - 1.0) / (count - 1.0)) : NAN,
    };

    return sf_monitor_call(&run->options.monitor, &event);
}

static sf_status walk(sf_anneal_run *run, sf_chains *chains, size_t *accepted, double *energy)
{
    const sf_schedule *schedule = &run->schedule;
    const size_t last = schedule->count - 1;
    sf_kernel kernel = run->options.kernel;

    SF_TRY(sf_anneal_tally(run, chains, run->options.reverse ? last : 0, 0, accepted, energy));
    for (size_t stage = 1; stage <= last; stage++) {
        const size_t j = run->options.reverse ? last - stage : stage;
        const size_t moves = stage < last ? run->options.moves : 0;

        kernel.step = schedule->step[j];
        memcpy(accepted, chains->accepted, chains->batch * sizeof *accepted);
        SF_TRY(sf_chains_move(chains, &kernel, schedule->b[j], moves));
        SF_TRY(sf_anneal_tally(run, chains, j, moves, accepted, energy));
        if (!go_on(run, (size_t)chains->first, chains->batch, stage))
            return sf_fail(SF_ERR_INTERRUPTED, "stopped at b = %g of chains %llu to %llu",
                           schedule->b[j], (unsigned long long)chains->first,
                           (unsigned long long)chains->first + chains->batch - 1);
    }
    return SF_OK;
}

sf_status sf_anneal_batch(sf_anneal_run *run, size_t first, size_t batch)
{
    const size_t n = run->dimension;
    const sf_anneal_start start = {
        .given = run->options.start,
        .count = run->options.starts,
        .seed = run->options.seed,
        .stream = run->options.reverse ? SF_STREAM_DRAWS_BACK : SF_STREAM_DRAWS,
    };
    sf_chains *chains = NULL;
    size_t *accepted = NULL;
    double *energy = NULL;
    sf_status status;

    SF_GO(sf_chains_create(run->path, run->options.seed,
                           run->options.reverse ? SF_STREAM_MOVES_BACK : SF_STREAM_MOVES, first,
                           batch, &chains));
    SF_GO(sf_allocate(&accepted, batch, sizeof *accepted));
    SF_GO(sf_allocate(&energy, batch, sizeof *energy));
    SF_GO(sf_anneal_begin(chains, run->options.reverse ? 1.0 : 0.0, &start));
    SF_GO(walk(run, chains, accepted, energy));
    memcpy(run->log_weight + first, chains->log_weight, batch * sizeof *chains->log_weight);
    if (run->samples != NULL)
        memcpy(run->samples + first * n, chains->x, batch * n * sizeof *chains->x);
    run->evaluations += chains->evaluations;
done:
    sf_chains_release(&chains);
    sf_free(accepted);
    sf_free(energy);
    return status;
}
