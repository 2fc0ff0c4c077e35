/* shapes.c - the shape of every value, by the formulae of the ONNX operator specification
 * (github.com/onnx/onnx, docs/Operators.md), checked against overflow. */
#include "base/internal.h"
#include "network/operator.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Sizes and window parameters stay below this, so that products of two fit 64-bit integers. */
#define LIMIT 0x7fffffffL

sf_status sf_shape_size(const sf_shape *shape, size_t *size)
{
    *size = 1;
    for (int i = 0; i < shape->rank; i++)
        if (!sf_multiply_sizes(*size, shape->dim[i], size) || *size > SIZE_MAX / 64) {
            char text[160];
            return sf_fail(SF_ERR_SHAPE, "a tensor of shape %s is larger than memory can hold",
                           sf_shape_text(shape, text, sizeof text));
        }
    return SF_OK;
}

size_t sf_shape_count(const sf_shape *shape)
{
    size_t size = 1;

    for (int i = 0; i < shape->rank; i++) size *= shape->dim[i];
    return size;
}

bool sf_shape_equal(const sf_shape *a, const sf_shape *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;
}

const char *sf_shape_text(const sf_shape *shape, char *text, size_t size)
{
    size_t used = 0;

    for (int i = 0; i < shape->rank && used < size; i++)
        used +=
            (size_t)snprintf(text + used, size - used, "%s%zu", i == 0 ? "[" : ",", shape->dim[i]);
    if (used < size) (void)snprintf(text + used, size - used, "%s", used == 0 ? "[]" : "]");
    return text;
}

/* Fails with "node 'name' (Op), inputs [..] [..]: " and the reason. */
static sf_status misfit(const sf_node *node, const sf_shape *shapes, const char *format, ...)
    SF_PRINTF(3, 4);
static sf_status misfit(const sf_node *node, const sf_shape *shapes, const char *format, ...)
{
    char reason[256], inputs[320] = "", text[160];
    size_t used = 0;
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < node->input_count && used < sizeof inputs; i++)
        used += (size_t)snprintf(inputs + used, sizeof inputs - used, " %s",
                                 sf_shape_text(&shapes[node->input[i]], text, sizeof text));
    return sf_fail(SF_ERR_SHAPE, "node '%s' (%s) with inputs%s: %s", node->name,
                   sf_op_name(node->op), inputs, reason);
}

/* ---- windows ------------------------------------------------------------------------------- */

/* Cells that a dilated kernel spans. */
static long span(const sf_node *node, int axis)
{
    return (long)(node->dilation[axis] * (node->kernel[axis] - 1) + 1);
}

void sf_node_pads(const sf_node *node, const sf_shape *input, const sf_shape *output, long pads[4])
{
    memcpy(pads, node->pads, 4 * sizeof *pads);
    if (node->auto_pad == SF_AUTO_PAD_NONE) return;
    memset(pads, 0, 4 * sizeof *pads);
    if (node->auto_pad == SF_AUTO_PAD_VALID) return;
    for (int axis = 0; axis < 2; axis++) {
        const long in = (long)input->dim[2 + axis], out = (long)output->dim[2 + axis];
        const long stride = (long)node->stride[axis];
        const long total =
            node->op == SF_OP_CONV_TRANSPOSE
                ? (in - 1) * stride + (long)node->output_padding[axis] + span(node, axis) - out
                : (out - 1) * stride + span(node, axis) - in;
        const long half = total > 0 ? total / 2 : 0, rest = total > 0 ? total - half : 0;

        pads[axis] = node->auto_pad == SF_AUTO_PAD_UPPER ? half : rest;
        pads[2 + axis] = node->auto_pad == SF_AUTO_PAD_UPPER ? rest : half;
    }
}

static bool window_in_range(const sf_node *node)
{
    for (int axis = 0; axis < 2; axis++) {
        const size_t limit = (size_t)LIMIT;

        if (node->stride[axis] < 1 || node->stride[axis] > limit) return false;
        if (node->kernel[axis] < 1 || node->kernel[axis] > limit) return false;
        if (node->dilation[axis] < 1 || node->dilation[axis] > limit) return false;
        if (node->dilation[axis] * node->kernel[axis] > limit) return false;
        if (node->output_padding[axis] > limit) return false;
    }
    for (int i = 0; i < 4; i++)
        if (node->pads[i] < 0 || node->pads[i] > LIMIT) return false;
    return true;
}

