/* program.c - what the programs share: exit status, errors, versions. */
#include "program.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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
