/* test_network.c - the built-in denoiser as a prior: homogeneous in the unit of flux, a view of
 * its own score, the same from several threads, better than the noise. */
#include "network/engine.h"

#include <scorefield/prior.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#define OK(call) assert_int_equal((call), SF_OK)
#define ROWS     ((size_t)45)
#define COLUMNS  ((size_t)52)
#define SIZE     (ROWS * COLUMNS)

static double truth[SIZE], x[SIZE];

static sf_prior *make(double sigma)
{
    sf_model *model;
    sf_prior *prior;
    sf_grid grid;

    sf_random_normal(sf_random_make(4, 0), 0, 0, SIZE, x);
    for (size_t i = 0; i < SIZE; i++) {
        const double r = hypot((double)(i / COLUMNS) - 20.0, (double)(i % COLUMNS) - 30.0);
        truth[i] = 3.0 * exp(-r / 6.0);
        x[i] = truth[i] + sigma * x[i];
    }
    OK(sf_grid_image(ROWS, COLUMNS, &grid));
    OK(sf_model_builtin(&model));
    OK(sf_prior_network(&grid, model, &prior));
    sf_model_release(&model); /* the prior holds it */
    return prior;
}

static double distance(const double *a, const double *b)
{
    double sum = 0.0;

    for (size_t i = 0; i < SIZE; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum / (double)SIZE);
}

/* D(a x; a sigma) = a D(x; sigma) in single precision, from 1e-12 (maggies) to 1e6 (electrons). */
static void any_unit_of_flux_is_as_good(void **state)
{
    (void)state;
    const double sigma = 0.2;
    static double reference[SIZE], scaled[SIZE], out[SIZE];
    sf_prior *prior = make(sigma);

    OK(sf_prior_denoise(prior, 1, x, sigma, reference));
    for (double a = 1e-12; a < 2e6; a *= 1e3) {
        for (size_t i = 0; i < SIZE; i++) scaled[i] = a * x[i];
        OK(sf_prior_denoise(prior, 1, scaled, a * sigma, out));
        for (size_t i = 0; i < SIZE; i++) out[i] /= a;
        assert_true(distance(out, reference) < 1e-5 * sigma);
    }
    sf_prior_release(&prior);
}

static void it_denoises_and_tweedie_holds(void **state)
{
    (void)state;
    const double sigma = 0.2;
    static double out[SIZE], score[SIZE];
    sf_prior *prior = make(sigma);

    OK(sf_prior_denoise(prior, 1, x, sigma, out));
    assert_true(distance(out, truth) < 0.5 * distance(x, truth));
    OK(sf_prior_score(prior, 1, x, sigma, score));
    for (size_t i = 0; i < SIZE; i++)
        assert_true(fabs(x[i] + sigma * sigma * score[i] - out[i]) < 1e-12);
    OK(sf_prior_prox(prior, 1, x, sigma * sigma, score));
    assert_true(distance(out, score) < 1e-6);
    sf_prior_release(&prior);
}

/* Threads that share a handle take turns and get the same bits. */
static void threads_may_share_it(void **state)
{
    (void)state;
    static double reference[SIZE], out[4][SIZE];
    sf_prior *prior = make(0.2);
    sf_status status[4];

    OK(sf_prior_denoise(prior, 1, x, 0.2, reference));
#pragma omp parallel for num_threads(4)
    for (int i = 0; i < 4; i++) status[i] = sf_prior_denoise(prior, 1, x, 0.2, out[i]);
    for (int i = 0; i < 4; i++) {
        OK(status[i]);
        assert_memory_equal(out[i], reference, sizeof reference);
    }
    sf_prior_release(&prior);
}

/* bf16 has 8 bits: other results, but not by what a denoiser's own error (0.1 sigma) would notice.
 */
static void bf16_is_close(void **state)
{
    (void)state;
    const double sigma = 0.2;
    static double reference[SIZE], out[SIZE];
    sf_prior *single = make(sigma), *half;
    sf_model *model, *changed, *again;
    sf_model_usage usage;
    sf_grid grid;

    OK(sf_grid_image(ROWS, COLUMNS, &grid));
    OK(sf_model_builtin(&model));
    usage = *sf_model_get_usage(model);
    assert_false(usage.bf16);
    OK(sf_model_usage_parse("bf16=true", &usage));
    OK(sf_model_with_usage(model, &usage, &changed));
    OK(sf_model_with_metadata(changed, "who", "me", &again));
    assert_true(sf_model_get_usage(again)->bf16);
    assert_null(sf_model_metadata(again, "scorefield.bf16"));
    if (sf_engine_has_bf16()) {
        OK(sf_prior_network(&grid, again, &half));
        OK(sf_prior_denoise(single, 1, x, sigma, reference));
        OK(sf_prior_denoise(half, 1, x, sigma, out));
        assert_true(distance(out, reference) > 1e-5 * sigma);
        assert_true(distance(out, reference) < 0.01 * sigma);
        OK(sf_prior_pull(half, 1, x, sigma, x, NULL, out)); /* compiles the derivative */
        sf_prior_release(&half);
    } else {
        assert_int_equal(sf_prior_network(&grid, again, &half), SF_ERR_UNSUPPORTED);
    }
    sf_model_release(&again);
    sf_model_release(&changed);
    sf_model_release(&model);
    sf_prior_release(&single);
}

static void it_is_for_images(void **state)
{
    (void)state;
    const size_t cube[3] = {8, 8, 8};
    sf_model *model;
    sf_prior *prior;
    sf_grid grid;

    OK(sf_grid_make(3, cube, NULL, &grid));
    OK(sf_model_builtin(&model));
    assert_int_equal(sf_prior_network(&grid, model, &prior), SF_ERR_SHAPE);
    assert_null(prior);
    sf_model_release(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_unit_of_flux_is_as_good),
        cmocka_unit_test(it_denoises_and_tweedie_holds),
        cmocka_unit_test(threads_may_share_it),
        cmocka_unit_test(bf16_is_close),
        cmocka_unit_test(it_is_for_images),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
