/* scorefield/field.h - power spectra of random fields. */
#ifndef SCOREFIELD_FIELD_H
#define SCOREFIELD_FIELD_H

#include <scorefield/grid.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An isotropic power spectrum P(k) >= 0: <|X_k|^2> = N^2 P(k)/V, so that the eigenvalue of
 * the circulant covariance is lambda_k = P(k)/v with v the cell volume. Units: (field)^2
 * (length)^d for P, 1/length for k. */
typedef struct sf_spectrum sf_spectrum;

/* P = amplitude k^index, P(0) = zero_mode. */
SF_API sf_status sf_spectrum_power_law(double amplitude, double index, double zero_mode,
                                       sf_spectrum **spectrum);
/* Cubic spline in log k, log P through `count` >= 3 points of increasing k > 0 and P > 0,
 * continued as power laws beyond both ends; P(0) = zero_mode. */
SF_API sf_status sf_spectrum_table(const double *k, const double *power, size_t count,
                                   double zero_mode, sf_spectrum **spectrum);
/* The user's own: power(k, user), k >= 0. */
SF_API sf_status sf_spectrum_callback(double (*power)(double k, void *user), void *user,
                                      sf_spectrum **spectrum);
/* "power:A,N" (P = A k^N, P(0) = 0) or "table:FILE" (text, two columns k and P, # comments). */
SF_API sf_status sf_spectrum_parse(const char *text, sf_spectrum **spectrum);
SF_API sf_spectrum *sf_spectrum_retain(sf_spectrum *spectrum);
SF_API void sf_spectrum_release(sf_spectrum **spectrum);
SF_API sf_status sf_spectrum_power(const sf_spectrum *spectrum, double k, double *power);
/* lambda_k = P(k)/v for every entry of the grid's half spectrum. */
SF_API sf_status sf_spectrum_eigenvalues(const sf_spectrum *spectrum, const sf_grid *grid,
                                         double *lambda);

/* ---- Gaussian fields ------------------------------------------------------------------------ */

/* N(mean, C) on a grid, C circulant with eigenvalues P(k)/v. Immutable, shared by reference
 * count. Memory: what P on the grid's distinct |k| takes, never a grid, unless it says so. */
typedef struct sf_field sf_field;

/* SF_ERR_MEMORY, SF_ERR_NUMERIC of the spectrum; SF_ERR_ARGUMENT for a mean that is not finite. */
SF_API sf_status sf_field_create(const sf_grid *grid, const sf_spectrum *spectrum, double mean,
                                 sf_field **field);
SF_API sf_field *sf_field_retain(sf_field *field);
SF_API void sf_field_release(sf_field **field);
SF_API const sf_grid *sf_field_grid(const sf_field *field);
SF_API double sf_field_mean(const sf_field *field);

/* Exact draws. The numbers are addressed by the integer wavevector: the same seed gives the same
 * modes |m_i| < n_i/2 at every resolution of one box, and the same bits on any number of threads.
 */
typedef struct sf_field_draw_options {
    uint64_t seed, stream; /* another stream: an independent field */
    bool fixed;            /* |X_k| = sqrt(N lambda_k), the phase random */
    bool inverted;         /* phases + pi: the second one of a pair */
    const double *white;   /* N values of white noise (variance 1) instead of seed and stream */
} sf_field_draw_options;

SF_API sf_field_draw_options sf_field_draw_options_default(void);
/* buffer: sf_fft_buffer_size values. Cost: one transform and 0.5 of one. */
SF_API sf_status sf_field_draw(const sf_field *field, const sf_field_draw_options *options,
                               double *buffer);
SF_API sf_status sf_field_draw_single(const sf_field *field, const sf_field_draw_options *options,
                                      float *buffer);
/* The spectrum of such a draw (half spectrum, sf_grid_half_size entries; `white` is transformed).
 */
SF_API sf_status sf_field_draw_modes(const sf_field *field, const sf_field_draw_options *options,
                                     sf_complex *modes);

/* With lambda_t = lambda + sigma^2 (sigma = 0: the field itself). Modes of lambda_t = 0 are
 * constraints: out of all sums, and log p = -inf where x has power in one.
 *   log p(x) = -1/2 sum |X_k|^2/(N lambda_t) - 1/2 sum log(2 pi lambda_t)
 *   score    = -F^-1[X_k / lambda_t]
 *   denoised = mean + F^-1[X_k lambda / lambda_t]     (Wiener)
 * X = F(x - mean). out may be x. log determinant = sum log lambda_t. Errors: SF_ERR_NUMERIC for x
 * not finite, SF_ERR_ARGUMENT for a negative sigma. Memory: one grid. */
SF_API sf_status sf_field_log_density(const sf_field *field, const double *x, double sigma,
                                      double *log_density);
SF_API sf_status sf_field_log_determinant(const sf_field *field, double sigma, double *value);
SF_API sf_status sf_field_score(const sf_field *field, const double *x, double sigma, double *out);
SF_API sf_status sf_field_denoise(const sf_field *field, const double *x, double sigma,
                                  double *out);

/* Langevin moves on N(mean, C) itself.
 *   plain           x' = x + e s(x) + sqrt(2 e) n       (variance lambda/(1 - e/(2 lambda)))
 *   preconditioned  x' = x + e C s(x) + sqrt(2 e) C^1/2 n          (lambda/(1 - e/2), one rate)
 *   exact           x' = mean + exp(-e) (x - mean) + sqrt(1 - exp(-2e)) C^1/2 n      (no bias)
 *   adjusted        the plain move, accepted or not by Metropolis (MALA)             (no bias)
 * Modes without variance stay where they are. */
typedef enum sf_langevin_kind {
    SF_LANGEVIN_PLAIN,
    SF_LANGEVIN_PRECONDITIONED,
    SF_LANGEVIN_EXACT,
    SF_LANGEVIN_ADJUSTED
} sf_langevin_kind;

typedef struct sf_langevin_options {
    sf_langevin_kind kind;
    double step; /* e */
    size_t steps;
    uint64_t seed, stream, first; /* first: number of the first step, for going on with a chain */
    sf_monitor monitor;           /* stage "langevin", after each step */
} sf_langevin_options;

typedef struct sf_langevin_report {
    size_t steps, accepted; /* accepted = steps where nothing is refused */
    double stable_step;     /* the plain move diverges from 2 * smallest lambda on */
} sf_langevin_report;

/* One exact step of e = 1. */
SF_API sf_langevin_options sf_langevin_options_default(void);
/* x: N values, in and out; report may be NULL. A monitor that stops leaves the chain where it is;
 * it is shown no image. SF_ERR_ARGUMENT for a plain or preconditioned step that diverges. Cost: two
 * transforms, and 0.3 of one a step; memory: one grid, two for adjusted moves. */
SF_API sf_status sf_field_langevin(const sf_field *field, const sf_langevin_options *options,
                                   double *x, sf_langevin_report *report);

/* ---- fields made of Gaussian ones ----------------------------------------------------------- */

/* A field with its own eigenvalue for every entry of the half spectrum (copied). */
SF_API sf_status sf_field_from_eigenvalues(const sf_grid *grid, const double *lambda, double mean,
                                           sf_field **field);

#ifdef __cplusplus
}
#endif
#endif
