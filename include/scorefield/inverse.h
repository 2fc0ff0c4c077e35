/* scorefield/inverse.h - inverse problems y = A x + n: data, solvers, diagnostics. */
#ifndef SCOREFIELD_INVERSE_H
#define SCOREFIELD_INVERSE_H

#include <scorefield/diffusion.h>
#include <scorefield/operator.h>
#include <scorefield/prior.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- observations ----------------------------------------------------------------------- */

/* A blurred, noisy frame with a known PSF: y = M H x + n. x lives on the scene's grid, which is
 * larger than the frame by the PSF's support (and up to good FFT lengths), H is the periodic
 * convolution there, and M picks the observed pixels: pixels outside the frame and bad pixels
 * have weight zero, so real frames need no edge tricks (Almeida & Figueiredo 2013,
 * doi:10.1109/TIP.2013.2258354). Immutable, shared by reference count. */
typedef struct sf_observation sf_observation;

/* What a frame's pixels say of all of it: what its tiles must not each decide for themselves. */
typedef struct sf_frame_summary {
    double noise;  /* median standard deviation of the observed pixels: the unit of all levels */
    double range;  /* 99.9 % of the |pixel - background| are below it */
    double lowest; /* of pixel - background */
    double mean;   /* of max(pixel - background, 0); above zero */
} sf_frame_summary;

/* From `count` pixels in any order; arguments as sf_observation_create takes them. SF_ERR_ARGUMENT
 * when none is observed. */
SF_API sf_status sf_frame_summarise(size_t count, const double *pixels, const double *sigma,
                                    double noise, const double *mask, double background,
                                    sf_frame_summary *summary);

/* Where a tile lies, and what is known of its whole frame. */
typedef struct sf_frame_part {
    sf_grid frame;                  /* of which this is a part */
    size_t first[SF_GRID_MAX_AXES]; /* its first pixel there */
    size_t stride; /* cells, 0 = 1: the scenes of all parts, and of the frame in one piece, lie at
                      the same place modulo this (a network with a stride is not the same in
                      between). Without a PSF a scene is its part, and so `first` must be a multiple
                      of this */
    sf_frame_summary summary;
} sf_frame_part;

typedef struct sf_observation_options {
    double background; /* constant sky level, subtracted from the pixels */
    double resolution; /* 0, or the FWHM that the scene keeps, in the grid's unit of length: the
                          scene is what a Gaussian PSF of this width would show, and H what the
                          PSF adds to that, |H| <= 1. A star between two cells is no image of
                          cells (its band-limited form rings), but sampled at a FWHM of a cell or
                          more it is one (Magain, Courbin & Sohy 1998, doi:10.1086/305187) */
    bool periodic;     /* the frame itself is periodic: no margin (simulations, published tests) */
    size_t upsample;   /* K: the scene's cells are K times finer (0 and 1: they are the pixels), a
                          pixel is the sum over its K x K cells, and the PSF is given in cells */
    double gain; /* 0: Gaussian noise. Else the pixels are counts (electrons, photons): gain pixel ~
                    Poisson(gain (H x + background)), gain in counts for a unit of pixel value, and
                    the sky still in them */
    double read; /* standard deviation of Gaussian noise on top, in pixel values. The two together
                    are taken as Poisson noise of gain pixel + (gain read)^2, whose mean and
                    variance are theirs (Snyder, Hammoud & White 1993); what is below 0 then counts
                    as 0, which with fewer than 3 counts of read noise is a little bias where there
                    is next to no light: 0.08, 0.02, 0.001 counts a pixel at 1, 2, 3 */
    const sf_frame_part *part; /* NULL, or what is known where this is a part of a larger frame */
    /* NULL: every pixel has noise of its own. Else the noise is sigma g, g a field of this power
     * spectrum (k in radians by the grid's unit of length; its scale does not matter), as resampled
     * frames have it; then w^1/2 C^-1 w^1/2 stands wherever W does, w = noise^2/sigma^2, 0 where
     * unobserved, and C_k the spectrum over its mean. That is the inverse covariance where every
     * pixel of a periodic frame is observed; near masks and borders it takes what is not observed
     * for predicted well, which costs precision and makes no bias. The unit of noise is then what
     * the PSF sees, sigma (sum |H|^2 C / sum |H|^2)^1/2, and residuals are whitened. Two more
     * transforms an iteration of conjugate gradients. Not for counts, nor for finer cells than
     * pixels, nor for samples of posteriors. */
    const sf_spectrum *correlation;
    /* NULL, or the PSF at every place, instead of one: H x = sum_i h_i * (w_i x), as
     * sf_operator_psf_field has it. Its places are pixels of the frame (row, column; centres are
     * whole numbers from 0 on), its PSFs in cells. What an H costs stands there. Not for split
     * Gibbs sampling, whose draws need an H that is diagonal in Fourier space; and sf_noise_excess
     * is 1. */
    const sf_psf_field *psf_field;
} sf_observation_options;

SF_API sf_observation_options sf_observation_options_default(void);
/* pixels: not finite = unobserved. sigma: a map of standard deviations (pixels whose value is not
 * positive and finite count as unobserved), or NULL for the constant `noise` > 0. mask: not zero
 * = bad, or NULL. psf NULL: no blur (H = 1, no margin). options NULL: the defaults. Arrays are
 * copied; the PSF is not needed afterwards.
 * Of counts sf_pnp and sf_richardson_lucy use the law itself, and all else its local Gaussian form:
 * `sigma`, or where that is NULL sf_poisson_sigma of the pixels (`noise` is not used). The unit of
 * noise, in which levels are counted, is the median of that over the observed pixels: about
 * sqrt((H x + background)/gain), at least one count. Errors: SF_ERR_ARGUMENT for no observed pixel
 * or a noise that is not positive, for a gain or read noise that cannot be, for counts below 0
 * without read noise; SF_ERR_SHAPE for a PSF of other axes or larger than the frame. */
SF_API sf_status sf_observation_create(const sf_grid *frame, const double *pixels,
                                       const double *sigma, double noise, const double *mask,
                                       const sf_psf *psf, const sf_observation_options *options,
                                       sf_observation **observation);
