/* compile_rows.c - matrix products, softmax, normalisation and the largest of windows, in the
 * engine. */
#include "network/compile.h"

/* ---- matrices -------------------------------------------------------------------------- */

/* A value as `batch` matrices, row-major, or such that their transposes are. */
typedef struct sf_matrix {
    size_t tensor;
    size_t batch, rows, columns; /* as the product sees them */
    bool transposed;
} sf_matrix;

static sf_status matrix_layout(sf_dnn *dnn, const sf_matrix *m, bool batched,
                               const sf_layout **layout)
{
    const size_t dim[3] = {m->batch, m->rows, m->columns};
    const size_t stride[3] = {m->rows * m->columns, m->transposed ? 1 : m->columns,
                              m->transposed ? m->rows : 1};
    const int skip = batched ? 0 : 1;

    return sf_layout_create(dnn, 3 - skip, dim + skip, SF_NUMBER_F32, SF_ORDER_PLAIN, stride + skip,
                            layout);
}

/* step: c = a b */
static sf_status set_product(sf_compiler *compiler, const sf_node *node, const sf_matrix *a,
                             const sf_matrix *b, sf_step *step)
{
    sf_dnn *dnn = compiler->plan->dnn;
    const sf_matrix c = {.batch = a->batch, .rows = a->rows, .columns = b->columns};
    const sf_layout *layout[3];

    SF_TRY(matrix_layout(dnn, a, a->batch > 1, &layout[0]));
    SF_TRY(matrix_layout(dnn, b, a->batch > 1, &layout[1]));
    SF_TRY(matrix_layout(dnn, &c, a->batch > 1, &layout[2]));
    SF_TRY(sf_primitive_matmul(dnn, layout[0], layout[1], layout[2], &step->primitive));
    if (step->primitive == NULL)
        return sf_compile_unsupported(node,
                                      "has no fast implementation in oneDNN on this processor");
    step->use[0] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = a->tensor, .layout = layout[0]};
    step->use[1] = (sf_use){.role = SF_ROLE_WEIGHTS, .tensor = b->tensor, .layout = layout[1]};
    step->use_count = 2;
    step->result = layout[2];
    step->flops =
        2.0 * (double)a->batch * (double)a->rows * (double)a->columns * (double)b->columns;
    return SF_OK;
}

/* The sizes of both operands. One matrix on the right serves all rows on the left. */
static void find_matrices(const sf_compiler *compiler, const sf_node *node, sf_matrix m[2])
{
    const sf_shape *a = &compiler->shape[node->input[0]], *b = &compiler->shape[node->input[1]];
    const sf_shape *c = &compiler->shape[node->output];
    const size_t columns = c->dim[c->rank - 1], rows = sf_shape_count(c) / columns;
    const size_t terms = a->dim[a->rank - (node->transposed[0] ? 2 : 1)];
    const size_t batch = b->rank == 2 ? 1 : rows / c->dim[c->rank - 2];

    m[0] = (sf_matrix){
        .batch = batch, .rows = rows / batch, .columns = terms, .transposed = node->transposed[0]};
    m[1] = (sf_matrix){
        .batch = batch, .rows = terms, .columns = columns, .transposed = node->transposed[1]};
}

sf_status sf_compile_matmul(sf_compiler *compiler, const sf_node *node)
{
    sf_step step = {0};
    sf_matrix m[2];

    (void)sf_compile_unit(compiler, node);
    find_matrices(compiler, node, m);
    for (size_t i = 0; i < 2; i++)
        SF_TRY(sf_compile_value(compiler, node->input[i], node, SF_NUMBER_F32, SF_ORDER_PLAIN,
                                &m[i].tensor));
    SF_TRY(set_product(compiler, node, &m[0], &m[1], &step));
    return sf_compile_step(compiler, node, &step, SF_ORDER_PLAIN);
}

static sf_matrix turned(sf_matrix m)
{
    return (sf_matrix){m.tensor, m.batch, m.columns, m.rows, !m.transposed};
}

/* With z the gradient of c = a b: z b^T for a, a^T z for b, and the transpose of that where the
 * operand is stored so. */
