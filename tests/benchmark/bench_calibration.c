/* bench_calibration.c - whether posterior samples mean what they say, on galaxies that were never
 * seen: simulated scenes (lib/scene) are blurred by real PSFs, cut out, and noise is added; the
 * built-in denoiser is the prior.
 *
 * usage: bench_calibration TABLE FIRST COUNT [NAME=VALUE ...] for observations FIRST ... FIRST +
 * COUNT - 1: their rows are added to TABLE (those that it has already are left out, so that a run
 * may be continued or shared by several processes), and a summary of the whole table follows.
 * COUNT 0: the summary alone. Names: samples, bf16 (1: four times as fast), picture=FILE.png (of
 * the first), model=FILE.onnx, noise (of the observation: its S/N instead of one between 10 and
 * 200); of split Gibbs iterations, hold, from, steps, held (steps then), depth, end, heat,
 * heat_held; and for a diffusion instead likelihood (its number), evaluations, corrections, step.
 * PSFs: survey stars and models of SCOREFIELD_DATA/fits, else Moffat profiles.
 *
 * The interval mean +- t_c sd sqrt(1 + 1/n) of n samples, t_c Student's with n - 1 degrees, covers
 * the truth with probability c if the posterior is a Gaussian; the truth's rank among them is one
 * of n + 1 with equal probabilities whatever it is. TARP (Lemos et al. 2023, arXiv:2302.03026): the
 * share of samples that are nearer than the truth to a point drawn without looking at either
 * (another scene) is uniform, for any such points if and only if the posterior is right.
 *
 * Measured with the built-in denoiser (0.1.0), split Gibbs by sf_split_gibbs_options_learned:
 * observations 20 ... 219, 28 x 28 pixels of a scene of 40 x 40, S/N 10 to 200, SDSS's PSFs (FWHM
 * 2.3 to 3.5 pixels), 9 samples of 500 evaluations each, in bf16. 0 ... 19 and 300 ... 339 chose
 * the settings, but for their length: 288 evaluations (32 x 6 + 8 x 12) gave 0.06 for TARP on the
 * first 100, so the second 100 are beside all 200.
 *
 *   coverage                      all 200: 68 %  95 %    second 100: 68 %  95 %
 *   pixels above the noise                 70.4  91.6                71.7  92.3
 *   all pixels                             85.9  96.9                87.1  97.4   (intervals are
 * too flux within 6 pixels                   70.5  93.5                73.0  93.0    wide on the
 * sky) ranks of a source pixel, p =           0.24                      0.68         (10 bins)
 *   ranks of the flux, p =                 0.08                      0.85
 *   TARP, p =                              0.33                      0.34
 *
 *   chi^2 of a sample is 1.02 a pixel. With 144 evaluations (16 x 6 + 4 x 12) coverage was the same
 *   but TARP p = 7e-6: samples were smoother than galaxies with arms. 123 others (400 ... 460, 550
 *   ... 611; 19 samples): pixels 73.3 and 93.2, flux 67.5 and 92.7, ranks 0.10 and 0.006, TARP
 * 0.62.
 *
 * The samples' mean against plug and play. What a posterior's mean makes least is the mean square
 * error; of all 323 observations, in units of the noise, it is 0.67 +- 0.21 dB below ADMM's and
 * 0.59 +- 0.26 dB below half-quadratic splitting's (of the 200, with 9 samples, 0.87 +- 0.27 and
 * 0.72 +- 0.33; of the 123, with 19, 0.25 +- 0.26 and 0.34 +- 0.37; that there are only so many
 * samples costs it 0.4 and 0.2 dB). The mean of the PSNRs, which counts easy galaxies as much as
 * hard ones, is not better: 200: 41.58 dB, ADMM 42.02, splitting 42.11; 123: 43.30, 43.76, 43.48.
 *
 * Evaluations of the denoiser a sample, and what they are good for (observations 300 ... 339, 9
 * samples, bf16; plug and play by half-quadratic splitting 42.2 dB, by ADMM 42.7 dB; less ADMM's in
 * PSNR, and by the mean square error of all):
 *
 *   evaluations  iterations x steps + hold x held   68 %  95 %  mean, dB  less ADMM's   of all TARP
 * p 10             2 x 3 + 1 x 4                  76    92     37.0   -5.6 +- 0.7     -5.0   4e-10
 *      20             4 x 3 + 2 x 4                  67    90     40.0   -2.6 +- 0.6     -1.9 4e-5
 *      51             7 x 5 + 2 x 8                  76    94     40.8   -1.8 +- 0.5     -1.1 3e-4
 *     100            12 x 5 + 4 x 10                 76    94     41.8   -0.9 +- 0.4     -0.8   0.7
 *     144            16 x 6 + 4 x 12                 76    94     42.1   -0.6 +- 0.4     -0.6   0.9
 *     288            32 x 6 + 8 x 12                 74    93     41.9   -0.7 +- 0.6     -0.1   0.2
 *     500            54 x 6 + 11 x 16, the default   76    94     41.6   -1.1 +- 0.6     -0.2   0.2
 *
 * How it came to these settings (pixels above the noise; observations in brackets):
 *
 *   iterations x steps + hold x held, heat  68 %   95 %   mean of the samples - plug and play
 *   6 x 10 + 3 x 14, 1                      66     89    -1.1 dB   (210; TARP p = 2e-23)
 *   6 x 10 + 3 x 14, 1.02                   67     90    -0.6 dB   (20)
 *   16 x 6 + 4 x 12, 1.05                   65     88    +0.6 dB   (the same 20)
 *   16 x 6 + 4 x 12, 1.08                   71     92    +0.6 dB   (the same 20)
 *   30 x 5 + 5 x 10, 1.08                   63     88    +0.7 dB   (the same 20)
 *   6 x 8 + 3 x 16, 1                       58     83    -0.7 dB   (24)
 *   4 x 12 + 4 x 12, 1                      61     84    -1.5 dB   (24)
 *   8 x 12 + 4 x 16, 1                      56     82    -0.5 dB   (14)
 *   20 x 5, 1, data as they are, to 0.3     48     70    +1.5 dB   (15; 19 samples, quantiles)
 *   30 x 5 + 5 x 10, 1                      54     70    +3.6 dB   (11; 11 samples, quantiles)
 *   diffusion, proximal, 50 steps           62     85    -3.3 dB   (15; 19 samples, quantiles)
 *   diffusion, diagonal, 50 steps           44     72    -5.8 dB   (7; 19 samples, quantiles)
 *
 * Rows with quantiles had frames of 32 x 32 and order statistics for intervals, of which 11 and 19
 * samples allow 83 and 90 % instead of 95 %. More iterations make the mean better and the intervals
 * too short: the denoiser's step is nearly right alone (from noise of 1 to 0.05 in 20 steps the
 * deviation is 0.96 of the error, in 5 steps 0.84), but what only the prior knows, the fine
 * structure of bright galaxies, loses variance with each. Heat gives it back.
 *
 * Heat while rho falls and heat of the last iterations, apart. Of observations 120 ... 131; and of
 * 96 x 96 pixels of the demo frame (rows 61 to 156, columns 81 to 176; 5 samples), where samples
 * have isolated bright cells in a spiral galaxy: the rms error of a sample there in units of the
 * noise, and the cells of a sample that are 6 noises more in error than their four neighbours.
 *
 *   heat, held        68 %   95 %   PSNR of samples    demo: 68 %   error   cells
 *   1.08, 1.08         69     92      35.2 dB                88       3.7     59
 *   1, 1.2             69     92      35.4 dB                87       2.2      9
 *   1, 1.08            59     87      35.8 dB                79       2.0      6
 *   1.04, 1.04                                               80       2.4     16
 *   1, 1                                                     74       1.9      5
 *
 * With 16 x 6 + 4 x 12. Of the 200 observations 1, 1.2 has a coverage of 72 and 92 %, flux 72 and
 * 94 %, ranks p = 0.13 and 0.49, samples of 38.75 dB; but the mean square error is 1.35^2 of the
 * variance instead of 1.17^2, and TARP 3e-9: few observations are further off. So it was not taken.
 *
 * What is made while rho falls, and the data do not see, is not unmade later: not by 24 steps for
 * each of the last iterations either (61 cells), and a resolution of 1.2 pixels does not hide it
 * (51). */

