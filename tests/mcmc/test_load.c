/* test_load.c - densities from shared objects: the example, compiled as it says, and bad ones. */
#include <scorefield/mcmc.h>

#include "mcmc/sample.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The example is phi^4 on a ring in other units, sqrt 2 of them a site. */
static void the_example_is_phi4(void **state)
{
    enum { POINTS = 5, SITES = 16 };
    const size_t sites = SITES;
    double x[POINTS * SITES], y[POINTS * SITES], of_example[POINTS], of_phi4[POINTS];
    sf_density_check_report report;
    sf_density *example, *phi4;

    (void)state;
    assert_ok(sf_density_load(OWN_ENERGY, &example));
    assert_string_equal(sf_density_name(example), "ring");
    assert_int_equal(sf_density_dimension(example), SITES);
    assert_true(sf_density_period(example) == 0.0 && sf_density_has_score(example));
    assert_ok(sf_density_phi4(1, &sites, 1.0, 0.4, &phi4));
    sf_random_normal(sf_random_make(1, 0), 0, 0, POINTS * SITES, x);
    for (size_t i = 0; i < POINTS * SITES; i++) y[i] = x[i] / sqrt(2.0);
    assert_ok(sf_density_evaluate(example, POINTS, x, of_example, NULL));
    assert_ok(sf_density_evaluate(phi4, POINTS, y, of_phi4, NULL));
    for (size_t i = 0; i < POINTS; i++) assert_close(of_example[i], of_phi4[i], 1e-12);
    assert_ok(sf_density_check(example, POINTS, x, 1e-7, &report));
    assert_true(report.agrees);
    sf_density_release(&phi4);
    sf_density_release(&example);
}

/* Annealed from a Gaussian to log Z of a transfer matrix, by two densities of one file, one by its
 * name in the list. */
static void the_example_is_annealed(void **state)
{
    enum { CHAINS = 2000, SITES = 16, STEPS = 40 };
    const sf_kernel kernel = {.kind = SF_KERNEL_HMC, .step = 0.3, .leapfrogs = 4, .jitter = 0.2};
    static double x[CHAINS * SITES], weight[CHAINS];
    sf_density *example, *again, *gaussian;
    sf_chains *chains;
    sf_path *path;

    (void)state;
    assert_ok(sf_density_load(OWN_ENERGY, &example));
    assert_ok(sf_density_parse("library:" OWN_ENERGY, &again));
    sf_density_release(&example);
    assert_ok(sf_density_gaussian(SITES, NULL, NULL, &gaussian));
    assert_ok(sf_density_draw(gaussian, 1, 0, 0, CHAINS, x));
    assert_ok(sf_path_geometric(gaussian, again, &path));
    assert_ok(sf_chains_create(path, 1, 1, 0, CHAINS, &chains));
    assert_ok(sf_chains_start(chains, x, 0.0));
    for (size_t s = 1; s <= STEPS; s++)
        assert_ok(sf_chains_move(chains, &kernel, (double)s / STEPS, 1));
    for (size_t i = 0; i < CHAINS; i++) weight[i] = exp(chains->log_weight[i] - 6.27301870719);
    assert_mean(CHAINS, weight, 1.0);
    sf_chains_release(&chains);
    sf_path_release(&path);
    sf_density_release(&gaussian);
    sf_density_release(&again);
}

/* Angles, and no gradient. */
static void what_an_energy_lacks(void **state)
{
    const double x[2] = {0.3, 7.0};
    double log_density[2], score[2];
    sf_density *f;

    (void)state;
    assert_ok(sf_density_load(ANGLE_ENERGY, &f));
    assert_non_null(strstr(ANGLE_ENERGY, sf_density_name(f)));
    assert_true(sf_density_period(f) == 1.0 && !sf_density_has_score(f));
    assert_ok(sf_density_evaluate(f, 2, x, log_density, NULL));
    assert_true(log_density[0] == -0.3 && log_density[1] == -INFINITY);
    assert_status(SF_ERR_UNSUPPORTED, sf_density_evaluate(f, 2, x, log_density, score));
    sf_density_release(&f);
}

static void bad_objects_are_named(void **state)
{
    static const struct {
        const char *path, *status, *says;
    } table[] = {
        {"/nowhere/energy.so", "SF_ERR_IO", "no readable file \"/nowhere/energy.so\""},
        {"energy.so", "SF_ERR_IO", "no readable file"},
        {EXAMPLE_SOURCE, "SF_ERR_FORMAT", "cannot be loaded as a shared object"},
        {NAMELESS_ENERGY, "SF_ERR_FORMAT", "has no symbol scorefield_energy; define"},
        {OLD_ENERGY, "SF_ERR_UNSUPPORTED", "is of version 1001, and this library loads version 1;"},
        {FLAT_ENERGY, "SF_ERR_ARGUMENT", "has dimension 0"},
        {IDLE_ENERGY, "SF_ERR_ARGUMENT", "no function evaluate"},
        {WAVE_ENERGY, "SF_ERR_ARGUMENT", "a period of -1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        sf_density *density = (sf_density *)&density;

        assert_string_equal(sf_status_name(sf_density_load(table[i].path, &density)),
                            table[i].status);
        assert_null(density);
        if (strstr(sf_last_error(), table[i].says) == NULL) print_error("%s\n", sf_last_error());
        assert_non_null(strstr(sf_last_error(), table[i].says));
    }
}

/* A name without folder is a file of this one. */
static void files_are_here(void **state)
{
    char folder[4096];
    sf_density *f;

    (void)state;
    (void)snprintf(folder, sizeof folder, "%s", OWN_ENERGY);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(chdir(folder), 0);
    assert_ok(sf_density_load(strrchr(OWN_ENERGY, '/') + 1, &f));
    sf_density_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_phi4),  cmocka_unit_test(the_example_is_annealed),
        cmocka_unit_test(what_an_energy_lacks), cmocka_unit_test(bad_objects_are_named),
        cmocka_unit_test(files_are_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
