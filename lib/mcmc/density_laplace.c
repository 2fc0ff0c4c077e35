/* density_laplace.c - the normal density around a mode (Laplace 1774; Tierney & Kadane 1986,
 * doi:10.1080/01621459.1986.10478240): the mode by GSL's BFGS ascent, the Hessian by what the
 * density knows or else by central differences of the score, its inverse's root by Cholesky
 * factors. */
#include "base/internal.h"
#include "mcmc/density.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_multimin.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#define MOST_ITERATIONS 5000
#define BATCH           64   /* points evaluated at once */
#define STEP            1e-4 /* of differences, times max(1, |x|) */

/* ---- the mode ------------------------------------------------------------------------------- */

typedef struct ascent {
    const sf_density *density;
    double *score;
    uint64_t evaluations;
    sf_status status; /* of the last evaluation that failed */
} ascent;

/* What GSL minimises: -log f, large outside of the support. */
static void evaluate(const gsl_vector *x, void *user, double *value, gsl_vector *gradient)
{
    ascent *a = user;
    double log_density = -INFINITY;
    const sf_status status = sf_density_evaluate(a->density, 1, x->data, &log_density, a->score);

    a->evaluations++;
    if (status != SF_OK) a->status = status;
    *value = isfinite(log_density) ? -log_density : 1e300;
    for (size_t i = 0; gradient != NULL && i < x->size; i++)
        gsl_vector_set(gradient, i, -a->score[i]);
}

static double value_only(const gsl_vector *x, void *user)
{
    double value;

    evaluate(x, user, &value, NULL);
    return value;
}

static void gradient_only(const gsl_vector *x, void *user, gsl_vector *gradient)
{
    double value;

    evaluate(x, user, &value, gradient);
}

static void both(const gsl_vector *x, void *user, double *value, gsl_vector *gradient)
{
    evaluate(x, user, value, gradient);
}

/* Up to a gradient of 1e-5 in every direction; where GSL finds no way on, up to 1e-2. */
static sf_status climb(gsl_multimin_fdfminimizer *m, ascent *a, sf_laplace *laplace)
{
    const double root = sqrt((double)laplace->dimension);
    int code = GSL_CONTINUE;

    while (code == GSL_CONTINUE && laplace->iterations < MOST_ITERATIONS) {
        laplace->iterations++;
        code = gsl_multimin_fdfminimizer_iterate(m);
        if (a->status != SF_OK) return a->status;
        if (code == GSL_SUCCESS) code = gsl_multimin_test_gradient(m->gradient, 1e-5 * root);
    }
    if (code != GSL_SUCCESS && gsl_multimin_test_gradient(m->gradient, 1e-2 * root) != GSL_SUCCESS)
        return sf_fail(SF_ERR_NUMERIC,
                       "no mode of density %s found: after %zu steps uphill log f is %g and still "
                       "rises",
                       sf_density_name(a->density), laplace->iterations, -m->f);
    memcpy(laplace->mode, m->x->data, laplace->dimension * sizeof *laplace->mode);
    laplace->log_z = -m->f;
    laplace->evaluations = a->evaluations;
    return SF_OK;
}

static sf_status find_mode(const sf_density *density, const double *start, sf_laplace *laplace)
{
    const size_t n = laplace->dimension;
    ascent a = {.density = density};
    gsl_multimin_function_fdf function = {value_only, gradient_only, both, n, &a};
    gsl_multimin_fdfminimizer *m =
        gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2, n);
    gsl_vector *x = gsl_vector_calloc(n);
    sf_status status;

    if (m == NULL || x == NULL)
        SF_GO(sf_fail(SF_ERR_MEMORY, "no memory for an ascent in %zu dimensions", n));
    SF_GO(sf_allocate(&a.score, n, sizeof *a.score));
    if (start != NULL) memcpy(x->data, start, n * sizeof *start);
    (void)gsl_multimin_fdfminimizer_set(m, &function, x, 0.1, 0.1);
    SF_GO(a.status);
    status = climb(m, &a, laplace);
done:
    if (m != NULL) gsl_multimin_fdfminimizer_free(m);
    if (x != NULL) gsl_vector_free(x);
    sf_free(a.score);
    return status;
}

/* ---- the curvature -------------------------------------------------------------------------- */

static double step_at(double x) { return STEP * fmax(1.0, fabs(x)); }

