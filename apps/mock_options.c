/* mock_options.c - the command line of sf-mock. */
#include "mock_options.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME        "sf-mock"
#define NOT_GIVEN   (-1)
#define MOST_FIELDS 10000

static const char lesson[] =
    "\n"
    "Lists of axes are in C order, the slowest first: --shape 64,128,256 is NAXIS3, NAXIS2, "
    "NAXIS1.\n"
    "Conventions: k is angular; <|X_k|^2> = N^2 P(k)/V for the unnormalised transform of N cells "
    "in\n"
    "a volume V; the field's mean is 0. eh98, nowiggle and bbks have lengths in Mpc/h, k in h/Mpc\n"
    "and P in (Mpc/h)^3; with --per-mpc lengths in Mpc, k in 1/Mpc, P in Mpc^3. Other spectra "
    "have\n"
    "the unit of the box, which --unit names.\n"
    "\n"
    "The same seed gives the same large-scale modes at every resolution of one box, and the same\n"
    "bits on any number of threads.\n"
    "\n"
    "Spectra\n"
    "  eh98, nowiggle, bbks    linear matter spectra of the cosmology at the redshift\n"
    "  power:A,N[,LOW,HIGH]    A k^N between two wavenumbers; P(0) = 0\n"
    "  matern:SIGMA,NU,LENGTH  Matern covariance\n"
    "  table:FILE              k and P, text or FITS table; an error outside the table's range\n"
    "  table+:FILE             the same, continued as power laws\n"
    "\n"
    "Examples\n"
    "  sf-mock --shape 256,256,256 --box 1000 --spectrum eh98 -o delta.fits --plot delta.png\n"
    "  sf-mock --shape 512,512,512 --box 1000 --spectrum eh98 --redshift 1 --seed 7 \\\n"
    "      --cosmology h=0.67,Om=0.31,s8=0.8 --precision single -o delta.fits\n"
    "  sf-mock --shape 128,128,128 --box 500 --spectrum eh98 --lognormal --catalogue 1e5 -o "
    "points.fits\n"
    "      a lognormal field and about 100,000 points that follow it, in the extension POINTS\n"
    "  sf-mock --shape 128,128,128 --box 500 --spectrum eh98 --redshift 49 --displace 2lpt -o "
    "ics.fits\n"
    "  sf-mock --shape 512,512 --box 1 --unit deg --bunit uK --spectrum power:1e-3,-2.2 -o "
    "map.fits\n"
    "  sf-mock --constrain map.fits --noise 3 --mask holes.fits --spectrum power:1e-3,-2.2 \\\n"
    "      --samples 4 -o filled.fits\n"
    "      fields that agree with the data: exact draws from the Wiener posterior\n"
    "\n"
    "Exit status: 0 done, 1 error (one sentence on the standard error stream, no output), 2 wrong\n"
    "usage, 130 interrupted (no output). The manual page sf-mock(1) says more.\n";

static bool same(const char *a, const char *b) { return a != NULL && b != NULL && !strcmp(a, b); }

static int read_box(mock_options *o) { return box_options_read(NAME, &o->box); }

static int read_sampler(mock_options *o) { return sampler_options_read(NAME, &o->sampler); }

static int read_words(mock_options *o)
{
    if (o->precision != NULL && !same(o->precision, "single") && !same(o->precision, "double"))
        return program_usage(NAME, "--precision %s is neither single nor double", o->precision);
    o->single = o->precision == NULL || same(o->precision, "single");
    if (o->method != NULL && !same(o->method, "exact") && !same(o->method, "langevin") &&
        !same(o->method, "diffusion"))
        return program_usage(NAME, "--method %s is neither exact, langevin nor diffusion",
                             o->method);
    if (o->displace != NULL && !same(o->displace, "1lpt") && !same(o->displace, "2lpt"))
        return program_usage(NAME, "--displace %s is neither 1lpt nor 2lpt", o->displace);
    if (o->displace != NULL) o->order = o->displace[0] - '0';
    return program_read_seed(NAME, o->seed_text, &o->seed);
}

static int read_numbers(mock_options *o)
{
    if (o->fnl_text != NULL && !program_parse_number(o->fnl_text, &o->fnl))
        return program_usage(NAME, "--fnl %s is not a finite number", o->fnl_text);
    if (o->catalogue_text != NULL && (!program_parse_number(o->catalogue_text, &o->catalogue) ||
                                      !(o->catalogue > 0.0 && o->catalogue < 1e12)))
        return program_usage(NAME, "--catalogue %s is not a number of points", o->catalogue_text);
    return PROGRAM_OK;
}

