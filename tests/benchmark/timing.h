/* timing.h - the best of several runs. */
#ifndef SF_BENCHMARK_TIMING_H
#define SF_BENCHMARK_TIMING_H

#include <stdint.h>
#include <time.h>

static inline double now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Processor time where there is one thread, which other programs disturb less; else now(). */
static inline double seconds_of_threads(int threads)
{
    struct timespec time;

    if (threads > 1) return now();
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Seconds of the fastest of `runs` calls of body(user). */
static inline double best_seconds(void (*body)(void *user), void *user, int runs)
{
    double best = 1e300;

    for (int i = 0; i < runs; i++) {
        const double start = now();
        double seconds;

        body(user);
        seconds = now() - start;
        if (seconds < best) best = seconds;
    }
    return best;
}

#endif
