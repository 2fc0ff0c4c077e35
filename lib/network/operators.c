/* operators.c - the table of operators, by the ONNX operator specification
 * (github.com/onnx/onnx, docs/Operators.md). */
#include "network/operator.h"

#include "base/internal.h"

#include <limits.h>
#include <math.h>

#define AT(member) offsetof(sf_node, member)
#define END          \
    {                \
        .name = NULL \
    }
#define INT(name, member, usual, least, most)                                    \
    {                                                                            \
        (name), SF_FIELD_LONG, AT(member), (usual), (least), (most), NULL, false \
    }
#define FLAG(name, member, usual)                                     \
    {                                                                 \
        (name), SF_FIELD_FLAG, AT(member), (usual), 0, 1, NULL, false \
    }
#define FLOAT(name, member, usual)                                                    \
    {                                                                                 \
        (name), SF_FIELD_FLOAT, AT(member), (usual), -HUGE_VAL, HUGE_VAL, NULL, false \
    }
#define ABSENT(name)                                     \
    {                                                    \
        (name), SF_FIELD_ABSENT, 0, 0, 0, 0, NULL, false \
    }
#define WORD(name, member, list)                                  \
    {                                                             \
        (name), SF_FIELD_WORD, AT(member), 0, 0, 0, (list), false \
    }
#define PAIR(name, member, least, wanted)                                        \
    {                                                                            \
        (name), SF_FIELD_PAIR, AT(member), 0, (least), INT32_MAX, NULL, (wanted) \
    }
#define LIST(name)                                                 \
    {                                                              \
        (name), SF_FIELD_LIST, AT(list), 0, -1e9, 1e9, NULL, false \
    }
#define AXIS(usual)    INT("axis", axis, (usual), -SF_TENSOR_MAX_RANK, SF_TENSOR_MAX_RANK)
#define EPSILON(usual) FLOAT("epsilon", alpha, (usual))
#define WINDOW(wanted)                                                            \
    PAIR("kernel_shape", kernel, 1, (wanted)), PAIR("strides", stride, 1, false), \
        PAIR("dilations", dilation, 1, false),                                    \
        {"pads", SF_FIELD_PADS, AT(pads), 0, 0, INT32_MAX, NULL, false},          \
        WORD("auto_pad", auto_pad, auto_pads)
#define GROUP                                                            \
    {                                                                    \
        "group", SF_FIELD_SIZE, AT(groups), 1, 1, INT32_MAX, NULL, false \
    }
#define BLOCK                                                          \
    {                                                                  \
        "blocksize", SF_FIELD_SIZE, AT(block), 0, 1, 65535, NULL, true \
    }

static const char *const auto_pads[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL};
static const char *const pad_modes[] = {"constant", "reflect", "edge", "wrap", NULL};
static const char *const block_modes[] = {"DCR", "CRD", NULL};
static const char *const resize_modes[] = {"nearest", "linear", NULL};
static const char *const coordinates[] = {"half_pixel", "asymmetric", "align_corners",
                                          "pytorch_half_pixel", NULL};
static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil",
                                        NULL};
static const char *const gelu_kinds[] = {"none", "tanh", NULL};
static const char *const policies[] = {"stretch", NULL};

static const sf_field average_pool[] = {WINDOW(true),
                                        FLAG("count_include_pad", count_include_pad, 0),
                                        FLAG("ceil_mode", ceil_mode, 0), END};
static const sf_field batch_norm[] = {EPSILON(1e-5), ABSENT("training_mode"), END};
static const sf_field cast[] = {{"to", SF_FIELD_TYPE, AT(to), 0, 0, 0, NULL, true}, END};
static const sf_field concat[] = {
    {"axis", SF_FIELD_LONG, AT(axis), 1, -SF_TENSOR_MAX_RANK, SF_TENSOR_MAX_RANK, NULL, true}, END};
static const sf_field constant_of_shape[] = {
    {"value", SF_FIELD_FILL, AT(alpha), 0, 0, 0, NULL, false}, END};
static const sf_field conv[] = {WINDOW(false), GROUP, END};
static const sf_field conv_transpose[] = {WINDOW(false), GROUP,
                                          PAIR("output_padding", output_padding, 0, false),
                                          ABSENT("output_shape"), END};
static const sf_field depth_to_space[] = {WORD("mode", column_row_depth, block_modes), BLOCK, END};
static const sf_field einsum[] = {{"equation", SF_FIELD_EQUATION, AT(list), 0, 0, 0, NULL, true},
                                  END};
