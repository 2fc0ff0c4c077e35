/* cosmology.h - what the files about cosmologies share. */
#ifndef SF_FIELD_COSMOLOGY_H
#define SF_FIELD_COSMOLOGY_H

#include <scorefield/field.h>

#include "base/internal.h"

/* SF_ERR_ARGUMENT with the parameter and its value if the cosmology is not one. */
sf_status sf_cosmology_check(const sf_cosmology *cosmology);
/* The same for a redshift: finite, not negative. */
sf_status sf_redshift_check(double redshift);

/* E = H/H_0 at the scale factor a and dlnE/dlna; E is NaN where E^2 is not positive. */
double sf_expansion_at(const sf_cosmology *cosmology, double a, double *slope);

/* The growth factor that is a in the matter era, D -> a for a -> 0, and f. */
sf_status sf_growth_early(const sf_cosmology *cosmology, double redshift, double *d, double *f);

/* T at k in 1/Mpc, of a cosmology that has been checked. */
typedef struct sf_transfer_fit {
    sf_transfer form;
    double baryons;         /* omega_b / omega_m */
    double k_equality;      /* 1/Mpc */
    double horizon, k_silk; /* sound horizon in Mpc (eq. 6, or 26 without wiggles), 1/Mpc */
    double alpha_c, beta_c, alpha_b, beta_b, beta_node;
    double gamma, alpha_gamma; /* shape in 1/Mpc over theta^2, and its suppression (eq. 31) */
} sf_transfer_fit;

sf_status sf_transfer_fit_make(const sf_cosmology *cosmology, sf_transfer form,
                               sf_transfer_fit *fit);
double sf_transfer_fit_at(const sf_transfer_fit *fit, double k);

#endif
