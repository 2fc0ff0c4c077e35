/* power_sums.h - products of two spectra, summed over bins of modes. */
#ifndef SF_FIELD_POWER_SUMS_H
#define SF_FIELD_POWER_SUMS_H

#include "field/bins.h"
#include "field/window.h"

/* What is summed over a bin's modes. */
enum {
    SF_SUM_POWER,        /* Re X Y* V/(N W)^2, shot noise included */
    SF_SUM_NOISE,        /* the shape of shot noise */
    SF_SUM_FIRST,        /* |X|^2, of a cross spectrum */
    SF_SUM_SECOND,       /* |Y|^2 */
    SF_SUM_QUADRUPOLE,   /* 5 L_2(mu), shot noise subtracted */
    SF_SUM_HEXADECAPOLE, /* 9 L_4(mu) */
    SF_SUM_SLOTS,
    /* in the plane (k_perp, k_par), in place of multipoles: */
    SF_SUM_MODES = SF_SUM_QUADRUPOLE, /* 1 */
    SF_SUM_PERPENDICULAR,             /* k_perp */
    SF_SUM_PARALLEL,                  /* k_par */
    SF_SUM_PLANE_SLOTS
};

/* Half spectra of one field: of the buffer in double or in single precision, and of the second grid
 * of interlacing (NULL: none). */
typedef struct sf_power_side {
    const double *wide;
    const float *narrow;
    const double *second;
} sf_power_side;

typedef struct sf_power_task {
    sf_lattice lattice;
    sf_power_side first, second; /* second: cross spectra only */
    bool cross;
    double scale;      /* V/N^2 */
    double shot_noise; /* 0: none is summed */
    int line_of_sight;
    sf_window_tables window;
    double *phase;                      /* e^(i pi m/n) of the last axis, if interlaced */
    sf_binning line;                    /* of |k|; count = 0: none */
    sf_binning perpendicular, parallel; /* count = 0: none */
} sf_power_task;

/* line: line.count x SF_SUM_SLOTS, plane: perpendicular.count x parallel.count x SF_SUM_PLANE_SLOTS
 * sums. The same bits on any number of threads. */
sf_status sf_power_sums(const sf_power_task *task, double *line, double *plane);

#endif
