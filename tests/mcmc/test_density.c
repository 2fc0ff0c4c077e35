/* test_density.c - every density of the library: its score by differences of its log f, its exact
 * draws and its normalisation by laws and quadrature. */
#include <scorefield/mcmc.h>

#include "mcmc/counted.h"
#include "mcmc/density.h"
#include "mcmc/sample.h"

#include <string.h>

/* ---- all densities -------------------------------------------------------------------------- */

static sf_status make_gaussian(sf_density **f)
{
    const double mean[3] = {1.0, -2.0, 0.5}, variance[3] = {0.25, 4.0, 1.0};

    return sf_density_gaussian(3, mean, variance, f);
}

static sf_status make_dense(sf_density **f)
{
    const double mean[3] = {1.0, -2.0, 0.5};
    const double covariance[9] = {2.0, 0.6, -0.3, 0.6, 1.0, 0.2, -0.3, 0.2, 0.7};

    return sf_density_gaussian_dense(3, mean, covariance, f);
}

static sf_status make_quartic(sf_density **f) { return sf_density_quartic(5, 0.5, 0.25, f); }

static sf_status make_double_well(sf_density **f) { return sf_density_quartic(3, -2.0, 0.5, f); }

static sf_status make_harmonic(sf_density **f) { return sf_density_quartic(2, 2.0, 0.0, f); }

static sf_status make_many_well(sf_density **f) { return sf_density_many_well(18, f); }

static sf_status make_mixture(sf_density **f)
{
    const double weight[3] = {1.0, 2.0, 3.0}, sigma[3] = {1.0, 0.5, 1.5};
    const double mean[6] = {0.0, 1.0, -2.0, 0.5, 2.0, 2.0};

    return sf_density_mixture(2, 3, weight, mean, sigma, f);
}

/* Of a small dimension: the laws below have heavy tails in higher ones. */
static sf_status make_funnel(sf_density **f) { return sf_density_funnel(3, f); }

static sf_status make_gaussian_field(sf_field **field)
{
    const size_t shape[2] = {6, 5};
    const double spacing[2] = {1.0, 0.7};
    sf_spectrum *spectrum = NULL;
    sf_grid grid;
    sf_status status = sf_grid_make(2, shape, spacing, &grid);

    if (status == SF_OK) status = sf_spectrum_power_law(2.0, -1.0, 3.0, &spectrum);
    if (status == SF_OK) status = sf_field_create(&grid, spectrum, 0.5, field);
    sf_spectrum_release(&spectrum);
    return status;
}

static sf_status make_field(sf_density **f)
{
    sf_field *field;
    sf_status status = make_gaussian_field(&field);

    if (status == SF_OK) status = sf_density_field(field, f);
    sf_field_release(&field);
    return status;
}

static sf_status make_prior(sf_density **f)
{
    sf_spectrum *spectrum;
    sf_prior *prior;
    sf_grid grid;
    sf_status status = sf_grid_image(5, 4, &grid);

    if (status == SF_OK) status = sf_spectrum_power_law(2.0, -1.0, 3.0, &spectrum);
    if (status == SF_OK) status = sf_prior_gaussian(&grid, spectrum, 0.5, &prior);
    if (status == SF_OK) status = sf_density_prior(prior, 0.3, f);
    sf_spectrum_release(&spectrum);
    sf_prior_release(&prior);
    return status;
}

static const size_t shape[4] = {3, 2, 4, 5};

static sf_status make_phi4(sf_density **f) { return sf_density_phi4(4, shape, -4.0, 6.975, f); }

static sf_status make_phi4_line(sf_density **f) { return sf_density_phi4(1, shape, 1.0, 0.1, f); }

static sf_status make_free(sf_density **f) { return sf_density_free_scalar(3, shape, 0.4, f); }

static sf_status make_cluster(sf_density **f)
{
    return sf_density_lennard_jones(4, 0.5, 0.3, 0.4, f);
}

static sf_status make_double_wells(sf_density **f) { return sf_density_double_wells(4, f); }

static const double origin[3] = {0.5, -1.0, 2.0};
static const double root[9] = {1.5, 7.0, 7.0, -0.4, 0.6, 7.0, 0.3, 0.2, 0.9}; /* L, 7: unused */

/* The dense Gaussian and the mixture in other coordinates. */
static sf_status make_affine(sf_density **f)
{
    sf_density *dense;
    sf_status status = make_dense(&dense);

    if (status == SF_OK) status = sf_density_affine(dense, origin, NULL, root, f);
    sf_density_release(&dense);
    return status;
}

static sf_status make_scaled(sf_density **f)
{
    sf_density *mixture;
    sf_status status = make_mixture(&mixture);

    if (status == SF_OK)
        status = sf_density_affine(mixture, origin, (const double[]){2.0, 0.3}, NULL, f);
    sf_density_release(&mixture);
    return status;
}

static sf_status make_box(sf_density **f) { return sf_density_uniform(3, -9.0, 10.0, f); }

static sf_status make_angles(sf_density **f) { return sf_density_angles(4, f); }

static sf_status make_xy(sf_density **f) { return sf_density_xy(4, shape, 0.8, f); }

static sf_status make_xy_ring(sf_density **f) { return sf_density_xy(1, shape, -1.5, f); }

static const double pines[12] = {0.1, 0.2, 0.15, 0.9, 1.0, 0.0, 0.7, 0.6, 0.7, 0.5, 1.0, 1.0};

static sf_status make_cox_process(bool whitened, sf_density **f)
{
    sf_cox_options options = sf_cox_options_default();

    options.grid = 3;
    options.length = 0.2;
    options.whitened = whitened;
    return sf_density_cox(6, pines, &options, f);
}

static sf_status make_cox(sf_density **f) { return make_cox_process(false, f); }

static sf_status make_white_cox(sf_density **f) { return make_cox_process(true, f); }

/* In the coordinates of Laplace's approximation. */
static sf_status make_round_cox(sf_density **f)
{
    sf_laplace laplace = {.dimension = 0};
    sf_density *cox;
    sf_status status = make_cox(&cox);

    if (status == SF_OK) status = sf_laplace_find(cox, NULL, &laplace);
    if (status == SF_OK) status = sf_density_affine(cox, laplace.mode, NULL, laplace.factor, f);
    sf_laplace_release(&laplace);
    sf_density_release(&cox);
    return status;
}

enum { ROWS = 11, PREDICTORS = 3 };

