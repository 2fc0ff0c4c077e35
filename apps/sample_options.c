/* sample_options.c - the command line of sf-sample. */
#include "sample_options.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME         "sf-sample"
#define NOT_GIVEN    (-1)
#define MOST_SAMPLES 100000
#define MOST_PROBES  100000

static const char lesson[] =
    "\n"
    "A diffusion makes images out of noise: from a level far above everything that an image holds, "
    "noise\n"
    "is taken away in steps along the prior's score. Samples are draws from the prior, each made "
    "of "
    "\n"
    "numbers of its own: the same seed gives the same bits in any number, on any threads.\n"
    "\n"
    "Priors\n"
    "  builtin            the denoiser that ships (galaxies, stars, nebulae); default\n"
    "  FILE.onnx          a denoiser of your own, as sf-train writes it\n"
    "  field:SPECTRUM     a Gaussian field; spectra as in sf-mock: eh98, power:A,N, "
    "matern:S,NU,L, ...\n"
    "  mixture:FILE       Gaussians: a row of text each, with height, sigma and mean\n"
    "\n"
    "The predictor is multistep-sde if you name none. Levels come with the prior; those of the "
    "built-in\n"
    "denoiser, 0.0003:1.5, are in units of an image's brightest parts, and any other unit does: "
    "with\n"
    "--levels 0.3:1500 images are a thousand times as bright.\n"
    "\n"
    "Examples\n"
    "  sf-sample -o scenes.fits --shape 128,128 -n 6 --plot scenes.png\n"
    "  sf-sample -o fields.fits --prior field:power:1,-2 --shape 64,64 -n 200 --log-likelihood\n"
    "  sf-sample -o filled.fits --known holes.fits -n 8 --corrector langevin:0.3 --steps 1000\n"
    "      pixels that are numbers stay what they are, those that are NaN are drawn; without so "
    "many\n"
    "      moves the borders of large holes show\n"
    "  sf-sample -o modes.fits --prior mixture:modes.txt -n 5000 --plot modes.png\n"
    "  sf-sample -o density.fits --log-likelihood-of images.fits --levels 0.01:10\n"
    "      how dense the prior is at these images, instead of samples\n"
    "\n"
    "Exit status: 0 done, 1 error (one sentence on the standard error stream, no output), 2 wrong\n"
    "usage, 130 interrupted (no output but the checkpoint). The manual page sf-sample(1) says "
    "more.\n";

static bool same(const char *a, const char *b) { return a != NULL && b != NULL && !strcmp(a, b); }

/* What follows `word` at the text's beginning, or NULL. */
static const char *after(const char *text, const char *word)
{
    const size_t length = strlen(word);

    return strncmp(text, word, length) == 0 ? text + length : NULL;
}

static int read_prior(sample_options *o)
{
    const char *spectrum, *mixture;

    if (o->prior == NULL || same(o->prior, "builtin")) return PROGRAM_OK;
    spectrum = after(o->prior, "field:");
    mixture = after(o->prior, "mixture:");
    if (same(spectrum, "") || same(mixture, ""))
        return program_usage(NAME, "--prior %s: what follows the colon is missing", o->prior);
    if (spectrum != NULL) {
        o->kind = SAMPLE_FIELD;
        o->theory.spectrum = strdup(spectrum);
        if (o->theory.spectrum == NULL) return program_usage(NAME, "no memory for --prior");
    } else if (mixture != NULL) {
        o->kind = SAMPLE_MIXTURE;
        o->file = mixture;
    } else
        o->file = o->prior;
    return PROGRAM_OK;
}

static int read_seed(sample_options *o) { return program_read_seed(NAME, o->seed_text, &o->seed); }

static int read_numbers(sample_options *o)
{
    if (o->sum_text != NULL && !program_parse_number(o->sum_text, &o->sum))
        return program_usage(NAME, "--sum %s is not a finite number", o->sum_text);
    if (o->guidance_text != NULL && !program_parse_number(o->guidance_text, &o->guidance))
        return program_usage(NAME, "--guidance %s is not a finite number", o->guidance_text);
    if (o->samples != NOT_GIVEN && (o->samples < 1 || o->samples > MOST_SAMPLES))
        return program_usage(NAME, "--samples %d is not between 1 and %d", o->samples,
                             MOST_SAMPLES);
    if (o->probes != NOT_GIVEN && (o->probes < 0 || o->probes > MOST_PROBES))
        return program_usage(NAME, "--probes %d is not between 0 and %d", o->probes, MOST_PROBES);
    if (o->given != NULL) o->log_likelihood = 1;
    if (o->threads != NOT_GIVEN && o->threads < 1)
        return program_usage(NAME, "--threads %d is below 1", o->threads);
    return PROGRAM_OK;
}

