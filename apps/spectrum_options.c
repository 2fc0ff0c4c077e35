/* spectrum_options.c - the command line of sf-spectrum. */
#include "spectrum_options.h"
#include "program.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME        "sf-spectrum"
#define NOT_GIVEN   (-1)
#define MOST_BINS   1000000
#define MOST_SHELLS 1000

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
    "  sf-spectrum map.fits --mask holes.fits -o pk.fits --bins lin:40\n"
    "      under a mask; the extension COUPLING has what it does to the bins\n"
    "  sf-spectrum delta.fits -o pk.fits --multipoles z --plane 16,16 --correlation lin:40,5,205 "
    "\\\n"
    "      --bispectrum equilateral --plot pk.png\n"
    "      extensions PLANE, CORRELATION and BISPECTRUM, and their pictures pk_plane.png, ...\n"
    "  sf-spectrum --theory eh98 --cosmology h=0.67,Om=0.31 --redshift 1 --kmin 1e-4 --kmax 10 \\\n"
    "      --points 200 -o theory.txt\n"
    "      no field: k, P and the transfer function T\n"
    "\n"
    "Exit status: 0 done, 1 error (one sentence on the standard error stream, no output), 2 wrong\n"
    "usage, 130 interrupted (no output). The manual page sf-spectrum(1) says more.\n";

static bool same(const char *a, const char *b) { return a != NULL && b != NULL && !strcmp(a, b); }

static int read_box(spectrum_options *o) { return box_options_read(NAME, &o->box); }

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

static int read_bin_list(const char *option, const char *text, const char *lowest, sf_bins *bins)
{
    if (text == NULL || parse_bins(text, bins)) return PROGRAM_OK;
    return program_usage(
        NAME,
        "--%s %s is not lin:N or log:N, or with ,%sMIN,%sMAX after it, 0 < %sMIN < "
        "%sMAX",
        option, text, lowest, lowest, lowest, lowest);
}

static int read_bins(spectrum_options *o)
{
    int code = read_bin_list("bins", o->bins_text, "K", &o->bins);

    if (code == PROGRAM_OK) code = read_bin_list("shells", o->shells_text, "K", &o->shells);
    if (code == PROGRAM_OK)
        code = read_bin_list("correlation", o->correlation_text, "R", &o->correlation);
    return code;
}

static int read_plane(spectrum_options *o)
{
    size_t count = 0;

    if (o->plane_text == NULL) return PROGRAM_OK;
    if (!program_parse_sizes(o->plane_text, 2, o->plane, &count) || count != 2 ||
        o->plane[0] > MOST_BINS || o->plane[1] > MOST_BINS / o->plane[0])
        return program_usage(NAME,
                             "--plane %s is not N,M, numbers of bins across and along the line of "
                             "sight, at most %d together",
                             o->plane_text, MOST_BINS);
    if (o->multipoles == NULL)
        return program_usage(NAME, "--plane needs the line of sight: --multipoles z");
    return PROGRAM_OK;
}

/* "K1,K2,K3", and more of them after colons */
static bool parse_triangles(const char *text, spectrum_options *o)
{
    while (o->triangle_count < MOST_TRIANGLES) {
        const size_t length = strcspn(text, ":");
        double *sides = o->triangle + 3 * o->triangle_count;
        char one[128];
        size_t count;

        if (length >= sizeof one) return false;
        memcpy(one, text, length);
        one[length] = '\0';
        if (!program_parse_numbers(one, 3, sides, &count) || count != 3) return false;
        for (int i = 0; i < 3; i++)
            if (!(sides[i] > 0.0)) return false;
        o->triangle_count++;
        if (text[length] == '\0') return true;
        text += length + 1;
    }
    return false;
}

static int read_triangles(spectrum_options *o)
{
    const char *text = o->bispectrum_text;

    if (text == NULL)
        return o->shells_text == NULL
                   ? PROGRAM_OK
                   : program_usage(NAME, "--shells are those of the bispectrum: --bispectrum all");
    if (o->shells.count > MOST_SHELLS)
        return program_usage(NAME, "--shells %s: more than %d", o->shells_text, MOST_SHELLS);
    o->triangles = same(text, "equilateral") ? TRIANGLES_EQUILATERAL
                   : same(text, "all")       ? TRIANGLES_ALL
                                             : TRIANGLES_LISTED;
    if (o->triangles != TRIANGLES_LISTED || parse_triangles(text, o)) return PROGRAM_OK;
    return program_usage(
        NAME,
        "--bispectrum %s is neither equilateral nor all nor K1,K2,K3[:K1,K2,K3...] "
        "of at most %d triangles",
        text, MOST_TRIANGLES);
}