/* Of the ways to make a field one at most is given. */
static int find_kind(mock_options *o)
{
    const struct {
        bool given;
        const char *name;
        mock_kind kind;
    } ways[] = {{o->lognormal != 0, "--lognormal", MOCK_LOGNORMAL},
                {!isnan(o->fnl), "--fnl", MOCK_NON_GAUSSIAN},
                {same(o->method, "langevin"), "--method langevin", MOCK_LANGEVIN},
                {same(o->method, "diffusion"), "--method diffusion", MOCK_DIFFUSION},
                {o->constrain != NULL, "--constrain", MOCK_CONSTRAINED}};
    const char *first = NULL;

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (!ways[i].given) continue;
        if (first != NULL)
            return program_usage(NAME, "%s and %s exclude one another", first, ways[i].name);
        first = ways[i].name;
        o->kind = ways[i].kind;
    }
    return PROGRAM_OK;
}

/* The first option that the field's kind has no use for, or NULL. */
static const char *useless(const mock_options *o)
{
    const bool chain =
        o->kind == MOCK_LANGEVIN || o->kind == MOCK_DIFFUSION || o->kind == MOCK_CONSTRAINED;

    if (chain && o->fixed) return "--fixed";
    if (chain && o->paired) return "--paired";
    if (chain && o->white != NULL) return "--white";
    if (o->kind != MOCK_DIFFUSION && sampler_options_given(&o->sampler) != NULL)
        return sampler_options_given(&o->sampler);
    if (o->kind != MOCK_CONSTRAINED && o->noise != NULL) return "--noise without --constrain";
    if (o->kind != MOCK_CONSTRAINED && o->mask != NULL) return "--mask without --constrain";
    if (o->white != NULL && o->seed_text != NULL) return "--seed with --white";
    if (o->white != NULL && o->samples > 1) return "--samples with --white";
    if (o->samples > 1 && (o->order > 0 || !isnan(o->catalogue)))
        return "--samples with --catalogue or --displace";
    if (o->order > 0 && !isnan(o->catalogue)) return "--catalogue with --displace";
    if (o->order > 0 && o->lognormal) return "--displace with --lognormal: it wants a linear field";
    if (o->paired && (o->order > 0 || !isnan(o->catalogue)))
        return "--paired with --catalogue or --displace";
    return NULL;
}

static int check_numbers(const mock_options *o)
{
    if (o->samples != NOT_GIVEN && (o->samples < 1 || o->samples > MOST_FIELDS))
        return program_usage(NAME, "--samples %d is not between 1 and %d", o->samples, MOST_FIELDS);
    if (o->threads != NOT_GIVEN && o->threads < 1)
        return program_usage(NAME, "--threads %d is below 1", o->threads);
    return PROGRAM_OK;
}

static int check_needs(const mock_options *o)
{
    if (o->output == NULL) return program_usage(NAME, "say where the field goes: -o FIELD.fits");
    if (o->theory.spectrum == NULL)
        return program_usage(NAME, "say which spectrum the field has: --spectrum eh98");
    if (o->box.axes == 0 && o->kind != MOCK_CONSTRAINED)
        return program_usage(NAME, "say how many cells the box has: --shape 256,256,256");
    if (o->box.box_axes == 0 && o->kind != MOCK_CONSTRAINED)
        return program_usage(NAME, "say how large the box is: --box 1000");
    if (o->kind == MOCK_CONSTRAINED && o->noise == NULL)
        return program_usage(NAME, "--constrain needs the noise of the data: --noise");
    if (o->kind == MOCK_NON_GAUSSIAN && !theory_is_cosmological(&o->theory))
        return program_usage(NAME, "--fnl is for the spectra eh98, nowiggle and bbks, which have a "
                                   "primordial one");
    if (same(o->output, o->plot) || same(o->output, o->report) || same(o->plot, o->report))
        return program_usage(NAME, "two outputs have the same name");
    return PROGRAM_OK;
}

/* What is wrong with the options together: PROGRAM_OK or a usage error that has been reported. */
static int check(mock_options *o)
{
    int (*const steps[])(mock_options *) = {read_box, read_words, read_numbers, read_sampler,
                                            find_kind};
    int code = PROGRAM_OK;

    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == PROGRAM_OK; i++)
        code = steps[i](o);
    if (code == PROGRAM_OK) code = check_numbers(o);
    if (code == PROGRAM_OK) code = check_needs(o);
    if (code != PROGRAM_OK) return code;
    if (theory_options_fault(&o->theory) != NULL)
        return program_usage(NAME, "%s", theory_options_fault(&o->theory));
    if (useless(o) != NULL) return program_usage(NAME, "there is no use for %s", useless(o));
    if (o->samples == NOT_GIVEN) o->samples = 1;
    return PROGRAM_OK;
}

/* Reads all options; PROGRAM_OK with *go_on false after --help and --version. */
static int read_options(poptContext context, bool *go_on)
{
    const char *stray;
    int code;

    *go_on = false;
    if (!program_read_options(NAME, context, lesson, &code)) return code;
    stray = poptGetArg(context);
    if (stray != NULL) return program_usage(NAME, "%s is no option", stray);
    *go_on = true;
    return PROGRAM_OK;
}

