/* plot_scale.h - how values become positions, and where the ticks stand. */
#ifndef SF_IO_PLOT_SCALE_H
#define SF_IO_PLOT_SCALE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum sf_scale_kind { SF_SCALE_LINEAR, SF_SCALE_LOG, SF_SCALE_ASINH } sf_scale_kind;

/* Maps [low, high] to [0, 1]. Asinh (Lupton et al. 1999, doi:10.1086/301004): linear within
 * `softening` of `pivot`, logarithmic beyond. */
typedef struct sf_scale {
    sf_scale_kind kind;
    double low, high;
    double pivot, softening;
} sf_scale;

/* Makes room around a constant. False: the range is wider than a double holds. */
bool sf_scale_settle(sf_scale *scale);
double sf_scale_position(const sf_scale *scale, double value);

#define SF_MAX_TICKS 32
typedef struct sf_tick {
    double value;
    double position; /* 0 .. 1 */
    char label[32];
} sf_tick;

typedef struct sf_ticks {
    size_t count;
    sf_tick tick[SF_MAX_TICKS];
    double step;  /* between linear ticks; 0: they are decades */
    int exponent; /* linear and asinh: the labels are in units of 10^exponent */
} sf_ticks;

/* Round values inside the range, at least spacing (a share of the length) apart. */
void sf_scale_ticks(const sf_scale *scale, double spacing, sf_ticks *ticks);
/* The same, and closer together where there would be fewer than three. */
void sf_scale_ticks_three(const sf_scale *scale, double spacing, sf_ticks *ticks);

#endif
