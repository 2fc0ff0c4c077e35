/* test_spectrum.c - power spectra: exact values, the spline's laws, eigenvalues, bad input. */
#include <scorefield/field.h>
#include <scorefield/io.h>

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double power_at(const sf_spectrum *spectrum, double k)
{
    double power;

    assert_ok(sf_spectrum_power(spectrum, k, &power));
    return power;
}

static void power_law_values(void **state)
{
    sf_spectrum *spectrum;

    (void)state;
    assert_ok(sf_spectrum_power_law(3.0, -2.0, 7.0, &spectrum));
    assert_close(power_at(spectrum, 0.0), 7.0, 0.0);
    assert_close(power_at(spectrum, 1.0), 3.0, 0.0);
    assert_close(power_at(spectrum, 0.5), 12.0, 0.0);
    sf_spectrum_release(&spectrum);
    assert_null(spectrum);
    assert_ok(sf_spectrum_power_law(0.0, 1.0, 0.0, &spectrum));
    assert_close(power_at(spectrum, 2.0), 0.0, 0.0);
    sf_spectrum_release(&spectrum);
}

static void power_laws_are_cut(void **state)
{
    sf_spectrum *spectrum;

    (void)state;
    assert_ok(sf_spectrum_power_law_cut(3.0, -2.0, 0.5, 2.0, &spectrum));
    assert_close(power_at(spectrum, 0.0), 0.0, 0.0);
    assert_close(power_at(spectrum, 0.499), 0.0, 0.0);
    assert_close(power_at(spectrum, 0.5), 12.0, 0.0);
    assert_close(power_at(spectrum, 2.0), 0.75, 0.0);
    assert_close(power_at(spectrum, 2.001), 0.0, 0.0);
    sf_spectrum_release(&spectrum);
    assert_ok(sf_spectrum_power_law_cut(3.0, -2.0, 0.0, 0.0, &spectrum));
    assert_close(power_at(spectrum, 1e-3), 3e6, 0.0);
    assert_close(power_at(spectrum, 1e3), 3e-6, 1e-21);
    sf_spectrum_release(&spectrum);
}

/* nu = 1/2 in closed form, (1: 2 l/(1 + x^2), 2: 2 pi l^2/(1 + x^2)^(3/2), 3: 8 pi l^3/(1 + x^2)^2,
 * x = k l), and its limit for large nu, the Gaussian: (2 pi)^(d/2) l^d exp(-x^2/2) with
 * corrections of order 1/nu. */
static void matern_values(void **state)
{
    const double pi = acos(-1.0), sigma = 1.5, l = 3.0;
    const double front[] = {2.0 * l, 2.0 * pi * l * l, 8.0 * pi * l * l * l};

    (void)state;
    for (int axes = 1; axes <= 3; axes++) {
        sf_spectrum *half, *smooth;

        assert_ok(sf_spectrum_matern(axes, sigma, 0.5, l, &half));
        assert_ok(sf_spectrum_matern(axes, sigma, 1e8, l, &smooth));
        for (double k = 0.0; k < 1.5; k += 0.1) {
            const double x2 = k * k * l * l;
            const double exact = front[axes - 1] * pow(1.0 + x2, -0.5 - 0.5 * axes);
            const double gauss = pow(2.0 * pi * l * l, 0.5 * axes) * exp(-0.5 * x2);

            assert_close(power_at(half, k) / (sigma * sigma * exact), 1.0, 1e-13);
            assert_close(power_at(smooth, k) / (sigma * sigma * gauss), 1.0, 2e-6);
        }
        sf_spectrum_release(&half);
        sf_spectrum_release(&smooth);
    }
}

