/* The plain C reference against ONNX Runtime, hand-made numbers and central differences. */
#include "base/internal.h"
#include "check.h"
#include "network/engine.h"
#include "network/operator_cases.h"

#include <stdlib.h>
#include <string.h>

#define CASES (sizeof sf_cases / sizeof *sf_cases)

/* ---- networks ------------------------------------------------------------------------------ */

static size_t size_of(const sf_shape *shape)
{
    size_t size = 1;

    for (int axis = 0; axis < shape->rank; axis++) size *= shape->dim[axis];
    return size;
}

static double *numbers(size_t count, size_t which)
{
    double *made;

    assert_ok(sf_allocate(&made, count, sizeof *made));
    for (size_t i = 0; i < count; i++) made[i] = case_number(i, which);
    return made;
}

static size_t add_value(sf_graph *graph, const char *name)
{
    size_t index;

    assert_ok(sf_graph_add_value(graph, name, NULL, NULL, &index));
    return index;
}

/* A constant of case_number(.., j), with its absolute value + 1/4 if it is a variance. */
static size_t add_constant(sf_graph *graph, const sf_shape *shape, size_t j, bool variance)
{
    float *data;
    size_t index;

    assert_ok(sf_allocate(&data, size_of(shape), sizeof *data));
    for (size_t i = 0; i < size_of(shape); i++) {
        data[i] = (float)case_number(i, j);
        if (variance) data[i] = fabsf(data[i]) + 0.25F;
    }
    assert_ok(sf_graph_add_value(graph, "constant", shape, data, &index));
    sf_free(data);
    return index;
}

static size_t add_node(sf_graph *graph, const sf_node *attributes, size_t count,
                       const size_t *input)
{
    sf_node node = *attributes;

    node.name = (char[]){"a node"};
    node.input = (size_t[5]){0};
    memcpy(node.input, input, count * sizeof *input);
    node.input_count = count;
    for (int axis = 0; axis < 2; axis++) {
        if (node.stride[axis] == 0) node.stride[axis] = 1;
        if (node.dilation[axis] == 0) node.dilation[axis] = 1;
    }
    if (node.groups == 0) node.groups = 1;
    node.settled = node.op == SF_OP_PAD || node.op == SF_OP_RESIZE;
    node.output = add_value(graph, "computed");
    assert_ok(sf_graph_add_node(graph, &node));
    return node.output;
}

/* A graph with nothing but an input, which is its value 0. */
static sf_graph *start(void)
{
    sf_graph *graph;

    assert_ok(sf_graph_create(&graph));
    graph->input[graph->input_count++] = add_value(graph, "image");
    return graph;
}

static sf_graph *build(const sf_case *c)
{
    sf_graph *graph = start();
    size_t input[5] = {0};

    for (size_t j = 0; j < c->constant_count; j++)
        input[j + 1] =
            add_constant(graph, &c->constant[j], j, c->node.op == SF_OP_BATCH_NORM && j == 3);
    if (c->reversed) {
        input[0] = input[1];
        input[1] = 0;
    }
    graph->output = add_node(graph, &c->node, c->constant_count + 1, input);
    assert_ok(sf_graph_finish(graph));
    return graph;
}

static double *evaluate(const sf_graph *graph, const sf_shape *image, const double *x,
                        sf_shape *shape)
{
    double *y;

    assert_ok(sf_reference_forward(graph, image, x, NULL, NULL, &y, shape));
    return y;
}

/* ---- forward ------------------------------------------------------------------------------- */

