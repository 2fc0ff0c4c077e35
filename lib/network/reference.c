/* reference.c - every operator as plain loops in double: slow, short, and independent of the
 * engine that the tests hold to it.
 *
 * Every operator but the activations is a sum of products, out[i] += a[j] * b[k], and is written
 * once, as the loop over those products. The forward pass adds up values; the backward pass runs
 * the same loop and adds up both factors' gradients. */
#include "network/graph.h"

#include "base/internal.h"

#include <math.h>
#include <string.h>

/* A value as 4 dimensions N, C, H, W, ones in front. */
typedef struct sf_numbers {
    size_t dim[4];
    double *value, *gradient;
} sf_numbers;

typedef struct sf_run {
    const sf_graph *graph;
    sf_shape *shape;
    sf_numbers *numbers;
    bool backward;
} sf_run;

static size_t count_of(const sf_numbers *numbers)
{
    return numbers->dim[0] * numbers->dim[1] * numbers->dim[2] * numbers->dim[3];
}

/* Row-major offset; a dimension of 1 is repeated. */
static size_t at(const sf_numbers *numbers, size_t n, size_t c, size_t y, size_t x)
{
    const size_t *d = numbers->dim;

    return (((d[0] == 1 ? 0 : n) * d[1] + (d[1] == 1 ? 0 : c)) * d[2] + (d[2] == 1 ? 0 : y)) *
               d[3] +
           (d[3] == 1 ? 0 : x);
}

/* out[i] += a[j] * factor */
static void add_scaled(const sf_run *run, sf_numbers *out, size_t i, sf_numbers *a, size_t j,
                       double factor)
{
    if (run->backward)
        a->gradient[j] += out->gradient[i] * factor;
    else
        out->value[i] += a->value[j] * factor;
}

/* out[i] += a[j] * b[k] */
static void add_product(const sf_run *run, sf_numbers *out, size_t i, sf_numbers *a, size_t j,
                        sf_numbers *b, size_t k)
{
    if (run->backward) {
        a->gradient[j] += out->gradient[i] * b->value[k];
        b->gradient[k] += out->gradient[i] * a->value[j];
    } else {
        out->value[i] += a->value[j] * b->value[k];
    }
}

/* The place of a window's tap; false: outside. */
static bool tap_place(const sf_node *node, const long pads[4], int axis, size_t window, size_t tap,
                      size_t size, size_t *place)
{
    const long at_tap =
        (long)(window * node->stride[axis] + tap * node->dilation[axis]) - pads[axis];

    *place = (size_t)at_tap;
    return at_tap >= 0 && at_tap < (long)size;
}

/* Conv and ConvTranspose are one relation between a fine and a coarse image: a tap of the window
 * at a coarse pixel falls on a fine pixel. The weights' first index is the coarse channel. */
static void convolution_pixel(const sf_run *run, const sf_node *node, const long pads[4], size_t n,
                              size_t c, size_t y, size_t x)
{
    const bool transposed = node->op == SF_OP_CONV_TRANSPOSE;
    sf_numbers *in = &run->numbers[node->input[0]], *out = &run->numbers[node->output];
    sf_numbers *weights = &run->numbers[node->input[1]];
    sf_numbers *fine = transposed ? out : in, *coarse = transposed ? in : out;
    const size_t share = fine->dim[1] / node->groups;
    const size_t first = c / (coarse->dim[1] / node->groups) * share;
    const size_t here = at(coarse, n, c, y, x);

    for (size_t p = 0; p < weights->dim[2]; p++)
        for (size_t q = 0; q < weights->dim[3]; q++) {
            size_t row, column;

            if (!tap_place(node, pads, 0, y, p, fine->dim[2], &row) ||
                !tap_place(node, pads, 1, x, q, fine->dim[3], &column))
                continue;
            for (size_t k = 0; k < share; k++) {
                const size_t there = at(fine, n, first + k, row, column);

                add_product(run, out, transposed ? there : here, in, transposed ? here : there,
                            weights, at(weights, c, k, p, q));
            }
        }
}

