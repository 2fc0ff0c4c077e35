/* constrained.h - the linear system of constrained realisations,
 *     (C^-1 + W) x = b,      W = diag(1/sigma_i^2), 0 where nothing is observed,
 * on the modes with lambda_k > 0; the others are held at 0. */
#ifndef SF_FIELD_CONSTRAINED_H
#define SF_FIELD_CONSTRAINED_H

#include "field/field.h"

/* One grid of the system; immutable. The modes of `coarse` are the large scales of this one. */
typedef struct sf_level {
    sf_grid grid;
    sf_fft *fft;
    double *lambda;  /* of the half spectrum, 0 where held */
    double *divisor; /* 1/(1/lambda + w), w the mean weight of the finest grid; 0 where held and
                        where the coarse grid has the mode */
    double *weight;  /* 1/sigma^2 of every cell; on a coarse grid its exact Fourier restriction */
    struct sf_level *coarse; /* or NULL */
    size_t shared;           /* modes of the coarse grid, */
    size_t *here, *there;    /* their places in this half spectrum and in the coarse one */
} sf_level;

/* The finest grid and, where it pays, its coarse grid. weight is copied. */
sf_status sf_level_create(const sf_field *field, const double *weight, sf_level **level);
void sf_level_release(sf_level **level);

typedef struct sf_level_goal {
    const char *stage;
    double tolerance; /* of sqrt(r^T M r / b^T M b), M the preconditioner */
    size_t iterations;
    sf_monitor monitor;
} sf_level_goal;

typedef struct sf_level_outcome {
    size_t iterations, coarse_iterations;
    double residual;
    double error; /* sqrt(r^T C r / cells) */
    bool converged;
} sf_level_outcome;

/* x <- the solution for b = x. Cells in and out. */
sf_status sf_level_solve(const sf_level *level, const sf_level_goal *goal, double *x,
                         sf_level_outcome *outcome);

#endif