bool mock_options_parse(int argc, const char **argv, mock_options *options, int *exit_status)
{
    struct poptOption cosmology[THEORY_OPTIONS], sampler[SAMPLER_OPTIONS];
    mock_options *o = options;
    bool go_on;

    *o = (mock_options){.fnl = NAN, .catalogue = NAN, .samples = NOT_GIVEN, .threads = NOT_GIVEN};
    o->sampler = sampler_options_default(SF_PREDICTOR_MULTISTEP);
    theory_options_table(&o->theory, cosmology);
    sampler_options_table(&o->sampler, sampler);
    const struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &o->output, 0, "the field, and what is made of it",
         "FIELD.fits"},
        {"shape", 0, POPT_ARG_STRING, &o->box.shape_text, 0,
         "cells along each of 1 to 4 axes, the slowest first", "N,N,N"},
        {"box", 0, POPT_ARG_STRING, &o->box.box_text, 0,
         "length of the box: one for all axes, or one for each", "L[,L,L]"},
        {"spectrum", 's', POPT_ARG_STRING, &o->theory.spectrum, 0,
         "eh98, nowiggle, bbks, power:A,N, matern:SIGMA,NU,LENGTH, table:FILE or table+:FILE",
         "SPECTRUM"},
        {"bunit", 0, POPT_ARG_STRING, &o->bunit, 0, "of the field (dimensionless)", "UNIT"},
        {"seed", 0, POPT_ARG_STRING, &o->seed_text, 0, "of the random numbers (0)", "S"},
        {"white", 0, POPT_ARG_STRING, &o->white, 0,
         "white noise of variance 1 from a FITS image instead of a seed", "NOISE.fits"},
        {"lognormal", 0, POPT_ARG_NONE, &o->lognormal, 0,
         "lognormal density contrast, above -1, whose own spectrum is the one given", NULL},
        {"fixed", 0, POPT_ARG_NONE, &o->fixed, 0,
         "every mode has the amplitude of the spectrum, only phases are random", NULL},
        {"paired", 0, POPT_ARG_NONE, &o->paired, 0,
         "also the field of opposite phases, as extension PAIRED", NULL},
        {"fnl", 0, POPT_ARG_STRING, &o->fnl_text, 0, "local primordial non-Gaussianity", "F"},
        {"method", 'm', POPT_ARG_STRING, &o->method, 0,
         "exact (default); to the same distribution langevin (a Markov chain) or diffusion (noise "
         "taken away step by step, along the exact score)",
         "METHOD"},
        {"precision", 0, POPT_ARG_STRING, &o->precision, 0,
         "single (default) or double: of the field in memory and in the file", "P"},
        {"constrain", 0, POPT_ARG_STRING, &o->constrain, 0,
         "draw from the fields that agree with this FITS image; NaN: not observed", "DATA.fits"},
        {"noise", 'n', POPT_ARG_STRING, &o->noise, 0,
         "standard deviation of the data's noise: a number or a FITS map", "NOISE"},
        {"mask", 0, POPT_ARG_STRING, &o->mask, 0, "FITS image, not zero = not observed", "MASK"},
        {"samples", 0, POPT_ARG_INT, &o->samples, 0,
         "how many fields (1); those after the first are extensions SAMPLE", "N"},
        {"catalogue", 0, POPT_ARG_STRING, &o->catalogue_text, 0,
         "also so many points, on average, that follow the field: a table, extension POINTS", "N"},
        {"displace", 0, POPT_ARG_STRING, &o->displace, 0,
         "also particles moved by the field: 1lpt or 2lpt, a table, extension PARTICLES", "ORDER"},
        {"plot", 0, POPT_ARG_STRING, &o->plot, 0, "picture of the field, of its first plane",
         "FILE.png"},
        {"report", 0, POPT_ARG_STRING, &o->report, 0, "all figures and options", "FILE.json"},
        {"threads", 't', POPT_ARG_INT, &o->threads, 0, "how many; the result is the same", "N"},
        {"quiet", 'q', POPT_ARG_NONE, &o->quiet, 0, "print nothing but errors", NULL},
        {"force", 'f', POPT_ARG_NONE, &o->force, 0, "replace existing outputs", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, cosmology, 0, "Cosmology and units:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, sampler, 0,
         "With --method diffusion (predictor multistep):", NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, PROGRAM_OPTION_HELP, "this text", NULL},
        {"version", 'V', POPT_ARG_NONE, NULL, PROGRAM_OPTION_VERSION,
         "versions of program and libraries", NULL},
        POPT_TABLEEND};
    poptContext context = poptGetContext(NAME, argc, argv, table, 0);

    poptSetOtherOptionHelp(context,
                           "-o FIELD.fits --shape N,N,N --box L --spectrum SPECTRUM [OPTION...]");
    *exit_status = read_options(context, &go_on);
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

void mock_options_release(mock_options *o)
{
    char *const texts[] = {o->output,   o->seed_text, o->fnl_text,  o->catalogue_text, o->precision,
                           o->method,   o->white,     o->constrain, o->noise,          o->mask,
                           o->displace, o->plot,      o->report,    o->bunit,          o->command};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) free(texts[i]);
    box_options_release(&o->box);
    theory_options_release(&o->theory);
    sampler_options_release(&o->sampler);
}
