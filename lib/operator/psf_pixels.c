/* psf_pixels.c - a point spread function from measured pixels: pedestal, centre, box. */
#include "operator/psf.h"

#include "base/internal.h"

#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

sf_psf_options sf_psf_options_default(void)
{
    return (sf_psf_options){.centre = SF_PSF_CENTROID, .pedestal = NAN};
}

static size_t brightest(size_t size, const double *pixels)
{
    size_t peak = 0;

    for (size_t i = 1; i < size; i++)
        if (pixels[i] > pixels[peak]) peak = i;
    return peak;
}

/* ---- pedestal -------------------------------------------------------------------------- */

#define PEDESTAL_SMALLEST 9   /* pixels across; smaller arrays have no border to speak of */
#define PEDESTAL_FLAT     0.1 /* largest 10 % to 90 % range, relative to the median */
#define PEDESTAL_CONTRAST 10. /* least height of the peak, in those ranges */

/* ring[0 .. count) = the outermost pixels, sorted. */
static sf_status sorted_border(const sf_grid *grid, const double *pixels, double **ring,
                               size_t *count)
{
    const size_t rows = grid->shape[0], columns = grid->shape[1];
    size_t n = 0;

    *count = 2 * (rows + columns) - 4;
    SF_TRY(sf_allocate(ring, *count, sizeof **ring));
    for (size_t j = 0; j < columns; j++) {
        (*ring)[n++] = pixels[j];
        (*ring)[n++] = pixels[(rows - 1) * columns + j];
    }
    for (size_t i = 1; i + 1 < rows; i++) {
        (*ring)[n++] = pixels[i * columns];
        (*ring)[n++] = pixels[i * columns + columns - 1];
    }
    gsl_sort(*ring, 1, n);
    return SF_OK;
}

static sf_status find_pedestal(const sf_grid *grid, const double *pixels, double *pedestal)
{
    const double peak = pixels[brightest(sf_grid_size(grid), pixels)];
    double *ring, median, range;
    size_t count;

    *pedestal = 0.0;
    if (grid->shape[0] < PEDESTAL_SMALLEST || grid->shape[1] < PEDESTAL_SMALLEST) return SF_OK;
    SF_TRY(sorted_border(grid, pixels, &ring, &count));
    median = gsl_stats_median_from_sorted_data(ring, 1, count);
    range = gsl_stats_quantile_from_sorted_data(ring, 1, count, 0.9) -
            gsl_stats_quantile_from_sorted_data(ring, 1, count, 0.1);
    sf_free(ring);
    if (range <= PEDESTAL_FLAT * fabs(median) && peak - median > PEDESTAL_CONTRAST * range)
        *pedestal = median;
    return SF_OK;
}

/* ---- centre ---------------------------------------------------------------------------- */

#define CENTRE_THRESHOLD  0.1 /* of the peak */
#define CENTRE_WINDOW     3.0 /* in rms radii */
#define CENTRE_ITERATIONS 50

typedef struct light {
    double sum, centre[2], radius; /* radius: rms */
} light;

static light gather_light(const sf_grid *grid, const double *pixels, double threshold,
                          const light *window)
{
    const size_t rows = grid->shape[0], columns = grid->shape[1];
    const double limit = CENTRE_WINDOW * window->radius;
    light l = {0.0, {0.0, 0.0}, 0.0};
    double r2 = 0.0;

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            const double weight = pixels[i * columns + j] - threshold;
            const double y = (double)i - window->centre[0], x = (double)j - window->centre[1];
            if (weight <= 0.0 || hypot(y, x) > limit) continue;
            l.sum += weight;
            l.centre[0] += weight * y;
            l.centre[1] += weight * x;
            r2 += weight * (y * y + x * x);
        }
    if (l.sum == 0.0) return *window;
    for (int axis = 0; axis < 2; axis++) l.centre[axis] /= l.sum;
    r2 = r2 / l.sum - l.centre[0] * l.centre[0] - l.centre[1] * l.centre[1];
    l.radius = sqrt(fmax(r2, 0.25)); /* a window of one pixel still reaches its neighbours */
    for (int axis = 0; axis < 2; axis++) l.centre[axis] += window->centre[axis];
    return l;
}

