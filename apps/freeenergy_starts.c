/* freeenergy_starts.c - where chains begin in a density without exact draws: at the weighted
 * samples of a run that ended there, moved on until they have settled. */
#include "freeenergy_run.h"
#include "program.h"

#include <math.h>
#include <string.h>

#define SETTLING_MOVES 100  /* after the way there */
#define WARMING_MOVES  1000 /* before it, where nothing else vouches for the starts */
#define LEAST_STARTS   512  /* as many as a pilot has chains */
#define SPARE          2    /* chains for a start, so that few are copies */
/* Seeds of random numbers that no other part has. */
#define START_SEED(seed) ((seed) ^ UINT64_C(0x165667b19e3779f9))
#define WARM_SEED(seed)  ((seed) ^ UINT64_C(0x85ebca779e3779b1))

/* Of which chain each of `count` starts is a copy, by systematic resampling: chain i as often as
 * its weight over the mean weight says, but for one. */
static void resample(const sf_anneal_run *run, double log_mean, size_t count, size_t *from)
{
    const double *log_weight = sf_anneal_run_log_weights(run);
    const size_t chains = sf_anneal_run_chains(run);
    const double each = (double)count / (double)chains;
    double sum = 0.0;
    size_t k = 0;

    for (size_t i = 0; i < chains; i++) {
        sum += each * exp(log_weight[i] - log_mean);
        while (k < count && (double)k + 0.5 <= sum) from[k++] = i;
    }
    for (; k < count; k++) from[k] = from[k - 1]; /* rounding */
}

/* Samples of the run in proportion to their weights. */
static sf_status choose(const sf_anneal_run *run, double log_mean, size_t n, size_t count,
                        double *start)
{
    const double *x = sf_anneal_run_samples(run);
    size_t *from;
    sf_status status;

    GO(sf_allocate(&from, count, sizeof *from));
    resample(run, log_mean, count, from);
    for (size_t k = 0; k < count; k++) memcpy(start + k * n, x + from[k] * n, n * sizeof *x);
done:
    sf_free(from);
    return status;
}

sf_status freeenergy_starts_settle(const freeenergy_options *o, sf_path *path, double step,
                                   const sf_anneal_run *run, size_t count, sf_monitor monitor,
                                   freeenergy_starts *s, freeenergy_result *r)
{
    const size_t n = sf_path_dimension(path);
    sf_weights weights;
    sf_equilibrate_options options = {.kernel = r->kernel,
                                      .chains = count,
                                      .moves = s == &r->hot ? WARMING_MOVES : SETTLING_MOVES,
                                      .seed = START_SEED(o->seed),
                                      .monitor = monitor};
    sf_status status;

    if (options.kernel.kind == SF_KERNEL_ULA) options.kernel.kind = SF_KERNEL_MALA;
    if (options.kernel.kind == SF_KERNEL_UNDERDAMPED) options.kernel.kind = SF_KERNEL_HMC;
    options.kernel.step = step;
    GO(sf_allocate(&s->x, count, n * sizeof *s->x));
    s->count = count;
    GO(sf_weights_measure(sf_anneal_run_log_weights(run), sf_anneal_run_chains(run), &weights));
    s->good = 2.0 * weights.ess >= (double)count;
    GO(choose(run, weights.log_mean, n, count, s->x));
    GO(sf_equilibrate(path, 1.0, &options, s->x, &s->report));
    s->good = s->good || s->report.settled;
    r->evaluations += s->report.evaluations;
done:
    return status;
}

/* ---- tempering --------------------------------------------------------------------------------
 */

/* From what the target suggests, or the unit normal density, to it at the path's beginning. */
static sf_status make_way(sf_path *path, const freeenergy_target *t, sf_path **way)
{
    sf_density *base = NULL, *hot = NULL;
    sf_status status = sf_density_base(t->density, &base);

    *way = NULL;
    if (status == SF_ERR_UNSUPPORTED)
        status = sf_density_gaussian(sf_density_dimension(t->density), NULL, NULL, &base);
    if (status != SF_OK) goto done;
    GO(sf_path_at(path, 0.0, &hot));
    status = sf_path_geometric(base, hot, way);
done:
    sf_density_release(&base);
    sf_density_release(&hot);
    return status;
}

/* Chains and those of whole islands that they are rounded up to. */
static size_t how_many(const freeenergy_options *o)
{
    const size_t chains = o->chains > 0 ? (size_t)o->chains : FREEENERGY_CHAINS;
    const size_t most = o->method == FREEENERGY_SMC ? 2 * chains : chains;

    return most > LEAST_STARTS ? most : LEAST_STARTS;
}

sf_status freeenergy_starts_temper(const freeenergy_options *o, sf_path *path, sf_monitor monitor,
                                   freeenergy_result *r)
{
    sf_anneal_options options = sf_anneal_options_default();
    sf_pilot_options pilot = sf_pilot_options_default();
    sf_schedule schedule = {.count = 0};
    sf_anneal_run *run = NULL;
    sf_path *way = NULL;
    sf_status status;

    pilot.kernel = options.kernel = r->kernel;
    pilot.seed = options.seed = WARM_SEED(o->seed);
    pilot.monitor = options.monitor = monitor;
    options.chains = SPARE * how_many(o);
    options.keep_samples = true;
    GO(make_way(path, &r->target, &way));
    GO(sf_schedule_pilot(way, &pilot, &schedule));
    GO(sf_anneal(way, &schedule, &options, &run));
    r->evaluations += schedule.evaluations + sf_anneal_run_evaluations(run);
    if (sf_anneal_run_interrupted(run))
        GO(sf_fail(SF_ERR_INTERRUPTED, "interrupted in the pilot: no estimate yet"));
    status = freeenergy_starts_settle(o, way, schedule.step[schedule.count - 1], run,
                                      options.chains / SPARE, monitor, &r->hot, r);
done:
    sf_anneal_run_release(&run);
    sf_schedule_release(&schedule);
    sf_path_release(&way);
    return status;
}
