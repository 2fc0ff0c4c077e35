/* ridge_map.c - the most probable scene given data and a convex ridge: the minimum of
 *     E(u) = |W^1/2 (y/noise - H u)|^2/2 + strength R(u),   u = x/noise,
 * by the accelerated descent of prior/ridge.h, whose metric
 *     M_k = max(W) |H_k|^2 (summed over exposures) + strength sum_i |w_i(k)|^2 max psi_i''
 * is above E'' at every mode. */
#include "inverse/discrepancy.h"

#include "base/internal.h"
#include "prior/ridge.h"

#include <math.h>
#include <string.h>

#define LEAST_METRIC 1e-9 /* of its largest value, for modes that neither data nor ridge see */

typedef struct map_state {
    const sf_observation *o;
    const sf_ridge_map_options *options;
    sf_ridge_plan *plan;
    sf_ridge_work *work;
    double *field, *metric, *scene;
    sf_complex *u, *mode;
    double transform_seconds;
    sf_solver_report *report;
} map_state;

sf_ridge_map_options sf_ridge_map_options_default(void)
{
    return (sf_ridge_map_options){
        .strength = 0.0, .iterations = 1000, .tolerance = 1e-3, .monitor = {0}};
}

/* gradient = H^T W H p */
static sf_status normal(map_state *s, const sf_complex *p, sf_complex *gradient)
{
    const sf_observation *o = s->o;
    const double begin = sf_seconds();

    if (o->diagonal) {
        for (size_t k = 0; k < s->plan->half; k++)
            gradient[k] = sf_observation_information(o, k) * p[k];
        return SF_OK;
    }
    SF_TRY(sf_observation_see(o, p, s->mode, s->field));
    SF_TRY(sf_observation_weigh(o, s->field, s->mode));
    SF_TRY(sf_observation_return(o, s->field, s->mode, gradient));
    s->transform_seconds += sf_seconds() - begin;
    return SF_OK;
}

/* The data's part but for a constant. */
static sf_status data(void *user, const sf_complex *p, double *value, sf_complex *gradient)
{
    map_state *s = user;
    const sf_grid *grid = &s->plan->grid;

    SF_TRY(normal(s, p, gradient));
    *value = 0.5 * sf_ridge_inner(grid, p, gradient, NULL) -
             sf_ridge_inner(grid, p, s->o->back, NULL) / s->o->noise;
    for (size_t k = 0; k < s->plan->half; k++) gradient[k] -= s->o->back[k] / s->o->noise;
    return SF_OK;
}

static void set_metric(map_state *s, double strength)
{
    const sf_observation *o = s->o;
    double heaviest = 0.0, whitest = 1.0, most = 0.0;

    for (size_t i = 0; i < o->values; i++) heaviest = fmax(heaviest, o->weight[i]);
    for (size_t k = 0; k < s->plan->half && o->inverse_power != NULL; k++)
        whitest = fmax(whitest, o->inverse_power[k]);
    for (size_t k = 0; k < s->plan->half; k++) {
        s->metric[k] =
            heaviest * whitest * sf_observation_power(o, k) + strength * s->plan->curvature[k];
        most = fmax(most, s->metric[k]);
    }
    for (size_t k = 0; k < s->plan->half; k++)
        s->metric[k] = fmax(s->metric[k], LEAST_METRIC * most);
}

