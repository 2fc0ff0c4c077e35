/* deblur_tiles.c - frames in pieces: larger than memory, cubes plane by plane, gone on with after a
 * kill.
 *
 * What a tile cannot know is decided for its plane before (noise, sky, range, and on three tiles
 * what the solver else chooses for itself), and noted in the store; then tile after tile is solved
 * as a part of its plane, and its core put there. A tile whose sources come out ringed begins its
 * plane anew at the resolution that is meant for that. At last the store becomes a FITS file. */
#include "deblur_tiles.h"
#include "deblur_output.h"
#include "deblur_prior.h"
#include "deblur_psf.h"
#include "deblur_sample.h"
#include "deblur_solve.h"
#include "program.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define VARYING  256 /* side of the cores where the PSF varies, unless it is given */
#define SURVEYED 3   /* tiles on which a solver's choices are looked at */
#define MARGIN   96  /* pixels */

/* What is noted of a tile, all of it numbers. */
typedef struct tile_figures {
    sf_diagnostics_sums sums;
    double iterations, seconds, stop;
} tile_figures;

#define WIDTH (sizeof(tile_figures) / sizeof(double))

typedef struct tiles {
    const deblur_options *options;
    deblur_files *files;
    sf_grid plane; /* of the frame */
    size_t planes, stride;
    sf_tiling tiling;
    sf_store *store;
    deblur_solver solver;
    sf_psf *psf;         /* of the plane in work */
    sf_psf_field *field; /* NULL: it is the same everywhere */
    progress *line;
    size_t done; /* tiles */
    char noise_source[96], mask_source[64];
} tiles;

/* ---- the plan -------------------------------------------------------------------------------- */

/* Pixels around a core from which something can come: measured, see the manual page. */
static size_t choose_margin(const deblur_options *o, const sf_psf *psf)
{
    const size_t psf_side = psf != NULL ? sf_psf_grid(psf)->shape[0] : 0;
    const size_t least = o->method == DEBLUR_DENOISE ? 64 : MARGIN;

    return least > 2 * psf_side ? least : 2 * psf_side;
}

/* Bytes for each cell of a scene, measured as the growth of the process. */
static double bytes_of(const deblur_options *o)
{
    switch (o->method) {
    case DEBLUR_RL: return 130.0;
    case DEBLUR_WIENER: return 180.0;
    case DEBLUR_TV: return 280.0;
    case DEBLUR_DENOISE: return 400.0;
    case DEBLUR_PNP:
    case DEBLUR_HQS:
    case DEBLUR_POSTERIOR: break;
    }
    return deblur_prior_is_field(o) ? 250.0 : 500.0;
}

/* What is not done in pieces. */
static sf_status check(const deblur_options *o, bool cube)
{
    if (o->method == DEBLUR_POSTERIOR)
        return sf_fail(
            SF_ERR_UNSUPPORTED,
            "method posterior draws samples of an image in one piece: give it one plane, "
            "or a part of the frame, and no --tile");
    if (o->plot == NULL && o->truth == NULL && !o->detector.cosmic_rays &&
        o->detector.spectrum == NULL)
        return SF_OK;
    return sf_fail(SF_ERR_UNSUPPORTED,
                   "--plot, --truth, --cosmic-rays and --noise-spectrum are for an image in one "
                   "piece, and this is %s; leave them out",
                   cube ? "a cube" : "to be done in tiles");
}

/* The largest core that the memory allows. */
static sf_status fit_core(const deblur_options *o, size_t margin, size_t *core)
{
    const size_t most = (size_t)sqrt(o->memory / bytes_of(o));

    *core = most > 2 * margin + 64 ? (most - 2 * margin) / 64 * 64 : 0;
    if (*core > 0) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT,
                   "--memory is too small: a tile of 64 pixels with margins of %zu takes %.0f MB",
                   margin, pow(2.0 * (double)margin + 128.0, 2.0) * bytes_of(o) / 1048576.0);
}

