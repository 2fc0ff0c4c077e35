/* test_mixture.c - Gaussian mixtures against sums written down directly, quadrature, dense linear
 * algebra and Bayes' theorem. */
#include "base/internal.h"
#include "check.h"

#include <scorefield/prior.h>

#include <float.h>
#include <lapacke.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PI 3.14159265358979323846

/* ---- one dimension, three modes -------------------------------------------------------------- */

static double three_weights[] = {1.0, 3.0, 4.0}; /* of 8 */
static double three_means[] = {-2.0, 0.5, 3.0};
static double three_variances[] = {0.04, 0.25, 0.0625};
static const sf_mixture three = {
    1, 3, SF_COVARIANCE_ROUND, three_weights, three_means, three_variances};

static sf_prior *prior_of(const sf_mixture *mixture)
{
    sf_prior *prior;
    sf_grid grid;

    assert_ok(sf_grid_make(1, &mixture->dimension, NULL, &grid));
    assert_ok(sf_prior_mixture(&grid, mixture, &prior));
    return prior;
}

static double three_density(double x, double sigma)
{
    double sum = 0.0;

    for (int k = 0; k < 3; k++) {
        const double v = three_variances[k] + sigma * sigma, d = x - three_means[k];

        sum += three_weights[k] / 8.0 * exp(-0.5 * d * d / v) / sqrt(2.0 * PI * v);
    }
    return sum;
}

/* Energy by the sum itself; score by differences of log p; denoiser by quadrature of Bayes. */
static void three_modes(void **state)
{
    const double levels[] = {0.0, 0.1, 0.8, 5.0}, h = 1e-5;
    sf_prior *prior = prior_of(&three);

    (void)state;
    for (size_t s = 0; s < 4; s++)
        for (double x = -4.0; x < 5.0; x += 0.37) {
            const double sigma = levels[s], p = three_density(x, sigma);
            double energy, score, d, mean = 0.0;

            assert_ok(sf_prior_energy(prior, 1, &x, sigma, &energy));
            assert_close(energy, -log(p), 1e-12 * (1.0 + fabs(energy)));
            assert_ok(sf_prior_score(prior, 1, &x, sigma, &score));
            assert_close(score,
                         log(three_density(x + h, sigma) / three_density(x - h, sigma)) / (2.0 * h),
                         1e-7 * (1.0 + fabs(score)));
            if (sigma == 0.0) continue;
            for (double x0 = -5.0; x0 < 6.0; x0 += 0.005)
                mean += 0.005 * x0 * three_density(x0, 0.0) *
                        exp(-0.5 * (x - x0) * (x - x0) / (sigma * sigma)) /
                        sqrt(2.0 * PI * sigma * sigma);
            assert_ok(sf_prior_denoise(prior, 1, &x, sigma, &d));
            assert_close(d, mean / p, 1e-9);
        }
    sf_prior_release(&prior);
}

/* Where every density is 0 as a number, the nearest component alone is left, and nothing is NaN. */
static void far_from_everything(void **state)
{
    sf_prior *prior = prior_of(&three);

    (void)state;
    for (double x = 1e2; x < 1e301; x *= 1e10) {
        const double v = three_variances[1] + 0.01, c = log(3.0 / 8.0) - 0.5 * log(2.0 * PI * v);
        double energy, score, d, out;

        assert_ok(sf_prior_energy(prior, 1, &x, 0.1, &energy));
        assert_true(energy > 1000.0); /* +infinity beyond 1e154 */
        if (x < 1e150) assert_close(energy, 0.5 * (x - 0.5) * (x - 0.5) / v - c, 1e-14 * energy);
        assert_ok(sf_prior_score(prior, 1, &x, 0.1, &score));
        assert_close(score, (0.5 - x) / v, 1e-14 * x / v); /* the widest is the nearest */
        assert_ok(sf_prior_pull(prior, 1, &x, 0.1, &v, &d, &out));
        assert_close(d, 0.5 + 0.25 / v * (x - 0.5), 1e-14 * x);
        assert_close(out, 0.25 / v * v, 1e-14);
    }
    sf_prior_release(&prior);
}

