/* train_images.h - the images of sf-train: files and folders to train on, to validate with. */
#ifndef SF_APPS_TRAIN_IMAGES_H
#define SF_APPS_TRAIN_IMAGES_H

#include <scorefield.h>

typedef struct train_images {
    const char **path;  /* FITS files, or folders of them; ends with NULL; may be NULL */
    const char *frames; /* observed frames in the same way; NULL none. Their noise is estimated, no
                           stretch is undone */
    double noise;       /* the images' own, in their unit */
    double gamma;       /* largest display stretch to undo */
    double simulated;   /* share of simulated patches, 0 .. 1; without images it is 1 */
} train_images;

/* Patches of simulated scenes and of the images; *count images were found. */
sf_status train_images_patches(const train_images *images, uint64_t seed, double smallest_level,
                               sf_patches **patches, size_t *count);
/* Prints PSNR by noise level (relative to the brightest pixel) for the images of a folder. */
sf_status train_images_validate(const char *folder, double gamma, sf_model *model, uint64_t seed);

#endif
