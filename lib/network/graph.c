/* graph.c - the network as data: building, copying, sorting, flat parameters. */
#include "network/graph.h"

#include "base/internal.h"

#include <string.h>

#define NONE SF_NO_VALUE

const char *sf_op_name(sf_op op)
{
    static const char *const names[] = {
#define SF_OP_NAME(id, name) [SF_OP_##id] = (name),
        SF_OP_LIST(SF_OP_NAME)
#undef SF_OP_NAME
    };
    return op < SF_OP_COUNT ? names[op] : "unknown operator";
}

/* ---- building ------------------------------------------------------------------------------ */

/* Room for one more item. Capacities are the powers of two, so the count alone says when an
 * array is full; after items were dropped it holds more than that, which is no harm. */
static sf_status make_room(void *array, size_t count, size_t size)
{
    void *old, *larger;

    if ((count & (count - 1)) != 0) return SF_OK;
    SF_TRY(sf_allocate(&larger, count == 0 ? 1 : 2 * count, size));
    memcpy(&old, array, sizeof old);
    if (count > 0) memcpy(larger, old, count * size);
    sf_free(old);
    memcpy(array, &larger, sizeof larger);
    return SF_OK;
}

sf_status sf_graph_create(sf_graph **graph)
{
    SF_TRY(sf_allocate(graph, 1, sizeof **graph));
    (*graph)->output = NONE;
    return SF_OK;
}

static void release_value(sf_value *value)
{
    sf_free(value->name);
    if (value->borrowed) return;
    sf_free(value->constant);
    sf_free(value->number);
}

static void release_node(sf_node *node)
{
    sf_free(node->name);
    sf_free(node->input);
    sf_free(node->list);
}

void sf_graph_release(sf_graph **graph)
{
    sf_graph *old = graph == NULL ? NULL : *graph;

    if (old == NULL) return;
    for (size_t i = 0; i < old->value_count; i++) release_value(&old->value[i]);
    for (size_t i = 0; i < old->node_count; i++) release_node(&old->node[i]);
    for (size_t i = 0; i < old->metadata_count; i++) {
        sf_free(old->metadata[i].key);
        sf_free(old->metadata[i].value);
    }
    sf_free(old->value);
    sf_free(old->node);
    sf_free(old->metadata);
    sf_free(old);
    *graph = NULL;
}

sf_status sf_graph_add_value(sf_graph *graph, const char *name, const sf_shape *shape,
                             const float *constant, size_t *index)
{
    sf_value value = {0};
    sf_status status;
    size_t size;

    *index = NONE;
    if (shape != NULL) value.shape = *shape;
    SF_GO(sf_copy_text(name, &value.name));
    if (constant != NULL) {
        SF_GO(sf_shape_size(&value.shape, &size));
        SF_GO(sf_copy_memory(constant, size, sizeof *constant, &value.constant));
    }
    SF_GO(make_room(&graph->value, graph->value_count, sizeof value));
    *index = graph->value_count;
    graph->value[graph->value_count++] = value;
    return SF_OK;
done:
    release_value(&value);
    return status;
}

sf_status sf_graph_add_number(sf_graph *graph, const char *name, sf_type type,
                              const sf_shape *shape, const double *number, size_t *index)
{
    sf_value *value;
    size_t size;

    SF_TRY(sf_shape_size(shape, &size));
    SF_TRY(sf_graph_add_value(graph, name, shape, NULL, index));
    value = &graph->value[*index];
    value->type = type;
    return sf_copy_memory(number, size, sizeof *number, &value->number);
}

sf_status sf_graph_add_node(sf_graph *graph, const sf_node *node)
{
    sf_node copy = *node;
    sf_status status;

    copy.name = NULL;
    copy.input = NULL;
    copy.list = NULL;
    SF_GO(sf_copy_text(node->name == NULL ? "" : node->name, &copy.name));
    SF_GO(sf_copy_memory(node->input, node->input_count, sizeof *node->input, &copy.input));
    SF_GO(sf_copy_memory(node->list, node->list_count, sizeof *node->list, &copy.list));
    SF_GO(make_room(&graph->node, graph->node_count, sizeof copy));
    graph->node[graph->node_count++] = copy;
    return SF_OK;
done:
    release_node(&copy);
    return status;
}

sf_status sf_graph_set_metadata(sf_graph *graph, const char *key, const char *value)
{
    sf_metadata entry = {0};
    sf_status status;

    SF_GO(sf_copy_text(value, &entry.value));
    for (size_t i = 0; i < graph->metadata_count; i++)
        if (strcmp(graph->metadata[i].key, key) == 0) {
            sf_free(graph->metadata[i].value);
            graph->metadata[i].value = entry.value;
            return SF_OK;
        }
    SF_GO(sf_copy_text(key, &entry.key));
    SF_GO(make_room(&graph->metadata, graph->metadata_count, sizeof entry));
    graph->metadata[graph->metadata_count++] = entry;
    return SF_OK;
done:
    sf_free(entry.key);
    sf_free(entry.value);
    return status;
}

