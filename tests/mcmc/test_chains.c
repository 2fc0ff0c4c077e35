/* test_chains.c - kernels leave their targets as they are; chains are addressed by their numbers;
 * what is no number stays where it arose. */
#include <scorefield/mcmc.h>

#include "mcmc/chains.h"
#include "mcmc/sample.h"

#include <string.h>

enum { CHAINS = 20000 };

#define GRADIENT .step = 0.35, .leapfrogs = 3, .jitter = 0.3

static const sf_kernel adjusted[] = {
    {.kind = SF_KERNEL_MALA, .step = 0.4, .jitter = 0.2},
    {.kind = SF_KERNEL_HMC, GRADIENT},
    {.kind = SF_KERNEL_RANDOM_WALK, .step = 1.0, .jitter = 0.2},
    {.kind = SF_KERNEL_OU, .step = 0.4, .jitter = 0.2},
};

static const sf_kernel unadjusted[] = {
    {.kind = SF_KERNEL_ULA, .step = 0.1},
    {.kind = SF_KERNEL_UNDERDAMPED, .step = 0.2, .leapfrogs = 2, .friction = 1.0},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Chains at exact draws of `at`. */
static sf_chains *chains_at(sf_density *f0, sf_density *f1, const sf_density *at, double b,
                            size_t first, size_t batch)
{
    sf_chains *chains;
    double *x;

    assert_ok(sf_allocate(&x, batch * sf_density_dimension(f1), sizeof *x));
    assert_ok(sf_density_draw(at, 11, 0, first, batch, x));
    assert_ok(create_chains(f0, f1, 5, 1, first, batch, &chains));
    assert_ok(sf_chains_start(chains, x, b));
    sf_free(x);
    return chains;
}

/* ---- laws ----------------------------------------------------------------------------------- */

typedef struct moments {
    double second, fourth;
} moments;

static double log_quartic(double x, const void *user)
{
    (void)user;
    return x * x - 0.5 * x * x * x * x;
}

/* Powers of the last coordinate, whose law the moments are of. */
static void assert_moments(const sf_chains *chains, double mean, moments exact)
{
    static double values[CHAINS];
    const size_t n = chains->dimension;

    for (size_t power = 1; power <= 4; power++) {
        for (size_t i = 0; i < chains->batch; i++)
            values[i] = pow(chains->x[i * n + n - 1], (double)power);
        if (power == 1) assert_mean(chains->batch, values, mean);
        if (power == 2) assert_mean(chains->batch, values, exact.second);
        if (power == 4) assert_mean(chains->batch, values, exact.fourth);
    }
}

static void assert_some_refused(const sf_chains *chains)
{
    size_t accepted = 0;

    for (size_t i = 0; i < chains->batch; i++) accepted += chains->accepted[i];
    assert_true((double)accepted < 0.97 * (double)(chains->moves * chains->batch));
    assert_true((double)accepted > 0.3 * (double)(chains->moves * chains->batch));
}

static void quartic_is_invariant(void **state)
{
    const moments exact = {exact_moment(2, log_quartic, NULL), exact_moment(4, log_quartic, NULL)};
    sf_density *f;

    (void)state;
    assert_ok(sf_density_quartic(1, -1.0, 0.5, &f));
    for (size_t i = 0; i < COUNT(adjusted); i++) {
        sf_chains *chains = chains_at(NULL, f, f, 1.0, 0, CHAINS);

        assert_moments(chains, 0.0, exact);
        assert_ok(sf_chains_move(chains, &adjusted[i], 1.0, 8));
        assert_moments(chains, 0.0, exact);
        assert_some_refused(chains);
        for (size_t c = 0; c < CHAINS; c++) assert_true(chains->log_weight[c] == 0.0);
        sf_chains_release(&chains);
    }
    sf_density_release(&f);
}

/* N(1, 4 and 1/4), with and without a scale that is not its own. */
static void gaussian_is_invariant(void **state)
{
    const double mean[2] = {1.0, 1.0}, variance[2] = {4.0, 0.25}, scale[2] = {1.5, 0.6};
    const moments exact = {1.25, 1.0 + 6.0 * 0.25 + 3.0 * 0.0625};
    sf_density *f;

    (void)state;
    assert_ok(sf_density_gaussian(2, mean, variance, &f));
    for (size_t i = 0; i < 2 * COUNT(adjusted); i++) {
        sf_chains *chains = chains_at(NULL, f, f, 1.0, 0, CHAINS);
        sf_kernel kernel = adjusted[i / 2];

        if (i % 2 == 1) kernel.scale = scale;
        assert_ok(sf_chains_move(chains, &kernel, 1.0, 8));
        assert_moments(chains, 1.0, exact);
        sf_chains_release(&chains);
    }
    sf_density_release(&f);
}

/* Bridges of two Gaussians are Gaussian: precisions and precision times mean are averaged. */
static void bridge_is_invariant(void **state)
{
    const double zero = 0.0, one = 1.0, four = 4.0, quarter = 0.25, b = 0.3;
    const double precision = 0.7 * 0.25 + 0.3 * 4.0, variance = 1.0 / precision;
    const double mean = 0.3 * 4.0 / precision, m2 = mean * mean;
    const moments exact = {m2 + variance,
                           m2 * m2 + 6.0 * m2 * variance + 3.0 * variance * variance};
    sf_density *f0, *f1, *bridge;

    (void)state;
    assert_ok(sf_density_gaussian(1, &zero, &four, &f0));
    assert_ok(sf_density_gaussian(1, &one, &quarter, &f1));
    assert_ok(sf_density_gaussian(1, &mean, &variance, &bridge));
    for (size_t i = 0; i < COUNT(adjusted); i++) {
        sf_chains *chains = chains_at(f0, f1, bridge, b, 0, CHAINS);

        assert_ok(sf_chains_move(chains, &adjusted[i], b, 6));
        assert_moments(chains, mean, exact);
        sf_chains_release(&chains);
    }
    sf_density_release(&f0);
    sf_density_release(&f1);
    sf_density_release(&bridge);
}

/* On its own law OU refuses nothing, and remembers exactly exp(-e). */
static void ou_is_exact(void **state)
{
    static double products[CHAINS];
    const double variance[2] = {9.0, 2.25}, scale[2] = {3.0, 1.5};
    const sf_kernel kernel = {.kind = SF_KERNEL_OU, .step = 0.7, .scale = scale};
    const moments exact = {2.25, 3.0 * 2.25 * 2.25};
    sf_density *f;
    sf_chains *chains;

    (void)state;
    assert_ok(sf_density_gaussian(2, NULL, variance, &f));
    chains = chains_at(NULL, f, f, 1.0, 0, CHAINS);
    for (size_t i = 0; i < CHAINS; i++) products[i] = chains->x[2 * i + 1];
    assert_ok(sf_chains_move(chains, &kernel, 1.0, 1));
    for (size_t i = 0; i < CHAINS; i++) {
        products[i] *= chains->x[2 * i + 1];
        assert_int_equal(chains->accepted[i], 1);
    }
    assert_mean(CHAINS, products, 2.25 * exp(-0.7));
    assert_moments(chains, 0.0, exact);
    sf_chains_release(&chains);
    sf_density_release(&f);
}

/* Unadjusted Langevin moves on N(0, 1) go to N(0, 1/(1 - e/2)); adjusted ones do not. */
static void ula_has_its_known_bias(void **state)
{
    const sf_kernel ula = {.kind = SF_KERNEL_ULA, .step = 1.2};
    const sf_kernel mala = {.kind = SF_KERNEL_MALA, .step = 1.2};
    const double biased = 1.0 / (1.0 - 0.6);
    const moments exact[2] = {{biased, 3.0 * biased * biased}, {1.0, 3.0}};
    sf_density *f;

    (void)state;
    assert_ok(sf_density_gaussian(1, NULL, NULL, &f));
    for (size_t i = 0; i < 2; i++) {
        sf_chains *chains = chains_at(NULL, f, f, 1.0, 0, CHAINS);

        assert_ok(sf_chains_move(chains, i == 0 ? &ula : &mala, 1.0, 40));
        assert_moments(chains, 0.0, exact[i]);
        sf_chains_release(&chains);
    }
    sf_density_release(&f);
}

/* A trajectory with its momentum turned round leads back. */
static void trajectories_are_reversible(void **state)
{
    const sf_kernel kernel = {.kind = SF_KERNEL_UNDERDAMPED, .step = 0.05, .leapfrogs = 20};
    sf_density *f;
    sf_chains *chains;
    double x[640];

    (void)state;
    assert_ok(sf_density_many_well(32, &f));
    chains = chains_at(NULL, f, f, 1.0, 0, 20);
    memcpy(x, chains->x, sizeof x);
    assert_ok(sf_chains_move(chains, &kernel, 1.0, 1));
    assert_true(fabs(chains->x[0] - x[0]) > 1e-3);
    for (size_t i = 0; i < 640; i++) chains->momentum[i] = -chains->momentum[i];
    assert_ok(sf_chains_move(chains, &kernel, 1.0, 1));
    for (size_t i = 0; i < 640; i++) assert_close(chains->x[i], x[i], 1e-10);
    for (size_t i = 0; i < 20; i++) assert_close(chains->log_weight[i], 0.0, 1e-10);
    sf_chains_release(&chains);
    sf_density_release(&f);
}

/* The energy error of a leapfrog trajectory of fixed length falls with the square of its step. */
static void leapfrog_is_of_second_order(void **state)
{
    double error[2];
    sf_density *f;

    (void)state;
    assert_ok(sf_density_many_well(32, &f));
    for (size_t k = 0; k < 2; k++) {
        const sf_kernel kernel = {.kind = SF_KERNEL_UNDERDAMPED,
                                  .step = k == 0 ? 0.02 : 0.01,
                                  .leapfrogs = k == 0 ? 20 : 40};
        sf_chains *chains = chains_at(NULL, f, f, 1.0, 0, 50);

        assert_ok(sf_chains_move(chains, &kernel, 1.0, 1));
        error[k] = 0.0;
        for (size_t i = 0; i < 50; i++) error[k] += fabs(chains->log_weight[i]);
        sf_chains_release(&chains);
    }
    assert_close(error[0] / error[1], 4.0, 0.2);
    sf_density_release(&f);
}

/* ---- addresses ------------------------------------------------------------------------------ */

static void run_all(sf_chains *chains)
{
    for (size_t i = 0; i < COUNT(adjusted); i++)
        assert_ok(sf_chains_move(chains, &adjusted[i], 0.1 * (double)i, 2));
    for (size_t i = 0; i < COUNT(unadjusted); i++)
        assert_ok(sf_chains_move(chains, &unadjusted[i], 0.5 + 0.1 * (double)i, 2));
}

static void assert_same_bits(const sf_chains *a, size_t from, const sf_chains *b)
{
    const size_t n = a->dimension, row = b->batch * n * sizeof *b->x;

    assert_memory_equal(a->x + from * n, b->x, row);
    assert_memory_equal(a->momentum + from * n, b->momentum, row);
    assert_memory_equal(a->score1 + from * n, b->score1, row);
    assert_memory_equal(a->log_weight + from, b->log_weight, b->batch * sizeof *b->log_weight);
    assert_memory_equal(a->accepted + from, b->accepted, b->batch * sizeof *b->accepted);
}

static void bits_depend_on_chain_and_stage_alone(void **state)
{
    const int threads[] = {2, 7};
    sf_density *f0, *f1;
    sf_chains *one, *other;

    (void)state;
    assert_ok(sf_density_gaussian(6, NULL, NULL, &f0));
    assert_ok(sf_density_many_well(6, &f1));
    assert_ok(sf_thread_count_set(1));
    one = chains_at(f0, f1, f0, 0.0, 0, 2001);
    run_all(one);
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_ok(sf_thread_count_set(threads[i]));
        other = chains_at(f0, f1, f0, 0.0, 0, 2001);
        run_all(other);
        assert_same_bits(one, 0, other);
        sf_chains_release(&other);
    }
    other = chains_at(f0, f1, f0, 0.0, 701, 57);
    run_all(other);
    assert_same_bits(one, 701, other);
    sf_chains_release(&other);
    sf_chains_release(&one);
    assert_ok(sf_thread_count_set(0));
    sf_density_release(&f0);
    sf_density_release(&f1);
}

