/* anneal_checkpoint.h - a run of annealing in a file. */
#ifndef SF_FREE_ENERGY_ANNEAL_CHECKPOINT_H
#define SF_FREE_ENERGY_ANNEAL_CHECKPOINT_H

#include "free_energy/anneal.h"

/* A number that two runs share if they have the same path, schedule, options and library; the path
 * is known by its densities at a few points. */
sf_status sf_anneal_fingerprint(const sf_anneal_run *run, uint64_t *fingerprint);
/* Whole or not at all. */
sf_status sf_anneal_checkpoint_write(const sf_anneal_run *run, double seconds);
/* The file's content, for a run without chains; nothing if there is no such file. SF_ERR_FORMAT:
 * damaged, no checkpoint, or another run's. */
sf_status sf_anneal_checkpoint_read(sf_anneal_run *run);
/* Writes if there is a file to write, and it is time or `now`. */
void sf_anneal_checkpoint(sf_anneal_run *run, bool now);

#endif
