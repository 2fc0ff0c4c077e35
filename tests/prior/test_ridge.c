/* test_ridge.c - convex ridges against sums written out, laws of convex energies, Langevin chains
 * whose law is known, and the training's derivative against differences. */
#include "check.h"

#include "network/graph.h"
#include "prior/ridge.h"

#include <scorefield/mcmc.h>

#include <lapacke.h>
#include <stdio.h>
#include <string.h>

#define ROWS    7
#define COLUMNS 6
#define CELLS   42
#define FILTERS 3
#define SIDE    3
#define KNOTS   2

static const double threshold[KNOTS] = {0.4, 1.5};
static const double quadratic[KNOTS] = {INFINITY, INFINITY};
static const double slope[FILTERS * KNOTS] = {0.7, 0.2, 0.1, 0.4, 0.3, 0.0};

static void make_taps(double *taps)
{
    sf_random_normal(sf_random_make(2, 0), 0, 0, (size_t)FILTERS * SIDE * SIDE, taps);
    for (size_t i = 0; i < (size_t)FILTERS * SIDE * SIDE; i++) taps[i] *= 0.5;
}

static sf_ridge *make_ridge(const double *knots)
{
    double taps[FILTERS * SIDE * SIDE];
    sf_ridge *ridge;

    make_taps(taps);
    assert_ok(sf_ridge_create(FILTERS, SIDE, taps, KNOTS, knots, slope, &ridge));
    return ridge;
}

static sf_prior *make_prior(const double *knots, double strength, double scale)
{
    sf_ridge *ridge = make_ridge(knots);
    sf_prior *prior;
    sf_grid grid;

    assert_ok(sf_grid_image(ROWS, COLUMNS, &grid));
    assert_ok(sf_prior_ridge(&grid, ridge, strength, scale, 1e-9, &prior));
    sf_ridge_release(&ridge);
    return prior;
}

static void draw(uint64_t sequence, double size, double *x)
{
    sf_random_normal(sf_random_make(7, 0), sequence, 0, CELLS, x);
    for (size_t i = 0; i < CELLS; i++) x[i] *= size;
}

/* R(x), s = 1, and R'(x) unless it is NULL, by its definition. */
static double by_definition(const double *knots, const double *x, double *gradient)
{
    double taps[FILTERS * SIDE * SIDE], energy = 0.0;

    make_taps(taps);
    if (gradient != NULL) memset(gradient, 0, CELLS * sizeof *gradient);
    for (size_t i = 0; i < FILTERS; i++)
        for (size_t y = 0; y + SIDE <= ROWS; y++)
            for (size_t c = 0; c + SIDE <= COLUMNS; c++) {
                const double *w = taps + i * SIDE * SIDE;
                double t = 0.0, first = 0.0;
                for (size_t m = 0; m < (size_t)SIDE * SIDE; m++)
                    t += w[m] * x[(y + m / SIDE) * COLUMNS + c + m % SIDE];
                for (size_t j = 0; j < KNOTS; j++) {
                    const double a = slope[i * KNOTS + j], b = knots[j];
                    energy += fabs(t) <= b ? 0.5 * a * t * t : a * b * (fabs(t) - 0.5 * b);
                    first += a * fmin(fmax(t, -b), b);
                }
                for (size_t m = 0; m < (size_t)SIDE * SIDE && gradient != NULL; m++)
                    gradient[(y + m / SIDE) * COLUMNS + c + m % SIDE] += first * w[m];
            }
    return energy;
}

static void test_energy_and_score_by_definition(void **state)
{
    const double strength = 1.7, scale = 0.6;
    sf_prior *prior = make_prior(threshold, strength, scale);
    double x[CELLS], u[CELLS], gradient[CELLS], score[CELLS], energy;

    (void)state;
    draw(0, 1.0, x);
    for (size_t i = 0; i < CELLS; i++) u[i] = x[i] / scale;
    assert_ok(sf_prior_energy(prior, 1, x, 0.0, &energy));
    assert_close(energy, strength * by_definition(threshold, u, gradient), 1e-12);
    assert_ok(sf_prior_score(prior, 1, x, 0.0, score));
    for (size_t i = 0; i < CELLS; i++)
        assert_close(score[i], -strength / scale * gradient[i], 1e-12);
    sf_prior_release(&prior);
}

