/* deblur_files.h - the FITS files that sf-deblur reads box by box: they stay open meanwhile. */
#ifndef SF_APPS_DEBLUR_FILES_H
#define SF_APPS_DEBLUR_FILES_H

#include <scorefield/io.h>

/* A part of a plane of a frame that is an image, or a cube of planes. */
typedef struct deblur_box {
    size_t plane, first[2], shape[2];
} deblur_box;

#define DEBLUR_FILES 16

/* Zeroed: none. */
typedef struct deblur_files {
    struct {
        char *path;
        sf_fits_file *file; /* NULL: there is no such HDU */
    } entry[DEBLUR_FILES];
    size_t count;
    sf_grid frame; /* the frame's whole grid; of no axes before it is known */
} deblur_files;

/* Opens the frame, an image or a cube; SF_ERR_UNSUPPORTED for others. */
sf_status deblur_files_open(deblur_files *files, const char *input);
/* The grid of the frame, or of one of its planes. */
sf_status deblur_files_plane(const deblur_files *files, sf_grid *plane);
/* The file, opened at the first time. SF_ERR_ARGUMENT without such an HDU, each time. */
sf_status deblur_files_find(deblur_files *files, const char *path, sf_fits_file **file);
/* The box of an image of the frame's shape, or, for a cube's frame, of an image of a plane's shape.
 * SF_ERR_SHAPE for other images. */
sf_status deblur_files_read(deblur_files *files, const char *path, const deblur_box *box,
                            sf_fits **fits);
void deblur_files_close(deblur_files *files);

#endif
