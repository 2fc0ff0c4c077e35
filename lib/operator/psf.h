/* psf.h - what a point spread function is made of. Internal. */
#ifndef SF_OPERATOR_PSF_H
#define SF_OPERATOR_PSF_H

#include <scorefield/operator.h>

/* A PSF from an odd box of pixels, which are normalised to sum 1 and taken, also on failure. */
sf_status sf_psf_take(const sf_grid *grid, double *pixels, double pedestal, sf_psf **psf);

/* Centre of light (row, column): the centroid of what exceeds a tenth of the peak, within three
 * times its own rms radius, iterated. The peak must be positive. */
void sf_psf_centre_of_light(const sf_grid *grid, const double *pixels, double centre[2]);

#endif
