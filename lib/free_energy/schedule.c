/* schedule.c - the temperatures of a path: linear, power, sigmoid, given. */
#include "free_energy/anneal.h"

static double rule(sf_schedule_kind kind, double shape, double t)
{
    if (kind == SF_SCHEDULE_POWER) return pow(t, shape);
    if (kind == SF_SCHEDULE_SIGMOID)
        return 0.5 * (1.0 + tanh(shape * (t - 0.5)) / tanh(0.5 * shape));
    return t;
}

sf_status sf_schedule_check(const sf_schedule *s)
{
    if (s == NULL || s->count < 2 || s->b == NULL || s->step == NULL)
        return sf_fail(SF_ERR_ARGUMENT, "a schedule of %zu temperatures; it has at least 2",
                       s != NULL ? s->count : 0);
    if (s->b[0] != 0.0 || s->b[s->count - 1] != 1.0)
        return sf_fail(SF_ERR_ARGUMENT, "a schedule from b = %g to %g; it leads from 0 to 1",
                       s->b[0], s->b[s->count - 1]);
    for (size_t j = 0; j < s->count; j++) {
        if (j > 0 && !(s->b[j] > s->b[j - 1]))
            return sf_fail(SF_ERR_ARGUMENT,
                           "temperatures %zu and %zu of the schedule are %.17g and %.17g; they "
                           "increase",
                           j - 1, j, s->b[j - 1], s->b[j]);
        if (!(s->step[j] > 0.0) || !isfinite(s->step[j]))
            return sf_fail(SF_ERR_ARGUMENT, "a step of %g at b = %g; it is positive and finite",
                           s->step[j], s->b[j]);
    }
    return SF_OK;
}

sf_status sf_schedule_allocate(size_t count, sf_schedule *schedule)
{
    sf_status status;

    *schedule = (sf_schedule){.count = count};
    SF_GO(sf_allocate(&schedule->b, count, sizeof *schedule->b));
    SF_GO(sf_allocate(&schedule->step, count, sizeof *schedule->step));
done:
    if (status != SF_OK) sf_schedule_release(schedule);
    return status;
}

sf_status sf_schedule_create(sf_schedule_kind kind, double shape, size_t temperatures, double step,
                             sf_schedule *schedule)
{
    sf_status status;

    *schedule = (sf_schedule){.count = 0};
    if (kind < SF_SCHEDULE_LINEAR || kind > SF_SCHEDULE_SIGMOID)
        return sf_fail(SF_ERR_ARGUMENT,
                       "schedule %d follows no rule; an adaptive one needs a pilot", (int)kind);
    if (kind != SF_SCHEDULE_LINEAR && (!(shape > 0.0) || !isfinite(shape)))
        return sf_fail(SF_ERR_ARGUMENT, "a schedule's shape of %g; it is positive and finite",
                       shape);
    SF_TRY(sf_schedule_allocate(temperatures, schedule));
    for (size_t j = 0; j < temperatures; j++) {
        schedule->step[j] = step;
        schedule->b[j] = rule(kind, shape, (double)j / (double)(temperatures - 1));
    }
    if (temperatures > 1) schedule->b[0] = 0.0, schedule->b[temperatures - 1] = 1.0;
    SF_GO(sf_schedule_check(schedule));
done:
    if (status != SF_OK) sf_schedule_release(schedule);
    return status;
}

sf_status sf_schedule_given(const double *b, size_t temperatures, double step,
                            sf_schedule *schedule)
{
    sf_status status;

    SF_GO(sf_schedule_allocate(temperatures, schedule));
    for (size_t j = 0; j < temperatures; j++) {
        schedule->b[j] = b[j];
        schedule->step[j] = step;
    }
    SF_GO(sf_schedule_check(schedule));
done:
    if (status != SF_OK) sf_schedule_release(schedule);
    return status;
}

void sf_schedule_release(sf_schedule *schedule)
{
    if (schedule == NULL) return;
    sf_free(schedule->b);
    sf_free(schedule->step);
    *schedule = (sf_schedule){.count = 0};
}
