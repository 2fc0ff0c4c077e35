/* spectrum_options.h - the command line of sf-spectrum. */
#ifndef SF_APPS_SPECTRUM_OPTIONS_H
#define SF_APPS_SPECTRUM_OPTIONS_H

#include "box_options.h"
#include "theory.h"

typedef enum shot_noise { SHOT_NOISE_AUTO, SHOT_NOISE_NONE, SHOT_NOISE_GIVEN } shot_noise;

/* Which triangles of shells the bispectrum is of. */
typedef enum triangles {
    TRIANGLES_NONE,
    TRIANGLES_EQUILATERAL,
    TRIANGLES_ALL,
    TRIANGLES_LISTED
} triangles;

#define MOST_TRIANGLES 64 /* in a list */

/* Texts are as they were given, NULL when they were not; numbers are NaN when they were not. */
typedef struct spectrum_options {
    char *input, *other; /* both NULL: the theory alone */
    char *output, *bins_text, *multipoles, *assignment_text, *shot_text;
    char *plane_text, *bispectrum_text, *shells_text, *correlation_text;
    char *k_low_text, *k_high_text;
    char *mask, *window, *columns, *weights, *plot, *report;
    theory_options theory; /* its spectrum is --theory */
    double k_low, k_high;
    int points, threads;
    int interlace, quiet, force; /* popt wants int */
    box_options box;
    sf_bins bins, shells, correlation; /* count 0: chosen; correlation: none */
    int fits_axis;                     /* of the multipoles: 1 is NAXIS1, X; 0 none */
    size_t plane[2];                   /* bins of k_perp and k_par; 0: none */
    triangles triangles;
    double triangle[3 * MOST_TRIANGLES]; /* sides, of a list */
    size_t triangle_count;
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
