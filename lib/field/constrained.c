/* constrained.c - constrained realisations: the posterior of a Gaussian field given some of its
 * cells with independent noise, d = x + n where observed.
 *
 * With weights w_i = 1/sigma_i^2 (0: unobserved), W = diag(w), the mean is
 *     mean + (C^-1 + W)^-1 W (d - mean)                                      (Wiener 1949)
 * and a draw, from a draw s of the field and one n of the noise,
 *     s + (C^-1 + W)^-1 W (d - s - n)        (Hoffman & Ribak 1991, doi:10.1086/186160,
 * in the form that needs no matrix but the mean's own): s corrected by what the data say against
 * it. Both hold where C is singular. */
#include "field/constrained.h"

#include <math.h>

enum { BLOCK = 512 }; /* cells that are treated at once */

struct sf_constrained {
    sf_field *field;
    size_t cells, observed;
    double *data; /* 0 where unobserved */
    sf_constrained_system *system;
};

sf_constrained_options sf_constrained_options_default(void)
{
    return (sf_constrained_options){.tolerance = 1e-6, .error = 0.01, .iterations = 3000};
}

/* ---- data --------------------------------------------------------------------------------- */

/* 1/sigma^2 of a cell, 0 if it is unobserved. */
static sf_status weight_of(size_t cell, double data, double sigma, double *weight)
{
    const bool observed = !isnan(data) && sigma > 0.0 && isfinite(sigma);

    *weight = 0.0;
    if (!observed) return SF_OK;
    if (!isfinite(data))
        return sf_fail(SF_ERR_NUMERIC, "cell %zu of the data is %g; NaN marks unobserved cells",
                       cell, data);
    *weight = 1.0 / (sigma * sigma);
    if (isfinite(*weight) && *weight > 0.0) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT,
                   "cell %zu has a noise of %g, the square of which a double cannot hold", cell,
                   sigma);
}

static sf_status take_data(sf_constrained *c, const double *data, const double *sigma, double noise,
                           double *weight)
{
    for (size_t i = 0; i < c->cells; i++) {
        SF_TRY(weight_of(i, data[i], sigma != NULL ? sigma[i] : noise, &weight[i]));
        c->data[i] = weight[i] > 0.0 ? data[i] : 0.0;
        c->observed += weight[i] > 0.0;
    }
    if (c->observed > 0) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "none of the %zu cells is observed: draw from the field itself",
                   c->cells);
}

sf_status sf_constrained_create(sf_field *field, const double *data, const double *sigma,
                                double noise, sf_constrained **constrained)
{
    sf_constrained *c = NULL;
    double *weight = NULL;
    sf_status status;

    *constrained = NULL;
    if (sigma == NULL && !(noise > 0.0 && isfinite(noise)))
        return sf_fail(SF_ERR_ARGUMENT, "the noise is %g; a standard deviation is positive", noise);
    SF_TRY(sf_allocate(&c, 1, sizeof *c));
    c->field = sf_field_retain(field);
    c->cells = sf_grid_size(&field->grid);
    SF_GO(sf_allocate(&c->data, c->cells, sizeof *c->data));
    SF_GO(sf_allocate(&weight, c->cells, sizeof *weight));
    SF_GO(take_data(c, data, sigma, noise, weight));
    SF_GO(sf_constrained_system_create(field, weight, &c->system));
done:
    sf_free(weight);
    if (status != SF_OK)
        sf_constrained_release(&c);
    else
        *constrained = c;
    return status;
}

void sf_constrained_release(sf_constrained **constrained)
{
    sf_constrained *c;

    if (constrained == NULL || *constrained == NULL) return;
    c = *constrained;
    *constrained = NULL;
    sf_field_release(&c->field);
    sf_free(c->data);
    sf_constrained_system_release(&c->system);
    sf_free(c);
}

/* ---- posterior ---------------------------------------------------------------------------- */

