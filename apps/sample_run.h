/* sample_run.h - the samples of sf-sample and what is measured of them. */
#ifndef SF_APPS_SAMPLE_RUN_H
#define SF_APPS_SAMPLE_RUN_H

#include "sample_prior.h"

typedef struct sample_run {
    sample_prior prior;
    sf_ensemble *ensemble;    /* keeps all samples */
    sf_sample_report sampler; /* of the last batch */
    bool resumed;             /* from a checkpoint */
    sf_moments moments;       /* of all cells of all samples */
    double *mean, *deviation; /* of each cell; NULL for one sample */
    double *log_p, *error;    /* by the flow, each sample's; NULL: not asked for */
    double *exact;            /* where the prior knows it; else NULL */
    size_t probes;
    double seconds;
} sample_run;

/* Release in any case. What the monitor stops has fewer samples, and nothing else. */
sf_status sample_run_all(const sample_options *options, sf_monitor monitor, sample_run *run);
void sample_run_release(sample_run *run);

#endif
