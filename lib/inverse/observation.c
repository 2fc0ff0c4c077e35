/* observation.c - a blurred, noisy frame y = M H x + n on a scene larger than the frame.
 *
 * Unknown boundaries and bad pixels are one mechanism (Almeida & Figueiredo 2013,
 * doi:10.1109/TIP.2013.2258354): the scene is enlarged by the PSF's half width on every side, so
 * that the periodic convolution never carries one edge of the frame into the other, and cells
 * that were not observed have weight zero. A scene of finer cells than pixels is the same again: H
 * adds up the cells that follow, and only every pixel's first cell is observed. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <complex.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define FWHM_OF_SIGMA 2.3548200450309493 /* sqrt(8 ln 2) */

sf_observation_options sf_observation_options_default(void)
{
    const sf_observation_options options = {.background = 0.0,
                                            .resolution = 0.0,
                                            .periodic = false,
                                            .upsample = 1,
                                            .gain = 0.0,
                                            .read = 0.0,
                                            .part = NULL,
                                            .correlation = NULL};

    return options;
}

sf_observation *sf_observation_retain(sf_observation *observation)
{
    if (observation != NULL) atomic_fetch_add(&observation->references, 1);
    return observation;
}

void sf_observation_release(sf_observation **observation)
{
    sf_observation *o;

    if (observation == NULL || *observation == NULL) return;
    o = *observation;
    *observation = NULL;
    if (atomic_fetch_sub(&o->references, 1) != 1) return;
    sf_operator_release(&o->crop);
    sf_fft_release(&o->fft);
    sf_free(o->transfer);
    sf_free(o->data);
    sf_free(o->weight);
    sf_free(o->inverse_power);
    sf_free(o->back);
    sf_free(o);
}

const sf_grid *sf_observation_frame(const sf_observation *o) { return &o->frame; }
const sf_grid *sf_observation_fine(const sf_observation *o) { return &o->fine; }
const sf_grid *sf_observation_scene(const sf_observation *o) { return &o->scene; }
double sf_observation_noise(const sf_observation *o) { return o->noise; }
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

static sf_status plan_scene(sf_observation *o, const sf_psf *psf,
                            const sf_observation_options *options)
{
    const sf_grid *kernel = psf != NULL ? sf_psf_grid(psf) : NULL;
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

/* The first cell of a pixel in the fine frame. */
static size_t first_cell(const sf_observation *o, size_t pixel)
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
    for (size_t i = 0; i < sf_grid_size(&o->frame); i++) frame[i] = fine[first_cell(o, i)];
done:
    sf_free(fine);
    return status;
}

