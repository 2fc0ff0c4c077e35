/* deblur_pieces.c - what is kept of a frame that goes in pieces: decisions for its planes, figures
 * of its tiles, and their pixels. */
#include "deblur_pieces.h"
#include "deblur_output.h"
#include "program.h"

#include <stdio.h>
#include <string.h>

#define WIDTH (sizeof(deblur_figures) / sizeof(double))

static size_t record_of(const deblur_pieces *p, size_t plane, size_t tile)
{
    return p->planes + plane * p->tiling.tiles + tile;
}

sf_status deblur_recall_decision(const deblur_pieces *p, size_t plane, deblur_decision *d,
                                 bool *found)
{
    double record[WIDTH];
    sf_status status;

    GO(sf_store_recall(p->store, plane, SF_STORE_ALONE, record, found));
    if (*found) memcpy(d, record, sizeof *d);
done:
    return status;
}

sf_status deblur_note_decision(const deblur_pieces *p, size_t plane, const deblur_decision *d)
{
    double record[WIDTH] = {0};

    memcpy(record, d, sizeof *d);
    return sf_store_note(p->store, plane, SF_STORE_ALONE, record);
}

sf_status deblur_recall_figures(const deblur_pieces *p, size_t plane, size_t tile,
                                deblur_figures *figures, bool *found)
{
    double record[WIDTH];
    sf_status status;

    GO(sf_store_recall(p->store, record_of(p, plane, tile), plane, record, found));
    if (*found) memcpy(figures, record, sizeof record);
done:
    return status;
}

sf_status deblur_note_figures(const deblur_pieces *p, size_t plane, size_t tile,
                              const deblur_figures *figures)
{
    double record[WIDTH];

    memcpy(record, figures, sizeof record);
    return sf_store_note(p->store, record_of(p, plane, tile), plane, record);
}

/* What the pieces are pieces of: the frame by what a sample of its first plane says, and all that
 * changes a result. */
static sf_status make_label(const deblur_pieces *p, char *label, size_t size)
{
    const deblur_options *o = p->options;
    deblur_decision d = {0};
    char shape[96];
    sf_status status;

    GO(deblur_sample_plane(o, p->files, 0, &d));
    (void)snprintf(
        label, size,
        "%s %s %zu %zu %zu|%.17g %.17g %.17g %.17g %.17g "
        "%.17g|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%.17g %d %d "
        "%d %.17g %.17g %.17g %.17g %.17g",
        sf_version(), sf_grid_text(&p->files->frame, shape, sizeof shape), p->tiling.across[0],
        p->tiling.across[1], p->tiling.margin, d.noise, d.sky, d.summary.noise, d.summary.range,
        d.summary.lowest, d.summary.mean, o->input, deblur_prior_name(o),
        o->method_name != NULL ? o->method_name : "", o->psf != NULL ? o->psf : "",
        o->psf_centre != NULL ? o->psf_centre : "", o->noise != NULL ? o->noise : "",
        o->mask != NULL ? o->mask : "", o->mask_bits != NULL ? o->mask_bits : "",
        o->network != NULL ? o->network : "", o->schedule != NULL ? o->schedule : "",
        o->detector.gain != NULL ? o->detector.gain : "",
        o->detector.read != NULL ? o->detector.read : "",
        o->detector.ivar != NULL ? o->detector.ivar : "",
        p->psf != NULL ? sf_psf_fwhm(p->psf) : 0.0, o->psf_sampling, o->iterations, o->positive,
        o->tolerance, o->penalty, o->strength, o->resolution, o->detector.saturation);
done:
    return status;
}

sf_status deblur_pieces_open(deblur_pieces *p)
{
    char label[4096];
    const sf_store_options options = {.path = p->options->checkpoint,
                                      .beside = p->options->output,
                                      .label = label,
                                      .records = p->planes * (1 + p->tiling.tiles),
                                      .width = WIDTH,
                                      .values = 2 * sf_grid_size(&p->files->frame)};
    sf_status status;

    GO(make_label(p, label, sizeof label));
    status = sf_store_open(&options, &p->store);
done:
    return status;
}
