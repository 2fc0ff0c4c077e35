/* settle.c - operators that are made of simpler ones, or that take arguments as inputs: what they
 * are for one size of image. */
#include "base/internal.h"
#include "network/operator.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define NONE SF_NO_VALUE

/* One input that is the result as it is. */
sf_status sf_settle_alias(sf_resolver *r, sf_node *node, size_t *result)
{
    if (node->op == SF_OP_DROPOUT && sf_resolve_has(node, 2) &&
        !(sf_resolve_is_known(r, node, 2) &&
          sf_value_number(&r->graph->value[node->input[2]], 0) == 0.0))
        return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED, "it is in training mode");
    *result = node->input[0];
    return SF_OK;
}

sf_status sf_settle_cast(sf_resolver *r, sf_node *node, size_t *result)
{
    if (sf_resolve_is_known(r, node, 0)) return SF_OK;
    if (node->to != SF_TYPE_REAL)
        return sf_resolve_refuse(
            node, SF_ERR_UNSUPPORTED,
            "the image's values stay real numbers: this type is not supported");
    *result = node->input[0];
    return SF_OK;
}

/* One number of an optional input. */
static sf_status read_single(const sf_resolver *r, const sf_node *node, size_t input,
                             const char *what, double *value)
{
    double *number;
    size_t count;

    if (!sf_resolve_has(node, input)) return SF_OK;
    SF_TRY(sf_resolve_numbers(r, node, input, what, &number, &count));
    if (count > 0) *value = number[0];
    for (size_t i = 0; i < count; i++)
        if (number[i] != number[0]) *value = (double)NAN;
    sf_free(number);
    if (count == 0 || !isfinite(*value))
        return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED, "%s is not one number", what);
    return SF_OK;
}

sf_status sf_settle_clip(sf_resolver *r, sf_node *node, size_t *result)
{
    double low = -(double)FLT_MAX, high = (double)FLT_MAX;

    (void)result;
    SF_TRY(read_single(r, node, 1, "the lower limit", &low));
    SF_TRY(read_single(r, node, 2, "the upper limit", &high));
    node->alpha = (float)low;
    node->beta = (float)high;
    node->input_count = 1;
    return SF_OK;
}

/* A number as a value of rank 0. */
static sf_status emit_scalar(sf_resolver *r, const sf_node *parent, double number, size_t *result)
{
    const sf_shape one = {.rank = 0};

    return sf_resolve_known(r, parent, SF_TYPE_REAL, &one, &number, result);
}

static sf_status emit_unary(sf_resolver *r, const sf_node *parent, const sf_node *attributes,
                            size_t value, size_t *result)
{
    sf_node node = *attributes;

    node.settled = true;
    return sf_resolve_emit(r, parent, &node, 1, &value, result);
}

/* A power of the image's values has one exponent. */
sf_status sf_settle_pow(sf_resolver *r, sf_node *node, size_t *result)
{
    const size_t x = node->input[0];
    double exponent = 0.0;

    if (sf_resolve_is_known(r, node, 0) && sf_resolve_is_known(r, node, 1)) return SF_OK;
    SF_TRY(read_single(r, node, 1, "the exponent", &exponent));
    *result = x;
    if (exponent == 1.0) return SF_OK;
    if (exponent == 2.0) return sf_emit_pair(r, node, SF_OP_MUL, x, x, result);
    if (exponent == 0.5) return emit_unary(r, node, &(sf_node){.op = SF_OP_SQRT}, x, result);
    return emit_unary(r, node, &(sf_node){.op = SF_OP_POW, .alpha = (float)exponent}, x, result);
}

/* ---- two operands -------------------------------------------------------------------------- */

/* Max and Min of several are a chain of pairs. */
static sf_status chain(sf_resolver *r, const sf_node *node, size_t *result)
{
    *result = node->input[0];
    for (size_t i = 1; i < node->input_count; i++) {
        if (!sf_resolve_has(node, i))
            return sf_resolve_refuse(node, SF_ERR_FORMAT, "input %zu is missing", i);
        SF_TRY(sf_emit_pair(r, node, node->op, *result, node->input[i], result));
    }
    return SF_OK;
}

