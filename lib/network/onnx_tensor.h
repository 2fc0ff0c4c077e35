/* onnx_tensor.h - constants of an ONNX file as plain arrays. Internal. */
#ifndef SF_NETWORK_ONNX_TENSOR_H
#define SF_NETWORK_ONNX_TENSOR_H

#include "network/graph.h"
#include "onnx/onnx.pb-c.h"

/* A constant: a tensor, or a Constant node's value_float(s), value_int(s). */
typedef struct sf_literal {
    const Onnx__TensorProto *tensor;
    const Onnx__AttributeProto *attribute;
} sf_literal;

/* *values (sf_free) = the data as doubles, finite, as many as *shape says. The sentence of an
 * error begins with `what`. */
sf_status sf_literal_values(const sf_literal *literal, const char *what, double **values,
                            sf_shape *shape, size_t *count);

#endif
