/* status.c - the list of errors and this thread's last error text. */
#include "base/internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static _Thread_local char last_error[1024];

const char *sf_status_name(sf_status status)
{
    switch (status) {
#define SF_STATUS_NAME(name, code, text) \
    case name: return #name;
        SF_STATUS_LIST(SF_STATUS_NAME)
#undef SF_STATUS_NAME
    }
    return "unknown status";
}

const char *sf_status_text(sf_status status)
{
    switch (status) {
#define SF_STATUS_TEXT(name, code, text) \
    case name: return text;
        SF_STATUS_LIST(SF_STATUS_TEXT)
#undef SF_STATUS_TEXT
    }
    return "unknown status";
}

const char *sf_last_error(void) { return last_error; }

#undef sf_fail /* an analyser's view of it */
sf_status sf_fail(sf_status status, const char *format, ...)
{
    va_list arguments;
    char text[sizeof last_error]; /* the arguments may point into last_error */

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)snprintf(last_error, sizeof last_error, "%s", text);
    return status;
}

const char *sf_version(void) { return SF_VERSION; }

sf_status sf_check_finite(const double *values, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return sf_fail(SF_ERR_NUMERIC, "%s: value %zu is %g, where only finite numbers can be",
                           what, i, values[i]);
    return SF_OK;
}
