/* weights.c - what a set of log-weights is worth: log of the mean, its error, effective sample
 * size, largest share, cumulants. */
#include "free_energy/estimate.h"

sf_status sf_log_weights_check(const double *log_weight, size_t count, const char *what,
                               double *largest)
{
    *largest = -INFINITY;
    if (count == 0) return sf_fail(SF_ERR_ARGUMENT, "there are no %s", what);
    for (size_t i = 0; i < count; i++) {
        if (log_weight[i] == INFINITY)
            return sf_fail(SF_ERR_NUMERIC, "number %zu of the %s is +inf: an infinite weight", i,
                           what);
        if (log_weight[i] > *largest) *largest = log_weight[i]; /* false for NaN */
    }
    if (*largest == -INFINITY)
        return sf_fail(
            SF_ERR_NUMERIC,
            "all %zu %s are -inf or NaN: no path ended where the other state has support", count,
            what);
    return SF_OK;
}

/* Sums of e^(w - largest), of their squares, and of w. */
static void sum_weights(const double *log_weight, double largest, sf_weights *w)
{
    sf_sum first = {0.0, 0.0}, second = {0.0, 0.0}, logs = {0.0, 0.0};
    const double count = (double)w->count;

    for (size_t i = 0; i < w->count; i++) {
        if (!(log_weight[i] > -INFINITY)) {
            w->zeros++;
            continue;
        }
        const double weight = exp(log_weight[i] - largest);

        sf_sum_add(&first, weight);
        sf_sum_add(&second, weight * weight);
        sf_sum_add(&logs, log_weight[i]);
    }
    w->log_mean = largest + log(sf_sum_value(&first) / count);
    w->ess = fmin(sf_sum_value(&first) * sf_sum_value(&first) / sf_sum_value(&second), count);
    w->error = w->count > 1 ? sqrt((count / w->ess - 1.0) / (count - 1.0)) : INFINITY;
    w->largest_share = 1.0 / sf_sum_value(&first);
    w->mean = sf_sum_value(&logs) / (double)(w->count - w->zeros);
    w->bound = w->zeros > 0 ? -INFINITY : w->mean;
}

static void expand_cumulants(const double *log_weight, sf_weights *w)
{
    const size_t used = w->count - w->zeros;
    const double n = (double)used;
    sf_sum squares = {0.0, 0.0};

    for (size_t i = 0; i < w->count; i++)
        if (log_weight[i] > -INFINITY)
            sf_sum_add(&squares, (log_weight[i] - w->mean) * (log_weight[i] - w->mean));
    w->variance = used > 1 ? sf_sum_value(&squares) / (n - 1.0) : NAN;
    w->cumulant = w->mean + 0.5 * w->variance;
    w->cumulant_error =
        used > 1 ? sqrt(w->variance / n + 0.5 * w->variance * w->variance / (n - 1.0)) : NAN;
}

sf_status sf_weights_measure(const double *log_weight, size_t count, sf_weights *weights)
{
    double largest;

    *weights = (sf_weights){.count = count};
    SF_TRY(sf_log_weights_check(log_weight, count, "log-weights", &largest));
    sum_weights(log_weight, largest, weights);
    expand_cumulants(log_weight, weights);
    return sf_pareto_k(log_weight, count, largest, &weights->pareto_k);
}
