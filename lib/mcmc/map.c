/* map.c - constrained coordinates x as functions of free ones z, with the logarithm of the
 * Jacobian that a density takes along:
 *     x > 0:            x = e^z,                              log J = z
 *     low < x < high:   x = low + (high - low)/(1 + e^-z),    log J = log x' = log((x - low)(high -
 * x)
 *                                                                        /(high - low))
 *     simplex:          x_i = e^z_i/sum_j e^z_j, z_k = 0,     log J = sum of all log x_i
 * (the last one: Aitchison 1982, doi:10.1111/j.2517-6161.1982.tb01195.x; its integral is over all
 * x_i but the last). */
#include "base/internal.h"
#include "mcmc/density.h"

#include <scorefield/mcmc.h>

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- one map -------------------------------------------------------------------------------- */

/* Free coordinates of a map. */
static size_t free_count(const sf_map *m)
{
    return m->constraint == SF_CONSTRAINT_SIMPLEX ? m->count - 1 : m->count;
}

/* x, and log J. What is beyond double precision has J = 0. */
static double place_positive(const sf_map *m, const double *z, double *x)
{
    const double most = log(DBL_MAX);
    double log_j = 0.0;

    for (size_t i = 0; i < m->count; i++) {
        x[i] = fmax(exp(fmin(z[i], most)), DBL_MIN);
        log_j += z[i] <= most ? z[i] : -INFINITY;
    }
    return log_j;
}

static double place_box(const sf_map *m, const double *z, double *x)
{
    const double width = m->high - m->low;
    double log_j = 0.0;

    for (size_t i = 0; i < m->count; i++) {
        const double e = exp(-fabs(z[i])), near = width * e / (1.0 + e);

        x[i] = z[i] > 0.0 ? m->high - near : m->low + near;
        log_j += log(width) - fabs(z[i]) - 2.0 * log1p(e);
    }
    return log_j;
}

static double place_simplex(const sf_map *m, const double *z, double *x)
{
    const size_t last = m->count - 1;
    double most = 0.0, sum = 0.0, log_j = 0.0;

    for (size_t i = 0; i < last; i++) most = fmax(most, z[i]);
    for (size_t i = 0; i <= last; i++) sum += x[i] = exp((i < last ? z[i] : 0.0) - most);
    for (size_t i = 0; i <= last; i++) {
        x[i] = fmax(x[i] / sum, DBL_MIN);
        log_j += (i < last ? z[i] : 0.0) - most - log(sum);
    }
    return log_j;
}

/* The score of z from that of x, s, with log J's own. */
static void pull_positive(const sf_map *m, const double *z, const double *x, const double *s,
                          double *score)
{
    (void)z;
    for (size_t i = 0; i < m->count; i++) score[i] = x[i] * s[i] + 1.0;
}

static void pull_box(const sf_map *m, const double *z, const double *x, const double *s,
                     double *score)
{
    (void)x;
    for (size_t i = 0; i < m->count; i++) {
        const double e = exp(-fabs(z[i])), slope = (m->high - m->low) * e / ((1.0 + e) * (1.0 + e));

        score[i] = slope * s[i] - tanh(0.5 * z[i]);
    }
}

static void pull_simplex(const sf_map *m, const double *z, const double *x, const double *s,
                         double *score)
{
    const double count = (double)m->count;
    double mean = 0.0;

    (void)z;
    for (size_t i = 0; i < m->count; i++) mean += x[i] * s[i];
    for (size_t i = 0; i + 1 < m->count; i++) score[i] = x[i] * (s[i] - mean - count) + 1.0;
}

/* z, and whether there is one. */
static bool invert_positive(const sf_map *m, const double *x, double *z)
{
    bool inside = true;

    for (size_t i = 0; i < m->count; i++) {
        inside = inside && x[i] > 0.0 && isfinite(x[i]);
        z[i] = log(x[i]);
    }
    return inside;
}

static bool invert_box(const sf_map *m, const double *x, double *z)
{
    bool inside = true;

    for (size_t i = 0; i < m->count; i++) {
        inside = inside && x[i] > m->low && x[i] < m->high;
        z[i] = log((x[i] - m->low) / (m->high - x[i]));
    }
    return inside;
}