/* Its last predictor does not vary. */
static void fill_regression(double *x, double *y)
{
    sf_random_normal(sf_random_make(11, 0), 0, 0, ROWS * PREDICTORS, x);
    for (size_t i = 0; i < ROWS; i++) {
        y[i] = i % 3 == 0 ? 1.0 : 0.0;
        x[PREDICTORS * i] = 3.0 * x[PREDICTORS * i] + 10.0;
        x[PREDICTORS * i + 2] = 0.3;
    }
}

static sf_status make_logistic(sf_density **f)
{
    const sf_logistic_options options = {.sigma = 2.0, .intercept = 5.0, .scale = 0.5};
    double x[ROWS * PREDICTORS], y[ROWS];

    fill_regression(x, y);
    return sf_density_logistic(ROWS, PREDICTORS, x, y, &options, f);
}

static sf_status (*const make[])(sf_density **f) = {
    make_gaussian,  make_dense,     make_quartic,   make_double_well, make_harmonic,
    make_many_well, make_mixture,   make_funnel,    make_field,       make_prior,
    make_phi4,      make_phi4_line, make_free,      make_cluster,     make_double_wells,
    make_affine,    make_scaled,    make_box,       make_angles,      make_xy,
    make_xy_ring,   make_cox,       make_white_cox, make_round_cox,   make_logistic,
};

enum { MAKERS = sizeof make / sizeof *make };

static void scores_are_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < MAKERS; i++) {
        sf_density_check_report report;
        sf_density *f;
        double *x;
        size_t values;

        assert_ok(make[i](&f));
        values = 5 * sf_density_dimension(f);
        assert_ok(sf_allocate(&x, values, sizeof *x));
        sf_random_normal(sf_random_make(2, i), 0, 0, values, x);
        assert_ok(sf_density_check(f, 5, x, 1e-7, &report));
        if (!report.agrees)
            print_error("%s: coordinate %zu of point %zu: %.12g, by differences %.12g\n",
                        sf_density_name(f), report.index, report.point, report.score,
                        report.difference);
        assert_true(report.agrees);
        sf_free(x);
        sf_density_release(&f);
    }
}

/* A batch is its points, whatever is asked for beside the density. */
static void batches_are_their_points(void **state)
{
    (void)state;
    for (size_t i = 0; i < MAKERS; i++) {
        double *x, *score, *own, together[7], alone;
        sf_density *f;
        size_t n;

        assert_ok(make[i](&f));
        n = sf_density_dimension(f);
        assert_ok(sf_allocate(&x, 7 * n, sizeof *x));
        assert_ok(sf_allocate(&score, 7 * n, sizeof *score));
        assert_ok(sf_allocate(&own, n, sizeof *own));
        sf_random_normal(sf_random_make(3, i), 0, 0, 7 * n, x);
        assert_ok(sf_density_evaluate(f, 7, x, together, score));
        for (size_t b = 0; b < 7; b++) {
            assert_ok(sf_density_evaluate(f, 1, x + b * n, &alone, NULL));
            assert_true(alone == together[b]);
            assert_ok(sf_density_evaluate(f, 1, x + b * n, &alone, own));
            assert_true(alone == together[b]);
            assert_memory_equal(own, score + b * n, n * sizeof *own);
        }
        sf_free(x);
        sf_free(score);
        sf_free(own);
        sf_density_release(&f);
    }
}

/* E[score] = 0 and E[x . score] = -n over exact draws, for any density that vanishes far away
 * (Stein's identities). */
static void draws_obey_the_score(void **state)
{
    enum { DRAWS = 20000 };
    static double values[DRAWS];

    (void)state;
    for (size_t i = 0; i < MAKERS; i++) {
        double *x, *score, *log_density;
        sf_density *f;
        size_t n;

        assert_ok(make[i](&f));
        n = sf_density_dimension(f);
        if (sf_density_can_draw(f) && make[i] != make_box && make[i] != make_angles) {
            assert_ok(sf_allocate(&x, DRAWS, n * sizeof *x));
            assert_ok(sf_allocate(&score, DRAWS, n * sizeof *score));
            assert_ok(sf_allocate(&log_density, DRAWS, sizeof *log_density));
            assert_ok(sf_density_draw(f, 9, i, 0, DRAWS, x));
            assert_ok(sf_density_evaluate(f, DRAWS, x, log_density, score));
            for (size_t j = 0; j < 2 && j < n; j++) {
                for (size_t d = 0; d < DRAWS; d++) values[d] = score[d * n + j];
                assert_mean(DRAWS, values, 0.0);
            }
            for (size_t d = 0; d < DRAWS; d++) {
                values[d] = 0.0;
                for (size_t j = 0; j < n; j++) values[d] += x[d * n + j] * score[d * n + j];
            }
            assert_mean(DRAWS, values, -(double)n);
            sf_free(x);
            sf_free(score);
            sf_free(log_density);
        }
        sf_density_release(&f);
    }
}

/* Draw number d is the same one, alone or among others. */
static void draws_are_addressed(void **state)
{
    (void)state;
    for (size_t i = 0; i < MAKERS; i++) {
        double *all, *one;
        sf_density *f;
        size_t n;

        assert_ok(make[i](&f));
        n = sf_density_dimension(f);
        assert_ok(sf_allocate(&all, 20, n * sizeof *all));
        assert_ok(sf_allocate(&one, 3, n * sizeof *one));
        if (sf_density_can_draw(f)) {
            assert_ok(sf_density_draw(f, 1, 2, 100, 20, all));
            assert_ok(sf_density_draw(f, 1, 2, 107, 3, one));
            assert_memory_equal(one, all + 7 * n, 3 * n * sizeof *one);
        } else {
            assert_status(SF_ERR_UNSUPPORTED, sf_density_draw(f, 1, 2, 0, 1, one));
        }
        sf_free(all);
        sf_free(one);
        sf_density_release(&f);
    }
}

/* ---- normalisations ------------------------------------------------------------------------- */

/* Closed forms by Bessel functions K_1/4 and independent quadratures, to all their figures. */
static void log_z_of_quartics(void **state)
{
    static const struct {
        double a, b, log_z, error;
    } table[] = {{0.5, 0.25, 0.660235389856, 1e-12},
                 {1.0, 1.0, 0.313661799576, 1e-12},
                 {-2.0, 0.5, 2.69081181001, 5e-12},
                 {-4.0, 0.25, 16.2383624877, 5e-11}};
    sf_density *f;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_ok(sf_density_quartic(1, table[i].a, table[i].b, &f));
        assert_close(sf_density_log_z(f), table[i].log_z, table[i].error);
        sf_density_release(&f);
    }
    assert_ok(sf_density_many_well(32, &f));
    assert_close(sf_density_log_z(f), 164.695675313, 1e-9);
    sf_density_release(&f);
}

