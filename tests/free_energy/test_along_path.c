/* test_along_path.c - thermodynamic integration and stepping stone between two centred normal laws
 * of precision 1 and A: f_b = e^(-(1 - b + b A) x^2/2), log Z_1/Z_0 = -ln(A)/2. */
#include "repetitions.h"

#include <scorefield/free_energy.h>

#include <string.h>

#define A     3.0
#define TRUTH (-0.5 * log(A))

static double precision(double b) { return 1.0 + b * (A - 1.0); }

/* x^2 of `count` samples at b */
static void squares(double b, uint64_t repetition, uint64_t stage, size_t count, double *x)
{
    sf_random_normal(sf_random_make(21, stage), repetition, 0, count, x);
    for (size_t i = 0; i < count; i++) x[i] *= x[i] / precision(b);
}

/* E_b[d log f_b/db] = (1 - A)/2 E_b[x^2] */
static void exact_means(size_t count, const double *b, double *means)
{
    for (size_t j = 0; j < count; j++) means[j] = 0.5 * (1.0 - A) / precision(b[j]);
}

static void even(size_t count, double *b)
{
    for (size_t j = 0; j < count; j++) b[j] = (double)j / (double)(count - 1);
}

/* Errors of the rules: trapezoid falls as 1/n^2, cubic faster, Gauss at once. */
static void quadratures(void **state)
{
    double b[41], means[41], coarse, none[41] = {0.0};
    sf_thermodynamic_report r;

    (void)state;
    even(11, b);
    exact_means(11, b, means);
    assert_ok(sf_thermodynamic_integration(SF_QUADRATURE_TRAPEZOID, 11, b, means, none, &r));
    coarse = r.estimate.value - TRUTH;
    /* Euler & Maclaurin: h^2/12 (m'(1) - m'(0)), and m' = (1 - A)(1 - A)/2/precision^2 */
    assert_close(coarse / (0.01 / 12.0 * 0.5 * (A - 1.0) * (A - 1.0) * (1.0 / (A * A) - 1.0)), 1.0,
                 0.02);
    assert_close(r.discretisation, fabs(coarse), 0.2 * fabs(coarse));
    assert_false(r.estimate.reliable);
    assert_ok(sf_thermodynamic_integration(SF_QUADRATURE_CUBIC, 11, b, means, NULL, &r));
    assert_true(fabs(r.estimate.value - TRUTH) < 0.2 * fabs(coarse));
    even(41, b);
    exact_means(41, b, means);
    assert_ok(sf_thermodynamic_integration(SF_QUADRATURE_TRAPEZOID, 41, b, means, NULL, &r));
    assert_close((r.estimate.value - TRUTH) / coarse, 1.0 / 16.0, 1e-3);
    assert_ok(sf_gauss_nodes(10, b));
    exact_means(10, b, means);
    assert_ok(sf_thermodynamic_integration(SF_QUADRATURE_GAUSS, 10, b, means, NULL, &r));
    assert_close(r.estimate.value, TRUTH, 1e-10);
    assert_true(isnan(r.discretisation) && r.estimate.reliable);
}

/* A straight line is integrated by every rule, also on uneven b. */
static void lines_are_exact(void **state)
{
    double b[6] = {0.0, 0.1, 0.15, 0.6, 0.9, 1.0}, means[6];
    const double errors[6] = {0.1, 0.2, 0.1, 0.1, 0.3, 0.1};
    sf_thermodynamic_report r;

    (void)state;
    for (int rule = 0; rule < 3; rule++) {
        if (rule == SF_QUADRATURE_GAUSS) assert_ok(sf_gauss_nodes(6, b));
        for (int j = 0; j < 6; j++) means[j] = 2.0 + 3.0 * b[j];
        assert_ok(sf_thermodynamic_integration((sf_quadrature)rule, 6, b, means, errors, &r));
        assert_close(r.estimate.value, 3.5, 1e-12);
        assert_true(r.estimate.error > 0.0 && r.estimate.reliable);
    }
    assert_ok(sf_thermodynamic_integration(SF_QUADRATURE_TRAPEZOID, 2, (double[]){0.0, 2.0},
                                           (double[]){1.0, 4.0}, errors, &r));
    assert_close(r.estimate.value, 5.0, 1e-15);
    assert_close(r.estimate.error, hypot(0.1, 0.2), 1e-15);
}

static void integrate(sf_quadrature rule, size_t count, const double *b, uint64_t repetition,
                      z_scores *z)
{
    double means[32], errors[32], x[200];
    sf_thermodynamic_report r;

    for (size_t j = 0; j < count; j++) {
        double sum = 0.0, square = 0.0;

        squares(b[j], repetition, j, 200, x);
        for (int i = 0; i < 200; i++) {
            sum += 0.5 * (1.0 - A) * x[i] / 200.0;
            square += 0.25 * (1.0 - A) * (1.0 - A) * x[i] * x[i] / 200.0;
        }
        means[j] = sum;
        errors[j] = sqrt((square - sum * sum) / 199.0);
    }
    assert_ok(sf_thermodynamic_integration(rule, count, b, means, errors, &r));
    z_add(z, r.estimate.value, r.estimate.error, TRUTH);
}

