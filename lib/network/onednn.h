/* onednn.h - the part of oneDNN that the engine uses, the same for its 2.x and 3.x C APIs.
 * Internal.
 *
 * A context owns every layout and primitive that was made through it. A primitive that oneDNN
 * would run by its reference code (about a thousand times slower) counts as not available. */
#ifndef SF_NETWORK_ONEDNN_H
#define SF_NETWORK_ONEDNN_H

#include "base/internal.h"

typedef struct sf_dnn sf_dnn;
typedef struct sf_layout sf_layout;       /* dimensions, number type and order in memory */
typedef struct sf_primitive sf_primitive; /* one compiled operation */

#define SF_LAYOUT_RANK 5 /* grouped weights: g, out, in, rows, columns */

typedef enum sf_number { SF_NUMBER_F32, SF_NUMBER_BF16 } sf_number;
/* Rank 4 unless it is PLAIN or ANY. */
typedef enum sf_order {
    SF_ORDER_ANY,           /* oneDNN chooses */
    SF_ORDER_PLAIN,         /* row-major: NCHW */
    SF_ORDER_CHANNELS_LAST, /* NHWC */
    SF_ORDER_BLOCKED_8,     /* NC/8HW8c, for AVX2 */
    SF_ORDER_BLOCKED_16     /* NC/16HW16c, for AVX-512 */
} sf_order;

typedef enum sf_role {
    SF_ROLE_SOURCE,
    SF_ROLE_SOURCE_1, /* the second operand of a binary primitive */
    SF_ROLE_WEIGHTS,
    SF_ROLE_BIAS,
    SF_ROLE_DESTINATION,
    SF_ROLE_ADDEND, /* what a fused addition adds */
    SF_ROLE_SOURCE_GRADIENT,
    SF_ROLE_WEIGHTS_GRADIENT,
    SF_ROLE_BIAS_GRADIENT,
    SF_ROLE_DESTINATION_GRADIENT,
    SF_ROLE_WORKSPACE, /* what a forward primitive leaves for its backward */
    SF_ROLE_SCRATCH,
    SF_ROLE_COUNT
} sf_role;

typedef enum sf_activation_kind {
    SF_ACTIVATION_NONE,
    SF_ACTIVATION_RELU, /* alpha: slope below zero */
    SF_ACTIVATION_ELU,
    SF_ACTIVATION_SIGMOID,
    SF_ACTIVATION_TANH,
    SF_ACTIVATION_SOFTPLUS,
    SF_ACTIVATION_CLIP, /* to [alpha, beta] */
    SF_ACTIVATION_EXP,
    SF_ACTIVATION_GELU,
    SF_ACTIVATION_GELU_TANH,
    SF_ACTIVATION_SQRT,
    SF_ACTIVATION_ABS,
    SF_ACTIVATION_POWER, /* alpha x^beta */
    SF_ACTIVATION_LINEAR /* alpha x + beta */
} sf_activation_kind;

typedef struct sf_activation {
    sf_activation_kind kind;
    float alpha, beta;
} sf_activation;

/* Whether its slope follows from its result, the source being needed no more: not with a negative
 * slope below zero. */
bool sf_activation_inverts(sf_activation activation);

typedef enum sf_binary {
    SF_BINARY_ADD,
    SF_BINARY_SUB,
    SF_BINARY_MUL,
    SF_BINARY_DIV,
    SF_BINARY_MAX,
    SF_BINARY_MIN
} sf_binary;
typedef enum sf_pass { SF_PASS_INFERENCE, SF_PASS_TRAINING, SF_PASS_DATA, SF_PASS_WEIGHTS } sf_pass;

sf_status sf_dnn_create(sf_dnn **dnn);
void sf_dnn_release(sf_dnn **dnn);
/* "oneDNN 2.6.3": the library that runs. */
const char *sf_dnn_version(void);
bool sf_dnn_has_bf16(void);
/* The widest block of channels that this processor's kernels use: 16, 8, or 0. */
int sf_dnn_block(void);

