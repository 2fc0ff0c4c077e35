/* test_ensemble.c - statistics of samples against those of all samples at once, the law of
 * quantiles of independent samples, chains whose effective number is known, and files. */
#include "check.h"
#include "io/scratch.h"

#include <scorefield/diffusion.h>
#include <scorefield/mcmc.h>

static sf_ensemble *make(size_t cells, size_t reservoir, size_t chains)
{
    const sf_ensemble_options o = {.cells = cells, .reservoir = reservoir, .chains = chains};
    sf_ensemble *e;

    assert_ok(sf_ensemble_create(&o, &e));
    return e;
}

/* `count` samples in batches of up to `most`. */
static void add_in_batches(sf_ensemble *e, size_t cells, size_t count, size_t most, const double *x)
{
    for (size_t i = 0, batch = 1; i < count; i += batch, batch = batch % most + 1) {
        if (batch > count - i) batch = count - i;
        assert_ok(sf_ensemble_add(e, batch, x + i * cells));
    }
}

static void assert_same_bits(const sf_ensemble *a, const sf_ensemble *b, size_t cells)
{
    double x[2][64];
    size_t kept[2];
    const double *samples[2] = {sf_ensemble_samples(a, &kept[0]), sf_ensemble_samples(b, &kept[1])};

    assert_true(cells <= 64);
    assert_int_equal(sf_ensemble_count(a), sf_ensemble_count(b));
    assert_ok(sf_ensemble_mean(a, x[0]));
    assert_ok(sf_ensemble_mean(b, x[1]));
    assert_memory_equal(x[0], x[1], cells * sizeof **x);
    assert_ok(sf_ensemble_deviation(a, x[0]));
    assert_ok(sf_ensemble_deviation(b, x[1]));
    assert_memory_equal(x[0], x[1], cells * sizeof **x);
    assert_int_equal(kept[0], kept[1]);
    assert_memory_equal(samples[0], samples[1], kept[0] * cells * sizeof **samples);
}

/* ---- moments ------------------------------------------------------------------------------- */

/* Far from zero, where sums of squares would have lost everything. */
static void moments_are_those_of_all_samples(void **state)
{
    enum { CELLS = 5, COUNT = 1000 };
    static double x[COUNT * CELLS];
    double mean[CELLS], deviation[CELLS];
    sf_ensemble *e = make(CELLS, 0, 1);

    (void)state;
    sf_random_normal(sf_random_make(1, 0), 0, 0, COUNT * CELLS, x);
    for (size_t i = 0; i < COUNT * CELLS; i++) x[i] = 1e8 + (double)(i % CELLS) * x[i];
    add_in_batches(e, CELLS, COUNT, 7, x);
    assert_int_equal(sf_ensemble_count(e), COUNT);
    assert_ok(sf_ensemble_mean(e, mean));
    assert_ok(sf_ensemble_deviation(e, deviation));
    for (size_t c = 0; c < CELLS; c++) {
        long double sum = 0.0L, squares = 0.0L;

        for (size_t i = 0; i < COUNT; i++) sum += x[i * CELLS + c];
        for (size_t i = 0; i < COUNT; i++) {
            const long double d = x[i * CELLS + c] - sum / COUNT;
            squares += d * d;
        }
        assert_close(mean[c], (double)(sum / COUNT), 1e-6);
        assert_close(deviation[c], sqrt((double)(squares / (COUNT - 1))), 1e-8 * (double)(1 + c));
    }
    sf_ensemble_release(&e);
}

static void batches_and_threads_change_no_bit(void **state)
{
    enum { CELLS = 3000, COUNT = 70 };
    double *x = malloc(COUNT * CELLS * sizeof *x), *found = malloc(3 * 3 * CELLS * sizeof *x);
    const size_t most[3] = {1, 70, 9};

    (void)state;
    assert_non_null(x);
    assert_non_null(found);
    sf_random_normal(sf_random_make(2, 0), 0, 0, (size_t)COUNT * CELLS, x);
    for (int i = 0; i < 3; i++) {
        double *y = found + i * 3 * CELLS;
        sf_ensemble *e = make(CELLS, 20, 2);

        assert_ok(sf_thread_count_set(1 + i));
        add_in_batches(e, CELLS, COUNT, most[i], x);
        assert_ok(sf_ensemble_mean(e, y));
        assert_ok(sf_ensemble_deviation(e, y + CELLS));
        assert_ok(sf_ensemble_quantile(e, 0.3, y + 2 * CELLS));
        assert_memory_equal(y, found, 3 * CELLS * sizeof *y);
        sf_ensemble_release(&e);
    }
    assert_ok(sf_thread_count_set(0));
    free(found);
    free(x);
}

