/* bench_anneal.c - what annealing takes beyond its density's own evaluations: phi^4 on 32 x 32
 * sites with 1,000 chains, the many-well in 32 dimensions. Either is timed against evaluations
 * alone of both ends of the path, as many as it made: of all chains, which lie in memory one after
 * the other (what whoever moves all of them by a leapfrog at a time pays), and of a few points
 * that never leave the first cache (what no sampler has). Lattice sites are counted against the
 * memory's copies, for a leapfrog that would stream position and momentum there and back, 32 bytes
 * a site.
 *
 *     bench_anneal [THREADS [CHAINS]]
 *
 * One quiet core of a Xeon with AVX-512; millions of gradients a second:
 *                                     annealed  all chains  first cache  beyond: all   cached
 *     phi^4, HMC, 30 leapfrogs            0.89        0.72         1.57       -19 %      78 %
 *     phi^4, HMC, 10 leapfrogs            0.71        0.70         1.51        -1 %     112 %
 *     phi^4, MALA                         0.18        0.62         1.49       249 %     737 %
 *     many-well, HMC, 30 leapfrogs        26.5        42.8         48.4        62 %      83 %
 *     many-well, HMC, 10 leapfrogs        20.8        42.5         48.5       105 %     133 %
 *     many-well, MALA                      5.4        40.7         48.3       660 %     802 %
 * (Beside others, who share its memory, evaluating all chains of phi^4 falls to 0.37 and annealing
 * to 0.68.) Chains take all their leapfrogs in the first cache, so annealing phi^4 needs no more
 * than evaluating its 1,000 chains one after the other. Of a move of phi^4 by 10 leapfrogs, 15 us,
 * evaluations are 50 %; leapfrogs 16 %, near what loads and stores of the first cache allow; the
 * momenta 21 % (2.9 ns a normal number, all of it arithmetic); copies of positions and scores 4 %;
 * the last half kick and |p|^2 4 %; the rest, page faults among it, 5 %. */
#include <scorefield/free_energy.h>

#include "timing.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 5, BLOCK = 16, CACHED = 1024, TEMPERATURES = 12 };

static int threads = 1;

