/* posterior_moments.c - likelihoods whose covariance C of x_0 given x is the denoiser's Jacobian
 * (Tweedie: Cov[x_0 | x] = u^2 dD/dx):
 *     MOMENT_MATCHING  D_y = D + C H^T v,              C = u^2 dD/dx, a pull for each product
 *     DIAGONAL         D_y = D + u^2 (dD/dx)^T H^T v,  C = diag(u^2 (dD/dx)^T 1), not below 0
 * with (S + H C H^T) v = y - H D on the observed pixels, scaled and preconditioned as innovation.h
 * has it, for the C_k that the options tell (or the mean of diag C). A network's Jacobian is
 * neither symmetric nor positive, and conjugate gradients may run away from the solution; so these
 * are conjugate residuals (Stiefel 1955; Vinsome's Orthomin(1), 1976), whose every step makes the
 * residual as small as it can along its direction, whatever the matrix is. All items of a batch run
 * together, so that the prior is asked about many at once; each stops at its own tolerance.
 *
 * Rozet et al. 2024 (arXiv:2405.13712); Boys et al. 2023 (arXiv:2310.06721). */
#include "inverse/posterior.h"

#include "base/internal.h"
#include "mcmc/chains.h"
#include "mcmc/lanes.h"

#include <math.h>
#include <string.h>

/* r^T M^-1 r has to fall to this part of itself in every step. */
#define PROGRESS 0.999

typedef struct system {
    const sf_conditioned *c;
    double level;
    const double *mean; /* D */
    size_t batch, cells, half;
    size_t values; /* of r, z, ahead and back: the pixels' cells */
    /* of each item */
    double *r, *z;        /* residual, preconditioned */
    double *ahead, *back; /* the matrix times the direction, preconditioned; ... */
    double *more;         /* ... and C s, or (DIAGONAL) s, of that direction; */
    double *sum;          /* of these over the steps */
    double *gain;         /* DIAGONAL: diag C */
    double *m;            /* the preconditioner */
    double *scale;        /* q */
    double *rho, *target; /* r^T M^-1 r, and what it has to be */
    bool *done;
    /* of each slot, where the items that are not done stand in a row */
    size_t slots, *item;
    double *x, *s, *t; /* x; s = H^T q z; t = C s */
    double *image;     /* in the pixels' cells */
} system;

static void finish(system *a)
{
    sf_free(a->r);
    sf_free(a->z);
    sf_free(a->ahead);
    sf_free(a->back);
    sf_free(a->more);
    sf_free(a->sum);
    sf_free(a->gain);
    sf_free(a->m);
    sf_free(a->scale);
    sf_free(a->rho);
    sf_free(a->target);
    sf_free(a->done);
    sf_free(a->item);
    sf_free(a->x);
    sf_free(a->s);
    sf_free(a->t);
    sf_free(a->image);
}

static bool diagonal(const system *a) { return a->c->likelihood == SF_LIKELIHOOD_DIAGONAL; }

static sf_status prepare(system *a)
{
    const size_t count = a->batch * a->cells, seen = a->batch * a->values;

    SF_TRY(sf_allocate(&a->r, seen, sizeof *a->r));
    SF_TRY(sf_allocate(&a->z, seen, sizeof *a->z));
    SF_TRY(sf_allocate(&a->ahead, seen, sizeof *a->ahead));
    SF_TRY(sf_allocate(&a->back, seen, sizeof *a->back));
    SF_TRY(sf_allocate(&a->image, seen, sizeof *a->image));
    SF_TRY(sf_allocate(&a->more, count, sizeof *a->more));
    SF_TRY(sf_allocate(&a->sum, count, sizeof *a->sum));
    SF_TRY(sf_allocate(&a->rho, a->batch, sizeof *a->rho));
    SF_TRY(sf_allocate(&a->target, a->batch, sizeof *a->target));
    SF_TRY(sf_allocate(&a->done, a->batch, sizeof *a->done));
    SF_TRY(sf_allocate(&a->item, a->batch, sizeof *a->item));
    SF_TRY(sf_allocate(&a->x, count, sizeof *a->x));
    SF_TRY(sf_allocate(&a->s, count, sizeof *a->s));
    SF_TRY(sf_allocate(&a->t, count, sizeof *a->t));
    SF_TRY(sf_innovation_scale(a->c->observation, &a->scale));
    SF_TRY(sf_allocate(&a->m, (diagonal(a) ? a->batch : 1) * a->c->observation->exposures * a->half,
                       sizeof *a->m));
    return diagonal(a) ? sf_allocate(&a->gain, count, sizeof *a->gain) : SF_OK;
}

