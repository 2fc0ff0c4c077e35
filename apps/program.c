/* program.c - what the programs share: exit status, errors, versions. */
#include "program.h"

#include <stdarg.h>
#include <stdio.h>

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
