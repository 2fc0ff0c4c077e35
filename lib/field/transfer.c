/* transfer.c - fits of the matter transfer function T(k):
 *     Eisenstein & Hu 1998 (doi:10.1086/305424), eqs. 2-24 with wiggles, 26 and 28-31 without;
 *     Bardeen et al. 1986 (doi:10.1086/164143), eq. G3, with the shape parameter of
 *     Sugiyama 1995 (doi:10.1086/192220).
 * omega_m h^2 and the like are the paper's; k is in 1/Mpc. As in the authors' own program,
 * eq. 2 is 1 + z_eq; eq. 4 is z_d. */
#include <scorefield/field.h>

#include "field/cosmology.h"

#include <math.h>

static double square(double x) { return x * x; }

/* eqs. 4-6: the sound horizon at the drag epoch in Mpc, and R and 1 + z there */
static double drag_epoch(double m, double b, double theta, double *r_drag, double *one_plus_z)
{
    const double quartic = square(square(theta));
    const double z_eq = 2.5e4 * m / quartic, k_eq = 7.46e-2 * m / square(theta);
    const double b1 = 0.313 * pow(m, -0.419) * (1.0 + 0.607 * pow(m, 0.674));
    const double b2 = 0.238 * pow(m, 0.223);
    const double z_drag =
        1291.0 * pow(m, 0.251) / (1.0 + 0.659 * pow(m, 0.828)) * (1.0 + b1 * pow(b, b2));
    const double r_eq = 31.5 * b / quartic * 1e3 / z_eq;

    *one_plus_z = 1.0 + z_drag;
    *r_drag = 31.5 * b / quartic * 1e3 / *one_plus_z;
    return 2.0 / (3.0 * k_eq) * sqrt(6.0 / r_eq) *
           log((sqrt(1.0 + *r_drag) + sqrt(*r_drag + r_eq)) / (1.0 + sqrt(r_eq)));
}

/* eqs. 7, 10-12, 14-15, 23-24 */
static void fit_wiggles(double m, double b, double theta, sf_transfer_fit *fit)
{
    const double fb = b / m, fc = 1.0 - fb;
    const double a1 = pow(46.9 * m, 0.670) * (1.0 + pow(32.1 * m, -0.532));
    const double a2 = pow(12.0 * m, 0.424) * (1.0 + pow(45.0 * m, -0.582));
    const double b1 = 0.944 / (1.0 + pow(458.0 * m, -0.708)), b2 = pow(0.395 * m, -0.0266);
    double r_drag, one_plus_z, y, g;

    fit->horizon = drag_epoch(m, b, theta, &r_drag, &one_plus_z);
    fit->k_silk = 1.6 * pow(b, 0.52) * pow(m, 0.73) * (1.0 + pow(10.4 * m, -0.95));
    fit->alpha_c = pow(a1, -fb) * pow(a2, -fb * fb * fb);
    fit->beta_c = 1.0 / (1.0 + b1 * (pow(fc, b2) - 1.0));
    y = 2.5e4 * m / square(square(theta)) / one_plus_z;
    g = y * (-6.0 * sqrt(1.0 + y) +
             (2.0 + 3.0 * y) * log((sqrt(1.0 + y) + 1.0) / (sqrt(1.0 + y) - 1.0)));
    fit->alpha_b = 2.07 * fit->k_equality * fit->horizon * pow(1.0 + r_drag, -0.75) * g;
    fit->beta_b = 0.5 + fb + (3.0 - 2.0 * fb) * sqrt(square(17.2 * m) + 1.0);
    fit->beta_node = 8.41 * pow(m, 0.435);
}