/* strides (in numbers) overrides the order unless NULL. */
sf_status sf_layout_create(sf_dnn *dnn, int rank, const size_t *dim, sf_number number,
                           sf_order order, const size_t *strides, const sf_layout **layout);
/* The part of a tensor from `offset` on; *part = NULL where the order cannot be cut there. */
sf_status sf_layout_part(sf_dnn *dnn, const sf_layout *whole, const size_t dim[4],
                         const size_t offset[4], const sf_layout **part);
bool sf_layout_equal(const sf_layout *a, const sf_layout *b);
size_t sf_layout_bytes(const sf_layout *layout);

/* A convolution or, transposed, its adjoint in its own right, seen from the forward pass. */
typedef struct sf_convolution {
    bool transposed;
    bool winograd; /* fewer multiplications (Lavin & Gray 2016, doi:10.1109/CVPR.2016.435) */
    const sf_layout *source, *weights, *bias, *destination; /* bias may be NULL */
    size_t stride[2], dilation[2];                          /* dilation 1 = dense */
    long pad_low[2], pad_high[2];
} sf_convolution;

typedef struct sf_pool {
    const sf_layout *source, *destination;
    size_t kernel[2], stride[2], dilation[2];
    long pad_low[2], pad_high[2];
} sf_pool;

/* destination = activation(convolution [+ addend]); both are forward only, and optional. */
typedef struct sf_fusion {
    const sf_layout *addend;
    sf_activation activation;
} sf_fusion;

/* Each sets *primitive = NULL, and returns SF_OK, where no fast implementation exists. The
 * backward passes need the forward primitive of the same convolution (SF_PASS_TRAINING). */
sf_status sf_primitive_convolution(sf_dnn *dnn, sf_pass pass, const sf_convolution *convolution,
                                   const sf_fusion *fusion, const sf_primitive *forward,
                                   sf_primitive **primitive);
/* backward: the source's gradient from the destination's and, where the activation inverts, the
 * destination, else the source. */
sf_status sf_primitive_activation(sf_dnn *dnn, sf_activation activation, const sf_layout *layout,
                                  bool backward, sf_primitive **primitive);
/* destination (of a's layout) = a op b; b's dimensions are a's, or 1. */
sf_status sf_primitive_binary(sf_dnn *dnn, sf_binary operation, const sf_layout *a,
                              const sf_layout *b, sf_primitive **primitive);
/* c = a b: matrices, of rank 2 or, with a batch of them, 3. */
sf_status sf_primitive_matmul(sf_dnn *dnn, const sf_layout *a, const sf_layout *b,
                              const sf_layout *c, sf_primitive **primitive);
/* Over the last of two dimensions; backward: from the destination and its gradient. */
sf_status sf_primitive_softmax(sf_dnn *dnn, const sf_layout *layout, bool backward,
                               sf_primitive **primitive);
/* The largest of each window; the backward pass needs the forward primitive (SF_PASS_TRAINING) and
 * its workspace. */
sf_status sf_primitive_max_pool(sf_dnn *dnn, sf_pass pass, const sf_pool *pool,
                                const sf_primitive *forward, sf_primitive **primitive);
/* Another order or number type; with `add`, destination += source. */
sf_status sf_primitive_reorder(sf_dnn *dnn, const sf_layout *source, const sf_layout *destination,
                               bool add, sf_primitive **primitive);

/* The layout that a primitive chose for a role. */
sf_status sf_primitive_layout(sf_dnn *dnn, const sf_primitive *primitive, sf_role role,
                              const sf_layout **layout);
const char *sf_primitive_name(const sf_primitive *primitive);
size_t sf_primitive_scratch_bytes(const sf_primitive *primitive);
/* Says where a role's numbers lie; SF_ROLE_SCRATCH too, with layout NULL. */
sf_status sf_primitive_bind(sf_dnn *dnn, sf_primitive *primitive, sf_role role,
                            const sf_layout *layout, void *data);
sf_status sf_primitive_run(sf_dnn *dnn, const sf_primitive *primitive);

#endif
