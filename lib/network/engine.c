/* engine.c - a graph compiled for one shape: creation, and the calls of engine.h. */
#include "network/engine.h"

#include "network/compile.h"

#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A training batch is cut into lanes, by its size alone: each runs on one thread, and the lanes'
 * parameter gradients are added in their order. So the bits do not depend on the number of
 * threads (oneDNN's own backward-weights primitives give other bits on two threads than on one;
 * everything else gives the same), and threads wait for each other twice a step, not at every
 * primitive. Lanes of four samples or more are as efficient as the whole (measured: 4 lanes of 4
 * cost 3 %, 8 of 2 14 %). */
#define FEW_LANES    4
#define MOST_LANES   16
#define LANE_SAMPLES 4

struct sf_engine {
    sf_engine_options options;
    int threads;
    int lane_threads;
    sf_plan *lane; /* equal plans; the first holds the weights of all */
    size_t lanes;
    sf_shape output_shape;
    size_t output_count, parameter_count, input_count, bytes;
    float *input[2], *output, *output_gradient, *input_gradient, *parameter_gradient;
    size_t parameters, lane_gradient; /* tensors of every lane */
    bool ran;                         /* a forward that no backward has used up */
};

const char *sf_engine_library(void) { return sf_dnn_version(); }
bool sf_engine_has_bf16(void) { return sf_dnn_has_bf16(); }

/* ---- creation -------------------------------------------------------------------------- */

/* NHWC is the fastest for inference (brgconv), and for everything in bf16 (AMX); f32 training
 * likes blocks of channels. What neither has, oneDNN may have in an order of its own choice, and
 * its matrix multiplication on NCHW serves any shape. */
static void choose_orders(sf_compiler *compiler)
{
    const int block = sf_dnn_block();
    const sf_order blocked = block == 16  ? SF_ORDER_BLOCKED_16
                             : block == 8 ? SF_ORDER_BLOCKED_8
                                          : SF_ORDER_CHANNELS_LAST;
    const bool blocks_first = compiler->options.training && !compiler->options.bf16;

    compiler->order[0] = blocks_first ? blocked : SF_ORDER_CHANNELS_LAST;
    compiler->order[1] = blocks_first ? SF_ORDER_CHANNELS_LAST : blocked;
    compiler->order[2] = SF_ORDER_ANY;
    compiler->order[3] = SF_ORDER_PLAIN;
    compiler->order_count = SF_ORDERS;
}

static sf_status start_compiler(sf_compiler *compiler, const sf_graph *graph)
{
    const size_t values = graph->value_count, nodes = graph->node_count;

    SF_TRY(sf_allocate(&compiler->shape, values, sizeof *compiler->shape));
    SF_TRY(sf_allocate(&compiler->value, values, sizeof *compiler->value));
    SF_TRY(sf_allocate(&compiler->gradient, values, sizeof *compiler->gradient));
    SF_TRY(sf_allocate(&compiler->consumers, values, sizeof *compiler->consumers));
    SF_TRY(sf_allocate(&compiler->needs, values, sizeof *compiler->needs));
    SF_TRY(sf_allocate(&compiler->summed, values, sizeof *compiler->summed));
    SF_TRY(sf_allocate(&compiler->done, nodes, sizeof *compiler->done));
    SF_TRY(sf_allocate(&compiler->unit, nodes, sizeof *compiler->unit));
    for (size_t v = 0; v < values; v++) compiler->shape[v] = graph->value[v].shape;
    for (size_t i = 0; i < nodes; i++)
        for (size_t k = 0; k < graph->node[i].input_count; k++)
            compiler->consumers[graph->node[i].input[k]]++;
    compiler->graph = graph;
    choose_orders(compiler);
    return SF_OK;
}

static void stop_compiler(sf_compiler *compiler)
{
    sf_free(compiler->shape);
    sf_free(compiler->value);
    sf_free(compiler->gradient);
    sf_free(compiler->consumers);
    sf_free(compiler->needs);
    sf_free(compiler->summed);
    sf_free(compiler->done);
    sf_free(compiler->unit);
}

