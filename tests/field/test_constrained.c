/* test_constrained.c - constrained realisations: mean and covariance against dense linear algebra,
 * closed forms, the coarse grid's exactness, convergence on large holes, bits, bad input. */
#include "field/constrained.h"

#include "check.h"

#include <complex.h>
#include <lapacke.h>
#include <stdlib.h>
#include <string.h>

typedef double power_law(double k, void *user);

static double cubic(double k, void *user)
{
    (void)user;
    return 100.0 / (20.0 + k * k * k);
}

static double steep(double k, void *user)
{
    (void)user;
    return 1.0 / (1e-5 + pow(k, 6.0));
}

/* No power at k = 0 and beyond a cut: constraints. */
static double banded(double k, void *user)
{
    (void)user;
    return k > 0.0 && k < 2.5 ? 3.0 / (0.2 + k * k) : 0.0;
}

static sf_field *make_field(const sf_grid *grid, power_law *power, double mean)
{
    sf_spectrum *spectrum;
    sf_field *field;

    assert_ok(sf_spectrum_callback(power, NULL, &spectrum));
    assert_ok(sf_field_create(grid, spectrum, mean, &field));
    sf_spectrum_release(&spectrum);
    return field;
}

static double *values(size_t count)
{
    double *v;

    assert_ok(sf_allocate(&v, count, sizeof *v));
    return v;
}

/* Eigenvalues of the half spectrum. */
static double *lambda_of(const sf_field *field)
{
    const sf_grid *grid = sf_field_grid(field);
    double *lambda = values(sf_grid_half_size(grid));

    for (size_t i = 0; i < sf_piece_count(grid); i++) {
        const sf_piece piece = sf_piece_at(grid, i);
        assert_ok(sf_field_lambda(field, piece, lambda + piece.at));
    }
    return lambda;
}

/* ---- dense reference ---------------------------------------------------------------------- */

/* c[i * n + j] = C_ij of cell values, by the sum over modes, cell by cell. */
static double *dense_covariance(const sf_field *field)
{
    const sf_grid *grid = sf_field_grid(field);
    const size_t n = sf_grid_size(grid), last = grid->shape[grid->axes - 1];
    double *c = values(n * n), *kernel = values(n), *lambda = lambda_of(field);
    sf_complex *modes;
    sf_fft *fft;

    assert_int_equal(grid->axes, 2);
    assert_ok(sf_allocate(&modes, sf_grid_half_size(grid), sizeof *modes));
    for (size_t k = 0; k < sf_grid_half_size(grid); k++) modes[k] = lambda[k];
    assert_ok(sf_fft_create(grid, &fft));
    assert_ok(sf_fft_inverse(fft, modes, kernel));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            const size_t row = (i / last + grid->shape[0] - j / last) % grid->shape[0];
            c[i * n + j] = kernel[row * last + (i % last + last - j % last) % last];
        }
    sf_fft_release(&fft);
    sf_free(modes);
    sf_free(kernel);
    sf_free(lambda);
    return c;
}

/* Posterior mean and covariance in data space: with K = R C, A = R C R^T + S,
 * m = mean + K^T A^-1 (d - mean), cov = C - K^T A^-1 K. */
