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
    "log Z of a density f = exp(log f) is the logarithm of its integral, minus its free energy in\n"
    "units of kT. Chains are annealed from a base whose log Z is known to the target, by a "
    "schedule\n"
    "and steps that a pilot tunes and that are then frozen: the mean of their weights is Z "
    "whatever\n"
    "the schedule. Annealed back, from the target to the base, they give a bound from the other "
    "side.\n"
    "The same seed gives the same bits on any number of threads.\n"
    "\n"
    "Bases: auto (what the target suggests, else fit), fit (a Gaussian with the means and "
    "variances\n"
    "of a pilot's samples), laplace (a Gaussian around the mode), gaussian[:mean=M,sigma=S],\n"
    "free:mass2=M and field:SPECTRUM (on the target's lattice), or any target with exact draws.\n"
    "\n"
    "Examples\n"
    "  sf-freeenergy --target many-well:dim=32\n"
    "  sf-freeenergy --target phi4:shape=16x16,mass2=-4,lambda=5 --plot phi4.png --report "
    "phi4.json\n"
    "  sf-freeenergy --work forward.txt,reverse.txt --units kJ/mol --temperature 300\n"
    "\n"
    "Exit status: 0 done, 1 error (one sentence on the standard error stream), 2 wrong usage, 3 "
    "the\n"
    "estimate is not reliable (with --strict), 130 interrupted (with the estimate so far). The "
    "manual\n"
    "page sf-freeenergy(1) says more.\n";

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

static int read_unit(freeenergy_options *o)
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

static int read_seed(freeenergy_options *o)
{
    return program_read_seed(NAME, o->seed_text, &o->seed);
}

static const char *const kernels[] = {
    [SF_KERNEL_MALA] = "mala", [SF_KERNEL_HMC] = "hmc", [SF_KERNEL_RANDOM_WALK] = "random-walk",
    [SF_KERNEL_OU] = "ou",     [SF_KERNEL_ULA] = "ula", [SF_KERNEL_UNDERDAMPED] = "underdamped"};

const char *freeenergy_kernel_name(const sf_kernel *kernel) { return kernels[kernel->kind]; }

const char *freeenergy_question(const freeenergy_options *o)
{
    return o->work != NULL ? o->work : o->library != NULL ? o->library : o->target;
}

static int read_kernel(freeenergy_options *o)
{
    const char *const text = o->kernel_text;

    o->kernel = sf_kernel_default();
    for (size_t i = 0; text != NULL && i < sizeof kernels / sizeof kernels[0]; i++)
        if (strcmp(text, kernels[i]) == 0) {
            o->kernel.kind = (sf_kernel_kind)i;
            o->kernel_given = true;
        }
    if (text != NULL && !o->kernel_given)
        return program_usage(NAME,
                             "--kernel %s is none of mala, hmc, random-walk, ou, ula, "
                             "underdamped",
                             text);
    if (!isnan(o->step) && !(o->step > 0.0 && isfinite(o->step)))
        return program_usage(NAME, "--step %g is not above 0", o->step);
    if (o->leapfrogs != NOT_GIVEN) o->kernel.leapfrogs = (size_t)o->leapfrogs;
    if (!isnan(o->step)) o->kernel.step = o->step;
    return PROGRAM_OK;
}

const char *freeenergy_path_name(freeenergy_path path)
{
    static const char *const paths[] = {[FREEENERGY_GEOMETRIC] = "geometric",
                                        [FREEENERGY_TEMPERING] = "tempering",
                                        [FREEENERGY_VARIANCE] = "variance"};

    return paths[path];
}

/* "geometric", "tempering:B0" or "variance" */
static int read_path(freeenergy_options *o)
{
    static const char word[] = "tempering:";
    const char *text = o->path_text;
    char *end;

    if (text == NULL || strcmp(text, "geometric") == 0) return PROGRAM_OK;
    if (strcmp(text, "variance") == 0) {
        o->path = FREEENERGY_VARIANCE;
        return PROGRAM_OK;
    }
    if (strncmp(text, word, strlen(word)) != 0)
        return program_usage(NAME, "--path %s is none of geometric, tempering:B0, variance", text);
    text += strlen(word);
    o->path = FREEENERGY_TEMPERING;
    o->first = strtod(text, &end);
    if (end == text || *end != '\0' || !(o->first > 0.0 && o->first < 1.0))
        return program_usage(NAME,
                             "--path %s: B0 is above 0 and below 1, such as tempering:0.5 for "
                             "twice the temperature",
                             o->path_text);
    if (o->base != NULL || !isnan(o->target_error))
        return program_usage(NAME,
                             "there is no use for %s with --path tempering, whose chains begin in "
                             "the target at another temperature",
                             o->base != NULL ? "--base" : "--target-error");
    return PROGRAM_OK;
}

