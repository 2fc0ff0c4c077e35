/* test_whiten.c - preconditioned by its own covariance, N(m, C) moves as N(0, 1) does: chains from
 * x = m + C^1/2 z and from z, with the same numbers, stay that far apart. */
#include <scorefield/mcmc.h>

#include "mcmc/sample.h"
#include "mcmc/whiten.h"

#include <string.h>

enum { CELLS = 30, CHAINS = 40 };

static const sf_kernel kernels[] = {
    {.kind = SF_KERNEL_MALA, .step = 0.3, .jitter = 0.2},
    {.kind = SF_KERNEL_HMC, .step = 0.6, .leapfrogs = 3, .jitter = 0.3},
    {.kind = SF_KERNEL_RANDOM_WALK, .step = 0.3},
    {.kind = SF_KERNEL_OU, .step = 0.4},
    {.kind = SF_KERNEL_ULA, .step = 0.1},
    {.kind = SF_KERNEL_UNDERDAMPED, .step = 0.3, .leapfrogs = 2, .friction = 1.0},
};

static sf_chains *start(sf_density *f, const double *x)
{
    sf_chains *chains;

    assert_ok(create_chains(NULL, f, 8, 0, 0, CHAINS, &chains));
    assert_ok(sf_chains_start(chains, x, 1.0));
    return chains;
}

/* v = m + C^1/2 v */
static void colour(const sf_kernel *kernel, double *v)
{
    sf_complex work[CELLS];
    const double *coloured = v;
    sf_whiten white;

    assert_ok(sf_whiten_create(kernel, CELLS, &white));
    assert_ok(sf_whiten_colour(&white, CHAINS, work, v, &coloured));
    for (size_t i = 0; i < CHAINS * CELLS; i++) v[i] = coloured[i] + white.mean;
    sf_whiten_free(&white);
}

/* Kernels with this preconditioner on `f`, its own Gaussian, against none on N(0, 1). */
static void assert_moves_alike(sf_density *f, const double *scale, const sf_field *field)
{
    static double z[CHAINS * CELLS], x[CHAINS * CELLS];
    sf_density *unit;

    assert_ok(sf_density_gaussian(CELLS, NULL, NULL, &unit));
    sf_random_normal(sf_random_make(1, 1), 0, 0, CHAINS * CELLS, z);
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
        sf_kernel kernel = kernels[k];
        sf_chains *own, *other;
        size_t accepted = 0;

        other = start(unit, z);
        assert_ok(sf_chains_move(other, &kernel, 1.0, 3));
        for (size_t i = 0; i < CHAINS; i++) accepted += other->accepted[i];
        assert_true(accepted > CHAINS);
        kernel.scale = scale;
        kernel.field = field;
        memcpy(x, z, sizeof x);
        colour(&kernel, x);
        own = start(f, x);
        assert_ok(sf_chains_move(own, &kernel, 1.0, 3));
        memcpy(x, other->x, sizeof x);
        colour(&kernel, x);
        for (size_t i = 0; i < CHAINS * CELLS; i++) assert_close(own->x[i], x[i], 1e-10);
        for (size_t i = 0; i < CHAINS; i++) {
            assert_int_equal(own->accepted[i], other->accepted[i]);
            assert_close(own->log_weight[i], other->log_weight[i], 1e-10);
        }
        sf_chains_release(&own);
        sf_chains_release(&other);
    }
    sf_density_release(&unit);
}

static sf_field *make_field(double zero_mode)
{
    const size_t shape[2] = {6, 5};
    sf_spectrum *spectrum;
    sf_field *field;
    sf_grid grid;

    assert_ok(sf_grid_make(2, shape, NULL, &grid));
    assert_ok(sf_spectrum_power_law(2.0, -2.0, zero_mode, &spectrum));
    assert_ok(sf_field_create(&grid, spectrum, 0.5, &field));
    sf_spectrum_release(&spectrum);
    return field;
}

static void scale_makes_round(void **state)
{
    double variance[CELLS], scale[CELLS];
    sf_density *f;

    (void)state;
    for (size_t i = 0; i < CELLS; i++) {
        scale[i] = pow(1.2, (double)i - 10.0);
        variance[i] = scale[i] * scale[i];
    }
    assert_ok(sf_density_gaussian(CELLS, NULL, variance, &f));
    assert_moves_alike(f, scale, NULL);
    sf_density_release(&f);
}

