/* mock_field.h - the fields of sf-mock, and what is made of them. */
#ifndef SF_APPS_MOCK_FIELD_H
#define SF_APPS_MOCK_FIELD_H

#include "mock_options.h"

typedef struct mock_fields {
    sf_grid grid;
    theory theory;
    size_t count;                   /* fields: one for each sample, or a pair */
    double **value;                 /* either these, */
    float **single;                 /* or these: the grid's size, and room for a transform */
    double *mean;                   /* of the posterior; NULL without data */
    double *positions, *velocities; /* of points or particles; C order of the axes */
    size_t points, negative_cells;
    sf_moments moments; /* of the first field */
    sf_lognormal_report lognormal;
    double strength; /* of the non-Gaussianity */
    sf_constrained_report constrained;
    double low, high; /* levels of noise that a diffusion went between */
    double seconds;
} mock_fields;

/* Makes all of it. A field whose non-Gaussianity is stronger than this is no perturbation. */
#define MOCK_STRENGTH_LIMIT 0.1
sf_status mock_fields_make(const mock_options *options, sf_monitor monitor, mock_fields *m);
void mock_fields_release(mock_fields *m);
double mock_fields_at(const mock_fields *m, size_t field, size_t cell);

#endif
