/* bench_tuning.c - what wrong settings cost plug and play.
 *
 * HST galaxies of SCOREFIELD_DATA, binned 2 x 2, and three simulated scenes of 96 x 96 pixels
 * behind a Gaussian PSF, at a signal-to-noise ratio of the brightest pixel of 30 and 200 (a galaxy
 * takes part where its own noise is below half of what is added: two, and one). The noise is stated
 * 0.8, 1 and 1.2 times what it is, and the penalty set a tenth, one and ten times what is right:
 *     hqs      the first penalty of its schedule, by the first level (15 sqrt(1/factor) noises)
 *     pnp      the same of the schedule that comes before it
 *     penalty  ADMM from that penalty on and a smooth solution (factor/9 of 1/noise^2), to 0.005
 *
 * Printed: PSNR less the best of the nine, the mean and the worst of the truths. Measured, in dB:
 * the mean of the nine, the worst of them, and the worst truth in brackets:
 *
 *                   hqs                   pnp                   penalty
 *     S/N 30 gal.   -0.17 -0.36 (-0.49)   -0.07 -0.14 (-0.26)   -0.10 -0.16 (-0.30)
 *            scenes -0.13 -0.34 (-0.45)   -0.13 -0.33 (-0.97)   -0.07 -0.11 (-0.29)
 *        200 gal.   -0.34 -1.07 (-1.07)   -0.16 -0.31 (-0.31)   -0.08 -0.21 (-0.21)
 *            scenes -0.46 -0.83 (-1.49)   -0.10 -0.14 (-0.27)   -0.04 -0.06 (-0.11)
 *
 * With penalties fixed at 0.1, 1 and 10 and the noise taken as it is stated ADMM lost up to 15 dB
 * on the mean of truths (of S/N 200), and with a strength of 0.023 both ways up
 * to 40. Short of 0.3 dB: pnp on one crowded scene whose noise is stated 0.8 times what it is; hqs
 * at S/N 200, where its schedule begins at 4.7 noises, and where crowded structure looks like noise
 * that neighbours share. The best of pnp has 0.4, 0.4, -0.1 and -0.1 dB more than the best of hqs.
 *
 * usage: bench_tuning [FWHM] (pixels, default 3); in bf16 where the processor has matrix units */
#include "truths.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK truths_ok

enum { FACTORS = 3, NOISES = 3, DRAWN = 3, SIDE = 96 };
static const double factors[FACTORS] = {0.1, 1.0, 10.0}, noises[NOISES] = {0.8, 1.0, 1.2};

typedef enum way { HQS, PNP, PENALTY, WAYS } way;
static const char *const ways[WAYS] = {"hqs", "pnp", "penalty"};

typedef struct table {
    double sum[NOISES][FACTORS], worst[NOISES][FACTORS]; /* dB lost */
    double best, iterations, seconds;                    /* sums */
    size_t truths, runs;
} table;

static sf_pnp_options set(way w, double factor)
{
    sf_pnp_options options = sf_pnp_options_default();

    options.multiplier = w != HQS;
    options.discrepancy = true;
    if (w == PENALTY) {
        options.penalty = factor / 9.0;
        options.tolerance = 0.005;
        options.iterations = 60;
    } else {
        options.schedule_from = 15.0 / sqrt(factor);
    }
    return options;
}

/* PSNR of all settings for one truth. */
static void sweep(const truth *t, const sf_psf *psf, const double *pixels, double noise,
                  sf_model *model, way w, double psnr[NOISES][FACTORS], table *sums)
{
    for (int n = 0; n < NOISES; n++) {
        sf_observation *o;
        sf_prior *prior;
        double *scene;

        OK(sf_observation_create(&t->grid, pixels, NULL, noises[n] * noise, NULL, psf, NULL, &o));
        OK(sf_prior_network(sf_observation_scene(o), model, &prior));
        scene = truths_array(sf_grid_size(sf_observation_scene(o)));
        for (int f = 0; f < FACTORS; f++) {
            const sf_pnp_options options = set(w, factors[f]);
            sf_solver_report report;

            OK(sf_pnp(o, prior, &options, scene, &report));
            psnr[n][f] = truth_psnr(t, o, scene);
            sums->iterations += (double)report.iterations;
            sums->seconds += report.seconds;
            sums->runs++;
        }
        sf_free(scene);
        sf_prior_release(&prior);
        sf_observation_release(&o);
    }
}

