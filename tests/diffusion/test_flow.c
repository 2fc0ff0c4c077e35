/* test_flow.c - codes, images of codes and densities by the probability flow, against what they are
 * for a Gaussian field: each mode is multiplied, and log p is the field's own. */
#include "field_prior.h"

#include <math.h>

static sf_flow_options options_for(const field_prior *f, double *mean)
{
    sf_flow_options o = sf_flow_options_default();

    for (int i = 0; i < CELLS; i++) mean[i] = f->mean;
    o.low = 0.05;
    o.high = 1000.0; /* far above the field: N(mean, high^2) is the field there to 1e-5 */
    o.tolerance = 1e-9;
    o.mean = mean;
    return o;
}

static void field_at(const field_prior *f, double level, uint64_t number, double *x)
{
    double filter[HALF];

    for (size_t k = 0; k < HALF; k++) filter[k] = sqrt(f->lambda[k] + level * level);
    sf_random_normal(sf_random_make(8, 8), number, 0, CELLS, x);
    for (int i = 0; i < CELLS; i++) x[i] += f->mean;
    field_filter(f, filter, x);
}

static void codes_are_the_whitened_field(void **state)
{
    field_prior f = field_prior_make(1.2);
    double mean[CELLS], x[2 * CELLS], code[2 * CELLS], back[2 * CELLS], filter[HALF];
    sf_flow_options o = options_for(&f, mean);

    (void)state;
    for (size_t k = 0; k < HALF; k++)
        filter[k] = sqrt((f.lambda[k] + o.high * o.high) / (f.lambda[k] + o.low * o.low) /
                         (o.high * o.high + o.variance));
    for (uint64_t b = 0; b < 2; b++) field_at(&f, o.low, b, x + b * CELLS);
    assert_ok(sf_flow_encode(f.prior, &o, 2, x, code));
    assert_ok(sf_flow_decode(f.prior, &o, 2, code, back));
    for (int i = 0; i < 2 * CELLS; i++) assert_close(back[i], x[i], 1e-6);
    for (size_t b = 0; b < 2; b++) {
        field_filter(&f, filter, x + b * CELLS);
        for (size_t i = b * CELLS; i < (b + 1) * CELLS; i++)
            assert_close(code[i], x[i] - f.mean, 1e-7);
    }
    field_prior_free(&f);
}

static void likelihood_is_the_fields_own(void **state)
{
    field_prior f = field_prior_make(1.2);
    double mean[CELLS], x[3 * CELLS], flow[3], error[3], energy[3];
    sf_flow_options o = options_for(&f, mean);

    (void)state;
    for (uint64_t b = 0; b < 3; b++) field_at(&f, o.low, 5 + b, x + b * CELLS);
    assert_ok(sf_prior_energy(f.prior, 3, x, o.low, energy));
    assert_ok(sf_flow_log_likelihood(f.prior, &o, 3, x, flow, error));
    for (int b = 0; b < 3; b++) {
        assert_close(flow[b], -energy[b], 1e-4);
        assert_true(error[b] == 0.0);
    }
    field_prior_free(&f);
}

/* With `high` among the field's own levels what the flow says differs from log p by what N differs
 * there. */
static void likelihood_ends_in_the_normal_density(void **state)
{
    field_prior f = field_prior_make(1.2);
    double mean[CELLS], x[CELLS], code[CELLS], flow, low, high, normal, deviation;
    sf_flow_options o = options_for(&f, mean);

    (void)state;
    o.high = 2.0;
    o.variance = 1.7;
    deviation = sqrt(o.high * o.high + o.variance);
    field_at(&f, o.low, 3, x);
    assert_ok(sf_flow_log_likelihood(f.prior, &o, 1, x, &flow, NULL));
    assert_ok(sf_prior_energy(f.prior, 1, x, o.low, &low));
    assert_ok(sf_flow_encode(f.prior, &o, 1, x, code));
    normal = -0.5 * CELLS * log(2.0 * M_PI * deviation * deviation);
    for (int i = 0; i < CELLS; i++) {
        normal -= 0.5 * code[i] * code[i];
        x[i] = f.mean + deviation * code[i];
    }
    assert_ok(sf_prior_energy(f.prior, 1, x, o.high, &high));
    assert_close(flow, -low + high + normal, 1e-5);
    field_prior_free(&f);
}

