/* test_process.c - every process against its definition: derivatives by differences, the papers'
 * formulas, inverses, time grids, and the moments of what is simulated forwards. */
#include "check.h"

#include <scorefield/diffusion.h>

#include <stdlib.h>
#include <string.h>

enum { STEPS = 1000, KINDS = 8 };

static double linear_table[STEPS], cosine_table[STEPS];

static void all_kinds(sf_diffusion *d)
{
    assert_ok(sf_ddpm_linear(STEPS, linear_table));
    assert_ok(sf_ddpm_cosine(STEPS, cosine_table));
    assert_ok(sf_diffusion_geometric(0.01, 50.0, &d[0]));
    assert_ok(sf_diffusion_power(0.02, 20.0, 7.0, &d[1]));
    assert_ok(sf_diffusion_edm(0.002, 80.0, &d[2]));
    assert_ok(sf_diffusion_vp(0.1, 20.0, 1e-5, &d[3]));
    assert_ok(sf_diffusion_sub_vp(0.1, 20.0, 1e-5, &d[4]));
    assert_ok(sf_diffusion_cosine(0.008, 1e-3, 0.995, &d[5]));
    assert_ok(sf_diffusion_ddpm(STEPS, linear_table, &d[6]));
    assert_ok(sf_diffusion_ddpm(STEPS, cosine_table, &d[7]));
}

/* f = d log alpha/dt and g^2 = d sigma^2/dt - 2 f sigma^2: what makes x_t the process' marginal. */
static void derivatives_belong_to_marginals(void **state)
{
    sf_diffusion d[KINDS];

    (void)state;
    all_kinds(d);
    for (size_t i = 0; i < KINDS; i++)
        for (int j = 1; j < 20; j++) {
            double t = d[i].start + (d[i].end - d[i].start) * j / 20.0, h = 1e-6 * t;
            sf_marginal m, a, b;
            if (d[i].kind == SF_DIFFUSION_DDPM) t = floor(t) + 0.4; /* not on a kink */
            assert_ok(sf_diffusion_at(&d[i], t, &m));
            assert_ok(sf_diffusion_at(&d[i], t - h, &a));
            assert_ok(sf_diffusion_at(&d[i], t + h, &b));
            assert_close(m.f, log(b.alpha / a.alpha) / (2.0 * h), 1e-7 * (fabs(m.f) + 1.0 / t));
            assert_close(m.g2,
                         (b.sigma * b.sigma - a.sigma * a.sigma) / (2.0 * h) -
                             2.0 * m.f * m.sigma * m.sigma,
                         1e-7 * (fabs(m.g2) + m.sigma * m.sigma / t));
            assert_close(m.level, m.sigma / m.alpha, 1e-13 * m.level);
            assert_close(m.log_snr, 2.0 * log(m.alpha / m.sigma), 1e-11);
        }
}

static void times_are_those_of_levels(void **state)
{
    sf_diffusion d[KINDS];
    sf_marginal m;
    double t;

    (void)state;
    all_kinds(d);
    for (size_t i = 0; i < KINDS; i++) {
        for (int j = 0; j <= 20; j++) {
            const double at = d[i].start + (d[i].end - d[i].start) * j / 20.0;
            assert_ok(sf_diffusion_at(&d[i], at, &m));
            assert_ok(sf_diffusion_time(&d[i], m.level, &t));
            assert_close(t, at, 1e-9 * at);
        }
        assert_status(SF_ERR_ARGUMENT, sf_diffusion_time(&d[i], 1e-9, &t));
        assert_status(SF_ERR_ARGUMENT, sf_diffusion_time(&d[i], 1e9, &t));
        assert_status(SF_ERR_ARGUMENT, sf_diffusion_at(&d[i], d[i].end * 1.01, &m));
        assert_status(SF_ERR_ARGUMENT, sf_diffusion_at(&d[i], NAN, &m));
    }
}

/* The formulas as the papers write them. */
static void marginals_are_the_definitions(void **state)
{
    sf_diffusion d[KINDS];
    sf_marginal m;
    const double t = 0.3, b = 0.1 * t + 0.5 * 19.9 * t * t, beta = 0.1 + 19.9 * t;

    (void)state;
    all_kinds(d);
    assert_ok(sf_diffusion_at(&d[0], t, &m));
    assert_close(m.sigma, 0.01 * pow(5000.0, t), 1e-13);
    assert_close(m.alpha, 1.0, 0.0);
    assert_ok(sf_diffusion_at(&d[1], t, &m));
    assert_close(m.sigma,
                 pow(pow(0.02, 1 / 7.0) + t * (pow(20.0, 1 / 7.0) - pow(0.02, 1 / 7.0)), 7.0),
                 1e-12);
    assert_ok(sf_diffusion_at(&d[2], t, &m));
    assert_close(m.sigma, t, 0.0);
    assert_close(m.g2, 2.0 * t, 1e-15);
    assert_ok(sf_diffusion_at(&d[3], t, &m));
    assert_close(m.alpha, exp(-0.5 * b), 1e-15);
    assert_close(m.sigma, sqrt(1.0 - exp(-b)), 1e-15);
    assert_close(m.f, -0.5 * beta, 1e-13);
    assert_close(m.g2, beta, 1e-13);
    assert_ok(sf_diffusion_at(&d[4], t, &m));
    assert_close(m.alpha, exp(-0.5 * b), 1e-15);
    assert_close(m.sigma, 1.0 - exp(-b), 1e-15);
    assert_close(m.g2, beta * (1.0 - exp(-2.0 * b)), 1e-13);
    assert_ok(sf_diffusion_at(&d[5], t, &m));
    assert_close(m.alpha, cos(M_PI_2 * 0.308 / 1.008) / cos(M_PI_2 * 0.008 / 1.008), 1e-14);
    assert_close(m.alpha * m.alpha + m.sigma * m.sigma, 1.0, 1e-14);
}

