/* bench_deblur.c - the default method against what classical methods could do at best.
 *
 * Truths are radio maps, HST galaxies and simulated scenes, binned so that they are cleaner than
 * the noise that is added (by half, or they do not take part); frames show the middle of them. They
 * are blurred by measured PSFs of five cameras, taken in turns; the noise at the brightest pixel is
 * 0.2 to 2 % of it, Gaussian and, in turns, that of counts over a sky of a tenth of the peak. The
 * default way is that of sf-deblur: noise (but of counts) and sky are estimated, and a resolution
 * of 0.9 pixels is kept, or 1.6 where that leaves hollows; it is compared with the truth as it is,
 * of pixels, all the same. Richardson-Lucy is stopped, and the Laplacian Wiener filter's strength
 * is chosen, by the truth, which nobody has: the best that they can do. They, and total variation,
 * know noise and sky.
 *
 * Tables: mean PSNR (peak: the truth's range), and how far the default is ahead of the better of
 * the two oracles; the brightest galaxy's shape by adaptive moments, |g - g of the truth|, g the
 * reduced shear; its flux within three of its observed sizes over the
 * true one. Then the time of an
 * iteration on a 460 x 460 frame: denoiser, transforms, the rest.
 *
 * Measured with the built-in denoiser (0.1.0) in bf16, mean PSNR over the four noises, in dB, and
 * the least by which the default and resolution 0 are ahead of both oracles:
 *
 *                      observed  default  res. 0   TV     RL     Wiener  least, default  res. 0
 *   M 31 (radio)       31.44     42.89    43.75    38.99  43.39  40.21   -0.95           -0.24
 *   30 Doradus         34.04     39.27    39.59    37.09  38.91  37.60   -0.54           -0.47
 *   radio cluster      40.50     55.49    58.04    45.76  52.05  48.27   +0.89           +5.15
 *   HST dwarf          35.58     49.62    52.94    42.34  49.52  42.24   -3.19           +0.18
 *   scene 0            37.15     50.48    53.10    42.28  47.00  42.34   +2.06           +4.86
 *   scene 1            36.56     50.82    51.92    42.99  44.49  43.42   +5.30           +6.90
 *   scene 2            35.94     47.92    51.08    40.57  46.99  39.96   -2.37           +2.88
 *   scene 3            37.47     44.73    45.25    40.76  43.74  41.03   +0.45           +0.92
 *   scene 4            33.60     44.12    46.07    39.15  44.51  38.87   -1.93           -1.81
 *
 * With scenes 5 to 7: 1.2 dB ahead on average, in 32 of 48 cases, and 2.7 at resolution 0, in 41;
 * it falls behind where sources are as sharp as a pixel, mostly at noises of 0.2 to 0.5 %. Galaxies
 * (7, each at four noises): |g - g of the truth| 0.0229 by default, 0.0170 at resolution 0, 0.0207
 * RL, 0.0369 Wiener, 0.0649 after 10 iterations of RL; fluxes off by 0.76, 0.54, 0.67, 0.64 and
 * 1.11 %, the default's by 3.2 % at most.
 *
 * usage: bench_deblur [builtin | MODEL.onnx [USAGE]] (USAGE as in sf_model_usage_parse: bf16=true
 * is 4 times as fast where the processor has matrix units), with SCOREFIELD_DATA. */
#include <scorefield.h>

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "default_way.h"

#define SKY        0.1 /* of counts, over the peak */
#define FIXED      10  /* iterations of Richardson-Lucy that many settle for */
#define MARGIN     12  /* pixels of the scene around the frame */
#define SCENES     8
#define APERTURE   3.0 /* sizes of the galaxy as observed */
#define MAX_TRUTHS 32

enum { OBSERVED, DEFAULT, CELLS, ADMM, TV, LUCY, WIENER, LUCY_FIXED, METHODS };
static const char *const names[METHODS] = {"observed", "default",   "res. 0", "ADMM",
                                           "TV",       "RL oracle", "Wiener", "RL 10"};

/* ---- truths ----------------------------------------------------------------------------- */

typedef struct truth {
    char name[64];
    sf_grid wide, grid;            /* of the scene, and of the part of it that is observed */
    double *scene, *pixels, noise; /* noise: its own */
    bool galaxy;                   /* has a brightest one, which has a ... */
    sf_shape shape;
} truth;

static double *new_array(size_t count)
{
    double *values;

    OK(sf_allocate(&values, count, sizeof *values));
    return values;
}