sf_status deblur_tiles_plan(const deblur_options *o, deblur_files *files, size_t *core)
{
    const bool cube = files->frame.axes == 3, asked = o->tile > 0;
    sf_psf *psf = NULL;
    sf_grid plane;
    sf_status status;

    *core = 0;
    GO(deblur_files_plane(files, &plane));
    const size_t side = plane.shape[0] > plane.shape[1] ? plane.shape[0] : plane.shape[1];
    const bool large = (double)sf_grid_size(&plane) * bytes_of(o) > o->memory;
    const bool varies = deblur_psf_varies(o, files);
    if (!cube && !asked && !varies &&
        (o->method == DEBLUR_POSTERIOR || (!large && o->checkpoint == NULL)))
        return SF_OK;
    GO(check(o, cube));
    *core = asked ? (size_t)o->tile : varies && side > VARYING ? VARYING : side;
    if (asked || !large) return SF_OK;
    GO(deblur_psf_read(o, files, 0, &psf));
    status = fit_core(o, choose_margin(o, psf), core);
done:
    sf_psf_release(&psf);
    return status;
}

/* Where the solver's choices depend on the data. */
static bool chooses(const tiles *t)
{
    const deblur_options *o = t->options;

    if (t->tiling.tiles == 1) return false;
    switch (o->method) {
    case DEBLUR_PNP:
    case DEBLUR_HQS: return isnan(o->penalty);
    case DEBLUR_TV: return isnan(o->strength);
    case DEBLUR_WIENER: return isnan(o->strength) && !deblur_prior_is_field(o);
    case DEBLUR_RL: return true;
    case DEBLUR_DENOISE:
    case DEBLUR_POSTERIOR: break;
    }
    return false;
}

/* ---- the store ------------------------------------------------------------------------------- */

static size_t record_of(const tiles *t, size_t plane, size_t tile)
{
    return t->planes + plane * t->tiling.tiles + tile;
}

static sf_status recall_decision(const tiles *t, size_t plane, deblur_decision *d, bool *found)
{
    double record[WIDTH];
    sf_status status;

    GO(sf_store_recall(t->store, plane, SF_STORE_ALONE, record, found));
    if (*found) memcpy(d, record, sizeof *d);
done:
    return status;
}

static sf_status note_decision(tiles *t, size_t plane, const deblur_decision *d)
{
    double record[WIDTH] = {0};

    memcpy(record, d, sizeof *d);
    return sf_store_note(t->store, plane, SF_STORE_ALONE, record);
}

static sf_status recall_figures(const tiles *t, size_t plane, size_t tile, tile_figures *figures,
                                bool *found)
{
    double record[WIDTH];
    sf_status status;

    GO(sf_store_recall(t->store, record_of(t, plane, tile), plane, record, found));
    if (*found) memcpy(figures, record, sizeof record);
done:
    return status;
}

/* What the pieces are pieces of: the frame by what a sample of its first plane says, and all that
 * changes a result. */
static sf_status make_label(tiles *t, char *label, size_t size)
{
    const deblur_options *o = t->options;
    deblur_decision d = {0};
    char shape[96];
    sf_status status;

    GO(deblur_sample_plane(o, t->files, 0, &d));
    (void)snprintf(label, size,
                   "%s %s %zu %zu %zu|%.17g %.17g %.17g %.17g %.17g "
                   "%.17g|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s %d "
                   "%d %.17g %.17g %.17g %.17g %.17g",
                   sf_version(), sf_grid_text(&t->files->frame, shape, sizeof shape),
                   t->tiling.across[0], t->tiling.across[1], t->tiling.margin, d.noise, d.sky,
                   d.summary.noise, d.summary.range, d.summary.lowest, d.summary.mean, o->input,
                   deblur_prior_name(o), o->method_name != NULL ? o->method_name : "",
                   o->psf != NULL ? o->psf : "", o->psf_centre != NULL ? o->psf_centre : "",
                   o->noise != NULL ? o->noise : "", o->mask != NULL ? o->mask : "",
                   o->mask_bits != NULL ? o->mask_bits : "", o->network != NULL ? o->network : "",
                   o->schedule != NULL ? o->schedule : "",
                   o->detector.gain != NULL ? o->detector.gain : "",
                   o->detector.read != NULL ? o->detector.read : "",
                   o->detector.ivar != NULL ? o->detector.ivar : "", o->iterations, o->positive,
                   o->tolerance, o->penalty, o->strength, o->resolution, o->detector.saturation);
done:
    return status;
}

static sf_status open_store(tiles *t)
{
    char label[4096];
    const sf_store_options options = {.path = t->options->checkpoint,
                                      .beside = t->options->output,
                                      .label = label,
                                      .records = t->planes * (1 + t->tiling.tiles),
                                      .width = WIDTH,
                                      .values = 2 * sf_grid_size(&t->files->frame)};
    sf_status status;

    GO(make_label(t, label, sizeof label));
    status = sf_store_open(&options, &t->store);
done:
    return status;
}

