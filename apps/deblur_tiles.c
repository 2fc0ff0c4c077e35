/* deblur_tiles.c - frames in pieces: larger than memory, cubes plane by plane, gone on with after a
 * kill.
 *
 * What a tile cannot know is decided for its plane before (noise, sky, range, and on three tiles
 * what the solver else chooses for itself), and noted in the store; then tile after tile is solved
 * as a part of its plane, and its core put there. A tile whose sources come out ringed begins its
 * plane anew at the resolution that is meant for that. At last the store becomes a FITS file. */
#include "deblur_tiles.h"
#include "deblur_pieces.h"
#include "deblur_plan.h"
#include "deblur_prior.h"
#include "deblur_psf.h"
#include "deblur_sample.h"
#include "deblur_solve.h"
#include "program.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SURVEYED 3 /* tiles on which a solver's choices are looked at */

typedef struct tiles {
    deblur_pieces pieces;
    deblur_solver solver;
    sf_psf_field *field; /* NULL: the PSF is the same everywhere in a plane */
    size_t stride;       /* of the network */
    progress *line;
    size_t done; /* tiles */
} tiles;

/* Where the solver's choices depend on the data. */
static bool chooses(const tiles *t)
{
    const deblur_options *o = t->pieces.options;

    if (t->pieces.tiling.tiles == 1) return false;
    switch (o->method) {
    case DEBLUR_PNP:
    case DEBLUR_HQS: return isnan(o->penalty);
    case DEBLUR_MAP:
    case DEBLUR_TV: return isnan(o->strength);
    case DEBLUR_WIENER: return isnan(o->strength) && !deblur_prior_is_field(o);
    case DEBLUR_RL: return true;
    case DEBLUR_DENOISE:
    case DEBLUR_POSTERIOR: break;
    }
    return false;
}

/* ---- a tile ---------------------------------------------------------------------------------- */

