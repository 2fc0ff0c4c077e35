/* summary.c - what is decided once for a frame, from all of its pixels. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <math.h>
#include <string.h>

#define RANGE_QUANTILE 0.999

bool sf_pixel_is_usable(double pixel, double sigma, double bad)
{
    return isfinite(pixel) && isfinite(sigma) && sigma > 0.0 && !(bad != 0.0);
}

/* Why there is not one observed pixel, in a sentence. */
static sf_status nothing_observed(size_t count, const double *pixels, const double *sigma,
                                  const double *mask)
{
    size_t finite = 0, positive = 0, good = 0;

    for (size_t i = 0; i < count; i++) {
        finite += isfinite(pixels[i]) ? 1 : 0;
        positive += sigma == NULL || (isfinite(sigma[i]) && sigma[i] > 0.0) ? 1 : 0;
        good += mask == NULL || mask[i] == 0.0 ? 1 : 0;
    }
    return sf_fail(SF_ERR_ARGUMENT,
                   "no pixel of the frame is observed: of %zu pixels %zu are finite, %zu have a "
                   "positive and finite sigma, %zu are not masked",
                   count, finite, positive, good);
}

sf_status sf_frame_summarise(size_t count, const double *pixels, const double *sigma, double noise,
                             const double *mask, double background, sf_frame_summary *summary)
{
    sf_frame_summary found = {0};
    double *deviation = NULL, *size = NULL, flux = 0.0;
    size_t n = 0;
    sf_status status;

    *summary = found;
    SF_GO(sf_allocate(&deviation, count, sizeof *deviation));
    SF_GO(sf_allocate(&size, count, sizeof *size));
    for (size_t i = 0; i < count; i++) {
        const double s = sigma != NULL ? sigma[i] : noise, above = pixels[i] - background;

        if (!sf_pixel_is_usable(pixels[i], s, mask != NULL ? mask[i] : 0.0)) continue;
        found.lowest = n > 0 ? fmin(found.lowest, above) : above;
        flux += fmax(above, 0.0);
        size[n] = fabs(above);
        deviation[n++] = s;
    }
    if (n == 0) SF_GO(nothing_observed(count, pixels, sigma, mask));
    found.noise = sf_quantile(deviation, n, 0.5);
    found.range = sf_quantile(size, n, RANGE_QUANTILE);
    found.mean = fmax(flux, found.noise) / (double)n;
    *summary = found;
done:
    sf_free(deviation);
    sf_free(size);
    return status;
}
