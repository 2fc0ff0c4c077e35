/* ONNX files in and out: what was written reads the same, and what nobody vouches for is refused
 * with one sentence that names file and node.
 *
 * The bad files are written here byte by byte (protobuf: a tag, then a number or counted bytes),
 * so that they do not depend on the library's own writer. */
#include "base/internal.h"
#include "check.h"
#include "network/engine.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- protobuf by hand ------------------------------------------------------------------------ */

#define ROOM 4096

typedef struct sf_bytes {
    uint8_t data[ROOM];
    size_t size;
} sf_bytes;

static void put_varint(sf_bytes *to, uint64_t value)
{
    for (; value > 127; value >>= 7) to->data[to->size++] = (uint8_t)(value | 128);
    to->data[to->size++] = (uint8_t)value;
}

static void put_number(sf_bytes *to, unsigned field, int64_t value)
{
    put_varint(to, field << 3);
    put_varint(to, (uint64_t)value);
}

static void put_bytes(sf_bytes *to, unsigned field, const void *data, size_t size)
{
    assert_true(to->size + size + 20 < ROOM);
    put_varint(to, field << 3 | 2);
    put_varint(to, size);
    if (size > 0) memcpy(to->data + to->size, data, size);
    to->size += size;
}

static void put_text(sf_bytes *to, unsigned field, const char *text)
{
    put_bytes(to, field, text, strlen(text));
}

static void put_message(sf_bytes *to, unsigned field, const sf_bytes *message)
{
    put_bytes(to, field, message->data, message->size);
}

/* ---- the parts of a model -------------------------------------------------------------------- */

/* Field numbers of onnx.proto. */
enum {
    MODEL_IR = 1,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_METADATA = 14,
    GRAPH_NODE = 1,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OP = 4,
    NODE_ATTRIBUTE = 5,
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_LOCATION = 14,
};

typedef struct sf_parts {
    sf_bytes graph;
    long opset;
} sf_parts;

/* A float tensor "name" with free dimensions but the second. */
static void put_port(sf_bytes *graph, unsigned field, const char *name, int rank, int64_t channels)
{
    sf_bytes dim = {0}, shape = {0}, tensor = {0}, type = {0}, info = {0};

    put_number(&dim, 1, channels);
    for (int i = 0; i < rank; i++) put_bytes(&shape, 1, dim.data, i == 1 ? dim.size : 0);
    put_number(&tensor, 1, 1);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&info, 1, name);
    put_message(&info, 2, &type);
    put_message(graph, field, &info);
}

static void put_ints(sf_bytes *node, const char *name, size_t count, const int64_t *values)
{
    sf_bytes attribute = {0};

    put_text(&attribute, 1, name);
    for (size_t i = 0; i < count; i++) put_number(&attribute, 8, values[i]);
    put_number(&attribute, 20, 7);
    put_message(node, NODE_ATTRIBUTE, &attribute);
}

static void put_int(sf_bytes *node, const char *name, int64_t value)
{
    sf_bytes attribute = {0};

    put_text(&attribute, 1, name);
    put_number(&attribute, 3, value);
    put_number(&attribute, 20, 2);
    put_message(node, NODE_ATTRIBUTE, &attribute);
}

/* inputs: separated by blanks */
static sf_bytes node(const char *op, const char *name, const char *inputs, const char *output)
{
    sf_bytes made = {0};

    while (*inputs != '\0') {
        const size_t length = strcspn(inputs, " ");

        put_bytes(&made, NODE_INPUT, inputs, length);
        inputs += length + (inputs[length] == ' ');
    }
    put_text(&made, NODE_OUTPUT, output);
    put_text(&made, NODE_NAME, name);
    put_text(&made, NODE_OP, op);
    return made;
}

static void add_node(sf_parts *parts, const char *op, const char *name, const char *inputs,
                     const char *output)
{
    const sf_bytes made = node(op, name, inputs, output);

    put_message(&parts->graph, GRAPH_NODE, &made);
}

/* `count` values, all of them `value`, whatever the dimensions say. */
static void add_weight(sf_parts *parts, const char *name, int rank, const int64_t *dims,
                       size_t count, float value)
{
    sf_bytes tensor = {0};
    float values[128];

    assert_true(count <= 128);
    for (size_t i = 0; i < count; i++) values[i] = value;
    for (int i = 0; i < rank; i++) put_number(&tensor, TENSOR_DIMS, dims[i]);
    put_number(&tensor, TENSOR_TYPE, 1);
    put_text(&tensor, TENSOR_NAME, name);
    put_bytes(&tensor, TENSOR_RAW, values, count * sizeof *values);
    put_message(&parts->graph, GRAPH_INITIALIZER, &tensor);
}

/* "conv" from x to y with a weight of 3x3 and one attribute. */
static void add_conv(sf_parts *parts, const char *attribute, size_t count, const int64_t *values)
{
    sf_bytes made = node("Conv", "conv", "x w", "y");
    static const int64_t dims[4] = {1, 1, 3, 3};

    if (count > 0) put_ints(&made, attribute, count, values);
    put_message(&parts->graph, GRAPH_NODE, &made);
    add_weight(parts, "w", 4, dims, 9, 0.1F);
}

static sf_parts begin(void)
{
    sf_parts parts = {.opset = 13};

    put_port(&parts.graph, GRAPH_INPUT, "x", 4, 1);
    put_port(&parts.graph, GRAPH_OUTPUT, "y", 4, 1);
    return parts;
}

static sf_bytes finish(const sf_parts *parts)
{
    sf_bytes model = {0}, opset = {0};

    put_number(&opset, 2, parts->opset);
    put_number(&model, MODEL_IR, 8);
    put_message(&model, MODEL_GRAPH, &parts->graph);
    put_message(&model, MODEL_OPSET, &opset);
    return model;
}

/* ---- what is refused, and in which words ----------------------------------------------------- */

static void good(sf_parts *p) { add_conv(p, "pads", 4, (const int64_t[]){1, 1, 1, 1}); }

static void cyclic(sf_parts *p)
{
    add_node(p, "Add", "first", "x b", "a");
    add_node(p, "Relu", "second", "a", "b");
    add_node(p, "Relu", "third", "b", "y");
}

static void self_fed(sf_parts *p) { add_node(p, "Add", "loop", "x y", "y"); }

static void two_producers(sf_parts *p)
{
    add_node(p, "Relu", "first", "x", "y");
    add_node(p, "Elu", "second", "x", "y");
}

static void overwrites_input(sf_parts *p)
{
    add_node(p, "Relu", "first", "x", "x");
    add_node(p, "Relu", "second", "x", "y");
}

static void missing_value(sf_parts *p) { add_node(p, "Add", "sum", "x nowhere", "y"); }
static void missing_output(sf_parts *p) { add_node(p, "Relu", "first", "x", "z"); }
static void no_nodes(sf_parts *p) { (void)p; }
static void unknown(sf_parts *p) { add_node(p, "Hardmax", "odd", "x", "y"); }
static void too_few_inputs(sf_parts *p) { add_node(p, "Sub", "less", "x", "y"); }
static void too_many_inputs(sf_parts *p) { add_node(p, "Relu", "more", "x x", "y"); }

