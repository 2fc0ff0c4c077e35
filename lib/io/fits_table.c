/* fits_table.c - columns of numbers from binary tables (FITS standard 4.0, section 7.3).
 *
 * The scan has found the table and checked its size; here the columns are laid out from the
 * header, and values are read from the file's own bytes. CFITSIO parses header cards only, so that
 * what a damaged table says about itself is checked in one place. */
#include "io/fits_internal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BUFFER ((size_t)1 << 20)

typedef struct table_column {
    char name[FLEN_VALUE], unit[FLEN_VALUE], form[FLEN_VALUE];
    char type;
    size_t repeat, offset, bytes; /* values of a cell, its place in the row, bytes */
    double scale, zero, null;     /* null: NaN without one */
} table_column;

struct sf_table {
    sf_fits_source source;
    sf_fits_hdu hdu;
    sf_fits header; /* cards only */
    table_column *column;
};

/* ---- the header ------------------------------------------------------------------------------ */

static sf_status read_cards(sf_table *t)
{
    const size_t room = (t->hdu.data - t->hdu.header) / SF_FITS_CARD;
    char block[SF_FITS_BLOCK];

    SF_TRY(sf_allocate(&t->header.card, room, sizeof t->header.card[0]));
    for (size_t at = t->hdu.header; at < t->hdu.data; at += SF_FITS_BLOCK) {
        SF_TRY(sf_fits_source_read(&t->source, at, sizeof block, block));
        for (size_t i = 0; i < sizeof block; i += SF_FITS_CARD) {
            char *card = t->header.card[t->header.cards];
            memcpy(card, block + i, SF_FITS_CARD); /* the memory is zeroed: it ends */
            if (strncmp(card, "END     ", 8) == 0) return SF_OK;
            for (size_t k = 0; k < SF_FITS_CARD; k++)
                if (card[k] < ' ' || card[k] > '~') card[k] = ' ';
            t->header.cards++;
        }
    }
    return SF_OK;
}

/* The column that a card such as TFORM12 is about; NULL when it is another card. */
static table_column *column_of(const sf_table *t, const char *card, const char *root)
{
    const size_t length = strlen(root);
    size_t number = 0;

    if (strncasecmp(card, root, length) != 0) return NULL;
    for (size_t i = length; i < 8 && card[i] != ' '; i++) {
        if (!isdigit((unsigned char)card[i])) return NULL;
        number = number * 10 + (size_t)(card[i] - '0');
    }
    return number >= 1 && number <= t->hdu.columns ? &t->column[number - 1] : NULL;
}

static void take_text(const sf_table *t, const char *card)
{
    table_column *c;

    if ((c = column_of(t, card, "TTYPE")) != NULL)
        (void)sf_fits_card_text(card, c->name);
    else if ((c = column_of(t, card, "TUNIT")) != NULL)
        (void)sf_fits_card_text(card, c->unit);
    else if ((c = column_of(t, card, "TFORM")) != NULL)
        (void)sf_fits_card_text(card, c->form);
}

static void take_number(const sf_table *t, const char *card)
{
    table_column *c;

    if ((c = column_of(t, card, "TSCAL")) != NULL)
        (void)sf_fits_card_number(card, &c->scale);
    else if ((c = column_of(t, card, "TZERO")) != NULL)
        (void)sf_fits_card_number(card, &c->zero);
    else if ((c = column_of(t, card, "TNULL")) != NULL)
        (void)sf_fits_card_number(card, &c->null);
}

static sf_status take_cards(sf_table *t)
{
    SF_TRY(sf_allocate(&t->column, t->hdu.columns, sizeof *t->column));
    for (size_t i = 0; i < t->hdu.columns; i++) {
        t->column[i].scale = 1.0;
        t->column[i].null = NAN;
    }
    sf_cfitsio_lock();
    for (size_t i = 0; i < t->header.cards; i++) {
        const char *card = t->header.card[i];
        if (card[8] != '=' || toupper((unsigned char)card[0]) != 'T') continue;
        take_text(t, card);
        take_number(t, card);
    }
    fits_clear_errmsg();
    sf_cfitsio_unlock();
    return SF_OK;
}

