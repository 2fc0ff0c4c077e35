/* test_path.c - what lies on a path, and that chains on one that is no bridge are the same. */
#include <scorefield/mcmc.h>

#include "field/field.h"

#include "mcmc/sample.h"

#include <string.h>

enum { CHAINS = 4000, N = 2 };

static const double mean0[N] = {0.0, 0.0}, mean1[N] = {0.6, -0.3};
static const double variance0[N] = {1.0, 1.0}, variance1[N] = {0.6, 0.4};

typedef struct ends {
    sf_density *f0, *f1;
    sf_path *bridge;
} ends;

static void set_up(ends *e)
{
    assert_ok(sf_density_gaussian(N, mean0, variance0, &e->f0));
    assert_ok(sf_density_gaussian(N, mean1, variance1, &e->f1));
    assert_ok(sf_path_geometric(e->f0, e->f1, &e->bridge));
}

static void tear_down(ends *e)
{
    sf_path_release(&e->bridge);
    sf_density_release(&e->f0);
    sf_density_release(&e->f1);
}

/* ---- the densities of a path ---------------------------------------------------------------- */

static void bridges_mix_logarithms(void **state)
{
    const double x[2 * N] = {0.3, -0.8, 1.2, 0.1}, b = 0.3;
    double l0[2], l1[2], l[2], s0[2 * N], s1[2 * N], s[2 * N], slope[2];
    sf_density_check_report check;
    sf_density *f;
    ends e;

    (void)state;
    set_up(&e);
    assert_ok(sf_path_at(e.bridge, b, &f));
    assert_ok(sf_density_evaluate(e.f0, 2, x, l0, s0));
    assert_ok(sf_density_evaluate(e.f1, 2, x, l1, s1));
    assert_ok(sf_density_evaluate(f, 2, x, l, s));
    assert_ok(sf_path_slope(e.bridge, b, 2, x, slope));
    for (size_t i = 0; i < 2; i++) assert_close(l[i], 0.7 * l0[i] + 0.3 * l1[i], 1e-14);
    for (size_t i = 0; i < 2; i++) assert_close(slope[i], l1[i] - l0[i], 1e-14);
    for (size_t i = 0; i < 2 * N; i++) assert_close(s[i], 0.7 * s0[i] + 0.3 * s1[i], 1e-14);
    assert_ok(sf_density_check(f, 2, x, 1e-6, &check));
    assert_true(check.agrees);
    sf_density_release(&f);
    assert_ok(sf_path_at(e.bridge, 0.0, &f));
    assert_ptr_equal(f, e.f0);
    sf_density_release(&f);
    assert_ok(sf_path_at(e.bridge, 1.0, &f));
    assert_ptr_equal(f, e.f1);
    sf_density_release(&f);
    tear_down(&e);
}

static void tempering_scales_logarithms(void **state)
{
    const double x[2 * N] = {0.3, -0.8, 1.2, 0.1};
    double l1[2], l[2], slope[2];
    sf_path *path;
    sf_density *f;
    ends e;

    (void)state;
    set_up(&e);
    assert_ok(sf_path_tempering(e.f1, 0.2, &path));
    assert_ok(sf_density_evaluate(e.f1, 2, x, l1, NULL));
    for (int k = 0; k <= 4; k++) {
        const double b = 0.25 * k;

        assert_ok(sf_path_at(path, b, &f));
        assert_ok(sf_density_evaluate(f, 2, x, l, NULL));
        assert_ok(sf_path_slope(path, b, 2, x, slope));
        for (size_t i = 0; i < 2; i++) assert_close(l[i], (0.2 + 0.8 * b) * l1[i], 1e-14);
        for (size_t i = 0; i < 2; i++) assert_close(slope[i], 0.8 * l1[i], 1e-14);
        sf_density_release(&f);
    }
    sf_path_release(&path);
    tear_down(&e);
}

