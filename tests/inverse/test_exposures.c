/* test_exposures.c - several exposures of one scene as one observation, against matrices that are
 * written down from the definition, and against one exposure of less noise. */
#include "dense.h"

#include "inverse/conditional.h"

#define EXPOSURES 3
#define LENGTHS   2 /* axes */

/* ---- three exposures that differ in everything ----------------------------------------------- */

/* Pixels of 2, 3 and 1 cells of 0.5; shifts, in units of length, of whole and of other parts of
 * cells. */
static const struct {
    size_t rows, columns, upsample;
    double spacing, shift[LENGTHS], sigma;
    bool blurred;
    long whole[LENGTHS]; /* cells of the shift that are whole */
} exposures[EXPOSURES] = {{5, 6, 2, 1.0, {0.0, 0.0}, 0.2, true, {0, 0}},
                          {4, 3, 3, 1.5, {0.3, -0.7}, 0.5, true, {1, -1}},
                          {8, 7, 1, 0.5, {1.0, 0.5}, 0.1, false, {2, 1}}};

static sf_psf *make_psf(int which)
{
    static const double cores[2][9] = {{0.02, 0.1, 0.05, 0.1, 0.4, 0.15, 0.03, 0.1, 0.05},
                                       {0.05, 0.05, 0.1, 0.2, 0.3, 0.05, 0.1, 0.1, 0.05}};
    const sf_psf_options options = {.centre = SF_PSF_DECLARED, .pedestal = 0.0};
    sf_grid grid;
    sf_psf *psf;

    assert_ok(sf_grid_image(3, 3, &grid));
    assert_ok(sf_psf_from_pixels(&grid, cores[which], &options, &psf));
    return psf;
}

static size_t pixels_of(int e) { return exposures[e].rows * exposures[e].columns; }

static double sigma_of(int e, size_t pixel)
{
    return exposures[e].sigma * (1.0 + 0.1 * (double)(pixel % 4));
}

static bool is_bad(size_t pixel) { return pixel % 7 == 4; }

static sf_observation *observe(int e, const double *pixels)
{
    const size_t shape[2] = {exposures[e].rows, exposures[e].columns};
    const double spacing[2] = {exposures[e].spacing, exposures[e].spacing};
    sf_observation_options options = sf_observation_options_default();
    double sigma[100], mask[100];
    sf_psf *psf = exposures[e].blurred ? make_psf(e) : NULL;
    sf_observation *observation;
    sf_grid frame;

    options.upsample = exposures[e].upsample;
    assert_ok(sf_grid_make(2, shape, spacing, &frame));
    for (size_t p = 0; p < pixels_of(e); p++) {
        sigma[p] = sigma_of(e, p);
        mask[p] = is_bad(p) ? 1.0 : 0.0;
    }
    assert_ok(sf_observation_create(&frame, pixels, sigma, 0.0, mask, psf, &options, &observation));
    sf_psf_release(&psf);
    return observation;
}

static sf_observation *join_three(double *const pixels[EXPOSURES])
{
    sf_observation *one[EXPOSURES], *joint;
    double shifts[EXPOSURES * LENGTHS];

    for (int e = 0; e < EXPOSURES; e++) {
        one[e] = observe(e, pixels[e]);
        memcpy(shifts + e * LENGTHS, exposures[e].shift, sizeof exposures[e].shift);
    }
    assert_ok(sf_observation_join(EXPOSURES, one, shifts, &joint));
    for (int e = 0; e < EXPOSURES; e++) sf_observation_release(&one[e]);
    return joint;
}

/* Where a frame's first cell is in the scene. */
static void find_origin(const sf_observation *o, long origin[2])
{
    const sf_grid *scene = sf_observation_scene(o);
    double *index = new_array(sf_grid_size(scene));
    double *where = new_array(sf_grid_size(sf_observation_fine(o)));

    for (size_t i = 0; i < sf_grid_size(scene); i++) index[i] = (double)i;
    assert_ok(sf_observation_crop(o, index, where));
    origin[0] = (long)where[0] / (long)scene->shape[1];
    origin[1] = (long)where[0] % (long)scene->shape[1];
    sf_free(index);
    sf_free(where);
}

