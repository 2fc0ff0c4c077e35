/* same_fits.c - whether two FITS images agree: same_fits A B TOLERANCE, the largest difference of
 * two pixels. Not bit for bit, since the mathematical functions round differently on different
 * processors. */
#include <scorefield.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static sf_fits *open_image(const char *path)
{
    sf_fits *fits;

    if (sf_fits_read(path, &fits) == SF_OK) return fits;
    fprintf(stderr, "same_fits: %s\n", sf_last_error());
    exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    if (argc != 4) return 2;
    sf_fits *a = open_image(argv[1]), *b = open_image(argv[2]);
    double largest = 0.0;

    if (!sf_grid_same_shape(sf_fits_grid(a), sf_fits_grid(b))) largest = INFINITY;
    for (size_t i = 0; i < sf_grid_size(sf_fits_grid(a)) && isfinite(largest); i++)
        if (!(fabs(sf_fits_pixels(a)[i] - sf_fits_pixels(b)[i]) <= largest))
            largest = fabs(sf_fits_pixels(a)[i] - sf_fits_pixels(b)[i]);
    printf("%s and %s differ by %g\n", argv[1], argv[2], largest);
    const bool same = largest <= atof(argv[3]);
    sf_fits_release(&a);
    sf_fits_release(&b);
    return same ? EXIT_SUCCESS : EXIT_FAILURE;
}
