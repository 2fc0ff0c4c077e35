/* test_points.c - Poisson points: the quantile against the sum of the distribution, counts and
 * places against their laws, threads, bad input. */
#include <scorefield/field.h>

#include "check.h"
#include "field/points.h"

#include <stdlib.h>
#include <string.h>

/* log of the probability of n */
static double log_term(size_t n, double mean)
{
    return (double)n * log(mean) - mean - lgamma((double)n + 1.0);
}

/* P(N <= n), summed from its largest term down. */
static double distribution(size_t n, double mean)
{
    double sum = 0.0, term = exp(log_term(n, mean));

    for (size_t i = n + 1; i-- > 0 && term > 1e-20;) {
        sum += term;
        term *= (double)i / mean;
    }
    return sum;
}

static void quantiles(void **state)
{
    const double means[] = {1e-3, 0.3, 5.0, 15.99, 16.0, 40.0, 300.0, 1e4};
    const double levels[] = {1e-9, 1e-4, 0.03, 0.25, 0.5, 0.5001, 0.77, 0.99, 0.99999};

    (void)state;
    for (size_t m = 0; m < sizeof means / sizeof *means; m++)
        for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
            const size_t n = sf_poisson_quantile(levels[l], means[m]);

            assert_true(distribution(n, means[m]) >= levels[l] * (1.0 - 1e-9));
            /* of a mean 16 and less the lowest levels are count 0, with nothing below */
            if (n > 0) {
                /* the sum misses what lies below its last term, and lgamma rounds */
                assert_true(distribution(n - 1, means[m]) <= levels[l] * (1.0 + 1e-9));
            }
        }
}

/* The ends of what uniform numbers reach, at the smallest and the largest means: within 9 standard
 * deviations, and the search ends. */
static void quantiles_at_the_ends(void **state)
{
    const double means[] = {16.0, 1e2, 1e3, 1e4, 1e5, 3e5, 1e6};

    (void)state;
    for (size_t m = 0; m < sizeof means / sizeof *means; m++) {
        const double low = (double)sf_poisson_quantile(0x1p-53, means[m]);
        const double high = (double)sf_poisson_quantile(1.0 - 0x1p-53, means[m]);
        const double z_low = (low - means[m]) / sqrt(means[m]);
        const double z_high = (high - means[m]) / sqrt(means[m]);

        assert_true(z_low > -8.5 && z_low < -3.9);
        assert_true(z_high > 8.0 && z_high < 12.0);
    }
    assert_int_equal(sf_poisson_quantile(0x1p-53, 1e-300), 0);
    assert_int_equal(sf_poisson_quantile(1.0 - 0x1p-53, 1e-300), 0);
    assert_true(sf_poisson_quantile(1.0 - 0x1p-53, 15.9) < 70);
}

/* The cell of a point, which must be in the box. */
static size_t cell_of(const sf_grid *grid, const double *x)
{
    size_t cell = 0;

    for (int a = 0; a < grid->axes; a++) {
        const double i = x[a] / grid->spacing[a];

        assert_true(i >= 0.0 && i < (double)grid->shape[a]);
        cell = cell * grid->shape[a] + (size_t)i;
    }
    return cell;
}

/* (chi^2 - nu)/sqrt(2 nu) of counts in all cells against the Poisson distribution of that mean:
 * classes 0, 1, ..., with both tails pooled to 10 expected cells or more. */
static double counts_z(const sf_grid *grid, const size_t *counts, double mean)
{
    const size_t cells = sf_grid_size(grid);
    double chi2 = 0.0, expected = 0.0, left = (double)cells;
    size_t seen = 0, seen_all = 0, classes = 0;

    for (size_t n = 0; left > 0.0; n++) {
        const double p = (double)cells * exp(log_term(n, mean));

        expected += p;
        for (size_t i = 0; i < cells; i++) seen += counts[i] == n;
        if (expected < 10.0 && left > 10.0) continue;
        if (left - expected < 10.0) { /* the last class has all the rest */
            expected = left;
            seen = cells - seen_all;
        }
        chi2 += ((double)seen - expected) * ((double)seen - expected) / expected;
        classes++;
        seen_all += seen;
        left -= expected;
        expected = 0.0;
        seen = 0;
    }
    return (chi2 - (double)(classes - 1)) / sqrt(2.0 * (double)(classes - 1));
}

