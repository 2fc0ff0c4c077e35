/* settle_movement.c - operators that move, repeat, cut or sum numbers, and those that tell sizes:
 * what they are for one size of image. */
#include "base/internal.h"
#include "network/operator.h"

#include <math.h>
#include <string.h>

#define NONE    SF_NO_VALUE
#define LARGEST 9007199254740992.0 /* 2^53: what a double counts exactly */

/* ---- arguments ----------------------------------------------------------------------------- */

const sf_shape *sf_resolve_shape(const sf_resolver *r, const sf_node *node, size_t input)
{
    return &r->graph->value[node->input[input]].shape;
}

bool sf_resolve_has(const sf_node *node, size_t input)
{
    return input < node->input_count && node->input[input] != NONE;
}

bool sf_resolve_is_known(const sf_resolver *r, const sf_node *node, size_t input)
{
    return sf_value_is_known(&r->graph->value[node->input[input]]);
}

sf_status sf_resolve_numbers(const sf_resolver *r, const sf_node *node, size_t input,
                             const char *what, double **number, size_t *count)
{
    const sf_value *value;

    *number = NULL;
    *count = 0;
    if (!sf_resolve_has(node, input))
        return sf_resolve_refuse(node, SF_ERR_FORMAT, "%s is missing", what);
    value = &r->graph->value[node->input[input]];
    if (!sf_value_is_known(value))
        return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED,
                                 "%s is computed from the image's values, and not a constant: it "
                                 "has to follow from sizes and constants",
                                 what);
    *count = sf_shape_count(&value->shape);
    SF_TRY(sf_allocate(number, *count, sizeof **number));
    for (size_t i = 0; i < *count; i++) (*number)[i] = sf_value_number(value, i);
    return SF_OK;
}

sf_status sf_resolve_longs(const sf_resolver *r, const sf_node *node, size_t input,
                           const char *what, long **number, size_t *count)
{
    double *wide;
    sf_status status;

    *number = NULL;
    SF_TRY(sf_resolve_numbers(r, node, input, what, &wide, count));
    SF_GO(sf_allocate(number, *count, sizeof **number));
    for (size_t i = 0; i < *count; i++)
        (*number)[i] = (long)fmin(fmax(trunc(wide[i]), -LARGEST), LARGEST);
done:
    sf_free(wide);
    return status;
}

sf_status sf_resolve_axis(const sf_node *node, long rank, long *axis)
{
    if (*axis < -rank || *axis >= rank)
        return sf_resolve_refuse(node, SF_ERR_FORMAT, "there is no axis %ld", *axis);
    if (*axis < 0) *axis += rank;
    return SF_OK;
}

/* An input's axes, each in [0, rank) and there once, as marks; absent: `usual`. */
static sf_status marked_axes(const sf_resolver *r, const sf_node *node, size_t input, int rank,
                             bool usual, bool marks[SF_TENSOR_MAX_RANK], size_t *count)
{
    long *axes = NULL;
    sf_status status = SF_OK;

    *count = 0;
    for (int i = 0; i < SF_TENSOR_MAX_RANK; i++) marks[i] = usual;
    if (!sf_resolve_has(node, input)) return SF_OK;
    SF_GO(sf_resolve_longs(r, node, input, "the list of axes", &axes, count));
    for (int i = 0; i < SF_TENSOR_MAX_RANK; i++) marks[i] = usual && *count == 0;
    for (size_t i = 0; i < *count; i++) {
        SF_GO(sf_resolve_axis(node, rank, &axes[i]));
        if (marks[axes[i]]) {
            status = sf_resolve_refuse(node, SF_ERR_FORMAT, "axis %ld is there twice", axes[i]);
            goto done;
        }
        marks[axes[i]] = true;
    }
done:
    sf_free(axes);
    return status;
}

/* ---- shapes, axes, repetition -------------------------------------------------------------- */

