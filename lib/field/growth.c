/* growth.c - the linear growth of density, matter without pressure and without radiation:
 *     w = -1:  D = 5/2 omega_m E int_0^a da' / (a' E)^3   (Heath 1977, curvature too)
 *     else:    df/dlna = 3/2 omega_m / (a^3 E^2) - f^2 - (2 + dlnE/dlna) f,  dlnD/dlna = f.
 * Both give D = a in the matter era. */
#include <scorefield/field.h>

#include "field/cosmology.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_odeiv2.h>
#include <math.h>

#define START  (-18.0) /* ln a, where a cosmology is matter alone to one part in 10^8 */
#define STEPS  400
#define NODES  32 /* Gauss-Legendre, in each of */
#define PANELS 16 /* the pieces of 0 < sqrt(a) */

/* With a = u^2 the integrand is 2 u^4 / (a^3 E^2)^(3/2), smooth at 0. */
static double growth_integral(const sf_cosmology *cosmology, double a)
{
    gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(NODES);
    const double width = sqrt(a) / PANELS;
    double sum = 0.0, slope;

    for (int p = 0; p < PANELS; p++)
        for (size_t i = 0; i < NODES; i++) {
            double u, weight, e;

            (void)gsl_integration_glfixed_point(p * width, (p + 1) * width, i, &u, &weight, rule);
            e = u * u * sf_expansion_at(cosmology, u * u, &slope);
            sum += 2.0 * weight * u / (e * e * e);
        }
    gsl_integration_glfixed_table_free(rule);
    return sum;
}

static void by_quadrature(const sf_cosmology *cosmology, double a, double *d, double *f)
{
    double slope;
    const double e = sf_expansion_at(cosmology, a, &slope);
    const double integral = growth_integral(cosmology, a);

    *d = 2.5 * cosmology->omega_m * e * integral;
    *f = slope + 1.0 / (a * a * e * e * e * integral);
}

/* y = (ln D/a, f) */
static int growth_equation(double log_a, const double y[], double rate[], void *cosmology)
{
    const sf_cosmology *c = cosmology;
    const double a = exp(log_a);
    double slope;
    const double e = sf_expansion_at(c, a, &slope);

    if (isnan(e)) return GSL_EBADFUNC;
    rate[0] = y[1] - 1.0;
    rate[1] = 1.5 * c->omega_m / (a * a * a * e * e) - y[1] * y[1] - (2.0 + slope) * y[1];
    return GSL_SUCCESS;
}

static sf_status by_equation(const sf_cosmology *cosmology, double a, double *d, double *f)
{
    sf_cosmology own = *cosmology;
    const gsl_odeiv2_system system = {growth_equation, NULL, 2, &own};
    const double step = (log(a) - START) / STEPS;
    double y[2] = {0.0, 1.0}, log_a = START;
    gsl_odeiv2_driver *driver =
        gsl_odeiv2_driver_alloc_y_new(&system, gsl_odeiv2_step_rk8pd, step, 1e-8, 1e-8);
    int code;

    if (driver == NULL) return sf_fail(SF_ERR_MEMORY, "no memory for the growth equation");
    code = gsl_odeiv2_driver_apply_fixed_step(driver, &log_a, step, STEPS, y);
    gsl_odeiv2_driver_free(driver);
    *d = code == GSL_SUCCESS ? a * exp(y[0]) : NAN;
    *f = y[1];
    return SF_OK;
}

sf_status sf_growth_early(const sf_cosmology *cosmology, double redshift, double *d, double *f)
{
    const double a = 1.0 / (1.0 + redshift);

    *d = *f = NAN;
    SF_TRY(sf_cosmology_check(cosmology));
    SF_TRY(sf_redshift_check(redshift));
    if (cosmology->w0 == -1.0 && cosmology->wa == 0.0)
        by_quadrature(cosmology, a, d, f);
    else
        SF_TRY(by_equation(cosmology, a, d, f));
    if (!isfinite(*d) || !isfinite(*f))
        return sf_fail(SF_ERR_ARGUMENT,
                       "cosmology: nothing grows from a hot beginning to redshift %g with Om = %g, "
                       "Ol = %g, w0 = %g, wa = %g",
                       redshift, cosmology->omega_m, cosmology->omega_lambda, cosmology->w0,
                       cosmology->wa);
    return SF_OK;
}

sf_status sf_growth(const sf_cosmology *cosmology, double redshift, double *d, double *f)
{
    double then = NAN, now = NAN, rate = NAN, unused;
    sf_status status;

    SF_GO(sf_growth_early(cosmology, redshift, &then, &rate));
    SF_GO(sf_growth_early(cosmology, 0.0, &now, &unused));
done:
    if (d != NULL) *d = status == SF_OK ? then / now : NAN;
    if (f != NULL) *f = status == SF_OK ? rate : NAN;
    return status;
}
