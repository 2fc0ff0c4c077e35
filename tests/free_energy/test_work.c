/* test_work.c - Jarzynski, Bennett and Crooks on pairs of normal work: W_F ~ N(mu, s^2) and
 * W_R ~ N(s^2 - mu, s^2) obey Crooks' theorem with Delta F = mu - s^2/2. */
#include "repetitions.h"

#include <scorefield/free_energy.h>

#include <string.h>

#define MU 2.0

static double *forward, *reverse;

static int allocate(void **state)
{
    (void)state;
    if (sf_allocate(&forward, 200000, sizeof *forward) != SF_OK) return -1;
    return sf_allocate(&reverse, 200000, sizeof *reverse) == SF_OK ? 0 : -1;
}

static int release(void **state)
{
    (void)state;
    sf_free(forward);
    sf_free(reverse);
    return 0;
}

/* Log-weights: -W. */
static void draw_pair(double s, uint64_t repetition, size_t n_forward, size_t n_reverse)
{
    sf_random_normal(sf_random_make(7, 1), repetition, 0, n_forward, forward);
    sf_random_normal(sf_random_make(7, 2), repetition, 0, n_reverse, reverse);
    for (size_t i = 0; i < n_forward; i++) forward[i] = -MU + s * forward[i];
    for (size_t i = 0; i < n_reverse; i++) reverse[i] = MU - s * s + s * reverse[i];
}

static void quantile_pair(double s, size_t n_forward, size_t n_reverse)
{
    normal_quantiles(-MU, s, n_forward, forward);
    normal_quantiles(MU - s * s, s, n_reverse, reverse);
}

/* pymbar 4.0.3, bar(relative_tolerance=1e-14), exp, exp_gauss, bar_overlap: quantiles, s = 1.5,
 * 400 forward and 250 reverse. Its errors of one direction divide by N, these by N - 1. */
static void like_pymbar(void **state)
{
    sf_bar_report r;

    (void)state;
    quantile_pair(1.5, 400, 250);
    assert_ok(sf_bar(forward, 400, reverse, 250, &r));
    assert_close(r.estimate.value, -0.8750235991194316, 1e-10);
    assert_close(r.estimate.error, 0.062153725310720165, 1e-10);
    assert_close(r.overlap, 0.6272263174991526, 1e-9);
    assert_close(r.forward.log_mean, -0.8961788286225181, 1e-12);
    assert_close(r.forward.error * sqrt(399.0 / 400.0), 0.11764681816440227, 1e-12);
    assert_close(r.forward.mean + r.forward.variance * 399.0 / 800.0, -0.8786292000002545, 1e-12);
    assert_true(r.estimate.reliable);
}

/* Bennett's variance by quadrature, n_F = n_R: N_total Var (to 10 digits), and for one direction
 * N Var = e^(s^2) - 1. Quantiles stand in for the law. */
static void variances(void **state)
{
    static const struct {
        double s, log_z, bennett;
    } cases[] = {{1.0, -1.5, 1.02546822885}, {3.0, 2.5, 16.2796048288}};
    sf_bar_report r;

    (void)state;
    for (size_t c = 0; c < 2; c++) {
        quantile_pair(cases[c].s, 200000, 200000);
        assert_ok(sf_bar(forward, 200000, reverse, 200000, &r));
        assert_close(r.estimate.value, cases[c].log_z, 1e-6);
        assert_close(4e5 * r.estimate.error * r.estimate.error / cases[c].bennett, 1.0, 1e-5);
        assert_close(r.crossing, cases[c].log_z, 1e-5);
        assert_close(r.slope, 1.0, 1e-4);
        assert_close(r.hysteresis, cases[c].s * cases[c].s, 1e-9); /* s^2/2 dissipated each way */
        assert_close(r.dissipation_forward, 0.5 * cases[c].s * cases[c].s, 1e-6);
        assert_close(r.dissipation_reverse, 0.5 * cases[c].s * cases[c].s, 1e-6);
        if (c == 0) assert_close(2e5 * r.forward.error * r.forward.error, 1.71828182846, 5e-3);
    }
}

static void calibrated(double s, size_t n_forward, size_t n_reverse)
{
    z_scores bar = {0.0, 0.0, 0}, crossing = {0.0, 0.0, 0};

    for (uint64_t rep = 0; rep < REPETITIONS; rep++) {
        sf_bar_report r;

        draw_pair(s, rep, n_forward, n_reverse);
        assert_ok(sf_bar(forward, n_forward, reverse, n_reverse, &r));
        z_add(&bar, r.estimate.value, r.estimate.error, s * s / 2.0 - MU);
        z_add(&crossing, r.slope, r.slope_error, 1.0);
        assert_true(r.estimate.reliable);
        assert_true(r.lower_bound < r.upper_bound);
    }
    assert_calibrated(&bar);
    assert_calibrated(&crossing);
}