/* Gridded samples of an image's Fourier transform (interferometry, magnetic resonance):
 *     V_k = F_k + e_k,   F_k = sum_n x_n exp(-2 pi i k.n/N)   where mask_k is not 0,
 * x real and periodic on `image`, e_k with independent real and imaginary parts of standard
 * deviation sigma_k each (a map of N values; where it is not positive and finite nothing was
 * sampled), or `noise` everywhere for sigma NULL. value, mask (NULL: all) and sigma have the
 * image's shape and the zero frequency first, as FFTs return them: k = (m_1, m_2) lies at (m_1 mod
 * n_1, m_2 mod n_2), so that in FITS the zero frequency is the first pixel. V_-k is the conjugate
 * of V_k: where both were sampled they are two measurements, unless all such pairs are conjugate to
 * 1e-3 of their noise; then each was measured once and written twice. Where k = -k only the real
 * part is of x. Every solver but Richardson-Lucy and sf_denoise takes it; their data steps, and
 * exact draws given the data, are a division in Fourier space. The scene is the image itself, and
 * the unit of noise (sf_observation_noise) is the standard deviation of a cell's if all frequencies
 * were sampled as well as the median one is: noise/N^1/2, 2^1/2 that where only one half of the
 * plane was. chi^2 is per number measured, which sf_observation_observed counts (two for a pair {k,
 * -k}, one where k = -k); residuals are those of the whitened dirty image; flux is the zero
 * frequency, NaN where that was not sampled. Errors: SF_ERR_ARGUMENT for no sampled frequency and a
 * noise that is not positive, SF_ERR_NUMERIC for a sample or a mask that is not finite. */
SF_API sf_status sf_observation_fourier(const sf_grid *image, const sf_complex *value,
                                        const double *mask, const double *sigma, double noise,
                                        sf_observation **observation);
/* The dirty image of the same samples: what their means over the pairs {k, -k} transform to, with 0
 * where nothing was sampled. */
SF_API sf_status sf_fourier_dirty_image(const sf_grid *image, const sf_complex *value,
                                        const double *mask, const double *sigma, double noise,
                                        double *dirty);
SF_API sf_observation *sf_observation_retain(sf_observation *observation);
SF_API void sf_observation_release(sf_observation **observation);
SF_API const sf_grid *sf_observation_frame(const sf_observation *observation);
/* The grid that priors for this observation must be made on. */
SF_API const sf_grid *sf_observation_scene(const sf_observation *observation);
/* Median standard deviation of the observed pixels (of the whole frame, where this is a part of
 * one): the frame's own noise level. */
SF_API double sf_observation_noise(const sf_observation *observation);
SF_API double sf_observation_background(const sf_observation *observation);
SF_API size_t sf_observation_observed(const sf_observation *observation);
/* The frame in the scene's cells: the frame itself, or K times finer. */
SF_API const sf_grid *sf_observation_fine(const sf_observation *observation);
/* The frame's part of a field on the scene's grid, in the scene's cells. */
SF_API sf_status sf_observation_crop(const sf_observation *observation, const double *scene,
                                     double *fine);
/* frame = what H scene is in the frame's pixels, background not added. */
SF_API sf_status sf_observation_predict(const sf_observation *observation, const double *scene,
                                        double *frame);

/* ---- several exposures of one scene --------------------------------------------------------- */

/* y_e = M_e S_e H_e x + n_e: exposures, each an observation with its own PSF (in the scene's
 * cells), noise, mask, sky, gain and frame, as one observation of one scene, on which every solver
 * works as on any other; sf_denoise alone, which has no H, takes one exposure.
 *
 * shifts: for each exposure and axis where its frame's corner (the outer edge of pixel 0) lies from
 * the first one's, in the grids' unit of length. Cells have to be the same in all; pixels need not:
 * those of a frame whose `upsample` is K have K cells, so that pixel scales may be in whole ratios
 * (spacing 1 at K = 2, and 1.5 at K = 3). What is not the same in pixels, by rotation or
 * distortion, is to be resampled before. Whole cells of a shift are exact: they are where a frame
 * lies in the scene. The rest S_e, up to half a cell, is a phase in Fourier space, exact for scenes
 * that H_e leaves without power at the waves of two cells, as a PSF sampled by two cells and more
 * for its FWHM does; a sharper one gets the ringing kernel of band-limited interpolation. With
 * --upsample K a dither of 1/K pixel is whole. The scene holds all frames and the PSFs' margins;
 * sf_observation_frame, _fine, _crop, _predict, _residual and sf_frame_summary's range are of the
 * first one.
 *
 * The unit of noise is sqrt(n)/(sum_e n_e/sigma_e^2)^1/2, n the cells of a pixel (of the first, of
 * each): its median over the cells that a pixel shows. N equal exposures are one whose noise is
 * sqrt(N) less. Cost: two transforms for each exposure where one has two; memory: two fields and
 * two half spectra for each.
 * Errors: SF_ERR_ARGUMENT for frames that do not overlap the first, for cells of other sizes, for
 * counts beside Gaussian noise; SF_ERR_SHAPE for other axes, and for periodic frames of other
 * shapes; SF_ERR_UNSUPPORTED for noise with a spectrum and for observations that are joined. */
SF_API sf_status sf_observation_join(size_t count, sf_observation *const *exposures,
                                     const double *shifts, sf_observation **joint);
/* 1, or how many were joined; and one of them, on the joint scene, which it keeps (an observation
 * by itself is its own): for what is asked of each frame, such as sf_diagnose, sf_deviance,
 * sf_observation_predict and _residual. sf_diagnose of a joint one is of all their pixels. */
SF_API size_t sf_observation_exposures(const sf_observation *observation);
SF_API const sf_observation *sf_observation_exposure(const sf_observation *observation,
                                                     size_t index);

/* A frame cut into tiles that overlap. Cores, of equal size but for a pixel, cover every pixel
 * once; a tile is its core and `margin` pixels more on every side, or as far as the frame goes, and
 * a few, so that it begins at a multiple of `stride`. Solved as parts of the frame (sf_frame_part),
 * the tiles' cores have no seams: what a solution is at a pixel depends on the data near by. */
typedef struct sf_tiling {
    sf_grid frame; /* two axes */
    size_t margin, stride;
    size_t across[2]; /* tiles along the axes */
    size_t tiles;     /* all of them */
} sf_tiling;

typedef struct sf_tile {
    size_t first[2], shape[2];           /* of the tile, in the frame */
    size_t core_first[2], core_shape[2]; /* of its core, in the frame */
} sf_tile;