static sf_status try_strength(void *user, double strength, double *chi_squared)
{
    map_state *s = user;
    const sf_ridge_map_options *options = s->options;
    sf_ridge_problem problem = {.work = s->work,
                                .plan = s->plan,
                                .strength = strength,
                                .metric = s->metric,
                                .data = data,
                                .user = s,
                                .tolerance = options->tolerance,
                                .iterations = options->iterations,
                                .monitor = options->monitor,
                                .stage = "map"};
    sf_ridge_outcome outcome;

    set_metric(s, strength);
    SF_TRY(sf_ridge_minimise(&problem, s->u, &outcome));
    s->report->iterations += outcome.iterations;
    s->report->strength = strength;
    s->report->dual_residual = outcome.residual;
    s->report->stop = outcome.converged ? SF_STOP_CONVERGED
                      : outcome.stopped ? SF_STOP_MONITOR
                                        : SF_STOP_ITERATIONS;
    memcpy(s->mode, s->u, s->plan->half * sizeof *s->mode);
    SF_TRY(sf_fft_inverse(s->plan->fft, s->mode, s->scene));
    for (size_t i = 0; i < s->plan->cells; i++) s->scene[i] *= s->o->noise;
    *chi_squared = 1.0; /* ends a search */
    return outcome.stopped ? SF_OK : sf_chi_squared(s->o, s->scene, chi_squared);
}

static sf_status solve(map_state *s)
{
    double strength = s->options->strength, chi_squared;
    bool reached = false;

    if (strength > 0.0) return try_strength(s, strength, &chi_squared);
    SF_TRY(sf_discrepancy(try_strength, s, 1.0, &strength, &reached));
    if (s->report->stop == SF_STOP_CONVERGED && reached) s->report->stop = SF_STOP_DISCREPANCY;
    return SF_OK;
}

static sf_status check(const sf_observation *o, const sf_ridge_map_options *options)
{
    if (sf_observation_varies(o))
        return sf_fail(SF_ERR_UNSUPPORTED, "the metric of this descent needs one PSF for all of an "
                                           "exposure: solve a frame with a PSF that varies in "
                                           "tiles, or by plug and play");
    if (!(options->strength >= 0.0 && isfinite(options->strength)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "strength is %g: give a positive number, or 0 to have it found",
                       options->strength);
    if (options->iterations == 0) return sf_fail(SF_ERR_ARGUMENT, "0 iterations: give at least 1");
    if (!(options->tolerance >= 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "tolerance is %g, where only 0 and more can be",
                       options->tolerance);
    return SF_OK;
}

static sf_status allocate(map_state *s, const sf_ridge *ridge)
{
    SF_TRY(sf_ridge_plan_create(ridge, &s->o->scene, &s->plan));
    SF_TRY(sf_ridge_work_create(s->plan, &s->work));
    SF_TRY(sf_allocate(&s->field, s->o->values, sizeof *s->field));
    SF_TRY(sf_allocate(&s->metric, s->plan->half, sizeof *s->metric));
    SF_TRY(sf_allocate(&s->u, s->plan->half, sizeof *s->u));
    return sf_allocate(&s->mode, s->plan->half, sizeof *s->mode);
}

sf_status sf_ridge_map(const sf_observation *observation, const sf_ridge *ridge,
                       const sf_ridge_map_options *options, double *scene, sf_solver_report *report)
{
    const sf_ridge_map_options defaults = sf_ridge_map_options_default();
    const double begin = sf_seconds();
    sf_solver_report ignored;
    map_state s = {.o = observation,
                   .options = options != NULL ? options : &defaults,
                   .scene = scene,
                   .report = report != NULL ? report : &ignored};
    sf_status status;

    memset(s.report, 0, sizeof *s.report);
    SF_TRY(check(observation, s.options));
    SF_GO(allocate(&s, ridge));
    SF_GO(solve(&s));
    s.report->primal_residual = s.report->noise_level = NAN;
    s.report->noise_excess = 1.0;
    s.report->guarantee = "converges to the minimum of a convex energy, which falls with every "
                          "step (Nesterov 1983, with restarts)";
    s.report->transform_seconds = s.transform_seconds;
    s.report->seconds = sf_seconds() - begin;
    s.report->prior_seconds = s.report->seconds - s.transform_seconds;
done:
    sf_ridge_plan_release(&s.plan);
    sf_ridge_work_release(&s.work);
    sf_free(s.field);
    sf_free(s.metric);
    sf_free(s.u);
    sf_free(s.mode);
    return status;
}