typedef struct job {
    const char *name;
    sf_density *ends[2];
    sf_path *path;
    sf_schedule schedule;
    sf_anneal_options options;
    double *x, *score[2]; /* as many points as there are chains */
    size_t points;
    size_t block, blocks; /* a thread evaluates so many points at once, of so many blocks in turn */
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

/* As many as annealing made, at points of the base, both ends block by block as chains do it. */
static void evaluate(void *user)
{
    job *j = user;
    const size_t n = sf_path_dimension(j->path);
    const long turns = (long)(j->evaluations / j->block);
    int failures = 0;

#pragma omp parallel for num_threads(threads) reduction(+ : failures)
    for (long i = 0; i < turns; i++) {
        const size_t first = (size_t)omp_get_thread_num() * j->blocks, own = (size_t)i % j->blocks;
        const size_t at = (first + own) * j->block * n;
        double log_density[CACHED];

        for (size_t end = 0; end < 2; end++)
            failures += sf_density_evaluate(j->ends[end], j->block, j->x + at, log_density,
                                            j->score[end] + at) != SF_OK;
    }
    if (failures > 0) j->status = SF_ERR_NUMERIC;
}

/* At all the points, which lie in memory as chains do. */
static void evaluate_all(void *user)
{
    job *j = user;

    j->block = BLOCK;
    j->blocks = j->points / BLOCK / (size_t)threads;
    evaluate(j);
}

/* At points that stay in the first cache, over and over. */
static void evaluate_cached(void *user)
{
    job *j = user;

    j->block = CACHED / sf_path_dimension(j->path);
    j->blocks = 1;
    evaluate(j);
}

/* ---- one line ------------------------------------------------------------------------------- */

typedef struct timing {
    double anneal, all, cached; /* the best of runs in turn */
} timing;

static double seconds_of(void (*body)(void *user), void *user)
{
    const double start = seconds_of_threads(threads);

    body(user);
    return seconds_of_threads(threads) - start;
}

static bool measure(job *j, timing *t)
{
    *t = (timing){INFINITY, INFINITY, INFINITY};
    for (int i = 0; i < RUNS && j->status == SF_OK; i++) {
        t->anneal = fmin(t->anneal, seconds_of(anneal, j));
        t->all = fmin(t->all, seconds_of(evaluate_all, j));
        t->cached = fmin(t->cached, seconds_of(evaluate_cached, j));
    }
    if (j->status != SF_OK) (void)fprintf(stderr, "%s\n", sf_last_error());
    return j->status == SF_OK;
}

static bool line(job *j, const char *kernel, size_t leapfrogs, timing *t)
{
    double millions;

    if (!measure(j, t)) return false;
    millions = 1e-6 * (double)j->evaluations;
    printf("%-12s %-18s %8.2f %8.2f %8.2f %8.2f %8.0f %% %8.0f %% %8.2f\n", j->name, kernel,
           millions / t->anneal, millions / t->all, millions / t->cached,
           millions / (double)leapfrogs / t->anneal, 100.0 * (t->anneal / t->all - 1.0),
           100.0 * (t->anneal / t->cached - 1.0), j->acceptance);
    return true;
}

static bool prepare(job *j, const char *name, const char *target, size_t chains)
{
    const size_t whole = 32 * (size_t)threads; /* blocks of either size for every thread */
    size_t n;

    *j = (job){.name = name, .options = sf_anneal_options_default()};
    j->points = (chains + whole - 1) / whole * whole;
    if (sf_density_parse(target, &j->ends[1]) != SF_OK) return false;
    n = sf_density_dimension(j->ends[1]);
    j->options.chains = chains;
    j->options.moves = 4;
    return sf_density_gaussian(n, NULL, NULL, &j->ends[0]) == SF_OK &&
           sf_path_geometric(j->ends[0], j->ends[1], &j->path) == SF_OK &&
           sf_schedule_create(SF_SCHEDULE_LINEAR, 0.0, TEMPERATURES, 0.1, &j->schedule) == SF_OK &&
           sf_allocate(&j->x, j->points, n * sizeof *j->x) == SF_OK &&
           sf_allocate(&j->score[0], j->points, n * sizeof *j->score[0]) == SF_OK &&
           sf_allocate(&j->score[1], j->points, n * sizeof *j->score[1]) == SF_OK &&
           sf_density_draw(j->ends[0], 1, 0, 0, j->points, j->x) == SF_OK;
}

static void clean_up(job *j)
{
    for (size_t i = 0; i < 2; i++) {
        sf_density_release(&j->ends[i]);
        sf_free(j->score[i]);
    }
    sf_path_release(&j->path);
    sf_schedule_release(&j->schedule);
    sf_free(j->x);
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

static bool hmc_line(job *j, const char *kernel, size_t leapfrogs, double step, timing *t)
{
    set_steps(j, (sf_kernel){.kind = SF_KERNEL_HMC, .leapfrogs = leapfrogs, .jitter = 0.2}, step);
    return line(j, kernel, leapfrogs, t);
}

static bool bench(const char *name, const char *target, size_t chains, double hmc_step,
                  double mala_step, double *site_updates)
{
    timing t;
    job j;
    bool good = prepare(&j, name, target, chains);

    if (!good) (void)fprintf(stderr, "%s\n", sf_last_error());
    good = good && hmc_line(&j, "HMC, 30 leapfrogs", 30, hmc_step, &t) &&
           hmc_line(&j, "HMC, 10 leapfrogs", 10, hmc_step, &t);
    if (good) {
        *site_updates = (double)sf_path_dimension(j.path) * (double)j.evaluations / t.anneal;
        set_steps(&j, (sf_kernel){.kind = SF_KERNEL_MALA}, mala_step);
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
    printf("%d threads, %zu chains; millions a second: gradients by annealing, of all chains, in "
           "the first cache, moves\n",
           threads, chains);
    printf("%-12s %-18s %8s %8s %8s %8s %20s %9s\n", "target", "kernel", "annealed", "all",
           "cached", "moves", "beyond all / cached", "accepted");
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
