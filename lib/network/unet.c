/* unet.c - the architecture that ships: a small residual U-Net without biases.
 *
 * After DRUNet (Zhang et al. 2022, doi:10.1109/TPAMI.2021.3088914): residual blocks x + Conv
 * Relu Conv x at every resolution, strided 2x2 convolutions down, transposed ones up, additive
 * skips. Without biases every layer is homogeneous of degree one, so D(a x; a sigma) =
 * a D(x; sigma) (Mohan et al. 2020, arXiv:1906.05478). The network's output is the residual
 * x - D(x; sigma). */
#include "base/internal.h"
#include "network/graph.h"

#include <math.h>
#include <stdio.h>

#define BLOCK_GAIN  0.1  /* the second Conv of a block: blocks begin close to the identity */
#define OUTPUT_GAIN 0.02 /* the last Conv: training begins close to D(x) = x */
#define MAX_DEPTH   6

/* What is built so far. The first failure stays; later calls do nothing. */
typedef struct builder {
    sf_graph *graph;
    uint64_t seed;
    uint64_t weights; /* how many weight tensors there are: each has its own random sequence */
    size_t values;
    sf_status status;
} builder;

sf_unet_options sf_unet_options_default(void)
{
    return (sf_unet_options){.channels = 32, .depth = 3, .blocks = 2, .seed = 1};
}

static size_t add_value(builder *b, const char *name, const sf_shape *shape, const float *constant)
{
    size_t index = 0;
    char text[32];

    if (b->status != SF_OK) return 0;
    (void)snprintf(text, sizeof text, "value%zu", b->values++);
    b->status = sf_graph_add_value(b->graph, name != NULL ? name : text, shape, constant, &index);
    return index;
}

/* A weight tensor of independent normal values of that standard deviation. */
static size_t add_weight(builder *b, const char *name, const sf_shape *shape, double deviation)
{
    const size_t count = shape->dim[0] * shape->dim[1] * shape->dim[2] * shape->dim[3];
    double *normal = NULL;
    float *weight = NULL;
    size_t index = 0;

    if (b->status == SF_OK) b->status = sf_allocate(&normal, count, sizeof *normal);
    if (b->status == SF_OK) b->status = sf_allocate(&weight, count, sizeof *weight);
    if (b->status == SF_OK) {
        sf_random_normal(sf_random_make(b->seed, 0), b->weights++, 0, count, normal);
        for (size_t i = 0; i < count; i++) weight[i] = (float)(deviation * normal[i]);
        index = add_value(b, name, shape, weight);
    }
    sf_free(weight);
    sf_free(normal);
    return index;
}

static size_t add_node(builder *b, sf_op op, size_t *input, size_t input_count, size_t kernel,
                       size_t stride)
{
    static const sf_shape unknown = {.rank = 4};
    const long pad = kernel == 3 ? 1 : 0;
    char name[32];
    sf_node node = {.op = op,
                    .name = name,
                    .input = input,
                    .input_count = input_count,
                    .output = add_value(b, NULL, &unknown, NULL),
                    .kernel = {kernel, kernel},
                    .stride = {stride, stride},
                    .dilation = {1, 1},
                    .groups = 1,
                    .pads = {pad, pad, pad, pad}};

    (void)snprintf(name, sizeof name, "node%zu", b->values);
    if (b->status == SF_OK) b->status = sf_graph_add_node(b->graph, &node);
    return node.output;
}

/* Conv or ConvTranspose; the standard deviation of the weights keeps the variance times gain^2. */
static size_t add_convolution(builder *b, sf_op op, const char *name, size_t x, size_t in,
                              size_t out, size_t kernel, size_t stride, double gain)
{
    const bool transpose = op == SF_OP_CONV_TRANSPOSE;
    const size_t fan_in = transpose ? in : in * kernel * kernel;
    const sf_shape shape = {.rank = 4,
                            .dim = {transpose ? in : out, transpose ? out : in, kernel, kernel}};
    size_t input[2] = {x, add_weight(b, name, &shape, gain / sqrt((double)fan_in))};

    return add_node(b, op, input, 2, kernel, stride);
}

