/* scorefield/prior.h - what is known about an image before the data: one interface.
 *
 * A prior p(x_0) is met through its noised versions p_sigma, the density of x = x_0 + sigma n
 * with n ~ N(0, I). Denoiser and score are each other's view (Tweedie; Robbins 1956,
 * Miyasawa 1961):   D(x; sigma) = E[x_0 | x] = x + sigma^2 grad log p_sigma(x). */
#ifndef SCOREFIELD_PRIOR_H
#define SCOREFIELD_PRIOR_H

#include <scorefield/field.h>
#include <scorefield/grid.h>
#include <scorefield/network.h>
#include <scorefield/operator.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Immutable, on one grid, shared by reference count; two threads may use one handle. */
typedef struct sf_prior sf_prior;

/* The interface, for the library's own priors and users' alike. `self` is what sf_prior_create
 * was given. Arrays are `batch` fields on the prior's grid, one after the other; input and output
 * never alias, and the input has been checked to be finite. NULL slots:
 *   denoise  from the score by Tweedie's formula;
 *   score    from the denoiser, sigma > 0 only;
 *   energy   SF_ERR_UNSUPPORTED;
 *   prox     the denoiser at sigma = sqrt(variance) (plug and play; Venkatakrishnan et al. 2013,
 *            doi:10.1109/GlobalSIP.2013.6737048);
 *   pull     SF_ERR_UNSUPPORTED;
 *   destroy  nothing.
 * One of denoise, score and prox is required; a view that cannot be had from the others is
 * SF_ERR_UNSUPPORTED. */
typedef struct sf_prior_methods {
    const char *name;
    /* out = D(x; sigma), sigma > 0. */
    sf_status (*denoise)(const void *self, size_t batch, const double *x, double sigma,
                         double *out);
    /* out = grad log p_sigma(x); sigma = 0 where the density itself exists. */
    sf_status (*score)(const void *self, size_t batch, const double *x, double sigma, double *out);
    /* energy[b] = -log p_sigma(x_b), with its normalisation where that is known (documented). */
    sf_status (*energy)(const void *self, size_t batch, const double *x, double sigma,
                        double *energy);
    /* out = argmin_z |z - x|^2 / (2 variance) + R(z), R = -log p; variance > 0. */
    sf_status (*prox)(const void *self, size_t batch, const double *x, double variance,
                      double *out);
    /* out = (dD/dx)^T v at (x, sigma), sigma > 0; and D(x; sigma) in `denoised` unless it is NULL.
     * v has been checked to be finite, and no two arrays are one but x and v. */
    sf_status (*pull)(const void *self, size_t batch, const double *x, double sigma,
                      const double *v, double *denoised, double *out);
    void (*destroy)(void *self);
    bool convex; /* R is known to be convex and the same at every level, and the proximal step (or
                    the denoiser in its place) to be R's own: ADMM then converges, whatever its
                    penalties */
} sf_prior_methods;

/* Takes ownership of self, also on failure. `methods` must outlive the prior. */
SF_API sf_status sf_prior_create(const sf_prior_methods *methods, void *self, const sf_grid *grid,
                                 sf_prior **prior);
SF_API sf_prior *sf_prior_retain(sf_prior *prior);
SF_API void sf_prior_release(sf_prior **prior);
SF_API const char *sf_prior_name(const sf_prior *prior);
SF_API const sf_grid *sf_prior_grid(const sf_prior *prior);

/* SF_ERR_NUMERIC for a non-finite input; SF_ERR_ARGUMENT for input and output in one array, and for
 * a level outside of the ranges above. */
SF_API sf_status sf_prior_denoise(const sf_prior *prior, size_t batch, const double *x,
                                  double sigma, double *out);
SF_API sf_status sf_prior_score(const sf_prior *prior, size_t batch, const double *x, double sigma,
                                double *out);
SF_API sf_status sf_prior_energy(const sf_prior *prior, size_t batch, const double *x, double sigma,
                                 double *energy);
SF_API sf_status sf_prior_prox(const sf_prior *prior, size_t batch, const double *x,
                               double variance, double *out);
/* out = (dD/dx)^T v, the denoiser's Jacobian at (x; sigma) transposed, times v; and unless
 * `denoised` is NULL the denoised x itself, for the same evaluation. For the true denoiser of a
 * density the Jacobian is its own transpose, and Cov[x_0 | x] v = sigma^2 out. sigma > 0. x may be
 * v; else the arrays are different ones. */