/* core: the largest side of a core. SF_ERR_ARGUMENT for a core of no pixels, SF_ERR_SHAPE for a
 * frame that has not two axes. */
SF_API sf_status sf_tiling_make(const sf_grid *frame, size_t core, size_t margin, size_t stride,
                                sf_tiling *tiling);
/* Tile `index` < tiles, row by row. */
SF_API void sf_tiling_tile(const sf_tiling *tiling, size_t index, sf_tile *tile);
/* The tile whose core has the pixel. */
SF_API size_t sf_tiling_find(const sf_tiling *tiling, size_t row, size_t column);

/* Standard deviations of pixels that count, as sf_observation_create takes them: Poisson noise and
 * that of reading, in their local Gaussian form
 *     sigma^2 = read^2 + max(m, 1/gain)/gain,   gain in counts for a unit of pixel value,
 * so that the variance never falls below that of one count. m is the pixel that is expected, sky
 * and all (background + sf_observation_predict of a first solution): `expected`, or where that is
 * NULL the mean over the usable pixels at most one away along every axis, itself among them. Its
 * noise then enters the weights: pixels that came out low count for more, which makes fluxes too
 * low by a part of about 1/(9 counts); take the model's prediction where that matters. NaN where
 * the pixel is not finite or masked. SF_ERR_ARGUMENT for a gain that is not positive, or a `read`
 * that is negative, or either not finite; SF_ERR_NUMERIC where `expected` is not finite. */
SF_API sf_status sf_poisson_sigma(const sf_grid *frame, const double *pixels, const double *mask,
                                  double read, double gain, const double *expected, double *sigma);

/* Standard deviation of a frame's noise from its own finest structure: median absolute second
 * difference along every axis (Immerkaer 1996, made robust), of neighbours and, for resampled
 * frames whose neighbours share their noise, of pixels three apart. Pixels that are not finite or
 * masked (mask not zero; NULL none) are left out. For white noise on N pixels its own standard
 * deviation is about 1.6/sqrt(N) of it. SF_ERR_ARGUMENT for a constant frame and for one of too few
 * usable pixels.
 * Background: median of what is within 3 deviations of it, iterated, or the mode
 * 2.5 median - 1.5 mean of that (Bertin & Arnouts 1996). */
SF_API sf_status sf_estimate_noise(const sf_grid *frame, const double *pixels, const double *mask,
                                   double *noise);
SF_API sf_status sf_estimate_background(const sf_grid *frame, const double *pixels,
                                        const double *mask, double *background);

/* Pixels that cosmic rays hit, for a mask: what is brighter than its neighbours by more than a PSF
 * can make it (van Dokkum 2001, doi:10.1086/323894). With E half of the positive Laplacian of the
 * frame in quarter pixels (a ray of one pixel has its own height there), S = E / noise minus its
 * median within 5 x 5, and F the frame's structure on the scale of stars (median of 3 x 3, minus
 * the median of 7 x 7 of it), rays are where S > threshold   and   S noise / F > contrast, and what
 * touches them with S > threshold, and what touches those with S > growth threshold. They are
 * replaced by the median around them, and looked for again. */
typedef struct sf_cosmic_ray_options {
    double threshold;
    double growth;
    double contrast;   /* 0 = chosen: three times the PSF's own, at least 2. Where stars are hardly
                          wider than a pixel that is much, and rays on them are not found */
    size_t iterations; /* at most */
    double gain, read; /* of an observation of counts (gain 0: not one): the noise is that of the
                          median within 3 x 3 or 5 x 5, no matter what `sigma` and `noise` are */
} sf_cosmic_ray_options;
/* Threshold 5, growth 0.3, 4 iterations. */
SF_API sf_cosmic_ray_options sf_cosmic_ray_options_default(void);
/* rays = 1 where there is one, else 0, and *found how many. pixels, sigma, noise, mask and psf
 * (NULL: none) as in sf_observation_create; options may be NULL. The same on any number of threads.
 * Errors: SF_ERR_SHAPE for other than two axes, SF_ERR_ARGUMENT for options and noise. */
SF_API sf_status sf_find_cosmic_rays(const sf_grid *frame, const double *pixels,
                                     const double *sigma, double noise, const double *mask,
                                     const sf_psf *psf, const sf_cosmic_ray_options *options,
                                     double *rays, size_t *found);

/* ---- solvers ------------------------------------------------------------------------------ */

/* Why a solver stopped: an outcome, never an error. */
typedef enum sf_stop {
    SF_STOP_CONVERGED,
    SF_STOP_ITERATIONS,
    SF_STOP_SCHEDULE,    /* a decreasing noise schedule was run to its end */
    SF_STOP_DISCREPANCY, /* the residual reached the noise */
    SF_STOP_MONITOR      /* the caller said stop; the result is the last iterate */
} sf_stop;
SF_API const char *sf_stop_text(sf_stop stop);

typedef struct sf_solver_report {
    size_t iterations;
    size_t kept; /* of plug and play: number of the iterate that is the result; else 0 */
    sf_stop stop;
    double primal_residual; /* of splittings, as each says; NaN where a method has none */
    double dual_residual;
    double strength;     /* of the regularisation: as given, or as found */
    double noise_level;  /* the last level that the denoiser was told; NaN without denoiser */
    double noise_excess; /* what the residual was found to say of the noise: a factor */
    double seconds, prior_seconds, transform_seconds; /* the rest: vectors in pixel space */
    const char *guarantee;                            /* what is proven about this iteration */
} sf_solver_report;

