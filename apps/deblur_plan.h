/* deblur_plan.h - whether a frame goes in one piece, and into which tiles if not. */
#ifndef SF_APPS_DEBLUR_PLAN_H
#define SF_APPS_DEBLUR_PLAN_H

#include "deblur_files.h"
#include "deblur_options.h"

/* The side of the tiles' cores; 0 for a frame that is an image and goes in one piece. Errors: what
 * is not possible in pieces. */
sf_status deblur_plan(const deblur_options *options, deblur_files *files, size_t *core);
/* Pixels around a core from which something can come: measured, see the manual page. */
size_t deblur_plan_margin(const deblur_options *options, const sf_psf *psf);

#endif
