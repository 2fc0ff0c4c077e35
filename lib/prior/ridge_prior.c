/* ridge_prior.c - a convex ridge as a prior. In units u = x/s of its scale, and with strength' =
 * strength variance/s^2, everything is the minimum of |z - u|^2/2 + strength' R(z). */
#include "base/internal.h"
#include "prior/ridge.h"

#include <math.h>
#include <string.h>

#define PULL_TOLERANCE 1e-8

typedef struct ridge_prior {
    sf_prior_methods methods; /* convex only with a scale: else R changes with the level */
    sf_ridge *ridge;
    sf_ridge_plan *plan;
    double strength, scale, tolerance;
} ridge_prior;

static void ridge_destroy(void *self)
{
    ridge_prior *p = self;

    sf_ridge_plan_release(&p->plan);
    sf_ridge_release(&p->ridge);
    sf_free(p);
}

/* One image in units of s. */
typedef struct image {
    const ridge_prior *prior;
    sf_ridge_work *work;
    double *field;
    sf_complex *u, *z, *v;
    double sigma, scale;
    double strength; /* strength sigma^2/s^2 */
} image;

static sf_status begin(const ridge_prior *p, double sigma, image *i)
{
    const size_t half = p->plan->half;

    *i = (image){.prior = p, .sigma = sigma, .scale = p->scale > 0.0 ? p->scale : sigma};
    i->strength = p->strength * (sigma / i->scale) * (sigma / i->scale);
    SF_TRY(sf_ridge_work_create(p->plan, &i->work));
    SF_TRY(sf_allocate(&i->field, p->plan->cells, sizeof *i->field));
    SF_TRY(sf_allocate(&i->u, half, sizeof *i->u));
    SF_TRY(sf_allocate(&i->z, half, sizeof *i->z));
    return sf_allocate(&i->v, half, sizeof *i->v);
}

static void end(image *i)
{
    sf_ridge_work_release(&i->work);
    sf_free(i->field);
    sf_free(i->u);
    sf_free(i->z);
    sf_free(i->v);
}

static sf_status transform(const image *i, const double *x, sf_complex *u)
{
    for (size_t n = 0; n < i->prior->plan->cells; n++) i->field[n] = x[n] / i->scale;
    return sf_fft_forward(i->prior->plan->fft, i->field, u);
}

/* z of x, and the energy. */
static sf_status minimise(const image *i, const double *x, double *energy)
{
    const ridge_prior *p = i->prior;
    double least;

    SF_TRY(transform(i, x, i->u));
    SF_TRY(sf_ridge_proximal(p->plan, i->work, i->strength, p->tolerance * i->sigma / i->scale,
                             i->u, i->z, &least));
    *energy = least * (i->scale / i->sigma) * (i->scale / i->sigma);
    return SF_OK;
}

/* out = factor F^-1 z, which is destroyed. */
static sf_status transform_back(const image *i, double factor, sf_complex *z, double *out)
{
    SF_TRY(sf_fft_inverse(i->prior->plan->fft, z, out));
    for (size_t n = 0; n < i->prior->plan->cells; n++) out[n] *= factor;
    return SF_OK;
}

static sf_status denoise_one(const image *i, const double *x, double *out)
{
    double energy;

    SF_TRY(minimise(i, x, &energy));
    return transform_back(i, i->scale, i->z, out);
}

static sf_status score_one(const image *i, const double *x, double *out)
{
    double energy;

    if (i->sigma > 0.0) {
        SF_TRY(denoise_one(i, x, out));
        for (size_t n = 0; n < i->prior->plan->cells; n++)
            out[n] = (out[n] - x[n]) / (i->sigma * i->sigma);
        return SF_OK;
    }
    SF_TRY(transform(i, x, i->u));
    memset(i->z, 0, i->prior->plan->half * sizeof *i->z);
    SF_TRY(sf_ridge_evaluate(i->work, i->u, -i->prior->strength, &energy, i->z));
    return transform_back(i, 1.0 / i->scale, i->z, out);
}

static sf_status energy_one(const image *i, const double *x, double *energy)
{
    if (i->sigma > 0.0) return minimise(i, x, energy);
    SF_TRY(transform(i, x, i->u));
    SF_TRY(sf_ridge_evaluate(i->work, i->u, 0.0, energy, i->z));
    *energy *= i->prior->strength;
    return SF_OK;
}

