/* test_total_variation.c - the proximal step against closed forms, against Chambolle's fixed
 * point iteration on small grids, and against its own promise of accuracy. */
#include <scorefield/prior.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) assert_int_equal((call), SF_OK)

/* With variance 1: lambda is the strength, the tolerance an absolute one. */
static void prox(size_t rows, size_t columns, double lambda, double tolerance, const double *x,
                 double *z)
{
    sf_prior *prior;
    sf_grid grid;

    OK(sf_grid_image(rows, columns, &grid));
    OK(sf_prior_total_variation(&grid, lambda, tolerance, &prior));
    OK(sf_prior_prox(prior, 1, x, 1.0, z));
    sf_prior_release(&prior);
}

/* A picture with edges, a ramp and noise. */
static double *picture(size_t rows, size_t columns)
{
    double *x = malloc(rows * columns * sizeof *x);

    assert_non_null(x);
    sf_random_normal(sf_random_make(5, 0), 0, 0, rows * columns, x);
    for (size_t i = 0; i < rows * columns; i++) {
        const size_t r = i / columns, c = i % columns;
        x[i] = 0.3 * x[i] + (2 * r > rows ? 2.0 : 0.0) + 3.0 * (double)c / (double)columns;
    }
    return x;
}

static double rms_difference(size_t size, const double *a, const double *b)
{
    double sum = 0.0;

    for (size_t i = 0; i < size; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum / (double)size);
}

static void constants_are_fixed_points(void **state)
{
    (void)state;
    double x[12], z[12];

    for (int i = 0; i < 12; i++) x[i] = -3.7;
    prox(3, 4, 10.0, 1e-3, x, z);
    assert_memory_equal(x, z, sizeof x);
    prox(1, 1, 10.0, 1e-3, x, z);
    assert_true(z[0] == x[0]);
}

/* A step of height h between n and m cells: the sides move together by lambda/n and lambda/m
 * until they meet in the mean. In two dimensions the same along a straight edge, per line. */
static void steps_shrink_by_the_closed_form(void **state)
{
    (void)state;
    const double h = 2.0;

    for (int transposed = 0; transposed < 2; transposed++)
        for (size_t lines = 1; lines <= 3; lines += 2)
            for (size_t n = 1; n <= 5; n += 2)
                for (double lambda = 0.1; lambda < 20.0; lambda *= 3.0) {
                    const size_t m = 4, length = n + m, size = lines * length;
                    const double apart = h - lambda / (double)n - lambda / (double)m;
                    const double mean = h * (double)m / (double)length;
                    double x[27], z[27];
                    for (size_t i = 0; i < size; i++) {
                        const size_t along = transposed ? i / lines : i % length;
                        x[i] = along < n ? 0.0 : h;
                    }
                    prox(transposed ? length : lines, transposed ? lines : length, lambda, 1e-6, x,
                         z);
                    for (size_t i = 0; i < size; i++) {
                        const double low = apart > 0.0 ? lambda / (double)n : mean;
                        const double high = apart > 0.0 ? h - lambda / (double)m : mean;
                        assert_true(fabs(z[i] - (x[i] == 0.0 ? low : high)) < 5e-6);
                    }
                }
}

static void the_mean_is_kept(void **state)
{
    (void)state;
    double *x = picture(17, 23), z[17 * 23], before = 0.0, after = 0.0;

    prox(17, 23, 0.7, 1e-3, x, z);
    for (int i = 0; i < 17 * 23; i++) before += x[i], after += z[i];
    assert_true(fabs(before - after) < 1e-11);
    free(x);
}

/* An independent solver of the dual (Chambolle 2004, eq. 9: semi-implicit steps, no acceleration),
 * on difference vectors written as a dense matrix. */
static void chambolle(size_t rows, size_t columns, double lambda, const double *x, double *z)
{
    const size_t n = rows * columns;
    double *gradient = calloc(2 * n * n, sizeof *gradient), *p = calloc(2 * n, sizeof *p);

    assert_non_null(gradient);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) {
        if (i / columns + 1 < rows) gradient[i * n + i] = -1.0, gradient[i * n + i + columns] = 1.0;
        if (i % columns + 1 < columns)
            gradient[(n + i) * n + i] = -1.0, gradient[(n + i) * n + i + 1] = 1.0;
    }
    for (int iteration = 0; iteration < 40000; iteration++) {
        memcpy(z, x, n * sizeof *z);
        for (size_t a = 0; a < 2 * n; a++)
            for (size_t i = 0; i < n; i++) z[i] -= lambda * gradient[a * n + i] * p[a];
        for (size_t c = 0; c < n; c++) {
            double g[2] = {0.0, 0.0};
            for (size_t i = 0; i < n; i++) {
                g[0] += gradient[c * n + i] * z[i] / lambda;
                g[1] += gradient[(n + c) * n + i] * z[i] / lambda;
            }
            const double shrink = 1.0 + 0.125 * hypot(g[0], g[1]);
            p[c] = (p[c] + 0.125 * g[0]) / shrink;
            p[n + c] = (p[n + c] + 0.125 * g[1]) / shrink;
        }
    }
    free(gradient), free(p);
}

