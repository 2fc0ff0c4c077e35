/* deblur_frame.c - what sf-deblur reads: frame, noise, mask, sky, point spread function, truth. */
#include "deblur_frame.h"
#include "companion.h"
#include "deblur_exposures.h"
#include "deblur_psf.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The image's part that is in the box. */
static sf_status read_box(const deblur_frame *f, const char *path, sf_fits **fits)
{
    return deblur_files_read(f->files, path, &f->box, fits);
}

/* Bad is what has one of the bits, or no value; without --mask-bits, every bit. */
static sf_status pick_bits(const deblur_options *options, deblur_frame *f)
{
    const size_t count = sf_grid_size(sf_fits_grid(f->frame));
    const double *mask;

    if (f->mask == NULL)
        return sf_fail(SF_ERR_ARGUMENT,
                       "--mask-bits %s has no mask to look at: the frame's file has no extension "
                       "DQ or MASK; name a mask with --mask, or leave it out",
                       options->mask_bits);
    mask = sf_fits_pixels(f->mask);
    for (size_t i = 0; i < count; i++) {
        if (isfinite(mask[i]) && !(fabs(mask[i]) < 0x1p53 && floor(mask[i]) == mask[i]))
            return sf_fail(SF_ERR_ARGUMENT,
                           "--mask-bits %s: the mask holds %g, which is not a whole number and "
                           "has no bits; leave --mask-bits out",
                           options->mask_bits, mask[i]);
        f->bad[i] =
            !isfinite(mask[i]) || ((uint64_t)(int64_t)mask[i] & options->bad_bits) != 0 ? 1.0 : 0.0;
    }
    return SF_OK;
}

/* What the mask and the detector rule out, in one array where there is anything. */
static sf_status find_bad(const deblur_options *options, deblur_frame *f)
{
    const size_t count = sf_grid_size(sf_fits_grid(f->frame));
    const bool saturation = !isnan(options->detector.saturation);
    sf_status status = SF_OK;

    if (f->mask == NULL && options->mask_bits == NULL && !saturation) return SF_OK;
    GO(sf_allocate(&f->bad, count, sizeof *f->bad));
    if (options->mask_bits != NULL)
        GO(pick_bits(options, f));
    else if (f->mask != NULL)
        memcpy(f->bad, sf_fits_pixels(f->mask), count * sizeof *f->bad);
    if (saturation)
        detector_saturated(sf_fits_grid(f->frame), sf_fits_pixels(f->frame),
                           options->detector.saturation, f->bad, &f->saturated);
done:
    return status;
}

static sf_status read_mask(const deblur_options *options, deblur_frame *f)
{
    static const char *const names[] = {"DQ", "MASK", NULL};
    const char *name = NULL;
    sf_status status = SF_OK;

    (void)snprintf(f->mask_source, sizeof f->mask_source, "none");
    if (options->mask == NULL) {
        status = companion_find(f->files, &f->box, options->input, names, "--mask none", f->frame,
                                &f->mask, &name);
        if (f->mask != NULL) companion_name(f->frame, name, f->mask_source, sizeof f->mask_source);
    } else if (strcmp(options->mask, "none") != 0) {
        (void)snprintf(f->mask_source, sizeof f->mask_source, "file");
        status = read_box(f, options->mask, &f->mask);
    }
    return status == SF_OK ? find_bad(options, f) : status;
}

/* Deviations of a map of variances or of their inverses; where those are not positive there is
 * none, and the pixel counts as unobserved. */
static double deviation(double variance) { return variance > 0.0 ? sqrt(variance) : NAN; }

static sf_status take_map(sf_fits **map, const char *kind, deblur_frame *f)
{
    const size_t count = sf_grid_size(sf_fits_grid(f->frame));

    f->sigma = sf_fits_take_pixels(*map);
    sf_fits_release(map);
    for (size_t i = 0; i < count && strcmp(kind, "IVAR") == 0; i++)
        f->sigma[i] = deviation(1.0 / f->sigma[i]);
    for (size_t i = 0; i < count && strncmp(kind, "VAR", 3) == 0; i++)
        f->sigma[i] = deviation(f->sigma[i]);
    return SF_OK;
}