/* The correlation of counts at a distance, in standard errors: 4096 cells are counted together. */
static double neighbours_z(const size_t *counts, size_t cells, size_t distance, double mean)
{
    double sum = 0.0;

    for (size_t i = 0; i + distance < cells; i++)
        sum += ((double)counts[i] - mean) * ((double)counts[i + distance] - mean);
    return sum / (mean * sqrt((double)(cells - distance)));
}

/* Counts have the Poisson distribution at small and large means and are independent, and places in
 * the cell are uniform along each axis (16 classes): |z| < 5 for 18 tests (chi-squared tails
 * included, a false alarm of 1e-4 each at most; the seed is fixed). */
static void counts_and_places(void **state)
{
    const double means[] = {0.3, 5.0, 40.0};
    const size_t shape[] = {20, 25, 18};
    const double spacing[] = {0.5, 2.0, 1.5}, v = 1.5;
    double *delta = calloc(9000, sizeof *delta);
    size_t *counts = calloc(9000, sizeof *counts);
    sf_grid grid;

    (void)state;
    assert_non_null(delta);
    assert_non_null(counts);
    assert_ok(sf_grid_make(3, shape, spacing, &grid));
    for (size_t m = 0; m < 3; m++) {
        double *points, histogram[3][16] = {{0.0}};
        size_t count, negative;

        assert_ok(sf_poisson_points(&grid, delta, means[m] / v, 8, &points, &count, &negative));
        assert_int_equal(negative, 0);
        memset(counts, 0, 9000 * sizeof *counts);
        for (size_t i = 0; i < count; i++) {
            counts[cell_of(&grid, points + 3 * i)]++;
            for (int a = 0; a < 3; a++) {
                const double u = points[3 * i + (size_t)a] / spacing[a];

                histogram[a][(size_t)(16.0 * (u - floor(u)))]++;
            }
        }
        assert_close(counts_z(&grid, counts, means[m]), 0.0, 5.0);
        assert_close(neighbours_z(counts, 9000, 1, means[m]), 0.0, 5.0);
        assert_close(neighbours_z(counts, 9000, 4096, means[m]), 0.0, 5.0);
        for (int a = 0; a < 3; a++) {
            double chi2 = 0.0;

            for (int i = 0; i < 16; i++)
                chi2 += pow(histogram[a][i] - (double)count / 16.0, 2.0) / ((double)count / 16.0);
            assert_close((chi2 - 15.0) / sqrt(30.0), 0.0, 5.0);
        }
        sf_free(points);
    }
    free(delta);
    free(counts);
}

/* The first cell's count and its points' places are of the same number of their sequences: places
 * that share the count's generator lie, in cells that have a point at all, beyond the chance of
 * none. Mean and correlation with the count, 5 standard errors. */
static void places_do_not_know_the_count(void **state)
{
    enum { SEEDS = 4000 };
    const double delta = 0.0;
    double seen = 0.0, sum = 0.0, with_count = 0.0, squares = 0.0;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(1, (const size_t[]){1}, NULL, &grid));
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        double *points;
        size_t count;

        assert_ok(sf_poisson_points(&grid, &delta, 1.0, seed, &points, &count, NULL));
        if (count > 0) {
            seen++;
            sum += points[0] - 0.5;
            with_count += (points[0] - 0.5) * ((double)count - 1.5);
            squares += ((double)count - 1.5) * ((double)count - 1.5);
        }
        sf_free(points);
    }
    assert_close(sum / sqrt(seen / 12.0), 0.0, 5.0);
    assert_close(with_count / sqrt(squares / 12.0), 0.0, 5.0);
}

