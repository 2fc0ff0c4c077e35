/* train_images.c - the images of sf-train: files and folders to train on, to validate with. */
#include "train_images.h"

#include "program.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define LARGEST 192 /* pixels a side of what is cut from the middle of an image to validate */

typedef sf_status (*image_function)(const char *path, const sf_fits *image, void *user);

static bool is_fits(const char *name)
{
    static const char *const ending[] = {".fits", ".fit", ".fits.gz", ".fits.fz"};
    const size_t length = strlen(name);

    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++) {
        const size_t size = strlen(ending[i]);

        if (length > size && strcasecmp(name + length - size, ending[i]) == 0) return true;
    }
    return false;
}

static sf_status with_image(const char *path, image_function function, void *user)
{
    sf_fits *fits = NULL;
    sf_status status;

    GO(sf_fits_read(path, &fits));
    if (sf_fits_grid(fits)->axes != 2 || sf_fits_undefined(fits) != 0)
        GO(sf_fail(
            SF_ERR_SHAPE,
            "%s has %d axes and %zu undefined pixels: a clean image has two axes and no such "
            "pixels; leave this file out",
            path, sf_fits_grid(fits)->axes, sf_fits_undefined(fits)));
    status = function(path, fits, user);
done:
    sf_fits_release(&fits);
    return status;
}

/* Calls the function with a file, or with every FITS file of a folder in alphabetical order; a
 * folder without one is an error. */
static sf_status for_each(const char *path, image_function function, void *user)
{
    struct dirent **entry = NULL;
    struct stat about;
    sf_status status = SF_OK;
    size_t found = 0;
    int count;

    if (stat(path, &about) != 0 || !S_ISDIR(about.st_mode)) return with_image(path, function, user);
    count = scandir(path, &entry, NULL, alphasort);
    if (count < 0) return sf_fail(SF_ERR_IO, "%s: the folder could not be read", path);
    for (int i = 0; i < count; i++) {
        char file[4096];
        const int length = snprintf(file, sizeof file, "%s/%s", path, entry[i]->d_name);

        if (status == SF_OK && is_fits(entry[i]->d_name)) {
            found++;
            status = (size_t)length < sizeof file
                         ? with_image(file, function, user)
                         : sf_fail(SF_ERR_IO, "%s: a name that long cannot be opened", file);
        }
        free(entry[i]);
    }
    free(entry);
    return found > 0 ? status : sf_fail(SF_ERR_IO, "%s: the folder holds no FITS file", path);
}

/* ---- to train on ------------------------------------------------------------------------ */

typedef struct gathering {
    const train_images *images;
    sf_patches *patches;
    size_t count;
} gathering;

static sf_status add_image(const char *path, const sf_fits *image, void *user)
{
    gathering *g = user;
    const sf_grid *grid = sf_fits_grid(image);
    const sf_status status =
        sf_patches_add_image(g->patches, 1.0, grid->shape[0], grid->shape[1], sf_fits_pixels(image),
                             g->images->noise, g->images->gamma);

    if (status == SF_OK) g->count++;
    return status == SF_OK ? SF_OK : sf_fail(status, "%s: %s", path, sf_last_error());
}

/* A frame as observed: above its sky, with the noise that it shows. */
static sf_status add_frame(const char *path, const sf_fits *frame, void *user)
{
    gathering *g = user;
    const sf_grid *grid = sf_fits_grid(frame);
    const size_t size = sf_grid_size(grid);
    double noise, sky, *pixels = NULL;
    sf_status status;

    GO(sf_estimate_noise(grid, sf_fits_pixels(frame), NULL, &noise));
    GO(sf_estimate_background(grid, sf_fits_pixels(frame), NULL, &sky));
    GO(sf_allocate(&pixels, size, sizeof *pixels));
    for (size_t i = 0; i < size; i++) pixels[i] = sf_fits_pixels(frame)[i] - sky;
    GO(sf_patches_add_image(g->patches, 1.0, grid->shape[0], grid->shape[1], pixels, noise, 1.0));
    g->count++;
done:
    sf_free(pixels);
    return status == SF_OK ? SF_OK : sf_fail(status, "%s: %s", path, sf_last_error());
}

