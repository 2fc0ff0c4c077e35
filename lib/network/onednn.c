/* onednn.c - the only file that includes dnnl.h.
 *
 * oneDNN 2.x describes an operation by a public struct and makes the primitive descriptor from
 * that; 3.x makes it in one call, and its memory descriptors are opaque handles. The two meet in
 * the first half, outside which everything is written for 3.x. */
#include "network/onednn.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <string.h>

#define MAX_ARGUMENTS 8

struct sf_layout {
    dnnl_memory_desc_t descriptor;
    struct sf_layout *next;
};

struct sf_primitive {
    dnnl_primitive_desc_t descriptor;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t argument[MAX_ARGUMENTS];
    int argument_count;
    struct sf_primitive *next;
};

struct sf_dnn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    sf_layout *layouts;
    sf_primitive *primitives;
};

static sf_status library_error(const char *what, dnnl_status_t status)
{
    return sf_fail(status == dnnl_out_of_memory ? SF_ERR_MEMORY : SF_ERR_LIBRARY,
                   "oneDNN could not %s (its status %d)", what, (int)status);
}

/* An optional layout's descriptor for a call. */
#if DNNL_VERSION_MAJOR >= 3
#define DESCRIPTOR(layout) ((layout) != NULL ? (layout)->descriptor : NULL)
typedef const_dnnl_memory_desc_t sf_descriptor;
#else
#define DESCRIPTOR(layout)                   ((layout) != NULL ? &(layout)->descriptor : NULL)
typedef const dnnl_memory_desc_t *sf_descriptor;

/* the same calls by their older names */
#define dnnl_memory_desc_create_with_strides dnnl_memory_desc_init_by_strides
#define dnnl_memory_desc_create_with_tag     dnnl_memory_desc_init_by_tag
#define dnnl_memory_desc_create_submemory    dnnl_memory_desc_init_submemory
#endif

/* ---- where the two APIs differ --------------------------------------------------------- */

typedef struct sf_window {
    dnnl_dims_t kernel, strides, dilates, low, high;
} sf_window;

static dnnl_alg_kind_t algorithm(const sf_convolution *convolution)
{
    if (convolution->transposed) return dnnl_deconvolution_direct;
    return convolution->winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
}

#if DNNL_VERSION_MAJOR >= 3

static dnnl_status_t descriptor_copy(dnnl_memory_desc_t *copy, sf_descriptor source)
{
    return dnnl_memory_desc_clone(copy, source);
}

static void descriptor_release(dnnl_memory_desc_t descriptor)
{
    (void)dnnl_memory_desc_destroy(descriptor);
}

static dnnl_status_t append_activation(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha,
                                       float beta)
{
    return dnnl_post_ops_append_eltwise(ops, kind, alpha, beta);
}

static dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0F, 0, dnnl_data_type_undef);
}

static dnnl_status_t describe_convolution(dnnl_primitive_desc_t *descriptor, dnnl_engine_t engine,
                                          sf_pass pass, const sf_convolution *c, const sf_window *w,
                                          const_dnnl_primitive_attr_t attr,
                                          const_dnnl_primitive_desc_t hint)
{
    const sf_descriptor x = DESCRIPTOR(c->source), k = DESCRIPTOR(c->weights),
                        b = DESCRIPTOR(c->bias), y = DESCRIPTOR(c->destination);
    const dnnl_prop_kind_t kind =
        pass == SF_PASS_INFERENCE ? dnnl_forward_inference : dnnl_forward_training;

    if (pass == SF_PASS_DATA)
        return (c->transposed ? dnnl_deconvolution_backward_data_primitive_desc_create
                              : dnnl_convolution_backward_data_primitive_desc_create)(
            descriptor, engine, algorithm(c), x, k, y, w->strides, w->dilates, w->low, w->high,
            hint, attr);
    if (pass == SF_PASS_WEIGHTS)
        return (c->transposed ? dnnl_deconvolution_backward_weights_primitive_desc_create
                              : dnnl_convolution_backward_weights_primitive_desc_create)(
            descriptor, engine, algorithm(c), x, k, b, y, w->strides, w->dilates, w->low, w->high,
            hint, attr);
    return (c->transposed ? dnnl_deconvolution_forward_primitive_desc_create
                          : dnnl_convolution_forward_primitive_desc_create)(
        descriptor, engine, kind, algorithm(c), x, k, b, y, w->strides, w->dilates, w->low, w->high,
        attr);
}

