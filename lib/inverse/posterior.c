/* posterior.c - the posterior of y = M H x + n as a prior: its options, and which likelihood is
 * asked. */
#include "inverse/posterior.h"

#include "base/internal.h"
#include "field/field.h"
#include "prior/prior.h"

#include <ctype.h>
#include <gsl/gsl_math.h>
#include <math.h>

static const struct likelihood {
    const char *name;
    sf_conditioned_denoise *denoise;
    bool pulls; /* through the prior's denoiser */
} likelihoods[] = {
    [SF_LIKELIHOOD_EXACT] = {"exact", sf_posterior_by_modes, false},
    [SF_LIKELIHOOD_MOMENT_MATCHING] = {"moment matching", sf_posterior_by_moments, true},
    [SF_LIKELIHOOD_DIAGONAL] = {"diagonal", sf_posterior_by_moments, true},
    [SF_LIKELIHOOD_PIGDM] = {"PiGDM", sf_posterior_by_modes, true},
    [SF_LIKELIHOOD_DPS] = {"DPS", sf_posterior_by_gradient, true},
    [SF_LIKELIHOOD_CONVOLVED] = {"convolved", sf_posterior_by_modes, false},
    [SF_LIKELIHOOD_ANNEALED] = {"annealed", sf_posterior_by_gradient, false},
    [SF_LIKELIHOOD_PLUG_IN] = {"plug-in", sf_posterior_by_gradient, false},
    [SF_LIKELIHOOD_PROXIMAL] = {"proximal", sf_posterior_by_modes, false},
};

const char *sf_likelihood_text(sf_likelihood likelihood)
{
    const size_t count = sizeof likelihoods / sizeof *likelihoods;

    return (size_t)likelihood < count ? likelihoods[likelihood].name : "unknown";
}

/* The same but for capitals, and for blanks, which may be hyphens. */
static bool is_named(const char *text, const char *name)
{
    for (; *name != '\0'; text++, name++)
        if (tolower((unsigned char)*text) != tolower((unsigned char)*name) &&
            !(*name == ' ' && *text == '-'))
            return false;
    return *text == '\0';
}

sf_status sf_likelihood_parse(const char *text, sf_likelihood *likelihood)
{
    const size_t count = sizeof likelihoods / sizeof *likelihoods;

    for (size_t i = 0; i < count; i++) {
        if (!is_named(text, likelihoods[i].name)) continue;
        *likelihood = (sf_likelihood)i;
        return SF_OK;
    }
    return sf_fail(SF_ERR_ARGUMENT,
                   "likelihood %s is none of exact, moment-matching, diagonal, pigdm, dps, "
                   "convolved, annealed, plug-in, proximal",
                   text);
}

sf_posterior_options sf_posterior_options_default(void)
{
    return (sf_posterior_options){.likelihood = SF_LIKELIHOOD_MOMENT_MATCHING,
                                  .strength = 1.0,
                                  .tolerance = 1e-3,
                                  .iterations = 100};
}

/* ---- the views ------------------------------------------------------------------------------- */

static sf_status posterior_denoise(const void *self, size_t batch, const double *x, double sigma,
                                   double *out)
{
    const sf_conditioned *c = self;

    return likelihoods[c->likelihood].denoise(c, batch, x, sigma, out);
}

static sf_status posterior_pull(const void *self, size_t batch, const double *x, double sigma,
                                const double *v, double *denoised, double *out)
{
    return sf_posterior_exact_pull(self, batch, x, sigma, v, denoised, out);
}

static sf_status posterior_energy(const void *self, size_t batch, const double *x, double sigma,
                                  double *energy)
{
    return sf_posterior_exact_energy(self, batch, x, sigma, energy);
}

static void posterior_destroy(void *self)
{
    sf_conditioned *c = self;

    sf_prior_release(&c->prior);
    sf_observation_release(&c->observation);
    sf_free(c->lambda);
    if (c->tally != NULL) (void)pthread_mutex_destroy(&c->tally->lock);
    sf_free(c->tally);
    sf_free(c);
}

static const sf_prior_methods exact_methods = {
    .name = "posterior",
    .denoise = posterior_denoise,
    .energy = posterior_energy,
    .pull = posterior_pull,
    .destroy = posterior_destroy,
};

static const sf_prior_methods methods = {
    .name = "posterior",
    .denoise = posterior_denoise,
    .destroy = posterior_destroy,
};

