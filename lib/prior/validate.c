/* validate.c - a prior's denoiser against the noisy image, the Wiener filter and total variation,
 * the last two tuned to the truth of each image. */
#include "base/internal.h"

#include <scorefield/prior.h>

#include <complex.h>
#include <gsl/gsl_math.h>
#include <math.h>

/* The search for the best strength: log(strength * noise) to a few hundredths. */
#define LOWEST_STRENGTH  (-4.0)
#define HIGHEST_STRENGTH 1.5
#define STRENGTH_STEPS   13
#define TV_TOLERANCE     0.05 /* of the noise; in truth ten times better */

/* One image at work. */
typedef struct contest {
    const sf_grid *grid;
    size_t size;
    double sigma;
    const double *clean;
    double mean, range;
    double *noisy, *out;
} contest;

static double mean_square_error(const contest *c, const double *x)
{
    double sum = 0.0;

    for (size_t i = 0; i < c->size; i++) sum += (x[i] - c->clean[i]) * (x[i] - c->clean[i]);
    return sum / (double)c->size;
}

static double decibel(const contest *c, double square_error)
{
    return 10.0 * log10(c->range * c->range / square_error);
}

/* ---- Wiener filter with the measured spectrum -------------------------------------------- */

/* Mean power in rings of |k|, one fundamental wavenumber wide. */
typedef struct rings {
    double width;
    size_t count;
    double *power, *modes;
} rings;

static size_t ring_of(const rings *r, double k)
{
    const size_t ring = (size_t)(k / r->width + 0.5);

    return ring < r->count ? ring : r->count - 1;
}

static double ring_power(double k, void *user)
{
    const rings *r = user;

    return r->power[ring_of(r, k)];
}

static sf_status rings_allocate(rings *r, const sf_grid *grid)
{
    double longest = 0.0, finest = INFINITY;

    for (int axis = 0; axis < grid->axes; axis++) {
        longest = fmax(longest, (double)grid->shape[axis] * grid->spacing[axis]);
        finest = fmin(finest, grid->spacing[axis]);
    }
    r->width = 2.0 * M_PI / longest;
    /* the largest |k| is sqrt(axes) pi/finest */
    r->count = 2 + (size_t)(sqrt((double)grid->axes) * M_PI / finest / r->width);
    SF_TRY(sf_allocate(&r->power, r->count, sizeof *r->power));
    return sf_allocate(&r->modes, r->count, sizeof *r->modes);
}

/* P = (V/N^2) <|X_k|^2> of the clean image without its mean. */
static sf_status measure_spectrum(const contest *c, rings *r)
{
    const double unit = sf_grid_volume(c->grid) / ((double)c->size * (double)c->size);
    sf_complex *spectrum = NULL;
    sf_fft *fft = NULL;
    sf_status status;

    SF_GO(sf_fft_create(c->grid, &fft));
    SF_GO(sf_allocate(&spectrum, sf_grid_half_size(c->grid), sizeof *spectrum));
    for (size_t i = 0; i < c->size; i++) c->out[i] = c->clean[i] - c->mean;
    SF_GO(sf_fft_forward(fft, c->out, spectrum));
    for (size_t k = 0; k < sf_grid_half_size(c->grid); k++) {
        const size_t ring = ring_of(r, sf_grid_wavenumber(c->grid, k));
        const double weight = sf_grid_mode_weight(c->grid, k), length = cabs(spectrum[k]);
        r->modes[ring] += weight;
        r->power[ring] += weight * unit * length * length;
    }
    for (size_t i = 0; i < r->count; i++)
        if (r->modes[i] > 0.0) r->power[i] /= r->modes[i];
done:
    sf_free(spectrum);
    sf_fft_release(&fft);
    return status;
}

static sf_status wiener_error(const contest *c, double *square_error)
{
    rings r = {0};
    sf_spectrum *spectrum = NULL;
    sf_prior *prior = NULL;
    sf_status status;

    SF_GO(rings_allocate(&r, c->grid));
    SF_GO(measure_spectrum(c, &r));
    SF_GO(sf_spectrum_callback(ring_power, &r, &spectrum));
    SF_GO(sf_prior_gaussian(c->grid, spectrum, c->mean, &prior));
    SF_GO(sf_prior_denoise(prior, 1, c->noisy, c->sigma, c->out));
    *square_error = mean_square_error(c, c->out);
done:
    sf_prior_release(&prior);
    sf_spectrum_release(&spectrum);
    sf_free(r.power);
    sf_free(r.modes);
    return status;
}