/* Cells of density 1 + delta: the mean count follows, negative ones are empty and counted. */
static void density_follows_the_field(void **state)
{
    enum { DRAWS = 400 };
    const size_t shape[] = {2, 3};
    const double delta[6] = {0.0, -1.0, 1.5, -1.2, 20.0, -0.5}, mean = 4.0;
    double sums[6] = {0.0};
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(2, shape, (const double[]){0.5, 0.25}, &grid));
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        double *points;
        size_t count, negative;

        assert_ok(sf_poisson_points(&grid, delta, mean / 0.125, seed, &points, &count, &negative));
        assert_int_equal(negative, 1);
        for (size_t i = 0; i < count; i++) sums[cell_of(&grid, points + 2 * i)]++;
        sf_free(points);
    }
    for (int i = 0; i < 6; i++) {
        const double expected = DRAWS * mean * fmax(0.0, 1.0 + delta[i]);

        assert_close(sums[i], expected, 5.0 * sqrt(expected));
    }
}

static void same_points_on_any_number_of_threads(void **state)
{
    const size_t shape[] = {30, 31, 17}, size = 30 * 31 * 17;
    const int threads[] = {1, 2, 7};
    double *delta = calloc(size, sizeof *delta), *first = NULL;
    size_t first_count = 0;
    sf_grid grid;

    (void)state;
    assert_non_null(delta);
    assert_ok(sf_grid_make(3, shape, NULL, &grid));
    sf_random_normal(sf_random_make(3, 0), 0, 0, size, delta);
    for (int t = 0; t < 3; t++) {
        double *points;
        size_t count;

        assert_ok(sf_thread_count_set(threads[t]));
        assert_ok(sf_poisson_points(&grid, delta, 2.0, 4, &points, &count, NULL));
        if (first == NULL) {
            first = points;
            first_count = count;
            continue;
        }
        assert_int_equal(count, first_count);
        assert_memory_equal(points, first, 3 * count * sizeof *points);
        sf_free(points);
    }
    assert_ok(sf_thread_count_set(0));
    sf_free(first);
    free(delta);
}

/* Each cell's points begin with those of a lower density. */
static void a_higher_density_adds_points(void **state)
{
    const size_t n = 50;
    const double delta[50] = {0.0};
    double *few, *many;
    size_t few_count, many_count, j = 0;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(1, &n, NULL, &grid));
    assert_ok(sf_poisson_points(&grid, delta, 3.0, 9, &few, &few_count, NULL));
    assert_ok(sf_poisson_points(&grid, delta, 30.0, 9, &many, &many_count, NULL));
    assert_true(few_count > 100 && many_count > 1200);
    for (size_t i = 0; i < few_count; i++, j++) {
        while (j < many_count && many[j] != few[i]) j++;
        assert_true(j < many_count);
    }
    sf_free(few);
    sf_free(many);
}

static void bad_input(void **state)
{
    const size_t n = 3;
    double delta[3] = {0.0, 1.0, 2.0}, *points = delta;
    size_t count = 7;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(1, &n, NULL, &grid));
    assert_status(SF_ERR_ARGUMENT, sf_poisson_points(&grid, delta, -1.0, 0, &points, &count, NULL));
    assert_null(points);
    assert_status(SF_ERR_ARGUMENT, sf_poisson_points(&grid, delta, NAN, 0, &points, &count, NULL));
    assert_status(SF_ERR_ARGUMENT, sf_poisson_points(&grid, delta, 1e6, 0, &points, &count, NULL));
    assert_non_null(strstr(sf_last_error(), "3e+06"));
    assert_status(SF_ERR_ARGUMENT,
                  sf_poisson_points(&grid, delta, 1e308, 0, &points, &count, NULL));
    assert_ok(sf_poisson_points(&grid, delta, 0.0, 0, &points, &count, NULL));
    assert_int_equal(count, 0);
    sf_free(points);
    delta[1] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_poisson_points(&grid, delta, 1.0, 0, &points, &count, NULL));
    assert_null(points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles),
        cmocka_unit_test(quantiles_at_the_ends),
        cmocka_unit_test(counts_and_places),
        cmocka_unit_test(places_do_not_know_the_count),
        cmocka_unit_test(density_follows_the_field),
        cmocka_unit_test(same_points_on_any_number_of_threads),
        cmocka_unit_test(a_higher_density_adds_points),
        cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