/* 40 fields, each with probes of its own: (estimate - truth)/error has mean 0 and variance near 1
 * (Student's t of 15 degrees of freedom: 15/13). Both within 4 of their own standard errors. */
static void hutchinsons_error_is_the_spread(void **state)
{
    enum { FIELDS = 40 };
    field_prior f = field_prior_make(0.0);
    double mean[CELLS], x[FIELDS * CELLS], flow[FIELDS], error[FIELDS], energy[FIELDS];
    double sum = 0.0, square = 0.0;
    sf_flow_options o = options_for(&f, mean);

    (void)state;
    o.tolerance = 1e-6;
    o.probes = 16;
    for (uint64_t b = 0; b < FIELDS; b++) field_at(&f, o.low, b, x + b * CELLS);
    assert_ok(sf_prior_energy(f.prior, FIELDS, x, o.low, energy));
    assert_ok(sf_flow_log_likelihood(f.prior, &o, FIELDS, x, flow, error));
    for (int b = 0; b < FIELDS; b++) {
        const double z = (flow[b] + energy[b]) / error[b];
        assert_true(error[b] > 0.01 && error[b] < 10.0);
        sum += z;
        square += z * z;
    }
    assert_close(sum / sqrt(FIELDS * 15.0 / 13.0), 0.0, 4.0);
    assert_close(square / FIELDS, 15.0 / 13.0, 4.0 * sqrt(2.6 / FIELDS));
    o.probes = 1;
    assert_ok(sf_flow_log_likelihood(f.prior, &o, 1, x, flow, error));
    assert_true(isnan(error[0]));
    field_prior_free(&f);
}

static void fields_have_their_own_probes(void **state)
{
    field_prior f = field_prior_make(0.0);
    double mean[CELLS], x[3 * CELLS], all[3], one;
    sf_flow_options o = options_for(&f, mean);

    (void)state;
    o.probes = 2;
    o.tolerance = 1e-4;
    for (uint64_t b = 0; b < 3; b++) field_at(&f, o.low, b, x + b * CELLS);
    assert_ok(sf_flow_log_likelihood(f.prior, &o, 3, x, all, NULL));
    o.first = 2;
    assert_ok(sf_flow_log_likelihood(f.prior, &o, 1, x + 2 * CELLS, &one, NULL));
    assert_true(one == all[2]);
    field_prior_free(&f);
}

static bool stop(const sf_monitor_event *event, void *user)
{
    (void)user;
    return event->iteration < 2;
}

static void bad_flows_are_named(void **state)
{
    field_prior f = field_prior_make(0.0);
    double mean[CELLS], x[3 * CELLS] = {0.0}, y[3 * CELLS];
    sf_flow_options o = options_for(&f, mean), good = o;

    (void)state;
    o.low = 0.0;
    assert_status(SF_ERR_ARGUMENT, sf_flow_encode(f.prior, &o, 1, x, y));
    o = good;
    o.high = o.low;
    assert_status(SF_ERR_ARGUMENT, sf_flow_decode(f.prior, &o, 1, x, y));
    o = good;
    o.tolerance = 0.0;
    assert_status(SF_ERR_ARGUMENT, sf_flow_encode(f.prior, &o, 1, x, y));
    o = good;
    o.variance = -1.0;
    assert_status(SF_ERR_ARGUMENT, sf_flow_log_likelihood(f.prior, &o, 1, x, y, NULL));
    o = good;
    mean[3] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_flow_encode(f.prior, &o, 1, x, y));
    mean[3] = 0.0;
    x[1] = INFINITY;
    assert_status(SF_ERR_NUMERIC, sf_flow_encode(f.prior, &o, 1, x, y));
    x[1] = 0.0;
    o.monitor.function = stop;
    assert_status(SF_ERR_INTERRUPTED, sf_flow_encode(f.prior, &o, 3, x, y));
    field_prior_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_the_whitened_field),
        cmocka_unit_test(likelihood_is_the_fields_own),
        cmocka_unit_test(likelihood_ends_in_the_normal_density),
        cmocka_unit_test(hutchinsons_error_is_the_spread),
        cmocka_unit_test(fields_have_their_own_probes),
        cmocka_unit_test(bad_flows_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
