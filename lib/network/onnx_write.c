/* onnx_write.c - a graph as an ONNX file with its weights inside: opset 13 (IR version 8), or the
 * oldest later one that has words for all of its operators. */
#include "base/internal.h"
#include "network/operator.h"
#include "onnx/onnx.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTRIBUTES 9 /* the most that an operator has */

/* Everything protobuf-c's structures point to comes from here and goes in one sweep. */
typedef struct sf_pool {
    void **block;
    size_t count, capacity;
    sf_status status; /* the first failure; all later calls give NULL */
} sf_pool;

static void *take(sf_pool *pool, size_t count, size_t size)
{
    void *memory;

    if (pool->status != SF_OK) return NULL;
    if (pool->count == pool->capacity) {
        void **larger;
        const size_t capacity = pool->capacity == 0 ? 64 : 2 * pool->capacity;

        pool->status = sf_allocate(&larger, capacity, sizeof *larger);
        if (pool->status != SF_OK) return NULL;
        if (pool->count > 0) memcpy(larger, pool->block, pool->count * sizeof *larger);
        sf_free(pool->block);
        pool->block = larger;
        pool->capacity = capacity;
    }
    pool->status = sf_allocate(&memory, count, size);
    if (pool->status != SF_OK) return NULL;
    return pool->block[pool->count++] = memory;
}

static void drop(sf_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++) sf_free(pool->block[i]);
    sf_free(pool->block);
}

static char *text(sf_pool *pool, const char *words)
{
    char *copy = take(pool, strlen(words) + 1, 1);

    if (copy != NULL) memcpy(copy, words, strlen(words) + 1);
    return copy;
}

/* ---- tensors and types --------------------------------------------------------------------- */

static Onnx__TensorProto *tensor(sf_pool *pool, const char *name, int type, const sf_shape *shape,
                                 const void *data, size_t bytes)
{
    Onnx__TensorProto *t = take(pool, 1, sizeof *t);
    int64_t *dims = take(pool, (size_t)shape->rank, sizeof *dims);

    if (pool->status != SF_OK) return NULL;
    onnx__tensor_proto__init(t);
    for (int i = 0; i < shape->rank; i++) dims[i] = (int64_t)shape->dim[i];
    t->name = text(pool, name);
    t->dims = dims;
    t->n_dims = (size_t)shape->rank;
    t->has_data_type = 1;
    t->data_type = type;
    t->has_raw_data = 1;
    t->raw_data.len = bytes;
    memcpy(&t->raw_data.data, &data, sizeof data); /* only read, though not const there */
    return t;
}

static Onnx__TensorShapeProto__Dimension *dimension(sf_pool *pool, size_t length, const char *free)
{
    Onnx__TensorShapeProto__Dimension *d = take(pool, 1, sizeof *d);

    if (d == NULL) return NULL;
    onnx__tensor_shape_proto__dimension__init(d);
    d->value_case = length == 0 ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                                : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    if (length == 0)
        d->dim_param = text(pool, free);
    else
        d->dim_value = (int64_t)length;
    return d;
}

/* A float tensor whose free dimensions (0) are called batch, channels, rows, columns. */
static Onnx__ValueInfoProto *value_info(sf_pool *pool, const char *name, const sf_shape *shape)
{
    static const char *const names[] = {"batch", "channels", "rows", "columns"};
    Onnx__ValueInfoProto *info = take(pool, 1, sizeof *info);
    Onnx__TypeProto *type = take(pool, 1, sizeof *type);
    Onnx__TypeProto__Tensor *of = take(pool, 1, sizeof *of);
    Onnx__TensorShapeProto *dims = take(pool, 1, sizeof *dims);
    Onnx__TensorShapeProto__Dimension **dim = take(pool, (size_t)shape->rank, sizeof *dim);

    if (pool->status != SF_OK) return NULL;
    onnx__value_info_proto__init(info);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(of);
    onnx__tensor_shape_proto__init(dims);
    for (int i = 0; i < shape->rank; i++) dim[i] = dimension(pool, shape->dim[i], names[i & 3]);
    dims->dim = dim;
    dims->n_dim = (size_t)shape->rank;
    of->has_elem_type = 1;
    of->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    of->shape = dims;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = of;
    info->name = text(pool, name);
    info->type = type;
    return info;
}

