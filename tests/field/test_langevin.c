/* test_langevin.c - Langevin moves held to what is known of them exactly: one move of each kind,
 * its stationary variance in every mode, the rate of every mode, and the odds of acceptance.
 *
 * Statistical tests have fixed seeds. Chains begin with a draw from what should be their own
 * stationary law, so that there is nothing to forget. Thresholds are 5 standard errors, which a
 * correct code exceeds once in 1.7 million values; a test looks at about 50. */
#include <scorefield/field.h>

#include "base/internal.h"
#include "check.h"

#include <complex.h>
#include <string.h>

enum { ROWS = 8, COLUMNS = 9, CELLS = ROWS * COLUMNS, HALF = ROWS * (COLUMNS / 2 + 1) };

#define MEAN 0.5

static double smooth(double k, void *user)
{
    (void)user;
    return 2.0 / (1.0 + k * k);
}

typedef struct work {
    sf_grid grid;
    sf_field *field;
    sf_fft *fft;
    double lambda[HALF], least;
} work;

static work begin(void)
{
    sf_spectrum *spectrum;
    work t = {.least = INFINITY};

    assert_ok(sf_spectrum_callback(smooth, NULL, &spectrum));
    assert_ok(sf_grid_image(ROWS, COLUMNS, &t.grid));
    assert_ok(sf_field_create(&t.grid, spectrum, MEAN, &t.field));
    assert_ok(sf_fft_create(&t.grid, &t.fft));
    assert_ok(sf_spectrum_eigenvalues(spectrum, &t.grid, t.lambda));
    for (size_t i = 0; i < HALF; i++) t.least = fmin(t.least, t.lambda[i]);
    sf_spectrum_release(&spectrum);
    return t;
}

static void end(work *t)
{
    sf_field_release(&t->field);
    sf_fft_release(&t->fft);
}

static sf_langevin_options options_of(sf_langevin_kind kind, double step, size_t steps,
                                      uint64_t seed)
{
    sf_langevin_options options = sf_langevin_options_default();

    options.kind = kind;
    options.step = step;
    options.steps = steps;
    options.seed = seed;
    return options;
}

/* A draw of the field, or of another one on its grid. */
static void draw(const sf_field *field, uint64_t seed, double *x)
{
    sf_field_draw_options options = sf_field_draw_options_default();
    double *buffer;

    options.seed = seed;
    assert_ok(sf_allocate(&buffer, 2 * HALF, sizeof *buffer));
    assert_ok(sf_field_draw(field, &options, buffer));
    memcpy(x, buffer, CELLS * sizeof *x);
    sf_free(buffer);
}

/* The noise of two chains of one seed is the same: their difference moves without noise, by
 * d' = d + e (s(x) - s(y)) (plain) and so on. */
static void a_move_without_its_noise(void **state)
{
    const sf_langevin_kind kinds[] = {SF_LANGEVIN_PLAIN, SF_LANGEVIN_PRECONDITIONED,
                                      SF_LANGEVIN_EXACT};
    work t = begin();

    (void)state;
    for (size_t kind = 0; kind < 3; kind++) {
        const double e = kind == 0 ? 0.7 * t.least : 0.4;
        const sf_langevin_options options = options_of(kinds[kind], e, 1, 12);
        double x[CELLS], y[CELLS], s[2][CELLS], expected[CELLS];

        sf_random_normal(sf_random_make(1, 1), 0, 0, CELLS, x);
        sf_random_normal(sf_random_make(1, 1), 1, 0, CELLS, y);
        assert_ok(sf_field_score(t.field, x, 0.0, s[0]));
        assert_ok(sf_field_score(t.field, y, 0.0, s[1]));
        for (size_t i = 0; i < CELLS; i++) {
            const double d = x[i] - y[i];

            expected[i] = kind == 0   ? d + e * (s[0][i] - s[1][i])
                          : kind == 1 ? (1.0 - e) * d
                                      : exp(-e) * d;
        }
        assert_ok(sf_field_langevin(t.field, &options, x, NULL));
        assert_ok(sf_field_langevin(t.field, &options, y, NULL));
        for (size_t i = 0; i < CELLS; i++) assert_close(x[i] - y[i], expected[i], 1e-12);
    }
    end(&t);
}

