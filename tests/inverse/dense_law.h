/* dense_law.h - small observations of a Gaussian field with everything as matrices: what is exact
 * for blur, masks and maps of sigma alike. */
#ifndef SF_TESTS_DENSE_LAW_H
#define SF_TESTS_DENSE_LAW_H

#include "simulate.h"

#include "inverse/observation.h"

#include <lapacke.h>

#define FRAME_SIDE 6
#define MOST_SIDE  8 /* of the scene */
#define MOST_CELLS (MOST_SIDE * MOST_SIDE)

typedef double dense[MOST_CELLS][MOST_CELLS];

typedef struct dense_law {
    sf_observation *observation;
    sf_prior *prior;
    sf_spectrum *spectrum;
    sf_fft *fft;
    sf_grid scene;
    size_t cells;
    double mean;               /* the field's */
    double lambda[MOST_CELLS]; /* half spectrum */
    dense precision;           /* H^T W H / noise^2 */
    double pulled[MOST_CELLS]; /* H^T W y / noise^2 */
} dense_law;

static inline double dense_power(double k, void *user)
{
    (void)user;
    return 3.0 / (0.2 + k * k);
}

/* The precision from H applied to unit fields; H^T W y by the definition of H^T. */
static inline void dense_data(dense_law *l)
{
    const sf_observation *o = l->observation;
    const size_t n = l->cells;
    double *h = new_array(n * n), *unit = new_array(n);

    for (size_t j = 0; j < n; j++) {
        unit[j] = 1.0;
        assert_ok(sf_observation_blur(o, unit, h + j * n));
        unit[j] = 0.0;
    }
    for (size_t i = 0; i < n; i++) {
        l->pulled[i] = 0.0;
        for (size_t p = 0; p < n; p++)
            l->pulled[i] += h[i * n + p] * o->weight[p] * o->data[p] / (o->noise * o->noise);
        for (size_t j = 0; j < n; j++) {
            double sum = 0.0;
            for (size_t p = 0; p < n; p++) sum += h[i * n + p] * o->weight[p] * h[j * n + p];
            l->precision[i][j] = sum / (o->noise * o->noise);
        }
    }
    sf_free(h);
    sf_free(unit);
}

/* blur: a PSF of FWHM 2; masked: two bad pixels, a map of sigma, unknown borders. */
static inline dense_law *dense_law_make(bool blur, bool masked)
{
    enum { PIXELS = FRAME_SIDE * FRAME_SIDE };
    const size_t side = 3, shape[2] = {side, side};
    const double profile[9] = {1.0, 2.0, 1.0, 2.0, 6.0, 2.0, 1.0, 2.0, 1.0}, noise = 0.7;
    sf_observation_options how = {.periodic = !masked};
    double pixels[PIXELS], sigma[PIXELS], bad[PIXELS] = {0.0};
    sf_grid frame, box;
    sf_psf *psf = NULL;
    dense_law *l;

    assert_ok(sf_allocate(&l, 1, sizeof *l));
    assert_ok(sf_grid_image(FRAME_SIDE, FRAME_SIDE, &frame));
    assert_ok(sf_grid_make(2, shape, NULL, &box));
    if (blur) assert_ok(sf_psf_from_pixels(&box, profile, NULL, &psf));
    for (size_t i = 0; i < PIXELS; i++) pixels[i] = 2.0 + sin(1.7 * (double)i);
    for (size_t i = 0; i < PIXELS; i++) sigma[i] = noise * (1.0 + 0.5 * (double)(i % 3));
    bad[8] = bad[21] = 1.0;
    add_noise(5, PIXELS, noise, pixels);
    assert_ok(sf_observation_create(&frame, pixels, masked ? sigma : NULL, noise,
                                    masked ? bad : NULL, psf, &how, &l->observation));
    sf_psf_release(&psf);
    l->mean = 1.5;
    l->scene = *sf_observation_scene(l->observation);
    l->cells = sf_grid_size(&l->scene);
    assert_true(l->cells <= MOST_CELLS);
    assert_ok(sf_spectrum_callback(dense_power, NULL, &l->spectrum));
    assert_ok(sf_spectrum_eigenvalues(l->spectrum, &l->scene, l->lambda));
    assert_ok(sf_prior_gaussian(&l->scene, l->spectrum, l->mean, &l->prior));
    assert_ok(sf_fft_create(&l->scene, &l->fft));
    dense_data(l);
    return l;
}

