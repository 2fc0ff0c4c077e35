/* fits_compose.c - the bytes of a FITS file from its parts, straight to the disk.
 *
 * A header carries the sums of the data below it (FITS standard 4.0, section 4.4.2.7 and appendix
 * J), so the data are made twice: to be summed, and to be written. Both go through one buffer. */
#include "io/fits_internal.h"
#include "io/output.h"

#include <stdio.h>
#include <string.h>

#define BUFFER ((size_t)1 << 20)

/* ---- data ------------------------------------------------------------------------------------ */

static unsigned char *put(unsigned char *bytes, uint64_t bits, int count)
{
    for (int i = count - 1; i >= 0; i--) *bytes++ = (unsigned char)(bits >> 8 * i);
    return bytes;
}

static unsigned char *put_float(unsigned char *bytes, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return put(bytes, bits, 4);
}

static unsigned char *put_double(unsigned char *bytes, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return put(bytes, bits, 8);
}

static size_t cell_bytes(const sf_column *column) { return column->single ? 4 : 8; }

size_t sf_fits_part_item(const sf_fits_part *part)
{
    size_t size = 0;

    switch (part->content) {
    case SF_CONTENT_NONE: return 0;
    case SF_CONTENT_FLOAT: return 4;
    case SF_CONTENT_DOUBLE: return 8;
    case SF_CONTENT_TABLE: break;
    }
    for (size_t i = 0; i < part->columns; i++) size += cell_bytes(&part->column[i]);
    return size;
}

static size_t items_of(const sf_fits_part *part)
{
    if (part->content == SF_CONTENT_NONE) return 0;
    return part->content == SF_CONTENT_TABLE ? part->rows : sf_grid_size(&part->grid);
}

static unsigned char *put_row(unsigned char *bytes, const sf_fits_part *part, size_t row)
{
    for (size_t i = 0; i < part->columns; i++) {
        const sf_column *c = &part->column[i];
        if (c->integers != NULL)
            bytes = put(bytes, (uint64_t)c->integers[row * c->stride], 8);
        else if (c->single)
            bytes = put_float(bytes, (float)c->values[row * c->stride]);
        else
            bytes = put_double(bytes, c->values[row * c->stride]);
    }
    return bytes;
}

/* `count` pixels or rows from `first` on, big-endian; `bytes` is aligned for any value. */
static sf_status make_bytes(const sf_fits_part *part, size_t first, size_t count,
                            unsigned char *bytes)
{
    const float *floats = part->values;
    const double *doubles = part->values;

    if (part->make != NULL) { /* turned around where they are */
        SF_TRY(part->make(part->user, first, count, (void *)bytes));
        floats = (const void *)bytes;
        first = 0;
    }
    switch (part->content) {
    case SF_CONTENT_NONE: break;
    case SF_CONTENT_FLOAT:
        for (size_t i = 0; i < count; i++) bytes = put_float(bytes, floats[first + i]);
        break;
    case SF_CONTENT_DOUBLE:
        for (size_t i = 0; i < count; i++) bytes = put_double(bytes, doubles[first + i]);
        break;
    case SF_CONTENT_TABLE:
        for (size_t i = 0; i < count; i++) bytes = put_row(bytes, part, first + i);
        break;
    }
    return SF_OK;
}

/* The sum of big-endian 32-bit words in ones' complement; whole words only. */
static uint32_t add_words(uint32_t sum, const unsigned char *bytes, size_t size)
{
    uint64_t total = sum;

    for (size_t i = 0; i < size; i += 4)
        total += (uint32_t)bytes[i] << 24 | (uint32_t)bytes[i + 1] << 16 |
                 (uint32_t)bytes[i + 2] << 8 | bytes[i + 3];
    while (total >> 32 != 0) total = (total & UINT32_MAX) + (total >> 32);
    return (uint32_t)total;
}

/* All data of a part: summed, and written where there is an output. Cells are whole words. */
static sf_status stream(const sf_fits_part *part, unsigned char *buffer, uint32_t *sum,
                        sf_output *output)
{
    const size_t item = sf_fits_part_item(part), items = items_of(part);
    const size_t room = item > 0 ? BUFFER / item : 0;
    const size_t excess = item * items % SF_FITS_BLOCK;

    *sum = 0;
    for (size_t done = 0, count; done < items; done += count) {
        count = items - done < room ? items - done : room;
        SF_TRY(make_bytes(part, done, count, buffer));
        *sum = add_words(*sum, buffer, count * item);
        if (output != NULL) SF_TRY(sf_output_write(output, buffer, count * item));
    }
    if (excess == 0 || output == NULL) return SF_OK;
    memset(buffer, 0, SF_FITS_BLOCK);
    return sf_output_write(output, buffer, SF_FITS_BLOCK - excess);
}

/* ---- headers --------------------------------------------------------------------------------- */

typedef struct cards {
    char *text; /* blanks, in whole blocks */
    size_t count, room;
} cards;

/* The caller has made room. */
static void add_card(cards *c, const char *text)
{
    const size_t length = strlen(text);

    memcpy(c->text + SF_FITS_CARD * c->count++, text,
           length < SF_FITS_CARD ? length : SF_FITS_CARD);
}

