/* test_ridge_map.c - the minimum of a convex energy: against linear algebra where it is quadratic,
 * by its stationarity where it is not, and against the other way to it, by proximal steps. */
#include "dense.h"

#define ROWS    9
#define COLUMNS 8
#define PIXELS  72

typedef struct problem {
    double pixels[PIXELS], sigma[PIXELS], mask[PIXELS];
    sf_observation *observation;
    sf_ridge *ridge;
    size_t cells;
} problem;

/* Blurred, with a hole, at several noise levels; and a ridge of differences, whose thresholds are
 * those. */
static void make_problem(double low, double high, problem *p)
{
    const double taps[] = {-1.0, 1.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0, 1.0, -1.0, -1.0, 1.0};
    const double threshold[] = {low, high}, slope[] = {0.5, 0.1, 0.5, 0.1, 0.2, 0.1};
    sf_psf *wide, *psf;
    sf_grid frame;

    assert_ok(sf_ridge_create(3, 2, taps, 2, threshold, slope, &p->ridge));
    assert_ok(sf_grid_image(ROWS, COLUMNS, &frame));
    assert_ok(sf_psf_gaussian(1.2, &wide));
    assert_ok(sf_psf_cut(wide, &frame, &psf));
    sf_psf_release(&wide);
    blobs(ROWS, COLUMNS, 20.0, p->pixels);
    add_noise(1, PIXELS, 0.5, p->pixels);
    for (size_t i = 0; i < PIXELS; i++) {
        p->sigma[i] = i % 3 == 0 ? 0.4 : 0.5;
        p->mask[i] = i == 20 || i == 21 ? 1.0 : 0.0;
    }
    assert_ok(sf_observation_create(&frame, p->pixels, p->sigma, 0.0, p->mask, psf, NULL,
                                    &p->observation));
    p->cells = sf_grid_size(sf_observation_scene(p->observation));
    sf_psf_release(&psf);
}

static void release(problem *p)
{
    sf_observation_release(&p->observation);
    sf_ridge_release(&p->ridge);
}

/* g = (A^T S^-1 (y - A x)) + score of the ridge at x: 0 at the minimum. */
static void slope_at(const problem *p, double strength, const double *x, double *g)
{
    dense d = {.cells = p->cells, .observation = p->observation};
    sf_prior *prior;

    d.h = new_array(PIXELS * p->cells);
    d.noise2 = new_array(PIXELS);
    dense_model(&d, p->sigma, p->mask, PIXELS);
    assert_ok(sf_prior_ridge(sf_observation_scene(p->observation), p->ridge, strength,
                             sf_observation_noise(p->observation), 1e-6, &prior));
    assert_ok(sf_prior_score(prior, 1, x, 0.0, g));
    for (size_t i = 0, row = 0; i < PIXELS; i++) {
        double left = p->pixels[i];
        if (p->mask[i] != 0.0) continue;
        for (size_t j = 0; j < p->cells; j++) left -= d.h[row * p->cells + j] * x[j];
        for (size_t j = 0; j < p->cells; j++)
            g[j] += d.h[row * p->cells + j] * left / d.noise2[row];
        row++;
    }
    sf_prior_release(&prior);
    sf_free(d.h);
    sf_free(d.noise2);
}

static sf_ridge_map_options precise(double strength)
{
    sf_ridge_map_options options = sf_ridge_map_options_default();

    options.strength = strength;
    options.tolerance = 1e-9;
    options.iterations = 100000;
    return options;
}

/* Infinite thresholds: the slope is affine, -Q x + b, and the minimum Q^-1 b. */
static void test_quadratic_ridge_is_linear_algebra(void **state)
{
    const sf_ridge_map_options options = precise(2.0);
    double *q, *b, *scene, *unit;
    sf_solver_report report;
    problem p;

    (void)state;
    make_problem(INFINITY, INFINITY, &p);
    q = new_array(p.cells * p.cells);
    b = new_array(p.cells);
    unit = new_array(p.cells);
    scene = new_array(p.cells);
    slope_at(&p, 2.0, unit, b);
    for (size_t i = 0; i < p.cells; i++) {
        unit[i] = 1.0;
        slope_at(&p, 2.0, unit, q + i * p.cells);
        unit[i] = 0.0;
        for (size_t j = 0; j < p.cells; j++) q[i * p.cells + j] = b[j] - q[i * p.cells + j];
    }
    dense_solve(p.cells, q, 1, b);
    assert_ok(sf_ridge_map(p.observation, p.ridge, &options, scene, &report));
    assert_int_equal(report.stop, SF_STOP_CONVERGED);
    assert_true(relative_distance(scene, b, p.cells) < 1e-7);
    sf_free(q);
    sf_free(b);
    sf_free(unit);
    sf_free(scene);
    release(&p);
}

/* And by ADMM with the ridge's proximal step, from penalties too large and too small: balancing
 * changes them, but with the noise as its scale not the energy. */
