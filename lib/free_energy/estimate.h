/* estimate.h - what the estimators share: compensated sums, log-sum-exp, the verdict. */
#ifndef SF_FREE_ENERGY_ESTIMATE_H
#define SF_FREE_ENERGY_ESTIMATE_H

#include "base/internal.h"

#include <scorefield/free_energy.h>

#include <math.h>

#define SF_LEAST_ESS        50.0
#define SF_LARGEST_SHARE    0.1
#define SF_LARGEST_K        0.7
#define SF_LEAST_OVERLAP    0.03

#define SF_STREAM_BOOTSTRAP UINT64_C(0xb007) /* of random numbers: apart from those of paths */

/* A sum whose rounding errors are summed apart (Neumaier 1974, doi:10.1002/zamm.19740540106). */
typedef struct sf_sum {
    double sum, rest;
} sf_sum;

static inline void sf_sum_add(sf_sum *s, double x)
{
    const double sum = s->sum + x;

    s->rest += fabs(s->sum) >= fabs(x) ? (s->sum - sum) + x : (x - sum) + s->sum;
    s->sum = sum;
}

static inline double sf_sum_value(const sf_sum *s) { return s->sum + s->rest; }

/* Refuses no log-weights, +inf and all zero, naming them `what`; *largest is the largest. */
sf_status sf_log_weights_check(const double *log_weight, size_t count, const char *what,
                               double *largest);
/* The shape of the tail of these weights (see sf_weights); shift: the largest log-weight. */
sf_status sf_pareto_k(const double *log_weight, size_t count, double shift, double *k);

/* A reliable estimate, until it is doubted; the first doubt stays. */
void sf_log_z_set(sf_log_z *log_z, double value, double error);
void sf_log_z_doubt(sf_log_z *log_z, const char *format, ...) SF_PRINTF(2, 3);
/* Doubts what rests on these weights alone. */
void sf_log_z_judge(sf_log_z *log_z, const sf_weights *weights);

/* c = the coefficients of a rule (see sf_thermodynamic_integration); other = those of the rule that
 * it is held against. */
sf_status sf_quadrature_coefficients(sf_quadrature rule, size_t count, const double *b, double *c,
                                     double *other);
/* Doubts an integral whose discretisation is larger than its error. */
void sf_thermodynamic_judge(sf_thermodynamic_report *report);

/* drawn (count) = values drawn with replacement: the numbers of this sequence. */
void sf_resample(sf_random random, uint64_t sequence, const double *value, size_t count,
                 double *drawn);
/* once(user, b, &value) for every replicate b, on all threads; fails for lack of memory alone. */
sf_status sf_bootstrap_each(size_t replicates, double estimate,
                            sf_status (*once)(const void *user, uint64_t replicate, double *value),
                            const void *user, sf_bootstrap *bootstrap);

/* Crossing and slope of a report whose estimate is set (see sf_bar). */
void sf_crooks_crossing(const double *forward, size_t forward_count, const double *reverse,
                        size_t reverse_count, sf_bar_report *report);

#endif
