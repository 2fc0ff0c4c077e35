/* bench_anneal.c - what annealing takes beyond its density's own evaluations: phi^4 on 32 x 32
 * sites with 1,000 chains, the many-well in 32 dimensions. Either is timed against evaluations
 * alone, of as many points at both ends of the path; lattice sites are counted against the memory's
 * copies, for a leapfrog that would stream position and momentum there and back, 32 bytes a site.
 *
 *     bench_anneal [THREADS [CHAINS]]
 */
#include <scorefield/free_energy.h>

#include "timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 5, BLOCK = 16, TEMPERATURES = 12 };

static int threads = 1;

typedef struct job {
    const char *name;
    sf_density *ends[2];
    sf_path *path;
    sf_schedule schedule;
    sf_anneal_options options;
    double *x, *score;
    uint64_t evaluations;
    double acceptance;
    sf_status status;
} job;

/* ---- what is timed -------------------------------------------------------------------------- */

static void anneal(void *user)
{
    job *j = user;
    sf_anneal_run *run;
    sf_anneal_state state;

    j->status = sf_anneal(j->path, &j->schedule, &j->options, &run);
    if (j->status != SF_OK) return;
    j->evaluations = sf_anneal_run_evaluations(run);
    j->status = sf_anneal_run_state(run, TEMPERATURES / 2, &state);
    j->acceptance = state.acceptance;
    sf_anneal_run_release(&run);
}

/* As many as annealing made, in blocks that stay in a cache, at points of the base. */
static void evaluate(void *user)
{
    job *j = user;
    const size_t n = sf_path_dimension(j->path);
    const long blocks = (long)(j->evaluations / BLOCK);
    int failures = 0;

#pragma omp parallel for num_threads(threads) reduction(+ : failures)
    for (long i = 0; i < blocks; i++) {
        double log_density[BLOCK], *score = j->score + (size_t)(i % threads) * BLOCK * n;

        for (size_t end = 0; end < 2; end++)
            failures += sf_density_evaluate(j->ends[end], BLOCK, j->x, log_density, score) != SF_OK;
    }
    if (failures > 0) j->status = SF_ERR_NUMERIC;
}

/* ---- one line ------------------------------------------------------------------------------- */

typedef struct timing {
    double anneal, evaluate; /* the best of runs in turn */
} timing;

static double seconds_of(void (*body)(void *user), void *user)
{
    const double start = seconds_of_threads(threads);

    body(user);
    return seconds_of_threads(threads) - start;
}

static bool measure(job *j, timing *t)
{
    *t = (timing){1e300, 1e300};
    for (int i = 0; i < RUNS && j->status == SF_OK; i++) {
        const double a = seconds_of(anneal, j), e = seconds_of(evaluate, j);

        if (a < t->anneal) t->anneal = a;
        if (e < t->evaluate) t->evaluate = e;
    }
    if (j->status != SF_OK) (void)fprintf(stderr, "%s\n", sf_last_error());
    return j->status == SF_OK;
}

static bool line(job *j, const char *kernel, size_t leapfrogs, timing *t)
{
    double steps;

    if (!measure(j, t)) return false;
    steps = (double)j->evaluations / (double)leapfrogs;
    printf("%-12s %-22s %8.2f %10.2f %9.2f %8.0f %% %8.2f\n", j->name, kernel,
           1e-6 * (double)j->evaluations / t->anneal, 1e-6 * (double)j->evaluations / t->evaluate,
           1e-6 * steps / t->anneal, 100.0 * (t->anneal / t->evaluate - 1.0), j->acceptance);
    return true;
}

static bool prepare(job *j, const char *name, const char *target, size_t chains)
{
    size_t n;

    *j = (job){.name = name, .options = sf_anneal_options_default()};
    if (sf_density_parse(target, &j->ends[1]) != SF_OK) return false;
    n = sf_density_dimension(j->ends[1]);
    j->options.chains = chains;
    j->options.moves = 4;
    return sf_density_gaussian(n, NULL, NULL, &j->ends[0]) == SF_OK &&
           sf_path_geometric(j->ends[0], j->ends[1], &j->path) == SF_OK &&
           sf_schedule_create(SF_SCHEDULE_LINEAR, 0.0, TEMPERATURES, 0.1, &j->schedule) == SF_OK &&
           sf_allocate(&j->x, BLOCK, n * sizeof *j->x) == SF_OK &&
           sf_allocate(&j->score, (size_t)threads * BLOCK, n * sizeof *j->score) == SF_OK &&
           sf_density_draw(j->ends[0], 1, 0, 0, BLOCK, j->x) == SF_OK;
}

