/* kernels.c - resampling, shuffling and broadcasting in NHWC. */
#include "network/kernels.h"

#include "base/internal.h"

#include <math.h>
#include <omp.h>
#include <string.h>

void sf_kernel_release(sf_kernel **kernel)
{
    if (*kernel == NULL) return;
    for (int axis = 0; axis < 2; axis++) {
        sf_taps *taps = axis == 0 ? &(*kernel)->rows : &(*kernel)->columns;

        sf_free(taps->start);
        sf_free(taps->index);
        sf_free(taps->weight);
    }
    for (size_t i = 0; i < (*kernel)->rank; i++) sf_free((*kernel)->from[i]);
    sf_free((*kernel)->sum);
    sf_free(*kernel);
    *kernel = NULL;
}

static sf_status make(const char *name, const size_t in[4], const size_t out[4], sf_kernel **kernel)
{
    SF_TRY(sf_allocate(kernel, 1, sizeof **kernel));
    (*kernel)->name = name;
    memcpy((*kernel)->in, in, sizeof(*kernel)->in);
    memcpy((*kernel)->dim, out, sizeof(*kernel)->dim);
    return SF_OK;
}

/* ---- resample -------------------------------------------------------------------------- */

static void resample_row(const sf_kernel *kernel, const float *image, size_t row, float *out)
{
    const sf_taps *rows = &kernel->rows, *columns = &kernel->columns;
    const size_t channels = kernel->dim[1];

    for (size_t x = 0; x < columns->out; x++, out += channels) {
        const bool reached =
            rows->start[row] < rows->start[row + 1] && columns->start[x] < columns->start[x + 1];

        for (size_t c = 0; c < channels; c++) out[c] = reached ? 0.0F : kernel->fill;
        for (size_t r = rows->start[row]; r < rows->start[row + 1]; r++)
            for (size_t t = columns->start[x]; t < columns->start[x + 1]; t++) {
                const float weight = rows->weight[r] * columns->weight[t];
                const float *in =
                    image + (rows->index[r] * columns->in + columns->index[t]) * channels;

                for (size_t c = 0; c < channels; c++) out[c] += weight * in[c];
            }
    }
}

static void resample(const sf_kernel *kernel, float *const *data, int threads)
{
    const size_t rows = kernel->rows.out, channels = kernel->dim[1],
                 in = kernel->rows.in * kernel->columns.in * channels,
                 out = kernel->columns.out * channels;

#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < kernel->dim[0] * rows; i++)
        resample_row(kernel, data[0] + i / rows * in, i % rows, data[1] + i * out);
}

static sf_status make_taps(size_t in, size_t out, size_t most, sf_taps *taps)
{
    taps->in = in;
    taps->out = out;
    SF_TRY(sf_allocate(&taps->start, out + 1, sizeof *taps->start));
    SF_TRY(sf_allocate(&taps->index, most, sizeof *taps->index));
    return sf_allocate(&taps->weight, most, sizeof *taps->weight);
}

static void add_tap(sf_taps *taps, size_t row, size_t index, float weight)
{
    const size_t at = taps->start[row + 1]++;

    taps->index[at] = index;
    taps->weight[at] = weight;
}

/* Where position i of the padded axis comes from; -1: from nowhere. */
static long padded_source(sf_pad_mode mode, long i, long n)
{
    if (i >= 0 && i < n) return i;
    if (n == 0) return -1; /* nothing to repeat */
    switch (mode) {
    case SF_PAD_EDGE: return i < 0 ? 0 : n - 1;
    case SF_PAD_WRAP: return (i % n + n) % n;
    case SF_PAD_REFLECT:
        if (n == 1) return 0;
        i = (i % (2 * (n - 1)) + 2 * (n - 1)) % (2 * (n - 1));
        return i < n ? i : 2 * (n - 1) - i;
    case SF_PAD_CONSTANT: break;
    }
    return -1;
}

/* Negative pads crop first, and what is left is padded. */
static sf_status pad_taps(const sf_node *node, int axis, size_t in, size_t out, sf_taps *taps)
{
    const long before = node->pads[axis], after = node->pads[2 + axis];
    const long first = before < 0 ? -before : 0;
    const long left = (long)in - first - (after < 0 ? -after : 0);

    SF_TRY(make_taps(in, out, out, taps));
    for (size_t i = 0; i < out; i++) {
        const long from = padded_source(node->pad_mode, (long)i - (before > 0 ? before : 0), left);

        taps->start[i + 1] = taps->start[i];
        if (from >= 0) add_tap(taps, i, (size_t)(first + from), 1.0F);
    }
    return SF_OK;
}

