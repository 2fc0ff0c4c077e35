/* wiener.c - the linear solution: the posterior mean of a Gaussian field, or of the roughness
 * penalty |Laplacian|^2 with its strength found by the discrepancy principle.
 *
 * Wiener 1949; for masks and per-pixel variances the same normal equations, solved by conjugate
 * gradients; Morozov 1966 for the discrepancy principle. */
#include "inverse/discrepancy.h"
#include "inverse/normal.h"

#include "base/internal.h"

#include <math.h>
#include <string.h>

sf_wiener_options sf_wiener_options_default(void)
{
    const sf_wiener_options options = {
        .spectrum = NULL, .strength = 0.0, .tolerance = 1e-6, .iterations = 1000, .monitor = {0}};

    return options;
}

typedef struct wiener_state {
    const sf_observation *o;
    sf_normal *normal;
    sf_normal_goal goal;
    double *scene;
} wiener_state;

/* R_k = noise^2 / lambda_k; a mode without power is held at zero. */
static sf_status field_penalty(const wiener_state *s, const sf_spectrum *spectrum)
{
    const size_t half = sf_grid_half_size(&s->o->scene);
    const double variance = s->o->noise * s->o->noise;
    double *penalty = NULL;
    sf_status status;

    SF_GO(sf_allocate(&penalty, half, sizeof *penalty));
    SF_GO(sf_spectrum_eigenvalues(spectrum, &s->o->scene, penalty));
    for (size_t k = 0; k < half; k++)
        penalty[k] = penalty[k] > 0.0 ? variance / penalty[k] : INFINITY;
    sf_normal_set_penalty(s->normal, penalty);
done:
    sf_free(penalty);
    return status;
}

/* For sf_discrepancy: the solution at a strength, and its chi^2 per observed pixel. */
static sf_status try_strength(void *user, double strength, double *chi_squared)
{
    wiener_state *s = user;

    sf_normal_set_roughness(s->normal, strength, 2);
    SF_TRY(sf_normal_solve(s->normal, NULL, &s->goal, s->scene));
    if (sf_normal_stopped(s->normal)) {
        *chi_squared = 1.0; /* ends the search */
        return SF_OK;
    }
    return sf_chi_squared(s->o, s->scene, chi_squared);
}

static sf_status check(const sf_wiener_options *options)
{
    if (!(options->strength >= 0.0 && isfinite(options->strength)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "strength is %g: give a positive number, or 0 to have it found",
                       options->strength);
    if (!(options->tolerance > 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "tolerance is %g: give a positive number",
                       options->tolerance);
    return SF_OK;
}

sf_status sf_wiener(const sf_observation *observation, const sf_wiener_options *options,
                    double *scene, sf_solver_report *report)
{
    const sf_wiener_options defaults = sf_wiener_options_default();
    const double begin = sf_seconds();
    wiener_state s = {.o = observation, .scene = scene};
    sf_solver_report ignored;
    bool reached = false;
    sf_status status;

    if (report == NULL) report = &ignored;
    if (options == NULL) options = &defaults;
    memset(report, 0, sizeof *report);
    report->stop = SF_STOP_CONVERGED;
    report->primal_residual = report->dual_residual = report->noise_level = NAN;
    report->strength = options->spectrum != NULL ? 1.0 : options->strength;
    report->guarantee = "exact: a linear system, solved to its tolerance";
    SF_TRY(check(options));
    s.goal = (sf_normal_goal){.reduction = options->tolerance,
                              .iterations = options->iterations,
                              .monitor = options->monitor};
    SF_GO(sf_normal_create(observation, &s.normal));
    if (options->spectrum != NULL) {
        SF_GO(field_penalty(&s, options->spectrum));
        SF_GO(sf_normal_solve(s.normal, NULL, &s.goal, scene));
    } else if (options->strength > 0.0) {
        sf_normal_set_roughness(s.normal, options->strength, 2);
        SF_GO(sf_normal_solve(s.normal, NULL, &s.goal, scene));
    } else {
        SF_GO(sf_discrepancy(try_strength, &s, 1.0, &report->strength, &reached));
        report->stop = reached ? SF_STOP_DISCREPANCY : SF_STOP_ITERATIONS;
    }
    if (!sf_normal_reached(s.normal)) report->stop = SF_STOP_ITERATIONS;
    if (sf_normal_stopped(s.normal)) report->stop = SF_STOP_MONITOR;
    report->iterations = sf_normal_iterations(s.normal);
    report->transform_seconds = sf_normal_transform_seconds(s.normal);
    report->seconds = sf_seconds() - begin;
done:
    sf_normal_release(&s.normal);
    return status;
}