static double log_well(double x, const void *user)
{
    const double *u = user; /* a, b, c of a x^2 + b x^4 + c x */

    return -x * (u[2] + x * (u[0] + u[1] * x * x));
}

/* Moments of exact draws, and how many of the many-well's are in its deeper wells. */
static void draws_have_their_moments(void **state)
{
    enum { DRAWS = 2000, N = 32 };
    static const double coefficients[3][3] = {
        {-6.0, 1.0, -0.5}, {-2.0, 0.5, 0.0}, {0.5, 0.25, 0.0}};
    static double x[DRAWS * N], values[DRAWS * N / 2];
    sf_density *f[3];

    (void)state;
    assert_ok(sf_density_many_well(N, &f[0]));
    assert_ok(sf_density_quartic(N, -2.0, 0.5, &f[1]));
    assert_ok(sf_density_quartic(N, 0.5, 0.25, &f[2]));
    for (size_t k = 0; k < 3; k++) {
        assert_ok(sf_density_draw(f[k], 6, 0, 0, DRAWS, x));
        for (int power = 1; power <= 4; power++) {
            for (size_t i = 0; i < DRAWS * N / 2; i++) values[i] = pow(x[2 * i], power);
            assert_mean(DRAWS * N / 2, values, exact_moment(power, log_well, coefficients[k]));
        }
        for (size_t i = 0; i < DRAWS * N / 2; i++) values[i] = x[2 * i] > 0.0 ? 1.0 : 0.0;
        assert_mean(DRAWS * N / 2, values, k == 0 ? 0.844307096842 : 0.5);
        sf_density_release(&f[k]);
    }
}

/* exp(log f) of the normalised Gaussians sums to 1: by the ratio to a wider one, drawn. */
static void gaussians_are_normalised(void **state)
{
    const double mean[3] = {1.0, -2.0, 0.5}, variance[3] = {4.0, 2.0, 1.5};
    enum { DRAWS = 20000 };
    static double x[3 * DRAWS], of_wide[DRAWS], of_dense[DRAWS];
    sf_density *wide, *dense;

    (void)state;
    assert_ok(sf_density_gaussian(3, mean, variance, &wide));
    assert_ok(make_dense(&dense));
    assert_ok(sf_density_draw(wide, 1, 0, 0, DRAWS, x));
    assert_ok(sf_density_evaluate(wide, DRAWS, x, of_wide, NULL));
    assert_ok(sf_density_evaluate(dense, DRAWS, x, of_dense, NULL));
    for (size_t i = 0; i < DRAWS; i++) of_dense[i] = exp(of_dense[i] - of_wide[i]);
    assert_mean(DRAWS, of_dense, 1.0);
    assert_true(sf_density_log_z(wide) == 0.0 && sf_density_log_z(dense) == 0.0);
    assert_ok(sf_density_evaluate(wide, 1, mean, of_wide, NULL));
    assert_close(of_wide[0], -0.5 * (3.0 * log(2.0 * acos(-1.0)) + log(12.0)), 1e-14);
    sf_density_release(&wide);
    sf_density_release(&dense);
}

/* Fourier sums done elsewhere, for d axes of L sites. */
static void log_z_of_free_scalars(void **state)
{
    static const struct {
        int axes;
        size_t length;
        double mass2, log_z;
    } table[] = {{1, 64, 0.1, 48.7344739155},
                 {2, 16, 0.1, 79.1216882366},
                 {2, 64, 0.1, 1265.73052227},
                 {3, 16, 1.0, -67.5881224656},
                 {4, 8, 0.5, -480.647490214}};
    sf_density *f;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const size_t n = table[i].length, cube[4] = {n, n, n, n};

        assert_ok(sf_density_free_scalar(table[i].axes, cube, table[i].mass2, &f));
        assert_close(sf_density_log_z(f), table[i].log_z, 1e-11 * fabs(table[i].log_z));
        sf_density_release(&f);
    }
}

/* log f + log Z of exact draws is that of the same field by its modes. */
static void lattices_are_fields(void **state)
{
    enum { SITES = 3 * 2 * 4 };
    double x[4 * SITES], of_lattice[4], of_field[4], lambda[3 * 2 * 3];
    sf_density *lattice, *field_density;
    sf_field *field;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(3, shape, NULL, &grid));
    assert_ok(sf_density_free_scalar(3, shape, 0.4, &lattice));
    for (size_t k = 0; k < sf_grid_half_size(&grid); k++) {
        long m[SF_GRID_MAX_AXES];
        double sum = 0.4;

        sf_grid_mode(&grid, k, m);
        for (int a = 0; a < 3; a++)
            sum += 2.0 - 2.0 * cos(2.0 * acos(-1.0) * (double)m[a] / (double)shape[a]);
        lambda[k] = 1.0 / sum;
    }
    assert_ok(sf_field_from_eigenvalues(&grid, lambda, 0.0, &field));
    assert_ok(sf_density_field(field, &field_density));
    assert_ptr_equal(sf_density_as_field(field_density), field);
    assert_null(sf_density_as_field(lattice));
    sf_random_normal(sf_random_make(4, 0), 0, 0, 4 * SITES, x);
    assert_ok(sf_density_evaluate(lattice, 4, x, of_lattice, NULL));
    assert_ok(sf_density_evaluate(field_density, 4, x, of_field, NULL));
    for (size_t i = 0; i < 4; i++) {
        double direct;

        assert_close(of_lattice[i] - sf_density_log_z(lattice), of_field[i], 1e-11);
        assert_ok(sf_field_log_density(field, x + i * SITES, 0.0, &direct));
        assert_close(of_field[i], direct, 1e-11);
    }
    sf_field_release(&field);
    sf_density_release(&lattice);
    sf_density_release(&field_density);
}

