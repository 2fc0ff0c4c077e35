/* freeenergy_run.h - what sf-freeenergy measures. */
#ifndef SF_APPS_FREEENERGY_RUN_H
#define SF_APPS_FREEENERGY_RUN_H

#include "freeenergy_options.h"

/* Log-weights of one direction of a path. */
typedef struct freeenergy_side {
    double *log_weight; /* NULL: not measured */
    size_t count;
    sf_weights weights;
} freeenergy_side;

typedef struct freeenergy_result {
    sf_log_z estimate; /* of log Z_1, log Z_0 being `base_log_z` */
    double base_log_z; /* 0: the estimate is of log Z_1/Z_0 */
    freeenergy_side forward, reverse;
    sf_bar_report bar;         /* of both, without base_log_z */
    double lower, lower_error; /* bounds of log_z and the standard errors of these means; */
    double upper, upper_error; /* NaN: there is none */
    double ess;                /* of the estimate: independent draws that it is worth */
    double kt;                 /* in the unit of the work */
    double seconds;
} freeenergy_result;

/* Release in any case. */
sf_status freeenergy_analyse_work(const freeenergy_options *options, freeenergy_result *result);
/* The estimate from the first `forward` and `reverse` log-weights. */
sf_status freeenergy_estimate(const freeenergy_result *result, size_t forward, size_t reverse,
                              sf_log_z *estimate);
void freeenergy_release(freeenergy_result *result);

#endif
