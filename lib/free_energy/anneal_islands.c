/* anneal_islands.c - log Z of runs that resample: each island's Z is unbiased, and islands are
 * independent. */
#include "free_energy/anneal.h"

#include <gsl/gsl_cdf.h>

#define LEAST_PROBABILITY 0.001
#define CONTRADICTION     5.0 /* standard errors */

/* What one run says of Z at its end over Z at its start. */
typedef struct side {
    sf_log_z estimate;
    sf_weights weights; /* of ancestors with their descendants, or of chains on their own */
    double bound, bound_error;
    double probability; /* that islands differ so much by chance */
} side;

/* log of the sum of weights that descend from each chain of the start */
static void sum_descendants(const sf_anneal_run *run, double *log_sum)
{
    double largest = -INFINITY;

    for (size_t i = 0; i < run->chains; i++) largest = fmax(largest, run->log_weight[i]);
    for (size_t i = 0; i < run->chains; i++)
        if (run->log_weight[i] > -INFINITY)
            log_sum[run->ancestor[i]] += exp(run->log_weight[i] - largest);
    for (size_t e = 0; e < run->chains; e++) log_sum[e] = largest + log(log_sum[e]);
}

/* Fisher's F of the islands' Z about their mean, by the variance that all of them show, which is
 * known as well as from `ess` ancestors. */
static double compare_islands(const sf_anneal_run *run, const sf_island_sums *all, double ess)
{
    const double islands = (double)all->islands;
    const double error = sf_island_sums_error(all), log_z = sf_island_sums_log_z(all);
    const double variance = fmax(error * error * islands, 1e-24); /* of one; equal Z: rounding */
    double squares = 0.0;

    for (size_t i = 0; i < all->islands; i++) {
        const double difference = exp(run->island[i].log_z - log_z) - 1.0;

        squares += difference * difference / (islands - 1.0);
    }
    return all->islands > 1 ? gsl_cdf_fdist_Q(squares / variance, islands - 1.0, ess) : NAN;
}

static void judge(side *s)
{
    if (s->weights.ess < SF_LEAST_ESS)
        sf_log_z_doubt(&s->estimate,
                       "the weight descends from few ancestors, as if from %.1f of %zu and fewer "
                       "than %g: more chains, or more moves between resamplings",
                       s->weights.ess, s->weights.count, SF_LEAST_ESS);
    sf_log_z_judge(&s->estimate, &s->weights);
    if (s->probability < LEAST_PROBABILITY)
        sf_log_z_doubt(&s->estimate, "the islands disagree: by chance with a probability of %.1g",
                       s->probability);
}

/* E[log Z of an island] <= log Z (Jensen). One island's is its own estimate. */
static void bound(const sf_anneal_run *run, side *s)
{
    const size_t islands = sf_anneal_run_islands(run);
    double mean = 0.0, squares = 0.0;

    for (size_t i = 0; i < islands; i++) {
        const double difference = run->island[i].log_z - mean;

        mean += difference / (double)(i + 1);
        squares += difference * (run->island[i].log_z - mean);
    }
    s->bound = mean;
    s->bound_error =
        islands > 1 ? sqrt(squares / (double)(islands - 1) / (double)islands) : s->estimate.error;
    if (mean == -INFINITY) s->bound_error = INFINITY;
}

static sf_status look_at_islands(const sf_anneal_run *run, side *s)
{
    const size_t end = run->options.reverse ? 0 : run->schedule.count - 1;
    const sf_island_sums *all = run->seen + end;
    double *log_sum;
    sf_status status;

    SF_TRY(sf_allocate(&log_sum, run->chains, sizeof *log_sum));
    sum_descendants(run, log_sum);
    SF_GO(sf_weights_measure(log_sum, run->chains, &s->weights));
    sf_log_z_set(&s->estimate, sf_island_sums_log_z(all), sf_island_sums_error(all));
    s->probability = compare_islands(run, all, s->weights.ess);
    bound(run, s);
    judge(s);
done:
    sf_free(log_sum);
    return status;
}

static sf_status look_at_chains(const sf_anneal_run *run, side *s)
{
    SF_TRY(sf_weights_measure(run->log_weight, run->chains, &s->weights));
    sf_log_z_set(&s->estimate, s->weights.log_mean, s->weights.error);
    s->probability = NAN;
    s->bound = s->weights.bound;
    s->bound_error =
        s->weights.zeros > 0 ? INFINITY : sqrt(s->weights.variance / (double)s->weights.count);
    sf_log_z_judge(&s->estimate, &s->weights);
    return SF_OK;
}

static sf_status look_at(const sf_anneal_run *run, side *s)
{
    return sf_anneal_run_resamples(run) ? look_at_islands(run, s) : look_at_chains(run, s);
}

static void report_forward(const side *s, sf_anneal_report *r)
{
    r->estimate = s->estimate;
    r->forward = s->weights;
    r->lower_bound = s->bound;
    r->lower_error = s->bound_error;
    r->islands_probability = s->probability;
}

static void report_reverse(const side *s, sf_anneal_report *r)
{
    r->estimate = s->estimate;
    r->estimate.value = -s->estimate.value;
    r->reverse = s->weights;
    r->upper_bound = -s->bound;
    r->upper_error = s->bound_error;
    r->islands_probability = s->probability;
}

/* The mean of both estimates by their errors; a doubt of either is one of both. */
static void join(const sf_log_z *forward, const sf_log_z *reverse, sf_log_z *both)
{
    const double p = 1.0 / fmax(forward->error * forward->error, 1e-24);
    const double q = 1.0 / fmax(reverse->error * reverse->error, 1e-24);
    const double apart = fabs(forward->value - reverse->value);
    const double error = hypot(forward->error, reverse->error);

    *both = forward->reliable ? *reverse : *forward;
    both->value = (p * forward->value + q * reverse->value) / (p + q);
    both->error = 1.0 / sqrt(p + q);
    if (apart > CONTRADICTION * error)
        sf_log_z_doubt(both,
                       "forward and reverse contradict each other: they are %.3g apart, %.1f "
                       "of their errors",
                       apart, apart / error);
}

sf_status sf_anneal_estimate_islands(const sf_anneal_run *forward, const sf_anneal_run *reverse,
                                     sf_anneal_report *report)
{
    sf_anneal_report there;
    sf_log_z back;
    side s;

    if (forward != NULL) {
        SF_TRY(look_at(forward, &s));
        report_forward(&s, report);
    }
    if (reverse == NULL) return SF_OK;
    there = *report;
    SF_TRY(look_at(reverse, &s));
    report_reverse(&s, report);
    if (forward == NULL) return SF_OK;
    back = report->estimate;
    report->islands_probability = fmin(there.islands_probability, s.probability);
    join(&there.estimate, &back, &report->estimate);
    return SF_OK;
}