static size_t brightest(const sf_grid *grid, const double *pixels)
{
    size_t best = 0;

    for (size_t i = 0; i < sf_grid_size(grid); i++)
        if (pixels[i] > pixels[best]) best = i;
    return best;
}

/* The middle of an image on the wide grid. */
static void cut(const truth *t, const double *wide, double *middle)
{
    const size_t *shape = t->grid.shape, columns = t->wide.shape[1];
    const size_t row = (t->wide.shape[0] - shape[0]) / 2, column = (columns - shape[1]) / 2;

    for (size_t i = 0; i < shape[0]; i++)
        memcpy(middle + i * shape[1], wide + (i + row) * columns + column,
               shape[1] * sizeof *middle);
}

/* Given the scene: what is seen of it, and the brightest galaxy there. Only galaxies that are
 * larger than a pixel have a shape. */
static void look(truth *t)
{
    const size_t *wide = t->wide.shape, margin = wide[0] > 4 * MARGIN ? 2 * MARGIN : 0;
    size_t place;

    OK(sf_grid_image(wide[0] - margin, wide[1] - margin, &t->grid));
    t->pixels = new_array(sf_grid_size(&t->grid));
    cut(t, t->scene, t->pixels);
    place = brightest(&t->grid, t->pixels);
    t->galaxy = t->galaxy &&
                sf_measure_shape(&t->grid, t->pixels, (double)(place / t->grid.shape[1]),
                                 (double)(place % t->grid.shape[1]), 2.0, &t->shape) == SF_OK &&
                t->shape.size > 1.0;
}

typedef struct source {
    const char *file;
    size_t binning;
    bool galaxy, noisy; /* has a brightest galaxy; has noise of its own */
} source;

static void read_truth(const char *folder, const source *s, truth *t)
{
    const size_t k = s->binning;
    char path[1024];
    sf_fits *fits;
    size_t columns;

    (void)snprintf(path, sizeof path, "%s/fits/%s", folder, s->file);
    (void)snprintf(t->name, sizeof t->name, "%s", s->file);
    OK(sf_fits_read(path, &fits));
    columns = sf_fits_grid(fits)->shape[1];
    OK(sf_grid_image(sf_fits_grid(fits)->shape[0] / k, columns / k, &t->wide));
    t->scene = new_array(sf_grid_size(&t->wide));
    for (size_t i = 0; i < k * t->wide.shape[0]; i++)
        for (size_t j = 0; j < k * t->wide.shape[1]; j++)
            t->scene[i / k * t->wide.shape[1] + j / k] +=
                sf_fits_pixels(fits)[i * columns + j] / (double)(k * k);
    if (s->noisy) {
        OK(sf_estimate_noise(sf_fits_grid(fits), sf_fits_pixels(fits), NULL, &t->noise));
        t->noise /= (double)k;
    }
    t->galaxy = s->galaxy;
    look(t);
    sf_fits_release(&fits);
}

/* Of galaxies alone, or with stars and clusters. */
static void draw_truth(size_t index, truth *t)
{
    sf_scene_options options = sf_scene_options_default();

    t->galaxy = index % 3 != 2;
    if (t->galaxy) options.stars = options.clusters = 0.0;
    options.galaxies = 40.0;
    (void)snprintf(t->name, sizeof t->name, "scene %zu%s", index, t->galaxy ? "" : ", with stars");
    OK(sf_grid_image(96 + 2 * MARGIN, 96 + 2 * MARGIN, &t->wide));
    t->scene = new_array(sf_grid_size(&t->wide));
    OK(sf_scene_draw(&t->wide, &options, 271828, index, t->scene));
    look(t);
}

static size_t collect(const char *folder, truth *truths)
{
    static const source sources[] = {
        {"radio_M31_256.fits", 2, false, false},
        {"radio_30dor_256.fits", 2, false, false},
        {"radio_cluster_128.fits", 1, false, false},
        {"hst_abell_2744_dwarf_galaxy_f105w.fits.gz", 2, true, true},
        {"hst_abell_2744_group_of_galaxies_f105w.fits.gz", 3, true, true}};
    size_t count = 0;

    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        read_truth(folder, &sources[i], &truths[count++]);
    for (size_t i = 0; i < SCENES; i++) draw_truth(i, &truths[count++]);
    return count;
}

/* ---- observations ------------------------------------------------------------------------ */

