/* operator.h - what an operator is: one row in operators.c, which names its attributes and its
 * rules. Internal.
 *
 * An operator of a file is settled first, for one size of image: inputs that are no data (axes,
 * shapes, ...) become attributes, and what simpler operators can do is left to them. What remains
 * has a shape rule, a formula in the reference, and a forward and a backward rule in the engine.
 * So a new operator is its name in SF_OP_LIST, its row, and the rules it does not share. */
#ifndef SF_NETWORK_OPERATOR_H
#define SF_NETWORK_OPERATOR_H

#include "network/graph.h"
#include "network/reference.h"

#include <stddef.h>

/* ---- attributes ---------------------------------------------------------------------------- */

typedef enum sf_field_kind {
    SF_FIELD_LONG,
    SF_FIELD_FLAG,
    SF_FIELD_FLOAT,
    SF_FIELD_SIZE,
    SF_FIELD_PAIR,     /* size_t[2]: rows, columns; one value is for columns */
    SF_FIELD_PADS,     /* long[4]; two values are for columns */
    SF_FIELD_WORD,     /* an enum, in the order of `words` */
    SF_FIELD_LIST,     /* list and list_count */
    SF_FIELD_EQUATION, /* list: its letters, without blanks */
    SF_FIELD_TYPE,     /* a data type as an sf_type */
    SF_FIELD_FILL,     /* a tensor of one number: its value and, in `to`, its type */
    SF_FIELD_ABSENT    /* supported where it is missing or 0 */
} sf_field_kind;

typedef struct sf_field {
    const char *name; /* NULL: the end */
    sf_field_kind kind;
    size_t offset; /* in sf_node */
    double usual;  /* when the file does not say */
    double least, most;
    const char *const *words; /* NULL at the end */
    bool wanted;              /* the file has to say */
} sf_field;

/* ---- resolving ----------------------------------------------------------------------------- */

typedef struct sf_resolver {
    sf_graph *graph; /* being made */
    size_t budget;   /* numbers that what is known may still read and make */
    bool loading;    /* no size is known yet: real results are weights */
} sf_resolver;

/* Settles a node (copied) of the graph's values, and adds what it has become: *result. */
sf_status sf_resolve_node(sf_resolver *r, const sf_node *node, size_t *result);
/* The same for a node of its own making, named like `parent`. */
sf_status sf_resolve_emit(sf_resolver *r, const sf_node *parent, const sf_node *attributes,
                          size_t count, const size_t *input, size_t *result);
/* Adds known numbers. */
sf_status sf_resolve_known(sf_resolver *r, const sf_node *node, sf_type type, const sf_shape *shape,
                           const double *number, size_t *result);
/* Takes `count` numbers from the budget. */
sf_status sf_resolve_spend(sf_resolver *r, const sf_node *node, size_t count);
/* "node 'name' (Op): ..." */
sf_status sf_resolve_refuse(const sf_node *node, sf_status status, const char *format, ...)
    SF_PRINTF(3, 4);
const sf_shape *sf_resolve_shape(const sf_resolver *r, const sf_node *node, size_t input);
bool sf_resolve_has(const sf_node *node, size_t input);
bool sf_resolve_is_known(const sf_resolver *r, const sf_node *node, size_t input);
/* An input's numbers (sf_free), which have to be known; `what` names it. */
sf_status sf_resolve_numbers(const sf_resolver *r, const sf_node *node, size_t input,
                             const char *what, double **number, size_t *count);
/* The same as integers: beyond 2^53 they are 2^53. */
sf_status sf_resolve_longs(const sf_resolver *r, const sf_node *node, size_t input,
                           const char *what, long **number, size_t *count);
/* axis in [-rank, rank) -> [0, rank) */
sf_status sf_resolve_axis(const sf_node *node, long rank, long *axis);
/* value -> the same numbers in another shape, order of axes, or repeated: *result, which is the
 * value itself where nothing changes. */
sf_status sf_emit_reshape(sf_resolver *r, const sf_node *parent, size_t value,
                          const sf_shape *shape, size_t *result);
sf_status sf_emit_transpose(sf_resolver *r, const sf_node *parent, size_t value, const long *order,
                            size_t *result);
sf_status sf_emit_expand(sf_resolver *r, const sf_node *parent, size_t value, const sf_shape *shape,
                         size_t *result);
sf_status sf_emit_pair(sf_resolver *r, const sf_node *parent, sf_op op, size_t a, size_t b,
                       size_t *result);
/* Number i of a known value. */
double sf_value_number(const sf_value *value, size_t i);
/* A copy becomes the node's list. */
sf_status sf_node_set_list(sf_node *node, const long *list, size_t count);

/* The shapes of two operands and of their result, axes of 1 and neighbours that repeat alike taken
 * together: the number of axes that are left. */
int sf_shape_merge(const sf_shape *a, const sf_shape *b, size_t merged[3][SF_TENSOR_MAX_RANK]);

/* ---- rules --------------------------------------------------------------------------------- */

struct sf_compiler;
struct sf_unit;

/* *result = the value that the node's output is; SF_NO_VALUE: the node itself, as it is now. */
typedef sf_status (*sf_settle_rule)(sf_resolver *r, sf_node *node, size_t *result);
/* The shape of a settled node's output; `shapes` has those of all values. */
typedef sf_status (*sf_shape_rule)(const sf_node *node, const sf_shape *shapes, sf_shape *out);
/* Adds a settled node's steps to the plan, and registers units; then those of its derivative. */
typedef sf_status (*sf_compile_rule)(struct sf_compiler *compiler, const sf_node *node);
typedef sf_status (*sf_undo_rule)(struct sf_compiler *compiler, struct sf_unit *unit);

