/* denoise.c - the prior applied once to an observation without blur: D(y; noise). */
#include "base/internal.h"
#include "inverse/observation.h"

#include <math.h>
#include <string.h>

/* seen = y where observed, a smooth continuation where not: a denoiser must see a number in every
 * cell. */
static sf_status fill(const sf_observation *o, double *seen)
{
    const size_t cells = sf_grid_size(&o->scene);

    if (o->observed < cells) SF_TRY(sf_wiener(o, NULL, seen, NULL));
    for (size_t i = 0; i < cells; i++)
        if (o->weight[i] > 0.0) seen[i] = o->data[i];
    return SF_OK;
}

sf_status sf_denoise(const sf_observation *observation, const sf_prior *prior, double *scene,
                     sf_solver_report *report)
{
    const double begin = sf_seconds();
    double *seen = NULL;
    sf_solver_report ignored;
    sf_status status;

    if (report == NULL) report = &ignored;
    memset(report, 0, sizeof *report);
    report->primal_residual = report->dual_residual = report->strength = NAN;
    report->noise_level = observation->noise;
    report->guarantee = "none is needed: one call of the denoiser";
    if (!sf_observation_is_plain(observation))
        return sf_fail(SF_ERR_ARGUMENT, "denoising is for one exposure without a point spread "
                                        "function; use plug and play");
    if (!sf_grid_same_shape(sf_prior_grid(prior), &observation->scene))
        return sf_fail(SF_ERR_SHAPE, "the prior must be made on the observation's scene grid");
    SF_GO(sf_allocate(&seen, sf_grid_size(&observation->scene), sizeof *seen));
    SF_GO(fill(observation, seen));
    const double start = sf_seconds();
    SF_GO(sf_prior_denoise(prior, 1, seen, observation->noise, scene));
    report->prior_seconds = sf_seconds() - start;
    report->iterations = 1;
    report->stop = SF_STOP_SCHEDULE;
done:
    sf_free(seen);
    report->seconds = sf_seconds() - begin;
    return status;
}
