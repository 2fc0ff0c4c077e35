/* density_uniform.c - constant densities: of a box, and of angles on a circle each. */
#include "base/internal.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_math.h>
#include <math.h>
#include <string.h>

typedef struct uniform {
    size_t n;
    bool endless; /* angles: no walls */
    double low, width, log_f;
} uniform;

static bool inside(const uniform *u, const double *x)
{
    for (size_t i = 0; i < u->n; i++)
        if (!(x[i] >= u->low) || !(x[i] <= u->low + u->width)) return false;
    return true;
}

static sf_status uniform_evaluate(const void *self, size_t batch, const double *x,
                                  double *log_density, double *score)
{
    const uniform *u = self;

    for (size_t b = 0; b < batch; b++)
        log_density[b] = u->endless || inside(u, x + b * u->n) ? u->log_f : -INFINITY;
    if (score != NULL) memset(score, 0, batch * u->n * sizeof *score);
    return SF_OK;
}

static sf_status uniform_draw(const void *self, sf_random random, uint64_t first, size_t batch,
                              double *x)
{
    const uniform *u = self;

    sf_random_uniform(random, 0, first * u->n, batch * u->n, x);
    for (size_t i = 0; i < batch * u->n; i++) x[i] = u->low + u->width * x[i];
    return SF_OK;
}

static double uniform_log_z(const void *self)
{
    (void)self;
    return 0.0;
}

static double angles_period(const void *self) { return ((const uniform *)self)->width; }

static const sf_density_methods box_methods = {
    .name = "uniform",
    .evaluate = uniform_evaluate,
    .draw = uniform_draw,
    .log_z = uniform_log_z,
    .destroy = sf_free,
};

static const sf_density_methods angles_methods = {
    .name = "angles",
    .evaluate = uniform_evaluate,
    .draw = uniform_draw,
    .log_z = uniform_log_z,
    .destroy = sf_free,
    .period = angles_period,
};

static sf_status create(const sf_density_methods *methods, size_t n, double low, double high,
                        sf_density **density)
{
    uniform *u;

    SF_TRY(sf_allocate(&u, 1, sizeof *u));
    *u = (uniform){n, methods->period != NULL, low, high - low, -(double)n * log(high - low)};
    return sf_density_create(methods, u, n, density);
}

sf_status sf_density_uniform(size_t dimension, double low, double high, sf_density **density)
{
    *density = NULL;
    if (!(low < high) || !isfinite(high - low))
        return sf_fail(SF_ERR_ARGUMENT,
                       "no uniform density from %g to %g: the first is below the second, and both "
                       "are finite",
                       low, high);
    return create(&box_methods, dimension, low, high, density);
}

sf_status sf_density_angles(size_t dimension, sf_density **density)
{
    *density = NULL;
    return create(&angles_methods, dimension, 0.0, 2.0 * M_PI, density);
}
