/* density.c - the handle of a density, the rules for numbers that are none, and the check of a
 * score against its density. */
#include "mcmc/density.h"

#include "base/internal.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

struct sf_density {
    atomic_int references;
    const sf_density_methods *methods;
    void *self;
    size_t dimension;
};

sf_status sf_density_create(const sf_density_methods *methods, void *self, size_t dimension,
                            sf_density **density)
{
    sf_status status;

    *density = NULL;
    if (methods == NULL || methods->evaluate == NULL)
        SF_GO(sf_fail(SF_ERR_ARGUMENT, "a density needs the method evaluate"));
    if (dimension == 0)
        SF_GO(sf_fail(SF_ERR_ARGUMENT, "a density of no dimension; it has at least 1"));
    SF_GO(sf_allocate(density, 1, sizeof **density));
    atomic_init(&(*density)->references, 1);
    (*density)->methods = methods;
    (*density)->self = self;
    (*density)->dimension = dimension;
    return SF_OK;
done:
    if (methods != NULL && methods->destroy != NULL) methods->destroy(self);
    return status;
}

sf_density *sf_density_retain(sf_density *density)
{
    if (density != NULL) atomic_fetch_add(&density->references, 1);
    return density;
}

void sf_density_release(sf_density **density)
{
    if (density == NULL || *density == NULL) return;
    if (atomic_fetch_sub(&(*density)->references, 1) == 1) {
        if ((*density)->methods->destroy != NULL) (*density)->methods->destroy((*density)->self);
        sf_free(*density);
    }
    *density = NULL;
}

size_t sf_density_dimension(const sf_density *density) { return density->dimension; }

const char *sf_density_name(const sf_density *density)
{
    return density->methods->name != NULL ? density->methods->name : "density";
}

double sf_density_log_z(const sf_density *density)
{
    return density->methods->log_z != NULL ? density->methods->log_z(density->self) : NAN;
}

bool sf_density_can_draw(const sf_density *density) { return density->methods->draw != NULL; }

bool sf_density_has_score(const sf_density *density) { return !density->methods->no_score; }

size_t sf_density_together(const sf_density *density)
{
    return density->methods->together != NULL ? density->methods->together(density->self) : 1;
}

sf_status sf_density_base(const sf_density *density, sf_density **base)
{
    *base = NULL;
    if (density->methods->base == NULL)
        return sf_fail(SF_ERR_UNSUPPORTED, "density %s knows no density to start from",
                       sf_density_name(density));
    return density->methods->base(density->self, base);
}

bool sf_density_has_precision(const sf_density *density)
{
    return density->methods->precision != NULL;
}

sf_status sf_density_precision(const sf_density *density, const double *x, double *precision)
{
    return density->methods->precision(density->self, x, precision);
}

sf_status sf_density_own_affine(const sf_density *density, const double *mean, const double *factor,
                                sf_density **affine)
{
    *affine = NULL;
    if (density->methods->affine == NULL) return SF_OK;
    return density->methods->affine(density->self, mean, factor, affine);
}

double sf_density_period(const sf_density *density)
{
    return density->methods->period != NULL ? density->methods->period(density->self) : 0.0;
}

sf_status sf_density_evaluate(const sf_density *density, size_t batch, const double *x,
                              double *log_density, double *score)
{
    const size_t n = density->dimension;

    if (score != NULL && density->methods->no_score)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "density %s has no score: only random walks and OU moves can do without",
                       sf_density_name(density));
    SF_TRY(density->methods->evaluate(density->self, batch, x, log_density, score));
    for (size_t b = 0; b < batch; b++) {
        if (isfinite(log_density[b])) continue;
        log_density[b] = -INFINITY;
        if (score != NULL) memset(score + b * n, 0, n * sizeof *score);
    }
    return SF_OK;
}

sf_status sf_density_draw(const sf_density *density, uint64_t seed, uint64_t stream, uint64_t first,
                          size_t batch, double *x)
{
    if (density->methods->draw == NULL)
        return sf_fail(SF_ERR_UNSUPPORTED, "density %s has no exact draws; let chains find it",
                       sf_density_name(density));
    return density->methods->draw(density->self, sf_random_make(seed, stream), first, batch, x);
}

sf_status sf_density_draw_inner(const sf_density *inner, sf_random random, uint64_t first,
                                size_t batch, double **x)
{
    sf_status status;

    SF_TRY(sf_allocate(x, batch, inner->dimension * sizeof **x));
    status = sf_density_draw(inner, sf_random_seed(random), 0, first, batch, *x);
    if (status == SF_OK) return SF_OK;
    sf_free(*x);
    *x = NULL;
    return status;
}

/* ---- the check ------------------------------------------------------------------------------ */

/* Four points along coordinate `index` of x, at -2, -1, 1, 2 steps. */
static double fourth_order(const double *log_density, double step)
{
    return (8.0 * (log_density[2] - log_density[1]) - (log_density[3] - log_density[0])) /
           (12.0 * step);
}

static sf_status check_coordinate(const sf_density *density, const double *x, size_t index,
                                  double *near, double *difference)
{
    static const double places[4] = {-2.0, -1.0, 1.0, 2.0};
    const size_t n = density->dimension;
    const double step = 1e-3 * fmax(1.0, fabs(x[index]));
    double log_density[4];

    for (size_t i = 0; i < 4; i++) {
        memcpy(near + i * n, x, n * sizeof *x);
        near[i * n + index] += places[i] * step;
    }
    SF_TRY(sf_density_evaluate(density, 4, near, log_density, NULL));
    for (size_t i = 0; i < 4; i++)
        if (log_density[i] == -INFINITY)
            return sf_fail(SF_ERR_NUMERIC,
                           "density %s is 0 or not finite at %.17g in coordinate %zu: its score "
                           "cannot be checked there",
                           sf_density_name(density), near[i * n + index], index);
    *difference = fourth_order(log_density, step);
    return SF_OK;
}

/* Keeps the worst coordinate; a NaN is worst of all. */
static void keep_worst(sf_density_check_report *worst, size_t point, size_t index, double score,
                       double difference)
{
    const double size = fmax(1.0, fmax(fabs(score), fabs(difference)));
    const double error = isfinite(score) ? fabs(score - difference) / size : INFINITY;

    if (error > worst->error || (point == 0 && index == 0))
        *worst = (sf_density_check_report){point, index, score, difference, error, false};
}

sf_status sf_density_check(const sf_density *density, size_t batch, const double *x,
                           double tolerance, sf_density_check_report *report)
{
    const size_t n = density->dimension;
    sf_density_check_report worst = {.error = 0.0};
    double *score = NULL, *near = NULL, log_density;
    sf_status status;

    memset(report, 0, sizeof *report);
    SF_GO(sf_allocate(&score, n, sizeof *score));
    SF_GO(sf_allocate(&near, n, 4 * sizeof *near));
    for (size_t b = 0; b < batch; b++) {
        SF_GO(sf_density_evaluate(density, 1, x + b * n, &log_density, score));
        for (size_t i = 0; i < n; i++) {
            double difference = NAN;

            SF_GO(check_coordinate(density, x + b * n, i, near, &difference));
            keep_worst(&worst, b, i, score[i], difference);
        }
    }
    worst.agrees = worst.error <= tolerance;
    *report = worst;
done:
    sf_free(score);
    sf_free(near);
    return status;
}

const void *sf_density_self(const sf_density *density, const sf_density_methods *methods)
{
    return density->methods == methods ? density->self : NULL;
}