static void bar_is_calibrated(void **state)
{
    (void)state;
    calibrated(1.0, 300, 300);
    calibrated(2.0, 600, 200);
}

static void jarzynski_is_calibrated(void **state)
{
    const sf_jarzynski_options options = {.islands = 4, .bootstraps = 100, .seed = 3};
    z_scores z = {0.0, 0.0, 0}, boot = {0.0, 0.0, 0};
    double probability = 0.0;

    (void)state;
    for (uint64_t rep = 0; rep < REPETITIONS; rep++) {
        sf_jarzynski_report r;

        draw_pair(0.7, rep, 1000, 0);
        assert_ok(sf_jarzynski(forward, 1000, &options, &r));
        z_add(&z, r.estimate.value, r.estimate.error, 0.245 - MU);
        z_add(&boot, r.estimate.value, r.bootstrap.error, 0.245 - MU);
        assert_true(r.bootstrap.low < r.estimate.value && r.estimate.value < r.bootstrap.high);
        assert_true(fabs(r.bootstrap.bias) < r.bootstrap.error);
        probability += r.islands_probability / REPETITIONS;
    }
    assert_calibrated(&z);
    assert_calibrated(&boot);
    assert_close(probability, 0.5, 0.06); /* uniform: 4 of its standard errors */
}

/* Not log_z, but e^log_z, whatever the number of paths. */
static void unbiased(void **state)
{
    double sum = 0.0, squares = 0.0, error;

    (void)state;
    for (uint64_t rep = 0; rep < REPETITIONS; rep++) {
        sf_weights r;
        double ratio;

        draw_pair(1.0, rep, 100, 0);
        assert_ok(sf_weights_measure(forward, 100, &r));
        ratio = exp(r.log_mean + 1.5);
        sum += ratio / REPETITIONS;
        squares += ratio * ratio / REPETITIONS;
    }
    error = sqrt((squares - sum * sum) / REPETITIONS);
    assert_close(sum, 1.0, 3.5 * error);
}

/* No pair of Crooks': p_F and p_R(-W) normal in -W, means 0 and 1, standard deviation 2. They are
 * equal half-way, and log p_F/p_R = (1 + 2 W)/8. BAR, which takes the slope to be 1, misses that.
 */
static void crossing_of_another_slope(void **state)
{
    sf_bar_report r;

    (void)state;
    normal_quantiles(0.0, 2.0, 40000, forward);
    normal_quantiles(-1.0, 2.0, 10000, reverse);
    assert_ok(sf_bar(forward, 40000, reverse, 10000, &r));
    assert_close(r.crossing, 0.5, 1e-3);
    assert_close(r.slope, 0.25, 1e-3);
    assert_true(fabs(r.estimate.value - 0.5) > 0.1);
    assert_false(r.estimate.reliable);
}

static void swapped_directions(void **state)
{
    sf_bar_report r, swapped;

    (void)state;
    draw_pair(1.5, 0, 500, 300);
    assert_ok(sf_bar(forward, 500, reverse, 300, &r));
    assert_ok(sf_bar(reverse, 300, forward, 500, &swapped));
    assert_close(r.estimate.value, -swapped.estimate.value, 1e-10);
    assert_close(r.estimate.error, swapped.estimate.error, 1e-10);
    assert_close(r.crossing, -swapped.crossing, 1e-8);
    assert_close(r.slope, swapped.slope, 1e-8);
}

/* Paths that end without support count: E e^w is over all of them. */
static void zeros_count(void **state)
{
    sf_bar_report all, some;

    (void)state;
    draw_pair(1.0, 0, 4000, 2000);
    for (size_t i = 2000; i < 4000; i++) forward[i] = i % 2 == 0 ? -INFINITY : NAN;
    assert_ok(sf_bar(forward, 4000, reverse, 2000, &all));
    assert_ok(sf_bar(forward, 2000, reverse, 2000, &some));
    /* half of the forward paths lost: Z_1 is half as large */
    assert_close(all.estimate.value, some.estimate.value - log(2.0), 1e-9);
    assert_close(all.forward.log_mean, some.forward.log_mean - log(2.0), 1e-12);
    assert_true(all.lower_bound == -INFINITY);
    assert_true(isfinite(all.crossing));
}

