/* compile_movement.c - operators that move numbers or add them up, in the engine. */
#include "network/compile.h"

#include <string.h>

/* ---- the same numbers ------------------------------------------------------------------ */

sf_status sf_compile_alias(sf_compiler *compiler, const sf_node *node)
{
    size_t same;

    (void)sf_compile_unit(compiler, node);
    SF_TRY(sf_compile_value(compiler, node->input[0], node, SF_NUMBER_F32,
                            sf_compile_natural(compiler, node->input[0]), &same));
    compiler->value[node->output] = compiler->value[node->input[0]];
    return SF_OK;
}

sf_status sf_undo_alias(sf_compiler *compiler, sf_unit *unit)
{
    return sf_undo_keep(compiler, unit->node->input[0], unit->node,
                        compiler->gradient[unit->node->output].tensor[0]);
}

/* Other eyes, in an order, on a tensor that lies in memory as the value wants it. */
static sf_status view(sf_compiler *compiler, size_t value, sf_order order, size_t base,
                      size_t *tensor)
{
    const sf_layout *layout;
    size_t dim[4];

    sf_compile_dim(compiler, value, dim);
    SF_TRY(sf_layout_create(compiler->plan->dnn, 4, dim, SF_NUMBER_F32, order, NULL, &layout));
    return sf_plan_view(compiler->plan, base, 0, layout, dim, order, tensor);
}

/* The output is the input seen in another order or shape. */
static sf_status compile_view(sf_compiler *compiler, const sf_node *node, sf_order from,
                              sf_order to)
{
    size_t source, result;

    SF_TRY(sf_compile_value(compiler, node->input[0], node, SF_NUMBER_F32, from, &source));
    SF_TRY(view(compiler, node->output, to, source, &result));
    sf_compile_set(compiler, node->output, result);
    return SF_OK;
}

static sf_status undo_view(sf_compiler *compiler, const sf_node *node, sf_order from, sf_order to)
{
    size_t gradient, result;

    SF_TRY(sf_undo_gradient(compiler, node->output, node, to, &gradient));
    SF_TRY(view(compiler, node->input[0], from, gradient, &result));
    return sf_undo_keep(compiler, node->input[0], node, result);
}

sf_status sf_compile_reshape(sf_compiler *compiler, const sf_node *node)
{
    (void)sf_compile_unit(compiler, node);
    return compile_view(compiler, node, SF_ORDER_PLAIN, SF_ORDER_PLAIN);
}

sf_status sf_undo_reshape(sf_compiler *compiler, sf_unit *unit)
{
    return undo_view(compiler, unit->node, SF_ORDER_PLAIN, SF_ORDER_PLAIN);
}

/* ---- movement -------------------------------------------------------------------------- */

static bool reduces(const sf_node *node)
{
    return node->op == SF_OP_REDUCE_MEAN || node->op == SF_OP_REDUCE_SUM;
}

/* (batch, rows, columns, channels) of an image is the image with its channels last, and back. */
static bool turns_channels(const sf_node *node, sf_order *from, sf_order *to)
{
    static const long last[] = {0, 2, 3, 1}, first[] = {0, 3, 1, 2};

    if (node->op != SF_OP_TRANSPOSE || node->list_count != 4) return false;
    if (memcmp(node->list, last, sizeof last) == 0) {
        *from = SF_ORDER_CHANNELS_LAST;
        *to = SF_ORDER_PLAIN;
        return true;
    }
    *from = SF_ORDER_PLAIN;
    *to = SF_ORDER_CHANNELS_LAST;
    return memcmp(node->list, first, sizeof first) == 0;
}

/* The axes from the outermost in memory to the innermost. */
static void axes_in_memory(int rank, sf_order order, int axes[SF_TENSOR_MAX_RANK])
{
    static const int channels_last[4] = {0, 2, 3, 1};

    for (int i = 0; i < rank; i++) axes[i] = order == SF_ORDER_PLAIN ? i : channels_last[i];
}

