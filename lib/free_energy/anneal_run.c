/* anneal_run.c - a run's memory, and what can be read from it. */
#include "free_energy/anneal.h"

#include <string.h>

enum { MOST_ENERGIES = 1024, LEAST_ENERGIES = 64, ALL_ENERGIES = 1 << 22 };

static sf_status check(const sf_path *path, const sf_schedule *schedule, const sf_anneal_options *o)
{
    if (path == NULL) return sf_fail(SF_ERR_ARGUMENT, "annealing needs a path");
    SF_TRY(sf_schedule_check(schedule));
    if (o->chains == 0) return sf_fail(SF_ERR_ARGUMENT, "zero chains; there is at least one");
    if (o->method != SF_ANNEAL_AIS && o->method != SF_ANNEAL_SMC)
        return sf_fail(SF_ERR_ARGUMENT, "annealing method %d is none of the list", (int)o->method);
    if (o->resampling < SF_RESAMPLING_SYSTEMATIC || o->resampling > SF_RESAMPLING_MULTINOMIAL)
        return sf_fail(SF_ERR_ARGUMENT, "resampling %d is none of the list", (int)o->resampling);
    if (!(o->resample_below >= 0.0) || !(o->resample_below <= 1.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "resampling below %g of the chains; it is a share from 0 to 1",
                       o->resample_below);
    if (o->start != NULL && o->chains > o->starts) /* before any has moved */
        return sf_fail(SF_ERR_ARGUMENT, "%zu chains cannot begin at %zu starts", o->chains,
                       o->starts);
    if (!(o->checkpoint_seconds >= 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "%g seconds between checkpoints; they are not negative",
                       o->checkpoint_seconds);
    if (o->islands == 0) return sf_fail(SF_ERR_ARGUMENT, "zero islands; there is at least one");
    return SF_OK;
}

static sf_status copy_schedule(const sf_schedule *from, sf_schedule *to)
{
    SF_TRY(sf_schedule_allocate(from->count, to));
    memcpy(to->b, from->b, from->count * sizeof *to->b);
    memcpy(to->step, from->step, from->count * sizeof *to->step);
    return SF_OK;
}

/* How many chains' energies are kept: enough at every temperature, and not too many of all. */
static size_t energies_kept(size_t chains, size_t temperatures)
{
    const size_t fit = ALL_ENERGIES / temperatures;
    const size_t most = fit > MOST_ENERGIES ? MOST_ENERGIES : fit;
    const size_t wanted = most < LEAST_ENERGIES ? LEAST_ENERGIES : most;

    return chains < wanted ? chains : wanted;
}

/* SMC's chains come in whole islands. */
static sf_status fill_islands(sf_anneal_options *o)
{
    size_t rest;

    if (o->method == SF_ANNEAL_AIS) return SF_OK;
    if (o->batch == 0) o->batch = o->chains < 8 ? 2 : (o->chains + 3) / 4;
    if (o->batch == 1)
        return sf_fail(SF_ERR_ARGUMENT, "islands of one chain; resampling takes at least two");
    rest = o->chains % o->batch;
    if (rest > 0 && __builtin_add_overflow(o->chains, o->batch - rest, &o->chains))
        return sf_fail(SF_ERR_ARGUMENT, "too many chains for islands of %zu", o->batch);
    return SF_OK;
}

static sf_status allocate(sf_anneal_run *r)
{
    const size_t chains = r->options.chains, temperatures = r->schedule.count;

    SF_TRY(sf_allocate(&r->log_weight, chains, sizeof *r->log_weight));
    if (r->options.keep_samples)
        SF_TRY(sf_allocate(&r->samples, chains, r->dimension * sizeof *r->samples));
    if (sf_anneal_run_resamples(r)) {
        SF_TRY(sf_allocate(&r->ancestor, chains, sizeof *r->ancestor));
        SF_TRY(sf_allocate(&r->island, chains / r->options.batch, sizeof *r->island));
    }
    SF_TRY(sf_allocate(&r->sums, temperatures, r->islands * sizeof *r->sums));
    SF_TRY(sf_allocate(&r->sums_before, temperatures, r->islands * sizeof *r->sums));
    SF_TRY(sf_allocate(&r->seen, temperatures, sizeof *r->seen));
    SF_TRY(sf_allocate(&r->seen_before, temperatures, sizeof *r->seen));
    SF_TRY(sf_allocate(&r->reference, temperatures, sizeof *r->reference));
    r->energies = energies_kept(chains, temperatures);
    SF_TRY(sf_allocate(&r->energy, temperatures, r->energies * sizeof *r->energy));
    for (size_t i = 0; i < temperatures * r->islands; i++) sf_stage_sums_clear(r->sums + i);
    return SF_OK;
}

sf_status sf_anneal_run_create(sf_path *path, const sf_schedule *schedule,
                               const sf_anneal_options *options, sf_anneal_run **run)
{
    sf_anneal_options chosen = options != NULL ? *options : sf_anneal_options_default();
    size_t groups;
    sf_status status;

    *run = NULL;
    SF_TRY(fill_islands(&chosen));
    SF_TRY(check(path, schedule, &chosen));
    groups = chosen.method == SF_ANNEAL_SMC ? chosen.chains / chosen.batch : chosen.chains;
    SF_TRY(sf_allocate(run, 1, sizeof **run));
    (*run)->path = sf_path_retain(path);
    (*run)->options = chosen;
    (*run)->dimension = sf_path_dimension(path);
    (*run)->islands = chosen.islands < groups ? chosen.islands : groups;
    SF_GO(copy_schedule(schedule, &(*run)->schedule));
    SF_GO(allocate(*run));
done:
    if (status != SF_OK) sf_anneal_run_release(run);
    return status;
}

/* *array with room for `to` rows instead of `from`; NULL: there is none. */
static sf_status grow(void *array, size_t from, size_t to, size_t row)
{
    void *had, *wider;

    memcpy(&had, array, sizeof had);
    if (had == NULL) return SF_OK;
    SF_TRY(sf_allocate(&wider, to, row));
    memcpy(wider, had, from * row);
    sf_free(had);
    memcpy(array, &wider, sizeof wider);
    return SF_OK;
}

sf_status sf_anneal_run_grow(sf_anneal_run *run, size_t chains)
{
    sf_anneal_options wanted = run->options;

    if (__builtin_add_overflow(run->chains, chains, &wanted.chains))
        return sf_fail(SF_ERR_ARGUMENT, "%zu chains and %zu more are too many", run->chains,
                       chains);
    SF_TRY(fill_islands(&wanted));
    SF_TRY(check(run->path, &run->schedule, &wanted));
    SF_TRY(grow(&run->log_weight, run->chains, wanted.chains, sizeof *run->log_weight));
    SF_TRY(grow(&run->samples, run->chains, wanted.chains, run->dimension * sizeof *run->samples));
    SF_TRY(grow(&run->ancestor, run->chains, wanted.chains, sizeof *run->ancestor));
    if (run->island != NULL)
        SF_TRY(grow(&run->island, run->chains / wanted.batch, wanted.chains / wanted.batch,
                    sizeof *run->island));
    run->options = wanted;
    return SF_OK;
}

void sf_anneal_run_release(sf_anneal_run **run)
{
    sf_anneal_run *r = run != NULL ? *run : NULL;

    if (r == NULL) return;
    sf_path_release(&r->path);
    sf_schedule_release(&r->schedule);
    sf_free(r->log_weight);
    sf_free(r->samples);
    sf_free(r->ancestor);
    sf_free(r->island);
    sf_anneal_walk_release(&r->walk);
    sf_free(r->sums);
    sf_free(r->sums_before);
    sf_free(r->seen);
    sf_free(r->seen_before);
    sf_free(r->reference);
    sf_free(r->energy);
    sf_free(r);
    *run = NULL;
}

bool sf_anneal_run_reverse(const sf_anneal_run *run) { return run->options.reverse; }

bool sf_anneal_run_resamples(const sf_anneal_run *run)
{
    return run->options.method == SF_ANNEAL_SMC;
}

bool sf_anneal_run_interrupted(const sf_anneal_run *run) { return run->interrupted; }

size_t sf_anneal_run_chains(const sf_anneal_run *run) { return run->chains; }

const double *sf_anneal_run_log_weights(const sf_anneal_run *run) { return run->log_weight; }

const double *sf_anneal_run_samples(const sf_anneal_run *run) { return run->samples; }

const size_t *sf_anneal_run_ancestors(const sf_anneal_run *run) { return run->ancestor; }

size_t sf_anneal_run_islands(const sf_anneal_run *run)
{
    return run->island != NULL ? run->chains / run->options.batch : 0;
}

const sf_anneal_island *sf_anneal_run_island(const sf_anneal_run *run) { return run->island; }

bool sf_anneal_run_resumed(const sf_anneal_run *run) { return run->resumed; }

const char *sf_anneal_run_checkpoint_error(const sf_anneal_run *run)
{
    return run->checkpoint_error;
}

uint64_t sf_anneal_run_evaluations(const sf_anneal_run *run) { return run->evaluations; }

double sf_anneal_run_seconds(const sf_anneal_run *run) { return run->seconds; }

size_t sf_anneal_run_temperatures(const sf_anneal_run *run) { return run->schedule.count; }

sf_status sf_anneal_run_state(const sf_anneal_run *run, size_t j, sf_anneal_state *state)
{
    const bool sloped = sf_path_has_slope(run->path);
    sf_stage_sums s;

    memset(state, 0, sizeof *state);
    if (j >= run->schedule.count)
        return sf_fail(SF_ERR_ARGUMENT, "temperature %zu of %zu", j, run->schedule.count);
    s = sf_anneal_stage(run, j);
    *state = (sf_anneal_state){
        .b = run->schedule.b[j],
        .step = run->schedule.step[j],
        .log_z = sf_stage_sums_log_z(&s),
        .error = sf_stage_sums_error(&s),
        .ess = sf_stage_sums_ess(&s),
        .mean = s.count > s.zeros ? s.mean : NAN,
        .variance = sf_stage_sums_variance(&s),
        .acceptance = s.proposed > 0 ? (double)s.accepted / (double)s.proposed : NAN,
        .ancestors = s.count - s.zeros,
        .slope = sloped ? run->reference[j] + sf_stage_sums_slope(&s) : NAN,
        .slope_error = sloped ? sf_stage_sums_slope_error(&s) : NAN,
    };
    if (sf_anneal_run_resamples(run)) {
        state->error = sf_island_sums_error(run->seen + j);
        state->ess = run->seen[j].ess;
        state->resampled = run->seen[j].resampled;
        state->mean = state->variance = NAN;
    }
    return sf_separation(run->energy + j * run->energies,
                         run->chains < run->energies ? run->chains : run->energies,
                         &state->separation);
}

/* Each chain on its own, or with its whole family. */
static sf_status add_values(const sf_anneal_run *run, const double *value, double reference,
                            sf_stage_sums *s)
{
    const size_t size = run->options.batch;
    double *room;

    if (run->ancestor == NULL) {
        for (size_t i = 0; i < run->chains; i++)
            sf_stage_sums_add(s, run->log_weight[i], value[i] - reference);
        return SF_OK;
    }
    SF_TRY(sf_allocate(&room, size, 2 * sizeof *room));
    for (size_t first = 0; first < run->chains; first += size)
        sf_families_add(size, run->ancestor + first, first, run->log_weight + first, value + first,
                        reference, room, s);
    sf_free(room);
    return SF_OK;
}

sf_status sf_anneal_expectation(const sf_anneal_run *run, const double *value, double *mean,
                                double *error)
{
    sf_stage_sums s;
    double reference = NAN;

    *mean = *error = NAN;
    for (size_t i = 0; i < run->chains; i++) {
        if (!(run->log_weight[i] > -INFINITY)) continue;
        if (!isfinite(value[i]))
            return sf_fail(SF_ERR_NUMERIC, "the value of chain %zu is not finite, its weight is",
                           i);
        if (isnan(reference)) reference = value[i];
    }
    if (isnan(reference))
        return sf_fail(SF_ERR_NUMERIC, "all %zu weights are zero: nothing has a mean", run->chains);
    sf_stage_sums_clear(&s);
    SF_TRY(add_values(run, value, reference, &s));
    *mean = reference + sf_stage_sums_slope(&s);
    *error = sf_stage_sums_slope_error(&s);
    return SF_OK;
}
