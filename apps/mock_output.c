/* mock_output.c - what sf-mock leaves: FITS file, picture, report, figures on the terminal. */
#include "mock_output.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {[MOCK_GAUSSIAN] = "Gaussian",
                                    [MOCK_LOGNORMAL] = "lognormal",
                                    [MOCK_NON_GAUSSIAN] = "local non-Gaussian",
                                    [MOCK_LANGEVIN] = "Gaussian",
                                    [MOCK_DIFFUSION] = "Gaussian",
                                    [MOCK_CONSTRAINED] = "constrained Gaussian"};
static const char *const letters[] = {"X", "Y", "Z", "W"}; /* from the last axis on, as in FITS */

static const char *method_of(const mock_options *o)
{
    return o->kind == MOCK_LANGEVIN    ? "langevin"
           : o->kind == MOCK_DIFFUSION ? "diffusion"
                                       : "exact";
}

sf_status mock_output_check(const mock_options *o)
{
    const char *const paths[] = {o->output, o->plot, o->report};
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && status == SF_OK; i++)
        if (paths[i] != NULL) status = sf_output_check(paths[i], o->force != 0);
    return status;
}

static bool is_too_strong(const mock_options *o, const mock_fields *m)
{
    return o->kind == MOCK_NON_GAUSSIAN && !(m->strength < MOCK_STRENGTH_LIMIT);
}

/* ---- FITS ------------------------------------------------------------------------------------ */

static sf_status write_parameters(sf_fits_writer *w, const mock_options *o, const mock_fields *m)
{
    sf_status status;

    GO(sf_fits_writer_string(w, "SFVERS", sf_version(), "scorefield"));
    GO(sf_fits_writer_string(w, "SFKIND", kinds[o->kind], "kind of field"));
    GO(sf_fits_writer_string(w, "SFMETHOD", method_of(o), "how it was drawn"));
    if (o->kind == MOCK_DIFFUSION) GO(sampler_keywords(&o->sampler.sample, m->low, m->high, w));
    if (o->white != NULL)
        GO(sf_fits_writer_string(w, "SFWHITE", o->white, "white noise"));
    else
        GO(sf_fits_writer_integer(w, "SFSEED", (long long)o->seed, "seed"));
    GO(sf_fits_writer_integer(w, "SFFIXED", o->fixed, "1: amplitudes are the spectrum's"));
    GO(theory_keywords(&m->theory, o->order > 0, w));
    if (o->kind == MOCK_NON_GAUSSIAN) {
        GO(sf_fits_writer_double(w, "SFFNL", o->fnl, "local non-Gaussianity f_NL"));
        GO(sf_fits_writer_double(w, "SFFNLRMS", m->strength, "rms of f_NL phi"));
    }
    if (o->kind == MOCK_LOGNORMAL)
        GO(sf_fits_writer_double(w, "SFNEGPOW", m->lognormal.negative_power,
                                 "share of Gaussian power set to 0"));
    if (o->kind == MOCK_CONSTRAINED) {
        GO(sf_fits_writer_string(w, "SFDATA", o->constrain, "data that it agrees with"));
        GO(sf_fits_writer_string(w, "SFNOISE", o->noise, "noise of the data"));
        if (o->mask != NULL) GO(sf_fits_writer_string(w, "SFMASK", o->mask, "mask of the data"));
    }
    GO(sf_fits_writer_history(w, o->command));
done:
    return status;
}

static sf_status add_values(sf_fits_writer *w, const char *name, const mock_options *o,
                            const mock_fields *m, size_t index)
{
    sf_status status;

    if (m->single != NULL)
        GO(sf_fits_writer_field_single(w, name, &m->grid, m->single[index]));
    else
        GO(sf_fits_writer_field(w, name, &m->grid, m->value[index]));
    GO(sf_fits_writer_string(w, "BUNIT", o->bunit != NULL ? o->bunit : "",
                             o->bunit != NULL ? NULL : "dimensionless"));
    status = sf_fits_writer_box(w, &m->grid, m->theory.length[0] != '\0' ? m->theory.length : NULL);
done:
    return status;
}