static void selected_chains_are_copies(void **state)
{
    const size_t from[4] = {2, 2, 0, 1};
    sf_density *f;
    sf_chains *chains;
    double x[12], score[12];

    (void)state;
    assert_ok(sf_density_gaussian(3, NULL, NULL, &f));
    chains = chains_at(NULL, f, f, 1.0, 0, 4);
    assert_ok(sf_chains_move(chains, &unadjusted[0], 1.0, 3));
    memcpy(x, chains->x, sizeof x);
    memcpy(score, chains->score1, sizeof score);
    assert_ok(sf_chains_select(chains, from));
    for (size_t i = 0; i < 12; i++) {
        assert_true(chains->x[i] == x[3 * from[i / 3] + i % 3]);
        assert_true(chains->score1[i] == score[3 * from[i / 3] + i % 3]);
    }
    assert_status(SF_ERR_ARGUMENT, sf_chains_select(chains, (const size_t[]){0, 1, 4, 2}));
    sf_chains_release(&chains);
    sf_density_release(&f);
}

/* What is known of chains that have changed places is what is found out there. */
static void swapped_chains_are_known(void **state)
{
    enum { N = 3, BATCH = 4 };
    sf_chains *chains[2];
    sf_density *f0, *f1;
    double x[2][N * BATCH];

    (void)state;
    assert_ok(sf_density_gaussian(N, NULL, NULL, &f0));
    assert_ok(sf_density_quartic(N, 1.0, 0.5, &f1));
    for (int i = 0; i < 2; i++) {
        sf_kernel kernel = sf_kernel_default();

        assert_ok(create_chains(f0, f1, 1, (uint64_t)i, 0, BATCH, &chains[i]));
        assert_ok(sf_density_draw(f0, 2, (uint64_t)i, 0, BATCH, x[i]));
        assert_ok(sf_chains_start(chains[i], x[i], 0.3 + 0.5 * i));
        assert_ok(sf_chains_move(chains[i], &kernel, 0.3 + 0.5 * i, 2));
        memcpy(x[i], chains[i]->x, sizeof x[i]);
    }
    sf_chains_swap(chains[0], chains[1], 2);
    for (int i = 0; i < 2; i++) {
        double log_f[BATCH], score[N * BATCH];

        for (size_t j = 0; j < (size_t)N * BATCH; j++)
            assert_true(chains[i]->x[j] == x[j / N == 2 ? 1 - i : i][j]);
        assert_ok(sf_density_evaluate(f0, BATCH, chains[i]->x, log_f, score));
        assert_memory_equal(log_f, chains[i]->log_f0, sizeof log_f);
        assert_memory_equal(score, chains[i]->score0, sizeof score);
        assert_ok(sf_density_evaluate(f1, BATCH, chains[i]->x, log_f, score));
        assert_memory_equal(log_f, chains[i]->log_f1, sizeof log_f);
        assert_memory_equal(score, chains[i]->score1, sizeof score);
        sf_chains_release(&chains[i]);
    }
    sf_density_release(&f0);
    sf_density_release(&f1);
}

