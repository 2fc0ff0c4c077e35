/* freeenergy_options.h - the command line of sf-freeenergy. */
#ifndef SF_APPS_FREEENERGY_OPTIONS_H
#define SF_APPS_FREEENERGY_OPTIONS_H

#include <scorefield.h>

#define FREEENERGY_CHAINS 1000 /* if no number is given */

typedef enum freeenergy_method {
    FREEENERGY_AIS,
    FREEENERGY_SMC,
    FREEENERGY_EXCHANGE
} freeenergy_method;

typedef enum freeenergy_path {
    FREEENERGY_GEOMETRIC,
    FREEENERGY_TEMPERING,
    FREEENERGY_VARIANCE
} freeenergy_path;

/* Texts are as they were given, NULL when they were not; numbers are NaN or -1 when they were not.
 */
typedef struct freeenergy_options {
    char *target, *library, *work; /* what is asked: one of them */
    char *base, *path_text, *schedule_text, *kernel_text, *method_text, *resampling_text,
        *unit_text, *seed_text;
    char *report, *samples, *plot, *checkpoint;
    double temperature, step, target_error;
    int chains, most_chains, islands, rounds, temperatures, moves, leapfrogs, threads;
    int bidirectional, bar, one_way, quiet, force, strict; /* popt wants int */
    /* what the texts say */
    char *forward, *reverse; /* of --work; reverse NULL: one direction */
    sf_work_unit unit;
    freeenergy_path path;
    double first; /* B0 of tempering: from f^B0 to f */
    sf_schedule_kind schedule;
    double shape;
    const char *schedule_file; /* in schedule_text; NULL: none */
    freeenergy_method method;
    sf_resampling resampling;
    sf_kernel kernel;
    bool kernel_given;
    uint64_t seed;
    char *command;
} freeenergy_options;

/* As deblur_options_parse: true to go on. Release in any case. */
bool freeenergy_options_parse(int argc, const char **argv, freeenergy_options *options,
                              int *exit_status);
/* What was asked for, in the user's words. */
const char *freeenergy_question(const freeenergy_options *options);
/* As --method, --path and --kernel have them. */
const char *freeenergy_method_name(freeenergy_method method);
const char *freeenergy_path_name(freeenergy_path path);
const char *freeenergy_kernel_name(const sf_kernel *kernel);
void freeenergy_options_release(freeenergy_options *options);

#endif
