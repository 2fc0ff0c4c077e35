/* langevin.c - plug-and-play unadjusted Langevin sampling (Laumont et al. 2022,
 * arXiv:2103.04715): the prior's score at one small level with the data's gradient, preconditioned
 * in Fourier space. The moves are the diffusions' preconditioned corrector. */
#include "base/internal.h"
#include "diffusion/corrector.h"
#include "inverse/observation.h"

#include <gsl/gsl_math.h>
#include <math.h>

typedef struct walk {
    const sf_observation *o;
    const sf_prior *prior;
    const sf_pnp_langevin_options *options;
    size_t cells, half;
    double level;
    double *curve; /* M on the half spectrum */
} walk;

sf_pnp_langevin_options sf_pnp_langevin_options_default(void)
{
    return (sf_pnp_langevin_options){.iterations = 200, .level = 0.5, .step = 0.1};
}

static sf_status check(const walk *w)
{
    const sf_pnp_langevin_options *o = w->options;
    char scene[96], grid[96];

    if (!sf_grid_same_shape(sf_prior_grid(w->prior), &w->o->scene))
        return sf_fail(SF_ERR_SHAPE,
                       "the prior is made on %s but the scene is %s: make it on the grid that "
                       "sf_observation_scene gives",
                       sf_grid_text(sf_prior_grid(w->prior), grid, sizeof grid),
                       sf_grid_text(&w->o->scene, scene, sizeof scene));
    if (!(o->level > 0.0 && isfinite(o->level)))
        return sf_fail(SF_ERR_ARGUMENT, "Langevin: the prior's level is %g: give a positive number",
                       o->level);
    if (!(o->step > 0.0 && o->step < 1.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "Langevin: the step is %g of the preconditioner, where only numbers between "
                       "0 and 1 can be",
                       o->step);
    return SF_OK;
}

/* H^T W (y - H x)/noise^2 */
static sf_status pull_to_data(void *user, size_t batch, const double *x, double sigma, double *out)
{
    const sf_observation *o = user;
    const size_t cells = sf_grid_size(&o->scene);
    double *misfit = NULL;
    sf_status status;

    (void)sigma;
    SF_GO(sf_allocate(&misfit, o->values, sizeof *misfit));
    for (size_t b = 0; b < batch; b++) {
        SF_GO(sf_observation_blur(o, x + b * cells, misfit));
        for (size_t i = 0; i < o->values; i++)
            misfit[i] = o->weight[i] * (o->data[i] - misfit[i]) / gsl_pow_2(o->noise);
        SF_GO(sf_observation_blur_adjoint(o, misfit, out + b * cells));
    }
done:
    sf_free(misfit);
    return status;
}

/* M_k = 1/(|H_k|^2 w/noise^2 + 1/(lambda_k + level^2)), w the largest weight, so that no mode is
 * moved too far; lambda = 0 without spectrum. */
static sf_status find_curve(walk *w)
{
    const sf_observation *o = w->o;
    double heaviest = 0.0;

    SF_TRY(sf_allocate(&w->curve, w->half, sizeof *w->curve));
    if (w->options->spectrum != NULL)
        SF_TRY(sf_spectrum_eigenvalues(w->options->spectrum, &o->scene, w->curve));
    for (size_t i = 0; i < o->values; i++) heaviest = fmax(heaviest, o->weight[i]);
    for (size_t k = 0; k < w->half; k++) {
        const double h2 = sf_observation_power(o, k);
        w->curve[k] =
            1.0 / (h2 * heaviest / gsl_pow_2(o->noise) + 1.0 / (w->curve[k] + gsl_pow_2(w->level)));
    }
    return SF_OK;
}

static sf_status tell_curve(void *user, const sf_grid *grid, double level, double *m)
{
    const walk *w = user;

    (void)grid, (void)level;
    for (size_t k = 0; k < w->half; k++) m[k] = w->curve[k];
    return SF_OK;
}

static sf_status iterate(walk *w, sf_correction *correction, double *x, size_t *done)
{
    size_t evaluations = 0, accepted = 0;
    bool more = true;

    for (size_t k = 0; more && k < w->options->iterations; k++) {
        sf_monitor_event event = {.stage = "Langevin",
                                  .iteration = k + 1,
                                  .total = w->options->iterations,
                                  .residual = NAN,
                                  .image = x,
                                  .image_size = w->cells};
        SF_TRY(sf_correction_move(correction, w->level, k, x, &evaluations, &accepted));
        *done = k + 1;
        more = sf_monitor_call(&w->options->monitor, &event);
    }
    return SF_OK;
}

sf_status sf_pnp_langevin(sf_observation *observation, sf_prior *prior,
                          const sf_pnp_langevin_options *options, size_t batch, double *scenes,
                          size_t *iterations)
{
    const sf_pnp_langevin_options defaults = sf_pnp_langevin_options_default();
    const sf_guide guide = {.gradient = pull_to_data, .user = observation};
    sf_sample_options moves = sf_sample_options_default();
    sf_correction *correction = NULL;
    sf_prior *guided = NULL;
    size_t done = 0;
    sf_status status;
    walk w = {.o = observation,
              .prior = prior,
              .options = options != NULL ? options : &defaults,
              .cells = sf_grid_size(&observation->scene),
              .half = sf_grid_half_size(&observation->scene)};

    SF_TRY(check(&w));
    SF_TRY(sf_observation_need_white(observation));
    SF_TRY(sf_check_finite(scenes, batch * w.cells, "where the chains start"));
    w.level = w.options->level * observation->noise;
    moves.corrector = SF_CORRECTOR_PRECONDITIONED;
    moves.precondition = tell_curve;
    moves.user = &w;
    moves.step = w.options->step;
    moves.seed = w.options->seed;
    moves.stream = w.options->stream;
    moves.first = w.options->first;
    SF_GO(find_curve(&w));
    SF_GO(sf_prior_guided(prior, &guide, 1.0, &guided));
    SF_GO(sf_correction_create(guided, &moves, batch, &correction));
    SF_GO(iterate(&w, correction, scenes, &done));
    SF_GO(sf_check_finite(scenes, batch * w.cells, "Langevin samples"));
    if (iterations != NULL) *iterations = done;
done:
    sf_correction_release(&correction);
    sf_prior_release(&guided);
    sf_free(w.curve);
    return status;
}
