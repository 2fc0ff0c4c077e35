/* density_affine.c - a density in coordinates z, x = mean + L z, in which a target like N(mean,
 * L L^T) is round: log f(x(z)) + log |det L|, score L^T s(x). Normalisation and weights stay the
 * same. */
#include "base/internal.h"
#include "mcmc/density.h"
#include "mcmc/triangle.h"

#include <scorefield/mcmc.h>

#include <math.h>
#include <string.h>

typedef struct affine {
    sf_density *density;
    size_t n;
    double log_determinant;
    double *mean;          /* n */
    double *scale;         /* L: its diagonal, */
    sf_triangle *triangle; /* or all of it */
} affine;

static void affine_destroy(void *self)
{
    affine *a = self;

    if (a == NULL) return;
    sf_density_release(&a->density);
    sf_free(a->mean);
    sf_free(a->scale);
    sf_triangle_release(&a->triangle);
    sf_free(a);
}

/* ---- there and back ------------------------------------------------------------------------- */

/* x = mean + L z */
static sf_status forward(const affine *a, size_t batch, const double *z, double *x)
{
    const size_t n = a->n;

    if (a->triangle != NULL) SF_TRY(sf_triangle_apply(a->triangle, batch, z, x));
    for (size_t b = 0; b < batch; b++)
        for (size_t i = 0; i < n; i++)
            x[b * n + i] =
                a->mean[i] + (a->scale != NULL ? a->scale[i] * z[b * n + i] : x[b * n + i]);
    return SF_OK;
}

/* z = L^-1 (x - mean) */
static sf_status backward(const affine *a, size_t batch, const double *x, double *z)
{
    const size_t n = a->n;

    for (size_t b = 0; b < batch; b++)
        for (size_t i = 0; i < n; i++)
            z[b * n + i] = (x[b * n + i] - a->mean[i]) / (a->scale != NULL ? a->scale[i] : 1.0);
    return a->triangle != NULL ? sf_triangle_solve(a->triangle, batch, z, z) : SF_OK;
}

/* out = L^T s */
static sf_status transpose(const affine *a, size_t batch, const double *s, double *out)
{
    const size_t n = a->n;

    if (a->triangle != NULL) return sf_triangle_transposed(a->triangle, batch, s, out);
    for (size_t b = 0; b < batch; b++)
        for (size_t i = 0; i < n; i++) out[b * n + i] = a->scale[i] * s[b * n + i];
    return SF_OK;
}

/* ---- the density ---------------------------------------------------------------------------- */

static sf_status affine_evaluate(const void *self, size_t batch, const double *z,
                                 double *log_density, double *score)
{
    const affine *a = self;
    double *x = NULL, *s = NULL;
    sf_status status;

    SF_GO(sf_allocate(&x, batch, a->n * sizeof *x));
    if (score != NULL) SF_GO(sf_allocate(&s, batch, a->n * sizeof *s));
    SF_GO(forward(a, batch, z, x));
    SF_GO(sf_density_evaluate(a->density, batch, x, log_density, s));
    for (size_t b = 0; b < batch; b++) log_density[b] += a->log_determinant;
    if (score != NULL) SF_GO(transpose(a, batch, s, score));
done:
    sf_free(x);
    sf_free(s);
    return status;
}

static sf_status affine_draw(const void *self, sf_random random, uint64_t first, size_t batch,
                             double *z)
{
    const affine *a = self;
    double *x;
    sf_status status;

    SF_TRY(sf_density_draw_inner(a->density, random, first, batch, &x));
    status = backward(a, batch, x, z);
    sf_free(x);
    return status;
}

static double affine_log_z(const void *self)
{
    return sf_density_log_z(((const affine *)self)->density);
}

static size_t affine_together(const void *self)
{
    const affine *a = self;

    return a->triangle != NULL ? SF_TRIANGLE_POINTS : sf_density_together(a->density);
}

/* By what the density can do: [draws][score]. */
#define METHODS(drawing, scoreless)                                                            \
    {                                                                                          \
        .name = "affine", .evaluate = affine_evaluate, .draw = drawing, .log_z = affine_log_z, \
        .destroy = affine_destroy, .together = affine_together, .no_score = scoreless,         \
    }
static const sf_density_methods affine_methods[2][2] = {
    {METHODS(NULL, true), METHODS(NULL, false)},
    {METHODS(affine_draw, true), METHODS(affine_draw, false)},
};

/* The logarithms of the diagonal, whose entries are `stride` apart. */
static sf_status find_determinant(affine *a, const double *diagonal, size_t stride)
{
    for (size_t i = 0; i < a->n; i++) {
        const double d = diagonal[i * stride];

        if (!(d > 0.0) || !isfinite(d))
            return sf_fail(SF_ERR_ARGUMENT,
                           "new coordinates of a density need a positive, finite diagonal, but "
                           "entry %zu is %g",
                           i, d);
        a->log_determinant += log(d);
    }
    return SF_OK;
}

static sf_status fill(affine *a, const double *mean, const double *scale, const double *factor)
{
    if ((factor != NULL) == (scale != NULL))
        return sf_fail(SF_ERR_ARGUMENT, "new coordinates of a density have scales or a matrix");
    SF_TRY(sf_allocate(&a->mean, a->n, sizeof *a->mean));
    if (mean != NULL) {
        SF_TRY(sf_check_finite(mean, a->n, "the origin of new coordinates"));
        memcpy(a->mean, mean, a->n * sizeof *mean);
    }
    if (factor != NULL) {
        SF_TRY(find_determinant(a, factor, a->n + 1));
        return sf_triangle_create(a->n, factor, &a->triangle);
    }
    SF_TRY(find_determinant(a, scale, 1));
    return sf_copy_memory(scale, a->n, sizeof *scale, &a->scale);
}

sf_status sf_density_affine(sf_density *density, const double *mean, const double *scale,
                            const double *factor, sf_density **result)
{
    affine *a = NULL;
    sf_status status;

    *result = NULL;
    if (sf_density_period(density) != 0.0)
        return sf_fail(SF_ERR_ARGUMENT, "density %s is of angles, which have no other coordinates",
                       sf_density_name(density));
    SF_TRY(sf_allocate(&a, 1, sizeof *a));
    a->density = sf_density_retain(density);
    a->n = sf_density_dimension(density);
    SF_GO(fill(a, mean, scale, factor));
    if (factor != NULL) SF_GO(sf_density_own_affine(density, a->mean, factor, result));
    if (*result != NULL) goto done;
    return sf_density_create(
        &affine_methods[sf_density_can_draw(density)][sf_density_has_score(density)], a, a->n,
        result);
done:
    affine_destroy(a);
    return status;
}

sf_status sf_affine_apply(size_t n, const double *mean, const double *scale, const double *factor,
                          size_t batch, double *x)
{
    affine a = {.n = n};
    double *z = NULL;
    sf_status status;

    SF_GO(fill(&a, mean, scale, factor));
    SF_GO(sf_allocate(&z, batch, n * sizeof *z));
    memcpy(z, x, batch * n * sizeof *z);
    SF_GO(forward(&a, batch, z, x));
done:
    sf_free(a.mean);
    sf_free(a.scale);
    sf_triangle_release(&a.triangle);
    sf_free(z);
    return status;
}
