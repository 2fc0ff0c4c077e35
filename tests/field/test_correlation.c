/* test_correlation.c - the correlation function against the sum over every pair of cells. */
#include <scorefield/field.h>

#include "check.h"

#include <stdlib.h>
#include <string.h>

/* The distance of two cells in a periodic box. */
static double distance(const sf_grid *grid, size_t i, size_t j)
{
    double sum = 0.0;

    for (int a = grid->axes - 1; a >= 0; a--) {
        const long n = (long)grid->shape[a];
        const long apart = labs((long)(i % grid->shape[a]) - (long)(j % grid->shape[a]));
        const double d = (double)(apart > n - apart ? n - apart : apart) * grid->spacing[a];

        sum += d * d;
        i /= grid->shape[a];
        j /= grid->shape[a];
    }
    return sqrt(sum);
}

static void check_pairs(int axes, const size_t *shape, const double *spacing, sf_bins bins)
{
    sf_grid grid;
    sf_correlation_bin result[7];
    double x[400], mean = 0.0, sum[7] = {0}, pairs[7] = {0}, r[7] = {0};
    size_t size;

    assert_ok(sf_grid_make(axes, shape, spacing, &grid));
    size = sf_grid_size(&grid);
    sf_random_normal(sf_random_make(2, 5), 0, 0, size, x);
    for (size_t i = 0; i < size; i++) x[i] += 4.0;
    for (size_t i = 0; i < size; i++) mean += x[i] / (double)size;
    assert_ok(sf_correlation(&grid, x, &bins, result));
    for (size_t i = 0; i < size; i++)
        for (size_t j = i + 1; j < size; j++) {
            const double far = distance(&grid, i, j);
            int b = 0;

            while (b < 7 && far >= result[b].high) b++;
            if (b == 7 || far < result[b].low) continue;
            pairs[b] += 1.0;
            r[b] += far;
            sum[b] += (x[i] - mean) * (x[j] - mean);
        }
    for (int b = 0; b < 7; b++) {
        assert_true(result[b].pairs == pairs[b]);
        if (pairs[b] == 0.0) {
            assert_true(isnan(result[b].xi) && isnan(result[b].r));
            continue;
        }
        assert_close(result[b].xi, sum[b] / pairs[b], 1e-12);
        assert_close(result[b].r, r[b] / pairs[b], 1e-11);
    }
}

static void every_pair_once(void **state)
{
    (void)state;
    check_pairs(1, (const size_t[]){20}, (const double[]){0.7}, (sf_bins){7, 0.35, 8.05, false});
    check_pairs(1, (const size_t[]){21}, (const double[]){0.7}, (sf_bins){7, 0.61, 9.0, true});
    check_pairs(2, (const size_t[]){12, 11}, (const double[]){1, 2},
                (sf_bins){7, 0.51, 9.3, false});
    check_pairs(2, (const size_t[]){9, 20}, (const double[]){1.3, 0.4}, (sf_bins){.count = 7});
    check_pairs(3, (const size_t[]){6, 7, 8}, NULL, (sf_bins){7, 0.9, 4.1, true});
    check_pairs(3, (const size_t[]){6, 1, 8}, NULL, (sf_bins){7, 0.9, 40.1, true});
}

static void the_same_bits_on_any_number_of_threads(void **state)
{
    const int threads[] = {2, 7};
    const sf_bins bins = {.count = 9};
    sf_correlation_bin one[9], more[9];
    double *x;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(3, (const size_t[]){30, 31, 32}, NULL, &grid));
    assert_ok(sf_allocate(&x, sf_grid_size(&grid), sizeof *x));
    sf_random_normal(sf_random_make(2, 6), 0, 0, sf_grid_size(&grid), x);
    assert_ok(sf_thread_count_set(1));
    assert_ok(sf_correlation(&grid, x, &bins, one));
    for (int t = 0; t < 2; t++) {
        assert_ok(sf_thread_count_set(threads[t]));
        assert_ok(sf_correlation(&grid, x, &bins, more));
        assert_memory_equal(one, more, sizeof one);
    }
    assert_ok(sf_thread_count_set(0));
    sf_free(x);
}

static void bad_input_is_refused(void **state)
{
    double x[4] = {1, 2, 3, INFINITY};
    sf_correlation_bin result[2];
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(2, 2, &grid));
    assert_status(SF_ERR_NUMERIC, sf_correlation(&grid, x, &(sf_bins){.count = 2}, result));
    x[3] = 4.0;
    assert_status(SF_ERR_ARGUMENT, sf_correlation(&grid, x, &(sf_bins){.count = 0}, result));
    assert_status(SF_ERR_ARGUMENT, sf_correlation(&grid, x, &(sf_bins){2, 3, 1, false}, result));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_once),
        cmocka_unit_test(the_same_bits_on_any_number_of_threads),
        cmocka_unit_test(bad_input_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
