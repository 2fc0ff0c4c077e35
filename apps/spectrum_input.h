/* spectrum_input.h - what sf-spectrum measures: fields, or catalogues put on a grid. */
#ifndef SF_APPS_SPECTRUM_INPUT_H
#define SF_APPS_SPECTRUM_INPUT_H

#include "spectrum_options.h"

/* One field on the grid, with room for a transform. */
typedef struct spectrum_field {
    bool catalogue;
    double *value;      /* this, */
    float *single;      /* or this */
    double *interlaced; /* NULL without */
    size_t points;      /* of a catalogue */
    double shot_noise;  /* V sum w^2 / (sum w)^2; 0 of a field */
} spectrum_field;

typedef struct spectrum_input {
    sf_grid grid;
    spectrum_field field, other; /* other: neither value nor single without one */
    double *window;              /* weights of the cells; NULL: all are observed */
    char length[32], value[32];  /* units; "" none */
} spectrum_input;

bool spectrum_field_exists(const spectrum_field *field);
sf_status spectrum_input_read(const spectrum_options *options, spectrum_input *input);
void spectrum_input_release(spectrum_input *input);

#endif
