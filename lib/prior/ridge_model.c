/* ridge_model.c - a convex ridge from and to ONNX, as the network that its gradient is:
 *     R'(x) = ConvTranspose(sum_j a_j Clip(Conv(x, w), -b_j, b_j), w). */
#include "base/internal.h"
#include "network/graph.h"
#include "prior/ridge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY         "scorefield.ridge"
#define MOST_KNOTS  64
#define NUMBER_SIZE 32

bool sf_model_is_ridge(const sf_model *model) { return sf_model_metadata(model, KEY) != NULL; }

/* ---- writing --------------------------------------------------------------------------------- */

/* The first failure stays; later calls do nothing. */
typedef struct builder {
    sf_graph *graph;
    size_t values;
    sf_status status;
} builder;

static size_t add_value(builder *b, const char *name, const sf_shape *shape, const double *numbers,
                        size_t count)
{
    char text[32];
    float *constant = NULL;
    size_t index = 0;

    (void)snprintf(text, sizeof text, "value%zu", b->values++);
    if (b->status == SF_OK && numbers != NULL)
        b->status = sf_allocate(&constant, count, sizeof *constant);
    if (b->status != SF_OK) return 0;
    for (size_t i = 0; i < count && constant != NULL; i++) constant[i] = (float)numbers[i];
    b->status = sf_graph_add_value(b->graph, name != NULL ? name : text, shape, constant, &index);
    sf_free(constant);
    return index;
}

static size_t add_node(builder *b, sf_node node, size_t *input, size_t count)
{
    static const sf_shape unknown = {.rank = 4};
    char name[32];

    (void)snprintf(name, sizeof name, "node%zu", b->values);
    node.name = name;
    node.input = input;
    node.input_count = count;
    node.output = add_value(b, NULL, &unknown, NULL, 0);
    if (b->status == SF_OK) b->status = sf_graph_add_node(b->graph, &node);
    return node.output;
}

/* a_j Clip(t, -b_j, b_j), the a_j of all filters in `slope`. */
static size_t add_part(builder *b, const sf_ridge *r, size_t t, size_t j, const double *slope)
{
    const sf_shape each = {.rank = 4, .dim = {1, r->filters, 1, 1}}, one = {.rank = 0};
    const double limits[2] = {-r->threshold[j], r->threshold[j]};
    size_t input[3] = {t, 0, 0};
    char name[48];

    for (size_t i = 0; i < 2 && isfinite(limits[1]); i++) {
        (void)snprintf(name, sizeof name, "ridge.limit%zu.%zu", j, i);
        input[1 + i] = add_value(b, name, &one, &limits[i], 1);
    }
    input[0] = add_node(b, (sf_node){.op = SF_OP_CLIP}, input, isfinite(limits[1]) ? 3 : 1);
    (void)snprintf(name, sizeof name, "ridge.slope%zu", j);
    input[1] = add_value(b, name, &each, slope, r->filters);
    return add_node(b, (sf_node){.op = SF_OP_MUL}, input, 2);
}

static void build(builder *b, const sf_ridge *r, double *slope)
{
    const sf_shape image = {.rank = 4, .dim = {0, 1, 0, 0}};
    const sf_shape taps = {.rank = 4, .dim = {r->filters, 1, r->side, r->side}};
    const sf_node window = {
        .kernel = {r->side, r->side}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1};
    sf_node conv = window, back = window;
    size_t input[2], t, sum = 0;

    conv.op = SF_OP_CONV;
    back.op = SF_OP_CONV_TRANSPOSE;
    input[0] = add_value(b, "image", &image, NULL, 0);
    b->graph->input[0] = input[0];
    b->graph->input_count = 1;
    input[1] = add_value(b, "ridge.filters", &taps, r->taps, r->filters * r->side * r->side);
    t = add_node(b, conv, input, 2);
    for (size_t j = 0; j < r->knots; j++) {
        size_t part;
        for (size_t i = 0; i < r->filters; i++) slope[i] = r->slope[i * r->knots + j];
        part = add_part(b, r, t, j, slope);
        sum = j == 0 ? part : add_node(b, (sf_node){.op = SF_OP_ADD}, (size_t[]){sum, part}, 2);
    }
    input[0] = sum;
    b->graph->output = add_node(b, back, input, 2);
}

