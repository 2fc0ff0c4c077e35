/* spectrum_plot.c - the picture of sf-spectrum: points with error bars, the theory, and below them
 * what is left. */
#include "program.h"
#include "spectrum_output.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FINE 400 /* points of a theory's line */

typedef struct series {
    double *x, *y, *error;
    size_t count;
} series;

static void series_release(series *s)
{
    sf_free(s->x);
    sf_free(s->y);
    sf_free(s->error);
}

static sf_status series_create(size_t count, series *s)
{
    sf_status status;

    *s = (series){.count = count};
    GO(sf_allocate(&s->x, count, sizeof *s->x));
    GO(sf_allocate(&s->y, count, sizeof *s->y));
    status = sf_allocate(&s->error, count, sizeof *s->error);
done:
    return status;
}

static sf_curve points_of(const series *s, const char *label)
{
    return (sf_curve){
        .label = label, .count = s->count, .x = s->x, .y = s->y, .error = s->error, .points = true};
}

/* ---- what is shown ----------------------------------------------------------------------------
 */

static sf_status take_bins(const spectrum_result *r, series *s)
{
    sf_status status;

    GO(series_create(r->count, s));
    for (size_t i = 0; i < r->count; i++) {
        s->x[i] = r->bins[i].k;
        s->y[i] = r->bins[i].power;
        s->error[i] = r->bins[i].error;
    }
done:
    return status;
}

/* The theory between the first and the last bin that hold modes. */
static sf_status take_theory(const spectrum_result *r, series *s)
{
    double low = HUGE_VAL, high = 0.0;
    sf_status status;

    GO(series_create(FINE, s));
    for (size_t i = 0; i < r->count; i++) {
        if (!isfinite(r->bins[i].k)) continue;
        low = fmin(low, r->bins[i].k);
        high = fmax(high, r->bins[i].k);
    }
    for (size_t i = 0; i < FINE && low <= high; i++) {
        s->x[i] = fmin(low * exp(log(high / low) * (double)i / (FINE - 1)), high);
        GO(sf_spectrum_power(r->theory.spectrum, s->x[i], &s->y[i]));
    }
done:
    return status;
}

/* A power over another one, less `offset`. */
static sf_status take_ratio(const spectrum_result *r, const double *above, size_t stride_above,
                            const double *below, size_t stride_below, double offset, series *s)
{
    sf_status status;

    GO(series_create(r->count, s));
    for (size_t i = 0; i < r->count; i++) {
        const double power = below[i * stride_below];
        s->x[i] = r->bins[i].k;
        s->y[i] = above[i * stride_above] / power - offset;
        s->error[i] = r->bins[i].error / power;
    }
done:
    return status;
}

/* ---- the picture ------------------------------------------------------------------------------
 */

static sf_axes name_axes(const spectrum_result *r, const char *title, char x[80], char y[160])
{
    (void)snprintf(x, 80, "k%s%s%s", r->k_unit[0] != '\0' ? " [" : "", r->k_unit,
                   r->k_unit[0] != '\0' ? "]" : "");
    (void)snprintf(y, 160, "P(k)%s%s%s", r->power_unit[0] != '\0' ? " [" : "", r->power_unit,
                   r->power_unit[0] != '\0' ? "]" : "");
    return (sf_axes){.title = title, .x_label = x, .y_label = y, .log_x = true, .log_y = true};
}

static sf_status plot_table(const spectrum_options *o, const spectrum_result *r)
{
    char x[80], y[160];
    const sf_axes axes = name_axes(r, r->theory.name, x, y);
    const sf_curve curve = {.count = r->count, .x = r->k, .y = r->power};

    return sf_plot_curves(o->plot, o->force != 0, &axes, &curve, 1);
}

/* What is left of the theory, or the multipoles over the monopole. */
static sf_status take_lower(const spectrum_options *o, const spectrum_result *r, series lower[2])
{
    const size_t stride = sizeof(sf_power_bin) / sizeof(double);
    const double *monopole = &r->bins->power;
    sf_status status;

    if (o->fits_axis == 0) return take_ratio(r, monopole, stride, r->expected, 1, 1.0, &lower[0]);
    GO(take_ratio(r, &r->bins->quadrupole, stride, monopole, stride, 0.0, &lower[0]));
    status = take_ratio(r, &r->bins->hexadecapole, stride, monopole, stride, 0.0, &lower[1]);
    for (size_t i = 0; i < r->count && status == SF_OK; i++)
        lower[0].error[i] = lower[1].error[i] = 0.0; /* the monopole's says nothing of them */
done:
    return status;
}

static sf_status plot_bins(const spectrum_options *o, const spectrum_result *r)
{
    char x[80], y[160];
    const sf_axes axes = name_axes(r, o->input, x, y);
    const sf_axes below = {.y_label = o->fits_axis > 0 ? "multipole / monopole" : "P / theory - 1"};
    series measured = {0}, line = {0}, lower[2] = {{0}};
    sf_curve curves[2], rest[3];
    size_t count = 0, left = 0;
    sf_status status;

    GO(take_bins(r, &measured));
    curves[count++] = points_of(&measured, o->fits_axis > 0 ? "monopole" : "measured");
    if (r->expected != NULL) {
        GO(take_theory(r, &line));
        curves[count++] =
            (sf_curve){.label = r->theory.name, .count = line.count, .x = line.x, .y = line.y};
    }
    if (r->expected == NULL && o->fits_axis == 0) {
        status = sf_plot_curves(o->plot, o->force != 0, &axes, curves, count);
        goto done;
    }
    GO(take_lower(o, r, lower));
    const double ends[] = {measured.x[0], measured.x[r->count - 1]}, zero[] = {0.0, 0.0};
    rest[left++] = points_of(&lower[0], o->fits_axis > 0 ? "quadrupole" : NULL);
    if (o->fits_axis > 0) rest[left++] = points_of(&lower[1], "hexadecapole");
    rest[left++] = (sf_curve){.count = 2, .x = ends, .y = zero};
    status = sf_plot_stacked(o->plot, o->force != 0, &axes, curves, count, &below, rest, left);
done:
    series_release(&measured);
    series_release(&line);
    series_release(&lower[0]);
    series_release(&lower[1]);
    return status;
}

sf_status spectrum_plot(const spectrum_options *o, const spectrum_result *r)
{
    return r->bins != NULL ? plot_bins(o, r) : plot_table(o, r);
}
