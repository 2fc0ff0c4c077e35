/* observation.c - a blurred, noisy frame y = M H x + n on a scene larger than the frame.
 *
 * Unknown boundaries and bad pixels are one mechanism (Almeida & Figueiredo 2013,
 * doi:10.1109/TIP.2013.2258354): the scene is enlarged by the PSF's half width on every side, so
 * that the periodic convolution never carries one edge of the frame into the other, and cells
 * that were not observed have weight zero. A scene of finer cells than pixels is the same again: H
 * adds up the cells that follow, and only every pixel's first cell is observed. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <math.h>

sf_observation_options sf_observation_options_default(void)
{
    const sf_observation_options options = {.background = 0.0,
                                            .resolution = 0.0,
                                            .periodic = false,
                                            .upsample = 1,
                                            .gain = 0.0,
                                            .read = 0.0,
                                            .part = NULL,
                                            .correlation = NULL,
                                            .psf_field = NULL};

    return options;
}

sf_observation *sf_observation_retain(sf_observation *observation)
{
    if (observation == NULL) return NULL;
    atomic_fetch_add(&(observation->owner != NULL ? observation->owner : observation)->references,
                     1);
    return observation;
}

/* All but the data and weights. */
static void release_blur(sf_observation *o)
{
    sf_operator_release(&o->crop);
    sf_operator_release(&o->varying);
    sf_psf_release(&o->psf);
    sf_psf_field_release(&o->field);
    sf_fft_release(&o->fft);
    sf_free(o->transfer);
    sf_free(o->power);
    sf_free(o->inverse_power);
    sf_free(o->back);
}

void sf_observation_release(sf_observation **observation)
{
    sf_observation *o;

    if (observation == NULL || *observation == NULL) return;
    o = *observation;
    *observation = NULL;
    if (o->owner != NULL) o = o->owner;
    if (atomic_fetch_sub(&o->references, 1) != 1) return;
    for (size_t e = 0; o->exposure != NULL && e < o->exposures; e++) {
        if (o->exposure[e] == NULL) continue;
        release_blur(o->exposure[e]);
        sf_free(o->exposure[e]);
    }
    sf_free(o->exposure);
    release_blur(o);
    sf_free(o->data);
    sf_free(o->weight);
    sf_free(o);
}

const sf_grid *sf_observation_frame(const sf_observation *o) { return &o->frame; }
const sf_grid *sf_observation_fine(const sf_observation *o) { return &o->fine; }
const sf_grid *sf_observation_scene(const sf_observation *o) { return &o->scene; }
double sf_observation_noise(const sf_observation *o)
{
    return o->owner != NULL ? o->summary.noise : o->noise;
}

double sf_observation_background(const sf_observation *o) { return o->background; }

size_t sf_observation_observed(const sf_observation *o)
{
    return (size_t)lround(o->known * (double)o->observed);
}

/* The frame in cells. */
static sf_status refine(sf_observation *o)
{
    size_t shape[SF_GRID_MAX_AXES];
    double spacing[SF_GRID_MAX_AXES];

    for (int a = 0; a < o->frame.axes; a++) {
        if (!sf_multiply_sizes(o->frame.shape[a], o->upsample, &shape[a]))
            return sf_fail(SF_ERR_ARGUMENT, "%zu cells for each of %zu pixels are too many",
                           o->upsample, o->frame.shape[a]);
        spacing[a] = o->frame.spacing[a] / (double)o->upsample;
    }
    return sf_grid_make(o->frame.axes, shape, spacing, &o->fine);
}

/* Where a frame of n cells lies in its scene along an axis, and the scene's length: the PSF's half
 * width on either side, and up to a length that FFTs like, of whole pixels; in the middle. */
static size_t place_frame(size_t n, size_t half, size_t upsample, size_t *length)
{
    *length = upsample * sf_grid_good_length((n + 2 * half + upsample - 1) / upsample);
    return (*length - n) / 2;
}

/* The same for a part of a frame: its scene begins a multiple of the stride away from where the
 * whole frame's does. */