static void other_domain(sf_parts *p)
{
    sf_bytes made = node("Relu", "foreign", "x", "y");

    put_text(&made, 7, "com.example");
    put_message(&p->graph, GRAPH_NODE, &made);
}

static void no_result(sf_parts *p)
{
    sf_bytes made = {0};

    put_text(&made, NODE_NAME, "mute");
    put_text(&made, NODE_OP, "Relu");
    put_text(&made, NODE_INPUT, "x");
    put_message(&p->graph, GRAPH_NODE, &made);
}

static void two_outputs(sf_parts *p)
{
    good(p);
    put_port(&p->graph, GRAPH_OUTPUT, "x", 4, 1);
}

static void three_inputs(sf_parts *p)
{
    good(p);
    put_port(&p->graph, GRAPH_INPUT, "s", 4, 1);
    put_port(&p->graph, GRAPH_INPUT, "t", 4, 1);
}

static void flat_input(sf_parts *p)
{
    memset(&p->graph, 0, sizeof p->graph);
    put_port(&p->graph, GRAPH_INPUT, "x", 2, 1);
    put_port(&p->graph, GRAPH_OUTPUT, "y", 2, 1);
    add_node(p, "Relu", "first", "x", "y");
}

static void negative_input(sf_parts *p)
{
    memset(&p->graph, 0, sizeof p->graph);
    put_port(&p->graph, GRAPH_INPUT, "x", 4, -3);
    put_port(&p->graph, GRAPH_OUTPUT, "y", 4, 1);
    add_node(p, "Relu", "first", "x", "y");
}

static void old_opset(sf_parts *p) { good(p), p->opset = 6; }
static void new_opset(sf_parts *p) { good(p), p->opset = 99; }

static void with_weight(sf_parts *p, int rank, const int64_t *dims, size_t count, float value)
{
    add_node(p, "Conv", "conv", "x w", "y");
    add_weight(p, "w", rank, dims, count, value);
}

static void negative_dim(sf_parts *p) { with_weight(p, 4, (const int64_t[]){1, -1, 3, 3}, 9, 1); }

static void huge_dims(sf_parts *p)
{
    with_weight(p, 4, (const int64_t[]){1 << 20, 1 << 20, 1 << 20, 1 << 20}, 9, 1);
}

static void large_dim(sf_parts *p) { with_weight(p, 4, (const int64_t[]){1 << 30, 1, 3, 3}, 9, 1); }

static void short_data(sf_parts *p) { with_weight(p, 4, (const int64_t[]){1, 1, 3, 3}, 8, 1); }
static void long_data(sf_parts *p) { with_weight(p, 4, (const int64_t[]){1, 1, 3, 3}, 10, 1); }
static void empty_weight(sf_parts *p) { with_weight(p, 4, (const int64_t[]){1, 1, 0, 3}, 0, 1); }
static void flat_weight(sf_parts *p) { with_weight(p, 2, (const int64_t[]){3, 3}, 9, 1); }

static void high_rank(sf_parts *p)
{
    with_weight(p, 7, (const int64_t[]){1, 1, 1, 1, 1, 3, 3}, 9, 1);
}

static void not_a_number(sf_parts *p)
{
    with_weight(p, 4, (const int64_t[]){1, 1, 3, 3}, 9, (float)NAN);
}

static void infinite(sf_parts *p)
{
    with_weight(p, 4, (const int64_t[]){1, 1, 3, 3}, 9, (float)INFINITY);
}

static void external(sf_parts *p)
{
    sf_bytes tensor = {0};

    add_node(p, "Conv", "conv", "x w", "y");
    for (int i = 0; i < 4; i++) put_number(&tensor, TENSOR_DIMS, 1);
    put_number(&tensor, TENSOR_TYPE, 1);
    put_text(&tensor, TENSOR_NAME, "w");
    put_number(&tensor, TENSOR_LOCATION, 1);
    put_message(&p->graph, GRAPH_INITIALIZER, &tensor);
}

static void text_weight(sf_parts *p)
{
    sf_bytes tensor = {0};

    add_node(p, "Add", "sum", "x w", "y");
    put_number(&tensor, TENSOR_TYPE, 8);
    put_text(&tensor, TENSOR_NAME, "w");
    put_message(&p->graph, GRAPH_INITIALIZER, &tensor);
}

static void computed_weight(sf_parts *p) { add_node(p, "Conv", "conv", "x x", "y"); }
static void stride_zero(sf_parts *p) { add_conv(p, "strides", 2, (const int64_t[]){0, 1}); }
static void dilation_zero(sf_parts *p) { add_conv(p, "dilations", 2, (const int64_t[]){1, 0}); }
static void kernel_zero(sf_parts *p) { add_conv(p, "kernel_shape", 2, (const int64_t[]){0, 3}); }
static void kernel_other(sf_parts *p) { add_conv(p, "kernel_shape", 2, (const int64_t[]){5, 3}); }
static void pads_negative(sf_parts *p) { add_conv(p, "pads", 4, (const int64_t[]){-1, 0, 0, 0}); }
static void strides_three(sf_parts *p) { add_conv(p, "strides", 3, (const int64_t[]){1, 1, 1}); }

static void pads_huge(sf_parts *p)
{
    add_conv(p, "pads", 4, (const int64_t[]){1LL << 40, 0, 0, 0});
}

static void pads_large(sf_parts *p)
{
    add_conv(p, "pads", 4, (const int64_t[]){1LL << 30, 1LL << 30, 1LL << 30, 1LL << 30});
}

static void window_large(sf_parts *p)
{
    add_conv(p, "dilations", 2, (const int64_t[]){1 << 30, 1 << 30});
}

static void with_int(sf_parts *p, const char *op, const char *attribute, int64_t value)
{
    sf_bytes made = node(op, "it", strcmp(op, "Conv") == 0 ? "x w" : "x", "y");
    static const int64_t dims[4] = {3, 1, 3, 3};

    put_int(&made, attribute, value);
    put_message(&p->graph, GRAPH_NODE, &made);
    add_weight(p, "w", 4, dims, 27, 0.1F);
}

static void groups_odd(sf_parts *p) { with_int(p, "Conv", "group", 2); }
static void groups_zero(sf_parts *p) { with_int(p, "Conv", "group", 0); }
static void axis_bad(sf_parts *p) { with_int(p, "Concat", "axis", 4); }
static void axis_low(sf_parts *p) { with_int(p, "Concat", "axis", -5); }
static void block_zero(sf_parts *p) { with_int(p, "SpaceToDepth", "blocksize", 0); }
static void block_huge(sf_parts *p) { with_int(p, "SpaceToDepth", "blocksize", 1LL << 40); }
static void block_odd(sf_parts *p) { with_int(p, "DepthToSpace", "blocksize", 2); }

static void size_changes(sf_parts *p) { add_conv(p, "", 0, NULL); }

static void constant_output(sf_parts *p)
{
    add_node(p, "Relu", "first", "x", "z");
    add_node(p, "Relu", "idle", "w", "y");
    add_weight(p, "w", 1, (const int64_t[]){1}, 1, 1);
}

static void constant_window(sf_parts *p)
{
    add_node(p, "Conv", "idle", "w w", "z");
    add_node(p, "Add", "sum", "x z", "y");
    add_weight(p, "w", 4, (const int64_t[]){1, 1, 1, 1}, 1, 1);
}

