/* corrector.c - Langevin moves at a fixed noise level u, on x = x_0 + u n with s the prior's score:
 *     x' = x + R (d R s(x) + sqrt(2 d) e),   R = M^1/2, e ~ N(0, I),
 * with d and R = 1 by Song's rule (2021, arXiv:2011.13456, algorithm 4), or with d fixed and M
 * given mode by mode; and the same accepted with probability min(1, A) (Roberts & Tweedie 1996),
 *     log A = E(x) - E(x') + |e|^2/2 - |sqrt(2) e + sqrt(d) R (s(x) + s(x'))|^2/4. */
#include "diffusion/corrector.h"

#include "base/internal.h"
#include "mcmc/chains.h"
#include "mcmc/lanes.h"

#include <math.h>
#include <string.h>

struct sf_correction {
    const sf_prior *prior;
    const sf_sample_options *options;
    sf_random random;
    size_t batch, size;
    sf_fft *fft;      /* with `precondition` only, as */
    double *root;     /* R, half spectrum; and */
    sf_complex *work; /* half a spectrum for every sample */
    double scale;     /* R without `precondition` */
    double *drift;    /* R s, batch x size */
    double *noise;    /* e */
    /* Metropolis: the same at x', and the energies of both */
    double *trial, *trial_drift, *energy, *trial_energy;
    /* of the move at hand */
    uint64_t slot;
    double *x;
    bool *taken;
};

static bool adjusted(const sf_correction *c) { return c->options->corrector == SF_CORRECTOR_MALA; }

static bool by_mode(const sf_correction *c)
{
    return c->options->precondition != NULL && c->options->corrector != SF_CORRECTOR_LANGEVIN;
}

void sf_correction_release(sf_correction **correction)
{
    sf_correction *c = *correction;

    if (c == NULL) return;
    sf_fft_release(&c->fft);
    sf_free(c->root);
    sf_free(c->work);
    sf_free(c->drift);
    sf_free(c->noise);
    sf_free(c->trial);
    sf_free(c->trial_drift);
    sf_free(c->energy);
    sf_free(c->trial_energy);
    sf_free(c->taken);
    sf_free(c);
    *correction = NULL;
}

static sf_status allocate(sf_correction *c, size_t values)
{
    const sf_grid *grid = sf_prior_grid(c->prior);
    const size_t half = sf_grid_half_size(grid);
    size_t modes;

    SF_TRY(sf_allocate(&c->drift, values, sizeof *c->drift));
    SF_TRY(sf_allocate(&c->noise, values, sizeof *c->noise));
    if (by_mode(c)) {
        if (!sf_multiply_sizes(c->batch, half, &modes))
            return sf_fail(SF_ERR_ARGUMENT, "a batch of %zu spectra is more than memory holds",
                           c->batch);
        SF_TRY(sf_fft_create(grid, &c->fft));
        SF_TRY(sf_allocate(&c->root, half, sizeof *c->root));
        SF_TRY(sf_allocate(&c->work, modes, sizeof *c->work));
    }
    if (!adjusted(c)) return SF_OK;
    SF_TRY(sf_allocate(&c->trial, values, sizeof *c->trial));
    SF_TRY(sf_allocate(&c->trial_drift, values, sizeof *c->trial_drift));
    SF_TRY(sf_allocate(&c->energy, c->batch, sizeof *c->energy));
    SF_TRY(sf_allocate(&c->trial_energy, c->batch, sizeof *c->trial_energy));
    return sf_allocate(&c->taken, c->batch, sizeof *c->taken);
}

sf_status sf_correction_create(const sf_prior *prior, const sf_sample_options *options,
                               size_t batch, sf_correction **correction)
{
    sf_correction *c = NULL;
    sf_status status;

    *correction = NULL;
    SF_GO(sf_allocate(&c, 1, sizeof *c));
    c->prior = prior;
    c->options = options;
    c->random = sf_random_make(options->seed, options->stream);
    c->batch = batch;
    c->size = sf_grid_size(sf_prior_grid(prior));
    SF_GO(allocate(c, batch * c->size));
    *correction = c;
    return SF_OK;
done:
    sf_correction_release(&c);
    return status;
}

/* R at this level. */
static sf_status set_root(sf_correction *c, double level)
{
    const sf_grid *grid = sf_prior_grid(c->prior);
    const size_t half = sf_grid_half_size(grid);

    c->scale = c->options->corrector == SF_CORRECTOR_LANGEVIN ? 1.0 : level;
    if (!by_mode(c)) return SF_OK;
    SF_TRY(c->options->precondition(c->options->user, grid, level, c->root));
    for (size_t k = 0; k < half; k++) {
        if (!(c->root[k] >= 0.0) || !isfinite(c->root[k]))
            return sf_fail(SF_ERR_NUMERIC,
                           "preconditioner of mode %zu at noise level %g is %g, where only finite "
                           "values from 0 on can be",
                           k, level, c->root[k]);
        c->root[k] = sqrt(c->root[k]);
    }
    return SF_OK;
}

