/* anneal_tally.c - what a temperature shows of the chains: weights, slopes, energies, acceptance.
 */
#include "free_energy/anneal.h"
#include "mcmc/chains.h"

/* d log f_b/db, or where the path does not know it log f_b. */
static sf_status read_energies(const sf_chains *c, double *energy)
{
    if (sf_path_has_slope(c->path)) return sf_chains_slope(c, energy);
    for (size_t i = 0; i < c->batch; i++) energy[i] = sf_chains_log_f(c, i);
    return SF_OK;
}

/* Chains that the run keeps the energies of. */
static void keep(sf_anneal_run *run, const sf_chains *c, size_t j, const double *energy)
{
    for (size_t i = 0; i < c->batch && c->first + i < run->energies; i++)
        run->energy[j * run->energies + c->first + i] =
            c->log_weight[i] > -INFINITY ? energy[i] : NAN;
}

/* Each chain in its group, each group on its own. */
static void add_chains(sf_anneal_run *run, const sf_anneal_walk *walk, size_t j, size_t moves)
{
    const sf_chains *chains = walk->chains;
    const size_t islands = run->islands, batch = chains->batch;

#pragma omp parallel for num_threads(sf_thread_count()) schedule(static)
    for (size_t island = 0; island < islands; island++) {
        sf_stage_sums *s = run->sums + j * islands + island;

        for (size_t i = (island + islands - chains->first % islands) % islands; i < batch;
             i += islands) {
            sf_stage_sums_add(s, chains->log_weight[i], walk->energy[i] - run->reference[j]);
            if (chains->log_weight[i] == -INFINITY) continue;
            s->accepted += chains->accepted[i] - walk->accepted[i];
            s->proposed += moves;
        }
    }
}

/* The island's families in its group. */
static void add_population(sf_anneal_run *run, const sf_anneal_walk *walk, size_t j, size_t moves)
{
    const sf_population *p = &walk->population;
    const sf_chains *chains = walk->chains;
    const size_t group = (size_t)(chains->first / p->size) % run->islands;
    sf_stage_sums *s = run->sums + j * run->islands + group;
    const sf_island_part part = sf_population_part(p, chains->log_weight);

    sf_island_sums_add(run->seen + j, &part);
    sf_families_add(p->size, p->ancestor, 0, chains->log_weight, walk->energy, run->reference[j],
                    p->room, s);
    for (size_t i = 0; i < chains->batch; i++) {
        if (chains->log_weight[i] == -INFINITY) continue;
        s->accepted += chains->accepted[i] - walk->accepted[i];
        s->proposed += moves;
    }
}

sf_status sf_anneal_tally(sf_anneal_run *run, const sf_anneal_walk *walk, size_t j, size_t moves)
{
    const double *energy = walk->energy;

    SF_TRY(read_energies(walk->chains, walk->energy));
    keep(run, walk->chains, j, energy);
    if (walk->chains->first == 0) run->reference[j] = isfinite(energy[0]) ? energy[0] : 0.0;
    if (walk->population.size > 0)
        add_population(run, walk, j, moves);
    else
        add_chains(run, walk, j, moves);
    return SF_OK;
}

sf_stage_sums sf_anneal_stage(const sf_anneal_run *run, size_t j)
{
    sf_stage_sums all;

    sf_stage_sums_clear(&all);
    for (size_t i = 0; i < run->islands; i++)
        sf_stage_sums_merge(&all, run->sums + j * run->islands + i);
    return all;
}
