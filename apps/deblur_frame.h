/* deblur_frame.h - what sf-deblur reads: frame, noise, mask, sky, point spread function, truth. */
#ifndef SF_APPS_DEBLUR_FRAME_H
#define SF_APPS_DEBLUR_FRAME_H

#include "deblur_options.h"

#include <scorefield.h>

typedef struct deblur_frame {
    sf_fits *frame, *sigma, *mask, *truth; /* all but the frame may be NULL */
    double *bad;                           /* the mask's bits that count; NULL: all do */
    double noise;                          /* the constant; NaN with a map */
    double background;
    double resolution; /* FWHM in pixels that the result keeps; 0: none */
    char noise_source[64], mask_source[64], background_source[16]; /* for the reader */
    sf_psf *psf;                                                   /* NULL: none */
    sf_observation *observation;
} deblur_frame;

/* The frame at another resolution. */
sf_status deblur_frame_observe(deblur_frame *frame, double resolution);
/* Reads all, and observes at the resolution that was asked for or at the first one to try. */
sf_status deblur_frame_read(const deblur_options *options, deblur_frame *frame);
void deblur_frame_release(deblur_frame *frame);

#endif
