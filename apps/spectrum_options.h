/* spectrum_options.h - the command line of sf-spectrum. */
#ifndef SF_APPS_SPECTRUM_OPTIONS_H
#define SF_APPS_SPECTRUM_OPTIONS_H

#include "theory.h"

typedef enum shot_noise { SHOT_NOISE_AUTO, SHOT_NOISE_NONE, SHOT_NOISE_GIVEN } shot_noise;

/* Texts are as they were given, NULL when they were not; numbers are NaN when they were not. */
typedef struct spectrum_options {
    char *input, *other; /* both NULL: the theory alone */
    char *output, *shape_text, *box_text, *bins_text, *multipoles, *assignment_text, *shot_text;
    char *columns, *weights, *plot, *report;
    theory_options theory; /* its spectrum is --theory */
    double k_low, k_high;
    int points, threads;
    int interlace, quiet, force; /* popt wants int */
    size_t axes, shape[SF_GRID_MAX_AXES];
    size_t box_axes;
    double box[SF_GRID_MAX_AXES];
    sf_bins bins;  /* count 0: chosen */
    int fits_axis; /* of the multipoles: 1 is NAXIS1, X; 0 none */
    bool assignment_given;
    sf_assignment assignment;
    shot_noise shot;
    double shot_value;
    char *command;
} spectrum_options;

/* As deblur_options_parse: true to go on. Release in any case. */
bool spectrum_options_parse(int argc, const char **argv, spectrum_options *options,
                            int *exit_status);
void spectrum_options_release(spectrum_options *options);

#endif