/* A noise map in a file of its own; false where there is none. */
static sf_status read_map(const deblur_options *options, deblur_frame *f, bool *found)
{
    const bool inverse = options->detector.ivar != NULL;
    const char *path = inverse ? options->detector.ivar : options->noise;
    sf_fits *map = NULL;
    sf_status status;

    *found = false;
    if (path == NULL || (!inverse && (strcmp(path, "auto") == 0))) return SF_OK;
    status = read_box(f, path, &map);
    *found = status == SF_OK;
    (void)snprintf(f->noise_source, sizeof f->noise_source, inverse ? "inverse variances" : "map");
    return *found ? take_map(&map, inverse ? "IVAR" : "ERR", f) : status;
}

static sf_status read_noise(const deblur_options *options, deblur_frame *f)
{
    static const char *const names[] = {"ERR", "SIGMA", "IVAR", "VAR", "VARIANCE", NULL};
    const char *name = NULL;
    sf_fits *map = NULL;
    bool found;
    sf_status status;

    f->noise = NAN;
    if (detector_counts(&options->detector)) {
        status = detector_read(&options->detector, f->frame, &f->detector);
        (void)snprintf(f->noise_source, sizeof f->noise_source, "%s", f->detector.source);
        return status;
    }
    if (options->noise != NULL && program_parse_number(options->noise, &f->noise)) {
        (void)snprintf(f->noise_source, sizeof f->noise_source, "given");
        return SF_OK;
    }
    GO(read_map(options, f, &found));
    if (found) return SF_OK;
    if (options->noise == NULL) {
        GO(companion_find(f->files, &f->box, options->input, names, "--noise auto", f->frame, &map,
                          &name));
        if (map != NULL) {
            companion_name(f->frame, name, f->noise_source, sizeof f->noise_source);
            return take_map(&map, name, f);
        }
    }
    (void)snprintf(f->noise_source, sizeof f->noise_source, "estimated from the frame");
done:
    return status;
}

static sf_status read_correlation(const deblur_options *options, deblur_frame *f)
{
    const char *path = options->detector.spectrum;
    sf_status status;
    char *text;

    if (path == NULL) return SF_OK;
    text = malloc(strlen(path) + sizeof "table:");
    if (text == NULL) return sf_fail(SF_ERR_MEMORY, "%s: no memory for its name", path);
    (void)sprintf(text, "table:%s", path);
    status = sf_spectrum_parse(text, &f->correlation);
    free(text);
    return status;
}

/* Needs the noise. */
static sf_status find_rays(const deblur_options *options, deblur_frame *f)
{
    const size_t count = sf_grid_size(sf_fits_grid(f->frame));
    sf_psf *psf = NULL; /* in pixels */
    sf_status status = SF_OK;

    if (!options->detector.cosmic_rays) return SF_OK;
    if (f->bad == NULL) GO(sf_allocate(&f->bad, count, sizeof *f->bad));
    if (f->psf != NULL) GO(deblur_psf_bin(f->psf, f->upsample, &psf));
    status =
        detector_cosmic_rays(&f->detector, f->frame, f->sigma, f->noise, psf, f->bad, &f->rays);
done:
    sf_psf_release(&psf);
    return status;
}

sf_status deblur_find_sky(const deblur_options *options, const sf_grid *grid, const double *pixels,
                          const double *bad, double *sky)
{
    const char *text = options->background != NULL ? options->background : "auto";

    if (strcmp(text, "auto") == 0) return sf_estimate_background(grid, pixels, bad, sky);
    if (program_parse_number(text, sky)) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "--background %s is neither auto nor a number", text);
}

bool deblur_noise_known(const deblur_frame *f)
{
    return f->sigma != NULL || f->detector.gain > 0.0 || isfinite(f->noise);
}

