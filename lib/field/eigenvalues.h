/* eigenvalues.h - lambda(k) = P(k)/v of a grid's modes without an array of them. */
#ifndef SF_FIELD_EIGENVALUES_H
#define SF_FIELD_EIGENVALUES_H

#include <scorefield/field.h>

#include "base/internal.h"

typedef struct sf_eigenvalues sf_eigenvalues;

/* SF_OK with *eigenvalues = NULL where a table is no gain over evaluating every mode. Errors of
 * the spectrum at any mode are found here. */
sf_status sf_eigenvalues_create(const sf_grid *grid, const sf_spectrum *spectrum,
                                sf_eigenvalues **eigenvalues);
void sf_eigenvalues_release(sf_eigenvalues **eigenvalues);
/* sqrt(lambda) of the modes m_last = first ... first + count - 1 of the row m, to 5e-11. */
sf_status sf_eigenvalues_roots(const sf_eigenvalues *eigenvalues, const long *m, size_t first,
                               size_t count, double *root);

#endif
