/* compile_pointwise.c - operators that work number by number, in the engine: functions of one
 * number, and of two with repetition. */
#include "network/compile.h"

#include <string.h>

/* ---- one number ------------------------------------------------------------------------ */

sf_activation sf_compile_activation(const sf_node *node)
{
    switch (node->op) {
    case SF_OP_ABS: return (sf_activation){.kind = SF_ACTIVATION_ABS};
    case SF_OP_CLIP: return (sf_activation){SF_ACTIVATION_CLIP, node->alpha, node->beta};
    case SF_OP_ELU: return (sf_activation){.kind = SF_ACTIVATION_ELU, .alpha = node->alpha};
    case SF_OP_EXP: return (sf_activation){.kind = SF_ACTIVATION_EXP};
    case SF_OP_GELU:
        return (sf_activation){.kind = node->flag ? SF_ACTIVATION_GELU_TANH : SF_ACTIVATION_GELU};
    case SF_OP_LEAKY_RELU: return (sf_activation){.kind = SF_ACTIVATION_RELU, .alpha = node->alpha};
    case SF_OP_NEG: return (sf_activation){.kind = SF_ACTIVATION_LINEAR, .alpha = -1.0F};
    case SF_OP_POW: return (sf_activation){SF_ACTIVATION_POWER, 1.0F, node->alpha};
    case SF_OP_RECIPROCAL: return (sf_activation){SF_ACTIVATION_POWER, 1.0F, -1.0F};
    case SF_OP_RELU: return (sf_activation){.kind = SF_ACTIVATION_RELU};
    case SF_OP_SIGMOID: return (sf_activation){.kind = SF_ACTIVATION_SIGMOID};
    case SF_OP_SOFTPLUS: return (sf_activation){.kind = SF_ACTIVATION_SOFTPLUS, .alpha = 1.0F};
    case SF_OP_SQRT: return (sf_activation){.kind = SF_ACTIVATION_SQRT};
    case SF_OP_TANH: return (sf_activation){.kind = SF_ACTIVATION_TANH};
    default: return (sf_activation){.kind = SF_ACTIVATION_NONE};
    }
}

/* Functions that oneDNN lacks, or has less exactly. */
static sf_status compile_loop(sf_compiler *compiler, const sf_node *node)
{
    const sf_order order = sf_compile_natural(compiler, node->input[0]);
    sf_step step = {.use_count = 1};
    size_t source;

    SF_TRY(sf_compile_value(compiler, node->input[0], node, SF_NUMBER_F32, order, &source));
    SF_TRY(sf_kernel_point(node->op, sf_shape_count(&compiler->shape[node->output]), false,
                           &step.kernel));
    step.use[0] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = source};
    return sf_compile_step(compiler, node, &step, order);
}

sf_status sf_compile_pointwise(sf_compiler *compiler, const sf_node *node)
{
    sf_plan *plan = compiler->plan;
    sf_unit *unit = sf_compile_unit(compiler, node);
    const size_t source = compiler->value[node->input[0]].tensor[0];
    const sf_tensor x = plan->tensor[source];
    sf_step step = {.use = {{.role = SF_ROLE_SOURCE, .tensor = source}},
                    .use_count = 2,
                    .overwrites = 1,
                    .node = sf_compile_node_index(compiler, node)};
    size_t result;

    unit->activation = sf_compile_activation(node);
    if (unit->activation.kind == SF_ACTIVATION_NONE) return compile_loop(compiler, node);
    SF_TRY(sf_primitive_activation(plan->dnn, unit->activation, x.layout, false, &step.primitive));
    if (step.primitive == NULL)
        return sf_compile_unsupported(node,
                                      "has no fast implementation in oneDNN on this processor");
    SF_TRY(sf_plan_tensor_like(plan, x.layout, x.dim, x.number, false, &result));
    plan->tensor[result].order = x.order;
    step.use[1] = (sf_use){.role = SF_ROLE_DESTINATION, .tensor = result};
    sf_compile_set(compiler, node->output, result);
    return sf_plan_add(plan, SF_SECTION_FORWARD, &step);
}

static sf_status undo_loop(sf_compiler *compiler, const sf_node *node)
{
    const sf_order order = sf_compile_natural(compiler, node->input[0]);
    sf_step step = {.use_count = 2};
    size_t source, gradient;

    SF_TRY(sf_undo_value(compiler, node->input[0], node, order, &source));
    SF_TRY(sf_undo_gradient(compiler, node->output, node, order, &gradient));
    SF_TRY(sf_kernel_point(node->op, sf_shape_count(&compiler->shape[node->output]), true,
                           &step.kernel));
    step.use[0] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = source};
    step.use[1] = (sf_use){.role = SF_ROLE_DESTINATION_GRADIENT, .tensor = gradient};
    return sf_undo_step(compiler, node->input[0], node, &step, order);
}