static void find_strides(const sf_shape *shape, sf_order order, size_t stride[SF_TENSOR_MAX_RANK])
{
    int axes[SF_TENSOR_MAX_RANK] = {0};
    size_t step = 1;

    axes_in_memory(shape->rank, order, axes);
    for (int i = shape->rank; i-- > 0;) {
        stride[axes[i]] = step;
        step *= shape->dim[axes[i]];
    }
}

/* Where cell i along an axis of what is made comes from. */
static size_t place_of(const sf_node *node, const sf_shape *source, const sf_shape *made,
                       const size_t *stride, int axis, size_t i)
{
    const int from = axis - (made->rank - source->rank);

    switch (node->op) {
    case SF_OP_TRANSPOSE: return i * stride[node->list[axis]];
    case SF_OP_SLICE:
        return (size_t)(node->list[3 * (size_t)axis] + (long)i * node->list[3 * (size_t)axis + 1]) *
               stride[axis];
    case SF_OP_GATHER: return (axis == node->axis ? (size_t)node->list[i] : i) * stride[axis];
    default: /* repeated, or added up: cells of an axis of one */
        return from < 0 || source->dim[from] == 1 ? 0 : i * stride[from];
    }
}

static sf_status find_movement(const sf_node *node, const sf_shape *source, const sf_shape *made,
                               sf_order order, sf_movement *movement)
{
    size_t stride[SF_TENSOR_MAX_RANK] = {0};
    int axes[SF_TENSOR_MAX_RANK] = {0};

    find_strides(source, order, stride);
    axes_in_memory(made->rank, order, axes);
    movement->rank = made->rank > 0 ? (size_t)made->rank : 1;
    movement->count = sf_shape_count(source);
    movement->factor = 1.0F;
    movement->once = node->op == SF_OP_TRANSPOSE || node->op == SF_OP_SLICE;
    if (node->op == SF_OP_REDUCE_MEAN)
        movement->factor = (float)sf_shape_count(source) / (float)sf_shape_count(made);
    for (size_t k = 0; k < movement->rank; k++) {
        const int axis = made->rank > 0 ? axes[k] : 0;

        movement->size[k] = made->rank > 0 ? made->dim[axis] : 1;
        SF_TRY(sf_allocate(&movement->from[k], movement->size[k], sizeof **movement->from));
        for (size_t i = 0; made->rank > 0 && i < movement->size[k]; i++)
            movement->from[k][i] = place_of(node, source, made, stride, axis, i);
    }
    return SF_OK;
}

/* Sums are the adjoint of repetition: what is made is then their input. */
static sf_status make_kernel(const sf_compiler *compiler, const sf_node *node, sf_order order,
                             bool backward, sf_kernel **kernel)
{
    const bool sums = reduces(node);
    const sf_shape *in = &compiler->shape[node->input[0]], *out = &compiler->shape[node->output];
    sf_movement movement = {0};
    const sf_status status =
        find_movement(node, sums ? out : in, sums ? in : out, order, &movement);

    if (status == SF_OK) return sf_kernel_movement(&movement, sums != backward, kernel);
    for (size_t i = 0; i < SF_TENSOR_MAX_RANK; i++) sf_free(movement.from[i]);
    return status;
}

static sf_order movement_order(const sf_compiler *compiler, const sf_node *node)
{
    return compiler->shape[node->output].rank == 4 ? sf_compile_natural(compiler, node->input[0])
                                                   : SF_ORDER_PLAIN;
}

sf_status sf_compile_movement(sf_compiler *compiler, const sf_node *node)
{
    sf_order order = movement_order(compiler, node), from, to;
    sf_step step = {.use_count = 1};
    size_t source;

    (void)sf_compile_unit(compiler, node);
    if (turns_channels(node, &from, &to)) return compile_view(compiler, node, from, to);
    SF_TRY(sf_compile_value(compiler, node->input[0], node, SF_NUMBER_F32, order, &source));
    SF_TRY(make_kernel(compiler, node, order, false, &step.kernel));
    step.use[0] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = source};
    return sf_compile_step(compiler, node, &step, order);
}

