/* ensemble.h - what an ensemble holds, for the files that add to it, read it and keep it. */
#ifndef SF_DIFFUSION_ENSEMBLE_H
#define SF_DIFFUSION_ENSEMBLE_H

#include <scorefield/diffusion.h>

struct sf_ensemble {
    size_t cells, chains;
    size_t rows;    /* draws of all chains that there is room for */
    uint64_t label; /* its hash */
    uint64_t count; /* samples so far */
    uint64_t stride;
    size_t held;            /* samples kept, in rows of chains */
    double *mean, *squares; /* squares: sum (x - mean)^2 */
    double *kept;
};

#endif