static void check_case(const sf_case *c)
{
    sf_graph *graph = build(c);
    double *x = numbers(size_of(&c->image), SF_CASE_INPUT), sum = 0, moment = 0, scale = 0;
    double *y;
    sf_shape shape;

    y = evaluate(graph, &c->image, x, &shape);
    assert_int_equal(shape.rank, c->result.rank);
    for (int axis = 0; axis < shape.rank; axis++)
        assert_int_equal(shape.dim[axis], c->result.dim[axis]);
    for (size_t i = 0; i < size_of(&shape); i++) {
        sum += y[i];
        moment += (double)(i + 1) * y[i];
        scale += (double)(i + 1) * fabs(y[i]);
    }
    if (!(fabs(sum - c->sum) <= 2e-7 * scale) || !(fabs(moment - c->moment) <= 2e-7 * scale))
        fail_msg("%s: sum %.9g and moment %.9g, ONNX Runtime has %.9g and %.9g", c->label, sum,
                 moment, c->sum, c->moment);
    sf_free(y);
    sf_free(x);
    sf_graph_release(&graph);
}

static void test_onnx_runtime(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) check_case(&sf_cases[i]);
}

/* The engine computes the same in single precision; it takes four dimensions at most. */
static void check_engine(const sf_case *c)
{
    const sf_engine_options options = {.direct = true};
    sf_graph *graph = build(c);
    double *x = numbers(size_of(&c->image), SF_CASE_INPUT), *y, largest = 0;
    sf_engine *engine;
    sf_shape shape;

    y = evaluate(graph, &c->image, x, &shape);
    assert_ok(sf_engine_create(graph, &c->image, &options, &engine));
    for (size_t i = 0; i < size_of(&c->image); i++) sf_engine_input(engine, 0)[i] = (float)x[i];
    assert_ok(sf_engine_forward(engine));
    assert_int_equal(size_of(sf_engine_output_shape(engine)), size_of(&shape));
    for (size_t i = 0; i < size_of(&shape); i++) largest = fmax(largest, fabs(y[i]));
    for (size_t i = 0; i < size_of(&shape); i++)
        if (!(fabs((double)sf_engine_output(engine)[i] - y[i]) <= 1e-6 * largest))
            fail_msg("%s: the engine's number %zu is %.9g, the reference's %.9g", c->label, i,
                     (double)sf_engine_output(engine)[i], y[i]);
    sf_engine_release(&engine);
    sf_free(y);
    sf_free(x);
    sf_graph_release(&graph);
}

static void test_engine(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++)
        if (sf_cases[i].result.rank <= 4) check_engine(&sf_cases[i]);
}

/* A node's result for the image 0, 1, 2, ... */
static void check_ramp(const sf_node *node, sf_shape image, const double *expected)
{
    sf_graph *graph = start();
    double *x = numbers(size_of(&image), SF_CASE_INPUT), *y;
    sf_shape shape;

    for (size_t i = 0; i < size_of(&image); i++) x[i] = (double)i;
    graph->output = add_node(graph, node, 1, (size_t[]){0});
    assert_ok(sf_graph_finish(graph));
    y = evaluate(graph, &image, x, &shape);
    for (size_t i = 0; i < size_of(&shape); i++) assert_close(y[i], expected[i], 1e-15);
    sf_free(y);
    sf_free(x);
    sf_graph_release(&graph);
}

static void test_ramps(void **state)
{
    const sf_shape row = S4(1, 1, 1, 4), deep = S4(1, 8, 1, 1), wide = S4(1, 2, 2, 2);
    const sf_node reflect = {.op = SF_OP_PAD, .pad_mode = SF_PAD_REFLECT, .pads = {0, 2, 0, 3}};
    const sf_node crop = {.op = SF_OP_PAD, .pad_mode = SF_PAD_WRAP, .pads = {0, -1, 0, 2}};
    const sf_node dcr = {.op = SF_OP_DEPTH_TO_SPACE, .block = 2};
    const sf_node crd = {.op = SF_OP_DEPTH_TO_SPACE, .block = 2, .column_row_depth = true};
    const sf_node depth = {.op = SF_OP_SPACE_TO_DEPTH, .block = 2};
    const sf_node twice = {.op = SF_OP_RESIZE, .resize_mode = SF_RESIZE_LINEAR, .scale = {1, 2}};
    const sf_node mean = {.op = SF_OP_AVERAGE_POOL, .kernel = {1, 3}, .pads = {0, 1, 0, 1}};

    (void)state;
    check_ramp(&reflect, row, (double[]){2, 1, 0, 1, 2, 3, 2, 1, 0});
    check_ramp(&crop, row, (double[]){1, 2, 3, 1, 2});
    check_ramp(&dcr, deep, (double[]){0, 2, 4, 6, 1, 3, 5, 7});
    check_ramp(&crd, deep, (double[]){0, 1, 2, 3, 4, 5, 6, 7});
    check_ramp(&depth, wide, (double[]){0, 4, 1, 5, 2, 6, 3, 7});
    check_ramp(&twice, row, (double[]){0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3});
    check_ramp(&mean, row, (double[]){0.5, 1, 2, 2.5});
}

