/* cosmology.c - Lambda-CDM and its kin: parameters, their text, and the expansion
 *     E^2 = omega_m a^-3 + omega_k a^-2 + omega_lambda a^(-3 (1 + w0 + wa)) exp(-3 wa (1 - a)),
 * without radiation (Chevallier & Polarski 2001, Linder 2003 for w = w0 + wa (1 - a)). */
#include <scorefield/field.h>

#include "field/cosmology.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

sf_cosmology sf_cosmology_default(void)
{
    return (sf_cosmology){
        .h = 0.6766,
        .omega_m = 0.3111,
        .omega_b = 0.02242 / (0.6766 * 0.6766),
        .omega_lambda = NAN,
        .w0 = -1.0,
        .wa = 0.0,
        .n_s = 0.9665,
        .sigma8 = 0.8102,
        .a_s = 2.105e-9,
        .k_pivot = 0.05,
        .t_cmb = 2.7255,
        .per_mpc = false,
    };
}

typedef struct parameter {
    const char *name;
    size_t offset;
    double low, high; /* both excluded */
    const char *meaning;
} parameter;

static const parameter parameters[] = {
    {"h", offsetof(sf_cosmology, h), 0.0, 10.0, "H_0 in 100 km/s/Mpc"},
    {"Om", offsetof(sf_cosmology, omega_m), 0.0, 100.0, "the density of all matter"},
    {"Ob", offsetof(sf_cosmology, omega_b), -1e-300, 100.0, "the density of baryons"},
    {"Ol", offsetof(sf_cosmology, omega_lambda), -100.0, 100.0, "the density of dark energy"},
    {"w0", offsetof(sf_cosmology, w0), -10.0, 1.0, "the equation of state today"},
    {"wa", offsetof(sf_cosmology, wa), -10.0, 10.0, "minus the slope of the equation of state"},
    {"ns", offsetof(sf_cosmology, n_s), -10.0, 10.0, "the primordial index"},
    {"s8", offsetof(sf_cosmology, sigma8), 0.0, 100.0, "the rms in spheres of 8 Mpc/h"},
    {"As", offsetof(sf_cosmology, a_s), 0.0, 1.0, "the primordial amplitude"},
    {"kp", offsetof(sf_cosmology, k_pivot), 0.0, 1e6, "the pivot in 1/Mpc"},
    {"T", offsetof(sf_cosmology, t_cmb), 0.0, 100.0, "the background's temperature in K"},
};
enum { PARAMETERS = sizeof parameters / sizeof *parameters };

static double *member(sf_cosmology *cosmology, const parameter *which)
{
    return (double *)((char *)cosmology + which->offset);
}