typedef struct sf_writer {
    sf_pool pool;
    const sf_graph *graph;
    const char **taken; /* the values' names as they are, sorted */
    char **name;        /* of every value, each once */
    Onnx__GraphProto proto;
    long opset;
} sf_writer;

/* ---- names ---------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How many values bear the name: 0, 1 or 2 for more. */
static int times_taken(const sf_writer *w, const char *name)
{
    const char **end = w->taken + w->graph->value_count;
    const char **found = bsearch(&name, w->taken, w->graph->value_count, sizeof name, by_text);

    if (found == NULL) return 0;
    if (found > w->taken && strcmp(found[-1], name) == 0) return 2;
    return found + 1 < end && strcmp(found[1], name) == 0 ? 2 : 1;
}

/* "stem.suffix", and as many underscores behind it as make it new. */
static char *new_name(sf_writer *w, const char *stem, const char *suffix)
{
    const size_t room = strlen(stem) + strlen(suffix) + 16;
    char *name = take(&w->pool, room, 1);
    size_t length;

    if (name == NULL) return NULL;
    length = (size_t)snprintf(name, room, "%s.%s", stem, suffix);
    while (length + 1 < room && times_taken(w, name) > 0) name[length++] = '_';
    return name;
}

/* A value keeps its name where no other bears it; an input or the output in any case, for others
 * may address these. */
static char *value_name(sf_writer *w, size_t value)
{
    const sf_graph *graph = w->graph;
    const char *old = graph->value[value].name;
    const bool door = value == graph->output || value == graph->input[0] ||
                      (graph->input_count > 1 && value == graph->input[1]);
    char number[24];

    if (old[0] != '\0' && (door || times_taken(w, old) == 1)) return text(&w->pool, old);
    (void)snprintf(number, sizeof number, "%zu", value);
    return new_name(w, old[0] == '\0' ? "value" : old, number);
}

static sf_status name_values(sf_writer *w)
{
    const size_t count = w->graph->value_count;

    w->taken = take(&w->pool, count, sizeof *w->taken);
    w->name = take(&w->pool, count, sizeof *w->name);
    if (w->pool.status != SF_OK) return w->pool.status;
    for (size_t i = 0; i < count; i++) w->taken[i] = w->graph->value[i].name;
    qsort(w->taken, count, sizeof *w->taken, by_text);
    for (size_t i = 0; i < count; i++) w->name[i] = value_name(w, i);
    return w->pool.status;
}

/* ---- attributes and nodes -------------------------------------------------------------------- */

static Onnx__AttributeProto *attribute(sf_writer *w, Onnx__NodeProto *node, const char *name,
                                       Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = take(&w->pool, 1, sizeof *a);

    if (a == NULL) return NULL;
    onnx__attribute_proto__init(a);
    a->name = text(&w->pool, name);
    a->has_type = 1;
    a->type = type;
    node->attribute[node->n_attribute++] = a;
    return a;
}

static void put_int(sf_writer *w, Onnx__NodeProto *node, const char *name, int64_t value)
{
    Onnx__AttributeProto *a = attribute(w, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);

    if (a == NULL) return;
    a->has_i = 1;
    a->i = value;
}

static void put_float(sf_writer *w, Onnx__NodeProto *node, const char *name, float value)
{
    Onnx__AttributeProto *a =
        attribute(w, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);

    if (a == NULL) return;
    a->has_f = 1;
    a->f = value;
}

