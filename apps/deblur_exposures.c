/* deblur_exposures.c - further frames of the scene that the first one shows: each is read as a
 * frame of its own, placed by --shift or by what the headers say of the sky, and joined. */
#include "deblur_exposures.h"
#include "program.h"

#include <math.h>
#include <string.h>

#define ASKED ((size_t)5) /* places along a side, where two frames' coordinates are compared */
#define APART 0.25        /* pixels of the first by which they may differ from a shift */
#define WHOLE 0.02        /* by which a ratio of cells may differ from a whole number */

/* ---- where a frame lies ---------------------------------------------------------------------- */

/* Rows and columns of places all over a frame, corners among them, counted from its corner on. */
static void choose_places(const sf_grid *grid, double place[ASKED * ASKED][2])
{
    for (size_t i = 0; i < ASKED; i++)
        for (size_t j = 0; j < ASKED; j++) {
            place[i * ASKED + j][0] = (double)(grid->shape[0] * i) / (double)(ASKED - 1);
            place[i * ASKED + j][1] = (double)(grid->shape[1] * j) / (double)(ASKED - 1);
        }
}

/* The same places, counted from the first frame's corner on. */
static sf_status ask_sky(const deblur_exposure *e, const deblur_frame *first, const sf_fits *header,
                         double place[ASKED * ASKED][2], double there[ASKED * ASKED][2])
{
    double centre[ASKED * ASKED][2];
    sf_status status;

    for (size_t i = 0; i < ASKED * ASKED; i++)
        for (int a = 0; a < 2; a++) centre[i][a] = place[i][a] - 0.5;
    status = sf_fits_locate(header, first->frame, ASKED * ASKED, centre[0], there[0]);
    if (status != SF_OK)
        return sf_fail(status,
                       "%s cannot be placed by its coordinates (%s): say where it lies by --shift",
                       e->options.input, sf_last_error());
    for (size_t i = 0; i < ASKED * ASKED; i++)
        for (int a = 0; a < 2; a++) there[i][a] += 0.5;
    return SF_OK;
}

/* How many of the first one's pixels one here is along, as the distances along both axes say. */
static double scale_of(double place[ASKED * ASKED][2], double there[ASKED * ASKED][2])
{
    const size_t corner = ASKED * ASKED - 1;
    const double own = hypot(place[corner][0], place[corner][1]);

    return hypot(there[corner][0] - there[0][0], there[corner][1] - there[0][1]) / own;
}

/* there = shift + scale place, as well as it can: shift, and the largest distance that is left. */
static void fit_shift(double place[ASKED * ASKED][2], double there[ASKED * ASKED][2], double scale,
                      deblur_exposure *e)
{
    const double n = (double)(ASKED * ASKED);

    e->shift[0] = e->shift[1] = e->misplaced = 0.0;
    for (size_t i = 0; i < ASKED * ASKED; i++)
        for (int a = 0; a < 2; a++) e->shift[a] += (there[i][a] - scale * place[i][a]) / n;
    for (size_t i = 0; i < ASKED * ASKED; i++)
        e->misplaced = fmax(e->misplaced, hypot(there[i][0] - scale * place[i][0] - e->shift[0],
                                                there[i][1] - scale * place[i][1] - e->shift[1]));
}

/* By the sky: shift, and the cells that a pixel has where pixels are of another size. */
static sf_status place_by_sky(deblur_exposure *e, const deblur_frame *first, const sf_fits *header)
{
    double place[ASKED * ASKED][2], there[ASKED * ASKED][2], cells, whole;
    sf_status status;

    choose_places(sf_fits_grid(header), place);
    GO(ask_sky(e, first, header, place, there));
    cells = scale_of(place, there) * (double)first->upsample;
    whole = fmax(round(cells), 1.0);
    if (fabs(cells - whole) > WHOLE || whole > DEBLUR_MOST_UPSAMPLE)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "a pixel of %s is %.4g of the result's, which is not a whole number up to "
                       "%d: choose another --upsample, or resample it",
                       e->options.input, cells, DEBLUR_MOST_UPSAMPLE);
    fit_shift(place, there, whole / (double)first->upsample, e);
    e->options.upsample = (int)whole;
    if (e->misplaced > APART)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "%s is turned or distorted against the first frame: it is up to %.3g pixels "
                       "away from where a shift puts it; resample it first",
                       e->options.input, e->misplaced);
done:
    return status;
}

/* ---- the frames ------------------------------------------------------------------------------ */

/* "one for all or one for each" */
static char *own(char *const *given, size_t frame)
{
    if (given == NULL || given[0] == NULL || given[1] == NULL)
        return given != NULL ? given[0] : NULL;
    return given[frame];
}

