/* scorefield/field.h - random fields on regular grids: power spectra and cosmologies, Gaussian
 * fields through their Fourier modes, what is made of them, and estimators.
 *
 * Conventions (grid.h has those of the transforms): a d-dimensional spectrum P(k) has units
 * (field)^2 (length)^d, <|X_k|^2> = N^2 P(k)/V = N lambda_k with lambda_k = P(k)/v the eigenvalue
 * of the circulant covariance of cell values, v the cell volume. Sums over modes run over the full
 * spectrum. k is angular, in 1/length of the grid's spacing. */
#ifndef SCOREFIELD_FIELD_H
#define SCOREFIELD_FIELD_H

#include <scorefield/grid.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- power spectra ------------------------------------------------------------------------- */

/* An isotropic power spectrum P(k) >= 0. Immutable, shared by reference count. */
typedef struct sf_spectrum sf_spectrum;

/* P = amplitude k^index, P(0) = zero_mode. */
SF_API sf_status sf_spectrum_power_law(double amplitude, double index, double zero_mode,
                                       sf_spectrum **spectrum);
/* The same for low_cut <= k <= high_cut, else 0; P(0) = 0. A cut of 0 is none. */
SF_API sf_status sf_spectrum_power_law_cut(double amplitude, double index, double low_cut,
                                           double high_cut, sf_spectrum **spectrum);
/* Matern covariance of standard deviation sigma, smoothness nu > 0, scale length (Rasmussen &
 * Williams 2006, eq. 4.15) in `axes` dimensions: P(k) = sigma^2 S_d(k), with P(0) finite. */
SF_API sf_status sf_spectrum_matern(int axes, double sigma, double nu, double length,
                                    sf_spectrum **spectrum);
/* What happens beyond the ends of a table. */
typedef enum sf_extrapolation {
    SF_EXTRAPOLATE_REFUSE, /* SF_ERR_ARGUMENT that names k and the table's range */
    SF_EXTRAPOLATE_POWER,  /* power laws with the spline's slopes at its ends */
    SF_EXTRAPOLATE_ZERO
} sf_extrapolation;
/* Natural cubic spline in log k, log P through `count` >= 3 points of increasing k > 0 and P > 0;
 * P(0) = zero_mode. sf_spectrum_table continues as power laws. */
SF_API sf_status sf_spectrum_table(const double *k, const double *power, size_t count,
                                   double zero_mode, sf_spectrum **spectrum);
SF_API sf_status sf_spectrum_table_with(const double *k, const double *power, size_t count,
                                        double zero_mode, sf_extrapolation beyond,
                                        sf_spectrum **spectrum);
/* The user's own: power(k, user), k >= 0; many threads call it at once. */
SF_API sf_status sf_spectrum_callback(double (*power)(double k, void *user), void *user,
                                      sf_spectrum **spectrum);
SF_API sf_spectrum *sf_spectrum_retain(sf_spectrum *spectrum);
SF_API void sf_spectrum_release(sf_spectrum **spectrum);
/* P(k), from any number of threads. SF_ERR_NUMERIC where it is negative or not finite. */
SF_API sf_status sf_spectrum_power(const sf_spectrum *spectrum, double k, double *power);
/* lambda_k = P(k)/v for every entry of the grid's half spectrum. */
SF_API sf_status sf_spectrum_eigenvalues(const sf_spectrum *spectrum, const sf_grid *grid,
                                         double *lambda);

/* ---- cosmology ----------------------------------------------------------------------------- */

/* Lambda-CDM and its kin, without radiation in the expansion and with linear growth alone. k of
 * every spectrum made from it is in h/Mpc and P in (Mpc/h)^3, unless `per_mpc`: then 1/Mpc and
 * Mpc^3. */
typedef struct sf_cosmology {
    double h, omega_m, omega_b, omega_lambda; /* omega_lambda: NaN = flat, 1 - omega_m */
    double w0, wa;                            /* dark energy w = w0 + wa (1 - a) */
    double n_s, sigma8;                       /* sigma8 NaN: a_s normalises */
    double a_s, k_pivot;                      /* k_pivot in 1/Mpc */
    double t_cmb;                             /* kelvin */
    bool per_mpc;
} sf_cosmology;

/* Planck 2018 (arXiv:1807.06209, table 2 last column): flat. */
SF_API sf_cosmology sf_cosmology_default(void);
/* "h=0.67,Om=0.31,Ob=0.049,Ol=0.69,w0=-1,wa=0,ns=0.965,s8=0.81,As=2.1e-9,kp=0.05,T=2.7255", any of
 * them in any order, over what is there; As and s8 exclude one another. An error changes nothing.
 */