sf_status sf_undo_movement(sf_compiler *compiler, sf_unit *unit)
{
    const sf_node *node = unit->node;
    sf_order order = movement_order(compiler, node), from, to;
    sf_step step = {.use_count = 1};
    size_t gradient;

    if (turns_channels(node, &from, &to)) return undo_view(compiler, node, from, to);
    SF_TRY(sf_undo_gradient(compiler, node->output, node, order, &gradient));
    SF_TRY(make_kernel(compiler, node, order, true, &step.kernel));
    step.use[0] = (sf_use){.role = SF_ROLE_DESTINATION_GRADIENT, .tensor = gradient};
    return sf_undo_step(compiler, node->input[0], node, &step, order);
}

/* ---- putting together ------------------------------------------------------------------ */

/* How operands lie in the result: images with their channels last, anything else as the axes
 * before, the axis, and those after it. */
typedef struct sf_joint {
    sf_order order;
    sf_number number;
    int axis; /* of the four dimensions */
} sf_joint;

static sf_joint find_joint(const sf_compiler *compiler, const sf_node *node)
{
    sf_joint joint = {SF_ORDER_CHANNELS_LAST, compiler->number, (int)node->axis};

    if (compiler->shape[node->output].rank == 4) return joint;
    return (sf_joint){SF_ORDER_PLAIN, SF_NUMBER_F32, 2};
}

static void joint_dim(const sf_compiler *compiler, const sf_node *node, size_t value, size_t dim[4])
{
    const sf_shape *shape = &compiler->shape[value];

    if (shape->rank == 4) {
        sf_compile_dim(compiler, value, dim);
        return;
    }
    for (int i = 0; i < 4; i++) dim[i] = 1;
    for (int i = 0; i < shape->rank; i++)
        dim[i < node->axis ? 1 : i == node->axis ? 2 : 3] *= shape->dim[i];
}

/* The layouts of a whole value in the joint's dimensions, and of operand `value` in the result. */
static sf_status joint_layouts(sf_compiler *compiler, const sf_node *node, const sf_joint *joint,
                               size_t value, size_t offset, const sf_layout **own,
                               const sf_layout **part)
{
    const sf_number number =
        sf_compile_is_constant(compiler, value) ? SF_NUMBER_F32 : joint->number;
    size_t dim[4], out[4], at[4] = {0};
    const sf_layout *whole;
    sf_dnn *dnn = compiler->plan->dnn;

    joint_dim(compiler, node, value, dim);
    joint_dim(compiler, node, node->output, out);
    at[joint->axis] = offset;
    SF_TRY(sf_layout_create(dnn, 4, dim, number, joint->order, NULL, own));
    SF_TRY(sf_layout_create(dnn, 4, out, joint->number, joint->order, NULL, &whole));
    SF_TRY(sf_layout_part(dnn, whole, dim, at, part));
    return *part != NULL ? SF_OK
                         : sf_compile_unsupported(node, "cannot be cut where its operands meet");
}

/* Each operand is reordered straight to its place in the result. */
sf_status sf_compile_concat(sf_compiler *compiler, const sf_node *node)
{
    const sf_joint joint = find_joint(compiler, node);
    const size_t index = sf_compile_node_index(compiler, node);
    sf_plan *plan = compiler->plan;
    size_t result, out[4], offset = 0;

    (void)sf_compile_unit(compiler, node);
    sf_compile_dim(compiler, node->output, out);
    SF_TRY(sf_plan_tensor(plan, out, joint.number, joint.order, false, &result));
    for (size_t i = 0; i < node->input_count; i++) {
        const size_t value = node->input[i];
        const bool image = joint.order != SF_ORDER_PLAIN;
        const sf_layout *own, *part;
        size_t source;

        SF_TRY(joint_layouts(compiler, node, &joint, value, offset, &own, &part));
        if (image && !sf_compile_is_constant(compiler, value))
            source = compiler->value[value].tensor[0];
        else
            SF_TRY(sf_compile_value(compiler, value, node, SF_NUMBER_F32, joint.order, &source));
        SF_TRY(sf_plan_reorder(plan, SF_SECTION_FORWARD, index,
                               (sf_use){.tensor = source, .layout = image ? NULL : own},
                               (sf_use){.tensor = result, .layout = part}, false));
        offset += compiler->shape[value].dim[node->axis];
    }
    sf_compile_set(compiler, node->output, result);
    return SF_OK;
}

