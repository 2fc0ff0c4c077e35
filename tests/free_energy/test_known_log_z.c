/* test_known_log_z.c - annealing against log Z from quadratures, transfer matrices and closed
 * forms: the quick rows of the table that the benchmark goes through. False alarms: 4 standard
 * errors, 6e-5 a comparison, though the seeds are fixed. */
#include "free_energy/reference.h"

#include "check.h"

#include <string.h>

#define LIMIT 4.0

static const char *const quick[] = {
    "phi4:shape=4x4,mass2=-4,lambda=8",
    "phi4:shape=4x8,mass2=-4,lambda=5.113",
    "phi4:shape=4x4,mass2=-0.176,lambda=0.352",
    "phi4:shape=2,mass2=-1,lambda=1",
    "phi4:shape=16,mass2=-4,lambda=4",
    "free-scalar:shape=64,mass2=0.1",
    "xy:shape=16,beta=1",
    "many-well:dim=8",
    "quartic:dim=1,a=-2,b=0.5",
    "gmm3:dim=2",
};

static const reference *find(const char *target)
{
    for (size_t i = 0; i < reference_count; i++)
        if (strcmp(references[i].target, target) == 0) return &references[i];
    fail_msg("%s is not in the table", target);
    return NULL;
}

static void log_z_is_what_it_is_known_to_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof quick / sizeof *quick; i++) {
        const reference *row = find(quick[i]);
        sf_anneal_report r;
        reference_case c;
        double z;

        assert_ok(reference_open(row, NULL, &c));
        assert_ok(reference_measure(&c, row->chains, 7, &r));
        z = (r.estimate.value - row->log_z) / hypot(r.estimate.error, row->uncertainty);
        if (!(fabs(z) < LIMIT)) print_error("%s: %.2f errors off\n", row->target, z);
        assert_true(fabs(z) < LIMIT);
        assert_true(r.estimate.reliable);
        assert_true(r.estimate.error < 0.1);
        assert_true(r.lower_bound < row->log_z + LIMIT * r.lower_error);
        assert_true(r.upper_bound > row->log_z - LIMIT * r.upper_error);
        reference_close(&c);
    }
}

/* P(x > 0) of a double well of the many, by quadrature; all wells of a chain make one value. */
static void modes_have_their_weights(void **state)
{
    enum { DIMENSION = 8, CHAINS = 1000 };
    sf_anneal_options options = sf_anneal_options_default();
    double value[CHAINS], mean, error;
    sf_anneal_run *run;
    reference_case c;

    (void)state;
    assert_ok(reference_open(find("many-well:dim=8"), NULL, &c));
    options.kernel = c.kernel;
    options.chains = CHAINS;
    options.seed = 3;
    options.keep_samples = true;
    assert_ok(sf_anneal(c.path, &c.schedule, &options, &run));
    for (size_t i = 0; i < CHAINS; i++) {
        const double *x = sf_anneal_run_samples(run) + i * DIMENSION;

        value[i] = 0.0;
        for (size_t k = 0; k < DIMENSION; k += 2) value[i] += x[k] > 0.0 ? 2.0 / DIMENSION : 0.0;
    }
    assert_ok(sf_anneal_expectation(run, value, &mean, &error));
    assert_true(error < 0.02);
    assert_close(mean, 0.844307096842, LIMIT * error);
    sf_anneal_run_release(&run);
    reference_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_z_is_what_it_is_known_to_be),
        cmocka_unit_test(modes_have_their_weights),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
