/* bench_fft.c - a forward and an inverse transform, against FFTW alone on one thread with the
 * same kind of plan. A ratio above 1 is the gain by threads; below 1 is what the cut costs. */
#include <scorefield/grid.h>

#include "timing.h"

#include <complex.h>
#include <fftw3.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct job {
    sf_fft *fft;
    fftw_plan forward, inverse;
    double *field;
    sf_complex *spectrum;
} job;

static void by_scorefield(void *user)
{
    const job *j = user;

    (void)sf_fft_forward(j->fft, j->field, j->spectrum);
    (void)sf_fft_inverse(j->fft, j->spectrum, j->field);
}

static void by_fftw(void *user)
{
    const job *j = user;

    fftw_execute(j->forward);
    fftw_execute(j->inverse);
}

static sf_status bench(int axes, const size_t *shape)
{
    const int most = sf_thread_count(), runs = 9;
    int lengths[SF_GRID_MAX_AXES];
    double alone, seconds;
    sf_grid grid;
    char text[64];
    job j = {.fft = NULL};
    sf_status status = sf_grid_make(axes, shape, NULL, &grid);

    if (status == SF_OK) status = sf_fft_create(&grid, &j.fft);
    if (status == SF_OK) status = sf_allocate(&j.field, sf_grid_size(&grid), sizeof *j.field);
    if (status == SF_OK)
        status = sf_allocate(&j.spectrum, sf_grid_half_size(&grid), sizeof *j.spectrum);
    if (status != SF_OK) goto done;
    for (int a = 0; a < axes; a++) lengths[a] = (int)shape[a];
    j.forward = fftw_plan_dft_r2c(axes, lengths, j.field, j.spectrum, FFTW_ESTIMATE);
    j.inverse = fftw_plan_dft_c2r(axes, lengths, j.spectrum, j.field, FFTW_ESTIMATE);
    alone = best_seconds(by_fftw, &j, runs);
    printf("%-16s FFTW alone %8.3f ms", sf_grid_text(&grid, text, sizeof text), 1e3 * alone);
    for (int threads = 1; threads <= most; threads *= 2) {
        status = sf_thread_count_set(threads);
        seconds = best_seconds(by_scorefield, &j, runs);
        printf(" | %d threads %8.3f ms, ratio %.2f", threads, 1e3 * seconds, alone / seconds);
    }
    printf("\n");
    status = sf_thread_count_set(most);
    fftw_destroy_plan(j.forward);
    fftw_destroy_plan(j.inverse);
done:
    sf_free(j.field);
    sf_free(j.spectrum);
    sf_fft_release(&j.fft);
    return status;
}

int main(void)
{
    static const struct {
        int axes;
        size_t shape[SF_GRID_MAX_AXES];
    } shapes[] = {{2, {256, 256}},   {2, {512, 512}},   {2, {1000, 1000}},    {2, {1024, 1024}},
                  {2, {2048, 2048}}, {2, {2000, 3000}}, {3, {128, 128, 128}}, {3, {256, 256, 256}}};

    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        if (bench(shapes[s].axes, shapes[s].shape) != SF_OK) {
            fprintf(stderr, "bench_fft: %s\n", sf_last_error());
            return EXIT_FAILURE;
        }
    return EXIT_SUCCESS;
}
