/* reference_rules.c - every operator by the letter of the ONNX operator specification
 * (github.com/onnx/onnx, docs/Operators.md), one number after the other. */
#include "network/reference.h"

#include <math.h>

/* ---- formulae ------------------------------------------------------------------------------ */

static const sf_shape *shape_in(const sf_work *work, size_t operand)
{
    return &work->shape[work->node->input[operand]];
}

static const sf_shape *shape_out(const sf_work *work) { return &work->shape[work->node->output]; }

static double in(const sf_work *work, size_t operand, size_t i)
{
    return work->value[work->node->input[operand]][i];
}

/* out[o] += term */
static void emit(const sf_work *work, size_t o, double term)
{
    if (work->gradient == NULL) work->value[work->node->output][o] += term;
}

/* d out[o] / d in[i] = slope */
static void slope(const sf_work *work, size_t o, size_t operand, size_t i, double value)
{
    if (work->gradient == NULL) return;
    work->gradient[work->node->input[operand]][i] += value * work->gradient[work->node->output][o];
}

/* out[o] += weight in[i] */
static void linear(const sf_work *work, size_t o, size_t operand, size_t i, double weight)
{
    emit(work, o, weight * in(work, operand, i));
    slope(work, o, operand, i, weight);
}

/* out[o] += first[i] second[k] */
static void product(const sf_work *work, size_t o, size_t i, size_t k)
{
    emit(work, o, in(work, 0, i) * in(work, 1, k));
    slope(work, o, 0, i, in(work, 1, k));
    slope(work, o, 1, k, in(work, 0, i));
}

/* ---- positions ----------------------------------------------------------------------------- */

static size_t size_of(const sf_shape *shape)
{
    size_t size = 1;

    for (int axis = 0; axis < shape->rank; axis++) size *= shape->dim[axis];
    return size;
}

/* The position of number `index`. */
static void locate(const sf_shape *shape, size_t index, size_t at[SF_TENSOR_MAX_RANK])
{
    for (int axis = shape->rank - 1; axis >= 0; axis--) {
        at[axis] = index % shape->dim[axis];
        index /= shape->dim[axis];
    }
}

/* The number at a position. */
static size_t number(const sf_shape *shape, const size_t at[SF_TENSOR_MAX_RANK])
{
    size_t index = 0;

    for (int axis = 0; axis < shape->rank; axis++) index = index * shape->dim[axis] + at[axis];
    return index;
}

static bool inside(const sf_shape *image, long y, long x)
{
    return y >= 0 && y < (long)image->dim[2] && x >= 0 && x < (long)image->dim[3];
}

static size_t pixel(const sf_shape *image, size_t n, size_t c, long y, long x)
{
    return number(image, (size_t[SF_TENSOR_MAX_RANK]){n, c, (size_t)y, (size_t)x});
}

/* ---- number by number ---------------------------------------------------------------------- */

static void activate(const sf_work *work)
{
    const double alpha = (double)work->node->alpha;

    for (size_t i = 0; i < size_of(shape_out(work)); i++) {
        const double x = in(work, 0, i);
        const double s = 1.0 / (1.0 + exp(-x));

        switch (work->node->op) {
        case SF_OP_ELU:
            emit(work, i, x > 0.0 ? x : alpha * expm1(x));
            slope(work, i, 0, i, x > 0.0 ? 1.0 : alpha * exp(x));
            break;
        case SF_OP_SIGMOID:
            emit(work, i, s);
            slope(work, i, 0, i, s * (1.0 - s));
            break;
        case SF_OP_LEAKY_RELU: linear(work, i, 0, i, x > 0.0 ? 1.0 : alpha); break;
        case SF_OP_RELU: linear(work, i, 0, i, x > 0.0 ? 1.0 : 0.0); break;
        default: linear(work, i, 0, i, 1.0); break; /* Identity */
        }
    }
}

/* The number that broadcasting puts at a position: axes align at the last, those of 1 repeat. */
static size_t broadcast_from(const sf_shape *shape, const sf_shape *out, const size_t *at)
{
    size_t from[SF_TENSOR_MAX_RANK];

    for (int axis = 0; axis < shape->rank; axis++)
        from[axis] = shape->dim[axis] == 1 ? 0 : at[axis + out->rank - shape->rank];
    return number(shape, from);
}

