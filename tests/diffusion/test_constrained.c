/* test_constrained.c - two cells of a Gaussian, one of them known: the other one's law is known,
 * too. A predictor alone is as wrong as that the free cell sees the known one through the noise
 * only; moves that keep the density of each level make it right. */
#include "check.h"

#include <scorefield/diffusion.h>

enum { SAMPLES = 4000 };

#define CORRELATION 0.9
#define VALUE       1.5

static sf_prior *make(void)
{
    const size_t shape[1] = {2};
    const bool known[2] = {true, false};
    const double value[2] = {VALUE, 0.0};
    double weight = 1.0, mean[2] = {0.0, 0.0};
    double covariance[4] = {1.0, CORRELATION, CORRELATION, 1.0};
    const sf_mixture mixture = {2, 1, SF_COVARIANCE_FULL, &weight, mean, covariance};
    const sf_constraints constraints = {.known = known, .value = value};
    sf_prior *free, *constrained;
    sf_grid grid;

    assert_ok(sf_grid_make(1, shape, NULL, &grid));
    assert_ok(sf_prior_mixture(&grid, &mixture, &free));
    assert_ok(sf_prior_constrained(free, &constraints, &constrained));
    sf_prior_release(&free);
    return constrained;
}

/* Mean and variance of the free cell; the known one is what it is. */
static void sample(sf_corrector corrector, size_t steps, double *mean, double *variance)
{
    static double x[2 * SAMPLES];
    sf_sample_options o = sf_sample_options_default();
    sf_prior *prior = make();
    sf_diffusion diffusion;

    o.predictor = SF_PREDICTOR_MULTISTEP_SDE;
    o.corrector = corrector;
    o.step = 0.3;
    o.spacing = SF_TIMES_LOG_SNR;
    o.steps = steps;
    o.variance = 1.0;
    o.denoise_last = true;
    assert_ok(sf_diffusion_edm(0.01, 30.0, &diffusion));
    assert_ok(sf_sample(prior, &diffusion, &o, SAMPLES, x, NULL));
    *mean = *variance = 0.0;
    for (size_t i = 0; i < SAMPLES; i++) {
        assert_true(x[2 * i] == VALUE);
        *mean += x[2 * i + 1] / SAMPLES;
    }
    for (size_t i = 0; i < SAMPLES; i++)
        *variance += (x[2 * i + 1] - *mean) * (x[2 * i + 1] - *mean) / (SAMPLES - 1);
    sf_prior_release(&prior);
}

/* N(0.9 value, 1 - 0.9^2): 4.5 standard errors, and what moves of finite steps are off. */
static void moves_make_it_the_conditional_law(void **state)
{
    const double law = 1.0 - CORRELATION * CORRELATION;
    double mean, variance;

    (void)state;
    sample(SF_CORRECTOR_NONE, 200, &mean, &variance);
    assert_true(mean < 0.7 * VALUE && variance > 1.7 * law);
    sample(SF_CORRECTOR_PRECONDITIONED, 2000, &mean, &variance);
    assert_close(mean, CORRELATION * VALUE, 4.5 * sqrt(law / SAMPLES));
    assert_close(variance / law, 1.0, 4.5 * sqrt(2.0 / SAMPLES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(moves_make_it_the_conditional_law)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
