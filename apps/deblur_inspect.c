/* deblur_inspect.c - what a denoiser is, and what it stretches: by its Jacobians at simulated
 * scenes with noise of several levels, relative to the brightest pixel. */
#include "deblur_inspect.h"
#include "deblur_prior.h"
#include "program.h"

#include <scorefield/scene.h>

#include <math.h>
#include <stdio.h>

enum { SIDE = 32, SIZE = SIDE * SIDE, SCENES = 2 };
#define TOLERANCE 0.01

static void print_model(const sf_model *model)
{
    static const char *const inputs[] = {[SF_NOISE_NONE] = "none",
                                         [SF_NOISE_CHANNEL] = "a channel",
                                         [SF_NOISE_SECOND] = "a second input"};
    static const char *const predictions[] = {[SF_PREDICT_CLEAN] = "the clean image",
                                              [SF_PREDICT_NOISE] = "the noise, over its level",
                                              [SF_PREDICT_RESIDUAL] = "the noise"};
    const sf_model_usage *usage = sf_model_get_usage(model);

    printf("parameters    %zu\n", sf_model_parameter_count(model));
    printf("noise level   %s", inputs[usage->noise_input]);
    if (usage->fixed_sigma > 0.0)
        printf(", made for %g of the network's units", usage->fixed_sigma);
    if (usage->noise_high > 0.0)
        printf(", trained from %g to %g", usage->noise_low, usage->noise_high);
    printf("\npredicts      %s\n", predictions[usage->prediction]);
    if (usage->homogeneous)
        printf("units         any: D(a x; a sigma) = a D(x; sigma)\n");
    else
        printf("units         %g of the image's are one of the network's\n", usage->value_scale);
    printf("sizes         multiples of %zu, else padded; margin %zu\n", usage->multiple,
           usage->margin);
}

static sf_status print_ridge(const deblur_options *o)
{
    sf_ridge *ridge = NULL;
    double lipschitz;
    sf_status status;

    GO(deblur_prior_ridge(o, &ridge));
    GO(sf_ridge_lipschitz(ridge, &lipschitz));
    printf(
        "parameters    %zu\n"
        "energy        convex, with a Lipschitz constant of its gradient of %.4g in units of the "
        "noise\n"
        "units         any: D(a x; a sigma) = a D(x; sigma)\n",
        sf_ridge_parameter_count(ridge), lipschitz);
done:
    sf_ridge_release(&ridge);
    return status;
}

/* A scene whose brightest pixel is `peak`, and noise. */
static sf_status draw(const sf_grid *grid, uint64_t index, double peak, double sigma, double *x)
{
    const sf_scene_options options = sf_scene_options_default();
    double noise[SIZE], most = 0.0;
    sf_status status;

    GO(sf_scene_draw(grid, &options, 1, index, x));
    for (size_t i = 0; i < SIZE; i++) most = fmax(most, x[i]);
    sf_random_normal(sf_random_make(2, 0), index, 0, SIZE, noise);
    for (size_t i = 0; i < SIZE; i++) x[i] = peak / most * x[i] + sigma * noise[i];
done:
    return status;
}

/* The largest of the scenes. */
static sf_status print_level(sf_prior *prior, double peak, double level)
{
    sf_lipschitz most = {0.0, 0.0, 0.0, 0.0}, one;
    double x[SIZE];
    sf_status status;

    for (uint64_t i = 0; i < SCENES; i++) {
        GO(draw(sf_prior_grid(prior), i, peak, level * peak, x));
        GO(sf_prior_lipschitz(prior, x, level * peak, TOLERANCE, &one));
        most.denoiser = fmax(most.denoiser, one.denoiser);
        most.residual = fmax(most.residual, one.residual);
        most.reflected = fmax(most.reflected, one.reflected);
        most.asymmetry = fmax(most.asymmetry, one.asymmetry);
    }
    printf("%12g  %8.3f  %8.3f  %8.3f  %9.3f\n", level, most.denoiser, most.residual,
           most.reflected, most.asymmetry);
done:
    return status;
}

static sf_status print_levels(sf_prior *prior, double peak)
{
    static const double levels[] = {0.003, 0.01, 0.03, 0.1, 0.3};
    sf_status status = SF_OK;

    printf(
        "\nLipschitz constants, from below: the largest singular values at %d scenes with noise\n"
        "noise/peak         D     D - 1    2D - 1  asymmetry\n",
        SCENES);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0] && status == SF_OK; i++) {
        status = print_level(prior, peak, levels[i]);
        (void)fflush(stdout);
    }
    if (status == SF_OK)
        printf("2D - 1 up to 1 everywhere: plug and play converges (D is firmly nonexpansive).\n"
               "asymmetry 0: D is a gradient, so that there is an energy.\n");
    return status;
}

sf_status deblur_inspect(const deblur_options *o)
{
    sf_prior *prior = NULL;
    sf_model *model = NULL;
    double peak = 1.0;
    sf_grid grid;
    sf_status status;

    if (o->threads > 0) GO(sf_thread_count_set(o->threads));
    GO(sf_grid_image(SIDE, SIDE, &grid));
    printf("prior         %s\n", o->prior != NULL ? o->prior : "builtin");
    if (deblur_prior_is_ridge(o)) {
        GO(print_ridge(o));
    } else if (!deblur_prior_is_field(o)) {
        GO(deblur_prior_read(o, &model));
        if (sf_model_is_ridge(model))
            GO(print_ridge(o));
        else
            print_model(model);
        if (!sf_model_get_usage(model)->homogeneous) peak = sf_model_get_usage(model)->value_scale;
    }
    GO(deblur_prior_make(o, &grid, &prior));
    GO(print_levels(prior, peak));
done:
    sf_model_release(&model);
    sf_prior_release(&prior);
    return status;
}
