/* A model as a denoiser: units, noise level, padding and prediction as the usage says, by networks
 * so small that the result is known; and the scaling law of the architecture that ships. */
#include "base/internal.h"
#include "check.h"
#include "network/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* out = D(x; sigma) by a model of one's own for this size; out is the caller's. */
static void denoise(sf_model *model, size_t rows, size_t columns, const double *x, double sigma,
                    double *out)
{
    sf_inference *inference;

    must(sf_inference_create(model, rows, columns, &inference));
    must(sf_inference_denoise(inference, x, sigma, out));
    sf_inference_release(&inference);
}

/* ---- networks of one node -------------------------------------------------------------------- */

/* y = x / 2 + 2 (second channel) + offset, by a convolution of one pixel. */
static sf_model *linear(size_t channels, float offset, const sf_model_usage *usage)
{
    const sf_shape image = {.rank = 4, .dim = {0, channels, 0, 0}};
    const sf_shape weights = {.rank = 4, .dim = {1, channels, 1, 1}};
    const sf_shape one = {.rank = 1, .dim = {1}};
    size_t input[3];
    sf_node conv = {.op = SF_OP_CONV,
                    .input = input,
                    .input_count = 3,
                    .kernel = {1, 1},
                    .stride = {1, 1},
                    .dilation = {1, 1},
                    .groups = 1};
    sf_model *model, *used;
    sf_graph *graph;

    must(sf_graph_create(&graph));
    must(sf_graph_add_value(graph, "x", &image, NULL, &input[0]));
    must(sf_graph_add_value(graph, "w", &weights, (const float[]){0.5F, 2.0F}, &input[1]));
    must(sf_graph_add_value(graph, "b", &one, &offset, &input[2]));
    must(sf_graph_add_value(graph, "y", NULL, NULL, &conv.output));
    graph->input[0] = input[0];
    graph->input_count = 1;
    graph->output = conv.output;
    must(sf_graph_add_node(graph, &conv));
    must(sf_graph_finish(graph));
    must(sf_model_from_graph(graph, &model));
    must(sf_model_with_usage(model, usage, &used));
    sf_model_release(&model);
    return used;
}

/* y = x + the second input, which is of this rank. */
static sf_model *sum(int rank, const sf_model_usage *usage)
{
    const sf_shape image = {.rank = 4, .dim = {0, 1, 0, 0}};
    const sf_shape level = {.rank = rank, .dim = {0, 1, 1, 1}};
    size_t input[2];
    sf_node add = {.op = SF_OP_ADD, .input = input, .input_count = 2};
    sf_model *model, *used;
    sf_graph *graph;

    must(sf_graph_create(&graph));
    must(sf_graph_add_value(graph, "x", &image, NULL, &input[0]));
    must(sf_graph_add_value(graph, "s", &level, NULL, &input[1]));
    must(sf_graph_add_value(graph, "y", NULL, NULL, &add.output));
    memcpy(graph->input, input, sizeof input);
    graph->input_count = 2;
    graph->output = add.output;
    must(sf_graph_add_node(graph, &add));
    must(sf_graph_finish(graph));
    must(sf_model_from_graph(graph, &model));
    must(sf_model_with_usage(model, usage, &used));
    sf_model_release(&model);
    return used;
}

/* Whether D(x; sigma) = gain x + offset, on an image of 3 x 5 pixels; the model is released. */
static void assert_affine(sf_model *model, double sigma, double gain, double offset)
{
    double *x = noise(15, 3), out[15];

    denoise(model, 3, 5, x, sigma, out);
    for (size_t i = 0; i < 15; i++)
        assert_close(out[i], gain * x[i] + offset, 1e-6 * (1.0 + fabs(offset)));
    sf_free(x);
    sf_model_release(&model);
}

/* The network sees u = x / v and the level m = n sigma / v and makes f = u/2 + 2 m:
 * clean v f, noise x - sigma f, residual x - v f. */
static void test_noise_channel(void **state)
{
    const double v = 4.0, n = 3.0, sigma = 0.25;
    sf_model_usage usage = sf_model_usage_default();

    (void)state;
    usage.noise_input = SF_NOISE_CHANNEL;
    usage.value_scale = v;
    usage.noise_scale = n;
    assert_affine(linear(2, 0, &usage), sigma, 0.5, 2 * n * sigma);
    usage.prediction = SF_PREDICT_NOISE;
    assert_affine(linear(2, 0, &usage), sigma, 1 - 0.5 * sigma / v, -2 * n * sigma * sigma / v);
    usage.prediction = SF_PREDICT_RESIDUAL;
    assert_affine(linear(2, 0, &usage), sigma, 0.5, -2 * n * sigma);
    usage.homogeneous = true; /* v = sigma */
    assert_affine(linear(2, 0, &usage), sigma, 0.5, -2 * n * sigma);
    usage.prediction = SF_PREDICT_NOISE;
    assert_affine(linear(2, 0, &usage), sigma, 0.5, -2 * n * sigma);
}