sf_status sf_graph_copy(const sf_graph *graph, sf_graph **copy)
{
    sf_graph *made;
    sf_status status;
    size_t index;

    *copy = NULL;
    SF_TRY(sf_graph_create(&made));
    for (size_t i = 0; i < graph->value_count; i++) {
        const sf_value *value = &graph->value[i];

        SF_GO(sf_graph_add_value(made, value->name, &value->shape, value->constant, &index));
        made->value[index].parameter = value->parameter;
        made->value[index].type = value->type;
        if (value->number != NULL)
            SF_GO(sf_copy_memory(value->number, sf_shape_count(&value->shape),
                                 sizeof *value->number, &made->value[index].number));
    }
    for (size_t i = 0; i < graph->node_count; i++) SF_GO(sf_graph_add_node(made, &graph->node[i]));
    for (size_t i = 0; i < graph->metadata_count; i++)
        SF_GO(sf_graph_set_metadata(made, graph->metadata[i].key, graph->metadata[i].value));
    memcpy(made->input, graph->input, sizeof made->input);
    made->input_count = graph->input_count;
    made->output = graph->output;
    made->parameter_count = graph->parameter_count;
    made->constant_count = graph->constant_count;
    made->opset = graph->opset;
    *copy = made;
    return SF_OK;
done:
    sf_graph_release(&made);
    return status;
}

/* ---- sorting ------------------------------------------------------------------------------- */

bool sf_graph_is_source(const sf_graph *graph, size_t value)
{
    for (size_t i = 0; i < graph->input_count; i++)
        if (graph->input[i] == value) return true;
    return sf_value_is_known(&graph->value[value]);
}

bool sf_value_is_known(const sf_value *value)
{
    return value->constant != NULL || value->number != NULL;
}

/* producer[value] = the node that computes it, NONE for inputs and constants. */
static sf_status find_producers(const sf_graph *graph, size_t *producer)
{
    for (size_t i = 0; i < graph->value_count; i++) producer[i] = NONE;
    for (size_t i = 0; i < graph->node_count; i++) {
        const sf_node *node = &graph->node[i];

        if (node->output >= graph->value_count)
            return sf_fail(SF_ERR_FORMAT, "node '%s' (%s) has no output", node->name,
                           sf_op_name(node->op));
        for (size_t j = 0; j < node->input_count; j++)
            if (node->input[j] != NONE && node->input[j] >= graph->value_count)
                return sf_fail(SF_ERR_FORMAT,
                               "node '%s' (%s): input %zu is no value of the network", node->name,
                               sf_op_name(node->op), j);
        if (producer[node->output] != NONE || sf_graph_is_source(graph, node->output))
            return sf_fail(SF_ERR_FORMAT, "the value '%s' is produced twice (node '%s', %s)",
                           graph->value[node->output].name, node->name, sf_op_name(node->op));
        producer[node->output] = i;
    }
    return SF_OK;
}

typedef struct sf_visit {
    size_t node, next; /* the node, and which of its inputs is looked at next */
} sf_visit;

enum { NODE_NEW, NODE_OPEN, NODE_DONE };

/* Puts the producer of `value` on the stack, unless it needs no visit any more. */
static sf_status push_producer(const sf_graph *graph, size_t value, const size_t *producer,
                               char *state, sf_visit *stack, size_t *depth)
{
    const size_t node = producer[value];

    if (node == NONE) {
        if (sf_graph_is_source(graph, value)) return SF_OK;
        return sf_fail(SF_ERR_FORMAT, "the value '%s' is needed, but no node produces it",
                       graph->value[value].name);
    }
    if (state[node] == NODE_OPEN)
        return sf_fail(SF_ERR_FORMAT, "node '%s' (%s) needs its own output: the network is cyclic",
                       graph->node[node].name, sf_op_name(graph->node[node].op));
    if (state[node] == NODE_DONE) return SF_OK;
    state[node] = NODE_OPEN;
    stack[(*depth)++] = (sf_visit){node, 0};
    return SF_OK;
}

/* Depth-first from the output: order[0 .. *count) are the nodes it needs, each after all that
 * it needs itself. The order depends on the connections only, not on how they were stored. */
static sf_status sort_nodes(const sf_graph *graph, const size_t *producer, size_t *order,
                            size_t *count)
{
    char *state = NULL;
    sf_visit *stack = NULL;
    sf_status status;
    size_t depth = 0;

    *count = 0;
    SF_GO(sf_allocate(&state, graph->node_count, 1));
    SF_GO(sf_allocate(&stack, graph->node_count, sizeof *stack));
    SF_GO(push_producer(graph, graph->output, producer, state, stack, &depth));
    while (depth > 0) {
        sf_visit *top = &stack[depth - 1];
        const sf_node *node = &graph->node[top->node];

        if (top->next < node->input_count) {
            const size_t value = node->input[top->next++];
            if (value != NONE) SF_GO(push_producer(graph, value, producer, state, stack, &depth));
        } else {
            state[top->node] = NODE_DONE;
            order[(*count)++] = top->node;
            depth--;
        }
    }
done:
    sf_free(stack);
    sf_free(state);
    return status;
}

