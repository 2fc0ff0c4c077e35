/* diagnose.c - how far chains of one quantity have mixed, and what their mean is worth: split R-hat
 * and the effective sample size of several chains (Gelman et al. 2013, Bayesian Data Analysis,
 * sections 11.4 and 11.5), the sum of autocorrelations cut after Geyer (1992,
 * doi:10.1214/ss/1177011137): pairs of them are positive and do not rise. */
#include "base/internal.h"

#include <scorefield/mcmc.h>

#include <math.h>

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

/* Autocovariance of a sequence at a lag, over its length. */
static double covariance(const double *x, size_t length, double mean, size_t lag)
{
    double sum = 0.0;

    for (size_t i = 0; i + lag < length; i++) sum += (x[i] - mean) * (x[i + lag] - mean);
    return sum / (double)length;
}

static double variance(const double *x, size_t count)
{
    return covariance(x, count, mean_of(x, count), 0) * (double)count / (double)(count - 1);
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

/* Of all sequences together: 1 - (W - mean autocovariance)/pooled. */
static double autocorrelation(const halves *h, size_t lag)
{
    const double scale = (double)h->length / (double)(h->length - 1);
    double sum = 0.0;

    for (size_t i = 0; i < h->count; i++)
        sum += scale * covariance(h->x[i], h->length, h->mean[i], lag) / (double)h->count;
    return 1.0 - (h->within - sum) / h->pooled;
}

/* tau = -1 + 2 sum of pairs rho_2j + rho_2j+1; *cut is false when the sequences end before. */
static double integrated_time(const halves *h, bool *cut)
{
    double tau = -1.0, least = INFINITY;

    *cut = false;
    for (size_t lag = 0; lag + 1 < h->length; lag += 2) {
        const double pair = autocorrelation(h, lag) + autocorrelation(h, lag + 1);

        if (!(pair > 0.0)) {
            *cut = true;
            break;
        }
        least = fmin(least, pair);
        tau += 2.0 * least;
    }
    return tau;
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

sf_status sf_chains_diagnose(size_t chains, size_t draws, const double *x,
                             sf_chains_diagnosis *diagnosis)
{
    const double count = (double)chains * (double)draws;
    sf_chains_diagnosis d = {.r_hat = 1.0, .time = NAN};
    halves h = {.count = 0};
    sf_status status;

    *diagnosis = (sf_chains_diagnosis){.r_hat = NAN};
    SF_GO(check(chains, draws, x));
    SF_GO(split(chains, draws, x, &h));
    d.mean = mean_of(x, chains * draws);
    d.variance = h.pooled;
    if (h.within > 0.0) {
        d.r_hat = sqrt(h.pooled / h.within);
        /* Antithetic chains may have less than 1, but not without end (Vehtari et al. 2021). */
        d.time = fmax(integrated_time(&h, &d.long_enough), 1.0 / log10(count));
        d.effective = count / d.time;
        d.error = sqrt(d.variance / d.effective);
    } else {
        d.r_hat = h.between > 0.0 ? INFINITY : NAN;
        d.time = INFINITY;
        d.error = h.between > 0.0 ? INFINITY : NAN;
    }
    *diagnosis = d;
done:
    sf_free(h.x);
    sf_free(h.mean);
    return status;
}
