/* resolve.c - a graph for one size of image: every shape known, what follows from shapes and
 * constants computed, arguments turned into attributes. */
#include "base/internal.h"
#include "network/operator.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NONE   SF_NO_VALUE
#define BUDGET ((size_t)1 << 26) /* numbers that nodes of constants may read and make */
#define LIMIT  0x7fffffffL       /* cells along an axis */

sf_status sf_resolve_refuse(const sf_node *node, sf_status status, const char *format, ...)
{
    char reason[384];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return sf_fail(status, "node '%s' (%s): %s", node->name == NULL ? "" : node->name,
                   sf_op_name(node->op), reason);
}

double sf_value_number(const sf_value *value, size_t i)
{
    return value->constant != NULL ? (double)value->constant[i] : value->number[i];
}

sf_status sf_node_set_list(sf_node *node, const long *list, size_t count)
{
    long *copy;

    SF_TRY(sf_copy_memory(list, count, sizeof *list, &copy));
    sf_free(node->list);
    node->list = copy;
    node->list_count = count;
    return SF_OK;
}

sf_status sf_resolve_spend(sf_resolver *r, const sf_node *node, size_t count)
{
    if (count > r->budget)
        return sf_resolve_refuse(node, SF_ERR_SHAPE,
                                 "it makes too much of constants alone: export the network with "
                                 "its constants folded");
    r->budget -= count;
    return SF_OK;
}

/* ---- what is known ------------------------------------------------------------------------- */

sf_status sf_resolve_known(sf_resolver *r, const sf_node *node, sf_type type, const sf_shape *shape,
                           const double *number, size_t *result)
{
    return sf_graph_add_number(r->graph, node->name == NULL ? "" : node->name, type, shape, number,
                               result);
}

/* A node at work on its own: input i of it is value i, its output the last. */
typedef struct sf_bench {
    sf_node node;
    sf_shape *shape;
    double **number;
    size_t count; /* of inputs */
} sf_bench;

static void clear_bench(sf_bench *bench)
{
    for (size_t i = 0; bench->number != NULL && i <= bench->count; i++) sf_free(bench->number[i]);
    sf_free(bench->number);
    sf_free(bench->shape);
    sf_free(bench->node.input);
}

static sf_status make_bench(const sf_resolver *r, const sf_node *node, sf_bench *bench)
{
    *bench = (sf_bench){.node = *node, .count = node->input_count};
    bench->node.input = NULL;
    SF_TRY(sf_allocate(&bench->node.input, node->input_count, sizeof *bench->node.input));
    SF_TRY(sf_allocate(&bench->shape, node->input_count + 1, sizeof *bench->shape));
    SF_TRY(sf_allocate(&bench->number, node->input_count + 1, sizeof *bench->number));
    for (size_t i = 0; i < node->input_count; i++) {
        bench->node.input[i] = i;
        bench->shape[i] = r->graph->value[node->input[i]].shape;
    }
    bench->node.output = node->input_count;
    return SF_OK;
}

/* The shape that the node makes of its inputs' shapes. */
static sf_status find_shape(const sf_resolver *r, sf_bench *bench, bool known)
{
    const sf_operator *row = sf_operator_of(bench->node.op);
    sf_shape *out = &bench->shape[bench->count];
    size_t size;

    (void)r;
    if (row->image && bench->shape[0].rank != 4)
        return sf_resolve_refuse(&bench->node, SF_ERR_SHAPE,
                                 "its input has rank %d: an image (batch, channels, rows, columns) "
                                 "is expected",
                                 bench->shape[0].rank);
    SF_TRY(row->shape(&bench->node, bench->shape, out));
    for (int i = 0; i < out->rank; i++)
        if (out->dim[i] > (size_t)LIMIT || (out->dim[i] < 1 && !known))
            return sf_resolve_refuse(&bench->node, SF_ERR_SHAPE,
                                     "the result has %zu cells along axis %d", out->dim[i], i);
    if (sf_shape_size(out, &size) != SF_OK)
        return sf_resolve_refuse(&bench->node, SF_ERR_SHAPE,
                                 "the result is larger than memory can hold");
    return SF_OK;
}

/* What computing the node costs: the numbers that it reads and makes, or multiplies. */
static sf_status find_cost(const sf_bench *bench, size_t *cost)
{
    const sf_shape *first = &bench->shape[0];

    *cost = sf_shape_count(&bench->shape[bench->count]);
    if (bench->node.op == SF_OP_MATMUL &&
        !sf_multiply_sizes(*cost, first->dim[first->rank - 1], cost))
        *cost = SIZE_MAX;
    for (size_t i = 0; i < bench->count; i++)
        if (__builtin_add_overflow(*cost, sf_shape_count(&bench->shape[i]), cost)) *cost = SIZE_MAX;
    return SF_OK;
}