sf_status sf_posterior_add_pulled(const sf_conditioned *c, size_t batch, const double *x,
                                  double level, const double *g, double factor, double *out)
{
    const size_t count = batch * sf_grid_size(&c->observation->scene);
    double *pulled = NULL;
    sf_status status;

    SF_GO(sf_allocate(&pulled, count, sizeof *pulled));
    SF_GO(sf_prior_pull(c->prior, batch, x, level, g, NULL, pulled));
    for (size_t i = 0; i < count; i++) out[i] += factor * pulled[i];
done:
    sf_free(pulled);
    return status;
}

sf_status sf_conditioned_variances(const sf_conditioned *c, double level, double **memory,
                                   sf_mode_variances *variances)
{
    const size_t half = sf_grid_half_size(&c->observation->scene);

    *memory = NULL;
    *variances = (sf_mode_variances){NULL, sf_conditioned_variance(c->variance, level)};
    if (c->lambda == NULL) return SF_OK;
    SF_TRY(sf_allocate(memory, half, sizeof **memory));
    for (size_t k = 0; k < half; k++) (*memory)[k] = sf_conditioned_variance(c->lambda[k], level);
    variances->mode = *memory;
    return SF_OK;
}

/* ---- creation -------------------------------------------------------------------------------- */

static sf_status check_prior(const sf_prior *prior, const sf_observation *o,
                             sf_likelihood likelihood)
{
    char prior_text[96], scene_text[96];

    if (!sf_grid_same_shape(sf_prior_grid(prior), &o->scene))
        return sf_fail(SF_ERR_SHAPE,
                       "the prior is on a grid of %s but the observation's scene is %s: make it on "
                       "sf_observation_scene",
                       sf_grid_text(sf_prior_grid(prior), prior_text, sizeof prior_text),
                       sf_grid_text(&o->scene, scene_text, sizeof scene_text));
    if (likelihood == SF_LIKELIHOOD_EXACT && sf_prior_field(prior) == NULL)
        return sf_fail(
            SF_ERR_UNSUPPORTED,
            "the exact likelihood needs a Gaussian field as prior, and this one is \"%s\": "
            "take moment matching, which is exact for the same fields",
            sf_prior_name(prior));
    if (likelihoods[likelihood].pulls && !sf_prior_pulls(prior))
        return sf_fail(
            SF_ERR_UNSUPPORTED,
            "the %s likelihood needs the derivative of the prior's denoiser, which prior "
            "\"%s\" does not offer: take the proximal one",
            likelihoods[likelihood].name, sf_prior_name(prior));
    return SF_OK;
}