/* lambda_k = P(k)/v on a grid with three different spacings: k and v by hand. */
static void eigenvalues_are_power_over_cell_volume(void **state)
{
    const size_t shape[] = {3, 4, 5};
    const double spacing[] = {0.5, 2.0, 0.25}, v = 0.25, two_pi = 2.0 * acos(-1.0);
    double lambda[3 * 4 * 3];
    sf_spectrum *spectrum;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(3, shape, spacing, &grid));
    assert_ok(sf_spectrum_power_law(10.0, -1.5, 4.0, &spectrum));
    assert_ok(sf_spectrum_eigenvalues(spectrum, &grid, lambda));
    assert_close(lambda[0], 4.0 / v, 0.0);
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 4; b++)
            for (int c = 0; c < 3; c++) {
                const double ka = two_pi * (a == 2 ? -1 : a) / 1.5;
                const double kb = two_pi * (b == 3 ? -1 : b) / 8.0, kc = two_pi * c / 1.25;
                const double exact = 10.0 * pow(ka * ka + kb * kb + kc * kc, -0.75) / v;

                if (a + b + c > 0) assert_close(lambda[(a * 4 + b) * 3 + c] / exact, 1.0, 1e-14);
            }
    sf_spectrum_release(&spectrum);
}

/* log P is linear in log k for a power law, and a natural spline of a line is the line. */
static void table_reproduces_a_power_law(void **state)
{
    double k[9], power[9];
    sf_spectrum *spectrum;

    (void)state;
    for (int i = 0; i < 9; i++) {
        k[i] = 0.01 * pow(1.7 + 0.1 * i, i);
        power[i] = 5.0 * pow(k[i], -2.3);
    }
    assert_ok(sf_spectrum_table(k, power, 9, 2.0, &spectrum));
    assert_close(power_at(spectrum, 0.0), 2.0, 0.0);
    for (double q = 1e-5; q < 1e5; q *= 1.37)
        assert_close(power_at(spectrum, q) / (5.0 * pow(q, -2.3)), 1.0, 1e-12);
    sf_spectrum_release(&spectrum);
}

/* The natural cubic spline through (0,0), (1,1), (2,0) has second derivative -3 in the middle,
 * so it is 3/2 x - 1/2 x^3 on [0,1] and its slope is 3/2 at one end, -3/2 at the other. */
static void table_is_the_natural_spline(void **state)
{
    const double k[] = {1.0, exp(1.0), exp(2.0)}, power[] = {1.0, exp(1.0), 1.0};
    sf_spectrum *spectrum;

    (void)state;
    assert_ok(sf_spectrum_table(k, power, 3, 0.0, &spectrum));
    assert_close(log(power_at(spectrum, exp(0.5))), 0.75 - 0.0625, 1e-14);
    assert_close(log(power_at(spectrum, exp(1.5))), 0.75 - 0.0625, 1e-14);
    assert_close(log(power_at(spectrum, exp(-2.0))), -3.0, 1e-14);
    assert_close(log(power_at(spectrum, exp(5.0))), -4.5, 1e-13);
    for (int i = 0; i < 3; i++) assert_close(power_at(spectrum, k[i]) / power[i], 1.0, 1e-14);
    sf_spectrum_release(&spectrum);
}

static void tables_end_as_asked(void **state)
{
    const double k[] = {0.1, 1.0, 10.0}, power[] = {1.0, 100.0, 10.0};
    double value;
    sf_spectrum *s;

    (void)state;
    assert_ok(sf_spectrum_table_with(k, power, 3, 5.0, SF_EXTRAPOLATE_REFUSE, &s));
    for (int i = 0; i < 3; i++) assert_close(power_at(s, k[i]) / power[i], 1.0, 1e-14);
    assert_close(power_at(s, 0.0), 5.0, 0.0);
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_power(s, 0.0999, &value));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_power(s, 12.5, &value));
    assert_string_equal(sf_last_error(),
                        "k = 12.5 is beyond the spectrum's table, 0.1 to 10; ask for its "
                        "extrapolation (table+:FILE continues as power laws) or give a longer one");
    sf_spectrum_release(&s);
    assert_ok(sf_spectrum_table_with(k, power, 3, 0.0, SF_EXTRAPOLATE_ZERO, &s));
    assert_close(power_at(s, 0.0999), 0.0, 0.0);
    assert_close(power_at(s, 10.1), 0.0, 0.0);
    sf_spectrum_release(&s);
}

