/* pnp.c - plug and play: ADMM and half-quadratic splitting with a denoiser as the prior's step.
 *
 * Venkatakrishnan, Bouman & Wohlberg 2013 (doi:10.1109/GlobalSIP.2013.6737048) for ADMM with a
 * denoiser; Zhang et al. 2017 (doi:10.1109/CVPR.2017.300) and 2022
 * (doi:10.1109/TPAMI.2021.3088914) for half-quadratic splitting with falling noise levels. */
#include "inverse/large_scales.h"
#include "inverse/poisson_step.h"

#include "base/internal.h"

#include <math.h>
#include <string.h>

/* The x-step is solved to this part of what the noise contributes, or of what is left to do. The
 * measure of conjugate gradients sees little of an error where little is observed, and the steps'
 * errors add up: at 0.02 they were several deviations of the noise at borders and cost up to 1.6
 * dB; from 0.002 on nothing is lost. */
#define DATA_STEP_ACCURACY  0.002
#define DATA_STEP_REDUCTION 0.01
#define DATA_STEP_LIMIT     200

#define SCHEDULE_STRENGTH   0.23
#define SCHEDULE_STEPS      12
#define SCHEDULE_FOURIER    40 /* where frequencies are missing: 0.6 and 1.3 dB more than with 12 */
#define MOST_ITERATIONS     300 /* at a fixed penalty, unless the caller says so */

/* The level, in units of the noise, at which a schedule looks whether neighbours share their noise:
 * above, structure is not yet resolved (a white frame of S/N 300 shows an excess of 1.2 at level
 * 5), below, the denoiser has begun to take the noise for structure. Frames of white noise show
 * 0.97 to 1.05 here, HST's drizzled ones 1.6. And what is neglected, and believed at most. */
#define EXCESS_LEVEL 3.0
#define LEAST_EXCESS 1.1
#define MOST_EXCESS  3.0
#define MOST_LOOKS   2

typedef struct pnp_state {
    const sf_observation *o;
    const sf_prior *prior;
    const sf_pnp_options *options;
    sf_normal *normal;
    sf_poisson_step *counts; /* NULL where the noise is Gaussian */
    size_t cells;
    double *x, *z, *u, *work; /* u stays zero without multiplier */
    size_t iterations;
    double strength;
    double noise; /* that the levels are in units of */
    double first; /* level of a schedule's first step */
    size_t looks; /* how often a schedule may still look for an excess of noise */
    double ridge; /* rho of the last data step, 0 before the first */
    double prior_seconds, other_seconds, primal, dual,
        level; /* other: transforms beside the steps' */
} pnp_state;

sf_pnp_options sf_pnp_options_default(void)
{
    const sf_pnp_options options = {
        .iterations = 0,
        .tolerance = 1e-4,
        .penalty = 0.0,
        .schedule_from = 0.0,
        .schedule_to = 1.0,
        .strength = 0.0,
        .multiplier = false,
        .positive = false,
        .conserve_flux = true,
        .find_excess = true,
        .noise_excess = 1.0,
        .start = NULL,
        .monitor = {0},
    };
    return options;
}

