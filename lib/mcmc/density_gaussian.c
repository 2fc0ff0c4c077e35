/* density_gaussian.c - normalised Gaussians, of a diagonal or of any covariance C. The second one
 * holds L, C = L L^T, for draws, and L^-1 for scores. */
#include "base/internal.h"
#include "mcmc/lanes.h"
#include "mcmc/triangle.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_math.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

typedef struct gaussian {
    size_t n;
    double log_norm; /* of the density at its mean */
    double *mean;
    double *sigma, *precision;     /* diagonal: of each coordinate */
    sf_triangle *factor, *inverse; /* dense: L and L^-1 */
} gaussian;

static void gaussian_destroy(void *self)
{
    gaussian *g = self;

    if (g == NULL) return;
    sf_free(g->mean);
    sf_free(g->sigma);
    sf_free(g->precision);
    sf_triangle_release(&g->factor);
    sf_triangle_release(&g->inverse);
    sf_free(g);
}

static double gaussian_log_z(const void *self)
{
    (void)self;
    return 0.0;
}

static sf_status create(size_t n, const double *mean, gaussian **result)
{
    gaussian *g;
    sf_status status;

    *result = NULL;
    SF_TRY(sf_allocate(&g, 1, sizeof *g));
    g->n = n;
    SF_GO(sf_allocate(&g->mean, n, sizeof *g->mean));
    if (mean != NULL) {
        SF_GO(sf_check_finite(mean, n, "the mean of a Gaussian"));
        memcpy(g->mean, mean, n * sizeof *mean);
    }
    g->log_norm = -0.5 * (double)n * log(2.0 * M_PI);
    *result = g;
    return SF_OK;
done:
    gaussian_destroy(g);
    return status;
}

/* ---- diagonal ------------------------------------------------------------------------------- */

/* The score, and sum (x - mean)^2 precision. */
SF_VECTOR_CLONES static double diagonal_row(const gaussian *g, const double *restrict x,
                                            double *restrict score)
{
    const double *restrict mean = g->mean, *restrict precision = g->precision;
    double lane[SF_LANES] = {0.0};
    size_t i = 0;

    for (; i + SF_LANES <= g->n; i += SF_LANES)
        for (size_t l = 0; l < SF_LANES; l++) {
            const double off = mean[i + l] - x[i + l];

            score[i + l] = off * precision[i + l];
            lane[l] += off * score[i + l];
        }
    for (size_t l = 0; i < g->n; i++, l++) {
        score[i] = (mean[i] - x[i]) * precision[i];
        lane[l] += (mean[i] - x[i]) * score[i];
    }
    return sf_lanes_total(lane);
}

static sf_status diagonal_evaluate(const void *self, size_t batch, const double *x,
                                   double *log_density, double *score)
{
    const gaussian *g = self;
    double *spare = NULL;

    if (score == NULL) SF_TRY(sf_allocate(&spare, g->n, sizeof *spare));
    for (size_t b = 0; b < batch; b++)
        log_density[b] = g->log_norm - 0.5 * diagonal_row(g, x + b * g->n,
                                                          score != NULL ? score + b * g->n : spare);
    sf_free(spare);
    return SF_OK;
}

static sf_status diagonal_draw(const void *self, sf_random random, uint64_t first, size_t batch,
                               double *x)
{
    const gaussian *g = self;

    sf_random_normal(random, 0, first * g->n, batch * g->n, x);
    for (size_t b = 0; b < batch; b++)
        for (size_t i = 0; i < g->n; i++)
            x[b * g->n + i] = g->mean[i] + g->sigma[i] * x[b * g->n + i];
    return SF_OK;
}

static const sf_density_methods diagonal_methods = {
    .name = "gaussian",
    .evaluate = diagonal_evaluate,
    .draw = diagonal_draw,
    .log_z = gaussian_log_z,
    .destroy = gaussian_destroy,
};

sf_status sf_density_gaussian(size_t dimension, const double *mean, const double *variance,
                              sf_density **density)
{
    gaussian *g;
    sf_status status;

    *density = NULL;
    for (size_t i = 0; variance != NULL && i < dimension; i++)
        if (!(variance[i] > 0.0) || !isfinite(variance[i]))
            return sf_fail(SF_ERR_ARGUMENT,
                           "variance %zu of a Gaussian is %g; it is positive and finite", i,
                           variance[i]);
    SF_TRY(create(dimension, mean, &g));
    SF_GO(sf_allocate(&g->sigma, dimension, sizeof *g->sigma));
    SF_GO(sf_allocate(&g->precision, dimension, sizeof *g->precision));
    for (size_t i = 0; i < dimension; i++) {
        g->sigma[i] = variance != NULL ? sqrt(variance[i]) : 1.0;
        g->precision[i] = variance != NULL ? 1.0 / variance[i] : 1.0;
        g->log_norm -= log(g->sigma[i]);
    }
    return sf_density_create(&diagonal_methods, g, dimension, density);
done:
    gaussian_destroy(g);
    return status;
}

