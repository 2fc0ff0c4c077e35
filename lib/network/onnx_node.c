/* onnx_node.c - a node of an ONNX file as a node of the graph: its attributes by the table of
 * operators, and what older opsets say in another way as the newest says it. */
#include "network/onnx_node.h"

#include "base/internal.h"
#include "network/operator.h"

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

static void *member(sf_node *node, const sf_field *field) { return (char *)node + field->offset; }

static sf_status set_real(const sf_source *s, const sf_field *field, double value, bool integer)
{
    void *to = member(s->node, field);

    if (!(value >= field->least && value <= field->most))
        return bad(s, SF_ERR_FORMAT, "attribute '%s' is %.15g, which is out of range", field->name,
                   value);
    if (!integer)
        *(float *)to = (float)value;
    else if (field->kind == SF_FIELD_LONG)
        *(long *)to = (long)value;
    else if (field->kind == SF_FIELD_SIZE)
        *(size_t *)to = (size_t)value;
    else
        *(bool *)to = value != 0.0;
    return SF_OK;
}

/* `count` integers, all in the field's range. */
static sf_status check_ints(const sf_source *s, const sf_field *field,
                            const Onnx__AttributeProto *a, size_t least, size_t most)
{
    if (a->n_ints < least || a->n_ints > most)
        return bad(s, SF_ERR_UNSUPPORTED, "attribute '%s' has %zu values, %zu are expected",
                   field->name, a->n_ints, most);
    for (size_t i = 0; i < a->n_ints; i++)
        if ((double)a->ints[i] < field->least || (double)a->ints[i] > field->most)
            return bad(s, SF_ERR_FORMAT, "attribute '%s' is %lld, which is out of range",
                       field->name, (long long)a->ints[i]);
    return SF_OK;
}

/* Rows and columns; of one axis alone, columns. */
static sf_status set_pair(const sf_source *s, const sf_field *field, const Onnx__AttributeProto *a)
{
    size_t *to = member(s->node, field);

    SF_TRY(check_ints(s, field, a, 1, 2));
    for (size_t i = 0; i < a->n_ints; i++) to[2 - a->n_ints + i] = (size_t)a->ints[i];
    return SF_OK;
}

static sf_status set_pads(const sf_source *s, const sf_field *field, const Onnx__AttributeProto *a)
{
    long *to = member(s->node, field);

    if (a->n_ints != 2) SF_TRY(check_ints(s, field, a, 4, 4));
    SF_TRY(check_ints(s, field, a, 2, 4));
    if (a->n_ints == 4)
        for (size_t i = 0; i < 4; i++) to[i] = (long)a->ints[i];
    else
        for (size_t i = 0; i < 2; i++) to[2 * i + 1] = (long)a->ints[i];
    return SF_OK;
}

static sf_status set_list(const sf_source *s, const sf_field *field, const Onnx__AttributeProto *a)
{
    long values[SF_TENSOR_MAX_RANK];

    SF_TRY(check_ints(s, field, a, 0, SF_TENSOR_MAX_RANK));
    for (size_t i = 0; i < a->n_ints; i++) values[i] = (long)a->ints[i];
    return sf_node_set_list(s->node, values, a->n_ints);
}

static sf_status set_equation(const sf_source *s, const Onnx__AttributeProto *a)
{
    long letters[64];
    size_t count = 0;

    if (!a->has_s) return bad(s, SF_ERR_FORMAT, "attribute '%s' is no text", a->name);
    for (size_t i = 0; i < a->s.len; i++) {
        if (a->s.data[i] == ' ') continue;
        if (count == sizeof letters / sizeof *letters)
            return bad(s, SF_ERR_UNSUPPORTED, "the %s is too long", a->name);
        letters[count++] = a->s.data[i];
    }
    return sf_node_set_list(s->node, letters, count);
}

