/* fits_streams.c - how far CFITSIO's decoders would read a compressed tile (FITS standard 4.0,
 * section 10.4).
 *
 * Those decoders know no end: they read on until they have all pixels. So each stream is walked
 * here first, as they walk it, but counting: Rice (White & Becker 1998), HCOMPRESS (White 1992,
 * in Digitised Optical Sky Surveys, p. 167) and the IRAF pixel list. */
#include "io/fits_internal.h"

#include <string.h>

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

static size_t big_endian(const unsigned char *bytes, size_t count)
{
    size_t value = 0;

    for (size_t i = 0; i < count; i++) value = value << 8 | bytes[i];
    return value;
}

/* ---- Rice ------------------------------------------------------------------------------------ */

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

/* The first word, then blocks that start with their number of low bits + 1; 0: all differences
 * are zero, the largest: the words are not coded. */
bool sf_rice_is_sound(const unsigned char *stream, size_t size, size_t pixels, size_t word,
                      size_t block)
{
    const size_t head = word == 1 ? 3 : word == 2 ? 4 : 5;
    const unsigned uncoded = word == 1 ? 7 : word == 2 ? 15 : 26;
    bits b = {.stream = stream, .next = 8 * word, .end = 8 * size};

    if (size <= word) return false;
    for (size_t done = 0; done < pixels; done += block) {
        const size_t n = pixels - done < block ? pixels - done : block;
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

/* ---- pixel lists ----------------------------------------------------------------------------- */

/* Words are counted from 1. Word 3 is the list's length, and instructions start at word 4; where
 * it is not positive, words 4 and 5 are the length, and word 2 that of the header. Instruction 1
 * takes the word after it. */
bool sf_plio_is_sound(const unsigned char *stream, size_t words)
{
    size_t length, first = 4;

    if (words < 3) return false;
    length = big_endian(stream + 4, 2);
    if (length == 0 || length > INT16_MAX) {
        if (words < 5) return false;
        length = (big_endian(stream + 8, 2) << 15) + big_endian(stream + 6, 2);
        first = big_endian(stream + 2, 2) + 1;
        if (stream[6] > INT8_MAX || stream[8] > INT8_MAX || first < 6 || first > INT16_MAX)
            return false;
    }
    if (length > words) return false;
    for (size_t i = first; i <= length; i++)
        if (stream[2 * (i - 1)] >> 4 == 1 && i++ == length) return false;
    return true;
}

/* ---- HCOMPRESS ------------------------------------------------------------------------------- */

/* The code of 2 x 2 cells, 8 | 4 over 2 | 1, that begins with the next three bits; codes of up to
 * six bits follow from them. */
static bool take_code(bits *b, unsigned char *code)
{
    static const unsigned char four[] = {3, 5, 10, 12, 15}, five[] = {6, 7, 9, 11, 13};
    unsigned value, bit;

    if (!take_bits(b, 3, &value)) return false;
    if (value < 4) {
        *code = (unsigned char)(1U << value);
        return true;
    }
    if (!take_bits(b, 1, &bit)) return false;
    value = 2 * value + bit; /* 8 ... 15 */
    if (value < 13) {
        *code = four[value - 8];
        return true;
    }
    if (!take_bits(b, 1, &bit)) return false;
    value = 2 * value + bit; /* 26 ... 31 */
    if (value < 31) {
        *code = five[value - 26];
        return true;
    }
    if (!take_bits(b, 1, &bit)) return false;
    *code = bit == 0 ? 0 : 14;
    return true;
}

/* One level down the tree: a cell that is set has a code of its own, the last cell's first. */
static bool take_level(bits *b, const unsigned char *coarse, size_t rows, size_t columns,
                       unsigned char *fine)
{
    const size_t half = (columns + 1) / 2;

    for (size_t i = rows * columns; i-- > 0;) {
        const size_t y = i / columns, x = i % columns;
        fine[i] = coarse[y / 2 * half + x / 2] >> (3 - 2 * (y % 2) - x % 2) & 1;
        if (fine[i] != 0 && !take_code(b, &fine[i])) return false;
    }
    return true;
}

/* length / 2^level, upwards. */
static size_t at_level(size_t length, int level) { return ((length - 1) >> level) + 1; }

/* One bit plane of rows x columns coefficients: a quadtree, or the codes of its lowest level as
 * they are. The codes are added to `set`; `work` is as long. */
static bool take_plane(bits *b, size_t rows, size_t columns, unsigned char *set,
                       unsigned char *work[2])
{
    const size_t longer = rows > columns ? rows : columns;
    const size_t cells = at_level(rows, 1) * at_level(columns, 1);
    unsigned char *now = work[0], *before = work[1];
    unsigned format, code;
    int levels = 0;

    if (!take_bits(b, 4, &format) || (format != 0 && format != 15)) return false;
    if (format == 0) {
        for (size_t i = 0; i < cells; i++) {
            if (!take_bits(b, 4, &code)) return false;
            set[i] |= (unsigned char)code;
        }
        return true;
    }
    while (((size_t)1 << levels) < longer) levels++;
    if (!take_code(b, now)) return false;
    for (int level = levels - 1; level >= 1; level--) {
        unsigned char *swap = before;
        before = now;
        now = swap;
        if (!take_level(b, before, at_level(rows, level), at_level(columns, level), now))
            return false;
    }
    for (size_t i = 0; i < cells; i++) set[i] |= now[i];
    return true;
}

/* All planes of a quadrant; *signs grows by its coefficients that are not zero. */
static bool take_quadrant(bits *b, size_t rows, size_t columns, unsigned planes,
                          unsigned char *work[3], size_t *signs)
{
    const size_t half = at_level(columns, 1);
    unsigned char *set = work[2];

    memset(set, 0, at_level(rows, 1) * half);
    for (unsigned i = 0; i < planes; i++)
        if (!take_plane(b, rows, columns, set, work)) return false;
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < columns; x++)
            *signs += set[y / 2 * half + x / 2] >> (3 - 2 * (y % 2) - x % 2) & 1;
    return true;
}

/* After the header: the four quadrants of the H-transform, a zero, and from the next byte on one
 * sign for each coefficient that is not zero. */
static bool hcompress_fits(const unsigned char *stream, size_t size, size_t rows, size_t columns,
                           unsigned char *work[3])
{
    const size_t top = (rows + 1) / 2, left = (columns + 1) / 2;
    bits b = {.stream = stream, .next = (size_t)8 * SF_HCOMPRESS_HEADER, .end = 8 * size};
    const unsigned char *planes = stream + SF_HCOMPRESS_HEADER - 3;
    unsigned end = 1;
    size_t signs = 0;

    if (!take_quadrant(&b, top, left, planes[0], work, &signs) ||
        !take_quadrant(&b, top, columns / 2, planes[1], work, &signs) ||
        !take_quadrant(&b, rows / 2, left, planes[1], work, &signs) ||
        !take_quadrant(&b, rows / 2, columns / 2, planes[2], work, &signs) ||
        !take_bits(&b, 4, &end) || end != 0)
        return false;
    b.next = (b.next + 7) / 8 * 8;
    return b.end - b.next >= signs;
}

/* Bytes: DD 99, the two lengths, scale, sum, and the numbers of bit planes. */
sf_status sf_hcompress_is_sound(const unsigned char *stream, size_t size, size_t rows,
                                size_t columns, unsigned most_planes, bool *sound)
{
    const size_t cells = (rows / 4 + 1) * (columns / 4 + 1);
    unsigned char *memory, *work[3];

    *sound = size > SF_HCOMPRESS_HEADER && stream[0] == 0xdd && stream[1] == 0x99 && rows >= 2 &&
             columns >= 2 && big_endian(stream + 2, 4) == rows &&
             big_endian(stream + 6, 4) == columns;
    for (size_t i = 1; i <= 3 && *sound; i++)
        *sound = stream[SF_HCOMPRESS_HEADER - i] <= most_planes;
    if (!*sound) return SF_OK;
    SF_TRY(sf_allocate(&memory, cells, sizeof work / sizeof work[0]));
    for (size_t i = 0; i < 3; i++) work[i] = memory + i * cells;
    *sound = hcompress_fits(stream, size, rows, columns, work);
    sf_free(memory);
    return SF_OK;
}
