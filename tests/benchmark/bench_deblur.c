/* bench_deblur.c - the default method against what classical methods could do at best.
 *
 * HST galaxies of SCOREFIELD_DATA/fits are binned 2 x 2 (a truth has its own noise), blurred, and
 * noise is added for four signal-to-noise ratios of the brightest pixel; each method restores
 * them. A galaxy takes part where its own noise is below half of what is added. The table has the
 * mean PSNR (peak: the truth's range). Richardson-Lucy is stopped and Wiener's strength is chosen
 * by the truth, which nobody has: the best that they can do. The default keeps a
 * resolution of 0.9 pixels, and is compared with the truth as it is, of pixels, all the same; what
 * that costs shows beside resolution 0. Then the time of an iteration on a 460 x 460 frame:
 * denoiser, transforms, the rest.
 *
 * usage: bench_deblur [MODEL.onnx] (default: the built-in denoiser) */
#include <scorefield/inverse.h>
#include <scorefield/io.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESOLUTION 0.9 /* pixels, as sf-deblur does */

#define OK(call)                                                    \
    do {                                                            \
        if ((call) != SF_OK) {                                      \
            fprintf(stderr, "bench_deblur: %s\n", sf_last_error()); \
            exit(1);                                                \
        }                                                           \
    } while (0)

enum { OBSERVED, PNP, CELLS, LUCY, WIENER, TV, METHODS };
static const char *const names[METHODS] = {"observed",    "default",         "resolution 0",
                                           "RL (oracle)", "Wiener (oracle)", "TV (discrepancy)"};

typedef struct problem {
    sf_observation *observation, *kept; /* kept: with the default's resolution */
    const sf_grid *frame;
    const double *truth;
    double *pixels, *scene, *restored; /* scene: on the scene's grid */
    double noise;
} problem;

static double *new_array(size_t count)
{
    double *values;

    OK(sf_allocate(&values, count, sizeof *values));
    return values;
}

static double psnr(const problem *p, const double *frame)
{
    sf_comparison c;

    OK(sf_compare(p->frame, frame, p->truth, 0.0, &c));
    return c.psnr;
}

static double psnr_of_scene(const problem *p, const double *scene)
{
    OK(sf_observation_crop(p->observation, scene, p->restored));
    return psnr(p, p->restored);
}

/* pixels = H truth + noise, the truth surrounded by empty sky. */
static void observe(problem *p, const sf_psf *psf, double ratio, uint64_t seed)
{
    const size_t count = sf_grid_size(p->frame);
    double *index, *where = new_array(count), *noise = new_array(count), peak = 0.0;
    sf_observation_options how = sf_observation_options_default();
    size_t cells;

    OK(sf_observation_create(p->frame, p->truth, NULL, 1.0, NULL, psf, NULL, &p->observation));
    cells = sf_grid_size(sf_observation_scene(p->observation));
    index = new_array(cells);
    for (size_t i = 0; i < cells; i++) index[i] = (double)i;
    OK(sf_observation_crop(p->observation, index, where));
    memset(index, 0, cells * sizeof *index);
    for (size_t i = 0; i < count; i++) index[(size_t)where[i]] = p->truth[i];
    OK(sf_observation_predict(p->observation, index, p->pixels));
    for (size_t i = 0; i < count; i++) peak = fmax(peak, p->pixels[i]);
    p->noise = peak / ratio;
    sf_random_normal(sf_random_make(seed, 0), 0, 0, count, noise);
    for (size_t i = 0; i < count; i++) p->pixels[i] += p->noise * noise[i];
    sf_observation_release(&p->observation);
    OK(sf_observation_create(p->frame, p->pixels, NULL, p->noise, NULL, psf, NULL,
                             &p->observation));
    how.resolution = RESOLUTION;
    OK(sf_observation_create(p->frame, p->pixels, NULL, p->noise, NULL, psf, &how, &p->kept));
    p->scene = new_array(cells);
    sf_free(index);
    sf_free(where);
    sf_free(noise);
}

typedef struct best {
    const problem *problem;
    double psnr;
} best;

static bool keep_best(const sf_monitor_event *event, void *user)
{
    best *b = user;

    b->psnr = fmax(b->psnr, psnr_of_scene(b->problem, event->image));
    return true;
}

static double oracle_lucy(const problem *p)
{
    sf_richardson_lucy_options options = sf_richardson_lucy_options_default();
    best b = {p, -INFINITY};

    options.discrepancy = false;
    options.iterations = 200;
    options.monitor = (sf_monitor){keep_best, &b};
    OK(sf_richardson_lucy(p->observation, &options, p->scene, NULL));
    return b.psnr;
}

static double oracle_wiener(const problem *p)
{
    sf_wiener_options options = sf_wiener_options_default();
    double highest = -INFINITY;

    for (double t = -5.0; t <= 4.0; t += 0.25) {
        options.strength = pow(10.0, t);
        options.tolerance = 1e-3;
        OK(sf_wiener(p->observation, &options, p->scene, NULL));
        highest = fmax(highest, psnr_of_scene(p, p->scene));
    }
    return highest;
}

static double plug_and_play(const problem *p, const sf_observation *o, sf_model *model,
                            sf_diagnostics *d)
{
    sf_prior *prior;

    OK(sf_prior_network(sf_observation_scene(o), model, &prior));
    OK(sf_pnp(o, prior, NULL, p->scene, NULL));
    OK(sf_diagnose(o, p->scene, d));
    sf_prior_release(&prior);
    return psnr_of_scene(p, p->scene);
}

