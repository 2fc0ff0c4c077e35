/* fits_scan.c - the structure of a FITS file from its bytes alone (FITS standard 4.0, sections
 * 3, 4, 7 and 10), before CFITSIO sees it.
 *
 * CFITSIO opens a header that claims terabytes, and divides by a tile size of zero. So the walk
 * to the wanted HDU is made here first, and every size is checked against the file. */
#include "io/fits_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NOT_THERE (-1LL)
#define MAX_HDUS  100000

/* The cards that say how large an HDU is. */
typedef struct header {
    size_t start, end; /* bytes of the header, whole blocks */
    bool extension, table, columns, binary, groups, compressed;
    long long bitpix, axes, pcount, gcount, theap, fields;
    long long axis[SF_FITS_MAX_AXES];
    long long zbitpix, zaxes;
    long long zaxis[SF_FITS_MAX_AXES], ztile[SF_FITS_MAX_AXES], zval[2], zdither;
    bool old_rice; /* ZNAME2 is NOISEBIT: ZVAL2 is not the word size */
    char codec[FLEN_VALUE];
    char name[FLEN_VALUE];
    long long version;
} header;

/* Which HDU is wanted. */
typedef struct wish {
    bool any, by_number;
    long long number, version; /* version: NOT_THERE for the first of that name */
    char name[FLEN_VALUE];
} wish;

/* ---- cards ---------------------------------------------------------------------------------- */

/* Also without the blank that the standard demands, as CFITSIO reads it. */
static bool has_value(const char *card) { return card[8] == '='; }

static const char *value_of(const char *card)
{
    const char *value = card + 9;

    while (*value == ' ') value++;
    return value;
}

/* An integer value: blanks, digits, then blanks or a comment. */
static bool card_integer(const char *card, long long *value)
{
    const char *start = value_of(card);
    char *end;

    if (!isdigit((unsigned char)*start) && *start != '-' && *start != '+') return false;
    errno = 0;
    *value = strtoll(start, &end, 10);
    if (end == start || errno != 0) return false;
    while (*end == ' ') end++;
    return *end == '\0' || *end == '/';
}

static bool card_true(const char *card) { return *value_of(card) == 'T'; }

/* A string value without quotes and trailing blanks; '' stands for one quote. */
static void card_string(const char *card, char text[FLEN_VALUE])
{
    const char *p = value_of(card);
    size_t n = 0;

    if (*p == '\'')
        for (p++; *p != '\0' && n < FLEN_VALUE - 1; p++) {
            if (*p == '\'' && *++p != '\'') break;
            text[n++] = *p;
        }
    while (n > 0 && text[n - 1] == ' ') n--;
    text[n] = '\0';
}

static bool is_keyword(const char *card, const char *keyword)
{
    const size_t n = strlen(keyword);

    if (strncmp(card, keyword, n) != 0) return false;
    for (size_t i = n; i < 8; i++)
        if (card[i] != ' ') return false;
    return true;
}

/* The n of a keyword such as NAXISn, 1 .. 999; 0 when the card is another. */
static int keyword_index(const char *card, const char *root)
{
    const size_t n = strlen(root);
    int index = 0;

    if (strncmp(card, root, n) != 0) return 0;
    for (size_t i = n; i < 8 && card[i] != ' '; i++) {
        if (!isdigit((unsigned char)card[i])) return 0;
        index = index * 10 + (card[i] - '0');
    }
    return index;
}

/* ---- one header ------------------------------------------------------------------------------ */

typedef struct slot {
    const char *keyword;
    long long *value;
    int count; /* 0: a keyword without an index */
} slot;

/* A second, different value would let two readers see two different files. */
static sf_status store_integer(const char *path, const char *card, long long *place)
{
    long long value;

    if (!card_integer(card, &value))
        return sf_fail(SF_ERR_FORMAT, "%s: the header's %.8s is not an integer", path, card);
    if (*place != NOT_THERE && *place != value)
        return sf_fail(SF_ERR_FORMAT, "%s: the header has two different values of %.8s: %lld, %lld",
                       path, card, *place, value);
    if (value == NOT_THERE)
        return sf_fail(SF_ERR_FORMAT, "%s: the header's %.8s is %lld", path, card, value);
    *place = value;
    return SF_OK;
}

