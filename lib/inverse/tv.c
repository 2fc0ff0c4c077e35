/* tv.c - total variation, with the strength found by the discrepancy principle.
 *
 * Rudin, Osher & Fatemi 1992 (doi:10.1016/0167-2789(92)90242-F), by ADMM that splits the gradient
 * (Wang, Yang, Yin & Zhang 2008, doi:10.1137/080724265): with g = grad x, periodic forward
 * differences on the scene, and rho = penalty strength,
 *     x = argmin |W^1/2 (y - H x)|^2 + rho |grad x - (g - b)|^2
 *     g = (grad x + b) shortened in every cell by noise / penalty
 *     b = b + grad x - g.
 * The x-step is a division in Fourier space, or conjugate gradients, about
 * c = |grad|^-2 grad^T (g - b). Positivity is one more splitting x = p, p >= 0. */
#include "inverse/discrepancy.h"

#include "base/internal.h"
#include "inverse/normal.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#define X_STEP_REDUCTION 0.03
#define X_STEP_LIMIT     100

sf_tv_options sf_tv_options_default(void)
{
    const sf_tv_options options = {
        .strength = 0.0,
        .penalty = 1.0,
        .iterations = 300,
        .tolerance = 1e-3,
        .positive = false,
        .monitor = {0},
    };
    return options;
}

typedef struct tv_state {
    const sf_observation *o;
    const sf_tv_options *options;
    sf_normal *normal;
    size_t cells, half;
    double *x;           /* the caller's scene */
    double *g[2], *b[2]; /* along rows and columns */
    double *p, *q;       /* positivity: the splitting and its multiplier; else NULL */
    double *centre;
    double *symbol;  /* |grad|^2, and 1 more with positivity, on the half spectrum */
    double *penalty; /* rho symbol */
    sf_complex *spectrum;
    double transform_seconds;
    sf_solver_report *report; /* iterations are the sum over all strengths tried */
} tv_state;

/* The differences of x to the next row and the next column, around the edges. */
static void gradient(const tv_state *s, size_t i, size_t j, double *down, double *right)
{
    const size_t rows = s->o->scene.shape[0], columns = s->o->scene.shape[1];
    const size_t here = i * columns + j;
    const size_t below = (i + 1 < rows ? i + 1 : 0) * columns + j;
    const size_t beside = i * columns + (j + 1 < columns ? j + 1 : 0);

    *down = s->x[below] - s->x[here];
    *right = s->x[beside] - s->x[here];
}

/* centre = grad^T (g - b) + (p - q) */
static void gather(tv_state *s)
{
    const size_t rows = s->o->scene.shape[0], columns = s->o->scene.shape[1];

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            const size_t here = i * columns + j;
            const size_t above = (i > 0 ? i - 1 : rows - 1) * columns + j;
            const size_t before = i * columns + (j > 0 ? j - 1 : columns - 1);

            s->centre[here] = (s->g[0][above] - s->b[0][above]) - (s->g[0][here] - s->b[0][here]) +
                              (s->g[1][before] - s->b[1][before]) - (s->g[1][here] - s->b[1][here]);
            if (s->p != NULL) s->centre[here] += s->p[here] - s->q[here];
        }
}

/* The x-step. */
static sf_status data_step(tv_state *s)
{
    const sf_normal_goal goal = {.reduction = X_STEP_REDUCTION, .iterations = X_STEP_LIMIT};
    const double begin = sf_seconds();

    gather(s);
    SF_TRY(sf_fft_forward(s->o->fft, s->centre, s->spectrum));
    for (size_t k = 0; k < s->half; k++)
        s->spectrum[k] = s->symbol[k] > 0.0 ? s->spectrum[k] / s->symbol[k] : 0.0;
    SF_TRY(sf_fft_inverse(s->o->fft, s->spectrum, s->centre));
    s->transform_seconds += sf_seconds() - begin;
    return sf_normal_solve(s->normal, s->centre, &goal, s->x);
}

/* Sums of squares over one row, for the residuals. */
typedef struct tv_sums {
    double primal, dual, size;
} tv_sums;

/* One cell of the g-step and its multiplier. */
static void shrink(tv_state *s, size_t cell, const double of_x[2], double threshold, tv_sums *sums)
{
    const double down = of_x[0] + s->b[0][cell], right = of_x[1] + s->b[1][cell];
    const double length = hypot(down, right);
    const double keep = length > threshold ? 1.0 - threshold / length : 0.0;
    const double next[2] = {keep * down, keep * right};

    for (int axis = 0; axis < 2; axis++) {
        const double apart = of_x[axis] - next[axis], moved = next[axis] - s->g[axis][cell];
        sums->primal += apart * apart;
        sums->dual += moved * moved;
        sums->size += next[axis] * next[axis];
        s->b[axis][cell] += apart;
        s->g[axis][cell] = next[axis];
    }
}

/* The steps of g, p and their multipliers; relative residuals into the report. */
static void prior_step(tv_state *s)
{
    const size_t rows = s->o->scene.shape[0], columns = s->o->scene.shape[1];
    const double threshold = s->o->noise / s->options->penalty;
    tv_sums sums = {0.0, 0.0, 0.0};

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            double of_x[2];

            gradient(s, i, j, &of_x[0], &of_x[1]);
            shrink(s, i * columns + j, of_x, threshold, &sums);
        }
    for (size_t i = 0; s->p != NULL && i < s->cells; i++) {
        s->p[i] = fmax(s->x[i] + s->q[i], 0.0);
        s->q[i] += s->x[i] - s->p[i];
    }
    if (!(sums.size > 0.0)) sums.size = 1.0; /* a flat scene: absolute residuals */
    s->report->primal_residual = sqrt(sums.primal / sums.size);
    s->report->dual_residual = sqrt(sums.dual / sums.size);
}