static sf_status undo_matrix(sf_compiler *compiler, const sf_node *node, size_t operand)
{
    sf_step step = {0};
    sf_matrix m[2], z, left, right;

    find_matrices(compiler, node, m);
    z = (sf_matrix){.batch = m[0].batch, .rows = m[0].rows, .columns = m[1].columns};
    SF_TRY(sf_undo_gradient(compiler, node->output, node, SF_ORDER_PLAIN, &z.tensor));
    SF_TRY(sf_undo_value(compiler, node->input[1 - operand], node, SF_ORDER_PLAIN,
                         &m[1 - operand].tensor));
    left = operand == 0 ? z : turned(m[0]);
    right = operand == 0 ? turned(m[1]) : z;
    if (m[operand].transposed) {
        const sf_matrix first = turned(right);

        right = turned(left);
        left = first;
    }
    SF_TRY(set_product(compiler, node, &left, &right, &step));
    step.forwards = true;
    return sf_undo_step(compiler, node->input[operand], node, &step, SF_ORDER_PLAIN);
}

sf_status sf_undo_matmul(sf_compiler *compiler, sf_unit *unit)
{
    for (size_t operand = 0; operand < 2; operand++)
        if (compiler->needs[unit->node->input[operand]])
            SF_TRY(undo_matrix(compiler, unit->node, operand));
    return SF_OK;
}

/* ---- softmax --------------------------------------------------------------------------- */

static sf_status softmax_step(sf_compiler *compiler, const sf_node *node, bool backward,
                              sf_step *step)
{
    const sf_shape *shape = &compiler->shape[node->output];
    const size_t n = shape->dim[shape->rank - 1], dim[2] = {sf_shape_count(shape) / n, n};
    const size_t stride[2] = {n, 1};
    sf_dnn *dnn = compiler->plan->dnn;

    SF_TRY(sf_layout_create(dnn, 2, dim, SF_NUMBER_F32, SF_ORDER_PLAIN, stride, &step->result));
    SF_TRY(sf_primitive_softmax(dnn, step->result, backward, &step->primitive));
    if (step->primitive != NULL) return SF_OK;
    return sf_compile_unsupported(node, "has no fast implementation in oneDNN on this processor");
}

sf_status sf_compile_softmax(sf_compiler *compiler, const sf_node *node)
{
    sf_step step = {.use_count = 1};
    size_t source;

    (void)sf_compile_unit(compiler, node);
    SF_TRY(
        sf_compile_value(compiler, node->input[0], node, SF_NUMBER_F32, SF_ORDER_PLAIN, &source));
    SF_TRY(softmax_step(compiler, node, false, &step));
    step.use[0] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = source, .layout = step.result};
    return sf_compile_step(compiler, node, &step, SF_ORDER_PLAIN);
}

sf_status sf_undo_softmax(sf_compiler *compiler, sf_unit *unit)
{
    const sf_node *node = unit->node;
    sf_step step = {.use_count = 2};
    size_t result, gradient;

    SF_TRY(sf_undo_value(compiler, node->output, node, SF_ORDER_PLAIN, &result));
    SF_TRY(sf_undo_gradient(compiler, node->output, node, SF_ORDER_PLAIN, &gradient));
    SF_TRY(softmax_step(compiler, node, true, &step));
    step.use[0] = (sf_use){.role = SF_ROLE_DESTINATION, .tensor = result, .layout = step.result};
    step.use[1] =
        (sf_use){.role = SF_ROLE_DESTINATION_GRADIENT, .tensor = gradient, .layout = step.result};
    return sf_undo_step(compiler, node->input[0], node, &step, SF_ORDER_PLAIN);
}

/* ---- normalisation --------------------------------------------------------------------- */

static sf_status make_normalise(const sf_compiler *compiler, const sf_node *node, bool backward,
                                sf_kernel **kernel)
{
    const sf_shape *shape = &compiler->shape[node->output];
    size_t row = 1;

    for (int i = (int)node->axis; i < shape->rank; i++) row *= shape->dim[i];
    return sf_kernel_normalise(sf_shape_count(shape), row, node->alpha, backward, kernel);
}

sf_status sf_compile_normalise(sf_compiler *compiler, const sf_node *node)
{
    sf_step step = {.use_count = 1};
    size_t source;

    (void)sf_compile_unit(compiler, node);
    SF_TRY(
        sf_compile_value(compiler, node->input[0], node, SF_NUMBER_F32, SF_ORDER_PLAIN, &source));
    SF_TRY(make_normalise(compiler, node, false, &step.kernel));
    step.use[0] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = source};
    return sf_compile_step(compiler, node, &step, SF_ORDER_PLAIN);
}