typedef struct problem {
    const truth *truth;
    exposure frame;              /* its noise and sky known */
    sf_observation *observation; /* of pixels */
    double *scene, *restored;
} problem;

static sf_psf *read_psf(const char *folder, size_t index, const sf_grid *frame)
{
    static const char *const files[] = {
        "kernels/psf_hst_wfc3_f105w.fits.gz", "fits/gama_sdss_G265911_psfim.fits",
        "fits/gama_kids_G279148_psfim.fits",  "fits/hsc_gal1.fits[PSF]",
        "kernels/psf-ceers-f160w.fits",       "kernels/hst_cosmos_psfs_hdu000-049.fits[0]"};
    char path[1024];
    sf_fits *fits;
    sf_psf *psf, *cut;

    (void)snprintf(path, sizeof path, "%s/%s", folder,
                   files[index % (sizeof files / sizeof *files)]);
    OK(sf_fits_read(path, &fits));
    OK(sf_psf_from_pixels(sf_fits_grid(fits), sf_fits_pixels(fits), NULL, &psf));
    OK(sf_psf_cut(psf, frame, &cut));
    sf_psf_release(&psf);
    sf_fits_release(&fits);
    return cut;
}

/* H scene, the scene surrounded by empty sky, where it is observed. */
static void blur(const truth *t, const sf_psf *psf, double *pixels)
{
    const size_t count = sf_grid_size(&t->wide);
    double *index, *where = new_array(count);
    sf_observation *o;
    size_t cells;

    OK(sf_observation_create(&t->wide, t->scene, NULL, 1.0, NULL, psf, NULL, &o));
    cells = sf_grid_size(sf_observation_scene(o));
    index = new_array(cells);
    for (size_t i = 0; i < cells; i++) index[i] = (double)i;
    OK(sf_observation_crop(o, index, where));
    memset(index, 0, cells * sizeof *index);
    for (size_t i = 0; i < count; i++) index[(size_t)where[i]] = t->scene[i];
    OK(sf_observation_predict(o, index, where));
    cut(t, where, pixels);
    sf_observation_release(&o);
    sf_free(index);
    sf_free(where);
}

static void add_counts(exposure *e, uint64_t seed)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);

    if (rng == NULL) exit(1);
    gsl_rng_set(rng, seed);
    for (size_t i = 0; i < sf_grid_size(&e->grid); i++)
        e->pixels[i] = gsl_ran_poisson(rng, e->gain * (fmax(e->pixels[i], 0.0) + e->sky)) / e->gain;
    gsl_rng_free(rng);
}

/* level: the noise of the brightest pixel over it. */
static void expose(const char *folder, const truth *t, double level, size_t camera, bool counts,
                   uint64_t seed, problem *p)
{
    const size_t count = sf_grid_size(&t->grid);
    exposure *e = &p->frame;
    double peak;

    memset(p, 0, sizeof *p);
    p->truth = t;
    p->restored = new_array(count);
    e->grid = t->grid;
    e->psf = read_psf(folder, camera, &t->grid);
    e->pixels = new_array(count);
    blur(t, e->psf, e->pixels);
    peak = e->pixels[brightest(&t->grid, e->pixels)];
    e->noise = level * peak;
    if (counts) {
        e->sky = SKY * peak;
        e->gain = (peak + e->sky) / (e->noise * e->noise);
        add_counts(e, seed);
    } else {
        sf_random_normal(sf_random_make(seed, 0), 0, 0, count, p->restored);
        for (size_t i = 0; i < count; i++) e->pixels[i] += e->noise * p->restored[i];
    }
    p->observation = observe_frame(e, 0.0);
    p->scene = new_array(sf_grid_size(sf_observation_scene(p->observation)));
}

static void release_problem(problem *p)
{
    sf_observation_release(&p->observation);
    sf_psf_release(&p->frame.psf);
    sf_free(p->frame.pixels);
    sf_free(p->scene);
    sf_free(p->restored);
}

/* ---- methods ----------------------------------------------------------------------------- */

typedef struct verdict {
    double psnr, shape, flux; /* |g - g of the truth|; restored / true - 1. NaN: not measured */
} verdict;

static void shear(const sf_shape *s, double g[2])
{
    const double scale = 1.0 / (1.0 + sqrt(fmax(1.0 - s->e1 * s->e1 - s->e2 * s->e2, 0.0)));

    g[0] = s->e1 * scale;
    g[1] = s->e2 * scale;
}

