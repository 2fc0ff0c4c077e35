/* pilot_walk.c - chains from one end of a path to the other by steps of equal conditional effective
 * sample size (Zhou, Johansen & Aston 2016, arXiv:1303.3123), resampled where weights have grown
 * uneven. */
#include "free_energy/pilot.h"
#include "free_energy/resampling.h"
#include "mcmc/chains.h"

#include <string.h>

#define LEAST     1e-10 /* step between temperatures */
#define PRECISION 0.01  /* of CESS */

/* ---- from b to b' --------------------------------------------------------------------------- */

typedef struct look {
    const sf_pilot *pilot;
    const sf_density *density;
} look;

static sf_status look_block(void *user, size_t at, size_t count)
{
    const look *l = user;
    const sf_chains *c = l->pilot->chains;

    return sf_density_evaluate(l->density, count, c->x + at * c->dimension,
                               l->pilot->increment + at, NULL);
}

/* increment = log f_b' at the chains; on a bridge nothing is evaluated. */
static sf_status look_ahead(sf_pilot *p, double b)
{
    const sf_chains *c = p->chains;
    sf_density *density;
    double share[2];
    sf_status status;

    if (!sf_path_is_bridge(p->path)) {
        SF_TRY(sf_path_at(p->path, b, &density));
        status = sf_blocks_each(c, look_block, &(look){p, density});
        sf_density_release(&density);
        p->evaluations += c->batch;
        return status;
    }
    sf_path_shares(p->path, b, share);
    for (size_t i = 0; i < c->batch; i++)
        p->increment[i] = sf_bridge(share, c->log_f0[i], c->log_f1[i]);
    return SF_OK;
}

/* Conditional effective sample size of going to b', over that of the chains with support there;
 * *support: their weight. */
static sf_status measure(sf_pilot *p, double b, double *cess, double *support)
{
    double largest = -INFINITY, first = 0.0, second = 0.0;

    *support = 0.0;
    *cess = 0.0;
    SF_TRY(look_ahead(p, b));
    for (size_t i = 0; i < p->chains->batch; i++) {
        if (p->weight[i] == 0.0 || p->increment[i] == -INFINITY) continue;
        p->increment[i] -= sf_chains_log_f(p->chains, i);
        largest = fmax(largest, p->increment[i]);
        *support += p->weight[i];
    }
    if (*support == 0.0) return SF_OK;
    for (size_t i = 0; i < p->chains->batch; i++) {
        double u;

        if (p->weight[i] == 0.0 || p->increment[i] == -INFINITY) continue;
        u = exp(p->increment[i] - largest);
        first += p->weight[i] * u;
        second += p->weight[i] * u * u;
    }
    *cess = first * first / second / *support;
    return SF_OK;
}

static sf_status no_support(const sf_pilot *p, double b)
{
    if (b == 0.0)
        return sf_fail(
            SF_ERR_NUMERIC,
            "the target is 0 (or no number) at all %zu draws of the base: the base has no "
            "support on it, choose one that has",
            p->options->chains);
    return sf_fail(SF_ERR_NUMERIC,
                   "all chains have weight zero beyond b = %g: they have left the target's support",
                   b);
}

static sf_status diverges(double b, size_t stages)
{
    return sf_fail(SF_ERR_NUMERIC,
                   "the log-weights diverge at b = %.10g after %zu stages: the target cannot be "
                   "normalised, or has tails far heavier than the base",
                   b, stages);
}

/* The b' whose CESS is that wanted, or 1: steps are doubled until they are too large, then halved.
 */
static sf_status next_b(sf_pilot *p, double last_step, double *next, double *cess)
{
    const double b = p->chains->b;
    double low = b, high = 1.0, at = fmin(b + last_step, 1.0), support;
    bool bracketed = false;

    for (;;) {
        SF_TRY(measure(p, at, cess, &support));
        if (support == 0.0) return no_support(p, b);
        if (*cess < SF_PILOT_CESS) {
            high = at;
            bracketed = true;
        } else {
            low = at;
            if (at == 1.0 || *cess < SF_PILOT_CESS + PRECISION || high - low < 1e-3 * (low - b))
                break;
        }
        if (high - b < LEAST) return diverges(b, p->nodes);
        at = bracketed ? 0.5 * (low + high) : fmin(b + 2.0 * (at - b), 1.0);
    }
    *next = at;
    return SF_OK;
}

