/* bench_posterior.c - what each likelihood of sf_posterior does to means and standard deviations
 * where the posterior is known: the tables of inverse.h.
 *   1. One mode of variance c seen through a, noise 0.1: posterior mean and standard deviation over
 *      the exact ones, as the reverse diffusion has them in the limit of small steps (the drift of
 *      every mode is linear, so that mean and variance follow a recursion, without any samples).
 *   2. The same for a 32 x 32 field behind a PSF, its modes grouped by |H|^2 lambda/noise^2.
 *   3. Samples of that field by sf_sample with 10 ... 500 evaluations: mean and deviation again,
 *      calls and pulls of the prior, seconds.
 *   4. The same frame with borders and bad pixels, against the exact mean and deviation of each
 * cell.
 *   5. A mixture of two modes with a linear observation: the weight of one mode.
 *
 *     bench_posterior [SAMPLES [THREADS [TABLE]]]
 */
#include <scorefield/inverse.h>

#include <complex.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(call) must((call), __LINE__)

enum { LIKELIHOODS = SF_LIKELIHOOD_PROXIMAL + 1, GROUPS = 4, SIDE = 32, CELLS = SIDE * SIDE };

static size_t samples = 4000;

static void must(sf_status status, int line)
{
    if (status == SF_OK) return;
    fprintf(stderr, "line %d: %s\n", line, sf_last_error());
    exit(1);
}

static void *memory(size_t count, size_t size)
{
    void *m;

    MUST(sf_allocate(&m, count, size));
    return m;
}

/* ---- a prior that counts what it is asked ---------------------------------------------------- */

typedef struct counter {
    sf_prior *prior;
    atomic_size_t calls, pulls; /* of fields */
} counter;

static sf_status counted_denoise(const void *self, size_t batch, const double *x, double sigma,
                                 double *out)
{
    counter *c = *(counter *const *)self;

    atomic_fetch_add(&c->calls, batch);
    return sf_prior_denoise(c->prior, batch, x, sigma, out);
}

static sf_status counted_pull(const void *self, size_t batch, const double *x, double sigma,
                              const double *v, double *denoised, double *out)
{
    counter *c = *(counter *const *)self;

    atomic_fetch_add(&c->pulls, batch);
    return sf_prior_pull(c->prior, batch, x, sigma, v, denoised, out);
}

static const sf_prior_methods counted = {
    .name = "counted", .denoise = counted_denoise, .pull = counted_pull, .destroy = sf_free};

static sf_prior *count(counter *c)
{
    counter **self = memory(1, sizeof *self);
    sf_prior *prior;

    *self = c;
    MUST(sf_prior_create(&counted, self, sf_prior_grid(c->prior), &prior));
    return prior;
}

/* ---- the limit of small steps ---------------------------------------------------------------- */

/* A field whose modes decouple, and its posterior's mean and variance as a sampler has them. */
typedef struct modes {
    sf_grid grid;
    sf_fft *fft;
    size_t half;
    sf_spectrum *spectrum;
    sf_prior *field;
    sf_observation *observation;
    double noise, *lambda;
    sf_complex *transfer;
    sf_complex *exact_mean; /* of F x_0 */
    double *exact;          /* variance of a mode of x_0, in units of lambda */
} modes;

static void modes_exact(modes *m, const double *pixels)
{
    sf_complex *y = memory(m->half, sizeof *y);

    m->exact_mean = memory(m->half, sizeof *m->exact_mean);
    m->exact = memory(m->half, sizeof *m->exact);
    MUST(sf_fft_forward(m->fft, pixels, y));
    for (size_t k = 0; k < m->half; k++) {
        const double h2 = creal(m->transfer[k] * conj(m->transfer[k])) / (m->noise * m->noise);

        m->exact[k] = 1.0 / (1.0 / m->lambda[k] + h2);
        m->exact_mean[k] = m->exact[k] * conj(m->transfer[k]) * y[k] / (m->noise * m->noise);
    }
    sf_free(y);
}