static void dense_posterior(const sf_field *field, const double *data, const double *sigma,
                            double *mean, double *covariance)
{
    const size_t n = sf_grid_size(sf_field_grid(field));
    double *c = dense_covariance(field), *a = values(n * n), *k = values(n * n), *d = values(n);
    double *solved = values(n * n);
    size_t *seen, m = 0;

    assert_ok(sf_allocate(&seen, n, sizeof *seen));
    for (size_t i = 0; i < n; i++)
        if (!isnan(data[i]) && sigma[i] > 0.0 && isfinite(sigma[i])) seen[m++] = i;
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < m; j++)
            a[i * m + j] =
                c[seen[i] * n + seen[j]] + (i == j ? sigma[seen[i]] * sigma[seen[i]] : 0.0);
        d[i] = data[seen[i]] - sf_field_mean(field);
        memcpy(k + i * n, c + seen[i] * n, n * sizeof *k);
    }
    memcpy(solved, k, m * n * sizeof *k);
    assert_int_equal(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', (int)m, a, (int)m), 0);
    assert_int_equal(
        LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', (int)m, (int)n, a, (int)m, solved, (int)n), 0);
    memcpy(covariance, c, n * n * sizeof *c);
    for (size_t i = 0; i < n; i++) {
        mean[i] = sf_field_mean(field);
        for (size_t s = 0; s < m; s++) {
            mean[i] += solved[s * n + i] * d[s];
            for (size_t j = 0; j < n; j++)
                covariance[i * n + j] -= k[s * n + i] * solved[s * n + j];
        }
    }
    sf_free(c);
    sf_free(a);
    sf_free(k);
    sf_free(d);
    sf_free(solved);
    sf_free(seen);
}

typedef struct problem {
    sf_grid grid;
    size_t n;
    sf_field *field;
    double *data, *sigma, *mean, *covariance;
    sf_constrained *constrained;
} problem;

/* A third of the cells masked at random, in the three ways that a mask may be given, and the noise
 * different everywhere by a factor of ten; `hole` rows without data. */
static problem make_problem(size_t rows, size_t columns, power_law *power, double noise,
                            size_t hole)
{
    const size_t shape[] = {rows, columns};
    const double spacing[] = {0.7, 1.1};
    const sf_random random = sf_random_make(5, 0);
    problem p = {.n = rows * columns};
    double *chance = values(p.n);

    assert_ok(sf_grid_make(2, shape, spacing, &p.grid));
    p.field = make_field(&p.grid, power, 4.0);
    p.data = values(p.n);
    p.sigma = values(p.n);
    p.mean = values(p.n);
    p.covariance = values(p.n * p.n);
    sf_random_normal(random, 0, 0, p.n, p.data);
    sf_random_uniform(random, 1, 0, p.n, p.sigma);
    sf_random_uniform(random, 2, 0, p.n, chance);
    for (size_t i = 0; i < p.n; i++) {
        p.sigma[i] = noise * pow(10.0, p.sigma[i] - 0.5);
        p.data[i] = 5.0 + 2.0 * p.data[i];
        if (chance[i] < 0.1 || i < hole * columns) p.data[i] = NAN;
        if (chance[i] > 0.9) p.sigma[i] = i % 2 == 0 ? 0.0 : INFINITY;
    }
    dense_posterior(p.field, p.data, p.sigma, p.mean, p.covariance);
    assert_ok(sf_constrained_create(p.field, p.data, p.sigma, 0.0, &p.constrained));
    sf_free(chance);
    return p;
}

static void free_problem(problem *p)
{
    sf_constrained_release(&p->constrained);
    sf_field_release(&p->field);
    sf_free(p->data);
    sf_free(p->sigma);
    sf_free(p->mean);
    sf_free(p->covariance);
}

static void means_are_those_of_dense_algebra(void **state)
{
    static const struct {
        size_t rows, columns, hole;
        power_law *power;
        double noise;
        bool coarse;
    } cases[] = {{12, 10, 0, cubic, 1.0, false},  {9, 7, 4, cubic, 0.1, false},
                 {8, 11, 3, banded, 0.3, false},  {1, 24, 0, banded, 1.0, false},
                 {32, 30, 13, cubic, 1.0, false}, {32, 30, 13, steep, 1.0, true},
                 {32, 27, 10, steep, 2.0, true},  {24, 35, 0, steep, 3.0, true}};
    const sf_constrained_options options = {.tolerance = 1e-13, .iterations = 5000};

    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        problem p = make_problem(cases[c].rows, cases[c].columns, cases[c].power, cases[c].noise,
                                 cases[c].hole);
        double *mean = values(p.n), chi_squared = 0.0;
        sf_constrained_report report;
        size_t seen = 0;

        assert_ok(sf_constrained_mean(p.constrained, &options, mean, &report));
        for (size_t i = 0; i < p.n; i++) {
            const double z = (p.data[i] - mean[i]) / p.sigma[i];
            assert_close(mean[i], p.mean[i], 1e-8);
            if (!isfinite(z) || !isfinite(p.sigma[i])) continue;
            chi_squared += z * z;
            seen++;
        }
        assert_close(report.chi_squared, chi_squared / (double)seen, 1e-10 * report.chi_squared);
        assert_int_equal(report.coarse_iterations > 0, cases[c].coarse);
        assert_true(report.residual < 1e-10);
        sf_free(mean);
        free_problem(&p);
    }
}