static dnnl_status_t describe_activation(dnnl_primitive_desc_t *descriptor, dnnl_engine_t engine,
                                         dnnl_alg_kind_t kind, sf_activation a, sf_descriptor x,
                                         const_dnnl_primitive_desc_t hint,
                                         const_dnnl_primitive_attr_t attr)
{
    if (hint != NULL)
        return dnnl_eltwise_backward_primitive_desc_create(descriptor, engine, kind, x, x, x,
                                                           a.alpha, a.beta, hint, attr);
    return dnnl_eltwise_forward_primitive_desc_create(descriptor, engine, dnnl_forward_training,
                                                      kind, x, x, a.alpha, a.beta, attr);
}

static dnnl_status_t describe_binary(dnnl_primitive_desc_t *descriptor, dnnl_engine_t engine,
                                     dnnl_alg_kind_t kind, sf_descriptor a, sf_descriptor b,
                                     const_dnnl_primitive_attr_t attr)
{
    return dnnl_binary_primitive_desc_create(descriptor, engine, kind, a, b, a, attr);
}

static dnnl_status_t describe_matmul(dnnl_primitive_desc_t *descriptor, dnnl_engine_t engine,
                                     sf_descriptor a, sf_descriptor b, sf_descriptor c,
                                     const_dnnl_primitive_attr_t attr)
{
    return dnnl_matmul_primitive_desc_create(descriptor, engine, a, b, NULL, c, attr);
}

static dnnl_status_t describe_softmax(dnnl_primitive_desc_t *descriptor, dnnl_engine_t engine,
                                      sf_descriptor x, const_dnnl_primitive_desc_t hint,
                                      const_dnnl_primitive_attr_t attr)
{
    if (hint != NULL)
        return dnnl_softmax_backward_primitive_desc_create(
            descriptor, engine, dnnl_softmax_accurate, x, x, x, 1, hint, attr);
    return dnnl_softmax_forward_primitive_desc_create(descriptor, engine, dnnl_forward_training,
                                                      dnnl_softmax_accurate, x, x, 1, attr);
}

static dnnl_status_t describe_pool(dnnl_primitive_desc_t *descriptor, dnnl_engine_t engine,
                                   sf_pass pass, const sf_pool *p, const sf_window *w,
                                   const_dnnl_primitive_attr_t attr,
                                   const_dnnl_primitive_desc_t hint)
{
    const sf_descriptor x = DESCRIPTOR(p->source), y = DESCRIPTOR(p->destination);

    if (pass == SF_PASS_DATA)
        return dnnl_pooling_backward_primitive_desc_create(descriptor, engine, dnnl_pooling_max, x,
                                                           y, w->strides, w->kernel, w->dilates,
                                                           w->low, w->high, hint, attr);
    return dnnl_pooling_forward_primitive_desc_create(
        descriptor, engine,
        pass == SF_PASS_INFERENCE ? dnnl_forward_inference : dnnl_forward_training,
        dnnl_pooling_max, x, y, w->strides, w->kernel, w->dilates, w->low, w->high, attr);
}

#else

static dnnl_status_t descriptor_copy(dnnl_memory_desc_t *copy, sf_descriptor source)
{
    *copy = *source;
    return dnnl_success;
}

static void descriptor_release(dnnl_memory_desc_t descriptor) { (void)descriptor; }

static dnnl_status_t append_activation(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha,
                                       float beta)
{
    return dnnl_post_ops_append_eltwise(ops, 1.0F, kind, alpha, beta);
}

static dnnl_status_t append_sum(dnnl_post_ops_t ops) { return dnnl_post_ops_append_sum(ops, 1.0F); }

