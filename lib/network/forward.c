/* forward.c - a graph's forward pass as steps. */
#include "network/compile.h"

#include <string.h>

void sf_compile_dim(const sf_compiler *compiler, size_t value, size_t dim[4])
{
    const sf_shape *shape = &compiler->shape[value];

    for (int i = 0; i < 4; i++) {
        const int from = i + shape->rank - 4;

        dim[i] = from < 0 ? 1 : shape->dim[from];
    }
    for (int i = 0; i < shape->rank - 4; i++) dim[0] *= shape->dim[i];
}

size_t sf_compile_node_index(const sf_compiler *compiler, const sf_node *node)
{
    return (size_t)(node - compiler->graph->node);
}

sf_order sf_compile_order(sf_order order, size_t channels)
{
    const size_t block = order == SF_ORDER_BLOCKED_16 ? 16 : order == SF_ORDER_BLOCKED_8 ? 8 : 1;

    return channels % block == 0 ? order : SF_ORDER_CHANNELS_LAST;
}

sf_status sf_compile_unsupported(const sf_node *node, const char *why)
{
    return sf_fail(SF_ERR_UNSUPPORTED, "node \"%s\" (%s) %s", node->name != NULL ? node->name : "",
                   sf_op_name(node->op), why);
}

bool sf_compile_is_constant(const sf_compiler *compiler, size_t value)
{
    return compiler->graph->value[value].constant != NULL;
}

sf_order sf_compile_natural(const sf_compiler *compiler, size_t value)
{
    const sf_copies *copies = &compiler->value[value];

    if (compiler->shape[value].rank != 4) return SF_ORDER_PLAIN;
    if (copies->count > 0 && compiler->plan->tensor[copies->tensor[0]].order == SF_ORDER_PLAIN)
        return SF_ORDER_PLAIN;
    return SF_ORDER_CHANNELS_LAST;
}

sf_unit *sf_compile_unit(sf_compiler *compiler, const sf_node *node)
{
    sf_unit *unit = &compiler->unit[compiler->unit_count++];

    unit->node = node;
    unit->output = node->output;
    unit->addend = SF_NO_VALUE;
    return unit;
}

sf_status sf_compile_value(sf_compiler *compiler, size_t value, const sf_node *node,
                           sf_number number, sf_order order, size_t *tensor)
{
    sf_plan *plan = compiler->plan;
    sf_copies *copies = &compiler->value[value];
    const sf_section section =
        sf_compile_is_constant(compiler, value) ? SF_SECTION_WEIGHTS : SF_SECTION_FORWARD;
    const sf_layout *layout;
    size_t dim[4];

    if (copies->count == 0) { /* a constant's first use */
        sf_compile_dim(compiler, value, dim);
        SF_TRY(sf_layout_create(plan->dnn, 4, dim, SF_NUMBER_F32, SF_ORDER_PLAIN, NULL, &layout));
        SF_TRY(sf_plan_view(plan, compiler->parameters,
                            compiler->graph->value[value].parameter * sizeof(float), layout, dim,
                            SF_ORDER_PLAIN, &copies->tensor[0]));
        copies->count = 1;
    }
    return sf_plan_copy_order(plan, section, sf_compile_node_index(compiler, node), copies, number,
                              order, tensor);
}

void sf_compile_set(sf_compiler *compiler, size_t value, size_t tensor)
{
    compiler->value[value] = (sf_copies){.tensor = {tensor}, .count = 1};
}

sf_status sf_compile_step(sf_compiler *compiler, const sf_node *node, sf_step *step, sf_order order)
{
    size_t dim[4], result;

    step->node = sf_compile_node_index(compiler, node);
    sf_compile_dim(compiler, node->output, dim);
    SF_TRY(sf_plan_tensor(compiler->plan, dim, SF_NUMBER_F32, order, false, &result));
    step->use[step->use_count++] =
        (sf_use){.role = SF_ROLE_DESTINATION, .tensor = result, .layout = step->result};
    sf_compile_set(compiler, node->output, result);
    return sf_plan_add(compiler->plan, SF_SECTION_FORWARD, step);
}

