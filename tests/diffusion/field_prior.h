/* field_prior.h - a Gaussian field as the prior of which everything is known: mode k of the noised
 * field has variance N (lambda_k + u^2). */
#ifndef SF_TESTS_FIELD_PRIOR_H
#define SF_TESTS_FIELD_PRIOR_H

#include "check.h"

#include <complex.h>

#include <scorefield/diffusion.h>

enum { ROWS = 4, COLUMNS = 4, CELLS = ROWS * COLUMNS, HALF = ROWS * (COLUMNS / 2 + 1) };

typedef struct field_prior {
    sf_grid grid;
    sf_prior *prior;
    sf_fft *fft;
    double lambda[HALF];
    double mean;
} field_prior;

static inline double field_power(double k, void *user)
{
    (void)user;
    return 2.0 / (0.3 + k * k);
}

static inline field_prior field_prior_make(double mean)
{
    const size_t shape[2] = {ROWS, COLUMNS};
    field_prior f = {.mean = mean};
    sf_spectrum *spectrum;

    assert_ok(sf_grid_make(2, shape, NULL, &f.grid));
    assert_ok(sf_spectrum_callback(field_power, NULL, &spectrum));
    assert_ok(sf_spectrum_eigenvalues(spectrum, &f.grid, f.lambda));
    assert_ok(sf_prior_gaussian(&f.grid, spectrum, mean, &f.prior));
    assert_ok(sf_fft_create(&f.grid, &f.fft));
    sf_spectrum_release(&spectrum);
    return f;
}

static inline void field_prior_free(field_prior *f)
{
    sf_prior_release(&f->prior);
    sf_fft_release(&f->fft);
}

/* x <- mean + F^-1[filter F(x - mean)] */
static inline void field_filter(const field_prior *f, const double *filter, double *x)
{
    sf_complex work[HALF];

    for (int i = 0; i < CELLS; i++) x[i] -= f->mean;
    assert_ok(sf_fft_filter(f->fft, filter, work, x));
    for (int i = 0; i < CELLS; i++) x[i] += f->mean;
}

/* The largest |z| of the measured variances, where `variance` is expected up to a share of `bias`:
 * of each mode, and of all together. */
static inline double field_worst(const field_prior *f, size_t samples, const double *x,
                                 const double *variance, double bias)
{
    double power[HALF] = {0.0}, worst = 0.0, all = 0.0, row[CELLS];
    sf_complex modes[HALF];

    for (size_t s = 0; s < samples; s++) {
        for (int i = 0; i < CELLS; i++) row[i] = x[s * CELLS + (size_t)i] - f->mean;
        assert_ok(sf_fft_forward(f->fft, row, modes));
        for (int k = 0; k < HALF; k++)
            power[k] +=
                (creal(modes[k]) * creal(modes[k]) + cimag(modes[k]) * cimag(modes[k])) / CELLS;
    }
    for (size_t k = 0; k < HALF; k++) {
        const double freedom = sf_grid_mode_is_real(&f->grid, k) ? 1.0 : 2.0;
        const double share = power[k] / (double)samples / variance[k] - 1.0;
        const double z = (fabs(share) - bias) * sqrt(0.5 * freedom * (double)samples);
        all += share * sf_grid_mode_weight(&f->grid, k) / CELLS;
        if (!(z <= worst)) worst = z;
    }
    return fmax(worst, (fabs(all) - bias) * sqrt(0.5 * CELLS * (double)samples));
}

#endif
