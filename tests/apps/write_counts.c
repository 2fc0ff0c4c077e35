/* write_counts.c - a frame of 64 x 64 whole numbers with one pixel of 100: write_counts KIND FILE.
 * KIND: counts (GAIN 2, RDNOISE 3 in its header), sunk (the sky subtracted: below 0), electrons and
 * rate (by BUNIT), or VAR, VARIANCE, IVAR (an extension of that name that says: noise 2). */
#include <scorefield.h>

#include <stdio.h>
#include <string.h>

#define SIDE  64
#define CELLS ((size_t)SIDE * SIDE)

static sf_status describe(sf_fits_writer *writer, const char *kind, const sf_grid *grid)
{
    static double map[CELLS];
    sf_status status;

    for (size_t i = 0; i < CELLS; i++) map[i] = strcmp(kind, "IVAR") == 0 ? 0.25 : 4.0;
    if (strcmp(kind, "electrons") == 0)
        return sf_fits_writer_string(writer, "BUNIT", "ELECTRONS", NULL);
    if (strcmp(kind, "rate") == 0)
        return sf_fits_writer_string(writer, "BUNIT", "ELECTRONS/S", NULL);
    if (strstr(kind, "VAR") != NULL) return sf_fits_writer_add(writer, kind, grid, map, NULL, NULL);
    status = sf_fits_writer_double(writer, "GAIN", 2.0, NULL);
    return status == SF_OK ? sf_fits_writer_double(writer, "RDNOISE", 3.0, NULL) : status;
}

static sf_status write_counts(const char *kind, const char *path)
{
    static double image[CELLS];
    sf_fits_writer *writer = NULL;
    sf_status status;
    sf_grid grid;

    for (size_t i = 0; i < CELLS; i++)
        image[i] = (double)(i * 2654435761u >> 13 & 7) - (strcmp(kind, "sunk") == 0 ? 3.0 : 0.0);
    image[20 * SIDE + 30] = 100.0;
    status = sf_grid_image(SIDE, SIDE, &grid);
    if (status == SF_OK) status = sf_fits_writer_create(path, true, &writer);
    if (status == SF_OK) status = sf_fits_writer_add(writer, NULL, &grid, image, NULL, NULL);
    if (status == SF_OK) status = describe(writer, kind, &grid);
    if (status == SF_OK) return sf_fits_writer_close(&writer);
    sf_fits_writer_release(&writer);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    if (write_counts(argv[1], argv[2]) == SF_OK) return 0;
    fprintf(stderr, "write_counts: %s\n", sf_last_error());
    return 1;
}
