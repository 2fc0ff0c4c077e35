/* gaussian.c - the Gaussian random field as a prior: a view of sf_field whose eigenvalues are known
 * once and for all, since samplers ask for every mode at every step. The proximal step is the
 * fallback, the denoiser at sqrt(variance), which for this prior is exact. */
#include "prior/prior.h"

#include "base/internal.h"
#include "field/field.h"

enum { LARGE = 1 << 20 }; /* cells of a field whose transform has work for several threads */

/* What is done to one field: sf_field_denoise, _score, _pull or _log_density. */
typedef sf_status view(const sf_field *field, const double *x, double sigma, double *out);

/* All fields of a batch, with results of `row` values. */
static sf_status each(const sf_field *field, view *of_one, size_t batch, const double *x,
                      double sigma, size_t row, double *out)
{
    const size_t size = sf_grid_size(&field->grid);
    const size_t threads = (size_t)sf_thread_count();
    const bool together = batch >= threads || size < LARGE;
    size_t failed = batch;

#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) \
    reduction(min                                                        \
              : failed) if (batch > 1 && together)
    for (size_t b = 0; b < batch; b++)
        if (of_one(field, x + b * size, sigma, out + b * row) != SF_OK && b < failed) failed = b;
    /* Once more, for the sentence: what another thread has said is not this thread's. */
    return failed == batch ? SF_OK : of_one(field, x + failed * size, sigma, out + failed * row);
}

static sf_status gaussian_denoise(const void *self, size_t batch, const double *x, double sigma,
                                  double *out)
{
    return each(self, sf_field_denoise, batch, x, sigma, sf_grid_size(sf_field_grid(self)), out);
}

static sf_status gaussian_score(const void *self, size_t batch, const double *x, double sigma,
                                double *out)
{
    return each(self, sf_field_score, batch, x, sigma, sf_grid_size(sf_field_grid(self)), out);
}

static sf_status gaussian_energy(const void *self, size_t batch, const double *x, double sigma,
                                 double *energy)
{
    SF_TRY(each(self, sf_field_log_density, batch, x, sigma, 1, energy));
    for (size_t b = 0; b < batch; b++) energy[b] = -energy[b];
    return SF_OK;
}

/* The Wiener filter is linear and symmetric: its Jacobian's transpose is itself. */
static sf_status gaussian_pull(const void *self, size_t batch, const double *x, double sigma,
                               const double *v, double *denoised, double *out)
{
    if (denoised != NULL) SF_TRY(gaussian_denoise(self, batch, x, sigma, denoised));
    return each(self, sf_field_pull, batch, v, sigma, sf_grid_size(sf_field_grid(self)), out);
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
    .convex = true,
};

/* The field again, with its eigenvalues as numbers. */
static sf_status tabulate(const sf_field *field, sf_field **tabulated)
{
    double *lambda;
    sf_status status;

    SF_TRY(sf_allocate(&lambda, sf_grid_half_size(&field->grid), sizeof *lambda));
    SF_GO(sf_field_lambda_all(field, lambda));
    status = sf_field_from_eigenvalues(&field->grid, lambda, field->mean, tabulated);
done:
    sf_free(lambda);
    return status;
}

const sf_field *sf_prior_field(const sf_prior *prior)
{
    return sf_prior_self(prior, &gaussian_methods);
}

sf_status sf_prior_gaussian(const sf_grid *grid, const sf_spectrum *spectrum, double mean,
                            sf_prior **prior)
{
    sf_field *field, *tabulated = NULL;
    sf_status status;

    *prior = NULL;
    SF_TRY(sf_field_create(grid, spectrum, mean, &field));
    SF_GO(tabulate(field, &tabulated));
    status = sf_prior_create(&gaussian_methods, tabulated, grid, prior);
done:
    sf_field_release(&field);
    return status;
}
