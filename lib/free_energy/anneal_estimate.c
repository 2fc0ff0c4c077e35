/* anneal_estimate.c - log Z_1/Z_0 of a run there, a run back, or both: the best estimate, the
 * bounds on either side, thermodynamic integration along the same path, and all that speaks against
 * them. */
#include "free_energy/anneal.h"

#include <gsl/gsl_cdf.h>

#include <stdio.h>
#include <string.h>

#define LEAST_PROBABILITY 0.001
#define TWO_PEAKS         4.0

enum { MOST_GROUPS = 16, LEAST_IN_GROUP = 64 };

/* ---- groups against each other -------------------------------------------------------------- */

typedef struct side {
    const double *w;
    size_t count;
} side;

static side side_of(const sf_anneal_run *run)
{
    return run != NULL ? (side){run->log_weight, run->chains} : (side){NULL, 0};
}

static side group_of(side all, size_t group, size_t groups)
{
    const size_t first = all.count * group / groups, end = all.count * (group + 1) / groups;

    return (side){all.w + first, end - first};
}

/* chi^2 of the estimates of consecutive groups of chains about their weighted mean. A group without
 * an estimate disagrees with any other. */
static double compare_groups(side forward, side reverse)
{
    const size_t least = forward.count < reverse.count ? forward.count : reverse.count;
    const size_t fit = least / LEAST_IN_GROUP, groups = fit < MOST_GROUPS ? fit : MOST_GROUPS;
    double weights = 0.0, mean = 0.0, squares = 0.0;

    for (size_t g = 0; g < groups; g++) {
        const side f = group_of(forward, g, groups), r = group_of(reverse, g, groups);
        double precision, difference;
        sf_bar_report bar;

        if (sf_bar(f.w, f.count, r.w, r.count, &bar) != SF_OK) return 0.0;
        precision = 1.0 / fmax(bar.estimate.error * bar.estimate.error, 1e-24);
        difference = bar.estimate.value - mean;
        weights += precision;
        mean += difference * precision / weights;
        squares += precision * difference * (bar.estimate.value - mean);
    }
    return groups > 1 ? gsl_cdf_chisq_Q(squares, (double)(groups - 1)) : NAN;
}

/* ---- one run, or two ------------------------------------------------------------------------ */

static double mean_error(const sf_weights *w)
{
    return w->zeros > 0 ? INFINITY : sqrt(w->variance / (double)w->count);
}

static void bound_below(const sf_weights *w, sf_anneal_report *r)
{
    r->forward = *w;
    r->lower_bound = w->bound;
    r->lower_error = mean_error(w);
}

static void bound_above(const sf_weights *w, sf_anneal_report *r)
{
    r->reverse = *w;
    r->upper_bound = -w->bound;
    r->upper_error = mean_error(w);
}

static sf_status estimate_one(const sf_anneal_run *run, sf_anneal_report *r)
{
    const size_t fit = run->chains / LEAST_IN_GROUP;
    sf_jarzynski_options options = sf_jarzynski_options_default();
    sf_jarzynski_report one;

    options.islands = fit < 2 ? 1 : fit < MOST_GROUPS ? fit : MOST_GROUPS;
    SF_TRY(sf_jarzynski(run->log_weight, run->chains, &options, &one));
    r->estimate = one.estimate;
    r->islands_probability = one.islands_probability;
    if (!run->options.reverse) {
        bound_below(&one.weights, r);
        return SF_OK;
    }
    r->estimate.value = -r->estimate.value;
    bound_above(&one.weights, r);
    return SF_OK;
}

/* Where the lower bound is above the upper one, either run did not begin in equilibrium. */
static void judge_bounds(sf_anneal_report *r)
{
    const double excess = r->lower_bound - r->upper_bound;
    const double error = hypot(r->lower_error, r->upper_error);

    if (excess > 5.0 * error)
        sf_log_z_doubt(&r->estimate,
                       "the lower bound is %.3g above the upper one, %.1f of its errors: a run did "
                       "not begin in equilibrium",
                       excess, excess / error);
    if (r->islands_probability < LEAST_PROBABILITY)
        sf_log_z_doubt(&r->estimate,
                       "groups of chains disagree: by chance with a probability of %.1g",
                       r->islands_probability);
}

static sf_status estimate_both(const sf_anneal_run *forward, const sf_anneal_run *reverse,
                               sf_anneal_report *r)
{
    SF_TRY(sf_bar(forward->log_weight, forward->chains, reverse->log_weight, reverse->chains,
                  &r->bar));
    r->estimate = r->bar.estimate;
    bound_below(&r->bar.forward, r);
    bound_above(&r->bar.reverse, r);
    r->islands_probability = compare_groups(side_of(forward), side_of(reverse));
    judge_bounds(r);
    return SF_OK;
}

/* ---- along the path ------------------------------------------------------------------------- */

static sf_status integrate(const sf_anneal_run *run, const double *mean, sf_thermodynamic_report *t)
{
    return sf_thermodynamic_integration(run->schedule.count > 2 ? SF_QUADRATURE_CUBIC
                                                                : SF_QUADRATURE_TRAPEZOID,
                                        run->schedule.count, run->schedule.b, mean, NULL, t);
}

/* Means at neighbouring temperatures are of the same chains, so their errors are not independent:
 * the integral's is that of the islands' integrals. */
