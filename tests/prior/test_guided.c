/* test_guided.c - priors made of priors. Of two Gaussians all are Gaussians, with known mean and
 * variance (their score and energy); constraints are kept whatever comes in. */
#include "base/internal.h"
#include "check.h"

#include <scorefield/prior.h>

#include <string.h>

enum { N = 3 };

/* N(mean, variance) in every cell. */
static sf_prior *gaussian(double mean, double variance)
{
    const double means[N] = {mean, mean, mean}, weight = 1.0;
    sf_mixture m = {.dimension = N,
                    .count = 1,
                    .kind = SF_COVARIANCE_ROUND,
                    .weight = (double *)&weight,
                    .mean = (double *)means,
                    .covariance = &variance};
    sf_prior *prior;
    sf_grid grid;

    assert_ok(sf_grid_make(1, (const size_t[]){N}, NULL, &grid));
    assert_ok(sf_prior_mixture(&grid, &m, &prior));
    return prior;
}

/* y = x + noise of this variance, for every cell. */
typedef struct datum {
    double y, variance;
    int destroyed;
} datum;

static sf_status datum_gradient(void *user, size_t batch, const double *x, double sigma,
                                double *gradient)
{
    const datum *d = user;

    (void)sigma;
    for (size_t i = 0; i < batch * N; i++) gradient[i] = (d->y - x[i]) / d->variance;
    return SF_OK;
}

static sf_status datum_log_density(void *user, size_t batch, const double *x, double sigma,
                                   double *log_density)
{
    const datum *d = user;

    (void)sigma;
    for (size_t b = 0; b < batch; b++) {
        log_density[b] = 0.0;
        for (size_t i = b * N; i < (b + 1) * N; i++)
            log_density[b] -= 0.5 * (d->y - x[i]) * (d->y - x[i]) / d->variance;
    }
    return SF_OK;
}

static sf_status datum_hessian(void *user, size_t batch, const double *x, double sigma,
                               const double *v, double *out)
{
    const datum *d = user;

    (void)x;
    (void)sigma;
    for (size_t i = 0; i < batch * N; i++) out[i] = -v[i] / d->variance;
    return SF_OK;
}

static void datum_destroy(void *user) { ((datum *)user)->destroyed++; }

static sf_guide guide_of(datum *d)
{
    return (sf_guide){datum_gradient, datum_log_density, datum_hessian, datum_destroy, d};
}

/* Score, denoiser, pull and differences of energy are those of precision p around m at this level.
 */
static void assert_gaussian(const sf_prior *prior, double m, double p, double sigma)
{
    const double x[2 * N] = {-3.0, 0.2, 1.7, 4.0, 0.0, -1.0}, v[2 * N] = {1, -2, 0.5, 3, 0.1, -1};
    const double s2 = sigma * sigma;
    double out[2 * N], denoised[2 * N], energy[2], expected = 0.0;

    assert_ok(sf_prior_score(prior, 2, x, sigma, out));
    for (size_t i = 0; i < 2 * N; i++) assert_close(out[i], p * (m - x[i]), 1e-12 * (1 + fabs(p)));
    assert_ok(sf_prior_denoise(prior, 2, x, sigma, out));
    for (size_t i = 0; i < 2 * N; i++)
        assert_close(out[i], x[i] + s2 * p * (m - x[i]), 1e-12 * (1 + s2 * fabs(p)));
    assert_ok(sf_prior_pull(prior, 2, x, sigma, v, denoised, out));
    for (size_t i = 0; i < 2 * N; i++) {
        assert_close(out[i], (1.0 - s2 * p) * v[i], 1e-12 * (1 + s2 * fabs(p)));
        assert_close(denoised[i], x[i] + s2 * p * (m - x[i]), 1e-12 * (1 + s2 * fabs(p)));
    }
    assert_ok(sf_prior_energy(prior, 2, x, sigma, energy));
    for (size_t i = 0; i < N; i++)
        expected += 0.5 * p * ((x[i] - m) * (x[i] - m) - (x[N + i] - m) * (x[N + i] - m));
    assert_close(energy[0] - energy[1], expected, 1e-11 * (1 + fabs(expected)));
}

/* Precisions add, g times the datum's. */
static void a_guided_gaussian_is_one(void **state)
{
    const double strengths[] = {0.0, 1.0, 3.5, -0.2}, mean = 0.7, variance = 0.9;

    (void)state;
    for (size_t k = 0; k < 4; k++)
        for (double sigma = 0.2; sigma < 4.0; sigma *= 3.0) {
            datum d = {-1.3, 0.4, 0};
            const sf_guide guide = guide_of(&d);
            const double own = 1.0 / (variance + sigma * sigma), more = strengths[k] / d.variance;
            sf_prior *prior = gaussian(mean, variance), *guided;

            assert_ok(sf_prior_guided(prior, &guide, strengths[k], &guided));
            sf_prior_release(&prior); /* the guided one holds it */
            assert_gaussian(guided, (own * mean + more * d.y) / (own + more), own + more, sigma);
            sf_prior_release(&guided);
            assert_int_equal(d.destroyed, 1);
        }
}

