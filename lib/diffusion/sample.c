/* sample.c - samples of a prior, by a process run backwards: predictors and correctors in turns
 * (Song et al. 2021, arXiv:2011.13456, algorithm 1). The state is z = x/alpha, so that the prior
 * is asked about its own variables: z = x_0 + u n with u = sigma/alpha. */
#include "base/internal.h"
#include "diffusion/corrector.h"
#include "diffusion/flow.h"
#include "diffusion/noise.h"
#include "diffusion/predictor.h"

#include <gsl/gsl_math.h>
#include <math.h>

typedef struct run {
    const sf_prior *prior;
    const sf_sample_options *options;
    sf_random random;
    size_t batch, size, count;
    double *times;
    sf_marginal *at;      /* steps + 1 */
    double *x;            /* the state */
    double *now, *before; /* clean images of this step and the last; Heun: slopes */
    sf_correction *correction;
    sf_flow *flow;
    size_t accepted, single; /* moves; evaluations for a single sample */
    sf_sample_report report;
} run;

sf_sample_options sf_sample_options_default(void)
{
    return (sf_sample_options){.predictor = SF_PREDICTOR_ANCESTRAL,
                               .heat = 1.0,
                               .churn_high = INFINITY,
                               .churn_noise = 1.0,
                               .tolerance = 1e-5,
                               .corrections = 1,
                               .snr = 0.16,
                               .step = 0.1,
                               .spacing = SF_TIMES_RHO,
                               .rho = 7.0,
                               .steps = 100};
}

static sf_status check_range(double value, double low, double high, const char *what)
{
    if (value >= low && value <= high) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "a sampler's %s is %g, where %g to %g can be", what, value, low,
                   high);
}

static sf_status check_options(const sf_sample_options *o)
{
    const double most = 1e300;

    if ((unsigned)o->predictor > SF_PREDICTOR_ADAPTIVE ||
        (unsigned)o->corrector > SF_CORRECTOR_MALA || (unsigned)o->spacing > SF_TIMES_LOG_SNR)
        return sf_fail(SF_ERR_ARGUMENT,
                       "predictor %d, corrector %d, spacing %d: one of them does not exist",
                       (int)o->predictor, (int)o->corrector, (int)o->spacing);
    SF_TRY(check_range(o->eta, 0.0, 1.0, "eta"));
    SF_TRY(check_range(o->heat, 0.0, most, "heat"));
    SF_TRY(check_range(o->churn, 0.0, most, "churn"));
    SF_TRY(check_range(o->churn_noise, 0.0, most, "churn noise"));
    SF_TRY(check_range(o->variance, 0.0, most, "variance of the prior"));
    SF_TRY(check_range(o->snr, 0.0, most, "signal-to-noise ratio"));
    SF_TRY(check_range(o->step, 0.0, most, "corrector step"));
    if (o->predictor == SF_PREDICTOR_ADAPTIVE)
        SF_TRY(check_range(o->tolerance, 1e-14, 1.0, "tolerance"));
    return SF_OK;
}

/* A result that is noisier than the caller can bear is found before the work. */
static sf_status check_floor(const run *r)
{
    const double floor = r->options->floor, end = r->at[r->options->steps].level;

    if (floor == 0.0 || end <= floor) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT,
                   "the schedule ends at noise level %g, above the noise floor %g: lower its last "
                   "level",
                   end, floor);
}

static void finish(run *r)
{
    sf_free(r->times);
    sf_free(r->at);
    sf_free(r->now);
    sf_free(r->before);
    sf_correction_release(&r->correction);
    sf_flow_release(&r->flow);
}

