/* pareto.c - the shape k of a generalised Pareto law, P(X > x) = (1 + k x/sigma)^(-1/k), for the
 * largest weights: their moments exist below order 1/k (Vehtari et al. 2024, JMLR 25:72). The fit
 * is a mean over a profile likelihood (Zhang & Stephens 2009, doi:10.1198/tech.2009.08017), drawn a
 * little towards 1/2 as ten more weights of that shape would. */
#include "free_energy/estimate.h"

#include <gsl/gsl_sort.h>

#define FEWEST      5
#define PRIOR_COUNT 10.0
#define PRIOR_SHAPE 0.5
#define PRIOR_SCALE 3.0 /* Zhang & Stephens' recommendation */
#define LEAST_NODES 30

/* The likeliest shape, given theta = -k/sigma. */
static double shape_at(double theta, const double *x, size_t count)
{
    sf_sum sum = {0.0, 0.0};

    for (size_t i = 0; i < count; i++) sf_sum_add(&sum, log1p(-theta * x[i]));
    return sf_sum_value(&sum) / (double)count;
}

/* x increasing, x[0] >= 0, x[count - 1] > 0; likelihood and theta have room for `nodes`. */
static double fit(const double *x, size_t count, size_t nodes, double *theta, double *likelihood)
{
    const double n = (double)count, quartile = x[(size_t)(n / 4.0 + 0.5) - 1];
    double best = -INFINITY, sum = 0.0, mean = 0.0;

    for (size_t j = 0; j < nodes; j++) {
        const double spread = 1.0 - sqrt((double)nodes / ((double)j + 0.5));
        double k;

        theta[j] = 1.0 / x[count - 1] + spread / (PRIOR_SCALE * quartile);
        k = shape_at(theta[j], x, count);
        likelihood[j] = n * (log(-theta[j] / k) - k - 1.0);
        best = fmax(best, likelihood[j]);
    }
    for (size_t j = 0; j < nodes; j++) {
        const double weight = exp(likelihood[j] - best);

        if (!(weight > 0.0)) continue; /* theta = 0 within rounding is NaN */
        sum += weight;
        mean += weight * theta[j];
    }
    return shape_at(mean / sum, x, count);
}

sf_status sf_pareto_k(const double *log_weight, size_t count, double shift, double *k)
{
    const double n = (double)count;
    const size_t tail = (size_t)ceil(fmin(0.2 * n, 3.0 * sqrt(n)));
    const size_t nodes = LEAST_NODES + (size_t)sqrt((double)tail);
    double *top, *work = NULL, threshold;
    sf_status status = SF_OK;

    *k = NAN;
    if (tail < FEWEST) return SF_OK;
    SF_TRY(sf_allocate(&top, count, sizeof *top));
    SF_GO(sf_allocate(&work, 2 * nodes, sizeof *work));
    for (size_t i = 0; i < count; i++)
        top[i] = log_weight[i] > -INFINITY ? exp(log_weight[i] - shift) : 0.0;
    gsl_sort(top, 1, count);
    threshold = top[count - tail - 1];
    for (size_t i = count - tail; i < count; i++) top[i] -= threshold;
    /* a quartile of zero: too many equal weights for a tail */
    if (top[count - tail + (size_t)((double)tail / 4.0 + 0.5) - 1] > 0.0)
        *k = (((double)tail * fit(top + count - tail, tail, nodes, work, work + nodes)) +
              PRIOR_COUNT * PRIOR_SHAPE) /
             ((double)tail + PRIOR_COUNT);
done:
    sf_free(top);
    sf_free(work);
    return status;
}
