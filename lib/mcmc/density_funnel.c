/* density_funnel.c - Neal's funnel (2003, doi:10.1214/aos/1056562461, section 8), normalised:
 *     v ~ N(0, 9), x_1 ... x_{n-1} ~ N(0, e^v). Coordinate 0 is v. */
#include "base/internal.h"
#include "mcmc/lanes.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_math.h>
#include <math.h>

typedef struct funnel {
    size_t n;
} funnel;

static const double variance = 9.0;

static sf_status funnel_evaluate(const void *self, size_t batch, const double *x,
                                 double *log_density, double *score)
{
    const size_t n = ((const funnel *)self)->n;
    const double others = (double)(n - 1);

    for (size_t b = 0; b < batch; b++) {
        const double *own = x + b * n, v = own[0], precision = exp(-v);
        const double square = sf_lanes_square(n - 1, own + 1);

        log_density[b] = -0.5 * (v * v / variance + square * precision + others * v +
                                 log(variance) + (double)n * log(2.0 * M_PI));
        if (score == NULL) continue;
        score[b * n] = -v / variance + 0.5 * (square * precision - others);
        for (size_t i = 1; i < n; i++) score[b * n + i] = -own[i] * precision;
    }
    return SF_OK;
}

static sf_status funnel_draw(const void *self, sf_random random, uint64_t first, size_t batch,
                             double *x)
{
    const size_t n = ((const funnel *)self)->n;

    sf_random_normal(random, 0, first * n, batch * n, x);
    for (size_t b = 0; b < batch; b++) {
        double *own = x + b * n;

        own[0] *= sqrt(variance);
        for (size_t i = 1; i < n; i++) own[i] *= exp(0.5 * own[0]);
    }
    return SF_OK;
}

static double funnel_log_z(const void *self)
{
    (void)self;
    return 0.0;
}

static const sf_density_methods funnel_methods = {
    .name = "funnel",
    .evaluate = funnel_evaluate,
    .draw = funnel_draw,
    .log_z = funnel_log_z,
    .destroy = sf_free,
};

sf_status sf_density_funnel(size_t dimension, sf_density **density)
{
    funnel *f;

    *density = NULL;
    if (dimension < 2)
        return sf_fail(SF_ERR_ARGUMENT, "a funnel of dimension %zu; it has at least 2", dimension);
    SF_TRY(sf_allocate(&f, 1, sizeof *f));
    f->n = dimension;
    return sf_density_create(&funnel_methods, f, dimension, density);
}