static void put_word(sf_writer *w, Onnx__NodeProto *node, const char *name, const char *word)
{
    Onnx__AttributeProto *a =
        attribute(w, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    char *copy = text(&w->pool, word);

    if (a == NULL || copy == NULL) return;
    a->has_s = 1;
    a->s.len = strlen(word);
    a->s.data = (uint8_t *)copy;
}

static void put_longs(sf_writer *w, Onnx__NodeProto *node, const char *name, const long *values,
                      size_t count)
{
    Onnx__AttributeProto *a = attribute(w, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *copy = take(&w->pool, count, sizeof *copy);

    if (a == NULL || copy == NULL) return;
    for (size_t i = 0; i < count; i++) copy[i] = values[i];
    a->ints = copy;
    a->n_ints = count;
}

/* ---- attributes by the table ---------------------------------------------------------------- */

static bool has_dilations(const sf_node *node)
{
    return node->dilation[0] > 1 || node->dilation[1] > 1;
}

/* Windows along one axis alone are those of a weight of rank 3. */
static bool has_one_axis(const sf_writer *w, const sf_node *node)
{
    return node->input_count > 1 && node->input[1] != SF_NO_VALUE &&
           w->graph->value[node->input[1]].shape.rank == 3;
}

static void put_pair(sf_writer *w, Onnx__NodeProto *to, const sf_node *node, const char *name,
                     const size_t pair[2])
{
    const size_t skip = has_one_axis(w, node) ? 1 : 0;
    const long values[2] = {(long)pair[0], (long)pair[1]};

    if (pair[1] > 0 || strcmp(name, "output_padding") == 0)
        put_longs(w, to, name, values + skip, 2 - skip);
}

static void put_pads(sf_writer *w, Onnx__NodeProto *to, const sf_node *node)
{
    if (node->auto_pad != SF_AUTO_PAD_NONE) return;
    if (has_one_axis(w, node))
        put_longs(w, to, "pads", (const long[]){node->pads[1], node->pads[3]}, 2);
    else
        put_longs(w, to, "pads", node->pads, 4);
}

static int64_t type_code(sf_type type)
{
    return type == SF_TYPE_REAL      ? ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT
           : type == SF_TYPE_INTEGER ? ONNX__TENSOR_PROTO__DATA_TYPE__INT64
                                     : ONNX__TENSOR_PROTO__DATA_TYPE__BOOL;
}

/* The numbers in the file's type: integers of 64 bits, truths of 8. */
static Onnx__TensorProto *number_tensor(sf_writer *w, const char *name, sf_type type,
                                        const sf_shape *shape, const double *number)
{
    const size_t size = type == SF_TYPE_INTEGER ? 8 : type == SF_TYPE_REAL ? 4 : 1;
    const size_t count = sf_shape_count(shape);
    char *bytes = take(&w->pool, count, size);

    for (size_t i = 0; bytes != NULL && i < count; i++) {
        const int64_t whole = number[i] >= 0x1p63 ? INT64_MAX : (int64_t)number[i];
        const float single = (float)number[i];
        const char truth = number[i] != 0.0;

        memcpy(bytes + i * size,
               type == SF_TYPE_INTEGER ? (const void *)&whole
               : type == SF_TYPE_REAL  ? (const void *)&single
                                       : (const void *)&truth,
               size);
    }
    return tensor(&w->pool, name, (int)type_code(type), shape, bytes, count * size);
}

static void put_fill(sf_writer *w, Onnx__NodeProto *to, const sf_node *node)
{
    const sf_shape shape = {.rank = 1, .dim = {1}};
    const double number = (double)node->alpha;
    Onnx__AttributeProto *a =
        attribute(w, to, "value", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR);

    if (a != NULL) a->t = number_tensor(w, "", node->to, &shape, &number);
}

static void put_equation(sf_writer *w, Onnx__NodeProto *to, const char *name, const sf_node *node)
{
    char *letters = take(&w->pool, node->list_count + 1, 1);

    for (size_t i = 0; letters != NULL && i < node->list_count; i++)
        letters[i] = (char)node->list[i];
    if (letters != NULL) put_word(w, to, name, letters);
}

static int word_of(const sf_node *node, const sf_field *field)
{
    const char *at = (const char *)node + field->offset;
    int word;

    if (field->offset == offsetof(sf_node, column_row_depth) ||
        field->offset == offsetof(sf_node, flag))
        return *(const bool *)at ? 1 : 0;
    memcpy(&word, at, sizeof word);
    return word;
}

static void put_field(sf_writer *w, Onnx__NodeProto *to, const sf_node *node, const sf_field *field)
{
    const void *at = (const char *)node + field->offset;

    switch (field->kind) {
    case SF_FIELD_LONG:
        if (field->wanted || (double)*(const long *)at != field->usual)
            put_int(w, to, field->name, *(const long *)at);
        break;
    case SF_FIELD_FLAG:
        if ((*(const bool *)at ? 1.0 : 0.0) != field->usual)
            put_int(w, to, field->name, *(const bool *)at);
        break;
    case SF_FIELD_FLOAT: put_float(w, to, field->name, *(const float *)at); break;
    case SF_FIELD_SIZE:
        if (node->op != SF_OP_SPLIT || (w->opset >= 18 && node->input_count == 1))
            put_int(w, to, field->name, (int64_t) * (const size_t *)at);
        break;
    case SF_FIELD_PAIR:
        if (field->offset != offsetof(sf_node, dilation) || node->op != SF_OP_AVERAGE_POOL ||
            has_dilations(node))
            put_pair(w, to, node, field->name, at);
        break;
    case SF_FIELD_PADS: put_pads(w, to, node); break;
    case SF_FIELD_WORD:
        if (word_of(node, field) > 0 || node->op != SF_OP_CONV)
            put_word(w, to, field->name, field->words[word_of(node, field)]);
        break;
    case SF_FIELD_LIST:
        if (node->list_count > 0) put_longs(w, to, field->name, node->list, node->list_count);
        break;
    case SF_FIELD_EQUATION: put_equation(w, to, field->name, node); break;
    case SF_FIELD_TYPE: put_int(w, to, field->name, type_code(node->to)); break;
    case SF_FIELD_FILL: put_fill(w, to, node); break;
    case SF_FIELD_ABSENT: break;
    }
}

/* ---- opsets and nodes ------------------------------------------------------------------------ */

/* The oldest opset from 13 on that has words for the node. */
static long oldest_opset(const sf_node *node)
{
    const long row = sf_operator_of(node->op)->opset;
    const bool newest = (node->op == SF_OP_AVERAGE_POOL && has_dilations(node)) ||
                        (node->op == SF_OP_PAD && node->pad_mode == SF_PAD_WRAP);
    const bool axes = (node->op == SF_OP_PAD && node->input_count > 3) ||
                      (node->op == SF_OP_RESIZE && node->list_count > 0);
    const bool part =
        node->op == SF_OP_SHAPE && (node->axis != 0 || node->end < SF_TENSOR_MAX_RANK);
    const bool zeros = node->op == SF_OP_RESHAPE && node->flag;

    if (newest) return 19;
    if (axes) return 18;
    if (part || zeros) return 15;
    return row > 13 ? row : 13;
}

/* What only an older opset has words for. */
static sf_status check_form(const sf_graph *graph, const sf_node *node)
{
    const char *why = NULL;

    if (node->settled) why = "it is settled for one size";
    if (node->op == SF_OP_RESIZE && node->resize_rounding == SF_RESIZE_ROUND_OLD)
        why = "it rounds as opsets before 11 do";
    if (node->op == SF_OP_SOFTMAX && node->flag)
        why = "it is over several axes, as before opset 13";
    if (node->op == SF_OP_GROUP_NORM && graph->opset < 21)
        why = "its scale is one number a group, as before opset 21";
    if (why == NULL) return SF_OK;
    return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED,
                             "%s: it cannot be saved; convert the file that it came from", why);
}

/* A Split has all its outputs, of which the graph's node is one. */
static void put_outputs(sf_writer *w, Onnx__NodeProto *to, const sf_node *node)
{
    const size_t count = node->op == SF_OP_SPLIT ? node->parts : 1;
    char **output = take(&w->pool, count, sizeof *output);
    char suffix[32];

    for (size_t i = 0; output != NULL && i < count; i++) {
        (void)snprintf(suffix, sizeof suffix, "part%zu", i);
        output[i] = count == 1 || i == node->part ? w->name[node->output]
                                                  : new_name(w, w->name[node->output], suffix);
    }
    to->output = output;
    to->n_output = count;
}

static sf_status put_node(sf_writer *w, const sf_node *node)
{
    const sf_field *field = sf_operator_of(node->op)->fields;
    Onnx__NodeProto *to = take(&w->pool, 1, sizeof *to);
    char **input = take(&w->pool, node->input_count, sizeof *input);
    Onnx__AttributeProto **attributes = take(&w->pool, ATTRIBUTES, sizeof *attributes);

    SF_TRY(check_form(w->graph, node));
    if (w->pool.status != SF_OK) return w->pool.status;
    onnx__node_proto__init(to);
    for (size_t i = 0; i < node->input_count; i++)
        input[i] = node->input[i] == SF_NO_VALUE ? text(&w->pool, "") : w->name[node->input[i]];
    to->name = node->name;
    to->op_type = text(&w->pool, sf_op_name(node->op));
    to->input = input;
    to->n_input = node->input_count;
    to->attribute = attributes;
    put_outputs(w, to, node);
    for (; field != NULL && field->name != NULL; field++) put_field(w, to, node, field);
    w->proto.node[w->proto.n_node++] = to;
    return w->pool.status;
}

/* ---- the whole file ------------------------------------------------------------------------ */

static sf_status fill_graph(sf_writer *w)
{
    const sf_graph *graph = w->graph;
    const sf_shape any = {.rank = 4};
    Onnx__GraphProto *p = &w->proto;

    w->opset = 13;
    for (size_t i = 0; i < graph->node_count; i++)
        if (oldest_opset(&graph->node[i]) > w->opset) w->opset = oldest_opset(&graph->node[i]);
    SF_TRY(name_values(w));
    p->name = text(&w->pool, "scorefield");
    p->node = take(&w->pool, graph->node_count, sizeof *p->node);
    p->initializer = take(&w->pool, graph->value_count, sizeof *p->initializer);
    p->input = take(&w->pool, graph->input_count, sizeof *p->input);
    p->output = take(&w->pool, 1, sizeof *p->output);
    if (w->pool.status != SF_OK) return w->pool.status;
    for (size_t i = 0; i < graph->value_count; i++) {
        const sf_value *value = &graph->value[i];

        if (value->constant != NULL)
            p->initializer[p->n_initializer++] =
                tensor(&w->pool, w->name[i], ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, &value->shape,
                       value->constant, sf_shape_count(&value->shape) * sizeof *value->constant);
        else if (value->number != NULL)
            p->initializer[p->n_initializer++] =
                number_tensor(w, w->name[i], value->type, &value->shape, value->number);
    }
    for (size_t i = 0; i < graph->input_count; i++)
        p->input[p->n_input++] =
            value_info(&w->pool, w->name[graph->input[i]], &graph->value[graph->input[i]].shape);
    p->output[p->n_output++] = value_info(&w->pool, w->name[graph->output], &any);
    for (size_t i = 0; i < graph->node_count; i++) SF_TRY(put_node(w, &graph->node[i]));
    return w->pool.status;
}

static sf_status fill_model(sf_writer *w, Onnx__ModelProto *model)
{
    Onnx__OperatorSetIdProto *opset = take(&w->pool, 1, sizeof *opset);
    Onnx__OperatorSetIdProto **opsets = take(&w->pool, 1, sizeof *opsets);
    Onnx__StringStringEntryProto *entry = take(&w->pool, w->graph->metadata_count, sizeof *entry);
    Onnx__StringStringEntryProto **list = take(&w->pool, w->graph->metadata_count, sizeof *list);

    if (w->pool.status != SF_OK) return w->pool.status;
    onnx__operator_set_id_proto__init(opset);
    opset->domain = text(&w->pool, "");
    opset->has_version = 1;
    opset->version = w->opset;
    opsets[0] = opset;
    model->opset_import = opsets;
    model->n_opset_import = 1;
    model->has_ir_version = 1;
    model->ir_version = w->opset > 20 ? 10 : w->opset > 18 ? 9 : 8;
    model->producer_name = text(&w->pool, "scorefield");
    model->producer_version = text(&w->pool, sf_version());
    for (size_t i = 0; i < w->graph->metadata_count; i++) {
        onnx__string_string_entry_proto__init(&entry[i]);
        entry[i].key = w->graph->metadata[i].key;
        entry[i].value = w->graph->metadata[i].value;
        list[i] = &entry[i];
    }
    model->metadata_props = list;
    model->n_metadata_props = w->graph->metadata_count;
    model->graph = &w->proto;
    return w->pool.status;
}

sf_status sf_onnx_write(const sf_graph *graph, void **bytes, size_t *size)
{
    sf_writer w = {.graph = graph};
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    sf_status status;

    *bytes = NULL;
    *size = 0;
    onnx__graph_proto__init(&w.proto);
    SF_GO(fill_graph(&w));
    SF_GO(fill_model(&w, &model));
    *size = onnx__model_proto__get_packed_size(&model);
    SF_GO(sf_allocate(bytes, *size, 1));
    (void)onnx__model_proto__pack(&model, *bytes);
done:
    drop(&w.pool);
    return status;
}
