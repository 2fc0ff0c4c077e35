/* spectrum_output.c - what sf-spectrum leaves: table, report, figures on the terminal. */
#include "spectrum_output.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_COLUMNS 9

sf_status spectrum_output_check(const spectrum_options *o)
{
    const char *const paths[] = {o->output, o->plot, o->report};
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && status == SF_OK; i++)
        if (paths[i] != NULL) status = sf_output_check(paths[i], o->force != 0);
    return status;
}

/* ---- the table --------------------------------------------------------------------------------
 */

/* One member of every bin. */
static sf_column bin_column(const char *name, const char *unit, const double *first)
{
    return (sf_column){.name = name,
                       .unit = unit,
                       .values = first,
                       .stride = sizeof(sf_power_bin) / sizeof(double)};
}

_Static_assert(sizeof(sf_power_bin) % sizeof(double) == 0, "bins are whole numbers of doubles");

static size_t list_columns(const spectrum_options *o, const spectrum_result *r,
                           sf_column columns[MOST_COLUMNS])
{
    const char *k = r->k_unit[0] != '\0' ? r->k_unit : NULL;
    const char *p = r->power_unit[0] != '\0' ? r->power_unit : NULL;
    const sf_power_bin *b = r->bins;
    size_t n = 0;

    if (b == NULL) {
        columns[n++] = (sf_column){.name = "K", .unit = k, .values = r->k};
        columns[n++] = (sf_column){.name = "POWER", .unit = p, .values = r->power};
        if (r->transfer != NULL)
            columns[n++] = (sf_column){.name = "TRANSFER", .values = r->transfer};
        return n;
    }
    columns[n++] = bin_column("K", k, &b->k);
    columns[n++] = bin_column("POWER", p, &b->power);
    columns[n++] = bin_column("ERROR", p, &b->error);
    columns[n++] = (sf_column){.name = "MODES", .integers = r->modes};
    columns[n++] = bin_column("K_LOW", k, &b->low);
    columns[n++] = bin_column("K_HIGH", k, &b->high);
    if (o->fits_axis > 0) {
        columns[n++] = bin_column("QUADRUPOLE", p, &b->quadrupole);
        columns[n++] = bin_column("HEXADECAPOLE", p, &b->hexadecapole);
    }
    if (r->expected != NULL)
        columns[n++] = (sf_column){.name = "THEORY", .unit = p, .values = r->expected};
    return n;
}

static bool is_text(const char *path)
{
    const size_t length = strlen(path);

    return length > 4 && strcmp(path + length - 4, ".txt") == 0;
}

static sf_status write_keywords(sf_fits_writer *w, const spectrum_options *o,
                                const spectrum_result *r)
{
    char keyword[32];
    sf_status status;

    GO(sf_fits_writer_string(w, "SFVERS", sf_version(), "scorefield"));
    if (o->input != NULL) {
        GO(sf_fits_writer_string(w, "SFINPUT", o->input, "what was measured"));
        if (o->other != NULL) GO(sf_fits_writer_string(w, "SFOTHER", o->other, "crossed with"));
        GO(sf_fits_writer_double(w, "SFSHOT", r->shot_noise, "shot noise subtracted"));
        GO(sf_fits_writer_integer(w, "SFAXIS", o->fits_axis, "axis of the multipoles; 0: none"));
    }
    for (int n = 1; n <= r->grid.axes; n++) {
        const int axis = r->grid.axes - n;
        (void)snprintf(keyword, sizeof keyword, "BOX%d", n);
        GO(sf_fits_writer_double(w, keyword, r->grid.spacing[axis] * (double)r->grid.shape[axis],
                                 "length of the box"));
        (void)snprintf(keyword, sizeof keyword, "CELLS%d", n);
        GO(sf_fits_writer_integer(w, keyword, (long long)r->grid.shape[axis], "cells along it"));
    }
    GO(theory_keywords(&r->theory, false, w));
    GO(sf_fits_writer_history(w, o->command));
done:
    return status;
}

static sf_status write_fits(const spectrum_options *o, const spectrum_result *r,
                            const sf_column *columns, size_t count)
{
    sf_fits_writer *w = NULL;
    sf_status status;

    GO(sf_fits_writer_create(o->output, o->force != 0, &w));
    GO(sf_fits_writer_table(w, "POWER", columns, count, r->count));
    GO(write_keywords(w, o, r));
    status = sf_fits_writer_close(&w);
done:
    sf_fits_writer_release(&w);
    return status;
}

static sf_status write_table(const spectrum_options *o, const spectrum_result *r)
{
    sf_column columns[MOST_COLUMNS];
    const size_t count = list_columns(o, r, columns);

    if (is_text(o->output))
        return sf_text_table_write(o->output, o->force != 0, o->command, columns, count, r->count);
    return write_fits(o, r, columns, count);
}

/* ---- report -----------------------------------------------------------------------------------
 */

