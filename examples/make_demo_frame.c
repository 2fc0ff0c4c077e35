/* make_demo_frame.c - makes examples/data: a simulated scene as a camera would see it, and the
 * truth beside it. Scene, point spread function and noise are declared in the headers.
 *
 * usage: make_demo_frame FRAME.fits TRUTH.fits
 * build/examples/make_demo_frame examples/data/frame.fits examples/data/truth.fits is how the
 * bundled ones were made; sh cmake/bootstrap.sh demo then makes the picture. */
#include <scorefield.h>

#include <stdio.h>
#include <stdlib.h>

#define SIDE   256
#define MARGIN 32 /* light from outside the frame is blurred into it */
#define WIDE   (SIDE + 2 * MARGIN)
#define SEED   82
#define PSF    "moffat:3,3"
#define GAIN   5000.0 /* counts for the scene's unit of brightness: 500 times the noise */
#define SKY    200.0
#define NOISE  10.0

static void check(sf_status status)
{
    if (status == SF_OK) return;
    fprintf(stderr, "make_demo_frame: %s\n", sf_last_error());
    exit(EXIT_FAILURE);
}

/* The middle of the wide field, above the sky. */
static void crop(const double *wide, double *frame)
{
    for (size_t y = 0; y < SIDE; y++)
        for (size_t x = 0; x < SIDE; x++)
            frame[y * SIDE + x] = SKY + GAIN * wide[(y + MARGIN) * WIDE + x + MARGIN];
}

static void save(const char *path, const double *pixels, const char *object, double noise)
{
    sf_grid grid;
    sf_fits_writer *writer;

    check(sf_grid_image(SIDE, SIDE, &grid));
    check(sf_fits_writer_create(path, true, &writer));
    check(sf_fits_writer_add(writer, NULL, &grid, pixels, NULL, NULL));
    check(sf_fits_writer_string(writer, "OBJECT", object, "simulated, not real"));
    check(sf_fits_writer_string(writer, "BUNIT", "counts", ""));
    check(sf_fits_writer_integer(writer, "SEED", SEED, "of scene and noise"));
    check(sf_fits_writer_double(writer, "SKY", SKY, "constant background"));
    if (noise > 0.0) {
        check(sf_fits_writer_string(writer, "PSF", PSF, "FWHM in pixels, beta"));
        check(sf_fits_writer_double(writer, "NOISE", noise, "Gaussian, standard deviation"));
    }
    check(sf_fits_writer_close(&writer));
}

int main(int argc, char **argv)
{
    static double scene[WIDE * WIDE], blurred[WIDE * WIDE], frame[SIDE * SIDE], noise[SIDE * SIDE];
    const sf_scene_options options = {
        .galaxies = 22.0, .stars = 30.0, .clusters = 1.6, .diffuse = 0.012, .seeing = 2.0};
    sf_grid grid;
    sf_psf *psf;
    sf_operator *blur;

    if (argc != 3) {
        fprintf(stderr, "usage: make_demo_frame FRAME.fits TRUTH.fits\n");
        return 2;
    }
    check(sf_grid_image(WIDE, WIDE, &grid));
    check(sf_scene_draw(&grid, &options, SEED, 0, scene));
    crop(scene, frame);
    save(argv[2], frame, "demo, truth", 0.0);

    check(sf_psf_parse(PSF, &psf));
    check(sf_operator_convolution(&grid, sf_psf_grid(psf), sf_psf_pixels(psf), &blur));
    check(sf_operator_apply(blur, scene, blurred));
    crop(blurred, frame);
    sf_random_normal(sf_random_make(SEED, 1), 0, 0, (size_t)SIDE * SIDE, noise);
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) frame[i] += NOISE * noise[i];
    save(argv[1], frame, "demo, observed", NOISE);
    sf_operator_release(&blur);
    sf_psf_release(&psf);
    return EXIT_SUCCESS;
}