static const sf_field elu[] = {FLOAT("alpha", alpha, 1), END};
static const sf_field flatten[] = {AXIS(1), END};
static const sf_field gather[] = {AXIS(0), END};
static const sf_field gelu[] = {WORD("approximate", flag, gelu_kinds), END};
static const sf_field gemm[] = {FLOAT("alpha", alpha, 1), FLOAT("beta", beta, 1),
                                FLAG("transA", transposed[0], 0), FLAG("transB", transposed[1], 0),
                                END};
static const sf_field group_norm[] = {
    EPSILON(1e-5),
    {"num_groups", SF_FIELD_SIZE, AT(groups), 1, 1, INT32_MAX, NULL, true},
    ABSENT("stash_type"),
    END};
static const sf_field instance_norm[] = {EPSILON(1e-5), END};
static const sf_field layer_norm[] = {AXIS(-1), EPSILON(1e-5), END};
static const sf_field leaky_relu[] = {FLOAT("alpha", alpha, 0.01), END};
static const sf_field max_pool[] = {WINDOW(true), FLAG("ceil_mode", ceil_mode, 0),
                                    ABSENT("storage_order"), END};
static const sf_field mod[] = {FLAG("fmod", flag, 0), END};
static const sf_field pad[] = {WORD("mode", pad_mode, pad_modes), END};
static const sf_field reduce[] = {FLAG("keepdims", keep, 1), FLAG("noop_with_empty_axes", flag, 0),
                                  END};
static const sf_field reshape[] = {FLAG("allowzero", flag, 0), END};
static const sf_field resize[] = {
    WORD("mode", resize_mode, resize_modes),
    WORD("coordinate_transformation_mode", resize_coordinates, coordinates),
    WORD("nearest_mode", resize_rounding, roundings),
    {"keep_aspect_ratio_policy", SF_FIELD_WORD, AT(flag), 0, 0, 0, policies, false},
    ABSENT("antialias"),
    ABSENT("exclude_outside"),
    LIST("axes"),
    END};
static const sf_field shape[] = {INT("start", axis, 0, -1e9, 1e9),
                                 INT("end", end, SF_TENSOR_MAX_RANK, -1e9, 1e9), END};
static const sf_field softmax[] = {AXIS(-1), END};
static const sf_field space_to_depth[] = {BLOCK, END};
static const sf_field split[] = {
    AXIS(0), {"num_outputs", SF_FIELD_SIZE, AT(parts), 0, 1, 65535, NULL, false}, END};
static const sf_field transpose[] = {
    {"perm", SF_FIELD_LIST, AT(list), 0, 0, SF_TENSOR_MAX_RANK, NULL, false}, END};

#define ONE .least = 1, .most = 1
#define TWO .least = 2, .most = 2
#define POINTWISE                                                                                 \
    .shape = sf_shape_same, .reference = sf_reference_pointwise, .compile = sf_compile_pointwise, \
    .undo = sf_undo_pointwise
#define ROUNDING ONE, .shape = sf_shape_same, .reference = sf_reference_pointwise
#define BINARY                                                                                 \
    .settle = sf_settle_binary, .shape = sf_shape_broadcast, .reference = sf_reference_binary, \
    .compile = sf_compile_binary, .undo = sf_undo_binary
#define COMPARISON \
    TWO, .type = SF_TYPE_IS_TRUTH, .shape = sf_shape_broadcast, .reference = sf_reference_binary
#define ALIAS                                                                                 \
    .shape = sf_shape_same, .reference = sf_reference_pointwise, .compile = sf_compile_alias, \
    .undo = sf_undo_alias
#define MOVEMENT \
    .reference = sf_reference_movement, .compile = sf_compile_movement, .undo = sf_undo_movement
#define SAMPLING .image = true, .compile = sf_compile_sampling, .undo = sf_undo_sampling
#define CONVOLUTION                                                        \
    .least = 2, .most = 3, .image = true, .settle = sf_settle_convolution, \
    .shape = sf_shape_convolution, .reference = sf_reference_convolution,  \
    .compile = sf_compile_convolution, .undo = sf_undo_convolution

