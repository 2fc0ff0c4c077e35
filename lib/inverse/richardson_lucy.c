/* richardson_lucy.c - maximum likelihood for Poisson counts by multiplicative steps.
 *
 * Richardson 1972 (doi:10.1364/JOSA.62.000055), Lucy 1974 (doi:10.1086/111605); mask and
 * background as in Snyder, Hammoud & White 1993 (doi:10.1364/JOSAA.10.001014); the enlarged
 * scene keeps light outside the frame outside, where others see bright borders (Bertero &
 * Boccacci 2005, doi:10.1051/0004-6361:20052717). Of several exposures each one's ratio counts by
 * its share of the light: the likelihood is still the product of all. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <math.h>
#include <string.h>

/* Cells that the observed pixels see with less than this part of the PSF stay empty: their
 * steps would be divided by almost nothing. */
#define LEAST_SEEN 0.01

typedef struct lucy_state {
    const sf_observation *o;
    const sf_richardson_lucy_options *options;
    size_t cells, values;
    double offset;                       /* as given; negative: chosen for each exposure */
    double *x, *seen, *blurred, *misfit; /* seen = H^T (share m) */
    double seconds, chi_squared;
} lucy_state;

sf_richardson_lucy_options sf_richardson_lucy_options_default(void)
{
    const sf_richardson_lucy_options options = {
        .iterations = 200, .offset = -1.0, .discrepancy = true, .monitor = {0}};

    return options;
}

/* out = H in, or H^T in. */
static sf_status convolve(lucy_state *s, bool transposed, const double *in, double *out)
{
    const double begin = sf_seconds();
    const sf_status status = transposed ? sf_observation_blur_adjoint(s->o, in, out)
                                        : sf_observation_blur(s->o, in, out);

    s->seconds += sf_seconds() - begin;
    return status;
}

/* How much of the light an exposure has counted: all of them 1. */
static double share(const sf_observation *o, size_t exposure)
{
    const bool counts = o->gain > 0.0;
    double sum = 0.0, own = 1.0;

    for (size_t e = 0; e < o->exposures; e++) {
        const sf_observation *one = sf_observation_exposure(o, e);
        const double value = counts ? one->gain : one->typical;

        sum += value;
        if (e == exposure) own = value;
    }
    return own / sum;
}

/* What is added to both sides, so that pixels that noise makes negative are used as they are: the
 * sky, or as far as the data reach below it, up to 3 deviations. Counts know theirs, which may be
 * none: any other would only slow them down. */
static double choose_offset(const lucy_state *s, const sf_observation *o)
{
    if (s->offset >= 0.0) return s->offset;
    if (o->gain > 0.0) return fmax(o->offset, 0.0);
    return fmax(o->background, fmin(fmax(-o->summary.lowest, 0.0), 3.0 * o->summary.noise));
}

/* H^T m, and the flat start that has the frame's flux. */
static sf_status begin(lucy_state *s)
{
    const sf_observation *o = s->o;
    const double mean = o->summary.mean / pow((double)o->upsample, o->scene.axes);

    for (size_t e = 0; e < o->exposures; e++) {
        const double own = share(o, e);

        for (size_t i = e * s->cells; i < (e + 1) * s->cells; i++)
            s->blurred[i] = o->weight[i] > 0.0 ? own : 0.0;
    }
    SF_TRY(convolve(s, true, s->blurred, s->seen));
    for (size_t i = 0; i < s->cells; i++) s->x[i] = s->seen[i] >= LEAST_SEEN ? mean : 0.0;
    return SF_OK;
}

/* blurred = H x, and its chi^2. */
static sf_status predict(lucy_state *s)
{
    const sf_observation *o = s->o;
    sf_goodness goodness;

    SF_TRY(convolve(s, false, s->x, s->blurred));
    for (size_t i = 0; i < s->values; i++)
        s->misfit[i] = sqrt(o->weight[i]) * (o->data[i] - s->blurred[i]) / o->noise;
    sf_observation_chi_squared(o, s->misfit, &goodness);
    s->chi_squared = goodness.value / goodness.expected;
    return SF_OK;
}

