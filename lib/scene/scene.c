/* scene.c - whole scenes: how many objects of what kind are where. */
#include "base/internal.h"
#include "scene/recipe.h"

#include <math.h>

#define FLOOR 3e-5 /* surface brightness that is not drawn, relative to the brightest star */

enum { STREAM_SCENE = 10 };

sf_scene_options sf_scene_options_default(void)
{
    return (sf_scene_options){
        .galaxies = 12.0, .stars = 20.0, .clusters = 0.2, .diffuse = 0.02, .seeing = 2.0};
}

/* Clouds exp(s g), filaments where g changes its sign, both of roughly unit brightness. */
static sf_status draw_diffuse(const sf_recipe *recipe, const sf_grid *grid, sf_dice *dice,
                              double *work, double *image)
{
    const size_t size = sf_grid_size(grid);
    const double contrast = sf_dice_between(dice, 0.3, 1.5);
    const double width = sf_dice_log(dice, 0.05, 0.4);

    if (recipe->diffuse > 0.0) {
        SF_TRY(sf_scene_field(grid, dice, sf_dice_between(dice, 2.7, 4.5), work));
        for (size_t i = 0; i < size; i++)
            image[i] += recipe->diffuse * exp(contrast * (work[i] - 1.5));
    }
    if (recipe->filaments > 0.0) {
        SF_TRY(sf_scene_field(grid, dice, sf_dice_between(dice, 3.2, 5.0), work));
        for (size_t i = 0; i < size; i++)
            image[i] += recipe->filaments * exp(-0.5 * work[i] * work[i] / (width * width));
    }
    return SF_OK;
}

/* A place on the canvas or a little beside it. */
static void place(const sf_canvas *canvas, sf_dice *dice, double margin, double *y, double *x)
{
    *y = sf_dice_between(dice, -margin, (double)canvas->rows - 1.0 + margin);
    *x = sf_dice_between(dice, -margin, (double)canvas->columns - 1.0 + margin);
}

static void draw_galaxies(const sf_recipe *recipe, sf_canvas *canvas, sf_dice *dice)
{
    const size_t count = sf_dice_count(dice, recipe->galaxies);
    double y, x;

    for (size_t i = 0; i < count; i++) {
        const double radius = sf_dice_log(dice, recipe->smallest, recipe->largest);
        const double brightness = sf_dice_log(dice, 0.005, 0.5);

        place(canvas, dice, 0.3 * radius, &y, &x);
        sf_canvas_galaxy(canvas, dice, y, x, radius, brightness);
        if (!sf_dice_chance(dice, recipe->pairs)) continue;
        sf_canvas_galaxy(
            canvas, dice, y + radius * sf_dice_normal(dice), x + radius * sf_dice_normal(dice),
            radius * sf_dice_between(dice, 0.3, 1.0), brightness * sf_dice_log(dice, 0.3, 3.0));
        sf_canvas_tail(canvas, dice, y, x, radius * sf_dice_between(dice, 1.0, 5.0),
                       brightness * sf_dice_log(dice, 0.05, 0.5));
    }
}

static void draw_stars(const sf_recipe *recipe, sf_canvas *canvas, sf_dice *dice)
{
    const size_t stars = sf_dice_count(dice, recipe->stars);
    const size_t clusters = sf_dice_count(dice, recipe->clusters);
    double y, x;

    for (size_t i = 0; i < stars; i++) {
        const double peak = sf_dice_power_law(dice, 0.003, 1.0, recipe->slope);

        place(canvas, dice, 2.0 * recipe->seeing, &y, &x);
        sf_canvas_star(canvas, y, x, peak);
    }
    for (size_t i = 0; i < clusters; i++)
        sf_canvas_cluster(canvas, dice, sf_dice_log(dice, 0.1, 1.0));
}

sf_status sf_recipe_draw(const sf_recipe *recipe, const sf_grid *grid, sf_dice *dice, double *image)
{
    const size_t size = sf_grid_size(grid);
    const size_t shells = sf_dice_count(dice, recipe->shells);
    sf_canvas canvas = {.rows = grid->shape[0],
                        .columns = grid->shape[1],
                        .pixel = image,
                        .floor = FLOOR,
                        .seeing = recipe->seeing,
                        .moffat = sf_dice_between(dice, 2.5, 6.0)};
    double *work = NULL, brightest = 0.0;
    sf_status status;

    for (size_t i = 0; i < size; i++) image[i] = 0.0;
    SF_GO(sf_allocate(&work, size, sizeof *work));
    SF_GO(draw_diffuse(recipe, grid, dice, work, image));
    for (size_t i = 0; i < shells; i++)
        sf_canvas_shell(&canvas, dice, sf_dice_log(dice, 0.02, 1.0));
    if (recipe->galaxies > 0.0 && recipe->largest > 5.0) {
        SF_GO(sf_scene_field(grid, dice, sf_dice_between(dice, 1.5, 3.0), work));
        canvas.texture = work;
    }
    draw_galaxies(recipe, &canvas, dice);
    draw_stars(recipe, &canvas, dice);
    for (size_t i = 0; i < size; i++) brightest = fmax(brightest, image[i]);
    for (size_t i = 0; i < size && brightest > 0.0; i++) image[i] /= brightest;
done:
    sf_free(work);
    return status;
}

sf_status sf_scene_draw(const sf_grid *grid, const sf_scene_options *options, uint64_t seed,
                        uint64_t index, double *image)
{
    const sf_scene_options *o = options;
    double area;
    sf_recipe recipe;
    sf_dice dice;

    if (grid->axes != 2)
        return sf_fail(SF_ERR_SHAPE, "a scene is an image: 2 axes, not %d", grid->axes);
    if (!(o->galaxies >= 0.0) || !(o->stars >= 0.0) || !(o->clusters >= 0.0) ||
        !(o->diffuse >= 0.0) || !(o->seeing >= 0.0) || !(o->seeing <= 100.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "%g galaxies, %g stars, %g clusters, diffuse %g, seeing %g: none is "
                       "negative, seeing is at most 100 pixels",
                       o->galaxies, o->stars, o->clusters, o->diffuse, o->seeing);
    area = (double)sf_grid_size(grid) / 65536.0;
    recipe =
        (sf_recipe){.galaxies = o->galaxies * area,
                    .smallest = 1.0,
                    .largest = 0.15 * (double)(grid->shape[0] < grid->shape[1] ? grid->shape[0]
                                                                               : grid->shape[1]) +
                               1.0,
                    .pairs = 0.1,
                    .stars = o->stars * area,
                    .slope = 1.7,
                    .clusters = o->clusters * area,
                    .diffuse = o->diffuse,
                    .seeing = o->seeing};
    sf_dice_make(sf_random_make(seed, STREAM_SCENE), index, &dice);
    return sf_recipe_draw(&recipe, grid, &dice, image);
}
