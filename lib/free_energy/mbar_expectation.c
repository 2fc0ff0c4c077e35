/* mbar_expectation.c - expectation values by MBAR's weights (Shirts & Chodera 2008,
 * doi:10.1063/1.2978177, equations 9 and 12). There an observable is one more state without
 * samples, of weights W_n A_n/<A>; what its error needs of the covariance Theta (see mbar.c) is the
 * column d_n = W_nk (A_n - <A>) alone, whose sum is 0, so that A may have any sign and offset:
 *     Cov = D^T D + D^T P H^- P^T D. */
#include "free_energy/mbar.h"

#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <string.h>

typedef struct averaging {
    const sf_mbar *mbar;
    sf_mbar_pass pass;
    size_t observables;
    const size_t *state;
    const double *values;
    double *mean, *total; /* sum W A, then over sum W */
    double *d;            /* a chunk's d (count x observables) */
    double *own;          /* D^T D */
    double *shared;       /* P^T D (states x observables) */
    double *rows, *solved;
} averaging;

static sf_status averaging_create(averaging *a)
{
    const size_t states = a->mbar->states, m = a->observables;
    size_t size;

    if (m > INT_MAX / 4096 || !sf_multiply_sizes(a->pass.chunk, m, &size))
        return sf_fail(SF_ERR_ARGUMENT, "%zu observables are too many for one call", m);
    SF_TRY(sf_allocate(&a->total, m, sizeof *a->total));
    SF_TRY(sf_allocate(&a->d, size, sizeof *a->d));
    SF_TRY(sf_allocate(&a->own, m * m, sizeof *a->own));
    SF_TRY(sf_allocate(&a->shared, states * m, sizeof *a->shared));
    SF_TRY(sf_allocate(&a->rows, states * m, sizeof *a->rows));
    return sf_allocate(&a->solved, states * m, sizeof *a->solved);
}

static void averaging_destroy(averaging *a)
{
    sf_mbar_pass_destroy(&a->pass);
    sf_free(a->total);
    sf_free(a->d);
    sf_free(a->own);
    sf_free(a->shared);
    sf_free(a->rows);
    sf_free(a->solved);
}

/* W of a row of P. */
static double weight(const averaging *a, const double *row, size_t i)
{
    const size_t k = a->state[i];

    return row[k] / fmax(a->mbar->counts[k], 1.0);
}

/* The sums of W and W A; mean = their ratio. */
static void add_means(averaging *a, size_t first, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        const double *row = a->pass.w + n * a->mbar->states;

        for (size_t i = 0; i < a->observables; i++) {
            const double w = weight(a, row, i);

            a->total[i] += w;
            a->mean[i] += w * a->values[(first + n) * a->observables + i];
        }
    }
}

/* own += D^T D, shared += P^T D */
static void add_products(averaging *a, size_t first, size_t count)
{
    const int m = (int)a->observables, states = (int)a->mbar->states;

    for (size_t n = 0; n < count; n++)
        for (size_t i = 0; i < a->observables; i++)
            a->d[n * a->observables + i] =
                weight(a, a->pass.w + n * a->mbar->states, i) *
                (a->values[(first + n) * a->observables + i] - a->mean[i]);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, m, m, (int)count, 1.0, a->d, m, a->d, m,
                1.0, a->own, m);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, states, m, (int)count, 1.0, a->pass.w,
                states, a->d, m, 1.0, a->shared, m);
}

static sf_status each_chunk(averaging *a, void (*add)(averaging *a, size_t first, size_t count))
{
    const size_t samples = a->pass.potentials->samples, chunk = a->pass.chunk;

    for (size_t first = 0; first < samples; first += chunk) {
        const size_t count = samples - first < chunk ? samples - first : chunk;

        SF_TRY(sf_mbar_rows(&a->pass, a->mbar->f, true, first, count));
        add(a, first, count);
    }
    return SF_OK;
}

/* covariance = own + shared^T H^- shared */
static void finish(averaging *a, double *covariance)
{
    const size_t m = a->observables, unknowns = a->mbar->unknowns;

    memcpy(covariance, a->own, m * m * sizeof *covariance);
    for (size_t i = 0; a->mbar->singular && i < m * m; i++) covariance[i] = INFINITY;
    if (a->mbar->singular || unknowns == 0) return;
    for (size_t j = 0; j < unknowns; j++)
        memcpy(a->rows + j * m, a->shared + a->mbar->unknown[j] * m, m * sizeof *a->rows);
    memcpy(a->solved, a->rows, unknowns * m * sizeof *a->solved);
    (void)LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'U', (int)unknowns, (int)m, a->mbar->hessian,
                         (int)unknowns, a->solved, (int)m);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m, (int)m, (int)unknowns, 1.0,
                a->rows, (int)m, a->solved, (int)m, 1.0, covariance, (int)m);
}

static sf_status check(const averaging *a, const sf_reduced_potentials *p)
{
    size_t size;

    if (p->states != a->mbar->states || p->samples != a->mbar->samples)
        return sf_fail(SF_ERR_SHAPE,
                       "potentials of %zu samples in %zu states, but MBAR has %zu in %zu",
                       p->samples, p->states, a->mbar->samples, a->mbar->states);
    if (a->observables == 0) return sf_fail(SF_ERR_ARGUMENT, "MBAR: no observables to average");
    for (size_t i = 0; i < a->observables; i++)
        if (a->state[i] >= p->states)
            return sf_fail(SF_ERR_ARGUMENT, "observable %zu in state %zu of %zu", i, a->state[i],
                           p->states);
    if (!sf_multiply_sizes(p->samples, a->observables, &size))
        return sf_fail(SF_ERR_ARGUMENT, "%zu observables of %zu samples overflow a size",
                       a->observables, p->samples);
    return sf_check_finite(a->values, size, "an observable's value");
}

sf_status sf_mbar_expectation(const sf_mbar *mbar, const sf_reduced_potentials *potentials,
                              size_t observables, const size_t *state, const double *values,
                              double *mean, double *covariance)
{
    averaging a = {
        .mbar = mbar, .observables = observables, .state = state, .values = values, .mean = mean};
    sf_status status;

    SF_TRY(check(&a, potentials));
    for (size_t i = 0; i < observables; i++) mean[i] = 0.0;
    SF_GO(sf_mbar_pass_create(potentials, &a.pass));
    SF_GO(averaging_create(&a));
    SF_GO(each_chunk(&a, add_means));
    for (size_t i = 0; i < observables; i++) mean[i] /= a.total[i];
    if (covariance == NULL) goto done;
    SF_GO(each_chunk(&a, add_products));
    finish(&a, covariance);
done:
    averaging_destroy(&a);
    return status;
}