/* blurred <- share y / (H x), both with the offset. */
static void divide(lucy_state *s, size_t exposure)
{
    const sf_observation *o = s->o;
    const double offset = choose_offset(s, sf_observation_exposure(o, exposure));
    const double own = share(o, exposure);

    for (size_t i = exposure * s->cells; i < (exposure + 1) * s->cells; i++) {
        const double model = s->blurred[i] + offset;
        const double counts = fmax(o->data[i] + offset, 0.0);
        /* a PSF with negative lobes may predict nothing where something is: no information */
        s->blurred[i] = o->weight[i] > 0.0 ? own * (model > 0.0 ? counts / model : 1.0) : 0.0;
    }
}

static sf_status step(lucy_state *s)
{
    double *factor = s->misfit; /* until the next one is */

    for (size_t e = 0; e < s->o->exposures; e++) divide(s, e);
    SF_TRY(convolve(s, true, s->blurred, factor));
    for (size_t i = 0; i < s->cells; i++)
        if (s->x[i] > 0.0) s->x[i] = fmax(s->x[i] * factor[i] / s->seen[i], 0.0);
    return SF_OK;
}

static bool goes_on(const lucy_state *s, size_t iteration)
{
    const sf_monitor_event event = {
        .stage = "richardson-lucy",
        .iteration = iteration,
        .total = s->options->iterations,
        .residual = s->chi_squared,
        .image = s->x,
        .image_size = s->cells,
    };
    return sf_monitor_call(&s->options->monitor, &event);
}

static sf_status iterate(lucy_state *s, sf_solver_report *report)
{
    report->stop = SF_STOP_ITERATIONS;
    SF_TRY(begin(s));
    SF_TRY(predict(s));
    while (report->iterations < s->options->iterations) {
        if (s->options->discrepancy && s->chi_squared <= 1.0) {
            report->stop = SF_STOP_DISCREPANCY;
            break;
        }
        SF_TRY(step(s));
        SF_TRY(predict(s));
        report->iterations++;
        if (!goes_on(s, report->iterations)) {
            report->stop = SF_STOP_MONITOR;
            break;
        }
    }
    return sf_check_finite(s->x, s->cells, "result of Richardson-Lucy");
}

sf_status sf_richardson_lucy(const sf_observation *observation,
                             const sf_richardson_lucy_options *options, double *scene,
                             sf_solver_report *report)
{
    const sf_richardson_lucy_options defaults = sf_richardson_lucy_options_default();
    const double start = sf_seconds();
    lucy_state s = {.o = observation, .x = scene};
    sf_solver_report ignored;
    sf_status status;

    if (report == NULL) report = &ignored;
    s.options = options != NULL ? options : &defaults;
    memset(report, 0, sizeof *report);
    report->primal_residual = report->dual_residual = NAN;
    report->strength = report->noise_level = NAN;
    report->guarantee = "each step raises the likelihood of Poisson counts (Shepp & Vardi 1982); "
                        "the limit follows the noise, so it is stopped before";
    if (observation->fourier)
        return sf_fail(SF_ERR_UNSUPPORTED, "Richardson-Lucy is for pixels, whose light cannot be "
                                           "negative: frequencies were observed; take another "
                                           "method");
    if (isnan(s.options->offset))
        return sf_fail(SF_ERR_ARGUMENT, "offset is NaN: give a number, negative to have it chosen");
    s.cells = sf_grid_size(&observation->scene);
    s.values = observation->values;
    s.offset = s.options->offset;
    SF_GO(sf_allocate(&s.seen, s.cells, sizeof *s.seen));
    SF_GO(sf_allocate(&s.blurred, s.values, sizeof *s.blurred));
    SF_GO(sf_allocate(&s.misfit, s.values, sizeof *s.misfit));
    SF_GO(iterate(&s, report));
    report->transform_seconds = s.seconds;
    report->seconds = sf_seconds() - start;
done:
    sf_free(s.seen);
    sf_free(s.blurred);
    sf_free(s.misfit);
    return status;
}