SF_API sf_status sf_prior_pull(const sf_prior *prior, size_t batch, const double *x, double sigma,
                               const double *v, double *denoised, double *out);

/* The denoiser's Jacobian J = dD/dx at (x; sigma) as an operator: J v by central differences over
 * `sigma`/20 in the cell where v is largest (two denoisings), J^T v by the prior's pull. Networks
 * of Relu are linear but for where such a step crosses a kink. Retains the prior; x is copied.
 * sigma > 0. SF_ERR_UNSUPPORTED, when it is applied, for priors without pull. */
SF_API sf_status sf_prior_jacobian(sf_prior *prior, const double *x, double sigma,
                                   sf_operator **jacobian);

/* The largest singular values at (x; sigma), and so lower bounds of the Lipschitz constants of D,
 * D - 1 and 2D - 1. Plug and play is known to converge where 2D - 1 stretches nothing (|2J - 1| <=
 * 1 everywhere: D is firmly nonexpansive, the resolvent of a maximally monotone operator; Pesquet
 * et al. 2021, doi:10.1137/20M1387961), and for strongly convex data where |J - 1| is small enough
 * (Ryu et al. 2019, arXiv:1905.05406). Only denoisers with J = J^T are gradients, and so proximal
 * operators (Moreau 1965) or those of a density. */
typedef struct sf_lipschitz {
    double denoiser, residual, reflected; /* |J|, |J - 1|, |2J - 1| */
    double asymmetry;                     /* |J v - J^T v| / |J v + J^T v| of white noise v */
} sf_lipschitz;
/* By power iteration to `tolerance` (sf_operator_norm): five denoisings an iteration for networks.
 */
SF_API sf_status sf_prior_lipschitz(sf_prior *prior, const double *x, double sigma,
                                    double tolerance, sf_lipschitz *lipschitz);

/* A hash of the grid's shape and of D(x; sigma), every bit of it: for telling checkpoints apart.
 * Two priors of one name, such as a file's that has been replaced, have different ones as a rule,
 * and the same where they make the same of x. Errors as sf_prior_denoise. */
SF_API sf_status sf_prior_fingerprint(const sf_prior *prior, const double *x, double sigma,
                                      uint64_t *fingerprint);

/* ---- the priors ------------------------------------------------------------------------ */

/* Gaussian field of a power spectrum: exact denoiser (Wiener filter lambda/(lambda + sigma^2) per
 * mode), score, energy -log p_sigma with its normalisation; the proximal step is the denoiser at
 * sqrt(variance). At sigma = 0 modes of zero power are a constraint: score and energy live on the
 * others, and a field with power in a forbidden mode (beyond the transform's rounding) has energy
 * +inf. `mean` is the field's mean value. Two transforms a field (energy: one; pull with the
 * denoised field: four). Memory: the eigenvalues, half a field, evaluated once; at work a field for
 * each thread. The same bits on any number of threads. */
SF_API sf_status sf_prior_gaussian(const sf_grid *grid, const sf_spectrum *spectrum, double mean,
                                   sf_prior **prior);
/* Isotropic total variation R(z) = strength * sum |grad z| (Rudin, Osher & Fatemi 1992; forward
 * differences, free boundary; strength > 0), for two axes; as a proximal step only. Accelerated
 * projected gradient on the dual (Chambolle 2004; Beck & Teboulle 2009,
 * doi:10.1109/TIP.2009.2028250) with restarts (O'Donoghue & Candes 2015), until the duality gap
 * proves that the root mean square error is at most `tolerance` (1e-6 .. 1) of the noise level
 * sqrt(variance); it is ten times smaller as a rule. Iterations: at most of order
 * 6 strength sqrt(variance)/tolerance; SF_ERR_NUMERIC if 100000 are not enough. Memory: six
 * fields. The same bits on any number of threads. */
SF_API sf_status sf_prior_total_variation(const sf_grid *grid, double strength, double tolerance,
                                          sf_prior **prior);
/* A network denoiser (see network.h for noise level, scale, padding and prediction), for two
 * axes. The prior retains the model. Score by Tweedie; pull by the network's backward pass. Memory:
 * the network's arena for this grid, and the backward pass's from its first use on; calls on one
 * handle are serialised. */
