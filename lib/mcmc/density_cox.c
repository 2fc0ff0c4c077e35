/* density_cox.c - the log-Gaussian Cox process on a square of n x n cells (Moller, Syversveen &
 * Waagepetersen 1998, doi:10.1111/1467-9469.00115): the logarithm x of the intensity is
 * N(mean, C), C = variance exp(-distance/length), and cell i has a Poisson number y_i of points of
 * mean a exp(x_i), a its area; log f = log N(x; mean, C) + sum y_i x_i - a exp(x_i).
 *
 * In x: with C = L L^T the normal part is that of z = L^-1 (x - mean), and its score -L^-T z.
 * In round coordinates z, x = centre + F z with (F F^T)^-1 = C^-1 + diag(w): the normal part is
 *     -(|z|^2 - sum w d^2)/2 - sum g d,  d = F z,  g = C^-1 (centre - mean),
 * up to a number, and a score s of x becomes F^T s; so C^-1 is not needed. The prior's own white
 * coordinates have w = 0 and centre = mean, and those of Laplace's approximation around any point
 * w = a exp(x) there. Either way there are two products with a triangle. */
#include "base/elementary.h"
#include "base/internal.h"
#include "mcmc/lanes.h"
#include "mcmc/triangle.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_math.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

typedef struct cox {
    size_t n;
    sf_cox_options options;
    double area, log_norm;
    double *count;         /* y: n */
    sf_triangle *triangle; /* L^-1, or in round coordinates F, */
    double *centre;        /* and n each */
    double *slope;         /* g */
    double *curvature;     /* w */
} cox;

