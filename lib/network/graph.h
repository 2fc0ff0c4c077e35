/* graph.h - a network as data: values, nodes in execution order, metadata. Internal.
 *
 * The ONNX reader fills it, the writer empties it, the engines compile it. Tensors are NCHW
 * float32. Everything an operator takes that is no tensor to compute with (Pad's pads, Resize's
 * scales, ...) has become an attribute of its node, so inputs are real data only. */
#ifndef SF_NETWORK_GRAPH_H
#define SF_NETWORK_GRAPH_H

#include <scorefield/network.h>

#define SF_TENSOR_MAX_RANK 6
#define SF_NO_VALUE        SIZE_MAX

/* Enum and ONNX name; what an operator is and does stands in its row in operators.c. */
#define SF_OP_LIST(X)                           \
    X(ABS, "Abs")                               \
    X(ADD, "Add")                               \
    X(AND, "And")                               \
    X(AVERAGE_POOL, "AveragePool")              \
    X(BATCH_NORM, "BatchNormalization")         \
    X(CAST, "Cast")                             \
    X(CEIL, "Ceil")                             \
    X(CLIP, "Clip")                             \
    X(CONCAT, "Concat")                         \
    X(CONSTANT, "Constant")                     \
    X(CONSTANT_OF_SHAPE, "ConstantOfShape")     \
    X(CONV, "Conv")                             \
    X(CONV_TRANSPOSE, "ConvTranspose")          \
    X(COS, "Cos")                               \
    X(DEPTH_TO_SPACE, "DepthToSpace")           \
    X(DIV, "Div")                               \
    X(DROPOUT, "Dropout")                       \
    X(EINSUM, "Einsum")                         \
    X(ELU, "Elu")                               \
    X(EQUAL, "Equal")                           \
    X(ERF, "Erf")                               \
    X(EXP, "Exp")                               \
    X(EXPAND, "Expand")                         \
    X(FLATTEN, "Flatten")                       \
    X(FLOOR, "Floor")                           \
    X(GATHER, "Gather")                         \
    X(GELU, "Gelu")                             \
    X(GEMM, "Gemm")                             \
    X(GLOBAL_AVERAGE_POOL, "GlobalAveragePool") \
    X(GREATER, "Greater")                       \
    X(GREATER_OR_EQUAL, "GreaterOrEqual")       \
    X(GROUP_NORM, "GroupNormalization")         \
    X(IDENTITY, "Identity")                     \
    X(INSTANCE_NORM, "InstanceNormalization")   \
    X(LAYER_NORM, "LayerNormalization")         \
    X(LEAKY_RELU, "LeakyRelu")                  \
    X(LESS, "Less")                             \
    X(LESS_OR_EQUAL, "LessOrEqual")             \
    X(LOG, "Log")                               \
    X(MATMUL, "MatMul")                         \
    X(MAX, "Max")                               \
    X(MAX_POOL, "MaxPool")                      \
    X(MIN, "Min")                               \
    X(MOD, "Mod")                               \
    X(MUL, "Mul")                               \
    X(NEG, "Neg")                               \
    X(NOT, "Not")                               \
    X(OR, "Or")                                 \
    X(PAD, "Pad")                               \
    X(POW, "Pow")                               \
    X(PRELU, "PRelu")                           \
    X(RANGE, "Range")                           \
    X(RECIPROCAL, "Reciprocal")                 \
    X(REDUCE_MEAN, "ReduceMean")                \
    X(REDUCE_SUM, "ReduceSum")                  \
    X(RELU, "Relu")                             \
    X(RESHAPE, "Reshape")                       \
    X(RESIZE, "Resize")                         \
    X(SHAPE, "Shape")                           \
    X(SIGMOID, "Sigmoid")                       \
    X(SIN, "Sin")                               \
    X(SIZE, "Size")                             \
    X(SLICE, "Slice")                           \
    X(SOFTMAX, "Softmax")                       \
    X(SOFTPLUS, "Softplus")                     \
    X(SPACE_TO_DEPTH, "SpaceToDepth")           \
    X(SPLIT, "Split")                           \
    X(SQRT, "Sqrt")                             \
    X(SQUEEZE, "Squeeze")                       \
    X(SUB, "Sub")                               \
    X(TANH, "Tanh")                             \
    X(TRANSPOSE, "Transpose")                   \
    X(UNSQUEEZE, "Unsqueeze")                   \
    X(WHERE, "Where")

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
/* The same where it is known to fit. */
size_t sf_shape_count(const sf_shape *shape);
bool sf_shape_equal(const sf_shape *a, const sf_shape *b);
/* "[1,64,32,32]" into `text`, which is returned. */
const char *sf_shape_text(const sf_shape *shape, char *text, size_t size);