static sf_status set_word(const sf_source *s, const sf_field *field, const Onnx__AttributeProto *a)
{
    for (int i = 0; a->has_s && field->words[i] != NULL; i++)
        if (a->s.len == strlen(field->words[i]) &&
            memcmp(a->s.data, field->words[i], a->s.len) == 0) {
            if (field->offset == offsetof(sf_node, column_row_depth) ||
                field->offset == offsetof(sf_node, flag))
                *(bool *)member(s->node, field) = i == 1;
            else
                memcpy(member(s->node, field), &i, sizeof i);
            return SF_OK;
        }
    return bad(s, SF_ERR_UNSUPPORTED, "%s '%.*s' is not supported", field->name,
               a->has_s && a->s.len < 64 ? (int)a->s.len : 0,
               a->has_s ? (const char *)a->s.data : "");
}

static sf_status set_fill(const sf_source *s, const Onnx__AttributeProto *a)
{
    const sf_literal literal = {a->t, a};
    sf_shape shape;
    size_t count;

    if (a->t == NULL) return bad(s, SF_ERR_FORMAT, "attribute '%s' is no tensor", a->name);
    if (sf_literal_shape(&literal, a->name, &shape, &count) != SF_OK || count != 1)
        return bad(s, SF_ERR_UNSUPPORTED, "attribute '%s' is not one number", a->name);
    s->node->alpha = (float)sf_literal_value(&literal, 0);
    s->node->to = sf_literal_type(&literal);
    if (isfinite(s->node->alpha)) return SF_OK;
    return bad(s, SF_ERR_NUMERIC, "attribute '%s' is %g", a->name, (double)s->node->alpha);
}

static sf_status set_type(const sf_source *s, const Onnx__AttributeProto *a)
{
    if (!a->has_i || !sf_literal_type_of((int)a->i, &s->node->to))
        return bad(s, SF_ERR_UNSUPPORTED, "the data type %lld is not supported", (long long)a->i);
    return SF_OK;
}

static sf_status read_field(const sf_source *s, const sf_field *field,
                            const Onnx__AttributeProto *a)
{
    switch (field->kind) {
    case SF_FIELD_LONG:
    case SF_FIELD_SIZE:
    case SF_FIELD_FLAG:
        if (!a->has_i) return bad(s, SF_ERR_FORMAT, "attribute '%s' is no integer", field->name);
        return set_real(s, field, field->kind == SF_FIELD_FLAG ? a->i != 0 : (double)a->i, true);
    case SF_FIELD_FLOAT:
        if (!a->has_f || !isfinite(a->f))
            return bad(s, SF_ERR_FORMAT, "attribute '%s' is no finite number", field->name);
        return set_real(s, field, (double)a->f, false);
    case SF_FIELD_PAIR: return set_pair(s, field, a);
    case SF_FIELD_PADS: return set_pads(s, field, a);
    case SF_FIELD_WORD: return set_word(s, field, a);
    case SF_FIELD_LIST: return set_list(s, field, a);
    case SF_FIELD_EQUATION: return set_equation(s, a);
    case SF_FIELD_TYPE: return set_type(s, a);
    case SF_FIELD_FILL: return set_fill(s, a);
    case SF_FIELD_ABSENT: break;
    }
    if (a->has_i && a->i == 0) return SF_OK;
    return bad(s, SF_ERR_UNSUPPORTED, "%s is not supported", field->name);
}

static sf_status set_usual(const sf_source *s, const sf_field *field)
{
    if (field->wanted) return bad(s, SF_ERR_FORMAT, "%s is missing", field->name);
    if (field->kind == SF_FIELD_LONG || field->kind == SF_FIELD_FLAG)
        return set_real(s, field, field->usual, true);
    if (field->kind == SF_FIELD_FLOAT) return set_real(s, field, field->usual, false);
    if (field->kind == SF_FIELD_SIZE) *(size_t *)member(s->node, field) = (size_t)field->usual;
    return SF_OK;
}

