/* predictor.c - the predictors with one evaluation a step. With score = (alpha D - x)/sigma^2 each
 * is linear in x, the clean image D and new noise, so that it is three coefficients: written for x
 * as the papers have them, and turned into those for z = x/alpha. */
#include "diffusion/predictor.h"

#include <math.h>

/* x' = x - h (f x - share g^2 score) + g sqrt(h) e (no e with share 1/2): Euler's rule for the
 * stochastic equation, share 1, and for the flow. */
static sf_linear_step euler(double share, double h, const sf_marginal *m)
{
    const double pull = share * h * m->g2 / (m->sigma * m->sigma);

    return (sf_linear_step){1.0 - h * m->f - pull, pull * m->alpha,
                            share == 1.0 ? sqrt(h * m->g2) : 0.0};
}

/* The forward process' own step, x + (a - 1) x + G e, turned round with its drift and G. */
static sf_linear_step reverse_diffusion(const sf_marginal *from, const sf_marginal *to)
{
    const double a = from->alpha / to->alpha, ratio = to->level / from->level;
    const double share = (1.0 - ratio) * (1.0 + ratio); /* G^2/sigma_t^2 */

    return (sf_linear_step){2.0 - a - share, share * from->alpha, from->sigma * sqrt(share)};
}

/* alpha_s D + keep n + c e; keep is sigma_s ratio for eta = 1. */
static sf_linear_step ddim(double eta, const sf_marginal *from, const sf_marginal *to)
{
    const double ratio = to->level / from->level;
    const double c = eta * sqrt((1.0 - ratio) * (1.0 + ratio)); /* in units of sigma_s */
    const double keep = to->sigma * sqrt((1.0 - c) * (1.0 + c));

    return (sf_linear_step){keep / from->sigma, to->alpha - keep / from->level, c * to->sigma};
}

sf_linear_step sf_predictor_step(sf_predictor predictor, double eta, double h,
                                 const sf_marginal *from, const sf_marginal *to)
{
    sf_linear_step step;

    switch (predictor) {
    case SF_PREDICTOR_EULER_MARUYAMA: step = euler(1.0, h, from); break;
    case SF_PREDICTOR_FLOW_EULER: step = euler(0.5, h, from); break;
    case SF_PREDICTOR_REVERSE_DIFFUSION: step = reverse_diffusion(from, to); break;
    case SF_PREDICTOR_ANCESTRAL:
    case SF_PREDICTOR_MULTISTEP_SDE: step = ddim(1.0, from, to); break;
    case SF_PREDICTOR_MULTISTEP: step = ddim(0.0, from, to); break;
    default: step = ddim(eta, from, to);
    }
    return (sf_linear_step){step.z * from->alpha / to->alpha, step.clean / to->alpha,
                            step.noise / to->alpha};
}
