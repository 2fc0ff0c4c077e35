/* pilot.c - a schedule from what a pilot has seen: temperatures evenly on the path's length, steps
 * by interpolation; and more temperatures where a trial shows that these do not do. */
#include "free_energy/pilot.h"

#define VARIANCE 0.5 /* of log-weights, if their number is left to the pilot */
/* What trials may show. */
#define MOST_LOSS   1.0
#define WORTHWHILE  0.7 /* of the loss before */
#define MOST_GROWTH 4.0 /* times as many temperatures */

sf_pilot_options sf_pilot_options_default(void)
{
    return (sf_pilot_options){.kind = SF_SCHEDULE_ADAPTIVE,
                              .chains = 512,
                              .moves = 4,
                              .kernel = sf_kernel_default(),
                              .trial_chains = 200,
                              .trial_moves = 1,
                              .most = 5000};
}

static sf_status check(const sf_path *path, const sf_pilot_options *o)
{
    if (path == NULL) return sf_fail(SF_ERR_ARGUMENT, "a pilot needs a path");
    if (o->chains < 2 || o->moves == 0)
        return sf_fail(SF_ERR_ARGUMENT,
                       "a pilot of %zu chains and %zu moves; it has at least 2 and 1", o->chains,
                       o->moves);
    if (!(o->cess >= 0.0) || !(o->cess < 1.0))
        return sf_fail(SF_ERR_ARGUMENT, "a conditional ESS of %g; it is 0 to below 1", o->cess);
    if (!(o->acceptance >= 0.0) || !(o->acceptance < 1.0))
        return sf_fail(SF_ERR_ARGUMENT, "a wanted acceptance of %g; it is 0 to below 1",
                       o->acceptance);
    if (o->temperatures == 1)
        return sf_fail(SF_ERR_ARGUMENT, "one temperature is no path; there are at least 2");
    if (!(o->step >= 0.0) || !isfinite(o->step))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a step of %g at all temperatures; it is positive, or 0 for tuned ones",
                       o->step);
    return SF_OK;
}

/* Known before the walk, which takes its time. */
static sf_status check_given(const sf_pilot_options *o)
{
    sf_schedule given;

    if (o->b == NULL) return SF_OK;
    SF_TRY(sf_schedule_given(o->b, o->temperatures, 1.0, &given));
    sf_schedule_release(&given);
    return SF_OK;
}

/* ---- from nodes to a schedule --------------------------------------------------------------- */

static size_t temperatures(const sf_pilot *p, double length)
{
    const sf_pilot_options *o = p->options;
    const double squared = length * length;
    const double steps = o->cess > 0.0 ? length / sqrt(-log(o->cess)) : squared / VARIANCE;

    if (p->temperatures > 0) return p->temperatures;
    return 1 + (size_t)fmax(ceil(steps), 1.0);
}

/* Where the nodes before and after a place cut it: the share of the second one. */
static double share(double from, double to, double at)
{
    return to > from ? fmin(fmax((at - from) / (to - from), 0.0), 1.0) : 0.0;
}

/* b at a length; nodes are passed once, from *k on. */
static double b_at(const sf_pilot *p, double length, size_t *k)
{
    while (*k + 2 < p->nodes && p->node[*k + 1].length < length) (*k)++;
    return p->node[*k].b + (p->node[*k + 1].b - p->node[*k].b) *
                               share(p->node[*k].length, p->node[*k + 1].length, length);
}

static double step_at(const sf_pilot *p, double b, size_t *k)
{
    double part;

    while (*k + 2 < p->nodes && p->node[*k + 1].b < b) (*k)++;
    part = share(p->node[*k].b, p->node[*k + 1].b, b);
    return exp((1.0 - part) * log(p->node[*k].step) + part * log(p->node[*k + 1].step));
}

static sf_status place_temperatures(const sf_pilot *p, sf_schedule *schedule)
{
    const sf_pilot_options *o = p->options;
    const double length = p->node[p->nodes - 1].length;
    const size_t count = temperatures(p, length);
    size_t k = 0;

    if (o->b != NULL) return sf_schedule_given(o->b, count, p->kernel.step, schedule);
    if (o->kind != SF_SCHEDULE_ADAPTIVE || length == 0.0) {
        const sf_schedule_kind kind =
            o->kind != SF_SCHEDULE_ADAPTIVE ? o->kind : SF_SCHEDULE_LINEAR;

        return sf_schedule_create(kind, o->shape, count, p->kernel.step, schedule);
    }
    SF_TRY(sf_schedule_allocate(count, schedule));
    for (size_t j = 1; j + 1 < count; j++)
        schedule->b[j] = b_at(p, length * (double)j / (double)(count - 1), &k);
    schedule->b[count - 1] = 1.0;
    return SF_OK;
}