/* ---- a tile ---------------------------------------------------------------------------------- */

static bool tell_tiles(const sf_monitor_event *event, void *user)
{
    const tiles *t = user;
    const sf_monitor_event own = {.stage = "tiles",
                                  .iteration = t->done + 1,
                                  .total = t->planes * t->tiling.tiles,
                                  .residual = NAN};
    const sf_monitor monitor = progress_monitor(t->line);

    (void)event;
    return sf_monitor_call(&monitor, &own);
}

typedef struct piece {
    sf_tile tile;
    sf_frame_part part;
    deblur_frame frame;
    size_t observed; /* pixels */
    double *scene;
    sf_solver_report report;
} piece;

static size_t count_observed(const deblur_frame *f)
{
    const double *pixels = sf_fits_pixels(f->frame);
    size_t count = 0;

    for (size_t i = 0; i < sf_grid_size(sf_fits_grid(f->frame)); i++)
        count += isfinite(pixels[i]) && (f->bad == NULL || f->bad[i] == 0.0) &&
                         (f->sigma == NULL || (isfinite(f->sigma[i]) && f->sigma[i] > 0.0))
                     ? 1
                     : 0;
    return count;
}

static sf_status read_piece(tiles *t, size_t plane, size_t index, const deblur_decision *d,
                            piece *p)
{
    deblur_box box = {.plane = plane};
    sf_status status;

    *p = (piece){.part = {.frame = t->plane, .stride = t->stride, .summary = d->summary}};
    sf_tiling_tile(&t->tiling, index, &p->tile);
    for (int a = 0; a < 2; a++) {
        p->part.first[a] = box.first[a] = p->tile.first[a];
        box.shape[a] = p->tile.shape[a];
    }
    GO(deblur_frame_read_box(t->options, t->files, &box, &p->frame));
    p->frame.noise = d->noise;
    p->frame.background = d->sky;
    p->frame.psf = sf_psf_retain(t->psf);
    if (t->field != NULL) {
        const sf_tile *tile = &p->tile;
        sf_psf_release(&p->frame.psf);
        GO(sf_psf_field_at(t->field,
                           (double)tile->core_first[0] + 0.5 * ((double)tile->core_shape[0] - 1.0),
                           (double)tile->core_first[1] + 0.5 * ((double)tile->core_shape[1] - 1.0),
                           &p->frame.psf));
    }
    if (t->tiling.tiles > 1) p->frame.part = &p->part;
    p->observed = count_observed(&p->frame);
    (void)snprintf(t->noise_source, sizeof t->noise_source, "%s", p->frame.noise_source);
    (void)snprintf(t->mask_source, sizeof t->mask_source, "%s", p->frame.mask_source);
done:
    return status;
}

static sf_status solve_piece(tiles *t, const deblur_decision *d, const deblur_tuning *tuning,
                             piece *p)
{
    const sf_monitor monitor = {.function = tell_tiles, .user = t};
    sf_status status;

    GO(deblur_frame_observe(&p->frame, d->resolution));
    GO(sf_allocate(&p->scene, sf_grid_size(sf_observation_scene(p->frame.observation)),
                   sizeof *p->scene));
    status = deblur_solve(&t->solver, tuning, &p->frame, monitor, p->scene, &p->report);
done:
    return status;
}

static void release_piece(piece *p)
{
    deblur_frame_release(&p->frame);
    sf_free(p->scene);
    p->scene = NULL;
}

/* A core's rows of an image of the tile, into plane `plane` of part 0 (the result) or 1. */
static sf_status store_core(tiles *t, const piece *p, size_t plane, size_t part,
                            const double *image)
{
    const sf_tile *tile = &p->tile;
    const size_t columns = t->plane.shape[1], side = tile->core_shape[1];
    const size_t start = part * sf_grid_size(&t->files->frame) + plane * sf_grid_size(&t->plane);
    float *row = NULL;
    sf_status status;

    GO(sf_allocate(&row, side, sizeof *row));
    for (size_t y = 0; y < tile->core_shape[0]; y++) {
        const size_t at = tile->core_first[0] + y;
        const double *from =
            image + (at - tile->first[0]) * tile->shape[1] + tile->core_first[1] - tile->first[1];
        for (size_t x = 0; x < side; x++) {
            if (fabs(from[x]) > (double)FLT_MAX)
                GO(sf_fail(SF_ERR_NUMERIC, "a pixel is %g, beyond what a 32-bit FITS image holds",
                           from[x]));
            row[x] = (float)from[x];
        }
        GO(sf_store_write(t->store, start + at * columns + tile->core_first[1], side, row));
    }
done:
    sf_free(row);
    return status;
}

