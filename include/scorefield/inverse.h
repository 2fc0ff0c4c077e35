/* scorefield/inverse.h - inverse problems y = A x + n: data, solvers, diagnostics. */
#ifndef SCOREFIELD_INVERSE_H
#define SCOREFIELD_INVERSE_H

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

typedef struct sf_observation_options {
    double background;  /* constant sky level, subtracted from the pixels */
    bool periodic;      /* the frame itself is periodic: no margin (simulations, published tests) */
} sf_observation_options;

SF_API sf_observation_options sf_observation_options_default(void);
/* pixels: NaN = unobserved. sigma: a map of standard deviations (pixels with a value that is not
 * positive and finite count as unobserved), or NULL for the constant `noise` > 0. mask: non-zero
 * = bad, or NULL. psf NULL: no blur (H = 1, no margin). */
SF_API sf_status sf_observation_create(const sf_grid *frame, const double *pixels,
                                       const double *sigma, double noise, const double *mask,
                                       sf_psf *psf, const sf_observation_options *options,
                                       sf_observation **observation);
SF_API sf_observation *sf_observation_retain(sf_observation *observation);
SF_API void sf_observation_release(sf_observation **observation);
SF_API const sf_grid *sf_observation_frame(const sf_observation *observation);
/* The grid that priors for this observation must be made on. */
SF_API const sf_grid *sf_observation_scene(const sf_observation *observation);
/* Median standard deviation of the observed pixels: the frame's own noise level. */
SF_API double sf_observation_noise(const sf_observation *observation);
SF_API size_t sf_observation_observed(const sf_observation *observation);
/* The frame's part of a field on the scene's grid. */
SF_API sf_status sf_observation_crop(const sf_observation *observation, const double *scene,
                                     double *frame);
/* frame = M-frame part of H scene, background not added. */
SF_API sf_status sf_observation_predict(const sf_observation *observation, const double *scene,
                                        double *frame);

/* Noise of a frame from its own finest structure: median absolute deviation of second
 * differences along both axes (Immerkaer 1996 kernel, made robust), NaN and masked pixels left
 * out. Background: mode estimator by clipped median, and its scatter. */
SF_API sf_status sf_estimate_noise(const sf_grid *frame, const double *pixels, const double *mask,
                                   double *noise);
SF_API sf_status sf_estimate_background(const sf_grid *frame, const double *pixels,
                                        const double *mask, double *background);

/* ---- solvers ------------------------------------------------------------------------------ */

typedef enum sf_stop { /* why a solver stopped; an outcome, never an error */
    SF_STOP_CONVERGED,
    SF_STOP_ITERATIONS,
    SF_STOP_SCHEDULE,    /* a decreasing noise schedule was run to its end */
    SF_STOP_DISCREPANCY, /* the residual reached the noise */
    SF_STOP_MONITOR      /* the caller said stop; the result is the last iterate */
} sf_stop;
SF_API const char *sf_stop_text(sf_stop stop);

typedef struct sf_solver_report {
    size_t iterations;
    sf_stop stop;
    double primal_residual, dual_residual; /* relative; NaN where a method has none */
    double seconds, prior_seconds, transform_seconds;
    const char *guarantee; /* which convergence statement covers this run; "none" if none */
} sf_solver_report;

/* Plug-and-play by splitting. The iteration (ADMM; HQS has no multiplier u):
 *     x = F^-1[(conj(H) F(v + d) + F(z - u)) / (|H|^2 + 1)]-like exact quadratic step,
 *     v = pointwise data step with weights w = 1/sigma^2 (0 where unobserved),
 *     z = D(x + u; sigma_d).
 * Penalty rho couples prior and data: sigma_d^2 = 1/rho. */
typedef struct sf_pnp_options {
    size_t iterations;    /* at most; of a schedule: its length */
    double tolerance;     /* on both relative residuals; fixed penalty only */
    double penalty;       /* rho in units of 1/noise^2; 0 = use the schedule */
    double schedule_from; /* first denoiser level, in units of the frame's noise; 0 = chosen */
    double schedule_to;   /* last denoiser level, in units of the frame's noise */
    double strength;      /* the DPIR lambda: rho_k = strength / sigma_k^2 */
    bool multiplier;      /* true: ADMM, false: half-quadratic splitting */
    bool positive;        /* x >= 0 (above the background) */
    sf_monitor monitor;
} sf_pnp_options;

SF_API sf_pnp_options sf_pnp_options_default(void);
/* scene: solution on the scene's grid (see sf_observation_crop). */
SF_API sf_status sf_pnp(const sf_observation *observation, const sf_prior *prior,
                        const sf_pnp_options *options, double *scene, sf_solver_report *report);

#ifdef __cplusplus
}
#endif
#endif
