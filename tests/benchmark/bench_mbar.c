/* bench_mbar.c - MBAR of 20 harmonic oscillators from 100,000 samples, held in memory and read in
 * blocks, against the exponentials of one pass: any solver takes each of them some times over.
 *
 *     bench_mbar [THREADS [SAMPLES]]
 */
#include <scorefield/free_energy.h>

#include "timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATES = 20, RUNS = 5 };

typedef struct job {
    sf_reduced_potentials held, streamed;
    size_t counts[STATES], iterations;
    double *u, *scratch;
    sf_log_z log_z;
    sf_status status;
} job;

static double stiffness(size_t k) { return 1.0 + 0.25 * (double)k; }

static sf_status read_block(void *user, size_t first, size_t count, double *u)
{
    const job *j = user;

    memcpy(u, j->u + first * STATES, count * STATES * sizeof *u);
    return SF_OK;
}

static void fill(job *j)
{
    const sf_random random = sf_random_make(1, 0);

    for (size_t k = 0, n = 0; k < STATES; k++)
        for (size_t i = 0; i < j->counts[k]; i++, n++) {
            double x;

            sf_random_normal(random, k, i, 1, &x);
            x = 0.4 * (double)k + x / sqrt(stiffness(k));
            for (size_t s = 0; s < STATES; s++) {
                const double d = x - 0.4 * (double)s;

                j->u[n * STATES + s] = 0.5 * stiffness(s) * d * d;
            }
        }
}

static void exponentials(void *user)
{
    const job *j = user;
    const size_t size = j->held.samples * STATES;

    for (size_t i = 0; i < size; i++) j->scratch[i] = exp(-j->u[i]);
}

static void solve(job *j, const sf_reduced_potentials *potentials)
{
    sf_mbar *mbar;

    j->status = sf_mbar_create(potentials, NULL, &mbar);
    if (j->status != SF_OK) return;
    j->iterations = sf_mbar_iterations(mbar);
    j->status = sf_mbar_difference(mbar, 0, STATES - 1, &j->log_z);
    sf_mbar_release(&mbar);
}

static void solve_held(void *user) { solve(user, &((job *)user)->held); }

static void solve_streamed(void *user) { solve(user, &((job *)user)->streamed); }

static void report(const char *name, const job *j, double seconds, double pass)
{
    printf("%-9s %7.3f s, %4.1f passes of exponentials on one thread (%.4f s); %zu steps, log z "
           "%+.5f +- %.5f, truth %+.5f\n",
           name, seconds, seconds / pass, pass, j->iterations, j->log_z.value, j->log_z.error,
           -0.5 * log(stiffness(STATES - 1)));
}

int main(int argc, char **argv)
{
    const size_t samples = argc > 2 ? (size_t)atol(argv[2]) : 100000;
    job j = {.status = SF_OK};
    double pass;

    for (size_t k = 0; k < STATES; k++) j.counts[k] = samples / STATES;
    j.held = (sf_reduced_potentials){
        .states = STATES, .samples = samples / STATES * STATES, .counts = j.counts};
    j.status = sf_thread_count_set(argc > 1 ? atoi(argv[1]) : 1);
    if (j.status == SF_OK) j.status = sf_allocate(&j.u, j.held.samples * STATES, sizeof *j.u);
    if (j.status == SF_OK)
        j.status = sf_allocate(&j.scratch, j.held.samples * STATES, sizeof *j.scratch);
    if (j.status == SF_OK) {
        fill(&j);
        j.streamed = j.held;
        j.streamed.read = read_block;
        j.streamed.user = &j;
        j.held.u = j.u;
        pass = best_seconds(exponentials, &j, RUNS);
        report("held", &j, best_seconds(solve_held, &j, RUNS), pass);
        report("streamed", &j, best_seconds(solve_streamed, &j, RUNS), pass);
    }
    if (j.status != SF_OK) fprintf(stderr, "bench_mbar: %s\n", sf_last_error());
    sf_free(j.u);
    sf_free(j.scratch);
    return j.status == SF_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
