/* box_options.c - --shape and --box: cells and lengths, axes in C order. */
#include "box_options.h"
#include "program.h"

#include <math.h>
#include <stdlib.h>

static int read_shape(const char *program, box_options *o)
{
    if (o->shape_text == NULL ||
        program_parse_sizes(o->shape_text, SF_GRID_MAX_AXES, o->shape, &o->axes))
        return PROGRAM_OK;
    return program_usage(program,
                         "--shape %s is not a list of 1 to %d whole numbers above zero, each below "
                         "2^64",
                         o->shape_text, SF_GRID_MAX_AXES);
}

int box_options_read(const char *program, box_options *o)
{
    const int code = read_shape(program, o);

    if (code != PROGRAM_OK || o->box_text == NULL) return code;
    if (!program_parse_numbers(o->box_text, SF_GRID_MAX_AXES, o->box, &o->box_axes))
        return program_usage(program, "--box %s is not a length, or a list of one for each axis",
                             o->box_text);
    for (size_t i = 0; i < o->box_axes; i++)
        if (!(o->box[i] > 0.0))
            return program_usage(program, "--box %s: a box has no length of %g", o->box_text,
                                 o->box[i]);
    if (o->axes > 0 && o->box_axes > 1 && o->box_axes != o->axes)
        return program_usage(program, "--box %s has %zu lengths, but --shape %s has %zu axes",
                             o->box_text, o->box_axes, o->shape_text, o->axes);
    return PROGRAM_OK;
}

sf_status box_options_grid(const box_options *o, int axes, const size_t *shape, sf_grid *grid)
{
    double spacing[SF_GRID_MAX_AXES];

    if (o->box_axes > 1 && o->box_axes != (size_t)axes)
        return sf_fail(SF_ERR_SHAPE, "--box %s has %zu lengths, but there are %d axes", o->box_text,
                       o->box_axes, axes);
    for (int i = 0; i < axes; i++) spacing[i] = o->box[o->box_axes > 1 ? i : 0] / (double)shape[i];
    return sf_grid_make(axes, shape, spacing, grid);
}

void box_options_release(box_options *o)
{
    free(o->shape_text);
    free(o->box_text);
}

mode_range box_modes(const sf_grid *grid)
{
    mode_range m = {.smallest = HUGE_VAL, .nyquist = HUGE_VAL};

    for (int i = 0; i < grid->axes; i++) {
        const double spacing = grid->spacing[i];
        const double step = 2.0 * M_PI / (spacing * (double)grid->shape[i]);
        if (grid->shape[i] == 1) continue;
        m.smallest = fmin(m.smallest, step);
        m.fundamental = fmax(m.fundamental, step);
        m.nyquist = fmin(m.nyquist, M_PI / spacing);
    }
    return m;
}