/* Per observed cell, blocks added in their order. */
static double chi_squared(const sf_constrained *c, const double *x)
{
    const double *w = c->system->weight;
    double sum = 0.0;

    for (size_t first = 0; first < c->cells; first += BLOCK) {
        const size_t end = first + BLOCK < c->cells ? first + BLOCK : c->cells;
        double part = 0.0;
        for (size_t i = first; i < end; i++)
            part += w[i] * (c->data[i] - x[i]) * (c->data[i] - x[i]);
        sum += part;
    }
    return sum / (double)c->observed;
}

/* x <- x + (C^-1 + W)^-1 (W (d - x) - W^1/2 n) for white noise n, or none where random is NULL. */
static sf_status correct(const sf_constrained *c, const sf_random *random,
                         const sf_constrained_goal *goal, double *x,
                         sf_constrained_outcome *outcome)
{
    const double *w = c->system->weight;
    double *change = NULL;
    sf_status status;

    SF_TRY(sf_allocate(&change, c->cells, sizeof *change));
#pragma omp parallel for num_threads(sf_thread_count()) schedule(static) if (c->cells > 32768)
    for (size_t first = 0; first < c->cells; first += BLOCK) {
        const size_t count = c->cells - first < BLOCK ? c->cells - first : BLOCK;
        double n[BLOCK] = {0.0};
        if (random != NULL) sf_random_normal(*random, 0, first, count, n);
        for (size_t i = first; i < first + count; i++)
            change[i] = w[i] * (c->data[i] - x[i]) - sqrt(w[i]) * n[i - first];
    }
    SF_GO(sf_constrained_system_solve(c->system, goal, change, outcome));
    for (size_t i = 0; i < c->cells; i++) x[i] += change[i];
done:
    sf_free(change);
    return status;
}

/* The same with the options checked and the report written. */
static sf_status solve(const sf_constrained *c, const char *stage, const sf_random *random,
                       const sf_constrained_options *options, double *x,
                       sf_constrained_report *report)
{
    const sf_constrained_options defaults = sf_constrained_options_default();
    const double begin = sf_seconds();
    sf_constrained_goal goal = {.stage = stage};
    sf_constrained_outcome outcome = {0};

    if (options == NULL) options = &defaults;
    if (!(options->tolerance > 0.0 && isfinite(options->tolerance)))
        return sf_fail(SF_ERR_ARGUMENT, "constrained field: a tolerance of %g; give a positive one",
                       options->tolerance);
    if (!(options->error >= 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "constrained field: an error of %g; give 0 or a positive one",
                       options->error);
    goal.tolerance = options->tolerance;
    goal.error = options->error;
    goal.iterations = options->iterations;
    goal.monitor = options->monitor;
    SF_TRY(correct(c, random, &goal, x, &outcome));
    if (report != NULL)
        *report = (sf_constrained_report){.iterations = outcome.iterations,
                                          .residual = outcome.residual,
                                          .error = outcome.error,
                                          .converged = outcome.converged,
                                          .chi_squared = chi_squared(c, x),
                                          .seconds = sf_seconds() - begin};
    return SF_OK;
}

sf_status sf_constrained_mean(const sf_constrained *constrained,
                              const sf_constrained_options *options, double *mean,
                              sf_constrained_report *report)
{
    for (size_t i = 0; i < constrained->cells; i++) mean[i] = constrained->field->mean;
    return solve(constrained, "posterior mean", NULL, options, mean, report);
}

sf_status sf_constrained_draw(const sf_constrained *constrained, uint64_t seed, uint64_t stream,
                              const sf_constrained_options *options, double *sample,
                              sf_constrained_report *report)
{
    const sf_random noise = sf_random_make(~seed, stream); /* the field's numbers are the seed's */
    sf_field_draw_options draw = sf_field_draw_options_default();
    double *buffer = NULL;
    sf_status status;

    draw.seed = seed;
    draw.stream = stream;
    SF_TRY(sf_allocate(&buffer, sf_fft_buffer_size(&constrained->field->grid), sizeof *buffer));
    SF_GO(sf_field_draw(constrained->field, &draw, buffer));
    for (size_t i = 0; i < constrained->cells; i++) sample[i] = buffer[i];
    sf_free(buffer);
    buffer = NULL;
    SF_GO(solve(constrained, "posterior draw", &noise, options, sample, report));
done:
    sf_free(buffer);
    return status;
}