/* 2^26 numbers from ten: refused, not tried. */
static void constant_bomb(sf_parts *p)
{
    add_node(p, "Add", "sum", "x d39", "y");
    add_weight(p, "a", 4, (const int64_t[]){1, 1, 1, 1}, 1, 1);
    for (int i = 0; i < 40; i++) {
        char in[32], out[32];
        sf_bytes made;

        (void)snprintf(in, sizeof in, i == 0 ? "a a" : "d%d d%d", i - 1, i - 1);
        (void)snprintf(out, sizeof out, "d%d", i);
        made = node("Concat", out, in, out);
        put_int(&made, "axis", 1);
        put_message(&p->graph, GRAPH_NODE, &made);
    }
}

static void resize_without(sf_parts *p) { add_node(p, "Resize", "big", "x", "y"); }
/* Nearest, as opset 10 has it. */
static void add_resize(sf_parts *p, float rows, float columns)
{
    const float scales[4] = {1, 1, rows, columns};
    sf_bytes tensor = {0};

    p->opset = 10;
    add_node(p, "Resize", "warp", "x scales", "y");
    put_number(&tensor, TENSOR_DIMS, 4);
    put_number(&tensor, TENSOR_TYPE, 1);
    put_text(&tensor, TENSOR_NAME, "scales");
    put_bytes(&tensor, TENSOR_RAW, scales, sizeof scales);
    put_message(&p->graph, GRAPH_INITIALIZER, &tensor);
}

static void resize_both_ways(sf_parts *p) { add_resize(p, 0.5F, 2); }

static void pad_without(sf_parts *p) { add_node(p, "Pad", "frame", "x", "y"); }
static void pool_without(sf_parts *p) { add_node(p, "AveragePool", "pool", "x", "y"); }

static void pad_computed(sf_parts *p) { add_node(p, "Pad", "frame", "x x", "y"); }

static void norm_lengths(sf_parts *p)
{
    add_node(p, "BatchNormalization", "norm", "x a a a b", "y");
    add_weight(p, "a", 1, (const int64_t[]){1}, 1, 1);
    add_weight(p, "b", 1, (const int64_t[]){2}, 2, 1);
}

static void norm_negative(sf_parts *p)
{
    add_node(p, "BatchNormalization", "norm", "x a a a b", "y");
    add_weight(p, "a", 1, (const int64_t[]){1}, 1, 1);
    add_weight(p, "b", 1, (const int64_t[]){1}, 1, -1);
}

/* Integers, as arguments are. */
static void add_ints(sf_parts *parts, const char *name, size_t count, const int64_t *values)
{
    sf_bytes tensor = {0};

    put_number(&tensor, TENSOR_DIMS, (int64_t)count);
    put_number(&tensor, TENSOR_TYPE, 7);
    put_text(&tensor, TENSOR_NAME, name);
    put_bytes(&tensor, TENSOR_RAW, values, count * sizeof *values);
    put_message(&parts->graph, GRAPH_INITIALIZER, &tensor);
}

/* "it" from x and one list of integers. */
static void with_ints(sf_parts *p, const char *op, size_t count, const int64_t *values)
{
    add_node(p, op, "it", "x a", "y");
    add_ints(p, "a", count, values);
}

#define INTS(...) \
    sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (const int64_t[]) { __VA_ARGS__ }

static void reshape_misfit(sf_parts *p) { with_ints(p, "Reshape", INTS(3, 1, 7, 5)); }
static void reshape_twice(sf_parts *p) { with_ints(p, "Reshape", INTS(-1, -1, 1, 1)); }
static void reshape_low(sf_parts *p) { with_ints(p, "Reshape", INTS(1, 1, INT64_MIN, 1)); }
static void reshape_huge(sf_parts *p)
{
    with_ints(p, "Reshape", INTS(1LL << 60, 1LL << 60, 16, 1));
}
static void reshape_long(sf_parts *p) { with_ints(p, "Reshape", INTS(1, 1, 1, 1, 1, 1, -1)); }
static void reshape_computed(sf_parts *p) { add_node(p, "Reshape", "it", "x x", "y"); }
static void expand_huge(sf_parts *p) { with_ints(p, "Expand", INTS(INT64_MAX, INT64_MAX, 1, 1)); }
static void expand_low(sf_parts *p) { with_ints(p, "Expand", INTS(-1, 1, 1, 1)); }
static void squeeze_wide(sf_parts *p) { with_ints(p, "Squeeze", INTS(2)); }
static void squeeze_twice(sf_parts *p) { with_ints(p, "Squeeze", INTS(1, -3)); }
static void unsqueeze_far(sf_parts *p) { with_ints(p, "Unsqueeze", INTS(9)); }
static void unsqueeze_many(sf_parts *p) { with_ints(p, "Unsqueeze", INTS(0, 1, 2)); }
static void gather_far(sf_parts *p) { with_ints(p, "Gather", INTS(INT64_MIN)); }
static void split_short(sf_parts *p) { with_ints(p, "Split", INTS(INT64_MAX, INT64_MIN)); }

static void slice_still(sf_parts *p)
{
    add_node(p, "Slice", "it", "x a b c a", "y");
    add_ints(p, "a", INTS(0));
    add_ints(p, "b", INTS(INT64_MAX));
    add_ints(p, "c", INTS(2));
}

static void slice_empty(sf_parts *p)
{
    add_node(p, "Slice", "it", "x a b c", "y");
    add_ints(p, "a", INTS(INT64_MAX));
    add_ints(p, "b", INTS(INT64_MIN));
    add_ints(p, "c", INTS(2));
}

static void transpose_twice(sf_parts *p)
{
    sf_bytes made = node("Transpose", "it", "x", "y");

    put_ints(&made, "perm", INTS(0, 1, 1, 3));
    put_message(&p->graph, GRAPH_NODE, &made);
}

/* A shape that its own reshape makes. */
static void shape_cycle(sf_parts *p)
{
    add_node(p, "Shape", "size", "y", "s");
    add_node(p, "Reshape", "it", "x s", "y");
}

/* 2^60 numbers of a constant, and of a range. */
static void shape_bomb(sf_parts *p)
{
    add_node(p, "ConstantOfShape", "bomb", "a", "z");
    add_node(p, "Add", "sum", "x z", "y");
    add_ints(p, "a", INTS(1LL << 30, 1LL << 30));
}

static void range_bomb(sf_parts *p)
{
    add_node(p, "Squeeze", "s", "a", "i");
    add_node(p, "Squeeze", "t", "b", "k");
    add_node(p, "Range", "bomb", "i k i", "z");
    add_node(p, "Add", "sum", "x z", "y");
    add_ints(p, "a", INTS(1));
    add_ints(p, "b", INTS(1LL << 50));
}

static void divided_by_zero(sf_parts *p)
{
    add_node(p, "Shape", "size", "x", "s");
    add_node(p, "Div", "none", "s a", "t");
    add_node(p, "Reshape", "it", "x t", "y");
    add_ints(p, "a", INTS(0));
}

static void matrices_misfit(sf_parts *p)
{
    add_node(p, "MatMul", "it", "x w", "y");
    add_weight(p, "w", 2, (const int64_t[]){7, 3}, 21, 1);
}