static sf_status integrate_islands(const sf_anneal_run *run, double *mean, double *error)
{
    double sum = 0.0, squares = 0.0;

    for (size_t i = 0; i < run->islands; i++) {
        sf_thermodynamic_report t;
        double difference;

        for (size_t j = 0; j < run->schedule.count; j++) {
            const sf_stage_sums *s = run->sums + j * run->islands + i;

            mean[j] = run->reference[j] + sf_stage_sums_slope(s);
            if (!isfinite(mean[j])) return SF_OK; /* an island without weight: no error */
        }
        SF_TRY(integrate(run, mean, &t));
        difference = t.estimate.value - sum;
        sum += difference / (double)(i + 1);
        squares += difference * (t.estimate.value - sum);
    }
    if (run->islands > 1)
        *error = sqrt(squares / (double)(run->islands - 1) / (double)run->islands);
    return SF_OK;
}

static sf_status integrate_slopes(const sf_anneal_run *run, sf_thermodynamic_report *t)
{
    const size_t count = run->schedule.count;
    double error = INFINITY, *mean;
    sf_status status = SF_OK;

    *t = (sf_thermodynamic_report){.discretisation = NAN};
    sf_log_z_set(&t->estimate, NAN, NAN);
    if (!sf_path_has_slope(run->path)) {
        sf_log_z_doubt(&t->estimate, "path %s does not know its d log f/db",
                       sf_path_name(run->path));
        return SF_OK;
    }
    SF_TRY(sf_allocate(&mean, count, sizeof *mean));
    for (size_t j = 0; j < count; j++) {
        const sf_stage_sums s = sf_anneal_stage(run, j);

        mean[j] = run->reference[j] + sf_stage_sums_slope(&s);
        if (isfinite(mean[j])) continue;
        sf_log_z_doubt(&t->estimate, "the mean of d log f/db at b = %g is not finite",
                       run->schedule.b[j]);
        goto done;
    }
    SF_GO(integrate(run, mean, t));
    SF_GO(integrate_islands(run, mean, &error));
    sf_log_z_set(&t->estimate, t->estimate.value, error);
    if (t->discretisation > 2.0 * error)
        sf_log_z_doubt(&t->estimate, "trapezoid and cubic differ by %.2g, more than two errors",
                       t->discretisation);
done:
    sf_free(mean);
    return status;
}

/* ---- a transition --------------------------------------------------------------------------- */

static sf_status look_for_peaks(const sf_anneal_run *run, sf_anneal_report *r)
{
    for (size_t j = 0; run != NULL && j < run->schedule.count; j++) {
        sf_anneal_state state;

        SF_TRY(sf_anneal_run_state(run, j, &state));
        if (!(state.separation > r->separation) && !isnan(r->separation)) continue;
        r->separation = state.separation;
        if (state.separation > TWO_PEAKS) r->transition = state.b;
    }
    return SF_OK;
}

static void warn(sf_anneal_report *r)
{
    if (isnan(r->transition)) return;
    (void)snprintf(r->warning, sizeof r->warning,
                   "the energy at b = %.4g has two peaks (separation %.1f): a transition of first "
                   "order, or modes that chains do not cross",
                   r->transition, r->separation);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static sf_status check(const sf_anneal_run *forward, const sf_anneal_run *reverse)
{
    if (forward == NULL && reverse == NULL)
        return sf_fail(SF_ERR_ARGUMENT, "no run to make an estimate of");
    if (forward != NULL && forward->options.reverse)
        return sf_fail(SF_ERR_ARGUMENT, "the run that is given as forward went back");
    if (reverse != NULL && !reverse->options.reverse)
        return sf_fail(SF_ERR_ARGUMENT, "the run that is given as reverse went forward");
    if (forward == NULL || reverse == NULL) return SF_OK;
    if (forward->dimension != reverse->dimension)
        return sf_fail(SF_ERR_SHAPE, "runs in %zu and in %zu dimensions", forward->dimension,
                       reverse->dimension);
    return SF_OK;
}

static void count_cost(const sf_anneal_run *run, sf_anneal_report *r)
{
    if (run == NULL) return;
    r->evaluations += run->evaluations;
    r->seconds += run->seconds;
}

sf_status sf_anneal_estimate(const sf_anneal_run *forward, const sf_anneal_run *reverse,
                             sf_anneal_report *report)
{
    const sf_anneal_run *const one = forward != NULL ? forward : reverse;

    *report = (sf_anneal_report){.lower_bound = -INFINITY,
                                 .upper_bound = INFINITY,
                                 .islands_probability = NAN,
                                 .transition = NAN,
                                 .separation = NAN};
    SF_TRY(check(forward, reverse));
    if ((forward != NULL && sf_anneal_run_resamples(forward)) ||
        (reverse != NULL && sf_anneal_run_resamples(reverse)))
        SF_TRY(sf_anneal_estimate_islands(forward, reverse, report));
    else
        SF_TRY(forward != NULL && reverse != NULL ? estimate_both(forward, reverse, report)
                                                  : estimate_one(one, report));
    SF_TRY(integrate_slopes(one, &report->thermodynamic));
    SF_TRY(look_for_peaks(forward, report));
    SF_TRY(look_for_peaks(reverse, report));
    warn(report);
    count_cost(forward, report);
    count_cost(reverse, report);
    return SF_OK;
}
