/* diagnose.c - how far chains of one quantity have mixed, and what their mean is worth: split R-hat
 * and the effective sample size of several chains (Gelman et al. 2013, Bayesian Data Analysis,
 * sections 11.4 and 11.5), of the draws and of their ranks (Vehtari, Gelman, Simpson, Carpenter &
 * Burkner 2021, doi:10.1214/20-BA1221), the sum of autocorrelations cut after Geyer (1992,
 * doi:10.1214/ss/1177011137): pairs of them are positive and do not rise. */
#include "base/internal.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_fft_halfcomplex.h>
#include <gsl/gsl_fft_real.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <string.h>

typedef struct halves {
    size_t count, length; /* of sequences: each chain gives two */
    const double **x;
    double *mean;
    double within, between; /* variances: W and B/length */
    double pooled;          /* (length - 1)/length W + B/length */
} halves;

static double mean_of(const double *x, size_t count)
{
    double sum = 0.0;

    for (size_t i = 0; i < count; i++) sum += x[i];
    return sum / (double)count;
}

static double variance(const double *x, size_t count)
{
    const double mean = mean_of(x, count);
    double sum = 0.0;

    for (size_t i = 0; i < count; i++) sum += (x[i] - mean) * (x[i] - mean);
    return sum / (double)(count - 1);
}

/* The middle draw of an odd number is in neither half. */
static sf_status split(size_t chains, size_t draws, const double *x, halves *h)
{
    const size_t length = draws / 2;

    *h = (halves){.count = 2 * chains, .length = length};
    SF_TRY(sf_allocate(&h->x, h->count, sizeof *h->x));
    SF_TRY(sf_allocate(&h->mean, h->count, sizeof *h->mean));
    for (size_t i = 0; i < h->count; i++) {
        h->x[i] = x + i / 2 * draws + (i % 2 == 1 ? draws - length : 0);
        h->mean[i] = mean_of(h->x[i], length);
        h->within += variance(h->x[i], length) / (double)h->count;
    }
    h->between = variance(h->mean, h->count);
    h->pooled = h->within * (double)(length - 1) / (double)length + h->between;
    return SF_OK;
}

/* spectrum += |Fourier transform|^2 of a sequence less its mean, with as many zeros behind. */
static void add_spectrum(const double *x, size_t length, double mean, size_t size, double *work,
                         double *spectrum)
{
    for (size_t i = 0; i < size; i++) work[i] = i < length ? x[i] - mean : 0.0;
    (void)gsl_fft_real_radix2_transform(work, 1, size);
    spectrum[0] += work[0] * work[0];
    for (size_t i = 1; i < size / 2; i++)
        spectrum[i] += work[i] * work[i] + work[size - i] * work[size - i];
    spectrum[size / 2] += work[size / 2] * work[size / 2];
}

/* *c (sf_free) = autocovariances by lag over length - 1, their mean over the sequences: by Fourier
 * transforms, since chains that lie apart are correlated at all lags. */
static sf_status autocovariance(const halves *h, double **c)
{
    size_t size = 2;
    double *work = NULL;
    sf_status status;

    while (size < 2 * h->length) size *= 2;
    SF_GO(sf_allocate(c, size, sizeof **c));
    SF_GO(sf_allocate(&work, size, sizeof *work));
    for (size_t i = 0; i < h->count; i++)
        add_spectrum(h->x[i], h->length, h->mean[i], size, work, *c);
    (void)gsl_fft_halfcomplex_radix2_inverse(*c, 1, size);
    for (size_t lag = 0; lag < h->length; lag++)
        (*c)[lag] /= (double)h->count * (double)(h->length - 1);
done:
    sf_free(work);
    return status;
}

/* tau = -1 + 2 sum of pairs rho_2j + rho_2j+1, with rho = 1 - (W - mean autocovariance)/pooled;
 * *cut is false when the sequences end before. */
static sf_status integrated_time(const halves *h, double *tau, bool *cut)
{
    double least = INFINITY, *c = NULL;
    sf_status status;

    *tau = -1.0;
    *cut = false;
    SF_GO(autocovariance(h, &c));
    for (size_t lag = 0; lag + 1 < h->length; lag += 2) {
        const double pair = 2.0 - (2.0 * h->within - c[lag] - c[lag + 1]) / h->pooled;

        if (!(pair > 0.0)) {
            *cut = true;
            break;
        }
        least = fmin(least, pair);
        *tau += 2.0 * least;
    }
done:
    sf_free(c);
    return status;
}

static sf_status check(size_t chains, size_t draws, const double *x)
{
    size_t count;

    if (chains == 0 || draws < 8)
        return sf_fail(SF_ERR_ARGUMENT,
                       "%zu chains of %zu draws tell nothing: at least 1 chain of 8 draws", chains,
                       draws);
    if (!sf_multiply_sizes(chains, draws, &count))
        return sf_fail(SF_ERR_ARGUMENT, "%zu chains of %zu draws are more than memory holds",
                       chains, draws);
    return sf_check_finite(x, count, "a chain's draws");
}

/* ---- of ranks ------------------------------------------------------------------------------ */

/* What is measured of draws in any form, chains x draws. */
typedef struct mixing {
    double r_hat, time;
    double variance;
    bool long_enough;
} mixing;

