/* The engine against the plain C reference: every operator, forward and backward, alone and in a
 * U-Net; and what else engine.h promises. */
#include "base/internal.h"
#include "network/engine.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void must(sf_status status)
{
    if (status != SF_OK) fail_msg("%s", sf_last_error());
}

/* ---- graphs ---------------------------------------------------------------------------- */

/* Uniform in (-1, 1), the same on every run. */
static void fill(float *values, size_t count, uint64_t stream)
{
    const sf_random random = sf_random_make(42, stream);

    for (size_t i = 0; i < count; i++) {
        double u;

        sf_random_uniform(random, 0, i, 1, &u);
        values[i] = (float)(2 * u - 1);
    }
}

static size_t count_of(const sf_shape *shape)
{
    size_t count = 1;

    for (int i = 0; i < shape->rank; i++) count *= shape->dim[i];
    return count;
}

static size_t add_value(sf_graph *graph, const sf_shape *shape, const float *constant)
{
    char name[32];
    size_t index;

    (void)snprintf(name, sizeof name, "v%zu", graph->value_count);
    must(sf_graph_add_value(graph, name, shape, constant, &index));
    return index;
}

static size_t add_constant(sf_graph *graph, int rank, const size_t *dim, double size)
{
    sf_shape shape = {.rank = rank};
    float *data;
    size_t index;

    if (rank > 0) memcpy(shape.dim, dim, (size_t)rank * sizeof *dim);
    must(sf_allocate(&data, count_of(&shape), sizeof *data));
    fill(data, count_of(&shape), graph->value_count);
    for (size_t i = 0; i < count_of(&shape); i++) data[i] *= (float)size;
    index = add_value(graph, &shape, data);
    sf_free(data);
    return index;
}

/* A node with the usual attributes; its output. */
static size_t add_node(sf_graph *graph, sf_node node, size_t inputs, ...)
{
    const sf_shape any = {0};
    char name[32];
    size_t input[5];
    va_list list;

    va_start(list, inputs);
    for (size_t i = 0; i < inputs; i++) input[i] = va_arg(list, size_t);
    va_end(list);
    (void)snprintf(name, sizeof name, "n%zu", graph->node_count);
    node.name = name;
    node.input = input;
    node.input_count = inputs;
    node.output = add_value(graph, &any, NULL);
    must(sf_graph_add_node(graph, &node));
    return node.output;
}

/* A window node: kernel, stride, padding on every side. */
static sf_node window(sf_op op, size_t kernel, size_t stride, long pad)
{
    return (sf_node){.op = op,
                     .kernel = {kernel, kernel},
                     .stride = {stride, stride},
                     .dilation = {1, 1},
                     .groups = 1,
                     .pads = {pad, pad, pad, pad}};
}

static size_t conv_with(sf_graph *graph, size_t x, size_t in, size_t out, sf_node node, bool bias)
{
    const bool transposed = node.op == SF_OP_CONV_TRANSPOSE;
    const size_t dim[] = {transposed ? in : out, (transposed ? out : in) / node.groups,
                          node.kernel[0], node.kernel[1]};
    const size_t fan = in / node.groups * node.kernel[0] * node.kernel[1];
    const size_t weights = add_constant(graph, 4, dim, sqrt(3.0 / (double)fan));

    if (!bias) return add_node(graph, node, 2, x, weights);
    return add_node(graph, node, 3, x, weights, add_constant(graph, 1, &out, 0.5));
}

static size_t conv(sf_graph *graph, size_t x, size_t in, size_t out)
{
    return conv_with(graph, x, in, out, window(SF_OP_CONV, 3, 1, 1), false);
}

static size_t apply(sf_graph *graph, sf_op op, size_t x)
{
    return add_node(graph, (sf_node){.op = op, .alpha = 0.3F}, 1, x);
}

static size_t add(sf_graph *graph, size_t a, size_t b)
{
    return add_node(graph, (sf_node){.op = SF_OP_ADD}, 2, a, b);
}

/* ---- one case an operator --------------------------------------------------------------- */

