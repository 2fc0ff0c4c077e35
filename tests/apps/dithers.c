/* dithers.c - frames of one scene whose cells are known, moved, with pixels and PSFs of their own.
 *   dithers write         writes truth.fits (the part of the scene that the first frame shows, in
 *                         cells), a.fits ... d.fits (pixels of 2 x 2 cells, moved by halves of
 *                         pixels and more), e.fits (3 x 3 cells), coadd.fits (the mean of a to d in
 *                         every cell), and frames that do not fit: far, turned, bare (no WCS),
 *                         other (its unit), tenth (its pixels); psfs.fits, 2 x 2 equal PSFs and
 *                         their places, and vary.fits with psfs of their own in varied.fits
 *   dithers compare FILE  its PSNR against truth.fits, in hundredths of decibels */
#include <scorefield.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define K      2
#define PIXELS ((size_t)64)
#define CELLS  (K * PIXELS)
#define MARGIN ((size_t)40) /* cells of the scene beyond the first frame */
#define SIDE   (CELLS + 2 * MARGIN)
#define SKY    100.0 /* in a pixel of a */
#define NOISE  4.0

typedef struct view {
    const char *path, *unit;
    size_t pixels, cells; /* along a side; of a pixel */
    long row, column;     /* of its first cell, from the first frame's */
    double fwhm;          /* cells */
    double scale, turn;   /* of the coordinates: pixels of a; radians */
    bool world;
} view;

static const view views[] = {
    {"a.fits", "electrons", PIXELS, K, 0, 0, 5.0, 1.0, 0.0, true},
    {"b.fits", "electrons", PIXELS, K, 0, 1, 5.0, 1.0, 0.0, true},
    {"c.fits", "electrons", PIXELS, K, 1, 0, 4.0, 1.0, 0.0, true},
    {"d.fits", "electrons", PIXELS, K, 5, -3, 6.0, 1.0, 0.0, true},
    {"e.fits", "electrons", 40, 3, 4, -7, 5.0, 1.5, 0.0, true},
    {"far.fits", "electrons", PIXELS, K, 0, 0, 5.0, 1.0, 0.0, true},
    {"turned.fits", "electrons", PIXELS, K, 0, 0, 5.0, 1.0, 0.05, true},
    {"bare.fits", "electrons", PIXELS, K, 0, 1, 5.0, 1.0, 0.0, false},
    {"other.fits", "Jy", PIXELS, K, 0, 0, 5.0, 1.0, 0.0, true},
    {"tenth.fits", "electrons", PIXELS, K, 0, 0, 5.0, 1.1, 0.0, true},
};

static double scene[SIDE * SIDE], blurred[SIDE * SIDE], truth[CELLS * CELLS], coadd[CELLS * CELLS];

