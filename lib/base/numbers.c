/* numbers.c - numbers as text in files and on command lines, whose decimal point is no matter of
 * the caller's locale. */
#include "base/internal.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

/* Puts this thread into the C locale, which the C library need not make; leave_c undoes it. */
static locale_t enter_c(locale_t *c)
{
    *c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return *c != (locale_t)0 ? uselocale(*c) : (locale_t)0;
}

static void leave_c(locale_t c, locale_t before)
{
    if (c == (locale_t)0) return;
    (void)uselocale(before);
    freelocale(c);
}

double sf_text_to_number(const char *text, char **end)
{
    locale_t c;
    const locale_t before = enter_c(&c);
    const double number = strtod(text, end);

    leave_c(c, before);
    return number;
}

void sf_number_to_text(double number, char *text, size_t size)
{
    locale_t c;
    const locale_t before = enter_c(&c);

    (void)snprintf(text, size, "%.17g", number);
    leave_c(c, before);
}