void sf_psf_centre_of_light(const sf_grid *grid, const double *pixels, double centre[2])
{
    const size_t columns = grid->shape[1];
    const size_t peak = brightest(sf_grid_size(grid), pixels);
    const double threshold = CENTRE_THRESHOLD * pixels[peak];
    light window = {0.0, {(double)(peak / columns), (double)(peak % columns)}, INFINITY};

    for (int i = 0; i < CENTRE_ITERATIONS; i++) {
        const light next = gather_light(grid, pixels, threshold, &window);
        const bool same = next.centre[0] == window.centre[0] &&
                          next.centre[1] == window.centre[1] && next.radius == window.radius;
        window = next;
        if (same) break;
    }
    centre[0] = window.centre[0];
    centre[1] = window.centre[1];
}

static sf_status find_centre(const sf_grid *grid, const double *pixels, sf_psf_centre how,
                             size_t centre[2])
{
    const size_t peak = brightest(sf_grid_size(grid), pixels);
    double light_at[2];

    switch (how) {
    case SF_PSF_CENTROID:
        sf_psf_centre_of_light(grid, pixels, light_at);
        for (int axis = 0; axis < 2; axis++) centre[axis] = (size_t)floor(light_at[axis] + 0.5);
        return SF_OK;
    case SF_PSF_PEAK:
        centre[0] = peak / grid->shape[1];
        centre[1] = peak % grid->shape[1];
        return SF_OK;
    case SF_PSF_DECLARED:
        for (int axis = 0; axis < 2; axis++) centre[axis] = grid->shape[axis] / 2;
        return SF_OK;
    }
    return sf_fail(SF_ERR_ARGUMENT, "%d is no way to centre a PSF", (int)how);
}

/* ---- box ------------------------------------------------------------------------------- */

/* The smallest box with `centre` in its middle that holds every non-zero pixel. */
static sf_status embed(const sf_grid *grid, const double *pixels, const size_t centre[2],
                       sf_grid *box, double **boxed)
{
    const size_t rows = grid->shape[0], columns = grid->shape[1];
    size_t half[2] = {0, 0};

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            if (pixels[i * columns + j] == 0.0) continue;
            const size_t y = i > centre[0] ? i - centre[0] : centre[0] - i;
            const size_t x = j > centre[1] ? j - centre[1] : centre[1] - j;
            if (y > half[0]) half[0] = y;
            if (x > half[1]) half[1] = x;
        }
    SF_TRY(sf_grid_image(2 * half[0] + 1, 2 * half[1] + 1, box));
    SF_TRY(sf_allocate(boxed, sf_grid_size(box), sizeof **boxed));
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            if (pixels[i * columns + j] != 0.0)
                (*boxed)[(i + half[0] - centre[0]) * box->shape[1] + (j + half[1] - centre[1])] =
                    pixels[i * columns + j];
    return SF_OK;
}

static sf_status check_pixels(const sf_grid *grid, const double *pixels)
{
    const size_t size = sf_grid_size(grid);
    char text[64];
    double lowest = 0.0, highest = 0.0;

    if (grid->axes != 2)
        return sf_fail(SF_ERR_SHAPE, "a PSF has two axes, this array (%s) has %d",
                       sf_grid_text(grid, text, sizeof text), grid->axes);
    SF_TRY(sf_check_finite(pixels, size, "PSF"));
    for (size_t i = 0; i < size; i++) {
        lowest = fmin(lowest, pixels[i]);
        highest = fmax(highest, pixels[i]);
    }
    if (highest == 0.0 && lowest == 0.0)
        return sf_fail(SF_ERR_ARGUMENT, "the PSF is zero in all of its %zu pixels", size);
    if (highest <= 0.0)
        return sf_fail(SF_ERR_ARGUMENT, "the PSF has no positive pixel (lowest %g)", lowest);
    return SF_OK;
}

sf_status sf_psf_from_pixels(const sf_grid *grid, const double *pixels,
                             const sf_psf_options *options, sf_psf **psf)
{
    const sf_psf_options chosen = options != NULL ? *options : sf_psf_options_default();
    double pedestal = chosen.pedestal, *level = NULL, *boxed = NULL;
    size_t centre[2] = {0, 0};
    sf_grid box;
    sf_status status;

    *psf = NULL;
    SF_TRY(check_pixels(grid, pixels));
    if (isnan(pedestal)) SF_TRY(find_pedestal(grid, pixels, &pedestal));
    SF_GO(sf_copy_memory(pixels, sf_grid_size(grid), sizeof *pixels, &level));
    for (size_t i = 0; i < sf_grid_size(grid); i++) level[i] -= pedestal;
    SF_GO(check_pixels(grid, level));
    SF_GO(find_centre(grid, level, chosen.centre, centre));
    SF_GO(embed(grid, level, centre, &box, &boxed));
    SF_GO(sf_psf_take(&box, boxed, pedestal, psf));
done:
    sf_free(level);
    return status;
}
