/* move.c - moves of chains, in white coordinates x = m + C^1/2 z (whiten.h). There, with
 * t = C^1/2 score and a momentum p ~ N(0, 1), every move with a score is a trajectory of leapfrogs
 *     p += h/2 t;  z += h p;  p += h/2 t
 * from x, p to x', p', whose inverse is the same with -p, and whose volume is 1. So the log of
 * backward over forward density is (|p|^2 - |p'|^2)/2, and with f_b'/f_b it is
 *     log a = log f_b(x') - log f_b(x) + (|p|^2 - |p'|^2)/2,
 * which adjusted moves are accepted by (Duane et al. 1987, doi:10.1016/0370-2693(87)91197-X), and
 * which unadjusted ones are weighted by (Thin et al. 2021; Geffner & Domke 2021). One leapfrog of
 * h = sqrt(2 e) with a new momentum is the Langevin move x' = x + e C score + sqrt(2 e) C^1/2 n
 * (Rossky, Doll & Friedman 1978): its p' is minus the noise that leads back. */
#include "mcmc/chains.h"
#include "mcmc/lanes.h"
#include "mcmc/whiten.h"

#include "base/internal.h"

#include <math.h>
#include <string.h>

typedef struct moving {
    sf_chains *chains;
    const sf_kernel *kernel;
    sf_whiten white;
    size_t moves;
    sf_random random; /* the stage's numbers */
    bool gradient;    /* the kernel uses scores */
    bool adjusted;    /* and Metropolis */
    size_t leapfrogs;
    size_t together;   /* chains that move at once */
    double step;       /* h */
    double keep, kick; /* momentum: keep p + kick n */
} moving;

/* Some of a block's chains, `together` of them, and a thread's room for their proposals. */
typedef struct block {
    const moving *m;
    size_t at, count;
    double *y;               /* proposed positions */
    double *log_f0, *log_f1; /* and what is known of them */
    double *score0, *score1;
    double *p;       /* momenta, or the noise of moves that have none */
    double *t;       /* white scores; spare room */
    double *start;   /* log f_b(x) + |p|^2 / 2 less the same of y: log a */
    double *step;    /* each chain's */
    double *uniform; /* two of each chain */
    bool *lost;      /* the proposal is no number */
    sf_complex *work;
    void *memory;
} block;

/* Room for `count` chains. */
static sf_status block_create(const moving *m, size_t count, block *k)
{
    const size_t values = count * m->chains->dimension;
    double *room;

    *k = (block){.m = m, .count = count};
    SF_TRY(sf_allocate(&k->memory, 5 * values + 7 * count + 2 * m->white.work, sizeof *room));
    room = k->memory;
    k->work = (sf_complex *)(void *)room; /* first: it wants the alignment */
    k->y = room + 2 * m->white.work;
    k->score0 = k->y + values;
    k->score1 = k->score0 + values;
    k->p = k->score1 + values;
    k->t = k->p + values;
    k->log_f0 = k->t + values;
    k->log_f1 = k->log_f0 + count;
    k->start = k->log_f1 + count;
    k->step = k->start + count;
    k->uniform = k->step + count;
    k->lost = (bool *)(k->uniform + 2 * count);
    return SF_OK;
}

/* ---- pieces of a move ----------------------------------------------------------------------- */

/* t = share0 s0 + share1 s1 */
SF_VECTOR_CLONES static void mix(size_t values, const double share[2], const double *restrict s0,
                                 const double *restrict s1, double *restrict t)
{
    const double b0 = share[0], b1 = share[1];

    for (size_t i = 0; i < values; i++) t[i] = b0 * s0[i] + b1 * s1[i];
}

SF_VECTOR_CLONES static void mix_with_none(size_t values, double share, const double *restrict s1,
                                           double *restrict t)
{
    for (size_t i = 0; i < values; i++) t[i] = share * s1[i];
}

