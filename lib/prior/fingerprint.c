/* fingerprint.c - tells priors apart by what they do, not by what they are called. */
#include "prior/prior.h"

#include "base/internal.h"

sf_status sf_prior_fingerprint(const sf_prior *prior, const double *x, double sigma,
                               uint64_t *fingerprint)
{
    const sf_grid *grid = sf_prior_grid(prior);
    const size_t cells = sf_grid_size(grid);
    double *image = NULL;
    sf_status status;

    *fingerprint = 0;
    SF_GO(sf_allocate(&image, cells, sizeof *image));
    SF_GO(sf_prior_denoise(prior, 1, x, sigma, image));
    *fingerprint = sf_fnv(SF_FNV_BASIS, grid->shape, sizeof grid->shape);
    *fingerprint = sf_fnv(*fingerprint, image, cells * sizeof *image);
done:
    sf_free(image);
    return status;
}