/* What comes in and goes out, and the flat parameters: they keep their memory. */
static sf_status make_fixed(sf_compiler *compiler, size_t count)
{
    const size_t flat[4] = {1, 1, 1, count > 0 ? count : 1};
    const sf_graph *graph = compiler->graph;
    sf_plan *plan = compiler->plan;
    size_t dim[4];

    for (size_t i = 0; i < graph->input_count; i++) {
        sf_compile_dim(compiler, graph->input[i], dim);
        SF_TRY(sf_plan_tensor(plan, dim, SF_NUMBER_F32, SF_ORDER_PLAIN, true, &compiler->input[i]));
    }
    SF_TRY(sf_plan_tensor(plan, flat, SF_NUMBER_F32, SF_ORDER_PLAIN, true, &compiler->parameters));
    plan->tensor[compiler->parameters].weights = true;
    if (!compiler->options.training) return SF_OK;
    SF_TRY(sf_plan_tensor(plan, flat, SF_NUMBER_F32, SF_ORDER_PLAIN, true,
                          &compiler->parameter_gradient));
    sf_compile_dim(compiler, graph->output, dim);
    return sf_plan_tensor(plan, dim, SF_NUMBER_F32, SF_ORDER_PLAIN, true,
                          &compiler->output_gradient);
}

static size_t count_lanes(size_t batch)
{
    size_t lanes = batch / LANE_SAMPLES;

    if (lanes < FEW_LANES) lanes = FEW_LANES;
    if (lanes > MOST_LANES) lanes = MOST_LANES;
    while (batch % lanes != 0) lanes--;
    return lanes;
}

/* Gives a lane its slice of a buffer of all lanes, which the first lane makes; a tensor that does
 * not grow with the batch is one for all. */
static sf_status share(sf_engine *engine, sf_plan *plan, size_t tensor, bool per_sample,
                       float **buffer)
{
    const size_t lane = (size_t)(plan - engine->lane);
    const size_t count = plan->tensor[tensor].bytes / sizeof(float);

    if (lane == 0) {
        const size_t whole = per_sample ? engine->lanes * count : count;

        SF_TRY(sf_allocate(buffer, whole, sizeof **buffer));
        engine->bytes += whole * sizeof **buffer;
    }
    sf_plan_place(plan, tensor, per_sample ? *buffer + lane * count : *buffer);
    return SF_OK;
}

static sf_status connect_lane(sf_engine *engine, const sf_compiler *compiler, size_t batch)
{
    const sf_graph *graph = compiler->graph;
    sf_plan *plan = compiler->plan;

    for (size_t i = 0; i < graph->input_count; i++) {
        const bool per_sample = i == 0 || plan->tensor[compiler->input[i]].dim[0] == batch;

        SF_TRY(share(engine, plan, compiler->input[i], per_sample, &engine->input[i]));
    }
    SF_TRY(share(engine, plan, compiler->output, true, &engine->output));
    if (!engine->options.training) return SF_OK;
    SF_TRY(share(engine, plan, compiler->output_gradient, true, &engine->output_gradient));
    if (compiler->input_gradient != SF_NO_TENSOR)
        SF_TRY(share(engine, plan, compiler->input_gradient, true, &engine->input_gradient));
    return SF_OK;
}

static sf_status compile_lane(sf_engine *engine, const sf_graph *graph, const sf_shape *image,
                              sf_plan *plan)
{
    sf_compiler compiler = {.options = engine->options,
                            .plan = plan,
                            .number = engine->options.bf16 ? SF_NUMBER_BF16 : SF_NUMBER_F32};
    const sf_plan *leader = plan == engine->lane ? NULL : engine->lane;
    sf_status status;

    SF_GO(sf_plan_create(engine->lane_threads, leader, plan));
    SF_GO(start_compiler(&compiler, graph));
    SF_GO(make_fixed(&compiler, graph->constant_count));
    SF_GO(sf_compile_forward(&compiler));
    if (engine->options.training) SF_GO(sf_compile_backward(&compiler));
    SF_GO(connect_lane(engine, &compiler, image->dim[0]));
    SF_GO(sf_plan_finish(plan));
    engine->bytes += plan->arena_bytes;
    engine->parameters = compiler.parameters;
    engine->lane_gradient = compiler.parameter_gradient;
    engine->output_shape = compiler.shape[graph->output];
done:
    stop_compiler(&compiler);
    return status;
}

