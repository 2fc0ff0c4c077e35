/* normal.h - the quadratic problem that every linear step is:
 *     (H^T W H + R) x = H^T W y + R c,      R diagonal in Fourier space and not negative. */
#ifndef SF_INVERSE_NORMAL_H
#define SF_INVERSE_NORMAL_H

#include "inverse/observation.h"

/* Memory and plan for solving many such problems on one observation. */
typedef struct sf_normal sf_normal;

/* How far to go: until the error, measured by r^T M^-1 r with M the preconditioner, is below
 * (noise_fraction)^2 of what the noise itself contributes, or has fallen by `reduction`. */
typedef struct sf_normal_goal {
    double noise_fraction;
    double reduction;
    size_t iterations;
    sf_monitor monitor; /* stage "linear system", residual = how far that error has fallen, no
                           image; false ends the solution where it is */
} sf_normal_goal;

sf_status sf_normal_create(const sf_observation *observation, sf_normal **normal);
void sf_normal_release(sf_normal **normal);

/* conj(H) F(W y) of other data than the observation's, for one with blur; not copied. */
void sf_normal_set_back(sf_normal *normal, const sf_complex *back);
/* R = value at every mode. */
void sf_normal_set_ridge(sf_normal *normal, double value);
/* R_k given on the half spectrum; a mode with R_k = INFINITY is held at zero. */
void sf_normal_set_penalty(sf_normal *normal, const double *penalty);
/* roughness_k = (sum over axes of 2 - 2 cos(2 pi m/n))^order on the half spectrum: |gradient|^2 at
 * order 1, |Laplacian|^2 at order 2. */
void sf_normal_roughness(const sf_grid *scene, int order, double *roughness);
/* R_k = strength roughness_k. */
void sf_normal_set_roughness(sf_normal *normal, double strength, int order);

/* Solves from the solution of the previous call (zero at first). centre: c on the scene, or NULL
 * for zero (and then R may be infinite somewhere). A division in Fourier space where H^T W H is
 * diagonal, and pointwise where there is no blur and R is constant; else preconditioned conjugate
 * gradients in Fourier space at two transforms an iteration, of each exposure. */
sf_status sf_normal_solve(sf_normal *normal, const double *centre, const sf_normal_goal *goal,
                          double *x);
/* The same from the centre on, whatever the last solution was; modes with R_k = INFINITY stay as
 * they are there. Without `data`, y = 0. */
sf_status sf_normal_update(sf_normal *normal, bool data, const double *centre,
                           const sf_normal_goal *goal, double *x);
/* Since creation: seconds inside transforms; iterations of conjugate gradients, a division in
 * Fourier space counted as one. */
double sf_normal_transform_seconds(const sf_normal *normal);
size_t sf_normal_iterations(const sf_normal *normal);
/* Whether the last solution reached its goal (or rounding) within the iterations allowed. */
bool sf_normal_reached(const sf_normal *normal);
/* Whether the monitor ended the last solution. */
bool sf_normal_stopped(const sf_normal *normal);

#endif