static sf_status add_field(sf_fits_writer *w, const mock_options *o, const mock_fields *m,
                           size_t index)
{
    const bool second = o->paired && index % 2 == 1;
    const size_t sample = o->paired ? index / 2 : index;
    sf_status status;

    GO(add_values(w, index == 0 ? NULL : second ? "PAIRED" : "SAMPLE", o, m, index));
    if (sample > 0) GO(sf_fits_writer_integer(w, "EXTVER", (long long)sample + 1, "sample"));
    GO(sf_fits_writer_integer(w, "SFSAMPLE", (long long)sample + 1, "sample of this seed"));
    GO(sf_fits_writer_integer(w, "SFINVERT", second, "1: phases are those of the pair + pi"));
    status = write_parameters(w, o, m);
done:
    return status;
}

/* The Wiener mean; single in the file as an image is. */
static sf_status add_mean(sf_fits_writer *w, const mock_options *o, const mock_fields *m)
{
    sf_status status;

    GO(sf_fits_writer_add(w, "MEAN", &m->grid, m->mean, NULL, NULL));
    GO(sf_fits_writer_string(w, "BUNIT", o->bunit != NULL ? o->bunit : "", NULL));
    GO(sf_fits_writer_box(w, &m->grid, m->theory.length[0] != '\0' ? m->theory.length : NULL));
    status = write_parameters(w, o, m);
done:
    return status;
}

/* X is the grid's last axis, as it is of the image. */
static size_t list_columns(const mock_options *o, const mock_fields *m,
                           sf_column columns[2 * SF_GRID_MAX_AXES])
{
    static const char *const speeds[] = {"VX", "VY", "VZ", "VW"};
    const size_t axes = (size_t)m->grid.axes;
    size_t count = 0;

    for (size_t i = 0; i < axes; i++)
        columns[count++] =
            (sf_column){.name = letters[i],
                        .unit = m->theory.length[0] != '\0' ? m->theory.length : NULL,
                        .values = m->positions + (axes - 1 - i),
                        .stride = axes,
                        .single = o->single};
    for (size_t i = 0; i < axes && m->velocities != NULL; i++)
        columns[count++] = (sf_column){.name = speeds[i],
                                       .unit = "km/s",
                                       .values = m->velocities + (axes - 1 - i),
                                       .stride = axes,
                                       .single = o->single};
    return count;
}

static sf_status add_table(sf_fits_writer *w, const mock_options *o, const mock_fields *m)
{
    sf_column columns[2 * SF_GRID_MAX_AXES];
    const size_t count = list_columns(o, m, columns);
    char keyword[32];
    sf_status status;

    GO(sf_fits_writer_table(w, o->order > 0 ? "PARTICLES" : "POINTS", columns, count, m->points));
    for (int n = 1; n <= m->grid.axes; n++) {
        const int axis = m->grid.axes - n;
        (void)snprintf(keyword, sizeof keyword, "BOX%d", n);
        GO(sf_fits_writer_double(w, keyword, m->grid.spacing[axis] * (double)m->grid.shape[axis],
                                 "length of the box"));
        (void)snprintf(keyword, sizeof keyword, "CELLS%d", n);
        GO(sf_fits_writer_integer(w, keyword, (long long)m->grid.shape[axis],
                                  "cells of the field along it"));
    }
    if (o->order > 0)
        GO(sf_fits_writer_integer(w, "SFORDER", o->order, "of the displacement"));
    else
        GO(sf_fits_writer_double(w, "SFPOINTS", o->catalogue, "points asked for, on average"));
    status = write_parameters(w, o, m);
done:
    return status;
}

static sf_status write_fits(const mock_options *o, const mock_fields *m)
{
    sf_fits_writer *w = NULL;
    sf_status status;

    GO(sf_fits_writer_create(o->output, o->force != 0, &w));
    for (size_t i = 0; i < m->count; i++) GO(add_field(w, o, m, i));
    if (m->mean != NULL) GO(add_mean(w, o, m));
    if (m->positions != NULL) GO(add_table(w, o, m));
    status = sf_fits_writer_close(&w);
done:
    sf_fits_writer_release(&w);
    return status;
}

/* ---- picture --------------------------------------------------------------------------------- */