/* The engine repeats along four axes at most: what needs more is repeated beforehand. */
sf_status sf_settle_binary(sf_resolver *r, sf_node *node, size_t *result)
{
    size_t merged[3][SF_TENSOR_MAX_RANK];
    sf_shape shape, both[2];
    sf_node pair = *node;

    if (node->input_count != 2) return chain(r, node, result);
    both[0] = *sf_resolve_shape(r, node, 0);
    both[1] = *sf_resolve_shape(r, node, 1);
    pair.input = (size_t[]){0, 1};
    SF_TRY(sf_shape_broadcast(&pair, both, &shape));
    if (node->op == SF_OP_PRELU && !sf_shape_equal(&shape, &both[0]))
        return sf_resolve_refuse(node, SF_ERR_SHAPE, "the slopes have more axes than the input");
    if (sf_shape_merge(&both[0], &both[1], merged) <= 4) return SF_OK;
    SF_TRY(sf_emit_expand(r, node, node->input[0], &shape, &node->input[0]));
    return sf_emit_expand(r, node, node->input[1], &shape, &node->input[1]);
}

/* ---- convolutions -------------------------------------------------------------------------- */

/* [a, b, n] -> [a, b, 1, n] */
static sf_status lift(sf_resolver *r, const sf_node *node, size_t value, size_t *result)
{
    const sf_shape *in = &r->graph->value[value].shape;
    const sf_shape shape = {.rank = 4, .dim = {in->dim[0], in->dim[1], 1, in->dim[2]}};

    return sf_emit_reshape(r, node, value, &shape, result);
}

/* Along one axis, it is a convolution of images of one row. */
static sf_status lift_convolution(sf_resolver *r, sf_node *node, size_t *result)
{
    sf_node image = *node;
    size_t input[3] = {0};
    sf_shape shape;

    SF_TRY(lift(r, node, node->input[0], &input[0]));
    SF_TRY(lift(r, node, node->input[1], &input[1]));
    if (node->input_count > 2) input[2] = node->input[2];
    image.kernel[0] = 1;
    image.settled = true;
    SF_TRY(sf_resolve_emit(r, node, &image, node->input_count, input, result));
    shape = r->graph->value[*result].shape;
    shape.rank = 3;
    shape.dim[2] = shape.dim[3];
    return sf_emit_reshape(r, node, *result, &shape, result);
}

sf_status sf_settle_convolution(sf_resolver *r, sf_node *node, size_t *result)
{
    const sf_shape *x = sf_resolve_shape(r, node, 0), *w = sf_resolve_shape(r, node, 1);

    if (!sf_resolve_has(node, node->input_count - 1)) node->input_count--;
    for (size_t i = 1; i < node->input_count; i++)
        if (!sf_resolve_is_known(r, node, i))
            return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED,
                                     "its weight or bias is not a constant");
    if (w->rank != 4 && w->rank != 3)
        return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED,
                                 "its weight has rank %d; images need rank 4", w->rank);
    for (int i = 0; i < 2; i++)
        if (node->kernel[i] == 0)
            node->kernel[i] = w->rank == 4 ? w->dim[2 + i] : i == 0 ? 1 : w->dim[2];
    if (w->rank == 4 || x->rank != 3) return SF_OK;
    return lift_convolution(r, node, result);
}

/* ---- matrices ------------------------------------------------------------------------------ */

/* The matrix with the result's axes before it. */
static sf_status repeat_matrix(sf_resolver *r, const sf_node *node, size_t value,
                               const sf_shape *batch, size_t *result)
{
    const sf_shape in = r->graph->value[value].shape;
    sf_shape shape = *batch;

    memcpy(&shape.dim[batch->rank], &in.dim[in.rank - 2], 2 * sizeof *in.dim);
    shape.rank = batch->rank + 2;
    return sf_emit_expand(r, node, value, &shape, result);
}

static sf_status repeat_matrices(sf_resolver *r, sf_node *node)
{
    const sf_shape a = *sf_resolve_shape(r, node, 0), b = *sf_resolve_shape(r, node, 1);
    sf_shape before[2] = {a, b}, batch;
    sf_node pair = *node;

    if (b.rank == 2) return SF_OK;
    before[0].rank -= 2;
    before[1].rank -= 2;
    pair.input = (size_t[]){0, 1};
    SF_TRY(sf_shape_broadcast(&pair, before, &batch));
    SF_TRY(repeat_matrix(r, node, node->input[0], &batch, &node->input[0]));
    return repeat_matrix(r, node, node->input[1], &batch, &node->input[1]);
}

