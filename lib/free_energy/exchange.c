/* exchange.c - a run of replica exchange (see ladder.c): burn-in, the rounds that count, and what
 * they have found. */
#include "free_energy/ladder.h"

#include <string.h>

sf_exchange_options sf_exchange_options_default(void)
{
    return (sf_exchange_options){
        .kernel = sf_kernel_default(), .moves = 1, .copies = 8, .burn = 250, .rounds = 1000};
}

static sf_status run_create(const sf_ladders *l, sf_path *path, const sf_exchange_options *o,
                            sf_exchange_run **run)
{
    const size_t n = sf_path_dimension(path);
    size_t size;
    sf_exchange_run *r;

    if (!sf_multiply_sizes(l->states * l->copies, o->rounds, &size) ||
        !sf_multiply_sizes(o->rounds * l->copies, n, &size))
        return sf_fail(SF_ERR_MEMORY, "%zu rounds of %zu replicas are more than memory holds",
                       o->rounds, l->states * l->copies);
    size = l->states * l->copies * o->rounds;
    SF_TRY(sf_allocate(run, 1, sizeof **run));
    r = *run;
    r->states = l->states;
    r->copies = l->copies;
    r->dimension = n;
    r->path = sf_path_retain(path);
    SF_TRY(sf_copy_memory(l->b, l->states, sizeof(double), &r->b));
    SF_TRY(sf_allocate(&r->log_f0, size, sizeof *r->log_f0));
    SF_TRY(sf_allocate(&r->log_f1, size, sizeof *r->log_f1));
    if (o->keep_samples)
        SF_TRY(sf_allocate(&r->samples, o->rounds * l->copies, n * sizeof *r->samples));
    SF_TRY(sf_allocate(&r->acceptance, l->states, sizeof *r->acceptance));
    return sf_allocate(&r->rejection, l->states - 1, sizeof *r->rejection);
}

void sf_exchange_release(sf_exchange_run **run)
{
    sf_exchange_run *r = run != NULL ? *run : NULL;

    if (r == NULL) return;
    sf_path_release(&r->path);
    sf_free(r->b);
    sf_free(r->log_f0);
    sf_free(r->log_f1);
    sf_free(r->samples);
    sf_free(r->acceptance);
    sf_free(r->rejection);
    sf_free(r);
    *run = NULL;
}

/* Of the rounds after those that the run has. */
static void record(void *user, const sf_ladder *l, size_t round)
{
    const sf_exchange_run *r = user;
    const size_t n = r->dimension, at = (r->rounds + round) * r->copies + l->first;

    for (size_t c = 0; c < l->copies; c++)
        for (size_t k = 0; k < r->states; k++) {
            r->log_f0[(at + c) * r->states + k] = l->chains[k]->log_f0[c];
            r->log_f1[(at + c) * r->states + k] = l->chains[k]->log_f1[c];
        }
    if (r->samples != NULL)
        memcpy(r->samples + at * n, l->chains[r->states - 1]->x, l->copies * n * sizeof(double));
}

/* The rounds that count, or without a run the burn-in. *stopped: by the monitor, for which threads
 * meet every so many rounds. */
static sf_status go(sf_ladders *l, const sf_exchange_options *o, sf_exchange_run *run,
                    bool *stopped)
{
    const size_t rounds = run != NULL ? o->rounds : o->burn;
    const size_t meet = o->monitor.function != NULL ? SF_EXCHANGE_CALL : rounds;

    for (size_t done = 0; done < rounds && !*stopped;) {
        const size_t part = rounds - done < meet ? rounds - done : meet;
        const sf_monitor_event event = {.stage = run != NULL ? "exchange" : "burn-in",
                                        .iteration = done += part,
                                        .total = rounds,
                                        .residual = NAN};

        SF_TRY(sf_ladders_go(l, part, run != NULL ? record : NULL, run));
        if (run != NULL) run->rounds = done;
        *stopped = !sf_monitor_call(&o->monitor, &event);
    }
    return SF_OK;
}

/* Round trips of one ladder and round: 1/(2 + 2 sum r/(1 - r)) where states mix within a round
 * (Syed et al. 2022, corollary 2). */
static void summarise(const sf_ladders *l, sf_exchange_run *r)
{
    double inefficiency = 0.0;

    for (size_t k = 0; k < l->states; k++) r->acceptance[k] = sf_ladders_acceptance(l, k);
    for (size_t k = 0; k + 1 < l->states; k++) {
        r->rejection[k] = sf_ladders_rejection(l, k);
        r->barrier += r->rejection[k];
        inefficiency += r->rejection[k] / (1.0 - r->rejection[k]);
    }
    r->ideal_round_trips = (double)r->rounds * (double)r->copies / (2.0 + 2.0 * inefficiency);
    for (size_t i = 0; i < l->count; i++) {
        r->round_trips += l->ladder[i].trips;
        for (size_t k = 0; k < l->states; k++)
            r->evaluations += l->ladder[i].chains[k]->evaluations;
    }
}

sf_status sf_exchange(sf_path *path, const sf_schedule *schedule,
                      const sf_exchange_options *options, sf_exchange_run **run)
{
    const double begun = sf_seconds();
    bool stopped = false;
    sf_ladders ladders;
    sf_status status;

    *run = NULL;
    SF_TRY(sf_ladders_create(path, schedule, options, SF_STREAM_EXCHANGE, &ladders));
    SF_GO(run_create(&ladders, path, options, run));
    SF_GO(go(&ladders, options, NULL, &stopped));
    if (stopped) SF_GO(sf_fail(SF_ERR_INTERRUPTED, "replica exchange was stopped in its burn-in"));
    sf_ladders_recount(&ladders);
    SF_GO(go(&ladders, options, *run, &stopped));
    summarise(&ladders, *run);
    (*run)->seconds = sf_seconds() - begun;
done:
    sf_ladders_destroy(&ladders);
    if (status != SF_OK) sf_exchange_release(run);
    return status;
}
