/* spectrum_forms.c - spectra in closed form, and the user's own:
 *     power law    P = A k^n between two cuts
 *     Matern       P = sigma^2 S_d(k), Rasmussen & Williams 2006 (Gaussian Processes for Machine
 *                  Learning), eq. 4.15, with k = 2 pi s:
 *                  S_d = 2^d pi^(d/2) Gamma(nu + d/2) (2 nu)^nu / (Gamma(nu) l^(2 nu))
 *                        (2 nu/l^2 + k^2)^-(nu + d/2) */
#include <scorefield/field.h>

#include "field/spectrum.h"

#include <gsl/gsl_sf_gamma.h>
#include <math.h>

typedef struct power_law {
    double amplitude, index, zero_mode, low, high;
} power_law;

static sf_status power_law_power(const void *state, double k, double *power)
{
    const power_law *law = state;

    if (k == 0.0)
        *power = law->zero_mode;
    else
        *power = k >= law->low && k <= law->high ? law->amplitude * pow(k, law->index) : 0.0;
    return SF_OK;
}

static sf_status create_power_law(power_law law, sf_spectrum **spectrum)
{
    static const sf_spectrum_kind kind = {power_law_power, NULL};
    power_law *own;

    *spectrum = NULL;
    if (!(law.amplitude >= 0.0) || !isfinite(law.amplitude) || !isfinite(law.index))
        return sf_fail(SF_ERR_ARGUMENT,
                       "P = %g k^%g: the amplitude must be finite and not negative, the index "
                       "finite",
                       law.amplitude, law.index);
    SF_TRY(sf_spectrum_zero_mode_check(law.zero_mode));
    SF_TRY(sf_spectrum_create(&kind, sizeof *own, &own, spectrum));
    *own = law;
    (*spectrum)->low = law.low;
    (*spectrum)->high = law.high;
    return SF_OK;
}

sf_status sf_spectrum_power_law(double amplitude, double index, double zero_mode,
                                sf_spectrum **spectrum)
{
    return create_power_law((power_law){amplitude, index, zero_mode, 0.0, INFINITY}, spectrum);
}

sf_status sf_spectrum_power_law_cut(double amplitude, double index, double low_cut, double high_cut,
                                    sf_spectrum **spectrum)
{
    *spectrum = NULL;
    if (!(low_cut >= 0.0) || !(high_cut >= 0.0) || !isfinite(low_cut) || !isfinite(high_cut) ||
        (high_cut > 0.0 && high_cut <= low_cut))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a power law between k = %g and %g: cuts are finite and increasing, 0 for "
                       "none",
                       low_cut, high_cut);
    return create_power_law(
        (power_law){amplitude, index, 0.0, low_cut, high_cut > 0.0 ? high_cut : INFINITY},
        spectrum);
}

typedef struct matern {
    double zero_mode, exponent; /* P = zero_mode (1 + (k scale)^2)^-exponent */
    double scale;
} matern;

static sf_status matern_power(const void *state, double k, double *power)
{
    const matern *m = state;
    const double x = k * m->scale;

    *power = m->zero_mode * exp(-m->exponent * log1p(x * x));
    return SF_OK;
}

sf_status sf_spectrum_matern(int axes, double sigma, double nu, double length,
                             sf_spectrum **spectrum)
{
    static const sf_spectrum_kind kind = {matern_power, NULL};
    const double half = 0.5 * axes, pi = acos(-1.0);
    double zero_mode;
    matern *own;

    *spectrum = NULL;
    if (axes < 1 || axes > 3)
        return sf_fail(SF_ERR_ARGUMENT, "a Matern spectrum for %d axes; there are 1 to 3", axes);
    if (!(sigma >= 0.0) || !(nu > 0.0) || !(length > 0.0) || !isfinite(sigma) || !isfinite(nu) ||
        !isfinite(length))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a Matern covariance of standard deviation %g, smoothness %g, length %g: "
                       "finite, the last two positive",
                       sigma, nu, length);
    zero_mode = sigma * sigma *
                exp(gsl_sf_lnpoch(nu, half) + half * log(2.0 * pi / nu) + axes * log(length));
    SF_TRY(sf_spectrum_zero_mode_check(zero_mode));
    SF_TRY(sf_spectrum_create(&kind, sizeof *own, &own, spectrum));
    *own = (matern){zero_mode, nu + half, length / sqrt(2.0 * nu)};
    return SF_OK;
}

typedef struct callback {
    double (*power)(double k, void *user);
    void *user;
} callback;

static sf_status callback_power(const void *state, double k, double *power)
{
    const callback *own = state;

    *power = own->power(k, own->user);
    return SF_OK;
}

sf_status sf_spectrum_callback(double (*power)(double k, void *user), void *user,
                               sf_spectrum **spectrum)
{
    static const sf_spectrum_kind kind = {callback_power, NULL};
    callback *own;

    *spectrum = NULL;
    if (power == NULL) return sf_fail(SF_ERR_ARGUMENT, "a spectrum by callback needs a function");
    SF_TRY(sf_spectrum_create(&kind, sizeof *own, &own, spectrum));
    *own = (callback){power, user};
    return SF_OK;
}