sf_status sf_undo_pointwise(sf_compiler *compiler, sf_unit *unit)
{
    const sf_node *node = unit->node;

    if (unit->activation.kind == SF_ACTIVATION_NONE) return undo_loop(compiler, node);
    SF_TRY(sf_undo_activation(compiler, unit));
    return sf_undo_keep(compiler, node->input[0], node, compiler->gradient[node->output].tensor[0]);
}

/* ---- two numbers ----------------------------------------------------------------------- */

/* In which order the operands lie, and the dimensions that the loop sees: N, C, H, W with C the
 * innermost, of an image as they are, else what is left when axes that repeat alike are one. */
typedef struct sf_frame {
    sf_order order;
    size_t a[4], b[4], out[4];
} sf_frame;

static bool is_image(const sf_compiler *compiler, const sf_node *node)
{
    for (size_t i = 0; i < 2; i++)
        if (!sf_compile_is_constant(compiler, node->input[i]) &&
            sf_compile_natural(compiler, node->input[i]) == SF_ORDER_CHANNELS_LAST)
            return compiler->shape[node->output].rank == 4;
    return false;
}

/* Dimensions in memory order as N, H, W, C. */
static void put_dim(const size_t *merged, int rank, size_t dim[4])
{
    static const int place[4] = {0, 2, 3, 1};

    for (int i = 0; i < 4; i++) dim[place[i]] = i + rank < 4 ? 1 : merged[i + rank - 4];
}

static void find_frame(const sf_compiler *compiler, const sf_node *node, sf_frame *frame)
{
    size_t merged[3][SF_TENSOR_MAX_RANK];
    int rank;

    if (is_image(compiler, node)) {
        frame->order = SF_ORDER_CHANNELS_LAST;
        sf_compile_dim(compiler, node->input[0], frame->a);
        sf_compile_dim(compiler, node->input[1], frame->b);
        sf_compile_dim(compiler, node->output, frame->out);
        return;
    }
    frame->order = SF_ORDER_PLAIN;
    rank =
        sf_shape_merge(&compiler->shape[node->input[0]], &compiler->shape[node->input[1]], merged);
    put_dim(merged[0], rank, frame->a);
    put_dim(merged[1], rank, frame->b);
    put_dim(merged[2], rank, frame->out);
}

static sf_status compile_broadcast(sf_compiler *compiler, const sf_node *node)
{
    sf_step step = {.use_count = 2};
    sf_frame frame;
    size_t tensor[2];

    find_frame(compiler, node, &frame);
    for (size_t i = 0; i < 2; i++) {
        SF_TRY(sf_compile_value(compiler, node->input[i], node, SF_NUMBER_F32, frame.order,
                                &tensor[i]));
        step.use[i] =
            (sf_use){.role = i == 0 ? SF_ROLE_SOURCE : SF_ROLE_SOURCE_1, .tensor = tensor[i]};
    }
    SF_TRY(sf_kernel_broadcast(node->op, frame.a, frame.b, frame.out, &step.kernel));
    return sf_compile_step(compiler, node, &step, frame.order);
}

static bool same_dims(const sf_compiler *compiler, const sf_node *node)
{
    return sf_shape_equal(&compiler->shape[node->input[0]], &compiler->shape[node->input[1]]);
}

static const sf_binary operation[SF_OP_COUNT] = {
    [SF_OP_ADD] = SF_BINARY_ADD, [SF_OP_SUB] = SF_BINARY_SUB, [SF_OP_MUL] = SF_BINARY_MUL,
    [SF_OP_DIV] = SF_BINARY_DIV, [SF_OP_MAX] = SF_BINARY_MAX, [SF_OP_MIN] = SF_BINARY_MIN};