static void fields_mix_spectra(void **state)
{
    enum { CELLS = 32 };
    const size_t shape[2] = {4, 8};
    double x[CELLS], mixed, exact;
    sf_spectrum *spectrum[3];
    sf_field *field[3];
    sf_density *f;
    sf_path *path;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(2, shape, NULL, &grid));
    assert_ok(sf_spectrum_power_law(2.0, 0.0, 2.0, &spectrum[0]));
    assert_ok(sf_spectrum_power_law(0.5, 0.0, 0.5, &spectrum[1]));
    assert_ok(
        sf_spectrum_power_law(0.75 * 2.0 + 0.25 * 0.5, 0.0, 0.75 * 2.0 + 0.25 * 0.5, &spectrum[2]));
    for (size_t i = 0; i < 3; i++)
        assert_ok(sf_field_create(&grid, spectrum[i],
                                  i == 0   ? 1.0
                                  : i == 1 ? 3.0
                                           : 1.5,
                                  &field[i]));
    assert_ok(sf_path_field_variance(field[0], field[1], &path));
    assert_ok(sf_path_at(path, 0.25, &f));
    sf_random_normal(sf_random_make(1, 2), 0, 0, CELLS, x);
    assert_ok(sf_density_evaluate(f, 1, x, &mixed, NULL));
    assert_ok(sf_field_log_density(field[2], x, 0.0, &exact));
    assert_close(mixed, exact, 1e-11);
    sf_density_release(&f);
    sf_path_release(&path);
    for (size_t i = 0; i < 3; i++) sf_field_release(&field[i]);
    for (size_t i = 0; i < 3; i++) sf_spectrum_release(&spectrum[i]);
}

/* Two fields with another variance of every mode, and another mean, on an odd and an even axis. */
static void create_fields(sf_grid *grid, sf_field *field[2])
{
    const size_t shape[2] = {5, 6};
    sf_spectrum *spectrum[2];

    assert_ok(sf_grid_make(2, shape, NULL, grid));
    assert_ok(sf_spectrum_power_law(1.0, 0.0, 0.7, &spectrum[0]));
    assert_ok(sf_spectrum_matern(2, 1.2, 1.5, 1.0, &spectrum[1]));
    for (size_t i = 0; i < 2; i++) {
        assert_ok(sf_field_create(grid, spectrum[i], 0.4 - 0.6 * (double)i, &field[i]));
        sf_spectrum_release(&spectrum[i]);
    }
}

static double log_f_at(const sf_path *path, double b, const double *x)
{
    double log_f;
    sf_density *f;

    assert_ok(sf_path_at(path, b, &f));
    assert_ok(sf_density_evaluate(f, 1, x, &log_f, NULL));
    sf_density_release(&f);
    return log_f;
}

/* The slope is the derivative; and where every f_b is normalised, its mean is 0, and its variance
 * sum_k (lambda'/lambda)^2/2 + N m'^2/lambda_0. */
static void slopes_of_fields(void **state)
{
    enum { CELLS = 30 };
    static double x[CHAINS * CELLS], slope[CHAINS];
    const double b = 0.3, h = 1e-3;
    double lambda[2][CELLS], variance = 0.0;
    sf_field *field[2];
    sf_density *f;
    sf_path *path;
    sf_grid grid;

    (void)state;
    create_fields(&grid, field);
    assert_ok(sf_path_field_variance(field[0], field[1], &path));
    assert_ok(sf_path_at(path, b, &f));
    assert_ok(sf_density_draw(f, 5, 0, 0, CHAINS, x));
    assert_ok(sf_path_slope(path, b, CHAINS, x, slope));
    for (size_t i = 0; i < 3; i++) {
        const double *at = x + i * CELLS;
        const double near = log_f_at(path, b + h, at) - log_f_at(path, b - h, at);
        const double far = log_f_at(path, b + 2.0 * h, at) - log_f_at(path, b - 2.0 * h, at);

        assert_close(slope[i], (8.0 * near - far) / (12.0 * h), 1e-8);
    }
    for (size_t i = 0; i < 2; i++) assert_ok(sf_field_lambda_all(field[i], lambda[i]));
    for (size_t k = 0; k < sf_grid_half_size(&grid); k++) {
        const double change = lambda[1][k] - lambda[0][k], mixed = lambda[0][k] + b * change;

        variance += 0.5 * sf_grid_mode_weight(&grid, k) * change * change / (mixed * mixed);
        if (k == 0) variance += CELLS * 0.6 * 0.6 / mixed;
    }
    assert_mean(CHAINS, slope, 0.0);
    for (size_t i = 0; i < CHAINS; i++) slope[i] *= slope[i];
    assert_mean(CHAINS, slope, variance);
    sf_density_release(&f);
    sf_path_release(&path);
    for (size_t i = 0; i < 2; i++) sf_field_release(&field[i]);
}