/* The frame by itself. */
static sf_status observe_alone(deblur_frame *f)
{
    const double spacing[2] = {f->spacing, f->spacing};
    sf_observation_options how = sf_observation_options_default();
    sf_grid grid;
    sf_status status;

    if (f->samples.value != NULL)
        return sf_observation_fourier(sf_fits_grid(f->frame), f->samples.value, f->samples.mask,
                                      f->samples.sigma, f->samples.noise, &f->observation);
    how.background = f->background;
    how.upsample = f->upsample;
    how.resolution = f->resolution * f->spacing / (double)f->upsample;
    how.correlation = f->correlation;
    how.gain = f->detector.gain;
    how.read = f->detector.read;
    how.part = f->part;
    how.psf_field = f->field;
    GO(sf_grid_make(2, sf_fits_grid(f->frame)->shape, spacing, &grid));
    status = sf_observation_create(&grid, sf_fits_pixels(f->frame), f->sigma, f->noise, f->bad,
                                   f->field == NULL ? f->psf : NULL, &how, &f->observation);
done:
    return status;
}

sf_status deblur_frame_observe(deblur_frame *f, double resolution)
{
    sf_status status;

    sf_observation_release(&f->observation);
    f->resolution = resolution;
    status = observe_alone(f);
    return status == SF_OK && f->more != NULL ? deblur_exposures_join(f) : status;
}

/* sigma, of the counts that `observation` of the frame predicts. */
static sf_status expect_counts(deblur_frame *f, const sf_observation *observation,
                               const double *scene)
{
    const sf_grid *grid = sf_fits_grid(f->frame);
    const size_t count = sf_grid_size(grid);
    double *expected = NULL;
    sf_status status;

    GO(sf_allocate(&expected, count, sizeof *expected));
    GO(sf_observation_predict(observation, scene, expected));
    for (size_t i = 0; i < count; i++) expected[i] += f->background;
    if (f->sigma == NULL) GO(sf_allocate(&f->sigma, count, sizeof *f->sigma));
    status = sf_poisson_sigma(grid, sf_fits_pixels(f->frame), f->bad, f->detector.read,
                              f->detector.gain, expected, f->sigma);
done:
    sf_free(expected);
    return status;
}

sf_status deblur_frame_expect(deblur_frame *f, const double *scene)
{
    sf_status status;

    GO(expect_counts(f, sf_observation_exposure(f->observation, 0), scene));
    for (size_t i = 0; f->more != NULL && i < f->more->count; i++)
        GO(expect_counts(&f->more->exposure[i].frame,
                         sf_observation_exposure(f->observation, i + 1), scene));
    status = deblur_frame_observe(f, f->resolution);
done:
    return status;
}

sf_status deblur_frame_read_box(const deblur_options *options, deblur_files *files,
                                const deblur_box *box, deblur_frame *f)
{
    sf_status status;

    memset(f, 0, sizeof *f);
    f->files = files;
    f->box = *box;
    f->upsample = (size_t)options->upsample;
    f->spacing = 1.0;
    GO(read_box(f, options->input, &f->frame));
    GO(read_mask(options, f));
    GO(read_noise(options, f));
    GO(read_correlation(options, f));
done:
    if (status != SF_OK) deblur_frame_release(f);
    return status;
}

/* An image in the result's cells. */
static sf_status read_truth(deblur_frame *f, const char *path)
{
    const size_t *shape = sf_fits_grid(f->frame)->shape;
    char own_text[96], fine_text[96];
    sf_grid fine;
    sf_status status;

    if (f->upsample == 1) return read_box(f, path, &f->truth);
    GO(sf_grid_image(f->upsample * shape[0], f->upsample * shape[1], &fine));
    GO(sf_fits_read(path, &f->truth));
    if (!sf_grid_same_shape(sf_fits_grid(f->truth), &fine))
        status = sf_fail(SF_ERR_SHAPE, "%s is %s but the result will be %s", path,
                         sf_grid_text(sf_fits_grid(f->truth), own_text, sizeof own_text),
                         sf_grid_text(&fine, fine_text, sizeof fine_text));
done:
    return status;
}

