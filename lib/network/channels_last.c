/* channels_last.c - networks whose images are (batch, rows, columns, channels). */
#include "network/graph.h"

#include "base/internal.h"

#include <string.h>

/* One channel or two, and only the last dimension says so. */
static bool has_channels_last(const sf_graph *graph)
{
    const sf_shape *image = &graph->value[graph->input[0]].shape;
    const bool first = image->dim[1] == 1 || image->dim[1] == 2;
    const bool last = image->dim[3] == 1 || image->dim[3] == 2;

    return image->rank == 4 && last && !first;
}

static sf_status add_transpose(sf_graph *graph, const long order[4], size_t from, size_t to)
{
    long list[4];
    sf_node node = {.op = SF_OP_TRANSPOSE,
                    .name = graph->value[to].name,
                    .input = &from,
                    .input_count = 1,
                    .output = to,
                    .list = list,
                    .list_count = 4};

    memcpy(list, order, sizeof list);
    return sf_graph_add_node(graph, &node);
}

/* Here images have their channels before the rows: such a network is put between two
 * transpositions, which vanish with those of its own. */
sf_status sf_graph_put_channels_first(sf_graph *graph)
{
    static const long last[4] = {0, 2, 3, 1}, first[4] = {0, 3, 1, 2};
    size_t image, result;
    sf_shape shape;

    if (!has_channels_last(graph)) return SF_OK;
    shape = graph->value[graph->input[0]].shape;
    for (int i = 0; i < 4; i++) shape.dim[i] = graph->value[graph->input[0]].shape.dim[first[i]];
    SF_TRY(sf_graph_add_value(graph, "image", &shape, NULL, &image));
    SF_TRY(sf_graph_add_value(graph, "result", NULL, NULL, &result));
    SF_TRY(add_transpose(graph, last, image, graph->input[0]));
    SF_TRY(add_transpose(graph, first, graph->output, result));
    graph->input[0] = image;
    graph->output = result;
    return sf_graph_finish(graph);
}