static sf_status read_fields(const sf_source *s)
{
    const sf_field *field = sf_operator_of(s->node->op)->fields;

    for (; field != NULL && field->name != NULL; field++) {
        const Onnx__AttributeProto *a = attribute(s, field->name);

        SF_TRY(a == NULL ? set_usual(s, field) : read_field(s, field, a));
    }
    return SF_OK;
}

/* ---- inputs -------------------------------------------------------------------------------- */

/* The values as a weight holds them (sf_free). */
static sf_status single_values(const sf_literal *literal, const char *what, size_t count,
                               float **values)
{
    SF_TRY(sf_allocate(values, count, sizeof **values));
    for (size_t i = 0; i < count; i++) {
        const double value = sf_literal_value(literal, i);

        (*values)[i] = (float)value;
        if (isfinite((*values)[i])) continue;
        sf_free(*values);
        *values = NULL;
        return sf_fail(SF_ERR_NUMERIC, "%s has the value %g, which single precision cannot hold",
                       what, value);
    }
    return SF_OK;
}

static sf_status whole_values(const sf_literal *literal, size_t count, double **values)
{
    SF_TRY(sf_allocate(values, count, sizeof **values));
    for (size_t i = 0; i < count; i++) (*values)[i] = sf_literal_value(literal, i);
    return SF_OK;
}

/* A constant that is used becomes a value of the graph: real numbers a weight. */
static sf_status add_constant(sf_reader *reader, sf_named *named)
{
    char what[256];
    double *number = NULL;
    float *weight = NULL;
    sf_status status;
    sf_shape shape;
    size_t count;
    const sf_type type = sf_literal_type(&named->literal);

    (void)snprintf(what, sizeof what, "%.80s: the constant '%.80s'", reader->file, named->name);
    SF_TRY(sf_literal_shape(&named->literal, what, &shape, &count));
    if (type == SF_TYPE_REAL)
        SF_GO(single_values(&named->literal, what, count, &weight));
    else
        SF_GO(whole_values(&named->literal, count, &number));
    SF_GO(sf_graph_add_value(reader->graph, named->name, &shape, NULL, &named->value));
    reader->graph->value[named->value].constant = weight;
    reader->graph->value[named->value].number = number;
    reader->graph->value[named->value].type = type;
    return SF_OK;
done:
    sf_free(weight);
    sf_free(number);
    return status;
}

static sf_status find_input(const sf_source *s, const char *name, size_t *value)
{
    sf_named *named;

    *value = SF_NO_VALUE;
    if (name[0] == '\0') return SF_OK;
    named = sf_reader_find(s->reader, name);
    if (named == NULL) return bad(s, SF_ERR_FORMAT, "the input '%s' is produced by nothing", name);
    if (named->value == SF_NO_VALUE && named->literal.tensor == NULL &&
        named->literal.attribute == NULL)
        return bad(s, SF_ERR_UNSUPPORTED,
                   "the input '%s' is not the first output of a node: that one is supported", name);
    if (named->value == SF_NO_VALUE) SF_TRY(add_constant(s->reader, named));
    *value = named->value;
    return SF_OK;
}

/* Those at the end that are left out are not counted. */
static sf_status read_inputs(const sf_source *s)
{
    size_t count = s->proto->n_input;

    while (count > 0 && sf_proto_text(s->proto->input[count - 1])[0] == '\0') count--;
    for (size_t i = 0; i < count; i++)
        SF_TRY(find_input(s, sf_proto_text(s->proto->input[i]), &s->node->input[i]));
    s->node->input_count = count;
    return SF_OK;
}

static sf_status check_inputs(const sf_source *s)
{
    const sf_operator *row = sf_operator_of(s->node->op);

    if (s->node->input_count < row->least || s->node->input_count > row->most)
        return bad(s, SF_ERR_FORMAT, "%zu inputs, at least %zu are expected", s->node->input_count,
                   row->least);
    for (size_t i = 0; i < row->least; i++)
        if (s->node->input[i] == SF_NO_VALUE)
            return bad(s, SF_ERR_FORMAT, "input %zu is missing", i);
    return SF_OK;
}