static sf_status take_integer(const char *path, const char *card, header *h)
{
    const slot slots[] = {
        {"BITPIX", &h->bitpix, 0},
        {"NAXIS", &h->axes, 0},
        {"NAXIS", h->axis, SF_FITS_MAX_AXES},
        {"PCOUNT", &h->pcount, 0},
        {"GCOUNT", &h->gcount, 0},
        {"THEAP", &h->theap, 0},
        {"TFIELDS", &h->fields, 0},
        {"ZBITPIX", &h->zbitpix, 0},
        {"ZNAXIS", &h->zaxes, 0},
        {"ZNAXIS", h->zaxis, SF_FITS_MAX_AXES},
        {"ZTILE", h->ztile, SF_FITS_MAX_AXES},
        {"ZDITHER0", &h->zdither, 0},
    };

    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        const slot *s = &slots[i];
        if (s->count == 0) {
            if (is_keyword(card, s->keyword)) return store_integer(path, card, s->value);
        } else {
            const int n = keyword_index(card, s->keyword);
            if (n >= 1 && n <= s->count) return store_integer(path, card, &s->value[n - 1]);
        }
    }
    return SF_OK;
}

/* CFITSIO reads these as integers, and a long value that is none overflows its error message. */
static sf_status check_number(const char *path, const char *card)
{
    const char *value = value_of(card);
    const size_t length = strspn(value, "0123456789+-.EDed");

    if (keyword_index(card, "ZVAL") == 0 && !is_keyword(card, "BLANK") &&
        !is_keyword(card, "ZBLANK"))
        return SF_OK;
    if (length <= 28 && (value[length] == ' ' || value[length] == '/' || value[length] == '\0'))
        return SF_OK;
    return sf_fail(SF_ERR_FORMAT, "%s: the header's %.8s is not a number", path, card);
}

/* ZVAL1, ZVAL2 are integers for Rice only; EXTVER need not be one: both are left out when not. */
static void take_optional(const char *card, header *h)
{
    long long value;
    const int n = keyword_index(card, "ZVAL");

    if (n >= 1 && n <= 2 && card_integer(card, &value)) h->zval[n - 1] = value;
    if (is_keyword(card, "EXTVER") && card_integer(card, &value)) h->version = value;
}

static sf_status take_card(const char *path, const char *card, header *h)
{
    char text[FLEN_VALUE];

    /* CFITSIO would take it for a keyword, which may be one of those looked for here. */
    if (memchr(card, '=', 8) != NULL)
        return sf_fail(SF_ERR_FORMAT, "%s: a header card has its = before column 9", path);
    if (!has_value(card)) return SF_OK;
    if (is_keyword(card, "XTENSION")) {
        card_string(card, text);
        h->extension = true;
        h->binary = strcmp(text, "BINTABLE") == 0 || strcmp(text, "A3DTABLE") == 0;
        h->columns = h->binary || strcmp(text, "TABLE") == 0;
        h->table = strcmp(text, "IMAGE") != 0 && strcmp(text, "IUEIMAGE") != 0;
    } else if (is_keyword(card, "GROUPS")) {
        h->groups = card_true(card);
    } else if (is_keyword(card, "ZIMAGE")) {
        h->compressed = card_true(card);
    } else if (is_keyword(card, "ZCMPTYPE")) {
        card_string(card, h->codec);
    } else if (is_keyword(card, "ZNAME2")) {
        card_string(card, text);
        h->old_rice = strcmp(text, "NOISEBIT") == 0;
    } else if (is_keyword(card, "EXTNAME")) {
        card_string(card, h->name);
    }
    SF_TRY(check_number(path, card));
    take_optional(card, h);
    return take_integer(path, card, h);
}

/* A table's second to eighth cards (FITS standard 4.0, sections 7.2.1 and 7.3.1). Where one is
 * another, CFITSIO takes memory for a number of columns that it has not read. */