static void run_convolution(const sf_run *run, const sf_node *node)
{
    sf_numbers *in = &run->numbers[node->input[0]], *out = &run->numbers[node->output];
    const sf_numbers *coarse = node->op == SF_OP_CONV_TRANSPOSE ? in : out;
    const size_t pixels = out->dim[2] * out->dim[3];
    long pads[4];

    sf_node_pads(node, &run->shape[node->input[0]], &run->shape[node->output], pads);
    for (size_t n = 0; n < coarse->dim[0]; n++)
        for (size_t c = 0; c < coarse->dim[1]; c++)
            for (size_t y = 0; y < coarse->dim[2]; y++)
                for (size_t x = 0; x < coarse->dim[3]; x++)
                    convolution_pixel(run, node, pads, n, c, y, x);
    for (size_t i = 0; node->input_count > 2 && i < count_of(out); i++)
        add_scaled(run, out, i, &run->numbers[node->input[2]], i / pixels % out->dim[1], 1.0);
}

/* y = f(x) and dy/dx. */
static void activate(const sf_node *node, double x, double *y, double *slope)
{
    const double alpha = (double)node->alpha;

    switch (node->op) {
    case SF_OP_SIGMOID:
        *y = 1.0 / (1.0 + exp(-x));
        *slope = *y * (1.0 - *y);
        return;
    case SF_OP_ELU:
        *y = x > 0 ? x : alpha * expm1(x);
        *slope = x > 0 ? 1.0 : alpha * exp(x);
        return;
    case SF_OP_LEAKY_RELU: *slope = x > 0 ? 1.0 : alpha; break;
    case SF_OP_RELU: *slope = x > 0 ? 1.0 : 0.0; break;
    default: *slope = 1.0; break;
    }
    *y = *slope * x;
}

static void run_activation(const sf_run *run, const sf_node *node)
{
    sf_numbers *in = &run->numbers[node->input[0]], *out = &run->numbers[node->output];

    for (size_t i = 0; i < count_of(out); i++) {
        double y, slope;

        activate(node, in->value[i], &y, &slope);
        if (run->backward)
            in->gradient[i] += out->gradient[i] * slope;
        else
            out->value[i] = y;
    }
}

/* (x - mean) / sqrt(variance + epsilon) * scale + bias; the last four by channel. */
static void run_normalisation(const sf_run *run, const sf_node *node)
{
    sf_numbers *out = &run->numbers[node->output], *in[5];
    const size_t pixels = out->dim[2] * out->dim[3];

    for (size_t k = 0; k < 5; k++) in[k] = &run->numbers[node->input[k]];
    for (size_t i = 0; i < count_of(out); i++) {
        const size_t c = i / pixels % out->dim[1];
        const double root = 1.0 / sqrt(in[4]->value[c] + (double)node->alpha);
        const double centred = in[0]->value[i] - in[3]->value[c], scale = in[1]->value[c];
        const double g = run->backward ? out->gradient[i] : 0.0;

        if (!run->backward) {
            out->value[i] = centred * root * scale + in[2]->value[c];
            continue;
        }
        in[0]->gradient[i] += g * root * scale;
        in[1]->gradient[c] += g * centred * root;
        in[2]->gradient[c] += g;
        in[3]->gradient[c] -= g * root * scale;
        in[4]->gradient[c] -= 0.5 * g * centred * scale * root * root * root;
    }
}

static void run_concat(const sf_run *run, const sf_node *node)
{
    sf_numbers *out = &run->numbers[node->output];
    const long axis = node->axis + 4 - run->shape[node->output].rank;
    size_t start[4] = {0};

    for (size_t k = 0; k < node->input_count; k++) {
        sf_numbers *in = &run->numbers[node->input[k]];
        const size_t *d = in->dim;

        for (size_t i = 0; i < count_of(in); i++)
            add_scaled(run, out,
                       at(out, i / (d[1] * d[2] * d[3]) + start[0],
                          i / (d[2] * d[3]) % d[1] + start[1], i / d[3] % d[2] + start[2],
                          i % d[3] + start[3]),
                       in, i, 1.0);
        start[axis] += d[axis];
    }
}