/* ---- what is kept -------------------------------------------------------------------------- */

/* Sample i is the number i: kept are every stride-th draw of each chain. */
static void kept_samples_are_equally_far_apart(void **state)
{
    const struct {
        size_t reservoir, chains, count, stride;
    } cases[] = {{10, 1, 10, 1}, {10, 1, 11, 2}, {10, 1, 100, 16}, {7, 1, 8, 2}, {7, 1, 57, 16},
                 {8, 4, 9, 2},   {11, 3, 26, 4}, {12, 3, 13, 2},   {2, 1, 3, 2}, {2, 1, 1000, 512}};

    (void)state;
    for (size_t t = 0; t < sizeof cases / sizeof *cases; t++) {
        sf_ensemble *e = make(1, cases[t].reservoir, cases[t].chains);
        const double *samples;
        size_t kept, next = 0;

        for (size_t i = 0; i < cases[t].count; i++) {
            const double number = (double)i;
            assert_ok(sf_ensemble_add(e, 1, &number));
        }
        samples = sf_ensemble_samples(e, &kept);
        assert_in_range(kept, 1, cases[t].reservoir);
        for (size_t i = 0; i < cases[t].count; i++)
            if (i / cases[t].chains % cases[t].stride == 0)
                assert_close(samples[next++], (double)i, 0.0);
        assert_int_equal(next, kept);
        sf_ensemble_release(&e);
    }
}

static void quantiles_are_between_the_ranks(void **state)
{
    const double p[] = {0.0, 0.1, 0.125, 0.25, 0.5, 0.6, 0.8, 0.9, 1.0};
    const double expected[] = {1.0, 1.0, 1.0, 4.0, 16.0, 23.2, 41.2, 49.0, 49.0};
    const double x[] = {25.0, 1.0, 49.0, 9.0, 16.0, 4.0, 36.0}; /* ranks 1 ... 7, squared */
    sf_ensemble *e = make(1, 10, 1);
    double q;

    (void)state;
    assert_ok(sf_ensemble_add(e, 7, x));
    for (size_t i = 0; i < sizeof p / sizeof *p; i++) {
        assert_ok(sf_ensemble_quantile(e, p[i], &q));
        assert_close(q, expected[i], 1e-12);
    }
    sf_ensemble_release(&e);
}

/* With 19 samples the truth, another one of the same density, is below the quantile p with
 * probability p for p = 0.05, 0.10, ...: binomial over cells, 4.5 standard deviations. */
static void quantiles_cover_what_they_say(void **state)
{
    enum { CELLS = 40000, KEPT = 19 };
    const double p[] = {0.05, 0.15, 0.5, 0.95};
    double *x = malloc((KEPT + 1) * CELLS * sizeof *x), *q = malloc(CELLS * sizeof *q);
    sf_ensemble *e = make(CELLS, KEPT, 1);

    (void)state;
    assert_non_null(x);
    assert_non_null(q);
    sf_random_normal(sf_random_make(3, 0), 0, 0, (size_t)(KEPT + 1) * CELLS, x);
    assert_ok(sf_ensemble_add(e, KEPT, x + CELLS));
    for (size_t i = 0; i < sizeof p / sizeof *p; i++) {
        double below = 0.0;

        assert_ok(sf_ensemble_quantile(e, p[i], q));
        for (size_t c = 0; c < CELLS; c++) below += x[c] < q[c];
        assert_close((below - CELLS * p[i]) / sqrt(CELLS * p[i] * (1.0 - p[i])), 0.0, 4.5);
    }
    sf_ensemble_release(&e);
    free(q);
    free(x);
}

/* ---- chains -------------------------------------------------------------------------------- */

enum { CHAINS = 4, DRAWS = 500, QUANTITIES = 40 };

