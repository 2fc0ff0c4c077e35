/* spectrum_cosmology.c - the linear matter spectrum of a cosmology, P = A k^ns T^2 D^2. The
 * amplitude by sigma8 at redshift 0, or by the primordial spectrum of the curvature,
 *     k^3 P_R / (2 pi^2) = A_s (k/k_pivot)^(ns - 1):
 *     delta = 2/5 (c k/H_0)^2 T D R / omega_m, D -> a for a -> 0,
 *     P = 8 pi^2/25 A_s (c/H_0)^4 k (k/k_pivot)^(ns - 1) T^2 D^2 / omega_m^2. */
#include <scorefield/field.h>

#include "field/cosmology.h"
#include "field/spectrum.h"

#include <math.h>

#define LIGHT 2997.92458 /* c/H_0 in Mpc/h */

typedef struct matter {
    sf_transfer_fit fit;
    double amplitude, index;
    double h;          /* k in 1/Mpc = h times k in h/Mpc */
    double k_unit;     /* h/Mpc in the spectrum's unit of k */
    double power_unit; /* (Mpc/h)^3 in the spectrum's unit of P */
} matter;

static sf_status matter_power(const void *state, double k, double *power)
{
    const matter *m = state;
    const double in_h = k * m->k_unit, t = sf_transfer_fit_at(&m->fit, in_h * m->h);

    *power = k > 0.0 ? m->amplitude * pow(in_h, m->index) * t * t * m->power_unit : 0.0;
    return SF_OK;
}

/* P at redshift 0 by sigma8: of the spectrum as it is, amplitude 1, in Mpc/h */
static sf_status amplitude_by_sigma8(const sf_cosmology *c, const sf_spectrum *spectrum,
                                     double *amplitude)
{
    double sigma;

    SF_TRY(sf_spectrum_sigma(spectrum, 8.0, 0.0, 0.0, &sigma));
    *amplitude = c->sigma8 * c->sigma8 / (sigma * sigma);
    return SF_OK;
}

static double amplitude_by_curvature(const sf_cosmology *c, double growth)
{
    const double pi = acos(-1.0), length = LIGHT * LIGHT * growth / c->omega_m;

    return 8.0 * pi * pi / 25.0 * c->a_s * length * length * pow(c->k_pivot / c->h, 1.0 - c->n_s);
}

sf_status sf_spectrum_cosmology(const sf_cosmology *cosmology, sf_transfer transfer,
                                double redshift, sf_spectrum **spectrum)
{
    static const sf_spectrum_kind kind = {matter_power, NULL};
    const sf_cosmology *c = cosmology;
    double then, now, f;
    sf_transfer_fit fit;
    sf_status status;
    matter *own;

    *spectrum = NULL;
    SF_GO(sf_transfer_fit_make(c, transfer, &fit));
    SF_GO(sf_growth_early(c, redshift, &then, &f));
    SF_GO(sf_growth_early(c, 0.0, &now, &f));
    SF_GO(sf_spectrum_create(&kind, sizeof *own, &own, spectrum));
    *own = (matter){fit, 1.0, c->n_s, c->h, 1.0, 1.0};
    if (isnan(c->sigma8)) {
        own->amplitude = amplitude_by_curvature(c, then);
    } else {
        SF_GO(amplitude_by_sigma8(c, *spectrum, &own->amplitude));
        own->amplitude *= (then / now) * (then / now);
    }
    if (c->per_mpc) {
        own->k_unit = 1.0 / c->h;
        own->power_unit = 1.0 / (c->h * c->h * c->h);
    }
done:
    if (status != SF_OK) sf_spectrum_release(spectrum);
    return status;
}
