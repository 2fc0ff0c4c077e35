/* field_prior.c - a Gaussian field as a prior to sample from by a diffusion, and the levels of
 * noise that this needs. */
#include "field_prior.h"
#include "program.h"

#include <math.h>
#include <string.h>

/* Modes without power are constraints that no level is low enough for. */
static sf_status find_levels(const sf_grid *grid, field_prior *f)
{
    double least = INFINITY, largest = 0.0, sum = 0.0;

    for (size_t k = 0; k < sf_grid_half_size(grid); k++) {
        sum += sf_grid_mode_weight(grid, k) * f->lambda[k];
        largest = fmax(largest, f->lambda[k]);
        if (f->lambda[k] > 0.0) least = fmin(least, f->lambda[k]);
    }
    if (!(largest > 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "the spectrum has no power in the modes of this box");
    f->variance = sum / (double)sf_grid_size(grid);
    f->low = sqrt(fmax(1e-3 * least, 1e-12 * largest));
    f->floor = 10.0 * f->low;
    f->high = 30.0 * sqrt(largest);
    return SF_OK;
}

sf_status field_prior_create(const sf_grid *grid, const sf_spectrum *spectrum, field_prior *f)
{
    sf_status status;

    memset(f, 0, sizeof *f);
    GO(sf_allocate(&f->lambda, sf_grid_half_size(grid), sizeof *f->lambda));
    GO(sf_spectrum_eigenvalues(spectrum, grid, f->lambda));
    GO(find_levels(grid, f));
    status = sf_prior_gaussian(grid, spectrum, 0.0, &f->prior);
done:
    return status;
}

void field_prior_release(field_prior *f)
{
    sf_prior_release(&f->prior);
    sf_free(f->lambda);
    f->lambda = NULL;
}

sf_status field_prior_precondition(void *user, const sf_grid *grid, double level, double *m)
{
    const field_prior *f = user;

    for (size_t k = 0; k < sf_grid_half_size(grid); k++) m[k] = f->lambda[k] + level * level;
    return SF_OK;
}
