/* loss.h - the loss of one sample of denoising score matching (train.c says why). Internal. */
#ifndef SF_NETWORK_LOSS_H
#define SF_NETWORK_LOSS_H

#include <stddef.h>

typedef struct sf_sample_loss {
    size_t pixels;
    double factor; /* the network's output times this ... */
    double floor;  /* b^2 (1 + A^(3/2)); 0: no balance */
} sf_sample_loss;

/* error = mean of (factor output - target)^2; *loss = error, or log(error + floor) with a floor.
 * gradient = the loss's derivative with respect to the output, times `scale`. */
double sf_sample_loss_value(const sf_sample_loss *sample, const double *output,
                            const double *target, double scale, double *gradient, double *loss);

#endif
