/* test_fits_streams.c - a stream that CFITSIO's encoder has written is sound, and without its last
 * byte it is not: the walk counts exactly what the decoder reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "io/fits_internal.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MOST (41 * 37)

/* Encoders that the library exports without declaring them in its public header. */
extern int fits_rcomp(int *a, int count, unsigned char *stream, int size, int block);
extern int fits_rcomp_short(short *a, int count, unsigned char *stream, int size, int block);
extern int fits_rcomp_byte(signed char *a, int count, unsigned char *stream, int size, int block);
extern int pl_p2li(int *pixels, int first, short *list, int count);

static uint64_t chance_state = 0x9e3779b97f4a7c15U;

static int chance(int below) /* xorshift */
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (int)(chance_state % (uint64_t)below);
}

/* A copy without spare bytes behind it, for tools that watch the heap. */
static unsigned char *exact(const void *bytes, size_t size)
{
    unsigned char *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL) abort();
    memcpy(copy, bytes, size);
    return copy;
}

static bool hcompress(const void *bytes, size_t size, size_t rows, size_t columns)
{
    unsigned char *stream = exact(bytes, size);
    bool sound = true;

    assert_int_equal(sf_hcompress_is_sound(stream, size, rows, columns, 31, &sound), SF_OK);
    free(stream);
    return sound;
}

/* Kinds of images: noise that is coded directly, few sources, a constant. */
static int pixel(int kind, int i)
{
    if (kind == 0) return chance(30000);
    if (kind == 1) return chance(20) == 0 ? chance(5000) : 0;
    if (kind == 2) return (int)(500.0 * sin(0.01 * i)) + chance(3);
    return 7;
}

static void test_hcompress(void **state)
{
    static int pixels[MOST];
    static char stream[16 * MOST + 1000];

    (void)state;
    for (int trial = 0; trial < 400; trial++) {
        const int rows = 2 + chance(36), columns = 2 + chance(40), scale = chance(3) * 5;
        long size = sizeof stream;
        int code = 0;
        for (int i = 0; i < rows * columns; i++) pixels[i] = pixel(trial % 4, i);
        /* the encoder's first length is that of the axis that varies fastest */
        fits_hcompress(pixels, columns, rows, scale, stream, &size, &code);
        assert_int_equal(code, 0);
        if (!hcompress(stream, (size_t)size, (size_t)rows, (size_t)columns))
            fail_msg("trial %d: %d x %d, %ld bytes are not sound", trial, rows, columns, size);
        if (trial % 4 != 3) /* nothing but zeros has no signs, and its end no meaning */
            assert_false(hcompress(stream, (size_t)size - 1, (size_t)rows, (size_t)columns));
        if (rows != columns)
            assert_false(hcompress(stream, (size_t)size, (size_t)columns, (size_t)rows));
        for (int cut = 0; cut < 30; cut++)
            (void)hcompress(stream, (size_t)chance((int)size), (size_t)rows, (size_t)columns);
        stream[22 + chance(3)] = 32; /* more bit planes than an int has */
        assert_false(hcompress(stream, (size_t)size, (size_t)rows, (size_t)columns));
    }
}

static bool rice(const void *bytes, size_t size, int pixels, int word, int block)
{
    unsigned char *stream = exact(bytes, size);
    const bool sound = sf_rice_is_sound(stream, size, (size_t)pixels, (size_t)word, (size_t)block);

    free(stream);
    return sound;
}

static void test_rice(void **state)
{
    static int ints[MOST];
    static short shorts[MOST];
    static signed char bytes[MOST];
    static unsigned char stream[16 * MOST];

    (void)state;
    for (int trial = 0; trial < 300; trial++) {
        const int count = 1 + chance(MOST), word = 1 << trial % 3, block = 16 << chance(2);
        const int most = (int)sizeof stream;
        int size;
        for (int i = 0; i < count; i++) {
            ints[i] = pixel(trial / 3 % 4, i);
            shorts[i] = (short)ints[i];
            bytes[i] = (signed char)ints[i];
        }
        size = word == 4   ? fits_rcomp(ints, count, stream, most, block)
               : word == 2 ? fits_rcomp_short(shorts, count, stream, most, block)
                           : fits_rcomp_byte(bytes, count, stream, most, block);
        assert_true(size > 0);
        assert_true(rice(stream, (size_t)size, count, word, block));
        assert_false(rice(stream, (size_t)size - 1, count, word, block));
    }
}

static bool plio(const void *bytes, size_t words)
{
    unsigned char *stream = exact(bytes, 2 * words);
    const bool sound = sf_plio_is_sound(stream, words);

    free(stream);
    return sound;
}

static void test_plio(void **state)
{
    static int pixels[MOST];
    static short list[4 * MOST];
    static unsigned char stream[8 * MOST];

    (void)state;
    for (int trial = 0; trial < 300; trial++) {
        const int count = 1 + chance(MOST);
        size_t words;
        for (int i = 0; i < count; i++) pixels[i] = abs(pixel(trial % 4, i));
        words = (size_t)pl_p2li(pixels, 1, list, count);
        for (size_t i = 0; i < words; i++) {
            stream[2 * i] = (unsigned char)((unsigned)list[i] >> 8);
            stream[2 * i + 1] = (unsigned char)list[i];
        }
        assert_true(plio(stream, words));
        assert_false(plio(stream, words - 1));
        stream[2 * words - 2] = 0x10; /* the last takes a word that is not there */
        if (words > 7 && stream[2 * words - 4] >> 4 != 1) assert_false(plio(stream, words));
        stream[2] = 0xff; /* a header of negative length */
        assert_false(plio(stream, words));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hcompress),
                                       cmocka_unit_test(test_rice), cmocka_unit_test(test_plio)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
