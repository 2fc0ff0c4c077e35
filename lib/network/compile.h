/* compile.h - from a resolved graph to the steps of a plan. Internal.
 *
 * forward.c walks the nodes and records units: what ran as one primitive. backward.c walks the
 * units the other way. The rules of the operators stand in files of their own, forward and backward
 * side by side. Every value is kept as 4 dimensions N, C, H, W (ones in front; of more than four,
 * the first ones taken together). */
#ifndef SF_NETWORK_COMPILE_H
#define SF_NETWORK_COMPILE_H

#include "network/engine.h"
#include "network/operator.h"
#include "network/plan.h"

#define SF_ORDERS 4

typedef struct sf_unit {
    const sf_node *node;
    size_t output; /* the value: of the last node that was fused */
    size_t addend; /* the value that is added in, or SF_NO_VALUE */
    sf_activation activation;
    /* convolutions */
    sf_convolution convolution; /* the geometry; layouts belong to each pass */
    sf_primitive *forward;
    sf_copies weights;
    int weights_rank;
    size_t weights_dim[SF_LAYOUT_RANK];
    size_t weights_stride[SF_LAYOUT_RANK]; /* in the flat parameters */
    double flops;
    size_t workspace; /* max pool: the tensor */
} sf_unit;

/* A way to run a convolution. */
typedef struct sf_variant {
    sf_order order;
    bool fuse; /* with the unit's addend and activation */
    bool winograd;
} sf_variant;

typedef struct sf_compiler {
    const sf_graph *graph; /* resolved */
    sf_engine_options options;
    sf_plan *plan;
    sf_number number; /* of activations and gradients */
    sf_order order[SF_ORDERS];
    size_t order_count; /* the orders worth trying, the best first */
    sf_shape *shape;
    sf_copies *value, *gradient;
    size_t *consumers; /* nodes that read a value; the graph's output has one more */
    bool *done;        /* nodes that were fused into an earlier one */
    bool *needs;       /* values that a gradient has to reach */
    bool *summed;      /* parameters whose gradient has a first contribution */
    sf_unit *unit;
    size_t unit_count;
    size_t parameters, parameter_gradient; /* the flat tensors */
    size_t output, output_gradient, input_gradient;
    size_t input[2];
} sf_compiler;

sf_status sf_compile_forward(sf_compiler *compiler);
sf_status sf_compile_backward(sf_compiler *compiler);

/* The dimensions as four. */
void sf_compile_dim(const sf_compiler *compiler, size_t value, size_t dim[4]);
size_t sf_compile_node_index(const sf_compiler *compiler, const sf_node *node);
/* A blocked order only where the channels fill the blocks. */
sf_order sf_compile_order(sf_order order, size_t channels);
/* A pass of a unit's convolution in a variant, its layouts left in *tried;
 * *primitive = NULL: not available. `number` is the destination's. */
sf_status sf_compile_pass(sf_compiler *compiler, const sf_unit *unit, sf_pass pass,
                          const sf_variant *variant, sf_number number, sf_convolution *tried,
                          sf_primitive **primitive);
/* The value in an order (constants: reordered when the weights are set). */
sf_status sf_compile_value(sf_compiler *compiler, size_t value, const sf_node *node,
                           sf_number number, sf_order order, size_t *tensor);
bool sf_compile_is_constant(const sf_compiler *compiler, size_t value);
/* How the value lies in memory at best: PLAIN where it was made so, or is no image. */
sf_order sf_compile_natural(const sf_compiler *compiler, size_t value);
sf_unit *sf_compile_unit(sf_compiler *compiler, const sf_node *node);
/* The tensor in which a value was computed. */
void sf_compile_set(sf_compiler *compiler, size_t value, size_t tensor);
/* A step with one result in an order: makes the tensor, enters it as the node's value. */
sf_status sf_compile_step(sf_compiler *compiler, const sf_node *node, sf_step *step,
                          sf_order order);
/* What can be fused into a convolution, with an algorithm of the library's own. */
sf_activation sf_compile_activation(const sf_node *node);

/* The value in an order, for the backward pass. */
sf_status sf_undo_value(sf_compiler *compiler, size_t value, const sf_node *node, sf_order order,
                        size_t *tensor);
/* The gradient of a value in an order; as float. */
sf_status sf_undo_gradient(sf_compiler *compiler, size_t value, const sf_node *node, sf_order order,
                           size_t *tensor);
sf_status sf_undo_gradient_like(sf_compiler *compiler, size_t value, const sf_node *node,
                                const sf_tensor *like, size_t *tensor);
/* A computed gradient is added to that of a value, or of a parameter. */
sf_status sf_undo_keep(sf_compiler *compiler, size_t value, const sf_node *node, size_t tensor);
/* A step that makes the gradient of a value, in an order; adds it. */
sf_status sf_undo_step(sf_compiler *compiler, size_t value, const sf_node *node, sf_step *step,
                       sf_order order);
/* Replaces the gradient of a unit's output by the one before its activation. */
sf_status sf_undo_activation(sf_compiler *compiler, const sf_unit *unit);
/* The value or gradient as plain NCHW, in a tensor whose memory may be the caller's. */
sf_status sf_compile_deliver(sf_compiler *compiler, sf_section section, sf_copies *copies,
                             size_t *tensor);
/* "node "name" (Conv) why" */
sf_status sf_compile_unsupported(const sf_node *node, const char *why);

#endif
