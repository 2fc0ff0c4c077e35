/* cosmic_rays.c - pixels with edges that no PSF makes, by their Laplacian.
 *
 * van Dokkum 2001, doi:10.1086/323894: a Laplacian of the frame in pixels cut into four, of which
 * only what is positive is kept, sees edges of every shape; against the noise it finds rays and
 * stars, against the frame's structure on the scale of stars it tells one from the other. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <string.h>

#define WIDEST 7 /* window of a median */
/* A star's own contrast is exceeded by noise and by a PSF that is not quite right. */
#define CONTRAST_MARGIN 3.0
#define LEAST_CONTRAST  2.0
/* Structure below this part of the noise counts as this. */
#define LEAST_STRUCTURE 0.01

typedef struct hunt {
    long rows, columns;
    const sf_cosmic_ray_options *options;
    double contrast;
    double *image; /* the frame, what is not usable replaced by what is around it */
    double *noise, *edge, *significance;
    bool *usable, *ray, *last;
} hunt;

sf_cosmic_ray_options sf_cosmic_ray_options_default(void)
{
    const sf_cosmic_ray_options options = {.threshold = 5.0,
                                           .growth = 0.3,
                                           .contrast = 0.0,
                                           .iterations = 4,
                                           .gain = 0.0,
                                           .read = 0.0};

    return options;
}

/* The median of a square window, as far as it lies in the image, and of what is `wanted` (NULL:
 * all); `none` where there is nothing. */
static double median(const hunt *h, const double *image, const bool *wanted, long y, long x,
                     long side, double none)
{
    double values[WIDEST * WIDEST];
    size_t count = 0;

    for (long v = y - side / 2; v <= y + side / 2; v++)
        for (long u = x - side / 2; u <= x + side / 2; u++)
            if (v >= 0 && v < h->rows && u >= 0 && u < h->columns &&
                (wanted == NULL || wanted[v * h->columns + u]))
                values[count++] = image[v * h->columns + u];
    return count > 0 ? gsl_stats_median(values, 1, count) : none;
}

/* The pixel, or the middle one where that one lies outside. */
static double at(const hunt *h, long y, long x, double middle)
{
    return y >= 0 && y < h->rows && x >= 0 && x < h->columns ? h->image[y * h->columns + x]
                                                             : middle;
}

/* Half of the positive Laplacian, the mean over a pixel's four parts: the height of a ray of one
 * pixel. */
static double edge(const hunt *h, long y, long x)
{
    const double c = h->image[y * h->columns + x];
    const double around[5] = {at(h, y, x - 1, c), at(h, y - 1, x, c), at(h, y, x + 1, c),
                              at(h, y + 1, x, c), at(h, y, x - 1, c)};
    double sum = 0.0;

    for (int i = 0; i < 4; i++) sum += fmax(c - 0.5 * (around[i] + around[i + 1]), 0.0);
    return 0.25 * sum;
}

/* What is there on the scale of stars: median of 3 x 3 minus the median of 7 x 7 of such. */
static double structure(const hunt *h, long y, long x)
{
    double values[WIDEST * WIDEST];
    size_t count = 0;

    for (long v = y - 3; v <= y + 3; v++)
        for (long u = x - 3; u <= x + 3; u++)
            if (v >= 0 && v < h->rows && u >= 0 && u < h->columns)
                values[count++] = median(h, h->image, NULL, v, u, 3, 0.0);
    return median(h, h->image, NULL, y, x, 3, 0.0) - gsl_stats_median(values, 1, count);
}

static double contrast(const hunt *h, long y, long x)
{
    const double noise = h->noise[y * h->columns + x];

    return h->significance[y * h->columns + x] * noise /
           fmax(structure(h, y, x), LEAST_STRUCTURE * noise);
}

/* Edges in units of the noise, above what they are around. Where they are below the least that
 * matters they stay as they are. */