/* ---- columns --------------------------------------------------------------------------------- */

/* Bits of one value of a type of the standard's table 18; 0: there is none such. */
static size_t type_bits(char type)
{
    switch (type) {
    case 'X': return 1;
    case 'L':
    case 'B':
    case 'A': return 8;
    case 'I': return 16;
    case 'J':
    case 'E': return 32;
    case 'K':
    case 'D':
    case 'C':
    case 'P': return 64;
    case 'M':
    case 'Q': return 128;
    default: return 0;
    }
}

/* "3D": repeat and type; one value without a number. */
static bool parse_form(table_column *c)
{
    const char *text = c->form;
    size_t bits;

    c->repeat = isdigit((unsigned char)*text) ? 0 : 1;
    for (; isdigit((unsigned char)*text); text++)
        if (!sf_multiply_sizes(c->repeat, 10, &c->repeat) ||
            __builtin_add_overflow(c->repeat, (size_t)(*text - '0'), &c->repeat))
            return false;
    c->type = (char)toupper((unsigned char)*text);
    if (type_bits(c->type) == 0 || !sf_multiply_sizes(c->repeat, type_bits(c->type), &bits))
        return false;
    c->bytes = bits / 8 + (bits % 8 > 0);
    return true;
}

static sf_status lay_out(sf_table *t)
{
    size_t offset = 0;

    for (size_t i = 0; i < t->hdu.columns; i++) {
        table_column *c = &t->column[i];
        if (!parse_form(c))
            return sf_fail(SF_ERR_FORMAT, "%s, HDU %d: TFORM%zu = '%.20s' is no format of a column",
                           t->source.path, t->hdu.number, i + 1, c->form);
        c->offset = offset;
        if (__builtin_add_overflow(offset, c->bytes, &offset) || offset > t->hdu.row) break;
    }
    if (offset == t->hdu.row) return SF_OK;
    return sf_fail(SF_ERR_FORMAT,
                   "%s, HDU %d: the table's rows have %zu bytes, but its columns say otherwise",
                   t->source.path, t->hdu.number, t->hdu.row);
}

sf_status sf_table_open(const char *path, sf_table **table)
{
    sf_table *t;
    sf_status status;

    *table = NULL;
    SF_TRY(sf_allocate(&t, 1, sizeof *t));
    t->source.fd = -1;
    SF_GO(sf_fits_source_open(path, &t->source));
    SF_GO(sf_fits_scan(&t->source, SF_FITS_TABLE, &t->hdu));
    SF_GO(read_cards(t));
    SF_GO(take_cards(t));
    SF_GO(lay_out(t));
done:
    if (status != SF_OK) sf_table_release(&t);
    *table = t;
    return status;
}

void sf_table_release(sf_table **table)
{
    if (table == NULL || *table == NULL) return;
    sf_fits_source_close(&(*table)->source);
    sf_free((*table)->header.card);
    sf_free((*table)->column);
    sf_free(*table);
    *table = NULL;
}

size_t sf_table_rows(const sf_table *table) { return table->hdu.rows; }

size_t sf_table_columns(const sf_table *table) { return table->hdu.columns; }

const sf_fits *sf_table_header(const sf_table *table) { return &table->header; }

const char *sf_table_name(const sf_table *table, size_t column)
{
    return column < table->hdu.columns ? table->column[column].name : NULL;
}

const char *sf_table_unit(const sf_table *table, size_t column)
{
    return column < table->hdu.columns ? table->column[column].unit : NULL;
}

bool sf_table_find(const sf_table *table, const char *name, size_t *column)
{
    for (size_t i = 0; i < table->hdu.columns; i++) {
        if (strcasecmp(table->column[i].name, name) != 0) continue;
        *column = i;
        return true;
    }
    return false;
}

