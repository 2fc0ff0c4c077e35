/* bench_random.c - random numbers of one thread, as a share of the rate at which one thread
 * can write memory (the limit of any generator that fills an array). */
#include <scorefield/base.h>

#include "timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 1 << 24, RUNS = 7 };

static void write_memory(void *x) { memset(x, 1, COUNT * sizeof(double)); }

static void uniforms(void *x) { sf_random_uniform(sf_random_make(1, 0), 0, 0, COUNT, x); }

static void normals(void *x) { sf_random_normal(sf_random_make(1, 0), 0, 0, COUNT, x); }

static void report(const char *name, double seconds, double limit)
{
    printf("%-12s %8.1f million/s %6.2f GB/s  %5.3f of memory writes\n", name,
           1e-6 * COUNT / seconds, 8e-9 * COUNT / seconds, limit / seconds);
}

int main(void)
{
    double limit, *x;

    if (sf_allocate(&x, COUNT, sizeof *x) != SF_OK) {
        fprintf(stderr, "bench_random: %s\n", sf_last_error());
        return EXIT_FAILURE;
    }
    limit = best_seconds(write_memory, x, RUNS);
    report("memory", limit, limit);
    report("uniform", best_seconds(uniforms, x, RUNS), limit);
    report("normal", best_seconds(normals, x, RUNS), limit);
    sf_free(x);
    return EXIT_SUCCESS;
}