/* What the items are preconditioned with: of DIAGONAL each by its own mean variance, and else one
 * for all. */
static sf_status find_preconditioner(system *a)
{
    const sf_observation *o = a->c->observation;
    sf_mode_variances variances;
    double *memory;
    sf_status status = SF_OK;

    if (!diagonal(a)) {
        SF_TRY(sf_conditioned_variances(a->c, a->level, &memory, &variances));
        status = sf_innovation_diagonal(o, variances, a->m);
        sf_free(memory);
        return status;
    }
    for (size_t b = 0; b < a->batch && status == SF_OK; b++) {
        double typical = 0.0;

        for (size_t i = 0; i < a->cells; i++)
            typical += a->gain[b * a->cells + i] / (double)a->cells;
        status = sf_innovation_diagonal(o, (sf_mode_variances){NULL, typical},
                                        a->m + b * o->exposures * a->half);
    }
    return status;
}

/* out = M^-1 in, both of item b */
static sf_status precondition(const system *a, size_t b, const double *in, double *out)
{
    const sf_observation *o = a->c->observation;

    return sf_innovation_precondition(o, a->m + (diagonal(a) ? b * o->exposures * a->half : 0),
                                      in + b * a->values, out + b * a->values);
}

static sf_status begin(void *user, size_t b)
{
    system *a = user;
    const size_t n = a->values;
    const double tolerance = a->c->tolerance;

    SF_TRY(sf_observation_misfit(a->c->observation, a->mean + b * a->cells, a->r + b * n));
    SF_TRY(precondition(a, b, a->r, a->z));
    a->rho[b] = sf_lanes_product(n, a->r + b * n, 0.0, a->z + b * n);
    a->target[b] = tolerance * tolerance * a->rho[b];
    a->done[b] = !(a->rho[b] > 0.0);
    return SF_OK;
}

/* s = H^T q z */
static sf_status look_back(void *user, size_t slot)
{
    system *a = user;
    const size_t n = a->values;
    const double *z = a->z + a->item[slot] * n;
    double *scaled = a->image + slot * n;

    for (size_t i = 0; i < n; i++) scaled[i] = a->scale[i] * z[i];
    return sf_observation_blur_adjoint(a->c->observation, scaled, a->s + slot * a->cells);
}

/* t = C s in every slot. */
static sf_status apply_covariance(system *a)
{
    const double factor = a->level * a->level;
    const size_t n = a->cells;

    if (!diagonal(a)) {
        SF_TRY(sf_prior_pull(a->c->prior, a->slots, a->x, a->level, a->s, NULL, a->t));
        for (size_t i = 0; i < a->slots * n; i++) a->t[i] *= factor;
        return SF_OK;
    }
    for (size_t j = 0; j < a->slots; j++)
        for (size_t i = 0; i < n; i++)
            a->t[j * n + i] = a->gain[a->item[j] * n + i] * a->s[j * n + i];
    return SF_OK;
}

/* The next direction, z and what of the last one makes its image orthogonal to the last one's. */
static sf_status turn(system *a, size_t slot)
{
    const size_t n = a->values, cells = a->cells, b = a->item[slot];
    const double *s = a->s + slot * cells, *t = a->t + slot * cells;
    const double *const kept = diagonal(a) ? s : t;
    double *ahead = a->ahead + b * n, *more = a->more + b * cells, *image = a->image + slot * n;
    const double *z = a->z + b * n, *back = a->back + b * n;
    const double last = sf_lanes_product(n, ahead, 0.0, back);
    double beta;

    SF_TRY(sf_observation_blur(a->c->observation, t, image));
    for (size_t i = 0; i < n; i++) image[i] = z[i] + a->scale[i] * image[i];
    beta = last > 0.0 ? -sf_lanes_product(n, image, 0.0, back) / last : 0.0;
    for (size_t i = 0; i < n; i++) ahead[i] = image[i] + beta * ahead[i];
    for (size_t i = 0; i < cells; i++) more[i] = kept[i] + beta * more[i];
    return precondition(a, b, a->ahead, a->back);
}

