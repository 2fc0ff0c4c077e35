/* total_variation.c - the proximal step of isotropic total variation (Rudin, Osher & Fatemi 1992).
 *
 * With lambda = variance * strength, min_z |z - x|^2/2 + lambda sum |grad z| has the dual
 *     max |x|^2/2 - |x + lambda div p|^2/2   over vector fields with |p| <= 1 in every cell,
 * and z = x + lambda div p (Chambolle 2004). The dual is climbed by accelerated projected gradient
 * steps of 1/(8 lambda^2) (Beck & Teboulle 2009), restarted whenever the momentum points downhill
 * (O'Donoghue & Candes 2015). The duality gap is lambda sum(|grad z| - p . grad z), and strong
 * convexity bounds the error by it: |z - z*|^2 <= 2 gap. */
#include "base/internal.h"

#include <scorefield/prior.h>

#include <math.h>
#include <string.h>

#define MAX_ITERATIONS 100000
#define CHECK_EVERY    10
#define WORTH_THREADS  ((size_t)1 << 15) /* cells; below, waking threads takes longer */

typedef struct total_variation {
    sf_grid grid;
    double strength, tolerance;
} total_variation;

/* Arrays of (rows + 1) x stride, stride = columns + 1, so that no loop knows of boundaries: z
 * repeats its last row and column (their gradient is zero); p and q begin with a row and a column
 * of zeros (nothing flows in). */
typedef struct solver {
    size_t rows, columns, stride;
    double lambda;
    double *z;
    double *p[2], *q[2]; /* components along rows and columns; q: p with momentum */
    double *row_sum;     /* sums over rows, added up in order: the same bits on any threads */
    int threads;
} solver;

static void solver_free(solver *s)
{
    sf_free(s->z);
    for (int axis = 0; axis < 2; axis++) {
        sf_free(s->p[axis]);
        sf_free(s->q[axis]);
    }
    sf_free(s->row_sum);
}

static sf_status solver_allocate(solver *s, const sf_grid *grid, double lambda)
{
    const size_t rows = grid->shape[0], columns = grid->shape[1], stride = columns + 1;
    sf_status status;

    *s = (solver){.rows = rows, .columns = columns, .stride = stride, .lambda = lambda};
    s->threads = rows * columns >= WORTH_THREADS ? sf_thread_count() : 1;
    SF_GO(sf_allocate(&s->z, rows + 1, stride * sizeof *s->z));
    for (int axis = 0; axis < 2; axis++) {
        SF_GO(sf_allocate(&s->p[axis], rows + 1, stride * sizeof *s->p[axis]));
        SF_GO(sf_allocate(&s->q[axis], rows + 1, stride * sizeof *s->q[axis]));
    }
    SF_GO(sf_allocate(&s->row_sum, rows, sizeof *s->row_sum));
    return SF_OK;
done:
    solver_free(s);
    return status;
}

/* Where row i of a dual field begins. */
static double *dual_row(const solver *s, double *component, size_t i)
{
    return component + (i + 1) * s->stride + 1;
}

static double add_rows(const solver *s)
{
    double sum = 0.0;

    for (size_t i = 0; i < s->rows; i++) sum += s->row_sum[i];
    return sum;
}

/* z = x + lambda div d */
static void set_primal(solver *s, const double *x, double *const d[2])
{
    const size_t rows = s->rows, columns = s->columns, stride = s->stride;

#pragma omp parallel for num_threads(s->threads) schedule(static)
    for (size_t i = 0; i < rows; i++) {
        const double *const down = dual_row(s, d[0], i), *const up = down - stride;
        const double *const right = dual_row(s, d[1], i), *const left = right - 1;
        const double *const from = x + i * columns;
        double *const z = s->z + i * stride;
        for (size_t j = 0; j < columns; j++)
            z[j] = from[j] + s->lambda * ((down[j] - up[j]) + (right[j] - left[j]));
        z[columns] = z[columns - 1];
    }
    memcpy(s->z + rows * stride, s->z + (rows - 1) * stride, stride * sizeof *s->z);
}

/* p' = projection of q + grad z/(8 lambda), q' = p' + momentum (p' - p). Returns
 * (q - p') . (p' - p), positive where the momentum has begun to point downhill. */
