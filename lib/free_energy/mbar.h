/* mbar.h - passes over the reduced potentials of MBAR. */
#ifndef SF_FREE_ENERGY_MBAR_H
#define SF_FREE_ENERGY_MBAR_H

#include "free_energy/estimate.h"

/* A pass goes through the samples in chunks, so that any number of them fits. */
typedef struct sf_mbar_pass {
    const sf_reduced_potentials *potentials;
    size_t chunk;      /* samples in one */
    double *log_count; /* states: log N_k; -inf for a state without samples */
    double *u;         /* a chunk's potentials, if they are read */
    double *w;         /* a chunk x states */
} sf_mbar_pass;

sf_status sf_mbar_pass_create(const sf_reduced_potentials *potentials, sf_mbar_pass *pass);
void sf_mbar_pass_destroy(sf_mbar_pass *pass);

/* gram (states x states) = sum over n of P_ni P_nj with P_nk = N_k W_nk, or W_nk for a state
 * without samples, which is left out (zero) unless `all`. */
sf_status sf_mbar_gram(sf_mbar_pass *pass, const double *f, bool all, double *gram);
/* log_sum[k] = log sum_n W_nk, largest[k] = log max_n W_nk, for all states. */
sf_status sf_mbar_sums(sf_mbar_pass *pass, const double *f, double *log_sum, double *largest);

#endif
