/* bench_frames.c - real frames of many cameras: does the noise remain, and what becomes of a point
 * source whose flux is known?
 *
 * Frames of SCOREFIELD_DATA/fits that come with a PSF are reconstructed as sf-deblur does by
 * default: sigma maps and masks where there are some, else noise and sky are estimated. First
 * table: chi^2 per pixel and its deviation from 1 in standard deviations of white noise, by how
 * much neighbours share more noise than their sigmas tell, the whiteness of the residual, and the
 * resolution that was kept. Then stars (the PSF, moved by parts of a pixel) are put into the frame,
 * all of one signal-to-noise ratio F (sum psf^2/sigma^2)^1/2, that of the best photometry in the
 * frame's noise, and it is reconstructed again. A star is recovered with the light that the result
 * has gained within a PSF's FWHM and a pixel of it; the frame's own noise is in both results, so
 * that the scatter is the method's alone. Isolated: at less than one sigma of the model's light;
 * near a galaxy: at 3 to 30. No photon noise of the stars themselves, but for counts.
 *
 * Measured with the built-in denoiser (0.1.0) in bf16, two minutes of a core, recovered over true:
 *
 *      S/N        isolated, 82 stars           near a galaxy, 60 stars
 *                 mean              scatter    mean              scatter
 *      3          0.191 +- 0.031    0.28       0.886 +- 0.041    0.32
 *      5          0.303 +- 0.043    0.39       0.951 +- 0.039    0.30
 *      10         1.025 +- 0.035    0.32       1.137 +- 0.022    0.17
 *      30         1.071 +- 0.010    0.086      1.045 +- 0.007    0.057
 *      100        1.038 +- 0.003    0.023      1.003 +- 0.002    0.018
 *      1000       1.000 +- 0.001    0.007      0.997 +- 0.003    0.020
 *
 * So what is alone and below 5 sigma is mostly left out, and what is found is too bright by one to
 * four of its own standard deviations, until it is very bright. In white noise (64 stars, FWHM 3.4)
 * this is +16, +8 and +5 % at 10, 30 and 100; refitting the star as it is drawn by least squares
 * leaves +16, +6 and +4 %, so most of it is that it is drawn wider than a point, as the faint
 * galaxies are for which it could also be taken, and 1 to 9 % are the denoiser's own, applied once.
 * Photometry of faint stars belongs on the frame; a posterior's samples say how far the flux is
 * open.
 *
 * chi^2 with sigma maps: SDSS 0.91 to 0.97, KiDS 0.87 to 0.94, HSC 0.94 and 0.97; HST 0.33, whose
 * rms map tells of the noise that neighbours share; HSC's cut-out of COSMOS, without a map, 1.57;
 * Chandra 1.01. In the drizzled frame of Abell 2744 there is a hatching of single pixels beside the
 * two brightest galaxies, at a thousandth of their peaks and more, which is not on the sky. It
 * is probably noise of the measured PSF at the sampling limit, which grows where H is divided by
 * the resolution that the scene keeps: with the PSF limited to its band it was 3.5 times weaker.
 *
 * usage: bench_frames [builtin | MODEL.onnx [USAGE]] (bf16=true as USAGE: fast), with
 * SCOREFIELD_DATA */
#include <scorefield.h>

#include <complex.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "default_way.h"

#define STARS  5  /* of a kind in a frame, at most */
#define APART  18 /* pixels */
#define BORDER 10
#define TRIES  4000

enum { ISOLATED, NEAR, PLACES };
enum { RATIOS = 6 };
static const double ratios[RATIOS] = {3.0, 5.0, 10.0, 30.0, 100.0, 1000.0};

typedef struct source {
    const char *name, *frame, *sigma, *mask, *psf; /* files; NULL: none */
    size_t plane;                                  /* of frame and PSF, where they are cubes */
    double gain;
} source;