/* Where ONNX Runtime departs from the operators' specification, which gives these shapes: SAME
 * pads with dilation, and a transposed kernel smaller than its stride. */
static void test_same_pads(void **state)
{
    const sf_shape image = S4(1, 1, 3, 4), weight = S4(1, 1, 1, 2);
    const sf_node dilated = {
        .op = SF_OP_CONV, .kernel = {1, 2}, .dilation = {1, 3}, .auto_pad = SF_AUTO_PAD_LOWER};
    const sf_node sparse = {.op = SF_OP_CONV_TRANSPOSE,
                            .kernel = {1, 2},
                            .stride = {2, 3},
                            .auto_pad = SF_AUTO_PAD_UPPER};
    const sf_node *nodes[] = {&dilated, &sparse};
    const size_t rows[] = {3, 6}, columns[] = {4, 12};
    double *x = numbers(12, SF_CASE_INPUT);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        sf_graph *graph = start();
        sf_shape shape;
        double *y;

        graph->output =
            add_node(graph, nodes[i], 2, (size_t[]){0, add_constant(graph, &weight, 0, false)});
        assert_ok(sf_graph_finish(graph));
        y = evaluate(graph, &image, x, &shape);
        assert_int_equal(shape.dim[2], rows[i]);
        assert_int_equal(shape.dim[3], columns[i]);
        if (i == 0) /* pads 2 and 1 */
            assert_close(y[1], case_number(1, 0) * x[2], 1e-15);
        else
            assert_close(y[4], case_number(1, 0) * x[1], 1e-15);
        sf_free(y);
        sf_graph_release(&graph);
    }
    sf_free(x);
}

/* ---- gradients ----------------------------------------------------------------------------- */

typedef struct sf_point {
    const sf_graph *graph;
    const sf_shape *image;
    const double *second;
    double *x, *parameters;
} sf_point;

/* sum of output * case_number(.., 4) */
static double loss(const sf_point *p)
{
    double *y, sum = 0;
    sf_shape shape;

    assert_ok(sf_reference_forward(p->graph, p->image, p->x, p->second, p->parameters, &y, &shape));
    for (size_t i = 0; i < size_of(&shape); i++) sum += y[i] * case_number(i, 4);
    sf_free(y);
    return sum;
}

static double difference(const sf_point *p, double *number)
{
    const double old = *number, step = 1e-4;
    double high, low;

    *number = old + step;
    high = loss(p);
    *number = old - step;
    low = loss(p);
    *number = old;
    return (high - low) / (2 * step);
}

static void compare(const char *label, const sf_point *p, double *number, const double *gradient,
                    size_t count)
{
    double largest = 0;

    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(gradient[i]));
    for (size_t i = 0; i < count; i++) {
        const double expected = difference(p, &number[i]);

        if (!(fabs(gradient[i] - expected) <= 1e-6 * largest))
            fail_msg("%s: gradient %zu is %.12g, central differences give %.12g", label, i,
                     gradient[i], expected);
    }
}