/* Band-limited interpolation on n periodic cells (even): the value at `cells` + rest of a unit at
 * 0. */
static double dirichlet(long n, long cells, double rest)
{
    double sum = 1.0 + cos(DENSE_PI * rest) * (cells % 2 == 0 ? 1.0 : -1.0);

    if (n % 2 != 0) sum = 1.0;
    for (long m = 1; 2 * m < n; m++)
        sum += 2.0 * cos(2.0 * DENSE_PI * (double)m * ((double)cells + rest) / (double)n);
    return sum / (double)n;
}

/* Row of H: the cells of a pixel, each of which gets the PSF's share of the scene around it. */
static void write_row(const sf_grid *scene, int e, const long origin[2], size_t pixel, double *row)
{
    const long k = (long)exposures[e].upsample;
    const long top = (long)(pixel / exposures[e].columns) * k + origin[0];
    const long left = (long)(pixel % exposures[e].columns) * k + origin[1];
    const double rest[2] = {
        exposures[e].shift[0] / 0.5 - (double)exposures[e].whole[0],
        exposures[e].shift[1] / 0.5 - (double)exposures[e].whole[1],
    };
    sf_psf *psf = exposures[e].blurred ? make_psf(e) : NULL;

    for (size_t s = 0; s < sf_grid_size(scene); s++) {
        const long y = (long)(s / scene->shape[1]), x = (long)(s % scene->shape[1]);

        row[s] = 0.0;
        for (long c = 0; c < k * k; c++)
            for (long d = 0; d < 9; d++) {
                const long dy = d / 3 - 1, dx = d % 3 - 1;
                const double h = psf != NULL ? sf_psf_pixels(psf)[d] : d == 4 ? 1.0 : 0.0;

                if (h != 0.0)
                    row[s] += h * dirichlet((long)scene->shape[0], top + c / k - dy - y, rest[0]) *
                              dirichlet((long)scene->shape[1], left + c % k - dx - x, rest[1]);
            }
    }
    sf_psf_release(&psf);
}

/* The joint observation of a drawn field with all of its matrices. */
static dense make_dense(double mean)
{
    double *pixels[EXPOSURES], *noise = new_array(100), *truth, *row;
    sf_field_draw_options draw = sf_field_draw_options_default();
    dense d = {.name = "joined", .mean = mean};
    const sf_grid *scene;
    sf_field *field;

    for (int e = 0; e < EXPOSURES; e++) pixels[e] = new_array(pixels_of(e));
    d.observation = join_three(pixels);
    scene = sf_observation_scene(d.observation);
    d.cells = sf_grid_size(scene);
    assert_ok(sf_spectrum_callback(dense_power, NULL, &d.spectrum));
    d.prior = new_array(d.cells * d.cells);
    d.h = new_array(300 * d.cells);
    d.noise2 = new_array(300);
    d.y = new_array(300);
    d.truth = new_array(d.cells);
    dense_prior(&d, scene);
    truth = new_array(sf_fft_buffer_size(scene));
    draw.seed = 8;
    assert_ok(sf_field_create(scene, d.spectrum, d.mean, &field));
    assert_ok(sf_field_draw(field, &draw, truth));
    memcpy(d.truth, truth, d.cells * sizeof *truth);
    row = new_array(d.cells);
    for (int e = 0; e < EXPOSURES; e++) {
        long origin[2];

        find_origin(sf_observation_exposure(d.observation, (size_t)e), origin);
        memset(noise, 0, 100 * sizeof *noise);
        add_noise(20 + (uint64_t)e, pixels_of(e), 1.0, noise);
        for (size_t p = 0; p < pixels_of(e); p++) {
            write_row(scene, e, origin, p, row);
            for (size_t s = 0; s < d.cells; s++) pixels[e][p] += row[s] * truth[s];
            pixels[e][p] += sigma_of(e, p) * noise[p];
            if (is_bad(p)) continue;
            memcpy(d.h + d.pixels * d.cells, row, d.cells * sizeof *row);
            d.noise2[d.pixels] = sigma_of(e, p) * sigma_of(e, p);
            d.y[d.pixels++] = pixels[e][p];
        }
    }
    sf_observation_release(&d.observation);
    d.observation = join_three(pixels);
    assert_ok(sf_prior_gaussian(sf_observation_scene(d.observation), d.spectrum, mean, &d.field));
    for (int e = 0; e < EXPOSURES; e++) sf_free(pixels[e]);
    sf_field_release(&field);
    sf_free(noise);
    sf_free(truth);
    sf_free(row);
    return d;
}

