/* spectrum_output.h - what sf-spectrum finds and leaves: tables, pictures, report, figures. */
#ifndef SF_APPS_SPECTRUM_OUTPUT_H
#define SF_APPS_SPECTRUM_OUTPUT_H

#include "spectrum_input.h"

/* What is measured, each a table and a picture of its own. */
typedef enum spectrum_part {
    PART_POWER,
    PART_PLANE,
    PART_BISPECTRUM,
    PART_CORRELATION,
    PARTS
} spectrum_part;

typedef struct spectrum_result {
    theory theory; /* without a spectrum when none was given */
    sf_grid grid;  /* axes 0: the theory alone */
    size_t count;  /* bins, or k of a theory's table */
    sf_power_bin *bins;
    double *expected;             /* the theory in each bin; NULL none */
    double *k, *power, *transfer; /* a theory's table; transfer NULL: it has none */
    int64_t *modes;
    double *pseudo, *coupling; /* under a window; NULL none */
    double seen;               /* share of independent modes that the window leaves; 1 without */
    sf_power_bin_2d *plane;    /* k_perp slow, k_par fast; NULL none */
    double *plane_edges;       /* low, high of k_perp, of k_par for each */
    int64_t *plane_modes;
    sf_triangle *triangles; /* NULL none */
    double *triangle_edges; /* low, high of each side */
    size_t triangle_count;
    sf_correlation_bin *correlation; /* NULL none; of a theory alone r and xi */
    double *correlation_expected;    /* the theory in each bin; NULL none */
    sf_assignment assignment;        /* whose window is divided out */
    double shot_noise;
    size_t points[2];   /* of catalogues */
    double chi_squared; /* per bin, of the measured spectrum against the theory */
    double sigma8, growth, growth_rate;
    char k_unit[48], length_unit[32], power_unit[128], bispectrum_unit[128], xi_unit[64];
    double seconds;
} spectrum_result;

/* Whether the outputs could be written: asked before the computation. */
sf_status spectrum_output_check(const spectrum_options *options);
/* All of them or none: where one cannot be written, those before it are removed. */
sf_status spectrum_output_write(const spectrum_options *options, const spectrum_result *r);
void spectrum_output_print(const spectrum_options *options, const spectrum_result *r);

/* ---- tables ---------------------------------------------------------------------------------- */

#define MOST_COLUMNS 13

bool spectrum_part_wanted(const spectrum_options *options, spectrum_part part);
/* "POWER", ... */
const char *spectrum_part_name(spectrum_part part);
/* The part's columns; the number of rows. */
size_t spectrum_columns(const spectrum_options *options, const spectrum_result *r,
                        spectrum_part part, sf_column columns[MOST_COLUMNS], size_t *rows);

/* ---- pictures -------------------------------------------------------------------------------- */

sf_status spectrum_plot(const char *path, const spectrum_options *options, const spectrum_result *r,
                        spectrum_part part);

#endif