/* Rows first ... first + count - 1 of the Hessian, from points below and above the mode. */
static sf_status difference(const sf_density *density, const double *mode, size_t first,
                            size_t count, double *points, double *scores, double *hessian)
{
    const size_t n = sf_density_dimension(density);
    double log_density[2 * BATCH];

    for (size_t k = 0; k < 2 * count; k++) {
        memcpy(points + k * n, mode, n * sizeof *mode);
        points[k * n + first + k / 2] += (k % 2 == 0 ? -1.0 : 1.0) * step_at(mode[first + k / 2]);
    }
    SF_TRY(sf_density_evaluate(density, 2 * count, points, log_density, scores));
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < n; i++)
            hessian[(first + k) * n + i] = (scores[(2 * k + 1) * n + i] - scores[2 * k * n + i]) /
                                           (2.0 * step_at(mode[first + k]));
    return SF_OK;
}

/* Minus the Hessian, symmetric. */
static sf_status difference_all(const sf_density *density, const double *mode, double *precision)
{
    const size_t n = sf_density_dimension(density);
    double *points = NULL, *scores = NULL;
    sf_status status;

    SF_GO(sf_allocate(&points, 2 * (size_t)BATCH, n * sizeof *points));
    SF_GO(sf_allocate(&scores, 2 * (size_t)BATCH, n * sizeof *scores));
    for (size_t first = 0; first < n; first += BATCH)
        SF_GO(difference(density, mode, first, n - first < BATCH ? n - first : BATCH, points,
                         scores, precision));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            const double mean = -0.5 * (precision[i * n + j] + precision[j * n + i]);
            precision[i * n + j] = precision[j * n + i] = mean;
        }
done:
    sf_free(points);
    sf_free(scores);
    return status;
}

/* In the place of the factor. */
static sf_status find_precision(const sf_density *density, sf_laplace *laplace)
{
    if (sf_density_has_precision(density))
        return sf_density_precision(density, laplace->mode, laplace->factor);
    laplace->evaluations += 2 * laplace->dimension;
    return difference_all(density, laplace->mode, laplace->factor);
}

/* The precision in `factor` becomes L, and its upper triangle zero. */
static sf_status invert_root(const sf_density *density, sf_laplace *laplace)
{
    const size_t n = laplace->dimension;
    const lapack_int order = (lapack_int)n;
    double *l = laplace->factor;

    SF_TRY(sf_check_finite(l, n * n, "the Hessian at a mode"));
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', order, l, order) != 0)
        return sf_fail(SF_ERR_NUMERIC,
                       "the point that the ascent on density %s found is no mode: its Hessian is "
                       "not negative definite",
                       sf_density_name(density));
    if (LAPACKE_dpotri(LAPACK_ROW_MAJOR, 'L', order, l, order) != 0 ||
        LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', order, l, order) != 0)
        return sf_fail(SF_ERR_NUMERIC, "the Hessian of density %s at its mode cannot be inverted",
                       sf_density_name(density));
    for (size_t i = 0; i < n; i++) {
        laplace->log_z += log(l[i * n + i]) + 0.5 * log(2.0 * M_PI);
        memset(l + i * n + i + 1, 0, (n - i - 1) * sizeof *l);
    }
    return SF_OK;
}

sf_status sf_laplace_find(const sf_density *density, const double *start, sf_laplace *laplace)
{
    const size_t n = sf_density_dimension(density);
    size_t count;
    sf_status status;

    *laplace = (sf_laplace){.dimension = n};
    if (n > INT32_MAX || !sf_multiply_sizes(n, n, &count))
        return sf_fail(SF_ERR_MEMORY, "a Hessian in %zu dimensions is more than memory holds", n);
    SF_GO(sf_allocate(&laplace->mode, n, sizeof *laplace->mode));
    SF_GO(sf_allocate(&laplace->factor, count, sizeof *laplace->factor));
    SF_GO(find_mode(density, start, laplace));
    SF_GO(find_precision(density, laplace));
    status = invert_root(density, laplace);
done:
    if (status != SF_OK) sf_laplace_release(laplace);
    return status;
}

void sf_laplace_release(sf_laplace *laplace)
{
    if (laplace == NULL) return;
    sf_free(laplace->mode);
    sf_free(laplace->factor);
    *laplace = (sf_laplace){.dimension = 0};
}
