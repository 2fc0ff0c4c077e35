/* simplify.c - the same function with less to do: BatchNormalization folded, Identity dropped. */
#include "base/internal.h"
#include "network/graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NONE SF_NO_VALUE

/* Of the values that are there at the beginning. */
typedef struct sf_uses {
    size_t *producer; /* the node that computes it, or NONE */
    size_t *count;    /* nodes that read it, and the caller if it is the output */
} sf_uses;

static void drop_uses(sf_uses *uses)
{
    sf_free(uses->producer);
    sf_free(uses->count);
}

static sf_status find_uses(const sf_graph *graph, sf_uses *uses)
{
    *uses = (sf_uses){0};
    SF_TRY(sf_allocate(&uses->producer, graph->value_count, sizeof *uses->producer));
    SF_TRY(sf_allocate(&uses->count, graph->value_count, sizeof *uses->count));
    for (size_t i = 0; i < graph->value_count; i++) uses->producer[i] = NONE;
    for (size_t i = 0; i < graph->node_count; i++) {
        uses->producer[graph->node[i].output] = i;
        for (size_t j = 0; j < graph->node[i].input_count; j++)
            if (graph->node[i].input[j] != NONE) uses->count[graph->node[i].input[j]]++;
    }
    uses->count[graph->output]++;
    return SF_OK;
}

/* ---- BatchNormalization -------------------------------------------------------------------- */

/* The length of scale, B, mean and var. */
static sf_status norm_channels(const sf_graph *graph, const sf_node *norm, size_t *channels)
{
    if (norm->input_count != 5)
        return sf_fail(SF_ERR_FORMAT, "node '%s' (%s) has %zu inputs, 5 are expected", norm->name,
                       sf_op_name(norm->op), norm->input_count);
    *channels = graph->value[norm->input[1]].shape.dim[0];
    for (size_t i = 1; i < 5; i++) {
        const sf_value *part = &graph->value[norm->input[i]];

        if (part->constant == NULL || part->shape.rank != 1 || part->shape.dim[0] != *channels)
            return sf_fail(SF_ERR_UNSUPPORTED,
                           "node '%s' (%s): scale, B, mean and var have to be constants of one "
                           "length",
                           norm->name, sf_op_name(norm->op));
    }
    return SF_OK;
}

/* y = scale (x - mean) / sqrt(variance + epsilon) + B as y = gain x + offset, by channel. */
static sf_status gains(const sf_graph *graph, const sf_node *norm, size_t channels, float *gain,
                       float *offset)
{
    const float *part[4];

    for (size_t i = 0; i < 4; i++) part[i] = graph->value[norm->input[1 + i]].constant;
    for (size_t c = 0; c < channels; c++) {
        const double variance = (double)part[3][c] + (double)norm->alpha;
        const double g = (double)part[0][c] / sqrt(variance);

        gain[c] = (float)g;
        offset[c] = (float)((double)part[1][c] - g * (double)part[2][c]);
        if (!(variance > 0.0) || !isfinite(gain[c]) || !isfinite(offset[c]))
            return sf_fail(SF_ERR_NUMERIC,
                           "node '%s' (%s): channel %zu has var + epsilon = %g, which gives no "
                           "finite scale",
                           norm->name, sf_op_name(norm->op), c, variance);
    }
    return SF_OK;
}

/* The output channel of a convolution's weight number `index`. */
static size_t weight_channel(const sf_node *conv, const sf_shape *w, size_t index)
{
    const size_t window = w->dim[2] * w->dim[3];
    const size_t first = index / (w->dim[1] * window), second = index / window % w->dim[1];

    if (conv->op == SF_OP_CONV) return first;
    return first / (w->dim[0] / conv->groups) * w->dim[1] + second;
}

/* Conv's weight and bias take over gain and offset: new constants, for others may share them. */
static sf_status fold_into(sf_graph *graph, size_t conv, size_t norm, const float *gain,
                           const float *offset, size_t channels)
{
    sf_node *c = &graph->node[conv];
    const sf_shape shape = {.rank = 1, .dim = {channels}};
    const size_t old_bias = c->input_count > 2 ? c->input[2] : NONE;
    size_t size, weight, bias, *input;

    SF_TRY(sf_graph_add_value(graph, graph->value[c->input[1]].name,
                              &graph->value[c->input[1]].shape, graph->value[c->input[1]].constant,
                              &weight));
    SF_TRY(sf_graph_add_value(graph, graph->node[norm].name, &shape, offset, &bias));
    SF_TRY(sf_shape_size(&graph->value[weight].shape, &size));
    for (size_t i = 0; i < size; i++)
        graph->value[weight].constant[i] *= gain[weight_channel(c, &graph->value[weight].shape, i)];
    if (old_bias != NONE)
        for (size_t i = 0; i < channels; i++)
            graph->value[bias].constant[i] += gain[i] * graph->value[old_bias].constant[i];
    SF_TRY(sf_allocate(&input, 3, sizeof *input));
    input[0] = c->input[0];
    input[1] = weight;
    input[2] = bias;
    sf_free(c->input);
    c->input = input;
    c->input_count = 3;
    c->output = graph->node[norm].output;
    return SF_OK;
}

