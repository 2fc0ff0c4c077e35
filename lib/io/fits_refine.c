/* fits_refine.c - the header of an image whose cells are K times finer than its header's pixels.
 *
 * A pixel coordinate p (centres of pixels are whole numbers from 1 on) becomes
 *     p' = (p - 1/2) K + 1/2,
 * and everything that is counted in pixels follows: world coordinates (Greisen & Calabretta 2002,
 * doi:10.1051/0004-6361:20021326), the polynomials of SIP in powers of p - CRPIX (Shupe et al.
 * 2005, 2005ASPC..347..491S), IRAF's physical coordinates, the plate of DSS. Distortions that are
 * tables stand in other HDUs, which are not in the file: they go. */
#include "io/fits_internal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define IMAGE_AXES 2 /* the first two: those that are finer */

/* What becomes of the keywords of a pattern: # is a digit, a trailing 'a' a letter or nothing (the
 * alternate descriptions). A value is multiplied by K to the power of `all`, `row` if its first
 * digit is an axis of the image, and `column` if its second one is. */
typedef struct rule {
    const char *pattern;
    enum { RULE_SCALE, RULE_REFERENCE, RULE_SIP, RULE_DROP } kind;
    int all, row, column;
} rule;

static const rule rules[] = {
    {"CRPIX#a", RULE_REFERENCE, 0, 0, 0}, {"LTV#", RULE_REFERENCE, 0, 0, 0},
    {"CDELT#a", RULE_SCALE, 0, -1, 0},    {"CD#_#a", RULE_SCALE, 0, 0, -1},
    {"PC#_#a", RULE_SCALE, 0, 1, -1},     {"LTM#_#", RULE_SCALE, 0, 1, 0},
    {"A_#_#", RULE_SIP, 0, 0, 0},         {"B_#_#", RULE_SIP, 0, 0, 0},
    {"AP_#_#", RULE_SIP, 0, 0, 0},        {"BP_#_#", RULE_SIP, 0, 0, 0},
    {"A_DMAX", RULE_SCALE, 1, 0, 0},      {"B_DMAX", RULE_SCALE, 1, 0, 0},
    {"CNPIX#", RULE_SCALE, 0, 1, 0},      {"XPIXELSZ", RULE_SCALE, -1, 0, 0},
    {"YPIXELSZ", RULE_SCALE, -1, 0, 0},   {"SECPIX", RULE_SCALE, -1, 0, 0},
    {"SECPIX#", RULE_SCALE, 0, -1, 0},    {"PIXSCALE", RULE_SCALE, -1, 0, 0},
    {"PIXSCAL#", RULE_SCALE, 0, -1, 0},   {"CPDIS#a", RULE_DROP, 0, 0, 0},
    {"CQDIS#a", RULE_DROP, 0, 0, 0},      {"CPERR#a", RULE_DROP, 0, 0, 0},
    {"CQERR#a", RULE_DROP, 0, 0, 0},      {"DP#a", RULE_DROP, 0, 0, 0},
    {"DQ#a", RULE_DROP, 0, 0, 0},         {"D2IMDIS#", RULE_DROP, 0, 0, 0},
    {"D2IMERR#", RULE_DROP, 0, 0, 0},     {"D2IM#", RULE_DROP, 0, 0, 0},
    {"D2IMARR", RULE_DROP, 0, 0, 0},      {"D2IMEXT", RULE_DROP, 0, 0, 0},
    {"AXISCORR", RULE_DROP, 0, 0, 0}};

static bool matches(const char *keyword, const char *pattern, int digit[2])
{
    int digits = 0;

    for (; *pattern != '\0'; pattern++) {
        if (*pattern == 'a') {
            if (*keyword >= 'A' && *keyword <= 'Z') keyword++;
        } else if (*pattern == '#') {
            if (!isdigit((unsigned char)*keyword)) return false;
            digit[digits++] = *keyword++ - '0';
        } else if (*keyword++ != *pattern)
            return false;
    }
    return *keyword == '\0';
}

static bool is_image_axis(int axis) { return axis >= 1 && axis <= IMAGE_AXES; }

static double new_value(const rule *r, const int digit[2], double factor, double value)
{
    int power = r->all;

    if (r->kind == RULE_REFERENCE)
        return is_image_axis(digit[0]) ? (value - 0.5) * factor + 0.5 : value;
    if (r->kind == RULE_SIP)
        power = 1 - digit[0] - digit[1];
    else
        power += (is_image_axis(digit[0]) ? r->row : 0) + (is_image_axis(digit[1]) ? r->column : 0);
    return value * pow(factor, power);
}

/* Puts a number in place of the one in card `index`; with a point, as what it was may not be whole
 * any more. */