/* ---- operators whose result's pixels can be taken one by one ------------------------------ */

typedef struct sf_pixel {
    size_t index, n, c, y, x; /* of the result */
} sf_pixel;

static void pool_pixel(const sf_run *run, const sf_node *node, const sf_pixel *o)
{
    sf_numbers *in = &run->numbers[node->input[0]], *out = &run->numbers[node->output];
    size_t row, column, inside = 0, counted = 0;
    long pads[4];

    sf_node_pads(node, &run->shape[node->input[0]], &run->shape[node->output], pads);
    for (int pass = 0; pass < 2; pass++)
        for (size_t p = 0; p < node->kernel[0]; p++)
            for (size_t q = 0; q < node->kernel[1]; q++) {
                const bool rows = tap_place(node, pads, 0, o->y, p, in->dim[2], &row);
                const bool columns = tap_place(node, pads, 1, o->x, q, in->dim[3], &column);

                if (pass == 1 && rows && columns)
                    add_scaled(run, out, o->index, in, at(in, o->n, o->c, row, column),
                               1.0 / (double)(node->count_include_pad ? counted : inside));
                if (pass == 1) continue;
                inside += rows && columns;
                /* ceil_mode's windows may reach beyond the pads: that is not counted */
                counted += (long)row < (long)in->dim[2] + pads[2] &&
                           (long)column < (long)in->dim[3] + pads[3];
            }
}

static bool padded_place(sf_pad_mode mode, size_t i, long before, size_t size, size_t *place)
{
    const long n = (long)size;
    long p = (long)i - before;

    if (mode == SF_PAD_CONSTANT && (p < 0 || p >= n)) return false;
    if (mode == SF_PAD_EDGE) p = p < 0 ? 0 : p >= n ? n - 1 : p;
    if (mode == SF_PAD_WRAP) p = (p % n + n) % n;
    while (p < 0 || p >= n) p = n == 1 ? 0 : p < 0 ? -p : 2 * (n - 1) - p;
    *place = (size_t)p;
    return true;
}

static void pad_pixel(const sf_run *run, const sf_node *node, const sf_pixel *o)
{
    sf_numbers *in = &run->numbers[node->input[0]], *out = &run->numbers[node->output];
    size_t row, column;

    if (padded_place(node->pad_mode, o->y, node->pads[0], in->dim[2], &row) &&
        padded_place(node->pad_mode, o->x, node->pads[1], in->dim[3], &column))
        add_scaled(run, out, o->index, in, at(in, o->n, o->c, row, column), 1.0);
    else if (!run->backward)
        out->value[o->index] = (double)node->alpha;
}

/* ONNX Resize: two places and their weights along an axis. */
static void resize_places(const sf_node *node, int axis, size_t i, size_t in, size_t out,
                          size_t place[2], double weight[2])
{
    const double scale = node->scale[axis] > 0 ? node->scale[axis] : (double)out / (double)in;
    const double top = (double)in - 1;
    double p = ((double)i + 0.5) / scale - 0.5;

    if (node->resize_coordinates == SF_RESIZE_ASYMMETRIC) p = (double)i / scale;
    if (node->resize_coordinates == SF_RESIZE_ALIGN_CORNERS)
        p = out > 1 ? (double)i * top / (double)(out - 1) : 0.0;
    if (node->resize_coordinates == SF_RESIZE_PYTORCH_HALF_PIXEL && out == 1) p = 0.0;
    if (node->resize_mode == SF_RESIZE_NEAREST) {
        if (node->resize_rounding == SF_RESIZE_ROUND_PREFER_FLOOR) p = ceil(p - 0.5);
        if (node->resize_rounding == SF_RESIZE_ROUND_PREFER_CEIL) p = floor(p + 0.5);
        if (node->resize_rounding == SF_RESIZE_CEIL) p = ceil(p);
        p = floor(p);
    }
    p = fmin(fmax(p, 0.0), top);
    place[0] = (size_t)p;
    place[1] = place[0] + 1 < in ? place[0] + 1 : place[0];
    weight[1] = p - floor(p);
    weight[0] = 1.0 - weight[1];
}

