/* freeenergy_estimate.c - the estimate and its bounds from log-weights, and log-weights from work
 * values that were measured elsewhere. */
#include "freeenergy_run.h"
#include "program.h"

#include <math.h>

void freeenergy_release(freeenergy_result *r)
{
    for (int i = 0; i < 2; i++) {
        sf_free(r->read[i]);
        sf_anneal_run_release(&r->run[i]);
    }
    sf_starts_release(&r->hot);
    sf_starts_release(&r->cold);
    sf_free(r->checkpoint_back);
    sf_exchange_release(&r->exchange);
    sf_free(r->curve);
    sf_free(r->curve_error);
    sf_free(r->forward.state);
    sf_free(r->reverse.state);
    sf_schedule_release(&r->schedule);
    freeenergy_target_release(&r->target);
}

sf_status freeenergy_estimate(const freeenergy_result *r, size_t forward, size_t reverse,
                              sf_log_z *estimate)
{
    sf_jarzynski_report one;
    sf_bar_report both;
    sf_status status;

    if (r->joined) {
        GO(sf_bar(r->forward.log_weight, forward, r->reverse.log_weight, reverse, &both));
        *estimate = both.estimate;
    } else {
        GO(sf_jarzynski(r->forward.log_weight, forward, NULL, &one));
        *estimate = one.estimate;
    }
    estimate->value += r->base_log_z;
done:
    return status;
}

/* Of the weights; of BAR, draws of either state that would do as well if the two were alike. */
static double find_ess(const freeenergy_result *r)
{
    const double forward = (double)r->forward.count, reverse = (double)r->reverse.count;

    if (!r->joined) return r->forward.weights.ess;
    return 4.0 * r->bar.overlap * forward * reverse / (forward + reverse);
}

static double mean_error(const sf_weights *w)
{
    return sqrt(w->variance / (double)(w->count - w->zeros));
}

/* log_z >= E[w] forward, and log_z <= -E[w] reverse. */
void freeenergy_conclude(freeenergy_result *r)
{
    r->ess = find_ess(r);
    r->lower = r->base_log_z + r->forward.weights.bound;
    r->lower_error = mean_error(&r->forward.weights);
    r->upper = r->upper_error = NAN;
    if (r->reverse.log_weight == NULL) return;
    r->upper = r->base_log_z - r->reverse.weights.bound;
    r->upper_error = mean_error(&r->reverse.weights);
}

static sf_status read_side(const freeenergy_options *o, const char *path, double **read,
                           freeenergy_side *side)
{
    sf_status status;

    GO(sf_work_read(path, o->unit, o->temperature, read, &side->count));
    side->log_weight = *read;
    status = sf_weights_measure(*read, side->count, &side->weights);
done:
    return status;
}

sf_status freeenergy_analyse_work(const freeenergy_options *o, freeenergy_result *r)
{
    sf_status status;

    GO(sf_thermal_energy(o->unit, o->temperature, &r->kt));
    GO(read_side(o, o->forward, &r->read[0], &r->forward));
    if (o->reverse != NULL) {
        GO(read_side(o, o->reverse, &r->read[1], &r->reverse));
        GO(sf_bar(r->forward.log_weight, r->forward.count, r->reverse.log_weight, r->reverse.count,
                  &r->bar));
        r->joined = true;
    }
    GO(freeenergy_estimate(r, r->forward.count, r->reverse.count, &r->estimate));
    freeenergy_conclude(r);
done:
    return status;
}
