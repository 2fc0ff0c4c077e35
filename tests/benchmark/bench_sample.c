/* bench_sample.c - what a step of sf_sample costs beside the network, and what steps are worth.
 *     bench_sample [SIDE]     of the images; 128
 *
 * First: seconds outside of the built-in network's evaluation over those inside, for each
 * predictor, on one thread in processor time; the aim is below 5 %. A prior that only hands on
 * measures it, so what sf_prior checks counts as outside.
 *
 * Second: variance of samples of a Gaussian over the exact one, less 1, by evaluations of the
 * prior, for levels of noise from 30 to 0.03 of its standard deviation spaced in log-SNR. The cells
 * are 2^18 independent Gaussians: +- 0.3 %, and 0.1 % is the noise that is left.
 *
 * Measured on an Intel Xeon (AVX-512, shared with others), gcc 12, 128 x 128: outside 0.1 % to
 * 0.4 % of inside, alone or four together, with a Langevin move after each step or without. And:
 *
 *     evaluations             10      20      50     100     500
 *     ancestral           -45.84  -27.49  -12.08   -6.30   -0.85
 *     reverse-diffusion   115.28   44.57   15.86    7.56    1.92
 *     multistep-sde         8.46    4.00    1.23    0.47    0.53
 *     multistep             4.99    1.77    0.59    0.41    0.35
 *     heun                 81.46   15.24    2.41    0.85    0.37 */
#include <scorefield/diffusion.h>

#include "timing.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    sf_predictor predictor;
    size_t evaluations; /* a step */
} predictors[] = {{"ancestral", SF_PREDICTOR_ANCESTRAL, 1},
                  {"reverse-diffusion", SF_PREDICTOR_REVERSE_DIFFUSION, 1},
                  {"multistep-sde", SF_PREDICTOR_MULTISTEP_SDE, 1},
                  {"multistep", SF_PREDICTOR_MULTISTEP, 1},
                  {"heun", SF_PREDICTOR_FLOW_HEUN, 2}};
enum { PREDICTORS = sizeof predictors / sizeof *predictors };

static void must(sf_status status)
{
    if (status == SF_OK) return;
    fprintf(stderr, "bench_sample: %s\n", sf_last_error());
    exit(1);
}

/* ---- beside the network ---------------------------------------------------------------------- */

typedef struct stopwatch {
    sf_inference *inference;
    size_t size;
    double inside;
} stopwatch;

static sf_status timed_denoise(const void *self, size_t batch, const double *x, double sigma,
                               double *out)
{
    stopwatch *w = *(stopwatch *const *)self;
    const double start = seconds_of_threads(1);
    sf_status status = SF_OK;

    for (size_t b = 0; b < batch && status == SF_OK; b++)
        status = sf_inference_denoise(w->inference, x + b * w->size, sigma, out + b * w->size);
    w->inside += seconds_of_threads(1) - start;
    return status;
}

static const sf_prior_methods timed = {.name = "timed", .denoise = timed_denoise};

/* Seconds outside over seconds inside: the least of three runs. */
static double overhead(const sf_prior *prior, stopwatch *w, const sf_sample_options *options,
                       size_t batch, double *x)
{
    double least = 1e300;
    sf_diffusion diffusion;

    must(sf_diffusion_edm(0.001, 1.5, &diffusion));
    for (int run = 0; run < 3; run++) {
        double seconds = seconds_of_threads(1);

        w->inside = 0.0;
        must(sf_sample(prior, &diffusion, options, batch, x, NULL));
        seconds = (seconds_of_threads(1) - seconds - w->inside) / w->inside;
        if (seconds < least) least = seconds;
    }
    return least;
}

static void print_overheads(size_t side)
{
    stopwatch watch = {.size = side * side}, *self = &watch;
    double *x;
    sf_model *model;
    sf_prior *prior;
    sf_grid grid;

    must(sf_thread_count_set(1));
    must(sf_grid_image(side, side, &grid));
    must(sf_model_builtin(&model));
    must(sf_inference_create(model, side, side, &watch.inference));
    must(sf_prior_create(&timed, &self, &grid, &prior));
    must(sf_allocate(&x, 4 * watch.size, sizeof *x));
    printf("outside of the network, %zu x %zu, in per cent of inside\n", side, side);
    for (size_t p = 0; p < PREDICTORS; p++) {
        sf_sample_options options = sf_sample_options_default();

        options.predictor = predictors[p].predictor;
        options.steps = 10;
        printf("  %-18s alone %5.2f", predictors[p].name,
               100.0 * overhead(prior, &watch, &options, 1, x));
        printf("   four together %5.2f", 100.0 * overhead(prior, &watch, &options, 4, x));
        options.corrector = SF_CORRECTOR_LANGEVIN;
        printf("   with Langevin %5.2f\n", 100.0 * overhead(prior, &watch, &options, 1, x));
    }
    sf_free(x);
    sf_prior_release(&prior);
    sf_inference_release(&watch.inference);
    sf_model_release(&model);
    must(sf_thread_count_set(0));
}

/* ---- steps ----------------------------------------------------------------------------------- */

static double one(double k, void *user)
{
    (void)k;
    (void)user;
    return 1.0;
}

/* Variance less 1, in per cent. */
static double bias(const sf_prior *prior, size_t which, size_t evaluations, size_t count, double *x)
{
    sf_sample_options options = sf_sample_options_default();
    sf_diffusion diffusion;
    double square = 0.0;

    options.predictor = predictors[which].predictor;
    options.steps = evaluations / predictors[which].evaluations;
    options.spacing = SF_TIMES_LOG_SNR;
    options.variance = 1.0;
    must(sf_diffusion_edm(0.03, 30.0, &diffusion));
    must(sf_sample(prior, &diffusion, &options, 1, x, NULL));
    for (size_t i = 0; i < count; i++) square += x[i] * x[i];
    return 100.0 * (square / (double)count - 1.0);
}

static void print_biases(void)
{
    const size_t evaluations[] = {10, 20, 50, 100, 500}, side = 512;
    sf_spectrum *spectrum;
    sf_prior *prior;
    sf_grid grid;
    double *x;

    must(sf_grid_image(side, side, &grid));
    must(sf_spectrum_callback(one, NULL, &spectrum));
    must(sf_prior_gaussian(&grid, spectrum, 0.0, &prior));
    must(sf_allocate(&x, side * side, sizeof *x));
    printf("variance of a Gaussian's samples less the exact one, in per cent of it\n  %-18s",
           "evaluations");
    for (size_t e = 0; e < 5; e++) printf(" %7zu", evaluations[e]);
    for (size_t p = 0; p < PREDICTORS; p++) {
        printf("\n  %-18s", predictors[p].name);
        for (size_t e = 0; e < 5; e++)
            printf(" %7.2f", bias(prior, p, evaluations[e], side * side, x));
    }
    printf("\n");
    sf_free(x);
    sf_prior_release(&prior);
    sf_spectrum_release(&spectrum);
}

int main(int argc, char **argv)
{
    const size_t side = argc > 1 ? strtoul(argv[1], NULL, 10) : 128;

    if (side == 0) return 2;
    print_overheads(side);
    print_biases();
    return 0;
}
