/* field.c - the Gaussian field N(mean, C) as an object: its grid, its mean, and the eigenvalues
 * lambda = P/v of its circulant covariance. */
#include "field/field.h"

#include <math.h>

/* A field without eigenvalues. */
static sf_status create(const sf_grid *grid, double mean, sf_field **result)
{
    const size_t longest = (size_t)1 << 21;
    sf_field *field;

    if (!isfinite(mean))
        return sf_fail(SF_ERR_ARGUMENT, "Gaussian field: a mean of %g is not finite", mean);
    for (int a = 0; a + 1 < grid->axes; a++) /* what addresses of random numbers have room for */
        if (grid->axes == 4 && grid->shape[a] > longest)
            return sf_fail(
                SF_ERR_ARGUMENT,
                "axis %d of a field of four axes has %zu cells; all but the last have at "
                "most %zu",
                a, grid->shape[a], longest);
    SF_TRY(sf_allocate(&field, 1, sizeof *field));
    atomic_init(&field->references, 1);
    field->grid = *grid;
    field->mean = mean;
    *result = field;
    return SF_OK;
}

sf_status sf_field_create(const sf_grid *grid, const sf_spectrum *spectrum, double mean,
                          sf_field **field)
{
    sf_status status;

    *field = NULL;
    SF_GO(create(grid, mean, field));
    SF_GO(sf_fft_create(grid, &(*field)->fft));
    SF_GO(sf_eigenvalues_create(grid, spectrum, &(*field)->eigenvalues));
    if ((*field)->eigenvalues != NULL) return SF_OK;
    SF_GO(sf_allocate(&(*field)->lambda, sf_grid_half_size(grid), sizeof *(*field)->lambda));
    SF_GO(sf_spectrum_eigenvalues(spectrum, grid, (*field)->lambda));
done:
    if (status != SF_OK) sf_field_release(field);
    return status;
}

sf_status sf_field_from_eigenvalues(const sf_grid *grid, const double *lambda, double mean,
                                    sf_field **field)
{
    const size_t half = sf_grid_half_size(grid);
    sf_status status;

    *field = NULL;
    for (size_t k = 0; k < half; k++)
        if (!(lambda[k] >= 0.0) || !isfinite(lambda[k]))
            return sf_fail(SF_ERR_NUMERIC,
                           "eigenvalue %zu is %g; a variance is finite and not negative", k,
                           lambda[k]);
    SF_GO(create(grid, mean, field));
    SF_GO(sf_fft_create(grid, &(*field)->fft));
    SF_GO(sf_copy_memory(lambda, half, sizeof *lambda, &(*field)->lambda));
done:
    if (status != SF_OK) sf_field_release(field);
    return status;
}

sf_field *sf_field_retain(sf_field *field)
{
    if (field != NULL) atomic_fetch_add(&field->references, 1);
    return field;
}

void sf_field_release(sf_field **field)
{
    if (field == NULL || *field == NULL) return;
    if (atomic_fetch_sub(&(*field)->references, 1) == 1) {
        sf_fft_release(&(*field)->fft);
        sf_eigenvalues_release(&(*field)->eigenvalues);
        sf_free((*field)->lambda);
        sf_free(*field);
    }
    *field = NULL;
}

const sf_grid *sf_field_grid(const sf_field *field) { return &field->grid; }

double sf_field_mean(const sf_field *field) { return field->mean; }

/* ---- pieces ------------------------------------------------------------------------------ */

static size_t row_modes(const sf_grid *grid) { return grid->shape[grid->axes - 1] / 2 + 1; }

static size_t pieces_per_row(const sf_grid *grid)
{
    return (row_modes(grid) + SF_FIELD_PIECE - 1) / SF_FIELD_PIECE;
}

size_t sf_piece_count(const sf_grid *grid)
{
    return sf_grid_half_size(grid) / row_modes(grid) * pieces_per_row(grid);
}

sf_piece sf_piece_at(const sf_grid *grid, size_t index)
{
    const size_t per_row = pieces_per_row(grid), first = index % per_row * SF_FIELD_PIECE;
    const size_t rest = row_modes(grid) - first, row = index / per_row;

    sf_piece piece = {.index = index,
                      .row = row,
                      .first = first,
                      .count = rest < SF_FIELD_PIECE ? rest : SF_FIELD_PIECE,
                      .at = row * row_modes(grid) + first};

    sf_grid_mode(grid, piece.at - first, piece.m);
    return piece;
}

sf_status sf_piece_each(const sf_grid *grid, sf_status (*body)(void *user, sf_piece piece),
                        void *user)
{
    const size_t count = sf_piece_count(grid);
    size_t failed = SIZE_MAX;

#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) \
    reduction(min                                                        \
              : failed) if (count > 64)
    for (size_t i = 0; i < count; i++)
        if (body(user, sf_piece_at(grid, i)) != SF_OK && i < failed) failed = i;
    /* Once more, for the sentence: what another thread has said is not this thread's. */
    return failed == SIZE_MAX ? SF_OK : body(user, sf_piece_at(grid, failed));
}

sf_status sf_field_roots(const sf_field *field, sf_piece piece, double *root)
{
    if (field->eigenvalues != NULL)
        return sf_eigenvalues_roots(field->eigenvalues, piece.m, piece.first, piece.count, root);
    for (size_t i = 0; i < piece.count; i++) root[i] = sqrt(field->lambda[piece.at + i]);
    return SF_OK;
}

sf_status sf_field_lambda(const sf_field *field, sf_piece piece, double *lambda)
{
    if (field->eigenvalues == NULL) {
        for (size_t i = 0; i < piece.count; i++) lambda[i] = field->lambda[piece.at + i];
        return SF_OK;
    }
    SF_TRY(sf_field_roots(field, piece, lambda));
    for (size_t i = 0; i < piece.count; i++) lambda[i] *= lambda[i];
    return SF_OK;
}

sf_status sf_field_lambda_all(const sf_field *field, double *lambda)
{
    for (size_t i = 0; i < sf_piece_count(&field->grid); i++) {
        const sf_piece piece = sf_piece_at(&field->grid, i);

        SF_TRY(sf_field_lambda(field, piece, lambda + piece.at));
    }
    return SF_OK;
}
