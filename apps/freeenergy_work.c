/* freeenergy_work.c - free energies from work values that were measured elsewhere, and what both
 * ways of measuring share: the estimate and its bounds from log-weights. */
#include "freeenergy_run.h"
#include "program.h"

#include <math.h>

void freeenergy_release(freeenergy_result *r)
{
    sf_free(r->forward.log_weight);
    sf_free(r->reverse.log_weight);
}

sf_status freeenergy_estimate(const freeenergy_result *r, size_t forward, size_t reverse,
                              sf_log_z *estimate)
{
    sf_jarzynski_report one;
    sf_bar_report both;
    sf_status status;

    if (reverse > 0) {
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

static double mean_error(const sf_weights *w)
{
    return sqrt(w->variance / (double)(w->count - w->zeros));
}

/* Of the weights; of BAR, draws of either state that would do as well if the two were alike. */
static double find_ess(const freeenergy_result *r)
{
    const double forward = (double)r->forward.count, reverse = (double)r->reverse.count;

    if (r->reverse.log_weight == NULL) return r->forward.weights.ess;
    return 4.0 * r->bar.overlap * forward * reverse / (forward + reverse);
}

/* log_z >= E[w] forward, and log_z <= -E[w] reverse. */
static void find_bounds(freeenergy_result *r)
{
    r->lower = r->base_log_z + r->forward.weights.bound;
    r->lower_error = mean_error(&r->forward.weights);
    r->upper = r->upper_error = NAN;
    if (r->reverse.log_weight == NULL) return;
    r->upper = r->base_log_z - r->reverse.weights.bound;
    r->upper_error = mean_error(&r->reverse.weights);
}

sf_status freeenergy_analyse_work(const freeenergy_options *o, freeenergy_result *r)
{
    sf_status status;

    *r = (freeenergy_result){.base_log_z = 0.0};
    GO(sf_thermal_energy(o->unit, o->temperature, &r->kt));
    GO(sf_work_read(o->forward, o->unit, o->temperature, &r->forward.log_weight,
                    &r->forward.count));
    GO(sf_weights_measure(r->forward.log_weight, r->forward.count, &r->forward.weights));
    if (o->reverse != NULL) {
        GO(sf_work_read(o->reverse, o->unit, o->temperature, &r->reverse.log_weight,
                        &r->reverse.count));
        GO(sf_weights_measure(r->reverse.log_weight, r->reverse.count, &r->reverse.weights));
        GO(sf_bar(r->forward.log_weight, r->forward.count, r->reverse.log_weight, r->reverse.count,
                  &r->bar));
    }
    GO(freeenergy_estimate(r, r->forward.count, r->reverse.count, &r->estimate));
    r->ess = find_ess(r);
    find_bounds(r);
done:
    return status;
}