/* The thresholds as a list. */
static sf_status write_thresholds(const sf_ridge *r, sf_graph *graph)
{
    char text[MOST_KNOTS * NUMBER_SIZE] = "";
    size_t used = 0;

    for (size_t j = 0; j < r->knots; j++) {
        if (j > 0) text[used++] = ',';
        sf_number_to_text(r->threshold[j], text + used, NUMBER_SIZE - 1);
        used += strlen(text + used);
    }
    return sf_graph_set_metadata(graph, KEY, text);
}

sf_status sf_ridge_to_model(const sf_ridge *r, sf_model **model)
{
    sf_model_usage usage = sf_model_usage_default();
    double *slope = NULL;
    sf_model *plain = NULL;
    builder b = {0};
    sf_status status;

    *model = NULL;
    if (r->knots > MOST_KNOTS)
        return sf_fail(SF_ERR_UNSUPPORTED, "a ridge with %zu thresholds: files take %d", r->knots,
                       MOST_KNOTS);
    SF_GO(sf_graph_create(&b.graph));
    SF_GO(sf_allocate(&slope, r->filters, sizeof *slope));
    build(&b, r, slope);
    SF_GO(b.status);
    SF_GO(sf_graph_finish(b.graph));
    SF_GO(write_thresholds(r, b.graph));
    SF_GO(sf_model_from_graph(b.graph, &plain));
    b.graph = NULL; /* given away */
    usage.prediction = SF_PREDICT_RESIDUAL;
    status = sf_model_with_usage(plain, &usage, model);
done:
    sf_graph_release(&b.graph);
    sf_model_release(&plain);
    sf_free(slope);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

static sf_status no_ridge(const char *what)
{
    return sf_fail(SF_ERR_FORMAT, "the model is no convex ridge: %s", what);
}

static const sf_value *find(const sf_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->value_count; i++)
        if (graph->value[i].constant != NULL && strcmp(graph->value[i].name, name) == 0)
            return &graph->value[i];
    return NULL;
}

static sf_status read_thresholds(const sf_model *model, double *threshold, size_t *knots)
{
    const char *text = sf_model_metadata(model, KEY);

    *knots = 0;
    if (text == NULL) return no_ridge("its metadata has no " KEY);
    for (;;) {
        char *end;
        if (*knots == MOST_KNOTS) return no_ridge("it has too many thresholds");
        threshold[(*knots)++] = sf_text_to_number(text, &end);
        if (end == text || (*end != ',' && *end != '\0'))
            return no_ridge(KEY " is no list of numbers");
        if (*end == '\0') return SF_OK;
        text = end + 1;
    }
}

/* The slopes of threshold j. */
static sf_status read_slopes(const sf_graph *graph, size_t filters, size_t knots, size_t j,
                             double *slope)
{
    const sf_value *value;
    char name[48];

    (void)snprintf(name, sizeof name, "ridge.slope%zu", j);
    value = find(graph, name);
    if (value == NULL || value->shape.rank != 4 || value->shape.dim[1] != filters ||
        value->shape.dim[0] * value->shape.dim[2] * value->shape.dim[3] != 1)
        return no_ridge("a threshold has no slopes, one a filter");
    for (size_t i = 0; i < filters; i++) slope[i * knots + j] = (double)value->constant[i];
    return SF_OK;
}

sf_status sf_ridge_from_model(const sf_model *model, sf_ridge **ridge)
{
    const sf_graph *graph = sf_model_graph(model);
    const sf_value *filters = find(graph, "ridge.filters");
    double threshold[MOST_KNOTS], *taps = NULL, *slope = NULL;
    size_t knots, count, side;
    sf_status status;

    *ridge = NULL;
    SF_TRY(read_thresholds(model, threshold, &knots));
    if (filters == NULL || filters->shape.rank != 4 || filters->shape.dim[1] != 1 ||
        filters->shape.dim[2] != filters->shape.dim[3])
        return no_ridge("it has no square filters");
    count = filters->shape.dim[0];
    side = filters->shape.dim[2];
    SF_GO(sf_allocate(&taps, count, side * side * sizeof *taps));
    SF_GO(sf_allocate(&slope, count, knots * sizeof *slope));
    for (size_t i = 0; i < count * side * side; i++) taps[i] = (double)filters->constant[i];
    for (size_t j = 0; j < knots; j++) SF_GO(read_slopes(graph, count, knots, j, slope));
    status = sf_ridge_create(count, side, taps, knots, threshold, slope, ridge);
done:
    sf_free(taps);
    sf_free(slope);
    return status;
}
