/* onnx_read.c - an ONNX file as a graph: opsets 7 to 21, the operators of SF_OP_LIST.
 *
 * Names are looked up in one sorted table of everything that has a name: inputs, initialisers,
 * Constant nodes, outputs of nodes. */
#include "base/internal.h"
#include "network/onnx_node.h"
#include "network/onnx_parse.h"
#include "network/operator.h"

#include <stdlib.h>
#include <string.h>

#define OLDEST       7
#define NEWEST       21
#define MOST_ENTRIES 4096 /* of metadata */

/* ---- names --------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const sf_named *)a)->name, ((const sf_named *)b)->name);
}

sf_named *sf_reader_find(const sf_reader *reader, const char *name)
{
    const sf_named key = {.name = name};

    return bsearch(&key, reader->named, reader->named_count, sizeof key, by_name);
}

/* ---- the whole file ------------------------------------------------------------------------ */

static sf_status input_shape(const sf_reader *reader, const Onnx__ValueInfoProto *info,
                             sf_shape *shape)
{
    const Onnx__TypeProto__Tensor *type = info->type == NULL ? NULL : info->type->tensor_type;

    memset(shape, 0, sizeof *shape);
    if (info->type == NULL || info->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ||
        type == NULL || type->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        return sf_fail(SF_ERR_UNSUPPORTED, "%s: the input '%s' is no float32 tensor", reader->file,
                       sf_proto_text(info->name));
    if (type->shape == NULL) return SF_OK;
    if (type->shape->n_dim > SF_TENSOR_MAX_RANK)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "%s: the input '%s' has rank %zu, at most %d is expected", reader->file,
                       sf_proto_text(info->name), type->shape->n_dim, SF_TENSOR_MAX_RANK);
    shape->rank = (int)type->shape->n_dim;
    for (size_t i = 0; i < type->shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = type->shape->dim[i];

        if (dim->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE) continue;
        if (dim->dim_value < 1 || dim->dim_value > INT32_MAX)
            return sf_fail(SF_ERR_FORMAT, "%s: the input '%s' has the dimension %lld", reader->file,
                           sf_proto_text(info->name), (long long)dim->dim_value);
        shape->dim[i] = (size_t)dim->dim_value;
    }
    return SF_OK;
}

static sf_status read_inputs(sf_reader *reader, size_t known)
{
    sf_graph *graph = reader->graph;

    for (size_t i = 0; i < reader->proto->n_input; i++) {
        const Onnx__ValueInfoProto *info = reader->proto->input[i];
        sf_named *named = &reader->named[known];
        sf_shape shape;

        if (sf_reader_find(reader, sf_proto_text(info->name)) != NULL)
            continue; /* an initialiser */
        if (graph->input_count == 2)
            return sf_fail(SF_ERR_UNSUPPORTED,
                           "%s: the network has more than two inputs; one image, or an image and "
                           "a noise level, are expected",
                           reader->file);
        SF_TRY(input_shape(reader, info, &shape));
        named->name = sf_proto_text(info->name);
        SF_TRY(sf_graph_add_value(graph, named->name, &shape, NULL, &named->value));
        graph->input[graph->input_count++] = named->value;
        known++;
    }
    reader->named_count = known;
    return SF_OK;
}

/* Fills the table: initialisers, inputs that are none, nodes; sorted, without duplicates. */
static sf_status read_names(sf_reader *reader)
{
    const Onnx__GraphProto *proto = reader->proto;
    size_t outputs = 0;

    for (size_t i = 0; i < proto->n_node; i++) outputs += proto->node[i]->n_output;
    SF_TRY(sf_allocate(&reader->named, proto->n_initializer + proto->n_input + outputs,
                       sizeof *reader->named));
    for (size_t i = 0; i < proto->n_initializer; i++)
        reader->named[i] = (sf_named){.name = sf_proto_text(proto->initializer[i]->name),
                                      .literal = {proto->initializer[i], NULL},
                                      .value = SF_NO_VALUE};
    reader->named_count = proto->n_initializer;
    qsort(reader->named, reader->named_count, sizeof *reader->named, by_name);
    SF_TRY(read_inputs(reader, reader->named_count));
    for (size_t i = 0; i < proto->n_node; i++) SF_TRY(sf_reader_name_node(reader, proto->node[i]));
    qsort(reader->named, reader->named_count, sizeof *reader->named, by_name);
    for (size_t i = 1; i < reader->named_count; i++)
        if (by_name(&reader->named[i - 1], &reader->named[i]) == 0)
            return sf_fail(SF_ERR_FORMAT, "%s: the value '%s' is produced twice", reader->file,
                           reader->named[i].name);
    return SF_OK;
}

