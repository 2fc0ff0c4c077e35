/* equilibrate.c - long chains on one density of a path, and whether they have settled. */
#include "free_energy/anneal.h"
#include "mcmc/chains.h"

#include <string.h>

enum { LEAST_MOVES = 16, MOST_DRAWS = 200 };

#define SETTLED 1.01 /* R-hat */

typedef struct trace {
    size_t draws, stride; /* draws of every chain, `stride` moves apart */
    double *energy;       /* chains x draws: log f_b */
} trace;

static sf_status check(const sf_path *path, const sf_equilibrate_options *o)
{
    if (path == NULL) return sf_fail(SF_ERR_ARGUMENT, "equilibration needs a path");
    if (o->moves < LEAST_MOVES)
        return sf_fail(SF_ERR_ARGUMENT, "%zu moves settle nothing; at least %d", o->moves,
                       LEAST_MOVES);
    if (o->kernel.kind == SF_KERNEL_ULA || o->kernel.kind == SF_KERNEL_UNDERDAMPED)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "an unadjusted kernel does not settle in the density itself: take an "
                       "adjusted one, MALA for Langevin moves or HMC for underdamped ones");
    return SF_OK;
}

static bool go_on(const sf_equilibrate_options *o, const sf_chains *chains)
{
    const sf_monitor_event event = {.stage = "equilibrate",
                                    .iteration = (size_t)chains->moves,
                                    .total = o->moves,
                                    .residual = NAN};

    return sf_monitor_call(&o->monitor, &event);
}

static sf_status move(const sf_equilibrate_options *o, sf_chains *chains, size_t moves)
{
    SF_TRY(sf_chains_move(chains, &o->kernel, chains->b, moves));
    if (go_on(o, chains)) return SF_OK;
    return sf_fail(SF_ERR_INTERRUPTED, "stopped after %llu of %zu moves",
                   (unsigned long long)chains->moves, o->moves);
}

static sf_status run(const sf_equilibrate_options *o, sf_chains *chains, const trace *t)
{
    SF_TRY(move(o, chains, o->moves - t->draws * t->stride));
    for (size_t d = 0; d < t->draws; d++) {
        SF_TRY(move(o, chains, t->stride));
        for (size_t i = 0; i < chains->batch; i++)
            t->energy[i * t->draws + d] = sf_chains_log_f(chains, i);
    }
    return SF_OK;
}

static sf_status all_inside(const sf_chains *chains)
{
    for (size_t i = 0; i < chains->batch; i++)
        if (chains->log_weight[i] == -INFINITY)
            return sf_fail(SF_ERR_NUMERIC, "chain %zu begins where the density at b = %g is 0", i,
                           chains->b);
    return SF_OK;
}

static void report_chains(const sf_chains *chains, sf_equilibrate_report *r)
{
    for (size_t i = 0; i < chains->batch; i++)
        r->acceptance +=
            (double)chains->accepted[i] / ((double)chains->moves * (double)chains->batch);
    r->settled = r->energy.r_hat <= SETTLED && r->energy.long_enough;
    r->evaluations = chains->evaluations;
}

sf_status sf_equilibrate(sf_path *path, double b, const sf_equilibrate_options *options, double *x,
                         sf_equilibrate_report *report)
{
    const size_t half = options->moves / 2;
    sf_chains *chains = NULL;
    trace t = {.draws = half < MOST_DRAWS ? half : MOST_DRAWS};
    sf_status status;

    memset(report, 0, sizeof *report);
    SF_TRY(check(path, options));
    t.stride = half / t.draws;
    SF_GO(
        sf_chains_create(path, options->seed, SF_STREAM_EQUILIBRATE, 0, options->chains, &chains));
    SF_GO(sf_allocate(&t.energy, options->chains, t.draws * sizeof *t.energy));
    SF_GO(sf_chains_start(chains, x, b));
    SF_GO(all_inside(chains));
    SF_GO(run(options, chains, &t));
    SF_GO(sf_chains_diagnose(options->chains, t.draws, t.energy, &report->energy));
    report_chains(chains, report);
    memcpy(x, chains->x, options->chains * chains->dimension * sizeof *x);
done:
    sf_chains_release(&chains);
    sf_free(t.energy);
    return status;
}
