/* large_scales.c - the data's own large scales, which they know better than a denoiser. */
#include "inverse/large_scales.h"

#include "base/internal.h"

/* Penalty on |Laplacian of the last correction|^2: it passes what is wider than about
 * 2 pi strength^(1/4) = 63 pixels, less than a thousandth of the modes. */
#define LARGE_SCALES 1e4

#define ACCURACY     0.001
#define LIMIT        200

/* The same observation with every observed pixel of an exposure counted alike. Weights that were
 * computed from the noisy pixels themselves (sigma^2 = (pixel + sky) / gain, as survey maps often
 * are) favour pixels that noise made faint: a weighted mean of SDSS frames is half of the plain
 * one. */
static sf_status even_weights(const sf_observation *o, sf_observation *even)
{
    const size_t cells = sf_grid_size(&o->scene);

    *even = *o;
    even->weight = NULL;
    even->inverse_power = NULL;
    even->back = NULL;
    even->mean_weight = (double)o->observed / (double)cells;
    if (o->exposures == 1) even->diagonal = o->observed == cells && o->varying == NULL;
    SF_TRY(sf_allocate(&even->weight, o->values, sizeof *even->weight));
    for (size_t i = 0; i < o->values; i++)
        even->weight[i] = o->weight[i] > 0.0 ? sf_observation_exposure(o, i / cells)->typical : 0.0;
    return sf_observation_transform(even);
}

sf_status sf_restore_large_scales(const sf_observation *o, const double *z, double *out,
                                  double *seconds)
{
    const sf_normal_goal goal = {.noise_fraction = ACCURACY, .iterations = LIMIT};
    sf_observation even = {0};
    sf_normal *normal = NULL;
    sf_status status;

    SF_GO(even_weights(o, &even));
    SF_GO(sf_normal_create(&even, &normal));
    sf_normal_set_roughness(normal, LARGE_SCALES, 2);
    SF_GO(sf_normal_solve(normal, z, &goal, out));
    *seconds += sf_normal_transform_seconds(normal);
done:
    sf_normal_release(&normal);
    sf_free(even.weight);
    sf_free(even.back);
    return status;
}
