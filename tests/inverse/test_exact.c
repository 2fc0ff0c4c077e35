/* test_exact.c - solvers against closed forms and dense linear algebra: for a Gaussian field the
 * fixed points of ADMM and half-quadratic splitting are known. */
#include "simulate.h"

#include <lapacke.h>

#define PI 3.14159265358979323846

static double power(double k, void *amplitude)
{
    return *(const double *)amplitude / (0.05 + k * k);
}

static sf_spectrum *make_spectrum(double *amplitude) /* which must outlive it */
{
    sf_spectrum *spectrum;

    assert_ok(sf_spectrum_callback(power, amplitude, &spectrum));
    return spectrum;
}

/* ---- a periodic frame at one noise level --------------------------------------------------- */

#define ROWS    24
#define COLUMNS 30
#define CELLS   (ROWS * COLUMNS)

typedef struct periodic {
    sf_grid grid;
    sf_psf *psf;
    sf_spectrum *spectrum;
    sf_observation *observation;
    sf_prior *prior;
    double amplitude, noise, pixels[CELLS], solution[CELLS];
} periodic;

/* F^-1 [conj(H) l Y / (|H|^2 l + noise^2)], l = lambda + extra; then times lambda/(lambda + extra).
 */
static void closed_form(periodic *p, double extra, double *solution)
{
    const size_t half = sf_grid_half_size(&p->grid);
    sf_complex *h, *y;
    double *lambda;
    sf_fft *fft;

    assert_ok(sf_fft_create(&p->grid, &fft));
    assert_ok(sf_allocate(&h, half, sizeof *h));
    assert_ok(sf_allocate(&y, half, sizeof *y));
    assert_ok(sf_allocate(&lambda, half, sizeof *lambda));
    assert_ok(sf_transfer_function(&p->grid, sf_psf_grid(p->psf), sf_psf_pixels(p->psf), h));
    assert_ok(sf_spectrum_eigenvalues(p->spectrum, &p->grid, lambda));
    assert_ok(sf_fft_forward(fft, p->pixels, y));
    for (size_t k = 0; k < half; k++) {
        const double l = lambda[k] + extra, h2 = creal(h[k] * conj(h[k]));
        y[k] *= conj(h[k]) * l / (h2 * l + p->noise * p->noise);
        y[k] *= lambda[k] / l;
    }
    assert_ok(sf_fft_inverse(fft, y, solution));
    sf_free(h);
    sf_free(y);
    sf_free(lambda);
    sf_fft_release(&fft);
}

/* scale: the unit of flux; nothing may depend on it. */
static void periodic_create(double scale, periodic *p)
{
    sf_observation_options options = sf_observation_options_default();

    memset(p, 0, sizeof *p);
    p->amplitude = 2.0 * scale * scale;
    p->noise = 0.3 * scale;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &p->grid));
    assert_ok(sf_psf_gaussian(2.5, &p->psf));
    p->spectrum = make_spectrum(&p->amplitude);
    blobs(ROWS, COLUMNS, 5.0 * scale, p->pixels);
    add_noise(3, CELLS, p->noise, p->pixels);
    options.periodic = true;
    assert_ok(sf_observation_create(&p->grid, p->pixels, NULL, p->noise, NULL, p->psf, &options,
                                    &p->observation));
    assert_ok(sf_prior_gaussian(&p->grid, p->spectrum, 0.0, &p->prior));
    closed_form(p, 0.0, p->solution);
}

static void periodic_destroy(periodic *p)
{
    sf_prior_release(&p->prior);
    sf_observation_release(&p->observation);
    sf_spectrum_release(&p->spectrum);
    sf_psf_release(&p->psf);
}

static sf_pnp_options to_convergence(double penalty)
{
    sf_pnp_options options = sf_pnp_options_default();

    options.penalty = penalty;
    options.multiplier = true;
    options.conserve_flux = false;
    options.find_excess = false;
    options.iterations = 200000;
    options.tolerance = 1e-13;
    return options;
}

/* Whatever the unit, and whatever the penalty to begin with, over a factor of 1e4. Balanced, it
 * takes 45 to 47 steps to rounding; left alone, these penalties take 1499, 165, 43, 192 and 1810.
 */
