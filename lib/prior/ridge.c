/* ridge.c - a convex-ridge regulariser (Goujon, Neumayer, Bohra, Ducotterd & Unser 2023,
 * arXiv:2211.12461): its filters and profiles, and its energy on a grid with two derivatives. */
#include "prior/ridge.h"

#include "base/internal.h"

#include <complex.h>
#include <math.h>
#include <string.h>

/* Filters are worked on in so many groups, each by one thread, whose sums are added in order. */
#define GROUPS     4
#define LARGE      ((size_t)1 << 14) /* cells from which on threads are worth waking */
#define PIECE      ((size_t)128)
#define MOST_SIDE  64
#define MOST_PARTS 4096

/* ---- filters and profiles -------------------------------------------------------------------- */

static sf_status check(size_t filters, size_t side, const double *taps, size_t knots,
                       const double *threshold, const double *slope)
{
    if (filters < 1 || filters > MOST_PARTS || side < 1 || side > MOST_SIDE || knots < 1 ||
        knots > MOST_PARTS)
        return sf_fail(SF_ERR_ARGUMENT,
                       "%zu filters of %zu x %zu with %zu thresholds: give 1 to %d filters and "
                       "thresholds, and sides of 1 to %d",
                       filters, side, side, knots, MOST_PARTS, MOST_SIDE);
    SF_TRY(sf_check_finite(taps, filters * side * side, "filters of a ridge"));
    for (size_t j = 0; j < knots; j++)
        if (!(threshold[j] > 0.0))
            return sf_fail(SF_ERR_ARGUMENT, "threshold %zu of a ridge is %g: give a positive one",
                           j, threshold[j]);
    SF_TRY(sf_check_finite(slope, filters * knots, "slopes of a ridge"));
    for (size_t i = 0; i < filters * knots; i++)
        if (slope[i] < 0.0)
            return sf_fail(SF_ERR_ARGUMENT,
                           "a slope of a ridge is %g: below 0 its energy is not convex", slope[i]);
    return SF_OK;
}

sf_status sf_ridge_create(size_t filters, size_t side, const double *taps, size_t knots,
                          const double *threshold, const double *slope, sf_ridge **ridge)
{
    sf_ridge *r = NULL;
    sf_status status;

    *ridge = NULL;
    SF_TRY(check(filters, side, taps, knots, threshold, slope));
    SF_TRY(sf_allocate(&r, 1, sizeof *r));
    atomic_init(&r->references, 1);
    r->filters = filters;
    r->side = side;
    r->knots = knots;
    SF_GO(sf_copy_memory(taps, filters * side * side, sizeof *taps, &r->taps));
    SF_GO(sf_copy_memory(threshold, knots, sizeof *threshold, &r->threshold));
    SF_GO(sf_copy_memory(slope, filters * knots, sizeof *slope, &r->slope));
    *ridge = r;
    return SF_OK;
done:
    sf_ridge_release(&r);
    return status;
}

sf_ridge *sf_ridge_retain(sf_ridge *ridge)
{
    if (ridge != NULL) atomic_fetch_add(&ridge->references, 1);
    return ridge;
}

void sf_ridge_release(sf_ridge **ridge)
{
    sf_ridge *r = ridge == NULL ? NULL : *ridge;

    if (r == NULL) return;
    *ridge = NULL;
    if (atomic_fetch_sub(&r->references, 1) > 1) return;
    sf_free(r->taps);
    sf_free(r->threshold);
    sf_free(r->slope);
    sf_free(r);
}

size_t sf_ridge_parameter_count(const sf_ridge *r)
{
    return r->filters * (r->side * r->side + r->knots);
}

/* The largest slope of psi_i'. */
static double steepest(const sf_ridge *r, size_t filter)
{
    double sum = 0.0;

    for (size_t j = 0; j < r->knots; j++) sum += r->slope[filter * r->knots + j];
    return sum;
}

/* ---- on a grid ------------------------------------------------------------------------------- */

