/* bench_density.c - densities whose gradients are products with a matrix, and clusters of
 * particles, on one thread: a gradient of the Cox process on n cells is two products with a
 * triangle, 2 n^2 operations, held against OpenBLAS's dgemm with a square of the same rows and
 * batches of the same size. In the coordinates of Laplace's approximation it would be four
 * products if the process did not know better. By the processor's clock. */
#include <scorefield/mcmc.h>

#include "timing.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 240, RUNS = 15, POINTS = 126 };

static void check(sf_status status)
{
    if (status == SF_OK) return;
    fprintf(stderr, "bench_density: %s\n", sf_last_error());
    exit(EXIT_FAILURE);
}

/* Gradients a second, of the fastest run of some. */
static double gradients(const sf_density *density, size_t times)
{
    const size_t n = sf_density_dimension(density);
    double *x, *score, log_density[BATCH], best = INFINITY;

    check(sf_allocate(&x, BATCH, n * sizeof *x));
    check(sf_allocate(&score, BATCH, n * sizeof *score));
    sf_random_normal(sf_random_make(1, 0), 0, 0, BATCH * n, x);
    for (int run = 0; run < RUNS; run++) {
        const double start = seconds_of_threads(1);

        for (size_t i = 0; i < times; i++)
            check(sf_density_evaluate(density, BATCH, x, log_density, score));
        best = fmin(best, seconds_of_threads(1) - start);
    }
    sf_free(x);
    sf_free(score);
    return (double)(BATCH * times) / best;
}

/* Operations a second of dgemm. */
static double peak(size_t n)
{
    double *a, *b, *c, best = INFINITY;

    check(sf_allocate(&a, n, n * sizeof *a));
    check(sf_allocate(&b, BATCH, n * sizeof *b));
    check(sf_allocate(&c, BATCH, n * sizeof *c));
    sf_random_normal(sf_random_make(2, 0), 0, 0, n * n, a);
    sf_random_normal(sf_random_make(2, 0), 1, 0, BATCH * n, b);
    for (int run = 0; run < RUNS; run++) {
        const double start = seconds_of_threads(1);

        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, BATCH, (int)n, (int)n, 1.0, b, (int)n,
                    a, (int)n, 0.0, c, (int)n);
        best = fmin(best, seconds_of_threads(1) - start);
    }
    sf_free(a);
    sf_free(b);
    sf_free(c);
    return 2.0 * (double)(BATCH * n * n) / best;
}

static void report(sf_density *density, const char *name, double limit)
{
    const double n = (double)sf_density_dimension(density), rate = gradients(density, 1);

    printf("    %-34s %8.0f gradients/s, %5.1f Gflop/s: %.2f of dgemm\n", name, rate,
           2e-9 * n * n * rate, 2.0 * n * n * rate / limit);
    sf_density_release(&density);
}

static void run_cox(size_t grid)
{
    const double limit = peak(grid * grid);
    sf_cox_options options = sf_cox_options_default();
    sf_density *plain, *white, *affine;
    sf_laplace laplace;
    double points[2 * POINTS], start;

    options.grid = grid;
    sf_random_uniform(sf_random_make(3, 0), 0, 0, (size_t)2 * POINTS, points);
    check(sf_density_cox(POINTS, points, &options, &plain));
    start = seconds_of_threads(1);
    check(sf_laplace_find(plain, NULL, &laplace));
    check(sf_density_affine(plain, laplace.mode, NULL, laplace.factor, &affine));
    printf("Cox process on %zu x %zu cells: dgemm %.1f Gflop/s; Laplace's approximation %.2f s\n",
           grid, grid, 1e-9 * limit, seconds_of_threads(1) - start);
    options.whitened = true;
    check(sf_density_cox(POINTS, points, &options, &white));
    report(plain, "log intensities", limit);
    report(white, "the prior's coordinates", limit);
    report(affine, "Laplace's coordinates", limit);
    sf_laplace_release(&laplace);
}

static void run_particles(const char *text, double pairs)
{
    sf_density *density;
    double rate;

    check(sf_density_parse(text, &density));
    rate = gradients(density, 20);
    printf("%-38s %8.2f million gradients/s, %6.0f million pairs/s\n", text, 1e-6 * rate,
           1e-6 * pairs * rate);
    sf_density_release(&density);
}

int main(void)
{
    check(sf_thread_count_set(1));
    openblas_set_num_threads(1);
    run_cox(32);
    run_cox(40);
    run_particles("lj:n=3,trap=1", 3.0);
    run_particles("lj:n=13,trap=1", 78.0);
    run_particles("dw4", 6.0);
    return EXIT_SUCCESS;
}
