/* loss.c - the loss of one sample of denoising score matching. */
#include "network/loss.h"

#include <math.h>

static size_t before(size_t i) { return i > 0 ? i - 1 : 1; }
static size_t after(size_t i, size_t side) { return i + 1 < side ? i + 1 : i - 1; }

/* The share of pixels with detail above the noise: the mean of l^2/(1 + l^2), l the Laplacian,
 * mirrored at the edges. */
static double detail(const double *image, size_t side)
{
    double sum = 0.0;

    if (side < 2) return 0.0;
    for (size_t r = 0; r < side; r++) {
        const double *row = image + r * side;
        const double *up = image + before(r) * side, *down = image + after(r, side) * side;

        for (size_t c = 0; c < side; c++) {
            const double l = 4.0 * row[c] - up[c] - down[c] - row[before(c)] - row[after(c, side)];

            sum += l * l / (1.0 + l * l);
        }
    }
    return sum / (double)(side * side);
}

double sf_sample_weight(const double *noisy, const double *clean, size_t side, double balance)
{
    const double pixels = (double)(side * side);
    double power = 0.0;

    for (size_t i = 0; i < side * side; i++) power += noisy[i] * noisy[i] / pixels;
    return 1.0 / (0.34 * pow(detail(clean, side), 0.65) +
                  balance * balance * (1.0 + pow(fmax(power - 1.0, 0.0), 0.75)));
}

double sf_sample_loss_value(const sf_sample_loss *sample, const double *output,
                            const double *target, double scale, double *gradient, double *loss)
{
    const double count = (double)sample->pixels;
    const double slope = 2.0 * scale * sample->weight * sample->factor / count;
    double error = 0.0;

    for (size_t i = 0; i < sample->pixels; i++) {
        const double e = sample->factor * output[i] - target[i];

        error += e * e / count;
        gradient[i] = slope * e;
    }
    *loss = sample->weight * error;
    return error;
}