/* Every derivative within 1e-6 of the largest. */
static void check_gradients(const char *label, const sf_graph *graph, const sf_shape *image,
                            const double *second)
{
    const size_t size = size_of(image), parameters = graph->parameter_count;
    double *by_x = numbers(size, 0), *by_parameter = numbers(parameters, 0), *weight, *only;
    float *narrow;
    sf_point p = {.graph = graph, .image = image, .second = second};
    sf_shape *shapes;

    assert_ok(sf_allocate(&shapes, graph->value_count, sizeof *shapes));
    assert_ok(sf_graph_shapes(graph, image, shapes));
    weight = numbers(size_of(&shapes[graph->output]), 4);
    assert_ok(sf_allocate(&narrow, parameters, sizeof *narrow));
    sf_graph_get_parameters(graph, narrow);
    p.x = numbers(size, SF_CASE_INPUT);
    p.parameters = numbers(parameters, 0);
    for (size_t i = 0; i < parameters; i++) p.parameters[i] = (double)narrow[i];
    assert_ok(
        sf_reference_backward(graph, image, p.x, second, p.parameters, weight, by_x, by_parameter));
    compare(label, &p, p.x, by_x, size);
    compare(label, &p, p.parameters, by_parameter, parameters);

    /* Either alone, and with the graph's own parameters. */
    only = numbers(size + parameters, 0);
    assert_ok(sf_reference_backward(graph, image, p.x, second, NULL, weight, only, NULL));
    assert_ok(sf_reference_backward(graph, image, p.x, second, NULL, weight, NULL, only + size));
    assert_memory_equal(only, by_x, size * sizeof *only);
    if (parameters > 0) assert_memory_equal(only + size, by_parameter, parameters * sizeof *only);

    sf_free(only);
    sf_free(p.parameters);
    sf_free(p.x);
    sf_free(narrow);
    sf_free(weight);
    sf_free(shapes);
    sf_free(by_parameter);
    sf_free(by_x);
}

static void test_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        sf_graph *graph = build(&sf_cases[i]);

        check_gradients(sf_cases[i].label, graph, &sf_cases[i].image, NULL);
        sf_graph_release(&graph);
    }
}

static const sf_node conv = {.op = SF_OP_CONV, .kernel = {3, 3}, .pads = {1, 1, 1, 1}};
static const sf_node norm = {.op = SF_OP_BATCH_NORM, .alpha = 0.25F};
static const sf_node relu = {.op = SF_OP_RELU};
static const sf_node add = {.op = SF_OP_ADD};
static const sf_node mul = {.op = SF_OP_MUL};
static const sf_node identity = {.op = SF_OP_IDENTITY};

/* Values and weights with several uses, a square, and a second input (the noise level). */
static void test_reuse(void **state)
{
    const sf_shape image = S4(2, 2, 4, 3), weight = S4(2, 2, 3, 3), level = S4(0, 1, 1, 1);
    const double second[] = {0.5, 0.75};
    sf_graph *graph = start();
    double *x = numbers(size_of(&image), SF_CASE_INPUT), *y;
    size_t sigma, shared, a, b;
    sf_shape shape;

    (void)state;
    assert_ok(sf_graph_add_value(graph, "sigma", &level, NULL, &sigma));
    graph->input[graph->input_count++] = sigma;
    shared = add_constant(graph, &weight, 0, false);
    a = add_node(graph, &conv, 2, (size_t[]){0, shared});
    a = add_node(graph, &relu, 1, &a);
    b = add_node(graph, &conv, 2, (size_t[]){a, shared});
    b = add_node(graph, &add, 2, (size_t[]){a, b});
    b = add_node(graph, &mul, 2, (size_t[]){b, b});
    graph->output = add_node(graph, &mul, 2, (size_t[]){b, sigma});
    assert_ok(sf_graph_finish(graph));
    check_gradients("reuse", graph, &image, second);
    assert_status(SF_ERR_ARGUMENT, sf_reference_forward(graph, &image, x, NULL, NULL, &y, &shape));
    assert_null(y);
    sf_free(x);
    sf_graph_release(&graph);
}

/* ---- shapes that do not fit ---------------------------------------------------------------- */

typedef struct sf_misfit {
    sf_status status;
    const char *reason; /* a part of it */
    sf_node node;
    sf_shape image;
    size_t constant_count;
    sf_shape constant[2];
} sf_misfit;

