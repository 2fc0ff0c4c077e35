/* deblur_sample.c - the pixels from which a frame's noise, sky and range are told. */
#include "deblur_sample.h"
#include "program.h"

#include <math.h>
#include <string.h>

#define MOST_PIXELS ((size_t)1 << 24)
#define BOX         512
#define BOXES       8 /* along an axis */
#define GAP         8 /* rows of NaN between boxes, so that no difference is taken across */

typedef struct sample {
    sf_grid grid;
    double *pixels, *bad, *sigma; /* the latter two NULL where there are none */
    double noise;
    bool known;
    detector detector;
} sample;

/* Box (i, j) of `across`, evenly from edge to edge. */
static deblur_box place_box(const sf_grid *frame, size_t plane, const size_t across[2],
                            const size_t shape[2], size_t index)
{
    const size_t place[2] = {index / across[1], index % across[1]};
    deblur_box box = {.plane = plane};

    for (int a = 0; a < 2; a++) {
        box.shape[a] = shape[a];
        if (across[a] > 1) box.first[a] = (frame->shape[a] - shape[a]) * place[a] / (across[a] - 1);
    }
    return box;
}

static void copy_or_fill(double *to, const double *from, size_t count)
{
    for (size_t i = 0; i < count && to != NULL; i++) to[i] = from != NULL ? from[i] : 0.0;
}

/* A box, below those before it. */
static sf_status add_box(const deblur_options *o, deblur_files *files, const deblur_box *box,
                         size_t at, sample *s)
{
    const size_t count = box->shape[0] * box->shape[1];
    deblur_frame f;
    sf_status status;

    GO(deblur_frame_read_box(o, files, box, &f));
    s->known = deblur_noise_known(&f);
    s->noise = f.noise;
    s->detector = f.detector;
    if (f.bad != NULL && s->bad == NULL)
        GO(sf_allocate(&s->bad, sf_grid_size(&s->grid), sizeof *s->bad));
    if (f.sigma != NULL && s->sigma == NULL)
        GO(sf_allocate(&s->sigma, sf_grid_size(&s->grid), sizeof *s->sigma));
    memcpy(s->pixels + at, sf_fits_pixels(f.frame), count * sizeof *s->pixels);
    if (s->bad != NULL) copy_or_fill(s->bad + at, f.bad, count);
    if (s->sigma != NULL) copy_or_fill(s->sigma + at, f.sigma, count);
done:
    deblur_frame_release(&f);
    return status;
}

static sf_status read_boxes(const deblur_options *o, deblur_files *files, size_t plane, sample *s)
{
    size_t across[2] = {1, 1}, shape[2];
    sf_grid frame;
    sf_status status;

    GO(deblur_files_plane(files, &frame));
    memcpy(shape, frame.shape, sizeof shape);
    for (int a = 0; a < 2 && sf_grid_size(&frame) > MOST_PIXELS; a++) {
        const size_t fitting = frame.shape[a] / BOX;
        if (fitting == 0) continue;
        shape[a] = BOX;
        across[a] = fitting < BOXES ? fitting : BOXES;
    }
    const size_t boxes = across[0] * across[1], rows = shape[0] + (boxes > 1 ? GAP : 0);
    GO(sf_grid_image(boxes * rows, shape[1], &s->grid));
    GO(sf_allocate(&s->pixels, sf_grid_size(&s->grid), sizeof *s->pixels));
    for (size_t i = 0; i < sf_grid_size(&s->grid); i++) s->pixels[i] = NAN;
    for (size_t i = 0; i < boxes; i++) {
        const deblur_box box = place_box(&frame, plane, across, shape, i);
        GO(add_box(o, files, &box, i * rows * shape[1], s));
    }
done:
    return status;
}

sf_status deblur_sample_plane(const deblur_options *o, deblur_files *files, size_t plane,
                              deblur_decision *d)
{
    sample s = {.noise = NAN};
    sf_status status;

    GO(read_boxes(o, files, plane, &s));
    d->noise = s.noise;
    if (!s.known) GO(sf_estimate_noise(&s.grid, s.pixels, s.bad, &d->noise));
    GO(deblur_find_sky(o, &s.grid, s.pixels, s.bad, &d->sky));
    if (s.detector.gain > 0.0) {
        GO(sf_allocate(&s.sigma, sf_grid_size(&s.grid), sizeof *s.sigma));
        GO(sf_poisson_sigma(&s.grid, s.pixels, s.bad, s.detector.read, s.detector.gain, NULL,
                            s.sigma));
    }
    status = sf_frame_summarise(sf_grid_size(&s.grid), s.pixels, s.sigma, d->noise, s.bad, d->sky,
                                &d->summary);
done:
    sf_free(s.pixels);
    sf_free(s.bad);
    sf_free(s.sigma);
    return status;
}
