/* detector_options.c - what sf-deblur is told of the detector: gain, read noise, saturation. */
#include "detector_options.h"
#include "program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

detector_options detector_options_default(void)
{
    const detector_options options = {.saturation = NAN};

    return options;
}

void detector_options_table(detector_options *o, struct poptOption table[DETECTOR_OPTIONS])
{
    const struct poptOption list[DETECTOR_OPTIONS] = {
        {"gain", 'g', POPT_ARG_STRING, &o->gain, 0,
         "the noise is that of counts: electrons (photons) in a unit of pixel value, or auto, as "
         "the header says; for frames with their sky and without bias",
         "GAIN"},
        {"read-noise", 0, POPT_ARG_STRING, &o->read, 0,
         "with --gain: electrons, or auto, as the header says (default 0)", "ELECTRONS"},
        {"ivar", 0, POPT_ARG_STRING, &o->ivar, 0,
         "FITS map of inverse variances, in place of --noise", "MAP"},
        {"noise-spectrum", 0, POPT_ARG_STRING, &o->spectrum, 0,
         "neighbours share their noise: a table of k (radians a pixel) and its power, of any "
         "scale; "
         "of hqs, pnp, tv and wiener",
         "FILE"},
        {"saturation", 0, POPT_ARG_DOUBLE, &o->saturation, 0,
         "pixels from this value on, and their neighbours, are left out", "LEVEL"},
        {"cosmic-rays", 0, POPT_ARG_NONE, &o->cosmic_rays, 0,
         "pixels that are sharper than the PSF can make them are left out", NULL},
        POPT_TABLEEND};

    memcpy(table, list, sizeof list);
}

bool detector_counts(const detector_options *o) { return o->gain != NULL; }

static bool above(const char *text, double least, bool itself)
{
    double number;

    return program_parse_number(text, &number) && (number > least || (itself && number == least));
}

int detector_options_check(const char *program, const detector_options *o, const char *noise)
{
    if (o->gain != NULL && strcmp(o->gain, "auto") != 0 && !above(o->gain, 0.0, false))
        return program_usage(program, "--gain %s is neither a positive number nor auto", o->gain);
    if (o->read != NULL && strcmp(o->read, "auto") != 0 && !above(o->read, 0.0, true))
        return program_usage(program, "--read-noise %s is neither a number from 0 on nor auto",
                             o->read);
    if (o->read != NULL && o->gain == NULL)
        return program_usage(program, "--read-noise is in electrons, and needs --gain");
    if ((o->gain != NULL) + (o->ivar != NULL) + (noise != NULL) > 1)
        return program_usage(program,
                             "--noise, --ivar and --gain each say what the noise is; give one");
    if (o->gain != NULL && o->spectrum != NULL)
        return program_usage(program,
                             "counts are independent of one another: --gain has no use for "
                             "--noise-spectrum");
    if (isinf(o->saturation))
        return program_usage(program, "--saturation %g is not a pixel value", o->saturation);
    return PROGRAM_OK;
}

void detector_options_release(detector_options *o)
{
    free(o->gain);
    free(o->read);
    free(o->ivar);
    free(o->spectrum);
}
