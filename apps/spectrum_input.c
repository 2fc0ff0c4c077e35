/* spectrum_input.c - what sf-spectrum measures: fields, or catalogues put on a grid. */
#include "spectrum_input.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- fields ---------------------------------------------------------------------------------- */

static sf_status field_grid(const spectrum_options *o, const char *path, const sf_fits *fits,
                            sf_grid *grid)
{
    const sf_grid *own = sf_fits_grid(fits);
    sf_status status;

    if (o->box.shape_text != NULL || o->columns != NULL || o->weights != NULL)
        return sf_fail(SF_ERR_ARGUMENT,
                       "%s is a field: --shape, --columns and --weights are for catalogues", path);
    if (o->interlace)
        return sf_fail(SF_ERR_ARGUMENT, "%s is a field: --interlace is for catalogues", path);
    if (o->box.box_axes > 0) return box_options_grid(&o->box, own->axes, own->shape, grid);
    status = sf_fits_box(fits, grid);
    if (status != SF_OK) status = sf_fail(status, "%s: %s; give --box", path, sf_last_error());
    return status;
}

static bool is_masked(const spectrum_options *o) { return o->mask != NULL || o->window != NULL; }

static sf_status read_field(const spectrum_options *o, const char *path, sf_fits *fits,
                            spectrum_input *in, spectrum_field *field)
{
    sf_grid grid;
    char own[96], first[96];
    sf_status status;

    GO(field_grid(o, path, fits, &grid));
    if (in->grid.axes == 0) in->grid = grid;
    if (!sf_grid_same_shape(&grid, &in->grid))
        return sf_fail(SF_ERR_SHAPE, "%s is %s but %s is %s", path,
                       sf_grid_text(&grid, own, sizeof own), o->input,
                       sf_grid_text(&in->grid, first, sizeof first));
    for (int i = 0; i < grid.axes; i++)
        if (fabs(grid.spacing[i] / in->grid.spacing[i] - 1.0) > 1e-6)
            return sf_fail(SF_ERR_SHAPE, "the cells of %s are %g long and those of %s %g", path,
                           grid.spacing[i], o->input, in->grid.spacing[i]);
    if (sf_fits_undefined(fits) > 0 && !is_masked(o))
        return sf_fail(SF_ERR_NUMERIC,
                       "%s has cells without a value, %zu in number: leave them out by --mask nan, "
                       "or fill them first by sf-mock --constrain",
                       path, sf_fits_undefined(fits));
    (void)sf_fits_get_string(fits, "CUNIT1", in->length, sizeof in->length);
    (void)sf_fits_get_string(fits, "BUNIT", in->value, sizeof in->value);
    field->value = sf_fits_take_pixels(fits);
    field->single = sf_fits_take_pixels_single(fits);
done:
    return status;
}

/* Multiplies the window by an image of weights, or by 0 where a mask is not 0. */
static sf_status apply_image(const char *path, bool mask, spectrum_input *in)
{
    const size_t size = sf_grid_size(&in->grid);
    char own[96], wanted[96];
    sf_fits *fits = NULL;
    const double *pixels;
    sf_status status;

    GO(sf_fits_read(path, &fits));
    if (!sf_grid_same_shape(sf_fits_grid(fits), &in->grid))
        GO(sf_fail(SF_ERR_SHAPE, "%s is %s but the field %s", path,
                   sf_grid_text(sf_fits_grid(fits), own, sizeof own),
                   sf_grid_text(&in->grid, wanted, sizeof wanted)));
    pixels = sf_fits_pixels(fits);
    for (size_t i = 0; i < size; i++)
        in->window[i] *= !mask ? pixels[i] : pixels[i] == 0.0 ? 1.0 : 0.0; /* NaN is not 0 */
done:
    sf_fits_release(&fits);
    return status;
}

/* Weights from the mask, the window, and the field's own cells without a value. */
static sf_status read_window(const spectrum_options *o, spectrum_input *in)
{
    const size_t size = sf_grid_size(&in->grid);
    sf_status status = SF_OK;

    if (!is_masked(o)) return SF_OK;
    if (in->field.catalogue)
        return sf_fail(SF_ERR_ARGUMENT, "%s is a catalogue: --mask and --window are for fields",
                       o->input);
    GO(sf_allocate(&in->window, size, sizeof *in->window));
    for (size_t i = 0; i < size; i++) in->window[i] = isnan(in->field.value[i]) ? 0.0 : 1.0;
    if (o->window != NULL) GO(apply_image(o->window, false, in));
    if (o->mask != NULL && strcmp(o->mask, "nan") != 0) status = apply_image(o->mask, true, in);
done:
    return status;
}

