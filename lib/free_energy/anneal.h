/* anneal.h - a run of annealing as this room's files see it. */
#ifndef SF_FREE_ENERGY_ANNEAL_H
#define SF_FREE_ENERGY_ANNEAL_H

#include "free_energy/stage_sums.h"

/* Streams of random numbers, apart for every use of a seed. */
enum {
    SF_STREAM_MOVES = 0xa11,
    SF_STREAM_MOVES_BACK,
    SF_STREAM_DRAWS,
    SF_STREAM_DRAWS_BACK,
    SF_STREAM_PILOT,
    SF_STREAM_PILOT_DRAWS,
    SF_STREAM_PILOT_CHOICE,
    SF_STREAM_EQUILIBRATE
};

struct sf_anneal_run {
    sf_path *path;
    sf_schedule schedule;
    sf_anneal_options options; /* pointers in it are the caller's: of use during sf_anneal */
    size_t dimension;
    size_t chains;       /* done */
    double *log_weight;  /* of each */
    double *samples;     /* chains x n, or NULL */
    size_t islands;      /* of which one */
    sf_stage_sums *sums; /* temperatures x islands */
    double *reference;   /* temperatures: subtracted from slopes */
    double *energy;      /* temperatures x energies: of the first chains, NaN without weight */
    size_t energies;
    uint64_t evaluations;
    double seconds;
    bool interrupted;
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
/* Room for more chains, which its options then ask for. */
sf_status sf_anneal_run_grow(sf_anneal_run *run, size_t chains);
/* The chains that a batch takes of those from `first` on. */
size_t sf_anneal_batch_size(const sf_anneal_run *run, size_t first);
/* Chains first ... first + batch - 1 from one end to the other. SF_ERR_INTERRUPTED when the monitor
 * says so: then what they left in the run's sums is of no use. */
sf_status sf_anneal_batch(sf_anneal_run *run, size_t first, size_t batch);
/* Adds chains at temperature j to the sums; accepted_before: each chain's count before its moves,
 * `moves` of them. `energy` is room for a number a chain. */
sf_status sf_anneal_tally(sf_anneal_run *run, const sf_chains *chains, size_t j, size_t moves,
                          const size_t *accepted_before, double *energy);
/* All islands' sums at temperature j. */
sf_stage_sums sf_anneal_stage(const sf_anneal_run *run, size_t j);

/* How far apart the two halves of these numbers are (see sf_anneal_report); NaN are left out. */
sf_status sf_separation(const double *value, size_t count, double *separation);

#endif
