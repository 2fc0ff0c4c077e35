/* bench_power.c - a whole power spectrum in place (transform, 32 or n/2 bins, counts, mean k)
 * against FFTW's own r2c in place of the same shape, precision and threads, and the peak memory in
 * grids of that precision, the program's own 4 MB included. Each line is a process of its own.
 *
 * Measured on one thread of an Intel Xeon (AVX-512, shared), gcc 12, FFTW 3.3.10: ratio 0.63 at
 * 512^3, 0.62 to 0.69 at 256^3, 0.67 to 0.71 at 4096^2 (0.5 in single precision), because large
 * transforms here are faster than FFTW's own; beyond the transform 4 ns a mode. Grids that lie in a
 * cache transform faster than they can be sorted into bins: 1.3 to 1.7 at 128^3 and 1024^2, 2.2 to
 * 2.8 (0.7 ms more) at 64^3.
 *
 *     bench_power [THREADS [LARGEST_SIDE_OF_A_CUBE]]
 */
#include <scorefield/field.h>

#include "timing.h"

#include <complex.h>
#include <fftw3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct job {
    sf_grid grid;
    sf_power_options options;
    sf_power_bin *bins;
    void *buffer;
    bool single;
    size_t values;
    fftw_plan wide;
    fftwf_plan narrow;
} job;

static void refill(const job *j)
{
    const size_t count = sf_grid_size(&j->grid), chunk = 4096;
    const sf_random random = sf_random_make(1, 0);
    double values[4096];

    for (size_t first = 0; first < count; first += chunk) {
        const size_t part = count - first < chunk ? count - first : chunk;

        sf_random_uniform(random, 0, first, part, values);
        for (size_t i = 0; i < part; i++)
            if (j->single)
                ((float *)j->buffer)[first + i] = (float)values[i];
            else
                ((double *)j->buffer)[first + i] = values[i];
    }
}

static sf_status estimate(const job *j)
{
    if (j->single) return sf_power_in_place_single(&j->grid, j->buffer, &j->options, j->bins, NULL);
    return sf_power_in_place(&j->grid, j->buffer, &j->options, j->bins, NULL);
}

static void plan(job *j)
{
    int lengths[SF_GRID_MAX_AXES];

    for (int a = 0; a < j->grid.axes; a++) lengths[a] = (int)j->grid.shape[a];
    if (j->single)
        j->narrow = fftwf_plan_dft_r2c(j->grid.axes, lengths, j->buffer, j->buffer, FFTW_ESTIMATE);
    else
        j->wide = fftw_plan_dft_r2c(j->grid.axes, lengths, j->buffer, j->buffer, FFTW_ESTIMATE);
}

/* Seconds of one spectrum, or of FFTW alone. */
static sf_status measure(const job *j, bool fftw, double *best)
{
    double start;
    sf_status status = SF_OK;

    refill(j);
    start = seconds_of_threads(sf_thread_count());
    if (!fftw)
        status = estimate(j);
    else if (j->single)
        fftwf_execute(j->narrow);
    else
        fftw_execute(j->wide);
    start = seconds_of_threads(sf_thread_count()) - start;
    if (start < *best) *best = start;
    return status;
}

static sf_status run(job *j, int runs)
{
    const double size = j->single ? sizeof(float) : sizeof(double);
    double fftw = 1e300, own = 1e300, first = 1e300;
    sf_status status = measure(j, false, &first); /* makes the plans */
    struct rusage usage;
    char text[64];

    (void)getrusage(RUSAGE_SELF, &usage);
    plan(j);
    for (int i = 0; i < runs && status == SF_OK; i++) {
        status = measure(j, false, &own);
        if (status == SF_OK) status = measure(j, true, &fftw);
    }
    printf("%-12s %s, %4zu bins: FFTW %8.1f ms, spectrum %8.1f ms, ratio %.2f; peak memory %.3f "
           "grids\n",
           sf_grid_text(&j->grid, text, sizeof text), j->single ? "single" : "double",
           j->options.bins.count, 1e3 * fftw, 1e3 * own, own / fftw,
           1024.0 * (double)usage.ru_maxrss / size / (double)sf_grid_size(&j->grid));
    return status;
}

static sf_status bench(int axes, const size_t *shape, bool single, size_t bins)
{
    job j = {.single = single, .options = sf_power_options_default()};
    const size_t size = single ? sizeof(float) : sizeof(double);
    sf_status status = sf_grid_make(axes, shape, NULL, &j.grid);

    j.options.bins.count = bins;
    if (status == SF_OK) status = sf_allocate(&j.bins, bins, sizeof *j.bins);
    if (status == SF_OK) status = sf_allocate(&j.buffer, sf_fft_buffer_size(&j.grid), size);
    if (status == SF_OK) status = run(&j, sf_grid_size(&j.grid) > 100000000 ? 2 : 9);
    sf_free(j.buffer);
    sf_free(j.bins);
    return status;
}

int main(int argc, char **argv)
{
    static const struct {
        int axes;
        size_t shape[SF_GRID_MAX_AXES];
    } cases[] = {{2, {1024, 1024}},    {2, {4096, 4096}},    {3, {64, 64, 64}},
                 {3, {128, 128, 128}}, {3, {256, 256, 256}}, {3, {512, 512, 512}},
                 {3, {768, 768, 768}}};
    const int threads = argc > 1 ? atoi(argv[1]) : 1;
    const size_t largest = argc > 2 ? (size_t)atol(argv[2]) : 512;

    for (size_t c = 0; c < 4 * (sizeof cases / sizeof *cases); c++) {
        const size_t *shape = cases[c / 4].shape;
        int ended = 0;

        if (cases[c / 4].axes == 3 && shape[0] > largest) continue;
        (void)fflush(stdout);
        if (fork() == 0) {
            sf_status status = sf_thread_count_set(threads);

            if (fftw_init_threads() == 0 || fftwf_init_threads() == 0) _exit(EXIT_FAILURE);
            fftw_plan_with_nthreads(threads);
            fftwf_plan_with_nthreads(threads);
            if (status == SF_OK)
                status = bench(cases[c / 4].axes, shape, c % 2 == 1, c % 4 < 2 ? 32 : shape[0] / 2);
            if (status != SF_OK) fprintf(stderr, "bench_power: %s\n", sf_last_error());
            (void)fflush(stdout);
            _exit(status == SF_OK ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        if (wait(&ended) < 0 || ended != 0) return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