static sf_type result_type(const sf_resolver *r, const sf_node *node)
{
    switch (sf_operator_of(node->op)->type) {
    case SF_TYPE_OF_SECOND: return r->graph->value[node->input[1]].type;
    case SF_TYPE_IS_TRUTH: return SF_TYPE_TRUTH;
    case SF_TYPE_AS_TOLD: return node->to;
    case SF_TYPE_OF_FIRST: break;
    }
    return node->input_count > 0 ? r->graph->value[node->input[0]].type : node->to;
}

/* Single precision, integers, or 0 and 1, as the file's own arithmetic would have it. */
static sf_status round_results(const sf_node *node, sf_type type, size_t count, double *number)
{
    for (size_t i = 0; i < count; i++) {
        if (type == SF_TYPE_REAL) number[i] = (double)(float)number[i];
        if (type == SF_TYPE_INTEGER) number[i] = trunc(number[i]);
        if (type == SF_TYPE_TRUTH) number[i] = number[i] != 0.0 ? 1.0 : 0.0;
        if (!isfinite(number[i]))
            return sf_resolve_refuse(node, SF_ERR_NUMERIC, "it makes %g of constants", number[i]);
    }
    return SF_OK;
}

static sf_status compute(sf_resolver *r, const sf_node *node, sf_bench *bench, size_t *result)
{
    const sf_operator *row = sf_operator_of(node->op);
    const sf_shape *out = &bench->shape[bench->count];
    const sf_type type = result_type(r, node);
    size_t cost;

    if (row->reference == NULL || row->image)
        return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED,
                                 "it computes from constants alone: export the network with its "
                                 "constants folded");
    SF_TRY(find_cost(bench, &cost));
    SF_TRY(sf_resolve_spend(r, node, cost));
    for (size_t i = 0; i < bench->count; i++) {
        const sf_value *value = &r->graph->value[node->input[i]];
        const size_t size = sf_shape_count(&value->shape);

        r->graph->folds_weights |= value->constant != NULL && value->borrowed && size > 1;
        SF_TRY(sf_allocate(&bench->number[i], size, sizeof **bench->number));
        for (size_t k = 0; k < size; k++) bench->number[i][k] = sf_value_number(value, k);
    }
    SF_TRY(sf_allocate(&bench->number[bench->count], sf_shape_count(out), sizeof **bench->number));
    row->reference(&(sf_work){&bench->node, bench->shape, bench->number, NULL});
    SF_TRY(round_results(node, type, sf_shape_count(out), bench->number[bench->count]));
    return sf_resolve_known(r, node, type, out, bench->number[bench->count], result);
}

/* ---- data ---------------------------------------------------------------------------------- */

/* A known value becomes a constant of single precision. */
static sf_status materialise(sf_value *value)
{
    const size_t size = sf_shape_count(&value->shape);

    if (value->constant != NULL || value->number == NULL) return SF_OK;
    SF_TRY(sf_allocate(&value->constant, size, sizeof *value->constant));
    for (size_t i = 0; i < size; i++) value->constant[i] = (float)value->number[i];
    if (!value->borrowed) sf_free(value->number);
    value->number = NULL;
    value->borrowed = false;
    return SF_OK;
}

static sf_status add_data(sf_resolver *r, const sf_node *node, const sf_bench *bench,
                          size_t *result)
{
    const sf_operator *row = sf_operator_of(node->op);
    sf_node made = *node;

    if (row->compile == NULL && node->op != SF_OP_BATCH_NORM)
        return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED,
                                 "it computes with the image's values; here it is supported on "
                                 "sizes and constants only");
    for (size_t i = 0; i < node->input_count; i++)
        SF_TRY(materialise(&r->graph->value[node->input[i]]));
    SF_TRY(sf_graph_add_value(r->graph, node->name == NULL ? "" : node->name,
                              &bench->shape[bench->count], NULL, result));
    made.output = *result;
    made.settled = true;
    return sf_graph_add_node(r->graph, &made);
}

static bool all_known(const sf_resolver *r, const sf_node *node)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (!sf_value_is_known(&r->graph->value[node->input[i]])) return false;
    return true;
}

/* ---- one node ------------------------------------------------------------------------------ */

static sf_status add_settled(sf_resolver *r, const sf_node *node, size_t *result)
{
    const bool known = all_known(r, node);
    sf_bench bench = {0};
    sf_status status;

    SF_GO(make_bench(r, node, &bench));
    SF_GO(find_shape(r, &bench, known));
    SF_GO(known ? compute(r, node, &bench, result) : add_data(r, node, &bench, result));
done:
    clear_bench(&bench);
    return status;
}