static void test_minimum_is_stationary_and_admm_s(void **state)
{
    const sf_ridge_map_options options = precise(1.0);
    sf_pnp_options admm = sf_pnp_options_default();
    double *scene, *other, *g;
    sf_solver_report report;
    sf_prior *prior;
    problem p;

    (void)state;
    make_problem(0.5, 3.0, &p);
    scene = new_array(p.cells);
    other = new_array(p.cells);
    g = new_array(p.cells);
    assert_ok(sf_ridge_map(p.observation, p.ridge, &options, scene, &report));
    assert_int_equal(report.stop, SF_STOP_CONVERGED);
    slope_at(&p, 1.0, scene, g);
    for (size_t i = 0; i < p.cells; i++) assert_close(g[i], 0.0, 1e-6);
    assert_ok(sf_prior_ridge(sf_observation_scene(p.observation), p.ridge, 1.0,
                             sf_observation_noise(p.observation), 1e-8, &prior));
    admm.multiplier = true;
    admm.conserve_flux = false;
    admm.find_excess = false;
    admm.tolerance = 1e-7;
    admm.iterations = 3000;
    for (admm.penalty = 0.01; admm.penalty < 200.0; admm.penalty *= 100.0) {
        assert_ok(sf_pnp(p.observation, prior, &admm, other, &report));
        assert_int_equal(report.stop, SF_STOP_CONVERGED);
        assert_true(relative_distance(other, scene, p.cells) < 1e-5);
    }
    sf_prior_release(&prior);
    sf_free(scene);
    sf_free(other);
    sf_free(g);
    release(&p);
}

static void test_strength_is_found_by_discrepancy(void **state)
{
    double *scene;
    sf_solver_report report;
    sf_diagnostics d;
    problem p;

    (void)state;
    make_problem(0.5, 3.0, &p);
    scene = new_array(p.cells);
    assert_ok(sf_ridge_map(p.observation, p.ridge, NULL, scene, &report));
    assert_int_equal(report.stop, SF_STOP_DISCREPANCY);
    assert_ok(sf_diagnose(p.observation, scene, &d));
    assert_close(d.chi_squared, 1.0, 0.011);
    sf_free(scene);
    release(&p);
}

static sf_status halve(const void *self, size_t batch, const double *x, double sigma, double *out)
{
    (void)sigma;
    for (size_t i = 0; i < batch * *(const size_t *)self; i++) out[i] = 0.5 * x[i];
    return SF_OK;
}

static void assert_begins(const char *text, const char *with)
{
    assert_int_equal(strncmp(text, with, strlen(with)), 0);
}

/* What is said of a run depends on what is known of its prior, and on what is done beside. */
static void test_guarantees(void **state)
{
    static const sf_prior_methods unknown = {.name = "unknown", .denoise = halve};
    sf_pnp_options options = sf_pnp_options_default();
    double *scene;
    sf_solver_report report;
    sf_prior *prior, *following, *convex;
    problem p;

    (void)state;
    make_problem(0.5, 3.0, &p);
    scene = new_array(p.cells);
    assert_ok(sf_prior_create(&unknown, &p.cells, sf_observation_scene(p.observation), &prior));
    assert_ok(
        sf_prior_ridge(sf_observation_scene(p.observation), p.ridge, 1.0, 0.0, 1e-3, &following));
    assert_ok(
        sf_prior_ridge(sf_observation_scene(p.observation), p.ridge, 1.0, 0.5, 1e-3, &convex));
    assert_ok(sf_pnp(p.observation, convex, &options, scene, &report));
    assert_begins(report.guarantee, "none: the schedule");
    options.penalty = 1.0;
    options.iterations = 2;
    options.multiplier = true;
    assert_ok(sf_pnp(p.observation, prior, &options, scene, &report));
    assert_begins(report.guarantee, "none: no theorem");
    assert_ok(sf_pnp(p.observation, following, &options, scene, &report));
    assert_begins(report.guarantee, "none: no theorem");
    assert_ok(sf_pnp(p.observation, convex, &options, scene, &report));
    assert_begins(report.guarantee, "converges to the minimum");
    assert_non_null(strstr(report.guarantee, "replaced by the data's"));
    options.conserve_flux = false;
    assert_ok(sf_pnp(p.observation, convex, &options, scene, &report));
    assert_begins(report.guarantee, "converges to the minimum");
    assert_null(strstr(report.guarantee, "replaced by the data's"));
    assert_ok(sf_ridge_map(p.observation, p.ridge, NULL, scene, &report));
    assert_begins(report.guarantee, "converges to the minimum");
    sf_prior_release(&prior);
    sf_prior_release(&following);
    sf_prior_release(&convex);
    sf_free(scene);
    release(&p);
}

static void test_bad_options(void **state)
{
    sf_ridge_map_options options = sf_ridge_map_options_default();
    double scene[1];
    problem p;

    (void)state;
    make_problem(0.5, 3.0, &p);
    options.strength = -1.0;
    assert_status(SF_ERR_ARGUMENT, sf_ridge_map(p.observation, p.ridge, &options, scene, NULL));
    options = sf_ridge_map_options_default();
    options.iterations = 0;
    assert_status(SF_ERR_ARGUMENT, sf_ridge_map(p.observation, p.ridge, &options, scene, NULL));
    options = sf_ridge_map_options_default();
    options.tolerance = NAN;
    assert_status(SF_ERR_ARGUMENT, sf_ridge_map(p.observation, p.ridge, &options, scene, NULL));
    release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quadratic_ridge_is_linear_algebra),
        cmocka_unit_test(test_minimum_is_stationary_and_admm_s),
        cmocka_unit_test(test_strength_is_found_by_discrepancy),
        cmocka_unit_test(test_guarantees),
        cmocka_unit_test(test_bad_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
