/* bench_deblur.c - the default method against what classical methods could do at best.
 *
 * The HST/ACS galaxies of SCOREFIELD_DATA/fits are blurred with their own PSF and with a broader
 * one, noise is added for three signal-to-noise ratios of the brightest pixel, and each method
 * restores them (the stamps' own signal-to-noise ratio is about 30, and what a method leaves of
 * their noise counts as truth: rows above that favour methods that do not denoise); the table has
 * the mean PSNR (peak: the truth's range). Richardson-Lucy is stopped and Wiener's strength is
 * chosen by the truth, which nobody has: the best that they can do. Then the time of an iteration
 * on a 512 x 512 frame: denoiser, transforms, the rest.
 *
 * usage: bench_deblur [MODEL.onnx] (default: the built-in denoiser) */
#include <scorefield/inverse.h>
#include <scorefield/io.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call)                                                    \
    do {                                                            \
        if ((call) != SF_OK) {                                      \
            fprintf(stderr, "bench_deblur: %s\n", sf_last_error()); \
            exit(1);                                                \
        }                                                           \
    } while (0)

enum { OBSERVED, PNP, LUCY, WIENER, TV, METHODS };
static const char *const names[METHODS] = {"observed", "pnp", "RL (oracle)", "Wiener (oracle)",
                                           "TV (discrepancy)"};

typedef struct problem {
    sf_observation *observation;
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
    options.iterations = 300;
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

static double plug_and_play(const problem *p, sf_model *model, sf_diagnostics *d)
{
    sf_prior *prior;

    OK(sf_prior_network(sf_observation_scene(p->observation), model, &prior));
    OK(sf_pnp(p->observation, prior, NULL, p->scene, NULL));
    OK(sf_diagnose(p->observation, p->scene, d));
    sf_prior_release(&prior);
    return psnr_of_scene(p, p->scene);
}

typedef struct row {
    double psnr[METHODS], chi_squared, flux_ratio;
    size_t count, ahead; /* galaxies; on how many pnp is ahead of every other method */
} row;

static void add_galaxy(const sf_fits *galaxy, const sf_psf *psf, double ratio, uint64_t seed,
                       sf_model *model, row *r)
{
    const sf_grid *frame = sf_fits_grid(galaxy), *kernel = sf_psf_grid(psf);
    const size_t count = sf_grid_size(frame);
    problem p = {.frame = frame, .truth = sf_fits_pixels(galaxy)};
    double value[METHODS];
    sf_diagnostics d;

    if (kernel->shape[0] > frame->shape[0] || kernel->shape[1] > frame->shape[1]) return;
    p.pixels = new_array(count);
    p.restored = new_array(count);
    observe(&p, psf, ratio, seed);
    value[OBSERVED] = psnr(&p, p.pixels);
    value[LUCY] = oracle_lucy(&p);
    value[WIENER] = oracle_wiener(&p);
    OK(sf_tv(p.observation, NULL, p.scene, NULL));
    value[TV] = psnr_of_scene(&p, p.scene);
    value[PNP] = plug_and_play(&p, model, &d);
    for (int m = 0; m < METHODS; m++) r->psnr[m] += value[m];
    r->ahead += value[PNP] > fmax(fmax(value[LUCY], value[WIENER]), value[TV]) ? 1 : 0;
    r->chi_squared += d.chi_squared;
    r->flux_ratio += d.flux_ratio;
    r->count++;
    sf_observation_release(&p.observation);
    sf_free(p.pixels);
    sf_free(p.restored);
    sf_free(p.scene);
}

/* The galaxies of one file, each with its own PSF or the given one. */
static void add_file(const char *folder, const char *band, const sf_psf *given, double ratio,
                     sf_model *model, row *r)
{
    for (unsigned hdu = 0; hdu < 100; hdu++) {
        char galaxies[1024], psfs[1024];
        sf_fits *galaxy, *image;
        sf_psf *psf = NULL;
        snprintf(galaxies, sizeof galaxies, "%s/fits/hst_aegis_%s_galaxies_01.fits[%u]", folder,
                 band, hdu);
        snprintf(psfs, sizeof psfs, "%s/fits/hst_aegis_%s_psfs_01.fits[%u]", folder, band, hdu);
        if (sf_fits_read(galaxies, &galaxy) != SF_OK) break;
        OK(sf_fits_read(psfs, &image));
        OK(sf_psf_from_pixels(sf_fits_grid(image), sf_fits_pixels(image), NULL, &psf));
        add_galaxy(galaxy, given != NULL ? given : psf, ratio, 1000 + hdu, model, r);
        sf_psf_release(&psf);
        sf_fits_release(&image);
        sf_fits_release(&galaxy);
    }
}

static void print_table(const char *folder, sf_model *model)
{
    static const char *const bands[] = {"F606w", "F814w"};
    static const double ratios[] = {10.0, 20.0, 100.0};
    sf_psf *broad;

    OK(sf_psf_gaussian(4.5, &broad));
    printf("%-12s %6s", "PSF", "S/N");
    for (int m = 0; m < METHODS; m++) printf(" %16s", names[m]);
    printf(" %8s %8s %s\n", "chi^2", "flux", "pnp ahead of all");
    for (int which = 0; which < 2; which++)
        for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
            row r = {0};
            for (size_t b = 0; b < 2; b++)
                add_file(folder, bands[b], which == 0 ? NULL : broad, ratios[i], model, &r);
            if (r.count == 0) continue;
            printf("%-12s %6.0f", which == 0 ? "own (HST)" : "4.5 pixels", ratios[i]);
            for (int m = 0; m < METHODS; m++) printf(" %13.2f dB", r.psnr[m] / (double)r.count);
            printf(" %8.3f %8.4f %zu of %zu\n", r.chi_squared / (double)r.count,
                   r.flux_ratio / (double)r.count, r.ahead, r.count);
            fflush(stdout);
        }
    sf_psf_release(&broad);
}

/* Where the time of a step goes, on a frame with borders and bad pixels. */
static void print_times(sf_model *model)
{
    enum { size = 460 }; /* with the PSF's margin near 512 */
    const size_t count = (size_t)size * size;
    double *pixels = new_array(count), *scene;
    sf_observation *observation;
    sf_solver_report report;
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
    OK(sf_pnp(observation, prior, NULL, scene, &report));
    printf("\none step on %zu x %zu cells: %.3f s = denoiser %.1f %% + transforms %.1f %% + rest "
           "%.1f %%\n",
           sf_observation_scene(observation)->shape[0], sf_observation_scene(observation)->shape[1],
           report.seconds / (double)report.iterations,
           100.0 * report.prior_seconds / report.seconds,
           100.0 * report.transform_seconds / report.seconds,
           100.0 * (1.0 - (report.prior_seconds + report.transform_seconds) / report.seconds));
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
