/* test_parse.c - densities by name: what each text makes, and what is said of bad ones. */
#include <scorefield/mcmc.h>

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file of this text; its path is in `path`. */
static void write_file(const char *content, char path[64])
{
    FILE *file;
    int fd;

    (void)snprintf(path, 64, "/tmp/scorefield_XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

/* Both give the same log f at four points. */
static void assert_same(sf_density *a, sf_density *b)
{
    double *x, of_a[4], of_b[4];
    size_t n;

    assert_non_null(a);
    assert_non_null(b);
    n = sf_density_dimension(a);
    assert_int_equal(n, sf_density_dimension(b));
    assert_ok(sf_allocate(&x, 4 * n, sizeof *x));
    sf_random_normal(sf_random_make(1, 0), 0, 0, 4 * n, x);
    assert_ok(sf_density_evaluate(a, 4, x, of_a, NULL));
    assert_ok(sf_density_evaluate(b, 4, x, of_b, NULL));
    assert_memory_equal(of_a, of_b, sizeof of_a);
    assert_true(isfinite(of_a[0]));
    sf_free(x);
    sf_density_release(&a);
    sf_density_release(&b);
}

static sf_density *parse(const char *text)
{
    sf_density *density;
    const sf_status status = sf_density_parse(text, &density);

    if (status != SF_OK) print_error("%s\n", sf_last_error());
    assert_ok(status);
    return density;
}

static void texts_make_their_densities(void **state)
{
    const size_t shape[3] = {4, 3, 2};
    const double mean[3] = {2.0, 2.0, 2.0}, variance[3] = {0.25, 0.25, 0.25};
    sf_density *f;

    (void)state;
    assert_ok(sf_density_gaussian(3, NULL, NULL, &f));
    assert_same(parse("gaussian:dim=3"), f);
    assert_ok(sf_density_gaussian(3, mean, variance, &f));
    assert_same(parse("gaussian:dim=3,mean=2,sigma=0.5"), f);
    assert_same(parse("gaussian:sigma=5e-1,mean=2,dim=3"), parse("gaussian:dim=3,mean=2,sigma=.5"));
    assert_ok(sf_density_quartic(2, -2.0, 0.5, &f));
    assert_same(parse("quartic:dim=2,a=-2,b=0.5"), f);
    assert_ok(sf_density_many_well(4, &f));
    assert_same(parse("many-well:dim=4"), f);
    assert_ok(sf_density_funnel(5, &f));
    assert_same(parse("funnel:dim=5"), f);
    assert_ok(sf_density_phi4(3, shape, -4.0, 6.975, &f));
    assert_same(parse("phi4:shape=4x3x2,mass2=-4,lambda=6.975"), f);
    assert_ok(sf_density_free_scalar(1, shape, 0.1, &f));
    assert_same(parse("free-scalar:shape=4,mass2=0.1"), f);
    assert_ok(sf_density_lennard_jones(3, 1.0, 1.0, 1.0, &f));
    assert_same(parse("lj:n=3,trap=1"), f);
    assert_ok(sf_density_lennard_jones(2, 0.1, 5.0, 1.5, &f));
    assert_same(parse("lj:n=2,trap=0.1,epsilon=5,radius=1.5"), f);
    assert_ok(sf_density_xy(3, shape, -0.5, &f));
    assert_same(parse("xy:shape=4x3x2,beta=-0.5"), f);
    assert_ok(sf_density_uniform(2, -9.0, 10.0, &f));
    assert_same(parse("uniform:dim=2,low=-9,high=10"), f);
    assert_ok(sf_density_angles(2, &f));
    assert_same(parse("angles:dim=2"), f);
    assert_ok(sf_density_double_wells(4, &f));
    assert_same(parse("dw4"), f);
    assert_ok(sf_density_double_wells(3, &f));
    assert_same(parse("double-wells:n=3"), f);
}

static sf_density *make_field(const double *spacing, double mean)
{
    const size_t shape[2] = {6, 4};
    sf_spectrum *spectrum;
    sf_density *density;
    sf_field *field;
    sf_grid grid;

    assert_ok(sf_grid_make(2, shape, spacing, &grid));
    assert_ok(sf_spectrum_matern(2, 1.0, 1.5, 20.0, &spectrum));
    assert_ok(sf_field_create(&grid, spectrum, mean, &field));
    assert_ok(sf_density_field(field, &density));
    sf_field_release(&field);
    sf_spectrum_release(&spectrum);
    return density;
}

/* The spectrum's own text has commas. */
static void fields_have_spectra(void **state)
{
    const double unit[2] = {1.0, 1.0}, spacing[2] = {0.5, 10.0};

    (void)state;
    assert_same(parse("field:matern:1,1.5,20,shape=6x4"), make_field(unit, 0.0));
    assert_same(parse("field:matern:1,1.5,20,shape=6x4,box=3x40,mean=1"), make_field(spacing, 1.0));
}

static void mixtures_are_read(void **state)
{
    const double weight[2] = {1.0, 3.0}, sigma[2] = {0.5, 2.0};
    const double mean[6] = {1.0, 2.0, 3.0, -1.0, 0.0, 1.0};
    char path[64], text[128];
    sf_density *f;

    (void)state;
    write_file("# weight sigma x y z\n1 0.5 1 2 3 # the first\n\n3,2, -1,0,1e0\n", path);
    (void)snprintf(text, sizeof text, "mixture:%s", path);
    assert_ok(sf_density_mixture(3, 2, weight, mean, sigma, &f));
    assert_same(parse(text), f);
    unlink(path);
}

static void statistics_are_read(void **state)
{
    const double points[4] = {0.1, 0.2, 0.7, 0.9}, x[6] = {1.0, 2.0, 3.0, 5.0, -1.0, 0.5};
    const double y[3] = {1.0, 0.0, 1.0};
    const sf_logistic_options logistic = {.sigma = 2.0, .intercept = 0.0, .scale = 0.5};
    sf_cox_options cox = sf_cox_options_default();
    char path[64], text[256];
    sf_density *f;

    (void)state;
    write_file("0.1,0.2\n0.7,0.9\n", path);
    cox.grid = 4;
    cox.variance = 1.5;
    cox.length = 0.1;
    cox.whitened = true;
    assert_ok(sf_density_cox(2, points, &cox, &f));
    (void)snprintf(text, sizeof text, "cox:%s,grid=4,variance=1.5,length=0.1,whitened=1", path);
    assert_same(parse(text), f);
    (void)snprintf(text, sizeof text, "cox:%s,grid=4,whitened=2", path);
    assert_status(SF_ERR_ARGUMENT, sf_density_parse(text, &f));
    unlink(path);
    write_file("1 2 1\n3 5 0\n-1 0.5 1\n", path);
    assert_ok(sf_density_logistic(3, 2, x, y, &logistic, &f));
    (void)snprintf(text, sizeof text, "logistic:%s,sigma=2,intercept=0,scale=0.5", path);
    assert_same(parse(text), f);
    (void)snprintf(text, sizeof text, "cox:%s,grid=4", path);
    assert_status(SF_ERR_FORMAT, sf_density_parse(text, &f));
    unlink(path);
}

/* Every name of the list is known. */
static void names_are_known(void **state)
{
    (void)state;
    for (const char *const *usage = sf_density_names(); *usage != NULL; usage++) {
        char text[64];
        sf_density *density;
        sf_status status;

        (void)snprintf(text, sizeof text, "%.*s:nonsense=1", (int)strcspn(*usage, ":"), *usage);
        status = sf_density_parse(text, &density);
        assert_true(status != SF_OK && status != SF_ERR_MEMORY);
        assert_null(density);
        assert_null(strstr(sf_last_error(), "no density of the list"));
    }
}

static void bad_texts_are_named(void **state)
{
    static const struct {
        const char *text, *says;
    } table[] = {
        {"", "no density of the list: gaussian, field, "},
        {"phi5:shape=4x4", "\"phi5:shape=4x4\" is no density of the list"},
        {"phi4", "\"phi4\" lacks shape; give phi4:shape="},
        {"phi4:shape=4x4,mass2=1", "lacks lambda"},
        {"phi4:shape=4x4,mass2=1,lamda=1", "\"lamda=1\" is no part of it"},
        {"phi4:shape=4x4,mass2=1,lambda=1,", "\"\" is no part of it"},
        {"phi4:shape=4x4,mass2=1,mass2=2,lambda=1", "two of mass2"},
        {"phi4:shape=4,4,mass2=1,lambda=1", "\"4\" is no part of it"},
        {"phi4:shape=4x,mass2=1,lambda=1", "shape is \"4x\", which is not one to four"},
        {"phi4:shape=2x2x2x2x2,mass2=1,lambda=1", "shape is \"2x2x2x2x2\""},
        {"phi4:shape=4x-4,mass2=1,lambda=1", "shape is \"4x-4\""},
        {"phi4:shape=4x4,mass2=heavy,lambda=1", "mass2 is \"heavy\", which is not a number"},
        {"phi4:shape=4x4,mass2=,lambda=1", "mass2 is \"\""},
        {"phi4:shape=4x4,mass2=nan,lambda=1", "mass2 is \"nan\""},
        {"phi4:shape=4x4,mass2=-1,lambda=0", "no finite integral"},
        {"many-well:dim=3", "it is even"},
        {"many-well:dim=0", "dim is \"0\""},
        {"many-well:dim=1e3", "dim is \"1e3\""},
        {"many-well:dim=99999999999999999999999", "whole number"},
        {"gaussian:dim=2,sigma=-1", "sigma is \"-1\", which is not above 0"},
        {"dw4:n=4", "\"n=4\" is no part of it"},
        {"mixture:", "names nothing"},
        {"mixture:/nowhere/at.all", "/nowhere/at.all"},
        {"field:matern:1,1.5,20", "lacks shape"},
        {"field:matern:1,2,shape=4x4", "numbers"},
        {"field:matern:1,1.5,20,shape=4x4,box=3", "box is \"3\", which is not one length"},
        {"field:matern:1,1.5,20,shape=4x4,box=3x3x3", "box is \"3x3x3\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        sf_density *density = (sf_density *)&density;

        assert_true(sf_density_parse(table[i].text, &density) != SF_OK);
        assert_null(density);
        if (strstr(sf_last_error(), table[i].says) == NULL)
            print_error("%s: %s\n", table[i].text, sf_last_error());
        assert_non_null(strstr(sf_last_error(), table[i].says));
    }
}

static void bad_mixtures_are_named(void **state)
{
    static const struct {
        const char *content, *says;
    } table[] = {
        {"1 2\n", "2 columns"},       {"1 2 3\n1 2\n", "line 2: a row of 2"},
        {"# none\n", "no numbers"},   {"1 2 three\n", "\"three"},
        {"1 2,,3\n", "line 1: \",3"}, {"1 2 3,\n", "\"3,"},
        {"-1 2 3\n", "weight -1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char path[64], text[128];
        sf_density *density;

        write_file(table[i].content, path);
        (void)snprintf(text, sizeof text, "mixture:%s", path);
        assert_true(sf_density_parse(text, &density) != SF_OK);
        assert_null(density);
        if (strstr(sf_last_error(), table[i].says) == NULL) print_error("%s\n", sf_last_error());
        assert_non_null(strstr(sf_last_error(), table[i].says));
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_make_their_densities),
        cmocka_unit_test(fields_have_spectra),
        cmocka_unit_test(mixtures_are_read),
        cmocka_unit_test(statistics_are_read),
        cmocka_unit_test(names_are_known),
        cmocka_unit_test(bad_texts_are_named),
        cmocka_unit_test(bad_mixtures_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
