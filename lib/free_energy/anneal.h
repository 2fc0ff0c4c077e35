/* anneal.h - a run of annealing as this room's files see it. */
#ifndef SF_FREE_ENERGY_ANNEAL_H
#define SF_FREE_ENERGY_ANNEAL_H

#include "free_energy/population.h"

/* Streams of random numbers, apart for every use of a seed. */
enum {
    SF_STREAM_MOVES = 0xa11,
    SF_STREAM_MOVES_BACK,
    SF_STREAM_DRAWS,
    SF_STREAM_DRAWS_BACK,
    SF_STREAM_PILOT,
    SF_STREAM_PILOT_DRAWS,
    SF_STREAM_PILOT_CHOICE,
    SF_STREAM_EQUILIBRATE,
    SF_STREAM_CHOICE,
    SF_STREAM_CHOICE_BACK
};

/* Seeds of what runs ahead of a production with its streams, so that all may be given one seed. */
#define SF_SEED_FIT(seed)    ((seed) ^ UINT64_C(0x9e3779b97f4a7c15))
#define SF_SEED_TRIAL(seed)  ((seed) ^ UINT64_C(0xe566451231828c8a))
#define SF_SEED_WARM(seed)   ((seed) ^ UINT64_C(0x85ebca779e3779b1))
#define SF_SEED_SETTLE(seed) ((seed) ^ UINT64_C(0x165667b19e3779f9))

/* A batch on its way. */
typedef struct sf_anneal_walk {
    sf_chains *chains;
    size_t stage;             /* how many temperatures it has left behind */
    sf_population population; /* SMC: the batch is one island */
    size_t *accepted;         /* each chain's count before the moves at hand */
    double *energy;           /* room for a number a chain */
} sf_anneal_walk;

struct sf_anneal_run {
    sf_path *path;
    sf_schedule schedule;
    sf_anneal_options options; /* pointers in it are the caller's: of use during sf_anneal */
    size_t dimension;
    size_t chains;            /* done */
    double *log_weight;       /* of each */
    double *samples;          /* chains x n, or NULL */
    size_t *ancestor;         /* of each, or NULL without resampling */
    sf_anneal_island *island; /* SMC's; chains/batch of them */
    size_t islands;       /* groups that sums are kept of: chains, or SMC's islands, modulo them */
    sf_stage_sums *sums;  /* temperatures x islands */
    sf_island_sums *seen; /* temperatures: of SMC's islands */
    sf_anneal_walk *walk; /* the batch on its way, or NULL */
    sf_stage_sums *sums_before; /* without it */
    sf_island_sums *seen_before;
    double *reference; /* temperatures: subtracted from slopes */
    double *energy;    /* temperatures x energies: of the first chains, NaN without weight */
    size_t energies;
    uint64_t evaluations;
    double seconds;
    bool interrupted, resumed;
    uint64_t fingerprint;    /* with a checkpoint: see anneal_checkpoint.h */
    double started, written; /* when the present part and the last checkpoint were, in seconds */
    char checkpoint_error[512];
};

/* Where chains begin: at given rows, or if there are none at exact draws. */
typedef struct sf_anneal_start {
    const double *given;
    size_t count;
    uint64_t seed, stream; /* of the draws */
} sf_anneal_start;

/* Puts the chains at their starts and b. */
sf_status sf_anneal_begin(sf_chains *chains, double b, const sf_anneal_start *start);

sf_status sf_schedule_allocate(size_t count, sf_schedule *schedule);
sf_status sf_schedule_check(const sf_schedule *schedule);

sf_status sf_anneal_run_create(sf_path *path, const sf_schedule *schedule,
                               const sf_anneal_options *options, sf_anneal_run **run);
/* sf_anneal, but a run that is stopped is none: SF_ERR_INTERRUPTED. */
sf_status sf_anneal_whole(sf_path *path, const sf_schedule *schedule,
                          const sf_anneal_options *options, sf_anneal_run **run);
/* Room for more chains, which its options then ask for. */
sf_status sf_anneal_run_grow(sf_anneal_run *run, size_t chains);
bool sf_anneal_run_resamples(const sf_anneal_run *run);

/* The chains that a batch takes of those from `first` on. */
size_t sf_anneal_batch_size(const sf_anneal_run *run, size_t first);
/* The next batch from one end to the other, or what is left of that on its way. SF_ERR_INTERRUPTED
 * when the monitor says so; then, and after any error, it is still on its way. */
sf_status sf_anneal_batch(sf_anneal_run *run);
sf_status sf_anneal_walk_create(const sf_anneal_run *run, size_t first, size_t batch,
                                sf_anneal_walk **walk);
void sf_anneal_walk_release(sf_anneal_walk **walk);
/* Adds the walk's chains at temperature j to the sums, after `moves` moves. */
sf_status sf_anneal_tally(sf_anneal_run *run, const sf_anneal_walk *walk, size_t j, size_t moves);
/* All islands' sums at temperature j. */
sf_stage_sums sf_anneal_stage(const sf_anneal_run *run, size_t j);

/* The part of sf_anneal_estimate where one of the runs resamples. */
sf_status sf_anneal_estimate_islands(const sf_anneal_run *forward, const sf_anneal_run *reverse,
                                     sf_anneal_report *report);

/* How far apart the two halves of these numbers are (see sf_anneal_report); NaN are left out. */
sf_status sf_separation(const double *value, size_t count, double *separation);

#endif
