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
        sf_free((*field)->lambda);
        sf_free(*field);
    }
    *field = NULL;
}

const sf_grid *sf_field_grid(const sf_field *field) { return &field->grid; }

double sf_field_mean(const sf_field *field) { return field->mean; }

sf_status sf_field_lambda(const sf_field *field, sf_piece piece, double *lambda)
{
    const size_t row_modes = field->grid.shape[field->grid.axes - 1] / 2 + 1;
    const double *own = field->lambda + piece.row * row_modes + piece.first;

    for (size_t i = 0; i < piece.count; i++) lambda[i] = own[i];
    return SF_OK;
}