static size_t case_conv(sf_graph *g, size_t x) { return conv(g, x, 6, 16); }
static size_t case_conv_one(sf_graph *g, size_t x) { return conv(g, x, 1, 32); }
static size_t case_conv_to_one(sf_graph *g, size_t x) { return conv(g, x, 6, 1); }
static size_t case_conv_odd(sf_graph *g, size_t x) { return conv(g, conv(g, x, 3, 5), 5, 3); }
static size_t case_conv_blocks(sf_graph *g, size_t x) { return conv(g, x, 16, 32); }

static size_t case_conv_winograd(sf_graph *g, size_t x)
{
    return apply(g, SF_OP_RELU, conv(g, apply(g, SF_OP_SIGMOID, conv(g, x, 6, 64)), 64, 64));
}

static size_t case_conv_bias(sf_graph *g, size_t x)
{
    return conv_with(g, x, 6, 7, window(SF_OP_CONV, 5, 1, 2), true);
}

static size_t case_conv_stride(sf_graph *g, size_t x)
{
    return conv_with(g, x, 6, 8, window(SF_OP_CONV, 2, 2, 0), false);
}

static size_t case_conv_uneven(sf_graph *g, size_t x)
{
    sf_node node = window(SF_OP_CONV, 3, 2, 0);

    node.kernel[1] = 2;
    node.stride[1] = 1;
    node.pads[0] = 2;
    node.pads[3] = 1;
    return conv_with(g, x, 6, 4, node, true);
}

static size_t case_conv_dilated(sf_graph *g, size_t x)
{
    sf_node node = window(SF_OP_CONV, 3, 1, 2);

    node.dilation[0] = node.dilation[1] = 2;
    return conv_with(g, x, 6, 16, node, true);
}

static size_t case_conv_groups(sf_graph *g, size_t x)
{
    sf_node node = window(SF_OP_CONV, 3, 1, 1);

    node.groups = 2;
    return conv_with(g, x, 6, 10, node, true);
}

static size_t case_conv_depthwise(sf_graph *g, size_t x)
{
    sf_node node = window(SF_OP_CONV, 3, 1, 1);

    node.groups = 6;
    return conv_with(g, x, 6, 6, node, false);
}

static size_t case_transpose(sf_graph *g, size_t x)
{
    return conv_with(g, x, 6, 8, window(SF_OP_CONV_TRANSPOSE, 2, 2, 0), false);
}

static size_t case_transpose_bias(sf_graph *g, size_t x)
{
    sf_node node = window(SF_OP_CONV_TRANSPOSE, 3, 2, 1);

    node.output_padding[0] = node.output_padding[1] = 1;
    return conv_with(g, x, 6, 3, node, true);
}

static size_t case_transpose_groups(sf_graph *g, size_t x)
{
    sf_node node = window(SF_OP_CONV_TRANSPOSE, 2, 2, 0);

    node.groups = 2;
    return conv_with(g, x, 6, 4, node, false);
}

static size_t case_relu(sf_graph *g, size_t x) { return apply(g, SF_OP_RELU, conv(g, x, 6, 5)); }
static size_t case_leaky(sf_graph *g, size_t x) { return apply(g, SF_OP_LEAKY_RELU, x); }
static size_t case_elu(sf_graph *g, size_t x) { return apply(g, SF_OP_ELU, conv(g, x, 6, 16)); }
static size_t case_sigmoid(sf_graph *g, size_t x) { return apply(g, SF_OP_SIGMOID, x); }

/* Add between a convolution and an activation: all three become one primitive. */
static size_t case_fused(sf_graph *g, size_t x)
{
    const size_t a = apply(g, SF_OP_RELU, conv(g, x, 6, 16));

    return apply(g, SF_OP_LEAKY_RELU, add(g, a, conv(g, a, 16, 16)));
}

static size_t case_shared(sf_graph *g, size_t x)
{
    const size_t a = conv(g, x, 6, 6), b = add(g, a, a);

    return add_node(g, (sf_node){.op = SF_OP_SUB}, 2, add(g, b, x), apply(g, SF_OP_ELU, a));
}

/* One weight in two places. */
static size_t case_tied(sf_graph *g, size_t x)
{
    const size_t dim[] = {6, 6, 3, 3}, weights = add_constant(g, 4, dim, 0.2);
    const sf_node node = window(SF_OP_CONV, 3, 1, 1);

    return add_node(g, node, 2, apply(g, SF_OP_SIGMOID, add_node(g, node, 2, x, weights)), weights);
}