/* Chains x_t = phi x_(t-1) + e, one value a cell; each chain `apart` from the last. */
static void autoregression(double phi, double apart, double *x)
{
    const size_t row = (size_t)CHAINS * QUANTITIES;

    sf_random_normal(sf_random_make(4, 0), 0, 0, DRAWS * row, x);
    for (size_t i = 0; i < row; i++) x[i] /= sqrt(1.0 - phi * phi);
    for (size_t i = row; i < DRAWS * row; i++) x[i] += phi * x[i - row];
    for (size_t i = 0; i < DRAWS * row; i++) x[i] += apart * (double)(i / QUANTITIES % CHAINS);
}

static void diagnose(size_t reservoir, const double *x, double *r_hat, double *effective)
{
    sf_ensemble *e = make(QUANTITIES, reservoir, CHAINS);

    assert_ok(sf_ensemble_add(e, (size_t)DRAWS * CHAINS, x));
    assert_ok(sf_ensemble_diagnose(e, r_hat, effective));
    sf_ensemble_release(&e);
}

/* n (1 - phi)/(1 + phi), to the 3 % that its estimate is off by with sqrt(40) less noise. */
static void chains_are_worth_what_is_known(void **state)
{
    const double phi = 0.8, all = (double)CHAINS * DRAWS;
    double *x = malloc(sizeof *x * DRAWS * CHAINS * QUANTITIES), mean = 0.0;
    double r_hat[QUANTITIES], effective[QUANTITIES];

    (void)state;
    assert_non_null(x);
    autoregression(phi, 0.0, x);
    diagnose((size_t)CHAINS * DRAWS, x, r_hat, effective);
    for (int i = 0; i < QUANTITIES; i++) {
        mean += effective[i] / QUANTITIES;
        assert_close(r_hat[i], 1.0, 0.06);
    }
    assert_close(mean / (all * (1.0 - phi) / (1.0 + phi)), 1.0, 0.1);
    autoregression(phi, 2.0, x);
    diagnose((size_t)CHAINS * DRAWS, x, r_hat, effective);
    for (int i = 0; i < QUANTITIES; i++) assert_true(r_hat[i] > 1.3 && effective[i] < 40.0);
    free(x);
}

/* The numbers of a cell are those of its kept draws. */
static void diagnosis_is_that_of_the_kept_draws(void **state)
{
    enum { KEPT = 63 }; /* of 100 that there is room for, every eighth */
    double *x = malloc(sizeof *x * DRAWS * CHAINS * QUANTITIES), own[CHAINS * KEPT];
    double r_hat[QUANTITIES], effective[QUANTITIES];
    sf_chains_diagnosis d;

    (void)state;
    assert_non_null(x);
    autoregression(0.8, 0.0, x);
    diagnose((size_t)CHAINS * 100, x, r_hat, effective);
    for (size_t cell = 0; cell < QUANTITIES; cell++) {
        for (size_t i = 0; i < (size_t)CHAINS * KEPT; i++)
            own[i] = x[(i % KEPT * 8 * CHAINS + i / KEPT) * QUANTITIES + cell];
        assert_ok(sf_chains_diagnose(CHAINS, KEPT, own, &d));
        assert_close(r_hat[cell], d.r_hat, 0.0);
        assert_close(effective[cell], d.bulk, 0.0);
    }
    free(x);
}

/* ---- files --------------------------------------------------------------------------------- */

enum { FILE_CELLS = 6, FILE_COUNT = 40 };

static const sf_ensemble_options file_options = {
    .cells = FILE_CELLS, .reservoir = 8, .chains = 2, .label = "seed 7"};

/* The samples from..to-1 of a sequence. */
static void add_range(sf_ensemble *e, size_t from, size_t to)
{
    double x[FILE_COUNT * FILE_CELLS];

    sf_random_normal(sf_random_make(5, 0), 0, from * FILE_CELLS, (to - from) * FILE_CELLS, x);
    assert_ok(sf_ensemble_add(e, to - from, x));
}

