/* density_xy.c - the XY model: an angle a site of a periodic lattice, log f = beta sum over links
 * of cos(theta - theta'). With c = cos theta, s = sin theta and their sums C, S over neighbours,
 *     log f = beta/2 sum over sites (c C + s S),  score = -beta (s C - c S),
 * so that one sine and one cosine a site are all.
 *
 * A ring of N sites has Z = (2 pi)^N sum_n I_n(beta)^N, from the characters of its links. */
#include "base/elementary.h"
#include "base/internal.h"
#include "mcmc/lanes.h"
#include "mcmc/neighbours.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_sf_bessel.h>
#include <math.h>

typedef struct xy {
    sf_grid grid;
    double beta, log_z;
} xy;

static double xy_log_z(const void *self) { return ((const xy *)self)->log_z; }

SF_VECTOR_CLONES static void circle_points(size_t n, const double *restrict theta,
                                           double *restrict cosine, double *restrict sine)
{
    for (size_t i = 0; i < n; i++) sf_vector_circle(theta[i], &cosine[i], &sine[i]);
}

SF_VECTOR_CLONES static void turn(size_t n, double beta, const double *restrict c,
                                  const double *restrict s, const double *restrict cs,
                                  const double *restrict ss, double *restrict score)
{
    for (size_t i = 0; i < n; i++) score[i] = beta * (c[i] * ss[i] - s[i] * cs[i]);
}

static sf_status xy_evaluate(const void *self, size_t batch, const double *x, double *log_density,
                             double *score)
{
    const xy *m = self;
    const size_t n = sf_grid_size(&m->grid);
    double *c, *s, *cs, *ss;

    SF_TRY(sf_allocate(&c, n, 4 * sizeof *c));
    s = c + n;
    cs = s + n;
    ss = cs + n;
    for (size_t b = 0; b < batch; b++) {
        circle_points(n, x + b * n, c, s);
        sf_neighbours_sum(&m->grid, c, cs);
        sf_neighbours_sum(&m->grid, s, ss);
        log_density[b] =
            0.5 * m->beta * (sf_lanes_product(n, c, 0.0, cs) + sf_lanes_product(n, s, 0.0, ss));
        if (score != NULL) turn(n, m->beta, c, s, cs, ss, score + b * n);
    }
    sf_free(c);
    return SF_OK;
}

/* Ratios I_n/I_{n-1} = 1/(2n/beta + I_{n+1}/I_n), from far above beta down; the sum is of their
 * products' powers, begun at its far end: 1 + r_1^N (1 + r_2^N (...)), once for n and for -n. */
static double ring_log_z(size_t sites, double beta)
{
    const double n = (double)sites;
    double ratio = 0.0, sum = 0.0;

    for (size_t k = 100 + 2 * (size_t)fabs(beta); k > 0; k--) {
        ratio = 1.0 / (2.0 * (double)k / beta + ratio);
        sum = pow(ratio, n) * (1.0 + sum);
    }
    return n * (log(2.0 * M_PI) + fabs(beta) + log(gsl_sf_bessel_I0_scaled(beta))) +
           log1p(2.0 * sum);
}

static double xy_period(const void *self)
{
    (void)self;
    return 2.0 * M_PI;
}

static sf_status xy_base(const void *self, sf_density **base)
{
    return sf_density_angles(sf_grid_size(&((const xy *)self)->grid), base);
}

static const sf_density_methods xy_methods = {
    .name = "xy",
    .evaluate = xy_evaluate,
    .log_z = xy_log_z,
    .destroy = sf_free,
    .period = xy_period,
    .base = xy_base,
};

sf_status sf_density_xy(int axes, const size_t *shape, double beta, sf_density **density)
{
    const double most = 1e6; /* of terms in the ring's sum */
    xy *m;
    sf_status status;

    *density = NULL;
    if (!isfinite(beta))
        return sf_fail(SF_ERR_ARGUMENT, "an XY model of beta = %g; it is finite", beta);
    SF_TRY(sf_allocate(&m, 1, sizeof *m));
    m->beta = beta;
    SF_GO(sf_grid_make(axes, shape, NULL, &m->grid));
    m->log_z = axes == 1 && fabs(beta) <= most ? ring_log_z(shape[0], beta) : NAN;
    return sf_density_create(&xy_methods, m, sf_grid_size(&m->grid), density);
done:
    sf_free(m);
    return status;
}
