/* chains.c - chains between their moves: what is known of them, and resampling. */
#include "mcmc/chains.h"

#include "base/internal.h"

#include <math.h>
#include <string.h>

static sf_status check(const sf_path *path, uint64_t first, size_t batch)
{
    uint64_t end;

    if (path == NULL) return sf_fail(SF_ERR_ARGUMENT, "chains need a path to move on");
    if (batch == 0) return sf_fail(SF_ERR_ARGUMENT, "zero chains; there is at least one");
    if (__builtin_add_overflow(first, batch, &end) ||
        __builtin_mul_overflow(end, 2 * (uint64_t)sf_path_dimension(path), &end))
        return sf_fail(SF_ERR_ARGUMENT,
                       "%zu chains from number %llu on in %zu dimensions: there are not so many "
                       "random numbers",
                       batch, (unsigned long long)first, sf_path_dimension(path));
    return SF_OK;
}

sf_status sf_chains_create(sf_path *path, uint64_t seed, uint64_t stream, uint64_t first,
                           size_t batch, sf_chains **chains)
{
    sf_density *f0, *f1;
    size_t row;
    sf_chains *c;
    sf_status status;

    *chains = NULL;
    SF_TRY(check(path, first, batch));
    sf_path_ends(path, &f0, &f1);
    SF_TRY(sf_allocate(chains, 1, sizeof **chains));
    c = *chains;
    c->path = sf_path_retain(path);
    c->f0 = sf_density_retain(f0);
    c->f1 = sf_density_retain(f1);
    c->dimension = sf_path_dimension(path);
    c->batch = batch;
    c->seed = seed;
    c->stream = stream;
    c->first = first;
    row = c->dimension * sizeof(double);
    SF_GO(sf_allocate(&c->x, batch, row));
    SF_GO(sf_allocate(&c->momentum, batch, row));
    SF_GO(sf_allocate(&c->score1, batch, row));
    if (f0 != NULL) SF_GO(sf_allocate(&c->score0, batch, row));
    SF_GO(sf_allocate(&c->log_f0, batch, sizeof *c->log_f0));
    SF_GO(sf_allocate(&c->log_f1, batch, sizeof *c->log_f1));
    SF_GO(sf_allocate(&c->log_weight, batch, sizeof *c->log_weight));
    SF_GO(sf_allocate(&c->accepted, batch, sizeof *c->accepted));
done:
    if (status != SF_OK) sf_chains_release(chains);
    return status;
}

void sf_chains_release(sf_chains **chains)
{
    sf_chains *c = chains != NULL ? *chains : NULL;

    if (c == NULL) return;
    sf_path_release(&c->path);
    sf_density_release(&c->f0);
    sf_density_release(&c->f1);
    sf_free(c->x);
    sf_free(c->momentum);
    sf_free(c->score0);
    sf_free(c->score1);
    sf_free(c->log_f0);
    sf_free(c->log_f1);
    sf_free(c->log_weight);
    sf_free(c->accepted);
    sf_free(c);
    *chains = NULL;
}

sf_status sf_chains_set_b(sf_chains *chains, double b)
{
    SF_TRY(sf_path_check(b));
    chains->b = b;
    if (sf_path_is_bridge(chains->path)) {
        sf_path_shares(chains->path, b, chains->share);
        return SF_OK;
    }
    chains->share[1] = 1.0;
    sf_density_release(&chains->f1);
    return sf_path_at(chains->path, b, &chains->f1);
}

typedef struct slopes {
    const sf_chains *chains;
    double *slope;
} slopes;

/* ---- start ---------------------------------------------------------------------------------- */

static sf_status evaluate_block(void *user, size_t at, size_t count)
{
    sf_chains *c = user;
    const size_t n = c->dimension;
    const double *x = c->x + at * n;

    if (c->f0 != NULL)
        SF_TRY(sf_density_evaluate(c->f0, count, x, c->log_f0 + at,
                                   c->scored ? c->score0 + at * n : NULL));
    return sf_density_evaluate(c->f1, count, x, c->log_f1 + at,
                               c->scored ? c->score1 + at * n : NULL);
}

sf_status sf_chains_evaluate(sf_chains *chains, bool scored)
{
    chains->scored = scored;
    chains->evaluations += chains->batch;
    return sf_blocks_each(chains, evaluate_block, chains);
}

