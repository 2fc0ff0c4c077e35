/* diagnostics.c - what a residual says: chi^2, whiteness, flux. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#define LAGS 5

sf_status sf_observation_misfit(const sf_observation *o, const double *scene, double *misfit)
{
    SF_TRY(sf_observation_blur(o, scene, misfit));
    for (size_t i = 0; i < o->values; i++)
        misfit[i] = (o->data[i] - misfit[i]) * sqrt(o->weight[i]) / o->noise;
    return sf_observation_whiten(o, misfit);
}

sf_status sf_observation_residual(const sf_observation *o, const double *scene, double *residual)
{
    double *misfit = NULL;
    sf_status status;

    o = sf_observation_exposure(o, 0);
    const size_t cells = o->values;
    SF_GO(sf_allocate(&misfit, cells, sizeof *misfit));
    SF_GO(sf_observation_misfit(o, scene, misfit));
    for (size_t i = 0; i < cells; i++)
        if (!(o->weight[i] > 0.0)) misfit[i] = NAN;
    SF_GO(sf_observation_pick(o, misfit, residual));
done:
    sf_free(misfit);
    return status;
}

/* ---- sums over a part of a frame ------------------------------------------------------------- */

/* A box of a frame with its residuals there, NaN where unobserved. */
typedef struct box {
    const sf_grid *frame;
    size_t first[2], shape[2];
    const double *residual;
} box;

static size_t pixel_of(const box *b, size_t row, size_t column)
{
    return (b->first[0] + row) * b->frame->shape[1] + b->first[1] + column;
}

/* Adds r(p) r(p + lag) over the pairs of observed pixels. */
static void add_pairs(const box *b, int rows, int columns, double *product, double *pairs)
{
    const long ny = (long)b->shape[0], nx = (long)b->shape[1];
    const long first = columns < 0 ? -columns : 0, last = columns > 0 ? nx - columns : nx;
    double sum = 0.0;

    for (long y = 0; y + rows < ny; y++)
        for (long x = first; x < last; x++) {
            const size_t here = pixel_of(b, (size_t)y, (size_t)x);
            const size_t there = pixel_of(b, (size_t)(y + rows), (size_t)(x + columns));
            const double t = b->residual[here] * b->residual[there];
            if (isnan(t)) continue;
            sum += t;
            *pairs += 1.0;
        }
    *product += sum;
}

/* Lag number 0 ... SF_DIAGNOSTICS_LAGS - 1 of the half plane up to LAGS pixels away. */
static void find_lag(int number, int lag[2])
{
    const int place = number + LAGS + 1; /* from (0, -LAGS) on */

    lag[0] = place / (2 * LAGS + 1);
    lag[1] = place % (2 * LAGS + 1) - LAGS;
}

/* Fluxes and the lowest value over the box's observed pixels; a cell counts as a pixel of its
 * brightness. */
static void add_fluxes(const sf_observation *o, const box *b, const double *blurred,
                       const double *scene, sf_diagnostics_sums *sums)
{
    const double pixel = pow((double)o->upsample, o->scene.axes);

    for (size_t row = 0; row < b->shape[0]; row++)
        for (size_t column = 0; column < b->shape[1]; column++) {
            const size_t i = pixel_of(b, row, column);
            const double r = b->residual[i];
            size_t cell;
            if (isnan(r)) continue;
            cell = sf_observation_cell(o, i);
            sums->observed += 1.0;
            sums->squares += r * r;
            sf_observation_expect_square(o, cell, blurred[cell], &sums->expected, &sums->spread);
            sums->flux_frame += o->data[cell];
            sums->flux_model += blurred[cell];
            sums->variance += o->noise * o->noise / o->weight[cell];
            sums->lowest = fmin(sums->lowest, pixel * scene[cell]);
        }
}

static sf_status check_box(const sf_observation *o, const size_t *first, const size_t *shape)
{
    if (o->frame.axes != 2)
        return sf_fail(SF_ERR_SHAPE, "diagnostics are for frames of 2 axes, not %d", o->frame.axes);
    if (first != NULL && o->exposures > 1)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "a box of a frame, of %zu joined exposures: name one by "
                       "sf_observation_exposure",
                       o->exposures);
    for (int a = 0; first != NULL && a < 2; a++)
        if (first[a] > o->frame.shape[a] || shape[a] > o->frame.shape[a] - first[a])
            return sf_fail(SF_ERR_SHAPE, "a box of %zu pixels from %zu on is not in a frame of %zu",
                           shape[a], first[a], o->frame.shape[a]);
    return SF_OK;
}

/* Of sampled frequencies: the flux is the zero frequency, and no pixel is a neighbour of another.
 */