/* Otherwise Mul, in a node "name.gain", and Add of constants [1, channels, 1, 1]. */
static sf_status expand(sf_graph *graph, size_t norm, const float *gain, const float *offset,
                        size_t channels)
{
    const sf_shape shape = {.rank = 4, .dim = {1, channels, 1, 1}};
    const char *name = graph->node[norm].name;
    const size_t room = strlen(name) + sizeof ".gain";
    sf_node mul = {.op = SF_OP_MUL, .input_count = 2};
    sf_status status;
    size_t factor, term, input[2];

    SF_TRY(sf_allocate(&mul.name, room, 1));
    (void)snprintf(mul.name, room, "%s.gain", name);
    SF_GO(sf_graph_add_value(graph, mul.name, NULL, NULL, &mul.output));
    SF_GO(sf_graph_add_value(graph, name, &shape, gain, &factor));
    SF_GO(sf_graph_add_value(graph, name, &shape, offset, &term));
    input[0] = graph->node[norm].input[0];
    input[1] = factor;
    mul.input = input;
    SF_GO(sf_graph_add_node(graph, &mul));
    graph->node[norm].op = SF_OP_ADD;
    graph->node[norm].input[0] = mul.output;
    graph->node[norm].input[1] = term;
    graph->node[norm].input_count = 2;
done:
    sf_free(mul.name);
    return status;
}

/* Whether the node is a convolution with constant weights that fit `channels`. */
static bool can_fold(const sf_graph *graph, const sf_uses *uses, size_t node, size_t channels)
{
    const sf_node *conv = &graph->node[node];
    const sf_shape *w;

    if (conv->op != SF_OP_CONV && conv->op != SF_OP_CONV_TRANSPOSE) return false;
    if (conv->input_count < 2 || uses->count[conv->output] != 1) return false;
    for (size_t i = 1; i < conv->input_count; i++)
        if (graph->value[conv->input[i]].constant == NULL) return false;
    w = &graph->value[conv->input[1]].shape;
    if (w->rank != 4 || conv->groups < 1 || w->dim[0] % conv->groups != 0) return false;
    if (conv->input_count > 2 && graph->value[conv->input[2]].shape.dim[0] != channels)
        return false;
    return (conv->op == SF_OP_CONV ? w->dim[0] : w->dim[1] * conv->groups) == channels;
}

static sf_status fold_norm(sf_graph *graph, sf_uses *uses, size_t norm)
{
    const size_t before = uses->producer[graph->node[norm].input[0]];
    float *gain = NULL, *offset = NULL;
    sf_status status;
    size_t channels = 0;

    SF_GO(norm_channels(graph, &graph->node[norm], &channels));
    SF_GO(sf_allocate(&gain, channels, sizeof *gain));
    SF_GO(sf_allocate(&offset, channels, sizeof *offset));
    SF_GO(gains(graph, &graph->node[norm], channels, gain, offset));
    if (before != NONE && can_fold(graph, uses, before, channels)) {
        SF_GO(fold_into(graph, before, norm, gain, offset, channels));
        uses->producer[graph->node[norm].output] = before;
        /* The norm computes nothing that is needed: its old input's name goes with it. */
        graph->node[norm].op = SF_OP_IDENTITY;
        graph->node[norm].input_count = 1;
        SF_GO(sf_graph_add_value(graph, "", NULL, NULL, &graph->node[norm].output));
        graph->node[norm].input[0] = graph->node[before].output;
    } else {
        SF_GO(expand(graph, norm, gain, offset, channels));
    }
done:
    sf_free(offset);
    sf_free(gain);
    return status;
}

/* ---- Identity ------------------------------------------------------------------------------ */

/* Whoever reads an Identity reads what it reads. The nodes are sorted as far as Identity is
 * concerned, so what an Identity reads is known when its own readers come. */
static sf_status drop_identities(sf_graph *graph)
{
    size_t *same; /* the value that each one is the same as */
    const size_t count = graph->value_count;

    SF_TRY(sf_allocate(&same, count, sizeof *same));
    for (size_t i = 0; i < count; i++) same[i] = i;
    for (size_t i = 0; i < graph->node_count; i++)
        if (graph->node[i].op == SF_OP_IDENTITY)
            same[graph->node[i].output] = same[graph->node[i].input[0]];
    for (size_t i = 0; i < graph->node_count; i++)
        for (size_t j = 0; j < graph->node[i].input_count; j++)
            if (graph->node[i].input[j] != NONE)
                graph->node[i].input[j] = same[graph->node[i].input[j]];
    /* A network that is the identity keeps a node. */
    if (!sf_graph_is_source(graph, same[graph->output])) graph->output = same[graph->output];
    sf_free(same);
    return SF_OK;
}

static sf_status fold_norms(sf_graph *graph)
{
    const size_t count = graph->node_count;
    sf_status status;
    sf_uses uses;

    SF_GO(find_uses(graph, &uses));
    for (size_t i = 0; i < count; i++)
        if (graph->node[i].op == SF_OP_BATCH_NORM) SF_GO(fold_norm(graph, &uses, i));
done:
    drop_uses(&uses);
    return status;
}

sf_status sf_graph_simplify(sf_graph *graph)
{
    SF_TRY(fold_norms(graph));
    SF_TRY(drop_identities(graph));
    return sf_graph_finish(graph);
}