/* The first option that does not go with the input, or NULL. */
static const char *useless(const spectrum_options *o)
{
    const struct {
        bool given;
        const char *name;
    } measured[] = {{o->box.shape_text != NULL, "--shape"},
                    {o->box.box_text != NULL, "--box"},
                    {o->bins_text != NULL, "--bins"},
                    {o->multipoles != NULL, "--multipoles"},
                    {o->bispectrum_text != NULL, "--bispectrum"},
                    {o->mask != NULL, "--mask"},
                    {o->window != NULL, "--window"},
                    {o->assignment_given, "--assignment"},
                    {o->interlace != 0, "--interlace"},
                    {o->shot_text != NULL, "--shot-noise"},
                    {o->columns != NULL, "--columns"},
                    {o->weights != NULL, "--weights"}};

    if (o->input != NULL) {
        if (o->k_low_text != NULL) return "--kmin";
        if (o->k_high_text != NULL) return "--kmax";
        return o->points != NOT_GIVEN ? "--points" : NULL;
    }
    for (size_t i = 0; i < sizeof measured / sizeof measured[0]; i++)
        if (measured[i].given) return measured[i].name;
    return NULL;
}

/* The first option that cannot be had together with that one, or NULL. */
static const char *excluded(const spectrum_options *o, const char **by)
{
    *by = o->mask != NULL ? "--mask" : "--window";
    if (o->mask != NULL || o->window != NULL) {
        if (o->other != NULL) return "a second field";
        if (o->multipoles != NULL) return "--multipoles";
        if (o->assignment_given) return "--assignment";
        if (o->bispectrum_text != NULL) return "--bispectrum";
        return o->correlation_text != NULL ? "--correlation" : NULL;
    }
    *by = "a second field";
    if (o->other == NULL) return NULL;
    if (o->bispectrum_text != NULL) return "--bispectrum";
    return o->correlation_text != NULL ? "--correlation" : NULL;
}

static int check_table(spectrum_options *o)
{
    if (o->theory.spectrum == NULL)
        return program_usage(NAME, "say which field to measure, FIELD.fits, or which --theory to "
                                   "write");
    if (o->points == NOT_GIVEN) o->points = 200;
    if ((o->k_low_text != NULL && !program_parse_number(o->k_low_text, &o->k_low)) ||
        (o->k_high_text != NULL && !program_parse_number(o->k_high_text, &o->k_high)) ||
        !(o->k_low > 0.0 && o->k_high > o->k_low))
        return program_usage(NAME, "--kmin %s and --kmax %s are not 0 < KMIN < KMAX",
                             o->k_low_text != NULL ? o->k_low_text : "1e-4",
                             o->k_high_text != NULL ? o->k_high_text : "10");
    if (o->points < 2 || o->points > MOST_BINS)
        return program_usage(NAME, "--points %d is not between 2 and %d", o->points, MOST_BINS);
    return PROGRAM_OK;
}