/* Result and residual of the core; where nothing was observed, sky and NaN. */
static sf_status keep_piece(tiles *t, size_t plane, const piece *p)
{
    const size_t size = p->tile.shape[0] * p->tile.shape[1];
    double *image = NULL, *residual = NULL;
    sf_status status;

    GO(sf_allocate(&image, size, sizeof *image));
    GO(sf_allocate(&residual, size, sizeof *residual));
    if (p->scene != NULL) {
        GO(sf_observation_crop(p->frame.observation, p->scene, image));
        GO(sf_observation_residual(p->frame.observation, p->scene, residual));
    }
    for (size_t i = 0; i < size; i++) {
        image[i] += p->frame.background;
        if (p->scene == NULL) residual[i] = NAN;
    }
    GO(store_core(t, p, plane, 0, image));
    status = store_core(t, p, plane, 1, residual);
done:
    sf_free(image);
    sf_free(residual);
    return status;
}

/* Solves a tile, keeps its core and notes its figures. */
static sf_status do_tile(tiles *t, size_t plane, size_t index, const deblur_decision *d,
                         tile_figures *figures)
{
    const deblur_tuning tuning = {d->noise_excess, d->strength, d->iterations};
    double record[WIDTH];
    piece p;
    sf_status status;

    *figures = (tile_figures){.sums = {.lowest = INFINITY}};
    GO(read_piece(t, plane, index, d, &p));
    if (p.observed > 0) {
        const size_t first[2] = {p.tile.core_first[0] - p.tile.first[0],
                                 p.tile.core_first[1] - p.tile.first[1]};
        GO(solve_piece(t, d, &tuning, &p));
        if (progress_interrupted()) goto done;
        GO(sf_diagnostics_add(p.frame.observation, p.scene, first, p.tile.core_shape,
                              &figures->sums));
        figures->iterations = (double)p.report.iterations;
        figures->seconds = p.report.seconds;
        figures->stop = (double)p.report.stop;
    }
    GO(keep_piece(t, plane, &p));
    memcpy(record, figures, sizeof record);
    status = sf_store_note(t->store, record_of(t, plane, index), plane, record);
done:
    release_piece(&p);
    return status;
}

/* ---- a plane --------------------------------------------------------------------------------- */

/* From tile `from` on, the first one of which half was observed, or else the most among a few. */
static sf_status find_surveyed(tiles *t, size_t plane, size_t from, const deblur_decision *d,
                               piece *best)
{
    sf_status status = SF_OK;

    *best = (piece){.observed = 0};
    for (size_t i = 0; i < 8 && i < t->tiling.tiles; i++) {
        piece p;
        GO(read_piece(t, plane, (from + i) % t->tiling.tiles, d, &p));
        if (p.observed > best->observed) {
            release_piece(best);
            *best = p;
        } else {
            release_piece(&p);
        }
        if (2 * best->observed > best->tile.shape[0] * best->tile.shape[1]) break;
    }
    best->frame.part = &best->part; /* it has moved */
done:
    return status;
}

static double median(double *values, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && values[k] < values[k - 1]; k--) {
            const double swapped = values[k];
            values[k] = values[k - 1];
            values[k - 1] = swapped;
        }
    return count > 0 ? values[count / 2] : NAN;
}

/* What the solver chooses on each of a few tiles; the median holds for all of them. */
static sf_status survey(tiles *t, size_t plane, deblur_decision *d)
{
    const deblur_method method = t->options->method;
    double excess[SURVEYED], strength[SURVEYED], iterations[SURVEYED];
    size_t count = 0;
    sf_status status = SF_OK;

    for (size_t i = 0; i < SURVEYED && !progress_interrupted(); i++) {
        const size_t from = (2 * i + 1) * t->tiling.tiles / ((size_t)2 * SURVEYED);
        piece p;
        status = find_surveyed(t, plane, from, d, &p);
        if (status == SF_OK && p.observed > 0) {
            status = solve_piece(t, d, NULL, &p);
            excess[count] = p.report.noise_excess;
            strength[count] = p.report.strength;
            iterations[count++] = (double)p.report.iterations;
        }
        release_piece(&p);
        GO(status);
    }
    if (method == DEBLUR_HQS || method == DEBLUR_PNP) d->noise_excess = median(excess, count);
    if (method == DEBLUR_TV || method == DEBLUR_WIENER) d->strength = median(strength, count);
    if (method == DEBLUR_RL) d->iterations = median(iterations, count);
done:
    return status;
}