static size_t case_mul(sf_graph *g, size_t x)
{
    return add_node(g, (sf_node){.op = SF_OP_MUL}, 2, conv(g, x, 6, 6), x);
}

static size_t case_broadcast(sf_graph *g, size_t x)
{
    const size_t dim[] = {1, 6, 1, 1}, rows[] = {12, 1};
    const size_t scale = add_constant(g, 4, dim, 1.0), shift = add_constant(g, 4, dim, 1.0);
    const size_t scaled = add_node(g, (sf_node){.op = SF_OP_MUL}, 2, scale, conv(g, x, 6, 6));

    return add_node(g, (sf_node){.op = SF_OP_SUB}, 2,
                    add_node(g, (sf_node){.op = SF_OP_ADD}, 2, scaled, shift),
                    add_constant(g, 2, rows, 1.0));
}

static size_t case_concat(sf_graph *g, size_t x)
{
    const size_t all = add_node(g, (sf_node){.op = SF_OP_CONCAT, .axis = 1}, 3, x, conv(g, x, 6, 3),
                                apply(g, SF_OP_RELU, x));

    return conv(g, all, 15, 2);
}

static size_t case_concat_rows(sf_graph *g, size_t x)
{
    return add_node(g, (sf_node){.op = SF_OP_CONCAT, .axis = 2}, 2, conv(g, x, 6, 6), x);
}

static size_t case_pool(sf_graph *g, size_t x)
{
    return add_node(g, window(SF_OP_AVERAGE_POOL, 2, 2, 0), 1, x);
}

static size_t case_pool_padded(sf_graph *g, size_t x)
{
    sf_node node = window(SF_OP_AVERAGE_POOL, 3, 2, 1);
    const size_t a = add_node(g, node, 1, x);

    node.count_include_pad = true;
    return add_node(g, node, 1, a);
}

static size_t resize(sf_graph *g, size_t x, sf_resize_mode mode, sf_resize_coordinates coordinates,
                     double rows, double columns)
{
    return add_node(g,
                    (sf_node){.op = SF_OP_RESIZE,
                              .settled = true,
                              .resize_mode = mode,
                              .resize_coordinates = coordinates,
                              .resize_rounding = SF_RESIZE_ROUND_PREFER_FLOOR,
                              .scale = {rows, columns}},
                    1, x);
}

static size_t case_nearest(sf_graph *g, size_t x)
{
    return resize(g, x, SF_RESIZE_NEAREST, SF_RESIZE_ASYMMETRIC, 2, 2);
}

static size_t case_linear(sf_graph *g, size_t x)
{
    return resize(g, conv(g, x, 6, 6), SF_RESIZE_LINEAR, SF_RESIZE_HALF_PIXEL, 2, 1.5);
}

static size_t case_aligned(sf_graph *g, size_t x)
{
    return resize(g, x, SF_RESIZE_LINEAR, SF_RESIZE_ALIGN_CORNERS, 2, 2);
}

static size_t case_shrink(sf_graph *g, size_t x)
{
    return resize(g, x, SF_RESIZE_NEAREST, SF_RESIZE_HALF_PIXEL, 0.5, 0.5);
}

static size_t pad(sf_graph *g, size_t x, sf_pad_mode mode)
{
    return add_node(g,
                    (sf_node){.op = SF_OP_PAD,
                              .settled = true,
                              .pad_mode = mode,
                              .pads = {3, 1, 0, 2},
                              .alpha = mode == SF_PAD_CONSTANT ? 0.7F : 0.0F},
                    1, x);
}

static size_t case_pad(sf_graph *g, size_t x) { return pad(g, x, SF_PAD_CONSTANT); }
static size_t case_pad_reflect(sf_graph *g, size_t x) { return pad(g, x, SF_PAD_REFLECT); }
static size_t case_pad_edge(sf_graph *g, size_t x) { return pad(g, x, SF_PAD_EDGE); }
static size_t case_pad_wrap(sf_graph *g, size_t x) { return pad(g, x, SF_PAD_WRAP); }