/* ---- dense ---------------------------------------------------------------------------------- */

/* With z = L^-1 (x - mean): -|z|^2/2, and the score -L^-T z. */
static sf_status dense_evaluate(const void *self, size_t batch, const double *x,
                                double *log_density, double *score)
{
    const gaussian *g = self;
    const size_t n = g->n;
    double *z;
    sf_status status;

    SF_TRY(sf_allocate(&z, batch, n * sizeof *z));
    for (size_t b = 0; b < batch; b++)
        for (size_t i = 0; i < n; i++) z[b * n + i] = x[b * n + i] - g->mean[i];
    SF_GO(sf_triangle_apply(g->inverse, batch, z, z));
    for (size_t b = 0; b < batch; b++)
        log_density[b] = g->log_norm - 0.5 * sf_lanes_square(n, z + b * n);
    if (score == NULL) goto done;
    SF_GO(sf_triangle_transposed(g->inverse, batch, z, score));
    for (size_t i = 0; i < batch * n; i++) score[i] = -score[i];
done:
    sf_free(z);
    return status;
}

static sf_status dense_draw(const void *self, sf_random random, uint64_t first, size_t batch,
                            double *x)
{
    const gaussian *g = self;
    const size_t n = g->n;

    sf_random_normal(random, 0, first * n, batch * n, x);
    SF_TRY(sf_triangle_apply(g->factor, batch, x, x));
    for (size_t b = 0; b < batch; b++)
        for (size_t i = 0; i < n; i++) x[b * n + i] += g->mean[i];
    return SF_OK;
}

static size_t dense_together(const void *self)
{
    (void)self;
    return SF_TRIANGLE_POINTS;
}

static const sf_density_methods dense_methods = {
    .name = "gaussian",
    .evaluate = dense_evaluate,
    .draw = dense_draw,
    .together = dense_together,
    .log_z = gaussian_log_z,
    .destroy = gaussian_destroy,
};

static sf_status check_symmetric(size_t n, const double *c)
{
    SF_TRY(sf_check_finite(c, n * n, "the covariance of a Gaussian"));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (fabs(c[i * n + j] - c[j * n + i]) > 1e-12 * sqrt(fabs(c[i * n + i] * c[j * n + j])))
                return sf_fail(SF_ERR_NUMERIC,
                               "a covariance is symmetric, but entry (%zu, %zu) is %g and its "
                               "mirror %g",
                               i, j, c[i * n + j], c[j * n + i]);
    return SF_OK;
}

/* L, L^-1 and log det L from the covariance in `a`, which is overwritten. */
static sf_status factorise(gaussian *g, double *a)
{
    const size_t n = g->n;
    const lapack_int order = (lapack_int)n;

    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', order, a, order) != 0)
        return sf_fail(SF_ERR_NUMERIC,
                       "the covariance of a Gaussian in %zu dimensions is not positive definite",
                       n);
    for (size_t i = 0; i < n; i++) g->log_norm -= log(a[i * n + i]);
    SF_TRY(sf_triangle_create(n, a, &g->factor));
    if (LAPACKE_dtrtri(LAPACK_ROW_MAJOR, 'L', 'N', order, a, order) != 0)
        return sf_fail(SF_ERR_LIBRARY, "LAPACK cannot invert a triangle it has made");
    return sf_triangle_create(n, a, &g->inverse);
}

sf_status sf_density_gaussian_dense(size_t dimension, const double *mean, const double *covariance,
                                    sf_density **density)
{
    gaussian *g = NULL;
    double *a = NULL;
    size_t count;
    sf_status status;

    *density = NULL;
    if (dimension > INT32_MAX || !sf_multiply_sizes(dimension, dimension, &count))
        return sf_fail(SF_ERR_MEMORY, "a covariance in %zu dimensions is more than memory holds",
                       dimension);
    SF_TRY(check_symmetric(dimension, covariance));
    SF_GO(create(dimension, mean, &g));
    SF_GO(sf_copy_memory(covariance, count, sizeof *covariance, &a));
    SF_GO(factorise(g, a));
    sf_free(a);
    return sf_density_create(&dense_methods, g, dimension, density);
done:
    gaussian_destroy(g);
    sf_free(a);
    return status;
}