/* What each kind's stationary variance is, and after ten moves from it still is. */
static void stationary_variances(void **state)
{
    enum { CHAINS = 6000 };
    const sf_langevin_kind kinds[] = {SF_LANGEVIN_PLAIN, SF_LANGEVIN_PRECONDITIONED,
                                      SF_LANGEVIN_EXACT, SF_LANGEVIN_ADJUSTED};
    work t = begin();

    (void)state;
    for (size_t kind = 0; kind < 4; kind++) {
        const double step = kind == 0 ? t.least : kind == 3 ? 1.5 * t.least : 0.6;
        double variance[HALF], power[HALF] = {0.0}, x[CELLS];
        sf_complex modes[HALF];
        sf_field *law;

        for (size_t i = 0; i < HALF; i++) {
            const double lambda = t.lambda[i];

            variance[i] = kind == 0   ? lambda / (1.0 - step / (2.0 * lambda))
                          : kind == 1 ? lambda / (1.0 - step / 2.0)
                                      : lambda;
        }
        assert_ok(sf_field_from_eigenvalues(&t.grid, variance, MEAN, &law));
        for (uint64_t chain = 0; chain < CHAINS; chain++) {
            const sf_langevin_options options = options_of(kinds[kind], step, 10, 1000 + chain);

            draw(law, chain, x);
            assert_ok(sf_field_langevin(t.field, &options, x, NULL));
            for (size_t i = 0; i < CELLS; i++) x[i] -= MEAN;
            assert_ok(sf_fft_forward(t.fft, x, modes));
            for (size_t i = 0; i < HALF; i++) power[i] += pow(cabs(modes[i]), 2.0);
        }
        for (size_t i = 0; i < HALF; i++) {
            const double of_square = sf_grid_mode_is_real(&t.grid, i) ? 2.0 : 1.0;
            const double ratio = power[i] / (CHAINS * CELLS * variance[i]);

            assert_close(ratio, 1.0, 5.0 * sqrt(of_square / CHAINS));
        }
        sf_field_release(&law);
    }
    end(&t);
}

/* Integrated autocorrelation times sum_lag rho(lag) of each mode, both ways in time, measured on a
 * chain up to LAGS moves: by the last, rho is below 3e-4. */
enum { LAGS = 6 };

static void autocorrelation_times(const work *t, sf_langevin_options options, size_t moves,
                                  double *time)
{
    double product[HALF][LAGS] = {{0.0}}, x[CELLS];
    sf_complex past[LAGS][HALF];

    draw(t->field, 77, x);
    for (size_t move = 0; move < moves + LAGS; move++) {
        sf_complex *now = past[move % LAGS];

        options.first = move;
        assert_ok(sf_field_langevin(t->field, &options, x, NULL));
        for (size_t i = 0; i < CELLS; i++) x[i] -= MEAN;
        assert_ok(sf_fft_forward(t->fft, x, now));
        for (size_t i = 0; i < CELLS; i++) x[i] += MEAN;
        for (size_t i = 0; i < HALF && move >= LAGS; i++)
            for (size_t lag = 0; lag < LAGS; lag++)
                product[i][lag] += creal(now[i] * conj(past[(move - lag) % LAGS][i]));
    }
    for (size_t i = 0; i < HALF; i++) {
        time[i] = 1.0;
        for (size_t lag = 1; lag < LAGS; lag++) time[i] += 2.0 * product[i][lag] / product[i][0];
    }
}

/* Where a move multiplies every mode by rho it is (1 + rho)/(1 - rho) for all k: to 5 %, which is
 * 4 standard errors of a real mode's, sqrt(2 (2 LAGS - 1)/MOVES), and 6 of a complex one's. */
static void every_mode_forgets_at_one_rate(void **state)
{
    enum { MOVES = 140000 };
    static const struct {
        sf_langevin_kind kind;
        double step;
    } moves[] = {{SF_LANGEVIN_EXACT, 1.4}, {SF_LANGEVIN_PRECONDITIONED, 0.75}};
    work t = begin();

    (void)state;
    for (size_t c = 0; c < 2; c++) {
        const double e = moves[c].step, rho = c == 0 ? exp(-e) : 1.0 - e;
        double time[HALF];

        autocorrelation_times(&t, options_of(moves[c].kind, e, 1, 5), MOVES, time);
        for (size_t i = 0; i < HALF; i++)
            assert_close(time[i] * (1.0 - rho) / (1.0 + rho), 1.0, 0.05);
    }
    end(&t);
}

