/* onnx_denoiser.c - a denoiser that was trained elsewhere, as an ONNX file.
 *
 *     onnx_denoiser MODEL.onnx     (without a file, the library's own denoiser is written as one)
 *
 * In PyTorch, a network f(image, sigma) of tensors (1, 1, rows, columns) becomes such a file by
 *
 *     torch.onnx.export(f, (image, sigma), "model.onnx", input_names=["image", "sigma"],
 *                       dynamic_axes={"image": {2: "rows", 3: "columns"}})
 *
 * What a file cannot say, its usage does: where the noise level goes in, whether the output is the
 * image or the noise, in which unit the network thinks (network.h has every choice). */
#include <scorefield.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SIDE   96
#define PIXELS ((size_t)SIDE * SIDE)
#define SIGMA  0.1

static void check(sf_status status)
{
    if (status == SF_OK) return;
    fprintf(stderr, "%s: %s\n", sf_status_name(status), sf_last_error());
    exit(EXIT_FAILURE);
}

/* A file to open: the user's, with the usage of a network that was exported as above, or ours,
 * which carries its usage in its metadata. */
static sf_model *open_model(const char *path)
{
    sf_model *model, *changed;
    sf_model_usage usage;

    if (path == NULL) {
        path = "onnx_denoiser.onnx";
        check(sf_model_builtin(&model));
        check(sf_model_save(model, path));
        sf_model_release(&model);
        check(sf_model_load(path, &model));
        return model;
    }
    check(sf_model_load(path, &model));
    if (sf_model_metadata(model, "scorefield.noise_input") != NULL) return model;
    usage = *sf_model_get_usage(model);
    usage.noise_input = SF_NOISE_SECOND; /* sigma is the second input */
    usage.prediction = SF_PREDICT_CLEAN; /* the output is the image */
    usage.padding = SF_PADDING_REFLECT;  /* at the edges, and up to ... */
    usage.multiple = 8;                  /* ... the sizes that three halvings allow */
    check(sf_model_with_usage(model, &usage, &changed));
    sf_model_release(&model);
    return changed;
}

int main(int argc, char **argv)
{
    static double truth[PIXELS], seen[PIXELS], denoised[PIXELS];
    sf_comparison before, after;
    sf_model *model = open_model(argc > 1 ? argv[1] : NULL);
    sf_prior *prior;
    sf_grid grid;

    check(sf_grid_image(SIDE, SIDE, &grid));
    check(sf_prior_network(&grid, model, &prior));
    printf("%zu parameters\n", sf_model_parameter_count(model));

    /* rings of light in noise */
    sf_random_normal(sf_random_make(2026, 0), 0, 0, PIXELS, seen);
    for (size_t i = 0; i < PIXELS; i++) {
        const double r = hypot((double)(i / SIDE) - 48.0, (double)(i % SIDE) - 48.0);
        truth[i] = exp(-r / 30.0) * pow(cos(r / 5.0), 2);
        seen[i] = truth[i] + SIGMA * seen[i];
    }
    check(sf_prior_denoise(prior, 1, seen, SIGMA, denoised));

    check(sf_compare(&grid, seen, truth, 0.0, &before));
    check(sf_compare(&grid, denoised, truth, 0.0, &after));
    printf("PSNR %.2f dB -> %.2f dB\n", before.psnr, after.psnr);
    sf_prior_release(&prior);
    sf_model_release(&model);
    return after.psnr > before.psnr + 3.0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
