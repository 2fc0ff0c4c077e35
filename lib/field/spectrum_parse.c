/* spectrum_parse.c - a spectrum from the text of a command line. */
#include <scorefield/field.h>

#include "field/spectrum.h"

#include <string.h>

/* The numbers of "a,b,c" after the first `skip` characters of `text`: least <= *count <= most. */
static sf_status read_numbers(const char *text, size_t skip, const char *example, size_t least,
                              size_t most, double *numbers, size_t *count)
{
    const char *rest = text + skip;
    char *end;

    *count = 0;
    do {
        if (*count == most)
            return sf_fail(SF_ERR_ARGUMENT, "\"%s\" has more than %zu numbers; an example is %s",
                           text, most, example);
        numbers[*count] = sf_text_to_number(rest, &end);
        if (end == rest || (*end != ',' && *end != '\0'))
            return sf_fail(SF_ERR_ARGUMENT, "\"%s\": \"%s\" is not a number; an example is %s",
                           text, rest, example);
        (*count)++;
        rest = end + 1;
    } while (*end == ',');
    if (*count < least)
        return sf_fail(SF_ERR_ARGUMENT, "\"%s\" has fewer than %zu numbers; an example is %s", text,
                       least, example);
    return SF_OK;
}

static sf_status parse_power_law(const char *text, sf_spectrum **spectrum)
{
    double n[4] = {0.0};
    size_t count;

    SF_TRY(read_numbers(text, strlen("power:"), "power:1e3,-2", 2, 4, n, &count));
    if (count == 3)
        return sf_fail(SF_ERR_ARGUMENT,
                       "\"%s\" has one cut; power:A,N,LOW,HIGH has two, 0 for none", text);
    return sf_spectrum_power_law_cut(n[0], n[1], n[2], n[3], spectrum);
}

static sf_status parse_matern(const char *text, int axes, sf_spectrum **spectrum)
{
    double n[3];
    size_t count;

    SF_TRY(read_numbers(text, strlen("matern:"), "matern:1,1.5,20", 3, 3, n, &count));
    return sf_spectrum_matern(axes, n[0], n[1], n[2], spectrum);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

sf_status sf_spectrum_parse_with(const char *text, int axes, const sf_cosmology *cosmology,
                                 double redshift, sf_spectrum **spectrum)
{
    static const char *const transfers[] = {[SF_TRANSFER_EH98] = "eh98",
                                            [SF_TRANSFER_NOWIGGLE] = "nowiggle",
                                            [SF_TRANSFER_BBKS] = "bbks"};
    const sf_cosmology standard = sf_cosmology_default();

    *spectrum = NULL;
    if (begins(text, "power:")) return parse_power_law(text, spectrum);
    if (begins(text, "matern:")) return parse_matern(text, axes, spectrum);
    if (begins(text, "table:"))
        return sf_spectrum_read(text + strlen("table:"), SF_EXTRAPOLATE_REFUSE, spectrum);
    if (begins(text, "table+:"))
        return sf_spectrum_read(text + strlen("table+:"), SF_EXTRAPOLATE_POWER, spectrum);
    for (size_t i = 0; i < sizeof transfers / sizeof *transfers; i++)
        if (strcmp(text, transfers[i]) == 0)
            return sf_spectrum_cosmology(cosmology != NULL ? cosmology : &standard, (sf_transfer)i,
                                         redshift, spectrum);
    return sf_fail(SF_ERR_ARGUMENT,
                   "\"%s\" is not a spectrum; give power:A,N[,LOW,HIGH], matern:SIGMA,NU,LENGTH, "
                   "table:FILE, table+:FILE, eh98, nowiggle or bbks",
                   text);
}

sf_status sf_spectrum_parse(const char *text, sf_spectrum **spectrum)
{
    *spectrum = NULL;
    if (begins(text, "power:")) return parse_power_law(text, spectrum);
    if (begins(text, "table:"))
        return sf_spectrum_read(text + strlen("table:"), SF_EXTRAPOLATE_POWER, spectrum);
    return sf_fail(
        SF_ERR_ARGUMENT,
        "\"%s\" is not a spectrum; give power:A,N[,LOW,HIGH] for P = A k^N or table:FILE", text);
}
