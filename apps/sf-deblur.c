/* sf-deblur.c - deconvolves a FITS frame: reads, builds the objects, calls one library algorithm,
 * reports. */
#include "deblur_inspect.h"
#include "deblur_output.h"
#include "deblur_prior.h"
#include "program.h"
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Replaces a default by what was given. */
static void set_number(double given, double *value)
{
    if (!isnan(given)) *value = given;
}

static void set_count(int given, size_t *value)
{
    if (given > 0) *value = (size_t)given;
}

static sf_status plug_and_play(const deblur_options *o, const sf_observation *observation,
                               const sf_prior *prior, sf_monitor monitor, double *scene,
                               sf_solver_report *report)
{
    sf_pnp_options options = sf_pnp_options_default();

    set_count(o->iterations, &options.iterations);
    set_number(o->tolerance, &options.tolerance);
    set_number(o->penalty, &options.penalty);
    set_number(o->strength, &options.strength);
    if (o->schedule != NULL) {
        options.schedule_from = o->schedule_from;
        options.schedule_to = o->schedule_to;
    }
    options.multiplier = o->method == DEBLUR_PNP;
    options.positive = o->positive != 0;
    options.monitor = monitor;
    return sf_pnp(observation, prior, &options, scene, report);
}

static sf_status total_variation(const deblur_options *o, const sf_observation *observation,
                                 sf_monitor monitor, double *scene, sf_solver_report *report)
{
    sf_tv_options options = sf_tv_options_default();

    set_count(o->iterations, &options.iterations);
    set_number(o->tolerance, &options.tolerance);
    set_number(o->penalty, &options.penalty);
    set_number(o->strength, &options.strength);
    options.positive = o->positive != 0;
    options.monitor = monitor;
    return sf_tv(observation, &options, scene, report);
}

static sf_status wiener(const deblur_options *o, const sf_observation *observation,
                        sf_monitor monitor, double *scene, sf_solver_report *report)
{
    sf_wiener_options options = sf_wiener_options_default();
    sf_spectrum *spectrum = NULL;
    sf_status status;

    set_count(o->iterations, &options.iterations);
    set_number(o->tolerance, &options.tolerance);
    set_number(o->strength, &options.strength);
    if (deblur_prior_is_field(o)) GO(sf_spectrum_parse(o->prior + 6, &spectrum));
    options.spectrum = spectrum;
    options.monitor = monitor;
    status = sf_wiener(observation, &options, scene, report);
done:
    sf_spectrum_release(&spectrum);
    return status;
}

static sf_status richardson_lucy(const deblur_options *o, const sf_observation *observation,
                                 sf_monitor monitor, double *scene, sf_solver_report *report)
{
    sf_richardson_lucy_options options = sf_richardson_lucy_options_default();

    set_count(o->iterations, &options.iterations);
    options.monitor = monitor;
    return sf_richardson_lucy(observation, &options, scene, report);
}

static sf_status solve(const deblur_options *o, const sf_observation *observation,
                       sf_monitor monitor, double *scene, sf_solver_report *report)
{
    sf_prior *prior = NULL;
    sf_status status;

    switch (o->method) {
    case DEBLUR_TV: return total_variation(o, observation, monitor, scene, report);
    case DEBLUR_WIENER: return wiener(o, observation, monitor, scene, report);
    case DEBLUR_RL: return richardson_lucy(o, observation, monitor, scene, report);
    case DEBLUR_PNP:
    case DEBLUR_HQS:
    case DEBLUR_DENOISE:
    case DEBLUR_POSTERIOR: break;
    }
    GO(deblur_prior_make(o, sf_observation_scene(observation), &prior));
    if (o->method == DEBLUR_DENOISE)
        status = sf_denoise(observation, prior, scene, report);
    else
        status = plug_and_play(o, observation, prior, monitor, scene, report);
done:
    sf_prior_release(&prior);
    return status;
}

#define REWEIGHTINGS 2

/* How often a method solves with the noise of counts as the last solution makes expect it: those
 * that use their law itself only once more weigh what is left of the frame. */
static bool uses_law(const deblur_options *o)
{
    return o->method == DEBLUR_PNP || o->method == DEBLUR_HQS || o->method == DEBLUR_RL;
}

