/* gaussian.c - the Gaussian random field as a prior: a view of sf_field. The proximal step is the
 * fallback, the denoiser at sqrt(variance), which for this prior is exact. */
#include "base/internal.h"

#include <scorefield/prior.h>

static sf_status gaussian_denoise(const void *self, size_t batch, const double *x, double sigma,
                                  double *out)
{
    const size_t size = sf_grid_size(sf_field_grid(self));

    for (size_t b = 0; b < batch; b++)
        SF_TRY(sf_field_denoise(self, x + b * size, sigma, out + b * size));
    return SF_OK;
}

static sf_status gaussian_score(const void *self, size_t batch, const double *x, double sigma,
                                double *out)
{
    const size_t size = sf_grid_size(sf_field_grid(self));

    for (size_t b = 0; b < batch; b++)
        SF_TRY(sf_field_score(self, x + b * size, sigma, out + b * size));
    return SF_OK;
}

static sf_status gaussian_energy(const void *self, size_t batch, const double *x, double sigma,
                                 double *energy)
{
    const size_t size = sf_grid_size(sf_field_grid(self));

    for (size_t b = 0; b < batch; b++) {
        SF_TRY(sf_field_log_density(self, x + b * size, sigma, &energy[b]));
        energy[b] = -energy[b];
    }
    return SF_OK;
}

/* The Wiener filter is linear and symmetric: its Jacobian's transpose is itself. */
static sf_status gaussian_pull(const void *self, size_t batch, const double *x, double sigma,
                               const double *v, double *denoised, double *out)
{
    const size_t size = sf_grid_size(sf_field_grid(self));

    if (denoised != NULL) SF_TRY(gaussian_denoise(self, batch, x, sigma, denoised));
    for (size_t b = 0; b < batch; b++)
        SF_TRY(sf_field_pull(self, v + b * size, sigma, out + b * size));
    return SF_OK;
}

static void gaussian_destroy(void *self)
{
    sf_field *field = self;

    sf_field_release(&field);
}

static const sf_prior_methods gaussian_methods = {
    .name = "gaussian",
    .denoise = gaussian_denoise,
    .score = gaussian_score,
    .energy = gaussian_energy,
    .pull = gaussian_pull,
    .destroy = gaussian_destroy,
};

sf_status sf_prior_gaussian(const sf_grid *grid, const sf_spectrum *spectrum, double mean,
                            sf_prior **prior)
{
    sf_field *field;

    *prior = NULL;
    SF_TRY(sf_field_create(grid, spectrum, mean, &field));
    return sf_prior_create(&gaussian_methods, field, grid, prior);
}
