/* deblur_solve.c - one call of the library's algorithm that the command line names. */
#include "deblur_solve.h"
#include "deblur_prior.h"
#include "program.h"
#include "progress.h"

#include <math.h>

/* Replaces a default by what was given. */
static void set_number(double given, double *value)
{
    if (!isnan(given)) *value = given;
}

static void set_count(int given, size_t *value)
{
    if (given > 0) *value = (size_t)given;
}

static sf_status plug_and_play(const deblur_options *o, const deblur_tuning *tuning,
                               const sf_observation *observation, const sf_prior *prior,
                               sf_monitor monitor, double *scene, sf_solver_report *report)
{
    sf_pnp_options options = sf_pnp_options_default();

    set_count(o->iterations, &options.iterations);
    set_number(o->tolerance, &options.tolerance);
    if (o->schedule != NULL) {
        options.schedule_from = o->schedule_from;
        options.schedule_to = o->schedule_to;
    }
    options.multiplier = o->method == DEBLUR_PNP;
    options.discrepancy = !deblur_prior_is_field(o);
    options.positive = o->positive != 0;
    options.find_excess = isnan(tuning->noise_excess);
    set_number(tuning->noise_excess, &options.noise_excess);
    options.monitor = monitor;
    return sf_pnp(observation, prior, &options, scene, report);
}

static sf_status total_variation(const deblur_options *o, const deblur_tuning *tuning,
                                 const sf_observation *observation, sf_monitor monitor,
                                 double *scene, sf_solver_report *report)
{
    sf_tv_options options = sf_tv_options_default();

    set_count(o->iterations, &options.iterations);
    set_number(o->tolerance, &options.tolerance);
    set_number(o->penalty, &options.penalty);
    set_number(tuning->strength, &options.strength);
    set_number(o->strength, &options.strength);
    options.positive = o->positive != 0;
    options.monitor = monitor;
    return sf_tv(observation, &options, scene, report);
}

static sf_status wiener(const deblur_options *o, const deblur_tuning *tuning,
                        const sf_observation *observation, sf_monitor monitor, double *scene,
                        sf_solver_report *report)
{
    sf_wiener_options options = sf_wiener_options_default();
    sf_spectrum *spectrum = NULL;
    sf_status status;

    set_count(o->iterations, &options.iterations);
    set_number(o->tolerance, &options.tolerance);
    set_number(tuning->strength, &options.strength);
    set_number(o->strength, &options.strength);
    if (deblur_prior_is_field(o)) GO(sf_spectrum_parse(o->prior + 6, &spectrum));
    options.spectrum = spectrum;
    options.monitor = monitor;
    status = sf_wiener(observation, &options, scene, report);
done:
    sf_spectrum_release(&spectrum);
    return status;
}

static sf_status most_probable(const deblur_options *o, const deblur_tuning *tuning,
                               const sf_observation *observation, sf_monitor monitor, double *scene,
                               sf_solver_report *report)
{
    sf_ridge_map_options options = sf_ridge_map_options_default();
    sf_ridge *ridge = NULL;
    sf_status status;

    set_count(o->iterations, &options.iterations);
    set_number(o->tolerance, &options.tolerance);
    set_number(tuning->strength, &options.strength);
    set_number(o->strength, &options.strength);
    options.monitor = monitor;
    GO(deblur_prior_ridge(o, &ridge));
    status = sf_ridge_map(observation, ridge, &options, scene, report);
done:
    sf_ridge_release(&ridge);
    return status;
}

static sf_status richardson_lucy(const deblur_options *o, const deblur_tuning *tuning,
                                 const sf_observation *observation, sf_monitor monitor,
                                 double *scene, sf_solver_report *report)
{
    sf_richardson_lucy_options options = sf_richardson_lucy_options_default();

    set_count(o->iterations, &options.iterations);
    if (!isnan(tuning->iterations)) {
        options.iterations = (size_t)tuning->iterations;
        options.discrepancy = false;
    }
    options.monitor = monitor;
    return sf_richardson_lucy(observation, &options, scene, report);
}

/* The prior on that grid, made where it is not the last one's. */
static sf_status find_prior(deblur_solver *s, const sf_grid *grid)
{
    if (s->prior != NULL && sf_grid_same_shape(sf_prior_grid(s->prior), grid)) return SF_OK;
    sf_prior_release(&s->prior);
    return deblur_prior_make(s->options, grid, &s->prior);
}

static sf_status solve(deblur_solver *s, const deblur_tuning *tuning,
                       const sf_observation *observation, sf_monitor monitor, double *scene,
                       sf_solver_report *report)
{
    const deblur_options *o = s->options;
    sf_status status;

    switch (o->method) {
    case DEBLUR_TV: return total_variation(o, tuning, observation, monitor, scene, report);
    case DEBLUR_WIENER: return wiener(o, tuning, observation, monitor, scene, report);
    case DEBLUR_MAP: return most_probable(o, tuning, observation, monitor, scene, report);
    case DEBLUR_RL: return richardson_lucy(o, tuning, observation, monitor, scene, report);
    case DEBLUR_PNP:
    case DEBLUR_HQS:
    case DEBLUR_DENOISE:
    case DEBLUR_POSTERIOR: break;
    }
    GO(find_prior(s, sf_observation_scene(observation)));
    if (o->method == DEBLUR_DENOISE) return sf_denoise(observation, s->prior, scene, report);
    status = plug_and_play(o, tuning, observation, s->prior, monitor, scene, report);
done:
    return status;
}

/* How often a method solves with the noise of counts as the last solution makes expect it: those
 * that use their law itself only once more weigh what is left of the frame. */
static bool uses_law(const deblur_options *o)
{
    return o->method == DEBLUR_PNP || o->method == DEBLUR_HQS || o->method == DEBLUR_RL;
}

sf_status deblur_solve(deblur_solver *solver, const deblur_tuning *given, deblur_frame *frame,
                       sf_monitor monitor, double *scene, sf_solver_report *report)
{
    static const deblur_tuning nothing = DEBLUR_TUNING_FREE;
    const deblur_tuning *tuning = given != NULL ? given : &nothing;
    const bool counts = frame->detector.gain > 0.0, law = uses_law(solver->options);
    sf_status status = solve(solver, tuning, frame->observation, monitor, scene, report);

    for (int i = 0; i < DEBLUR_REWEIGHTINGS && counts && status == SF_OK && !law; i++) {
        GO(deblur_frame_expect(frame, scene));
        if (!progress_interrupted())
            GO(solve(solver, tuning, frame->observation, monitor, scene, report));
    }
    if (counts && status == SF_OK && law) status = deblur_frame_expect(frame, scene);
done:
    return status;
}

void deblur_solver_release(deblur_solver *solver) { sf_prior_release(&solver->prior); }