#define MOST_PANELS 4

/* The first plane, which lies first in memory. */
static sf_status copy_plane(const mock_fields *m, size_t field, const sf_grid *plane,
                            double **pixels)
{
    const size_t size = sf_grid_size(plane);
    sf_status status;

    GO(sf_allocate(pixels, size, sizeof **pixels));
    for (size_t i = 0; i < size; i++) (*pixels)[i] = mock_fields_at(m, field, i);
done:
    return status;
}

static void describe_panel(const mock_options *o, const mock_fields *m, size_t field,
                           char title[64])
{
    const bool second = o->paired && field % 2 == 1;

    if (o->paired)
        (void)snprintf(title, 64, "%s", second ? "opposite phases" : "field");
    else if (m->count > 1)
        (void)snprintf(title, 64, "sample %zu", field + 1);
    else
        (void)snprintf(title, 64, "%s field%s", kinds[o->kind],
                       m->grid.axes > 2 ? ", first plane" : "");
}

static sf_status plot_planes(const mock_options *o, const mock_fields *m)
{
    const size_t count = m->count < MOST_PANELS ? m->count : MOST_PANELS;
    const int last = m->grid.axes - 1;
    double *pixels[MOST_PANELS + 1] = {NULL};
    sf_panel panels[MOST_PANELS + 1];
    char titles[MOST_PANELS][64];
    sf_panel common = {.unit = o->bunit, .stretch = SF_STRETCH_LINEAR, .length = m->theory.length};
    size_t shown = 0;
    sf_grid plane;
    sf_status status;

    GO(sf_grid_make(2, m->grid.shape + last - 1, m->grid.spacing + last - 1, &plane));
    common.grid = &plane;
    if (o->kind == MOCK_LOGNORMAL) common.stretch = SF_STRETCH_ASINH;
    for (size_t i = 0; i < count; i++) {
        GO(copy_plane(m, i, &plane, &pixels[i]));
        describe_panel(o, m, i, titles[i]);
        panels[shown] = common;
        panels[shown].title = titles[i];
        panels[shown++].pixels = pixels[i];
    }
    if (m->mean != NULL) {
        panels[shown] = common;
        panels[shown].title = "mean of all such fields";
        panels[shown++].pixels = m->mean;
    }
    status = sf_plot_panels(o->plot, o->force != 0, m->theory.name, panels, shown,
                            shown < 3 ? shown : 2);
done:
    for (size_t i = 0; i < count; i++) sf_free(pixels[i]);
    return status;
}

static sf_status plot_line(const mock_options *o, const mock_fields *m)
{
    const size_t size = m->grid.shape[0];
    char label[64];
    sf_axes axes = {.title = m->theory.name, .x_label = label, .y_label = o->bunit};
    sf_curve curve = {.count = size};
    double *x = NULL, *y = NULL;
    sf_status status;

    (void)snprintf(label, sizeof label, "position%s%s", m->theory.length[0] != '\0' ? ", " : "",
                   m->theory.length);
    if (o->bunit == NULL) axes.y_label = "field";
    GO(sf_allocate(&x, size, sizeof *x));
    GO(sf_allocate(&y, size, sizeof *y));
    for (size_t i = 0; i < size; i++) {
        x[i] = ((double)i + 0.5) * m->grid.spacing[0];
        y[i] = mock_fields_at(m, 0, i);
    }
    curve.x = x;
    curve.y = y;
    status = sf_plot_curves(o->plot, o->force != 0, &axes, &curve, 1);
done:
    sf_free(x);
    sf_free(y);
    return status;
}

static sf_status write_plot(const mock_options *o, const mock_fields *m)
{
    return m->grid.axes == 1 ? plot_line(o, m) : plot_planes(o, m);
}

/* ---- report ---------------------------------------------------------------------------------- */

static sf_status report_box(sf_report *p, const mock_fields *m)
{
    double shape[SF_GRID_MAX_AXES], box[SF_GRID_MAX_AXES];
    const size_t axes = (size_t)m->grid.axes;
    sf_status status;

    for (size_t i = 0; i < axes; i++) {
        shape[i] = (double)m->grid.shape[i];
        box[i] = m->grid.spacing[i] * shape[i];
    }
    GO(sf_report_doubles(p, "box/shape", shape, axes));
    status = sf_report_doubles(p, "box/length", box, axes);
done:
    return status;
}

