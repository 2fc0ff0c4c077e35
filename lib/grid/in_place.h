/* in_place.h - transforms in place as other rooms of the library use them. */
#ifndef SF_GRID_IN_PLACE_H
#define SF_GRID_IN_PLACE_H

#include <scorefield/grid.h>

/* N F^-1, for a spectrum that carries the 1/N already. */
sf_status sf_fft_inverse_in_place_unscaled(const sf_fft *fft, double *buffer);
sf_status sf_fft_inverse_in_place_unscaled_single(const sf_fft *fft, float *buffer);

#endif
