/* spectrum_output.h - what sf-spectrum finds and leaves: table, picture, report, figures. */
#ifndef SF_APPS_SPECTRUM_OUTPUT_H
#define SF_APPS_SPECTRUM_OUTPUT_H

#include "spectrum_input.h"

typedef struct spectrum_result {
    theory theory; /* without a spectrum when none was given */
    sf_grid grid;  /* axes 0: the theory alone */
    size_t count;  /* bins, or k of a theory's table */
    sf_power_bin *bins;
    double *expected;             /* the theory in each bin; NULL none */
    double *k, *power, *transfer; /* a theory's table; transfer NULL: it has none */
    int64_t *modes;
    double shot_noise;
    size_t points[2];   /* of catalogues */
    double chi_squared; /* per bin, of the measured spectrum against the theory */
    double sigma8, growth, growth_rate;
    char k_unit[48], power_unit[128];
    double seconds;
} spectrum_result;

/* Whether the outputs could be written: asked before the computation. */
sf_status spectrum_output_check(const spectrum_options *options);
/* All of them or none: where one cannot be written, those before it are removed. */
sf_status spectrum_output_write(const spectrum_options *options, const spectrum_result *r);
void spectrum_output_print(const spectrum_options *options, const spectrum_result *r);
/* The picture alone. */
sf_status spectrum_plot(const spectrum_options *options, const spectrum_result *r);

#endif