static dnnl_status_t describe_convolution(dnnl_primitive_desc_t *descriptor, dnnl_engine_t engine,
                                          sf_pass pass, const sf_convolution *c, const sf_window *w,
                                          const_dnnl_primitive_attr_t attr,
                                          const_dnnl_primitive_desc_t hint)
{
    const sf_descriptor x = DESCRIPTOR(c->source), k = DESCRIPTOR(c->weights),
                        b = DESCRIPTOR(c->bias), y = DESCRIPTOR(c->destination);
    const dnnl_prop_kind_t kind =
        pass == SF_PASS_INFERENCE ? dnnl_forward_inference : dnnl_forward_training;
    dnnl_convolution_desc_t operation; /* dnnl_deconvolution_desc_t is the same struct */
    dnnl_status_t status;

    if (pass == SF_PASS_DATA)
        status = (c->transposed ? dnnl_dilated_deconvolution_backward_data_desc_init
                                : dnnl_dilated_convolution_backward_data_desc_init)(
            &operation, algorithm(c), x, k, y, w->strides, w->dilates, w->low, w->high);
    else if (pass == SF_PASS_WEIGHTS)
        status = (c->transposed ? dnnl_dilated_deconvolution_backward_weights_desc_init
                                : dnnl_dilated_convolution_backward_weights_desc_init)(
            &operation, algorithm(c), x, k, b, y, w->strides, w->dilates, w->low, w->high);
    else
        status = (c->transposed ? dnnl_dilated_deconvolution_forward_desc_init
                                : dnnl_dilated_convolution_forward_desc_init)(
            &operation, kind, algorithm(c), x, k, b, y, w->strides, w->dilates, w->low, w->high);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(descriptor, &operation, attr, engine, hint);
}

static dnnl_status_t describe_activation(dnnl_primitive_desc_t *descriptor, dnnl_engine_t engine,
                                         dnnl_alg_kind_t kind, sf_activation a, sf_descriptor x,
                                         const_dnnl_primitive_desc_t hint,
                                         const_dnnl_primitive_attr_t attr)
{
    dnnl_eltwise_desc_t operation;
    dnnl_status_t status;

    if (hint != NULL)
        status = dnnl_eltwise_backward_desc_init(&operation, kind, x, x, a.alpha, a.beta);
    else
        status = dnnl_eltwise_forward_desc_init(&operation, dnnl_forward_training, kind, x, a.alpha,
                                                a.beta);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(descriptor, &operation, attr, engine, hint);
}

static dnnl_status_t describe_binary(dnnl_primitive_desc_t *descriptor, dnnl_engine_t engine,
                                     dnnl_alg_kind_t kind, sf_descriptor a, sf_descriptor b,
                                     const_dnnl_primitive_attr_t attr)
{
    dnnl_binary_desc_t operation;
    const dnnl_status_t status = dnnl_binary_desc_init(&operation, kind, a, b, a);

    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(descriptor, &operation, attr, engine, NULL);
}

static dnnl_status_t describe_matmul(dnnl_primitive_desc_t *descriptor, dnnl_engine_t engine,
                                     sf_descriptor a, sf_descriptor b, sf_descriptor c,
                                     const_dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t operation;
    const dnnl_status_t status = dnnl_matmul_desc_init(&operation, a, b, NULL, c);

    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(descriptor, &operation, attr, engine, NULL);
}

static dnnl_status_t describe_softmax(dnnl_primitive_desc_t *descriptor, dnnl_engine_t engine,
                                      sf_descriptor x, const_dnnl_primitive_desc_t hint,
                                      const_dnnl_primitive_attr_t attr)
{
    dnnl_softmax_desc_t operation;
    const dnnl_status_t status =
        hint != NULL ? dnnl_softmax_backward_desc_init(&operation, x, x, 1)
                     : dnnl_softmax_forward_desc_init(&operation, dnnl_forward_training, x, 1);

    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(descriptor, &operation, attr, engine, hint);
}

