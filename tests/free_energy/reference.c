/* reference.c - see reference.h. */
#include "reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PI           3.14159265358979323846
#define LOG_2        0.69314718055994530942
#define SETTLE_MOVES 100
#define ISLANDS      8
#define LARGE        500 /* dimensions, from which on the pilot is smaller */
#define LARGE_CHAINS 48
#define PILOT_SEED   UINT64_C(0x9107)
#define START_SEED   UINT64_C(0x57a7)

#define GO(call)                                   \
    do {                                           \
        if ((status = (call)) != SF_OK) goto done; \
    } while (0)

const char *reference_source_name(reference_source source)
{
    static const char *const names[] = {"quadrature", "closed form", "transfer matrix",
                                        "dual transfer matrix", "annealing (numpy)"};

    return names[source];
}

/* ---- the table ------------------------------------------------------------------------------- */

/* phi^4 after Albergo, Kanwar & Shanahan (2019, arXiv:1904.12072) has the library's own action.
 * After Nicoli et al. (2021, arXiv:2007.07115), with
 *     S = sum -2 kappa sum_mu phi phi_mu + (1 - 2 lambda) phi^2 + lambda phi^4,
 * phi sqrt(kappa) has it with mass2 = (1 - 2 lambda)/kappa - 2 d and lambda/kappa^2, and log Z
 * lacks -N/2 log kappa. Of chains with S = sum (dphi)^2/2 + mass2 phi^2/2 + lambda phi^4,
 * phi/sqrt(2) has it with the same mass2 and 4 lambda, and log Z lacks N/2 log 2. */

#define NICOLI(shape, sites, kappa, square, value, error, n)                                     \
    {                                                                                            \
        .target = "phi4:shape=" shape "," square, .log_z = value, .uncertainty = error,          \
        .offset = 0.5 * sites * kappa, .source = REFERENCE_TRANSFER, .chains = n, .leapfrogs = 5 \
    }
#define CHAIN(sites, square, value, n)                                                           \
    {                                                                                            \
        .target = "phi4:shape=" #sites "," square, .log_z = value, .uncertainty = 3e-10,         \
        .offset = 0.5 * sites * LOG_2, .source = REFERENCE_TRANSFER, .chains = n, .leapfrogs = 5 \
    }
#define ALBERGO(shape, square, value, error, n)                                         \
    {                                                                                   \
        .target = "phi4:shape=" shape "," square, .log_z = value, .uncertainty = error, \
        .source = REFERENCE_TRANSFER, .chains = n, .leapfrogs = 5                       \
    }
#define FREE(shape, square, from, value, n, free)                                               \
    {                                                                                           \
        .target = "free-scalar:shape=" shape ",mass2=" square,                                  \
        .base = "free-scalar:shape=" shape ",mass2=" from, .log_z = value, .uncertainty = 1e-9, \
        .source = REFERENCE_CLOSED, .chains = n, .leapfrogs = 5, .mass2 = free                  \
    }
#define RATIO(shape, square, from, value, n, free)                                              \
    {                                                                                           \
        .target = "free-scalar:shape=" shape ",mass2=" square,                                  \
        .base = "free-scalar:shape=" shape ",mass2=" from, .log_z = value, .uncertainty = 1e-9, \
        .source = REFERENCE_CLOSED, .chains = n, .leapfrogs = 5, .mass2 = free, .ratio = true   \
    }
#define XY(shape, beta, value, error, n, k)                                              \
    {                                                                                    \
        .target = "xy:shape=" shape ",beta=" beta, .log_z = value, .uncertainty = error, \
        .source = REFERENCE_DUAL, .chains = n, .temperatures = k, .leapfrogs = 5         \
    }
#define WELLS(dim, value, n, k)                                                               \
    {                                                                                         \
        .target = "many-well:dim=" #dim, .base = "gaussian:dim=" #dim ",mean=0.6,sigma=1.25", \
        .log_z = value, .uncertainty = 1e-8, .source = REFERENCE_QUADRATURE, .chains = n,     \
        .temperatures = k, .leapfrogs = 5                                                     \
    }
