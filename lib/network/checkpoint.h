/* checkpoint.h - the state of a training run in a file. Internal. */
#ifndef SF_NETWORK_CHECKPOINT_H
#define SF_NETWORK_CHECKPOINT_H

#include "network/adam.h"

typedef struct sf_checkpoint {
    uint64_t fingerprint; /* of the network and of the options that decide the numbers */
    uint64_t patches;     /* the patch source's own */
    uint64_t step;        /* steps done */
    double loss;          /* running loss */
} sf_checkpoint;

/* Whole or not at all: written beside and renamed. */
sf_status sf_checkpoint_write(const char *path, const sf_checkpoint *state, const sf_adam *adam);
/* Into an sf_adam of the right size. SF_ERR_IO: no such file; SF_ERR_FORMAT: damaged, or of
 * another network, other options or other patches (another fingerprint). */
sf_status sf_checkpoint_read(const char *path, sf_checkpoint *state, sf_adam *adam);

#endif
