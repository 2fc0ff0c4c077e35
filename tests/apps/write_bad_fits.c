/* write_bad_fits.c - FITS files that no program should trust: KIND FILE. Written byte by byte,
 * since no FITS library would. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SIDE 64

static void card(char *header, int *count, const char *text)
{
    memcpy(header + 80 * (*count)++, text, strlen(text));
}

static float pixel(const char *kind, int i)
{
    if (strcmp(kind, "nan") == 0) return NAN;
    if (strcmp(kind, "zero") == 0) return 0.0F;
    if (strcmp(kind, "negative") == 0) return -1.0F;
    if (strcmp(kind, "holed") == 0 && i % 600 == 5) return NAN; /* where write_triple has DQ */
    return (float)((i * 7919) % 101); /* any pattern that is not constant */
}

int main(int argc, char **argv)
{
    char header[2880], text[81];
    int cards = 0;

    if (argc != 3) return 2;
    const char *kind = argv[1];
    const int side = strcmp(kind, "wide") == 0    ? 4 * SIDE + 1
                     : strcmp(kind, "small") == 0 ? 24
                                                  : SIDE;
    FILE *file = fopen(argv[2], "wb");
    if (file == NULL) return 1;
    memset(header, ' ', sizeof header);
    card(header, &cards, "SIMPLE  =                    T");
    card(header, &cards, "BITPIX  =                  -32");
    if (strcmp(kind, "empty") == 0) {
        card(header, &cards, "NAXIS   =                    0");
    } else if (strcmp(kind, "huge") == 0) {
        card(header, &cards, "NAXIS   =                    2");
        card(header, &cards, "NAXIS1  =              1000000");
        card(header, &cards, "NAXIS2  =              1000000");
    } else {
        card(header, &cards,
             strcmp(kind, "cube") == 0 ? "NAXIS   =                    3"
                                       : "NAXIS   =                    2");
        (void)snprintf(text, sizeof text, "NAXIS1  = %20d", side);
        card(header, &cards, text);
        (void)snprintf(text, sizeof text, "NAXIS2  = %20d", strcmp(kind, "cube") ? side : side / 4);
        card(header, &cards, text);
        if (strcmp(kind, "cube") == 0) card(header, &cards, "NAXIS3  =                    4");
    }
    card(header, &cards, "END");
    fwrite(header, 1, sizeof header, file);
    const int pixels = strcmp(kind, "empty") == 0       ? 0
                       : strcmp(kind, "huge") == 0      ? 720
                       : strcmp(kind, "truncated") == 0 ? side * side / 2
                                                        : (side * side + 719) / 720 * 720;
    for (int i = 0; i < pixels; i++) {
        const float value = pixel(kind, i);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        for (int shift = 24; shift >= 0; shift -= 8) fputc((int)(bits >> shift & 255U), file);
    }
    return fclose(file) == 0 ? 0 : 1;
}