/* A vector is a matrix of one row on the left, of one column on the right; that axis goes again. */
sf_status sf_settle_matmul(sf_resolver *r, sf_node *node, size_t *result)
{
    const sf_shape a = *sf_resolve_shape(r, node, 0), b = *sf_resolve_shape(r, node, 1);
    const sf_shape row = {.rank = 2, .dim = {1, a.dim[0]}},
                   column = {.rank = 2, .dim = {b.dim[0], 1}};
    sf_shape shape;

    if (a.rank < 1 || b.rank < 1)
        return sf_resolve_refuse(node, SF_ERR_SHAPE, "a number is no matrix");
    if (a.rank == 1) SF_TRY(sf_emit_reshape(r, node, node->input[0], &row, &node->input[0]));
    if (b.rank == 1) SF_TRY(sf_emit_reshape(r, node, node->input[1], &column, &node->input[1]));
    SF_TRY(repeat_matrices(r, node));
    if (a.rank > 1 && b.rank > 1) return SF_OK;
    node->settled = true;
    SF_TRY(sf_resolve_emit(r, node, node, 2, node->input, result));
    shape = r->graph->value[*result].shape;
    if (b.rank == 1) shape.rank--;
    if (a.rank == 1) {
        shape.dim[shape.rank - (b.rank == 1 ? 1 : 2)] = shape.dim[shape.rank - 1];
        shape.rank--;
    }
    return sf_emit_reshape(r, node, *result, &shape, result);
}

/* alpha A B + beta C */
sf_status sf_settle_gemm(sf_resolver *r, sf_node *node, size_t *result)
{
    sf_node product = {.op = SF_OP_MATMUL, .settled = true};
    size_t factor, term;

    if (sf_resolve_shape(r, node, 0)->rank != 2 || sf_resolve_shape(r, node, 1)->rank != 2)
        return sf_resolve_refuse(node, SF_ERR_SHAPE, "its operands are no matrices");
    memcpy(product.transposed, node->transposed, sizeof product.transposed);
    SF_TRY(sf_resolve_emit(r, node, &product, 2, node->input, result));
    if (node->alpha != 1.0F) {
        SF_TRY(emit_scalar(r, node, (double)node->alpha, &factor));
        SF_TRY(sf_emit_pair(r, node, SF_OP_MUL, *result, factor, result));
    }
    if (!sf_resolve_has(node, 2) || node->beta == 0.0F) return SF_OK;
    term = node->input[2];
    if (node->beta != 1.0F) {
        SF_TRY(emit_scalar(r, node, (double)node->beta, &factor));
        SF_TRY(sf_emit_pair(r, node, SF_OP_MUL, term, factor, &term));
    }
    return sf_emit_pair(r, node, SF_OP_ADD, *result, term, result);
}

/* ---- normalisation ------------------------------------------------------------------------- */

/* result = result * scale + bias; each has a number for every cell of axis 1. */
static sf_status scale_channels(sf_resolver *r, const sf_node *node, size_t *result)
{
    static const sf_op op[] = {SF_OP_MUL, SF_OP_ADD};
    const sf_shape x = r->graph->value[*result].shape;
    sf_shape shape = {.rank = x.rank - 1};

    for (int i = 0; i < shape.rank; i++) shape.dim[i] = i == 0 ? x.dim[1] : 1;
    for (size_t i = 0; i < 2; i++) {
        const sf_shape *given = sf_resolve_shape(r, node, 1 + i);
        size_t operand;

        if (given->rank != 1 || given->dim[0] != x.dim[1])
            return sf_resolve_refuse(node, SF_ERR_SHAPE, "scale and B need %zu numbers each",
                                     x.dim[1]);
        SF_TRY(sf_emit_reshape(r, node, node->input[1 + i], &shape, &operand));
        SF_TRY(sf_emit_pair(r, node, op[i], *result, operand, result));
    }
    return SF_OK;
}

