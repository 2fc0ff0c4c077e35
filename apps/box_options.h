/* box_options.h - --shape and --box: cells and lengths, axes in C order. */
#ifndef SF_APPS_BOX_OPTIONS_H
#define SF_APPS_BOX_OPTIONS_H

#include <scorefield/grid.h>

/* Texts are as they were given, NULL when they were not. */
typedef struct box_options {
    char *shape_text, *box_text;
    size_t axes, shape[SF_GRID_MAX_AXES]; /* axes 0: not given */
    size_t box_axes;                      /* 0: not given; 1: one length for all axes */
    double box[SF_GRID_MAX_AXES];
} box_options;

/* Reads the texts: PROGRAM_OK or a usage error that has been reported. */
int box_options_read(const char *program, box_options *options);
/* The grid of that shape in the box that was given. */
sf_status box_options_grid(const box_options *options, int axes, const size_t *shape,
                           sf_grid *grid);
void box_options_release(box_options *options);

/* The smallest and the largest fundamental mode, and the coarsest axis' Nyquist frequency; axes of
 * one cell have none. */
typedef struct mode_range {
    double smallest, fundamental, nyquist;
} mode_range;
mode_range box_modes(const sf_grid *grid);

#endif