#include <scorefield/diffusion.h>
#include <scorefield/inverse.h>
#include <scorefield/io.h>
#include <scorefield/scene.h>

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call)                                                         \
    do {                                                                 \
        if ((call) != SF_OK) {                                           \
            fprintf(stderr, "bench_calibration: %s\n", sf_last_error()); \
            exit(1);                                                     \
        }                                                                \
    } while (0)

enum { FRAME = 28, SPREAD = 13, PIXELS = FRAME * FRAME, BINS = 10 };
enum { SEED = 2026, RADIUS = 6 };

/* A row of the table. */
enum {
    INDEX,
    RATIO,       /* of the brightest pixel to the noise */
    PSNR_PNP,    /* of the default method of sf-deblur */
    PSNR_ADMM,   /* of its method pnp */
    PSNR_MEAN,   /* of the samples' mean */
    PSNR_SAMPLE, /* of the samples, on average */
    CHI_SQUARED, /* of the last sample, per pixel */
    ERROR,       /* mean square of (mean - truth) over the source, in units of the noise */
    VARIANCE,    /* of the samples, there: equal if calibrated */
    SOURCE,      /* pixels where the truth exceeds the noise */
    SOURCE_68,   /* the share of them that the interval covers */
    SOURCE_95,   /* */
    ALL_68,      /* of all pixels */
    ALL_95,      /* */
    PIXEL_RANK,  /* share of samples below the truth: one pixel of the source */
    FLUX_RANK,   /* the flux in the aperture about the brightest pixel */
    FLUX_68,     /* */
    FLUX_95,     /* */
    FLUX_ERROR,  /* (mean - truth)/deviation */
    TARP,        /* share of samples that are nearer to another scene */
    SECONDS,     /* of sampling */
    PEAK,        /* the truth's range in units of the noise: PSNR's peak */
    COLUMNS
};