static sf_status check_inputs(const sf_node *node)
{
    const sf_operator *row = sf_operator_of(node->op);

    if (row->shape == NULL && row->settle == NULL)
        return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED, "it cannot be executed");
    if (node->settled) return SF_OK;
    if (node->input_count < row->least || node->input_count > row->most)
        return sf_resolve_refuse(node, SF_ERR_FORMAT, "%zu inputs, at least %zu are expected",
                                 node->input_count, row->least);
    for (size_t i = 0; i < node->input_count; i++)
        if (node->input[i] == NONE && (i < row->least || row->settle == NULL))
            return sf_resolve_refuse(node, SF_ERR_FORMAT, "input %zu is missing", i);
    return SF_OK;
}

sf_status sf_resolve_node(sf_resolver *r, const sf_node *node, size_t *result)
{
    const sf_operator *row = sf_operator_of(node->op);
    sf_node mine = *node;
    sf_status status;

    *result = NONE;
    mine.input = NULL;
    mine.list = NULL;
    mine.output = NONE;
    SF_TRY(check_inputs(node));
    SF_GO(sf_copy_memory(node->input, node->input_count, sizeof *node->input, &mine.input));
    SF_GO(sf_copy_memory(node->list, node->list_count, sizeof *node->list, &mine.list));
    if (row->settle != NULL && !node->settled) SF_GO(row->settle(r, &mine, result));
    if (*result == NONE) SF_GO(add_settled(r, &mine, result));
done:
    sf_free(mine.input);
    sf_free(mine.list);
    return status;
}

sf_status sf_resolve_emit(sf_resolver *r, const sf_node *parent, const sf_node *attributes,
                          size_t count, const size_t *input, size_t *result)
{
    sf_node node = *attributes;
    sf_status status;

    node.name = parent->name;
    node.input = NULL;
    node.input_count = count;
    SF_GO(sf_copy_memory(input, count, sizeof *input, &node.input));
    SF_GO(sf_resolve_node(r, &node, result));
done:
    sf_free(node.input);
    return status;
}

/* ---- the whole graph ----------------------------------------------------------------------- */

/* The image must agree with what the file declares where that is not free. */
static sf_status check_image(const sf_graph *graph, const sf_shape *image)
{
    const sf_value *input = &graph->value[graph->input[0]];
    const sf_shape *declared = &input->shape;
    char a[160], b[160];
    bool fits = image->rank == declared->rank || declared->rank == 0;

    for (int i = 0; fits && i < declared->rank; i++)
        fits = declared->dim[i] == 0 || declared->dim[i] == image->dim[i];
    if (!fits)
        return sf_fail(SF_ERR_SHAPE,
                       "an image of shape %s does not fit the input '%s' of shape %s "
                       "(0: any)",
                       sf_shape_text(image, a, sizeof a), input->name,
                       sf_shape_text(declared, b, sizeof b));
    for (int i = 0; i < image->rank; i++)
        if (image->dim[i] < 1 || image->dim[i] > (size_t)LIMIT)
            return sf_fail(SF_ERR_SHAPE, "an image of shape %s is out of range",
                           sf_shape_text(image, a, sizeof a));
    return SF_OK;
}

/* A value that is there before any node: known, or an input. */
static sf_status add_source(sf_graph *to, const sf_graph *graph, size_t value,
                            const sf_shape *image, size_t *index)
{
    const sf_value *from = &graph->value[value];
    sf_shape shape = from->shape;

    if (value == graph->input[0]) shape = *image;
    if (graph->input_count > 1 && value == graph->input[1]) /* its free dimension is the batch */
        for (int i = 0; i < shape.rank; i++)
            if (shape.dim[i] == 0) shape.dim[i] = i == 0 ? image->dim[0] : 1;
    SF_TRY(sf_graph_add_value(to, from->name, &shape, NULL, index));
    to->value[*index].constant = from->constant;
    to->value[*index].number = from->number;
    to->value[*index].type = from->type;
    to->value[*index].parameter = from->parameter;
    to->value[*index].borrowed = sf_value_is_known(from);
    return SF_OK;
}

static sf_status add_sources(const sf_graph *graph, const sf_shape *image, size_t *map,
                             sf_graph *to)
{
    for (size_t i = 0; i < graph->value_count; i++) {
        map[i] = NONE;
        if (sf_graph_is_source(graph, i)) SF_TRY(add_source(to, graph, i, image, &map[i]));
    }
    to->input_count = graph->input_count;
    for (size_t i = 0; i < graph->input_count; i++) to->input[i] = map[graph->input[i]];
    return SF_OK;
}