/* Of pixels = H truth + noise on a periodic frame, or truth itself where noise is not added. */
static modes modes_make(const sf_grid *grid, sf_spectrum *spectrum, const sf_psf *psf, double noise,
                        const double *pixels)
{
    sf_observation_options periodic = sf_observation_options_default();
    modes m = {.grid = *grid, .half = sf_grid_half_size(grid), .noise = noise};

    periodic.periodic = true;
    m.spectrum = spectrum;
    m.lambda = memory(m.half, sizeof *m.lambda);
    m.transfer = memory(m.half, sizeof *m.transfer);
    MUST(sf_fft_create(grid, &m.fft));
    MUST(sf_spectrum_eigenvalues(spectrum, grid, m.lambda));
    MUST(sf_transfer_function(grid, sf_psf_grid(psf), sf_psf_pixels(psf), m.transfer));
    MUST(sf_prior_gaussian(grid, spectrum, 0.0, &m.field));
    MUST(sf_observation_create(grid, pixels, NULL, noise, NULL, psf, &periodic, &m.observation));
    modes_exact(&m, pixels);
    return m;
}

static void modes_free(modes *m)
{
    sf_fft_release(&m->fft);
    sf_spectrum_release(&m->spectrum);
    sf_prior_release(&m->field);
    sf_observation_release(&m->observation);
    sf_free(m->lambda);
    sf_free(m->transfer);
    sf_free(m->exact_mean);
    sf_free(m->exact);
}

/* D_y at level u is slope_k X_k + offset_k: from its values at 0 and at a single cell. */
static void linear_map(const modes *m, const sf_prior *posterior, double u, sf_complex *slope,
                       sf_complex *offset)
{
    const size_t n = sf_grid_size(&m->grid);
    double *x = memory(2 * n, sizeof *x), *out = memory(2 * n, sizeof *out);

    x[n] = 1.0;
    MUST(sf_prior_denoise(posterior, 2, x, u, out));
    for (size_t i = 0; i < n; i++) out[n + i] -= out[i];
    MUST(sf_fft_forward(m->fft, out, offset));
    MUST(sf_fft_forward(m->fft, out + n, slope));
    sf_free(x);
    sf_free(out);
}

/* With tau = u^2 the reverse diffusion is dx = dL ((slope - 1) x + offset) + sqrt(tau dL) e, L =
 * log tau falling: solved exactly over steps within which slope and offset stay. */
static void reverse(const modes *m, const sf_prior *posterior, double high, double low,
                    size_t steps, sf_complex *mean, double *variance)
{
    const double d = 2.0 * log(high / low) / (double)steps;
    sf_complex *slope = memory(m->half, sizeof *slope), *offset = memory(m->half, sizeof *offset);

    for (size_t k = 0; k < m->half; k++) {
        mean[k] = 0.0;
        variance[k] = m->lambda[k] + high * high;
    }
    for (size_t s = 0; s < steps; s++) {
        const double tau = high * high * exp(-d * (double)s);
        linear_map(m, posterior, sqrt(tau * exp(-0.5 * d)), slope, offset);
        for (size_t k = 0; k < m->half; k++) {
            const double rate = creal(slope[k]) - 1.0, e = exp(rate * d);
            mean[k] = e * mean[k] + offset[k] * (e - 1.0) / rate;
            variance[k] =
                e * e * variance[k] +
                tau * (e * e - exp(-d)) / (fabs(2.0 * rate + 1.0) > 1e-9 ? 2.0 * rate + 1.0 : 1e-9);
        }
    }
    sf_free(slope);
    sf_free(offset);
}

/* ---- 1. one mode ----------------------------------------------------------------------------- */