/* ---- convolutions ---------------------------------------------------------------------- */

/* ONNX keeps Conv's weights as (out, in/groups, rows, columns) and ConvTranspose's as
 * (in, out/groups, rows, columns); oneDNN wants ([groups,] out, in, rows, columns). */
static void set_weights(const sf_compiler *compiler, sf_unit *unit)
{
    const sf_node *node = unit->node;
    const sf_shape *shape = &compiler->shape[node->input[1]];
    const bool transposed = node->op == SF_OP_CONV_TRANSPOSE;
    const size_t groups = node->groups, window = shape->dim[2] * shape->dim[3];
    const size_t in = transposed ? shape->dim[0] / groups : shape->dim[1],
                 out = transposed ? shape->dim[1] : shape->dim[0] / groups;
    const size_t dim[] = {groups, out, in, shape->dim[2], shape->dim[3]};
    const size_t stride[] = {in * out * window, transposed ? window : in * window,
                             transposed ? out * window : window, shape->dim[3], 1};
    const int skip = groups > 1 ? 0 : 1;

    unit->weights_rank = SF_LAYOUT_RANK - skip;
    memcpy(unit->weights_dim, dim + skip, (size_t)unit->weights_rank * sizeof *dim);
    memcpy(unit->weights_stride, stride + skip, (size_t)unit->weights_rank * sizeof *stride);
}

static void set_geometry(const sf_compiler *compiler, sf_unit *unit)
{
    const sf_node *node = unit->node;
    const sf_shape *in = &compiler->shape[node->input[0]], *out = &compiler->shape[node->output];
    sf_convolution *c = &unit->convolution;
    const sf_shape *pixels;
    long pads[4];

    c->transposed = node->op == SF_OP_CONV_TRANSPOSE;
    sf_node_pads(node, in, out, pads);
    for (int i = 0; i < 2; i++) {
        const size_t kernel = compiler->shape[node->input[1]].dim[2 + i];

        c->stride[i] = node->stride[i];
        c->dilation[i] = node->dilation[i];
        c->pad_low[i] = pads[i];
        c->pad_high[i] = pads[2 + i];
        if (c->transposed) /* what output_padding leaves of it */
            c->pad_high[i] =
                (long)((in->dim[2 + i] - 1) * c->stride[i] + (kernel - 1) * c->dilation[i] + 1) -
                (long)out->dim[2 + i] - pads[i];
    }
    set_weights(compiler, unit);
    pixels = c->transposed ? in : out;
    unit->flops = 2.0 * (double)pixels->dim[0] * (double)pixels->dim[2] * (double)pixels->dim[3];
    for (int i = 0; i < unit->weights_rank; i++) unit->flops *= (double)unit->weights_dim[i];
}

