/* write_triple.c - a frame of 64 x 64 pixels with extensions ERR (3 everywhere) and DQ (7 pixels
 * have bit 4; 4 of them bit 0x4000 as well, and one the sign of 16 bits): write_triple FILE. */
#include <scorefield.h>

#include <stdio.h>

#define SIDE 64

static sf_status write_triple(const char *path)
{
    static double image[SIDE * SIDE], error[SIDE * SIDE], quality[SIDE * SIDE];
    sf_fits_writer *writer = NULL;
    sf_status status;
    sf_grid grid;

    sf_random_normal(sf_random_make(1, 0), 0, 0, (size_t)SIDE * SIDE, image);
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
        image[i] = 10.0 + 3.0 * image[i];
        error[i] = 3.0;
        quality[i] = i % 600 == 5 ? 4.0 + (i > 1000 ? 0x4000 : 0) : 0.0;
    }
    quality[3605] = -32768.0 + 4.0;
    status = sf_grid_image(SIDE, SIDE, &grid);
    if (status == SF_OK) status = sf_fits_writer_create(path, true, &writer);
    if (status == SF_OK) status = sf_fits_writer_add(writer, NULL, &grid, image, NULL, NULL);
    if (status == SF_OK) status = sf_fits_writer_add(writer, "ERR", &grid, error, NULL, NULL);
    if (status == SF_OK) status = sf_fits_writer_add(writer, "DQ", &grid, quality, NULL, NULL);
    if (status == SF_OK) return sf_fits_writer_close(&writer);
    sf_fits_writer_release(&writer);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    if (write_triple(argv[1]) == SF_OK) return 0;
    fprintf(stderr, "write_triple: %s\n", sf_last_error());
    return 1;
}
