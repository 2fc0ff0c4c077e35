/* spectrum_options.c - the command line of sf-spectrum. */
#include "spectrum_options.h"
#include "program.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME      "sf-spectrum"
#define NOT_GIVEN (-1)
#define MOST_BINS 1000000

static const char lesson[] =
    "\n"
    "P(k) = V/N^2 <|X_k|^2>, k angular. The unit of k is that of the box: h/Mpc where lengths are "
    "in\n"
    "Mpc/h, as CUNITn, the table's TUNITn or --unit say. The box is the header's (CDELTn; of a\n"
    "catalogue BOXn and CELLSn) unless --box and --shape say otherwise; their lists are in C "
    "order,\n"
    "the slowest axis first. Errors are those of a Gaussian field.\n"
    "\n"
    "Examples\n"
    "  sf-spectrum delta.fits -o pk.fits --theory eh98 --plot pk.png\n"
    "      bins one fundamental mode wide; a picture with error bars and the residual\n"
    "  sf-spectrum points.fits[POINTS] -o pk.txt --shape 256,256,256 --assignment tsc --interlace\n"
    "      points: the window is divided out, the shot noise 1/nbar subtracted\n"
    "  sf-spectrum galaxies.fits --columns RX,RY,RZ --shape 128,128,128 --box 500 --unit Mpc/h \\\n"
    "      --multipoles z -o pk.fits\n"
    "  sf-spectrum a.fits b.fits -o cross.fits --bins log:20\n"
    "  sf-spectrum --theory eh98 --cosmology h=0.67,Om=0.31 --redshift 1 --kmin 1e-4 --kmax 10 \\\n"
    "      --points 200 -o theory.txt\n"
    "      no field: k, P and the transfer function T\n"
    "\n"
    "Exit status: 0 done, 1 error (one sentence on the standard error stream, no output), 2 wrong\n"
    "usage, 130 interrupted (no output). The manual page sf-spectrum(1) says more.\n";

static bool same(const char *a, const char *b) { return a != NULL && b != NULL && !strcmp(a, b); }

static int read_box(spectrum_options *o)
{
    if (o->shape_text != NULL &&
        !program_parse_sizes(o->shape_text, SF_GRID_MAX_AXES, o->shape, &o->axes))
        return program_usage(NAME,
                             "--shape %s is not a list of 1 to %d whole numbers above zero, each "
                             "below 2^64",
                             o->shape_text, SF_GRID_MAX_AXES);
    if (o->box_text == NULL) return PROGRAM_OK;
    if (!program_parse_numbers(o->box_text, SF_GRID_MAX_AXES, o->box, &o->box_axes))
        return program_usage(NAME, "--box %s is not a length, or a list of one for each axis",
                             o->box_text);
    for (size_t i = 0; i < o->box_axes; i++)
        if (!(o->box[i] > 0.0))
            return program_usage(NAME, "--box %s: a box has no length of %g", o->box_text,
                                 o->box[i]);
    return PROGRAM_OK;
}

/* "lin:N", "log:N", "lin:N,KMIN,KMAX" */
static bool parse_bins(const char *text, sf_bins *bins)
{
    double numbers[3];
    size_t count;

    bins->logarithmic = strncmp(text, "log:", 4) == 0;
    if (!bins->logarithmic && strncmp(text, "lin:", 4) != 0) return false;
    if (!program_parse_numbers(text + 4, 3, numbers, &count) || count == 2) return false;
    if (!(numbers[0] >= 1.0 && numbers[0] <= MOST_BINS && floor(numbers[0]) == numbers[0]))
        return false;
    bins->count = (size_t)numbers[0];
    if (count == 1) return true;
    bins->low = numbers[1];
    bins->high = numbers[2];
    return bins->high > bins->low && bins->low >= 0.0 && !(bins->logarithmic && bins->low == 0.0);
}

static int read_assignment(spectrum_options *o)
{
    static const char *const names[] = {[SF_ASSIGN_NONE] = "none",
                                        [SF_ASSIGN_NGP] = "ngp",
                                        [SF_ASSIGN_CIC] = "cic",
                                        [SF_ASSIGN_TSC] = "tsc",
                                        [SF_ASSIGN_PCS] = "pcs"};

    if (o->assignment_text == NULL) return PROGRAM_OK;
    o->assignment_given = true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!same(o->assignment_text, names[i])) continue;
        o->assignment = (sf_assignment)i;
        return PROGRAM_OK;
    }
    return program_usage(NAME, "--assignment %s is none of none, ngp, cic, tsc, pcs",
                         o->assignment_text);
}

/* x, y, z, w or 1 ... 4, as in NAXISn. */
static int read_axis(spectrum_options *o)
{
    static const char letters[] = "xyzw";
    const char *text = o->multipoles, *place;

    if (text == NULL) return PROGRAM_OK;
    place = strlen(text) == 1 ? strchr(letters, tolower((unsigned char)text[0])) : NULL;
    if (place != NULL)
        o->fits_axis = (int)(place - letters) + 1;
    else if (strlen(text) == 1 && text[0] >= '1' && text[0] <= '4')
        o->fits_axis = text[0] - '0';
    else
        return program_usage(NAME, "--multipoles %s is no axis: x, y, z or w; x is NAXIS1", text);
    return PROGRAM_OK;
}