static sf_status report_bins(sf_report *p, const spectrum_options *o, const spectrum_result *r)
{
    sf_column columns[MOST_COLUMNS];
    const size_t count = list_columns(o, r, columns);
    double *values = NULL;
    char name[64];
    sf_status status;

    GO(sf_allocate(&values, r->count, sizeof *values));
    for (size_t c = 0; c < count; c++) {
        const sf_column *column = &columns[c];
        const size_t stride = column->stride > 0 ? column->stride : 1;
        for (size_t i = 0; i < r->count; i++)
            values[i] =
                column->integers != NULL ? (double)column->integers[i] : column->values[i * stride];
        (void)snprintf(name, sizeof name, "spectrum_table/%s", column->name);
        GO(sf_report_doubles(p, name, values, r->count));
    }
done:
    sf_free(values);
    return status;
}

static sf_status report_figures(sf_report *p, const spectrum_options *o, const spectrum_result *r)
{
    sf_status status;

    GO(sf_report_string(p, "units/power", r->power_unit));
    if (o->input == NULL) {
        if (!r->theory.has_transfer) return SF_OK;
        GO(sf_report_double(p, "theory/sigma8_at_redshift", r->sigma8));
        GO(sf_report_double(p, "theory/growth", r->growth));
        return sf_report_double(p, "theory/growth_rate", r->growth_rate);
    }
    GO(sf_report_string(p, "input", o->input));
    if (o->other != NULL) GO(sf_report_string(p, "other", o->other));
    GO(sf_report_double(p, "shot_noise", r->shot_noise));
    GO(sf_report_integer(p, "points", (long long)r->points[0]));
    if (r->expected != NULL) GO(sf_report_double(p, "theory/chi_squared_per_bin", r->chi_squared));
    GO(sf_report_double(p, "seconds", r->seconds));
done:
    return status;
}

static sf_status write_report(const spectrum_options *o, const spectrum_result *r)
{
    sf_report *p = NULL;
    sf_status status;

    GO(sf_report_create("sf-spectrum", &p));
    GO(sf_report_string(p, "command", o->command));
    GO(sf_report_string(p, "libraries", program_libraries()));
    GO(theory_report(&r->theory, false, p));
    GO(sf_report_string(p, "units/k", r->k_unit)); /* the header's, where the theory has none */
    GO(report_figures(p, o, r));
    GO(report_bins(p, o, r));
    status = sf_report_write(p, o->report, o->force != 0);
done:
    sf_report_release(&p);
    return status;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

sf_status spectrum_output_write(const spectrum_options *o, const spectrum_result *r)
{
    const struct {
        const char *path;
        sf_status (*write)(const spectrum_options *, const spectrum_result *);
    } outputs[] = {{o->plot, spectrum_plot}, {o->report, write_report}, {o->output, write_table}};
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0] && status == SF_OK; i++) {
        if (outputs[i].path != NULL) status = outputs[i].write(o, r);
        if (status == SF_OK) continue;
        for (size_t k = 0; k < i; k++)
            if (outputs[k].path != NULL) (void)remove(outputs[k].path);
    }
    return status;
}

/* ---- terminal ---------------------------------------------------------------------------------
 */

static void print_input(const spectrum_options *o, const spectrum_result *r)
{
    char shape[96];

    printf("input       %s", o->input);
    if (r->points[0] > 0) printf(", %zu points", r->points[0]);
    if (o->other != NULL) printf(" x %s", o->other);
    printf(", %s cells, box ", sf_grid_text(&r->grid, shape, sizeof shape));
    for (int i = 0; i < r->grid.axes; i++)
        printf("%s%g", i > 0 ? " x " : "", r->grid.spacing[i] * (double)r->grid.shape[i]);
    putchar('\n');
    if (r->shot_noise != 0.0) printf("shot noise  %.6g subtracted\n", r->shot_noise);
}

void spectrum_output_print(const spectrum_options *o, const spectrum_result *r)
{
    const char *k = r->k_unit[0] != '\0' ? r->k_unit : "1/(unit of the box), which is not named";

    if (o->quiet) return;
    if (o->input != NULL) {
        print_input(o, r);
        printf("spectrum    %zu bins, k from %.4g to %.4g; k in %s", r->count, r->bins[0].low,
               r->bins[r->count - 1].high, k);
        if (r->power_unit[0] != '\0') printf(", P in %s", r->power_unit);
        putchar('\n');
        if (r->expected != NULL)
            printf("theory      %s: chi^2 per bin %.3f\n", r->theory.name, r->chi_squared);
    } else {
        theory_print(&r->theory, NULL);
        if (r->theory.has_transfer)
            printf("growth      D %.6g, f %.6g; sigma_8 at that redshift %.6g\n", r->growth,
                   r->growth_rate, r->sigma8);
        printf("table       %zu points, k from %.4g to %.4g %s\n", r->count, o->k_low, o->k_high,
               r->k_unit);
    }
    printf("output      %s\n", o->output);
    printf("time        %.2f s\n", r->seconds);
}