/* ---- what is no number ---------------------------------------------------------------------- */

/* N(0, 1) but NaN above 1 and -infinity below -1; it is shown finite points alone. */
static sf_status broken_evaluate(const void *self, size_t batch, const double *x,
                                 double *log_density, double *score)
{
    (void)self;
    for (size_t b = 0; b < batch; b++) {
        if (!isfinite(x[b])) return sf_fail(SF_ERR_NUMERIC, "shown a point that is no number");
        log_density[b] = x[b] > 1.0 ? NAN : x[b] < -1.0 ? -INFINITY : -0.5 * x[b] * x[b];
        if (score != NULL) score[b] = x[b] > 1.0 ? NAN : -x[b];
    }
    return SF_OK;
}

static const sf_density_methods broken_methods = {.name = "broken", .evaluate = broken_evaluate};

/* Adjusted chains stay inside; unadjusted ones that leave are dead; chain 0 begins outside. */
static void no_number_never_spreads(void **state)
{
    double x[100];
    sf_density *f;
    sf_chains *chains;

    (void)state;
    assert_ok(sf_density_create(&broken_methods, NULL, 1, &f));
    assert_ok(create_chains(NULL, f, 1, 0, 0, 100, &chains));
    for (size_t i = 0; i < 100; i++) x[i] = 0.01 * (double)i;
    x[0] = 2.0;
    for (size_t k = 0; k < COUNT(adjusted) + COUNT(unadjusted); k++) {
        const bool is_adjusted = k < COUNT(adjusted);
        const sf_kernel *kernel = is_adjusted ? &adjusted[k] : &unadjusted[k - COUNT(adjusted)];
        size_t dead = 0;

        assert_ok(sf_chains_start(chains, x, 1.0));
        assert_ok(sf_chains_move(chains, kernel, 1.0, 20));
        assert_true(chains->x[0] == 2.0 && chains->log_weight[0] == -INFINITY);
        for (size_t i = 1; i < 100; i++) {
            assert_true(fabs(chains->x[i]) <= 1.0);
            assert_false(isnan(chains->log_weight[i]) || chains->log_weight[i] == INFINITY);
            dead += chains->log_weight[i] == -INFINITY;
        }
        assert_true(is_adjusted ? dead == 0 : dead > 20);
    }
    sf_chains_release(&chains);
    sf_density_release(&f);
}