/* One set of bits for any number of threads, those of P(k) itself; and one sentence. */
static void eigenvalues_do_not_depend_on_threads(void **state)
{
    const double k[] = {0.01, 0.1, 1.0, 4.0}, power[] = {1.0, 100.0, 10.0, 2.0};
    sf_spectrum *spectrum, *narrow;
    double *lambda;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(2, (const size_t[]){33, 64}, (const double[]){1.0, 2.0}, &grid));
    assert_ok(sf_allocate(&lambda, sf_grid_half_size(&grid), sizeof *lambda));
    assert_ok(sf_spectrum_table(k, power, 4, 0.0, &spectrum));
    assert_ok(sf_spectrum_table_with(k, power, 3, 0.0, SF_EXTRAPOLATE_REFUSE, &narrow));
    for (int threads = 1; threads <= 7; threads += 3) {
        assert_ok(sf_thread_count_set(threads));
        assert_ok(sf_spectrum_eigenvalues(spectrum, &grid, lambda));
        for (size_t i = 0; i < sf_grid_half_size(&grid); i++)
            assert_close(lambda[i], power_at(spectrum, sf_grid_wavenumber(&grid, i)) / 2.0, 0.0);
        assert_status(SF_ERR_ARGUMENT, sf_spectrum_eigenvalues(narrow, &grid, lambda));
        assert_non_null(strstr(sf_last_error(), "k = 1.03084 is beyond")); /* the first: (0, 21) */
    }
    assert_ok(sf_thread_count_set(0));
    sf_spectrum_release(&spectrum);
    sf_spectrum_release(&narrow);
    sf_free(lambda);
}

static double from_user(double k, void *user) { return *(double *)user - k; }

static void callback_values_are_checked(void **state)
{
    double top = 2.0, power, lambda[5];
    sf_spectrum *spectrum, *shared;
    sf_grid grid;

    (void)state;
    assert_ok(sf_spectrum_callback(from_user, &top, &spectrum));
    shared = sf_spectrum_retain(spectrum);
    sf_spectrum_release(&spectrum);
    assert_close(power_at(shared, 0.0), 2.0, 0.0);
    assert_close(power_at(shared, 1.5), 0.5, 0.0);
    assert_status(SF_ERR_NUMERIC, sf_spectrum_power(shared, 2.5, &power));
    assert_string_equal(sf_last_error(),
                        "the spectrum gives P(2.5) = -0.5; a power is finite and not negative");
    assert_ok(sf_grid_make(1, (const size_t[]){8}, NULL, &grid));
    assert_status(SF_ERR_NUMERIC, sf_spectrum_eigenvalues(shared, &grid, lambda));
    top = NAN;
    assert_status(SF_ERR_NUMERIC, sf_spectrum_power(shared, 1.0, &power));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_power(shared, -1.0, &power));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_power(shared, INFINITY, &power));
    sf_spectrum_release(&shared);
    sf_spectrum_release(&shared);
    sf_spectrum_release(NULL);
    assert_null(sf_spectrum_retain(NULL));
}

static void overflow_is_an_error(void **state)
{
    double power, lambda[5];
    sf_spectrum *spectrum;
    sf_grid grid;

    (void)state;
    assert_ok(sf_spectrum_power_law(1e300, -10.0, 0.0, &spectrum));
    assert_status(SF_ERR_NUMERIC, sf_spectrum_power(spectrum, 1e-30, &power));
    assert_ok(sf_grid_make(1, (const size_t[]){8}, (const double[]){1e-30}, &grid));
    sf_spectrum_release(&spectrum);
    assert_ok(sf_spectrum_power_law(1e300, 0.0, 0.0, &spectrum));
    assert_status(SF_ERR_NUMERIC, sf_spectrum_eigenvalues(spectrum, &grid, lambda));
    sf_spectrum_release(&spectrum);
}