static inline void dense_law_free(dense_law *l)
{
    sf_observation_release(&l->observation);
    sf_prior_release(&l->prior);
    sf_spectrum_release(&l->spectrum);
    sf_fft_release(&l->fft);
    sf_free(l);
}

/* a <- its inverse */
static inline void dense_invert(size_t n, dense a)
{
    double packed[MOST_CELLS * MOST_CELLS];

    for (size_t i = 0; i < n; i++) memcpy(packed + i * n, a[i], n * sizeof *packed);
    assert_int_equal(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', (lapack_int)n, packed, (lapack_int)n),
                     0);
    assert_int_equal(LAPACKE_dpotri(LAPACK_ROW_MAJOR, 'L', (lapack_int)n, packed, (lapack_int)n),
                     0);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) a[i][j] = packed[i > j ? i * n + j : j * n + i];
}

/* c <- a b, where c may be b. */
static inline void dense_product(size_t n, dense a, dense b, dense c)
{
    static dense ab;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            ab[i][j] = 0.0;
            for (size_t k = 0; k < n; k++) ab[i][j] += a[i][k] * b[k][j];
        }
    memcpy(c, ab, sizeof ab);
}

/* c <- a b a^T, where c may be b. */
static inline void dense_sandwich(size_t n, dense a, dense b, dense c)
{
    static dense turned;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) turned[j][i] = a[i][j];
    dense_product(n, b, turned, c);
    dense_product(n, a, c, c);
}

static inline void dense_apply(size_t n, dense a, const double *x, double *y)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = 0.0;
        for (size_t k = 0; k < n; k++) y[i] += a[i][k] * x[k];
    }
}

/* The matrix of a filter on the half spectrum. */
static inline void dense_filter(const dense_law *l, const double *filter, dense a)
{
    sf_complex work[MOST_CELLS];
    double unit[MOST_CELLS];

    for (size_t j = 0; j < l->cells; j++) {
        memset(unit, 0, sizeof unit);
        unit[j] = 1.0;
        assert_ok(sf_fft_filter(l->fft, filter, work, unit));
        for (size_t i = 0; i < l->cells; i++) a[i][j] = unit[i];
    }
}

/* The largest |z| of what samples of N(mean, covariance) show: the mean and the variance of every
 * cell, and the mean of (x - m)^T C^-1 (x - m), chi^2 with a degree a cell, which has the
 * correlations. 2 cells + 1 numbers. */
static inline double dense_worst(size_t n, const double *mean, dense covariance, size_t samples,
                                 const double *x)
{
    static dense inverse;
    const double root = sqrt((double)samples);
    double worst = 0.0, chi_squared = 0.0, turned[MOST_CELLS], apart[MOST_CELLS];
    double sum[MOST_CELLS] = {0.0}, square[MOST_CELLS] = {0.0};

    for (size_t i = 0; i < n; i++) memcpy(inverse[i], covariance[i], sizeof inverse[i]);
    dense_invert(n, inverse);
    for (size_t s = 0; s < samples; s++) {
        for (size_t i = 0; i < n; i++) apart[i] = x[s * n + i] - mean[i];
        dense_apply(n, inverse, apart, turned);
        for (size_t i = 0; i < n; i++) {
            sum[i] += apart[i];
            square[i] += apart[i] * apart[i];
            chi_squared += apart[i] * turned[i] / (double)samples;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const double variance = covariance[i][i];
        worst = fmax(worst, fabs(sum[i]) / sqrt(variance) / root);
        worst =
            fmax(worst, fabs(square[i] / (variance * (double)samples) - 1.0) * root / sqrt(2.0));
    }
    return fmax(worst, fabs(chi_squared - (double)n) * root / sqrt(2.0 * (double)n));
}

#endif
