/* deblur_options.h - the command line of sf-deblur. */
#ifndef SF_APPS_DEBLUR_OPTIONS_H
#define SF_APPS_DEBLUR_OPTIONS_H

#include "detector_options.h"

#include <scorefield/inverse.h>

#include <stdbool.h>
#include <stdint.h>

typedef enum deblur_method {
    DEBLUR_PNP,
    DEBLUR_HQS,
    DEBLUR_TV,
    DEBLUR_WIENER,
    DEBLUR_MAP,
    DEBLUR_RL,
    DEBLUR_DENOISE,
    DEBLUR_POSTERIOR
} deblur_method;

/* How samples of the posterior are drawn. */
typedef enum deblur_sampler { DEBLUR_GIBBS, DEBLUR_LANGEVIN, DEBLUR_DIFFUSION } deblur_sampler;

/* Texts are as they were given, NULL when they were not; numbers are NaN (integers INT_MIN) when
 * they were not, so that the library's own defaults hold. */
typedef struct deblur_options {
    char *input, *output, *psf, *method_name, *prior, *noise, *mask, *background, *schedule;
    char *truth, *plot, *report, *network, *psf_centre, *mask_bits;
    char *sampler_name, *likelihood_name, *checkpoint, *memory_text, *sampling;
    size_t
        frames; /* input is the first of inputs, and psf, noise and mask the first that is given: */
    char **inputs, **psfs, **noises, **masks, **shifts; /* ended by NULL; NULL: none */
    size_t shift_count;
    double *shift; /* columns and rows of all frames after the first */
    int positive, quiet, force, inspect, bf16, centred; /* popt wants int */
    int iterations, threads, seed, samples, steps, upsample, psf_sampling, tile;
    double tolerance, penalty, strength, resolution;
    double schedule_from, schedule_to;
    double memory;     /* bytes for a frame in one piece */
    uint64_t bad_bits; /* of the mask; of use with mask_bits */
    detector_options detector;
    deblur_method method;
    deblur_sampler sampler;
    sf_likelihood likelihood; /* of the diffusion */
    char *command;            /* the command line again, for the history */
} deblur_options;

#define DEBLUR_MOST_UPSAMPLE 8

/* Whether the prior is a Gaussian field: field:SPECTRUM. */
bool deblur_prior_is_field(const deblur_options *options);
/* Whether it is the convex ridge that is built in. */
bool deblur_prior_is_ridge(const deblur_options *options);
/* Whether the method's prior is a network. */
bool deblur_uses_network(const deblur_options *options);
/* A result with hollows deeper than this, in units of the noise below the frame's lowest pixel, is
 * ringed. */
#define DEBLUR_DEEPEST_HOLLOW 5.0
/* FWHM in pixels to begin with: where none was given, the first of two with a network as prior, 0
 * with other methods. */
double deblur_first_resolution(const deblur_options *options);
/* The second one, for results with hollows in them; false where there is none. */
bool deblur_next_resolution(const deblur_options *options, double *resolution);

/* Fills the options. True to go on; else the program ends with *exit_status (after --help,
 * --version or a usage error, which has been reported). Release in any case. */
bool deblur_options_parse(int argc, const char **argv, deblur_options *options, int *exit_status);
void deblur_options_release(deblur_options *options);

#endif
