/* excess.c - how much noise a residual shows: of single pixels, and where a PSF looks.
 *
 * Resampled and drizzled frames have noise that neighbours share: its power is large at the long
 * waves, which a PSF passes, and small at the short ones, which it does not (Casertano et al. 2000,
 * doi:10.1086/316851; Fruchter & Hook 2002, doi:10.1086/338393). A denoiser that is told the
 * standard deviation of a pixel takes the rest for structure. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <complex.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#define NORMAL_QUARTILE 0.674489750196082 /* median of |n|, n ~ N(0,1) */
#define FULLY_SEEN      0.5 /* part of the PSF's energy on observed pixels, at least */
#define FEWEST_CELLS    100

/* seen = sum over an exposure's observed pixels of h^2, for a PSF around each cell. */
static sf_status energy_seen(const sf_observation *o, sf_complex *spectrum, sf_complex *square,
                             double *seen)
{
    const size_t half = sf_grid_half_size(&o->scene), cells = sf_grid_size(&o->scene);

    for (size_t k = 0; k < half; k++) spectrum[k] = o->transfer != NULL ? o->transfer[k] : 1.0;
    SF_TRY(sf_fft_inverse(o->fft, spectrum, seen));
    for (size_t i = 0; i < cells; i++) seen[i] *= seen[i];
    SF_TRY(sf_fft_forward(o->fft, seen, square));
    for (size_t i = 0; i < cells; i++) seen[i] = o->weight[i] > 0.0 ? 1.0 : 0.0;
    SF_TRY(sf_fft_forward(o->fft, seen, spectrum));
    for (size_t k = 0; k < half; k++) spectrum[k] *= conj(square[k]);
    return sf_fft_inverse(o->fft, spectrum, seen);
}

/* The sum over the exposures; work: as large. */
static sf_status energy_of_all(const sf_observation *o, sf_complex *spectrum, sf_complex *square,
                               double *work, double *seen)
{
    for (size_t e = 0; e < o->exposures; e++) {
        SF_TRY(energy_seen(sf_observation_exposure(o, e), spectrum, square, work));
        for (size_t i = 0; i < sf_grid_size(&o->scene); i++)
            seen[i] = e > 0 ? seen[i] + work[i] : work[i];
    }
    return SF_OK;
}

/* How many cells share one independent value of H^T (white noise): the sum of its squared
 * autocorrelation. */
static double cells_shared(const sf_observation *o)
{
    double second = 0.0, fourth = 0.0;

    for (size_t k = 0; k < sf_grid_half_size(&o->scene); k++) {
        const double power = sf_observation_power(o, k);
        const double weight = sf_grid_mode_weight(&o->scene, k);

        second += weight * power;
        fourth += weight * power * power;
    }
    return (double)sf_grid_size(&o->scene) * fourth / (second * second);
}

/* The median of |looked| / sqrt(seen) over the cells of which enough was observed, as the standard
 * deviation of a normal law; 1 where there are too few such cells. The median of n values of it has
 * a relative standard deviation of 1.17/sqrt(2 n) (1.17: against the mean square). */
static void robust_deviation(const sf_observation *o, const double *looked, const double *seen,
                             double *work, double *deviation, double *error)
{
    const size_t cells = sf_grid_size(&o->scene);
    double energy = 0.0;
    size_t count = 0;

    for (size_t i = 0; i < cells; i++) energy = fmax(energy, seen[i]);
    for (size_t i = 0; i < cells; i++)
        if (seen[i] > FULLY_SEEN * energy) work[count++] = fabs(looked[i]) / sqrt(seen[i]);
    if (count < FEWEST_CELLS) return;
    *deviation = gsl_stats_median(work, 1, count) / NORMAL_QUARTILE;
    *error = 1.17 * *deviation * sqrt(0.5 * cells_shared(o) / (double)count);
}

sf_status sf_noise_excess(const sf_observation *o, const double *scene, double *excess,
                          double *error)
{
    const size_t half = sf_grid_half_size(&o->scene), cells = sf_grid_size(&o->scene);
    double *misfit = NULL, *looked = NULL, *seen = NULL, *work = NULL;
    sf_complex *spectrum = NULL, *square = NULL;
    sf_status status = SF_OK;

    *excess = 1.0;
    *error = 0.0;
    if (sf_observation_is_plain(o) || sf_observation_varies(o) || o->fourier) return SF_OK;
    SF_GO(sf_allocate(&misfit, o->values, sizeof *misfit));
    SF_GO(sf_allocate(&looked, cells, sizeof *looked));
    SF_GO(sf_allocate(&seen, cells, sizeof *seen));
    SF_GO(sf_allocate(&work, cells, sizeof *work));
    SF_GO(sf_allocate(&spectrum, half, sizeof *spectrum));
    SF_GO(sf_allocate(&square, half, sizeof *square));
    SF_GO(sf_observation_misfit(o, scene, misfit));
    SF_GO(sf_observation_blur_adjoint(o, misfit, looked));
    SF_GO(energy_of_all(o, spectrum, square, work, seen));
    robust_deviation(o, looked, seen, work, excess, error);
done:
    sf_free(misfit);
    sf_free(looked);
    sf_free(seen);
    sf_free(work);
    sf_free(spectrum);
    sf_free(square);
    return status;
}

sf_status sf_noise_scale(const sf_observation *o, const double *scene, double *scale, double *error)
{
    double *misfit = NULL;
    size_t count = 0;
    sf_status status;

    *scale = 1.0;
    *error = 0.0;
    SF_GO(sf_allocate(&misfit, o->values, sizeof *misfit));
    SF_GO(sf_observation_misfit(o, scene, misfit));
    for (size_t i = 0; i < o->values; i++)
        if (o->weight[i] > 0.0) misfit[count++] = fabs(misfit[i]);
    *scale = gsl_stats_median(misfit, 1, count) / NORMAL_QUARTILE;
    *error = 1.17 * sqrt(0.5 / (double)count);
done:
    sf_free(misfit);
    return status;
}