static size_t case_crop(sf_graph *g, size_t x)
{
    return add_node(g, (sf_node){.op = SF_OP_PAD, .settled = true, .pads = {-2, 1, 1, -3}}, 1,
                    conv(g, x, 6, 6));
}

static size_t case_to_depth(sf_graph *g, size_t x)
{
    return add_node(g, (sf_node){.op = SF_OP_SPACE_TO_DEPTH, .block = 2}, 1, x);
}

static size_t case_to_space(sf_graph *g, size_t x)
{
    return add_node(g, (sf_node){.op = SF_OP_DEPTH_TO_SPACE, .block = 2}, 1, conv(g, x, 6, 12));
}

static size_t case_to_space_crd(sf_graph *g, size_t x)
{
    return add_node(g, (sf_node){.op = SF_OP_DEPTH_TO_SPACE, .block = 2, .column_row_depth = true},
                    1, conv(g, x, 6, 12));
}

static size_t case_identity(sf_graph *g, size_t x)
{
    return apply(g, SF_OP_IDENTITY, conv(g, apply(g, SF_OP_IDENTITY, x), 6, 2));
}

static size_t residual_block(sf_graph *g, size_t x, size_t channels)
{
    return add(g, x,
               conv(g, apply(g, SF_OP_RELU, conv(g, x, channels, channels)), channels, channels));
}

static size_t case_unet(sf_graph *g, size_t x)
{
    const size_t head = conv(g, x, 6, 16), fine = residual_block(g, head, 16);
    const size_t down = conv_with(g, fine, 16, 32, window(SF_OP_CONV, 2, 2, 0), false);
    const size_t coarse = residual_block(g, residual_block(g, down, 32), 32);
    const size_t up = conv_with(g, coarse, 32, 16, window(SF_OP_CONV_TRANSPOSE, 2, 2, 0), false);

    return conv(g, add(g, residual_block(g, add(g, up, fine), 16), head), 16, 1);
}

typedef struct sf_case {
    const char *name;
    size_t (*build)(sf_graph *graph, size_t x);
    size_t channels;
    double bf16; /* largest relative error of the gradients in bf16 */
} sf_case;

/* A ReLU's gradient jumps where bf16 takes a pre-activation to the other side of zero. */
#define SMOOTH    0.02
#define RECTIFIED 0.15

static const sf_case cases[] = {
    {"Conv", case_conv, 6, SMOOTH},
    {"Conv from one channel", case_conv_one, 1, SMOOTH},
    {"Conv to one channel", case_conv_to_one, 6, SMOOTH},
    {"Conv with odd channels", case_conv_odd, 3, SMOOTH},
    {"Conv with whole blocks", case_conv_blocks, 16, SMOOTH},
    {"Conv by Winograd", case_conv_winograd, 6, RECTIFIED},
    {"Conv with bias", case_conv_bias, 6, SMOOTH},
    {"Conv with stride", case_conv_stride, 6, SMOOTH},
    {"Conv with uneven windows", case_conv_uneven, 6, SMOOTH},
    {"Conv dilated", case_conv_dilated, 6, SMOOTH},
    {"Conv in groups", case_conv_groups, 6, SMOOTH},
    {"Conv depthwise", case_conv_depthwise, 6, SMOOTH},
    {"ConvTranspose", case_transpose, 6, SMOOTH},
    {"ConvTranspose with bias", case_transpose_bias, 6, SMOOTH},
    {"ConvTranspose in groups", case_transpose_groups, 6, SMOOTH},
    {"Relu", case_relu, 6, RECTIFIED},
    {"LeakyRelu", case_leaky, 6, SMOOTH},
    {"Elu", case_elu, 6, RECTIFIED},
    {"Sigmoid", case_sigmoid, 6, SMOOTH},
    {"Conv, Add, LeakyRelu", case_fused, 6, RECTIFIED},
    {"a value read thrice", case_shared, 6, RECTIFIED},
    {"a weight used twice", case_tied, 6, SMOOTH},
    {"Mul", case_mul, 6, SMOOTH},
    {"broadcast", case_broadcast, 6, SMOOTH},
    {"Concat", case_concat, 6, RECTIFIED},
    {"Concat of rows", case_concat_rows, 6, SMOOTH},
    {"AveragePool", case_pool, 6, SMOOTH},
    {"AveragePool padded", case_pool_padded, 6, SMOOTH},
    {"Resize nearest", case_nearest, 6, SMOOTH},
    {"Resize linear", case_linear, 6, SMOOTH},
    {"Resize with corners", case_aligned, 6, SMOOTH},
    {"Resize to half", case_shrink, 6, SMOOTH},
    {"Pad", case_pad, 6, SMOOTH},
    {"Pad reflect", case_pad_reflect, 6, SMOOTH},
    {"Pad edge", case_pad_edge, 6, SMOOTH},
    {"Pad wrap", case_pad_wrap, 6, SMOOTH},
    {"Pad that crops", case_crop, 6, SMOOTH},
    {"SpaceToDepth", case_to_depth, 6, SMOOTH},
    {"DepthToSpace", case_to_space, 6, SMOOTH},
    {"DepthToSpace CRD", case_to_space_crd, 6, SMOOTH},
    {"Identity", case_identity, 6, SMOOTH},
    {"U-Net", case_unet, 6, RECTIFIED},
};

