/* onnx_tensor.c - constants of an ONNX file as plain arrays: every type that holds real numbers,
 * as raw bytes (little-endian) or as typed lists. */
#include "network/onnx_tensor.h"

#include "base/internal.h"

#include <math.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw_data is little-endian");

/* IEEE 754 binary16. */
static double half_value(uint32_t bits)
{
    const int exponent = (int)(bits >> 10 & 31);
    const double fraction = (double)(bits & 1023) / 1024.0;
    const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;

    if (exponent == 31) return fraction != 0.0 ? (double)NAN : sign * (double)INFINITY;
    if (exponent == 0) return sign * ldexp(fraction, -14);
    return sign * ldexp(1.0 + fraction, exponent - 15);
}

static double bfloat_value(uint32_t bits)
{
    const uint32_t wide = bits << 16;
    float value;

    memcpy(&value, &wide, sizeof value);
    return (double)value;
}

size_t sf_literal_number_bytes(int type)
{
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32: return 4;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: return 8;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16: return 2;
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8: return 1;
    default: return 0;
    }
}

static double raw_value(int type, const uint8_t *bytes)
{
    union {
        float f;
        double d;
        int32_t i;
        int64_t l;
        uint16_t h;
        int8_t c;
        uint8_t b;
    } as = {.l = 0};

    memcpy(&as, bytes, sf_literal_number_bytes(type));
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT: return (double)as.f;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE: return as.d;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32: return (double)as.i;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: return (double)as.l;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16: return half_value(as.h);
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16: return bfloat_value(as.h);
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8: return (double)as.c;
    default: return (double)as.b;
    }
}

bool sf_literal_type_of(int data_type, sf_type *type)
{
    switch (data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16: *type = SF_TYPE_REAL; return true;
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL: *type = SF_TYPE_TRUTH; return true;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: *type = SF_TYPE_INTEGER; return true;
    default: return false;
    }
}

sf_type sf_literal_type(const sf_literal *literal)
{
    const Onnx__AttributeProto *a = literal->attribute;
    sf_type type = SF_TYPE_REAL;

    if (literal->tensor != NULL)
        (void)sf_literal_type_of(literal->tensor->data_type, &type);
    else if (a->has_i || a->n_ints > 0)
        type = SF_TYPE_INTEGER;
    return type;
}

/* How many values the typed list of this type holds. */
static size_t typed_count(const Onnx__TensorProto *t)
{
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT: return t->n_float_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE: return t->n_double_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: return t->n_int64_data;
    default: return t->n_int32_data;
    }
}

static double typed_value(const Onnx__TensorProto *t, size_t i)
{
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT: return (double)t->float_data[i];
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE: return t->double_data[i];
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: return (double)t->int64_data[i];
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32: return (double)t->int32_data[i];
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
        return half_value((uint32_t)t->int32_data[i] & 0xffff);
    default: return bfloat_value((uint32_t)t->int32_data[i] & 0xffff);
    }
}

static sf_status tensor_shape(const Onnx__TensorProto *t, const char *what, sf_shape *shape,
                              size_t *count)
{
    *count = 1;
    if (t->n_dims > SF_TENSOR_MAX_RANK)
        return sf_fail(SF_ERR_FORMAT, "%s has %zu dimensions; at most %d are supported", what,
                       t->n_dims, SF_TENSOR_MAX_RANK);
    shape->rank = (int)t->n_dims;
    for (size_t i = 0; i < t->n_dims; i++) {
        if (t->dims[i] < 0 || !sf_multiply_sizes(*count, (size_t)t->dims[i], count))
            return sf_fail(SF_ERR_FORMAT, "%s has the dimension %lld", what, (long long)t->dims[i]);
        shape->dim[i] = (size_t)t->dims[i];
    }
    return SF_OK;
}

static sf_status check_tensor(const Onnx__TensorProto *t, const char *what, sf_shape *shape,
                              size_t *count)
{
    const size_t bytes = sf_literal_number_bytes(t->data_type);
    size_t expected;

    SF_TRY(tensor_shape(t, what, shape, count));
    if (t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return sf_fail(
            SF_ERR_UNSUPPORTED,
            "%s lies in another file, which is found only where the model is read from a "
            "file itself",
            what);
    if (bytes == 0)
        return sf_fail(SF_ERR_UNSUPPORTED, "%s has the data type %d; real numbers are expected",
                       what, (int)t->data_type);
    if (t->has_raw_data &&
        (!sf_multiply_sizes(*count, bytes, &expected) || t->raw_data.len != expected))
        return sf_fail(SF_ERR_FORMAT, "%s has %zu values by its dimensions, but %zu bytes of data",
                       what, *count, t->raw_data.len);
    if (!t->has_raw_data && typed_count(t) != *count)
        return sf_fail(SF_ERR_FORMAT, "%s has %zu values by its dimensions, but %zu in its data",
                       what, *count, typed_count(t));
    return SF_OK;
}

static bool is_single(const Onnx__AttributeProto *a) { return a->has_f || a->has_i; }

sf_status sf_literal_shape(const sf_literal *literal, const char *what, sf_shape *shape,
                           size_t *count)
{
    const Onnx__AttributeProto *a = literal->attribute;

    memset(shape, 0, sizeof *shape);
    if (literal->tensor != NULL) return check_tensor(literal->tensor, what, shape, count);
    *count = is_single(a) ? 1 : a->n_floats + a->n_ints;
    shape->rank = is_single(a) ? 0 : 1;
    shape->dim[0] = *count;
    return SF_OK;
}

double sf_literal_value(const sf_literal *literal, size_t i)
{
    const Onnx__TensorProto *t = literal->tensor;
    const Onnx__AttributeProto *a = literal->attribute;

    if (t != NULL && t->has_raw_data)
        return raw_value(t->data_type,
                         t->raw_data.data + i * sf_literal_number_bytes(t->data_type));
    if (t != NULL) return typed_value(t, i);
    if (is_single(a)) return a->has_f ? (double)a->f : (double)a->i;
    return i < a->n_floats ? (double)a->floats[i] : (double)a->ints[i - a->n_floats];
}