/* `graph` is resolved for a lane's slice of the batch. */
static sf_status compile(sf_engine *engine, const sf_graph *graph, const sf_shape *slice)
{
    const bool sums = engine->options.training && !engine->options.frozen;

    if (sums && graph->folds_weights)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "some weights are combined with the image's size before they are used: "
                       "this network cannot be trained");
    engine->parameter_count = graph->parameter_count;
    engine->input_count = graph->input_count;
    SF_TRY(sf_allocate(&engine->lane, engine->lanes, sizeof *engine->lane));
    omp_set_num_threads(engine->lane_threads); /* primitives are compiled for so many */
    for (size_t i = 0; i < engine->lanes; i++)
        SF_TRY(compile_lane(engine, graph, slice, &engine->lane[i]));
    engine->output_shape.dim[0] *= engine->lanes;
    engine->output_count = 1;
    for (int i = 0; i < engine->output_shape.rank; i++)
        engine->output_count *= engine->output_shape.dim[i];
    if (sums)
        SF_TRY(sf_allocate(&engine->parameter_gradient, engine->parameter_count,
                           sizeof *engine->parameter_gradient));
    sf_graph_get_parameters(graph, sf_plan_data(engine->lane, engine->parameters));
    return sf_plan_run(engine->lane, SF_SECTION_WEIGHTS);
}

static sf_status resolve_and_compile(sf_engine *engine, const sf_graph *graph,
                                     const sf_shape *image)
{
    const bool sums = engine->options.training && !engine->options.frozen;
    sf_shape slice = *image;
    sf_graph *resolved;
    sf_status status;

    engine->lanes = sums && image->rank > 0 ? count_lanes(image->dim[0]) : 1;
    engine->lane_threads = sums ? 1 : engine->threads;
    slice.dim[0] /= engine->lanes;
    SF_TRY(sf_graph_resolve(graph, &slice, NULL, &resolved));
    status = compile(engine, resolved, &slice);
    sf_graph_release(&resolved);
    return status;
}

/* Normalisation has no place in the engine: it is folded into the convolutions of a copy, unless
 * gradients are asked for of the parameters that vanish with it. */
static sf_status without_normalisation(const sf_graph *graph, sf_graph **folded)
{
    *folded = NULL;
    for (size_t i = 0; i < graph->node_count; i++)
        if (graph->node[i].op == SF_OP_BATCH_NORM) {
            SF_TRY(sf_graph_copy(graph, folded));
            return sf_graph_simplify(*folded);
        }
    return SF_OK;
}

sf_status sf_engine_create(const sf_graph *graph, const sf_shape *image,
                           const sf_engine_options *options, sf_engine **engine)
{
    const int before = omp_get_max_threads();
    sf_engine *made = NULL;
    sf_graph *folded = NULL;
    sf_status status;

    *engine = NULL;
    if (options->bf16 && !sf_dnn_has_bf16())
        return sf_fail(SF_ERR_UNSUPPORTED, "this processor has no bf16 arithmetic: do without");
    if (!options->training || options->frozen) SF_TRY(without_normalisation(graph, &folded));
    SF_GO(sf_allocate(&made, 1, sizeof *made));
    made->options = *options;
    made->threads = omp_in_parallel() ? 1 : sf_thread_count();
    SF_GO(resolve_and_compile(made, folded != NULL ? folded : graph, image));
    *engine = made;
    made = NULL;
done:
    omp_set_num_threads(before);
    sf_engine_release(&made);
    sf_graph_release(&folded);
    return status;
}

void sf_engine_release(sf_engine **engine)
{
    sf_engine *e = *engine;

    if (e == NULL) return;
    for (size_t i = 0; e->lane != NULL && i < e->lanes; i++) sf_plan_release(&e->lane[i]);
    sf_free(e->lane);
    sf_free(e->input[0]);
    sf_free(e->input[1]);
    sf_free(e->output);
    sf_free(e->output_gradient);
    sf_free(e->input_gradient);
    sf_free(e->parameter_gradient);
    sf_free(e);
    *engine = NULL;
}

/* ---- use ------------------------------------------------------------------------------- */

float *sf_engine_input(sf_engine *engine, size_t index)
{
    return index < engine->input_count ? engine->input[index] : NULL;
}

const float *sf_engine_output(const sf_engine *engine) { return engine->output; }
const sf_shape *sf_engine_output_shape(const sf_engine *engine) { return &engine->output_shape; }

const float *sf_engine_parameter_gradient(const sf_engine *engine)
{
    return engine->parameter_gradient;
}

const float *sf_engine_input_gradient(const sf_engine *engine) { return engine->input_gradient; }

/* One lane in a thread that is outside every parallel region, wherever the caller is. */
typedef struct errand {
    const sf_plan *plan;
    sf_section section;
    sf_status status;
    char message[512];
} errand;

static void *run_errand(void *argument)
{
    errand *e = argument;

    e->status = sf_plan_run(e->plan, e->section);
    if (e->status != SF_OK) (void)snprintf(e->message, sizeof e->message, "%s", sf_last_error());
    return NULL;
}

/* The primitives were compiled for several threads that wait for each other, and inside a parallel
 * region OpenMP may give them only one. */
