/* ladder.h - replicas of the states of a bridge that move and change places, in `copies` ladders
 * that know nothing of each other: what a run and its pilot have in common. */
#ifndef SF_FREE_ENERGY_LADDER_H
#define SF_FREE_ENERGY_LADDER_H

#include "free_energy/estimate.h"
#include "mcmc/chains.h"

/* Streams of random numbers: of the first state, and one more for each. */
#define SF_STREAM_EXCHANGE       UINT64_C(0xe8c400000000)
#define SF_STREAM_EXCHANGE_PILOT UINT64_C(0xe8c500000000)

#define SF_LADDER_ROUNDS         2 /* at least: both kinds of pairs */

typedef struct sf_ladders sf_ladders;

/* Some of the copies, which a thread takes through many rounds. Nothing depends on how copies are
 * gathered: all that is counted is counted by copy. */
typedef struct sf_ladder {
    const sf_ladders *all;
    size_t first, copies;
    sf_chains **chains; /* states: chain c is of copy first + c */
    uint64_t round;     /* since the start */
    double *uniform;    /* copies x states: of a round's swaps */
    double *refused;    /* copies x states: sum of the probabilities that a swap with the next state
                           is refused, */
    size_t *attempts;   /* and how many there were */
    size_t *moved;      /* states: accepted moves before the counts began */
    size_t *replica;    /* copies x states: which one is there */
    char *heading;      /* copies x states, of a replica: 'u' since it was in the first state, 'd'
                           since it has come from there to the last one */
    size_t trips;       /* from the first state to the last one and back */
} sf_ladder;

struct sf_ladders {
    size_t states, copies, moves;
    double *b;
    sf_kernel *kernels; /* states: each with its step */
    sf_random random;   /* of the swaps */
    size_t count;
    sf_ladder *ladder; /* in the order of their copies */
    uint64_t counted;  /* rounds since counts began */
};

sf_status sf_ladders_create(sf_path *path, const sf_schedule *schedule,
                            const sf_exchange_options *options, uint64_t stream,
                            sf_ladders *ladders);
void sf_ladders_destroy(sf_ladders *ladders);
/* Rounds of moves and swaps: pairs 0-1, 2-3, ... and 1-2, 3-4, ... in turn. see (NULL: nobody) is
 * called between the moves and the swaps of a ladder's round 0, 1, ... of these, on its thread. */
sf_status sf_ladders_go(sf_ladders *ladders, size_t rounds,
                        void (*see)(void *user, const sf_ladder *ladder, size_t round), void *user);
/* Counts begin anew. */
void sf_ladders_recount(sf_ladders *ladders);
/* Shares of moves that were accepted, and of swaps between a state and the next that were not. */
double sf_ladders_acceptance(const sf_ladders *ladders, size_t state);
double sf_ladders_rejection(const sf_ladders *ladders, size_t state);

#endif