static void must(sf_status status)
{
    if (status == SF_OK) return;
    fprintf(stderr, "dithers: %s\n", sf_last_error());
    exit(EXIT_FAILURE);
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

/* flux 1 a source; places from the first frame's first cell on */
static double source(double y, double x, double size, double ratio, size_t row, size_t column)
{
    const double v = ((double)row - (double)MARGIN - y) / size;
    const double u = ((double)column - (double)MARGIN - x) / (ratio * size);

    return exp(-0.5 * (v * v + u * u)) / (6.283185307179586 * ratio * size * size);
}

static double light(size_t row, size_t column)
{
    return 4e4 * source(70.0, 50.0, 3.0, 2.5, row, column) +
           3e4 * source(58.0, 56.5, 1.5, 1.0, row, column) +
           2e4 * source(85.0, 80.0, 5.0, 0.5, row, column) +
           2e4 * source(30.0, 30.0, 1.5, 3.0, row, column) +
           1e4 * source(36.0, 33.0, 3.0, 0.4, row, column) +
           1e4 * source(120.0, 130.0, 2.0, 1.0, row, column) +
           1e4 * source(40.3, 90.6, 1.0, 1.0, row, column);
}

/* A tangent plane whose reference is in the middle of the first frame. */
static void write_world(sf_fits_writer *w, const view *v)
{
    const double row = (CELLS / 2.0 - (double)v->row) / (double)v->cells + 0.5;
    const double column = (CELLS / 2.0 - (double)v->column) / (double)v->cells + 0.5;
    const double cd = 1e-4 * v->scale, c = cos(v->turn + 0.4), s = sin(v->turn + 0.4);
    const bool far = strcmp(v->path, "far.fits") == 0;
    const struct {
        const char *keyword;
        double value;
    } numbers[] = {{"CRPIX1", column}, {"CRPIX2", far ? row + 70.0 : row},
                   {"CRVAL1", 150.0},  {"CRVAL2", 60.0},
                   {"CD1_1", -cd * c}, {"CD1_2", cd * s},
                   {"CD2_1", cd * s},  {"CD2_2", cd * c}};

    must(sf_fits_writer_string(w, "CTYPE1", "RA---TAN", NULL));
    must(sf_fits_writer_string(w, "CTYPE2", "DEC--TAN", NULL));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        must(sf_fits_writer_double(w, numbers[i].keyword, numbers[i].value, NULL));
}

static void write_image(const char *path, size_t side, const double *pixels, const view *v)
{
    sf_fits_writer *w;
    sf_grid grid;

    must(sf_grid_image(side, side, &grid));
    must(sf_fits_writer_create(path, true, &w));
    must(sf_fits_writer_add(w, NULL, &grid, pixels, NULL, NULL));
    if (v != NULL) must(sf_fits_writer_string(w, "BUNIT", v->unit, NULL));
    if (v != NULL && v->world) write_world(w, v);
    must(sf_fits_writer_close(&w));
}

static void blur(double fwhm)
{
    sf_operator *convolution;
    sf_psf *psf;
    sf_grid grid;

    must(sf_grid_image(SIDE, SIDE, &grid));
    must(sf_psf_gaussian(fwhm, &psf));
    must(sf_operator_convolution(&grid, sf_psf_grid(psf), sf_psf_pixels(psf), &convolution));
    must(sf_operator_apply(convolution, scene, blurred));
    sf_operator_release(&convolution);
    sf_psf_release(&psf);
}

/* The frame: what is blurred, summed over its pixels' cells, with sky and noise. */
static void expose(const view *v, double *pixels)
{
    const double cells = (double)(v->cells * v->cells);

    for (size_t i = 0; i < v->pixels * v->pixels; i++) pixels[i] = SKY * cells / (K * K);
    for (size_t y = 0; y < v->pixels * v->cells; y++)
        for (size_t x = 0; x < v->pixels * v->cells; x++)
            pixels[y / v->cells * v->pixels + x / v->cells] +=
                blurred[(size_t)((long)(y + MARGIN) + v->row) * SIDE +
                        (size_t)((long)(x + MARGIN) + v->column)];
    for (size_t i = 0; i < v->pixels * v->pixels; i++) pixels[i] += NOISE * normal();
}

/* Every cell gets the part of a pixel that is on it, the mean over the first four frames; or what
 * the first ones have where others have nothing. */
static void add_to_coadd(const view *v, const double *pixels, double *number)
{
    for (long y = 0; y < (long)CELLS; y++)
        for (long x = 0; x < (long)CELLS; x++) {
            const long row = y - v->row, column = x - v->column;
            const size_t cell = (size_t)y * CELLS + (size_t)x;

            if (row < 0 || column < 0 || row >= (long)CELLS || column >= (long)CELLS) continue;
            coadd[cell] += pixels[(size_t)(row / K) * PIXELS + (size_t)(column / K)] / (K * K);
            number[cell] += 1.0;
        }
}

/* PSFs in a cube and their places in a table. */
static void write_psfs(const char *path, const double fwhm[4])
{
    static const double x[4] = {1.0, 64.0, 1.0, 64.0}, y[4] = {1.0, 1.0, 64.0, 64.0};
    enum { BOX = 31 };
    static double cube[4 * BOX * BOX];
    const sf_column columns[2] = {{.name = "X", .values = x}, {.name = "Y", .values = y}};
    const size_t shape[3] = {4, BOX, BOX};
    sf_fits_writer *w;
    sf_grid grid;

    memset(cube, 0, sizeof cube);
    for (size_t i = 0; i < 4; i++) {
        sf_psf *psf;

        must(sf_psf_gaussian(fwhm[i], &psf));
        const size_t n = sf_psf_grid(psf)->shape[0], first = (BOX - n) / 2;
        for (size_t p = 0; p < n * n; p++)
            cube[i * BOX * BOX + (first + p / n) * BOX + first + p % n] = sf_psf_pixels(psf)[p];
        sf_psf_release(&psf);
    }
    must(sf_grid_make(3, shape, NULL, &grid));
    must(sf_fits_writer_create(path, true, &w));
    must(sf_fits_writer_add(w, NULL, &grid, cube, NULL, NULL));
    must(sf_fits_writer_table(w, "PLACES", columns, 2, 4));
    must(sf_fits_writer_close(&w));
}

/* A frame whose PSF is wider and wider from left to right and from bottom to top. */
static void write_varying(const double fwhm[4], double *pixels)
{
    static double part[SIDE * SIDE], sum[SIDE * SIDE], kept[SIDE * SIDE];

    memcpy(kept, scene, sizeof kept);
    memset(sum, 0, sizeof sum);
    for (size_t i = 0; i < 4; i++) {
        for (size_t c = 0; c < SIDE * SIDE; c++) {
            const double row = ((double)(c / SIDE) - (double)MARGIN + 0.5) / K - 0.5;
            const double column = ((double)(c % SIDE) - (double)MARGIN + 0.5) / K - 0.5;
            const double up = fmin(fmax(row / 63.0, 0.0), 1.0);
            const double right = fmin(fmax(column / 63.0, 0.0), 1.0);

            part[c] = (i / 2 == 1 ? up : 1.0 - up) * (i % 2 == 1 ? right : 1.0 - right);
            scene[c] = part[c] * kept[c];
        }
        blur(fwhm[i]);
        for (size_t c = 0; c < SIDE * SIDE; c++) sum[c] += blurred[c];
    }
    memcpy(scene, kept, sizeof kept);
    memcpy(blurred, sum, sizeof sum);
    expose(&views[0], pixels);
    write_image("vary.fits", PIXELS, pixels, &views[0]);
}

static void write_all(void)
{
    static const double equal[4] = {5.0, 5.0, 5.0, 5.0}, varied[4] = {3.5, 5.0, 6.0, 8.0};
    static double pixels[PIXELS * PIXELS], number[CELLS * CELLS];

    for (size_t i = 0; i < SIDE * SIDE; i++) scene[i] = light(i / SIDE, i % SIDE);
    for (size_t i = 0; i < CELLS * CELLS; i++)
        truth[i] = scene[(i / CELLS + MARGIN) * SIDE + i % CELLS + MARGIN] + SKY / (K * K);
    write_image("truth.fits", CELLS, truth, NULL);
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        blur(views[i].fwhm);
        expose(&views[i], pixels);
        if (i < 4) add_to_coadd(&views[i], pixels, number);
        write_image(views[i].path, views[i].pixels, pixels, &views[i]);
    }
    for (size_t i = 0; i < CELLS * CELLS; i++) coadd[i] /= number[i];
    write_image("coadd.fits", CELLS, coadd, NULL);
    write_psfs("psfs.fits", equal);
    write_psfs("varied.fits", varied);
    write_varying(varied, pixels);
}

static int compare(const char *path)
{
    sf_fits *fits, *known;
    sf_comparison comparison;

    must(sf_fits_read(path, &fits));
    must(sf_fits_read("truth.fits", &known));
    must(sf_compare(sf_fits_grid(known), sf_fits_pixels(fits), sf_fits_pixels(known), 0.0,
                    &comparison));
    printf("%.0f\n", 100.0 * comparison.psnr);
    sf_fits_release(&fits);
    sf_fits_release(&known);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "compare") == 0) return compare(argv[2]);
    if (argc != 2 || strcmp(argv[1], "write") != 0) return 2;
    write_all();
    return EXIT_SUCCESS;
}