/* A mode that has no variance at one end has a slope everywhere else. */
static void slopes_want_every_mode(void **state)
{
    const double x[4] = {0.1, 0.2, 0.3, -0.4};
    const size_t shape[1] = {4};
    sf_spectrum *spectrum[2];
    sf_field *field[2];
    double slope;
    sf_path *path;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(1, shape, NULL, &grid));
    for (size_t i = 0; i < 2; i++) {
        assert_ok(sf_spectrum_power_law(1.0, 0.0, (double)i, &spectrum[i]));
        assert_ok(sf_field_create(&grid, spectrum[i], 0.0, &field[i]));
        sf_spectrum_release(&spectrum[i]);
    }
    assert_ok(sf_path_field_variance(field[0], field[1], &path));
    assert_status(SF_ERR_ARGUMENT, sf_path_slope(path, 0.0, 1, x, &slope));
    assert_non_null(strstr(sf_last_error(), "mode 0"));
    assert_ok(sf_path_slope(path, 0.5, 1, x, &slope));
    assert_close(slope, 0.04 / 0.25 / 8.0 - 1.0, 1e-12); /* X_0^2/(N lambda^2)/2 - 1/(2 lambda) */
    sf_path_release(&path);
    for (size_t i = 0; i < 2; i++) sf_field_release(&field[i]);
}

/* ---- a path of one's own -------------------------------------------------------------------- */

/* A bridge that does not say so. */
static sf_status own_at(const void *self, double b, sf_density **density)
{
    return sf_path_at(self, b, density);
}

static sf_status own_slope(const void *self, double b, size_t batch, const double *x, double *slope)
{
    return sf_path_slope(self, b, batch, x, slope);
}

static const sf_path_methods own_methods = {.at = own_at, .slope = own_slope};
static const sf_path_methods flat_methods = {.name = "flat", .at = own_at};

/* Anneals with every kernel, a bridge and one that pretends to be none: the same up to rounding. */
static void general_paths_are_walked_alike(void **state)
{
    static const sf_kernel kernels[] = {
        {.kind = SF_KERNEL_MALA, .step = 0.2},
        {.kind = SF_KERNEL_HMC, .step = 0.3, .leapfrogs = 2},
        {.kind = SF_KERNEL_RANDOM_WALK, .step = 0.5},
        {.kind = SF_KERNEL_OU, .step = 0.3},
        {.kind = SF_KERNEL_ULA, .step = 0.1},
        {.kind = SF_KERNEL_UNDERDAMPED, .step = 0.2, .leapfrogs = 2, .friction = 1.0},
    };
    static double x[CHAINS * N], slope[2][CHAINS];
    sf_chains *chains[2];
    sf_path *own;
    ends e;

    (void)state;
    set_up(&e);
    assert_ok(sf_path_create(&own_methods, e.bridge, N, &own));
    assert_ok(sf_density_draw(e.f0, 3, 0, 0, CHAINS, x));
    assert_ok(sf_chains_create(e.bridge, 4, 0, 0, CHAINS, &chains[0]));
    assert_ok(sf_chains_create(own, 4, 0, 0, CHAINS, &chains[1]));
    for (size_t k = 0; k < 2; k++) {
        assert_ok(sf_chains_start(chains[k], x, 0.0));
        for (size_t s = 0; s < 6; s++)
            assert_ok(sf_chains_move(chains[k], &kernels[s], (double)(s + 1) / 6.0, 2));
        assert_ok(sf_chains_slope(chains[k], slope[k]));
    }
    for (size_t i = 0; i < CHAINS * N; i++) assert_close(chains[1]->x[i], chains[0]->x[i], 1e-12);
    for (size_t i = 0; i < CHAINS; i++) {
        assert_close(chains[1]->log_weight[i], chains[0]->log_weight[i], 1e-12);
        assert_close(slope[1][i], slope[0][i], 1e-12);
        assert_int_equal(chains[1]->accepted[i], chains[0]->accepted[i]);
    }
    for (size_t k = 0; k < 2; k++) sf_chains_release(&chains[k]);
    sf_path_release(&own);
    tear_down(&e);
}

/* Between fields of other spectra and means, which are normalised: the mean weight is 1. */
static void weights_along_fields_are_unbiased(void **state)
{
    enum { CELLS = 16, FIELDS = 2000 };
    const sf_kernel kernel = {.kind = SF_KERNEL_HMC, .step = 0.25, .leapfrogs = 3, .jitter = 0.2};
    static double x[FIELDS * CELLS], weight[FIELDS];
    const size_t shape[1] = {CELLS};
    sf_spectrum *spectrum[2];
    sf_field *field[2];
    sf_density *f;
    sf_chains *chains;
    sf_path *path;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(1, shape, NULL, &grid));
    assert_ok(sf_spectrum_power_law(1.0, 0.0, 1.0, &spectrum[0]));
    assert_ok(sf_spectrum_matern(1, 0.8, 1.5, 1.0, &spectrum[1]));
    for (size_t i = 0; i < 2; i++) {
        assert_ok(sf_field_create(&grid, spectrum[i], 0.3 * (double)i, &field[i]));
        sf_spectrum_release(&spectrum[i]);
    }
    assert_ok(sf_path_field_variance(field[0], field[1], &path));
    assert_ok(sf_path_at(path, 0.0, &f));
    assert_ok(sf_density_draw(f, 3, 0, 0, FIELDS, x));
    assert_ok(sf_chains_create(path, 4, 0, 0, FIELDS, &chains));
    assert_ok(sf_chains_start(chains, x, 0.0));
    for (size_t s = 1; s <= 12; s++)
        assert_ok(sf_chains_move(chains, &kernel, (double)s / 12.0, 1));
    for (size_t i = 0; i < FIELDS; i++) weight[i] = exp(chains->log_weight[i]);
    assert_mean(FIELDS, weight, 1.0);
    sf_chains_release(&chains);
    sf_density_release(&f);
    sf_path_release(&path);
    for (size_t i = 0; i < 2; i++) sf_field_release(&field[i]);
}

