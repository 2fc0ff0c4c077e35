/* spectrum_plot.c - the pictures of sf-spectrum: points with error bars, the theory, and below them
 * what is left; P(k_perp, k_par) as an image; the bispectrum; the correlation function. */
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

static sf_curve line_of(const series *s, const char *label)
{
    return (sf_curve){.label = label, .count = s->count, .x = s->x, .y = s->y};
}

/* "what [unit]" */
static const char *label_of(const char *what, const char *unit, char label[160])
{
    const bool named = unit[0] != '\0';

    (void)snprintf(label, 160, "%s%s%s%s", what, named ? " [" : "", unit, named ? "]" : "");
    return label;
}

/* ---- the power spectrum ---------------------------------------------------------------------- */

typedef struct power_plot {
    series measured, negative, line, lower[2];
    sf_curve curves[3], rest[3];
    size_t count, left;
    bool stacked, ratio; /* ratio: the lower frame is P/theory on a logarithmic axis */
    double ends[2], level[2];
} power_plot;

/* A power below zero has its place on the logarithmic axis as a ring at |P|. */
static sf_status take_bins(const spectrum_result *r, power_plot *p)
{
    sf_status status;

    GO(series_create(r->count, &p->measured));
    GO(series_create(r->count, &p->negative));
    for (size_t i = 0; i < r->count; i++) {
        const sf_power_bin *b = &r->bins[i];
        p->measured.x[i] = p->negative.x[i] = b->k;
        p->measured.error[i] = p->negative.error[i] = b->error;
        p->measured.y[i] = b->power;
        p->negative.y[i] = -b->power; /* the axis leaves out what is not positive */
    }
done:
    return status;
}

static bool has_negative(const spectrum_result *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->bins[i].power < 0.0) return true;
    return false;
}

/* The k of the first and of the last bin that hold modes. */
static void find_ends(const spectrum_result *r, double ends[2])
{
    ends[0] = HUGE_VAL;
    ends[1] = 0.0;
    for (size_t i = 0; i < r->count; i++) {
        if (!isfinite(r->bins[i].k)) continue;
        ends[0] = fmin(ends[0], r->bins[i].k);
        ends[1] = fmax(ends[1], r->bins[i].k);
    }
}

static sf_status take_theory(const spectrum_result *r, power_plot *p)
{
    const double low = p->ends[0], high = p->ends[1];
    series *s = &p->line;
    sf_status status;

    GO(series_create(FINE, s));
    for (size_t i = 0; i < FINE && low <= high; i++) {
        s->x[i] = fmin(low * exp(log(high / low) * (double)i / (FINE - 1)), high);
        GO(sf_spectrum_power(r->theory.spectrum, s->x[i], &s->y[i]));
    }
done:
    return status;
}

/* Beyond this P/theory - 1 would leave nothing to see of the rest. */
#define MOST_EXCESS 4.0

/* P / theory - 1, or P / theory where it goes far. */
static sf_status take_residual(const spectrum_result *r, power_plot *p)
{
    sf_status status;

    GO(series_create(r->count, &p->lower[0]));
    for (size_t i = 0; i < r->count; i++) {
        const double excess = r->bins[i].power / r->expected[i] - 1.0;
        p->ratio = p->ratio || (excess > MOST_EXCESS && isfinite(excess));
    }
    for (size_t i = 0; i < r->count; i++) {
        p->lower[0].x[i] = r->bins[i].k;
        p->lower[0].y[i] = r->bins[i].power / r->expected[i] - (p->ratio ? 0.0 : 1.0);
        p->lower[0].error[i] = r->bins[i].error / r->expected[i];
    }
done:
    return status;
}

/* Over the monopole, whose error says nothing of them. */
static sf_status take_multipoles(const spectrum_result *r, power_plot *p)
{
    sf_status status;

    GO(series_create(r->count, &p->lower[0]));
    GO(series_create(r->count, &p->lower[1]));
    for (size_t i = 0; i < r->count; i++) {
        const sf_power_bin *b = &r->bins[i];
        p->lower[0].x[i] = p->lower[1].x[i] = b->k;
        p->lower[0].y[i] = b->quadrupole / b->power;
        p->lower[1].y[i] = b->hexadecapole / b->power;
    }
done:
    return status;
}