typedef struct settings {
    size_t samples;
    size_t bf16;                 /* 1: networks in bf16 */
    double ratio;                /* 0: by the observation's number */
    const char *picture, *model; /* model: NULL for the built-in one */
    sf_split_gibbs_options gibbs;
    double likelihood; /* of a diffusion instead; negative: split Gibbs */
    sf_sample_options diffusion;
} settings;

typedef struct trial {
    sf_grid frame;
    sf_observation *observation;
    sf_prior *prior;
    size_t cells;
    double *truth, *pixels, *other; /* frames; other: where TARP looks from */
    double *scenes, *samples;       /* samples: frames */
    double noise;
} trial;

static double *new_array(size_t count)
{
    double *values;

    OK(sf_allocate(&values, count, sizeof *values));
    return values;
}

static double brightest(const double *values, size_t count)
{
    double most = 0.0;

    for (size_t i = 0; i < count; i++) most = fmax(most, values[i]);
    return most;
}

/* ---- observations ---------------------------------------------------------------------------- */

static sf_psf *choose_psf(size_t index, const sf_grid *box)
{
    static const char *const files[] = {
        "gama_sdss_G265911_psfim.fits", "gama_sdss_G265940_psfim.fits",
        "gama_sdss_G266033_psfim.fits", "gama_sdss_G267525_psfim.fits",
        "gama_sdss_G279148_psfim.fits", "sdss_hsm_psf0.fits",
        "sdss_hsm_psf4.fits",           "sdss_hsm_psf8.fits"};
    const char *folder = getenv("SCOREFIELD_DATA");
    sf_psf *psf, *cut;

    if (folder != NULL) {
        char path[1024];
        sf_fits *fits;

        (void)snprintf(path, sizeof path, "%s/fits/%s", folder,
                       files[index % (sizeof files / sizeof *files)]);
        OK(sf_fits_read(path, &fits));
        OK(sf_psf_from_pixels(sf_fits_grid(fits), sf_fits_pixels(fits), NULL, &psf));
        sf_fits_release(&fits);
    } else {
        OK(sf_psf_moffat(2.5 + 0.25 * (double)(index % 8), 3.0, &psf));
    }
    OK(sf_psf_cut(psf, box, &cut));
    sf_psf_release(&psf);
    return cut;
}

/* A scene whose brightest cell the frame sees; scaled so that the brightest pixel of the blurred
 * frame is `peak`. */
