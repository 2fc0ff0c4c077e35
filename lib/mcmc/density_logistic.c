/* density_logistic.c - Bayesian logistic regression: with t_i = s_i x_i . beta, s_i = 1 where
 * y_i = 1 and -1 where it is 0,
 *     log f = sum_j log N(beta_j; 0, sigma_j^2) - sum_i log(1 + exp(-t_i)),
 *     score_j = -beta_j/sigma_j^2 + sum_i s_i x_ij/(1 + exp(t_i)). */
#include "base/elementary.h"
#include "base/internal.h"
#include "mcmc/lanes.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_math.h>
#include <math.h>
#include <string.h>

typedef struct logistic {
    size_t n, rows;
    double log_norm;
    double *x;        /* n x rows: s_i x_ij */
    double *variance; /* n: sigma^2 */
} logistic;

static void logistic_destroy(void *self)
{
    logistic *l = self;

    if (l == NULL) return;
    sf_free(l->x);
    sf_free(l->variance);
    sf_free(l);
}

/* ---- density -------------------------------------------------------------------------------- */

/* sum of -log(1 + e^-t); t becomes 1/(1 + e^t). With e = e^-|t| nothing overflows. */
SF_VECTOR_CLONES static double likelihood(size_t rows, double *restrict t, double *restrict log_p)
{
    double lane[SF_LANES] = {0.0};
    size_t i = 0;

    for (size_t k = 0; k < rows; k++) {
        const double e = sf_vector_exp(-fabs(t[k]));

        log_p[k] = (t[k] < 0.0 ? t[k] : 0.0) - sf_vector_log(1.0 + e);
        t[k] = (t[k] < 0.0 ? 1.0 : e) / (1.0 + e);
    }
    for (; i + SF_LANES <= rows; i += SF_LANES)
        for (size_t l = 0; l < SF_LANES; l++) lane[l] += log_p[i + l];
    for (size_t l = 0; i < rows; i++, l++) lane[l] += log_p[i];
    return sf_lanes_total(lane);
}

SF_VECTOR_CLONES static void add_multiple(size_t n, double factor, const double *restrict x,
                                          double *restrict sum)
{
    for (size_t i = 0; i < n; i++) sum[i] += factor * x[i];
}

SF_VECTOR_CLONES static double product(size_t n, const double *x, const double *y)
{
    return sf_lanes_product(n, x, 0.0, y);
}

/* t and log_p are room for `rows` numbers each. */
static double evaluate_point(const logistic *l, const double *beta, double *t, double *log_p,
                             double *score)
{
    double log_f = l->log_norm;

    memset(t, 0, l->rows * sizeof *t);
    for (size_t j = 0; j < l->n; j++) {
        log_f -= 0.5 * beta[j] * beta[j] / l->variance[j];
        add_multiple(l->rows, beta[j], l->x + j * l->rows, t);
    }
    log_f += likelihood(l->rows, t, log_p);
    for (size_t j = 0; score != NULL && j < l->n; j++)
        score[j] = product(l->rows, l->x + j * l->rows, t) - beta[j] / l->variance[j];
    return log_f;
}

static sf_status logistic_evaluate(const void *self, size_t batch, const double *x,
                                   double *log_density, double *score)
{
    const logistic *l = self;
    double *room;

    SF_TRY(sf_allocate(&room, l->rows, 2 * sizeof *room));
    for (size_t b = 0; b < batch; b++)
        log_density[b] = evaluate_point(l, x + b * l->n, room, room + l->rows,
                                        score != NULL ? score + b * l->n : NULL);
    sf_free(room);
    return SF_OK;
}

/* What annealing starts from: the prior. */
static sf_status logistic_base(const void *self, sf_density **base)
{
    const logistic *l = self;

    return sf_density_gaussian(l->n, NULL, l->variance, base);
}

static const sf_density_methods logistic_methods = {
    .name = "logistic",
    .evaluate = logistic_evaluate,
    .destroy = logistic_destroy,
    .base = logistic_base,
};

/* ---- creation ------------------------------------------------------------------------------- */

sf_logistic_options sf_logistic_options_default(void)
{
    return (sf_logistic_options){.sigma = 1.0, .intercept = 1.0, .scale = 1.0};
}

static sf_status check(size_t rows, size_t predictors, const double *y,
                       const sf_logistic_options *o, size_t *values)
{
    const size_t n = predictors + (o->intercept > 0.0 ? 1 : 0);

    if (rows == 0 || n == 0 || !sf_multiply_sizes(rows, n, values))
        return sf_fail(SF_ERR_ARGUMENT, "logistic regression of %zu rows on %zu predictors", rows,
                       predictors);
    if (!(o->sigma > 0.0) || !isfinite(o->sigma) || !(o->intercept >= 0.0) ||
        !isfinite(o->intercept) || !(o->scale >= 0.0) || !isfinite(o->scale))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a prior of sigma %g, intercept %g and scale %g; the first is positive, the "
                       "others are not negative",
                       o->sigma, o->intercept, o->scale);
    for (size_t i = 0; i < rows; i++)
        if (y[i] != 0.0 && y[i] != 1.0)
            return sf_fail(SF_ERR_ARGUMENT,
                           "response %zu of a logistic regression is %g; it is 0 "
                           "or 1",
                           i, y[i]);
    return SF_OK;
}

/* To mean 0 and standard deviation `scale`; what does not vary is 0 then. */
static void standardise(size_t count, double scale, double *x)
{
    double mean = 0.0, square = 0.0;

    for (size_t i = 0; i < count; i++) mean += x[i] / (double)count;
    for (size_t i = 0; i < count; i++) square += (x[i] - mean) * (x[i] - mean) / (double)count;
    for (size_t i = 0; i < count; i++)
        x[i] = square > 1e-24 * mean * mean ? scale * (x[i] - mean) / sqrt(square) : 0.0;
}

static void fill(logistic *l, size_t predictors, const double *x, const double *y,
                 const sf_logistic_options *o)
{
    const size_t skip = l->n - predictors;

    for (size_t j = 0; j < l->n; j++) {
        double *column = l->x + j * l->rows;

        for (size_t i = 0; i < l->rows; i++)
            column[i] = j < skip ? 1.0 : x[i * predictors + j - skip];
        if (j >= skip && o->scale > 0.0) standardise(l->rows, o->scale, column);
        for (size_t i = 0; i < l->rows; i++)
            if (y[i] == 0.0) column[i] = -column[i];
        l->variance[j] = j < skip ? o->intercept * o->intercept : o->sigma * o->sigma;
        l->log_norm -= 0.5 * log(2.0 * M_PI * l->variance[j]);
    }
}

sf_status sf_density_logistic(size_t rows, size_t predictors, const double *x, const double *y,
                              const sf_logistic_options *options, sf_density **density)
{
    logistic *l = NULL;
    size_t values = 0;
    sf_status status;

    *density = NULL;
    SF_TRY(check(rows, predictors, y, options, &values));
    SF_TRY(sf_check_finite(x, rows * predictors, "the predictors of a logistic regression"));
    SF_TRY(sf_allocate(&l, 1, sizeof *l));
    l->rows = rows;
    l->n = predictors + (options->intercept > 0.0 ? 1 : 0);
    SF_GO(sf_allocate(&l->x, values, sizeof *l->x));
    SF_GO(sf_allocate(&l->variance, l->n, sizeof *l->variance));
    fill(l, predictors, x, y, options);
    return sf_density_create(&logistic_methods, l, l->n, density);
done:
    logistic_destroy(l);
    return status;
}