/* The score is minus the energy's gradient, at level 0 and of the envelopes. */
static void test_score_against_differences(void **state)
{
    static const double scales[] = {0.6, 0.6, 0.0}, levels[] = {0.0, 0.8, 0.8};
    const double h = 1e-5;

    (void)state;
    for (size_t test = 0; test < 3; test++) {
        sf_prior *prior = make_prior(threshold, 1.7, scales[test]);
        double x[CELLS], score[CELLS], energy[2];
        draw(1, 1.0, x);
        assert_ok(sf_prior_score(prior, 1, x, levels[test], score));
        for (size_t i = 0; i < CELLS; i++) {
            const double at = x[i];
            for (int side = 0; side < 2; side++) {
                x[i] = at + (side == 0 ? -h : h);
                assert_ok(sf_prior_energy(prior, 1, x, levels[test], &energy[side]));
            }
            x[i] = at;
            assert_close(score[i], (energy[0] - energy[1]) / (2.0 * h), 1e-6);
        }
        sf_prior_release(&prior);
    }
}

/* Random pairs: chords lie above, gradients are monotone, and no steeper than is said. */
static void test_convexity(void **state)
{
    sf_prior *prior = make_prior(threshold, 1.0, 1.0);
    sf_ridge *ridge = make_ridge(threshold);
    sf_ridge_plan *plan;
    double steepest = 0.0;

    (void)state;
    assert_ok(sf_ridge_plan_create(ridge, sf_prior_grid(prior), &plan));
    for (size_t k = 0; k < plan->half; k++) steepest = fmax(steepest, plan->curvature[k]);
    for (uint64_t pair = 0; pair < 200; pair++) {
        double x[3 * CELLS], score[3 * CELLS], energy[3], product = 0.0, square = 0.0, most = 0.0;
        const double t = (double)(pair + 1) / 201.0, size = pair % 2 == 0 ? 0.1 : 3.0;
        draw(2 * pair, size, x);
        draw(2 * pair + 1, size, x + CELLS);
        for (size_t i = 0; i < CELLS; i++) x[2 * CELLS + i] = t * x[i] + (1.0 - t) * x[CELLS + i];
        assert_ok(sf_prior_energy(prior, 3, x, 0.0, energy));
        assert_ok(sf_prior_score(prior, 3, x, 0.0, score));
        assert_true(energy[2] <= t * energy[0] + (1.0 - t) * energy[1] + 1e-12);
        for (size_t i = 0; i < CELLS; i++) {
            const double dx = x[i] - x[CELLS + i], dg = score[CELLS + i] - score[i];
            product += dx * dg;
            square += dx * dx;
            most += dg * dg;
        }
        assert_true(product >= -1e-12);
        assert_true(sqrt(most) <= steepest * sqrt(square) * (1.0 + 1e-12));
    }
    sf_ridge_plan_release(&plan);
    sf_ridge_release(&ridge);
    sf_prior_release(&prior);
}

/* Plain gradient steps, very many. */
static void test_proximal_step_against_a_long_run(void **state)
{
    const double variance = 0.7, scale = 0.6, strength = 1.7;
    sf_prior *prior = make_prior(threshold, strength, scale);
    double x[CELLS], z[CELLS], u[CELLS], gradient[CELLS], out[CELLS];

    (void)state;
    draw(3, 2.0, x);
    memcpy(z, x, sizeof z);
    for (int step = 0; step < 20000; step++) {
        for (size_t i = 0; i < CELLS; i++) u[i] = z[i] / scale;
        (void)by_definition(threshold, u, gradient);
        for (size_t i = 0; i < CELLS; i++)
            z[i] -= 0.02 * (z[i] - x[i] + variance * strength / scale * gradient[i]);
    }
    assert_ok(sf_prior_prox(prior, 1, x, variance, out));
    for (size_t i = 0; i < CELLS; i++) assert_close(out[i], z[i], 1e-8);
    assert_ok(sf_prior_denoise(prior, 1, x, sqrt(variance), out));
    for (size_t i = 0; i < CELLS; i++) assert_close(out[i], z[i], 1e-8);
    sf_prior_release(&prior);
}

