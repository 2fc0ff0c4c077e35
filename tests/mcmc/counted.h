/* counted.h - a density that counts the points it is asked for, and knows no more of itself than
 * its value and score: no draws, no log Z, no base. */
#ifndef SF_TESTS_MCMC_COUNTED_H
#define SF_TESTS_MCMC_COUNTED_H

#include <scorefield/mcmc.h>

#include "check.h"

#include <stdatomic.h>

typedef struct counted {
    sf_density *density;
    atomic_size_t *points;
} counted;

static inline sf_status counted_evaluate(const void *self, size_t batch, const double *x,
                                         double *log_density, double *score)
{
    const counted *c = self;

    atomic_fetch_add(c->points, batch);
    return sf_density_evaluate(c->density, batch, x, log_density, score);
}

static inline void counted_destroy(void *self)
{
    counted *c = self;

    sf_density_release(&c->density);
    sf_free(c);
}

static const sf_density_methods counted_methods = {
    .name = "counted", .evaluate = counted_evaluate, .destroy = counted_destroy};

/* Counts from 0 on. */
static inline sf_density *count_points(sf_density *density, atomic_size_t *points)
{
    sf_density *made;
    counted *c;

    atomic_store(points, 0);
    assert_ok(sf_allocate(&c, 1, sizeof *c));
    *c = (counted){sf_density_retain(density), points};
    assert_ok(sf_density_create(&counted_methods, c, sf_density_dimension(density), &made));
    return made;
}

#endif
