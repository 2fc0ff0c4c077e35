/* truths.c - images that benchmarks blur, add noise to, and want back. */
#include "truths.h"

#include <scorefield/io.h>
#include <scorefield/scene.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK truths_ok

void truths_ok(sf_status status)
{
    if (status == SF_OK) return;
    fprintf(stderr, "%s\n", sf_last_error());
    exit(1);
}

double *truths_array(size_t count)
{
    double *values;

    OK(sf_allocate(&values, count, sizeof *values));
    return values;
}

bool truth_read(const char *folder, size_t index, truth *t)
{
    static const char *const files[TRUTHS_GALAXIES] = {
        "hst_abell_2744_dwarf_galaxy_f105w.fits.gz",
        "hst_abell_2744_group_of_galaxies_f105w.fits.gz",
        "hst_aegis_F606w_galaxies_01.fits[0]",
        "hst_aegis_F606w_galaxies_01.fits[1]",
        "hst_aegis_F606w_galaxies_01.fits[2]",
        "hst_aegis_F814w_galaxies_01.fits[0]",
        "hst_aegis_F814w_galaxies_01.fits[1]",
        "hst_aegis_F814w_galaxies_01.fits[2]"};
    const double *from;
    char path[1024];
    sf_fits *fits;
    size_t columns;

    (void)snprintf(path, sizeof path, "%s/fits/%s", folder, files[index]);
    if (sf_fits_read(path, &fits) != SF_OK) return false;
    columns = sf_fits_grid(fits)->shape[1];
    from = sf_fits_pixels(fits);
    OK(sf_grid_image(sf_fits_grid(fits)->shape[0] / 2, columns / 2, &t->grid));
    t->pixels = truths_array(sf_grid_size(&t->grid));
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

void truth_draw(size_t side, double seeing, uint64_t index, truth *t)
{
    sf_scene_options options = sf_scene_options_default();

    options.seeing = seeing;
    t->noise = 0.0;
    OK(sf_grid_image(side, side, &t->grid));
    t->pixels = truths_array(sf_grid_size(&t->grid));
    OK(sf_scene_draw(&t->grid, &options, 20, index, t->pixels));
}

void truth_release(truth *t)
{
    sf_free(t->pixels);
    t->pixels = NULL;
}

/* field, on the observation's scene, = what `frame` has, and 0 around. */
static void embed(const sf_observation *observation, const double *frame, double *field)
{
    const size_t count = sf_grid_size(sf_observation_frame(observation));
    const size_t cells = sf_grid_size(sf_observation_scene(observation));
    double *where = truths_array(count);

    for (size_t i = 0; i < cells; i++) field[i] = (double)i;
    OK(sf_observation_crop(observation, field, where));
    memset(field, 0, cells * sizeof *field);
    for (size_t i = 0; i < count; i++) field[(size_t)where[i]] = frame[i];
    sf_free(where);
}

void truth_observe(const truth *t, const sf_psf *psf, double ratio, uint64_t seed, double *pixels,
                   double *noise)
{
    const size_t count = sf_grid_size(&t->grid);
    double *field, *random = truths_array(count), peak = 0.0;
    sf_observation *observation;

    OK(sf_observation_create(&t->grid, t->pixels, NULL, 1.0, NULL, psf, NULL, &observation));
    field = truths_array(sf_grid_size(sf_observation_scene(observation)));
    embed(observation, t->pixels, field);
    OK(sf_observation_predict(observation, field, pixels));
    for (size_t i = 0; i < count; i++) peak = fmax(peak, pixels[i]);
    *noise = peak / ratio;
    sf_random_normal(sf_random_make(seed, 0), 0, 0, count, random);
    for (size_t i = 0; i < count; i++) pixels[i] += *noise * random[i];
    sf_observation_release(&observation);
    sf_free(field);
    sf_free(random);
}

double truth_psnr(const truth *t, const sf_observation *observation, const double *scene)
{
    double *frame = truths_array(sf_grid_size(&t->grid));
    sf_comparison c;

    OK(sf_observation_crop(observation, scene, frame));
    OK(sf_compare(&t->grid, frame, t->pixels, 0.0, &c));
    sf_free(frame);
    return c.psnr;
}
