/* spectrum.c - isotropic power spectra P(k), and the eigenvalues lambda = P/v of the circulant
 * covariance that a spectrum gives a grid. Splines by GSL. */
#include <scorefield/field.h>

#include "field/spectrum.h"

#include <gsl/gsl_spline.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>

struct sf_spectrum {
    atomic_size_t references;
    /* P at k >= 0, not yet checked */
    double (*evaluate)(const sf_spectrum *spectrum, double k);
    double zero_mode;
    double amplitude, index;               /* power law */
    gsl_spline *spline;                    /* table: log P against log k */
    double low_slope, high_slope;          /* table: d log P / d log k at both ends */
    double (*power)(double k, void *user); /* callback */
    void *user;
};

static double power_law(const sf_spectrum *spectrum, double k)
{
    return k > 0.0 ? spectrum->amplitude * pow(k, spectrum->index) : spectrum->zero_mode;
}

static double table(const sf_spectrum *spectrum, double k)
{
    const gsl_spline *spline = spectrum->spline;
    const double *x = spline->x, *y = spline->y, log_k = log(k);
    const size_t last = spline->size - 1;

    if (!(k > 0.0)) return spectrum->zero_mode;
    if (log_k <= x[0]) return exp(y[0] + spectrum->low_slope * (log_k - x[0]));
    if (log_k >= x[last]) return exp(y[last] + spectrum->high_slope * (log_k - x[last]));
    return exp(gsl_spline_eval(spline, log_k, NULL)); /* no accelerator: many threads may ask */
}

static double callback(const sf_spectrum *spectrum, double k)
{
    return spectrum->power(k, spectrum->user);
}

static sf_status create(double zero_mode, sf_spectrum **result)
{
    sf_spectrum *spectrum;

    *result = NULL;
    if (!(zero_mode >= 0.0) || !isfinite(zero_mode))
        return sf_fail(SF_ERR_ARGUMENT, "P(0) = %g; a power is finite and not negative", zero_mode);
    SF_TRY(sf_allocate(&spectrum, 1, sizeof *spectrum));
    atomic_init(&spectrum->references, 1);
    spectrum->zero_mode = zero_mode;
    *result = spectrum;
    return SF_OK;
}

sf_status sf_spectrum_power_law(double amplitude, double index, double zero_mode,
                                sf_spectrum **spectrum)
{
    *spectrum = NULL;
    if (!(amplitude >= 0.0) || !isfinite(amplitude) || !isfinite(index))
        return sf_fail(SF_ERR_ARGUMENT,
                       "P = %g k^%g: the amplitude must be finite and not negative, the index "
                       "finite",
                       amplitude, index);
    SF_TRY(create(zero_mode, spectrum));
    (*spectrum)->evaluate = power_law;
    (*spectrum)->amplitude = amplitude;
    (*spectrum)->index = index;
    return SF_OK;
}

sf_status sf_spectrum_point_check(double k, double power, double previous_k, const char *where)
{
    if (!(k > previous_k) || !isfinite(k))
        return sf_fail(SF_ERR_ARGUMENT,
                       "%s: k = %g; wavenumbers must be positive, finite and increasing "
                       "(the one before is %g)",
                       where, k, previous_k);
    if (!(power > 0.0) || !isfinite(power))
        return sf_fail(SF_ERR_ARGUMENT,
                       "%s: P = %g; a table's powers must be positive and finite, because it is "
                       "interpolated in log P",
                       where, power);
    return SF_OK;
}

static sf_status check_points(const double *k, const double *power, size_t count)
{
    if (count < 3)
        return sf_fail(SF_ERR_ARGUMENT, "a table of %zu points; a cubic spline needs 3", count);
    for (size_t i = 0; i < count; i++) {
        char where[64];

        (void)snprintf(where, sizeof where, "point %zu of the spectrum", i + 1);
        SF_TRY(sf_spectrum_point_check(k[i], power[i], i > 0 ? k[i - 1] : 0.0, where));
    }
    return SF_OK;
}