/* One step. An item is done where that brings it no nearer, too. */
static sf_status step(void *user, size_t slot)
{
    system *a = user;
    const size_t n = a->values, b = a->item[slot];
    double *r = a->r + b * n, *z = a->z + b * n, *sum = a->sum + b * a->cells;
    const double *ahead = a->ahead + b * n, *back = a->back + b * n;
    const double *more = a->more + b * a->cells;
    const double before = a->rho[b];
    double square, alpha;

    SF_TRY(turn(a, slot));
    square = sf_lanes_product(n, ahead, 0.0, back);
    alpha = square > 0.0 ? sf_lanes_product(n, r, 0.0, back) / square : 0.0;
    for (size_t i = 0; i < n; i++) {
        r[i] -= alpha * ahead[i];
        z[i] -= alpha * back[i];
    }
    for (size_t i = 0; i < a->cells; i++) sum[i] += alpha * more[i];
    a->rho[b] = sf_lanes_product(n, r, 0.0, z);
    if (!isfinite(a->rho[b]))
        return sf_fail(SF_ERR_NUMERIC,
                       "the covariance that the prior's denoiser has at noise level %g makes "
                       "numbers that are not finite",
                       a->level);
    a->done[b] = !(a->rho[b] > a->target[b]) || a->rho[b] > PROGRESS * before;
    return SF_OK;
}

/* Items that are done leave their slots. */
static void close_ranks(system *a)
{
    const size_t n = a->cells;
    size_t left = 0;

    for (size_t j = 0; j < a->slots; j++) {
        if (a->done[a->item[j]]) continue;
        if (left < j) {
            a->item[left] = a->item[j];
            memcpy(a->x + left * n, a->x + j * n, n * sizeof *a->x);
        }
        left++;
    }
    a->slots = left;
}

static sf_status conjugate_residuals(system *a, const double *x)
{
    memcpy(a->x, x, a->batch * a->cells * sizeof *x);
    for (size_t b = 0; b < a->batch; b++) a->item[b] = b;
    a->slots = a->batch;
    SF_TRY(find_preconditioner(a));
    SF_TRY(sf_items_each(a->batch, begin, a));
    close_ranks(a);
    for (size_t i = 0; i < a->c->iterations && a->slots > 0; i++) {
        SF_TRY(sf_items_each(a->slots, look_back, a));
        SF_TRY(apply_covariance(a));
        SF_TRY(sf_items_each(a->slots, step, a));
        close_ranks(a);
    }
    return SF_OK;
}

/* What the steps have left: of those that stopped too early more than the tolerance. */
static void count_systems(const system *a)
{
    for (size_t b = 0; b < a->batch; b++)
        sf_conditioned_count(a->c, a->target[b] > 0.0
                                       ? a->c->tolerance * sqrt(fmax(a->rho[b], 0.0) / a->target[b])
                                       : 0.0);
}

/* D, and diag C by the Jacobian's columns' sums. */
static sf_status find_diagonal(system *a, const double *x, double *mean)
{
    const size_t count = a->batch * a->cells;

    for (size_t i = 0; i < count; i++) a->s[i] = 1.0;
    SF_TRY(sf_prior_pull(a->c->prior, a->batch, x, a->level, a->s, mean, a->gain));
    for (size_t i = 0; i < count; i++) a->gain[i] = fmax(a->gain[i] * a->level * a->level, 0.0);
    return SF_OK;
}

sf_status sf_posterior_by_moments(const sf_conditioned *c, size_t batch, const double *x,
                                  double level, double *out)
{
    const size_t cells = sf_grid_size(&c->observation->scene);
    system a = {.c = c,
                .level = level,
                .mean = out,
                .batch = batch,
                .cells = cells,
                .half = sf_grid_half_size(&c->observation->scene),
                .values = c->observation->values};
    sf_status status;

    SF_GO(prepare(&a));
    if (diagonal(&a))
        SF_GO(find_diagonal(&a, x, out));
    else
        SF_GO(sf_prior_denoise(c->prior, batch, x, level, out));
    SF_GO(conjugate_residuals(&a, x));
    count_systems(&a);
    if (diagonal(&a))
        SF_GO(sf_posterior_add_pulled(c, batch, x, level, a.sum, level * level, out));
    else
        for (size_t i = 0; i < batch * cells; i++) out[i] += a.sum[i];
done:
    finish(&a);
    return status;
}
