/* starts.c - where chains begin in a density without exact draws: at the weighted samples of a run
 * that ended there, moved on until they have settled. */
#include "free_energy/starts.h"

#include <string.h>

#define SPARE 2 /* chains for a start, so that few are copies */

sf_starts_options sf_starts_options_default(void)
{
    return (sf_starts_options){.kernel = sf_kernel_default(), .count = 512, .moves = 1000};
}

/* ---- samples by their weights --------------------------------------------------------------- */

sf_status sf_starts_worth(const sf_anneal_run *run, double *log_mean, double *worth)
{
    const size_t end = run->options.reverse ? 0 : run->schedule.count - 1;
    sf_anneal_state state;
    sf_weights weights;

    SF_TRY(sf_weights_measure(run->log_weight, run->chains, &weights));
    SF_TRY(sf_anneal_run_state(run, end, &state));
    *log_mean = weights.log_mean;
    *worth = fmin(weights.ess, (double)state.ancestors);
    return SF_OK;
}

size_t sf_starts_count(const sf_anneal_run *run, double worth)
{
    return worth >= SF_STARTS_LEAST ? (size_t)worth : run->chains;
}

/* Systematic resampling to `count` rows of x: a chain as often as its weight over the mean one
 * says, but for one. */
static void choose(const sf_anneal_run *run, double log_mean, size_t count, double *x)
{
    const double each = (double)count / (double)run->chains;
    const size_t n = run->dimension;
    double sum = 0.0;
    size_t k = 0;

    for (size_t i = 0; i < run->chains; i++) {
        sum += each * exp(run->log_weight[i] - log_mean);
        for (; k < count && (double)k + 0.5 <= sum; k++)
            memcpy(x + k * n, run->samples + i * n, n * sizeof *x);
    }
    for (; k < count; k++) memcpy(x + k * n, x + (k - 1) * n, n * sizeof *x); /* rounding */
}

/* ---- moved on ------------------------------------------------------------------------------- */

/* The adjusted kernel with the same moves. */
static sf_kernel adjusted(sf_kernel kernel)
{
    if (kernel.kind == SF_KERNEL_ULA) kernel.kind = SF_KERNEL_MALA;
    if (kernel.kind == SF_KERNEL_UNDERDAMPED) kernel.kind = SF_KERNEL_HMC;
    return kernel;
}

sf_status sf_starts_settle(const sf_anneal_run *run, size_t count, size_t moves, sf_starts *starts)
{
    const size_t end = run->options.reverse ? 0 : run->schedule.count - 1;
    sf_equilibrate_options options = {.kernel = adjusted(run->options.kernel),
                                      .moves = moves,
                                      .seed = SF_SEED_SETTLE(run->options.seed),
                                      .monitor = run->options.monitor};
    double log_mean, worth;
    sf_status status;

    *starts = (sf_starts){.count = 0};
    if (run->samples == NULL)
        return sf_fail(SF_ERR_ARGUMENT, "starts are samples of a run, which this one has not kept");
    SF_GO(sf_starts_worth(run, &log_mean, &worth));
    starts->count = options.chains = count > 0 ? count : sf_starts_count(run, worth);
    options.kernel.step = run->schedule.step[end];
    SF_GO(sf_allocate(&starts->x, starts->count, run->dimension * sizeof *starts->x));
    choose(run, log_mean, starts->count, starts->x);
    SF_GO(sf_equilibrate(run->path, run->schedule.b[end], &options, starts->x, &starts->report));
    starts->evaluations = starts->report.evaluations;
    starts->good = starts->report.settled ||
                   (worth >= SF_STARTS_LEAST && 2.0 * worth >= (double)starts->count);
done:
    if (status != SF_OK) sf_starts_release(starts);
    return status;
}

void sf_starts_release(sf_starts *starts)
{
    if (starts == NULL) return;
    sf_free(starts->x);
    *starts = (sf_starts){.count = 0};
}

void sf_starts_judge(const sf_starts *starts, sf_log_z *log_z)
{
    if (starts->x == NULL || starts->good) return;
    sf_log_z_doubt(log_z, "the %zu starts of the chains have not settled (R-hat %.3f)",
                   starts->count, starts->report.energy.r_hat);
}

/* ---- annealed to ---------------------------------------------------------------------------- */

sf_status sf_starts_anneal(sf_density *base, sf_density *density, const sf_starts_options *options,
                           sf_starts *starts)
{
    const sf_starts_options chosen = options != NULL ? *options : sf_starts_options_default();
    sf_anneal_options annealing = sf_anneal_options_default();
    sf_pilot_options pilot = sf_pilot_options_default();
    sf_schedule schedule = {.count = 0};
    sf_anneal_run *run = NULL;
    sf_path *path = NULL;
    sf_status status;

    *starts = (sf_starts){.count = 0};
    if (!sf_multiply_sizes(chosen.count, SPARE, &annealing.chains) || chosen.count == 0)
        return sf_fail(SF_ERR_ARGUMENT, "%zu starts; there is at least one, and memory for all",
                       chosen.count);
    pilot.kernel = annealing.kernel = chosen.kernel;
    pilot.seed = annealing.seed = SF_SEED_WARM(chosen.seed);
    pilot.monitor = annealing.monitor = chosen.monitor;
    annealing.keep_samples = true;
    SF_GO(sf_path_geometric(base, density, &path));
    SF_GO(sf_schedule_pilot(path, &pilot, &schedule));
    SF_GO(sf_anneal_whole(path, &schedule, &annealing, &run));
    SF_GO(sf_starts_settle(run, chosen.count, chosen.moves, starts));
    starts->evaluations += schedule.evaluations + run->evaluations;
done:
    sf_anneal_run_release(&run);
    sf_schedule_release(&schedule);
    sf_path_release(&path);
    return status;
}
