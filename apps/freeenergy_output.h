/* freeenergy_output.h - what sf-freeenergy leaves: report, picture, figures on the terminal. */
#ifndef SF_APPS_FREEENERGY_OUTPUT_H
#define SF_APPS_FREEENERGY_OUTPUT_H

#include "freeenergy_run.h"

/* Whether all outputs can be written: asked before the measurement. */
sf_status freeenergy_output_check(const freeenergy_options *options);
/* All of them, or none. */
sf_status freeenergy_output_write(const freeenergy_options *options,
                                  const freeenergy_result *result);
void freeenergy_output_print(const freeenergy_options *options, const freeenergy_result *result);
/* As many decimals as the error has up to its second digit. */
int freeenergy_decimals(double error);
/* Of the work. */
const char *freeenergy_unit(const freeenergy_options *options);
/* The ones that --report, --samples and --plot name. */
sf_status freeenergy_report(const freeenergy_options *options, const freeenergy_result *result);
sf_status freeenergy_samples(const freeenergy_options *options, const freeenergy_result *result);
sf_status freeenergy_plot(const freeenergy_options *options, const freeenergy_result *result);

#endif