/* Every exposure sees what its matrix says, at the place that its shift says. */
static void test_model(void **state)
{
    dense d = make_dense(0.7);
    double *scene = new_array(d.cells), *row = new_array(d.cells), seen[100];
    long first[2];

    (void)state;
    add_noise(4, d.cells, 1.0, scene);
    assert_int_equal(sf_observation_exposures(d.observation), EXPOSURES);
    assert_int_equal(sf_observation_observed(d.observation), d.pixels);
    find_origin(d.observation, first);
    for (int e = 0; e < EXPOSURES; e++) {
        const sf_observation *o = sf_observation_exposure(d.observation, (size_t)e);
        long origin[2];

        find_origin(o, origin);
        for (int a = 0; a < 2; a++) assert_int_equal(origin[a] - first[a], exposures[e].whole[a]);
        assert_ok(sf_observation_predict(o, scene, seen));
        for (size_t p = 0; p < pixels_of(e); p++) {
            double expected = 0.0;

            write_row(sf_observation_scene(o), e, origin, p, row);
            for (size_t s = 0; s < d.cells; s++) expected += row[s] * scene[s];
            assert_close(seen[p], expected, 1e-12);
        }
    }
    sf_free(scene);
    sf_free(row);
    dense_free(&d);
}

/* A Gaussian source at a place on the sky is seen there by every exposure, whatever its shift. */
static void test_shift_on_the_sky(void **state)
{
    enum { SIDE = 40 };
    static const double shifts[] = {0.0, 0.0, 2.0, -3.0, 0.37, -1.81, -2.5, 0.5};
    sf_observation *one[4], *joint;
    double pixels[SIDE * SIDE] = {0.0}, seen[SIDE * SIDE], *scene;
    const double width = 2.0, y = 19.3, x = 21.2; /* of the first frame's pixels */
    const double fwhm = width * 2.3548200450309493;
    const sf_grid *grid;
    long origin[2];
    sf_grid frame;
    sf_psf *psf;

    (void)state;
    assert_ok(sf_grid_image(SIDE, SIDE, &frame));
    assert_ok(sf_psf_gaussian(fwhm, &psf));
    for (int e = 0; e < 4; e++)
        assert_ok(sf_observation_create(&frame, pixels, NULL, 1.0, NULL, psf, NULL, &one[e]));
    assert_ok(sf_observation_join(4, one, shifts, &joint));
    grid = sf_observation_scene(joint);
    scene = new_array(sf_grid_size(grid));
    find_origin(joint, origin);
    for (size_t i = 0; i < sf_grid_size(grid); i++) {
        const double v = (double)(i / grid->shape[1]) - (double)origin[0] - y;
        const double u = (double)(i % grid->shape[1]) - (double)origin[1] - x;
        scene[i] = exp(-0.5 * (v * v + u * u) / (width * width)) / (2.0 * DENSE_PI * width * width);
    }
    for (size_t e = 0; e < 4; e++) {
        /* two Gaussians and a pixel, whose variance is a twelfth: to 1e-5 another Gaussian */
        const double variance = 2.0 * width * width + 1.0 / 12.0;

        assert_ok(sf_observation_predict(sf_observation_exposure(joint, e), scene, seen));
        for (size_t p = 0; p < SIDE * SIDE; p++) {
            const double v = (double)(p / SIDE) + shifts[2 * e] - y;
            const double u = (double)(p % SIDE) + shifts[2 * e + 1] - x;
            const double expected =
                exp(-0.5 * (v * v + u * u) / variance) / (2.0 * DENSE_PI * variance);
            assert_close(seen[p], expected, 2e-5);
        }
    }
    for (int e = 0; e < 4; e++) sf_observation_release(&one[e]);
    sf_observation_release(&joint);
    sf_psf_release(&psf);
    sf_free(scene);
}