static sf_status check_order(const char *path, int number, const char *card, size_t index)
{
    static const char *const order[] = {"BITPIX", "NAXIS",  "NAXIS1", "NAXIS2",
                                        "PCOUNT", "GCOUNT", "TFIELDS"};

    if (index < 1 || index > sizeof order / sizeof order[0]) return SF_OK;
    if (is_keyword(card, order[index - 1]) && has_value(card)) return SF_OK;
    return sf_fail(SF_ERR_FORMAT, "%s, HDU %d: card %zu of the table's header is not %s", path,
                   number, index + 1, order[index - 1]);
}

static void header_clear(header *h, size_t start)
{
    memset(h, 0, sizeof *h);
    h->start = start;
    h->version = 1;
    h->bitpix = h->axes = h->pcount = h->gcount = h->theap = h->fields = NOT_THERE;
    h->zbitpix = h->zaxes = h->zdither = h->zval[0] = h->zval[1] = NOT_THERE;
    for (int i = 0; i < SF_FITS_MAX_AXES; i++) h->axis[i] = h->zaxis[i] = h->ztile[i] = NOT_THERE;
}

/* CFITSIO finds keywords in small letters, too. */
static char upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c; }

/* Reads blocks until END. */
static sf_status header_read(const sf_fits_source *source, size_t start, int number, header *h)
{
    char block[SF_FITS_BLOCK], card[FLEN_CARD];

    header_clear(h, start);
    for (size_t offset = start;; offset += SF_FITS_BLOCK) {
        if (offset > source->bytes || source->bytes - offset < SF_FITS_BLOCK)
            return sf_fail(
                SF_ERR_FORMAT,
                "%s, HDU %d: the header has no END card before the file's end (%zu bytes)",
                source->path, number, source->bytes);
        SF_TRY(sf_fits_source_read(source, offset, sizeof block, block));
        for (size_t i = 0; i < sizeof block; i += SF_FITS_CARD) {
            memcpy(card, block + i, SF_FITS_CARD);
            card[SF_FITS_CARD] = '\0';
            if (is_keyword(card, "END")) {
                h->end = offset + SF_FITS_BLOCK;
                return SF_OK;
            }
            for (size_t k = 0; k < 8; k++) card[k] = upper(card[k]);
            SF_TRY(take_card(source->path, card, h));
            if (h->columns)
                SF_TRY(
                    check_order(source->path, number, card, (offset - start + i) / SF_FITS_CARD));
        }
    }
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static bool known_bitpix(long long bitpix)
{
    return bitpix == 8 || bitpix == 16 || bitpix == 32 || bitpix == 64 || bitpix == -32 ||
           bitpix == -64;
}

static size_t pixel_bytes(long long bitpix) { return (size_t)(bitpix < 0 ? -bitpix : bitpix) / 8; }

/* shape and *product from `axes` header values; false when one is absent, negative, or the
 * product overflows. No axes: product 0. */
static bool take_shape(const long long *axis, long long axes, size_t *shape, size_t *product)
{
    bool empty = axes == 0;

    *product = 1;
    for (long long i = 0; i < axes; i++) {
        if (axis[i] < 0) return false;
        shape[i] = (size_t)axis[i];
        if (shape[i] == 0) empty = true;
        if (!empty && !sf_multiply_sizes(*product, shape[i], product)) return false;
    }
    if (empty) *product = 0;
    return true;
}

/* Size of the data: |BITPIX|/8 GCOUNT (PCOUNT + NAXIS1 ... NAXISn), random groups without
 * their NAXIS1 = 0. */
static bool data_size(const header *h, size_t *size)
{
    const size_t pcount = h->pcount == NOT_THERE ? 0 : (size_t)h->pcount;
    const size_t gcount = h->gcount == NOT_THERE ? 1 : (size_t)h->gcount;
    const bool groups = h->groups && !h->extension && h->axes > 1 && h->axis[0] == 0;
    size_t shape[SF_FITS_MAX_AXES], values;

    if (!take_shape(h->axis + groups, h->axes - groups, shape, &values)) return false;
    if (!h->extension && !groups) return sf_multiply_sizes(values, pixel_bytes(h->bitpix), size);
    return !__builtin_add_overflow(values, pcount, &values) &&
           sf_multiply_sizes(values, gcount, &values) &&
           sf_multiply_sizes(values, pixel_bytes(h->bitpix), size);
}

/* What every HDU on the way must satisfy. */
static sf_status check_sizes(const sf_fits_source *source, int number, const header *h,
                             sf_fits_hdu *hdu)
{
    const char *path = source->path;

    if (!known_bitpix(h->bitpix))
        return sf_fail(SF_ERR_FORMAT, "%s, HDU %d: BITPIX is %s", path, number,
                       h->bitpix == NOT_THERE ? "missing" : "not one of 8, 16, 32, 64, -32, -64");
    if (h->axes < 0 || h->axes > SF_FITS_MAX_AXES)
        return sf_fail(h->axes < 0 ? SF_ERR_FORMAT : SF_ERR_UNSUPPORTED,
                       "%s, HDU %d: NAXIS is missing or outside 0 .. %d", path, number,
                       SF_FITS_MAX_AXES);
    if ((h->pcount != NOT_THERE && h->pcount < 0) || (h->gcount != NOT_THERE && h->gcount < 0) ||
        !data_size(h, &hdu->size))
        return sf_fail(SF_ERR_FORMAT,
                       "%s, HDU %d: the axes in the header are missing, negative or too large",
                       path, number);
    if (h->columns && (h->fields < 0 || h->fields > 999))
        return sf_fail(SF_ERR_FORMAT, "%s, HDU %d: TFIELDS is missing or outside 0 .. 999", path,
                       number);
    if (hdu->size > source->bytes || hdu->data > source->bytes - hdu->size)
        return sf_fail(SF_ERR_FORMAT,
                       "%s, HDU %d: the header describes %zu bytes of data, but the file has %zu: "
                       "truncated or damaged",
                       path, number, hdu->size,
                       source->bytes > hdu->data ? source->bytes - hdu->data : 0);
    return SF_OK;
}

/* ---- compressed images ----------------------------------------------------------------------- */

static sf_fits_codec find_codec(const char *name)
{
    static const struct {
        const char *name;
        sf_fits_codec codec;
    } list[] = {{"RICE_1", SF_CODEC_RICE},           {"RICE_ONE", SF_CODEC_RICE},
                {"GZIP_1", SF_CODEC_GZIP},           {"GZIP_2", SF_CODEC_GZIP},
                {"HCOMPRESS_1", SF_CODEC_HCOMPRESS}, {"PLIO_1", SF_CODEC_PLIO}};

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (strcmp(name, list[i].name) == 0) return list[i].codec;
    return SF_CODEC_NONE;
}

/* Rice: block of 1 .. 4096 pixels, word of 1, 2 or 4 bytes; floats are coded as 4-byte words. */
static bool take_rice(const header *h, sf_fits_hdu *hdu)
{
    const long long word = h->old_rice || h->zval[1] == NOT_THERE ? 4 : h->zval[1];

    hdu->rice_word = (size_t)word;
    hdu->rice_block = (size_t)h->zval[0];
    return h->zval[0] >= 1 && h->zval[0] <= 4096 && (word == 1 || word == 2 || word == 4) &&
           (h->zbitpix > 0 || word == 4);
}

/* Tile sizes, and how many tiles there are. Tiles larger than the image are allowed (a writer's
 * default), within reason: CFITSIO allocates whole ones. */
static bool take_tiles(const header *h, sf_fits_hdu *hdu, size_t *tiles)
{
    size_t volume = 1;

    *tiles = 1;
    for (int i = 0; i < hdu->axes; i++) {
        const long long given = h->ztile[i];
        if (given != NOT_THERE && given < 1) return false;
        hdu->tile[i] = given != NOT_THERE ? (size_t)given : i == 0 ? hdu->shape[0] : 1;
        if (!sf_multiply_sizes(volume, hdu->tile[i], &volume) ||
            !sf_multiply_sizes(*tiles, (hdu->shape[i] - 1) / hdu->tile[i] + 1, tiles))
            return false;
    }
    return volume <= INT32_MAX / 8 && (volume <= 65536 || volume / 4 <= hdu->pixels);
}

static sf_status check_compressed(const char *path, const header *h, sf_fits_hdu *hdu)
{
    size_t tiles = 0, main_table;

    hdu->codec = find_codec(h->codec);
    if (hdu->codec == SF_CODEC_NONE)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "%s, HDU %d: the compression '%.20s' is unknown (RICE_1, GZIP_1, GZIP_2, "
                       "HCOMPRESS_1, PLIO_1 are read)",
                       path, hdu->number, h->codec);
    if (!known_bitpix(h->zbitpix) || h->zaxes < 1 || h->zaxes > MAX_COMPRESS_DIM ||
        !take_shape(h->zaxis, h->zaxes, hdu->shape, &hdu->pixels) || hdu->pixels == 0)
        return sf_fail(SF_ERR_FORMAT, "%s, HDU %d: the size of the compressed image is damaged",
                       path, hdu->number);
    hdu->bitpix = (int)h->zbitpix;
    hdu->axes = (int)h->zaxes;
    if (h->axes != 2 || !take_tiles(h, hdu, &tiles) || tiles != (size_t)h->axis[1])
        return sf_fail(SF_ERR_FORMAT,
                       "%s, HDU %d: the tiles of the compressed image are damaged: %zu tiles in a "
                       "table of %lld rows",
                       path, hdu->number, tiles, h->axis[1]);
    if (hdu->codec == SF_CODEC_RICE && !take_rice(h, hdu))
        return sf_fail(SF_ERR_FORMAT, "%s, HDU %d: the Rice parameters ZVAL1, ZVAL2 are damaged",
                       path, hdu->number);
    if (h->zdither != NOT_THERE && (h->zdither < 1 || h->zdither > 10000))
        return sf_fail(SF_ERR_FORMAT, "%s, HDU %d: ZDITHER0 is %lld, outside 1 .. 10000", path,
                       hdu->number, h->zdither);
    main_table = (size_t)h->axis[0] * (size_t)h->axis[1]; /* within hdu->size */
    if (h->theap != NOT_THERE &&
        (h->theap < 0 || (size_t)h->theap < main_table || (size_t)h->theap > hdu->size))
        return sf_fail(SF_ERR_FORMAT, "%s, HDU %d: the heap starts at %lld, outside the data", path,
                       hdu->number, h->theap);
    hdu->rows = tiles;
    hdu->heap = hdu->size - (h->theap == NOT_THERE ? main_table : (size_t)h->theap);
    return SF_OK;
}

