/* resampling.c - systematic, stratified, residual and multinomial resampling (Douc, Cappe &
 * Moulines 2005, doi:10.1109/ISPA.2005.195385): all of them look up increasing points in the
 * weights' running sum. */
#include "free_energy/resampling.h"

/* from[i] = the chain whose share of [0, 1] holds point i; the points increase. Rounding may leave
 * the shares' end below 1: what is beyond is the last chain's that has one. */
static void look_up(size_t count, const double *share, size_t points, const double *point,
                    size_t *from)
{
    double end;
    size_t k = 0, last = count - 1;

    while (last > 0 && share[last] == 0.0) last--;
    end = share[0];
    for (size_t i = 0; i < points; i++) {
        while (k < last && end < point[i]) end += share[++k];
        from[i] = k;
    }
}

/* `points` uniform numbers in order, by the spacings of exponential ones; room for one more. */
static void sort_uniforms(sf_random random, uint64_t sequence, uint64_t first, size_t points,
                          double *point)
{
    double sum = 0.0;

    sf_random_uniform(random, sequence, first, points + 1, point);
    for (size_t i = 0; i <= points; i++) point[i] = sum -= log(point[i]);
    for (size_t i = 0; i < points; i++) point[i] /= sum;
}

/* Each point in a stratum of its own. */
static void stratify(size_t points, bool one_number, double *point)
{
    const double shared = point[0];

    for (size_t i = 0; i < points; i++)
        point[i] = ((double)i + (one_number ? shared : point[i])) / (double)points;
}

/* Whole places first; the others are drawn by what is left. */
static void choose_residual(sf_random random, uint64_t sequence, uint64_t first, size_t count,
                            const double *weight, double *room, size_t *from)
{
    double *const rest = room + count + 1, sum = 0.0;
    size_t taken = 0;

    for (size_t k = 0; k < count; k++) {
        const double places = (double)count * weight[k], whole = floor(places);

        sum += rest[k] = places - whole;
        for (size_t i = (size_t)whole; i > 0 && taken < count; i--) from[taken++] = k;
    }
    if (taken == count) return;
    sort_uniforms(random, sequence, first, count - taken, room);
    for (size_t i = 0; i < count - taken; i++) room[i] *= sum;
    look_up(count, rest, count - taken, room, from + taken);
}

void sf_resampling_choose(sf_resampling kind, sf_random random, uint64_t sequence, uint64_t first,
                          size_t count, const double *weight, double *room, size_t *from)
{
    if (kind == SF_RESAMPLING_RESIDUAL) {
        choose_residual(random, sequence, first, count, weight, room, from);
        return;
    }
    if (kind == SF_RESAMPLING_MULTINOMIAL) {
        sort_uniforms(random, sequence, first, count, room);
    } else {
        sf_random_uniform(random, sequence, first, count, room);
        stratify(count, kind == SF_RESAMPLING_SYSTEMATIC, room);
    }
    look_up(count, weight, count, room, from);
}

/* ---- how many of a family ------------------------------------------------------------------- */

/* Places of families that stand at at ... at + places: each stratum between whole numbers has one,
 * which is theirs with the probability of their part of it. */
static double stratified_variance(double at, double places)
{
    const double end = at + places;
    double sum = 0.0;

    while (at < end) {
        const double to = fmin(end, floor(at) + 1.0);

        sum += (to - at) * (1.0 - (to - at));
        at = to;
    }
    return sum;
}

/* places[e] = what family e has on average, or of it, with residual resampling, what is left to
 * chance; returns their sum. */
static double sum_places(sf_resampling kind, size_t count, const double *weight,
                         const size_t *ancestor, double *places)
{
    double sum = 0.0;

    for (size_t e = 0; e < count; e++) places[e] = 0.0;
    for (size_t k = 0; k < count; k++) {
        const double all = (double)count * weight[k];
        const double own = kind == SF_RESAMPLING_RESIDUAL ? all - floor(all) : all;

        places[ancestor[k]] += own;
        sum += own;
    }
    return sum;
}

double sf_resampling_variance(sf_resampling kind, size_t count, const double *weight,
                              const size_t *ancestor, double *room)
{
    const double all = sum_places(kind, count, weight, ancestor, room);
    double variance = 0.0, at = 0.0;

    for (size_t e = 0; e < count; e++) {
        const double places = room[e], rest = places - floor(places);

        if (kind == SF_RESAMPLING_SYSTEMATIC)
            variance += rest * (1.0 - rest);
        else if (kind == SF_RESAMPLING_STRATIFIED)
            variance += stratified_variance(at, places);
        else if (all > 0.0)
            variance += places * (1.0 - places / all);
        at += places;
    }
    return variance;
}