/* <H x, y> = <x, H^T y>, y in the cells of all exposures. */
static void test_adjoint(void **state)
{
    dense d = make_dense(0.0);
    const size_t values = EXPOSURES * d.cells;
    double *x = new_array(d.cells), *y = new_array(values), *hx = new_array(values);
    double *hty = new_array(d.cells), ahead = 0.0, back = 0.0, size = 0.0;

    (void)state;
    add_noise(5, d.cells, 1.0, x);
    add_noise(6, values, 1.0, y);
    assert_ok(sf_observation_blur(d.observation, x, hx));
    assert_ok(sf_observation_blur_adjoint(d.observation, y, hty));
    for (size_t i = 0; i < values; i++) ahead += hx[i] * y[i];
    for (size_t i = 0; i < values; i++) size += fabs(hx[i] * y[i]);
    for (size_t i = 0; i < d.cells; i++) back += x[i] * hty[i];
    assert_close(ahead, back, 1e-13 * size);
    sf_free(x);
    sf_free(y);
    sf_free(hx);
    sf_free(hty);
    dense_free(&d);
}

/* ---- solvers against matrices ---------------------------------------------------------------- */

/* mean + C H^T (S + H C H^T)^-1 (y - H mean), C the field's. */
static void posterior_mean(const dense *d, double *mean)
{
    double *centre = new_array(d->cells);

    for (size_t i = 0; i < d->cells; i++) centre[i] = mean[i] = d->mean;
    dense_update(d, centre, d->prior, 0.0, d->prior, 1.0, mean);
    sf_free(centre);
}

static void test_linear_solution(void **state)
{
    dense d = make_dense(0.0);
    double *expected = new_array(d.cells), *scene = new_array(d.cells);
    sf_wiener_options wiener = sf_wiener_options_default();
    sf_pnp_options pnp = sf_pnp_options_default();
    sf_diagnostics all, own;
    size_t observed = 0;
    double squares = 0.0;

    (void)state;
    posterior_mean(&d, expected);
    wiener.spectrum = d.spectrum;
    wiener.tolerance = 1e-12;
    assert_ok(sf_wiener(d.observation, &wiener, scene, NULL));
    assert_true(relative_distance(scene, expected, d.cells) < 1e-9);
    pnp.penalty = 0.1;
    pnp.multiplier = true;
    pnp.conserve_flux = false;
    pnp.find_excess = false;
    pnp.iterations = 20000;
    pnp.tolerance = 1e-12;
    memset(scene, 0, d.cells * sizeof *scene);
    assert_ok(sf_pnp(d.observation, d.field, &pnp, scene, NULL));
    assert_true(relative_distance(scene, expected, d.cells) < 1e-8);

    /* chi^2 of all is the sum of chi^2 of each */
    assert_ok(sf_diagnose(d.observation, scene, &all));
    for (size_t e = 0; e < EXPOSURES; e++) {
        assert_ok(sf_diagnose(sf_observation_exposure(d.observation, e), scene, &own));
        observed += own.observed;
        squares += own.chi_squared * (double)own.observed;
    }
    assert_int_equal(all.observed, observed);
    assert_close(all.chi_squared * (double)all.observed, squares, 1e-9 * squares);
    sf_free(expected);
    sf_free(scene);
    dense_free(&d);
}