static void replace_value(fitsfile *file, int index, const char *keyword, double value, int *code)
{
    char card[FLEN_CARD], text[FLEN_VALUE], comment[FLEN_COMMENT];
    size_t length;

    fits_read_record(file, index, card, code);
    fits_parse_value(card, text, comment, code);
    (void)snprintf(text, sizeof text, "%.*G", sf_fits_digits(value), value);
    length = strlen(text);
    if (strpbrk(text, ".E") == NULL) (void)snprintf(text + length, sizeof text - length, ".");
    fits_make_key(keyword, text, comment, card, code);
    fits_modify_record(file, index, card, code);
}

/* Whether the card is one that has to go. */
static bool refine_card(fitsfile *file, int index, double factor, int *code)
{
    char card[FLEN_CARD], keyword[FLEN_KEYWORD];
    int digit[2] = {0, 0}, length = 0;
    double value;

    fits_read_record(file, index, card, code);
    if (*code != 0 || fits_get_keyname(card, keyword, &length, code) != 0) return false;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!matches(keyword, rules[i].pattern, digit)) continue;
        if (rules[i].kind == RULE_DROP) return true;
        if (sf_fits_card_number(card, &value))
            replace_value(file, index, keyword, new_value(&rules[i], digit, factor, value), code);
        return false;
    }
    return false;
}

static bool has(fitsfile *file, const char *root, int axis, const char *rest)
{
    char keyword[FLEN_KEYWORD], card[FLEN_CARD];
    int code = 0;

    (void)snprintf(keyword, sizeof keyword, "%s%d%s", root, axis, rest);
    return fits_read_card(file, keyword, card, &code) == 0;
}

static void add(fitsfile *file, const char *root, int axis, const char *rest, double value,
                int *code)
{
    char keyword[FLEN_KEYWORD];

    (void)snprintf(keyword, sizeof keyword, "%s%d%s", root, axis, rest);
    fits_update_key_dbl(file, keyword, value, -sf_fits_digits(value), NULL, code);
}

/* Numbers that a description leaves out have a value all the same, which is now to change: CRPIX 0,
 * CDELT 1. */
static void add_missing_world(fitsfile *file, const char *alternate, int *code)
{
    bool matrix = false;

    for (int i = 1; i <= IMAGE_AXES; i++)
        for (int j = 1; j <= IMAGE_AXES; j++) {
            char rest[4];
            (void)snprintf(rest, sizeof rest, "_%d%s", j, alternate);
            matrix = matrix || has(file, "CD", i, rest);
        }
    for (int n = 1; n <= IMAGE_AXES; n++) {
        if (!has(file, "CRVAL", n, alternate) && !has(file, "CTYPE", n, alternate)) continue;
        if (!has(file, "CRPIX", n, alternate)) add(file, "CRPIX", n, alternate, 0.0, code);
        if (!matrix && !has(file, "CDELT", n, alternate))
            add(file, "CDELT", n, alternate, 1.0, code);
    }
}

/* Of IRAF's, LTV 0 and LTM 1. */
static void add_missing_physical(fitsfile *file, int *code)
{
    static const char *const diagonal[] = {"_1", "_2"};
    bool there = false;

    for (int n = 1; n <= IMAGE_AXES; n++)
        there = there || has(file, "LTV", n, "") || has(file, "LTM", n, diagonal[n - 1]);
    for (int n = 1; n <= IMAGE_AXES && there; n++) {
        if (!has(file, "LTV", n, "")) add(file, "LTV", n, "", 0.0, code);
        if (!has(file, "LTM", n, diagonal[n - 1])) add(file, "LTM", n, diagonal[n - 1], 1.0, code);
    }
}

static void refine_header(fitsfile *file, double factor, int *code)
{
    bool dropped = false;
    int cards = 0;

    add_missing_world(file, "", code);
    for (const char *letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"; *letter != '\0'; letter++)
        add_missing_world(file, (const char[]){*letter, '\0'}, code);
    add_missing_physical(file, code);
    fits_get_hdrspace(file, &cards, NULL, code);
    for (int i = cards; i >= 1 && *code == 0; i--) {
        if (!refine_card(file, i, factor, code)) continue;
        fits_delete_record(file, i, code);
        dropped = true;
    }
    if (dropped)
        fits_write_history(
            file, "Distortions by tables in pixels (CPDIS, CQDIS, D2IM) were left out.", code);
}

sf_status sf_fits_writer_refine(sf_fits_writer *writer, size_t factor)
{
    sf_status status = SF_OK;
    int code = 0;

    if (factor == 0 || writer->parts == 0)
        return sf_fail(SF_ERR_ARGUMENT,
                       "%s: a header for cells %zu times finer: add an image first, and give a "
                       "factor from 1 on",
                       writer->path, factor);
    if (factor == 1) return SF_OK;
    sf_cfitsio_lock();
    refine_header(writer->file, (double)factor, &code);
    if (code != 0) status = sf_fits_part_fail(writer, code, "the header cannot be composed");
    sf_cfitsio_unlock();
    if (status != SF_OK) writer->failed = status;
    return status;
}