static const source sources[] = {
    {"SDSS G265911", "gama_sdss_G265911_fitim.fits.gz", "gama_sdss_G265911_sigma.fits.gz", NULL,
     "gama_sdss_G265911_psfim.fits", 0, 0.0},
    {"SDSS G265940", "gama_sdss_G265940_fitim.fits.gz", "gama_sdss_G265940_sigma.fits.gz", NULL,
     "gama_sdss_G265940_psfim.fits", 0, 0.0},
    {"SDSS G267525", "gama_sdss_G267525_fitim.fits.gz", "gama_sdss_G267525_sigma.fits.gz", NULL,
     "gama_sdss_G267525_psfim.fits", 0, 0.0},
    {"SDSS G279148", "gama_sdss_G279148_fitim.fits.gz", "gama_sdss_G279148_sigma.fits.gz", NULL,
     "gama_sdss_G279148_psfim.fits", 0, 0.0},
    {"KiDS G265911", "gama_kids_G265911_fitim.fits.gz", "gama_kids_G265911_sigma.fits.gz", NULL,
     "gama_kids_G265911_psfim.fits", 0, 0.0},
    {"KiDS G265940", "gama_kids_G265940_fitim.fits.gz", "gama_kids_G265940_sigma.fits.gz", NULL,
     "gama_kids_G265940_psfim.fits", 0, 0.0},
    {"KiDS G267525", "gama_kids_G267525_fitim.fits.gz", "gama_kids_G267525_sigma.fits.gz", NULL,
     "gama_kids_G267525_psfim.fits", 0, 0.0},
    {"KiDS G279148", "gama_kids_G279148_fitim.fits.gz", "gama_kids_G279148_sigma.fits.gz", NULL,
     "gama_kids_G279148_psfim.fits", 0, 0.0},
    {"HSC 1", "hsc_gal1.fits[0]", "hsc_gal1.fits[SIGMA]", "hsc_gal1.fits[MASK]",
     "hsc_gal1.fits[PSF]", 0, 0.0},
    {"HSC 2", "hsc_gal2.fits[0]", "hsc_gal2.fits[SIGMA]", "hsc_gal2.fits[MASK]",
     "hsc_gal2.fits[PSF]", 0, 0.0},
    {"HST Abell 2744 dwarf", "hst_abell_2744_dwarf_galaxy_f105w.fits.gz",
     "hst_abell_2744_dwarf_galaxy_f105w_rms.fits.gz", NULL, "../kernels/psf_hst_wfc3_f105w.fits.gz",
     0, 0.0},
    {"HST Abell 2744 group", "hst_abell_2744_group_of_galaxies_f105w.fits.gz", NULL, NULL,
     "../kernels/psf_hst_wfc3_f105w.fits.gz", 0, 0.0},
    {"HST AEGIS F606W", "hst_aegis_F606w_galaxies_01.fits[1]", NULL, NULL,
     "hst_aegis_F606w_psfs_01.fits[1]", 0, 0.0},
    {"HST AEGIS F814W", "hst_aegis_F814w_galaxies_01.fits[1]", NULL, NULL,
     "hst_aegis_F814w_psfs_01.fits[1]", 0, 0.0},
    {"HST COSMOS", "scarlet_cut_hst.fits", NULL, NULL, "scarlet_psf_hst.fits", 0, 0.0},
    {"HSC COSMOS r", "scarlet_cut_hsc.fits", NULL, NULL, "scarlet_psf_hsc.fits", 1, 0.0},
    {"Chandra", "chandra_gc_4683_counts.fits.gz", NULL, NULL, "chandra_gc_4683_psf.fits.gz", 0,
     1.0}};

typedef struct result {
    double *image;     /* in the frame's pixels, without sky */
    double *predicted; /* what the frame shows of it */
    double resolution, excess;
    sf_diagnostics diagnostics;
} result;

/* ---- frames ------------------------------------------------------------------------------ */

static double *new_array(size_t count)
{
    double *values;

    OK(sf_allocate(&values, count, sizeof *values));
    return values;
}

/* A plane of an image or of a cube; NULL without a file. */
static double *read_plane(const char *folder, const char *file, size_t plane, sf_grid *grid)
{
    char path[1024];
    double *pixels;
    sf_fits *fits;
    const size_t *shape;
    size_t count;
    int cube;

    if (file == NULL) return NULL;
    (void)snprintf(path, sizeof path, "%s/fits/%s", folder, file);
    OK(sf_fits_read(path, &fits));
    cube = sf_fits_grid(fits)->axes == 3 ? 1 : 0;
    shape = sf_fits_grid(fits)->shape + cube;
    OK(sf_grid_image(shape[0], shape[1], grid));
    count = sf_grid_size(grid);
    pixels = new_array(count);
    memcpy(pixels, sf_fits_pixels(fits) + (cube == 1 ? plane * count : 0), count * sizeof *pixels);
    sf_fits_release(&fits);
    return pixels;
}