static void list_of(const sf_shape *shape, long list[SF_TENSOR_MAX_RANK])
{
    for (int i = 0; i < shape->rank; i++) list[i] = (long)shape->dim[i];
}

/* Resolving adds each node with its output, so the outputs ascend. */
static const sf_node *producer_of(const sf_graph *graph, size_t value)
{
    size_t low = 0, high = graph->node_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (graph->node[middle].output < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low < graph->node_count && graph->node[low].output == value ? &graph->node[low] : NULL;
}

/* A weight in another shape stays that weight, and learns. */
static sf_status view_weight(sf_graph *graph, size_t value, const sf_shape *shape, size_t *result)
{
    sf_value *view;

    SF_TRY(sf_graph_add_value(graph, graph->value[value].name, shape, NULL, result));
    view = &graph->value[*result];
    view->constant = graph->value[value].constant;
    view->parameter = graph->value[value].parameter;
    view->borrowed = true;
    return SF_OK;
}

/* A reshape of a reshape is one, or none. */
sf_status sf_emit_reshape(sf_resolver *r, const sf_node *parent, size_t value,
                          const sf_shape *shape, size_t *result)
{
    const sf_node *before = producer_of(r->graph, value);
    long list[SF_TENSOR_MAX_RANK];
    const sf_node node = {
        .op = SF_OP_RESHAPE, .list = list, .list_count = (size_t)shape->rank, .settled = true};

    if (before != NULL && before->op == SF_OP_RESHAPE) value = before->input[0];
    *result = value;
    if (sf_shape_equal(shape, &r->graph->value[value].shape)) return SF_OK;
    if (r->graph->value[value].constant != NULL && r->graph->value[value].borrowed)
        return view_weight(r->graph, value, shape, result);
    list_of(shape, list);
    return sf_resolve_emit(r, parent, &node, 1, &value, result);
}

sf_status sf_emit_expand(sf_resolver *r, const sf_node *parent, size_t value, const sf_shape *shape,
                         size_t *result)
{
    long list[SF_TENSOR_MAX_RANK];
    const sf_node node = {
        .op = SF_OP_EXPAND, .list = list, .list_count = (size_t)shape->rank, .settled = true};

    *result = value;
    if (sf_shape_equal(shape, &r->graph->value[value].shape)) return SF_OK;
    list_of(shape, list);
    return sf_resolve_emit(r, parent, &node, 1, &value, result);
}

sf_status sf_emit_pair(sf_resolver *r, const sf_node *parent, sf_op op, size_t a, size_t b,
                       size_t *result)
{
    const sf_node node = {.op = op};

    return sf_resolve_emit(r, parent, &node, 2, (size_t[]){a, b}, result);
}

/* Whether the axes that have more than one cell keep their order. */
static bool moves_nothing(const sf_shape *shape, const long *order)
{
    long last = -1;

    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[order[i]] == 1) continue;
        if (order[i] < last) return false;
        last = order[i];
    }
    return true;
}

/* A transposition of a transposition is one: of networks with their channels last, many pairs
 * vanish. */
sf_status sf_emit_transpose(sf_resolver *r, const sf_node *parent, size_t value, const long *order,
                            size_t *result)
{
    const sf_node *before = producer_of(r->graph, value);
    const bool twice = before != NULL && before->op == SF_OP_TRANSPOSE;
    const size_t source = twice ? before->input[0] : value;
    const sf_shape shape = r->graph->value[source].shape;
    long whole[SF_TENSOR_MAX_RANK] = {0};
    sf_node node = {.op = SF_OP_TRANSPOSE, .list = whole, .settled = true};
    sf_shape moved = {.rank = shape.rank};

    for (int i = 0; i < shape.rank; i++) {
        whole[i] = twice ? before->list[order[i]] : order[i];
        moved.dim[i] = shape.dim[whole[i]];
    }
    node.list_count = (size_t)shape.rank;
    if (moves_nothing(&shape, whole)) return sf_emit_reshape(r, parent, source, &moved, result);
    return sf_resolve_emit(r, parent, &node, 1, &source, result);
}