/* The command line as it is for frame `number`; its texts are the command line's. */
static void own_options(const deblur_options *o, size_t number, deblur_options *one)
{
    *one = *o;
    one->input = o->inputs[number];
    one->psf = own(o->psfs, number);
    one->noise = own(o->noises, number);
    one->mask = own(o->masks, number);
    one->truth = NULL;
}

static sf_status same_unit(const deblur_exposure *e, const deblur_frame *first)
{
    char a[72] = "", b[72] = "";

    if (!sf_fits_get_string(first->frame, "BUNIT", a, sizeof a) ||
        !sf_fits_get_string(e->frame.frame, "BUNIT", b, sizeof b) || strcmp(a, b) == 0)
        return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT,
                   "%s is in %s but the first frame in %s: bring them to one unit first",
                   e->options.input, b, a);
}

static sf_status read_exposure(const deblur_options *o, size_t number, const deblur_frame *first,
                               deblur_exposure *e)
{
    const sf_fits *header;
    sf_fits_file *file;
    sf_status status;

    own_options(o, number, &e->options);
    GO(deblur_files_open(&e->files, e->options.input));
    GO(deblur_files_find(&e->files, e->options.input, &file));
    header = sf_fits_file_header(file);
    if (e->files.frame.axes != 2)
        return sf_fail(SF_ERR_UNSUPPORTED, "%s is a cube: several frames are images, each of them",
                       e->options.input);
    if (o->shift_count > 0) {
        e->shift[0] = o->shift[2 * (number - 1) + 1];
        e->shift[1] = o->shift[2 * (number - 1)];
    } else
        GO(place_by_sky(e, first, header));
    GO(deblur_frame_read(&e->options, &e->files, &e->frame));
    e->frame.spacing = (double)e->frame.upsample / (double)first->upsample;
    status = same_unit(e, first);
done:
    return status;
}

/* Whether it shows anything that the first one does. */
static sf_status overlaps(const deblur_exposure *e, const deblur_frame *first)
{
    const size_t *own_shape = sf_fits_grid(e->frame.frame)->shape;
    const size_t *shape = sf_fits_grid(first->frame)->shape;

    for (int a = 0; a < 2; a++)
        if (e->shift[a] >= (double)shape[a] ||
            e->shift[a] <= -(double)own_shape[a] * e->frame.spacing)
            return sf_fail(SF_ERR_ARGUMENT,
                           "%s does not overlap the first frame: its corner is %.6g columns and "
                           "%.6g rows away",
                           e->options.input, e->shift[1], e->shift[0]);
    return SF_OK;
}

sf_status deblur_exposures_read(const deblur_options *o, deblur_frame *first)
{
    const double resolution = first->resolution;
    sf_status status;

    GO(sf_allocate(&first->more, 1, sizeof *first->more));
    GO(sf_allocate(&first->more->exposure, o->frames - 1, sizeof *first->more->exposure));
    first->more->count = o->frames - 1;
    for (size_t i = 0; i < first->more->count; i++) {
        deblur_exposure *e = &first->more->exposure[i];

        GO(read_exposure(o, i + 1, first, e));
        GO(overlaps(e, first));
    }
    status = deblur_frame_observe(first, resolution);
done:
    return status;
}

sf_status deblur_exposures_join(deblur_frame *first)
{
    const size_t count = first->more->count + 1;
    sf_observation **one = NULL, *joint = NULL;
    double *shift = NULL;
    sf_status status;

    GO(sf_allocate(&one, count, sizeof *one));
    GO(sf_allocate(&shift, 2 * count, sizeof *shift));
    one[0] = first->observation;
    for (size_t i = 1; i < count; i++) {
        deblur_exposure *e = &first->more->exposure[i - 1];

        GO(deblur_frame_observe(&e->frame, first->resolution));
        one[i] = e->frame.observation;
        memcpy(shift + 2 * i, e->shift, sizeof e->shift);
    }
    GO(sf_observation_join(count, one, shift, &joint));
    for (size_t i = 1; i < count; i++) /* the joint one has all of it */
        sf_observation_release(&first->more->exposure[i - 1].frame.observation);
    sf_observation_release(&first->observation);
    first->observation = joint;
done:
    sf_free(one);
    sf_free(shift);
    return status;
}

void deblur_exposures_release(deblur_exposures **exposures)
{
    if (*exposures == NULL) return;
    for (size_t i = 0; (*exposures)->exposure != NULL && i < (*exposures)->count; i++) {
        deblur_frame_release(&(*exposures)->exposure[i].frame);
        deblur_files_close(&(*exposures)->exposure[i].files);
    }
    sf_free((*exposures)->exposure);
    sf_free(*exposures);
    *exposures = NULL;
}
