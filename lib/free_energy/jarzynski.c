/* jarzynski.c - log Z from work in one direction, log mean e^w, with its error by the delta method
 * and by bootstrap, and islands held against each other. */
#include "free_energy/estimate.h"

#include <gsl/gsl_cdf.h>

#define LEAST_PROBABILITY 0.001

sf_jarzynski_options sf_jarzynski_options_default(void)
{
    return (sf_jarzynski_options){.islands = 1};
}

typedef struct sample {
    const double *weight; /* e^(w - shift) */
    size_t count;
    double shift;
    sf_random random;
} sample;

/* log mean of weights drawn with replacement; -inf if all that were drawn are zero. */
static sf_status replicate_once(const void *user, uint64_t replicate, double *value)
{
    const sample *s = user;
    sf_sum sum = {0.0, 0.0};
    double *drawn;

    SF_TRY(sf_allocate(&drawn, s->count, sizeof *drawn));
    sf_resample(s->random, replicate, s->weight, s->count, drawn);
    for (size_t i = 0; i < s->count; i++) sf_sum_add(&sum, drawn[i]);
    sf_free(drawn);
    *value = s->shift + log(sf_sum_value(&sum) / (double)s->count);
    return SF_OK;
}

static sf_status bootstrap(const double *log_weight, const sf_jarzynski_options *options,
                           sf_jarzynski_report *r)
{
    const size_t count = r->weights.count;
    double *weight;
    sample s = {.count = count,
                .shift = r->weights.log_mean,
                .random = sf_random_make(options->seed, SF_STREAM_BOOTSTRAP)};
    sf_status status;

    SF_TRY(sf_allocate(&weight, count, sizeof *weight));
    for (size_t i = 0; i < count; i++)
        weight[i] = log_weight[i] > -INFINITY ? exp(log_weight[i] - s.shift) : 0.0;
    s.weight = weight;
    status = sf_bootstrap_each(options->bootstraps, r->estimate.value, replicate_once, &s,
                               &r->bootstrap);
    sf_free(weight);
    return status;
}

/* Analysis of variance: Fisher's F of the islands' mean weights, by the variance within all of
 * them. An island's own variance goes with its mean where weights have long tails, and would find
 * islands at odds that are not. */
static double compare_islands(const double *log_weight, size_t islands, const sf_weights *w)
{
    const double count = (double)w->count, apart = (double)islands;
    double between = 0.0, within = 0.0;

    for (size_t i = 0, first = 0; i < islands; i++) {
        const size_t size = w->count / islands + (i < w->count % islands);
        double mean = 0.0, squares = 0.0;

        for (size_t k = 0; k < size; k++) {
            const double log_value = log_weight[first + k] - w->log_mean;
            const double value = log_value > -INFINITY ? exp(log_value) : 0.0;
            const double difference = value - mean;

            mean += difference / (double)(k + 1); /* West 1979, doi:10.1145/359146.359153 */
            squares += difference * (value - mean);
        }
        within += squares / (count - apart);
        between += (double)size * (mean - 1.0) * (mean - 1.0) / (apart - 1.0);
        first += size;
    }
    within = fmax(within, 1e-24); /* equal weights: rounding */
    return gsl_cdf_fdist_Q(between / within, apart - 1.0, count - apart);
}

sf_status sf_jarzynski(const double *log_weight, size_t count, const sf_jarzynski_options *options,
                       sf_jarzynski_report *report)
{
    const sf_jarzynski_options chosen = options != NULL ? *options : sf_jarzynski_options_default();

    *report = (sf_jarzynski_report){.islands_probability = NAN, .bootstrap = {NAN, NAN, NAN, NAN}};
    if (chosen.islands > 1 && count / chosen.islands < 2)
        return sf_fail(SF_ERR_ARGUMENT, "%zu chains are too few for %zu islands of two or more",
                       count, chosen.islands);
    SF_TRY(sf_weights_measure(log_weight, count, &report->weights));
    sf_log_z_set(&report->estimate, report->weights.log_mean, report->weights.error);
    sf_log_z_judge(&report->estimate, &report->weights);
    if (chosen.islands > 1)
        report->islands_probability = compare_islands(log_weight, chosen.islands, &report->weights);
    if (report->islands_probability < LEAST_PROBABILITY)
        sf_log_z_doubt(&report->estimate,
                       "the %zu islands disagree: by chance with a probability of %.1g",
                       chosen.islands, report->islands_probability);
    return chosen.bootstraps > 0 ? bootstrap(log_weight, &chosen, report) : SF_OK;
}