typedef struct target {
    const sf_ridge_plan *plan;
    const sf_complex *u;
} target;

static sf_status distance(void *user, const sf_complex *p, double *value, sf_complex *gradient)
{
    const target *t = user;

    for (size_t k = 0; k < t->plan->half; k++) gradient[k] = p[k] - t->u[k];
    *value = 0.5 * sf_ridge_inner(&t->plan->grid, gradient, gradient, NULL);
    return SF_OK;
}

/* With every step, by a quarter of |E'|^2 in the metric at least, until rounding is all. */
static void test_energy_falls_with_every_step(void **state)
{
    sf_ridge *ridge = make_ridge(threshold);
    double x[CELLS], metric[CELLS], last = INFINITY, least = 0.0;
    sf_complex u[CELLS], p[CELLS];
    sf_ridge_problem problem = {.strength = 50.0, .data = distance, .metric = metric, .stage = ""};
    sf_ridge_plan *plan;
    sf_ridge_work *work;
    target t;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &grid));
    assert_ok(sf_ridge_plan_create(ridge, &grid, &plan));
    assert_ok(sf_ridge_work_create(plan, &work));
    draw(4, 20.0, x);
    assert_ok(sf_fft_forward(plan->fft, x, u));
    for (size_t k = 0; k < plan->half; k++) metric[k] = 1.0 + 50.0 * plan->curvature[k];
    t = (target){plan, u};
    problem.work = work;
    problem.plan = plan;
    problem.user = &t;
    for (size_t steps = 0; steps < 60; steps++) {
        sf_ridge_outcome outcome;
        problem.iterations = steps;
        memcpy(p, u, plan->half * sizeof *p);
        assert_ok(sf_ridge_minimise(&problem, p, &outcome));
        assert_int_equal(outcome.iterations, steps);
        assert_true(outcome.energy <= last - least + 1e-12 * fabs(outcome.energy));
        last = outcome.energy;
        least = 0.25 * CELLS * outcome.residual * outcome.residual;
    }
    sf_ridge_work_release(&work);
    sf_ridge_plan_release(&plan);
    sf_ridge_release(&ridge);
}

static void test_pull_against_differences(void **state)
{
    const double sigma = 0.8, h = 1e-5;
    sf_prior *prior = make_prior(threshold, 1.7, 0.6);
    double x[CELLS], v[CELLS], w[CELLS], jv[CELLS], jw[CELLS], plus[CELLS], minus[CELLS], d[CELLS];
    double left = 0.0, right = 0.0;

    (void)state;
    draw(5, 1.0, x);
    draw(6, 1.0, v);
    draw(7, 1.0, w);
    assert_ok(sf_prior_pull(prior, 1, x, sigma, v, d, jv));
    assert_ok(sf_prior_pull(prior, 1, x, sigma, w, NULL, jw));
    assert_ok(sf_prior_denoise(prior, 1, x, sigma, plus));
    for (size_t i = 0; i < CELLS; i++) assert_close(d[i], plus[i], 1e-12);
    for (size_t i = 0; i < CELLS; i++) {
        left += w[i] * jv[i];
        right += v[i] * jw[i];
        x[i] += h * v[i];
    }
    assert_close(left, right, 1e-7);
    assert_ok(sf_prior_denoise(prior, 1, x, sigma, plus));
    for (size_t i = 0; i < CELLS; i++) x[i] -= 2.0 * h * v[i];
    assert_ok(sf_prior_denoise(prior, 1, x, sigma, minus));
    for (size_t i = 0; i < CELLS; i++) assert_close(jv[i], (plus[i] - minus[i]) / (2.0 * h), 2e-4);
    sf_prior_release(&prior);
}