#define KAPPA_020 1.6094379124341003 /* -log 0.2 */
#define KAPPA_025 1.3862943611198906
#define KAPPA_030 1.2039728043259361

const reference references[] = {
    ALBERGO("4x4", "mass2=-4,lambda=8", 2.40513896161, 1.8e-11, 1000),
    ALBERGO("4x16", "mass2=-4,lambda=8", 9.4403857132, 4.3e-11, 1000),
    ALBERGO("4x4", "mass2=-4,lambda=6.975", 3.21832892288, 3.8e-11, 1000),
    ALBERGO("4x8", "mass2=-4,lambda=6.975", 6.29675986059, 3.4e-11, 1000),
    ALBERGO("4x32", "mass2=-4,lambda=6.975", 25.1689680483, 9.8e-11, 1000),
    ALBERGO("4x8", "mass2=-4,lambda=5.113", 10.5614983767, 6.5e-10, 1000),
    ALBERGO("4x16", "mass2=-4,lambda=5.113", 21.0228176632, 1.2e-9, 1000),
    ALBERGO("4x4", "mass2=-4.75,lambda=5.1", 8.93295283979, 3e-9, 1000),
    ALBERGO("4x16", "mass2=-4.75,lambda=5.1", 34.0921391573, 8.5e-9, 1000),
    ALBERGO("4x32", "mass2=-4.75,lambda=5.1", 68.0527930057, 1.6e-8, 1000),
    ALBERGO("6x6", "mass2=-4,lambda=8", 5.2430455559, 1.1e-9, 1000),
    ALBERGO("8x8", "mass2=-4,lambda=6.008", 15.986489579, 2.2e-5, 1000),
    ALBERGO("8x8", "mass2=-4,lambda=8", 9.2913648149, 8e-5, 1000),
    NICOLI("4x8", 32, KAPPA_020, "mass2=0.78,lambda=0.55", 20.0615630791, 1e-11, 1000),
    NICOLI("4x32", 128, KAPPA_020, "mass2=0.78,lambda=0.55", 80.2451783343, 1.1e-11, 1000),
    NICOLI("4x4", 16, KAPPA_025, "mass2=-0.176,lambda=0.352", 10.994308936, 1e-11, 1000),
    NICOLI("4x16", 64, KAPPA_025, "mass2=-0.176,lambda=0.352", 43.3198833516, 5.5e-9, 1000),
    NICOLI("4x32", 128, KAPPA_025, "mass2=-0.176,lambda=0.352", 86.6386267366, 1.1e-8, 1000),
    NICOLI("6x6", 36, KAPPA_025, "mass2=-0.176,lambda=0.352", 24.227099195, 1.2e-7, 1000),
    NICOLI("4x4", 16, KAPPA_030, "mass2=-0.81333333333333333,lambda=0.24444444444444444",
           17.522308463, 2.5e-8, 1000),
    CHAIN(2, "mass2=1,lambda=0.4", 0.893243851369, 1000),
    CHAIN(2, "mass2=-1,lambda=1", 1.86350395206, 1000),
    CHAIN(2, "mass2=-4,lambda=4", 2.59683084214, 1000),
    CHAIN(8, "mass2=1,lambda=0.4", 3.13663448467, 1000),
    CHAIN(8, "mass2=-1,lambda=1", 6.40422102556, 1000),
    CHAIN(8, "mass2=-4,lambda=4", 9.37285772743, 1000),
    CHAIN(16, "mass2=1,lambda=0.4", 6.27301870719, 1000),
    CHAIN(16, "mass2=-1,lambda=1", 12.7978151399, 1000),
    CHAIN(16, "mass2=-4,lambda=4", 18.7338137369, 1000),
    CHAIN(64, "mass2=1,lambda=0.4", 25.0920747661, 1000),
    CHAIN(64, "mass2=-1,lambda=1", 51.191146446, 1000),
    CHAIN(64, "mass2=-4,lambda=4", 74.9351115921, 1000),
    CHAIN(128, "mass2=1,lambda=0.4", 50.1841495322, 1000),
    CHAIN(128, "mass2=-1,lambda=1", 102.382292892, 1000),
    CHAIN(128, "mass2=-4,lambda=4", 149.870223184, 1000),
    CHAIN(256, "mass2=1,lambda=0.4", 100.368299064, 1000),
    CHAIN(256, "mass2=-1,lambda=1", 204.764585784, 1000),
    CHAIN(256, "mass2=-4,lambda=4", 299.740446369, 1000),
    FREE("64", "0.1", "0.5", 48.7344739155, 1000, 0.0),
    FREE("16x16", "0.1", "0.3", 79.1216882366, 500, 0.0),
    FREE("64x64", "0.1", "0.15", 1265.73052227, 200, 0.12),
    FREE("16x16", "1", "2", 42.2264921314, 500, 0.0),
    FREE("128x128", "1", "1.1", 2702.49545015, 200, 1.0),
    FREE("16x16x16", "1", "1.25", -67.5881224656, 200, 1.0),
    FREE("8x8x8x8", "0.5", "0.65", -480.647490214, 200, 0.5),
    RATIO("16x16", "0.1", "1", 36.8951961052, 500, 0.3),
    RATIO("64x64", "0.01", "1", 685.109574015, 60, 0.1),
    RATIO("16x16x16", "0.1", "1", 356.25576628, 60, 0.3),
    XY("16", "1", 33.1806677698, 1.6e-11, 1000, 0),
    XY("64", "4", 272.822558084, 6.4e-11, 1000, 800),
    XY("4x4", "0.5", 31.6032732686, 3.5e-10, 2000, 20),
    XY("4x16", "0.5", 126.196975465, 7.8e-11, 1000, 0),
    XY("4x8", "1", 79.070319282, 8.7e-9, 2000, 250),
    XY("4x16", "1", 157.609859848, 7.7e-9, 1000, 400),
    XY("4x8", "1.1199", 84.5439552654, 6e-8, 2000, 300),
    WELLS(2, 10.2934797071, 1000, 40),
    WELLS(8, 41.1739188283, 1000, 100),
    WELLS(32, 164.695675313, 1000, 300),
    WELLS(64, 329.391350627, 1000, 600),
    WELLS(512, 2635.13080501, 200, 4000),
    {.target = "quartic:dim=1,a=0.5,b=0.25",
     .base = "gaussian:dim=1",
     .log_z = 0.660235389856,
     .uncertainty = 1e-14,
     .source = REFERENCE_CLOSED,
     .chains = 1000,
     .leapfrogs = 5},
    {.target = "quartic:dim=1,a=1,b=1",
     .base = "gaussian:dim=1",
     .log_z = 0.313661799576,
     .uncertainty = 1e-14,
     .source = REFERENCE_CLOSED,
     .chains = 1000,
     .leapfrogs = 5},
    {.target = "quartic:dim=1,a=-2,b=0.5",
     .base = "gaussian:dim=1,sigma=1.5",
     .log_z = 2.69081181001,
     .uncertainty = 1e-12,
     .source = REFERENCE_QUADRATURE,
     .chains = 1000,
     .leapfrogs = 5},
    {.target = "quartic:dim=1,a=-4,b=0.25",
     .base = "gaussian:dim=1,sigma=2",
     .log_z = 16.2383624877,
     .uncertainty = 1e-12,
     .source = REFERENCE_QUADRATURE,
     .chains = 1000,
     .leapfrogs = 5},
    {.target = "funnel:dim=10",
     .base = "gaussian:dim=10,sigma=2",
     .log_z = 0.0,
     .source = REFERENCE_CLOSED,
     .chains = 4000,
     .temperatures = 300,
     .leapfrogs = 5},
    {.target = "gmm3:dim=2",
     .base = "gaussian:dim=2,mean=1,sigma=2",
     .log_z = 3.94809026676,
     .uncertainty = 2e-14,
     .source = REFERENCE_CLOSED,
     .chains = 1000,
     .leapfrogs = 5},
    {.target = "gmm3:dim=50",
     .base = "gaussian:dim=50,sigma=1.6",
     .log_z = 67.3187943548,
     .uncertainty = 5e-13,
     .source = REFERENCE_CLOSED,
     .chains = 1000,
     .temperatures = 1000,
     .leapfrogs = 5},
    {.target = "lj:n=2,trap=0.1,radius=1.122462048309373",
     .base = "gaussian:dim=6,sigma=3.1622776601683795",
     .log_z = 12.4282453157,
     .uncertainty = 1e-10,
     .source = REFERENCE_QUADRATURE,
     .chains = 1000,
     .leapfrogs = 5},
    {.target = "lj:n=2,trap=0.1,epsilon=5,radius=1.122462048309373",
     .base = "gaussian:dim=6,sigma=3.1622776601683795",
     .log_z = 12.6956645282,
     .uncertainty = 1e-10,
     .source = REFERENCE_QUADRATURE,
     .chains = 2000,
     .temperatures = 1000,
     .leapfrogs = 5},
    /* Leapfrogs throw particles that lie in each other's core far away, which is refused, and so
     * they stay and their chains are lost; OU moves, whose N(0, 1) is the trap, let them out. In 39
     * dimensions they are too small. */
    {.target = "lj:n=3,trap=1",
     .base = "gaussian:dim=9",
     .log_z = 8.5314681,
     .uncertainty = 0.0016,
     .source = REFERENCE_ANNEALED,
     .chains = 20000,
     .temperatures = 160,
     .moves = 5},
    {.target = "lj:n=13,trap=1",
     .base = "gaussian:dim=39",
     .log_z = 42.001937,
     .uncertainty = 0.0095,
     .source = REFERENCE_ANNEALED,
     .chains = 5000,
     .temperatures = 2000,
     .leapfrogs = 5},
    {.target = "dw4",
     .base = "gaussian:dim=6,sigma=3",
     .log_z = 29.670626,
     .uncertainty = 0.01,
     .source = REFERENCE_ANNEALED,
     .chains = 10000,
     .temperatures = 600,
     .leapfrogs = 5},
    {.target = "logistic:%s/logreg_ionosphere.csv",
     .base = "laplace",
     .log_z = -111.6028971,
     .uncertainty = 0.0043,
     .source = REFERENCE_ANNEALED,
     .chains = 2600,
     .temperatures = 200,
     .leapfrogs = 5},
    {.target = "cox:%s/finpines.csv,grid=32",
     .base = "laplace",
     .log_z = 503.35567,
     .uncertainty = 0.017,
     .source = REFERENCE_ANNEALED,
     .chains = 1100,
     .temperatures = 100,
     .leapfrogs = 6},
    {.target = "cox:%s/finpines.csv,grid=40",
     .base = "laplace",
     .log_z = 501.76608,
     .uncertainty = 0.023,
     .source = REFERENCE_ANNEALED,
     .chains = 1250,
     .temperatures = 100,
     .leapfrogs = 5},
};
const size_t reference_count = sizeof references / sizeof *references;

