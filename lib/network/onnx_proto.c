/* onnx_proto.c - the code that protoc-c makes of the system's onnx.proto, at build time. */
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include "onnx/onnx.pb-c.c"
