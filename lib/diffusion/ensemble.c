/* ensemble.c - running mean and variance of samples, and a choice of the samples themselves: B. P.
 * Welford (1962), "Note on a method for calculating corrected sums of squares and products",
 * Technometrics 4, 419, doi:10.1080/00401706.1962.10490022. Every cell takes the samples in their
 * own order, so neither batches nor threads change a bit. */
#include "diffusion/ensemble.h"

#include "base/internal.h"

#include <math.h>
#include <string.h>

sf_ensemble_options sf_ensemble_options_default(void)
{
    return (sf_ensemble_options){.reservoir = 256, .chains = 1};
}

static sf_status check_options(const sf_ensemble_options *o)
{
    if (o->cells == 0 || o->chains == 0)
        return sf_fail(SF_ERR_ARGUMENT, "an ensemble of %zu chains of samples of %zu cells",
                       o->chains, o->cells);
    if (o->reservoir > 0 && o->reservoir / o->chains < 2)
        return sf_fail(SF_ERR_ARGUMENT,
                       "an ensemble that keeps %zu samples of %zu chains: keep 0, or two of each "
                       "chain at least",
                       o->reservoir, o->chains);
    return SF_OK;
}

static sf_status reserve(sf_ensemble *e)
{
    size_t samples, values;

    if (!sf_multiply_sizes(e->rows, e->chains, &samples) ||
        !sf_multiply_sizes(samples, e->cells, &values))
        return sf_fail(SF_ERR_MEMORY, "%zu samples of %zu cells are more than memory holds",
                       e->rows * e->chains, e->cells);
    SF_TRY(sf_allocate(&e->mean, e->cells, sizeof *e->mean));
    SF_TRY(sf_allocate(&e->squares, e->cells, sizeof *e->squares));
    return sf_allocate(&e->kept, values, sizeof *e->kept);
}

sf_status sf_ensemble_create(const sf_ensemble_options *options, sf_ensemble **ensemble)
{
    const char *label = options->label != NULL ? options->label : "";
    sf_status status;

    *ensemble = NULL;
    SF_TRY(check_options(options));
    SF_GO(sf_allocate(ensemble, 1, sizeof **ensemble));
    **ensemble = (sf_ensemble){.cells = options->cells,
                               .chains = options->chains,
                               .rows = options->reservoir / options->chains,
                               .label = sf_fnv(SF_FNV_BASIS, label, strlen(label)),
                               .stride = 1};
    SF_GO(reserve(*ensemble));
done:
    if (status != SF_OK) sf_ensemble_release(ensemble);
    return status;
}

void sf_ensemble_release(sf_ensemble **ensemble)
{
    if (ensemble == NULL || *ensemble == NULL) return;
    sf_free((*ensemble)->mean);
    sf_free((*ensemble)->squares);
    sf_free((*ensemble)->kept);
    sf_free(*ensemble);
    *ensemble = NULL;
}

/* ---- samples ------------------------------------------------------------------------------- */

static void update(sf_ensemble *e, size_t batch, const double *x)
{
    const size_t cells = e->cells;
    double *const mean = e->mean, *const squares = e->squares;

#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) if (batch * cells > 65536)
    for (size_t block = 0; block < cells; block += 1024) {
        const size_t end = cells - block < 1024 ? cells : block + 1024;

        for (size_t b = 0; b < batch; b++) {
            const double share = 1.0 / (double)(e->count + b + 1);

            for (size_t i = block; i < end; i++) {
                const double change = x[b * cells + i] - mean[i];

                mean[i] += change * share;
                squares[i] += change * (x[b * cells + i] - mean[i]);
            }
        }
    }
}

/* Every second draw of each chain leaves. */
static void thin(sf_ensemble *e)
{
    const size_t row = e->chains * e->cells, rows = (e->held / e->chains + 1) / 2;

    for (size_t r = 1; r < rows; r++)
        memcpy(e->kept + r * row, e->kept + 2 * r * row, row * sizeof *e->kept);
    e->held = rows * e->chains;
    e->stride *= 2;
}

static void keep(sf_ensemble *e, uint64_t number, const double *x)
{
    const uint64_t draw = number / e->chains;

    if (e->rows == 0 || draw % e->stride != 0) return;
    if (e->held == e->rows * e->chains) {
        thin(e);
        if (draw % e->stride != 0) return;
    }
    memcpy(e->kept + e->held * e->cells, x, e->cells * sizeof *x);
    e->held++;
}

sf_status sf_ensemble_add(sf_ensemble *ensemble, size_t batch, const double *x)
{
    size_t values;

    if (!sf_multiply_sizes(batch, ensemble->cells, &values))
        return sf_fail(SF_ERR_ARGUMENT, "a batch of %zu samples is more than memory holds", batch);
    SF_TRY(sf_check_finite(x, values, "samples of an ensemble"));
    update(ensemble, batch, x);
    for (size_t b = 0; b < batch; b++) keep(ensemble, ensemble->count + b, x + b * ensemble->cells);
    ensemble->count += batch;
    return SF_OK;
}

size_t sf_ensemble_count(const sf_ensemble *ensemble) { return (size_t)ensemble->count; }

const double *sf_ensemble_samples(const sf_ensemble *ensemble, size_t *count)
{
    *count = ensemble->held;
    return ensemble->kept;
}

/* ---- moments ------------------------------------------------------------------------------- */

static sf_status check_some(const sf_ensemble *e)
{
    return e->count > 0 ? SF_OK : sf_fail(SF_ERR_ARGUMENT, "an ensemble without a sample");
}

sf_status sf_ensemble_mean(const sf_ensemble *ensemble, double *mean)
{
    SF_TRY(check_some(ensemble));
    memcpy(mean, ensemble->mean, ensemble->cells * sizeof *mean);
    return SF_OK;
}

sf_status sf_ensemble_deviation(const sf_ensemble *ensemble, double *deviation)
{
    SF_TRY(check_some(ensemble));
    for (size_t i = 0; i < ensemble->cells; i++)
        deviation[i] =
            ensemble->count > 1 ? sqrt(ensemble->squares[i] / (double)(ensemble->count - 1)) : NAN;
    return SF_OK;
}