/* row <- R row, of sample b. */
static sf_status apply_root(const sf_correction *c, size_t b, double *row)
{
    if (by_mode(c))
        return sf_fft_filter(c->fft, c->root,
                             c->work + b * sf_grid_half_size(sf_prior_grid(c->prior)), row);
    for (size_t i = 0; i < c->size; i++) row[i] *= c->scale;
    return SF_OK;
}

/* Song's rule for a sample's step; where the score is 0 the sample stays. */
static double step_of(const sf_correction *c, const double *noise, const double *score)
{
    const double square = sf_lanes_square(c->size, score);

    if (c->options->corrector != SF_CORRECTOR_LANGEVIN) return c->options->step;
    return square > 0.0
               ? 2.0 * c->options->snr * c->options->snr * sf_lanes_square(c->size, noise) / square
               : 0.0;
}

/* x' of sample b, in place or, adjusted, as trial. */
static sf_status propose(void *user, size_t b)
{
    sf_correction *c = user;
    const size_t n = c->size;
    const double *drift = c->drift + b * n;
    double *x = c->x + b * n, *noise = c->noise + b * n;
    double *target = adjusted(c) ? c->trial + b * n : x, d, root2d;

    sf_random_normal(c->random, c->options->first + b, c->slot * n, n, noise);
    d = step_of(c, noise, drift);
    root2d = sqrt(2.0 * d);
    /* the increment is made in the noise's place, and the noise again where it is needed */
    for (size_t i = 0; i < n; i++) noise[i] = d * drift[i] + root2d * noise[i];
    SF_TRY(apply_root(c, b, noise));
    for (size_t i = 0; i < n; i++) target[i] = x[i] + noise[i];
    return SF_OK;
}

static sf_status root_of_drift(void *user, size_t b)
{
    const sf_correction *c = user;

    return apply_root(c, b, c->drift + b * c->size);
}

static sf_status root_of_trial_drift(void *user, size_t b)
{
    const sf_correction *c = user;

    return apply_root(c, b, c->trial_drift + b * c->size);
}

/* Metropolis' choice for sample b. */
static sf_status choose(void *user, size_t b)
{
    sf_correction *c = user;
    const size_t n = c->size;
    const double root = sqrt(c->options->step);
    const double *drift = c->drift + b * n, *trial_drift = c->trial_drift + b * n;
    double *noise = c->noise + b * n, there, uniform;

    sf_random_normal(c->random, c->options->first + b, c->slot * n, n, noise);
    sf_random_uniform(c->random, c->options->first + b, c->slot, 1, &uniform);
    there = sf_lanes_square(n, noise);
    for (size_t i = 0; i < n; i++)
        noise[i] = sqrt(2.0) * noise[i] + root * (drift[i] + trial_drift[i]);
    c->taken[b] = log(uniform) < c->energy[b] - c->trial_energy[b] + 0.5 * there -
                                     0.25 * sf_lanes_square(n, noise);
    if (!c->taken[b]) return SF_OK;
    memcpy(c->x + b * n, c->trial + b * n, n * sizeof *c->x);
    memcpy(c->drift + b * n, trial_drift, n * sizeof *c->drift);
    c->energy[b] = c->trial_energy[b];
    return SF_OK;
}

/* What of x every move begins with: R s, and for Metropolis the energy. */
static sf_status look(sf_correction *c, double level)
{
    SF_TRY(sf_prior_score(c->prior, c->batch, c->x, level, c->drift));
    SF_TRY(sf_items_each(c->batch, root_of_drift, c));
    if (!adjusted(c)) return SF_OK;
    return sf_prior_energy(c->prior, c->batch, c->x, level, c->energy);
}

static sf_status adjust(sf_correction *c, double level, size_t *accepted)
{
    SF_TRY(sf_prior_score(c->prior, c->batch, c->trial, level, c->trial_drift));
    SF_TRY(sf_prior_energy(c->prior, c->batch, c->trial, level, c->trial_energy));
    SF_TRY(sf_items_each(c->batch, root_of_trial_drift, c));
    SF_TRY(sf_items_each(c->batch, choose, c));
    for (size_t b = 0; b < c->batch; b++) *accepted += c->taken[b];
    return SF_OK;
}

sf_status sf_correction_move(sf_correction *c, double level, uint64_t first_slot, double *x,
                             size_t *evaluations, size_t *accepted)
{
    c->x = x;
    SF_TRY(set_root(c, level));
    for (size_t move = 0; move < c->options->corrections; move++) {
        c->slot = first_slot + move;
        if (move == 0 || !adjusted(c)) {
            SF_TRY(look(c, level));
            ++*evaluations;
        }
        SF_TRY(sf_items_each(c->batch, propose, c));
        if (!adjusted(c)) continue;
        SF_TRY(adjust(c, level, accepted));
        ++*evaluations;
    }
    return SF_OK;
}