/* ---- total variation at its best --------------------------------------------------------- */

static sf_status total_variation_error(const contest *c, double log_strength, double *square_error)
{
    sf_prior *prior;
    sf_status status;

    SF_TRY(sf_prior_total_variation(c->grid, exp(log_strength) / c->sigma, TV_TOLERANCE, &prior));
    status = sf_prior_prox(prior, 1, c->noisy, c->sigma * c->sigma, c->out);
    if (status == SF_OK) *square_error = mean_square_error(c, c->out);
    sf_prior_release(&prior);
    return status;
}

/* Golden section in the logarithm of the strength. */
static sf_status best_total_variation_error(const contest *c, double *square_error)
{
    const double golden = 0.5 * (sqrt(5.0) - 1.0);
    double low = LOWEST_STRENGTH, high = HIGHEST_STRENGTH, error[2];
    double at[2] = {high - golden * (high - low), low + golden * (high - low)};

    for (int i = 0; i < 2; i++) SF_TRY(total_variation_error(c, at[i], &error[i]));
    for (int step = 0; step < STRENGTH_STEPS - 1; step++) {
        const int worse = error[0] > error[1] ? 0 : 1;
        *(worse == 0 ? &low : &high) = at[worse];
        at[worse] = at[1 - worse];
        error[worse] = error[1 - worse];
        at[1 - worse] = worse == 0 ? low + golden * (high - low) : high - golden * (high - low);
        SF_TRY(total_variation_error(c, at[1 - worse], &error[1 - worse]));
    }
    *square_error = fmin(error[0], error[1]);
    return SF_OK;
}

/* ---- one image, all images --------------------------------------------------------------- */

static sf_status measure_image(contest *c)
{
    double low = INFINITY, high = -INFINITY;

    c->mean = 0.0;
    for (size_t i = 0; i < c->size; i++) {
        c->mean += c->clean[i] / (double)c->size;
        low = fmin(low, c->clean[i]);
        high = fmax(high, c->clean[i]);
    }
    c->range = high - low;
    if (c->range > 0.0) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "validation: an image is %g everywhere, so it has no peak",
                   low);
}

static sf_status validate_image(const sf_prior *prior, contest *c, sf_random random, size_t index,
                                double weight, sf_validation *sum)
{
    double square_error;

    SF_TRY(measure_image(c));
    sf_random_normal(random, index, 0, c->size, c->noisy);
    for (size_t i = 0; i < c->size; i++) c->noisy[i] = c->clean[i] + c->sigma * c->noisy[i];
    sum->noisy += weight * decibel(c, mean_square_error(c, c->noisy));
    SF_TRY(wiener_error(c, &square_error));
    sum->wiener += weight * decibel(c, square_error);
    SF_TRY(best_total_variation_error(c, &square_error));
    sum->total_variation += weight * decibel(c, square_error);
    SF_TRY(sf_prior_denoise(prior, 1, c->noisy, c->sigma, c->out));
    sum->prior += weight * decibel(c, mean_square_error(c, c->out));
    return SF_OK;
}

sf_status sf_prior_validate(const sf_prior *prior, size_t count, const double *images, double sigma,
                            uint64_t seed, sf_validation *validation)
{
    contest c = {.grid = sf_prior_grid(prior), .sigma = sigma};
    sf_validation sum = {0};
    sf_status status;

    *validation = (sf_validation){NAN, NAN, NAN, NAN};
    if (count == 0 || !(sigma > 0.0) || !isfinite(sigma))
        return sf_fail(SF_ERR_ARGUMENT,
                       "validation on %zu images at a noise level of %g: give at "
                       "least one image and a level above 0",
                       count, sigma);
    c.size = sf_grid_size(c.grid);
    SF_GO(sf_allocate(&c.noisy, c.size, sizeof *c.noisy));
    SF_GO(sf_allocate(&c.out, c.size, sizeof *c.out));
    for (size_t i = 0; i < count; i++) {
        c.clean = images + i * c.size;
        SF_GO(sf_check_finite(c.clean, c.size, "validation image"));
        SF_GO(validate_image(prior, &c, sf_random_make(seed, 0), i, 1.0 / (double)count, &sum));
    }
    *validation = sum;
done:
    sf_free(c.noisy);
    sf_free(c.out);
    return status;
}