/* Steps that overflow. */
static void far_proposals_are_lost(void **state)
{
    sf_kernel kernel = {.kind = SF_KERNEL_HMC, .step = 1e3, .leapfrogs = 50};
    double x[6] = {1.0, -1.0, 2.0, 0.0, 0.5, 1.5};
    sf_density *f;
    sf_chains *chains;

    (void)state;
    assert_ok(sf_density_quartic(2, 1.0, 1.0, &f));
    assert_ok(create_chains(NULL, f, 1, 0, 0, 3, &chains));
    assert_ok(sf_chains_start(chains, x, 1.0));
    assert_ok(sf_chains_move(chains, &kernel, 1.0, 5));
    for (size_t i = 0; i < 6; i++) assert_true(chains->x[i] == x[i]);
    kernel.kind = SF_KERNEL_UNDERDAMPED;
    assert_ok(sf_chains_move(chains, &kernel, 1.0, 5));
    for (size_t i = 0; i < 6; i++) assert_true(chains->x[i] == x[i]);
    for (size_t i = 0; i < 3; i++) assert_true(chains->log_weight[i] == -INFINITY);
    sf_chains_release(&chains);
    sf_density_release(&f);
}

/* ---- errors --------------------------------------------------------------------------------- */

static void nonsense_is_refused(void **state)
{
    const double bad_scale[2] = {1.0, 0.0}, x[2] = {0.0, 0.0}, none[2] = {0.0, NAN};
    const sf_kernel kernels[] = {
        {.kind = SF_KERNEL_MALA, .step = 0.0},
        {.kind = SF_KERNEL_MALA, .step = NAN},
        {.kind = SF_KERNEL_ULA, .step = INFINITY},
        {.kind = SF_KERNEL_HMC, .step = 0.1, .leapfrogs = 0},
        {.kind = SF_KERNEL_UNDERDAMPED, .step = 0.1, .leapfrogs = 1, .friction = -1.0},
        {.kind = SF_KERNEL_MALA, .step = 0.1, .jitter = 1.0},
        {.kind = SF_KERNEL_MALA, .step = 0.1, .scale = bad_scale},
        {.kind = (sf_kernel_kind)77, .step = 0.1},
    };
    sf_density *f;
    sf_chains *chains;

    (void)state;
    assert_ok(sf_density_gaussian(2, NULL, NULL, &f));
    assert_status(SF_ERR_ARGUMENT, create_chains(NULL, f, 1, 0, 0, 0, &chains));
    assert_non_null(strstr(sf_last_error(), "zero chains"));
    assert_null(chains);
    assert_status(SF_ERR_ARGUMENT, sf_chains_create(NULL, 1, 0, 0, 1, &chains));
    assert_status(SF_ERR_ARGUMENT, create_chains(NULL, f, 1, 0, UINT64_MAX, 1, &chains));
    assert_ok(create_chains(NULL, f, 1, 0, 0, 1, &chains));
    assert_status(SF_ERR_NUMERIC, sf_chains_start(chains, none, 1.0));
    assert_ok(sf_chains_start(chains, x, 1.0));
    for (size_t i = 0; i < COUNT(kernels); i++)
        assert_status(SF_ERR_ARGUMENT, sf_chains_move(chains, &kernels[i], 1.0, 1));
    assert_status(SF_ERR_ARGUMENT, sf_chains_move(chains, &adjusted[0], 1.1, 1));
    assert_status(SF_ERR_ARGUMENT, sf_chains_start(chains, x, NAN));
    sf_chains_release(&chains);
    sf_density_release(&f);
}