static dnnl_status_t describe_pool(dnnl_primitive_desc_t *descriptor, dnnl_engine_t engine,
                                   sf_pass pass, const sf_pool *p, const sf_window *w,
                                   const_dnnl_primitive_attr_t attr,
                                   const_dnnl_primitive_desc_t hint)
{
    const sf_descriptor x = DESCRIPTOR(p->source), y = DESCRIPTOR(p->destination);
    const dnnl_prop_kind_t kind =
        pass == SF_PASS_INFERENCE ? dnnl_forward_inference : dnnl_forward_training;
    dnnl_pooling_v2_desc_t operation;
    dnnl_status_t status;

    if (pass == SF_PASS_DATA)
        status = dnnl_pooling_v2_backward_desc_init(&operation, dnnl_pooling_max, x, y, w->strides,
                                                    w->kernel, w->dilates, w->low, w->high);
    else
        status =
            dnnl_pooling_v2_forward_desc_init(&operation, kind, dnnl_pooling_max, x, y, w->strides,
                                              w->kernel, w->dilates, w->low, w->high);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(descriptor, &operation, attr, engine, hint);
}

#endif

static sf_descriptor query_descriptor(const_dnnl_primitive_desc_t primitive, int argument)
{
    return dnnl_primitive_desc_query_md(primitive, dnnl_query_exec_arg_md, argument);
}

/* ---- context --------------------------------------------------------------------------- */

const char *sf_dnn_version(void)
{
    static _Thread_local char text[32];
    const dnnl_version_t *version = dnnl_version();

    (void)snprintf(text, sizeof text, "oneDNN %d.%d.%d", version->major, version->minor,
                   version->patch);
    return text;
}

static bool has_isa(int wanted) { return ((int)dnnl_get_effective_cpu_isa() & wanted) == wanted; }

bool sf_dnn_has_bf16(void) { return has_isa((int)dnnl_cpu_isa_avx512_core_bf16); }

int sf_dnn_block(void)
{
    return has_isa((int)dnnl_cpu_isa_avx512_core) ? 16 : has_isa((int)dnnl_cpu_isa_avx2) ? 8 : 0;
}

sf_status sf_dnn_create(sf_dnn **dnn)
{
    sf_dnn *created = NULL;
    dnnl_status_t status;

    *dnn = NULL;
    SF_TRY(sf_allocate(&created, 1, sizeof *created));
    status = dnnl_engine_create(&created->engine, dnnl_cpu, 0);
    if (status == dnnl_success)
        status = dnnl_stream_create(&created->stream, created->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        sf_dnn_release(&created);
        return library_error("start", status);
    }
    *dnn = created;
    return SF_OK;
}

static void release_primitive(sf_primitive *primitive)
{
    for (int i = 0; i < primitive->argument_count; i++)
        (void)dnnl_memory_destroy(primitive->argument[i].memory);
    if (primitive->primitive != NULL) (void)dnnl_primitive_destroy(primitive->primitive);
    if (primitive->descriptor != NULL) (void)dnnl_primitive_desc_destroy(primitive->descriptor);
    sf_free(primitive);
}

void sf_dnn_release(sf_dnn **dnn)
{
    if (*dnn == NULL) return;
    for (sf_primitive *p = (*dnn)->primitives, *next; p != NULL; p = next) {
        next = p->next;
        release_primitive(p);
    }
    for (sf_layout *l = (*dnn)->layouts, *next; l != NULL; l = next) {
        next = l->next;
        descriptor_release(l->descriptor);
        sf_free(l);
    }
    if ((*dnn)->stream != NULL) (void)dnnl_stream_destroy((*dnn)->stream);
    if ((*dnn)->engine != NULL) (void)dnnl_engine_destroy((*dnn)->engine);
    sf_free(*dnn);
    *dnn = NULL;
}

/* ---- layouts --------------------------------------------------------------------------- */

static void keep_layout(sf_dnn *dnn, sf_layout *made, const sf_layout **layout)
{
    made->next = dnn->layouts;
    dnn->layouts = made;
    *layout = made;
}

static dnnl_format_tag_t tag_of(int rank, sf_order order)
{
    switch (order) {
    case SF_ORDER_PLAIN: return rank == 1 ? dnnl_a : rank == 4 ? dnnl_abcd : dnnl_abcde;
    case SF_ORDER_CHANNELS_LAST: return dnnl_acdb;
    case SF_ORDER_BLOCKED_8: return dnnl_aBcd8b;
    case SF_ORDER_BLOCKED_16: return dnnl_aBcd16b;
    case SF_ORDER_ANY: break;
    }
    return dnnl_format_tag_any;
}

