/* bench_kernels.c - moves of chains on one thread: gradients and steps a second on the many-well in
 * 32 dimensions and on phi^4, and what part of the time the density's own evaluations and the
 * normal numbers, without which no kernel can do, take alone. By the processor's clock, which
 * other programs do not disturb as much. */
#include <scorefield/mcmc.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHAINS = 1000, RUNS = 7 };

typedef struct job {
    sf_density *density;
    sf_chains *chains;
    sf_kernel kernel;
    size_t moves;
    double *x, *log_density, *score;
    sf_status status;
} job;

/* Seconds of processor time of the fastest run. */
static double best_seconds(void (*body)(void *user), void *user)
{
    double best = 1e300;

    for (int i = 0; i < RUNS; i++) {
        struct timespec start, end;
        double seconds;

        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
        body(user);
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        seconds =
            (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
        if (seconds < best) best = seconds;
    }
    return best;
}

static void move(void *user)
{
    job *j = user;

    if (j->status == SF_OK) j->status = sf_chains_move(j->chains, &j->kernel, 1.0, j->moves);
}

/* Chains that move at once: of 8 kB. */
static size_t block_of(size_t n) { return n < 1024 ? 1024 / n : 1; }

/* As many evaluations as the move has, in blocks of the same size. */
static void evaluate(void *user)
{
    job *j = user;
    const size_t n = sf_density_dimension(j->density), block = block_of(n);
    const size_t times = j->moves * (j->kernel.leapfrogs > 0 ? j->kernel.leapfrogs : 1);

    for (size_t at = 0; at < CHAINS; at += block)
        for (size_t i = 0; i < times && j->status == SF_OK; i++)
            j->status = sf_density_evaluate(j->density, CHAINS - at < block ? CHAINS - at : block,
                                            j->x + at * n, j->log_density, j->score);
}

/* The normal numbers of the moves. */
static void draw(void *user)
{
    job *j = user;
    const size_t n = sf_density_dimension(j->density);

    for (size_t i = 0; i < j->moves; i++)
        for (size_t at = 0; at < CHAINS; at += block_of(n))
            sf_random_normal(sf_random_make(1, 2), i, at * n,
                             (CHAINS - at < block_of(n) ? CHAINS - at : block_of(n)) * n, j->score);
}

static sf_status create(sf_density *density, job *j)
{
    const size_t n = sf_density_dimension(density);
    sf_status status = SF_OK;
    sf_path *path;

    j->density = density;
    if ((status = sf_allocate(&j->x, CHAINS, n * sizeof(double))) != SF_OK) return status;
    if ((status = sf_allocate(&j->score, CHAINS, n * sizeof(double))) != SF_OK) return status;
    if ((status = sf_allocate(&j->log_density, CHAINS, sizeof(double))) != SF_OK) return status;
    sf_random_normal(sf_random_make(1, 0), 0, 0, CHAINS * n, j->x);
    if ((status = sf_path_tempering(density, 1.0, &path)) != SF_OK) return status;
    status = sf_chains_create(path, 1, 0, 0, CHAINS, &j->chains);
    sf_path_release(&path);
    if (status != SF_OK) return status;
    return sf_chains_start(j->chains, j->x, 1.0);
}

static void report(job *j, const char *name)
{
    const size_t leapfrogs = j->kernel.leapfrogs > 0 ? j->kernel.leapfrogs : 1;
    const double moves = best_seconds(move, j), own = best_seconds(evaluate, j);
    const double noise = best_seconds(draw, j);
    const double count = (double)(CHAINS * j->moves);
    double accepted = 0.0;

    for (size_t i = 0; i < CHAINS; i++) accepted += (double)j->chains->accepted[i];
    accepted /= (double)CHAINS * (double)j->chains->moves;
    printf("%-26s %8.3f million moves/s %8.3f million evaluations/s  of the time %4.2f "
           "density, %4.2f normals; accepted %.2f\n",
           name, 1e-6 * count / moves, 1e-6 * count * (double)leapfrogs / moves, own / moves,
           noise / moves, accepted);
}

static void run(sf_density *density, const char *name, double step, size_t moves)
{
    static const struct {
        const char *name;
        sf_kernel_kind kind;
        size_t leapfrogs;
    } kernels[] = {{"HMC of 10", SF_KERNEL_HMC, 10},
                   {"HMC of 5", SF_KERNEL_HMC, 5},
                   {"MALA", SF_KERNEL_MALA, 0},
                   {"random walk", SF_KERNEL_RANDOM_WALK, 0}};
    job j = {.moves = moves};

    if (density == NULL) return;
    j.status = create(density, &j);
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels && j.status == SF_OK; i++) {
        char text[64];
        const bool langevin = kernels[i].kind == SF_KERNEL_MALA;

        j.kernel = (sf_kernel){.kind = kernels[i].kind,
                               .step = langevin ? 0.5 * step * step : step,
                               .leapfrogs = kernels[i].leapfrogs};
        (void)snprintf(text, sizeof text, "%s, %s", name, kernels[i].name);
        report(&j, text);
    }
    if (j.status != SF_OK) fprintf(stderr, "bench_kernels: %s\n", sf_last_error());
    sf_chains_release(&j.chains);
    sf_free(j.x);
    sf_free(j.score);
    sf_free(j.log_density);
    sf_density_release(&density);
}

int main(void)
{
    const size_t square[2] = {32, 32};
    sf_density *many_well, *phi4;

    if (sf_thread_count_set(1) != SF_OK || sf_density_many_well(32, &many_well) != SF_OK)
        return EXIT_FAILURE;
    run(many_well, "many-well 32", 0.1, 20);
    if (sf_density_phi4(2, square, -4.0, 6.975, &phi4) != SF_OK) return EXIT_FAILURE;
    run(phi4, "phi^4 32x32", 0.05, 2);
    return EXIT_SUCCESS;
}