typedef sf_status view(const image *i, const double *x, double *out);

/* All images of a batch, with results of `row` values. */
static sf_status each(const ridge_prior *p, view *of_one, size_t batch, const double *x,
                      double sigma, size_t row, double *out)
{
    image i;
    sf_status status;

    if (!(sigma > 0.0) && !(p->scale > 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "a ridge whose scale is the noise level has no density at "
                                        "level 0: give it a scale, or a level");
    SF_GO(begin(p, sigma, &i));
    for (size_t b = 0; b < batch; b++) SF_GO(of_one(&i, x + b * p->plan->cells, out + b * row));
done:
    end(&i);
    return status;
}

static sf_status ridge_denoise(const void *self, size_t batch, const double *x, double sigma,
                               double *out)
{
    const ridge_prior *p = self;

    return each(p, denoise_one, batch, x, sigma, p->plan->cells, out);
}

static sf_status ridge_prox(const void *self, size_t batch, const double *x, double variance,
                            double *out)
{
    return ridge_denoise(self, batch, x, sqrt(variance), out);
}

static sf_status ridge_score(const void *self, size_t batch, const double *x, double sigma,
                             double *out)
{
    const ridge_prior *p = self;

    return each(p, score_one, batch, x, sigma, p->plan->cells, out);
}

static sf_status ridge_energy(const void *self, size_t batch, const double *x, double sigma,
                              double *energy)
{
    return each(self, energy_one, batch, x, sigma, 1, energy);
}

/* dz/du = (1 + strength' R''(z))^-1, which is its own transpose. */
static sf_status pull_one(const image *i, const double *x, const double *v, double *denoised,
                          double *out)
{
    const ridge_prior *p = i->prior;
    double energy;

    SF_TRY(minimise(i, x, &energy));
    SF_TRY(sf_ridge_fix(i->work, i->z));
    SF_TRY(transform(i, v, i->u));
    SF_TRY(sf_ridge_resolve(p->plan, i->work, i->strength, PULL_TOLERANCE, i->u, i->v));
    SF_TRY(transform_back(i, i->scale, i->v, out));
    return denoised != NULL ? transform_back(i, i->scale, i->z, denoised) : SF_OK;
}

static sf_status ridge_pull(const void *self, size_t batch, const double *x, double sigma,
                            const double *v, double *denoised, double *out)
{
    const ridge_prior *p = self;
    const size_t cells = p->plan->cells;
    image i;
    sf_status status;

    SF_GO(begin(p, sigma, &i));
    for (size_t b = 0; b < batch; b++)
        SF_GO(pull_one(&i, x + b * cells, v + b * cells,
                       denoised != NULL ? denoised + b * cells : NULL, out + b * cells));
done:
    end(&i);
    return status;
}

static const sf_prior_methods ridge_methods = {
    .name = "ridge",
    .denoise = ridge_denoise,
    .score = ridge_score,
    .energy = ridge_energy,
    .prox = ridge_prox,
    .pull = ridge_pull,
    .destroy = ridge_destroy,
};

sf_status sf_prior_ridge(const sf_grid *grid, sf_ridge *ridge, double strength, double scale,
                         double tolerance, sf_prior **prior)
{
    ridge_prior *self = NULL;
    sf_status status;

    *prior = NULL;
    if (!(strength > 0.0 && isfinite(strength)) || !(scale >= 0.0 && isfinite(scale)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a ridge of strength %g and scale %g: give a strength above 0, and a scale "
                       "above 0 or 0 for the noise level",
                       strength, scale);
    if (!(tolerance >= 1e-10 && tolerance <= 1.0))
        return sf_fail(SF_ERR_ARGUMENT, "a ridge to a tolerance of %g: give 1e-10 to 1", tolerance);
    SF_TRY(sf_allocate(&self, 1, sizeof *self));
    *self = (ridge_prior){
        .methods = ridge_methods, .strength = strength, .scale = scale, .tolerance = tolerance};
    self->methods.convex = scale > 0.0;
    self->ridge = sf_ridge_retain(ridge);
    SF_GO(sf_ridge_plan_create(ridge, grid, &self->plan));
    return sf_prior_create(&self->methods, self, grid, prior);
done:
    ridge_destroy(self);
    return status;
}
