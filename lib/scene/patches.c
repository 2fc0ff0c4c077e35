/* patches.c - clean patches to train on: simulated scenes of random composition, and crops of real
 * images, turned into what a detector sees before a display stretch. */
#include "base/internal.h"
#include "scene/recipe.h"

#include <math.h>

enum { STREAM_PATCH = 12 };

typedef struct real_image {
    double weight;
    size_t rows, columns;
    float *pixels;
    double noise, gamma_max;
} real_image;

struct sf_patches {
    uint64_t seed;
    double smallest_level;
    double scenes; /* weight of the simulator */
    double total;  /* of all weights */
    real_image *image;
    size_t image_count, image_space;
    uint64_t fingerprint; /* of all that was added */
};

/* Into the fingerprint: numbers, then pixels. */
static void record(sf_patches *patches, const double *numbers, size_t count, const float *pixels,
                   size_t size)
{
    const uint64_t sizes[] = {count, size};

    patches->fingerprint = sf_fnv(patches->fingerprint, sizes, sizeof sizes);
    patches->fingerprint = sf_fnv(patches->fingerprint, numbers, count * sizeof *numbers);
    patches->fingerprint = sf_fnv(patches->fingerprint, pixels, size * sizeof *pixels);
}

sf_status sf_patches_create(uint64_t seed, double smallest_level, sf_patches **patches)
{
    *patches = NULL;
    if (!(smallest_level > 0.0) || !isfinite(smallest_level))
        return sf_fail(SF_ERR_ARGUMENT, "smallest noise level %g: give a positive number",
                       smallest_level);
    SF_TRY(sf_allocate(patches, 1, sizeof **patches));
    (*patches)->seed = seed;
    (*patches)->smallest_level = smallest_level;
    (*patches)->fingerprint = sf_fnv(SF_FNV_BASIS, &seed, sizeof seed);
    record(*patches, &smallest_level, 1, NULL, 0);
    return SF_OK;
}

void sf_patches_release(sf_patches **patches)
{
    if (patches == NULL || *patches == NULL) return;
    for (size_t i = 0; i < (*patches)->image_count; i++) sf_free((*patches)->image[i].pixels);
    sf_free((*patches)->image);
    sf_free(*patches);
    *patches = NULL;
}

static sf_status check_weight(double weight)
{
    if (weight > 0.0 && isfinite(weight)) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "weight %g: give a positive number", weight);
}

sf_status sf_patches_add_scenes(sf_patches *patches, double weight)
{
    SF_TRY(check_weight(weight));
    patches->scenes += weight;
    patches->total += weight;
    record(patches, &weight, 1, NULL, 0);
    return SF_OK;
}

static sf_status make_room(sf_patches *patches)
{
    const size_t space = patches->image_space == 0 ? 16 : 2 * patches->image_space;
    real_image *image;

    if (patches->image_count < patches->image_space) return SF_OK;
    SF_TRY(sf_allocate(&image, space, sizeof *image));
    for (size_t i = 0; i < patches->image_count; i++) image[i] = patches->image[i];
    sf_free(patches->image);
    patches->image = image;
    patches->image_space = space;
    return SF_OK;
}