/* clang-format off */
static const sf_misfit misfits[] = {
    {SF_ERR_SHAPE, "for 3 channels", {.op = SF_OP_CONV, .kernel = {1, 1}}, S4(1, 2, 4, 4), 1, {S4(2, 3, 1, 1)}},
    {SF_ERR_SHAPE, "2 groups", {.op = SF_OP_CONV, .kernel = {1, 1}, .groups = 2}, S4(1, 2, 4, 4), 1, {S4(3, 1, 1, 1)}},
    {SF_ERR_SHAPE, "for 3 channels", {.op = SF_OP_CONV_TRANSPOSE, .kernel = {1, 1}}, S4(1, 2, 4, 4), 1, {S4(3, 2, 1, 1)}},
    {SF_ERR_SHAPE, "kernel_shape is 1x3", {.op = SF_OP_CONV, .kernel = {1, 3}}, S4(1, 2, 4, 4), 1, {S4(2, 2, 3, 1)}},
    {SF_ERR_SHAPE, "larger than the padded input", {.op = SF_OP_CONV, .kernel = {3, 3}, .dilation = {2, 2}}, S4(1, 2, 4, 4), 1, {S4(2, 2, 3, 3)}},
    {SF_ERR_SHAPE, "out of range", {.op = SF_OP_CONV, .kernel = {1, 1}, .pads = {-1, 0, 0, 0}}, S4(1, 2, 4, 4), 1, {S4(2, 2, 1, 1)}},
    {SF_ERR_SHAPE, "bias needs 3 values", {.op = SF_OP_CONV, .kernel = {1, 1}}, S4(1, 2, 4, 4), 2, {S4(3, 2, 1, 1), S1(2)}},
    {SF_ERR_SHAPE, "rank 4", {.op = SF_OP_CONV, .kernel = {1, 1}}, S4(1, 2, 4, 4), 1, {S3(2, 2, 1)}},
    {SF_ERR_SHAPE, "larger than the padded input", {.op = SF_OP_AVERAGE_POOL, .kernel = {5, 1}}, S4(1, 2, 4, 4), 0, {{0}}},
    {SF_ERR_SHAPE, "an image", {.op = SF_OP_AVERAGE_POOL, .kernel = {1, 1}}, S3(2, 4, 4), 0, {{0}}},
    {SF_ERR_SHAPE, "4 and 3 along one axis", {.op = SF_OP_ADD}, S4(1, 2, 4, 4), 1, {S2(3, 1)}},
    {SF_ERR_SHAPE, "ranks differ", {.op = SF_OP_CONCAT, .axis = 1}, S4(1, 2, 4, 4), 1, {S3(2, 4, 4)}},
    {SF_ERR_SHAPE, "along axis 2", {.op = SF_OP_CONCAT, .axis = 1}, S4(1, 2, 4, 4), 1, {S4(1, 2, 3, 4)}},
    {SF_ERR_FORMAT, "no axis 4", {.op = SF_OP_CONCAT, .axis = 4}, S4(1, 2, 4, 4), 1, {S4(1, 2, 4, 4)}},
    {SF_ERR_SHAPE, "leave nothing of 4 cells", {.op = SF_OP_PAD, .pads = {-2, 0, -2, 0}}, S4(1, 2, 4, 4), 0, {{0}}},
    {SF_ERR_SHAPE, "reflect more than 4 cells can", {.op = SF_OP_PAD, .pad_mode = SF_PAD_REFLECT, .pads = {4, 0, 0, 0}}, S4(1, 2, 4, 4), 0, {{0}}},
    {SF_ERR_SHAPE, "reflect more than 3 cells can", {.op = SF_OP_PAD, .pad_mode = SF_PAD_REFLECT, .pads = {-1, 0, 3, 0}}, S4(1, 2, 4, 4), 0, {{0}}},
    {SF_ERR_SHAPE, "out of range", {.op = SF_OP_PAD, .pads = {0, 0x80000000L, 0, 0}}, S4(1, 2, 4, 4), 0, {{0}}},
    {SF_ERR_SHAPE, "divide the channels", {.op = SF_OP_DEPTH_TO_SPACE, .block = 2}, S4(1, 2, 4, 4), 0, {{0}}},
    {SF_ERR_SHAPE, "divide the image", {.op = SF_OP_SPACE_TO_DEPTH, .block = 3}, S4(1, 2, 4, 3), 0, {{0}}},
    {SF_ERR_SHAPE, "out of range", {.op = SF_OP_RESIZE, .scale = {0.125, 1}}, S4(1, 2, 4, 4), 0, {{0}}},
    {SF_ERR_SHAPE, "out of range", {.op = SF_OP_RESIZE, .scale = {1e10, 1}}, S4(1, 2, 4, 4), 0, {{0}}},
    {SF_ERR_SHAPE, "larger than memory", {.op = SF_OP_RESIZE, .size = {0x7ffffffe, 0x7ffffffe}}, S4(1, 2, 4, 4), 0, {{0}}},
    {SF_ERR_SHAPE, "out of range", {.op = SF_OP_RELU}, S4(1, 2, 0, 4), 0, {{0}}},
    {SF_ERR_FORMAT, "2 inputs", {.op = SF_OP_RELU}, S4(1, 2, 4, 4), 1, {S1(2)}},
    {SF_ERR_UNSUPPORTED, "cannot be executed", {.op = SF_OP_CONSTANT}, S4(1, 2, 4, 4), 0, {{0}}},
};
/* clang-format on */

