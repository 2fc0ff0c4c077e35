/* mock_options.h - the command line of sf-mock. */
#ifndef SF_APPS_MOCK_OPTIONS_H
#define SF_APPS_MOCK_OPTIONS_H

#include "box_options.h"
#include "sampler_options.h"
#include "theory.h"

typedef enum mock_kind {
    MOCK_GAUSSIAN,
    MOCK_LOGNORMAL,
    MOCK_NON_GAUSSIAN, /* local, --fnl */
    MOCK_LANGEVIN,     /* Gaussian, by a Markov chain */
    MOCK_DIFFUSION,    /* Gaussian, by a diffusion run backwards */
    MOCK_CONSTRAINED
} mock_kind;

/* Texts are as they were given, NULL when they were not; numbers are NaN when they were not. */
typedef struct mock_options {
    char *output, *seed_text, *fnl_text, *catalogue_text, *precision, *method, *white;
    char *constrain, *noise, *mask, *displace, *plot, *report, *bunit;
    theory_options theory;
    sampler_options sampler; /* of the diffusion */
    double fnl, catalogue;   /* their texts as numbers */
    int samples, threads;
    int lognormal, fixed, paired, quiet, force; /* popt wants int */
    mock_kind kind;
    bool single;
    int order; /* of the displacements; 0: none */
    uint64_t seed;
    box_options box; /* what was not given is the data's */
    char *command;
} mock_options;

/* As deblur_options_parse: true to go on. Release in any case. */
bool mock_options_parse(int argc, const char **argv, mock_options *options, int *exit_status);
void mock_options_release(mock_options *options);

#endif