/* Plug and play (Venkatakrishnan et al. 2013, doi:10.1109/GlobalSIP.2013.6737048; Zhang et al.
 * 2022, doi:10.1109/TPAMI.2021.3088914). With W = noise^2 / sigma^2, 0 where unobserved:
 *     x = argmin |W^1/2 (y - H x)|^2 + rho |x - (z - u)|^2
 *     z = prox of the prior at x + u and variance sigma_d^2 (a denoiser's D(x + u; sigma_d))
 *     u = u + x - z        (ADMM; half-quadratic splitting keeps u = 0)
 * The x-step is a division in Fourier space where every cell is observed at one noise level, else
 * conjugate gradients to a small part of the noise. Of counts (the observation's gain) its first
 * term is 2 noise^2 gain (m - y log m), summed over the observed pixels, with m = H x + b >= 0:
 * pixels split from the blur, some 5 to 30 linear systems. There is nothing to tune.
 *
 * Half-quadratic splitting follows a schedule: sigma_d falls logarithmically from schedule_from to
 * schedule_to, rho = 0.23 noise^2 / sigma_d^2.
 *
 * ADMM (`multiplier`) begins with 8 such steps, down to sigma_d = 3 noise. Then rho = noise^2 /
 * sigma_d^2, so that its fixed point is the posterior mode of the prior whose proximal operator is
 * used, whatever rho is (for a Gaussian field the Wiener solution), and rho is balanced (Boyd et
 * al. 2011, doi:10.1561/2200000016, section 3.4.1; sigma_d goes with it): of the residuals
 *     primal = rms(x - z) / noise,    dual = rho rms(z - previous z) / (noise h),
 * h^2 the mean of |W^1/2 H|^2 over the modes, each is in units of what the noise makes of it, and
 * rho <- rho sqrt(primal/dual), within a factor 10, in the first 50 steps. It ends when both are
 * below `tolerance`. With `discrepancy` the last iterate is the result, but for one whose residual
 * has less than half of the noise where the PSF looks (sf_noise_excess; good images have 0.6 to 1
 * of it): then the last one that has more.
 *
 * The noise: where the residual is that of other noise than was said, beyond 5 % and two standard
 * errors, the levels go on in units of that noise (found with the 8th step of ADMM, the last but
 * one of a schedule; not of counts, whose law is known), and the report has the factor. An excess
 * that was found half way stays only if the PSF still sees one then.
 *
 * Measured by tests/benchmark/bench_tuning: see there. */
typedef struct sf_pnp_options {
    size_t iterations;    /* of a schedule: its length; of ADMM: at most, after its schedule; 0 =
                             chosen: 12 (40 where frequencies were observed), 40 */
    double tolerance;     /* on both residuals; ADMM only */
    double penalty;       /* of ADMM: rho to begin with, and no schedule before; 0 = as above */
    double schedule_from; /* first denoiser level in units of the frame's noise; 0 = chosen */
    double schedule_to;   /* last denoiser level in units of the frame's noise; of ADMM 3 */
    bool multiplier;      /* true: ADMM, false: half-quadratic splitting */
    bool positive;        /* z >= 0 (above the background), by projection after each prior step */
    bool conserve_flux;   /* scales beyond 63 pixels, the flux among them, are at last taken from
                             the data, which know them better than a denoiser */
    bool find_excess;     /* at 3 times the noise of a schedule, look for sf_noise_excess above 1.1
                             by two of its errors; if so start again at that larger noise (twice at
                             most). And correct the noise, as above */
    bool discrepancy;     /* of ADMM: no iterate that fits the noise is the result, as above. For
                             denoisers, which nothing keeps from it; the mode of a Gaussian field's
                             posterior rightly does that */
    double noise_excess;  /* by which the noise is larger than believed from the beginning: 1, or
                             what was found on other parts of the frame */
    const double *start;  /* first z on the scene's grid; NULL: a smooth solution */
    sf_monitor monitor;   /* stage "pnp", residual = the larger one of the two, image = z */
} sf_pnp_options;

SF_API sf_pnp_options sf_pnp_options_default(void);
/* scene: the last z, on the scene's grid (see sf_observation_crop). The prior must be made on
 * that grid. Cost a step: one call of the prior and two transforms, and two more an iteration of
 * conjugate gradients. Errors: SF_ERR_SHAPE (prior on another grid), SF_ERR_ARGUMENT (options),
 * SF_ERR_NUMERIC (a prior that returns numbers which are not finite). options and report may be
 * NULL. */
SF_API sf_status sf_pnp(const sf_observation *observation, const sf_prior *prior,
                        const sf_pnp_options *options, double *scene, sf_solver_report *report);

/* Wiener: the mean of the posterior of a Gaussian field, (H^T W H + R)^-1 H^T W y, exact also
 * with masks, sigma maps and unknown boundaries. */
typedef struct sf_wiener_options {
    const sf_spectrum *spectrum; /* R_k = noise^2 / lambda_k (the field's mean is zero above the
                                    background); NULL: R_k = strength |Laplacian_k|^2 */
    double strength;             /* Laplacian only; 0 = chosen so that chi^2 per observed pixel is 1
                                    (discrepancy principle, Morozov 1966) */
    double tolerance;            /* relative residual of the linear system, preconditioned norm */
    size_t iterations;           /* of conjugate gradients at most, for each strength tried */
    sf_monitor monitor;          /* stage "linear system", residual = what `tolerance` is compared
                                    with; no image: the iterate is in Fourier space */
} sf_wiener_options;

SF_API sf_wiener_options sf_wiener_options_default(void);
SF_API sf_status sf_wiener(const sf_observation *observation, const sf_wiener_options *options,
                           double *scene, sf_solver_report *report);

/* Total variation: argmin |W^1/2 (y - H x)|^2 / 2 + (strength noise) sum |grad x| (isotropic,
 * periodic forward differences on the scene) by ADMM that splits the gradient (Rudin, Osher &
 * Fatemi 1992; Wang et al. 2008, doi:10.1137/080724265). Convex: converges from anywhere. Two
 * axes. Cost a step: four transforms, and two more an iteration of conjugate gradients. */
typedef struct sf_tv_options {
    double strength;   /* in units of the noise; 0 = chosen so that chi^2 per observed pixel is 1 */
    double penalty;    /* of ADMM: gradients are shortened by noise / penalty; speed, not result */
    size_t iterations; /* of ADMM at most, for each strength tried */
    double tolerance;  /* on both relative residuals */
    bool positive;
    sf_monitor monitor;
} sf_tv_options;

SF_API sf_tv_options sf_tv_options_default(void);
SF_API sf_status sf_tv(const sf_observation *observation, const sf_tv_options *options,
                       double *scene, sf_solver_report *report);

/* The most probable scene under a convex ridge, its scale the noise:
 *     argmin |W^1/2 (y - H x)|^2/(2 noise^2) + strength R(x/noise),
 * convex and smooth: by accelerated gradient steps in a metric diagonal in Fourier space, with
 * restarts; the energy falls with every step, from anywhere, and tends to its minimum. Cost a step:
 * two transforms a filter, and two more where pixels differ in weight. Two axes. Counts in the
 * local Gaussian form of their law. SF_ERR_UNSUPPORTED for a PSF that varies. */
