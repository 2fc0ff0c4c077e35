/* deblur_frame.c - what sf-deblur reads: frame, noise, mask, sky, point spread function, truth. */
#include "deblur_frame.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An image of the frame's shape. */
static sf_status read_companion(const char *path, const sf_fits *frame, sf_fits **fits)
{
    const sf_status status = sf_fits_read(path, fits);
    char own[96], wanted[96];

    if (status != SF_OK || sf_grid_same_shape(sf_fits_grid(*fits), sf_fits_grid(frame)))
        return status;
    sf_grid_text(sf_fits_grid(*fits), own, sizeof own);
    sf_fits_release(fits);
    return sf_fail(SF_ERR_SHAPE, "%s is %s but the frame is %s", path, own,
                   sf_grid_text(sf_fits_grid(frame), wanted, sizeof wanted));
}

/* ",2" for the second frame of a file of several, whose extension is [ERR,2]; else "". */
static const char *version_of(const sf_fits *frame, char text[16])
{
    double version = 1.0;

    text[0] = '\0';
    if (sf_fits_get_double(frame, "EXTVER", &version) && version > 1.0 && version < 1e6)
        (void)snprintf(text, 16, ",%d", (int)version);
    return text;
}

/* The frame's companion extension of the first of two names; *fits stays NULL when the file has
 * neither. `option` does without it. */
static sf_status read_extension(const char *input, const char *const names[2], const char *option,
                                const sf_fits *frame, sf_fits **fits, char *source,
                                size_t source_size)
{
    const char *bracket = strrchr(input, '[');
    const size_t size = strlen(input) + 32;
    sf_status status = SF_OK;
    char *path, version[16];

    if (bracket == NULL || input[strlen(input) - 1] != ']') bracket = input + strlen(input);
    path = malloc(size);
    if (path == NULL) return sf_fail(SF_ERR_MEMORY, "%s: no memory for its name", input);
    for (int i = 0; i < 2 && *fits == NULL && status == SF_OK; i++) {
        (void)snprintf(path, size, "%.*s[%s%s]", (int)(bracket - input), input, names[i],
                       version_of(frame, version));
        status = read_companion(path, frame, fits);
        if (status == SF_ERR_ARGUMENT)
            status = SF_OK; /* no such HDU */
        else if (status != SF_OK)
            (void)sf_fail(status, "extension %s%s: %s; %s does without it", names[i], version,
                          sf_last_error(), option);
        else
            (void)snprintf(source, source_size, "extension %s%s of the frame's file", names[i],
                           version);
    }
    free(path);
    return status;
}

/* True when all of `text` is a number. */
static bool parse_number(const char *text, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return end != text && *end == '\0';
}

/* Bad is what has one of the bits, or no value. */
static sf_status pick_bits(const deblur_options *options, deblur_frame *f)
{
    const size_t count = sf_grid_size(sf_fits_grid(f->frame));
    const double *mask;
    sf_status status;

    if (f->mask == NULL)
        return sf_fail(SF_ERR_ARGUMENT,
                       "--mask-bits %s has no mask to look at: the frame's file has no extension "
                       "DQ or MASK; name a mask with --mask, or leave it out",
                       options->mask_bits);
    mask = sf_fits_pixels(f->mask);
    GO(sf_allocate(&f->bad, count, sizeof *f->bad));
    for (size_t i = 0; i < count; i++) {
        if (isfinite(mask[i]) && !(fabs(mask[i]) < 0x1p53 && floor(mask[i]) == mask[i]))
            return sf_fail(SF_ERR_ARGUMENT,
                           "--mask-bits %s: the mask holds %g, which is not a whole number and "
                           "has no bits; leave --mask-bits out",
                           options->mask_bits, mask[i]);
        f->bad[i] =
            !isfinite(mask[i]) || ((uint64_t)(int64_t)mask[i] & options->bad_bits) != 0 ? 1.0 : 0.0;
    }
done:
    return status;
}

static sf_status read_mask(const deblur_options *options, deblur_frame *f)
{
    static const char *const names[2] = {"DQ", "MASK"};
    sf_status status = SF_OK;

    (void)snprintf(f->mask_source, sizeof f->mask_source, "none");
    if (options->mask == NULL) {
        status = read_extension(options->input, names, "--mask none", f->frame, &f->mask,
                                f->mask_source, sizeof f->mask_source);
    } else if (strcmp(options->mask, "none") != 0) {
        (void)snprintf(f->mask_source, sizeof f->mask_source, "file");
        status = read_companion(options->mask, f->frame, &f->mask);
    }
    return status == SF_OK && options->mask_bits != NULL ? pick_bits(options, f) : status;
}

static const double *mask_pixels(const deblur_frame *f)
{
    if (f->bad != NULL) return f->bad;
    return f->mask != NULL ? sf_fits_pixels(f->mask) : NULL;
}

