/* bar.c - the Bennett acceptance ratio (Bennett 1976, doi:10.1016/0021-9991(76)90078-4): the
 * estimate of least variance from work in both directions, and what the two say of each other. */
#include "free_energy/estimate.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_roots.h>

#define ITERATIONS 200
#define PRECISION  1e-12

typedef struct pair {
    const double *forward, *reverse;
    size_t forward_count, reverse_count;
    double forward_largest, reverse_largest;
    double log_ratio; /* M = ln(n_F/n_R) */
} pair;

/* log of 1/(1 + e^-t) */
static double log_logistic(double t) { return t < 0.0 ? t - log1p(exp(t)) : -log1p(exp(-t)); }

/* log sum of 1/(1 + e^(shift - w)): far from the root the terms underflow, their logarithms do
 * not. */
static double log_acceptance(const double *w, size_t count, double largest, double shift)
{
    const double top = log_logistic(largest - shift);
    sf_sum sum = {0.0, 0.0};

    for (size_t i = 0; i < count; i++)
        if (w[i] > -INFINITY) sf_sum_add(&sum, exp(log_logistic(w[i] - shift) - top));
    return top + log(sf_sum_value(&sum));
}

/* Falls with log_z, and is zero at Bennett's. */
static double imbalance(double log_z, void *user)
{
    const pair *p = user;
    const double shift = log_z + p->log_ratio;

    return log_acceptance(p->forward, p->forward_count, p->forward_largest, shift) -
           log_acceptance(p->reverse, p->reverse_count, p->reverse_largest, -shift);
}

/* An interval that holds the root: from `start`, ever wider. */
static void bracket(pair *p, double start, double *low, double *high)
{
    double width = 1.0;

    *low = *high = start;
    while (imbalance(*low, p) < 0.0) *low -= width, width *= 2.0;
    width = 1.0;
    while (imbalance(*high, p) > 0.0) *high += width, width *= 2.0;
}

static sf_status find_root(pair *p, double start, double *log_z)
{
    gsl_function function = {imbalance, p};
    gsl_root_fsolver *solver;
    double low, high;

    bracket(p, start, &low, &high);
    *log_z = low;
    if (!(low < high)) return SF_OK;
    solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    if (solver == NULL) return sf_fail(SF_ERR_MEMORY, "out of memory for a root");
    (void)gsl_root_fsolver_set(solver, &function, low, high);
    for (int i = 0; i < ITERATIONS; i++) {
        (void)gsl_root_fsolver_iterate(solver);
        *log_z = gsl_root_fsolver_root(solver);
        low = gsl_root_fsolver_x_lower(solver);
        high = gsl_root_fsolver_x_upper(solver);
        if (high - low <= PRECISION * (1.0 + fabs(*log_z))) break;
    }
    gsl_root_fsolver_free(solver);
    return SF_OK;
}

/* sum of s (1 - s), s = 1/(1 + e^(shift - w)) */
static double shared(const double *w, size_t count, double shift)
{
    sf_sum sum = {0.0, 0.0};

    for (size_t i = 0; i < count; i++)
        if (w[i] > -INFINITY) {
            const double small = exp(-fabs(w[i] - shift));

            sf_sum_add(&sum, small / ((1.0 + small) * (1.0 + small)));
        }
    return sf_sum_value(&sum);
}

static void judge(sf_bar_report *r, double in_common)
{
    sf_log_z *z = &r->estimate;

    if (r->overlap < SF_LEAST_OVERLAP)
        sf_log_z_doubt(z, "forward and reverse do not overlap: %.2g, and %g is the least",
                       r->overlap, SF_LEAST_OVERLAP);
    if (4.0 * in_common < SF_LEAST_ESS)
        sf_log_z_doubt(z, "the overlap of forward and reverse holds %.1f samples, fewer than %g",
                       4.0 * in_common, SF_LEAST_ESS);
    if (fabs(r->slope - 1.0) > 5.0 * r->slope_error)
        sf_log_z_doubt(z,
                       "against Crooks' theorem log p_F/p_R has the slope %.2f +- %.2f, not 1: a "
                       "sign, a unit or a start is wrong",
                       r->slope, r->slope_error);
}

