/* fits_cfitsio.c - the lock around CFITSIO, and its errors as one sentence. */
#include "io/fits_internal.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static locale_t plain; /* the C locale: FITS numbers have a point in every country */
static locale_t callers;

void sf_cfitsio_lock(void)
{
    pthread_mutex_lock(&lock);
    if (plain == (locale_t)0) plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    callers = uselocale(plain); /* this thread's only */
    fits_clear_errmsg();
}

void sf_cfitsio_unlock(void)
{
    (void)uselocale(callers);
    pthread_mutex_unlock(&lock);
}

/* Messages may quote a damaged header: only printable characters leave. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text > '~') *text = '?';
}

sf_status sf_cfitsio_fail(int code, const char *path, int hdu, const char *what)
{
    char reason[FLEN_STATUS] = "", detail[FLEN_ERRMSG] = "", place[32] = "";
    const sf_status status = code == MEMORY_ALLOCATION ? SF_ERR_MEMORY : SF_ERR_FORMAT;

    fits_get_errstatus(code, reason);
    (void)fits_read_errmsg(detail); /* the oldest is the nearest to the cause */
    fits_clear_errmsg();
    make_printable(detail);
    if (hdu >= 0) (void)snprintf(place, sizeof place, ", HDU %d", hdu);
    return sf_fail(status, "%s%s: %s: %s%s%s%s", path, place, what, reason,
                   detail[0] != '\0' ? " (" : "", detail, detail[0] != '\0' ? ")" : "");
}