/* Sums over draws of x - mean and of the products of all pairs; 1176 pairs and 48 means: the
 * largest |z| is beyond 5 once in a thousand seeds. Unobserved cells and constrained modes are
 * among them: all of the conditional law. */
static void draws_have_the_posterior_covariance(void **state)
{
    enum { DRAWS = 6000 };
    power_law *const powers[] = {cubic, banded};

    (void)state;
    for (size_t law = 0; law < 2; law++) {
        problem p = make_problem(8, 6, powers[law], 0.5, 2);
        const sf_constrained_options options = {.tolerance = 1e-7, .iterations = 1000};
        double *sample = values(p.n), *sum = values(p.n), *product = values(p.n * p.n);
        double worst = 0.0;

        for (uint64_t draw = 0; draw < DRAWS; draw++) {
            assert_ok(sf_constrained_draw(p.constrained, 11, draw, &options, sample, NULL));
            for (size_t i = 0; i < p.n; i++) {
                sum[i] += sample[i] - p.mean[i];
                for (size_t j = 0; j <= i; j++)
                    product[i * p.n + j] += (sample[i] - p.mean[i]) * (sample[j] - p.mean[j]);
            }
        }
        for (size_t i = 0; i < p.n; i++) {
            const double variance = p.covariance[i * p.n + i];
            worst = fmax(worst, fabs(sum[i]) / sqrt(DRAWS * variance));
            for (size_t j = 0; j <= i; j++) {
                const double exact = p.covariance[i * p.n + j];
                const double spread = variance * p.covariance[j * p.n + j] + exact * exact;
                worst =
                    fmax(worst, fabs(product[i * p.n + j] - DRAWS * exact) / sqrt(DRAWS * spread));
            }
        }
        assert_true(worst < 5.0);
        sf_free(sample);
        sf_free(sum);
        sf_free(product);
        free_problem(&p);
    }
}

/* ---- closed forms ------------------------------------------------------------------------- */

/* Every cell observed at one noise level: one iteration, and the field's own denoiser. */
static void full_data_take_one_step(void **state)
{
    const size_t shapes[][3] = {{40, 0, 0}, {48, 31, 0}, {10, 9, 12}};
    const double spacing[] = {0.3, 0.5, 0.2}, noise = 0.8;

    (void)state;
    for (int axes = 1; axes <= 3; axes++) {
        sf_constrained *constrained;
        sf_constrained_report report;
        double *data, *mean, *exact;
        sf_field *field;
        sf_grid grid;
        size_t n;

        assert_ok(sf_grid_make(axes, shapes[axes - 1], spacing, &grid));
        n = sf_grid_size(&grid);
        field = make_field(&grid, cubic, -2.0);
        data = values(n);
        mean = values(n);
        exact = values(n);
        sf_random_normal(sf_random_make(1, 0), 0, 0, n, data);
        assert_ok(sf_field_denoise(field, data, noise, exact));
        assert_ok(sf_constrained_create(field, data, NULL, noise, &constrained));
        assert_ok(sf_constrained_mean(constrained, NULL, mean, &report));
        for (size_t i = 0; i < n; i++) assert_close(mean[i], exact[i], 1e-12);
        assert_true(report.iterations <= 1 && report.converged);
        sf_constrained_release(&constrained);
        sf_field_release(&field);
        sf_free(data);
        sf_free(mean);
        sf_free(exact);
    }
}

