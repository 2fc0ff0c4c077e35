/* spectrum_moments.c - what a spectrum says of fields in configuration space: the standard
 * deviation in spheres, and the correlation function. */
#include <scorefield/field.h>

#include "field/spectrum_integral.h"

#include <complex.h>
#include <math.h>

/* W^2 of the top hat, W = 3 (sin x - x cos x)/x^3; for small x by its series, where the
 * difference cancels */
static double sphere(double x)
{
    double w;

    if (x < 1.0) {
        double term = 1.0;

        w = 0.0;
        for (int n = 1; fabs(term) > 1e-18; n++) {
            w += term;
            term *= -x * x / (2.0 * n * (2.0 * n + 3.0));
        }
    } else {
        w = 3.0 * (sin(x) - x * cos(x)) / (x * x * x);
    }
    return w * w;
}

static double sphere_smooth(double x) { return 4.5 * (1.0 + x * x) / pow(x, 6.0); }
static sf_complex sphere_envelope(double x) { return 4.5 * (x + I) * (x + I) / pow(x, 6.0); }

static double cosine(double x) { return cos(x); }
static sf_complex cosine_envelope(double x)
{
    (void)x;
    return 1.0;
}

/* J_0 = Re H, by Hankel's series (Abramowitz & Stegun 1964, 9.2.7) for large x */
static double bessel(double x) { return j0(x); }
static sf_complex bessel_envelope(double x)
{
    sf_complex term = 1.0, sum = 0.0;

    for (int n = 1; n <= 8; n++) {
        sum += term;
        term *= -I * (2.0 * n - 1.0) * (2.0 * n - 1.0) / (8.0 * n * x);
    }
    return sqrt(1.0 / (acos(-1.0) * x)) * (1.0 - I) * sum;
}

static double sinc(double x) { return x > 0.0 ? sin(x) / x : 1.0; }
static sf_complex sinc_envelope(double x) { return -I / x; }

sf_status sf_spectrum_sigma(const sf_spectrum *spectrum, double radius, double kmin, double kmax,
                            double *sigma)
{
    static const sf_kernel kernel = {2.0, sphere, sphere_smooth, sphere_envelope};
    const double pi = acos(-1.0);
    sf_pieces *pieces;

    *sigma = NAN;
    if (!(radius >= 0.0) || !isfinite(radius))
        return sf_fail(SF_ERR_ARGUMENT, "spheres of radius %g; it is finite and not negative",
                       radius);
    SF_TRY(sf_pieces_create(spectrum, 2, kmin, kmax, &pieces));
    *sigma = sqrt(sf_pieces_integrate(pieces, &kernel, radius) / (2.0 * pi * pi));
    sf_pieces_release(&pieces);
    return SF_OK;
}

sf_status sf_spectrum_correlation(const sf_spectrum *spectrum, int axes, const double *r,
                                  size_t count, double kmin, double kmax, double *xi)
{
    static const sf_kernel kernels[] = {{1.0, cosine, NULL, cosine_envelope},
                                        {1.0, bessel, NULL, bessel_envelope},
                                        {1.0, sinc, NULL, sinc_envelope}};
    const double pi = acos(-1.0), measure[] = {1.0 / pi, 0.5 / pi, 0.5 / (pi * pi)};
    sf_pieces *pieces;

    if (axes < 1 || axes > 3)
        return sf_fail(SF_ERR_ARGUMENT, "a correlation function in %d dimensions; there are 1 to 3",
                       axes);
    for (size_t i = 0; i < count; i++)
        if (!(r[i] >= 0.0) || !isfinite(r[i]))
            return sf_fail(SF_ERR_ARGUMENT,
                           "a correlation at distance %g (number %zu); it is finite and not "
                           "negative",
                           r[i], i + 1);
    SF_TRY(sf_pieces_create(spectrum, axes - 1, kmin, kmax, &pieces));
    for (size_t i = 0; i < count; i++)
        xi[i] = measure[axes - 1] * sf_pieces_integrate(pieces, &kernels[axes - 1], r[i]);
    sf_pieces_release(&pieces);
    return SF_OK;
}
