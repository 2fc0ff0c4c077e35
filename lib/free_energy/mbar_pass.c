/* mbar_pass.c - weights W_nk = e^(f_k - u_nk) / sum_j N_j e^(f_j - u_nj) of chunks of samples, on
 * all threads, and their products, in a fixed order. */
#include "free_energy/mbar.h"

#include <cblas.h>

/* Potentials in a chunk: as many as caches hold, so that threads meet seldom. */
#define CHUNK_POTENTIALS 262144
#define LEAST_SAMPLES    64

sf_status sf_mbar_pass_create(const sf_reduced_potentials *p, sf_mbar_pass *pass)
{
    size_t size;
    sf_status status = SF_OK;

    *pass = (sf_mbar_pass){.potentials = p};
    pass->chunk = CHUNK_POTENTIALS / p->states;
    if (pass->chunk < LEAST_SAMPLES) pass->chunk = LEAST_SAMPLES;
    if (pass->chunk > p->samples) pass->chunk = p->samples;
    if (!sf_multiply_sizes(pass->chunk, p->states, &size))
        return sf_fail(SF_ERR_MEMORY, "%zu states are too many", p->states);
    SF_GO(sf_allocate(&pass->log_count, p->states, sizeof(double)));
    SF_GO(sf_allocate(&pass->w, size, sizeof(double)));
    if (p->u == NULL) SF_GO(sf_allocate(&pass->u, size, sizeof(double)));
    for (size_t k = 0; k < p->states; k++)
        pass->log_count[k] = p->counts[k] > 0 ? log((double)p->counts[k]) : -INFINITY;
done:
    if (status != SF_OK) sf_mbar_pass_destroy(pass);
    return status;
}

void sf_mbar_pass_destroy(sf_mbar_pass *pass)
{
    sf_free(pass->log_count);
    sf_free(pass->u);
    sf_free(pass->w);
    *pass = (sf_mbar_pass){.potentials = NULL};
}

/* f - u, where NaN is no support. */
static inline double exponent(double f, double u) { return u < INFINITY ? f - u : -INFINITY; }

/* row = log(N_k e^(f_k - u_k)) and the log of their sum, +-inf or NaN for an unusable sample. */
static double log_mixture(size_t states, const double *log_count, const double *f, const double *u,
                          double *row)
{
    double largest = -INFINITY, sum = 0.0;

    for (size_t k = 0; k < states; k++) {
        if (u[k] == -INFINITY) return NAN;
        row[k] = log_count[k] + exponent(f[k], u[k]);
        if (row[k] > largest) largest = row[k];
    }
    if (!(largest > -INFINITY)) return largest;
    for (size_t k = 0; k < states; k++) {
        row[k] = exp(row[k] - largest);
        sum += row[k];
    }
    for (size_t k = 0; k < states; k++) row[k] *= 1.0 / sum;
    return largest + log(sum);
}

typedef enum content { PROBABILITIES, PROBABILITIES_OF_ALL, LOGARITHMS } content;

/* row = P (see mbar.h) or log W of one sample; false if it is unusable. */
static bool fill_row(size_t states, const double *log_count, const double *f, const double *u,
                     content wanted, double *row)
{
    const double mixture = log_mixture(states, log_count, f, u, row);

    if (!isfinite(mixture)) return false;
    for (size_t k = 0; wanted != PROBABILITIES && k < states; k++) {
        if (wanted == LOGARITHMS)
            row[k] = exponent(f[k], u[k]) - mixture;
        else if (!(log_count[k] > -INFINITY))
            row[k] = exp(exponent(f[k], u[k]) - mixture);
    }
    return true;
}

static sf_status refuse(size_t sample, size_t states, const double *u)
{
    for (size_t k = 0; k < states; k++)
        if (u[k] == -INFINITY)
            return sf_fail(SF_ERR_NUMERIC,
                           "the reduced potential of sample %zu in state %zu is "
                           "-inf",
                           sample, k);
    return sf_fail(SF_ERR_NUMERIC,
                   "sample %zu has support in none of the states that samples were drawn from",
                   sample);
}

/* pass->w = the rows of samples first ... first + count - 1. */
static sf_status fill_chunk(sf_mbar_pass *pass, const double *f, content wanted, size_t first,
                            size_t count)
{
    const sf_reduced_potentials *p = pass->potentials;
    const size_t states = p->states;
    const double *u = pass->u;
    size_t unusable = SIZE_MAX;

    if (p->u != NULL)
        u = p->u + first * states;
    else
        SF_TRY(p->read(p->user, first, count, pass->u));
#pragma omp parallel for num_threads(sf_thread_count()) schedule(static) reduction(min : unusable)
    for (size_t n = 0; n < count; n++)
        if (!fill_row(states, pass->log_count, f, u + n * states, wanted, pass->w + n * states) &&
            n < unusable)
            unusable = n;
    return unusable < count ? refuse(first + unusable, states, u + unusable * states) : SF_OK;
}

sf_status sf_mbar_rows(sf_mbar_pass *pass, const double *f, bool all, size_t first, size_t count)
{
    return fill_chunk(pass, f, all ? PROBABILITIES_OF_ALL : PROBABILITIES, first, count);
}

sf_status sf_mbar_gram(sf_mbar_pass *pass, const double *f, bool all, double *gram)
{
    const size_t states = pass->potentials->states, samples = pass->potentials->samples;
    const int size = (int)states;

    for (size_t i = 0; i < states * states; i++) gram[i] = 0.0;
    for (size_t first = 0; first < samples; first += pass->chunk) {
        const size_t count = samples - first < pass->chunk ? samples - first : pass->chunk;

        SF_TRY(sf_mbar_rows(pass, f, all, first, count));
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, size, (int)count, 1.0, pass->w, size,
                    1.0, gram, size);
    }
    for (size_t i = 0; i < states; i++)
        for (size_t j = 0; j < i; j++) gram[i * states + j] = gram[j * states + i];
    return SF_OK;
}

/* Adds a chunk's column to sum e^(log W - largest). */
static void add_column(const double *w, size_t count, size_t states, double *sum, double *largest)
{
    double top = *largest, add = 0.0;

    for (size_t n = 0; n < count; n++)
        if (w[n * states] > top) top = w[n * states];
    if (!(top > -INFINITY)) return;
    for (size_t n = 0; n < count; n++) add += exp(w[n * states] - top);
    *sum = *sum * exp(*largest - top) + add;
    *largest = top;
}

sf_status sf_mbar_sums(sf_mbar_pass *pass, const double *f, double *log_sum, double *largest)
{
    const size_t states = pass->potentials->states, samples = pass->potentials->samples;

    for (size_t k = 0; k < states; k++) {
        log_sum[k] = 0.0;
        largest[k] = -INFINITY;
    }
    for (size_t first = 0; first < samples; first += pass->chunk) {
        const size_t count = samples - first < pass->chunk ? samples - first : pass->chunk;

        SF_TRY(fill_chunk(pass, f, LOGARITHMS, first, count));
#pragma omp parallel for num_threads(sf_thread_count()) schedule(static)
        for (size_t k = 0; k < states; k++)
            add_column(pass->w + k, count, states, &log_sum[k], &largest[k]);
    }
    for (size_t k = 0; k < states; k++) log_sum[k] = largest[k] + log(log_sum[k]);
    return SF_OK;
}
