/* diagnostics.c - what a residual says: chi^2, whiteness, flux. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <math.h>
#include <string.h>

#define LAGS 5

sf_status sf_observation_misfit(const sf_observation *o, const double *scene, double *misfit)
{
    SF_TRY(sf_observation_blur(o, scene, misfit));
    for (size_t i = 0; i < sf_grid_size(&o->scene); i++)
        misfit[i] = (o->data[i] - misfit[i]) * sqrt(o->weight[i]) / o->noise;
    return SF_OK;
}

sf_status sf_observation_residual(const sf_observation *o, const double *scene, double *residual)
{
    const size_t cells = sf_grid_size(&o->scene);
    double *misfit = NULL;
    sf_status status;

    SF_GO(sf_allocate(&misfit, cells, sizeof *misfit));
    SF_GO(sf_observation_misfit(o, scene, misfit));
    for (size_t i = 0; i < cells; i++)
        if (!(o->weight[i] > 0.0)) misfit[i] = NAN;
    SF_GO(sf_observation_pick(o, misfit, residual));
done:
    sf_free(misfit);
    return status;
}

/* sum of r(p) r(p + lag), over the pairs of observed pixels. */
static double pair_sum(const sf_grid *grid, const double *r, int rows, int columns, size_t *pairs)
{
    const long ny = (long)grid->shape[0], nx = (long)grid->shape[1];
    const long first = columns < 0 ? -columns : 0, last = columns > 0 ? nx - columns : nx;
    double sum = 0.0;

    *pairs = 0;
    for (long y = 0; y + rows < ny; y++)
        for (long x = first; x < last; x++) {
            const double t = r[y * nx + x] * r[(y + rows) * nx + x + columns];
            if (isnan(t)) continue;
            sum += t;
            ++*pairs;
        }
    return sum;
}

/* Autocorrelation at every lag of the half plane up to LAGS: for white noise each is normal with
 * variance 1/pairs, and they are independent of one another (Box & Pierce 1970). */
static void whiteness(const sf_grid *grid, const double *residual, sf_diagnostics *d)
{
    size_t pairs = 0;
    const double variance = pair_sum(grid, residual, 0, 0, &pairs) / (double)pairs;
    double sum = 0.0, largest = 0.0;
    int lags = 0;

    for (int rows = 0; rows <= LAGS; rows++)
        for (int columns = rows == 0 ? 1 : -LAGS; columns <= LAGS; columns++) {
            const double product = pair_sum(grid, residual, rows, columns, &pairs);
            double correlation, z;
            if (pairs == 0 || !(variance > 0.0)) continue;
            correlation = product / (variance * (double)pairs);
            z = correlation * sqrt((double)pairs);
            sum += z * z;
            lags++;
            if (fabs(z) <= largest) continue;
            largest = fabs(z);
            d->correlation = correlation;
            d->correlation_z = z;
            d->lag[0] = rows;
            d->lag[1] = columns;
        }
    d->whiteness_z = lags > 0 ? (sum - lags) / sqrt(2.0 * lags) : NAN;
}

/* Fluxes and the lowest value over the observed pixels; a cell counts as a pixel of its brightness.
 */
static sf_status fluxes(const sf_observation *o, const double *scene, sf_diagnostics *d)
{
    const size_t cells = sf_grid_size(&o->scene);
    const double pixel = pow((double)o->upsample, o->scene.axes);
    double *blurred = NULL, variance = 0.0, bottom = INFINITY;
    sf_status status;

    SF_GO(sf_allocate(&blurred, cells, sizeof *blurred));
    SF_GO(sf_observation_blur(o, scene, blurred));
    for (size_t i = 0; i < cells; i++) {
        if (!(o->weight[i] > 0.0)) continue;
        d->flux_frame += o->data[i];
        d->flux_model += blurred[i];
        variance += 1.0 / o->weight[i];
        bottom = fmin(bottom, pixel * scene[i]);
    }
    d->flux_ratio = d->flux_model / d->flux_frame;
    d->flux_error = o->noise * sqrt(variance);
    d->hollow = fmax(o->summary.lowest - bottom, 0.0) / o->noise;
done:
    sf_free(blurred);
    return status;
}

static sf_status chi_squared(const sf_observation *o, const double *scene, sf_diagnostics *d)
{
    sf_goodness goodness;
    double *misfit = NULL;
    sf_status status;

    SF_GO(sf_allocate(&misfit, sf_grid_size(&o->scene), sizeof *misfit));
    SF_GO(sf_observation_misfit(o, scene, misfit));
    sf_observation_chi_squared(o, misfit, &goodness);
    d->chi_squared = goodness.value / goodness.expected;
    d->chi_squared_z = (goodness.value - goodness.expected) / sqrt(goodness.variance);
done:
    sf_free(misfit);
    return status;
}

sf_status sf_diagnose(const sf_observation *o, const double *scene, sf_diagnostics *d)
{
    double *residual = NULL;
    sf_status status;

    memset(d, 0, sizeof *d);
    if (o->frame.axes != 2)
        return sf_fail(SF_ERR_SHAPE, "diagnostics are for frames of 2 axes, not %d", o->frame.axes);
    SF_GO(sf_allocate(&residual, sf_grid_size(&o->frame), sizeof *residual));
    SF_GO(sf_observation_residual(o, scene, residual));
    d->observed = o->observed;
    SF_GO(chi_squared(o, scene, d));
    whiteness(&o->frame, residual, d);
    SF_GO(fluxes(o, scene, d));
done:
    sf_free(residual);
    return status;
}
