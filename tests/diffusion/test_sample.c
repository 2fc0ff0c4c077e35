/* test_sample.c - predictors against the laws of a Gaussian field's modes, and the flow against its
 * analytic map; measured orders; correctors against their
 * stationary laws; the same bits from any batch and number of threads. */
#include "field_prior.h"

#include <stdlib.h>
#include <string.h>

typedef struct method {
    sf_predictor predictor;
    double eta, churn;
    size_t steps;
    double bias; /* of the variance, as a share, that this number of steps leaves at most */
} method;

static const method methods[] = {
    {SF_PREDICTOR_EULER_MARUYAMA, 0.0, 0.0, 100, 0.06},
    {SF_PREDICTOR_REVERSE_DIFFUSION, 0.0, 0.0, 100, 0.12},
    {SF_PREDICTOR_ANCESTRAL, 0.0, 0.0, 100, 0.14},
    {SF_PREDICTOR_DDIM, 0.5, 0.0, 100, 0.09},
    {SF_PREDICTOR_DDIM, 0.0, 0.0, 100, 0.07},
    {SF_PREDICTOR_FLOW_EULER, 0.0, 0.0, 100, 0.06},
    {SF_PREDICTOR_FLOW_HEUN, 0.0, 0.0, 60, 0.012},
    {SF_PREDICTOR_FLOW_HEUN, 0.0, 20.0, 60, 0.05},
    {SF_PREDICTOR_MULTISTEP, 0.0, 0.0, 60, 0.012},
    {SF_PREDICTOR_MULTISTEP_SDE, 0.0, 0.0, 60, 0.03},
};
enum { METHODS = sizeof methods / sizeof *methods, TABLE = 100 };

static double table[TABLE];

static size_t processes(sf_diffusion *d)
{
    assert_ok(sf_ddpm_linear(TABLE, table));
    assert_ok(sf_diffusion_edm(0.02, 80.0, &d[0]));
    assert_ok(sf_diffusion_vp(0.1, 20.0, 1e-3, &d[1]));
    assert_ok(sf_diffusion_ddpm(TABLE, table, &d[2]));
    return 3;
}

static sf_sample_options options_of(const method *m)
{
    sf_sample_options o = sf_sample_options_default();

    o.predictor = m->predictor;
    o.eta = m->eta;
    o.churn = m->churn;
    o.churn_low = 0.05;
    o.churn_noise = 1.0;
    o.steps = m->steps;
    o.variance = 1.0;
    o.seed = 17;
    return o;
}

/* 10 runs of 12 modes, and all of them together: |z| < 4.5 (false alarms: 1e-3). */
static void predictors_reach_the_spectrum(void **state)
{
    enum { SAMPLES = 1000 };
    field_prior f = field_prior_make(0.0);
    double *x = malloc(SAMPLES * CELLS * sizeof *x), expected[HALF];
    sf_diffusion d[3];
    sf_sample_report report;
    sf_marginal end;

    (void)state;
    assert_non_null(x);
    (void)processes(d);
    for (size_t m = 0; m < METHODS; m++) {
        const sf_diffusion *process = &d[m % 3];
        sf_sample_options o = options_of(&methods[m]);

        o.stream = m;
        assert_ok(sf_diffusion_at(process, process->start, &end));
        for (size_t k = 0; k < HALF; k++) expected[k] = f.lambda[k] + end.level * end.level;
        assert_ok(sf_sample(f.prior, process, &o, SAMPLES, x, &report));
        assert_close(field_worst(&f, SAMPLES, x, expected, methods[m].bias), 0.0, 4.5);
        assert_true(report.finished && report.steps == o.steps);
        assert_int_equal(report.evaluations,
                         o.steps * (o.predictor == SF_PREDICTOR_FLOW_HEUN ? 2 : 1));
        assert_close(report.level, end.level, 1e-12);
    }
    free(x);
    field_prior_free(&f);
}

