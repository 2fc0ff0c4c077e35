/* fits_tiles.c - checks the table of a tile-compressed image before CFITSIO decodes it (FITS
 * standard 4.0, section 10).
 *
 * CFITSIO's decoders believe the stream: it decides how far they read and write. So for each tile
 * the descriptor must point into the heap, and what the stream says of its own length must be
 * what the tile needs; a Rice stream's bits are counted. */
#include "io/fits_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns that hold tiles; 0: the table has none. */
typedef struct columns {
    int compressed, gzip, plain;
    bool quantized; /* floats as scaled integers */
} columns;

static int find_column(fitsfile *file, const char *name)
{
    char text[FLEN_VALUE];
    int column = 0, code = 0;

    (void)snprintf(text, sizeof text, "%s", name);
    if (fits_get_colnum(file, CASEINSEN, text, &column, &code) != 0) column = 0;
    fits_clear_errmsg();
    return column;
}

static columns find_columns(const sf_fits_source *source, const sf_fits_hdu *hdu)
{
    columns c = {.compressed = find_column(source->file, "COMPRESSED_DATA"),
                 .gzip = find_column(source->file, "GZIP_COMPRESSED_DATA"),
                 .plain = find_column(source->file, "UNCOMPRESSED_DATA")};
    char method[FLEN_VALUE] = "";
    int code = 0;

    fits_read_key(source->file, TSTRING, "ZQUANTIZ", method, NULL, &code);
    fits_clear_errmsg();
    c.quantized =
        hdu->bitpix < 0 && strcmp(method, "NONE") != 0 &&
        (find_column(source->file, "ZSCALE") > 0 || find_column(source->file, "ZZERO") > 0);
    return c;
}

/* Pixels of the tile in row `row` (0 ...): tiles at the image's far edges are cut. */
static size_t tile_pixels(const sf_fits_hdu *hdu, size_t row, size_t *longest, size_t *second)
{
    size_t pixels = 1;

    *longest = *second = 1;
    for (int i = 0; i < hdu->axes; i++) {
        const size_t tiles = (hdu->shape[i] - 1) / hdu->tile[i] + 1;
        const size_t first = row % tiles * hdu->tile[i];
        const size_t length =
            hdu->shape[i] - first < hdu->tile[i] ? hdu->shape[i] - first : hdu->tile[i];
        pixels *= length;
        row /= tiles;
        if (length > *longest) {
            *second = *longest;
            *longest = length;
        } else if (length > *second) {
            *second = length;
        }
    }
    return pixels;
}

/* ---- one stream --------------------------------------------------------------------------------
 */

static size_t big_endian(const unsigned char *bytes, size_t count)
{
    size_t value = 0;

    for (size_t i = 0; i < count; i++) value = value << 8 | bytes[i];
    return value;
}

/* Bytes: DD 99, then the two lengths; they are the tile's two axes that are longer than 1. */
static bool hcompress_is_sound(const unsigned char *stream, size_t size, size_t a, size_t b)
{
    size_t nx, ny;

    if (size < 25 || stream[0] != 0xdd || stream[1] != 0x99) return false;
    nx = big_endian(stream + 2, 4);
    ny = big_endian(stream + 6, 4);
    return ((nx == a && ny == b) || (nx == b && ny == a)) && stream[22] <= 64 && stream[23] <= 64 &&
           stream[24] <= 64;
}

/* The line list's own length, in 16-bit words, is at word 3, or at words 4 and 5. */
static bool plio_is_sound(const unsigned char *stream, size_t words)
{
    size_t length;

    if (words < 3) return false;
    length = big_endian(stream + 4, 2);
    if (length == 0 || length > 32767) {
        if (words < 5) return false;
        length = (big_endian(stream + 8, 2) << 15) + big_endian(stream + 6, 2);
    }
    return length <= words;
}