/* (x - mean) / sqrt(variance + epsilon) over the axes from `axis` on */
static sf_status emit_normalise(sf_resolver *r, const sf_node *node, size_t value, long axis,
                                size_t *result)
{
    const sf_node plain = {.op = SF_OP_LAYER_NORM, .alpha = node->alpha, .axis = axis};

    if (!(node->alpha >= 0.0F))
        return sf_resolve_refuse(node, SF_ERR_FORMAT, "epsilon is %g", (double)node->alpha);
    return emit_unary(r, node, &plain, value, result);
}

sf_status sf_settle_instance_norm(sf_resolver *r, sf_node *node, size_t *result)
{
    if (sf_resolve_shape(r, node, 0)->rank < 3)
        return sf_resolve_refuse(node, SF_ERR_SHAPE, "its input has no pixels");
    SF_TRY(emit_normalise(r, node, node->input[0], 2, result));
    return scale_channels(r, node, result);
}

/* The groups are the channels of an image with fewer of them. Before opset 21 scale and B are one
 * number a group, since then one a channel. */
sf_status sf_settle_group_norm(sf_resolver *r, sf_node *node, size_t *result)
{
    const sf_shape x = *sf_resolve_shape(r, node, 0), *scale = sf_resolve_shape(r, node, 1);
    sf_shape grouped = {.rank = 3, .dim = {x.dim[0], node->groups, 1}};
    const bool by_group =
        scale->rank == 1 && scale->dim[0] == node->groups && x.rank > 1 && x.dim[1] != node->groups;

    if (x.rank < 2 || x.dim[1] % node->groups != 0)
        return sf_resolve_refuse(node, SF_ERR_SHAPE, "%zu groups do not divide the channels",
                                 node->groups);
    grouped.dim[2] = sf_shape_count(&x) / (x.dim[0] * node->groups);
    SF_TRY(sf_emit_reshape(r, node, node->input[0], &grouped, result));
    SF_TRY(emit_normalise(r, node, *result, 2, result));
    if (by_group) SF_TRY(scale_channels(r, node, result));
    SF_TRY(sf_emit_reshape(r, node, *result, &x, result));
    return by_group ? SF_OK : scale_channels(r, node, result);
}

sf_status sf_settle_layer_norm(sf_resolver *r, sf_node *node, size_t *result)
{
    SF_TRY(sf_resolve_axis(node, sf_resolve_shape(r, node, 0)->rank, &node->axis));
    SF_TRY(emit_normalise(r, node, node->input[0], node->axis, result));
    if (sf_resolve_has(node, 1))
        SF_TRY(sf_emit_pair(r, node, SF_OP_MUL, *result, node->input[1], result));
    if (sf_resolve_has(node, 2))
        SF_TRY(sf_emit_pair(r, node, SF_OP_ADD, *result, node->input[2], result));
    return SF_OK;
}

/* ---- softmax ------------------------------------------------------------------------------- */

/* Over one axis, which goes last and comes back. */
static sf_status softmax_axis(sf_resolver *r, sf_node *node, int rank, size_t *result)
{
    const sf_node plain = {.op = SF_OP_SOFTMAX};
    long order[SF_TENSOR_MAX_RANK] = {0};

    for (int i = 0; i < rank; i++) order[i] = i;
    order[node->axis] = rank - 1;
    order[rank - 1] = node->axis;
    SF_TRY(sf_emit_transpose(r, node, node->input[0], order, result));
    SF_TRY(emit_unary(r, node, &plain, *result, result));
    return sf_emit_transpose(r, node, *result, order, result);
}

/* Before opset 13 (flag) it is over all the axes from `axis` on. */
sf_status sf_settle_softmax(sf_resolver *r, sf_node *node, size_t *result)
{
    const sf_shape x = *sf_resolve_shape(r, node, 0);
    const sf_node plain = {.op = SF_OP_SOFTMAX};
    sf_shape rows = {.rank = 2, .dim = {1, 1}};

    SF_TRY(sf_resolve_axis(node, x.rank, &node->axis));
    if (!node->flag && node->axis == x.rank - 1) return SF_OK;
    if (!node->flag) return softmax_axis(r, node, x.rank, result);
    for (int i = 0; i < x.rank; i++) rows.dim[i < node->axis ? 0 : 1] *= x.dim[i];
    SF_TRY(sf_emit_reshape(r, node, node->input[0], &rows, result));
    SF_TRY(emit_unary(r, node, &plain, *result, result));
    return sf_emit_reshape(r, node, *result, &x, result);
}

