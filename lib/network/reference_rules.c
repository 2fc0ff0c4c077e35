/* reference_rules.c - every operator by the letter of the ONNX operator specification
 * (github.com/onnx/onnx, docs/Operators.md), one number after the other. */
#include "network/operator.h"

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

typedef struct sf_point {
    double value, slope;
} sf_point;

/* x Phi(x); or its approximation 1/2 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
static sf_point gelu_of(bool approximate, double x)
{
    const double t = tanh(sqrt(M_2_PI) * (x + 0.044715 * x * x * x));
    const double phi = 0.5 * (1.0 + erf(x * M_SQRT1_2));

    if (approximate)
        return (sf_point){0.5 * x * (1.0 + t),
                          0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * sqrt(M_2_PI) *
                                                (1.0 + 3.0 * 0.044715 * x * x)};
    return (sf_point){x * phi, phi + x * exp(-0.5 * x * x) * 0.5 * M_2_SQRTPI * M_SQRT1_2};
}

/* f(x) and f'(x); where f has a corner, one of the slopes beside it. */
static sf_point point_of(const sf_node *node, double x)
{
    const double alpha = (double)node->alpha, beta = (double)node->beta;
    const double s = 1.0 / (1.0 + exp(-x));

    switch (node->op) {
    case SF_OP_ABS: return (sf_point){fabs(x), x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0};
    case SF_OP_CEIL: return (sf_point){ceil(x), 0.0};
    case SF_OP_CLIP: return (sf_point){fmin(fmax(x, alpha), beta), x > alpha && x <= beta};
    case SF_OP_COS: return (sf_point){cos(x), -sin(x)};
    case SF_OP_ELU:
        return (sf_point){x > 0.0 ? x : alpha * expm1(x), x > 0.0 ? 1.0 : alpha * exp(x)};
    case SF_OP_ERF: return (sf_point){erf(x), M_2_SQRTPI * exp(-x * x)};
    case SF_OP_EXP: return (sf_point){exp(x), exp(x)};
    case SF_OP_FLOOR: return (sf_point){floor(x), 0.0};
    case SF_OP_GELU: return gelu_of(node->flag, x);
    case SF_OP_LEAKY_RELU: return (sf_point){x > 0.0 ? x : alpha * x, x > 0.0 ? 1.0 : alpha};
    case SF_OP_LOG: return (sf_point){log(x), 1.0 / x};
    case SF_OP_NEG: return (sf_point){-x, -1.0};
    case SF_OP_NOT: return (sf_point){x == 0.0, 0.0};
    case SF_OP_POW: return (sf_point){pow(x, alpha), alpha * pow(x, alpha - 1.0)};
    case SF_OP_RECIPROCAL: return (sf_point){1.0 / x, -1.0 / (x * x)};
    case SF_OP_RELU: return (sf_point){x > 0.0 ? x : 0.0, x > 0.0};
    case SF_OP_SIGMOID: return (sf_point){s, s * (1.0 - s)};
    case SF_OP_SIN: return (sf_point){sin(x), cos(x)};
    case SF_OP_SOFTPLUS: return (sf_point){fmax(x, 0.0) + log1p(exp(-fabs(x))), s};
    case SF_OP_SQRT: return (sf_point){sqrt(x), 0.5 / sqrt(x)};
    case SF_OP_TANH: return (sf_point){tanh(x), 1.0 - tanh(x) * tanh(x)};
    default: return (sf_point){x, 1.0}; /* Identity, Cast */
    }
}