/* Precisions in the proportion 1 - w to w. */
static void a_pair_of_gaussians_is_one(void **state)
{
    const double weights[] = {0.0, 1.0, 2.5, 0.3};

    (void)state;
    for (size_t k = 0; k < 4; k++)
        for (double sigma = 0.2; sigma < 4.0; sigma *= 3.0) {
            const double w = weights[k], pu = (1.0 - w) / (2.0 + sigma * sigma);
            const double pc = w / (0.5 + sigma * sigma);
            sf_prior *unconditional = gaussian(-0.4, 2.0), *conditional = gaussian(1.1, 0.5), *both;

            assert_ok(sf_prior_classifier_free(unconditional, conditional, w, &both));
            sf_prior_release(&unconditional);
            sf_prior_release(&conditional);
            assert_gaussian(both, (-0.4 * pu + 1.1 * pc) / (pu + pc), pu + pc, sigma);
            sf_prior_release(&both);
        }
}

static void what_overflows_is_said(void **state)
{
    const double x[N] = {1.0, 2.0, 3.0};
    double out[N];
    datum d = {-1.3, 1e-10, 0};
    sf_guide guide = guide_of(&d);
    sf_prior *prior = gaussian(0.0, 1.0), *narrow = gaussian(0.0, 1e-10), *made;

    (void)state;
    assert_ok(sf_prior_guided(prior, &guide, 1e300, &made));
    assert_status(SF_ERR_NUMERIC, sf_prior_score(made, 1, x, 1.0, out));
    assert_string_equal(sf_last_error(), "guidance of strength 1e+300 by a gradient of -2.3e+10 "
                                         "overflows at noise level 1: give a smaller strength");
    assert_status(SF_ERR_NUMERIC, sf_prior_denoise(made, 1, x, 1.0, out));
    assert_status(SF_ERR_NUMERIC, sf_prior_pull(made, 1, x, 1.0, x, NULL, out));
    sf_prior_release(&made);
    assert_ok(sf_prior_classifier_free(prior, narrow, 1e300, &made));
    assert_status(SF_ERR_NUMERIC, sf_prior_score(made, 1, x, 0.0, out));
    sf_prior_release(&made);
    assert_status(SF_ERR_ARGUMENT, sf_prior_guided(prior, &guide, (double)INFINITY, &made));
    assert_null(made);
    guide.gradient = NULL;
    assert_status(SF_ERR_ARGUMENT, sf_prior_guided(prior, &guide, 1.0, &made));
    assert_null(made);
    assert_int_equal(d.destroyed, 3); /* once each, failures too */
    assert_status(SF_ERR_ARGUMENT, sf_prior_classifier_free(prior, narrow, (double)NAN, &made));
    assert_null(made);
    sf_prior_release(&prior);
    sf_prior_release(&narrow);
}

static void what_a_guide_lacks_is_said(void **state)
{
    const double x[N] = {1.0, 2.0, 3.0};
    double out[N];
    datum d = {-1.3, 1.0, 0};
    const sf_guide guide = {.gradient = datum_gradient, .user = &d};
    sf_prior *prior = gaussian(0.0, 1.0), *other, *made;
    sf_grid grid;
    sf_spectrum *spectrum;

    (void)state;
    assert_ok(sf_prior_guided(prior, &guide, 1.0, &made));
    assert_ok(sf_prior_score(made, 1, x, 1.0, out));
    assert_status(SF_ERR_UNSUPPORTED, sf_prior_energy(made, 1, x, 1.0, out));
    assert_status(SF_ERR_UNSUPPORTED, sf_prior_pull(made, 1, x, 1.0, x, NULL, out));
    sf_prior_release(&made);
    assert_ok(sf_grid_image(2, 2, &grid));
    assert_ok(sf_spectrum_power_law(1.0, 0.0, 1.0, &spectrum));
    assert_ok(sf_prior_gaussian(&grid, spectrum, 0.0, &other));
    assert_status(SF_ERR_SHAPE, sf_prior_classifier_free(prior, other, 1.0, &made));
    assert_null(made);
    sf_spectrum_release(&spectrum);
    sf_prior_release(&prior);
    sf_prior_release(&other);
}

/* ---- constraints ----------------------------------------------------------------------------- */

enum { CELLS = 20 };

