/* fits_tiles.c - checks the table of a tile-compressed image before CFITSIO decodes it (FITS
 * standard 4.0, section 10).
 *
 * CFITSIO's decoders believe the stream: it decides how far they read and write. So for each tile
 * the descriptor must point into the heap, and the stream must have all that its decoder will
 * read for the tile's pixels. */
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

/* CFITSIO would scale even the bytes of a stream, and decode others than were checked. */
static bool is_scaled(fitsfile *file, int column)
{
    double scale = 1.0, zero = 0.0;
    int code = 0;

    if (column == 0) return false;
    fits_get_bcolparms(file, column, NULL, NULL, NULL, NULL, &scale, &zero, NULL, NULL, &code);
    return code != 0 || scale != 1.0 || zero != 0.0;
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

/* Pixels of the tile in row `row` (0 ...), and its first two lengths that are not 1: tiles at
 * the image's far edges are cut. */
static size_t tile_pixels(const sf_fits_hdu *hdu, size_t row, size_t lengths[2])
{
    size_t pixels = 1;
    int n = 0;

    lengths[0] = lengths[1] = 1;
    for (int i = 0; i < hdu->axes; i++) {
        const size_t tiles = (hdu->shape[i] - 1) / hdu->tile[i] + 1;
        const size_t first = row % tiles * hdu->tile[i];
        const size_t length =
            hdu->shape[i] - first < hdu->tile[i] ? hdu->shape[i] - first : hdu->tile[i];
        pixels *= length;
        row /= tiles;
        if (length > 1 && n < 2) lengths[n++] = length;
    }
    return pixels;
}

/* ---- one stream ------------------------------------------------------------------------------ */

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

/* ---- one tile -------------------------------------------------------------------------------- */

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
static sf_status check_stream(const tile_check *check, const tile_cell *cell, size_t pixels,
                              const size_t lengths[2], bool *sound)
{
    const sf_fits_hdu *hdu = check->hdu;
    const unsigned char *stream = check->stream;
    /* CFITSIO writes 8-byte floats also into 4-byte images. */
    static const size_t integer_sizes[] = {1, 4}, float_sizes[] = {4, 8};
    const bool floats = hdu->bitpix < 0 && !check->column.quantized;

    *sound = false;
    switch (hdu->codec) {
    case SF_CODEC_HCOMPRESS: /* an image: two lengths, the first varies fastest */
        if (cell->bytes == 1 && lengths[0] * lengths[1] == pixels)
            return sf_hcompress_is_sound(stream, cell->length, lengths[1], lengths[0],
                                         hdu->bitpix == 8 || hdu->bitpix == 16 ? 31 : 63, sound);
        break;
    case SF_CODEC_PLIO: *sound = cell->bytes == 2 && sf_plio_is_sound(stream, cell->length); break;
    case SF_CODEC_GZIP:
        *sound = cell->bytes == 1 &&
                 gzip_is_sound(stream, cell->length, pixels, floats ? float_sizes : integer_sizes);
        break;
    case SF_CODEC_RICE:
        *sound = cell->bytes == 1 &&
                 sf_rice_is_sound(stream, cell->length, pixels, hdu->rice_word, hdu->rice_block);
        break;
    case SF_CODEC_NONE: break;
    }
    return SF_OK;
}

static sf_status check_tile(tile_check *check, size_t row, bool *sound)
{
    const sf_fits_hdu *hdu = check->hdu;
    fitsfile *file = check->source->file;
    tile_cell compressed, gzip, plain;
    size_t lengths[2];
    const size_t pixels = tile_pixels(hdu, row, lengths);
    const size_t exact[] = {(size_t)abs(hdu->bitpix) / 8, (size_t)abs(hdu->bitpix) / 8};

    *sound = read_cell(file, hdu, check->column.compressed, row, &compressed) &&
             read_cell(file, hdu, check->column.gzip, row, &gzip) &&
             read_cell(file, hdu, check->column.plain, row, &plain);
    if (!*sound) return SF_OK;
    if (compressed.length > 0) {
        SF_TRY(load_stream(check, &compressed));
        return check_stream(check, &compressed, pixels, lengths, sound);
    }
    if (check->column.plain > 0) { /* the order in which CFITSIO looks for them */
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
    if (is_scaled(source->file, check.column.compressed) ||
        is_scaled(source->file, check.column.gzip))
        return sf_fail(SF_ERR_FORMAT, "%s, HDU %d: the compressed bytes have a TSCAL or TZERO",
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
