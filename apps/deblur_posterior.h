/* deblur_posterior.h - samples of the posterior instead of one image: what sf-deblur draws, and
 * what it makes of them. */
#ifndef SF_APPS_DEBLUR_POSTERIOR_H
#define SF_APPS_DEBLUR_POSTERIOR_H

#include "deblur_frame.h"

#define DEBLUR_QUANTILES 4
#define DEBLUR_BINS      64

/* Images in the result's cells, sky restored where they have one. */
typedef struct deblur_posterior {
    size_t samples, kept;      /* drawn, and in the cube */
    size_t resumed;            /* of them from the checkpoint */
    size_t evaluations;        /* of the prior, a sample */
    sf_linear_systems systems; /* of the diffusion's likelihood */
    double seconds;
    double *deviation, *quantile[DEBLUR_QUANTILES];
    double *cube; /* kept x cells */
    double chi_squared, least_chi_squared,
        most_chi_squared; /* per observed pixel: of the samples */
    double bin[DEBLUR_BINS], density[DEBLUR_BINS], normal[DEBLUR_BINS]; /* of their residuals */
    double inside[2]; /* share of the truth's pixels within 68 % and 95 %; NaN without truth */
} deblur_posterior;

extern const double deblur_quantile[DEBLUR_QUANTILES];
extern const char *const deblur_quantile_name[DEBLUR_QUANTILES];

const char *deblur_sampler_name(const deblur_options *options);
long long deblur_seed(const deblur_options *options);
/* Draws, and leaves their mean in `mean`, on the scene's grid. Release in any case. */
sf_status deblur_posterior_draw(const deblur_options *options, const deblur_frame *frame,
                                sf_prior *prior, sf_monitor monitor, double *mean,
                                deblur_posterior *posterior);
void deblur_posterior_release(deblur_posterior *posterior);

#endif
