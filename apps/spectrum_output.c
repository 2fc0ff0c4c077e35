/* spectrum_output.c - what sf-spectrum leaves: table, report, figures on the terminal. */
#include "spectrum_output.h"
#include "program.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the tables ------------------------------------------------------------------------------ */

static const char *or_nothing(const char *text) { return text != NULL ? text : ""; }

static const char *const assignments[] = {[SF_ASSIGN_NONE] = "none",
                                          [SF_ASSIGN_NGP] = "ngp",
                                          [SF_ASSIGN_CIC] = "cic",
                                          [SF_ASSIGN_TSC] = "tsc",
                                          [SF_ASSIGN_PCS] = "pcs"};

/* How the field was made, and what was left out of it. */
static sf_status write_measuring(sf_fits_writer *w, const spectrum_options *o,
                                 const spectrum_result *r)
{
    sf_status status;

    GO(sf_fits_writer_string(w, "SFINPUT", o->input, "what was measured"));
    if (o->other != NULL) GO(sf_fits_writer_string(w, "SFOTHER", o->other, "crossed with"));
    GO(sf_fits_writer_string(w, "SFASSIGN", assignments[r->assignment], "window divided out"));
    GO(sf_fits_writer_integer(w, "SFINTERL", o->interlace, "1: a second grid against aliases"));
    GO(sf_fits_writer_double(w, "SFSHOT", r->shot_noise, "shot noise subtracted"));
    GO(sf_fits_writer_integer(w, "SFAXIS", o->fits_axis, "axis of the multipoles; 0: none"));
    if (r->points[0] > 0) GO(sf_fits_writer_integer(w, "SFPOINTS", (long long)r->points[0], NULL));
    if (o->weights != NULL) GO(sf_fits_writer_string(w, "SFWEIGHT", o->weights, "of points"));
    if (r->coupling != NULL) {
        GO(sf_fits_writer_string(w, "SFMASK", or_nothing(o->mask), "mask"));
        GO(sf_fits_writer_string(w, "SFWINDOW", or_nothing(o->window), "weights of cells"));
        GO(sf_fits_writer_double(w, "SFSEEN", r->seen, "share of modes, <w^2>^2/<w^4>"));
    }
done:
    return status;
}