/* ---- catalogues ------------------------------------------------------------------------------ */

/* The next name of a list; false at its end. */
static bool next_name(const char **list, char name[80])
{
    const size_t length = strcspn(*list, ",");

    if (length == 0 || length >= 80) return false;
    memcpy(name, *list, length);
    name[length] = '\0';
    *list += length + ((*list)[length] == ',');
    return true;
}

static sf_status read_column(const char *path, const sf_table *table, const char *name,
                             double **values, size_t *column)
{
    if (sf_table_find(table, name, column)) return sf_table_column(table, *column, values, NULL);
    return sf_fail(SF_ERR_ARGUMENT,
                   "%s: the table has no column %s; name the right ones with "
                   "--columns and --weights",
                   path, name);
}

/* Cells and box: what was given, or what sf-mock writes. */
static sf_status catalogue_grid(const spectrum_options *o, const char *path, const sf_table *table,
                                sf_grid *grid)
{
    const sf_fits *header = sf_table_header(table);
    size_t shape[SF_GRID_MAX_AXES];
    double spacing[SF_GRID_MAX_AXES], value;
    char keyword[32];
    int axes = (int)o->box.axes;

    while (o->box.axes == 0 && axes < SF_GRID_MAX_AXES) {
        (void)snprintf(keyword, sizeof keyword, "CELLS%d", axes + 1);
        if (!sf_fits_get_double(header, keyword, &value)) break;
        axes++;
    }
    if (axes == 0)
        return sf_fail(SF_ERR_ARGUMENT,
                       "%s is a catalogue: say on how many cells to put it, "
                       "--shape 256,256,256",
                       path);
    for (int i = 0; i < axes; i++) {
        (void)snprintf(keyword, sizeof keyword, "CELLS%d", axes - i);
        if (o->box.axes > 0)
            shape[i] = o->box.shape[i];
        else if (sf_fits_get_double(header, keyword, &value) && value >= 1.0 && value < 0x1p53)
            shape[i] = (size_t)value;
        else
            return sf_fail(SF_ERR_FORMAT, "%s: %s is no number of cells", path, keyword);
    }
    if (o->box.box_axes > 0) return box_options_grid(&o->box, axes, shape, grid);
    for (int i = 0; i < axes; i++) {
        (void)snprintf(keyword, sizeof keyword, "BOX%d", axes - i);
        if (!sf_fits_get_double(header, keyword, &value) || !(value > 0.0))
            return sf_fail(SF_ERR_ARGUMENT,
                           "%s: the header does not say how large the box is (%s); "
                           "give --box",
                           path, keyword);
        spacing[i] = value / (double)shape[i];
    }
    return sf_grid_make(axes, shape, spacing, grid);
}

/* rows x axes positions; the columns are named from the grid's last axis on. */
static sf_status read_positions(const spectrum_options *o, const char *path, const sf_table *table,
                                spectrum_input *in, double **positions)
{
    const char *list = o->columns != NULL ? o->columns : "X,Y,Z,W";
    const size_t rows = sf_table_rows(table), axes = (size_t)in->grid.axes;
    double *values = NULL;
    char name[80];
    sf_status status;

    GO(sf_allocate(positions, rows, axes * sizeof **positions));
    for (size_t n = 0; n < axes; n++) {
        size_t column = 0;
        if (!next_name(&list, name))
            return sf_fail(SF_ERR_ARGUMENT, "--columns %s does not name %zu columns", o->columns,
                           axes);
        GO(read_column(path, table, name, &values, &column));
        if (n == 0)
            (void)snprintf(in->length, sizeof in->length, "%s", sf_table_unit(table, column));
        for (size_t i = 0; i < rows; i++) (*positions)[i * axes + axes - 1 - n] = values[i];
        sf_free(values);
        values = NULL;
    }
    if (o->columns != NULL && *list != '\0')
        status =
            sf_fail(SF_ERR_ARGUMENT, "--columns %s names more than %zu columns", o->columns, axes);
done:
    sf_free(values);
    return status;
}

static sf_status check_memory(const spectrum_options *o, const spectrum_input *in)
{
    const double grids = (o->interlace ? 2.0 : 1.0) * (o->other != NULL ? 2.0 : 1.0);
    double bytes = grids * sizeof(double);
    char what[160];

    if (o->box.shape_text == NULL) return SF_OK;
    for (int i = 0; i < in->grid.axes; i++) bytes *= (double)in->grid.shape[i];
    (void)snprintf(what, sizeof what, "--shape %.100s", o->box.shape_text);
    return program_check_memory(what, bytes);
}

