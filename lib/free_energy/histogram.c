/* histogram.c - work in both directions over common bins, for the picture in which the two
 * distributions cross at log Z. Bins as wide as Freedman & Diaconis (1981, doi:10.1007/BF01025868)
 * take for the smaller spread. */
#include "free_energy/estimate.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#define LEAST_BINS 8
#define MOST_BINS  256

/* The values of one direction that are finite, in order. */
typedef struct sorted {
    double *v;
    size_t count;
} sorted;

static sf_status sort(const double *log_weight, size_t count, double sign, sorted *s)
{
    SF_TRY(sf_allocate(&s->v, count, sizeof *s->v));
    for (size_t i = 0; i < count; i++)
        if (isfinite(log_weight[i])) s->v[s->count++] = sign * log_weight[i];
    gsl_sort(s->v, 1, s->count);
    return SF_OK;
}

/* 2 (interquartile range)/count^(1/3); 0 for values that are alike. */
static double width_for(const sorted *s)
{
    const double range = gsl_stats_quantile_from_sorted_data(s->v, 1, s->count, 0.75) -
                         gsl_stats_quantile_from_sorted_data(s->v, 1, s->count, 0.25);

    return 2.0 * range / cbrt((double)s->count);
}

static size_t choose_bins(const sorted s[2], double range)
{
    double width = INFINITY;

    for (int d = 0; d < 2; d++)
        if (s[d].count > 0 && width_for(&s[d]) > 0.0) width = fmin(width, width_for(&s[d]));
    return (size_t)fmax(LEAST_BINS, fmin(MOST_BINS, ceil(range / width)));
}

/* Bins from the smallest to the largest value of both; of width 1 around it if there is one only.
 */
static void place_bins(const sorted s[2], size_t bins, sf_histogram *h)
{
    double low = INFINITY, high = -INFINITY;

    for (int d = 0; d < 2; d++) {
        if (s[d].count == 0) continue;
        low = fmin(low, s[d].v[0]);
        high = fmax(high, s[d].v[s[d].count - 1]);
    }
    h->bins = bins > 0 ? bins : choose_bins(s, high - low);
    if (!(high > low)) {
        low -= 0.5 * (double)h->bins;
        high = low + (double)h->bins;
    }
    h->low = low;
    h->width = (high - low) / (double)h->bins;
}

static sf_status fill(const sf_histogram *h, const sorted *s, size_t total, sf_histogram_row *row)
{
    const double n = (double)total;

    SF_TRY(sf_allocate(&row->count, h->bins, sizeof *row->count));
    SF_TRY(sf_allocate(&row->density, h->bins, sizeof *row->density));
    SF_TRY(sf_allocate(&row->error, h->bins, sizeof *row->error));
    for (size_t i = 0; i < s->count; i++) {
        const size_t bin = (size_t)fmax((s->v[i] - h->low) / h->width, 0.0);

        row->count[bin < h->bins ? bin : h->bins - 1]++;
    }
    for (size_t j = 0; j < h->bins; j++) {
        const double share = (double)row->count[j] / n;

        row->density[j] = share / h->width;
        row->error[j] = sqrt(share * (1.0 - share) / n) / h->width;
    }
    return SF_OK;
}

sf_status sf_work_histogram(const double *forward, size_t forward_count, const double *reverse,
                            size_t reverse_count, size_t bins, sf_histogram *histogram)
{
    sorted s[2] = {{NULL, 0}, {NULL, 0}};
    double largest;
    sf_status status;

    *histogram = (sf_histogram){.bins = 0};
    SF_TRY(sf_log_weights_check(forward, forward_count, "forward log-weights", &largest));
    if (reverse != NULL)
        SF_TRY(sf_log_weights_check(reverse, reverse_count, "reverse log-weights", &largest));
    SF_GO(sort(forward, forward_count, 1.0, &s[0]));
    if (reverse != NULL) SF_GO(sort(reverse, reverse_count, -1.0, &s[1]));
    place_bins(s, bins, histogram);
    SF_GO(fill(histogram, &s[0], forward_count, &histogram->forward));
    if (reverse != NULL) SF_GO(fill(histogram, &s[1], reverse_count, &histogram->reverse));
done:
    sf_free(s[0].v);
    sf_free(s[1].v);
    if (status != SF_OK) sf_histogram_release(histogram);
    return status;
}

static void release_row(sf_histogram_row *row)
{
    sf_free(row->count);
    sf_free(row->density);
    sf_free(row->error);
}

void sf_histogram_release(sf_histogram *histogram)
{
    release_row(&histogram->forward);
    release_row(&histogram->reverse);
    *histogram = (sf_histogram){.bins = 0};
}
