/* bench_dpir.c - a published deblurring protocol, repeated through the library's own interface.
 *
 * That of DPIR (Zhang et al. 2022, doi:10.1109/TPAMI.2021.3088914), gray: the three pictures of
 * Set3C (256 x 256, values 0 to 1), periodic convolution with the kernels of Levin et al. 2009
 * (doi:10.1109/CVPR.2009.5206815), Gaussian noise of s/255. Half-quadratic splitting in 8 steps
 * from y, the denoiser's level falling logarithmically from 49/255 to s/255, penalty
 * 0.23 s^2/level^2; nothing else. PSNR of what has been clipped and rounded to 8 bits, all pixels.
 * The original blurs 8-bit pictures and truncates them (0.06 dB at s = 2.55, 0.01 at 7.65); here
 * the blur is in floating point. The published figures are those of an FFDNet-class network that
 * is told the level.
 *
 * The solver is the same for every network, so the figures compare denoisers. Measured, in dB, on
 * butterfly, leaves, starfish with kernel 2, and the mean of all 8 kernels and 3 pictures:
 *
 *                      s = 2.55             7.65                 12.75                mean at 2.55
 *   published          31.63 32.47 31.56    27.38 27.29 26.92    25.07 24.36 24.83    32.30
 *   built-in (0.1.0)   30.16 29.88 30.40    25.34 24.67 26.03    23.10 22.39 24.35    30.64
 *   scico_dncnn6N      30.98 30.59 30.74    25.90 22.71 24.86    22.86 17.52 21.55    31.20
 *   scico_dncnn6L      30.08 29.69 30.65    25.96 25.17 25.98    23.55 22.56 24.10    30.56
 *   scico_dncnn17M     29.35 28.56 29.79    26.61 25.50 26.24    24.83 23.81 24.59    29.65
 *   bf_unet_0-100      29.86 29.47 29.58    23.43 22.79 22.24    19.01 18.70 18.20    29.47
 *
 * with noise_input=channel,padding=circular,margin=8 (6N, told the level); fixed_sigma=0.06 (6L)
 * and 0.1 (17M), of one level each, padding=circular,margin=8 and 20; multiple=2 (bf_unet, blind).
 * The built-in one was made for galaxies. NumPy and ONNX Runtime on the same noise give bf_unet's
 * figures to the digit; another draw moves them by 0.1 dB, and the degraded ones by 0.004 dB.
 *
 * usage: bench_dpir [builtin | MODEL.onnx [USAGE]] (USAGE as above, see sf_model_usage_parse), with
 * SCOREFIELD_DATA. Exit status 1 where the degraded pictures are not the published ones to 0.01 dB:
 * then this is another protocol. */
#include <scorefield/inverse.h>
#include <scorefield/io.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "default_way.h"

enum { PICTURES = 3, KERNELS = 8 };
static const char *const pictures[PICTURES] = {"butterfly", "leaves", "starfish"};

typedef struct published {
    int kernel;
    double level;                                  /* s */
    double degraded[PICTURES], restored[PICTURES]; /* dB; NaN where nothing is published */
} published;

static const published table[] = {
    {2, 2.55, {16.56, 16.63, 20.84}, {31.63, 32.47, 31.56}},
    {2, 7.65, {NAN, NAN, NAN}, {27.38, 27.29, 26.92}},
    {2, 12.75, {NAN, NAN, NAN}, {25.07, 24.36, 24.83}},
    {4, 2.55, {NAN, NAN, NAN}, {31.47, 32.29, 31.17}},
    {4, 7.65, {NAN, NAN, NAN}, {27.05, 27.24, 26.41}},
    {4, 12.75, {NAN, NAN, NAN}, {24.72, 24.45, 24.40}},
};
static const double published_mean = 32.30; /* of all kernels and pictures at s = 2.55 */

typedef struct result {
    double degraded[PICTURES], restored[PICTURES]; /* dB */
} result;

/* The picture from 0 to 1, first row at the top: files of pictures have it last. */
static double *read_picture(const char *folder, const char *name, sf_grid *grid)
{
    char path[1024];
    size_t rows, columns;
    double *picture;
    sf_fits *fits;

    (void)snprintf(path, sizeof path, "%s/images/set3c_%s_gray.fits.gz", folder, name);
    OK(sf_fits_read(path, &fits));
    *grid = *sf_fits_grid(fits);
    rows = grid->shape[0];
    columns = grid->shape[1];
    OK(sf_allocate(&picture, rows * columns, sizeof *picture));
    for (size_t i = 0; i < rows * columns; i++)
        picture[i] = sf_fits_pixels(fits)[(rows - 1 - i / columns) * columns + i % columns] / 255.0;
    sf_fits_release(&fits);
    return picture;
}

static sf_psf *read_kernel(const char *folder, int number)
{
    const sf_psf_options as_it_is = {.centre = SF_PSF_DECLARED, .pedestal = 0.0};
    char path[1024];
    sf_fits *fits;
    sf_psf *psf;

    (void)snprintf(path, sizeof path, "%s/kernels/levin09_k%d.fits", folder, number);
    OK(sf_fits_read(path, &fits));
    OK(sf_psf_from_pixels(sf_fits_grid(fits), sf_fits_pixels(fits), &as_it_is, &psf));
    sf_fits_release(&fits);
    return psf;
}