static double shot_noise_of(const sf_grid *grid, const double *weights, size_t count)
{
    double sum = 0.0, squares = 0.0;

    if (weights == NULL) return sf_grid_volume(grid) / (double)count;
    for (size_t i = 0; i < count; i++) {
        sum += weights[i];
        squares += weights[i] * weights[i];
    }
    return sf_grid_volume(grid) * squares / (sum * sum);
}

static sf_status assign(const spectrum_options *o, const sf_grid *grid, const double *positions,
                        const double *weights, spectrum_field *field)
{
    const sf_assignment how = o->assignment_given ? o->assignment : SF_ASSIGN_CIC;
    const size_t room = sf_fft_buffer_size(grid);
    sf_status status;

    GO(sf_allocate(&field->value, room, sizeof *field->value));
    GO(sf_assign(grid, positions, weights, field->points, how, 0.0, field->value));
    field->shot_noise = shot_noise_of(grid, weights, field->points);
    if (!o->interlace) return SF_OK;
    GO(sf_allocate(&field->interlaced, room, sizeof *field->interlaced));
    status = sf_assign(grid, positions, weights, field->points, how, 0.5, field->interlaced);
done:
    return status;
}

/* The bispectrum would carry the window of the assignment and the shot noise. */
static sf_status check_catalogue(const spectrum_options *o, const char *path)
{
    if (o->triangles != TRIANGLES_NONE)
        return sf_fail(SF_ERR_ARGUMENT, "%s is a catalogue: --bispectrum is for fields", path);
    if (o->assignment_given && o->assignment == SF_ASSIGN_NONE)
        return sf_fail(SF_ERR_ARGUMENT,
                       "%s is a catalogue: --assignment is one of ngp, cic, tsc, pcs", path);
    return SF_OK;
}

static sf_status read_catalogue(const spectrum_options *o, const char *path, const sf_table *table,
                                spectrum_input *in, spectrum_field *field)
{
    double *positions = NULL, *weights = NULL;
    sf_status status = SF_OK;
    size_t column;

    field->catalogue = true;
    field->points = sf_table_rows(table);
    if (field->points == 0) return sf_fail(SF_ERR_ARGUMENT, "%s: the table has no rows", path);
    GO(check_catalogue(o, path));
    if (in->grid.axes == 0) GO(catalogue_grid(o, path, table, &in->grid));
    GO(check_memory(o, in));
    GO(read_positions(o, path, table, in, &positions));
    if (o->weights != NULL) GO(read_column(path, table, o->weights, &weights, &column));
    status = assign(o, &in->grid, positions, weights, field);
done:
    sf_free(positions);
    sf_free(weights);
    return status;
}

/* ---- both ------------------------------------------------------------------------------------ */

/* What works on doubles alone. */
static bool needs_double(const spectrum_options *o)
{
    return is_masked(o) || o->triangles != TRIANGLES_NONE || o->correlation.count > 0;
}

/* An image where there is one, else a table. */
static sf_status read_one(const spectrum_options *o, const char *path, spectrum_input *in,
                          spectrum_field *field)
{
    sf_fits *fits = NULL;
    sf_table *table = NULL;
    sf_status status =
        needs_double(o) ? sf_fits_read(path, &fits) : sf_fits_read_stored(path, &fits);

    if (status == SF_OK) {
        status = read_field(o, path, fits, in, field);
    } else if (status == SF_ERR_FORMAT) { /* the image's sentence says why, if it is no table */
        char sentence[512];
        (void)snprintf(sentence, sizeof sentence, "%s", sf_last_error());
        status = sf_table_open(path, &table);
        if (status == SF_OK)
            status = read_catalogue(o, path, table, in, field);
        else
            status = sf_fail(status, "%s", sentence);
    }
    sf_fits_release(&fits);
    sf_table_release(&table);
    return status;
}

bool spectrum_field_exists(const spectrum_field *field)
{
    return field->value != NULL || field->single != NULL;
}

sf_status spectrum_input_read(const spectrum_options *o, spectrum_input *in)
{
    sf_status status;

    memset(in, 0, sizeof *in);
    GO(read_one(o, o->input, in, &in->field));
    GO(read_window(o, in));
    if (o->other != NULL) {
        GO(read_one(o, o->other, in, &in->other));
        if (in->other.catalogue != in->field.catalogue)
            status = sf_fail(SF_ERR_ARGUMENT,
                             "%s and %s are a field and a catalogue: cross spectra need two of one "
                             "kind",
                             o->input, o->other);
    }
done:
    return status;
}

void spectrum_input_release(spectrum_input *in)
{
    sf_free(in->field.value);
    sf_free(in->field.single);
    sf_free(in->field.interlaced);
    sf_free(in->other.value);
    sf_free(in->other.single);
    sf_free(in->other.interlaced);
    sf_free(in->window);
}
