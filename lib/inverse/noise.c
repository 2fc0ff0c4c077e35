/* noise.c - a frame's noise from its finest structure, and its sky level.
 *
 * Second differences along every axis remove whatever is smooth (Immerkaer 1996,
 * doi:10.1006/cviu.1996.0060); their median absolute value instead of the mean keeps stars,
 * edges and cosmic rays out.
 *
 * Resampled frames have noise that neighbours share, of which differences of neighbours see only
 * a part (0.35 to 0.85 on frames of HST, SDSS, KiDS and HSC). Differences between pixels three
 * apart see all of it; but they see more of the scene too. Noise reaches a plateau there and a
 * scene goes on rising, which tells one from the other. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>

#define FEWEST_SAMPLES 16
#define PLATEAU        1.15

/* Quantiles of |n|, n ~ N(0,1): the median first, then farther out for frames in whole numbers,
 * where most differences may be zero. */
static const struct {
    double probability, value;
} quantiles[] = {{0.5, 0.674489750196082},
                 {0.682689492137086, 1.0},
                 {0.954499736103642, 2.0},
                 {0.997300203936740, 3.0}};

static sf_status usable_pixels(const sf_grid *frame, const double *pixels, const double *mask,
                               double **copy)
{
    const size_t count = sf_grid_size(frame);

    SF_TRY(sf_allocate(copy, count, sizeof **copy));
    for (size_t i = 0; i < count; i++)
        (*copy)[i] = mask == NULL || mask[i] == 0.0 ? pixels[i] : NAN;
    return SF_OK;
}

/* Moves the finite values to the front. */
static size_t gather(double *values, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i])) values[kept++] = values[i];
    return kept;
}

/* values[i] <- values[i] - 2 values[i + apart] + values[i + 2 apart] along an axis; NaN where
 * that leaves the grid. */
static void second_difference(const sf_grid *grid, int axis, size_t apart, double *values)
{
    const size_t count = sf_grid_size(grid), n = grid->shape[axis];
    size_t stride = 1;

    for (int a = axis + 1; a < grid->axes; a++) stride *= grid->shape[a];
    for (size_t layer = 0; layer < count / stride; layer++) {
        const bool inside = layer % n + 2 * apart < n;
        double *v = values + layer * stride;
        for (size_t i = 0; i < stride; i++)
            v[i] = inside ? v[i] - 2.0 * v[apart * stride + i] + v[2 * apart * stride + i] : NAN;
    }
}

/* The noise from differences of pixels that are so far apart; *samples says from how many. Axes
 * that are too short for the smallest difference are left alone. Zero if nearly all differences
 * are zero, or there are too few. */
static sf_status noise_at(const sf_grid *frame, const double *pixels, const double *mask,
                          size_t apart, double *noise, size_t *samples)
{
    double *values = NULL, gain = 1.0;
    size_t count;

    *noise = 0.0;
    *samples = 0;
    SF_TRY(usable_pixels(frame, pixels, mask, &values));
    for (int a = 0; a < frame->axes; a++) {
        if (frame->shape[a] < 3) continue;
        second_difference(frame, a, apart, values);
        gain *= sqrt(6.0);
    }
    count = gather(values, sf_grid_size(frame));
    if (gain > 1.0 && count >= FEWEST_SAMPLES) {
        *samples = count;
        for (size_t i = 0; i < count; i++) values[i] = fabs(values[i]);
        for (size_t q = 0; q < sizeof quantiles / sizeof *quantiles && !(*noise > 0.0); q++)
            *noise =
                sf_quantile(values, count, quantiles[q].probability) / (quantiles[q].value * gain);
    }
    sf_free(values);
    return SF_OK;
}

sf_status sf_estimate_noise(const sf_grid *frame, const double *pixels, const double *mask,
                            double *noise)
{
    double near = 0.0, apart = 0.0, farther = 0.0;
    size_t samples, few, fewer;

    *noise = NAN;
    SF_TRY(noise_at(frame, pixels, mask, 1, &near, &samples));
    SF_TRY(noise_at(frame, pixels, mask, 3, &apart, &few));
    SF_TRY(noise_at(frame, pixels, mask, 4, &farther, &fewer));
    if (samples == 0)
        return sf_fail(SF_ERR_ARGUMENT,
                       "noise cannot be estimated: fewer than %d places of the frame have a usable "
                       "pixel with usable neighbours; give the noise",
                       FEWEST_SAMPLES);
    if (!(near > 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "noise cannot be estimated: the frame is constant but for less than 0.3 %% "
                       "of its pixels; give the noise");
    *noise = fewer > 0 && apart > near && farther <= PLATEAU * apart ? apart : near;
    return SF_OK;
}

/* Moves the values within `width` robust standard deviations of their median to the front. */
static size_t clip(double *values, size_t count, double width)
{
    const double median = sf_quantile(values, count, 0.5);
    const double lower = sf_quantile(values, count, 0.158655);
    const double reach = width * (median - lower); /* the side that sources do not reach */
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (values[i] >= median - reach && values[i] <= median + reach) values[kept++] = values[i];
    return kept;
}

sf_status sf_estimate_background(const sf_grid *frame, const double *pixels, const double *mask,
                                 double *background)
{
    double *values = NULL, median, mean, scatter;
    size_t count, before;
    sf_status status;

    *background = NAN;
    SF_GO(usable_pixels(frame, pixels, mask, &values));
    count = gather(values, sf_grid_size(frame));
    if (count == 0) {
        status = sf_fail(SF_ERR_ARGUMENT, "background cannot be estimated: no pixel is usable");
        goto done;
    }
    do {
        before = count;
        count = clip(values, count, 3.0);
    } while (count < before);
    median = sf_quantile(values, count, 0.5);
    mean = gsl_stats_mean(values, 1, count);
    scatter = count > 1 ? gsl_stats_sd(values, 1, count) : 0.0;
    /* mode = 2.5 median - 1.5 mean where sources crowd the sky but little (Bertin & Arnouts
     * 1996, doi:10.1051/aas:1996164) */
    *background = fabs(mean - median) < 0.3 * scatter ? 2.5 * median - 1.5 * mean : median;
done:
    sf_free(values);
    return status;
}