static sf_graph *make_graph(const sf_case *c)
{
    const sf_shape image = {.rank = 4, .dim = {0, c->channels, 0, 0}};
    sf_graph *graph;

    must(sf_graph_create(&graph));
    graph->input[0] = add_value(graph, &image, NULL);
    graph->input_count = 1;
    graph->output = c->build(graph, graph->input[0]);
    must(sf_graph_finish(graph));
    return graph;
}

/* ---- comparing with the reference ------------------------------------------------------- */

typedef struct sf_truth {
    sf_shape image, shape;
    size_t input_count, output_count;
    float *input, *direction; /* what goes in, forward and backward */
    double *output, *input_gradient, *parameter_gradient;
} sf_truth;

static void make_truth(const sf_graph *graph, size_t channels, size_t batch, sf_truth *truth)
{
    double *x, *g;

    truth->image = (sf_shape){.rank = 4, .dim = {batch, channels, 12, 16}};
    truth->input_count = count_of(&truth->image);
    must(sf_allocate(&truth->input, truth->input_count, sizeof(float)));
    must(sf_allocate(&x, truth->input_count, sizeof *x));
    fill(truth->input, truth->input_count, 1000);
    for (size_t i = 0; i < truth->input_count; i++) x[i] = (double)truth->input[i];
    must(sf_reference_forward(graph, &truth->image, x, NULL, NULL, &truth->output, &truth->shape));
    truth->output_count = count_of(&truth->shape);
    must(sf_allocate(&truth->direction, truth->output_count, sizeof(float)));
    must(sf_allocate(&g, truth->output_count, sizeof *g));
    fill(truth->direction, truth->output_count, 1001);
    for (size_t i = 0; i < truth->output_count; i++) g[i] = (double)truth->direction[i];
    must(sf_allocate(&truth->input_gradient, truth->input_count, sizeof(double)));
    must(sf_allocate(&truth->parameter_gradient, graph->parameter_count, sizeof(double)));
    must(sf_reference_backward(graph, &truth->image, x, NULL, NULL, g, truth->input_gradient,
                               truth->parameter_gradient));
    sf_free(x);
    sf_free(g);
}

static void free_truth(sf_truth *truth)
{
    sf_free(truth->input);
    sf_free(truth->direction);
    sf_free(truth->output);
    sf_free(truth->input_gradient);
    sf_free(truth->parameter_gradient);
}

static void compare(const char *what, const char *of, const float *got, const double *expected,
                    size_t count, double tolerance)
{
    double error = 0.0, size = 0.0;

    for (size_t i = 0; i < count; i++) {
        error += pow((double)got[i] - expected[i], 2);
        size += expected[i] * expected[i];
    }
    if (!(sqrt(error) <= tolerance * sqrt(size)))
        fail_msg("%s: relative error of %s is %g, more than %g", what, of, sqrt(error / size),
                 tolerance);
}

