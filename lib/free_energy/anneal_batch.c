/* anneal_batch.c - a batch of chains from one end of the path to the other. Moves are made at the
 * temperatures between the ends: then the way back is the way there with time reversed, for
 * unadjusted kernels, too (Crooks 1999, doi:10.1103/PhysRevE.60.2721). */
#include "free_energy/anneal_checkpoint.h"

#include <string.h>

enum { VALUES = 1 << 16, VALUES_A_THREAD = 1 << 14 }; /* positions: what caches hold */

size_t sf_anneal_batch_size(const sf_anneal_run *run, size_t first)
{
    const size_t threads = (size_t)sf_thread_count(), rest = run->options.chains - first;
    const size_t values = threads * VALUES_A_THREAD > VALUES ? threads * VALUES_A_THREAD : VALUES;
    const size_t fit = values / run->dimension < 64 ? 64 : values / run->dimension;
    const size_t batch = run->options.batch > 0 ? run->options.batch : fit;

    return batch < rest ? batch : rest;
}

/* ---- the way -------------------------------------------------------------------------------- */

static double error_so_far(const sf_anneal_run *run)
{
    const size_t end = run->options.reverse ? 0 : run->schedule.count - 1;
    const sf_stage_sums sums = sf_anneal_stage(run, end);

    if (sf_anneal_run_resamples(run)) return sf_island_sums_error(run->seen + end);
    return sums.count > 1 ? sf_stage_sums_error(&sums) : NAN;
}

static bool go_on(const sf_anneal_run *run, const sf_anneal_walk *walk)
{
    const size_t stages = run->schedule.count - 1, batch = walk->chains->batch;
    const size_t first = (size_t)walk->chains->first, rest = run->options.chains - first;
    const sf_monitor_event event = {
        .stage = run->options.reverse ? "anneal back" : "anneal",
        .iteration = first / batch * stages + walk->stage,
        .total = (first / batch + (rest + batch - 1) / batch) * stages,
        .residual = error_so_far(run),
    };

    return sf_monitor_call(&run->options.monitor, &event);
}

/* Moves at b_j, for SMC after a choice by the weights there. At the end there are neither. */
static sf_status visit(const sf_anneal_run *run, sf_anneal_walk *walk, size_t j, size_t moves)
{
    sf_chains *const chains = walk->chains;
    sf_kernel kernel = run->options.kernel;
    const bool end = walk->stage == run->schedule.count - 1;

    kernel.step = run->schedule.step[j];
    if (walk->population.size > 0) {
        SF_TRY(sf_chains_move(chains, &kernel, run->schedule.b[j], 0));
        SF_TRY(sf_population_resample(
            &walk->population, chains, run->options.resampling,
            end ? 0.0 : run->options.resample_below,
            run->options.reverse ? SF_STREAM_CHOICE_BACK : SF_STREAM_CHOICE, walk->stage));
    }
    memcpy(walk->accepted, chains->accepted, chains->batch * sizeof *walk->accepted);
    return sf_chains_move(chains, &kernel, run->schedule.b[j], moves);
}

static sf_status go(sf_anneal_run *run, sf_anneal_walk *walk)
{
    const size_t last = run->schedule.count - 1;

    while (walk->stage < last) {
        const size_t stage = ++walk->stage, j = run->options.reverse ? last - stage : stage;
        const size_t moves = stage < last ? run->options.moves : 0;

        SF_TRY(visit(run, walk, j, moves));
        SF_TRY(sf_anneal_tally(run, walk, j, moves));
        sf_anneal_checkpoint(run, false);
        if (!go_on(run, walk))
            return sf_fail(SF_ERR_INTERRUPTED, "stopped at b = %g of chains %llu to %llu",
                           run->schedule.b[j], (unsigned long long)walk->chains->first,
                           (unsigned long long)walk->chains->first + walk->chains->batch - 1);
    }
    return SF_OK;
}

/* ---- a batch -------------------------------------------------------------------------------- */

sf_status sf_anneal_walk_create(const sf_anneal_run *run, size_t first, size_t batch,
                                sf_anneal_walk **walk)
{
    sf_anneal_walk *w;
    sf_status status;

    SF_GO(sf_allocate(walk, 1, sizeof **walk));
    w = *walk;
    SF_GO(sf_chains_create(run->path, run->options.seed,
                           run->options.reverse ? SF_STREAM_MOVES_BACK : SF_STREAM_MOVES, first,
                           batch, &w->chains));
    SF_GO(sf_allocate(&w->accepted, batch, sizeof *w->accepted));
    SF_GO(sf_allocate(&w->energy, batch, sizeof *w->energy));
    if (sf_anneal_run_resamples(run)) SF_GO(sf_population_create(batch, &w->population));
done:
    if (status != SF_OK) sf_anneal_walk_release(walk);
    return status;
}

void sf_anneal_walk_release(sf_anneal_walk **walk)
{
    sf_anneal_walk *w = *walk;

    if (w == NULL) return;
    sf_chains_release(&w->chains);
    sf_population_release(&w->population);
    sf_free(w->accepted);
    sf_free(w->energy);
    sf_free(w);
    *walk = NULL;
}

static sf_status begin(sf_anneal_run *run)
{
    const size_t first = run->chains;
    const bool reverse = run->options.reverse;
    const sf_anneal_start start = {
        .given = run->options.start,
        .count = run->options.starts,
        .seed = run->options.seed,
        .stream = reverse ? SF_STREAM_DRAWS_BACK : SF_STREAM_DRAWS,
    };

    SF_TRY(sf_anneal_walk_create(run, first, sf_anneal_batch_size(run, first), &run->walk));
    SF_TRY(sf_anneal_begin(run->walk->chains, reverse ? 1.0 : 0.0, &start));
    return sf_anneal_tally(run, run->walk, reverse ? run->schedule.count - 1 : 0, 0);
}

static void keep_results(sf_anneal_run *run)
{
    const sf_anneal_walk *walk = run->walk;
    const sf_chains *c = walk->chains;
    const size_t first = (size_t)c->first, n = c->dimension;
    sf_island_part part;

    memcpy(run->log_weight + first, c->log_weight, c->batch * sizeof *c->log_weight);
    if (run->samples != NULL) memcpy(run->samples + first * n, c->x, c->batch * n * sizeof *c->x);
    run->evaluations += c->evaluations;
    run->chains += c->batch;
    if (walk->population.size == 0) return;
    part = sf_population_part(&walk->population, c->log_weight);
    run->island[first / c->batch] =
        (sf_anneal_island){part.log_z, part.variance, part.most, part.ancestors};
    for (size_t i = 0; i < c->batch; i++)
        run->ancestor[first + i] = first + walk->population.ancestor[i];
}

sf_status sf_anneal_batch(sf_anneal_run *run)
{
    if (run->walk == NULL) SF_TRY(begin(run));
    SF_TRY(go(run, run->walk));
    keep_results(run);
    sf_anneal_walk_release(&run->walk);
    return SF_OK;
}
