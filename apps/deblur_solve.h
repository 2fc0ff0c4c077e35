/* deblur_solve.h - one call of the library's algorithm that the command line names. */
#ifndef SF_APPS_DEBLUR_SOLVE_H
#define SF_APPS_DEBLUR_SOLVE_H

#include "deblur_frame.h"

#include <math.h>

/* A method with its prior, which is made when it is asked for, and kept for scenes of one shape. */
typedef struct deblur_solver {
    const deblur_options *options;
    sf_prior *prior;
} deblur_solver;

/* How often the noise of counts is found anew from a solution, for what uses the local Gaussian
 * form of their law. */
#define DEBLUR_REWEIGHTINGS 2

/* What algorithms choose for themselves, and parts of a frame must have alike; NaN: chosen. */
typedef struct deblur_tuning {
    double noise_excess, strength, iterations;
} deblur_tuning;
#define DEBLUR_TUNING_FREE \
    {                      \
        NAN, NAN, NAN      \
    }

/* Solves; of counts with weights that the pixels' own noise is not in. given NULL: all chosen. */
sf_status deblur_solve(deblur_solver *solver, const deblur_tuning *given, deblur_frame *frame,
                       sf_monitor monitor, double *scene, sf_solver_report *report);
void deblur_solver_release(deblur_solver *solver);

#endif