static sf_status undo_part(sf_compiler *compiler, const sf_node *node, const sf_joint *joint,
                           size_t value, size_t gradient, size_t offset)
{
    const sf_number number =
        sf_compile_is_constant(compiler, value) ? SF_NUMBER_F32 : joint->number;
    sf_plan *plan = compiler->plan;
    const sf_layout *own, *part;
    size_t dim[4], result;

    SF_TRY(joint_layouts(compiler, node, joint, value, offset, &own, &part));
    sf_compile_dim(compiler, value, dim);
    SF_TRY(sf_plan_tensor(plan, dim, number, joint->order, false, &result));
    SF_TRY(sf_plan_reorder(plan, SF_SECTION_BACKWARD, sf_compile_node_index(compiler, node),
                           (sf_use){.tensor = gradient, .layout = part},
                           (sf_use){.tensor = result, .layout = own}, false));
    return sf_undo_keep(compiler, value, node, result);
}

sf_status sf_undo_concat(sf_compiler *compiler, sf_unit *unit)
{
    const sf_node *node = unit->node;
    const sf_joint joint = find_joint(compiler, node);
    size_t gradient, offset = 0;

    SF_TRY(sf_plan_copy_order(
        compiler->plan, SF_SECTION_BACKWARD, sf_compile_node_index(compiler, node),
        &compiler->gradient[node->output], joint.number, joint.order, &gradient));
    for (size_t i = 0; i < node->input_count; i++) {
        const size_t value = node->input[i];

        if (compiler->needs[value])
            SF_TRY(undo_part(compiler, node, &joint, value, gradient, offset));
        offset += compiler->shape[value].dim[node->axis];
    }
    return SF_OK;
}

/* ---- resampling: Pad, Resize, AveragePool, DepthToSpace, SpaceToDepth ------------------ */

static sf_status make_sampling(const sf_compiler *compiler, const sf_node *node, bool backward,
                               sf_kernel **kernel)
{
    size_t in[4], out[4];
    long pads[4] = {0};

    sf_compile_dim(compiler, node->input[0], in);
    sf_compile_dim(compiler, node->output, out);
    if (node->op == SF_OP_DEPTH_TO_SPACE || node->op == SF_OP_SPACE_TO_DEPTH)
        return sf_kernel_shuffle(node, in, out, backward, kernel);
    if (node->op == SF_OP_AVERAGE_POOL)
        sf_node_pads(node, &compiler->shape[node->input[0]], &compiler->shape[node->output], pads);
    else
        memcpy(pads, node->pads, sizeof pads);
    return sf_kernel_resample(node, in, out, pads, backward, kernel);
}

sf_status sf_compile_sampling(sf_compiler *compiler, const sf_node *node)
{
    sf_step step = {.use_count = 1};
    size_t source;

    (void)sf_compile_unit(compiler, node);
    SF_TRY(sf_compile_value(compiler, node->input[0], node, SF_NUMBER_F32, SF_ORDER_CHANNELS_LAST,
                            &source));
    SF_TRY(make_sampling(compiler, node, false, &step.kernel));
    step.use[0] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = source};
    return sf_compile_step(compiler, node, &step, SF_ORDER_CHANNELS_LAST);
}

sf_status sf_undo_sampling(sf_compiler *compiler, sf_unit *unit)
{
    const sf_node *node = unit->node;
    sf_step step = {.use_count = 1};
    size_t gradient;

    SF_TRY(sf_undo_gradient(compiler, node->output, node, SF_ORDER_CHANNELS_LAST, &gradient));
    SF_TRY(make_sampling(compiler, node, true, &step.kernel));
    step.use[0] = (sf_use){.role = SF_ROLE_DESTINATION_GRADIENT, .tensor = gradient};
    return sf_undo_step(compiler, node->input[0], node, &step, SF_ORDER_CHANNELS_LAST);
}
