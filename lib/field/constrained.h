/* constrained.h - the linear system of constrained realisations,
 *     (C^-1 + W) x = b,      W = diag(1/sigma_i^2), 0 where nothing is observed,
 * on the modes with lambda_k > 0; the others are held at 0. */
#ifndef SF_FIELD_CONSTRAINED_H
#define SF_FIELD_CONSTRAINED_H

#include "field/field.h"

/* ---- the scales of the preconditioner ------------------------------------------------------- */

/* Cubic B-splines on `coarse` knots at the places of `fine` cells of one periodic axis; cell i sees
 * the knots first[i] + 0, .., 3. */
typedef struct sf_spline_axis {
    size_t fine, coarse;
    size_t *first;
    double *value; /* 4 for each cell */
    size_t *begin; /* knot j is seen by cell[begin[j]], .., cell[begin[j + 1] - 1]: */
    size_t *cell;
    double *pull;  /* with this value, */
    double *share; /* which squared is this part of the sum of the knot's squares */
} sf_spline_axis;

sf_status sf_spline_axis_create(size_t fine, size_t coarse, sf_spline_axis *axis);
void sf_spline_axis_release(sf_spline_axis *axis);
/* Along the middle one of three axes (outer, fine or coarse, inner), with pull or share for
 * factor: coarse = I^T fine; fine += I coarse. */
void sf_spline_restrict(const sf_spline_axis *axis, const double *factor, size_t outer,
                        size_t inner, const double *fine, double *coarse);
void sf_spline_prolong(const sf_spline_axis *axis, size_t outer, size_t inner, const double *coarse,
                       double *fine);

/* Functions of one scale: products of B-splines on the knots of a grid, and their gain. */
typedef struct sf_scale {
    size_t shape[SF_GRID_MAX_AXES], size;
    sf_spline_axis axis[SF_GRID_MAX_AXES]; /* from the scale before; none in the first */
    double *gain;
} sf_scale;

#define SF_SCALES_MAX 64

/* The first scale's functions are the cells of `grid`, which has the same box and the field's modes
 * up to a wavenumber. */
typedef struct sf_pyramid {
    sf_grid grid;
    sf_fft *fft;
    size_t *place; /* of its half spectrum's modes in the field's; SF_NO_PLACE for none */
    int count;
    sf_scale scale[SF_SCALES_MAX];
} sf_pyramid;

#define SF_NO_PLACE SIZE_MAX

typedef struct sf_constrained_system {
    sf_grid grid;
    sf_fft *fft;
    double *lambda;      /* of the half spectrum, 0 where held */
    double *divisor;     /* 1/(1/lambda + w), 0 where held */
    double *weight;      /* 1/sigma^2 of every cell */
    double typical;      /* w: the mean of the weights that are not 0 */
    sf_pyramid *pyramid; /* NULL where no mode has lambda w > 1 */
} sf_constrained_system;

/* weight is copied. */
sf_status sf_constrained_system_create(const sf_field *field, const double *weight,
                                       sf_constrained_system **system);
void sf_constrained_system_release(sf_constrained_system **system);

/* For modes up to reach. */
sf_status sf_pyramid_create(const sf_constrained_system *system, double reach,
                            sf_pyramid **pyramid);
void sf_pyramid_release(sf_pyramid **pyramid);

/* What applying it takes. */
typedef struct sf_pyramid_work {
    double *values[SF_SCALES_MAX]; /* one of each scale's size */
    double *between[2];            /* one axis coarse, and two */
    sf_complex *modes;
} sf_pyramid_work;
sf_status sf_pyramid_work_create(const sf_pyramid *pyramid, sf_pyramid_work *work);
void sf_pyramid_work_release(sf_pyramid_work *work);

/* z += sum over scales of I G I^T r, in the field's half spectra. */
sf_status sf_pyramid_add(const sf_pyramid *pyramid, sf_pyramid_work *work, const sf_complex *r,
                         sf_complex *z);

/* ---- solving it ----------------------------------------------------------------------------- */

typedef struct sf_constrained_goal {
    const char *stage;
    double tolerance; /* of sqrt(r^T M r / b^T M b), M the preconditioner */
    double error;     /* of sqrt(r^T C r / N); 0: any */
    size_t iterations;
    sf_monitor monitor;
} sf_constrained_goal;

typedef struct sf_constrained_outcome {
    size_t iterations;
    double residual;
    double error; /* sqrt(r^T C r / cells) */
    bool converged;
} sf_constrained_outcome;

/* x <- the solution for b = x. Cells in and out. */
sf_status sf_constrained_system_solve(const sf_constrained_system *system,
                                      const sf_constrained_goal *goal, double *x,
                                      sf_constrained_outcome *outcome);

#endif
