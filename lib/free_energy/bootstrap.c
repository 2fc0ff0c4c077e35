/* bootstrap.c - estimates of samples that are drawn with replacement from the sample (Efron 1979,
 * doi:10.1214/aos/1176344552), and their spread. */
#include "free_energy/estimate.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#define CHUNK 512

void sf_resample(sf_random random, uint64_t sequence, const double *value, size_t count,
                 double *drawn)
{
    double uniform[CHUNK];

    for (size_t first = 0; first < count; first += CHUNK) {
        const size_t part = count - first < CHUNK ? count - first : CHUNK;

        sf_random_uniform(random, sequence, first, part, uniform);
        for (size_t i = 0; i < part; i++)
            drawn[first + i] = value[(size_t)(uniform[i] * (double)count)];
    }
}

static void summarise(double *replicate, size_t count, double estimate, sf_bootstrap *bootstrap)
{
    gsl_sort(replicate, 1, count);
    bootstrap->error = gsl_stats_sd(replicate, 1, count);
    bootstrap->bias = gsl_stats_mean(replicate, 1, count) - estimate;
    bootstrap->low = gsl_stats_quantile_from_sorted_data(replicate, 1, count, 0.025);
    bootstrap->high = gsl_stats_quantile_from_sorted_data(replicate, 1, count, 0.975);
}

sf_status sf_bootstrap_each(size_t replicates, double estimate,
                            sf_status (*once)(const void *user, uint64_t replicate, double *value),
                            const void *user, sf_bootstrap *bootstrap)
{
    double *value;
    bool failed = false;

    *bootstrap = (sf_bootstrap){NAN, NAN, NAN, NAN};
    if (replicates < 2)
        return sf_fail(SF_ERR_ARGUMENT, "a bootstrap of %zu replicates has no spread; take 200",
                       replicates);
    SF_TRY(sf_allocate(&value, replicates, sizeof *value));
#pragma omp parallel for num_threads(sf_thread_count()) schedule(static) reduction(|| : failed)
    for (size_t b = 0; b < replicates; b++)
        if (once(user, b, &value[b]) != SF_OK) failed = true;
    if (!failed) summarise(value, replicates, estimate, bootstrap);
    sf_free(value);
    return failed ? sf_fail(SF_ERR_MEMORY, "out of memory for %zu replicates", replicates) : SF_OK;
}
