/* deblur_samples.h - gridded samples of an image's Fourier transform, as sf-deblur reads them. */
#ifndef SF_APPS_DEBLUR_SAMPLES_H
#define SF_APPS_DEBLUR_SAMPLES_H

#include "deblur_files.h"
#include "deblur_options.h"

/* With the zero frequency first; the arrays have a plane's shape. */
typedef struct deblur_samples {
    sf_complex *value;    /* NULL: the frame is an image */
    double *mask, *sigma; /* sigma NULL: one for all */
    double noise;
    double *dirty; /* image: what the samples transform to, 0 where there are none */
} deblur_samples;

/* Real and imaginary part of the samples, which are planes of the input, the mask and the noise;
 * *header is the first plane, for its cards. */
sf_status deblur_samples_read(const deblur_options *options, deblur_files *files,
                              deblur_samples *samples, sf_fits **header);
void deblur_samples_release(deblur_samples *samples);

#endif