/* On the coarse grid's modes, F W F^-1 there is what it is here. */
static void coarse_grid_is_exact(void **state)
{
    const size_t shapes[][3] = {{64, 60, 0}, {61, 45, 0}, {64, 3, 20}};
    const double spacing[] = {1.0 / 64, 1.0 / 60, 1.0 / 20};

    (void)state;
    for (size_t s = 0; s < 3; s++) {
        sf_complex *here, *there;
        double *weight, *cells, scale;
        sf_level *level, *coarse;
        sf_field *field;
        sf_grid grid;

        assert_ok(sf_grid_make(shapes[s][2] > 0 ? 3 : 2, shapes[s], spacing, &grid));
        field = make_field(&grid, cubic, 0.0);
        weight = values(sf_grid_size(&grid));
        cells = values(sf_grid_size(&grid));
        sf_random_uniform(sf_random_make(3, 0), 0, 0, sf_grid_size(&grid), weight);
        for (size_t i = 0; i < sf_grid_size(&grid) / 3; i++) weight[i] = 0.0;
        assert_ok(sf_level_create(field, weight, &level));
        coarse = level->coarse;
        assert_non_null(coarse);
        assert_true(level->shared > 4);
        scale = (double)sf_grid_size(&coarse->grid) / (double)sf_grid_size(&grid);
        assert_true(scale <= 1.0 / 32.0);
        assert_ok(sf_allocate(&here, sf_grid_half_size(&grid), sizeof *here));
        assert_ok(sf_allocate(&there, sf_grid_half_size(&coarse->grid), sizeof *there));
        sf_random_normal(sf_random_make(4, 0), 0, 0, sf_grid_size(&coarse->grid), cells);
        assert_ok(sf_fft_forward(coarse->fft, cells, there)); /* hermitian modes */
        for (size_t i = 0; i < level->shared; i++)
            here[level->here[i]] = there[level->there[i]] / scale;
        memset(there, 0, sf_grid_half_size(&coarse->grid) * sizeof *there);
        for (size_t i = 0; i < level->shared; i++)
            there[level->there[i]] = scale * here[level->here[i]];
        assert_ok(sf_fft_inverse(coarse->fft, there, cells));
        for (size_t i = 0; i < sf_grid_size(&coarse->grid); i++) cells[i] *= coarse->weight[i];
        assert_ok(sf_fft_forward(coarse->fft, cells, there));
        assert_ok(sf_fft_inverse(level->fft, here, cells));
        for (size_t i = 0; i < sf_grid_size(&grid); i++) cells[i] *= weight[i];
        assert_ok(sf_fft_forward(level->fft, cells, here));
        for (size_t i = 0; i < level->shared; i++)
            assert_close(cabs(there[level->there[i]] - scale * here[level->here[i]]), 0.0, 1e-11);
        sf_level_release(&level);
        sf_field_release(&field);
        sf_free(here);
        sf_free(there);
        sf_free(weight);
        sf_free(cells);
    }
}

/* ---- large fields ------------------------------------------------------------------------- */

#define SIDE 1024

static bool random_half(size_t row, size_t column, double chance)
{
    (void)row;
    (void)column;
    return chance < 0.5;
}

static bool half_plane(size_t row, size_t column, double chance)
{
    (void)column;
    (void)chance;
    return row < SIDE / 2;
}

static bool outside_disc(size_t row, size_t column, double chance)
{
    (void)chance;
    return hypot((double)row - 500.0, (double)column - 400.0) > 350.0;
}