/* Where the flow takes each mode from: sqrt((lambda + low^2)/(lambda + high^2)). */
static void exact_flow(const field_prior *f, double high, double low, double *x)
{
    double filter[HALF];

    for (size_t k = 0; k < HALF; k++)
        filter[k] = sqrt((f->lambda[k] + low * low) / (f->lambda[k] + high * high));
    field_filter(f, filter, x);
}

/* rms difference of the sampler's flow and the exact one. */
static double flow_error(const field_prior *f, const sf_diffusion *d, const sf_sample_options *o)
{
    double x[CELLS], y[CELLS], square = 0.0;
    sf_marginal first, last;
    sf_sample_options given = *o;

    assert_ok(sf_diffusion_at(d, d->end, &first));
    assert_ok(sf_diffusion_at(d, d->start, &last));
    sf_random_normal(sf_random_make(4, 4), 0, 0, CELLS, x);
    for (int i = 0; i < CELLS; i++) y[i] = x[i] = f->mean + x[i] * first.level;
    given.given = true;
    assert_ok(sf_sample(f->prior, d, &given, 1, x, NULL));
    exact_flow(f, first.level, last.level, y);
    for (int i = 0; i < CELLS; i++) square += (x[i] - y[i]) * (x[i] - y[i]);
    return sqrt(square / CELLS);
}

static void adaptive_flow_is_the_analytic_map(void **state)
{
    const double tolerances[] = {1e-5, 1e-10};
    field_prior f = field_prior_make(0.4);
    sf_diffusion d[3];

    (void)state;
    for (size_t p = 0; p < processes(d); p++)
        for (size_t i = 0; i < 2; i++) {
            sf_sample_options o = sf_sample_options_default();
            o.predictor = SF_PREDICTOR_ADAPTIVE;
            o.steps = 3;
            o.tolerance = tolerances[i];
            assert_close(flow_error(&f, &d[p], &o), 0.0, 100.0 * tolerances[i]);
        }
    field_prior_free(&f);
}

static void orders_are_one_two_and_two(void **state)
{
    const struct {
        sf_predictor predictor;
        double order;
    } cases[] = {{SF_PREDICTOR_FLOW_EULER, 1.0},
                 {SF_PREDICTOR_DDIM, 1.0},
                 {SF_PREDICTOR_FLOW_HEUN, 2.0},
                 {SF_PREDICTOR_MULTISTEP, 2.0}};
    field_prior f = field_prior_make(0.4);
    sf_diffusion d[3];

    (void)state;
    (void)processes(d);
    for (size_t p = 0; p < 2; p++)
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
            sf_sample_options o = sf_sample_options_default();
            double coarse, fine, order;
            o.predictor = cases[c].predictor;
            o.spacing = p == 0 ? SF_TIMES_RHO : SF_TIMES_LOG_SNR;
            o.steps = 400;
            coarse = flow_error(&f, &d[p], &o);
            o.steps = 800;
            fine = flow_error(&f, &d[p], &o);
            order = log2(coarse / fine);
            assert_close(order, cases[c].order, 0.1);
        }
    field_prior_free(&f);
}

/* A level that stays, so that nothing but the corrector moves. */
static void hold(double level, sf_diffusion *d)
{
    assert_ok(sf_diffusion_edm(level, level * (1.0 + 1e-9), d));
}

static sf_status true_variance(void *user, const sf_grid *grid, double level, double *m)
{
    const field_prior *f = user;

    (void)grid;
    for (size_t k = 0; k < HALF; k++) m[k] = f->lambda[k] + level * level;
    return SF_OK;
}

static sf_sample_options corrector_options(sf_corrector corrector, double step, size_t moves)
{
    sf_sample_options o = sf_sample_options_default();

    o.predictor = SF_PREDICTOR_DDIM;
    o.corrector = corrector;
    o.corrections = moves;
    o.step = step;
    o.steps = 1;
    o.given = true;
    o.seed = 23;
    return o;
}

