/* test_validate.c - the validation table against closed forms: the noise itself, a field whose
 * best filter is known, pictures made for total variation. */
#include <scorefield/prior.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#define OK(call) assert_int_equal((call), SF_OK)
#define SIDE     ((size_t)64)
#define COUNT    ((size_t)2)
#define SIZE     (SIDE * SIDE)

static double images[COUNT * SIZE];

static double flat_power(double k, void *variance)
{
    (void)k;
    return *(double *)variance;
}

/* The exact prior of white pixels of the given variance. */
static sf_prior *make(double variance)
{
    sf_spectrum *spectrum;
    sf_prior *prior;
    sf_grid grid;

    OK(sf_grid_image(SIDE, SIDE, &grid));
    OK(sf_spectrum_callback(flat_power, &variance, &spectrum));
    OK(sf_prior_gaussian(&grid, spectrum, 0.0, &prior));
    sf_spectrum_release(&spectrum);
    return prior;
}

/* dB of a mean squared error, averaged over the images. */
static double expected(double square_error)
{
    double sum = 0.0;

    for (size_t b = 0; b < COUNT; b++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < SIZE; i++) {
            low = fmin(low, images[b * SIZE + i]);
            high = fmax(high, images[b * SIZE + i]);
        }
        sum += 10.0 * log10((high - low) * (high - low) / square_error) / (double)COUNT;
    }
    return sum;
}

/* White pixels of variance 4 in noise of variance 1: nothing does better than 4/5 of the noise.
 * A mean square of 8192 values has a relative error of 1.6 %, or 0.07 dB. */
static void white_fields_have_a_known_best(void **state)
{
    (void)state;
    sf_prior *prior = make(4.0);
    sf_validation v;

    sf_random_normal(sf_random_make(9, 9), 0, 0, COUNT * SIZE, images);
    for (size_t i = 0; i < COUNT * SIZE; i++) images[i] *= 2.0;
    OK(sf_prior_validate(prior, COUNT, images, 1.0, 1, &v));
    assert_true(fabs(v.noisy - expected(1.0)) < 0.3);
    assert_true(fabs(v.prior - expected(0.8)) < 0.3);
    assert_true(fabs(v.wiener - v.prior) < 0.1); /* measured rings follow the flat spectrum */
    assert_true(v.total_variation < v.prior + 0.05);
    assert_true(v.total_variation >= v.noisy - 0.1); /* strength 0 would leave the noise */
    sf_prior_release(&prior);
}

/* Blocks: total variation wins, and no other strength is better than the one that is found. */
static void total_variation_is_at_its_best(void **state)
{
    (void)state;
    sf_prior *prior = make(1.0), *tv;
    sf_validation v;
    double best = INFINITY, noisy[SIZE], out[SIZE];

    for (size_t i = 0; i < COUNT * SIZE; i++)
        images[i] = 100.0 + ((i % SIDE / 20 + i / SIDE / 20) % 2 == 1 ? 3.0 : 0.0) +
                    (i % SIDE > 40 ? 2.0 : 0.0);
    OK(sf_prior_validate(prior, 1, images, 0.5, 3, &v));
    assert_true(v.total_variation > v.wiener + 3.0);
    assert_true(v.wiener > v.noisy + 3.0);
    sf_random_normal(sf_random_make(3, 0), 0, 0, SIZE, noisy);
    for (size_t i = 0; i < SIZE; i++) noisy[i] = images[i] + 0.5 * noisy[i];
    for (double strength = 0.02; strength < 4.0; strength *= 1.2) {
        double error = 0.0;
        OK(sf_prior_total_variation(sf_prior_grid(prior), strength, 1e-3, &tv));
        OK(sf_prior_prox(tv, 1, noisy, 1.0, out));
        for (size_t i = 0; i < SIZE; i++) error += (out[i] - images[i]) * (out[i] - images[i]);
        best = fmin(best, error / (double)SIZE);
        sf_prior_release(&tv);
    }
    assert_true(v.total_variation > 10.0 * log10(25.0 / best) - 0.02);
    sf_prior_release(&prior);
}

static void what_cannot_be_validated_is_refused(void **state)
{
    (void)state;
    sf_prior *prior = make(1.0);
    sf_validation v;

    memset(images, 0, sizeof images);
    assert_int_equal(sf_prior_validate(prior, 1, images, 1.0, 1, &v), SF_ERR_ARGUMENT);
    assert_true(isnan(v.prior));
    images[7] = 1.0;
    assert_int_equal(sf_prior_validate(prior, 0, images, 1.0, 1, &v), SF_ERR_ARGUMENT);
    assert_int_equal(sf_prior_validate(prior, 1, images, 0.0, 1, &v), SF_ERR_ARGUMENT);
    images[8] = NAN;
    assert_int_equal(sf_prior_validate(prior, 1, images, 1.0, 1, &v), SF_ERR_NUMERIC);
    sf_prior_release(&prior);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_fields_have_a_known_best),
        cmocka_unit_test(total_variation_is_at_its_best),
        cmocka_unit_test(what_cannot_be_validated_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