static void equation_odd(sf_parts *p)
{
    sf_bytes made = node("Einsum", "it", "x x", "y");
    sf_bytes attribute = {0};

    put_text(&attribute, 1, "equation");
    put_text(&attribute, 4, "...ij,jk->...ik");
    put_message(&made, 5, &attribute);
    put_message(&p->graph, GRAPH_NODE, &made);
}

typedef struct sf_bad {
    const char *what;
    void (*build)(sf_parts *parts);
    sf_status status;
    const char *words[2]; /* that the sentence has, besides the file's name */
} sf_bad;

static const sf_bad bad[] = {
    {"cycle", cyclic, SF_ERR_FORMAT, {"'second' (Relu)", "cyclic"}},
    {"node that reads its output", self_fed, SF_ERR_FORMAT, {"'loop' (Add)", "cyclic"}},
    {"two producers", two_producers, SF_ERR_FORMAT, {"'y'", "twice"}},
    {"producer of the input", overwrites_input, SF_ERR_FORMAT, {"'x'", "twice"}},
    {"missing value", missing_value, SF_ERR_FORMAT, {"'sum' (Add)", "'nowhere'"}},
    {"missing output", missing_output, SF_ERR_FORMAT, {"'y'", "nothing"}},
    {"no node", no_nodes, SF_ERR_FORMAT, {"no network", ""}},
    {"unknown operator", unknown, SF_ERR_UNSUPPORTED, {"'odd' (Hardmax)", "AveragePool, "}},
    {"other domain", other_domain, SF_ERR_UNSUPPORTED, {"'foreign' (Relu)", "not supported"}},
    {"too few inputs", too_few_inputs, SF_ERR_FORMAT, {"'less' (Sub)", "1 input"}},
    {"too many inputs", too_many_inputs, SF_ERR_FORMAT, {"'more' (Relu)", "2 inputs"}},
    {"node without output", no_result, SF_ERR_FORMAT, {"'mute' (Relu)", "no output"}},
    {"two outputs", two_outputs, SF_ERR_UNSUPPORTED, {"2 outputs", "one"}},
    {"three inputs", three_inputs, SF_ERR_UNSUPPORTED, {"two inputs", ""}},
    {"input of rank 2", flat_input, SF_ERR_UNSUPPORTED, {"'x'", "rank 2"}},
    {"input of -3 channels", negative_input, SF_ERR_FORMAT, {"'x'", "-3"}},
    {"opset 6", old_opset, SF_ERR_UNSUPPORTED, {"opset 6", "7 to 21"}},
    {"opset 99", new_opset, SF_ERR_UNSUPPORTED, {"opset 99", "7 to 21"}},
    {"negative dimension", negative_dim, SF_ERR_FORMAT, {"'w'", "-1"}},
    {"dimensions beyond a size", huge_dims, SF_ERR_FORMAT, {"'w'", "1048576"}},
    {"dimension beyond the data", large_dim, SF_ERR_FORMAT, {"'w'", "36 bytes"}},
    {"data too short", short_data, SF_ERR_FORMAT, {"'w'", "32 bytes"}},
    {"data too long", long_data, SF_ERR_FORMAT, {"'w'", "40 bytes"}},
    {"empty weight", empty_weight, SF_ERR_SHAPE, {"'conv' (Conv)", "kernel 0x3"}},
    {"weight of rank 2", flat_weight, SF_ERR_UNSUPPORTED, {"'conv' (Conv)", "rank 2"}},
    {"weight of rank 7", high_rank, SF_ERR_FORMAT, {"'w'", "7 dimensions"}},
    {"weight NaN", not_a_number, SF_ERR_NUMERIC, {"'w'", "nan"}},
    {"weight infinite", infinite, SF_ERR_NUMERIC, {"'w'", "inf"}},
    {"external data", external, SF_ERR_UNSUPPORTED, {"'w'", "another file"}},
    {"text for a weight", text_weight, SF_ERR_UNSUPPORTED, {"'w'", "type 8"}},
    {"computed weight", computed_weight, SF_ERR_UNSUPPORTED, {"'conv' (Conv)", "not a constant"}},
    {"stride 0", stride_zero, SF_ERR_FORMAT, {"'conv' (Conv)", "'strides' is 0"}},
    {"dilation 0", dilation_zero, SF_ERR_FORMAT, {"'conv' (Conv)", "'dilations' is 0"}},
    {"kernel 0", kernel_zero, SF_ERR_FORMAT, {"'conv' (Conv)", "'kernel_shape' is 0"}},
    {"kernel of another size", kernel_other, SF_ERR_SHAPE, {"'conv' (Conv)", "5x3"}},
    {"negative pads", pads_negative, SF_ERR_FORMAT, {"'conv' (Conv)", "'pads' is -1"}},
    {"three strides", strides_three, SF_ERR_UNSUPPORTED, {"'conv' (Conv)", "3 values"}},
    {"huge pads", pads_huge, SF_ERR_FORMAT, {"'conv' (Conv)", "1099511627776"}},
    {"large pads", pads_large, SF_ERR_SHAPE, {"'conv' (Conv)", "cells"}},
    {"large window", window_large, SF_ERR_SHAPE, {"'conv' (Conv)", "out of range"}},
    {"groups that do not divide", groups_odd, SF_ERR_SHAPE, {"'it' (Conv)", "2 groups"}},
    {"no groups", groups_zero, SF_ERR_FORMAT, {"'it' (Conv)", "'group' is 0"}},
    {"axis 4", axis_bad, SF_ERR_FORMAT, {"'it' (Concat)", "axis 4"}},
    {"axis -5", axis_low, SF_ERR_FORMAT, {"'it' (Concat)", "axis -5"}},
    {"block 0", block_zero, SF_ERR_FORMAT, {"'it' (SpaceToDepth)", "'blocksize' is 0"}},
    {"huge block", block_huge, SF_ERR_FORMAT, {"'it' (SpaceToDepth)", "1099511627776"}},
    {"block that does not divide", block_odd, SF_ERR_SHAPE, {"'it' (DepthToSpace)", "channels"}},
    {"image that shrinks", size_changes, SF_ERR_SHAPE, {"512x512", "510,510"}},
    {"output without the image", constant_output, SF_ERR_FORMAT, {"'y'", "constant"}},
    {"window on constants", constant_window, SF_ERR_UNSUPPORTED, {"'idle' (Conv)", "constants"}},
    {"too much of constants", constant_bomb, SF_ERR_SHAPE, {"(Concat)", "constants"}},
    {"Resize without a size", resize_without, SF_ERR_FORMAT, {"'big' (Resize)", "sizes"}},
    {"Resize of opset 10 both ways",
     resize_both_ways,
     SF_ERR_UNSUPPORTED,
     {"'warp' (Resize)", "0.5x2"}},
    {"Pad without pads", pad_without, SF_ERR_FORMAT, {"'frame' (Pad)", "pads"}},
    {"computed pads", pad_computed, SF_ERR_UNSUPPORTED, {"'frame' (Pad)", "not a constant"}},
    {"shape of another size", reshape_misfit, SF_ERR_SHAPE, {"'it' (Reshape)", "262144 numbers"}},
    {"shape open twice", reshape_twice, SF_ERR_FORMAT, {"'it' (Reshape)", "length -1"}},
    {"negative length", reshape_low, SF_ERR_FORMAT, {"'it' (Reshape)", "length -9007199254740992"}},
    {"huge shape", reshape_huge, SF_ERR_SHAPE, {"'it' (Reshape)", "262144 numbers"}},
    {"shape of rank 7", reshape_long, SF_ERR_UNSUPPORTED, {"'it' (Reshape)", "7 dimensions"}},
    {"computed shape", reshape_computed, SF_ERR_UNSUPPORTED, {"'it' (Reshape)", "not a constant"}},
    {"huge expansion", expand_huge, SF_ERR_SHAPE, {"'it' (Expand)", "9007199254740992"}},
    {"negative expansion", expand_low, SF_ERR_FORMAT, {"'it' (Expand)", "length -1"}},
    {"squeezed rows", squeeze_wide, SF_ERR_SHAPE, {"'it' (Squeeze)", "axis 2"}},
    {"axis twice", squeeze_twice, SF_ERR_FORMAT, {"'it' (Squeeze)", "axis 1 is there twice"}},
    {"axis 9", unsqueeze_far, SF_ERR_FORMAT, {"'it' (Unsqueeze)", "axis 9"}},
    {"too many axes", unsqueeze_many, SF_ERR_UNSUPPORTED, {"'it' (Unsqueeze)", "6 dimensions"}},
    {"index beyond", gather_far, SF_ERR_FORMAT, {"'it' (Gather)", "-9007199254740992"}},
    {"parts beyond", split_short, SF_ERR_SHAPE, {"'it' (Split)", "2 parts for 1 outputs"}},
    {"step 0", slice_still, SF_ERR_FORMAT, {"'it' (Slice)", "step 0"}},
    {"empty slice", slice_empty, SF_ERR_SHAPE, {"'it' (Slice)", "0 cells"}},
    {"axes that do not permute",
     transpose_twice,
     SF_ERR_FORMAT,
     {"'it' (Transpose)", "axis 1 twice"}},
    {"shape of itself", shape_cycle, SF_ERR_FORMAT, {"(Reshape)", "cyclic"}},
    {"huge constant", shape_bomb, SF_ERR_SHAPE, {"'bomb' (Expand)", "larger than memory"}},
    {"endless range", range_bomb, SF_ERR_SHAPE, {"'bomb' (Range)", "constants"}},
    {"divided by zero", divided_by_zero, SF_ERR_NUMERIC, {"'none' (Div)", "inf"}},
    {"matrices that do not fit", matrices_misfit, SF_ERR_SHAPE, {"'it' (MatMul)", "[7,3]"}},
    {"equation", equation_odd, SF_ERR_UNSUPPORTED, {"'it' (Einsum)", "ij,jk->ik"}},
    {"pool without a window", pool_without, SF_ERR_FORMAT, {"'pool' (AveragePool)", "missing"}},
    {"norm of two lengths", norm_lengths, SF_ERR_UNSUPPORTED, {"'norm'", "one length"}},
    {"norm of variance -1", norm_negative, SF_ERR_NUMERIC, {"'norm'", "-0.99999"}},
};