static sf_status prepare(run *r, const sf_diffusion *diffusion)
{
    const sf_sample_options *o = r->options;

    SF_TRY(check_options(o));
    if (!sf_multiply_sizes(r->batch, r->size, &r->count))
        return sf_fail(SF_ERR_ARGUMENT, "a batch of %zu fields is more than memory holds",
                       r->batch);
    SF_TRY(sf_allocate(&r->times, o->steps + 1, sizeof *r->times));
    SF_TRY(sf_allocate(&r->at, o->steps + 1, sizeof *r->at));
    SF_TRY(sf_diffusion_times(diffusion, o->spacing, o->rho, o->steps, r->times));
    for (size_t i = 0; i <= o->steps; i++)
        SF_TRY(sf_diffusion_at(diffusion, r->times[i], &r->at[i]));
    SF_TRY(check_floor(r));
    SF_TRY(sf_allocate(&r->now, r->count, sizeof *r->now));
    SF_TRY(sf_allocate(&r->before, r->count, sizeof *r->before));
    if (o->predictor == SF_PREDICTOR_ADAPTIVE)
        SF_TRY(sf_flow_create(r->prior, (sf_flow_traces){0, false}, &r->flow));
    if (o->corrector == SF_CORRECTOR_NONE) return SF_OK;
    return sf_correction_create(r->prior, o, r->batch, &r->correction);
}

static sf_status start(run *r)
{
    const sf_sample_options *o = r->options;

    if (o->given) return sf_check_finite(r->x, r->count, "where samples start");
    if (o->mean != NULL) SF_TRY(sf_check_finite(o->mean, r->size, "mean where samples start"));
    for (size_t i = 0; i < r->count; i++) r->x[i] = o->mean != NULL ? o->mean[i % r->size] : 0.0;
    sf_noise_mix(r->random, 0, o->first, r->batch, r->size, 1.0,
                 hypot(r->at[0].level, sqrt(o->variance)), r->x);
    return SF_OK;
}

/* The first number of a step: slot 0 is the start's, then come the predictor's and the moves'. */
static uint64_t slot_of(const run *r, size_t step)
{
    return 1 + (uint64_t)step * (1 + (uint64_t)r->options->corrections);
}

static sf_status denoise(run *r, double level)
{
    r->report.evaluations++;
    return sf_prior_denoise(r->prior, r->batch, r->x, level, r->now);
}

/* How far D is extrapolated for a multistep rule, in units of its last change: half of this step
 * over the last, in log-SNR. */
static double extrapolation(const run *r, size_t step)
{
    const sf_predictor p = r->options->predictor;

    if ((p != SF_PREDICTOR_MULTISTEP && p != SF_PREDICTOR_MULTISTEP_SDE) || step == 0) return 0.0;
    return 0.5 * (r->at[step + 1].log_snr - r->at[step].log_snr) /
           (r->at[step].log_snr - r->at[step - 1].log_snr);
}

static sf_status step_linear(run *r, size_t step)
{
    const sf_sample_options *o = r->options;
    const sf_linear_step s = sf_predictor_step(
        o->predictor, o->eta, r->times[step] - r->times[step + 1], &r->at[step], &r->at[step + 1]);
    const double ahead = extrapolation(r, step);
    double *const x = r->x, *swap;

    SF_TRY(denoise(r, r->at[step].level));
#pragma omp parallel for simd num_threads(sf_thread_count()) if (r->count > 65536)
    for (size_t i = 0; i < r->count; i++)
        x[i] = s.z * x[i] +
               s.clean * (r->now[i] + (ahead != 0.0 ? ahead * (r->now[i] - r->before[i]) : 0.0));
    if (s.noise > 0.0)
        sf_noise_mix(r->random, slot_of(r, step), o->first, r->batch, r->size, 1.0,
                     o->heat * s.noise, x);
    swap = r->before;
    r->before = r->now;
    r->now = swap;
    return SF_OK;
}

/* The level that churn takes a step's beginning to. */
static double churned(const run *r, double level)
{
    const sf_sample_options *o = r->options;
    const double more = fmin(o->churn / (double)o->steps, M_SQRT2 - 1.0);

    if (level < o->churn_low || level > o->churn_high) return level;
    return fmin((1.0 + more) * level, r->at[0].level);
}