/* "adaptive", "linear", "power:P", "sigmoid:S" or "file:FILE" */
static int read_schedule(freeenergy_options *o)
{
    const char *const text = o->schedule_text != NULL ? o->schedule_text : "adaptive";
    const char *const colon = strchr(text, ':');
    char *end = NULL;

    o->schedule = strcmp(text, "adaptive") == 0 ? SF_SCHEDULE_ADAPTIVE : SF_SCHEDULE_LINEAR;
    o->shape = 1.0;
    if (o->schedule == SF_SCHEDULE_ADAPTIVE || strcmp(text, "linear") == 0) return PROGRAM_OK;
    if (strncmp(text, "file:", 5) == 0 && text[5] != '\0') {
        o->schedule_file = text + 5;
        return PROGRAM_OK;
    }
    if (strncmp(text, "power:", 6) == 0) o->schedule = SF_SCHEDULE_POWER;
    if (strncmp(text, "sigmoid:", 8) == 0) o->schedule = SF_SCHEDULE_SIGMOID;
    if (o->schedule != SF_SCHEDULE_LINEAR) o->shape = strtod(colon + 1, &end);
    if (o->schedule == SF_SCHEDULE_LINEAR || end == colon + 1 || *end != '\0' ||
        !(o->shape > 0.0 && isfinite(o->shape)))
        return program_usage(NAME,
                             "--schedule %s is none of adaptive, linear, power:P, sigmoid:S "
                             "and file:FILE",
                             text);
    return PROGRAM_OK;
}

static const char *const methods[] = {
    [FREEENERGY_AIS] = "ais", [FREEENERGY_SMC] = "smc", [FREEENERGY_EXCHANGE] = "exchange"};

const char *freeenergy_method_name(freeenergy_method method) { return methods[method]; }

/* The place of `text` in a list of words, the first one's if it is NULL; `count` if there is none.
 */
static size_t find_word(const char *text, const char *const *words, size_t count)
{
    size_t i = 0;

    while (text != NULL && i < count && strcmp(text, words[i]) != 0) i++;
    return i;
}

static int read_method(freeenergy_options *o)
{
    static const char *const schemes[] = {[SF_RESAMPLING_SYSTEMATIC] = "systematic",
                                          [SF_RESAMPLING_STRATIFIED] = "stratified",
                                          [SF_RESAMPLING_RESIDUAL] = "residual",
                                          [SF_RESAMPLING_MULTINOMIAL] = "multinomial"};
    const bool unadjusted =
        o->kernel.kind == SF_KERNEL_ULA || o->kernel.kind == SF_KERNEL_UNDERDAMPED;
    const size_t method = find_word(o->method_text, methods, 3);
    const size_t scheme = find_word(o->resampling_text, schemes, 4);

    if (method == 3)
        return program_usage(NAME, "--method %s is none of ais, smc, exchange", o->method_text);
    if (scheme == 4)
        return program_usage(NAME,
                             "--resampling %s is none of systematic, stratified, residual, "
                             "multinomial",
                             o->resampling_text);
    o->method = (freeenergy_method)method;
    o->resampling = (sf_resampling)scheme;
    if (o->method == FREEENERGY_EXCHANGE && unadjusted)
        return program_usage(NAME, "--method exchange needs a kernel with a Metropolis test: hmc, "
                                   "mala, ou or random-walk");
    return PROGRAM_OK;
}

/* Whole numbers above `least`, where they were given. */
static int check_counts(const freeenergy_options *o)
{
    const struct {
        const char *name;
        int value, least;
    } counts[] = {{"--chains", o->chains, 2},
                  {"--most-chains", o->most_chains, 2},
                  {"--islands", o->islands, 1},
                  {"--rounds", o->rounds, 16},
                  {"--temperatures", o->temperatures, 2},
                  {"--moves", o->moves, 1},
                  {"--leapfrogs", o->leapfrogs, 1},
                  {"--threads", o->threads, 1}};

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (counts[i].value != NOT_GIVEN && counts[i].value < counts[i].least)
            return program_usage(NAME, "%s %d is below %d", counts[i].name, counts[i].value,
                                 counts[i].least);
    if (!isnan(o->target_error) && !(o->target_error > 0.0 && isfinite(o->target_error)))
        return program_usage(NAME, "--target-error %g is not above 0", o->target_error);
    return PROGRAM_OK;
}

