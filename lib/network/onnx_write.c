/* onnx_write.c - a graph as an ONNX file with its weights inside: IR version 8, opset 13, or 9 and
 * 19 where the operators need that. */
#include "base/internal.h"
#include "network/graph.h"
#include "onnx/onnx.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTRIBUTES 9

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

/* ---- attributes and nodes ---------------------------------------------------------------------
 */

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

static void put_sizes(sf_writer *w, Onnx__NodeProto *node, const char *name, const size_t sizes[2])
{
    put_longs(w, node, name, (const long[]){(long)sizes[0], (long)sizes[1]}, 2);
}

/* One more input: a constant of its own, "node.what". */
static void put_constant(sf_writer *w, Onnx__NodeProto *node, const char *what, int type,
                         const void *data, size_t count, size_t size, int rank)
{
    const sf_shape shape = {.rank = rank, .dim = {count}};
    void *copy = take(&w->pool, count, size);
    char *name = new_name(w, node->output[0], what);

    if (w->pool.status != SF_OK) return;
    if (count > 0) memcpy(copy, data, count * size);
    node->input[node->n_input++] = name;
    w->proto.initializer[w->proto.n_initializer++] =
        tensor(&w->pool, name, type, &shape, copy, count * size);
}

static bool has_dilations(const sf_node *node)
{
    return node->dilation[0] > 1 || node->dilation[1] > 1;
}

/* What opset 13 has no words for. */
static bool is_newer(const sf_node *node)
{
    return (node->op == SF_OP_AVERAGE_POOL && has_dilations(node)) ||
           (node->op == SF_OP_PAD && node->pad_mode == SF_PAD_WRAP) ||
           (node->op == SF_OP_RESIZE && node->scale[0] == 0.0);
}

static void put_window(sf_writer *w, Onnx__NodeProto *to, const sf_node *node)
{
    static const char *const words[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};

    put_sizes(w, to, "kernel_shape", node->kernel);
    put_sizes(w, to, "strides", node->stride);
    if (node->auto_pad == SF_AUTO_PAD_NONE)
        put_longs(w, to, "pads", node->pads, 4);
    else
        put_word(w, to, "auto_pad", words[node->auto_pad]);
    if (node->op == SF_OP_AVERAGE_POOL) {
        put_int(w, to, "count_include_pad", node->count_include_pad);
        put_int(w, to, "ceil_mode", node->ceil_mode);
        if (has_dilations(node)) put_sizes(w, to, "dilations", node->dilation);
        return;
    }
    put_sizes(w, to, "dilations", node->dilation);
    put_int(w, to, "group", (int64_t)node->groups);
    if (node->op == SF_OP_CONV_TRANSPOSE) put_sizes(w, to, "output_padding", node->output_padding);
}

static void put_pad(sf_writer *w, Onnx__NodeProto *to, const sf_node *node)
{
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
    const int64_t pads[8] = {0, 0, node->pads[0], node->pads[1],
                             0, 0, node->pads[2], node->pads[3]};

    put_word(w, to, "mode", modes[node->pad_mode]);
    put_constant(w, to, "pads", ONNX__TENSOR_PROTO__DATA_TYPE__INT64, pads, 8, sizeof *pads, 1);
    put_constant(w, to, "value", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, &node->alpha, 1,
                 sizeof node->alpha, 0);
}

static void put_resize(sf_writer *w, Onnx__NodeProto *to, const sf_node *node)
{
    static const char *const modes[] = {"nearest", "linear"};
    static const char *const coordinates[] = {"half_pixel", "asymmetric", "align_corners",
                                              "pytorch_half_pixel"};
    static const char *const rounding[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                           "ceil"};
    const float scales[4] = {1.0f, 1.0f, (float)node->scale[0], (float)node->scale[1]};
    const int64_t sizes[2] = {(int64_t)node->size[0], (int64_t)node->size[1]};

    put_word(w, to, "mode", modes[node->resize_mode]);
    put_word(w, to, "coordinate_transformation_mode", coordinates[node->resize_coordinates]);
    put_word(w, to, "nearest_mode", rounding[node->resize_rounding]);
    to->input[to->n_input++] = text(&w->pool, ""); /* no region of interest */
    if (node->scale[0] > 0.0) {
        put_constant(w, to, "scales", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, scales, 4,
                     sizeof *scales, 1);
        return;
    }
    put_longs(w, to, "axes", (const long[]){2, 3}, 2);
    to->input[to->n_input++] = text(&w->pool, "");
    put_constant(w, to, "sizes", ONNX__TENSOR_PROTO__DATA_TYPE__INT64, sizes, 2, sizeof *sizes, 1);
}