static void draw_scene(const sf_observation *o, uint64_t index, double peak, double *scene,
                       double *frame)
{
    const sf_grid *grid = sf_observation_scene(o);
    sf_scene_options options = sf_scene_options_default();
    double seen = 0.0, all = 1.0, blurred = 0.0;

    options.galaxies = 48.0; /* one or two on 40 x 40 */
    options.diffuse = 0.0;
    for (uint64_t try = 0; seen < all; try++) {
        OK(sf_scene_draw(grid, &options, SEED, 1000 * index + try, scene));
        OK(sf_observation_crop(o, scene, frame));
        seen = brightest(frame, PIXELS);
        all = fmax(brightest(scene, sf_grid_size(grid)), 0.01);
    }
    OK(sf_observation_predict(o, scene, frame));
    blurred = brightest(frame, PIXELS);
    for (size_t i = 0; i < sf_grid_size(grid); i++) scene[i] *= peak / blurred;
    for (size_t i = 0; i < PIXELS; i++) frame[i] *= peak / blurred;
}

static double ratio_of(const settings *s, size_t index)
{
    double u;

    sf_random_uniform(sf_random_make(SEED, 2), index, 0, 1, &u);
    return s->ratio > 0.0 ? s->ratio : 10.0 * pow(20.0, u);
}

static void observe(const settings *s, size_t index, sf_model *model, trial *t)
{
    double *scene, *noise = new_array(PIXELS);
    sf_grid box;
    sf_psf *psf;

    OK(sf_grid_image(FRAME, FRAME, &t->frame));
    OK(sf_grid_image(SPREAD, SPREAD, &box));
    t->truth = new_array(PIXELS);
    t->pixels = new_array(PIXELS);
    t->other = new_array(PIXELS);
    psf = choose_psf(index, &box);
    OK(sf_observation_create(&t->frame, t->pixels, NULL, 1.0, NULL, psf, NULL, &t->observation));
    t->cells = sf_grid_size(sf_observation_scene(t->observation));
    scene = new_array(t->cells);
    draw_scene(t->observation, 1000000 + index, ratio_of(s, index), scene, t->pixels);
    OK(sf_observation_crop(t->observation, scene, t->other));
    draw_scene(t->observation, index, ratio_of(s, index), scene, t->pixels);
    OK(sf_observation_crop(t->observation, scene, t->truth));
    sf_observation_release(&t->observation);
    t->noise = 1.0;
    sf_random_normal(sf_random_make(SEED, 1), index, 0, PIXELS, noise);
    for (size_t i = 0; i < PIXELS; i++) t->pixels[i] += noise[i];
    OK(sf_observation_create(&t->frame, t->pixels, NULL, 1.0, NULL, psf, NULL, &t->observation));
    OK(sf_prior_network(sf_observation_scene(t->observation), model, &t->prior));
    t->scenes = new_array(s->samples * t->cells);
    t->samples = new_array(s->samples * PIXELS);
    sf_psf_release(&psf);
    sf_free(scene);
    sf_free(noise);
}

static void forget(trial *t)
{
    sf_prior_release(&t->prior);
    sf_observation_release(&t->observation);
    sf_free(t->truth);
    sf_free(t->pixels);
    sf_free(t->other);
    sf_free(t->scenes);
    sf_free(t->samples);
}

/* ---- scores of one observation --------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Whether the interval of probability c about the samples' mean holds the truth. */
static bool covers(const double *samples, size_t count, double c, double truth)
{
    const double n = (double)count, t = gsl_cdf_tdist_Pinv(0.5 + 0.5 * c, n - 1.0);
    double mean = 0.0, square = 0.0;

    for (size_t b = 0; b < count; b++) mean += samples[b] / n;
    for (size_t b = 0; b < count; b++) square += (samples[b] - mean) * (samples[b] - mean);
    return fabs(truth - mean) <= t * sqrt(square / (n - 1.0) * (1.0 + 1.0 / n));
}

static double rank_of(const double *sorted, size_t count, double truth)
{
    size_t below = 0;

    while (below < count && sorted[below] < truth) below++;
    return (double)below;
}

static sf_comparison compare_frames(const trial *t, const double *frame)
{
    sf_comparison c;

    OK(sf_compare(&t->frame, frame, t->truth, 0.0, &c));
    return c;
}

static double psnr(const trial *t, const double *frame) { return compare_frames(t, frame).psnr; }