static bool invert_simplex(const sf_map *m, const double *x, double *z)
{
    const size_t last = m->count - 1;
    double sum = 0.0;
    bool inside = true;

    for (size_t i = 0; i <= last; i++) {
        inside = inside && x[i] > 0.0;
        sum += x[i];
    }
    for (size_t i = 0; i < last; i++) z[i] = log(x[i] / x[last]);
    return inside && fabs(sum - 1.0) < 1e-8;
}

static double place_free(const sf_map *m, const double *z, double *x)
{
    memcpy(x, z, m->count * sizeof *x);
    return 0.0;
}

static void pull_free(const sf_map *m, const double *z, const double *x, const double *s,
                      double *score)
{
    (void)z;
    (void)x;
    memcpy(score, s, m->count * sizeof *s);
}

static bool invert_free(const sf_map *m, const double *x, double *z)
{
    bool inside = true;

    for (size_t i = 0; i < m->count; i++) inside = inside && isfinite(x[i]);
    memcpy(z, x, m->count * sizeof *x);
    return inside;
}

static const struct {
    const char *text;
    double (*place)(const sf_map *m, const double *z, double *x);
    void (*pull)(const sf_map *m, const double *z, const double *x, const double *s, double *score);
    bool (*invert)(const sf_map *m, const double *x, double *z);
} constraints[] = {
    [SF_CONSTRAINT_NONE] = {"finite", place_free, pull_free, invert_free},
    [SF_CONSTRAINT_POSITIVE] = {"positive", place_positive, pull_positive, invert_positive},
    [SF_CONSTRAINT_BOX] = {"inside of its box", place_box, pull_box, invert_box},
    [SF_CONSTRAINT_SIMPLEX] = {"positive with the sum 1", place_simplex, pull_simplex,
                               invert_simplex},
};

enum { CONSTRAINTS = sizeof constraints / sizeof *constraints };

/* ---- some of them --------------------------------------------------------------------------- */

