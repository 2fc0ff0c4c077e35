/* fft.h - what the transforms' files share. */
#ifndef SF_GRID_FFT_H
#define SF_GRID_FFT_H

#include <scorefield/grid.h>

#include "base/internal.h"

#include <fftw3.h>
#include <pthread.h>

enum {
    SF_FFT_SLAB_THRESHOLD = 1000000, /* cells from which a grid is cut into slabs */
    SF_FFT_FEWEST_COLUMNS = 256      /* along them: of fewer, a block were no small part */
};

/* FFTW's functions of one precision; plans are fftw_plan or fftwf_plan. */
typedef struct sf_fft_precision {
    size_t bytes; /* of a real value */
    void *(*plan_slab)(int rank, const fftw_iodim64 *dims, int sign, void *buffer, unsigned flags);
    void *(*plan_columns)(const fftw_iodim64 *along, const fftw_iodim64 *across, int sign,
                          void *buffer);
    void (*destroy)(void *plan);
    void (*forward)(void *plan, void *buffer);
    void (*inverse)(void *plan, void *buffer);
    void (*columns)(void *plan, void *buffer);
    void (*scale)(void *buffer, size_t count, double factor);
} sf_fft_precision;

extern const sf_fft_precision *const sf_fft_precisions[2]; /* double, single */

typedef struct sf_fft_plans {
    void *forward, *inverse;
} sf_fft_plans;

struct sf_fft {
    struct sf_fft *next; /* in the cache */
    size_t references;
    sf_grid grid;
    size_t slabs;                /* 1, or the cells along the first axis that has several */
    size_t slab_size, slab_half; /* real and complex values of one slab */
    fftw_plan forward, inverse;  /* of one slab */
    size_t width;                /* columns along the slabs that are transformed together */
    sf_fft_plans columns[2];     /* in the two precisions */
    sf_fft_plans in_place[2];    /* of one slab with padded rows; made on first use */
};

/* Guards the cache, the reference counts and FFTW's planner. */
extern pthread_mutex_t sf_fft_lock;

void sf_fft_plans_destroy(const sf_fft_precision *precision, sf_fft_plans *plans);
/* `spectrum` has the size of a half spectrum, and is not touched. */
sf_status sf_fft_plan_columns(sf_fft *fft, void *spectrum);
/* Transforms all columns along the slabs, if there are several. Beside the grid that takes about
 * half a megabyte, or 16 columns, in each thread. */
sf_status sf_fft_columns(const sf_fft *fft, bool single, bool inverse, void *spectrum);

#endif