static sf_status check_options(const sf_posterior_options *p)
{
    if ((size_t)p->likelihood >= sizeof likelihoods / sizeof *likelihoods)
        return sf_fail(SF_ERR_ARGUMENT, "likelihood %d does not exist", (int)p->likelihood);
    if (!(p->variance >= 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a prior's variance of %g: give a positive one, infinity for none, or 0 to "
                       "have it found",
                       p->variance);
    if (!(p->strength >= 0.0) || !isfinite(p->strength))
        return sf_fail(SF_ERR_ARGUMENT,
                       "strength is %g: give a finite number that is not negative; 1 is the "
                       "likelihood's own",
                       p->strength);
    if (!(p->tolerance > 0.0 && p->tolerance < 1.0) || p->iterations == 0)
        return sf_fail(
            SF_ERR_ARGUMENT,
            "a tolerance of %g in %zu iterations: give one between 0 and 1, and at least "
            "one iteration",
            p->tolerance, p->iterations);
    return SF_OK;
}

/* What the observed pixels (of the first exposure) vary by beyond their noise, at least as much as
 * that; of cells of their brightness. */
static double pixel_variance(const sf_observation *o)
{
    const size_t cells = sf_grid_size(&o->scene);
    double mean = 0.0, square = 0.0;

    o = sf_observation_exposure(o, 0);
    const double observed = (double)o->observed, noise2 = gsl_pow_2(o->summary.noise);
    for (size_t i = 0; i < cells; i++) mean += o->data[i] / observed;
    for (size_t i = 0; i < cells; i++)
        if (o->weight[i] > 0.0) square += (o->data[i] - mean) * (o->data[i] - mean) / observed;
    return fmax(square - noise2, noise2) / pow((double)o->upsample, 2.0 * o->scene.axes);
}

/* The variances of the prior's modes, as far as the likelihood asks for them. */
static sf_status find_variances(sf_conditioned *c, const sf_posterior_options *p)
{
    const sf_grid *scene = &c->observation->scene;
    const size_t half = sf_grid_half_size(scene);

    c->variance = p->variance > 0.0 ? p->variance : pixel_variance(c->observation);
    if (c->likelihood == SF_LIKELIHOOD_CONVOLVED) c->variance = INFINITY;
    if (c->likelihood == SF_LIKELIHOOD_EXACT) {
        SF_TRY(sf_allocate(&c->lambda, half, sizeof *c->lambda));
        return sf_field_lambda_all(sf_prior_field(c->prior), c->lambda);
    }
    if (p->spectrum == NULL || c->likelihood == SF_LIKELIHOOD_PIGDM ||
        c->likelihood == SF_LIKELIHOOD_CONVOLVED)
        return SF_OK;
    SF_TRY(sf_allocate(&c->lambda, half, sizeof *c->lambda));
    return sf_spectrum_eigenvalues(p->spectrum, scene, c->lambda);
}

static sf_status create_tally(sf_conditioned_tally **tally)
{
    SF_TRY(sf_allocate(tally, 1, sizeof **tally));
    if (pthread_mutex_init(&(*tally)->lock, NULL) == 0) return SF_OK;
    sf_free(*tally);
    *tally = NULL;
    return sf_fail(SF_ERR_MEMORY, "no memory for a lock");
}

sf_status sf_posterior(sf_prior *prior, sf_observation *observation,
                       const sf_posterior_options *options, sf_prior **posterior)
{
    const sf_posterior_options defaults = sf_posterior_options_default();
    const sf_posterior_options *p = options != NULL ? options : &defaults;
    sf_conditioned *c = NULL;
    sf_status status;

    *posterior = NULL;
    SF_TRY(check_options(p));
    SF_TRY(sf_observation_need_white(observation));
    SF_TRY(check_prior(prior, observation, p->likelihood));
    SF_TRY(sf_allocate(&c, 1, sizeof *c));
    c->prior = sf_prior_retain(prior);
    c->observation = sf_observation_retain(observation);
    c->likelihood = p->likelihood;
    c->strength = p->strength;
    c->tolerance = p->tolerance;
    c->iterations = p->iterations;
    SF_GO(create_tally(&c->tally));
    SF_GO(find_variances(c, p));
    return sf_prior_create(p->likelihood == SF_LIKELIHOOD_EXACT ? &exact_methods : &methods, c,
                           &observation->scene, posterior);
done:
    posterior_destroy(c);
    return status;
}

/* ---- what a posterior knows of itself -------------------------------------------------------- */

static sf_status find_conditioned(const sf_prior *posterior, const sf_conditioned **c)
{
    *c = sf_prior_self(posterior, &methods);
    if (*c == NULL) *c = sf_prior_self(posterior, &exact_methods);
    if (*c != NULL) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "a prior \"%s\" is no posterior of sf_posterior",
                   sf_prior_name(posterior));
}

void sf_conditioned_count(const sf_conditioned *c, double residual)
{
    sf_linear_systems *const s = &c->tally->systems;

    (void)pthread_mutex_lock(&c->tally->lock);
    s->solved++;
    s->unfinished += residual > c->tolerance;
    s->residual = fmax(s->residual, residual);
    (void)pthread_mutex_unlock(&c->tally->lock);
}

sf_status sf_posterior_systems(const sf_prior *posterior, sf_linear_systems *systems)
{
    const sf_conditioned *c;

    *systems = (sf_linear_systems){0};
    SF_TRY(find_conditioned(posterior, &c));
    (void)pthread_mutex_lock(&c->tally->lock);
    *systems = c->tally->systems;
    (void)pthread_mutex_unlock(&c->tally->lock);
    return SF_OK;
}

/* ---- preconditioning ------------------------------------------------------------------------- */

/* What every mode of x = x_0 + u n varies by given the data: u^2 + 1/(1/lambda + |H|^2 w), w the
 * mean of 1/sigma^2 over the observed pixels (and, for H adds cells up, over a pixel's cells),
 * |H|^2 w summed over the exposures. */
static sf_status mode_variances(void *user, const sf_grid *grid, double level, double *m)
{
    const sf_conditioned *c = user;
    const sf_observation *o = c->observation;
    for (size_t k = 0; k < sf_grid_half_size(grid); k++) {
        const double lambda = c->lambda != NULL ? c->lambda[k] : c->variance;
        double precision = 1.0 / lambda;

        for (size_t e = 0; e < o->exposures; e++) {
            const sf_observation *one = sf_observation_exposure(o, e);
            const double cells = (double)one->observed * pow((double)one->upsample, o->scene.axes);

            precision += sf_observation_information(one, k) * (double)sf_grid_size(&o->scene) /
                         cells / (o->noise * o->noise);
        }
        m[k] = level * level + 1.0 / precision;
    }
    return SF_OK;
}

sf_status sf_posterior_precondition(const sf_prior *posterior, sf_sample_options *options)
{
    const sf_conditioned *c;

    SF_TRY(find_conditioned(posterior, &c));
    options->precondition = mode_variances;
    options->user = (void *)c;
    return SF_OK;
}