static bool goes_on(const tv_state *s)
{
    const sf_monitor_event event = {
        .stage = "tv",
        .iteration = s->report->iterations,
        .residual = fmax(s->report->primal_residual, s->report->dual_residual),
        .image = s->x,
        .image_size = s->cells,
    };
    return sf_monitor_call(&s->options->monitor, &event);
}

static sf_status iterate(tv_state *s)
{
    const sf_tv_options *options = s->options;
    sf_solver_report *report = s->report;

    report->stop = SF_STOP_ITERATIONS;
    for (size_t i = 0; i < options->iterations; i++) {
        SF_TRY(data_step(s));
        prior_step(s);
        report->iterations++;
        if (!goes_on(s)) {
            report->stop = SF_STOP_MONITOR;
            break;
        }
        if (report->primal_residual <= options->tolerance &&
            report->dual_residual <= options->tolerance) {
            report->stop = SF_STOP_CONVERGED;
            break;
        }
    }
    if (s->p != NULL) memcpy(s->x, s->p, s->cells * sizeof *s->x);
    return SF_OK;
}

/* For sf_discrepancy; from where the previous strength ended. */
static sf_status try_strength(void *user, double strength, double *chi_squared)
{
    tv_state *s = user;

    for (size_t k = 0; k < s->half; k++)
        s->penalty[k] = s->options->penalty * strength * s->symbol[k];
    sf_normal_set_penalty(s->normal, s->penalty);
    SF_TRY(iterate(s));
    s->report->strength = strength;
    if (s->report->stop == SF_STOP_MONITOR) {
        *chi_squared = 1.0; /* ends the search */
        return SF_OK;
    }
    return sf_chi_squared(s->o, s->x, chi_squared);
}

static sf_status solve(tv_state *s)
{
    double strength = s->options->strength, chi_squared = 0.0;
    bool reached = false;

    if (strength > 0.0) return try_strength(s, strength, &chi_squared);
    SF_TRY(sf_discrepancy(try_strength, s, 1.0, &strength, &reached));
    if (s->report->stop != SF_STOP_MONITOR)
        s->report->stop = reached ? SF_STOP_DISCREPANCY : SF_STOP_ITERATIONS;
    return SF_OK;
}

static sf_status allocate(tv_state *s)
{
    SF_TRY(sf_normal_create(s->o, &s->normal));
    for (int axis = 0; axis < 2; axis++) {
        SF_TRY(sf_allocate(&s->g[axis], s->cells, sizeof *s->g[axis]));
        SF_TRY(sf_allocate(&s->b[axis], s->cells, sizeof *s->b[axis]));
    }
    if (s->options->positive) {
        SF_TRY(sf_allocate(&s->p, s->cells, sizeof *s->p));
        SF_TRY(sf_allocate(&s->q, s->cells, sizeof *s->q));
    }
    SF_TRY(sf_allocate(&s->centre, s->cells, sizeof *s->centre));
    SF_TRY(sf_allocate(&s->symbol, s->half, sizeof *s->symbol));
    SF_TRY(sf_allocate(&s->penalty, s->half, sizeof *s->penalty));
    SF_TRY(sf_allocate(&s->spectrum, s->half, sizeof *s->spectrum));
    sf_normal_roughness(&s->o->scene, 1, s->symbol);
    for (size_t k = 0; s->options->positive && k < s->half; k++) s->symbol[k] += 1.0;
    return SF_OK;
}

static void release(tv_state *s)
{
    sf_normal_release(&s->normal);
    for (int axis = 0; axis < 2; axis++) {
        sf_free(s->g[axis]);
        sf_free(s->b[axis]);
    }
    sf_free(s->p);
    sf_free(s->q);
    sf_free(s->centre);
    sf_free(s->symbol);
    sf_free(s->penalty);
    sf_free(s->spectrum);
}

static sf_status check(const sf_observation *o, const sf_tv_options *options)
{
    if (o->scene.axes != 2)
        return sf_fail(SF_ERR_SHAPE, "total variation is for two axes, this scene has %d",
                       o->scene.axes);
    if (!(options->strength >= 0.0 && isfinite(options->strength)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "strength is %g: give a positive number, or 0 to have it found",
                       options->strength);
    if (!(options->penalty > 0.0 && isfinite(options->penalty)))
        return sf_fail(SF_ERR_ARGUMENT, "penalty is %g: give a positive number", options->penalty);
    if (options->iterations == 0) return sf_fail(SF_ERR_ARGUMENT, "0 iterations: give at least 1");
    if (!(options->tolerance >= 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "tolerance is %g, where only 0 and more can be",
                       options->tolerance);
    return SF_OK;
}

sf_status sf_tv(const sf_observation *observation, const sf_tv_options *options, double *scene,
                sf_solver_report *report)
{
    const sf_tv_options defaults = sf_tv_options_default();
    const double begin = sf_seconds();
    sf_solver_report ignored;
    tv_state s = {.o = observation,
                  .options = options != NULL ? options : &defaults,
                  .cells = sf_grid_size(&observation->scene),
                  .half = sf_grid_half_size(&observation->scene),
                  .x = scene,
                  .report = report != NULL ? report : &ignored};
    sf_status status;

    memset(s.report, 0, sizeof *s.report);
    SF_TRY(check(observation, s.options));
    SF_GO(allocate(&s));
    SF_GO(solve(&s));
    s.report->noise_level = NAN;
    s.report->guarantee = "converges to the minimum of a convex function (Eckstein & Bertsekas "
                          "1992)";
    s.report->transform_seconds = s.transform_seconds + sf_normal_transform_seconds(s.normal);
    s.report->seconds = sf_seconds() - begin;
done:
    release(&s);
    return status;
}
