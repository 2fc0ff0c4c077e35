/* assign.c - points to cells by B-splines of order 1 to 4 (Hockney & Eastwood 1981, ch. 5). Points
 * are put in the order of the plane (first axis) where they begin, and every thread fills planes of
 * its own from the points that reach them, always in that order: the same bits on any number of
 * threads, and no plane has two writers. */
#include <scorefield/field.h>

#include "base/internal.h"

#include <math.h>

/* The first cell that a point reaches along one axis, not yet wrapped, and its weights. The centre
 * of cell i lies at (i + 1/2) d; `x` counts cells. */
static long spline(int order, double x, double w[4])
{
    const bool odd = order % 2 != 0; /* about the nearest centre, not between two of them */
    const double from = odd ? floor(x) : floor(x - 0.5);
    const double f = odd ? x - from : x - 0.5 - from, g = 1.0 - f, d = f - 0.5;

    switch (order) {
    case SF_ASSIGN_NGP: w[0] = 1.0; return (long)from;
    case SF_ASSIGN_CIC:
        w[0] = g;
        w[1] = f;
        return (long)from;
    case SF_ASSIGN_TSC:
        w[0] = 0.5 * g * g;
        w[1] = 0.75 - d * d;
        w[2] = 0.5 * f * f;
        return (long)from - 1;
    default:
        w[0] = g * g * g / 6.0;
        w[1] = (4.0 - 6.0 * f * f + 3.0 * f * f * f) / 6.0;
        w[2] = (4.0 - 6.0 * g * g + 3.0 * g * g * g) / 6.0;
        w[3] = f * f * f / 6.0;
        return (long)from - 1;
    }
}

static size_t wrap(long i, size_t n)
{
    const long rest = i % (long)n;

    return (size_t)(rest < 0 ? rest + (long)n : rest);
}

typedef struct task {
    sf_grid grid;
    const double *positions, *weights;
    size_t count;
    int order;
    double shift;
    size_t *begin;  /* the first place in `point` of each plane, and the end */
    size_t *point;  /* points by the plane where they begin */
    double *result; /* N values */
} task;

/* A coordinate in cells, inside [0, n]. */
static double coordinate(const task *t, size_t point, int axis)
{
    const double n = (double)t->grid.shape[axis];
    const double x =
        t->positions[point * (size_t)t->grid.axes + (size_t)axis] / t->grid.spacing[axis] +
        t->shift;

    return x - n * floor(x / n);
}

static size_t first_plane(const task *t, size_t point)
{
    double w[4];

    return wrap(spline(t->order, coordinate(t, point, 0), w), t->grid.shape[0]);
}

static sf_status check_points(const task *t, double *total)
{
    const size_t axes = (size_t)t->grid.axes;

    *total = 0.0;
    for (size_t p = 0; p < t->count; p++) {
        for (size_t a = 0; a < axes; a++)
            if (!isfinite(t->positions[p * axes + a]))
                return sf_fail(SF_ERR_NUMERIC, "point %zu lies at %g along axis %zu", p,
                               t->positions[p * axes + a], a);
        *total += t->weights != NULL ? t->weights[p] : 1.0;
    }
    if (!(*total > 0.0) || !isfinite(*total))
        return sf_fail(SF_ERR_ARGUMENT,
                       "%zu points of total weight %g have no density contrast; it must be "
                       "positive and finite",
                       t->count, *total);
    return SF_OK;
}

/* A counting sort, which keeps the points' order within a plane. */
static sf_status sort_by_plane(task *t)
{
    const size_t planes = t->grid.shape[0];

    SF_TRY(sf_allocate(&t->begin, planes + 1, sizeof *t->begin));
    SF_TRY(sf_allocate(&t->point, t->count, sizeof *t->point));
    for (size_t p = 0; p < t->count; p++) t->begin[first_plane(t, p)]++;
    for (size_t i = 0, before = 0; i <= planes; i++) {
        const size_t here = t->begin[i];

        t->begin[i] = before;
        before += here;
    }
    for (size_t p = 0; p < t->count; p++) t->point[t->begin[first_plane(t, p)]++] = p;
    for (size_t i = planes; i > 0; i--) t->begin[i] = t->begin[i - 1]; /* each moved to its end */
    t->begin[0] = 0;
    return SF_OK;
}

/* Adds what a point leaves in `plane`, the weight along the first axis already in `weight`. */
static void add_to_plane(const task *t, size_t point, double weight, size_t plane)
{
    const int axes = t->grid.axes, order = t->order;
    double w[SF_GRID_MAX_AXES][4] = {{0.0}};
    size_t cell[SF_GRID_MAX_AXES][4] = {{0}}, neighbours = 1;

    for (int a = 1; a < axes; a++) {
        const long from = spline(order, coordinate(t, point, a), w[a]);

        for (int i = 0; i < order; i++) cell[a][i] = wrap(from + i, t->grid.shape[a]);
        neighbours *= (size_t)order;
    }
    for (size_t j = 0; j < neighbours; j++) {
        size_t index = plane, rest = j;
        double value = weight;

        for (int a = 1; a < axes; a++) {
            const size_t i = rest % (size_t)order;

            index = index * t->grid.shape[a] + cell[a][i];
            value *= w[a][i];
            rest /= (size_t)order;
        }
        t->result[index] += value;
    }
}

/* Fills planes low .. high - 1. Points begin up to order - 1 planes before; planes are counted
 * without wrapping, so that a plane's points come in one order whatever `low` is. */
static void fill(const task *t, long low, long high)
{
    for (long from = low - t->order + 1; from < high; from++) {
        const size_t bucket = wrap(from, t->grid.shape[0]);

        for (size_t place = t->begin[bucket]; place < t->begin[bucket + 1]; place++) {
            const size_t point = t->point[place];
            const double weight = t->weights != NULL ? t->weights[point] : 1.0;
            double w[4];

            (void)spline(t->order, coordinate(t, point, 0), w);
            for (long plane = from < low ? low : from; plane < high && plane < from + t->order;
                 plane++)
                add_to_plane(t, point, weight * w[plane - from], (size_t)plane);
        }
    }
}

sf_status sf_assign(const sf_grid *grid, const double *positions, const double *weights,
                    size_t count, sf_assignment assignment, double shift, double *delta)
{
    task t = {*grid, positions, weights, count, (int)assignment, shift, NULL, NULL, delta};
    const size_t size = sf_grid_size(grid), planes = grid->shape[0];
    const int threads = sf_thread_count();
    sf_status status;
    double total;

    if (assignment < SF_ASSIGN_NGP || assignment > SF_ASSIGN_PCS)
        return sf_fail(SF_ERR_ARGUMENT, "points cannot be assigned with order %d: give 1 to 4",
                       (int)assignment);
    if (!isfinite(shift)) return sf_fail(SF_ERR_ARGUMENT, "points shifted by %g cells", shift);
    SF_GO(check_points(&t, &total));
    SF_GO(sort_by_plane(&t));
    for (size_t i = 0; i < size; i++) delta[i] = 0.0;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int part = 0; part < threads; part++)
        fill(&t, (long)(planes * (size_t)part / (size_t)threads),
             (long)(planes * ((size_t)part + 1) / (size_t)threads));
    for (size_t i = 0; i < size; i++) delta[i] = delta[i] * ((double)size / total) - 1.0;
done:
    sf_free(t.begin);
    sf_free(t.point);
    return status;
}