static void add(const truth *t, const sf_psf *psf, double ratio, uint64_t seed, sf_model *model,
                way w, table *sums)
{
    double *pixels = truths_array(sf_grid_size(&t->grid)), noise;
    double psnr[NOISES][FACTORS], best = -INFINITY;

    truth_observe(t, psf, ratio, seed, pixels, &noise);
    if (t->noise <= 0.5 * noise) {
        sweep(t, psf, pixels, noise, model, w, psnr, sums);
        for (int i = 0; i < NOISES * FACTORS; i++)
            best = fmax(best, psnr[i / FACTORS][i % FACTORS]);
        for (int n = 0; n < NOISES; n++)
            for (int f = 0; f < FACTORS; f++) {
                sums->sum[n][f] += best - psnr[n][f];
                sums->worst[n][f] = fmax(sums->worst[n][f], best - psnr[n][f]);
            }
        sums->best += best;
        sums->truths++;
    }
    sf_free(pixels);
}

static void print(const char *name, const char *truths, double ratio, const table *t)
{
    const double count = (double)t->truths, runs = (double)t->runs;

    if (t->truths == 0) return;
    printf("%s, S/N %.0f, %zu %s: best %.2f dB; %.1f steps, %.2f s\n", name, ratio, t->truths,
           truths, t->best / count, t->iterations / runs, t->seconds / runs);
    for (int n = 0; n < NOISES; n++) {
        printf("    noise %.1f  mean", noises[n]);
        for (int f = 0; f < FACTORS; f++) printf(" %6.2f", -t->sum[n][f] / count);
        printf("   worst");
        for (int f = 0; f < FACTORS; f++) printf(" %6.2f", -t->worst[n][f]);
        printf("\n");
    }
    (void)fflush(stdout);
}

static void measure(const char *folder, const sf_psf *psf, sf_model *model, way w, double ratio)
{
    table galaxies, scenes;
    truth t;

    memset(&galaxies, 0, sizeof galaxies);
    memset(&scenes, 0, sizeof scenes);
    for (size_t i = 0; i < TRUTHS_GALAXIES && folder != NULL; i++) {
        if (!truth_read(folder, i, &t)) continue;
        add(&t, psf, ratio, 1000 + i, model, w, &galaxies);
        truth_release(&t);
    }
    for (size_t i = 0; i < DRAWN; i++) {
        truth_draw(SIDE, 2.0, i, &t);
        add(&t, psf, ratio, 2000 + i, model, w, &scenes);
        truth_release(&t);
    }
    print(ways[w], "galaxies", ratio, &galaxies);
    print(ways[w], "scenes", ratio, &scenes);
}

int main(int count, char **arguments)
{
    static const double ratios[] = {30.0, 200.0};
    sf_model *builtin, *model;
    sf_model_usage usage;
    sf_psf *psf;

    OK(sf_model_builtin(&builtin));
    usage = *sf_model_get_usage(builtin);
    usage.bf16 = true;
    OK(sf_model_with_usage(builtin, &usage, &model));
    OK(sf_psf_gaussian(count > 1 ? atof(arguments[1]) : 3.0, &psf));
    for (way w = HQS; w < WAYS; w++)
        for (int r = 0; r < 2; r++) measure(getenv("SCOREFIELD_DATA"), psf, model, w, ratios[r]);
    sf_psf_release(&psf);
    sf_model_release(&model);
    sf_model_release(&builtin);
    return 0;
}