static void resize_pixel(const sf_run *run, const sf_node *node, const sf_pixel *o)
{
    sf_numbers *in = &run->numbers[node->input[0]], *out = &run->numbers[node->output];
    size_t row[2], column[2];
    double by_row[2], by_column[2];

    resize_places(node, 0, o->y, in->dim[2], out->dim[2], row, by_row);
    resize_places(node, 1, o->x, in->dim[3], out->dim[3], column, by_column);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++)
            add_scaled(run, out, o->index, in, at(in, o->n, o->c, row[i], column[k]),
                       by_row[i] * by_column[k]);
}

static void shuffle_pixel(const sf_run *run, const sf_node *node, const sf_pixel *o)
{
    sf_numbers *in = &run->numbers[node->input[0]], *out = &run->numbers[node->output];
    const size_t b = node->block;
    size_t source;

    if (node->op == SF_OP_SPACE_TO_DEPTH) {
        const size_t cell = o->c / in->dim[1];

        source = at(in, o->n, o->c % in->dim[1], o->y * b + cell / b, o->x * b + cell % b);
    } else {
        const size_t cell = o->y % b * b + o->x % b;

        source =
            at(in, o->n, node->column_row_depth ? o->c * b * b + cell : cell * out->dim[1] + o->c,
               o->y / b, o->x / b);
    }
    add_scaled(run, out, o->index, in, source, 1.0);
}

static void binary_pixel(const sf_run *run, const sf_node *node, const sf_pixel *o)
{
    sf_numbers *out = &run->numbers[node->output];
    sf_numbers *a = &run->numbers[node->input[0]], *b = &run->numbers[node->input[1]];
    const size_t i = at(a, o->n, o->c, o->y, o->x), k = at(b, o->n, o->c, o->y, o->x);

    if (node->op == SF_OP_MUL) {
        add_product(run, out, o->index, a, i, b, k);
        return;
    }
    add_scaled(run, out, o->index, a, i, 1.0);
    add_scaled(run, out, o->index, b, k, node->op == SF_OP_SUB ? -1.0 : 1.0);
}

static void run_pixels(const sf_run *run, const sf_node *node,
                       void (*pixel)(const sf_run *, const sf_node *, const sf_pixel *))
{
    const size_t *d = run->numbers[node->output].dim;
    sf_pixel o = {0};

    for (o.n = 0; o.n < d[0]; o.n++)
        for (o.c = 0; o.c < d[1]; o.c++)
            for (o.y = 0; o.y < d[2]; o.y++)
                for (o.x = 0; o.x < d[3]; o.x++, o.index++) pixel(run, node, &o);
}

static sf_status run_node(const sf_run *run, const sf_node *node)
{
    switch (node->op) {
    case SF_OP_CONV:
    case SF_OP_CONV_TRANSPOSE: run_convolution(run, node); return SF_OK;
    case SF_OP_RELU:
    case SF_OP_LEAKY_RELU:
    case SF_OP_ELU:
    case SF_OP_SIGMOID:
    case SF_OP_IDENTITY: run_activation(run, node); return SF_OK;
    case SF_OP_BATCH_NORM: run_normalisation(run, node); return SF_OK;
    case SF_OP_CONCAT: run_concat(run, node); return SF_OK;
    case SF_OP_ADD:
    case SF_OP_SUB:
    case SF_OP_MUL: run_pixels(run, node, binary_pixel); return SF_OK;
    case SF_OP_AVERAGE_POOL: run_pixels(run, node, pool_pixel); return SF_OK;
    case SF_OP_PAD: run_pixels(run, node, pad_pixel); return SF_OK;
    case SF_OP_RESIZE: run_pixels(run, node, resize_pixel); return SF_OK;
    case SF_OP_DEPTH_TO_SPACE:
    case SF_OP_SPACE_TO_DEPTH: run_pixels(run, node, shuffle_pixel); return SF_OK;
    case SF_OP_CONSTANT:
    case SF_OP_COUNT: break;
    }
    return sf_fail(SF_ERR_UNSUPPORTED, "the reference has no operator %s", sf_op_name(node->op));
}

