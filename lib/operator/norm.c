/* norm.c - the largest singular value of an operator, by power iteration on A^T A. */
#include "base/internal.h"

#include <scorefield/operator.h>

#include <math.h>

#define MAX_ITERATIONS 1000

static double length(size_t count, const double *x)
{
    double sum = 0.0;

    for (size_t i = 0; i < count; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

static sf_status iterate(const sf_operator *op, double tolerance, double *v, double *w,
                         double *norm)
{
    const size_t size = sf_grid_size(sf_operator_domain(op));
    double scale = length(size, v), estimate = 0.0;

    for (int i = 0; i < MAX_ITERATIONS; i++) {
        const double previous = estimate;
        for (size_t j = 0; j < size; j++) v[j] /= scale;
        SF_TRY(sf_operator_normal(op, v, w));
        scale = length(size, w); /* |A^T A v| <= |A|^2 for the unit vector v */
        if (!isfinite(scale))
            return sf_fail(SF_ERR_NUMERIC, "operator %s: |A^T A v| is %g for a unit vector v",
                           sf_operator_name(op), scale);
        estimate = sqrt(scale);
        if (scale == 0.0 || fabs(estimate - previous) <= tolerance * estimate) break;
        double *const swap = v;
        v = w;
        w = swap;
    }
    *norm = estimate;
    return SF_OK;
}

sf_status sf_operator_norm(const sf_operator *op, double tolerance, double *norm)
{
    const size_t size = sf_grid_size(sf_operator_domain(op));
    double *v = NULL, *w = NULL;
    sf_status status;

    *norm = NAN;
    if (!(tolerance > 0.0 && tolerance < 1.0))
        return sf_fail(SF_ERR_ARGUMENT, "operator norm to a tolerance of %g: give one in (0, 1)",
                       tolerance);
    SF_GO(sf_allocate(&v, size, sizeof *v));
    SF_GO(sf_allocate(&w, size, sizeof *w));
    sf_random_normal(sf_random_make(1, 0), 0, 0, size, v);
    SF_GO(iterate(op, tolerance, v, w, norm));
done:
    sf_free(v);
    sf_free(w);
    return status;
}