static void read_frame(const char *folder, const source *s, exposure *e)
{
    sf_grid grid;
    double *kernel = read_plane(folder, s->psf, s->plane, &grid);
    sf_psf *psf;

    memset(e, 0, sizeof *e);
    OK(sf_psf_from_pixels(&grid, kernel, NULL, &psf));
    e->pixels = read_plane(folder, s->frame, s->plane, &e->grid);
    e->sigma = read_plane(folder, s->sigma, s->plane, &grid);
    e->mask = read_plane(folder, s->mask, s->plane, &grid);
    e->gain = s->gain;
    OK(sf_psf_cut(psf, &e->grid, &e->psf));
    if (e->sigma == NULL) OK(sf_estimate_noise(&e->grid, e->pixels, e->mask, &e->noise));
    if (s->gain == 0.0) OK(sf_estimate_background(&e->grid, e->pixels, e->mask, &e->sky));
    sf_psf_release(&psf);
    sf_free(kernel);
}

static void release_frame(exposure *e)
{
    sf_psf_release(&e->psf);
    sf_free(e->pixels);
    sf_free(e->sigma);
    sf_free(e->mask);
}

static result reconstruct(const exposure *e, sf_model *model, double resolution)
{
    const size_t count = sf_grid_size(&e->grid);
    restored found = restore_frame(e, model, resolution, NULL);
    result r = {.image = new_array(count),
                .predicted = new_array(count),
                .resolution = found.resolution,
                .excess = found.report.noise_excess,
                .diagnostics = found.diagnostics};

    OK(sf_observation_crop(found.observation, found.scene, r.image));
    OK(sf_observation_predict(found.observation, found.scene, r.predicted));
    release_restored(&found);
    return r;
}

static void release_result(result *r)
{
    sf_free(r->image);
    sf_free(r->predicted);
}

/* What the noise of a pixel is taken for; 0 where it is not observed. */
static double deviation(const exposure *e, const result *r, size_t pixel)
{
    const double sigma = e->sigma != NULL ? e->sigma[pixel] : e->noise;

    if (!isfinite(e->pixels[pixel]) || (e->mask != NULL && e->mask[pixel] != 0.0)) return 0.0;
    if (e->gain > 0.0) return sqrt(fmax(r->predicted[pixel], 0.1));
    return sigma > 0.0 && isfinite(sigma) ? sigma : 0.0;
}

/* ---- stars ------------------------------------------------------------------------------- */

typedef struct star {
    size_t row, column;
    double shift[2]; /* of its centre from that pixel's */
    double share;    /* (sum psf^2/sigma^2)^1/2: the signal-to-noise ratio of unit flux */
    double flux;     /* that was put in */
    int place;
} star;

/* The PSF, moved by parts of a pixel: by the phases of its modes, when it is sampled well enough.
 */
static void draw_star(const exposure *e, const star *s, double *kernel)
{
    const sf_grid *grid = sf_psf_grid(e->psf);
    const double step[2] = {2.0 * acos(-1.0) / (double)grid->shape[0],
                            2.0 * acos(-1.0) / (double)grid->shape[1]};
    sf_complex *modes;
    sf_fft *fft;

    OK(sf_fft_create(grid, &fft));
    OK(sf_allocate(&modes, sf_grid_half_size(grid), sizeof *modes));
    OK(sf_fft_forward(fft, sf_psf_pixels(e->psf), modes));
    for (size_t i = 0; i < sf_grid_half_size(grid); i++) {
        long m[SF_GRID_MAX_AXES];
        double phase;

        sf_grid_mode(grid, i, m);
        phase = (double)m[0] * step[0] * s->shift[0] + (double)m[1] * step[1] * s->shift[1];
        modes[i] *= cos(phase) - I * sin(phase);
    }
    OK(sf_fft_inverse(fft, modes, kernel));
    sf_fft_release(&fft);
    sf_free(modes);
}