sf_status sf_transfer_fit_make(const sf_cosmology *cosmology, sf_transfer form,
                               sf_transfer_fit *fit)
{
    const double h = cosmology->h, m = cosmology->omega_m * h * h, b = cosmology->omega_b * h * h;
    const double fb = cosmology->omega_b / cosmology->omega_m, theta = cosmology->t_cmb / 2.7;

    SF_TRY(sf_cosmology_check(cosmology));
    *fit = (sf_transfer_fit){.form = form, .baryons = fb};
    fit->k_equality = 7.46e-2 * m / square(theta);
    fit->gamma = m / square(theta); /* Gamma h, in 1/Mpc */
    switch (form) {
    case SF_TRANSFER_EH98:
        if (fb > 0.0) fit_wiggles(m, b, theta, fit);
        return SF_OK;
    case SF_TRANSFER_NOWIGGLE:
        fit->horizon = 44.5 * log(9.83 / m) / sqrt(1.0 + 10.0 * pow(b, 0.75));
        fit->alpha_gamma = 1.0 - 0.328 * log(431.0 * m) * fb + 0.38 * log(22.3 * m) * fb * fb;
        return SF_OK;
    case SF_TRANSFER_BBKS:
        fit->gamma *= exp(-cosmology->omega_b * (1.0 + sqrt(2.0 * h) / cosmology->omega_m));
        return SF_OK;
    }
    return sf_fail(SF_ERR_ARGUMENT, "there is no transfer function number %d", (int)form);
}

/* eqs. 19-20 */
static double pressureless(double q, double alpha, double beta)
{
    const double c = 14.2 / alpha + 386.0 / (1.0 + 69.9 * pow(q, 1.08));
    const double l = log(exp(1.0) + 1.8 * beta * q);

    return l / (l + c * q * q);
}

/* eqs. 16-18, 21-22 */
static double with_wiggles(const sf_transfer_fit *fit, double k)
{
    const double q = k / (13.41 * fit->k_equality), x = k * fit->horizon;
    const double f = 1.0 / (1.0 + square(square(x / 5.4)));
    double node, matter, baryons;

    if (fit->baryons == 0.0) return pressureless(q, 1.0, 1.0); /* no horizon of sound */
    if (k == 0.0) return 1.0;
    matter = f * pressureless(q, 1.0, fit->beta_c) +
             (1.0 - f) * pressureless(q, fit->alpha_c, fit->beta_c);
    node = x / cbrt(1.0 + pow(fit->beta_node / x, 3.0));
    baryons = pressureless(q, 1.0, 1.0) / (1.0 + square(x / 5.2)) +
              fit->alpha_b / (1.0 + pow(fit->beta_b / x, 3.0)) * exp(-pow(k / fit->k_silk, 1.4));
    baryons *= node > 0.0 ? sin(node) / node : 1.0;
    return fit->baryons * baryons + (1.0 - fit->baryons) * matter;
}

/* eqs. 28-30 */
static double without_wiggles(const sf_transfer_fit *fit, double k)
{
    const double suppression = 1.0 + square(square(0.43 * k * fit->horizon));
    const double alpha = fit->alpha_gamma + (1.0 - fit->alpha_gamma) / suppression;
    const double q = k / (fit->gamma * alpha);
    const double l = log(2.0 * exp(1.0) + 1.8 * q), c = 14.2 + 731.0 / (1.0 + 62.5 * q);

    return l / (l + c * q * q);
}

static double cold_matter(double q)
{
    const double x = 2.34 * q;
    const double polynomial =
        1.0 + 3.89 * q + square(16.1 * q) + pow(5.46 * q, 3.0) + square(square(6.71 * q));

    return (x > 0.0 ? log1p(x) / x : 1.0) * pow(polynomial, -0.25);
}

double sf_transfer_fit_at(const sf_transfer_fit *fit, double k)
{
    switch (fit->form) {
    case SF_TRANSFER_EH98: return with_wiggles(fit, k);
    case SF_TRANSFER_NOWIGGLE: return without_wiggles(fit, k);
    case SF_TRANSFER_BBKS: break;
    }
    return cold_matter(k / fit->gamma);
}

sf_status sf_transfer_at(const sf_cosmology *cosmology, sf_transfer transfer, double k, double *t)
{
    sf_transfer_fit fit;

    *t = NAN;
    SF_TRY(sf_transfer_fit_make(cosmology, transfer, &fit));
    if (!(k >= 0.0) || !isfinite(k))
        return sf_fail(SF_ERR_ARGUMENT, "k = %g; a wavenumber is finite and not negative", k);
    *t = sf_transfer_fit_at(&fit, cosmology->per_mpc ? k : k * cosmology->h);
    if (!isfinite(*t))
        return sf_fail(SF_ERR_NUMERIC,
                       "the fit of the transfer function gives T(%g) = %g for Om = %g, Ob = %g, "
                       "h = %g",
                       k, *t, cosmology->omega_m, cosmology->omega_b, cosmology->h);
    return SF_OK;
}
