/* sample.h - means of samples against exact values. */
#ifndef SF_TESTS_MCMC_SAMPLE_H
#define SF_TESTS_MCMC_SAMPLE_H

#include "check.h"

/* (mean - exact) in standard errors of the mean. */
static inline double z_score(size_t count, const double *values, double exact)
{
    double mean = 0.0, square = 0.0;

    for (size_t i = 0; i < count; i++) mean += values[i] / (double)count;
    for (size_t i = 0; i < count; i++) square += (values[i] - mean) * (values[i] - mean);
    return (mean - exact) / sqrt(square / (double)count / (double)(count - 1));
}

/* Chance of a false alarm: 7e-6 for each of them. */
#define assert_mean(count, values, exact)                                   \
    do {                                                                    \
        const double z_ = z_score(count, values, exact);                    \
        if (!(fabs(z_) < 4.5)) print_error("%g standard errors off\n", z_); \
        assert_true(fabs(z_) < 4.5);                                        \
    } while (0)

/* Chains of a bridge, or without f0 of f1 alone. */
static inline sf_status create_chains(sf_density *f0, sf_density *f1, uint64_t seed,
                                      uint64_t stream, uint64_t first, size_t batch,
                                      sf_chains **chains)
{
    sf_path *path;
    sf_status status;

    assert_ok(f0 != NULL ? sf_path_geometric(f0, f1, &path) : sf_path_tempering(f1, 1.0, &path));
    status = sf_chains_create(path, seed, stream, first, batch, chains);
    sf_path_release(&path);
    return status;
}

/* integral of x^power exp(log_f(x, user)) over that of exp(log_f), by the trapezoidal rule. */
static inline double exact_moment(int power, double (*log_f)(double x, const void *user),
                                  const void *user)
{
    double sum = 0.0, norm = 0.0;

    for (double x = -10.0; x <= 10.0; x += 0.002) {
        norm += exp(log_f(x, user));
        sum += pow(x, power) * exp(log_f(x, user));
    }
    return sum / norm;
}

#endif