/* ---- targets --------------------------------------------------------------------------------- */

/* 1, 2, 3 times unnormalised Gaussians of sigma 1, 1/2, 3/2 at 0 and on two
 * axes. */
static sf_status create_gmm3(size_t n, sf_density **density)
{
    const double weight[3] = {1.0, 2.0, 3.0}, sigma[3] = {1.0, 0.5, 1.5};
    double *mean = calloc(3 * n, sizeof *mean);
    sf_status status;

    if (mean == NULL) return SF_ERR_MEMORY;
    mean[n] = mean[2 * n + 1] = 3.0;
    status = sf_density_mixture(n, 3, weight, mean, sigma, density);
    free(mean);
    return status;
}

static sf_status create_target(const char *text, const char *folder, sf_density **density)
{
    const char *place = strstr(text, "%s");
    char path[512];

    if (strncmp(text, "gmm3:dim=", 9) == 0)
        return create_gmm3(strtoul(text + 9, NULL, 10), density);
    if (place == NULL) return sf_density_parse(text, density);
    if (folder == NULL) return SF_ERR_UNSUPPORTED;
    (void)snprintf(path, sizeof path, "%.*s%s%s", (int)(place - text), text, folder, place + 2);
    return sf_density_parse(path, density);
}

/* In the coordinates in which the Gaussian at the mode is N(0, 1), and that as
 * base. */
