/* density_cox.c - the log-Gaussian Cox process on a square of n x n cells (Moller, Syversveen &
 * Waagepetersen 1998, doi:10.1111/1467-9469.00115): the logarithm x of the intensity is
 * N(mean, C), C = variance exp(-distance/length), and cell i has a Poisson number y_i of points of
 * mean a exp(x_i), a its area; log f = log N(x; mean, C) + sum y_i x_i - a exp(x_i).
 *
 * With C = L L^T: in x the normal part is that of z = L^-1 (x - mean), and its score -L^-T z; in
 * the white coordinates z, x = mean + L z, a score s of x becomes L^T s. Either needs one triangle.
 */
#include "base/elementary.h"
#include "base/internal.h"
#include "mcmc/lanes.h"
#include "mcmc/triangle.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_math.h>
#include <lapacke.h>
#include <math.h>

typedef struct cox {
    size_t n;
    sf_cox_options options;
    double area, log_norm;
    double *count;    /* y: n */
    double *triangle; /* L, or of x as it is L^-1 */
} cox;

static void cox_destroy(void *self)
{
    cox *c = self;

    if (c == NULL) return;
    sf_free(c->count);
    sf_free(c->triangle);
    sf_free(c);
}

/* ---- density -------------------------------------------------------------------------------- */

/* sum y x - a e^x; its gradient is added to `score`. */
SF_VECTOR_CLONES static double likelihood(size_t n, double area, const double *restrict y,
                                          const double *restrict x, double *restrict score)
{
    double lane[SF_LANES] = {0.0};
    size_t i = 0;

    for (; i + SF_LANES <= n; i += SF_LANES)
        for (size_t l = 0; l < SF_LANES; l++) {
            const double expected = area * sf_vector_exp(x[i + l]);

            lane[l] += y[i + l] * x[i + l] - expected;
            score[i + l] += y[i + l] - expected;
        }
    for (size_t l = 0; i < n; i++, l++) {
        const double expected = area * sf_vector_exp(x[i]);

        lane[l] += y[i] * x[i] - expected;
        score[i] += y[i] - expected;
    }
    return sf_lanes_total(lane);
}

/* x = mean + L z; the score is L^T s - z. `x` and `s` are room for a batch each. */
static sf_status evaluate_white(const cox *c, size_t batch, const double *z, double *log_density,
                                double *x, double *s)
{
    const size_t n = c->n;

    SF_TRY(sf_triangle_apply(n, c->triangle, batch, z, x));
    for (size_t i = 0; i < batch * n; i++) x[i] += c->options.mean;
    for (size_t b = 0; b < batch; b++)
        log_density[b] = likelihood(n, c->area, c->count, x + b * n, s + b * n) + c->log_norm -
                         0.5 * sf_lanes_square(n, z + b * n);
    SF_TRY(sf_triangle_transposed(n, c->triangle, batch, s, s));
    for (size_t i = 0; i < batch * n; i++) s[i] -= z[i];
    return SF_OK;
}

/* z = L^-1 (x - mean); the score is -L^-T z and the likelihood's. */
static sf_status evaluate_plain(const cox *c, size_t batch, const double *x, double *log_density,
                                double *z, double *s)
{
    const size_t n = c->n;

    for (size_t i = 0; i < batch * n; i++) z[i] = x[i] - c->options.mean;
    SF_TRY(sf_triangle_apply(n, c->triangle, batch, z, z));
    for (size_t b = 0; b < batch; b++)
        log_density[b] = c->log_norm - 0.5 * sf_lanes_square(n, z + b * n);
    SF_TRY(sf_triangle_transposed(n, c->triangle, batch, z, s));
    for (size_t i = 0; i < batch * n; i++) s[i] = -s[i];
    for (size_t b = 0; b < batch; b++)
        log_density[b] += likelihood(n, c->area, c->count, x + b * n, s + b * n);
    return SF_OK;
}

static sf_status cox_evaluate(const void *self, size_t batch, const double *x, double *log_density,
                              double *score)
{
    const cox *c = self;
    double *other = NULL, *s = NULL;
    sf_status status;

    SF_GO(sf_allocate(&other, batch, c->n * sizeof *other));
    SF_GO(sf_allocate(&s, batch, c->n * sizeof *s));
    if (c->options.whitened)
        SF_GO(evaluate_white(c, batch, x, log_density, other, s));
    else
        SF_GO(evaluate_plain(c, batch, x, log_density, other, s));
    for (size_t i = 0; score != NULL && i < batch * c->n; i++) score[i] = s[i];
done:
    sf_free(other);
    sf_free(s);
    return status;
}

/* ---- prior ---------------------------------------------------------------------------------- */

static double covariance_of(const sf_cox_options *o, size_t i, size_t j)
{
    const double down = (double)(i / o->grid) - (double)(j / o->grid);
    const double right = (double)(i % o->grid) - (double)(j % o->grid);

    return o->variance * exp(-hypot(down, right) / ((double)o->grid * o->length));
}