sf_status sf_layout_create(sf_dnn *dnn, int rank, const size_t *dim, sf_number number,
                           sf_order order, const size_t *strides, const sf_layout **layout)
{
    const dnnl_data_type_t type = number == SF_NUMBER_BF16 ? dnnl_bf16 : dnnl_f32;
    dnnl_dims_t dims = {0}, steps = {0};
    dnnl_status_t status;
    sf_layout *made;

    *layout = NULL;
    SF_TRY(sf_allocate(&made, 1, sizeof *made));
    for (int i = 0; i < rank; i++) {
        dims[i] = (dnnl_dim_t)dim[i];
        if (strides != NULL) steps[i] = (dnnl_dim_t)strides[i];
    }
    status = strides != NULL
                 ? dnnl_memory_desc_create_with_strides(&made->descriptor, rank, dims, type, steps)
                 : dnnl_memory_desc_create_with_tag(&made->descriptor, rank, dims, type,
                                                    tag_of(rank, order));
    if (status != dnnl_success) {
        sf_free(made);
        return library_error("describe a tensor", status);
    }
    keep_layout(dnn, made, layout);
    return SF_OK;
}

sf_status sf_layout_part(sf_dnn *dnn, const sf_layout *whole, const size_t dim[4],
                         const size_t offset[4], const sf_layout **part)
{
    dnnl_dims_t dims = {0}, start = {0};
    sf_layout *made;

    *part = NULL;
    SF_TRY(sf_allocate(&made, 1, sizeof *made));
    for (int i = 0; i < 4; i++) {
        dims[i] = (dnnl_dim_t)dim[i];
        start[i] = (dnnl_dim_t)offset[i];
    }
    if (dnnl_memory_desc_create_submemory(&made->descriptor, DESCRIPTOR(whole), dims, start) !=
        dnnl_success) {
        sf_free(made); /* the cut is inside a block of channels */
        return SF_OK;
    }
    keep_layout(dnn, made, part);
    return SF_OK;
}

bool sf_layout_equal(const sf_layout *a, const sf_layout *b)
{
    return a == b || dnnl_memory_desc_equal(DESCRIPTOR(a), DESCRIPTOR(b)) != 0;
}

size_t sf_layout_bytes(const sf_layout *layout)
{
    return dnnl_memory_desc_get_size(DESCRIPTOR(layout));
}

/* ---- primitives ------------------------------------------------------------------------ */

typedef struct sf_algorithms {
    dnnl_alg_kind_t forward, backward;
} sf_algorithms;

static const sf_algorithms algorithms[] = {
    [SF_ACTIVATION_NONE] = {dnnl_alg_kind_undef, dnnl_alg_kind_undef},
    [SF_ACTIVATION_RELU] = {dnnl_eltwise_relu, dnnl_eltwise_relu_use_dst_for_bwd},
    [SF_ACTIVATION_ELU] = {dnnl_eltwise_elu, dnnl_eltwise_elu_use_dst_for_bwd},
    [SF_ACTIVATION_SIGMOID] = {dnnl_eltwise_logistic, dnnl_eltwise_logistic_use_dst_for_bwd},
    [SF_ACTIVATION_TANH] = {dnnl_eltwise_tanh, dnnl_eltwise_tanh_use_dst_for_bwd},
    [SF_ACTIVATION_SOFTPLUS] = {dnnl_eltwise_soft_relu, dnnl_eltwise_soft_relu},
    [SF_ACTIVATION_CLIP] = {dnnl_eltwise_clip, dnnl_eltwise_clip},
    [SF_ACTIVATION_EXP] = {dnnl_eltwise_exp, dnnl_eltwise_exp_use_dst_for_bwd},
    [SF_ACTIVATION_GELU] = {dnnl_eltwise_gelu_erf, dnnl_eltwise_gelu_erf},
    [SF_ACTIVATION_GELU_TANH] = {dnnl_eltwise_gelu_tanh, dnnl_eltwise_gelu_tanh},
    [SF_ACTIVATION_SQRT] = {dnnl_eltwise_sqrt, dnnl_eltwise_sqrt_use_dst_for_bwd},
    [SF_ACTIVATION_ABS] = {dnnl_eltwise_abs, dnnl_eltwise_abs},
    [SF_ACTIVATION_POWER] = {dnnl_eltwise_pow, dnnl_eltwise_pow},
    [SF_ACTIVATION_LINEAR] = {dnnl_eltwise_linear, dnnl_eltwise_linear},
};