static void find_edges(hunt *h)
{
    const double least = h->options->threshold * h->options->growth;

#pragma omp parallel for num_threads(sf_thread_count()) schedule(static)
    for (long y = 0; y < h->rows; y++)
        for (long x = 0; x < h->columns; x++) {
            const long i = y * h->columns + x;
            h->edge[i] = edge(h, y, x) / h->noise[i];
        }
#pragma omp parallel for num_threads(sf_thread_count()) schedule(static)
    for (long y = 0; y < h->rows; y++)
        for (long x = 0; x < h->columns; x++) {
            const long i = y * h->columns + x;
            h->significance[i] =
                h->edge[i] - (h->edge[i] > least ? median(h, h->edge, NULL, y, x, 5, 0.0) : 0.0);
        }
}

/* One of the rays as they were last. */
static bool touches(const hunt *h, long y, long x)
{
    for (long v = y > 0 ? y - 1 : 0; v <= y + 1 && v < h->rows; v++)
        for (long u = x > 0 ? x - 1 : 0; u <= x + 1 && u < h->columns; u++)
            if (h->last[v * h->columns + u]) return true;
    return false;
}

/* Usable pixels that touch the rays and stand out too belong to them, unless it is a star that they
 * touch. */
static void grow(hunt *h, double least)
{
    const size_t count = (size_t)(h->rows * h->columns);

    memcpy(h->last, h->ray, count * sizeof *h->last);
    for (long y = 0; y < h->rows; y++)
        for (long x = 0; x < h->columns; x++) {
            const long i = y * h->columns + x;

            if (h->usable[i] && !h->ray[i] && h->significance[i] > least && touches(h, y, x))
                h->ray[i] = contrast(h, y, x) > h->contrast;
        }
}

/* Whether there were any that were not known. */
static bool find_rays(hunt *h)
{
    bool found = false;

#pragma omp parallel for num_threads(sf_thread_count()) schedule(static) reduction(|| : found)
    for (long y = 0; y < h->rows; y++)
        for (long x = 0; x < h->columns; x++) {
            const long i = y * h->columns + x;

            if (!h->usable[i] || h->ray[i] || h->significance[i] <= h->options->threshold ||
                contrast(h, y, x) <= h->contrast)
                continue;
            h->ray[i] = true;
            found = true;
        }
    if (!found) return false;
    grow(h, h->options->threshold * h->options->growth);
    return true;
}

/* Rays and what is not usable <- the median of the rest within 5 x 5. */
static void clean(hunt *h, double none)
{
    const size_t count = (size_t)(h->rows * h->columns);

    for (size_t i = 0; i < count; i++) h->last[i] = h->usable[i] && !h->ray[i];
#pragma omp parallel for num_threads(sf_thread_count()) schedule(static)
    for (long y = 0; y < h->rows; y++)
        for (long x = 0; x < h->columns; x++)
            if (!h->last[y * h->columns + x])
                h->image[y * h->columns + x] = median(h, h->image, h->last, y, x, 5, none);
}

/* Of counts: that of the larger one of two medians, which few rays reach. */
static sf_status find_noise(hunt *h, const sf_grid *frame, const double *sigma, double noise)
{
    const size_t count = (size_t)(h->rows * h->columns);

    if (h->options->gain > 0.0) {
        for (long y = 0; y < h->rows; y++)
            for (long x = 0; x < h->columns; x++)
                h->edge[y * h->columns + x] = fmax(median(h, h->image, NULL, y, x, 3, 0.0),
                                                   median(h, h->image, NULL, y, x, 5, 0.0));
        return sf_poisson_sigma(frame, h->image, NULL, h->options->read, h->options->gain, h->edge,
                                h->noise);
    }
    for (size_t i = 0; i < count; i++) {
        const double s = sigma != NULL ? sigma[i] : noise;

        h->usable[i] = h->usable[i] && isfinite(s) && s > 0.0;
        h->noise[i] = isfinite(s) && s > 0.0 ? s : 1.0;
    }
    return SF_OK;
}

static sf_status allocate(hunt *h)
{
    const size_t count = (size_t)(h->rows * h->columns);

    SF_TRY(sf_allocate(&h->image, count, sizeof *h->image));
    SF_TRY(sf_allocate(&h->noise, count, sizeof *h->noise));
    SF_TRY(sf_allocate(&h->edge, count, sizeof *h->edge));
    SF_TRY(sf_allocate(&h->significance, count, sizeof *h->significance));
    SF_TRY(sf_allocate(&h->usable, count, sizeof *h->usable));
    SF_TRY(sf_allocate(&h->ray, count, sizeof *h->ray));
    return sf_allocate(&h->last, count, sizeof *h->last);
}