/* The mode that alternates from cell to cell, 4 in a row: a PSF p, 1 - 2p, p shows 1 - 4p of it. */
static modes one_mode(double c, double a)
{
    const double p = 0.25 * (1.0 - a), core[3] = {p, 1.0 - 2.0 * p, p};
    const double pixels[4] = {1.0, -1.0, 1.0, -1.0};
    sf_psf_options options = sf_psf_options_default();
    sf_spectrum *spectrum;
    sf_grid grid, kernel;
    sf_psf *psf;
    modes m;

    options.centre = SF_PSF_DECLARED;
    options.pedestal = 0.0;
    MUST(sf_grid_image(1, 4, &grid));
    MUST(sf_grid_image(1, 3, &kernel));
    MUST(sf_psf_from_pixels(&kernel, core, &options, &psf));
    MUST(sf_spectrum_power_law(c, 0.0, c, &spectrum));
    m = modes_make(&grid, spectrum, psf, 0.1, pixels);
    sf_psf_release(&psf);
    return m;
}

static sf_prior *posterior_of(const modes *m, sf_likelihood likelihood, double variance,
                              const sf_spectrum *spectrum, double tolerance)
{
    sf_posterior_options options = sf_posterior_options_default();
    sf_prior *posterior;

    options.likelihood = likelihood;
    options.variance = variance;
    options.spectrum = spectrum;
    options.tolerance = tolerance;
    MUST(sf_posterior(m->field, m->observation, &options, &posterior));
    return posterior;
}

static void table_of_one_mode(void)
{
    static const double cases[3][2] = {{1.0, 1.0}, {1.0, 0.05}, {0.05, 1.0}};

    printf("1. one mode, noise 0.1: mean and deviation over the exact ones; v = 1\n%18s", "");
    for (size_t i = 0; i < 3; i++) printf("   c=%-4g a=%-4g", cases[i][0], cases[i][1]);
    for (int l = 0; l < LIKELIHOODS; l++) {
        printf("\n%-18s", sf_likelihood_text((sf_likelihood)l));
        for (size_t i = 0; i < 3; i++) {
            modes m = one_mode(cases[i][0], cases[i][1]);
            sf_complex mean[3];
            double variance[3];
            sf_prior *posterior = posterior_of(&m, (sf_likelihood)l, 1.0, NULL, 1e-8);
            reverse(&m, posterior, 100.0, 1e-3, 5000, mean, variance);
            printf("    %5.2f %5.2f ", creal(mean[2]) / creal(m.exact_mean[2]),
                   sqrt(variance[2] / m.exact[2]));
            sf_prior_release(&posterior);
            modes_free(&m);
        }
        fflush(stdout);
    }
    printf("\n\n");
}

/* ---- 2. a field ------------------------------------------------------------------------------ */

static modes a_field(void)
{
    double *pixels, *noise = memory(CELLS, sizeof *noise);
    sf_observation_options periodic = sf_observation_options_default();
    sf_field_draw_options draw = sf_field_draw_options_default();
    sf_observation *model;
    sf_spectrum *spectrum;
    sf_field *field;
    sf_grid grid;
    sf_psf *psf;
    modes m;

    periodic.periodic = true;
    MUST(sf_grid_image(SIDE, SIDE, &grid));
    MUST(sf_spectrum_matern(2, 1.0, 1.0, 4.0, &spectrum));
    MUST(sf_psf_gaussian(3.0, &psf));
    pixels = memory(sf_fft_buffer_size(&grid), sizeof *pixels);
    MUST(sf_field_create(&grid, spectrum, 0.0, &field));
    MUST(sf_field_draw(field, &draw, pixels));
    MUST(sf_observation_create(&grid, pixels, NULL, 0.1, NULL, psf, &periodic, &model));
    MUST(sf_observation_predict(model, pixels, pixels));
    sf_random_normal(sf_random_make(2, 0), 0, 0, CELLS, noise);
    for (size_t i = 0; i < CELLS; i++) pixels[i] += 0.1 * noise[i];
    m = modes_make(&grid, spectrum, psf, 0.1, pixels);
    sf_observation_release(&model);
    sf_field_release(&field);
    sf_psf_release(&psf);
    sf_free(pixels);
    sf_free(noise);
    return m;
}

