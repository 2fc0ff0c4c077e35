/* clock.c - the stop watch of reports. */
#include "base/internal.h"

#include <time.h>

double sf_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