static sf_status failing_evaluate(const void *self, size_t batch, const double *x,
                                  double *log_density, double *score)
{
    (void)self;
    (void)score;
    for (size_t b = 0; b < batch; b++) {
        if (x[b] > 0.5) return sf_fail(SF_ERR_IO, "the energy server is away");
        log_density[b] = 0.0;
    }
    return SF_OK;
}

static const sf_density_methods failing_methods = {
    .name = "failing", .evaluate = failing_evaluate, .no_score = true};

/* A density's own sentence reaches the caller from whatever thread; gradients need a score. */
static void densities_may_fail(void **state)
{
    const sf_kernel walk = {.kind = SF_KERNEL_RANDOM_WALK, .step = 0.1};
    static double x[2000];
    sf_density *f;
    sf_chains *chains;

    (void)state;
    assert_ok(sf_density_create(&failing_methods, NULL, 1, &f));
    assert_ok(create_chains(NULL, f, 1, 0, 0, 2000, &chains));
    assert_ok(sf_chains_start(chains, x, 1.0));
    assert_status(SF_ERR_UNSUPPORTED, sf_chains_move(chains, &adjusted[0], 1.0, 1));
    assert_ok(sf_chains_move(chains, &walk, 1.0, 1));
    x[1999] = 1.0;
    assert_status(SF_ERR_IO, sf_chains_start(chains, x, 1.0));
    assert_string_equal(sf_last_error(), "the energy server is away");
    sf_chains_release(&chains);
    sf_density_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quartic_is_invariant),
        cmocka_unit_test(gaussian_is_invariant),
        cmocka_unit_test(bridge_is_invariant),
        cmocka_unit_test(ou_is_exact),
        cmocka_unit_test(ula_has_its_known_bias),
        cmocka_unit_test(trajectories_are_reversible),
        cmocka_unit_test(leapfrog_is_of_second_order),
        cmocka_unit_test(bits_depend_on_chain_and_stage_alone),
        cmocka_unit_test(selected_chains_are_copies),
        cmocka_unit_test(swapped_chains_are_known),
        cmocka_unit_test(no_number_never_spreads),
        cmocka_unit_test(far_proposals_are_lost),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(densities_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
