/* kernels.h - the operations that are plain C loops: float32, NHWC. Internal.
 *
 * They move memory and compute next to nothing, and oneDNN either lacks them or runs them by its
 * reference code. */
#ifndef SF_NETWORK_KERNELS_H
#define SF_NETWORK_KERNELS_H

#include "network/graph.h"

/* A sparse matrix along one axis: out[i] = sum over t in [start[i], start[i+1]) of
 * weight[t] * in[index[t]]. */
typedef struct sf_taps {
    size_t in, out;
    size_t *start, *index;
    float *weight;
} sf_taps;

typedef struct sf_kernel sf_kernel;
struct sf_kernel {
    /* data: the operands in the order of the step's uses, the result last. */
    void (*run)(const sf_kernel *kernel, float *const *data, int threads);
    const char *name;
    size_t dim[4], in[4], second[4]; /* N, C, H, W of the result and of the operands */
    sf_taps rows, columns;           /* resample */
    float fill;                      /* resample: where no tap reaches */
    size_t block;                    /* shuffle */
    bool to_depth, column_row_depth;
    sf_op operation; /* broadcast, point */
    size_t operand;  /* broadcast backward: the operand whose gradient this is, 0 or 1 */
    double *sum;     /* broadcast backward, movement: the source's numbers */
    size_t count;    /* point, rows: numbers; movement: of the source */
    size_t row;      /* rows: numbers of one */
    float factor;    /* rows: epsilon; movement: what every number is multiplied by */
    /* movement */
    size_t rank, size[SF_TENSOR_MAX_RANK];
    size_t *from[SF_TENSOR_MAX_RANK];
};

void sf_kernel_release(sf_kernel **kernel);

/* Pad, Resize and AveragePool are one operation: separable, sparse and linear. `backward` makes
 * the adjoint, from the result's gradient to the source's. */
sf_status sf_kernel_resample(const sf_node *node, const size_t in[4], const size_t out[4],
                             const long pads[4], bool backward, sf_kernel **kernel);
/* DepthToSpace and SpaceToDepth; backward is the inverse permutation. */
sf_status sf_kernel_shuffle(const sf_node *node, const size_t in[4], const size_t out[4],
                            bool backward, sf_kernel **kernel);
/* Add, Sub, Mul, Div, Max, Min and PRelu with the dimensions of 1 repeated: operands a, b. */
sf_status sf_kernel_broadcast(sf_op operation, const size_t a[4], const size_t b[4],
                              const size_t out[4], sf_kernel **kernel);
/* Whether the gradient of an operand depends on that operand, and on the other one. */
void sf_kernel_broadcast_reads(sf_op operation, size_t operand, bool reads[2]);
/* The gradient of one of them: the operand and the other one as far as they are read, the
 * result's gradient; summed over what was repeated. */
sf_status sf_kernel_broadcast_backward(sf_op operation, size_t operand, const size_t in[4],
                                       const size_t other[4], const size_t out[4],
                                       sf_kernel **kernel);
/* Sin, Cos, Log and Erf of `count` numbers; backward: the source, the result's gradient. */
sf_status sf_kernel_point(sf_op operation, size_t count, bool backward, sf_kernel **kernel);
/* (x - mean) / sqrt(variance + epsilon) of each row; backward: x, the result's gradient. */
sf_status sf_kernel_normalise(size_t count, size_t row, float epsilon, bool backward,
                              sf_kernel **kernel);

/* A linear map between a source and what is made of it: made[i, j, ...] = factor
 * source[from[0][i] + from[1][j] + ...]. `size` is what is made's, in its order in memory; `count`
 * the source's. */
typedef struct sf_movement {
    size_t rank, size[SF_TENSOR_MAX_RANK];
    size_t *from[SF_TENSOR_MAX_RANK]; /* sf_free */
    size_t count;
    float factor;
    bool once; /* no number of the source is read twice */
} sf_movement;

/* The map, or, adjoint, from what is made to the source. Takes the lists, also on failure. */
sf_status sf_kernel_movement(sf_movement *movement, bool adjoint, sf_kernel **kernel);

#endif
