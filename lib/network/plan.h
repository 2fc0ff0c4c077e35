/* plan.h - a list of steps on tensors, with all their memory in one arena. Internal.
 *
 * A tensor is written once (or in parts, before it is read), so the steps between its first
 * and its last use are its life, and tensors whose lives do not overlap share memory. */
#ifndef SF_NETWORK_PLAN_H
#define SF_NETWORK_PLAN_H

#include "network/kernels.h"
#include "network/onednn.h"

#define SF_STEP_USES 6
#define SF_NO_TENSOR SIZE_MAX

typedef enum sf_section {
    SF_SECTION_WEIGHTS, /* after the parameters changed */
    SF_SECTION_FORWARD,
    SF_SECTION_BACKWARD,
    SF_SECTION_COUNT
} sf_section;

typedef struct sf_tensor {
    const sf_layout *layout;
    size_t dim[4]; /* N, C, H, W; parameters: what fits */
    sf_number number;
    sf_order order; /* ANY: chosen by oneDNN */
    bool fixed;     /* keeps its memory from run to run */
    bool weights;   /* a parameter: fixed, and the same for all lanes */
    float *outside; /* memory that is not the arena's, or NULL */
    size_t whose;   /* the tensor whose memory this is: its own, or a view's base */
    size_t shift;   /* a view's offset, bytes */
    size_t bytes;
    size_t first, last; /* life, in steps of forward and backward together */
    size_t offset;      /* in the arena */
} sf_tensor;

typedef struct sf_use {
    sf_role role;
    size_t tensor;
    const sf_layout *layout; /* NULL: the tensor's own; else a part of it */
} sf_use;

/* Either a oneDNN primitive or a kernel. */
typedef struct sf_step {
    sf_primitive *primitive;
    sf_kernel *kernel; /* owned */
    sf_use use[SF_STEP_USES];
    const sf_layout *result; /* how a primitive sees what it makes; NULL: as the tensor's own */
    bool forwards;           /* a forward primitive at work in a backward pass */
    int use_count;
    int overwrites; /* 1 + the use whose memory the result may take if it dies here; 0: none */
    size_t node;    /* for messages */
    double flops;
} sf_step;

typedef struct sf_steps {
    sf_step *step;
    size_t count, capacity;
} sf_steps;

typedef struct sf_plan {
    sf_dnn *dnn;
    const struct sf_plan *leader; /* the equal plan whose weights this one reads, or NULL */
    int threads;
    sf_tensor *tensor;
    size_t tensor_count, tensor_capacity;
    sf_steps steps[SF_SECTION_COUNT];
    char *arena;
    size_t arena_bytes, scratch_bytes;
} sf_plan;

/* The same numbers in several layouts; the first is where they were computed. */
#define SF_COPIES 6
typedef struct sf_copies {
    size_t tensor[SF_COPIES];
    size_t count;
} sf_copies;

sf_status sf_plan_create(int threads, const sf_plan *leader, sf_plan *plan);
void sf_plan_release(sf_plan *plan);

/* A new tensor in one of the orders. */
sf_status sf_plan_tensor(sf_plan *plan, const size_t dim[4], sf_number number, sf_order order,
                         bool fixed, size_t *tensor);
/* A new tensor in a layout that a primitive chose. */
sf_status sf_plan_tensor_like(sf_plan *plan, const sf_layout *layout, const size_t dim[4],
                              sf_number number, bool fixed, size_t *tensor);
/* Other eyes on `base`, `shift` bytes in. */
sf_status sf_plan_view(sf_plan *plan, size_t base, size_t shift, const sf_layout *layout,
                       const size_t dim[4], sf_order order, size_t *tensor);
/* Takes the step's kernel, also on failure. */
sf_status sf_plan_add(sf_plan *plan, sf_section section, const sf_step *step);
/* source -> destination, which may be a part (or NULL: the whole tensor); `add`: +=. */
sf_status sf_plan_reorder(sf_plan *plan, sf_section section, size_t node, sf_use source,
                          sf_use destination, bool add);
/* A fixed tensor's memory is the caller's. */
void sf_plan_place(sf_plan *plan, size_t tensor, float *outside);
/* Finds, or makes by a reorder, the copy in that layout. */
sf_status sf_plan_copy(sf_plan *plan, sf_section section, size_t node, sf_copies *copies,
                       const sf_layout *layout, sf_number number, sf_order order, size_t *tensor);
sf_status sf_plan_copy_order(sf_plan *plan, sf_section section, size_t node, sf_copies *copies,
                             sf_number number, sf_order order, size_t *tensor);

/* Lays out the arena and binds every step to it. Nothing can be added afterwards. */
sf_status sf_plan_finish(sf_plan *plan);
float *sf_plan_data(const sf_plan *plan, size_t tensor);
sf_status sf_plan_run(const sf_plan *plan, sf_section section);

#endif