SF_API sf_status sf_prior_network(const sf_grid *grid, sf_model *model, sf_prior **prior);
/* The same under a condition: the usage's `conditions` planes of the grid's N values (copied), a
 * class or maps as extra channels; NULL: zeros, which is what sf_prior_network gives such a model,
 * too. Two of one model, with and without, make a pair for sf_prior_classifier_free. */
SF_API sf_status sf_prior_network_conditioned(const sf_grid *grid, sf_model *model,
                                              const double *condition, sf_prior **prior);
/* The network that is built into the library (model card: doc in lib/prior/builtin). */
SF_API sf_status sf_model_builtin(sf_model **model);

/* ---- convex ridges ----------------------------------------------------------------------- */

/* A convex-ridge regulariser (Goujon et al. 2023, arXiv:2211.12461): an image's energy is
 *     R(x) = strength sum over filters i and places n of psi_i((w_i * x)_n / s),
 *     psi_i(t) = sum_j a_ij (t^2/2 where |t| <= b_j, else b_j |t| - b_j^2/2),   a_ij >= 0, b_j > 0,
 * whose derivatives psi_i' are odd, do not fall, and are straight between thresholds b_j (which may
 * be infinite: quadratic). (w * x)_n = sum_m w_m x_(n + m), wherever all of the filter lies on the
 * image. Convex, with the Lipschitz constant strength/s^2 max_k sum_i |w_i(k)|^2 sum_j a_ij of R'.
 * Immutable, shared by reference count. */
typedef struct sf_ridge sf_ridge;
/* taps: filters x side x side; threshold: knots; slope: filters x knots; copied. SF_ERR_ARGUMENT,
 * SF_ERR_NUMERIC for what cannot be. */
SF_API sf_status sf_ridge_create(size_t filters, size_t side, const double *taps, size_t knots,
                                 const double *threshold, const double *slope, sf_ridge **ridge);
SF_API sf_ridge *sf_ridge_retain(sf_ridge *ridge);
SF_API void sf_ridge_release(sf_ridge **ridge);
/* Taps and slopes. */
SF_API size_t sf_ridge_parameter_count(const sf_ridge *ridge);
/* Of R' at strength = scale = 1: max over k of sum_i |w_i(k)|^2 sum_j a_ij, from above, by at most
 * 2 %, for images of any size. */
SF_API sf_status sf_ridge_lipschitz(const sf_ridge *ridge, double *lipschitz);
/* The one that is built into the library, trained as the model card in lib/prior/builtin says. */
SF_API sf_status sf_ridge_builtin(sf_ridge **ridge);
/* As an ONNX network whose output is R'(x) for s = strength = 1 (Conv, Clip, Mul, Add,
 * ConvTranspose), with the metadata "scorefield.ridge" = the thresholds; and back. In single
 * precision. SF_ERR_FORMAT for a model that is no ridge. */
SF_API sf_status sf_ridge_to_model(const sf_ridge *ridge, sf_model **model);
SF_API sf_status sf_ridge_from_model(const sf_model *model, sf_ridge **ridge);
/* Whether a model says that it is one. */
SF_API bool sf_model_is_ridge(const sf_model *model);

/* The ridge as a prior on images of two axes as large as its filters and larger; retained. Its
 * p_sigma is what the Moreau envelope of R makes of exp(-R) instead of noise: -log p_sigma(x) =
 * min_z |z - x|^2/(2 sigma^2) + R(z),   -log p_0 = R, not normalised, so that the denoiser and the
 * proximal step are one, argmin of the former, and the score (D - x)/sigma^2 is its gradient. s =
 * `scale`; for scale 0 it is the level itself, sigma (or variance^1/2) of each call, as it was
 * trained: then D(a x; a sigma) = a D(x; sigma), and there is an energy at every level above 0, but
 * not one density behind them, so that plug and play, whose levels change, has no one energy to
 * minimise; with a fixed scale, as the noise, it has. D by accelerated gradient steps in a metric
 * (ridge.h) until the rms error is proven to be below `tolerance` (1e-10 .. 1) of sigma, in some 10
 * to 60 evaluations of R' at two transforms a filter. Pull by conjugate gradients with the second
 * derivative. Memory: a half spectrum a filter, and 30 more fields at work; for pull a field a
 * filter. The same bits on any number of threads. */