static double psnr(const sf_grid *grid, const double *picture, const double *truth)
{
    const size_t count = sf_grid_size(grid);
    double sum = 0.0;

    for (size_t i = 0; i < count; i++) {
        const double value = round(255.0 * fmin(fmax(picture[i], 0.0), 1.0)) / 255.0;
        sum += (value - truth[i]) * (value - truth[i]);
    }
    return -10.0 * log10(sum / (double)count);
}

/* y = H truth + noise, as an observation and as pixels. */
static sf_observation *degrade(const sf_grid *grid, const double *truth, const sf_psf *psf,
                               double noise, uint64_t draw, double *y)
{
    const sf_observation_options periodic = {.periodic = true};
    const size_t count = sf_grid_size(grid);
    sf_observation *observation;
    double *normal;

    OK(sf_allocate(&normal, count, sizeof *normal));
    OK(sf_observation_create(grid, truth, NULL, noise, NULL, psf, &periodic, &observation));
    OK(sf_observation_predict(observation, truth, y));
    sf_observation_release(&observation);
    sf_random_normal(sf_random_make(0, draw), 0, 0, count, normal);
    for (size_t i = 0; i < count; i++) y[i] += noise * normal[i];
    OK(sf_observation_create(grid, y, NULL, noise, NULL, psf, &periodic, &observation));
    sf_free(normal);
    return observation;
}

static void restore(const sf_observation *observation, sf_model *model, const double *y, double *x)
{
    const double noise = sf_observation_noise(observation);
    sf_pnp_options options = sf_pnp_options_default();
    sf_prior *prior;

    options.iterations = 8;
    options.schedule_from = 49.0 / 255.0 / noise;
    options.schedule_to = 1.0;
    options.conserve_flux = false;
    options.find_excess = false;
    options.start = y;
    OK(sf_prior_network(sf_observation_scene(observation), model, &prior));
    OK(sf_pnp(observation, prior, &options, x, NULL));
    sf_prior_release(&prior);
}

static result measure(const char *folder, sf_model *model, int kernel, double level)
{
    sf_psf *psf = read_kernel(folder, kernel);
    result r;

    for (int i = 0; i < PICTURES; i++) {
        sf_grid grid;
        double *truth = read_picture(folder, pictures[i], &grid), *y, *x;
        sf_observation *observation;

        OK(sf_allocate(&y, sf_grid_size(&grid), sizeof *y));
        OK(sf_allocate(&x, sf_grid_size(&grid), sizeof *x));
        observation = degrade(&grid, truth, psf, level / 255.0, (uint64_t)i, y);
        r.degraded[i] = psnr(&grid, y, truth);
        restore(observation, model, y, x);
        r.restored[i] = psnr(&grid, x, truth);
        sf_observation_release(&observation);
        sf_free(truth);
        sf_free(y);
        sf_free(x);
    }
    sf_psf_release(&psf);
    return r;
}

static void print_row(const char *name, const double *value, const double *reference)
{
    printf("  %-8s", name);
    for (int i = 0; i < PICTURES; i++) printf(" %5.2f", value[i]);
    printf("   published");
    for (int i = 0; i < PICTURES; i++) {
        if (isnan(reference[i]))
            printf("     -");
        else
            printf(" %5.2f", reference[i]);
    }
    printf("\n");
}

/* Both are rounded to 0.01. */
static bool agrees(const double *degraded, const double *reference)
{
    for (int i = 0; i < PICTURES; i++)
        if (fabs(round(100.0 * degraded[i]) - round(100.0 * reference[i])) > 1.0) return false;
    return true;
}

/* Whether the degraded pictures are the published ones. */
static bool print_table(const char *folder, sf_model *model)
{
    bool same = true;

    printf("PSNR in dB of %s, %s, %s\n", pictures[0], pictures[1], pictures[2]);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const result r = measure(folder, model, table[i].kernel, table[i].level);

        printf("kernel %d, s = %.2f\n", table[i].kernel, table[i].level);
        print_row("degraded", r.degraded, table[i].degraded);
        print_row("restored", r.restored, table[i].restored);
        (void)fflush(stdout);
        same = same && agrees(r.degraded, table[i].degraded);
    }
    return same;
}

static void print_mean(const char *folder, sf_model *model)
{
    double sum = 0.0;

    for (int kernel = 1; kernel <= KERNELS; kernel++) {
        const result r = measure(folder, model, kernel, 2.55);
        for (int i = 0; i < PICTURES; i++) sum += r.restored[i];
    }
    printf("mean of %d kernels and %d pictures, s = 2.55: %.2f dB, published %.2f\n", KERNELS,
           PICTURES, sum / (KERNELS * PICTURES), published_mean);
}

int main(int count, char **arguments)
{
    const char *folder = getenv("SCOREFIELD_DATA");
    sf_model *model;
    bool same;

    if (folder == NULL) {
        printf("SCOREFIELD_DATA does not name the data's folder\n");
        return 77;
    }
    model = named_model(count, arguments);
    same = print_table(folder, model);
    print_mean(folder, model);
    sf_model_release(&model);
    if (!same)
        fprintf(stderr, "bench_dpir: the degraded pictures differ from the published ones\n");
    return same ? 0 : 1;
}
