/* test_shared_noise.c - noise that neighbours share: closed forms, dense algebra, and what it
 * gains.
 */
#include "simulate.h"

#include <complex.h>

#include "inverse/normal.h"

#define ROWS    24
#define COLUMNS 30
#define CELLS   (ROWS * COLUMNS)

static double shared(double k, void *user) /* neighbours share it, as after drizzling */
{
    (void)user;
    return 3.0 * (0.15 + exp(-k * k));
}

static double red(double k, void *user)
{
    (void)user;
    return 4.0 / (0.05 + k * k);
}

typedef struct problem {
    sf_grid grid;
    sf_psf *psf;
    sf_spectrum *noise, *field;
    sf_observation *observation;
    double truth[CELLS], pixels[CELLS], mask[CELLS];
} problem;

/* lambda_k, with P(0) that of the longest wave; returns the mean. */
static double eigenvalues(const sf_grid *grid, const sf_spectrum *spectrum, double *lambda)
{
    double mean = 0.0;

    assert_ok(sf_spectrum_eigenvalues(spectrum, grid, lambda));
    assert_ok(sf_spectrum_power(spectrum, 2.0 * 3.14159265358979323846 / COLUMNS, &lambda[0]));
    for (size_t k = 0; k < sf_grid_half_size(grid); k++)
        mean += sf_grid_mode_weight(grid, k) * lambda[k] / CELLS;
    return mean;
}

/* White noise, wave by wave made that of a spectrum; of variance 1, or as the spectrum says. */
static void draw(const sf_grid *grid, const sf_spectrum *spectrum, bool normalised, uint64_t seed,
                 double *values)
{
    const size_t half = sf_grid_half_size(grid);
    double *lambda, mean;
    sf_complex *modes;
    sf_fft *fft;

    assert_ok(sf_fft_create(grid, &fft));
    assert_ok(sf_allocate(&modes, half, sizeof *modes));
    assert_ok(sf_allocate(&lambda, half, sizeof *lambda));
    mean = eigenvalues(grid, spectrum, lambda);
    memset(values, 0, CELLS * sizeof *values);
    add_noise(seed, CELLS, 1.0, values);
    assert_ok(sf_fft_forward(fft, values, modes));
    for (size_t k = 0; k < half; k++) modes[k] *= sqrt(lambda[k] / (normalised ? mean : 1.0));
    assert_ok(sf_fft_inverse(fft, modes, values));
    sf_free(modes);
    sf_free(lambda);
    sf_fft_release(&fft);
}

/* A field seen through a PSF with noise of deviation 0.3 of that spectrum, periodic. */
static void pose(problem *p, uint64_t seed, bool masked, bool told)
{
    sf_observation_options options = sf_observation_options_default();
    sf_observation *clean;
    double *noise = new_array(CELLS);

    memset(p, 0, sizeof *p);
    assert_ok(sf_grid_image(ROWS, COLUMNS, &p->grid));
    assert_ok(sf_psf_gaussian(2.5, &p->psf));
    assert_ok(sf_spectrum_callback(shared, NULL, &p->noise));
    assert_ok(sf_spectrum_callback(red, NULL, &p->field));
    options.periodic = true;
    draw(&p->grid, p->field, false, 2 * seed, p->truth);
    draw(&p->grid, p->noise, true, 2 * seed + 1, noise);
    assert_ok(sf_observation_create(&p->grid, p->truth, NULL, 1.0, NULL, p->psf, &options, &clean));
    assert_ok(sf_observation_predict(clean, p->truth, p->pixels));
    sf_observation_release(&clean);
    for (size_t i = 0; i < CELLS; i++) {
        p->pixels[i] += 0.3 * noise[i];
        p->mask[i] = masked && i % 17 == 5 ? 1.0 : 0.0;
    }
    options.correlation = told ? p->noise : NULL;
    assert_ok(sf_observation_create(&p->grid, p->pixels, NULL, 0.3, p->mask, p->psf, &options,
                                    &p->observation));
    sf_free(noise);
}

static void forget(problem *p)
{
    sf_observation_release(&p->observation);
    sf_spectrum_release(&p->noise);
    sf_spectrum_release(&p->field);
    sf_psf_release(&p->psf);
}

/* conj(H) l Y / (|H|^2 l + N), N_k = 0.09 C_k */
static void closed_form(const problem *p, double *solution)
{
    const size_t half = sf_grid_half_size(&p->grid);
    double *lambda, *noise, mean;
    sf_complex *h, *y;
    sf_fft *fft;

    assert_ok(sf_fft_create(&p->grid, &fft));
    assert_ok(sf_allocate(&h, half, sizeof *h));
    assert_ok(sf_allocate(&y, half, sizeof *y));
    assert_ok(sf_allocate(&lambda, half, sizeof *lambda));
    assert_ok(sf_allocate(&noise, half, sizeof *noise));
    assert_ok(sf_transfer_function(&p->grid, sf_psf_grid(p->psf), sf_psf_pixels(p->psf), h));
    assert_ok(sf_spectrum_eigenvalues(p->field, &p->grid, lambda));
    mean = eigenvalues(&p->grid, p->noise, noise);
    assert_ok(sf_fft_forward(fft, p->pixels, y));
    for (size_t k = 0; k < half; k++)
        y[k] *= conj(h[k]) * lambda[k] /
                (creal(h[k] * conj(h[k])) * lambda[k] + 0.09 * noise[k] / mean);
    assert_ok(sf_fft_inverse(fft, y, solution));
    sf_free(lambda);
    sf_free(noise);
    sf_free(h);
    sf_free(y);
    sf_fft_release(&fft);
}