/* One sentence: no line break, the file's name first and once. */
static bool is_sentence(const char *text, const char *file)
{
    const char *first = strstr(text, file);

    return first == text && strstr(text + 1, file) == NULL && strchr(text, '\n') == NULL;
}

static void test_bad_files(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sf_parts parts = begin();
        sf_bytes bytes;
        sf_model *model = (sf_model *)&parts;
        sf_status status;
        bool right;

        bad[i].build(&parts);
        bytes = finish(&parts);
        status = sf_model_load_memory(bytes.data, bytes.size, "bad.onnx", &model);
        right = status == bad[i].status && model == NULL;
        for (int k = 0; right && k < 2; k++)
            right = strstr(sf_last_error(), bad[i].words[k]) != NULL;
        if (right && is_sentence(sf_last_error(), "bad.onnx")) continue;
        print_error("%s: %s, %s\n", bad[i].what, sf_status_name(status),
                    status == SF_OK ? "" : sf_last_error());
        sf_model_release(&model);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* Every beginning of a file is refused, down to nothing. */
static void test_truncated(void **state)
{
    sf_parts parts = begin();
    sf_bytes bytes;
    sf_model *model;

    (void)state;
    good(&parts);
    bytes = finish(&parts);
    assert_ok(sf_model_load_memory(bytes.data, bytes.size, "good.onnx", &model));
    sf_model_release(&model);
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *exact; /* so that a sanitizer sees a read beyond the end */
        sf_status status;

        assert_ok(sf_allocate(&exact, size, 1));
        if (size > 0) memcpy(exact, bytes.data, size);
        status = sf_model_load_memory(exact, size, "cut.onnx", &model);
        sf_free(exact);
        assert_true(status == SF_ERR_FORMAT || status == SF_ERR_UNSUPPORTED);
        assert_null(model);
        assert_true(is_sentence(sf_last_error(), "cut.onnx"));
    }
}

static void expect_refused(const char *path, sf_status status, const char *words)
{
    sf_model *model = (sf_model *)&model;

    assert_int_equal(sf_model_load(path, &model), status);
    assert_null(model);
    assert_true(is_sentence(sf_last_error(), path));
    if (strstr(sf_last_error(), words) == NULL) fail_msg("%s", sf_last_error());
}