/* x + Conv Relu Conv x; sqrt 2 makes up for what Relu takes (He et al. 2015). */
static size_t add_block(builder *b, const char *name, size_t x, size_t channels)
{
    char text[64];
    size_t y;

    (void)snprintf(text, sizeof text, "%s.conv1.weight", name);
    y = add_convolution(b, SF_OP_CONV, text, x, channels, channels, 3, 1, 1.0);
    y = add_node(b, SF_OP_RELU, &y, 1, 0, 0);
    (void)snprintf(text, sizeof text, "%s.conv2.weight", name);
    y = add_convolution(b, SF_OP_CONV, text, y, channels, channels, 3, 1, sqrt(2.0) * BLOCK_GAIN);
    return add_node(b, SF_OP_ADD, (size_t[2]){x, y}, 2, 0, 0);
}

static size_t add_blocks(builder *b, const char *stage, size_t level, size_t x, size_t channels,
                         size_t blocks)
{
    char name[48];

    for (size_t i = 0; i < blocks; i++) {
        (void)snprintf(name, sizeof name, "%s%zu.%zu", stage, level, i);
        x = add_block(b, name, x, channels);
    }
    return x;
}

static void build(builder *b, const sf_unet_options *o)
{
    const sf_shape input = {.rank = 4, .dim = {0, 2, 0, 0}};
    size_t skip[MAX_DEPTH], channels = o->channels;
    size_t x = add_value(b, "image", &input, NULL);
    char name[48];

    b->graph->input[0] = x;
    b->graph->input_count = 1;
    x = add_convolution(b, SF_OP_CONV, "head.weight", x, 2, channels, 3, 1, 1.0);
    for (size_t level = 0; level + 1 < o->depth; level++, channels *= 2) {
        x = skip[level] = add_blocks(b, "down", level, x, channels, o->blocks);
        (void)snprintf(name, sizeof name, "down%zu.weight", level);
        x = add_convolution(b, SF_OP_CONV, name, x, channels, 2 * channels, 2, 2, 1.0);
    }
    x = add_blocks(b, "body", o->depth - 1, x, channels, o->blocks);
    for (size_t level = o->depth - 1; level-- > 0;) {
        (void)snprintf(name, sizeof name, "up%zu.weight", level);
        x = add_convolution(b, SF_OP_CONV_TRANSPOSE, name, x, channels, channels / 2, 2, 2, 1.0);
        channels /= 2;
        x = add_node(b, SF_OP_ADD, (size_t[2]){x, skip[level]}, 2, 0, 0);
        x = add_blocks(b, "up", level, x, channels, o->blocks);
    }
    x = add_convolution(b, SF_OP_CONV, "tail.weight", x, channels, 1, 3, 1, OUTPUT_GAIN);
    b->graph->output = x;
}

static sf_status check_options(const sf_unet_options *o)
{
    if (o->channels < 1 || o->channels > 1024)
        return sf_fail(SF_ERR_ARGUMENT, "%zu channels: give 1 to 1024", o->channels);
    if (o->depth < 1 || o->depth > MAX_DEPTH)
        return sf_fail(SF_ERR_ARGUMENT, "depth %zu: give 1 to %d", o->depth, MAX_DEPTH);
    if (o->blocks < 1 || o->blocks > 64)
        return sf_fail(SF_ERR_ARGUMENT, "%zu blocks: give 1 to 64", o->blocks);
    return SF_OK;
}

sf_status sf_model_unet(const sf_unet_options *options, sf_model **model)
{
    builder b = {.seed = options->seed};
    sf_model *plain = NULL;
    sf_model_usage usage = sf_model_usage_default();
    sf_status status;

    *model = NULL;
    SF_TRY(check_options(options));
    SF_TRY(sf_graph_create(&b.graph));
    build(&b, options);
    if (b.status == SF_OK) b.status = sf_graph_finish(b.graph);
    if (b.status != SF_OK) {
        sf_graph_release(&b.graph);
        return b.status;
    }
    SF_TRY(sf_model_from_graph(b.graph, &plain));
    usage.noise_input = SF_NOISE_CHANNEL;
    usage.prediction = SF_PREDICT_RESIDUAL;
    usage.padding = SF_PADDING_REFLECT;
    usage.multiple = (size_t)1 << (options->depth - 1);
    usage.homogeneous = true;
    status = sf_model_with_usage(plain, &usage, model);
    sf_model_release(&plain);
    return status;
}