static void cox_destroy(void *self)
{
    cox *c = self;

    if (c == NULL) return;
    sf_free(c->count);
    sf_triangle_release(&c->triangle);
    sf_free(c->centre);
    sf_free(c->slope);
    sf_free(c->curvature);
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

/* sum w d^2/2 - g d, and in `score` its gradient; d becomes x = centre + d. */
SF_VECTOR_CLONES static double leave_round(const cox *c, double *restrict d, double *restrict score)
{
    const double *restrict centre = c->centre, *restrict g = c->slope, *restrict w = c->curvature;
    const size_t whole = c->n - c->n % SF_LANES;
    double lane[SF_LANES] = {0.0};

    for (size_t i = 0; i < c->n; i++) score[i] = w[i] * d[i] - g[i];
    for (size_t i = 0; i < whole; i += SF_LANES)
        for (size_t l = 0; l < SF_LANES; l++) lane[l] += 0.5 * d[i + l] * (score[i + l] - g[i + l]);
    for (size_t i = whole; i < c->n; i++) lane[i - whole] += 0.5 * d[i] * (score[i] - g[i]);
    for (size_t i = 0; i < c->n; i++) d[i] += centre[i];
    return sf_lanes_total(lane);
}

/* The score is F^T s - z. `x` and `s` are room for a batch each. */
static sf_status evaluate_round(const cox *c, size_t batch, const double *z, double *log_density,
                                double *x, double *s)
{
    const size_t n = c->n;

    SF_TRY(sf_triangle_apply(c->triangle, batch, z, x));
    for (size_t b = 0; b < batch; b++) {
        log_density[b] = c->log_norm - 0.5 * sf_lanes_square(n, z + b * n) +
                         leave_round(c, x + b * n, s + b * n);
        log_density[b] += likelihood(n, c->area, c->count, x + b * n, s + b * n);
    }
    SF_TRY(sf_triangle_transposed(c->triangle, batch, s, s));
    for (size_t i = 0; i < batch * n; i++) s[i] -= z[i];
    return SF_OK;
}

/* z = L^-1 (x - mean); the score is -L^-T z and the likelihood's. */
static sf_status evaluate_plain(const cox *c, size_t batch, const double *x, double *log_density,
                                double *z, double *s)
{
    const size_t n = c->n;

    for (size_t i = 0; i < batch * n; i++) z[i] = x[i] - c->options.mean;
    SF_TRY(sf_triangle_apply(c->triangle, batch, z, z));
    for (size_t b = 0; b < batch; b++)
        log_density[b] = c->log_norm - 0.5 * sf_lanes_square(n, z + b * n);
    SF_TRY(sf_triangle_transposed(c->triangle, batch, z, s));
    for (size_t i = 0; i < batch * n; i++) s[i] = -s[i];
    for (size_t b = 0; b < batch; b++)
        log_density[b] += likelihood(n, c->area, c->count, x + b * n, s + b * n);
    return SF_OK;
}

static sf_status cox_evaluate(const void *self, size_t batch, const double *x, double *log_density,
                              double *score)
{
    const cox *c = self;
    double *other = NULL, *room = NULL, *s = score;
    sf_status status;

    SF_GO(sf_allocate(&other, batch, c->n * sizeof *other));
    if (score == NULL) SF_GO(sf_allocate(&room, batch, c->n * sizeof *room));
    if (score == NULL) s = room;
    if (c->centre != NULL)
        SF_GO(evaluate_round(c, batch, x, log_density, other, s));
    else
        SF_GO(evaluate_plain(c, batch, x, log_density, other, s));
done:
    sf_free(other);
    sf_free(room);
    return status;
}

static size_t cox_together(const void *self)
{
    (void)self;
    return SF_TRIANGLE_POINTS;
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

/* What annealing starts from: the prior, or in round coordinates what makes them round. */
static sf_status cox_base(const void *self, sf_density **base)
{
    const cox *c = self;
    double *mean = NULL, *covariance = NULL;
    sf_status status;

    *base = NULL;
    if (c->centre != NULL) return sf_density_gaussian(c->n, NULL, NULL, base);
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

/* L in the lower triangle of `a`. */
static sf_status factorise(const cox *c, double *a)
{
    const lapack_int order = (lapack_int)c->n;

    fill_covariance(&c->options, c->n, a);
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', order, a, order) == 0) return SF_OK;
    return sf_fail(SF_ERR_NUMERIC,
                   "the covariance of a Cox process with a length of %g over %zu x %zu cells is "
                   "not positive definite in double precision; take a shorter one",
                   c->options.length, c->options.grid, c->options.grid);
}

static sf_status make_triangle(cox *c)
{
    const size_t n = c->n;
    const lapack_int order = (lapack_int)n;
    double *a = NULL;
    sf_status status;

    SF_GO(sf_allocate(&a, n, n * sizeof *a));
    SF_GO(factorise(c, a));
    c->log_norm = -0.5 * (double)n * log(2.0 * M_PI);
    for (size_t i = 0; i < n && c->centre == NULL; i++) c->log_norm -= log(a[i * n + i]);
    if (c->centre == NULL && LAPACKE_dtrtri(LAPACK_ROW_MAJOR, 'L', 'N', order, a, order) != 0)
        SF_GO(sf_fail(SF_ERR_LIBRARY, "LAPACK cannot invert a triangle it has made"));
    status = sf_triangle_create(n, a, &c->triangle);
done:
    sf_free(a);
    return status;
}

/* (L L^T)^-1 of the lower triangle in `a`: in its place, and mirrored. */
static sf_status invert_product(size_t n, double *a)
{
    const lapack_int order = (lapack_int)n;

    if (LAPACKE_dpotri(LAPACK_ROW_MAJOR, 'L', order, a, order) != 0)
        return sf_fail(SF_ERR_NUMERIC, "a triangle of %zu rows has no inverse", n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) a[j * n + i] = a[i * n + j];
    return SF_OK;
}

/* C^-1 + diag(a exp(x)) */
static sf_status cox_precision(const void *self, const double *x, double *precision)
{
    const cox *c = self;

    SF_TRY(factorise(c, precision));
    SF_TRY(invert_product(c->n, precision));
    for (size_t i = 0; i < c->n; i++) precision[i * (c->n + 1)] += c->area * exp(x[i]);
    return SF_OK;
}

static const sf_density_methods round_methods = {
    .name = "cox",
    .evaluate = cox_evaluate,
    .destroy = cox_destroy,
    .base = cox_base,
    .together = cox_together,
};

/* ---- round coordinates ---------------------------------------------------------------------- */

#define SAME 1e-11 /* of the diagonal's size: rounding, for differences would not be as near */

/* Whether (F F^T)^-1 is C^-1 + diag(w), and w. */
static bool is_round(size_t n, const double *precision, const double *prior, double *w)
{
    for (size_t i = 0; i < n; i++) {
        w[i] = precision[i * (n + 1)] - prior[i * (n + 1)];
        for (size_t j = 0; j < i; j++)
            if (!(fabs(precision[i * n + j] - prior[i * n + j]) <=
                  SAME * sqrt(precision[i * (n + 1)] * precision[j * (n + 1)])))
                return false;
    }
    return true;
}

static sf_status allocate_round(cox *c)
{
    SF_TRY(sf_allocate(&c->centre, c->n, sizeof *c->centre));
    SF_TRY(sf_allocate(&c->slope, c->n, sizeof *c->slope));
    return sf_allocate(&c->curvature, c->n, sizeof *c->curvature);
}

/* A copy of `from` around `centre`, without its triangle and its w. */
static sf_status start_round(const cox *from, const double *centre, const double *prior, cox **made)
{
    const size_t n = from->n;
    cox *c;

    SF_TRY(sf_copy_memory(from, 1, sizeof *from, made));
    c = *made;
    c->count = c->centre = c->slope = c->curvature = NULL;
    c->triangle = NULL;
    SF_TRY(sf_copy_memory(from->count, n, sizeof *from->count, &c->count));
    SF_TRY(allocate_round(c));
    memcpy(c->centre, centre, n * sizeof *centre);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            c->slope[i] += prior[i * n + j] * (centre[j] - c->options.mean);
        c->log_norm -= 0.5 * c->slope[i] * (centre[i] - c->options.mean);
    }
    return SF_OK;
}

static sf_status cox_affine(const void *self, const double *mean, const double *factor,
                            sf_density **affine)
{
    const cox *from = self;
    const size_t n = from->n;
    double *prior = NULL, *precision = NULL;
    cox *c = NULL;
    sf_status status;

    *affine = NULL;
    SF_GO(sf_allocate(&prior, n, n * sizeof *prior));
    SF_GO(sf_copy_memory(factor, n * n, sizeof *factor, &precision));
    SF_GO(factorise(from, prior));
    SF_GO(invert_product(n, prior));
    SF_GO(invert_product(n, precision));
    SF_GO(start_round(from, mean, prior, &c));
    if (!is_round(n, precision, prior, c->curvature)) goto done;
    for (size_t i = 0; i < n; i++) c->log_norm += log(factor[i * (n + 1)]);
    SF_GO(sf_triangle_create(n, factor, &c->triangle));
    status = sf_density_create(&round_methods, c, n, affine);
    c = NULL;
done:
    sf_free(prior);
    sf_free(precision);
    cox_destroy(c);
    return status;
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

static const sf_density_methods cox_methods = {
    .name = "cox",
    .evaluate = cox_evaluate,
    .destroy = cox_destroy,
    .base = cox_base,
    .together = cox_together,
    .precision = cox_precision,
    .affine = cox_affine,
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
    SF_GO(count_points(c, count, points));
    if (options->whitened) SF_GO(allocate_round(c));
    for (size_t i = 0; i < cells && options->whitened; i++) c->centre[i] = c->options.mean;
    SF_GO(make_triangle(c));
    return sf_density_create(options->whitened ? &round_methods : &cox_methods, c, cells, density);
done:
    cox_destroy(c);
    return status;
}
