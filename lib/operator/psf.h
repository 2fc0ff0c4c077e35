/* psf.h - what a point spread function is made of. Internal. */
#ifndef SF_OPERATOR_PSF_H
#define SF_OPERATOR_PSF_H

#include <scorefield/operator.h>

/* A PSF from an odd box of pixels, which are normalised to sum 1 and taken, also on failure. */
sf_status sf_psf_take(const sf_grid *grid, double *pixels, double pedestal, sf_psf **psf);

/* Centre of light (row, column): the centroid of what exceeds a tenth of the peak, within three
 * times its own rms radius, iterated. The peak must be positive. */
void sf_psf_centre_of_light(const sf_grid *grid, const double *pixels, double centre[2]);

/* Of PSF `index` of a field: its pixels on the field's box; and how much of it, from 0 to 1, is
 * along an axis (0 rows, 1 columns) in the PSF at a place there: the product over both axes is what
 * sf_psf_field_at takes of it. */
const double *sf_psf_field_pixels(const sf_psf_field *field, size_t index);
double sf_psf_field_part(const sf_psf_field *field, size_t index, int axis, double place);

#endif