SF_API sf_status sf_cosmology_parse(const char *text, sf_cosmology *cosmology);

typedef enum sf_transfer {
    SF_TRANSFER_EH98,     /* Eisenstein & Hu 1998 (doi:10.1086/305424), eq. 16 */
    SF_TRANSFER_NOWIGGLE, /* the same paper's eq. 29 */
    SF_TRANSFER_BBKS      /* Bardeen et al. 1986 (doi:10.1086/164143), Gamma of Sugiyama 1995 */
} sf_transfer;
/* T(k), 1 at k -> 0. */
SF_API sf_status sf_transfer_at(const sf_cosmology *cosmology, sf_transfer transfer, double k,
                                double *t);
/* Linear growth factor D(a), D(1) = 1 at redshift 0, and f = dlnD/dlna, by quadrature (or the
 * growth equation where w is not -1), to 1e-9. Any pointer may be NULL. */
SF_API sf_status sf_growth(const sf_cosmology *cosmology, double redshift, double *d, double *f);
/* H(z)/H_0 */
SF_API sf_status sf_expansion(const sf_cosmology *cosmology, double redshift, double *e);
/* P = A k^ns T^2 D^2, normalised at redshift 0 by sigma8 (over 1e-5 < k < 100 h/Mpc) or by a_s;
 * P(0) = 0. */
SF_API sf_status sf_spectrum_cosmology(const sf_cosmology *cosmology, sf_transfer transfer,
                                       double redshift, sf_spectrum **spectrum);
/* sigma(R): standard deviation in spheres (top hat) of that radius, three dimensions, over
 * kmin < k < kmax; 0 for either: 1e-5, 100. P is sampled as finely as it takes (what is
 * narrower than 1 % of k may be missed): error below 1e-9 of sigma^2(R -> 0) for spectra that are
 * smooth between a few steps, SF_ERR_NUMERIC for those that are rough. Cost: some thousand values
 * of P. */
SF_API sf_status sf_spectrum_sigma(const sf_spectrum *spectrum, double radius, double kmin,
                                   double kmax, double *sigma);
/* xi(r) = 1/(2 pi^2) int k^2 P j0(kr) dk in three dimensions (J0 in two, cosine in one), over the
 * same range of k: beyond it P counts as 0, which a spectrum that falls slowly shows by ripples.
 * Error below 1e-9 of xi(0); the same cost, and 0.05 to 1 ms for each r however large. */
SF_API sf_status sf_spectrum_correlation(const sf_spectrum *spectrum, int axes, const double *r,
                                         size_t count, double kmin, double kmax, double *xi);

/* "power:A,N[,LOW,HIGH]", "matern:SIGMA,NU,LENGTH" (for `axes`), "table:FILE" (two columns k and P:
 * text with # comments, or by its name a FITS table, "FILE.fits[HDU]", whose columns k and P or
 * POWER are taken, as sf-spectrum writes them; refuses beyond its ends; "table+:FILE" continues as
 * power laws), "eh98", "nowiggle", "bbks" (of the cosmology, which NULL makes the default, at that
 * redshift). */
SF_API sf_status sf_spectrum_parse_with(const char *text, int axes, const sf_cosmology *cosmology,
                                        double redshift, sf_spectrum **spectrum);
/* "power:..." and "table:FILE" alone, and the table continues as power laws. */
SF_API sf_status sf_spectrum_parse(const char *text, sf_spectrum **spectrum);

/* ---- Gaussian fields ------------------------------------------------------------------------ */

