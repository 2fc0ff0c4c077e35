/* deblur_files.c - the FITS files that sf-deblur reads box by box: they stay open meanwhile. */
#include "deblur_files.h"
#include "program.h"

#include <stdlib.h>
#include <string.h>

static sf_status not_there(const char *path)
{
    return sf_fail(SF_ERR_ARGUMENT, "%s: there is no such HDU", path);
}

sf_status deblur_files_find(deblur_files *files, const char *path, sf_fits_file **file)
{
    const size_t last = files->count;
    sf_status status;

    *file = NULL;
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->entry[i].path, path) != 0) continue;
        *file = files->entry[i].file;
        return *file != NULL ? SF_OK : not_there(path);
    }
    if (last == DEBLUR_FILES)
        return sf_fail(SF_ERR_UNSUPPORTED, "%s: more than %d files at once", path, DEBLUR_FILES);
    status = sf_fits_open(path, file);
    if (status != SF_OK && status != SF_ERR_ARGUMENT) return status;
    files->entry[last].path = strdup(path);
    files->entry[last].file = *file;
    if (files->entry[last].path == NULL) {
        sf_fits_close(file);
        return sf_fail(SF_ERR_MEMORY, "%s: no memory for its name", path);
    }
    files->count++;
    return status;
}

sf_status deblur_files_open(deblur_files *files, const char *input)
{
    sf_fits_file *file;
    char shape[96];
    sf_status status;

    GO(deblur_files_find(files, input, &file));
    files->frame = *sf_fits_grid(sf_fits_file_header(file));
    if (files->frame.axes == 2 || files->frame.axes == 3) return SF_OK;
    status = sf_fail(SF_ERR_UNSUPPORTED,
                     "%s is %s: sf-deblur takes images of two axes, and cubes of such planes",
                     input, sf_grid_text(&files->frame, shape, sizeof shape));
done:
    return status;
}

sf_status deblur_files_plane(const deblur_files *files, sf_grid *plane)
{
    const size_t *shape = files->frame.shape + files->frame.axes - 2;

    return sf_grid_image(shape[0], shape[1], plane);
}

/* The last two axes are the same, and so are the planes, or there is one for all of them. */
static bool fits_frame(const sf_grid *own, const sf_grid *frame)
{
    const size_t *a = own->shape + own->axes - 2, *b = frame->shape + frame->axes - 2;

    if (sf_grid_same_shape(own, frame)) return true;
    return own->axes == 2 && frame->axes == 3 && a[0] == b[0] && a[1] == b[1];
}

sf_status deblur_files_read(deblur_files *files, const char *path, const deblur_box *box,
                            sf_fits **fits)
{
    const size_t first[3] = {box->plane, box->first[0], box->first[1]};
    const size_t shape[3] = {1, box->shape[0], box->shape[1]};
    char own_text[96], frame_text[96];
    sf_fits_file *file;
    sf_status status;

    *fits = NULL;
    GO(deblur_files_find(files, path, &file));
    const sf_grid *own = sf_fits_grid(sf_fits_file_header(file));
    if (files->frame.axes > 0 && !fits_frame(own, &files->frame))
        return sf_fail(SF_ERR_SHAPE, "%s is %s but the frame is %s", path,
                       sf_grid_text(own, own_text, sizeof own_text),
                       sf_grid_text(&files->frame, frame_text, sizeof frame_text));
    status = sf_fits_file_read(file, first + 3 - own->axes, shape + 3 - own->axes, fits);
done:
    return status;
}

void deblur_files_close(deblur_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->entry[i].path);
        sf_fits_close(&files->entry[i].file);
    }
    *files = (deblur_files){.count = 0};
}
