/* freeenergy_options.c - the command line of sf-freeenergy. */
#include "freeenergy_options.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME      "sf-freeenergy"
#define NOT_GIVEN (-1)

static const char lesson[] =
    "\n"
    "log Z is log Z_1/Z_0, -(free energy difference)/kT. Work is in units of kT unless --units "
    "says\n"
    "otherwise: the work done ON the system along a path that starts in equilibrium, forward from\n"
    "state 0 to state 1, reverse from 1 to 0.\n"
    "\n"
    "Examples\n"
    "  sf-freeenergy --work forward.txt\n"
    "  sf-freeenergy --work forward.txt,reverse.txt --units kJ/mol --temperature 300 \\\n"
    "      --plot work.png --report work.json\n"
    "\n"
    "Exit status: 0 done, 1 error (one sentence on the standard error stream), 2 wrong usage, 3 "
    "the\n"
    "estimate is not reliable (with --strict), 130 interrupted. The manual page sf-freeenergy(1)\n"
    "says more.\n";

static bool same(const char *a, const char *b) { return a != NULL && b != NULL && !strcmp(a, b); }

/* "forward.txt" or "forward.txt,reverse.txt" */
static int read_work(freeenergy_options *o)
{
    const char *comma = strchr(o->work, ',');

    if (comma == NULL) {
        o->forward = strdup(o->work);
        return PROGRAM_OK;
    }
    if (comma == o->work || comma[1] == '\0' || strchr(comma + 1, ',') != NULL)
        return program_usage(NAME, "--work %s is neither FORWARD.txt nor FORWARD.txt,REVERSE.txt",
                             o->work);
    o->forward = strndup(o->work, (size_t)(comma - o->work));
    o->reverse = strdup(comma + 1);
    return PROGRAM_OK;
}

static int check_unit(freeenergy_options *o)
{
    if (o->unit_text != NULL && sf_work_unit_parse(o->unit_text, &o->unit) != SF_OK)
        return program_usage(NAME, "--units: %s", sf_last_error());
    if (o->unit == SF_WORK_KT && !isnan(o->temperature))
        return program_usage(NAME, "work in kT needs no --temperature; for energies give --units "
                                   "kJ/mol or kcal/mol");
    if (o->unit != SF_WORK_KT && isnan(o->temperature))
        return program_usage(NAME, "work in %s is kT only at a temperature: --temperature 300",
                             o->unit_text);
    if (o->unit != SF_WORK_KT && !(o->temperature > 0.0 && isfinite(o->temperature)))
        return program_usage(NAME, "--temperature %g is not above 0 K", o->temperature);
    return PROGRAM_OK;
}

static int check(freeenergy_options *o)
{
    int code;

    if (o->work == NULL)
        return program_usage(NAME, "say what to measure: --work forward.txt,reverse.txt");
    code = read_work(o);
    if (code == PROGRAM_OK) code = check_unit(o);
    if (code != PROGRAM_OK) return code;
    if (o->threads != NOT_GIVEN && o->threads < 1)
        return program_usage(NAME, "--threads %d is below 1", o->threads);
    if (same(o->plot, o->report)) return program_usage(NAME, "two outputs have the same name");
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

bool freeenergy_options_parse(int argc, const char **argv, freeenergy_options *options,
                              int *exit_status)
{
    freeenergy_options *o = options;
    bool go_on;

    *o = (freeenergy_options){.temperature = NAN, .threads = NOT_GIVEN};
    const struct poptOption table[] = {
        {"work", 'w', POPT_ARG_STRING, &o->work, 0,
         "work values measured elsewhere, one a line, forward and, after a comma, reverse",
         "FORWARD.txt[,REVERSE.txt]"},
        {"units", 'u', POPT_ARG_STRING, &o->unit_text, 0,
         "of the work: kT (default), kJ/mol, kcal/mol", "UNIT"},
        {"temperature", 'T', POPT_ARG_DOUBLE, &o->temperature, 0, "in kelvin, for energies",
         "KELVIN"},
        {"plot", 0, POPT_ARG_STRING, &o->plot, 0, "picture of the weights and the convergence",
         "FILE.png"},
        {"report", 0, POPT_ARG_STRING, &o->report, 0, "all figures and options", "FILE.json"},
        {"strict", 0, POPT_ARG_NONE, &o->strict, 0,
         "exit status 3 where the estimate is not reliable", NULL},
        {"threads", 't', POPT_ARG_INT, &o->threads, 0, "how many; the result is the same", "N"},
        {"quiet", 'q', POPT_ARG_NONE, &o->quiet, 0, "print nothing but errors and warnings", NULL},
        {"force", 'f', POPT_ARG_NONE, &o->force, 0, "replace existing outputs", NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, PROGRAM_OPTION_HELP, "this text", NULL},
        {"version", 'V', POPT_ARG_NONE, NULL, PROGRAM_OPTION_VERSION,
         "versions of program and libraries", NULL},
        POPT_TABLEEND};
    poptContext context = poptGetContext(NAME, argc, argv, table, 0);

    poptSetOtherOptionHelp(context, "--work FORWARD.txt[,REVERSE.txt] [OPTION...]");
    *exit_status = read_options(context, &go_on);
    poptFreeContext(context);
    if (!go_on) return false;
    *exit_status = check(o);
    o->command = program_command(NAME, argc, argv);
    if (*exit_status == PROGRAM_OK && (o->command == NULL || o->forward == NULL)) {
        fputs(NAME ": no memory for the command line\n", stderr);
        *exit_status = PROGRAM_ERROR;
    }
    return *exit_status == PROGRAM_OK;
}

void freeenergy_options_release(freeenergy_options *o)
{
    char *const texts[] = {o->work,    o->unit_text, o->report, o->plot,
                           o->forward, o->reverse,   o->command};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) free(texts[i]);
}
