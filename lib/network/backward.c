/* backward.c - a graph's backward pass as steps: the units in reverse, each turning its
 * result's gradient into its operands' (reverse accumulation). */
#include "network/compile.h"

#include <string.h>

/* Gradients flow to the parameters, unless frozen, and, if asked for, to input 0. */
static void find_needs(sf_compiler *compiler)
{
    const sf_graph *graph = compiler->graph;

    compiler->needs[graph->input[0]] = compiler->options.input_gradient;
    for (size_t v = 0; v < graph->value_count; v++)
        if (sf_compile_is_constant(compiler, v)) compiler->needs[v] = !compiler->options.frozen;
    for (size_t i = 0; i < graph->node_count; i++)
        for (size_t k = 0; k < graph->node[i].input_count; k++)
            if (compiler->needs[graph->node[i].input[k]])
                compiler->needs[graph->node[i].output] = true;
}

/* The gradient of a value in a layout. */
static sf_status gradient_like(sf_compiler *compiler, size_t value, size_t node,
                               const sf_layout *layout, sf_number number, sf_order order,
                               size_t *tensor)
{
    return sf_plan_copy(compiler->plan, SF_SECTION_BACKWARD, node, &compiler->gradient[value],
                        layout, number, order, tensor);
}

sf_status sf_undo_gradient(sf_compiler *compiler, size_t value, const sf_node *node, sf_order order,
                           size_t *tensor)
{
    return sf_plan_copy_order(compiler->plan, SF_SECTION_BACKWARD,
                              sf_compile_node_index(compiler, node), &compiler->gradient[value],
                              SF_NUMBER_F32, order, tensor);
}

sf_status sf_undo_gradient_like(sf_compiler *compiler, size_t value, const sf_node *node,
                                const sf_tensor *like, size_t *tensor)
{
    return gradient_like(compiler, value, sf_compile_node_index(compiler, node), like->layout,
                         like->number, like->order, tensor);
}

sf_status sf_undo_value(sf_compiler *compiler, size_t value, const sf_node *node, sf_order order,
                        size_t *tensor)
{
    if (sf_compile_is_constant(compiler, value))
        return sf_compile_value(compiler, value, node, SF_NUMBER_F32, order, tensor);
    return sf_plan_copy_order(compiler->plan, SF_SECTION_BACKWARD,
                              sf_compile_node_index(compiler, node), &compiler->value[value],
                              SF_NUMBER_F32, order, tensor);
}

/* Adds a tensor to the gradient of a value that several nodes read. */
static sf_status add_gradient(sf_compiler *compiler, size_t value, size_t node, size_t tensor)
{
    sf_plan *plan = compiler->plan;
    sf_copies *sum = &compiler->gradient[value], more = {.tensor = {tensor}, .count = 1};
    sf_step step = {.use_count = 3, .overwrites = 1, .node = node};
    sf_tensor g;
    size_t other, result;

    if (sum->count == 0) {
        *sum = more;
        return SF_OK;
    }
    g = plan->tensor[sum->tensor[0]];
    SF_TRY(
        sf_plan_copy(plan, SF_SECTION_BACKWARD, node, &more, g.layout, g.number, g.order, &other));
    SF_TRY(sf_primitive_binary(plan->dnn, SF_BINARY_ADD, g.layout, g.layout, &step.primitive));
    if (step.primitive == NULL)
        return sf_fail(SF_ERR_UNSUPPORTED, "%s has no fast addition for the gradient at node %zu",
                       sf_dnn_version(), node);
    SF_TRY(sf_plan_tensor_like(plan, g.layout, g.dim, g.number, false, &result));
    plan->tensor[result].order = g.order;
    step.use[0] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = sum->tensor[0]};
    step.use[1] = (sf_use){.role = SF_ROLE_SOURCE_1, .tensor = other};
    step.use[2] = (sf_use){.role = SF_ROLE_DESTINATION, .tensor = result};
    *sum = (sf_copies){.tensor = {result}, .count = 1};
    return sf_plan_add(plan, SF_SECTION_BACKWARD, &step);
}

/* The first value that is this weight, which may be there in several shapes. */
static size_t weight_of(const sf_compiler *compiler, size_t value)
{
    const sf_value *values = compiler->graph->value;
    size_t first = 0;

    while (values[first].constant == NULL || values[first].parameter != values[value].parameter)
        first++;
    return first;
}

