/* crossing.c - where the work distributions of the two directions cross. By Crooks' theorem (1999,
 * doi:10.1103/PhysRevE.60.2721) log p_F(W)/p_R(-W) = W - Delta F: as the odds of the direction,
 * given W, they are a logistic regression (Shirts et al. 2003) whose intercept BAR fits; here the
 * slope is fitted too, so that it can contradict the theorem. */
#include "free_energy/estimate.h"

#define ITERATIONS 50
#define HALVINGS   30
#define PRECISION  1e-10

/* log-odds = intercept - slope v, v = -W - log_z, plus M = ln(n_F/n_R) */
typedef struct odds {
    const double *forward, *reverse;
    size_t forward_count, reverse_count;
    double centre, log_ratio;
} odds;

typedef struct curvature {
    double gradient[2], hessian[3]; /* of the negative log-likelihood by intercept and slope */
} curvature;

static void add(curvature *c, double v, double log_odds, double is_forward)
{
    const double small = exp(-fabs(log_odds));
    const double p = (log_odds < 0.0 ? small : 1.0) / (1.0 + small);
    const double q = small / ((1.0 + small) * (1.0 + small));

    c->gradient[0] += p - is_forward;
    c->gradient[1] -= (p - is_forward) * v;
    c->hessian[0] += q;
    c->hessian[1] -= q * v;
    c->hessian[2] += q * v * v;
}

static curvature evaluate(const odds *o, const double x[2])
{
    curvature c = {{0.0, 0.0}, {0.0, 0.0, 0.0}};

    for (size_t i = 0; i < o->forward_count; i++) {
        const double v = o->forward[i] - o->centre;

        if (v > -INFINITY) add(&c, v, x[0] - x[1] * v + o->log_ratio, 1.0);
    }
    for (size_t i = 0; i < o->reverse_count; i++) {
        const double v = -o->reverse[i] - o->centre;

        if (v < INFINITY) add(&c, v, x[0] - x[1] * v + o->log_ratio, 0.0);
    }
    return c;
}

/* A Newton step, halved until it is not past the minimum by much. False: there is none. */
static bool step(const odds *o, double x[2], curvature *c, double *length)
{
    const double *h = c->hessian, *g = c->gradient, determinant = h[0] * h[2] - h[1] * h[1];
    const double d[2] = {(h[1] * g[1] - h[2] * g[0]) / determinant,
                         (h[1] * g[0] - h[0] * g[1]) / determinant};
    const double descent = d[0] * g[0] + d[1] * g[1];
    double t = 1.0;

    if (!(determinant > 1e-12 * h[0] * h[2])) return false;
    *length = fmax(fabs(d[0]), fabs(d[1]));
    for (int i = 0; i < HALVINGS; i++) {
        const double next[2] = {x[0] + t * d[0], x[1] + t * d[1]};
        const curvature there = evaluate(o, next);
        const double slope = d[0] * there.gradient[0] + d[1] * there.gradient[1];

        if (slope <= 0.5 * fabs(descent) || *length <= PRECISION) {
            x[0] = next[0];
            x[1] = next[1];
            *c = there;
            return true;
        }
        t *= 0.5;
    }
    return false;
}

void sf_crooks_crossing(const double *forward, size_t forward_count, const double *reverse,
                        size_t reverse_count, sf_bar_report *report)
{
    const odds o = {forward,
                    reverse,
                    forward_count,
                    reverse_count,
                    report->estimate.value,
                    log((double)forward_count / (double)reverse_count)};
    double x[2] = {0.0, 1.0}, length = INFINITY; /* as the theorem and BAR say */
    curvature c = evaluate(&o, x);

    report->crossing = report->slope = report->slope_error = NAN;
    for (int i = 0; i < ITERATIONS && length > PRECISION; i++)
        if (!step(&o, x, &c, &length)) return;
    if (length > PRECISION || x[1] == 0.0) return;
    report->slope = x[1];
    report->slope_error =
        sqrt(c.hessian[0] / (c.hessian[0] * c.hessian[2] - c.hessian[1] * c.hessian[1]));
    report->crossing = report->estimate.value + x[0] / x[1];
}