static sf_status open_laplace(reference_case *c)
{
    sf_laplace laplace = {.dimension = 0};
    sf_density *round = NULL;
    sf_status status;

    GO(sf_laplace_find(c->target, NULL, &laplace));
    GO(sf_density_affine(c->target, laplace.mode, NULL, laplace.factor, &round));
    sf_density_release(&c->target);
    c->target = round;
    status = sf_density_gaussian(laplace.dimension, NULL, NULL, &c->base);
done:
    sf_laplace_release(&laplace);
    return status;
}

static sf_status open_base(const char *text, reference_case *c)
{
    if (text == NULL) return sf_density_base(c->target, &c->base);
    return strcmp(text, "laplace") == 0 ? open_laplace(c) : sf_density_parse(text, &c->base);
}

sf_status reference_free_field(int axes, const size_t *shape, double link, double square,
                               sf_field **field)
{
    double *lambda = NULL;
    sf_grid grid;
    sf_status status;

    GO(sf_grid_make(axes, shape, NULL, &grid));
    lambda = malloc(sf_grid_half_size(&grid) * sizeof *lambda);
    if (lambda == NULL) GO(SF_ERR_MEMORY);
    for (size_t k = 0; k < sf_grid_half_size(&grid); k++) {
        long m[SF_GRID_MAX_AXES];
        double sum = 0.0;

        sf_grid_mode(&grid, k, m);
        for (int a = 0; a < axes; a++)
            sum += 2.0 - 2.0 * cos(2.0 * PI * (double)m[a] / (double)shape[a]);
        lambda[k] = 1.0 / (2.0 * square + 2.0 * link * sum);
    }
    status = sf_field_from_eigenvalues(&grid, lambda, 0.0, field);
done:
    free(lambda);
    return status;
}