/* Solves; of counts with weights that the pixels' own noise is not in. */
static sf_status solve_expected(const deblur_options *o, deblur_frame *f, sf_monitor monitor,
                                double *scene, sf_solver_report *report)
{
    const bool counts = f->detector.gain > 0.0;
    sf_status status = solve(o, f->observation, monitor, scene, report);

    for (int i = 0; i < REWEIGHTINGS && counts && status == SF_OK && !uses_law(o); i++) {
        GO(deblur_frame_expect(f, scene));
        if (!progress_interrupted()) GO(solve(o, f->observation, monitor, scene, report));
    }
    if (counts && status == SF_OK && uses_law(o)) status = deblur_frame_expect(f, scene);
done:
    return status;
}

/* The noise of counts that samples use is that of a linear solution. */
static sf_status expect_for_samples(deblur_frame *f, sf_monitor monitor, double *scene)
{
    sf_wiener_options options = sf_wiener_options_default();
    sf_status status = SF_OK;

    options.monitor = monitor;
    for (int i = 0; i < REWEIGHTINGS && f->detector.gain > 0.0 && !progress_interrupted(); i++) {
        GO(sf_wiener(f->observation, &options, scene, NULL));
        GO(deblur_frame_expect(f, scene));
    }
done:
    return status;
}

/* The mean of samples. */
static sf_status sample(const deblur_options *o, deblur_frame *f, sf_monitor monitor, double *scene,
                        deblur_result *r)
{
    sf_prior *prior = NULL;
    sf_status status;

    GO(expect_for_samples(f, monitor, scene));
    GO(deblur_prior_make(o, sf_observation_scene(f->observation), &prior));
    GO(deblur_posterior_draw(o, f, prior, monitor, scene, &r->posterior));
    status = sf_diagnose(f->observation, scene, &r->diagnostics);
done:
    sf_prior_release(&prior);
    return status;
}

/* Solves; where sources come out ringed, once more at a resolution that their sampling allows. */
static sf_status restore(const deblur_options *o, deblur_frame *f, sf_monitor monitor,
                         double *scene, deblur_result *r)
{
    double resolution = f->resolution;
    sf_status status;

    for (;;) {
        GO(solve_expected(o, f, monitor, scene, &r->solver));
        if (progress_interrupted()) break;
        GO(sf_diagnose(f->observation, scene, &r->diagnostics));
        if (r->diagnostics.hollow < DEBLUR_DEEPEST_HOLLOW ||
            !deblur_next_resolution(o, &resolution))
            break;
        GO(deblur_frame_observe(f, resolution));
    }
done:
    return status;
}

static sf_status deblur(const deblur_options *o, bool *interrupted)
{
    deblur_frame frame = {0};
    deblur_result result = {0};
    double *scene = NULL;
    progress line;
    sf_status status;

    if (o->threads > 0) GO(sf_thread_count_set(o->threads));
    GO(deblur_output_check(o));
    GO(deblur_frame_read(o, &frame));
    GO(sf_allocate(&scene, sf_grid_size(sf_observation_scene(frame.observation)), sizeof *scene));
    progress_begin(&line, o->quiet != 0);
    if (o->method == DEBLUR_POSTERIOR)
        status = sample(o, &frame, progress_monitor(&line), scene, &result);
    else
        status = restore(o, &frame, progress_monitor(&line), scene, &result);
    progress_end(&line);
    *interrupted = progress_interrupted();
    if (*interrupted && o->checkpoint != NULL)
        fprintf(stderr, "sf-deblur: %s; the same command goes on from %s\n", sf_last_error(),
                o->checkpoint);
    if (status != SF_OK || *interrupted) goto done;
    GO(deblur_result_fill(&frame, scene, &result));
    GO(deblur_output_write(o, &frame, &result));
    deblur_output_print(o, &frame, &result);
done:
    sf_free(scene);
    deblur_result_release(&result);
    deblur_frame_release(&frame);
    return status;
}

int main(int argc, const char **argv)
{
    deblur_options options;
    bool interrupted = false;
    int exit_status;

    if (deblur_options_parse(argc, argv, &options, &exit_status)) {
        const sf_status status =
            options.inspect ? deblur_inspect(&options) : deblur(&options, &interrupted);
        if (interrupted)
            exit_status = PROGRAM_INTERRUPTED;
        else if (status != SF_OK)
            exit_status = program_fail("sf-deblur");
    }
    deblur_options_release(&options);
    return exit_status;
}
