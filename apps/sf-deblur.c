/* sf-deblur.c - deconvolves a FITS frame: reads, builds the objects, calls one library algorithm,
 * reports. */
#include "deblur_exposures.h"
#include "deblur_inspect.h"
#include "deblur_output.h"
#include "deblur_plan.h"
#include "deblur_prior.h"
#include "deblur_solve.h"
#include "deblur_tiles.h"
#include "program.h"
#include "progress.h"

#include <stdio.h>

/* The noise of counts that samples use is that of a linear solution. */
static sf_status expect_for_samples(deblur_frame *f, sf_monitor monitor, double *scene)
{
    sf_wiener_options options = sf_wiener_options_default();
    sf_status status = SF_OK;

    options.monitor = monitor;
    for (int i = 0; i < DEBLUR_REWEIGHTINGS && f->detector.gain > 0.0 && !progress_interrupted();
         i++) {
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
    deblur_solver solver = {.options = o};
    double resolution = f->resolution;
    sf_status status;

    for (;;) {
        GO(deblur_solve(&solver, NULL, f, monitor, scene, &r->solver));
        if (progress_interrupted()) break;
        GO(sf_diagnose(f->observation, scene, &r->diagnostics));
        if (r->diagnostics.hollow < DEBLUR_DEEPEST_HOLLOW ||
            !deblur_next_resolution(o, &resolution))
            break;
        GO(deblur_frame_observe(f, resolution));
    }
done:
    deblur_solver_release(&solver);
    return status;
}

/* A frame that is an image, in one piece. */
static sf_status deblur_whole(const deblur_options *o, deblur_files *files, progress *line)
{
    deblur_frame frame = {0};
    deblur_result result = {0};
    double *scene = NULL;
    sf_status status;

    GO(deblur_frame_read(o, files, &frame));
    if (o->frames > 1) GO(deblur_exposures_read(o, &frame));
    GO(sf_allocate(&scene, sf_grid_size(sf_observation_scene(frame.observation)), sizeof *scene));
    progress_begin(line, o->quiet != 0);
    if (o->method == DEBLUR_POSTERIOR)
        status = sample(o, &frame, progress_monitor(line), scene, &result);
    else
        status = restore(o, &frame, progress_monitor(line), scene, &result);
    progress_end(line);
    if (status != SF_OK || progress_interrupted()) goto done;
    GO(deblur_result_fill(&frame, scene, &result));
    GO(deblur_output_write(o, &frame, &result));
    const deblur_facts facts = deblur_facts_of(&frame);
    deblur_output_print(o, &facts, &result);
done:
    sf_free(scene);
    deblur_result_release(&result);
    deblur_frame_release(&frame);
    return status;
}

static sf_status deblur(const deblur_options *o, bool *interrupted)
{
    deblur_files files = {.count = 0};
    progress line;
    sf_status status;
    size_t core;

    if (o->threads > 0) GO(sf_thread_count_set(o->threads));
    GO(deblur_output_check(o));
    GO(deblur_files_open(&files, o->input));
    GO(deblur_plan(o, &files, &core));
    status = core > 0 ? deblur_tiles(o, &files, core, &line) : deblur_whole(o, &files, &line);
    *interrupted = progress_interrupted();
    if (*interrupted && o->checkpoint != NULL)
        fprintf(stderr, "sf-deblur: %s; the same command goes on from %s\n", sf_last_error(),
                o->checkpoint);
done:
    deblur_files_close(&files);
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
