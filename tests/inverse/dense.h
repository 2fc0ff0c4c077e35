/* dense.h - small observations of a Gaussian field with every matrix written out, so that what the
 * library finds by transforms and conjugate gradients can be had from LAPACK. */
#ifndef SF_TEST_DENSE_H
#define SF_TEST_DENSE_H

#include "simulate.h"

#include <lapacke.h>

#define DENSE_PI 3.14159265358979323846

/* y = H x_0 + n, x_0 ~ N(mean, prior), n ~ N(0, noise2) */
typedef struct dense {
    const char *name;
    size_t cells, pixels; /* pixels: the observed ones */
    double mean;
    double *prior, *h, *noise2, *y; /* cells x cells; pixels x cells; pixels; pixels */
    double *truth;                  /* what was observed */
    sf_observation *observation;
    sf_spectrum *spectrum;
    sf_prior *field;
} dense;

static inline double dense_power(double k, void *user)
{
    (void)user;
    return 1.5 / (0.1 + k * k);
}

/* c (rows x columns) = a (rows x inner) b, or a b^T */
static inline void dense_product(size_t rows, size_t inner, size_t columns, const double *a,
                                 const double *b, bool transposed, double *c)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            double sum = 0.0;
            for (size_t k = 0; k < inner; k++)
                sum += a[i * inner + k] * (transposed ? b[j * inner + k] : b[k * columns + j]);
            c[i * columns + j] = sum;
        }
}

/* x (n x columns) = a^-1 x, a symmetric and positive, kept */
static inline void dense_solve(size_t n, const double *a, size_t columns, double *x)
{
    double *copy = new_array(n * n);

    memcpy(copy, a, n * n * sizeof *copy);
    assert_int_equal(LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', (lapack_int)n, (lapack_int)columns, copy,
                                   (lapack_int)n, x, (lapack_int)columns),
                     0);
    sf_free(copy);
}

/* Covariance of the field between cell 0 and every other one: (1/N) sum lambda_k cos(k.r). */
static inline double dense_correlation(const sf_spectrum *spectrum, const sf_grid *scene,
                                       size_t cell)
{
    const long rows = (long)scene->shape[0], columns = (long)scene->shape[1];
    const long dy = (long)cell / columns, dx = (long)cell % columns;
    double sum = 0.0;

    for (long a = 0; a < rows; a++)
        for (long b = 0; b < columns; b++) {
            const double ky = 2.0 * DENSE_PI * (double)(2 * a > rows ? a - rows : a) / (double)rows;
            const double kx =
                2.0 * DENSE_PI * (double)(2 * b > columns ? b - columns : b) / (double)columns;
            double p;
            assert_ok(sf_spectrum_power(spectrum,
                                        hypot(kx / scene->spacing[1], ky / scene->spacing[0]), &p));
            sum += p * cos(ky * (double)dy + kx * (double)dx);
        }
    return sum / sf_grid_volume(scene);
}

static inline void dense_prior(dense *d, const sf_grid *scene)
{
    const size_t rows = scene->shape[0], columns = scene->shape[1];
    double *first = new_array(d->cells);

    for (size_t i = 0; i < d->cells; i++) first[i] = dense_correlation(d->spectrum, scene, i);
    for (size_t i = 0; i < d->cells; i++)
        for (size_t j = 0; j < d->cells; j++) {
            const size_t y = (i / columns + rows - j / columns) % rows;
            const size_t x = (i % columns + columns - j % columns) % columns;
            d->prior[i * d->cells + j] = first[y * columns + x];
        }
    sf_free(first);
}

/* The frame's model of every unit vector, on the pixels that are observed. */
static inline void dense_model(dense *d, const double *sigma, const double *mask, size_t frame)
{
    double *unit = new_array(d->cells), *seen = new_array(frame);

    for (size_t j = 0; j < d->cells; j++) {
        size_t row = 0;
        unit[j] = 1.0;
        assert_ok(sf_observation_predict(d->observation, unit, seen));
        unit[j] = 0.0;
        for (size_t p = 0; p < frame; p++)
            if (mask[p] == 0.0) d->h[row++ * d->cells + j] = seen[p];
        d->pixels = row;
    }
    for (size_t p = 0, row = 0; p < frame; p++)
        if (mask[p] == 0.0) d->noise2[row++] = sigma[p] * sigma[p];
    sf_free(unit);
    sf_free(seen);
}