typedef struct sf_ridge_map_options {
    double strength;    /* 0 = chosen so that chi^2 per observed pixel is 1 */
    size_t iterations;  /* at most, for each strength tried */
    double tolerance;   /* rms of the energy's gradient in that metric, in units of the noise */
    sf_monitor monitor; /* stage "map", residual = what `tolerance` is compared with; no image */
} sf_ridge_map_options;
/* Strength chosen, at most 1000 steps, tolerance 1e-3. */
SF_API sf_ridge_map_options sf_ridge_map_options_default(void);
/* scene: on the scene's grid; options and report may be NULL. In the report dual_residual is what
 * `tolerance` is compared with. */
SF_API sf_status sf_ridge_map(const sf_observation *observation, const sf_ridge *ridge,
                              const sf_ridge_map_options *options, double *scene,
                              sf_solver_report *report);

/* Richardson-Lucy (Richardson 1972, doi:10.1364/JOSA.62.000055; Lucy 1974, doi:10.1086/111605)
 * with background and mask (Snyder et al. 1993, doi:10.1364/JOSAA.10.001014):
 *     x <- x / (H^T m) .* H^T [m max(y + b, 0) / (H x + b)],   m = 1 observed, 0 not,
 * from a flat start. y has the sky subtracted and b is added on both sides, so that pixels that
 * noise makes negative are used as they are down to -b; what lies below counts as -b. Cells that
 * no observed pixel sees stay zero. Positive by construction. */
typedef struct sf_richardson_lucy_options {
    size_t iterations;  /* at most */
    double offset;      /* b; negative = chosen: of counts the background (and gain read^2), else
                           the background, at least as far as the data reach below it, but of that
                           at most 3 noise */
    bool discrepancy;   /* stop as soon as chi^2 per observed pixel is 1 */
    sf_monitor monitor; /* residual = chi^2 per observed pixel */
} sf_richardson_lucy_options;

SF_API sf_richardson_lucy_options sf_richardson_lucy_options_default(void);
SF_API sf_status sf_richardson_lucy(const sf_observation *observation,
                                    const sf_richardson_lucy_options *options, double *scene,
                                    sf_solver_report *report);

/* The prior applied once, D(y; noise), to an observation without a point spread function; noise is
 * the observation's (the median of a map). Unobserved pixels are filled by a smooth solution first.
 * SF_ERR_SHAPE for a prior on another grid, SF_ERR_ARGUMENT for an observation with blur. */
SF_API sf_status sf_denoise(const sf_observation *observation, const sf_prior *prior, double *scene,
                            sf_solver_report *report);

/* ---- posteriors ---------------------------------------------------------------------------- */

/* What y = M H x_0 + n, n ~ N(0, S), says at x = x_0 + u n'. With D = D(x; u) the prior's denoiser
 * and J = dD/dx, x_0 given x is taken for N(D, C), and the posterior's denoiser is
 *     D_y = D + u^2 J^T H^T (S + H C H^T)^-1 (y - H D)        ("...": what stands in its place)
 * which is E[x_0 | x, y] where that is so. Cost of one D_y, beside transforms: calls of the prior's
 * denoiser + calls of its pull (a pull is about three calls for a network). */
typedef enum sf_likelihood {
    SF_LIKELIHOOD_EXACT, /* C_k = 1/(1/lambda_k + 1/u^2), the prior a Gaussian field: exact. 1 + 0.
                            With pull (1 more solution) and energy (but for a constant) */
    SF_LIKELIHOOD_MOMENT_MATCHING, /* C = u^2 J, by pulls within conjugate residuals: exact for
                                      every Gaussian prior. 1 + as many as the tolerance takes */
    SF_LIKELIHOOD_DIAGONAL, /* C = diag(u^2 J^T 1): exact for Gaussian priors of independent cells.
                               0 + 2 */
    SF_LIKELIHOOD_PIGDM, /* C = u^2 v/(u^2 + v): exact for a Gaussian prior of covariance v. 1 + 1
                          */
    SF_LIKELIHOOD_DPS,   /* C = 0: never exact. 1 + 1 */
    SF_LIKELIHOOD_CONVOLVED, /* D + u^2 H^T (S + u^2 H H^T)^-1 (y - H x): for a flat prior. 1 + 0 */
    SF_LIKELIHOOD_ANNEALED,  /* D + u^2 H^T (S + u^2)^-1 (y - H x): never exact. 1 + 0 */
    SF_LIKELIHOOD_PLUG_IN,   /* D + u^2 H^T S^-1 (y - H x): never exact. 1 + 0 */
    SF_LIKELIHOOD_PROXIMAL   /* argmin |S^-1/2 (y - H z)|^2 + |C^-1/2 (z - D)|^2, C_k as in EXACT of
                                the spectrum that the options tell: exact for its field. 1 + 0 */
} sf_likelihood;
/* What this does to posteriors that are known, by tests/benchmark/bench_posterior.
 *
 * Mean and standard deviation over the exact ones, of one mode of variance c seen as y = a x + n,
 * noise 0.1, v = 1; and for a 32 x 32 field behind a PSF of FWHM 3, v chosen, the rms error of the
 * mean in exact deviations and the deviation over the exact one, of modes with |H|^2 lambda/noise^2
 * above 100, from 1 to 100 and from 0.01 to 1. Reverse diffusion in the limit of small steps:
 *                      c=1 a=1     c=1 a=.05   c=.05 a=1 |  > 100       1 - 100     .01 - 1
 *     exact, matching  1.00 1.00   1.00 1.00   1.00 1.00 |  0.00 1.00   0.00 1.00   0.00 1.00
 *     proximal, spec.                                    |  0.00 1.00   0.00 1.00   0.00 1.00
 *     proximal, v      1.00 1.00   1.00 1.00   1.04 0.96 |  0.01 1.01   0.04 1.01   0.14 0.99
 *     diagonal         1.00 1.00   1.00 1.00   1.00 1.00 |  0.07 1.01   0.26 1.06   0.06 1.00
 *     PiGDM, v         1.00 1.00   1.00 1.00   0.87 1.08 |  0.05 0.96   0.09 0.98   0.02 1.00
 *     DPS              1.01 0.71   1.11 0.99   1.19 0.77 |  0.05 0.71   0.32 0.79   0.05 0.99
 *     convolved        0.97 0.97   1.41 0.85   0.90 0.86 |  0.19 0.99   0.24 0.88   0.25 0.90
 *     plug-in          1.00 0.71   1.68 0.82   1.02 0.71 |  0.00 0.71   0.09 0.72   0.33 0.88
 *     annealed         0.97 0.97   0.06 1.11   0.90 0.86 |  0.76 1.43   1.58 1.85   0.28 1.05
 * With 50 steps PiGDM (v above the modes'), DPS and plug-in diverge: their steps have to be below
 * noise^2 over what the likelihood's gradient is multiplied with.
 *
 * Steps cost more than good likelihoods: the deviation that sf_sample reaches for that field with
 * EXACT, from level 80 to 0.002 with rho = 7 (1,000 samples; least and largest of the groups):
 *     evaluations           10           20           50           100          500
 *     ancestral             0.58 - 0.62  0.73 - 0.76  0.87 - 0.89  0.93 - 0.94  0.98 - 0.99
 *     multistep, stochastic 1.07 - 1.16  1.11 - 1.12  1.02         1.00 - 1.01  1.00
 *     Heun's flow           1.82 - 2.55  1.19 - 1.27  1.03         1.00 - 1.01  1.01
 *
 * No Gaussian stands for several modes: of 4,000 samples of a posterior with two, 0.918 of which
 * are nearer to the first, exactly so by its own mixture (sf_mixture_posterior as a prior: 0.920,
 * half a standard error), there are by moment matching 0.776, diagonal 0.786, PiGDM 0.896, DPS
 * 0.954, convolved and annealed 0.827, plug-in 0.886, proximal 0.726. */
