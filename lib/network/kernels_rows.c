/* kernels_rows.c - loops over numbers in memory order: functions of one number, normalised rows,
 * and numbers that move. */
#include "base/internal.h"
#include "network/kernels.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* ---- functions of one number --------------------------------------------------------------- */

/* oneDNN has a logarithm, which is 3e-6 off near 1. */
static float point(sf_op operation, float x)
{
    switch (operation) {
    case SF_OP_SIN: return sinf(x);
    case SF_OP_COS: return cosf(x);
    case SF_OP_LOG: return logf(x);
    default: return erff(x);
    }
}

static float point_slope(sf_op operation, float x)
{
    switch (operation) {
    case SF_OP_SIN: return cosf(x);
    case SF_OP_COS: return -sinf(x);
    case SF_OP_LOG: return 1.0F / x;
    default: return (float)M_2_SQRTPI * expf(-x * x);
    }
}

static void run_point(const sf_kernel *kernel, float *const *data, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < kernel->count; i++) data[1][i] = point(kernel->operation, data[0][i]);
}

static void run_point_backward(const sf_kernel *kernel, float *const *data, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < kernel->count; i++)
        data[2][i] = data[1][i] * point_slope(kernel->operation, data[0][i]);
}

sf_status sf_kernel_point(sf_op operation, size_t count, bool backward, sf_kernel **kernel)
{
    SF_TRY(sf_allocate(kernel, 1, sizeof **kernel));
    (*kernel)->name = "loop:point";
    (*kernel)->run = backward ? run_point_backward : run_point;
    (*kernel)->operation = operation;
    (*kernel)->count = count;
    return SF_OK;
}

/* ---- rows ---------------------------------------------------------------------------------- */

typedef struct sf_moments {
    double mean, scale; /* scale = 1/sqrt(variance + epsilon) */
} sf_moments;

/* In two passes, so that a large mean takes no digits from the variance. */
static sf_moments moments_of(const float *x, size_t n, double epsilon)
{
    double sum = 0.0, squares = 0.0, mean;

    for (size_t i = 0; i < n; i++) sum += (double)x[i];
    mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)x[i] - mean;

        squares += d * d;
    }
    return (sf_moments){mean, 1.0 / sqrt(squares / (double)n + epsilon)};
}

static void normalise(const sf_kernel *kernel, float *const *data, int threads)
{
    const size_t n = kernel->row;

#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t row = 0; row < kernel->count; row += n) {
        const float *x = data[0] + row;
        const sf_moments m = moments_of(x, n, (double)kernel->factor);

        for (size_t i = 0; i < n; i++)
            data[1][row + i] = (float)(((double)x[i] - m.mean) * m.scale);
    }
}

/* With y the result and z its gradient: (z - mean z - y mean(z y)) scale. */
static void normalise_backward(const sf_kernel *kernel, float *const *data, int threads)
{
    const size_t n = kernel->row;

#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t row = 0; row < kernel->count; row += n) {
        const float *x = data[0] + row, *z = data[1] + row;
        const sf_moments m = moments_of(x, n, (double)kernel->factor);
        double sum = 0.0, product = 0.0;

        for (size_t i = 0; i < n; i++) {
            sum += (double)z[i];
            product += (double)z[i] * ((double)x[i] - m.mean) * m.scale;
        }
        for (size_t i = 0; i < n; i++) {
            const double y = ((double)x[i] - m.mean) * m.scale;

            data[2][row + i] = (float)(((double)z[i] - (sum + y * product) / (double)n) * m.scale);
        }
    }
}

sf_status sf_kernel_normalise(size_t count, size_t row, float epsilon, bool backward,
                              sf_kernel **kernel)
{
    SF_TRY(sf_allocate(kernel, 1, sizeof **kernel));
    (*kernel)->name = "loop:normalise";
    (*kernel)->run = backward ? normalise_backward : normalise;
    (*kernel)->count = count;
    (*kernel)->row = row;
    (*kernel)->factor = epsilon;
    return SF_OK;
}

/* ---- movement ------------------------------------------------------------------------------ */

/* Where line `line` (all axes but the last) of what is made begins in the source. */
static size_t line_start(const sf_kernel *kernel, size_t line)
{
    size_t start = 0;

    for (size_t axis = kernel->rank - 1; axis-- > 0;) {
        start += kernel->from[axis][line % kernel->size[axis]];
        line /= kernel->size[axis];
    }
    return start;
}

static size_t count_lines(const sf_kernel *kernel)
{
    size_t lines = 1;

    for (size_t axis = 0; axis + 1 < kernel->rank; axis++) lines *= kernel->size[axis];
    return lines;
}

static void move(const sf_kernel *kernel, float *const *data, int threads)
{
    const size_t n = kernel->size[kernel->rank - 1], lines = count_lines(kernel);
    const size_t *from = kernel->from[kernel->rank - 1];

#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t line = 0; line < lines; line++) {
        const float *source = data[0] + line_start(kernel, line);
        float *made = data[1] + line * n;

        for (size_t i = 0; i < n; i++) made[i] = kernel->factor * source[from[i]];
    }
}

/* One thread, in a fixed order. */
static void move_back(const sf_kernel *kernel, float *const *data, int threads)
{
    const size_t n = kernel->size[kernel->rank - 1], lines = count_lines(kernel);
    const size_t *from = kernel->from[kernel->rank - 1];

    (void)threads;
    memset(kernel->sum, 0, kernel->count * sizeof *kernel->sum);
    for (size_t line = 0; line < lines; line++) {
        double *sum = kernel->sum + line_start(kernel, line);
        const float *made = data[0] + line * n;

        for (size_t i = 0; i < n; i++) sum[from[i]] += (double)made[i];
    }
    for (size_t i = 0; i < kernel->count; i++)
        data[1][i] = (float)((double)kernel->factor * kernel->sum[i]);
}

static void move_back_once(const sf_kernel *kernel, float *const *data, int threads)
{
    const size_t n = kernel->size[kernel->rank - 1], lines = count_lines(kernel);
    const size_t *from = kernel->from[kernel->rank - 1];

    memset(data[1], 0, kernel->count * sizeof *data[1]);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t line = 0; line < lines; line++) {
        float *source = data[1] + line_start(kernel, line);
        const float *made = data[0] + line * n;

        for (size_t i = 0; i < n; i++) source[from[i]] = kernel->factor * made[i];
    }
}

sf_status sf_kernel_movement(sf_movement *movement, bool adjoint, sf_kernel **kernel)
{
    sf_kernel *made;
    sf_status status;

    *kernel = NULL;
    SF_GO(sf_allocate(&made, 1, sizeof *made));
    made->name = "loop:movement";
    made->run = !adjoint ? move : movement->once ? move_back_once : move_back;
    made->count = movement->count;
    made->factor = movement->factor;
    made->rank = movement->rank;
    memcpy(made->size, movement->size, sizeof made->size);
    memcpy(made->from, movement->from, sizeof made->from);
    memset(movement->from, 0, sizeof movement->from);
    if (made->run == move_back) status = sf_allocate(&made->sum, made->count, sizeof *made->sum);
    if (status == SF_OK)
        *kernel = made;
    else
        sf_kernel_release(&made);
done:
    for (size_t i = 0; i < SF_TENSOR_MAX_RANK; i++) sf_free(movement->from[i]);
    return status;
}