static void forbid_reference(const char *what, const sf_engine *engine)
{
    char *text;

    must(sf_engine_describe(engine, &text));
    if (strstr(text, " ref") != NULL) fail_msg("%s runs by reference code:\n%s", what, text);
    sf_free(text);
}

static void run_forward(const sf_truth *truth, sf_engine *engine)
{
    memcpy(sf_engine_input(engine, 0), truth->input, truth->input_count * sizeof(float));
    must(sf_engine_forward(engine));
}

static const sf_engine_options winograd = {0}, direct = {.direct = true}, half = {.bf16 = true};

static void check_inference(const sf_case *c, const sf_graph *graph, const sf_truth *truth,
                            sf_engine_options options)
{
    sf_engine *engine;

    must(sf_engine_create(graph, &truth->image, &options, &engine));
    forbid_reference(c->name, engine);
    assert_int_equal(sf_engine_output_shape(engine)->rank, truth->shape.rank);
    assert_memory_equal(sf_engine_output_shape(engine)->dim, truth->shape.dim,
                        4 * sizeof truth->shape.dim[0]);
    run_forward(truth, engine);
    compare(c->name, "the output", sf_engine_output(engine), truth->output, truth->output_count,
            options.bf16     ? 0.02
            : options.direct ? 5e-7
                             : 2e-6);
    sf_engine_release(&engine);
    assert_null(engine);
}

static void check_training(const sf_case *c, const sf_graph *graph, const sf_truth *truth,
                           bool bf16)
{
    const sf_engine_options options = {.training = true, .bf16 = bf16, .input_gradient = true};
    const double tolerance = bf16 ? c->bf16 : 2e-6;
    sf_engine *engine;

    must(sf_engine_create(graph, &truth->image, &options, &engine));
    forbid_reference(c->name, engine);
    run_forward(truth, engine);
    compare(c->name, "the trained output", sf_engine_output(engine), truth->output,
            truth->output_count, bf16 ? 0.02 : 1e-6);
    must(sf_engine_backward(engine, truth->direction));
    compare(c->name, "the input's gradient", sf_engine_input_gradient(engine),
            truth->input_gradient, truth->input_count, tolerance);
    compare(c->name, "the parameters' gradient", sf_engine_parameter_gradient(engine),
            truth->parameter_gradient, graph->parameter_count, tolerance);
    sf_engine_release(&engine);
}

static void test_operators(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t batch = 1; batch <= 3; batch += 2) {
            sf_graph *graph = make_graph(&cases[i]);
            sf_truth truth;

            make_truth(graph, cases[i].channels, batch, &truth);
            check_inference(&cases[i], graph, &truth, winograd);
            check_inference(&cases[i], graph, &truth, direct);
            check_training(&cases[i], graph, &truth, false);
            if (sf_engine_has_bf16()) {
                check_inference(&cases[i], graph, &truth, half);
                check_training(&cases[i], graph, &truth, true);
            }
            free_truth(&truth);
            sf_graph_release(&graph);
        }
}

/* ---- promises -------------------------------------------------------------------------- */

static const sf_case *const unet = &cases[sizeof cases / sizeof *cases - 1];

/* What one run leaves in the arena must not reach the next. */
static void test_again(void **state)
{
    sf_graph *graph = make_graph(unet);
    const sf_shape image = {.rank = 4, .dim = {2, 6, 24, 20}};
    const sf_engine_options options[] = {{0}, {.training = true, .input_gradient = true}};
    const size_t count = count_of(&image), out = 2 * 24 * 20;
    float *first;

    (void)state;
    must(sf_allocate(&first, out, sizeof *first));
    for (size_t k = 0; k < 2; k++) {
        sf_engine *engine;

        must(sf_engine_create(graph, &image, &options[k], &engine));
        for (uint64_t run = 0; run < 3; run++) {
            fill(sf_engine_input(engine, 0), count, run % 2);
            must(sf_engine_forward(engine));
            if (run == 0) memcpy(first, sf_engine_output(engine), out * sizeof *first);
            if (run == 1) assert_memory_not_equal(first, sf_engine_output(engine), out);
            if (run == 2) assert_memory_equal(first, sf_engine_output(engine), out * sizeof *first);
            if (k == 1) must(sf_engine_backward(engine, first));
        }
        sf_engine_release(&engine);
    }
    sf_free(first);
    sf_graph_release(&graph);
}

