/* mixture_posterior.c - a mixture given data y = A x + n: a mixture again. With M = A C A^T + N
 * for each component, K = C A^T M^-1 its gain,
 *     weight      times N(y; A mean, M)
 *     mean        + K (y - A mean)
 *     covariance  (1 - K A) C (1 - K A)^T + K N K^T     (Joseph: no rounding makes it negative) */
#include "base/internal.h"

#include <scorefield/prior.h>

#include <cblas.h>
#include <gsl/gsl_math.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

enum { LARGEST = 1 << 15 }; /* dimension: its square is an int */

/* One component at work, n unknowns and m data; matrices in C order. */
typedef struct conditioning {
    int n, m;
    const double *a, *y, *noise;
    double *c;       /* n x n: the covariance */
    double *ca;      /* m x n: A C, then M^-1 A C = K^T */
    double *factor;  /* m x m: M, then its Cholesky factor */
    double *left;    /* n x n: 1 - K A */
    double *product; /* n x n */
    double *residual, *solved;
} conditioning;

static sf_status allocate(const sf_mixture *prior, size_t data, conditioning *w)
{
    const size_t n = prior->dimension;

    SF_TRY(sf_allocate(&w->c, n, n * sizeof *w->c));
    SF_TRY(sf_allocate(&w->left, n, n * sizeof *w->left));
    SF_TRY(sf_allocate(&w->product, n, n * sizeof *w->product));
    SF_TRY(sf_allocate(&w->ca, data, n * sizeof *w->ca));
    SF_TRY(sf_allocate(&w->factor, data, data * sizeof *w->factor));
    SF_TRY(sf_allocate(&w->residual, data, sizeof *w->residual));
    return sf_allocate(&w->solved, data, sizeof *w->solved);
}

static void release(conditioning *w)
{
    sf_free(w->c);
    sf_free(w->left);
    sf_free(w->product);
    sf_free(w->ca);
    sf_free(w->factor);
    sf_free(w->residual);
    sf_free(w->solved);
}

static void fill_covariance(const sf_mixture *prior, size_t k, double *c)
{
    const size_t n = prior->dimension;

    memset(c, 0, n * n * sizeof *c);
    switch (prior->kind) {
    case SF_COVARIANCE_ROUND:
        for (size_t i = 0; i < n; i++) c[i * n + i] = prior->covariance[k];
        break;
    case SF_COVARIANCE_DIAGONAL:
        for (size_t i = 0; i < n; i++) c[i * n + i] = prior->covariance[k * n + i];
        break;
    case SF_COVARIANCE_FULL: memcpy(c, prior->covariance + k * n * n, n * n * sizeof *c); break;
    }
}

/* The residual, K^T, and log N(y; A mean, M). */
static sf_status find_gain(conditioning *w, size_t k, const double *mean, double *log_likelihood)
{
    const int n = w->n, m = w->m;
    double square = 0.0, log_determinant = 0.0;

    memcpy(w->residual, w->y, (size_t)m * sizeof *w->y);
    cblas_dgemv(CblasRowMajor, CblasNoTrans, m, n, -1.0, w->a, n, mean, 1, 1.0, w->residual, 1);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, n, 1.0, w->a, n, w->c, n, 0.0,
                w->ca, n);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, m, n, 1.0, w->ca, n, w->a, n, 0.0,
                w->factor, m);
    for (int i = 0; i < m; i++) w->factor[i * m + i] += w->noise[i];
    memcpy(w->solved, w->residual, (size_t)m * sizeof *w->y);
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', m, w->factor, m) != 0 ||
        LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', m, n, w->factor, m, w->ca, n) != 0 ||
        LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', m, 1, w->factor, m, w->solved, 1) != 0)
        return sf_fail(SF_ERR_NUMERIC,
                       "the data's covariance under component %zu of a mixture is not positive "
                       "definite: give every datum some noise",
                       k);
    for (int i = 0; i < m; i++) {
        square += w->residual[i] * w->solved[i];
        log_determinant += 2.0 * log(w->factor[i * m + i]);
    }
    *log_likelihood = -0.5 * (square + log_determinant + (double)m * log(2.0 * M_PI));
    return SF_OK;
}

