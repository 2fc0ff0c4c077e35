/* freeenergy_exchange.c - log Z of a target by replica exchange between the base and it. */
#include "freeenergy_run.h"
#include "program.h"

#include <math.h>

/* Of the walk that places the first temperatures: neighbours that swap about every other time. */
#define EXCHANGE_CESS 0.5
#define PILOT_ROUNDS  496 /* of the stages 16, 32, ... 256 that tune them and the steps */

static sf_status tune(const freeenergy_options *o, sf_path *path, sf_monitor monitor,
                      freeenergy_result *r)
{
    sf_exchange_options tuning = sf_exchange_options_default();
    sf_pilot_options pilot = sf_pilot_options_default();
    sf_status status;

    pilot.kernel = tuning.kernel = r->kernel;
    pilot.seed = tuning.seed = o->seed;
    pilot.monitor = tuning.monitor = monitor;
    pilot.temperatures = o->temperatures > 0 ? (size_t)o->temperatures : 0;
    pilot.cess = EXCHANGE_CESS;
    pilot.start = tuning.start = r->hot.x;
    pilot.starts = tuning.starts = r->hot.count;
    tuning.rounds = PILOT_ROUNDS;
    GO(sf_schedule_pilot(path, &pilot, &r->schedule));
    GO(sf_exchange_pilot(path, &tuning, 0.0, true, &r->schedule));
    r->evaluations += r->schedule.evaluations;
done:
    return status;
}

/* The logarithm of a mean is too low on average (Jensen), so stepping stone is a bound from below
 * on its way there and, as minus the same of Z_0/Z_1, one from above on its way back. */
static void take_bounds(const sf_exchange_report *report, freeenergy_result *r)
{
    r->lower = r->base_log_z + report->forward.value;
    r->lower_error = report->forward.error;
    r->upper = r->base_log_z + report->backward.value;
    r->upper_error = report->backward.error;
}

static sf_status take_estimate(freeenergy_result *r)
{
    const size_t states = r->exchange->states;
    sf_exchange_report *report = &r->exchanged;
    sf_status status;

    GO(sf_allocate(&r->curve, states, sizeof *r->curve));
    GO(sf_allocate(&r->curve_error, states, sizeof *r->curve_error));
    GO(sf_exchange_estimate(r->exchange, r->curve, r->curve_error, report));
    r->estimate = report->estimate;
    r->estimate.value += r->base_log_z;
    take_bounds(report, r);
    r->ess = (double)(r->exchange->rounds * r->exchange->copies) / report->time;
    r->evaluations += r->exchange->evaluations;
done:
    return status;
}

sf_status freeenergy_exchange(const freeenergy_options *o, sf_path *path, sf_monitor monitor,
                              freeenergy_result *r)
{
    sf_exchange_options options = sf_exchange_options_default();
    sf_status status;

    options.kernel = r->kernel;
    options.seed = o->seed;
    options.monitor = monitor;
    options.start = r->hot.x;
    options.starts = r->hot.count;
    if (o->moves > 0) options.moves = (size_t)o->moves;
    if (o->chains > 0) options.copies = (size_t)o->chains;
    if (o->rounds > 0) options.rounds = (size_t)o->rounds;
    options.burn = options.rounds / 4;
    options.keep_samples = o->samples != NULL;
    GO(tune(o, path, monitor, r));
    GO(sf_exchange(path, &r->schedule, &options, &r->exchange));
    r->interrupted = r->exchange->rounds < options.rounds;
    status = take_estimate(r);
done:
    return status;
}
