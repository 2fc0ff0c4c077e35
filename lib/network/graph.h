/* graph.h - a network as data: values, nodes in execution order, metadata. Internal.
 *
 * The ONNX reader fills it, the writer empties it, the engines compile it. Tensors are NCHW
 * float32. Everything an operator takes that is no tensor to compute with (Pad's pads, Resize's
 * scales, ...) has become an attribute of its node, so inputs are real data only. */
#ifndef SF_NETWORK_GRAPH_H
#define SF_NETWORK_GRAPH_H

#include <scorefield/network.h>

#define SF_TENSOR_MAX_RANK 6

/* One line adds an operator: enum, ONNX name. */
#define SF_OP_LIST(X)                   \
    X(ADD, "Add")                       \
    X(AVERAGE_POOL, "AveragePool")      \
    X(BATCH_NORM, "BatchNormalization") \
    X(CONCAT, "Concat")                 \
    X(CONSTANT, "Constant")             \
    X(CONV, "Conv")                     \
    X(CONV_TRANSPOSE, "ConvTranspose")  \
    X(DEPTH_TO_SPACE, "DepthToSpace")   \
    X(ELU, "Elu")                       \
    X(IDENTITY, "Identity")             \
    X(LEAKY_RELU, "LeakyRelu")          \
    X(MUL, "Mul")                       \
    X(PAD, "Pad")                       \
    X(RELU, "Relu")                     \
    X(RESIZE, "Resize")                 \
    X(SIGMOID, "Sigmoid")               \
    X(SPACE_TO_DEPTH, "SpaceToDepth")   \
    X(SUB, "Sub")

typedef enum sf_op {
#define SF_OP_ENUM(id, name) SF_OP_##id,
    SF_OP_LIST(SF_OP_ENUM)
#undef SF_OP_ENUM
        SF_OP_COUNT
} sf_op;

const char *sf_op_name(sf_op op);

typedef struct sf_shape {
    int rank;
    size_t dim[SF_TENSOR_MAX_RANK];
} sf_shape;

/* Number of values; SF_ERR_SHAPE on overflow. */
sf_status sf_shape_size(const sf_shape *shape, size_t *size);
/* "[1,64,32,32]" into `text`, which is returned. */
const char *sf_shape_text(const sf_shape *shape, char *text, size_t size);

typedef struct sf_value {
    char *name;
    float *constant;  /* a weight: its data (shape.dim known); NULL: computed or an input */
    sf_shape shape;   /* constants and, with 0 for a free dimension, inputs */
    size_t parameter; /* constants: offset in the flat parameter vector */
} sf_value;

typedef enum sf_auto_pad {
    SF_AUTO_PAD_NONE,
    SF_AUTO_PAD_UPPER,
    SF_AUTO_PAD_LOWER,
    SF_AUTO_PAD_VALID
} sf_auto_pad;
typedef enum sf_pad_mode { SF_PAD_CONSTANT, SF_PAD_REFLECT, SF_PAD_EDGE, SF_PAD_WRAP } sf_pad_mode;
typedef enum sf_resize_mode { SF_RESIZE_NEAREST, SF_RESIZE_LINEAR } sf_resize_mode;
typedef enum sf_resize_coordinates {
    SF_RESIZE_HALF_PIXEL,
    SF_RESIZE_ASYMMETRIC,
    SF_RESIZE_ALIGN_CORNERS,
    SF_RESIZE_PYTORCH_HALF_PIXEL
} sf_resize_coordinates;
typedef enum sf_resize_rounding {
    SF_RESIZE_ROUND_PREFER_FLOOR,
    SF_RESIZE_ROUND_PREFER_CEIL,
    SF_RESIZE_FLOOR,
    SF_RESIZE_CEIL
} sf_resize_rounding;

typedef struct sf_node {
    sf_op op;
    char *name;
    size_t *input; /* indices of values; Conv: x, weight[, bias] */
    size_t input_count;
    size_t output;
    /* windows (Conv, ConvTranspose, AveragePool): rows, columns */
    size_t kernel[2], stride[2], dilation[2], groups, output_padding[2];
    long pads[4]; /* top, left, bottom, right; also Pad (negative crops) */
    sf_auto_pad auto_pad;
    bool count_include_pad, ceil_mode;
    float alpha; /* LeakyRelu slope, Elu alpha, Pad value, BatchNormalization epsilon */
    long axis;   /* Concat */
    sf_pad_mode pad_mode;
    size_t block;          /* DepthToSpace, SpaceToDepth */
    bool column_row_depth; /* DepthToSpace mode CRD */
    sf_resize_mode resize_mode;
    sf_resize_coordinates resize_coordinates;
    sf_resize_rounding resize_rounding;
    double scale[2]; /* Resize: rows, columns; 0 = use size */
    size_t size[2];
} sf_node;