static void test_bad_paths(void **state)
{
    char folder[] = "/tmp/sf-onnx-XXXXXX", path[64];
    char card[2880];
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(folder));
    expect_refused(folder, SF_ERR_IO, "no plain file");
    (void)snprintf(path, sizeof path, "%s/file.onnx", folder);
    expect_refused(path, SF_ERR_IO, "No such file");
    file = fopen(path, "wb");
    assert_non_null(file);
    (void)fclose(file);
    expect_refused(path, SF_ERR_FORMAT, "empty");
    memset(card, ' ', sizeof card);
    memcpy(card, "SIMPLE  =                    T", 30);
    file = fopen(path, "wb");
    assert_int_equal(fwrite(card, 1, sizeof card, file), sizeof card);
    (void)fclose(file);
    expect_refused(path, SF_ERR_FORMAT, "no ONNX file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* 2^42 values between two layers: compiling is refused, not tried. */
/* ---- weights in other files ------------------------------------------------------------------ */

typedef struct sf_outside {
    const char *what, *location, *offset, *length;
    sf_status status;
    const char *words;
} sf_outside;

/* weights.bin has 4 + 36 bytes, below/deep.bin too; link.bin and way/ lead out of the folder. */
static const sf_outside outside[] = {
    {"beside", "weights.bin", "4", "36", SF_OK, ""},
    {"below, no length", "./below/deep.bin", "4", NULL, SF_OK, ""},
    {"no name", "", "4", "36", SF_ERR_FORMAT, "not named"},
    {"absolute", "/etc/passwd", "0", "36", SF_ERR_FORMAT, "own folder"},
    {"upwards", "../weights.bin", "4", "36", SF_ERR_FORMAT, "own folder"},
    {"down and upwards", "below/../../weights.bin", "4", "36", SF_ERR_FORMAT, "own folder"},
    {"the folder", "below", "0", "36", SF_ERR_IO, "no plain file"},
    {"link", "link.bin", "4", "36", SF_ERR_IO, "symbolic link"},
    {"through a link", "way/passwd", "0", "36", SF_ERR_IO, "symbolic link"},
    {"missing", "nothing.bin", "4", "36", SF_ERR_IO, "No such file"},
    {"beyond the end", "weights.bin", "5", "36", SF_ERR_FORMAT, "too short"},
    {"beyond any end", "weights.bin", "18446744073709551615", "36", SF_ERR_FORMAT, "no number"},
    {"negative", "weights.bin", "-4", "36", SF_ERR_FORMAT, "no number"},
    {"another length", "weights.bin", "0", "40", SF_ERR_FORMAT, "another length"},
};

static void put_entry(sf_bytes *tensor, const char *key, const char *value)
{
    sf_bytes entry = {0};

    if (value == NULL) return;
    put_text(&entry, 1, key);
    put_text(&entry, 2, value);
    put_message(tensor, 13, &entry);
}

static void write_bytes(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_outside(const char *folder, const sf_outside *o)
{
    static const int64_t dims[4] = {1, 1, 3, 3};
    sf_bytes made = node("Conv", "conv", "x w", "y"), tensor = {0}, bytes;
    sf_parts parts = begin();

    put_ints(&made, "pads", 4, (const int64_t[]){1, 1, 1, 1});
    put_message(&parts.graph, GRAPH_NODE, &made);
    for (int i = 0; i < 4; i++) put_number(&tensor, TENSOR_DIMS, dims[i]);
    put_number(&tensor, TENSOR_TYPE, 1);
    put_text(&tensor, TENSOR_NAME, "w");
    put_entry(&tensor, "location", o->location);
    put_entry(&tensor, "offset", o->offset);
    put_entry(&tensor, "length", o->length);
    put_number(&tensor, TENSOR_LOCATION, 1);
    put_message(&parts.graph, GRAPH_INITIALIZER, &tensor);
    bytes = finish(&parts);
    write_bytes(folder, "model.onnx", bytes.data, bytes.size);
}

static void check_outside(const char *folder, const sf_outside *o)
{
    char path[192];
    sf_model *model;
    sf_status status;

    write_outside(folder, o);
    (void)snprintf(path, sizeof path, "%s/model.onnx", folder);
    status = sf_model_load(path, &model);
    if (status != o->status || (status != SF_OK && strstr(sf_last_error(), o->words) == NULL))
        fail_msg("%s: %s: %s", o->what, sf_status_name(status), sf_last_error());
    if (status != SF_OK) return;
    assert_int_equal(sf_model_parameter_count(model), 9);
    assert_true(sf_model_graph(model)->value[sf_model_graph(model)->node[0].input[1]].constant[8] ==
                9.0F);
    sf_model_release(&model);
}

static void test_outside(void **state)
{
    static const char *const made[] = {"model.onnx",     "weights.bin", "link.bin", "way",
                                       "below/deep.bin", "below",       ""};
    char folder[] = "/tmp/sf-onnx-XXXXXX", path[192];
    float values[10];

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 10; i++) values[i] = (float)i;
    write_bytes(folder, "weights.bin", values, sizeof values);
    (void)snprintf(path, sizeof path, "%s/below", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    write_bytes(path, "deep.bin", values, sizeof values);
    (void)snprintf(path, sizeof path, "%s/link.bin", folder);
    assert_int_equal(symlink("weights.bin", path), 0);
    (void)snprintf(path, sizeof path, "%s/way", folder);
    assert_int_equal(symlink("/etc", path), 0);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        check_outside(folder, &outside[i]);
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, made[i]);
        assert_int_equal(remove(path), 0);
    }
}

static void test_huge_inside(void **state)
{
    const int64_t far = 1 << 20, pads[2][8] = {{0, 0, far, far, 0, 0, far, far},
                                               {0, 0, -far, -far, 0, 0, -far, -far}};
    sf_parts parts = begin();
    sf_inference *inference;
    sf_bytes bytes;
    sf_model *model;

    (void)state;
    for (int i = 0; i < 2; i++) {
        sf_bytes pad = node("Pad", i == 0 ? "grow" : "cut", i == 0 ? "x" : "z", i == 0 ? "z" : "y");

        put_ints(&pad, "pads", 8, pads[i]);
        put_message(&parts.graph, GRAPH_NODE, &pad);
    }
    parts.opset = 9;
    bytes = finish(&parts);
    assert_ok(sf_model_load_memory(bytes.data, bytes.size, "huge", &model));
    assert_status(SF_ERR_MEMORY, sf_inference_create(model, 8, 8, &inference));
    assert_null(inference);
    sf_model_release(&model);
}

/* ---- what an old opset means ----------------------------------------------------------------- */

typedef struct sf_resized {
    float scale[2];
    size_t dim[2];
    float cell[28];
} sf_resized;

/* What ONNX Runtime 1.31.1 makes of 4 x 5 pixels of the values 0, 1, 2, ... */
static const sf_resized resized[] = {
    {{0.6F, 0.7F}, {2, 3}, {0, 2, 3, 10, 12, 13}},
    {{0.7F, 1}, {2, 5}, {0, 1, 2, 3, 4, 10, 11, 12, 13, 14}},
    {{0.3F, 0.9F}, {1, 4}, {0, 2, 3, 4}},
    {{1, 1.5F}, {4, 7}, {0,  0,  1,  2,  2,  3,  4,  5,  5,  6,  7,  7,  8,  9,
                         10, 10, 11, 12, 12, 13, 14, 15, 15, 16, 17, 17, 18, 19}},
};

static void test_old_resize(void **state)
{
    const sf_shape image = {.rank = 4, .dim = {1, 1, 4, 5}};
    const sf_engine_options options = {.training = false};

    (void)state;
    for (size_t i = 0; i < sizeof resized / sizeof *resized; i++) {
        const sf_resized *r = &resized[i];
        sf_parts parts = begin();
        sf_engine *engine;
        sf_graph *graph;
        sf_bytes bytes;

        add_resize(&parts, r->scale[0], r->scale[1]);
        bytes = finish(&parts);
        assert_ok(sf_onnx_read(bytes.data, bytes.size, "old", &graph));
        assert_ok(sf_engine_create(graph, &image, &options, &engine));
        for (int k = 0; k < 20; k++) sf_engine_input(engine, 0)[k] = (float)k;
        assert_ok(sf_engine_forward(engine));
        assert_int_equal(sf_engine_output_shape(engine)->dim[2], r->dim[0]);
        assert_int_equal(sf_engine_output_shape(engine)->dim[3], r->dim[1]);
        assert_memory_equal(sf_engine_output(engine), r->cell,
                            r->dim[0] * r->dim[1] * sizeof *r->cell);
        sf_engine_release(&engine);
        sf_graph_release(&graph);
    }
}

/* ---- channels last --------------------------------------------------------------------------- */

/* A float tensor of free dimensions but the last, 1. */
static void put_last_port(sf_bytes *graph, unsigned field, const char *name)
{
    sf_bytes dim = {0}, shape = {0}, tensor = {0}, type = {0}, info = {0};

    put_number(&dim, 1, 1);
    for (int i = 0; i < 4; i++) put_bytes(&shape, 1, dim.data, i == 3 ? dim.size : 0);
    put_number(&tensor, 1, 1);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&info, 1, name);
    put_message(&info, 2, &type);
    put_message(graph, field, &info);
}

