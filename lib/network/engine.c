/* engine.c - a graph compiled for one shape: creation, and the calls of engine.h. */
#include "network/engine.h"

#include "network/compile.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sf_engine {
    sf_plan plan;
    sf_engine_options options;
    sf_shape output_shape;
    size_t parameter_count, input_count;
    size_t input[2], output, parameters, parameter_gradient, output_gradient, input_gradient;
    bool ran; /* a forward that no backward has used up */
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

static sf_status start_compiler(sf_compiler *compiler, const sf_graph *graph, const sf_shape *image)
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
    SF_TRY(sf_graph_shapes(graph, image, compiler->shape));
    for (size_t v = 0; v < values; v++)
        if (compiler->shape[v].rank > 4 && graph->value[v].constant == NULL)
            return sf_fail(SF_ERR_UNSUPPORTED, "value \"%s\" has %d dimensions, more than 4",
                           graph->value[v].name, compiler->shape[v].rank);
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

/* What the caller sees, and the flat parameters: they keep their memory. */
static sf_status make_fixed(sf_compiler *compiler, size_t parameter_count)
{
    const size_t flat[4] = {1, 1, 1, parameter_count > 0 ? parameter_count : 1};
    const sf_graph *graph = compiler->graph;
    sf_plan *plan = compiler->plan;
    size_t dim[4];

    for (size_t i = 0; i < graph->input_count; i++) {
        sf_compile_dim(compiler, graph->input[i], dim);
        SF_TRY(sf_plan_tensor(plan, dim, SF_NUMBER_F32, SF_ORDER_PLAIN, true, &compiler->input[i]));
    }
    SF_TRY(sf_plan_tensor(plan, flat, SF_NUMBER_F32, SF_ORDER_PLAIN, true, &compiler->parameters));
    if (!compiler->options.training) return SF_OK;
    SF_TRY(sf_plan_tensor(plan, flat, SF_NUMBER_F32, SF_ORDER_PLAIN, true,
                          &compiler->parameter_gradient));
    sf_compile_dim(compiler, graph->output, dim);
    return sf_plan_tensor(plan, dim, SF_NUMBER_F32, SF_ORDER_PLAIN, true,
                          &compiler->output_gradient);
}

static sf_status compile(sf_engine *engine, const sf_graph *graph, const sf_shape *image)
{
    sf_compiler compiler = {.options = engine->options,
                            .plan = &engine->plan,
                            .number = engine->options.bf16 ? SF_NUMBER_BF16 : SF_NUMBER_F32};
    sf_status status;

    SF_GO(start_compiler(&compiler, graph, image));
    SF_GO(make_fixed(&compiler, graph->parameter_count));
    SF_GO(sf_compile_forward(&compiler));
    if (engine->options.training) SF_GO(sf_compile_backward(&compiler));
    SF_GO(sf_plan_finish(&engine->plan));
    memcpy(engine->input, compiler.input, sizeof engine->input);
    engine->output = compiler.output;
    engine->parameters = compiler.parameters;
    engine->parameter_gradient = compiler.parameter_gradient;
    engine->output_gradient = compiler.output_gradient;
    engine->input_gradient = compiler.input_gradient;
    engine->output_shape = compiler.shape[graph->output];
    engine->parameter_count = graph->parameter_count;
    engine->input_count = graph->input_count;
    sf_graph_get_parameters(graph, sf_plan_data(&engine->plan, engine->parameters));
    SF_GO(sf_plan_run(&engine->plan, SF_SECTION_WEIGHTS));
done:
    stop_compiler(&compiler);
    return status;
}

