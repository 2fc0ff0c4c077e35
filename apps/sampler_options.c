/* sampler_options.c - how a diffusion is run backwards, as programs are told it, and what files say
 * of it. */
#include "sampler_options.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOT_GIVEN  (-1)
#define MOST_STEPS 1000000

/* ---- words ----------------------------------------------------------------------------------- */

static const char *const predictors[] = {[SF_PREDICTOR_EULER_MARUYAMA] = "euler-maruyama",
                                         [SF_PREDICTOR_REVERSE_DIFFUSION] = "reverse-diffusion",
                                         [SF_PREDICTOR_ANCESTRAL] = "ancestral",
                                         [SF_PREDICTOR_DDIM] = "ddim",
                                         [SF_PREDICTOR_FLOW_EULER] = "flow-euler",
                                         [SF_PREDICTOR_FLOW_HEUN] = "heun",
                                         [SF_PREDICTOR_MULTISTEP] = "multistep",
                                         [SF_PREDICTOR_MULTISTEP_SDE] = "multistep-sde",
                                         [SF_PREDICTOR_ADAPTIVE] = "adaptive"};
static const char *const correctors[] = {[SF_CORRECTOR_NONE] = "none",
                                         [SF_CORRECTOR_LANGEVIN] = "langevin",
                                         [SF_CORRECTOR_PRECONDITIONED] = "preconditioned",
                                         [SF_CORRECTOR_MALA] = "mala"};
static const char *const spacings[] = {
    [SF_TIMES_UNIFORM] = "uniform", [SF_TIMES_RHO] = "rho", [SF_TIMES_LOG_SNR] = "log-snr"};

#define COUNT(words) (sizeof(words) / sizeof(words)[0])

/* "WORD" or "WORD:NUMBER": the word's place in the list, count when it is not there; *number stays
 * without one. */
static size_t find_word(const char *text, const char *const *words, size_t count, double *number)
{
    const size_t length = strcspn(text, ":");

    if (text[length] == ':' && !program_parse_number(text + length + 1, number)) return count;
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == length && strncmp(text, words[i], length) == 0) return i;
    return count;
}

/* The number that goes with a word, or NULL. */
static double *number_of_predictor(sf_sample_options *s, sf_predictor predictor)
{
    switch (predictor) {
    case SF_PREDICTOR_DDIM: return &s->eta;
    case SF_PREDICTOR_FLOW_HEUN: return &s->churn;
    case SF_PREDICTOR_ADAPTIVE: return &s->tolerance;
    default: return NULL;
    }
}

static double *number_of_corrector(sf_sample_options *s, sf_corrector corrector)
{
    switch (corrector) {
    case SF_CORRECTOR_LANGEVIN: return &s->snr;
    case SF_CORRECTOR_PRECONDITIONED:
    case SF_CORRECTOR_MALA: return &s->step;
    default: return NULL;
    }
}

/* Puts a number that was given where it belongs; false where nothing takes one. */
static bool put_number(double number, double *place)
{
    if (isnan(number)) return true;
    if (place == NULL || !(number >= 0.0)) return false;
    *place = number;
    return true;
}

/* ---- reading --------------------------------------------------------------------------------- */

sampler_options sampler_options_default(sf_predictor predictor)
{
    sampler_options o = {
        .steps = NOT_GIVEN, .sample = sf_sample_options_default(), .low = NAN, .high = NAN};

    o.sample.predictor = predictor;
    o.sample.spacing = SF_TIMES_LOG_SNR;
    return o;
}

void sampler_options_table(sampler_options *o, struct poptOption table[SAMPLER_OPTIONS])
{
    const struct poptOption list[SAMPLER_OPTIONS] = {
        {"predictor", 0, POPT_ARG_STRING, &o->predictor, 0,
         "multistep (default), heun[:CHURN], flow-euler, ddim[:ETA], adaptive[:TOLERANCE]; with "
         "noise "
         "on the way: multistep-sde, ancestral, reverse-diffusion, euler-maruyama",
         "NAME"},
        {"corrector", 0, POPT_ARG_STRING, &o->corrector, 0,
         "after each step: none (default), langevin[:SNR], preconditioned[:STEP] or mala[:STEP]",
         "NAME"},
        {"steps", 0, POPT_ARG_INT, &o->steps, 0, "from the highest level to the lowest (100)", "N"},
        {"spacing", 0, POPT_ARG_STRING, &o->spacing, 0,
         "of the levels: log-snr (default; equal in their logarithm), rho[:RHO] or uniform",
         "NAME"},
        {"levels", 0, POPT_ARG_STRING, &o->levels, 0,
         "of noise, from which and to which the steps go", "LOW:HIGH"},
        POPT_TABLEEND};

    memcpy(table, list, sizeof list);
}

static int read_predictor(const char *program, sampler_options *o)
{
    double number = NAN;
    size_t place;

    if (o->predictor == NULL) return PROGRAM_OK;
    place = find_word(o->predictor, predictors, COUNT(predictors), &number);
    if (place == COUNT(predictors))
        return program_usage(program,
                             "--predictor %s is none of multistep, heun[:CHURN], flow-euler, "
                             "ddim[:ETA], adaptive[:TOLERANCE], multistep-sde, ancestral, "
                             "reverse-diffusion, euler-maruyama",
                             o->predictor);
    o->sample.predictor = (sf_predictor)place;
    if (!put_number(number, number_of_predictor(&o->sample, o->sample.predictor)))
        return program_usage(program, "--predictor %s: %s does not take %g", o->predictor,
                             predictors[place], number);
    return PROGRAM_OK;
}