SF_API const char *sf_likelihood_text(sf_likelihood likelihood); /* "moment matching" */
/* Of its text, with hyphens or blanks. SF_ERR_ARGUMENT, with all of them, for another one. */
SF_API sf_status sf_likelihood_parse(const char *text, sf_likelihood *likelihood);

typedef struct sf_posterior_options {
    sf_likelihood likelihood;
    const sf_spectrum *spectrum; /* of x_0, for PROXIMAL, and to speed MOMENT_MATCHING up; NULL:
                                    every mode has the variance ... */
    double variance;  /* ... v, PiGDM's too; infinity: C = u^2; 0 = chosen: what the observed pixels
                         vary by beyond their noise, at least as much as that */
    double strength;  /* of the gradient of DPS, ANNEALED and PLUG_IN; 1 is the formula's */
    double tolerance; /* of linear systems: residual relative to the first, in units of the noise */
    size_t iterations; /* of conjugate gradients at most; see sf_posterior_systems */
} sf_posterior_options;
/* Moment matching to 1e-3 in at most 100 iterations. */
SF_API sf_posterior_options sf_posterior_options_default(void);

/* The posterior as a prior on the scene's grid, for sf_sample and all else that takes one. Retains
 * both; the spectrum is not needed afterwards. Linear systems begin at D in every call, so
 * that results depend on x alone: the same bits in any batch, on any threads, when the prior's are.
 * Items of a batch run in parallel, but for the prior's own calls. Memory, while it works: two
 * batches of fields and eight fields a thread, ten batches for moments. At the tolerance of 1e-3
 * samples are within 0.1 % of a deviation of those of an exact solution. Errors: SF_ERR_SHAPE for a
 * prior on another grid; SF_ERR_UNSUPPORTED for EXACT with another prior than a Gaussian field, and
 * for a prior without pull where one is needed; SF_ERR_ARGUMENT for options; options NULL: the
 * defaults. */
SF_API sf_status sf_posterior(sf_prior *prior, sf_observation *observation,
                              const sf_posterior_options *options, sf_prior **posterior);
/* The linear systems behind D_y since the posterior was made, one a field and call of all
 * likelihoods with a C. One that does not reach the tolerance is used as it is left: after so many
 * iterations, or where a step brings it no nearer, as the Jacobian of a network, which is no
 * covariance, may have it. */
typedef struct sf_linear_systems {
    size_t solved, unfinished; /* all, and of them those above the tolerance */
    double residual; /* the largest that was left, measured as the tolerance is; 0: all exact */
} sf_linear_systems;
/* SF_ERR_ARGUMENT for a prior that is no posterior. */
SF_API sf_status sf_posterior_systems(const sf_prior *posterior, sf_linear_systems *systems);
/* options->precondition = the variance of mode k of x given the data,
 *     M_k = u^2 + 1/(1/lambda_k + |H_k|^2 w),   w = mean of 1/sigma^2 over the observed pixels,
 * lambda_k of the field (EXACT), the options' spectrum or v: so that correctors mix the modes that
 * H does not show as fast as those that it does. The posterior must outlive the options.
 * SF_ERR_ARGUMENT for any other prior. */
SF_API sf_status sf_posterior_precondition(const sf_prior *posterior, sf_sample_options *options);
/* The levels for sf_sample of a posterior: from four times the scene's range (the 0.999
 * quantile of what the data say by themselves) down to `end` of the frame's noise, and
 * options->mean = start (a field on the scene's grid, which must outlive them) = what the data say
 * by themselves. */
SF_API sf_status sf_posterior_schedule(const sf_observation *observation, double end, double *start,
                                       sf_diffusion *diffusion, sf_sample_options *options);

