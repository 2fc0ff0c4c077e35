/* observation.h - what the solvers see of an observation: arrays on the scene's grid, with
 * weights relative to the frame's own noise so that every number in a solver is either a
 * pixel value or of order one, whatever the unit of flux. */
#ifndef SF_INVERSE_OBSERVATION_H
#define SF_INVERSE_OBSERVATION_H

#include <scorefield/inverse.h>

#include <stdatomic.h>

/* Of several exposures that were joined, data, weights and H stand one exposure after the other,
 * each on the scene's grid. Every exposure is an observation of its own, too, whose data and
 * weights are the joint one's. */
struct sf_observation {
    atomic_size_t references;
    sf_observation *owner;     /* of an exposure: the joint one, whose references count */
    sf_observation **exposure; /* NULL: this is one by itself */
    size_t exposures;          /* 1 then */
    size_t values;             /* of data and weight: the scene's cells, for every exposure */
    sf_psf *psf;               /* what H is made of; NULL: none, or one that varies: */
    sf_psf_field *field;
    double resolution;
    double shift[SF_GRID_MAX_AXES]; /* what the scene has so many cells further on is seen */
    bool periodic;
    sf_grid frame, scene;
    size_t upsample;                 /* cells along a pixel's side */
    sf_grid fine;                    /* the frame in cells */
    size_t origin[SF_GRID_MAX_AXES]; /* where that begins in the scene */
    sf_operator *crop;               /* scene -> fine; its adjoint embeds */
    sf_fft *fft;
    sf_complex *transfer; /* H on the half spectrum, and the sum over a pixel's cells, which is had
                             at its first one, and the shift; NULL where there is none of them */
    sf_operator *varying; /* the PSF that varies, applied before that; NULL: none */
    double *power;        /* its mean |H_k|^2; NULL: none */
    double *data;         /* scene: pixels - background, 0 where unobserved */
    double *weight;       /* scene: (noise / sigma)^2, 0 where unobserved */
    sf_complex *back;     /* F(H^T (weight .* data)) */
    double noise;         /* the unit of weights: summary.noise, of an exposure the joint one's */
    double typical;       /* weight at summary.noise */
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

/* The grid of the PSF, or of the box that holds all of a field; NULL: none. */
const sf_grid *sf_observation_kernel(const sf_observation *observation);
/* Makes H of psf or field, resolution, upsample, origin and shift. */
sf_status sf_observation_find_blur(sf_observation *observation);
/* How many observed pixels of the unit of noise know as much as these: `observed`, and of several
 * exposures each by its typical weight. */
double sf_observation_worth(const sf_observation *observation);
/* Whether H = 1; whether an exposure has a PSF that varies. */
bool sf_observation_is_plain(const sf_observation *observation);
bool sf_observation_varies(const sf_observation *observation);
/* |H_k|^2, summed over the exposures; of a PSF that varies the mean over its places. And the same
 * times each exposure's mean weight: H^T W H, roughly; exactly where `diagonal`. */
double sf_observation_power(const sf_observation *observation, size_t k);
double sf_observation_information(const sf_observation *observation, size_t k);

/* blurred (`values` of them) = H scene; and out = H^T field. The two may be the same array where
 * there is one exposure, and no PSF that varies. */
sf_status sf_observation_blur(const sf_observation *observation, const double *scene,
                              double *blurred);
sf_status sf_observation_blur_adjoint(const sf_observation *observation, const double *field,
                                      double *out);
/* The same from and to a scene's half spectrum, one transform for each exposure: pixels = H F^-1
 * modes; modes = F H^T pixels. work: as large as modes. */
sf_status sf_observation_see(const sf_observation *observation, const sf_complex *modes,
                             sf_complex *work, double *pixels);
sf_status sf_observation_return(const sf_observation *observation, const double *pixels,
                                sf_complex *work, sf_complex *modes);

/* The fine frame's cell that is a pixel of the frame, or the first of those that are; and the
 * scene's. */
size_t sf_observation_first_cell(const sf_observation *observation, size_t pixel);
size_t sf_observation_cell(const sf_observation *observation, size_t pixel);
/* frame = what a field has at each pixel's first cell; and a field that is `frame` there, else 0.
 */
sf_status sf_observation_pick(const sf_observation *observation, const double *scene,
                              double *frame);
sf_status sf_observation_place(const sf_observation *observation, const double *frame,
                               double *scene);

/* data, weight and diagonal of pixels (above the background) of these weights, which are 0 where
 * unobserved; `data` and `weight` are there. */
sf_status sf_observation_embed(sf_observation *observation, const double *pixels,
                               const double *weights);
/* back */
sf_status sf_observation_transform(sf_observation *observation);

/* misfit (`values`) = (data - H scene) / sigma, whitened, 0 where unobserved. */
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

/* The noise of single pixels that the residual of a scene shows, in parts of what was said: the
 * median of |misfit|, which sources do not reach, as a standard deviation; and its error. */
sf_status sf_noise_scale(const sf_observation *observation, const double *scene, double *scale,
                         double *error);

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
