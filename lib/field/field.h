/* field.h - the Gaussian field as this room's files see it: modes in pieces of rows, so that no
 * computation needs more memory than its result. A row is one index of the leading axes
 * (row-major), its modes are m_last = 0 ... n_last/2; rows x modes is the half spectrum. */
#ifndef SF_FIELD_FIELD_H
#define SF_FIELD_FIELD_H

#include <scorefield/field.h>

#include "base/internal.h"
#include "field/eigenvalues.h"

#include <stdatomic.h>

enum { SF_FIELD_PIECE = 512 }; /* most modes of a piece: its numbers stay in the first cache */

struct sf_field {
    atomic_size_t references;
    sf_grid grid;
    double mean;
    sf_fft *fft;
    sf_eigenvalues *eigenvalues; /* lambda, or where this is NULL: */
    double *lambda;              /* of every mode of the half spectrum */
};

typedef struct sf_piece {
    size_t index;             /* among the pieces */
    size_t row, first, count; /* modes first ... first + count - 1 of the row */
    size_t at;                /* the first one's place in the half spectrum */
    long m[SF_GRID_MAX_AXES]; /* the row's wavevector: of the leading axes */
} sf_piece;

size_t sf_piece_count(const sf_grid *grid);
sf_piece sf_piece_at(const sf_grid *grid, size_t index);
/* body(user, piece) for every piece, on sf_thread_count() threads in any order; the status of the
 * first piece that fails, whose body runs once more. */
sf_status sf_piece_each(const sf_grid *grid, sf_status (*body)(void *user, sf_piece piece),
                        void *user);
/* How many modes of the full spectrum mode i of a piece stands for, as sf_grid_mode_weight. */
static inline double sf_piece_weight(const sf_grid *grid, sf_piece piece, size_t i)
{
    const size_t m = piece.first + i;

    return m == 0 || 2 * m == grid->shape[grid->axes - 1] ? 1.0 : 2.0;
}

/* lambda of a piece's modes, to 1e-10, and its square root (which is faster). */
sf_status sf_field_lambda(const sf_field *field, sf_piece piece, double *lambda);
sf_status sf_field_roots(const sf_field *field, sf_piece piece, double *root);
/* lambda of the whole half spectrum. */
sf_status sf_field_lambda_all(const sf_field *field, double *lambda);

/* The modes w of white noise that (seed, stream) of a draw addresses: <|w|^2> = 2, hermitian, and
 * independent of the grid's resolution. `random` is sf_random_make(seed, stream). */
void sf_field_white(const sf_grid *grid, sf_random random, sf_piece piece, double *w);

/* *modes = F(x - mean), sf_fft_buffer_size values (sf_free). SF_ERR_NUMERIC for x not finite. */
sf_status sf_field_transform(const sf_field *field, const double *x, double mean, double **modes);

#endif
