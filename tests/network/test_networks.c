/* Other people's networks, which the environment variable SCOREFIELD_DATA points to: what PyTorch
 * and ONNX Runtime made of them. */
#include "base/internal.h"
#include "check.h"

#include <scorefield/io.h>
#include <scorefield/network.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(sf_status status)
{
    if (status != SF_OK) fail_msg("%s", sf_last_error());
}

static double *noise(size_t count, uint64_t seed)
{
    double *values;

    must(sf_allocate(&values, count, sizeof *values));
    sf_random_normal(sf_random_make(seed, 0), 0, 0, count, values);
    return values;
}

static void denoise(sf_model *model, size_t rows, size_t columns, const double *x, double sigma,
                    double *out)
{
    sf_inference *inference;

    must(sf_inference_create(model, rows, columns, &inference));
    must(sf_inference_denoise(inference, x, sigma, out));
    sf_inference_release(&inference);
}

static const char *data_folder(void) { return getenv("SCOREFIELD_DATA"); }

static sf_fits *read_fits(const char *folder, const char *name)
{
    char path[512];
    sf_fits *fits;

    (void)snprintf(path, sizeof path, "%s/%s", data_folder(), folder);
    (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", name);
    must(sf_fits_read(path, &fits));
    return fits;
}

static sf_model *read_model(const char *name)
{
    sf_model_usage usage = sf_model_usage_default();
    char path[512];
    sf_model *model, *used;

    (void)snprintf(path, sizeof path, "%s/weights/%s.onnx", data_folder(), name);
    must(sf_model_load(path, &model));
    usage.multiple = sf_model_get_usage(model)->multiple;
    if (strstr(name, "6N") != NULL) usage.noise_input = SF_NOISE_CHANNEL;
    must(sf_model_with_usage(model, &usage, &used));
    sf_model_release(&model);
    return used;
}

static const char *const networks[] = {"bf_unet_0-100", "scico_dncnn6L", "scico_dncnn17M",
                                       "scico_dncnn6N"};

/* PyTorch's result, single precision on both sides. */
static void test_pytorch(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof networks / sizeof *networks; k++) {
        char name[64], result[80];
        double sigma = 0.0, *out, worst = 0.0;
        sf_model *model = read_model(networks[k]);
        sf_fits *noisy, *expected;
        const sf_grid *grid;

        (void)snprintf(name, sizeof name, "ref_%s.fits", networks[k]);
        (void)snprintf(result, sizeof result, "%s[OUTPUT]", name);
        noisy = read_fits("weights", name);
        expected = read_fits("weights", result);
        grid = sf_fits_grid(noisy);
        assert_true(sf_fits_get_double(noisy, "SIGMA", &sigma));
        out = noise(grid->shape[0] * grid->shape[1], 0);
        denoise(model, grid->shape[0], grid->shape[1], sf_fits_pixels(noisy), sigma, out);
        for (size_t i = 0; i < grid->shape[0] * grid->shape[1]; i++)
            worst = fmax(worst, fabs(out[i] - sf_fits_pixels(expected)[i]));
        print_message("%s: %.2g\n", networks[k], worst);
        assert_true(worst <= 1e-5);
        sf_free(out);
        sf_fits_release(&expected);
        sf_fits_release(&noisy);
        sf_model_release(&model);
    }
}

typedef struct sf_quality {
    const char *network;
    double sigma, psnr; /* dB, peak 1 */
} sf_quality;

static const sf_quality qualities[] = {
    {"bf_unet_0-100", 10.0 / 255, 33.5308}, {"bf_unet_0-100", 25.0 / 255, 29.6402},
    {"bf_unet_0-100", 50.0 / 255, 26.9338}, {"bf_unet_0-100", 100.0 / 255, 23.7459},
    {"scico_dncnn6L", 0.06, 31.4510},       {"scico_dncnn17M", 0.1, 29.4894},
    {"scico_dncnn6N", 0.05, 32.1357},       {"scico_dncnn6N", 0.1, 28.2131},
    {"scico_dncnn6N", 0.2, 24.1174},
};

/* PSNR of Set12's first image with the very noise that ONNX Runtime 1.31 was given. */
static void test_onnx_runtime(void **state)
{
    enum { SIZE = 256 * 256 };
    double *normal, *x, *out;
    sf_fits *image;

    (void)state;
    image = read_fits("images", "set12_01.fits.gz");
    assert_int_equal(sf_fits_grid(image)->shape[0] * sf_fits_grid(image)->shape[1], SIZE);
    normal = noise(SIZE, 1);
    x = noise(SIZE, 0);
    out = noise(SIZE, 0);
    for (size_t k = 0; k < sizeof qualities / sizeof *qualities; k++) {
        sf_model *model = read_model(qualities[k].network);
        double error = 0.0;

        for (size_t i = 0; i < SIZE; i++)
            x[i] = sf_fits_pixels(image)[i] / 255.0 + qualities[k].sigma * normal[i];
        denoise(model, 256, 256, x, qualities[k].sigma, out);
        for (size_t i = 0; i < SIZE; i++)
            error += pow(out[i] - sf_fits_pixels(image)[i] / 255.0, 2.0) / SIZE;
        assert_close(-10.0 * log10(error), qualities[k].psnr, 2e-4);
        sf_model_release(&model);
    }
    sf_free(normal);
    sf_free(x);
    sf_free(out);
    sf_fits_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pytorch),
                                       cmocka_unit_test(test_onnx_runtime)};

    if (data_folder() == NULL) return 77; /* skipped */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
