/* report.c - why a solver stopped, in words. */
#include <scorefield/inverse.h>

const char *sf_stop_text(sf_stop stop)
{
    switch (stop) {
    case SF_STOP_CONVERGED: return "converged";
    case SF_STOP_ITERATIONS: return "reached the iteration limit";
    case SF_STOP_SCHEDULE: return "ran its noise schedule to the end";
    case SF_STOP_DISCREPANCY: return "the residual reached the noise";
    case SF_STOP_MONITOR: return "stopped by the caller";
    }
    return "unknown";
}
