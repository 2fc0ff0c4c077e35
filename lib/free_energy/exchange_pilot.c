/* exchange_pilot.c - a schedule that replicas pass easily: steps by their acceptance, and
 * temperatures at equal shares of the barrier Lambda(b), the sum of rejections up to b, which has a
 * limit as states get dense (Syed et al. 2022, doi:10.1111/rssb.12464, section 5). */
#include "free_energy/ladder.h"
#include "free_energy/pilot.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_spline.h>
#include <string.h>

#define FIRST_STAGE     16
#define LEAST_REJECTION 1e-3 /* so that the barrier rises everywhere */
#define LARGEST_CHANGE  4.0  /* of a step in a stage */
#define LEAST_ACCEPTED  1e-3 /* a share that is taken for none, and one less it for all */

/* Many dimensions accept with probability 2 Phi(-c step^power) (Roberts & Rosenthal 1998,
 * doi:10.1111/1467-9868.00123; Beskos et al. 2013, doi:10.3150/12-BEJ414). */
static double power_of(sf_kernel_kind kind)
{
    switch (kind) {
    case SF_KERNEL_MALA: return 1.5;
    case SF_KERNEL_HMC: return 2.0;
    case SF_KERNEL_RANDOM_WALK: return 1.0;
    default: return 0.5; /* OU moves by the root of its step */
    }
}

static double tuned_step(const sf_kernel *kernel, double wanted, double accepted)
{
    const double share = fmin(fmax(accepted, LEAST_ACCEPTED), 1.0 - LEAST_ACCEPTED);
    const double ratio = gsl_cdf_ugaussian_Pinv(0.5 * wanted) / gsl_cdf_ugaussian_Pinv(0.5 * share);
    const double change = pow(ratio, 1.0 / power_of(kernel->kind));

    return kernel->step * fmin(fmax(change, 1.0 / LARGEST_CHANGE), LARGEST_CHANGE);
}

/* next = b at equal shares of the barrier. */
static sf_status place_states(const sf_ladders *l, double *barrier, double *next)
{
    const size_t states = l->states;
    gsl_interp *spline = gsl_interp_alloc(gsl_interp_steffen, states);

    if (spline == NULL) return sf_fail(SF_ERR_MEMORY, "out of memory for a spline");
    barrier[0] = 0.0;
    for (size_t k = 0; k + 1 < states; k++)
        barrier[k + 1] = barrier[k] + fmax(sf_ladders_rejection(l, k), LEAST_REJECTION);
    (void)gsl_interp_init(spline, barrier, l->b, states);
    next[0] = l->b[0];
    next[states - 1] = l->b[states - 1];
    for (size_t k = 1; k + 1 < states; k++) {
        const double share = barrier[states - 1] * (double)k / (double)(states - 1);

        next[k] = gsl_interp_eval(spline, barrier, l->b, share, NULL);
    }
    gsl_interp_free(spline);
    return SF_OK;
}

/* The logarithm of the step is linear between states. */
static double step_at(const sf_schedule *old, double b)
{
    size_t k = 0;
    double share;

    while (k + 2 < old->count && old->b[k + 1] < b) k++;
    share = (b - old->b[k]) / (old->b[k + 1] - old->b[k]);
    return exp((1.0 - share) * log(old->step[k]) + share * log(old->step[k + 1]));
}

/* schedule = the ladder's as it should have been; then the ladder has it. */
static sf_status tune(sf_ladders *l, double wanted, bool place, double *work, sf_schedule *schedule)
{
    double *next = work + l->states;

    for (size_t k = 0; k < l->states; k++)
        schedule->step[k] = tuned_step(&l->kernels[k], wanted, sf_ladders_acceptance(l, k));
    if (place && l->states > 2) {
        SF_TRY(place_states(l, work, next));
        for (size_t k = 0; k < l->states; k++) work[k] = step_at(schedule, next[k]);
        memcpy(schedule->b, next, l->states * sizeof *next);
        memcpy(schedule->step, work, l->states * sizeof *work);
    }
    memcpy(l->b, schedule->b, l->states * sizeof *l->b);
    for (size_t k = 0; k < l->states; k++) l->kernels[k].step = schedule->step[k];
    return SF_OK;
}

static sf_status run_stage(sf_ladders *l, const sf_exchange_options *o, size_t done, size_t rounds)
{
    const sf_monitor_event event = {
        .stage = "pilot", .iteration = done + rounds, .total = o->rounds, .residual = NAN};

    sf_ladders_recount(l);
    SF_TRY(sf_ladders_go(l, rounds, NULL, NULL));
    if (sf_monitor_call(&o->monitor, &event)) return SF_OK;
    return sf_fail(SF_ERR_INTERRUPTED, "the pilot was stopped after %zu of %zu rounds",
                   event.iteration, o->rounds);
}

static uint64_t evaluations(const sf_ladders *l)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < l->count; i++)
        for (size_t k = 0; k < l->states; k++) sum += l->ladder[i].chains[k]->evaluations;
    return sum;
}

sf_status sf_exchange_pilot(sf_path *path, const sf_exchange_options *options, double acceptance,
                            bool place, sf_schedule *schedule)
{
    const double wanted = sf_wanted_acceptance(options->kernel.kind, acceptance);
    double *work = NULL;
    sf_ladders ladders;
    sf_status status;

    if (!(acceptance >= 0.0) || !(acceptance < 1.0))
        return sf_fail(SF_ERR_ARGUMENT, "an acceptance of %g; it is above 0 and below 1, or 0",
                       acceptance);
    SF_TRY(sf_ladders_create(path, schedule, options, SF_STREAM_EXCHANGE_PILOT, &ladders));
    SF_GO(sf_allocate(&work, 2 * ladders.states, sizeof *work));
    for (size_t done = 0, stage = FIRST_STAGE; done < options->rounds; stage *= 2) {
        const size_t rest = options->rounds - done;

        if (rest < 3 * stage) stage = rest; /* the last one takes what is left */
        SF_GO(run_stage(&ladders, options, done, stage));
        SF_GO(tune(&ladders, wanted, place, work, schedule));
        done += stage;
    }
    schedule->evaluations += evaluations(&ladders);
done:
    sf_free(work);
    sf_ladders_destroy(&ladders);
    return status;
}
