/* test_prior.c - the interface: a user's own prior through the public table, the views that are
 * made of one another, ownership, errors. */
#include <scorefield/prior.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#define OK(call) assert_int_equal((call), SF_OK)
#define SIZE     6

/* Every pixel is +1 or -1 with a Gaussian width of S: E[x_0 | x] is known in closed form. */
#define S2 0.04

typedef struct two_values {
    int destroyed;
} two_values;

static sf_status two_values_denoise(const void *self, size_t batch, const double *x, double sigma,
                                    double *out)
{
    const double total = S2 + sigma * sigma;

    (void)self;
    for (size_t i = 0; i < batch * SIZE; i++)
        out[i] = (S2 * x[i] + sigma * sigma * tanh(x[i] / total)) / total;
    return SF_OK;
}

static sf_status two_values_score(const void *self, size_t batch, const double *x, double sigma,
                                  double *out)
{
    const double total = S2 + sigma * sigma;

    (void)self;
    for (size_t i = 0; i < batch * SIZE; i++) out[i] = (tanh(x[i] / total) - x[i]) / total;
    return SF_OK;
}

static sf_status two_values_energy(const void *self, size_t batch, const double *x, double sigma,
                                   double *energy)
{
    const double total = S2 + sigma * sigma;

    (void)self;
    for (size_t b = 0; b < batch; b++) {
        energy[b] = 0.0;
        for (size_t i = b * SIZE; i < (b + 1) * SIZE; i++)
            energy[b] += (x[i] * x[i] + 1.0) / (2.0 * total) - log(cosh(x[i] / total)) +
                         0.5 * log(2.0 * 3.14159265358979323846 * total);
    }
    return SF_OK;
}

static void two_values_destroy(void *self) { ((two_values *)self)->destroyed++; }

static const sf_prior_methods everything = {
    .name = "two values",
    .denoise = two_values_denoise,
    .score = two_values_score,
    .energy = two_values_energy,
    .destroy = two_values_destroy,
};
static const sf_prior_methods only_denoise = {.name = "denoiser", .denoise = two_values_denoise};
static const sf_prior_methods only_score = {.score = two_values_score};
static const sf_prior_methods only_prox = {.name = "prox", .prox = two_values_denoise};

static const double x[2 * SIZE] = {0.1, -2, 3, 0.7, -0.4, 0, 1, 1.5, -1, 0.02, 9, -0.9};

static sf_prior *make(const sf_prior_methods *methods, void *self)
{
    sf_prior *prior;
    sf_grid grid;

    OK(sf_grid_image(2, 3, &grid));
    OK(sf_prior_create(methods, self, &grid, &prior));
    return prior;
}

/* Tweedie, both ways: what is made of the other view is that view. */
static void views_are_made_of_one_another(void **state)
{
    (void)state;
    sf_prior *denoiser = make(&only_denoise, NULL), *score = make(&only_score, NULL);
    double made[2 * SIZE], expected[2 * SIZE];

    for (double sigma = 0.01; sigma < 100.0; sigma *= 7.0) {
        OK(sf_prior_score(denoiser, 2, x, sigma, made));
        OK(sf_prior_score(score, 2, x, sigma, expected));
        for (int i = 0; i < 2 * SIZE; i++)
            assert_true(fabs(made[i] - expected[i]) <= 1e-15 * 9.0 / (sigma * sigma) + 1e-12);
        OK(sf_prior_denoise(score, 2, x, sigma, made));
        OK(sf_prior_denoise(denoiser, 2, x, sigma, expected));
        for (int i = 0; i < 2 * SIZE; i++) assert_true(fabs(made[i] - expected[i]) < 1e-14 * 9.0);
        OK(sf_prior_prox(score, 2, x, sigma * sigma, made)); /* plug and play */
        for (int i = 0; i < 2 * SIZE; i++) assert_true(fabs(made[i] - expected[i]) < 1e-13 * 9.0);
    }
    assert_string_equal(sf_prior_name(denoiser), "denoiser");
    assert_string_equal(sf_prior_name(score), "prior");
    sf_prior_release(&denoiser);
    sf_prior_release(&score);
}