static sf_status pool_taps(const sf_node *node, int axis, size_t in, size_t out, long before,
                           long after, sf_taps *taps)
{
    const long n = (long)in, kernel = (long)node->kernel[axis], step = (long)node->dilation[axis];

    SF_TRY(make_taps(in, out, out * node->kernel[axis], taps));
    for (size_t i = 0; i < out; i++) {
        const long first = (long)(i * node->stride[axis]) - before;
        long inside = 0, counted = 0;

        for (long k = 0; k < kernel; k++) {
            inside += first + k * step >= 0 && first + k * step < n;
            counted += first + k * step < n + after; /* not what ceil_mode adds beyond the pads */
        }
        taps->start[i + 1] = taps->start[i];
        for (long k = 0; k < kernel; k++)
            if (first + k * step >= 0 && first + k * step < n)
                add_tap(taps, i, (size_t)(first + k * step),
                        1.0F / (float)(node->count_include_pad ? counted : inside));
    }
    return SF_OK;
}

/* ONNX Resize: the coordinate in the source of the centre of pixel i. A file's scales are single
 * precision: the quotient is rounded to it too, so that 6.5/2.6 is the 2.5 that was meant. */
static double resized_coordinate(sf_resize_coordinates kind, double i, double in, double out,
                                 double scale)
{
    switch (kind) {
    case SF_RESIZE_ASYMMETRIC: return (double)(float)(i / scale);
    case SF_RESIZE_ALIGN_CORNERS: return out > 1 ? i * (in - 1) / (out - 1) : 0.0;
    case SF_RESIZE_PYTORCH_HALF_PIXEL:
        return out > 1 ? (double)(float)((i + 0.5) / scale) - 0.5 : 0.0;
    case SF_RESIZE_HALF_PIXEL: break;
    }
    return (double)(float)((i + 0.5) / scale) - 0.5;
}

static double resized_round(sf_resize_rounding kind, double x)
{
    switch (kind) {
    case SF_RESIZE_ROUND_PREFER_CEIL: return floor(x + 0.5);
    case SF_RESIZE_FLOOR: return floor(x);
    case SF_RESIZE_CEIL: return ceil(x);
    case SF_RESIZE_ROUND_OLD:
    case SF_RESIZE_ROUND_PREFER_FLOOR: break;
    }
    return ceil(x - 0.5);
}

static size_t clamp(double x, size_t n)
{
    return x <= 0 ? 0 : x >= (double)(n - 1) ? n - 1 : (size_t)x;
}

static sf_status resize_taps(const sf_node *node, int axis, size_t in, size_t out, sf_taps *taps)
{
    const double scale = node->scale[axis] > 0 ? node->scale[axis] : (double)out / (double)in;

    SF_TRY(make_taps(in, out, 2 * out, taps));
    for (size_t i = 0; i < out; i++) {
        const double x = resized_coordinate(node->resize_coordinates, (double)i, (double)in,
                                            (double)out, scale),
                     low = floor(x);

        taps->start[i + 1] = taps->start[i];
        if (node->resize_mode == SF_RESIZE_NEAREST) {
            add_tap(taps, i, clamp(resized_round(node->resize_rounding, x), in), 1.0F);
            continue;
        }
        add_tap(taps, i, clamp(low, in), (float)(1.0 - (x - low)));
        add_tap(taps, i, clamp(low + 1, in), (float)(x - low));
    }
    return SF_OK;
}

static sf_status transpose_taps(sf_taps *taps)
{
    sf_taps turned = {0};
    size_t *next = NULL;
    sf_status status;

    SF_GO(make_taps(taps->out, taps->in, taps->start[taps->out], &turned));
    SF_GO(sf_allocate(&next, taps->in + 1, sizeof *next));
    for (size_t t = 0; t < taps->start[taps->out]; t++) turned.start[taps->index[t] + 1]++;
    for (size_t i = 0; i < taps->in; i++) {
        turned.start[i + 1] += turned.start[i];
        next[i] = turned.start[i];
    }
    for (size_t i = 0; i < taps->out; i++)
        for (size_t t = taps->start[i]; t < taps->start[i + 1]; t++) {
            const size_t at = next[taps->index[t]]++;

            turned.index[at] = i;
            turned.weight[at] = taps->weight[t];
        }
    sf_free(taps->start);
    sf_free(taps->index);
    sf_free(taps->weight);
    *taps = turned;
    turned = (sf_taps){0};
done:
    sf_free(next);
    sf_free(turned.start);
    sf_free(turned.index);
    sf_free(turned.weight);
    return status;
}