static bool tell_tiles(const sf_monitor_event *event, void *user)
{
    const tiles *t = user;
    const sf_monitor_event own = {.stage = "tiles",
                                  .iteration = t->done + 1,
                                  .total = t->pieces.planes * t->pieces.tiling.tiles,
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

    *p = (piece){.part = {.frame = t->pieces.plane, .stride = t->stride, .summary = d->summary}};
    sf_tiling_tile(&t->pieces.tiling, index, &p->tile);
    for (int a = 0; a < 2; a++) {
        p->part.first[a] = box.first[a] = p->tile.first[a];
        box.shape[a] = p->tile.shape[a];
    }
    GO(deblur_frame_read_box(t->pieces.options, t->pieces.files, &box, &p->frame));
    p->frame.noise = d->noise;
    p->frame.background = d->sky;
    p->frame.psf = sf_psf_retain(t->pieces.psf);
    if (t->field != NULL) {
        const sf_tile *tile = &p->tile;
        sf_psf_release(&p->frame.psf);
        GO(sf_psf_field_at(t->field,
                           (double)tile->core_first[0] + 0.5 * ((double)tile->core_shape[0] - 1.0),
                           (double)tile->core_first[1] + 0.5 * ((double)tile->core_shape[1] - 1.0),
                           &p->frame.psf));
    }
    if (t->pieces.tiling.tiles > 1) p->frame.part = &p->part;
    p->observed = count_observed(&p->frame);
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
    const size_t columns = t->pieces.plane.shape[1], side = tile->core_shape[1];
    const size_t start =
        part * sf_grid_size(&t->pieces.files->frame) + plane * sf_grid_size(&t->pieces.plane);
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
        GO(sf_store_write(t->pieces.store, start + at * columns + tile->core_first[1], side, row));
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
                         deblur_figures *figures)
{
    const deblur_tuning tuning = {d->noise_excess, d->strength, d->iterations};
    piece p;
    sf_status status;

    *figures = (deblur_figures){.sums = {.lowest = INFINITY}};
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
    status = deblur_note_figures(&t->pieces, plane, index, figures);
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
    for (size_t i = 0; i < 8 && i < t->pieces.tiling.tiles; i++) {
        piece p;
        GO(read_piece(t, plane, (from + i) % t->pieces.tiling.tiles, d, &p));
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
    const deblur_method method = t->pieces.options->method;
    double excess[SURVEYED], strength[SURVEYED], iterations[SURVEYED];
    size_t count = 0;
    sf_status status = SF_OK;

    for (size_t i = 0; i < SURVEYED && !progress_interrupted(); i++) {
        const size_t from = (2 * i + 1) * t->pieces.tiling.tiles / ((size_t)2 * SURVEYED);
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

    GO(deblur_recall_decision(&t->pieces, plane, d, &found));
    if (found) return SF_OK;
    *d = (deblur_decision){.noise_excess = NAN, .strength = NAN, .iterations = NAN};
    d->resolution = deblur_first_resolution(t->pieces.options);
    GO(deblur_sample_plane(t->pieces.options, t->pieces.files, plane, d));
    if (chooses(t)) GO(survey(t, plane, d));
    if (!progress_interrupted()) status = deblur_note_decision(&t->pieces, plane, d);
done:
    return status;
}

/* How deep the hollows in a tile are, by the lowest pixel of the plane. */
static double hollow(const deblur_decision *d, const deblur_figures *figures)
{
    return (d->summary.lowest - figures->sums.lowest) / d->summary.noise;
}

/* All tiles that are not done; *again: a ringed source asks for the next resolution. */
static sf_status do_tiles(tiles *t, size_t plane, deblur_decision *d, bool *again)
{
    sf_status status = SF_OK;

    *again = false;
    t->done = plane * t->pieces.tiling.tiles;
    for (size_t i = 0; i < t->pieces.tiling.tiles; i++, t->done++) {
        deblur_figures figures;
        bool found;
        GO(deblur_recall_figures(&t->pieces, plane, i, &figures, &found));
        if (!found) GO(do_tile(t, plane, i, d, &figures));
        if (progress_interrupted()) break;
        *again = hollow(d, &figures) >= DEBLUR_DEEPEST_HOLLOW &&
                 deblur_next_resolution(t->pieces.options, &d->resolution);
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

    sf_psf_release(&t->pieces.psf);
    GO(deblur_psf_read(t->pieces.options, t->pieces.files, plane, &t->pieces.psf));
    GO(decide(t, plane, &d));
    while (again && !progress_interrupted()) {
        GO(do_tiles(t, plane, &d, &again));
        if (again) GO(deblur_note_decision(&t->pieces, plane, &d));
    }
done:
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Where noise and mask come from, as any box tells. */
static sf_status find_sources(deblur_pieces *p)
{
    const deblur_box corner = {.shape = {1, 1}};
    deblur_frame f;
    sf_status status;

    GO(deblur_frame_read_box(p->options, p->files, &corner, &f));
    (void)snprintf(p->noise_source, sizeof p->noise_source, "%s", f.noise_source);
    (void)snprintf(p->mask_source, sizeof p->mask_source, "%s", f.mask_source);
done:
    deblur_frame_release(&f);
    return status;
}

static sf_status begin(tiles *t, size_t core)
{
    sf_model *model = NULL;
    sf_status status;

    GO(deblur_files_plane(t->pieces.files, &t->pieces.plane));
    t->pieces.planes = t->pieces.files->frame.axes == 3 ? t->pieces.files->frame.shape[0] : 1;
    GO(find_sources(&t->pieces));
    GO(deblur_psf_read(t->pieces.options, t->pieces.files, 0, &t->pieces.psf));
    if (deblur_psf_varies(t->pieces.options, t->pieces.files))
        GO(deblur_psf_field_read(t->pieces.options, t->pieces.files, &t->field));
    if (deblur_uses_network(t->pieces.options)) {
        GO(deblur_prior_read(t->pieces.options, &model));
        t->stride = sf_model_get_usage(model)->multiple;
    }
    GO(sf_tiling_make(&t->pieces.plane, core, deblur_plan_margin(t->pieces.options, t->pieces.psf),
                      t->stride, &t->pieces.tiling));
    status = deblur_pieces_open(&t->pieces);
done:
    sf_model_release(&model);
    return status;
}

sf_status deblur_tiles(const deblur_options *o, deblur_files *files, size_t core, progress *line)
{
    tiles t = {.pieces = {.options = o, .files = files},
               .solver = {.options = o},
               .stride = 1,
               .line = line};
    sf_status status;

    progress_begin(line, o->quiet != 0);
    GO(begin(&t, core));
    for (size_t plane = 0; plane < t.pieces.planes && !progress_interrupted(); plane++)
        GO(do_plane(&t, plane));
    progress_end(line);
    if (progress_interrupted()) {
        (void)sf_fail(SF_ERR_ARGUMENT, "interrupted after %zu of %zu tiles", t.done,
                      t.pieces.planes * t.pieces.tiling.tiles);
        goto done;
    }
    GO(deblur_pieces_write(&t.pieces));
    sf_store_remove(&t.pieces.store);
done:
    if (status != SF_OK) progress_end(line);
    sf_store_release(&t.pieces.store);
    sf_psf_release(&t.pieces.psf);
    sf_psf_field_release(&t.field);
    deblur_solver_release(&t.solver);
    return status;
}
