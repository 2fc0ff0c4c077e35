/* detector_options.h - what sf-deblur is told of the detector: gain, read noise, saturation. */
#ifndef SF_APPS_DETECTOR_OPTIONS_H
#define SF_APPS_DETECTOR_OPTIONS_H

#include <popt.h>
#include <stdbool.h>

typedef struct detector_options {
    char *gain, *read, *ivar, *spectrum; /* as given; NULL: not given */
    double saturation;                   /* NaN: not given */
    int cosmic_rays;                     /* whether to look for them */
} detector_options;

#define DETECTOR_OPTIONS 7

detector_options detector_options_default(void);
/* The table's rows, its end among them, for POPT_ARG_INCLUDE_TABLE. */
void detector_options_table(detector_options *options, struct poptOption table[DETECTOR_OPTIONS]);
/* PROGRAM_OK or a usage error that has been reported. noise: what --noise says, or NULL. */
int detector_options_check(const char *program, const detector_options *options, const char *noise);
/* Whether the noise is that of counts. */
bool detector_counts(const detector_options *options);
void detector_options_release(detector_options *options);

#endif