typedef enum sf_type_rule {
    SF_TYPE_OF_FIRST,
    SF_TYPE_OF_SECOND,
    SF_TYPE_IS_TRUTH,
    SF_TYPE_AS_TOLD
} sf_type_rule;

typedef struct sf_operator {
    const sf_field *fields; /* NULL: none */
    size_t least, most;     /* inputs in a file; the first `least` must be there */
    size_t data;            /* how many of them are data; 0: all */
    long opset;             /* the oldest that has it in this form (13 where 0) */
    bool image;             /* the first input has rank 4 */
    sf_type_rule type;
    sf_settle_rule settle;   /* NULL: it is settled */
    sf_shape_rule shape;     /* NULL: settling leaves nothing of it */
    sf_rule reference;       /* NULL: it cannot be computed from constants */
    sf_compile_rule compile; /* NULL: it can be computed from sizes and constants only */
    sf_undo_rule undo;
} sf_operator;

const sf_operator *sf_operator_of(sf_op op);

/* operators.c names them; each family stands in a file of its own. */
sf_status sf_settle_alias(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_binary(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_cast(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_clip(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_concat(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_constant_of_shape(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_convolution(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_einsum(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_expand(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_flatten(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_gather(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_gemm(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_global_pool(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_group_norm(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_instance_norm(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_layer_norm(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_matmul(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_pad(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_pow(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_range(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_reduce(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_reshape(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_resize(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_shape(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_slice(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_softmax(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_split(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_squeeze(sf_resolver *r, sf_node *node, size_t *result);
sf_status sf_settle_transpose(sf_resolver *r, sf_node *node, size_t *result);

sf_status sf_shape_batch_norm(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_broadcast(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_concat(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_convolution(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_depth_to_space(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_gather(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_listed(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_matmul(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_pad(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_pool(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_reduced(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_resize(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_same(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_slice(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_space_to_depth(const sf_node *node, const sf_shape *shapes, sf_shape *out);
sf_status sf_shape_transpose(const sf_node *node, const sf_shape *shapes, sf_shape *out);

void sf_reference_batch_norm(const sf_work *work);
void sf_reference_binary(const sf_work *work);
void sf_reference_concat(const sf_work *work);
void sf_reference_convolution(const sf_work *work);
void sf_reference_choose(const sf_work *work);
void sf_reference_matmul(const sf_work *work);
void sf_reference_max_pool(const sf_work *work);
void sf_reference_movement(const sf_work *work);
void sf_reference_normalise(const sf_work *work);
void sf_reference_pad(const sf_work *work);
void sf_reference_pointwise(const sf_work *work);
void sf_reference_pool(const sf_work *work);
void sf_reference_resize(const sf_work *work);
void sf_reference_shuffle(const sf_work *work);
void sf_reference_softmax(const sf_work *work);

sf_status sf_compile_alias(struct sf_compiler *compiler, const sf_node *node);
sf_status sf_undo_alias(struct sf_compiler *compiler, struct sf_unit *unit);
sf_status sf_compile_binary(struct sf_compiler *compiler, const sf_node *node);
sf_status sf_undo_binary(struct sf_compiler *compiler, struct sf_unit *unit);
sf_status sf_compile_concat(struct sf_compiler *compiler, const sf_node *node);
sf_status sf_undo_concat(struct sf_compiler *compiler, struct sf_unit *unit);
sf_status sf_compile_convolution(struct sf_compiler *compiler, const sf_node *node);
sf_status sf_undo_convolution(struct sf_compiler *compiler, struct sf_unit *unit);
sf_status sf_compile_matmul(struct sf_compiler *compiler, const sf_node *node);
sf_status sf_undo_matmul(struct sf_compiler *compiler, struct sf_unit *unit);
sf_status sf_compile_max_pool(struct sf_compiler *compiler, const sf_node *node);
sf_status sf_undo_max_pool(struct sf_compiler *compiler, struct sf_unit *unit);
sf_status sf_compile_movement(struct sf_compiler *compiler, const sf_node *node);
sf_status sf_undo_movement(struct sf_compiler *compiler, struct sf_unit *unit);
sf_status sf_compile_normalise(struct sf_compiler *compiler, const sf_node *node);
sf_status sf_undo_normalise(struct sf_compiler *compiler, struct sf_unit *unit);
sf_status sf_compile_pointwise(struct sf_compiler *compiler, const sf_node *node);
sf_status sf_undo_pointwise(struct sf_compiler *compiler, struct sf_unit *unit);
sf_status sf_compile_reshape(struct sf_compiler *compiler, const sf_node *node);
sf_status sf_undo_reshape(struct sf_compiler *compiler, struct sf_unit *unit);
sf_status sf_compile_sampling(struct sf_compiler *compiler, const sf_node *node);
sf_status sf_undo_sampling(struct sf_compiler *compiler, struct sf_unit *unit);
sf_status sf_compile_softmax(struct sf_compiler *compiler, const sf_node *node);
sf_status sf_undo_softmax(struct sf_compiler *compiler, struct sf_unit *unit);

#endif