bool sf_activation_inverts(sf_activation activation)
{
    return algorithms[activation.kind].backward != algorithms[activation.kind].forward &&
           activation.alpha >= 0.0F;
}

/* Attributes of every primitive: the caller's scratch memory, and what is fused. */
static sf_status make_attributes(const sf_fusion *fusion, bool add,
                                 dnnl_primitive_attr_t *attributes)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(attributes);

    if (status != dnnl_success) return library_error("make a primitive's attributes", status);
    status = dnnl_primitive_attr_set_scratchpad_mode(*attributes, dnnl_scratchpad_mode_user);
    if (status == dnnl_success) status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success && add) status = append_sum(ops);
    if (status == dnnl_success && fusion != NULL && fusion->addend != NULL)
        status = dnnl_post_ops_append_binary(ops, dnnl_binary_add, DESCRIPTOR(fusion->addend));
    if (status == dnnl_success && fusion != NULL && fusion->activation.kind != SF_ACTIVATION_NONE)
        status = append_activation(ops, algorithms[fusion->activation.kind].forward,
                                   fusion->activation.alpha, fusion->activation.beta);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attributes, ops);
    if (ops != NULL) (void)dnnl_post_ops_destroy(ops);
    if (status == dnnl_success) return SF_OK;
    (void)dnnl_primitive_attr_destroy(*attributes);
    return library_error("set a primitive's attributes", status);
}

/* Takes `descriptor`. A reference implementation is as good as none. */
static sf_status keep_primitive(sf_dnn *dnn, dnnl_status_t status, dnnl_primitive_desc_t descriptor,
                                sf_primitive **primitive)
{
    sf_primitive *made;
    sf_status result;

    *primitive = NULL;
    if (status == dnnl_out_of_memory) return library_error("describe a primitive", status);
    if (status != dnnl_success) return SF_OK;
    result = sf_allocate(&made, 1, sizeof *made);
    if (result != SF_OK) {
        (void)dnnl_primitive_desc_destroy(descriptor);
        return result;
    }
    made->descriptor = descriptor;
    if (strstr(sf_primitive_name(made), "ref") != NULL) {
        release_primitive(made);
        return SF_OK;
    }
    status = dnnl_primitive_create(&made->primitive, descriptor);
    if (status != dnnl_success) {
        release_primitive(made);
        return library_error("compile a primitive", status);
    }
    made->next = dnn->primitives;
    dnn->primitives = made;
    *primitive = made;
    return SF_OK;
}

sf_status sf_primitive_convolution(sf_dnn *dnn, sf_pass pass, const sf_convolution *convolution,
                                   const sf_fusion *fusion, const sf_primitive *forward,
                                   sf_primitive **primitive)
{
    sf_window window = {0};
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_status_t status;

    *primitive = NULL;
    SF_TRY(make_attributes(fusion, false, &attributes));
    for (int i = 0; i < 2; i++) {
        window.strides[i] = (dnnl_dim_t)convolution->stride[i];
        window.dilates[i] = (dnnl_dim_t)convolution->dilation[i] - 1;
        window.low[i] = convolution->pad_low[i];
        window.high[i] = convolution->pad_high[i];
    }
    status = describe_convolution(&descriptor, dnn->engine, pass, convolution, &window, attributes,
                                  forward != NULL ? forward->descriptor : NULL);
    (void)dnnl_primitive_attr_destroy(attributes);
    return keep_primitive(dnn, status, descriptor, primitive);
}

