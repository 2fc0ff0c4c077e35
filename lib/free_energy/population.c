/* population.c - resampling, and the variance of an island's Z from its genealogy (Lee & Whiteley
 * 2018, doi:10.1093/biomet/asy028). With W_e the share of the final weight that descends from
 * ancestor e of the start,
 *     V = 1 - c N/(N - 1) (1 - sum_e W_e^2)
 * estimates the relative variance of Z. Resampling makes N_e chains of a family with N W_e on
 * average; as their sum is fixed, chains of two families are copied less often than by chance,
 * which c makes up for: at each resampling it is multiplied by
 *     (1 - sum_e W_e^2)/(1 - sum_e W_e^2 - sum_e Var(N_e)/N^2).
 * For multinomial resampling that is N/(N - 1), and Z^2 V is unbiased; for the others it is right
 * for the mean over pairs of families. Without resampling V is (N/ESS - 1)/(N - 1). */
#include "free_energy/population.h"

#include "free_energy/resampling.h"

#include <string.h>

sf_status sf_population_create(size_t size, sf_population *population)
{
    sf_status status;

    *population = (sf_population){.size = size, .correction = 1.0, .ess = (double)size};
    SF_GO(sf_allocate(&population->ancestor, size, sizeof *population->ancestor));
    SF_GO(sf_allocate(&population->spare, size, sizeof *population->spare));
    SF_GO(sf_allocate(&population->from, size, sizeof *population->from));
    SF_GO(sf_allocate(&population->weight, size, sizeof *population->weight));
    SF_GO(sf_allocate(&population->room, size, 3 * sizeof *population->room));
    for (size_t i = 0; i < size; i++) population->ancestor[i] = i;
done:
    if (status != SF_OK) sf_population_release(population);
    return status;
}

void sf_population_release(sf_population *population)
{
    sf_free(population->ancestor);
    sf_free(population->spare);
    sf_free(population->from);
    sf_free(population->weight);
    sf_free(population->room);
    *population = (sf_population){.size = 0};
}

static double largest_of(size_t count, const double *log_weight)
{
    double largest = -INFINITY;

    for (size_t i = 0; i < count; i++) largest = fmax(largest, log_weight[i]);
    return largest;
}

/* ---- resampling ----------------------------------------------------------------------------- */

/* weight = W, normalised; log of the mean weight. False if all are zero. */
static bool normalise(sf_population *p, const double *log_weight, double *log_mean)
{
    const double largest = largest_of(p->size, log_weight);
    sf_sum sum = {0.0, 0.0};
    double squares = 0.0;

    p->ess = 0.0;
    if (largest == -INFINITY) return false;
    for (size_t i = 0; i < p->size; i++) {
        p->weight[i] = exp(log_weight[i] - largest);
        sf_sum_add(&sum, p->weight[i]);
    }
    for (size_t i = 0; i < p->size; i++) {
        p->weight[i] /= sf_sum_value(&sum);
        squares += p->weight[i] * p->weight[i];
    }
    *log_mean = largest + log(sf_sum_value(&sum) / (double)p->size);
    p->ess = fmin(1.0 / squares, (double)p->size);
    return true;
}

/* c for the resampling that is to come; a single family has no pairs. */
static void correct(sf_population *p, sf_resampling kind)
{
    const double n = (double)p->size;
    double *const places = p->room + p->size, apart = 1.0;
    const double variance =
        sf_resampling_variance(kind, p->size, p->weight, p->ancestor, p->room) / (n * n);

    for (size_t e = 0; e < p->size; e++) places[e] = 0.0;
    for (size_t k = 0; k < p->size; k++) places[p->ancestor[k]] += p->weight[k];
    for (size_t e = 0; e < p->size; e++) apart -= places[e] * places[e];
    if (apart > variance) p->correction *= apart / (apart - variance);
}

sf_status sf_population_resample(sf_population *p, sf_chains *chains, sf_resampling kind,
                                 double below, uint64_t stream, uint64_t stage)
{
    const sf_random random = sf_random_make(chains->seed, stream);
    const double n = (double)p->size;
    double log_mean;

    p->resampled = false;
    if (!normalise(p, chains->log_weight, &log_mean) || p->ess >= below * n) return SF_OK;
    correct(p, kind);
    sf_resampling_choose(kind, random, chains->first / p->size, stage * (p->size + 1), p->size,
                         p->weight, p->room, p->from);
    SF_TRY(sf_chains_select(chains, p->from));
    for (size_t i = 0; i < p->size; i++) {
        p->spare[i] = p->ancestor[p->from[i]];
        chains->log_weight[i] = log_mean;
    }
    memcpy(p->ancestor, p->spare, p->size * sizeof *p->ancestor);
    p->resampled = true;
    return SF_OK;
}

/* ---- genealogy ------------------------------------------------------------------------------ */

/* sum[e] = the weights e^(w - the largest w) of e's descendants; returns the largest. */
static double sum_families(size_t size, const size_t *ancestor, size_t first,
                           const double *log_weight, double *sum)
{
    const double largest = largest_of(size, log_weight);

    memset(sum, 0, size * sizeof *sum);
    for (size_t i = 0; i < size; i++)
        if (log_weight[i] > -INFINITY) sum[ancestor[i] - first] += exp(log_weight[i] - largest);
    return largest;
}

void sf_families_add(size_t size, const size_t *ancestor, size_t first, const double *log_weight,
                     const double *value, double reference, double *room, sf_stage_sums *sums)
{
    double *const sum = room, *const mean = room + size;
    const double largest = sum_families(size, ancestor, first, log_weight, sum);

    memset(mean, 0, size * sizeof *mean);
    for (size_t i = 0; i < size; i++) {
        const size_t e = ancestor[i] - first;

        if (log_weight[i] > -INFINITY && sum[e] > 0.0)
            mean[e] += exp(log_weight[i] - largest) / sum[e] * (value[i] - reference);
    }
    for (size_t e = 0; e < size; e++)
        sf_stage_sums_add(sums, largest + log(sum[e]), mean[e]); /* log 0: none */
}

sf_island_part sf_population_part(const sf_population *p, const double *log_weight)
{
    const double n = (double)p->size;
    const double largest = sum_families(p->size, p->ancestor, 0, log_weight, p->room);
    sf_island_part part = {.resampled = p->resampled, .ess = p->ess, .log_z = -INFINITY};
    double total = 0.0, squares = 0.0, apart;

    for (size_t e = 0; e < p->size; e++) {
        total += p->room[e];
        squares += p->room[e] * p->room[e];
        part.ancestors += p->room[e] > 0.0;
    }
    if (total == 0.0) return part;
    part.log_z = largest + log(total / n);
    apart = (1.0 - squares / (total * total)) * n / (n - 1.0);
    part.most = 1.0 - apart;
    part.variance = 1.0 - p->correction * apart;
    return part;
}
