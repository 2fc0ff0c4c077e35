/* deblur_sample.h - the pixels from which a frame's noise, sky and range are told. */
#ifndef SF_APPS_DEBLUR_SAMPLE_H
#define SF_APPS_DEBLUR_SAMPLE_H

#include "deblur_frame.h"

/* What is decided for a plane before its tiles are solved, all of it numbers. */
typedef struct deblur_decision {
    double noise; /* the constant; NaN with a map, or counts */
    double sky, resolution;
    sf_frame_summary summary;
    double noise_excess, strength, iterations; /* of the solver; NaN: free */
} deblur_decision;

/* Noise, sky and summary of a plane: from all of its pixels up to 2^24; of larger ones from 64
 * boxes that are spread evenly, 2^24 pixels in all, which tell the noise to a thousandth. */
sf_status deblur_sample_plane(const deblur_options *options, deblur_files *files, size_t plane,
                              deblur_decision *decision);

#endif