/* The lower frame, with a line where nothing is left. */
static sf_status fill_lower(const spectrum_options *o, const spectrum_result *r, power_plot *p)
{
    const bool multipoles = o->fits_axis > 0;
    sf_status status;

    p->stacked = multipoles || r->expected != NULL;
    if (!p->stacked) return SF_OK;
    GO(multipoles ? take_multipoles(r, p) : take_residual(r, p));
    p->rest[p->left++] = points_of(&p->lower[0], multipoles ? "quadrupole" : NULL);
    if (multipoles) p->rest[p->left++] = points_of(&p->lower[1], "hexadecapole");
    p->level[0] = p->level[1] = p->ratio ? 1.0 : 0.0;
    p->rest[p->left++] = (sf_curve){.count = 2, .x = p->ends, .y = p->level};
done:
    return status;
}

static sf_status fill_upper(const spectrum_options *o, const spectrum_result *r, power_plot *p)
{
    sf_status status;

    find_ends(r, p->ends);
    GO(take_bins(r, p));
    p->curves[p->count++] = points_of(&p->measured, o->fits_axis > 0 ? "monopole" : "measured");
    if (r->expected != NULL) {
        GO(take_theory(r, p));
        p->curves[p->count++] = line_of(&p->line, r->theory.name);
    }
    if (has_negative(r)) {
        p->curves[p->count] = points_of(&p->negative, "negative: -P");
        p->curves[p->count++].hollow = true;
    }
done:
    return status;
}

static sf_axes power_axes(const spectrum_result *r, const char *title, char x[160], char y[160])
{
    return (sf_axes){.title = title,
                     .x_label = label_of("k", r->k_unit, x),
                     .y_label = label_of("P(k)", r->power_unit, y),
                     .log_x = true,
                     .log_y = true};
}

static sf_status plot_bins(const char *path, const spectrum_options *o, const spectrum_result *r)
{
    char x[160], y[160];
    const sf_axes axes = power_axes(r, o->input, x, y);
    sf_axes below = {0};
    power_plot p = {.count = 0};
    sf_status status;

    GO(fill_upper(o, r, &p));
    GO(fill_lower(o, r, &p));
    below.log_y = p.ratio;
    below.y_label = o->fits_axis > 0 ? "multipole / monopole"
                    : p.ratio        ? "P / theory"
                                     : "P / theory - 1";
    status = p.stacked ? sf_plot_stacked(path, o->force != 0, &axes, p.curves, p.count, &below,
                                         p.rest, p.left)
                       : sf_plot_curves(path, o->force != 0, &axes, p.curves, p.count);
done:
    series_release(&p.measured);
    series_release(&p.negative);
    series_release(&p.line);
    series_release(&p.lower[0]);
    series_release(&p.lower[1]);
    return status;
}

static sf_status plot_table(const char *path, const spectrum_options *o, const spectrum_result *r)
{
    char x[160], y[160];
    const sf_axes axes = power_axes(r, r->theory.name, x, y);
    const sf_curve curve = {.count = r->count, .x = r->k, .y = r->power};

    return sf_plot_curves(path, o->force != 0, &axes, &curve, 1);
}

/* ---- the others ------------------------------------------------------------------------------ */

