/* anneal_batch.c - a batch of chains from one end of the path to the other. Moves are made at the
 * temperatures between the ends: then the way back is the way there with time reversed, for
 * unadjusted kernels, too (Crooks 1999, doi:10.1103/PhysRevE.60.2721). */
#include "free_energy/anneal.h"
#include "mcmc/chains.h"

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

/* ---- start ---------------------------------------------------------------------------------- */

typedef struct start {
    const sf_density *density;
    const sf_anneal_run *run;
    size_t first;
    double *x;
} start;

static sf_status draw_block(void *user, size_t at, size_t count)
{
    const start *s = user;

    return sf_density_draw(s->density, s->run->options.seed,
                           s->run->options.reverse ? SF_STREAM_DRAWS_BACK : SF_STREAM_DRAWS,
                           s->first + at, count, s->x + at * s->run->dimension);
}

static sf_status begin(const sf_anneal_run *run, sf_chains *chains)
{
    const size_t n = run->dimension;
    start s = {.run = run, .first = (size_t)chains->first};
    const double b = run->options.reverse ? 1.0 : 0.0;
    sf_density *density = NULL;
    sf_status status;

    if (run->options.start != NULL)
        return sf_chains_start(chains, run->options.start + s.first * n, b);
    SF_TRY(sf_allocate(&s.x, chains->batch, n * sizeof *s.x));
    SF_GO(sf_path_at(run->path, b, &density));
    if (!sf_density_can_draw(density))
        SF_GO(
            sf_fail(SF_ERR_UNSUPPORTED,
                    "density %s, where this run begins, has no exact draws: give equilibrated ones "
                    "as its start",
                    sf_density_name(density)));
    s.density = density;
    SF_GO(sf_blocks_each(chains, draw_block, &s));
    SF_GO(sf_chains_start(chains, s.x, b));
done:
    sf_density_release(&density);
    sf_free(s.x);
    return status;
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
    sf_chains *chains = NULL;
    size_t *accepted = NULL;
    double *energy = NULL;
    sf_status status;

    SF_GO(sf_chains_create(run->path, run->options.seed,
                           run->options.reverse ? SF_STREAM_MOVES_BACK : SF_STREAM_MOVES, first,
                           batch, &chains));
    SF_GO(sf_allocate(&accepted, batch, sizeof *accepted));
    SF_GO(sf_allocate(&energy, batch, sizeof *energy));
    SF_GO(begin(run, chains));
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