SF_API sf_status sf_prior_ridge(const sf_grid *grid, sf_ridge *ridge, double strength, double scale,
                                double tolerance, sf_prior **prior);

typedef struct sf_ridge_options {
    size_t filters, side; /* 16 of 7 x 7 */
    uint64_t seed;        /* of the first filters */
} sf_ridge_options;
SF_API sf_ridge_options sf_ridge_options_default(void);
/* An untrained one: filters of white noise without mean, thresholds from 1/4 to 32 noises in powers
 * of 2. */
SF_API sf_status sf_ridge_untrained(const sf_ridge_options *options, sf_ridge **ridge);
/* Trains the denoiser D(x; sigma) of scale 0 and strength 1 itself, at its minimum, on what
 * sf_train trains networks on, with the same loss and options (sigma, patch, batch, steps, rate,
 * warmup, ema, clip, balance, seed, monitor; no checkpoints): the gradient with respect to a
 * parameter p is dL/dp = -v^T d/dp [R'(z)],   (1 + R''(z)) v = dL/dz,   z = D(x; sigma) (implicit
 * differentiation). Slopes stay positive as exponentials, filters without mean. The same bits on
 * any number of threads. */
SF_API sf_status sf_ridge_train(const sf_ridge *ridge, const sf_patch_source *source,
                                const sf_train_options *options, sf_ridge **trained,
                                sf_train_report *report);

/* ---- mixtures --------------------------------------------------------------------------- */

/* What a component's covariance is: variance times 1, n variances, or n x n. */
typedef enum sf_covariance {
    SF_COVARIANCE_ROUND,
    SF_COVARIANCE_DIAGONAL,
    SF_COVARIANCE_FULL
} sf_covariance;

/* sum_k weight_k N(mean_k, C_k) in n = `dimension` dimensions. A value: make it by
 * sf_mixture_create and fill it in, or point its members at arrays of your own. A covariance may be
 * singular: a component of variance 0 is a point. */
typedef struct sf_mixture {
    size_t dimension, count;
    sf_covariance kind;
    double *weight;     /* count: not negative; their sum does not matter */
    double *mean;       /* count x n */
    double *covariance; /* count x (1, n or n x n) */
} sf_mixture;

/* All zeros. */
SF_API sf_status sf_mixture_create(size_t dimension, size_t count, sf_covariance kind,
                                   sf_mixture **mixture);
/* What the library has made. */
SF_API void sf_mixture_release(sf_mixture **mixture);
/* Of the text file that sf_density_parse's "mixture:FILE" reads, the same density, normalised: a
 * row a component with its height h, sigma s and mean, so that its weight is h s^n. */
SF_API sf_status sf_mixture_read(const char *path, sf_mixture **mixture);
/* x (count x n) = draws `first`, first + 1, ... of this generator: exact, and each depends on its
 * number alone. Full covariances cost an eigendecomposition a component, each time. */
SF_API sf_status sf_mixture_draw(const sf_mixture *mixture, sf_random random, uint64_t first,
                                 size_t count, double *x);
/* The exact posterior for y = A x + n, n ~ N(0, diag(noise_variance)), A data x n (C order): a
 * mixture again, of full covariances and weights that add up to 1. log_evidence = log p(y); NULL:
 * not wanted. For small dimensions, up to 2^15: O((n + data)^3) a component. SF_ERR_NUMERIC where
 * y has no density (data without noise of what has no variance). */
SF_API sf_status sf_mixture_posterior(const sf_mixture *mixture, size_t data, const double *a,
                                      const double *y, const double *noise_variance,
                                      sf_mixture **posterior, double *log_evidence);

/* The mixture as a prior of the grid's n cells, copied: denoiser, score, energy with its
 * normalisation and pull in closed form at every sigma, however far from all components (shares by
 * log-sum-exp). At sigma = 0 a singular covariance has no density: SF_ERR_ARGUMENT. Cost a point:
 * n count, with full covariances n^2 count, which also cost an eigendecomposition each at creation.
 * The same bits on any number of threads. */
SF_API sf_status sf_prior_mixture(const sf_grid *grid, const sf_mixture *mixture, sf_prior **prior);

/* ---- priors made of priors: they retain what they are made of ---------------------------------
 */