/* log f and exact draws in other coordinates are those of the density itself. */
static void coordinates_change(void **state)
{
    double z[6] = {0.3, -0.2, 1.0, 2.0, 0.0, -1.0}, x[6], of_z[2], of_x[2];
    sf_density *dense, *affine;

    (void)state;
    assert_ok(make_dense(&dense));
    assert_ok(make_affine(&affine));
    memcpy(x, z, sizeof x);
    assert_ok(sf_affine_apply(3, origin, NULL, root, 2, x));
    assert_close(x[2], 2.0 + 0.3 * 0.3 - 0.2 * 0.2 + 0.9 * 1.0, 1e-14);
    assert_ok(sf_density_evaluate(dense, 2, x, of_x, NULL));
    assert_ok(sf_density_evaluate(affine, 2, z, of_z, NULL));
    for (size_t i = 0; i < 2; i++) assert_close(of_z[i], of_x[i] + log(1.5 * 0.6 * 0.9), 1e-13);
    assert_true(sf_density_log_z(affine) == 0.0);
    assert_ok(sf_density_draw(affine, 4, 1, 0, 2, z));
    assert_ok(sf_affine_apply(3, origin, NULL, root, 2, z));
    for (size_t i = 0; i < 6; i++) assert_true(isfinite(z[i]));
    sf_density_release(&affine);
    assert_status(SF_ERR_ARGUMENT, sf_density_affine(dense, NULL, NULL, NULL, &affine));
    assert_null(affine);
    assert_status(SF_ERR_ARGUMENT, sf_density_affine(dense, NULL, origin, NULL, &affine));
    sf_density_release(&dense);
}

/* A Gaussian is its own Laplace approximation, in 70 dimensions too. */
static void laplace_finds_gaussians(void **state)
{
    enum { N = 70 };
    const double covariance[9] = {2.0, 0.6, -0.3, 0.6, 1.0, 0.2, -0.3, 0.2, 0.7};
    const double mean[3] = {1.0, -2.0, 0.5};
    double means[N], variances[N];
    atomic_size_t points;
    sf_laplace laplace;
    sf_density *f, *known;

    (void)state;
    assert_ok(make_dense(&known));
    f = count_points(known, &points);
    sf_density_release(&known);
    assert_ok(sf_laplace_find(f, NULL, &laplace));
    assert_int_equal(laplace.evaluations, atomic_load(&points));
    assert_close(laplace.log_z, 0.0, 1e-7);
    for (size_t i = 0; i < 3; i++) {
        assert_close(laplace.mode[i], mean[i], 1e-4);
        for (size_t j = 0; j < 3; j++) {
            double sum = 0.0;

            for (size_t k = 0; k < 3; k++)
                sum += laplace.factor[3 * i + k] * laplace.factor[3 * j + k];
            assert_close(sum, covariance[3 * i + j], 1e-7);
        }
    }
    sf_laplace_release(&laplace);
    sf_density_release(&f);
    for (size_t i = 0; i < N; i++) {
        means[i] = 0.1 * (double)i;
        variances[i] = 1.0 + 0.05 * (double)i;
    }
    assert_ok(sf_density_gaussian(N, means, variances, &f));
    assert_ok(sf_laplace_find(f, NULL, &laplace));
    assert_close(laplace.log_z, 0.0, 1e-6);
    assert_close(laplace.mode[69], 6.9, 1e-4);
    assert_close(laplace.factor[70 * 69 + 69], sqrt(variances[69]), 1e-6);
    sf_laplace_release(&laplace);
    sf_density_release(&f);
}

/* exp(-x^2/2 - x^4/4), whose curvature at the mode is 1; and a saddle is no mode. */
static void laplace_is_no_more_than_that(void **state)
{
    sf_laplace laplace;
    sf_density *f;

    (void)state;
    assert_ok(sf_density_quartic(3, 0.5, 0.25, &f));
    assert_ok(sf_laplace_find(f, (const double[]){0.7, -0.2, 1.0}, &laplace));
    assert_close(laplace.log_z, 1.5 * log(2.0 * acos(-1.0)), 1e-6);
    sf_laplace_release(&laplace);
    sf_density_release(&f);
    assert_ok(sf_density_quartic(3, -2.0, 0.5, &f));
    assert_status(SF_ERR_NUMERIC, sf_laplace_find(f, NULL, &laplace));
    assert_null(laplace.mode);
    sf_density_release(&f);
}

/* One site: the free field of m = mass2 + 3 lambda/m. A lattice: no other mass has a higher bound
 * log Z_free + <S_free - S>, here with <phi^2> from the derivative of log Z_free. */
static void phi4_suggests_a_base(void **state)
{
    const size_t one = 1, square[2] = {4, 6};
    const double h = 1e-5, mass2 = -4.0, lambda = 6.975;
    sf_density *f, *base, *other;
    double m = 0.0, step = 1e-3, best, phi = 0.1, log_density;

    (void)state;
    assert_ok(sf_density_phi4(1, &one, -1.0, 2.0, &f));
    assert_ok(sf_density_base(f, &base));
    m = 0.5 * (-1.0 + sqrt(1.0 + 24.0));
    assert_close(sf_density_log_z(base), 0.5 * log(acos(-1.0) / m), 1e-8);
    assert_ok(sf_density_evaluate(base, 1, &phi, &log_density, NULL));
    assert_close(log_density, -m * 0.01, 1e-8);
    assert_status(SF_ERR_UNSUPPORTED, sf_density_base(base, &other));
    sf_density_release(&base);
    sf_density_release(&f);

    assert_ok(sf_density_phi4(2, square, mass2, lambda, &f));
    assert_ok(sf_density_base(f, &base));
    best = -HUGE_VAL;
    m = 0.0;
    for (double trial = 0.5; trial < 4.0; trial += step) {
        double log_z[3], variance, bound;

        for (int k = 0; k < 3; k++) {
            assert_ok(sf_density_phi4(2, square, trial + (k - 1) * h, 0.0, &other));
            log_z[k] = sf_density_log_z(other);
            sf_density_release(&other);
        }
        variance = (log_z[0] - log_z[2]) / (2.0 * h) / 24.0;
        bound = log_z[1] + 24.0 * ((trial - mass2) * variance - 3.0 * lambda * variance * variance);
        if (bound > best) {
            best = bound;
            m = trial;
        }
    }
    assert_ok(sf_density_phi4(2, square, m, 0.0, &other));
    assert_close(sf_density_log_z(base), sf_density_log_z(other), 24.0 * step);
    sf_density_release(&other);
    sf_density_release(&base);
    sf_density_release(&f);
}