static int read_shot_noise(spectrum_options *o)
{
    size_t count;

    if (o->shot_text == NULL || same(o->shot_text, "auto")) return PROGRAM_OK;
    o->shot = same(o->shot_text, "none") ? SHOT_NOISE_NONE : SHOT_NOISE_GIVEN;
    if (o->shot == SHOT_NOISE_NONE ||
        (program_parse_numbers(o->shot_text, 1, &o->shot_value, &count) && o->shot_value >= 0.0))
        return PROGRAM_OK;
    return program_usage(NAME, "--shot-noise %s is neither auto nor none nor a power",
                         o->shot_text);
}

static int read_bins(spectrum_options *o)
{
    if (o->bins_text == NULL || parse_bins(o->bins_text, &o->bins)) return PROGRAM_OK;
    return program_usage(NAME,
                         "--bins %s is not lin:N or log:N, or with ,KMIN,KMAX after it, 0 < KMIN < "
                         "KMAX",
                         o->bins_text);
}

/* The first option that does not go with the input, or NULL. */
static const char *useless(const spectrum_options *o)
{
    const struct {
        bool given;
        const char *name;
    } measured[] = {{o->shape_text != NULL, "--shape"},     {o->box_text != NULL, "--box"},
                    {o->bins_text != NULL, "--bins"},       {o->multipoles != NULL, "--multipoles"},
                    {o->assignment_given, "--assignment"},  {o->interlace != 0, "--interlace"},
                    {o->shot_text != NULL, "--shot-noise"}, {o->columns != NULL, "--columns"},
                    {o->weights != NULL, "--weights"}};

    if (o->input != NULL) {
        if (!isnan(o->k_low)) return "--kmin";
        if (!isnan(o->k_high)) return "--kmax";
        return o->points != NOT_GIVEN ? "--points" : NULL;
    }
    for (size_t i = 0; i < sizeof measured / sizeof measured[0]; i++)
        if (measured[i].given) return measured[i].name;
    return NULL;
}

static int check_table(spectrum_options *o)
{
    if (o->theory.spectrum == NULL)
        return program_usage(NAME, "say which field to measure, FIELD.fits, or which --theory to "
                                   "write");
    if (isnan(o->k_low)) o->k_low = 1e-4;
    if (isnan(o->k_high)) o->k_high = 10.0;
    if (o->points == NOT_GIVEN) o->points = 200;
    if (!(o->k_low > 0.0 && o->k_high > o->k_low && isfinite(o->k_high)))
        return program_usage(NAME, "--kmin %g and --kmax %g are not 0 < KMIN < KMAX", o->k_low,
                             o->k_high);
    if (o->points < 2 || o->points > MOST_BINS)
        return program_usage(NAME, "--points %d is not between 2 and %d", o->points, MOST_BINS);
    return PROGRAM_OK;
}

/* What is wrong with the options together: PROGRAM_OK or a usage error that has been reported. */
static int check(spectrum_options *o)
{
    int (*const steps[])(spectrum_options *) = {read_box, read_bins, read_assignment, read_axis,
                                                read_shot_noise};
    int code = PROGRAM_OK;

    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == PROGRAM_OK; i++)
        code = steps[i](o);
    if (code != PROGRAM_OK) return code;
    if (o->output == NULL)
        return program_usage(NAME, "say where the spectrum goes: -o PK.fits or PK.txt");
    if (useless(o) != NULL)
        return program_usage(NAME, "%s is of no use with%s a field", useless(o),
                             o->input != NULL ? "" : "out");
    if (theory_options_fault(&o->theory) != NULL)
        return program_usage(NAME, "%s", theory_options_fault(&o->theory));
    if (o->threads != NOT_GIVEN && o->threads < 1)
        return program_usage(NAME, "--threads %d is below 1", o->threads);
    if (same(o->output, o->plot) || same(o->output, o->report) || same(o->plot, o->report))
        return program_usage(NAME, "two outputs have the same name");
    return o->input == NULL ? check_table(o) : PROGRAM_OK;
}

static int positional(poptContext context, spectrum_options *o)
{
    const char *first = poptGetArg(context);
    const char *second = first != NULL ? poptGetArg(context) : NULL;
    const char *more = second != NULL ? poptGetArg(context) : NULL;

    if (more != NULL) return program_usage(NAME, "two fields at most, but %s follows", more);
    if (first != NULL) o->input = strdup(first);
    if (second != NULL) o->other = strdup(second);
    return PROGRAM_OK;
}

/* Reads all options; PROGRAM_OK with *go_on false after --help and --version. */
static int read_options(poptContext context, spectrum_options *o, bool *go_on)
{
    int code;

    *go_on = false;
    if (!program_read_options(NAME, context, lesson, &code)) return code;
    code = positional(context, o);
    *go_on = code == PROGRAM_OK;
    return code;
}