/* ---- values ---------------------------------------------------------------------------------- */

static uint64_t take_bits(const unsigned char *bytes, size_t count)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < count; i++) bits = bits << 8 | bytes[i];
    return bits;
}

static double take_float(const unsigned char *bytes)
{
    const uint32_t bits = (uint32_t)take_bits(bytes, 4);
    float value;

    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static double take_double(const unsigned char *bytes)
{
    const uint64_t bits = take_bits(bytes, 8);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static double take_value(const table_column *c, const unsigned char *bytes)
{
    double value;

    switch (c->type) {
    case 'E': value = take_float(bytes); break;
    case 'D': value = take_double(bytes); break;
    case 'B': value = (double)bytes[0]; break;
    case 'I': value = (double)(int16_t)take_bits(bytes, 2); break;
    case 'J': value = (double)(int32_t)take_bits(bytes, 4); break;
    default: value = (double)(int64_t)take_bits(bytes, 8); break;
    }
    if (c->type != 'E' && c->type != 'D' && value == c->null) return NAN;
    value = c->zero + c->scale * value;
    return isfinite(value) ? value : NAN;
}

/* Rows from `first` on, from bytes that begin with the first one's cell. */
static void take_rows(const sf_table *t, const table_column *c, const unsigned char *bytes,
                      size_t count, double *values)
{
    const size_t size = type_bits(c->type) / 8;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < c->repeat; k++)
            *values++ = take_value(c, bytes + i * t->hdu.row + k * size);
}

static sf_status check_column(const sf_table *t, const table_column *c, const size_t *width)
{
    if (strchr("BIJKED", c->type) == NULL || c->repeat == 0)
        return sf_fail(SF_ERR_UNSUPPORTED, "%s, HDU %d: column %s ('%.20s') does not hold numbers",
                       t->source.path, t->hdu.number, c->name, c->form);
    if (width == NULL && c->repeat != 1)
        return sf_fail(SF_ERR_SHAPE, "%s, HDU %d: column %s has %zu values in each row, not one",
                       t->source.path, t->hdu.number, c->name, c->repeat);
    return SF_OK;
}

/* Reads whole spans of rows, or, of rows that are longer than the buffer, the cells alone. */
static sf_status read_rows(const sf_table *t, const table_column *c, double *values)
{
    const size_t rows = t->hdu.rows, most = t->hdu.row < BUFFER ? BUFFER / t->hdu.row : 1;
    unsigned char *buffer;
    sf_status status;

    SF_TRY(sf_allocate(&buffer, most > 1 ? BUFFER : c->bytes, 1));
    for (size_t first = 0, count; first < rows; first += count) {
        count = rows - first < most ? rows - first : most;
        SF_GO(sf_fits_source_read(&t->source, t->hdu.data + first * t->hdu.row + c->offset,
                                  (count - 1) * t->hdu.row + c->bytes, buffer));
        take_rows(t, c, buffer, count, values + first * c->repeat);
    }
    status = SF_OK;
done:
    sf_free(buffer);
    return status;
}

sf_status sf_table_column(const sf_table *table, size_t column, double **values, size_t *width)
{
    const table_column *c;
    size_t count = 0;
    sf_status status;

    *values = NULL;
    if (column >= table->hdu.columns)
        return sf_fail(SF_ERR_ARGUMENT, "%s, HDU %d: the table has %zu columns, and none %zu",
                       table->source.path, table->hdu.number, table->hdu.columns, column);
    c = &table->column[column];
    SF_TRY(check_column(table, c, width));
    if (!sf_multiply_sizes(table->hdu.rows, c->repeat, &count))
        return sf_fail(SF_ERR_MEMORY, "%s: column %s is too long", table->source.path, c->name);
    SF_TRY(sf_allocate(values, count, sizeof **values));
    status = read_rows(table, c, *values);
    if (status != SF_OK) {
        sf_free(*values);
        *values = NULL;
    } else if (width != NULL) {
        *width = c->repeat;
    }
    return status;
}