/* On a bridge a move costs the evaluations of its proposals, and going to another b none. */
static void bridges_evaluate_nothing_twice(void **state)
{
    const sf_kernel walk = {.kind = SF_KERNEL_RANDOM_WALK, .step = 0.5};
    static double x[10 * N];
    sf_chains *chains[2];
    sf_path *own;
    ends e;

    (void)state;
    set_up(&e);
    assert_ok(sf_path_create(&own_methods, e.bridge, N, &own));
    for (size_t k = 0; k < 2; k++) {
        assert_ok(sf_chains_create(k == 0 ? e.bridge : own, 4, 0, 0, 10, &chains[k]));
        assert_ok(sf_chains_start(chains[k], x, 0.0));
        for (size_t s = 1; s <= 4; s++)
            assert_ok(sf_chains_move(chains[k], &walk, 0.25 * (double)s, 3));
    }
    assert_int_equal(chains[0]->evaluations, 10 * (1 + 4 * 3));
    assert_int_equal(chains[1]->evaluations, 10 * (1 + 4 * 4));
    for (size_t k = 0; k < 2; k++) sf_chains_release(&chains[k]);
    sf_path_release(&own);
    tear_down(&e);
}

static void nonsense_is_refused(void **state)
{
    double x[N] = {0.0}, slope;
    sf_density *other, *angles, *f;
    sf_path *path;
    ends e;

    (void)state;
    set_up(&e);
    assert_ok(sf_density_gaussian(N + 1, NULL, NULL, &other));
    assert_status(SF_ERR_SHAPE, sf_path_geometric(other, e.f1, &path));
    assert_null(path);
    assert_status(SF_ERR_ARGUMENT, sf_path_geometric(e.f0, NULL, &path));
    assert_ok(sf_density_angles(N, &angles));
    assert_status(SF_ERR_ARGUMENT, sf_path_geometric(e.f0, angles, &path));
    assert_non_null(strstr(sf_last_error(), "period 0 to angles of period 6.28319"));
    sf_density_release(&angles);
    assert_status(SF_ERR_ARGUMENT, sf_path_tempering(NULL, 0.5, &path));
    assert_status(SF_ERR_ARGUMENT, sf_path_tempering(e.f0, 1.5, &path));
    assert_status(SF_ERR_ARGUMENT, sf_path_tempering(e.f0, NAN, &path));
    assert_status(SF_ERR_ARGUMENT, sf_path_at(e.bridge, -0.1, &f));
    assert_null(f);
    assert_status(SF_ERR_ARGUMENT, sf_path_create(NULL, NULL, 1, &path));
    assert_status(SF_ERR_ARGUMENT, sf_path_create(&own_methods, e.bridge, 0, &path));
    assert_ok(sf_path_create(&flat_methods, e.bridge, N, &path));
    assert_status(SF_ERR_UNSUPPORTED, sf_path_slope(path, 0.5, 1, x, &slope));
    assert_non_null(strstr(sf_last_error(), "flat"));
    sf_path_release(&path);
    assert_ok(sf_path_create(&flat_methods, e.bridge, N + 1, &path));
    assert_status(SF_ERR_SHAPE, sf_path_at(path, 0.5, &f));
    assert_null(f);
    sf_path_release(&path);
    sf_density_release(&other);
    tear_down(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bridges_mix_logarithms),
        cmocka_unit_test(tempering_scales_logarithms),
        cmocka_unit_test(fields_mix_spectra),
        cmocka_unit_test(slopes_of_fields),
        cmocka_unit_test(slopes_want_every_mode),
        cmocka_unit_test(general_paths_are_walked_alike),
        cmocka_unit_test(weights_along_fields_are_unbiased),
        cmocka_unit_test(bridges_evaluate_nothing_twice),
        cmocka_unit_test(nonsense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