/* The score is the gradient of -energy. */
static void score_is_the_gradient(void **state)
{
    (void)state;
    two_values self = {0};
    sf_prior *prior = make(&everything, &self);
    const double sigma = 0.3, h = 1e-5;
    double score[SIZE], shifted[2 * SIZE], energy[2];

    OK(sf_prior_score(prior, 1, x, sigma, score));
    for (int i = 0; i < SIZE; i++) {
        for (int j = 0; j < 2 * SIZE; j++) shifted[j] = x[j % SIZE];
        shifted[i] += h;
        shifted[SIZE + i] -= h;
        OK(sf_prior_energy(prior, 2, shifted, sigma, energy));
        assert_true(fabs((energy[1] - energy[0]) / (2.0 * h) - score[i]) < 1e-6);
    }
    sf_prior_release(&prior);
    assert_int_equal(self.destroyed, 1);
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    sf_prior *prior = make(&only_prox, NULL);
    double out[SIZE];

    OK(sf_prior_prox(prior, 1, x, 1.0, out));
    assert_int_equal(sf_prior_denoise(prior, 1, x, 1.0, out), SF_ERR_UNSUPPORTED);
    assert_string_equal(sf_last_error(),
                        "prior prox offers no denoiser, and no score to make one of");
    assert_int_equal(sf_prior_score(prior, 1, x, 1.0, out), SF_ERR_UNSUPPORTED);
    assert_int_equal(sf_prior_energy(prior, 1, x, 1.0, out), SF_ERR_UNSUPPORTED);
    assert_int_equal(sf_prior_pull(prior, 1, x, 1.0, x, NULL, out), SF_ERR_UNSUPPORTED);
    sf_prior_release(&prior);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    sf_prior *denoiser = make(&only_denoise, NULL), *score = make(&only_score, NULL);
    double out[SIZE], bad[SIZE] = {0, 0, 0, INFINITY, 0, 0};

    assert_int_equal(sf_prior_denoise(denoiser, 1, x, 0.0, out), SF_ERR_ARGUMENT);
    assert_int_equal(sf_prior_denoise(denoiser, 1, x, -1.0, out), SF_ERR_ARGUMENT);
    assert_int_equal(sf_prior_denoise(denoiser, 1, x, NAN, out), SF_ERR_ARGUMENT);
    assert_int_equal(sf_prior_denoise(denoiser, 1, x, INFINITY, out), SF_ERR_ARGUMENT);
    assert_int_equal(sf_prior_prox(denoiser, 1, x, 0.0, out), SF_ERR_ARGUMENT);
    assert_int_equal(sf_prior_score(denoiser, 1, x, 0.0, out), SF_ERR_ARGUMENT);
    OK(sf_prior_score(score, 1, x, 0.0, out)); /* its own density has a score */
    assert_int_equal(sf_prior_denoise(denoiser, 1, bad, 1.0, out), SF_ERR_NUMERIC);
    assert_int_equal(sf_prior_denoise(denoiser, 1, bad, 1.0, bad), SF_ERR_ARGUMENT);
    assert_int_equal(sf_prior_denoise(denoiser, SIZE_MAX, x, 1.0, out), SF_ERR_ARGUMENT);
    OK(sf_prior_denoise(denoiser, 0, x, 1.0, out));
    sf_prior_release(&denoiser);
    sf_prior_release(&score);
}

static void ownership_is_counted(void **state)
{
    (void)state;
    const sf_prior_methods nothing = {.destroy = two_values_destroy};
    two_values self = {0};
    sf_prior *prior = make(&everything, &self), *second = sf_prior_retain(prior), *failed;
    sf_grid empty = {0};

    sf_prior_release(&prior);
    assert_null(prior);
    assert_int_equal(self.destroyed, 0);
    sf_prior_release(&second);
    assert_int_equal(self.destroyed, 1);
    assert_int_equal(sf_prior_create(&everything, &self, &empty, &failed), SF_ERR_ARGUMENT);
    assert_null(failed);
    assert_int_equal(sf_prior_create(&nothing, &self, &empty, &failed), SF_ERR_ARGUMENT);
    assert_int_equal(self.destroyed, 3); /* a failed creation destroys what it was given */
    sf_prior_release(&prior);
    sf_prior_release(NULL);
    assert_null(sf_prior_retain(NULL));
}

/* Every bit of what the prior makes of x at a level counts, and nothing else. */
static void fingerprints_are_of_what_is_done(void **state)
{
    (void)state;
    sf_prior *score = make(&only_score, NULL), *denoiser = make(&only_denoise, NULL);
    double y[SIZE], bad[SIZE] = {NAN};
    uint64_t first, second;

    memcpy(y, x, sizeof y);
    OK(sf_prior_fingerprint(denoiser, x, 1.0, &first));
    OK(sf_prior_fingerprint(denoiser, y, 1.0, &second));
    assert_true(first == second);
    OK(sf_prior_fingerprint(denoiser, x, 1.1, &second));
    assert_true(first != second);
    y[SIZE - 1] = nextafter(y[SIZE - 1], 10.0);
    OK(sf_prior_fingerprint(denoiser, y, 1.0, &second));
    assert_true(first != second);
    assert_int_equal(sf_prior_fingerprint(score, bad, 1.0, &second), SF_ERR_NUMERIC);
    assert_true(second == 0);
    sf_prior_release(&denoiser);
    sf_prior_release(&score);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_are_made_of_one_another),
        cmocka_unit_test(score_is_the_gradient),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(ownership_is_counted),
        cmocka_unit_test(fingerprints_are_of_what_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