static void clean_up(job *j)
{
    for (size_t i = 0; i < 2; i++) sf_density_release(&j->ends[i]);
    sf_path_release(&j->path);
    sf_schedule_release(&j->schedule);
    sf_free(j->x);
    sf_free(j->score);
}

static void set_steps(job *j, sf_kernel kernel, double step)
{
    j->options.kernel = kernel;
    for (size_t i = 0; i < j->schedule.count; i++) j->schedule.step[i] = step;
}

/* ---- memory --------------------------------------------------------------------------------- */

enum { COPIED = 1 << 26 }; /* bytes, far more than caches hold */

typedef struct copy {
    char *from, *to;
} copy;

static void copy_memory(void *user)
{
    const copy *c = user;

#pragma omp parallel for num_threads(threads)
    for (int i = 0; i < 64; i++)
        memcpy(c->to + (size_t)i * (COPIED / 64), c->from + (size_t)i * (COPIED / 64), COPIED / 64);
}

/* Bytes read and written a second. */
static double bandwidth(void)
{
    copy c = {NULL, NULL};
    double rate = 0.0;

    if (sf_allocate(&c.from, COPIED, 1) == SF_OK && sf_allocate(&c.to, COPIED, 1) == SF_OK) {
        memset(c.from, 1, COPIED);
        copy_memory(&c);
        for (int i = 0; i < RUNS; i++)
            rate = fmax(rate, 2.0 * COPIED / seconds_of(copy_memory, &c));
    }
    sf_free(c.from);
    sf_free(c.to);
    return rate;
}

/* ---- all ------------------------------------------------------------------------------------ */

static bool bench(const char *name, const char *target, size_t chains, double hmc_step,
                  double mala_step, double *site_updates)
{
    const sf_kernel hmc = {.kind = SF_KERNEL_HMC, .leapfrogs = 10, .jitter = 0.2};
    const sf_kernel mala = {.kind = SF_KERNEL_MALA};
    timing t;
    job j;
    bool good = prepare(&j, name, target, chains);

    if (!good) (void)fprintf(stderr, "%s\n", sf_last_error());
    if (good) {
        set_steps(&j, hmc, hmc_step);
        good = line(&j, "HMC, 10 leapfrogs", 10, &t);
        if (good)
            *site_updates = (double)sf_path_dimension(j.path) * (double)j.evaluations / t.anneal;
    }
    if (good) {
        set_steps(&j, mala, mala_step);
        good = line(&j, "MALA", 1, &t);
    }
    clean_up(&j);
    return good;
}

int main(int argc, char **argv)
{
    const size_t chains = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
    double updates, copies;

    threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
    if (chains == 0 || sf_thread_count_set(threads) != SF_OK) {
        (void)fprintf(stderr, "usage: bench_anneal [THREADS [CHAINS]]\n");
        return 2;
    }
    printf("%d threads, %zu chains; millions a second\n", threads, chains);
    printf("%-12s %-22s %8s %10s %9s %10s %8s\n", "target", "kernel", "annealed", "evaluated",
           "moves", "beyond", "accepted");
    if (!bench("many-well 32", "many-well:dim=32", chains, 0.08, 0.005, &updates)) return 1;
    if (!bench("phi4 32x32", "phi4:shape=32x32,mass2=-4,lambda=6.975", chains, 0.05, 0.001,
               &updates))
        return 1;
    copies = bandwidth();
    printf("phi4, HMC: %.0f million site updates a second, %.2f of what copies of memory at %.1f "
           "GB/s would do\n",
           1e-6 * updates, updates / (copies / 32.0), 1e-9 * copies);
    return 0;
}