static void test_admm_reaches_wiener(void **state)
{
    static const double scales[] = {1.0, 1e-11, 1e9};
    double scene[CELLS];
    sf_solver_report report;
    periodic p;

    (void)state;
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        periodic_create(scales[i], &p);
        for (double penalty = 0.001; penalty < 11.0; penalty *= 10.0) {
            const sf_pnp_options options = to_convergence(penalty);
            assert_ok(sf_pnp(p.observation, p.prior, &options, scene, &report));
            assert_true(report.stop == SF_STOP_CONVERGED);
            assert_true(report.iterations <= 60);
            assert_close(relative_distance(scene, p.solution, CELLS), 0.0, 1e-10);
        }
        periodic_destroy(&p);
    }
}

static void test_wiener_is_the_closed_form(void **state)
{
    sf_wiener_options options = sf_wiener_options_default();
    double scene[CELLS];
    periodic p;

    (void)state;
    periodic_create(1.0, &p);
    options.spectrum = p.spectrum;
    assert_ok(sf_wiener(p.observation, &options, scene, NULL));
    assert_close(relative_distance(scene, p.solution, CELLS), 0.0, 1e-13);
    periodic_destroy(&p);
}

/* A mean that is not zero: the solution moves with the data. */
static void test_mean_of_the_prior(void **state)
{
    const double mean = 7.0;
    const sf_pnp_options options = to_convergence(0.3);
    double scene[CELLS];
    sf_observation_options periodic_frame = sf_observation_options_default();
    sf_observation *shifted;
    sf_prior *prior;
    periodic p;

    (void)state;
    periodic_create(1.0, &p);
    periodic_frame.periodic = true;
    for (size_t i = 0; i < CELLS; i++) p.pixels[i] += mean;
    assert_ok(sf_observation_create(&p.grid, p.pixels, NULL, p.noise, NULL, p.psf, &periodic_frame,
                                    &shifted));
    assert_ok(sf_prior_gaussian(&p.grid, p.spectrum, mean, &prior));
    assert_ok(sf_pnp(shifted, prior, &options, scene, NULL));
    for (size_t i = 0; i < CELLS; i++) scene[i] -= mean;
    assert_close(relative_distance(scene, p.solution, CELLS), 0.0, 1e-10);
    sf_prior_release(&prior);
    sf_observation_release(&shifted);
    periodic_destroy(&p);
}

/* ---- a frame with borders, bad pixels and a sigma map, against dense algebra ---------------- */

#define FRAME_ROWS    7
#define FRAME_COLUMNS 9
#define FRAME         (FRAME_ROWS * FRAME_COLUMNS)
#define MOST          256 /* cells of the scene */

typedef struct masked {
    sf_grid frame;
    sf_psf *psf;
    sf_spectrum *spectrum;
    sf_observation *observation;
    sf_prior *prior;
    size_t cells;
    double amplitude, pixels[FRAME], sigma[FRAME], mask[FRAME], mean[MOST];
} masked;

/* Covariance of two cells of the scene: (1/N) sum lambda_k cos(k.r). */
static double covariance(const masked *m, const sf_grid *scene, size_t i, size_t j)
{
    const long rows = (long)scene->shape[0], columns = (long)scene->shape[1];
    const long dy = (long)i / columns - (long)j / columns,
               dx = (long)i % columns - (long)j % columns;
    double sum = 0.0;

    for (long a = 0; a < rows; a++)
        for (long b = 0; b < columns; b++) {
            const double ky = 2.0 * PI * (double)(2 * a > rows ? a - rows : a) / (double)rows;
            const double kx =
                2.0 * PI * (double)(2 * b > columns ? b - columns : b) / (double)columns;
            double p;
            assert_ok(sf_spectrum_power(m->spectrum, sqrt(kx * kx + ky * ky), &p));
            sum += p * cos(ky * (double)dy + kx * (double)dx);
        }
    return sum / (double)(rows * columns);
}