/* Langevin of step d with M the modes' own variance M: M/(1 - d/2). Metropolis: M itself, whatever
 * the preconditioner. 12 modes each: |z| < 4.3 (false alarms: 6e-4). */
static void correctors_have_their_stationary_laws(void **state)
{
    enum { SAMPLES = 800 };
    field_prior f = field_prior_make(-0.3);
    double *x = malloc(SAMPLES * CELLS * sizeof *x), expected[HALF], law[HALF];
    sf_sample_report report;
    sf_sample_options o = corrector_options(SF_CORRECTOR_PRECONDITIONED, 0.5, 25);
    sf_diffusion d;

    (void)state;
    assert_non_null(x);
    hold(1.5, &d);
    assert_ok(true_variance(&f, &f.grid, 1.5, law));
    o.precondition = true_variance;
    o.user = &f;
    for (size_t k = 0; k < HALF; k++) expected[k] = law[k] / (1.0 - 0.5 * o.step);
    for (size_t i = 0; i < SAMPLES * CELLS; i++) x[i] = f.mean;
    assert_ok(sf_sample(f.prior, &d, &o, SAMPLES, x, &report));
    assert_close(field_worst(&f, SAMPLES, x, expected, 0.0), 0.0, 4.3);
    assert_true(isnan(report.acceptance));

    o = corrector_options(SF_CORRECTOR_MALA, 0.4, 30);
    o.precondition = true_variance;
    o.user = &f;
    for (size_t i = 0; i < SAMPLES * CELLS; i++) x[i] = f.mean;
    assert_ok(sf_sample(f.prior, &d, &o, SAMPLES, x, &report));
    assert_close(field_worst(&f, SAMPLES, x, law, 0.0), 0.0, 4.3);
    assert_true(report.acceptance > 0.5 && report.acceptance < 0.99);
    assert_int_equal(report.evaluations, 1 + 1 + 30);

    o.precondition = NULL; /* on from there with M = u^2 */
    o.stream = 1;
    assert_ok(sf_sample(f.prior, &d, &o, SAMPLES, x, &report));
    assert_close(field_worst(&f, SAMPLES, x, law, 0.0), 0.0, 4.3);
    free(x);
    field_prior_free(&f);
}

/* Song's rule by hand, for sample 6 of a run. */
static void langevin_takes_each_samples_own_norms(void **state)
{
    field_prior f = field_prior_make(0.0);
    sf_sample_options o = corrector_options(SF_CORRECTOR_LANGEVIN, 0.0, 1);
    double x[2 * CELLS], by_hand[CELLS], score[CELLS], e[CELLS], squares[2] = {0.0, 0.0}, d;
    sf_diffusion diffusion;

    (void)state;
    hold(0.7, &diffusion);
    o.snr = 0.2;
    o.first = 5;
    for (int i = 0; i < 2 * CELLS; i++) x[i] = sin(i) * (i < CELLS ? 100.0 : 1.0);
    memcpy(by_hand, x + CELLS, sizeof by_hand);
    assert_ok(sf_sample(f.prior, &diffusion, &o, 2, x, NULL));
    assert_ok(sf_prior_score(f.prior, 1, by_hand, 0.7, score));
    sf_random_normal(sf_random_make(o.seed, o.stream), 6, 2 * CELLS, CELLS, e);
    for (int i = 0; i < CELLS; i++) {
        squares[0] += e[i] * e[i];
        squares[1] += score[i] * score[i];
    }
    d = 2.0 * o.snr * o.snr * squares[0] / squares[1];
    for (int i = 0; i < CELLS; i++)
        assert_close(x[CELLS + i], by_hand[i] + d * score[i] + sqrt(2.0 * d) * e[i], 1e-7);
    field_prior_free(&f);
}

