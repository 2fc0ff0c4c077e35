/* bench_free_energy.c - annealing against log Z that is known.
 *
 *     bench_free_energy values [FOLDER [FIRST [ROWS]]]
 *         every row of tests/free_energy/reference.c: pilot, frozen schedule, both directions, BAR.
 *         FOLDER has finpines.csv (x,y of a line, spatstat's finpines in the unit square) and
 *         logreg_ionosphere.csv (UCI's ionosphere, the class last, 0 or 1); without it their rows
 *         are left out
 *     bench_free_energy calibration [REPETITIONS]
 *         z-scores over repetitions: one direction, both, resampled. True errors have a mean of 0
 *         and a deviation of 1
 *     bench_free_energy lattice [REPETITIONS]
 *     bench_free_energy cox FOLDER [REPETITIONS [40 | 32]]
 *         errors against gradients, kernel by kernel and with preconditioning
 *
 * Root mean square error of log Z of phi^4 on 16x16 sites (mass2 -4, lambda 8) by 200 chains one
 * way, over 8 repetitions (so good to a quarter), without what the pilot costs; momenta like white
 * noise, and like the free field (Fourier). Runs of 10,400 gradients call themselves unreliable:
 *     gradients in all            MALA    HMC    ULA    underdamped
 *              10,400             1.05   0.38   4.3           0.33
 *              10,400, Fourier    0.48   0.73   1.3           0.41
 *              40,400             0.11   0.19   3.7           0.13
 *              40,400, Fourier    0.18   0.21   0.79          0.10
 *             160,400             0.09   0.04   1.9           0.07
 *
 * The same of the Cox process by 50 chains one way, over 20 repetitions:
 *     gradients in all                          MALA    HMC    ULA    underdamped
 *         40x40 cells, from Laplace's Gaussian
 *               1,100                            2.8    1.2    3.8           1.2
 *               4,100                            1.1   0.45    3.1          0.56
 *         32x32 cells, 4,100, from
 *               Laplace's Gaussian              0.75   0.46    2.6          0.48
 *               the prior, in its coordinates     12    3.8     29           3.2
 *               the prior, in log intensities     25    9.7     46           9.5
 * All of them call themselves unreliable. The pilot of HMC on 40x40 cells takes 17,000 evaluations
 * more. Published for 40x40 cells (Vargas et al. 2023, arXiv:2302.13834, their repository's results
 * of 30 seeds, on a file whose log Z is 512.5): SMC 504.2, deviation 2.8, so an rms of
 * 8.8. Its largest budget is 2,000 samples in 256 steps, which are 0.51 million gradients even
 * with a single one a move: 25 times those of HMC with its pilot here, for 20 times the error.
 *
 * Of all 75 rows: |z| at most 1.97, every log Z between its bounds; 200 repetitions of four of them
 * (`calibration`, both ways, BAR) have z of mean -0.06 to 0.03 +- 0.07 and deviation 0.94 to 1.02
 * +- 0.05; one way -0.14 to 0.02 and 0.92 to 1.08, resampled -0.13 to 0.01 and 0.95 to 1.06.
 *
 * The rows whose log Z is known by long annealing alone, and the large free fields; seconds on one
 * core that others used too, where there are any:
 *                                log Z                  z  evaluations  seconds
 *     lj:n=3               8.53229 +- 0.00153       +0.37       4.9e7       7
 *     lj:n=13             42.01846 +- 0.00871       +1.28       1.3e8      57
 *     dw4                 29.67835 +- 0.00499       +0.69       8.3e7       6
 *     logistic          -111.60873 +- 0.00417       -0.97       8.7e6      51
 *     Cox 32x32          503.37868 +- 0.01637       +0.98       2.1e6
 *     Cox 40x40          501.77439 +- 0.02218       +0.26       1.7e6
 *     free 64x64        1265.66600 +- 0.04955       -1.30       1.5e4
 *     free 128x128      2702.41820 +- 0.07628       -1.01       2.9e4
 *     free 16x16x16      -67.67941 +- 0.06440       -1.42       1.7e4
 *     free 8x8x8x8      -480.69222 +- 0.04164       -1.07       4.8e3
 *     ratio 16x16         36.98771 +- 0.07567       +1.22       2.3e5
 *     ratio 64x64        684.94515 +- 0.14356       -1.15       6.2e5
 *     ratio 16x16x16     356.39901 +- 0.12225       +1.17       1.1e5 */
#include <scorefield/free_energy.h>