static void integration_is_calibrated(void **state)
{
    z_scores z[3] = {{0.0, 0.0, 0}, {0.0, 0.0, 0}, {0.0, 0.0, 0}};
    double line[32], nodes[6];

    (void)state;
    even(32, line);
    assert_ok(sf_gauss_nodes(6, nodes));
    for (uint64_t rep = 0; rep < REPETITIONS; rep++) {
        integrate(SF_QUADRATURE_TRAPEZOID, 32, line, rep, &z[0]);
        integrate(SF_QUADRATURE_CUBIC, 32, line, rep, &z[1]);
        integrate(SF_QUADRATURE_GAUSS, 6, nodes, rep, &z[2]);
    }
    for (int i = 0; i < 3; i++) assert_calibrated(&z[i]);
}

#define STAGES 8
#define COUNT  300

/* Log-ratios between neighbours at samples of the lower (forward) or the upper one. */
static void ratios(uint64_t repetition, double *forward, double *backward)
{
    const double half_step = 0.5 * (A - 1.0) / STAGES;

    for (size_t j = 0; j < STAGES; j++) {
        squares((double)j / STAGES, repetition, j, COUNT, forward + j * COUNT);
        squares((double)(j + 1) / STAGES, repetition, 100 + j, COUNT, backward + j * COUNT);
        for (size_t i = j * COUNT; i < (j + 1) * COUNT; i++) {
            forward[i] *= -half_step;
            backward[i] *= half_step;
        }
    }
}

static double forward[STAGES * COUNT], backward[STAGES * COUNT];

static void stepping_stone_is_calibrated(void **state)
{
    z_scores ahead = {0.0, 0.0, 0}, back = {0.0, 0.0, 0};

    (void)state;
    for (uint64_t rep = 0; rep < REPETITIONS; rep++) {
        sf_stepping_stone_report r;

        ratios(rep, forward, backward);
        assert_ok(sf_stepping_stone(STAGES, COUNT, forward, backward, NULL, &r));
        z_add(&ahead, r.forward.value, r.forward.error, TRUTH);
        z_add(&back, r.backward.value, r.backward.error, TRUTH);
        assert_true(r.forward.reliable);
    }
    assert_calibrated(&ahead);
    assert_calibrated(&back);
}

static void curves_and_doubts(void **state)
{
    double curve[STAGES + 1];
    sf_stepping_stone_report r;

    (void)state;
    ratios(0, forward, backward);
    assert_ok(sf_stepping_stone(STAGES, COUNT, NULL, backward, curve, &r));
    assert_true(curve[0] == 0.0 && curve[STAGES] == r.backward.value);
    assert_true(isnan(r.hysteresis) && r.forward.value == 0.0 && !r.forward.reliable);
    for (size_t j = 1; j <= STAGES; j++)
        assert_close(curve[j], -0.5 * log(precision((double)j / STAGES)), 0.05);
    for (size_t i = 0; i < COUNT; i++) forward[3 * COUNT + i] += 0.5; /* of another path */
    forward[5 * COUNT] = 4.0;
    assert_ok(sf_stepping_stone(STAGES, COUNT, forward, backward, NULL, &r));
    assert_int_equal(r.weakest_stage, 5);
    assert_false(r.forward.reliable);
    assert_false(r.backward.reliable);
    assert_non_null(strstr(r.backward.verdict, "forward is"));
}

static void bad_input(void **state)
{
    double b[3] = {0.0, 0.5, 0.5}, means[3] = {1.0, 1.0, 1.0}, errors[3] = {0.1, -0.1, 0.1};
    sf_thermodynamic_report t;
    sf_stepping_stone_report r;

    (void)state;
    assert_status(SF_ERR_ARGUMENT,
                  sf_thermodynamic_integration(SF_QUADRATURE_CUBIC, 3, b, means, NULL, &t));
    assert_non_null(strstr(sf_last_error(), "b[2] = 0.5"));
    assert_status(SF_ERR_NUMERIC,
                  sf_thermodynamic_integration(SF_QUADRATURE_CUBIC, 3, b, means, errors, &t));
    assert_status(SF_ERR_ARGUMENT,
                  sf_thermodynamic_integration(SF_QUADRATURE_CUBIC, 2, b, means, NULL, &t));
    assert_status(SF_ERR_ARGUMENT,
                  sf_thermodynamic_integration(SF_QUADRATURE_GAUSS, 2, b, means, NULL, &t));
    assert_non_null(strstr(sf_last_error(), "Gauss-Legendre node"));
    means[1] = NAN;
    assert_status(SF_ERR_NUMERIC,
                  sf_thermodynamic_integration(SF_QUADRATURE_TRAPEZOID, 2, b, means, NULL, &t));
    assert_status(SF_ERR_ARGUMENT, sf_gauss_nodes(0, b));
    assert_status(SF_ERR_ARGUMENT, sf_stepping_stone(0, 3, forward, NULL, NULL, &r));
    assert_status(SF_ERR_ARGUMENT, sf_stepping_stone(2, 3, NULL, NULL, NULL, &r));
    assert_status(SF_ERR_ARGUMENT, sf_stepping_stone(SIZE_MAX, 3, forward, NULL, NULL, &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quadratures),
        cmocka_unit_test(lines_are_exact),
        cmocka_unit_test(integration_is_calibrated),
        cmocka_unit_test(stepping_stone_is_calibrated),
        cmocka_unit_test(curves_and_doubts),
        cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
