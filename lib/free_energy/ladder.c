/* ladder.c - replica exchange (Swendsen & Wang 1986, doi:10.1103/PhysRevLett.57.2607) with swaps
 * of even and odd pairs in turn (Okabe et al. 2001, doi:10.1016/S0009-2614(01)00055-0), by which a
 * replica that is let through goes on in its direction: round trips then do not become rarer with
 * the number of states, as they do where the pairs are chosen at random (Syed et al. 2022,
 * doi:10.1111/rssb.12464). */
#include "free_energy/ladder.h"

#include "free_energy/anneal.h"

#include <string.h>

#define STREAM_SWAPS 0xffffffffU /* above the states' own */
#define STREAM_START 0xfffffffeU

/* ---- what is asked for ---------------------------------------------------------------------- */

static sf_status check(const sf_path *path, const sf_schedule *s, const sf_exchange_options *o)
{
    size_t size;

    if (path == NULL || !sf_path_is_bridge(path))
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "replicas exchange on geometric and tempering paths, not on path %s: each "
                       "swap would cost it two evaluations",
                       path != NULL ? sf_path_name(path) : "NULL");
    SF_TRY(sf_schedule_check(s));
    if (o->kernel.kind == SF_KERNEL_ULA || o->kernel.kind == SF_KERNEL_UNDERDAMPED)
        return sf_fail(SF_ERR_ARGUMENT,
                       "replica exchange has no weights for an unadjusted kernel: take MALA, HMC, "
                       "a random walk or OU");
    if (o->copies == 0 || o->moves == 0 || o->rounds < SF_LADDER_ROUNDS)
        return sf_fail(
            SF_ERR_ARGUMENT,
            "replica exchange of %zu copies, %zu rounds and %zu moves in each; there are "
            "at least 1, %d and 1",
            o->copies, o->rounds, o->moves, SF_LADDER_ROUNDS);
    if (!sf_multiply_sizes(o->copies, s->count, &size) ||
        !sf_multiply_sizes(size, sf_path_dimension(path), &size))
        return sf_fail(SF_ERR_MEMORY, "%zu copies of %zu states are more than memory holds",
                       o->copies, s->count);
    if ((o->start != NULL) != (o->starts > 0))
        return sf_fail(SF_ERR_ARGUMENT, "%zu starts, but the array of them is%s NULL", o->starts,
                       o->start == NULL ? "" : " not");
    return SF_OK;
}

/* ---- the start ------------------------------------------------------------------------------ */

/* x (copies x n) for the replicas of a state: the user's in turn, or draws of f_0. */
static sf_status choose_start(sf_path *path, const sf_ladder *l, const sf_exchange_options *o,
                              uint64_t stream, size_t state, double *x)
{
    const size_t n = sf_path_dimension(path);
    sf_density *first = NULL;
    sf_status status = SF_OK;

    if (o->start == NULL) SF_GO(sf_path_at(path, 0.0, &first));
    if (o->start == NULL && !sf_density_can_draw(first))
        SF_GO(sf_fail(SF_ERR_UNSUPPORTED,
                      "%s has no draws for replicas to begin with; give them a start",
                      sf_density_name(first)));
    for (size_t c = 0; c < l->copies; c++) {
        const size_t number = (l->first + c) * l->all->states + state;

        if (o->start != NULL)
            memcpy(x + c * n, o->start + number % o->starts * n, n * sizeof *x);
        else
            SF_GO(sf_density_draw(first, o->seed, stream | STREAM_START, number, 1, x + c * n));
    }
done:
    sf_density_release(&first);
    return status;
}

static sf_status start_state(sf_path *path, const sf_ladder *l, const sf_exchange_options *o,
                             uint64_t stream, size_t state, double *x)
{
    const double b = l->all->b[state];
    sf_chains *chains;

    SF_TRY(sf_chains_create(path, o->seed, stream + state, l->first, l->copies, &l->chains[state]));
    chains = l->chains[state];
    SF_TRY(choose_start(path, l, o, stream, state, x));
    SF_TRY(sf_chains_start(chains, x, b));
    for (size_t c = 0; c < l->copies; c++)
        if (!(chains->log_weight[c] > -INFINITY))
            return sf_fail(SF_ERR_NUMERIC,
                           "replica %zu of copy %zu begins where f is zero at b = %g; give starts "
                           "where it is not",
                           state, l->first + c, b);
    return SF_OK;
}