/* The action of a small lattice, link by link. */
static void phi4_is_its_action(void **state)
{
    const size_t square[2] = {3, 4};
    double phi[12], action = 0.0, log_density;
    sf_density *f;

    (void)state;
    sf_random_normal(sf_random_make(5, 0), 0, 0, 12, phi);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 4; j++) {
            const double own = phi[4 * i + j], square_of = own * own;
            const double down = phi[4 * ((i + 1) % 3) + j] - own;
            const double right = phi[4 * i + (j + 1) % 4] - own;

            action += down * down + right * right - 4.0 * square_of + 6.975 * square_of * square_of;
        }
    assert_ok(sf_density_phi4(2, square, -4.0, 6.975, &f));
    assert_ok(sf_density_evaluate(f, 1, phi, &log_density, NULL));
    assert_close(log_density, -action, 1e-12 * fabs(action));
    assert_true(isnan(sf_density_log_z(f)));
    sf_density_release(&f);
}

/* Two sites: two links. exp(-S) by a sum over the plane, and by a transfer matrix elsewhere for
 * S = sum (dphi)^2/2 + phi^2/2 + phi^4/10, in units of sqrt 2. */
static void log_z_of_two_sites(void **state)
{
    const size_t two = 2;
    const double step = 0.05;
    double sum = 0.0, log_density;
    sf_density *f;

    (void)state;
    assert_ok(sf_density_phi4(1, &two, 1.0, 0.4, &f));
    for (double a = -5.0; a < 5.0; a += step)
        for (double b = -5.0; b < 5.0; b += step) {
            assert_ok(sf_density_evaluate(f, 1, (const double[]){a, b}, &log_density, NULL));
            sum += exp(log_density) * step * step;
        }
    assert_close(log(sum) + log(2.0), 0.893243851369, 1e-11);
    sf_density_release(&f);
}

/* Two particles, by quadrature over their distance; elsewhere by quadrature of a closed form. */
static void log_z_of_two_particles(void **state)
{
    const double pi = acos(-1.0), trap = 0.1, step = 1e-3;
    double sum = 0.0, log_density;
    sf_density *f;

    (void)state;
    assert_ok(sf_density_lennard_jones(2, trap, 1.0, pow(2.0, 1.0 / 6.0), &f));
    for (double r = 0.3; r < 40.0; r += step) {
        const double x[6] = {0.5 * r, 0.0, 0.0, -0.5 * r, 0.0, 0.0};

        assert_ok(sf_density_evaluate(f, 1, x, &log_density, NULL));
        sum += 4.0 * pi * r * r * exp(log_density) * step;
    }
    assert_close(log(sum) + 1.5 * log(pi / trap), 12.4282453157, 1e-9);
    sf_density_release(&f);
    sum = 0.0;
    assert_ok(sf_density_double_wells(2, &f));
    assert_int_equal(sf_density_dimension(f), 2);
    for (double r = 0.0; r < 8.0; r += step) {
        assert_ok(
            sf_density_evaluate(f, 1, (const double[]){0.6 * r, 0.8 * r}, &log_density, NULL));
        sum += 2.0 * pi * r * exp(log_density) * step;
    }
    assert_close(log(sum), 7.26039, 5e-6);
    sf_density_release(&f);
}

/* In the coordinates without centre of mass distances are what they are: three particles, by hand.
 */
static void coordinates_are_orthonormal(void **state)
{
    const double x[3][2] = {{1.0, 2.0}, {-3.0, 0.5}, {2.0, -4.0}};
    double z[4], energy = 0.0, log_density;
    sf_density *f;

    (void)state;
    for (size_t a = 0; a < 2; a++) {
        z[a] = (x[0][a] - x[1][a]) / sqrt(2.0);
        z[2 + a] = (x[0][a] + x[1][a] - 2.0 * x[2][a]) / sqrt(6.0);
    }
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < i; j++) {
            const double d = hypot(x[i][0] - x[j][0], x[i][1] - x[j][1]) - 4.0;

            energy += -4.0 * d * d + 0.9 * d * d * d * d;
        }
    assert_ok(sf_density_double_wells(3, &f));
    assert_ok(sf_density_evaluate(f, 1, z, &log_density, NULL));
    assert_close(log_density, -energy, 1e-12 * fabs(energy));
    sf_density_release(&f);
}

/* Particles in one place have no energy that is a number, and no weight. */
static void particles_in_one_place(void **state)
{
    const double x[6] = {1.0, 2.0, 3.0, 1.0, 2.0, 3.0};
    double log_density, score[6];
    sf_density *f;

    (void)state;
    assert_ok(sf_density_lennard_jones(2, 1.0, 1.0, 1.0, &f));
    assert_ok(sf_density_evaluate(f, 1, x, &log_density, score));
    assert_true(log_density == -INFINITY && score[0] == 0.0);
    sf_density_release(&f);
}

/* ---- angles --------------------------------------------------------------------------------- */

/* Draws lie in the box and fill it; log f is minus its volume's logarithm inside, and 0 is outside.
 */
static void boxes_are_uniform(void **state)
{
    enum { DRAWS = 20000 };
    static double x[2 * DRAWS], values[DRAWS];
    const double outside[6] = {-1.0, 5.0, 0.0, 2.0 + 1e-9, NAN, 0.0};
    double log_density[3];
    sf_density *f;

    (void)state;
    assert_ok(sf_density_uniform(2, -3.0, 2.0, &f));
    assert_ok(sf_density_draw(f, 1, 0, 0, DRAWS, x));
    for (size_t d = 0; d < DRAWS; d++) {
        assert_true(x[2 * d] > -3.0 && x[2 * d] < 2.0);
        values[d] = x[2 * d] * x[2 * d + 1] + x[2 * d] * x[2 * d];
    }
    assert_mean(DRAWS, values, 0.25 + 25.0 / 12.0 + 0.25);
    assert_ok(sf_density_evaluate(f, DRAWS, x, values, NULL));
    for (size_t d = 0; d < DRAWS; d++) assert_true(values[d] == -2.0 * log(5.0));
    assert_ok(sf_density_evaluate(f, 3, outside, log_density, NULL));
    for (size_t i = 0; i < 3; i++) assert_true(log_density[i] == -INFINITY);
    assert_true(sf_density_log_z(f) == 0.0 && sf_density_period(f) == 0.0);
    sf_density_release(&f);
}

