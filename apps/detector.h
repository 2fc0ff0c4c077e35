/* detector.h - gain and read noise of a frame, from the command line or its header. */
#ifndef SF_APPS_DETECTOR_H
#define SF_APPS_DETECTOR_H

#include "detector_options.h"

#include <scorefield/inverse.h>
#include <scorefield/io.h>

typedef struct detector {
    double gain;     /* counts for a unit of pixel value; 0: the noise is not that of counts */
    double read;     /* in pixel values */
    char source[64]; /* for the reader */
} detector;

sf_status detector_read(const detector_options *options, const sf_fits *frame, detector *detector);
/* bad = 1 at pixels from the level on and at the eight around each, else as it was; *count of those
 * from the level on. */
void detector_saturated(const sf_grid *frame, const double *pixels, double level, double *bad,
                        size_t *count);

/* bad = 1 where a cosmic ray hit, else as it was; *count of those. sigma NULL: the noise is
 * constant.
 */
sf_status detector_cosmic_rays(const detector *detector, const sf_fits *frame, const double *sigma,
                               double noise, const sf_psf *psf, double *bad, size_t *count);

#endif
