/* repetitions.h - z-scores of repeated estimates, and samples that are their law's own quantiles:
 * the same numbers in every program. */
#ifndef SF_TESTS_REPETITIONS_H
#define SF_TESTS_REPETITIONS_H

#include "check.h"

#include <gsl/gsl_cdf.h>

/* With true errors z has mean 0 and standard deviation 1. Over 400 repetitions their own standard
 * errors are 0.05 and 0.035, so that the limits below are 4 of them: a false alarm in 10^4. */
#define REPETITIONS 400

typedef struct z_scores {
    double sum, squares;
    int count;
} z_scores;

static inline void z_add(z_scores *z, double estimate, double error, double truth)
{
    const double score = (estimate - truth) / error;

    z->sum += score;
    z->squares += score * score;
    z->count++;
}

#define assert_calibrated(z) assert_calibrated_at(z, __FILE__, __LINE__)
static inline void assert_calibrated_at(const z_scores *z, const char *file, int line)
{
    const double mean = z->sum / z->count, sd = sqrt(z->squares / z->count - mean * mean);

    if (fabs(mean) <= 0.2 && sd >= 0.85 && sd <= 1.15) return;
    print_error("z-scores have mean %.3f and standard deviation %.3f\n", mean, sd);
    _fail(file, line);
}

/* x = the quantiles (i + 1/2)/count of a normal law. */
static inline void normal_quantiles(double mean, double sd, size_t count, double *x)
{
    for (size_t i = 0; i < count; i++)
        x[i] = mean + sd * gsl_cdf_ugaussian_Pinv(((double)i + 0.5) / (double)count);
}

#endif