/* Points without extent have no density, but any noise gives them one. */
static void points(void **state)
{
    double nothing[3] = {0.0, 0.0, 0.0};
    const sf_mixture dots = {1, 3, SF_COVARIANCE_ROUND, three_weights, three_means, nothing};
    sf_prior *prior = prior_of(&dots);
    double x = 0.4, out;

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_prior_energy(prior, 1, &x, 0.0, &out));
    assert_ok(sf_prior_denoise(prior, 1, &x, 0.2, &out));
    assert_close(out, 0.5, 1e-12);
    sf_prior_release(&prior);
}

/* ---- full covariances ------------------------------------------------------------------------ */

enum { N = 4, K = 3 };

/* Covariances B B^T + 0.1, means and weights of random numbers. */
static sf_mixture *random_mixture(sf_covariance kind)
{
    sf_mixture *m;
    double b[K * N * N];

    assert_ok(sf_mixture_create(N, K, kind, &m));
    sf_random_uniform(sf_random_make(1, 0), 0, 0, K, m->weight);
    sf_random_normal(sf_random_make(1, 0), 1, 0, K * N, m->mean);
    sf_random_normal(sf_random_make(1, 0), 2, 0, K * N * N, b);
    for (size_t k = 0; k < K; k++)
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++) {
                double sum = i == j ? 0.1 : 0.0;

                for (size_t l = 0; l < N; l++)
                    sum += b[(k * N + i) * N + l] * b[(k * N + j) * N + l];
                if (kind == SF_COVARIANCE_FULL) m->covariance[(k * N + i) * N + j] = sum;
                if (kind == SF_COVARIANCE_DIAGONAL && i == j) m->covariance[k * N + i] = sum;
                if (kind == SF_COVARIANCE_ROUND && i == 0 && j == 0) m->covariance[k] = sum;
            }
    return m;
}

static double covariance_entry(const sf_mixture *m, size_t k, size_t i, size_t j)
{
    if (m->kind == SF_COVARIANCE_FULL) return m->covariance[(k * N + i) * N + j];
    return i != j                           ? 0.0
           : m->kind == SF_COVARIANCE_ROUND ? m->covariance[k]
                                            : m->covariance[k * N + i];
}

