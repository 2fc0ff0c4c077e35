/* quantity.c - clean image, noise, score and velocity as one another: with x = alpha x_0 + sigma n
 * and v = alpha n - sigma x_0, alpha x - sigma v = (alpha^2 + sigma^2) x_0. */
#include "base/internal.h"

#include <scorefield/diffusion.h>

/* clean = a x + b q, and q = c x + d clean */
typedef struct linear_view {
    double a, b, c, d;
} linear_view;

static bool view_of(sf_quantity quantity, const sf_marginal *m, linear_view *view)
{
    const double alpha = m->alpha, sigma = m->sigma, square = alpha * alpha + sigma * sigma;

    switch (quantity) {
    case SF_QUANTITY_CLEAN: *view = (linear_view){0.0, 1.0, 0.0, 1.0}; return true;
    case SF_QUANTITY_NOISE:
        *view = (linear_view){1.0 / alpha, -sigma / alpha, 1.0 / sigma, -alpha / sigma};
        return true;
    case SF_QUANTITY_SCORE:
        *view = (linear_view){1.0 / alpha, sigma * sigma / alpha, -1.0 / (sigma * sigma),
                              alpha / (sigma * sigma)};
        return true;
    case SF_QUANTITY_VELOCITY:
        *view = (linear_view){alpha / square, -sigma / square, alpha / sigma, -square / sigma};
        return true;
    }
    return false;
}

sf_status sf_quantity_convert(const sf_marginal *marginal, sf_quantity from, sf_quantity to,
                              size_t count, const double *x, const double *in, double *out)
{
    linear_view source, target;

    if (!view_of(from, marginal, &source) || !view_of(to, marginal, &target))
        return sf_fail(SF_ERR_ARGUMENT, "quantities %d and %d, of which one is none", (int)from,
                       (int)to);
    for (size_t i = 0; i < count; i++) {
        const double clean = source.a * x[i] + source.b * in[i];
        out[i] = from == to ? in[i] : target.c * x[i] + target.d * clean;
    }
    return SF_OK;
}
