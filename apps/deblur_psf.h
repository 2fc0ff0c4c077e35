/* deblur_psf.h - the point spread function that the command line names, in the result's cells. */
#ifndef SF_APPS_DEBLUR_PSF_H
#define SF_APPS_DEBLUR_PSF_H

#include "deblur_files.h"
#include "deblur_options.h"

/* Of a plane of the frame; *psf NULL where none was given. */
sf_status deblur_psf_read(const deblur_options *options, deblur_files *files, size_t plane,
                          sf_psf **psf);
/* The same in cells that are `ratio` times wider, each the sum of what is in it. */
sf_status deblur_psf_bin(sf_psf *fine, size_t ratio, sf_psf **psf);
/* Whether a frame that is an image is given a cube of PSFs. */
bool deblur_psf_varies(const deblur_options *options, deblur_files *files);
/* These, and their positions from columns X and Y (the first pixel's centre at 1) of the first
 * table in their file. */
sf_status deblur_psf_field_read(const deblur_options *options, deblur_files *files,
                                sf_psf_field **field);

#endif
