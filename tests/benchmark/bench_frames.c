/* bench_frames.c - real frames of many cameras: does the noise remain, and what becomes of a point
 * source whose flux is known?
 *
 * Frames of SCOREFIELD_DATA/fits that come with a PSF are reconstructed as sf-deblur does by
 * default: sigma maps and masks where there are some, else noise and sky are estimated. First
 * table: chi^2 per pixel, how much more noise neighbours share than their sigmas tell, the
 * whiteness of the residual, and the resolution that was kept. Then stars (the PSF, moved by parts
 * of a pixel) are put into the frames, all of one signal-to-noise ratio F (sum psf^2/sigma^2)^1/2,
 * that of the best photometry in the sky's noise, and the frames reconstructed again. A star is
 * recovered with the light that the result has gained within a PSF's FWHM and a pixel of it; the
 * frame's own noise is in both results. Isolated: at less than one sigma of the model's light;
 * near a galaxy: at 3 to 30. No photon noise of the stars themselves, but for counts. Second
 * table: recovered over true flux, its mean, the error of that, and its scatter.
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

#include "model.h"

#define OK(call)                                                    \
    do {                                                            \
        if ((call) != SF_OK) {                                      \
            fprintf(stderr, "bench_frames: %s\n", sf_last_error()); \
            exit(1);                                                \
        }                                                           \
    } while (0)

/* as sf-deblur does */
#define RESOLUTION      0.9
#define RESOLUTION_STAR 1.6
#define DEEPEST_HOLLOW  5.0

#define STARS           5  /* of a kind in a frame, at most */
#define APART           18 /* pixels */
#define BORDER          10
#define TRIES           4000

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

typedef struct frame {
    const source *source;
    sf_grid grid;
    double *pixels, *sigma, *mask; /* sigma, mask: NULL where there is none */
    double noise, sky;
    sf_psf *psf;
} frame;