static void solve(const problem *p, double *scene)
{
    sf_wiener_options options = sf_wiener_options_default();

    options.spectrum = p->field;
    options.tolerance = 1e-12;
    options.iterations = 5000;
    assert_ok(sf_wiener(p->observation, &options, scene, NULL));
}

static void test_periodic_is_the_closed_form(void **state)
{
    static double scene[CELLS], expected[CELLS];
    problem p;

    (void)state;
    pose(&p, 3, false, true);
    solve(&p, scene);
    closed_form(&p, expected);
    assert_close(relative_distance(scene, expected, CELLS), 0.0, 1e-10);
    forget(&p);
}

/* ADMM with the field's own proximal step goes to the same place. */
static void test_plug_and_play_goes_there(void **state)
{
    static double scene[CELLS], expected[CELLS];
    sf_pnp_options options = sf_pnp_options_default();
    sf_prior *prior;
    problem p;

    (void)state;
    pose(&p, 3, false, true);
    closed_form(&p, expected);
    assert_ok(sf_prior_gaussian(&p.grid, p.field, 0.0, &prior));
    options.penalty = 0.1;
    options.multiplier = true;
    options.conserve_flux = false;
    options.find_excess = false;
    options.iterations = 100000;
    options.tolerance = 1e-12;
    assert_ok(sf_pnp(p.observation, prior, &options, scene, NULL));
    assert_close(relative_distance(scene, expected, CELLS), 0.0, 1e-9);
    sf_prior_release(&prior);
    forget(&p);
}

/* With bad pixels: (H^T W H + R) x = H^T W y, every product by the operators one by one. */
static void test_masked_system(void **state)
{
    const sf_normal_goal goal = {.reduction = 1e-13, .iterations = 5000};
    static double x[CELLS], left[CELLS], right[CELLS], field[CELLS];
    sf_complex *work;
    sf_normal *normal;
    problem p;

    (void)state;
    pose(&p, 4, true, true);
    assert_ok(sf_allocate(&work, sf_grid_half_size(&p.grid), sizeof *work));
    assert_ok(sf_normal_create(p.observation, &normal));
    sf_normal_set_ridge(normal, 0.01);
    memset(field, 0, sizeof field);
    assert_ok(sf_normal_solve(normal, field, &goal, x));
    assert_true(sf_normal_iterations(normal) > 3);
    assert_ok(sf_observation_blur(p.observation, x, field));
    assert_ok(sf_observation_weigh(p.observation, field, work));
    assert_ok(sf_observation_blur_adjoint(p.observation, field, left));
    for (size_t i = 0; i < CELLS; i++) {
        left[i] += 0.01 * x[i];
        field[i] = p.mask[i] != 0.0 ? 1e6 : p.pixels[i];
    }
    assert_ok(sf_observation_weigh(p.observation, field, work));
    assert_ok(sf_observation_blur_adjoint(p.observation, field, right));
    assert_close(relative_distance(left, right, CELLS), 0.0, 1e-9);
    sf_normal_release(&normal);
    sf_free(work);
    forget(&p);
}

/* Of the truth the whitened residual has chi^2 = 1 and no correlation; of noise that is taken for
 * white it has the first by chance, and not the second. 40 frames, 4 deviations. */
static void test_whitened_residuals(void **state)
{
    enum { FRAMES = 40 };
    double chi = 0.0, white = 0.0, untold = 0.0;
    sf_diagnostics d;
    problem p;

    (void)state;
    for (uint64_t f = 0; f < FRAMES; f++) {
        pose(&p, 10 + f, false, true);
        assert_ok(sf_diagnose(p.observation, p.truth, &d));
        chi += d.chi_squared_z / FRAMES;
        white += d.whiteness_z / FRAMES;
        forget(&p);
        pose(&p, 10 + f, false, false);
        assert_ok(sf_diagnose(p.observation, p.truth, &d));
        untold += d.whiteness_z / FRAMES;
        forget(&p);
    }
    assert_close(chi, 0.0, 4.0 / sqrt(FRAMES));
    assert_close(white, 0.0, 4.0 / sqrt(FRAMES));
    assert_true(untold > 20.0);
}

/* A solution that knows the spectrum is nearer to the truth. */
static void test_knowing_helps(void **state)
{
    static double scene[CELLS];
    double told = 0.0, untold = 0.0;
    problem p;

    (void)state;
    for (uint64_t f = 0; f < 8; f++) {
        pose(&p, 80 + f, true, true);
        solve(&p, scene);
        told += relative_distance(scene, p.truth, CELLS) / 8.0;
        forget(&p);
        pose(&p, 80 + f, true, false);
        solve(&p, scene);
        untold += relative_distance(scene, p.truth, CELLS) / 8.0;
        forget(&p);
    }
    print_message("error %.4f with the spectrum, %.4f without\n", told, untold);
    assert_true(told < untold);
}

static void test_errors(void **state)
{
    sf_observation_options options = sf_observation_options_default();
    static double scene[CELLS];
    sf_observation *o;
    sf_prior *prior;
    problem p;

    (void)state;
    pose(&p, 1, false, true);
    assert_ok(sf_prior_gaussian(&p.grid, p.field, 0.0, &prior));
    assert_status(SF_ERR_UNSUPPORTED, sf_split_gibbs(p.observation, prior, NULL, 1, scene, NULL));
    options.correlation = p.noise;
    options.upsample = 2;
    assert_status(SF_ERR_UNSUPPORTED,
                  sf_observation_create(&p.grid, p.pixels, NULL, 1.0, NULL, p.psf, &options, &o));
    assert_null(o);
    sf_prior_release(&prior);
    forget(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_periodic_is_the_closed_form),
        cmocka_unit_test(test_plug_and_play_goes_there),
        cmocka_unit_test(test_masked_system),
        cmocka_unit_test(test_whitened_residuals),
        cmocka_unit_test(test_knowing_helps),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
