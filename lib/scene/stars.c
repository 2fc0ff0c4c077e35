/* stars.c - points of light, round blobs, star clusters. */
#include "scene/recipe.h"

#include <math.h>

#define PI        3.14159265358979323846
#define SUBPIXELS 4   /* a side, where a profile changes within a pixel */
#define NYQUIST   2.0 /* pixels FWHM, from which on samples at the centres conserve the flux */

bool sf_canvas_window(const sf_canvas *canvas, double y, double x, double radius, sf_window *window)
{
    const double top = fmax(0.0, ceil(y - radius)), left = fmax(0.0, ceil(x - radius));
    const double bottom = fmin((double)canvas->rows, floor(y + radius) + 1.0);
    const double right = fmin((double)canvas->columns, floor(x + radius) + 1.0);

    if (!(top < bottom) || !(left < right)) return false;
    *window = (sf_window){(size_t)top, (size_t)bottom, (size_t)left, (size_t)right};
    return true;
}

/* Integral of a normal density over the pixel [i - 1/2, i + 1/2]. */
static double share(double i, double centre, double deviation)
{
    const double scale = 1.0 / (deviation * sqrt(2.0));

    return 0.5 * (erf((i + 0.5 - centre) * scale) - erf((i - 0.5 - centre) * scale));
}

void sf_canvas_gaussian(sf_canvas *canvas, double y, double x, double deviation, double flux)
{
    const double peak = flux / (2.0 * PI * deviation * deviation);
    const double radius = 1.0 + deviation * sqrt(2.0 * log(fmax(1.0, peak / canvas->floor)));
    double along[256]; /* a strip of so many columns at a time */
    sf_window w;

    if (!sf_canvas_window(canvas, y, x, radius, &w)) return;
    for (size_t left = w.left, right; left < w.right; left = right) {
        right = w.right - left < 256 ? w.right : left + 256;
        for (size_t j = left; j < right; j++) along[j - left] = share((double)j, x, deviation);
        for (size_t i = w.top; i < w.bottom; i++) {
            const double down = flux * share((double)i, y, deviation);

            for (size_t j = left; j < right; j++)
                canvas->pixel[i * canvas->columns + j] += down * along[j - left];
        }
    }
}

/* The mean over a pixel of the Moffat profile at offset (dy, dx). */
static double moffat(double dy, double dx, double inverse, double beta, bool fine)
{
    double sum = 0.0;

    if (!fine) return pow(1.0 + (dy * dy + dx * dx) * inverse, -beta);
    for (int i = 0; i < SUBPIXELS; i++)
        for (int j = 0; j < SUBPIXELS; j++) {
            const double v = dy + ((double)i + 0.5) / SUBPIXELS - 0.5;
            const double u = dx + ((double)j + 0.5) / SUBPIXELS - 0.5;

            sum += pow(1.0 + (v * v + u * u) * inverse, -beta);
        }
    return sum / (SUBPIXELS * SUBPIXELS);
}

void sf_canvas_star(sf_canvas *canvas, double y, double x, double peak)
{
    const double beta = canvas->moffat;
    const double core = 0.5 * canvas->seeing / sqrt(pow(2.0, 1.0 / beta) - 1.0);
    const double inverse = core > 0.0 ? 1.0 / (core * core) : 0.0;
    const double radius = 1.0 + core * sqrt(pow(fmax(1.0, peak / canvas->floor), 1.0 / beta) - 1.0);
    sf_window w;

    if (!(canvas->seeing > 0.0)) {
        if (sf_canvas_window(canvas, round(y), round(x), 0.0, &w))
            canvas->pixel[w.top * canvas->columns + w.left] += peak;
        return;
    }
    if (!sf_canvas_window(canvas, y, x, radius, &w)) return;
    for (size_t i = w.top; i < w.bottom; i++)
        for (size_t j = w.left; j < w.right; j++) {
            const double dy = (double)i - y, dx = (double)j - x;
            const bool fine = canvas->seeing < NYQUIST && dy * dy + dx * dx < 12.0;

            canvas->pixel[i * canvas->columns + j] += peak * moffat(dy, dx, inverse, beta, fine);
        }
}

void sf_canvas_cluster(sf_canvas *canvas, sf_dice *dice, double peak)
{
    const double y = sf_dice_between(dice, 0.0, (double)canvas->rows);
    const double x = sf_dice_between(dice, 0.0, (double)canvas->columns);
    const double side = (double)(canvas->rows < canvas->columns ? canvas->rows : canvas->columns);
    const double core = sf_dice_log(dice, 0.02, 0.3) * side;
    const double slope = sf_dice_between(dice, 1.4, 2.2);
    const size_t count = sf_dice_count(dice, sf_dice_log(dice, 10.0, 300.0));

    for (size_t i = 0; i < count; i++) {
        /* Projected density ~ 1/(1 + (r/core)^2) out to ten core radii. */
        const double u = sf_dice_between(dice, 0.0, 1.0);
        const double r = core * sqrt(pow(101.0, u) - 1.0);
        const double angle = sf_dice_between(dice, 0.0, 2.0 * PI);
        const double bright = sf_dice_power_law(dice, 0.005, 1.0, slope);

        sf_canvas_star(canvas, y + r * sin(angle), x + r * cos(angle), peak * bright);
    }
    if (sf_dice_chance(dice, 0.7)) {
        const double rest = sf_dice_log(dice, 0.003, 0.3) * peak;

        for (int i = 0; i < 3; i++) { /* three Gaussians have the wings of a cluster */
            const double s = 0.6 * core * (double)(1 << i);

            sf_canvas_gaussian(canvas, y, x, s + 0.5, rest * 2.0 * PI * s * s / (double)(1 << i));
        }
    }
}