/* v += share h w, row by row */
SF_VECTOR_CLONES static void add_rows(size_t count, size_t n, double share, const double *step,
                                      const double *restrict w, double *restrict v)
{
    for (size_t j = 0; j < count; j++) {
        const double h = share * step[j];

        for (size_t i = j * n; i < (j + 1) * n; i++) v[i] += h * w[i];
    }
}

/* sum[j] += factor |v_j|^2 */
SF_VECTOR_CLONES static void add_squares(size_t count, size_t n, double factor, const double *v,
                                         double *sum)
{
    for (size_t j = 0; j < count; j++) sum[j] += factor * sf_lanes_square(n, v + j * n);
}

/* 0, bit for bit, unless x is infinite or no number. */
static inline uint64_t not_finite(double x)
{
    const double nothing = x - x;
    uint64_t bits;

    memcpy(&bits, &nothing, sizeof bits);
    return bits;
}

SF_VECTOR_CLONES static bool all_finite(size_t n, const double *x)
{
    uint64_t found = 0;

    for (size_t i = 0; i < n; i++) found |= not_finite(x[i]);
    return found == 0;
}

/* p += kick (share0 s0 + share1 s1), y += step p, and whether y is finite: in one pass, for what is
 * no density's own work is mostly this. s0 NULL: its share is 0. */
SF_VECTOR_CLONES static bool leap(size_t n, double kick, double step, const double share[2],
                                  const double *restrict s0, const double *restrict s1,
                                  double *restrict p, double *restrict y)
{
    const double k0 = kick * share[0], k1 = kick * share[1];
    uint64_t found = 0;

    for (size_t i = 0; s0 != NULL && i < n; i++) {
        p[i] += k0 * s0[i] + k1 * s1[i];
        y[i] += step * p[i];
        found |= not_finite(y[i]);
    }
    for (size_t i = 0; s0 == NULL && i < n; i++) {
        p[i] += k1 * s1[i];
        y[i] += step * p[i];
        found |= not_finite(y[i]);
    }
    return found == 0;
}

/* p += share h C^1/2 times the bridge's score */
static sf_status kick(const block *k, double share, const double *score0, const double *score1)
{
    const sf_chains *c = k->m->chains;
    const size_t values = k->count * c->dimension;
    const double *t = k->t;

    if (c->f0 != NULL)
        mix(values, c->share, score0, score1, k->t);
    else if (c->share[1] < 1.0)
        mix_with_none(values, c->share[1], score1, k->t);
    else
        t = score1;
    SF_TRY(sf_whiten_colour(&k->m->white, k->count, k->work, k->t, &t));
    add_rows(k->count, c->dimension, share, k->step, t, k->p);
    return SF_OK;
}

/* y += h C^1/2 p */
static sf_status drift(const block *k)
{
    const double *v = k->p;

    SF_TRY(sf_whiten_colour(&k->m->white, k->count, k->work, k->t, &v));
    add_rows(k->count, k->m->chains->dimension, 1.0, k->step, v, k->y);
    return SF_OK;
}

/* A proposal that is no number is lost: it goes back to x, for densities are shown numbers only. */
static void lose(const block *k, size_t j)
{
    const sf_chains *c = k->m->chains;
    const size_t n = c->dimension;

    k->lost[j] = true;
    memcpy(k->y + j * n, c->x + (k->at + j) * n, n * sizeof *k->y);
    memset(k->p + j * n, 0, n * sizeof *k->p);
}

static void lose_what_is_not_finite(const block *k)
{
    const size_t n = k->m->chains->dimension;

    for (size_t j = 0; j < k->count; j++)
        if (!all_finite(n, k->y + j * n)) lose(k, j);
}