static size_t place_part(const sf_frame_part *part, int axis, size_t n, size_t half,
                         size_t upsample, size_t *length)
{
    const size_t stride = part->stride > 0 ? part->stride : 1;
    const size_t frame = place_frame(part->frame.shape[axis] * upsample, half, upsample, length);
    const size_t begin = (part->first[axis] * upsample + frame) % stride; /* wanted, modulo it */

    *length = upsample * sf_grid_good_length((n + 2 * half + stride - 1 + upsample - 1) / upsample);
    return half + (begin + stride - half % stride) % stride;
}

static sf_status check_part(const sf_observation *o, const sf_observation_options *options)
{
    const sf_frame_part *part = options->part;
    char own[96], whole[96];

    if (part == NULL) return SF_OK;
    if (options->periodic)
        return sf_fail(SF_ERR_ARGUMENT, "a part of a frame is not periodic, even where that is");
    if (!(part->summary.noise > 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "a part of a frame whose noise is %g: summarise the frame",
                       part->summary.noise);
    for (int a = 0; a < o->frame.axes; a++)
        if (part->frame.axes != o->frame.axes || part->first[a] > part->frame.shape[a] ||
            o->frame.shape[a] > part->frame.shape[a] - part->first[a])
            return sf_fail(SF_ERR_SHAPE, "a part of %s at %zu, %zu is not inside a frame of %s",
                           sf_grid_text(&o->frame, own, sizeof own), part->first[0], part->first[1],
                           sf_grid_text(&part->frame, whole, sizeof whole));
    return SF_OK;
}

static sf_status check_kernel(const sf_observation *o, const sf_grid *kernel)
{
    char frame_text[96], kernel_text[96];

    if (kernel->axes != o->frame.axes)
        return sf_fail(SF_ERR_SHAPE, "the PSF has %d axes but the frame has %d", kernel->axes,
                       o->frame.axes);
    for (int a = 0; a < o->fine.axes; a++)
        if (kernel->shape[a] > o->fine.shape[a])
            return sf_fail(SF_ERR_SHAPE,
                           "the PSF is %s but the frame is only %s: cut the PSF to its core",
                           sf_grid_text(kernel, kernel_text, sizeof kernel_text),
                           sf_grid_text(&o->fine, frame_text, sizeof frame_text));
    return SF_OK;
}

double sf_observation_worth(const sf_observation *o)
{
    double sum = 0.0;

    if (o->exposure == NULL) return o->typical * (double)o->observed;
    for (size_t e = 0; e < o->exposures; e++) sum += sf_observation_worth(o->exposure[e]);
    return sum;
}

const sf_grid *sf_observation_kernel(const sf_observation *o)
{
    if (o->field != NULL) return sf_psf_field_grid(o->field);
    return o->psf != NULL ? sf_psf_grid(o->psf) : NULL;
}

static sf_status plan_scene(sf_observation *o, const sf_observation_options *options)
{
    const sf_grid *kernel = sf_observation_kernel(o);
    size_t shape[SF_GRID_MAX_AXES], *origin = o->origin;

    SF_TRY(check_part(o, options));
    SF_TRY(refine(o));
    if (kernel != NULL) SF_TRY(check_kernel(o, kernel));
    for (int a = 0; a < o->fine.axes; a++) {
        const size_t n = o->fine.shape[a], half = kernel != NULL ? kernel->shape[a] / 2 : 0;

        shape[a] = n;
        if (kernel == NULL || options->periodic) continue;
        origin[a] = options->part != NULL
                        ? place_part(options->part, a, n, half, o->upsample, &shape[a])
                        : place_frame(n, half, o->upsample, &shape[a]);
    }
    SF_TRY(sf_grid_make(o->fine.axes, shape, o->fine.spacing, &o->scene));
    return sf_operator_crop(&o->scene, origin, &o->fine, &o->crop);
}

size_t sf_observation_first_cell(const sf_observation *o, size_t pixel)
{
    size_t cell = 0, stride = 1;

    for (int a = o->frame.axes - 1; a >= 0; a--) {
        cell += pixel % o->frame.shape[a] * o->upsample * stride;
        pixel /= o->frame.shape[a];
        stride *= o->fine.shape[a];
    }
    return cell;
}

sf_status sf_observation_pick(const sf_observation *o, const double *scene, double *frame)
{
    double *fine = NULL;
    sf_status status;

    if (o->upsample == 1) return sf_operator_apply(o->crop, scene, frame);
    SF_GO(sf_allocate(&fine, sf_grid_size(&o->fine), sizeof *fine));
    SF_GO(sf_operator_apply(o->crop, scene, fine));
    for (size_t i = 0; i < sf_grid_size(&o->frame); i++)
        frame[i] = fine[sf_observation_first_cell(o, i)];
done:
    sf_free(fine);
    return status;
}

size_t sf_observation_cell(const sf_observation *o, size_t pixel)
{
    size_t fine = sf_observation_first_cell(o, pixel), cell = 0, stride = 1;

    for (int a = o->frame.axes - 1; a >= 0; a--) {
        cell += (fine % o->fine.shape[a] + o->origin[a]) * stride;
        fine /= o->fine.shape[a];
        stride *= o->scene.shape[a];
    }
    return cell;
}

sf_status sf_observation_place(const sf_observation *o, const double *frame, double *scene)
{
    double *fine = NULL;
    sf_status status;

    if (o->upsample == 1) return sf_operator_adjoint(o->crop, frame, scene);
    SF_GO(sf_allocate(&fine, sf_grid_size(&o->fine), sizeof *fine));
    for (size_t i = 0; i < sf_grid_size(&o->frame); i++)
        fine[sf_observation_first_cell(o, i)] = frame[i];
    SF_GO(sf_operator_adjoint(o->crop, fine, scene));
done:
    sf_free(fine);
    return status;
}

/* How many pixels are observed, and what they say together; a part is told so. */
static sf_status summarise(sf_observation *o, const double *pixels, const double *sigma,
                           double noise, const double *mask, const sf_frame_part *part)
{
    const size_t count = sf_grid_size(&o->frame);

    SF_TRY(sf_frame_summarise(count, pixels, sigma, noise, mask, o->background, &o->summary));
    for (size_t i = 0; i < count; i++)
        if (sf_pixel_is_usable(pixels[i], sigma != NULL ? sigma[i] : noise,
                               mask != NULL ? mask[i] : 0.0))
            o->observed++;
    if (part != NULL) o->summary = part->summary;
    o->noise = o->summary.noise;
    return SF_OK;
}

sf_status sf_observation_embed(sf_observation *o, const double *pixels, const double *weights)
{
    const size_t count = sf_grid_size(&o->frame), cells = sf_grid_size(&o->scene);
    bool uniform = o->observed == cells && o->field == NULL;
    double sum = 0.0;

    SF_TRY(sf_observation_place(o, pixels, o->data));
    SF_TRY(sf_observation_place(o, weights, o->weight));
    for (size_t i = 0; i < count; i++) {
        uniform = uniform && weights[i] == weights[0];
        sum += weights[i];
    }
    o->mean_weight = sum / (double)cells;
    o->diagonal = uniform;
    return sf_check_finite(o->weight, cells, "weights of the observation");
}

/* Data and weights on the frame, then embedded in the scene. */
static sf_status place_pixels(sf_observation *o, const double *pixels, const double *sigma,
                              double noise, const double *mask)
{
    const size_t count = sf_grid_size(&o->frame), cells = sf_grid_size(&o->scene);
    double *above = NULL, *weights = NULL;
    sf_status status;

    SF_GO(sf_allocate(&o->data, cells, sizeof *o->data));
    SF_GO(sf_allocate(&o->weight, cells, sizeof *o->weight));
    SF_GO(sf_allocate(&above, count, sizeof *above));
    SF_GO(sf_allocate(&weights, count, sizeof *weights));
    for (size_t i = 0; i < count; i++) {
        const double s = sigma != NULL ? sigma[i] : noise;
        const double ratio = o->noise / s;
        const bool good = sf_pixel_is_usable(pixels[i], s, mask != NULL ? mask[i] : 0.0);
        weights[i] = good ? ratio * ratio : 0.0;
        above[i] = weights[i] > 0.0 ? pixels[i] - o->background : 0.0;
    }
    SF_GO(sf_observation_embed(o, above, weights));
done:
    sf_free(above);
    sf_free(weights);
    return status;
}

sf_status sf_observation_transform(sf_observation *o)
{
    const size_t half = sf_grid_half_size(&o->scene);
    sf_complex *work = NULL;
    double *weighted = NULL;
    sf_status status;

    SF_GO(sf_allocate(&o->back, half, sizeof *o->back));
    SF_GO(sf_allocate(&work, o->exposures > 1 ? half : 1, sizeof *work));
    SF_GO(sf_allocate(&weighted, o->values, sizeof *weighted));
    for (size_t i = 0; i < o->values; i++) weighted[i] = o->weight[i] * o->data[i];
    SF_GO(sf_observation_return(o, weighted, work, o->back));
done:
    sf_free(work);
    sf_free(weighted);
    return status;
}

static sf_status check_arguments(const sf_grid *frame, const double *pixels, const double *sigma,
                                 double noise, const sf_psf *psf,
                                 const sf_observation_options *options)
{
    if (frame == NULL || pixels == NULL)
        return sf_fail(SF_ERR_ARGUMENT, "an observation needs a frame and its pixels");
    if (psf != NULL && options->psf_field != NULL)
        return sf_fail(SF_ERR_ARGUMENT, "a PSF and a field of PSFs: give one of them");
    if (!(options->gain >= 0.0 && options->read >= 0.0) ||
        (options->gain == 0.0 && options->read > 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a gain of %g and a read noise of %g: give a positive gain, or 0 for both "
                       "where the noise is not that of counts",
                       options->gain, options->read);
    if (sigma == NULL && options->gain == 0.0 && !(isfinite(noise) && noise > 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "noise is %g: give a positive standard deviation, or a sigma map", noise);
    if (!isfinite(options->background))
        return sf_fail(SF_ERR_ARGUMENT, "background is %g, which is not finite",
                       options->background);
    if (!(options->resolution >= 0.0 && isfinite(options->resolution)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "resolution is %g: give the FWHM that the scene is to have, 0 for none",
                       options->resolution);
    return SF_OK;
}

sf_status sf_observation_create(const sf_grid *frame, const double *pixels, const double *sigma,
                                double noise, const double *mask, const sf_psf *psf,
                                const sf_observation_options *options, sf_observation **observation)
{
    const sf_observation_options defaults = sf_observation_options_default();
    sf_observation *o = NULL;
    double *counted = NULL;
    sf_status status;

    *observation = NULL;
    if (options == NULL) options = &defaults;
    SF_TRY(check_arguments(frame, pixels, sigma, noise, psf, options));
    SF_TRY(sf_allocate(&o, 1, sizeof *o));
    atomic_init(&o->references, 1);
    o->frame = *frame;
    o->background = options->background;
    o->known = 1.0;
    o->upsample = options->upsample > 0 ? options->upsample : 1;
    o->exposures = 1;
    o->typical = 1.0;
    o->psf = sf_psf_retain((sf_psf *)psf); /* it is immutable */
    o->field = sf_psf_field_retain((sf_psf_field *)options->psf_field);
    o->resolution = options->resolution;
    o->periodic = options->periodic;
    SF_GO(plan_scene(o, options));
    o->values = sf_grid_size(&o->scene);
    if (options->gain > 0.0) SF_GO(sf_observation_count(o, pixels, mask, options, &counted));
    if (sigma == NULL) sigma = counted;
    SF_GO(summarise(o, pixels, sigma, noise, mask, options->part));
    SF_GO(place_pixels(o, pixels, sigma, noise, mask));
    SF_GO(sf_fft_create(&o->scene, &o->fft));
    SF_GO(sf_observation_find_blur(o));
    SF_GO(sf_observation_transform(o));
    if (options->correlation != NULL) SF_GO(sf_observation_correlate(o, options->correlation));
    *observation = o;
    o = NULL;
done:
    sf_free(counted);
    sf_observation_release(&o);
    return status;
}

sf_status sf_observation_crop(const sf_observation *o, const double *scene, double *frame)
{
    return sf_operator_apply(o->crop, scene, frame);
}

sf_status sf_observation_predict(const sf_observation *o, const double *scene, double *frame)
{
    double *blurred = NULL;
    sf_status status;

    o = sf_observation_exposure(o, 0);
    SF_GO(sf_allocate(&blurred, o->values, sizeof *blurred));
    SF_GO(sf_observation_blur(o, scene, blurred));
    SF_GO(sf_observation_pick(o, blurred, frame));
done:
    sf_free(blurred);
    return status;
}