/* ---- pads and sizes ------------------------------------------------------------------------ */

/* One number an axis, for the axes named or for all of them; the others keep `usual`. */
static sf_status spread(const sf_node *node, int rank, const long *axes, size_t axis_count,
                        const double *values, size_t count, double *by_axis)
{
    if (count != (axes == NULL ? (size_t)rank : axis_count))
        return sf_resolve_refuse(node, SF_ERR_FORMAT, "%zu values for %zu axes", count,
                                 axes == NULL ? (size_t)rank : axis_count);
    for (size_t i = 0; i < count; i++) {
        long axis = axes == NULL ? (long)i : axes[i];

        SF_TRY(sf_resolve_axis(node, rank, &axis));
        if (!(fabs(values[i]) <= (double)INT32_MAX))
            return sf_resolve_refuse(node, SF_ERR_FORMAT, "the value %g is out of range",
                                     values[i]);
        by_axis[axis] = values[i];
    }
    return SF_OK;
}

/* Rows and columns are padded at once. */
static sf_status pad_image(sf_node *node, const double *before, const double *after)
{
    for (int axis = 0; axis < 2; axis++) {
        node->pads[axis] = (long)before[2 + axis];
        node->pads[2 + axis] = (long)after[2 + axis];
    }
    node->input_count = 1;
    return SF_OK;
}

/* Along one axis: cut, or put between blocks of the fill value. */
static sf_status pad_axis(sf_resolver *r, const sf_node *node, int axis, double before,
                          double after, size_t *result)
{
    const sf_shape in = r->graph->value[*result].shape;
    const double pads[2] = {before, after};
    const sf_node join = {.op = SF_OP_CONCAT, .axis = axis};
    size_t part[3] = {*result, *result, *result}, fill, count = 0, input[3];
    long list[3 * SF_TENSOR_MAX_RANK] = {0};
    sf_node cut = {
        .op = SF_OP_SLICE, .list = list, .list_count = 3 * (size_t)in.rank, .settled = true};

    for (int i = 0; i < in.rank; i++) {
        list[3 * (size_t)i] = i == axis && before < 0.0 ? (long)-before : 0;
        list[3 * (size_t)i + 1] = 1;
        list[3 * (size_t)i + 2] = (long)in.dim[i];
    }
    list[3 * (size_t)axis + 2] += (long)fmin(before, 0.0) + (long)fmin(after, 0.0);
    if (list[3 * (size_t)axis + 2] < 1)
        return sf_resolve_refuse(node, SF_ERR_SHAPE, "pads %g and %g leave nothing of %zu cells",
                                 before, after, in.dim[axis]);
    if (before < 0.0 || after < 0.0) SF_TRY(sf_resolve_emit(r, node, &cut, 1, result, &part[1]));
    SF_TRY(emit_scalar(r, node, (double)node->alpha, &fill));
    for (size_t side = 0; side < 2; side++) {
        sf_shape block = in;

        if (pads[side] <= 0.0) continue;
        block.dim[axis] = (size_t)pads[side];
        SF_TRY(sf_emit_expand(r, node, fill, &block, &part[2 * side]));
    }
    if (before > 0.0) input[count++] = part[0];
    input[count++] = part[1];
    if (after > 0.0) input[count++] = part[2];
    *result = part[1];
    return count == 1 ? SF_OK : sf_resolve_emit(r, node, &join, count, input, result);
}

static sf_status pad_axes(sf_resolver *r, sf_node *node, const double *before, const double *after,
                          size_t *result)
{
    const int rank = sf_resolve_shape(r, node, 0)->rank;

    if (rank == 4 && before[0] == 0.0 && before[1] == 0.0 && after[0] == 0.0 && after[1] == 0.0)
        return pad_image(node, before, after);
    if (node->pad_mode != SF_PAD_CONSTANT)
        return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED,
                                 "in this mode only rows and columns may change, of an image of "
                                 "rank 4");
    *result = node->input[0];
    for (int axis = 0; axis < rank; axis++)
        if (before[axis] != 0.0 || after[axis] != 0.0)
            SF_TRY(pad_axis(r, node, axis, before[axis], after[axis], result));
    return SF_OK;
}