sf_status sf_compile_pass(sf_compiler *compiler, const sf_unit *unit, sf_pass pass,
                          const sf_variant *variant, sf_number number, sf_convolution *tried,
                          sf_primitive **primitive)
{
    sf_dnn *dnn = compiler->plan->dnn;
    const sf_node *node = unit->node;
    sf_fusion fusion = {.activation = unit->activation};
    size_t in[4], out[4];

    *primitive = NULL;
    *tried = unit->convolution;
    tried->winograd = variant->winograd;
    sf_compile_dim(compiler, node->input[0], in);
    sf_compile_dim(compiler, node->output, out);
    SF_TRY(sf_layout_create(dnn, 4, in, compiler->number, sf_compile_order(variant->order, in[1]),
                            NULL, &tried->source));
    SF_TRY(sf_layout_create(dnn, 4, out, number, sf_compile_order(variant->order, out[1]), NULL,
                            &tried->destination));
    SF_TRY(sf_layout_create(dnn, unit->weights_rank, unit->weights_dim,
                            pass == SF_PASS_WEIGHTS ? SF_NUMBER_F32 : compiler->number,
                            SF_ORDER_ANY, NULL, &tried->weights));
    if (node->input_count > 2 && pass != SF_PASS_DATA)
        SF_TRY(
            sf_layout_create(dnn, 1, &out[1], SF_NUMBER_F32, SF_ORDER_PLAIN, NULL, &tried->bias));
    if (variant->fuse && unit->addend != SF_NO_VALUE) {
        if (variant->order == SF_ORDER_ANY) return SF_OK; /* the addend's layout must be known */
        fusion.addend = tried->destination;
    }
    SF_TRY(sf_primitive_convolution(dnn, pass, tried, variant->fuse ? &fusion : NULL, unit->forward,
                                    primitive));
    if (*primitive == NULL) return SF_OK;
    SF_TRY(sf_primitive_layout(dnn, *primitive,
                               pass == SF_PASS_DATA ? SF_ROLE_SOURCE_GRADIENT : SF_ROLE_SOURCE,
                               &tried->source));
    SF_TRY(sf_primitive_layout(dnn, *primitive,
                               pass == SF_PASS_WEIGHTS ? SF_ROLE_WEIGHTS_GRADIENT : SF_ROLE_WEIGHTS,
                               &tried->weights));
    return sf_primitive_layout(dnn, *primitive,
                               pass == SF_PASS_DATA || pass == SF_PASS_WEIGHTS
                                   ? SF_ROLE_DESTINATION_GRADIENT
                                   : SF_ROLE_DESTINATION,
                               &tried->destination);
}

/* The only node that reads a value; NULL if there are several, or the caller does too. */
static const sf_node *only_consumer(const sf_compiler *compiler, size_t value)
{
    if (compiler->consumers[value] != 1 || value == compiler->graph->output) return NULL;
    for (size_t i = 0; i < compiler->graph->node_count; i++)
        for (size_t k = 0; k < compiler->graph->node[i].input_count; k++)
            if (compiler->graph->node[i].input[k] == value) return &compiler->graph->node[i];
    return NULL;
}

/* An Add of something that is there already, and an activation after it: both cost next to
 * nothing inside the convolution. */
static void find_fusion(sf_compiler *compiler, sf_unit *unit)
{
    const sf_node *next = only_consumer(compiler, unit->output);
    size_t mine[4], other[4];

    if (next != NULL && next->op == SF_OP_ADD) {
        const size_t addend = next->input[0] == unit->output ? next->input[1] : next->input[0];

        sf_compile_dim(compiler, unit->output, mine);
        sf_compile_dim(compiler, addend, other);
        if (compiler->value[addend].count == 0 || sf_compile_is_constant(compiler, addend) ||
            memcmp(mine, other, sizeof mine) != 0)
            return;
        unit->addend = addend;
        unit->output = next->output;
        next = only_consumer(compiler, unit->output);
    }
    if (next == NULL) return;
    unit->activation = sf_compile_activation(next);
    if (unit->activation.kind == SF_ACTIVATION_NONE) return;
    if (compiler->options.training && !sf_activation_inverts(unit->activation))
        unit->activation = (sf_activation){0};
    else
        unit->output = next->output;
}

static void mark_fused(sf_compiler *compiler, const sf_unit *unit)
{
    for (size_t value = unit->node->output; value != unit->output;) {
        const sf_node *next = only_consumer(compiler, value);

        compiler->done[sf_compile_node_index(compiler, next)] = true;
        value = next->output;
    }
}

/* Measured (Sapphire Rapids, Zen 5): below this many channels Winograd's transforms cost more
 * than the multiplications that they save. */
#define WINOGRAD_CHANNELS 64

static bool winograd_pays(const sf_compiler *compiler, const sf_unit *unit)
{
    const sf_convolution *c = &unit->convolution;
    size_t in[4], out[4];

    sf_compile_dim(compiler, unit->node->input[0], in);
    sf_compile_dim(compiler, unit->node->output, out);
    return !compiler->options.training && !compiler->options.direct && !c->transposed &&
           unit->node->groups == 1 && c->stride[0] == 1 && c->stride[1] == 1 &&
           in[1] >= WINOGRAD_CHANNELS && out[1] >= WINOGRAD_CHANNELS;
}

