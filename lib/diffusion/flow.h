/* flow.h - the probability flow of one sample by an embedded Runge-Kutta pair. */
#ifndef SF_DIFFUSION_FLOW_H
#define SF_DIFFUSION_FLOW_H

#include <scorefield/diffusion.h>

typedef struct sf_flow sf_flow;

/* probes: how many traces go with z: 0, or an estimate for each row of `probe` (probes x cells), or
 * with `exact` one, the trace itself. */
typedef struct sf_flow_traces {
    size_t probes;
    bool exact;
} sf_flow_traces;

sf_status sf_flow_create(const sf_prior *prior, sf_flow_traces traces, sf_flow **flow);
void sf_flow_release(sf_flow **flow);
/* The probes' values, to be filled by the caller. */
double *sf_flow_probe(sf_flow *flow);
/* state: z, and behind it the traces' integrals int tr(1 - dD/dz) d log u; from one level to the
 * other. evaluations (may be NULL) grows. */
sf_status sf_flow_run(sf_flow *flow, double from, double to, double tolerance, double *state,
                      size_t *evaluations);

#endif
