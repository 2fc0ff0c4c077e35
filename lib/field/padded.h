/* padded.h - products of fields without aliasing. A field is carried to a grid of 3/2 the cells
 * along every axis of the same box, multiplied there, and carried back (Orszag 1971,
 * doi:10.1175/1520-0469(1971)028<1074:OTEOAI>2.0.CO;2): with modes |m| <= h on n cells, products of
 * two reach 2h, and on M > 3h cells what folds back is beyond h. Modes on a Nyquist plane, whose
 * sign is not defined, take no part. */
#ifndef SF_FIELD_PADDED_H
#define SF_FIELD_PADDED_H

#include <scorefield/grid.h>

#include "base/internal.h"

sf_status sf_padded_grid(const sf_grid *grid, sf_grid *padded);
/* The half spectrum of the same field on the padded grid. */
void sf_padded_spread(const sf_grid *grid, const sf_complex *modes, const sf_grid *padded,
                      sf_complex *out);
/* out += factor times the padded field's modes that the grid has, without its mean. */
void sf_padded_gather(const sf_grid *padded, const sf_complex *modes, double factor,
                      const sf_grid *grid, sf_complex *out);

#endif
