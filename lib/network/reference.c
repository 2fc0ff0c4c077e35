/* reference.c - a network in plain C and double precision: what the engine is tested against.
 *
 * Every value is kept, the nodes run one after the other, and the backward pass runs them in
 * reverse (Griewank & Walther 2008, Evaluating Derivatives, chapter 3). */
#include "network/reference.h"

#include "base/internal.h"

#include <string.h>

typedef struct sf_tape {
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

static size_t size_of(const sf_tape *tape, size_t value)
{
    size_t size = 1;

    for (int axis = 0; axis < tape->shape[value].rank; axis++) size *= tape->shape[value].dim[axis];
    return size;
}

static void set_constants(const sf_graph *graph, const double *parameters, const sf_tape *tape)
{
    for (size_t i = 0; i < graph->value_count; i++) {
        const sf_value *value = &graph->value[i];

        for (size_t k = 0; value->constant != NULL && k < size_of(tape, i); k++)
            tape->value[i][k] =
                parameters == NULL ? (double)value->constant[k] : parameters[value->parameter + k];
    }
}

static void run(const sf_graph *graph, const sf_tape *tape, size_t node)
{
    const sf_work work = {&graph->node[node], tape->shape, tape->value, tape->gradient};

    sf_reference_rule(work.node->op)(&work);
}

static sf_status evaluate(const sf_graph *graph, const sf_shape *image, const double *input,
                          const double *second, const double *parameters, sf_tape *tape)
{
    const double *const given[] = {input, second};

    tape->count = graph->value_count;
    SF_TRY(sf_allocate(&tape->shape, tape->count, sizeof *tape->shape));
    SF_TRY(sf_graph_shapes(graph, image, tape->shape));
    SF_TRY(make_arrays(tape, &tape->value));
    for (size_t i = 0; i < graph->input_count && i < sizeof given / sizeof *given; i++) {
        if (given[i] == NULL)
            return sf_fail(SF_ERR_ARGUMENT, "input %zu ('%s') of the network is not given", i,
                           graph->value[graph->input[i]].name);
        memcpy(tape->value[graph->input[i]], given[i],
               size_of(tape, graph->input[i]) * sizeof **given);
    }
    set_constants(graph, parameters, tape);
    for (size_t i = 0; i < graph->node_count; i++) run(graph, tape, i);
    return SF_OK;
}

sf_status sf_reference_forward(const sf_graph *graph, const sf_shape *image, const double *input,
                               const double *second, const double *parameters, double **output,
                               sf_shape *shape)
{
    sf_tape tape = {0};
    sf_status status;

    *output = NULL;
    SF_GO(evaluate(graph, image, input, second, parameters, &tape));
    *shape = tape.shape[graph->output];
    *output = tape.value[graph->output];
    tape.value[graph->output] = NULL;
done:
    release(&tape);
    return status;
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
    memcpy(tape.gradient[graph->output], output_gradient,
           size_of(&tape, graph->output) * sizeof *output_gradient);
    for (size_t i = graph->node_count; i > 0; i--) run(graph, &tape, i - 1);
    if (input_gradient != NULL)
        memcpy(input_gradient, tape.gradient[graph->input[0]],
               size_of(&tape, graph->input[0]) * sizeof *input_gradient);
    for (size_t i = 0; parameter_gradient != NULL && i < graph->value_count; i++)
        if (graph->value[i].constant != NULL)
            memcpy(parameter_gradient + graph->value[i].parameter, tape.gradient[i],
                   size_of(&tape, i) * sizeof *parameter_gradient);
done:
    release(&tape);
    return status;
}