/* Samples of a Fourier transform: what a frame of pixels has beside them is not there. */
static sf_status read_samples(const deblur_options *options, deblur_files *files, deblur_frame *f)
{
    deblur_box box = {.plane = 0};
    sf_status status;

    f->upsample = 1;
    (void)snprintf(f->noise_source, sizeof f->noise_source, "of a pixel; of a sample %s",
                   options->noise);
    (void)snprintf(f->mask_source, sizeof f->mask_source, "of frequencies");
    GO(deblur_samples_read(options, files, &f->samples, &f->frame));
    files->frame = *sf_fits_grid(f->frame); /* the image's from here on */
    memcpy(box.shape, files->frame.shape, sizeof box.shape);
    f->files = files;
    f->box = box;
    if (options->truth != NULL) GO(read_truth(f, options->truth));
    status = deblur_frame_observe(f, 0.0);
done:
    if (status != SF_OK) deblur_frame_release(f);
    return status;
}

/* One, or a field of them and the one in its middle. */
static sf_status read_psf(const deblur_options *options, deblur_files *files, const sf_grid *plane,
                          deblur_frame *f)
{
    sf_status status;

    if (!deblur_psf_varies(options, files)) return deblur_psf_read(options, files, 0, &f->psf);
    GO(deblur_psf_field_read(options, files, &f->field));
    status = sf_psf_field_at(f->field, 0.5 * (double)(plane->shape[0] - 1),
                             0.5 * (double)(plane->shape[1] - 1), &f->psf);
done:
    return status;
}

sf_status deblur_frame_read(const deblur_options *options, deblur_files *files, deblur_frame *f)
{
    deblur_box box = {.plane = 0};
    sf_grid plane;
    sf_status status;

    memset(f, 0, sizeof *f);
    if (options->sampling != NULL) return read_samples(options, files, f);
    GO(deblur_files_plane(files, &plane));
    memcpy(box.shape, plane.shape, sizeof box.shape);
    GO(deblur_frame_read_box(options, files, &box, f));
    GO(read_psf(options, files, &plane, f));
    if (options->truth != NULL) GO(read_truth(f, options->truth));
    if (!deblur_noise_known(f))
        GO(sf_estimate_noise(&plane, sf_fits_pixels(f->frame), f->bad, &f->noise));
    GO(find_rays(options, f));
    GO(deblur_find_sky(options, &plane, sf_fits_pixels(f->frame), f->bad, &f->background));
    status = deblur_frame_observe(f, deblur_first_resolution(options));
done:
    if (status != SF_OK) deblur_frame_release(f);
    return status;
}

double deblur_frame_sky(const deblur_frame *f)
{
    return f->background / (double)(f->upsample * f->upsample);
}

void deblur_frame_divide(const deblur_frame *f, double *fine)
{
    const size_t *shape = sf_fits_grid(f->frame)->shape, k = f->upsample;
    const double *pixels = f->samples.dirty != NULL ? f->samples.dirty : sf_fits_pixels(f->frame);

    for (size_t y = 0; y < k * shape[0]; y++)
        for (size_t x = 0; x < k * shape[1]; x++)
            fine[y * k * shape[1] + x] = pixels[y / k * shape[1] + x / k] / (double)(k * k);
}

const char *deblur_background_source(const deblur_options *o)
{
    if (o->sampling != NULL) return "none: of the flux the zero frequency is the data";
    return o->background == NULL || strcmp(o->background, "auto") == 0 ? "estimated" : "given";
}

void deblur_frame_release(deblur_frame *f)
{
    deblur_exposures_release(&f->more);
    sf_psf_field_release(&f->field);
    sf_observation_release(&f->observation);
    deblur_samples_release(&f->samples);
    sf_psf_release(&f->psf);
    sf_spectrum_release(&f->correlation);
    sf_fits_release(&f->truth);
    sf_fits_release(&f->mask);
    sf_free(f->bad);
    f->bad = NULL;
    sf_free(f->sigma);
    f->sigma = NULL;
    sf_fits_release(&f->frame);
}