/* log a = log p(y)/p(x) + log q(x|y)/q(y|x), by the definitions. */
static double log_acceptance(const sf_field *field, double e, const double *x, const double *y)
{
    double of_x, of_y, at_x[CELLS], at_y[CELLS], there = 0.0, back = 0.0;

    assert_ok(sf_field_log_density(field, x, 0.0, &of_x));
    assert_ok(sf_field_log_density(field, y, 0.0, &of_y));
    assert_ok(sf_field_score(field, x, 0.0, at_x));
    assert_ok(sf_field_score(field, y, 0.0, at_y));
    for (size_t i = 0; i < CELLS; i++) {
        there += pow(y[i] - x[i] - e * at_x[i], 2.0);
        back += pow(x[i] - y[i] - e * at_y[i], 2.0);
    }
    return of_y - of_x + (there - back) / (4.0 * e);
}

/* A plain move of the same seed is the proposal. One that is at least as likely is always taken,
 * others with the odds of the definition. */
static void adjusted_moves_are_accepted_by_metropolis(void **state)
{
    enum { MOVES = 4000 };
    double expected = 0.0, variance = 0.0, accepted = 0.0;
    work t = begin();
    const double e = 1.2 * t.least;

    (void)state;
    for (uint64_t move = 0; move < MOVES; move++) {
        sf_langevin_options options = options_of(SF_LANGEVIN_PLAIN, e, 1, move);
        double x[CELLS], y[CELLS], z[CELLS], odds;
        sf_langevin_report report;
        bool taken = true;

        draw(t.field, 50000 + move, x);
        memcpy(y, x, sizeof y);
        memcpy(z, x, sizeof z);
        assert_ok(sf_field_langevin(t.field, &options, y, NULL));
        options.kind = SF_LANGEVIN_ADJUSTED;
        assert_ok(sf_field_langevin(t.field, &options, z, &report));
        for (size_t i = 0; i < CELLS; i++) taken = taken && fabs(z[i] - y[i]) < 1e-12;
        for (size_t i = 0; i < CELLS && !taken; i++) assert_close(z[i], x[i], 1e-12);
        odds = fmin(1.0, exp(log_acceptance(t.field, e, x, y)));
        assert_int_equal(report.steps, 1);
        assert_int_equal(report.accepted, taken);
        assert_true(taken || odds < 1.0);
        accepted += taken;
        expected += odds;
        variance += odds * (1.0 - odds);
    }
    assert_true(expected < 0.95 * MOVES);
    assert_close(accepted, expected, 5.0 * sqrt(variance));
    end(&t);
}

static void a_chain_goes_on_where_it_stopped(void **state)
{
    work t = begin();

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        sf_langevin_options options = options_of((sf_langevin_kind)kind, t.least, 5, 8);
        double x[CELLS], y[CELLS];

        draw(t.field, 1, x);
        memcpy(y, x, sizeof y);
        assert_ok(sf_field_langevin(t.field, &options, x, NULL));
        options.steps = 2;
        assert_ok(sf_field_langevin(t.field, &options, y, NULL));
        options.first = 2;
        options.steps = 3;
        assert_ok(sf_field_langevin(t.field, &options, y, NULL));
        for (size_t i = 0; i < CELLS; i++) assert_close(x[i], y[i], 1e-12);
    }
    end(&t);
}

static bool stop_after_three(const sf_monitor_event *event, void *user)
{
    size_t *calls = user;

    assert_string_equal(event->stage, "langevin");
    assert_int_equal(event->iteration, ++*calls);
    return event->iteration < 3;
}

static void a_monitor_can_stop_it(void **state)
{
    work t = begin();
    sf_langevin_options options = options_of(SF_LANGEVIN_EXACT, 0.3, 9, 8);
    sf_langevin_report report;
    double x[CELLS], y[CELLS];
    size_t calls = 0;

    (void)state;
    draw(t.field, 1, x);
    memcpy(y, x, sizeof y);
    options.monitor = (sf_monitor){stop_after_three, &calls};
    assert_ok(sf_field_langevin(t.field, &options, x, &report));
    assert_int_equal(report.steps, 3);
    assert_int_equal(report.accepted, 3);
    assert_close(report.stable_step, 2.0 * t.least, 1e-14);
    options.monitor.function = NULL;
    options.steps = 3;
    assert_ok(sf_field_langevin(t.field, &options, y, NULL));
    assert_memory_equal(x, y, sizeof x);
    end(&t);
}