static void score_pixels(const settings *s, const trial *t, size_t chosen, double *row)
{
    double *column = new_array(s->samples), *mean = new_array(PIXELS);

    for (size_t i = 0; i < PIXELS; i++) {
        double sum = 0.0, square = 0.0, covered_68, covered_95;
        for (size_t b = 0; b < s->samples; b++) sum += column[b] = t->samples[b * PIXELS + i];
        mean[i] = sum / (double)s->samples;
        for (size_t b = 0; b < s->samples; b++) square += pow(column[b] - mean[i], 2.0);
        qsort(column, s->samples, sizeof *column, compare);
        covered_68 = covers(column, s->samples, 0.68, t->truth[i]);
        covered_95 = covers(column, s->samples, 0.95, t->truth[i]);
        row[ALL_68] += covered_68 / PIXELS;
        row[ALL_95] += covered_95 / PIXELS;
        if (i == chosen) row[PIXEL_RANK] = rank_of(column, s->samples, t->truth[i]);
        if (!(t->truth[i] > t->noise)) continue;
        row[SOURCE] += 1.0;
        row[SOURCE_68] += covered_68;
        row[SOURCE_95] += covered_95;
        row[ERROR] += pow(mean[i] - t->truth[i], 2.0);
        row[VARIANCE] += square / (double)(s->samples - 1) * (1.0 + 1.0 / (double)s->samples);
    }
    row[PSNR_MEAN] = psnr(t, mean);
    row[PEAK] = compare_frames(t, mean).peak / t->noise;
    for (size_t b = 0; b < s->samples; b++)
        row[PSNR_SAMPLE] += psnr(t, t->samples + b * PIXELS) / (double)s->samples;
    sf_free(column);
    sf_free(mean);
}

static double aperture(const double *frame, size_t centre)
{
    const double y0 = (double)(centre / FRAME), x0 = (double)(centre % FRAME);
    double sum = 0.0;

    for (size_t i = 0; i < PIXELS; i++)
        if (hypot((double)(i / FRAME) - y0, (double)(i % FRAME) - x0) <= RADIUS) sum += frame[i];
    return sum;
}

static void score_flux(const settings *s, const trial *t, double *row)
{
    double *flux = new_array(s->samples), truth, mean = 0.0, square = 0.0;
    size_t centre = 0;

    for (size_t i = 0; i < PIXELS; i++) /* of the data: the truth is not looked at */
        if (t->pixels[i] > t->pixels[centre]) centre = i;
    truth = aperture(t->truth, centre);
    for (size_t b = 0; b < s->samples; b++)
        mean += (flux[b] = aperture(t->samples + b * PIXELS, centre)) / (double)s->samples;
    for (size_t b = 0; b < s->samples; b++) square += pow(flux[b] - mean, 2.0);
    qsort(flux, s->samples, sizeof *flux, compare);
    row[FLUX_RANK] = rank_of(flux, s->samples, truth);
    row[FLUX_68] = covers(flux, s->samples, 0.68, truth);
    row[FLUX_95] = covers(flux, s->samples, 0.95, truth);
    row[FLUX_ERROR] = (mean - truth) / sqrt(square / (double)(s->samples - 1));
    sf_free(flux);
}

