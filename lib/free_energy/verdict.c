/* verdict.c - whether an estimate's error bar can be believed, and the sentence that says why not.
 */
#include "free_energy/estimate.h"

#include <stdarg.h>
#include <stdio.h>

void sf_log_z_set(sf_log_z *log_z, double value, double error)
{
    log_z->value = value;
    log_z->error = error;
    log_z->reliable = true;
    (void)snprintf(log_z->verdict, sizeof log_z->verdict, "reliable");
}

void sf_log_z_doubt(sf_log_z *log_z, const char *format, ...)
{
    va_list values;

    if (!log_z->reliable) return;
    log_z->reliable = false;
    va_start(values, format);
    (void)vsnprintf(log_z->verdict, sizeof log_z->verdict, format, values);
    va_end(values);
}

void sf_log_z_judge(sf_log_z *log_z, const sf_weights *w)
{
    if (w->ess < SF_LEAST_ESS)
        sf_log_z_doubt(log_z, "the %zu weights are worth %.1f samples, fewer than %g", w->count,
                       w->ess, SF_LEAST_ESS);
    if (w->largest_share > SF_LARGEST_SHARE)
        sf_log_z_doubt(log_z, "one weight of %zu holds %.0f %% of their sum", w->count,
                       100.0 * w->largest_share);
    if (w->pareto_k > SF_LARGEST_K)
        sf_log_z_doubt(log_z,
                       "the largest weights have a Pareto tail of shape %.2f, above %g: their "
                       "variance is infinite or might as well be",
                       w->pareto_k, SF_LARGEST_K);
}