/* The copies that l->first and l->copies say. */
static sf_status ladder_create(sf_path *path, const sf_exchange_options *options, uint64_t stream,
                               sf_ladder *l)
{
    const size_t states = l->all->states, replicas = states * l->copies;
    double *x = NULL;
    sf_status status;

    SF_GO(sf_allocate(&l->chains, states, sizeof(sf_chains *)));
    SF_GO(sf_allocate(&l->uniform, replicas, sizeof *l->uniform));
    SF_GO(sf_allocate(&l->refused, replicas, sizeof *l->refused));
    SF_GO(sf_allocate(&l->attempts, replicas, sizeof *l->attempts));
    SF_GO(sf_allocate(&l->moved, states, sizeof *l->moved));
    SF_GO(sf_allocate(&l->replica, replicas, sizeof *l->replica));
    SF_GO(sf_allocate(&l->heading, replicas, sizeof *l->heading));
    SF_GO(sf_allocate(&x, l->copies, sf_path_dimension(path) * sizeof *x));
    for (size_t k = 0; k < states; k++) SF_GO(start_state(path, l, options, stream, k, x));
    for (size_t i = 0; i < replicas; i++) l->replica[i] = i % states;
done:
    sf_free(x);
    return status;
}

static void ladder_destroy(sf_ladder *l)
{
    for (size_t k = 0; l->chains != NULL && k < l->all->states; k++)
        sf_chains_release(&l->chains[k]);
    sf_free(l->chains);
    sf_free(l->uniform);
    sf_free(l->refused);
    sf_free(l->attempts);
    sf_free(l->moved);
    sf_free(l->replica);
    sf_free(l->heading);
}

sf_status sf_ladders_create(sf_path *path, const sf_schedule *schedule,
                            const sf_exchange_options *options, uint64_t stream,
                            sf_ladders *ladders)
{
    const size_t threads = (size_t)sf_thread_count();
    size_t first = 0;
    sf_status status;

    *ladders = (sf_ladders){.copies = options->copies, .moves = options->moves};
    SF_TRY(check(path, schedule, options));
    ladders->states = schedule->count;
    ladders->random = sf_random_make(options->seed, stream | STREAM_SWAPS);
    ladders->count = threads < options->copies ? threads : options->copies;
    SF_GO(sf_copy_memory(schedule->b, ladders->states, sizeof(double), &ladders->b));
    SF_GO(sf_allocate(&ladders->kernels, ladders->states, sizeof *ladders->kernels));
    for (size_t k = 0; k < ladders->states; k++) {
        ladders->kernels[k] = options->kernel;
        ladders->kernels[k].step = schedule->step[k];
    }
    SF_GO(sf_allocate(&ladders->ladder, ladders->count, sizeof *ladders->ladder));
    for (size_t i = 0; i < ladders->count; i++) {
        sf_ladder *l = &ladders->ladder[i];

        l->all = ladders;
        l->first = first;
        l->copies = (options->copies - first) / (ladders->count - i);
        first += l->copies;
        SF_GO(ladder_create(path, options, stream, l));
    }
done:
    if (status != SF_OK) sf_ladders_destroy(ladders);
    return status;
}

void sf_ladders_destroy(sf_ladders *ladders)
{
    for (size_t i = 0; ladders->ladder != NULL && i < ladders->count; i++)
        ladder_destroy(&ladders->ladder[i]);
    sf_free(ladders->ladder);
    sf_free(ladders->b);
    sf_free(ladders->kernels);
    *ladders = (sf_ladders){.states = 0};
}

/* ---- a round -------------------------------------------------------------------------------- */

static sf_status move_state(void *user, size_t state)
{
    const sf_ladder *l = user;

    return sf_chains_move(l->chains[state], &l->all->kernels[state], l->all->b[state],
                          l->all->moves);
}

