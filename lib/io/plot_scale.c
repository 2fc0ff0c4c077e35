/* plot_scale.c - linear, logarithmic and asinh scales with ticks at round values. */
#include "io/plot_scale.h"

#include <math.h>
#include <stdio.h>

static double transform(const sf_scale *scale, double value)
{
    switch (scale->kind) {
    case SF_SCALE_LOG: return log10(value);
    case SF_SCALE_ASINH: return asinh((value - scale->pivot) / scale->softening);
    case SF_SCALE_LINEAR: break;
    }
    return value;
}

bool sf_scale_settle(sf_scale *scale)
{
    const double largest = fmax(fabs(scale->low), fabs(scale->high));
    const double span = scale->high - scale->low;

    if (scale->kind == SF_SCALE_LOG) {
        if (scale->high <= scale->low * (1.0 + 1e-9)) {
            scale->low /= 3.0;
            scale->high *= 3.0;
        }
        return scale->low > 0.0 && isfinite(scale->high);
    }
    /* Below that, ticks and colours could not be told apart. */
    if (span <= 1e-9 * largest || span < 1e-290) {
        const double half = largest > 1e-290 ? 0.5 * largest : 0.5;
        scale->low -= half;
        scale->high += half;
    }
    return isfinite(scale->high - scale->low);
}

double sf_scale_position(const sf_scale *scale, double value)
{
    const double low = transform(scale, scale->low), high = transform(scale, scale->high);

    return (transform(scale, value) - low) / (high - low);
}

/* Adds a tick unless it lies outside or too near to one that is there. */
static void add_tick(const sf_scale *scale, double value, double spacing, sf_ticks *ticks)
{
    const double position = sf_scale_position(scale, value);

    if (ticks->count == SF_MAX_TICKS || !(position >= -1e-9 && position <= 1.0 + 1e-9)) return;
    for (size_t i = 0; i < ticks->count; i++)
        if (fabs(ticks->tick[i].position - position) < spacing) return;
    ticks->tick[ticks->count++] = (sf_tick){.value = value, .position = position};
}

/* Multiples of 1, 2 or 5 times a power of ten. */
static void linear_ticks(const sf_scale *scale, double spacing, sf_ticks *ticks)
{
    static const double round[] = {1.0, 2.0, 5.0, 10.0};
    const double least = (scale->high - scale->low) * spacing;
    const double power = pow(10.0, floor(log10(least)));
    double step = 10.0 * power;

    for (size_t i = 0; i < sizeof round / sizeof round[0]; i++)
        if (round[i] * power >= least * (1.0 - 1e-9)) {
            step = round[i] * power;
            break;
        }
    ticks->count = 0;
    ticks->step = step;
    for (int n = 0; n <= SF_MAX_TICKS; n++)
        add_tick(scale, (ceil(scale->low / step - 1e-9) + n) * step, 0.5 * spacing, ticks);
}

/* Zero, then powers of ten from the largest down, then 5, 2 and 3 times them and half-way
 * between where there is room. */
static void decade_ticks(const sf_scale *scale, double spacing, sf_ticks *ticks)
{
    static const double factor[] = {1.0, 5.0, 2.0, 3.0, 1.5};
    const double largest = fmax(fabs(scale->low), fabs(scale->high));
    const int top = (int)floor(log10(largest));

    ticks->count = 0;
    ticks->step = 0.0;
    if (scale->kind == SF_SCALE_ASINH) add_tick(scale, 0.0, spacing, ticks);
    for (size_t f = 0; f < sizeof factor / sizeof factor[0]; f++)
        for (int e = top; e >= top - 40; e--) {
            const double value = factor[f] * pow(10.0, e);
            add_tick(scale, value, spacing, ticks);
            if (scale->kind == SF_SCALE_ASINH) add_tick(scale, -value, spacing, ticks);
        }
}

/* The decimal exponent of a tick, which is a round number. */
static int exponent_of(double value) { return (int)floor(log10(fabs(value)) + 1e-9); }

/* The labels' common power of ten: none where plain numbers are short. */
static int common_exponent(const sf_ticks *ticks)
{
    double largest = 0.0;
    int exponent;

    for (size_t i = 0; i < ticks->count; i++) largest = fmax(largest, fabs(ticks->tick[i].value));
    if (largest == 0.0) return 0;
    exponent = exponent_of(largest);
    return exponent >= -2 && exponent <= 4 ? 0 : exponent;
}

/* All labels of a logarithmic axis are plain numbers, or all are powers of ten. */
static bool all_short(const sf_ticks *ticks)
{
    for (size_t i = 0; i < ticks->count; i++)
        if (ticks->tick[i].value < 1e-3 || ticks->tick[i].value >= 1e5) return false;
    return true;
}

static void write_power(sf_tick *tick)
{
    const int exponent = exponent_of(tick->value);
    const double factor = tick->value / pow(10.0, exponent);

    if (fabs(factor - 1.0) < 1e-6)
        (void)snprintf(tick->label, sizeof tick->label, "10\\u%d\\d", exponent);
    else
        (void)snprintf(tick->label, sizeof tick->label, "%.3g\\x10\\u%d\\d", factor, exponent);
}

static void write_labels(const sf_scale *scale, sf_ticks *ticks)
{
    const bool powers = scale->kind == SF_SCALE_LOG && !all_short(ticks);
    double unit;
    int decimals;

    ticks->exponent = scale->kind == SF_SCALE_LOG ? 0 : common_exponent(ticks);
    unit = pow(10.0, ticks->exponent);
    decimals = ticks->step > 0.0 ? (int)fmax(0.0, -floor(log10(ticks->step / unit) + 1e-9)) : 0;
    for (size_t i = 0; i < ticks->count; i++) {
        sf_tick *t = &ticks->tick[i];
        if (powers)
            write_power(t);
        else if (ticks->step > 0.0) /* as many decimals as the step has */
            (void)snprintf(t->label, sizeof t->label, "%.*f", decimals, t->value / unit + 0.0);
        else
            (void)snprintf(t->label, sizeof t->label, "%.6g", t->value / unit + 0.0);
    }
}

void sf_scale_ticks(const sf_scale *scale, double spacing, sf_ticks *ticks)
{
    *ticks = (sf_ticks){0};
    if (scale->kind != SF_SCALE_LINEAR) decade_ticks(scale, spacing, ticks);
    if (ticks->count < 3) linear_ticks(scale, spacing, ticks);
    write_labels(scale, ticks);
}

void sf_scale_ticks_three(const sf_scale *scale, double spacing, sf_ticks *ticks)
{
    /* an eighth of the spacing is enough: a range of 1.5 steps of 5 has three of 0.5 */
    sf_scale_ticks(scale, spacing, ticks);
    for (int halved = 1; halved <= 3 && ticks->count < 3; halved++)
        sf_scale_ticks(scale, ldexp(spacing, -halved), ticks);
}