static double aperture(const problem *p, const double *image)
{
    const truth *t = p->truth;
    const double radius = APERTURE * hypot(t->shape.size, sf_psf_fwhm(p->frame.psf) / 2.355);
    const size_t columns = t->grid.shape[1];
    double sum = 0.0;

    for (size_t i = 0; i < sf_grid_size(&t->grid); i++)
        if (hypot((double)(i / columns) - t->shape.row, (double)(i % columns) - t->shape.column) <=
            radius)
            sum += image[i];
    return sum;
}

/* As sf_compare does, without SSIM: Richardson-Lucy wants it after every iteration. */
static double psnr(const truth *t, const double *image)
{
    const size_t count = sf_grid_size(&t->grid);
    double sum = 0.0, low = INFINITY, high = -INFINITY;

    for (size_t i = 0; i < count; i++) {
        sum += (image[i] - t->pixels[i]) * (image[i] - t->pixels[i]);
        low = fmin(low, t->pixels[i]);
        high = fmax(high, t->pixels[i]);
    }
    return 10.0 * log10((high - low) * (high - low) * (double)count / sum);
}

static verdict judge(const problem *p, const double *image)
{
    const truth *t = p->truth;
    verdict v = {NAN, NAN, NAN};
    sf_shape s;

    v.psnr = psnr(t, image);
    if (!t->galaxy) return v;
    v.flux = aperture(p, image) / aperture(p, t->pixels) - 1.0;
    v.shape = 1.0; /* of what is no galaxy any more */
    if (sf_measure_shape(&t->grid, image, t->shape.row, t->shape.column, t->shape.size, &s) ==
        SF_OK) {
        double g[2], expected[2];

        shear(&s, g);
        shear(&t->shape, expected);
        v.shape = hypot(g[0] - expected[0], g[1] - expected[1]);
    }
    return v;
}

/* sky: what the scene lacks of the truth everywhere. */
static verdict judge_scene(const problem *p, const double *scene, double sky)
{
    OK(sf_observation_crop(p->observation, scene, p->restored));
    for (size_t i = 0; i < sf_grid_size(&p->truth->grid); i++) p->restored[i] += sky;
    return judge(p, p->restored);
}

/* Noise and sky from the frame itself. */
static verdict plug_and_play(const problem *p, sf_model *model, double resolution, bool multiplier)
{
    sf_pnp_options options = sf_pnp_options_default();
    exposure e = p->frame;
    verdict v;
    restored r;

    options.multiplier = multiplier;
    OK(sf_estimate_noise(&e.grid, e.pixels, NULL, &e.noise));
    OK(sf_estimate_background(&e.grid, e.pixels, NULL, &e.sky));
    r = restore_frame(&e, model, resolution, &options);
    v = judge_scene(p, r.scene, e.sky - p->frame.sky);
    release_restored(&r);
    return v;
}

typedef struct lucy {
    const problem *problem;
    double best, *image; /* the best so far */
    verdict fixed;
} lucy;

static bool keep_best(const sf_monitor_event *event, void *user)
{
    lucy *l = user;
    const problem *p = l->problem;
    double now;

    OK(sf_observation_crop(p->observation, event->image, p->restored));
    now = psnr(p->truth, p->restored);
    if (event->iteration == FIXED) l->fixed = judge(p, p->restored);
    if (now > l->best) {
        l->best = now;
        memcpy(l->image, p->restored, sf_grid_size(&p->truth->grid) * sizeof *l->image);
    }
    return event->iteration < FIXED || now > l->best - 0.2;
}

static void richardson_lucy(const problem *p, verdict *best, verdict *fixed)
{
    sf_richardson_lucy_options options = sf_richardson_lucy_options_default();
    lucy l = {p, -INFINITY, new_array(sf_grid_size(&p->truth->grid)), {NAN, NAN, NAN}};

    options.discrepancy = false;
    options.iterations = 500;
    options.monitor = (sf_monitor){keep_best, &l};
    OK(sf_richardson_lucy(p->observation, &options, p->scene, NULL));
    *best = judge(p, l.image);
    *fixed = l.fixed;
    sf_free(l.image);
}

static verdict wiener_at(const problem *p, double exponent)
{
    sf_wiener_options options = sf_wiener_options_default();

    options.strength = pow(10.0, exponent);
    options.tolerance = 1e-3;
    OK(sf_wiener(p->observation, &options, p->scene, NULL));
    return judge_scene(p, p->scene, 0.0);
}