sf_status sf_undo_normalise(sf_compiler *compiler, sf_unit *unit)
{
    const sf_node *node = unit->node;
    sf_step step = {.use_count = 2};
    size_t source, gradient;

    SF_TRY(sf_undo_value(compiler, node->input[0], node, SF_ORDER_PLAIN, &source));
    SF_TRY(sf_undo_gradient(compiler, node->output, node, SF_ORDER_PLAIN, &gradient));
    SF_TRY(make_normalise(compiler, node, true, &step.kernel));
    step.use[0] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = source};
    step.use[1] = (sf_use){.role = SF_ROLE_DESTINATION_GRADIENT, .tensor = gradient};
    return sf_undo_step(compiler, node->input[0], node, &step, SF_ORDER_PLAIN);
}

/* ---- the largest of a window ----------------------------------------------------------- */

static sf_status find_pool(sf_compiler *compiler, const sf_node *node, sf_pool *pool)
{
    const sf_shape *in = &compiler->shape[node->input[0]], *out = &compiler->shape[node->output];
    sf_dnn *dnn = compiler->plan->dnn;
    long pads[4];

    *pool = (sf_pool){0};
    sf_node_pads(node, in, out, pads);
    for (int i = 0; i < 2; i++) {
        const long span = (long)((node->kernel[i] - 1) * node->dilation[i] + 1);

        pool->kernel[i] = node->kernel[i];
        pool->stride[i] = node->stride[i];
        pool->dilation[i] = node->dilation[i];
        pool->pad_low[i] = pads[i];
        pool->pad_high[i] =
            (long)((out->dim[2 + i] - 1) * node->stride[i]) + span - (long)in->dim[2 + i] - pads[i];
    }
    SF_TRY(sf_layout_create(dnn, 4, in->dim, SF_NUMBER_F32, SF_ORDER_CHANNELS_LAST, NULL,
                            &pool->source));
    return sf_layout_create(dnn, 4, out->dim, SF_NUMBER_F32, SF_ORDER_CHANNELS_LAST, NULL,
                            &pool->destination);
}

/* Where the largest was, for the backward pass. */
static sf_status add_workspace(sf_compiler *compiler, const sf_node *node, sf_unit *unit,
                               sf_step *step)
{
    const sf_layout *layout;
    size_t dim[4];

    if (!compiler->options.training) return SF_OK;
    sf_compile_dim(compiler, node->output, dim);
    SF_TRY(sf_primitive_layout(compiler->plan->dnn, unit->forward, SF_ROLE_WORKSPACE, &layout));
    SF_TRY(
        sf_plan_tensor_like(compiler->plan, layout, dim, SF_NUMBER_F32, false, &unit->workspace));
    step->use[step->use_count++] = (sf_use){.role = SF_ROLE_WORKSPACE, .tensor = unit->workspace};
    return SF_OK;
}

sf_status sf_compile_max_pool(sf_compiler *compiler, const sf_node *node)
{
    sf_unit *unit = sf_compile_unit(compiler, node);
    sf_step step = {.use_count = 1};
    sf_pool pool;
    size_t source;

    SF_TRY(sf_compile_value(compiler, node->input[0], node, SF_NUMBER_F32, SF_ORDER_CHANNELS_LAST,
                            &source));
    SF_TRY(find_pool(compiler, node, &pool));
    SF_TRY(sf_primitive_max_pool(compiler->plan->dnn,
                                 compiler->options.training ? SF_PASS_TRAINING : SF_PASS_INFERENCE,
                                 &pool, NULL, &unit->forward));
    if (unit->forward == NULL)
        return sf_compile_unsupported(node,
                                      "has no fast implementation in oneDNN on this processor");
    step.primitive = unit->forward;
    step.use[0] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = source};
    SF_TRY(add_workspace(compiler, node, unit, &step));
    return sf_compile_step(compiler, node, &step, SF_ORDER_CHANNELS_LAST);
}

sf_status sf_undo_max_pool(sf_compiler *compiler, sf_unit *unit)
{
    const sf_node *node = unit->node;
    sf_step step = {.use_count = 2};
    sf_pool pool;
    size_t gradient;

    SF_TRY(sf_undo_gradient(compiler, node->output, node, SF_ORDER_CHANNELS_LAST, &gradient));
    SF_TRY(find_pool(compiler, node, &pool));
    SF_TRY(sf_primitive_max_pool(compiler->plan->dnn, SF_PASS_DATA, &pool, unit->forward,
                                 &step.primitive));
    if (step.primitive == NULL)
        return sf_compile_unsupported(node, "has no fast backward pass in oneDNN here");
    step.use[0] = (sf_use){.role = SF_ROLE_DESTINATION_GRADIENT, .tensor = gradient};
    step.use[1] = (sf_use){.role = SF_ROLE_WORKSPACE, .tensor = unit->workspace};
    return sf_undo_step(compiler, node->input[0], node, &step, SF_ORDER_CHANNELS_LAST);
}
