/* loss.h - the loss of one sample of denoising score matching (train.c says why). Internal. */
#ifndef SF_NETWORK_LOSS_H
#define SF_NETWORK_LOSS_H

#include <stddef.h>

typedef struct sf_sample_loss {
    size_t pixels;
    double factor; /* the network's output times this ... */
    double weight; /* ... may err at this price */
} sf_sample_loss;

/* What a sample counts: w of train.c with balance b, from the noisy image and the clean one that
 * the network makes of it, side x side pixels in units of the noise. It must not know the truth. */
double sf_sample_weight(const double *noisy, const double *clean, size_t side, double balance);

/* error = mean of (factor output - target)^2; *loss = weight error. gradient = the loss's
 * derivative with respect to the output, times `scale`. */
double sf_sample_loss_value(const sf_sample_loss *sample, const double *output,
                            const double *target, double scale, double *gradient, double *loss);

#endif