static sf_status slope_block(void *user, size_t at, size_t count)
{
    const slopes *s = user;
    const sf_chains *c = s->chains;

    return sf_path_slope(c->path, c->b, count, c->x + at * c->dimension, s->slope + at);
}

sf_status sf_chains_slope(const sf_chains *chains, double *slope)
{
    slopes s = {chains, slope};

    if (!sf_path_is_bridge(chains->path)) return sf_blocks_each(chains, slope_block, &s);
    for (size_t i = 0; i < chains->batch; i++)
        slope[i] = sf_path_bridge_slope(chains->path, chains->log_f0[i], chains->log_f1[i]);
    return SF_OK;
}

sf_random sf_chains_random(const sf_chains *chains, uint64_t stage)
{
    const sf_random own = sf_random_make(chains->seed, chains->stream);

    return sf_random_make(own.key[0] | (uint64_t)own.key[1] << 32, stage);
}

sf_status sf_chains_start(sf_chains *chains, const double *x, double b)
{
    const size_t n = chains->dimension, batch = chains->batch;

    SF_TRY(sf_check_finite(x, batch * n, "the chains' start"));
    SF_TRY(sf_chains_set_b(chains, b));
    memcpy(chains->x, x, batch * n * sizeof *x);
    chains->stage = 0;
    chains->moves = 0;
    chains->evaluations = 0;
    SF_TRY(sf_chains_evaluate(chains, false));
    sf_random_normal(sf_chains_random(chains, UINT64_MAX), 0, chains->first * n, batch * n,
                     chains->momentum);
    for (size_t i = 0; i < batch; i++) {
        chains->accepted[i] = 0;
        chains->log_weight[i] = sf_chains_log_f(chains, i) > -INFINITY ? 0.0 : -INFINITY;
    }
    return SF_OK;
}

/* ---- resampling ----------------------------------------------------------------------------- */

/* rows[i] = rows[from[i]], through the spare room. */
static void select_rows(const size_t *from, size_t count, size_t size, void *rows, void *spare)
{
    char *to = spare;

    if (rows == NULL) return;
    memcpy(spare, rows, count * size);
    for (size_t i = 0; i < count; i++) memcpy((char *)rows + i * size, to + from[i] * size, size);
}

sf_status sf_chains_select(sf_chains *chains, const size_t *from)
{
    const size_t row = chains->dimension * sizeof(double), batch = chains->batch;
    void *spare;

    for (size_t i = 0; i < batch; i++)
        if (from[i] >= batch)
            return sf_fail(SF_ERR_ARGUMENT, "chain %zu cannot become chain %zu of %zu", i, from[i],
                           batch);
    SF_TRY(sf_allocate(&spare, batch, row > sizeof(size_t) ? row : sizeof(size_t)));
    select_rows(from, batch, row, chains->x, spare);
    select_rows(from, batch, row, chains->momentum, spare);
    select_rows(from, batch, row, chains->score0, spare);
    select_rows(from, batch, row, chains->score1, spare);
    select_rows(from, batch, sizeof *chains->log_f0, chains->log_f0, spare);
    select_rows(from, batch, sizeof *chains->log_f1, chains->log_f1, spare);
    select_rows(from, batch, sizeof *chains->log_weight, chains->log_weight, spare);
    select_rows(from, batch, sizeof *chains->accepted, chains->accepted, spare);
    sf_free(spare);
    return SF_OK;
}

/* ---- exchange ------------------------------------------------------------------------------- */

static void swap_values(size_t count, double *restrict one, double *restrict other)
{
    for (size_t i = 0; i < count; i++) {
        const double value = one[i];

        one[i] = other[i];
        other[i] = value;
    }
}

void sf_chains_swap(sf_chains *one, sf_chains *other, size_t i)
{
    const size_t n = one->dimension, at = i * n;

    swap_values(n, one->x + at, other->x + at);
    swap_values(1, one->log_f0 + i, other->log_f0 + i);
    swap_values(1, one->log_f1 + i, other->log_f1 + i);
    if (!one->scored) return;
    swap_values(n, one->score1 + at, other->score1 + at);
    if (one->f0 != NULL) swap_values(n, one->score0 + at, other->score0 + at);
}
