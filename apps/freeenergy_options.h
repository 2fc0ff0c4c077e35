/* freeenergy_options.h - the command line of sf-freeenergy. */
#ifndef SF_APPS_FREEENERGY_OPTIONS_H
#define SF_APPS_FREEENERGY_OPTIONS_H

#include <scorefield.h>

/* Texts are as they were given, NULL when they were not; numbers are NaN or NOT_GIVEN when they
 * were not. */
typedef struct freeenergy_options {
    char *target, *library, *work, *unit_text; /* what is asked: one of the first three */
    char *report, *samples, *plot, *checkpoint;
    char *seed_text;
    double temperature;
    int threads;
    int quiet, force, strict; /* popt wants int */
    char *forward, *reverse;  /* of --work; reverse NULL: one direction */
    sf_work_unit unit;
    uint64_t seed;
    char *command;
} freeenergy_options;

/* As deblur_options_parse: true to go on. Release in any case. */
bool freeenergy_options_parse(int argc, const char **argv, freeenergy_options *options,
                              int *exit_status);
void freeenergy_options_release(freeenergy_options *options);

#endif