/* What is wrong with the options together: PROGRAM_OK or a usage error that has been reported. */
static int check(spectrum_options *o)
{
    int (*const steps[])(spectrum_options *) = {read_box,      read_bins,       read_assignment,
                                                read_axis,     read_shot_noise, read_plane,
                                                read_triangles};
    const char *by;
    int code = PROGRAM_OK;

    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == PROGRAM_OK; i++)
        code = steps[i](o);
    if (code != PROGRAM_OK) return code;
    if (o->output == NULL)
        return program_usage(NAME, "say where the spectrum goes: -o PK.fits or PK.txt");
    if (useless(o) != NULL)
        return program_usage(NAME, "%s is of no use with%s a field", useless(o),
                             o->input != NULL ? "" : "out");
    if (excluded(o, &by) != NULL)
        return program_usage(NAME, "%s and %s exclude one another", by, excluded(o, &by));
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
    struct poptOption cosmology[THEORY_OPTIONS];
    spectrum_options *o = options;
    bool go_on;

    *o = (spectrum_options){
        .k_low = 1e-4, .k_high = 10.0, .points = NOT_GIVEN, .threads = NOT_GIVEN};
    theory_options_table(&o->theory, cosmology);
    const struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &o->output, 0,
         "the spectrum: a FITS table, or text if the name ends in .txt", "PK.fits"},
        {"bins", 'b', POPT_ARG_STRING, &o->bins_text, 0,
         "lin:N or log:N, with ,KMIN,KMAX if you like (one fundamental mode wide)", "BINS"},
        {"multipoles", 0, POPT_ARG_STRING, &o->multipoles, 0,
         "also quadrupole and hexadecapole about x (NAXIS1), y, z or w", "AXIS"},
        {"plane", 0, POPT_ARG_STRING, &o->plane_text, 0,
         "also P(k_perp, k_par) about that axis, so many bins across and along it", "N,M"},
        {"correlation", 0, POPT_ARG_STRING, &o->correlation_text, 0,
         "also xi(r): lin:N or log:N, with ,RMIN,RMAX if you like", "BINS"},
        {"bispectrum", 0, POPT_ARG_STRING, &o->bispectrum_text, 0,
         "also the bispectrum: equilateral, all, or K1,K2,K3[:K1,K2,K3...]", "TRIANGLES"},
        {"shells", 0, POPT_ARG_STRING, &o->shells_text, 0,
         "of the bispectrum, as --bins (at most 12, up to 2/3 of the Nyquist frequency)", "BINS"},
        {"mask", 0, POPT_ARG_STRING, &o->mask, 0,
         "FITS image, not zero = not observed; nan: cells without a value are not", "MASK"},
        {"window", 0, POPT_ARG_STRING, &o->window, 0,
         "FITS image of weights, such as an apodised mask; 0 = not observed", "WEIGHTS"},
        {"assignment", 'a', POPT_ARG_STRING, &o->assignment_text, 0,
         "ngp, cic (default for catalogues), tsc, pcs: how points are put on the grid; of a field: "
         "how they were (none)",
         "HOW"},
        {"interlace", 0, POPT_ARG_NONE, &o->interlace, 0,
         "a second grid, half a cell further, against aliases of a catalogue", NULL},
        {"shot-noise", 0, POPT_ARG_STRING, &o->shot_text, 0,
         "to subtract: auto (V/N of a catalogue, 0 of a field), none or a value", "POWER"},
        {"shape", 0, POPT_ARG_STRING, &o->box.shape_text, 0,
         "cells for a catalogue, the slowest axis first", "N,N,N"},
        {"box", 0, POPT_ARG_STRING, &o->box.box_text, 0,
         "length of the box, where no header says it", "L[,L,L]"},
        {"columns", 0, POPT_ARG_STRING, &o->columns, 0, "positions in a catalogue (X,Y,Z)",
         "NAME,NAME,NAME"},
        {"weights", 0, POPT_ARG_STRING, &o->weights, 0, "a catalogue's column of weights", "NAME"},
        {"theory", 0, POPT_ARG_STRING, &o->theory.spectrum, 0,
         "to compare with: eh98, nowiggle, bbks, power:A,N, matern:..., table:FILE, table+:FILE",
         "SPECTRUM"},
        {"kmin", 0, POPT_ARG_STRING, &o->k_low_text, 0, "without a field: the first k (1e-4)", "K"},
        {"kmax", 0, POPT_ARG_STRING, &o->k_high_text, 0, "without a field: the last k (10)", "K"},
        {"points", 0, POPT_ARG_INT, &o->points, 0, "without a field: how many k (200)", "N"},
        {"plot", 0, POPT_ARG_STRING, &o->plot, 0,
         "picture: points with error bars, theory, residual", "FILE.png"},
        {"report", 0, POPT_ARG_STRING, &o->report, 0, "all figures and options", "FILE.json"},
        {"threads", 't', POPT_ARG_INT, &o->threads, 0, "how many; the result is the same", "N"},
        {"quiet", 'q', POPT_ARG_NONE, &o->quiet, 0, "print nothing but errors", NULL},
        {"force", 'f', POPT_ARG_NONE, &o->force, 0, "replace existing outputs", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, cosmology, 0, "Cosmology and units:", NULL},
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
    char *const texts[] = {o->input,      o->other,           o->output,      o->bins_text,
                           o->multipoles, o->assignment_text, o->shot_text,   o->plane_text,
                           o->columns,    o->bispectrum_text, o->shells_text, o->correlation_text,
                           o->mask,       o->window,          o->weights,     o->plot,
                           o->report,     o->k_low_text,      o->k_high_text, o->command};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) free(texts[i]);
    box_options_release(&o->box);
    theory_options_release(&o->theory);
}
