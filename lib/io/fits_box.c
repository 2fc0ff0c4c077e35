/* fits_box.c - a grid's spacings as a FITS file's world coordinates, both ways (Greisen &
 * Calabretta 2002, doi:10.1051/0004-6361:20021326: linear axes). */
#include "io/fits_internal.h"

#include <math.h>
#include <stdio.h>

sf_status sf_fits_box(const sf_fits *fits, sf_grid *grid)
{
    const sf_grid *own = sf_fits_grid(fits);
    double spacing[SF_GRID_MAX_AXES] = {0};
    char keyword[32];

    for (int n = 1; n <= own->axes; n++) {
        double *value = &spacing[own->axes - n];
        (void)snprintf(keyword, sizeof keyword, "CDELT%d", n);
        if (!sf_fits_get_double(fits, keyword, value)) {
            (void)snprintf(keyword, sizeof keyword, "CD%d_%d", n, n);
            (void)sf_fits_get_double(fits, keyword, value);
        }
        *value = fabs(*value);
        if (!(*value > 0.0))
            return sf_fail(SF_ERR_FORMAT, "the header does not say how large a cell is: CDELT%d",
                           n);
    }
    return sf_grid_make(own->axes, own->shape, spacing, grid);
}

sf_status sf_fits_writer_box(sf_fits_writer *writer, const sf_grid *grid, const char *unit)
{
    static const char *const names[SF_GRID_MAX_AXES] = {"X", "Y", "Z", "W"};

    for (int n = 1; n <= grid->axes; n++) {
        const double spacing = grid->spacing[grid->axes - n];
        const struct {
            const char *root;
            double value;
            const char *comment;
        } numbers[] = {{"CRPIX", 1.0, "the first cell"},
                       {"CRVAL", 0.5 * spacing, "its centre"},
                       {"CDELT", spacing, "size of a cell"}};
        char keyword[32];
        (void)snprintf(keyword, sizeof keyword, "CTYPE%d", n);
        SF_TRY(sf_fits_writer_string(writer, keyword, names[n - 1], "position in the box"));
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            (void)snprintf(keyword, sizeof keyword, "%s%d", numbers[i].root, n);
            SF_TRY(sf_fits_writer_double(writer, keyword, numbers[i].value, numbers[i].comment));
        }
        if (unit == NULL) continue;
        (void)snprintf(keyword, sizeof keyword, "CUNIT%d", n);
        SF_TRY(sf_fits_writer_string(writer, keyword, unit, "unit of length"));
    }
    return SF_OK;
}
