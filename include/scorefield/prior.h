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

#ifdef __cplusplus
extern "C" {
#endif

/* Immutable, on one grid, shared by reference count; two threads may use one handle. */
typedef struct sf_prior sf_prior;

/* Arrays are `batch` fields on the prior's grid, one after the other. Fallbacks of NULL
 * slots: denoise from score, score from denoise (both NULL: SF_ERR_UNSUPPORTED), energy
 * SF_ERR_UNSUPPORTED, prox from denoise (plug and play: prox_{v} ~ D(.; sqrt(v))), destroy
 * nothing. in and out may be the same array only if a slot's caller copies; they never alias
 * here. */
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
    /* out = argmin_z |z - x|^2 / (2 variance) + R(z), R = -log p. */
    sf_status (*prox)(const void *self, size_t batch, const double *x, double variance,
                      double *out);
    void (*destroy)(void *self);
} sf_prior_methods;

/* Takes ownership of self, also on failure. `methods` must outlive the prior. */
SF_API sf_status sf_prior_create(const sf_prior_methods *methods, void *self, const sf_grid *grid,
                                 sf_prior **prior);
SF_API sf_prior *sf_prior_retain(sf_prior *prior);
SF_API void sf_prior_release(sf_prior **prior);
SF_API const char *sf_prior_name(const sf_prior *prior);
SF_API const sf_grid *sf_prior_grid(const sf_prior *prior);

SF_API sf_status sf_prior_denoise(const sf_prior *prior, size_t batch, const double *x,
                                  double sigma, double *out);
SF_API sf_status sf_prior_score(const sf_prior *prior, size_t batch, const double *x, double sigma,
                                double *out);
SF_API sf_status sf_prior_energy(const sf_prior *prior, size_t batch, const double *x,
                                 double sigma, double *energy);
SF_API sf_status sf_prior_prox(const sf_prior *prior, size_t batch, const double *x,
                               double variance, double *out);

/* ---- the priors ------------------------------------------------------------------------ */

/* Gaussian field of a power spectrum: exact denoiser (Wiener filter lambda/(lambda+sigma^2)
 * per mode), score, energy (with normalisation); prox equals the denoiser at variance. At
 * sigma = 0 modes of zero power are a constraint: score and energy live on the others, and a
 * field with power in a forbidden mode has energy +inf. `mean` is the field's mean value. */
SF_API sf_status sf_prior_gaussian(const sf_grid *grid, const sf_spectrum *spectrum, double mean,
                                   sf_prior **prior);
/* Isotropic total variation R(z) = strength * sum |grad z| (forward differences, free
 * boundary), two axes; as a proximal step only, to a duality gap of `tolerance` relative to
 * the field's scale (Chambolle 2004, Beck & Teboulle 2009 acceleration). */
SF_API sf_status sf_prior_total_variation(const sf_grid *grid, double strength, double tolerance,
                                          sf_prior **prior);
/* A network denoiser (see network.h for noise level, scale, padding and prediction), for two
 * axes. The prior retains the model. Score by Tweedie. Memory: the network's arena for this
 * grid; calls on one handle are serialised. */
SF_API sf_status sf_prior_network(const sf_grid *grid, sf_model *model, sf_prior **prior);
/* The network that is built into the library (model card: doc in lib/prior/builtin). */
SF_API sf_status sf_model_builtin(sf_model **model);

#ifdef __cplusplus
}
#endif
#endif