static void tables_are_the_papers(void **state)
{
    sf_diffusion d[KINDS];
    sf_marginal m;

    (void)state;
    all_kinds(d);
    assert_close(1.0 - linear_table[0], 1e-4, 1e-16);
    assert_close(1.0 - linear_table[STEPS - 1] / linear_table[STEPS - 2], 0.02, 1e-14);
    assert_close(1.0 - cosine_table[STEPS - 1] / cosine_table[STEPS - 2], 0.999, 1e-12);
    for (size_t i = 1; i <= STEPS; i += 111) {
        assert_ok(sf_diffusion_at(&d[6], (double)i, &m));
        assert_close(m.alpha * m.alpha, linear_table[i - 1], 1e-13);
        assert_close(m.sigma * m.sigma, 1.0 - linear_table[i - 1], 1e-13);
        assert_ok(sf_diffusion_at(&d[7], (double)i, &m));
        assert_close(m.alpha * m.alpha, cosine_table[i - 1], 1e-13);
    }
}

static void grids_are_spaced_as_asked(void **state)
{
    sf_diffusion d[KINDS];
    double times[19];
    sf_marginal m;

    (void)state;
    all_kinds(d);
    for (size_t i = 0; i < KINDS; i++)
        for (int spacing = SF_TIMES_UNIFORM; spacing <= SF_TIMES_LOG_SNR; spacing++) {
            double value[19];
            assert_ok(sf_diffusion_times(&d[i], (sf_time_spacing)spacing, 7.0, 18, times));
            assert_true(times[0] == d[i].end && times[18] == d[i].start);
            for (int j = 0; j < 19; j++) {
                assert_ok(sf_diffusion_at(&d[i], times[j], &m));
                value[j] = spacing == SF_TIMES_UNIFORM ? times[j]
                           : spacing == SF_TIMES_RHO   ? pow(m.level, 1.0 / 7.0)
                                                       : m.log_snr;
            }
            for (int j = 0; j < 19; j++)
                assert_close(value[j], value[0] + (value[18] - value[0]) * j / 18.0,
                             1e-9 * fabs(value[18] - value[0]));
        }
    assert_ok(sf_diffusion_times(&d[6], SF_TIMES_UNIFORM, 0.0, 9, times));
    assert_status(SF_ERR_ARGUMENT, sf_diffusion_times(&d[0], SF_TIMES_UNIFORM, 0.0, 0, times));
    assert_status(SF_ERR_ARGUMENT, sf_diffusion_times(&d[0], SF_TIMES_RHO, 0.0, 5, times));
}

/* A clean image and noise that are known, in all four languages. */
static void quantities_are_one_another(void **state)
{
    sf_diffusion d[KINDS];
    sf_marginal m;
    const double clean[2] = {0.7, -2.0}, noise[2] = {1.3, 0.4};
    double x[2], value[4][2], out[2];

    (void)state;
    all_kinds(d);
    for (size_t i = 0; i < KINDS; i++) {
        assert_ok(sf_diffusion_at(&d[i], 0.5 * (d[i].start + d[i].end), &m));
        for (int j = 0; j < 2; j++) {
            x[j] = m.alpha * clean[j] + m.sigma * noise[j];
            value[SF_QUANTITY_CLEAN][j] = clean[j];
            value[SF_QUANTITY_NOISE][j] = noise[j];
            value[SF_QUANTITY_SCORE][j] = -noise[j] / m.sigma;
            value[SF_QUANTITY_VELOCITY][j] = m.alpha * noise[j] - m.sigma * clean[j];
        }
        for (int from = 0; from < 4; from++)
            for (int to = 0; to < 4; to++) {
                assert_ok(sf_quantity_convert(&m, (sf_quantity)from, (sf_quantity)to, 2, x,
                                              value[from], out));
                for (int j = 0; j < 2; j++)
                    assert_close(out[j], value[to][j], 1e-10 * (fabs(x[j]) / m.alpha + 1.0));
            }
    }
    assert_status(SF_ERR_ARGUMENT,
                  sf_quantity_convert(&m, (sf_quantity)7, SF_QUANTITY_CLEAN, 1, x, value[0], out));
}