/* A kick and a drift. */
static sf_status kick_and_drift(const block *k, double share, const double *score0,
                                const double *score1)
{
    const sf_chains *c = k->m->chains;
    const size_t n = c->dimension;

    if (!sf_whiten_is_none(&k->m->white)) {
        SF_TRY(kick(k, share, score0, score1));
        SF_TRY(drift(k));
        lose_what_is_not_finite(k);
        return SF_OK;
    }
    for (size_t j = 0; j < k->count; j++)
        if (!leap(n, share * k->step[j], k->step[j], c->share,
                  c->f0 != NULL ? score0 + j * n : NULL, score1 + j * n, k->p + j * n,
                  k->y + j * n))
            lose(k, j);
    return SF_OK;
}

/* log f0, log f1 and scores of the proposals. */
static sf_status evaluate(const block *k)
{
    const sf_chains *c = k->m->chains;
    const bool scored = k->m->gradient;

    if (c->f0 != NULL)
        SF_TRY(sf_density_evaluate(c->f0, k->count, k->y, k->log_f0, scored ? k->score0 : NULL));
    return sf_density_evaluate(c->f1, k->count, k->y, k->log_f1, scored ? k->score1 : NULL);
}

/* ---- proposals ------------------------------------------------------------------------------ */

static sf_status propose_trajectory(const block *k)
{
    const moving *m = k->m;
    const sf_chains *c = m->chains;
    const size_t n = c->dimension, at = k->at * n, values = k->count * n;

    if (m->keep > 0.0)
        for (size_t i = 0; i < values; i++)
            k->p[i] = m->keep * c->momentum[at + i] + m->kick * k->p[i];
    add_squares(k->count, n, 0.5, k->p, k->start);
    SF_TRY(kick_and_drift(k, 0.5, c->f0 != NULL ? c->score0 + at : NULL, c->score1 + at));
    for (size_t l = 1; l < m->leapfrogs; l++) {
        SF_TRY(evaluate(k));
        SF_TRY(kick_and_drift(k, 1.0, k->score0, k->score1));
    }
    SF_TRY(evaluate(k));
    SF_TRY(kick(k, 0.5, k->score0, k->score1));
    add_squares(k->count, n, -0.5, k->p, k->start);
    return SF_OK;
}

static sf_status propose_walk(const block *k)
{
    SF_TRY(drift(k));
    lose_what_is_not_finite(k);
    return evaluate(k);
}

/* y = x + C^1/2 (v' - v) with v = C^-1/2 (x - m) and v' = exp(-h) v + sqrt(1 - exp(-2h)) n, so that
 * modes without variance stay. N(m, C) itself is no part of log a. */
static sf_status propose_ou(const block *k)
{
    const size_t n = k->m->chains->dimension;
    const double *v = k->p;

    for (size_t i = 0; i < k->count * n; i++) k->t[i] = k->y[i] - k->m->white.mean;
    SF_TRY(sf_whiten_bleach(&k->m->white, k->count, k->work, k->t));
    add_squares(k->count, n, -0.5, k->t, k->start);
    for (size_t j = 0; j < k->count; j++) {
        const double keep = exp(-k->step[j]), size = sqrt(-expm1(-2.0 * k->step[j]));

        for (size_t i = j * n; i < (j + 1) * n; i++) k->p[i] = keep * k->t[i] + size * k->p[i];
    }
    add_squares(k->count, n, 0.5, k->p, k->start);
    for (size_t i = 0; i < k->count * n; i++) k->p[i] -= k->t[i];
    SF_TRY(sf_whiten_colour(&k->m->white, k->count, k->work, k->t, &v));
    for (size_t i = 0; i < k->count * n; i++) k->y[i] += v[i];
    lose_what_is_not_finite(k);
    return evaluate(k);
}

/* ---- a block's moves ------------------------------------------------------------------------ */

