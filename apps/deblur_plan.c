/* deblur_plan.c - whether a frame goes in one piece, and into which tiles if not. */
#include "deblur_plan.h"
#include "deblur_psf.h"
#include "program.h"

#include <math.h>

#define MARGIN 96 /* pixels */

size_t deblur_plan_margin(const deblur_options *o, const sf_psf *psf)
{
    const size_t psf_side = psf != NULL ? sf_psf_grid(psf)->shape[0] : 0;
    const size_t least = o->method == DEBLUR_DENOISE ? 64 : MARGIN;

    return least > 2 * psf_side ? least : 2 * psf_side;
}

/* Bytes for each cell of a scene, measured as the growth of the process. */
static double bytes_of(const deblur_options *o)
{
    switch (o->method) {
    case DEBLUR_RL: return 90.0;
    case DEBLUR_WIENER: return 180.0;
    case DEBLUR_TV: return 280.0;
    case DEBLUR_MAP: return 500.0;
    case DEBLUR_DENOISE: return 400.0;
    case DEBLUR_PNP:
    case DEBLUR_HQS:
    case DEBLUR_POSTERIOR: break;
    }
    return deblur_prior_is_field(o) ? 250.0 : 600.0;
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
        o->detector.spectrum == NULL && o->upsample == 1)
        return SF_OK;
    return sf_fail(
        SF_ERR_UNSUPPORTED,
        "--upsample, --plot, --truth, --cosmic-rays and --noise-spectrum are for an image in one "
        "piece, and this is %s; leave them out",
        cube ? "a cube" : "to be done in tiles");
}

/* Bytes for each cell and further frame: data, weights and transfer functions, and pixels. */
#define BYTES_EXPOSURE 64.0

/* Several frames go in one piece. */
static sf_status check_frames(const deblur_options *o, const sf_grid *frame)
{
    const double cells = (double)sf_grid_size(frame) * o->upsample * o->upsample;
    const double bytes = cells * (bytes_of(o) + (double)o->frames * BYTES_EXPOSURE);

    if (o->tile > 0 || frame->axes != 2 ||
        (o->checkpoint != NULL && o->method != DEBLUR_POSTERIOR) || o->detector.spectrum != NULL)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "several frames are images, solved in one piece and without "
                       "--noise-spectrum: leave out --tile, --checkpoint and --noise-spectrum");
    if (bytes <= o->memory) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT,
                   "%zu frames are solved in one piece, which would take about %.0f MB: raise "
                   "--memory, or cut them to what is of interest",
                   o->frames, bytes / 1048576.0);
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

sf_status deblur_plan(const deblur_options *o, deblur_files *files, size_t *core)
{
    const bool cube = files->frame.axes == 3, asked = o->tile > 0;
    sf_psf *psf = NULL;
    sf_grid plane;
    sf_status status;

    *core = 0;
    if (o->sampling != NULL) return SF_OK; /* every frequency is of all of the image */
    GO(deblur_files_plane(files, &plane));
    const size_t side = plane.shape[0] > plane.shape[1] ? plane.shape[0] : plane.shape[1];
    const double cells = (double)sf_grid_size(&plane) * o->upsample * o->upsample;
    const bool large = cells * bytes_of(o) > o->memory;
    if (o->frames > 1) return check_frames(o, &files->frame);
    if (!cube && !asked && (o->method == DEBLUR_POSTERIOR || (!large && o->checkpoint == NULL)))
        return SF_OK;
    GO(check(o, cube));
    *core = asked ? (size_t)o->tile : side;
    if (asked || !large) return SF_OK;
    GO(deblur_psf_read(o, files, 0, &psf));
    status = fit_core(o, deblur_plan_margin(o, psf), core);
done:
    sf_psf_release(&psf);
    return status;
}
