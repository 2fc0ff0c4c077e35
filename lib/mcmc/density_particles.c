/* density_particles.c - clusters of particles whose pairs have an energy of their distance, and
 * that lie in a harmonic trap or are free of their centre of mass. log f = -energy.
 *
 * Without centre of mass, n particles have n - 1 orthonormal coordinates an axis, z_k =
 * (x_0 + ... + x_{k-1} - k x_k)/sqrt(k (k + 1)), k = 1 ... n - 1 (Helmert 1876): a rotation, so
 * that gradients are turned as positions are. Coordinates are axis by axis of particle by particle.
 *
 * Eight points lie side by side, one in each lane of a vector: pairs are few where clusters are
 * small, chains are many.
 */
#include "base/internal.h"
#include "mcmc/lanes.h"

#include <scorefield/mcmc.h>

#include <math.h>
#include <string.h>

enum { MOST_AXES = 3 };

/* A number of each point. */
typedef double lanes[SF_LANES];

typedef struct particles {
    size_t count, axes;
    bool wells; /* pairs have double wells, not the energy of Lennard-Jones; */
    bool free;  /* no centre of mass */
    double trap, epsilon, radius;
} particles;

/* ---- pairs ---------------------------------------------------------------------------------- */

/* The energy of a distance whose square is given, and its derivative over the distance:
 * epsilon ((radius/d)^12 - 2 (radius/d)^6) */
static inline void lennard_jones(const particles *p, const lanes square, lanes energy, lanes slope)
{
    for (size_t l = 0; l < SF_LANES; l++) {
        const double ratio = p->radius * p->radius / square[l], sixth = ratio * ratio * ratio;

        slope[l] = -12.0 * p->epsilon * (sixth * sixth - sixth) / square[l];
        energy[l] += p->epsilon * (sixth * sixth - 2.0 * sixth);
    }
}

/* -4 (d - 4)^2 + 0.9 (d - 4)^4 */
static inline void double_well(const lanes square, lanes energy, lanes slope)
{
    for (size_t l = 0; l < SF_LANES; l++) {
        const double d = sqrt(square[l]), away = d - 4.0, of_away = away * away;

        slope[l] = d > 0.0 ? away * (3.6 * of_away - 8.0) / d : 0.0;
        energy[l] += of_away * (0.9 * of_away - 4.0);
    }
}

/* Its energy and its forces are added. */
static inline void add_pair(const particles *p, const lanes *a, const lanes *b, lanes energy,
                            lanes *force_a, lanes *force_b)
{
    lanes away[MOST_AXES], square = {0.0}, slope;

    for (size_t i = 0; i < p->axes; i++)
        for (size_t l = 0; l < SF_LANES; l++) {
            away[i][l] = a[i][l] - b[i][l];
            square[l] += away[i][l] * away[i][l];
        }
    if (p->wells)
        double_well(square, energy, slope);
    else
        lennard_jones(p, square, energy, slope);
    for (size_t i = 0; i < p->axes; i++)
        for (size_t l = 0; l < SF_LANES; l++) {
            force_a[i][l] -= slope[l] * away[i][l];
            force_b[i][l] += slope[l] * away[i][l];
        }
}

/* The energies at x, and the forces. */
SF_VECTOR_CLONES static void energies(const particles *p, const lanes *x, lanes energy,
                                      lanes *restrict force)
{
    const size_t axes = p->axes;

    for (size_t i = 0; i < p->count * axes; i++)
        for (size_t l = 0; l < SF_LANES; l++) {
            energy[l] += 0.5 * p->trap * x[i][l] * x[i][l];
            force[i][l] = -p->trap * x[i][l];
        }
    for (size_t i = 0; i < p->count; i++)
        for (size_t j = 0; j < i; j++)
            add_pair(p, x + i * axes, x + j * axes, energy, force + i * axes, force + j * axes);
}

/* ---- coordinates ---------------------------------------------------------------------------- */

static double helmert(size_t k) { return 1.0 / sqrt((double)k * (double)(k + 1)); }

/* x of z, for which sum x = 0 */
static void place(const particles *p, const lanes *z, lanes *x)
{
    const size_t axes = p->axes;

    for (size_t a = 0; a < axes; a++) {
        lanes sum = {0.0};

        for (size_t i = p->count; i-- > 0;) {
            const double size = i > 0 ? helmert(i) : 0.0;
            const double *from = z[i > 0 ? (i - 1) * axes + a : a];

            for (size_t l = 0; l < SF_LANES; l++) {
                x[i * axes + a][l] = sum[l] - (double)i * size * from[l];
                sum[l] += size * from[l];
            }
        }
    }
}

/* The gradient over z of that over x. */
static void gather(const particles *p, const lanes *x, lanes *z)
{
    const size_t axes = p->axes;

    for (size_t a = 0; a < axes; a++) {
        lanes sum;

        memcpy(sum, x[a], sizeof sum);
        for (size_t k = 1; k < p->count; k++)
            for (size_t l = 0; l < SF_LANES; l++) {
                const double own = x[k * axes + a][l];

                z[(k - 1) * axes + a][l] = helmert(k) * (sum[l] - (double)k * own);
                sum[l] += own;
            }
    }
}

/* ---- density -------------------------------------------------------------------------------- */

/* `count` points, at most one for each lane; room: three times all coordinates. */
static void evaluate_lanes(const particles *p, size_t n, size_t count, const double *points,
                           double *log_density, double *score, lanes *room)
{
    const size_t all = p->count * p->axes;
    lanes *z = room, *x = p->free ? room + all : z, *force = room + 2 * all, energy = {0.0};

    for (size_t l = 0; l < count; l++)
        for (size_t i = 0; i < n; i++) z[i][l] = points[l * n + i];
    if (p->free) place(p, z, x);
    energies(p, x, energy, force);
    for (size_t l = 0; l < count; l++) log_density[l] = -energy[l];
    if (score == NULL) return;
    if (p->free) gather(p, force, z);
    for (size_t l = 0; l < count; l++)
        for (size_t i = 0; i < n; i++) score[l * n + i] = (p->free ? z : force)[i][l];
}

static sf_status particles_evaluate(const void *self, size_t batch, const double *x,
                                    double *log_density, double *score)
{
    const particles *p = self;
    const size_t all = p->count * p->axes, n = p->free ? all - p->axes : all;
    lanes *room;

    SF_TRY(sf_allocate(&room, all, 3 * sizeof *room));
    for (size_t b = 0; b < batch; b += SF_LANES)
        evaluate_lanes(p, n, batch - b < SF_LANES ? batch - b : SF_LANES, x + b * n,
                       log_density + b, score != NULL ? score + b * n : NULL, room);
    sf_free(room);
    return SF_OK;
}

static size_t particles_together(const void *self)
{
    (void)self;
    return SF_LANES;
}

/* ---- creation ------------------------------------------------------------------------------- */

static const sf_density_methods lennard_jones_methods = {
    .name = "lennard-jones",
    .evaluate = particles_evaluate,
    .destroy = sf_free,
    .together = particles_together,
};

static const sf_density_methods double_well_methods = {
    .name = "double-wells",
    .evaluate = particles_evaluate,
    .destroy = sf_free,
    .together = particles_together,
};

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
    const particles kind = {
        .count = count, .axes = 3, .trap = trap, .epsilon = epsilon, .radius = radius};

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
    const particles kind = {.count = count, .axes = 2, .free = true, .wells = true};

    *density = NULL;
    return create(&double_well_methods, kind, density);
}
