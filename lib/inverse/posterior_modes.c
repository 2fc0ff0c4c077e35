/* posterior_modes.c - likelihoods where x_0 given x has a covariance C that is diagonal in Fourier
 * space. With m its mean, D or x itself,
 *     z = argmin |S^-1/2 (y - H z)|^2 + |C^-1/2 (z - m)|^2 = m + C H^T (S + H C H^T)^-1 (y - H m)
 * is one linear system (innovation.h), and
 *     EXACT, PROXIMAL  D_y = z                                m = D, C_k = 1/(1/lambda_k + 1/u^2)
 *     PIGDM            D_y = D + u^2 (dD/dx)^T C^-1 (z - D)   m = D, C = u^2 v/(u^2 + v)
 *     CONVOLVED        D_y = D + z - x                        m = x, C = u^2
 * Zhu et al. 2023 (arXiv:2305.08995) and Wang et al. 2023 (arXiv:2212.00490) for the proximal
 * form, Song et al. 2023 (ICLR, "Pseudoinverse-guided diffusion models"), Meng & Kabashima 2022
 * (arXiv:2211.12343). */
#include "inverse/posterior.h"

#include "base/internal.h"
#include "mcmc/chains.h"

#include <math.h>

/* A batch of such systems: z from `centre`. */
typedef struct job {
    const sf_conditioned *c;
    sf_mode_variances variances;
    bool data;
    const double *centre;
    double *z;
    size_t cells;
} job;

static sf_status solve_one(void *user, size_t b)
{
    const job *j = user;
    double residual;

    SF_TRY(sf_innovation_solve(j->c->observation, j->variances, j->data, j->centre + b * j->cells,
                               j->c->tolerance, j->c->iterations, j->z + b * j->cells, &residual));
    sf_conditioned_count(j->c, residual);
    return SF_OK;
}

/* z for every centre; without `data`, y = 0. */
static sf_status solve(const sf_conditioned *c, bool data, size_t batch, const double *centre,
                       double level, double *z)
{
    const sf_observation *o = c->observation;
    double *memory = NULL;
    sf_status status;
    job j = {.c = c, .data = data, .centre = centre, .z = z, .cells = sf_grid_size(&o->scene)};

    SF_GO(sf_conditioned_variances(c, level, &memory, &j.variances));
    SF_GO(sf_items_each(batch, solve_one, &j));
done:
    sf_free(memory);
    return status;
}

/* out is D; z - m becomes what is added to it. */
static sf_status combine(const sf_conditioned *c, size_t count, size_t batch, const double *x,
                         double level, double *z, double *out)
{
    switch (c->likelihood) {
    case SF_LIKELIHOOD_CONVOLVED:
        for (size_t i = 0; i < count; i++) out[i] += z[i] - x[i];
        return SF_OK;
    case SF_LIKELIHOOD_PIGDM:
        for (size_t i = 0; i < count; i++) z[i] -= out[i];
        return sf_posterior_add_pulled(c, batch, x, level, z,
                                       level * level / sf_conditioned_variance(c->variance, level),
                                       out);
    default:
        for (size_t i = 0; i < count; i++) out[i] = z[i];
        return SF_OK;
    }
}

sf_status sf_posterior_by_modes(const sf_conditioned *c, size_t batch, const double *x,
                                double level, double *out)
{
    const size_t count = batch * sf_grid_size(&c->observation->scene);
    const bool at_x = c->likelihood == SF_LIKELIHOOD_CONVOLVED;
    double *z = NULL;
    sf_status status;

    SF_GO(sf_allocate(&z, count, sizeof *z));
    SF_GO(sf_prior_denoise(c->prior, batch, x, level, out));
    SF_GO(solve(c, true, batch, at_x ? x : out, level, z));
    SF_GO(combine(c, count, batch, x, level, z, out));
done:
    sf_free(z);
    return status;
}

/* D_y is linear in x, and its derivative (H^T S^-1 H + C^-1)^-1/u^2 symmetric: what the same system
 * without data makes of the centre dD/dx v = C v/u^2. */
sf_status sf_posterior_exact_pull(const sf_conditioned *c, size_t batch, const double *x,
                                  double level, const double *v, double *denoised, double *out)
{
    const size_t count = batch * sf_grid_size(&c->observation->scene);
    double *centre = NULL;
    sf_status status;

    SF_GO(sf_allocate(&centre, count, sizeof *centre));
    SF_GO(sf_prior_pull(c->prior, batch, x, level, v, NULL, centre));
    SF_GO(solve(c, false, batch, centre, level, out));
    if (denoised != NULL) SF_GO(sf_posterior_by_modes(c, batch, x, level, denoised));
done:
    sf_free(centre);
    return status;
}

/* (y - H a)^T S^-1 (y - H b) */
static sf_status misfit_product(const sf_observation *o, const double *a, const double *b,
                                double *product)
{
    const size_t cells = o->values;
    double *misfit = NULL;
    sf_status status;

    SF_GO(sf_allocate(&misfit, 2 * cells, sizeof *misfit));
    SF_GO(sf_observation_misfit(o, a, misfit));
    SF_GO(sf_observation_misfit(o, b, misfit + cells));
    *product = sf_sum_product(misfit, misfit + cells, cells);
done:
    sf_free(misfit);
    return status;
}

/* y given x is N(H D, V), V = S + H C H^T, and V^-1 (y - H D) = S^-1 (y - H D_y). */
sf_status sf_posterior_exact_energy(const sf_conditioned *c, size_t batch, const double *x,
                                    double level, double *energy)
{
    const size_t cells = sf_grid_size(&c->observation->scene);
    double *mean = NULL, *z = NULL;
    sf_status status;

    if (!(level > 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "the energy of a posterior at noise level %g: it needs one above 0", level);
    SF_GO(sf_allocate(&mean, batch * cells, sizeof *mean));
    SF_GO(sf_allocate(&z, batch * cells, sizeof *z));
    SF_GO(sf_prior_denoise(c->prior, batch, x, level, mean));
    SF_GO(solve(c, true, batch, mean, level, z));
    SF_GO(sf_prior_energy(c->prior, batch, x, level, energy));
    for (size_t b = 0; b < batch; b++) {
        double product;

        SF_GO(misfit_product(c->observation, mean + b * cells, z + b * cells, &product));
        energy[b] += 0.5 * product;
    }
done:
    sf_free(mean);
    sf_free(z);
    return status;
}