/* Split Gibbs sampling (Vono, Dobigeon & Chainais 2019, doi:10.1109/TSP.2019.2894825) with a
 * diffusion for the prior's step (Wu et al. 2024, arXiv:2405.18782). The scene z has a copy x, and
 * the two are drawn in turns:
 *     x given z and y, exactly;
 *     z given x = z + rho e: p(z) N(x; z, rho^2), by the prior's diffusion back from level rho.
 * First rho falls from one that forgets the start, with more noise in the data to match, y + rho H
 * e_0 with an e_0 of each sample's own, so that at every rho there is the posterior of data with
 * the noise Sigma + rho^2 H H^T, and x is what the denoiser expects, z and white noise. (With the
 * data as they are, x has less noise than it is told where the data are good, and learned denoisers
 * take that for structure.) From the smallest sigma (over the largest |H|) on, rho is held, and e
 * is a part of the data's own noise: no matter what rho is, z has the posterior itself for its law,
 * for any prior, as far as the diffusion is exact. What is returned is z + u n with u = end rho.
 *
 * Along a mode of a Gaussian field (prior variance l; data of variance d = noise^2/|H|^2) an
 * iteration keeps l/(l + rho^2) d/(d + rho^2) of the last z, one of the last iterations
 * l/(l + rho^2) (1 - rho^2/d): modes that neither prior nor data hold forget slowly, but there the
 * law does not depend on rho, and what it was at large rho stays true. Modes that both hold alike
 * are what iterations are for: with l = d = 30 noise^2 and rho from 25 noise, 6 and 3 iterations
 * have 0.85 of the mean and 1.08 of the deviation, 20 and 20 have 0.99 and 0.99.
 *
 * Of a learned denoiser each iteration takes a little of the variance of what only the prior knows,
 * and they add up; noise that is a little hotter gives it back. While rho falls it also makes what
 * is not there: beside bright structure isolated cells tens of noises high, which the data do not
 * see and which the denoiser takes for faint stars. tests/benchmark/bench_calibration.c has
 * figures. */
typedef struct sf_split_gibbs_options {
    size_t iterations; /* with falling rho: a draw of x and one of z each */
    size_t hold;       /* and with the last rho */
    double from;       /* first rho in units of the frame's noise; 0 = chosen: the scene's range,
                          as in sf_posterior_schedule */
    size_t steps;      /* of the diffusion for each z: one evaluation of the prior each */
    size_t steps_held; /* the same at the last rho */
    double depth;      /* which ends at depth rho; x is drawn for a z of that noise */
    double end;        /* and the very last one at end rho */
    double heat;       /* of the diffusion's noise (see sf_sample_options) while rho falls, */
    double heat_held;  /* and at the last rho */
    uint64_t seed, stream, first; /* number of the first sample of the batch */
    sf_monitor monitor; /* stage "split Gibbs", residual = rho in units of the noise, image = the
                           first sample. What it stops stays at its level */
} sf_split_gibbs_options;
/* For priors whose denoiser is exact: 20 iterations of 6 steps, 10 of 8, heat 1. */
SF_API sf_split_gibbs_options sf_split_gibbs_options_default(void);
/* For learned ones, tuned for the built-in one: 54 iterations of 6 steps, 11 of 16, heat 1.08 in
 * both. How well its samples are then calibrated stands in tests/benchmark/bench_calibration.c. */
SF_API sf_split_gibbs_options sf_split_gibbs_options_learned(void);

typedef struct sf_split_gibbs_report {
    size_t iterations;
    size_t evaluations;       /* of the prior, for each sample */
    size_t solver_iterations; /* of conjugate gradients, all samples */
    sf_stop stop;
    double from, to; /* rho at first and last, in units of the frame's noise */
    double level;    /* u, the noise that is left in the samples */
    double seconds, prior_seconds, data_seconds;
} sf_split_gibbs_report;

/* scenes: `batch` independent samples on the scene's grid. Each is made of numbers for its own
 * index alone: the same bits in any batch, on any number of threads, when the prior's are. options
 * and report may be NULL. Cost: iterations steps + hold steps_held evaluations of the prior a
 * sample; five transforms for each of the last iterations, three for one with falling rho, and with
 * masks and borders two more an iteration of conjugate gradients.
 * Errors: SF_ERR_SHAPE (prior on another grid), SF_ERR_ARGUMENT (options), SF_ERR_NUMERIC (a prior
 * that returns numbers which are not finite). */
SF_API sf_status sf_split_gibbs(const sf_observation *observation, const sf_prior *prior,
                                const sf_split_gibbs_options *options, size_t batch, double *scenes,
                                sf_split_gibbs_report *report);

/* Plug-and-play unadjusted Langevin (Laumont et al. 2022, arXiv:2103.04715): with the prior's score
 * s at one level u, and e ~ N(0, 1),
 *     x <- x + d M [s(x; u) + H^T Sigma^-1 (y - H x)] + sqrt(2 d M) e,
 *     M_k = 1/(|H_k|^2/sigma_min^2 + 1/(lambda_k + u^2)),
 * a chain for p_u(x) N(y; H x, Sigma), the posterior of the prior smoothed by u, up to O(d).
 * Exactly so for a Gaussian field on a periodic frame: a mode of posterior precision P (prior
 * variance lambda + u^2) has its mean and the variance 1/(P (1 - d M P/2)), and forgets as (1 - d M
 * P)^n. */
typedef struct sf_pnp_langevin_options {
    size_t iterations;            /* one evaluation of the prior each */
    double level;                 /* u in units of the frame's noise */
    double step;                  /* d, 0 ... 1 */
    const sf_spectrum *spectrum;  /* lambda of M; NULL: 0, safe for every prior, and slow in modes
                                     that the data do not hold and the prior leaves free */
    uint64_t seed, stream, first; /* number of the first sample of the batch */
    sf_monitor monitor;           /* stage "Langevin", residual NaN, image = the first sample */
} sf_pnp_langevin_options;
/* 200 moves of step 0.1 at half of the noise. */
SF_API sf_pnp_langevin_options sf_pnp_langevin_options_default(void);
/* scenes: where `batch` independent chains start (a solution, or what sf_split_gibbs draws), and
 * where they are after the iterations, of which `iterations` (may be NULL) were made. The same bits
 * in any batch, on any number of threads, when the prior's are. Errors as sf_split_gibbs. */
SF_API sf_status sf_pnp_langevin(sf_observation *observation, sf_prior *prior,
                                 const sf_pnp_langevin_options *options, size_t batch,
                                 double *scenes, size_t *iterations);

/* Of what samples depend on besides a sampler's options: data, noise, mask and blur, and the prior
 * by what it makes of the data. For telling checkpoints apart. Cost: one call of the prior. */
SF_API sf_status sf_posterior_fingerprint(const sf_observation *observation, const sf_prior *prior,
                                          uint64_t *fingerprint);

/* ---- judging a result ---------------------------------------------------------------------- */

/* What the residual (pixel - background - H scene) / sigma over the observed pixels says. Where
 * scene and noise are right it is white with variance 1. */