static void steps_that_diverge_are_refused(void **state)
{
    work t = begin();
    sf_langevin_options options = options_of(SF_LANGEVIN_PLAIN, 2.001 * t.least, 1, 0);
    double x[CELLS] = {0.0};

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_field_langevin(t.field, &options, x, NULL));
    options.step = 1.999 * t.least;
    assert_ok(sf_field_langevin(t.field, &options, x, NULL));
    options = options_of(SF_LANGEVIN_PRECONDITIONED, 2.0, 1, 0);
    assert_status(SF_ERR_ARGUMENT, sf_field_langevin(t.field, &options, x, NULL));
    options = options_of(SF_LANGEVIN_EXACT, 0.0, 1, 0);
    assert_status(SF_ERR_ARGUMENT, sf_field_langevin(t.field, &options, x, NULL));
    options.step = NAN;
    assert_status(SF_ERR_ARGUMENT, sf_field_langevin(t.field, &options, x, NULL));
    options.step = 1.0;
    x[7] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_field_langevin(t.field, &options, x, NULL));
    end(&t);
}

/* P(0) = 0: a chain keeps the mean that it began with. */
static void modes_without_power_stay(void **state)
{
    sf_spectrum *spectrum;
    sf_field *field;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &grid));
    assert_ok(sf_spectrum_power_law(1.0, -1.0, 0.0, &spectrum));
    assert_ok(sf_field_create(&grid, spectrum, 2.0, &field));
    for (int kind = 0; kind < 4; kind++) {
        const sf_langevin_options options = options_of((sf_langevin_kind)kind, 0.1, 20, 8);
        double x[CELLS] = {0.0}, sum = 0.0;

        assert_ok(sf_field_langevin(field, &options, x, NULL));
        for (size_t i = 0; i < CELLS; i++) sum += x[i];
        assert_close(sum, 0.0, 1e-11);
        assert_true(fabs(x[0]) > 0.0);
    }
    sf_field_release(&field);
    sf_spectrum_release(&spectrum);
}

static void same_bits_for_any_threads(void **state)
{
    const int threads[] = {1, 2, 7};
    sf_spectrum *spectrum;
    sf_field *field;
    sf_grid grid;
    double *start, *first = NULL;

    (void)state;
    assert_ok(sf_grid_image(130, 1100, &grid));
    assert_ok(sf_spectrum_callback(smooth, NULL, &spectrum));
    assert_ok(sf_field_create(&grid, spectrum, 2.0, &field));
    assert_ok(sf_allocate(&start, sf_fft_buffer_size(&grid), sizeof *start));
    assert_ok(sf_field_draw(field, NULL, start));
    for (int kind = 0; kind < 4; kind++) {
        const sf_langevin_options options = options_of((sf_langevin_kind)kind, 0.01, 4, 8);

        for (int i = 0; i < 3; i++) {
            double *x;

            assert_ok(sf_thread_count_set(threads[i]));
            assert_ok(sf_copy_memory(start, sf_grid_size(&grid), sizeof *x, &x));
            assert_ok(sf_field_langevin(field, &options, x, NULL));
            if (i == 0)
                first = x;
            else
                assert_memory_equal(x, first, sf_grid_size(&grid) * sizeof *x);
            if (i > 0) sf_free(x);
        }
        sf_free(first);
    }
    assert_ok(sf_thread_count_set(0));
    sf_free(start);
    sf_field_release(&field);
    sf_spectrum_release(&spectrum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_move_without_its_noise),
        cmocka_unit_test(stationary_variances),
        cmocka_unit_test(every_mode_forgets_at_one_rate),
        cmocka_unit_test(adjusted_moves_are_accepted_by_metropolis),
        cmocka_unit_test(a_chain_goes_on_where_it_stopped),
        cmocka_unit_test(a_monitor_can_stop_it),
        cmocka_unit_test(steps_that_diverge_are_refused),
        cmocka_unit_test(modes_without_power_stay),
        cmocka_unit_test(same_bits_for_any_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