/* The stream holds words of one of the sizes, as many as the tile has pixels. */
static bool gzip_is_sound(const unsigned char *stream, size_t size, size_t pixels,
                          const size_t sizes[2])
{
    size_t length;

    if (!sf_gzip_length(stream, size, pixels * sizes[1], &length)) return false;
    for (size_t word = sizes[0]; word <= sizes[1]; word *= 2)
        if (length == pixels * word) return true;
    return false;
}

typedef struct bits {
    const unsigned char *stream;
    size_t next, end; /* in bits */
} bits;

/* The next `count` bits as a number; false at the stream's end. */
static bool take_bits(bits *b, size_t count, unsigned *value)
{
    *value = 0;
    if (b->end - b->next < count) return false;
    for (; count > 0; count--, b->next++)
        *value = *value << 1 | ((unsigned)b->stream[b->next / 8] >> (7 - b->next % 8) & 1U);
    return true;
}

/* One pixel: zeros up to a one, then `low` bits as they are. */
static bool skip_rice_pixel(bits *b, size_t low)
{
    unsigned bit = 0;

    while (bit == 0)
        if (!take_bits(b, 1, &bit)) return false;
    if (b->end - b->next < low) return false;
    b->next += low;
    return true;
}

/* Whether a Rice stream (White & Becker 1998) holds all the pixels: the first word, then blocks
 * that start with their number of low bits + 1; 0: all differences are zero, the largest: the
 * words are not coded. */
static bool rice_is_sound(const unsigned char *stream, size_t size, size_t pixels,
                          const sf_fits_hdu *hdu)
{
    const size_t word = hdu->rice_word, head = word == 1 ? 3 : word == 2 ? 4 : 5;
    const unsigned uncoded = word == 1 ? 7 : word == 2 ? 15 : 26;
    bits b = {.stream = stream, .next = 8 * word, .end = 8 * size};

    if (size <= word) return false;
    for (size_t done = 0; done < pixels; done += hdu->rice_block) {
        const size_t n = pixels - done < hdu->rice_block ? pixels - done : hdu->rice_block;
        unsigned kind;
        if (!take_bits(&b, head, &kind)) return false;
        if (kind == uncoded) {
            if (b.end - b.next < 8 * word * n) return false;
            b.next += 8 * word * n;
        } else if (kind > 0) {
            for (size_t i = 0; i < n; i++)
                if (!skip_rice_pixel(&b, kind - 1)) return false;
        }
    }
    return true;
}

/* ---- one tile ----------------------------------------------------------------------------------
 */

typedef struct tile_cell {
    int column;
    size_t length, offset; /* in elements, in bytes from the heap's start */
    int bytes;             /* of an element */
} tile_cell;

/* The row's bytes in a column; false when the descriptor does not point into the heap. */
static bool read_cell(fitsfile *file, const sf_fits_hdu *hdu, int column, size_t row,
                      tile_cell *cell)
{
    LONGLONG length = 0, offset = 0, repeat = 0, width = 0;
    int type = 0, code = 0;
    size_t size;

    *cell = (tile_cell){.column = column};
    if (column == 0) return true;
    fits_get_coltypell(file, column, &type, &repeat, &width, &code);
    fits_read_descriptll(file, column, (LONGLONG)row + 1, &length, &offset, &code);
    if (code != 0 || type >= 0 || length < 0 || offset < 0) return false;
    cell->length = (size_t)length;
    cell->offset = (size_t)offset;
    cell->bytes = -type == TBYTE ? 1 : -type == TSHORT ? 2 : -type == TDOUBLE ? 8 : 4;
    return sf_multiply_sizes(cell->length, (size_t)cell->bytes, &size) && size <= hdu->heap &&
           cell->offset <= hdu->heap - size;
}

typedef struct tile_check {
    const sf_fits_source *source;
    const sf_fits_hdu *hdu;
    columns column;
    size_t heap;           /* where the heap starts in the file */
    unsigned char *stream; /* the longest so far */
    size_t capacity;
} tile_check;