static void add_number(cards *c, const char *keyword, size_t number)
{
    char text[FLEN_CARD];

    (void)snprintf(text, sizeof text, "%-8s= %20zu", keyword, number);
    add_card(c, text);
}

static void add_shape(cards *c, const sf_fits_part *part)
{
    char keyword[16];

    if (part->content == SF_CONTENT_TABLE) {
        add_number(c, "NAXIS", 2);
        add_number(c, "NAXIS1", sf_fits_part_item(part));
        add_number(c, "NAXIS2", part->rows);
        return;
    }
    add_number(c, "NAXIS", part->content == SF_CONTENT_NONE ? 0 : (size_t)part->grid.axes);
    for (int i = 1; part->content != SF_CONTENT_NONE && i <= part->grid.axes; i++) {
        (void)snprintf(keyword, sizeof keyword, "NAXIS%d", i);
        add_number(c, keyword, part->grid.shape[part->grid.axes - i]);
    }
}

/* What the standard wants first, in its order. */
static void add_structure(cards *c, const sf_fits_part *part, bool primary)
{
    const bool table = part->content == SF_CONTENT_TABLE;

    if (primary)
        add_card(c, "SIMPLE  =                    T / FITS standard 4.0");
    else
        add_card(c, table ? "XTENSION= 'BINTABLE'           / binary table"
                          : "XTENSION= 'IMAGE   '           / image");
    add_card(c, part->content == SF_CONTENT_FLOAT    ? "BITPIX  =                  -32"
                : part->content == SF_CONTENT_DOUBLE ? "BITPIX  =                  -64"
                                                     : "BITPIX  =                    8");
    add_shape(c, part);
    if (primary) {
        add_card(c, "EXTEND  =                    T / there may be extensions");
        return;
    }
    add_number(c, "PCOUNT", 0);
    add_number(c, "GCOUNT", 1);
    if (table) add_number(c, "TFIELDS", part->columns);
}

/* The cards that CFITSIO holds for HDU `index`. */
static sf_status collect_cards(sf_fits_writer *writer, size_t index, cards *c)
{
    const sf_fits_part *part = &writer->part[index];
    char card[FLEN_CARD];
    int count = 0, code = 0;
    size_t size;

    fits_movabs_hdu(writer->file, (int)index + 1, NULL, &code);
    fits_get_hdrspace(writer->file, &count, NULL, &code);
    if (code != 0) return sf_fits_part_fail(writer, code, "the header cannot be composed");
    c->room = (size_t)count + 16; /* structure, sums, END */
    size = (c->room * SF_FITS_CARD + SF_FITS_BLOCK - 1) / SF_FITS_BLOCK * SF_FITS_BLOCK;
    SF_TRY(sf_allocate(&c->text, size, 1));
    memset(c->text, ' ', size);
    add_structure(c, part, index == 0);
    for (int i = part->own_cards; i < count && code == 0; i++) {
        fits_read_record(writer->file, i + 1, card, &code);
        if (code == 0) add_card(c, card);
    }
    return code == 0 ? SF_OK : sf_fits_part_fail(writer, code, "the header cannot be composed");
}

/* DATASUM, CHECKSUM and END. The latter sum makes that of the whole HDU all ones. */
static size_t close_cards(cards *c, uint32_t data)
{
    char text[FLEN_CARD], code[17];
    char *checksum;
    uint32_t header;
    size_t size;

    (void)snprintf(text, sizeof text, "DATASUM = '%u'", data);
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%*s/ data unit checksum",
                   (int)(31 - strlen(text)), "");
    add_card(c, text);
    checksum = c->text + SF_FITS_CARD * c->count;
    add_card(c, "CHECKSUM= '0000000000000000'   / HDU checksum");
    add_card(c, "END");
    size = (c->count * SF_FITS_CARD + SF_FITS_BLOCK - 1) / SF_FITS_BLOCK * SF_FITS_BLOCK;
    header = add_words(data, (const unsigned char *)c->text, size);
    fits_encode_chksum(header, 1, code);
    memcpy(checksum + 11, code, 16);
    return size;
}

/* ---- the file -------------------------------------------------------------------------------- */

static sf_status write_part(sf_fits_writer *writer, size_t index, unsigned char *buffer,
                            sf_output *output)
{
    cards c = {0};
    uint32_t sum;
    sf_status status;
    size_t size;

    SF_GO(stream(&writer->part[index], buffer, &sum, NULL));
    sf_cfitsio_lock();
    status = collect_cards(writer, index, &c);
    sf_cfitsio_unlock();
    if (status != SF_OK) goto done;
    size = close_cards(&c, sum);
    SF_GO(sf_output_write(output, c.text, size));
    SF_GO(stream(&writer->part[index], buffer, &sum, output));
done:
    sf_free(c.text);
    return status;
}

sf_status sf_fits_compose(sf_fits_writer *writer)
{
    unsigned char *buffer;
    sf_output output;
    sf_status status;

    SF_TRY(sf_allocate(&buffer, BUFFER, 1));
    SF_GO(sf_output_create(writer->path, writer->overwrite, &output));
    for (size_t i = 0; i < writer->parts && status == SF_OK; i++)
        status = write_part(writer, i, buffer, &output);
    if (status == SF_OK)
        status = sf_output_commit(&output);
    else
        sf_output_discard(&output);
done:
    sf_free(buffer);
    return status;
}