static void test_second_input(void **state)
{
    sf_model_usage usage = sf_model_usage_default();

    (void)state;
    usage.noise_input = SF_NOISE_SECOND;
    usage.value_scale = 10.0;
    usage.noise_scale = 3.0;
    assert_affine(sum(4, &usage), 0.5, 1.0, 1.5);
    assert_affine(sum(1, &usage), 0.5, 1.0, 1.5);
    assert_affine(sum(0, &usage), 0.5, 1.0, 1.5);
}

/* f = u/2 + 3. Fixed at the level q: u = x q / sigma, so D = x/2 + 3 sigma / q. Blind: v. */
static void test_fixed_and_blind(void **state)
{
    sf_model_usage usage = sf_model_usage_default();

    (void)state;
    usage.fixed_sigma = 0.1;
    assert_affine(linear(1, 3, &usage), 0.5, 0.5, 3 * 0.5 / 0.1);
    usage.fixed_sigma = 0.0;
    usage.value_scale = 255.0;
    assert_affine(linear(1, 3, &usage), 0.5, 0.5, 3 * 255.0);
}

/* ---- padding --------------------------------------------------------------------------------- */

static sf_model *unet(void)
{
    const sf_unet_options options = {.channels = 8, .depth = 3, .blocks = 1, .seed = 5};
    sf_model *model;

    must(sf_model_unet(&options, &model));
    return model;
}

/* Where row i of a padded image comes from, step by step; -1: zero. */
static long source(long i, long n, sf_padding padding)
{
    while (i < 0 || i >= n) switch (padding) {
        case SF_PADDING_ZERO: return -1;
        case SF_PADDING_REPLICATE: i = i < 0 ? 0 : n - 1; break;
        case SF_PADDING_CIRCULAR: i += i < 0 ? n : -n; break;
        case SF_PADDING_REFLECT: i = n == 1 ? 0 : i < 0 ? -i : 2 * (n - 1) - i; break;
        }
    return i;
}

/* D of an image of any size is the cut-out of D of the image that was padded by hand: bit by bit,
 * for the network then sees the same numbers. */
static void assert_padded(sf_model *model, size_t rows, size_t columns, size_t margin)
{
    const size_t multiple = sf_model_get_usage(model)->multiple;
    const size_t tall = (rows + 2 * margin + multiple - 1) / multiple * multiple;
    const size_t wide = (columns + 2 * margin + multiple - 1) / multiple * multiple;
    double *x = noise(rows * columns, 8), *padded = noise(tall * wide, 0);
    double *out = noise(rows * columns, 0), *expected = noise(tall * wide, 0);
    sf_model_usage usage = *sf_model_get_usage(model);
    sf_model *plain;

    for (size_t i = 0; i < tall * wide; i++) {
        const long row = source((long)(i / wide) - (long)margin, (long)rows, usage.padding);
        const long column = source((long)(i % wide) - (long)margin, (long)columns, usage.padding);

        padded[i] = row < 0 || column < 0 ? 0.0 : x[(size_t)row * columns + (size_t)column];
    }
    usage.margin = 0;
    must(sf_model_with_usage(model, &usage, &plain));
    denoise(model, rows, columns, x, 0.3, out);
    denoise(plain, tall, wide, padded, 0.3, expected);
    for (size_t i = 0; i < rows; i++)
        assert_memory_equal(out + i * columns, expected + (i + margin) * wide + margin,
                            columns * sizeof *out);
    sf_model_release(&plain);
    sf_free(x);
    sf_free(padded);
    sf_free(out);
    sf_free(expected);
}

static void test_padding(void **state)
{
    static const size_t sizes[][3] = {{13, 10, 0}, {1, 1, 0},  {1, 7, 0},  {16, 12, 0},
                                      {2, 3, 9},   {9, 11, 3}, {33, 17, 1}};
    sf_model *model = unet(), *changed;
    sf_model_usage usage = *sf_model_get_usage(model);

    (void)state;
    assert_int_equal(usage.multiple, 4);
    for (int padding = SF_PADDING_ZERO; padding <= SF_PADDING_CIRCULAR; padding++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            usage.padding = (sf_padding)padding;
            usage.margin = sizes[i][2];
            must(sf_model_with_usage(model, &usage, &changed));
            assert_padded(changed, sizes[i][0], sizes[i][1], sizes[i][2]);
            sf_model_release(&changed);
        }
    sf_model_release(&model);
}

