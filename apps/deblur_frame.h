/* deblur_frame.h - what sf-deblur reads: frame, noise, mask, sky, point spread function, truth. */
#ifndef SF_APPS_DEBLUR_FRAME_H
#define SF_APPS_DEBLUR_FRAME_H

#include "deblur_files.h"
#include "deblur_options.h"
#include "deblur_samples.h"
#include "detector.h"

#include <scorefield.h>

typedef struct deblur_exposures deblur_exposures;

/* An image, or a box of one. */
typedef struct deblur_frame {
    deblur_files *files;
    deblur_box box;
    const sf_frame_part *part;     /* NULL: this is the whole frame */
    sf_fits *frame, *mask, *truth; /* all but the frame may be NULL; the truth is in cells */
    double *bad;                   /* not zero where a pixel is not to be used; NULL: all are */
    double *sigma;                 /* NULL: no map */
    double noise;                  /* the constant; NaN with a map, or counts */
    sf_spectrum *correlation;      /* of the noise; NULL: none */
    detector detector;
    size_t saturated, rays; /* pixels from that level on; pixels that cosmic rays hit */
    double background;
    size_t upsample;                        /* the result's cells along a pixel */
    double resolution;                      /* FWHM in cells that the result keeps; 0: none */
    char noise_source[96], mask_source[64]; /* for the reader */
    double spacing;                         /* of its pixels, in those of the first frame */
    sf_psf *psf;                            /* in cells; NULL: none; of a field the middle one */
    sf_psf_field *field;                    /* of PSFs that vary; NULL: one for all */
    deblur_samples samples;                 /* instead of pixels; of no values: none */
    deblur_exposures *more;                 /* further frames of the scene; NULL: none */
    sf_observation *observation;            /* with them */
} deblur_frame;

/* The frame at another resolution. */
sf_status deblur_frame_observe(deblur_frame *frame, double resolution);
/* The noise of counts as this scene makes expect it, for what uses the local Gaussian form of their
 * law; and the frame observed with it. */
sf_status deblur_frame_expect(deblur_frame *frame, const double *scene);
/* Whether there is a number, a map, or a law of counts; else it is estimated. */
bool deblur_noise_known(const deblur_frame *frame);

/* As given, or from the pixels. */
sf_status deblur_find_sky(const deblur_options *options, const sf_grid *grid, const double *pixels,
                          const double *bad, double *sky);
/* "estimated" or "given" */
const char *deblur_background_source(const deblur_options *options);

/* The box of frame, mask and noise, not yet observed. */
sf_status deblur_frame_read_box(const deblur_options *options, deblur_files *files,
                                const deblur_box *box, deblur_frame *frame);
/* Reads all, and observes at the resolution that was asked for or at the first one to try. */
sf_status deblur_frame_read(const deblur_options *options, deblur_files *files,
                            deblur_frame *frame);
/* The sky of a cell. */
double deblur_frame_sky(const deblur_frame *frame);
/* fine = the frame's pixels, each divided among its cells: what the cells of a flat pixel are. */
void deblur_frame_divide(const deblur_frame *frame, double *fine);
void deblur_frame_release(deblur_frame *frame);

#endif