static const sf_operator operators[SF_OP_COUNT] = {
    [SF_OP_ABS] = {ONE, POINTWISE},
    [SF_OP_ADD] = {TWO, BINARY},
    [SF_OP_AND] = {COMPARISON},
    [SF_OP_AVERAGE_POOL] = {.fields = average_pool,
                            ONE,
                            .shape = sf_shape_pool,
                            .reference = sf_reference_pool,
                            SAMPLING},
    [SF_OP_BATCH_NORM] = {.fields = batch_norm,
                          .least = 5,
                          .most = 5,
                          .image = true,
                          .shape = sf_shape_batch_norm,
                          .reference = sf_reference_batch_norm},
    [SF_OP_CAST] = {.fields = cast,
                    ONE,
                    .type = SF_TYPE_AS_TOLD,
                    .settle = sf_settle_cast,
                    .shape = sf_shape_same,
                    .reference = sf_reference_pointwise},
    [SF_OP_CEIL] = {ROUNDING},
    [SF_OP_CLIP] = {.data = 1, .least = 1, .most = 3, .settle = sf_settle_clip, POINTWISE},
    [SF_OP_CONCAT] = {.fields = concat,
                      .least = 1,
                      .most = SIZE_MAX,
                      .settle = sf_settle_concat,
                      .shape = sf_shape_concat,
                      .reference = sf_reference_concat,
                      .compile = sf_compile_concat,
                      .undo = sf_undo_concat},
    [SF_OP_CONSTANT_OF_SHAPE] = {.fields = constant_of_shape,
                                 ONE,
                                 .settle = sf_settle_constant_of_shape},
    [SF_OP_CONV] = {.fields = conv, CONVOLUTION},
    [SF_OP_CONV_TRANSPOSE] = {.fields = conv_transpose, CONVOLUTION},
    [SF_OP_COS] = {ONE, POINTWISE},
    [SF_OP_DEPTH_TO_SPACE] = {.fields = depth_to_space,
                              ONE,
                              .shape = sf_shape_depth_to_space,
                              .reference = sf_reference_shuffle,
                              SAMPLING},
    [SF_OP_DIV] = {TWO, BINARY},
    [SF_OP_DROPOUT] = {.data = 1, .least = 1, .most = 3, .settle = sf_settle_alias},
    [SF_OP_EINSUM] = {.fields = einsum, TWO, .settle = sf_settle_einsum},
    [SF_OP_ELU] = {.fields = elu, ONE, POINTWISE},
    [SF_OP_EQUAL] = {COMPARISON},
    [SF_OP_ERF] = {ONE, POINTWISE},
    [SF_OP_EXP] = {ONE, POINTWISE},
    [SF_OP_EXPAND] =
        {.data = 1, TWO, .settle = sf_settle_expand, .shape = sf_shape_listed, MOVEMENT},
    [SF_OP_FLATTEN] = {.fields = flatten, ONE, .settle = sf_settle_flatten},
    [SF_OP_FLOOR] = {ROUNDING},
    [SF_OP_GATHER] = {.data = 1,
                      .fields = gather,
                      TWO,
                      .settle = sf_settle_gather,
                      .shape = sf_shape_gather,
                      MOVEMENT},
    [SF_OP_GELU] = {.fields = gelu, .opset = 20, ONE, POINTWISE},
    [SF_OP_GEMM] = {.fields = gemm, .least = 2, .most = 3, .settle = sf_settle_gemm},
    [SF_OP_GLOBAL_AVERAGE_POOL] = {ONE, .settle = sf_settle_global_pool},
    [SF_OP_GREATER] = {COMPARISON},
    [SF_OP_GREATER_OR_EQUAL] = {COMPARISON},
    [SF_OP_GROUP_NORM] =
        {.fields = group_norm, .least = 3, .most = 3, .opset = 21, .settle = sf_settle_group_norm},
    [SF_OP_IDENTITY] = {ONE, ALIAS},
    [SF_OP_INSTANCE_NORM] = {.fields = instance_norm,
                             .least = 3,
                             .most = 3,
                             .settle = sf_settle_instance_norm},
    [SF_OP_LAYER_NORM] = {.fields = layer_norm,
                          .least = 1,
                          .most = 3,
                          .opset = 17,
                          .settle = sf_settle_layer_norm,
                          .shape = sf_shape_same,
                          .reference = sf_reference_normalise,
                          .compile = sf_compile_normalise,
                          .undo = sf_undo_normalise},
    [SF_OP_LEAKY_RELU] = {.fields = leaky_relu, ONE, POINTWISE},
    [SF_OP_LESS] = {COMPARISON},
    [SF_OP_LESS_OR_EQUAL] = {COMPARISON},
    [SF_OP_LOG] = {ONE, POINTWISE},
    [SF_OP_MATMUL] = {TWO, .settle = sf_settle_matmul, .shape = sf_shape_matmul,
                      .reference = sf_reference_matmul, .compile = sf_compile_matmul,
                      .undo = sf_undo_matmul},
    [SF_OP_MAX] = {.least = 1, .most = SIZE_MAX, BINARY},
    [SF_OP_MAX_POOL] = {.fields = max_pool,
                        ONE,
                        .image = true,
                        .shape = sf_shape_pool,
                        .reference = sf_reference_max_pool,
                        .compile = sf_compile_max_pool,
                        .undo = sf_undo_max_pool},
    [SF_OP_MIN] = {.least = 1, .most = SIZE_MAX, BINARY},
    [SF_OP_MOD] = {.fields = mod,
                   TWO,
                   .shape = sf_shape_broadcast,
                   .reference = sf_reference_binary},
    [SF_OP_MUL] = {TWO, BINARY},
    [SF_OP_NEG] = {ONE, POINTWISE},
    [SF_OP_NOT] = {ROUNDING},
    [SF_OP_OR] = {COMPARISON},
    [SF_OP_PAD] = {.data = 1,
                   .fields = pad,
                   .least = 1,
                   .most = 4,
                   .settle = sf_settle_pad,
                   .shape = sf_shape_pad,
                   .reference = sf_reference_pad,
                   SAMPLING},
    [SF_OP_POW] = {.data = 1,
                   TWO,
                   .settle = sf_settle_pow,
                   .shape = sf_shape_broadcast,
                   .reference = sf_reference_binary,
                   .compile = sf_compile_pointwise,
                   .undo = sf_undo_pointwise},
    [SF_OP_PRELU] = {TWO, BINARY},
    [SF_OP_RANGE] = {.least = 3, .most = 3, .settle = sf_settle_range},
    [SF_OP_RECIPROCAL] = {ONE, POINTWISE},
    [SF_OP_REDUCE_MEAN] = {.data = 1,
                           .fields = reduce,
                           .least = 1,
                           .most = 2,
                           .opset = 18,
                           .settle = sf_settle_reduce,
                           .shape = sf_shape_reduced,
                           MOVEMENT},
    [SF_OP_REDUCE_SUM] = {.data = 1,
                          .fields = reduce,
                          .least = 1,
                          .most = 2,
                          .settle = sf_settle_reduce,
                          .shape = sf_shape_reduced,
                          MOVEMENT},
    [SF_OP_RELU] = {ONE, POINTWISE},
    [SF_OP_RESHAPE] = {.data = 1,
                       .fields = reshape,
                       TWO,
                       .settle = sf_settle_reshape,
                       .shape = sf_shape_listed,
                       .reference = sf_reference_movement,
                       .compile = sf_compile_reshape,
                       .undo = sf_undo_reshape},
    [SF_OP_RESIZE] = {.data = 1,
                      .fields = resize,
                      .least = 1,
                      .most = 4,
                      .settle = sf_settle_resize,
                      .shape = sf_shape_resize,
                      .reference = sf_reference_resize,
                      SAMPLING},
    [SF_OP_SHAPE] = {.fields = shape, ONE, .settle = sf_settle_shape},
    [SF_OP_SIGMOID] = {ONE, POINTWISE},
    [SF_OP_SIN] = {ONE, POINTWISE},
    [SF_OP_SIZE] = {ONE, .settle = sf_settle_shape},
    [SF_OP_SLICE] = {.data = 1,
                     .least = 3,
                     .most = 5,
                     .settle = sf_settle_slice,
                     .shape = sf_shape_slice,
                     MOVEMENT},
    [SF_OP_SOFTMAX] = {.fields = softmax,
                       ONE,
                       .settle = sf_settle_softmax,
                       .shape = sf_shape_same,
                       .reference = sf_reference_softmax,
                       .compile = sf_compile_softmax,
                       .undo = sf_undo_softmax},
    [SF_OP_SOFTPLUS] = {ONE, POINTWISE},
    [SF_OP_SPACE_TO_DEPTH] = {.fields = space_to_depth,
                              ONE,
                              .shape = sf_shape_space_to_depth,
                              .reference = sf_reference_shuffle,
                              SAMPLING},
    [SF_OP_SPLIT] = {.data = 1, .fields = split, .least = 1, .most = 2, .settle = sf_settle_split},
    [SF_OP_SQRT] = {ONE, POINTWISE},
    [SF_OP_SQUEEZE] = {.data = 1, .least = 1, .most = 2, .settle = sf_settle_squeeze},
    [SF_OP_SUB] = {TWO, BINARY},
    [SF_OP_TANH] = {ONE, POINTWISE},
    [SF_OP_TRANSPOSE] = {.fields = transpose,
                         ONE,
                         .settle = sf_settle_transpose,
                         .shape = sf_shape_transpose,
                         MOVEMENT},
    [SF_OP_UNSQUEEZE] = {.data = 1, TWO, .settle = sf_settle_squeeze},
    [SF_OP_WHERE] = {.least = 3,
                     .most = 3,
                     .type = SF_TYPE_OF_SECOND,
                     .shape = sf_shape_broadcast,
                     .reference = sf_reference_choose},
};

const sf_operator *sf_operator_of(sf_op op) { return &operators[op]; }
