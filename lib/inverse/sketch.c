/* sketch.c - what the data say by themselves, for samplers to begin at. */
#include "inverse/sketch.h"

#include "base/internal.h"
#include "inverse/normal.h"

#include <math.h>

#define HIGH   4.0   /* what the start is wrong by is still there to 1/(1 + HIGH^2), at worst */
#define BRIGHT 0.999 /* quantile: above it, stars may be as bright as they like */

sf_status sf_observation_sketch(const sf_observation *o, double *scene, double *range)
{
    const sf_normal_goal goal = {.reduction = 1e-3, .iterations = 200};
    const size_t cells = sf_grid_size(&o->scene);
    sf_normal *normal = NULL;
    double *sizes = NULL;
    sf_status status;

    SF_TRY(sf_normal_create(o, &normal));
    SF_GO(sf_allocate(&sizes, cells, sizeof *sizes));
    sf_normal_set_roughness(normal, 1.0, 1);
    SF_GO(sf_normal_solve(normal, NULL, &goal, scene));
    for (size_t i = 0; i < cells; i++) sizes[i] = fabs(scene[i]);
    *range = sf_quantile(sizes, cells, BRIGHT);
done:
    sf_normal_release(&normal);
    sf_free(sizes);
    return status;
}

sf_status sf_posterior_schedule(const sf_observation *o, double end, double *start,
                                sf_diffusion *diffusion, sf_sample_options *options)
{
    double range;

    if (!(end > 0.0 && isfinite(end)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "samples are to end with %g of the frame's noise: give a positive number",
                       end);
    SF_TRY(sf_observation_sketch(o, start, &range));
    range = fmax(HIGH * range, 2.0 * end * o->noise);
    SF_TRY(sf_diffusion_edm(end * o->noise, range, diffusion));
    options->mean = start;
    options->variance = 0.0;
    options->spacing = SF_TIMES_LOG_SNR;
    return SF_OK;
}