static int read_box(sample_options *o) { return box_options_read(NAME, &o->box); }

static int read_sampler(sample_options *o) { return sampler_options_read(NAME, &o->sampler); }

/* The first option that the prior has no use for, or NULL. */
static const char *useless(const sample_options *o)
{
    if (o->kind != SAMPLE_NETWORK && o->condition != NULL) return "--condition without a network";
    if (o->kind != SAMPLE_NETWORK && o->bf16) return "--bf16 without a network";
    if (o->condition == NULL && o->guidance_text != NULL) return "--guidance without --condition";
    if (o->kind != SAMPLE_FIELD && o->box.box_axes > 0) return "--box without a field";
    if (o->kind != SAMPLE_FIELD && (o->theory.cosmology != NULL || o->theory.redshift != 0.0 ||
                                    o->theory.per_mpc || o->theory.unit != NULL))
        return "a cosmology or a unit of length without a field";
    if (o->log_likelihood && (o->known != NULL || o->sum_text != NULL))
        return "--log-likelihood with --known or --sum: what is exactly so has no density";
    if (o->box.axes == SF_GRID_MAX_AXES && o->samples > 1)
        return "--samples: fields of four axes come one at a time";
    if (!o->log_likelihood && o->probes != NOT_GIVEN) return "--probes without --log-likelihood";
    return NULL;
}

/* The first option that images which are there already have no use for, or NULL. */
static const char *useless_for_given(const sample_options *o)
{
    const sampler_options *s = &o->sampler;

    if (o->known != NULL || o->sum_text != NULL) return "--known or --sum";
    if (o->samples != NOT_GIVEN) return "--samples";
    if (o->checkpoint != NULL) return "--checkpoint";
    if (s->predictor != NULL || s->corrector != NULL || s->spacing != NULL || s->steps > 0)
        return "a sampler's options";
    return NULL;
}

static int check_needs(sample_options *o)
{
    const char *const outputs[] = {o->output, o->plot, o->report, o->checkpoint};
    const size_t count = sizeof outputs / sizeof outputs[0];

    if (o->output == NULL) return program_usage(NAME, "say where the samples go: -o SAMPLES.fits");
    if (o->box.axes == 0 && o->known == NULL && o->given == NULL && o->kind != SAMPLE_MIXTURE)
        return program_usage(NAME, "say how many cells a sample has: --shape 128,128");
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (same(outputs[i], outputs[k]))
                return program_usage(NAME, "two outputs have the same name");
    if (theory_options_fault(&o->theory) != NULL)
        return program_usage(NAME, "%s", theory_options_fault(&o->theory));
    if (o->given != NULL && useless_for_given(o) != NULL)
        return program_usage(NAME, "there is no use for %s with --log-likelihood-of",
                             useless_for_given(o));
    if (useless(o) != NULL) return program_usage(NAME, "there is no use for %s", useless(o));
    if (o->samples == NOT_GIVEN) o->samples = 1;
    return PROGRAM_OK;
}

/* What is wrong with the options together: PROGRAM_OK or a usage error that has been reported. */
static int check(sample_options *o)
{
    int (*const steps[])(sample_options *) = {read_prior, read_seed,    read_numbers,
                                              read_box,   read_sampler, check_needs};
    int code = PROGRAM_OK;

    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == PROGRAM_OK; i++)
        code = steps[i](o);
    return code;
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

