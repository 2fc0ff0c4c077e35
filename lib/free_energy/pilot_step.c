/* pilot_step.c - the step at a temperature: of adjusted kernels by their acceptance, of unadjusted
 * ones by the variance that their moves add to the log-weights, both by Newton steps in log step
 * with slopes that are about right for all of them. */
#include "free_energy/pilot.h"

#include <string.h>

enum { FIRST_ROUNDS = 40, ROUNDS = 4 };

#define NEAR_ENOUGH 0.05 /* of the wanted acceptance */
#define GAIN        2.0  /* -1/(d acceptance/d log step), where acceptance is about a half */
#define POWER       6.0  /* variance ~ step^6 for a leapfrog, step^3 for ULA: not to overshoot */
#define LARGEST     1.1  /* change of log step in a round */
#define SMALLEST    1e-12
#define FORGETS     3.0 /* step of OU: exp(-3) of the past is little */

bool sf_pilot_unadjusted(const sf_pilot *p)
{
    return p->kernel.kind == SF_KERNEL_ULA || p->kernel.kind == SF_KERNEL_UNDERDAMPED;
}

double sf_wanted_acceptance(sf_kernel_kind kind, double asked)
{
    if (asked > 0.0) return asked;
    switch (kind) {
    case SF_KERNEL_MALA: return 0.57;
    case SF_KERNEL_HMC: return 0.7;
    case SF_KERNEL_RANDOM_WALK: return 0.25;
    default: return 0.5;
    }
}

static size_t accepted(const sf_chains *c)
{
    size_t sum = 0;

    for (size_t i = 0; i < c->batch; i++) sum += c->accepted[i];
    return sum;
}

/* The variance of what the moves have added to the log-weights; infinite where they killed more
 * than one chain in twenty. */
static double added_variance(const sf_pilot *p)
{
    const sf_chains *c = p->chains;
    size_t alive = 0, left = 0;
    double mean = 0.0, squares = 0.0;

    for (size_t i = 0; i < c->batch; i++) {
        double added, difference;

        if (p->increment[i] == -INFINITY) continue;
        alive++;
        if (c->log_weight[i] == -INFINITY) continue;
        added = c->log_weight[i] - p->increment[i];
        difference = added - mean;
        mean += difference / (double)++left;
        squares += difference * (added - mean);
    }
    return 20 * left > 19 * alive && left > 1 ? squares / (double)(left - 1) : INFINITY;
}

/* By how much log step is to change. */
static double error_of_step(const sf_pilot *p, size_t accepted_before)
{
    const double moves = (double)p->options->moves * (double)p->chains->batch;

    if (sf_pilot_unadjusted(p)) return log(p->variance / added_variance(p)) / POWER;
    return GAIN * ((double)(accepted(p->chains) - accepted_before) / moves -
                   sf_wanted_acceptance(p->options->kernel.kind, p->options->acceptance));
}

sf_status sf_pilot_tune(sf_pilot *p, double b)
{
    const bool first = p->nodes == 1;

    for (size_t round = 0; round < (first ? FIRST_ROUNDS : ROUNDS); round++) {
        const size_t before = accepted(p->chains);
        double change;

        memcpy(p->increment, p->chains->log_weight, p->chains->batch * sizeof *p->increment);
        SF_TRY(sf_chains_move(p->chains, &p->kernel, b, p->options->moves));
        change = fmin(fmax(error_of_step(p, before), -LARGEST), LARGEST);
        p->kernel.step *= exp(change);
        if (p->kernel.kind == SF_KERNEL_OU) p->kernel.step = fmin(p->kernel.step, FORGETS);
        if (!(p->kernel.step > SMALLEST * p->options->kernel.step))
            return sf_fail(SF_ERR_NUMERIC,
                           "no step is small enough at b = %g: moves of %g are still refused; a "
                           "score that disagrees with its density does that",
                           b, p->kernel.step);
        if (first && round >= ROUNDS && fabs(change) < GAIN * NEAR_ENOUGH) break;
    }
    return SF_OK;
}
