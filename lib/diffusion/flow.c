/* flow.c - the probability flow in z = x/alpha and r = log u, where every process is
 *     dz/dr = z - D(z; e^r),
 * by the pair of orders 4 and 5 of Fehlberg (1969), with steps that keep the error in proportion to
 * the rms of z and, for the traces, to the number of cells. */
#include "diffusion/flow.h"

#include "base/internal.h"
#include "mcmc/lanes.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv2.h>
#include <math.h>
#include <string.h>

enum { TOGETHER = 32, MOST_STEPS = 100000 };

struct sf_flow {
    const sf_prior *prior;
    size_t size, dimension; /* cells; with traces */
    sf_flow_traces traces;
    double *probe;           /* probes x size, or when exact the basis vectors at hand */
    double *copies, *pulled; /* `together` fields each */
    double *denoised;        /* as many */
    size_t together;
    double *before, *error; /* dimension */
    size_t evaluations;
    sf_status status;
};

void sf_flow_release(sf_flow **flow)
{
    sf_flow *f = *flow;

    if (f == NULL) return;
    sf_free(f->probe);
    sf_free(f->copies);
    sf_free(f->pulled);
    sf_free(f->denoised);
    sf_free(f->before);
    sf_free(f->error);
    sf_free(f);
    *flow = NULL;
}

static sf_status allocate(sf_flow *f)
{
    const size_t rows = f->traces.exact ? f->size : f->traces.probes;
    size_t probes, fields;

    f->together = rows < TOGETHER ? rows : TOGETHER;
    if (!sf_multiply_sizes(f->traces.exact ? f->together : rows, f->size, &probes) ||
        !sf_multiply_sizes(f->together, f->size, &fields))
        return sf_fail(SF_ERR_ARGUMENT, "%zu probes of %zu cells are more than memory holds", rows,
                       f->size);
    SF_TRY(sf_allocate(&f->probe, probes, sizeof *f->probe));
    SF_TRY(sf_allocate(&f->copies, fields, sizeof *f->copies));
    SF_TRY(sf_allocate(&f->pulled, fields, sizeof *f->pulled));
    SF_TRY(sf_allocate(&f->denoised, fields > f->size ? fields : f->size, sizeof *f->denoised));
    SF_TRY(sf_allocate(&f->before, f->dimension, sizeof *f->before));
    return sf_allocate(&f->error, f->dimension, sizeof *f->error);
}

sf_status sf_flow_create(const sf_prior *prior, sf_flow_traces traces, sf_flow **flow)
{
    sf_flow *f = NULL;
    sf_status status;

    *flow = NULL;
    SF_GO(sf_allocate(&f, 1, sizeof *f));
    f->prior = prior;
    f->size = sf_grid_size(sf_prior_grid(prior));
    f->traces = traces;
    f->dimension = f->size + (traces.exact ? 1 : traces.probes);
    SF_GO(allocate(f));
    *flow = f;
    return SF_OK;
done:
    sf_flow_release(&f);
    return status;
}

double *sf_flow_probe(sf_flow *flow) { return flow->probe; }

/* The products v.(dD/dz)^T v of probes first ... first + count - 1, and D. */
static sf_status pull(sf_flow *f, const double *z, double level, size_t first, size_t count,
                      double *product)
{
    const double *v = f->traces.exact ? f->probe : f->probe + first * f->size;

    if (f->traces.exact) {
        memset(f->probe, 0, count * f->size * sizeof *f->probe);
        for (size_t i = 0; i < count; i++) f->probe[i * f->size + first + i] = 1.0;
    }
    for (size_t i = 0; i < count; i++) memcpy(f->copies + i * f->size, z, f->size * sizeof *z);
    SF_TRY(sf_prior_pull(f->prior, count, f->copies, level, v, f->denoised, f->pulled));
    f->evaluations += count;
    for (size_t i = 0; i < count; i++)
        product[i] = sf_lanes_product(f->size, v + i * f->size, 0.0, f->pulled + i * f->size);
    return SF_OK;
}