typedef struct row {
    double psnr[METHODS], chi_squared, flux_ratio;
    size_t count, ahead; /* galaxies; on how many the default is ahead of RL, Wiener and TV */
} row;

typedef struct truth {
    sf_grid grid;
    double *pixels, noise; /* its own */
} truth;

/* A file's image, binned 2 x 2; false when there is no such HDU. */
static bool read_truth(const char *path, truth *t)
{
    const double *from;
    sf_fits *fits;
    size_t columns;

    if (sf_fits_read(path, &fits) != SF_OK) return false;
    columns = sf_fits_grid(fits)->shape[1];
    from = sf_fits_pixels(fits);
    OK(sf_grid_image(sf_fits_grid(fits)->shape[0] / 2, columns / 2, &t->grid));
    t->pixels = new_array(sf_grid_size(&t->grid));
    for (size_t i = 0; i < t->grid.shape[0]; i++)
        for (size_t j = 0; j < t->grid.shape[1]; j++) {
            const double *cell = from + 2 * i * columns + 2 * j;
            t->pixels[i * t->grid.shape[1] + j] =
                (cell[0] + cell[1] + cell[columns] + cell[columns + 1]) / 4.0;
        }
    OK(sf_estimate_noise(&t->grid, t->pixels, NULL, &t->noise));
    sf_fits_release(&fits);
    return true;
}

static void add_truth(const truth *t, const sf_psf *psf, double ratio, uint64_t seed,
                      sf_model *model, row *r)
{
    const size_t count = sf_grid_size(&t->grid);
    problem p = {.frame = &t->grid, .truth = t->pixels};
    double value[METHODS];
    sf_diagnostics d;

    p.pixels = new_array(count);
    p.restored = new_array(count);
    observe(&p, psf, ratio, seed);
    if (t->noise <= 0.5 * p.noise) {
        value[OBSERVED] = psnr(&p, p.pixels);
        value[LUCY] = oracle_lucy(&p);
        value[WIENER] = oracle_wiener(&p);
        OK(sf_tv(p.observation, NULL, p.scene, NULL));
        value[TV] = psnr_of_scene(&p, p.scene);
        value[CELLS] = plug_and_play(&p, p.observation, model, &d);
        value[PNP] = plug_and_play(&p, p.kept, model, &d);
        for (int m = 0; m < METHODS; m++) r->psnr[m] += value[m];
        r->ahead += value[PNP] > fmax(fmax(value[LUCY], value[WIENER]), value[TV]) ? 1 : 0;
        r->chi_squared += d.chi_squared;
        r->flux_ratio += d.flux_ratio;
        r->count++;
    }
    sf_observation_release(&p.observation);
    sf_observation_release(&p.kept);
    sf_free(p.pixels);
    sf_free(p.restored);
    sf_free(p.scene);
}

static void add_row(const row *r, row *sum)
{
    for (int m = 0; m < METHODS; m++) sum->psnr[m] += r->psnr[m];
    sum->count += r->count;
    sum->ahead += r->ahead;
    sum->chi_squared += r->chi_squared;
    sum->flux_ratio += r->flux_ratio;
}

static void print_row(const char *name, double ratio, const row *r)
{
    if (r->count == 0) return;
    printf("%-12s %6.0f", name, ratio);
    for (int m = 0; m < METHODS; m++) printf(" %13.2f dB", r->psnr[m] / (double)r->count);
    printf(" %8.3f %8.4f %zu of %zu\n", r->chi_squared / (double)r->count,
           r->flux_ratio / (double)r->count, r->ahead, r->count);
    (void)fflush(stdout);
}

static void print_table(const char *folder, sf_model *model)
{
    static const char *const files[] = {"hst_abell_2744_dwarf_galaxy_f105w.fits.gz",
                                        "hst_abell_2744_group_of_galaxies_f105w.fits.gz",
                                        "hst_aegis_F606w_galaxies_01.fits[0]",
                                        "hst_aegis_F606w_galaxies_01.fits[1]",
                                        "hst_aegis_F606w_galaxies_01.fits[2]",
                                        "hst_aegis_F814w_galaxies_01.fits[0]",
                                        "hst_aegis_F814w_galaxies_01.fits[1]",
                                        "hst_aegis_F814w_galaxies_01.fits[2]"};
    static const double widths[] = {2.5, 4.0}, ratios[] = {10.0, 20.0, 100.0, 400.0};
    row all = {0};

    printf("%-12s %6s", "PSF", "S/N");
    for (int m = 0; m < METHODS; m++) printf(" %16s", names[m]);
    printf(" %8s %8s %s\n", "chi^2", "flux", "default ahead of all");
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
            char name[32], path[1024];
            row r = {0};
            sf_psf *psf;
            truth t;

            OK(sf_psf_gaussian(widths[w], &psf));
            for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
                (void)snprintf(path, sizeof path, "%s/fits/%s", folder, files[f]);
                if (!read_truth(path, &t)) continue;
                add_truth(&t, psf, ratios[i], 1000 + f, model, &r);
                sf_free(t.pixels);
            }
            (void)snprintf(name, sizeof name, "%.1f pixels", widths[w]);
            print_row(name, ratios[i], &r);
            add_row(&r, &all);
            sf_psf_release(&psf);
        }
    print_row("mean", 0.0, &all);
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
    sf_model *model;

    if (count > 1)
        OK(sf_model_load(arguments[1], &model));
    else
        OK(sf_model_builtin(&model));
    if (folder == NULL)
        printf("no table: SCOREFIELD_DATA does not name the data's folder\n");
    else
        print_table(folder, model);
    print_times(model);
    sf_model_release(&model);
    return 0;
}
