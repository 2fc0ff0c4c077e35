/* freeenergy_anneal.c - log Z of a target: a pilot that finds the base, the schedule and the steps,
 * then chains there and back with all of these frozen. */
#include "freeenergy_run.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ISLANDS     8      /* of SMC */
#define MOST_CHAINS 100000 /* for --target-error */
#define FITS        3
#define FIT_ESS     100.0
#define FIT_CESS    0.95 /* of the schedule of the run that a base is fitted to */
/* Where there are no exact draws for the way back: how many effective samples of the way there are
 * a sample of the target without further proof. */
#define LEAST_STARTS 100
/* Trials of a schedule, and what they may show. */
#define TRIALS       3
#define TRIAL_CHAINS 200
#define MOST_LOSS    1.0
#define WORTHWHILE   0.7 /* of the loss before */
#define MOST_GROWTH  4.0 /* times as many temperatures */
/* Streams of random numbers: seeds of pilots differ from that of the production. */
#define FIT_SEED(seed)   ((seed) ^ UINT64_C(0x9e3779b97f4a7c15))
#define TRIAL_SEED(seed) ((seed) ^ UINT64_C(0x27d4eb2f165667c5))
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

/* The steps that another schedule has there, or between its temperatures. */
static void take_steps(const sf_schedule *from, sf_schedule *to)
{
    for (size_t j = 0, k = 0; j < to->count; j++) {
        double share;

        while (k + 2 < from->count && from->b[k + 1] < to->b[j]) k++;
        share = (to->b[j] - from->b[k]) / (from->b[k + 1] - from->b[k]);
        to->step[j] = from->step[k] * pow(from->step[k + 1] / from->step[k], share);
    }
}

/* The steps that were asked for, instead of the pilot's. */
static void set_steps(sf_schedule *schedule, double step)
{
    for (size_t j = 0; !isnan(step) && j < schedule->count; j++) schedule->step[j] = step;
}

/* Of this many temperatures; 0: as many as the pilot thinks fit. */
static sf_status make_schedule(const freeenergy_options *o, sf_path *path, size_t temperatures,
                               sf_monitor monitor, freeenergy_result *r)
{
    sf_pilot_options pilot = sf_pilot_options_default();
    sf_schedule given = {.count = 0}, piloted;
    sf_status status;

    if (o->schedule_file != NULL) GO(read_schedule_file(o->schedule_file, &given));
    pilot.kind = o->schedule;
    pilot.shape = o->shape;
    pilot.temperatures = temperatures;
    pilot.kernel = r->kernel;
    pilot.seed = PILOT_SEED(o->seed);
    pilot.monitor = monitor;
    pilot.start = r->hot.x;
    pilot.starts = r->hot.count;
    GO(sf_schedule_pilot(path, &pilot, &r->schedule));
    r->evaluations += r->schedule.evaluations;
    if (given.count > 0) {
        take_steps(&r->schedule, &given);
        piloted = r->schedule;
        r->schedule = given;
        given = piloted;
    }
    set_steps(&r->schedule, o->step);
done:
    sf_schedule_release(&given);
    return status;
}

/* How much less than one each chain is worth by the end, log(N/ESS): 1/2 the variance of normal
 * log-weights and more. */
static sf_status try_schedule(const freeenergy_options *o, sf_path *path, sf_monitor monitor,
                              freeenergy_result *r, double *loss)
{
    sf_anneal_options options = sf_anneal_options_default();
    sf_anneal_run *run = NULL;
    sf_weights weights;
    sf_status status;

    options.chains = TRIAL_CHAINS;
    options.moves = o->moves > 0 ? (size_t)o->moves : 1;
    options.kernel = r->kernel;
    options.seed = TRIAL_SEED(o->seed);
    options.start = r->hot.x;
    options.starts = r->hot.count;
    options.monitor = monitor;
    GO(sf_anneal(path, &r->schedule, &options, &run));
    r->evaluations += sf_anneal_run_evaluations(run);
    if (sf_anneal_run_interrupted(run))
        GO(sf_fail(SF_ERR_INTERRUPTED, "interrupted in the pilot: no estimate yet"));
    GO(sf_weights_measure(sf_anneal_run_log_weights(run), TRIAL_CHAINS, &weights));
    *loss = log((double)TRIAL_CHAINS / weights.ess);
done:
    sf_anneal_run_release(&run);
    return status;
}

/* The pilot takes it that moves forget; where a trial shows that they do not, there are more
 * temperatures, as long as these help. */
