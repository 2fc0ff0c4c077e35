/* blocks.c - blocks of chains over threads. */
#include "mcmc/chains.h"

#include "base/internal.h"

#include <stdio.h>

size_t sf_block_size(const sf_chains *chains)
{
    const size_t values = 2048, fit = values / chains->dimension; /* 16 kB an array */
    const size_t size = fit < 8 ? 8 : fit > 256 ? 256 : fit;

    return size < chains->batch ? size : chains->batch;
}

typedef struct failure {
    size_t block;
    sf_status status;
    char sentence[1024];
} failure;

/* A thread's sentence would be lost with it; the first block's is kept. */
static void keep(failure *f, size_t block, sf_status status)
{
#pragma omp critical(sf_mcmc_failure)
    if (block < f->block) {
        f->block = block;
        f->status = status;
        (void)snprintf(f->sentence, sizeof f->sentence, "%s", sf_last_error());
    }
}

sf_status sf_blocks_each(const sf_chains *chains,
                         sf_status (*body)(void *user, size_t at, size_t count), void *user)
{
    const size_t size = sf_block_size(chains), blocks = (chains->batch + size - 1) / size;
    failure f = {.block = SIZE_MAX, .status = SF_OK};

#pragma omp parallel for schedule(dynamic) num_threads(sf_thread_count()) if (blocks > 1)
    for (size_t i = 0; i < blocks; i++) {
        const size_t at = i * size, rest = chains->batch - at;
        const sf_status status = body(user, at, rest < size ? rest : size);

        if (status != SF_OK) keep(&f, i, status);
    }
    return f.status == SF_OK ? SF_OK : sf_fail(f.status, "%s", f.sentence);
}
