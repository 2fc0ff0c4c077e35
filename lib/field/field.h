/* field.h - the Gaussian field as this room's files see it: modes in pieces of rows, so that no
 * computation needs more memory than its result. A row is one index of the leading axes
 * (row-major), its modes are m_last = 0 ... n_last/2; rows x modes is the half spectrum. */
#ifndef SF_FIELD_FIELD_H
#define SF_FIELD_FIELD_H

#include <scorefield/field.h>

#include "base/internal.h"

#include <stdatomic.h>

enum { SF_FIELD_PIECE = 512 }; /* most modes of a piece: its numbers stay in the first cache */

struct sf_field {
    atomic_size_t references;
    sf_grid grid;
    double mean;
    sf_fft *fft;
    double *lambda; /* of the half spectrum */
};

/* The pieces of a grid's half spectrum. */
typedef struct sf_pieces {
    size_t row_modes; /* n_last/2 + 1 */
    size_t per_row;
    size_t count; /* of all rows */
} sf_pieces;

typedef struct sf_piece {
    size_t row, first, count; /* modes first ... first + count - 1 of the row */
} sf_piece;

static inline sf_pieces sf_pieces_of(const sf_grid *grid)
{
    const size_t modes = grid->shape[grid->axes - 1] / 2 + 1;
    const size_t per_row = (modes + SF_FIELD_PIECE - 1) / SF_FIELD_PIECE;

    return (sf_pieces){modes, per_row, sf_grid_half_size(grid) / modes * per_row};
}

static inline sf_piece sf_piece_at(const sf_pieces *pieces, size_t index)
{
    const size_t first = index % pieces->per_row * SF_FIELD_PIECE;
    const size_t rest = pieces->row_modes - first;

    return (sf_piece){index / pieces->per_row, first,
                      rest < SF_FIELD_PIECE ? rest : SF_FIELD_PIECE};
}

/* lambda of a piece's modes. */
sf_status sf_field_lambda(const sf_field *field, sf_piece piece, double *lambda);

/* The modes w of white noise that (seed, stream) of a draw addresses: <|w|^2> = 2, hermitian, and
 * independent of the grid's resolution. `random` is sf_random_make(seed, stream). */
void sf_field_white(const sf_grid *grid, sf_random random, sf_piece piece, double *w);

#endif