sf_status sf_settle_transpose(sf_resolver *r, sf_node *node, size_t *result)
{
    const int rank = sf_resolve_shape(r, node, 0)->rank;
    bool there[SF_TENSOR_MAX_RANK] = {false};
    long order[SF_TENSOR_MAX_RANK] = {0};

    if (node->list_count > 0 && node->list_count != (size_t)rank)
        return sf_resolve_refuse(node, SF_ERR_FORMAT, "perm has %zu axes, the input %d",
                                 node->list_count, rank);
    for (int i = 0; i < rank; i++) {
        order[i] = node->list_count > 0 ? node->list[i] : rank - 1 - i;
        SF_TRY(sf_resolve_axis(node, rank, &order[i]));
        if (there[order[i]])
            return sf_resolve_refuse(node, SF_ERR_FORMAT, "perm has axis %ld twice", order[i]);
        there[order[i]] = true;
    }
    return sf_emit_transpose(r, node, node->input[0], order, result);
}

/* 0: as in the input; -1: what is left. */
static sf_status find_lengths(const sf_node *node, const sf_shape *in, const long *wanted,
                              size_t count, sf_shape *out)
{
    size_t rest = sf_shape_count(in), made = 1;
    long open = -1;

    if (count > SF_TENSOR_MAX_RANK)
        return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED,
                                 "%zu dimensions; at most %d are supported", count,
                                 SF_TENSOR_MAX_RANK);
    out->rank = (int)count;
    for (int i = 0; i < out->rank; i++) {
        const bool copied = wanted[i] == 0 && !node->flag;

        if (wanted[i] < -1 || (wanted[i] == -1 && open >= 0) || (copied && i >= in->rank))
            return sf_resolve_refuse(node, SF_ERR_FORMAT, "there is no length %ld", wanted[i]);
        if (wanted[i] == -1) open = i;
        out->dim[i] = wanted[i] == -1 ? 1 : copied ? in->dim[i] : (size_t)wanted[i];
        if (!sf_multiply_sizes(made, out->dim[i], &made)) made = SIZE_MAX;
    }
    if (open >= 0 && made > 0 && rest % made == 0) {
        out->dim[open] = rest / made;
        made = rest;
    }
    if (made == rest) return SF_OK;
    return sf_resolve_refuse(node, SF_ERR_SHAPE, "%zu numbers do not fill the new shape", rest);
}

sf_status sf_settle_reshape(sf_resolver *r, sf_node *node, size_t *result)
{
    sf_shape shape = {0};
    long *wanted;
    size_t count;
    sf_status status;

    SF_GO(sf_resolve_longs(r, node, 1, "the new shape", &wanted, &count));
    SF_GO(find_lengths(node, sf_resolve_shape(r, node, 0), wanted, count, &shape));
    SF_GO(sf_emit_reshape(r, node, node->input[0], &shape, result));
done:
    sf_free(wanted);
    return status;
}

sf_status sf_settle_flatten(sf_resolver *r, sf_node *node, size_t *result)
{
    const sf_shape *in = sf_resolve_shape(r, node, 0);
    sf_shape shape = {.rank = 2, .dim = {1, 1}};
    long axis = node->axis;

    if (axis != in->rank) SF_TRY(sf_resolve_axis(node, in->rank, &axis));
    for (int i = 0; i < in->rank; i++) shape.dim[i < axis ? 0 : 1] *= in->dim[i];
    return sf_emit_reshape(r, node, node->input[0], &shape, result);
}

static sf_status squeezed(const sf_node *node, const sf_shape *in, const bool *marks, bool listed,
                          sf_shape *out)
{
    for (int i = 0; i < in->rank; i++) {
        const bool dropped = marks[i] && (listed || in->dim[i] == 1);

        if (dropped && in->dim[i] != 1)
            return sf_resolve_refuse(node, SF_ERR_SHAPE, "axis %d has %zu cells", i, in->dim[i]);
        if (!dropped) out->dim[out->rank++] = in->dim[i];
    }
    return SF_OK;
}

