/* deblur_samples.c - gridded samples of an image's Fourier transform, as sf-deblur reads them. */
#include "deblur_samples.h"
#include "program.h"

#include <complex.h>

/* Where the entry of a file's plane is with the zero frequency first. */
static size_t place(const deblur_options *o, const sf_grid *plane, size_t entry)
{
    const size_t rows = plane->shape[0], columns = plane->shape[1];
    const size_t row = entry / columns, column = entry % columns;

    if (!o->centred) return entry;
    return (row + rows - rows / 2) % rows * columns + (column + columns - columns / 2) % columns;
}

/* A plane of a file, zero frequency first (sf_free). */
static sf_status read_plane(const deblur_options *o, deblur_files *files, const char *path,
                            const deblur_box *box, double **values)
{
    sf_fits *fits = NULL;
    sf_status status;

    GO(deblur_files_read(files, path, box, &fits));
    const sf_grid *grid = sf_fits_grid(fits);
    GO(sf_allocate(values, sf_grid_size(grid), sizeof **values));
    for (size_t i = 0; i < sf_grid_size(grid); i++)
        (*values)[place(o, grid, i)] = sf_fits_pixels(fits)[i];
done:
    sf_fits_release(&fits);
    return status;
}

static sf_status read_values(const deblur_options *o, deblur_files *files, deblur_box *box,
                             const sf_grid *plane, deblur_samples *s)
{
    double *part[2] = {NULL, NULL};
    sf_status status;

    for (box->plane = 0; box->plane < 2; box->plane++)
        GO(read_plane(o, files, o->input, box, &part[box->plane]));
    box->plane = 0;
    GO(sf_allocate(&s->value, sf_grid_size(plane), sizeof *s->value));
    for (size_t k = 0; k < sf_grid_size(plane); k++) s->value[k] = part[0][k] + I * part[1][k];
done:
    sf_free(part[0]);
    sf_free(part[1]);
    return status;
}

sf_status deblur_samples_read(const deblur_options *o, deblur_files *files, deblur_samples *s,
                              sf_fits **header)
{
    deblur_box box = {.plane = 0};
    char text[96];
    sf_grid plane;
    sf_status status;

    if (files->frame.axes != 3 || files->frame.shape[0] != 2)
        return sf_fail(SF_ERR_SHAPE,
                       "%s is %s: samples of a Fourier transform are a cube of two planes, their "
                       "real and their imaginary parts",
                       o->input, sf_grid_text(&files->frame, text, sizeof text));
    GO(deblur_files_plane(files, &plane));
    for (int a = 0; a < 2; a++) box.shape[a] = plane.shape[a];
    GO(deblur_files_read(files, o->input, &box, header));
    GO(read_values(o, files, &box, &plane, s));
    GO(read_plane(o, files, o->sampling, &box, &s->mask));
    if (!program_parse_number(o->noise, &s->noise))
        GO(read_plane(o, files, o->noise, &box, &s->sigma));
    GO(sf_allocate(&s->dirty, sf_grid_size(&plane), sizeof *s->dirty));
    status = sf_fourier_dirty_image(&plane, s->value, s->mask, s->sigma, s->noise, s->dirty);
done:
    return status;
}

void deblur_samples_release(deblur_samples *s)
{
    sf_free(s->value);
    sf_free(s->mask);
    sf_free(s->sigma);
    sf_free(s->dirty);
    *s = (deblur_samples){0};
}