static void add_transpose(sf_parts *p, const char *in, const char *out, const int64_t order[4])
{
    sf_bytes made = node("Transpose", out, in, out);

    put_ints(&made, "perm", 4, order);
    put_message(&p->graph, GRAPH_NODE, &made);
}

/* (batch, rows, columns, 1) in and out, a convolution of (batch, 1, rows, columns) within, and
 * activations between the transpositions: for the engine, these move nothing. */
static void test_channels_last(void **state)
{
    static const int64_t dims[4] = {1, 1, 3, 3};
    const int64_t first[4] = {0, 3, 1, 2}, last[4] = {0, 2, 3, 1};
    const sf_shape image = {.rank = 4, .dim = {1, 1, 8, 9}};
    sf_bytes made = node("Conv", "conv", "b w", "c"), bytes;
    sf_parts parts = {.opset = 13};
    sf_graph *resolved;
    sf_model *model;

    (void)state;
    put_last_port(&parts.graph, GRAPH_INPUT, "x");
    put_last_port(&parts.graph, GRAPH_OUTPUT, "y");
    put_ints(&made, "pads", 4, (const int64_t[]){1, 1, 1, 1});
    add_transpose(&parts, "x", "b", first);
    put_message(&parts.graph, GRAPH_NODE, &made);
    add_weight(&parts, "w", 4, dims, 9, 0.1F);
    add_transpose(&parts, "c", "d", last);
    add_transpose(&parts, "d", "e", first);
    add_node(&parts, "Relu", "relu", "e", "f");
    add_transpose(&parts, "f", "y", last);
    bytes = finish(&parts);
    if (sf_model_load_memory(bytes.data, bytes.size, "last", &model) != SF_OK)
        fail_msg("%s", sf_last_error());
    assert_int_equal(sf_model_get_usage(model)->multiple, 1);
    assert_ok(sf_graph_resolve(sf_model_graph(model), &image, NULL, &resolved));
    assert_int_equal(resolved->node_count, 2);
    assert_int_equal(resolved->node[0].op, SF_OP_CONV);
    assert_int_equal(resolved->node[1].op, SF_OP_RELU);
    assert_true(sf_shape_equal(&resolved->value[resolved->output].shape, &image));
    sf_graph_release(&resolved);
    sf_model_release(&model);
}

/* ---- what was written reads the same --------------------------------------------------------- */

static void assert_same_graph(const sf_graph *a, const sf_graph *b)
{
    assert_int_equal(a->value_count, b->value_count);
    assert_int_equal(a->node_count, b->node_count);
    assert_int_equal(a->parameter_count, b->parameter_count);
    assert_int_equal(a->metadata_count, b->metadata_count);
    for (size_t i = 0; i < a->node_count; i++) {
        assert_int_equal(a->node[i].op, b->node[i].op);
        assert_string_equal(a->node[i].name, b->node[i].name);
        assert_int_equal(a->node[i].input_count, b->node[i].input_count);
        if (a->node[i].op == SF_OP_CONV || a->node[i].op == SF_OP_CONV_TRANSPOSE)
            assert_memory_equal(a->node[i].stride, b->node[i].stride, sizeof a->node[i].stride);
        if (a->node[i].op == SF_OP_CONV)
            assert_memory_equal(a->node[i].pads, b->node[i].pads, sizeof a->node[i].pads);
        for (size_t j = 0; j < a->node[i].input_count; j++) {
            const sf_value *v = &a->value[a->node[i].input[j]], *w = &b->value[b->node[i].input[j]];

            assert_int_equal(v->constant == NULL, w->constant == NULL);
            if (v->constant == NULL) continue;
            assert_string_equal(v->name, w->name);
            assert_int_equal(v->shape.rank, w->shape.rank);
            assert_memory_equal(v->constant, w->constant, v->shape.dim[0] * sizeof *v->constant);
        }
    }
}

static void test_round_trip(void **state)
{
    const sf_unet_options options = {.channels = 8, .depth = 3, .blocks = 1, .seed = 7};
    sf_model *model, *read;
    void *bytes, *again;
    size_t size, size_again;

    (void)state;
    assert_ok(sf_model_unet(&options, &model));
    assert_ok(sf_onnx_write(sf_model_graph(model), &bytes, &size));
    assert_ok(sf_model_load_memory(bytes, size, "unet", &read));
    assert_same_graph(sf_model_graph(model), sf_model_graph(read));
    assert_ok(sf_onnx_write(sf_model_graph(read), &again, &size_again));
    assert_int_equal(size, size_again);
    assert_memory_equal(bytes, again, size);
    sf_free(bytes);
    sf_free(again);
    sf_model_release(&read);
    sf_model_release(&model);
}

/* An input keeps its name, and every value has one of its own, though the nodes that stand for the
 * norm bring values that are called like the input. */
static void test_names(void **state)
{
    sf_parts parts = begin();
    const sf_graph *graph;
    sf_bytes bytes;
    sf_model *model, *read;
    void *written;
    size_t size;

    (void)state;
    add_node(&parts, "BatchNormalization", "x", "x a a a a", "y");
    add_weight(&parts, "a", 1, (const int64_t[]){1}, 1, 1);
    bytes = finish(&parts);
    assert_ok(sf_model_load_memory(bytes.data, bytes.size, "norm", &model));
    assert_ok(sf_onnx_write(sf_model_graph(model), &written, &size));
    assert_ok(sf_model_load_memory(written, size, "written", &read));
    graph = sf_model_graph(read);
    assert_string_equal(graph->value[graph->input[0]].name, "x");
    assert_string_equal(graph->value[graph->output].name, "y");
    for (size_t i = 0; i < graph->value_count; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(graph->value[i].name, graph->value[j].name);
    sf_free(written);
    sf_model_release(&read);
    sf_model_release(&model);
}

static void test_usage_round_trip(void **state)
{
    const sf_model_usage usage = {.noise_input = SF_NOISE_CHANNEL,
                                  .prediction = SF_PREDICT_NOISE,
                                  .padding = SF_PADDING_CIRCULAR,
                                  .margin = 5,
                                  .multiple = 16,
                                  .value_scale = 0.1,
                                  .noise_scale = 1.0 / 3.0,
                                  .fixed_sigma = 25.0 / 255.0,
                                  .homogeneous = true,
                                  .noise_low = 0.01,
                                  .noise_high = 1.0 / 7.0};
    const sf_unet_options options = {.channels = 8, .depth = 2, .blocks = 1, .seed = 1};
    sf_model *model, *changed, *noted, *read;
    const sf_model_usage *got;
    void *bytes;
    size_t size;

    (void)state;
    assert_ok(sf_model_unet(&options, &model));
    assert_ok(sf_model_with_usage(model, &usage, &changed));
    assert_ok(sf_model_with_metadata(changed, "licence", "\xc3\xa9 \"quoted\"", &noted));
    assert_ok(sf_onnx_write(sf_model_graph(noted), &bytes, &size));
    assert_ok(sf_model_load_memory(bytes, size, "usage", &read));
    got = sf_model_get_usage(read);
    assert_int_equal(got->noise_input, usage.noise_input);
    assert_int_equal(got->prediction, usage.prediction);
    assert_int_equal(got->padding, usage.padding);
    assert_int_equal(got->margin, usage.margin);
    assert_int_equal(got->multiple, usage.multiple);
    assert_true(got->value_scale == usage.value_scale && got->noise_scale == usage.noise_scale);
    assert_true(got->fixed_sigma == usage.fixed_sigma && got->homogeneous);
    assert_true(got->noise_low == usage.noise_low && got->noise_high == usage.noise_high);
    assert_string_equal(sf_model_metadata(read, "licence"), "\xc3\xa9 \"quoted\"");
    assert_null(sf_model_metadata(read, "nothing"));
    sf_free(bytes);
    sf_model_release(&read);
    sf_model_release(&noted);
    sf_model_release(&changed);
    sf_model_release(&model);
}

/* ---- bytes that are almost a model ----------------------------------------------------------- */

#define MOST_FILES  512
#define MOST_VALUES 100000 /* beyond which a network is not run here */

typedef struct sf_corpus {
    uint8_t *data[MOST_FILES];
    size_t size[MOST_FILES], count;
} sf_corpus;

/* The operators' models without their metadata, which come last. */
static void read_corpus(sf_corpus *corpus)
{
    static uint8_t bytes[1 << 16];
    DIR *folder = opendir(TEST_DATA);
    const struct dirent *entry;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL && corpus->count < MOST_FILES) {
        char path[512];
        size_t size = 0;
        FILE *file;

        if (strstr(entry->d_name, ".onnx") == NULL) continue;
        (void)snprintf(path, sizeof path, "%s/%s", TEST_DATA, entry->d_name);
        file = fopen(path, "rb");
        assert_non_null(file);
        assert_true(fread(bytes, 1, sizeof bytes, file) > 10);
        (void)fclose(file);
        while (memcmp(bytes + size + 4, "test.input", 10) != 0) size++;
        assert_ok(sf_copy_memory(bytes, size, 1, &corpus->data[corpus->count]));
        corpus->size[corpus->count++] = size;
    }
    (void)closedir(folder);
}

