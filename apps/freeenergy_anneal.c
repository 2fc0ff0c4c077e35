/* freeenergy_anneal.c - log Z of a target: a pilot that finds the base, the schedule and the steps,
 * then chains there and back with all of these frozen. */
#include "freeenergy_run.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ISLANDS        8      /* of SMC */
#define MOST_CHAINS    100000 /* for --target-error */
#define TRIALS         3      /* of a schedule */
#define SETTLING_MOVES 100    /* of the starts of the way back */
#define LEAST_STARTS   512    /* of tempering: as many as a pilot has chains */
/* The pilot's, apart from that of the production. */
#define PILOT_SEED(seed) ((seed) ^ UINT64_C(0xc2b2ae3d27d4eb4f))

/* ---- kernel and schedule --------------------------------------------------------------------- */

static sf_status choose_kernel(const freeenergy_options *o, freeenergy_result *r)
{
    const bool scored = sf_density_has_score(r->target.density);

    r->kernel = o->kernel;
    if (!o->kernel_given && !scored) r->kernel.kind = SF_KERNEL_RANDOM_WALK;
    if (!scored && r->kernel.kind != SF_KERNEL_RANDOM_WALK && r->kernel.kind != SF_KERNEL_OU)
        return sf_fail(SF_ERR_ARGUMENT,
                       "--kernel %s needs a score, which %s does not have: random-walk or ou",
                       o->kernel_text, sf_density_name(r->target.density));
    return SF_OK;
}

static sf_status read_schedule_file(const char *path, sf_schedule *schedule)
{
    double *b = NULL;
    size_t rows, columns;
    sf_status status;

    GO(sf_text_table_read(path, &b, &rows, &columns));
    if (columns != 1)
        status = sf_fail(SF_ERR_FORMAT, "%s has %zu columns; a schedule has one, from 0 to 1", path,
                         columns);
    else
        status = sf_schedule_given(b, rows, 1.0, schedule);
done:
    sf_free(b);
    return status;
}

static sf_status choose_schedule(const freeenergy_options *o, sf_path *path, sf_monitor monitor,
                                 freeenergy_result *r)
{
    sf_pilot_options pilot = sf_pilot_options_default();
    sf_schedule given = {.count = 0};
    sf_status status;

    if (o->schedule_file != NULL) GO(read_schedule_file(o->schedule_file, &given));
    pilot.kind = o->schedule;
    pilot.shape = o->shape;
    pilot.b = given.b;
    pilot.temperatures = o->temperatures > 0 ? (size_t)o->temperatures : given.count;
    pilot.trials = TRIALS;
    if (o->moves > 0) pilot.trial_moves = (size_t)o->moves;
    pilot.kernel = r->kernel;
    if (!isnan(o->step)) pilot.step = o->step;
    pilot.seed = PILOT_SEED(o->seed);
    pilot.monitor = monitor;
    pilot.start = r->hot.x;
    pilot.starts = r->hot.count;
    GO(sf_schedule_pilot(path, &pilot, &r->schedule));
    r->evaluations += r->schedule.evaluations;
done:
    sf_schedule_release(&given);
    return status;
}

/* ---- the way there --------------------------------------------------------------------------- */

/* Its log-weights, and its states from the base to the target. */
static sf_status take_side(const sf_anneal_run *run, freeenergy_side *side)
{
    sf_status status;

    side->count = sf_anneal_run_chains(run);
    side->log_weight = sf_anneal_run_log_weights(run);
    side->states = sf_anneal_run_temperatures(run);
    sf_free(side->state);
    GO(sf_allocate(&side->state, side->states, sizeof *side->state));
    for (size_t j = 0; j < side->states; j++) GO(sf_anneal_run_state(run, j, &side->state[j]));
    status = sf_weights_measure(side->log_weight, side->count, &side->weights);
done:
    return status;
}

/* Chains are added until the error is small enough, where that was asked for. */
static sf_status extend(const freeenergy_options *o, sf_anneal_run *there, sf_anneal_run *back,
                        freeenergy_result *r)
{
    const size_t most = o->most_chains > 0 ? (size_t)o->most_chains : MOST_CHAINS;
    sf_status status;

    if (isnan(o->target_error) || r->interrupted) return SF_OK;
    GO(sf_anneal_until(there, back, o->target_error, most, &r->annealed));
    r->interrupted =
        sf_anneal_run_interrupted(there) || (back != NULL && sf_anneal_run_interrupted(back));
done:
    return status;
}