/* Squeeze and Unsqueeze. */
sf_status sf_settle_squeeze(sf_resolver *r, sf_node *node, size_t *result)
{
    const sf_shape *in = sf_resolve_shape(r, node, 0);
    const bool shrinks = node->op == SF_OP_SQUEEZE;
    bool marks[SF_TENSOR_MAX_RANK];
    sf_shape shape = {0};
    size_t count = 0;

    if (!shrinks && sf_resolve_has(node, 1)) count = sf_shape_count(sf_resolve_shape(r, node, 1));
    if (count + (size_t)in->rank > SF_TENSOR_MAX_RANK)
        return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED, "more than %d dimensions",
                                 SF_TENSOR_MAX_RANK);
    SF_TRY(marked_axes(r, node, 1, in->rank + (int)count, shrinks, marks, &count));
    if (shrinks) {
        SF_TRY(squeezed(node, in, marks, count > 0, &shape));
    } else {
        shape.rank = in->rank + (int)count;
        for (int i = 0, from = 0; i < shape.rank; i++)
            shape.dim[i] = marks[i] ? 1 : in->dim[from++];
    }
    return sf_emit_reshape(r, node, node->input[0], &shape, result);
}

static sf_status read_lengths(const sf_node *node, const long *list, size_t count, sf_shape *shape)
{
    if (count > SF_TENSOR_MAX_RANK)
        return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED, "more than %d dimensions",
                                 SF_TENSOR_MAX_RANK);
    shape->rank = (int)count;
    for (int i = 0; i < shape->rank; i++) {
        if (list[i] < 0)
            return sf_resolve_refuse(node, SF_ERR_FORMAT, "there is no length %ld", list[i]);
        shape->dim[i] = (size_t)list[i];
    }
    return SF_OK;
}

sf_status sf_settle_expand(sf_resolver *r, sf_node *node, size_t *result)
{
    sf_shape shapes[2] = {*sf_resolve_shape(r, node, 0)}, shape;
    const sf_node pair = {
        .op = node->op, .name = node->name, .input = (size_t[]){0, 1}, .input_count = 2};
    long *list;
    size_t count;
    sf_status status;

    SF_GO(sf_resolve_longs(r, node, 1, "the new shape", &list, &count));
    SF_GO(read_lengths(node, list, count, &shapes[1]));
    SF_GO(sf_shape_broadcast(&pair, shapes, &shape));
    SF_GO(sf_emit_expand(r, node, node->input[0], &shape, result));
done:
    sf_free(list);
    return status;
}

/* ---- cutting and choosing ------------------------------------------------------------------ */

static long clamp(long value, long low, long high)
{
    return value < low ? low : value > high ? high : value;
}

/* First cell and number of cells of start:end:step, as Python and ONNX have it. */
static void find_cells(long length, long start, long end, long step, long cells[3])
{
    const bool up = step > 0;

    if (start < 0) start += length;
    if (end < 0) end += length;
    start = clamp(start, 0, up ? length : length - 1);
    end = clamp(end, up ? 0 : -1, length);
    cells[0] = start;
    cells[1] = step;
    cells[2] = up ? (end - start + step - 1) / step : (start - end - step - 1) / -step;
    if (cells[2] < 0) cells[2] = 0;
}

/* A cut of `list` (first, step, count for each axis). */
static sf_status emit_slice(sf_resolver *r, const sf_node *parent, size_t value, long *list,
                            size_t *result)
{
    const sf_shape shape = r->graph->value[value].shape;
    const sf_node node = {
        .op = SF_OP_SLICE, .list = list, .list_count = 3 * (size_t)shape.rank, .settled = true};
    bool whole = true;

    *result = value;
    for (int i = 0; i < shape.rank; i++)
        whole &= list[3 * (size_t)i] == 0 && list[3 * (size_t)i + 1] == 1 &&
                 (size_t)list[3 * (size_t)i + 2] == shape.dim[i];
    return whole ? SF_OK : sf_resolve_emit(r, parent, &node, 1, &value, result);
}

