/* window.h - the Fourier transform of mass assignment, and what it does to white noise.
 *
 * Assignment of order p multiplies mode k of axis a by W = sinc(x)^p, x = k_a d_a/2 = pi m/n, and
 * adds to it its aliases x + pi j. White noise gets the power sum_j W^2(x + pi j), which is a
 * polynomial in s = sin^2 x (Jing 2005, doi:10.1086/427087, eq. 20). Interlacing keeps the aliases
 * of even sum_a j_a: half of the product over axes of that sum and half of the product of the
 * alternating sums (-1)^j W^2(x + pi j), cos x times a polynomial in s. */
#ifndef SF_FIELD_WINDOW_H
#define SF_FIELD_WINDOW_H

#include <scorefield/field.h>

#include "base/internal.h"

/* W(pi m/n) */
double sf_window(sf_assignment order, size_t m, size_t n);
double sf_window_noise(sf_assignment order, size_t m, size_t n);
double sf_window_noise_alternating(sf_assignment order, size_t m, size_t n);

/* Tables over |m| = 0 .. n_a/2 of each axis; NULL: 1. */
typedef struct sf_window_tables {
    double *inverse[SF_GRID_MAX_AXES];     /* 1/W^2 */
    double *noise[SF_GRID_MAX_AXES];       /* the sum, over W^2 */
    double *alternating[SF_GRID_MAX_AXES]; /* the alternating sum, over W^2 */
} sf_window_tables;

sf_status sf_window_tables_make(const sf_grid *grid, sf_assignment order, bool noise,
                                bool interlaced, sf_window_tables *tables);
void sf_window_tables_free(sf_window_tables *tables);
/* The product of an axis' table over the axes before the last one. */
double sf_window_row(double *const tables[SF_GRID_MAX_AXES], int axes,
                     const long m[SF_GRID_MAX_AXES]);

#endif