sf_status train_images_patches(const train_images *images, uint64_t seed, double smallest_level,
                               sf_patches **patches, size_t *count)
{
    gathering g = {.images = images};
    sf_status status;

    *patches = NULL;
    GO(sf_patches_create(seed, smallest_level, &g.patches));
    for (size_t i = 0; images->path != NULL && images->path[i] != NULL; i++)
        GO(for_each(images->path[i], add_image, &g));
    if (images->frames != NULL) GO(for_each(images->frames, add_frame, &g));
    if (g.count == 0)
        GO(sf_patches_add_scenes(g.patches, 1.0));
    else if (images->simulated > 0.0)
        GO(sf_patches_add_scenes(g.patches,
                                 images->simulated / (1.0 - images->simulated) * (double)g.count));
    *count = g.count;
    *patches = g.patches;
    return SF_OK;
done:
    sf_patches_release(&g.patches);
    return status;
}

/* ---- to validate with ------------------------------------------------------------------- */

#define LEVELS 7
static const double level[LEVELS] = {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0};

typedef struct contest {
    sf_model *model;
    double gamma;
    uint64_t seed;
    size_t count;
    sf_validation sum[LEVELS];
} contest;

/* The middle of an image, its brightest pixel 1, its display stretch undone. */
static sf_status cut_middle(const sf_fits *image, double gamma, sf_grid *grid, double **pixels)
{
    const sf_grid *from = sf_fits_grid(image);
    const size_t rows = from->shape[0] < LARGEST ? from->shape[0] : LARGEST;
    const size_t columns = from->shape[1] < LARGEST ? from->shape[1] : LARGEST;
    const size_t top = (from->shape[0] - rows) / 2, left = (from->shape[1] - columns) / 2;
    double brightest = 0.0;
    sf_status status;

    *pixels = NULL;
    GO(sf_grid_image(rows, columns, grid));
    GO(sf_allocate(pixels, rows * columns, sizeof **pixels));
    for (size_t i = 0; i < rows * columns; i++) {
        const size_t at = (top + i / columns) * from->shape[1] + left + i % columns;
        const double value = sf_fits_pixels(image)[at];

        (*pixels)[i] = gamma > 1.0 ? pow(fmax(value, 0.0), gamma) : value;
        brightest = fmax(brightest, (*pixels)[i]);
    }
    for (size_t i = 0; i < rows * columns && brightest > 0.0; i++) (*pixels)[i] /= brightest;
done:
    return status;
}

static sf_status make_prior(const sf_grid *grid, sf_model *model, sf_prior **prior)
{
    sf_ridge *ridge = NULL;
    sf_status status;

    if (!sf_model_is_ridge(model)) return sf_prior_network(grid, model, prior);
    GO(sf_ridge_from_model(model, &ridge));
    status = sf_prior_ridge(grid, ridge, 1.0, 0.0, 1e-3, prior);
done:
    sf_ridge_release(&ridge);
    return status;
}

static sf_status validate_image(const char *path, const sf_fits *image, void *user)
{
    contest *c = user;
    double *pixels = NULL;
    sf_prior *prior = NULL;
    sf_validation v;
    sf_grid grid;
    sf_status status;

    (void)path;
    GO(cut_middle(image, c->gamma, &grid, &pixels));
    GO(make_prior(&grid, c->model, &prior));
    for (size_t i = 0; i < LEVELS; i++) {
        GO(sf_prior_validate(prior, 1, pixels, level[i], c->seed + c->count, &v));
        c->sum[i].noisy += v.noisy;
        c->sum[i].wiener += v.wiener;
        c->sum[i].total_variation += v.total_variation;
        c->sum[i].prior += v.prior;
    }
    c->count++;
done:
    sf_prior_release(&prior);
    sf_free(pixels);
    return status;
}

sf_status train_images_validate(const char *folder, double gamma, sf_model *model, uint64_t seed)
{
    contest c = {.model = model, .gamma = gamma, .seed = seed};
    sf_status status;

    GO(for_each(folder, validate_image, &c));
    printf("Mean PSNR in dB of %zu images; noise level relative to the brightest pixel\n"
           "  level   noisy  Wiener      TV  network\n",
           c.count);
    for (size_t i = 0; i < LEVELS; i++) {
        const double n = (double)c.count;

        printf("%7g %7.2f %7.2f %7.2f %8.2f\n", level[i], c.sum[i].noisy / n, c.sum[i].wiener / n,
               c.sum[i].total_variation / n, c.sum[i].prior / n);
    }
done:
    return status;
}
