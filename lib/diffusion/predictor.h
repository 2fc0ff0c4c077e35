/* predictor.h - one step back in time. */
#ifndef SF_DIFFUSION_PREDICTOR_H
#define SF_DIFFUSION_PREDICTOR_H

#include <scorefield/diffusion.h>

/* z' = z z + clean D + noise e, of z = x/alpha. */
typedef struct sf_linear_step {
    double z, clean, noise;
} sf_linear_step;

/* A step of `h` in time between two marginals; not for Heun's and the adaptive predictor. */
sf_linear_step sf_predictor_step(sf_predictor predictor, double eta, double h,
                                 const sf_marginal *from, const sf_marginal *to);

#endif
