/* pilot.h - the chains that go ahead to find temperatures and steps. */
#ifndef SF_FREE_ENERGY_PILOT_H
#define SF_FREE_ENERGY_PILOT_H

#include "free_energy/anneal.h"

#define SF_PILOT_CESS 0.9 /* at which it walks: coarser than what is annealed later */

/* Where it stood. */
typedef struct sf_pilot_node {
    double b, length, step;
} sf_pilot_node;

typedef struct sf_pilot {
    sf_path *path;
    const sf_pilot_options *options;
    size_t temperatures; /* that are wanted; 0: as many as the length says */
    sf_chains *chains;
    sf_kernel kernel;  /* with the step that it is at */
    double variance;   /* that moves of an unadjusted kernel are to add */
    double *weight;    /* chains: normalised */
    double *increment; /* chains: log f_b' - log f_b, or log-weights before moves */
    size_t *from;      /* chains: resampled */
    double *room;      /* 2 chains + 1: to choose them in */
    sf_pilot_node *node;
    size_t nodes, places;
    uint64_t evaluations; /* of the walks that are done, and beyond the chains' own */
} sf_pilot;

/* From one end to the other; then the nodes are there. */
sf_status sf_pilot_walk(sf_pilot *pilot);
/* How much less than one chain each of a trial's chains is worth: log(N/ESS). */
sf_status sf_pilot_try(sf_pilot *pilot, const sf_schedule *schedule, double *loss);
/* Rounds of moves that tune the step at b. */
sf_status sf_pilot_tune(sf_pilot *pilot, double b);
bool sf_pilot_unadjusted(const sf_pilot *pilot);
/* What is asked for; or if that is 0 what serves a kernel best (see sf_pilot_options). */
double sf_wanted_acceptance(sf_kernel_kind kind, double asked);

#endif