/* D in `denoised`, and the traces' rates. */
static sf_status traces_of(sf_flow *f, const double *z, double level, double *rate)
{
    const size_t rows = f->traces.exact ? f->size : f->traces.probes;
    double product[TOGETHER];

    if (f->traces.exact) rate[0] = (double)f->size;
    for (size_t first = 0; first < rows; first += f->together) {
        const size_t count = rows - first < f->together ? rows - first : f->together;
        SF_TRY(pull(f, z, level, first, count, product));
        for (size_t i = 0; i < count; i++) {
            if (f->traces.exact)
                rate[0] -= product[i];
            else
                rate[first + i] = (double)f->size - product[i];
        }
    }
    return SF_OK;
}

static int equation(double r, const double *y, double *slope, void *user)
{
    sf_flow *f = user;
    const double level = exp(r);

    if (f->dimension > f->size)
        f->status = traces_of(f, y, level, slope + f->size);
    else {
        f->status = sf_prior_denoise(f->prior, 1, y, level, f->denoised);
        f->evaluations++;
    }
    if (f->status != SF_OK) return GSL_EBADFUNC;
    for (size_t i = 0; i < f->size; i++) slope[i] = y[i] - f->denoised[i];
    return GSL_SUCCESS;
}

/* The step's error over what is tolerated: rms of z's, and nats a cell of each trace. */
static double excess(const sf_flow *f, const double *y, double tolerance)
{
    const double z = sqrt(sf_lanes_square(f->size, f->error));
    double most = z / fmax(sqrt(sf_lanes_square(f->size, y)), 1e-300);

    for (size_t i = f->size; i < f->dimension; i++)
        most = fmax(most, fabs(f->error[i]) / (double)f->size);
    return most / tolerance;
}

static sf_status walk(sf_flow *f, gsl_odeiv2_step *stepper, double r, double end, double tolerance,
                      double *y)
{
    const gsl_odeiv2_system system = {equation, NULL, f->dimension, f};
    double h = 0.1 * (end - r), beyond;

    for (size_t i = 0; i < MOST_STEPS; i++) {
        const bool last = fabs(h) >= fabs(end - r);
        if (last) h = end - r;
        memcpy(f->before, y, f->dimension * sizeof *y);
        if (gsl_odeiv2_step_apply(stepper, r, h, y, f->error, NULL, NULL, &system) != GSL_SUCCESS)
            return f->status != SF_OK ? f->status
                                      : sf_fail(SF_ERR_LIBRARY, "GSL's Runge-Kutta step failed");
        beyond = excess(f, y, tolerance);
        if (beyond <= 1.0) {
            if (last) return SF_OK;
            r += h;
        } else
            memcpy(y, f->before, f->dimension * sizeof *y);
        h *= isfinite(beyond) ? fmin(5.0, fmax(0.2, 0.9 * pow(beyond, -0.2))) : 0.2;
    }
    return sf_fail(SF_ERR_NUMERIC,
                   "the flow is not at noise level %g after %d steps, at %g: the denoiser is too "
                   "rough for tolerance %g",
                   exp(end), MOST_STEPS, exp(r), tolerance);
}

sf_status sf_flow_run(sf_flow *f, double from, double to, double tolerance, double *state,
                      size_t *evaluations)
{
    gsl_odeiv2_step *stepper = gsl_odeiv2_step_alloc(gsl_odeiv2_step_rkf45, f->dimension);
    sf_status status;

    if (stepper == NULL) return sf_fail(SF_ERR_MEMORY, "no memory for GSL's Runge-Kutta step");
    f->evaluations = 0;
    f->status = SF_OK;
    status = walk(f, stepper, log(from), log(to), tolerance, state);
    gsl_odeiv2_step_free(stepper);
    if (evaluations != NULL) *evaluations += f->evaluations;
    return status;
}
