/* jarzynski.c - log Z from work in one direction, log mean e^w, with its error by the delta method
 * and by bootstrap (Efron 1979, doi:10.1214/aos/1176344552), and islands held against each other.
 */
#include "free_energy/estimate.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#define STREAM            UINT64_C(0xb007) /* of random numbers: apart from those that drew paths */
#define CHUNK             512
#define LEAST_PROBABILITY 0.001

sf_jarzynski_options sf_jarzynski_options_default(void)
{
    return (sf_jarzynski_options){.islands = 1};
}

/* log mean of `count` weights drawn with replacement; -inf if all that were drawn are zero. */
static double resample(sf_random random, uint64_t replicate, const double *weight, size_t count)
{
    double uniform[CHUNK];
    sf_sum sum = {0.0, 0.0};

    for (size_t first = 0; first < count; first += CHUNK) {
        const size_t part = count - first < CHUNK ? count - first : CHUNK;

        sf_random_uniform(random, replicate, first, part, uniform);
        for (size_t i = 0; i < part; i++)
            sf_sum_add(&sum, weight[(size_t)(uniform[i] * (double)count)]);
    }
    return log(sf_sum_value(&sum) / (double)count);
}

static void summarise(double *replicate, size_t count, sf_jarzynski_report *r)
{
    gsl_sort(replicate, 1, count);
    r->bootstrap_error = gsl_stats_sd(replicate, 1, count);
    r->bootstrap_bias = gsl_stats_mean(replicate, 1, count) - r->estimate.value;
    r->bootstrap_low = gsl_stats_quantile_from_sorted_data(replicate, 1, count, 0.025);
    r->bootstrap_high = gsl_stats_quantile_from_sorted_data(replicate, 1, count, 0.975);
}

static sf_status bootstrap(const double *log_weight, const sf_jarzynski_options *options,
                           sf_jarzynski_report *r)
{
    const size_t count = r->weights.count, replicates = options->bootstraps;
    const double shift = r->weights.log_mean;
    const sf_random random = sf_random_make(options->seed, STREAM);
    double *weight = NULL, *replicate = NULL;
    sf_status status = SF_OK;

    SF_GO(sf_allocate(&weight, count, sizeof *weight));
    SF_GO(sf_allocate(&replicate, replicates, sizeof *replicate));
    for (size_t i = 0; i < count; i++)
        weight[i] = log_weight[i] > -INFINITY ? exp(log_weight[i] - shift) : 0.0;
#pragma omp parallel for num_threads(sf_thread_count()) schedule(static)
    for (size_t b = 0; b < replicates; b++)
        replicate[b] = shift + resample(random, b, weight, count);
    summarise(replicate, replicates, r);
done:
    sf_free(weight);
    sf_free(replicate);
    return status;
}

/* chi^2 of the islands' estimates about their weighted mean. An island of nothing but zeros
 * disagrees with any other. */
static sf_status compare_islands(const double *log_weight, size_t islands, sf_jarzynski_report *r)
{
    const size_t count = r->weights.count;
    double weights = 0.0, mean = 0.0, squares = 0.0;

    for (size_t i = 0; i < islands; i++) {
        const size_t first = i * (count / islands) + (i < count % islands ? i : count % islands);
        const size_t size = count / islands + (i < count % islands);
        sf_weights island;
        double precision, difference, largest;

        if (sf_log_weights_check(log_weight + first, size, "log-weights", &largest) != SF_OK) {
            r->islands_probability = 0.0;
            return SF_OK;
        }
        SF_TRY(sf_weights_measure(log_weight + first, size, &island));
        precision = 1.0 / fmax(island.error * island.error, 1e-24); /* equal weights: rounding */
        difference = island.log_mean - mean;
        weights += precision; /* a running weighted mean (West 1979, doi:10.1145/359146.359153) */
        mean += difference * precision / weights;
        squares += precision * difference * (island.log_mean - mean);
    }
    r->islands_probability = gsl_cdf_chisq_Q(squares, (double)(islands - 1));
    return SF_OK;
}

sf_status sf_jarzynski(const double *log_weight, size_t count, const sf_jarzynski_options *options,
                       sf_jarzynski_report *report)
{
    const sf_jarzynski_options chosen = options != NULL ? *options : sf_jarzynski_options_default();

    *report = (sf_jarzynski_report){.islands_probability = NAN,
                                    .bootstrap_error = NAN,
                                    .bootstrap_bias = NAN,
                                    .bootstrap_low = NAN,
                                    .bootstrap_high = NAN};
    if (chosen.islands > 1 && count / chosen.islands < 2)
        return sf_fail(SF_ERR_ARGUMENT, "%zu chains are too few for %zu islands of two or more",
                       count, chosen.islands);
    if (chosen.bootstraps == 1)
        return sf_fail(SF_ERR_ARGUMENT, "a bootstrap of one replicate has no spread; take 200");
    SF_TRY(sf_weights_measure(log_weight, count, &report->weights));
    sf_log_z_set(&report->estimate, report->weights.log_mean, report->weights.error);
    sf_log_z_judge(&report->estimate, &report->weights);
    if (chosen.islands > 1) SF_TRY(compare_islands(log_weight, chosen.islands, report));
    if (report->islands_probability < LEAST_PROBABILITY)
        sf_log_z_doubt(&report->estimate,
                       "the %zu islands disagree: by chance with a probability of %.1g",
                       chosen.islands, report->islands_probability);
    return chosen.bootstraps > 0 ? bootstrap(log_weight, &chosen, report) : SF_OK;
}