static void test_misfits(void **state)
{
    double *y;
    const double x[200] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++) {
        const sf_misfit *m = &misfits[i];
        const sf_case c = {.node = m->node,
                           .image = m->image,
                           .constant_count = m->constant_count,
                           .constant = {m->constant[0], m->constant[1]}};
        sf_graph *graph = build(&c);
        sf_shape shape;

        assert_string_equal(
            sf_status_name(sf_reference_forward(graph, &m->image, x, NULL, NULL, &y, &shape)),
            sf_status_name(m->status));
        assert_null(y);
        if (strstr(sf_last_error(), m->reason) == NULL)
            fail_msg("'%s' is not in '%s'", m->reason, sf_last_error());
        sf_graph_release(&graph);
    }
}

/* The image must be what the file declares. */
static void test_declared(void **state)
{
    const sf_shape declared = S4(0, 1, 0, 8), fits = S4(3, 1, 5, 8), other = S4(1, 1, 8, 5);
    sf_graph *graph = start();
    sf_shape shapes[2];

    (void)state;
    graph->value[0].shape = declared;
    graph->output = add_node(graph, &relu, 1, (size_t[]){0});
    assert_ok(sf_graph_finish(graph));
    assert_ok(sf_graph_shapes(graph, &fits, shapes));
    assert_status(SF_ERR_SHAPE, sf_graph_shapes(graph, &other, shapes));
    assert_non_null(strstr(sf_last_error(), "[1,1,8,5]"));
    sf_graph_release(&graph);
}

/* ---- simplifying --------------------------------------------------------------------------- */

/* [channels] such that variance + 1/4 is 1 or 4 and all gains are exact in single precision. */
static size_t add_norm(sf_graph *graph, size_t x, size_t channels)
{
    const sf_shape shape = {1, {channels}};
    size_t input[5] = {x};

    for (size_t j = 0; j < 4; j++) input[j + 1] = add_constant(graph, &shape, j + 5, false);
    for (size_t c = 0; c < channels; c++)
        graph->value[input[4]].constant[c] = c % 2 == 0 ? 0.75F : 3.75F;
    return add_node(graph, &norm, 5, input);
}

static size_t count_nodes(const sf_graph *graph, sf_op op)
{
    size_t count = 0;

    for (size_t i = 0; i < graph->node_count; i++) count += graph->node[i].op == op;
    return count;
}