#include "free_energy/reference.h"
#include "timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 1, REPETITIONS = 200 };

static bool failed(sf_status status)
{
    if (status != SF_OK) fprintf(stderr, "bench_free_energy: %s\n", sf_last_error());
    return status != SF_OK;
}

/* ---- every value of the table ---------------------------------------------------------------- */

static double deviation(const reference *row, const sf_anneal_report *r)
{
    return (r->estimate.value - row->log_z) / hypot(r->estimate.error, row->uncertainty);
}

/* Whether log Z is between the bounds, within three of their errors. */
static bool is_between(const reference *row, const sf_anneal_report *r)
{
    const double error = 3.0 * row->uncertainty;

    return row->log_z > r->lower_bound - 3.0 * r->lower_error - error &&
           row->log_z < r->upper_bound + 3.0 * r->upper_error + error;
}

static void print_value(const reference *row, const reference_case *c, const sf_anneal_report *r,
                        double seconds)
{
    printf("%s\n    %.5f +- %.5f, by %s %.5f +- %.2g: z %+.2f%s\n", row->target, r->estimate.value,
           r->estimate.error, reference_source_name(row->source), row->log_z, row->uncertainty,
           deviation(row, r), fabs(deviation(row, r)) < 3.0 ? "" : " MISSED");
    printf("    bounds %.4f +- %.4f and %.4f +- %.4f%s; ESS %.0f and %.0f; %zu "
           "temperatures, "
           "%.2e gradients, %.1f s; %s\n",
           r->lower_bound, r->lower_error, r->upper_bound, r->upper_error,
           is_between(row, r) ? "" : " MISSED", r->forward.ess, r->reverse.ess, c->schedule.count,
           (double)r->evaluations, seconds, r->estimate.verdict);
    (void)fflush(stdout);
}

static sf_status measure_value(const reference *row, const char *folder)
{
    const double start = now();
    sf_anneal_report r;
    reference_case c;
    sf_status status;

    if (folder == NULL && strstr(row->target, "%s") != NULL) {
        printf("%s\n    skipped: it needs a folder with data\n", row->target);
        return SF_OK;
    }
    status = reference_open(row, folder, &c);
    if (status != SF_OK) return status;
    status = reference_measure(&c, row->chains, SEED, &r);
    if (status == SF_OK) print_value(row, &c, &r, now() - start);
    reference_close(&c);
    return status;
}

static sf_status measure_values(const char *folder, size_t first, size_t rows)
{
    sf_status status = SF_OK;

    for (size_t i = first; i < reference_count && i - first < rows && status == SF_OK; i++)
        status = measure_value(&references[i], folder);
    return status;
}

/* ---- are the errors true? -------------------------------------------------------------------- */

typedef struct scores {
    double sum, squares, error;
    int count, doubted;
} scores;

static void add(scores *s, double value, double error, double truth, bool reliable)
{
    const double z = (value - truth) / error;

    s->sum += z;
    s->squares += z * z;
    s->error += error;
    s->count++;
    s->doubted += !reliable;
}

static void print_scores(const char *name, const scores *s)
{
    const double mean = s->sum / s->count;

    printf("    %-14s error %.4f   z: mean %+.3f +- %.3f, deviation %.3f +- %.3f "
           "  doubted %d\n",
           name, s->error / s->count, mean, 1.0 / sqrt(s->count),
           sqrt(s->squares / s->count - mean * mean), 1.0 / sqrt(2.0 * s->count), s->doubted);
}

/* Both ways, and one way resampled, with this seed. */
static sf_status repeat(const reference_case *c, const reference *row, uint64_t seed, scores s[3])
{
    sf_anneal_report both, resampled;
    sf_status status = reference_measure(c, row->chains, seed, &both);

    if (status == SF_OK) status = reference_resampled(c, row->chains, seed, &resampled);
    if (status != SF_OK) return status;
    add(&s[0], both.forward.log_mean + c->offset, both.forward.error, row->log_z, true);
    add(&s[1], both.estimate.value, both.estimate.error, row->log_z, both.estimate.reliable);
    add(&s[2], resampled.estimate.value, resampled.estimate.error, row->log_z,
        resampled.estimate.reliable);
    return SF_OK;
}

