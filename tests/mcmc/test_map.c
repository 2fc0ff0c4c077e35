/* test_map.c - constrained densities in free coordinates: their integrals, scores, draws and ways
 * back. */
#include <scorefield/mcmc.h>

#include "mcmc/sample.h"

#include <string.h>

/* x^(a-1) exp(-b x), two of them; x^(a-1) (1-x)^(b-1) of 0.5 (x + 1), x in (-1, 1); a Dirichlet
 * density of three; and a normal one. */
enum { X = 7, Z = 6 };
static const double gamma_a[2] = {2.5, 0.7}, gamma_b = 3.0, beta_a = 1.4, beta_b = 2.2;
static const double dirichlet[3] = {0.8, 2.0, 3.1};

static const sf_map maps[] = {
    {.constraint = SF_CONSTRAINT_POSITIVE, .count = 2},
    {.constraint = SF_CONSTRAINT_BOX, .count = 1, .low = -1.0, .high = 1.0},
    {.constraint = SF_CONSTRAINT_SIMPLEX, .count = 3},
    {.constraint = SF_CONSTRAINT_NONE, .count = 1},
};

enum { MAPS = sizeof maps / sizeof *maps };

static sf_status evaluate(const void *self, size_t batch, const double *x, double *log_density,
                          double *score)
{
    (void)self;
    for (size_t b = 0; b < batch; b++, x += X) {
        const double u = 0.5 * (x[2] + 1.0);
        double *s = score != NULL ? score + b * X : NULL;

        log_density[b] =
            (beta_a - 1.0) * log(u) + (beta_b - 1.0) * log(1.0 - u) - 0.5 * x[6] * x[6];
        for (size_t i = 0; i < 2; i++)
            log_density[b] += (gamma_a[i] - 1.0) * log(x[i]) - gamma_b * x[i];
        for (size_t i = 0; i < 3; i++) log_density[b] += (dirichlet[i] - 1.0) * log(x[3 + i]);
        if (s == NULL) continue;
        for (size_t i = 0; i < 2; i++) s[i] = (gamma_a[i] - 1.0) / x[i] - gamma_b;
        s[2] = 0.5 * ((beta_a - 1.0) / u - (beta_b - 1.0) / (1.0 - u));
        for (size_t i = 0; i < 3; i++) s[3 + i] = (dirichlet[i] - 1.0) / x[3 + i];
        s[6] = -x[6];
    }
    return SF_OK;
}

static double exact_log_z(void)
{
    double log_z = 0.5 * log(2.0 * acos(-1.0)), sum = 0.0;

    for (size_t i = 0; i < 2; i++) log_z += lgamma(gamma_a[i]) - gamma_a[i] * log(gamma_b);
    log_z += log(2.0) + lgamma(beta_a) + lgamma(beta_b) - lgamma(beta_a + beta_b);
    for (size_t i = 0; i < 3; i++) {
        log_z += lgamma(dirichlet[i]);
        sum += dirichlet[i];
    }
    return log_z - lgamma(sum);
}

static const sf_density_methods methods = {.name = "constrained", .evaluate = evaluate};

static sf_density *make(void)
{
    sf_density *constrained, *mapped;

    assert_ok(sf_density_create(&methods, NULL, X, &constrained));
    assert_ok(sf_density_mapped(constrained, maps, MAPS, &mapped));
    assert_int_equal(sf_density_dimension(mapped), Z);
    sf_density_release(&constrained);
    return mapped;
}

static void scores_take_the_jacobian_along(void **state)
{
    sf_density *f = make();
    double z[5 * Z], together[5], score[5 * Z], alone;
    sf_density_check_report report;

    (void)state;
    sf_random_normal(sf_random_make(1, 0), 0, 0, 5 * Z, z);
    for (size_t i = 0; i < 5 * Z; i++) z[i] *= 2.0;
    assert_ok(sf_density_check(f, 5, z, 1e-7, &report));
    assert_true(report.agrees);
    assert_ok(sf_density_evaluate(f, 5, z, together, score));
    for (size_t b = 0; b < 5; b++) {
        assert_ok(sf_density_evaluate(f, 1, z + b * Z, &alone, NULL));
        assert_true(alone == together[b]);
    }
    sf_density_release(&f);
}