static int check_question(const freeenergy_options *o)
{
    const int asked = (o->target != NULL) + (o->library != NULL) + (o->work != NULL);

    if (asked == 0)
        return program_usage(NAME, "say what to measure: --target many-well:dim=32, --library "
                                   "energy.so, or --work forward.txt,reverse.txt");
    if (asked > 1) return program_usage(NAME, "--target, --library and --work exclude one another");
    if (o->bidirectional && o->one_way)
        return program_usage(NAME, "--bidirectional and --one-way exclude one another");
    return PROGRAM_OK;
}

/* Whether every option is of use for what is asked. */
static int check_uses(const freeenergy_options *o)
{
    enum { WORK = 1, AIS = 2, SMC = 4, EXCHANGE = 8, ANNEAL = AIS | SMC, BOTH = ANNEAL | EXCHANGE };
    const int asked = o->work != NULL                    ? WORK
                      : o->method == FREEENERGY_EXCHANGE ? EXCHANGE
                      : o->method == FREEENERGY_SMC      ? SMC
                                                         : AIS;
    const struct {
        bool given;
        const char *name;
        int users;
    } options[] = {
        {o->unit_text != NULL, "--units", WORK},
        {!isnan(o->temperature), "--temperature", WORK},
        {o->base != NULL, "--base", BOTH},
        {o->path_text != NULL, "--path", BOTH},
        {o->method_text != NULL, "--method", BOTH},
        {o->kernel_text != NULL, "--kernel", BOTH},
        {o->leapfrogs != NOT_GIVEN, "--leapfrogs", BOTH},
        {o->moves != NOT_GIVEN, "--moves", BOTH},
        {o->chains != NOT_GIVEN, "--chains", BOTH},
        {o->temperatures != NOT_GIVEN, "--temperatures", o->schedule_file == NULL ? BOTH : 0},
        {o->seed_text != NULL, "--seed", BOTH},
        {o->schedule_text != NULL, "--schedule", ANNEAL},
        {!isnan(o->step), "--step", ANNEAL},
        {o->one_way != 0, "--one-way", ANNEAL},
        {o->bidirectional != 0, "--bidirectional", ANNEAL},
        {o->bar != 0, "--bar", AIS},
        {o->resampling_text != NULL, "--resampling", SMC},
        {o->islands != NOT_GIVEN, "--islands", SMC},
        {!isnan(o->target_error), "--target-error", ANNEAL},
        {o->most_chains != NOT_GIVEN, "--most-chains", isnan(o->target_error) ? 0 : ANNEAL},
        {o->samples != NULL, "--samples", BOTH},
        {o->checkpoint != NULL, "--checkpoint", ANNEAL},
        {o->rounds != NOT_GIVEN, "--rounds", EXCHANGE},
    };

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (options[i].given && (options[i].users & asked) == 0)
            return program_usage(NAME, "there is no use for %s %s", options[i].name,
                                 asked == WORK       ? "with --work"
                                 : asked == EXCHANGE ? "with --method exchange"
                                 : asked == SMC      ? "with --method smc"
                                                     : "without what it belongs to");
    return PROGRAM_OK;
}

