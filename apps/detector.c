/* detector.c - gain and read noise of a frame, and its saturated pixels. */
#include "detector.h"
#include "program.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The first of the keywords that the header has, a positive number. */
static sf_status find_keyword(const sf_fits *frame, const char *const *keywords, size_t count,
                              const char *option, double *value, const char **keyword)
{
    for (size_t i = 0; i < count; i++)
        if (sf_fits_get_double(frame, keywords[i], value) && *value > 0.0) {
            *keyword = keywords[i];
            return SF_OK;
        }
    return sf_fail(SF_ERR_ARGUMENT,
                   "%s auto: the header has no positive %s (nor another name for it); give the "
                   "number of electrons",
                   option, keywords[0]);
}

/* Electrons in a unit of pixel value. Where pixels are electrons already, GAIN has been applied. */
static sf_status gain_of_header(const sf_fits *frame, double *gain, const char **keyword)
{
    static const char *const keywords[] = {"GAIN", "EGAIN", "CCDGAIN"};
    char unit[72] = "";

    (void)sf_fits_get_string(frame, "BUNIT", unit, sizeof unit);
    if (strchr(unit, '/') != NULL || strstr(unit, "-1") != NULL)
        return sf_fail(SF_ERR_ARGUMENT,
                       "--gain auto: pixels are in %s, a rate, which has no gain of its own; give "
                       "the electrons in a unit of it (exposure time times gain)",
                       unit);
    if (strncasecmp(unit, "electron", 8) == 0 || strncasecmp(unit, "photon", 6) == 0) {
        *gain = 1.0;
        *keyword = "BUNIT";
        return SF_OK;
    }
    return find_keyword(frame, keywords, sizeof keywords / sizeof *keywords, "--gain", gain,
                        keyword);
}

static sf_status read_noise_of_header(const sf_fits *frame, double *electrons, const char **keyword)
{
    static const char *const keywords[] = {"RDNOISE", "READNSE",  "READNOIS",
                                           "RON",     "READNSEA", "ENOISE"};

    return find_keyword(frame, keywords, sizeof keywords / sizeof *keywords, "--read-noise",
                        electrons, keyword);
}

sf_status detector_read(const detector_options *o, const sf_fits *frame, detector *d)
{
    const char *gain_from = "given", *read_from = "given";
    double electrons = 0.0;
    sf_status status = SF_OK;

    memset(d, 0, sizeof *d);
    if (o->gain == NULL) return SF_OK;
    if (!program_parse_number(o->gain, &d->gain)) GO(gain_of_header(frame, &d->gain, &gain_from));
    if (o->read != NULL && !program_parse_number(o->read, &electrons))
        GO(read_noise_of_header(frame, &electrons, &read_from));
    d->read = electrons / d->gain;
    (void)snprintf(d->source, sizeof d->source, "counts, gain %.4g (%s), read noise %.3g (%s)",
                   d->gain, gain_from, electrons, read_from);
done:
    return status;
}

void detector_saturated(const sf_grid *frame, const double *pixels, double level, double *bad,
                        size_t *count)
{
    const size_t rows = frame->shape[0], columns = frame->shape[1];

    *count = 0;
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < columns; x++) {
            if (!(pixels[y * columns + x] >= level)) continue;
            ++*count;
            for (size_t v = y > 0 ? y - 1 : 0; v <= y + 1 && v < rows; v++)
                for (size_t u = x > 0 ? x - 1 : 0; u <= x + 1 && u < columns; u++)
                    bad[v * columns + u] = 1.0;
        }
}

sf_status detector_cosmic_rays(const detector *d, const sf_fits *frame, const double *sigma,
                               double noise, const sf_psf *psf, double *bad, size_t *count)
{
    const sf_grid *grid = sf_fits_grid(frame);
    sf_cosmic_ray_options options = sf_cosmic_ray_options_default();
    double *rays = NULL;
    sf_status status;

    options.gain = d->gain;
    options.read = d->read;
    GO(sf_allocate(&rays, sf_grid_size(grid), sizeof *rays));
    GO(sf_find_cosmic_rays(grid, sf_fits_pixels(frame), sigma, noise, bad, psf, &options, rays,
                           count));
    for (size_t i = 0; i < sf_grid_size(grid); i++)
        if (rays[i] != 0.0) bad[i] = 1.0;
done:
    sf_free(rays);
    return status;
}