/* N(mean, C) on a grid, C circulant with eigenvalues P(k)/v. Immutable, shared by reference
 * count. Memory: at most what a grid of 2^18 modes takes, or a few MB; never a larger grid, unless
 * it says so: lambda of larger grids is interpolated in |k|, to 1e-10, and found by the spectrum
 * itself where that fails (cuts, kinks). A callback is asked at k between the modes, too, and later
 * from several threads. */
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
 *   pulled   = F^-1[V_k lambda / lambda_t]            (the denoiser's Jacobian times v)
 * X = F(x - mean), V = F(v). out may be x. log determinant = sum log lambda_t. Errors:
 * SF_ERR_NUMERIC for x not finite, SF_ERR_ARGUMENT for a negative sigma. Memory: one grid. */
SF_API sf_status sf_field_log_density(const sf_field *field, const double *x, double sigma,
                                      double *log_density);
SF_API sf_status sf_field_log_determinant(const sf_field *field, double sigma, double *value);
SF_API sf_status sf_field_score(const sf_field *field, const double *x, double sigma, double *out);
SF_API sf_status sf_field_denoise(const sf_field *field, const double *x, double sigma,
                                  double *out);
SF_API sf_status sf_field_pull(const sf_field *field, const double *v, double sigma, double *out);

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

/* Lognormal delta = exp(g - sigma_g^2/2) - 1 whose own spectrum is the one given: in configuration
 * space xi_g = ln(1 + xi_delta) (Coles & Jones 1991, doi:10.1093/mnras/248.1.1). Modes in which the
 * implied P_g is negative are set to zero and counted; with P(0) = 0 the mean, k = 0, is always one
 * of them. */
typedef struct sf_lognormal_report {
    size_t negative_modes; /* full-spectrum count */
    double negative_power; /* sum of |P_g| where it is negative, over the sum of |P_g| */
    double variance;       /* sigma_g^2 = sum P_g / V, without the negative ones */
} sf_lognormal_report;
/* The Gaussian field g of that (its mean 0, its spectrum per mode), and what it took. Cost: two
 * transforms and a logarithm of every cell; memory: the eigenvalues of the half spectrum (half a
 * grid), which the field keeps, and one grid of work. report may be NULL. SF_ERR_ARGUMENT where
 * xi_delta <= -1. */
SF_API sf_status sf_field_lognormal(const sf_grid *grid, const sf_spectrum *spectrum,
                                    sf_field **gaussian, sf_lognormal_report *report);
/* g -> delta in place, with that variance. */
SF_API void sf_lognormal_transform(const sf_grid *grid, double variance, double *field);

/* A field with its own eigenvalue for every entry of the half spectrum (copied). */
SF_API sf_status sf_field_from_eigenvalues(const sf_grid *grid, const double *lambda, double mean,
                                           sf_field **field);

/* `count` correlated fields from the matrix of (cross-)spectra, spectrum[a * count + b] (symmetric:
 * only a <= b is read; NULL off the diagonal: none), by a Cholesky factor for every distinct |k|.
 * Field a has the numbers of stream options->stream + a, so that field 0 is what sf_field_draw
 * gives; options->white: count x N values. `fixed` fixes field 0. A spectrum is not negative: of
 * two anticorrelated fields, draw one with its sign reversed. Fields may be multiples of one
 * another (correlation 1 to 1e-12). buffers[a]: sf_fft_buffer_size each. SF_ERR_ARGUMENT names the
 * k at which the matrix is not positive. Cost: `count` draws, and a factor of 0.5 us for every
 * distinct |k|; memory: an eighth of a grid (three dimensions), and count^2 values for every
 * distinct |k|, which are few where the sides are equal. */
SF_API sf_status sf_field_draw_correlated(const sf_grid *grid, const sf_spectrum *const *spectrum,
                                          size_t count, const sf_field_draw_options *options,
                                          double *const *buffers);

/* Local primordial non-Gaussianity: phi <- phi + f_nl (phi^2 - <phi^2>), <> the box's mean. The
 * square is taken on a grid of 3/2 the cells along each axis, so that nothing is aliased: it is the
 * convolution of the modes |m_i| < n_i/2 exactly, and leaves the Nyquist planes alone. In place, N
 * values. Cost: two transforms and two of the larger grid; memory: one grid and one of the larger
 * (4.4 grids in three dimensions). */
SF_API sf_status sf_local_non_gaussianity(const sf_grid *grid, double f_nl, double *phi);
/* The density field of that, in a box with the spectrum's units: delta_k = M(k) phi_k,
 * M = 2 k^2 T(k) D(z) / (3 omega_m (H_0/c)^2) with D -> 1/(1 + z) at high redshift, so that phi and
 * f_nl are those of the matter era (the convention of the microwave background), from phi whose
 * Gaussian part has the spectrum that gives the linear P_delta. A positive f_nl makes positive
 * skewness. *strength (may be NULL): rms of f_nl phi, which has to be small against 1 for the
 * square to be a correction. Numbers as sf_field_draw, whose field it is for f_nl = 0. Cost: a
 * draw and two transforms of the larger grid; memory: that grid. */
SF_API sf_status sf_draw_non_gaussian(const sf_grid *grid, const sf_cosmology *cosmology,
                                      sf_transfer transfer, double redshift, double f_nl,
                                      const sf_field_draw_options *options, double *buffer,
                                      double *strength);

/* Linear redshift-space distortion (Kaiser 1987, doi:10.1093/mnras/227.1.1): delta_k (b + f mu^2),
 * mu = k_axis/k; the mode k = 0 is multiplied by b. In place, N values. Cost: two transforms;
 * memory: one grid. */
SF_API sf_status sf_kaiser(const sf_grid *grid, int axis, double bias, double growth_rate,
                           double *field);

/* Particles displaced by a linear density field at this redshift, in one to three axes (a field of
 * two does not change along the third): psi1_k = i k/k^2 delta_k (Zel'dovich 1970), and to second
 * order (Bouchet et al. 1995, arXiv:astro-ph/9406013) psi2_k = 3/7 omega_m(z)^(-1/143) i k/k^2 S_k
 * with S = sum_{i<j} phi_ii phi_jj - phi_ij^2, lap phi = delta. Positions x = q + psi1 + psi2,
 * wrapped into the box; velocities v = a H (f psi1 + f2 psi2), f2 = 2 omega_m(z)^(6/11), peculiar,
 * in km/s for boxes in Mpc/h (Mpc if per_mpc). Particles start on the centres of the cells, (i +
 * 1/2) d, and keep their order. The products in S are formed without aliasing as above; the
 * derivative along an axis leaves out its Nyquist plane, and the mean of delta displaces nothing.
 * delta: N values. positions, velocities: N x axes values each; velocities may be NULL. order: 1
 * or 2. Cost: 1 + axes transforms; the second order as many again and 2 + axes (axes + 1)/2 of the
 * larger grid. Memory besides: three grids, the second order two and two of the larger (8.8 in
 * three dimensions). */
SF_API sf_status sf_displace(const sf_grid *grid, const sf_cosmology *cosmology, double redshift,
                             int order, const double *delta, double *positions, double *velocities);

/* Points from a field: Poisson with mean n (1 + delta) v in each cell (negative: 0, and counted),
 * uniform inside the cell, which reaches from i d to (i + 1) d. *positions: count x axes, to be
 * freed by sf_free, in the order of the cells. Numbers are addressed by the cell: a higher density
 * keeps the points of a lower one. negative_cells may be NULL. SF_ERR_ARGUMENT for a cell with more
 * than a million points on average. Cost: some 0.1 us a cell and a point, 5 us a cell with more
 * than 16 points; memory: the points, and 4 bytes a cell. */
SF_API sf_status sf_poisson_points(const sf_grid *grid, const double *delta, double number_density,
                                   uint64_t seed, double **positions, size_t *count,
                                   size_t *negative_cells);

/* ---- estimators ------------------------------------------------------------------------------ */

/* Of `count` values: mean, standard deviation sqrt(<(x - mean)^2>), skewness <(x - mean)^3> over
 * its cube (NaN of a constant), and extremes. The same bits on any number of threads.
 * SF_ERR_NUMERIC for values that are not finite. */
typedef struct sf_moments {
    double mean, deviation, skewness, lowest, highest;
} sf_moments;
SF_API sf_status sf_field_moments(const double *field, size_t count, sf_moments *moments);
SF_API sf_status sf_field_moments_single(const float *field, size_t count, sf_moments *moments);

/* Mass assignment: order of the B-spline window, W(k) = prod sinc(pi m_i/n_i)^p. */
typedef enum sf_assignment {
    SF_ASSIGN_NONE = 0, /* cell values as they are: no window */
    SF_ASSIGN_NGP = 1,
    SF_ASSIGN_CIC = 2,
    SF_ASSIGN_TSC = 3,
    SF_ASSIGN_PCS = 4
} sf_assignment;
/* density contrast delta = n/nbar - 1 of points (count x axes, wrapped into the box; the centre of
 * cell i lies at (i + 1/2) d) with optional weights, moved by `shift` cells along every axis (0.5
 * for the second grid of interlacing). N values. The same bits on any number of threads.
 * SF_ERR_NUMERIC for a position that is not finite, SF_ERR_ARGUMENT for a total weight that is not
 * positive. Memory: 8 bytes a point. */
SF_API sf_status sf_assign(const sf_grid *grid, const double *positions, const double *weights,
                           size_t count, sf_assignment assignment, double shift, double *delta);

/* Bins of k: `count` of them between low and high, linear or logarithmic. 0 for low, high: the
 * fundamental mode (linear: half of it) and the Nyquist frequency of the coarsest axis. A mode on
 * an edge belongs to the upper bin, whatever round-off says; k = 0 is in none. */
typedef struct sf_bins {
    size_t count;
    double low, high;
    bool logarithmic;
} sf_bins;

typedef struct sf_power_options {
    sf_bins bins;
    sf_assignment assignment;  /* window to divide by */
    const double *interlaced;  /* the field again, assigned half a cell further; NULL none */
    const double *other;       /* cross spectrum with this field; NULL auto */
    const float *other_single; /* the same in single precision */
    const double *other_interlaced;
    double shot_noise; /* subtracted, e.g. 1/nbar, with the aliases of the assignment */
    int line_of_sight; /* axis for multipoles and 2-D; -1 none */
    size_t perpendicular, parallel; /* linear bins of P(k_perp, k_par), 0 to the bins' high end */
} sf_power_options;
/* 32 linear bins of a field as it is. */
SF_API sf_power_options sf_power_options_default(void);

/* A bin without a mode has NaN. */
typedef struct sf_power_bin {
    double k; /* mean of |k| over the bin's modes */
    double low, high;
    double power;
    double error; /* of a Gaussian field, shot noise included: P sqrt(2/modes); of a cross spectrum
                     sqrt((P_1 P_2 + P_12^2)/modes) */
    double quadrupole, hexadecapole; /* (2l + 1) <P L_l(mu)>; NaN without a line of sight */
    size_t modes;                    /* full-spectrum count: k and -k are two */
} sf_power_bin;

typedef struct sf_power_bin_2d {
    double k_perpendicular, k_parallel, power, error;
    size_t modes;
} sf_power_bin_2d;

/* P(k) = V/N^2 <|X_k|^2> of a field, or Re <X_k Y_k*>; bins: options->bins.count results or NULL;
 * plane: perpendicular x parallel results or NULL. The field, and every other one in the options,
 * is transformed in a copy of one grid; sf_power_in_place spends the buffer (sf_fft_buffer_size,
 * the field in its first N values) instead and takes nothing more for it. The same bits on any
 * number of threads. Modes on the Nyquist planes are their own aliases: interlacing cannot tell
 * them apart. SF_ERR_NUMERIC for a field that is not finite. */
SF_API sf_status sf_power(const sf_grid *grid, const double *field, const sf_power_options *options,
                          sf_power_bin *bins, sf_power_bin_2d *plane);
SF_API sf_status sf_power_in_place(const sf_grid *grid, double *buffer,
                                   const sf_power_options *options, sf_power_bin *bins,
                                   sf_power_bin_2d *plane);
SF_API sf_status sf_power_in_place_single(const sf_grid *grid, float *buffer,
                                          const sf_power_options *options, sf_power_bin *bins,
                                          sf_power_bin_2d *plane);
/* <P> of a spectrum over each bin's own modes, which P at the mean k is not. */
SF_API sf_status sf_power_expected(const sf_grid *grid, const sf_spectrum *spectrum,
                                   const sf_bins *bins, double *power);

/* xi(r) = <x x'> over all pairs of cells at that distance (the nearest images), x with its mean
 * subtracted, in bins of r. 0 for low, high: the smallest spacing (linear: half of it) and half the
 * shortest side. Cost: two transforms in a copy of one grid. */
typedef struct sf_correlation_bin {
    double r, low, high, xi; /* r: mean over the pairs */
    double pairs;            /* pairs of cells, each once */
} sf_correlation_bin;
SF_API sf_status sf_correlation(const sf_grid *grid, const double *field, const sf_bins *bins,
                                sf_correlation_bin *result);

/* Bispectrum <X_1 X_2 X_3> V^2/N^3 over k_1 + k_2 + k_3 = 0 by transforms (Scoccimarro 2000,
 * doi:10.1086/317248): shell i holds edge[i] <= k < edge[i+1], `shells` + 1 edges > 0. triangle:
 * count x 3 shell numbers. SF_ERR_ARGUMENT for three shells whose upper edges add up to more than
 * twice the coarsest axis' Nyquist frequency, where triangles close by aliasing. Cost: two
 * transforms a shell; memory: one grid for every shell that is used, and one. */
typedef struct sf_triangle {
    double k[3];                /* mean |k| of the shells */
    double bispectrum, reduced; /* B, and Q = B/(P1P2 + P2P3 + P3P1); NaN without a triangle */
    double error;     /* of a Gaussian field: sqrt(s V P1P2P3 / triangles), s = 6, 2, 1 for
                         three, two, no equal shells */
    double triangles; /* number of closed triangles of modes, in every order */
} sf_triangle;
SF_API sf_status sf_bispectrum(const sf_grid *grid, const double *field, const double *edge,
                               size_t shells, const size_t *triangle, size_t count,
                               sf_triangle *result);

/* Pseudo-spectrum under a window w >= 0 (0: the field is not read there): P~ = V/N^2 <|F[w (x -
 * mean_w)]|^2> in each bin, mean_w = sum w x / sum w. `coupling`: the matrix M[b * count + b'] with
 * <P~_b> = sum M P_b', exact for a spectrum that is constant in each bin and zero outside of all,
 * the subtracted mean included (Hivon et al. 2002, doi:10.1086/338126, on a flat grid); so let the
 * bins cover all that has power. power: M^-1 P~. A bin without a mode has NaN. SF_ERR_NUMERIC where
 * the window cannot tell bins apart. monitor (may be NULL): stage "coupling", after each bin; where
 * it stops, SF_ERR_INTERRUPTED. Cost: four transforms a bin; memory: five grids. */
SF_API sf_status sf_pseudo_power(const sf_grid *grid, const double *field, const double *window,
                                 const sf_bins *bins, const sf_monitor *monitor, double *pseudo,
                                 double *coupling, double *power);

/* ---- constrained realisations ---------------------------------------------------------------- */

/* Data d = x + n where observed: x ~ N(mean, C), n independent with variance sigma_i^2. With
 * W = diag(1/sigma_i^2), 0 where unobserved, the posterior is Gaussian, N(m, (C^-1 + W)^-1):
 * its mean m (Wiener) and exact draws, each by one linear system (Hoffman & Ribak 1991,
 * doi:10.1086/186160), which conjugate gradients solve. Modes of P = 0 keep their value, the
 * mean's.
 *
 * Holes of any shape and size, noise of any size, and noise that differs from cell to cell take
 * tens of iterations for spectra that fall with k as a power does, cosmological ones included
 * (figures: constrained_solve.c). Spectra that rise with k take up to a few hundred where the
 * data's noise is far below the field at every scale of the grid. A sharp or exponential cut-off in
 * k takes more than a thousand there: such a field is smooth, what is in a large hole follows from
 * data outside of it by ever higher derivatives, and the system is as badly conditioned as that.
 * The report says if the iterations were enough. */
typedef struct sf_constrained_options {
    double tolerance;  /* relative residual, in the preconditioner's norm (1e-6) */
    double error;      /* and the report's bound of the error at most this (0.01; 0: any): with
                          little noise it takes a smaller residual */
    size_t iterations; /* at most (3000) */
    sf_monitor monitor;
} sf_constrained_options;
SF_API sf_constrained_options sf_constrained_options_default(void);

typedef struct sf_constrained_report {
    size_t iterations;
    double residual;    /* of the result, computed anew at the end */
    double error;       /* a bound of the result's error: rms over the posterior's modes, each in
                           its own standard deviation */
    bool converged;     /* residual and error are as small as asked for */
    double chi_squared; /* of the data against the result, per observed cell */
    double seconds;
} sf_constrained_report;

/* Immutable; several threads may draw at once. Retains the field. */
typedef struct sf_constrained sf_constrained;
/* data: N values, NaN = unobserved; sigma: N standard deviations (not positive or not finite =
 * unobserved) or NULL for the constant `noise` > 0. SF_ERR_ARGUMENT where nothing is observed or
 * 1/sigma^2 overflows, SF_ERR_NUMERIC for infinite data. Memory: 5 grids, 9 while it is made; along
 * a single axis 35 more. */
SF_API sf_status sf_constrained_create(sf_field *field, const double *data, const double *sigma,
                                       double noise, sf_constrained **constrained);
SF_API void sf_constrained_release(sf_constrained **constrained);
/* N values. options and report may be NULL. A monitor that stops leaves the iterate that there is,
 * as the limit of iterations does. Cost: two transforms an iteration, up to ten where the data say
 * more than the prior at all scales; memory: 11.4 grids. */
SF_API sf_status sf_constrained_mean(const sf_constrained *constrained,
                                     const sf_constrained_options *options, double *mean,
                                     sf_constrained_report *report);
/* The same seed and stream: the same bits on any number of threads. */
SF_API sf_status sf_constrained_draw(const sf_constrained *constrained, uint64_t seed,
                                     uint64_t stream, const sf_constrained_options *options,
                                     double *sample, sf_constrained_report *report);

#ifdef __cplusplus
}
#endif
#endif