static long window_length(const sf_node *node, int axis, long in)
{
    const long stride = (long)node->stride[axis];
    const bool same = node->auto_pad == SF_AUTO_PAD_UPPER || node->auto_pad == SF_AUTO_PAD_LOWER;
    const long pads =
        node->auto_pad == SF_AUTO_PAD_NONE ? node->pads[axis] + node->pads[2 + axis] : 0;
    long free, out;

    if (node->op == SF_OP_CONV_TRANSPOSE)
        return same
                   ? in * stride
                   : (in - 1) * stride + (long)node->output_padding[axis] + span(node, axis) - pads;
    if (same) return (in + stride - 1) / stride;
    free = in + pads - span(node, axis);
    if (free < 0) return 0;
    out = free / stride + 1;
    /* A last, partial window counts if it begins inside the input or the pads before it. */
    if (node->ceil_mode && free % stride != 0 &&
        out * stride < in + (node->auto_pad == SF_AUTO_PAD_NONE ? node->pads[axis] : 0))
        out++;
    return out;
}

static sf_status window_shape(const sf_node *node, const sf_shape *shapes, size_t channels,
                              sf_shape *out)
{
    const sf_shape *x = &shapes[node->input[0]];

    if (!window_in_range(node))
        return misfit(node, shapes,
                      "kernel %zux%zu, strides %zux%zu, dilations %zux%zu or pads %ld,%ld,%ld,%ld "
                      "are out of range",
                      node->kernel[0], node->kernel[1], node->stride[0], node->stride[1],
                      node->dilation[0], node->dilation[1], node->pads[0], node->pads[1],
                      node->pads[2], node->pads[3]);
    *out = *x;
    out->dim[1] = channels;
    for (int axis = 0; axis < 2; axis++) {
        const long length = window_length(node, axis, (long)x->dim[2 + axis]);

        if (length < 1)
            return misfit(node, shapes, "the %zux%zu window is larger than the padded input",
                          node->kernel[0], node->kernel[1]);
        out->dim[2 + axis] = (size_t)length;
    }
    return SF_OK;
}

/* Conv: weight [out, in/groups, rows, columns]; ConvTranspose: [in, out/groups, rows, columns]. */
sf_status sf_shape_convolution(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    const sf_shape *x = &shapes[node->input[0]];
    const sf_shape *w = &shapes[node->input[1]];
    const bool transposed = node->op == SF_OP_CONV_TRANSPOSE;
    size_t in, made;

    if (w->rank != 4) return misfit(node, shapes, "the weight is not of rank 4");
    if (node->groups < 1 || w->dim[0] < 1 || w->dim[1] < 1 || w->dim[0] % node->groups != 0)
        return misfit(node, shapes, "%zu groups do not divide %zu channels", node->groups,
                      w->dim[0]);
    if (!sf_multiply_sizes(w->dim[1], node->groups, &in))
        return misfit(node, shapes, "%zu groups are too many", node->groups);
    made = transposed ? in : w->dim[0];
    if (transposed) in = w->dim[0];
    if (x->dim[1] != in)
        return misfit(node, shapes, "the weight is for %zu channels, the input has %zu", in,
                      x->dim[1]);
    if (w->dim[2] != node->kernel[0] || w->dim[3] != node->kernel[1])
        return misfit(node, shapes, "kernel_shape is %zux%zu, the weight's is %zux%zu",
                      node->kernel[0], node->kernel[1], w->dim[2], w->dim[3]);
    if (node->input_count > 2) {
        const sf_shape *b = &shapes[node->input[2]];
        if (b->rank != 1 || b->dim[0] != made)
            return misfit(node, shapes, "the bias needs %zu values", made);
    }
    return window_shape(node, shapes, made, out);
}

sf_status sf_shape_pool(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    return window_shape(node, shapes, shapes[node->input[0]].dim[1], out);
}

