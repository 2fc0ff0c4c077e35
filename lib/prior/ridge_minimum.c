/* ridge_minimum.c - the minimum of a convex energy with a ridge in it; ridge.h says how. */
#include "prior/ridge.h"

#include "base/internal.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#define ENOUGH                                                                        \
    0.25 /* of |E'|^2: by so much E has to fall; a gradient step makes it fall by 0.5 \
          */
#define PROXIMAL_ITERATIONS 20000

double sf_ridge_inner(const sf_grid *grid, const sf_complex *a, const sf_complex *b,
                      const double *metric)
{
    const size_t columns = grid->shape[1], last = columns / 2 + 1;
    double sum = 0.0;

    for (size_t row = 0; row < grid->shape[0]; row++) {
        double part = 0.0, edge = 0.0;
        for (size_t j = 0; j < last; j++) {
            const size_t k = row * last + j;
            const double t = (creal(a[k]) * creal(b[k]) + cimag(a[k]) * cimag(b[k])) /
                             (metric != NULL ? metric[k] : 1.0);
            part += t;
            if (j == 0 || 2 * j == columns) edge += t;
        }
        sum += 2.0 * part - edge;
    }
    return sum / (double)sf_grid_size(grid);
}

/* What the iteration holds, as half spectra. */
typedef struct descent {
    const sf_ridge_problem *problem;
    size_t half;
    sf_complex *p, *g;        /* where E and E' are known */
    sf_complex *q, *old;      /* gradient steps from the last two p */
    sf_complex *next, *slope; /* the candidate and its E' */
    double energy, size;      /* E(p), |E'(p)|^2 in the metric */
    double t;                 /* of the momentum */
} descent;

static sf_status evaluate(const descent *d, const sf_complex *p, double *energy, sf_complex *g)
{
    const sf_ridge_problem *problem = d->problem;
    double ridge;

    SF_TRY(problem->data(problem->user, p, energy, g));
    SF_TRY(sf_ridge_evaluate(problem->work, p, problem->strength, &ridge, g));
    *energy += problem->strength * ridge;
    return SF_OK;
}

/* The candidate is p, at that energy. */
static void accept(descent *d, double energy)
{
    sf_complex *const p = d->p, *const g = d->g;

    d->p = d->next;
    d->g = d->slope;
    d->next = p;
    d->slope = g;
    d->energy = energy;
    d->size = sf_ridge_inner(&d->problem->plan->grid, d->g, d->g, d->problem->metric);
}

static sf_status step(descent *d)
{
    const double *metric = d->problem->metric;
    const double t = 0.5 * (1.0 + sqrt(1.0 + 4.0 * d->t * d->t)), momentum = (d->t - 1.0) / t;
    sf_complex *const q = d->old;
    double energy;

    d->old = d->q;
    d->q = q;
    for (size_t k = 0; k < d->half; k++) {
        q[k] = metric[k] > 0.0 ? d->p[k] - d->g[k] / metric[k] : d->p[k];
        d->next[k] = q[k] + momentum * (q[k] - d->old[k]);
    }
    SF_TRY(evaluate(d, d->next, &energy, d->slope));
    d->t = t;
    if (!(energy <= d->energy - ENOUGH * d->size) && momentum > 0.0) {
        d->t = 1.0;
        memcpy(d->next, q, d->half * sizeof *q);
        SF_TRY(evaluate(d, d->next, &energy, d->slope));
    }
    accept(d, energy);
    return SF_OK;
}

static sf_status allocate(descent *d)
{
    sf_complex **const field[] = {&d->g, &d->q, &d->old, &d->next, &d->slope};

    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        SF_TRY(sf_allocate(field[i], d->half, sizeof **field[i]));
    return SF_OK;
}

static sf_status descend(descent *d, sf_ridge_outcome *outcome)
{
    const sf_ridge_problem *problem = d->problem;
    const double cells = (double)problem->plan->cells;

    memcpy(d->next, d->p, d->half * sizeof *d->p);
    memcpy(d->q, d->p, d->half * sizeof *d->p);
    SF_TRY(evaluate(d, d->next, &d->energy, d->slope));
    accept(d, d->energy);
    for (;;) {
        outcome->residual = sqrt(d->size / cells);
        outcome->energy = d->energy;
        if (!isfinite(d->energy) || !isfinite(d->size))
            return sf_fail(SF_ERR_NUMERIC,
                           "the energy of a ridge is %g: the data, or an image to "
                           "begin with, are too large to compute with",
                           d->energy);
        outcome->converged = outcome->residual <= problem->tolerance;
        if (outcome->converged || outcome->iterations == problem->iterations) return SF_OK;
        SF_TRY(step(d));
        const sf_monitor_event event = {.stage = problem->stage,
                                        .iteration = ++outcome->iterations,
                                        .total = problem->iterations,
                                        .residual = sqrt(d->size / cells)};
        outcome->stopped = !sf_monitor_call(&problem->monitor, &event);
        if (outcome->stopped) return SF_OK;
    }
}