static sf_status step_heun(run *r, size_t step)
{
    const double from = churned(r, r->at[step].level), to = r->at[step + 1].level, h = to - from;
    const double noise = sqrt(fmax(gsl_pow_2(from) - gsl_pow_2(r->at[step].level), 0.0));
    double *const x = r->x, *const now = r->now, *const slope = r->before;

    if (noise > 0.0)
        sf_noise_mix(r->random, slot_of(r, step), r->options->first, r->batch, r->size, 1.0,
                     noise * r->options->churn_noise, x);
    SF_TRY(denoise(r, from));
    for (size_t i = 0; i < r->count; i++) {
        slope[i] = (x[i] - now[i]) / from;
        x[i] += h * slope[i];
    }
    SF_TRY(denoise(r, to));
    for (size_t i = 0; i < r->count; i++) x[i] += 0.5 * h * ((x[i] - now[i]) / to - slope[i]);
    return SF_OK;
}

static sf_status step_adaptive(run *r, size_t step)
{
    for (size_t b = 0; b < r->batch; b++)
        SF_TRY(sf_flow_run(r->flow, r->at[step].level, r->at[step + 1].level, r->options->tolerance,
                           r->x + b * r->size, &r->single));
    return SF_OK;
}

static sf_status predict(run *r, size_t step)
{
    switch (r->options->predictor) {
    case SF_PREDICTOR_FLOW_HEUN: return step_heun(r, step);
    case SF_PREDICTOR_ADAPTIVE: return step_adaptive(r, step);
    default: return step_linear(r, step);
    }
}

static sf_status check_state(const run *r, size_t step)
{
    for (size_t i = 0; i < r->count; i++)
        if (!isfinite(r->x[i]))
            return sf_fail(SF_ERR_NUMERIC,
                           "sample %zu is %g after step %zu of %zu, at noise level %g: take more "
                           "steps, a smaller corrector step or weaker guidance",
                           i / r->size, r->x[i], step + 1, r->options->steps,
                           r->at[step + 1].level);
    return SF_OK;
}

static bool tell(const run *r, size_t step)
{
    const sf_monitor_event event = {.stage = "sample",
                                    .iteration = step + 1,
                                    .total = r->options->steps,
                                    .residual = r->at[step + 1].level,
                                    .image = r->x,
                                    .image_size = r->size};

    return sf_monitor_call(&r->options->monitor, &event);
}

static sf_status all_steps(run *r)
{
    bool more = true;

    for (size_t i = 0; more && i < r->options->steps; i++) {
        SF_TRY(predict(r, i));
        SF_TRY(check_state(r, i));
        r->report.steps = i + 1;
        r->report.level = r->at[i + 1].level;
        if (r->correction != NULL) {
            SF_TRY(sf_correction_move(r->correction, r->at[i + 1].level, slot_of(r, i) + 1, r->x,
                                      &r->report.evaluations, &r->accepted));
            SF_TRY(check_state(r, i));
        }
        more = tell(r, i);
    }
    r->report.finished = r->report.steps == r->options->steps;
    return SF_OK;
}

static sf_status last_denoising(run *r)
{
    if (!r->options->denoise_last) return SF_OK;
    SF_TRY(denoise(r, r->report.level));
    for (size_t i = 0; i < r->count; i++) r->x[i] = r->now[i];
    return sf_check_finite(r->x, r->count, "denoised samples");
}

static void describe(run *r, double begin, sf_sample_report *report)
{
    const double moves =
        (double)r->batch * (double)r->options->corrections * (double)r->report.steps;

    if (report == NULL) return;
    *report = r->report;
    if (r->batch > 0) report->evaluations += (r->single + r->batch - 1) / r->batch;
    report->acceptance =
        r->options->corrector == SF_CORRECTOR_MALA ? (double)r->accepted / moves : NAN;
    report->seconds = sf_seconds() - begin;
}

sf_status sf_sample(const sf_prior *prior, const sf_diffusion *diffusion,
                    const sf_sample_options *options, size_t batch, double *x,
                    sf_sample_report *report)
{
    const double begin = sf_seconds();
    sf_status status;
    run r = {.prior = prior,
             .options = options,
             .random = sf_random_make(options->seed, options->stream),
             .batch = batch,
             .size = sf_grid_size(sf_prior_grid(prior)),
             .x = x};

    SF_GO(prepare(&r, diffusion));
    SF_GO(start(&r));
    SF_GO(all_steps(&r));
    SF_GO(last_denoising(&r));
    describe(&r, begin, report);
done:
    finish(&r);
    return status;
}