typedef enum sf_type { SF_TYPE_REAL, SF_TYPE_INTEGER, SF_TYPE_TRUTH } sf_type;

/* A weight, a number that operators are told (an axis, a size, ...), or computed (an input). */
typedef struct sf_value {
    char *name;
    float *constant; /* a weight: its data (shape.dim known), or NULL */
    double *number;  /* what is known otherwise: its numbers, or NULL */
    sf_type type;
    sf_shape shape;   /* what is known and, with 0 for a free dimension, inputs */
    size_t parameter; /* weights: offset in the flat parameter vector */
    bool borrowed;    /* constant and number belong to another graph */
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
    SF_RESIZE_CEIL,
    SF_RESIZE_ROUND_OLD /* of opsets before 11: it depends on the scales */
} sf_resize_rounding;

/* As in the file, except that what older opsets have as attributes is an input where the newest
 * has it so. Resolving for a size turns the inputs that are no data into attributes. */
typedef struct sf_node {
    sf_op op;
    char *name;
    size_t *input; /* indices of values, SF_NO_VALUE for one that is left out */
    size_t input_count;
    size_t output;
    /* windows (Conv, ConvTranspose, pools): rows, columns; kernel 0: as the weight's */
    size_t kernel[2], stride[2], dilation[2], groups, output_padding[2];
    long pads[4]; /* top, left, bottom, right; also Pad (negative crops) */
    sf_auto_pad auto_pad;
    bool count_include_pad, ceil_mode;
    float alpha; /* slope, epsilon, exponent, lower limit, value that fills, Gemm's alpha */
    float beta;  /* upper limit, Gemm's beta */
    long axis;   /* one axis, or the first of several */
    long end;    /* Shape: the axis after the last */
    long *list;  /* axes, a shape, indices, ...: see the operator's rule */
    size_t list_count;
    bool keep;          /* reductions: the axes stay, with length 1 */
    bool flag;          /* what the row of the operator says */
    bool settled;       /* nothing in it depends on sizes any more */
    bool transposed[2]; /* Gemm: the operands */
    size_t part, parts; /* Split: which of how many outputs this one is */
    sf_type to;         /* Cast, ConstantOfShape */
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
    size_t parameter_count; /* all weights' values, flat, in order of the values */
    size_t constant_count;  /* the same with the constants that resolving made, which come last */
    bool folds_weights;     /* resolving computed with weights: these cannot learn */
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
/* A value that is known: `number` is copied. */
sf_status sf_graph_add_number(sf_graph *graph, const char *name, sf_type type,
                              const sf_shape *shape, const double *number, size_t *index);
/* node->input, list and name are copied. */
sf_status sf_graph_add_node(sf_graph *graph, const sf_node *node);
sf_status sf_graph_set_metadata(sf_graph *graph, const char *key, const char *value);

/* Sorts the nodes topologically, drops what the output does not need, numbers the parameters;
 * SF_ERR_FORMAT for cycles, values without a producer, two producers. */
sf_status sf_graph_finish(sf_graph *graph);
/* The same for the nodes alone. */
sf_status sf_graph_prune(sf_graph *graph);
/* An input, a weight or a number. */
bool sf_graph_is_source(const sf_graph *graph, size_t value);
bool sf_value_is_known(const sf_value *value);
/* Computes the nodes whose inputs are all known: their outputs become weights or numbers. The
 * numbers read and made are bounded, beyond which it is SF_ERR_SHAPE. */
sf_status sf_graph_fold(sf_graph *graph);
/* Folds BatchNormalization into a preceding Conv or into a per-channel Mul and Add, and drops
 * Identity. */
sf_status sf_graph_simplify(sf_graph *graph);
/* Puts a network of images with their channels last between two transpositions, so that its images
 * have them first; others stay as they are. */
sf_status sf_graph_put_channels_first(sf_graph *graph);
/* The graph for an image of that shape: every value's shape is known, what follows from shapes and
 * constants alone is computed, arguments have become attributes, and every node is of an operator
 * that the engine and the reference run. The weights come first, with the parameters' numbers that
 * they had; they are borrowed from `graph`. `map` (value_count entries, or NULL): the value that
 * each one of `graph` has become, or SF_NO_VALUE. Errors name the node. */
sf_status sf_graph_resolve(const sf_graph *graph, const sf_shape *image, size_t *map,
                           sf_graph **resolved);
/* The shape of every value (value_count entries) for an image of that shape. */
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