/* ---- whole graphs ------------------------------------------------------------------------ */

static void stop_run(sf_run *run)
{
    for (size_t v = 0; run->numbers != NULL && v < run->graph->value_count; v++) {
        sf_free(run->numbers[v].value);
        sf_free(run->numbers[v].gradient);
    }
    sf_free(run->numbers);
    sf_free(run->shape);
}

static sf_status start_value(sf_run *run, size_t v, const double *parameters)
{
    const sf_value *value = &run->graph->value[v];
    sf_numbers *numbers = &run->numbers[v];
    const sf_shape *shape = &run->shape[v];

    if (shape->rank > 4)
        return sf_fail(SF_ERR_UNSUPPORTED, "the reference takes 4 dimensions, not %d", shape->rank);
    for (int i = 0; i < 4; i++)
        numbers->dim[i] = i + shape->rank < 4 ? 1 : shape->dim[i + shape->rank - 4];
    SF_TRY(sf_allocate(&numbers->value, count_of(numbers), sizeof *numbers->value));
    SF_TRY(sf_allocate(&numbers->gradient, count_of(numbers), sizeof *numbers->gradient));
    for (size_t i = 0; value->constant != NULL && i < count_of(numbers); i++)
        numbers->value[i] =
            parameters != NULL ? parameters[value->parameter + i] : (double)value->constant[i];
    return SF_OK;
}

/* Takes memory, and runs the graph forward. */
static sf_status start_run(sf_run *run, const sf_shape *image, const double *input,
                           const double *second, const double *parameters)
{
    const sf_graph *graph = run->graph;

    SF_TRY(sf_allocate(&run->shape, graph->value_count, sizeof *run->shape));
    SF_TRY(sf_allocate(&run->numbers, graph->value_count, sizeof *run->numbers));
    SF_TRY(sf_graph_shapes(graph, image, run->shape));
    for (size_t v = 0; v < graph->value_count; v++) SF_TRY(start_value(run, v, parameters));
    for (size_t k = 0; k < graph->input_count; k++) {
        const sf_numbers *numbers = &run->numbers[graph->input[k]];

        memcpy(numbers->value, k == 0 ? input : second, count_of(numbers) * sizeof *input);
    }
    for (size_t i = 0; i < graph->node_count; i++) SF_TRY(run_node(run, &graph->node[i]));
    return SF_OK;
}

sf_status sf_reference_forward(const sf_graph *graph, const sf_shape *image, const double *input,
                               const double *second, const double *parameters, double **output,
                               sf_shape *shape)
{
    sf_run run = {.graph = graph};
    sf_status status;

    *output = NULL;
    SF_GO(start_run(&run, image, input, second, parameters));
    *shape = run.shape[graph->output];
    SF_GO(sf_copy_memory(run.numbers[graph->output].value, count_of(&run.numbers[graph->output]),
                         sizeof **output, output));
done:
    stop_run(&run);
    return status;
}

sf_status sf_reference_backward(const sf_graph *graph, const sf_shape *image, const double *input,
                                const double *second, const double *parameters,
                                const double *output_gradient, double *input_gradient,
                                double *parameter_gradient)
{
    sf_run run = {.graph = graph};
    const sf_numbers *numbers;
    sf_status status;

    SF_GO(start_run(&run, image, input, second, parameters));
    run.backward = true;
    numbers = &run.numbers[graph->output];
    memcpy(numbers->gradient, output_gradient, count_of(numbers) * sizeof *output_gradient);
    for (size_t i = graph->node_count; i-- > 0;) SF_GO(run_node(&run, &graph->node[i]));
    numbers = &run.numbers[graph->input[0]];
    if (input_gradient != NULL)
        memcpy(input_gradient, numbers->gradient, count_of(numbers) * sizeof *input_gradient);
    for (size_t v = 0; parameter_gradient != NULL && v < graph->value_count; v++)
        if (graph->value[v].constant != NULL)
            memcpy(parameter_gradient + graph->value[v].parameter, run.numbers[v].gradient,
                   count_of(&run.numbers[v]) * sizeof *parameter_gradient);
done:
    stop_run(&run);
    return status;
}