static void put_attributes(sf_writer *w, Onnx__NodeProto *to, const sf_node *node)
{
    switch (node->op) {
    case SF_OP_CONV:
    case SF_OP_CONV_TRANSPOSE:
    case SF_OP_AVERAGE_POOL: put_window(w, to, node); break;
    case SF_OP_BATCH_NORM: put_float(w, to, "epsilon", node->alpha); break;
    case SF_OP_LEAKY_RELU:
    case SF_OP_ELU: put_float(w, to, "alpha", node->alpha); break;
    case SF_OP_CONCAT: put_int(w, to, "axis", node->axis); break;
    case SF_OP_DEPTH_TO_SPACE:
        put_word(w, to, "mode", node->column_row_depth ? "CRD" : "DCR");
        put_int(w, to, "blocksize", (int64_t)node->block);
        break;
    case SF_OP_SPACE_TO_DEPTH: put_int(w, to, "blocksize", (int64_t)node->block); break;
    case SF_OP_PAD: put_pad(w, to, node); break;
    case SF_OP_RESIZE: put_resize(w, to, node); break;
    default: break;
    }
}

static sf_status put_node(sf_writer *w, const sf_node *node)
{
    Onnx__NodeProto *to = take(&w->pool, 1, sizeof *to);
    char **input = take(&w->pool, node->input_count + 4, sizeof *input);
    char **output = take(&w->pool, 1, sizeof *output);
    Onnx__AttributeProto **attributes = take(&w->pool, ATTRIBUTES, sizeof *attributes);

    if (w->pool.status != SF_OK) return w->pool.status;
    onnx__node_proto__init(to);
    for (size_t i = 0; i < node->input_count; i++) input[i] = w->name[node->input[i]];
    output[0] = w->name[node->output];
    to->name = node->name;
    to->op_type = text(&w->pool, sf_op_name(node->op));
    to->input = input;
    to->n_input = node->input_count;
    to->output = output;
    to->n_output = 1;
    to->attribute = attributes;
    put_attributes(w, to, node);
    w->proto.node[w->proto.n_node++] = to;
    return w->pool.status;
}

/* ---- the whole file ------------------------------------------------------------------------ */

static sf_status fill_graph(sf_writer *w)
{
    const sf_graph *graph = w->graph;
    const sf_shape any = {.rank = 4};
    Onnx__GraphProto *p = &w->proto;

    SF_TRY(name_values(w));
    p->name = text(&w->pool, "scorefield");
    p->node = take(&w->pool, graph->node_count, sizeof *p->node);
    p->initializer =
        take(&w->pool, graph->value_count + 2 * graph->node_count, sizeof *p->initializer);
    p->input = take(&w->pool, graph->input_count, sizeof *p->input);
    p->output = take(&w->pool, 1, sizeof *p->output);
    if (w->pool.status != SF_OK) return w->pool.status;
    for (size_t i = 0; i < graph->value_count; i++) {
        const sf_value *value = &graph->value[i];
        size_t size;

        if (value->constant == NULL) continue;
        SF_TRY(sf_shape_size(&value->shape, &size));
        p->initializer[p->n_initializer++] =
            tensor(&w->pool, w->name[i], ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, &value->shape,
                   value->constant, size * sizeof *value->constant);
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

    bool newer = false;

    if (w->pool.status != SF_OK) return w->pool.status;
    for (size_t i = 0; i < w->graph->node_count; i++) newer |= is_newer(&w->graph->node[i]);
    onnx__operator_set_id_proto__init(opset);
    opset->domain = text(&w->pool, "");
    opset->has_version = 1;
    opset->version = newer ? 19 : 13;
    opsets[0] = opset;
    model->opset_import = opsets;
    model->n_opset_import = 1;
    model->has_ir_version = 1;
    model->ir_version = newer ? 9 : 8;
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