static sf_status run_there(const freeenergy_options *o, sf_path *path,
                           const sf_anneal_options *options, freeenergy_result *r)
{
    sf_status status;

    GO(sf_anneal(path, &r->schedule, options, &r->run[0]));
    r->interrupted = sf_anneal_run_interrupted(r->run[0]);
    if (o->one_way || !r->exact_starts) GO(extend(o, r->run[0], NULL, r));
    status = take_side(r->run[0], &r->forward);
done:
    return status;
}

/* ---- the way back ---------------------------------------------------------------------------- */

/* "FILE.back" */
static sf_status name_checkpoint(const freeenergy_options *o, freeenergy_result *r)
{
    const size_t size = strlen(o->checkpoint) + sizeof ".back";
    sf_status status;

    GO(sf_allocate(&r->checkpoint_back, size, 1));
    (void)snprintf(r->checkpoint_back, size, "%s.back", o->checkpoint);
done:
    return status;
}

static sf_status run_back(const freeenergy_options *o, freeenergy_result *r)
{
    sf_status status;

    if (o->checkpoint != NULL) GO(name_checkpoint(o, r));
    GO(sf_anneal_back(r->run[0], SETTLING_MOVES, r->checkpoint_back, &r->cold, &r->run[1]));
    r->evaluations += r->cold.evaluations;
    r->interrupted = sf_anneal_run_interrupted(r->run[1]);
    if (r->exact_starts) status = extend(o, r->run[0], r->run[1], r);
done:
    if (status != SF_ERR_INTERRUPTED) return status;
    r->interrupted = true; /* before there was anything from the way back */
    return SF_OK;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Few enough that there is an estimate when the run is interrupted, and not too few for threads;
 * results do not depend on it. At most 2 MB of positions. */
static size_t choose_batch(size_t chains, size_t dimension)
{
    const size_t most = ((size_t)1 << 18) / dimension, part = chains / 16 > 256 ? chains / 16 : 256;

    return most < part ? (most > 0 ? most : 1) : part;
}

static sf_status run_both(const freeenergy_options *o, sf_path *path, sf_monitor monitor,
                          freeenergy_result *r)
{
    sf_anneal_options options = sf_anneal_options_default();
    sf_status status;

    options.chains = o->chains > 0 ? (size_t)o->chains : FREEENERGY_CHAINS;
    if (options.islands > options.chains / 2) options.islands = 1;
    options.moves = o->moves > 0 ? (size_t)o->moves : 1;
    options.kernel = r->kernel;
    options.seed = o->seed;
    options.start = r->hot.x;
    options.starts = r->hot.count;
    options.keep_samples = true;
    options.monitor = monitor;
    options.batch = choose_batch(options.chains, sf_density_dimension(r->target.density));
    if (o->method == FREEENERGY_SMC) {
        options.method = SF_ANNEAL_SMC;
        options.resampling = o->resampling;
        options.batch = options.chains / (o->islands > 0 ? (size_t)o->islands : ISLANDS);
        if (options.batch < 2) options.batch = 2;
    }
    options.checkpoint = o->checkpoint;
    r->exact_starts = sf_density_can_draw(r->target.density);
    GO(run_there(o, path, &options, r));
    if (!r->interrupted && !o->one_way) status = run_back(o, r);
done:
    return status;
}

/* Of resampled chains it is islands that are independent, and ancestors. */
static void conclude_islands(freeenergy_result *r)
{
    const sf_anneal_report *a = &r->annealed;

    r->forward.weights = a->forward;
    r->reverse.weights = a->reverse;
    r->ess = a->forward.ess + a->reverse.ess;
    r->lower = r->base_log_z + a->lower_bound;
    r->lower_error = a->lower_error;
    r->upper = isfinite(a->upper_bound) ? r->base_log_z + a->upper_bound : NAN;
    r->upper_error = isfinite(a->upper_bound) ? a->upper_error : NAN;
}

/* What began out of equilibrium is shown, but no part of the estimate. */
static sf_status estimate(freeenergy_result *r)
{
    sf_status status;

    r->joined = r->run[1] != NULL && r->cold.good;
    GO(sf_anneal_estimate(r->run[0], r->joined ? r->run[1] : NULL, &r->annealed));
    GO(take_side(r->run[0], &r->forward));
    if (r->run[1] != NULL) GO(take_side(r->run[1], &r->reverse));
    r->bar = r->annealed.bar;
    r->estimate = r->annealed.estimate;
    r->estimate.value += r->base_log_z;
    for (int i = 0; i < 2; i++)
        if (r->run[i] != NULL) r->evaluations += sf_anneal_run_evaluations(r->run[i]);
    sf_starts_judge(&r->hot, &r->estimate);
    freeenergy_conclude(r);
    if (r->smc) conclude_islands(r);
done:
    return status;
}

/* ---- the path -------------------------------------------------------------------------------- */

/* Of chains, and of those of whole islands that they are rounded up to. */
static size_t count_starts(const freeenergy_options *o)
{
    const size_t chains = o->chains > 0 ? (size_t)o->chains : FREEENERGY_CHAINS;
    const size_t most = o->method == FREEENERGY_SMC ? 2 * chains : chains;

    return most > LEAST_STARTS ? most : LEAST_STARTS;
}

/* To f^B0, from what f suggests or the unit normal density. */
static sf_status find_hot_starts(const freeenergy_options *o, const sf_path *path,
                                 sf_monitor monitor, freeenergy_result *r)
{
    sf_starts_options options = sf_starts_options_default();
    sf_density *base = NULL, *hot = NULL;
    sf_status status = sf_density_base(r->target.density, &base);

    if (status == SF_ERR_UNSUPPORTED)
        status = sf_density_gaussian(sf_density_dimension(r->target.density), NULL, NULL, &base);
    if (status != SF_OK) goto done;
    options.kernel = r->kernel;
    options.count = count_starts(o);
    options.seed = o->seed;
    options.monitor = monitor;
    GO(sf_path_at(path, 0.0, &hot));
    GO(sf_starts_anneal(base, hot, &options, &r->hot));
    r->evaluations += r->hot.evaluations;
done:
    sf_density_release(&base);
    sf_density_release(&hot);
    return status;
}

/* Where the target suggests no base. */
static sf_status fit_base(const freeenergy_options *o, sf_monitor monitor, freeenergy_result *r)
{
    sf_base_options options = sf_base_options_default();
    sf_base base;
    sf_status status;

    options.kernel = r->kernel;
    options.seed = o->seed;
    options.monitor = monitor;
    GO(sf_base_fit(r->target.density, &options, &base));
    r->evaluations += base.evaluations;
    status = freeenergy_target_take_base(&base, &r->target);
done:
    return status;
}

/* Between Gaussian fields by the variance of their modes. */
static sf_status vary(const freeenergy_target *t, sf_path **path)
{
    const sf_field *from = t->base != NULL ? sf_density_as_field(t->base) : NULL;
    const sf_field *to = sf_density_as_field(t->density);

    if (from != NULL && to != NULL) return sf_path_field_variance(from, to, path);
    return sf_fail(SF_ERR_ARGUMENT,
                   "--path variance leads from one Gaussian field to another: --target "
                   "field:SPECTRUM,shape=NxN --base field:SPECTRUM");
}

static sf_status choose_path(const freeenergy_options *o, sf_monitor monitor, freeenergy_result *r,
                             sf_path **path)
{
    sf_status status;

    if (o->path == FREEENERGY_TEMPERING) {
        GO(sf_path_tempering(r->target.density, o->first, path));
        GO(find_hot_starts(o, *path, monitor, r));
        (void)snprintf(r->target.base_name, sizeof r->target.base_name,
                       "f^%g, %zu chains annealed to it and moved on (R-hat %.3f)", o->first,
                       r->hot.count, r->hot.report.energy.r_hat);
        return SF_OK;
    }
    if (r->target.base == NULL && o->path != FREEENERGY_VARIANCE) GO(fit_base(o, monitor, r));
    r->base_log_z = r->target.base_log_z;
    status = o->path == FREEENERGY_VARIANCE
                 ? vary(&r->target, path)
                 : sf_path_geometric(r->target.base, r->target.density, path);
done:
    return status;
}

sf_status freeenergy_anneal(const freeenergy_options *o, sf_monitor monitor, freeenergy_result *r)
{
    const double start = program_seconds();
    sf_path *path = NULL;
    sf_status status;

    r->kt = 1.0;
    r->smc = o->method == FREEENERGY_SMC;
    GO(freeenergy_target_create(o, &r->target));
    r->evaluations = r->target.evaluations;
    GO(choose_kernel(o, r));
    GO(choose_path(o, monitor, r, &path));
    if (o->method == FREEENERGY_EXCHANGE) {
        GO(freeenergy_exchange(o, path, monitor, r));
    } else {
        GO(choose_schedule(o, path, monitor, r));
        GO(run_both(o, path, monitor, r));
        GO(estimate(r));
    }
    r->seconds = program_seconds() - start;
done:
    sf_path_release(&path);
    return status;
}