static int read_corrector(const char *program, sampler_options *o)
{
    double number = NAN;
    size_t place;

    if (o->corrector == NULL) return PROGRAM_OK;
    place = find_word(o->corrector, correctors, COUNT(correctors), &number);
    if (place == COUNT(correctors))
        return program_usage(program,
                             "--corrector %s is none of none, langevin[:SNR], "
                             "preconditioned[:STEP], mala[:STEP]",
                             o->corrector);
    o->sample.corrector = (sf_corrector)place;
    if (!put_number(number, number_of_corrector(&o->sample, o->sample.corrector)))
        return program_usage(program, "--corrector %s: %s does not take %g", o->corrector,
                             correctors[place], number);
    return PROGRAM_OK;
}

static int read_spacing(const char *program, sampler_options *o)
{
    double number = NAN;
    size_t place;

    if (o->spacing == NULL) return PROGRAM_OK;
    place = find_word(o->spacing, spacings, COUNT(spacings), &number);
    if (place == COUNT(spacings) ||
        !put_number(number, place == SF_TIMES_RHO ? &o->sample.rho : NULL))
        return program_usage(program, "--spacing %s is none of log-snr, rho[:RHO], uniform",
                             o->spacing);
    o->sample.spacing = (sf_time_spacing)place;
    return PROGRAM_OK;
}

/* "LOW:HIGH" */
static bool parse_levels(const char *text, double *low, double *high)
{
    char *end;

    *low = strtod(text, &end);
    if (end == text || *end != ':') return false;
    return program_parse_number(end + 1, high) && *low > 0.0 && *low < *high;
}

int sampler_options_read(const char *program, sampler_options *o)
{
    int (*const words[])(const char *, sampler_options *) = {read_predictor, read_corrector,
                                                             read_spacing};
    int code = PROGRAM_OK;

    for (size_t i = 0; i < COUNT(words) && code == PROGRAM_OK; i++) code = words[i](program, o);
    if (code != PROGRAM_OK) return code;
    if (o->levels != NULL && !parse_levels(o->levels, &o->low, &o->high))
        return program_usage(
            program, "--levels %s is not LOW:HIGH, two numbers with 0 < LOW < HIGH", o->levels);
    if (o->steps != NOT_GIVEN && (o->steps < 1 || o->steps > MOST_STEPS))
        return program_usage(program, "--steps %d is not between 1 and %d", o->steps, MOST_STEPS);
    if (o->steps != NOT_GIVEN) o->sample.steps = (size_t)o->steps;
    return PROGRAM_OK;
}

const char *sampler_options_given(const sampler_options *o)
{
    if (o->predictor != NULL) return "--predictor";
    if (o->corrector != NULL) return "--corrector";
    if (o->spacing != NULL) return "--spacing";
    if (o->levels != NULL) return "--levels";
    return o->steps != NOT_GIVEN ? "--steps" : NULL;
}

void sampler_options_release(sampler_options *o)
{
    free(o->predictor);
    free(o->corrector);
    free(o->spacing);
    free(o->levels);
}

/* ---- what is said of it ---------------------------------------------------------------------- */

sf_status sampler_keywords(const sf_sample_options *sample, double low, double high,
                           sf_fits_writer *writer)
{
    sf_status status;

    GO(sf_fits_writer_string(writer, "SFPREDIC", predictors[sample->predictor], "predictor"));
    GO(sf_fits_writer_string(writer, "SFCORREC", correctors[sample->corrector], "corrector"));
    GO(sf_fits_writer_integer(writer, "SFSTEPS", (long long)sample->steps, "steps"));
    GO(sf_fits_writer_string(writer, "SFSPACIN", spacings[sample->spacing],
                             "spacing of the levels"));
    GO(sf_fits_writer_double(writer, "SFHIGH", high, "level of noise that steps begin at"));
    status = sf_fits_writer_double(writer, "SFLOW", low, "level of noise that is left");
done:
    return status;
}

sf_status sampler_report(const sf_sample_options *sample, double low, double high,
                         sf_report *report)
{
    sf_sample_options copy = *sample, *const s = &copy;
    const double *of_predictor = number_of_predictor(&copy, s->predictor);
    const double *of_corrector = number_of_corrector(&copy, s->corrector);
    sf_status status;

    GO(sf_report_string(report, "sampler/predictor", predictors[s->predictor]));
    if (of_predictor != NULL)
        GO(sf_report_double(report, "sampler/predictor_number", *of_predictor));
    GO(sf_report_string(report, "sampler/corrector", correctors[s->corrector]));
    if (of_corrector != NULL)
        GO(sf_report_double(report, "sampler/corrector_number", *of_corrector));
    GO(sf_report_integer(report, "sampler/steps", (long long)s->steps));
    GO(sf_report_string(report, "sampler/spacing", spacings[s->spacing]));
    if (s->spacing == SF_TIMES_RHO) GO(sf_report_double(report, "sampler/rho", s->rho));
    GO(sf_report_double(report, "sampler/low", low));
    status = sf_report_double(report, "sampler/high", high);
done:
    return status;
}

void sampler_text(const sf_sample_options *sample, char *text, size_t size)
{
    (void)snprintf(text, size, "%s, %zu steps spaced %s%s%s", predictors[sample->predictor],
                   sample->steps, spacings[sample->spacing],
                   sample->corrector != SF_CORRECTOR_NONE ? ", corrector " : "",
                   sample->corrector != SF_CORRECTOR_NONE ? correctors[sample->corrector] : "");
}