static void combine(const sf_work *work)
{
    const sf_shape *out = shape_out(work);
    size_t at[SF_TENSOR_MAX_RANK];

    for (size_t o = 0; o < size_of(out); o++) {
        locate(out, o, at);
        const size_t i = broadcast_from(shape_in(work, 0), out, at);
        const size_t k = broadcast_from(shape_in(work, 1), out, at);

        if (work->node->op == SF_OP_MUL) {
            product(work, o, i, k);
        } else {
            linear(work, o, 0, i, 1.0);
            linear(work, o, 1, k, work->node->op == SF_OP_SUB ? -1.0 : 1.0);
        }
    }
}

/* y = scale (x - mean) / sqrt(variance + epsilon) + B; inputs x, scale, B, mean, variance. */
static void normalise(const sf_work *work)
{
    const sf_shape *out = shape_out(work);
    size_t at[SF_TENSOR_MAX_RANK];

    for (size_t o = 0; o < size_of(out); o++) {
        locate(out, o, at);
        const size_t c = at[1];
        const double r = 1.0 / sqrt(in(work, 4, c) + (double)work->node->alpha);
        const double scale = in(work, 1, c), x = in(work, 0, o) - in(work, 3, c);

        emit(work, o, scale * x * r + in(work, 2, c));
        slope(work, o, 0, o, scale * r);
        slope(work, o, 1, c, x * r);
        slope(work, o, 2, c, 1.0);
        slope(work, o, 3, c, -scale * r);
        slope(work, o, 4, c, -0.5 * scale * x * r * r * r);
    }
}

/* ---- windows ------------------------------------------------------------------------------- */

/* Conv and ConvTranspose are each other's transposes between a coarse image (the output of Conv)
 * and a fine one: (y, x) of the coarse and (y, x) * stride + tap * dilation - pads of the fine
 * meet at a tap. The weight is [coarse channels, fine channels / groups, rows, columns] in both. */
static void convolve(const sf_work *work)
{
    const sf_node *node = work->node;
    const bool transposed = node->op == SF_OP_CONV_TRANSPOSE;
    const sf_shape *coarse = transposed ? shape_in(work, 0) : shape_out(work);
    const sf_shape *fine = transposed ? shape_out(work) : shape_in(work, 0);
    const sf_shape *weight = shape_in(work, 1);
    size_t tap[SF_TENSOR_MAX_RANK], at[SF_TENSOR_MAX_RANK];
    long pads[4];

    sf_node_pads(node, shape_in(work, 0), shape_out(work), pads);
    for (size_t o = 0; node->input_count > 2 && o < size_of(shape_out(work)); o++) {
        locate(shape_out(work), o, at);
        linear(work, o, 2, at[1], 1.0);
    }
    for (size_t k = 0; k < size_of(weight); k++) {
        locate(weight, k, tap);
        const size_t group = tap[0] / (weight->dim[0] / node->groups);
        const size_t channel = group * weight->dim[1] + tap[1];
        const long top = (long)(tap[2] * node->dilation[0]) - pads[0];
        const long left = (long)(tap[3] * node->dilation[1]) - pads[1];

        for (size_t n = 0; n < coarse->dim[0]; n++)
            for (long y = 0; y < (long)coarse->dim[2]; y++)
                for (long x = 0; x < (long)coarse->dim[3]; x++) {
                    const long fine_y = y * (long)node->stride[0] + top;
                    const long fine_x = x * (long)node->stride[1] + left;

                    if (!inside(fine, fine_y, fine_x)) continue;
                    const size_t a = pixel(coarse, n, tap[0], y, x);
                    const size_t b = pixel(fine, n, channel, fine_y, fine_x);
                    product(work, transposed ? b : a, transposed ? a : b, k);
                }
    }
}

