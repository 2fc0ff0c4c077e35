/* freeenergy_run.h - what sf-freeenergy measures. */
#ifndef SF_APPS_FREEENERGY_RUN_H
#define SF_APPS_FREEENERGY_RUN_H

#include "freeenergy_target.h"

/* Log-weights of one direction of a path, and of a target what the chains saw on their way. */
typedef struct freeenergy_side {
    const double *log_weight; /* NULL: not measured */
    size_t count;
    sf_weights weights;
    sf_anneal_state *state; /* from the base to the target; NULL: none */
    size_t states;
} freeenergy_side;

typedef struct freeenergy_result {
    sf_log_z estimate; /* of log Z_1 = base_log_z + log Z_1/Z_0 */
    double base_log_z; /* 0 for work values */
    bool smc;          /* chains were resampled: only islands of them are independent */
    freeenergy_side forward, reverse;
    bool joined; /* the estimate is from both, by bar (without base_log_z) */
    sf_bar_report bar;
    double lower, lower_error; /* bounds of log_z and the standard errors of these means; */
    double upper, upper_error; /* NaN: there is none */
    double ess;                /* of the estimate: independent draws that it is worth */
    double kt;                 /* in the unit of the work */
    double seconds;
    /* work values */
    double *read[2];
    /* targets */
    freeenergy_target target;
    sf_kernel kernel;
    sf_schedule schedule;
    sf_anneal_run *run[2]; /* forward and reverse */
    char *checkpoint_back; /* of the way back; NULL: none */
    sf_anneal_report annealed;
    sf_starts hot;     /* of --path tempering, where the way there begins */
    bool exact_starts; /* of the way back; if not, */
    sf_starts cold;    /* they are these */
    /* targets by replica exchange, instead of the runs */
    sf_exchange_run *exchange;
    sf_exchange_report exchanged;
    double *curve, *curve_error; /* log Z of its states over that of the base */
    uint64_t evaluations;        /* of production and pilots */
    bool interrupted;            /* the estimate is from the chains until then */
} freeenergy_result;

/* Both: release in any case. */
sf_status freeenergy_analyse_work(const freeenergy_options *options, freeenergy_result *result);
/* SF_ERR_INTERRUPTED when stopped before there is an estimate. */
sf_status freeenergy_anneal(const freeenergy_options *options, sf_monitor monitor,
                            freeenergy_result *result);
/* Its part for --method exchange. */
sf_status freeenergy_exchange(const freeenergy_options *options, sf_path *path, sf_monitor monitor,
                              freeenergy_result *result);
/* The estimate from the first `forward` and, where they are joined, `reverse` log-weights. */
sf_status freeenergy_estimate(const freeenergy_result *result, size_t forward, size_t reverse,
                              sf_log_z *estimate);
/* Bounds and effective sample size, from log-weights, their weights and, of both, bar. */
void freeenergy_conclude(freeenergy_result *result);
void freeenergy_release(freeenergy_result *result);

#endif