/* ---- the other operators ------------------------------------------------------------------- */

sf_status sf_shape_same(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    *out = shapes[node->input[0]];
    return SF_OK;
}

sf_status sf_shape_batch_norm(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    *out = shapes[node->input[0]];
    for (size_t i = 1; i < 5; i++) {
        const sf_shape *s = &shapes[node->input[i]];
        if (s->rank != 1 || s->dim[0] != out->dim[1])
            return misfit(node, shapes, "input %zu needs one value for each of %zu channels", i,
                          out->dim[1]);
    }
    return SF_OK;
}

/* Multidirectional (numpy) broadcasting: aligned at the last axis. */
sf_status sf_shape_broadcast(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    *out = shapes[node->input[0]];
    for (size_t k = 1; k < node->input_count; k++) {
        const sf_shape a = *out, *b = &shapes[node->input[k]];

        out->rank = a.rank > b->rank ? a.rank : b->rank;
        for (int i = 1; i <= out->rank; i++) {
            const size_t m = i <= a.rank ? a.dim[a.rank - i] : 1;
            const size_t n = i <= b->rank ? b->dim[b->rank - i] : 1;

            if (m != n && m != 1 && n != 1)
                return misfit(node, shapes, "%zu and %zu along one axis do not fit", m, n);
            out->dim[out->rank - i] = m == 1 ? n : m;
        }
    }
    return SF_OK;
}

sf_status sf_shape_concat(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    *out = shapes[node->input[0]];
    if (node->axis < 0 || node->axis >= out->rank)
        return misfit(node, shapes, "there is no axis %ld", node->axis);
    for (size_t i = 1; i < node->input_count; i++) {
        const sf_shape *s = &shapes[node->input[i]];

        if (s->rank != out->rank) return misfit(node, shapes, "the ranks differ");
        for (int axis = 0; axis < out->rank; axis++)
            if (axis == (int)node->axis)
                out->dim[axis] += s->dim[axis];
            else if (s->dim[axis] != out->dim[axis])
                return misfit(node, shapes, "%zu and %zu along axis %d do not fit", out->dim[axis],
                              s->dim[axis], axis);
    }
    return SF_OK;
}

sf_status sf_shape_pad(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    *out = shapes[node->input[0]];
    for (int axis = 0; axis < 2; axis++) {
        const long in = (long)out->dim[2 + axis], before = node->pads[axis];
        const long after = node->pads[2 + axis];
        const long left = in + (before < 0 ? before : 0) + (after < 0 ? after : 0);

        if (before < -LIMIT || before > LIMIT || after < -LIMIT || after > LIMIT)
            return misfit(node, shapes, "pads %ld and %ld are out of range", before, after);
        if (left < 1)
            return misfit(node, shapes, "pads %ld and %ld leave nothing of %ld cells", before,
                          after, in);
        if (node->pad_mode == SF_PAD_REFLECT && (before >= left || after >= left))
            return misfit(node, shapes, "pads %ld and %ld reflect more than %ld cells can", before,
                          after, left);
        out->dim[2 + axis] = (size_t)(in + before + after);
    }
    return SF_OK;
}

sf_status sf_shape_depth_to_space(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    const size_t b = node->block;

    *out = shapes[node->input[0]];
    if (b < 1 || b > 65535 || out->dim[1] % (b * b) != 0)
        return misfit(node, shapes, "a block of %zu does not divide the channels", b);
    out->dim[1] /= b * b;
    out->dim[2] *= b;
    out->dim[3] *= b;
    return SF_OK;
}

sf_status sf_shape_space_to_depth(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    const size_t b = node->block;

    *out = shapes[node->input[0]];
    if (b < 1 || b > 65535 || out->dim[2] % b != 0 || out->dim[3] % b != 0)
        return misfit(node, shapes, "a block of %zu does not divide the image", b);
    out->dim[1] *= b * b;
    out->dim[2] /= b;
    out->dim[3] /= b;
    return SF_OK;
}

