/* recipe.h - what the parts of the scene simulator share. Internal. */
#ifndef SF_SCENE_RECIPE_H
#define SF_SCENE_RECIPE_H

#include <scorefield/scene.h>

#define SF_DICE_BUFFER 64

/* One scene's random numbers, taken one after the other from the sequence (seed, index). */
typedef struct sf_dice {
    sf_random random;
    uint64_t sequence, next;
    size_t left;
    double uniform[SF_DICE_BUFFER];
} sf_dice;

void sf_dice_make(sf_random random, uint64_t sequence, sf_dice *dice);
double sf_dice_between(sf_dice *dice, double low, double high);
/* Log-uniform. */
double sf_dice_log(sf_dice *dice, double low, double high);
bool sf_dice_chance(sf_dice *dice, double probability);
double sf_dice_normal(sf_dice *dice);
/* Poisson by counting exponential waiting times; rounded normal above a mean of 50. */
size_t sf_dice_count(sf_dice *dice, double mean);
/* F >= low with density F^-slope up to high; slope != 1. */
double sf_dice_power_law(sf_dice *dice, double low, double high, double slope);

/* The image under the brush, and the smallest surface brightness worth drawing. */
typedef struct sf_canvas {
    size_t rows, columns;
    double *pixel;
    double floor;
    double seeing;         /* FWHM of a point in pixels; 0: one pixel */
    double moffat;         /* the points' Moffat exponent beta */
    const double *texture; /* a zero-mean, unit-variance field for mottled galaxies, or NULL */
} sf_canvas;

/* Rows and columns within `radius` of (y, x) that are on the canvas; false if there are none. */
typedef struct sf_window {
    size_t top, bottom, left, right;
} sf_window;
bool sf_canvas_window(const sf_canvas *canvas, double y, double x, double radius,
                      sf_window *window);

/* Adds a round Gaussian of that flux and standard deviation, integrated over pixels. */
void sf_canvas_gaussian(sf_canvas *canvas, double y, double x, double deviation, double flux);
/* Adds a point source of that peak: a Moffat profile (Moffat 1969), integrated over pixels. */
void sf_canvas_star(sf_canvas *canvas, double y, double x, double peak);
/* Stars around a centre with the surface density of King 1962, and their unresolved rest. */
void sf_canvas_cluster(sf_canvas *canvas, sf_dice *dice, double peak);
/* A galaxy (galaxy.c) with its half-light radius and the surface brightness there. */
void sf_canvas_galaxy(sf_canvas *canvas, sf_dice *dice, double y, double x, double radius,
                      double brightness);
/* A tidal tail: an arc of light of that brightness from (y, x) outwards. */
void sf_canvas_tail(sf_canvas *canvas, sf_dice *dice, double y, double x, double length,
                    double brightness);
/* The projection of an emitting shell with a sharp outer edge. */
void sf_canvas_shell(sf_canvas *canvas, sf_dice *dice, double brightness);

/* field (size of the grid) = a Gaussian field of mean 0 and variance 1 with spectrum k^-slope. */
sf_status sf_scene_field(const sf_grid *grid, sf_dice *dice, double slope, double *field);

/* Expected numbers and properties of what is on one canvas. */
typedef struct sf_recipe {
    double galaxies, smallest, largest; /* half-light radii in pixels, log-uniform */
    double pairs;                       /* galaxies with a companion and tails */
    double stars, slope;                /* density of peaks ~ peak^-slope */
    double clusters;
    double diffuse, filaments, shells; /* amplitude, amplitude, number */
    double seeing;
} sf_recipe;

/* Draws a recipe; the brightest pixel is 1, or the image is zero. */
sf_status sf_recipe_draw(const sf_recipe *recipe, const sf_grid *grid, sf_dice *dice,
                         double *image);

#endif