static sf_status load_stream(tile_check *check, const tile_cell *cell)
{
    const size_t size = cell->length * (size_t)cell->bytes;

    if (size > check->capacity) {
        sf_free(check->stream);
        check->capacity = 0;
        SF_TRY(sf_allocate(&check->stream, size, 1));
        check->capacity = size;
    }
    return sf_fits_source_read(check->source, check->heap + cell->offset, size, check->stream);
}

/* The stream in COMPRESSED_DATA, by codec. */
static bool compressed_is_sound(const tile_check *check, const tile_cell *cell, size_t pixels,
                                size_t longest, size_t second)
{
    const sf_fits_hdu *hdu = check->hdu;
    /* CFITSIO writes 8-byte floats also into 4-byte images. */
    static const size_t integer_sizes[] = {1, 4}, float_sizes[] = {4, 8};

    switch (hdu->codec) {
    case SF_CODEC_HCOMPRESS:
        return cell->bytes == 1 && longest * second == pixels &&
               hcompress_is_sound(check->stream, cell->length, longest, second);
    case SF_CODEC_PLIO: return cell->bytes == 2 && plio_is_sound(check->stream, cell->length);
    case SF_CODEC_GZIP:
        return cell->bytes == 1 &&
               gzip_is_sound(check->stream, cell->length, pixels,
                             hdu->bitpix < 0 && !check->column.quantized ? float_sizes
                                                                         : integer_sizes);
    case SF_CODEC_RICE:
        return cell->bytes == 1 && rice_is_sound(check->stream, cell->length, pixels, hdu);
    case SF_CODEC_NONE: break;
    }
    return false;
}

static sf_status check_tile(tile_check *check, size_t row, bool *sound)
{
    const sf_fits_hdu *hdu = check->hdu;
    fitsfile *file = check->source->file;
    tile_cell compressed, gzip, plain;
    size_t longest, second;
    const size_t pixels = tile_pixels(hdu, row, &longest, &second);
    const size_t exact[] = {(size_t)abs(hdu->bitpix) / 8, (size_t)abs(hdu->bitpix) / 8};

    *sound = read_cell(file, hdu, check->column.compressed, row, &compressed) &&
             read_cell(file, hdu, check->column.gzip, row, &gzip) &&
             read_cell(file, hdu, check->column.plain, row, &plain);
    if (!*sound) return SF_OK;
    if (compressed.length > 0) {
        SF_TRY(load_stream(check, &compressed));
        *sound = compressed_is_sound(check, &compressed, pixels, longest, second);
    } else if (check->column.plain > 0) { /* the order in which CFITSIO looks for them */
        *sound = plain.length == pixels;
    } else if (check->column.gzip > 0) {
        SF_TRY(load_stream(check, &gzip));
        *sound = hdu->bitpix < 0 && gzip.bytes == 1 &&
                 gzip_is_sound(check->stream, gzip.length, pixels, exact);
    } else {
        *sound = false;
    }
    return SF_OK;
}

sf_status sf_fits_tiles_check(const sf_fits_source *source, const sf_fits_hdu *hdu)
{
    tile_check check = {.source = source,
                        .hdu = hdu,
                        .column = find_columns(source, hdu),
                        .heap = hdu->data + hdu->size - hdu->heap};
    sf_status status = SF_OK;

    if (check.column.compressed == 0)
        return sf_fail(SF_ERR_FORMAT, "%s, HDU %d: the column COMPRESSED_DATA is missing",
                       source->path, hdu->number);
    for (size_t row = 0; row < hdu->rows; row++) {
        bool sound = false;
        SF_GO(check_tile(&check, row, &sound));
        if (!sound) {
            fits_clear_errmsg();
            status = sf_fail(SF_ERR_FORMAT, "%s, HDU %d: tile %zu of %zu is damaged", source->path,
                             hdu->number, row + 1, hdu->rows);
            goto done;
        }
    }
done:
    sf_free(check.stream);
    return status;
}