/* Energy and score by Cholesky factors of every C + sigma^2. */
static void dense_views(const sf_mixture *m, const double *x, double sigma, double *energy,
                        double *score)
{
    double density = 0.0, total = 0.0;

    memset(score, 0, N * sizeof *score);
    for (size_t k = 0; k < K; k++) total += m->weight[k];
    for (size_t k = 0; k < K; k++) {
        double c[N * N], solved[N], exponent = 0.0, p;

        for (size_t i = 0; i < N; i++) {
            solved[i] = x[i] - m->mean[k * N + i];
            for (size_t j = 0; j < N; j++)
                c[i * N + j] = covariance_entry(m, k, i, j) + (i == j ? sigma * sigma : 0.0);
        }
        assert_int_equal(LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', N, 1, c, N, solved, 1), 0);
        for (size_t i = 0; i < N; i++)
            exponent += 0.5 * solved[i] * (x[i] - m->mean[k * N + i]) + log(c[i * N + i]) +
                        0.5 * log(2.0 * PI);
        p = m->weight[k] / total * exp(-exponent);
        density += p;
        for (size_t i = 0; i < N; i++) score[i] -= p * solved[i];
    }
    for (size_t i = 0; i < N; i++) score[i] /= density;
    *energy = -log(density);
}

static void every_covariance_is_the_dense_one(void **state)
{
    (void)state;
    for (int kind = SF_COVARIANCE_ROUND; kind <= SF_COVARIANCE_FULL; kind++) {
        sf_mixture *m = random_mixture((sf_covariance)kind);
        sf_prior *prior = prior_of(m);

        for (double sigma = 0.0; sigma < 3.0; sigma += 0.9)
            for (uint64_t draw = 0; draw < 10; draw++) {
                double x[N], score[N], expected[N], energy, known;

                sf_random_normal(sf_random_make(2, 0), draw, 0, N, x);
                dense_views(m, x, sigma, &known, expected);
                assert_ok(sf_prior_energy(prior, 1, x, sigma, &energy));
                assert_close(energy, known, 1e-11 * (1.0 + fabs(known)));
                assert_ok(sf_prior_score(prior, 1, x, sigma, score));
                for (size_t i = 0; i < N; i++)
                    assert_close(score[i], expected[i], 1e-10 * (1.0 + fabs(expected[i])));
            }
        sf_prior_release(&prior);
        sf_mixture_release(&m);
    }
}

/* ---- posterior ------------------------------------------------------------------------------- */

/* Bayes: log p(x) + log N(y; A x, noise) - log p(y) = log p(x | y), at any x. */
static void bayes_holds(void **state)
{
    enum { DATA = 2 };
    const double a[DATA * N] = {1.0, -0.5, 0.0, 2.0, 0.3, 0.0, 1.5, -1.0}, y[] = {0.7, -1.1};
    const double noise[] = {0.2, 0.05};

    (void)state;
    for (int kind = SF_COVARIANCE_ROUND; kind <= SF_COVARIANCE_FULL; kind++) {
        sf_mixture *m = random_mixture((sf_covariance)kind), *posterior;
        sf_prior *before = prior_of(m), *after;
        double evidence;

        assert_ok(sf_mixture_posterior(m, DATA, a, y, noise, &posterior, &evidence));
        after = prior_of(posterior);
        for (uint64_t draw = 0; draw < 10; draw++) {
            double x[N], prior_energy, energy, log_likelihood = 0.0;

            sf_random_normal(sf_random_make(3, 0), draw, 0, N, x);
            for (size_t r = 0; r < DATA; r++) {
                double residual = y[r];

                for (size_t i = 0; i < N; i++) residual -= a[r * N + i] * x[i];
                log_likelihood -= 0.5 * (residual * residual / noise[r] + log(2.0 * PI * noise[r]));
            }
            assert_ok(sf_prior_energy(before, 1, x, 0.0, &prior_energy));
            assert_ok(sf_prior_energy(after, 1, x, 0.0, &energy));
            assert_close(energy, prior_energy - log_likelihood + evidence,
                         1e-10 * (1.0 + fabs(energy)));
        }
        sf_prior_release(&before);
        sf_prior_release(&after);
        sf_mixture_release(&posterior);
        sf_mixture_release(&m);
    }
}

/* Tweedie's mean is the posterior's for y = x + sigma n, and sigma^2 dD/dx its covariance. */
static void the_denoiser_is_a_posterior(void **state)
{
    const double sigma = 0.7;
    sf_mixture *m = random_mixture(SF_COVARIANCE_FULL), *posterior;
    sf_prior *prior = prior_of(m);
    double one[N * N] = {0.0}, noise[N], y[N], d[N], pulled[N];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        one[i * N + i] = 1.0;
        noise[i] = sigma * sigma;
        y[i] = 0.3 * (double)i - 0.5;
    }
    assert_ok(sf_mixture_posterior(m, N, one, y, noise, &posterior, NULL));
    for (size_t j = 0; j < N; j++) {
        assert_ok(sf_prior_pull(prior, 1, y, sigma, one + j * N, d, pulled));
        for (size_t i = 0; i < N; i++) {
            double mean = 0.0, second = 0.0;

            for (size_t k = 0; k < K; k++) {
                const double *mu = posterior->mean + k * N;

                mean += posterior->weight[k] * mu[i];
                second += posterior->weight[k] * (posterior->covariance[(k * N + i) * N + j] +
                                                  (mu[i] - d[i]) * (mu[j] - d[j]));
            }
            assert_close(d[i], mean, 1e-12);
            assert_close(sigma * sigma * pulled[i], second, 1e-12);
        }
    }
    sf_prior_release(&prior);
    sf_mixture_release(&posterior);
    sf_mixture_release(&m);
}

/* ---- draws ----------------------------------------------------------------------------------- */

/* Mean and covariance of 40,000 draws, at 5 standard errors (false alarm of all 14: 1e-5). */
static void draws_have_the_moments(void **state)
{
    enum { DRAWS = 40000 };
    static double x[DRAWS * N];
    sf_mixture *m = random_mixture(SF_COVARIANCE_FULL);
    double total = 0.0, mean[N] = {0.0}, alone[N];

    (void)state;
    for (size_t k = 0; k < K; k++) total += m->weight[k];
    for (size_t k = 0; k < K; k++)
        for (size_t i = 0; i < N; i++) mean[i] += m->weight[k] / total * m->mean[k * N + i];
    assert_ok(sf_mixture_draw(m, sf_random_make(5, 0), 0, DRAWS, x));
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j <= i; j++) {
            double expected = 0.0, sum = 0.0, square = 0.0, first = 0.0, variance = 0.0;

            for (size_t k = 0; k < K; k++)
                expected += m->weight[k] / total *
                            (covariance_entry(m, k, i, j) +
                             (m->mean[k * N + i] - mean[i]) * (m->mean[k * N + j] - mean[j]));
            for (size_t b = 0; b < DRAWS; b++) {
                const double di = x[b * N + i] - mean[i], dj = x[b * N + j] - mean[j];

                sum += di * dj / DRAWS;
                square += di * dj * di * dj / DRAWS;
                first += di / DRAWS;
                variance += di * di / DRAWS;
            }
            assert_close(sum, expected, 5.0 * sqrt((square - sum * sum) / DRAWS));
            assert_close(first, 0.0, 5.0 * sqrt(variance / DRAWS));
        }
    assert_ok(sf_mixture_draw(m, sf_random_make(5, 0), 17, 1, alone));
    assert_memory_equal(alone, x + 17 * N, sizeof alone);
    sf_mixture_release(&m);
}

