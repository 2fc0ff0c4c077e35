/* deblur_psf.c - the point spread function that the command line names, in the result's cells. */
#include "deblur_psf.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sf_status parse_centre(const char *text, sf_psf_centre *centre)
{
    static const char *const words[] = {
        [SF_PSF_CENTROID] = "centroid", [SF_PSF_PEAK] = "peak", [SF_PSF_DECLARED] = "declared"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) != 0) continue;
        *centre = (sf_psf_centre)i;
        return SF_OK;
    }
    return sf_fail(SF_ERR_ARGUMENT, "--psf-centre %s is none of centroid, peak, declared", text);
}

/* The same profile with widths in cells. */
static sf_status parse_profile(const char *text, size_t upsample, sf_psf **psf)
{
    const char *number = strchr(text, ':') + 1;
    char *rest, scaled[128];
    const double fwhm = strtod(number, &rest);
    sf_status status = sf_psf_parse(text, psf);

    if (status != SF_OK || upsample == 1) return status;
    sf_psf_release(psf);
    (void)snprintf(scaled, sizeof scaled, "%.*s%.17g%s", (int)(number - text), text,
                   fwhm * (double)upsample, rest);
    return sf_psf_parse(scaled, psf);
}

/* A profile, whose wings may be cut at the frame's size. */
static sf_status make_psf(const char *text, const sf_grid *fine, size_t upsample, sf_psf **psf)
{
    sf_psf *whole = NULL;
    sf_status status;

    GO(parse_profile(text, upsample, &whole));
    status = sf_psf_cut(whole, fine, psf);
done:
    sf_psf_release(&whole);
    return status;
}

static bool is_profile(const char *text)
{
    static const char *const profiles[] = {"gaussian:", "moffat:", "airy:"};

    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        if (strncmp(text, profiles[i], strlen(profiles[i])) == 0) return true;
    return false;
}

static sf_status read_options(const deblur_options *o, sf_psf_options *how)
{
    *how = sf_psf_options_default();
    return o->psf_centre != NULL ? parse_centre(o->psf_centre, &how->centre) : SF_OK;
}

/* How much of sample `at` is in cell `cell`, which is `ratio` of them wide; both counted from the
 * centre on. */
static double share(double at, double cell, double ratio)
{
    const double first = fmax(at - 0.5, (cell - 0.5) * ratio);
    const double end = fmin(at + 0.5, (cell + 0.5) * ratio);

    return fmax(end - first, 0.0);
}

sf_status deblur_psf_bin(sf_psf *fine, size_t ratio, sf_psf **psf)
{
    const sf_psf_options how = {.centre = SF_PSF_DECLARED, .pedestal = 0.0};
    const size_t *shape = sf_psf_grid(fine)->shape;
    const long step = (long)ratio, half[2] = {(long)shape[0] / 2, (long)shape[1] / 2};
    const long cells[2] = {half[0] / step + 1, half[1] / step + 1}; /* on each side */
    const size_t rows = 2 * (size_t)cells[0] + 1, columns = 2 * (size_t)cells[1] + 1;
    double *sum = NULL;
    sf_grid grid;
    sf_status status;

    *psf = NULL;
    if (ratio == 1) {
        *psf = sf_psf_retain(fine);
        return SF_OK;
    }
    GO(sf_grid_image(rows, columns, &grid));
    GO(sf_allocate(&sum, rows * columns, sizeof *sum));
    for (size_t i = 0; i < shape[0] * shape[1]; i++) {
        const long y = (long)(i / shape[1]) - half[0], x = (long)(i % shape[1]) - half[1];
        for (long v = y / step - 1; v <= y / step + 1; v++)
            for (long u = x / step - 1; u <= x / step + 1; u++) {
                const double part = share((double)y, (double)v, (double)ratio) *
                                    share((double)x, (double)u, (double)ratio);
                if (part > 0.0)
                    sum[(size_t)(v + cells[0]) * columns + (size_t)(u + cells[1])] +=
                        part * sf_psf_pixels(fine)[i];
            }
    }
    status = sf_psf_from_pixels(&grid, sum, &how, psf);
done:
    sf_free(sum);
    return status;
}

/* From an image's samples to cells. */
static sf_status resample(const deblur_options *o, sf_psf *image, sf_psf **psf)
{
    const int sampling = o->psf_sampling > 0 ? o->psf_sampling : o->upsample;

    if (sampling % o->upsample == 0)
        return deblur_psf_bin(image, (size_t)(sampling / o->upsample), psf);
    return sf_fail(SF_ERR_ARGUMENT,
                   "%s has %d samples a pixel, which make no whole number for each of %d cells: "
                   "give a PSF of %d samples a pixel or a multiple of that",
                   o->psf, sampling, o->upsample, o->upsample);
}

