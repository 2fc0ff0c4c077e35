/* onnx_node.h - one node of an ONNX file as a node of the graph. Internal. */
#ifndef SF_NETWORK_ONNX_NODE_H
#define SF_NETWORK_ONNX_NODE_H

#include "network/onnx_tensor.h"

/* What has a name in the file. */
typedef struct sf_named {
    const char *name;
    sf_literal literal; /* a constant */
    size_t value; /* index in the graph; SF_NO_VALUE for a constant that is not used as data yet */
} sf_named;

typedef struct sf_reader {
    const char *file;
    const Onnx__GraphProto *proto;
    sf_graph *graph;
    sf_named *named;
    size_t named_count;
    long opset;
} sf_reader;

/* protobuf-c has NULL for an absent text. */
static inline const char *sf_proto_text(const char *text) { return text == NULL ? "" : text; }

/* NULL where nothing has that name. */
sf_named *sf_reader_find(const sf_reader *reader, const char *name);
/* Enters the node's outputs into the table of names, which has room for them. */
sf_status sf_reader_name_node(sf_reader *reader, const Onnx__NodeProto *proto);
/* Adds the node to the graph. Of a Constant the table of names has all. */
sf_status sf_reader_add_node(sf_reader *reader, const Onnx__NodeProto *proto);

#endif