static sf_status calibrate_target(const reference *row, int repetitions)
{
    static const char *const names[3] = {"one direction", "both, BAR", "resampled"};
    scores s[3] = {{0.0, 0.0, 0.0, 0, 0}};
    reference_case c;
    sf_status status = reference_open(row, NULL, &c);

    if (status != SF_OK) return status;
    for (int i = 0; i < repetitions && status == SF_OK; i++)
        status = repeat(&c, row, SEED + (uint64_t)i, s);
    if (status == SF_OK) {
        printf("%s, %zu chains, %zu temperatures\n", row->target, row->chains, c.schedule.count);
        for (int i = 0; i < 3; i++) print_scores(names[i], &s[i]);
        (void)fflush(stdout);
    }
    reference_close(&c);
    return status;
}

static sf_status calibrate(int repetitions)
{
    static const reference targets[] = {
        {.target = "phi4:shape=8x8,mass2=-4,lambda=8",
         .log_z = 9.2913648149,
         .chains = 500,
         .temperatures = 40,
         .leapfrogs = 5},
        {.target = "many-well:dim=32",
         .base = "gaussian:dim=32,mean=0.6,sigma=1.25",
         .log_z = 164.695675313,
         .chains = 500,
         .temperatures = 400,
         .leapfrogs = 5},
        {.target = "xy:shape=4x4,beta=0.5",
         .log_z = 31.6032732686,
         .chains = 500,
         .temperatures = 80,
         .leapfrogs = 5},
        {.target = "free-scalar:shape=64,mass2=0.1",
         .base = "free-scalar:shape=64,mass2=0.5",
         .log_z = 48.7344739155,
         .chains = 500,
         .temperatures = 120,
         .leapfrogs = 5},
    };
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof targets / sizeof *targets && status == SF_OK; i++)
        status = calibrate_target(&targets[i], repetitions);
    return status;
}

/* ---- error against gradients ----------------------------------------------------------------- */

static const struct mover {
    const char *name;
    sf_kernel_kind kind;
    size_t leapfrogs; /* gradients a move */
} movers[] = {
    {"MALA", SF_KERNEL_MALA, 1},
    {"HMC, 5 leapfrogs", SF_KERNEL_HMC, 5},
    {"ULA", SF_KERNEL_ULA, 1},
    {"underdamped", SF_KERNEL_UNDERDAMPED, 1},
};
enum { MOVERS = sizeof movers / sizeof *movers };

typedef struct contest {
    size_t chains, pilot_chains;
    int repetitions;
    double truth;
} contest;

/* One direction with so many gradients a chain, over repetitions. */
static sf_status try_mover(reference_case *c, const struct mover *m, const contest *o,
                           size_t gradients)
{
    sf_pilot_options pilot = sf_pilot_options_default();
    scores s = {0.0, 0.0, 0.0, 0, 0};
    double sum = 0.0, squares = 0.0, ess = 0.0, evaluations = 0.0;
    const double start = now();
    sf_status status;

    c->kernel.kind = m->kind;
    c->kernel.leapfrogs = m->leapfrogs;
    c->kernel.step = 0.1;
    pilot.kernel = c->kernel;
    pilot.temperatures = 2 + gradients / m->leapfrogs;
    pilot.chains = o->pilot_chains;
    pilot.moves = 1;
    pilot.seed = SEED;
    sf_schedule_release(&c->schedule);
    status = sf_schedule_pilot(c->path, &pilot, &c->schedule);
    for (int i = 0; i < o->repetitions && status == SF_OK; i++) {
        sf_anneal_report r;

        status = reference_forward(c, o->chains, SEED + (uint64_t)i, &r);
        if (status != SF_OK) break;
        add(&s, r.estimate.value, r.estimate.error, o->truth, r.estimate.reliable);
        sum += r.estimate.value - o->truth;
        squares += pow(r.estimate.value - o->truth, 2.0);
        ess += r.forward.ess / (double)o->chains;
        evaluations += (double)r.evaluations;
    }
    if (status != SF_OK) return status;
    printf("    %-16s %5zu gradients a chain, %8.0f in all (pilot %8.0f): off by %+7.3f, rms "
           "%7.3f, error %6.3f, ESS %5.1f %%, doubted %d of %d, %.1f s\n",
           m->name, gradients, evaluations / s.count, (double)c->schedule.evaluations,
           sum / s.count, sqrt(squares / s.count), s.error / s.count, 100.0 * ess / s.count,
           s.doubted, s.count, now() - start);
    (void)fflush(stdout);
    return SF_OK;
}