/* ---- laws ------------------------------------------------------------------------------------ */

/* D(a x; a sigma) = a D(x; sigma): to the bit for powers of two, else to single precision. */
static void test_homogeneous(void **state)
{
    static const double factors[] = {1e-12, 0x1p-40, 1e-3, 0x1p-1, 3.0, 0x1p20, 1e6};
    enum { ROWS = 19, COLUMNS = 22, SIZE = ROWS * COLUMNS };
    double *x = noise(SIZE, 4), out[SIZE], expected[SIZE], scaled[SIZE], norm = 0.0;
    sf_model *model = unet();
    sf_inference *inference;

    (void)state;
    must(sf_inference_create(model, ROWS, COLUMNS, &inference));
    must(sf_inference_denoise(inference, x, 0.5, expected));
    for (size_t i = 0; i < SIZE; i++) norm = fmax(norm, fabs(expected[i]));
    for (size_t k = 0; k < sizeof factors / sizeof *factors; k++) {
        const double a = factors[k];
        const bool exact = exp2(floor(log2(a))) == a;

        for (size_t i = 0; i < SIZE; i++) scaled[i] = a * x[i];
        must(sf_inference_denoise(inference, scaled, a * 0.5, out));
        for (size_t i = 0; i < SIZE; i++)
            assert_close(out[i] / a, expected[i], exact ? 0.0 : 3e-6 * norm);
    }
    sf_inference_release(&inference);
    sf_model_release(&model);
    sf_free(x);
}

/* ---- the derivative -------------------------------------------------------------------------- */

static const char *unnamed(const sf_graph *graph, char text[16])
{
    (void)snprintf(text, 16, "%zu", graph->value_count);
    return text;
}

/* A convolution of 3 x 3 pixels with weights of noise, padded by one. */
static size_t add_conv(sf_graph *graph, const char *name, size_t from, size_t channels,
                       size_t filters)
{
    const sf_shape shape = {.rank = 4, .dim = {filters, channels, 3, 3}};
    double *values = noise(filters * channels * 9, filters);
    float *weights;
    char text[16];
    size_t input[2] = {from};
    sf_node conv = {.op = SF_OP_CONV,
                    .input = input,
                    .input_count = 2,
                    .kernel = {3, 3},
                    .stride = {1, 1},
                    .dilation = {1, 1},
                    .pads = {1, 1, 1, 1},
                    .groups = 1};

    must(sf_allocate(&weights, filters * channels * 9, sizeof *weights));
    for (size_t i = 0; i < filters * channels * 9; i++) weights[i] = (float)(0.3 * values[i]);
    must(sf_graph_add_value(graph, name, &shape, weights, &input[1]));
    must(sf_graph_add_value(graph, unnamed(graph, text), NULL, NULL, &conv.output));
    must(sf_graph_add_node(graph, &conv));
    sf_free(weights);
    sf_free(values);
    return conv.output;
}

static size_t add_node(sf_graph *graph, sf_op op, size_t first, size_t second, float alpha)
{
    char text[16];
    size_t input[2] = {first, second};
    sf_node node = {
        .op = op, .input = input, .input_count = op == SF_OP_MUL ? 2 : 1, .alpha = alpha};

    must(sf_graph_add_value(graph, unnamed(graph, text), NULL, NULL, &node.output));
    must(sf_graph_add_node(graph, &node));
    return node.output;
}

/* Convolution, an activation, convolution to `outputs` channels; a second input is a factor before
 * the activation. */
static sf_model *curved(const sf_model_usage *usage, sf_op activation, float alpha, size_t outputs)
{
    const size_t channels = usage->noise_input == SF_NOISE_CHANNEL ? 2 : 1;
    const sf_shape image = {.rank = 4, .dim = {0, channels, 0, 0}};
    const sf_shape level = {.rank = 4, .dim = {0, 1, 1, 1}};
    sf_model *model, *used;
    sf_graph *graph;
    size_t value;

    must(sf_graph_create(&graph));
    must(sf_graph_add_value(graph, "x", &image, NULL, &graph->input[0]));
    graph->input_count = 1;
    value = add_conv(graph, "first", graph->input[0], channels, 4);
    if (usage->noise_input == SF_NOISE_SECOND) {
        must(sf_graph_add_value(graph, "s", &level, NULL, &graph->input[1]));
        graph->input_count = 2;
        value = add_node(graph, SF_OP_MUL, value, graph->input[1], 0);
    }
    value = add_node(graph, activation, value, 0, alpha);
    graph->output = add_conv(graph, "last", value, 4, outputs);
    must(sf_graph_finish(graph));
    must(sf_model_from_graph(graph, &model));
    must(sf_model_with_usage(model, usage, &used));
    sf_model_release(&model);
    return used;
}