/* A computed gradient of a parameter goes to its place in the flat gradient. */
static sf_status add_parameter(sf_compiler *compiler, size_t value, size_t node, size_t tensor,
                               int rank, const size_t *dim, const size_t *stride)
{
    sf_plan *plan = compiler->plan;
    const sf_layout *layout;
    const size_t any[4] = {0};
    const size_t weight = weight_of(compiler, value);
    const bool add = compiler->summed[weight];
    size_t view;

    compiler->summed[weight] = true;
    SF_TRY(sf_layout_create(plan->dnn, rank, dim, SF_NUMBER_F32, SF_ORDER_PLAIN, stride, &layout));
    SF_TRY(sf_plan_view(plan, compiler->parameter_gradient,
                        compiler->graph->value[value].parameter * sizeof(float), layout, any,
                        SF_ORDER_ANY, &view));
    return sf_plan_reorder(plan, SF_SECTION_BACKWARD, node, (sf_use){.tensor = tensor},
                           (sf_use){.tensor = view}, add);
}

/* ---- activations ----------------------------------------------------------------------- */

sf_status sf_undo_activation(sf_compiler *compiler, const sf_unit *unit)
{
    const bool inverts = sf_activation_inverts(unit->activation);
    const size_t known = inverts ? unit->output : unit->node->input[0];
    sf_plan *plan = compiler->plan;
    const size_t result = compiler->value[known].tensor[0];
    const sf_tensor y = plan->tensor[result];
    sf_step step = {
        .use_count = 3, .overwrites = 2, .node = sf_compile_node_index(compiler, unit->node)};
    size_t gradient, before;

    SF_TRY(sf_undo_gradient_like(compiler, unit->output, unit->node, &y, &gradient));
    SF_TRY(sf_primitive_activation(plan->dnn, unit->activation, y.layout, true, &step.primitive));
    if (step.primitive == NULL)
        return sf_compile_unsupported(unit->node, "has no fast backward activation in oneDNN");
    SF_TRY(sf_plan_tensor_like(plan, y.layout, y.dim, y.number, false, &before));
    plan->tensor[before].order = y.order;
    step.use[0] =
        (sf_use){.role = inverts ? SF_ROLE_DESTINATION : SF_ROLE_SOURCE, .tensor = result};
    step.use[1] = (sf_use){.role = SF_ROLE_DESTINATION_GRADIENT, .tensor = gradient};
    step.use[2] = (sf_use){.role = SF_ROLE_SOURCE_GRADIENT, .tensor = before};
    compiler->gradient[unit->output] = (sf_copies){.tensor = {before}, .count = 1};
    return sf_plan_add(plan, SF_SECTION_BACKWARD, &step);
}

/* ---- convolutions ---------------------------------------------------------------------- */

/* The first order in which a backward pass is available. */
static sf_status choose_pass(sf_compiler *compiler, const sf_unit *unit, sf_pass pass,
                             sf_convolution *chosen, sf_primitive **primitive, sf_order *order)
{
    for (size_t i = 0; i < compiler->order_count; i++) {
        const sf_variant variant = {.order = compiler->order[i]};

        *order = variant.order;
        SF_TRY(
            sf_compile_pass(compiler, unit, pass, &variant, compiler->number, chosen, primitive));
        if (*primitive != NULL) return SF_OK;
    }
    return sf_compile_unsupported(unit->node, "has no fast backward pass in oneDNN here");
}

static sf_status convolution_data(sf_compiler *compiler, sf_unit *unit, size_t node)
{
    sf_plan *plan = compiler->plan;
    const size_t value = unit->node->input[0];
    sf_convolution chosen = {0};
    sf_order order = SF_ORDER_ANY;
    sf_step step = {.use_count = 3, .node = node, .flops = unit->flops};
    size_t gradient, weights, result, in[4], out[4];

    sf_compile_dim(compiler, value, in);
    sf_compile_dim(compiler, unit->output, out);
    SF_TRY(choose_pass(compiler, unit, SF_PASS_DATA, &chosen, &step.primitive, &order));
    SF_TRY(gradient_like(compiler, unit->output, node, chosen.destination, compiler->number,
                         sf_compile_order(order, out[1]), &gradient));
    SF_TRY(sf_plan_copy(plan, SF_SECTION_WEIGHTS, node, &unit->weights, chosen.weights,
                        compiler->number, SF_ORDER_ANY, &weights));
    SF_TRY(sf_plan_tensor_like(plan, chosen.source, in, compiler->number, false, &result));
    plan->tensor[result].order = sf_compile_order(order, in[1]);
    step.use[0] = (sf_use){.role = SF_ROLE_DESTINATION_GRADIENT, .tensor = gradient};
    step.use[1] = (sf_use){.role = SF_ROLE_WEIGHTS, .tensor = weights};
    step.use[2] = (sf_use){.role = SF_ROLE_SOURCE_GRADIENT, .tensor = result};
    SF_TRY(sf_plan_add(plan, SF_SECTION_BACKWARD, &step));
    return add_gradient(compiler, value, node, result);
}