/* ---- older opsets -------------------------------------------------------------------------- */

/* What was an attribute before that opset is an input since. */
typedef struct sf_upgrade {
    sf_op op;
    const char *attribute;
    size_t input;
    long before;
} sf_upgrade;

static const sf_upgrade upgrades[] = {
    {SF_OP_CLIP, "min", 1, 11},         {SF_OP_CLIP, "max", 2, 11},
    {SF_OP_PAD, "pads", 1, 11},         {SF_OP_PAD, "value", 2, 11},
    {SF_OP_REDUCE_MEAN, "axes", 1, 18}, {SF_OP_REDUCE_SUM, "axes", 1, 13},
    {SF_OP_RESIZE, "scales", 2, 9},     {SF_OP_SLICE, "starts", 1, 10},
    {SF_OP_SLICE, "ends", 2, 10},       {SF_OP_SLICE, "axes", 3, 10},
    {SF_OP_SPLIT, "split", 1, 13},      {SF_OP_SQUEEZE, "axes", 1, 13},
    {SF_OP_UNSQUEEZE, "axes", 1, 13},
};

static sf_status attribute_value(const sf_source *s, const Onnx__AttributeProto *a, size_t *value)
{
    const sf_literal literal = {.attribute = a};
    sf_named named = {.name = a->name, .literal = literal, .value = SF_NO_VALUE};

    SF_TRY(add_constant(s->reader, &named));
    *value = named.value;
    return SF_OK;
}

/* node->input has room for it. */
static void put_input(sf_node *node, size_t input, size_t value)
{
    while (node->input_count <= input) node->input[node->input_count++] = SF_NO_VALUE;
    node->input[input] = value;
}

static sf_status upgrade_attributes(const sf_source *s)
{
    for (size_t i = 0; i < sizeof upgrades / sizeof *upgrades; i++) {
        const sf_upgrade *u = &upgrades[i];
        const Onnx__AttributeProto *a = attribute(s, u->attribute);
        size_t value;

        if (u->op != s->node->op || s->reader->opset >= u->before || a == NULL) continue;
        SF_TRY(attribute_value(s, a, &value));
        put_input(s->node, u->input, value);
    }
    return SF_OK;
}

/* Rounding down where all axes grow, up where all shrink; otherwise settling refuses. */
static void round_old(const sf_source *s)
{
    const size_t value = s->node->input_count > 2 ? s->node->input[2] : SF_NO_VALUE;
    const sf_value *scales = value == SF_NO_VALUE ? NULL : &s->reader->graph->value[value];
    bool grows = false, shrinks = false;

    s->node->resize_rounding = SF_RESIZE_ROUND_OLD;
    if (scales == NULL || !sf_value_is_known(scales)) return;
    for (size_t i = 0; i < sf_shape_count(&scales->shape); i++) {
        grows |= sf_value_number(scales, i) > 1.0;
        shrinks |= sf_value_number(scales, i) < 1.0;
    }
    if (!grows || !shrinks) s->node->resize_rounding = shrinks ? SF_RESIZE_CEIL : SF_RESIZE_FLOOR;
}

static sf_status upgrade(const sf_source *s)
{
    sf_node *node = s->node;
    const long opset = s->reader->opset;

    SF_TRY(upgrade_attributes(s));
    if (node->op == SF_OP_RESIZE && opset < 11) {
        node->resize_coordinates = SF_RESIZE_ASYMMETRIC;
        if (node->input_count == 2) { /* the scales */
            put_input(node, 2, node->input[1]);
            node->input[1] = SF_NO_VALUE;
        }
        round_old(s);
    }
    if (node->op == SF_OP_SOFTMAX && opset < 13) {
        if (attribute(s, "axis") == NULL) node->axis = 1;
        node->flag = node->axis != -1; /* over the last axis both are the same */
    }
    return SF_OK;
}

/* ---- nodes --------------------------------------------------------------------------------- */

