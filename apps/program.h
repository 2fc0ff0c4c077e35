/* program.h - what the programs share: exit status, errors, versions. */
#ifndef SF_APPS_PROGRAM_H
#define SF_APPS_PROGRAM_H

#include <scorefield/base.h>

#include <popt.h>
#include <stdbool.h>

/* Documented in the manual pages. */
enum {
    PROGRAM_OK = 0,
    PROGRAM_ERROR = 1,
    PROGRAM_USAGE = 2,
    PROGRAM_UNRELIABLE = 3,
    PROGRAM_INTERRUPTED = 130
};

/* Leaves a function that has `sf_status status` and a label `done`. */
#define GO(call)                        \
    do {                                \
        status = (call);                \
        if (status != SF_OK) goto done; \
    } while (0)

/* An analyser cannot know that sf_fail returns what it is given. */
#ifdef __clang_analyzer__
#define sf_fail(status, ...) ((void)(sf_fail)(status, __VA_ARGS__), (status))
#endif

/* "NAME: the sentence" on the standard error stream, and the exit status for it. */
int program_fail(const char *name);
int program_usage(const char *name, const char *format, ...) SF_PRINTF(2, 3);
/* "4,1": two finite positive numbers and nothing else; false if it is something else. */
bool program_parse_pair(const char *text, double *first, double *second);
/* "64,64,128": 1 to `most` whole numbers above zero; false if it is something else. */
bool program_parse_sizes(const char *text, size_t most, size_t *sizes, size_t *count);
/* One finite number and nothing else; false if it is something else. */
bool program_parse_number(const char *text, double *number);
/* "0.1,2": 1 to `most` finite numbers; false if it is something else. */
bool program_parse_numbers(const char *text, size_t most, double *numbers, size_t *count);
/* --seed TEXT: decimal, 0 ... 2^63 - 1, what a FITS keyword holds; else a usage error that has been
 * reported. NULL: *seed as it is. */
int program_read_seed(const char *name, const char *text, uint64_t *seed);
/* The command line again (free), for the history; NULL: no memory. */
char *program_command(const char *name, int argc, const char **argv);
/* SF_ERR_MEMORY when this machine has less memory than that at all. */
sf_status program_check_memory(const char *what, double bytes);
/* A stop watch: seconds of the monotonic clock. */
double program_seconds(void);
/* What --version prints. */
void program_print_version(const char *name);
/* What scorefield was built with: "FFTW 3.3.10, ...". */
const char *program_libraries(void);
/* What popt returns for --help and --version in every table of options. */
enum { PROGRAM_OPTION_HELP = 1, PROGRAM_OPTION_VERSION };
/* Reads all options. True to go on with the arguments that are left; else the program ends with
 * *exit_status: after --help (the options, then the lesson), --version, or a usage error. */
bool program_read_options(const char *name, poptContext context, const char *lesson,
                          int *exit_status);
/* Options, then text that teaches. */
void program_print_help(poptContext context, const char *text);

#endif
