/* planes.c - frames for the tests: planes stack OUT IN... (a cube), planes cut OUT IN PLANE,
 * planes mosaic OUT IN (2 x 2 of it), planes psf OUT PSF,
 * planes field OUT PSF SECOND_PSF (at the left and right end of 256 x 256 pixels). */
#include <scorefield.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sf_status write_values(const char *path, const sf_grid *grid, const double *values)
{
    sf_fits_writer *writer = NULL;
    sf_status status = sf_fits_writer_create(path, true, &writer);

    if (status == SF_OK) status = sf_fits_writer_add(writer, NULL, grid, values, NULL, NULL);
    if (status == SF_OK) return sf_fits_writer_close(&writer);
    sf_fits_writer_release(&writer);
    return status;
}

static sf_status stack(const char *out, char **in, size_t count)
{
    double *values = NULL;
    sf_status status = SF_OK;
    sf_grid cube;

    for (size_t i = 0; i < count && status == SF_OK; i++) {
        sf_fits *fits;
        status = sf_fits_read(in[i], &fits);
        if (status != SF_OK) break;
        const sf_grid *grid = sf_fits_grid(fits);
        const size_t size = sf_grid_size(grid);
        const size_t shape[] = {count, grid->shape[0], grid->shape[1]};
        status = sf_grid_make(3, shape, NULL, &cube);
        if (values == NULL && status == SF_OK)
            status = sf_allocate(&values, count * size, sizeof *values);
        if (status == SF_OK) memcpy(values + i * size, sf_fits_pixels(fits), size * sizeof *values);
        sf_fits_release(&fits);
    }
    if (status == SF_OK) status = write_values(out, &cube, values);
    sf_free(values);
    return status;
}

static sf_status cut(const char *out, const char *in, size_t plane)
{
    sf_fits_file *file;
    sf_fits *fits = NULL;
    sf_status status = sf_fits_open(in, &file);

    if (status != SF_OK) return status;
    const sf_grid *grid = sf_fits_grid(sf_fits_file_header(file));
    const size_t first[] = {plane, 0, 0}, shape[] = {1, grid->shape[1], grid->shape[2]};
    status = sf_fits_file_read(file, first, shape, &fits);
    if (status == SF_OK) status = write_values(out, sf_fits_grid(fits), sf_fits_pixels(fits));
    sf_fits_release(&fits);
    sf_fits_close(&file);
    return status;
}

static sf_status mosaic(const char *out, const char *in)
{
    double *values = NULL;
    sf_fits *fits;
    sf_grid large;
    sf_status status = sf_fits_read(in, &fits);

    if (status != SF_OK) return status;
    const size_t rows = sf_fits_grid(fits)->shape[0], columns = sf_fits_grid(fits)->shape[1];
    status = sf_grid_image(2 * rows, 2 * columns, &large);
    if (status == SF_OK) status = sf_allocate(&values, sf_grid_size(&large), sizeof *values);
    for (size_t y = 0; y < 2 * rows && status == SF_OK; y++)
        for (size_t x = 0; x < 2 * columns; x++)
            values[y * 2 * columns + x] = sf_fits_pixels(fits)[y % rows * columns + x % columns];
    if (status == SF_OK) status = write_values(out, &large, values);
    sf_free(values);
    sf_fits_release(&fits);
    return status;
}

static sf_status field(const char *out, const char *left, const char *right)
{
    static const double x[] = {1.0, 256.0}, y[] = {128.0, 128.0};
    const sf_column columns[] = {{.name = "X", .values = x}, {.name = "Y", .values = y}};
    const char *const names[] = {left, right};
    double *pixels = NULL;
    sf_fits_writer *writer = NULL;
    sf_status status = SF_OK;
    sf_grid cube;

    for (size_t i = 0; i < 2 && status == SF_OK; i++) {
        sf_psf *one;
        status = sf_psf_parse(names[i], &one);
        if (status != SF_OK) break;
        const size_t *own = sf_psf_grid(one)->shape;
        const size_t shape[] = {2, own[0], own[1]}, size = own[0] * own[1];
        if (pixels == NULL) {
            status = sf_grid_make(3, shape, NULL, &cube);
            if (status == SF_OK) status = sf_allocate(&pixels, 2 * size, sizeof *pixels);
        }
        if (status == SF_OK) /* of one size, as the test gives them */
            memcpy(pixels + i * size, sf_psf_pixels(one), size * sizeof *pixels);
        sf_psf_release(&one);
    }
    if (status == SF_OK) status = sf_fits_writer_create(out, true, &writer);
    if (status == SF_OK) status = sf_fits_writer_add(writer, NULL, &cube, pixels, NULL, NULL);
    if (status == SF_OK) status = sf_fits_writer_table(writer, "POSITIONS", columns, 2, 2);
    if (status == SF_OK) status = sf_fits_writer_close(&writer);
    sf_fits_writer_release(&writer);
    sf_free(pixels);
    return status;
}

static sf_status psf(const char *out, const char *text)
{
    sf_psf *made;
    sf_status status = sf_psf_parse(text, &made);

    if (status != SF_OK) return status;
    status = write_values(out, sf_psf_grid(made), sf_psf_pixels(made));
    sf_psf_release(&made);
    return status;
}

int main(int argc, char **argv)
{
    sf_status status = SF_ERR_ARGUMENT;

    if (argc > 3 && strcmp(argv[1], "stack") == 0)
        status = stack(argv[2], argv + 3, (size_t)argc - 3);
    else if (argc == 5 && strcmp(argv[1], "cut") == 0)
        status = cut(argv[2], argv[3], (size_t)atoi(argv[4]));
    else if (argc == 4 && strcmp(argv[1], "mosaic") == 0)
        status = mosaic(argv[2], argv[3]);
    else if (argc == 5 && strcmp(argv[1], "field") == 0)
        status = field(argv[2], argv[3], argv[4]);
    else if (argc == 4 && strcmp(argv[1], "psf") == 0)
        status = psf(argv[2], argv[3]);
    else
        return 2;
    if (status == SF_OK) return 0;
    fprintf(stderr, "planes: %s\n", sf_last_error());
    return 1;
}
