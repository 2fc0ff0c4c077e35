/* anneal_until.c - more chains until the error is small enough. */
#include "free_energy/anneal.h"

/* How many the error wants by now, with a tenth to spare: at most four times as many as there are,
 * since an error of few is not known well. */
static size_t wanted(const sf_anneal_run *run, double error, double target, size_t most)
{
    const double ratio = error / target, had = (double)run->chains;
    const double chains = had * fmin(1.1 * ratio * ratio, 4.0);

    return chains < (double)most ? (size_t)ceil(chains) : most;
}

/* *end: the monitor has stopped the run; *added: it has more chains than before. */
static sf_status extend(sf_anneal_run *run, double error, double target, size_t most, bool *added,
                        bool *end)
{
    size_t chains;

    if (run == NULL || *end) return SF_OK;
    chains = wanted(run, error, target, most);
    if (chains <= run->chains) return SF_OK;
    SF_TRY(sf_anneal_more(run, chains - run->chains));
    *added = true;
    *end = run->interrupted;
    return SF_OK;
}

sf_status sf_anneal_until(sf_anneal_run *forward, sf_anneal_run *reverse, double target_error,
                          size_t chains_most, sf_anneal_report *report)
{
    bool added = true, end = false;

    SF_TRY(sf_anneal_estimate(forward, reverse, report));
    if (!(target_error > 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "a target error of %g; it is positive", target_error);
    while (added && !end && !(report->estimate.error <= target_error)) {
        const double error = report->estimate.error;

        added = false;
        SF_TRY(extend(forward, error, target_error, chains_most, &added, &end));
        SF_TRY(extend(reverse, error, target_error, chains_most, &added, &end));
        SF_TRY(sf_anneal_estimate(forward, reverse, report));
    }
    return SF_OK;
}