enum { PULL_ROWS = 5, PULL_COLUMNS = 6, PULL_SIZE = PULL_ROWS * PULL_COLUMNS };

static double inner(const double *a, const double *b)
{
    double total = 0.0;

    for (size_t i = 0; i < PULL_SIZE; i++) total += a[i] * b[i];
    return total;
}

/* v . dD/dx u by differences of fourth order is u . pull(v), and the denoised image comes along. */
static void assert_pulled(sf_model *model, double sigma)
{
    static const double weight[] = {2.0 / 3.0, -1.0 / 12.0};
    const double h = 0.04 * sigma;
    double *x = noise(PULL_SIZE, 1), *u = noise(PULL_SIZE, 2), *v = noise(PULL_SIZE, 3);
    double out[PULL_SIZE], denoised[PULL_SIZE], near[PULL_SIZE], d[PULL_SIZE], slope = 0.0;
    sf_inference *inference;
    size_t bytes;

    must(sf_inference_create(model, PULL_ROWS, PULL_COLUMNS, &inference));
    bytes = sf_inference_bytes(inference);
    for (int k = -2; k <= 2; k++) {
        if (k == 0) continue;
        for (size_t i = 0; i < PULL_SIZE; i++) near[i] = x[i] + k * h * u[i];
        must(sf_inference_denoise(inference, near, sigma, d));
        slope += (k < 0 ? -1 : 1) * weight[abs(k) - 1] / h * inner(v, d);
    }
    assert_int_equal(sf_inference_bytes(inference), bytes); /* no derivative yet */
    must(sf_inference_pull(inference, x, sigma, v, denoised, out));
    assert_true(sf_inference_bytes(inference) > bytes);
    assert_close(inner(u, out), slope, 3e-5 * sqrt(inner(u, u) * inner(v, v)));
    must(sf_inference_denoise(inference, x, sigma, d));
    for (size_t i = 0; i < PULL_SIZE; i++) assert_close(denoised[i], d[i], 1e-5 * sigma);
    for (size_t i = 0; i < PULL_SIZE; i++) v[i] = ldexp(v[i], -400);
    must(sf_inference_pull(inference, x, sigma, v, NULL, d)); /* of any size, and again */
    for (size_t i = 0; i < PULL_SIZE; i++) assert_close(ldexp(d[i], 400), out[i], 0.0);
    memset(v, 0, PULL_SIZE * sizeof *v);
    must(sf_inference_pull(inference, x, sigma, v, NULL, d));
    for (size_t i = 0; i < PULL_SIZE; i++) assert_close(d[i], 0.0, 0.0);
    sf_inference_release(&inference);
    sf_free(x);
    sf_free(u);
    sf_free(v);
}

static void test_pull(void **state)
{
    int kind = 0;

    (void)state;
    for (int input = SF_NOISE_NONE; input <= SF_NOISE_SECOND; input++)
        for (int prediction = SF_PREDICT_CLEAN; prediction <= SF_PREDICT_RESIDUAL; prediction++)
            for (int homogeneous = 0; homogeneous < 2; homogeneous++, kind++) {
                sf_model_usage usage = {.noise_input = (sf_noise_input)input,
                                        .prediction = (sf_prediction)prediction,
                                        .padding = (sf_padding)(kind % 4),
                                        .margin = (size_t)kind % 3,
                                        .multiple = 1 + (size_t)kind % 4,
                                        .value_scale = 1.7,
                                        .noise_scale = 1.5,
                                        .fixed_sigma = input == SF_NOISE_NONE ? 0.4 : 0.0,
                                        .homogeneous = homogeneous == 1};
                sf_model *model = curved(&usage, SF_OP_SIGMOID, 0, 1 + (size_t)kind % 2);

                assert_pulled(model, 0.6);
                sf_model_release(&model);
            }
}

