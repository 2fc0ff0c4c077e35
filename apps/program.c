/* program.c - what the programs share: exit status, errors, versions. */
#include "program.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int program_fail(const char *name)
{
    fprintf(stderr, "%s: %s\n", name, sf_last_error());
    return PROGRAM_ERROR;
}

int program_usage(const char *name, const char *format, ...)
{
    va_list values;

    fprintf(stderr, "%s: ", name);
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fprintf(stderr, "; see %s --help\n", name);
    return PROGRAM_USAGE;
}

/* The end of the number that `text` begins with; NULL if that is no finite positive one. */
static const char *parse_positive(const char *text, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return end != text && *value > 0.0 && isfinite(*value) ? end : NULL;
}

bool program_parse_pair(const char *text, double *first, double *second)
{
    const char *end = parse_positive(text, first);

    if (end == NULL || *end != ',') return false;
    end = parse_positive(end + 1, second);
    return end != NULL && *end == '\0';
}

bool program_parse_sizes(const char *text, size_t most, size_t *sizes, size_t *count)
{
    for (*count = 0; *count < most && isdigit((unsigned char)*text); text++) {
        char *end;
        unsigned long long value;

        errno = 0;
        value = strtoull(text, &end, 10);
        if (value == 0 || value > SIZE_MAX || errno != 0) return false;
        sizes[(*count)++] = (size_t)value;
        if (*end != ',') return *end == '\0';
        text = end;
    }
    return false;
}

bool program_parse_numbers(const char *text, size_t most, double *numbers, size_t *count)
{
    for (*count = 0; *count < most; text++) {
        char *end;
        const double value = strtod(text, &end);

        if (end == text || !isfinite(value)) return false;
        numbers[(*count)++] = value;
        if (*end != ',') return *end == '\0';
        text = end;
    }
    return false;
}

bool program_parse_number(const char *text, double *number)
{
    size_t count;

    return program_parse_numbers(text, 1, number, &count);
}

int program_read_seed(const char *name, const char *text, uint64_t *seed)
{
    if (text == NULL) return PROGRAM_OK;
    errno = 0;
    *seed = strtoull(text, NULL, 10);
    if (text[0] != '\0' && strspn(text, "0123456789") == strlen(text) && errno == 0 &&
        *seed <= INT64_MAX)
        return PROGRAM_OK;
    return program_usage(name, "--seed %s is not a whole number from 0 to %lld", text,
                         (long long)INT64_MAX);
}

char *program_command(const char *name, int argc, const char **argv)
{
    size_t size = strlen(name) + 1;
    char *text, *end;

    for (int i = 1; i < argc; i++) size += strlen(argv[i]) + 1;
    text = malloc(size);
    if (text == NULL) return NULL;
    end = stpcpy(text, name);
    for (int i = 1; i < argc; i++) end = stpcpy(stpcpy(end, " "), argv[i]);
    return text;
}

sf_status program_check_memory(const char *what, double bytes)
{
    const double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);

    if (!(machine > 0.0) || bytes <= machine) return SF_OK;
    return sf_fail(SF_ERR_MEMORY, "%s needs %.3g GiB of memory, and this machine has %.3g GiB",
                   what, bytes / 0x1p30, machine / 0x1p30);
}

double program_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const char *program_libraries(void) { return SF_APPS_LIBRARIES; }

void program_print_version(const char *name)
{
    printf("%s (scorefield) %s\nBuilt with %s.\n"
           "Licence GPL-3.0-or-later; there is no warranty, to the extent permitted by law.\n",
           name, sf_version(), program_libraries());
}

void program_print_help(poptContext context, const char *text)
{
    poptPrintHelp(context, stdout, 0);
    fputs(text, stdout);
}

bool program_read_options(const char *name, poptContext context, const char *lesson,
                          int *exit_status)
{
    const int code = poptGetNextOpt(context);

    *exit_status = PROGRAM_OK;
    if (code == PROGRAM_OPTION_HELP)
        program_print_help(context, lesson);
    else if (code == PROGRAM_OPTION_VERSION)
        program_print_version(name);
    else if (code < -1)
        *exit_status = program_usage(name, "%s: %s", poptBadOption(context, 0), poptStrerror(code));
    return code == -1;
}