/* out = A b row by row: blur of each column of C, by the definition of convolution. */
static double blur_at(const masked *m, const sf_grid *scene, const double *field, size_t cell)
{
    const sf_grid *kernel = sf_psf_grid(m->psf);
    const long rows = (long)scene->shape[0], columns = (long)scene->shape[1];
    const long ry = (long)kernel->shape[0] / 2, rx = (long)kernel->shape[1] / 2;
    const long y = (long)cell / columns, x = (long)cell % columns;
    double sum = 0.0;

    for (long a = -ry; a <= ry; a++)
        for (long b = -rx; b <= rx; b++)
            sum += sf_psf_pixels(m->psf)[(a + ry) * (long)kernel->shape[1] + b + rx] *
                   field[(y - a + rows) % rows * columns + (x - b + columns) % columns];
    return sum;
}

/* C H^T (H C H^T + Sigma)^-1 y over the observed pixels. */
static void dense_posterior_mean(masked *m)
{
    const sf_grid *scene = sf_observation_scene(m->observation);
    double *index = new_array(MOST), *where = new_array(FRAME);
    double *c = new_array(MOST * MOST), *hc = new_array(FRAME * MOST),
           *s = new_array(FRAME * FRAME);
    double *y = new_array(FRAME), *row = new_array(MOST);
    size_t seen[FRAME], count = 0;

    for (size_t i = 0; i < m->cells; i++) index[i] = (double)i;
    assert_ok(sf_observation_crop(m->observation, index, where));
    for (size_t i = 0; i < FRAME; i++)
        if (!isnan(m->pixels[i]) && m->sigma[i] > 0.0 && m->mask[i] == 0.0) seen[count++] = i;
    for (size_t i = 0; i < m->cells; i++)
        for (size_t j = 0; j < m->cells; j++) c[i * m->cells + j] = covariance(m, scene, i, j);
    for (size_t a = 0; a < count; a++) /* C is symmetric: its columns are its rows */
        for (size_t j = 0; j < m->cells; j++)
            hc[a * m->cells + j] = blur_at(m, scene, c + j * m->cells, (size_t)where[seen[a]]);
    for (size_t a = 0; a < count; a++) {
        for (size_t b = 0; b < count; b++)
            s[a * count + b] = blur_at(m, scene, hc + a * m->cells, (size_t)where[seen[b]]);
        s[a * count + a] += m->sigma[seen[a]] * m->sigma[seen[a]];
        y[a] = m->pixels[seen[a]];
    }
    assert_int_equal(
        LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', (lapack_int)count, 1, s, (lapack_int)count, y, 1), 0);
    memset(m->mean, 0, sizeof m->mean);
    for (size_t a = 0; a < count; a++)
        for (size_t j = 0; j < m->cells; j++) m->mean[j] += hc[a * m->cells + j] * y[a];
    sf_free(index);
    sf_free(where);
    sf_free(c);
    sf_free(hc);
    sf_free(s);
    sf_free(y);
    sf_free(row);
}

static sf_psf *declared_psf(size_t size, const double *pixels)
{
    sf_psf_options options = sf_psf_options_default();
    sf_grid grid;
    sf_psf *psf;

    options.centre = SF_PSF_DECLARED;
    assert_ok(sf_grid_image(size, size, &grid));
    assert_ok(sf_psf_from_pixels(&grid, pixels, &options, &psf));
    return psf;
}

static void masked_create(masked *m)
{
    static const double core[9] = {0.02, 0.1, 0.05, 0.1, 0.4, 0.15, 0.03, 0.1, 0.05};

    memset(m, 0, sizeof *m);
    m->amplitude = 1.5;
    assert_ok(sf_grid_image(FRAME_ROWS, FRAME_COLUMNS, &m->frame));
    m->psf = declared_psf(3, core);
    m->spectrum = make_spectrum(&m->amplitude);
    blobs(FRAME_ROWS, FRAME_COLUMNS, 3.0, m->pixels);
    for (size_t i = 0; i < FRAME; i++) m->sigma[i] = 0.2 + 0.05 * (double)(i % 7);
    add_noise(5, FRAME, 0.3, m->pixels);
    m->pixels[12] = NAN;
    m->pixels[33] = INFINITY;
    m->sigma[40] = 0.0;
    m->sigma[41] = NAN;
    m->mask[20] = 1.0;
    m->mask[21] = -2.0;
    assert_ok(sf_observation_create(&m->frame, m->pixels, m->sigma, 0.0, m->mask, m->psf, NULL,
                                    &m->observation));
    m->pixels[33] = NAN; /* for the reference */
    m->cells = sf_grid_size(sf_observation_scene(m->observation));
    assert_true(m->cells <= MOST && m->cells > FRAME);
    assert_int_equal(sf_observation_observed(m->observation), FRAME - 6);
    assert_ok(sf_prior_gaussian(sf_observation_scene(m->observation), m->spectrum, 0.0, &m->prior));
    dense_posterior_mean(m);
}

static void masked_destroy(masked *m)
{
    sf_prior_release(&m->prior);
    sf_observation_release(&m->observation);
    sf_spectrum_release(&m->spectrum);
    sf_psf_release(&m->psf);
}

static void test_masked_posterior_mean(void **state)
{
    sf_wiener_options wiener = sf_wiener_options_default();
    double scene[MOST];
    sf_solver_report report;
    masked m;

    (void)state;
    masked_create(&m);
    wiener.spectrum = m.spectrum;
    wiener.tolerance = 1e-12;
    assert_ok(sf_wiener(m.observation, &wiener, scene, NULL));
    assert_close(relative_distance(scene, m.mean, m.cells), 0.0, 1e-10);
    for (double penalty = 0.003; penalty < 4.0; penalty *= 10.0) {
        const sf_pnp_options options = to_convergence(penalty);
        assert_ok(sf_pnp(m.observation, m.prior, &options, scene, &report));
        assert_true(report.stop == SF_STOP_CONVERGED);
        assert_close(relative_distance(scene, m.mean, m.cells), 0.0, 1e-10);
    }
    masked_destroy(&m);
}

/* (matrix + ridge) solution = right, dense and symmetric. */
static void solve_dense(size_t n, const double *matrix, double ridge, const double *right,
                        double *solution)
{
    double *a = new_array(n * n);

    memcpy(a, matrix, n * n * sizeof *a);
    memmove(solution, right, n * sizeof *solution);
    for (size_t i = 0; i < n; i++) a[i * n + i] += ridge;
    assert_int_equal(
        LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', (lapack_int)n, 1, a, (lapack_int)n, solution, 1), 0);
    sf_free(a);
}

/* H^T W H and H^T W y, W = noise^2 / sigma^2. */
static void dense_normal(const masked *m, double *normal, double *back)
{
    const sf_grid *scene = sf_observation_scene(m->observation);
    const double noise = sf_observation_noise(m->observation);
    double *unit = new_array(m->cells), *h = new_array(m->cells * m->cells);
    double *frame = new_array(FRAME), *index = new_array(m->cells);

    for (size_t i = 0; i < m->cells; i++) index[i] = (double)i;
    assert_ok(sf_observation_crop(m->observation, index, frame));
    for (size_t j = 0; j < m->cells; j++) {
        unit[j] = 1.0;
        for (size_t i = 0; i < m->cells; i++) h[i * m->cells + j] = blur_at(m, scene, unit, i);
        unit[j] = 0.0;
    }
    for (size_t p = 0; p < FRAME; p++) {
        const double *row = h + (size_t)frame[p] * m->cells, ratio = noise / m->sigma[p];
        if (isnan(m->pixels[p]) || !(m->sigma[p] > 0.0) || m->mask[p] != 0.0) continue;
        for (size_t i = 0; i < m->cells; i++) {
            back[i] += ratio * ratio * row[i] * m->pixels[p];
            for (size_t j = 0; j < m->cells; j++)
                normal[i * m->cells + j] += ratio * ratio * row[i] * row[j];
        }
    }
    sf_free(unit);
    sf_free(h);
    sf_free(frame);
    sf_free(index);
}

/* The steps of a schedule one by one with dense algebra, from z = 0. */
static void dense_schedule(const masked *m, const sf_pnp_options *o, double *z)
{
    const size_t n = m->cells;
    const double noise = sf_observation_noise(m->observation);
    double *a = new_array(n * n), *c = new_array(n * n), *back = new_array(n);
    double *x = new_array(n), *t = new_array(n);

    dense_normal(m, a, back);
    for (size_t i = 0; i < n * n; i++)
        c[i] = covariance(m, sf_observation_scene(m->observation), i / n, i % n);
    for (size_t k = 0; k < o->iterations; k++) {
        const double part = (double)k / (double)(o->iterations - 1);
        const double level = o->schedule_from * pow(o->schedule_to / o->schedule_from, part);
        const double rho = 0.23 / (level * level), s2 = level * level * noise * noise;
        for (size_t i = 0; i < n; i++) t[i] = back[i] + rho * z[i];
        solve_dense(n, a, rho, t, x);
        solve_dense(n, c, s2, x, t); /* C (C + s^2)^-1 x = x - s^2 (C + s^2)^-1 x */
        for (size_t i = 0; i < n; i++) z[i] = x[i] - s2 * t[i];
    }
    sf_free(a);
    sf_free(c);
    sf_free(back);
    sf_free(x);
    sf_free(t);
}

/* A schedule is the recursion that it is said to be, beyond the border and in holes too, but for
 * the accuracy of its data steps: a tenth of the noise in the worst cell. */
static void test_schedule_step_by_step(void **state)
{
    double scene[MOST], zero[MOST] = {0.0};
    masked m;

    (void)state;
    masked_create(&m);
    for (size_t steps = 3; steps <= 48; steps *= 4) {
        sf_pnp_options options = sf_pnp_options_default();
        double expected[MOST] = {0.0}, worst = 0.0;
        options.iterations = steps;
        options.schedule_from = 20.0;
        options.conserve_flux = false;
        options.find_excess = false;
        options.start = zero;
        assert_ok(sf_pnp(m.observation, m.prior, &options, scene, NULL));
        dense_schedule(&m, &options, expected);
        for (size_t i = 0; i < m.cells; i++) worst = fmax(worst, fabs(scene[i] - expected[i]));
        assert_true(worst < 0.1 * sf_observation_noise(m.observation));
    }
    masked_destroy(&m);
}

/* Without a PSF: the prior against pixels of given variances, still exact. */
static void test_no_blur(void **state)
{
    const sf_pnp_options options = to_convergence(0.5);
    static const double one = 1.0;
    double *scene = new_array(MOST);
    masked m;

    (void)state;
    masked_create(&m);
    sf_observation_release(&m.observation);
    sf_prior_release(&m.prior);
    sf_psf_release(&m.psf);
    m.psf = declared_psf(1, &one); /* for the reference */
    assert_ok(sf_observation_create(&m.frame, m.pixels, m.sigma, 0.0, m.mask, NULL, NULL,
                                    &m.observation));
    m.cells = FRAME;
    assert_int_equal(sf_grid_size(sf_observation_scene(m.observation)), FRAME);
    assert_ok(sf_prior_gaussian(&m.frame, m.spectrum, 0.0, &m.prior));
    dense_posterior_mean(&m);
    assert_ok(sf_pnp(m.observation, m.prior, &options, scene, NULL));
    assert_close(relative_distance(scene, m.mean, m.cells), 0.0, 1e-10);
    sf_free(scene);
    masked_destroy(&m);
}

/* Modes that the field does not have stay empty. */
static double band(double k, void *user)
{
    (void)user;
    return k > 0.5 && k < 1.5 ? 2.0 : 0.0;
}

static void test_modes_without_power(void **state)
{
    sf_wiener_options options = sf_wiener_options_default();
    double scene[MOST];
    sf_spectrum *spectrum;
    masked m;

    (void)state;
    masked_create(&m);
    sf_spectrum_release(&m.spectrum);
    assert_ok(sf_spectrum_callback(band, NULL, &spectrum));
    m.spectrum = spectrum;
    dense_posterior_mean(&m);
    options.spectrum = spectrum;
    options.tolerance = 1e-12;
    assert_ok(sf_wiener(m.observation, &options, scene, NULL));
    assert_close(relative_distance(scene, m.mean, m.cells), 0.0, 1e-9);
    masked_destroy(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admm_reaches_wiener),
        cmocka_unit_test(test_wiener_is_the_closed_form),
        cmocka_unit_test(test_mean_of_the_prior),
        cmocka_unit_test(test_masked_posterior_mean),
        cmocka_unit_test(test_schedule_step_by_step),
        cmocka_unit_test(test_no_blur),
        cmocka_unit_test(test_modes_without_power),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