static sf_status read_noise(const deblur_options *options, deblur_frame *f)
{
    static const char *const names[2] = {"ERR", "SIGMA"};
    sf_status status = SF_OK;

    f->noise = NAN;
    if (options->noise == NULL) {
        status = read_extension(options->input, names, "--noise auto", f->frame, &f->sigma,
                                f->noise_source, sizeof f->noise_source);
        if (status != SF_OK || f->sigma != NULL) return status;
    } else if (parse_number(options->noise, &f->noise)) {
        (void)snprintf(f->noise_source, sizeof f->noise_source, "given");
        return SF_OK;
    } else if (strcmp(options->noise, "auto") != 0) {
        (void)snprintf(f->noise_source, sizeof f->noise_source, "map");
        return read_companion(options->noise, f->frame, &f->sigma);
    }
    (void)snprintf(f->noise_source, sizeof f->noise_source, "estimated from the frame");
    return sf_estimate_noise(sf_fits_grid(f->frame), sf_fits_pixels(f->frame), mask_pixels(f),
                             &f->noise);
}

static sf_status read_background(const deblur_options *options, deblur_frame *f)
{
    const char *text = options->background != NULL ? options->background : "auto";

    if (strcmp(text, "auto") == 0) {
        (void)snprintf(f->background_source, sizeof f->background_source, "estimated");
        return sf_estimate_background(sf_fits_grid(f->frame), sf_fits_pixels(f->frame),
                                      mask_pixels(f), &f->background);
    }
    (void)snprintf(f->background_source, sizeof f->background_source, "given");
    if (parse_number(text, &f->background)) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "--background %s is neither auto nor a number", text);
}

static sf_status parse_centre(const char *text, sf_psf_centre *centre)
{
    static const char *const words[] = {
        [SF_PSF_CENTROID] = "centroid", [SF_PSF_PEAK] = "peak", [SF_PSF_DECLARED] = "declared"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) != 0) continue;
        *centre = (sf_psf_centre)i;
        return SF_OK;
    }
    return sf_fail(SF_ERR_ARGUMENT, "--psf-centre %s is none of centroid, peak, declared", text);
}

/* A profile, whose wings may be cut at the frame's size. */
static sf_status make_psf(const char *text, const sf_grid *frame, sf_psf **psf)
{
    sf_psf *whole = NULL;
    sf_status status;

    GO(sf_psf_parse(text, &whole));
    status = sf_psf_cut(whole, frame, psf);
done:
    sf_psf_release(&whole);
    return status;
}

static sf_status read_psf(const deblur_options *options, const sf_grid *frame, sf_psf **psf)
{
    static const char *const profiles[] = {"gaussian:", "moffat:", "airy:"};
    sf_psf_options how = sf_psf_options_default();
    const char *text = options->psf;
    sf_fits *fits = NULL;
    sf_status status;

    if (options->psf_centre != NULL) GO(parse_centre(options->psf_centre, &how.centre));
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        if (strncmp(text, profiles[i], strlen(profiles[i])) != 0) continue;
        if (options->psf_centre == NULL) return make_psf(text, frame, psf);
        return sf_fail(SF_ERR_ARGUMENT,
                       "--psf-centre is for images: %s has its centre in the middle; leave it out",
                       text);
    }
    GO(sf_fits_read(text, &fits));
    status = sf_psf_from_pixels(sf_fits_grid(fits), sf_fits_pixels(fits), &how, psf);
done:
    sf_fits_release(&fits);
    return status;
}

static sf_status read_image(const char *path, sf_fits **fits)
{
    const sf_status status = sf_fits_read(path, fits);
    char shape[96];

    if (status != SF_OK || sf_fits_grid(*fits)->axes == 2) return status;
    sf_grid_text(sf_fits_grid(*fits), shape, sizeof shape);
    sf_fits_release(fits);
    return sf_fail(SF_ERR_UNSUPPORTED,
                   "%s is %s: sf-deblur takes images of two axes; put one plane into a file of its "
                   "own",
                   path, shape);
}

sf_status deblur_frame_observe(deblur_frame *f, double resolution)
{
    sf_observation_options how = sf_observation_options_default();

    sf_observation_release(&f->observation);
    f->resolution = resolution;
    how.background = f->background;
    how.resolution = resolution;
    return sf_observation_create(sf_fits_grid(f->frame), sf_fits_pixels(f->frame),
                                 f->sigma != NULL ? sf_fits_pixels(f->sigma) : NULL, f->noise,
                                 mask_pixels(f), f->psf, &how, &f->observation);
}

sf_status deblur_frame_read(const deblur_options *options, deblur_frame *f)
{
    sf_status status;

    memset(f, 0, sizeof *f);
    GO(read_image(options->input, &f->frame));
    if (options->psf != NULL) GO(read_psf(options, sf_fits_grid(f->frame), &f->psf));
    if (options->truth != NULL) GO(read_companion(options->truth, f->frame, &f->truth));
    GO(read_mask(options, f));
    GO(read_noise(options, f));
    GO(read_background(options, f));
    status = deblur_frame_observe(f, deblur_first_resolution(options));
done:
    if (status != SF_OK) deblur_frame_release(f);
    return status;
}

void deblur_frame_release(deblur_frame *f)
{
    sf_observation_release(&f->observation);
    sf_psf_release(&f->psf);
    sf_fits_release(&f->truth);
    sf_fits_release(&f->mask);
    sf_free(f->bad);
    f->bad = NULL;
    sf_fits_release(&f->sigma);
    sf_fits_release(&f->frame);
}
