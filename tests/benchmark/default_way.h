/* default_way.h - what benchmarks of sf-deblur share: the denoiser that the command line names, and
 * the program's default way from a frame to a scene. */
#ifndef SF_BENCHMARK_DEFAULT_WAY_H
#define SF_BENCHMARK_DEFAULT_WAY_H

#include <scorefield/inverse.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call)                                      \
    do {                                              \
        if ((call) != SF_OK) {                        \
            fprintf(stderr, "%s\n", sf_last_error()); \
            exit(1);                                  \
        }                                             \
    } while (0)

/* PROGRAM [builtin | MODEL.onnx [USAGE]], USAGE as in sf_model_usage_parse. */
static inline sf_model *named_model(int count, char **arguments)
{
    sf_model_usage usage;
    sf_model *model, *used;

    if (count > 1 && strcmp(arguments[1], "builtin") != 0)
        OK(sf_model_load(arguments[1], &model));
    else
        OK(sf_model_builtin(&model));
    usage = *sf_model_get_usage(model);
    if (count > 2) OK(sf_model_usage_parse(arguments[2], &usage));
    OK(sf_model_with_usage(model, &usage, &used));
    sf_model_release(&model);
    return used;
}

/* A frame as sf_observation_create takes it. */
typedef struct exposure {
    sf_grid grid;
    double *pixels, *sigma, *mask; /* sigma, mask: NULL where there is none */
    double noise, sky, gain;
    sf_psf *psf;
} exposure;

/* As sf-deblur: of galaxies, of stars, and the hollows that tell. */
#define RESOLUTION        0.9
#define RESOLUTION_STAR   1.6
#define DEEPEST_HOLLOW    5.0
#define RESOLUTION_CHOSEN (-1.0)

typedef struct restored {
    sf_observation *observation;
    double *scene, resolution;
    sf_diagnostics diagnostics;
    sf_solver_report report;
} restored;

static inline void release_restored(restored *r)
{
    sf_observation_release(&r->observation);
    sf_free(r->scene);
    r->scene = NULL;
}

static inline sf_observation *observe_frame(const exposure *e, double resolution)
{
    sf_observation_options how = sf_observation_options_default();
    sf_observation *observation;

    how.background = e->sky;
    how.gain = e->gain;
    how.resolution = resolution;
    OK(sf_observation_create(&e->grid, e->pixels, e->sigma, e->noise, e->mask, e->psf, &how,
                             &observation));
    return observation;
}

static inline restored restore_frame_at(const exposure *e, sf_model *model, double resolution,
                                        const sf_pnp_options *options)
{
    restored r = {.observation = observe_frame(e, resolution), .resolution = resolution};
    const sf_grid *grid = sf_observation_scene(r.observation);
    sf_prior *prior;

    OK(sf_prior_network(grid, model, &prior));
    OK(sf_allocate(&r.scene, sf_grid_size(grid), sizeof *r.scene));
    OK(sf_pnp(r.observation, prior, options, r.scene, &r.report));
    OK(sf_diagnose(r.observation, r.scene, &r.diagnostics));
    sf_prior_release(&prior);
    return r;
}

/* At that resolution, or as sf-deblur chooses it. options NULL: its own. */
static inline restored restore_frame(const exposure *e, sf_model *model, double resolution,
                                     const sf_pnp_options *options)
{
    const bool choose = resolution < 0.0;
    restored r = restore_frame_at(e, model, choose ? RESOLUTION : resolution, options);

    if (!choose || r.diagnostics.hollow < DEEPEST_HOLLOW) return r;
    release_restored(&r);
    return restore_frame_at(e, model, RESOLUTION_STAR, options);
}

#endif