/* Chain j becomes its proposal. */
static void take(const block *k, size_t j)
{
    sf_chains *c = k->m->chains;
    const size_t n = c->dimension, to = (k->at + j) * n, row = n * sizeof(double);

    memcpy(c->x + to, k->y + j * n, row);
    c->log_f0[k->at + j] = k->log_f0[j];
    c->log_f1[k->at + j] = k->log_f1[j];
    c->accepted[k->at + j]++;
    if (!k->m->gradient) return;
    memcpy(c->score1 + to, k->score1 + j * n, row);
    if (c->f0 != NULL) memcpy(c->score0 + to, k->score0 + j * n, row);
    if (k->m->kernel->kind == SF_KERNEL_UNDERDAMPED) memcpy(c->momentum + to, k->p + j * n, row);
}

static void accept_or_weigh(const block *k)
{
    sf_chains *c = k->m->chains;

    for (size_t j = 0; j < k->count; j++) {
        const double log_a = k->start[j] + sf_bridge(c->share, k->log_f0[j], k->log_f1[j]);
        double *weight = c->log_weight + k->at + j;

        if (*weight == -INFINITY) continue;
        if (k->m->adjusted) {
            if (!k->lost[j] && log(k->uniform[2 * j + 1]) < log_a) take(k, j);
        } else if (!k->lost[j] && isfinite(log_a)) {
            *weight += log_a;
            take(k, j);
        } else {
            *weight = -INFINITY;
        }
    }
}

static sf_status move_once(const block *k, size_t move)
{
    const moving *m = k->m;
    const sf_chains *c = m->chains;
    const size_t n = c->dimension;
    const uint64_t chain = c->first + k->at;

    sf_random_normal(m->random, move, chain * n, k->count * n, k->p);
    sf_random_uniform(m->random, move, 2 * chain, 2 * k->count, k->uniform);
    memcpy(k->y, c->x + k->at * n, k->count * n * sizeof *k->y);
    for (size_t j = 0; j < k->count; j++) {
        const size_t i = k->at + j;

        k->step[j] = m->step * (1.0 + m->kernel->jitter * (2.0 * k->uniform[2 * j] - 1.0));
        k->start[j] = -sf_chains_log_f(c, i);
        k->lost[j] = false;
    }
    if (m->kernel->kind == SF_KERNEL_RANDOM_WALK)
        SF_TRY(propose_walk(k));
    else if (m->kernel->kind == SF_KERNEL_OU)
        SF_TRY(propose_ou(k));
    else
        SF_TRY(propose_trajectory(k));
    accept_or_weigh(k);
    return SF_OK;
}

static sf_status move_block(void *user, size_t at, size_t count)
{
    const moving *m = user;
    block k;
    sf_status status;

    SF_GO(block_create(m, m->together < count ? m->together : count, &k));
    for (size_t past = 0; past < count; past += k.count) {
        k.at = at + past;
        if (count - past < k.count) k.count = count - past;
        for (size_t move = 0; move < m->moves; move++) SF_GO(move_once(&k, move));
    }
done:
    sf_free(k.memory);
    return status;
}

/* ---- all of them ---------------------------------------------------------------------------- */

sf_kernel sf_kernel_default(void)
{
    return (sf_kernel){
        .kind = SF_KERNEL_HMC, .step = 0.1, .leapfrogs = 10, .friction = 1.0, .jitter = 0.2};
}

static sf_status check_kernel(const sf_kernel *kernel)
{
    const bool trajectory = kernel->kind == SF_KERNEL_HMC || kernel->kind == SF_KERNEL_UNDERDAMPED;

    if (kernel->kind < SF_KERNEL_MALA || kernel->kind > SF_KERNEL_UNDERDAMPED)
        return sf_fail(SF_ERR_ARGUMENT, "kernel %d is none of the list", (int)kernel->kind);
    if (!(kernel->step > 0.0) || !isfinite(kernel->step))
        return sf_fail(SF_ERR_ARGUMENT, "a kernel's step of %g; it is positive and finite",
                       kernel->step);
    if (!(kernel->jitter >= 0.0) || !(kernel->jitter < 1.0))
        return sf_fail(SF_ERR_ARGUMENT, "a jitter of %g; it is at least 0 and below 1",
                       kernel->jitter);
    if (trajectory && kernel->leapfrogs == 0)
        return sf_fail(SF_ERR_ARGUMENT, "a trajectory of no leapfrogs; there is at least one");
    if (kernel->kind == SF_KERNEL_UNDERDAMPED &&
        (!(kernel->friction >= 0.0) || isnan(kernel->friction)))
        return sf_fail(SF_ERR_ARGUMENT, "a friction of %g; it is not negative", kernel->friction);
    return SF_OK;
}