static sf_status report_making(sf_report *p, const mock_options *o, const mock_fields *m)
{
    sf_status status;

    GO(sf_report_string(p, "field/kind", kinds[o->kind]));
    GO(sf_report_string(p, "field/method", method_of(o)));
    GO(sf_report_string(p, "field/precision", o->single ? "single" : "double"));
    GO(sf_report_integer(p, "field/seed", (long long)o->seed));
    GO(sf_report_bool(p, "field/fixed", o->fixed != 0));
    GO(sf_report_bool(p, "field/paired", o->paired != 0));
    GO(sf_report_integer(p, "field/count", (long long)m->count));
    GO(sf_report_double(p, "field/mean", m->moments.mean));
    GO(sf_report_double(p, "field/deviation", m->moments.deviation));
    GO(sf_report_double(p, "field/skewness", m->moments.skewness));
    GO(sf_report_double(p, "field/lowest", m->moments.lowest));
    GO(sf_report_double(p, "field/highest", m->moments.highest));
    GO(sf_report_double(p, "field/seconds", m->seconds));
    if (m->positions != NULL) GO(sf_report_integer(p, "points/count", (long long)m->points));
    if (!isnan(o->catalogue))
        GO(sf_report_integer(p, "points/negative_cells", (long long)m->negative_cells));
done:
    return status;
}

static sf_status report_kind(sf_report *p, const mock_options *o, const mock_fields *m)
{
    sf_status status = SF_OK;

    if (o->kind == MOCK_LOGNORMAL) {
        GO(sf_report_integer(p, "lognormal/negative_modes",
                             (long long)m->lognormal.negative_modes));
        GO(sf_report_double(p, "lognormal/negative_power", m->lognormal.negative_power));
        GO(sf_report_double(p, "lognormal/variance", m->lognormal.variance));
    }
    if (o->kind == MOCK_NON_GAUSSIAN) {
        GO(sf_report_double(p, "non_gaussian/f_nl", o->fnl));
        GO(sf_report_double(p, "non_gaussian/strength", m->strength));
        if (is_too_strong(o, m))
            GO(sf_report_string(p, "non_gaussian/warning",
                                "f_NL is too strong for perturbation theory: the rms of f_NL phi "
                                "should be far below 1"));
    }
    if (o->kind == MOCK_DIFFUSION) GO(sampler_report(&o->sampler.sample, m->low, m->high, p));
    if (o->kind == MOCK_CONSTRAINED) {
        const sf_constrained_report *c = &m->constrained;
        GO(sf_report_integer(p, "constrained/iterations", (long long)c->iterations));
        GO(sf_report_double(p, "constrained/residual", c->residual));
        GO(sf_report_double(p, "constrained/error", c->error));
        GO(sf_report_bool(p, "constrained/converged", c->converged));
        GO(sf_report_double(p, "constrained/chi_squared", c->chi_squared));
    }
done:
    return status;
}

static sf_status write_report(const mock_options *o, const mock_fields *m)
{
    sf_report *p = NULL;
    sf_status status;

    GO(sf_report_create("sf-mock", &p));
    GO(sf_report_string(p, "command", o->command));
    GO(sf_report_string(p, "libraries", program_libraries()));
    GO(sf_report_string(p, "output", o->output));
    GO(report_box(p, m));
    GO(theory_report(&m->theory, o->order > 0, p));
    GO(report_making(p, o, m));
    GO(report_kind(p, o, m));
    status = sf_report_write(p, o->report, o->force != 0);
done:
    sf_report_release(&p);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

sf_status mock_output_write(const mock_options *o, const mock_fields *m)
{
    const struct {
        const char *path;
        sf_status (*write)(const mock_options *, const mock_fields *);
    } outputs[] = {{o->plot, write_plot}, {o->report, write_report}, {o->output, write_fits}};
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0] && status == SF_OK; i++) {
        if (outputs[i].path != NULL) status = outputs[i].write(o, m);
        if (status == SF_OK) continue;
        for (size_t k = 0; k < i; k++)
            if (outputs[k].path != NULL) (void)remove(outputs[k].path);
    }
    return status;
}

