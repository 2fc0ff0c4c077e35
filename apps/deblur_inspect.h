/* deblur_inspect.h - what a denoiser is, and what it stretches. */
#ifndef SF_APPS_DEBLUR_INSPECT_H
#define SF_APPS_DEBLUR_INSPECT_H

#include "deblur_options.h"

/* Prints it. */
sf_status deblur_inspect(const deblur_options *options);

#endif