/* What the posterior expects of the scene behind a noisy one. */
static void test_posterior(void **state)
{
    static const sf_likelihood exact[] = {SF_LIKELIHOOD_EXACT, SF_LIKELIHOOD_MOMENT_MATCHING};
    dense d = make_dense(0.7);
    const size_t n = d.cells;
    double *x = new_array(n), *mean = new_array(n), *expected = new_array(n), *out = new_array(n);
    double *c = new_array(n * n);

    (void)state;
    for (double u = 0.1; u < 5.0; u *= 6.0) {
        memcpy(x, d.truth, n * sizeof *x);
        add_noise(31, n, u, x);
        dense_given_noisy(&d, x, u, mean, c);
        memcpy(expected, mean, n * sizeof *mean);
        dense_update(&d, mean, c, 0.0, c, 1.0, expected);
        for (size_t i = 0; i < 2; i++) {
            sf_posterior_options options = sf_posterior_options_default();
            sf_prior *posterior;

            options.likelihood = exact[i];
            options.tolerance = 1e-11;
            options.iterations = 2000;
            assert_ok(sf_posterior(d.field, d.observation, &options, &posterior));
            assert_ok(sf_prior_denoise(posterior, 1, x, u, out));
            assert_true(relative_distance(out, expected, n) < 1e-8);
            sf_prior_release(&posterior);
        }
    }
    sf_free(x);
    sf_free(mean);
    sf_free(expected);
    sf_free(out);
    sf_free(c);
    dense_free(&d);
}

/* The law of a scene's copy given the scene and the data, at a coupling below the limit or above:
 * its mean in place of z, its covariance, both times its inverse. */
static void condition(const dense *d, double rho, bool below, double *z, double *covariance,
                      double *inverse)
{
    const size_t n = d->cells, m = d->pixels;
    double *p = new_array(n * n), *scaled = new_array(m * n), *right = new_array(n);
    double *misfit = new_array(m);

    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) scaled[i * n + j] = d->h[i * n + j] / d->noise2[i];
    for (size_t k = 0; k < m; k++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) p[i * n + j] += d->h[k * n + i] * scaled[k * n + j];
    dense_product(m, n, 1, d->h, z, false, misfit);
    for (size_t i = 0; i < m; i++) misfit[i] = d->y[i] - misfit[i];
    dense_product(1, m, n, misfit, scaled, false, right);
    for (size_t i = 0; i < n * n; i++) {
        const double one = i % (n + 1) == 0 ? 1.0 : 0.0;

        inverse[i] = below ? 0.0 : p[i] + one / (rho * rho);
        covariance[i] = below ? rho * rho * (one - rho * rho * p[i]) : one;
    }
    if (below) {
        for (size_t i = 0; i < n; i++) {
            z[i] += rho * rho * right[i];
            inverse[i * (n + 1)] = 1.0;
        }
        dense_solve(n, covariance, n, inverse);
    } else { /* (P + 1/rho^2) (x - z) = H^T S^-1 (y - H z) */
        dense_solve(n, inverse, 1, right);
        dense_solve(n, inverse, n, covariance);
        for (size_t i = 0; i < n; i++) z[i] += right[i];
    }
    sf_free(p);
    sf_free(scaled);
    sf_free(right);
    sf_free(misfit);
}

/* The largest of 2 n + 1 z-scores: mean and variance of every cell, and the mean of chi^2 with n
 * degrees of freedom, which has the correlations. */
