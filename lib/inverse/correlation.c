/* correlation.c - noise that neighbours share, as in resampled and drizzled frames (Casertano et
 * al. 2000, doi:10.1086/316851): its weights are not pixel by pixel but wave by wave. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <complex.h>
#include <math.h>

/* A wave with less of the noise's power than this part of the mean has this: weights stay finite.
 */
#define LEAST_POWER 1e-4

/* C_k, its mean 1. A spectrum says nothing of the mean: that has the power of the longest wave. */
static sf_status correlation(const sf_observation *o, const sf_spectrum *spectrum, double *power)
{
    const size_t half = sf_grid_half_size(&o->scene);
    double longest = INFINITY, sum = 0.0;

    SF_TRY(sf_spectrum_eigenvalues(spectrum, &o->scene, power));
    for (size_t k = 1; k < half; k++) longest = fmin(longest, sf_grid_wavenumber(&o->scene, k));
    SF_TRY(sf_spectrum_power(spectrum, longest, &power[0]));
    power[0] /= sf_grid_volume(&o->scene) / (double)sf_grid_size(&o->scene);
    for (size_t k = 0; k < half; k++) sum += sf_grid_mode_weight(&o->scene, k) * power[k];
    sum /= (double)sf_grid_size(&o->scene);
    if (!(sum > 0.0 && isfinite(sum)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "the spectrum of the noise has a mean of %g, where it must "
                       "be positive",
                       sum);
    for (size_t k = 0; k < half; k++) power[k] = fmax(power[k] / sum, LEAST_POWER);
    return SF_OK;
}

/* Of the noise's power, mean 1, what the PSF passes over what it passes of white noise. */
static double seen(const sf_observation *o, const double *power)
{
    double white = 0.0, sum = 0.0;

    for (size_t k = 0; k < sf_grid_half_size(&o->scene); k++) {
        const double passed = sf_grid_mode_weight(&o->scene, k) * sf_observation_power(o, k);

        white += passed;
        sum += passed * power[k];
    }
    return sum / white;
}

/* back = conj(H) F(W y) */
static sf_status weigh_data(sf_observation *o)
{
    const size_t cells = sf_grid_size(&o->scene);
    double *weighed = NULL;
    sf_status status;

    SF_GO(sf_allocate(&weighed, cells, sizeof *weighed));
    for (size_t i = 0; i < cells; i++) weighed[i] = o->data[i];
    SF_GO(sf_observation_weigh(o, weighed, o->back));
    SF_GO(sf_observation_return(o, weighed, NULL, o->back));
done:
    sf_free(weighed);
    return status;
}

sf_status sf_observation_correlate(sf_observation *o, const sf_spectrum *spectrum)
{
    const size_t half = sf_grid_half_size(&o->scene);
    double unit;

    if (o->gain > 0.0 || o->upsample > 1)
        return sf_fail(SF_ERR_UNSUPPORTED, "a spectrum of the noise is for Gaussian noise and for "
                                           "scenes in the frame's own pixels");
    SF_TRY(sf_allocate(&o->inverse_power, half, sizeof *o->inverse_power));
    SF_TRY(correlation(o, spectrum, o->inverse_power));
    unit = seen(o, o->inverse_power);
    for (size_t k = 0; k < half; k++) o->inverse_power[k] = 1.0 / o->inverse_power[k];
    o->noise *= sqrt(unit);
    o->mean_weight *= unit;
    for (size_t i = 0; i < sf_grid_size(&o->scene); i++) o->weight[i] *= unit;
    return weigh_data(o);
}

sf_status sf_observation_weigh(const sf_observation *o, double *field, sf_complex *work)
{
    const size_t cells = o->values;

    if (o->inverse_power == NULL) {
        for (size_t i = 0; i < cells; i++) field[i] *= o->weight[i];
        return SF_OK;
    }
    for (size_t i = 0; i < cells; i++) field[i] *= sqrt(o->weight[i]);
    SF_TRY(sf_fft_forward(o->fft, field, work));
    for (size_t k = 0; k < sf_grid_half_size(&o->scene); k++) work[k] *= o->inverse_power[k];
    SF_TRY(sf_fft_inverse(o->fft, work, field));
    for (size_t i = 0; i < cells; i++) field[i] *= sqrt(o->weight[i]);
    return SF_OK;
}

sf_status sf_observation_whiten(const sf_observation *o, double *misfit)
{
    const size_t half = sf_grid_half_size(&o->scene);
    sf_complex *spectrum = NULL;
    sf_status status;

    if (o->inverse_power == NULL) return SF_OK;
    SF_GO(sf_allocate(&spectrum, half, sizeof *spectrum));
    SF_GO(sf_fft_forward(o->fft, misfit, spectrum));
    for (size_t k = 0; k < half; k++) spectrum[k] *= sqrt(o->inverse_power[k]);
    SF_GO(sf_fft_inverse(o->fft, spectrum, misfit));
    for (size_t i = 0; i < sf_grid_size(&o->scene); i++)
        if (!(o->weight[i] > 0.0)) misfit[i] = 0.0;
done:
    sf_free(spectrum);
    return status;
}

sf_status sf_observation_need_white(const sf_observation *o)
{
    if (o->inverse_power == NULL) return SF_OK;
    return sf_fail(SF_ERR_UNSUPPORTED, "samples are drawn for noise that is independent from pixel "
                                       "to pixel: leave out its spectrum");
}