static sf_prior *field(double slope)
{
    sf_spectrum *spectrum;
    sf_prior *prior;
    sf_grid grid;

    assert_ok(sf_grid_image(4, 5, &grid));
    assert_ok(sf_spectrum_power_law(1.0, slope, 1.0, &spectrum));
    assert_ok(sf_prior_gaussian(&grid, spectrum, 0.5, &prior));
    sf_spectrum_release(&spectrum);
    return prior;
}

static const bool known[CELLS] = {[2] = true, [3] = true, [11] = true};
static const double value[CELLS] = {[2] = 7.3, [3] = -1e6, [11] = 0.1};
static const size_t group[CELLS] = {0, 1, 1, 1, 1, 2, 2, 0, 2, 2, 2};
static const double sum[2] = {12.5, -3.0};
static const sf_constraints constraints = {known, value, 2, group, sum};

static void constraints_are_kept(void **state)
{
    sf_prior *free = field(-1.5), *prior;
    double x[2 * CELLS], d[2 * CELLS];

    (void)state;
    assert_ok(sf_prior_constrained(free, &constraints, &prior));
    sf_prior_release(&free);
    sf_random_normal(sf_random_make(1, 0), 0, 0, 2 * CELLS, x);
    for (double sigma = 1e-6; sigma < 1e4; sigma *= 10.0) {
        assert_ok(sf_prior_denoise(prior, 2, x, sigma, d));
        for (size_t b = 0; b < 2; b++) {
            double total[3] = {0.0};

            for (size_t i = 0; i < CELLS; i++) {
                if (known[i]) assert_true(d[b * CELLS + i] == value[i]);
                total[group[i]] += d[b * CELLS + i];
            }
            assert_close(total[1], sum[0], 1e-9); /* beside a cell of -1e6 */
            assert_close(total[2], sum[1], 1e-13);
        }
    }
    sf_prior_release(&prior);
}

/* White fields: given the noised x and the constraints, the mean is that of conditioned Gaussians:
 * cells apart, and a sum's lack spread alike. */
static void white_fields_are_exact(void **state)
{
    const double sigma = 0.8;
    sf_prior *free = field(0.0), *prior;
    double x[CELLS], d[CELLS], plain[CELLS], lack = sum[1];

    (void)state;
    assert_ok(sf_prior_constrained(free, &constraints, &prior));
    sf_random_normal(sf_random_make(2, 0), 0, 0, CELLS, x);
    assert_ok(sf_prior_denoise(free, 1, x, sigma, plain));
    assert_ok(sf_prior_denoise(prior, 1, x, sigma, d));
    for (size_t i = 0; i < CELLS; i++) /* variance 1, mean 0.5 */
        assert_close(plain[i], (x[i] + sigma * sigma * 0.5) / (1.0 + sigma * sigma), 1e-13);
    for (size_t i = 0; i < CELLS; i++) lack -= group[i] == 2 ? plain[i] : 0.0;
    for (size_t i = 5; i < CELLS; i++)
        if (!known[i]) assert_close(d[i], plain[i] + (group[i] == 2 ? lack / 5.0 : 0.0), 1e-13);
    sf_prior_release(&free);
    sf_prior_release(&prior);
}

static void constraints_that_cannot_be_are_refused(void **state)
{
    static const bool all[CELLS] = {[1] = true, [2] = true, [3] = true, [4] = true};
    const double wrong[CELLS] = {[3] = (double)NAN};
    sf_constraints c = constraints;
    sf_prior *free = field(-1.0), *prior;
    double x[CELLS] = {0.0}, out[CELLS];

    (void)state;
    c.known = all;
    assert_status(SF_ERR_ARGUMENT, sf_prior_constrained(free, &c, &prior));
    assert_null(prior);
    c.known = known;
    c.value = wrong;
    assert_status(SF_ERR_NUMERIC, sf_prior_constrained(free, &c, &prior));
    c.value = value;
    c.sums = 1;
    assert_status(SF_ERR_ARGUMENT, sf_prior_constrained(free, &c, &prior));
    assert_non_null(strstr(sf_last_error(), "cell 5 is in sum 2 of 1"));
    c = (sf_constraints){.sums = 0};
    assert_ok(sf_prior_constrained(free, &c, &prior));
    assert_ok(sf_prior_score(prior, 1, x, 1.0, out));
    assert_status(SF_ERR_UNSUPPORTED, sf_prior_energy(prior, 1, x, 1.0, out));
    sf_prior_release(&free);
    sf_prior_release(&prior);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guided_gaussian_is_one),
        cmocka_unit_test(a_pair_of_gaussians_is_one),
        cmocka_unit_test(what_overflows_is_said),
        cmocka_unit_test(what_a_guide_lacks_is_said),
        cmocka_unit_test(constraints_are_kept),
        cmocka_unit_test(white_fields_are_exact),
        cmocka_unit_test(constraints_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
