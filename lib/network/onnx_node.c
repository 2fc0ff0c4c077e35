/* onnx_node.c - a node of an ONNX file as a node of the graph: one rule an operator.
 *
 * What an operator takes as an input but cannot be data that flows (pads, scales, sizes) becomes an
 * attribute of the node. */
#include "network/onnx_node.h"

#include "base/internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct sf_source {
    sf_reader *reader;
    const Onnx__NodeProto *proto;
    sf_node *node; /* being filled */
} sf_source;

static sf_status bad(const sf_source *s, sf_status status, const char *format, ...) SF_PRINTF(3, 4);
static sf_status bad(const sf_source *s, sf_status status, const char *format, ...)
{
    char reason[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return sf_fail(status, "%s: node '%s' (%s): %s", s->reader->file, sf_proto_text(s->proto->name),
                   sf_proto_text(s->proto->op_type), reason);
}

/* ---- attributes ---------------------------------------------------------------------------- */

static const Onnx__AttributeProto *attribute(const sf_source *s, const char *name)
{
    for (size_t i = 0; i < s->proto->n_attribute; i++)
        if (strcmp(sf_proto_text(s->proto->attribute[i]->name), name) == 0)
            return s->proto->attribute[i];
    return NULL;
}

/* *value keeps its default when the attribute is absent. */
static sf_status get_int(const sf_source *s, const char *name, long *value)
{
    const Onnx__AttributeProto *a = attribute(s, name);

    if (a == NULL) return SF_OK;
    if (!a->has_i) return bad(s, SF_ERR_FORMAT, "attribute '%s' is no integer", name);
    *value = (long)a->i;
    return SF_OK;
}

static sf_status get_float(const sf_source *s, const char *name, float *value)
{
    const Onnx__AttributeProto *a = attribute(s, name);

    if (a == NULL) return SF_OK;
    if (!a->has_f || !isfinite(a->f))
        return bad(s, SF_ERR_FORMAT, "attribute '%s' is no finite number", name);
    *value = a->f;
    return SF_OK;
}

/* *choice = which of `words` (NULL at the end) the attribute is. */
static sf_status get_word(const sf_source *s, const char *name, const char *const *words,
                          int *choice)
{
    const Onnx__AttributeProto *a = attribute(s, name);

    if (a == NULL) return SF_OK;
    for (int i = 0; a->has_s && words[i] != NULL; i++)
        if (a->s.len == strlen(words[i]) && memcmp(a->s.data, words[i], a->s.len) == 0) {
            *choice = i;
            return SF_OK;
        }
    return bad(s, SF_ERR_UNSUPPORTED, "%s '%.*s' is not supported", name,
               a->has_s && a->s.len < 64 ? (int)a->s.len : 0,
               a->has_s ? (const char *)a->s.data : "");
}

/* `count` integers of at least `least`. */
static sf_status get_ints(const sf_source *s, const char *name, size_t count, long least,
                          long *values)
{
    const Onnx__AttributeProto *a = attribute(s, name);

    if (a == NULL) return SF_OK;
    if (a->n_ints != count)
        return bad(s, SF_ERR_UNSUPPORTED, "attribute '%s' has %zu values, %zu are expected", name,
                   a->n_ints, count);
    for (size_t i = 0; i < count; i++) {
        if (a->ints[i] < least || a->ints[i] > INT32_MAX)
            return bad(s, SF_ERR_FORMAT, "attribute '%s' is %lld, which is out of range", name,
                       (long long)a->ints[i]);
        values[i] = (long)a->ints[i];
    }
    return SF_OK;
}

static sf_status get_sizes(const sf_source *s, const char *name, long least, size_t sizes[2])
{
    long values[2] = {(long)sizes[0], (long)sizes[1]};

    SF_TRY(get_ints(s, name, 2, least, values));
    sizes[0] = (size_t)values[0];
    sizes[1] = (size_t)values[1];
    return SF_OK;
}

/* ---- inputs -------------------------------------------------------------------------------- */

static bool has_input(const sf_source *s, size_t i)
{
    return i < s->proto->n_input && sf_proto_text(s->proto->input[i])[0] != '\0';
}

/* Input `i` as a constant's values, at most 16 of them. */
static sf_status constant_input(const sf_source *s, size_t i, const char *what, double values[16],
                                size_t *count)
{
    const sf_named *named = has_input(s, i) ? sf_reader_find(s->reader, s->proto->input[i]) : NULL;
    sf_status status;
    sf_shape shape;

    if (named == NULL || (named->literal.tensor == NULL && named->literal.attribute == NULL))
        return bad(s, SF_ERR_UNSUPPORTED, "%s is not a constant", what);
    status = sf_literal_shape(&named->literal, what, &shape, count);
    if (status != SF_OK) return bad(s, status, "%s", sf_last_error());
    if (*count > 16) return bad(s, SF_ERR_FORMAT, "%s has %zu values", what, *count);
    for (size_t k = 0; k < *count; k++) {
        values[k] = sf_literal_value(&named->literal, k);
        if (!isfinite(values[k]))
            return bad(s, SF_ERR_NUMERIC, "%s has the value %g", what, values[k]);
    }
    return SF_OK;
}

/* The values as the graph holds them (sf_free). */
static sf_status single_values(const sf_literal *literal, const char *what, size_t count,
                               float **values)
{
    SF_TRY(sf_allocate(values, count, sizeof **values));
    for (size_t i = 0; i < count; i++) {
        const double value = sf_literal_value(literal, i);

        (*values)[i] = (float)value;
        if (isfinite((*values)[i])) continue;
        sf_free(*values);
        return sf_fail(SF_ERR_NUMERIC, "%s has the value %g, which single precision cannot hold",
                       what, value);
    }
    return SF_OK;
}

/* A constant that is used as data becomes a value of the graph. */
static sf_status add_constant(sf_reader *reader, sf_named *named)
{
    char what[256];
    float *values;
    sf_status status;
    sf_shape shape;
    size_t count;

    (void)snprintf(what, sizeof what, "%.80s: the constant '%.80s'", reader->file, named->name);
    SF_TRY(sf_literal_shape(&named->literal, what, &shape, &count));
    if (count == 0) return sf_fail(SF_ERR_FORMAT, "%s is empty", what);
    SF_TRY(single_values(&named->literal, what, count, &values));
    status = sf_graph_add_value(reader->graph, named->name, &shape, NULL, &named->value);
    if (status == SF_OK)
        reader->graph->value[named->value].constant = values;
    else
        sf_free(values);
    return status;
}

static sf_status data_input(sf_source *s, size_t i)
{
    sf_named *named = has_input(s, i) ? sf_reader_find(s->reader, s->proto->input[i]) : NULL;

    if (!has_input(s, i)) return bad(s, SF_ERR_FORMAT, "input %zu is missing", i);
    if (named == NULL)
        return bad(s, SF_ERR_FORMAT, "the input '%s' is produced by nothing", s->proto->input[i]);
    if (named->value == SF_NO_VALUE) SF_TRY(add_constant(s->reader, named));
    s->node->input[s->node->input_count++] = named->value;
    return SF_OK;
}

/* From `least` to `most` inputs, all of them data. */
static sf_status data_inputs(sf_source *s, size_t least, size_t most)
{
    size_t count = s->proto->n_input;

    while (count > 0 && !has_input(s, count - 1)) count--;
    if (count < least || count > most)
        return bad(s, SF_ERR_FORMAT, "%zu inputs, at least %zu are expected", count, least);
    for (size_t i = 0; i < count; i++) SF_TRY(data_input(s, i));
    return SF_OK;
}

/* ---- operators ----------------------------------------------------------------------------- */

static sf_status read_plain(sf_source *s) { return data_inputs(s, 1, 1); }
static sf_status read_pair(sf_source *s) { return data_inputs(s, 2, 2); }

static sf_status read_slope(sf_source *s, float usual)
{
    s->node->alpha = usual;
    SF_TRY(get_float(s, "alpha", &s->node->alpha));
    return data_inputs(s, 1, 1);
}

static sf_status read_leaky_relu(sf_source *s) { return read_slope(s, 0.01F); }
static sf_status read_elu(sf_source *s) { return read_slope(s, 1.0F); }

static sf_status read_batch_norm(sf_source *s)
{
    long training = 0;

    s->node->alpha = 1e-5f;
    SF_TRY(get_float(s, "epsilon", &s->node->alpha));
    SF_TRY(get_int(s, "training_mode", &training));
    if (training != 0) return bad(s, SF_ERR_UNSUPPORTED, "it is in training mode");
    return data_inputs(s, 5, 5);
}

static sf_status read_concat(sf_source *s)
{
    s->node->axis = 1;
    SF_TRY(get_int(s, "axis", &s->node->axis));
    if (s->node->axis < -4 || s->node->axis > 3)
        return bad(s, SF_ERR_FORMAT, "there is no axis %ld", s->node->axis);
    if (s->node->axis < 0) s->node->axis += 4;
    return data_inputs(s, 1, SIZE_MAX);
}

/* What Conv, ConvTranspose and AveragePool have in common. */
static sf_status read_window(sf_source *s)
{
    static const char *const pads[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL};
    int choice = SF_AUTO_PAD_NONE;
    sf_node *node = s->node;

    SF_TRY(get_sizes(s, "kernel_shape", 1, node->kernel));
    SF_TRY(get_sizes(s, "strides", 1, node->stride));
    SF_TRY(get_sizes(s, "dilations", 1, node->dilation));
    SF_TRY(get_ints(s, "pads", 4, 0, node->pads));
    SF_TRY(get_word(s, "auto_pad", pads, &choice));
    node->auto_pad = (sf_auto_pad)choice;
    return SF_OK;
}

static sf_status read_conv(sf_source *s)
{
    long groups = 1;
    const sf_value *w;
    sf_node *node = s->node;

    SF_TRY(data_inputs(s, 2, 3));
    for (size_t i = 1; i < node->input_count; i++)
        if (s->reader->graph->value[node->input[i]].constant == NULL)
            return bad(s, SF_ERR_UNSUPPORTED, "its weight or bias is not a constant");
    w = &s->reader->graph->value[node->input[1]];
    if (w->shape.rank != 4)
        return bad(s, SF_ERR_UNSUPPORTED, "its weight has rank %d; images need rank 4",
                   w->shape.rank);
    node->kernel[0] = w->shape.dim[2];
    node->kernel[1] = w->shape.dim[3];
    SF_TRY(read_window(s));
    SF_TRY(get_int(s, "group", &groups));
    if (groups < 1 || groups > INT32_MAX)
        return bad(s, SF_ERR_FORMAT, "%ld groups are out of range", groups);
    node->groups = (size_t)groups;
    return SF_OK;
}

static sf_status read_conv_transpose(sf_source *s)
{
    SF_TRY(get_sizes(s, "output_padding", 0, s->node->output_padding));
    if (attribute(s, "output_shape") != NULL)
        return bad(s, SF_ERR_UNSUPPORTED, "output_shape is not supported, use pads");
    return read_conv(s);
}

static sf_status read_average_pool(sf_source *s)
{
    long include = 0, ceil_mode = 0;

    SF_TRY(read_window(s));
    if (attribute(s, "kernel_shape") == NULL)
        return bad(s, SF_ERR_FORMAT, "kernel_shape is missing");
    SF_TRY(get_int(s, "count_include_pad", &include));
    SF_TRY(get_int(s, "ceil_mode", &ceil_mode));
    s->node->count_include_pad = include != 0;
    s->node->ceil_mode = ceil_mode != 0;
    return data_inputs(s, 1, 1);
}

static sf_status read_block(sf_source *s)
{
    static const char *const modes[] = {"DCR", "CRD", NULL};
    long block = 0;
    int mode = 0;

    SF_TRY(get_int(s, "blocksize", &block));
    if (block < 1 || block > 65535)
        return bad(s, SF_ERR_FORMAT, "a blocksize of %ld is out of range", block);
    s->node->block = (size_t)block;
    SF_TRY(get_word(s, "mode", modes, &mode));
    s->node->column_row_depth = mode == 1;
    return data_inputs(s, 1, 1);
}

/* Which axes are meant, since opset 18: Pad's input 3, Resize's attribute. All when absent. */
static sf_status get_axes(const sf_source *s, double axes[16], size_t *count)
{
    const Onnx__AttributeProto *a = attribute(s, "axes");

    *count = 4;
    for (int i = 0; i < 4; i++) axes[i] = i;
    if (s->node->op == SF_OP_PAD && has_input(s, 3))
        return constant_input(s, 3, "axes", axes, count);
    if (a == NULL) return SF_OK;
    if (a->n_ints > 4) return bad(s, SF_ERR_FORMAT, "%zu axes of an image", a->n_ints);
    *count = a->n_ints;
    for (size_t i = 0; i < a->n_ints; i++) axes[i] = (double)a->ints[i];
    return SF_OK;
}

/* One value an axis -> rows and columns; batch and channels must be `neutral`. */
static sf_status image_axes(sf_source *s, const double *values, size_t count, double neutral,
                            double image[2])
{
    double axes[16] = {0};
    size_t axis_count = 0;

    SF_TRY(get_axes(s, axes, &axis_count));
    if (count != axis_count)
        return bad(s, SF_ERR_FORMAT, "%zu values for %zu axes", count, axis_count);
    image[0] = image[1] = neutral;
    for (size_t i = 0; i < count; i++) {
        const double axis = axes[i] < 0.0 ? axes[i] + 4.0 : axes[i];

        if (!(fabs(values[i]) <= (double)INT32_MAX))
            return bad(s, SF_ERR_FORMAT, "the value %g is out of range", values[i]);
        if (axis == 2.0 || axis == 3.0)
            image[axis == 3.0] = values[i];
        else if (axis != 0.0 && axis != 1.0)
            return bad(s, SF_ERR_FORMAT, "there is no axis %g", axes[i]);
        else if (values[i] != neutral && !isnan(neutral))
            return bad(s, SF_ERR_UNSUPPORTED, "only rows and columns may change, not axis %g",
                       axis);
    }
    return SF_OK;
}

static sf_status read_pad(sf_source *s)
{
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap", NULL};
    double values[16] = {0}, value[16] = {0}, before[2] = {0}, after[2] = {0};
    size_t count = 8, one;
    int mode = 0;

    SF_TRY(get_word(s, "mode", modes, &mode));
    s->node->pad_mode = (sf_pad_mode)mode;
    if (s->reader->opset < 11) {
        long pads[8] = {0};

        if (attribute(s, "pads") == NULL) return bad(s, SF_ERR_FORMAT, "pads are missing");
        SF_TRY(get_ints(s, "pads", count, INT32_MIN, pads));
        for (size_t i = 0; i < 8; i++) values[i] = (double)pads[i];
        SF_TRY(get_float(s, "value", &s->node->alpha));
    } else {
        SF_TRY(constant_input(s, 1, "pads", values, &count));
        if (has_input(s, 2)) {
            SF_TRY(constant_input(s, 2, "the padding value", value, &one));
            s->node->alpha = (float)value[0];
        }
    }
    SF_TRY(image_axes(s, values, count / 2, 0.0, before));
    SF_TRY(image_axes(s, values + count / 2, count / 2, 0.0, after));
    for (int axis = 0; axis < 2; axis++) {
        s->node->pads[axis] = (long)before[axis];
        s->node->pads[2 + axis] = (long)after[axis];
    }
    return data_input(s, 0);
}

static sf_status resize_options(sf_source *s)
{
    static const char *const coordinates[] = {"half_pixel", "asymmetric", "align_corners",
                                              "pytorch_half_pixel", NULL};
    static const char *const rounding[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                           "ceil", NULL};
    static const char *const policy[] = {"stretch", NULL};
    int coordinate = SF_RESIZE_HALF_PIXEL, nearest = SF_RESIZE_ROUND_PREFER_FLOOR, keep = 0;
    long antialias = 0;

    if (s->reader->opset < 11) {
        s->node->resize_coordinates = SF_RESIZE_ASYMMETRIC;
        return SF_OK;
    }
    SF_TRY(get_word(s, "coordinate_transformation_mode", coordinates, &coordinate));
    SF_TRY(get_word(s, "nearest_mode", rounding, &nearest));
    SF_TRY(get_word(s, "keep_aspect_ratio_policy", policy, &keep));
    SF_TRY(get_int(s, "antialias", &antialias));
    if (antialias != 0) return bad(s, SF_ERR_UNSUPPORTED, "antialias is not supported");
    s->node->resize_coordinates = (sf_resize_coordinates)coordinate;
    s->node->resize_rounding = (sf_resize_rounding)nearest;
    return SF_OK;
}

/* Scales are an attribute up to opset 8, then input 1, from opset 11 on input 2. None: *count = 0.
 */
static sf_status get_scales(const sf_source *s, double values[16], size_t *count)
{
    const size_t where = s->reader->opset < 11 ? 1 : 2;
    const Onnx__AttributeProto *a = attribute(s, "scales");

    *count = 0;
    if (has_input(s, where)) return constant_input(s, where, "scales", values, count);
    if (s->reader->opset > 8 || a == NULL) return SF_OK;
    if (a->n_floats > 4) return bad(s, SF_ERR_FORMAT, "%zu scales of an image", a->n_floats);
    *count = a->n_floats;
    for (size_t i = 0; i < a->n_floats; i++) values[i] = (double)a->floats[i];
    return SF_OK;
}

/* Before opset 11 the nearest cell is the one below i/scale where an axis grows, and the one above
 * where it shrinks: the specification gives it by examples, and ONNX Runtime has it so. */
static sf_status old_rounding(sf_source *s)
{
    const double *scale = s->node->scale;
    const bool shrinks = scale[0] < 1.0 || scale[1] < 1.0;

    if (shrinks && (scale[0] > 1.0 || scale[1] > 1.0))
        return bad(s, SF_ERR_UNSUPPORTED,
                   "the scales %gx%g shrink one axis and stretch the other, and opset %ld rounds "
                   "each in its own way: export the network with opset 11 or later",
                   scale[0], scale[1], s->reader->opset);
    s->node->resize_rounding = shrinks ? SF_RESIZE_CEIL : SF_RESIZE_FLOOR;
    return SF_OK;
}

/* Resize, and its predecessor Upsample. */
static sf_status read_resize(sf_source *s)
{
    static const char *const modes[] = {"nearest", "linear", NULL};
    double values[16] = {0}, image[2] = {0};
    size_t count = 0;
    int mode = 0;

    SF_TRY(get_word(s, "mode", modes, &mode));
    s->node->resize_mode = (sf_resize_mode)mode;
    SF_TRY(resize_options(s));
    SF_TRY(get_scales(s, values, &count));
    if (count > 0) {
        SF_TRY(image_axes(s, values, count, 1.0, s->node->scale));
        if (!(s->node->scale[0] > 0.0 && s->node->scale[1] > 0.0))
            return bad(s, SF_ERR_FORMAT, "the scales %gx%g are not positive", s->node->scale[0],
                       s->node->scale[1]);
        if (s->reader->opset < 11 && s->node->resize_mode == SF_RESIZE_NEAREST)
            SF_TRY(old_rounding(s));
        return data_input(s, 0);
    }
    if (s->reader->opset < 11) return bad(s, SF_ERR_FORMAT, "the scales are missing");
    SF_TRY(constant_input(s, 3, "sizes", values, &count));
    SF_TRY(image_axes(s, values, count, (double)NAN, image));
    for (int axis = 0; axis < 2; axis++) {
        if (!(image[axis] >= 1.0))
            return bad(s, SF_ERR_FORMAT, "the size %g is not positive", image[axis]);
        s->node->size[axis] = (size_t)image[axis];
    }
    return data_input(s, 0);
}

typedef struct sf_import {
    const char *name;
    sf_op op;
    sf_status (*read)(sf_source *source);
} sf_import;

static const sf_import imports[] = {
    {"Add", SF_OP_ADD, read_pair},
    {"AveragePool", SF_OP_AVERAGE_POOL, read_average_pool},
    {"BatchNormalization", SF_OP_BATCH_NORM, read_batch_norm},
    {"Concat", SF_OP_CONCAT, read_concat},
    {"Conv", SF_OP_CONV, read_conv},
    {"ConvTranspose", SF_OP_CONV_TRANSPOSE, read_conv_transpose},
    {"DepthToSpace", SF_OP_DEPTH_TO_SPACE, read_block},
    {"Elu", SF_OP_ELU, read_elu},
    {"Identity", SF_OP_IDENTITY, read_plain},
    {"LeakyRelu", SF_OP_LEAKY_RELU, read_leaky_relu},
    {"Mul", SF_OP_MUL, read_pair},
    {"Pad", SF_OP_PAD, read_pad},
    {"Relu", SF_OP_RELU, read_plain},
    {"Resize", SF_OP_RESIZE, read_resize},
    {"Sigmoid", SF_OP_SIGMOID, read_plain},
    {"SpaceToDepth", SF_OP_SPACE_TO_DEPTH, read_block},
    {"Sub", SF_OP_SUB, read_pair},
    {"Upsample", SF_OP_RESIZE, read_resize},
};

static bool is_constant(const Onnx__NodeProto *node)
{
    return strcmp(sf_proto_text(node->op_type), "Constant") == 0;
}

static const sf_import *import_of(const sf_source *s)
{
    const char *domain = sf_proto_text(s->proto->domain);

    if (domain[0] != '\0' && strcmp(domain, "ai.onnx") != 0) return NULL;
    for (size_t i = 0; i < sizeof imports / sizeof *imports; i++)
        if (strcmp(sf_proto_text(s->proto->op_type), imports[i].name) == 0) return &imports[i];
    return NULL;
}

/* ---- nodes --------------------------------------------------------------------------------- */

sf_status sf_reader_name_node(sf_reader *reader, const Onnx__NodeProto *proto)
{
    const sf_source source = {.reader = reader, .proto = proto};
    sf_named *named = &reader->named[reader->named_count];

    if (proto->n_output == 0 || sf_proto_text(proto->output[0])[0] == '\0')
        return bad(&source, SF_ERR_FORMAT, "it has no output");
    for (size_t i = 1; i < proto->n_output; i++)
        if (sf_proto_text(proto->output[i])[0] != '\0')
            return bad(&source, SF_ERR_UNSUPPORTED, "it has %zu outputs, one is supported",
                       proto->n_output);
    named->name = proto->output[0];
    named->value = SF_NO_VALUE;
    reader->named_count++;
    if (!is_constant(proto))
        return sf_graph_add_value(reader->graph, named->name, NULL, NULL, &named->value);
    if (proto->n_attribute != 1)
        return bad(&source, SF_ERR_FORMAT, "one attribute is expected, %zu are there",
                   proto->n_attribute);
    named->literal = (sf_literal){proto->attribute[0]->t, proto->attribute[0]};
    return SF_OK;
}

sf_status sf_reader_add_node(sf_reader *reader, const Onnx__NodeProto *proto)
{
    sf_node node = {.name = proto->name == NULL ? proto->output[0] : proto->name,
                    .stride = {1, 1},
                    .dilation = {1, 1},
                    .groups = 1};
    sf_source source = {.reader = reader, .proto = proto, .node = &node};
    const sf_import *import = import_of(&source);
    sf_status status;

    if (is_constant(proto)) return SF_OK;
    if (import == NULL)
        return bad(&source, SF_ERR_UNSUPPORTED, "this operator is not supported; these are: %s",
                   sf_model_operators());
    node.op = import->op;
    node.output = sf_reader_find(reader, proto->output[0])->value;
    SF_TRY(sf_allocate(&node.input, proto->n_input, sizeof *node.input));
    SF_GO(import->read(&source));
    if (sf_node_is_constant(reader->graph, &node)) {
        status = sf_graph_fold(reader->graph, &node, &reader->fold_budget);
        if (status != SF_OK) status = sf_fail(status, "%s: %s", reader->file, sf_last_error());
    } else {
        status = sf_graph_add_node(reader->graph, &node);
    }
done:
    sf_free(node.input);
    return status;
}