/* Over the strength, first in steps of 10. */
static verdict oracle_wiener(const problem *p)
{
    verdict best = {.psnr = -INFINITY};
    double at = 0.0;

    for (double t = -6.0; t <= 4.0; t += 1.0) {
        const verdict v = wiener_at(p, t);
        if (v.psnr > best.psnr) best = v, at = t;
    }
    for (int i = -3; i <= 3; i++) {
        const verdict v = wiener_at(p, at + 0.25 * i);
        if (v.psnr > best.psnr) best = v;
    }
    return best;
}

static void run_all(problem *p, sf_model *model, verdict *verdicts)
{
    for (size_t i = 0; i < sf_grid_size(&p->truth->grid); i++)
        p->restored[i] = p->frame.pixels[i] - p->frame.sky;
    verdicts[OBSERVED] = judge(p, p->restored);
    verdicts[DEFAULT] = plug_and_play(p, model, RESOLUTION_CHOSEN, false);
    verdicts[CELLS] = plug_and_play(p, model, 0.0, false);
    verdicts[ADMM] = plug_and_play(p, model, RESOLUTION_CHOSEN, true);
    OK(sf_tv(p->observation, NULL, p->scene, NULL));
    verdicts[TV] = judge_scene(p, p->scene, 0.0);
    richardson_lucy(p, &verdicts[LUCY], &verdicts[LUCY_FIXED]);
    verdicts[WIENER] = oracle_wiener(p);
}

/* ---- tables ------------------------------------------------------------------------------ */

/* What a row of the tables sums. */
typedef struct row {
    verdict sum[METHODS];
    double worst_flux;                /* of the default */
    double ahead[2], least[2];        /* of the default and of resolution 0: over the oracles, dB */
    size_t count, galaxies, first[2]; /* first: cases ahead of both oracles */
} row;

static void add(row *r, const verdict *v)
{
    const double oracle = fmax(v[LUCY].psnr, v[WIENER].psnr);

    for (int m = 0; m < METHODS; m++) {
        r->sum[m].psnr += v[m].psnr;
        if (isnan(v[m].flux)) continue;
        r->sum[m].shape += v[m].shape;
        r->sum[m].flux += fabs(v[m].flux);
    }
    for (int i = 0; i < 2; i++) {
        const double ahead = v[DEFAULT + i].psnr - oracle;

        r->ahead[i] += ahead;
        r->least[i] = r->count > 0 ? fmin(r->least[i], ahead) : ahead;
        r->first[i] += ahead > 0.0 ? 1 : 0;
    }
    r->count++;
    if (isnan(v[DEFAULT].flux)) return;
    r->galaxies++;
    r->worst_flux = fmax(r->worst_flux, fabs(v[DEFAULT].flux));
}

static void print_head(const char *first)
{
    printf("\n%-34s", first);
    for (int m = 0; m < METHODS; m++) printf(" %9s", names[m]);
    printf("   ahead  least  cases (res. 0)\n");
}

static void print_psnr(const char *name, const row *r)
{
    if (r->count == 0) return;
    printf("%-34.34s", name);
    for (int m = 0; m < METHODS; m++) printf(" %9.2f", r->sum[m].psnr / (double)r->count);
    for (int i = 0; i < 2; i++)
        printf(" %s%6.2f %6.2f %zu of %zu", i > 0 ? "(" : " ", r->ahead[i] / (double)r->count,
               r->least[i], r->first[i], r->count);
    printf(")\n");
    (void)fflush(stdout);
}

static void print_galaxies(const char *name, const row *r)
{
    if (r->galaxies == 0) return;
    printf("%-34s", name);
    for (int m = 0; m < METHODS; m++) printf(" %9.4f", r->sum[m].shape / (double)r->galaxies);
    printf("   |g - g true|, %zu galaxies\n%-34s", r->galaxies, "");
    for (int m = 0; m < METHODS; m++) printf(" %9.4f", r->sum[m].flux / (double)r->galaxies);
    printf("   |flux / true - 1|, at most %.4f\n", r->worst_flux);
}

enum { LEVELS = 4, KINDS = 2 };

typedef struct tables {
    row by_truth[MAX_TRUTHS], by_noise[KINDS][LEVELS], all;
} tables;

