/* pilot_trial.c - whether a schedule does what it was made for: a short run along it. */
#include "free_energy/pilot.h"

sf_status sf_pilot_try(sf_pilot *p, const sf_schedule *schedule, double *loss)
{
    const sf_pilot_options *o = p->options;
    sf_anneal_options options = sf_anneal_options_default();
    sf_anneal_run *run = NULL;
    sf_weights weights;
    sf_status status;

    options.chains = o->trial_chains;
    options.moves = o->trial_moves;
    options.kernel = o->kernel;
    options.seed = SF_SEED_TRIAL(o->seed);
    options.start = o->start;
    options.starts = o->starts;
    options.monitor = o->monitor;
    SF_GO(sf_anneal_whole(p->path, schedule, &options, &run));
    p->evaluations += run->evaluations;
    SF_GO(sf_weights_measure(run->log_weight, run->chains, &weights));
    *loss = log((double)run->chains / weights.ess);
done:
    sf_anneal_run_release(&run);
    return status;
}
