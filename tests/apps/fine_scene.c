/* fine_scene.c - a scene of cells twice as fine as a frame's pixels, and what is made of it.
 *   fine_scene write       writes truth.fits (cells), frame.fits (pixels with a WCS, blurred by a
 *                          Gaussian of FWHM 5 cells, noisy), and the PSF as psf2.fits and psf6.fits
 *                          (2 and 6 samples a pixel, without the pixel's own width), big.fits (a
 * PSF larger than the frame) fine_scene check FILE  whether FILE has the scene's flux to 1 %, and
 * its star on the sky to 0.05 pixels of the frame */
#include <scorefield.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define K      2
#define PIXELS ((size_t)64)
#define CELLS  (K * PIXELS)
#define SKY    100.0 /* a pixel */
#define NOISE  4.0
#define FWHM   5.0 /* cells */
#define STAR_Y 40.3
#define STAR_X 90.6

static double truth[CELLS * CELLS], blurred[CELLS * CELLS], frame[PIXELS * PIXELS];

/* A pixel of 0.4" on a rotated sky. */
static const struct {
    const char *keyword;
    double value;
} wcs[] = {{"CRPIX1", 30.25}, {"CRPIX2", 35.5},  {"CRVAL1", 150.0}, {"CRVAL2", 2.0},
           {"CD1_1", -1e-4},  {"CD1_2", 0.4e-4}, {"CD2_1", 0.4e-4}, {"CD2_2", 1e-4}};

static void must(sf_status status)
{
    if (status == SF_OK) return;
    fprintf(stderr, "fine_scene: %s\n", sf_last_error());
    exit(EXIT_FAILURE);
}

/* flux 1 a source */
static double source(double y, double x, double size, double ratio, size_t row, size_t column)
{
    const double v = ((double)row - y) / size, u = ((double)column - x) / (ratio * size);

    return exp(-0.5 * (v * v + u * u)) / (6.283185307179586 * ratio * size * size);
}

static double light(size_t row, size_t column)
{
    return 4e4 * source(70.0, 50.0, 3.0, 2.5, row, column) +
           3e4 * source(58.0, 56.5, 1.5, 1.0, row, column) +
           2e4 * source(85.0, 80.0, 5.0, 0.5, row, column) +
           1e4 * source(STAR_Y, STAR_X, 1.0, 1.0, row, column);
}

static double normal(void)
{
    static unsigned long long state = 1;
    double sum = -6.0;

    for (int i = 0; i < 12; i++) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        sum += (double)(state >> 11) / 9007199254740992.0;
    }
    return sum;
}

static void write_image(const char *path, size_t rows, size_t columns, const double *pixels,
                        bool world)
{
    sf_fits_writer *writer;
    sf_grid grid;

    must(sf_grid_image(rows, columns, &grid));
    must(sf_fits_writer_create(path, true, &writer));
    must(sf_fits_writer_add(writer, NULL, &grid, pixels, NULL, NULL));
    for (size_t i = 0; i < sizeof wcs / sizeof wcs[0] && world; i++)
        must(sf_fits_writer_double(writer, wcs[i].keyword, wcs[i].value, NULL));
    must(sf_fits_writer_close(&writer));
}

static void write_psf(const char *path, double fwhm)
{
    sf_psf *psf;

    must(sf_psf_gaussian(fwhm, &psf));
    const sf_grid *grid = sf_psf_grid(psf);
    write_image(path, grid->shape[0], grid->shape[1], sf_psf_pixels(psf), false);
    sf_psf_release(&psf);
}

static void write_all(void)
{
    static double big[(CELLS + 3) * (CELLS + 3)];
    sf_operator *blur;
    sf_psf *psf;
    sf_grid grid;

    for (size_t i = 0; i < CELLS * CELLS; i++) truth[i] = light(i / CELLS, i % CELLS);
    must(sf_grid_image(CELLS, CELLS, &grid));
    must(sf_psf_gaussian(FWHM, &psf));
    must(sf_operator_convolution(&grid, sf_psf_grid(psf), sf_psf_pixels(psf), &blur));
    must(sf_operator_apply(blur, truth, blurred));
    for (size_t i = 0; i < CELLS * CELLS; i++)
        frame[i / CELLS / K * PIXELS + i % CELLS / K] += blurred[i];
    for (size_t i = 0; i < PIXELS * PIXELS; i++) frame[i] += SKY + NOISE * normal();
    for (size_t i = 0; i < CELLS * CELLS; i++) truth[i] += SKY / (K * K);
    write_image("truth.fits", CELLS, CELLS, truth, false);
    write_image("frame.fits", PIXELS, PIXELS, frame, true);
    write_psf("psf2.fits", FWHM);
    write_psf("psf6.fits", 3.0 * FWHM);
    for (size_t i = 0; i < sizeof big / sizeof big[0]; i++) big[i] = 1.0 + (double)(i % 3);
    write_image("big.fits", CELLS + 3, CELLS + 3, big, false);
    sf_operator_release(&blur);
    sf_psf_release(&psf);
}

/* Of a position, counted from 1 on, by numbers of a header: degrees from the reference point. */
static void world(const double number[8], double x, double y, double position[2])
{
    const double u = x - number[0], v = y - number[1];

    position[0] = number[4] * u + number[5] * v;
    position[1] = number[6] * u + number[7] * v;
}

/* The centre of light about the star, weighted by a Gaussian that follows it: what is far is noise.
 */
static void find_star(const double *pixels, double *y, double *x)
{
    *y = 40.0;
    *x = 90.0;
    for (int i = 0; i < 20; i++) {
        double sum = 0.0, v = 0.0, u = 0.0;

        for (size_t row = 30; row <= 50; row++)
            for (size_t column = 80; column <= 100; column++) {
                const double dy = (double)row - *y, dx = (double)column - *x;
                const double value = (pixels[row * CELLS + column] - SKY / (K * K)) *
                                     exp(-0.125 * (dy * dy + dx * dx));
                sum += value;
                v += value * dy;
                u += value * dx;
            }
        *y += v / sum;
        *x += u / sum;
    }
}

static int check(const char *path)
{
    double own[8], given[8], flux = 0.0, expected = 0.0, y, x, is[2], is_not[2];
    sf_fits *fits;

    must(sf_fits_read(path, &fits));
    const sf_grid *grid = sf_fits_grid(fits);
    if (grid->shape[0] != CELLS || grid->shape[1] != CELLS) return EXIT_FAILURE;
    for (size_t i = 0; i < CELLS * CELLS; i++) {
        flux += sf_fits_pixels(fits)[i] - SKY / (K * K);
        expected += light(i / CELLS, i % CELLS);
    }
    for (int i = 0; i < 8; i++) {
        given[i] = wcs[i].value;
        if (!sf_fits_get_double(fits, wcs[i].keyword, &own[i])) return EXIT_FAILURE;
    }
    find_star(sf_fits_pixels(fits), &y, &x);
    world(own, x + 1.0, y + 1.0, is);
    world(given, (STAR_X + 0.5) / K + 0.5, (STAR_Y + 0.5) / K + 0.5, is_not);
    const double away =
        hypot(is[0] - is_not[0], is[1] - is_not[1]) / hypot(wcs[4].value, wcs[5].value);
    printf("%s: flux %.4f of the scene's, star %.4f pixels away\n", path, flux / expected, away);
    sf_fits_release(&fits);
    return fabs(flux / expected - 1.0) < 0.01 && away < 0.05 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "check") == 0) return check(argv[2]);
    if (argc != 2 || strcmp(argv[1], "write") != 0) return 2;
    write_all();
    return EXIT_SUCCESS;
}