static size_t group_of(const modes *m, size_t k)
{
    const double h = cabs(m->transfer[k]), signal = h * h * m->lambda[k] / (m->noise * m->noise);

    return signal > 100.0 ? 0 : signal > 1.0 ? 1 : signal > 0.01 ? 2 : 3;
}

/* Over each group's modes: the rms error of the mean in exact deviations, and the rms deviation
 * over the exact one. */
static void print_groups(const modes *m, const sf_complex *mean, const double *variance)
{
    double error[GROUPS] = {0.0}, v[GROUPS] = {0.0}, n[GROUPS] = {0.0};

    for (size_t k = 0; k < m->half; k++) {
        const double w = sf_grid_mode_weight(&m->grid, k), cells = (double)sf_grid_size(&m->grid);
        const sf_complex away = mean[k] - m->exact_mean[k];
        const size_t g = group_of(m, k);

        error[g] += w * creal(away * conj(away)) / (m->exact[k] * cells);
        v[g] += w * variance[k] / m->exact[k];
        n[g] += w;
    }
    for (size_t g = 0; g < GROUPS; g++)
        printf("   %5.2f %5.2f", sqrt(error[g] / n[g]), sqrt(v[g] / n[g]));
}

static void print_groups_head(const modes *m, const char *first)
{
    double n[GROUPS] = {0.0};

    for (size_t k = 0; k < m->half; k++) n[group_of(m, k)] += sf_grid_mode_weight(&m->grid, k);
    printf("%s        > 100       1 - 100      0.01 - 1        < 0.01\n%*s", first,
           (int)strlen(first), "modes");
    for (size_t g = 0; g < GROUPS; g++) printf("   %11.0f", n[g]);
    printf("\n");
}

