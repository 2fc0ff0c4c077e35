/* fft.h - what the transforms' files share. */
#ifndef SF_GRID_FFT_H
#define SF_GRID_FFT_H

#include <scorefield/grid.h>

#include "base/internal.h"

#include <fftw3.h>
#include <pthread.h>

enum {
    SF_FFT_SLAB_THRESHOLD = 1000000, /* cells from which a grid is cut into slabs */
    SF_FFT_COLUMN_BLOCK = 16         /* columns transformed together */
};

/* Plans of one precision for transforms in place: fftw_plan or fftwf_plan. */
typedef struct sf_fft_plans {
    void *forward, *inverse; /* of one slab with padded rows */
    void *column_forward[2]; /* along the first axis: a full block, the remainder */
    void *column_inverse[2];
} sf_fft_plans;

struct sf_fft {
    struct sf_fft *next; /* in the cache */
    size_t references;
    sf_grid grid;
    size_t slabs;                /* 1, or the cells along the first axis that has several */
    size_t slab_size, slab_half; /* real and complex values of one slab */
    fftw_plan forward, inverse;  /* of one slab */
    fftw_plan column_forward[2]; /* along the first axis: a full block, the remainder */
    fftw_plan column_inverse[2];
    sf_fft_plans in_place[2]; /* double, single; made on first use */
};

/* Guards the cache, the reference counts and FFTW's planner. */
extern pthread_mutex_t sf_fft_lock;

/* Frees the plans in place. */
void sf_fft_destroy_in_place(sf_fft *fft);

#endif
