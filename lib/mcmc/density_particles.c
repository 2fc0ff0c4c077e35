/* density_particles.c - clusters of particles whose pairs have an energy of their distance, and
 * that lie in a harmonic trap or are free of their centre of mass. log f = -energy.
 *
 * Without centre of mass, n particles have n - 1 orthonormal coordinates an axis, z_k =
 * (x_0 + ... + x_{k-1} - k x_k)/sqrt(k (k + 1)), k = 1 ... n - 1 (Helmert 1876): a rotation, so
 * that gradients are turned as positions are. Coordinates are axis by axis of particle by particle.
 */
#include "base/internal.h"

#include <scorefield/mcmc.h>

#include <math.h>
#include <string.h>

typedef struct particles particles;

struct particles {
    size_t count, axes;
    bool free; /* of the centre of mass */
    double trap, epsilon, radius;
    /* energy of a distance d > 0, and its derivative over d */
    double (*pair)(const particles *p, double d, double *slope);
};

/* epsilon ((radius/d)^12 - 2 (radius/d)^6) */
static double lennard_jones(const particles *p, double d, double *slope)
{
    const double ratio = p->radius / d, square = ratio * ratio, sixth = square * square * square;

    *slope = -12.0 * p->epsilon * (sixth * sixth - sixth) / (d * d);
    return p->epsilon * (sixth * sixth - 2.0 * sixth);
}

/* -4 (d - 4)^2 + 0.9 (d - 4)^4 */
static double double_well(const particles *p, double d, double *slope)
{
    const double away = d - 4.0, square = away * away;

    (void)p;
    *slope = d > 0.0 ? away * (3.6 * square - 8.0) / d : 0.0;
    return square * (0.9 * square - 4.0);
}

/* ---- coordinates ---------------------------------------------------------------------------- */

static double helmert(size_t k) { return 1.0 / sqrt((double)k * (double)(k + 1)); }

/* x of z, for which sum x = 0 */
static void place(const particles *p, const double *z, double *x)
{
    for (size_t a = 0; a < p->axes; a++) {
        double sum = 0.0;

        for (size_t i = p->count; i-- > 0;) {
            const double own = i > 0 ? helmert(i) * z[(i - 1) * p->axes + a] : 0.0;

            x[i * p->axes + a] = sum - (double)i * own;
            sum += own;
        }
    }
}

/* The gradient over z of that over x. */
static void gather(const particles *p, const double *x, double *z)
{
    for (size_t a = 0; a < p->axes; a++) {
        double sum = x[a];

        for (size_t k = 1; k < p->count; k++) {
            const double own = x[k * p->axes + a];

            z[(k - 1) * p->axes + a] = helmert(k) * (sum - (double)k * own);
            sum += own;
        }
    }
}

/* ---- energy --------------------------------------------------------------------------------- */

/* The pair's energy; its forces are added. */
static double add_pair(const particles *p, const double *a, const double *b, double *force_a,
                       double *force_b)
{
    double square = 0.0, slope, energy;

    for (size_t i = 0; i < p->axes; i++) square += (a[i] - b[i]) * (a[i] - b[i]);
    energy = p->pair(p, sqrt(square), &slope);
    for (size_t i = 0; i < p->axes; i++) {
        force_a[i] -= slope * (a[i] - b[i]);
        force_b[i] += slope * (a[i] - b[i]);
    }
    return energy;
}

/* The energy at x, and its forces. */
static double energy_of(const particles *p, const double *x, double *force)
{
    const size_t n = p->count * p->axes;
    double energy = 0.0;

    for (size_t i = 0; i < n; i++) {
        energy += 0.5 * p->trap * x[i] * x[i];
        force[i] = -p->trap * x[i];
    }
    for (size_t i = 0; i < p->count; i++)
        for (size_t j = 0; j < i; j++)
            energy += add_pair(p, x + i * p->axes, x + j * p->axes, force + i * p->axes,
                               force + j * p->axes);
    return energy;
}

static sf_status particles_evaluate(const void *self, size_t batch, const double *x,
                                    double *log_density, double *score)
{
    const particles *p = self;
    const size_t all = p->count * p->axes, n = p->free ? all - p->axes : all;
    double *place_of, *force;

    SF_TRY(sf_allocate(&place_of, all, 2 * sizeof *place_of));
    force = place_of + all;
    for (size_t b = 0; b < batch; b++) {
        if (p->free)
            place(p, x + b * n, place_of);
        else
            memcpy(place_of, x + b * n, n * sizeof *x);
        log_density[b] = -energy_of(p, place_of, force);
        if (score == NULL) continue;
        if (p->free)
            gather(p, force, score + b * n);
        else
            memcpy(score + b * n, force, n * sizeof *x);
    }
    sf_free(place_of);
    return SF_OK;
}

/* ---- creation ------------------------------------------------------------------------------- */

static const sf_density_methods lennard_jones_methods = {
    .name = "lennard-jones", .evaluate = particles_evaluate, .destroy = sf_free};

static const sf_density_methods double_well_methods = {
    .name = "double-wells", .evaluate = particles_evaluate, .destroy = sf_free};

static sf_status create(const sf_density_methods *methods, particles kind, sf_density **density)
{
    particles *p;
    size_t n;

    if (kind.count < 2 || !sf_multiply_sizes(kind.count, 4 * kind.axes, &n))
        return sf_fail(SF_ERR_ARGUMENT, "a cluster of %zu particles; it has at least 2",
                       kind.count);
    SF_TRY(sf_allocate(&p, 1, sizeof *p));
    *p = kind;
    return sf_density_create(methods, p, (kind.count - (kind.free ? 1 : 0)) * kind.axes, density);
}

sf_status sf_density_lennard_jones(size_t count, double trap, double epsilon, double radius,
                                   sf_density **density)
{
    const particles kind = {.count = count,
                            .axes = 3,
                            .trap = trap,
                            .epsilon = epsilon,
                            .radius = radius,
                            .pair = lennard_jones};

    *density = NULL;
    if (!(trap > 0.0) || !isfinite(trap) || !(epsilon > 0.0) || !isfinite(epsilon) ||
        !(radius > 0.0) || !isfinite(radius))
        return sf_fail(
            SF_ERR_ARGUMENT,
            "Lennard-Jones particles in a trap of %g, with epsilon %g and radius %g; all "
            "are positive and finite",
            trap, epsilon, radius);
    return create(&lennard_jones_methods, kind, density);
}

sf_status sf_density_double_wells(size_t count, sf_density **density)
{
    const particles kind = {.count = count, .axes = 2, .free = true, .pair = double_well};

    *density = NULL;
    return create(&double_well_methods, kind, density);
}