/* "...shape=4x16,..." */
static int read_shape(const char *text, size_t shape[SF_GRID_MAX_AXES])
{
    const char *at = strstr(text, "shape=") + 6;
    char *end;
    int axes = 0;

    for (;; at = end + 1) {
        shape[axes++] = strtoul(at, &end, 10);
        if (*end != 'x' || axes == SF_GRID_MAX_AXES) return axes;
    }
}

static sf_status choose_kernel(const reference *row, reference_case *c)
{
    size_t shape[SF_GRID_MAX_AXES];
    sf_status status = SF_OK;

    c->moves = row->moves > 0 ? row->moves : 1;
    c->kernel = sf_kernel_default();
    c->kernel.leapfrogs = row->leapfrogs;
    if (row->leapfrogs == 0) c->kernel.kind = SF_KERNEL_OU;
    if (row->mass2 > 0.0)
        status = reference_free_field(read_shape(row->target, shape), shape, 0.5, 0.5 * row->mass2,
                                      &c->field);
    c->kernel.field = c->field;
    return status;
}

void reference_close(reference_case *c)
{
    sf_schedule_release(&c->schedule);
    sf_path_release(&c->path);
    sf_field_release(&c->field);
    sf_density_release(&c->base);
    sf_density_release(&c->target);
}