static void test_scale_zero_is_homogeneous(void **state)
{
    sf_prior *prior = make_prior(threshold, 1.7, 0.0);
    double x[CELLS], out[CELLS], scaled[CELLS], energy;

    (void)state;
    draw(8, 1.0, x);
    assert_ok(sf_prior_denoise(prior, 1, x, 0.8, out));
    for (size_t i = 0; i < CELLS; i++) x[i] *= 1e6;
    assert_ok(sf_prior_denoise(prior, 1, x, 0.8e6, scaled));
    for (size_t i = 0; i < CELLS; i++) assert_close(scaled[i], 1e6 * out[i], 1e-2);
    assert_status(SF_ERR_ARGUMENT, sf_prior_energy(prior, 1, x, 0.0, &energy));
    sf_prior_release(&prior);
}

/* ---- chains ---------------------------------------------------------------------------------- */

enum { CHAINS = 800, MOVES = 100 };

#define MORE  9                       /* filters of one tap each, so that exp(-R) is a density */
#define WIDTH 4                       /* of the grid */
#define SIZE  ((size_t)WIDTH * WIDTH) /* its cells */

static sf_prior *make_density(const double *knots)
{
    double taps[(FILTERS + MORE) * SIDE * SIDE] = {0.0}, slopes[(FILTERS + MORE) * KNOTS];
    sf_ridge *ridge;
    sf_prior *prior;
    sf_grid grid;

    make_taps(taps);
    memcpy(slopes, slope, sizeof slope);
    for (size_t m = 0; m < MORE; m++) {
        taps[(FILTERS + m) * SIDE * SIDE + m] = 1.0;
        for (size_t j = 0; j < KNOTS; j++) slopes[(FILTERS + m) * KNOTS + j] = 0.2;
    }
    assert_ok(sf_grid_image(WIDTH, WIDTH, &grid));
    assert_ok(sf_ridge_create(FILTERS + MORE, SIDE, taps, KNOTS, knots, slopes, &ridge));
    assert_ok(sf_prior_ridge(&grid, ridge, 2.0, 1.0, 1e-9, &prior));
    sf_ridge_release(&ridge);
    return prior;
}

/* Where Metropolis-adjusted Langevin chains from 0 on exp(-R) end. */
static double *langevin(sf_prior *prior, double step)
{
    const sf_kernel kernel = {.kind = SF_KERNEL_MALA, .step = step};
    double *x, accepted = 0.0;
    sf_density *density;
    sf_chains *chains;
    sf_path *path;

    assert_ok(sf_density_prior(prior, 0.0, &density));
    assert_ok(sf_path_tempering(density, 1.0, &path));
    assert_ok(sf_chains_create(path, 3, 0, 0, CHAINS, &chains));
    assert_ok(sf_allocate(&x, CHAINS, SIZE * sizeof *x));
    assert_ok(sf_chains_start(chains, x, 1.0));
    assert_ok(sf_chains_move(chains, &kernel, 1.0, MOVES));
    memcpy(x, chains->x, CHAINS * SIZE * sizeof *x);
    for (size_t c = 0; c < CHAINS; c++) accepted += (double)chains->accepted[c];
    assert_true(accepted > 0.3 * CHAINS * MOVES && accepted < 0.999 * CHAINS * MOVES);
    sf_chains_release(&chains);
    sf_path_release(&path);
    sf_density_release(&density);
    return x;
}

/* Infinite thresholds: R = x^T Q x / 2, and chains have the covariance Q^-1. One in 9,000 sets of
 * sixteen such numbers has one beyond 4.5 deviations. */