static void update(conditioning *w, const double *prior_mean, double *mean, double *covariance)
{
    const int n = w->n, m = w->m;

    memcpy(mean, prior_mean, (size_t)n * sizeof *mean);
    cblas_dgemv(CblasRowMajor, CblasTrans, m, n, 1.0, w->ca, n, w->residual, 1, 1.0, mean, 1);
    memset(w->left, 0, (size_t)n * (size_t)n * sizeof *w->left);
    for (int i = 0; i < n; i++) w->left[i * n + i] = 1.0;
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, n, m, -1.0, w->ca, n, w->a, n, 1.0,
                w->left, n);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0, w->left, n, w->c, n, 0.0,
                w->product, n);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, n, 1.0, w->product, n, w->left, n,
                0.0, covariance, n);
    for (int i = 0; i < n; i++) /* the triangles are each other's mirror, to the bit */
        for (int j = 0; j <= i; j++) {
            double sum = 0.5 * (covariance[i * n + j] + covariance[j * n + i]);

            for (int r = 0; r < m; r++) sum += w->ca[r * n + i] * w->noise[r] * w->ca[r * n + j];
            covariance[i * n + j] = covariance[j * n + i] = sum;
        }
}

/* Log-weights become weights that add up to 1; the logarithm of their sum is returned. */
static double normalise(size_t count, double *weight)
{
    double most = -INFINITY, sum = 0.0;

    for (size_t k = 0; k < count; k++) most = fmax(most, weight[k]);
    for (size_t k = 0; k < count; k++) sum += exp(weight[k] - most);
    for (size_t k = 0; k < count; k++) weight[k] = exp(weight[k] - most) / sum;
    return most + log(sum);
}

static sf_status check(const sf_mixture *prior, size_t data, const double *a, const double *y,
                       const double *noise)
{
    if (data == 0 || data > LARGEST || prior->dimension > LARGEST)
        return sf_fail(SF_ERR_ARGUMENT, "%zu data of %zu unknowns; this is for 1 to %d of either",
                       data, prior->dimension, LARGEST);
    for (size_t i = 0; i < data; i++)
        if (!(noise[i] >= 0.0) || !isfinite(noise[i]))
            return sf_fail(SF_ERR_ARGUMENT,
                           "datum %zu has a noise variance of %g; it is finite and not negative", i,
                           noise[i]);
    SF_TRY(sf_check_finite(a, data * prior->dimension, "matrix of the observation"));
    return sf_check_finite(y, data, "data");
}

sf_status sf_mixture_posterior(const sf_mixture *prior, size_t data, const double *a,
                               const double *y, const double *noise_variance,
                               sf_mixture **posterior, double *log_evidence)
{
    conditioning w = {
        .n = (int)prior->dimension, .m = (int)data, .a = a, .y = y, .noise = noise_variance};
    const size_t n = prior->dimension;
    sf_mixture *made = NULL;
    double total = 0.0, likelihood = 0.0, evidence;
    sf_status status;

    *posterior = NULL;
    SF_TRY(check(prior, data, a, y, noise_variance));
    SF_GO(sf_mixture_create(n, prior->count, SF_COVARIANCE_FULL, &made));
    SF_GO(allocate(prior, data, &w));
    for (size_t k = 0; k < prior->count; k++) total += prior->weight[k];
    for (size_t k = 0; k < prior->count; k++) {
        fill_covariance(prior, k, w.c);
        SF_GO(find_gain(&w, k, prior->mean + k * n, &likelihood));
        update(&w, prior->mean + k * n, made->mean + k * n, made->covariance + k * n * n);
        made->weight[k] = log(prior->weight[k] / total) + likelihood;
    }
    evidence = normalise(made->count, made->weight);
    if (log_evidence != NULL) *log_evidence = evidence;
    *posterior = made;
    made = NULL;
done:
    sf_mixture_release(&made);
    release(&w);
    return status;
}