static void whole_cells(const sf_shape *shape, long *list)
{
    for (int i = 0; i < shape->rank; i++) {
        list[3 * (size_t)i] = 0;
        list[3 * (size_t)i + 1] = 1;
        list[3 * (size_t)i + 2] = (long)shape->dim[i];
    }
}

typedef struct sf_cut {
    long *part[4]; /* starts, ends, axes, steps */
    size_t count[4];
} sf_cut;

static sf_status read_cut(const sf_resolver *r, const sf_node *node, sf_cut *cut)
{
    static const char *const what[] = {"starts", "ends", "axes", "steps"};

    for (size_t i = 0; i < 4; i++) {
        if (i >= 2 && !sf_resolve_has(node, 1 + i)) continue;
        SF_TRY(sf_resolve_longs(r, node, 1 + i, what[i], &cut->part[i], &cut->count[i]));
        if (cut->count[i] != cut->count[0])
            return sf_resolve_refuse(node, SF_ERR_FORMAT, "%zu %s for %zu starts", cut->count[i],
                                     what[i], cut->count[0]);
    }
    return SF_OK;
}

static sf_status cut_axes(const sf_node *node, const sf_shape *in, const sf_cut *cut, long *list)
{
    bool there[SF_TENSOR_MAX_RANK] = {false};

    for (size_t i = 0; i < cut->count[0]; i++) {
        const long step = cut->part[3] == NULL ? 1 : cut->part[3][i];
        long axis = cut->part[2] == NULL ? (long)i : cut->part[2][i];

        SF_TRY(sf_resolve_axis(node, in->rank, &axis));
        if (step == 0 || there[axis])
            return sf_resolve_refuse(node, SF_ERR_FORMAT,
                                     "axis %ld has the step %ld or is there twice", axis, step);
        there[axis] = true;
        find_cells((long)in->dim[axis], cut->part[0][i], cut->part[1][i],
                   clamp(step, -INT32_MAX, INT32_MAX), &list[3 * (size_t)axis]);
    }
    return SF_OK;
}

sf_status sf_settle_slice(sf_resolver *r, sf_node *node, size_t *result)
{
    const sf_shape in = *sf_resolve_shape(r, node, 0);
    long list[3 * SF_TENSOR_MAX_RANK] = {0};
    sf_cut cut = {0};
    sf_status status;

    whole_cells(&in, list);
    SF_GO(read_cut(r, node, &cut));
    SF_GO(cut_axes(node, &in, &cut, list));
    SF_GO(emit_slice(r, node, node->input[0], list, result));
done:
    for (size_t i = 0; i < 4; i++) sf_free(cut.part[i]);
    return status;
}

/* Where part `part` of a Split begins, and its length. */
static sf_status find_part(const sf_resolver *r, const sf_node *node, long length, long cells[2])
{
    const long parts = (long)node->parts, each = (length + parts - 1) / parts;
    long *lengths = NULL, sum = 0;
    size_t count = 0;
    sf_status status = SF_OK;

    cells[0] = each * (long)node->part;
    cells[1] = clamp(length - cells[0], 0, each);
    if (!sf_resolve_has(node, 1)) return SF_OK;
    SF_GO(sf_resolve_longs(r, node, 1, "split", &lengths, &count));
    for (size_t i = 0; i < count; i++) {
        if (lengths[i] < 0 || lengths[i] > length) sum = -INT32_MAX;
        if (i == node->part) {
            cells[0] = sum;
            cells[1] = lengths[i];
        }
        sum += lengths[i];
    }
    if (sum != length || count != node->parts)
        status = sf_resolve_refuse(node, SF_ERR_SHAPE,
                                   "%zu parts for %zu outputs do not make up %ld cells", count,
                                   node->parts, length);
done:
    sf_free(lengths);
    return status;
}