/* What tilts a prior: log p(y | x; sigma), the likelihood of a class, a datum, a wish, at a noised
 * x. Arrays as sf_prior_methods has them; from several threads at once where the prior is used so.
 * NULL: log_density - the guided prior has no energy; hessian - it has no pull. */
typedef struct sf_guide {
    /* gradient = grad_x log p(y | x; sigma) */
    sf_status (*gradient)(void *user, size_t batch, const double *x, double sigma,
                          double *gradient);
    sf_status (*log_density)(void *user, size_t batch, const double *x, double sigma,
                             double *log_density);
    /* out = H v, H the (symmetric) second derivative of log p(y | x; sigma) */
    sf_status (*hessian)(void *user, size_t batch, const double *x, double sigma, const double *v,
                         double *out);
    void (*destroy)(void *user); /* NULL: nothing to do */
    void *user;
} sf_guide;

/* The score s + g grad log p(y | x; sigma), g = strength: the denoiser D + g sigma^2 grad, the
 * energy -log p_sigma - g log p(y | x; sigma), not normalised. Takes ownership of guide->user, also
 * on failure. With g = 1 and the true p(y | x; sigma) this is the posterior; any other g is of no
 * density's noised versions, and what samplers make of it is not p_0 p(y | x)^g. SF_ERR_NUMERIC
 * where the strength makes a result overflow. */
SF_API sf_status sf_prior_guided(sf_prior *prior, const sf_guide *guide, double strength,
                                 sf_prior **guided);
/* The score s_u + w (s_c - s_u), w = weight, of two priors on one grid; denoiser, energy (not
 * normalised) and pull alike, where both have them. w = 0 and 1 are the two; others as g above. */
SF_API sf_status sf_prior_classifier_free(sf_prior *unconditional, sf_prior *conditional,
                                          double weight, sf_prior **prior);

/* Hard linear constraints: cells with given values, and sums over groups of cells. */
typedef struct sf_constraints {
    const bool *known;   /* N: whether value[i] is given; NULL: none */
    const double *value; /* N */
    size_t sums;         /* how many */
    const size_t *group; /* N: the sum that a cell is in, from 1; 0: in none */
    const double *sum;   /* sums; known cells count in them */
} sf_constraints;

/* The denoiser is projected onto what the constraints allow: known cells have their values to the
 * bit, sums to rounding, whatever x and sigma are; a sampler that ends with a denoised image keeps
 * them so. Score by Tweedie; no energy; pull where the prior has it. Exact, the conditioned prior's
 * own denoiser, where the prior's cells are independent (known cells) and alike Gaussians (sums);
 * else an approximation, where the other cells learn of the constraints only through x, as sampling
 * goes on; Langevin moves at each level (sf_sample's correctors) then tend to the conditioned prior
 * as they get many and small. In a hole of 8 x 8 cells of a Matern field (length 4 cells) samples
 * have a mean 1.5 of the exact standard deviations off and 1.7 times the spread without moves, 0.5
 * and 1.2 with 1000 (snr 0.3), 0.2 and 1.0 with 4000 (snr 0.5). SF_ERR_ARGUMENT for a sum without a
 * cell that may change. */
SF_API sf_status sf_prior_constrained(sf_prior *prior, const sf_constraints *constraints,
                                      sf_prior **constrained);

/* ---- validation ------------------------------------------------------------------------- */

/* Peak signal-to-noise ratios in dB, 10 log10(peak^2 / mean squared error) with peak = the clean
 * image's largest minus its smallest value, averaged over the images. */
typedef struct sf_validation {
    double noisy;           /* the images with their noise */
    double wiener;          /* Gaussian field with the power spectrum of the very image, averaged
                               over rings of |k|, and its mean */
    double total_variation; /* with the strength that is best for the very image */
    double prior;           /* the prior's denoiser */
} sf_validation;

/* How well a prior denoises `count` clean images on its grid (two axes) at a noise level, against
 * two classical methods which are told what only the truth can tell. The noise of image i is
 * sequence i of the generator (seed, 0): the same for every prior and every level. Cost: about
 * fourteen proximal steps of total variation an image. SF_ERR_ARGUMENT for a constant image. */
SF_API sf_status sf_prior_validate(const sf_prior *prior, size_t count, const double *images,
                                   double sigma, uint64_t seed, sf_validation *validation);

#ifdef __cplusplus
}
#endif
#endif
