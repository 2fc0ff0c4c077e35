/* starts.h - what the samples of a run are worth as starts. */
#ifndef SF_FREE_ENERGY_STARTS_H
#define SF_FREE_ENERGY_STARTS_H

#include "free_energy/anneal.h"

#define SF_STARTS_LEAST 100.0 /* independent draws that are a sample without further proof */

/* How many independent draws of its end a run's samples are (see sf_starts_settle), and the
 * logarithm of their mean weight. */
sf_status sf_starts_worth(const sf_anneal_run *run, double *log_mean, double *worth);
/* How many starts to take of them. */
size_t sf_starts_count(const sf_anneal_run *run, double worth);

#endif
