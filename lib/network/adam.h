/* adam.h - Adam and the weights' running mean, over one flat parameter vector. Internal. */
#ifndef SF_NETWORK_ADAM_H
#define SF_NETWORK_ADAM_H

#include <scorefield/base.h>

typedef struct sf_adam {
    size_t count;
    float *weights;        /* what the next step changes */
    float *mean;           /* running mean of the weights: what is delivered */
    float *first, *second; /* moments of the gradient */
} sf_adam;

typedef struct sf_adam_step {
    uint64_t number;     /* 1, 2, ... */
    double rate;         /* learning rate */
    double weight_decay; /* decoupled (Loshchilov & Hutter 2019, arXiv:1711.05101) */
    double clip;         /* largest norm of the gradient; 0 = none */
    double ema;          /* decay of the running mean, after a ramp-up (1 + n)/(10 + n) */
} sf_adam_step;

/* Copies `weights`; the moments are zero. */
sf_status sf_adam_create(size_t count, const float *weights, sf_adam *adam);
void sf_adam_release(sf_adam *adam);
/* The gradient's norm comes back: not finite means that nothing was changed. */
double sf_adam_update(sf_adam *adam, const sf_adam_step *step, const float *gradient);

#endif