static void fill_covariance(const sf_cox_options *o, size_t n, double *covariance)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) covariance[i * n + j] = covariance_of(o, i, j);
}

/* What annealing starts from: the prior. */
static sf_status cox_base(const void *self, sf_density **base)
{
    const cox *c = self;
    double *mean = NULL, *covariance = NULL;
    sf_status status;

    *base = NULL;
    if (c->options.whitened) return sf_density_gaussian(c->n, NULL, NULL, base);
    SF_GO(sf_allocate(&mean, c->n, sizeof *mean));
    SF_GO(sf_allocate(&covariance, c->n, c->n * sizeof *covariance));
    for (size_t i = 0; i < c->n; i++) mean[i] = c->options.mean;
    fill_covariance(&c->options, c->n, covariance);
    status = sf_density_gaussian_dense(c->n, mean, covariance, base);
done:
    sf_free(mean);
    sf_free(covariance);
    return status;
}

static sf_status factorise(cox *c)
{
    const size_t n = c->n;
    const lapack_int order = (lapack_int)n;

    fill_covariance(&c->options, n, c->triangle);
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', order, c->triangle, order) != 0)
        return sf_fail(
            SF_ERR_NUMERIC,
            "the covariance of a Cox process with a length of %g over %zu x %zu cells is "
            "not positive definite in double precision; take a shorter one",
            c->options.length, c->options.grid, c->options.grid);
    c->log_norm = -0.5 * (double)n * log(2.0 * M_PI);
    if (c->options.whitened) return SF_OK;
    for (size_t i = 0; i < n; i++) c->log_norm -= log(c->triangle[i * n + i]);
    if (LAPACKE_dtrtri(LAPACK_ROW_MAJOR, 'L', 'N', order, c->triangle, order) != 0)
        return sf_fail(SF_ERR_LIBRARY, "LAPACK cannot invert a triangle it has made");
    return SF_OK;
}

/* ---- creation ------------------------------------------------------------------------------- */

sf_cox_options sf_cox_options_default(void)
{
    return (sf_cox_options){
        .grid = 40, .variance = 1.91, .length = 1.0 / 33.0, .mean = NAN, .whitened = false};
}

static sf_status check(size_t count, const sf_cox_options *o, size_t *cells, size_t *entries)
{
    if (o->grid == 0 || !sf_multiply_sizes(o->grid, o->grid, cells) || *cells > INT32_MAX ||
        !sf_multiply_sizes(*cells, *cells, entries))
        return sf_fail(SF_ERR_ARGUMENT, "a Cox process on %zu x %zu cells; 40 x 40 are usual",
                       o->grid, o->grid);
    if (!(o->variance > 0.0) || !isfinite(o->variance) || !(o->length > 0.0) ||
        !isfinite(o->length))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a Cox process of variance %g and length %g; both are positive and finite",
                       o->variance, o->length);
    if (isinf(o->mean) || (isnan(o->mean) && count == 0))
        return sf_fail(SF_ERR_ARGUMENT, "a Cox process of %zu points needs a finite mean", count);
    return SF_OK;
}

/* The number of points in every cell; x goes along rows. */
static sf_status count_points(cox *c, size_t count, const double *points)
{
    const size_t grid = c->options.grid;

    for (size_t p = 0; p < count; p++) {
        size_t cell[2];

        for (size_t a = 0; a < 2; a++) {
            const double at = points[2 * p + a];

            if (!(at >= 0.0) || !(at <= 1.0))
                return sf_fail(SF_ERR_ARGUMENT,
                               "point %zu of a Cox process, (%g, %g), is outside of the unit "
                               "square; scale the points",
                               p, points[2 * p], points[2 * p + 1]);
            cell[a] = at < 1.0 ? (size_t)(at * (double)grid) : grid - 1;
        }
        c->count[cell[1] * grid + cell[0]] += 1.0;
    }
    return SF_OK;
}

static size_t cox_together(const void *self)
{
    (void)self;
    return SF_TRIANGLE_POINTS;
}

static const sf_density_methods cox_methods = {
    .name = "cox",
    .evaluate = cox_evaluate,
    .destroy = cox_destroy,
    .base = cox_base,
    .together = cox_together,
};

sf_status sf_density_cox(size_t count, const double *points, const sf_cox_options *options,
                         sf_density **density)
{
    cox *c = NULL;
    size_t cells = 0, entries = 0;
    sf_status status;

    *density = NULL;
    SF_TRY(check(count, options, &cells, &entries));
    SF_TRY(sf_allocate(&c, 1, sizeof *c));
    c->n = cells;
    c->options = *options;
    c->area = 1.0 / (double)cells;
    if (isnan(options->mean)) c->options.mean = log((double)count) - 0.5 * options->variance;
    SF_GO(sf_allocate(&c->count, cells, sizeof *c->count));
    SF_GO(sf_allocate(&c->triangle, entries, sizeof *c->triangle));
    SF_GO(count_points(c, count, points));
    SF_GO(factorise(c));
    return sf_density_create(&cox_methods, c, cells, density);
done:
    cox_destroy(c);
    return status;
}