sf_status sf_compile_binary(sf_compiler *compiler, const sf_node *node)
{
    sf_plan *plan = compiler->plan;
    sf_copies *a = &compiler->value[node->input[0]], *b = &compiler->value[node->input[1]];
    const size_t index = sf_compile_node_index(compiler, node);
    sf_step step = {.use_count = 3, .overwrites = 1, .node = index};
    size_t other, result;
    sf_tensor x;

    (void)sf_compile_unit(compiler, node);
    if (sf_compile_is_constant(compiler, node->input[0]) ||
        sf_compile_is_constant(compiler, node->input[1]) || !same_dims(compiler, node) ||
        node->op == SF_OP_PRELU)
        return compile_broadcast(compiler, node);
    x = plan->tensor[a->tensor[0]];
    SF_TRY(
        sf_primitive_binary(plan->dnn, operation[node->op], x.layout, x.layout, &step.primitive));
    if (step.primitive == NULL) return compile_broadcast(compiler, node);
    SF_TRY(sf_plan_copy(plan, SF_SECTION_FORWARD, index, b, x.layout, x.number, x.order, &other));
    SF_TRY(sf_plan_tensor_like(plan, x.layout, x.dim, x.number, false, &result));
    plan->tensor[result].order = x.order;
    step.use[0] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = a->tensor[0]};
    step.use[1] = (sf_use){.role = SF_ROLE_SOURCE_1, .tensor = other};
    step.use[2] = (sf_use){.role = SF_ROLE_DESTINATION, .tensor = result};
    sf_compile_set(compiler, node->output, result);
    return sf_plan_add(plan, SF_SECTION_FORWARD, &step);
}

/* The gradient of a factor of the result's size is one product. */
static sf_status undo_factor(sf_compiler *compiler, const sf_node *node, size_t operand, bool *done)
{
    sf_plan *plan = compiler->plan;
    const size_t partner = node->input[1 - operand];
    const sf_tensor x = plan->tensor[compiler->value[partner].tensor[0]];
    sf_step step = {.use_count = 3, .overwrites = 1, .node = sf_compile_node_index(compiler, node)};
    size_t gradient, result;

    SF_TRY(sf_primitive_binary(plan->dnn, SF_BINARY_MUL, x.layout, x.layout, &step.primitive));
    *done = step.primitive != NULL;
    if (!*done) return SF_OK;
    SF_TRY(sf_undo_gradient_like(compiler, node->output, node, &x, &gradient));
    SF_TRY(sf_plan_tensor_like(plan, x.layout, x.dim, x.number, false, &result));
    plan->tensor[result].order = x.order;
    step.use[0] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = gradient};
    step.use[1] = (sf_use){.role = SF_ROLE_SOURCE_1, .tensor = compiler->value[partner].tensor[0]};
    step.use[2] = (sf_use){.role = SF_ROLE_DESTINATION, .tensor = result};
    SF_TRY(sf_plan_add(plan, SF_SECTION_BACKWARD, &step));
    return sf_undo_keep(compiler, node->input[operand], node, result);
}

static sf_status undo_broadcast(sf_compiler *compiler, const sf_node *node, size_t operand)
{
    const size_t pair[2] = {node->input[operand], node->input[1 - operand]};
    sf_step step = {0};
    sf_frame frame;
    bool reads[2];
    size_t tensor;

    find_frame(compiler, node, &frame);
    sf_kernel_broadcast_reads(node->op, operand, reads);
    for (size_t i = 0; i < 2; i++) {
        if (!reads[i]) continue;
        SF_TRY(sf_undo_value(compiler, pair[i], node, frame.order, &tensor));
        step.use[step.use_count++] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = tensor};
    }
    SF_TRY(sf_undo_gradient(compiler, node->output, node, frame.order, &tensor));
    step.use[step.use_count++] = (sf_use){.role = SF_ROLE_DESTINATION_GRADIENT, .tensor = tensor};
    SF_TRY(sf_kernel_broadcast_backward(node->op, operand, operand == 0 ? frame.a : frame.b,
                                        operand == 0 ? frame.b : frame.a, frame.out, &step.kernel));
    return sf_undo_step(compiler, node->input[operand], node, &step, frame.order);
}

static sf_status undo_operand(sf_compiler *compiler, const sf_node *node, size_t operand)
{
    const size_t value = node->input[operand], partner = node->input[1 - operand];
    const bool whole = !sf_compile_is_constant(compiler, value) &&
                       sf_shape_equal(&compiler->shape[value], &compiler->shape[node->output]);
    bool done = false;

    if (whole && (node->op == SF_OP_ADD || (node->op == SF_OP_SUB && operand == 0)))
        return sf_undo_keep(compiler, value, node, compiler->gradient[node->output].tensor[0]);
    if (whole && node->op == SF_OP_MUL && same_dims(compiler, node) &&
        !sf_compile_is_constant(compiler, partner))
        SF_TRY(undo_factor(compiler, node, operand, &done));
    return done ? SF_OK : undo_broadcast(compiler, node, operand);
}

sf_status sf_undo_binary(sf_compiler *compiler, sf_unit *unit)
{
    for (size_t operand = 0; operand < 2; operand++)
        if (compiler->needs[unit->node->input[operand]])
            SF_TRY(undo_operand(compiler, unit->node, operand));
    return SF_OK;
}