/* log of f_k(y) f_k+1(x) / (f_k(x) f_k+1(y)) for x in state k and y in the next */
static double log_swap(const sf_chains *low, const sf_chains *high, size_t c)
{
    const double there = sf_bridge(low->share, high->log_f0[c], high->log_f1[c]) +
                         sf_bridge(high->share, low->log_f0[c], low->log_f1[c]);

    return there - sf_chains_log_f(low, c) - sf_chains_log_f(high, c);
}

static void swap_pair(const sf_ladder *l, size_t copy, size_t state)
{
    const double accept = exp(fmin(log_swap(l->chains[state], l->chains[state + 1], copy), 0.0));
    const size_t at = copy * l->all->states + state, below = l->replica[at];

    l->attempts[at]++;
    l->refused[at] += 1.0 - accept;
    if (!(l->uniform[at] < accept)) return;
    sf_chains_swap(l->chains[state], l->chains[state + 1], copy);
    l->replica[at] = l->replica[at + 1];
    l->replica[at + 1] = below;
}

static void count_trips(sf_ladder *l, size_t copy)
{
    const size_t states = l->all->states, *replica = l->replica + copy * states;
    char *heading = l->heading + copy * states, *lowest = heading + replica[0];

    if (*lowest == 'd') l->trips++;
    *lowest = 'u';
    if (heading[replica[states - 1]] == 'u') heading[replica[states - 1]] = 'd';
}

static void swap(sf_ladder *l)
{
    const size_t states = l->all->states;

    sf_random_uniform(l->all->random, l->round, l->first * states, l->copies * states, l->uniform);
    for (size_t c = 0; c < l->copies; c++) {
        for (size_t k = l->round % 2; k + 1 < states; k += 2) swap_pair(l, c, k);
        count_trips(l, c);
    }
    l->round++;
}

typedef struct walk {
    sf_ladders *ladders;
    size_t rounds;
    void (*see)(void *user, const sf_ladder *ladder, size_t round);
    void *user;
} walk;

/* States go to threads only where all copies are in one ladder. */
static sf_status go(void *user, size_t number)
{
    const walk *w = user;
    sf_ladder *l = &w->ladders->ladder[number];

    for (size_t round = 0; round < w->rounds; round++) {
        SF_TRY(sf_items_each(w->ladders->states, move_state, l));
        if (w->see != NULL) w->see(w->user, l, round);
        swap(l);
    }
    return SF_OK;
}

sf_status sf_ladders_go(sf_ladders *ladders, size_t rounds,
                        void (*see)(void *user, const sf_ladder *ladder, size_t round), void *user)
{
    walk w = {ladders, rounds, see, user};

    ladders->counted += rounds;
    return sf_items_each(ladders->count, go, &w);
}

/* ---- counts --------------------------------------------------------------------------------- */

static size_t accepted(const sf_ladder *l, size_t state)
{
    size_t sum = 0;

    for (size_t c = 0; c < l->copies; c++) sum += l->chains[state]->accepted[c];
    return sum;
}

void sf_ladders_recount(sf_ladders *ladders)
{
    for (size_t i = 0; i < ladders->count; i++) {
        sf_ladder *l = &ladders->ladder[i];

        memset(l->refused, 0, l->copies * ladders->states * sizeof *l->refused);
        memset(l->attempts, 0, l->copies * ladders->states * sizeof *l->attempts);
        for (size_t k = 0; k < ladders->states; k++) l->moved[k] = accepted(l, k);
        l->trips = 0;
    }
    ladders->counted = 0;
}

double sf_ladders_acceptance(const sf_ladders *ladders, size_t state)
{
    size_t sum = 0;

    for (size_t i = 0; i < ladders->count; i++)
        sum += accepted(&ladders->ladder[i], state) - ladders->ladder[i].moved[state];
    return (double)sum /
           ((double)ladders->counted * (double)ladders->copies * (double)ladders->moves);
}

double sf_ladders_rejection(const sf_ladders *ladders, size_t state)
{
    double refused = 0.0;
    size_t attempts = 0;

    for (size_t i = 0; i < ladders->count; i++) {
        const sf_ladder *l = &ladders->ladder[i];

        for (size_t c = 0; c < l->copies; c++) {
            refused += l->refused[c * ladders->states + state];
            attempts += l->attempts[c * ladders->states + state];
        }
    }
    return refused / (double)attempts;
}