void sf_reference_pointwise(const sf_work *work)
{
    for (size_t i = 0; i < sf_shape_count(shape_out(work)); i++) {
        const sf_point point = point_of(work->node, in(work, 0, i));

        emit(work, i, point.value);
        slope(work, i, 0, i, point.slope);
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

typedef struct sf_pair {
    double value, slope[2];
} sf_pair;

static double remainder_of(const sf_node *node, double a, double b)
{
    const double c = fmod(a, b);

    return node->flag || c == 0.0 || (c < 0.0) == (b < 0.0) ? c : c + b; /* flag: as C has it */
}

/* f(a, b) and its slopes. */
static sf_pair pair_of(const sf_node *node, double a, double b)
{
    switch (node->op) {
    case SF_OP_AND: return (sf_pair){a != 0.0 && b != 0.0, {0.0, 0.0}};
    case SF_OP_DIV: return (sf_pair){a / b, {1.0 / b, -a / (b * b)}};
    case SF_OP_EQUAL: return (sf_pair){a == b, {0.0, 0.0}};
    case SF_OP_GREATER: return (sf_pair){a > b, {0.0, 0.0}};
    case SF_OP_GREATER_OR_EQUAL: return (sf_pair){a >= b, {0.0, 0.0}};
    case SF_OP_LESS: return (sf_pair){a < b, {0.0, 0.0}};
    case SF_OP_LESS_OR_EQUAL: return (sf_pair){a <= b, {0.0, 0.0}};
    case SF_OP_MAX: return (sf_pair){fmax(a, b), {a >= b, a < b}};
    case SF_OP_MIN: return (sf_pair){fmin(a, b), {a <= b, a > b}};
    case SF_OP_MOD: return (sf_pair){remainder_of(node, a, b), {0.0, 0.0}};
    case SF_OP_MUL: return (sf_pair){a * b, {b, a}};
    case SF_OP_OR: return (sf_pair){a != 0.0 || b != 0.0, {0.0, 0.0}};
    case SF_OP_POW: return (sf_pair){pow(a, b), {0.0, 0.0}};
    case SF_OP_PRELU: return (sf_pair){a > 0.0 ? a : a * b, {a > 0.0 ? 1.0 : b, a > 0.0 ? 0.0 : a}};
    case SF_OP_SUB: return (sf_pair){a - b, {1.0, -1.0}};
    default: return (sf_pair){a + b, {1.0, 1.0}};
    }
}

void sf_reference_binary(const sf_work *work)
{
    const sf_shape *out = shape_out(work);
    size_t at[SF_TENSOR_MAX_RANK];

    if (work->node->input_count == 1) { /* Pow with its exponent settled */
        sf_reference_pointwise(work);
        return;
    }
    for (size_t o = 0; o < sf_shape_count(out); o++) {
        locate(out, o, at);
        const size_t i = broadcast_from(shape_in(work, 0), out, at);
        const size_t k = broadcast_from(shape_in(work, 1), out, at);
        const sf_pair pair = pair_of(work->node, in(work, 0, i), in(work, 1, k));

        emit(work, o, pair.value);
        slope(work, o, 0, i, pair.slope[0]);
        slope(work, o, 1, k, pair.slope[1]);
    }
}

/* Where: the second operand where the first is true, else the third. */
void sf_reference_choose(const sf_work *work)
{
    const sf_shape *out = shape_out(work);
    size_t at[SF_TENSOR_MAX_RANK];

    for (size_t o = 0; o < sf_shape_count(out); o++) {
        locate(out, o, at);
        const bool first = in(work, 0, broadcast_from(shape_in(work, 0), out, at)) != 0.0;
        const size_t operand = first ? 1 : 2;

        linear(work, o, operand, broadcast_from(shape_in(work, operand), out, at), 1.0);
    }
}

/* y = scale (x - mean) / sqrt(variance + epsilon) + B; inputs x, scale, B, mean, variance. */
void sf_reference_batch_norm(const sf_work *work)
{
    const sf_shape *out = shape_out(work);
    size_t at[SF_TENSOR_MAX_RANK];

    for (size_t o = 0; o < sf_shape_count(out); o++) {
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
void sf_reference_convolution(const sf_work *work)
{
    const sf_node *node = work->node;
    const bool transposed = node->op == SF_OP_CONV_TRANSPOSE;
    const sf_shape *coarse = transposed ? shape_in(work, 0) : shape_out(work);
    const sf_shape *fine = transposed ? shape_out(work) : shape_in(work, 0);
    const sf_shape *weight = shape_in(work, 1);
    size_t tap[SF_TENSOR_MAX_RANK], at[SF_TENSOR_MAX_RANK];
    long pads[4];

    sf_node_pads(node, shape_in(work, 0), shape_out(work), pads);
    for (size_t o = 0; node->input_count > 2 && o < sf_shape_count(shape_out(work)); o++) {
        locate(shape_out(work), o, at);
        linear(work, o, 2, at[1], 1.0);
    }
    for (size_t k = 0; k < sf_shape_count(weight); k++) {
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
void sf_reference_pool(const sf_work *work)
{
    const sf_node *node = work->node;
    const sf_shape *image = shape_in(work, 0), *out = shape_out(work);
    const size_t taps = node->kernel[0] * node->kernel[1];
    size_t at[SF_TENSOR_MAX_RANK];
    long pads[4];

    sf_node_pads(node, image, out, pads);
    for (size_t o = 0; o < sf_shape_count(out); o++) {
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

/* The largest cell of a window; the first of several. Pads are no cells. */
void sf_reference_max_pool(const sf_work *work)
{
    const sf_node *node = work->node;
    const sf_shape *image = shape_in(work, 0), *out = shape_out(work);
    size_t at[SF_TENSOR_MAX_RANK];
    long pads[4];

    sf_node_pads(node, image, out, pads);
    for (size_t o = 0; o < sf_shape_count(out); o++) {
        size_t best = SIZE_MAX;

        locate(out, o, at);
        for (size_t k = 0; k < node->kernel[0] * node->kernel[1]; k++) {
            const long y =
                (long)(at[2] * node->stride[0] + k / node->kernel[1] * node->dilation[0]) - pads[0];
            const long x =
                (long)(at[3] * node->stride[1] + k % node->kernel[1] * node->dilation[1]) - pads[1];

            if (!inside(image, y, x)) continue;
            const size_t i = pixel(image, at[0], at[1], y, x);

            if (best == SIZE_MAX || in(work, 0, i) > in(work, 0, best)) best = i;
        }
        if (best != SIZE_MAX) linear(work, o, 0, best, 1.0);
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

void sf_reference_pad(const sf_work *work)
{
    const sf_node *node = work->node;
    const sf_shape *image = shape_in(work, 0), *out = shape_out(work);
    size_t at[SF_TENSOR_MAX_RANK];

    for (size_t o = 0; o < sf_shape_count(out); o++) {
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
    case SF_RESIZE_ROUND_OLD:
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

void sf_reference_resize(const sf_work *work)
{
    const sf_shape *image = shape_in(work, 0), *out = shape_out(work);
    size_t at[SF_TENSOR_MAX_RANK];
    double row_weight[2], column_weight[2];
    long row[2], column[2];

    for (size_t o = 0; o < sf_shape_count(out); o++) {
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
void sf_reference_shuffle(const sf_work *work)
{
    const sf_node *node = work->node;
    const bool to_depth = node->op == SF_OP_SPACE_TO_DEPTH;
    const sf_shape *wide = to_depth ? shape_in(work, 0) : shape_out(work);
    const sf_shape *deep = to_depth ? shape_out(work) : shape_in(work, 0);
    const size_t b = node->block;
    size_t at[SF_TENSOR_MAX_RANK];

    for (size_t i = 0; i < sf_shape_count(wide); i++) {
        locate(wide, i, at);
        const size_t cell = at[2] % b * b + at[3] % b;
        const size_t channel = !to_depth && node->column_row_depth ? at[1] * b * b + cell
                                                                   : cell * wide->dim[1] + at[1];
        const size_t j = pixel(deep, at[0], channel, (long)(at[2] / b), (long)(at[3] / b));

        linear(work, to_depth ? j : i, 0, to_depth ? i : j, 1.0);
    }
}

void sf_reference_concat(const sf_work *work)
{
    const long axis = work->node->axis;
    size_t at[SF_TENSOR_MAX_RANK], shift = 0;

    for (size_t operand = 0; operand < work->node->input_count; operand++) {
        const sf_shape *part = shape_in(work, operand);

        for (size_t i = 0; i < sf_shape_count(part); i++) {
            locate(part, i, at);
            at[axis] += shift;
            linear(work, number(shape_out(work), at), operand, i, 1.0);
        }
        shift += part->dim[axis];
    }
}

/* ---- moving and summing -------------------------------------------------------------------- */

/* The number of the operand that a position of the result shows. */
static size_t moved_from(const sf_work *work, const size_t *at)
{
    const sf_node *node = work->node;
    const sf_shape *shape = shape_in(work, 0);
    size_t from[SF_TENSOR_MAX_RANK] = {0};

    if (node->op == SF_OP_EXPAND) return broadcast_from(shape, shape_out(work), at);
    for (int i = 0; i < shape->rank; i++)
        if (node->op == SF_OP_TRANSPOSE)
            from[node->list[i]] = at[i];
        else if (node->op == SF_OP_SLICE)
            from[i] =
                (size_t)(node->list[3 * (size_t)i] + (long)at[i] * node->list[3 * (size_t)i + 1]);
        else
            from[i] = i == node->axis ? (size_t)node->list[at[i]] : at[i];
    return number(shape, from);
}

static void reduce(const sf_work *work)
{
    const sf_shape *shape = shape_in(work, 0), *out = shape_out(work);
    const double cells = (double)(sf_shape_count(shape) / sf_shape_count(out));
    const double weight = work->node->op == SF_OP_REDUCE_MEAN ? 1.0 / cells : 1.0;
    size_t at[SF_TENSOR_MAX_RANK];

    for (size_t i = 0; i < sf_shape_count(shape); i++) {
        locate(shape, i, at);
        linear(work, broadcast_from(out, shape, at), 0, i, weight);
    }
}

/* Reshape, Transpose, Slice, Gather, Expand; ReduceMean and ReduceSum. */
void sf_reference_movement(const sf_work *work)
{
    const sf_op op = work->node->op;
    size_t at[SF_TENSOR_MAX_RANK] = {0};

    if (op == SF_OP_REDUCE_MEAN || op == SF_OP_REDUCE_SUM) {
        reduce(work);
        return;
    }
    for (size_t o = 0; o < sf_shape_count(shape_out(work)); o++) {
        locate(shape_out(work), o, at);
        linear(work, o, 0, op == SF_OP_RESHAPE ? o : moved_from(work, at), 1.0);
    }
}

/* ---- matrices and rows --------------------------------------------------------------------- */

void sf_reference_matmul(const sf_work *work)
{
    const sf_shape *a = shape_in(work, 0), *b = shape_in(work, 1), *out = shape_out(work);
    const bool *turned = work->node->transposed;
    const size_t rows = out->dim[out->rank - 2], columns = out->dim[out->rank - 1];
    const size_t terms = a->dim[a->rank - (turned[0] ? 2 : 1)];

    for (size_t o = 0; o < sf_shape_count(out); o++) {
        const size_t batch = o / (rows * columns), y = o / columns % rows, x = o % columns;
        const size_t first = batch * rows * terms;
        const size_t second = b->rank == 2 ? 0 : batch * terms * columns;

        for (size_t k = 0; k < terms; k++)
            product(work, o, first + (turned[0] ? k * rows + y : y * terms + k),
                    second + (turned[1] ? x * terms + k : k * columns + x));
    }
}

/* y = (x - mean) / sqrt(variance + epsilon) over a row of the axes from `axis` on; with z the
 * gradient of y, that of x is (z - mean z - y mean(z y)) / sqrt(variance + epsilon). */
void sf_reference_normalise(const sf_work *work)
{
    const sf_shape *shape = shape_in(work, 0);
    size_t n = 1;

    for (int i = (int)work->node->axis; i < shape->rank; i++) n *= shape->dim[i];
    for (size_t row = 0; row < sf_shape_count(shape); row += n) {
        double mean = 0.0, variance = 0.0;

        for (size_t i = row; i < row + n; i++) mean += in(work, 0, i) / (double)n;
        for (size_t i = row; i < row + n; i++) {
            const double d = in(work, 0, i) - mean;

            variance += d * d / (double)n;
        }
        const double r = 1.0 / sqrt(variance + (double)work->node->alpha);

        for (size_t o = row; o < row + n; o++) {
            const double y = (in(work, 0, o) - mean) * r;

            emit(work, o, y);
            for (size_t i = row; work->gradient != NULL && i < row + n; i++)
                slope(work, o, 0, i,
                      r * ((i == o ? 1.0 : 0.0) -
                           (1.0 + y * (in(work, 0, i) - mean) * r) / (double)n));
        }
    }
}

/* exp(x) / sum exp(x) over the last axis. */
void sf_reference_softmax(const sf_work *work)
{
    const sf_shape *shape = shape_in(work, 0);
    const size_t n = shape->dim[shape->rank - 1];

    for (size_t row = 0; row < sf_shape_count(shape); row += n) {
        double largest = in(work, 0, row), sum = 0.0;

        for (size_t i = row; i < row + n; i++) largest = fmax(largest, in(work, 0, i));
        for (size_t i = row; i < row + n; i++) sum += exp(in(work, 0, i) - largest);
        for (size_t o = row; o < row + n; o++) {
            const double y = exp(in(work, 0, o) - largest) / sum;

            emit(work, o, y);
            for (size_t i = row; work->gradient != NULL && i < row + n; i++)
                slope(work, o, 0, i,
                      y * ((i == o ? 1.0 : 0.0) - exp(in(work, 0, i) - largest) / sum));
        }
    }
}