/* The action of a small lattice, link by link, and that turns by 2 pi change nothing. */
static void xy_is_its_action(void **state)
{
    const size_t square[2] = {2, 3};
    double x[6], action = 0.0, log_density, turned;
    sf_density *f;

    (void)state;
    sf_random_normal(sf_random_make(8, 0), 0, 0, 6, x);
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 3; j++)
            action -= 0.7 * (cos(x[3 * i + j] - x[3 * ((i + 1) % 2) + j]) +
                             cos(x[3 * i + j] - x[3 * i + (j + 1) % 3]));
    assert_ok(sf_density_xy(2, square, 0.7, &f));
    assert_close(sf_density_period(f), 2.0 * acos(-1.0), 1e-15);
    assert_ok(sf_density_evaluate(f, 1, x, &log_density, NULL));
    assert_close(log_density, -action, 1e-14);
    for (size_t i = 0; i < 6; i++) x[i] += (double)(7 * i) * sf_density_period(f);
    assert_ok(sf_density_evaluate(f, 1, x, &turned, NULL));
    assert_close(turned, log_density, 1e-13);
    assert_true(isnan(sf_density_log_z(f)));
    sf_density_release(&f);
}

/* Sums of Bessel functions done elsewhere; and the mean of f over all angles. */
static void log_z_of_xy_models(void **state)
{
    static const struct {
        size_t sites;
        double beta, log_z;
    } rings[] = {{16, 1.0, 33.1806677698}, {64, 4.0, 272.822558084}, {64, 1.0, 132.722651195}};
    enum { DRAWS = 400000, SITES = 16 };
    static double x[DRAWS * SITES], values[DRAWS];
    const double log_volume = SITES * log(2.0 * acos(-1.0));
    const size_t square[2] = {4, 4}, one = 1, two = 2;
    sf_density *f, *angles;

    (void)state;
    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++) {
        assert_ok(sf_density_xy(1, &rings[i].sites, rings[i].beta, &f));
        assert_close(sf_density_log_z(f), rings[i].log_z, 1e-11 * rings[i].log_z);
        sf_density_release(&f);
    }
    assert_ok(sf_density_xy(1, &one, -3.0, &f)); /* a link to itself, cos 0 */
    assert_close(sf_density_log_z(f), log(2.0 * acos(-1.0)) - 3.0, 1e-13);
    sf_density_release(&f);
    assert_ok(sf_density_xy(1, &two, 0.0, &f));
    assert_close(sf_density_log_z(f), 2.0 * log(2.0 * acos(-1.0)), 1e-14);
    sf_density_release(&f);
    assert_ok(sf_density_angles(SITES, &angles));
    assert_ok(sf_density_xy(2, square, 0.5, &f));
    assert_ok(sf_density_draw(angles, 3, 0, 0, DRAWS, x));
    assert_ok(sf_density_evaluate(f, DRAWS, x, values, NULL));
    for (size_t d = 0; d < DRAWS; d++) values[d] = exp(values[d]);
    assert_mean(DRAWS, values, exp(31.6032732686 - log_volume));
    sf_density_release(&f);
    sf_density_release(&angles);
}

/* ---- statistics ----------------------------------------------------------------------------- */

/* The covariance of the 3 x 3 cells of make_cox, and its factor by rows. */
static void factor_of_cox(double *covariance, double *factor)
{
    for (size_t i = 0; i < 9; i++)
        for (size_t j = 0; j < 9; j++) {
            const double down = ((double)(i / 3) - (double)(j / 3)) / 3.0;
            const double right = ((double)(i % 3) - (double)(j % 3)) / 3.0;

            covariance[9 * i + j] = 1.91 * exp(-sqrt(down * down + right * right) / 0.2);
        }
    for (size_t i = 0; i < 9; i++)
        for (size_t j = 0; j <= i; j++) {
            double rest = covariance[9 * i + j];

            for (size_t k = 0; k < j; k++) rest -= factor[9 * i + k] * factor[9 * j + k];
            factor[9 * i + j] = i == j ? sqrt(rest) : rest / factor[9 * j + j];
        }
}

/* The lower root of the inverse of a positive definite matrix, by hand: from the lower right corner
 * A = U U^T with U upper, so A^-1 = U^-T U^-1 and the root is U^-T. */
static void invert_root(size_t n, const double *a, double *inverse)
{
    double u[81] = {0.0};

    for (size_t j = n; j-- > 0;)
        for (size_t i = j + 1; i-- > 0;) {
            double rest = a[n * i + j];

            for (size_t k = j + 1; k < n; k++) rest -= u[n * i + k] * u[n * j + k];
            u[n * i + j] = i == j ? sqrt(rest) : rest / u[n * j + j];
        }
    memset(inverse, 0, n * n * sizeof *inverse);
    for (size_t c = 0; c < n; c++)
        for (size_t i = c; i < n; i++) {
            double rest = i == c ? 1.0 : 0.0;

            for (size_t k = c; k < i; k++) rest -= u[n * k + i] * inverse[n * k + c];
            inverse[n * i + c] = rest / u[n * i + i];
        }
}

/* A Gaussian of that covariance and Poisson counts by hand; and white coordinates are those of
 * x = mean + L z. */
static void cox_is_prior_and_counts(void **state)
{
    static const double count[9] = {1.0, 0.0, 1.0, 0.0, 0.0, 2.0, 1.0, 0.0, 1.0};
    double covariance[81], factor[81], mean[9], x[9], z[9], of_x, of_z, prior, log_det = 0.0;
    sf_density *f, *white, *gaussian, *base;

    (void)state;
    factor_of_cox(covariance, factor);
    for (size_t i = 0; i < 9; i++) mean[i] = log(6.0) - 1.91 / 2.0;
    assert_ok(sf_density_gaussian_dense(9, mean, covariance, &gaussian));
    assert_ok(make_cox(&f));
    assert_ok(make_white_cox(&white));
    sf_random_normal(sf_random_make(12, 0), 0, 0, 9, z);
    for (size_t i = 0; i < 9; i++) {
        x[i] = mean[i];
        for (size_t j = 0; j <= i; j++) x[i] += factor[9 * i + j] * z[j];
        log_det += log(factor[10 * i]);
    }
    assert_ok(sf_density_evaluate(f, 1, x, &of_x, NULL));
    assert_ok(sf_density_evaluate(white, 1, z, &of_z, NULL));
    assert_close(of_z, of_x + log_det, 1e-12);
    assert_ok(sf_density_evaluate(gaussian, 1, x, &prior, NULL));
    of_z = prior;
    for (size_t i = 0; i < 9; i++) of_z += count[i] * x[i] - exp(x[i]) / 9.0;
    assert_close(of_x, of_z, 1e-12);
    assert_ok(sf_density_base(f, &base));
    assert_ok(sf_density_evaluate(base, 1, x, &of_z, NULL));
    assert_close(of_z, prior, 1e-12);
    sf_density_release(&base);
    sf_density_release(&gaussian);
    sf_density_release(&white);
    sf_density_release(&f);
}