sf_status reference_open(const reference *row, const char *folder, reference_case *c)
{
    sf_pilot_options pilot = sf_pilot_options_default();
    sf_status status;

    *c = (reference_case){.offset = row->offset};
    GO(create_target(row->target, folder, &c->target));
    GO(open_base(row->base, c));
    if (!row->ratio) c->offset += sf_density_log_z(c->base);
    GO(sf_path_geometric(c->base, c->target, &c->path));
    GO(choose_kernel(row, c));
    pilot.kernel = c->kernel;
    pilot.temperatures = row->temperatures;
    if (sf_path_dimension(c->path) > LARGE) {
        pilot.chains = LARGE_CHAINS;
        pilot.moves = 1;
    }
    pilot.seed = PILOT_SEED;
    status = sf_schedule_pilot(c->path, &pilot, &c->schedule);
done:
    if (status != SF_OK) reference_close(c);
    return status;
}

/* ---- measuring ------------------------------------------------------------------------------- */

static sf_anneal_options options_for(const reference_case *c, size_t chains, uint64_t seed)
{
    sf_anneal_options options = sf_anneal_options_default();

    options.kernel = c->kernel;
    options.moves = c->moves;
    options.chains = chains;
    options.seed = seed;
    return options;
}

/* Starts at samples of a forward run of their own, as many as these are worth, so that the two
 * directions are independent. */
static sf_status find_starts(const reference_case *c, size_t chains, uint64_t seed,
                             sf_starts *starts, uint64_t *evaluations)
{
    sf_anneal_options options = options_for(c, chains, seed ^ START_SEED);
    sf_anneal_run *run = NULL;
    sf_weights weights;
    sf_status status;

    options.keep_samples = true;
    GO(sf_anneal(c->path, &c->schedule, &options, &run));
    GO(sf_weights_measure(sf_anneal_run_log_weights(run), chains, &weights));
    GO(sf_starts_settle(run, (size_t)fmax(weights.ess, 2.0), SETTLE_MOVES, starts));
    *evaluations += sf_anneal_run_evaluations(run) + starts->evaluations;
done:
    sf_anneal_run_release(&run);
    return status;
}

static void move_to_target(const reference_case *c, sf_anneal_report *report)
{
    report->estimate.value += c->offset;
    report->lower_bound += c->offset;
    report->upper_bound += c->offset;
}

static sf_status measure_forward(const reference_case *c, const sf_anneal_options *options,
                                 sf_anneal_report *report)
{
    sf_anneal_run *run;
    sf_status status = sf_anneal(c->path, &c->schedule, options, &run);

    if (status != SF_OK) return status;
    status = sf_anneal_estimate(run, NULL, report);
    move_to_target(c, report);
    sf_anneal_run_release(&run);
    return status;
}

sf_status reference_forward(const reference_case *c, size_t chains, uint64_t seed,
                            sf_anneal_report *report)
{
    const sf_anneal_options options = options_for(c, chains, seed);

    return measure_forward(c, &options, report);
}

sf_status reference_resampled(const reference_case *c, size_t chains, uint64_t seed,
                              sf_anneal_report *report)
{
    sf_anneal_options options = options_for(c, chains, seed);

    options.method = SF_ANNEAL_SMC;
    options.batch = chains / ISLANDS;
    return measure_forward(c, &options, report);
}

sf_status reference_measure(const reference_case *c, size_t chains, uint64_t seed,
                            sf_anneal_report *report)
{
    sf_anneal_options options = options_for(c, chains, seed);
    sf_anneal_run *run[2] = {NULL, NULL};
    sf_starts starts = {.count = 0};
    uint64_t evaluations = 0;
    sf_status status;

    GO(sf_anneal(c->path, &c->schedule, &options, &run[0]));
    if (!sf_density_can_draw(c->target)) {
        GO(find_starts(c, chains, seed, &starts, &evaluations));
        options.start = starts.x;
        options.chains = options.starts = starts.count;
        if (2 * options.islands > options.chains) options.islands = 1;
    }
    options.reverse = true;
    GO(sf_anneal(c->path, &c->schedule, &options, &run[1]));
    status = sf_anneal_estimate(run[0], run[1], report);
    move_to_target(c, report);
    report->evaluations += evaluations;
done:
    for (int way = 0; way < 2; way++) sf_anneal_run_release(&run[way]);
    sf_starts_release(&starts);
    return status;
}
