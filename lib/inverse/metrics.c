/* metrics.c - a result against the truth: PSNR, SSIM, relative error.
 *
 * SSIM: Wang, Bovik, Sheikh & Simoncelli 2004, doi:10.1109/TIP.2003.819861. */
#include <scorefield/inverse.h>

#include "base/internal.h"

#include <math.h>
#include <string.h>

#define RADIUS 5
#define WINDOW (2 * RADIUS + 1)

static void window_weights(double weights[WINDOW])
{
    double sum = 0.0;

    for (int i = 0; i < WINDOW; i++) {
        const double t = (double)(i - RADIUS) / 1.5;
        weights[i] = exp(-0.5 * t * t);
        sum += weights[i];
    }
    for (int i = 0; i < WINDOW; i++) weights[i] /= sum;
}

/* Weighted means of a, b, a^2, b^2 and ab over a window of one row: what a column sums. */
typedef struct moments {
    double a, b, aa, bb, ab;
} moments;

static moments row_moments(const double *a, const double *b, const double weights[WINDOW])
{
    moments m = {0};

    for (int i = 0; i < WINDOW; i++) {
        const double wa = weights[i] * a[i], wb = weights[i] * b[i];
        m.a += wa;
        m.b += wb;
        m.aa += wa * a[i];
        m.bb += wb * b[i];
        m.ab += wa * b[i];
    }
    return m;
}

/* SSIM of one window from its moments. */
static double window_ssim(moments m, double peak)
{
    const double c1 = 0.01 * peak * 0.01 * peak, c2 = 0.03 * peak * 0.03 * peak;
    const double va = m.aa - m.a * m.a, vb = m.bb - m.b * m.b, vab = m.ab - m.a * m.b;

    return (2.0 * m.a * m.b + c1) * (2.0 * vab + c2) /
           ((m.a * m.a + m.b * m.b + c1) * (va + vb + c2));
}

/* Mean over the windows that lie inside; those with a pixel that is not finite are left out. */
static sf_status mean_ssim(const sf_grid *grid, const double *a, const double *b, double peak,
                           double *ssim)
{
    const size_t ny = grid->shape[0], nx = grid->shape[1], width = nx - WINDOW + 1;
    double weights[WINDOW], sum = 0.0;
    moments *rows;
    size_t count = 0;

    SF_TRY(sf_allocate(&rows, ny * width, sizeof *rows));
    window_weights(weights);
    for (size_t y = 0; y < ny; y++)
        for (size_t x = 0; x < width; x++)
            rows[y * width + x] = row_moments(a + y * nx + x, b + y * nx + x, weights);
    for (size_t y = 0; y + WINDOW <= ny; y++)
        for (size_t x = 0; x < width; x++) {
            moments m = {0};
            double value;
            for (size_t i = 0; i < WINDOW; i++) {
                const moments *row = &rows[(y + i) * width + x];
                m.a += weights[i] * row->a;
                m.b += weights[i] * row->b;
                m.aa += weights[i] * row->aa;
                m.bb += weights[i] * row->bb;
                m.ab += weights[i] * row->ab;
            }
            value = window_ssim(m, peak);
            if (!isfinite(value)) continue;
            sum += value;
            count++;
        }
    *ssim = count > 0 ? sum / (double)count : NAN;
    sf_free(rows);
    return SF_OK;
}

sf_status sf_compare(const sf_grid *grid, const double *image, const double *truth, double peak,
                     sf_comparison *c)
{
    const size_t count = sf_grid_size(grid);
    double error = 0.0, power = 0.0, low = INFINITY, high = -INFINITY;
    size_t used = 0;

    memset(c, 0, sizeof *c);
    if (!(peak >= 0.0 && isfinite(peak)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "peak is %g: give a positive number, or 0 for the truth's "
                       "range",
                       peak);
    for (size_t i = 0; i < count; i++) {
        const double d = image[i] - truth[i];
        if (!isfinite(d)) continue;
        error += d * d;
        power += truth[i] * truth[i];
        low = fmin(low, truth[i]);
        high = fmax(high, truth[i]);
        used++;
    }
    if (used == 0)
        return sf_fail(SF_ERR_ARGUMENT, "no pixel is finite in both the image and the truth");
    c->peak = peak > 0.0 ? peak : high - low;
    c->psnr = 10.0 * log10(c->peak * c->peak / (error / (double)used));
    c->relative_error = sqrt(error / power);
    c->ssim = NAN;
    if (grid->axes != 2 || grid->shape[0] < WINDOW || grid->shape[1] < WINDOW) return SF_OK;
    return mean_ssim(grid, image, truth, c->peak, &c->ssim);
}
