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
    double galaxies; /* Sersic 1963 profiles; some with spiral arms, bars, clumps, rings */
    double stars;    /* single stars */
    double clusters; /* star clusters with a King-like profile */
    double diffuse;  /* amplitude of diffuse emission (lognormal field with a power law) */
    double seeing;   /* FWHM in pixels of what a point looks like in the truth; 0 = one pixel */
} sf_scene_options;

SF_API sf_scene_options sf_scene_options_default(void);
/* One scene on an image grid: non-negative, finite, brightest structures of order 1. The same
 * (seed, index) gives the same scene. */
SF_API sf_status sf_scene_draw(const sf_grid *grid, const sf_scene_options *options, uint64_t seed,
                               uint64_t index, double *image);

/* ---- training patches -------------------------------------------------------------------- */

/* A weighted mixture of simulated scenes of random composition and of crops of real images. The
 * brightest pixel of a patch is 1, but for what sf_patches_add_image says of noise. */
typedef struct sf_patches sf_patches;

/* smallest_level: of the noise levels that the patches will be trained at (sigma_min). */
SF_API sf_status sf_patches_create(uint64_t seed, double smallest_level, sf_patches **patches);
SF_API void sf_patches_release(sf_patches **patches);
/* weight: relative probability of a patch from here. */
SF_API sf_status sf_patches_add_scenes(sf_patches *patches, double weight);
/* A copy of a real image (rows x columns, finite, at least one positive pixel). Its pixels have a
 * noise of that standard deviation: patches are binned at random and made faint enough for their
 * own noise to stay below 1/3 of the smallest level. gamma_max > 1 undoes a display stretch:
 * pixel^gamma with gamma uniform in [1, gamma_max]. Smaller than the patch, it is mirrored. */
SF_API sf_status sf_patches_add_image(sf_patches *patches, double weight, size_t rows,
                                      size_t columns, const double *pixels, double noise,
                                      double gamma_max);
/* A view for sf_train of what has been added so far; valid while the patches are. */
SF_API sf_patch_source sf_patches_source(sf_patches *patches);

#ifdef __cplusplus
}
#endif
#endif