size_t sf_observation_cell(const sf_observation *o, size_t pixel)
{
    size_t fine = first_cell(o, pixel), cell = 0, stride = 1;

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
    for (size_t i = 0; i < sf_grid_size(&o->frame); i++) fine[first_cell(o, i)] = frame[i];
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

/* Data and weights on the frame, then embedded in the scene. */
static sf_status place_pixels(sf_observation *o, const double *pixels, const double *sigma,
                              double noise, const double *mask)
{
    const size_t count = sf_grid_size(&o->frame), cells = sf_grid_size(&o->scene);
    double *frame = NULL, sum = 0.0;
    bool uniform = o->observed == cells;
    sf_status status;

    SF_GO(sf_allocate(&o->data, cells, sizeof *o->data));
    SF_GO(sf_allocate(&o->weight, cells, sizeof *o->weight));
    SF_GO(sf_allocate(&frame, count, sizeof *frame));
    for (size_t i = 0; i < count; i++) {
        const double s = sigma != NULL ? sigma[i] : noise;
        const double ratio = o->noise / s;
        const bool good = sf_pixel_is_usable(pixels[i], s, mask != NULL ? mask[i] : 0.0);
        frame[i] = good ? ratio * ratio : 0.0;
        uniform = uniform && frame[i] == 1.0;
        sum += frame[i];
    }
    SF_GO(sf_observation_place(o, frame, o->weight));
    for (size_t i = 0; i < count; i++) frame[i] = frame[i] > 0.0 ? pixels[i] - o->background : 0.0;
    SF_GO(sf_observation_place(o, frame, o->data));
    o->mean_weight = sum / (double)cells;
    o->diagonal = uniform;
    SF_GO(sf_check_finite(o->weight, cells, "weights of the observation"));
done:
    sf_free(frame);
    return status;
}

/* H <- H / R, what is left of the blur for a scene that has already been blurred by R, a Gaussian.
 * No wave is made larger: where R falls below |H| only the phase of H is left. */
static void leave_resolution(const sf_grid *grid, double fwhm, sf_complex *transfer)
{
    const double sigma = fwhm / FWHM_OF_SIGMA;

    for (size_t i = 0; i < sf_grid_half_size(grid); i++) {
        const double phase = sigma * sf_grid_wavenumber(grid, i);

        transfer[i] /= fmax(fmax(exp(-0.5 * phase * phase), cabs(transfer[i])), DBL_MIN);
    }
}

/* Cells beyond the PSF's on which H / R has its kernel. */
#define KERNEL_MARGIN 16

/* The grid that a kernel of H / R fills: H / R has kinks where waves end, so that on the scene's
 * own grid its kernel would have no end, and two parts of one frame not the same one. */
static sf_status kernel_grid(const sf_grid *scene, const sf_grid *psf, sf_grid *grid)
{
    size_t shape[SF_GRID_MAX_AXES];

    for (int a = 0; a < scene->axes; a++) {
        shape[a] = sf_grid_good_length(psf->shape[a] + (size_t)2 * KERNEL_MARGIN);
        if (shape[a] > scene->shape[a]) shape[a] = scene->shape[a];
    }
    return sf_grid_make(scene->axes, shape, scene->spacing, grid);
}

/* kernel[cell + shape/2] = field[cell], both periodic: its centre in the middle. */
static void centre_kernel(const sf_grid *grid, const double *field, double *kernel)
{
    for (size_t i = 0; i < sf_grid_size(grid); i++) {
        size_t to = 0, rest = i, stride = 1;

        for (int a = grid->axes - 1; a >= 0; a--) {
            const size_t n = grid->shape[a];
            to += (rest % n + n / 2) % n * stride;
            rest /= n;
            stride *= n;
        }
        kernel[to] = field[i];
    }
}

/* The transfer function of a scene at a resolution. */
static sf_status transfer_at_resolution(const sf_grid *scene, const sf_psf *psf, double fwhm,
                                        sf_complex *transfer)
{
    sf_complex *small = NULL;
    double *field = NULL, *kernel = NULL;
    sf_fft *fft = NULL;
    sf_grid grid;
    sf_status status;

    SF_GO(kernel_grid(scene, sf_psf_grid(psf), &grid));
    SF_GO(sf_fft_create(&grid, &fft));
    SF_GO(sf_allocate(&small, sf_grid_half_size(&grid), sizeof *small));
    SF_GO(sf_allocate(&field, sf_grid_size(&grid), sizeof *field));
    SF_GO(sf_allocate(&kernel, sf_grid_size(&grid), sizeof *kernel));
    SF_GO(sf_transfer_function(&grid, sf_psf_grid(psf), sf_psf_pixels(psf), small));
    leave_resolution(&grid, fwhm, small);
    SF_GO(sf_fft_inverse(fft, small, field));
    centre_kernel(&grid, field, kernel);
    SF_GO(sf_transfer_function(scene, &grid, kernel, transfer));
done:
    sf_fft_release(&fft);
    sf_free(small);
    sf_free(field);
    sf_free(kernel);
    return status;
}

/* H <- B H, B the sum over the cells from each one on to the end of a pixel that begins there. */
static void add_up_cells(const sf_grid *scene, size_t upsample, sf_complex *transfer)
{
    const double pi = 3.14159265358979323846;

    for (size_t k = 0; k < sf_grid_half_size(scene); k++) {
        long m[SF_GRID_MAX_AXES];

        sf_grid_mode(scene, k, m);
        for (int a = 0; a < scene->axes; a++) {
            const double phase = 2.0 * pi * (double)m[a] / (double)scene->shape[a];
            sf_complex sum = 0.0;

            for (size_t c = 0; c < upsample; c++) sum += cexp(I * phase * (double)c);
            transfer[k] *= sum;
        }
    }
}

/* H, where there is one. */
static sf_status find_transfer(sf_observation *o, const sf_psf *psf, double resolution)
{
    const size_t half = sf_grid_half_size(&o->scene);

    if (psf == NULL && o->upsample == 1) return SF_OK;
    SF_TRY(sf_allocate(&o->transfer, half, sizeof *o->transfer));
    if (psf != NULL && resolution > 0.0)
        SF_TRY(transfer_at_resolution(&o->scene, psf, resolution, o->transfer));
    else if (psf != NULL)
        SF_TRY(sf_transfer_function(&o->scene, sf_psf_grid(psf), sf_psf_pixels(psf), o->transfer));
    for (size_t k = 0; k < half && psf == NULL; k++) o->transfer[k] = 1.0;
    if (o->upsample > 1) add_up_cells(&o->scene, o->upsample, o->transfer);
    return SF_OK;
}

/* H and conj(H) F(W y), which every solver needs. */
static sf_status transform_data(sf_observation *o, const sf_psf *psf, double resolution)
{
    const size_t half = sf_grid_half_size(&o->scene), cells = sf_grid_size(&o->scene);
    double *weighted = NULL;
    sf_status status;

    SF_GO(sf_fft_create(&o->scene, &o->fft));
    SF_GO(sf_allocate(&o->back, half, sizeof *o->back));
    SF_GO(sf_allocate(&weighted, cells, sizeof *weighted));
    SF_GO(find_transfer(o, psf, resolution));
    for (size_t i = 0; i < cells; i++) weighted[i] = o->weight[i] * o->data[i];
    SF_GO(sf_fft_forward(o->fft, weighted, o->back));
    if (o->transfer != NULL)
        for (size_t k = 0; k < half; k++) o->back[k] *= conj(o->transfer[k]);
done:
    sf_free(weighted);
    return status;
}

static sf_status check_arguments(const sf_grid *frame, const double *pixels, const double *sigma,
                                 double noise, const sf_observation_options *options)
{
    if (frame == NULL || pixels == NULL)
        return sf_fail(SF_ERR_ARGUMENT, "an observation needs a frame and its pixels");
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
    SF_TRY(check_arguments(frame, pixels, sigma, noise, options));
    SF_TRY(sf_allocate(&o, 1, sizeof *o));
    atomic_init(&o->references, 1);
    o->frame = *frame;
    o->background = options->background;
    o->known = 1.0;
    o->upsample = options->upsample > 0 ? options->upsample : 1;
    SF_GO(plan_scene(o, psf, options));
    if (options->gain > 0.0) SF_GO(sf_observation_count(o, pixels, mask, options, &counted));
    if (sigma == NULL) sigma = counted;
    SF_GO(summarise(o, pixels, sigma, noise, mask, options->part));
    SF_GO(place_pixels(o, pixels, sigma, noise, mask));
    SF_GO(transform_data(o, psf, options->resolution));
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

/* out = H in, or H^T in. */
static sf_status convolve(const sf_observation *o, bool adjoint, const double *in, double *out)
{
    const size_t half = sf_grid_half_size(&o->scene);
    sf_complex *spectrum = NULL;
    sf_status status;

    if (o->transfer == NULL) {
        memmove(out, in, sf_grid_size(&o->scene) * sizeof *out);
        return SF_OK;
    }
    SF_GO(sf_allocate(&spectrum, half, sizeof *spectrum));
    SF_GO(sf_fft_forward(o->fft, in, spectrum));
    for (size_t k = 0; k < half; k++)
        spectrum[k] *= adjoint ? conj(o->transfer[k]) : o->transfer[k];
    SF_GO(sf_fft_inverse(o->fft, spectrum, out));
done:
    sf_free(spectrum);
    return status;
}

sf_status sf_observation_blur(const sf_observation *o, const double *scene, double *blurred)
{
    return convolve(o, false, scene, blurred);
}

sf_status sf_observation_blur_adjoint(const sf_observation *o, const double *field, double *out)
{
    return convolve(o, true, field, out);
}

sf_status sf_observation_predict(const sf_observation *o, const double *scene, double *frame)
{
    double *blurred = NULL;
    sf_status status;

    SF_GO(sf_allocate(&blurred, sf_grid_size(&o->scene), sizeof *blurred));
    SF_GO(sf_observation_blur(o, scene, blurred));
    SF_GO(sf_observation_pick(o, blurred, frame));
done:
    sf_free(blurred);
    return status;
}
