/* anneal_checkpoint.c - a run of annealing in a file: what is done, and the batch on its way as it
 * stands at a temperature. All random numbers are addressed by what they are for, so a run that
 * goes on from there is, bit by bit, the one that was not disturbed. */
#include "free_energy/anneal_checkpoint.h"

#include "io/state.h"
#include "mcmc/chains.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC UINT64_C(0x314c414e4e414653) /* "SFANNAL1"; other bytes in another byte order */

typedef struct header {
    uint64_t fingerprint, chains, target, groups, energies, evaluations;
    double seconds;
    uint64_t batch, stage; /* of the batch on its way; batch 0: there is none */
} header;

typedef struct walk_header {
    double b;
    uint64_t stage, moves, evaluations, scored;
    double correction;
} walk_header;

/* One list of arrays serves both ways: `transfer` writes them or reads them. */
typedef struct transfer {
    sf_state_writer *writer; /* or NULL: */
    sf_state_reader *reader;
    sf_status status;
} transfer;

static void pass(transfer *t, void *array, size_t count, size_t size)
{
    if (t->status != SF_OK || array == NULL) return;
    t->status = t->writer != NULL ? sf_state_put(t->writer, array, count * size)
                                  : sf_state_get(t->reader, array, count * size);
}

static void pass_sums(transfer *t, const sf_anneal_run *run, sf_stage_sums *sums,
                      sf_island_sums *seen)
{
    pass(t, sums, run->schedule.count * run->islands, sizeof *sums);
    pass(t, seen, run->schedule.count, sizeof *seen);
}

/* What the first `chains` of a run have left. */
static void pass_run(transfer *t, const sf_anneal_run *run, size_t chains)
{
    const size_t temperatures = run->schedule.count;
    const size_t islands = run->island != NULL ? chains / run->options.batch : 0;

    pass(t, run->log_weight, chains, sizeof *run->log_weight);
    pass(t, run->samples, chains, run->dimension * sizeof *run->samples);
    pass(t, run->ancestor, chains, sizeof *run->ancestor);
    pass(t, run->island, islands, sizeof *run->island);
    pass(t, run->reference, temperatures, sizeof *run->reference);
    pass(t, run->energy, temperatures * run->energies, sizeof *run->energy);
    pass_sums(t, run, run->sums, run->seen);
}

static void pass_walk(transfer *t, const sf_anneal_run *run, const sf_anneal_walk *walk)
{
    const sf_chains *c = walk->chains;
    const size_t row = c->dimension * sizeof(double);

    pass_sums(t, run, run->sums_before, run->seen_before);
    pass(t, c->x, c->batch, row);
    pass(t, c->momentum, c->batch, row);
    pass(t, c->score0, c->batch, row);
    pass(t, c->score1, c->batch, row);
    pass(t, c->log_f0, c->batch, sizeof *c->log_f0);
    pass(t, c->log_f1, c->batch, sizeof *c->log_f1);
    pass(t, c->log_weight, c->batch, sizeof *c->log_weight);
    pass(t, c->accepted, c->batch, sizeof *c->accepted);
    pass(t, walk->population.ancestor, walk->population.size, sizeof *walk->population.ancestor);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void put_walk(transfer *t, const sf_anneal_run *run)
{
    const sf_chains *c = run->walk->chains;
    walk_header h = {c->b,           c->stage,  c->moves,
                     c->evaluations, c->scored, run->walk->population.correction};

    pass(t, &h, 1, sizeof h);
    pass_walk(t, run, run->walk);
}

sf_status sf_anneal_checkpoint_write(const sf_anneal_run *run, double seconds)
{
    header h = {.fingerprint = run->fingerprint,
                .chains = run->chains,
                .target = run->options.chains,
                .groups = run->islands,
                .energies = run->energies,
                .evaluations = run->evaluations,
                .seconds = seconds};
    sf_state_writer writer;
    transfer t = {.writer = &writer, .status = SF_OK};

    if (run->walk != NULL) {
        h.batch = run->walk->chains->batch;
        h.stage = run->walk->stage;
    }
    SF_TRY(sf_state_create(run->options.checkpoint, MAGIC, &writer));
    pass(&t, &h, 1, sizeof h);
    pass_run(&t, run, run->chains);
    if (run->walk != NULL) put_walk(&t, run);
    return sf_state_commit(&writer, t.status);
}

/* ---- reading -------------------------------------------------------------------------------- */

static sf_status get_walk(transfer *t, sf_anneal_run *run, const header *h)
{
    sf_chains *c;
    walk_header w;

    SF_TRY(sf_anneal_walk_create(run, run->chains, (size_t)h->batch, &run->walk));
    pass(t, &w, 1, sizeof w);
    pass_walk(t, run, run->walk);
    SF_TRY(t->status);
    c = run->walk->chains;
    SF_TRY(sf_chains_set_b(c, w.b));
    c->stage = w.stage;
    c->moves = w.moves;
    c->evaluations = w.evaluations;
    c->scored = w.scored != 0;
    run->walk->stage = (size_t)h->stage;
    run->walk->population.correction = w.correction;
    return SF_OK;
}

static sf_status get_all(sf_state_reader *reader, sf_anneal_run *run)
{
    const char *path = run->options.checkpoint;
    transfer t = {.reader = reader, .status = SF_OK};
    header h;

    pass(&t, &h, 1, sizeof h);
    SF_TRY(t.status);
    if (h.fingerprint != run->fingerprint || h.groups != run->islands ||
        h.energies != run->energies)
        return sf_fail(SF_ERR_FORMAT,
                       "%s was written by a run with another path, schedule, options or version: "
                       "go on with the same ones, or begin anew without it",
                       path);
    if (h.target > run->options.chains)
        SF_TRY(sf_anneal_run_grow(run, (size_t)h.target - run->chains));
    pass_run(&t, run, (size_t)h.chains);
    run->chains = (size_t)h.chains;
    run->evaluations = h.evaluations;
    run->seconds = h.seconds;
    SF_TRY(t.status);
    if (h.batch > 0) SF_TRY(get_walk(&t, run, &h));
    return SF_OK;
}

sf_status sf_anneal_checkpoint_read(sf_anneal_run *run)
{
    sf_state_reader reader;
    struct stat info;
    sf_status status;

    if (stat(run->options.checkpoint, &info) != 0 && errno == ENOENT) return SF_OK;
    SF_TRY(sf_state_open(run->options.checkpoint, MAGIC, "checkpoint of annealing", &reader));
    status = get_all(&reader, run);
    sf_state_close(&reader);
    run->resumed = status == SF_OK;
    return status;
}

/* ---- when ----------------------------------------------------------------------------------- */

/* A run is worth more than its checkpoint: what cannot be written is noted, and tried again. */
void sf_anneal_checkpoint(sf_anneal_run *run, bool now)
{
    const double clock = sf_seconds();

    if (run->options.checkpoint == NULL) return;
    if (!now && clock - run->written < run->options.checkpoint_seconds) return;
    run->checkpoint_error[0] = '\0';
    if (sf_anneal_checkpoint_write(run, run->seconds + clock - run->started) != SF_OK)
        (void)snprintf(run->checkpoint_error, sizeof run->checkpoint_error, "%s", sf_last_error());
    run->written = sf_seconds();
}