static const struct variant {
    const char *name;
    sf_likelihood likelihood;
    bool spectrum;
} variants[] = {
    {"exact", SF_LIKELIHOOD_EXACT, false},
    {"matching, spectrum", SF_LIKELIHOOD_MOMENT_MATCHING, true},
    {"matching, v", SF_LIKELIHOOD_MOMENT_MATCHING, false},
    {"proximal, spectrum", SF_LIKELIHOOD_PROXIMAL, true},
    {"proximal, v", SF_LIKELIHOOD_PROXIMAL, false},
    {"diagonal", SF_LIKELIHOOD_DIAGONAL, false},
    {"PiGDM, v", SF_LIKELIHOOD_PIGDM, false},
    {"DPS", SF_LIKELIHOOD_DPS, false},
    {"convolved", SF_LIKELIHOOD_CONVOLVED, false},
    {"plug-in", SF_LIKELIHOOD_PLUG_IN, false},
    {"annealed", SF_LIKELIHOOD_ANNEALED, false},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static void table_of_a_field(const modes *m)
{
    sf_complex *mean = memory(m->half, sizeof *mean);
    double *variance = memory(m->half, sizeof *variance);

    printf("2. a field, %d x %d, PSF of FWHM 3, by |H|^2 lambda/noise^2; v chosen\n", SIDE, SIDE);
    print_groups_head(m, "                   ");
    for (size_t i = 0; i < VARIANTS; i++) {
        sf_prior *posterior = posterior_of(m, variants[i].likelihood, 0.0,
                                           variants[i].spectrum ? m->spectrum : NULL, 1e-8);

        reverse(m, posterior, 200.0, 1e-3, 1000, mean, variance);
        printf("%-19s", variants[i].name);
        print_groups(m, mean, variance);
        printf("\n");
        fflush(stdout);
        sf_prior_release(&posterior);
    }
    printf("\n");
    sf_free(mean);
    sf_free(variance);
}

/* ---- 3. samples ------------------------------------------------------------------------------ */

static sf_sample_options sampling(sf_predictor predictor, size_t steps)
{
    sf_sample_options o = sf_sample_options_default();

    o.predictor = predictor;
    o.steps = steps;
    o.variance = 1.0;
    o.seed = 5;
    return o;
}

/* Mean and variance of each mode, of all samples. */
static sf_status sample_modes(const modes *m, const sf_prior *posterior, const sf_sample_options *o,
                              sf_complex *mean, double *variance, sf_sample_report *report)
{
    double *x = memory(samples * CELLS, sizeof *x);
    sf_complex *mode = memory(m->half, sizeof *mode);
    sf_diffusion edm;
    sf_status status;

    MUST(sf_diffusion_edm(2e-3, 80.0, &edm));
    status = sf_sample(posterior, &edm, o, samples, x, report);
    memset(mean, 0, m->half * sizeof *mean);
    memset(variance, 0, m->half * sizeof *variance);
    for (size_t pass = 0; pass < 2 && status == SF_OK; pass++)
        for (size_t s = 0; s < samples; s++) {
            MUST(sf_fft_forward(m->fft, x + s * CELLS, mode));
            for (size_t k = 0; k < m->half; k++) {
                const sf_complex away = mode[k] - mean[k];
                if (pass == 0) /* Welford's mean */
                    mean[k] += away / (double)(s + 1);
                else
                    variance[k] += creal(away * conj(away)) / (double)(samples - 1) / CELLS;
            }
        }
    sf_free(x);
    sf_free(mode);
    return status;
}

static void sample_row(const modes *m, const struct variant *v, sf_predictor predictor,
                       const char *name, size_t steps)
{
    sf_complex *mean = memory(m->half, sizeof *mean);
    double *variance = memory(m->half, sizeof *variance);
    sf_sample_report report;
    counter c = {.prior = m->field};
    modes counting = *m;
    sf_prior *posterior;
    sf_sample_options o = sampling(predictor, steps);

    if (v->likelihood != SF_LIKELIHOOD_EXACT) counting.field = count(&c);
    posterior = posterior_of(&counting, v->likelihood, 0.0, v->spectrum ? m->spectrum : NULL, 1e-3);
    printf("%-19s%-12s%4zu", v->name, name, steps);
    if (sample_modes(m, posterior, &o, mean, variance, &report) == SF_OK && variance[0] < 1e6) {
        print_groups(m, mean, variance);
        printf("   %5.1f + %-5.1f %6.1f s\n",
               c.calls == 0 ? (double)report.evaluations : (double)c.calls / (double)samples,
               (double)c.pulls / (double)samples, report.seconds);
    } else
        printf("   diverges\n");
    fflush(stdout);
    if (v->likelihood != SF_LIKELIHOOD_EXACT) sf_prior_release(&counting.field);
    sf_prior_release(&posterior);
    sf_free(mean);
    sf_free(variance);
}

static void table_of_samples(const modes *m)
{
    static const size_t steps[] = {10, 20, 50, 100, 500};

    printf("3. %zu samples of the field; calls + pulls of the prior for each\n", samples);
    print_groups_head(m, "                            steps  ");
    for (size_t i = 0; i < 5; i++)
        sample_row(m, &variants[0], SF_PREDICTOR_ANCESTRAL, "ancestral", steps[i]);
    for (size_t i = 0; i < 5; i++)
        sample_row(m, &variants[0], SF_PREDICTOR_MULTISTEP_SDE, "multistep", steps[i]);
    for (size_t i = 0; i < 5; i++)
        sample_row(m, &variants[0], SF_PREDICTOR_FLOW_HEUN, "Heun", steps[i] / 2);
    for (size_t v = 1; v < VARIANTS; v++)
        sample_row(m, &variants[v], SF_PREDICTOR_MULTISTEP_SDE, "multistep", 50);
    printf("\n");
}

/* ---- 4. every kind of observation ------------------------------------------------------------ */

typedef struct kind {
    const char *name;
    double fwhm; /* 0: no PSF */
    bool border, holes, uneven;
    size_t upsample;
} kind;

static sf_observation *observe(const kind *of, const sf_grid *frame, const sf_psf *psf,
                               const double *pixels, bool bad)
{
    const size_t count = sf_grid_size(frame);
    double *sigma = memory(count, sizeof *sigma), *mask = memory(count, sizeof *mask);
    sf_observation_options options = sf_observation_options_default();
    sf_observation *observation;

    options.periodic = !of->border;
    options.upsample = of->upsample;
    for (size_t i = 0; i < count; i++) {
        sigma[i] = 0.1 * (of->uneven ? 0.5 + 0.5 * (double)(i % 7) : 1.0);
        mask[i] = bad && of->holes && (i * 2654435761U >> 8) % 4 == 0 ? 1.0 : 0.0;
    }
    MUST(sf_observation_create(frame, pixels, sigma, 0.0, mask, psf, &options, &observation));
    sf_free(sigma);
    sf_free(mask);
    return observation;
}

/* Pixels of a field's draw, with noise. */
static sf_observation *simulate(const kind *of, const sf_spectrum *spectrum)
{
    const size_t side = SIDE / of->upsample, count = side * side;
    double *pixels = memory(count, sizeof *pixels), *noise = memory(count, sizeof *noise), *truth;
    sf_field_draw_options draw = sf_field_draw_options_default();
    sf_observation *model, *observation;
    sf_field *field;
    sf_psf *psf = NULL;
    sf_grid frame;

    if (of->fwhm > 0.0) MUST(sf_psf_gaussian(of->fwhm, &psf));
    MUST(sf_grid_make(2, (const size_t[]){side, side},
                      (const double[]){(double)of->upsample, (double)of->upsample}, &frame));
    model = observe(of, &frame, psf, pixels, false);
    truth = memory(sf_fft_buffer_size(sf_observation_scene(model)), sizeof *truth);
    MUST(sf_field_create(sf_observation_scene(model), spectrum, 0.0, &field));
    MUST(sf_field_draw(field, &draw, truth));
    MUST(sf_observation_predict(model, truth, pixels));
    sf_random_normal(sf_random_make(2, 0), 0, 0, count, noise);
    for (size_t i = 0; i < count; i++)
        pixels[i] += 0.1 * (of->uneven ? 0.5 + 0.5 * (double)(i % 7) : 1.0) * noise[i];
    observation = observe(of, &frame, psf, pixels, true);
    sf_observation_release(&model);
    sf_field_release(&field);
    sf_psf_release(&psf);
    sf_free(pixels);
    sf_free(noise);
    sf_free(truth);
    return observation;
}

/* Mean and variance of each cell: the Wiener solution, and what the exact posterior's denoiser has
 * for a derivative where x says nothing. */
static void exact_cells(sf_observation *o, sf_prior *field, const sf_spectrum *spectrum,
                        double *mean, double *variance)
{
    enum { TOGETHER = 64 };
    const double level = 1e4;
    const size_t n = sf_grid_size(sf_observation_scene(o));
    sf_wiener_options wiener = sf_wiener_options_default();
    sf_posterior_options exact = sf_posterior_options_default();
    double *x = memory(TOGETHER * n, sizeof *x), *unit = memory(TOGETHER * n, sizeof *unit);
    double *out = memory(TOGETHER * n, sizeof *out);
    sf_prior *posterior;

    wiener.spectrum = spectrum;
    wiener.tolerance = 1e-10;
    MUST(sf_wiener(o, &wiener, mean, NULL));
    exact.likelihood = SF_LIKELIHOOD_EXACT;
    exact.tolerance = 1e-8;
    exact.iterations = 10000;
    MUST(sf_posterior(field, o, &exact, &posterior));
    for (size_t first = 0; first < n; first += TOGETHER) {
        const size_t count = n - first < TOGETHER ? n - first : TOGETHER;

        memset(unit, 0, TOGETHER * n * sizeof *unit);
        for (size_t i = 0; i < count; i++) unit[i * n + first + i] = 1.0;
        MUST(sf_prior_pull(posterior, count, x, level, unit, NULL, out));
        for (size_t i = 0; i < count; i++)
            variance[first + i] = level * level * out[i * n + first + i];
    }
    sf_prior_release(&posterior);
    sf_free(x);
    sf_free(unit);
    sf_free(out);
}

static void print_scores(size_t n, const double *x, const double *mean, const double *variance)
{
    double square[2] = {0.0}, most[2] = {0.0}, shares = 0.0;

    for (size_t i = 0; i < n; i++) {
        double m = 0.0, v = 0.0, z[2];

        for (size_t s = 0; s < samples; s++) m += (x[s * n + i] - mean[i]) / (double)samples;
        for (size_t s = 0; s < samples; s++)
            v += (x[s * n + i] - mean[i] - m) * (x[s * n + i] - mean[i] - m);
        v /= (double)(samples - 1) * variance[i];
        shares += v / (double)n;
        z[0] = m * sqrt((double)samples / variance[i]);
        z[1] = (v - 1.0) * sqrt(0.5 * (double)samples);
        for (size_t j = 0; j < 2; j++) {
            square[j] += z[j] * z[j] / (double)n;
            most[j] = fmax(most[j], fabs(z[j]));
        }
    }
    printf("%5zu    %5.2f %5.2f     %5.2f %5.2f     %.4f", n, sqrt(square[0]), most[0],
           sqrt(square[1]), most[1], sqrt(shares));
}

static void observation_row(const kind *of, sf_likelihood likelihood, const sf_spectrum *spectrum)
{
    sf_observation *o = simulate(of, spectrum);
    const size_t n = sf_grid_size(sf_observation_scene(o));
    double *mean = memory(n, sizeof *mean), *variance = memory(n, sizeof *variance);
    double *x = memory(samples * n, sizeof *x);
    sf_posterior_options options = sf_posterior_options_default();
    sf_sample_options sampler = sampling(SF_PREDICTOR_MULTISTEP_SDE, 100);
    sf_sample_report report;
    sf_prior *field, *posterior;
    sf_diffusion edm;

    MUST(sf_prior_gaussian(sf_observation_scene(o), spectrum, 0.0, &field));
    exact_cells(o, field, spectrum, mean, variance);
    options.likelihood = likelihood;
    options.spectrum = spectrum;
    MUST(sf_posterior(field, o, &options, &posterior));
    MUST(sf_diffusion_edm(2e-3, 80.0, &edm));
    MUST(sf_sample(posterior, &edm, &sampler, samples, x, &report));
    printf("%-17s%-17s", of->name, sf_likelihood_text(likelihood));
    print_scores(n, x, mean, variance);
    printf("  %7.1f s\n", report.seconds);
    fflush(stdout);
    sf_prior_release(&posterior);
    sf_prior_release(&field);
    sf_observation_release(&o);
    sf_free(mean);
    sf_free(variance);
    sf_free(x);
}

static void table_of_observations(const sf_spectrum *spectrum)
{
    static const kind kinds[] = {{"blur", 3.0, false, false, false, 1},
                                 {"holes", 0.0, false, true, false, 1},
                                 {"blur and holes", 3.0, false, true, false, 1},
                                 {"blur and border", 3.0, true, false, false, 1},
                                 {"downsampling", 3.0, true, false, false, 2},
                                 {"uneven noise", 3.0, false, false, true, 1}};

    printf("4. %zu samples, 100 multistep evaluations: z-scores of all cells, rms and largest\n"
           "%34scells    mean              variance          deviation\n",
           samples, "");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        observation_row(&kinds[i], SF_LIKELIHOOD_EXACT, spectrum);
    observation_row(&kinds[2], SF_LIKELIHOOD_MOMENT_MATCHING, spectrum);
    printf("\n");
}

/* ---- 5. two modes ---------------------------------------------------------------------------- */

static double two_weights[] = {0.7, 0.3};
static double two_means[] = {1.0, 0.6, -0.4, 1.0, -1.0, -0.2, 0.5, -1.2};
static double two_variances[] = {0.15, 0.1};

/* The share of samples nearer to the first mode. */
static double share_of_first(size_t count, const double *x)
{
    double share = 0.0;

    for (size_t s = 0; s < count; s++) {
        double away[2] = {0.0};
        for (size_t j = 0; j < 8; j++) {
            const double d = x[4 * s + j % 4] - two_means[j];
            away[j / 4] += d * d / two_variances[j / 4];
        }
        share += away[0] < away[1] ? 1.0 / (double)count : 0.0;
    }
    return share;
}

static void print_share(const char *name, const sf_prior *posterior, size_t steps, double exact)
{
    const double error = sqrt(exact * (1.0 - exact) / (double)samples);
    double *x = memory(4 * samples, sizeof *x), share;
    sf_sample_options o = sampling(SF_PREDICTOR_MULTISTEP_SDE, steps);
    sf_diffusion edm;

    MUST(sf_diffusion_edm(2e-3, 40.0, &edm));
    MUST(sf_sample(posterior, &edm, &o, samples, x, NULL));
    share = share_of_first(samples, x);
    printf("%-28s %.4f  %+6.1f errors\n", name, share, (share - exact) / error);
    sf_free(x);
}

static void table_of_a_mixture(void)
{
    enum { MANY = 1000000 };
    const sf_mixture two = {4, 2, SF_COVARIANCE_ROUND, two_weights, two_means, two_variances};
    const double a[12] = {1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0};
    const double pixels[4] = {0.1, 0.3, NAN, 0.2}, y[3] = {0.1, 0.3, 0.2};
    const double v[3] = {0.49, 0.49, 0.49};
    double *x = memory(4 * MANY, sizeof *x), exact;
    sf_observation *observation;
    sf_mixture *mixture;
    sf_prior *prior, *posterior;
    sf_grid grid;

    MUST(sf_grid_image(2, 2, &grid));
    MUST(sf_mixture_posterior(&two, 3, a, y, v, &mixture, NULL));
    MUST(sf_mixture_draw(mixture, sf_random_make(3, 3), 0, MANY, x));
    exact = share_of_first(MANY, x);
    printf("5. two modes: %zu samples nearer to the first\n%-28s %.4f\n", samples, "exact draws",
           exact);
    MUST(sf_prior_mixture(&grid, mixture, &posterior));
    print_share("the posterior, as a mixture", posterior, 200, exact);
    sf_prior_release(&posterior);
    MUST(sf_prior_mixture(&grid, &two, &prior));
    MUST(sf_observation_create(&grid, pixels, NULL, 0.7, NULL, NULL, NULL, &observation));
    for (int l = SF_LIKELIHOOD_EXACT + 1; l < LIKELIHOODS; l++) {
        sf_posterior_options options = sf_posterior_options_default();
        const bool stiff = l == SF_LIKELIHOOD_DPS || l == SF_LIKELIHOOD_PLUG_IN;

        options.likelihood = (sf_likelihood)l;
        MUST(sf_posterior(prior, observation, &options, &posterior));
        print_share(sf_likelihood_text(options.likelihood), posterior, stiff ? 20000 : 200, exact);
        sf_prior_release(&posterior);
    }
    sf_prior_release(&prior);
    sf_observation_release(&observation);
    sf_mixture_release(&mixture);
    sf_free(x);
}

int main(int argc, char **argv)
{
    const int table = argc > 3 ? atoi(argv[3]) : 0; /* 0: all */
    modes m;

    if (argc > 1) samples = strtoul(argv[1], NULL, 10);
    if (argc > 2) MUST(sf_thread_count_set(atoi(argv[2])));
    if (samples < 2) {
        fprintf(stderr, "bench_posterior [SAMPLES [THREADS [TABLE]]], two samples at least\n");
        return 2;
    }
    m = a_field();
    if (table == 0 || table == 1) table_of_one_mode();
    if (table == 0 || table == 2) table_of_a_field(&m);
    if (table == 0 || table == 3) table_of_samples(&m);
    if (table == 0 || table == 4) table_of_observations(m.spectrum);
    if (table == 0 || table == 5) table_of_a_mixture();
    modes_free(&m);
    return 0;
}