/* An image of the file, or plane `plane` of a cube. */
static sf_status read_image(const deblur_options *o, sf_fits_file *file, size_t plane,
                            const sf_psf_options *how, sf_psf **psf)
{
    const sf_grid *grid = sf_fits_grid(sf_fits_file_header(file));
    const bool cube = grid->axes == 3;
    const size_t first[SF_GRID_MAX_AXES] = {cube ? plane : 0, 0, 0, 0};
    size_t shape[SF_GRID_MAX_AXES];
    sf_fits *fits = NULL;
    sf_psf *image = NULL;
    sf_status status;

    memcpy(shape, grid->shape, sizeof shape);
    if (cube) shape[0] = 1;
    GO(sf_fits_file_read(file, first, shape, &fits));
    GO(sf_psf_from_pixels(sf_fits_grid(fits), sf_fits_pixels(fits), how, &image));
    status = resample(o, image, psf);
done:
    sf_psf_release(&image);
    sf_fits_release(&fits);
    return status;
}

/* How many images of PSFs the file holds. */
static size_t images_of(sf_fits_file *file)
{
    const sf_grid *grid = sf_fits_grid(sf_fits_file_header(file));

    return grid->axes == 3 ? grid->shape[0] : 1;
}

sf_status deblur_psf_read(const deblur_options *o, deblur_files *files, size_t plane, sf_psf **psf)
{
    const size_t upsample = (size_t)o->upsample;
    sf_psf_options how;
    sf_fits_file *file;
    sf_grid frame, fine;
    sf_status status;

    *psf = NULL;
    if (o->psf == NULL) return SF_OK;
    GO(read_options(o, &how));
    if (is_profile(o->psf)) {
        if (o->psf_centre != NULL)
            return sf_fail(SF_ERR_ARGUMENT,
                           "--psf-centre is for images: %s has its centre in the middle; leave it "
                           "out",
                           o->psf);
        if (o->psf_sampling > 0)
            return sf_fail(SF_ERR_ARGUMENT,
                           "--psf-sampling is for images: %s has none; leave it out", o->psf);
        GO(deblur_files_plane(files, &frame));
        GO(sf_grid_image(upsample * frame.shape[0], upsample * frame.shape[1], &fine));
        return make_psf(o->psf, &fine, upsample, psf);
    }
    GO(deblur_files_find(files, o->psf, &file));
    if (images_of(file) > 1 && files->frame.axes == 3 && images_of(file) != files->frame.shape[0])
        return sf_fail(SF_ERR_SHAPE, "%s holds %zu PSFs but the frame %zu planes", o->psf,
                       images_of(file), files->frame.shape[0]);
    status = read_image(o, file, images_of(file) > 1 ? plane : 0, &how, psf);
done:
    return status;
}

/* ---- PSFs that vary over the frame ----------------------------------------------------------- */

/* A column of the table beside the images, one number for each of them. */
static sf_status read_column(const sf_table *table, const char *path, const char *name,
                             size_t count, double **values)
{
    size_t column;
    sf_status status;

    if (!sf_table_find(table, name, &column) || sf_table_rows(table) != count)
        return sf_fail(SF_ERR_FORMAT,
                       "%s holds %zu PSFs and a table of %zu rows: their positions must stand in "
                       "columns X and Y, one row for each PSF",
                       path, count, sf_table_rows(table));
    GO(sf_table_column(table, column, values, NULL));
    for (size_t i = 0; i < count; i++) (*values)[i] -= 1.0; /* FITS counts from 1 */
done:
    return status;
}

/* The file's first table, whatever HDU the images are in. */
static sf_status open_table(const char *path, sf_table **table)
{
    char *file = strdup(path), *bracket;
    sf_status status;

    if (file == NULL) return sf_fail(SF_ERR_MEMORY, "%s: no memory for its name", path);
    bracket = strrchr(file, '[');
    if (bracket != NULL && bracket != file && file[strlen(file) - 1] == ']') *bracket = '\0';
    status = sf_table_open(file, table);
    free(file);
    return status;
}

static sf_status read_images(const deblur_options *o, sf_fits_file *file, const sf_psf_options *how,
                             size_t count, sf_psf **psf)
{
    sf_status status = SF_OK;

    for (size_t i = 0; i < count; i++) GO(read_image(o, file, i, how, &psf[i]));
done:
    return status;
}

bool deblur_psf_varies(const deblur_options *o, deblur_files *files)
{
    sf_fits_file *file;

    return o->psf != NULL && !is_profile(o->psf) && files->frame.axes == 2 &&
           deblur_files_find(files, o->psf, &file) == SF_OK && images_of(file) > 1;
}

sf_status deblur_psf_field_read(const deblur_options *o, deblur_files *files, sf_psf_field **field)
{
    double *x = NULL, *y = NULL;
    sf_table *table = NULL;
    sf_psf_options how;
    sf_psf **psf = NULL;
    sf_fits_file *file;
    size_t count = 0;
    sf_status status;

    *field = NULL;
    GO(read_options(o, &how));
    GO(deblur_files_find(files, o->psf, &file));
    GO(sf_allocate(&psf, images_of(file), sizeof *psf));
    count = images_of(file);
    GO(open_table(o->psf, &table));
    GO(read_column(table, o->psf, "X", count, &x));
    GO(read_column(table, o->psf, "Y", count, &y));
    GO(read_images(o, file, &how, count, psf));
    status = sf_psf_field_create(count, psf, y, x, field);
done:
    for (size_t i = 0; i < count; i++) sf_psf_release(&psf[i]);
    sf_free(psf);
    sf_free(x);
    sf_free(y);
    sf_table_release(&table);
    return status;
}
