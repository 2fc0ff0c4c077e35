/* noise.c - a frame's noise from its finest structure, and its sky level.
 *
 * Second differences along every axis remove whatever is smooth (Immerkaer 1996,
 * doi:10.1006/cviu.1996.0060); their median absolute value instead of the mean keeps stars,
 * edges and cosmic rays out. */
#include <scorefield/inverse.h>

#include "base/internal.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#define FEWEST_SAMPLES 16

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

/* values <- values[i-1] - 2 values[i] + values[i+1] along an axis; NaN at both ends. */
static void second_difference(const sf_grid *grid, int axis, double *values)
{
    const size_t count = sf_grid_size(grid), n = grid->shape[axis];
    size_t stride = 1;

    for (int a = axis + 1; a < grid->axes; a++) stride *= grid->shape[a];
    for (size_t line = 0; line < count / n; line++) {
        double *v = values + line / stride * stride * n + line % stride;
        double before = v[0];
        v[0] = NAN;
        for (size_t i = 1; i + 1 < n; i++) {
            const double here = v[i * stride];
            v[i * stride] = before - 2.0 * here + v[(i + 1) * stride];
            before = here;
        }
        v[(n - 1) * stride] = NAN;
    }
}

sf_status sf_estimate_noise(const sf_grid *frame, const double *pixels, const double *mask,
                            double *noise)
{
    double *values = NULL, gain = 1.0;
    size_t count;
    sf_status status;

    *noise = NAN;
    SF_GO(usable_pixels(frame, pixels, mask, &values));
    for (int a = 0; a < frame->axes; a++) {
        if (frame->shape[a] < 3) continue;
        second_difference(frame, a, values);
        gain *= sqrt(6.0);
    }
    count = gather(values, sf_grid_size(frame));
    if (count < FEWEST_SAMPLES || gain == 1.0) {
        status = sf_fail(SF_ERR_ARGUMENT,
                         "noise cannot be estimated: only %zu places have a usable pixel with "
                         "usable neighbours, and %d are needed; give the noise",
                         gain == 1.0 ? 0 : count, FEWEST_SAMPLES);
        goto done;
    }
    for (size_t i = 0; i < count; i++) values[i] = fabs(values[i]);
    gsl_sort(values, 1, count);
    for (size_t q = 0; q < sizeof quantiles / sizeof *quantiles && !(*noise > 0.0); q++)
        *noise = gsl_stats_quantile_from_sorted_data(values, 1, count, quantiles[q].probability) /
                 (quantiles[q].value * gain);
    if (!(*noise > 0.0)) {
        *noise = NAN;
        status = sf_fail(SF_ERR_ARGUMENT,
                         "noise cannot be estimated: the frame is constant but for fewer than "
                         "0.3 %% of its pixels; give the noise");
    }
done:
    sf_free(values);
    return status;
}

/* The part of the sorted values within `width` robust standard deviations of their median. */
static size_t clip(double **sorted, size_t count, double width)
{
    const double median = gsl_stats_median_from_sorted_data(*sorted, 1, count);
    const double lower = gsl_stats_quantile_from_sorted_data(*sorted, 1, count, 0.158655);
    const double reach = width * (median - lower); /* the side that sources do not reach */
    size_t first = 0, last = count;

    while (first < last && (*sorted)[first] < median - reach) first++;
    while (last > first && (*sorted)[last - 1] > median + reach) last--;
    *sorted += first;
    return last - first;
}

sf_status sf_estimate_background(const sf_grid *frame, const double *pixels, const double *mask,
                                 double *background)
{
    double *values = NULL, *kept, median, mean, scatter;
    size_t count, before;
    sf_status status;

    *background = NAN;
    SF_GO(usable_pixels(frame, pixels, mask, &values));
    kept = values;
    count = gather(values, sf_grid_size(frame));
    if (count == 0) {
        status = sf_fail(SF_ERR_ARGUMENT, "background cannot be estimated: no pixel is usable");
        goto done;
    }
    gsl_sort(values, 1, count);
    do {
        before = count;
        count = clip(&kept, count, 3.0);
    } while (count < before);
    median = gsl_stats_median_from_sorted_data(kept, 1, count);
    mean = gsl_stats_mean(kept, 1, count);
    scatter = count > 1 ? gsl_stats_sd(kept, 1, count) : 0.0;
    /* mode = 2.5 median - 1.5 mean where sources crowd the sky but little (Bertin & Arnouts
     * 1996, doi:10.1051/aas:1996164) */
    *background = fabs(mean - median) < 0.3 * scatter ? 2.5 * median - 1.5 * mean : median;
done:
    sf_free(values);
    return status;
}