/* The natural spline through (log k, log P). GSL ends the process when it cannot allocate or
 * is given points out of order; the latter have been refused before, distinct k whose
 * logarithms are equal are refused here. */
static sf_status make_spline(sf_spectrum *spectrum, double *log_k, double *log_power, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (!(log_k[i] > log_k[i - 1]))
            return sf_fail(SF_ERR_ARGUMENT,
                           "points %zu and %zu of the spectrum have the same log k", i, i + 1);
    spectrum->spline = gsl_spline_alloc(gsl_interp_cspline, count);
    if (spectrum->spline == NULL || gsl_spline_init(spectrum->spline, log_k, log_power, count) != 0)
        return sf_fail(SF_ERR_LIBRARY, "GSL has no spline through %zu points", count);
    spectrum->low_slope = gsl_spline_eval_deriv(spectrum->spline, log_k[0], NULL);
    spectrum->high_slope = gsl_spline_eval_deriv(spectrum->spline, log_k[count - 1], NULL);
    return SF_OK;
}

sf_status sf_spectrum_table(const double *k, const double *power, size_t count, double zero_mode,
                            sf_spectrum **spectrum)
{
    double *log_k = NULL, *log_power = NULL;
    sf_status status;

    *spectrum = NULL;
    SF_TRY(check_points(k, power, count));
    SF_GO(sf_allocate(&log_k, count, sizeof *log_k));
    SF_GO(sf_allocate(&log_power, count, sizeof *log_power));
    SF_GO(create(zero_mode, spectrum));
    (*spectrum)->evaluate = table;
    for (size_t i = 0; i < count; i++) {
        log_k[i] = log(k[i]);
        log_power[i] = log(power[i]);
    }
    SF_GO(make_spline(*spectrum, log_k, log_power, count));
done:
    if (status != SF_OK) sf_spectrum_release(spectrum);
    sf_free(log_k);
    sf_free(log_power);
    return status;
}

sf_status sf_spectrum_callback(double (*power)(double k, void *user), void *user,
                               sf_spectrum **spectrum)
{
    *spectrum = NULL;
    if (power == NULL) return sf_fail(SF_ERR_ARGUMENT, "a spectrum by callback needs a function");
    SF_TRY(create(0.0, spectrum));
    (*spectrum)->evaluate = callback;
    (*spectrum)->power = power;
    (*spectrum)->user = user;
    return SF_OK;
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
        if ((*spectrum)->spline != NULL) gsl_spline_free((*spectrum)->spline);
        sf_free(*spectrum);
    }
    *spectrum = NULL;
}

sf_status sf_spectrum_power(const sf_spectrum *spectrum, double k, double *power)
{
    double value;

    *power = 0.0;
    if (!(k >= 0.0) || !isfinite(k))
        return sf_fail(SF_ERR_ARGUMENT, "k = %g; a wavenumber is finite and not negative", k);
    value = spectrum->evaluate(spectrum, k);
    if (!(value >= 0.0) || !isfinite(value))
        return sf_fail(SF_ERR_NUMERIC,
                       "the spectrum gives P(%g) = %g; a power is finite and not "
                       "negative",
                       k, value);
    *power = value;
    return SF_OK;
}

sf_status sf_spectrum_eigenvalues(const sf_spectrum *spectrum, const sf_grid *grid, double *lambda)
{
    const size_t half = sf_grid_half_size(grid);
    const double volume = sf_grid_cell_volume(grid);

    for (size_t i = 0; i < half; i++) {
        const double k = sf_grid_wavenumber(grid, i);
        double power;

        SF_TRY(sf_spectrum_power(spectrum, k, &power));
        lambda[i] = power / volume;
        if (!isfinite(lambda[i]))
            return sf_fail(SF_ERR_NUMERIC, "P(%g) = %g divided by the cell volume %g overflows", k,
                           power, volume);
    }
    return SF_OK;
}