static sf_status decide(tiles *t, size_t plane, deblur_decision *d)
{
    bool found;
    sf_status status;

    GO(recall_decision(t, plane, d, &found));
    if (found) return SF_OK;
    *d = (deblur_decision){.noise_excess = NAN, .strength = NAN, .iterations = NAN};
    d->resolution = deblur_first_resolution(t->options);
    GO(deblur_sample_plane(t->options, t->files, plane, d));
    if (chooses(t)) GO(survey(t, plane, d));
    if (!progress_interrupted()) status = note_decision(t, plane, d);
done:
    return status;
}

/* How deep the hollows in a tile are, by the lowest pixel of the plane. */
static double hollow(const deblur_decision *d, const tile_figures *figures)
{
    return (d->summary.lowest - figures->sums.lowest) / d->summary.noise;
}

/* All tiles that are not done; *again: a ringed source asks for the next resolution. */
static sf_status do_tiles(tiles *t, size_t plane, deblur_decision *d, bool *again)
{
    sf_status status = SF_OK;

    *again = false;
    t->done = plane * t->tiling.tiles;
    for (size_t i = 0; i < t->tiling.tiles; i++, t->done++) {
        tile_figures figures;
        bool found;
        GO(recall_figures(t, plane, i, &figures, &found));
        if (!found) GO(do_tile(t, plane, i, d, &figures));
        if (progress_interrupted()) break;
        *again = hollow(d, &figures) >= DEBLUR_DEEPEST_HOLLOW &&
                 deblur_next_resolution(t->options, &d->resolution);
        if (*again) break;
    }
done:
    return status;
}

static sf_status do_plane(tiles *t, size_t plane)
{
    deblur_decision d = {0};
    bool again = true;
    sf_status status;

    sf_psf_release(&t->psf);
    GO(deblur_psf_read(t->options, t->files, plane, &t->psf));
    GO(decide(t, plane, &d));
    while (again && !progress_interrupted()) {
        GO(do_tiles(t, plane, &d, &again));
        if (again) GO(note_decision(t, plane, &d));
    }
done:
    return status;
}

/* ---- what comes of it ------------------------------------------------------------------------ */

/* Figures of a plane, or of all. */
typedef struct tally {
    sf_diagnostics_sums sums;
    double iterations, seconds; /* the most of a tile, the sum */
    sf_stop stop;
} tally;

static void add_figures(const tile_figures *f, tally *sum)
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