sf_status sf_settle_split(sf_resolver *r, sf_node *node, size_t *result)
{
    const sf_shape in = *sf_resolve_shape(r, node, 0);
    long list[3 * SF_TENSOR_MAX_RANK] = {0}, cells[2];

    SF_TRY(sf_resolve_axis(node, in.rank, &node->axis));
    if (node->parts == 0 || node->part >= node->parts)
        return sf_resolve_refuse(node, SF_ERR_FORMAT, "%zu outputs", node->parts);
    SF_TRY(find_part(r, node, (long)in.dim[node->axis], cells));
    whole_cells(&in, list);
    list[3 * (size_t)node->axis] = cells[0];
    list[3 * (size_t)node->axis + 2] = cells[1];
    return emit_slice(r, node, node->input[0], list, result);
}

/* One index without an axis drops the axis, several axes of indices make several. */
static sf_status gathered_shape(const sf_node *node, const sf_shape *in, const sf_shape *index,
                                sf_shape *out)
{
    out->rank = in->rank - 1 + index->rank;
    if (out->rank > SF_TENSOR_MAX_RANK)
        return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED,
                                 "%d dimensions; at most %d are supported", out->rank,
                                 SF_TENSOR_MAX_RANK);
    for (int i = 0; i < out->rank; i++)
        out->dim[i] = i < node->axis                 ? in->dim[i]
                      : i < node->axis + index->rank ? index->dim[i - node->axis]
                                                     : in->dim[i - index->rank + 1];
    return SF_OK;
}

sf_status sf_settle_gather(sf_resolver *r, sf_node *node, size_t *result)
{
    const sf_shape in = *sf_resolve_shape(r, node, 0);
    sf_node plain = {.op = SF_OP_GATHER, .settled = true};
    sf_shape shape = {0};
    long *index = NULL;
    size_t count = 0;
    sf_status status;

    SF_GO(sf_resolve_axis(node, in.rank, &node->axis));
    SF_GO(sf_resolve_longs(r, node, 1, "the list of indices", &index, &count));
    for (size_t i = 0; i < count; i++)
        SF_GO(sf_resolve_axis(node, (long)in.dim[node->axis], &index[i]));
    SF_GO(gathered_shape(node, &in, sf_resolve_shape(r, node, 1), &shape));
    plain.axis = node->axis;
    plain.list = index;
    plain.list_count = count;
    SF_GO(sf_resolve_emit(r, node, &plain, 1, node->input, result));
    SF_GO(sf_emit_reshape(r, node, *result, &shape, result));
done:
    sf_free(index);
    return status;
}

sf_status sf_settle_concat(sf_resolver *r, sf_node *node, size_t *result)
{
    (void)result;
    for (size_t i = 0; i < node->input_count; i++)
        if (!sf_resolve_has(node, i))
            return sf_resolve_refuse(node, SF_ERR_FORMAT, "input %zu is missing", i);
    return sf_resolve_axis(node, sf_resolve_shape(r, node, 0)->rank, &node->axis);
}

/* ---- reductions ---------------------------------------------------------------------------- */

/* ReduceMean and ReduceSum: the axes as a list, kept; dropping them is a reshape. */
sf_status sf_settle_reduce(sf_resolver *r, sf_node *node, size_t *result)
{
    const sf_shape in = *sf_resolve_shape(r, node, 0);
    sf_node plain = {.op = node->op, .settled = true};
    bool marks[SF_TENSOR_MAX_RANK];
    long axes[SF_TENSOR_MAX_RANK];
    sf_shape shape = {0};
    size_t count;

    SF_TRY(marked_axes(r, node, 1, in.rank, !node->flag, marks, &count));
    for (int i = 0; i < in.rank; i++) {
        if (marks[i]) axes[plain.list_count++] = i;
        if (!marks[i] || node->keep) shape.dim[shape.rank++] = marks[i] ? 1 : in.dim[i];
    }
    plain.list = axes;
    *result = node->input[0];
    if (plain.list_count > 0) SF_TRY(sf_resolve_emit(r, node, &plain, 1, node->input, result));
    return sf_emit_reshape(r, node, *result, &shape, result);
}

