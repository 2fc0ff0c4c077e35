/* mixture_components.c - a mixture's components in their own axes: C = Q diag(variance) Q^T. */
#include "prior/mixture.h"

#include "base/internal.h"

#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

void sf_components_release(sf_components **components)
{
    sf_components *c = *components;

    if (c == NULL) return;
    sf_free(c->log_weight);
    sf_free(c->upto);
    sf_free(c->mean);
    sf_free(c->variance);
    sf_free(c->axis);
    sf_free(c);
    *components = NULL;
}

void sf_components_from_axes(const sf_components *c, size_t k, const double *y, double *out)
{
    const size_t n = c->n;

    if (c->axis == NULL) {
        memcpy(out, y, n * sizeof *out);
        return;
    }
    memset(out, 0, n * sizeof *out);
    for (size_t j = 0; j < n; j++) {
        const double *axis = c->axis + (k * n + j) * n;

        for (size_t i = 0; i < n; i++) out[i] += y[j] * axis[i];
    }
}

void sf_components_to_axes(const sf_components *c, size_t k, const double *x, double *out)
{
    const size_t n = c->n;

    if (c->axis == NULL) {
        memcpy(out, x, n * sizeof *out);
        return;
    }
    for (size_t j = 0; j < n; j++) {
        const double *axis = c->axis + (k * n + j) * n;
        double sum = 0.0;

#pragma omp simd reduction(+ : sum)
        for (size_t i = 0; i < n; i++) sum += axis[i] * x[i];
        out[j] = sum;
    }
}

/* ---- creation -------------------------------------------------------------------------------- */

static sf_status check_symmetric(size_t n, size_t k, const double *c)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (fabs(c[i * n + j] - c[j * n + i]) > 1e-12 * sqrt(fabs(c[i * n + i] * c[j * n + j])))
                return sf_fail(SF_ERR_NUMERIC,
                               "a covariance is symmetric, but entry (%zu, %zu) of that of "
                               "component %zu is %g and its mirror %g",
                               i, j, k, c[i * n + j], c[j * n + i]);
    return SF_OK;
}

/* What rounding leaves of a variance of 0 may be negative, and is 0. */
static sf_status check_variances(size_t n, size_t k, bool rounded, double *variance)
{
    double largest = 0.0;

    for (size_t i = 0; i < n; i++) largest = fmax(largest, variance[i]);
    for (size_t i = 0; i < n; i++) {
        if (variance[i] < (rounded ? -16.0 * (double)n * DBL_EPSILON * largest : 0.0))
            return sf_fail(SF_ERR_NUMERIC,
                           "component %zu of a mixture has a variance of %g along an axis; none is "
                           "negative",
                           k, variance[i]);
        variance[i] = fmax(variance[i], 0.0);
    }
    return SF_OK;
}

static sf_status find_axes(const sf_mixture *m, size_t k, sf_components *c)
{
    const size_t n = m->dimension;
    double *axis = c->axis + k * n * n;

    SF_TRY(check_symmetric(n, k, m->covariance + k * n * n));
    memcpy(axis, m->covariance + k * n * n, n * n * sizeof *axis);
    if (LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', (lapack_int)n, axis, (lapack_int)n,
                       c->variance + k * n) == 0)
        return check_variances(n, k, true, c->variance + k * n);
    return sf_fail(SF_ERR_LIBRARY,
                   "LAPACK finds no eigenvectors of the covariance of component "
                   "%zu of a mixture",
                   k);
}

static sf_status take_covariances(const sf_mixture *m, sf_components *c)
{
    const size_t n = m->dimension;

    for (size_t k = 0; k < m->count; k++) {
        if (m->kind == SF_COVARIANCE_FULL) {
            SF_TRY(find_axes(m, k, c));
            continue;
        }
        for (size_t i = 0; i < n; i++)
            c->variance[k * n + i] =
                m->kind == SF_COVARIANCE_ROUND ? m->covariance[k] : m->covariance[k * n + i];
        SF_TRY(check_variances(n, k, false, c->variance + k * n));
    }
    return SF_OK;
}

static sf_status take_weights(const sf_mixture *m, sf_components *c)
{
    double largest = 0.0, sum = 0.0;

    for (size_t k = 0; k < m->count; k++) {
        if (!(m->weight[k] >= 0.0) || !isfinite(m->weight[k]))
            return sf_fail(SF_ERR_ARGUMENT,
                           "component %zu of a mixture has the weight %g; it is finite and not "
                           "negative",
                           k, m->weight[k]);
        largest = fmax(largest, m->weight[k]);
    }
    if (largest == 0.0)
        return sf_fail(SF_ERR_ARGUMENT, "all %zu weights of a mixture are 0", m->count);
    for (size_t k = 0; k < m->count; k++) sum += m->weight[k] / largest;
    for (size_t k = 0; k < m->count; k++) {
        const double share = m->weight[k] / largest / sum;

        c->log_weight[k] = log(share);
        c->upto[k] = share + (k > 0 ? c->upto[k - 1] : 0.0);
    }
    return SF_OK;
}

static sf_status check_numbers(const sf_mixture *m)
{
    const size_t n = m->dimension;
    const size_t each = m->kind == SF_COVARIANCE_ROUND  ? 1
                        : m->kind == SF_COVARIANCE_FULL ? n * n
                                                        : n;

    if (n > INT32_MAX)
        return sf_fail(SF_ERR_MEMORY, "a mixture in %zu dimensions is more than memory holds", n);
    SF_TRY(sf_check_finite(m->mean, m->count * n, "the means of a mixture"));
    return sf_check_finite(m->covariance, m->count * each, "the covariances of a mixture");
}

sf_status sf_components_create(const sf_mixture *m, sf_components **components)
{
    sf_components *c = NULL;
    const size_t means = m->count * m->dimension;
    sf_status status;

    *components = NULL;
    SF_TRY(check_numbers(m));
    SF_TRY(sf_allocate(&c, 1, sizeof *c));
    c->n = m->dimension;
    c->count = m->count;
    SF_GO(sf_allocate(&c->log_weight, m->count, sizeof *c->log_weight));
    SF_GO(sf_allocate(&c->upto, m->count, sizeof *c->upto));
    SF_GO(sf_copy_memory(m->mean, means, sizeof *m->mean, &c->mean));
    SF_GO(sf_allocate(&c->variance, means, sizeof *c->variance));
    if (m->kind == SF_COVARIANCE_FULL)
        SF_GO(sf_allocate(&c->axis, means, m->dimension * sizeof *c->axis));
    SF_GO(take_weights(m, c));
    SF_GO(take_covariances(m, c));
    *components = c;
    return SF_OK;
done:
    sf_components_release(&c);
    return status;
}
