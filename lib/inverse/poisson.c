/* poisson.c - counting noise: its local Gaussian form, of the variance that the expected counts
 * have, and what an observation of counts keeps. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <math.h>

#define ROUNDING 1e-3 /* of a count */

/* values <- sums over at most three neighbours along an axis, itself the middle one. */
static void add_neighbours(const sf_grid *grid, int axis, const double *values, double *sums)
{
    const size_t count = sf_grid_size(grid), n = grid->shape[axis];
    size_t stride = 1;

    for (int a = axis + 1; a < grid->axes; a++) stride *= grid->shape[a];
    for (size_t i = 0; i < count; i++) {
        const size_t at = i / stride % n;

        sums[i] = values[i] + (at > 0 ? values[i - stride] : 0.0) +
                  (at + 1 < n ? values[i + stride] : 0.0);
    }
}

/* *values <- the same over a box of three along every axis; *spare as large. */
static void add_box(const sf_grid *grid, double **values, double **spare)
{
    for (int a = 0; a < grid->axes; a++) {
        double *swap = *values;

        add_neighbours(grid, a, *values, *spare);
        *values = *spare;
        *spare = swap;
    }
}

/* mean = that of the usable pixels around each. */
static sf_status smooth(const sf_grid *frame, const double *pixels, const double *mask,
                        double *mean)
{
    const size_t count = sf_grid_size(frame);
    double *sum = NULL, *number = NULL, *spare = NULL;
    sf_status status;

    SF_GO(sf_allocate(&sum, count, sizeof *sum));
    SF_GO(sf_allocate(&number, count, sizeof *number));
    SF_GO(sf_allocate(&spare, count, sizeof *spare));
    for (size_t i = 0; i < count; i++) {
        const bool usable = isfinite(pixels[i]) && (mask == NULL || mask[i] == 0.0);

        sum[i] = usable ? pixels[i] : 0.0;
        number[i] = usable ? 1.0 : 0.0;
    }
    add_box(frame, &sum, &spare);
    add_box(frame, &number, &spare);
    for (size_t i = 0; i < count; i++) mean[i] = sum[i] / number[i];
done:
    sf_free(sum);
    sf_free(number);
    sf_free(spare);
    return status;
}

sf_status sf_poisson_sigma(const sf_grid *frame, const double *pixels, const double *mask,
                           double read, double gain, const double *expected, double *sigma)
{
    const size_t count = sf_grid_size(frame);

    if (!(gain > 0.0) || !isfinite(gain) || !(read >= 0.0) || !isfinite(read))
        return sf_fail(
            SF_ERR_ARGUMENT,
            "a gain of %g and a read noise of %g: give a positive gain, and a read noise "
            "from 0 on",
            gain, read);
    if (expected == NULL) {
        SF_TRY(smooth(frame, pixels, mask, sigma));
        expected = sigma;
    } else
        SF_TRY(sf_check_finite(expected, count, "expected pixels"));
    for (size_t i = 0; i < count; i++) {
        const bool usable = isfinite(pixels[i]) && (mask == NULL || mask[i] == 0.0);

        sigma[i] = usable ? sqrt(read * read + fmax(expected[i], 1.0 / gain) / gain) : NAN;
    }
    return SF_OK;
}

/* Counts are whole numbers from 0 on; with the sky subtracted they are not. */
static sf_status check_counts(const sf_grid *frame, const double *pixels, const double *mask,
                              double gain)
{
    size_t negative = 0;
    double lowest = 0.0;

    for (size_t i = 0; i < sf_grid_size(frame); i++) {
        if (!isfinite(pixels[i]) || (mask != NULL && mask[i] != 0.0)) continue;
        negative += pixels[i] * gain < -ROUNDING ? 1 : 0;
        lowest = fmin(lowest, pixels[i]);
    }
    if (negative == 0) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT,
                   "%zu pixels are below 0, down to %g, where counts cannot be: add the sky that "
                   "was subtracted, or give the read noise that made them so",
                   negative, lowest);
}

sf_status sf_observation_count(sf_observation *o, const double *pixels, const double *mask,
                               const sf_observation_options *options, double **sigma)
{
    const double gain = options->gain, read = options->read;

    SF_TRY(sf_allocate(sigma, sf_grid_size(&o->frame), sizeof **sigma));
    SF_TRY(sf_poisson_sigma(&o->frame, pixels, mask, read, gain, NULL, *sigma));
    if (read == 0.0) SF_TRY(check_counts(&o->frame, pixels, mask, gain));
    o->gain = gain;
    o->offset = o->background + gain * read * read;
    return SF_OK;
}