/* Tries the source's own order before the others: a reorder costs a pass through memory. */
static sf_status try_orders(sf_compiler *compiler, sf_unit *unit, sf_variant *variant,
                            sf_number number, sf_convolution *chosen)
{
    const sf_pass pass = compiler->options.training ? SF_PASS_TRAINING : SF_PASS_INFERENCE;
    const size_t source = compiler->value[unit->node->input[0]].tensor[0];
    const sf_order own = compiler->plan->tensor[source].order;
    const size_t skip = own == SF_ORDER_ANY || own == SF_ORDER_PLAIN ? 1 : 0;

    for (size_t i = skip; i <= compiler->order_count; i++) {
        variant->order = i == 0 ? own : compiler->order[i - 1];
        SF_TRY(sf_compile_pass(compiler, unit, pass, variant, number, chosen, &unit->forward));
        if (unit->forward != NULL) return SF_OK;
    }
    return SF_OK;
}

static sf_status choose_forward(sf_compiler *compiler, sf_unit *unit, sf_convolution *chosen,
                                sf_number *number, sf_order *order)
{
    const bool winograd = winograd_pays(compiler, unit);

    *number = unit->output == compiler->graph->output && unit->addend == SF_NO_VALUE
                  ? SF_NUMBER_F32
                  : compiler->number;
    for (int attempt = winograd ? 0 : 2; attempt < 4; attempt++) {
        sf_variant variant = {.fuse = attempt % 2 == 0, .winograd = attempt < 2};

        SF_TRY(try_orders(compiler, unit, &variant, *number, chosen));
        if (unit->forward == NULL) continue;
        *order = variant.order;
        if (!variant.fuse) { /* what could not be fused runs on its own */
            unit->output = unit->node->output;
            unit->addend = SF_NO_VALUE;
            unit->activation = (sf_activation){0};
        }
        return SF_OK;
    }
    return sf_compile_unsupported(unit->node,
                                  "has no fast implementation in oneDNN on this processor");
}

/* A view of a convolution's weights, or of its bias, among the flat parameters. */
static sf_status parameter_view(sf_compiler *compiler, size_t value, int rank, const size_t *dim,
                                const size_t *stride, size_t flat, size_t *tensor)
{
    const sf_layout *layout;
    const size_t any[4] = {0};

    SF_TRY(sf_layout_create(compiler->plan->dnn, rank, dim, SF_NUMBER_F32, SF_ORDER_PLAIN, stride,
                            &layout));
    return sf_plan_view(compiler->plan, flat,
                        compiler->graph->value[value].parameter * sizeof(float), layout, any,
                        SF_ORDER_ANY, tensor);
}