static sf_status add_modes(const sf_observation *o, const double *scene, sf_diagnostics_sums *sums)
{
    const double zero = creal(o->transfer[0]), cells = (double)sf_grid_size(&o->scene);
    double *misfit = NULL;
    sf_goodness goodness;
    sf_status status;

    SF_GO(sf_allocate(&misfit, sf_grid_size(&o->scene), sizeof *misfit));
    SF_GO(sf_observation_misfit(o, scene, misfit));
    sf_observation_chi_squared(o, misfit, &goodness);
    sums->observed += goodness.expected;
    sums->squares += goodness.value;
    sums->expected += goodness.expected;
    sums->spread += goodness.variance;
    if (!(zero > 0.0)) goto done;
    sums->flux_frame += creal(o->back[0]) / (zero * zero);
    for (size_t i = 0; i < sf_grid_size(&o->scene); i++) sums->flux_model += scene[i];
    sums->variance += o->noise * o->noise * cells / (zero * zero);
done:
    sf_free(misfit);
    return status;
}

/* Of one exposure. */
static sf_status add_box(const sf_observation *o, const double *scene, const size_t *first,
                         const size_t *shape, sf_diagnostics_sums *sums)
{
    box b = {.frame = &o->frame};
    double *residual = NULL, *blurred = NULL;
    sf_status status;

    for (int a = 0; a < 2; a++) {
        b.first[a] = first != NULL ? first[a] : 0;
        b.shape[a] = first != NULL ? shape[a] : o->frame.shape[a];
    }
    SF_GO(sf_allocate(&residual, sf_grid_size(&o->frame), sizeof *residual));
    SF_GO(sf_allocate(&blurred, sf_grid_size(&o->scene), sizeof *blurred));
    SF_GO(sf_observation_residual(o, scene, residual));
    SF_GO(sf_observation_blur(o, scene, blurred));
    b.residual = residual;
    add_fluxes(o, &b, blurred, scene, sums);
    for (int i = 0; i < SF_DIAGNOSTICS_LAGS; i++) {
        int lag[2];
        find_lag(i, lag);
        add_pairs(&b, lag[0], lag[1], &sums->product[i], &sums->pairs[i]);
    }
done:
    sf_free(residual);
    sf_free(blurred);
    return status;
}

sf_status sf_diagnostics_add(const sf_observation *o, const double *scene, const size_t *first,
                             const size_t *shape, sf_diagnostics_sums *sums)
{
    SF_TRY(check_box(o, first, shape));
    if (o->fourier && first == NULL) return add_modes(o, scene, sums);
    if (o->fourier)
        return sf_fail(SF_ERR_UNSUPPORTED, "a box of pixels has no diagnostics where frequencies "
                                           "were observed: take all of the frame");
    for (size_t e = 0; e < o->exposures; e++)
        SF_TRY(add_box(sf_observation_exposure(o, e), scene, first, shape, sums));
    return SF_OK;
}

/* ---- what they say --------------------------------------------------------------------------- */

/* Autocorrelation at every lag: for white noise each is normal with variance 1/pairs, and they are
 * independent of one another (Box & Pierce 1970). */
static void whiteness(const sf_diagnostics_sums *sums, sf_diagnostics *d)
{
    const double variance = sums->squares / sums->observed;
    double sum = 0.0, largest = 0.0;
    int lags = 0;

    for (int i = 0; i < SF_DIAGNOSTICS_LAGS; i++) {
        const double pairs = sums->pairs[i];
        double correlation, z;
        if (!(pairs > 0.0) || !(variance > 0.0)) continue;
        correlation = sums->product[i] / (variance * pairs);
        z = correlation * sqrt(pairs);
        sum += z * z;
        lags++;
        if (fabs(z) <= largest) continue;
        largest = fabs(z);
        d->correlation = correlation;
        d->correlation_z = z;
        find_lag(i, d->lag);
    }
    d->whiteness_z = lags > 0 ? (sum - lags) / sqrt(2.0 * lags) : NAN;
    if (lags == 0) d->correlation = d->correlation_z = NAN;
}

void sf_diagnostics_conclude(const sf_diagnostics_sums *sums, const sf_frame_summary *frame,
                             sf_diagnostics *d)
{
    memset(d, 0, sizeof *d);
    d->observed = (size_t)lround(sums->observed);
    d->chi_squared = sums->squares / sums->expected;
    d->chi_squared_z = (sums->squares - sums->expected) / sqrt(sums->spread);
    whiteness(sums, d);
    d->flux_frame = sums->flux_frame;
    d->flux_model = sums->flux_model;
    d->flux_ratio = d->flux_model / d->flux_frame;
    d->flux_error = sqrt(sums->variance);
    d->hollow = fmax(frame->lowest - sums->lowest, 0.0) / frame->noise;
}

sf_status sf_diagnose(const sf_observation *o, const double *scene, sf_diagnostics *d)
{
    sf_diagnostics_sums sums = {.lowest = INFINITY};

    memset(d, 0, sizeof *d);
    SF_TRY(sf_diagnostics_add(o, scene, NULL, NULL, &sums));
    sf_diagnostics_conclude(&sums, &o->summary, d);
    return SF_OK;
}