/* |W (d - x) - C^-1 x| over |W d|, both in the norm of C, in which no error hides. */
static double true_residual(const sf_field *field, const double *data, double noise,
                            const double *x)
{
    const size_t half = sf_grid_half_size(&field->grid), n = sf_grid_size(&field->grid);
    double *misfit = values(n), *right = values(n), *lambda = lambda_of(field);
    double residual = 0.0, reference = 0.0;
    sf_complex *r, *b, *m;

    assert_ok(sf_allocate(&r, half, sizeof *r));
    assert_ok(sf_allocate(&b, half, sizeof *b));
    assert_ok(sf_allocate(&m, half, sizeof *m));
    for (size_t i = 0; i < n; i++) {
        misfit[i] = isnan(data[i]) ? 0.0 : (data[i] - x[i]) / (noise * noise);
        right[i] = isnan(data[i]) ? 0.0 : data[i] / (noise * noise);
    }
    assert_ok(sf_fft_forward(field->fft, misfit, r));
    assert_ok(sf_fft_forward(field->fft, right, b));
    assert_ok(sf_fft_forward(field->fft, x, m));
    for (size_t k = 0; k < half; k++) {
        const double weight = sf_grid_mode_weight(&field->grid, k) * lambda[k];
        const sf_complex left = r[k] - m[k] / lambda[k];
        residual += weight * creal(left * conj(left));
        reference += weight * creal(b[k] * conj(b[k]));
    }
    sf_free(lambda);
    sf_free(misfit);
    sf_free(right);
    sf_free(r);
    sf_free(b);
    sf_free(m);
    return sqrt(residual / reference);
}

/* The unit box at P = 100/(20 + k^3), noise variance 5: half of it at random, or large holes, in
 * far fewer iterations than the thousands that C as preconditioner takes. */
static void large_holes_converge(void **state)
{
    static const struct {
        bool (*observed)(size_t row, size_t column, double chance);
        size_t iterations;
    } masks[] = {{random_half, 10}, {half_plane, 25}, {outside_disc, 25}};
    const double step[] = {1.0 / SIDE, 1.0 / SIDE}, noise = sqrt(5.0);
    const size_t shape[] = {SIDE, SIDE}, n = (size_t)SIDE * SIDE;
    double *data = values(n), *chance = values(n), *draw = values(n), *mean = values(n), *truth;
    sf_constrained_report report;
    sf_constrained *constrained;
    sf_field *field;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(2, shape, step, &grid));
    field = make_field(&grid, cubic, 0.0);
    truth = values(sf_fft_buffer_size(&grid));
    assert_ok(sf_field_draw(field, NULL, truth));
    sf_random_uniform(sf_random_make(1, 1), 0, 0, n, chance);
    for (size_t m = 0; m < 3; m++) {
        sf_random_normal(sf_random_make(1, 1), 1, 0, n, data);
        for (size_t i = 0; i < n; i++)
            data[i] = masks[m].observed(i / SIDE, i % SIDE, chance[i]) ? truth[i] + noise * data[i]
                                                                       : (double)NAN;
        assert_ok(sf_constrained_create(field, data, NULL, noise, &constrained));
        assert_ok(sf_constrained_mean(constrained, NULL, mean, &report));
        assert_true(report.converged && report.residual <= 1e-6);
        assert_true(report.iterations <= masks[m].iterations);
        assert_true(true_residual(field, data, noise, mean) < 1e-6);
        assert_close(report.chi_squared, 1.0, 0.03); /* 6000 of 5e5 freedoms go to the field */
        if (m < 2) sf_constrained_release(&constrained);
    }
    /* the same bits on any number of threads */
    for (int threads = 1; threads <= 7; threads += threads == 1 ? 1 : 5) {
        assert_ok(sf_thread_count_set(threads));
        assert_ok(sf_constrained_draw(constrained, 7, 3, NULL, threads == 1 ? draw : mean, NULL));
        if (threads > 1) assert_memory_equal(draw, mean, n * sizeof *mean);
    }
    assert_ok(sf_thread_count_set(0));
    sf_constrained_release(&constrained);
    sf_field_release(&field);
    sf_free(data);
    sf_free(chance);
    sf_free(draw);
    sf_free(mean);
    sf_free(truth);
}

/* ---- outcomes and bad input --------------------------------------------------------------- */

static bool stop_at_third(const sf_monitor_event *event, void *user)
{
    *(size_t *)user = event->iteration;
    assert_string_equal(event->stage, "posterior mean");
    assert_int_equal(event->total, 50);
    return event->iteration < 3;
}