/* sum_m w_m exp(2 pi i k.m/N): the transform of the filter, reversed. */
static sf_status transform_filter(sf_ridge_plan *p, size_t filter, double *field)
{
    const sf_ridge *r = p->ridge;
    const size_t rows = p->grid.shape[0], columns = p->grid.shape[1], side = r->side;
    const double *taps = r->taps + filter * side * side, most = steepest(r, filter);
    sf_complex *out = p->filter + filter * p->half;

    memset(field, 0, p->cells * sizeof *field);
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++)
            field[(rows - y) % rows * columns + (columns - x) % columns] = taps[y * side + x];
    SF_TRY(sf_fft_forward(p->fft, field, out));
    for (size_t k = 0; k < p->half; k++)
        p->curvature[k] += most * (creal(out[k]) * creal(out[k]) + cimag(out[k]) * cimag(out[k]));
    return SF_OK;
}

sf_status sf_ridge_plan_create(const sf_ridge *ridge, const sf_grid *grid, sf_ridge_plan **plan)
{
    sf_ridge_plan *p = NULL;
    double *field = NULL;
    char text[96];
    sf_status status;

    *plan = NULL;
    if (grid->axes != 2 || grid->shape[0] < ridge->side || grid->shape[1] < ridge->side)
        return sf_fail(SF_ERR_SHAPE,
                       "a ridge with filters of %zu x %zu is for images of that size and more, and "
                       "this grid is %s",
                       ridge->side, ridge->side, sf_grid_text(grid, text, sizeof text));
    SF_TRY(sf_allocate(&p, 1, sizeof *p));
    p->ridge = ridge;
    p->grid = *grid;
    p->cells = sf_grid_size(grid);
    p->half = sf_grid_half_size(grid);
    SF_GO(sf_fft_create(grid, &p->fft));
    SF_GO(sf_allocate(&p->filter, ridge->filters, p->half * sizeof *p->filter));
    SF_GO(sf_allocate(&p->curvature, p->half, sizeof *p->curvature));
    SF_GO(sf_allocate(&field, p->cells, sizeof *field));
    for (size_t i = 0; i < ridge->filters; i++) SF_GO(transform_filter(p, i, field));
    *plan = p;
    p = NULL;
done:
    sf_free(field);
    sf_ridge_plan_release(&p);
    return status;
}

void sf_ridge_plan_release(sf_ridge_plan **plan)
{
    sf_ridge_plan *p = *plan;

    *plan = NULL;
    if (p == NULL) return;
    sf_fft_release(&p->fft);
    sf_free(p->filter);
    sf_free(p->curvature);
    sf_free(p);
}

/* The largest curvature, a trigonometric polynomial of degree d = side - 1, is met on a grid of n =
 * 32 side points an axis to 2 (pi d/n)^2 < 2 %, since its second derivatives are below d^2 times
 * it. */
sf_status sf_ridge_lipschitz(const sf_ridge *ridge, double *lipschitz)
{
    const size_t n = 32 * ridge->side;
    sf_ridge_plan *plan = NULL;
    sf_grid grid;
    sf_status status;

    *lipschitz = 0.0;
    SF_GO(sf_grid_image(n, n, &grid));
    SF_GO(sf_ridge_plan_create(ridge, &grid, &plan));
    for (size_t k = 0; k < plan->half; k++) *lipschitz = fmax(*lipschitz, plan->curvature[k]);
    *lipschitz *= 1.02;
done:
    sf_ridge_plan_release(&plan);
    return status;
}

struct sf_ridge_work {
    const sf_ridge_plan *plan;
    size_t groups;
    double *field[GROUPS], value[GROUPS];
    sf_complex *mode[GROUPS], *sum[GROUPS];
    double *second; /* filters x cells: psi'' where it was fixed, 0 at no place; NULL before */
};

