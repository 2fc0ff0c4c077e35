/* bench_field.c - a Gaussian field drawn in place, against FFTW's own c2r in place of the same
 * shape, precision and number of threads in the same run; the program's peak memory against one
 * grid; and how time grows with the grid.
 *     bench_field [SHAPE [double|single]]     e.g. 512x512x512; without: a list of shapes.
 *
 * Measured on an Intel Xeon (AVX-512, shared with others), gcc 12, FFTW 3.3.10, double precision,
 * one thread: ratio 0.95 at 512^3 (1.9 s), 1.1 at 256^3 (0.21 s), 0.9 at 4096^2 (0.23 s); in single
 * precision 0.8, 1.0, 0.8. Large transforms here are faster than FFTW's own (fft_columns.c), and
 * the numbers take 9 ns a mode; so grids that lie in a cache have 2.9 at 128^3 (17 ms) and 3.7 at
 * 64^3 (2.0 ms). From 64^3 to 512^3, a field takes 900 times as long for 512 times the cells.
 * With writing the file, by sf-mock on two threads in single precision: 0.35 s at 256^3, 2.6 s at
 * 512^3, 8.3 s at 768^3.
 * Memory: 1.03 grids at 256^3 in single precision, where a grid is 64 MiB, 1.02 in double, and 6
 * MiB of code. */
#include <scorefield/field.h>

#include "timing.h"

#include <complex.h>
#include <fftw3.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct job {
    sf_field *field;
    bool single;
    void *buffer;
    void *plan;
    uint64_t seed;
    sf_status status;
} job;

static void by_scorefield(void *user)
{
    job *j = user;
    sf_field_draw_options options = sf_field_draw_options_default();
    sf_status status;

    options.seed = j->seed++;
    status = j->single ? sf_field_draw_single(j->field, &options, j->buffer)
                       : sf_field_draw(j->field, &options, j->buffer);
    if (status != SF_OK) j->status = status;
}

static void by_fftw(void *user)
{
    const job *j = user;

    if (j->single)
        fftwf_execute(j->plan);
    else
        fftw_execute(j->plan);
}

static double peak_bytes(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return 1024.0 * (double)usage.ru_maxrss;
}

/* Of the memory in use, what is mapped from files: programs and libraries (Linux; else 0). */
static double code_bytes(void)
{
    long size, resident, shared = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL) return 0.0;
    if (fscanf(file, "%ld %ld %ld", &size, &resident, &shared) != 3) shared = 0;
    (void)fclose(file);
    return (double)shared * (double)sysconf(_SC_PAGESIZE);
}

/* FFTW's c2r in place with its own threads. */
static void *plan_of(const sf_grid *grid, bool single, int threads, void *buffer)
{
    int n[SF_GRID_MAX_AXES];
    void *plan;

    for (int a = 0; a < grid->axes; a++) n[a] = (int)grid->shape[a];
    fftw_plan_with_nthreads(threads);
    fftwf_plan_with_nthreads(threads);
    plan = single ? (void *)fftwf_plan_dft_c2r(grid->axes, n, buffer, buffer, FFTW_ESTIMATE)
                  : (void *)fftw_plan_dft_c2r(grid->axes, n, buffer, buffer, FFTW_ESTIMATE);
    fftw_plan_with_nthreads(1); /* for the library's plans */
    fftwf_plan_with_nthreads(1);
    return plan;
}

static double seconds_of(void (*body)(void *user), job *j)
{
    const int threads = sf_thread_count();
    const double start = seconds_of_threads(threads);

    body(j);
    return seconds_of_threads(threads) - start;
}

/* The best of some fields and of as many transforms, in turns. */
static sf_status measure(job *j, const sf_grid *grid)
{
    const size_t size = sf_grid_size(grid);
    const double bytes = (double)size * (j->single ? 4.0 : 8.0);
    const int runs = size < 3000000 ? 100 : size < 20000000 ? 9 : 4;
    double draw = 1e300, transform = 1e300, memory, code;

    by_scorefield(j);
    code = code_bytes();
    memory = peak_bytes() - code;
    j->plan = plan_of(grid, j->single, sf_thread_count(), j->buffer);
    if (j->plan == NULL) return SF_ERR_LIBRARY;
    for (int i = 0; i < runs && j->status == SF_OK; i++) {
        draw = fmin(draw, seconds_of(by_scorefield, j));
        transform = fmin(transform, seconds_of(by_fftw, j));
    }
    printf("field %8.2f ms, FFTW %8.2f ms, ratio %.2f, memory %.3f grids, and %.3f of code\n",
           1e3 * draw, 1e3 * transform, draw / transform, memory / bytes, code / bytes);
    if (j->single)
        fftwf_destroy_plan(j->plan);
    else
        fftw_destroy_plan(j->plan);
    return j->status;
}

static sf_status bench(const sf_grid *grid, bool single, int threads)
{
    const double start = now();
    sf_spectrum *spectrum = NULL;
    char text[64];
    job j = {.single = single};
    sf_status status = sf_thread_count_set(threads);

    if (status == SF_OK) status = sf_spectrum_power_law(1.0, -2.0, 0.0, &spectrum);
    if (status == SF_OK) status = sf_field_create(grid, spectrum, 0.0, &j.field);
    printf("%-12s %s, %d threads: create %6.2f ms, ", sf_grid_text(grid, text, sizeof text),
           single ? "single" : "double", threads, 1e3 * (now() - start));
    if (status == SF_OK) status = sf_allocate(&j.buffer, sf_fft_buffer_size(grid), single ? 4 : 8);
    if (status == SF_OK) status = measure(&j, grid);
    if (status != SF_OK) fprintf(stderr, "bench_field: %s\n", sf_last_error());
    sf_free(j.buffer);
    sf_field_release(&j.field);
    sf_spectrum_release(&spectrum);
    return status;
}

/* In a process of its own, whose peak memory is that of this field alone. */
static bool bench_alone(const sf_grid *grid, bool single, int threads)
{
    int ended = 0;

    (void)fflush(stdout);
    if (fork() == 0) {
        const bool ready = fftw_init_threads() != 0 && fftwf_init_threads() != 0;
        const bool good = ready && bench(grid, single, threads) == SF_OK;

        (void)fflush(stdout);
        _exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    return wait(&ended) > 0 && ended == 0;
}

/* "64x64x64" */
static sf_status parse_shape(const char *text, sf_grid *grid)
{
    size_t shape[SF_GRID_MAX_AXES];
    int axes = 0;

    for (char *end; axes < SF_GRID_MAX_AXES; text = end + 1) {
        shape[axes++] = strtoull(text, &end, 10);
        if (*end != 'x') break;
    }
    return sf_grid_make(axes, shape, NULL, grid);
}

int main(int count, char **arguments)
{
    static const char *const shapes[] = {"64x64x64",    "128x128x128", "256x256x256",
                                         "512x512x512", "4096x4096",   "16777216"};
    const size_t cases = count > 1 ? 1 : sizeof shapes / sizeof *shapes;
    const bool one = count > 2, single = one && strcmp(arguments[2], "single") == 0;
    const int most = sf_thread_count();
    sf_grid grid;

    for (size_t s = 0; s < cases; s++) {
        if (parse_shape(count > 1 ? arguments[1] : shapes[s], &grid) != SF_OK) {
            fprintf(stderr, "bench_field: %s\n", sf_last_error());
            return EXIT_FAILURE;
        }
        for (int precision = 0; precision < 2; precision++)
            for (int threads = 1; threads <= most; threads *= 2)
                if ((!one || single == (precision == 1)) &&
                    !bench_alone(&grid, precision == 1, threads))
                    return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