/* The star's kernel on the frame, from zero: values, and a signal-to-noise ratio for unit flux. */
static void light(const exposure *e, const result *r, star *s, double *image)
{
    const size_t *size = sf_psf_grid(e->psf)->shape;
    double *kernel = new_array(size[0] * size[1]), sum = 0.0, sigma;

    memset(image, 0, sf_grid_size(&e->grid) * sizeof *image);
    draw_star(e, s, kernel);
    for (size_t i = 0; i < size[0]; i++)
        for (size_t j = 0; j < size[1]; j++) {
            const size_t row = s->row + i - size[0] / 2, column = s->column + j - size[1] / 2;
            const size_t pixel = row * e->grid.shape[1] + column;
            const double value = kernel[i * size[1] + j];

            if (row >= e->grid.shape[0] || column >= e->grid.shape[1]) continue;
            image[pixel] = value;
            sigma = deviation(e, r, pixel);
            if (sigma > 0.0) sum += value * value / (sigma * sigma);
        }
    s->share = sqrt(sum);
    sf_free(kernel);
}

static bool masked(const exposure *e, const result *r, size_t row, size_t column)
{
    for (size_t i = row - 3; i <= row + 3; i++)
        for (size_t j = column - 3; j <= column + 3; j++)
            if (!(deviation(e, r, i * e->grid.shape[1] + j) > 0.0)) return true;
    return false;
}

/* Places that are far enough from each other, at random. */
static size_t place_stars(const exposure *e, const result *r, star *stars)
{
    const size_t *shape = e->grid.shape;
    const bool sampled = sf_psf_fwhm(e->psf) > 2.0;
    size_t count = 0, of_kind[PLACES] = {0};

    for (uint32_t try = 0; try < TRIES && count < (size_t)PLACES * STARS; try++) {
        const uint32_t counter[4] = {try, 0, 0, 0};
        star s = {.flux = 0.0};
        uint32_t words[4];
        bool far = true;

        sf_random_words(sf_random_make(5, 0), counter, words);
        s.row = BORDER + words[0] % (shape[0] - 2 * BORDER);
        s.column = BORDER + words[1] % (shape[1] - 2 * BORDER);
        for (int i = 0; i < 2 && sampled; i++) s.shift[i] = (double)words[2 + i] * 0x1p-32 - 0.5;
        if (masked(e, r, s.row, s.column)) continue;
        const size_t pixel = s.row * shape[1] + s.column;
        const double level = r->predicted[pixel] / deviation(e, r, pixel);
        for (size_t i = 0; i < count; i++)
            far = far && hypot((double)s.row - (double)stars[i].row,
                               (double)s.column - (double)stars[i].column) >= APART;
        s.place = fabs(level) < 1.0 ? ISOLATED : NEAR;
        if (!far || of_kind[s.place] == STARS) continue;
        if (s.place == NEAR && !(level >= 3.0 && level <= 30.0)) continue;
        of_kind[s.place]++;
        stars[count++] = s;
    }
    return count;
}

/* The light of `image` near the star. */
static double aperture(const exposure *e, const star *s, const double *image)
{
    const double radius = sf_psf_fwhm(e->psf) + 1.0;
    double sum = 0.0;

    for (size_t i = 0; i < sf_grid_size(&e->grid); i++)
        if (hypot((double)(i / e->grid.shape[1]) - (double)s->row - s->shift[0],
                  (double)(i % e->grid.shape[1]) - (double)s->column - s->shift[1]) <= radius)
            sum += image[i];
    return sum;
}

/* ---- tables ------------------------------------------------------------------------------ */

typedef struct tally {
    double sum, squares;
    size_t count;
} tally;

static void count_ratio(tally *t, double ratio)
{
    t->sum += ratio;
    t->squares += ratio * ratio;
    t->count++;
}

static double mean(const tally *t) { return t->sum / (double)t->count; }

static double scatter(const tally *t)
{
    const double n = (double)t->count;

    return sqrt(fmax(t->squares - t->sum * t->sum / n, 0.0) / (n - 1.0));
}