/* floor(length * scale), in single precision as the operator's other implementations have it. */
sf_status sf_shape_resize(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    *out = shapes[node->input[0]];
    for (int axis = 0; axis < 2; axis++) {
        const double length = node->scale[axis] != 0.0
                                  ? (double)((float)out->dim[2 + axis] * (float)node->scale[axis])
                                  : (double)node->size[axis];

        if (!(length >= 1.0 && length < (double)LIMIT))
            return misfit(node, shapes, "the new length %g is out of range", length);
        out->dim[2 + axis] = (size_t)length;
    }
    return SF_OK;
}

/* ---- movement, reductions, products -------------------------------------------------------- */

/* The list is the shape. */
sf_status sf_shape_listed(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    if (node->list_count > SF_TENSOR_MAX_RANK)
        return misfit(node, shapes, "%zu dimensions; at most %d are supported", node->list_count,
                      SF_TENSOR_MAX_RANK);
    out->rank = (int)node->list_count;
    for (int i = 0; i < out->rank; i++) out->dim[i] = (size_t)node->list[i];
    return SF_OK;
}

/* Axis i of the result is axis list[i]. */
sf_status sf_shape_transpose(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    const sf_shape *x = &shapes[node->input[0]];

    out->rank = x->rank;
    for (int i = 0; i < x->rank; i++) out->dim[i] = x->dim[node->list[i]];
    return SF_OK;
}

/* The list has first, step and count for every axis. */
sf_status sf_shape_slice(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    out->rank = shapes[node->input[0]].rank;
    for (int i = 0; i < out->rank; i++) out->dim[i] = (size_t)node->list[3 * (size_t)i + 2];
    return SF_OK;
}

/* The list has the places along the axis. */
sf_status sf_shape_gather(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    *out = shapes[node->input[0]];
    out->dim[node->axis] = node->list_count;
    return SF_OK;
}

/* The list has the axes that become one cell. */
sf_status sf_shape_reduced(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    *out = shapes[node->input[0]];
    for (size_t i = 0; i < node->list_count; i++) out->dim[node->list[i]] = 1;
    return SF_OK;
}

/* [..., m, k] times [k, n], or times [..., k, n] with the same axes before; each matrix may be
 * transposed in memory. */
sf_status sf_shape_matmul(const sf_node *node, const sf_shape *shapes, sf_shape *out)
{
    const sf_shape *a = &shapes[node->input[0]], *b = &shapes[node->input[1]];
    const int turn_a = node->transposed[0] ? 1 : 0, turn_b = node->transposed[1] ? 1 : 0;
    bool fits = a->rank >= 2 && (b->rank == 2 || b->rank == a->rank);

    for (int i = 0; fits && b->rank > 2 && i < a->rank - 2; i++) fits = a->dim[i] == b->dim[i];
    if (!fits || a->dim[a->rank - 1 - turn_a] != b->dim[b->rank - 2 + turn_b] ||
        (node->transposed[0] && a->rank > 2))
        return misfit(node, shapes, "the matrices do not fit");
    *out = *a;
    out->dim[a->rank - 2] = a->dim[a->rank - 2 + turn_a];
    out->dim[a->rank - 1] = b->dim[b->rank - 1 - turn_b];
    return SF_OK;
}

/* ---- broadcasting -------------------------------------------------------------------------- */

int sf_shape_merge(const sf_shape *a, const sf_shape *b, size_t merged[3][SF_TENSOR_MAX_RANK])
{
    const int rank = a->rank > b->rank ? a->rank : b->rank;
    bool before[2] = {false, false};
    int made = 0;

    for (int i = rank; i > 0; i--) {
        const size_t m = i <= a->rank ? a->dim[a->rank - i] : 1;
        const size_t n = i <= b->rank ? b->dim[b->rank - i] : 1;
        const bool repeats[2] = {m == 1 && n != 1, n == 1 && m != 1};

        if (m == 1 && n == 1) continue;
        if (made == 0 || repeats[0] != before[0] || repeats[1] != before[1]) {
            for (int k = 0; k < 3; k++) merged[k][made] = 1;
            made++;
        }
        merged[0][made - 1] *= m;
        merged[1][made - 1] *= n;
        merged[2][made - 1] *= m == 1 ? n : m;
        before[0] = repeats[0];
        before[1] = repeats[1];
    }
    return made;
}