static void small_grids_agree_with_another_solver(void **state)
{
    (void)state;
    const size_t shapes[][2] = {{1, 5}, {3, 3}, {4, 3}};

    for (size_t s = 0; s < 3; s++)
        for (double lambda = 0.05; lambda < 1.0; lambda *= 4.0) {
            const size_t rows = shapes[s][0], columns = shapes[s][1];
            double *x = picture(rows, columns), expected[16], z[16];
            chambolle(rows, columns, lambda, x, expected);
            prox(rows, columns, lambda, 1e-6, x, z);
            assert_true(rms_difference(rows * columns, z, expected) < 1e-5);
            free(x);
        }
}

/* The error is below the tolerance that was asked for, at every tolerance. */
static void accuracy_is_kept(void **state)
{
    (void)state;
    double *x = picture(32, 31), exact[32 * 31], z[32 * 31];

    for (double lambda = 0.02; lambda < 50.0; lambda *= 10.0) {
        prox(32, 31, lambda, 1e-6, x, exact);
        for (double tolerance = 0.3; tolerance > 1e-5; tolerance /= 10.0) {
            prox(32, 31, lambda, tolerance, x, z);
            assert_true(rms_difference(32 * 31, z, exact) <= tolerance + 1e-6);
        }
    }
    free(x);
}

/* Another unit of flux: x and the noise level scale, R(z) keeps its value. The same bits when the
 * factor is a power of two. */
static void any_unit_is_as_good(void **state)
{
    (void)state;
    const double unit = ldexp(1.0, -37);
    double *x = picture(20, 15), z[300], scaled[300];
    sf_prior *prior;
    sf_grid grid;

    prox(20, 15, 0.5, 1e-4, x, z);
    for (int i = 0; i < 300; i++) x[i] *= unit;
    OK(sf_grid_image(20, 15, &grid));
    OK(sf_prior_total_variation(&grid, 0.5 / unit, 1e-4, &prior));
    OK(sf_prior_prox(prior, 1, x, unit * unit, scaled));
    for (int i = 0; i < 300; i++) assert_true(scaled[i] == unit * z[i]);
    sf_prior_release(&prior);
    free(x);
}

/* Only the product of strength and variance counts, but for the accuracy. */
static void strength_and_variance_multiply(void **state)
{
    (void)state;
    double *x = picture(12, 9), z[108], same[108];
    sf_prior *prior;
    sf_grid grid;

    prox(12, 9, 0.6, 1e-5, x, z);
    OK(sf_grid_image(12, 9, &grid));
    OK(sf_prior_total_variation(&grid, 0.2, 1e-5, &prior));
    OK(sf_prior_prox(prior, 1, x, 3.0, same));
    assert_true(rms_difference(108, z, same) < 3e-5);
    sf_prior_release(&prior);
    free(x);
}

static void threads_and_batches_change_no_bit(void **state)
{
    (void)state;
    const size_t size = 181 * 183;
    double *x = picture(2 * 181, 183), *one = picture(2 * 181, 183), *many = picture(2 * 181, 183);
    sf_prior *prior;
    sf_grid grid;

    OK(sf_grid_image(181, 183, &grid));
    OK(sf_prior_total_variation(&grid, 0.4, 0.03, &prior));
    OK(sf_thread_count_set(1));
    OK(sf_prior_prox(prior, 1, x, 1.0, one));
    OK(sf_prior_prox(prior, 1, x + size, 1.0, one + size));
    for (int threads = 1; threads <= 5; threads += 2) {
        OK(sf_thread_count_set(threads));
        OK(sf_prior_prox(prior, 2, x, 1.0, many));
        assert_memory_equal(one, many, 2 * size * sizeof *one);
    }
    OK(sf_thread_count_set(0));
    sf_prior_release(&prior);
    free(x), free(one), free(many);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    const size_t cube[3] = {2, 2, 2};
    double x[8] = {0}, z[8];
    sf_prior *prior;
    sf_grid grid, solid;

    OK(sf_grid_image(2, 4, &grid));
    OK(sf_grid_make(3, cube, NULL, &solid));
    assert_int_equal(sf_prior_total_variation(&solid, 1.0, 1e-3, &prior), SF_ERR_SHAPE);
    assert_null(prior);
    assert_int_equal(sf_prior_total_variation(&grid, 0.0, 1e-3, &prior), SF_ERR_ARGUMENT);
    assert_int_equal(sf_prior_total_variation(&grid, NAN, 1e-3, &prior), SF_ERR_ARGUMENT);
    assert_int_equal(sf_prior_total_variation(&grid, 1.0, 1e-9, &prior), SF_ERR_ARGUMENT);
    OK(sf_prior_total_variation(&grid, 1.0, 1e-3, &prior));
    assert_int_equal(sf_prior_denoise(prior, 1, x, 1.0, z), SF_ERR_UNSUPPORTED);
    assert_int_equal(sf_prior_energy(prior, 1, x, 1.0, z), SF_ERR_UNSUPPORTED);
    sf_prior_release(&prior);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_are_fixed_points),
        cmocka_unit_test(steps_shrink_by_the_closed_form),
        cmocka_unit_test(the_mean_is_kept),
        cmocka_unit_test(small_grids_agree_with_another_solver),
        cmocka_unit_test(accuracy_is_kept),
        cmocka_unit_test(any_unit_is_as_good),
        cmocka_unit_test(strength_and_variance_multiply),
        cmocka_unit_test(threads_and_batches_change_no_bit),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