/* Pixels that a padding shows many times. */
static void test_pull_through_padding(void **state)
{
    sf_model_usage usage = sf_model_usage_default();

    (void)state;
    usage.multiple = 8;
    for (int padding = SF_PADDING_ZERO; padding <= SF_PADDING_CIRCULAR; padding++)
        for (usage.margin = 0; usage.margin < 14; usage.margin += 13) {
            sf_model *model;

            usage.padding = (sf_padding)padding;
            model = curved(&usage, SF_OP_SIGMOID, 0, 1);
            assert_pulled(model, 0.6);
            sf_model_release(&model);
        }
}

static void test_pull_is_refused(void **state)
{
    const sf_model_usage usage = sf_model_usage_default();
    sf_model *model = curved(&usage, SF_OP_SIGMOID, 0, 1);
    double *x = noise(PULL_SIZE, 1), out[PULL_SIZE];
    sf_inference *inference;

    (void)state;
    must(sf_inference_create(model, PULL_ROWS, PULL_COLUMNS, &inference));
    assert_status(SF_ERR_ARGUMENT, sf_inference_pull(inference, x, 0.0, x, NULL, out));
    x[3] = (double)NAN;
    assert_status(SF_ERR_NUMERIC, sf_inference_pull(inference, x, 1.0, x, NULL, out));
    sf_inference_release(&inference);
    sf_model_release(&model);
    sf_free(x);
}

static void test_saved_and_loaded(void **state)
{
    char path[] = "/tmp/sf-inference-XXXXXX";
    enum { SIZE = 24 * 20 };
    double *x = noise(SIZE, 6), out[SIZE], again[SIZE];
    sf_model *model = unet(), *loaded;
    const int file = mkstemp(path);

    (void)state;
    assert_true(file >= 0);
    (void)close(file);
    must(sf_model_save(model, path));
    must(sf_model_load(path, &loaded));
    denoise(model, 24, 20, x, 0.2, out);
    denoise(loaded, 24, 20, x, 0.2, again);
    assert_memory_equal(out, again, sizeof out);
    assert_int_equal(unlink(path), 0);
    sf_model_release(&loaded);
    sf_model_release(&model);
    sf_free(x);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void test_bad_input(void **state)
{
    static const double levels[] = {0.0, -1.0, (double)NAN, (double)INFINITY};
    sf_model *model = unet();
    sf_inference *inference;
    double *x = noise(64, 2), out[64];

    (void)state;
    must(sf_inference_create(model, 8, 8, &inference));
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        assert_status(SF_ERR_ARGUMENT, sf_inference_denoise(inference, x, levels[i], out));
    assert_status(SF_ERR_ARGUMENT, sf_inference_denoise(inference, x, 1e-300, out));
    x[17] = (double)NAN;
    assert_status(SF_ERR_NUMERIC, sf_inference_denoise(inference, x, 1.0, out));
    assert_non_null(strstr(sf_last_error(), "17"));
    x[17] = (double)INFINITY;
    assert_status(SF_ERR_NUMERIC, sf_inference_denoise(inference, x, 1.0, out));
    x[17] = 0.0;
    assert_ok(sf_inference_denoise(inference, x, 1.0, out)); /* and nothing has stuck */
    sf_inference_release(&inference);
    assert_status(SF_ERR_ARGUMENT, sf_inference_create(model, 0, 8, &inference));
    assert_null(inference);
    assert_status(SF_ERR_ARGUMENT, sf_inference_create(model, 8, (size_t)1 << 40, &inference));
    assert_null(inference);
    sf_model_release(&model);
    sf_free(x);
}

/* A network of two channels without a noise channel, and of one with. */
static void test_wrong_usage(void **state)
{
    sf_model_usage usage = sf_model_usage_default();
    sf_inference *inference;
    sf_model *model = linear(2, 0, &usage);

    (void)state;
    assert_status(SF_ERR_SHAPE, sf_inference_create(model, 8, 8, &inference));
    assert_null(inference);
    sf_model_release(&model);
    usage.noise_input = SF_NOISE_CHANNEL;
    model = linear(1, 0, &usage);
    assert_status(SF_ERR_SHAPE, sf_inference_create(model, 8, 8, &inference));
    assert_null(inference);
    sf_model_release(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise_channel),
        cmocka_unit_test(test_second_input),
        cmocka_unit_test(test_fixed_and_blind),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_homogeneous),
        cmocka_unit_test(test_saved_and_loaded),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_wrong_usage),
        cmocka_unit_test(test_pull),
        cmocka_unit_test(test_pull_through_padding),
        cmocka_unit_test(test_pull_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