static void field_makes_round(void **state)
{
    sf_field *field = make_field(7.0);
    sf_density *f;

    (void)state;
    assert_ok(sf_density_field(field, &f));
    assert_moves_alike(f, NULL, field);
    sf_density_release(&f);
    sf_field_release(&field);
}

/* OU is never refused on its own field, and keeps exp(-e) of it. */
static void ou_is_exact_for_fields(void **state)
{
    enum { DRAWS = 20000 };
    static double product[DRAWS], square[DRAWS], x[DRAWS * CELLS];
    const sf_kernel kernel = {.kind = SF_KERNEL_OU, .step = 0.3};
    sf_kernel own = kernel;
    sf_field *field = make_field(7.0);
    sf_density *f;
    sf_chains *chains;
    double variance = 0.0, lambda[24];
    sf_spectrum *spectrum;

    (void)state;
    own.field = field;
    assert_ok(sf_spectrum_power_law(2.0, -2.0, 7.0, &spectrum));
    assert_ok(sf_spectrum_eigenvalues(spectrum, sf_field_grid(field), lambda));
    for (size_t k = 0; k < sf_grid_half_size(sf_field_grid(field)); k++)
        variance += lambda[k] * sf_grid_mode_weight(sf_field_grid(field), k) / CELLS;
    assert_ok(sf_density_field(field, &f));
    assert_ok(sf_density_draw(f, 2, 0, 0, DRAWS, x));
    assert_ok(create_chains(NULL, f, 8, 0, 0, DRAWS, &chains));
    assert_ok(sf_chains_start(chains, x, 1.0));
    assert_ok(sf_chains_move(chains, &own, 1.0, 1));
    for (size_t i = 0; i < DRAWS; i++) {
        assert_int_equal(chains->accepted[i], 1);
        product[i] = (x[i * CELLS + 7] - 0.5) * (chains->x[i * CELLS + 7] - 0.5);
        square[i] = pow(chains->x[i * CELLS + 7] - 0.5, 2.0);
    }
    assert_mean(DRAWS, product, exp(-0.3) * variance);
    assert_mean(DRAWS, square, variance);
    sf_chains_release(&chains);
    sf_density_release(&f);
    sf_field_release(&field);
    sf_spectrum_release(&spectrum);
}

/* A mode without variance in C stays what it is, with every kernel. */
static void modes_without_variance_stay(void **state)
{
    static double z[CHAINS * CELLS];
    sf_field *field = make_field(0.0);
    sf_density *unit;

    (void)state;
    assert_ok(sf_density_gaussian(CELLS, NULL, NULL, &unit));
    sf_random_normal(sf_random_make(1, 1), 0, 0, CHAINS * CELLS, z);
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
        sf_kernel kernel = kernels[k];
        sf_chains *chains = start(unit, z);

        kernel.field = field;
        kernel.step *= 0.1;
        assert_ok(sf_chains_move(chains, &kernel, 1.0, 3));
        for (size_t c = 0; c < CHAINS; c++) {
            double before = 0.0, after = 0.0;

            for (size_t i = 0; i < CELLS; i++) {
                before += (z[c * CELLS + i] - 0.5) / CELLS;
                after += (chains->x[c * CELLS + i] - 0.5) / CELLS;
            }
            assert_close(after, before, 1e-12);
        }
        sf_chains_release(&chains);
    }
    sf_density_release(&unit);
    sf_field_release(&field);
}

static void misfits_are_refused(void **state)
{
    const double scale[CELLS] = {1.0};
    double z[2 * CELLS] = {0.0};
    sf_field *field = make_field(1.0);
    sf_kernel kernel = {.kind = SF_KERNEL_MALA, .step = 0.1, .field = field};
    sf_density *f;
    sf_chains *chains;

    (void)state;
    assert_ok(sf_density_gaussian(2 * CELLS, NULL, NULL, &f));
    assert_ok(create_chains(NULL, f, 8, 0, 0, 1, &chains));
    assert_ok(sf_chains_start(chains, z, 1.0));
    assert_status(SF_ERR_SHAPE, sf_chains_move(chains, &kernel, 1.0, 1));
    kernel.scale = scale;
    assert_status(SF_ERR_ARGUMENT, sf_chains_move(chains, &kernel, 1.0, 1));
    sf_chains_release(&chains);
    sf_density_release(&f);
    sf_field_release(&field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scale_makes_round),      cmocka_unit_test(field_makes_round),
        cmocka_unit_test(ou_is_exact_for_fields), cmocka_unit_test(modes_without_variance_stay),
        cmocka_unit_test(misfits_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