static sf_status read_opset(sf_reader *reader, const Onnx__ModelProto *model)
{
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const char *domain = sf_proto_text(model->opset_import[i]->domain);

        if (domain[0] == '\0' || strcmp(domain, "ai.onnx") == 0)
            reader->opset = (long)model->opset_import[i]->version;
    }
    if (reader->opset < OLDEST || reader->opset > NEWEST)
        return sf_fail(SF_ERR_UNSUPPORTED, "%s: opset %ld is not supported, %d to %d are",
                       reader->file, reader->opset, OLDEST, NEWEST);
    reader->graph->opset = reader->opset;
    return SF_OK;
}

static sf_status read_graph(sf_reader *reader, const Onnx__ModelProto *model)
{
    const Onnx__GraphProto *proto = model->graph;
    const sf_named *output;

    if (proto == NULL || proto->n_node == 0)
        return sf_fail(SF_ERR_FORMAT, "%s holds no network", reader->file);
    if (proto->n_output != 1)
        return sf_fail(SF_ERR_UNSUPPORTED, "%s: the network has %zu outputs, one is expected",
                       reader->file, proto->n_output);
    reader->proto = proto;
    SF_TRY(read_opset(reader, model));
    SF_TRY(read_names(reader));
    for (size_t i = 0; i < proto->n_node; i++) SF_TRY(sf_reader_add_node(reader, proto->node[i]));
    output = sf_reader_find(reader, sf_proto_text(proto->output[0]->name));
    if (output == NULL || output->value == SF_NO_VALUE)
        return sf_fail(SF_ERR_FORMAT, "%s: the output '%s' is produced by nothing", reader->file,
                       sf_proto_text(proto->output[0]->name));
    reader->graph->output = output->value;
    if (model->n_metadata_props > MOST_ENTRIES)
        return sf_fail(SF_ERR_FORMAT, "%s has %zu metadata entries; at most %d are supported",
                       reader->file, model->n_metadata_props, MOST_ENTRIES);
    for (size_t i = 0; i < model->n_metadata_props; i++)
        SF_TRY(sf_graph_set_metadata(reader->graph, sf_proto_text(model->metadata_props[i]->key),
                                     sf_proto_text(model->metadata_props[i]->value)));
    return SF_OK;
}

/* Real numbers that only tell operators what to do are no weights, which training may change. */
static sf_status demote_arguments(sf_graph *graph)
{
    bool *data;
    sf_status status = SF_OK;

    SF_TRY(sf_allocate(&data, graph->value_count, sizeof *data));
    for (size_t i = 0; i < graph->node_count; i++) {
        const sf_node *node = &graph->node[i];
        const size_t first = sf_operator_of(node->op)->data;

        for (size_t k = 0; k < node->input_count; k++)
            if (node->input[k] != SF_NO_VALUE && (first == 0 || k < first))
                data[node->input[k]] = true;
    }
    for (size_t i = 0; i < graph->value_count; i++) {
        sf_value *value = &graph->value[i];
        const size_t count = sf_shape_count(&value->shape);

        if (value->constant == NULL || data[i]) continue;
        SF_GO(sf_allocate(&value->number, count, sizeof *value->number));
        for (size_t k = 0; k < count; k++) value->number[k] = (double)value->constant[k];
        sf_free(value->constant);
        value->constant = NULL;
    }
    SF_GO(sf_graph_finish(graph));
done:
    sf_free(data);
    return status;
}

sf_status sf_onnx_graph(const Onnx__ModelProto *model, const char *name, sf_graph **graph)
{
    sf_reader reader = {.file = name};
    sf_status status;

    *graph = NULL;
    SF_TRY(sf_graph_create(&reader.graph));
    SF_GO(read_graph(&reader, model));
    status = sf_graph_finish(reader.graph);
    if (status == SF_OK) status = sf_graph_fold(reader.graph);
    if (status == SF_OK) status = demote_arguments(reader.graph);
    if (status == SF_OK && sf_value_is_known(&reader.graph->value[reader.graph->output]))
        status =
            sf_fail(SF_ERR_FORMAT, "the output '%s' is a constant: it does not depend on the image",
                    reader.graph->value[reader.graph->output].name);
    if (status != SF_OK) {
        status = sf_fail(status, "%s: %s", name, sf_last_error());
        goto done;
    }
    *graph = reader.graph;
    reader.graph = NULL;
done:
    sf_graph_release(&reader.graph);
    sf_free(reader.named);
    return status;
}

sf_status sf_onnx_read(const void *bytes, size_t size, const char *name, sf_graph **graph)
{
    Onnx__ModelProto *model;
    sf_status status;

    *graph = NULL;
    SF_TRY(sf_onnx_parse(bytes, size, name, &model));
    status = sf_onnx_graph(model, name, graph);
    sf_onnx_parse_release(model);
    return status;
}
