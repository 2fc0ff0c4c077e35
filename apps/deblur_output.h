/* deblur_output.h - what sf-deblur leaves: FITS file, picture, report, figures on the terminal. */
#ifndef SF_APPS_DEBLUR_OUTPUT_H
#define SF_APPS_DEBLUR_OUTPUT_H

#include "deblur_posterior.h"

typedef struct deblur_result {
    double *pixels;   /* the reconstruction in cells, sky restored: of samples the mean */
    double *observed; /* the frame in cells */
    double *residual; /* (frame - model)/sigma, NaN where unobserved */
    sf_solver_report solver;
    sf_diagnostics diagnostics;
    double deviance, deviance_expected, deviance_z; /* per pixel, of counts */
    sf_comparison before, after;                    /* against the truth, if there is one */
    sf_diagnostics *each;                           /* of every frame where there are several */
    double **residuals;                             /* of those after the first */
    size_t further;                                 /* how many these are */
    deblur_posterior posterior;                     /* zeroed for other methods */
} deblur_result;

/* What a reader is told of the frame. */
typedef struct deblur_facts {
    sf_grid frame;
    size_t observed;
    size_t upsample;          /* cells along a pixel */
    double noise, background; /* NaN: not one for all */
    double resolution;
    const char *noise_source, *mask_source;
    size_t saturated, rays; /* pixels */
    detector detector;
    bool fourier;              /* frequencies were observed */
    bool deviance, compared;   /* whether there is that in the result */
    const sf_psf *psf;         /* NULL: none */
    size_t psfs;               /* how many there are over the frame */
    const deblur_frame *first; /* of several frames, else NULL */
    size_t tiles, margin;      /* 0: in one piece */
} deblur_facts;

deblur_facts deblur_facts_of(const deblur_frame *frame);
/* Whether the outputs could be written: asked before the computation. */
sf_status deblur_output_check(const deblur_options *options);
/* Figures from the solution on the scene's grid. Release in any case. */
sf_status deblur_result_fill(const deblur_frame *frame, const double *scene, deblur_result *result);
void deblur_result_release(deblur_result *result);
/* All of them or none: where one cannot be written, those before it are removed. */
sf_status deblur_output_write(const deblur_options *options, const deblur_frame *frame,
                              const deblur_result *result);
/* The report alone. */
sf_status deblur_report_write(const deblur_options *options, const deblur_facts *facts,
                              const deblur_result *result);
/* What regularises: as given, or what the method has of its own. */
const char *deblur_prior_name(const deblur_options *options);
/* Of the image added last. */
sf_status deblur_keywords_write(sf_fits_writer *writer, const deblur_options *options,
                                const deblur_facts *facts, const deblur_result *result);
void deblur_output_print(const deblur_options *options, const deblur_facts *facts,
                         const deblur_result *result);

#endif