sf_status sf_ridge_work_create(const sf_ridge_plan *plan, sf_ridge_work **work)
{
    sf_ridge_work *w = NULL;
    sf_status status;

    *work = NULL;
    SF_TRY(sf_allocate(&w, 1, sizeof *w));
    w->plan = plan;
    w->groups = plan->ridge->filters < GROUPS ? plan->ridge->filters : GROUPS;
    for (size_t g = 0; g < w->groups; g++) {
        SF_GO(sf_allocate(&w->field[g], plan->cells, sizeof *w->field[g]));
        SF_GO(sf_allocate(&w->mode[g], plan->half, sizeof *w->mode[g]));
        SF_GO(sf_allocate(&w->sum[g], plan->half, sizeof *w->sum[g]));
    }
    *work = w;
    return SF_OK;
done:
    sf_ridge_work_release(&w);
    return status;
}

void sf_ridge_work_release(sf_ridge_work **work)
{
    sf_ridge_work *w = *work;

    *work = NULL;
    if (w == NULL) return;
    for (size_t g = 0; g < w->groups; g++) {
        sf_free(w->field[g]);
        sf_free(w->mode[g]);
        sf_free(w->sum[g]);
    }
    sf_free(w->second);
    sf_free(w);
}

/* field <- w_i * u */
static sf_status filter_forward(sf_ridge_work *w, size_t group, size_t filter, const sf_complex *u)
{
    const sf_ridge_plan *p = w->plan;
    const sf_complex *transfer = p->filter + filter * p->half;
    sf_complex *mode = w->mode[group];

    for (size_t k = 0; k < p->half; k++) mode[k] = transfer[k] * u[k];
    return sf_fft_inverse(p->fft, mode, w->field[group]);
}

/* sum += w_i^T field */
static sf_status filter_back(sf_ridge_work *w, size_t group, size_t filter)
{
    const sf_ridge_plan *p = w->plan;
    const sf_complex *transfer = p->filter + filter * p->half;
    sf_complex *mode = w->mode[group], *sum = w->sum[group];

    SF_TRY(sf_fft_forward(p->fft, w->field[group], mode));
    for (size_t k = 0; k < p->half; k++) sum[k] += conj(transfer[k]) * mode[k];
    return SF_OK;
}

/* t <- psi'(t), and the sum of psi(t); piece by piece, threshold by threshold, which vectorises. */
SF_VECTOR_CLONES
static double slopes(size_t count, size_t knots, const double *threshold, const double *slope,
                     double *t)
{
    double value = 0.0;

    for (size_t begin = 0; begin < count; begin += PIECE) {
        const size_t length = count - begin < PIECE ? count - begin : PIECE;
        double sum[PIECE] = {0.0}, energy[PIECE] = {0.0}, *const at = t + begin;

        for (size_t j = 0; j < knots; j++)
            for (size_t n = 0; n < length; n++) {
                const double size = fabs(at[n]);
                const double m = size < threshold[j] ? size : threshold[j];
                sum[n] += slope[j] * m;
                energy[n] += slope[j] * m * (size - 0.5 * m);
            }
        for (size_t n = 0; n < length; n++) {
            at[n] = copysign(sum[n], at[n]);
            value += energy[n];
        }
    }
    return value;
}

/* t <- psi''(t) */
static void curvatures(size_t count, size_t knots, const double *threshold, const double *slope,
                       double *t)
{
    for (size_t n = 0; n < count; n++) {
        const double size = fabs(t[n]);
        double sum = 0.0;

        for (size_t j = 0; j < knots; j++) sum += size < threshold[j] ? slope[j] : 0.0;
        t[n] = sum;
    }
}

/* A job done for every filter of a group, at all its places, with 0 elsewhere. */
typedef void on_places(sf_ridge_work *w, size_t group, size_t filter, size_t first, size_t count);

static void each_row(sf_ridge_work *w, size_t group, size_t filter, on_places *job)
{
    const size_t rows = w->plan->grid.shape[0], columns = w->plan->grid.shape[1];
    const size_t side = w->plan->ridge->side, places = columns - side + 1;
    double *field = w->field[group];

    for (size_t y = 0; y + side <= rows; y++) {
        job(w, group, filter, y * columns, places);
        memset(field + y * columns + places, 0, (side - 1) * sizeof *field);
    }
    memset(field + (rows - side + 1) * columns, 0, (side - 1) * columns * sizeof *field);
}