static double distance(const double *a, const double *b)
{
    double sum = 0.0;

    for (size_t i = 0; i < PIXELS; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

/* One pixel of the source, as a number of the observation says; the brightest if there is none. */
static size_t choose_pixel(const trial *t, size_t index)
{
    size_t count = 0, peak = 0, wanted;
    double u;

    for (size_t i = 0; i < PIXELS; i++) {
        count += t->truth[i] > t->noise ? 1 : 0;
        if (t->truth[i] > t->truth[peak]) peak = i;
    }
    sf_random_uniform(sf_random_make(SEED, 3), index, 0, 1, &u);
    wanted = (size_t)(u * (double)count);
    for (size_t i = 0; i < PIXELS; i++)
        if (t->truth[i] > t->noise && wanted-- == 0) return i;
    return peak;
}

static void draw_picture(const settings *s, const trial *t, const double *pnp)
{
    enum { PANELS = 12 };
    double *mean = new_array(PIXELS), *deviation = new_array(PIXELS);
    sf_panel panels[PANELS];
    double high = 0.0;

    for (size_t i = 0; i < PIXELS; i++) {
        for (size_t b = 0; b < s->samples; b++)
            mean[i] += t->samples[b * PIXELS + i] / (double)s->samples;
        for (size_t b = 0; b < s->samples; b++)
            deviation[i] +=
                pow(t->samples[b * PIXELS + i] - mean[i], 2.0) / (double)(s->samples - 1);
        deviation[i] = sqrt(deviation[i]);
        high = fmax(high, t->truth[i]);
    }
    for (size_t i = 0; i < PANELS; i++)
        panels[i] = (sf_panel){.title = "sample",
                               .grid = &t->frame,
                               .pixels = t->samples + (i >= 5 ? i - 5 : 0) * PIXELS,
                               .low = -2.0,
                               .high = high,
                               .stretch = SF_STRETCH_ASINH,
                               .softening = 1.0};
    panels[0].title = "truth", panels[0].pixels = t->truth;
    panels[1].title = "observed", panels[1].pixels = t->pixels;
    panels[2].title = "plug and play", panels[2].pixels = pnp;
    panels[3].title = "mean", panels[3].pixels = mean;
    panels[4].title = "deviation", panels[4].pixels = deviation;
    panels[4].low = panels[4].high = 0.0;
    OK(sf_plot_panels(s->picture, true, NULL, panels, PANELS, 4));
    sf_free(mean);
    sf_free(deviation);
}

/* The diffusion whose prior is the posterior, from three times the brightest pixel down. */
static void sample_diffusion(const settings *s, size_t index, trial *t, double *seconds)
{
    sf_posterior_options how = sf_posterior_options_default();
    sf_sample_options options = s->diffusion;
    sf_sample_report report;
    sf_diffusion diffusion;
    sf_prior *posterior;

    how.likelihood = (sf_likelihood)s->likelihood;
    OK(sf_posterior(t->prior, t->observation, &how, &posterior));
    OK(sf_diffusion_edm(s->gibbs.end * t->noise, 3.0 * brightest(t->pixels, PIXELS), &diffusion));
    OK(sf_posterior_precondition(posterior, &options));
    options.seed = index;
    OK(sf_sample(posterior, &diffusion, &options, s->samples, t->scenes, &report));
    *seconds = report.seconds;
    sf_prior_release(&posterior);
}

static void sample_gibbs(const settings *s, size_t index, trial *t, double *seconds)
{
    sf_split_gibbs_options options = s->gibbs;
    sf_split_gibbs_report report;

    options.seed = index;
    OK(sf_split_gibbs(t->observation, t->prior, &options, s->samples, t->scenes, &report));
    *seconds = report.seconds;
}

static double psnr_of_pnp(trial *t, const sf_pnp_options *options, double *frame)
{
    OK(sf_pnp(t->observation, t->prior, options, t->scenes, NULL));
    OK(sf_observation_crop(t->observation, t->scenes, frame));
    return psnr(t, frame);
}

static void run_trial(const settings *s, size_t index, sf_model *model, bool picture, double *row)
{
    sf_diagnostics diagnostics;
    size_t nearer = 0;
    double *pnp = new_array(PIXELS);
    sf_pnp_options admm = sf_pnp_options_default();
    trial t = {0};

    memset(row, 0, COLUMNS * sizeof *row);
    observe(s, index, model, &t);
    row[INDEX] = (double)index;
    row[RATIO] = ratio_of(s, index);
    admm.multiplier = true;
    row[PSNR_ADMM] = psnr_of_pnp(&t, &admm, pnp);
    row[PSNR_PNP] = psnr_of_pnp(&t, NULL, pnp);
    (s->likelihood < 0.0 ? sample_gibbs : sample_diffusion)(s, index, &t, &row[SECONDS]);
    for (size_t b = 0; b < s->samples; b++) {
        double *sample = t.samples + b * PIXELS;
        OK(sf_observation_crop(t.observation, t.scenes + b * t.cells, sample));
        nearer += distance(sample, t.other) < distance(t.truth, t.other) ? 1 : 0;
    }
    OK(sf_diagnose(t.observation, t.scenes + (s->samples - 1) * t.cells, &diagnostics));
    row[CHI_SQUARED] = diagnostics.chi_squared;
    row[TARP] = (double)nearer;
    score_pixels(s, &t, choose_pixel(&t, index), row);
    score_flux(s, &t, row);
    if (picture) draw_picture(s, &t, pnp);
    sf_free(pnp);
    forget(&t);
}

/* ---- the table ------------------------------------------------------------------------------- */

static void add_row(const char *path, const double *row)
{
    FILE *file = fopen(path, "a");

    if (file == NULL) {
        fprintf(stderr, "bench_calibration: cannot write %s\n", path);
        exit(1);
    }
    for (size_t c = 0; c < COLUMNS; c++)
        fprintf(file, "%.6g%c", row[c], c + 1 < COLUMNS ? ' ' : '\n');
    (void)fclose(file);
}

static bool has_row(const char *path, size_t index)
{
    double *values;
    size_t rows, columns;
    bool found = false;

    if (sf_text_table_read(path, &values, &rows, &columns) != SF_OK) return false; /* none yet */
    for (size_t r = 0; r < rows; r++) found = found || values[r * columns] == (double)index;
    sf_free(values);
    return found;
}

static double mean_of(const double *values, size_t rows, size_t column)
{
    double sum = 0.0;

    for (size_t r = 0; r < rows; r++) sum += values[r * COLUMNS + column];
    return sum / (double)rows;
}

/* Ranks 0 ... samples in BINS bins against equal numbers in all. */
static void print_ranks(const char *name, const double *values, size_t rows, size_t column,
                        size_t samples)
{
    size_t count[BINS] = {0};
    double expected[BINS] = {0.0}, chi_squared = 0.0;

    for (size_t rank = 0; rank <= samples; rank++)
        expected[rank * BINS / (samples + 1)] += (double)rows / (double)(samples + 1);
    for (size_t r = 0; r < rows; r++)
        count[(size_t)values[r * COLUMNS + column] * BINS / (samples + 1)]++;
    printf("  ranks, %-8s", name);
    for (size_t b = 0; b < BINS; b++) {
        printf(" %3zu", count[b]);
        chi_squared += pow((double)count[b] - expected[b], 2.0) / expected[b];
    }
    printf("   p = %.3g\n", gsl_cdf_chisq_Q(chi_squared, BINS - 1));
}

/* The mean square error in units of the noise, of all observations but one. */
static double square_without(const double *values, size_t rows, size_t column, size_t left)
{
    double sum = 0.0;

    for (size_t r = 0; r < rows; r++) {
        const double *row = values + r * COLUMNS;
        if (r != left) sum += pow(row[PEAK], 2.0) * pow(10.0, -0.1 * row[column]);
    }
    return sum / (double)(left < rows ? rows - 1 : rows);
}

/* By how much the samples' mean is better: observation by observation, and by the mean square error
 * of all of them in units of the noise, which is what a posterior's mean makes least (its error
 * from leaving out one after the other). */
static void print_lead(const char *name, const double *values, size_t rows, size_t column)
{
    const double n = (double)rows;
    const double lead = mean_of(values, rows, PSNR_MEAN) - mean_of(values, rows, column);
    const double all = 10.0 * log10(square_without(values, rows, column, rows) /
                                    square_without(values, rows, PSNR_MEAN, rows));
    double square = 0.0, spread = 0.0;
    size_t ahead = 0;

    for (size_t r = 0; r < rows; r++) {
        const double own = values[r * COLUMNS + PSNR_MEAN] - values[r * COLUMNS + column];
        const double others = 10.0 * log10(square_without(values, rows, column, r) /
                                           square_without(values, rows, PSNR_MEAN, r));

        square += (own - lead) * (own - lead);
        spread += (others - all) * (others - all);
        ahead += own > 0.0 ? 1 : 0;
    }
    printf(
        "  %s %.2f dB: the samples' mean is %+.2f +- %.2f dB, ahead on %zu of %zu; in mean square "
        "error %+.2f +- %.2f dB\n",
        name, mean_of(values, rows, column), lead, sqrt(square / n / fmax(1.0, n - 1.0)), ahead,
        rows, all, sqrt(spread * (n - 1.0) / n));
}

static void print_summary(const char *path, size_t samples)
{
    double *v, source = 0.0, covered_68 = 0.0, covered_95 = 0.0;
    size_t rows, columns;

    OK(sf_text_table_read(path, &v, &rows, &columns));
    for (size_t r = 0; r < rows; r++) {
        source += v[r * COLUMNS + SOURCE];
        covered_68 += v[r * COLUMNS + SOURCE_68];
        covered_95 += v[r * COLUMNS + SOURCE_95];
    }
    printf("%zu observations, %.1f s each\n", rows, mean_of(v, rows, SECONDS));
    printf("  PSNR: mean of the samples %.2f dB, samples %.2f dB; chi^2 of a sample %.3f\n",
           mean_of(v, rows, PSNR_MEAN), mean_of(v, rows, PSNR_SAMPLE),
           mean_of(v, rows, CHI_SQUARED));
    print_lead("half-quadratic splitting", v, rows, PSNR_PNP);
    print_lead("ADMM", v, rows, PSNR_ADMM);
    printf("  coverage of 68 %% and 95 %%: source pixels %.1f %.1f, all pixels %.1f %.1f, aperture "
           "%.1f %.1f\n",
           100.0 * covered_68 / source, 100.0 * covered_95 / source,
           100.0 * mean_of(v, rows, ALL_68), 100.0 * mean_of(v, rows, ALL_95),
           100.0 * mean_of(v, rows, FLUX_68), 100.0 * mean_of(v, rows, FLUX_95));
    printf("  error/deviation of source pixels %.3f\n",
           sqrt(mean_of(v, rows, ERROR) / mean_of(v, rows, VARIANCE)));
    print_ranks("pixel", v, rows, PIXEL_RANK, samples);
    print_ranks("aperture", v, rows, FLUX_RANK, samples);
    print_ranks("TARP", v, rows, TARP, samples);
    sf_free(v);
}

static void set(settings *s, const char *argument)
{
    const char *value = strchr(argument, '=');
    const size_t length = value != NULL ? (size_t)(value - argument) : 0;
    const struct {
        const char *name;
        double *number;
        size_t *count;
    } names[] = {{"samples", NULL, &s->samples},
                 {"bf16", NULL, &s->bf16},
                 {"iterations", NULL, &s->gibbs.iterations},
                 {"steps", NULL, &s->gibbs.steps},
                 {"from", &s->gibbs.from, NULL},
                 {"hold", NULL, &s->gibbs.hold},
                 {"held", NULL, &s->gibbs.steps_held},
                 {"depth", &s->gibbs.depth, NULL},
                 {"end", &s->gibbs.end, NULL},
                 {"heat", &s->gibbs.heat, NULL},
                 {"heat_held", &s->gibbs.heat_held, NULL},
                 {"noise", &s->ratio, NULL},
                 {"likelihood", &s->likelihood, NULL},
                 {"evaluations", NULL, &s->diffusion.steps},
                 {"corrections", NULL, &s->diffusion.corrections},
                 {"step", &s->diffusion.step, NULL}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i].name) != length || strncmp(names[i].name, argument, length) != 0)
            continue;
        if (names[i].number != NULL) *names[i].number = strtod(value + 1, NULL);
        if (names[i].count != NULL) *names[i].count = strtoul(value + 1, NULL, 10);
        return;
    }
    if (strncmp(argument, "picture=", 8) == 0) {
        s->picture = value + 1;
        return;
    }
    if (strncmp(argument, "model=", 6) == 0) {
        s->model = value + 1;
        return;
    }
    fprintf(stderr, "bench_calibration: what is %s?\n", argument);
    exit(2);
}

