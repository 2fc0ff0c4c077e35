/* sample_output.h - what sf-sample leaves: FITS file, picture, report, figures on the terminal. */
#ifndef SF_APPS_SAMPLE_OUTPUT_H
#define SF_APPS_SAMPLE_OUTPUT_H

#include "sample_run.h"

/* Whether the outputs could be written: asked before the computation. */
sf_status sample_output_check(const sample_options *options);
/* All of them or none: where one cannot be written, those before it are removed. */
sf_status sample_output_write(const sample_options *options, const sample_run *run);
void sample_output_print(const sample_options *options, const sample_run *run);
/* sample_plot.c */
sf_status sample_plot_write(const sample_options *options, const sample_run *run);
const char *sample_prior_name(const sample_options *options);

#endif