static sf_status check_one(const sf_map *m, size_t i)
{
    if ((size_t)m->constraint >= CONSTRAINTS)
        return sf_fail(SF_ERR_ARGUMENT, "constraint %d of map %zu is none of the list",
                       (int)m->constraint, i);
    if (m->count == 0 || (m->constraint == SF_CONSTRAINT_SIMPLEX && m->count < 2))
        return sf_fail(SF_ERR_ARGUMENT,
                       "map %zu is of %zu coordinates; there is at least 1, and 2 in a simplex", i,
                       m->count);
    if (m->constraint == SF_CONSTRAINT_BOX && !(m->low < m->high && isfinite(m->high - m->low)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "map %zu is a box from %g to %g; the first is below the second, and both "
                       "are finite",
                       i, m->low, m->high);
    return SF_OK;
}

sf_status sf_map_dimensions(const sf_map *maps, size_t count, size_t *constrained, size_t *free)
{
    *constrained = *free = 0;
    for (size_t i = 0; i < count; i++) {
        SF_TRY(check_one(&maps[i], i));
        if (__builtin_add_overflow(*constrained, maps[i].count, constrained))
            return sf_fail(SF_ERR_MEMORY, "the maps have more coordinates than memory holds");
        *free += free_count(&maps[i]);
    }
    return SF_OK;
}

/* One point, and log J of it. */
static double place(const sf_map *maps, size_t count, const double *z, double *x)
{
    double log_j = 0.0;

    for (size_t i = 0; i < count; i++) {
        log_j += constraints[maps[i].constraint].place(&maps[i], z, x);
        z += free_count(&maps[i]);
        x += maps[i].count;
    }
    return log_j;
}

sf_status sf_map_apply(const sf_map *maps, size_t count, size_t batch, const double *z, double *x)
{
    size_t n, free;

    SF_TRY(sf_map_dimensions(maps, count, &n, &free));
    for (size_t b = 0; b < batch; b++) (void)place(maps, count, z + b * free, x + b * n);
    return SF_OK;
}

sf_status sf_map_invert(const sf_map *maps, size_t count, size_t batch, const double *x, double *z)
{
    size_t n, free;

    SF_TRY(sf_map_dimensions(maps, count, &n, &free));
    for (size_t b = 0; b < batch; b++)
        for (size_t i = 0; i < count; i++) {
            if (!constraints[maps[i].constraint].invert(&maps[i], x, z))
                return sf_fail(SF_ERR_ARGUMENT,
                               "map %zu: the values of point %zu, from %g on, are "
                               "not %s",
                               i, b, x[0], constraints[maps[i].constraint].text);
            x += maps[i].count;
            z += free_count(&maps[i]);
        }
    return SF_OK;
}

/* ---- the density ---------------------------------------------------------------------------- */

typedef struct mapped {
    sf_density *density;
    sf_map *maps;
    size_t count, constrained, free;
} mapped;

static void mapped_destroy(void *self)
{
    mapped *m = self;

    if (m == NULL) return;
    sf_density_release(&m->density);
    sf_free(m->maps);
    sf_free(m);
}

static void pull(const mapped *m, const double *z, const double *x, const double *s, double *score)
{
    for (size_t i = 0; i < m->count; i++) {
        const sf_map *map = &m->maps[i];

        constraints[map->constraint].pull(map, z, x, s, score);
        z += free_count(map);
        score += free_count(map);
        x += map->count;
        s += map->count;
    }
}

static sf_status mapped_evaluate(const void *self, size_t batch, const double *z,
                                 double *log_density, double *score)
{
    const mapped *m = self;
    double *x = NULL, *s = NULL, *log_j = NULL;
    sf_status status;

    SF_GO(sf_allocate(&x, batch, m->constrained * sizeof *x));
    SF_GO(sf_allocate(&log_j, batch, sizeof *log_j));
    if (score != NULL) SF_GO(sf_allocate(&s, batch, m->constrained * sizeof *s));
    for (size_t b = 0; b < batch; b++)
        log_j[b] = place(m->maps, m->count, z + b * m->free, x + b * m->constrained);
    SF_GO(sf_density_evaluate(m->density, batch, x, log_density, s));
    for (size_t b = 0; b < batch; b++) {
        const size_t at = b * m->constrained;

        log_density[b] += log_j[b];
        if (score != NULL) pull(m, z + b * m->free, x + at, s + at, score + b * m->free);
    }
done:
    sf_free(x);
    sf_free(s);
    sf_free(log_j);
    return status;
}

static sf_status mapped_draw(const void *self, sf_random random, uint64_t first, size_t batch,
                             double *z)
{
    const mapped *m = self;
    double *x;
    sf_status status;

    SF_TRY(sf_density_draw_inner(m->density, random, first, batch, &x));
    status = sf_map_invert(m->maps, m->count, batch, x, z);
    sf_free(x);
    return status;
}

static double mapped_log_z(const void *self)
{
    return sf_density_log_z(((const mapped *)self)->density);
}

static size_t mapped_together(const void *self)
{
    return sf_density_together(((const mapped *)self)->density);
}

/* By what the density can do: [draws][score]. */
#define METHODS(drawing, scoreless)                                                            \
    {                                                                                          \
        .name = "mapped", .evaluate = mapped_evaluate, .draw = drawing, .log_z = mapped_log_z, \
        .destroy = mapped_destroy, .together = mapped_together, .no_score = scoreless,         \
    }
static const sf_density_methods mapped_methods[2][2] = {
    {METHODS(NULL, true), METHODS(NULL, false)},
    {METHODS(mapped_draw, true), METHODS(mapped_draw, false)},
};

sf_status sf_density_mapped(sf_density *density, const sf_map *maps, size_t count,
                            sf_density **result)
{
    size_t constrained, free;
    mapped *m = NULL;
    sf_status status;

    *result = NULL;
    SF_TRY(sf_map_dimensions(maps, count, &constrained, &free));
    if (constrained != sf_density_dimension(density))
        return sf_fail(SF_ERR_SHAPE, "maps of %zu coordinates for density %s, which has %zu",
                       constrained, sf_density_name(density), sf_density_dimension(density));
    if (sf_density_period(density) != 0.0)
        return sf_fail(SF_ERR_ARGUMENT, "density %s is of angles, which have no constraints",
                       sf_density_name(density));
    SF_TRY(sf_allocate(&m, 1, sizeof *m));
    m->density = sf_density_retain(density);
    m->count = count;
    m->constrained = constrained;
    m->free = free;
    SF_GO(sf_copy_memory(maps, count, sizeof *maps, &m->maps));
    return sf_density_create(
        &mapped_methods[sf_density_can_draw(density)][sf_density_has_score(density)], m, free,
        result);
done:
    mapped_destroy(m);
    return status;
}