static sf_status add_convolution(sf_compiler *compiler, sf_unit *unit, const sf_convolution *chosen,
                                 sf_number number, sf_order order)
{
    sf_plan *plan = compiler->plan;
    const sf_node *node = unit->node;
    const size_t index = sf_compile_node_index(compiler, node);
    sf_step step = {.primitive = unit->forward, .node = index, .flops = unit->flops};
    size_t source, weights, result, out[4], in[4];

    sf_compile_dim(compiler, node->input[0], in);
    sf_compile_dim(compiler, node->output, out);
    SF_TRY(sf_plan_copy(plan, SF_SECTION_FORWARD, index, &compiler->value[node->input[0]],
                        chosen->source, compiler->number, sf_compile_order(order, in[1]), &source));
    SF_TRY(sf_plan_copy(plan, SF_SECTION_WEIGHTS, index, &unit->weights, chosen->weights,
                        compiler->number, SF_ORDER_ANY, &weights));
    SF_TRY(sf_plan_tensor_like(plan, chosen->destination, out, number, false, &result));
    plan->tensor[result].order = sf_compile_order(order, out[1]);
    step.use[step.use_count++] = (sf_use){.role = SF_ROLE_SOURCE, .tensor = source};
    step.use[step.use_count++] = (sf_use){.role = SF_ROLE_WEIGHTS, .tensor = weights};
    if (node->input_count > 2) {
        size_t bias;

        SF_TRY(parameter_view(compiler, node->input[2], 1, &out[1], NULL, compiler->parameters,
                              &bias));
        step.use[step.use_count++] = (sf_use){.role = SF_ROLE_BIAS, .tensor = bias};
    }
    if (unit->addend != SF_NO_VALUE) {
        size_t addend;

        SF_TRY(sf_plan_copy(plan, SF_SECTION_FORWARD, index, &compiler->value[unit->addend],
                            chosen->destination, number, plan->tensor[result].order, &addend));
        step.use[step.use_count++] = (sf_use){.role = SF_ROLE_ADDEND, .tensor = addend};
    }
    step.use[step.use_count++] = (sf_use){.role = SF_ROLE_DESTINATION, .tensor = result};
    sf_compile_set(compiler, unit->output, result);
    return sf_plan_add(plan, SF_SECTION_FORWARD, &step);
}

sf_status sf_compile_convolution(sf_compiler *compiler, const sf_node *node)
{
    sf_unit *unit = sf_compile_unit(compiler, node);
    sf_convolution chosen = {0};
    sf_number number;
    sf_order order = SF_ORDER_ANY;

    if (!sf_compile_is_constant(compiler, node->input[1]) ||
        (node->input_count > 2 && !sf_compile_is_constant(compiler, node->input[2])))
        return sf_compile_unsupported(node, "has computed weights: only constants will do");
    set_geometry(compiler, unit);
    /* oneDNN runs what is fused into a transposed convolution by its reference code */
    if (!unit->convolution.transposed) find_fusion(compiler, unit);
    SF_TRY(choose_forward(compiler, unit, &chosen, &number, &order));
    mark_fused(compiler, unit);
    SF_TRY(parameter_view(compiler, node->input[1], unit->weights_rank, unit->weights_dim,
                          unit->weights_stride, compiler->parameters, &unit->weights.tensor[0]));
    unit->weights.count = 1;
    return add_convolution(compiler, unit, &chosen, number, order);
}

/* ---- the whole graph ------------------------------------------------------------------- */

static sf_status compile_node(sf_compiler *compiler, const sf_node *node)
{
    const sf_compile_rule rule = sf_operator_of(node->op)->compile;

    if (rule == NULL) return sf_compile_unsupported(node, "should have been folded away before");
    return rule(compiler, node);
}

sf_status sf_compile_deliver(sf_compiler *compiler, sf_section section, sf_copies *copies,
                             size_t *tensor)
{
    sf_plan *plan = compiler->plan;
    size_t found;

    SF_TRY(sf_plan_copy_order(plan, section, 0, copies, SF_NUMBER_F32, SF_ORDER_PLAIN, &found));
    *tensor = found;
    if (!plan->tensor[plan->tensor[found].whose].fixed) return SF_OK;
    /* it is what came in: a copy goes out */
    SF_TRY(sf_plan_tensor(plan, plan->tensor[found].dim, SF_NUMBER_F32, SF_ORDER_PLAIN, false,
                          tensor));
    return sf_plan_reorder(plan, section, 0, (sf_use){.tensor = found}, (sf_use){.tensor = *tensor},
                           false);
}

sf_status sf_compile_forward(sf_compiler *compiler)
{
    const sf_graph *graph = compiler->graph;

    for (size_t i = 0; i < graph->input_count; i++)
        sf_compile_set(compiler, graph->input[i], compiler->input[i]);
    for (size_t i = 0; i < graph->node_count; i++)
        if (!compiler->done[i]) SF_TRY(compile_node(compiler, &graph->node[i]));
    return sf_compile_deliver(compiler, SF_SECTION_FORWARD, &compiler->value[graph->output],
                              &compiler->output);
}
