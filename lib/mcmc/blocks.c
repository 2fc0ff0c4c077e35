/* blocks.c - chains, in blocks or otherwise, over threads. */
#include "mcmc/chains.h"
#include "mcmc/density.h"

#include "base/internal.h"

#include <stdio.h>

size_t sf_block_size(const sf_chains *chains)
{
    const size_t values = 2048, fit = values / chains->dimension; /* 16 kB an array */
    const size_t together = sf_chains_together(chains), least = together > 8 ? together : 8;
    const size_t size = fit < least ? least : fit > 256 ? 256 : fit;

    return size < chains->batch ? size : chains->batch;
}

size_t sf_chains_together(const sf_chains *chains)
{
    const size_t of_f0 = chains->f0 != NULL ? sf_density_together(chains->f0) : 1;
    const size_t of_f1 = chains->f1 != NULL ? sf_density_together(chains->f1) : 1; /* no b yet */

    return of_f0 > of_f1 ? of_f0 : of_f1;
}

typedef struct failure {
    size_t item;
    sf_status status;
    char sentence[1024];
} failure;

/* A thread's sentence would be lost with it; the first item's is kept. */
static void keep(failure *f, size_t item, sf_status status)
{
#pragma omp critical(sf_mcmc_failure)
    if (item < f->item) {
        f->item = item;
        f->status = status;
        (void)snprintf(f->sentence, sizeof f->sentence, "%s", sf_last_error());
    }
}

sf_status sf_items_each(size_t count, sf_status (*body)(void *user, size_t item), void *user)
{
    failure f = {.item = SIZE_MAX, .status = SF_OK};

#pragma omp parallel for schedule(dynamic) num_threads(sf_thread_count()) if (count > 1)
    for (size_t i = 0; i < count; i++) {
        const sf_status status = body(user, i);

        if (status != SF_OK) keep(&f, i, status);
    }
    return f.status == SF_OK ? SF_OK : sf_fail(f.status, "%s", f.sentence);
}

typedef struct blocks {
    const sf_chains *chains;
    sf_status (*body)(void *user, size_t at, size_t count);
    void *user;
} blocks;

static sf_status run_block(void *user, size_t block)
{
    const blocks *b = user;
    const size_t size = sf_block_size(b->chains), at = block * size, rest = b->chains->batch - at;

    return b->body(b->user, at, rest < size ? rest : size);
}

sf_status sf_blocks_each(const sf_chains *chains,
                         sf_status (*body)(void *user, size_t at, size_t count), void *user)
{
    const size_t size = sf_block_size(chains);
    blocks b = {chains, body, user};

    return sf_items_each((chains->batch + size - 1) / size, run_block, &b);
}