/* The simplified graph computes the same numbers. Releases nothing. */
static void check_simplify(sf_graph *graph, const sf_shape *image)
{
    double *x = numbers(size_of(image), SF_CASE_INPUT), *before, *after;
    sf_shape shape, same;

    assert_ok(sf_graph_finish(graph));
    before = evaluate(graph, image, x, &shape);
    assert_ok(sf_graph_simplify(graph));
    after = evaluate(graph, image, x, &same);
    assert_memory_equal(&shape, &same, sizeof shape);
    for (size_t i = 0; i < size_of(&shape); i++) assert_close(before[i], after[i], 1e-12);
    assert_int_equal(count_nodes(graph, SF_OP_BATCH_NORM), 0);
    sf_free(after);
    sf_free(before);
    sf_free(x);
}

/* Into a convolution of each kind, with and without a bias, nodes and constants counted. */
static void test_fold(void **state)
{
    const sf_shape image = S4(2, 4, 5, 4), weights[] = {S4(6, 2, 3, 3), S4(4, 3, 3, 3)},
                   bias = S1(6);

    (void)state;
    for (int transposed = 0; transposed < 2; transposed++)
        for (size_t biased = 0; biased < 2; biased++) {
            sf_graph *graph = start();
            sf_node node = conv;
            size_t input[3] = {0, add_constant(graph, &weights[transposed], 0, false),
                               add_constant(graph, &bias, 1, false)};

            node.op = transposed == 1 ? SF_OP_CONV_TRANSPOSE : SF_OP_CONV;
            node.groups = 2;
            graph->output = add_norm(graph, add_node(graph, &node, 2 + biased, input), 6);
            check_simplify(graph, &image);
            assert_int_equal(graph->node_count, 1);
            assert_int_equal(graph->node[0].input_count, 3);
            assert_int_equal(graph->parameter_count, size_of(&weights[transposed]) + 6);
            sf_graph_release(&graph);
        }
}

/* Two normalisations in a row go into one convolution; a weight that two convolutions share
 * stays as it is for the other. */
static void test_fold_shared(void **state)
{
    const sf_shape image = S4(1, 2, 4, 3), weight = S4(2, 2, 3, 3);
    sf_graph *graph = start();
    const size_t shared = add_constant(graph, &weight, 0, false);
    size_t a = add_node(graph, &conv, 2, (size_t[]){0, shared});
    size_t b = add_node(graph, &conv, 2, (size_t[]){0, shared});

    (void)state;
    a = add_norm(graph, add_norm(graph, a, 2), 2);
    graph->output = add_node(graph, &add, 2, (size_t[]){a, b});
    check_simplify(graph, &image);
    assert_int_equal(graph->node_count, 3);
    assert_int_equal(graph->parameter_count, 2 * size_of(&weight) + 2);
    sf_graph_release(&graph);
}

/* After anything else, and after a convolution whose result has another use: Mul and Add. */
static void test_expand(void **state)
{
    const sf_shape image = S4(1, 2, 4, 3), weight = S4(2, 2, 3, 3);
    sf_graph *graph = start();
    const size_t w = add_constant(graph, &weight, 0, false);
    const size_t a = add_node(graph, &conv, 2, (size_t[]){0, w});
    size_t b;

    (void)state;
    b = add_norm(graph, a, 2);
    b = add_node(graph, &identity, 1, &b);
    b = add_node(graph, &add, 2, (size_t[]){a, b});
    b = add_norm(graph, add_node(graph, &relu, 1, &b), 2);
    graph->output = add_node(graph, &identity, 1, &b);
    check_simplify(graph, &image);
    assert_int_equal(count_nodes(graph, SF_OP_IDENTITY), 0);
    assert_int_equal(count_nodes(graph, SF_OP_MUL), 2);
    assert_int_equal(count_nodes(graph, SF_OP_ADD), 3);
    assert_int_equal(graph->parameter_count, size_of(&weight) + 8);
    sf_graph_release(&graph);
}

/* The identity keeps its node; a variance that gives no finite gain is refused. */
static void test_simplify_edges(void **state)
{
    const sf_shape image = S4(1, 2, 2, 2);
    sf_graph *graph = start();
    size_t output;

    (void)state;
    graph->output = add_node(graph, &identity, 1, (size_t[]){0});
    check_simplify(graph, &image);
    assert_int_equal(graph->node_count, 1);
    sf_graph_release(&graph);

    graph = start();
    output = add_norm(graph, 0, 2);
    graph->output = output;
    graph->value[output - 1].constant[1] = -0.25F;
    assert_status(SF_ERR_NUMERIC, sf_graph_simplify(graph));
    sf_graph_release(&graph);
}

