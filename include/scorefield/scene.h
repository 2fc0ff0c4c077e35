/* scorefield/scene.h - simulated astronomical scenes: demonstrations, tests, training patches. */
#ifndef SCOREFIELD_SCENE_H
#define SCOREFIELD_SCENE_H

#include <scorefield/grid.h>
#include <scorefield/network.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is in a scene: expected numbers of objects in an area of 256 x 256 pixels, sizes in
 * pixels. Fluxes follow power laws; brightness is relative to a unit that sf_scene_draw's
 * caller scales. The optics that drew a real frame are part of a scene: point sources have a
 * core of `seeing` pixels FWHM (a Nyquist-sampled star, not one pixel). */
typedef struct sf_scene_options {
    double galaxies;    /* Sersic 1963 profiles; some with spiral arms, bars, clumps, rings */
    double stars;       /* single stars */
    double clusters;    /* star clusters with a King-like profile */
    double diffuse;     /* amplitude of diffuse emission (lognormal field with a power law) */
    double seeing;      /* FWHM in pixels of what a point looks like in the truth; 0 = one pixel */
} sf_scene_options;

SF_API sf_scene_options sf_scene_options_default(void);
/* One scene on an image grid: non-negative, finite, brightest structures of order 1. The same
 * (seed, index) gives the same scene. */
SF_API sf_status sf_scene_draw(const sf_grid *grid, const sf_scene_options *options, uint64_t seed,
                               uint64_t index, double *image);

/* ---- training patches -------------------------------------------------------------------- */

/* A weighted mixture of simulated scenes of random composition and of crops of real images,
 * each patch scaled by a log-uniform factor so that the noise levels meet faint and bright. */
typedef struct sf_patches sf_patches;

SF_API sf_status sf_patches_create(uint64_t seed, sf_patches **patches);
SF_API void sf_patches_release(sf_patches **patches);
/* weight: relative probability of a patch from here. */
SF_API sf_status sf_patches_add_scenes(sf_patches *patches, double weight);
/* A copy of a clean image (rows x columns, finite); pixels of `noise` standard deviation: patches
 * are binned and scaled such that the noise stays below 1/3 of the smallest training level.
 * gamma_max > 1 undoes a display stretch: pixel^gamma with gamma uniform in [1, gamma_max]. */
SF_API sf_status sf_patches_add_image(sf_patches *patches, double weight, size_t rows,
                                      size_t columns, const double *pixels, double noise,
                                      double gamma_max);
/* A view for sf_train; valid while the patches are. */
SF_API sf_patch_source sf_patches_source(sf_patches *patches);

#ifdef __cplusplus
}
#endif
#endif
