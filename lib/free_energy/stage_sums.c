/* stage_sums.c - running sums of weights and slopes; weights are scaled by the largest so far. */
#include "free_energy/stage_sums.h"

static void scale(sf_stage_sums *s, double largest)
{
    const double factor = s->largest > -INFINITY ? exp(s->largest - largest) : 0.0;
    const double squared = factor * factor;

    s->largest = largest;
    s->weight = (sf_sum){factor * s->weight.sum, factor * s->weight.rest};
    s->square = (sf_sum){squared * s->square.sum, squared * s->square.rest};
    s->first *= factor;
    s->second *= squared;
    s->third *= squared;
}

void sf_stage_sums_add(sf_stage_sums *s, double log_weight, double slope)
{
    double weight, difference;

    s->count++;
    if (!(log_weight > -INFINITY)) {
        s->zeros++;
        return;
    }
    if (log_weight > s->largest) scale(s, log_weight);
    weight = exp(log_weight - s->largest);
    sf_sum_add(&s->weight, weight);
    sf_sum_add(&s->square, weight * weight);
    difference = log_weight - s->mean; /* West 1979, doi:10.1145/359146.359153 */
    s->mean += difference / (double)(s->count - s->zeros);
    s->deviation += difference * (log_weight - s->mean);
    s->first += weight * slope;
    s->second += weight * weight * slope;
    s->third += weight * slope * (weight * slope);
}

void sf_stage_sums_merge(sf_stage_sums *into, const sf_stage_sums *from)
{
    const double n = (double)(into->count - into->zeros), m = (double)(from->count - from->zeros);
    const double difference = from->mean - into->mean;
    sf_stage_sums other = *from;

    if (other.largest > into->largest) scale(into, other.largest);
    if (into->largest > -INFINITY) scale(&other, into->largest);
    sf_sum_add(&into->weight, sf_sum_value(&other.weight));
    sf_sum_add(&into->square, sf_sum_value(&other.square));
    into->first += other.first;
    into->second += other.second;
    into->third += other.third;
    if (m > 0.0) {
        into->mean += difference * m / (n + m);
        into->deviation += other.deviation + difference * difference * n * m / (n + m);
    }
    into->count += other.count;
    into->zeros += other.zeros;
    into->accepted += other.accepted;
    into->proposed += other.proposed;
}

double sf_stage_sums_log_z(const sf_stage_sums *s)
{
    return s->largest + log(sf_sum_value(&s->weight) / (double)s->count);
}

double sf_stage_sums_ess(const sf_stage_sums *s)
{
    const double weight = sf_sum_value(&s->weight), square = sf_sum_value(&s->square);

    return square > 0.0 ? fmin(weight * weight / square, (double)s->count) : 0.0;
}

double sf_stage_sums_error(const sf_stage_sums *s)
{
    const double count = (double)s->count;

    return s->count > 1 ? sqrt((count / sf_stage_sums_ess(s) - 1.0) / (count - 1.0)) : INFINITY;
}

double sf_stage_sums_variance(const sf_stage_sums *s)
{
    const size_t used = s->count - s->zeros;

    return used > 1 ? s->deviation / (double)(used - 1) : NAN;
}

double sf_stage_sums_slope(const sf_stage_sums *s) { return s->first / sf_sum_value(&s->weight); }

/* sum W^2 (s - mean)^2 over (sum W)^2 */
double sf_stage_sums_slope_error(const sf_stage_sums *s)
{
    const double mean = sf_stage_sums_slope(s), weight = sf_sum_value(&s->weight);
    const double squares =
        s->third - 2.0 * mean * s->second + mean * mean * sf_sum_value(&s->square);

    return sqrt(fmax(squares, 0.0)) / weight;
}