static sf_status choose_schedule(const freeenergy_options *o, sf_path *path, sf_monitor monitor,
                                 freeenergy_result *r)
{
    const bool given = o->temperatures > 0 || o->schedule_file != NULL;
    size_t temperatures = o->temperatures > 0 ? (size_t)o->temperatures : 0;
    double loss = 0.0, before = HUGE_VAL;
    sf_status status;

    GO(make_schedule(o, path, temperatures, monitor, r));
    for (int i = 0; i < TRIALS && !given; i++) {
        GO(try_schedule(o, path, monitor, r, &loss));
        if (loss <= MOST_LOSS || loss > WORTHWHILE * before) break;
        before = loss;
        temperatures =
            (size_t)ceil((double)r->schedule.count * fmin(loss / MOST_LOSS, MOST_GROWTH));
        sf_schedule_release(&r->schedule);
        GO(make_schedule(o, path, temperatures, monitor, r));
    }
done:
    return status;
}

/* ---- the base -------------------------------------------------------------------------------- */

/* exp(power log_weight), the largest 1; returns how many samples they are worth. */
static double flatten(const double *log_weight, size_t count, double power, double *weight)
{
    double largest = -HUGE_VAL, sum = 0.0, squares = 0.0;

    for (size_t i = 0; i < count; i++) largest = fmax(largest, log_weight[i]);
    for (size_t i = 0; i < count; i++) {
        weight[i] = log_weight[i] > -HUGE_VAL ? exp(power * (log_weight[i] - largest)) : 0.0;
        sum += weight[i];
        squares += weight[i] * weight[i];
    }
    return sum * sum / squares;
}

/* Weights of samples that a Gaussian can be fitted to: flattened, where a few would have it all and
 * its variances would be those of these few. */
static void find_fit_weights(const double *log_weight, size_t count, double *weight)
{
    double low = 0.0, high = 1.0;

    if (flatten(log_weight, count, 1.0, weight) >= FIT_ESS) return;
    for (int i = 0; i < 30; i++) {
        const double power = 0.5 * (low + high);

        if (flatten(log_weight, count, power, weight) >= FIT_ESS)
            low = power;
        else
            high = power;
    }
    (void)flatten(log_weight, count, low, weight);
}

/* Means and variances of weighted samples x. */
static void find_moments(const double *x, const double *weight, size_t chains, size_t n,
                         double *mean, double *variance)
{
    double sum = 0.0;

    for (size_t c = 0; c < chains; c++) sum += weight[c];
    for (size_t c = 0; c < chains; c++)
        for (size_t i = 0; i < n; i++) mean[i] += weight[c] / sum * x[c * n + i];
    for (size_t c = 0; c < chains; c++)
        for (size_t i = 0; i < n; i++) {
            const double away = x[c * n + i] - mean[i];

            variance[i] += weight[c] / sum * away * away;
        }
}

static sf_status fit_to(const sf_anneal_run *run, freeenergy_target *t)
{
    const size_t n = sf_density_dimension(t->density), chains = sf_anneal_run_chains(run);
    double *moments = NULL, *x = NULL, *weight = NULL;
    sf_status status;

    GO(sf_allocate(&moments, n, 2 * sizeof *moments));
    GO(sf_allocate(&x, chains, n * sizeof *x));
    memcpy(x, sf_anneal_run_samples(run), chains * n * sizeof *x);
    GO(freeenergy_target_restore(t, chains, x));
    GO(sf_allocate(&weight, chains, sizeof *weight));
    find_fit_weights(sf_anneal_run_log_weights(run), chains, weight);
    find_moments(x, weight, chains, n, moments, moments + n);
    for (size_t i = 0; i < n; i++)
        if (!(moments[n + i] > 0.0))
            GO(sf_fail(SF_ERR_NUMERIC,
                       "the pilot's samples all agree in coordinate %zu: no Gaussian fits them; "
                       "name a base, such as --base gaussian:sigma=1",
                       i));
    (void)snprintf(t->base_name, sizeof t->base_name,
                   "Gaussian with the means and variances of a pilot's samples");
    status = freeenergy_target_fit(moments, moments + n, t);
done:
    sf_free(moments);
    sf_free(x);
    sf_free(weight);
    return status;
}

/* Anneals from the base to the target and fits the next base to the samples; *effective: how many
 * these were worth. */
static sf_status fit_once(const freeenergy_options *o, sf_monitor monitor, freeenergy_result *r,
                          double *effective)
{
    sf_anneal_options options = sf_anneal_options_default();
    sf_pilot_options pilot = sf_pilot_options_default();
    sf_schedule schedule = {.count = 0};
    sf_anneal_run *run = NULL;
    sf_path *path = NULL;
    sf_anneal_state end;
    sf_status status;

    pilot.kernel = options.kernel = r->kernel;
    pilot.seed = options.seed = FIT_SEED(o->seed);
    pilot.monitor = options.monitor = monitor;
    pilot.cess = FIT_CESS;
    options.keep_samples = true;
    GO(sf_path_geometric(r->target.base, r->target.density, &path));
    GO(sf_schedule_pilot(path, &pilot, &schedule));
    GO(sf_anneal(path, &schedule, &options, &run));
    r->evaluations += schedule.evaluations + sf_anneal_run_evaluations(run);
    if (sf_anneal_run_interrupted(run))
        GO(sf_fail(SF_ERR_INTERRUPTED, "interrupted in the pilot: no estimate yet"));
    GO(sf_anneal_run_state(run, schedule.count - 1, &end));
    *effective = end.ess;
    status = fit_to(run, &r->target);
done:
    sf_anneal_run_release(&run);
    sf_schedule_release(&schedule);
    sf_path_release(&path);
    return status;
}