sf_status sf_kernel_resample(const sf_node *node, const size_t in[4], const size_t out[4],
                             const long pads[4], bool backward, sf_kernel **kernel)
{
    sf_status status;

    *kernel = NULL;
    SF_GO(make("loop:resample", backward ? out : in, backward ? in : out, kernel));
    (*kernel)->run = resample;
    for (int axis = 0; axis < 2; axis++) {
        sf_taps *taps = axis == 0 ? &(*kernel)->rows : &(*kernel)->columns;
        const size_t n = in[2 + axis], m = out[2 + axis];

        if (node->op == SF_OP_PAD)
            SF_GO(pad_taps(node, axis, n, m, taps));
        else if (node->op == SF_OP_RESIZE)
            SF_GO(resize_taps(node, axis, n, m, taps));
        else
            SF_GO(pool_taps(node, axis, n, m, pads[axis], pads[2 + axis], taps));
        if (backward) SF_GO(transpose_taps(taps));
    }
    if (node->op == SF_OP_PAD && !backward) (*kernel)->fill = node->alpha;
done:
    if (status != SF_OK) sf_kernel_release(kernel);
    return status;
}

/* ---- shuffle --------------------------------------------------------------------------- */

static void shuffle(const sf_kernel *kernel, float *const *data, int threads)
{
    const size_t block = kernel->block, cells = block * block;
    /* the side with few channels and many pixels, whichever way the numbers go */
    const size_t *fine = kernel->to_depth ? kernel->in : kernel->dim;
    const size_t channels = fine[1], rows = fine[2], columns = fine[3];
    const size_t cell_step = kernel->column_row_depth ? 1 : channels,
                 channel_step = kernel->column_row_depth ? cells : 1;

#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < fine[0] * rows; i++) {
        const size_t n = i / rows, y = i % rows;

        for (size_t x = 0; x < columns; x++) {
            const size_t f = (i * columns + x) * channels;
            const size_t d = ((n * (rows / block) + y / block) * (columns / block) + x / block) *
                                 channels * cells +
                             (y % block * block + x % block) * cell_step;

            for (size_t c = 0; c < channels; c++) {
                if (kernel->to_depth)
                    data[1][d + c * channel_step] = data[0][f + c];
                else
                    data[1][f + c] = data[0][d + c * channel_step];
            }
        }
    }
}

sf_status sf_kernel_shuffle(const sf_node *node, const size_t in[4], const size_t out[4],
                            bool backward, sf_kernel **kernel)
{
    *kernel = NULL;
    SF_TRY(make("loop:shuffle", backward ? out : in, backward ? in : out, kernel));
    (*kernel)->run = shuffle;
    (*kernel)->block = node->block;
    (*kernel)->to_depth = (node->op == SF_OP_SPACE_TO_DEPTH) != backward;
    (*kernel)->column_row_depth = node->op == SF_OP_DEPTH_TO_SPACE && node->column_row_depth;
    return SF_OK;
}

/* ---- broadcast ------------------------------------------------------------------------- */

/* The offset of (n, 0, y, x) in an NHWC tensor whose dimensions of 1 are repeated. */
static size_t pixel_offset(const size_t dim[4], size_t n, size_t y, size_t x)
{
    return (((dim[0] == 1 ? 0 : n) * dim[2] + (dim[2] == 1 ? 0 : y)) * dim[3] +
            (dim[3] == 1 ? 0 : x)) *
           dim[1];
}

static float combine(sf_op operation, float a, float b)
{
    switch (operation) {
    case SF_OP_ADD: return a + b;
    case SF_OP_SUB: return a - b;
    case SF_OP_DIV: return a / b;
    case SF_OP_MAX: return a >= b ? a : b;
    case SF_OP_MIN: return a <= b ? a : b;
    case SF_OP_PRELU: return a > 0.0F ? a : a * b;
    default: return a * b;
    }
}

/* The slope of an operand, given itself and the other one. */
static double slope_of(sf_op operation, size_t operand, double own, double other)
{
    const bool first = operand == 0;

    switch (operation) {
    case SF_OP_ADD: return 1.0;
    case SF_OP_SUB: return first ? 1.0 : -1.0;
    case SF_OP_DIV: return first ? 1.0 / other : -other / (own * own);
    case SF_OP_MAX: return first ? own >= other : own > other;
    case SF_OP_MIN: return first ? own <= other : own < other;
    case SF_OP_PRELU: return first ? (own > 0.0 ? 1.0 : other) : (other > 0.0 ? 0.0 : other);
    default: return other;
    }
}