static void a_file_goes_on_to_the_same_bits(void **state)
{
    const char *path = scratch("whole");

    (void)state;
    for (size_t cut = 0; cut <= FILE_COUNT; cut++) {
        sf_ensemble *whole, *before, *after;

        assert_ok(sf_ensemble_create(&file_options, &whole));
        assert_ok(sf_ensemble_create(&file_options, &before));
        add_range(whole, 0, FILE_COUNT);
        add_range(before, 0, cut);
        assert_ok(sf_ensemble_save(before, path));
        sf_ensemble_release(&before);
        assert_ok(sf_ensemble_load(path, &file_options, &after));
        assert_int_equal(sf_ensemble_count(after), cut);
        add_range(after, cut, FILE_COUNT);
        assert_same_bits(whole, after, FILE_CELLS);
        sf_ensemble_release(&whole);
        sf_ensemble_release(&after);
    }
}

static void damaged_files_are_refused(void **state)
{
    const char *path = scratch("damaged");
    sf_ensemble *e;
    unsigned char *bytes;
    size_t size;

    (void)state;
    assert_ok(sf_ensemble_create(&file_options, &e));
    add_range(e, 0, 9);
    assert_ok(sf_ensemble_save(e, path));
    sf_ensemble_release(&e);
    bytes = read_bytes(path, &size);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 4;
        write_bytes(path, bytes, size);
        assert_status(SF_ERR_FORMAT, sf_ensemble_load(path, &file_options, &e));
        assert_null(e);
        bytes[i] ^= 4;
        write_bytes(path, bytes, i);
        assert_status(SF_ERR_FORMAT, sf_ensemble_load(path, &file_options, &e));
    }
    write_bytes(path, bytes, size);
    assert_ok(sf_ensemble_load(path, &file_options, &e));
    sf_ensemble_release(&e);
    free(bytes);
}

static void files_of_others_are_refused(void **state)
{
    const char *path = scratch("other");
    sf_ensemble_options o[4] = {file_options, file_options, file_options, file_options};
    sf_ensemble *e;

    (void)state;
    o[0].cells = 7;
    o[1].reservoir = 10;
    o[2].chains = 1;
    o[3].label = "seed 8";
    assert_ok(sf_ensemble_create(&file_options, &e));
    assert_ok(sf_ensemble_save(e, path));
    assert_status(SF_ERR_IO, sf_ensemble_save(e, scratch("nowhere/file")));
    sf_ensemble_release(&e);
    for (int i = 0; i < 4; i++) {
        assert_status(SF_ERR_FORMAT, sf_ensemble_load(path, &o[i], &e));
        assert_null(e);
    }
    assert_status(SF_ERR_IO, sf_ensemble_load(scratch("missing"), &file_options, &e));
    assert_null(e);
}

/* ---- bad input ----------------------------------------------------------------------------- */

/* ---- drawing --------------------------------------------------------------------------------- */

#define FILL_CELLS 3

/* Normal numbers in three steps that a monitor hears of; it stops the course at call `stop`. */
typedef struct course {
    size_t calls, stop, last, total;
} course;

static bool hear(const sf_monitor_event *event, void *user)
{
    course *c = user;

    assert_int_equal(event->iteration, c->last + 1);
    c->last = event->iteration;
    c->total = event->total;
    return ++c->calls != c->stop;
}

static sf_status draw(void *user, sf_monitor monitor, uint64_t first, size_t batch, double *x)
{
    sf_monitor_event event = {.stage = "draw", .total = 3};

    (void)user;
    for (event.iteration = 1; event.iteration <= 3; event.iteration++)
        if (!sf_monitor_call(&monitor, &event)) return SF_OK; /* with x as it is */
    for (size_t i = 0; i < batch; i++)
        sf_random_normal(sf_random_make(2, 0), first + i, 0, FILL_CELLS, x + i * FILL_CELLS);
    return SF_OK;
}