/* Output and parameter gradient of one training step on some threads. */
static float *step_on(const sf_graph *graph, int threads, bool bf16, size_t batch, size_t *count)
{
    const sf_shape image = {.rank = 4, .dim = {batch, 6, 24, 20}};
    const sf_engine_options options = {.training = true, .bf16 = bf16};
    const size_t out = batch * 24 * 20;
    sf_engine *engine;
    float *result;

    must(sf_thread_count_set(threads));
    must(sf_engine_create(graph, &image, &options, &engine));
    fill(sf_engine_input(engine, 0), count_of(&image), 3);
    must(sf_engine_forward(engine));
    *count = out + graph->parameter_count;
    must(sf_allocate(&result, *count, sizeof *result));
    memcpy(result, sf_engine_output(engine), out * sizeof *result);
    must(sf_engine_backward(engine, result));
    memcpy(result + out, sf_engine_parameter_gradient(engine),
           graph->parameter_count * sizeof *result);
    sf_engine_release(&engine);
    must(sf_thread_count_set(0));
    return result;
}

static void test_threads(void **state)
{
    sf_graph *graph = make_graph(unet);

    (void)state;
    for (int bf16 = 0; bf16 <= (sf_engine_has_bf16() ? 1 : 0); bf16++) {
        static const size_t batches[] = {1, 8, 13};

        for (size_t i = 0; i < 3; i++) {
            size_t count;
            float *one = step_on(graph, 1, bf16 == 1, batches[i], &count);
            float *three = step_on(graph, 3, bf16 == 1, batches[i], &count);

            assert_memory_equal(one, three, count * sizeof *one);
            sf_free(one);
            sf_free(three);
        }
    }
    sf_graph_release(&graph);
}

/* The vector-Jacobian product alone, on any number of threads. */
static void test_frozen(void **state)
{
    sf_graph *graph = make_graph(unet);
    sf_truth truth;
    float *first = NULL;

    (void)state;
    make_truth(graph, unet->channels, 1, &truth);
    for (int threads = 1; threads <= 3; threads += 2) {
        const sf_engine_options options = {
            .training = true, .input_gradient = true, .frozen = true};
        sf_engine *engine;

        must(sf_thread_count_set(threads));
        must(sf_engine_create(graph, &truth.image, &options, &engine));
        run_forward(&truth, engine);
        must(sf_engine_backward(engine, truth.direction));
        assert_null(sf_engine_parameter_gradient(engine));
        compare("U-Net", "the frozen gradient", sf_engine_input_gradient(engine),
                truth.input_gradient, truth.input_count, 2e-6);
        if (threads == 1)
            must(sf_copy_memory(sf_engine_input_gradient(engine), truth.input_count, sizeof *first,
                                &first));
        else
            assert_memory_equal(first, sf_engine_input_gradient(engine),
                                truth.input_count * sizeof *first);
        sf_engine_release(&engine);
    }
    must(sf_thread_count_set(0));
    sf_free(first);
    free_truth(&truth);
    sf_graph_release(&graph);
}

/* Engines are independent: two threads, each with its own, find what one alone finds. */
static void test_two_engines(void **state)
{
    sf_graph *graph = make_graph(unet);
    sf_truth truth;
    double worst = 0.0;

    (void)state;
    make_truth(graph, unet->channels, 1, &truth);
#pragma omp parallel for num_threads(2) reduction(max : worst)
    for (int i = 0; i < 4; i++) {
        const sf_engine_options options = {0};
        sf_engine *engine = NULL;

        if (sf_engine_create(graph, &truth.image, &options, &engine) != SF_OK) {
            worst = HUGE_VAL;
            continue;
        }
        memcpy(sf_engine_input(engine, 0), truth.input, truth.input_count * sizeof(float));
        for (int run = 0; run < 5; run++)
            if (sf_engine_forward(engine) != SF_OK) worst = HUGE_VAL;
        for (size_t k = 0; k < truth.output_count; k++)
            worst = fmax(worst, fabs((double)sf_engine_output(engine)[k] - truth.output[k]));
        sf_engine_release(&engine);
    }
    assert_true(worst < 1e-4);
    free_truth(&truth);
    sf_graph_release(&graph);
}