/* truth ~ N(mean, prior) and y, and the observation of that. */
static inline void dense_observe(dense *d, const sf_grid *frame, const double *sigma,
                                 const double *mask, const sf_psf *psf,
                                 const sf_observation_options *options)
{
    const size_t count = sf_grid_size(frame);
    const size_t buffer = sf_fft_buffer_size(sf_observation_scene(d->observation));
    sf_field_draw_options draw = sf_field_draw_options_default();
    double *pixels = new_array(count), *noise = new_array(count), *truth = new_array(buffer);
    sf_field *field;

    draw.seed = 8;
    assert_ok(sf_field_create(sf_observation_scene(d->observation), d->spectrum, d->mean, &field));
    assert_ok(sf_field_draw(field, &draw, truth));
    memcpy(d->truth, truth, d->cells * sizeof *truth);
    assert_ok(sf_observation_predict(d->observation, truth, pixels));
    add_noise(9, count, 1.0, noise);
    for (size_t p = 0, row = 0; p < count; p++) {
        pixels[p] += sigma[p] * noise[p];
        if (mask[p] == 0.0) d->y[row++] = pixels[p];
    }
    sf_observation_release(&d->observation);
    assert_ok(
        sf_observation_create(frame, pixels, sigma, 0.0, mask, psf, options, &d->observation));
    sf_field_release(&field);
    sf_free(pixels);
    sf_free(noise);
    sf_free(truth);
}

/* The observation of a field of frame's shape; arrays sigma and mask are on the frame. */
static inline dense dense_make(const char *name, const sf_grid *frame, const double *sigma,
                               const double *mask, const sf_psf *psf,
                               const sf_observation_options *options, double mean)
{
    const size_t count = sf_grid_size(frame);
    double *zero = new_array(count);
    dense d = {.name = name, .mean = mean};
    const sf_grid *scene;

    assert_ok(sf_spectrum_callback(dense_power, NULL, &d.spectrum));
    assert_ok(sf_observation_create(frame, zero, sigma, 0.0, mask, psf, options, &d.observation));
    scene = sf_observation_scene(d.observation);
    d.cells = sf_grid_size(scene);
    d.prior = new_array(d.cells * d.cells);
    d.h = new_array(count * d.cells);
    d.noise2 = new_array(count);
    d.y = new_array(count);
    d.truth = new_array(d.cells);
    dense_prior(&d, scene);
    dense_model(&d, sigma, mask, count);
    dense_observe(&d, frame, sigma, mask, psf, options);
    assert_ok(sf_prior_gaussian(sf_observation_scene(d.observation), d.spectrum, mean, &d.field));
    sf_free(zero);
    return d;
}

static inline void dense_free(dense *d)
{
    sf_prior_release(&d->field);
    sf_observation_release(&d->observation);
    sf_spectrum_release(&d->spectrum);
    sf_free(d->prior);
    sf_free(d->h);
    sf_free(d->noise2);
    sf_free(d->y);
    sf_free(d->truth);
}

/* Given x = x_0 + u n: the mean (cells), and the covariance C (cells x cells), of x_0. */
static inline void dense_given_noisy(const dense *d, const double *x, double u, double *mean,
                                     double *covariance)
{
    const size_t n = d->cells;
    double *noisy = new_array(n * n), *gain = new_array(n * n), *away = new_array(n);

    memcpy(noisy, d->prior, n * n * sizeof *noisy);
    for (size_t i = 0; i < n; i++) noisy[i * n + i] += u * u;
    memcpy(gain, d->prior, n * n * sizeof *gain);
    dense_solve(n, noisy, n, gain); /* (P + u^2)^-1 P; times u^2: C */
    for (size_t i = 0; i < n * n; i++) covariance[i] = u * u * gain[i];
    for (size_t i = 0; i < n; i++) away[i] = x[i] - d->mean;
    dense_product(1, n, n, away, gain, false, mean); /* P and (P + u^2)^-1 commute */
    for (size_t i = 0; i < n; i++) mean[i] += d->mean;
    sf_free(noisy);
    sf_free(gain);
    sf_free(away);
}

