/* jacobian.c - the denoiser's Jacobian as an operator, and what it stretches. */
#include "base/internal.h"

#include <scorefield/prior.h>

#include <math.h>
#include <string.h>

/* Of the level: small beside the noise, large beside single precision's rounding. */
#define STEP 0.05

typedef struct jacobian {
    sf_prior *prior;
    double *x;
    double sigma;
    size_t size;
} jacobian;

static void jacobian_destroy(void *self)
{
    jacobian *j = self;

    sf_prior_release(&j->prior);
    sf_free(j->x);
    sf_free(j);
}

static double largest(size_t size, const double *v)
{
    double most = 0.0;

    for (size_t i = 0; i < size; i++) most = fmax(most, fabs(v[i]));
    return most;
}

/* y = (D(x + h v) - D(x - h v)) / 2h */
static sf_status jacobian_apply(const void *self, const double *v, double *y)
{
    const jacobian *j = self;
    const double most = largest(j->size, v), h = STEP * j->sigma / most;
    double *moved = NULL, *denoised;
    sf_status status;

    if (most == 0.0) {
        memset(y, 0, j->size * sizeof *y);
        return SF_OK;
    }
    SF_GO(sf_allocate(&moved, 4 * j->size, sizeof *moved));
    denoised = moved + 2 * j->size;
    for (size_t i = 0; i < j->size; i++) {
        moved[i] = j->x[i] + h * v[i];
        moved[j->size + i] = j->x[i] - h * v[i];
    }
    SF_GO(sf_prior_denoise(j->prior, 2, moved, j->sigma, denoised));
    for (size_t i = 0; i < j->size; i++) y[i] = (denoised[i] - denoised[j->size + i]) / (2.0 * h);
done:
    sf_free(moved);
    return status;
}

static sf_status jacobian_adjoint(const void *self, const double *y, double *v)
{
    const jacobian *j = self;

    return sf_prior_pull(j->prior, 1, j->x, j->sigma, y, NULL, v);
}

static const sf_operator_methods jacobian_methods = {
    .name = "Jacobian",
    .apply = jacobian_apply,
    .adjoint = jacobian_adjoint,
    .destroy = jacobian_destroy,
};

sf_status sf_prior_jacobian(sf_prior *prior, const double *x, double sigma, sf_operator **result)
{
    const sf_grid *grid = sf_prior_grid(prior);
    jacobian *j;
    sf_status status;

    *result = NULL;
    if (!(sigma > 0.0) || !isfinite(sigma))
        return sf_fail(SF_ERR_ARGUMENT, "a Jacobian at noise level %g; it is positive and finite",
                       sigma);
    SF_TRY(sf_allocate(&j, 1, sizeof *j));
    j->prior = sf_prior_retain(prior);
    j->sigma = sigma;
    j->size = sf_grid_size(grid);
    SF_GO(sf_allocate(&j->x, j->size, sizeof *j->x));
    SF_GO(sf_check_finite(x, j->size, "where the Jacobian is taken"));
    memcpy(j->x, x, j->size * sizeof *x);
    return sf_operator_create(&jacobian_methods, j, grid, grid, result);
done:
    jacobian_destroy(j);
    return status;
}

/* ---- what it stretches ---------------------------------------------------------------------- */

/* |a J + b| */
static sf_status norm_of(sf_operator *op, double a, double b, double tolerance, double *norm)
{
    const sf_grid *grid = sf_operator_domain(op);
    sf_operator *factor = NULL, *parts[2] = {NULL, NULL}, *sum = NULL;
    sf_status status;

    SF_GO(sf_operator_scaling(grid, a, &factor));
    SF_GO(sf_operator_chain(factor, op, &parts[0]));
    SF_GO(sf_operator_scaling(grid, b, &parts[1]));
    SF_GO(sf_operator_sum(parts, 2, &sum));
    SF_GO(sf_operator_norm(sum, tolerance, norm));
done:
    sf_operator_release(&sum);
    sf_operator_release(&parts[1]);
    sf_operator_release(&parts[0]);
    sf_operator_release(&factor);
    return status;
}

static sf_status asymmetry_of(const sf_operator *op, double *asymmetry)
{
    const size_t size = sf_grid_size(sf_operator_domain(op));
    double *v = NULL, *there, *back, difference = 0.0, sum = 0.0;
    sf_status status;

    SF_GO(sf_allocate(&v, 3 * size, sizeof *v));
    there = v + size;
    back = there + size;
    sf_random_normal(sf_random_make(1, 1), 0, 0, size, v);
    SF_GO(sf_operator_apply(op, v, there));
    SF_GO(sf_operator_adjoint(op, v, back));
    for (size_t i = 0; i < size; i++) {
        difference += (there[i] - back[i]) * (there[i] - back[i]);
        sum += (there[i] + back[i]) * (there[i] + back[i]);
    }
    *asymmetry = sum > 0.0 ? sqrt(difference / sum) : 0.0;
done:
    sf_free(v);
    return status;
}

sf_status sf_prior_lipschitz(sf_prior *prior, const double *x, double sigma, double tolerance,
                             sf_lipschitz *l)
{
    sf_operator *op = NULL;
    sf_status status;

    *l = (sf_lipschitz){NAN, NAN, NAN, NAN};
    SF_GO(sf_prior_jacobian(prior, x, sigma, &op));
    SF_GO(norm_of(op, 1.0, 0.0, tolerance, &l->denoiser));
    SF_GO(norm_of(op, 1.0, -1.0, tolerance, &l->residual));
    SF_GO(norm_of(op, 2.0, -1.0, tolerance, &l->reflected));
    SF_GO(asymmetry_of(op, &l->asymmetry));
done:
    sf_operator_release(&op);
    return status;
}