static int check(freeenergy_options *o)
{
    int (*const steps[])(freeenergy_options *) = {read_unit, read_seed,     read_kernel,
                                                  read_path, read_schedule, read_method};
    int code = check_question(o);

    if (code == PROGRAM_OK) code = check_counts(o);
    if (code == PROGRAM_OK && o->work != NULL) code = read_work(o);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == PROGRAM_OK; i++)
        code = steps[i](o);
    if (code == PROGRAM_OK) code = check_uses(o);
    if (code != PROGRAM_OK) return code;
    if (same(o->plot, o->report) || same(o->plot, o->samples) || same(o->report, o->samples))
        return program_usage(NAME, "two outputs have the same name");
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

    *o = (freeenergy_options){.temperature = NAN,
                              .step = NAN,
                              .target_error = NAN,
                              .chains = NOT_GIVEN,
                              .most_chains = NOT_GIVEN,
                              .islands = NOT_GIVEN,
                              .rounds = NOT_GIVEN,
                              .temperatures = NOT_GIVEN,
                              .moves = NOT_GIVEN,
                              .leapfrogs = NOT_GIVEN,
                              .threads = NOT_GIVEN};
    const struct poptOption table[] = {
        {"target", 0, POPT_ARG_STRING, &o->target, 0, "the density f whose log Z is wanted",
         "NAME:KEY=VALUE,..."},
        {"library", 'l', POPT_ARG_STRING, &o->library, 0,
         "a shared object with an energy of your own (examples/own_energy.c); load what you trust",
         "ENERGY.so"},
        {"base", 'b', POPT_ARG_STRING, &o->base, 0, "where to start from (auto)", "BASE"},
        {"path", 0, POPT_ARG_STRING, &o->path_text, 0,
         "geometric (default), from the base; tempering:B0, from f^B0: log Z of f less that of "
         "f^B0; or variance, of Gaussian fields",
         "PATH"},
        {"schedule", 0, POPT_ARG_STRING, &o->schedule_text, 0,
         "adaptive (default), linear, power:P, sigmoid:S or file:FILE", "SCHEDULE"},
        {"kernel", 'k', POPT_ARG_STRING, &o->kernel_text, 0,
         "hmc (default), mala, ou, random-walk, or unadjusted: ula, underdamped", "KERNEL"},
        {"step", 0, POPT_ARG_DOUBLE, &o->step, 0,
         "of the kernel, the same at all temperatures (tuned in the pilot)", "E"},
        {"leapfrogs", 0, POPT_ARG_INT, &o->leapfrogs, 0, "steps of one move of hmc and underdamped",
         "L"},
        {"method", 'm', POPT_ARG_STRING, &o->method_text, 0,
         "ais (default), smc (chains are resampled on their way), or exchange (replicas swap "
         "temperatures)",
         "METHOD"},
        {"resampling", 0, POPT_ARG_STRING, &o->resampling_text, 0,
         "of --method smc: systematic (default), stratified, residual or multinomial", "SCHEME"},
        {"islands", 0, POPT_ARG_INT, &o->islands, 0, "independent groups of --method smc (8)", "I"},
        {"rounds", 0, POPT_ARG_INT, &o->rounds, 0, "of --method exchange (1000)", "R"},
        {"moves", 0, POPT_ARG_INT, &o->moves, 0, "of the kernel at every temperature (1)", "M"},
        {"chains", 'n', POPT_ARG_INT, &o->chains, 0,
         "in each direction (1000); copies of all replicas, for exchange (8)", "N"},
        {"target-error", 'e', POPT_ARG_DOUBLE, &o->target_error, 0,
         "add chains until the standard error of log Z is at most this", "E"},
        {"most-chains", 0, POPT_ARG_INT, &o->most_chains, 0,
         "in each direction, for --target-error (100000)", "N"},
        {"temperatures", 0, POPT_ARG_INT, &o->temperatures, 0, "of the schedule (chosen)", "K"},
        {"one-way", 0, POPT_ARG_NONE, &o->one_way, 0, "anneal forward only", NULL},
        {"bidirectional", 0, POPT_ARG_NONE, &o->bidirectional, 0,
         "anneal back too, also where the target has no exact draws", NULL},
        {"bar", 0, POPT_ARG_NONE, &o->bar, 0,
         "the same: both directions are joined by the Bennett acceptance ratio", NULL},
        {"seed", 's', POPT_ARG_STRING, &o->seed_text, 0, "of the random numbers (0)", "S"},
        {"samples", 0, POPT_ARG_STRING, &o->samples, 0, "weighted samples of the target, a table",
         "FILE.fits"},
        {"work", 'w', POPT_ARG_STRING, &o->work, 0,
         "work values measured elsewhere, one a line, forward and, after a comma, reverse",
         "FORWARD.txt[,REVERSE.txt]"},
        {"units", 'u', POPT_ARG_STRING, &o->unit_text, 0,
         "of the work: kT (default), kJ/mol, kcal/mol", "UNIT"},
        {"temperature", 'T', POPT_ARG_DOUBLE, &o->temperature, 0, "in kelvin, for energies",
         "KELVIN"},
        {"checkpoint", 'c', POPT_ARG_STRING, &o->checkpoint, 0,
         "go on from here if it is there, and leave here what can be gone on from", "FILE"},
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

    poptSetOtherOptionHelp(context, "--target NAME:KEY=VALUE,... | --library ENERGY.so | "
                                    "--work FORWARD.txt[,REVERSE.txt] [OPTION...]");
    *exit_status = read_options(context, &go_on);
    poptFreeContext(context);
    if (!go_on) return false;
    *exit_status = check(o);
    o->command = program_command(NAME, argc, argv);
    if (*exit_status == PROGRAM_OK &&
        (o->command == NULL || (o->work != NULL && o->forward == NULL))) {
        fputs(NAME ": no memory for the command line\n", stderr);
        *exit_status = PROGRAM_ERROR;
    }
    return *exit_status == PROGRAM_OK;
}

void freeenergy_options_release(freeenergy_options *o)
{
    char *const texts[] = {o->target,        o->library,     o->work,        o->base,
                           o->schedule_text, o->kernel_text, o->method_text, o->resampling_text,
                           o->unit_text,     o->seed_text,   o->report,      o->samples,
                           o->plot,          o->forward,     o->reverse,     o->command,
                           o->checkpoint,    o->path_text};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) free(texts[i]);
}
