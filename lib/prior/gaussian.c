/* gaussian.c - the Gaussian random field as a prior. Every Fourier mode is on its own: with the
 * eigenvalue lambda of the circulant covariance and v = lambda + sigma^2,
 *     score    -X/v,    denoiser    mean + lambda/v X,    X = F(x - mean),
 *     energy   1/2 sum_k |X_k|^2/(N v_k) + 1/2 sum_k log(2 pi v_k)    (the full spectrum).
 * A mode with v = 0 is a constraint: it is in neither sum. The proximal step is the fallback, the
 * denoiser at sqrt(variance), which for this prior is exact. */
#include "base/internal.h"

#include <scorefield/prior.h>

#include <complex.h>
#include <float.h>
#include <gsl/gsl_math.h>
#include <math.h>

typedef struct gaussian {
    sf_grid grid;
    double mean;
    sf_fft *fft;
    double *lambda; /* of the half spectrum */
} gaussian;

/* What a mode is multiplied by. */
typedef double gain(double lambda, double sigma);

static double wiener_gain(double lambda, double sigma) { return lambda / (lambda + sigma * sigma); }

static double score_gain(double lambda, double sigma)
{
    const double variance = lambda + sigma * sigma;

    return variance > 0.0 ? -1.0 / variance : 0.0;
}

/* out = offset + F^-1[gain F(x - mean)] */
static sf_status filter(const gaussian *g, size_t batch, const double *x, double sigma, gain *f,
                        double offset, double *out)
{
    const size_t size = sf_grid_size(&g->grid), half = sf_grid_half_size(&g->grid);
    double *gains = NULL;
    sf_complex *work = NULL;
    sf_status status;

    SF_GO(sf_allocate(&gains, half, sizeof *gains));
    SF_GO(sf_allocate(&work, half, sizeof *work));
    for (size_t k = 0; k < half; k++) gains[k] = f(g->lambda[k], sigma);
    for (size_t b = 0; b < batch; b++, x += size, out += size) {
        for (size_t i = 0; i < size; i++) out[i] = x[i] - g->mean;
        SF_GO(sf_fft_filter(g->fft, gains, work, out));
        for (size_t i = 0; i < size; i++) out[i] += offset;
    }
done:
    sf_free(gains);
    sf_free(work);
    return status;
}

static sf_status gaussian_denoise(const void *self, size_t batch, const double *x, double sigma,
                                  double *out)
{
    return filter(self, batch, x, sigma, wiener_gain, ((const gaussian *)self)->mean, out);
}

static sf_status gaussian_score(const void *self, size_t batch, const double *x, double sigma,
                                double *out)
{
    return filter(self, batch, x, sigma, score_gain, 0.0, out);
}

/* The energy of one field's spectrum. A forbidden mode may hold the transform's rounding:
 * `largest` is the length that the whole spectrum could have. */
static double energy_of(const gaussian *g, const sf_complex *spectrum, double sigma, double largest)
{
    const double size = (double)sf_grid_size(&g->grid);
    double sum = 0.0;

    for (size_t k = 0; k < sf_grid_half_size(&g->grid); k++) {
        const double variance = g->lambda[k] + sigma * sigma, length = cabs(spectrum[k]);
        const double weight = sf_grid_mode_weight(&g->grid, k);
        if (variance > 0.0)
            sum +=
                0.5 * weight * (length * length / (size * variance) + log(2.0 * M_PI * variance));
        else if (length > 64.0 * DBL_EPSILON * largest)
            return INFINITY;
    }
    return sum;
}

static sf_status gaussian_energy(const void *self, size_t batch, const double *x, double sigma,
                                 double *energy)
{
    const gaussian *g = self;
    const size_t size = sf_grid_size(&g->grid);
    double *field = NULL;
    sf_complex *spectrum = NULL;
    sf_status status;

    SF_GO(sf_allocate(&field, size, sizeof *field));
    SF_GO(sf_allocate(&spectrum, sf_grid_half_size(&g->grid), sizeof *spectrum));
    for (size_t b = 0; b < batch; b++, x += size) {
        double square = 0.0;
        for (size_t i = 0; i < size; i++) {
            field[i] = x[i] - g->mean;
            square += x[i] * x[i] + g->mean * g->mean;
        }
        SF_GO(sf_fft_forward(g->fft, field, spectrum));
        energy[b] = energy_of(g, spectrum, sigma, sqrt((double)size * square));
    }
done:
    sf_free(field);
    sf_free(spectrum);
    return status;
}

static void gaussian_destroy(void *self)
{
    gaussian *g = self;

    sf_fft_release(&g->fft);
    sf_free(g->lambda);
    sf_free(g);
}

static const sf_prior_methods gaussian_methods = {
    .name = "gaussian",
    .denoise = gaussian_denoise,
    .score = gaussian_score,
    .energy = gaussian_energy,
    .destroy = gaussian_destroy,
};

sf_status sf_prior_gaussian(const sf_grid *grid, const sf_spectrum *spectrum, double mean,
                            sf_prior **prior)
{
    gaussian *self;
    sf_status status;

    *prior = NULL;
    if (!isfinite(mean))
        return sf_fail(SF_ERR_ARGUMENT, "Gaussian field: a mean of %g is not finite", mean);
    SF_TRY(sf_allocate(&self, 1, sizeof *self));
    self->grid = *grid;
    self->mean = mean;
    SF_GO(sf_fft_create(grid, &self->fft));
    SF_GO(sf_allocate(&self->lambda, sf_grid_half_size(grid), sizeof *self->lambda));
    SF_GO(sf_spectrum_eigenvalues(spectrum, grid, self->lambda));
    return sf_prior_create(&gaussian_methods, self, grid, prior);
done:
    gaussian_destroy(self);
    return status;
}