static uint32_t draw(sf_random random, uint64_t trial, uint64_t *word, uint32_t below)
{
    double u;

    sf_random_uniform(random, trial, (*word)++, 1, &u);
    return (uint32_t)(u * below);
}

/* One trial's bytes: a file, or the beginning of one and the end of another, with a few bytes
 * changed, or cut off. */
static size_t mutate(const sf_corpus *corpus, sf_random random, uint64_t trial, uint8_t *to)
{
    static const uint8_t nasty[] = {0, 1, 2, 4, 127, 128, 129, 254, 255};
    uint64_t word = 0;
    const uint32_t a = draw(random, trial, &word, (uint32_t)corpus->count);
    const uint32_t b = draw(random, trial, &word, (uint32_t)corpus->count);
    const uint32_t kind = draw(random, trial, &word, 8);
    size_t size = corpus->size[a];

    memcpy(to, corpus->data[a], size);
    if (kind == 0) return draw(random, trial, &word, (uint32_t)size);
    if (kind == 1) {
        const size_t start = draw(random, trial, &word, (uint32_t)corpus->size[b]);

        size = draw(random, trial, &word, (uint32_t)size);
        memcpy(to + size, corpus->data[b] + start, corpus->size[b] - start);
        size += corpus->size[b] - start;
    }
    for (uint32_t k = draw(random, trial, &word, 4) + (kind > 1); k > 0 && size > 0; k--) {
        uint8_t *byte = &to[draw(random, trial, &word, (uint32_t)size)];

        if (draw(random, trial, &word, 2) == 0)
            *byte ^= (uint8_t)(1U << draw(random, trial, &word, 8));
        else
            *byte = nasty[draw(random, trial, &word, sizeof nasty)];
    }
    return size;
}

/* All values together, at most MOST_VALUES + 1; 0: the shapes do not fit. */
static size_t values_of(const sf_graph *graph, const sf_shape *image)
{
    size_t sum = 0, size;
    sf_shape *shapes;

    assert_ok(sf_allocate(&shapes, graph->value_count, sizeof *shapes));
    if (sf_graph_shapes(graph, image, shapes) == SF_OK)
        for (size_t i = 0; i < graph->value_count && sum <= MOST_VALUES; i++)
            sum += sf_shape_size(&shapes[i], &size) == SF_OK ? size : MOST_VALUES + 1;
    sf_free(shapes);
    return sum;
}

/* Compiles and runs what was accepted, on an image of 6 x 5 pixels. */
static void run_small(const sf_graph *graph)
{
    const sf_shape *declared = &graph->value[graph->input[0]].shape;
    const sf_engine_options options = {.training = false};
    sf_shape image = {.rank = 4, .dim = {1, 1, 6, 5}};
    sf_engine *engine;
    size_t count;

    for (int i = 0; i < declared->rank; i++)
        if (declared->dim[i] != 0) image.dim[i] = declared->dim[i];
    count = values_of(graph, &image);
    if (count == 0 || count > MOST_VALUES) return;
    if (sf_engine_create(graph, &image, &options, &engine) != SF_OK) return;
    assert_ok(sf_shape_size(&image, &count));
    for (size_t i = 0; i < count; i++) sf_engine_input(engine, 0)[i] = (float)(i % 7);
    (void)sf_engine_forward(engine);
    sf_engine_release(&engine);
}

/* SCOREFIELD_FUZZ: how many trials instead, and SCOREFIELD_FUZZ_SEED. */
static void test_fuzz(void **state)
{
    const char *trials = getenv("SCOREFIELD_FUZZ"), *seed = getenv("SCOREFIELD_FUZZ_SEED");
    const uint64_t count = trials == NULL ? 3000 : strtoull(trials, NULL, 10);
    const sf_random random = sf_random_make(seed == NULL ? 11 : strtoull(seed, NULL, 10), 0);
    static uint8_t bytes[1 << 17];
    sf_corpus corpus = {0};
    size_t accepted = 0;

    (void)state;
    read_corpus(&corpus);
    for (uint64_t trial = 0; trial < count; trial++) {
        const size_t size = mutate(&corpus, random, trial, bytes);
        uint8_t *exact;
        sf_graph *graph;
        sf_model *model;

        assert_ok(sf_copy_memory(bytes, size, 1, &exact));
        if (sf_onnx_read(exact, size, "fuzz", &graph) == SF_OK &&
            sf_graph_simplify(graph) == SF_OK) {
            run_small(graph);
            accepted++;
        } else if (strncmp(sf_last_error(), "fuzz", 4) != 0 && graph == NULL) {
            fail_msg("trial %llu: no file named in: %s", (unsigned long long)trial,
                     sf_last_error());
        }
        sf_graph_release(&graph);
        (void)sf_model_load_memory(exact, size, "fuzz", &model);
        sf_model_release(&model);
        sf_free(exact);
    }
    for (size_t i = 0; i < corpus.count; i++) sf_free(corpus.data[i]);
    print_message("%zu of %llu accepted\n", accepted, (unsigned long long)count);
    assert_true(accepted > count / 20 && accepted < count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_bad_paths),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_usage_round_trip),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_outside),
        cmocka_unit_test(test_channels_last),
        cmocka_unit_test(test_huge_inside),
        cmocka_unit_test(test_old_resize),
        cmocka_unit_test(test_fuzz),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