static void add_case(const char *folder, const truth *t, size_t index, double level, size_t camera,
                     bool counts, sf_model *model, row *rows[3])
{
    verdict verdicts[METHODS];
    problem p;

    expose(folder, t, level, camera, counts, 1000 + index, &p);
    if (t->noise <= 0.5 * p.frame.noise) {
        run_all(&p, model, verdicts);
        for (int i = 0; i < 3; i++) add(rows[i], verdicts);
    }
    release_problem(&p);
}

static void print_tables(const char *folder, sf_model *model)
{
    static const double levels[LEVELS] = {0.002, 0.005, 0.01, 0.02};
    static const char *const kinds[KINDS] = {"Gaussian", "counts"};
    static truth truths[MAX_TRUTHS];
    static tables t;
    const size_t count = collect(folder, truths);
    char name[64];

    print_head("mean PSNR, dB");
    for (size_t i = 0; i < count; i++) {
        for (size_t l = 0; l < LEVELS; l++) {
            const size_t kind = (i + l) % KINDS;
            row *rows[] = {&t.by_truth[i], &t.by_noise[kind][l], &t.all};

            add_case(folder, &truths[i], i, levels[l], i + l / 2, kind == 1, model, rows);
        }
        print_psnr(truths[i].name, &t.by_truth[i]);
        sf_free(truths[i].pixels);
        sf_free(truths[i].scene);
    }
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) print_head("galaxies");
        for (size_t k = 0; k < KINDS; k++)
            for (size_t l = 0; l < LEVELS; l++) {
                (void)snprintf(name, sizeof name, "%s %.1f %%", kinds[k], 100.0 * levels[l]);
                (pass == 0 ? print_psnr : print_galaxies)(name, &t.by_noise[k][l]);
            }
        (pass == 0 ? print_psnr : print_galaxies)("all", &t.all);
    }
}

/* Where the time of a step goes, on a frame with borders and bad pixels: the difference of a long
 * schedule and a short one. */
static void print_times(sf_model *model)
{
    enum { size = 460, STEPS = 12 }; /* with the PSF's margin near 512 */
    const size_t count = (size_t)size * size;
    double *pixels = new_array(count), *scene;
    sf_pnp_options options = sf_pnp_options_default();
    double step, denoiser, transforms;
    sf_observation *observation;
    sf_solver_report once, thrice;
    sf_prior *prior;
    sf_grid frame;
    sf_psf *psf;

    OK(sf_grid_image(size, size, &frame));
    OK(sf_psf_gaussian(4.5, &psf));
    sf_random_normal(sf_random_make(1, 0), 0, 0, count, pixels);
    for (size_t i = 0; i < count; i++) {
        const double y = (double)(i / size) - 200.0, x = (double)(i % size) - 240.0;
        pixels[i] += 300.0 * exp(-sqrt(x * x + y * y) / 15.0);
        if (i % 500 == 0) pixels[i] = NAN;
    }
    OK(sf_observation_create(&frame, pixels, NULL, 1.0, NULL, psf, NULL, &observation));
    OK(sf_prior_network(sf_observation_scene(observation), model, &prior));
    scene = new_array(sf_grid_size(sf_observation_scene(observation)));
    options.iterations = STEPS;
    OK(sf_pnp(observation, prior, &options, scene, &once));
    options.iterations = 3 * STEPS;
    OK(sf_pnp(observation, prior, &options, scene, &thrice));
    step = (thrice.seconds - once.seconds) / (2.0 * STEPS);
    denoiser = (thrice.prior_seconds - once.prior_seconds) / (2.0 * STEPS);
    transforms = (thrice.transform_seconds - once.transform_seconds) / (2.0 * STEPS);
    printf("\none step on %zu x %zu cells: %.3f s = denoiser %.1f %% + transforms %.1f %% + rest "
           "%.1f %%; start and end take %.2f s\n",
           sf_observation_scene(observation)->shape[0], sf_observation_scene(observation)->shape[1],
           step, 100.0 * denoiser / step, 100.0 * transforms / step,
           100.0 * (1.0 - (denoiser + transforms) / step), once.seconds - STEPS * step);
    sf_prior_release(&prior);
    sf_observation_release(&observation);
    sf_psf_release(&psf);
    sf_free(pixels);
    sf_free(scene);
}

int main(int count, char **arguments)
{
    const char *folder = getenv("SCOREFIELD_DATA");
    sf_model *model = named_model(count, arguments);

    if (folder == NULL)
        printf("no table: SCOREFIELD_DATA does not name the data's folder\n");
    else
        print_tables(folder, model);
    print_times(model);
    sf_model_release(&model);
    return 0;
}