static void test_langevin_of_a_gaussian_is_exact(void **state)
{
    sf_prior *prior = make_density(quadratic);
    double unit[SIZE * SIZE] = {0.0}, q[SIZE * SIZE], *x;

    (void)state;
    for (size_t i = 0; i < SIZE; i++) unit[i * SIZE + i] = -1.0;
    assert_ok(sf_prior_score(prior, SIZE, unit, 0.0, q));
    assert_int_equal(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'U', (int)SIZE, q, (int)SIZE), 0);
    assert_int_equal(LAPACKE_dpotri(LAPACK_ROW_MAJOR, 'U', (int)SIZE, q, (int)SIZE), 0);
    x = langevin(prior, 0.06);
    for (size_t i = 0; i < SIZE; i++) {
        double sum = 0.0;
        for (size_t c = 0; c < CHAINS; c++) sum += x[c * SIZE + i] * x[c * SIZE + i];
        assert_close((sum / (CHAINS * q[i * SIZE + i]) - 1.0) / sqrt(2.0 / CHAINS), 0.0, 4.5);
    }
    sf_free(x);
    sf_prior_release(&prior);
}

/* Of every density exp(-R) the mean of x . R'(x) is the number of cells (by parts). One in 15,000
 * such numbers is beyond 4 deviations. */