typedef struct sf_metadata {
    char *key, *value;
} sf_metadata;

typedef struct sf_graph {
    sf_value *value;
    size_t value_count;
    sf_node *node; /* in an order that can be executed */
    size_t node_count;
    size_t input[2], input_count; /* image, second input */
    size_t output;
    size_t parameter_count; /* all constants' values, flat, in order of the values */
    sf_metadata *metadata;
    size_t metadata_count;
    long opset;
} sf_graph;

/* Building (each copies what it is given). The value's index comes back. */
sf_status sf_graph_create(sf_graph **graph);
void sf_graph_release(sf_graph **graph);
sf_status sf_graph_copy(const sf_graph *graph, sf_graph **copy);
sf_status sf_graph_add_value(sf_graph *graph, const char *name, const sf_shape *shape,
                             const float *constant, size_t *index);
/* node->input and name are copied. */
sf_status sf_graph_add_node(sf_graph *graph, const sf_node *node);
sf_status sf_graph_set_metadata(sf_graph *graph, const char *key, const char *value);

/* Sorts the nodes topologically, drops what the output does not need, numbers the parameters;
 * SF_ERR_FORMAT for cycles, values without a producer, two producers. */
sf_status sf_graph_finish(sf_graph *graph);
/* An input or a constant. */
bool sf_graph_is_source(const sf_graph *graph, size_t value);
/* Whether a node's inputs are all constants. */
bool sf_node_is_constant(const sf_graph *graph, const sf_node *node);
/* Computes such a node: its output becomes a constant. The numbers read and made are taken from
 * *budget, beyond which it is SF_ERR_SHAPE; SF_ERR_UNSUPPORTED for windows. */
sf_status sf_graph_fold(sf_graph *graph, const sf_node *node, size_t *budget);
/* Folds BatchNormalization into a preceding Conv or into a per-channel Mul and Add, and drops
 * Identity. */
sf_status sf_graph_simplify(sf_graph *graph);
/* The shape of every value (value_count entries) for an input of that shape; auto_pad solved by
 * sf_node_pads. SF_ERR_SHAPE names the node. Sizes are checked against overflow. */
sf_status sf_graph_shapes(const sf_graph *graph, const sf_shape *image, sf_shape *shapes);
/* The explicit pads of a window node for its input's shape. */
void sf_node_pads(const sf_node *node, const sf_shape *input, const sf_shape *output, long pads[4]);

/* Where the flat parameters come from and go to: the constants' data. */
void sf_graph_get_parameters(const sf_graph *graph, float *flat);
void sf_graph_set_parameters(sf_graph *graph, const float *flat);

/* ---- plain C reference, in double: the tests' yardstick ------------------------------------ */

/* output (allocated, sf_free) of shape *shape for inputs given NCHW; parameters flat, NULL = the
 * graph's own. */
sf_status sf_reference_forward(const sf_graph *graph, const sf_shape *image, const double *input,
                               const double *second, const double *parameters, double **output,
                               sf_shape *shape);
/* Gradients of sum(output * output_gradient) with respect to input and flat parameters (either
 * may be NULL). */
sf_status sf_reference_backward(const sf_graph *graph, const sf_shape *image, const double *input,
                                const double *second, const double *parameters,
                                const double *output_gradient, double *input_gradient,
                                double *parameter_gradient);

/* ---- the model behind sf_model ------------------------------------------------------------- */

struct sf_model {
    _Atomic int references;
    sf_graph *graph; /* finished and simplified */
    sf_model_usage usage;
};

/* Takes the graph, also on failure; reads the usage from its metadata. */
sf_status sf_model_from_graph(sf_graph *graph, sf_model **model);
const sf_graph *sf_model_graph(const sf_model *model);
/* onnx_read.c, onnx_write.c: the file format. `name` is for error messages. */
sf_status sf_onnx_read(const void *bytes, size_t size, const char *name, sf_graph **graph);
sf_status sf_onnx_write(const sf_graph *graph, void **bytes, size_t *size); /* sf_free */

#endif