static sf_status measure(size_t chains, size_t draws, const double *x, mixing *m)
{
    const double count = (double)chains * (double)draws;
    halves h = {.count = 0};
    sf_status status;

    *m = (mixing){.r_hat = NAN, .time = INFINITY};
    SF_GO(split(chains, draws, x, &h));
    m->variance = h.pooled;
    m->r_hat = h.within > 0.0 ? sqrt(h.pooled / h.within) : h.between > 0.0 ? INFINITY : NAN;
    if (!(h.within > 0.0)) goto done;
    SF_GO(integrated_time(&h, &m->time, &m->long_enough));
    /* Antithetic chains may have less than 1, but not without end (Vehtari et al. 2021). */
    m->time = fmax(m->time, 1.0 / log10(count));
done:
    sf_free(h.x);
    sf_free(h.mean);
    return status;
}

/* x = normal quantiles of its own ranks, (rank - 3/8)/(count + 1/4); ties share their mean rank.
 * `order` and `ranked` have room for them. */
static void normalise_ranks(size_t count, double *x, size_t *order, double *ranked)
{
    gsl_sort_index(order, x, 1, count);
    for (size_t first = 0, end; first < count; first = end) {
        double rank;

        for (end = first + 1; end < count && x[order[end]] == x[order[first]];) end++;
        rank = 0.5 * (double)(first + 1 + end);
        for (size_t i = first; i < end; i++)
            ranked[order[i]] = gsl_cdf_ugaussian_Pinv((rank - 0.375) / ((double)count + 0.25));
    }
    memcpy(x, ranked, count * sizeof *x);
}

/* The draws' order, and room for other forms of them. */
typedef struct forms {
    size_t chains, draws, count;
    const double *x;
    double *sorted, *form, *ranked;
    size_t *order;
} forms;

static sf_status forms_create(size_t chains, size_t draws, const double *x, forms *f)
{
    *f = (forms){.chains = chains, .draws = draws, .count = chains * draws, .x = x};
    SF_TRY(sf_allocate(&f->sorted, f->count, sizeof *f->sorted));
    SF_TRY(sf_allocate(&f->form, f->count, sizeof *f->form));
    SF_TRY(sf_allocate(&f->ranked, f->count, sizeof *f->ranked));
    SF_TRY(sf_allocate(&f->order, f->count, sizeof *f->order));
    memcpy(f->sorted, x, f->count * sizeof *x);
    gsl_sort(f->sorted, 1, f->count);
    return SF_OK;
}

static void forms_destroy(forms *f)
{
    sf_free(f->sorted);
    sf_free(f->form);
    sf_free(f->ranked);
    sf_free(f->order);
}

/* Of the ranks of x, and of the ranks of its distance to the median, which sees chains of different
 * widths. */
static sf_status measure_ranks(forms *f, sf_chains_diagnosis *d)
{
    const double median = gsl_stats_median_from_sorted_data(f->sorted, 1, f->count);
    mixing bulk, folded;

    memcpy(f->form, f->x, f->count * sizeof *f->form);
    normalise_ranks(f->count, f->form, f->order, f->ranked);
    SF_TRY(measure(f->chains, f->draws, f->form, &bulk));
    for (size_t i = 0; i < f->count; i++) f->form[i] = fabs(f->x[i] - median);
    normalise_ranks(f->count, f->form, f->order, f->ranked);
    SF_TRY(measure(f->chains, f->draws, f->form, &folded));
    d->r_hat = fmax(bulk.r_hat, folded.r_hat);
    d->bulk = (double)f->count / bulk.time;
    return SF_OK;
}

/* Of being below the 5 % and the 95 % quantile; one that all draws are below tells nothing. */
static sf_status measure_tails(forms *f, sf_chains_diagnosis *d)
{
    const double share[2] = {0.05, 0.95};

    d->tail = INFINITY;
    for (int t = 0; t < 2; t++) {
        const double edge = gsl_stats_quantile_from_sorted_data(f->sorted, 1, f->count, share[t]);
        mixing m;

        if (edge >= f->sorted[f->count - 1]) continue;
        for (size_t i = 0; i < f->count; i++) f->form[i] = f->x[i] <= edge;
        SF_TRY(measure(f->chains, f->draws, f->form, &m));
        d->tail = fmin(d->tail, (double)f->count / m.time);
    }
    if (d->tail == INFINITY) d->tail = 0.0;
    return SF_OK;
}

sf_status sf_chains_diagnose(size_t chains, size_t draws, const double *x,
                             sf_chains_diagnosis *diagnosis)
{
    sf_chains_diagnosis d;
    forms f = {.count = 0};
    mixing own;
    sf_status status;

    *diagnosis = (sf_chains_diagnosis){.r_hat = NAN};
    SF_TRY(check(chains, draws, x));
    SF_GO(measure(chains, draws, x, &own));
    d = (sf_chains_diagnosis){.mean = mean_of(x, chains * draws),
                              .variance = own.variance,
                              .time = own.time,
                              .effective = (double)(chains * draws) / own.time,
                              .long_enough = own.long_enough};
    d.error = own.time < INFINITY  ? sqrt(d.variance / d.effective)
              : own.variance > 0.0 ? INFINITY
                                   : NAN;
    SF_GO(forms_create(chains, draws, x, &f));
    SF_GO(measure_ranks(&f, &d));
    SF_GO(measure_tails(&f, &d));
    *diagnosis = d;
done:
    forms_destroy(&f);
    return status;
}
