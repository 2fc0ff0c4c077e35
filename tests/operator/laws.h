/* laws.h - what every linear operator must satisfy, whoever wrote it. */
#ifndef SF_TESTS_OPERATOR_LAWS_H
#define SF_TESTS_OPERATOR_LAWS_H

#include <scorefield/operator.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static inline double *law_vector(size_t size, uint64_t sequence)
{
    double *v = malloc(size * sizeof *v);

    assert_non_null(v);
    sf_random_normal(sf_random_make(7, 0), sequence, 0, size, v);
    return v;
}

static inline double law_dot(size_t size, const double *a, const double *b)
{
    double sum = 0.0;

    for (size_t i = 0; i < size; i++) sum += a[i] * b[i];
    return sum;
}

static inline double law_distance(size_t size, const double *a, const double *b)
{
    double sum = 0.0;

    for (size_t i = 0; i < size; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum);
}

#define LAW_OK(call) assert_int_equal((call), SF_OK)

/* <A x, y> = <x, A^T y> to 1e-12 of |A x| |y|. */
static inline void law_adjoint(const sf_operator *op)
{
    const size_t n = sf_grid_size(sf_operator_domain(op)), m = sf_grid_size(sf_operator_range(op));
    double *x = law_vector(n, 0), *y = law_vector(m, 1), *ax = law_vector(m, 2);
    double *aty = law_vector(n, 3);

    LAW_OK(sf_operator_apply(op, x, ax));
    LAW_OK(sf_operator_adjoint(op, y, aty));
    const double scale = sqrt(law_dot(m, ax, ax) * law_dot(m, y, y));
    assert_true(fabs(law_dot(m, ax, y) - law_dot(n, x, aty)) <= 1e-12 * scale);
    free(x), free(y), free(ax), free(aty);
}

/* A (a x + b y) = a A x + b A y. */
static inline void law_linear(const sf_operator *op)
{
    const size_t n = sf_grid_size(sf_operator_domain(op)), m = sf_grid_size(sf_operator_range(op));
    const double a = 1.75, b = -0.3;
    double *x = law_vector(n, 0), *y = law_vector(n, 1), *z = law_vector(n, 2);
    double *ax = law_vector(m, 3), *ay = law_vector(m, 4), *az = law_vector(m, 5);

    for (size_t i = 0; i < n; i++) z[i] = a * x[i] + b * y[i];
    LAW_OK(sf_operator_apply(op, x, ax));
    LAW_OK(sf_operator_apply(op, y, ay));
    LAW_OK(sf_operator_apply(op, z, az));
    for (size_t i = 0; i < m; i++) ax[i] = a * ax[i] + b * ay[i];
    assert_true(law_distance(m, ax, az) <= 1e-13 * (sqrt(law_dot(m, az, az)) + 1.0));
    free(x), free(y), free(z), free(ax), free(ay), free(az);
}

/* normal(x) = A^T (A x), and it leaves its input alone. */
static inline void law_normal(const sf_operator *op)
{
    const size_t n = sf_grid_size(sf_operator_domain(op)), m = sf_grid_size(sf_operator_range(op));
    double *x = law_vector(n, 0), *same = law_vector(n, 0), *ax = law_vector(m, 1);
    double *atax = law_vector(n, 2), *z = law_vector(n, 3);

    LAW_OK(sf_operator_apply(op, x, ax));
    LAW_OK(sf_operator_adjoint(op, ax, atax));
    LAW_OK(sf_operator_normal(op, x, z));
    assert_true(law_distance(n, z, atax) <= 1e-13 * (sqrt(law_dot(n, atax, atax)) + 1.0));
    assert_memory_equal(x, same, n * sizeof *x);
    free(x), free(same), free(ax), free(atax), free(z);
}

/* The matrix of an operator, column by column (column-major). */
static inline double *law_matrix(const sf_operator *op)
{
    const size_t n = sf_grid_size(sf_operator_domain(op)), m = sf_grid_size(sf_operator_range(op));
    double *matrix = malloc(n * m * sizeof *matrix), *unit = calloc(n, sizeof *unit);

    assert_non_null(matrix);
    assert_non_null(unit);
    for (size_t j = 0; j < n; j++) {
        unit[j] = 1.0;
        LAW_OK(sf_operator_apply(op, unit, matrix + j * m));
        unit[j] = 0.0;
    }
    free(unit);
    return matrix;
}

/* The norm is the largest singular value of the matrix, by LAPACK. Power iteration comes from
 * below, and slowly where two singular values are close. */
static inline void law_norm(const sf_operator *op)
{
    const int n = (int)sf_grid_size(sf_operator_domain(op));
    const int m = (int)sf_grid_size(sf_operator_range(op));
    double *matrix = law_matrix(op), norm;
    double *values = law_vector((size_t)(n < m ? n : m), 0);

    assert_int_equal(
        LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', m, n, matrix, m, values, NULL, 1, NULL, 1), 0);
    LAW_OK(sf_operator_norm(op, 1e-9, &norm));
    assert_true(norm <= values[0] * (1.0 + 1e-12));
    assert_true(norm >= values[0] * (1.0 - 1e-3));
    free(matrix), free(values);
}

static inline void law_all(const sf_operator *op)
{
    law_adjoint(op);
    law_linear(op);
    law_normal(op);
    law_norm(op);
}

#endif