/* Every predictor and corrector, in one batch on one thread, and in three on two and seven. */
static void samples_are_the_same_bits_in_any_batch_and_on_any_threads(void **state)
{
    enum { SAMPLES = 5 };
    field_prior f = field_prior_make(0.2);
    double x[SAMPLES * CELLS], y[SAMPLES * CELLS];
    sf_diffusion d[3];

    (void)state;
    (void)processes(d);
    for (int p = 0; p <= SF_PREDICTOR_ADAPTIVE; p++) {
        sf_sample_options o = sf_sample_options_default();
        o.predictor = (sf_predictor)p;
        o.corrector = (sf_corrector)(p % 4);
        o.corrections = 2;
        o.steps = 4;
        o.eta = 0.3;
        o.churn = 2.0;
        o.first = 100;
        o.precondition = p < 4 ? true_variance : NULL;
        o.user = &f;
        assert_ok(sf_thread_count_set(1));
        assert_ok(sf_sample(f.prior, &d[p % 3], &o, SAMPLES, x, NULL));
        for (int threads = 2; threads <= 7; threads += 5) {
            assert_ok(sf_thread_count_set(threads));
            for (size_t b = 0; b < SAMPLES; b += 2) {
                o.first = 100 + b;
                assert_ok(sf_sample(f.prior, &d[p % 3], &o, SAMPLES - b < 2 ? 1 : 2, y + b * CELLS,
                                    NULL));
            }
            assert_memory_equal(x, y, sizeof x);
        }
    }
    assert_ok(sf_thread_count_set(0));
    field_prior_free(&f);
}

static void the_last_denoising_is_of_the_sample(void **state)
{
    field_prior f = field_prior_make(0.2);
    sf_sample_options o = sf_sample_options_default();
    double x[CELLS], y[CELLS], z[CELLS];
    sf_diffusion d;

    (void)state;
    assert_ok(sf_diffusion_geometric(0.5, 10.0, &d));
    o.steps = 5;
    assert_ok(sf_sample(f.prior, &d, &o, 1, x, NULL));
    o.denoise_last = true;
    assert_ok(sf_sample(f.prior, &d, &o, 1, y, NULL));
    assert_ok(sf_prior_denoise(f.prior, 1, x, 0.5, z));
    for (int i = 0; i < CELLS; i++) assert_close(y[i], z[i], 1e-12);
    field_prior_free(&f);
}

static bool stop_at_three(const sf_monitor_event *event, void *user)
{
    *(double *)user = event->residual;
    assert_string_equal(event->stage, "sample");
    assert_true(event->total == 10 && event->image_size == CELLS);
    return event->iteration < 3;
}

static void a_monitor_stops_between_steps(void **state)
{
    field_prior f = field_prior_make(0.2);
    sf_sample_options o = sf_sample_options_default();
    double x[CELLS], level = 0.0;
    sf_sample_report report;
    sf_diffusion d;

    (void)state;
    assert_ok(sf_diffusion_geometric(0.5, 10.0, &d));
    o.steps = 10;
    o.monitor = (sf_monitor){stop_at_three, &level};
    assert_ok(sf_sample(f.prior, &d, &o, 1, x, &report));
    assert_true(!report.finished && report.steps == 3 && report.level == level && level > 0.5);
    field_prior_free(&f);
}

static sf_status huge_denoiser(const void *self, size_t batch, const double *x, double sigma,
                               double *out)
{
    (void)self;
    (void)sigma;
    for (size_t i = 0; i < batch * CELLS; i++) out[i] = 1e200 * x[i] * x[i];
    return SF_OK;
}

