/* mbar.h - what MBAR has found, and passes over its reduced potentials. */
#ifndef SF_FREE_ENERGY_MBAR_H
#define SF_FREE_ENERGY_MBAR_H

#include "free_energy/estimate.h"

struct sf_mbar {
    size_t states, samples, iterations;
    bool converged;
    bool singular; /* groups of states share no samples */
    double *counts, *f;
    double *products; /* W^T W */
    double *theta;
    double *largest; /* of each state's weights, whose sum is 1 */
    size_t *group;   /* of states that overlap, by its first one */
    size_t unknowns; /* the sampled states but the first one */
    size_t *unknown; /* which ones */
    double *hessian; /* Cholesky factor (upper) of H among them, unless singular */
};

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

/* pass->w (count x states) = P_nk of samples first ... first + count - 1, at most a chunk: N_k
 * W_nk, or W_nk for a state without samples, which is left out (zero) unless `all`. */
sf_status sf_mbar_rows(sf_mbar_pass *pass, const double *f, bool all, size_t first, size_t count);
/* gram (states x states) = sum over n of P_ni P_nj. */
sf_status sf_mbar_gram(sf_mbar_pass *pass, const double *f, bool all, double *gram);
/* log_sum[k] = log sum_n W_nk, largest[k] = log max_n W_nk, for all states. */
sf_status sf_mbar_sums(sf_mbar_pass *pass, const double *f, double *log_sum, double *largest);

#endif