typedef struct result {
    double *image;     /* in the frame's pixels, without sky */
    double *predicted; /* what the frame shows of it */
    double *deviation; /* of its pixels */
    double resolution, chi_squared, chi_squared_z, whiteness_z, excess;
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

static void read_frame(const char *folder, const source *s, frame *f)
{
    sf_grid grid;
    double *kernel = read_plane(folder, s->psf, s->plane, &grid);
    sf_psf *psf;

    memset(f, 0, sizeof *f);
    f->source = s;
    OK(sf_psf_from_pixels(&grid, kernel, NULL, &psf));
    f->pixels = read_plane(folder, s->frame, s->plane, &f->grid);
    f->sigma = read_plane(folder, s->sigma, s->plane, &grid);
    f->mask = read_plane(folder, s->mask, s->plane, &grid);
    OK(sf_psf_cut(psf, &f->grid, &f->psf));
    if (f->sigma == NULL) OK(sf_estimate_noise(&f->grid, f->pixels, f->mask, &f->noise));
    if (s->gain == 0.0) OK(sf_estimate_background(&f->grid, f->pixels, f->mask, &f->sky));
    sf_psf_release(&psf);
    sf_free(kernel);
}

static void release_frame(frame *f)
{
    sf_psf_release(&f->psf);
    sf_free(f->pixels);
    sf_free(f->sigma);
    sf_free(f->mask);
}

/* ---- reconstruction ---------------------------------------------------------------------- */

/* At that resolution, the same one in both results of a pair; 0: as sf-deblur chooses it. */
static void reconstruct(const frame *f, const double *pixels, sf_model *model, double resolution,
                        result *r)
{
    const bool choose = resolution == 0.0;
    sf_observation_options how = sf_observation_options_default();
    sf_observation *o;
    sf_solver_report report;
    sf_diagnostics d;
    sf_prior *prior;
    double *scene;

    how.background = f->sky;
    how.gain = f->source->gain;
    how.resolution = choose ? RESOLUTION : resolution;
    for (;;) {
        OK(sf_observation_create(&f->grid, pixels, f->sigma, f->noise, f->mask, f->psf, &how, &o));
        OK(sf_prior_network(sf_observation_scene(o), model, &prior));
        scene = new_array(sf_grid_size(sf_observation_scene(o)));
        OK(sf_pnp(o, prior, NULL, scene, &report));
        OK(sf_diagnose(o, scene, &d));
        sf_prior_release(&prior);
        if (!choose || d.hollow < DEEPEST_HOLLOW || how.resolution == RESOLUTION_STAR) break;
        how.resolution = RESOLUTION_STAR;
        sf_observation_release(&o);
        sf_free(scene);
    }
    OK(sf_observation_crop(o, scene, r->image));
    OK(sf_observation_predict(o, scene, r->predicted));
    r->resolution = how.resolution;
    r->chi_squared = d.chi_squared;
    r->chi_squared_z = d.chi_squared_z;
    r->whiteness_z = d.whiteness_z;
    r->excess = report.noise_excess;
    sf_observation_release(&o);
    sf_free(scene);
}

/* What the noise is taken for. */
static void find_deviation(const frame *f, result *r)
{
    for (size_t i = 0; i < sf_grid_size(&f->grid); i++)
        r->deviation[i] = f->source->gain > 0.0 ? sqrt(fmax(r->predicted[i], 0.1))
                          : f->sigma != NULL    ? f->sigma[i]
                                                : f->noise;
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
static void draw_star(const frame *f, const star *s, double *kernel)
{
    const sf_grid *grid = sf_psf_grid(f->psf);
    const double step[2] = {2.0 * acos(-1.0) / (double)grid->shape[0],
                            2.0 * acos(-1.0) / (double)grid->shape[1]};
    sf_complex *modes;
    sf_fft *fft;

    OK(sf_fft_create(grid, &fft));
    OK(sf_allocate(&modes, sf_grid_half_size(grid), sizeof *modes));
    OK(sf_fft_forward(fft, sf_psf_pixels(f->psf), modes));
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
static void light(const frame *f, const result *r, star *s, double *image)
{
    const size_t *size = sf_psf_grid(f->psf)->shape;
    double *kernel = new_array(size[0] * size[1]), sum = 0.0;

    memset(image, 0, sf_grid_size(&f->grid) * sizeof *image);
    draw_star(f, s, kernel);
    for (size_t i = 0; i < size[0]; i++)
        for (size_t j = 0; j < size[1]; j++) {
            const size_t row = s->row + i - size[0] / 2, column = s->column + j - size[1] / 2;
            const size_t pixel = row * f->grid.shape[1] + column;
            const double value = kernel[i * size[1] + j];

            if (row >= f->grid.shape[0] || column >= f->grid.shape[1]) continue;
            image[pixel] = value;
            if (f->mask != NULL && f->mask[pixel] != 0.0) continue;
            if (isfinite(f->pixels[pixel]) && isfinite(r->deviation[pixel]))
                sum += value * value / (r->deviation[pixel] * r->deviation[pixel]);
        }
    s->share = sqrt(sum);
    sf_free(kernel);
}

static bool masked(const frame *f, size_t row, size_t column)
{
    for (size_t i = row - 3; i <= row + 3; i++)
        for (size_t j = column - 3; j <= column + 3; j++) {
            const size_t pixel = i * f->grid.shape[1] + j;
            if (!isfinite(f->pixels[pixel]) || (f->mask != NULL && f->mask[pixel] != 0.0))
                return true;
        }
    return false;
}

/* Places that are far enough from each other, at random. */
static size_t place_stars(const frame *f, const result *r, star *stars)
{
    const size_t *shape = f->grid.shape;
    const bool sampled = sf_psf_fwhm(f->psf) > 2.0;
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
        const size_t pixel = s.row * shape[1] + s.column;
        const double level = r->predicted[pixel] / r->deviation[pixel];
        for (size_t i = 0; i < count; i++)
            far = far && hypot((double)s.row - (double)stars[i].row,
                               (double)s.column - (double)stars[i].column) >= APART;
        s.place = fabs(level) < 1.0 ? ISOLATED : NEAR;
        if (!far || masked(f, s.row, s.column) || of_kind[s.place] == STARS) continue;
        if (s.place == NEAR && !(level >= 3.0 && level <= 30.0)) continue;
        of_kind[s.place]++;
        stars[count++] = s;
    }
    return count;
}

/* The light of `image` near the star. */
static double aperture(const frame *f, const star *s, const double *image)
{
    const double radius = sf_psf_fwhm(f->psf) + 1.0;
    double sum = 0.0;

    for (size_t i = 0; i < sf_grid_size(&f->grid); i++)
        if (hypot((double)(i / f->grid.shape[1]) - (double)s->row - s->shift[0],
                  (double)(i % f->grid.shape[1]) - (double)s->column - s->shift[1]) <= radius)
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

static void put_star(const frame *f, const result *before, star *s, double ratio, gsl_rng *rng,
                     double *one, double *pixels)
{
    light(f, before, s, one);
    s->flux = ratio / s->share;
    if (f->source->gain > 0.0) {
        const double expected = s->flux;

        s->flux = 0.0; /* what is counted of it */
        for (size_t i = 0; i < sf_grid_size(&f->grid); i++) {
            const double counts = gsl_ran_poisson(rng, fmax(expected * one[i], 0.0));
            pixels[i] += counts;
            s->flux += counts;
        }
        return;
    }
    for (size_t i = 0; i < sf_grid_size(&f->grid); i++) pixels[i] += s->flux * one[i];
}

static void recover(const frame *f, sf_model *model, const result *before, double ratio,
                    gsl_rng *rng, tally tallies[PLACES])
{
    const size_t count = sf_grid_size(&f->grid);
    result after = {.image = new_array(count), .predicted = new_array(count)};
    double *pixels = new_array(count), *one = new_array(count);
    star stars[PLACES * STARS];
    const size_t placed = place_stars(f, before, stars);

    memcpy(pixels, f->pixels, count * sizeof *pixels);
    for (size_t i = 0; i < placed; i++) put_star(f, before, &stars[i], ratio, rng, one, pixels);
    reconstruct(f, pixels, model, before->resolution, &after);
    for (size_t i = 0; i < count; i++) after.image[i] -= before->image[i];
    for (size_t i = 0; i < placed; i++)
        if (stars[i].flux > 0.0)
            count_ratio(&tallies[stars[i].place],
                        aperture(f, &stars[i], after.image) / stars[i].flux);
    sf_free(after.image);
    sf_free(after.predicted);
    sf_free(pixels);
    sf_free(one);
}

static void add_frame(const char *folder, const source *s, sf_model *model, gsl_rng *rng,
                      tally tallies[RATIOS][PLACES])
{
    result r;
    size_t count;
    frame f;

    read_frame(folder, s, &f);
    count = sf_grid_size(&f.grid);
    r.image = new_array(count);
    r.predicted = new_array(count);
    r.deviation = new_array(count);
    reconstruct(&f, f.pixels, model, 0.0, &r);
    find_deviation(&f, &r);
    printf("%-22s %-9s %7.3f %+7.1f %6.2f %+8.1f %5.1f ", s->name,
           s->gain > 0.0      ? "counts"
           : s->sigma != NULL ? "map"
                              : "estimated",
           r.chi_squared, r.chi_squared_z, r.excess, r.whiteness_z, r.resolution);
    for (size_t i = 0; i < RATIOS; i++) {
        tally mine[PLACES] = {{0}};

        recover(&f, model, &r, ratios[i], rng, mine);
        for (int k = 0; k < PLACES; k++) {
            tallies[i][k].sum += mine[k].sum;
            tallies[i][k].squares += mine[k].squares;
            tallies[i][k].count += mine[k].count;
            printf(" %6.3f", mean(&mine[k]));
        }
        (void)fflush(stdout);
    }
    printf("\n");
    sf_free(r.image);
    sf_free(r.predicted);
    sf_free(r.deviation);
    release_frame(&f);
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