static void take_slopes(sf_ridge_work *w, size_t group, size_t filter, size_t first, size_t count)
{
    const sf_ridge *r = w->plan->ridge;

    w->value[group] += slopes(count, r->knots, r->threshold, r->slope + filter * r->knots,
                              w->field[group] + first);
}

static void take_curvatures(sf_ridge_work *w, size_t group, size_t filter, size_t first,
                            size_t count)
{
    const sf_ridge *r = w->plan->ridge;

    curvatures(count, r->knots, r->threshold, r->slope + filter * r->knots,
               w->field[group] + first);
}

static sf_status first_derivative(sf_ridge_work *w, size_t group, size_t filter,
                                  const sf_complex *u)
{
    SF_TRY(filter_forward(w, group, filter, u));
    each_row(w, group, filter, take_slopes);
    return filter_back(w, group, filter);
}

static sf_status second_derivative(sf_ridge_work *w, size_t group, size_t filter,
                                   const sf_complex *v)
{
    const double *second = w->second + filter * w->plan->cells;
    double *field = w->field[group];

    SF_TRY(filter_forward(w, group, filter, v));
    for (size_t n = 0; n < w->plan->cells; n++) field[n] *= second[n];
    return filter_back(w, group, filter);
}

static sf_status keep_curvatures(sf_ridge_work *w, size_t group, size_t filter, const sf_complex *u)
{
    const size_t cells = w->plan->cells;

    SF_TRY(filter_forward(w, group, filter, u));
    each_row(w, group, filter, take_curvatures);
    memcpy(w->second + filter * cells, w->field[group], cells * sizeof *w->second);
    return SF_OK;
}

typedef sf_status on_filter(sf_ridge_work *w, size_t group, size_t filter, const sf_complex *u);

static sf_status run_group(sf_ridge_work *w, size_t group, on_filter *job, const sf_complex *u)
{
    w->value[group] = 0.0;
    memset(w->sum[group], 0, w->plan->half * sizeof *w->sum[group]);
    for (size_t i = group; i < w->plan->ridge->filters; i += w->groups) SF_TRY(job(w, group, i, u));
    return SF_OK;
}

/* A job for every filter; then the groups' sums, in order: the same bits on any threads. */
static sf_status each_filter(sf_ridge_work *w, on_filter *job, const sf_complex *u, double factor,
                             double *value, sf_complex *out)
{
    size_t failed = w->groups;

#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) \
    reduction(min                                                        \
              : failed) if (w->plan->cells >= LARGE)
    for (size_t g = 0; g < w->groups; g++)
        if (run_group(w, g, job, u) != SF_OK && g < failed) failed = g;
    /* once more, for the sentence: another thread's is not this one's */
    if (failed < w->groups) return run_group(w, failed, job, u);
    for (size_t g = 0; g < w->groups; g++) {
        if (value != NULL) *value += w->value[g];
        for (size_t k = 0; k < w->plan->half && out != NULL; k++) out[k] += factor * w->sum[g][k];
    }
    return SF_OK;
}

sf_status sf_ridge_evaluate(sf_ridge_work *w, const sf_complex *u, double factor, double *value,
                            sf_complex *gradient)
{
    *value = 0.0;
    return each_filter(w, first_derivative, u, factor, value, gradient);
}

sf_status sf_ridge_fix(sf_ridge_work *w, const sf_complex *u)
{
    if (w->second == NULL)
        SF_TRY(
            sf_allocate(&w->second, w->plan->ridge->filters, w->plan->cells * sizeof *w->second));
    return each_filter(w, keep_curvatures, u, 0.0, NULL, NULL);
}

sf_status sf_ridge_curve(sf_ridge_work *w, const sf_complex *v, double factor, sf_complex *out)
{
    return each_filter(w, second_derivative, v, factor, NULL, out);
}
