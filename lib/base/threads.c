/* threads.c - how many threads scorefield uses. */
#include "base/internal.h"

#include <omp.h>
#include <stdatomic.h>

static atomic_int chosen; /* 0: the default */

int sf_thread_count(void)
{
    const int count = atomic_load(&chosen);

    return count > 0 ? count : omp_get_max_threads();
}

sf_status sf_thread_count_set(int count)
{
    if (count < 0 || count > 4096)
        return sf_fail(SF_ERR_ARGUMENT, "%d threads: give 1 to 4096, or 0 for the default", count);
    atomic_store(&chosen, count);
    return SF_OK;
}