/* ---- files, and what is none ----------------------------------------------------------------- */

/* Heights and sigmas: weights are height * sigma^n. */
static void a_file_is_read(void **state)
{
    char path[] = "/tmp/sf-mixture-XXXXXX";
    const int file = mkstemp(path);
    FILE *stream = fdopen(file, "w");
    sf_mixture *m;

    (void)state;
    assert_non_null(stream);
    (void)fputs("# weight sigma mean\n2 0.5 1 -1\n1 2.0 0 3\n", stream);
    (void)fclose(stream);
    assert_ok(sf_mixture_read(path, &m));
    assert_int_equal(m->dimension, 2);
    assert_int_equal(m->count, 2);
    assert_close(m->weight[0] / m->weight[1], 2.0 * 0.25 / 4.0, 1e-15);
    assert_close(m->covariance[1], 4.0, 1e-15);
    assert_close(m->mean[3], 3.0, 0.0);
    sf_mixture_release(&m);
    stream = fopen(path, "w");
    assert_non_null(stream);
    (void)fputs("2 -0.5 1\n", stream);
    (void)fclose(stream);
    assert_status(SF_ERR_ARGUMENT, sf_mixture_read(path, &m));
    assert_null(m);
    assert_int_equal(unlink(path), 0);
    assert_status(SF_ERR_IO, sf_mixture_read(path, &m));
}

static void refused(sf_mixture *m, sf_status expected)
{
    sf_prior *prior;
    sf_grid grid;

    assert_ok(sf_grid_make(1, (const size_t[]){N}, NULL, &grid));
    assert_int_equal(sf_prior_mixture(&grid, m, &prior), expected);
    assert_null(prior);
}

static void what_is_no_mixture_is_refused(void **state)
{
    sf_mixture *m = random_mixture(SF_COVARIANCE_FULL), *posterior;
    const double zero[N] = {0.0}, weight = m->weight[1];

    (void)state;
    m->weight[1] = -1.0;
    refused(m, SF_ERR_ARGUMENT);
    m->weight[1] = weight;
    m->mean[2] = (double)NAN;
    refused(m, SF_ERR_NUMERIC);
    m->mean[2] = 0.0;
    m->covariance[1] += 0.1;
    refused(m, SF_ERR_NUMERIC); /* not symmetric */
    m->covariance[1] -= 0.1;
    m->covariance[0] = -5.0;
    refused(m, SF_ERR_NUMERIC); /* not positive */
    m->covariance[0] = 5.0;
    memset(m->weight, 0, K * sizeof *m->weight);
    refused(m, SF_ERR_ARGUMENT);
    m->dimension = 1;
    refused(m, SF_ERR_SHAPE);
    m->dimension = N;
    m->weight[0] = 1.0;
    assert_status(SF_ERR_NUMERIC, sf_mixture_posterior(m, 1, zero, zero, zero, &posterior, NULL));
    assert_null(posterior);
    sf_mixture_release(&m);
    sf_mixture_release(NULL);
    assert_status(SF_ERR_ARGUMENT, sf_mixture_create(0, 1, SF_COVARIANCE_ROUND, &m));
    assert_status(SF_ERR_MEMORY, sf_mixture_create(SIZE_MAX, 2, SF_COVARIANCE_ROUND, &m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_modes),
        cmocka_unit_test(far_from_everything),
        cmocka_unit_test(points),
        cmocka_unit_test(every_covariance_is_the_dense_one),
        cmocka_unit_test(bayes_holds),
        cmocka_unit_test(the_denoiser_is_a_posterior),
        cmocka_unit_test(draws_have_the_moments),
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(what_is_no_mixture_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
