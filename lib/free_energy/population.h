/* population.h - an island of sequential Monte Carlo: chains that are resampled among themselves,
 * and whose descendants they are. */
#ifndef SF_FREE_ENERGY_POPULATION_H
#define SF_FREE_ENERGY_POPULATION_H

#include "free_energy/island_sums.h"
#include "free_energy/stage_sums.h"

typedef struct sf_population {
    size_t size;          /* 0: chains on their own */
    size_t *ancestor;     /* of the start, for each chain */
    double correction;    /* of pairs of ancestors, see population.c */
    double ess;           /* before the last resampling, or when there was none */
    bool resampled;       /* at this temperature */
    size_t *from, *spare; /* room */
    double *weight, *room;
} sf_population;

sf_status sf_population_create(size_t size, sf_population *population);
void sf_population_release(sf_population *population);
/* Resamples the chains, which are the population's, where ESS < below * size: then all have the
 * weight that was their mean. Its numbers belong to (seed, stream), the island and the stage. */
sf_status sf_population_resample(sf_population *population, sf_chains *chains, sf_resampling kind,
                                 double below, uint64_t stream, uint64_t stage);

/* Adds each ancestor's descendants as one: their weights' sum, and the weighted mean of `value`,
 * which counts where there is weight. Descendants of different ancestors are as good as independent
 * (Chan & Lai 2013, doi:10.1214/13-AOS1172), so what stage_sums.h makes of them are right errors.
 * room: 2 size. */
void sf_families_add(size_t size, const size_t *ancestor, size_t first, const double *log_weight,
                     const double *value, double reference, double *room, sf_stage_sums *sums);
/* The island as it stands: its Z and that one's variance. */
sf_island_part sf_population_part(const sf_population *population, const double *log_weight);

#endif