/* The mean over a window: of its cells inside the image, or inside the padded image. */
static void pool(const sf_work *work)
{
    const sf_node *node = work->node;
    const sf_shape *image = shape_in(work, 0), *out = shape_out(work);
    const size_t taps = node->kernel[0] * node->kernel[1];
    size_t at[SF_TENSOR_MAX_RANK];
    long pads[4];

    sf_node_pads(node, image, out, pads);
    for (size_t o = 0; o < size_of(out); o++) {
        size_t count = 0;

        locate(out, o, at);
        for (int pass = 0; pass < 2; pass++) /* count, then add */
            for (size_t k = 0; k < taps; k++) {
                const long y =
                    (long)(at[2] * node->stride[0] + k / node->kernel[1] * node->dilation[0]) -
                    pads[0];
                const long x =
                    (long)(at[3] * node->stride[1] + k % node->kernel[1] * node->dilation[1]) -
                    pads[1];
                const bool counts = node->count_include_pad ? y < (long)image->dim[2] + pads[2] &&
                                                                  x < (long)image->dim[3] + pads[3]
                                                            : inside(image, y, x);

                if (pass == 0)
                    count += counts;
                else if (inside(image, y, x))
                    linear(work, o, 0, pixel(image, at[0], at[1], y, x), 1.0 / (double)count);
            }
    }
}

/* ---- resampling ---------------------------------------------------------------------------- */

/* Where position i of a padded axis of n cells comes from; -1: from nowhere. Negative pads crop
 * first, so what is cropped is not reflected or wrapped. */
static long padded_from(const sf_node *node, int axis, long i, long n)
{
    const long before = node->pads[axis], after = node->pads[2 + axis];
    const long first = before < 0 ? -before : 0;
    const long left = n - first - (after < 0 ? -after : 0); /* cells that the crop leaves */

    i -= before > 0 ? before : 0;
    if (i >= 0 && i < left) return first + i;
    switch (node->pad_mode) {
    case SF_PAD_EDGE: return first + (i < 0 ? 0 : left - 1);
    case SF_PAD_WRAP: return first + (i % left + left) % left;
    case SF_PAD_REFLECT: return first + (i < 0 ? -i : 2 * (left - 1) - i);
    case SF_PAD_CONSTANT: break;
    }
    return -1;
}

static void pad(const sf_work *work)
{
    const sf_node *node = work->node;
    const sf_shape *image = shape_in(work, 0), *out = shape_out(work);
    size_t at[SF_TENSOR_MAX_RANK];

    for (size_t o = 0; o < size_of(out); o++) {
        locate(out, o, at);
        const long y = padded_from(node, 0, (long)at[2], (long)image->dim[2]);
        const long x = padded_from(node, 1, (long)at[3], (long)image->dim[3]);

        if (inside(image, y, x))
            linear(work, o, 0, pixel(image, at[0], at[1], y, x), 1.0);
        else
            emit(work, o, (double)node->alpha);
    }
}

/* The coordinate in the source of cell i along an axis. */
static double resized_from(const sf_node *node, int axis, double i, double old, double new)
{
    const double scale = node->scale[axis] > 0.0 ? node->scale[axis] : new / old;

    switch (node->resize_coordinates) {
    case SF_RESIZE_ASYMMETRIC: return (double)(float)(i / scale);
    case SF_RESIZE_ALIGN_CORNERS: return new > 1.0 ? i *(old - 1.0) / (new - 1.0) : 0.0;
    case SF_RESIZE_PYTORCH_HALF_PIXEL:
        return new > 1.0 ? (double)(float)((i + 0.5) / scale) - 0.5 : 0.0;
    case SF_RESIZE_HALF_PIXEL: break;
    }
    return (double)(float)((i + 0.5) / scale) - 0.5;
}

static double round_to_cell(sf_resize_rounding rounding, double x)
{
    switch (rounding) {
    case SF_RESIZE_FLOOR: return floor(x);
    case SF_RESIZE_CEIL: return ceil(x);
    case SF_RESIZE_ROUND_PREFER_CEIL: return floor(x + 0.5);
    case SF_RESIZE_ROUND_PREFER_FLOOR: break;
    }
    return ceil(x - 0.5);
}