static sf_status add_mapped(sf_resolver *r, const sf_node *node, size_t *map)
{
    sf_node mine = *node;
    sf_status status;

    SF_TRY(sf_allocate(&mine.input, node->input_count, sizeof *mine.input));
    for (size_t i = 0; i < node->input_count; i++)
        mine.input[i] = node->input[i] == NONE ? NONE : map[node->input[i]];
    status = sf_resolve_node(r, &mine, &map[node->output]);
    sf_free(mine.input);
    return status;
}

/* The constants that resolving made come after the parameters. */
static void number_constants(sf_graph *to, const sf_graph *graph)
{
    to->parameter_count = to->constant_count = graph->parameter_count;
    for (size_t i = 0; i < to->value_count; i++) {
        sf_value *value = &to->value[i];

        if (value->constant == NULL || value->borrowed) continue;
        value->parameter = to->constant_count;
        to->constant_count += sf_shape_count(&value->shape);
    }
}

static sf_status resolve(const sf_graph *graph, const sf_shape *image, size_t *map, sf_resolver *r)
{
    sf_graph *to = r->graph;

    SF_TRY(add_sources(graph, image, map, to));
    for (size_t i = 0; i < graph->node_count; i++) SF_TRY(add_mapped(r, &graph->node[i], map));
    to->output = map[graph->output];
    to->opset = graph->opset;
    if (to->output == NONE) return sf_fail(SF_ERR_FORMAT, "the network has no output");
    if (sf_value_is_known(&to->value[to->output]))
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "the output '%s' follows from sizes and constants alone: it does not depend "
                       "on the image",
                       graph->value[graph->output].name);
    SF_TRY(sf_graph_prune(to));
    number_constants(to, graph);
    return SF_OK;
}

sf_status sf_graph_resolve(const sf_graph *graph, const sf_shape *image, size_t *map,
                           sf_graph **resolved)
{
    sf_resolver r = {.budget = BUDGET};
    size_t *own = NULL;
    sf_status status;

    *resolved = NULL;
    SF_TRY(check_image(graph, image));
    SF_GO(sf_graph_create(&r.graph));
    if (map == NULL) {
        SF_GO(sf_allocate(&own, graph->value_count, sizeof *own));
        map = own;
    }
    SF_GO(resolve(graph, image, map, &r));
    *resolved = r.graph;
    r.graph = NULL;
done:
    sf_graph_release(&r.graph);
    sf_free(own);
    return status;
}

sf_status sf_graph_shapes(const sf_graph *graph, const sf_shape *image, sf_shape *shapes)
{
    sf_graph *resolved = NULL;
    size_t *map;
    sf_status status;

    SF_TRY(sf_allocate(&map, graph->value_count, sizeof *map));
    SF_GO(sf_graph_resolve(graph, image, map, &resolved));
    for (size_t i = 0; i < graph->value_count; i++)
        shapes[i] = map[i] == NONE ? (sf_shape){0} : resolved->value[map[i]].shape;
done:
    sf_graph_release(&resolved);
    sf_free(map);
    return status;
}

/* ---- at load ------------------------------------------------------------------------------- */

static bool is_foldable(const sf_graph *graph, const sf_node *node)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (node->input[i] != NONE && !sf_value_is_known(&graph->value[node->input[i]]))
            return false;
    return true;
}

/* The output takes over what was computed: a weight, if real numbers were. */
static sf_status take_result(sf_graph *graph, size_t output, size_t result)
{
    sf_value *to = &graph->value[output], *from = &graph->value[result];

    to->type = from->type;
    to->shape = from->shape;
    if (from->constant != NULL) /* an input, passed on */
        return sf_copy_memory(from->constant, sf_shape_count(&from->shape), sizeof *from->constant,
                              &to->constant);
    SF_TRY(sf_copy_memory(from->number, sf_shape_count(&from->shape), sizeof *from->number,
                          &to->number));
    return to->type == SF_TYPE_REAL ? materialise(to) : SF_OK;
}

sf_status sf_graph_fold(sf_graph *graph)
{
    sf_resolver r = {.graph = graph, .budget = BUDGET, .loading = true};
    size_t kept = 0;
    sf_status status = SF_OK;

    for (size_t i = 0; i < graph->node_count; i++) {
        sf_node *node = &graph->node[i];
        size_t result;

        if (status == SF_OK && is_foldable(graph, node)) {
            status = sf_resolve_node(&r, node, &result);
            if (status == SF_OK) status = take_result(graph, node->output, result);
            if (status == SF_OK) {
                sf_free(node->name);
                sf_free(node->input);
                sf_free(node->list);
                continue;
            }
        }
        graph->node[kept++] = *node;
    }
    graph->node_count = kept;
    return status == SF_OK ? sf_graph_finish(graph) : status;
}