sf_status sf_ridge_minimise(const sf_ridge_problem *problem, sf_complex *p,
                            sf_ridge_outcome *outcome)
{
    const size_t half = problem->plan->half;
    descent d = {.problem = problem, .half = half, .t = 1.0};
    sf_status status;

    memset(outcome, 0, sizeof *outcome);
    SF_GO(sf_allocate(&d.p, half, sizeof *d.p));
    SF_GO(allocate(&d));
    memcpy(d.p, p, half * sizeof *p);
    SF_GO(descend(&d, outcome));
    memcpy(p, d.p, half * sizeof *p);
done:
    sf_free(d.p);
    sf_free(d.g);
    sf_free(d.q);
    sf_free(d.old);
    sf_free(d.next);
    sf_free(d.slope);
    return status;
}

/* ---- the proximal step ----------------------------------------------------------------------- */

typedef struct proximal {
    const sf_ridge_plan *plan;
    const sf_complex *u;
} proximal;

static sf_status distance(void *user, const sf_complex *p, double *value, sf_complex *gradient)
{
    const proximal *s = user;

    for (size_t k = 0; k < s->plan->half; k++) gradient[k] = p[k] - s->u[k];
    *value = 0.5 * sf_ridge_inner(&s->plan->grid, gradient, gradient, NULL);
    return SF_OK;
}

/* M = 1 + strength curvature (sf_free). */
static sf_status make_metric(const sf_ridge_plan *plan, double strength, double **metric)
{
    SF_TRY(sf_allocate(metric, plan->half, sizeof **metric));
    for (size_t k = 0; k < plan->half; k++) (*metric)[k] = 1.0 + strength * plan->curvature[k];
    return SF_OK;
}

/* E is 1-strongly convex, so that the error is at most |E'|, which is at most the largest M^1/2
 * times its size in the metric M^-1. */
sf_status sf_ridge_proximal(const sf_ridge_plan *plan, sf_ridge_work *work, double strength,
                            double tolerance, const sf_complex *u, sf_complex *z, double *energy)
{
    proximal data = {plan, u};
    sf_ridge_problem problem = {.work = work,
                                .plan = plan,
                                .strength = strength,
                                .data = distance,
                                .user = &data,
                                .iterations = PROXIMAL_ITERATIONS,
                                .stage = "ridge"};
    sf_ridge_outcome outcome;
    double *metric = NULL, most = 1.0;
    sf_status status;

    SF_GO(make_metric(plan, strength, &metric));
    for (size_t k = 0; k < plan->half; k++) most = fmax(most, metric[k]);
    problem.metric = metric;
    problem.tolerance = tolerance / sqrt(most);
    memcpy(z, u, plan->half * sizeof *z);
    SF_GO(sf_ridge_minimise(&problem, z, &outcome));
    *energy = outcome.energy;
    if (!outcome.converged)
        status = sf_fail(SF_ERR_NUMERIC,
                         "the proximal step of a ridge: after %zu iterations the error may still "
                         "be %.2g where %.2g was asked for; give a larger tolerance or a smaller "
                         "strength",
                         outcome.iterations, outcome.residual * sqrt(most), tolerance);
done:
    sf_free(metric);
    return status;
}

/* ---- its derivative -------------------------------------------------------------------------- */

typedef struct system {
    const sf_ridge_plan *plan;
    sf_ridge_work *work;
    double strength, *metric;
    sf_complex *r, *d, *q;
} system;

static sf_status solve(system *s, double tolerance, sf_complex *x)
{
    const sf_grid *grid = &s->plan->grid;
    const size_t half = s->plan->half;
    double rho = sf_ridge_inner(grid, s->r, s->r, s->metric), target = tolerance * tolerance * rho;

    for (size_t k = 0; k < half; k++) s->d[k] = s->r[k] / s->metric[k];
    for (int i = 0; i < PROXIMAL_ITERATIONS && rho > target; i++) {
        double step, next;

        memcpy(s->q, s->d, half * sizeof *s->q);
        SF_TRY(sf_ridge_curve(s->work, s->d, s->strength, s->q));
        step = rho / sf_ridge_inner(grid, s->d, s->q, NULL);
        for (size_t k = 0; k < half; k++) {
            x[k] += step * s->d[k];
            s->r[k] -= step * s->q[k];
        }
        next = sf_ridge_inner(grid, s->r, s->r, s->metric);
        for (size_t k = 0; k < half; k++) s->d[k] = s->r[k] / s->metric[k] + next / rho * s->d[k];
        rho = next;
    }
    return SF_OK;
}

sf_status sf_ridge_resolve(const sf_ridge_plan *plan, sf_ridge_work *work, double strength,
                           double tolerance, const sf_complex *v, sf_complex *out)
{
    system s = {.plan = plan, .work = work, .strength = strength};
    sf_status status;

    SF_GO(make_metric(plan, strength, &s.metric));
    SF_GO(sf_allocate(&s.r, plan->half, sizeof *s.r));
    SF_GO(sf_allocate(&s.d, plan->half, sizeof *s.d));
    SF_GO(sf_allocate(&s.q, plan->half, sizeof *s.q));
    memcpy(s.r, v, plan->half * sizeof *v);
    memset(out, 0, plan->half * sizeof *out);
    status = solve(&s, tolerance, out);
done:
    sf_free(s.metric);
    sf_free(s.r);
    sf_free(s.d);
    sf_free(s.q);
    return status;
}
