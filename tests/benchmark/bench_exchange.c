/* bench_exchange.c - replica exchange over repetitions with other seeds: z-scores of its estimates
 * against the exact log Z (true errors: mean 0, standard deviation 1), and the seconds of the run
 * over those of its evaluations alone.
 *
 *     bench_exchange [REPETITIONS [ROUNDS]]
 */
#include <scorefield/free_energy.h>

#include "timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { POINTS = 512, PASSES = 20 };

/* log Z of lattices: the quadratures of the reference table of the tests. */
static const struct target {
    const char *text, *base;
    size_t states;
    double log_z;
} targets[] = {
    {"many-well:dim=8", "gaussian:dim=8,sigma=1.5", 12, 41.1739188283},
    {"phi4:shape=4x4,mass2=-4,lambda=6.975", "free-scalar:shape=4x4,mass2=2", 8, 3.21832892288},
    {"phi4:shape=6x6,mass2=-4,lambda=8", "free-scalar:shape=6x6,mass2=2", 10, 5.2430455559},
    {"quartic:dim=64,a=3,b=0.5", "gaussian:dim=64", 8, NAN},
};

enum { ESTIMATES = 5 };
static const char *const names[ESTIMATES] = {"MBAR", "forward", "backward", "integration",
                                             "half-way curve"};

typedef struct scores {
    double sum, squares, error;
} scores;

static bool failed(sf_status status)
{
    if (status != SF_OK) fprintf(stderr, "bench_exchange: %s\n", sf_last_error());
    return status != SF_OK;
}

static void add(scores *s, const sf_log_z *log_z, double truth)
{
    const double z = (log_z->value - truth) / log_z->error;

    s->sum += z;
    s->squares += z * z;
    s->error += log_z->error;
}

/* Seconds of one evaluation of the two ends of the path, scores included, on one thread. */
static double evaluation_seconds(sf_density *f0, sf_density *f1)
{
    const size_t n = sf_density_dimension(f1);
    double *x = malloc(2 * POINTS * n * sizeof *x), log_f[8], best = INFINITY;

    if (x == NULL) return NAN;
    sf_random_normal(sf_random_make(1, 1), 0, 0, POINTS * n, x);
    for (int pass = 0; pass < PASSES; pass++) {
        const double start = now();

        for (size_t i = 0; i < POINTS; i += 8) { /* as many as there are copies */
            (void)sf_density_evaluate(f0, 8, x + i * n, log_f, x + POINTS * n);
            (void)sf_density_evaluate(f1, 8, x + i * n, log_f, x + POINTS * n);
        }
        best = fmin(best, (now() - start) / POINTS);
    }
    free(x);
    return best;
}

static void print(const struct target *t, const scores *s, int repetitions)
{
    printf("%s from %s, %zu states\n", t->text, t->base, t->states);
    for (int i = 0; i < ESTIMATES; i++) {
        const double mean = s[i].sum / repetitions;

        printf("    %-15s error %.4f   z: mean %+.3f +- %.3f, deviation %.3f +- %.3f\n", names[i],
               s[i].error / repetitions, mean, 1.0 / sqrt(repetitions),
               sqrt(s[i].squares / repetitions - mean * mean), 1.0 / sqrt(2.0 * repetitions));
    }
}

/* The half-way state's truth is the mean of all runs: its z have one degree of freedom less. */
static sf_status repeat(const struct target *t, sf_path *path, double truth, int repetitions,
                        sf_exchange_options *options, double cost)
{
    const size_t middle = t->states / 2;
    scores s[ESTIMATES] = {{0.0, 0.0, 0.0}};
    double *curve = malloc(2 * t->states * sizeof *curve), best = INFINITY, trips = 0.0;
    sf_log_z *half = malloc((size_t)repetitions * sizeof *half);
    double mean = 0.0;
    int doubted = 0;
    sf_schedule schedule = {.count = 0};
    sf_status status = sf_schedule_create(SF_SCHEDULE_LINEAR, 1.0, t->states, 0.1, &schedule);

    if (status == SF_OK) status = sf_exchange_pilot(path, options, 0.0, true, &schedule);
    for (int i = 0; i < repetitions && status == SF_OK; i++) {
        sf_exchange_report r;
        sf_exchange_run *run;

        options->seed = 100 + (uint64_t)i;
        status = sf_exchange(path, &schedule, options, &run);
        if (status != SF_OK) break;
        status = sf_exchange_estimate(run, curve, curve + t->states, &r);
        best = fmin(best, run->seconds / ((double)run->evaluations * cost));
        trips += (double)run->round_trips / run->ideal_round_trips / repetitions;
        add(&s[0], &r.estimate, truth);
        add(&s[1], &r.forward, truth);
        add(&s[2], &r.backward, truth);
        add(&s[3], &r.thermodynamic.estimate, truth);
        doubted += !r.estimate.reliable;
        half[i] = r.estimate;
        half[i].value = curve[middle];
        half[i].error = curve[t->states + middle];
        mean += curve[middle] / repetitions;
        sf_exchange_release(&run);
    }
    for (int i = 0; i < repetitions && status == SF_OK; i++) add(&s[4], &half[i], mean);
    if (status == SF_OK) {
        print(t, s, repetitions);
        printf("    round trips over those of states that mix in a round %.2f, doubted %d of %d, "
               "seconds over evaluations %.2f\n",
               trips, doubted, repetitions, best);
    }
    free(curve);
    free(half);
    sf_schedule_release(&schedule);
    return status;
}

static sf_status measure(const struct target *t, int repetitions, size_t rounds)
{
    sf_exchange_options options = sf_exchange_options_default();
    sf_density *f0 = NULL, *f1 = NULL;
    sf_path *path = NULL;
    sf_status status = sf_density_parse(t->base, &f0);

    options.rounds = rounds;
    options.kernel.leapfrogs = 5;
    if (status == SF_OK) status = sf_density_parse(t->text, &f1);
    if (status == SF_OK) status = sf_path_geometric(f0, f1, &path);
    if (status == SF_OK)
        status = repeat(t, path,
                        (isnan(t->log_z) ? sf_density_log_z(f1) : t->log_z) - sf_density_log_z(f0),
                        repetitions, &options, evaluation_seconds(f0, f1));
    sf_path_release(&path);
    sf_density_release(&f0);
    sf_density_release(&f1);
    return status;
}

int main(int argc, char **argv)
{
    const int repetitions = argc > 1 ? atoi(argv[1]) : 200;
    const size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;

    if (repetitions < 2 || failed(sf_thread_count_set(1))) return 1;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        if (failed(measure(&targets[i], repetitions, rounds))) return 1;
    return 0;
}
