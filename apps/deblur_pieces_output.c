/* deblur_pieces_output.c - the outputs of a frame that went in pieces. */
#include "deblur_output.h"
#include "deblur_pieces.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Figures of a plane, or of all. */
typedef struct tally {
    sf_diagnostics_sums sums;
    double iterations, seconds; /* the most of a tile, the sum */
    sf_stop stop;
} tally;

static void add_figures(const deblur_figures *f, tally *sum)
{
    const double *from = (const double *)&f->sums;
    double *to = (double *)&sum->sums;
    const double lowest = fmin(sum->sums.lowest, f->sums.lowest);

    for (size_t i = 0; i < sizeof sum->sums / sizeof *to; i++) to[i] += from[i];
    sum->sums.lowest = lowest;
    sum->seconds += f->seconds;
    if (f->iterations > sum->iterations) sum->iterations = f->iterations;
    if (f->iterations > 0.0) sum->stop = (sf_stop)f->stop;
}

static sf_status tally_plane(const deblur_pieces *p, size_t plane, tally *sum)
{
    sf_status status = SF_OK;
    bool found;

    for (size_t i = 0; i < p->tiling.tiles; i++) {
        deblur_figures figures;
        GO(deblur_recall_figures(p, plane, i, &figures, &found));
        if (found) add_figures(&figures, sum);
    }
done:
    return status;
}

typedef struct stored_image {
    const sf_store *store;
    size_t first;
} stored_image;

static sf_status read_stored(void *user, size_t first, size_t count, float *values)
{
    const stored_image *image = user;

    return sf_store_read(image->store, image->first + first, count, values);
}

/* One row a plane of a cube. */
static sf_status add_table(const deblur_pieces *p, sf_fits_writer *w, double *rows)
{
    static const char *const names[] = {"NOISE", "SKY", "RESOLUTION", "CHI2", "FLUX", "ITERATIONS"};
    enum { COLUMNS = sizeof names / sizeof *names };
    sf_column columns[COLUMNS];

    for (size_t i = 0; i < COLUMNS; i++)
        columns[i] = (sf_column){.name = names[i], .values = rows + i, .stride = COLUMNS};
    return sf_fits_writer_table(w, "PLANES", columns, COLUMNS, p->planes);
}

static sf_status fill_table(const deblur_pieces *p, double **rows)
{
    sf_status status;
    bool found;

    GO(sf_allocate(rows, 6 * p->planes, sizeof **rows));
    for (size_t plane = 0; plane < p->planes; plane++) {
        tally sum = {.sums = {.lowest = INFINITY}};
        sf_diagnostics diagnostics;
        deblur_decision d = {0};
        GO(deblur_recall_decision(p, plane, &d, &found));
        GO(tally_plane(p, plane, &sum));
        sf_diagnostics_conclude(&sum.sums, &d.summary, &diagnostics);
        const double row[6] = {d.summary.noise,        d.sky,
                               d.resolution,           diagnostics.chi_squared,
                               diagnostics.flux_ratio, sum.iterations};
        memcpy(*rows + 6 * plane, row, sizeof row);
    }
done:
    return status;
}

static sf_status write_fits(const deblur_pieces *p, const deblur_facts *facts,
                            const deblur_result *r)
{
    const deblur_options *o = p->options;
    const sf_grid *frame = &p->files->frame;
    stored_image result = {p->store, 0}, residual = {p->store, sf_grid_size(frame)};
    sf_fits_writer *w = NULL;
    sf_fits_file *file;
    double *rows = NULL;
    sf_status status;

    GO(deblur_files_find(p->files, o->input, &file));
    const sf_fits *header = sf_fits_file_header(file);
    GO(sf_fits_writer_create(o->output, o->force != 0, &w));
    GO(sf_fits_writer_made(w, NULL, frame, read_stored, &result, header));
    GO(deblur_keywords_write(w, o, facts, r));
    GO(sf_fits_writer_made(w, "RESIDUAL", frame, read_stored, &residual, header));
    GO(sf_fits_writer_string(w, "BUNIT", "sigma", "(frame - model) / noise"));
    if (p->planes > 1) {
        GO(fill_table(p, &rows));
        GO(add_table(p, w, rows));
    }
    status = sf_fits_writer_close(&w);
done:
    sf_fits_writer_release(&w);
    sf_free(rows);
    return status;
}

sf_status deblur_pieces_write(const deblur_pieces *p)
{
    const deblur_options *o = p->options;
    tally sum = {.sums = {.lowest = INFINITY}};
    deblur_result result = {0};
    deblur_facts facts = {.frame = p->files->frame,
                          .upsample = 1,
                          .noise_source = p->noise_source,
                          .mask_source = p->mask_source,
                          .psf = p->psf,
                          .tiles = p->planes * p->tiling.tiles,
                          .margin = p->tiling.margin};
    deblur_decision d = {0};
    bool found;
    sf_status status;

    GO(deblur_recall_decision(p, 0, &d, &found));
    for (size_t plane = 0; plane < p->planes; plane++) GO(tally_plane(p, plane, &sum));
    sf_diagnostics_conclude(&sum.sums, &d.summary, &result.diagnostics);
    if (p->planes > 1) { /* each has its own */
        d.summary.noise = d.sky = NAN;
        result.diagnostics.hollow = 0.0;
        result.diagnostics.flux_error = NAN;
    }
    facts.observed = result.diagnostics.observed;
    facts.noise = d.summary.noise;
    facts.background = d.sky;
    facts.resolution = d.resolution;
    result.solver = (sf_solver_report){.iterations = (size_t)sum.iterations,
                                       .stop = sum.stop,
                                       .seconds = sum.seconds,
                                       .primal_residual = NAN,
                                       .dual_residual = NAN,
                                       .strength = d.strength,
                                       .noise_level = NAN,
                                       .noise_excess = d.noise_excess};
    if (o->report != NULL) GO(deblur_report_write(o, &facts, &result));
    status = write_fits(p, &facts, &result);
    if (status != SF_OK && o->report != NULL) (void)remove(o->report);
    if (status == SF_OK) deblur_output_print(o, &facts, &result);
done:
    return status;
}
