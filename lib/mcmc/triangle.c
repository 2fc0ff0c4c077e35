/* triangle.c - products with a lower triangle. Eight points lie side by side in a vector, so that a
 * number of the matrix serves all of them, and four rows of it are taken at once, so that a number
 * of the points serves four of the matrix. Each point's sums are in one order, whatever its place.
 */
#include "mcmc/triangle.h"

#include "base/internal.h"

enum { POINTS = SF_TRIANGLE_POINTS, ROWS = 4 };

typedef double points __attribute__((vector_size(POINTS * sizeof(double))));

static void gather(size_t n, size_t count, const double *x, points *side)
{
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < n; i++) side[i][p] = x[p * n + i];
}

static void scatter(size_t n, size_t count, const points *side, double *x)
{
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < n; i++) x[p * n + i] = side[i][p];
}

/* Four rows from row i on, up to column i; the corner behind it is short. */
SF_VECTOR_CLONES static void apply(size_t n, const double *restrict a, const points *restrict x,
                                   points *restrict out)
{
    size_t i = 0;

    for (; i + ROWS <= n; i += ROWS) {
        const double *row = a + i * n;
        points s0 = {0.0}, s1 = {0.0}, s2 = {0.0}, s3 = {0.0};

        for (size_t j = 0; j < i; j++) {
            s0 += row[j] * x[j];
            s1 += row[n + j] * x[j];
            s2 += row[2 * n + j] * x[j];
            s3 += row[3 * n + j] * x[j];
        }
        out[i] = s0;
        out[i + 1] = s1;
        out[i + 2] = s2;
        out[i + 3] = s3;
        for (size_t r = 0; r < ROWS; r++)
            for (size_t j = i; j <= i + r; j++) out[i + r] += row[r * n + j] * x[j];
    }
    for (; i < n; i++) {
        points s = {0.0};

        for (size_t j = 0; j <= i; j++) s += a[i * n + j] * x[j];
        out[i] = s;
    }
}

SF_VECTOR_CLONES static void transposed(size_t n, const double *restrict a,
                                        const points *restrict x, points *restrict out)
{
    const points zero = {0.0};
    size_t i = 0;

    for (size_t j = 0; j < n; j++) out[j] = zero;
    for (; i + ROWS <= n; i += ROWS) {
        const double *row = a + i * n;
        const points x0 = x[i], x1 = x[i + 1], x2 = x[i + 2], x3 = x[i + 3];

        for (size_t j = 0; j < i; j++)
            out[j] += (row[j] * x0 + row[n + j] * x1) + (row[2 * n + j] * x2 + row[3 * n + j] * x3);
        for (size_t r = 0; r < ROWS; r++)
            for (size_t j = i; j <= i + r; j++) out[j] += row[r * n + j] * x[i + r];
    }
    for (; i < n; i++)
        for (size_t j = 0; j <= i; j++) out[j] += a[i * n + j] * x[i];
}

typedef void product(size_t n, const double *a, const points *x, points *out);

static sf_status multiply(product *of, size_t n, const double *a, size_t batch, const double *x,
                          double *out)
{
    points *side;

    SF_TRY(sf_allocate(&side, n, 2 * sizeof *side));
    for (size_t b = 0; b < batch; b += POINTS) {
        const size_t count = batch - b < POINTS ? batch - b : POINTS;

        gather(n, count, x + b * n, side);
        of(n, a, side, side + n);
        scatter(n, count, side + n, out + b * n);
    }
    sf_free(side);
    return SF_OK;
}

sf_status sf_triangle_apply(size_t n, const double *a, size_t batch, const double *x, double *out)
{
    return multiply(apply, n, a, batch, x, out);
}

sf_status sf_triangle_transposed(size_t n, const double *a, size_t batch, const double *x,
                                 double *out)
{
    return multiply(transposed, n, a, batch, x, out);
}