static void test_langevin_obeys_the_virial_law(void **state)
{
    sf_prior *prior = make_density(threshold);
    double *x = langevin(prior, 0.1), *score, mean = 0.0, square = 0.0;

    (void)state;
    assert_ok(sf_allocate(&score, CHAINS, SIZE * sizeof *score));
    assert_ok(sf_prior_score(prior, CHAINS, x, 0.0, score));
    for (size_t c = 0; c < CHAINS; c++) {
        double virial = 0.0;
        for (size_t i = c * SIZE; i < (c + 1) * SIZE; i++) virial -= x[i] * score[i];
        mean += virial / CHAINS;
        square += virial * virial / CHAINS;
    }
    assert_close((mean - (double)SIZE) / sqrt((square - mean * mean) / CHAINS), 0.0, 4.0);
    sf_free(score);
    sf_free(x);
    sf_prior_release(&prior);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void test_onnx_and_back(void **state)
{
    static const char path[] = "test_ridge.onnx";
    sf_ridge *ridge = make_ridge(threshold), *back;
    sf_shape image = {.rank = 4, .dim = {1, 1, ROWS, COLUMNS}}, shape;
    sf_model *model, *loaded;
    double x[CELLS], gradient[CELLS], *out;

    (void)state;
    assert_ok(sf_ridge_to_model(ridge, &model));
    assert_ok(sf_model_save(model, path));
    assert_ok(sf_model_load(path, &loaded));
    assert_int_equal(remove(path), 0);
    assert_true(sf_model_is_ridge(loaded));
    draw(9, 1.0, x);
    (void)by_definition(threshold, x, gradient);
    assert_ok(sf_reference_forward(sf_model_graph(loaded), &image, x, NULL, NULL, &out, &shape));
    for (size_t i = 0; i < CELLS; i++) assert_close(out[i], gradient[i], 1e-5);
    assert_ok(sf_ridge_from_model(loaded, &back));
    assert_int_equal(sf_ridge_parameter_count(back), FILTERS * (SIDE * SIDE + KNOTS));
    for (size_t i = 0; i < (size_t)FILTERS * SIDE * SIDE; i++)
        assert_close(back->taps[i], ridge->taps[i], 1e-7);
    for (size_t i = 0; i < (size_t)FILTERS * KNOTS; i++)
        assert_close(back->slope[i], ridge->slope[i], 1e-7);
    for (size_t j = 0; j < KNOTS; j++) assert_close(back->threshold[j], threshold[j], 0.0);
    sf_free(out);
    sf_ridge_release(&ridge);
    sf_ridge_release(&back);
    sf_model_release(&model);
    sf_model_release(&loaded);
}

/* ---- training -------------------------------------------------------------------------------- */

#define PATCH 12

/* Two bright sides and a slope, whatever the index. */
static sf_status draw_patch(void *user, uint64_t index, size_t rows, size_t columns, float *patch)
{
    (void)user;
    for (size_t i = 0; i < rows * columns; i++)
        patch[i] = (float)(i % columns > 4 + index % 3 ? 5.0 : 1.0) + 0.3F * (float)(i / columns);
    return SF_OK;
}

static sf_train_options one_step(void)
{
    sf_train_options o = sf_train_options_default();

    o.sigma_min = o.sigma_max = 0.7;
    o.patch = PATCH;
    o.batch = 1;
    o.steps = 1;
    o.warmup = 0;
    o.learning_rate = 1e-3;
    o.clip = 0.0;
    o.balance = 0.0;
    o.ema = 0.0;
    return o;
}

/* The loss of the first sample: streams and units as in the header of ridge_train.c. */
static double first_loss(sf_ridge *ridge)
{
    const double sigma = 0.7;
    double x[PATCH * PATCH], z[PATCH * PATCH], sum = 0.0;
    float patch[PATCH * PATCH];
    sf_prior *prior;
    sf_grid grid;

    assert_ok(draw_patch(NULL, 0, PATCH, PATCH, patch));
    sf_random_normal(sf_random_make(1, 2), 0, 0, (size_t)PATCH * PATCH, x);
    for (size_t i = 0; i < (size_t)PATCH * PATCH; i++) x[i] = (double)patch[i] + sigma * x[i];
    assert_ok(sf_grid_image(PATCH, PATCH, &grid));
    assert_ok(sf_prior_ridge(&grid, ridge, 1.0, 0.0, 1e-8, &prior));
    assert_ok(sf_prior_denoise(prior, 1, x, sigma, z));
    for (size_t i = 0; i < (size_t)PATCH * PATCH; i++)
        sum += pow((z[i] - (double)patch[i]) / sigma, 2.0) / (PATCH * PATCH);
    sf_prior_release(&prior);
    return sum;
}

/* The loss after a parameter's change by h; taps lose their mean as in training. */
static double moved_loss(const sf_ridge *r, size_t parameter, double h)
{
    const size_t area = r->side * r->side, taps = r->filters * area;
    sf_ridge *moved;
    double loss;

    assert_ok(
        sf_ridge_create(r->filters, r->side, r->taps, r->knots, r->threshold, r->slope, &moved));
    if (parameter < taps)
        for (size_t m = 0; m < area; m++)
            moved->taps[parameter / area * area + m] +=
                h * ((m == parameter % area ? 1.0 : 0.0) - 1.0 / (double)area);
    else
        moved->slope[parameter - taps] *= exp(h);
    loss = first_loss(moved);
    sf_ridge_release(&moved);
    return loss;
}

/* Adam's first step is the rate times minus the sign of the derivative: by differences the same,
 * wherever that is not near zero. */
static void test_training_goes_downhill(void **state)
{
    const sf_ridge_options shape = {2, 3, 4};
    const sf_patch_source source = {draw_patch, NULL, 0};
    const sf_train_options options = one_step();
    const double h = 1e-4;
    size_t seen = 0;
    sf_ridge *first, *trained;
    sf_train_report report;

    (void)state;
    assert_ok(sf_ridge_untrained(&shape, &first));
    for (size_t i = 0; i < first->filters * first->knots; i++) first->slope[i] *= 10.0;
    assert_ok(sf_ridge_train(first, &source, &options, &trained, &report));
    assert_close(report.loss, first_loss(first), 1e-2);
    for (size_t p = 0; p < sf_ridge_parameter_count(first); p++) {
        const size_t taps = first->filters * first->side * first->side;
        const double slope_of = (moved_loss(first, p, h) - moved_loss(first, p, -h)) / (2.0 * h);
        const double change = p < taps ? trained->taps[p] - first->taps[p]
                                       : log(trained->slope[p - taps] / first->slope[p - taps]);
        if (fabs(slope_of) < 2e-3) continue;
        seen++;
        assert_true(change * slope_of < 0.0);
    }
    assert_true(seen > 20);
    sf_ridge_release(&first);
    sf_ridge_release(&trained);
}

/* The same bits on any number of threads, and a smaller loss. */
static void test_training_learns(void **state)
{
    const sf_ridge_options shape = {3, 3, 4};
    const sf_patch_source source = {draw_patch, NULL, 0};
    sf_train_options options = one_step();
    const int threads = sf_thread_count();
    sf_ridge *first, *trained, *again;
    sf_train_report report;

    (void)state;
    options.steps = 60;
    options.batch = 3;
    options.learning_rate = 0.05;
    assert_ok(sf_ridge_untrained(&shape, &first));
    assert_ok(sf_thread_count_set(1));
    assert_ok(sf_ridge_train(first, &source, &options, &trained, NULL));
    assert_ok(sf_thread_count_set(2));
    assert_ok(sf_ridge_train(first, &source, &options, &again, &report));
    assert_ok(sf_thread_count_set(threads));
    assert_int_equal(report.steps, 60);
    assert_memory_equal(trained->taps, again->taps, 27 * sizeof(double));
    assert_memory_equal(trained->slope, again->slope, 24 * sizeof(double));
    assert_true(first_loss(trained) < 0.6 * first_loss(first));
    sf_ridge_release(&first);
    sf_ridge_release(&trained);
    sf_ridge_release(&again);
}

/* ---- bad input ------------------------------------------------------------------------------- */

static void test_bad_input(void **state)
{
    static const double negative[KNOTS] = {1.0, -1.0}, one[1] = {1.0}, minus[1] = {-1.0};
    sf_train_options options = one_step();
    sf_ridge *ridge, *none;
    sf_model *unet;
    sf_prior *prior;
    sf_grid grid;

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_ridge_create(1, 1, one, 2, negative, negative, &none));
    assert_status(SF_ERR_ARGUMENT, sf_ridge_create(1, 1, one, 1, one, minus, &none));
    assert_null(none);
    assert_status(SF_ERR_ARGUMENT, sf_ridge_create(0, 1, one, 1, one, one, &none));
    ridge = make_ridge(threshold);
    assert_ok(sf_grid_image(SIDE - 1, 20, &grid));
    assert_status(SF_ERR_SHAPE, sf_prior_ridge(&grid, ridge, 1.0, 1.0, 1e-3, &prior));
    assert_null(prior);
    assert_ok(sf_grid_image(SIDE, SIDE, &grid));
    assert_status(SF_ERR_ARGUMENT, sf_prior_ridge(&grid, ridge, 0.0, 1.0, 1e-3, &prior));
    assert_status(SF_ERR_ARGUMENT, sf_prior_ridge(&grid, ridge, 1.0, -1.0, 1e-3, &prior));
    assert_status(SF_ERR_ARGUMENT, sf_prior_ridge(&grid, ridge, 1.0, 1.0, 0.0, &prior));
    options.patch = 2;
    assert_status(SF_ERR_ARGUMENT, sf_ridge_train(ridge, &(sf_patch_source){draw_patch, NULL, 0},
                                                  &options, &none, NULL));
    assert_ok(sf_model_unet(&(sf_unet_options){2, 1, 1, 1}, &unet));
    assert_status(SF_ERR_FORMAT, sf_ridge_from_model(unet, &none));
    sf_model_release(&unet);
    sf_ridge_release(&ridge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_energy_and_score_by_definition),
        cmocka_unit_test(test_score_against_differences),
        cmocka_unit_test(test_convexity),
        cmocka_unit_test(test_proximal_step_against_a_long_run),
        cmocka_unit_test(test_energy_falls_with_every_step),
        cmocka_unit_test(test_pull_against_differences),
        cmocka_unit_test(test_scale_zero_is_homogeneous),
        cmocka_unit_test(test_langevin_of_a_gaussian_is_exact),
        cmocka_unit_test(test_langevin_obeys_the_virial_law),
        cmocka_unit_test(test_onnx_and_back),
        cmocka_unit_test(test_training_goes_downhill),
        cmocka_unit_test(test_training_learns),
        cmocka_unit_test(test_bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
