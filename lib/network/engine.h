/* engine.h - a graph compiled by oneDNN for one shape: forward, and backward for training.
 * Internal. All memory is taken at creation. */
#ifndef SF_NETWORK_ENGINE_H
#define SF_NETWORK_ENGINE_H

#include "graph.h"

typedef struct sf_engine sf_engine;

typedef struct sf_engine_options {
    bool training;       /* keep activations, and compile the backward primitives */
    bool bf16;           /* bf16 activations and gradients, f32 weights and sums;
                            SF_ERR_UNSUPPORTED unless sf_engine_has_bf16() */
    bool direct;         /* inference only: no Winograd convolutions, which are up to twice as fast
                            and round at 1e-6 instead of 1e-7 */
    bool input_gradient; /* training only: the backward pass also goes to input 0 */
    bool frozen;         /* training only: no gradient of the parameters */
} sf_engine_options;

sf_status sf_engine_create(const sf_graph *graph, const sf_shape *image,
                           const sf_engine_options *options, sf_engine **engine);
void sf_engine_release(sf_engine **engine);

/* Plain NCHW float buffers owned by the engine; write input `index` before a forward. */
float *sf_engine_input(sf_engine *engine, size_t index);
const float *sf_engine_output(const sf_engine *engine);
const sf_shape *sf_engine_output_shape(const sf_engine *engine);

sf_status sf_engine_forward(sf_engine *engine);
/* Training engines, once after each forward: gradients of sum(output * output_gradient). */
sf_status sf_engine_backward(sf_engine *engine, const float *output_gradient);
/* The flat gradient (graph->parameter_count) of the last backward; NULL when frozen. */
const float *sf_engine_parameter_gradient(const sf_engine *engine);
/* NCHW gradient with respect to input 0 of the last backward; NULL without input_gradient. */
const float *sf_engine_input_gradient(const sf_engine *engine);
/* New flat parameters for the next forward. */
sf_status sf_engine_set_parameters(sf_engine *engine, const float *flat);

double sf_engine_flops(const sf_engine *engine);
size_t sf_engine_bytes(const sf_engine *engine);
/* For benchmarks and tests: a line per primitive: node, implementation name, GFLOP. */
sf_status sf_engine_describe(const sf_engine *engine, char **text); /* sf_free */
/* Whether this processor multiplies bf16 numbers itself. */
bool sf_engine_has_bf16(void);
/* "oneDNN 2.6.3" */
const char *sf_engine_library(void);

#endif
