/* test_cosmology_files.c - spectra, growth and sigma(M) against the tables of other people's
 * programs in the folder cosmology of the folder that the environment variable SCOREFIELD_DATA
 * points to: the benchmarks of the Core Cosmology Library (arXiv:1812.05995), a run of CLASS. */
#include <scorefield/field.h>

#include "check.h"

#include "field/cosmology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void path_of(const char *name, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/cosmology/%s", getenv("SCOREFIELD_DATA"), name);
}

/* The next row of `columns` numbers; false at the end. */
static bool next_row(FILE *file, int columns, double *row)
{
    char line[1024], *rest = line;

    do
        if (fgets(line, sizeof line, file) == NULL) return false;
    while (line[0] == '#');
    for (int i = 0; i < columns; i++) row[i] = strtod(rest, &rest);
    return true;
}

static FILE *open_table(const char *name)
{
    char path[512];
    FILE *file;

    path_of(name, path, sizeof path);
    file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

/* CCL's model 1: T = 2.725 with its Eisenstein & Hu, 2.7 with its BBKS. */
static sf_cosmology benchmark(double t_cmb)
{
    sf_cosmology c = sf_cosmology_default();

    assert_ok(sf_cosmology_parse("h=0.7,Om=0.3,Ob=0.05,ns=0.96,s8=0.8", &c));
    c.t_cmb = t_cmb;
    return c;
}

static void spectra(const char *name, sf_transfer transfer, double t_cmb, int redshifts,
                    double tolerance)
{
    const sf_cosmology c = benchmark(t_cmb);
    FILE *file = open_table(name);
    sf_spectrum *s[6];
    double row[7], worst = 0.0, power;
    int rows = 0;

    for (int z = 0; z < redshifts; z++) assert_ok(sf_spectrum_cosmology(&c, transfer, z, &s[z]));
    for (; next_row(file, 1 + redshifts, row); rows++)
        for (int z = 0; z < redshifts; z++) {
            assert_ok(sf_spectrum_power(s[z], row[0], &power));
            worst = fmax(worst, fabs(power / row[1 + z] - 1.0));
        }
    print_message("%s: %d rows, largest deviation %.1e\n", name, rows, worst);
    assert_true(rows > 30 && worst < tolerance);
    for (int z = 0; z < redshifts; z++) sf_spectrum_release(&s[z]);
    assert_int_equal(fclose(file), 0);
}

static void spectra_are_those_of_ccl(void **state)
{
    (void)state;
    spectra("ccl_model1_pk_eh.txt", SF_TRANSFER_EH98, 2.725, 1, 1e-5); /* of six digits */
    spectra("ccl_model1_pk.txt", SF_TRANSFER_BBKS, 2.7, 6, 1e-7);
}

static void growth_is_that_of_ccl(void **state)
{
    const double lambda[] = {0.7, 0.7, 0.7, 0.65, 0.75}, w0[] = {-1.0, -0.9, -0.9, -0.9, -0.9};
    const double wa[] = {0.0, 0.0, 0.1, 0.1, 0.1};
    FILE *file = open_table("ccl_growth_cosmomad_allz.txt");
    double row[6], worst = 0.0, d, f;

    (void)state;
    while (next_row(file, 6, row))
        for (int model = 0; model < 5; model++) {
            sf_cosmology c = benchmark(2.725);

            c.omega_lambda = lambda[model];
            c.w0 = w0[model];
            c.wa = wa[model];
            assert_ok(sf_growth_early(&c, row[0], &d, &f));
            worst = fmax(worst, fabs(d / row[1 + model] - 1.0));
        }
    print_message("growth of five cosmologies: largest deviation %.1e\n", worst);
    assert_true(worst < 2e-7);
    assert_int_equal(fclose(file), 0);
}

/* R of a mass: the critical density is 2.77536627e11 (M_sun/h) / (Mpc/h)^3. */
static void sigma_is_that_of_ccl(void **state)
{
    const sf_cosmology c = benchmark(2.7);
    const double density = 2.77536627e11 * c.omega_m, pi = acos(-1.0);
    FILE *file = open_table("ccl_model1_sm.txt");
    double row[2], worst = 0.0, sigma;
    sf_spectrum *s;

    (void)state;
    assert_ok(sf_spectrum_cosmology(&c, SF_TRANSFER_BBKS, 0.0, &s));
    while (next_row(file, 2, row)) {
        const double radius = cbrt(3.0 * row[0] / (4.0 * pi * density));

        assert_ok(sf_spectrum_sigma(s, radius, 1e-5, 1e4, &sigma));
        worst = fmax(worst, fabs(sigma / row[1] - 1.0));
    }
    print_message("sigma(M): largest deviation %.1e\n", worst);
    assert_true(worst < 1e-6);
    sf_spectrum_release(&s);
    assert_int_equal(fclose(file), 0);
}

/* CCL's correlation functions (of BBKS, T = 2.725, r and k in Mpc) are of the non-linear spectrum:
 * from r = 55 Mpc on its part is below 0.6 % at redshift 5. */
static void correlations_are_those_of_ccl(void **state)
{
    sf_cosmology c = benchmark(2.725);
    FILE *file = open_table("ccl_model1_xi.txt");
    double row[7], worst = 0.0, far = 0.0, xi;
    sf_spectrum *s;

    (void)state;
    c.per_mpc = true;
    assert_ok(sf_spectrum_cosmology(&c, SF_TRANSFER_BBKS, 5.0, &s));
    while (next_row(file, 7, row)) {
        if (row[0] < 55.0) continue;
        assert_ok(sf_spectrum_correlation(s, 3, &row[0], 1, 1e-6, 1e3, &xi));
        worst = fmax(worst, fabs(xi - row[6]) / (fabs(row[6]) + 1e-6)); /* it passes 0 */
        if (row[0] > 200.0) far = fmax(far, fabs(xi / row[6] - 1.0));
    }
    print_message("xi: largest deviation %.1e, %.1e beyond 200 Mpc\n", worst, far);
    assert_true(worst < 6e-3 && far > 0.0 && far < 1.5e-3);
    sf_spectrum_release(&s);
    assert_int_equal(fclose(file), 0);
}

/* A table of a Boltzmann code, to be read as it is: its own points, its range, its sigma8
 * (0.825), and the spectrum of its A_s to the few per cent of the fit. */
static void boltzmann_tables_are_read(void **state)
{
    sf_cosmology c = sf_cosmology_default();
    FILE *file = open_table("class_explanatory00_pk.dat");
    char path[512], text[600];
    double row[2], power, sigma, worst = 0.0;
    sf_spectrum *s, *fit;

    (void)state;
    path_of("class_explanatory00_pk.dat", path, sizeof path);
    (void)snprintf(text, sizeof text, "table:%s", path);
    assert_ok(sf_spectrum_parse_with(text, 3, NULL, 0.0, &s));
    c.h = 0.67810;
    c.omega_b = 0.02238280 / (c.h * c.h);
    c.omega_m = c.omega_b + 0.1201075 / (c.h * c.h);
    assert_ok(sf_cosmology_parse("As=2.100549e-9,ns=0.9660499", &c));
    assert_ok(sf_spectrum_cosmology(&c, SF_TRANSFER_EH98, 0.0, &fit));
    while (next_row(file, 2, row)) {
        assert_ok(sf_spectrum_power(s, row[0], &power));
        assert_close(power / row[1], 1.0, 1e-13);
        assert_ok(sf_spectrum_power(fit, row[0], &power));
        worst = fmax(worst, fabs(power / row[1] - 1.0));
    }
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_power(s, 5.4, &power));
    assert_ok(sf_spectrum_sigma(s, 8.0, 1.05e-5, 5.3, &sigma));
    print_message("CLASS: sigma8 = %.4f; Eisenstein & Hu of its A_s within %.3f\n", sigma, worst);
    assert_true(fabs(sigma - 0.825) < 0.002 && worst < 0.06);
    sf_spectrum_release(&s);
    sf_spectrum_release(&fit);
    assert_int_equal(fclose(file), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spectra_are_those_of_ccl),
        cmocka_unit_test(growth_is_that_of_ccl),
        cmocka_unit_test(sigma_is_that_of_ccl),
        cmocka_unit_test(correlations_are_those_of_ccl),
        cmocka_unit_test(boltzmann_tables_are_read),
    };

    if (getenv("SCOREFIELD_DATA") == NULL) return 77; /* skipped */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