/* ---- weights -------------------------------------------------------------------------------- */

/* Normalised; *ess over the chains. */
static void weigh(const sf_pilot *p, double *ess)
{
    const sf_chains *c = p->chains;
    double largest = -INFINITY, sum = 0.0, squares = 0.0;

    for (size_t i = 0; i < c->batch; i++) largest = fmax(largest, c->log_weight[i]);
    for (size_t i = 0; i < c->batch; i++) {
        p->weight[i] = largest > -INFINITY ? exp(c->log_weight[i] - largest) : 0.0;
        sum += p->weight[i];
    }
    for (size_t i = 0; i < c->batch; i++) {
        if (sum > 0.0) p->weight[i] /= sum;
        squares += p->weight[i] * p->weight[i];
    }
    *ess = squares > 0.0 ? 1.0 / squares / (double)c->batch : 0.0;
}

static sf_status resample(const sf_pilot *p)
{
    const sf_random random = sf_random_make(p->options->seed, SF_STREAM_PILOT_CHOICE);
    const size_t batch = p->chains->batch;

    sf_resampling_choose(SF_RESAMPLING_SYSTEMATIC, random, p->nodes, 0, batch, p->weight, p->room,
                         p->from);
    SF_TRY(sf_chains_select(p->chains, p->from));
    for (size_t i = 0; i < batch; i++) {
        p->chains->log_weight[i] = 0.0;
        p->weight[i] = 1.0 / (double)batch;
    }
    return SF_OK;
}

static sf_status weigh_and_resample(const sf_pilot *p)
{
    double ess;

    weigh(p, &ess);
    if (ess == 0.0) return no_support(p, p->chains->b);
    return ess < 0.5 ? resample(p) : SF_OK;
}

/* ---- the walk ------------------------------------------------------------------------------- */

static sf_status add_node(sf_pilot *p, double b, double length)
{
    if (p->nodes == p->places) {
        const size_t places = 2 * p->places + 64;
        sf_pilot_node *wider;

        SF_TRY(sf_allocate(&wider, places, sizeof *wider));
        if (p->nodes > 0) memcpy(wider, p->node, p->nodes * sizeof *wider);
        sf_free(p->node);
        p->node = wider;
        p->places = places;
    }
    p->node[p->nodes++] = (sf_pilot_node){b, length, p->kernel.step};
    return SF_OK;
}

static bool go_on(const sf_pilot *p)
{
    const sf_monitor_event event = {
        .stage = "pilot", .iteration = p->nodes - 1, .residual = 1.0 - p->chains->b};

    return sf_monitor_call(&p->options->monitor, &event);
}

static sf_status one_stage(sf_pilot *p, double *last_step)
{
    const sf_pilot_node *at = &p->node[p->nodes - 1];
    double b = at->b, cess, length = at->length;

    SF_TRY(next_b(p, *last_step, &b, &cess));
    *last_step = b - at->b;
    length += sqrt(fmax(-log(cess), 0.0));
    SF_TRY(sf_chains_move(p->chains, &p->kernel, b, 0));
    SF_TRY(weigh_and_resample(p));
    SF_TRY(sf_pilot_tune(p, b));
    SF_TRY(weigh_and_resample(p));
    return add_node(p, b, length);
}

sf_status sf_pilot_walk(sf_pilot *p)
{
    double last_step = 0.005, ess;

    p->nodes = 0;
    SF_TRY(add_node(p, 0.0, 0.0));
    weigh(p, &ess);
    if (ess == 0.0) return no_support(p, 0.0);
    while (p->node[p->nodes - 1].b < 1.0) {
        if (p->nodes > p->options->most) return diverges(p->chains->b, p->nodes);
        SF_TRY(one_stage(p, &last_step));
        if (!go_on(p))
            return sf_fail(SF_ERR_INTERRUPTED, "the pilot was stopped at b = %g", p->chains->b);
    }
    p->node[0].step = p->node[1].step;
    return SF_OK;
}
