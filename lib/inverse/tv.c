/* tv.c - total variation by ADMM, with the strength found by the discrepancy principle.
 *
 * Rudin, Osher & Fatemi 1992 (doi:10.1016/0167-2789(92)90242-F). */
#include "inverse/discrepancy.h"

#include "base/internal.h"

#include <math.h>
#include <string.h>

#define PROX_TOLERANCE 0.01 /* of the noise */

sf_tv_options sf_tv_options_default(void)
{
    const sf_tv_options options = {
        .strength = 0.0,
        .penalty = 1.0,
        .iterations = 200,
        .tolerance = 1e-3,
        .positive = false,
        .monitor = {0},
    };
    return options;
}

typedef struct tv_state {
    const sf_observation *o;
    sf_prior *prior;
    sf_pnp_options options;
    double *scene;
    sf_solver_report *report; /* times and iterations are sums over all strengths tried */
} tv_state;

static void add_report(sf_solver_report *sum, const sf_solver_report *part)
{
    const double prior = sum->prior_seconds, transform = sum->transform_seconds;
    const size_t iterations = sum->iterations;

    *sum = *part;
    sum->prior_seconds += prior;
    sum->transform_seconds += transform;
    sum->iterations += iterations;
}

/* For sf_discrepancy; from the previous strength's solution. */
static sf_status try_strength(void *user, double strength, double *chi_squared)
{
    tv_state *s = user;
    sf_solver_report part;

    s->options.strength = strength;
    SF_TRY(sf_pnp(s->o, s->prior, &s->options, s->scene, &part));
    s->options.start = s->scene;
    add_report(s->report, &part);
    if (part.stop == SF_STOP_MONITOR) {
        *chi_squared = 1.0; /* ends the search */
        return SF_OK;
    }
    return sf_chi_squared(s->o, s->scene, chi_squared);
}

static sf_status solve(tv_state *s, double strength)
{
    double chi_squared = 0.0;
    bool reached = false;

    if (strength > 0.0) return try_strength(s, strength, &chi_squared);
    SF_TRY(sf_discrepancy(try_strength, s, 1.0, &strength, &reached));
    if (s->report->stop != SF_STOP_MONITOR)
        s->report->stop = reached ? SF_STOP_DISCREPANCY : SF_STOP_ITERATIONS;
    return SF_OK;
}

sf_status sf_tv(const sf_observation *observation, const sf_tv_options *options, double *scene,
                sf_solver_report *report)
{
    const sf_tv_options defaults = sf_tv_options_default();
    const double begin = sf_seconds();
    tv_state s = {.o = observation, .scene = scene, .options = sf_pnp_options_default()};
    sf_solver_report ignored;
    sf_status status;

    if (options == NULL) options = &defaults;
    s.report = report != NULL ? report : &ignored;
    memset(s.report, 0, sizeof *s.report);
    if (!(options->strength >= 0.0 && isfinite(options->strength)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "strength is %g: give a positive number, or 0 to have it found",
                       options->strength);
    if (!(options->penalty > 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "penalty is %g: give a positive number", options->penalty);
    s.options.penalty = options->penalty;
    s.options.iterations = options->iterations;
    s.options.tolerance = options->tolerance;
    s.options.positive = options->positive;
    s.options.multiplier = true;
    s.options.monitor = options->monitor;
    SF_TRY(sf_prior_total_variation(&observation->scene, 1.0 / observation->noise, PROX_TOLERANCE,
                                    &s.prior));
    status = solve(&s, options->strength);
    s.report->seconds = sf_seconds() - begin;
    sf_prior_release(&s.prior);
    return status;
}