/* Every kernel at every number of gradients. */
static sf_status compare(const char *name, const reference *row, const char *folder,
                         const contest *o, const size_t *gradients, size_t count)
{
    reference_case c;
    sf_status status = reference_open(row, folder, &c);

    if (status != SF_OK) return status;
    printf("%s, %s\n", row->target, name);
    for (size_t g = 0; g < count; g++)
        for (size_t m = 0; m < MOVERS && status == SF_OK; m++) {
            status = try_mover(&c, &movers[m], o, gradients[g]);
            if (status == SF_ERR_NUMERIC) { /* no step or no weight */
                printf("    %-16s %5zu gradients a chain: %s\n", movers[m].name, gradients[g],
                       sf_last_error());
                status = SF_OK;
            }
        }
    reference_close(&c);
    return status;
}

/* log Z by a long run of both directions. */
static sf_status compare_on_lattice(int repetitions)
{
    static const size_t gradients[] = {50, 200, 800};
    const reference row = {.target = "phi4:shape=16x16,mass2=-4,lambda=8",
                           .chains = 4000,
                           .temperatures = 200,
                           .leapfrogs = 5};
    reference mass = row;
    contest o = {.chains = 200, .pilot_chains = 200, .repetitions = repetitions};
    sf_anneal_report r;
    reference_case c;
    sf_status status = reference_open(&row, NULL, &c);

    if (status != SF_OK) return status;
    status = reference_measure(&c, row.chains, SEED, &r);
    reference_close(&c);
    if (status != SF_OK) return status;
    printf("%s: %.4f +- %.4f, %s\n", row.target, r.estimate.value, r.estimate.error,
           r.estimate.verdict);
    o.truth = r.estimate.value;
    status = compare("momenta like white noise", &row, NULL, &o, gradients, 3);
    mass.mass2 = 4.0;
    if (status == SF_OK)
        status = compare("momenta like a free field", &mass, NULL, &o, gradients, 3);
    return status;
}

static const reference *find(const char *target)
{
    size_t i = 0;

    while (i + 1 < reference_count && strcmp(references[i].target, target) != 0) i++;
    return &references[i];
}

/* On as many cells as a row of the table has: 32 or 40. */
static sf_status compare_on_cox(const char *folder, int repetitions, size_t cells)
{
    static const size_t gradients[] = {20, 80, 320};
    contest o = {.chains = 50, .pilot_chains = 48, .repetitions = repetitions};
    reference plain = {.temperatures = 2, .chains = 50, .leapfrogs = 5}, white, laplace;
    char text[64], whitened[80];
    sf_status status = SF_OK;

    (void)snprintf(text, sizeof text, "cox:%%s/finpines.csv,grid=%zu", cells);
    (void)snprintf(whitened, sizeof whitened, "%s,whitened=1", text);
    o.truth = find(text)->log_z;
    plain.target = text;
    white = laplace = plain;
    white.target = whitened;
    laplace.base = "laplace";
    status = compare("from the Gaussian at the mode, in its coordinates", &laplace, folder, &o,
                     gradients, 3);
    if (status == SF_OK)
        status = compare("from the prior, in its coordinates", &white, folder, &o, gradients, 3);
    if (status == SF_OK)
        status = compare("from the prior, in log intensities", &plain, folder, &o, gradients, 2);
    return status;
}

/* ---- the program ----------------------------------------------------------------------------- */

static int usage(void)
{
    fprintf(stderr, "bench_free_energy values [FOLDER [FIRST [ROWS]]] | "
                    "calibration [REPETITIONS] "
                    "| lattice [REPETITIONS] | cox FOLDER [REPETITIONS [40 | 32]]\n");
    return 2;
}

static size_t number(int argc, char **argv, int at, size_t otherwise)
{
    return argc > at ? strtoul(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *folder = argc > 2 ? argv[2] : NULL;
    sf_status status;

    if (failed(sf_thread_count_set(1))) return 1;
    if (strcmp(what, "values") == 0)
        status = measure_values(folder, number(argc, argv, 3, 0),
                                number(argc, argv, 4, reference_count));
    else if (strcmp(what, "calibration") == 0)
        status = calibrate((int)number(argc, argv, 2, REPETITIONS));
    else if (strcmp(what, "lattice") == 0)
        status = compare_on_lattice((int)number(argc, argv, 2, 16));
    else if (strcmp(what, "cox") == 0 && folder != NULL)
        status = compare_on_cox(folder, (int)number(argc, argv, 3, 20),
                                number(argc, argv, 4, 40) == 32 ? 32 : 40);
    else
        return usage();
    return failed(status);
}
