/* write_samples.c - Fourier samples of two sources on 48 x 40 pixels, for the tests:
 * truth.fits; samples.fits, mask.fits and noise.fits (a map); the same with the zero frequency in
 * the middle, middle.fits and middle_mask.fits; and bad ones: small_mask.fits, no_mask.fits,
 * hole.fits (a sample that is NaN). */
#include <scorefield.h>

#include <complex.h>
#include <math.h>
#include <string.h>

#define ROWS    48
#define COLUMNS 40
#define CELLS   ((size_t)ROWS * COLUMNS)
#define NOISE   2.0

static double truth[CELLS], mask[CELLS], noise[CELLS], part[2 * CELLS], middle[2 * CELLS];

static int write_image(const char *path, size_t planes, size_t rows, const double *values)
{
    const size_t shape[] = {planes, rows, COLUMNS};
    sf_fits_writer *w = NULL;
    sf_grid grid;

    return sf_grid_make(planes > 1 ? 3 : 2, shape + (planes > 1 ? 0 : 1), NULL, &grid) == SF_OK &&
           sf_fits_writer_create(path, true, &w) == SF_OK &&
           sf_fits_writer_add(w, NULL, &grid, values, NULL, NULL) == SF_OK &&
           sf_fits_writer_close(&w) == SF_OK;
}

static void shift(const double *from, double *to)
{
    for (size_t k = 0; k < CELLS; k++)
        to[(k / COLUMNS + ROWS / 2) % ROWS * COLUMNS + (k % COLUMNS + COLUMNS / 2) % COLUMNS] =
            from[k];
}

/* |m| of a mode's index along an axis. */
static double distance(size_t index, size_t n)
{
    return (double)(2 * index < n ? index : n - index);
}

/* The coverage is dense in the middle, as arrays have it. */
static void make(void)
{
    const double tau = 6.283185307179586;
    double e[2 * CELLS], uniform[CELLS];

    sf_random_normal(sf_random_make(1, 0), 0, 0, 2 * CELLS, e);
    sf_random_uniform(sf_random_make(1, 1), 0, 0, CELLS, uniform);
    for (size_t n = 0; n < CELLS; n++) {
        const double y = (double)(n / COLUMNS), x = (double)(n % COLUMNS);
        truth[n] = 100.0 * exp(-0.5 * (pow(y - 20.0, 2.0) + pow(x - 25.0, 2.0)) / 9.0) +
                   60.0 * exp(-0.5 * (pow(y - 30.0, 2.0) + pow(x - 9.0, 2.0)) / 4.0);
    }
    for (size_t k = 0; k < CELLS; k++) {
        double _Complex sum = 0.0;
        for (size_t n = 0; n < CELLS; n++)
            sum += truth[n] * cexp(-I * tau *
                                   ((double)((k / COLUMNS) * (n / COLUMNS)) / ROWS +
                                    (double)((k % COLUMNS) * (n % COLUMNS)) / COLUMNS));
        mask[k] =
            uniform[k] < 4.0 / (1.0 + distance(k / COLUMNS, ROWS) + distance(k % COLUMNS, COLUMNS))
                ? 1.0
                : 0.0;
        noise[k] = NOISE;
        part[k] = mask[k] * (creal(sum) + NOISE * e[2 * k]);
        part[CELLS + k] = mask[k] * (cimag(sum) + NOISE * e[2 * k + 1]);
    }
}

int main(void)
{
    int good;

    make();
    good = write_image("truth.fits", 1, ROWS, truth) &&
           write_image("samples.fits", 2, ROWS, part) && write_image("mask.fits", 1, ROWS, mask) &&
           write_image("noise.fits", 1, ROWS, noise) &&
           write_image("small_mask.fits", 1, ROWS / 2, mask);
    shift(part, middle);
    shift(part + CELLS, middle + CELLS);
    good = good && write_image("middle.fits", 2, ROWS, middle);
    shift(mask, middle);
    good = good && write_image("middle_mask.fits", 1, ROWS, middle);
    part[0] = NAN;
    good = good && write_image("hole.fits", 2, ROWS, part);
    memset(mask, 0, sizeof mask);
    good = good && write_image("no_mask.fits", 1, ROWS, mask);
    return good ? 0 : 1;
}