static int parse(int argc, const char **argv, sample_options *o, bool *go_on)
{
    struct poptOption cosmology[THEORY_OPTIONS], sampler[SAMPLER_OPTIONS];
    int code;

    theory_options_table(&o->theory, cosmology);
    sampler_options_table(&o->sampler, sampler);
    const struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &o->output, 0,
         "the samples, one after the other; MEAN, SD and LIKELIHOOD as extensions", "SAMPLES.fits"},
        {"prior", 'p', POPT_ARG_STRING, &o->prior, 0,
         "builtin (default), FILE.onnx, field:SPECTRUM or mixture:FILE", "PRIOR"},
        {"shape", 0, POPT_ARG_STRING, &o->box.shape_text, 0,
         "cells along each axis of a sample, the slowest first", "N,N"},
        {"box", 0, POPT_ARG_STRING, &o->box.box_text, 0,
         "of a field: length of the box, one for all axes or one for each (cells of length 1)",
         "L[,L,L]"},
        {"samples", 'n', POPT_ARG_INT, &o->samples, 0, "how many (1)", "N"},
        {"seed", 0, POPT_ARG_STRING, &o->seed_text, 0, "of the random numbers (0)", "S"},
        {"condition", 0, POPT_ARG_STRING, &o->condition, 0,
         "of a network that takes one: a number for each channel (1,0,0), or a FITS image or cube",
         "CONDITION"},
        {"bf16", 0, POPT_ARG_NONE, &o->bf16, 0,
         "networks in bf16: up to 4 times as fast where the processor has matrix units", NULL},
        {"guidance", 0, POPT_ARG_STRING, &o->guidance_text, 0,
         "how much the condition counts (1): beyond 1 it is exaggerated, without a classifier",
         "W"},
        {"known", 'k', POPT_ARG_STRING, &o->known, 0,
         "FITS image of pixels that samples must have; NaN: free", "KNOWN.fits"},
        {"sum", 0, POPT_ARG_STRING, &o->sum_text, 0, "that the cells of a sample must have", "S"},
        {"log-likelihood", 'l', POPT_ARG_NONE, &o->log_likelihood, 0,
         "also of each sample, by the probability flow: a table, extension LIKELIHOOD", NULL},
        {"log-likelihood-of", 0, POPT_ARG_STRING, &o->given, 0,
         "the same of images that are given, a FITS image or cube, instead of samples",
         "IMAGES.fits"},
        {"probes", 0, POPT_ARG_INT, &o->probes, 0,
         "of Hutchinson's trace in it (8); 0 (and the default up to 1024 cells, but for a "
         "network): "
         "exact",
         "N"},
        {"checkpoint", 0, POPT_ARG_STRING, &o->checkpoint, 0,
         "file to go on from when the program was stopped, to the same bits", "FILE"},
        {"plot", 0, POPT_ARG_STRING, &o->plot, 0, "picture of the first samples", "FILE.png"},
        {"report", 0, POPT_ARG_STRING, &o->report, 0, "all figures and options", "FILE.json"},
        {"threads", 't', POPT_ARG_INT, &o->threads, 0, "how many; the result is the same", "N"},
        {"quiet", 'q', POPT_ARG_NONE, &o->quiet, 0, "print nothing but errors", NULL},
        {"force", 'f', POPT_ARG_NONE, &o->force, 0, "replace existing outputs", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, sampler, 0, "How noise is taken away:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, cosmology, 0, "Of a field:", NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, PROGRAM_OPTION_HELP, "this text", NULL},
        {"version", 'V', POPT_ARG_NONE, NULL, PROGRAM_OPTION_VERSION,
         "versions of program and libraries", NULL},
        POPT_TABLEEND};
    poptContext context = poptGetContext(NAME, argc, argv, table, 0);

    poptSetOtherOptionHelp(context, "-o SAMPLES.fits [--prior PRIOR] --shape N,N [OPTION...]");
    code = read_options(context, go_on);
    poptFreeContext(context);
    return code;
}

bool sample_options_parse(int argc, const char **argv, sample_options *options, int *exit_status)
{
    sample_options *o = options;
    bool go_on;

    *o = (sample_options){.sum = NAN,
                          .guidance = NAN,
                          .samples = NOT_GIVEN,
                          .probes = NOT_GIVEN,
                          .threads = NOT_GIVEN};
    o->sampler = sampler_options_default(SF_PREDICTOR_MULTISTEP_SDE);
    *exit_status = parse(argc, argv, o, &go_on);
    if (!go_on) return false;
    *exit_status = check(o);
    o->command = program_command(NAME, argc, argv);
    if (*exit_status == PROGRAM_OK && o->command == NULL) {
        fputs(NAME ": no memory for the command line\n", stderr);
        *exit_status = PROGRAM_ERROR;
    }
    return *exit_status == PROGRAM_OK;
}

void sample_options_release(sample_options *o)
{
    char *const texts[] = {o->output, o->condition, o->guidance_text, o->prior,
                           o->known,  o->sum_text,  o->seed_text,     o->checkpoint,
                           o->given,  o->plot,      o->report,        o->command};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) free(texts[i]);
    box_options_release(&o->box);
    theory_options_release(&o->theory);
    sampler_options_release(&o->sampler);
}
