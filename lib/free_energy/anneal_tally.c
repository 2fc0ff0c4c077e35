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

sf_status sf_anneal_tally(sf_anneal_run *run, const sf_chains *chains, size_t j, size_t moves,
                          const size_t *accepted_before, double *energy)
{
    const size_t islands = run->islands, batch = chains->batch;

    SF_TRY(read_energies(chains, energy));
    keep(run, chains, j, energy);
    if (chains->first == 0) run->reference[j] = isfinite(energy[0]) ? energy[0] : 0.0;
#pragma omp parallel for num_threads(sf_thread_count()) schedule(static)
    for (size_t island = 0; island < islands; island++) {
        sf_stage_sums *s = run->sums + j * islands + island;

        for (size_t i = (island + islands - chains->first % islands) % islands; i < batch;
             i += islands) {
            sf_stage_sums_add(s, chains->log_weight[i], energy[i] - run->reference[j]);
            if (chains->log_weight[i] == -INFINITY) continue;
            s->accepted += chains->accepted[i] - accepted_before[i];
            s->proposed += moves;
        }
    }
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