void sf_kernel_broadcast_reads(sf_op operation, size_t operand, bool reads[2])
{
    const bool sum = operation == SF_OP_ADD || operation == SF_OP_SUB;

    reads[0] = !sum && operation != SF_OP_MUL && !(operation == SF_OP_DIV && operand == 0) &&
               !(operation == SF_OP_PRELU && operand == 1);
    reads[1] = !sum;
}

static void broadcast(const sf_kernel *kernel, float *const *data, int threads)
{
    const size_t *dim = kernel->dim;
    const size_t step_a = kernel->in[1] == 1 ? 0 : 1, step_b = kernel->second[1] == 1 ? 0 : 1;

#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < dim[0] * dim[2]; i++)
        for (size_t x = 0; x < dim[3]; x++) {
            const size_t n = i / dim[2], y = i % dim[2];
            const float *a = data[0] + pixel_offset(kernel->in, n, y, x);
            const float *b = data[1] + pixel_offset(kernel->second, n, y, x);
            float *out = data[2] + (i * dim[3] + x) * dim[1];

            for (size_t c = 0; c < dim[1]; c++)
                out[c] = combine(kernel->operation, a[c * step_a], b[c * step_b]);
        }
}

sf_status sf_kernel_broadcast(sf_op operation, const size_t a[4], const size_t b[4],
                              const size_t out[4], sf_kernel **kernel)
{
    *kernel = NULL;
    SF_TRY(make("loop:broadcast", a, out, kernel));
    (*kernel)->run = broadcast;
    (*kernel)->operation = operation;
    memcpy((*kernel)->second, b, sizeof(*kernel)->second);
    return SF_OK;
}

/* One thread, in a fixed order: the sums are the same bits on any machine. What is not read is
 * taken from the gradient, which is there. */
static void broadcast_backward(const sf_kernel *kernel, float *const *data, int threads)
{
    const size_t *out = kernel->second; /* the result's dimensions; `dim` is the operand's */
    const size_t numbers = kernel->dim[0] * kernel->dim[1] * kernel->dim[2] * kernel->dim[3];
    const size_t step = kernel->dim[1] == 1 ? 0 : 1, other_step = kernel->in[1] == 1 ? 0 : 1;
    const float *own_data, *other_data, *gradient;
    bool reads[2];

    (void)threads;
    sf_kernel_broadcast_reads(kernel->operation, kernel->operand, reads);
    own_data = reads[0] ? *data++ : NULL;
    other_data = reads[1] ? *data++ : NULL;
    gradient = data[0];
    memset(kernel->sum, 0, numbers * sizeof *kernel->sum);
    for (size_t i = 0; i < out[0] * out[2]; i++)
        for (size_t x = 0; x < out[3]; x++) {
            const size_t n = i / out[2], y = i % out[2];
            const size_t place = pixel_offset(kernel->dim, n, y, x);
            const float *g = gradient + (i * out[3] + x) * out[1];
            const float *own = reads[0] ? own_data + place : g;
            const float *other = reads[1] ? other_data + pixel_offset(kernel->in, n, y, x) : g;
            double *sum = kernel->sum + place;

            for (size_t c = 0; c < out[1]; c++)
                sum[c * step] +=
                    (double)g[c] * slope_of(kernel->operation, kernel->operand,
                                            (double)own[c * step], (double)other[c * other_step]);
        }
    for (size_t i = 0; i < numbers; i++) data[1][i] = (float)kernel->sum[i];
}

sf_status sf_kernel_broadcast_backward(sf_op operation, size_t operand, const size_t in[4],
                                       const size_t other[4], const size_t out[4],
                                       sf_kernel **kernel)
{
    sf_status status;

    *kernel = NULL;
    SF_GO(make("loop:broadcast", other, in, kernel));
    (*kernel)->run = broadcast_backward;
    (*kernel)->operation = operation;
    (*kernel)->operand = operand;
    memcpy((*kernel)->second, out, sizeof(*kernel)->second);
    SF_GO(sf_allocate(&(*kernel)->sum, in[0] * in[1] * in[2] * in[3], sizeof *(*kernel)->sum));
done:
    if (status != SF_OK) sf_kernel_release(kernel);
    return status;
}