/* The integral over coordinates first ... first + count - 1 of exp(log f), the others 0, by the
 * trapezoidal rule. */
static double log_integral(const sf_density *f, size_t first, size_t count)
{
    const int half = count > 1 ? 400 : 4000;
    const double step = 60.0 / half;
    double sum = 0.0;

    for (int i = -half; i <= half; i++)
        for (int j = count > 1 ? -half : 0; j <= (count > 1 ? half : 0); j++) {
            double z[Z] = {0.0}, log_density;

            z[first] = step * i;
            if (count > 1) z[first + 1] = step * j;
            assert_ok(sf_density_evaluate(f, 1, z, &log_density, NULL));
            sum += exp(log_density);
        }
    return log(sum) + (double)count * log(step);
}

/* f is a product, so each factor's integral is known but for what the others are at 0: the product
 * of the integrals, over f(0) as often as it was counted too much. */
static void integrals_stay(void **state)
{
    const double zero[Z] = {0.0};
    sf_density *f = make();
    double at_zero, sum;

    (void)state;
    assert_ok(sf_density_evaluate(f, 1, zero, &at_zero, NULL));
    sum = log_integral(f, 0, 1) + log_integral(f, 1, 1) + log_integral(f, 2, 1) +
          log_integral(f, 3, 2) + log_integral(f, 5, 1);
    assert_close(sum - 4.0 * at_zero, exact_log_z(), 1e-9);
    sf_density_release(&f);
}

/* And by annealing from a Gaussian. */
static void integrals_are_annealed(void **state)
{
    enum { CHAINS = 4000, STEPS = 30 };
    const sf_kernel kernel = {.kind = SF_KERNEL_HMC, .step = 0.4, .leapfrogs = 4, .jitter = 0.2};
    static double z[CHAINS * Z], weight[CHAINS];
    double variance[Z];
    sf_density *f = make(), *gaussian;
    sf_chains *chains;
    sf_path *path;

    (void)state;
    for (size_t i = 0; i < Z; i++) variance[i] = 4.0;
    assert_ok(sf_density_gaussian(Z, NULL, variance, &gaussian));
    assert_ok(sf_density_draw(gaussian, 1, 0, 0, CHAINS, z));
    assert_ok(sf_path_geometric(gaussian, f, &path));
    assert_ok(sf_chains_create(path, 1, 1, 0, CHAINS, &chains));
    assert_ok(sf_chains_start(chains, z, 0.0));
    for (size_t s = 1; s <= STEPS; s++)
        assert_ok(sf_chains_move(chains, &kernel, (double)s / STEPS, 1));
    for (size_t i = 0; i < CHAINS; i++) weight[i] = exp(chains->log_weight[i] - exact_log_z());
    assert_mean(CHAINS, weight, 1.0);
    sf_chains_release(&chains);
    sf_path_release(&path);
    sf_density_release(&gaussian);
    sf_density_release(&f);
}

static void there_and_back(void **state)
{
    double z[20 * Z], x[20 * X], again[20 * Z];

    (void)state;
    sf_random_normal(sf_random_make(2, 0), 0, 0, 20 * Z, z);
    for (size_t i = 0; i < 20 * Z; i++) z[i] *= 3.0;
    assert_ok(sf_map_apply(maps, MAPS, 20, z, x));
    for (size_t b = 0; b < 20; b++) {
        const double *own = x + b * X;

        assert_true(own[0] > 0.0 && own[1] > 0.0 && own[2] > -1.0 && own[2] < 1.0);
        assert_true(own[3] > 0.0 && own[4] > 0.0 && own[5] > 0.0);
        assert_close(own[3] + own[4] + own[5], 1.0, 1e-15);
        assert_true(own[6] == z[b * Z + 5]);
    }
    assert_ok(sf_map_invert(maps, MAPS, 20, x, again));
    for (size_t i = 0; i < 20 * Z; i++) assert_close(again[i], z[i], 1e-9);
}

