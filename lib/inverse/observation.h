/* observation.h - what the solvers see of an observation: arrays on the scene's grid, with
 * weights relative to the frame's own noise so that every number in a solver is either a
 * pixel value or of order one, whatever the unit of flux. */
#ifndef SF_INVERSE_OBSERVATION_H
#define SF_INVERSE_OBSERVATION_H

#include <scorefield/inverse.h>

#include <stdatomic.h>

struct sf_observation {
    atomic_size_t references;
    sf_grid frame, scene;
    size_t upsample;                 /* cells along a pixel's side */
    sf_grid fine;                    /* the frame in cells */
    size_t origin[SF_GRID_MAX_AXES]; /* where that begins in the scene */
    sf_operator *crop;               /* scene -> fine; its adjoint embeds */
    sf_fft *fft;
    sf_complex *transfer; /* H on the half spectrum, and the sum over a pixel's cells, which is had
                             at its first one; NULL where there is neither */
    double *data;         /* scene: pixels - background, 0 where unobserved */
    double *weight;       /* scene: (noise / sigma)^2, 0 where unobserved */
    sf_complex *back;     /* conj(H) F(weight .* data) */
    double noise;         /* summary.noise */
    sf_frame_summary summary; /* of the whole frame */
    double background;
    double gain;   /* counts for a unit of pixel value; 0: the noise is Gaussian */
    double offset; /* of counts: their expected value is gain (H x + offset), their own number
                      gain max(data + offset, 0) */
    double *inverse_power; /* 1/C_k on the half spectrum, C the correlation of the noise (mean 1);
                              NULL: every pixel has its own */
    double mean_weight;    /* over the scene, unobserved cells included */
    size_t observed;
    double known; /* numbers measured for every observed pixel: 1, or of frequencies as many as were
                     sampled, over N */
    bool diagonal; /* every cell observed with weight 1: H^T W H is diagonal in Fourier space */
    bool fourier;  /* what was measured are modes, and the pixels made of them (fourier.c) */
};

/* Makes an observation one of counts, of the options' gain and read noise, and *sigma (to be freed
 * in any case) the local Gaussian form of its noise. */
sf_status sf_observation_count(sf_observation *observation, const double *pixels,
                               const double *mask, const sf_observation_options *options,
                               double **sigma);

/* Whether a pixel counts: finite, with a positive and finite sigma, and not masked. */
bool sf_pixel_is_usable(double pixel, double sigma, double bad);

/* blurred = H scene, on the scene's grid. */
sf_status sf_observation_blur(const sf_observation *observation, const double *scene,
                              double *blurred);

/* out = H^T field, on the scene's grid. */
sf_status sf_observation_blur_adjoint(const sf_observation *observation, const double *field,
                                      double *out);

/* The scene's cell that is a pixel of the frame, or the first of those that are. */
size_t sf_observation_cell(const sf_observation *observation, size_t pixel);
/* frame = what a field has at each pixel's first cell; and a field that is `frame` there, else 0.
 */
sf_status sf_observation_pick(const sf_observation *observation, const double *scene,
                              double *frame);
sf_status sf_observation_place(const sf_observation *observation, const double *frame,
                               double *scene);

/* misfit = (data - H scene) / sigma on the scene's grid, whitened, 0 where unobserved. */
sf_status sf_observation_misfit(const sf_observation *observation, const double *scene,
                                double *misfit);

/* chi^2 of a misfit over the observed pixels, with its mean and variance for noise alone: of counts
 * (y - m)^2 has m and m + 2 m^2, which is less than sigma^2 promises where that is one count's. */
typedef struct sf_goodness {
    double value, expected, variance;
} sf_goodness;
void sf_observation_chi_squared(const sf_observation *observation, const double *misfit,
                                sf_goodness *goodness);
/* Adds what is expected of a cell's (data - H scene)^2 / sigma^2, and its variance, where
 * `predicted` is H scene there. */
void sf_observation_expect_square(const sf_observation *observation, size_t cell, double predicted,
                                  double *expected, double *variance);

/* Makes the noise one of that power spectrum, whatever its scale, and `noise` what the PSF sees of
 * it. */
sf_status sf_observation_correlate(sf_observation *observation, const sf_spectrum *spectrum);
/* field <- W field, W = w^1/2 C^-1 w^1/2 with w the weights; work: a half spectrum. */
sf_status sf_observation_weigh(const sf_observation *observation, double *field, sf_complex *work);
/* misfit <- C^-1/2 misfit, 0 where unobserved. */
sf_status sf_observation_whiten(const sf_observation *observation, double *misfit);
/* SF_ERR_UNSUPPORTED for noise that neighbours share. */
sf_status sf_observation_need_white(const sf_observation *observation);

/* Sums in an order that does not depend on the number of threads. */
double sf_sum_product(const double *a, const double *b, size_t count);
double sf_sum_squares(const double *a, size_t count);
/* sqrt of the sum of (a - b)^2. */
double sf_distance(const double *a, const double *b, size_t count);

/* The quantile of `count` > 0 finite values, linear between the two values that it lies between;
 * 0.5 is the median. Reorders the values. */
double sf_quantile(double *values, size_t count, double probability);

#endif
