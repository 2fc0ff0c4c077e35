/* psf_parse.c - point spread functions by name: "moffat:3.1,2.8". */
#include "base/internal.h"

#include <scorefield/operator.h>

#include <string.h>

#define MAX_NUMBERS 2

static sf_status make_gaussian(const double *number, size_t count, sf_psf **psf)
{
    (void)count;
    return sf_psf_gaussian(number[0], psf);
}

static sf_status make_moffat(const double *number, size_t count, sf_psf **psf)
{
    (void)count;
    return sf_psf_moffat(number[0], number[1], psf);
}

static sf_status make_airy(const double *number, size_t count, sf_psf **psf)
{
    return sf_psf_airy(number[0], count > 1 ? number[1] : 0.0, psf);
}

/* One row a profile. */
static const struct {
    const char *name, *usage;
    size_t least, most;
    sf_status (*make)(const double *number, size_t count, sf_psf **psf);
} profiles[] = {
    {"gaussian:", "gaussian:FWHM", 1, 1, make_gaussian},
    {"moffat:", "moffat:FWHM,BETA", 2, 2, make_moffat},
    {"airy:", "airy:FWHM or airy:FWHM,OBSCURATION", 1, 2, make_airy},
};

/* "3.1,2.8" to numbers; false for anything else. */
static bool parse_numbers(const char *text, double *number, size_t *count)
{
    for (*count = 0; *count < MAX_NUMBERS; text++) {
        char *end;
        number[*count] = sf_text_to_number(text, &end);
        if (end == text) return false;
        *count += 1;
        text = end;
        if (*text == '\0') return true;
        if (*text != ',') return false;
    }
    return false;
}

sf_status sf_psf_parse(const char *text, sf_psf **psf)
{
    double number[MAX_NUMBERS];
    size_t count;

    *psf = NULL;
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        const size_t length = strlen(profiles[i].name);
        if (strncmp(text, profiles[i].name, length) != 0) continue;
        if (!parse_numbers(text + length, number, &count) || count < profiles[i].least ||
            count > profiles[i].most)
            return sf_fail(SF_ERR_ARGUMENT, "PSF \"%s\": give %s, with FWHM in pixels", text,
                           profiles[i].usage);
        return profiles[i].make(number, count, psf);
    }
    return sf_fail(SF_ERR_ARGUMENT,
                   "PSF \"%s\" is none of gaussian:FWHM, moffat:FWHM,BETA, airy:FWHM[,OBSCURATION]",
                   text);
}