static void test_parameters(void **state)
{
    sf_graph *graph = make_graph(unet), *changed;
    const sf_engine_options options = {.training = true};
    sf_truth truth;
    sf_engine *engine;
    float *parameters;

    (void)state;
    must(sf_graph_copy(graph, &changed));
    must(sf_allocate(&parameters, graph->parameter_count, sizeof *parameters));
    sf_graph_get_parameters(graph, parameters);
    for (size_t i = 0; i < graph->parameter_count; i++)
        parameters[i] *= 1.0F + 0.01F * (float)(i % 9);
    sf_graph_set_parameters(changed, parameters);
    make_truth(changed, unet->channels, 4, &truth);
    must(sf_engine_create(graph, &truth.image, &options, &engine));
    must(sf_engine_set_parameters(engine, parameters));
    run_forward(&truth, engine);
    compare("U-Net", "the output with other parameters", sf_engine_output(engine), truth.output,
            truth.output_count, 1e-6);
    assert_null(sf_engine_input_gradient(engine));
    sf_engine_release(&engine);
    sf_free(parameters);
    free_truth(&truth);
    sf_graph_release(&graph);
    sf_graph_release(&changed);
}

static size_t case_normalised(sf_graph *g, size_t x)
{
    const size_t dim[] = {5};
    size_t statistics[4];
    sf_node node = {.op = SF_OP_BATCH_NORM, .alpha = 2.0F}; /* epsilon > -variance */

    for (int i = 0; i < 4; i++) statistics[i] = add_constant(g, 1, dim, 1.0);
    return apply(g, SF_OP_RELU,
                 add_node(g, node, 5, conv(g, x, 6, 5), statistics[0], statistics[1], statistics[2],
                          statistics[3]));
}

/* Folded for inference, refused for training. */
static void test_normalisation(void **state)
{
    const sf_case c = {"BatchNormalization", case_normalised, 6, 0};
    const sf_engine_options training = {.training = true};
    sf_graph *graph = make_graph(&c);
    sf_engine *engine;
    sf_truth truth;

    (void)state;
    make_truth(graph, c.channels, 1, &truth);
    check_inference(&c, graph, &truth, direct);
    assert_int_equal(sf_engine_create(graph, &truth.image, &training, &engine), SF_ERR_UNSUPPORTED);
    assert_non_null(strstr(sf_last_error(), "BatchNormalization"));
    assert_null(engine);
    free_truth(&truth);
    sf_graph_release(&graph);
}

static void test_errors(void **state)
{
    sf_graph *graph = make_graph(unet);
    const sf_shape image = {.rank = 4, .dim = {1, 6, 8, 8}};
    const sf_engine_options inference = {0}, training = {.training = true};
    sf_engine *engine;
    const float gradient[64] = {0};
    const int threads = omp_get_max_threads();

    (void)state;
    if (!sf_engine_has_bf16()) {
        assert_int_equal(sf_engine_create(graph, &image, &half, &engine), SF_ERR_UNSUPPORTED);
        assert_null(engine);
    }
    must(sf_engine_create(graph, &image, &inference, &engine));
    assert_int_equal(sf_engine_backward(engine, gradient), SF_ERR_UNSUPPORTED);
    assert_null(sf_engine_parameter_gradient(engine));
    assert_null(sf_engine_input(engine, 1));
    sf_engine_release(&engine);
    must(sf_engine_create(graph, &image, &training, &engine));
    assert_int_equal(sf_engine_backward(engine, gradient), SF_ERR_ARGUMENT);
    must(sf_engine_forward(engine));
    must(sf_engine_backward(engine, gradient));
    assert_int_equal(sf_engine_backward(engine, gradient), SF_ERR_ARGUMENT);
    sf_engine_release(&engine);
    sf_engine_release(&engine);
    assert_int_equal(omp_get_max_threads(), threads);
    sf_graph_release(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators),     cmocka_unit_test(test_again),
        cmocka_unit_test(test_threads),       cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_two_engines),   cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_normalisation), cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