static sf_status run_outside(const sf_plan *plan, sf_section section)
{
    errand e = {.plan = plan, .section = section};
    pthread_t thread;

    if (pthread_create(&thread, NULL, run_errand, &e) != 0)
        return sf_fail(SF_ERR_MEMORY, "no resources for a thread that runs the network");
    (void)pthread_join(thread, NULL);
    return e.status == SF_OK ? SF_OK : sf_fail(e.status, "%s", e.message);
}

static sf_status run_lanes(const sf_engine *engine, sf_section section)
{
    char message[512] = "";
    sf_status status = SF_OK;

    if (engine->lanes == 1)
        return engine->lane_threads > 1 && omp_in_parallel() ? run_outside(engine->lane, section)
                                                             : sf_plan_run(engine->lane, section);
#pragma omp parallel for num_threads(engine->threads) schedule(dynamic)
    for (size_t i = 0; i < engine->lanes; i++) {
        const sf_status mine = sf_plan_run(&engine->lane[i], section);

        if (mine != SF_OK) {
#pragma omp critical(sf_engine_lanes)
            {
                (void)snprintf(message, sizeof message, "%s", sf_last_error());
                status = mine;
            }
        }
    }
    return status == SF_OK ? SF_OK : sf_fail(status, "%s", message);
}

sf_status sf_engine_forward(sf_engine *engine)
{
    engine->ran = true;
    return run_lanes(engine, SF_SECTION_FORWARD);
}

static void sum_gradients(sf_engine *engine)
{
    const float *first = sf_plan_data(engine->lane, engine->lane_gradient);

    memcpy(engine->parameter_gradient, first, engine->parameter_count * sizeof *first);
    for (size_t k = 1; k < engine->lanes; k++) {
        const float *gradient = sf_plan_data(&engine->lane[k], engine->lane_gradient);

#pragma omp parallel for num_threads(engine->threads) schedule(static)
        for (size_t i = 0; i < engine->parameter_count; i++)
            engine->parameter_gradient[i] += gradient[i];
    }
}

sf_status sf_engine_backward(sf_engine *engine, const float *output_gradient)
{
    if (!engine->options.training)
        return sf_fail(SF_ERR_UNSUPPORTED, "the network was compiled without a backward pass");
    if (!engine->ran)
        return sf_fail(SF_ERR_ARGUMENT, "a backward pass needs a forward pass before it");
    engine->ran = false; /* the activations' memory is used up */
    memcpy(engine->output_gradient, output_gradient,
           engine->output_count * sizeof *output_gradient);
    SF_TRY(run_lanes(engine, SF_SECTION_BACKWARD));
    if (!engine->options.frozen) sum_gradients(engine);
    return SF_OK;
}

sf_status sf_engine_set_parameters(sf_engine *engine, const float *flat)
{
    memcpy(sf_plan_data(engine->lane, engine->parameters), flat,
           engine->parameter_count * sizeof *flat);
    return sf_plan_run(engine->lane, SF_SECTION_WEIGHTS);
}

/* ---- what it is ------------------------------------------------------------------------ */

double sf_engine_flops(const sf_engine *engine)
{
    double flops = 0.0;

    for (int section = 0; section < SF_SECTION_COUNT; section++)
        for (size_t i = 0; i < engine->lane->steps[section].count; i++)
            flops += engine->lane->steps[section].step[i].flops;
    return flops * (double)engine->lanes;
}

size_t sf_engine_bytes(const sf_engine *engine) { return engine->bytes; }

sf_status sf_engine_describe(const sf_engine *engine, char **text)
{
    static const char *const name[SF_SECTION_COUNT] = {"weights", "forward", "backward"};
    size_t size = 0;
    FILE *stream;
    bool failed;

    *text = NULL;
    stream = open_memstream(text, &size);
    if (stream == NULL) return sf_fail(SF_ERR_MEMORY, "no memory for a description");
    for (int section = 0; section < SF_SECTION_COUNT; section++)
        for (size_t i = 0; i < engine->lane->steps[section].count; i++) {
            const sf_step *step = &engine->lane->steps[section].step[i];

            (void)fprintf(stream, "%s %zu %s %.6f\n", name[section], step->node,
                          step->primitive != NULL ? sf_primitive_name(step->primitive)
                                                  : step->kernel->name,
                          step->flops * 1e-9);
        }
    failed = ferror(stream) != 0;
    if (fclose(stream) != 0 || failed) {
        free(*text);
        *text = NULL;
        return sf_fail(SF_ERR_MEMORY, "no memory for a description");
    }
    return SF_OK;
}