static sf_status convolution_weights(sf_compiler *compiler, const sf_unit *unit, size_t node)
{
    sf_plan *plan = compiler->plan;
    const sf_node *conv = unit->node;
    const size_t any[4] = {0};
    sf_convolution chosen = {0};
    sf_order order = SF_ORDER_ANY;
    sf_step step = {.use_count = 3, .node = node, .flops = unit->flops};
    size_t source, gradient, weights, bias = SF_NO_TENSOR, in[4], out[4];

    sf_compile_dim(compiler, conv->input[0], in);
    sf_compile_dim(compiler, unit->output, out);
    SF_TRY(choose_pass(compiler, unit, SF_PASS_WEIGHTS, &chosen, &step.primitive, &order));
    SF_TRY(sf_plan_copy(plan, SF_SECTION_BACKWARD, node, &compiler->value[conv->input[0]],
                        chosen.source, compiler->number, sf_compile_order(order, in[1]), &source));
    SF_TRY(gradient_like(compiler, unit->output, node, chosen.destination, compiler->number,
                         sf_compile_order(order, out[1]), &gradient));
    SF_TRY(sf_plan_tensor_like(plan, chosen.weights, any, SF_NUMBER_F32, false, &weights));
    step.use[0] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = source};
    step.use[1] = (sf_use){.role = SF_ROLE_DESTINATION_GRADIENT, .tensor = gradient};
    step.use[2] = (sf_use){.role = SF_ROLE_WEIGHTS_GRADIENT, .tensor = weights};
    if (conv->input_count > 2) {
        SF_TRY(sf_plan_tensor_like(plan, chosen.bias, any, SF_NUMBER_F32, false, &bias));
        step.use[step.use_count++] = (sf_use){.role = SF_ROLE_BIAS_GRADIENT, .tensor = bias};
    }
    SF_TRY(sf_plan_add(plan, SF_SECTION_BACKWARD, &step));
    SF_TRY(add_parameter(compiler, conv->input[1], node, weights, unit->weights_rank,
                         unit->weights_dim, unit->weights_stride));
    if (bias == SF_NO_TENSOR) return SF_OK;
    return add_parameter(compiler, conv->input[2], node, bias, 1, &out[1], NULL);
}

sf_status sf_undo_convolution(sf_compiler *compiler, sf_unit *unit)
{
    const size_t node = sf_compile_node_index(compiler, unit->node);

    if (unit->activation.kind != SF_ACTIVATION_NONE) SF_TRY(sf_undo_activation(compiler, unit));
    if (!compiler->options.frozen) SF_TRY(convolution_weights(compiler, unit, node));
    if (compiler->needs[unit->node->input[0]]) SF_TRY(convolution_data(compiler, unit, node));
    if (unit->addend == SF_NO_VALUE || !compiler->needs[unit->addend]) return SF_OK;
    return add_gradient(compiler, unit->addend, node, compiler->gradient[unit->output].tensor[0]);
}

/* ---- any operator -------------------------------------------------------------------------- */

sf_status sf_undo_keep(sf_compiler *compiler, size_t value, const sf_node *node, size_t tensor)
{
    const size_t index = sf_compile_node_index(compiler, node);
    size_t dim[4];

    if (!sf_compile_is_constant(compiler, value))
        return add_gradient(compiler, value, index, tensor);
    sf_compile_dim(compiler, value, dim);
    return add_parameter(compiler, value, index, tensor, 4, dim, NULL);
}

sf_status sf_undo_step(sf_compiler *compiler, size_t value, const sf_node *node, sf_step *step,
                       sf_order order)
{
    size_t dim[4], result;

    step->node = sf_compile_node_index(compiler, node);
    sf_compile_dim(compiler, value, dim);
    SF_TRY(sf_plan_tensor(compiler->plan, dim, SF_NUMBER_F32, order, false, &result));
    step->use[step->use_count++] =
        (sf_use){.role = step->forwards ? SF_ROLE_DESTINATION : SF_ROLE_SOURCE_GRADIENT,
                 .tensor = result,
                 .layout = step->result};
    SF_TRY(sf_plan_add(compiler->plan, SF_SECTION_BACKWARD, step));
    return sf_undo_keep(compiler, value, node, result);
}

sf_status sf_compile_backward(sf_compiler *compiler)
{
    const sf_graph *graph = compiler->graph;
    const size_t image = graph->input[0];

    find_needs(compiler);
    compiler->gradient[graph->output] =
        (sf_copies){.tensor = {compiler->output_gradient}, .count = 1};
    for (size_t i = compiler->unit_count; i-- > 0;) {
        sf_unit *unit = &compiler->unit[i];

        if (compiler->needs[unit->output] && compiler->gradient[unit->output].count > 0)
            SF_TRY(sf_operator_of(unit->node->op)->undo(compiler, unit));
    }
    compiler->input_gradient = SF_NO_TENSOR;
    if (!compiler->options.input_gradient || compiler->gradient[image].count == 0) return SF_OK;
    return sf_compile_deliver(compiler, SF_SECTION_BACKWARD, &compiler->gradient[image],
                              &compiler->input_gradient);
}
