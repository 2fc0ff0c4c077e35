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

/* Whether the data are real numbers, as many as the dimensions say: *shape, *count. The sentence of
 * an error begins with `what`. */
sf_status sf_literal_shape(const sf_literal *literal, const char *what, sf_shape *shape,
                           size_t *count);
/* Whether ONNX's data type holds numbers that are read: *type. */
bool sf_literal_type_of(int data_type, sf_type *type);
/* Bytes of one number in raw data; 0: not read. */
size_t sf_literal_number_bytes(int data_type);
sf_type sf_literal_type(const sf_literal *literal);
/* Value i < count of a literal whose shape was found; not finite where the file says so. */
double sf_literal_value(const sf_literal *literal, size_t i);

#endif