/* Keeps the nodes of `order`, in that order. */
static sf_status keep_nodes(sf_graph *graph, const size_t *order, size_t count)
{
    sf_node *kept;
    sf_status status;
    char *keep = NULL;
    size_t room = 1;

    while (room < count) room *= 2; /* make_room's capacities */
    SF_TRY(sf_allocate(&kept, room, sizeof *kept));
    SF_GO(sf_allocate(&keep, graph->node_count, 1));
    for (size_t i = 0; i < count; i++) {
        kept[i] = graph->node[order[i]];
        keep[order[i]] = 1;
    }
    for (size_t i = 0; i < graph->node_count; i++)
        if (!keep[i]) release_node(&graph->node[i]);
    sf_free(graph->node);
    graph->node = kept;
    graph->node_count = count;
    kept = NULL;
done:
    sf_free(keep);
    sf_free(kept);
    return status;
}

/* Drops the values that no node uses, and numbers the parameters. */
static sf_status keep_values(sf_graph *graph)
{
    size_t *index, kept = 0;

    SF_TRY(sf_allocate(&index, graph->value_count, sizeof *index)); /* 0: unused; else new + 1 */
    for (size_t i = 0; i < graph->node_count; i++) {
        for (size_t j = 0; j < graph->node[i].input_count; j++)
            if (graph->node[i].input[j] != NONE) index[graph->node[i].input[j]] = 1;
        index[graph->node[i].output] = 1;
    }
    for (size_t i = 0; i < graph->input_count; i++) index[graph->input[i]] = 1;
    index[graph->output] = 1;

    graph->parameter_count = 0;
    for (size_t i = 0; i < graph->value_count; i++) {
        sf_value *value = &graph->value[i];

        if (index[i] == 0) {
            release_value(value);
            continue;
        }
        if (value->constant != NULL) {
            value->parameter = graph->parameter_count;
            graph->parameter_count += sf_shape_count(&value->shape);
        }
        graph->value[kept] = *value;
        index[i] = ++kept;
    }
    graph->value_count = kept;
    graph->constant_count = graph->parameter_count;

    for (size_t i = 0; i < graph->node_count; i++) {
        sf_node *node = &graph->node[i];
        for (size_t j = 0; j < node->input_count; j++)
            if (node->input[j] != NONE) node->input[j] = index[node->input[j]] - 1;
        node->output = index[node->output] - 1;
    }
    for (size_t i = 0; i < graph->input_count; i++) graph->input[i] = index[graph->input[i]] - 1;
    graph->output = index[graph->output] - 1;
    sf_free(index);
    return SF_OK;
}

sf_status sf_graph_prune(sf_graph *graph)
{
    size_t *producer = NULL, *order = NULL, count;
    sf_status status;

    SF_GO(sf_allocate(&producer, graph->value_count, sizeof *producer));
    SF_GO(sf_allocate(&order, graph->node_count, sizeof *order));
    SF_GO(find_producers(graph, producer));
    SF_GO(sort_nodes(graph, producer, order, &count));
    SF_GO(keep_nodes(graph, order, count));
done:
    sf_free(order);
    sf_free(producer);
    return status;
}

sf_status sf_graph_finish(sf_graph *graph)
{
    if (graph->input_count == 0 || graph->input_count > 2)
        return sf_fail(SF_ERR_FORMAT,
                       "the network has %zu inputs; one image, or an image and a "
                       "noise level, are expected",
                       graph->input_count);
    for (size_t i = 0; i < graph->input_count; i++)
        if (graph->input[i] >= graph->value_count)
            return sf_fail(SF_ERR_FORMAT, "input %zu is no value of the network", i);
    if (graph->output >= graph->value_count)
        return sf_fail(SF_ERR_FORMAT, "the network has no output");
    SF_TRY(sf_graph_prune(graph));
    return keep_values(graph);
}

/* ---- flat parameters ----------------------------------------------------------------------- */

void sf_graph_get_parameters(const sf_graph *graph, float *flat)
{
    for (size_t i = 0; i < graph->value_count; i++) {
        const sf_value *value = &graph->value[i];
        if (value->constant != NULL)
            memcpy(flat + value->parameter, value->constant,
                   sf_shape_count(&value->shape) * sizeof *flat);
    }
}

void sf_graph_set_parameters(sf_graph *graph, const float *flat)
{
    for (size_t i = 0; i < graph->value_count; i++) {
        sf_value *value = &graph->value[i];
        if (value->constant != NULL)
            memcpy(value->constant, flat + value->parameter,
                   sf_shape_count(&value->shape) * sizeof *flat);
    }
}