sf_status sf_settle_pad(sf_resolver *r, sf_node *node, size_t *result)
{
    const int rank = sf_resolve_shape(r, node, 0)->rank;
    double before[SF_TENSOR_MAX_RANK] = {0}, after[SF_TENSOR_MAX_RANK] = {0}, *pads = NULL;
    double fill = (double)node->alpha;
    long *axes = NULL;
    size_t count, axis_count = 0;
    sf_status status;

    SF_GO(sf_resolve_numbers(r, node, 1, "the list of pads", &pads, &count));
    SF_GO(read_single(r, node, 2, "the padding value", &fill));
    node->alpha = (float)fill;
    if (sf_resolve_has(node, 3))
        SF_GO(sf_resolve_longs(r, node, 3, "the list of axes", &axes, &axis_count));
    SF_GO(spread(node, rank, axes, axis_count, pads, count / 2, before));
    SF_GO(spread(node, rank, axes, axis_count, pads + count / 2, count - count / 2, after));
    SF_GO(pad_axes(r, node, before, after, result));
done:
    sf_free(axes);
    sf_free(pads);
    return status;
}

/* Before opset 11 the nearest cell is the one below i/scale where an axis grows, and the one above
 * where it shrinks: the specification gives it by examples, and ONNX Runtime has it so. */
static sf_status old_rounding(sf_node *node)
{
    const double *scale = node->scale;
    const bool shrinks = scale[0] < 1.0 || scale[1] < 1.0;

    if (node->resize_rounding != SF_RESIZE_ROUND_OLD) return SF_OK;
    node->resize_rounding = shrinks ? SF_RESIZE_CEIL : SF_RESIZE_FLOOR;
    if (!shrinks || (scale[0] <= 1.0 && scale[1] <= 1.0) || node->resize_mode != SF_RESIZE_NEAREST)
        return SF_OK;
    return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED,
                             "the scales %gx%g shrink one axis and stretch the other, and opsets "
                             "before 11 round each in their own way: export the network with opset "
                             "11 or later",
                             scale[0], scale[1]);
}

static sf_status resize_axes(sf_node *node, const sf_shape *in, const double *values, size_t count,
                             bool sizes)
{
    double by_axis[SF_TENSOR_MAX_RANK] = {0};

    for (int i = 0; i < in->rank; i++) by_axis[i] = sizes ? (double)in->dim[i] : 1.0;
    SF_TRY(spread(node, in->rank, node->list_count > 0 ? node->list : NULL, node->list_count,
                  values, count, by_axis));
    for (int i = 0; i < in->rank; i++)
        if (!(by_axis[i] > 0.0))
            return sf_resolve_refuse(node, SF_ERR_FORMAT, "the scale or size %g is not positive",
                                     by_axis[i]);
    if (in->rank != 4) /* the operator's own rule says so */
        return SF_OK;
    for (int i = 0; i < 2; i++)
        if (by_axis[i] != (sizes ? (double)in->dim[i] : 1.0))
            return sf_resolve_refuse(node, SF_ERR_UNSUPPORTED,
                                     "only rows and columns may change, not axis %d", i);
    for (int i = 0; i < 2; i++)
        if (sizes)
            node->size[i] = (size_t)by_axis[2 + i];
        else
            node->scale[i] = by_axis[2 + i];
    return SF_OK;
}

/* Inputs: the image, a region that is not used, scales, sizes. */
sf_status sf_settle_resize(sf_resolver *r, sf_node *node, size_t *result)
{
    const sf_shape in = *sf_resolve_shape(r, node, 0);
    double *values = NULL;
    size_t count = 0, input = 2;
    sf_status status;

    (void)result;
    if (!sf_resolve_has(node, 2) || sf_shape_count(sf_resolve_shape(r, node, 2)) == 0) input = 3;
    SF_GO(sf_resolve_numbers(
        r, node, input, input == 2 ? "the list of scales" : "the list of sizes", &values, &count));
    SF_GO(resize_axes(node, &in, values, count, input == 3));
    SF_GO(old_rounding(node));
    node->input_count = 1;
done:
    sf_free(values);
    return status;
}