/* ---- terminal -------------------------------------------------------------------------------- */

static void print_box(const mock_options *o, const mock_fields *m)
{
    char shape[96];

    printf("field       %s, %s, %s cells, box ", o->output, kinds[o->kind],
           sf_grid_text(&m->grid, shape, sizeof shape));
    for (int i = 0; i < m->grid.axes; i++)
        printf("%s%g", i > 0 ? " x " : "", m->grid.spacing[i] * (double)m->grid.shape[i]);
    printf("%s%s\n", m->theory.length[0] != '\0' ? " " : "", m->theory.length);
}

static void print_modes(const mock_fields *m)
{
    const mode_range modes = box_modes(&m->grid);

    if (!(modes.fundamental > 0.0)) return; /* one cell */
    printf("modes       k from %.4g to %.4g%s%s (Nyquist)\n", modes.smallest, modes.nyquist,
           m->theory.wavenumber[0] != '\0' ? " " : "", m->theory.wavenumber);
}

static void print_kind(const mock_options *o, const mock_fields *m)
{
    const sf_constrained_report *c = &m->constrained;
    char text[160];

    if (o->kind == MOCK_DIFFUSION) {
        sampler_text(&o->sampler.sample, text, sizeof text);
        printf("diffusion   %s, from noise level %.3g to %.3g\n", text, m->high, m->low);
    }
    if (o->kind == MOCK_LOGNORMAL)
        printf("lognormal   negative power of the Gaussian field, set to 0: %.2g of all, in %zu "
               "modes\n",
               m->lognormal.negative_power, m->lognormal.negative_modes);
    if (o->kind == MOCK_NON_GAUSSIAN) printf("f_NL        rms of f_NL phi %.3g\n", m->strength);
    if (o->kind == MOCK_CONSTRAINED)
        printf(
            "data        %s; %zu iterations, residual %.2g, error below %.2g sigma; chi^2 of the "
            "mean per datum %.4g\n",
            o->constrain, c->iterations, c->residual, c->error, c->chi_squared);
}

/* More than this of a posterior's standard deviation shows in its draws. */
#define MOST_ERROR 0.1

static void warn_of_error(const sf_constrained_report *c)
{
    if (c->converged && c->error < MOST_ERROR) return;
    fprintf(
        stderr,
        "sf-mock: warning: %s: after %zu iterations the residual is %.2g, and the fields may be "
        "%.2g of their posterior's standard deviation off\n",
        c->converged ? "the noise is far below the field" : "not converged", c->iterations,
        c->residual, c->error);
}

static void print_values(const mock_options *o, const sf_moments *v)
{
    printf("values      mean %.3g, standard deviation %#.4g, ", v->mean, v->deviation);
    if (!isnan(v->skewness)) printf("skewness %.3g, ", v->skewness);
    printf("from %#.4g to %#.4g%s%s\n", v->lowest, v->highest, o->bunit != NULL ? " " : "",
           o->bunit != NULL ? o->bunit : "");
}

void mock_output_print(const mock_options *o, const mock_fields *m)
{
    if (is_too_strong(o, m))
        fprintf(stderr,
                "sf-mock: warning: --fnl %g is too strong for perturbation theory: the rms of f_NL "
                "phi is %.3g and should be far below 1\n",
                o->fnl, m->strength);
    if (o->kind == MOCK_CONSTRAINED) warn_of_error(&m->constrained);
    if (o->quiet) return;
    print_box(o, m);
    theory_print(&m->theory, o->bunit);
    print_modes(m);
    print_kind(o, m);
    print_values(o, &m->moments);
    if (o->order > 0) printf("particles   %zu\n", m->points);
    if (!isnan(o->catalogue)) printf("points      %zu\n", m->points);
    if (m->negative_cells > 0)
        printf("            %zu cells have a density below zero and no points, so that there are "
               "more than asked for; a --lognormal field has none such\n",
               m->negative_cells);
    printf("time        %.2f s\n", m->seconds);
}