static sf_status check(const sf_observation *o, const sf_prior *prior,
                       const sf_pnp_options *options)
{
    char scene[96], grid[96];

    if (!sf_grid_same_shape(sf_prior_grid(prior), &o->scene))
        return sf_fail(SF_ERR_SHAPE,
                       "the prior is made on %s but the scene is %s: make it on the grid that "
                       "sf_observation_scene gives",
                       sf_grid_text(sf_prior_grid(prior), grid, sizeof grid),
                       sf_grid_text(&o->scene, scene, sizeof scene));
    if (!(options->penalty >= 0.0 && isfinite(options->penalty)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "penalty is %g: give a positive number, or 0 for a schedule",
                       options->penalty);
    if (!(options->strength >= 0.0 && isfinite(options->strength)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "strength is %g: give a positive number, or 0 to have it chosen",
                       options->strength);
    if (!(options->noise_excess > 0.0 && isfinite(options->noise_excess)))
        return sf_fail(SF_ERR_ARGUMENT, "a noise excess of %g: give a positive number, 1 for none",
                       options->noise_excess);
    if (options->penalty > 0.0 && !(options->tolerance >= 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "tolerance is %g, where only 0 and more can be",
                       options->tolerance);
    if (options->penalty == 0.0 &&
        !(options->schedule_to > 0.0 && isfinite(options->schedule_to) &&
          (options->schedule_from == 0.0 || options->schedule_from >= options->schedule_to) &&
          isfinite(options->schedule_from)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a noise schedule from %g to %g times the noise: it must fall, to a level "
                       "above 0",
                       options->schedule_from, options->schedule_to);
    return SF_OK;
}

/* The first z: the data's own solution with a membrane's smoothness, which continues it into
 * the unobserved cells. */
static sf_status start(pnp_state *s)
{
    const sf_normal_goal goal = {.noise_fraction = DATA_STEP_ACCURACY,
                                 .iterations = DATA_STEP_LIMIT};

    if (s->options->start != NULL) {
        memcpy(s->z, s->options->start, s->cells * sizeof *s->z);
        return sf_check_finite(s->z, s->cells, "start of the iteration");
    }
    sf_normal_set_roughness(s->normal, 1.0, 1);
    return sf_normal_solve(s->normal, NULL, &goal, s->z);
}

/* Where a schedule starts: a fifth of the frame's range (as in Zhang et al. 2022), as far as that
 * is between 10 and 50 times the noise. */
static void choose_first_level(pnp_state *s)
{
    s->first = s->options->schedule_from;
    if (s->first > 0.0) return;
    s->first = fmin(fmax(0.2 * s->o->summary.range / s->noise, 10.0), 50.0);
    s->first = fmax(s->first, s->options->schedule_to);
}

/* Denoiser level of step k = 0, 1, ... in units of the noise. */
static double level(const pnp_state *s, size_t k)
{
    const sf_pnp_options *options = s->options;
    double t;

    if (options->penalty > 0.0) return 1.0 / sqrt(options->penalty);
    if (s->iterations == 1) return options->schedule_to;
    t = (double)k / (double)(s->iterations - 1);
    return s->first * pow(options->schedule_to / s->first, t);
}

static sf_status data_step(pnp_state *s)
{
    const double ridge = s->strength / (s->level * s->level);
    const sf_normal_goal goal = {
        .noise_fraction = s->options->penalty > 0.0 ? 0.0 : DATA_STEP_ACCURACY,
        .reduction = s->options->penalty > 0.0 ? DATA_STEP_REDUCTION : 0.0,
        .iterations = DATA_STEP_LIMIT,
    };

    if (ridge != s->ridge) {
        if (s->counts == NULL) sf_normal_set_ridge(s->normal, ridge);
        /* the multiplier itself is rho u, which a change of rho must not change */
        for (size_t i = 0; i < s->cells && s->ridge > 0.0; i++) s->u[i] *= s->ridge / ridge;
        s->ridge = ridge;
    }
    for (size_t i = 0; i < s->cells; i++) s->work[i] = s->z[i] - s->u[i];
    if (s->counts != NULL) return sf_poisson_step_solve(s->counts, ridge, s->work, &goal, s->x);
    return sf_normal_solve(s->normal, s->work, &goal, s->x);
}

/* work = x + u denoised; then the multiplier, the residuals, and z = work. */
static sf_status prior_step(pnp_state *s)
{
    const double sigma = s->level * s->noise, begin = sf_seconds();
    double norm, *z = s->z;
    sf_status status;

    for (size_t i = 0; i < s->cells; i++) s->u[i] += s->x[i];
    status = sf_prior_prox(s->prior, 1, s->u, sigma * sigma, s->work);
    s->prior_seconds += sf_seconds() - begin;
    SF_TRY(status);
    SF_TRY(sf_check_finite(s->work, s->cells, "result of the prior"));
    for (size_t i = 0; i < s->cells && s->options->positive; i++)
        s->work[i] = fmax(s->work[i], 0.0);
    for (size_t i = 0; i < s->cells; i++)
        s->u[i] = s->options->multiplier ? s->u[i] - s->work[i] : 0.0;
    norm = sqrt(sf_sum_squares(s->work, s->cells));
    if (!(norm > 0.0)) norm = 1.0; /* an empty scene: absolute residuals */
    s->primal = sf_distance(s->x, s->work, s->cells) / norm;
    s->dual = sf_distance(s->work, z, s->cells) / norm;
    s->z = s->work;
    s->work = z;
    return SF_OK;
}

static bool goes_on(const pnp_state *s, size_t iteration)
{
    const sf_monitor_event event = {
        .stage = "pnp",
        .iteration = iteration,
        .total = s->iterations,
        .residual = fmax(s->primal, s->dual),
        .image = s->z,
        .image_size = s->cells,
    };
    return sf_monitor_call(&s->options->monitor, &event);
}

static const char *guarantee(const sf_pnp_options *options)
{
    if (options->penalty == 0.0)
        return "none: the schedule ends the iteration, which is an approximation by design";
    if (options->positive) return "none: a projection follows the prior's step";
    if (options->multiplier)
        return "converges to the posterior mode if the prior's step is the proximal operator of a "
               "convex function (Eckstein & Bertsekas 1992); nothing is proven for other denoisers";
    return "converges if the prior's step is the proximal operator of a convex function, to the "
           "mode for its Moreau envelope; nothing is proven for other denoisers";
}

/* work = z with the data's own large scales. */
static sf_status restore_large_scales(pnp_state *s)
{
    SF_TRY(sf_restore_large_scales(s->o, s->z, s->work, &s->other_seconds));
    for (size_t i = 0; i < s->cells && s->options->positive; i++)
        s->work[i] = fmax(s->work[i], 0.0);
    return SF_OK;
}

/* Whether the residual shows more noise where the PSF looks than was believed; then the schedule
 * starts again, with its levels in units of that noise, for what has been taken for structure
 * stays. */
static sf_status look_for_excess(pnp_state *s, bool *again)
{
    double excess, error;

    s->looks--;
    SF_TRY(restore_large_scales(s)); /* a wrong sky would look like noise */
    SF_TRY(sf_noise_excess(s->o, s->work, &excess, &error));
    excess = fmin(excess, MOST_EXCESS) * s->o->noise / s->noise;
    *again = excess > LEAST_EXCESS + 2.0 * error;
    if (!*again) {
        s->looks = 0;
        return SF_OK;
    }
    s->noise *= excess;
    memset(s->u, 0, s->cells * sizeof *s->u);
    choose_first_level(s);
    return start(s);
}

static sf_status iterate(pnp_state *s, size_t *iterations, sf_stop *stop)
{
    const sf_pnp_options *options = s->options;
    const bool fixed = options->penalty > 0.0;

    *stop = fixed ? SF_STOP_ITERATIONS : SF_STOP_SCHEDULE;
    *iterations = 0;
    for (size_t k = 0; k < s->iterations;) {
        bool again = false;

        s->level = level(s, k++);
        SF_TRY(data_step(s));
        SF_TRY(prior_step(s));
        ++*iterations;
        if (!goes_on(s, k)) {
            *stop = SF_STOP_MONITOR;
            break;
        }
        if (s->looks > 0 && s->level * s->noise <= EXCESS_LEVEL * s->o->noise)
            SF_TRY(look_for_excess(s, &again));
        if (again) k = 0;
        /* without a multiplier x and z stay apart */
        if (fixed && s->dual <= options->tolerance &&
            (!options->multiplier || s->primal <= options->tolerance)) {
            *stop = SF_STOP_CONVERGED;
            break;
        }
    }
    return SF_OK;
}

static sf_status allocate(pnp_state *s)
{
    SF_TRY(sf_normal_create(s->o, &s->normal));
    if (s->o->gain > 0.0) SF_TRY(sf_poisson_step_create(s->o, s->normal, &s->counts));
    SF_TRY(sf_allocate(&s->x, s->cells, sizeof *s->x));
    SF_TRY(sf_allocate(&s->z, s->cells, sizeof *s->z));
    SF_TRY(sf_allocate(&s->u, s->cells, sizeof *s->u));
    return sf_allocate(&s->work, s->cells, sizeof *s->work);
}

static void fill_report(const pnp_state *s, double begin, sf_solver_report *report)
{
    report->primal_residual = s->primal;
    report->dual_residual = s->dual;
    report->strength = s->strength;
    report->noise_level = s->level * s->noise;
    report->noise_excess = s->noise / s->o->noise;
    report->prior_seconds = s->prior_seconds;
    report->transform_seconds = sf_normal_transform_seconds(s->normal) + s->other_seconds;
    if (s->counts != NULL)
        report->transform_seconds += sf_poisson_step_transform_seconds(s->counts);
    report->seconds = sf_seconds() - begin;
    report->guarantee = guarantee(s->options);
}

sf_status sf_pnp(const sf_observation *observation, const sf_prior *prior,
                 const sf_pnp_options *options, double *scene, sf_solver_report *report)
{
    const sf_pnp_options defaults = sf_pnp_options_default();
    const double begin = sf_seconds();
    sf_solver_report ignored;
    pnp_state s = {.o = observation, .prior = prior};
    sf_status status;

    if (report == NULL) report = &ignored;
    memset(report, 0, sizeof *report);
    s.options = options != NULL ? options : &defaults;
    SF_TRY(check(observation, prior, s.options));
    s.noise = observation->noise * s.options->noise_excess;
    s.cells = sf_grid_size(&observation->scene);
    s.iterations = s.options->iterations;
    if (s.iterations == 0)
        s.iterations = s.options->penalty > 0.0 ? MOST_ITERATIONS
                       : observation->fourier   ? SCHEDULE_FOURIER
                                                : SCHEDULE_STEPS;
    s.strength = s.options->strength;
    if (s.strength == 0.0) s.strength = s.options->penalty > 0.0 ? 1.0 : SCHEDULE_STRENGTH;
    SF_GO(allocate(&s));
    if (s.options->penalty == 0.0 && s.options->find_excess) s.looks = MOST_LOOKS;
    SF_GO(start(&s));
    choose_first_level(&s);
    SF_GO(iterate(&s, &report->iterations, &report->stop));
    if (s.options->penalty == 0.0 && s.options->conserve_flux) {
        SF_GO(restore_large_scales(&s));
        memcpy(s.z, s.work, s.cells * sizeof *s.z);
    }
    memcpy(scene, s.z, s.cells * sizeof *scene);
    fill_report(&s, begin, report);
done:
    sf_poisson_step_release(&s.counts);
    sf_normal_release(&s.normal);
    sf_free(s.x);
    sf_free(s.z);
    sf_free(s.u);
    sf_free(s.work);
    return status;
}