/* A box's exact draws become exact draws of the logistic law, of variance pi^2/3. */
static void draws_are_mapped(void **state)
{
    enum { DRAWS = 20000 };
    static const sf_map box = {
        .constraint = SF_CONSTRAINT_BOX, .count = 1, .low = 2.0, .high = 5.0};
    static double z[DRAWS], values[DRAWS];
    sf_density *uniform, *f;

    (void)state;
    assert_ok(sf_density_uniform(1, 2.0, 5.0, &uniform));
    assert_ok(sf_density_mapped(uniform, &box, 1, &f));
    assert_ok(sf_density_draw(f, 1, 0, 0, DRAWS, z));
    assert_mean(DRAWS, z, 0.0);
    for (size_t i = 0; i < DRAWS; i++) values[i] = z[i] * z[i];
    assert_mean(DRAWS, values, acos(-1.0) * acos(-1.0) / 3.0);
    assert_true(sf_density_log_z(f) == 0.0);
    sf_density_release(&f);
    sf_density_release(&uniform);
}

/* As far out as double precision goes nothing is NaN, and beyond it there is no density. */
static void far_away(void **state)
{
    sf_density *f = make();
    double z[Z], x[X], log_density, score[Z];

    (void)state;
    for (size_t i = 0; i < Z; i++)
        for (int side = -1; side <= 1; side += 2) {
            memset(z, 0, sizeof z);
            z[i] = 1e4 * side;
            assert_ok(sf_map_apply(maps, MAPS, 1, z, x));
            for (size_t j = 0; j < X; j++) assert_true(isfinite(x[j]));
            assert_ok(sf_density_evaluate(f, 1, z, &log_density, score));
            assert_true(log_density < -1e3);
        }
    sf_density_release(&f);
}

static void nonsense_is_refused(void **state)
{
    static const sf_map bad[] = {
        {.constraint = (sf_constraint)7, .count = 1},
        {.constraint = SF_CONSTRAINT_POSITIVE, .count = 0},
        {.constraint = SF_CONSTRAINT_SIMPLEX, .count = 1},
        {.constraint = SF_CONSTRAINT_BOX, .count = 1, .low = 1.0, .high = 1.0},
        {.constraint = SF_CONSTRAINT_BOX, .count = 1, .low = 0.0, .high = INFINITY},
    };
    const double good[X] = {1.0, 2.0, 0.0, 0.2, 0.3, 0.5, 1.0};
    double x[X], z[Z];
    sf_density *angles, *f;

    (void)state;
    assert_ok(sf_density_angles(2, &angles));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_status(SF_ERR_ARGUMENT, sf_density_mapped(angles, &bad[i], 1, &f));
        assert_null(f);
        assert_status(SF_ERR_ARGUMENT, sf_map_apply(&bad[i], 1, 1, z, x));
    }
    assert_status(SF_ERR_SHAPE, sf_density_mapped(angles, maps, MAPS, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_mapped(angles, maps, 1, &f));
    sf_density_release(&angles);
    for (size_t i = 0; i < X; i++) {
        memcpy(x, good, sizeof x);
        assert_ok(sf_map_invert(maps, MAPS, 1, x, z));
        x[i] = i < 6 ? -2.0 : NAN;
        assert_status(SF_ERR_ARGUMENT, sf_map_invert(maps, MAPS, 1, x, z));
    }
    memcpy(x, good, sizeof x);
    x[4] = 0.4;
    assert_status(SF_ERR_ARGUMENT, sf_map_invert(maps, MAPS, 1, x, z));
    assert_non_null(strstr(sf_last_error(), "map 2: the values of point 0, from 0.2 on, are not "
                                            "positive with the sum 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_take_the_jacobian_along),
        cmocka_unit_test(integrals_stay),
        cmocka_unit_test(integrals_are_annealed),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(draws_are_mapped),
        cmocka_unit_test(far_away),
        cmocka_unit_test(nonsense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