/* A table of rows; its columns are checked by who reads them. */
static sf_status check_table(const char *path, const header *h, sf_fits_hdu *hdu)
{
    if (h->axes != 2 || h->bitpix != 8)
        return sf_fail(SF_ERR_FORMAT,
                       "%s, HDU %d: a table has BITPIX 8 and two axes, not %lld and %lld", path,
                       hdu->number, h->bitpix, h->axes);
    hdu->table = true;
    hdu->row = (size_t)h->axis[0];
    hdu->rows = (size_t)h->axis[1];
    hdu->columns = (size_t)h->fields;
    return SF_OK;
}

/* Every HDU is described, image or not. */
static sf_status describe(const sf_fits_source *source, int number, const header *h,
                          sf_fits_hdu *hdu)
{
    memset(hdu, 0, sizeof *hdu);
    hdu->number = number;
    hdu->version = h->version;
    memcpy(hdu->name, h->name, sizeof hdu->name);
    hdu->header = h->start;
    hdu->data = h->end;
    SF_TRY(check_sizes(source, number, h, hdu));
    hdu->bitpix = (int)h->bitpix;
    hdu->axes = (int)h->axes;
    if (h->table && h->compressed) {
        hdu->image = true;
        return check_compressed(source->path, h, hdu);
    }
    if (h->binary) return check_table(source->path, h, hdu);
    hdu->image = !h->table && !(h->groups && h->axes > 0 && h->axis[0] == 0);
    if (hdu->image) (void)take_shape(h->axis, h->axes, hdu->shape, &hdu->pixels);
    return SF_OK;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static sf_status take_wish(const sf_fits_source *source, wish *w)
{
    const char *text = source->selector, *comma;
    size_t length;
    char *end;

    *w = (wish){.any = text == NULL, .version = NOT_THERE};
    if (w->any) return SF_OK;
    comma = strchr(text, ',');
    if (comma != NULL) {
        w->version = strtoll(comma + 1, &end, 10);
        if (end == comma + 1 || *end != '\0' || w->version < 0) goto bad;
    }
    length = comma != NULL ? (size_t)(comma - text) : strlen(text);
    if (length == 0 || length >= sizeof w->name) goto bad;
    memcpy(w->name, text, length);
    w->by_number = comma == NULL && strspn(w->name, "0123456789") == length;
    w->number = w->by_number ? strtoll(w->name, NULL, 10) : 0;
    return SF_OK;
bad:
    return sf_fail(
        SF_ERR_ARGUMENT,
        "%s[%s]: give an HDU by its number, [1], or by name and version, [SCI] or [SCI,2]",
        source->path, text);
}

static bool is_wanted(const wish *w, sf_fits_kind kind, const sf_fits_hdu *hdu)
{
    if (w->any) return kind == SF_FITS_TABLE ? hdu->table : hdu->image && hdu->pixels > 0;
    if (w->by_number) return hdu->number == w->number;
    return strcasecmp(w->name, hdu->name) == 0 &&
           (w->version == NOT_THERE || w->version == hdu->version);
}

static sf_status not_found(const sf_fits_source *source, sf_fits_kind kind, int hdus)
{
    if (source->selector == NULL)
        return sf_fail(SF_ERR_FORMAT, "%s: holds no %s (%d HDU%s looked at)", source->path,
                       kind == SF_FITS_TABLE ? "binary table" : "image with pixels", hdus,
                       hdus == 1 ? "" : "s");
    return sf_fail(SF_ERR_ARGUMENT, "%s: has no HDU [%s] (%d HDU%s, counted from 0)", source->path,
                   source->selector, hdus, hdus == 1 ? "" : "s");
}

static sf_status check_kind(const sf_fits_source *source, sf_fits_kind kind, const sf_fits_hdu *hdu)
{
    if (kind == SF_FITS_TABLE && !hdu->table)
        return sf_fail(SF_ERR_FORMAT, "%s, HDU %d: is no binary table", source->path, hdu->number);
    if (kind == SF_FITS_TABLE) return SF_OK;
    if (!hdu->image)
        return sf_fail(SF_ERR_FORMAT, "%s, HDU %d: is a table, not an image", source->path,
                       hdu->number);
    if (hdu->pixels == 0)
        return sf_fail(SF_ERR_FORMAT, "%s, HDU %d: the image has no pixels", source->path,
                       hdu->number);
    if (hdu->pixels > SF_FITS_MAX_PIXELS)
        return sf_fail(SF_ERR_UNSUPPORTED, "%s, HDU %d: %zu pixels are more than the %zu allowed",
                       source->path, hdu->number, hdu->pixels, (size_t)SF_FITS_MAX_PIXELS);
    return SF_OK;
}

sf_status sf_fits_scan(const sf_fits_source *source, sf_fits_kind kind, sf_fits_hdu *hdu)
{
    char start[9] = "";
    size_t offset = 0;
    wish w;
    int number;

    SF_TRY(take_wish(source, &w));
    if (source->bytes >= SF_FITS_BLOCK) SF_TRY(sf_fits_source_read(source, 0, 8, start));
    if (strcmp(start, "SIMPLE  ") != 0)
        return sf_fail(SF_ERR_FORMAT,
                       "%s: is not a FITS file (%zu bytes that do not start with "
                       "SIMPLE)",
                       source->path, source->bytes);
    for (number = 0; number < MAX_HDUS; number++) {
        header h;
        if (number > 0) { /* bytes after the last HDU that are no extension are allowed */
            if (offset > source->bytes || source->bytes - offset < SF_FITS_BLOCK) break;
            SF_TRY(sf_fits_source_read(source, offset, 8, start));
            if (strcmp(start, "XTENSION") != 0) break;
        }
        SF_TRY(header_read(source, offset, number, &h));
        SF_TRY(describe(source, number, &h, hdu));
        if (is_wanted(&w, kind, hdu)) return check_kind(source, kind, hdu);
        offset = hdu->data + (hdu->size + SF_FITS_BLOCK - 1) / SF_FITS_BLOCK * SF_FITS_BLOCK;
    }
    return not_found(source, kind, number);
}
