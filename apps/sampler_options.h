/* sampler_options.h - how a diffusion is run backwards, as programs are told it, and what files say
 * of it. */
#ifndef SF_APPS_SAMPLER_OPTIONS_H
#define SF_APPS_SAMPLER_OPTIONS_H

#include <scorefield.h>

#include <popt.h>

/* Texts are as they were given, NULL when they were not. */
typedef struct sampler_options {
    char *predictor, *corrector, *spacing, *levels;
    int steps;
    sf_sample_options sample; /* what they say, over what was there before */
    double low, high;         /* the levels; NaN: not given */
} sampler_options;

/* That predictor, 100 steps, equal in the logarithm of the level. */
sampler_options sampler_options_default(sf_predictor predictor);
/* The table's lines, to be included in a program's. */
#define SAMPLER_OPTIONS 6
void sampler_options_table(sampler_options *options, struct poptOption table[SAMPLER_OPTIONS]);
/* Reads the texts: PROGRAM_OK or a usage error that has been reported. */
int sampler_options_read(const char *program, sampler_options *options);
/* The first option that was given, "--steps"; NULL: none. */
const char *sampler_options_given(const sampler_options *options);
void sampler_options_release(sampler_options *options);

/* What a file's header and a report say of a run between two levels. */
sf_status sampler_keywords(const sf_sample_options *sample, double low, double high,
                           sf_fits_writer *writer);
sf_status sampler_report(const sf_sample_options *sample, double low, double high,
                         sf_report *report);
/* "multistep, 100 steps spaced log-snr, corrector langevin" */
void sampler_text(const sf_sample_options *sample, char *text, size_t size);

#endif