/* At any point and with any factor that fits it, the coordinates' own way is the way through x;
 * a factor that does not fit goes through x. */
static void cox_has_a_shorter_way(void **state)
{
    double covariance[81], factor[81] = {0.0}, precision[81], centre[9], x[9], z[9];
    double of_x, of_z, log_det;
    sf_density *f, *affine;

    (void)state;
    assert_ok(make_cox(&f));
    factor_of_cox(covariance, factor);
    sf_random_normal(sf_random_make(13, 0), 0, 0, 9, centre);
    sf_random_normal(sf_random_make(13, 0), 1, 0, 9, z);
    assert_ok(sf_density_precision(f, centre, precision));
    for (int which = 0; which < 3; which++) { /* the prior's, the curvature's, neither */
        if (which == 1) invert_root(9, precision, factor);
        for (size_t i = 0; i < 81 && which == 2; i++) factor[i] *= 1.1;
        assert_ok(sf_density_affine(f, centre, NULL, factor, &affine));
        assert_string_equal(sf_density_name(affine), which < 2 ? "cox" : "affine");
        log_det = 0.0;
        for (size_t i = 0; i < 9; i++) {
            x[i] = centre[i];
            for (size_t j = 0; j <= i; j++) x[i] += factor[9 * i + j] * z[j];
            log_det += log(factor[10 * i]);
        }
        assert_ok(sf_density_evaluate(f, 1, x, &of_x, NULL));
        assert_ok(sf_density_evaluate(affine, 1, z, &of_z, NULL));
        assert_close(of_z, of_x + log_det, 1e-11);
        sf_density_release(&affine);
    }
    sf_density_release(&f);
}

/* Minus the Hessian, by differences of the score. */
static void cox_knows_its_precision(void **state)
{
    double x[9], precision[81], low[9], high[9], log_f;
    sf_density *f;

    (void)state;
    assert_ok(make_cox(&f));
    sf_random_normal(sf_random_make(14, 0), 0, 0, 9, x);
    assert_ok(sf_density_precision(f, x, precision));
    for (size_t i = 0; i < 9; i++) {
        const double at = x[i], step = 1e-5;

        x[i] = at - step;
        assert_ok(sf_density_evaluate(f, 1, x, &log_f, low));
        x[i] = at + step;
        assert_ok(sf_density_evaluate(f, 1, x, &log_f, high));
        x[i] = at;
        for (size_t j = 0; j < 9; j++)
            assert_close(precision[9 * i + j], (low[j] - high[j]) / (2.0 * step), 1e-7);
    }
    sf_density_release(&f);
}

/* Row by row, with predictors made standard by hand. */
static void logistic_is_its_rows(void **state)
{
    const double beta[4] = {0.3, -1.2, 0.7, 2.0}, sigma[4] = {5.0, 2.0, 2.0, 2.0};
    double x[ROWS * PREDICTORS], y[ROWS], t[ROWS], expected = 0.0, log_density;
    sf_density *f;

    (void)state;
    fill_regression(x, y);
    for (size_t i = 0; i < ROWS; i++) t[i] = beta[0];
    for (size_t j = 0; j < 2; j++) {
        double mean = 0.0, square = 0.0;

        for (size_t i = 0; i < ROWS; i++) mean += x[PREDICTORS * i + j] / ROWS;
        for (size_t i = 0; i < ROWS; i++) square += pow(x[PREDICTORS * i + j] - mean, 2.0) / ROWS;
        for (size_t i = 0; i < ROWS; i++)
            t[i] += beta[1 + j] * 0.5 * (x[PREDICTORS * i + j] - mean) / sqrt(square);
    }
    for (size_t j = 0; j < 4; j++)
        expected -= 0.5 * pow(beta[j] / sigma[j], 2.0) + log(sigma[j] * sqrt(2.0 * acos(-1.0)));
    for (size_t i = 0; i < ROWS; i++)
        expected += log(y[i] == 1.0 ? 1.0 / (1.0 + exp(-t[i])) : 1.0 / (1.0 + exp(t[i])));
    assert_ok(make_logistic(&f));
    assert_ok(sf_density_evaluate(f, 1, beta, &log_density, NULL));
    assert_close(log_density, expected, 1e-13 * fabs(expected));
    sf_density_release(&f);
}

/* One row is as likely as its opposite: Z is 1/2. And large numbers do not overflow. */
static void logistic_of_one_row(void **state)
{
    const sf_logistic_options plain = {.sigma = 3.0};
    const double x[2] = {1e4, -1e4}, y[2] = {1.0, 1.0}, far[2] = {5.0, -5.0}, one = 0.7;
    double log_density[2], score[2], sum = 0.0;
    sf_density *f;

    (void)state;
    assert_ok(sf_density_logistic(2, 1, x, y, &plain, &f));
    assert_ok(sf_density_evaluate(f, 2, far, log_density, score));
    assert_close(log_density[0], -5e4 - 12.5 / 9.0 - log(3.0 * sqrt(2.0 * acos(-1.0))), 1e-9);
    assert_close(score[0], -1e4 - 5.0 / 9.0, 1e-9);
    assert_true(score[1] == -score[0] && log_density[1] == log_density[0]);
    sf_density_release(&f);
    assert_ok(sf_density_logistic(1, 1, &one, y, &plain, &f));
    for (int i = -3000; i <= 3000; i++) {
        const double beta = 0.01 * i;

        assert_ok(sf_density_evaluate(f, 1, &beta, log_density, NULL));
        sum += 0.01 * exp(log_density[0]);
    }
    assert_close(sum, 0.5, 1e-12);
    sf_density_release(&f);
}

static void log_z_of_mixtures(void **state)
{
    const double weight[3] = {1.0, 2.0, 3.0}, sigma[3] = {1.0, 0.5, 1.5};
    static double mean[150];
    sf_density *f;

    (void)state;
    assert_ok(sf_density_mixture(2, 3, weight, mean, sigma, &f));
    assert_close(sf_density_log_z(f), 3.94809026676, 1e-11);
    sf_density_release(&f);
    assert_ok(sf_density_mixture(50, 3, weight, mean, sigma, &f));
    assert_close(sf_density_log_z(f), 67.3187943548, 1e-9);
    sf_density_release(&f);
}

/* ---- the checker and errors ------------------------------------------------------------------ */