static void put_star(const exposure *e, const result *before, star *s, double ratio, gsl_rng *rng,
                     double *one, double *pixels)
{
    light(e, before, s, one);
    s->flux = ratio / s->share;
    if (e->gain > 0.0) {
        const double expected = s->flux;

        s->flux = 0.0; /* what is counted of it */
        for (size_t i = 0; i < sf_grid_size(&e->grid); i++) {
            const double counts = gsl_ran_poisson(rng, fmax(expected * one[i], 0.0));
            pixels[i] += counts;
            s->flux += counts;
        }
        return;
    }
    for (size_t i = 0; i < sf_grid_size(&e->grid); i++) pixels[i] += s->flux * one[i];
}

static void recover(const exposure *e, sf_model *model, const result *before, double ratio,
                    gsl_rng *rng, tally tallies[PLACES])
{
    const size_t count = sf_grid_size(&e->grid);
    double *one = new_array(count);
    exposure with = *e;
    star stars[PLACES * STARS];
    const size_t placed = place_stars(e, before, stars);
    result after;

    with.pixels = new_array(count);
    memcpy(with.pixels, e->pixels, count * sizeof *with.pixels);
    for (size_t i = 0; i < placed; i++)
        put_star(e, before, &stars[i], ratio, rng, one, with.pixels);
    after = reconstruct(&with, model, before->resolution);
    for (size_t i = 0; i < count; i++) after.image[i] -= before->image[i];
    for (size_t i = 0; i < placed; i++)
        if (stars[i].flux > 0.0)
            count_ratio(&tallies[stars[i].place],
                        aperture(e, &stars[i], after.image) / stars[i].flux);
    release_result(&after);
    sf_free(with.pixels);
    sf_free(one);
}

static void add_tally(const tally *t, tally *sum)
{
    sum->sum += t->sum;
    sum->squares += t->squares;
    sum->count += t->count;
}

static void add_frame(const char *folder, const source *s, sf_model *model, gsl_rng *rng,
                      tally tallies[RATIOS][PLACES])
{
    exposure e;
    result r;

    read_frame(folder, s, &e);
    r = reconstruct(&e, model, RESOLUTION_CHOSEN);
    printf("%-22s %-9s %7.3f %+7.1f %6.2f %+8.1f %5.1f ", s->name,
           s->gain > 0.0      ? "counts"
           : s->sigma != NULL ? "map"
                              : "estimated",
           r.diagnostics.chi_squared, r.diagnostics.chi_squared_z, r.excess,
           r.diagnostics.whiteness_z, r.resolution);
    for (size_t i = 0; i < RATIOS; i++) {
        tally mine[PLACES] = {{0}};

        recover(&e, model, &r, ratios[i], rng, mine);
        for (int k = 0; k < PLACES; k++) {
            add_tally(&mine[k], &tallies[i][k]);
            printf(" %6.3f", mean(&mine[k]));
        }
        (void)fflush(stdout);
    }
    printf("\n");
    release_result(&r);
    release_frame(&e);
}

static void print_tables(const char *folder, sf_model *model)
{
    static const char *const places[PLACES] = {"isolated", "near a galaxy"};
    tally tallies[RATIOS][PLACES] = {{{0}}};
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);

    if (rng == NULL) exit(1);
    printf("%-22s %-9s %7s %7s %6s %8s %5s  recovered / true, isolated and near, at", "frame",
           "noise", "chi^2", "sigma", "excess", "white", "res.");
    for (size_t i = 0; i < RATIOS; i++) printf(" %g", ratios[i]);
    printf("\n");
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        add_frame(folder, &sources[i], model, rng, tallies);
    printf("\n%-14s %6s %6s %8s %8s %8s\n", "", "S/N", "stars", "mean", "error", "scatter");
    for (int k = 0; k < PLACES; k++)
        for (size_t i = 0; i < RATIOS; i++) {
            const tally *t = &tallies[i][k];
            printf("%-14s %6g %6zu %8.4f %8.4f %8.4f\n", places[k], ratios[i], t->count, mean(t),
                   scatter(t) / sqrt((double)t->count), scatter(t));
        }
    gsl_rng_free(rng);
}

int main(int count, char **arguments)
{
    const char *folder = getenv("SCOREFIELD_DATA");
    sf_model *model;

    if (folder == NULL) {
        printf("SCOREFIELD_DATA does not name the data's folder\n");
        return 77;
    }
    model = named_model(count, arguments);
    print_tables(folder, model);
    sf_model_release(&model);
    return 0;
}
