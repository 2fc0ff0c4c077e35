/* loss.c - the loss of one sample of denoising score matching. */
#include "network/loss.h"

#include <math.h>

double sf_sample_loss_value(const sf_sample_loss *sample, const double *output,
                            const double *target, double scale, double *gradient, double *loss)
{
    const double count = (double)sample->pixels;
    double error = 0.0, weight;

    for (size_t i = 0; i < sample->pixels; i++) {
        const double e = sample->factor * output[i] - target[i];

        error += e * e / count;
        gradient[i] = e;
    }
    *loss = sample->floor > 0.0 ? log(error + sample->floor) : error;
    weight = sample->floor > 0.0 ? 1.0 / (error + sample->floor) : 1.0;
    weight *= 2.0 * scale * sample->factor / count;
    for (size_t i = 0; i < sample->pixels; i++) gradient[i] *= weight;
    return error;
}
