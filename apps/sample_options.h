/* sample_options.h - the command line of sf-sample. */
#ifndef SF_APPS_SAMPLE_OPTIONS_H
#define SF_APPS_SAMPLE_OPTIONS_H

#include "box_options.h"
#include "sampler_options.h"
#include "theory.h"

typedef enum sample_kind { SAMPLE_NETWORK, SAMPLE_FIELD, SAMPLE_MIXTURE } sample_kind;

/* Texts are as they were given, NULL when they were not; numbers are NaN when they were not. */
typedef struct sample_options {
    char *output, *prior, *condition, *guidance_text, *known, *sum_text, *given, *seed_text,
        *checkpoint, *plot, *report;
    theory_options theory; /* spectrum: what follows "field:" */
    sampler_options sampler;
    box_options box;
    double sum, guidance;
    int samples, probes, threads;
    int log_likelihood, bf16, quiet, force; /* popt wants int */
    sample_kind kind;
    const char *file; /* of the network or the mixture; NULL: built in */
    uint64_t seed;
    char *command;
} sample_options;

/* As deblur_options_parse: true to go on. Release in any case. */
bool sample_options_parse(int argc, const char **argv, sample_options *options, int *exit_status);
void sample_options_release(sample_options *options);

#endif
