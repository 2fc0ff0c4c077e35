/* spectrum.c - isotropic power spectra P(k), and the eigenvalues lambda = P/v of the circulant
 * covariance that a spectrum gives a grid. */
#include <scorefield/field.h>

#include "field/spectrum.h"

#include <math.h>

sf_status sf_spectrum_create(const sf_spectrum_kind *kind, size_t state_size, void *state,
                             sf_spectrum **spectrum)
{
    sf_status status;

    *spectrum = NULL;
    SF_GO(sf_allocate(spectrum, 1, sizeof **spectrum));
    atomic_init(&(*spectrum)->references, 1);
    (*spectrum)->kind = kind;
    (*spectrum)->high = INFINITY;
    SF_GO(sf_allocate(&(*spectrum)->state, 1, state_size));
    *(void **)state = (*spectrum)->state;
done:
    if (status != SF_OK) {
        sf_free(*spectrum);
        *spectrum = NULL;
    }
    return status;
}

sf_spectrum *sf_spectrum_retain(sf_spectrum *spectrum)
{
    if (spectrum != NULL) atomic_fetch_add(&spectrum->references, 1);
    return spectrum;
}

void sf_spectrum_release(sf_spectrum **spectrum)
{
    if (spectrum == NULL || *spectrum == NULL) return;
    if (atomic_fetch_sub(&(*spectrum)->references, 1) == 1) {
        if ((*spectrum)->kind->clear != NULL) (*spectrum)->kind->clear((*spectrum)->state);
        sf_free((*spectrum)->state);
        sf_free(*spectrum);
    }
    *spectrum = NULL;
}

sf_status sf_spectrum_zero_mode_check(double zero_mode)
{
    if (!(zero_mode >= 0.0) || !isfinite(zero_mode))
        return sf_fail(SF_ERR_ARGUMENT, "P(0) = %g; a power is finite and not negative", zero_mode);
    return SF_OK;
}

sf_status sf_spectrum_power(const sf_spectrum *spectrum, double k, double *power)
{
    double value = 0.0;

    *power = 0.0;
    if (!(k >= 0.0) || !isfinite(k))
        return sf_fail(SF_ERR_ARGUMENT, "k = %g; a wavenumber is finite and not negative", k);
    SF_TRY(spectrum->kind->power(spectrum->state, k, &value));
    if (!(value >= 0.0) || !isfinite(value))
        return sf_fail(SF_ERR_NUMERIC,
                       "the spectrum gives P(%g) = %g; a power is finite and not negative", k,
                       value);
    *power = value;
    return SF_OK;
}

static sf_status eigenvalue(const sf_spectrum *spectrum, const sf_grid *grid, size_t index,
                            double *lambda)
{
    const double k = sf_grid_wavenumber(grid, index), volume = sf_grid_cell_volume(grid);
    double power;

    SF_TRY(sf_spectrum_power(spectrum, k, &power));
    *lambda = power / volume;
    if (!isfinite(*lambda))
        return sf_fail(SF_ERR_NUMERIC, "P(%g) = %g divided by the cell volume %g overflows", k,
                       power, volume);
    return SF_OK;
}

sf_status sf_spectrum_eigenvalues(const sf_spectrum *spectrum, const sf_grid *grid, double *lambda)
{
    const size_t half = sf_grid_half_size(grid);
    size_t failed = half; /* the first mode without an eigenvalue */

#pragma omp parallel for num_threads(sf_thread_count()) schedule(static) reduction(min : failed)
    for (size_t i = 0; i < half; i++)
        if (i < failed && eigenvalue(spectrum, grid, i, &lambda[i]) != SF_OK) failed = i;
    /* once more in this thread, whose sentence the caller reads */
    return failed < half ? eigenvalue(spectrum, grid, failed, &lambda[failed]) : SF_OK;
}
