/* fold.c - a node that computes from constants alone, such as an exporter's Identity of a weight
 * or a scaled weight, done once and for all. */
#include "base/internal.h"
#include "network/graph.h"

#include <math.h>
#include <string.h>

static bool is_window(sf_op op)
{
    return op == SF_OP_CONV || op == SF_OP_CONV_TRANSPOSE || op == SF_OP_AVERAGE_POOL;
}

bool sf_node_is_constant(const sf_graph *graph, const sf_node *node)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (graph->value[node->input[i]].constant == NULL) return false;
    return true;
}

/* A graph of this node alone, with an image that it does not look at. */
static sf_status isolate(const sf_graph *graph, const sf_node *node, sf_graph *alone)
{
    const sf_shape pixel = {.rank = 4, .dim = {1, 1, 1, 1}};
    sf_node copy = *node;
    sf_status status;

    SF_TRY(sf_allocate(&copy.input, node->input_count, sizeof *copy.input));
    SF_GO(sf_graph_add_value(alone, "", &pixel, NULL, &alone->input[0]));
    alone->input_count = 1;
    for (size_t i = 0; i < node->input_count; i++) {
        const sf_value *value = &graph->value[node->input[i]];

        SF_GO(
            sf_graph_add_value(alone, value->name, &value->shape, value->constant, &copy.input[i]));
    }
    SF_GO(sf_graph_add_value(alone, "", NULL, NULL, &copy.output));
    alone->output = copy.output;
    SF_GO(sf_graph_add_node(alone, &copy));
done:
    sf_free(copy.input);
    return status;
}

/* Counts what the node reads and makes against *budget. */
static sf_status spend(const sf_graph *alone, size_t *budget)
{
    const sf_shape *pixel = &alone->value[alone->input[0]].shape;
    const sf_node *node = &alone->node[0];
    sf_shape *shapes;
    sf_status status;
    size_t size;

    SF_TRY(sf_allocate(&shapes, alone->value_count, sizeof *shapes));
    SF_GO(sf_graph_shapes(alone, pixel, shapes));
    for (size_t i = 1; i < alone->value_count; i++) {
        SF_GO(sf_shape_size(&shapes[i], &size));
        if (size > *budget) {
            status = sf_fail(SF_ERR_SHAPE,
                             "node '%s' (%s) makes too much of constants alone: export the "
                             "network with its constants folded",
                             node->name, sf_op_name(node->op));
            goto done;
        }
        *budget -= size;
    }
done:
    sf_free(shapes);
    return status;
}

/* `value` becomes a constant. */
static sf_status narrow(const sf_node *node, const double *wide, const sf_shape *shape,
                        sf_value *value)
{
    float *data;
    size_t size;

    SF_TRY(sf_shape_size(shape, &size));
    SF_TRY(sf_allocate(&data, size, sizeof *data));
    for (size_t i = 0; i < size; i++) {
        data[i] = (float)wide[i];
        if (!isfinite(data[i])) {
            sf_free(data);
            return sf_fail(SF_ERR_NUMERIC, "node '%s' (%s) makes %g of constants", node->name,
                           sf_op_name(node->op), wide[i]);
        }
    }
    value->constant = data;
    value->shape = *shape;
    return SF_OK;
}

sf_status sf_graph_fold(sf_graph *graph, const sf_node *node, size_t *budget)
{
    const sf_shape pixel = {.rank = 4, .dim = {1, 1, 1, 1}};
    const double black = 0.0;
    sf_graph *alone;
    double *wide = NULL;
    sf_shape shape;
    sf_status status;

    if (is_window(node->op))
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "node '%s' (%s) computes from constants alone: export the network with its "
                       "constants folded",
                       node->name, sf_op_name(node->op));
    SF_TRY(sf_graph_create(&alone));
    SF_GO(isolate(graph, node, alone));
    SF_GO(spend(alone, budget));
    SF_GO(sf_reference_forward(alone, &pixel, &black, NULL, NULL, &wide, &shape));
    SF_GO(narrow(node, wide, &shape, &graph->value[node->output]));
done:
    sf_free(wide);
    sf_graph_release(&alone);
    return status;
}