/* out += G H^T (S + extra + H C H^T)^-1 (y - H centre); C or G NULL: 0, 1. */
static inline void dense_update(const dense *d, const double *centre, const double *c, double extra,
                                const double *g, double factor, double *out)
{
    const size_t n = d->cells, m = d->pixels;
    double *v = new_array(m * m), *hc = new_array(m * n), *r = new_array(m), *back = new_array(n);

    if (c != NULL) {
        dense_product(m, n, n, d->h, c, false, hc);
        dense_product(m, n, m, hc, d->h, true, v);
    }
    for (size_t i = 0; i < m; i++) v[i * m + i] += d->noise2[i] + extra;
    dense_product(m, n, 1, d->h, centre, false, r);
    for (size_t i = 0; i < m; i++) r[i] = d->y[i] - r[i];
    dense_solve(m, v, 1, r);
    dense_product(1, m, n, r, d->h, false, back);
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (size_t j = 0; g != NULL && j < n; j++) sum += g[i * n + j] * back[j];
        out[i] += factor * (g != NULL ? sum : back[i]);
    }
    sf_free(v);
    sf_free(hc);
    sf_free(r);
    sf_free(back);
}

/* c <- c - c H^T (S + H c H^T)^-1 H c: the covariance once y is known, too. */
static inline void dense_learn(const dense *d, double *c)
{
    const size_t n = d->cells, m = d->pixels;
    double *v = new_array(m * m), *hc = new_array(m * n), *solved = new_array(m * n);

    dense_product(m, n, n, d->h, c, false, hc);
    dense_product(m, n, m, hc, d->h, true, v);
    for (size_t i = 0; i < m; i++) v[i * m + i] += d->noise2[i];
    memcpy(solved, hc, m * n * sizeof *hc);
    dense_solve(m, v, n, solved);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t k = 0; k < m; k++) c[i * n + j] -= hc[k * n + i] * solved[k * n + j];
    sf_free(v);
    sf_free(hc);
    sf_free(solved);
}

/* ---- the observations that the tests go through ---------------------------------------------- */

static inline sf_psf *dense_psf(void)
{
    static const double core[9] = {0.02, 0.1, 0.05, 0.1, 0.4, 0.15, 0.03, 0.1, 0.05};
    sf_psf_options options = sf_psf_options_default();
    sf_grid grid;
    sf_psf *psf;

    options.centre = SF_PSF_DECLARED;
    assert_ok(sf_grid_image(3, 3, &grid));
    assert_ok(sf_psf_from_pixels(&grid, core, &options, &psf));
    return psf;
}

enum {
    DENSE_BLUR,
    DENSE_MASK,
    DENSE_BLUR_AND_MASK,
    DENSE_HETEROSCEDASTIC,
    DENSE_FINER,
    DENSE_PROBLEMS
};

/* One of them with rows x columns cells, or a few more where there is a margin. */
static inline dense dense_problem(int which, size_t rows, size_t columns)
{
    static const char *const names[] = {"blur", "mask", "blur and mask", "heteroscedastic",
                                        "downsampling"};
    sf_observation_options options = sf_observation_options_default();
    double *sigma = new_array(rows * columns), *mask = new_array(rows * columns);
    sf_psf *psf = which != DENSE_MASK ? dense_psf() : NULL;
    sf_grid frame;
    dense d;

    options.periodic = which != DENSE_BLUR_AND_MASK;
    options.upsample = which == DENSE_FINER ? 2 : 1;
    if (which == DENSE_FINER) { /* as many cells */
        rows /= 2;
        columns /= 2;
    }
    for (size_t i = 0; i < rows * columns; i++) {
        sigma[i] = which == DENSE_HETEROSCEDASTIC ? 0.1 + 0.1 * (double)(i % 7) : 0.2;
        mask[i] = (which == DENSE_MASK || which == DENSE_BLUR_AND_MASK) && i % 5 == 2 ? 1.0 : 0.0;
    }
    assert_ok(sf_grid_image(rows, columns, &frame));
    d = dense_make(names[which], &frame, sigma, mask, psf, &options, 0.7);
    sf_psf_release(&psf);
    sf_free(sigma);
    sf_free(mask);
    return d;
}

#endif