static bool is_constant(const Onnx__NodeProto *node)
{
    return strcmp(sf_proto_text(node->op_type), "Constant") == 0;
}

static bool find_operator(const sf_source *s, sf_op *op)
{
    const char *domain = sf_proto_text(s->proto->domain), *name = sf_proto_text(s->proto->op_type);

    if (domain[0] != '\0' && strcmp(domain, "ai.onnx") != 0) return false;
    if (strcmp(name, "Upsample") == 0) name = sf_op_name(SF_OP_RESIZE);
    for (*op = 0; *op < SF_OP_COUNT; (*op)++)
        if (strcmp(name, sf_op_name(*op)) == 0) return true;
    return false;
}

/* Only a Split has outputs after the first that anything may read. */
static sf_status name_output(sf_reader *reader, const Onnx__NodeProto *proto, size_t output)
{
    sf_named *named = &reader->named[reader->named_count++];
    const bool several = strcmp(sf_proto_text(proto->op_type), "Split") == 0;

    named->name = proto->output[output];
    named->value = SF_NO_VALUE;
    if (is_constant(proto) || (output > 0 && !several)) return SF_OK;
    return sf_graph_add_value(reader->graph, named->name, NULL, NULL, &named->value);
}

sf_status sf_reader_name_node(sf_reader *reader, const Onnx__NodeProto *proto)
{
    const sf_source source = {.reader = reader, .proto = proto};

    if (proto->n_output == 0 || sf_proto_text(proto->output[0])[0] == '\0')
        return bad(&source, SF_ERR_FORMAT, "it has no output");
    for (size_t i = 0; i < proto->n_output; i++)
        if (sf_proto_text(proto->output[i])[0] != '\0') SF_TRY(name_output(reader, proto, i));
    if (!is_constant(proto)) return SF_OK;
    if (proto->n_attribute != 1)
        return bad(&source, SF_ERR_FORMAT, "one attribute is expected, %zu are there",
                   proto->n_attribute);
    if (proto->n_output != 1) return bad(&source, SF_ERR_FORMAT, "it has several outputs");
    reader->named[reader->named_count - 1].literal =
        (sf_literal){proto->attribute[0]->t, proto->attribute[0]};
    return SF_OK;
}

/* A node for each output. */
static sf_status add_outputs(const sf_source *s)
{
    sf_node *node = s->node;

    if (node->op != SF_OP_SPLIT) {
        node->output = sf_reader_find(s->reader, s->proto->output[0])->value;
        return sf_graph_add_node(s->reader->graph, node);
    }
    node->parts = s->proto->n_output;
    for (node->part = 0; node->part < node->parts; node->part++) {
        const char *name = sf_proto_text(s->proto->output[node->part]);

        if (name[0] == '\0') continue;
        node->output = sf_reader_find(s->reader, name)->value;
        SF_TRY(sf_graph_add_node(s->reader->graph, node));
    }
    return SF_OK;
}

sf_status sf_reader_add_node(sf_reader *reader, const Onnx__NodeProto *proto)
{
    sf_node node = {.name = proto->name == NULL ? proto->output[0] : proto->name,
                    .stride = {1, 1},
                    .dilation = {1, 1},
                    .groups = 1};
    const sf_source source = {.reader = reader, .proto = proto, .node = &node};
    sf_status status;

    if (is_constant(proto)) return SF_OK;
    if (!find_operator(&source, &node.op))
        return bad(&source, SF_ERR_UNSUPPORTED, "this operator is not supported; these are: %s",
                   sf_model_operators());
    SF_GO(sf_allocate(&node.input, proto->n_input + 4, sizeof *node.input)); /* upgrades */
    SF_GO(read_fields(&source));
    SF_GO(read_inputs(&source));
    SF_GO(upgrade(&source));
    SF_GO(check_inputs(&source));
    SF_GO(add_outputs(&source));
done:
    sf_free(node.input);
    sf_free(node.list);
    return status;
}
