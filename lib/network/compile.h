/* compile.h - from a graph to the steps of a plan. Internal.
 *
 * forward.c walks the nodes and records units: what ran as one primitive. backward.c walks the
 * units the other way. Every value is kept as 4 dimensions N, C, H, W (ones in front). */
#ifndef SF_NETWORK_COMPILE_H
#define SF_NETWORK_COMPILE_H

#include "network/engine.h"
#include "network/plan.h"

#define SF_NO_VALUE SIZE_MAX
#define SF_ORDERS   4

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
} sf_unit;

/* A way to run a convolution. */
typedef struct sf_variant {
    sf_order order;
    bool fuse; /* with the unit's addend and activation */
    bool winograd;
} sf_variant;

typedef struct sf_compiler {
    const sf_graph *graph;
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

/* The last four dimensions, ones in front. */
void sf_compile_dim(const sf_compiler *compiler, size_t value, size_t dim[4]);
size_t sf_compile_node_index(const sf_compiler *compiler, const sf_node *node);
/* A blocked order only where the channels fill the blocks. */
sf_order sf_compile_order(sf_order order, size_t channels);
/* A pass of a unit's convolution in a variant, its layouts left in *tried;
 * *primitive = NULL: not available. `number` is the destination's. */
sf_status sf_compile_convolution(sf_compiler *compiler, const sf_unit *unit, sf_pass pass,
                                 const sf_variant *variant, sf_number number, sf_convolution *tried,
                                 sf_primitive **primitive);
/* The value in an order (constants: reordered when the weights are set). */
sf_status sf_compile_value(sf_compiler *compiler, size_t value, const sf_node *node,
                           sf_number number, sf_order order, size_t *tensor);
sf_activation sf_compile_activation(const sf_node *node);
/* The loop behind Pad, Resize, AveragePool, DepthToSpace or SpaceToDepth. */
sf_status sf_compile_kernel(const sf_compiler *compiler, const sf_node *node, bool backward,
                            sf_kernel **kernel);
/* The value or gradient as plain NCHW, in a tensor whose memory may be the caller's. */
sf_status sf_compile_deliver(sf_compiler *compiler, sf_section section, sf_copies *copies,
                             size_t *tensor);
/* "node "name" (Conv) why" */
sf_status sf_compile_unsupported(const sf_node *node, const char *why);

#endif
