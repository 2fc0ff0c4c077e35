/* anneal_back.c - the run back from where a run there has ended. */
#include "free_energy/starts.h"

/* Whole islands, as many as there. */
static size_t fill_islands(const sf_anneal_run *there, size_t count, sf_anneal_options *o)
{
    if (o->method != SF_ANNEAL_SMC) return count;
    o->batch = count * o->batch / there->chains;
    if (o->batch < 2) o->batch = 2;
    return count - count % o->batch;
}

static sf_status settle(const sf_anneal_run *there, size_t moves, sf_anneal_options *o,
                        sf_starts *starts)
{
    double log_mean, worth;

    SF_TRY(sf_starts_worth(there, &log_mean, &worth));
    o->chains = fill_islands(there, sf_starts_count(there, worth), o);
    if (o->islands > o->chains / 2) o->islands = 1;
    SF_TRY(sf_starts_settle(there, o->chains, moves, starts));
    o->start = starts->x;
    o->starts = starts->count;
    return SF_OK;
}

sf_status sf_anneal_back(const sf_anneal_run *there, size_t moves, const char *checkpoint,
                         sf_starts *starts, sf_anneal_run **back)
{
    sf_anneal_options options = there->options;
    sf_density *target = NULL;
    sf_status status;

    *starts = (sf_starts){.good = true};
    *back = NULL;
    if (options.reverse)
        SF_GO(sf_fail(SF_ERR_ARGUMENT, "a run back has no run back; give the run there"));
    options.reverse = true;
    options.keep_samples = false;
    options.checkpoint = checkpoint;
    options.start = NULL;
    options.starts = 0;
    SF_GO(sf_path_at(there->path, 1.0, &target));
    if (!sf_density_can_draw(target)) SF_GO(settle(there, moves, &options, starts));
    SF_GO(sf_anneal(there->path, &there->schedule, &options, back));
done:
    sf_density_release(&target);
    if (status != SF_OK) sf_starts_release(starts);
    return status;
}