static sf_status make_schedule(const sf_pilot *p, sf_schedule *schedule)
{
    const double step = p->options->step;
    size_t k = 0;

    sf_schedule_release(schedule);
    SF_TRY(place_temperatures(p, schedule));
    for (size_t j = 0; j < schedule->count; j++)
        schedule->step[j] = step > 0.0 ? step : step_at(p, schedule->b[j], &k);
    return sf_schedule_check(schedule);
}

/* ---- the pilot ------------------------------------------------------------------------------ */

static sf_status create(sf_path *path, const sf_pilot_options *o, sf_pilot *p)
{
    *p = (sf_pilot){.path = path, .options = o, .temperatures = o->temperatures};
    SF_TRY(check(path, o));
    SF_TRY(check_given(o));
    SF_TRY(sf_chains_create(path, o->seed, SF_STREAM_PILOT, 0, o->chains, &p->chains));
    SF_TRY(sf_allocate(&p->weight, o->chains, sizeof *p->weight));
    SF_TRY(sf_allocate(&p->increment, o->chains, sizeof *p->increment));
    SF_TRY(sf_allocate(&p->from, o->chains, sizeof *p->from));
    return sf_allocate(&p->room, 2 * o->chains + 1, sizeof *p->room);
}

static void destroy(sf_pilot *p)
{
    sf_chains_release(&p->chains);
    sf_free(p->weight);
    sf_free(p->increment);
    sf_free(p->from);
    sf_free(p->room);
    sf_free(p->node);
}

static sf_status walk(sf_pilot *p)
{
    const sf_anneal_start start = {.given = p->options->start,
                                   .count = p->options->starts,
                                   .seed = p->options->seed,
                                   .stream = SF_STREAM_PILOT_DRAWS};

    SF_TRY(sf_anneal_begin(p->chains, 0.0, &start));
    SF_TRY(sf_pilot_walk(p));
    p->evaluations += p->chains->evaluations;
    return SF_OK;
}

/* Nodes for the temperatures that are wanted: steps by acceptance serve any number of them. */
static sf_status explore(sf_pilot *p)
{
    if (p->nodes > 0 && !sf_pilot_unadjusted(p)) return SF_OK;
    p->kernel = p->options->kernel;
    p->variance = -log(SF_PILOT_CESS);
    SF_TRY(walk(p));
    if (sf_pilot_unadjusted(p)) { /* once more, now that the variance of a step is known */
        const double length = p->node[p->nodes - 1].length;
        const double steps = (double)temperatures(p, length) - 1.0;

        p->variance = fmax(length * length / (steps * steps), 1e-6);
        SF_TRY(walk(p));
    }
    return SF_OK;
}

/* More temperatures, as long as trials show that they are wanted, and that they help. */
static sf_status prove(sf_pilot *p, sf_schedule *schedule)
{
    double loss, before = INFINITY;

    for (size_t i = 0; i < p->options->trials; i++) {
        SF_TRY(sf_pilot_try(p, schedule, &loss));
        if (loss <= MOST_LOSS || loss > WORTHWHILE * before) break;
        before = loss;
        p->temperatures =
            (size_t)ceil((double)schedule->count * fmin(loss / MOST_LOSS, MOST_GROWTH));
        SF_TRY(explore(p));
        SF_TRY(make_schedule(p, schedule));
    }
    return SF_OK;
}

sf_status sf_schedule_pilot(sf_path *path, const sf_pilot_options *options, sf_schedule *schedule)
{
    const sf_pilot_options chosen = options != NULL ? *options : sf_pilot_options_default();
    sf_pilot p;
    sf_status status;

    *schedule = (sf_schedule){.count = 0};
    SF_GO(create(path, &chosen, &p));
    SF_GO(explore(&p));
    SF_GO(make_schedule(&p, schedule));
    if (chosen.temperatures == 0) SF_GO(prove(&p, schedule));
    schedule->evaluations = p.evaluations;
done:
    destroy(&p);
    if (status != SF_OK) sf_schedule_release(schedule);
    return status;
}