static void not_converging_is_an_outcome(void **state)
{
    problem p = make_problem(12, 10, cubic, 0.1, 5);
    sf_constrained_options options = {.tolerance = 1e-9, .iterations = 2};
    sf_constrained_report report;
    double mean[120];
    size_t last = 0;

    (void)state;
    assert_ok(sf_constrained_mean(p.constrained, &options, mean, &report));
    assert_int_equal(report.iterations, 2);
    assert_false(report.converged);
    assert_true(report.residual > 1e-9 && isfinite(report.residual));
    options.iterations = 0;
    assert_ok(sf_constrained_mean(p.constrained, &options, mean, &report));
    for (size_t i = 0; i < p.n; i++) assert_close(mean[i], 4.0, 0.0);
    assert_close(report.residual, 1.0, 1e-15);
    options.iterations = 50;
    options.monitor = (sf_monitor){.function = stop_at_third, .user = &last};
    assert_ok(sf_constrained_mean(p.constrained, &options, mean, &report));
    assert_int_equal(last, 3);
    assert_int_equal(report.iterations, 3);
    assert_false(report.converged);
    /* no rounding error keeps it from ending */
    options = (sf_constrained_options){.tolerance = 1e-300, .iterations = 100000};
    assert_ok(sf_constrained_mean(p.constrained, &options, mean, &report));
    assert_false(report.converged);
    assert_true(report.residual < 1e-12 && report.iterations < 100000);
    free_problem(&p);
}

static void bad_values_are_refused(void **state)
{
    double data[] = {1.0, NAN, 2.0, 0.0}, sigma[] = {1.0, 1.0, 1.0, -1.0}, mean[4];
    sf_constrained_options options = sf_constrained_options_default();
    sf_constrained *c;
    sf_field *field;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(2, 2, &grid));
    field = make_field(&grid, cubic, 0.0);
    assert_status(SF_ERR_ARGUMENT, sf_constrained_create(field, data, NULL, 0.0, &c));
    assert_null(c);
    assert_status(SF_ERR_ARGUMENT, sf_constrained_create(field, data, NULL, NAN, &c));
    assert_status(SF_ERR_ARGUMENT, sf_constrained_create(field, data, NULL, 1e-200, &c));
    assert_status(SF_ERR_ARGUMENT, sf_constrained_create(field, data, NULL, 1e200, &c));
    assert_non_null(strstr(sf_last_error(), "cell 0"));
    data[2] = INFINITY;
    assert_status(SF_ERR_NUMERIC, sf_constrained_create(field, data, sigma, 0.0, &c));
    assert_non_null(strstr(sf_last_error(), "cell 2"));
    sigma[2] = 0.0; /* unobserved: its datum does not matter */
    assert_ok(sf_constrained_create(field, data, sigma, 0.0, &c));
    options.tolerance = 0.0;
    assert_status(SF_ERR_ARGUMENT, sf_constrained_mean(c, &options, mean, NULL));
    options.tolerance = NAN;
    assert_status(SF_ERR_ARGUMENT, sf_constrained_draw(c, 0, 0, &options, mean, NULL));
    sf_constrained_release(&c);
    sf_constrained_release(&c);
    sf_constrained_release(NULL);
    sigma[0] = NAN;
    assert_status(SF_ERR_ARGUMENT, sf_constrained_create(field, data, sigma, 0.0, &c));
    assert_string_equal(sf_last_error(),
                        "none of the 4 cells is observed: draw from the field itself");
    sf_field_release(&field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_are_those_of_dense_algebra),
        cmocka_unit_test(draws_have_the_posterior_covariance),
        cmocka_unit_test(full_data_take_one_step),
        cmocka_unit_test(coarse_grid_is_exact),
        cmocka_unit_test(large_holes_converge),
        cmocka_unit_test(not_converging_is_an_outcome),
        cmocka_unit_test(bad_values_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