static sf_status write_keywords(sf_fits_writer *w, const spectrum_options *o,
                                const spectrum_result *r)
{
    char keyword[32];
    sf_status status;

    GO(sf_fits_writer_string(w, "SFVERS", sf_version(), "scorefield"));
    if (o->input != NULL) GO(write_measuring(w, o, r));
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

static sf_status add_table(sf_fits_writer *w, const spectrum_options *o, const spectrum_result *r,
                           spectrum_part part)
{
    sf_column columns[MOST_COLUMNS];
    size_t rows = 0;
    const size_t count = spectrum_columns(o, r, part, columns, &rows);
    sf_status status;

    GO(sf_fits_writer_table(w, spectrum_part_name(part), columns, count, rows));
    status = write_keywords(w, o, r);
done:
    return status;
}

/* Row b, column b': what power 1 in bin b' leaves in the pseudo-spectrum of bin b. */
static sf_status add_coupling(sf_fits_writer *w, const spectrum_options *o,
                              const spectrum_result *r)
{
    sf_grid grid;
    sf_status status;

    GO(sf_grid_image(r->count, r->count, &grid));
    GO(sf_fits_writer_field(w, "COUPLING", &grid, r->coupling));
    GO(sf_fits_writer_string(w, "CTYPE1", "BIN", "bin of the spectrum"));
    GO(sf_fits_writer_string(w, "CTYPE2", "PSEUDO", "bin of the pseudo-spectrum"));
    status = write_keywords(w, o, r);
done:
    return status;
}

static sf_status write_fits(const char *path, const spectrum_options *o, const spectrum_result *r,
                            spectrum_part part)
{
    sf_fits_writer *w = NULL;
    sf_status status;

    (void)part; /* a FITS file holds them all */
    GO(sf_fits_writer_create(path, o->force != 0, &w));
    for (spectrum_part p = PART_POWER; p < PARTS; p++)
        if (spectrum_part_wanted(o, p)) GO(add_table(w, o, r, p));
    if (r->coupling != NULL) GO(add_coupling(w, o, r));
    status = sf_fits_writer_close(&w);
done:
    sf_fits_writer_release(&w);
    return status;
}

static sf_status write_text(const char *path, const spectrum_options *o, const spectrum_result *r,
                            spectrum_part part)
{
    sf_column columns[MOST_COLUMNS];
    size_t rows = 0;
    const size_t count = spectrum_columns(o, r, part, columns, &rows);

    return sf_text_table_write(path, o->force != 0, o->command, columns, count, rows);
}

/* ---- report ---------------------------------------------------------------------------------- */

/* "spectrum_table/K", "plane/K_PERP", ... */
static void name_column(spectrum_part part, const char *column, char name[64])
{
    const char *folder = part == PART_POWER ? "SPECTRUM_TABLE" : spectrum_part_name(part);
    size_t length = 0;

    for (; *folder != '\0' && length < 40; folder++)
        name[length++] = (char)tolower((unsigned char)*folder);
    (void)snprintf(name + length, 64 - length, "/%s", column);
}

static sf_status report_table(sf_report *p, const spectrum_options *o, const spectrum_result *r,
                              spectrum_part part)
{
    sf_column columns[MOST_COLUMNS];
    size_t rows = 0;
    const size_t count = spectrum_columns(o, r, part, columns, &rows);
    double *values = NULL;
    char name[64];
    sf_status status;

    GO(sf_allocate(&values, rows, sizeof *values));
    for (size_t c = 0; c < count; c++) {
        const sf_column *column = &columns[c];
        const size_t stride = column->stride > 0 ? column->stride : 1;
        for (size_t i = 0; i < rows; i++)
            values[i] =
                column->integers != NULL ? (double)column->integers[i] : column->values[i * stride];
        name_column(part, column->name, name);
        GO(sf_report_doubles(p, name, values, rows));
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
    GO(sf_report_string(p, "assignment", assignments[r->assignment]));
    GO(sf_report_bool(p, "interlaced", o->interlace != 0));
    GO(sf_report_double(p, "shot_noise", r->shot_noise));
    GO(sf_report_integer(p, "points", (long long)r->points[0]));
    if (r->coupling != NULL) {
        GO(sf_report_string(p, "window/mask", or_nothing(o->mask)));
        GO(sf_report_string(p, "window/weights", or_nothing(o->window)));
        GO(sf_report_double(p, "window/share_of_modes", r->seen));
    }
    if (r->expected != NULL) GO(sf_report_double(p, "theory/chi_squared_per_bin", r->chi_squared));
    GO(sf_report_double(p, "seconds", r->seconds));
done:
    return status;
}

static sf_status write_report(const char *path, const spectrum_options *o, const spectrum_result *r,
                              spectrum_part part)
{
    sf_report *p = NULL;
    sf_status status;

    GO(sf_report_create("sf-spectrum", &p));
    GO(sf_report_string(p, "command", o->command));
    GO(sf_report_string(p, "libraries", program_libraries()));
    GO(theory_report(&r->theory, false, p));
    GO(sf_report_string(p, "units/k", r->k_unit)); /* the header's, where the theory has none */
    GO(report_figures(p, o, r));
    for (part = PART_POWER; part < PARTS; part++)
        if (spectrum_part_wanted(o, part)) GO(report_table(p, o, r, part));
    status = sf_report_write(p, path, o->force != 0);
done:
    sf_report_release(&p);
    return status;
}

/* ---- which files ----------------------------------------------------------------------------- */

static bool is_text(const char *path)
{
    const size_t length = strlen(path);

    return length > 4 && strcmp(path + length - 4, ".txt") == 0;
}

/* A file, and what writes it. */
typedef struct output {
    char *path;
    sf_status (*write)(const char *path, const spectrum_options *o, const spectrum_result *r,
                       spectrum_part part);
    spectrum_part part;
} output;

#define MOST_OUTPUTS (2 * PARTS + 1)

/* "pk.png" for the power spectrum, "pk_plane.png" for P(k_perp, k_par), ... */
static sf_status part_path(const char *path, spectrum_part part, char **result)
{
    const char *name = spectrum_part_name(part), *folder = strrchr(path, '/');
    const char *dot = strrchr(folder != NULL ? folder : path, '.');
    const size_t stem = dot != NULL ? (size_t)(dot - path) : strlen(path);
    char *end;
    sf_status status;

    GO(sf_allocate(result, strlen(path) + strlen(name) + 2, 1));
    memcpy(*result, path, stem);
    end = *result + stem;
    if (part != PART_POWER) {
        *end++ = '_';
        for (; *name != '\0'; name++) *end++ = (char)tolower((unsigned char)*name);
    }
    memcpy(end, path + stem, strlen(path + stem) + 1);
done:
    return status;
}

/* The table last: it says that all is there. */
static sf_status list_outputs(const spectrum_options *o, output outputs[MOST_OUTPUTS],
                              size_t *count)
{
    sf_status status = SF_OK;

    memset(outputs, 0, MOST_OUTPUTS * sizeof *outputs);
    *count = 0;
    for (spectrum_part part = PART_POWER; part < PARTS && o->plot != NULL; part++) {
        if (!spectrum_part_wanted(o, part)) continue;
        outputs[*count] = (output){.write = spectrum_plot, .part = part};
        GO(part_path(o->plot, part, &outputs[(*count)++].path));
    }
    if (o->report != NULL) {
        outputs[*count] = (output){.write = write_report};
        GO(part_path(o->report, PART_POWER, &outputs[(*count)++].path));
    }
    for (spectrum_part part = PARTS; part-- > PART_POWER;) {
        if (!spectrum_part_wanted(o, part) || (part != PART_POWER && !is_text(o->output))) continue;
        outputs[*count] =
            (output){.write = is_text(o->output) ? write_text : write_fits, .part = part};
        GO(part_path(o->output, part, &outputs[(*count)++].path));
    }
done:
    return status;
}

static void release_outputs(output outputs[MOST_OUTPUTS])
{
    for (size_t i = 0; i < MOST_OUTPUTS; i++) sf_free(outputs[i].path);
}

sf_status spectrum_output_check(const spectrum_options *o)
{
    output outputs[MOST_OUTPUTS];
    size_t count;
    sf_status status = list_outputs(o, outputs, &count);

    for (size_t i = 0; i < count && status == SF_OK; i++)
        status = sf_output_check(outputs[i].path, o->force != 0);
    release_outputs(outputs);
    return status;
}

sf_status spectrum_output_write(const spectrum_options *o, const spectrum_result *r)
{
    output outputs[MOST_OUTPUTS];
    size_t count;
    sf_status status = list_outputs(o, outputs, &count);

    for (size_t i = 0; i < count && status == SF_OK; i++) {
        status = outputs[i].write(outputs[i].path, o, r, outputs[i].part);
        for (size_t k = 0; k < i && status != SF_OK; k++) (void)remove(outputs[k].path);
    }
    release_outputs(outputs);
    return status;
}

/* ---- terminal -------------------------------------------------------------------------------- */

static void print_input(const spectrum_options *o, const spectrum_result *r)
{
    char shape[96];

    printf("input       %s", o->input);
    if (r->points[0] > 0) printf(", %zu points", r->points[0]);
    if (o->other != NULL) printf(" x %s", o->other);
    printf(", %s cells, box ", sf_grid_text(&r->grid, shape, sizeof shape));
    for (int i = 0; i < r->grid.axes; i++)
        printf("%s%g", i > 0 ? " x " : "", r->grid.spacing[i] * (double)r->grid.shape[i]);
    printf("%s%s\n", r->length_unit[0] != '\0' ? " " : "", r->length_unit);
    if (r->shot_noise != 0.0) printf("shot noise  %.6g subtracted\n", r->shot_noise);
    if (r->coupling != NULL)
        printf("window      leaves %.1f %% of the independent modes\n", 100.0 * r->seen);
}

static void print_parts(const spectrum_options *o, const spectrum_result *r)
{
    if (r->plane != NULL)
        printf("plane       %zu bins of k_perp, %zu of k_par\n", o->plane[0], o->plane[1]);
    if (r->triangles != NULL) printf("bispectrum  %zu triangles of shells\n", r->triangle_count);
    if (r->correlation != NULL) printf("correlation %zu bins of r\n", o->correlation.count);
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
        print_parts(o, r);
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