bool spectrum_options_parse(int argc, const char **argv, spectrum_options *options,
                            int *exit_status)
{
    spectrum_options *o = options;
    bool go_on;

    *o = (spectrum_options){.k_low = NAN, .k_high = NAN, .points = NOT_GIVEN, .threads = NOT_GIVEN};
    const struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &o->output, 0,
         "the spectrum: a FITS table, or text if the name ends in .txt", "PK.fits"},
        {"bins", 'b', POPT_ARG_STRING, &o->bins_text, 0,
         "lin:N or log:N, with ,KMIN,KMAX if you like (one fundamental mode wide)", "BINS"},
        {"multipoles", 0, POPT_ARG_STRING, &o->multipoles, 0,
         "also quadrupole and hexadecapole about x (NAXIS1), y, z or w", "AXIS"},
        {"assignment", 'a', POPT_ARG_STRING, &o->assignment_text, 0,
         "ngp, cic (default for catalogues), tsc, pcs: how points are put on the grid; of a field: "
         "how they were (none)",
         "HOW"},
        {"interlace", 0, POPT_ARG_NONE, &o->interlace, 0,
         "a second grid, half a cell further, against aliases of a catalogue", NULL},
        {"shot-noise", 0, POPT_ARG_STRING, &o->shot_text, 0,
         "to subtract: auto (V/N of a catalogue, 0 of a field), none or a value", "POWER"},
        {"shape", 0, POPT_ARG_STRING, &o->shape_text, 0,
         "cells for a catalogue, the slowest axis first", "N,N,N"},
        {"box", 0, POPT_ARG_STRING, &o->box_text, 0, "length of the box, where no header says it",
         "L[,L,L]"},
        {"columns", 0, POPT_ARG_STRING, &o->columns, 0, "positions in a catalogue (X,Y,Z)",
         "NAME,NAME,NAME"},
        {"weights", 0, POPT_ARG_STRING, &o->weights, 0, "a catalogue's column of weights", "NAME"},
        {"theory", 0, POPT_ARG_STRING, &o->theory.spectrum, 0,
         "to compare with: eh98, nowiggle, bbks, power:A,N, matern:..., table:FILE, table+:FILE",
         "SPECTRUM"},
        {"cosmology", 'c', POPT_ARG_STRING, &o->theory.cosmology, 0,
         "over Planck 2018: h, Om, Ob, Ol, w0, wa, ns, s8 or As, kp, T", "h=0.67,Om=0.31,..."},
        {"redshift", 'z', POPT_ARG_DOUBLE, &o->theory.redshift, 0, "of the theory (0)", "Z"},
        {"per-mpc", 0, POPT_ARG_NONE, &o->theory.per_mpc, 0,
         "lengths in Mpc and k in 1/Mpc, instead of Mpc/h and h/Mpc", NULL},
        {"unit", 0, POPT_ARG_STRING, &o->theory.unit, 0,
         "of length, where neither header nor theory say it", "UNIT"},
        {"kmin", 0, POPT_ARG_DOUBLE, &o->k_low, 0, "without a field: the first k (1e-4)", "K"},
        {"kmax", 0, POPT_ARG_DOUBLE, &o->k_high, 0, "without a field: the last k (10)", "K"},
        {"points", 0, POPT_ARG_INT, &o->points, 0, "without a field: how many k (200)", "N"},
        {"plot", 0, POPT_ARG_STRING, &o->plot, 0,
         "picture: points with error bars, theory, residual", "FILE.png"},
        {"report", 0, POPT_ARG_STRING, &o->report, 0, "all figures and options", "FILE.json"},
        {"threads", 't', POPT_ARG_INT, &o->threads, 0, "how many; the result is the same", "N"},
        {"quiet", 'q', POPT_ARG_NONE, &o->quiet, 0, "print nothing but errors", NULL},
        {"force", 'f', POPT_ARG_NONE, &o->force, 0, "replace existing outputs", NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, PROGRAM_OPTION_HELP, "this text", NULL},
        {"version", 'V', POPT_ARG_NONE, NULL, PROGRAM_OPTION_VERSION,
         "versions of program and libraries", NULL},
        POPT_TABLEEND};
    poptContext context = poptGetContext(NAME, argc, argv, table, 0);

    poptSetOtherOptionHelp(context, "[FIELD.fits [OTHER.fits]] -o PK.fits [OPTION...]");
    *exit_status = read_options(context, o, &go_on);
    poptFreeContext(context);
    if (!go_on) return false;
    *exit_status = check(o);
    o->command = program_command(NAME, argc, argv);
    if (*exit_status == PROGRAM_OK && o->command == NULL) {
        fputs(NAME ": no memory for the command line\n", stderr);
        *exit_status = PROGRAM_ERROR;
    }
    return *exit_status == PROGRAM_OK;
}

void spectrum_options_release(spectrum_options *o)
{
    char *const texts[] = {o->input,     o->other,     o->output,     o->shape_text,
                           o->box_text,  o->bins_text, o->multipoles, o->assignment_text,
                           o->shot_text, o->columns,   o->weights,    o->plot,
                           o->report,    o->command};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) free(texts[i]);
    theory_options_release(&o->theory);
}
