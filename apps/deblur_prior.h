/* deblur_prior.h - the prior that the command line names. */
#ifndef SF_APPS_DEBLUR_PRIOR_H
#define SF_APPS_DEBLUR_PRIOR_H

#include "deblur_options.h"

/* The network, used as its file says and as the command line says over that. */
sf_status deblur_prior_read(const deblur_options *options, sf_model **model);
/* The convex ridge that is built in, or a file's. */
sf_status deblur_prior_ridge(const deblur_options *options, sf_ridge **ridge);
sf_status deblur_prior_make(const deblur_options *options, const sf_grid *grid, sf_prior **prior);

#endif
