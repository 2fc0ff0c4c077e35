/* bench_ridge.c - denoising by the convex ridge that is built in, beside total variation and a
 * Wiener filter, each tuned to the truth of every image, and beside the built-in network: mean PSNR
 * in dB of simulated galaxy scenes. Then deblurring of the same scenes behind a Gaussian PSF of
 * FWHM 2.5 pixels, periodic, with noise of a signal-to-noise ratio of the brightest pixel: total
 * variation and the ridge with strengths found by discrepancy, and the default plug and play.
 *
 * usage: bench_ridge [MODEL.onnx] (default: the built-in ridge) */
#include <scorefield/inverse.h>
#include <scorefield/scene.h>

#include <stdio.h>
#include <stdlib.h>

#define OK(call)                                                   \
    do {                                                           \
        if ((call) != SF_OK) {                                     \
            fprintf(stderr, "bench_ridge: %s\n", sf_last_error()); \
            exit(1);                                               \
        }                                                          \
    } while (0)

enum { SIDE = 96, SIZE = SIDE * SIDE, SCENES = 6 };

static void load(const char *path, sf_ridge **ridge)
{
    sf_model *model;

    if (path == NULL) {
        OK(sf_ridge_builtin(ridge));
        return;
    }
    OK(sf_model_load(path, &model));
    OK(sf_ridge_from_model(model, ridge));
    sf_model_release(&model);
}

/* Brightest pixel 1. */
static void draw(const sf_grid *grid, double *images)
{
    const sf_scene_options options = sf_scene_options_default();

    for (size_t s = 0; s < SCENES; s++) {
        double *image = images + s * SIZE, most = 0.0;

        OK(sf_scene_draw(grid, &options, 77, s, image));
        for (size_t i = 0; i < SIZE; i++) most = image[i] > most ? image[i] : most;
        for (size_t i = 0; i < SIZE; i++) image[i] /= most;
    }
}

static double psnr(const sf_grid *grid, const double *image, const double *truth)
{
    sf_comparison c;

    OK(sf_compare(grid, image, truth, 0.0, &c));
    return c.psnr;
}

/* Adds to sum: the frame as observed, total variation, ridge, plug and play. */
static void deblur(const sf_grid *grid, const double *truth, const sf_psf *psf, double ratio,
                   uint64_t seed, const sf_ridge *ridge, const sf_prior *network, double sum[4])
{
    sf_observation_options how = sf_observation_options_default();
    double pixels[SIZE], noise[SIZE], scene[SIZE], peak = 0.0;
    sf_observation *o;

    how.periodic = true;
    OK(sf_observation_create(grid, truth, NULL, 1.0, NULL, psf, &how, &o));
    OK(sf_observation_predict(o, truth, pixels));
    sf_observation_release(&o);
    for (size_t i = 0; i < SIZE; i++) peak = pixels[i] > peak ? pixels[i] : peak;
    sf_random_normal(sf_random_make(9, 0), seed, 0, SIZE, noise);
    for (size_t i = 0; i < SIZE; i++) pixels[i] += peak / ratio * noise[i];
    OK(sf_observation_create(grid, pixels, NULL, peak / ratio, NULL, psf, &how, &o));
    sum[0] += psnr(grid, pixels, truth);
    OK(sf_tv(o, NULL, scene, NULL));
    sum[1] += psnr(grid, scene, truth);
    OK(sf_ridge_map(o, ridge, NULL, scene, NULL));
    sum[2] += psnr(grid, scene, truth);
    OK(sf_pnp(o, network, NULL, scene, NULL));
    sum[3] += psnr(grid, scene, truth);
    sf_observation_release(&o);
}

static void print_deblurring(const sf_grid *grid, const double *images, const sf_ridge *ridge,
                             const sf_prior *network)
{
    static const double ratios[] = {20.0, 100.0, 400.0};
    sf_psf *psf;

    OK(sf_psf_gaussian(2.5, &psf));
    printf("    S/N observed      TV   ridge  default\n");
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
        double sum[4] = {0.0};

        for (size_t s = 0; s < SCENES; s++)
            deblur(grid, images + s * SIZE, psf, ratios[i], s, ridge, network, sum);
        printf("%7g %8.2f %7.2f %7.2f %8.2f\n", ratios[i], sum[0] / SCENES, sum[1] / SCENES,
               sum[2] / SCENES, sum[3] / SCENES);
        (void)fflush(stdout);
    }
    sf_psf_release(&psf);
}

int main(int argc, char **argv)
{
    static const double levels[] = {0.001, 0.003, 0.01, 0.03, 0.1};
    sf_prior *network, *convex;
    sf_model *model;
    sf_ridge *ridge;
    double *images;
    sf_grid grid;

    load(argc > 1 ? argv[1] : NULL, &ridge);
    OK(sf_grid_image(SIDE, SIDE, &grid));
    OK(sf_model_builtin(&model));
    OK(sf_prior_network(&grid, model, &network));
    OK(sf_prior_ridge(&grid, ridge, 1.0, 0.0, 1e-2, &convex));
    OK(sf_allocate(&images, SCENES, SIZE * sizeof *images));
    draw(&grid, images);
    printf("  level   noisy  Wiener      TV   ridge  network\n");
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        sf_validation n, c;

        OK(sf_prior_validate(network, SCENES, images, levels[i], 5, &n));
        OK(sf_prior_validate(convex, SCENES, images, levels[i], 5, &c));
        printf("%7g %7.2f %7.2f %7.2f %7.2f %8.2f\n", levels[i], c.noisy, c.wiener,
               c.total_variation, c.prior, n.prior);
        (void)fflush(stdout);
    }
    print_deblurring(&grid, images, ridge, network);
    sf_free(images);
    sf_prior_release(&network);
    sf_prior_release(&convex);
    sf_ridge_release(&ridge);
    sf_model_release(&model);
    return 0;
}