static void release(hunt *h)
{
    sf_free(h->image);
    sf_free(h->noise);
    sf_free(h->edge);
    sf_free(h->significance);
    sf_free(h->usable);
    sf_free(h->ray);
    sf_free(h->last);
}

/* The contrast of the PSF's own peak, on a noise that does not matter. */
static sf_status contrast_of(const sf_psf *psf, double *of_star)
{
    const sf_grid *grid = sf_psf_grid(psf);
    const double *pixels = sf_psf_pixels(psf);
    hunt h = {.rows = (long)grid->shape[0] + WIDEST - 1,
              .columns = (long)grid->shape[1] + WIDEST - 1};
    long y = 0, x = 0;
    sf_status status;

    SF_GO(allocate(&h));
    for (long v = 0; v < (long)grid->shape[0]; v++)
        for (long u = 0; u < (long)grid->shape[1]; u++) {
            const long i = (v + WIDEST / 2) * h.columns + u + WIDEST / 2;

            h.image[i] = pixels[v * (long)grid->shape[1] + u];
            if (!(h.image[i] > h.image[y * h.columns + x])) continue;
            y = v + WIDEST / 2;
            x = u + WIDEST / 2;
        }
    *of_star = edge(&h, y, x) / fmax(structure(&h, y, x), 1e-6 * edge(&h, y, x));
done:
    release(&h);
    return status;
}

static sf_status check(const sf_grid *frame, double noise, const double *sigma,
                       const sf_cosmic_ray_options *o)
{
    if (frame->axes != 2)
        return sf_fail(SF_ERR_SHAPE, "cosmic rays are looked for in frames of 2 axes, not %d",
                       frame->axes);
    if (!(o->threshold > 0.0) || !(o->growth > 0.0 && o->growth <= 1.0) || !(o->contrast >= 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "cosmic rays: a threshold of %g, growth at %g of it and a contrast of %g: "
                       "give a positive threshold, a part of it, and a contrast from 0 on",
                       o->threshold, o->growth, o->contrast);
    if (o->gain > 0.0 || sigma != NULL || (noise > 0.0 && isfinite(noise))) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "cosmic rays: a noise of %g, where only a positive one can be",
                   noise);
}

sf_status sf_find_cosmic_rays(const sf_grid *frame, const double *pixels, const double *sigma,
                              double noise, const double *mask, const sf_psf *psf,
                              const sf_cosmic_ray_options *options, double *rays, size_t *found)
{
    const sf_cosmic_ray_options defaults = sf_cosmic_ray_options_default();
    const size_t count = sf_grid_size(frame);
    hunt h = {.options = options != NULL ? options : &defaults};
    double sky, of_star = 0.0;
    sf_status status;

    *found = 0;
    SF_TRY(check(frame, noise, sigma, h.options));
    h.rows = (long)frame->shape[0];
    h.columns = (long)frame->shape[1];
    SF_GO(allocate(&h));
    if (psf != NULL) SF_GO(contrast_of(psf, &of_star));
    h.contrast = h.options->contrast > 0.0 ? h.options->contrast
                                           : fmax(LEAST_CONTRAST, CONTRAST_MARGIN * of_star);
    SF_GO(sf_estimate_background(frame, pixels, mask, &sky));
    for (size_t i = 0; i < count; i++) {
        h.usable[i] = isfinite(pixels[i]) && (mask == NULL || mask[i] == 0.0);
        h.image[i] = h.usable[i] ? pixels[i] : sky;
    }
    clean(&h, sky);
    SF_GO(find_noise(&h, frame, sigma, noise));
    for (size_t i = 0; i < h.options->iterations; i++) {
        find_edges(&h);
        if (!find_rays(&h)) break;
        clean(&h, sky);
    }
    for (size_t i = 0; i < count; i++) {
        rays[i] = h.ray[i] ? 1.0 : 0.0;
        *found += h.ray[i] ? 1 : 0;
    }
done:
    release(&h);
    return status;
}