sf_status sf_primitive_activation(sf_dnn *dnn, sf_activation activation, const sf_layout *layout,
                                  bool backward, sf_primitive **primitive)
{
    const sf_algorithms *both = &algorithms[activation.kind];
    const bool inverts = backward && sf_activation_inverts(activation);
    const dnnl_alg_kind_t kind = inverts ? both->backward : both->forward;
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t descriptor = NULL, hint = NULL;
    dnnl_status_t status;

    *primitive = NULL;
    SF_TRY(make_attributes(NULL, false, &attributes));
    status = describe_activation(&descriptor, dnn->engine, kind, activation, DESCRIPTOR(layout),
                                 NULL, attributes);
    if (status == dnnl_success && backward) {
        hint = descriptor;
        descriptor = NULL;
        status = describe_activation(&descriptor, dnn->engine, kind, activation, DESCRIPTOR(layout),
                                     hint, attributes);
        (void)dnnl_primitive_desc_destroy(hint);
    }
    (void)dnnl_primitive_attr_destroy(attributes);
    return keep_primitive(dnn, status, descriptor, primitive);
}

sf_status sf_primitive_binary(sf_dnn *dnn, sf_binary operation, const sf_layout *a,
                              const sf_layout *b, sf_primitive **primitive)
{
    static const dnnl_alg_kind_t kind[] = {dnnl_binary_add, dnnl_binary_sub, dnnl_binary_mul,
                                           dnnl_binary_div, dnnl_binary_max, dnnl_binary_min};
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_status_t status;

    *primitive = NULL;
    SF_TRY(make_attributes(NULL, false, &attributes));
    status = describe_binary(&descriptor, dnn->engine, kind[operation], DESCRIPTOR(a),
                             DESCRIPTOR(b), attributes);
    (void)dnnl_primitive_attr_destroy(attributes);
    return keep_primitive(dnn, status, descriptor, primitive);
}

sf_status sf_primitive_matmul(sf_dnn *dnn, const sf_layout *a, const sf_layout *b,
                              const sf_layout *c, sf_primitive **primitive)
{
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_status_t status;

    *primitive = NULL;
    SF_TRY(make_attributes(NULL, false, &attributes));
    status = describe_matmul(&descriptor, dnn->engine, DESCRIPTOR(a), DESCRIPTOR(b), DESCRIPTOR(c),
                             attributes);
    (void)dnnl_primitive_attr_destroy(attributes);
    return keep_primitive(dnn, status, descriptor, primitive);
}

sf_status sf_primitive_softmax(sf_dnn *dnn, const sf_layout *layout, bool backward,
                               sf_primitive **primitive)
{
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t descriptor = NULL, hint = NULL;
    dnnl_status_t status;

    *primitive = NULL;
    SF_TRY(make_attributes(NULL, false, &attributes));
    status = describe_softmax(&descriptor, dnn->engine, DESCRIPTOR(layout), NULL, attributes);
    if (status == dnnl_success && backward) {
        hint = descriptor;
        descriptor = NULL;
        status = describe_softmax(&descriptor, dnn->engine, DESCRIPTOR(layout), hint, attributes);
        (void)dnnl_primitive_desc_destroy(hint);
    }
    (void)dnnl_primitive_attr_destroy(attributes);
    return keep_primitive(dnn, status, descriptor, primitive);
}

sf_status sf_primitive_max_pool(sf_dnn *dnn, sf_pass pass, const sf_pool *pool,
                                const sf_primitive *forward, sf_primitive **primitive)
{
    sf_window window = {0};
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_status_t status;

    *primitive = NULL;
    SF_TRY(make_attributes(NULL, false, &attributes));
    for (int i = 0; i < 2; i++) {
        window.kernel[i] = (dnnl_dim_t)pool->kernel[i];
        window.strides[i] = (dnnl_dim_t)pool->stride[i];
        window.dilates[i] = (dnnl_dim_t)pool->dilation[i] - 1;
        window.low[i] = pool->pad_low[i];
        window.high[i] = pool->pad_high[i];
    }
    status = describe_pool(&descriptor, dnn->engine, pass, pool, &window, attributes,
                           forward != NULL ? forward->descriptor : NULL);
    (void)dnnl_primitive_attr_destroy(attributes);
    return keep_primitive(dnn, status, descriptor, primitive);
}

sf_status sf_primitive_reorder(sf_dnn *dnn, const sf_layout *source, const sf_layout *destination,
                               bool add, sf_primitive **primitive)
{
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_status_t status;

    *primitive = NULL;
    SF_TRY(make_attributes(NULL, add, &attributes));
    status = dnnl_reorder_primitive_desc_create(&descriptor, DESCRIPTOR(source), dnn->engine,
                                                DESCRIPTOR(destination), dnn->engine, attributes);
    (void)dnnl_primitive_attr_destroy(attributes);
    return keep_primitive(dnn, status, descriptor, primitive);
}