static double worst_of(size_t n, const double *mean, const double *covariance,
                       const double *inverse, size_t samples, const double *x)
{
    double *apart = new_array(n), *sum = new_array(n), *square = new_array(n);
    double worst = 0.0, chi_squared = 0.0;

    for (size_t s = 0; s < samples; s++) {
        for (size_t i = 0; i < n; i++) apart[i] = x[s * n + i] - mean[i];
        for (size_t i = 0; i < n; i++) {
            sum[i] += apart[i];
            square[i] += apart[i] * apart[i];
            for (size_t j = 0; j < n; j++)
                chi_squared += apart[i] * inverse[i * n + j] * apart[j] / (double)samples;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const double variance = covariance[i * (n + 1)], count = (double)samples;

        worst = fmax(worst, fabs(sum[i]) / sqrt(variance * count));
        worst = fmax(worst, fabs(square[i] / (variance * count) - 1.0) * sqrt(count / 2.0));
    }
    sf_free(apart);
    sf_free(sum);
    sf_free(square);
    return fmax(worst, fabs(chi_squared - (double)n) * sqrt((double)samples / (2.0 * (double)n)));
}

/* What split Gibbs sampling draws of the data. About 500 z-scores, beyond 5 once in 3,000 runs. */
static void test_draws(void **state)
{
    enum { SAMPLES = 1000 };
    dense d = make_dense(0.0);
    const size_t n = d.cells;
    double *mean = new_array(n), *covariance = new_array(n * n), *inverse = new_array(n * n);
    double *x = new_array(SAMPLES * n);
    sf_conditional *conditional;

    (void)state;
    assert_ok(sf_conditional_create(d.observation, SAMPLES, &conditional));
    for (size_t c = 0; c < 3; c++) {
        const double rho = sf_conditional_limit(conditional) * (const double[]){0.7, 3.0, 60.0}[c];
        double worst;

        for (size_t i = 0; i < SAMPLES * n; i++) x[i] = cos((double)(i % n));
        memcpy(mean, x, n * sizeof *mean);
        condition(&d, rho, c == 0, mean, covariance, inverse);
        assert_ok(sf_conditional_draw(conditional, rho, 0.0, sf_random_make(3, 0), c, 0, x));
        worst = worst_of(n, mean, covariance, inverse, SAMPLES, x);
        print_message("coupling %.3g: largest z %.2f\n", rho, worst);
        assert_true(worst < 5.0);
    }
    sf_conditional_release(&conditional);
    sf_free(mean);
    sf_free(covariance);
    sf_free(inverse);
    sf_free(x);
    dense_free(&d);
}

/* ---- N times the same ------------------------------------------------------------------------ */

enum { SAME = 4, SIDE = 32, AREA = SIDE * SIDE };

static void make_frame(double noise, double *pixels, double *sigma, double *mask)
{
    blobs(SIDE, SIDE, 40.0, pixels);
    for (size_t i = 0; i < AREA; i++) {
        sigma[i] = noise * (1.0 + 0.3 * (double)(i % 3));
        mask[i] = i % 11 == 5 ? 1.0 : 0.0;
    }
    add_noise(12, AREA, noise, pixels);
}

/* *joint of SAME exposures, and *single with a noise of 1/sqrt(SAME) of theirs. */
static void repeat(bool counts, sf_observation **joint, sf_observation **single)
{
    sf_observation_options options = sf_observation_options_default();
    double pixels[AREA], sigma[AREA], less[AREA], mask[AREA], shifts[2 * SAME] = {0.0};
    sf_observation *one[SAME];
    sf_grid frame;
    sf_psf *psf;

    make_frame(counts ? 0.0 : 1.0, pixels, sigma, mask);
    for (size_t i = 0; i < AREA; i++) less[i] = sigma[i] / sqrt(SAME);
    if (counts)
        for (size_t i = 0; i < AREA; i++) pixels[i] = floor(pixels[i] + 0.3 * (double)(i % 5));
    options.background = counts ? 0.5 : 0.0;
    options.gain = counts ? 1.0 : 0.0;
    assert_ok(sf_grid_image(SIDE, SIDE, &frame));
    assert_ok(sf_psf_gaussian(2.2, &psf));
    for (int e = 0; e < SAME; e++)
        assert_ok(sf_observation_create(&frame, pixels, counts ? NULL : sigma, 0.0, mask, psf,
                                        &options, &one[e]));
    assert_ok(sf_observation_join(SAME, one, shifts, joint));
    if (counts) options.gain = SAME;
    assert_ok(sf_observation_create(&frame, pixels, counts ? NULL : less, 0.0, mask, psf, &options,
                                    single));
    for (int e = 0; e < SAME; e++) sf_observation_release(&one[e]);
    sf_psf_release(&psf);
}

#define assert_same(a, b, count, tolerance) \
    assert_true(relative_distance(a, b, count) < (tolerance))

static void test_repeats_are_less_noise(void **state)
{
    sf_pnp_options options = sf_pnp_options_default();
    sf_observation *joint, *single;
    sf_solver_report of_joint, of_single;
    sf_diagnostics d, e;
    double *a, *b, excess[2], error[2];
    sf_spectrum *spectrum;
    sf_prior *prior;
    size_t cells;

    (void)state;
    repeat(false, &joint, &single);
    cells = sf_grid_size(sf_observation_scene(joint));
    assert_true(sf_grid_same_shape(sf_observation_scene(joint), sf_observation_scene(single)));
    assert_close(sf_observation_noise(joint), sf_observation_noise(single), 1e-14);
    assert_int_equal(sf_observation_observed(joint), SAME * sf_observation_observed(single));
    a = new_array(cells);
    b = new_array(cells);
    assert_ok(sf_spectrum_parse("power:100,-3", &spectrum));
    assert_ok(sf_prior_gaussian(sf_observation_scene(joint), spectrum, 0.0, &prior));
    options.find_excess = false; /* copies of one noise are what no law makes likely */
    assert_ok(sf_pnp(joint, prior, &options, a, &of_joint));
    assert_ok(sf_pnp(single, prior, &options, b, &of_single));
    assert_same(a, b, cells, 1e-5); /* the last step is solved to 1e-3 of the noise */
    assert_close(of_joint.noise_level, of_single.noise_level, 1e-12);
    assert_ok(
        sf_tv(joint, &(sf_tv_options){.strength = 2.0, .penalty = 1.0, .iterations = 50}, a, NULL));
    assert_ok(sf_tv(single, &(sf_tv_options){.strength = 2.0, .penalty = 1.0, .iterations = 50}, b,
                    NULL));
    assert_same(a, b, cells, 1e-9);
    assert_ok(sf_richardson_lucy(
        joint, &(sf_richardson_lucy_options){.iterations = 20, .offset = 3.0}, a, NULL));
    assert_ok(sf_richardson_lucy(
        single, &(sf_richardson_lucy_options){.iterations = 20, .offset = 3.0}, b, NULL));
    assert_same(a, b, cells, 1e-9);
    assert_ok(sf_diagnose(joint, a, &d));
    assert_ok(sf_diagnose(single, a, &e));
    assert_close(d.chi_squared * SAME, e.chi_squared, 1e-9 * e.chi_squared);
    assert_close(d.flux_ratio, e.flux_ratio, 1e-12);
    assert_ok(sf_noise_excess(joint, a, &excess[0], &error[0]));
    assert_ok(sf_noise_excess(single, a, &excess[1], &error[1]));
    /* residuals of repeats add up, their deviations in quadrature; and they are in units of twice
     * the noise */
    assert_close(excess[0], excess[1], 1e-9);
    sf_free(a);
    sf_free(b);
    sf_prior_release(&prior);
    sf_spectrum_release(&spectrum);
    sf_observation_release(&joint);
    sf_observation_release(&single);
}

/* Of counts: N times y counts are N y counts, at N times the gain. */
static void test_repeated_counts_add_up(void **state)
{
    sf_pnp_options options = sf_pnp_options_default();
    sf_observation *joint, *single;
    double *a, *b, deviance[2], expected, z;
    sf_spectrum *spectrum;
    sf_prior *prior;
    size_t cells;

    (void)state;
    repeat(true, &joint, &single);
    cells = sf_grid_size(sf_observation_scene(joint));
    a = new_array(cells);
    b = new_array(cells);
    assert_ok(sf_spectrum_parse("power:100,-3", &spectrum));
    assert_ok(sf_prior_gaussian(sf_observation_scene(joint), spectrum, 0.0, &prior));
    options.conserve_flux = false;
    assert_ok(sf_pnp(joint, prior, &options, a, NULL));
    assert_ok(sf_pnp(single, prior, &options, b, NULL));
    assert_same(a, b, cells, 5e-3); /* steps are solved to 2e-3 of the noise */
    assert_ok(sf_richardson_lucy(
        joint, &(sf_richardson_lucy_options){.iterations = 20, .offset = -1}, a, NULL));
    assert_ok(sf_richardson_lucy(
        single, &(sf_richardson_lucy_options){.iterations = 20, .offset = -1}, b, NULL));
    assert_same(a, b, cells, 1e-9);
    assert_ok(sf_deviance(joint, b, &deviance[0], &expected, &z));
    assert_ok(sf_deviance(single, b, &deviance[1], &expected, &z));
    assert_close(SAME * deviance[0], deviance[1], 1e-9 * deviance[1]);
    sf_free(a);
    sf_free(b);
    sf_prior_release(&prior);
    sf_spectrum_release(&spectrum);
    sf_observation_release(&joint);
    sf_observation_release(&single);
}

/* ---- what cannot be -------------------------------------------------------------------------- */

static sf_observation *plain(size_t side, double spacing, size_t upsample, double gain)
{
    const size_t shape[2] = {side, side};
    sf_observation_options options = sf_observation_options_default();
    sf_observation *observation;
    double pixels[AREA];
    sf_grid frame;

    for (size_t i = 0; i < AREA; i++) pixels[i] = 1.0;
    options.upsample = upsample;
    options.gain = gain;
    assert_ok(sf_grid_make(2, shape, (double[2]){spacing, spacing}, &frame));
    assert_ok(sf_observation_create(&frame, pixels, NULL, 1.0, NULL, NULL, &options, &observation));
    return observation;
}

/* Joins one of 8 x 8 pixels with another. */
#define refuse(expected, words, other, shift)                                               \
    do {                                                                                    \
        sf_observation *pair_[2] = {plain(8, 1.0, 1, 0.0), other}, *joint_ = pair_[0];      \
        assert_status(expected,                                                             \
                      sf_observation_join(2, pair_, (double[4]){0, 0, 0, shift}, &joint_)); \
        assert_null(joint_);                                                                \
        assert_non_null(strstr(sf_last_error(), words));                                    \
        sf_observation_release(&pair_[0]);                                                  \
        sf_observation_release(&pair_[1]);                                                  \
    } while (0)

static void test_refused(void **state)
{
    sf_observation *one = plain(8, 1.0, 1, 0.0), *joint, *pair[2];
    double scene[AREA];
    sf_grid grid;
    sf_prior *prior;
    sf_spectrum *spectrum;

    (void)state;
    refuse(SF_ERR_ARGUMENT, "does not overlap", plain(8, 1.0, 1, 0.0), 8.0);
    refuse(SF_ERR_ARGUMENT, "does not overlap", plain(8, 1.0, 1, 0.0), -8.0);
    refuse(SF_ERR_ARGUMENT, "does not overlap", plain(8, 1.0, 1, 0.0), NAN);
    refuse(SF_ERR_ARGUMENT, "cells of 0.5", plain(8, 1.0, 2, 0.0), 0.0);
    refuse(SF_ERR_ARGUMENT, "counts", plain(8, 1.0, 1, 2.0), 0.0);
    assert_status(SF_ERR_ARGUMENT, sf_observation_join(0, NULL, NULL, &joint));
    pair[0] = pair[1] = one;
    assert_status(SF_ERR_ARGUMENT, sf_observation_join(2, pair, (double[4]){1.0, 0, 0, 0}, &joint));
    assert_ok(sf_observation_join(2, pair, (double[4]){0}, &joint));
    refuse(SF_ERR_UNSUPPORTED, "at once", sf_observation_retain(joint), 0.0);
    grid = *sf_observation_scene(joint);
    assert_ok(sf_spectrum_parse("power:1,-2", &spectrum));
    assert_ok(sf_prior_gaussian(&grid, spectrum, 0.0, &prior));
    assert_status(SF_ERR_ARGUMENT, sf_denoise(joint, prior, scene, NULL));
    assert_non_null(strstr(sf_last_error(), "one exposure"));
    assert_status(SF_ERR_UNSUPPORTED,
                  sf_diagnostics_add(joint, scene, (size_t[2]){0, 0}, (size_t[2]){2, 2},
                                     &(sf_diagnostics_sums){.lowest = INFINITY}));
    sf_prior_release(&prior);
    sf_spectrum_release(&spectrum);
    sf_observation_release(&one);
    /* an exposure keeps the whole */
    one = sf_observation_retain((sf_observation *)sf_observation_exposure(joint, 1));
    sf_observation_release(&joint);
    assert_int_equal(sf_observation_observed(one), 64);
    assert_ok(sf_observation_predict(one, scene, scene));
    sf_observation_release(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_shift_on_the_sky),
        cmocka_unit_test(test_adjoint),
        cmocka_unit_test(test_linear_solution),
        cmocka_unit_test(test_posterior),
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_repeats_are_less_noise),
        cmocka_unit_test(test_repeated_counts_add_up),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
