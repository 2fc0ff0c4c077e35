/* reference.c - a network in plain C and double precision: what the engine is tested against.
 *
 * Every value is kept, the nodes run one after the other, and the backward pass runs them in
 * reverse (Griewank & Walther 2008, Evaluating Derivatives, chapter 3). */
#include "network/reference.h"

#include "base/internal.h"
#include "network/operator.h"

#include <string.h>

typedef struct sf_tape {
    sf_graph *graph; /* resolved: its weights are those of the graph that was given */
    sf_shape *shape;
    double **value, **gradient;
    size_t count;
} sf_tape;

static void release_arrays(double **array, size_t count)
{
    for (size_t i = 0; array != NULL && i < count; i++) sf_free(array[i]);
    sf_free(array);
}

static void release(sf_tape *tape)
{
    release_arrays(tape->value, tape->count);
    release_arrays(tape->gradient, tape->count);
    sf_free(tape->shape);
    sf_graph_release(&tape->graph);
}

/* A zeroed array for each value. */
static sf_status make_arrays(const sf_tape *tape, double ***array)
{
    size_t size;

    SF_TRY(sf_allocate(array, tape->count, sizeof **array));
    for (size_t i = 0; i < tape->count; i++) {
        SF_TRY(sf_shape_size(&tape->shape[i], &size));
        SF_TRY(sf_allocate(&(*array)[i], size, sizeof ***array));
    }
    return SF_OK;
}

static void set_constants(const double *parameters, const sf_tape *tape)
{
    for (size_t i = 0; i < tape->count; i++) {
        const sf_value *value = &tape->graph->value[i];
        const bool given = parameters != NULL && value->borrowed;

        for (size_t k = 0; value->constant != NULL && k < sf_shape_count(&tape->shape[i]); k++)
            tape->value[i][k] =
                given ? parameters[value->parameter + k] : (double)value->constant[k];
    }
}

static void run(const sf_tape *tape, size_t node)
{
    const sf_work work = {&tape->graph->node[node], tape->shape, tape->value, tape->gradient};

    sf_operator_of(work.node->op)->reference(&work);
}

static sf_status evaluate(const sf_graph *graph, const sf_shape *image, const double *input,
                          const double *second, const double *parameters, sf_tape *tape)
{
    const double *const given[] = {input, second};

    SF_TRY(sf_graph_resolve(graph, image, NULL, &tape->graph));
    graph = tape->graph;
    tape->count = graph->value_count;
    SF_TRY(sf_allocate(&tape->shape, tape->count, sizeof *tape->shape));
    for (size_t i = 0; i < tape->count; i++) tape->shape[i] = graph->value[i].shape;
    SF_TRY(make_arrays(tape, &tape->value));
    for (size_t i = 0; i < graph->input_count && i < sizeof given / sizeof *given; i++) {
        if (given[i] == NULL)
            return sf_fail(SF_ERR_ARGUMENT, "input %zu ('%s') of the network is not given", i,
                           graph->value[graph->input[i]].name);
        memcpy(tape->value[graph->input[i]], given[i],
               sf_shape_count(&tape->shape[graph->input[i]]) * sizeof **given);
    }
    set_constants(parameters, tape);
    for (size_t i = 0; i < graph->node_count; i++) run(tape, i);
    return SF_OK;
}

/* The output itself, which may be an input passed on. */
static sf_status take_output(sf_tape *tape, double **output, sf_shape *shape)
{
    const size_t value = tape->graph->output;

    *shape = tape->shape[value];
    return sf_copy_memory(tape->value[value], sf_shape_count(shape), sizeof **output, output);
}

sf_status sf_reference_forward(const sf_graph *graph, const sf_shape *image, const double *input,
                               const double *second, const double *parameters, double **output,
                               sf_shape *shape)
{
    sf_tape tape = {0};
    sf_status status;

    *output = NULL;
    SF_GO(evaluate(graph, image, input, second, parameters, &tape));
    SF_GO(take_output(&tape, output, shape));
done:
    release(&tape);
    return status;
}

/* A weight may be there several times, in several shapes. */
static void read_parameters(const sf_tape *tape, double *gradient)
{
    memset(gradient, 0, tape->graph->parameter_count * sizeof *gradient);
    for (size_t i = 0; i < tape->count; i++) {
        const sf_value *value = &tape->graph->value[i];

        for (size_t k = 0;
             value->constant != NULL && value->borrowed && k < sf_shape_count(&tape->shape[i]); k++)
            gradient[value->parameter + k] += tape->gradient[i][k];
    }
}

sf_status sf_reference_backward(const sf_graph *graph, const sf_shape *image, const double *input,
                                const double *second, const double *parameters,
                                const double *output_gradient, double *input_gradient,
                                double *parameter_gradient)
{
    sf_tape tape = {0};
    sf_status status;

    SF_GO(evaluate(graph, image, input, second, parameters, &tape));
    SF_GO(make_arrays(&tape, &tape.gradient));
    graph = tape.graph;
    memcpy(tape.gradient[graph->output], output_gradient,
           sf_shape_count(&tape.shape[graph->output]) * sizeof *output_gradient);
    for (size_t i = graph->node_count; i > 0; i--) run(&tape, i - 1);
    if (input_gradient != NULL)
        memcpy(input_gradient, tape.gradient[graph->input[0]],
               sf_shape_count(&tape.shape[graph->input[0]]) * sizeof *input_gradient);
    if (parameter_gradient != NULL) read_parameters(&tape, parameter_gradient);
done:
    release(&tape);
    return status;
}