sf_status sf_cosmology_check(const sf_cosmology *cosmology)
{
    sf_cosmology c = *cosmology;

    /* what is not given is not checked: the dark energy of a flat one, one of the amplitudes */
    if (isnan(c.omega_lambda)) c.omega_lambda = 1.0 - c.omega_m;
    if (isnan(c.sigma8))
        c.sigma8 = 1.0;
    else
        c.a_s = c.k_pivot = 0.5;
    for (int i = 0; i < PARAMETERS; i++) {
        const parameter *p = &parameters[i];
        const double value = *member(&c, p);

        if (!(value > p->low && value < p->high))
            return sf_fail(SF_ERR_ARGUMENT, "cosmology: %s = %g, %s, lies between %g and %g",
                           p->name, value, p->meaning, p->low, p->high);
    }
    if (c.omega_b > c.omega_m)
        return sf_fail(SF_ERR_ARGUMENT,
                       "cosmology: Ob = %g is more than Om = %g, which is all matter, baryons too",
                       c.omega_b, c.omega_m);
    if (!(c.w0 + c.wa < 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "cosmology: w0 + wa = %g is not negative: dark energy would rule the early "
                       "universe",
                       c.w0 + c.wa);
    return SF_OK;
}

sf_status sf_redshift_check(double redshift)
{
    if (!(redshift >= 0.0) || !isfinite(redshift))
        return sf_fail(SF_ERR_ARGUMENT, "a redshift of %g; it is finite and not negative",
                       redshift);
    return SF_OK;
}

static const parameter *find(const char *name, size_t length)
{
    for (int i = 0; i < PARAMETERS; i++)
        if (strlen(parameters[i].name) == length && strncmp(name, parameters[i].name, length) == 0)
            return &parameters[i];
    return NULL;
}

/* One "key=value" at *text, which moves behind it; *seen: bit i for parameter i. */
static sf_status parse_one(const char **text, unsigned *seen, sf_cosmology *cosmology)
{
    const size_t length = strcspn(*text, "=,");
    const parameter *p = find(*text, length);
    char *end;
    double value;

    if (p == NULL || (*text)[length] != '=')
        return sf_fail(SF_ERR_ARGUMENT,
                       "cosmology: \"%s\" does not begin with one of h=, Om=, Ob=, Ol=, w0=, wa=, "
                       "ns=, s8=, As=, kp=, T=",
                       *text);
    value = sf_text_to_number(*text + length + 1, &end);
    if (end == *text + length + 1 || (*end != ',' && *end != '\0') || !isfinite(value))
        return sf_fail(SF_ERR_ARGUMENT, "cosmology: \"%s\": %s wants a number", *text, p->name);
    if ((*seen & 1U << (p - parameters)) != 0)
        return sf_fail(SF_ERR_ARGUMENT, "cosmology: %s is given twice", p->name);
    *seen |= 1U << (p - parameters);
    *member(cosmology, p) = value;
    *text = end;
    return SF_OK;
}

sf_status sf_cosmology_parse(const char *text, sf_cosmology *cosmology)
{
    sf_cosmology c = *cosmology;
    const unsigned sigma8 = 1U << (find("s8", 2) - parameters);
    const unsigned a_s = 1U << (find("As", 2) - parameters);
    unsigned seen = 0;

    for (;; text++) {
        SF_TRY(parse_one(&text, &seen, &c));
        if (*text == '\0') break;
    }
    if ((seen & a_s) != 0 && (seen & sigma8) != 0)
        return sf_fail(SF_ERR_ARGUMENT,
                       "cosmology: As = %g and s8 = %g are both given; either one is the amplitude",
                       c.a_s, c.sigma8);
    if ((seen & a_s) != 0) c.sigma8 = NAN;
    SF_TRY(sf_cosmology_check(&c));
    *cosmology = c;
    return SF_OK;
}

double sf_expansion_at(const sf_cosmology *cosmology, double a, double *slope)
{
    const sf_cosmology *c = cosmology;
    const double dark = isnan(c->omega_lambda) ? 1.0 - c->omega_m : c->omega_lambda;
    const double w = c->w0 + c->wa * (1.0 - a);
    const double matter = c->omega_m / (a * a * a);
    const double curvature = (1.0 - c->omega_m - dark) / (a * a);
    const double energy =
        dark * pow(a, -3.0 * (1.0 + c->w0 + c->wa)) * exp(-3.0 * c->wa * (1.0 - a));
    const double square = matter + curvature + energy;

    if (!(square > 0.0)) return NAN;
    *slope = -0.5 * (3.0 * matter + 2.0 * curvature + 3.0 * (1.0 + w) * energy) / square;
    return sqrt(square);
}

sf_status sf_expansion(const sf_cosmology *cosmology, double redshift, double *e)
{
    double slope;

    *e = NAN;
    SF_TRY(sf_cosmology_check(cosmology));
    SF_TRY(sf_redshift_check(redshift));
    *e = sf_expansion_at(cosmology, 1.0 / (1.0 + redshift), &slope);
    if (isnan(*e))
        return sf_fail(SF_ERR_ARGUMENT,
                       "cosmology: with Om = %g and Ol = %g the expansion never passed redshift %g",
                       cosmology->omega_m, cosmology->omega_lambda, redshift);
    return SF_OK;
}