static void doubts(void **state)
{
    sf_jarzynski_report j;
    sf_bar_report r;
    const sf_jarzynski_options islands = {.islands = 2};

    (void)state;
    draw_pair(1.0, 0, 30, 1000);
    assert_ok(sf_jarzynski(forward, 30, NULL, &j));
    assert_false(j.estimate.reliable);
    assert_non_null(strstr(j.estimate.verdict, "fewer than 50"));
    draw_pair(1.0, 0, 1000, 1000);
    for (size_t i = 0; i < 1000; i++) forward[i] = i == 7 ? log(140.0) : 0.0; /* worth 65 samples */
    assert_ok(sf_jarzynski(forward, 1000, NULL, &j));
    assert_string_equal(j.estimate.verdict, "one weight of 1000 holds 12 % of their sum");
    for (size_t i = 0; i < 100000; i++) /* a Pareto law of shape 0.8, worth 200 samples */
        forward[i] = log((pow(1.0 - ((double)i + 0.5) / 1e5, -0.8) - 1.0) / 0.8);
    assert_ok(sf_jarzynski(forward, 100000, NULL, &j));
    assert_non_null(strstr(j.estimate.verdict, "Pareto tail of shape 0.8"));
    draw_pair(0.5, 0, 1000, 1000);
    for (size_t i = 0; i < 500; i++) forward[i] += 0.3;
    assert_ok(sf_jarzynski(forward, 1000, &islands, &j));
    assert_false(j.estimate.reliable);
    assert_non_null(strstr(j.estimate.verdict, "2 islands disagree"));
    draw_pair(1.0, 0, 1000, 1000);
    for (size_t i = 0; i < 1000; i++) reverse[i] = -reverse[i]; /* the wrong sign */
    assert_ok(sf_bar(forward, 1000, reverse, 1000, &r));
    assert_false(r.estimate.reliable);
    draw_pair(1.0, 0, 1000, 1000);
    for (size_t i = 0; i < 1000; i++) forward[i] *= 0.6, reverse[i] *= 0.6; /* the wrong unit */
    assert_ok(sf_bar(forward, 1000, reverse, 1000, &r));
    assert_false(r.estimate.reliable);
    assert_non_null(strstr(r.estimate.verdict, "Crooks"));
}

/* Where nothing overlaps the error grows without bound, and nothing crashes or is NaN. */
static void no_overlap(void **state)
{
    sf_bar_report r;
    double last = 0.0;

    (void)state;
    for (double s = 4.0; s < 60.0; s *= 1.6) {
        quantile_pair(s, 300, 300);
        assert_ok(sf_bar(forward, 300, reverse, 300, &r));
        assert_false(r.estimate.reliable);
        assert_true(r.estimate.error > last);
        assert_close(r.estimate.value, s * s / 2.0 - MU, 1.0);
        last = r.estimate.error;
    }
    assert_true(last == INFINITY || last > 1e6);
    assert_true(isnan(r.crossing));
}

static void same_bits_on_any_threads(void **state)
{
    const sf_jarzynski_options options = {.islands = 3, .bootstraps = 50, .seed = 1};
    sf_jarzynski_report one, four;

    (void)state;
    draw_pair(1.0, 0, 5000, 0);
    assert_ok(sf_thread_count_set(1));
    assert_ok(sf_jarzynski(forward, 5000, &options, &one));
    assert_ok(sf_thread_count_set(4));
    assert_ok(sf_jarzynski(forward, 5000, &options, &four));
    assert_ok(sf_thread_count_set(0));
    assert_true(one.bootstrap.error == four.bootstrap.error);
    assert_true(one.bootstrap.low == four.bootstrap.low);
    assert_true(one.estimate.value == four.estimate.value);
}

/* Replicates differ from each other, and from those of another seed. */
static void bootstraps_differ(void **state)
{
    const sf_jarzynski_options first = {.islands = 1, .bootstraps = 2, .seed = 1};
    const sf_jarzynski_options second = {.islands = 1, .bootstraps = 2, .seed = 2};
    sf_jarzynski_report a, b;

    (void)state;
    draw_pair(1.0, 0, 1000, 0);
    assert_ok(sf_jarzynski(forward, 1000, &first, &a));
    assert_ok(sf_jarzynski(forward, 1000, &second, &b));
    assert_true(a.bootstrap.error > 0.0 && b.bootstrap.error > 0.0);
    assert_true(a.bootstrap.error != b.bootstrap.error);
}