sf_status sf_settle_global_pool(sf_resolver *r, sf_node *node, size_t *result)
{
    const int rank = sf_resolve_shape(r, node, 0)->rank;
    long axes[SF_TENSOR_MAX_RANK];
    sf_node plain = {.op = SF_OP_REDUCE_MEAN, .list = axes, .settled = true};

    if (rank < 3)
        return sf_resolve_refuse(node, SF_ERR_SHAPE, "an input of rank %d has no pixels", rank);
    for (int i = 2; i < rank; i++) axes[plain.list_count++] = i;
    return sf_resolve_emit(r, node, &plain, 1, node->input, result);
}

/* ---- what tells sizes ---------------------------------------------------------------------- */

/* Shape, from axis to axis, and Size. */
sf_status sf_settle_shape(sf_resolver *r, sf_node *node, size_t *result)
{
    const sf_shape *in = sf_resolve_shape(r, node, 0);
    const long rank = in->rank;
    const long first = clamp(node->axis < 0 ? node->axis + rank : node->axis, 0, rank);
    const long last = clamp(node->end < 0 ? node->end + rank : node->end, first, rank);
    double number[SF_TENSOR_MAX_RANK];
    sf_shape shape = {.rank = 1, .dim = {(size_t)(last - first)}};

    for (long i = first; i < last; i++) number[i - first] = (double)in->dim[i];
    if (node->op == SF_OP_SIZE) {
        number[0] = (double)sf_shape_count(in);
        shape.rank = 0;
    }
    return sf_resolve_known(r, node, SF_TYPE_INTEGER, &shape, number, result);
}

sf_status sf_settle_constant_of_shape(sf_resolver *r, sf_node *node, size_t *result)
{
    const sf_shape one = {.rank = 0};
    const double fill = (double)node->alpha;
    size_t value;
    long *list;
    sf_shape shape = {0};
    sf_status status;

    SF_GO(sf_resolve_longs(r, node, 0, "the shape", &list, &node->list_count));
    SF_GO(read_lengths(node, list, node->list_count, &shape));
    SF_GO(sf_resolve_known(r, node, node->to, &one, &fill, &value));
    SF_GO(sf_emit_expand(r, node, value, &shape, result));
done:
    sf_free(list);
    return status;
}

/* first, first + step, ... below the limit */
sf_status sf_settle_range(sf_resolver *r, sf_node *node, size_t *result)
{
    static const char *const what[] = {"the first number", "the limit", "the step"};
    double number[3], *values = NULL, length;
    const sf_type type = r->graph->value[node->input[0]].type;
    sf_shape shape = {.rank = 1};
    size_t count;
    sf_status status;

    for (size_t i = 0; i < 3; i++) {
        SF_GO(sf_resolve_numbers(r, node, i, what[i], &values, &count));
        number[i] = count == 1 ? values[0] : (double)NAN;
        sf_free(values);
        values = NULL;
    }
    length = fmax(ceil((number[1] - number[0]) / number[2]), 0.0);
    if (!(length <= LARGEST) || number[2] == 0.0) {
        status = sf_resolve_refuse(node, SF_ERR_FORMAT, "no range from %g to %g in steps of %g",
                                   number[0], number[1], number[2]);
        goto done;
    }
    shape.dim[0] = (size_t)length;
    SF_GO(sf_resolve_spend(r, node, shape.dim[0]));
    SF_GO(sf_allocate(&values, shape.dim[0], sizeof *values));
    for (size_t i = 0; i < shape.dim[0]; i++) values[i] = number[0] + (double)i * number[2];
    SF_GO(sf_resolve_known(r, node, type, &shape, values, result));
done:
    sf_free(values);
    return status;
}