/* log |P|, k_par upwards. */
static sf_status plot_plane(const char *path, const spectrum_options *o, const spectrum_result *r)
{
    const size_t across = o->plane[0], up = o->plane[1];
    const double *last = r->plane_edges + 4 * (across * up - 1);
    const double spacing[] = {last[3] / (double)up, last[1] / (double)across};
    char unit[160];
    sf_panel panel = {.title = "k_par (upwards) and k_perp",
                      .unit = label_of("log10 |P|", r->power_unit, unit),
                      .length = r->k_unit};
    double *pixels = NULL;
    sf_grid grid;
    sf_status status;

    GO(sf_grid_make(2, (const size_t[]){up, across}, spacing, &grid));
    GO(sf_allocate(&pixels, across * up, sizeof *pixels));
    for (size_t i = 0; i < across * up; i++) {
        const double power = fabs(r->plane[i].power);
        pixels[i % up * across + i / up] = power > 0.0 ? log10(power) : NAN;
    }
    panel.grid = &grid;
    panel.pixels = pixels;
    status = sf_plot_panels(path, o->force != 0, o->input, &panel, 1, 1);
done:
    sf_free(pixels);
    return status;
}

/* The reduced bispectrum, of equilateral triangles over k, of others in their order. */
static sf_status plot_bispectrum(const char *path, const spectrum_options *o,
                                 const spectrum_result *r)
{
    const bool over_k = o->triangles == TRIANGLES_EQUILATERAL;
    char x[160];
    const sf_axes axes = {.title = o->input,
                          .x_label = over_k ? label_of("k", r->k_unit, x) : "triangle, from 1",
                          .y_label = "Q = B / (P1 P2 + P2 P3 + P3 P1)"};
    series s = {0};
    sf_curve curve;
    sf_status status;

    GO(series_create(r->triangle_count, &s));
    for (size_t i = 0; i < s.count; i++) {
        const sf_triangle *t = &r->triangles[i];
        s.x[i] = over_k ? t->k[0] : (double)i + 1.0;
        s.y[i] = t->reduced;
        s.error[i] = t->error * fabs(t->reduced / t->bispectrum);
    }
    curve = points_of(&s, NULL);
    status = sf_plot_curves(path, o->force != 0, &axes, &curve, 1);
done:
    series_release(&s);
    return status;
}

/* In three dimensions r^2 xi, which shows all scales. */
static sf_status plot_correlation(const char *path, const spectrum_options *o,
                                  const spectrum_result *r)
{
    const bool alone = o->input == NULL, weighted = alone || r->grid.axes == 3;
    const size_t count = o->correlation.count;
    char x[160], y[160];
    sf_axes axes = {.title = alone ? r->theory.name : o->input,
                    .x_label = label_of("r", r->length_unit, x),
                    .y_label = weighted ? "r^2 xi(r)" : label_of("xi(r)", r->xi_unit, y),
                    .log_x = o->correlation.logarithmic};
    series measured = {0}, expected = {0};
    sf_curve curves[2];
    size_t shown = 0;
    sf_status status;

    GO(series_create(count, &measured));
    GO(series_create(count, &expected));
    for (size_t i = 0; i < count; i++) {
        const double at = r->correlation[i].r, weight = weighted ? at * at : 1.0;
        measured.x[i] = expected.x[i] = at;
        measured.y[i] = weight * r->correlation[i].xi;
        if (r->correlation_expected != NULL) expected.y[i] = weight * r->correlation_expected[i];
    }
    curves[shown++] = alone ? line_of(&measured, NULL) : points_of(&measured, "measured");
    if (r->correlation_expected != NULL) curves[shown++] = line_of(&expected, r->theory.name);
    status = sf_plot_curves(path, o->force != 0, &axes, curves, shown);
done:
    series_release(&measured);
    series_release(&expected);
    return status;
}

sf_status spectrum_plot(const char *path, const spectrum_options *o, const spectrum_result *r,
                        spectrum_part part)
{
    switch (part) {
    case PART_POWER: return r->bins != NULL ? plot_bins(path, o, r) : plot_table(path, o, r);
    case PART_PLANE: return plot_plane(path, o, r);
    case PART_BISPECTRUM: return plot_bispectrum(path, o, r);
    case PART_CORRELATION: return plot_correlation(path, o, r);
    case PARTS: break;
    }
    return sf_fail(SF_ERR_UNSUPPORTED, "no picture %d", (int)part);
}
