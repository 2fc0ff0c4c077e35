/* onnx_parse.h - the bytes of an ONNX file as protobuf-c's structures. Internal. */
#ifndef SF_NETWORK_ONNX_PARSE_H
#define SF_NETWORK_ONNX_PARSE_H

#include "network/graph.h"
#include "onnx/onnx.pb-c.h"

sf_status sf_onnx_parse(const void *bytes, size_t size, const char *name, Onnx__ModelProto **model);
void sf_onnx_parse_release(Onnx__ModelProto *model);
/* Reads what lies in files beside the model of that path into the structures. */
sf_status sf_onnx_external(Onnx__ModelProto *model, const char *path);
/* The second half of sf_onnx_read, which needs the bytes no more. */
sf_status sf_onnx_graph(const Onnx__ModelProto *model, const char *name, sf_graph **graph);

#endif
