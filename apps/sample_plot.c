/* sample_plot.c - the picture of sf-sample: images side by side, lines, points in a plane, or a
 * histogram, by what a sample is. */
#include "program.h"
#include "sample_output.h"

#include <math.h>
#include <stdio.h>

#define MOST_PANELS 6
#define MOST_LINES  8

/* ---- images ---------------------------------------------------------------------------------- */

typedef struct page {
    sf_panel panels[MOST_PANELS + 3];
    char titles[MOST_PANELS][32];
    size_t count;
} page;

static void add_panel(page *g, const sf_panel *common, const char *title, const double *pixels)
{
    if (pixels == NULL) return;
    g->panels[g->count] = *common;
    g->panels[g->count].title = title;
    g->panels[g->count++].pixels = pixels;
}

/* The first planes of the known pixels, the samples, their mean and standard deviation. */
static sf_status plot_images(const sample_options *o, const sample_run *run)
{
    const sf_grid *grid = &run->prior.grid;
    const size_t cells = sf_grid_size(grid);
    const int last = grid->axes - 1;
    sf_panel common = {.stretch = o->kind == SAMPLE_NETWORK ? SF_STRETCH_ASINH : SF_STRETCH_LINEAR,
                       .length =
                           run->prior.theory.length[0] != '\0' ? run->prior.theory.length : NULL};
    page g = {.count = 0};
    size_t count;
    const double *samples = sf_ensemble_samples(run->ensemble, &count);
    sf_grid plane;
    sf_status status;

    GO(sf_grid_make(2, grid->shape + last - 1, grid->spacing + last - 1, &plane));
    common.grid = &plane;
    if (run->prior.known != NULL) add_panel(&g, &common, "known", sf_fits_pixels(run->prior.known));
    for (size_t i = 0; i < count && i < MOST_PANELS; i++) {
        (void)snprintf(g.titles[i], sizeof g.titles[i], "sample %zu", i + 1);
        add_panel(&g, &common, g.titles[i], samples + i * cells);
    }
    add_panel(&g, &common, "mean", run->mean);
    add_panel(&g, &common, "standard deviation", run->deviation);
    status = sf_plot_panels(o->plot, o->force != 0, sample_prior_name(o), g.panels, g.count,
                            g.count < 3   ? g.count
                            : g.count > 4 ? 3
                                          : 2);
done:
    return status;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* Samples along their axis, on the band of mean +- standard deviation. */
static sf_status plot_lines(const sample_options *o, const sample_run *run)
{
    const sf_grid *grid = &run->prior.grid;
    const size_t cells = sf_grid_size(grid);
    const sf_axes axes = {
        .title = sample_prior_name(o), .x_label = "position", .y_label = "sample"};
    sf_curve curves[MOST_LINES + 1];
    size_t count, shown = 0;
    const double *samples = sf_ensemble_samples(run->ensemble, &count);
    double *x = NULL, *band = NULL;
    sf_status status;

    GO(sf_allocate(&x, cells, sizeof *x));
    GO(sf_allocate(&band, 2 * cells, sizeof *band));
    for (size_t i = 0; i < cells; i++) x[i] = ((double)i + 0.5) * grid->spacing[0];
    for (size_t i = 0; run->mean != NULL && i < cells; i++) {
        band[i] = run->mean[i] - run->deviation[i];
        band[cells + i] = run->mean[i] + run->deviation[i];
    }
    if (run->mean != NULL)
        curves[shown++] = (sf_curve){.label = "mean, standard deviation",
                                     .count = cells,
                                     .x = x,
                                     .y = run->mean,
                                     .low = band,
                                     .high = band + cells};
    for (size_t i = 0; i < count && i < MOST_LINES; i++)
        curves[shown++] = (sf_curve){.count = cells, .x = x, .y = samples + i * cells};
    status = sf_plot_curves(o->plot, o->force != 0, &axes, curves, shown);
done:
    sf_free(x);
    sf_free(band);
    return status;
}

/* Samples of two cells are points of a plane. */
static sf_status plot_points(const sample_options *o, const sample_run *run)
{
    const sf_axes axes = {
        .title = sample_prior_name(o), .x_label = "first cell", .y_label = "second cell"};
    size_t count;
    const double *samples = sf_ensemble_samples(run->ensemble, &count);
    double *parts = NULL;
    sf_curve curve;
    sf_status status;

    GO(sf_allocate(&parts, 2 * count, sizeof *parts));
    for (size_t i = 0; i < 2 * count; i++) parts[i % 2 * count + i / 2] = samples[i];
    curve = (sf_curve){.count = count, .x = parts, .y = parts + count, .points = true};
    status = sf_plot_curves(o->plot, o->force != 0, &axes, &curve, 1);
done:
    sf_free(parts);
    return status;
}

/* ---- a histogram ----------------------------------------------------------------------------- */

enum { BINS = 40, POINTS = 400 };

/* Densities in bins from low to high, with Poisson's errors. */
static void fill_bins(const sample_run *run, double low, double width, double *x, double *y,
                      double *error)
{
    size_t count;
    const double *samples = sf_ensemble_samples(run->ensemble, &count);
    const double unit = 1.0 / ((double)count * width);

    for (size_t i = 0; i < count; i++) {
        const double place = fmin(fmax(floor((samples[i] - low) / width), 0.0), BINS - 1.0);

        y[(size_t)place] += 1.0;
    }
    for (size_t b = 0; b < BINS; b++) {
        x[b] = low + ((double)b + 0.5) * width;
        error[b] = sqrt(y[b]) * unit;
        y[b] *= unit;
    }
}

/* Samples of one cell, beside the density that they are of. */
static sf_status plot_histogram(const sample_options *o, const sample_run *run)
{
    const sf_axes axes = {.title = sample_prior_name(o), .x_label = "x", .y_label = "density"};
    const sf_moments *m = &run->moments;
    const double range = m->highest > m->lowest ? m->highest - m->lowest : 1.0;
    double x[BINS], y[BINS] = {0.0}, error[BINS], at[POINTS], density[POINTS];
    const sf_curve curves[] = {
        {.label = "samples", .count = BINS, .x = x, .y = y, .error = error, .points = true},
        {.label = "density of the prior", .count = POINTS, .x = at, .y = density}};
    const bool known = o->kind != SAMPLE_NETWORK && !sample_prior_is_constrained(o);
    sf_status status;

    fill_bins(run, m->lowest, range / BINS, x, y, error);
    for (size_t i = 0; i < POINTS; i++)
        at[i] = m->lowest + range * ((double)i / (POINTS - 1.0) * 1.1 - 0.05);
    if (known) GO(sf_prior_energy(run->prior.free, POINTS, at, run->prior.low, density));
    for (size_t i = 0; known && i < POINTS; i++) density[i] = exp(-density[i]);
    status = sf_plot_curves(o->plot, o->force != 0, &axes, curves, known ? 2 : 1);
done:
    return status;
}

sf_status sample_plot_write(const sample_options *o, const sample_run *run)
{
    const size_t cells = sf_grid_size(&run->prior.grid);

    if (run->prior.grid.axes > 1) return plot_images(o, run);
    if (cells == 1) return plot_histogram(o, run);
    return cells == 2 ? plot_points(o, run) : plot_lines(o, run);
}