static void a_stopped_draw_goes_on_to_the_same_bits(void **state)
{
    const sf_ensemble_options o = {.cells = FILL_CELLS, .reservoir = 16, .chains = 1};
    course c = {.stop = 5};
    sf_ensemble_source source = {.draw = draw, .batch = 4, .monitor = {hear, &c}};
    sf_ensemble *whole = make(FILL_CELLS, 16, 1), *part = make(FILL_CELLS, 16, 1), *rest;

    (void)state;
    source.checkpoint = scratch("e.check");
    assert_int_equal(sf_ensemble_fill(part, &source, 10), SF_ERR_INTERRUPTED);
    assert_int_equal(sf_ensemble_count(part), 4);
    assert_int_equal(c.total, 9);
    assert_ok(sf_ensemble_load(source.checkpoint, &o, &rest));
    c = (course){.stop = 0};
    source.batch = 5;
    assert_ok(sf_ensemble_fill(rest, &source, 10));
    assert_int_equal(c.last, 6);
    source.checkpoint = NULL;
    source.monitor = (sf_monitor){NULL, NULL};
    source.batch = 3;
    assert_ok(sf_ensemble_fill(whole, &source, 10));
    assert_same_bits(whole, rest, FILL_CELLS);
    assert_ok(sf_ensemble_fill(whole, &source, 9)); /* nothing to do */
    assert_int_equal(sf_ensemble_count(whole), 10);
    source.batch = 0;
    assert_int_equal(sf_ensemble_fill(whole, &source, 11), SF_ERR_ARGUMENT);
    sf_ensemble_release(&whole);
    sf_ensemble_release(&part);
    sf_ensemble_release(&rest);
}

static void bad_options_are_refused(void **state)
{
    const sf_ensemble_options o[] = {{.cells = 0, .chains = 1},
                                     {.cells = 1, .chains = 0},
                                     {.cells = 1, .chains = 2, .reservoir = 3}};
    const sf_ensemble_options large = {
        .cells = SIZE_MAX / 16, .chains = 1, .reservoir = SIZE_MAX / 2};
    sf_ensemble *e;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_status(SF_ERR_ARGUMENT, sf_ensemble_create(&o[i], &e));
        assert_null(e);
    }
    assert_status(SF_ERR_MEMORY, sf_ensemble_create(&large, &e));
    assert_null(e);
    sf_ensemble_release(&e);
    sf_ensemble_release(NULL);
}

static void bad_samples_leave_no_trace(void **state)
{
    const double x[4] = {1.0, 2.0, 3.0, NAN};
    sf_ensemble *e = make(2, 4, 1), *twin = make(2, 4, 1), *none = make(2, 0, 1);
    double y[2];

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_ensemble_mean(e, y));
    assert_status(SF_ERR_ARGUMENT, sf_ensemble_deviation(e, y));
    assert_status(SF_ERR_ARGUMENT, sf_ensemble_quantile(e, 0.5, y));
    assert_ok(sf_ensemble_add(e, 1, x));
    assert_ok(sf_ensemble_add(twin, 1, x));
    assert_status(SF_ERR_NUMERIC, sf_ensemble_add(e, 2, x));
    assert_ok(sf_ensemble_deviation(e, y));
    assert_true(isnan(y[0]));
    assert_status(SF_ERR_ARGUMENT, sf_ensemble_quantile(e, NAN, y));
    assert_status(SF_ERR_ARGUMENT, sf_ensemble_quantile(e, 1.1, y));
    assert_status(SF_ERR_ARGUMENT, sf_ensemble_diagnose(e, y, y));
    assert_ok(sf_ensemble_add(e, 1, x + 1));
    assert_ok(sf_ensemble_add(twin, 1, x + 1));
    assert_same_bits(e, twin, 2);
    assert_ok(sf_ensemble_add(none, 1, x));
    assert_status(SF_ERR_ARGUMENT, sf_ensemble_quantile(none, 0.5, y));
    sf_ensemble_release(&e);
    sf_ensemble_release(&twin);
    sf_ensemble_release(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_those_of_all_samples),
        cmocka_unit_test(batches_and_threads_change_no_bit),
        cmocka_unit_test(kept_samples_are_equally_far_apart),
        cmocka_unit_test(quantiles_are_between_the_ranks),
        cmocka_unit_test(quantiles_cover_what_they_say),
        cmocka_unit_test(chains_are_worth_what_is_known),
        cmocka_unit_test(diagnosis_is_that_of_the_kept_draws),
        cmocka_unit_test(a_file_goes_on_to_the_same_bits),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(files_of_others_are_refused),
        cmocka_unit_test(a_stopped_draw_goes_on_to_the_same_bits),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(bad_samples_leave_no_trace),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