static void plan(const sf_kernel *kernel, moving *m)
{
    const bool langevin = kernel->kind == SF_KERNEL_MALA || kernel->kind == SF_KERNEL_ULA;
    const bool unadjusted = kernel->kind == SF_KERNEL_ULA || kernel->kind == SF_KERNEL_UNDERDAMPED;

    m->gradient = kernel->kind != SF_KERNEL_RANDOM_WALK && kernel->kind != SF_KERNEL_OU;
    m->adjusted = !unadjusted;
    m->leapfrogs = langevin ? 1 : kernel->leapfrogs;
    m->step = langevin ? sqrt(2.0 * kernel->step) : kernel->step;
    if (kernel->kind == SF_KERNEL_UNDERDAMPED) {
        const double time = kernel->friction * kernel->step * (double)kernel->leapfrogs;

        m->keep = exp(-time);
        m->kick = sqrt(-expm1(-2.0 * time));
    }
}

static sf_status check_angles(const sf_kernel *kernel, const sf_density *f)
{
    if (kernel->kind != SF_KERNEL_OU || sf_density_period(f) == 0.0) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT,
                   "OU moves lead towards a mean, which the angles of %s do not have; take another "
                   "kernel",
                   sf_density_name(f));
}

/* w = log f_b'(x) - (log f_b(x) - w): the weights' share of going from b to b'. Off bridges f_b' is
 * evaluated, with the score that the moves will want. */
static sf_status change(sf_chains *c, double b, bool scored)
{
    if (b == c->b) return SF_OK;
    for (size_t i = 0; i < c->batch; i++)
        if (c->log_weight[i] > -INFINITY) c->log_weight[i] -= sf_chains_log_f(c, i);
    SF_TRY(sf_chains_set_b(c, b));
    if (!sf_path_is_bridge(c->path)) SF_TRY(sf_chains_evaluate(c, scored));
    for (size_t i = 0; i < c->batch; i++)
        if (c->log_weight[i] > -INFINITY) c->log_weight[i] += sf_chains_log_f(c, i);
    return SF_OK;
}

/* As many chains at once as fit the first cache with what a leapfrog touches, 8 kB an array, or as
 * the densities like best. */
static size_t find_together(const sf_chains *c)
{
    const size_t values = 1024, fit = values / c->dimension, best = sf_chains_together(c);

    return fit > best ? fit : best;
}

sf_status sf_chains_move(sf_chains *chains, const sf_kernel *kernel, double b, size_t moves)
{
    moving m = {.chains = chains, .kernel = kernel, .moves = moves};
    sf_status status;

    SF_TRY(sf_path_check(b));
    SF_TRY(check_kernel(kernel));
    plan(kernel, &m);
    SF_TRY(sf_whiten_create(kernel, chains->dimension, &m.white));
    SF_GO(change(chains, b, m.gradient && moves > 0));
    SF_GO(check_angles(kernel, chains->f1));
    if (m.gradient && !chains->scored && moves > 0) SF_GO(sf_chains_evaluate(chains, true));
    if (!m.gradient && moves > 0) chains->scored = false;
    m.random = sf_chains_random(chains, chains->stage);
    m.together = find_together(chains);
    SF_GO(sf_blocks_each(chains, move_block, &m));
    chains->stage++;
    chains->moves += moves;
    chains->evaluations += moves * chains->batch * (m.gradient ? m.leapfrogs : 1);
done:
    sf_whiten_free(&m.white);
    return status;
}