/* ---- sorting ------------------------------------------------------------------------------- */

/* Nodes stored in the wrong order, one of them and its constant of no use. */
static void test_finish(void **state)
{
    const sf_shape image = S4(1, 1, 1, 2), one = S1(1);
    sf_graph *graph = start();
    const double x[2] = {-2, 3};
    float flat[1];
    double *y;
    sf_shape shape;
    const size_t c = add_constant(graph, &one, 0, false), d = add_constant(graph, &one, 1, false);
    const size_t a = add_value(graph, "a");
    sf_node first = relu;

    (void)state;
    graph->output = add_node(graph, &add, 2, (size_t[]){a, c});
    (void)add_node(graph, &add, 2, (size_t[]){a, d});
    first.input = (size_t[]){0};
    first.input_count = 1;
    first.output = a;
    assert_ok(sf_graph_add_node(graph, &first));
    assert_ok(sf_graph_finish(graph));
    assert_int_equal(graph->node_count, 2);
    assert_int_equal(graph->node[0].op, SF_OP_RELU);
    assert_int_equal(graph->value_count, 4);
    assert_int_equal(graph->parameter_count, 1);
    sf_graph_get_parameters(graph, flat);
    assert_close((double)flat[0], case_number(0, 0), 0);
    flat[0] = 10.0F;
    sf_graph_set_parameters(graph, flat);
    y = evaluate(graph, &image, x, &shape);
    assert_close(y[0], 10, 0);
    assert_close(y[1], 13, 0);
    sf_free(y);
    sf_graph_release(&graph);
}

static void check_finish(sf_graph *graph, const char *reason)
{
    assert_status(SF_ERR_FORMAT, sf_graph_finish(graph));
    if (strstr(sf_last_error(), reason) == NULL)
        fail_msg("'%s' is not in '%s'", reason, sf_last_error());
    sf_graph_release(&graph);
}

static void test_finish_errors(void **state)
{
    sf_graph *graph = start();
    size_t a, b;

    (void)state;
    a = add_node(graph, &relu, 1, (size_t[]){0});
    b = add_node(graph, &add, 2, (size_t[]){0, a});
    graph->node[0].input[0] = b;
    graph->output = b;
    check_finish(graph, "cyclic");

    graph = start();
    a = add_node(graph, &relu, 1, (size_t[]){0});
    b = add_node(graph, &relu, 1, (size_t[]){0});
    graph->node[1].output = a;
    graph->output = a;
    check_finish(graph, "produced twice");

    graph = start();
    graph->output = add_node(graph, &relu, 1, (size_t[]){0});
    graph->node[0].output = 0; /* the input */
    check_finish(graph, "produced twice");

    graph = start();
    b = add_value(graph, "from nowhere");
    graph->output = add_node(graph, &relu, 1, &b);
    check_finish(graph, "'from nowhere'");

    check_finish(start(), "no output");

    graph = start();
    graph->output = add_node(graph, &relu, 1, (size_t[]){1000});
    check_finish(graph, "input 0 is no value");

    graph = start();
    graph->output = add_node(graph, &relu, 1, (size_t[]){0});
    graph->input_count = 0;
    check_finish(graph, "0 inputs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_onnx_runtime), cmocka_unit_test(test_engine),
        cmocka_unit_test(test_ramps),        cmocka_unit_test(test_same_pads),
        cmocka_unit_test(test_gradients),    cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_misfits),      cmocka_unit_test(test_declared),
        cmocka_unit_test(test_fold),         cmocka_unit_test(test_fold_shared),
        cmocka_unit_test(test_expand),       cmocka_unit_test(test_simplify_edges),
        cmocka_unit_test(test_finish),       cmocka_unit_test(test_finish_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