/* Mean alpha x_0 and variance sigma^2, in one step and in two: 16 z-scores below 4.5 (false alarms:
 * 1e-4). */
static void forwards_the_moments_are_the_marginals(void **state)
{
    enum { SAMPLES = 20000 };
    sf_diffusion d[KINDS];
    double *x = malloc(SAMPLES * sizeof *x);

    (void)state;
    assert_non_null(x);
    all_kinds(d);
    for (size_t i = 0; i < KINDS; i++) {
        const double early = d[i].start + 0.1 * (d[i].end - d[i].start);
        const double late = d[i].start + 0.4 * (d[i].end - d[i].start);
        double sum = 0.0, square = 0.0;
        sf_marginal m;
        for (size_t j = 0; j < SAMPLES; j++) x[j] = 1.5;
        assert_ok(sf_diffusion_noise(&d[i], early, 3, i, 0, SAMPLES, 1, x, x));
        assert_ok(sf_diffusion_forward(&d[i], early, late, 3, i, 1, 0, SAMPLES, 1, x));
        assert_ok(sf_diffusion_at(&d[i], late, &m));
        for (size_t j = 0; j < SAMPLES; j++) {
            const double z = (x[j] - m.alpha * 1.5) / m.sigma;
            sum += z;
            square += z * z;
        }
        assert_close(sum / sqrt(SAMPLES), 0.0, 4.5);
        assert_close((square - SAMPLES) / sqrt(2.0 * SAMPLES), 0.0, 4.5);
        assert_status(SF_ERR_ARGUMENT,
                      sf_diffusion_forward(&d[i], late, early, 3, i, 1, 0, 1, 1, x));
    }
    free(x);
}

static void noise_is_the_same_on_any_threads_and_batch(void **state)
{
    enum { SAMPLES = 7, SIZE = 1300 };
    static double x[SAMPLES * SIZE], y[SAMPLES * SIZE];
    sf_diffusion d;

    (void)state;
    assert_ok(sf_diffusion_edm(0.1, 10.0, &d));
    assert_ok(sf_thread_count_set(1));
    assert_ok(sf_diffusion_noise(&d, 2.0, 5, 6, 40, SAMPLES, SIZE, x, x));
    assert_ok(sf_thread_count_set(7));
    for (size_t i = 0; i < SAMPLES; i += 3) {
        const size_t count = SAMPLES - i < 3 ? SAMPLES - i : 3;
        assert_ok(
            sf_diffusion_noise(&d, 2.0, 5, 6, 40 + i, count, SIZE, y + i * SIZE, y + i * SIZE));
    }
    assert_ok(sf_thread_count_set(0));
    assert_memory_equal(x, y, sizeof x);
}

static void what_is_no_process_is_named(void **state)
{
    sf_diffusion d;
    double table[3] = {0.9, 0.95, 0.1};

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_diffusion_geometric(0.0, 1.0, &d));
    assert_status(SF_ERR_ARGUMENT, sf_diffusion_geometric(2.0, 1.0, &d));
    assert_status(SF_ERR_ARGUMENT, sf_diffusion_power(0.1, 1.0, 0.0, &d));
    assert_status(SF_ERR_ARGUMENT, sf_diffusion_edm(0.1, INFINITY, &d));
    assert_status(SF_ERR_ARGUMENT, sf_diffusion_edm(1.0, 1.0, &d));
    assert_status(SF_ERR_ARGUMENT, sf_diffusion_vp(0.1, 20.0, 0.0, &d));
    assert_status(SF_ERR_ARGUMENT, sf_diffusion_vp(-0.1, 20.0, 0.1, &d));
    assert_status(SF_ERR_ARGUMENT, sf_diffusion_sub_vp(0.1, 20.0, 1.0, &d));
    assert_status(SF_ERR_ARGUMENT, sf_diffusion_cosine(0.008, 0.01, 1.0, &d));
    assert_status(SF_ERR_ARGUMENT, sf_diffusion_ddpm(3, table, &d));
    assert_status(SF_ERR_ARGUMENT, sf_diffusion_ddpm(1, table, &d));
    assert_status(SF_ERR_ARGUMENT, sf_ddpm_linear(20, linear_table));
    assert_status(SF_ERR_ARGUMENT, sf_ddpm_cosine(0, linear_table));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derivatives_belong_to_marginals),
        cmocka_unit_test(times_are_those_of_levels),
        cmocka_unit_test(marginals_are_the_definitions),
        cmocka_unit_test(tables_are_the_papers),
        cmocka_unit_test(grids_are_spaced_as_asked),
        cmocka_unit_test(quantities_are_one_another),
        cmocka_unit_test(forwards_the_moments_are_the_marginals),
        cmocka_unit_test(noise_is_the_same_on_any_threads_and_batch),
        cmocka_unit_test(what_is_no_process_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