typedef struct sf_diagnostics {
    size_t observed;
    double chi_squared;   /* per observed pixel; of counts over what the scene makes expect */
    double chi_squared_z; /* its deviation from 1 in standard deviations of white noise, of counts
                             as many as the scene predicts */
    double correlation;   /* the autocorrelation that is least likely, up to 5 pixels away, ... */
    double correlation_z; /* ... in standard deviations of white noise, ... */
    int lag[2];           /* ... and where: rows, columns */
    double whiteness_z;   /* of all n = 60 lags together: (sum z^2 - n) / sqrt(2 n) */
    double flux_frame;    /* sum of the observed pixels above the background */
    double flux_model;    /* sum of H scene over the same pixels */
    double flux_ratio;    /* flux_model / flux_frame */
    double flux_error;    /* standard deviation of flux_frame: what the ratio can mean */
    double hollow;        /* how far the scene goes below the lowest observed pixel, in units of
                             the noise: above a few, sources are ringed (see `resolution`) */
} sf_diagnostics;

/* What they are made of: sums over a frame, or over boxes of it, all of them doubles. lowest:
 * of the scene where observed; INFINITY to begin with, the others 0. */
#define SF_DIAGNOSTICS_LAGS 60
typedef struct sf_diagnostics_sums {
    double observed, squares;
    double expected, spread; /* of the squares: their mean and variance where the scene is right */
    double flux_frame, flux_model, variance, lowest;
    double product[SF_DIAGNOSTICS_LAGS], pairs[SF_DIAGNOSTICS_LAGS]; /* of residuals, at each lag */
} sf_diagnostics_sums;

/* Adds those of the box of `shape` pixels from `first` on, in the observation's frame (NULL: of all
 * of it), which has two axes. */
SF_API sf_status sf_diagnostics_add(const sf_observation *observation, const double *scene,
                                    const size_t *first, const size_t *shape,
                                    sf_diagnostics_sums *sums);
/* What sums over all of a frame say. */
SF_API void sf_diagnostics_conclude(const sf_diagnostics_sums *sums, const sf_frame_summary *frame,
                                    sf_diagnostics *diagnostics);
/* Two axes. */
SF_API sf_status sf_diagnose(const sf_observation *observation, const double *scene,
                             sf_diagnostics *diagnostics);
/* The normalised residual on the (first) frame's grid; NaN where unobserved. */
SF_API sf_status sf_observation_residual(const sf_observation *observation, const double *scene,
                                         double *residual);

/* Of counts: 2 (m - y + y log(y/m)) per observed pixel, y counts where m were predicted (Cash 1979,
 * doi:10.1086/156922), its mean for the noise of counts alone (1 + 1/(6 m) where there are many, 0
 * where there are none; Kaastra 2017, doi:10.1051/0004-6361/201629319), and how far the two are
 * apart in standard deviations. At least 1e-3 counts are predicted everywhere. SF_ERR_ARGUMENT
 * where the noise is Gaussian. Cost: two transforms, and some 30 logarithms a pixel. */
SF_API sf_status sf_deviance(const sf_observation *observation, const double *scene,
                             double *per_pixel, double *expected, double *z);

/* How much more noise the residual has where the PSF looks than its pixels tell: the robust
 * standard deviation of H^T r over that of white noise of variance 1, r the normalised residual.
 * Below 1 for white noise (the scene has taken its share); 1.2 to 1.6 where resampling made
 * neighbours share their noise. 1 for an observation without blur, with a PSF that varies, or of
 * too few pixels. Median, so that the few cells of a bright core, where the PSF's own error shows,
 * do not count. error: its standard deviation for white noise. Cost: seven transforms. */
SF_API sf_status sf_noise_excess(const sf_observation *observation, const double *scene,
                                 double *excess, double *error);

/* A result against the truth, over the pixels where both are finite. */
typedef struct sf_comparison {
    double psnr;           /* 10 log10(peak^2 / mean squared error), dB */
    double ssim;           /* Wang et al. 2004 (doi:10.1109/TIP.2003.819861): Gaussian window of
                              sigma 1.5 over 11 x 11, K1 = 0.01, K2 = 0.03, mean over windows that
                              lie inside; NaN for images below 11 x 11 or not of two axes */
    double relative_error; /* |image - truth| / |truth| */
    double peak;           /* as used */
} sf_comparison;

/* peak: the dynamic range; 0 = the truth's largest value minus its smallest. */
SF_API sf_status sf_compare(const sf_grid *grid, const double *image, const double *truth,
                            double peak, sf_comparison *comparison);

/* An object as adaptive moments see it (Bernstein & Jarvis 2002, doi:10.1086/338085): the Gaussian
 *     flux / (2 pi size^2) exp(-r^T M^-1 r / 2),   r = (y - row, x - column), M = (yy yx; yx xx),
 * that is nearest to the image in least squares, and so is its own best weight. Lengths in cells,
 * x along the last axis (columns), y along the first. e = (e1, e2) is the distortion, |e| = (a^2 -
 * b^2) / (a^2 + b^2) for axes a and b; the reduced shear is g = e / (1 + sqrt(1 - |e|^2)), |g| =
 * (a - b) / (a + b). */
typedef struct sf_shape {
    double row, column; /* centre; cell 0 has its centre at 0 */
    double yy, yx, xx;  /* M */
    double flux;        /* of the Gaussian */
    double size;        /* det(M)^1/4 */
    double e1, e2;      /* (xx - yy) / (xx + yy), 2 yx / (xx + yy) */
    size_t iterations;
} sf_shape;

/* The object whose centre is about there, and whose size (the deviation of a Gaussian, cells) is
 * about that: M <- twice the covariance under the weight of M, until it stays (Hirata & Seljak
 * 2003, doi:10.1046/j.1365-8711.2003.06683.x). The image has no sky. Errors: SF_ERR_SHAPE for other
 * than two axes, SF_ERR_ARGUMENT for a start outside the image, SF_ERR_NUMERIC where there is no
 * such object: no light, an ellipse that shrinks to a cell or leaves, a pixel that is not finite.
 * Cost: some 30 to 100 sums over the pixels within 7 deviations. */
SF_API sf_status sf_measure_shape(const sf_grid *grid, const double *image, double row,
                                  double column, double size, sf_shape *shape);

#ifdef __cplusplus
}
#endif
#endif