sf_status sf_patches_add_image(sf_patches *patches, double weight, size_t rows, size_t columns,
                               const double *pixels, double noise, double gamma_max)
{
    double brightest = 0.0;
    real_image image = {weight, rows, columns, NULL, 0.0, gamma_max};
    size_t size;

    SF_TRY(check_weight(weight));
    if (rows == 0 || columns == 0 || !sf_multiply_sizes(rows, columns, &size))
        return sf_fail(SF_ERR_SHAPE, "an image of %zu x %zu pixels to train on", rows, columns);
    if (!(noise >= 0.0) || !(gamma_max >= 1.0) || !isfinite(noise) || !(gamma_max <= 10.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "noise %g, gamma %g: the first is not negative, the second 1 to 10", noise,
                       gamma_max);
    SF_TRY(sf_check_finite(pixels, size, "an image to train on"));
    for (size_t i = 0; i < size; i++) brightest = fmax(brightest, pixels[i]);
    if (!(brightest > 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "an image to train on has no positive pixel");
    SF_TRY(make_room(patches));
    SF_TRY(sf_allocate(&image.pixels, size, sizeof *image.pixels));
    for (size_t i = 0; i < size; i++) image.pixels[i] = (float)(pixels[i] / brightest);
    image.noise = noise / brightest;
    record(patches, (double[]){weight, (double)rows, (double)columns, image.noise, gamma_max}, 5,
           image.pixels, size);
    patches->image[patches->image_count++] = image;
    patches->total += weight;
    return SF_OK;
}

/* ---- simulated -------------------------------------------------------------------------- */

/* What a patch of `side` pixels shows: a large galaxy, many small ones, a few of all sizes on a
 * dark sky, stars, a cluster, a nebula, or some of everything. */
static sf_recipe draw_recipe(sf_dice *dice, double side)
{
    const double kind = sf_dice_between(dice, 0.0, 1.0);
    sf_recipe r = {.smallest = 0.7,
                   .largest = 0.08 * side,
                   .pairs = 0.1,
                   .slope = sf_dice_between(dice, 1.3, 2.3),
                   .stars = sf_dice_chance(dice, 0.6) ? sf_dice_log(dice, 0.5, 8.0) : 0.0,
                   .seeing = sf_dice_log(dice, 1.0, 5.0)};

    if (kind < 0.26) {
        r.galaxies = sf_dice_between(dice, 1.0, 3.0);
        r.smallest = 0.05 * side;
        r.largest = 0.3 * side;
        r.pairs = 0.25;
    } else if (kind < 0.42) {
        r.galaxies = sf_dice_log(dice, 2.0, 40.0);
    } else if (kind < 0.64) {
        r.galaxies = sf_dice_log(dice, 1.0, 6.0);
        r.smallest = 1.0;
        r.largest = 1.0 + 0.15 * side;
    } else if (kind < 0.74) {
        r.stars = sf_dice_log(dice, 3.0, 120.0);
    } else if (kind < 0.79) {
        r.clusters = 1.0;
    } else if (kind < 0.91) {
        r.diffuse = sf_dice_log(dice, 0.02, 2.0);
        r.filaments = sf_dice_chance(dice, 0.5) ? sf_dice_log(dice, 0.02, 0.5) : 0.0;
        r.shells = sf_dice_between(dice, 0.0, 1.5);
        r.stars = sf_dice_log(dice, 0.5, 30.0);
    } else {
        r.galaxies = sf_dice_log(dice, 1.0, 10.0);
        r.largest = 0.2 * side;
        r.diffuse = sf_dice_log(dice, 0.003, 0.3);
        r.shells = 0.3;
        r.clusters = 0.3;
    }
    return r;
}

/* A sky level with a slope, as in frames whose sky was not or not well subtracted. */
static void add_sky(sf_dice *dice, size_t rows, size_t columns, double *image)
{
    const double sky = sf_dice_log(dice, 1e-3, 0.5);
    const double down = sf_dice_between(dice, -0.2, 0.2) / (double)rows;
    const double along = sf_dice_between(dice, -0.2, 0.2) / (double)columns;

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            image[i * columns + j] += sky * (1.0 + down * (double)i + along * (double)j);
}

static sf_status draw_scene(sf_dice *dice, size_t rows, size_t columns, float *patch)
{
    const double side = (double)(rows < columns ? rows : columns);
    const sf_recipe recipe = draw_recipe(dice, side);
    const bool sky = sf_dice_chance(dice, 0.2);
    double *image = NULL;
    sf_status status;
    sf_grid grid;

    SF_TRY(sf_grid_image(rows, columns, &grid));
    SF_TRY(sf_allocate(&image, rows * columns, sizeof *image));
    SF_GO(sf_recipe_draw(&recipe, &grid, dice, image));
    if (sky) add_sky(dice, rows, columns, image);
    for (size_t i = 0; i < rows * columns; i++) patch[i] = (float)image[i];
done:
    sf_free(image);
    return status;
}

/* ---- real ------------------------------------------------------------------------------- */

/* Index i of an axis that is mirrored at its ends. */
static size_t mirrored(size_t i, size_t length)
{
    const size_t period = 2 * length;

    i %= period;
    return i < length ? i : period - 1 - i;
}

/* How a crop is taken: its first pixel, pixels averaged a side, and the display stretch undone. */
typedef struct crop {
    size_t top, left, bin;
    double gamma;
} crop;

static crop choose_crop(sf_dice *dice, const real_image *image, size_t rows, size_t columns)
{
    crop c = {.bin = 1, .gamma = sf_dice_between(dice, 1.0, image->gamma_max)};
    size_t down, along;

    while (c.bin < 4 && image->noise > 0.0 && rows * c.bin * 2 <= image->rows &&
           columns * c.bin * 2 <= image->columns && sf_dice_chance(dice, 0.6))
        c.bin *= 2;
    down = image->rows > rows * c.bin ? image->rows - rows * c.bin : 0;
    along = image->columns > columns * c.bin ? image->columns - columns * c.bin : 0;
    c.top = (size_t)(sf_dice_between(dice, 0.0, 1.0) * (double)(down + 1));
    c.left = (size_t)(sf_dice_between(dice, 0.0, 1.0) * (double)(along + 1));
    return c;
}

/* The mean of a cell's pixels, linearised; *variance gathers that of their noise. */
static double crop_cell(const real_image *image, const crop *c, size_t row, size_t column,
                        double *variance)
{
    double sum = 0.0;
    const double cells = (double)(c->bin * c->bin);

    for (size_t i = 0; i < c->bin; i++)
        for (size_t j = 0; j < c->bin; j++) {
            const size_t y = mirrored(c->top + row * c->bin + i, image->rows);
            const size_t x = mirrored(c->left + column * c->bin + j, image->columns);
            const double v = (double)image->pixels[y * image->columns + x];
            const double lit = c->gamma > 1.0 ? fmax(v, 0.0) : v; /* a stretch has no negatives */
            const double slope = c->gamma > 1.0 ? c->gamma * pow(lit, c->gamma - 1.0) : 1.0;

            sum += lit * slope / c->gamma;
            *variance += slope * slope * image->noise * image->noise / (cells * cells);
        }
    return sum / cells;
}

/* A level below all but a few of the pixels: the smallest mean of a row. */
static double crop_floor(size_t rows, size_t columns, const float *patch)
{
    double lowest = INFINITY;

    for (size_t i = 0; i < rows; i++) {
        double sum = 0.0;

        for (size_t j = 0; j < columns; j++) sum += (double)patch[i * columns + j];
        lowest = fmin(lowest, sum / (double)columns);
    }
    return lowest;
}

static void draw_crop(const sf_patches *patches, const real_image *image, sf_dice *dice,
                      size_t rows, size_t columns, float *patch)
{
    const crop c = choose_crop(dice, image, rows, columns);
    const bool subtract = sf_dice_chance(dice, 0.6);
    const size_t size = rows * columns;
    double variance = 0.0, brightest = 0.0, noise, scale, level;

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            patch[i * columns + j] = (float)crop_cell(image, &c, i, j, &variance);
    level = subtract ? crop_floor(rows, columns, patch) : 0.0;
    for (size_t i = 0; i < size; i++) brightest = fmax(brightest, (double)patch[i] - level);
    noise = sqrt(variance / (double)size);
    scale = brightest > 0.0 ? 1.0 / brightest : 0.0;
    if (noise > 0.0) scale = fmin(scale, patches->smallest_level / (3.0 * noise));
    for (size_t i = 0; i < size; i++) patch[i] = (float)(scale * ((double)patch[i] - level));
}

static sf_status draw(void *user, uint64_t index, size_t rows, size_t columns, float *patch)
{
    const sf_patches *patches = user;
    double choice;
    sf_dice dice;

    if (!(patches->total > 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "nothing to draw patches from: add scenes or images");
    sf_dice_make(sf_random_make(patches->seed, STREAM_PATCH), index, &dice);
    choice = sf_dice_between(&dice, 0.0, patches->total) - patches->scenes;
    if (choice < 0.0 || patches->image_count == 0) return draw_scene(&dice, rows, columns, patch);
    for (size_t i = 0; i < patches->image_count; i++) {
        choice -= patches->image[i].weight;
        if (choice < 0.0 || i + 1 == patches->image_count) {
            draw_crop(patches, &patches->image[i], &dice, rows, columns, patch);
            break;
        }
    }
    return SF_OK;
}

sf_patch_source sf_patches_source(sf_patches *patches)
{
    return (sf_patch_source){.draw = draw, .user = patches, .fingerprint = patches->fingerprint};
}
