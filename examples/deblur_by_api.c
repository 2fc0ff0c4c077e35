/* deblur_by_api.c - from a blurred, noisy frame and a point spread function to a deconvolved image,
 * by library calls alone. What sf-deblur does for FITS files, with everything else taken away. */
#include <scorefield.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SIDE   128
#define PIXELS ((size_t)SIDE * SIDE)
#define NOISE  0.002

/* Every call says whether it worked; the sentence says why it did not. */
static void check(sf_status status)
{
    if (status == SF_OK) return;
    fprintf(stderr, "%s: %s\n", sf_status_name(status), sf_last_error());
    exit(EXIT_FAILURE);
}

/* Two galaxies and a few stars. */
static double sky(double y, double x)
{
    static const double stars[][3] = {{30, 90, 0.8}, {100, 60, 0.5}, {75, 112, 1.0}, {20, 20, 0.6}};
    double light =
        exp(-hypot((y - 50) / 6, (x - 40) / 14)) + 0.7 * exp(-hypot((y - 95) / 9, x - 95) / 3);

    for (int i = 0; i < 4; i++)
        light += stars[i][2] * exp(-0.5 * (pow(y - stars[i][0], 2) + pow(x - stars[i][1], 2)));
    return light;
}

/* The frame that a camera would deliver: the sky, blurred, with noise. */
static void expose(const sf_grid *grid, const sf_psf *psf, double *truth, double *frame)
{
    static double noise[PIXELS];
    sf_operator *blur;

    for (size_t i = 0; i < PIXELS; i++) truth[i] = sky((double)(i / SIDE), (double)(i % SIDE));
    check(sf_operator_convolution(grid, sf_psf_grid(psf), sf_psf_pixels(psf), &blur));
    check(sf_operator_apply(blur, truth, frame));
    sf_operator_release(&blur);
    sf_random_normal(sf_random_make(2026, 0), 0, 0, PIXELS, noise);
    for (size_t i = 0; i < PIXELS; i++) frame[i] += NOISE * noise[i];
}

int main(void)
{
    static double truth[PIXELS], frame[PIXELS], result[PIXELS];
    sf_grid grid;
    sf_psf *psf;
    sf_observation *observation;
    sf_model *model;
    sf_prior *prior;
    sf_solver_report report;
    sf_comparison before, after;
    double *scene;

    check(sf_grid_image(SIDE, SIDE, &grid));
    check(sf_psf_gaussian(4.0, &psf));
    expose(&grid, psf, truth, frame);

    /* What was seen, and how: the frame, its noise, its point spread function. The observation
     * puts the frame on a larger scene, so that its edges need no tricks. */
    check(sf_observation_create(&grid, frame, NULL, NOISE, NULL, psf, NULL, &observation));

    /* What is known before looking: the denoiser that is built into the library. */
    check(sf_model_builtin(&model));
    check(sf_prior_network(sf_observation_scene(observation), model, &prior));

    /* Both together, by plug and play. NULL: the default options. */
    check(sf_allocate(&scene, sf_grid_size(sf_observation_scene(observation)), sizeof *scene));
    check(sf_pnp(observation, prior, NULL, scene, &report));
    check(sf_observation_crop(observation, scene, result));

    check(sf_compare(&grid, frame, truth, 0.0, &before));
    check(sf_compare(&grid, result, truth, 0.0, &after));
    printf("%zu iterations, %s, %.2f s\n", report.iterations, sf_stop_text(report.stop),
           report.seconds);
    printf("PSNR %.2f dB -> %.2f dB, SSIM %.3f -> %.3f\n", before.psnr, after.psnr, before.ssim,
           after.ssim);

    sf_free(scene);
    sf_prior_release(&prior);
    sf_model_release(&model);
    sf_observation_release(&observation);
    sf_psf_release(&psf);
    return after.psnr > before.psnr + 1.0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