/* A Gaussian's denoiser is affine, so what noise makes of a sample is proportional to it. */
static void heat_multiplies_the_noise(void **state)
{
    static const sf_predictor stochastic[] = {
        SF_PREDICTOR_EULER_MARUYAMA, SF_PREDICTOR_REVERSE_DIFFUSION, SF_PREDICTOR_ANCESTRAL,
        SF_PREDICTOR_DDIM, SF_PREDICTOR_MULTISTEP_SDE};
    field_prior f = field_prior_make(0.2);
    sf_diffusion d;

    (void)state;
    assert_ok(sf_diffusion_edm(0.5, 10.0, &d));
    for (size_t k = 0; k < sizeof stochastic / sizeof *stochastic; k++) {
        sf_sample_options o = sf_sample_options_default();
        double x[4][CELLS] = {{0.0}}, spread = 0.0;

        o.predictor = stochastic[k];
        o.eta = 1.0;
        o.steps = 5;
        o.given = true;
        for (int i = 0; i < 4; i++) {
            o.heat = i == 3 ? 0.0 : i;
            o.seed = i == 3;
            assert_ok(sf_sample(f.prior, &d, &o, 1, x[i], NULL));
        }
        for (int i = 0; i < CELLS; i++) {
            assert_close(x[3][i], x[0][i], 0.0);
            assert_close(x[2][i] - x[0][i], 2.0 * (x[1][i] - x[0][i]), 1e-12);
            spread += fabs(x[1][i] - x[0][i]);
        }
        assert_true(spread > 1.0);
        o.heat = NAN;
        assert_status(SF_ERR_ARGUMENT, sf_sample(f.prior, &d, &o, 1, x[0], NULL));
    }
    field_prior_free(&f);
}

static void what_cannot_be_sampled_is_named(void **state)
{
    static const sf_prior_methods huge = {.name = "huge", .denoise = huge_denoiser};
    field_prior f = field_prior_make(0.2);
    sf_sample_options o = sf_sample_options_default();
    double x[CELLS];
    sf_prior *prior;
    sf_diffusion d;

    (void)state;
    assert_ok(sf_diffusion_geometric(0.5, 10.0, &d));
    o.floor = 0.4;
    assert_status(SF_ERR_ARGUMENT, sf_sample(f.prior, &d, &o, 1, x, NULL));
    assert_non_null(strstr(sf_last_error(), "0.5, above the noise floor 0.4"));
    o.floor = 0.6;
    assert_ok(sf_sample(f.prior, &d, &o, 1, x, NULL));
    assert_ok(sf_prior_create(&huge, NULL, &f.grid, &prior));
    assert_status(SF_ERR_NUMERIC, sf_sample(prior, &d, &o, 1, x, NULL));
    assert_non_null(strstr(sf_last_error(), "sample 0 is"));
    o.corrector = SF_CORRECTOR_MALA;
    o.steps = 1;
    d.end = 0.001; /* from 0.5 to 0.5034: small enough for one step */
    o.given = true;
    memset(x, 0, sizeof x);
    assert_status(SF_ERR_UNSUPPORTED, sf_sample(prior, &d, &o, 1, x, NULL));
    o.given = false;
    o.eta = 1.5;
    assert_status(SF_ERR_ARGUMENT, sf_sample(f.prior, &d, &o, 1, x, NULL));
    o = sf_sample_options_default();
    o.steps = 0;
    assert_status(SF_ERR_ARGUMENT, sf_sample(f.prior, &d, &o, 1, x, NULL));
    o = sf_sample_options_default();
    o.predictor = (sf_predictor)99;
    assert_status(SF_ERR_ARGUMENT, sf_sample(f.prior, &d, &o, 1, x, NULL));
    sf_prior_release(&prior);
    field_prior_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictors_reach_the_spectrum),
        cmocka_unit_test(adaptive_flow_is_the_analytic_map),
        cmocka_unit_test(orders_are_one_two_and_two),
        cmocka_unit_test(correctors_have_their_stationary_laws),
        cmocka_unit_test(langevin_takes_each_samples_own_norms),
        cmocka_unit_test(samples_are_the_same_bits_in_any_batch_and_on_any_threads),
        cmocka_unit_test(the_last_denoising_is_of_the_sample),
        cmocka_unit_test(a_monitor_stops_between_steps),
        cmocka_unit_test(heat_multiplies_the_noise),
        cmocka_unit_test(what_cannot_be_sampled_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