static void fill(const pair *p, double log_z, sf_bar_report *r)
{
    const double forward = (double)p->forward_count, reverse = (double)p->reverse_count;
    const double shift = log_z + p->log_ratio, harmonic = forward * reverse / (forward + reverse);
    const double in_common =
        shared(p->forward, p->forward_count, shift) + shared(p->reverse, p->reverse_count, -shift);

    r->overlap = fmin(in_common / harmonic, 1.0);
    sf_log_z_set(&r->estimate, log_z, sqrt((1.0 / r->overlap - 1.0) / harmonic));
    r->lower_bound = r->forward.bound;
    r->upper_bound = -r->reverse.bound;
    r->hysteresis = r->upper_bound - r->lower_bound;
    r->dissipation_forward = log_z - r->lower_bound;
    r->dissipation_reverse = r->upper_bound - log_z;
    sf_crooks_crossing(p->forward, p->forward_count, p->reverse, p->reverse_count, r);
    judge(r, in_common);
}

static pair make_pair(const double *forward, size_t forward_count, const double *reverse,
                      size_t reverse_count)
{
    return (pair){.forward = forward,
                  .reverse = reverse,
                  .forward_count = forward_count,
                  .reverse_count = reverse_count,
                  .log_ratio = log((double)forward_count / (double)reverse_count)};
}

static sf_status check_pair(pair *p)
{
    SF_TRY(sf_log_weights_check(p->forward, p->forward_count, "forward log-weights",
                                &p->forward_largest));
    return sf_log_weights_check(p->reverse, p->reverse_count, "reverse log-weights",
                                &p->reverse_largest);
}

sf_status sf_bar(const double *forward, size_t forward_count, const double *reverse,
                 size_t reverse_count, sf_bar_report *report)
{
    pair p = make_pair(forward, forward_count, reverse, reverse_count);
    double log_z;

    *report = (sf_bar_report){.crossing = NAN, .slope = NAN, .slope_error = NAN};
    SF_TRY(check_pair(&p));
    SF_TRY(sf_weights_measure(forward, forward_count, &report->forward));
    SF_TRY(sf_weights_measure(reverse, reverse_count, &report->reverse));
    SF_TRY(find_root(&p, 0.5 * (report->forward.log_mean - report->reverse.log_mean), &log_z));
    fill(&p, log_z, report);
    return SF_OK;
}

/* ---- bootstrap -------------------------------------------------------------------------- */

typedef struct resampling {
    const pair *pair;
    double start;
    sf_random random;
} resampling;

static double largest_of(const double *w, size_t count)
{
    double largest = -INFINITY;

    for (size_t i = 0; i < count; i++)
        if (w[i] > largest) largest = w[i];
    return largest;
}

/* A replicate without weights in a direction has no root: what it would tend to. */
static sf_status solve_resampled(pair *p, double start, double *log_z)
{
    p->forward_largest = largest_of(p->forward, p->forward_count);
    p->reverse_largest = largest_of(p->reverse, p->reverse_count);
    *log_z = p->reverse_largest > -INFINITY   ? -INFINITY
             : p->forward_largest > -INFINITY ? INFINITY
                                              : NAN;
    if (p->forward_largest > -INFINITY && p->reverse_largest > -INFINITY)
        return find_root(p, start, log_z);
    return SF_OK;
}

static sf_status replicate_once(const void *user, uint64_t replicate, double *value)
{
    const resampling *r = user;
    pair p = *r->pair;
    double *drawn;
    sf_status status;

    SF_TRY(sf_allocate(&drawn, p.forward_count + p.reverse_count, sizeof *drawn));
    sf_resample(r->random, 2 * replicate, p.forward, p.forward_count, drawn);
    sf_resample(r->random, 2 * replicate + 1, p.reverse, p.reverse_count, drawn + p.forward_count);
    p.forward = drawn;
    p.reverse = drawn + p.forward_count;
    status = solve_resampled(&p, r->start, value);
    sf_free(drawn);
    return status;
}

sf_status sf_bar_bootstrap(const double *forward, size_t forward_count, const double *reverse,
                           size_t reverse_count, size_t bootstraps, uint64_t seed,
                           sf_bootstrap *bootstrap)
{
    pair p = make_pair(forward, forward_count, reverse, reverse_count);
    resampling r = {.pair = &p, .random = sf_random_make(seed, SF_STREAM_BOOTSTRAP)};

    *bootstrap = (sf_bootstrap){NAN, NAN, NAN, NAN};
    SF_TRY(check_pair(&p));
    SF_TRY(find_root(&p, 0.0, &r.start));
    return sf_bootstrap_each(bootstraps, r.start, replicate_once, &r, bootstrap);
}
