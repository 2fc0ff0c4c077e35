/* base_fit.c - a Gaussian around a target that is known by its samples alone: chains are annealed
 * to it from a first guess, and the means and variances of where they end are the next one. */
#include "free_energy/anneal.h"

#include <string.h>

#define BISECTIONS 30

sf_base_options sf_base_options_default(void)
{
    return (sf_base_options){
        .kernel = sf_kernel_default(), .fits = 3, .effective = 100.0, .chains = 1000, .cess = 0.95};
}

/* ---- what samples say ----------------------------------------------------------------------- */

/* weight = exp(power log_weight), the largest 1; returns how many samples they are worth. */
static double flatten(const double *log_weight, size_t count, double power, double *weight)
{
    double largest = -INFINITY, sum = 0.0, squares = 0.0;

    for (size_t i = 0; i < count; i++) largest = fmax(largest, log_weight[i]);
    for (size_t i = 0; i < count; i++) {
        weight[i] = log_weight[i] > -INFINITY ? exp(power * (log_weight[i] - largest)) : 0.0;
        sum += weight[i];
        squares += weight[i] * weight[i];
    }
    return sum * sum / squares;
}

/* Weights that are worth `effective` samples, if need be flattened; returns what they are worth as
 * they are. */
static double find_weights(const double *log_weight, size_t count, double effective, double *weight)
{
    const double worth = flatten(log_weight, count, 1.0, weight);
    double low = 0.0, high = 1.0;

    if (worth >= effective) return worth;
    for (int i = 0; i < BISECTIONS; i++) {
        const double power = 0.5 * (low + high);

        if (flatten(log_weight, count, power, weight) >= effective)
            low = power;
        else
            high = power;
    }
    (void)flatten(log_weight, count, low, weight);
    return worth;
}

/* Of weighted samples x (count x n). */
static sf_status find_moments(const double *x, const double *weight, size_t count, sf_base *base)
{
    const size_t n = base->dimension;
    double sum = 0.0;

    memset(base->mean, 0, n * sizeof *base->mean);
    memset(base->scale, 0, n * sizeof *base->scale);
    for (size_t c = 0; c < count; c++) sum += weight[c];
    for (size_t c = 0; c < count; c++)
        for (size_t i = 0; i < n; i++) base->mean[i] += weight[c] / sum * x[c * n + i];
    for (size_t c = 0; c < count; c++)
        for (size_t i = 0; i < n; i++) {
            const double away = x[c * n + i] - base->mean[i];

            base->scale[i] += weight[c] / sum * away * away;
        }
    for (size_t i = 0; i < n; i++) {
        if (!(base->scale[i] > 0.0))
            return sf_fail(SF_ERR_NUMERIC,
                           "the pilot's samples all agree in coordinate %zu: no Gaussian fits "
                           "them; name a base that is as wide as the target",
                           i);
        base->scale[i] = sqrt(base->scale[i]);
    }
    return SF_OK;
}

/* The base of a run from the one before, in whose coordinates its samples are. */
static sf_status fit_to(const sf_anneal_run *run, const sf_base_options *o, sf_base *base)
{
    const size_t n = base->dimension, chains = run->chains;
    double *x = NULL, *weight = NULL;
    sf_status status;

    SF_GO(sf_copy_memory(run->samples, chains, n * sizeof *x, &x));
    if (base->fits > 0) SF_GO(sf_affine_apply(n, base->mean, base->scale, NULL, chains, x));
    SF_GO(sf_allocate(&weight, chains, sizeof *weight));
    base->effective = find_weights(run->log_weight, chains, o->effective, weight);
    SF_GO(find_moments(x, weight, chains, base));
    base->fits++;
done:
    sf_free(x);
    sf_free(weight);
    return status;
}

/* ---- fits ----------------------------------------------------------------------------------- */

/* From N(0, 1) to the density, both in the coordinates of the base before. */
static sf_status make_path(sf_density *density, const sf_base *base, sf_path **path)
{
    sf_density *round = NULL, *normal = NULL;
    sf_status status;

    if (base->fits > 0)
        SF_GO(sf_density_affine(density, base->mean, base->scale, NULL, &round));
    else
        round = sf_density_retain(density);
    SF_GO(sf_density_gaussian(base->dimension, NULL, NULL, &normal));
    SF_GO(sf_path_geometric(normal, round, path));
done:
    sf_density_release(&round);
    sf_density_release(&normal);
    return status;
}

static sf_status fit_once(sf_density *density, const sf_base_options *o, sf_base *base)
{
    sf_anneal_options options = sf_anneal_options_default();
    sf_pilot_options pilot = sf_pilot_options_default();
    sf_schedule schedule = {.count = 0};
    sf_anneal_run *run = NULL;
    sf_path *path = NULL;
    sf_status status;

    pilot.kernel = options.kernel = o->kernel;
    pilot.seed = options.seed = SF_SEED_FIT(o->seed);
    pilot.monitor = options.monitor = o->monitor;
    pilot.cess = o->cess;
    options.chains = o->chains;
    options.keep_samples = true;
    SF_GO(make_path(density, base, &path));
    SF_GO(sf_schedule_pilot(path, &pilot, &schedule));
    SF_GO(sf_anneal_whole(path, &schedule, &options, &run));
    base->evaluations += schedule.evaluations + run->evaluations;
    SF_GO(fit_to(run, o, base));
done:
    sf_anneal_run_release(&run);
    sf_schedule_release(&schedule);
    sf_path_release(&path);
    return status;
}

static sf_status check(const sf_density *density, const sf_base_options *o)
{
    if (density == NULL) return sf_fail(SF_ERR_ARGUMENT, "a base fits a density; there is none");
    if (o->fits == 0 || o->chains < 2 || !(o->effective > 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "%zu fits of %zu chains that are worth %g; there are at least 1 and 2, and "
                       "they are worth more than 0",
                       o->fits, o->chains, o->effective);
    if (sf_density_period(density) != 0.0)
        return sf_fail(SF_ERR_ARGUMENT,
                       "no Gaussian fits density %s, which is of angles; all angles alike are its "
                       "base",
                       sf_density_name(density));
    return SF_OK;
}

sf_status sf_base_fit(sf_density *density, const sf_base_options *options, sf_base *base)
{
    const sf_base_options chosen = options != NULL ? *options : sf_base_options_default();
    sf_status status;

    *base = (sf_base){.dimension = 0};
    SF_GO(check(density, &chosen));
    base->dimension = sf_density_dimension(density);
    SF_GO(sf_allocate(&base->mean, base->dimension, sizeof *base->mean));
    SF_GO(sf_allocate(&base->scale, base->dimension, sizeof *base->scale));
    while (base->fits < chosen.fits && base->effective < chosen.effective)
        SF_GO(fit_once(density, &chosen, base));
done:
    if (status != SF_OK) sf_base_release(base);
    return status;
}

void sf_base_release(sf_base *base)
{
    if (base == NULL) return;
    sf_free(base->mean);
    sf_free(base->scale);
    *base = (sf_base){.dimension = 0};
}