static sf_status tally_plane(const tiles *t, size_t plane, tally *sum)
{
    sf_status status = SF_OK;
    bool found;

    for (size_t i = 0; i < t->tiling.tiles; i++) {
        tile_figures figures;
        GO(recall_figures(t, plane, i, &figures, &found));
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
static sf_status add_table(const tiles *t, sf_fits_writer *w, double *rows)
{
    static const char *const names[] = {"NOISE", "SKY", "RESOLUTION", "CHI2", "FLUX", "ITERATIONS"};
    enum { COLUMNS = sizeof names / sizeof *names };
    sf_column columns[COLUMNS];

    for (size_t i = 0; i < COLUMNS; i++)
        columns[i] = (sf_column){.name = names[i], .values = rows + i, .stride = COLUMNS};
    return sf_fits_writer_table(w, "PLANES", columns, COLUMNS, t->planes);
}

static sf_status fill_table(const tiles *t, double **rows)
{
    sf_status status;
    bool found;

    GO(sf_allocate(rows, 6 * t->planes, sizeof **rows));
    for (size_t plane = 0; plane < t->planes; plane++) {
        tally sum = {.sums = {.lowest = INFINITY}};
        sf_diagnostics diagnostics;
        deblur_decision d = {0};
        GO(recall_decision(t, plane, &d, &found));
        GO(tally_plane(t, plane, &sum));
        sf_diagnostics_conclude(&sum.sums, &d.summary, &diagnostics);
        const double row[6] = {d.summary.noise,        d.sky,
                               d.resolution,           diagnostics.chi_squared,
                               diagnostics.flux_ratio, sum.iterations};
        memcpy(*rows + 6 * plane, row, sizeof row);
    }
done:
    return status;
}

static sf_status write_fits(const tiles *t, const deblur_facts *facts, const deblur_result *r)
{
    const deblur_options *o = t->options;
    const sf_grid *frame = &t->files->frame;
    stored_image result = {t->store, 0}, residual = {t->store, sf_grid_size(frame)};
    sf_fits_writer *w = NULL;
    sf_fits_file *file;
    double *rows = NULL;
    sf_status status;

    GO(deblur_files_find(t->files, o->input, &file));
    const sf_fits *header = sf_fits_file_header(file);
    GO(sf_fits_writer_create(o->output, o->force != 0, &w));
    GO(sf_fits_writer_made(w, NULL, frame, read_stored, &result, header));
    GO(deblur_keywords_write(w, o, facts, r));
    GO(sf_fits_writer_made(w, "RESIDUAL", frame, read_stored, &residual, header));
    GO(sf_fits_writer_string(w, "BUNIT", "sigma", "(frame - model) / noise"));
    if (t->planes > 1) {
        GO(fill_table(t, &rows));
        GO(add_table(t, w, rows));
    }
    status = sf_fits_writer_close(&w);
done:
    sf_fits_writer_release(&w);
    sf_free(rows);
    return status;
}

static sf_status conclude(tiles *t)
{
    const deblur_options *o = t->options;
    tally sum = {.sums = {.lowest = INFINITY}};
    deblur_result result = {0};
    deblur_facts facts = {.frame = t->files->frame,
                          .noise_source = t->noise_source,
                          .mask_source = t->mask_source,
                          .psf = t->psf,
                          .tiles = t->planes * t->tiling.tiles,
                          .margin = t->tiling.margin};
    deblur_decision d = {0};
    bool found;
    sf_status status;

    GO(recall_decision(t, 0, &d, &found));
    for (size_t plane = 0; plane < t->planes; plane++) GO(tally_plane(t, plane, &sum));
    sf_diagnostics_conclude(&sum.sums, &d.summary, &result.diagnostics);
    if (t->planes > 1) { /* each has its own */
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
    status = write_fits(t, &facts, &result);
    if (status != SF_OK && o->report != NULL) (void)remove(o->report);
    if (status == SF_OK) deblur_output_print(o, &facts, &result);
done:
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static sf_status begin(tiles *t, size_t core)
{
    sf_model *model = NULL;
    sf_status status;

    GO(deblur_files_plane(t->files, &t->plane));
    t->planes = t->files->frame.axes == 3 ? t->files->frame.shape[0] : 1;
    GO(deblur_psf_read(t->options, t->files, 0, &t->psf));
    if (deblur_psf_varies(t->options, t->files))
        GO(deblur_psf_field_read(t->options, t->files, &t->field));
    if (deblur_uses_network(t->options)) {
        GO(deblur_prior_read(t->options, &model));
        t->stride = sf_model_get_usage(model)->multiple;
    }
    GO(sf_tiling_make(&t->plane, core, choose_margin(t->options, t->psf), t->stride, &t->tiling));
    status = open_store(t);
done:
    sf_model_release(&model);
    return status;
}

sf_status deblur_tiles(const deblur_options *o, deblur_files *files, size_t core, progress *line)
{
    tiles t = {.options = o, .files = files, .solver = {.options = o}, .line = line, .stride = 1};
    sf_status status;

    progress_begin(line, o->quiet != 0);
    GO(begin(&t, core));
    for (size_t plane = 0; plane < t.planes && !progress_interrupted(); plane++)
        GO(do_plane(&t, plane));
    progress_end(line);
    if (progress_interrupted()) {
        (void)sf_fail(SF_ERR_ARGUMENT, "interrupted after %zu of %zu tiles", t.done,
                      t.planes * t.tiling.tiles);
        goto done;
    }
    GO(conclude(&t));
    sf_store_remove(&t.store);
done:
    if (status != SF_OK) progress_end(line);
    sf_store_release(&t.store);
    sf_psf_release(&t.psf);
    sf_psf_field_release(&t.field);
    deblur_solver_release(&t.solver);
    return status;
}