/* The two cells that make cell i along an axis, and their weights. */
static void resize_taps(const sf_work *work, int axis, size_t i, long cell[2], double weight[2])
{
    const sf_node *node = work->node;
    const double old = (double)shape_in(work, 0)->dim[2 + axis];
    const double new = (double)shape_out(work)->dim[2 + axis];
    const double x = fmin(fmax(resized_from(node, axis, (double)i, old, new), 0.0), old - 1.0);
    const bool nearest = node->resize_mode == SF_RESIZE_NEAREST;

    cell[0] = (long)(nearest ? round_to_cell(node->resize_rounding, x) : floor(x));
    cell[1] = (double)cell[0] < old - 1.0 ? cell[0] + 1 : cell[0];
    weight[1] = nearest ? 0.0 : x - (double)cell[0];
    weight[0] = 1.0 - weight[1];
}

static void resize(const sf_work *work)
{
    const sf_shape *image = shape_in(work, 0), *out = shape_out(work);
    size_t at[SF_TENSOR_MAX_RANK];
    double row_weight[2], column_weight[2];
    long row[2], column[2];

    for (size_t o = 0; o < size_of(out); o++) {
        locate(out, o, at);
        resize_taps(work, 0, at[2], row, row_weight);
        resize_taps(work, 1, at[3], column, column_weight);
        for (int y = 0; y < 2; y++)
            for (int x = 0; x < 2; x++)
                linear(work, o, 0, pixel(image, at[0], at[1], row[y], column[x]),
                       row_weight[y] * column_weight[x]);
    }
}

/* ---- rearranging --------------------------------------------------------------------------- */

/* DepthToSpace and SpaceToDepth: a block of the wide image is a column of the deep one. */
static void shuffle(const sf_work *work)
{
    const sf_node *node = work->node;
    const bool to_depth = node->op == SF_OP_SPACE_TO_DEPTH;
    const sf_shape *wide = to_depth ? shape_in(work, 0) : shape_out(work);
    const sf_shape *deep = to_depth ? shape_out(work) : shape_in(work, 0);
    const size_t b = node->block;
    size_t at[SF_TENSOR_MAX_RANK];

    for (size_t i = 0; i < size_of(wide); i++) {
        locate(wide, i, at);
        const size_t cell = at[2] % b * b + at[3] % b;
        const size_t channel = !to_depth && node->column_row_depth ? at[1] * b * b + cell
                                                                   : cell * wide->dim[1] + at[1];
        const size_t j = pixel(deep, at[0], channel, (long)(at[2] / b), (long)(at[3] / b));

        linear(work, to_depth ? j : i, 0, to_depth ? i : j, 1.0);
    }
}

static void concatenate(const sf_work *work)
{
    const long axis = work->node->axis;
    size_t at[SF_TENSOR_MAX_RANK], shift = 0;

    for (size_t operand = 0; operand < work->node->input_count; operand++) {
        const sf_shape *part = shape_in(work, operand);

        for (size_t i = 0; i < size_of(part); i++) {
            locate(part, i, at);
            at[axis] += shift;
            linear(work, number(shape_out(work), at), operand, i, 1.0);
        }
        shift += part->dim[axis];
    }
}

/* ---- all of them --------------------------------------------------------------------------- */

sf_rule sf_reference_rule(sf_op op)
{
    static const sf_rule rules[SF_OP_COUNT] = {
        [SF_OP_ADD] = combine,
        [SF_OP_AVERAGE_POOL] = pool,
        [SF_OP_BATCH_NORM] = normalise,
        [SF_OP_CONCAT] = concatenate,
        [SF_OP_CONV] = convolve,
        [SF_OP_CONV_TRANSPOSE] = convolve,
        [SF_OP_DEPTH_TO_SPACE] = shuffle,
        [SF_OP_ELU] = activate,
        [SF_OP_IDENTITY] = activate,
        [SF_OP_LEAKY_RELU] = activate,
        [SF_OP_MUL] = combine,
        [SF_OP_PAD] = pad,
        [SF_OP_RELU] = activate,
        [SF_OP_RESIZE] = resize,
        [SF_OP_SIGMOID] = activate,
        [SF_OP_SPACE_TO_DEPTH] = shuffle,
        [SF_OP_SUB] = combine,
    };
    return rules[op];
}