/* Normalisation has no place in the engine: it is folded into the convolutions of a copy. */
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
    const int threads = omp_in_parallel() ? 1 : sf_thread_count();
    const int before = omp_get_max_threads();
    sf_engine *made = NULL;
    sf_graph *folded = NULL;
    sf_status status;

    *engine = NULL;
    if (options->bf16 && !options->training)
        return sf_fail(SF_ERR_ARGUMENT, "bf16 is for training: inference runs in single precision");
    if (options->bf16 && !sf_dnn_has_bf16())
        return sf_fail(SF_ERR_UNSUPPORTED, "this processor has no bf16 arithmetic: train without");
    if (!options->training) SF_TRY(without_normalisation(graph, &folded));
    omp_set_num_threads(threads); /* primitives are compiled for a number of threads */
    SF_GO(sf_allocate(&made, 1, sizeof *made));
    made->options = *options;
    SF_GO(sf_plan_create(threads, &made->plan));
    SF_GO(compile(made, folded != NULL ? folded : graph, image));
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
    if (*engine == NULL) return;
    sf_plan_release(&(*engine)->plan);
    sf_free(*engine);
    *engine = NULL;
}

/* ---- use ------------------------------------------------------------------------------- */

float *sf_engine_input(sf_engine *engine, size_t index)
{
    return index < engine->input_count ? sf_plan_data(&engine->plan, engine->input[index]) : NULL;
}

const float *sf_engine_output(const sf_engine *engine)
{
    return sf_plan_data(&engine->plan, engine->output);
}

const sf_shape *sf_engine_output_shape(const sf_engine *engine) { return &engine->output_shape; }

/* A primitive compiled for several threads waits for all of them. */
static sf_status check_threads(const sf_engine *engine)
{
    if (engine->plan.threads > 1 && omp_in_parallel())
        return sf_fail(SF_ERR_ARGUMENT,
                       "a network compiled for %d threads cannot run inside a parallel region: "
                       "create it there, too",
                       engine->plan.threads);
    return SF_OK;
}

sf_status sf_engine_forward(sf_engine *engine)
{
    SF_TRY(check_threads(engine));
    engine->ran = true;
    return sf_plan_run(&engine->plan, SF_SECTION_FORWARD);
}

sf_status sf_engine_backward(sf_engine *engine, const float *output_gradient)
{
    size_t count = 1;

    SF_TRY(check_threads(engine));
    if (!engine->options.training)
        return sf_fail(SF_ERR_UNSUPPORTED, "the network was compiled without a backward pass");
    if (!engine->ran)
        return sf_fail(SF_ERR_ARGUMENT, "a backward pass needs a forward pass before it");
    engine->ran = false; /* the activations' memory is used up */
    for (int i = 0; i < engine->output_shape.rank; i++) count *= engine->output_shape.dim[i];
    memcpy(sf_plan_data(&engine->plan, engine->output_gradient), output_gradient,
           count * sizeof *output_gradient);
    return sf_plan_run(&engine->plan, SF_SECTION_BACKWARD);
}

const float *sf_engine_parameter_gradient(const sf_engine *engine)
{
    return engine->options.training ? sf_plan_data(&engine->plan, engine->parameter_gradient)
                                    : NULL;
}

const float *sf_engine_input_gradient(const sf_engine *engine)
{
    if (!engine->options.training || engine->input_gradient == SF_NO_TENSOR) return NULL;
    return sf_plan_data(&engine->plan, engine->input_gradient);
}

sf_status sf_engine_set_parameters(sf_engine *engine, const float *flat)
{
    SF_TRY(check_threads(engine));
    memcpy(sf_plan_data(&engine->plan, engine->parameters), flat,
           engine->parameter_count * sizeof *flat);
    return sf_plan_run(&engine->plan, SF_SECTION_WEIGHTS);
}

/* ---- what it is ------------------------------------------------------------------------ */

double sf_engine_flops(const sf_engine *engine)
{
    double flops = 0.0;

    for (int section = 0; section < SF_SECTION_COUNT; section++)
        for (size_t i = 0; i < engine->plan.steps[section].count; i++)
            flops += engine->plan.steps[section].step[i].flops;
    return flops;
}

size_t sf_engine_bytes(const sf_engine *engine) { return engine->plan.arena_bytes; }

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
        for (size_t i = 0; i < engine->plan.steps[section].count; i++) {
            const sf_step *step = &engine->plan.steps[section].step[i];

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