static double ascend(solver *s, double momentum)
{
    const double step = 1.0 / (8.0 * s->lambda);

#pragma omp parallel for num_threads(s->threads) schedule(static)
    for (size_t i = 0; i < s->rows; i++) {
        const double *const z = s->z + i * s->stride, *const below = z + s->stride;
        double *const py = dual_row(s, s->p[0], i), *const px = dual_row(s, s->p[1], i);
        double *const qy = dual_row(s, s->q[0], i), *const qx = dual_row(s, s->q[1], i);
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < s->columns; j++) {
            const double y = qy[j] + step * (below[j] - z[j]);
            const double x = qx[j] + step * (z[j + 1] - z[j]);
            const double length = sqrt(y * y + x * x), shrink = 1.0 / (length > 1.0 ? length : 1.0);
            const double new_y = y * shrink, new_x = x * shrink;
            const double dy = new_y - py[j], dx = new_x - px[j];
            sum += (qy[j] - new_y) * dy + (qx[j] - new_x) * dx;
            qy[j] = new_y + momentum * dy;
            qx[j] = new_x + momentum * dx;
            py[j] = new_y;
            px[j] = new_x;
        }
        s->row_sum[i] = sum;
    }
    return add_rows(s);
}

/* The duality gap of p and of its z, which is left in s->z. */
static double duality_gap(solver *s, const double *x)
{
    set_primal(s, x, s->p);
#pragma omp parallel for num_threads(s->threads) schedule(static)
    for (size_t i = 0; i < s->rows; i++) {
        const double *const z = s->z + i * s->stride, *const below = z + s->stride;
        const double *const py = dual_row(s, s->p[0], i), *const px = dual_row(s, s->p[1], i);
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < s->columns; j++) {
            const double dy = below[j] - z[j], dx = z[j + 1] - z[j];
            sum += sqrt(dy * dy + dx * dx) - (py[j] * dy + px[j] * dx);
        }
        s->row_sum[i] = sum;
    }
    return s->lambda * add_rows(s);
}

static sf_status solve(solver *s, const double *x, double goal)
{
    const size_t size = s->rows * s->columns;
    double t = 1.0, error = INFINITY;

    for (int iteration = 0; iteration <= MAX_ITERATIONS; iteration++) {
        if (iteration % CHECK_EVERY == 0) {
            error = sqrt(2.0 * fmax(duality_gap(s, x), 0.0) / (double)size);
            if (error <= goal) return SF_OK;
        }
        const double next = 0.5 * (1.0 + sqrt(1.0 + 4.0 * t * t));
        set_primal(s, x, s->q);
        t = ascend(s, (t - 1.0) / next) > 0.0 ? 1.0 : next;
    }
    return sf_fail(
        SF_ERR_NUMERIC,
        "total variation: after %d iterations the error may still be %.2g where %.2g was "
        "asked for; give a larger tolerance or a smaller strength",
        MAX_ITERATIONS, error, goal);
}

static sf_status total_variation_prox(const void *self, size_t batch, const double *x,
                                      double variance, double *out)
{
    const total_variation *tv = self;
    const size_t size = sf_grid_size(&tv->grid);

    for (size_t b = 0; b < batch; b++, x += size, out += size) {
        solver s;
        SF_TRY(solver_allocate(&s, &tv->grid, variance * tv->strength));
        const sf_status status = solve(&s, x, tv->tolerance * sqrt(variance));
        for (size_t i = 0; i < s.rows; i++)
            memcpy(out + i * s.columns, s.z + i * s.stride, s.columns * sizeof *out);
        solver_free(&s);
        SF_TRY(status);
    }
    return SF_OK;
}

static const sf_prior_methods total_variation_methods = {
    .name = "total variation",
    .prox = total_variation_prox,
    .destroy = sf_free,
    .convex = true,
};

sf_status sf_prior_total_variation(const sf_grid *grid, double strength, double tolerance,
                                   sf_prior **prior)
{
    total_variation *self;

    *prior = NULL;
    if (grid->axes != 2)
        return sf_fail(SF_ERR_SHAPE, "total variation is for two axes, this grid has %d",
                       grid->axes);
    if (!(strength > 0.0) || !isfinite(strength))
        return sf_fail(SF_ERR_ARGUMENT, "total variation of strength %g: give one above 0",
                       strength);
    if (!(tolerance >= 1e-6 && tolerance <= 1.0))
        return sf_fail(SF_ERR_ARGUMENT, "total variation to a tolerance of %g: give 1e-6 to 1",
                       tolerance);
    SF_TRY(sf_allocate(&self, 1, sizeof *self));
    *self = (total_variation){*grid, strength, tolerance};
    return sf_prior_create(&total_variation_methods, self, grid, prior);
}