/* ---- what a primitive says of itself, and its run ---------------------------------------- */

static int argument_of(sf_role role)
{
    static const int argument[SF_ROLE_COUNT] = {
        [SF_ROLE_SOURCE] = DNNL_ARG_SRC,
        [SF_ROLE_SOURCE_1] = DNNL_ARG_SRC_1,
        [SF_ROLE_WEIGHTS] = DNNL_ARG_WEIGHTS,
        [SF_ROLE_BIAS] = DNNL_ARG_BIAS,
        [SF_ROLE_DESTINATION] = DNNL_ARG_DST,
        [SF_ROLE_ADDEND] = DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1,
        [SF_ROLE_SOURCE_GRADIENT] = DNNL_ARG_DIFF_SRC,
        [SF_ROLE_WEIGHTS_GRADIENT] = DNNL_ARG_DIFF_WEIGHTS,
        [SF_ROLE_BIAS_GRADIENT] = DNNL_ARG_DIFF_BIAS,
        [SF_ROLE_DESTINATION_GRADIENT] = DNNL_ARG_DIFF_DST,
        [SF_ROLE_WORKSPACE] = DNNL_ARG_WORKSPACE,
        [SF_ROLE_SCRATCH] = DNNL_ARG_SCRATCHPAD,
    };

    return argument[role];
}

sf_status sf_primitive_layout(sf_dnn *dnn, const sf_primitive *primitive, sf_role role,
                              const sf_layout **layout)
{
    const sf_descriptor found = query_descriptor(primitive->descriptor, argument_of(role));
    dnnl_status_t status = dnnl_invalid_arguments;
    sf_layout *made;

    *layout = NULL;
    SF_TRY(sf_allocate(&made, 1, sizeof *made));
    if (found != NULL) status = descriptor_copy(&made->descriptor, found);
    if (status != dnnl_success) {
        sf_free(made);
        return library_error("say which layout it chose", status);
    }
    keep_layout(dnn, made, layout);
    return SF_OK;
}

const char *sf_primitive_name(const sf_primitive *primitive)
{
    const char *name = NULL;

    (void)dnnl_primitive_desc_query(primitive->descriptor, dnnl_query_impl_info_str, 0, &name);
    return name != NULL ? name : "unknown";
}

size_t sf_primitive_scratch_bytes(const sf_primitive *primitive)
{
    const sf_descriptor scratch = query_descriptor(primitive->descriptor, DNNL_ARG_SCRATCHPAD);

    return scratch != NULL ? dnnl_memory_desc_get_size(scratch) : 0;
}

sf_status sf_primitive_bind(sf_dnn *dnn, sf_primitive *primitive, sf_role role,
                            const sf_layout *layout, void *data)
{
    const sf_descriptor descriptor =
        role == SF_ROLE_SCRATCH ? query_descriptor(primitive->descriptor, DNNL_ARG_SCRATCHPAD)
                                : DESCRIPTOR(layout);
    dnnl_exec_arg_t *argument = &primitive->argument[primitive->argument_count];
    dnnl_status_t status;

    if (primitive->argument_count == MAX_ARGUMENTS)
        return sf_fail(SF_ERR_LIBRARY, "a primitive has more than %d arguments", MAX_ARGUMENTS);
    status = dnnl_memory_create(&argument->memory, descriptor, dnn->engine, data);
    if (status != dnnl_success) return library_error("bind a tensor", status);
    argument->arg = argument_of(role);
    primitive->argument_count++;
    return SF_OK;
}

sf_status sf_primitive_run(sf_dnn *dnn, const sf_primitive *primitive)
{
    dnnl_status_t status = dnnl_primitive_execute(primitive->primitive, dnn->stream,
                                                  primitive->argument_count, primitive->argument);

    if (status == dnnl_success) status = dnnl_stream_wait(dnn->stream);
    return status == dnnl_success ? SF_OK : library_error("run a primitive", status);
}
