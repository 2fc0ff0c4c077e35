/* bench_process.c - time and memory of all of sf-deblur, by the size of the frame.
 *
 * Simulated scenes of 256 x 256 pixels, side by side behind a Moffat PSF of FWHM 3, S/N 500 and
 * less, are written to a file and given to the program, with its default options and those that
 * follow here; the table has processor time, wall time and the largest resident memory of that
 * process, and the first over the number of pixels.
 *
 * One thread of a core with AMX that others used, too:
 *
 *     side       float: CPU s, MiB     --bf16
 *     256          3.8   111             1.0   101
 *     1024        47.6   818            14.2   551
 *
 * From there on it grows as the pixels, and memory stays at what --memory allows.
 *
 * usage: bench_process PATH/sf-deblur [SIDE,SIDE,... [OPTION...]], with OMP_NUM_THREADS as wanted
 * (default sides: 256,1024) */
#define _DEFAULT_SOURCE /* wait4 */
#include <scorefield.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "timing.h"

#define PSF     "moffat:3,3"
#define SCENE   256
#define LARGEST 40 /* arguments */

#define OK(call)                                                     \
    do {                                                             \
        if ((call) != SF_OK) {                                       \
            fprintf(stderr, "bench_process: %s\n", sf_last_error()); \
            exit(1);                                                 \
        }                                                            \
    } while (0)

/* The same scene side by side, so that frames differ in size alone; blurred cyclically. */
static void write_frame(const char *path, size_t side)
{
    const size_t count = side * side;
    const sf_scene_options options = sf_scene_options_default();
    const sf_observation_options periodic = {.periodic = true};
    double *scene, *blurred, *pixels;
    sf_observation *observation;
    sf_fits_writer *writer;
    sf_grid tile, grid;
    sf_psf *psf;

    OK(sf_grid_image(SCENE, SCENE, &tile));
    OK(sf_grid_image(side, side, &grid));
    OK(sf_psf_parse(PSF, &psf));
    OK(sf_allocate(&scene, (size_t)SCENE * SCENE, sizeof *scene));
    OK(sf_allocate(&blurred, (size_t)SCENE * SCENE, sizeof *blurred));
    OK(sf_allocate(&pixels, count, sizeof *pixels));
    OK(sf_scene_draw(&tile, &options, 1, 0, scene));
    OK(sf_observation_create(&tile, scene, NULL, 1.0, NULL, psf, &periodic, &observation));
    OK(sf_observation_predict(observation, scene, blurred));
    sf_random_normal(sf_random_make(1, 0), 0, 0, count, pixels);
    for (size_t i = 0; i < count; i++)
        pixels[i] += 500.0 * blurred[i / side % SCENE * SCENE + i % side % SCENE];
    OK(sf_fits_writer_create(path, true, &writer));
    OK(sf_fits_writer_add(writer, NULL, &grid, pixels, NULL, NULL));
    OK(sf_fits_writer_close(&writer));
    sf_observation_release(&observation);
    sf_psf_release(&psf);
    sf_free(scene);
    sf_free(blurred);
    sf_free(pixels);
}

static double seconds(struct timeval t) { return (double)t.tv_sec + 1e-6 * (double)t.tv_usec; }

static void run(char **arguments, size_t side)
{
    const double start = now(), pixels = (double)side * (double)side;
    const pid_t child = fork();
    struct rusage usage;
    double processor;
    int status;

    if (child == 0) {
        (void)execv(arguments[0], arguments);
        perror(arguments[0]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0) {
        fprintf(stderr, "bench_process: %s did not succeed\n", arguments[0]);
        exit(1);
    }
    processor = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    printf("%6zu %10.2f %10.2f %10.1f %10.2f\n", side, processor, now() - start,
           (double)usage.ru_maxrss / 1024.0, 1e6 * processor / pixels);
    (void)fflush(stdout);
}

int main(int count, char **given)
{
    char folder[] = "/tmp/bench_process.XXXXXX", in[64], out[64];
    char *arguments[LARGEST] = {NULL, in, "-o", out, "--psf", PSF, "--force", "--quiet"};
    char *sides = count > 2 ? given[2] : "256,1024";
    int n = 8;

    if (count < 2 || count - 3 > LARGEST - n - 1 || mkdtemp(folder) == NULL) return 2;
    arguments[0] = given[1];
    for (int i = 3; i < count; i++) arguments[n++] = given[i];
    (void)snprintf(in, sizeof in, "%s/in.fits", folder);
    (void)snprintf(out, sizeof out, "%s/out.fits", folder);
    printf("%6s %10s %10s %10s %10s\n", "side", "CPU s", "wall s", "MiB", "us/pixel");
    for (char *side = sides; *side != '\0'; side += *side == ',' ? 1 : 0) {
        const size_t pixels = (size_t)strtoul(side, &side, 10);

        if (pixels == 0) return 2;
        write_frame(in, pixels);
        run(arguments, pixels);
    }
    (void)unlink(in);
    (void)unlink(out);
    (void)rmdir(folder);
    return 0;
}