static sf_model *read_model(const settings *s)
{
    sf_model *model, *changed;
    sf_model_usage usage;

    OK(s->model != NULL ? sf_model_load(s->model, &model) : sf_model_builtin(&model));
    usage = *sf_model_get_usage(model);
    usage.bf16 = s->bf16 == 1;
    OK(sf_model_with_usage(model, &usage, &changed));
    sf_model_release(&model);
    return changed;
}

int main(int count, char **arguments)
{
    settings s = {.samples = 9,
                  .gibbs = sf_split_gibbs_options_learned(),
                  .likelihood = -1.0,
                  .diffusion = sf_sample_options_default()};
    size_t first, last;
    sf_model *model;

    s.diffusion.corrections = 0;
    if (count < 4) {
        fprintf(stderr, "usage: bench_calibration TABLE FIRST COUNT [NAME=VALUE ...]\n");
        return 2;
    }
    for (int a = 4; a < count; a++) set(&s, arguments[a]);
    first = strtoul(arguments[2], NULL, 10);
    last = first + strtoul(arguments[3], NULL, 10);
    s.diffusion.predictor = SF_PREDICTOR_MULTISTEP_SDE;
    s.diffusion.spacing = SF_TIMES_LOG_SNR;
    if (s.diffusion.corrections > 0) s.diffusion.corrector = SF_CORRECTOR_PRECONDITIONED;
    model = read_model(&s);
    for (size_t index = first; index < last; index++) {
        double row[COLUMNS];

        if (has_row(arguments[1], index)) continue;
        run_trial(&s, index, model, s.picture != NULL && index == first, row);
        add_row(arguments[1], row);
    }
    print_summary(arguments[1], s.samples);
    sf_model_release(&model);
    return 0;
}