/* Where the target suggests no base: runs from the unit normal density, and then from what fits
 * their samples, until these are many. */
static sf_status fit_base(const freeenergy_options *o, sf_monitor monitor, freeenergy_result *r)
{
    const size_t n = sf_density_dimension(r->target.density);
    double effective = 0.0;
    sf_status status;

    GO(sf_density_gaussian(n, NULL, NULL, &r->target.base));
    for (int i = 0; i < FITS && effective < FIT_ESS; i++) GO(fit_once(o, monitor, r, &effective));
done:
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

/* As many starts as the samples of the way there are worth, so that none is another's copy; where
 * that is few, as many as there are chains, and then they must settle. */
static sf_status find_starts(const freeenergy_options *o, sf_path *path, sf_anneal_options *options,
                             freeenergy_result *r)
{
    const double ancestors = (double)r->forward.state[r->forward.states - 1].ancestors;
    const double worth = fmin(r->forward.weights.ess, ancestors);
    const bool enough = worth >= LEAST_STARTS;
    size_t count = enough ? (size_t)worth : r->forward.count;
    sf_status status;

    if (options->method == SF_ANNEAL_SMC) { /* whole islands, as many as before */
        options->batch = count * options->batch / r->forward.count;
        if (options->batch < 2) options->batch = 2;
        count -= count % options->batch;
    }
    GO(freeenergy_starts_settle(o, path, r->schedule.step[r->schedule.count - 1], r->run[0], count,
                                options->monitor, &r->cold, r));
    r->good_starts = enough || r->cold.report.settled;
    options->start = r->cold.x;
    options->chains = options->starts = count;
    if (options->islands > count / 2) options->islands = 1;
done:
    return status;
}

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

static sf_status run_back(const freeenergy_options *o, sf_path *path, sf_anneal_options options,
                          freeenergy_result *r)
{
    sf_status status;

    options.start = NULL;
    options.starts = 0;
    r->good_starts = r->exact_starts;
    if (!r->exact_starts) GO(find_starts(o, path, &options, r));
    if (o->checkpoint != NULL) GO(name_checkpoint(o, r));
    options.checkpoint = r->checkpoint_back;
    options.reverse = true;
    options.keep_samples = false;
    GO(sf_anneal(path, &r->schedule, &options, &r->run[1]));
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
    if (!r->interrupted && !o->one_way) status = run_back(o, path, options, r);
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

    r->joined = r->run[1] != NULL && r->good_starts;
    GO(sf_anneal_estimate(r->run[0], r->joined ? r->run[1] : NULL, &r->annealed));
    GO(take_side(r->run[0], &r->forward));
    if (r->run[1] != NULL) GO(take_side(r->run[1], &r->reverse));
    r->bar = r->annealed.bar;
    r->estimate = r->annealed.estimate;
    r->estimate.value += r->base_log_z;
    for (int i = 0; i < 2; i++)
        if (r->run[i] != NULL) r->evaluations += sf_anneal_run_evaluations(r->run[i]);
    freeenergy_conclude(r);
    if (r->smc) conclude_islands(r);
done:
    return status;
}

/* What is begun at B0 must have settled there, or else all that follows is of other states. */
static void doubt_hot_starts(freeenergy_result *r)
{
    if (r->hot.x == NULL || r->hot.good || !r->estimate.reliable) return;
    r->estimate.reliable = false;
    (void)snprintf(r->estimate.verdict, sizeof r->estimate.verdict,
                   "the chains that begin at the other temperature have not settled (R-hat %.3f)",
                   r->hot.report.energy.r_hat);
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
        GO(freeenergy_starts_temper(o, *path, monitor, r));
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
    GO(choose_kernel(o, r));
    GO(choose_path(o, monitor, r, &path));
    if (o->method == FREEENERGY_EXCHANGE) {
        GO(freeenergy_exchange(o, path, monitor, r));
    } else {
        GO(choose_schedule(o, path, monitor, r));
        GO(run_both(o, path, monitor, r));
        GO(estimate(r));
        doubt_hot_starts(r);
    }
    r->seconds = program_seconds() - start;
done:
    sf_path_release(&path);
    return status;
}