/* N(0, 1) whose score in coordinate 2 is a fifth too large. */
static sf_status wrong_evaluate(const void *self, size_t batch, const double *x,
                                double *log_density, double *score)
{
    (void)self;
    for (size_t b = 0; b < batch; b++) {
        log_density[b] = 0.0;
        for (size_t i = 0; i < 4; i++) {
            log_density[b] -= 0.5 * x[4 * b + i] * x[4 * b + i];
            if (score != NULL) score[4 * b + i] = -x[4 * b + i] * (i == 2 ? 1.2 : 1.0);
        }
    }
    return SF_OK;
}

static const sf_density_methods wrong_methods = {.name = "wrong", .evaluate = wrong_evaluate};
static const sf_density_methods no_methods = {.name = "none"};

static void a_wrong_score_is_named(void **state)
{
    const double x[8] = {1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 4.0, 5.0};
    sf_density_check_report report;
    sf_density *f;

    (void)state;
    assert_ok(sf_density_create(&wrong_methods, NULL, 4, &f));
    assert_ok(sf_density_check(f, 2, x, 1e-6, &report));
    assert_false(report.agrees);
    assert_int_equal(report.index, 2);
    assert_close(report.score / report.difference, 1.2, 1e-8);
    sf_density_release(&f);
}

static void nonsense_is_refused(void **state)
{
    const double bad[4] = {1.0, 2.0, 2.0, 1.0}, skew[4] = {1.0, 0.1, 0.2, 1.0};
    const double negative[1] = {-1.0}, one[1] = {1.0};
    const double outside[2] = {0.5, 1.5};
    sf_cox_options cox = sf_cox_options_default();
    sf_logistic_options logistic = sf_logistic_options_default();
    sf_density *f, *angles;
    sf_prior *prior;
    sf_spectrum *spectrum;
    sf_field *field;
    sf_grid grid;

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_density_create(&no_methods, NULL, 4, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_create(&wrong_methods, NULL, 0, &f));
    assert_status(SF_ERR_NUMERIC, sf_density_gaussian_dense(2, NULL, bad, &f));
    assert_null(f);
    assert_status(SF_ERR_NUMERIC, sf_density_gaussian_dense(2, NULL, skew, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_gaussian(1, NULL, negative, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_quartic(1, -1.0, 0.0, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_quartic(1, NAN, 1.0, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_many_well(7, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_many_well(0, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_funnel(1, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_lennard_jones(1, 1.0, 1.0, 1.0, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_lennard_jones(3, 0.0, 1.0, 1.0, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_double_wells(1, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_phi4(2, shape, -1.0, 0.0, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_phi4(5, shape, 1.0, 1.0, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_free_scalar(2, shape, 0.0, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_xy(2, shape, INFINITY, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_xy(0, shape, 1.0, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_uniform(2, 1.0, 1.0, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_uniform(2, -1e308, 1e308, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_angles(0, &f));
    assert_ok(sf_density_angles(1, &angles));
    assert_status(SF_ERR_ARGUMENT, sf_density_affine(angles, NULL, one, NULL, &f));
    sf_density_release(&angles);
    assert_status(SF_ERR_ARGUMENT, sf_density_mixture(1, 0, one, one, one, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_mixture(1, 1, one, one, negative, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_cox(1, outside, &cox, &f));
    assert_non_null(strstr(sf_last_error(), "point 0 of a Cox process, (0.5, 1.5)"));
    assert_status(SF_ERR_ARGUMENT, sf_density_cox(0, NULL, &cox, &f));
    cox.grid = 0;
    assert_status(SF_ERR_ARGUMENT, sf_density_cox(1, bad, &cox, &f));
    cox.grid = (size_t)1 << 33;
    assert_status(SF_ERR_ARGUMENT, sf_density_cox(1, bad, &cox, &f));
    assert_status(SF_ERR_ARGUMENT, sf_density_logistic(1, 1, one, outside, &logistic, &f));
    assert_non_null(strstr(sf_last_error(), "response 0"));
    logistic.sigma = 0.0;
    assert_status(SF_ERR_ARGUMENT, sf_density_logistic(1, 1, one, one, &logistic, &f));
    logistic = (sf_logistic_options){.sigma = 1.0};
    assert_status(SF_ERR_ARGUMENT, sf_density_logistic(1, 0, one, one, &logistic, &f));
    assert_ok(sf_grid_image(4, 4, &grid));
    assert_ok(sf_prior_total_variation(&grid, 1.0, 1e-3, &prior));
    assert_status(SF_ERR_UNSUPPORTED, sf_density_prior(prior, 0.1, &f));
    assert_null(f);
    sf_prior_release(&prior);
    assert_ok(sf_spectrum_power_law(1.0, -1.0, 0.0, &spectrum));
    assert_ok(sf_field_create(&grid, spectrum, 0.0, &field));
    assert_status(SF_ERR_ARGUMENT, sf_density_field(field, &f));
    assert_non_null(strstr(sf_last_error(), "P(0) above 0"));
    sf_field_release(&field);
    sf_spectrum_release(&spectrum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_gradients),
        cmocka_unit_test(cox_is_prior_and_counts),
        cmocka_unit_test(cox_has_a_shorter_way),
        cmocka_unit_test(cox_knows_its_precision),
        cmocka_unit_test(logistic_is_its_rows),
        cmocka_unit_test(logistic_of_one_row),
        cmocka_unit_test(batches_are_their_points),
        cmocka_unit_test(draws_obey_the_score),
        cmocka_unit_test(draws_are_addressed),
        cmocka_unit_test(log_z_of_quartics),
        cmocka_unit_test(gaussians_are_normalised),
        cmocka_unit_test(draws_have_their_moments),
        cmocka_unit_test(log_z_of_free_scalars),
        cmocka_unit_test(lattices_are_fields),
        cmocka_unit_test(coordinates_change),
        cmocka_unit_test(laplace_finds_gaussians),
        cmocka_unit_test(laplace_is_no_more_than_that),
        cmocka_unit_test(phi4_suggests_a_base),
        cmocka_unit_test(phi4_is_its_action),
        cmocka_unit_test(log_z_of_two_sites),
        cmocka_unit_test(log_z_of_mixtures),
        cmocka_unit_test(log_z_of_two_particles),
        cmocka_unit_test(coordinates_are_orthonormal),
        cmocka_unit_test(particles_in_one_place),
        cmocka_unit_test(a_wrong_score_is_named),
        cmocka_unit_test(boxes_are_uniform),
        cmocka_unit_test(xy_is_its_action),
        cmocka_unit_test(log_z_of_xy_models),
        cmocka_unit_test(nonsense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