/* Of BAR too the spread of replicates is the error; 200 of them know it to 5 %. */
static void bar_bootstrap(void **state)
{
    sf_bootstrap one, four, other;
    sf_bar_report r;

    (void)state;
    quantile_pair(1.0, 600, 300);
    assert_ok(sf_bar(forward, 600, reverse, 300, &r));
    assert_ok(sf_thread_count_set(1));
    assert_ok(sf_bar_bootstrap(forward, 600, reverse, 300, 1000, 1, &one));
    assert_ok(sf_thread_count_set(4));
    assert_ok(sf_bar_bootstrap(forward, 600, reverse, 300, 1000, 1, &four));
    assert_ok(sf_thread_count_set(0));
    assert_memory_equal(&one, &four, sizeof one);
    assert_ok(sf_bar_bootstrap(forward, 600, reverse, 300, 1000, 2, &other));
    assert_true(one.error != other.error);
    assert_close(one.error / r.estimate.error, 1.0, 0.1); /* 4.5 of its errors */
    assert_close(one.bias / r.estimate.error, 0.0, 0.15);
    assert_close((one.high - one.low) / (2.0 * 1.96 * r.estimate.error), 1.0, 0.15);
    for (size_t i = 1; i < 600; i++) forward[i] = -INFINITY; /* e^-1 of the replicates have none */
    assert_ok(sf_bar_bootstrap(forward, 600, reverse, 300, 50, 1, &one));
    assert_true(one.low == -INFINITY);
    assert_status(SF_ERR_ARGUMENT, sf_bar_bootstrap(forward, 600, reverse, 300, 1, 1, &one));
    assert_true(isnan(one.error));
}

static double normal_share(double low, double high)
{
    return gsl_cdf_ugaussian_P(high) - gsl_cdf_ugaussian_P(low);
}

/* Of quantiles the counts are the law's, to one. */
static void histograms(void **state)
{
    const size_t n = 20000, m = 5000;
    sf_histogram h;

    (void)state;
    quantile_pair(1.0, n, m);
    forward[0] = NAN;
    assert_ok(sf_work_histogram(forward, n, reverse, m, 0, &h));
    assert_true(h.bins > 30 && h.bins < 256);
    for (size_t j = 0; j < h.bins; j++) {
        const double low = h.low + (double)j * h.width, high = low + h.width;
        const double p = (double)h.forward.count[j] / (double)n;

        assert_close(p * (double)n, (double)n * normal_share(low + MU, high + MU), 1.5);
        assert_close((double)h.reverse.count[j],
                     (double)m * normal_share(low + MU - 1.0, high + MU - 1.0), 1.5);
        assert_close(h.forward.density[j] * h.width, p, 1e-15);
        assert_close(h.forward.error[j] * h.width, sqrt(p * (1.0 - p) / (double)n), 1e-15);
    }
    sf_histogram_release(&h);
    assert_null(h.forward.count);
    for (size_t i = 0; i < 9; i++) forward[i] = 3.0;
    assert_ok(sf_work_histogram(forward, 9, NULL, 0, 3, &h));
    assert_int_equal(h.forward.count[1], 9);
    assert_null(h.reverse.count);
    assert_close(h.low, 1.5, 0.0);
    sf_histogram_release(&h);
    forward[0] = INFINITY;
    assert_status(SF_ERR_NUMERIC, sf_work_histogram(forward, 9, NULL, 0, 3, &h));
}

static void bad_input(void **state)
{
    const sf_jarzynski_options crowded = {.islands = 4}, single = {.islands = 1, .bootstraps = 1};
    const double w[5] = {0.0, 1.0, 0.5, 0.2, 0.1}, zeros[1] = {-INFINITY};
    sf_bar_report r;
    sf_jarzynski_report j;

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_bar(w, 0, w, 5, &r));
    assert_string_equal(sf_last_error(), "there are no forward log-weights");
    assert_status(SF_ERR_ARGUMENT, sf_bar(w, 5, w, 0, &r));
    assert_status(SF_ERR_NUMERIC, sf_bar(w, 5, zeros, 1, &r));
    assert_non_null(strstr(sf_last_error(), "reverse"));
    assert_status(SF_ERR_ARGUMENT, sf_jarzynski(w, 5, &crowded, &j));
    assert_status(SF_ERR_ARGUMENT, sf_jarzynski(w, 5, &single, &j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_pymbar),
        cmocka_unit_test(variances),
        cmocka_unit_test(bar_is_calibrated),
        cmocka_unit_test(jarzynski_is_calibrated),
        cmocka_unit_test(unbiased),
        cmocka_unit_test(crossing_of_another_slope),
        cmocka_unit_test(swapped_directions),
        cmocka_unit_test(zeros_count),
        cmocka_unit_test(doubts),
        cmocka_unit_test(no_overlap),
        cmocka_unit_test(same_bits_on_any_threads),
        cmocka_unit_test(bootstraps_differ),
        cmocka_unit_test(bar_bootstrap),
        cmocka_unit_test(histograms),
        cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, allocate, release);
}