static void bad_values_are_refused(void **state)
{
    const double k[] = {1.0, 2.0, 3.0, 3.0}, power[] = {1.0, 2.0, 3.0, 1.0};
    const double zero[] = {0.0, 1.0, 2.0}, negative[] = {1.0, -1.0, 1.0}, nan[] = {1.0, 1.0, NAN};
    const double merged[] = {1e300, 1.0000000000000002e300, 2e300};
    sf_spectrum *s;

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_power_law(-1.0, 0.0, 0.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_power_law(1.0, NAN, 0.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_power_law(1.0, 0.0, -1.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_power_law(1.0, 0.0, INFINITY, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_callback(NULL, NULL, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_table(k, power, 2, 0.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_table(k, power, 4, 0.0, &s));
    assert_non_null(strstr(sf_last_error(), "point 4"));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_table(zero, power, 3, 0.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_table(k, negative, 3, 0.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_table(k, nan, 3, 0.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_table(nan, power, 3, 0.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_table(merged, power, 3, 0.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_table(k, power, 3, NAN, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_power_law_cut(1.0, 0.0, -1.0, 0.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_power_law_cut(1.0, 0.0, 2.0, 2.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_power_law_cut(1.0, 0.0, 2.0, NAN, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_matern(0, 1.0, 1.0, 1.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_matern(4, 1.0, 1.0, 1.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_matern(2, NAN, 1.0, 1.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_matern(2, 1.0, 0.0, 1.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_matern(2, 1.0, 1.0, -1.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_matern(3, 1e150, 1.0, 1e150, &s));
    assert_null(s);
}

/* A table file with this content. */
static void write_content(const char *content, size_t size, char *path)
{
    const int descriptor = mkstemp(path);

    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, content, size), size);
    assert_int_equal(close(descriptor), 0);
}

static sf_status parse_content(const char *content, size_t size, sf_spectrum **spectrum)
{
    char text[64] = "table:/tmp/test_spectrum_XXXXXX";
    sf_status status;

    write_content(content, size, text + 6);
    status = sf_spectrum_parse(text, spectrum);
    assert_int_equal(unlink(text + 6), 0);
    return status;
}

static void text_gives_spectra(void **state)
{
    const char good[] = "# k P\n0.1 100\n\n  1\t1  # middle\r\n10 0.01";
    sf_spectrum *s;

    (void)state;
    assert_ok(sf_spectrum_parse("power:1e3,-2", &s));
    assert_close(power_at(s, 10.0), 10.0, 1e-13);
    assert_close(power_at(s, 0.0), 0.0, 0.0);
    sf_spectrum_release(&s);
    assert_ok(parse_content(good, sizeof good - 1, &s));
    assert_close(power_at(s, 3.0), 1.0 / 9.0, 1e-14);
    assert_close(power_at(s, 0.0), 0.0, 0.0);
    sf_spectrum_release(&s);
}

static void text_gives_spectra_of_a_cosmology(void **state)
{
    sf_cosmology cosmology = sf_cosmology_default();
    const char *names[] = {"eh98", "nowiggle", "bbks"};
    sf_spectrum *s, *same;

    (void)state;
    assert_ok(sf_spectrum_parse_with("power:2,1,0.5,0", 2, NULL, 0.0, &s));
    assert_close(power_at(s, 0.4), 0.0, 0.0);
    assert_close(power_at(s, 40.0), 80.0, 1e-12);
    sf_spectrum_release(&s);
    assert_ok(sf_spectrum_parse_with("matern:2,1.5,20", 3, NULL, 0.0, &s));
    assert_ok(sf_spectrum_matern(3, 2.0, 1.5, 20.0, &same));
    assert_close(power_at(s, 0.1), power_at(same, 0.1), 0.0);
    sf_spectrum_release(&s);
    sf_spectrum_release(&same);
    cosmology.omega_m = 0.4;
    for (int i = 0; i < 3; i++) {
        assert_ok(sf_spectrum_parse_with(names[i], 3, &cosmology, 2.0, &s));
        assert_ok(sf_spectrum_cosmology(&cosmology, (sf_transfer)i, 2.0, &same));
        assert_close(power_at(s, 0.1), power_at(same, 0.1), 0.0);
        sf_spectrum_release(&s);
        sf_spectrum_release(&same);
        assert_ok(sf_spectrum_parse_with(names[i], 3, NULL, 0.0, &s));
        sf_spectrum_release(&s);
    }
}

/* Beyond its ends a table refuses, unless it is asked to go on. */
static void text_asks_for_extrapolation(void **state)
{
    char path[] = "/tmp/test_spectrum_XXXXXX", text[64];
    double power;
    sf_spectrum *s;

    (void)state;
    write_content("0.1 100\n1 1\n10 0.01", 20, path);
    (void)snprintf(text, sizeof text, "table:%s", path);
    assert_ok(sf_spectrum_parse_with(text, 2, NULL, 0.0, &s));
    assert_close(power_at(s, 3.0), 1.0 / 9.0, 1e-14);
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_power(s, 20.0, &power));
    sf_spectrum_release(&s);
    (void)snprintf(text, sizeof text, "table+:%s", path);
    assert_ok(sf_spectrum_parse_with(text, 2, NULL, 0.0, &s));
    assert_close(power_at(s, 100.0), 1e-4, 1e-17);
    sf_spectrum_release(&s);
    assert_int_equal(unlink(path), 0);
}

/* As sf-spectrum names its columns; in a file beside `path`. */
static void read_measured(const char *text, const char *path)
{
    const double k[] = {0.1, 1.0, 10.0}, error[] = {1.0, 1.0, 1.0}, p[] = {100.0, 1.0, 0.01};
    const sf_column columns[] = {{.name = "K", .values = k},
                                 {.name = "POWER", .values = p},
                                 {.name = "ERROR", .values = error}};
    char beside[80], what[112];
    sf_fits_writer *writer;
    sf_spectrum *s;

    (void)snprintf(beside, sizeof beside, "%s.fits", path);
    (void)snprintf(what, sizeof what, "%s.fits", text);
    assert_ok(sf_fits_writer_create(beside, true, &writer));
    assert_ok(sf_fits_writer_table(writer, "PK", columns, 3, 3));
    assert_ok(sf_fits_writer_close(&writer));
    assert_ok(sf_spectrum_parse(what, &s));
    assert_close(power_at(s, 3.0), 1.0 / 9.0, 1e-14);
    sf_spectrum_release(&s);
    assert_int_equal(unlink(beside), 0);
}

/* A FITS table of k, P among other columns. */
static void fits_tables_are_read(void **state)
{
    char folder[] = "/tmp/test_spectrum_XXXXXX", path[64], text[96];
    const double k[] = {0.1, 1.0, 10.0}, t[] = {1.0, 1.0, 1.0}, p[] = {100.0, 1.0, 0.01};
    const double wrong[] = {1.0, -1.0, 1.0};
    const sf_column good[] = {
        {.name = "T", .values = t}, {.name = "P", .values = p}, {.name = "k", .values = k}};
    const sf_column bad[] = {{.name = "a", .values = k}, {.name = "b", .values = wrong}};
    const sf_column nameless[] = {
        {.name = "a", .values = t}, {.name = "P", .values = p}, {.name = "c", .values = k}};
    sf_fits_writer *writer;
    sf_spectrum *s;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/table.fits", folder);
    (void)snprintf(text, sizeof text, "table:%s", path);
    assert_ok(sf_fits_writer_create(path, true, &writer));
    assert_ok(sf_fits_writer_table(writer, "PK", good, 3, 3));
    assert_ok(sf_fits_writer_table(writer, "BAD", bad, 2, 3));
    assert_ok(sf_fits_writer_table(writer, "NAMELESS", nameless, 3, 3));
    assert_ok(sf_fits_writer_table(writer, "SHORT", good, 3, 2));
    assert_ok(sf_fits_writer_close(&writer));
    assert_ok(sf_spectrum_parse(text, &s));
    assert_close(power_at(s, 3.0), 1.0 / 9.0, 1e-14);
    sf_spectrum_release(&s);
    read_measured(text, path);
    for (int i = 2; i <= 5; i++) {
        const char *words[] = {"row 2: P = -1", "3 columns", "2 points", "HDU"};

        (void)snprintf(text, sizeof text, "table:%s[%d]", path, i);
        assert_int_not_equal(sf_spectrum_parse(text, &s), SF_OK);
        assert_null(s);
        assert_non_null(strstr(sf_last_error(), words[i - 2]));
    }
    (void)snprintf(text, sizeof text, "table:%s.gz[1]", path); /* not there, and not a text */
    assert_status(SF_ERR_IO, sf_spectrum_parse(text, &s));
    assert_null(strstr(sf_last_error(), "cannot open the spectrum"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void long_tables_are_read_whole(void **state)
{
    enum { POINTS = 1000 };
    char *content;
    size_t used = 0;
    sf_spectrum *s;

    (void)state;
    assert_ok(sf_allocate(&content, POINTS, 64));
    for (int i = 1; i <= POINTS; i++)
        used += (size_t)snprintf(content + used, 64, "%d %.17g\n", i, 2.0 + sin(i));
    assert_ok(parse_content(content, used, &s));
    for (int i = 1; i <= POINTS; i++) assert_close(power_at(s, i), 2.0 + sin(i), 1e-13);
    sf_spectrum_release(&s);
    sf_free(content);
}

static void bad_text_is_refused(void **state)
{
    static const struct {
        const char *content, *word;
    } files[] = {
        {"", "0 points"},
        {"1 1\n2 2\n", "2 points"},
        {"1 1\n2 x\n3 3\n", "line 2"},
        {"1 1\n2\n3 3\n", "line 2"},
        {"1 1 1\n", "two columns"},
        {"1 1\n2 2\n2 3\n", "line 3"},
        {"1 1\n2 0\n", "P = 0"},
        {"-1 1\n", "k = -1"},
        {"1 1\n2 2,3\n", "line 2"},
        {"nan 1\n", "k = nan"},
    };
    const char *texts[] = {
        "",           "power",         "power:",         "power:1",         "power:1,",
        "power:a,1",  "power:1,2x",    "power:1,2,3",    "power:-1,2",      "power:nan,1",
        "Power:1,2",  "table",         "power:1,2,3,4,", "power:1,2,3,4,5", "power:1,2,4,3",
        "matern:1,2", "matern:1,2,3,", "matern:1,2,-3",  "eh98x",           "eh",
        "bbks:"};
    char zeros[5000] = {0};
    sf_spectrum *s;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_status(SF_ERR_ARGUMENT, sf_spectrum_parse(texts[i], &s));
        assert_null(s);
        assert_status(SF_ERR_ARGUMENT, sf_spectrum_parse_with(texts[i], 2, NULL, 0.0, &s));
        assert_null(s);
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        assert_int_not_equal(parse_content(files[i].content, strlen(files[i].content), &s), SF_OK);
        assert_null(s);
        assert_non_null(strstr(sf_last_error(), files[i].word));
    }
    assert_status(SF_ERR_FORMAT, parse_content(zeros, sizeof zeros, &s));
    assert_status(SF_ERR_IO, sf_spectrum_parse("table:/nonexistent/file", &s));
    assert_non_null(strstr(sf_last_error(), "/nonexistent/file"));
    assert_status(SF_ERR_IO, sf_spectrum_parse("table:/tmp", &s));
    assert_null(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_law_values),
        cmocka_unit_test(power_laws_are_cut),
        cmocka_unit_test(matern_values),
        cmocka_unit_test(eigenvalues_are_power_over_cell_volume),
        cmocka_unit_test(table_reproduces_a_power_law),
        cmocka_unit_test(table_is_the_natural_spline),
        cmocka_unit_test(tables_end_as_asked),
        cmocka_unit_test(eigenvalues_do_not_depend_on_threads),
        cmocka_unit_test(callback_values_are_checked),
        cmocka_unit_test(overflow_is_an_error),
        cmocka_unit_test(bad_values_are_refused),
        cmocka_unit_test(text_gives_spectra),
        cmocka_unit_test(text_gives_spectra_of_a_cosmology),
        cmocka_unit_test(text_asks_for_extrapolation),
        cmocka_unit_test(fits_tables_are_read),
        cmocka_unit_test(long_tables_are_read_whole),
        cmocka_unit_test(bad_text_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
