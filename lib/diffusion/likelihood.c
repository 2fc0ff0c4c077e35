/* likelihood.c - what the probability flow gives away: latent codes, images of them, and densities
 * (Song et al. 2021, arXiv:2011.13456, sections 4.3 and D.2). */
#include "diffusion/flow.h"

#include "base/internal.h"
#include "mcmc/lanes.h"

#include <gsl/gsl_math.h>
#include <math.h>
#include <string.h>

sf_flow_options sf_flow_options_default(void)
{
    return (sf_flow_options){.low = 0.002, .high = 80.0, .tolerance = 1e-5, .variance = 1.0};
}

static sf_status check(const sf_prior *prior, const sf_flow_options *o, size_t batch)
{
    const size_t size = sf_grid_size(sf_prior_grid(prior));
    size_t count;

    if (!(o->low > 0.0 && o->low < o->high) || !isfinite(o->high))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a flow between the noise levels %g and %g, which have to rise from above 0",
                       o->low, o->high);
    if (!(o->tolerance > 0.0 && o->tolerance < 1.0))
        return sf_fail(SF_ERR_ARGUMENT, "a flow's tolerance is %g, where 0 to 1 can be",
                       o->tolerance);
    if (!(o->variance >= 0.0) || !isfinite(o->variance))
        return sf_fail(SF_ERR_ARGUMENT, "a prior's variance is %g, where 0 and more can be",
                       o->variance);
    if (!sf_multiply_sizes(batch, size, &count))
        return sf_fail(SF_ERR_ARGUMENT, "a batch of %zu fields is more than memory holds", batch);
    return o->mean != NULL ? sf_check_finite(o->mean, size, "mean of a flow's end") : SF_OK;
}

static sf_status tell(const sf_flow_options *o, size_t done, size_t batch, const double *image,
                      size_t size)
{
    const sf_monitor_event event = {.stage = "flow",
                                    .iteration = done,
                                    .total = batch,
                                    .residual = NAN,
                                    .image = image,
                                    .image_size = size};

    if (sf_monitor_call(&o->monitor, &event)) return SF_OK;
    return sf_fail(SF_ERR_INTERRUPTED, "stopped after %zu of %zu fields of a flow", done, batch);
}

static double mean_at(const sf_flow_options *o, size_t i)
{
    return o->mean != NULL ? o->mean[i] : 0.0;
}

sf_status sf_flow_encode(const sf_prior *prior, const sf_flow_options *o, size_t batch,
                         const double *x, double *code)
{
    const size_t size = sf_grid_size(sf_prior_grid(prior));
    const double deviation = hypot(o->high, sqrt(o->variance));
    sf_flow *flow = NULL;
    sf_status status;

    SF_GO(check(prior, o, batch));
    SF_GO(sf_flow_create(prior, (sf_flow_traces){0, false}, &flow));
    memcpy(code, x, batch * size * sizeof *x);
    for (size_t b = 0; b < batch; b++) {
        double *row = code + b * size;
        SF_GO(sf_flow_run(flow, o->low, o->high, o->tolerance, row, NULL));
        for (size_t i = 0; i < size; i++) row[i] = (row[i] - mean_at(o, i)) / deviation;
        SF_GO(tell(o, b + 1, batch, row, size));
    }
done:
    sf_flow_release(&flow);
    return status;
}

sf_status sf_flow_decode(const sf_prior *prior, const sf_flow_options *o, size_t batch,
                         const double *code, double *x)
{
    const size_t size = sf_grid_size(sf_prior_grid(prior));
    const double deviation = hypot(o->high, sqrt(o->variance));
    sf_flow *flow = NULL;
    sf_status status;

    SF_GO(check(prior, o, batch));
    SF_GO(sf_flow_create(prior, (sf_flow_traces){0, false}, &flow));
    for (size_t b = 0; b < batch; b++) {
        double *row = x + b * size;
        for (size_t i = 0; i < size; i++) row[i] = mean_at(o, i) + deviation * code[b * size + i];
        SF_GO(sf_flow_run(flow, o->high, o->low, o->tolerance, row, NULL));
        SF_GO(tell(o, b + 1, batch, row, size));
    }
done:
    sf_flow_release(&flow);
    return status;
}

/* Signs that depend on seed, stream, sample, probe and cell alone. */
static void draw_probes(const sf_flow_options *o, uint64_t sample, size_t size, double *probe)
{
    const sf_random random = sf_random_make(o->seed, o->stream);

    sf_random_uniform(random, sample, 0, o->probes * size, probe);
    for (size_t i = 0; i < o->probes * size; i++) probe[i] = probe[i] < 0.5 ? -1.0 : 1.0;
}

/* log N(z; mean, high^2 + variance) */
static double log_end(const sf_flow_options *o, size_t size, const double *z)
{
    const double variance = o->high * o->high + o->variance;
    double sum = 0.0;

    for (size_t i = 0; i < size; i++) sum += gsl_pow_2(z[i] - mean_at(o, i));
    return -0.5 * (sum / variance + (double)size * log(2.0 * M_PI * variance));
}

/* Mean of the traces' integrals, and its standard error. */
static double average(const sf_flow_options *o, const double *integral, double *error)
{
    const double count = o->probes == 0 ? 1.0 : (double)o->probes;
    double sum = 0.0, square = 0.0;

    for (size_t i = 0; i < (size_t)count; i++) sum += integral[i];
    for (size_t i = 0; i < (size_t)count; i++) square += gsl_pow_2(integral[i] - sum / count);
    *error = o->probes == 0 ? 0.0 : o->probes == 1 ? NAN : sqrt(square / (count - 1.0) / count);
    return sum / count;
}

sf_status sf_flow_log_likelihood(const sf_prior *prior, const sf_flow_options *o, size_t batch,
                                 const double *x, double *log_likelihood, double *error)
{
    const size_t size = sf_grid_size(sf_prior_grid(prior));
    const sf_flow_traces traces = {o->probes, o->probes == 0};
    double *state = NULL, spread;
    sf_flow *flow = NULL;
    sf_status status;

    SF_GO(check(prior, o, batch));
    SF_GO(sf_flow_create(prior, traces, &flow));
    SF_GO(sf_allocate(&state, size + (o->probes == 0 ? 1 : o->probes), sizeof *state));
    for (size_t b = 0; b < batch; b++) {
        memcpy(state, x + b * size, size * sizeof *x);
        memset(state + size, 0, (o->probes == 0 ? 1 : o->probes) * sizeof *state);
        if (o->probes > 0) draw_probes(o, o->first + b, size, sf_flow_probe(flow));
        SF_GO(sf_flow_run(flow, o->low, o->high, o->tolerance, state, NULL));
        log_likelihood[b] = average(o, state + size, &spread) + log_end(o, size, state);
        if (error != NULL) error[b] = spread;
        SF_GO(tell(o, b + 1, batch, state, size));
    }
done:
    sf_flow_release(&flow);
    sf_free(state);
    return status;
}
