/* deblur_tiles.h - frames in pieces: larger than memory, cubes plane by plane, gone on with after a
 * kill. */
#ifndef SF_APPS_DEBLUR_TILES_H
#define SF_APPS_DEBLUR_TILES_H

#include "deblur_files.h"
#include "deblur_options.h"
#include "progress.h"

/* All of it, outputs too. Interrupted: SF_OK, and no output but the checkpoint. */
sf_status deblur_tiles(const deblur_options *options, deblur_files *files, size_t core,
                       progress *line);

#endif
